package gateway_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// begin puts an operation on record, as one whose process then dies.
func (w *world) begin(at time.Time) gateway.Begin {
	w.tb.Helper()
	b := storetest.Begin(organisation, at)
	b.Operation.ID = uuid.Must(uuid.NewV7()).String()
	b.Intent = storetest.Entry(organisation, b.Operation.ID, evidence.PhaseIntent, at)
	record, err := evidence.Record{
		Organisation: organisation, Operation: b.Operation.ID, Phase: evidence.PhaseIntent, Kind: "sign", Time: at, Node: "node-2",
		Actor:   evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"},
		Subject: evidence.Subject{InputSHA256: fmt.Sprintf("%x", b.Operation.InputSHA256), InputSize: 10},
	}.MarshalCanonical()
	if err != nil {
		w.tb.Fatal(err)
	}
	b.Intent.Record, b.Intent.Leaf = record, sha256.Sum256(slices.Concat(b.Intent.Salt[:], record))
	err = w.db.Update(w.tb.Context(), organisation, func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(w.tb.Context(), b)
		return err
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return b
}

// found returns an operation with its entries.
func (w *world) found(id string) (o gateway.Operation, entries []evidence.Entry) {
	w.tb.Helper()
	err := w.db.View(w.tb.Context(), organisation, func(r gateway.Reader) (err error) {
		if o, err = r.Operation(w.tb.Context(), id); err == nil {
			entries, err = r.EntriesOf(w.tb.Context(), id)
		}
		return err
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return o, entries
}

// TestReconcile is S11: an operation whose process died gets an outcome, once,
// and one that was only slow releases nothing.
func TestReconcile(t *testing.T) {
	w := newWorld(t)
	old, young := w.begin(w.clock().Add(-20*time.Minute)), w.begin(w.clock().Add(-time.Minute))
	for _, want := range []int{1, 0} {
		if n, err := w.Reconcile(t.Context(), 10*time.Minute); n != want || err != nil {
			t.Fatalf("closed %d, %v; want %d", n, err, want)
		}
	}
	o, entries := w.found(old.Operation.ID)
	if o.Status != gateway.OperationUnknown || !o.FinishedAt.Equal(w.clock()) || len(entries) != 2 {
		t.Fatalf("%s at %v with %d entries", o.Status, o.FinishedAt, len(entries))
	}
	r, err := evidence.ParseRecord(entries[1].Record)
	if err != nil || r.Result.Status != evidence.StatusUnknown || r.Result.Code != "not-released" || r.Intent != fmt.Sprintf("%x", old.Intent.Leaf) ||
		r.Node != "node-1" || len(r.Artefacts) > 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if o, entries := w.found(young.Operation.ID); o.Status != gateway.OperationPending || len(entries) != 1 {
		t.Errorf("the young one is %s with %d entries", o.Status, len(entries))
	}
	late := storetest.Finish(old)
	err = w.db.Update(t.Context(), organisation, func(tx gateway.Tx) error { return tx.FinishOperation(t.Context(), late) })
	if !errors.Is(err, gateway.ErrClosed) {
		t.Errorf("a late outcome: got %v, want ErrClosed", err)
	}
}

// TestReconcileTogether: of several nodes one closes an operation.
func TestReconcileTogether(t *testing.T) {
	w := newWorld(t)
	const nodes, operations = 4, 20
	var all []gateway.Begin
	for i := range operations {
		all = append(all, w.begin(w.clock().Add(-time.Duration(20+i)*time.Minute)))
	}
	var closed atomic.Int64
	var wg sync.WaitGroup
	for range nodes {
		wg.Go(func() {
			n, err := w.Reconcile(t.Context(), 10*time.Minute)
			if err != nil {
				t.Error(err)
			}
			closed.Add(int64(n))
		})
	}
	wg.Wait()
	if closed.Load() != operations {
		t.Errorf("closed %d times, want %d", closed.Load(), operations)
	}
	for _, b := range all {
		if _, entries := w.found(b.Operation.ID); len(entries) != 2 {
			t.Errorf("%d entries, want 2", len(entries))
		}
	}
}
