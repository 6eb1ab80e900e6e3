package signer_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/signer"
)

// BenchmarkSign signs the sample letter, and BenchmarkKey costs what the key
// alone costs: their difference is what this program adds.
func BenchmarkSign(b *testing.B) {
	w := newWorld(b)
	w.key = rsaKeys(b, 2048)
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
	key := rsaKeys(b, 2048)
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
