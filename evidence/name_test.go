package evidence_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// TestNewName: after entries that were published have been lost for good, the log
// goes on under another name. What it signed under the old one is still verified,
// by those keys; what is new is signed under the new name alone, so that nothing
// contradicts what was lost.
func TestNewName(t *testing.T) {
	const renamed = "log.contoh.example/log-2"
	store := new(evidencetest.Store)
	floor := filepath.Join(t.TempDir(), "floor")
	l := newLog(t, store, func(c *evidence.Config) { c.Floor = floor })
	old := add(t, l, store, 0, 4)
	integrate(t, l)
	backup := store.Snapshot()
	add(t, l, store, 4, 4)
	integrate(t, l)
	lost, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	oldKey, oldReceipts := l.Keys()
	store = &evidencetest.Store{Rows: backup}
	newName := func(c *evidence.Config) {
		c.Origin, c.PastKeys, c.Floor = renamed, []string{oldKey, oldReceipts}, floor
	}
	l = newLog(t, store, newName)
	if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("with the old floor: got %v, want ErrRollback", err)
	}
	if err := newLog(t, store, func(c *evidence.Config) { c.Origin = renamed }).Check(t.Context()); !errors.Is(err, evidence.ErrTampered) {
		t.Errorf("without the old keys: got %v, want ErrTampered", err)
	}
	l = newLog(t, store, newName, func(c *evidence.Config) { c.Floor = floor + "-2" })
	if err := l.SetFloor(t.Context(), nil, func(evidence.Head) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	integrate(t, l) // nothing new: no size has two checkpoints
	add(t, l, store, 20, 4)
	integrate(t, l)
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	newKey, newReceipts := l.Keys()
	if head, err := evidence.VerifyCheckpoint(c.Note, renamed, []string{newKey}); err != nil || head.Size != 8 || head.Root == lost.Root {
		t.Errorf("under the new name: %+v, %v", head, err)
	}
	if _, err := evidence.VerifyCheckpoint(c.Note, origin, []string{oldKey, newKey}); err == nil {
		t.Error("the new checkpoint is also one of the old name")
	}
	for op, want := range map[string]struct{ origin, receipts string }{operation(1): {origin, oldReceipts}, operation(21): {renamed, newReceipts}} {
		proofs, err := l.Prove(t.Context(), op)
		if err != nil || evidence.CheckpointOrigin(proofs[0].Checkpoint.Note) != want.origin {
			t.Errorf("%s is proven under %q, %v; want %q", op, proofs[0].Checkpoint.Note, err, want.origin)
		}
		r, _ := l.Receipt(proofs[0].Entry)
		if _, err := evidence.VerifyReceipt(r.Note, []string{want.receipts}); err != nil || r.Origin != want.origin {
			t.Errorf("the receipt of %s: %v", op, err)
		}
	}
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() || f.Checkpoints != 2 {
		t.Errorf("audit: %+v, %v", f, err)
	}
	if f, err := l.Audit(t.Context(), [][]byte{lost.Note}, nil); err != nil || f.Rule != evidence.RuleCheckpoint {
		t.Errorf("audit with what was lost: %+v, %v", f, err)
	}
	store.Rows.Entries[1].Receipt = append([]byte(nil), old[2].Receipt...)
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || f.Rule != evidence.RuleReceipt || f.First != 1 {
		t.Errorf("audit of a receipt of the old name: %+v, %v", f, err)
	}
}
