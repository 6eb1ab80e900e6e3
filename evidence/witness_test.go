package evidence_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

func newWitness(t *testing.T, n byte) (*evidencetest.Witness, evidence.Witness) {
	t.Helper()
	w := &evidencetest.Witness{Name: fmt.Sprintf("witness%d.example", n), Key: key(n), Origin: origin, LogKeys: []string{vkey(t, origin, 1)}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return w, evidence.Witness{URL: server.URL, VKey: w.VKey()}
}

func TestWitnesses(t *testing.T) {
	store := new(evidencetest.Store)
	w1, c1 := newWitness(t, 11)
	w2, c2 := newWitness(t, 12)
	down := evidence.Witness{URL: "http://127.0.0.1:1", VKey: (&evidencetest.Witness{Name: "w", Key: key(13)}).VKey()}
	l := newLog(t, store, func(c *evidence.Config) { c.Witnesses = []evidence.Witness{c1, down, c2} })
	for i := range 3 {
		add(t, l, store, 4*i, 4)
		integrate(t, l)
		if err := l.Cosign(t.Context()); err == nil {
			t.Error("the dead witness gave no error")
		}
		c, _, err := store.LatestCheckpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names, err := evidence.VerifyCosignatures(c.Cosigned(), []string{c1.VKey, down.VKey, c2.VKey})
		if err != nil || len(names) != 2 {
			t.Errorf("size %d: cosigned by %v, %v", c.Size, names, err)
		}
		for _, s := range names {
			if at := time.Since(s.Time); at < -time.Minute || at > time.Minute || !strings.HasPrefix(s.Name, "witness1") {
				t.Errorf("size %d: %s at %v", c.Size, s.Name, s.Time)
			}
		}
	}
	if w1.Requests() != 3 || w2.Requests() != 3 {
		t.Errorf("%d and %d requests, want one for each checkpoint", w1.Requests(), w2.Requests())
	}
	if err := l.Cosign(t.Context()); err == nil || w1.Requests() != 3 {
		t.Error("a checkpoint is cosigned once")
	}
	// A process that does not remember is told the size.
	add(t, l, store, 20, 1)
	l = newLog(t, store, func(c *evidence.Config) { c.Witnesses = []evidence.Witness{c1} })
	integrate(t, l)
	if err := l.Cosign(t.Context()); err != nil || w1.Requests() != 5 {
		t.Errorf("%v after %d requests, want 5", err, w1.Requests())
	}
	proofs, err := l.Prove(t.Context(), operation(20))
	if err != nil {
		t.Fatal(err)
	}
	logKey, _ := l.Keys()
	if _, _, err := evidence.VerifyProof(proofs[0].Marshal(), proofs[0].Entry.Leaf, origin, []string{logKey}); err != nil {
		t.Errorf("a proof with cosignatures: %v", err)
	}
}

// TestStampOfCosigned: of a log with witnesses the checkpoint is timestamped that
// they have cosigned, though a newer one is there, and the newest when they have
// been silent for long.
func TestStampOfCosigned(t *testing.T) {
	store, tsa := new(evidencetest.Store), new(stamper)
	_, c1 := newWitness(t, 11)
	clock := now
	l := newLog(t, store, func(c *evidence.Config) {
		c.Witnesses, c.Timestamper, c.Clock = []evidence.Witness{c1}, tsa, func() time.Time { return clock }
	})
	stamped := func(what string, want ...int64) {
		t.Helper()
		if err := l.Stamp(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for size, c := range store.Snapshot().Checkpoints {
			if c.Token != nil {
				got = append(got, size)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: checkpoints of %v have tokens, want %v", what, got, want)
		}
	}
	add(t, l, store, 0, 2)
	integrate(t, l)
	if err := l.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, l, store, 2, 2)
	integrate(t, l)
	stamped("the cosigned one", 2)
	stamped("the next one is waited for", 2)
	if err := l.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	stamped("the next one", 2, 4)
	clock = clock.Add(2 * time.Minute)
	add(t, l, store, 4, 2)
	integrate(t, l)
	stamped("silent witnesses", 2, 4, 6)
}

// TestWitnessSawMore: a witness remembers what a restored database forgot.
func TestWitnessSawMore(t *testing.T) {
	store := new(evidencetest.Store)
	_, c1 := newWitness(t, 11)
	with := func(c *evidence.Config) { c.Witnesses = []evidence.Witness{c1} }
	l := newLog(t, store, with)
	add(t, l, store, 0, 2)
	integrate(t, l)
	backup := store.Snapshot()
	add(t, l, store, 2, 2)
	integrate(t, l)
	if err := l.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored := newLog(t, &evidencetest.Store{Rows: backup}, with)
	if err := restored.Cosign(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("got %v, want ErrRollback", err)
	}
	if err := restored.Ready(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("Ready: got %v, want ErrRollback", err)
	}
	// The same size with other entries.
	forked := &evidencetest.Store{Rows: backup}
	f := newLog(t, forked, with)
	add(t, f, forked, 40, 2)
	integrate(t, f)
	if err := f.Cosign(t.Context()); !errors.Is(err, evidence.ErrTampered) {
		t.Errorf("fork: got %v, want ErrTampered", err)
	}
}

func TestWitnessMisbehaves(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"noise":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "— w AAAA\n") },
		"another's":     func(w http.ResponseWriter, r *http.Request) { b, _ := io.ReadAll(r.Body); w.Write(b) },
		"error":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"conflict":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) },
		"conflict at 1": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict); fmt.Fprint(w, "1\n") },
		"endless":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("— w AAAA\n", 1<<12)) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			store := new(evidencetest.Store)
			witness := &evidencetest.Witness{Name: "w", Key: key(13)}
			l := newLog(t, store, func(c *evidence.Config) {
				c.Witnesses = []evidence.Witness{{URL: server.URL, VKey: witness.VKey()}}
			})
			add(t, l, store, 0, 2)
			integrate(t, l)
			if err := l.Cosign(t.Context()); err == nil {
				t.Error("no error")
			}
			c, _, err := store.LatestCheckpoint(t.Context())
			if err != nil || len(c.Cosignatures) != 0 {
				t.Errorf("kept %q, %v", c.Cosignatures, err)
			}
			if err := l.Ready(t.Context()); err != nil {
				t.Errorf("a bad witness stops the gateway: %v", err)
			}
		})
	}
}
