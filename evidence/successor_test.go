package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// withKeys makes the log key n, and the keys that were before it past ones.
func withKeys(t testing.TB, n byte, past ...byte) func(*evidence.Config) {
	t.Helper()
	return func(c *evidence.Config) {
		c.Signer, c.Receipts, c.PastKeys = key(n), key(100+n), nil
		for _, p := range past {
			c.PastKeys = append(c.PastKeys, vkey(t, origin, p), vkey(t, evidence.ReceiptName(origin), 100+p))
		}
	}
}

// rollOver appends the statement of key old on the key of l.
func rollOver(t testing.TB, l *evidence.Log, store evidence.Store, old byte) {
	t.Helper()
	e, _, err := l.RollOver(t.Context(), evidence.Record{Organisation: "Kabupaten Contoh", Time: now}, key(old))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// TestRollOver changes the log's key twice. Each time the log refuses to start
// until the old key has named the new one, and then whoever holds the first key
// follows to the last.
func TestRollOver(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store, withKeys(t, 1))
	add(t, l, store, 0, 3)
	integrate(t, l)
	if got, err := l.Successors(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("the first key: %q, %v", got, err)
	}
	past := []byte{}
	for old := byte(1); old < 3; old++ {
		past = append(past, old)
		l = newLog(t, store, withKeys(t, old+1, past...))
		if err := l.Check(t.Context()); !errors.Is(err, evidence.ErrNoSuccessor) {
			t.Fatalf("key %d: got %v, want ErrNoSuccessor", old+1, err)
		}
		rollOver(t, l, store, old)
		if err := l.Check(t.Context()); err != nil {
			t.Fatalf("key %d: %v", old+1, err)
		}
		add(t, l, store, int(old)*10, 2)
		integrate(t, l)
		if err := l.Check(t.Context()); err != nil {
			t.Fatalf("key %d: %v", old+1, err)
		}
	}
	if f, err := l.Audit(t.Context(), nil, nil); err != nil || !f.OK() || f.Checkpoints != 3 || f.Size != 9 {
		t.Errorf("audit: %+v, %v", f, err)
	}
	statements, err := l.Successors(t.Context())
	if err != nil || len(statements) != 2 {
		t.Fatalf("%d statements, %v; want 2", len(statements), err)
	}
	for i, msg := range statements {
		from, to := vkey(t, origin, byte(i+1)), vkey(t, origin, byte(i+2))
		if got, err := evidence.VerifyKeyStatement(msg, origin, []string{from}); err != nil || got != to {
			t.Errorf("statement %d: got %s, %v, want %s", i+1, got, err, to)
		}
		if _, err := evidence.VerifyKeyStatement(msg, origin, []string{to}); err == nil {
			t.Errorf("statement %d: the new key vouches for itself", i+1)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/successor-"+string('1'+byte(i))+".note", nil))
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), msg) {
			t.Errorf("statement %d is served as %d %q", i+1, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/keys.txt", nil))
	want := ""
	for _, k := range l.AllKeys() {
		want += k + "\n"
	}
	if w.Code != http.StatusOK || w.Body.String() != want || len(l.AllKeys()) != 6 {
		t.Errorf("keys are served as %d %q, want %q", w.Code, w.Body, want)
	}
	for _, path := range []string{"/successor-0.note", "/successor-3.note", "/successor-01.note", "/successor-.note", "/successor-1", "/keys"} {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, w.Code)
		}
	}
	// Whoever trusts only the first key refuses the last checkpoint itself.
	c, _, err := store.LatestCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.VerifyCheckpoint(c.Note, origin, []string{vkey(t, origin, 1)}); err == nil {
		t.Error("the first key verifies the checkpoint of the third")
	}
	// A log that forgot its past keys notices.
	forgetful := newLog(t, store, withKeys(t, 3))
	if f, err := forgetful.Audit(t.Context(), nil, nil); err != nil || f.Rule != evidence.RuleReceipt || f.First != 0 {
		t.Errorf("audit without past keys: %+v, %v", f, err)
	}
}

func TestRollOverRefuses(t *testing.T) {
	store := new(evidencetest.Store)
	first := newLog(t, store, withKeys(t, 1))
	add(t, first, store, 0, 1)
	integrate(t, first)
	for name, tt := range map[string]struct {
		log *evidence.Log
		old ed25519.PrivateKey
		is  error // nil for any
	}{
		"from itself":         {first, key(1), nil},
		"from an unknown key": {newLog(t, store, withKeys(t, 2, 1)), key(9), nil},
		"from an older key":   {newLog(t, store, withKeys(t, 2, 1, 3)), key(3), evidence.ErrNotCurrent},
		"no past key named":   {newLog(t, store, withKeys(t, 2)), key(1), nil},
	} {
		if _, _, err := tt.log.RollOver(t.Context(), evidence.Record{Time: now}, tt.old); err == nil || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: got %v, want an error %v", name, err, tt.is)
		}
	}
}

// TestForgedSuccessor: what others than the last key say about its successor,
// put on record by who holds the database, starts no log and reaches no bundle.
func TestForgedSuccessor(t *testing.T) {
	statement := func(name string, by byte, on string) string {
		msg, err := evidence.KeyStatement(name, key(by), on)
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	other := vkey(t, "other.example/log", 2)
	wanted := vkey(t, origin, 2)
	good := statement(origin, 1, wanted)
	flipped := []byte(good)
	flipped[len(flipped)-10] ^= 1
	for name, text := range map[string]string{
		"an attacker's own key":      statement(origin, 9, wanted),
		"the new key itself":         statement(origin, 2, wanted),
		"the old key on another":     statement(origin, 1, vkey(t, origin, 5)),
		"the old key of another log": statement("other.example/log", 1, other),
		"a changed signature":        string(flipped),
		"nothing":                    "",
	} {
		t.Run(name, func(t *testing.T) {
			store := new(evidencetest.Store)
			first := newLog(t, store, withKeys(t, 1))
			add(t, first, store, 0, 2)
			integrate(t, first)
			forger := newLog(t, store, withKeys(t, 2, 1))
			e, _, err := forger.NewEntry(evidence.Record{
				Operation: evidence.RollOverID(origin, wanted), Phase: evidence.PhaseEvent, Kind: evidence.KindLogKey, Time: now,
				Result: evidence.Result{Status: evidence.StatusOK}, Detail: map[string]string{"statement": text},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if err := forger.Check(t.Context()); !errors.Is(err, evidence.ErrNoSuccessor) {
				t.Errorf("Check: got %v, want ErrNoSuccessor", err)
			}
			if got, err := forger.Successors(t.Context()); err != nil || len(got) != 0 {
				t.Errorf("Successors: %q, %v", got, err)
			}
			// The true statement beside it is found all the same.
			rollOver(t, forger, store, 1)
			if err := forger.Check(t.Context()); err != nil {
				t.Errorf("with the true one too: %v", err)
			}
			if got, err := forger.Successors(t.Context()); err != nil || len(got) != 1 || string(got[0]) != good {
				t.Errorf("Successors: %q, %v", got, err)
			}
		})
	}
}

// TestRollBackToAnOldKey: statements that lead in a circle end somewhere.
func TestRollBackToAnOldKey(t *testing.T) {
	store := new(evidencetest.Store)
	l := newLog(t, store, withKeys(t, 1))
	add(t, l, store, 0, 1)
	integrate(t, l)
	for i, step := range [][2]byte{{1, 2}, {2, 1}} {
		l = newLog(t, store, withKeys(t, step[1], step[0]))
		rollOver(t, l, store, step[0])
		add(t, l, store, 10+i, 1)
		integrate(t, l)
	}
	if got, err := l.Successors(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("%d statements, %v; want 2", len(got), err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRollOverID(t *testing.T) {
	a := evidence.RollOverID(origin, vkey(t, origin, 1))
	if !regexp.MustCompile(`^00000000-0000-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(a) {
		t.Errorf("%s is not a UUID of version 8", a)
	}
	for _, b := range []string{evidence.RollOverID(origin, vkey(t, origin, 2)), evidence.RollOverID("other.example/log", vkey(t, origin, 1))} {
		if a == b {
			t.Errorf("another roll-over has the same operation %s", a)
		}
	}
}
