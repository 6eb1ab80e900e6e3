package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/fault"
	"github.com/absah-id/absah/signer"
)

// AugmentRequest raises the signatures of a document to a level, or renews its
// archive.
type AugmentRequest struct {
	Level    signer.Level
	Password []byte
	Document string // public id, "" for none
}

// Augment raises a document.
func (g *Gateway) Augment(ctx context.Context, c Caller, in Upload, req AugmentRequest) (*Release, error) {
	r := evidence.Record{Kind: "augment", Subject: evidence.Subject{Document: req.Document}, Detail: map[string]string{"asked": req.Level.String()}}
	return g.extend(ctx, c, in, r, func(at time.Time) (*signer.Result, error) {
		return g.cfg.Signer.Augment(ctx, in.input(g.cfg.Limits, req.Password), req.Level, at)
	})
}

// Timestamp adds a document timestamp.
func (g *Gateway) Timestamp(ctx context.Context, c Caller, in Upload, password []byte) (*Release, error) {
	return g.extend(ctx, c, in, evidence.Record{Kind: "timestamp"}, func(at time.Time) (*signer.Result, error) {
		return g.cfg.Signer.Timestamp(ctx, in.input(g.cfg.Limits, password), at)
	})
}

// extend is what augmenting and timestamping share: no signer's key is used.
func (g *Gateway) extend(ctx context.Context, c Caller, in Upload, r evidence.Record, work func(time.Time) (*signer.Result, error)) (*Release, error) {
	if err := g.allow(ctx, c, r.Kind, RoleApplication); err != nil {
		return nil, err
	}
	if limit := c.Application.Policy.MaxBytes; limit > 0 && in.Size > limit {
		return nil, errorf(CodeTooLarge, "The document has %d bytes; the application may send %d.", in.Size, limit)
	}
	r.Subject.InputSHA256, r.Subject.InputSize = hex.EncodeToString(in.SHA256[:]), in.Size
	document := r.Subject.Document
	b := beginning{record: r}
	if document != "" {
		b.check = func(tx Tx) error { return checkDocument(ctx, tx, document, in.SHA256) }
	}
	op, err := g.begin(ctx, c, b)
	if err != nil {
		return nil, g.refuseUnlessRecord(ctx, c, b.record, err)
	}
	result, err := work(op.record.Time)
	if err != nil {
		return nil, op.fail(ctx, err)
	}
	out := outcome{
		result: evidence.Result{Level: result.Level.String()},
		output: result.After, size: in.Size + int64(len(result.Tail)), tail: result.Tail, artefacts: resultArtefacts(result),
	}
	if document != "" && len(result.Tail) > 0 {
		out.version = &DocumentVersion{SHA256: result.After, Size: out.size, Operation: op.row.ID}
	}
	if due, ok := renewalOf(result); ok {
		out.renewal = &Renewal{Operation: op.row.ID, Document: document, SHA256: result.After, Due: due}
	}
	return op.release(ctx, out)
}

// Reconcile closes operations that a crash has left open: nobody knows how far
// they came, and nothing was released. It returns how many. Operations that
// began less than age ago may still be running.
func (g *Gateway) Reconcile(ctx context.Context, age time.Duration) (closed int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	var open []Operation
	err = g.cfg.Store.View(ctx, AllOrganisations, func(r Reader) (err error) {
		open, err = r.Dangling(ctx, at.Add(-age), 1000)
		return err
	})
	if err != nil {
		return 0, fromStore(err)
	}
	for _, o := range open {
		fault.Point("reconcile.before")
		err := g.closeUnknown(ctx, o, at)
		fault.Point("reconcile.after")
		switch {
		case errors.Is(err, ErrClosed), errors.Is(err, evidence.ErrDuplicate): // it ended after all, or another node was first
		case err != nil:
			return closed, fromStore(err)
		default:
			closed++
		}
	}
	return closed, nil
}

func (g *Gateway) closeUnknown(ctx context.Context, o Operation, at time.Time) error {
	const code = "not-released"
	return g.cfg.Store.Update(ctx, Scope(o.Organisation), func(tx Tx) error {
		entries, err := tx.EntriesOf(ctx, o.ID)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return errors.New("gateway: an operation without an intent")
		}
		r, err := evidence.ParseRecord(entries[0].Record)
		if err != nil {
			return err
		}
		r.Phase, r.Time, r.Node, r.Intent = evidence.PhaseOutcome, at, g.cfg.Node, hex.EncodeToString(entries[0].Leaf[:])
		r.Result = evidence.Result{Status: evidence.StatusUnknown, Code: code}
		r.Detail = merge(r.Detail, map[string]string{"reconciled": "true"})
		entry, _, err := g.cfg.Notary.NewEntry(r)
		if err != nil {
			return err
		}
		return tx.FinishOperation(ctx, Finish{Operation: o.ID, Status: OperationUnknown, Code: code, At: at, Outcome: entry})
	})
}
