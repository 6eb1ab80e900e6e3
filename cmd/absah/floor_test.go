package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetFloorOfEmptyLog: a second machine may come before the log has an entry,
// and not with the checkpoint of a log that had some: then its database is another
// one, or an old one.
func TestSetFloorOfEmptyLog(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{})
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.stop()
	text := f.read("absah.yaml")
	empty := strings.Replace(text, `"sqlite:absah.db"`, `"sqlite:empty.db"`, 1)
	second := strings.Replace(empty, "interval: 50ms", "interval: 50ms, floor: second/floor", 1)
	if empty == text || second == empty {
		t.Fatalf("the configuration is not what it was: %s", text)
	}
	f.must(os.Mkdir(f.path("second"), 0o700))
	f.write("second.yaml", second)
	set := func(args ...string) (int, string) {
		return f.run(append([]string{"evidence", "set-floor", f.path("second.yaml"), "--reason", "server kedua"}, args...)...)
	}
	if status, said := set("--checkpoint", f.path("log-floor")); status != 77 || !strings.Contains(said, "were published") {
		t.Errorf("over an empty database, with a checkpoint: %d %s", status, said)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "second", "floor")); err == nil {
		t.Error("what was refused has left a floor")
	}
	db := f.administrator("sqlite:" + f.path("empty.db"))
	_, err := db.Exec(`CREATE TRIGGER full BEFORE INSERT ON operations BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	f.must(err)
	if status, said := set(); status == 0 {
		t.Errorf("without a record: %d %s", status, said)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "second", "floor")); err == nil {
		t.Error("a floor that is not on record was left")
	}
	_, err = db.Exec(`DROP TRIGGER full`)
	f.must(err)
	if status, said := set(); status != 0 || !strings.Contains(said, "floor of 0 entries, root 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") {
		t.Errorf("over an empty database: %d %s", status, said)
	}
	if status, said := set(); status != 64 || !strings.Contains(said, "is there") {
		t.Errorf("a second time: %d %s", status, said)
	}
}
