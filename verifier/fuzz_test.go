package verifier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// attackConfig trusts what the attack catalogue is judged with. Its keys are
// the same in every process, as those of a fuzzer's workers must be.
func attackConfig(tb testing.TB, policyName string) verifier.Config {
	tb.Helper()
	signers, tsas := testfile.AttackAnchors(tb)
	cfg := verifier.Config{Policy: policy(tb, policyName)}
	var err error
	if cfg.Signers, err = pki.ParseAnchors(signers); err != nil {
		tb.Fatal(err)
	}
	if cfg.TSAs, err = pki.ParseAnchors(tsas); err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// signed is what a signature is over: its digest, and one that also says where
// the gap is.
type signed struct{ digest, place [32]byte }

// signedBytes digests what each signature of a file is over, by its field.
func signedBytes(b []byte) map[string][]signed {
	out := make(map[string][]signed)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		return nil
	}
	all, _ := pades.Signatures(doc) // what could be read
	for _, s := range all {
		r := s.ByteRange
		if r[0] != 0 || r[1] < 0 || r[2] < r[1] || r[3] < 0 || r[3] > int64(len(b))-r[2] {
			continue
		}
		head, tail := b[:r[1]], b[r[2]:r[2]+r[3]]
		out[s.Field] = append(out[s.Field], signed{
			digest: sha256.Sum256(slices.Concat(head, tail)), place: sha256.Sum256(slices.Concat(head, []byte{0}, tail)),
		})
	}
	return out
}

// spent is the processor time of this process, and all it ever allocated.
func spent(tb testing.TB) (cpu time.Duration, bytes uint64) {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), s[0].Value.Uint64()
}

// FuzzVerify: any bytes give a verdict that can be written, within the
// budgets, never a panic or an error. A signature is intact only over bytes
// that one of the seeds' signers did sign: whatever else is changed, no byte
// inside a ByteRange is.
func FuzzVerify(f *testing.F) {
	v, err := verifier.New(attackConfig(f, "gov"))
	if err != nil {
		f.Fatal(err)
	}
	at := testfile.Attacks(f)[0].At
	genuine := seen{bytes: make(map[[32]byte]bool), signers: make(map[string]bool)}
	for _, a := range testfile.Attacks(f) {
		b := a.Bytes(f)
		// What asks for much work takes ten times as long with the fuzzer's counters,
		// and what is made of it longer than the fuzzer waits: TestAttacks and
		// TestBudgets have it.
		if !strings.HasPrefix(a.ID, "D") {
			f.Add(b)
		}
		r := verifyInput(f, attackConfig(f, a.Policy), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}, at)
		over := signedBytes(b)
		for _, s := range r.Signatures {
			genuine.signers[string(s.Certificate)] = true
			for _, o := range over[s.Field] {
				// INDETERMINATE without a certificate says that the digest holds. Seeds
				// that are refused for what follows were signed all the same: their CMS
				// names the digest.
				genuine.bytes[o.place] = genuine.bytes[o.place] || s.Intact || s.Indication == verifier.Indeterminate ||
					bytes.Contains(bytes.ToUpper(b), fmt.Appendf(nil, "%X", o.digest))
			}
		}
	}
	for _, b := range testfile.BrokenInputs(f) {
		f.Add(b.Bytes(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cpu, heap := spent(t)
		r, err := v.Verify(context.Background(), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		cpu2, heap2 := spent(t)
		if cpu2-cpu > 10*time.Second || heap2-heap > 256<<20 {
			t.Errorf("%d bytes cost %v and %d bytes", len(b), cpu2-cpu, heap2-heap)
		}
		checkIntact(t, r, b, genuine)
	})
}

// seen is what the seeds hold: digests of the bytes that were signed, and the
// certificates of the signers.
type seen struct {
	bytes   map[[32]byte]bool
	signers map[string]bool
}

// checkIntact holds every signature of a known signer that the report calls
// intact against the digests of what was ever signed.
func checkIntact(t *testing.T, r *verifier.Report, b []byte, genuine seen) {
	t.Helper()
	var over map[string][]signed
	for _, s := range r.Signatures {
		if s.Indication == verifier.Passed && !s.Intact {
			t.Errorf("%q passes and is not intact", s.Field)
		}
		if !s.Intact || !genuine.signers[string(s.Certificate)] {
			continue
		}
		if over == nil {
			over = signedBytes(b)
		}
		known := false
		for _, o := range over[s.Field] {
			known = known || genuine.bytes[o.place]
		}
		if !known {
			t.Errorf("%q is intact over bytes that nobody signed (%s)", s.Field, r.Verdict)
		}
	}
}
