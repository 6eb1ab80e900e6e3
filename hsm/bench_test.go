package hsm_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

// signedAttributes is a message of the size that a PAdES signature hashes.
var signedAttributes = make([]byte, 190)

var benchAlgorithms = []hsm.Algorithm{hsm.RSA2048, hsm.RSA3072, hsm.P256, hsm.Ed25519}

func optsFor(k *hsm.Key) crypto.SignerOpts {
	if _, ok := k.Public().(ed25519.PublicKey); ok {
		return crypto.Hash(0)
	}
	return crypto.SHA256
}

// BenchmarkSign measures signatures per second with 8 callers through the
// worker process, and as a peer the same calls in a loop over the same library
// in this process. The two take turns, so that what else the machine does
// falls on both; "ratio" is ours over theirs.
func BenchmarkSign(b *testing.B) {
	tok := hsmtest.New(b)
	m := tok.Start(b)
	raw := openRaw(b, tok)
	var sessions [8]pkcs11.SessionHandle
	for i := range sessions {
		sessions[i] = raw.session(b)
	}
	for _, alg := range benchAlgorithms {
		b.Run(alg.String(), func(b *testing.B) {
			key, err := m.Key(b.Context(), alg.String())
			if err != nil {
				key = hsmtest.Generate(b, m, alg.String(), alg)
			}
			h := raw.find(b, pkcs11.CKO_PRIVATE_KEY, alg.String())
			mech, digest := rawMechanism(alg)
			ours := func(int) error {
				_, err := key.SignMessage(nil, signedAttributes, optsFor(key))
				return err
			}
			theirs := func(i int) error {
				msg := signedAttributes
				if digest {
					sum := sha256.Sum256(msg)
					msg = sum[:]
				}
				if err := raw.lib.SignInit(sessions[i], mech, h); err != nil {
					return err
				}
				_, err := raw.lib.Sign(sessions[i], msg)
				return err
			}
			const slice = 512
			var took, peer time.Duration
			b.ResetTimer()
			done := 0
			for ; done < b.N; done += slice {
				took += inParallel(b, 8, slice, ours)
				peer += inParallel(b, 8, slice, theirs)
			}
			b.ReportMetric(float64(done)/took.Seconds(), "signatures/s")
			b.ReportMetric(float64(done)/peer.Seconds(), "raw/s")
			b.ReportMetric(peer.Seconds()/took.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// inParallel runs f n times on workers goroutines and returns how long it
// took; f gets the goroutine's number.
func inParallel(b *testing.B, workers, n int, f func(int) error) time.Duration {
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func rawMechanism(a hsm.Algorithm) (m []*pkcs11.Mechanism, digest bool) {
	code := uint(pkcs11.CKM_SHA256_RSA_PKCS)
	switch a {
	case hsm.P256:
		code, digest = pkcs11.CKM_ECDSA, true
	case hsm.Ed25519:
		code = 0x1057
	}
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(code, nil)}, digest
}

// rawToken is the same token used through the binding in this process: the
// peer of the benchmarks, and the attacker of some tests who has the PIN.
type rawToken struct {
	lib  *pkcs11.Ctx
	slot uint
	s    pkcs11.SessionHandle
}

// openRaw logs in. SoftHSM reads its configuration from the environment of the
// process, so tests that use it cannot be parallel.
func openRaw(t testing.TB, tok *hsmtest.Token) *rawToken {
	t.Helper()
	name, value, _ := strings.Cut(tok.Config.Env[0], "=")
	os.Setenv(name, value)
	r := &rawToken{lib: pkcs11.New(tok.Config.Module)}
	if r.lib == nil {
		t.Fatal("cannot load the module")
	}
	check(t, r.lib.Initialize())
	t.Cleanup(func() {
		r.lib.Finalize()
		r.lib.Destroy()
		os.Unsetenv(name)
	})
	slots, err := r.lib.GetSlotList(true)
	check(t, err)
	for _, s := range slots {
		ti, err := r.lib.GetTokenInfo(s)
		check(t, err)
		if strings.TrimSpace(ti.Label) == tok.Config.Token {
			r.slot = s
		}
	}
	r.s = r.session(t)
	check(t, r.lib.Login(r.s, pkcs11.CKU_USER, hsmtest.PIN))
	return r
}

func (r *rawToken) session(t testing.TB) pkcs11.SessionHandle {
	t.Helper()
	s, err := r.lib.OpenSession(r.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	check(t, err)
	return s
}

func (r *rawToken) find(t testing.TB, class uint, label string) pkcs11.ObjectHandle {
	t.Helper()
	check(t, r.lib.FindObjectsInit(r.s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)}))
	found, _, err := r.lib.FindObjects(r.s, 2)
	check(t, err)
	check(t, r.lib.FindObjectsFinal(r.s))
	if len(found) != 1 {
		t.Fatalf("%d objects have the label %q, want 1", len(found), label)
	}
	return found[0]
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
