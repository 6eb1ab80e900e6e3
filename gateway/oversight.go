package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/absah-id/absah/evidence"
)

// Operations finds operations of the caller's organisation. An application
// finds its own; investigators and auditors find all, and that they looked is
// itself on record.
func (g *Gateway) Operations(ctx context.Context, c Caller, q OperationQuery) (found []Operation, err error) {
	if err := g.checkQuery(ctx, c, q); err != nil {
		return nil, err
	}
	if err := g.readOperations(ctx, c, "operations.search", &q, ""); err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if err := q.checkApplication(ctx, r); err != nil {
			return err
		}
		found, err = r.Operations(ctx, q)
		return err
	})
	return found, err
}

// readOperations narrows an application's search to itself, and records that
// of others.
func (g *Gateway) readOperations(ctx context.Context, c Caller, act string, q *OperationQuery, id string) error {
	if err := g.allow(ctx, c, act, RoleApplication, RoleInvestigator, RoleSupervisor, RoleAuditor); err != nil {
		return err
	}
	if c.Application.Role == RoleApplication {
		q.Application = c.Application.ID
		return nil
	}
	q.Sight = c.sight()
	detail, err := g.asked(ctx, c, map[string]string{
		ofKind: q.Kind, ofApplication: q.Application, ofSigner: q.Signer, ofDocument: q.Document, ofOperation: id,
	})
	if err != nil {
		return err
	}
	if q.Digest != ([32]byte{}) {
		detail["of-digest"] = hex.EncodeToString(q.Digest[:])
	}
	return g.record(ctx, c, evidence.Record{Kind: act, Result: evidence.Result{Status: evidence.StatusOK}, Detail: detail})
}

// OnRecord is an operation with everything that is on record of it.
type OnRecord struct {
	Operation
	Entries []evidence.Entry
}

// Operation returns one operation. An application that asks for another's gets
// the same answer as for one that does not exist.
func (g *Gateway) Operation(ctx context.Context, c Caller, id string) (*OnRecord, error) {
	return g.operation(ctx, c, "operation.read", id)
}

func (g *Gateway) operation(ctx context.Context, c Caller, act, id string) (*OnRecord, error) {
	q := OperationQuery{}
	if err := g.readOperations(ctx, c, act, &q, id); err != nil {
		return nil, err
	}
	var found OnRecord
	err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if found.Operation, err = r.Operation(ctx, id); err != nil {
			return err
		}
		if q.Application != "" && found.Operation.Application != q.Application {
			return ErrNotFound
		}
		if found.Case != "" {
			switch hidden, err := r.CaseHidden(ctx, found.Case, c.sight()); {
			case err != nil:
				return err
			case hidden:
				return ErrNotFound
			}
		}
		found.Entries, err = r.EntriesOf(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// Component is a part of the gateway, and how it stands.
type Component struct {
	Name string // clock, log, database, hsm, timestamps
	Err  error  // why it does not work; nil when it does
	// Advisory is a part without which the gateway is ready all the same.
	Advisory bool
}

// Ready tells whether operations may go on: the clock is not behind the
// record, the log keeps its promises, the database writes, and the HSM signs
// with the key that health asks. All are asked, whatever the others say.
func (g *Gateway) Ready(ctx context.Context, health func(context.Context) error) []Component {
	_, clock := g.clock.present()
	return []Component{
		{Name: "clock", Err: clock},
		{Name: "log", Err: g.cfg.Notary.Ready(ctx)},
		{Name: "database", Err: g.cfg.Store.Update(ctx, AllOrganisations, func(tx Tx) error { return tx.RaiseTimeFloor(ctx, g.clock.latest()) })},
		{Name: "hsm", Err: health(ctx)},
	}
}

// OpenIntents counts the operations that have begun and not ended, to 1,000.
func (g *Gateway) OpenIntents(ctx context.Context) (n int, err error) {
	err = g.cfg.Store.View(ctx, AllOrganisations, func(r Reader) error {
		open, err := r.Dangling(ctx, g.cfg.Clock().Add(time.Minute), 1000)
		n = len(open)
		return err
	})
	return n, err
}

// tallyList writes counts as lines of digest, verdict and number.
func tallyList(counts []Tally) evidence.Blob {
	var b bytes.Buffer
	for _, t := range counts {
		fmt.Fprintf(&b, "%x %s %d\n", t.SHA256, t.Verdict, t.N)
	}
	return evidence.Blob{Kind: "tally", Data: b.Bytes()}
}

func artefactOf(b evidence.Blob) evidence.Artefact {
	sum := sha256.Sum256(b.Data)
	return evidence.Artefact{Kind: b.Kind, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b.Data))}
}

// purgeLimit bounds how many rows one transaction of Purge touches.
const purgeLimit = 500

// Purge forgets idempotency keys and sessions, and erases activations, that
// have expired.
func (g *Gateway) Purge(ctx context.Context) error {
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	for {
		var n int
		err := g.update(ctx, AllOrganisations, func(tx Tx) (err error) {
			if n, err = tx.Purge(ctx, at, purgeLimit); err != nil {
				return err
			}
			sessions, err := tx.PurgeSessions(ctx, at.Add(-SessionLifetime), purgeLimit)
			n += sessions
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
