package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	return g.extend(ctx, c, in, extension{
		record: evidence.Record{
			Kind: "augment", Subject: evidence.Subject{Document: req.Document}, Detail: map[string]string{"asked": req.Level.String()},
		},
		levels: []string{req.Level.String()}, password: req.Password,
		work: func(at time.Time) (*signer.Result, error) {
			return g.cfg.Signer.Augment(ctx, in.input(g.cfg.Limits, req.Password), req.Level, at)
		},
	})
}

// Timestamp adds a document timestamp, for an application whose policy has a
// level with one.
func (g *Gateway) Timestamp(ctx context.Context, c Caller, in Upload, password []byte) (*Release, error) {
	return g.extend(ctx, c, in, extension{
		record: evidence.Record{Kind: "timestamp"},
		levels: []string{LevelT.String(), LevelLT.String(), LevelLTA.String()}, password: password,
		work: func(at time.Time) (*signer.Result, error) {
			return g.cfg.Signer.Timestamp(ctx, in.input(g.cfg.Limits, password), at)
		},
	})
}

// extension is a use case that adds to a document without a signer's key.
type extension struct {
	record   evidence.Record // kind and what is its own
	levels   []string        // the policy must have one of them
	password []byte
	work     func(at time.Time) (*signer.Result, error)
}

// allowExtending holds an extension against the application's policy.
func (g *Gateway) allowExtending(ctx context.Context, c Caller, in Upload, x extension) error {
	act, p := x.record.Kind, c.Application.Policy
	if err := g.allow(ctx, c, act, RoleApplication); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Levels, func(l string) bool { return slices.Contains(x.levels, l) }) {
		g.recordDenied(ctx, c, act, "policy: level "+x.levels[0])
		return errorf(CodeForbidden, "The application's policy does not allow this (level %s).", x.levels[0])
	}
	if p.MaxBytes > 0 && in.Size > p.MaxBytes {
		return errorf(CodeTooLarge, "The document has %d bytes; the application may send %d.", in.Size, p.MaxBytes)
	}
	return nil
}

// extend is what augmenting and timestamping share.
func (g *Gateway) extend(ctx context.Context, c Caller, in Upload, x extension) (*Release, error) {
	if err := g.allowExtending(ctx, c, in, x); err != nil {
		return nil, err
	}
	r := x.record
	r.Subject.InputSHA256, r.Subject.InputSize = hex.EncodeToString(in.SHA256[:]), in.Size
	document, limit := r.Subject.Document, c.Application.Policy.MaxPages
	b := beginning{record: r}
	if limit > 0 || document != "" {
		pages, err := g.checkPages(in, x.password, limit)
		if err != nil {
			return nil, g.refuse(ctx, c, r, err)
		}
		b.check = func(tx Tx) error { return checkDocument(ctx, tx, document, in.SHA256, pages) }
	}
	op, err := g.begin(ctx, c, b)
	if err != nil {
		return nil, g.refuseUnlessRecord(ctx, c, b.record, err)
	}
	result, err := x.work(op.record.Time)
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
		if err := g.cfg.Notary.Vouched(entries[0]); err != nil {
			return fmt.Errorf("gateway: the intent of %.64q: %w", o.ID, err) // an outcome would vouch for it
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
