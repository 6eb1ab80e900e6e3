package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var activationTests = map[string]func(*testing.T, *store.DB){
	"each document once":    eachOnce,
	"what is not allowed":   notActivated,
	"a use can be returned": returnedUse,
	"many at once":          activationRace,
	"erased when expired":   activationPurge,
}

// activation adds one for the inputs of the operations.
func activation(t testing.TB, db *store.DB, begins ...*gateway.Begin) gateway.Activation {
	t.Helper()
	a := gateway.Activation{ID: ID(Start), TokenHash: Sum(ID(Start)), Organisation: Org, Application: "e-office", Signer: "bupati", Key: Sum("key"),
		Level: "B-LTA", Binding: []byte("binding"), Sealed: []byte("sealed"), CreatedAt: Start, ExpiresAt: Start.Add(time.Hour)}
	for _, b := range begins {
		b.Activation = a.ID
		a.Documents = append(a.Documents, gateway.ActivationDocument{SHA256: b.Operation.InputSHA256})
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.AddActivation(ctx, a) })
	return a
}

func used(t testing.TB, db *store.DB, a gateway.Activation) (n int) {
	t.Helper()
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Activation, error) {
		return r.Activation(ctx, a.TokenHash)
	})
	for _, d := range got.Documents {
		if d.Operation != "" {
			n++
		}
	}
	return n
}

func tryBegin(t testing.TB, db *store.DB, b gateway.Begin) error {
	t.Helper()
	return db.Update(t.Context(), gateway.Scope(b.Operation.Organisation), func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(t.Context(), b)
		return err
	})
}

func eachOnce(t *testing.T, db *store.DB) {
	first, second := Begin(Org, Start), Begin(Org, Start)
	a := activation(t, db, &first, &second)
	begin(t, db, first)
	again := Begin(Org, Start)
	again.Activation, again.Operation.InputSHA256 = a.ID, first.Operation.InputSHA256
	if err := tryBegin(t, db, again); !errors.Is(err, gateway.ErrActivation) {
		t.Errorf("a second use: got %v, want ErrActivation", err)
	}
	if e, err := db.EntriesOf(t.Context(), again.Operation.ID); err != nil || len(e) != 0 {
		t.Errorf("the refused operation has %d entries, %v", len(e), err)
	}
	if got := used(t, db, a); got != 1 {
		t.Errorf("%d uses, want 1", got)
	}
	begin(t, db, second)
	if o := operation(t, db, second.Operation.ID); o.Activation != a.ID {
		t.Errorf("the operation names activation %q", o.Activation)
	}
}

func notActivated(t *testing.T, db *store.DB) {
	revoked := Begin(Org, Start)
	a := activation(t, db, &revoked)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.RevokeActivation(ctx, a.ID, Start) })
	if err := tryBegin(t, db, revoked); !errors.Is(err, gateway.ErrActivation) {
		t.Errorf("revoked: got %v, want ErrActivation", err)
	}
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Activation, error) {
		return r.Activation(ctx, a.TokenHash)
	})
	if got.Sealed != nil || !got.RevokedAt.Equal(Start) {
		t.Errorf("revoked: sealed key of %d bytes, revoked at %v", len(got.Sealed), got.RevokedAt)
	}
	for name, change := range map[string]func(*gateway.Begin){
		"another document":     func(b *gateway.Begin) { b.Operation.InputSHA256 = Sum("another") },
		"another application":  func(b *gateway.Begin) { b.Operation.Application = "srikandi" },
		"another signer":       func(b *gateway.Begin) { b.Operation.Signer = "sekda" },
		"expired":              func(b *gateway.Begin) { b.Operation.StartedAt = Start.Add(time.Hour) },
		"another one":          func(b *gateway.Begin) { b.Activation = "nothing" },
		"another organisation": func(b *gateway.Begin) { b.Operation.Organisation, b.Intent.Organisation = Other, Other },
	} {
		b := Begin(Org, Start)
		a := activation(t, db, &b)
		change(&b)
		if err := tryBegin(t, db, b); !errors.Is(err, gateway.ErrActivation) {
			t.Errorf("%s: got %v, want ErrActivation", name, err)
		}
		if got := used(t, db, a); got != 0 {
			t.Errorf("%s: %d uses, want none", name, got)
		}
	}
}

func returnedUse(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	a := activation(t, db, &b)
	begin(t, db, b)
	f := Finish(b)
	f.Status, f.Code, f.OutputSHA256, f.ReturnUse = gateway.OperationFailed, "tsa-down", [32]byte{}, true
	finish(t, db, Org, f)
	if got := used(t, db, a); got != 0 {
		t.Errorf("%d uses, want none", got)
	}
	again := Begin(Org, Start)
	again.Activation, again.Operation.InputSHA256 = a.ID, b.Operation.InputSHA256
	begin(t, db, again)
}

func activationRace(t *testing.T, db *store.DB) {
	const documents, each = 8, 4
	var all []*gateway.Begin
	for range documents {
		b := Begin(Org, Start)
		all = append(all, &b)
	}
	a := activation(t, db, all...)
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range documents * each {
		wg.Go(func() {
			b := Begin(Org, Start)
			b.Activation, b.Operation.InputSHA256 = a.ID, all[i%documents].Operation.InputSHA256
			if err := tryBegin(t, db, b); err == nil {
				won.Add(1)
			} else if !errors.Is(err, gateway.ErrActivation) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != documents || used(t, db, a) != documents {
		t.Errorf("%d began and %d are used, want %d", won.Load(), used(t, db, a), documents)
	}
}

func activationPurge(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	a := activation(t, db, &b)
	update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error {
		n, err := tx.Purge(ctx, Start.Add(2*time.Hour), 10)
		if err == nil && n != 1 {
			err = fmt.Errorf("purged %d", n)
		}
		return err
	})
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Activation, error) {
		return r.Activation(ctx, a.TokenHash)
	})
	if got.Sealed != nil {
		t.Error("the sealed key is still there")
	}
}
