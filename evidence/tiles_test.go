package evidence_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

func get(l *evidence.Log, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// tilePath is C2SP's spelling, made from x/mod's tile/H/L/NNN.
func tilePath(t tlog.Tile) string {
	return "/" + strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", t.H), "tile/", 1)
}

// tiles reads the served log as a client of x/mod does.
type tiles struct {
	t *testing.T
	l *evidence.Log
}

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(want))
	for i, tile := range want {
		w := get(r.l, tilePath(tile))
		if w.Code != http.StatusOK {
			return nil, fmt.Errorf("%s: %d", tilePath(tile), w.Code)
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			r.t.Errorf("%s: Cache-Control %q", tilePath(tile), got)
		}
		out[i] = w.Body.Bytes()
	}
	return out, nil
}

// TestTiles serves a log of 600 entries in checkpoints of 256, 300 and 600 and
// reads all of it back through x/mod's client, which verifies every tile.
func TestTiles(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	logKey, _ := l.Keys()
	if w := get(l, "/checkpoint"); w.Code != http.StatusNotFound {
		t.Errorf("an empty log has a checkpoint: %d", w.Code)
	}
	var entries []evidence.Entry
	for _, n := range []int{256, 44, 300} {
		entries = append(entries, add(t, l, store, len(entries), n)...)
		integrate(t, l)
	}
	w := get(l, "/checkpoint")
	head, err := evidence.VerifyCheckpoint(w.Body.Bytes(), origin, []string{logKey})
	if err != nil || head.Size != 600 {
		t.Fatal(head, err)
	}
	if got := w.Header(); got.Get("Content-Type") != "text/plain; charset=utf-8" || got.Get("Cache-Control") != "no-cache" {
		t.Errorf("checkpoint headers: %v", got)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: head.Size, Hash: head.Root}, tiles{t, l})
	for n, e := range entries {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(n))})
		if err != nil {
			t.Fatal(err)
		}
		if hashes[0] != evidence.LeafHash(e.Leaf) {
			t.Errorf("leaf %d is another", n)
		}
	}
	proof, err := tlog.ProveTree(600, 300, reader)
	if err != nil || tlog.CheckTree(proof, 600, head.Root, 300, mustRoot(t, reader, 300)) != nil {
		t.Errorf("consistency from tiles: %v", err)
	}
	t.Run("entries", func(t *testing.T) {
		for _, bundle := range []struct {
			path     string
			from, to int
		}{{"/tile/entries/000", 0, 256}, {"/tile/entries/001", 256, 512}, {"/tile/entries/002.p/88", 512, 600}, {"/tile/entries/001.p/44", 256, 300}} {
			b := get(l, bundle.path).Body.Bytes()
			for n := bundle.from; n < bundle.to; n++ {
				if len(b) < 34 || binary.BigEndian.Uint16(b) != 32 || [32]byte(b[2:34]) != entries[n].Leaf {
					t.Fatalf("%s: entry %d is not its leaf", bundle.path, n)
				}
				b = b[34:]
			}
			if len(b) != 0 {
				t.Errorf("%s: %d bytes too many", bundle.path, len(b))
			}
		}
	})
	t.Run("found", func(t *testing.T) {
		for path, size := range map[string]int{
			"/tile/0/000": 8192, "/tile/0/001": 8192, "/tile/0/002.p/88": 88 * 32, "/tile/0/001.p/44": 44 * 32,
			"/tile/1/000.p/1": 32, "/tile/1/000.p/2": 64,
		} {
			if w := get(l, path); w.Code != http.StatusOK || w.Body.Len() != size {
				t.Errorf("%s: %d with %d bytes, want %d", path, w.Code, w.Body.Len(), size)
			}
		}
	})
	t.Run("not found", func(t *testing.T) {
		for _, path := range []string{
			"/", "/tile", "/tile/", "/tile/0", "/tile/0/", "/tile/0/002", "/tile/0/003", "/tile/0/002.p/87", "/tile/0/002.p/89",
			"/tile/0/001.p/45", "/tile/0/000.p/256", "/tile/0/000.p/0", "/tile/0/002.p/088", "/tile/0/0", "/tile/0/0000", "/tile/0/x000/000",
			"/tile/0/000/", "/tile/00/000", "/tile/+0/000", "/tile/64/000", "/tile/63/000", "/tile/1/000", "/tile/1/000.p/3", "/tile/2/000.p/1",
			"/tile/-1/000", "/tile/data/000", "/tile/entries/003", "/tile/entries/002", "/tile/entries/000.p/200", "/tile/0/x999/x999/x999/x999/x999/x999/999",
			"/tile/0/-01", "/tile/0/+01", "/tile/0/001.p/44/", "/checkpoint/", "/entries/000", "//checkpoint",
		} {
			if w := get(l, path); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d, %v", path, w.Code, w.Header())
			}
		}
	})
	t.Run("methods", func(t *testing.T) {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/checkpoint", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("POST: %d", w.Code)
		}
		w = httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/tile/0/000", nil))
		if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "8192" {
			t.Errorf("HEAD: %d, %v", w.Code, w.Header())
		}
	})
	t.Run("database down", func(t *testing.T) {
		store.Fault = func(string) error { return fmt.Errorf("secret host name") }
		defer func() { store.Fault = nil }()
		if w := get(l, "/tile/0/000"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	})
}

func mustRoot(t *testing.T, r tlog.HashReader, n int64) tlog.Hash {
	t.Helper()
	h, err := tlog.TreeHash(n, r)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func FuzzTilePath(f *testing.F) {
	for _, path := range []string{"0/000", "entries/x001/234.p/5", "63/x001/x234/067", "0/000.p/256"} {
		f.Add(path)
	}
	store := new(evidencetest.Store)
	l := newLog(f, store)
	add(f, l, store, 0, 3)
	integrate(f, l)
	f.Fuzz(func(t *testing.T, path string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = "/tile/" + path
		l.ServeHTTP(w, r)
		found := path == "0/000.p/3" || path == "entries/000.p/3"
		if (w.Code == http.StatusOK) != found {
			t.Errorf("%q: %d", path, w.Code)
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	store := new(evidencetest.Store)
	l := newLog(f, store)
	logKey, receiptKey := l.Keys()
	for i := range 5 { // the same in every process that fuzzes
		r := record(evidence.PhaseIntent)
		r.Operation = operation(i)
		e, err := evidence.NewEntry(r, bytes.NewReader(make([]byte, 32)), 0)
		if err != nil {
			f.Fatal(err)
		}
		if err := store.Append(f.Context(), e); err != nil {
			f.Fatal(err)
		}
	}
	integrate(f, l)
	proofs, err := l.Prove(f.Context(), operation(3))
	if err != nil {
		f.Fatal(err)
	}
	leaf, head := proofs[0].Entry.Leaf, proofs[0].Checkpoint.Head
	r, _ := l.Receipt(add(f, l, store, 9, 1)[0])
	f.Add(proofs[0].Marshal())
	f.Add(r.Note)
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if index, got, err := evidence.VerifyProof(b, leaf, origin, []string{logKey}); err == nil && (index != 3 || got != head) {
			t.Errorf("a proof of index %d under %v", index, got)
		}
		if r, err := evidence.VerifyReceipt(b, []string{receiptKey}); err == nil && (r.Origin != origin || r.Operation != operation(9)) {
			t.Errorf("a receipt for %s", r.Operation)
		}
		if evidence.VerifyConsistency(b, evidence.Head{Size: 2}, head) == nil {
			t.Error("a tree with a zero root is consistent")
		}
	})
}
