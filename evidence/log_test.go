package evidence_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

const origin = "log.contoh.example/log"

// key returns one of any number of fixed keys.
func key(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

func vkey(t testing.TB, name string, n byte) string {
	t.Helper()
	v, err := evidence.VerifierKey(name, key(n).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// now is the clock of these tests; entries of record() are a day old.
var now = time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)

func newLog(t testing.TB, store evidence.Store, change ...func(*evidence.Config)) *evidence.Log {
	t.Helper()
	cfg := evidence.Config{
		Store: store, Origin: origin, Signer: key(1), Receipts: key(2),
		Clock: func() time.Time { return now },
	}
	for _, c := range change {
		c(&cfg)
	}
	l, err := evidence.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func operation(n int) string { return fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%012x", n) }

// add appends n events, numbered from first.
func add(t testing.TB, l *evidence.Log, store evidence.Store, first, n int) []evidence.Entry {
	t.Helper()
	out := make([]evidence.Entry, n)
	for i := range n {
		r := record(evidence.PhaseEvent)
		r.Operation = operation(first + i)
		e, _, err := l.NewEntry(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		out[i] = e
	}
	return out
}

func integrate(t testing.TB, l *evidence.Log) {
	t.Helper()
	if _, err := l.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// naive is RFC 6962 §2.1 as it is written there.
func naive(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0][:]...))
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	l, r := naive(leaves[:k]), naive(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// TestTree grows a log by batches of changing size and holds every root against
// the definition, every entry against its proof, every pair of checkpoints
// against theirs.
func TestTree(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	logKey, receiptKey := l.Keys()
	var leaves [][32]byte
	var heads []evidence.Head
	for i, n := range []int{1, 1, 2, 3, 5, 1, 7, 12} {
		for _, e := range add(t, l, store, len(leaves), n) {
			leaves = append(leaves, e.Leaf)
			r, ok := l.Receipt(e)
			if !ok {
				t.Fatal("an event without a receipt")
			}
			got, err := evidence.VerifyReceipt(r.Note, []string{receiptKey})
			if err != nil || got.Leaf != e.Leaf || !got.Promise.Equal(e.Time.Add(time.Minute)) || got.Origin != origin || got.Operation != e.Operation {
				t.Fatalf("receipt: %+v, %v", got, err)
			}
		}
		integrate(t, l)
		c, ok, err := store.LatestCheckpoint(t.Context())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		head, err := evidence.VerifyCheckpoint(c.Note, origin, []string{logKey})
		if err != nil || head.Size != int64(len(leaves)) || head.Root != tlog.Hash(naive(leaves)) {
			t.Fatalf("step %d: %+v, %v, want the root of %d leaves", i, head, err, len(leaves))
		}
		heads = append(heads, head)
	}
	for n := range leaves {
		proofs, err := l.Prove(t.Context(), operation(n))
		if err != nil || len(proofs) != 1 {
			t.Fatal(len(proofs), err)
		}
		index, head, err := evidence.VerifyProof(proofs[0].Marshal(), leaves[n], origin, []string{logKey})
		if err != nil || index != int64(n) || head.Size <= int64(n) {
			t.Errorf("entry %d: index %d, size %d, %v", n, index, head.Size, err)
		}
		if _, _, err := evidence.VerifyProof(proofs[0].Marshal(), leaves[(n+1)%len(leaves)], origin, []string{logKey}); err == nil {
			t.Errorf("entry %d: its proof serves another entry", n)
		}
	}
	for i, older := range heads {
		for _, newer := range heads[i:] {
			proof, err := l.Consistency(t.Context(), older.Size, newer.Size)
			if err != nil {
				t.Fatal(err)
			}
			msg := evidence.MarshalConsistency(older.Size, proof)
			if err := evidence.VerifyConsistency(msg, older, newer); err != nil {
				t.Errorf("%d to %d: %v", older.Size, newer.Size, err)
			}
			if err := evidence.VerifyConsistency(msg, evidence.Head{Size: older.Size, Root: tlog.Hash{1}}, newer); err == nil {
				t.Errorf("%d to %d: another root is consistent too", older.Size, newer.Size)
			}
		}
	}
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() || f.Size != int64(len(leaves)) || f.Checkpoints != int64(len(heads)) {
		t.Errorf("audit: %+v, %v", f, err)
	}
}

func TestProveWaits(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	if _, err := l.Prove(t.Context(), operation(0)); !errors.Is(err, evidence.ErrUnknownOperation) {
		t.Errorf("no entry: got %v", err)
	}
	add(t, l, store, 0, 1)
	if _, err := l.Prove(t.Context(), operation(0)); !errors.Is(err, evidence.ErrNotIntegrated) {
		t.Errorf("waiting entry: got %v", err)
	}
	for _, pair := range [][2]int64{{0, 0}, {1, 1}, {-1, 1}, {2, 1}} {
		if _, err := l.Consistency(t.Context(), pair[0], pair[1]); err == nil {
			t.Errorf("consistency of %v in an empty log was proven", pair)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*evidence.Config){
		"no store":         func(c *evidence.Config) { c.Store = nil },
		"no key":           func(c *evidence.Config) { c.Signer = nil },
		"no origin":        func(c *evidence.Config) { c.Origin = "" },
		"origin of ours":   func(c *evidence.Config) { c.Origin = "absah/receipt/1" },
		"origin and space": func(c *evidence.Config) { c.Origin = "log one" },
		"origin and plus":  func(c *evidence.Config) { c.Origin = "log+one" },
		"newline":          func(c *evidence.Config) { c.Origin = "log\none" },
		"past key":         func(c *evidence.Config) { c.PastKeys = []string{"x+00000000+AAAA"} },
		"witness":          func(c *evidence.Config) { c.Witnesses = []evidence.Witness{{VKey: vkey(t, "w", 9)}} },
	} {
		cfg := evidence.Config{Store: new(evidencetest.Store), Origin: origin, Signer: key(1)}
		change(&cfg)
		if _, err := evidence.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestFaults makes each step of integrating and publishing fail, before and
// after it is done, then goes on and verifies everything: nothing is lost, no
// size gets two roots, and what was served before is still true.
func TestFaults(t *testing.T) {
	steps := []string{"Head", "Pending", "Hashes", "Integrate", "LatestCheckpoint", "SaveCheckpoint"}
	for _, step := range steps {
		for _, when := range []string{"before ", "after "} {
			t.Run(when+step, func(t *testing.T) {
				floor := filepath.Join(t.TempDir(), "floor")
				store := new(evidencetest.Store)
				l := newLog(t, store, func(c *evidence.Config) { c.Floor = floor })
				add(t, l, store, 0, 5)
				integrate(t, l)
				add(t, l, store, 5, 6)
				broken := errors.New("disk on fire")
				done := false
				store.Fault = func(s string) error {
					if s == when+step && !done {
						done = true
						return broken
					}
					return nil
				}
				if _, err := l.Integrate(t.Context()); !errors.Is(err, broken) {
					t.Fatalf("got %v, want the fault", err)
				}
				store.Fault = nil
				// A fresh process finds the database as it was left.
				l = newLog(t, store, func(c *evidence.Config) { c.Floor = floor })
				if err := l.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				add(t, l, store, 11, 1)
				integrate(t, l)
				f, err := l.Audit(t.Context(), nil, nil)
				if err != nil || !f.OK() || f.Size != 12 {
					t.Errorf("audit: %+v, %v", f, err)
				}
				for n := range 12 {
					if _, err := l.Prove(t.Context(), operation(n)); err != nil {
						t.Errorf("entry %d: %v", n, err)
					}
				}
			})
		}
	}
}

// TestNodes lets several logs run over one store: the tree is one.
func TestNodes(t *testing.T) {
	store := new(evidencetest.Store)
	const nodes, each = 4, 60
	done := make(chan error, nodes)
	for node := range nodes {
		l := newLog(t, store, func(c *evidence.Config) { c.Batch = 7 })
		entries := make([]evidence.Entry, each)
		for i := range entries {
			r := record(evidence.PhaseEvent)
			r.Operation = operation(node*each + i)
			var err error
			if entries[i], _, err = l.NewEntry(r); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			var err error
			for _, e := range entries {
				err = errors.Join(err, store.Append(context.Background(), e))
				if _, e := l.Integrate(context.Background()); e != nil && !errors.Is(e, evidence.ErrConflict) {
					err = errors.Join(err, e)
				}
			}
			done <- err
		}()
	}
	for range nodes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l := newLog(t, store)
	integrate(t, l)
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() || f.Size != nodes*each {
		t.Errorf("audit: %+v, %v", f, err)
	}
}

func TestFloor(t *testing.T) {
	dir := t.TempDir()
	floor := filepath.Join(dir, "floor")
	withFloor := func(c *evidence.Config) { c.Floor = floor }
	store := new(evidencetest.Store)
	l := newLog(t, store, withFloor)
	if err := l.Check(t.Context()); err != nil {
		t.Fatalf("no floor yet: %v", err)
	}
	add(t, l, store, 0, 3)
	integrate(t, l)
	backup := store.Snapshot()
	add(t, l, store, 3, 3)
	integrate(t, l)
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}

	t.Run("S25 restored backup", func(t *testing.T) {
		l := newLog(t, &evidencetest.Store{Rows: backup}, withFloor)
		if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrRollback) {
			t.Errorf("got %v, want ErrRollback", err)
		}
		if err := l.Ready(t.Context()); !errors.Is(err, evidence.ErrRollback) {
			t.Errorf("Ready: got %v, want ErrRollback", err)
		}
	})
	t.Run("S25 restored and grown again", func(t *testing.T) {
		store := &evidencetest.Store{Rows: backup}
		l := newLog(t, store) // without the floor
		add(t, l, store, 10, 4)
		integrate(t, l)
		l = newLog(t, store, withFloor)
		if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrTampered) {
			t.Errorf("got %v, want ErrTampered", err)
		}
		if f, err := l.Audit(t.Context(), nil, nil); err != nil || f.Rule != evidence.RuleCheckpoint {
			t.Errorf("audit: %+v, %v", f, err)
		}
	})
	t.Run("S12 stored hashes gone", func(t *testing.T) {
		store := &evidencetest.Store{Rows: backup}
		l := newLog(t, store)
		store.Rows.Hashes = nil
		add(t, l, store, 20, 1)
		for name, step := range map[string]func(context.Context) error{
			"Check":     l.Check,
			"Integrate": func(ctx context.Context) error { _, err := l.Integrate(ctx); return err },
		} {
			if err := step(t.Context()); !errors.Is(err, evidence.ErrTampered) {
				t.Errorf("%s: got %v, want ErrTampered", name, err)
			}
		}
		if err := l.Ready(t.Context()); !errors.Is(err, evidence.ErrTampered) {
			t.Errorf("Ready: got %v, want ErrTampered", err)
		}
	})
	t.Run("S12 places taken beyond the head", func(t *testing.T) {
		store := &evidencetest.Store{Rows: backup, Fault: func(step string) error {
			if strings.Contains(step, "Integrate") {
				return evidence.ErrConflict // and the head is still the same
			}
			return nil
		}}
		l := newLog(t, store)
		add(t, l, store, 30, 1)
		if _, err := l.Integrate(t.Context()); !errors.Is(err, evidence.ErrTampered) {
			t.Errorf("got %v, want ErrTampered", err)
		}
	})
	t.Run("S25 emptied database", func(t *testing.T) {
		if err := newLog(t, new(evidencetest.Store), withFloor).Check(t.Context()); !errors.Is(err, evidence.ErrRollback) {
			t.Errorf("got %v, want ErrRollback", err)
		}
	})
	t.Run("floor of another key", func(t *testing.T) {
		l := newLog(t, store, withFloor, func(c *evidence.Config) { c.Signer = key(7) })
		if err := l.Check(t.Context()); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("emptied floor", func(t *testing.T) {
		empty := filepath.Join(t.TempDir(), "floor")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		l := newLog(t, store, func(c *evidence.Config) { c.Floor = empty })
		if err := l.Check(t.Context()); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("no folder", func(t *testing.T) {
		store := new(evidencetest.Store)
		l := newLog(t, store, func(c *evidence.Config) { c.Floor = filepath.Join(t.TempDir(), "none", "floor") })
		add(t, l, store, 0, 1)
		if _, err := l.Integrate(t.Context()); err == nil {
			t.Error("published without a floor")
		}
		if _, ok, _ := store.LatestCheckpoint(t.Context()); ok {
			t.Error("there is a checkpoint that is not in the floor")
		}
	})
	t.Run("nothing left behind", func(t *testing.T) {
		names, err := filepath.Glob(filepath.Join(dir, ".*"))
		if err != nil || len(names) > 0 {
			t.Errorf("got %v, %v", names, err)
		}
	})
}

// TestFollow: a node that signs nothing itself keeps its floor up to date, and
// notices a database that is put back while it runs.
func TestFollow(t *testing.T) {
	store := new(evidencetest.Store)
	floor := filepath.Join(t.TempDir(), "floor")
	busy, idle := newLog(t, store), newLog(t, store, func(c *evidence.Config) { c.Floor = floor })
	logKey, _ := busy.Keys()
	var backup evidencetest.Rows
	for i := range 3 {
		backup = store.Snapshot()
		add(t, busy, store, 4*i, 4)
		integrate(t, busy)
		integrate(t, idle)
		msg, err := os.ReadFile(floor)
		if err != nil {
			t.Fatal(err)
		}
		if head, err := evidence.VerifyCheckpoint(msg, origin, []string{logKey}); err != nil || head.Size != int64(4*i+4) {
			t.Errorf("floor: %+v, %v", head, err)
		}
	}
	store.Rows = backup
	if _, err := idle.Integrate(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("put back under a running node: got %v, want ErrRollback", err)
	}
	if err := idle.Ready(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("Ready: got %v, want ErrRollback", err)
	}
	store.Rows = evidencetest.Rows{}
	if _, err := busy.Integrate(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("emptied under a running node: got %v, want ErrRollback", err)
	}
}

func TestReady(t *testing.T) {
	store := new(evidencetest.Store)
	clock := record(evidence.PhaseEvent).Time
	l := newLog(t, store, func(c *evidence.Config) { c.Clock = func() time.Time { return clock } })
	add(t, l, store, 0, 1)
	if err := l.Ready(t.Context()); err != nil {
		t.Errorf("within the promise: %v", err)
	}
	clock = clock.Add(time.Minute + time.Second)
	if err := l.Ready(t.Context()); !errors.Is(err, evidence.ErrBehind) {
		t.Errorf("past the promise: got %v, want ErrBehind", err)
	}
	integrate(t, l)
	if err := l.Ready(t.Context()); err != nil {
		t.Errorf("integrated: %v", err)
	}
	store.Fault = func(string) error { return os.ErrDeadlineExceeded }
	if err := l.Ready(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("database down: got %v", err)
	}
}

type stamper struct {
	down  bool
	calls atomic.Int64
}

func (s *stamper) Timestamp(_ context.Context, digest [32]byte) (evidence.Stamp, error) {
	s.calls.Add(1)
	if s.down {
		return evidence.Stamp{}, errors.New("authority is down")
	}
	return evidence.Stamp{Token: digest[:], Material: []evidence.Blob{{Kind: "certificate", Data: []byte("c")}}}, nil
}

// TestStampDelaysNothing: a dead timestamp authority costs the token only, and
// a checkpoint with a token is preferred.
func TestStampDelaysNothing(t *testing.T) {
	store := new(evidencetest.Store)
	tsa := &stamper{down: true}
	l := newLog(t, store, func(c *evidence.Config) { c.Timestamper = tsa })
	add(t, l, store, 0, 1)
	integrate(t, l)
	if err := l.Stamp(t.Context()); err == nil {
		t.Error("no error from a dead authority")
	}
	proofs, err := l.Prove(t.Context(), operation(0))
	if err != nil || proofs[0].Checkpoint.Token != nil {
		t.Fatalf("%v", err)
	}
	tsa.down = false
	add(t, l, store, 1, 1)
	integrate(t, l)
	for range 2 { // the second finds it done
		if err := l.Stamp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if tsa.calls.Load() != 2 {
		t.Errorf("asked %d times, want 2", tsa.calls.Load())
	}
	proofs, err = l.Prove(t.Context(), operation(0))
	if err != nil {
		t.Fatal(err)
	}
	c := proofs[0].Checkpoint
	if want := sha256.Sum256(c.Note); c.Size != 2 || string(c.Token) != string(want[:]) {
		t.Errorf("got the checkpoint of %d with %x", c.Size, c.Token)
	}
	if b, ok, err := store.Artefact(t.Context(), c.Material[0]); err != nil || !ok || string(b.Data) != "c" {
		t.Errorf("material: %v, %v, %v", b, ok, err)
	}
}

// TestRun drives the loop by a fake clock: entries get places, checkpoints
// tokens, dangling intents outcomes, and it ends when told to.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, tsa := new(evidencetest.Store), new(stamper)
		l := newLog(t, store, func(c *evidence.Config) {
			c.Timestamper, c.StampEvery, c.Clock, c.Batch = tsa, time.Minute, time.Now, 4
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		add(t, l, store, 0, 10)
		time.Sleep(5 * time.Second) // of the fake clock
		synctest.Wait()
		if _, ok, err := store.CheckpointFor(ctx, 1, true); err != nil || !ok {
			t.Errorf("no checkpoint has a token yet: %v", err)
		}
		for n := range 30 {
			add(t, l, store, 100+n, 1)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if tsa.calls.Load() > 2 {
			t.Errorf("%d tokens in less than a minute", tsa.calls.Load())
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		rows := store.Snapshot()
		if rows.Head.Size != 40 {
			t.Errorf("%d entries have a place, want 40", rows.Head.Size)
		}
		if c, ok, err := store.LatestCheckpoint(ctx); err != nil || !ok || c.Size != 40 || c.Token == nil {
			t.Errorf("latest checkpoint: %d, %v, token %x", c.Size, err, c.Token)
		}
		// S12: once the tree was changed under it, nothing more is signed.
		store.Rows.Hashes[len(store.Rows.Hashes)-1][0] ^= 1
		add(t, l, store, 200, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := l.Ready(ctx); !errors.Is(err, evidence.ErrTampered) {
			t.Errorf("Ready: got %v, want ErrTampered", err)
		}
		if got := store.Snapshot().Head.Size; got != 40 {
			t.Errorf("the changed tree grew to %d", got)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

func TestReceiptRefuses(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store)
	e := add(t, l, store, 0, 1)[0]
	r, _ := l.Receipt(e)
	_, receiptKey := l.Keys()
	for i := range r.Note {
		bad := append([]byte(nil), r.Note...)
		bad[i] ^= 1
		if _, err := evidence.VerifyReceipt(bad, []string{receiptKey}); err == nil {
			t.Fatalf("byte %d (%q) flipped: accepted", i, r.Note[i])
		}
	}
	// The key under the log's own name makes no receipts, nor the receipt key
	// checkpoints: the name is part of the key id.
	if _, err := evidence.VerifyReceipt(r.Note, []string{vkey(t, origin, 2)}); err == nil {
		t.Error("accepted under the log's name")
	}
	if strings.Contains(string(r.Note), "Kabupaten") {
		t.Error("the receipt discloses the record")
	}
}
