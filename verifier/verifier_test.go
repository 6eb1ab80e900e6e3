package verifier_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

var levels = []signer.Level{signer.B, signer.T, signer.LT, signer.LTA}

// TestSignerOutputPasses: what the signer makes is TOTAL-PASSED at its level,
// for every input of the project.
func TestSignerOutputPasses(t *testing.T) {
	w := newWorld(t)
	for _, in := range testfile.Inputs(t) {
		for _, level := range levels {
			t.Run(in.Name+"/"+level.String(), func(t *testing.T) {
				signed := w.signWith(t, in.Bytes(t), in.Password, signer.Request{Level: level})
				r := verifyInput(t, w.online(), verifier.Input{
					Reader: bytes.NewReader(signed), Size: int64(len(signed)), Password: []byte(in.Password),
				}, w.now())
				if r.Verdict != verifier.TotalPassed || len(r.Signatures) == 0 {
					explain(t, r)
					t.Fatalf("verdict %s", r.Verdict)
				}
				s := r.Signatures[0]
				if want := "PAdES-BASELINE-" + level.String()[2:]; s.Level != want || !s.Intact {
					t.Errorf("level %s, intact %v, want %s", s.Level, s.Intact, want)
				}
				if s.Signer.CommonName != "Kepala Dinas Contoh" {
					t.Errorf("signer %q", s.Signer.CommonName)
				}
			})
		}
	}
}

// TestOfflineLater verifies a B-LTA letter without network long after its
// OCSP responses have run out.
func TestOfflineLater(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.LTA)
	signedAt := w.now()
	for _, after := range []time.Duration{0, time.Hour, 40 * day, 400 * day, 800 * day} {
		r := verify(t, w.offline(), signed, signedAt.Add(after))
		if r.Verdict != verifier.TotalPassed {
			explain(t, r)
			t.Errorf("after %v: %s", after, r.Verdict)
			continue
		}
		if got := r.Signatures[0].BestTime; !got.Equal(signedAt) {
			t.Errorf("after %v: best time %v, want %v", after, got, signedAt)
		}
	}
}

// BenchmarkLTA verifies small B-LTA files, with everything that they hold: a
// hundred distinct ones in turn, after which the verifier begins anew and
// remembers none of them.
func BenchmarkLTA(b *testing.B) {
	const files = 100
	w := newWorldWith(b, lab.Config{RootKey: lab.RSA4096, Key: lab.RSA2048})
	var signed [files][]byte
	for i := range signed {
		signed[i] = w.sign(b, testfile.ByName(b, "v14-table").Bytes(b), signer.LTA)
		w.advance(time.Second)
	}
	var v *verifier.Verifier
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%files == 0 {
			var err error
			if v, err = verifier.New(w.offline()); err != nil {
				b.Fatal(err)
			}
		}
		in := signed[i%files]
		r, err := v.Verify(b.Context(), verifier.Input{Reader: bytes.NewReader(in), Size: int64(len(in))}, w.now())
		if err != nil || r.Verdict != verifier.TotalPassed {
			b.Fatal(err, r)
		}
	}
}
