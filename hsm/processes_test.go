package hsm_test

import (
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestEnvironment: what the gateway's environment holds is no business of the
// vendor's library.
func TestEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "env")
	for name, value := range map[string]string{
		"ABSAH_TEST_SECRET": "rahasia", "VENDOR_CONF": "/etc/vendor.conf", "VENDOR_NAMED": "named",
		"LC_MESSAGES": "id_ID", "SOFTHSM2_CONF": "/etc/softhsm2.conf", "TMPDIR": "/tmp/absah",
	} {
		t.Setenv(name, value)
	}
	cfg := hsm.Config{
		Module: "none.so", Token: "none", PINFile: "none",
		Env:    []string{"VENDOR_NAMED", "VENDOR_ABSENT", "VENDOR_SET=1", "TMPDIR=/var/tmp"},
		Worker: []string{"sh", "-c", "exec env > " + out},
	}
	if m, err := hsm.Start(t.Context(), cfg); !errors.Is(err, hsm.ErrUnavailable) {
		t.Fatalf("Start of a worker that ends: %v, %v", m, err)
	}
	b, err := os.ReadFile(out)
	check(t, err)
	env := make(map[string]string)
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"ABSAH_TEST_SECRET": "", "VENDOR_CONF": "", "VENDOR_ABSENT": "", "VENDOR_NAMED": "named", "VENDOR_SET": "1",
		"LC_MESSAGES": "id_ID", "SOFTHSM2_CONF": "/etc/softhsm2.conf", "TMPDIR": "/var/tmp", "PATH": os.Getenv("PATH"),
	} {
		if env[name] != want {
			t.Errorf("the worker has %s=%q, want %q", name, env[name], want)
		}
	}
	cfg.Env = []string{"=value"}
	if _, err := hsm.Start(t.Context(), cfg); err == nil || errors.Is(err, hsm.ErrUnavailable) {
		t.Errorf("Start with an entry without a name: %v", err)
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
