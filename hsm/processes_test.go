package hsm_test

import (
	"crypto"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

// TestProcessesAtOnce: SoftHSM 2.6 rewrites the token's file at each login, and
// a process that reads it meanwhile finds no token or no PIN.
func TestProcessesAtOnce(t *testing.T) {
	tok := hsmtest.New(t)
	m := tok.Start(t)
	hsmtest.Generate(t, m, "segel", hsm.P256)
	const processes, rounds, signatures = 8, 3, 10
	for range rounds {
		var wg sync.WaitGroup
		for range processes {
			wg.Go(func() {
				m, err := hsm.Start(t.Context(), tok.Config)
				if err != nil {
					t.Errorf("Start: %v", err)
					return
				}
				defer m.Close()
				k, err := m.Key(t.Context(), "segel")
				if err != nil {
					t.Errorf("Key: %v", err)
					return
				}
				for range signatures {
					if _, err := k.SignMessage(nil, []byte("naskah"), crypto.SHA256); err != nil {
						t.Errorf("SignMessage: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestGenerateAtOnce: a label names one key, even when several processes make
// one under it at the same moment.
func TestGenerateAtOnce(t *testing.T) {
	tok := hsmtest.New(t)
	var modules [3]*hsm.Module
	for i := range modules {
		modules[i] = tok.Start(t)
	}
	for range 5 {
		var made atomic.Int32
		var wg sync.WaitGroup
		for _, m := range modules {
			wg.Go(func() {
				_, err := m.Generate(t.Context(), hsm.KeySpec{Label: "sama", Algorithm: hsm.P256})
				if err == nil {
					made.Add(1)
				} else if !errors.Is(err, hsm.ErrKeyExists) {
					t.Errorf("Generate: %v", err)
				}
			})
		}
		wg.Wait()
		list, err := modules[0].Keys(t.Context())
		if err != nil || len(list) != int(made.Load()) || len(list) > 1 {
			t.Fatalf("%d keys after %d were made, %v", len(list), made.Load(), err)
		}
		if len(list) == 1 {
			check(t, modules[1].Delete(t.Context(), "sama"))
		}
	}
}
