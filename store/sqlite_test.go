package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// begin begins a new operation and returns its identifier.
func begin(t testing.TB, db *store.DB) (string, error) {
	b := storetest.Begin(storetest.Org, storetest.Start)
	return b.Operation.ID, db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(t.Context(), b)
		return err
	})
}

// small mounts a file system of a few megabytes.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		testfile.Lacking(t, "the right to mount a tmpfs: "+err.Error(), "CAP_SYS_ADMIN, which root has")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, data); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull writes until the disk is full: each write says so, nothing is
// half there, and with more room it goes on.
func TestDiskFull(t *testing.T) {
	dir := small(t)
	o := store.Options{URL: "sqlite:" + filepath.Join(dir, "absah.db")}
	db := storetest.OpenWith(t, o)
	acknowledged := map[string]string{}
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10_000 {
				id, err := begin(t, db)
				mu.Lock()
				if err != nil {
					failed = err
					mu.Unlock()
					return
				}
				acknowledged[id] = "begun"
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed == nil || !strings.Contains(failed.Error(), "full") {
		t.Fatalf("got %v, want that the disk is full", failed)
	}
	// One alone may still fit where eight did not.
	for n, full := 0, false; !full; n++ {
		id, err := begin(t, db)
		if full = err != nil; !full {
			acknowledged[id] = "begun"
		}
		if n > 1000 {
			t.Fatal("the disk takes writes without end")
		}
	}
	remount(t, dir, 0, "size=64m")
	checkWholeNoKeys(t, db, o, acknowledged)
	for range 20 {
		id, err := begin(t, db)
		if err != nil {
			t.Fatalf("with room again: %v", err)
		}
		acknowledged[id] = "begun"
	}
	checkWholeNoKeys(t, db, o, acknowledged)
	t.Logf("%d operations fitted; then: %v", len(acknowledged), failed)
}

// checkWholeNoKeys checks operations that have no idempotency key.
func checkWholeNoKeys(t *testing.T, db *store.DB, o store.Options, acknowledged map[string]string) {
	t.Helper()
	err := db.View(t.Context(), storetest.Org, func(r gateway.Reader) error {
		for id := range acknowledged {
			if _, err := r.Operation(t.Context(), id); err != nil {
				t.Errorf("%s was acknowledged: %v", id, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	admin := raw(t, o)
	if a, b := number(t, admin, `SELECT count(*) FROM operations`), number(t, admin, `SELECT count(*) FROM entries`); a != b || a != len(acknowledged) {
		t.Errorf("%d operations and %d intents, want %d", a, b, len(acknowledged))
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := small(t)
	o := store.Options{URL: "sqlite:" + filepath.Join(dir, "absah.db")}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begin(t, db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	remount(t, dir, syscall.MS_RDONLY, "")
	if db, err := store.Open(t.Context(), o); err == nil {
		t.Errorf("opened %v, want an error", db)
	}
	remount(t, dir, 0, "")
	if _, err := begin(t, storetest.OpenWith(t, o)); err != nil {
		t.Errorf("writable again: %v", err)
	}
}

// TestOnlyTheOwnerReadsIt also holds for the files that SQLite puts beside it.
func TestOnlyTheOwnerReadsIt(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	db := storetest.OpenWith(t, o)
	if _, err := begin(t, db); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(strings.TrimPrefix(o.URL, "sqlite:") + "*")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}

// TestBackup copies a database that is being written, and puts the copy in its
// place: the log is then shorter, which evidence.Log.Check refuses.
func TestBackup(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	path := strings.TrimPrefix(o.URL, "sqlite:")
	copied := filepath.Join(t.TempDir(), "backup #1 100%.db")
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	grow := func(n int) {
		for range n {
			if err := db.Append(t.Context(), storetest.Entry(storetest.Org, storetest.ID(storetest.Start), evidence.PhaseEvent, storetest.Start)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := storetest.Sequence(t.Context(), db, n); err != nil {
			t.Fatal(err)
		}
	}
	grow(100)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := begin(t, db); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Error(err)
	}
	close(stop)
	wg.Wait()
	if err := db.Backup(t.Context(), copied); !errors.Is(err, os.ErrExist) {
		t.Errorf("over another backup: got %v, want os.ErrExist", err)
	}
	grow(50)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(copied + "?*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info.Mode(), err)
	}
	if err := os.Rename(copied, path); err != nil {
		t.Fatal(err)
	}
	restored := storetest.OpenWith(t, o)
	if head, err := restored.Head(t.Context()); err != nil || head.Size != 100 {
		t.Errorf("the restored log has head %+v, %v; want size 100", head, err)
	}
	if _, err := begin(t, restored); err != nil {
		t.Error(err)
	}
}

// appendOnly lists the tables that nobody may change.
var appendOnly = []string{"entries", "leaves", "tree_hashes", "checkpoints", "checkpoint_tokens", "checkpoint_cosignatures", "checkpoint_lists"}

// fill puts a row into each of them.
func fill(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Append(t.Context(), storetest.Entry(storetest.Org, "op", evidence.PhaseEvent, storetest.Start)); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Sequence(t.Context(), db, 1); err != nil {
		t.Fatal(err)
	}
	head, err := db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.SaveCheckpoint(t.Context(), evidence.Checkpoint{Head: head, Note: []byte("note"), Time: storetest.Start}),
		db.Annotate(t.Context(), 1, evidence.Annotation{Token: []byte("token"), Cosignatures: []string{"line\n"}})); err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error {
		return tx.ListPublished(t.Context(), "op", []evidence.Published{evidence.NotePublished(1, []byte("note"))})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// column is one of a table's columns, to try to change.
var column = map[string]string{"entries": "kind", "leaves": "entry", "tree_hashes": "first", "checkpoints": "at", "checkpoint_tokens": "size", "checkpoint_cosignatures": "line", "checkpoint_lists": "operation"}

func TestSQLiteRefusesToChangeEvidence(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	fill(t, storetest.OpenWith(t, o))
	admin := raw(t, o)
	for _, table := range appendOnly {
		for _, query := range []string{`UPDATE ` + table + ` SET ` + column[table] + ` = ` + column[table], `DELETE FROM ` + table} {
			if _, err := admin.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: got %v", query, err)
			}
		}
		if n := number(t, admin, `SELECT count(*) FROM `+table); n != 1 {
			t.Errorf("%s has %d rows, want 1", table, n)
		}
	}
	for _, query := range []string{`UPDATE log_head SET size = 0`, `DELETE FROM log_head`} {
		if _, err := admin.ExecContext(t.Context(), query); err == nil {
			t.Errorf("%s was done", query)
		}
	}
}

// TestSQLiteReplacesNoEvidence: INSERT OR REPLACE deletes without the triggers
// that refuse deletion.
func TestSQLiteReplacesNoEvidence(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	fill(t, storetest.OpenWith(t, o))
	admin := raw(t, o)
	for _, pragma := range []string{"PRAGMA recursive_triggers = 0", "PRAGMA foreign_keys = 0"} { // as a shell has them
		if _, err := admin.ExecContext(t.Context(), pragma); err != nil {
			t.Fatal(err)
		}
	}
	for change, check := range map[string]string{
		`entries SELECT id, organisation, operation, phase, slot, 'x', at, promise, salt, leaf, record, receipt FROM entries`: `SELECT count(*) FROM entries WHERE kind = 'x'`,
		`entries SELECT 99, organisation, operation, phase, slot, 'x', at, promise, salt, leaf, record, receipt FROM entries`: `SELECT count(*) FROM entries WHERE kind = 'x'`,
		`leaves SELECT leaf_index, 1000 FROM leaves`:                            `SELECT count(*) FROM leaves WHERE entry = 1000`,
		`leaves SELECT 1000, entry FROM leaves`:                                 `SELECT count(*) FROM leaves WHERE leaf_index = 1000`,
		`tree_hashes SELECT first, zeroblob(32) FROM tree_hashes`:               `SELECT count(*) FROM tree_hashes WHERE hashes = zeroblob(32)`,
		`checkpoints SELECT size, root, x'00', at FROM checkpoints`:             `SELECT count(*) FROM checkpoints WHERE note = x'00'`,
		`checkpoint_tokens SELECT size, x'00', material FROM checkpoint_tokens`: `SELECT count(*) FROM checkpoint_tokens WHERE token = x'00'`,
		`log_head VALUES (1, 0, zeroblob(32))`:                                  `SELECT count(*) FROM log_head WHERE size = 0`,
	} {
		_, err := admin.ExecContext(t.Context(), `INSERT OR REPLACE INTO `+change)
		if n := number(t, admin, check); n != 0 {
			t.Errorf("INSERT OR REPLACE INTO %s: it was done (%v)", change, err)
		}
	}
}

// TestReadersDoNotLetTheWALGrow: with readers that overlap without a pause
// SQLite never empties its write-ahead log by itself.
func TestReadersDoNotLetTheWALGrow(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	db := storetest.OpenWith(t, o)
	const limit = 1 << 20
	store.SetMaxWAL(db, limit)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stop.Load() {
				err := db.View(t.Context(), storetest.Org, func(r gateway.Reader) error {
					_, err := r.Operations(t.Context(), gateway.OperationQuery{Page: gateway.Page{Limit: 1000}})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var largest int64
	for range 300 {
		if _, err := begin(t, db); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(strings.TrimPrefix(o.URL, "sqlite:") + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	stop.Store(true)
	wg.Wait()
	if largest < limit || largest > 4*limit {
		t.Errorf("the write-ahead log grew to %d bytes, want about %d", largest, limit)
	}
}
