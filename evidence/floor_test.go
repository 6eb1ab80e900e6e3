package evidence_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// TestS25LostFloor: who puts yesterday's database in the place of today's and takes
// the floor away must not get further than whoever leaves it there.
func TestS25LostFloor(t *testing.T) {
	floor := filepath.Join(t.TempDir(), "floor")
	withFloor := func(c *evidence.Config) { c.Floor = floor }
	store := new(evidencetest.Store)
	l := newLog(t, store, withFloor)
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(floor); err != nil {
		t.Fatalf("the log is empty and has no floor: %v", err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Fatalf("with the floor of an empty log: %v", err)
	}
	add(t, l, store, 0, 3)
	integrate(t, l)
	yesterday := store.Snapshot()
	early, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, store, 3, 3)
	integrate(t, l)
	late, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unwanted := func(evidence.Head) error {
		t.Error("a floor that must not be set was put on record")
		return nil
	}
	if err := l.SetFloor(t.Context(), nil, unwanted); err == nil {
		t.Error("a floor that is there was set anew")
	}
	if err := os.Remove(floor); err != nil {
		t.Fatal(err)
	}
	old := newLog(t, &evidencetest.Store{Rows: yesterday}, withFloor)
	for name, l := range map[string]*evidence.Log{"yesterday's": old, "today's": newLog(t, store, withFloor)} {
		if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrNoFloor) {
			t.Errorf("%s database: got %v, want ErrNoFloor", name, err)
		}
	}
	if err := old.SetFloor(t.Context(), late.Note, unwanted); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("behind what was kept: got %v, want ErrRollback", err)
	}
	if _, err := os.Stat(floor); err == nil {
		t.Error("a floor was set though the database is behind")
	}
	l = newLog(t, store, withFloor)
	var head evidence.Head
	recorded := func(h evidence.Head) error {
		if _, err := os.Stat(floor); err == nil {
			t.Error("the floor is there before it is on record")
		}
		head = h
		return nil
	}
	noRecord := errors.New("no room")
	if err := l.SetFloor(t.Context(), early.Note, func(evidence.Head) error { return noRecord }); !errors.Is(err, noRecord) {
		t.Errorf("without a record: got %v, want %v", err, noRecord)
	}
	if err := l.SetFloor(t.Context(), early.Note, recorded); err != nil || head != late.Head {
		t.Errorf("the floor is %+v, %v; want %+v", head, err, late.Head)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := newLog(t, &evidencetest.Store{Rows: yesterday}, withFloor).Check(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("yesterday's database under the new floor: got %v, want ErrRollback", err)
	}
}

// TestS25DatabaseWithoutCheckpoints: entries alone, without any checkpoint, are no
// new log either.
func TestS25DatabaseWithoutCheckpoints(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	add(t, l, store, 0, 3)
	integrate(t, l)
	store.Rows.Checkpoints = nil
	l = newLog(t, store, func(c *evidence.Config) { c.Floor = filepath.Join(t.TempDir(), "floor") })
	if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrNoFloor) {
		t.Errorf("got %v, want ErrNoFloor", err)
	}
}
