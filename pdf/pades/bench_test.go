package pades_test

import (
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf/pades"
)

// BenchmarkPrepare is the signer's share that this package has: all but
// opening, hashing and the CMS.
func BenchmarkPrepare(b *testing.B) {
	for _, name := range []string{"v14-table", "naskah-dinas", "pages-200"} {
		b.Run(name, func(b *testing.B) {
			doc := open(b, testfile.ByName(b, name).Bytes(b), "")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pades.Prepare(doc.Latest(), pades.SignatureSpec{ContentsSize: 8192}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSignatures reads a document of ten signatures.
func BenchmarkSignatures(b *testing.B) {
	doc := open(b, testfile.Letter(b).Bytes(b), "")
	for i := range byte(10) {
		doc = sign(b, doc, pades.SignatureSpec{ContentsSize: 8192}, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pades.Signatures(doc); err != nil {
			b.Fatal(err)
		}
	}
}
