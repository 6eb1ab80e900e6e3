package evidence_test

import (
	"crypto"
	"crypto/ed25519"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// countingKey counts its signatures.
type countingKey struct {
	ed25519.PrivateKey
	made int
}

func (k *countingKey) Sign(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.made++
	return k.PrivateKey.Sign(rand, msg, opts)
}

// Operations begin together, and their outcomes come some time later.
func TestReceiptsWaitForOthers(t *testing.T) {
	const ms = time.Millisecond
	never := time.Duration(-1)
	for _, tt := range []struct {
		name       string
		outcomes   []time.Duration // since they began
		signatures int
		took       time.Duration // until the last receipt
	}{
		{"alone", []time.Duration{1 * ms}, 1, 1 * ms},
		{"all in time", []time.Duration{0, 1 * ms, 3 * ms}, 1, 3 * ms},
		{"one too late", []time.Duration{0, 1 * ms, 9 * ms}, 2, 9 * ms},
		{"one never", []time.Duration{0, 1 * ms, never}, 1, 4 * ms},
		{"one that takes long is waited for no more", []time.Duration{60 * ms, never}, 1, 60 * ms},
		{"sixteen do not wait for more", append(make([]time.Duration, 16), never), 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := &countingKey{PrivateKey: key(2)}
				l := newLog(t, new(evidencetest.Store), func(c *evidence.Config) { c.Receipts = key })
				entry := func(i int, p evidence.Phase) {
					r := record(p)
					r.Operation, r.Time = operation(i), time.Now()
					if _, _, err := l.NewEntry(r); err != nil {
						t.Errorf("operation %d: %v", i, err)
					}
				}
				began := time.Now()
				for i := range tt.outcomes {
					entry(i, evidence.PhaseIntent)
				}
				var all sync.WaitGroup
				for i, after := range tt.outcomes {
					if after != never {
						all.Go(func() {
							time.Sleep(after)
							entry(i, evidence.PhaseOutcome)
						})
					}
				}
				all.Wait()
				if took := time.Since(began); key.made != tt.signatures || took != tt.took {
					t.Errorf("got %d signatures after %v, want %d after %v", key.made, took, tt.signatures, tt.took)
				}
			})
		})
	}
}
