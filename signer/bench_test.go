package signer_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"io"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/signer"
)

// remembering is a key that computes each signature once: with RSA and the
// same request it costs nothing, and what remains is this program.
type remembering struct {
	testkey.Key
	known map[string][]byte
}

func (k remembering) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if sig, ok := k.known[string(msg)]; ok {
		return sig, nil
	}
	sig, err := k.Key.SignMessage(r, msg, opts)
	k.known[string(msg)] = sig
	return sig, err
}

// BenchmarkOverhead is what a B-B signature of 10 KB costs beyond the key. The
// certificate is that of a full RSA hierarchy.
func BenchmarkOverhead(b *testing.B) {
	w := newWorld(b)
	req := w.request(signer.B)
	req.Key = remembering{testkey.RSA(b, 2048), map[string][]byte{}}
	req.Certificate, req.Chain = w.issue(b, req.Key.Public(), labDefaults)
	in := padded(testfile.ByName(b, "form").Bytes(b), 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.signer.Sign(context.Background(), input(in, ""), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSign signs the sample letter, and BenchmarkKey costs what the key
// alone costs: their difference is what this program adds.
func BenchmarkSign(b *testing.B) {
	w := newWorld(b)
	w.key = testkey.RSA(b, 2048)
	w.cert, w.chain = w.issue(b, w.key.Public(), labDefaults)
	in := letter(b)
	if len(in) > 10<<10 {
		b.Logf("the letter has %d bytes", len(in))
	}
	for _, l := range []signer.Level{signer.B, signer.T, signer.LT, signer.LTA} {
		b.Run(l.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.signer.Sign(context.Background(), input(in, ""), w.request(l)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	v := w.request(signer.B)
	v.Visible = &signer.Visible{X: 300, Y: 100, Width: 240, Height: 80, QR: "https://contoh.go.id/v/7Q4M2K9XJ3RD8WPZ", Office: "Bupati Contoh", Name: "Andi Wijaya"}
	b.Run("B-B-visible", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.signer.Sign(context.Background(), input(in, ""), v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkKey(b *testing.B) {
	key := testkey.RSA(b, 2048)
	alg, err := cms.ForKey(key.Public(), false)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := key.SignMessage(rand.Reader, make([]byte, 200), alg.Opts()); err != nil {
			b.Fatal(err)
		}
	}
}
