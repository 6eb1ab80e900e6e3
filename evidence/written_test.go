package evidence_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// sealedLog is a log whose intents carry MACs.
func sealedLog(t *testing.T, store evidence.Store) *evidence.Log {
	return newLog(t, store, func(c *evidence.Config) { c.Intents = []byte("rahasia"); c.Floor = "" })
}

func intentOf(t *testing.T, l *evidence.Log, n int) evidence.Entry {
	t.Helper()
	r := record(evidence.PhaseIntent)
	r.Operation = operation(n)
	e, _, err := l.NewEntry(r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func appendTo(t *testing.T, store evidence.Store, entries ...evidence.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := store.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForgedRows: what somebody inserts into the database gets no place, stops
// signing, and is named by an audit; what a gateway wrote goes on.
func TestForgedRows(t *testing.T) {
	forge := func(phase evidence.Phase, change func(*evidence.Entry)) evidence.Entry {
		r := record(phase)
		r.Operation = operation(50)
		e, err := evidence.NewEntry(r, rand.Reader, 365*24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		change(&e)
		return e
	}
	for name, forged := range map[string]evidence.Entry{
		"an outcome without a receipt":  forge(evidence.PhaseOutcome, func(*evidence.Entry) {}),
		"an event without a receipt":    forge(evidence.PhaseEvent, func(*evidence.Entry) {}),
		"an outcome with another's":     forge(evidence.PhaseOutcome, func(e *evidence.Entry) { e.Receipt = bytes.Repeat([]byte{1}, 68) }),
		"an intent without a MAC":       forge(evidence.PhaseIntent, func(*evidence.Entry) {}),
		"an intent with a made-up MAC":  forge(evidence.PhaseIntent, func(e *evidence.Entry) { e.Receipt = bytes.Repeat([]byte{1}, 32) }),
		"an outcome with an odd string": forge(evidence.PhaseOutcome, func(e *evidence.Entry) { e.Receipt = []byte{1} }),
	} {
		t.Run(name, func(t *testing.T) {
			store := new(evidencetest.Store)
			l := sealedLog(t, store)
			appendTo(t, store, intentOf(t, l, 1))
			integrate(t, l)
			appendTo(t, store, forged, intentOf(t, l, 2))
			add(t, l, store, 10, 2)
			n, err := sealedLog(t, store).Integrate(t.Context()) // another node
			if n != 3 || !errors.Is(err, evidence.ErrForged) {
				t.Errorf("%d got a place, %v", n, err)
			}
			if _, err := l.Integrate(t.Context()); !errors.Is(err, evidence.ErrForged) || !errors.Is(l.Ready(t.Context()), evidence.ErrForged) {
				t.Errorf("got %v; ready: %v", err, l.Ready(t.Context()))
			}
			f, err := l.Audit(t.Context(), nil, nil)
			if err != nil || f.Rule != evidence.RuleReceipt || f.Size != 4 {
				t.Errorf("audit: %+v, %v", f, err)
			}
			logKey, receiptKey := l.Keys()
			if f, err = evidence.Audit(t.Context(), evidence.AuditConfig{
				Store: store, Origin: l.Origin(), Keys: []string{logKey, receiptKey}, Clock: func() time.Time { return forged.Time },
			}); err != nil || f.Rule != evidence.RuleReceipt || f.Size != 4 { // here no MAC can be verified
				t.Errorf("audit without the nodes' secret: %+v, %v", f, err)
			}
			store.Rows.Entries = slices.Delete(store.Rows.Entries, 1, 2)
			if _, err := l.Integrate(t.Context()); err != nil || l.Ready(t.Context()) != nil {
				t.Errorf("after it was removed: %v, %v", err, l.Ready(t.Context()))
			}
		})
	}
}

// TestEarlyIntents: intents of before there were MACs get their places, and none
// after the first that has one.
func TestEarlyIntents(t *testing.T) {
	store := new(evidencetest.Store)
	old, l := newLog(t, store), sealedLog(t, store)
	appendTo(t, store, intentOf(t, old, 1))
	integrate(t, old)
	appendTo(t, store, intentOf(t, old, 2))
	integrate(t, l)
	appendTo(t, store, intentOf(t, old, 3), intentOf(t, l, 4))
	integrate(t, l)
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() || f.Size != 4 {
		t.Errorf("audit: %+v, %v", f, err)
	}
	appendTo(t, store, intentOf(t, old, 5))
	for _, node := range []*evidence.Log{l, sealedLog(t, store)} {
		if _, err := node.Integrate(t.Context()); !errors.Is(err, evidence.ErrForged) {
			t.Errorf("got %v", err)
		}
	}
	entries := store.Rows.Entries
	if err := l.Vouched(entries[0]); err != nil {
		t.Errorf("an early intent: %v", err)
	}
	if l.Vouched(entries[4]) == nil {
		t.Error("a late intent without a MAC is vouched for")
	}
}

// TestForgedPlace: who writes places, hashes and head himself gets no signature
// under them.
func TestForgedPlace(t *testing.T) {
	store := new(evidencetest.Store)
	l := sealedLog(t, store)
	add(t, l, store, 0, 3)
	integrate(t, l)
	stranger := newLog(t, store, func(c *evidence.Config) { c.Receipts, c.Signer, c.Floor = key(9), key(9), "" })
	add(t, stranger, store, 20, 1)
	if n, _ := stranger.Integrate(t.Context()); n != 1 {
		t.Fatalf("%d", n)
	}
	delete(store.Checkpoints, 4)
	if _, err := l.Integrate(t.Context()); !errors.Is(err, evidence.ErrTampered) || store.Checkpoints[4].Note != nil {
		t.Errorf("got %v, and the checkpoint %q", err, store.Checkpoints[4].Note)
	}
}
