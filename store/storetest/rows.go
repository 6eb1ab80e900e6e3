package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

// Org and Other are two organisations of the tests.
const (
	Org   = "kabupaten-contoh"
	Other = "kota-contoh"
)

// Start is when the tests take place.
var Start = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

// ID returns an identifier that sorts behind the earlier ones' moments, as a
// UUIDv7 does.
func ID(at time.Time) string {
	return fmt.Sprintf("%012x-%s", at.UnixMilli(), rand.Text())
}

// Sum returns the SHA-256 of a text.
func Sum(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// Entry makes an entry without evidence's own format.
func Entry(organisation, operation string, phase evidence.Phase, at time.Time) evidence.Entry {
	e := evidence.Entry{
		Organisation: organisation, Operation: operation, Phase: phase, Kind: "sign",
		Time: at, Promise: at.Add(time.Minute), Index: -1,
		Record: fmt.Appendf(nil, `{"operation":%q,"organisation":%q,"phase":%q,"schema":"absah/record/1"}`, operation, organisation, phase),
	}
	rand.Read(e.Salt[:])
	e.Leaf = sha256.Sum256(append(e.Salt[:], e.Record...))
	if phase != evidence.PhaseIntent {
		e.Receipt = make([]byte, 64)
		rand.Read(e.Receipt)
	}
	return e
}

// Begin makes the start of an operation by the application "e-office".
func Begin(organisation string, at time.Time) gateway.Begin {
	id := ID(at)
	return gateway.Begin{
		Operation: gateway.Operation{
			ID: id, Organisation: organisation, Kind: "sign", Status: gateway.OperationPending, Application: "e-office", Node: "node-1",
			Signer: "bupati", StartedAt: at, InputSHA256: Sum("input of " + id),
		},
		Intent: Entry(organisation, id, evidence.PhaseIntent, at),
	}
}

// Finish makes the good end of an operation, a second later.
func Finish(b gateway.Begin) gateway.Finish {
	at := b.Operation.StartedAt.Add(time.Second)
	return gateway.Finish{
		Operation: b.Operation.ID, Status: gateway.OperationOK, Level: "B-LTA", At: at,
		Certificate: Sum("certificate"), OutputSHA256: Sum("output of " + b.Operation.ID),
		Outcome: Entry(b.Operation.Organisation, b.Operation.ID, evidence.PhaseOutcome, at),
	}
}

// update runs fn in a transaction and fails the test on an error.
func update(t testing.TB, db *store.DB, scope gateway.Scope, fn func(ctx context.Context, tx gateway.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), scope, func(tx gateway.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// refused runs fn in a transaction that must end with an error.
func refused(t testing.TB, db *store.DB, scope gateway.Scope, want error, fn func(ctx context.Context, tx gateway.Tx) error) {
	t.Helper()
	err := db.Update(t.Context(), scope, func(tx gateway.Tx) error { return fn(t.Context(), tx) })
	if !errors.Is(err, want) {
		t.Errorf("update: got error %v, want %v", err, want)
	}
}

// view reads a value.
func view[T any](t testing.TB, db *store.DB, scope gateway.Scope, fn func(ctx context.Context, r gateway.Reader) (T, error)) T {
	t.Helper()
	var v T
	err := db.View(t.Context(), scope, func(r gateway.Reader) (err error) {
		v, err = fn(t.Context(), r)
		return err
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	return v
}

// begin and finish do it in a transaction of their own.
func begin(t testing.TB, db *store.DB, b gateway.Begin) *gateway.Prior {
	t.Helper()
	var prior *gateway.Prior
	update(t, db, gateway.Scope(b.Operation.Organisation), func(ctx context.Context, tx gateway.Tx) (err error) {
		prior, err = tx.BeginOperation(ctx, b)
		return err
	})
	return prior
}

func finish(t testing.TB, db *store.DB, organisation string, f gateway.Finish) {
	t.Helper()
	update(t, db, gateway.Scope(organisation), func(ctx context.Context, tx gateway.Tx) error { return tx.FinishOperation(ctx, f) })
}
