package evidence_test

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// turnstileKey lets a signature through for each value that is sent, and fails
// when that is an error.
type turnstileKey struct {
	ed25519.PrivateKey
	turns chan error
	made  int // signatures
}

func (k *turnstileKey) Sign(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := <-k.turns; err != nil {
		return nil, err
	}
	k.made++
	return k.PrivateKey.Sign(rand, msg, opts)
}

// together makes n entries while the first signature is held back, and lets
// every signature through with the next of outcomes, nil when there is none.
func together(t *testing.T, n int, outcomes ...error) (l *evidence.Log, entries []evidence.Entry, errs []error, signatures int) {
	t.Helper()
	key := &turnstileKey{PrivateKey: key(2), turns: make(chan error)}
	l = newLog(t, new(evidencetest.Store), func(c *evidence.Config) { c.Receipts = key })
	entries, errs = make([]evidence.Entry, n), make([]error, n)
	left := make(chan struct{}, n)
	for i := range n {
		go func() {
			r := record(evidence.PhaseEvent)
			r.Operation = operation(i)
			entries[i], _, errs[i] = l.NewEntry(r)
			left <- struct{}{}
		}()
		synctest.Wait() // so that they come in order
	}
	for len(left) < n {
		var err error
		if len(outcomes) > 0 {
			err, outcomes = outcomes[0], outcomes[1:]
		}
		key.turns <- err
		synctest.Wait()
	}
	return l, entries, errs, key.made
}

func TestReceiptsShareASignature(t *testing.T) {
	for _, tt := range []struct {
		name       string
		n          int
		signatures int
	}{
		{"one", 1, 1},
		{"one that waits is signed alone", 2, 2},
		{"two that wait", 3, 2},
		{"as many as fit", 17, 2},
		{"one more", 18, 3},
		{"many", 40, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, entries, errs, signatures := together(t, tt.n)
				if signatures != tt.signatures {
					t.Errorf("got %d signatures, want %d", signatures, tt.signatures)
				}
				_, receiptKey := l.Keys()
				for i, e := range entries {
					r, ok := l.Receipt(e)
					got, err := evidence.VerifyReceipt(r.Note, []string{receiptKey})
					if errs[i] != nil || !ok || err != nil || got.Operation != operation(i) || got.Leaf != e.Leaf {
						t.Fatalf("entry %d: %v, %v, %v, receipt of %s", i, errs[i], ok, err, got.Operation)
					}
					for other := range tt.n {
						if other != i && strings.Contains(string(r.Note), operation(other)) {
							t.Errorf("the receipt of %d names operation %d", i, other)
						}
					}
					if alone := i == 0 || i == tt.n-1 && i%16 == 1; alone != (len(e.Receipt) == 68) {
						t.Errorf("entry %d of %d: %d bytes", i, tt.n, len(e.Receipt))
					}
				}
			})
		})
	}
}

func TestSharedReceiptRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, entries, _, _ := together(t, 4)
		_, receiptKey := l.Keys()
		r, _ := l.Receipt(entries[2])
		for i := range r.Note {
			bad := slices.Clone(r.Note)
			bad[i] ^= 1
			if _, err := evidence.VerifyReceipt(bad, []string{receiptKey}); err == nil {
				t.Fatalf("byte %d (%q) flipped: accepted", i, r.Note[i])
			}
		}
		// The list of these has no digest of an earlier one.
		text, _, _ := strings.Cut(string(r.Note), "\n\n")
		first, _ := l.Receipt(entries[0])
		other, _, _ := strings.Cut(string(first.Note), "\n\n")
		for name, bad := range map[string]string{
			"another text":   strings.Replace(string(r.Note), text, other, 1),
			"the list alone": strings.TrimPrefix(string(r.Note), text+"\n\n"),
			"text twice":     text + "\n\n" + string(r.Note),
			"a line before":  "\n" + string(r.Note),
		} {
			if _, err := evidence.VerifyReceipt([]byte(bad), []string{receiptKey}); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		for name, bad := range map[string][]byte{
			"a digest is missing": entries[2].Receipt[:len(entries[2].Receipt)-32],
			"half a digest":       entries[2].Receipt[:len(entries[2].Receipt)-16],
			"of others":           slices.Concat(entries[2].Receipt[:68], entries[2].Leaf[:], entries[1].Leaf[:]),
		} {
			e := entries[2]
			e.Receipt = bad
			r, _ := l.Receipt(e)
			if _, err := evidence.VerifyReceipt(r.Note, []string{receiptKey}); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	})
}

func TestAuditOfSharedReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, change := range map[string]func(entries []evidence.Entry){
			"":                       func([]evidence.Entry) {},
			"not on the list":        func(e []evidence.Entry) { e[2].Receipt = e[0].Receipt },
			"a list that nobody had": func(e []evidence.Entry) { e[2].Receipt = slices.Concat(e[2].Receipt, e[2].Receipt[68:100]) },
			"another's place": func(e []evidence.Entry) {
				e[2].Receipt = slices.Concat(e[2].Receipt[:68], e[2].Receipt[100:132], e[2].Receipt[68:100])
			},
		} {
			_, entries, _, _ := together(t, 3)
			store := new(evidencetest.Store)
			l := newLog(t, store)
			for _, e := range entries {
				if err := store.Append(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := l.Integrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			change(store.Rows.Entries)
			f, err := l.Audit(t.Context(), nil, nil)
			if good := name == ""; err != nil || f.OK() != good || !good && (f.Rule != evidence.RuleReceipt || f.First != 2) {
				t.Errorf("%q: got %+v, %v", name, f, err)
			}
		}
	})
}

// A key that fails does so for all who wait for the same signature, and for
// nobody after them.
func TestReceiptKeyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		_, entries, errs, _ := together(t, 20, nil, broken)
		for i, err := range errs {
			if want := i >= 1 && i <= 16; errors.Is(err, broken) != want || (err == nil) == want {
				t.Errorf("entry %d: got %v, want an error: %v", i, err, want)
			}
			if errs[i] != nil && entries[i].Receipt != nil {
				t.Errorf("entry %d has an error and a receipt", i)
			}
		}
	})
}
