package evidence_test

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// forge returns a row as someone with the database but without the receipt key
// can make it.
func forge(t *testing.T, old evidence.Entry) evidence.Entry {
	t.Helper()
	r, err := evidence.ParseRecord(old.Record)
	if err != nil {
		t.Fatal(err)
	}
	r.Actor.Application = "nobody"
	e, err := evidence.NewEntry(r, rand.Reader, 0)
	if err != nil {
		t.Fatal(err)
	}
	e.Index = old.Index
	return e
}

// rebuild makes stored hashes and head anew from the rows.
func rebuild(t *testing.T, rows *evidencetest.Rows) {
	t.Helper()
	rows.Hashes = nil
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = rows.Hashes[index]
		}
		return out, nil
	})
	n := int64(0)
	for _, e := range rows.Entries {
		if e.Index != n {
			t.Fatalf("row %d has the index %d", n, e.Index)
		}
		h, err := tlog.StoredHashes(n, e.Leaf[:], read)
		if err != nil {
			t.Fatal(err)
		}
		rows.Hashes = append(rows.Hashes, h...)
		n++
	}
	root, err := tlog.TreeHash(n, read)
	if err != nil {
		t.Fatal(err)
	}
	rows.Head = evidence.Head{Size: n, Root: root}
}

// TestAuditNamesTheFirstBadIndex is S12 without a database: what its superuser
// could do, and what the audit says.
func TestAuditNamesTheFirstBadIndex(t *testing.T) {
	type rows = evidencetest.Rows
	for _, tt := range []struct {
		name       string
		do         func(t *testing.T, r *rows)
		rule       string
		first, end int64
	}{
		{"update a record", func(_ *testing.T, r *rows) { r.Entries[5].Record[9] ^= 1 }, evidence.RuleRow, 5, 6},
		{"update a salt", func(_ *testing.T, r *rows) { r.Entries[0].Salt[0] ^= 1 }, evidence.RuleRow, 0, 1},
		{"update a column", func(_ *testing.T, r *rows) { r.Entries[5].Operation = operation(99) }, evidence.RuleRow, 5, 6},
		{"update a promise", func(_ *testing.T, r *rows) { r.Entries[5].Promise = now }, evidence.RuleReceipt, 5, 6},
		{"update row and leaf", func(t *testing.T, r *rows) { r.Entries[5] = forge(t, r.Entries[5]) }, evidence.RuleReceipt, 5, 6},
		{"drop a receipt", func(_ *testing.T, r *rows) { r.Entries[7].Receipt = nil }, evidence.RuleReceipt, 7, 8},
		{"delete a row", func(_ *testing.T, r *rows) { r.Entries = append(r.Entries[:8], r.Entries[9:]...) }, evidence.RuleRow, 8, 9},
		{"delete the last row", func(_ *testing.T, r *rows) { r.Entries = r.Entries[:11] }, evidence.RuleRow, 11, 12},
		{"delete and close the gap", func(_ *testing.T, r *rows) {
			r.Entries = append(r.Entries[:8], r.Entries[9:]...)
			for i := range r.Entries {
				r.Entries[i].Index = int64(i)
			}
		}, evidence.RuleStoredHash, 8, 9},
		{"insert in the middle", func(_ *testing.T, r *rows) {
			e := r.Entries[2]
			r.Entries = append(r.Entries[:4], append([]evidence.Entry{e}, r.Entries[4:]...)...)
			for i := range r.Entries {
				r.Entries[i].Index = int64(i)
			}
		}, evidence.RuleStoredHash, 4, 5},
		{"insert beyond the head", func(t *testing.T, r *rows) {
			e := r.Entries[2]
			e.Index = 12
			r.Entries = append(r.Entries, e)
		}, evidence.RuleRow, 12, 13},
		{"insert and sequence a forgery", func(t *testing.T, r *rows) {
			e := forge(t, r.Entries[2])
			e.Index = 12
			r.Entries = append(r.Entries, e)
			rebuild(t, r)
		}, evidence.RuleReceipt, 12, 13},
		{"reorder", func(_ *testing.T, r *rows) {
			r.Entries[3].Index, r.Entries[9].Index = 9, 3
		}, evidence.RuleStoredHash, 3, 4},
		{"truncate rows", func(_ *testing.T, r *rows) { r.Entries = nil }, evidence.RuleRow, 0, 1},
		{"truncate stored hashes", func(_ *testing.T, r *rows) { r.Hashes = nil }, evidence.RuleStoredHash, 0, 12},
		{"truncate all", func(_ *testing.T, r *rows) { *r = rows{} }, evidence.RuleRollback, 0, 12},
		{"cut the tail everywhere", func(t *testing.T, r *rows) {
			r.Entries = r.Entries[:7]
			rebuild(t, r)
			for size := range r.Checkpoints {
				if size > 7 {
					delete(r.Checkpoints, size)
				}
			}
		}, evidence.RuleRollback, 7, 12},
		{"change a leaf's stored hash", func(_ *testing.T, r *rows) { r.Hashes[tlog.StoredHashIndex(0, 6)][0] ^= 1 }, evidence.RuleStoredHash, 6, 7},
		{"change an inner stored hash", func(_ *testing.T, r *rows) { r.Hashes[tlog.StoredHashIndex(2, 1)][0] ^= 1 }, evidence.RuleStoredHash, 4, 8},
		{"change the head", func(_ *testing.T, r *rows) { r.Head.Root[0] ^= 1 }, evidence.RuleHead, 12, 12},
		{"reorder and rewrite the hashes", func(t *testing.T, r *rows) {
			r.Entries[5], r.Entries[6] = r.Entries[6], r.Entries[5]
			r.Entries[5].Index, r.Entries[6].Index = 5, 6
			rebuild(t, r)
		}, evidence.RuleCheckpoint, 4, 8},
		{"rewrite hashes and a checkpoint", func(t *testing.T, r *rows) {
			r.Entries[5], r.Entries[6] = r.Entries[6], r.Entries[5]
			r.Entries[5].Index, r.Entries[6].Index = 5, 6
			rebuild(t, r)
			c := r.Checkpoints[8]
			c.Root = tlog.Hash{1}
			r.Checkpoints[8] = c
		}, evidence.RuleCheckpoint, 4, 8},
		{"rewrite hashes, delete checkpoints", func(t *testing.T, r *rows) {
			r.Entries[5], r.Entries[6] = r.Entries[6], r.Entries[5]
			r.Entries[5].Index, r.Entries[6].Index = 5, 6
			rebuild(t, r)
			delete(r.Checkpoints, 8)
		}, evidence.RuleCheckpoint, 4, 12},
		{"rewrite hashes, delete all checkpoints", func(t *testing.T, r *rows) {
			r.Entries[5], r.Entries[6] = r.Entries[6], r.Entries[5]
			r.Entries[5].Index, r.Entries[6].Index = 5, 6
			rebuild(t, r)
			r.Checkpoints = nil
		}, evidence.RuleCheckpoint, 0, 12},
		{"break a checkpoint's signature", func(_ *testing.T, r *rows) {
			c := r.Checkpoints[8]
			c.Note = append([]byte(nil), c.Note...)
			c.Note[len(c.Note)-5] ^= 1
			r.Checkpoints[8] = c
		}, evidence.RuleCheckpoint, 4, 8},
	} {
		t.Run("S12 "+tt.name, func(t *testing.T) {
			store := new(evidencetest.Store)
			floor := filepath.Join(t.TempDir(), "floor")
			l := newLog(t, store, func(c *evidence.Config) { c.Floor = floor })
			for i := range 3 {
				add(t, l, store, 4*i, 4)
				integrate(t, l)
			}
			logKey, _ := l.Keys()
			before, err := l.Prove(t.Context(), operation(5))
			if err != nil {
				t.Fatal(err)
			}
			store.Rows = store.Snapshot()
			store.Rows.Entries[5].Record = append([]byte(nil), store.Rows.Entries[5].Record...)
			tt.do(t, &store.Rows)
			f, err := l.Audit(t.Context(), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f.Rule != tt.rule || f.First != tt.first || f.End != tt.end {
				t.Errorf("got %s from %d to %d (%s), want %s from %d to %d", f.Rule, f.First, f.End, f.Text, tt.rule, tt.first, tt.end)
			}
			if _, _, err := evidence.VerifyProof(before[0].Marshal(), before[0].Entry.Leaf, origin, []string{logKey}); err != nil {
				t.Errorf("a proof from before: %v", err)
			}
		})
	}
}

// TestAuditWithKeptCheckpoint: without floor and checkpoints in the database, a
// checkpoint that an auditor kept still tells.
func TestAuditWithKeptCheckpoint(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	add(t, l, store, 0, 6)
	integrate(t, l)
	c, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f, err := l.Audit(t.Context(), [][]byte{c.Note}, nil); err != nil || !f.OK() {
		t.Errorf("untouched: %+v, %v", f, err)
	}
	store.Rows.Checkpoints = nil
	store.Rows.Entries[1], store.Rows.Entries[2] = store.Rows.Entries[2], store.Rows.Entries[1]
	store.Rows.Entries[1].Index, store.Rows.Entries[2].Index = 1, 2
	rebuild(t, &store.Rows)
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() {
		t.Errorf("nothing is left to tell: %+v, %v", f, err)
	}
	if f, err := l.Audit(t.Context(), [][]byte{c.Note}, nil); err != nil || f.Rule != evidence.RuleCheckpoint || f.First != 0 || f.End != 6 {
		t.Errorf("got %+v, %v", f, err)
	}
	if _, err := l.Audit(t.Context(), [][]byte{[]byte("no note")}, nil); err == nil {
		t.Error("a kept checkpoint that is none was accepted")
	}
}

// TestAuditWithoutKeys: rows, hashes and roots are compared all the same; what
// only a signature tells is not found.
func TestAuditWithoutKeys(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	add(t, l, store, 0, 6)
	integrate(t, l)
	cfg := evidence.AuditConfig{Store: store, Origin: origin}
	var done int64
	cfg.Progress = func(n, total int64) { done = n*10 + total }
	if f, err := evidence.Audit(t.Context(), cfg); err != nil || !f.OK() || f.Checkpoints != 1 || done != 66 {
		t.Errorf("untouched: %+v, %v, progress %d", f, err, done)
	}
	store.Rows.Entries[2].Receipt[9] ^= 1
	if f, err := evidence.Audit(t.Context(), cfg); err != nil || !f.OK() {
		t.Errorf("a receipt: %+v, %v", f, err)
	}
	logKey, receiptKey := l.Keys()
	cfg.Keys = []string{logKey, receiptKey}
	if f, err := evidence.Audit(t.Context(), cfg); err != nil || f.Rule != evidence.RuleReceipt || f.First != 2 {
		t.Errorf("a receipt, with keys: %+v, %v", f, err)
	}
	cfg.Keys = nil
	store.Rows.Entries[1].Salt[0] ^= 1
	if f, err := evidence.Audit(t.Context(), cfg); err != nil || f.Rule != evidence.RuleRow || f.First != 1 {
		t.Errorf("a salt: %+v, %v", f, err)
	}
	cfg.Keys = []string{"no key"}
	if _, err := evidence.Audit(t.Context(), cfg); err == nil {
		t.Error("a key that is none was accepted")
	}
}

// TestAuditOverdue: an entry that waits is no fault until its promise is past,
// and no longer once it has a place; one that was taken off the list of those
// that wait is missed all the same.
func TestAuditOverdue(t *testing.T) {
	store := new(evidencetest.Store)
	clock := record(evidence.PhaseEvent).Time
	l := newLog(t, store, func(c *evidence.Config) { c.Clock = func() time.Time { return clock } })
	add(t, l, store, 0, 4)
	integrate(t, l)
	late := add(t, l, store, 4, 2)
	audit := func(what, rule string) evidence.Finding {
		t.Helper()
		f, err := l.Audit(t.Context(), nil, nil)
		if err != nil || f.Rule != rule {
			t.Errorf("%s: got %+v, %v; want %q", what, f, err, rule)
		}
		return f
	}
	audit("within the promise", "")
	clock = late[0].Promise
	audit("at the last moment", "")
	clock = clock.Add(time.Millisecond)
	f := audit("past the promise", evidence.RuleOverdue)
	if f.First != 4 || f.End != 4 || f.Size != 4 || !strings.Contains(f.Text, "2 entries") || !strings.Contains(f.Text, late[0].Operation) {
		t.Errorf("got %+v", f)
	}
	integrate(t, l)
	audit("in its place at last", "")
}
