package pades_test

import (
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
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

// BenchmarkJudge judges files with and without later revisions, opened anew
// each time as a verifier does.
func BenchmarkJudge(b *testing.B) {
	letter := open(b, testfile.Letter(b).Bytes(b), "")
	signed := sign(b, letter, pades.SignatureSpec{ContentsSize: 8192}, 1)
	many := signed
	for i := range byte(9) {
		many = stamped(b, sign(b, many, pades.SignatureSpec{ContentsSize: 8192}, i+2), i+2)
	}
	pages := open(b, testfile.ByName(b, "pages-200").Bytes(b), "")
	for _, c := range []struct {
		name string
		doc  *pdf.Document
	}{
		{"B-B", signed},
		{"B-LTA", stamped(b, signed, 2)},
		{"10 x B-LTA", many},
		{"200 pages B-LTA", stamped(b, sign(b, pages, pades.SignatureSpec{ContentsSize: 8192}, 1), 2)},
	} {
		b.Run(c.name, func(b *testing.B) {
			file := fileBytes(b, c.doc)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pades.Judge(open(b, file, ""), pades.ChangePolicy{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is what opening takes of BenchmarkJudge's B-LTA.
func BenchmarkOpen(b *testing.B) {
	doc := sign(b, open(b, testfile.Letter(b).Bytes(b), ""), pades.SignatureSpec{ContentsSize: 8192}, 1)
	file := fileBytes(b, stamped(b, doc, 2))
	b.ReportAllocs()
	for b.Loop() {
		open(b, file, "")
	}
}
