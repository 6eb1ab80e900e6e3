package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var logTests = map[string]func(*testing.T, *store.DB){
	"entries come back as they were": entriesComeBack,
	"one intent and one outcome":     onePhaseEach,
	"sequencing":                     sequencing,
	"of two sequencers one wins":     sequencersRace,
	"stored hashes":                  storedHashes,
	"a missing hash is an error":     missingHash,
	"checkpoints":                    checkpoints,
	"annotations":                    annotations,
	"artefacts":                      artefacts,
	"the head goes forward only":     headForward,
	"too long a record":              longRecord,
	"overdue entries":                overdueEntries,
	"the clock is reset":             clockReset,
	"a status is given later":        statusLater,
	"checkpoints are listed":         publishedLists,
}

// Sequence gives up to max pending entries their places, as evidence does. It
// returns how many.
func Sequence(ctx context.Context, db *store.DB, max int) (int, error) {
	head, err := db.Head(ctx)
	if err != nil {
		return 0, err
	}
	pending, err := db.Pending(ctx, max)
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	fresh := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var old []int64
		for _, i := range indexes {
			if _, ok := fresh[i]; !ok {
				old = append(old, i)
			}
		}
		stored, err := db.Hashes(ctx, old)
		if err != nil {
			return nil, err
		}
		out := make([]tlog.Hash, 0, len(indexes))
		for _, i := range indexes {
			if h, ok := fresh[i]; ok {
				out = append(out, h)
			} else {
				out, stored = append(out, stored[0]), stored[1:]
			}
		}
		return out, nil
	})
	var ids []int64
	var hashes []tlog.Hash
	for i, p := range pending {
		ids = append(ids, p.Row)
		n := head.Size + int64(i)
		more, err := tlog.StoredHashes(n, p.Leaf[:], reader)
		if err != nil {
			return 0, err
		}
		for j, h := range more {
			fresh[tlog.StoredHashIndex(0, n)+int64(j)] = h
		}
		hashes = append(hashes, more...)
	}
	next := evidence.Head{Size: head.Size + int64(len(pending))}
	if next.Root, err = tlog.TreeHash(next.Size, reader); err != nil {
		return 0, err
	}
	return len(ids), db.Integrate(ctx, head, ids, hashes, next)
}

func entriesComeBack(t *testing.T, db *store.DB) {
	want := []evidence.Entry{
		Entry(Org, "op", evidence.PhaseIntent, Start), Entry(Org, "op", evidence.PhaseOutcome, Start.Add(time.Second)),
		Entry(Org, "op", evidence.PhaseEvent, Start.Add(2*time.Second)), Entry(Org, "op", evidence.PhaseEvent, Start.Add(3*time.Second)),
	}
	for _, e := range want {
		if err := db.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.EntriesOf(t.Context(), "op")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	// Those with a place come first.
	pending, err := db.Pending(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	hash := tlog.RecordHash(pending[2].Leaf[:])
	if err := db.Integrate(t.Context(), evidence.Head{}, []int64{pending[2].Row}, []tlog.Hash{hash}, evidence.Head{Size: 1, Root: hash}); err != nil {
		t.Fatal(err)
	}
	want[2].Index = 0
	want = []evidence.Entry{want[2], want[0], want[1], want[3]}
	if got, err = db.EntriesOf(t.Context(), "op"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func onePhaseEach(t *testing.T, db *store.DB) {
	for _, phase := range []evidence.Phase{evidence.PhaseIntent, evidence.PhaseOutcome} {
		if err := db.Append(t.Context(), Entry(Org, "op", phase, Start)); err != nil {
			t.Fatal(err)
		}
		if err := db.Append(t.Context(), Entry(Org, "op", phase, Start)); !errors.Is(err, evidence.ErrDuplicate) {
			t.Errorf("%s twice: got %v, want ErrDuplicate", phase, err)
		}
	}
	// The duplicate does not spoil the transaction.
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		if err := tx.Append(ctx, Entry(Org, "op", evidence.PhaseIntent, Start)); !errors.Is(err, evidence.ErrDuplicate) {
			t.Errorf("got %v, want ErrDuplicate", err)
		}
		return tx.Append(ctx, Entry(Org, "op", evidence.PhaseEvent, Start))
	})
}

func sequencing(t *testing.T, db *store.DB) {
	for i := range 150 {
		if err := db.Append(t.Context(), Entry(Org, ID(Start), evidence.PhaseEvent, Start.Add(-time.Duration(i)*time.Second))); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok, err := db.OldestPending(t.Context()); err != nil || !ok || !got.Equal(Start.Add(-149*time.Second+time.Minute)) {
		t.Errorf("oldest pending: got %v, %v, %v", got, ok, err)
	}
	for _, want := range []int{100, 1, 49, 0} {
		if got, err := Sequence(t.Context(), db, max(want, 1)); err != nil || got != want {
			t.Fatalf("sequenced %d, %v; want %d", got, err, want)
		}
	}
	if _, ok, err := db.OldestPending(t.Context()); err != nil || ok {
		t.Errorf("something is pending: %v, %v", ok, err)
	}
	got, err := db.Entries(t.Context(), 99, 3)
	if err != nil || len(got) != 3 || got[0].Index != 99 || got[2].Index != 101 {
		t.Errorf("got entries %+v, %v", got, err)
	}
	head, err := db.Head(t.Context())
	if err != nil || head.Size != 150 {
		t.Errorf("got head %+v, %v", head, err)
	}
	root, err := tlog.TreeHash(150, hashReader(t.Context(), db))
	if err != nil || root != head.Root {
		t.Errorf("stored hashes give root %v, %v; want %v", root, err, head.Root)
	}
}

func hashReader(ctx context.Context, db *store.DB) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return db.Hashes(ctx, indexes) })
}

func sequencersRace(t *testing.T, db *store.DB) {
	const n = 200
	for range n {
		if err := db.Append(t.Context(), Entry(Org, ID(Start), evidence.PhaseEvent, Start)); err != nil {
			t.Fatal(err)
		}
	}
	var total atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				got, err := Sequence(t.Context(), db, 7)
				switch {
				case errors.Is(err, evidence.ErrConflict):
				case err != nil:
					t.Error(err)
					return
				case got == 0:
					return
				default:
					total.Add(int64(got))
				}
			}
		})
	}
	wg.Wait()
	head, err := db.Head(t.Context())
	if err != nil || head.Size != n || total.Load() != n {
		t.Errorf("got head %+v, %v and %d sequenced, want %d", head, err, total.Load(), n)
	}
	if root, err := tlog.TreeHash(n, hashReader(t.Context(), db)); err != nil || root != head.Root {
		t.Errorf("stored hashes give root %v, %v; want %v", root, err, head.Root)
	}
}

func storedHashes(t *testing.T, db *store.DB) {
	for range 300 {
		if err := db.Append(t.Context(), Entry(Org, ID(Start), evidence.PhaseEvent, Start)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{1, 2, 60, 200, 37} {
		if _, err := Sequence(t.Context(), db, n); err != nil {
			t.Fatal(err)
		}
	}
	count := tlog.StoredHashCount(300)
	var indexes []int64
	for i := range count {
		indexes = append(indexes, i)
	}
	all, err := db.Hashes(t.Context(), indexes)
	if err != nil {
		t.Fatal(err)
	}
	few := []int64{count - 1, 0, 77, 76, count - 2, 0}
	got, err := db.Hashes(t.Context(), few)
	if err != nil {
		t.Fatal(err)
	}
	for i, index := range few {
		if got[i] != all[index] {
			t.Errorf("hash %d is %v alone and %v among all", index, got[i], all[index])
		}
	}
	for _, entry := range []int64{0, 63, 299} {
		proof, err := tlog.ProveRecord(300, entry, hashReader(t.Context(), db))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := db.Entries(t.Context(), entry, 1)
		if err != nil {
			t.Fatal(err)
		}
		head, err := db.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, 300, head.Root, entry, tlog.RecordHash(entries[0].Leaf[:])); err != nil {
			t.Errorf("entry %d: %v", entry, err)
		}
	}
}

func missingHash(t *testing.T, db *store.DB) {
	if err := db.Append(t.Context(), Entry(Org, "op", evidence.PhaseEvent, Start)); err != nil {
		t.Fatal(err)
	}
	if _, err := Sequence(t.Context(), db, 1); err != nil {
		t.Fatal(err)
	}
	for _, indexes := range [][]int64{{1}, {0, 1000}, {-1}} {
		if got, err := db.Hashes(t.Context(), indexes); !errors.Is(err, evidence.ErrNoHash) {
			t.Errorf("hashes %v: got %v, %v; want ErrNoHash", indexes, got, err)
		}
	}
}

func checkpoints(t *testing.T, db *store.DB) {
	if _, ok, err := db.LatestCheckpoint(t.Context()); err != nil || ok {
		t.Fatalf("a checkpoint in an empty log: %v", err)
	}
	of := func(size int64, root byte) evidence.Checkpoint {
		return evidence.Checkpoint{Head: evidence.Head{Size: size, Root: tlog.Hash{root}}, Note: []byte{byte(size), root}, Time: Start}
	}
	for _, c := range []evidence.Checkpoint{of(10, 1), of(30, 3), of(20, 2), of(20, 2)} {
		if err := db.SaveCheckpoint(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SaveCheckpoint(t.Context(), of(20, 9)); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("a second root for size 20: got %v, want ErrConflict", err)
	}
	latest, ok, err := db.LatestCheckpoint(t.Context())
	if err != nil || !ok || !reflect.DeepEqual(latest, of(30, 3)) {
		t.Errorf("latest: got %+v, %v, %v", latest, ok, err)
	}
	if err := db.Annotate(t.Context(), 30, evidence.Annotation{Token: []byte("token")}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		size    int64
		stamped bool
		want    int64
	}{{0, false, 10}, {10, false, 10}, {11, false, 20}, {11, true, 30}, {31, false, 0}, {31, true, 0}} {
		got, ok, err := db.CheckpointFor(t.Context(), test.size, test.stamped)
		if err != nil || ok != (test.want != 0) || got.Size != test.want {
			t.Errorf("for %d, stamped %v: got %+v, %v, %v", test.size, test.stamped, got, ok, err)
		}
	}
}

func annotations(t *testing.T, db *store.DB) {
	if err := db.Annotate(t.Context(), 5, evidence.Annotation{Token: []byte("x")}); err == nil {
		t.Error("a checkpoint that does not exist was annotated")
	}
	if err := db.SaveCheckpoint(t.Context(), evidence.Checkpoint{Head: evidence.Head{Size: 5}, Note: []byte("note"), Time: Start}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []evidence.Annotation{
		{Cosignatures: []string{"— b\n"}},
		{Token: []byte("first"), Material: [][32]byte{Sum("m1"), Sum("m2")}},
		{Token: []byte("second"), Cosignatures: []string{"— a\n", "— b\n"}},
	} {
		if err := db.Annotate(t.Context(), 5, a); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := db.LatestCheckpoint(t.Context())
	want := evidence.Annotation{Token: []byte("first"), Material: [][32]byte{Sum("m1"), Sum("m2")}, Cosignatures: []string{"— a\n", "— b\n"}}
	if err != nil || !reflect.DeepEqual(got.Annotation, want) {
		t.Errorf("got %+v, %v\nwant %+v", got.Annotation, err, want)
	}
}

func artefacts(t *testing.T, db *store.DB) {
	long := make([]byte, 1<<20)
	rand.Read(long)
	for _, b := range []evidence.Blob{{Organisation: Org, Kind: "cms", Data: long}, {Kind: "crl", Data: []byte("crl")}, {Organisation: Org, Kind: "empty", Data: []byte{}}} {
		for range 2 {
			if err := db.PutArtefact(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		got, ok, err := db.Artefact(t.Context(), Sum(string(b.Data)))
		if err != nil || !ok || got.Kind != b.Kind || string(got.Data) != string(b.Data) || got.Organisation != b.Organisation {
			t.Errorf("%s: got %d bytes, %v, %v", b.Kind, len(got.Data), ok, err)
		}
	}
	for scope, want := range map[gateway.Scope][2]bool{Org: {true, true}, Other: {false, true}} {
		err := db.View(t.Context(), scope, func(r gateway.Reader) error {
			for i, d := range [][32]byte{Sum(string(long)), Sum("crl")} {
				if _, ok, err := r.Artefact(t.Context(), d); err != nil || ok != want[i] {
					t.Errorf("scope %s, artefact %d: got %v, %v; want %v", scope, i, ok, err, want[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func headForward(t *testing.T, db *store.DB) {
	if err := db.Append(t.Context(), Entry(Org, "op", evidence.PhaseEvent, Start)); err != nil {
		t.Fatal(err)
	}
	pending, err := db.Pending(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	hash := tlog.RecordHash(pending[0].Leaf[:])
	for name, err := range map[string]error{
		"another head": db.Integrate(t.Context(), evidence.Head{Size: 0, Root: tlog.Hash{1}}, []int64{pending[0].Row}, []tlog.Hash{hash}, evidence.Head{Size: 1, Root: hash}),
		"another row":  db.Integrate(t.Context(), evidence.Head{}, []int64{pending[0].Row + 1}, []tlog.Hash{hash}, evidence.Head{Size: 1, Root: hash}),
	} {
		if !errors.Is(err, evidence.ErrConflict) {
			t.Errorf("%s: got %v, want ErrConflict", name, err)
		}
	}
	if err := db.Integrate(t.Context(), evidence.Head{}, []int64{pending[0].Row}, nil, evidence.Head{Size: 1, Root: hash}); err == nil {
		t.Error("a head without its hashes was taken")
	}
	if h, err := db.Head(t.Context()); err != nil || h.Size != 0 {
		t.Errorf("got head %+v, %v", h, err)
	}
}

func longRecord(t *testing.T, db *store.DB) {
	e := Entry(Org, "op", evidence.PhaseEvent, Start)
	e.Record = make([]byte, evidence.MaxRecord+1)
	if err := db.Append(t.Context(), e); err == nil {
		t.Error("too long a record was taken")
	}
}

func overdueEntries(t *testing.T, db *store.DB) {
	for i, op := range []string{"a", "b", "c", "d"} {
		if err := db.Append(t.Context(), Entry(Org, op, evidence.PhaseEvent, Start.Add(time.Duration(i)*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Sequence(t.Context(), db, 1); err != nil {
		t.Fatal(err)
	}
	promise := Entry(Org, "c", evidence.PhaseEvent, Start.Add(2*time.Hour)).Promise
	for _, tt := range []struct {
		before time.Time
		max    int
		want   []string
	}{
		{Start, 10, nil},
		{promise, 10, []string{"b"}},
		{promise.Add(time.Millisecond), 10, []string{"b", "c"}},
		{promise.Add(time.Millisecond), 1, []string{"b"}},
	} {
		got, err := db.Overdue(t.Context(), tt.before, tt.max)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range got {
			names = append(names, e.Operation)
			if e.Index != -1 {
				t.Errorf("%s has the place %d", e.Operation, e.Index)
			}
		}
		if !slices.Equal(names, tt.want) {
			t.Errorf("before %v, %d at most: got %v, want %v", tt.before, tt.max, names, tt.want)
		}
	}
}
