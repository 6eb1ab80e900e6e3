package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

// statusLater: what is owed of a certificate ends for all operations until then at
// once, and for none after; who comes second is told.
func statusLater(t *testing.T, db *store.DB) {
	owed := func() (n int) {
		err := db.View(t.Context(), Org, func(r gateway.Reader) error {
			all, err := r.OwedStatuses(t.Context(), Start.Add(-time.Hour), 100)
			n = len(all)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var finished []gateway.Finish
	for i := range 3 {
		b := Begin(Org, Start.Add(time.Duration(i)*time.Minute))
		begin(t, db, b)
		f := Finish(b)
		f.StatusOwed, f.Certificate = true, Sum("certificate")
		f.At = Start.Add(time.Duration(i) * time.Minute)
		update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.FinishOperation(ctx, f) })
		finished = append(finished, f)
	}
	give := func(name string) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error {
			return tx.GiveStatus(t.Context(), Sum(name), finished[1].At, "event")
		})
	}
	if n := owed(); n != 3 {
		t.Errorf("%d are owed, want 3", n)
	}
	if err := give("another"); !errors.Is(err, gateway.ErrChanged) {
		t.Errorf("another certificate: got %v, want ErrChanged", err)
	}
	if err := give("certificate"); err != nil {
		t.Error(err)
	}
	if err := give("certificate"); !errors.Is(err, gateway.ErrChanged) {
		t.Errorf("the second: got %v, want ErrChanged", err)
	}
	if n := owed(); n != 1 {
		t.Errorf("%d are owed, want that of after", n)
	}
	for i, want := range []string{"event", "event", ""} {
		err := db.View(t.Context(), Org, func(r gateway.Reader) error {
			event, err := r.StatusGivenBy(t.Context(), finished[i].Operation)
			if event != want {
				t.Errorf("operation %d: given by %q, want %q", i, event, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		_, err := r.StatusGivenBy(t.Context(), "none")
		return err
	})
	if !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("an operation of which none is owed: got %v, want ErrNotFound", err)
	}
}
