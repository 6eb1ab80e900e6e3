package pades_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// A signature is prepared, its bytes are hashed, and the CMS made over the
// digest is embedded. What is appended is returned; the input never changes.
func ExamplePrepare() {
	input := form("")
	doc, err := pdf.Open(bytes.NewReader(input), int64(len(input)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	p, err := pades.Prepare(doc.Latest(), pades.SignatureSpec{Reason: "Menyetujui", ContentsSize: 8192})
	if err != nil {
		log.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(doc.ReaderAt(), 0, p.Base())); err != nil {
		log.Fatal(err)
	}
	if err := p.WriteSigned(h); err != nil {
		log.Fatal(err)
	}
	cms := makeCMS(h.Sum(nil))
	tail, err := p.Embed(cms)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Field, len(tail) > 2*8192)
	// Output: Signature1 true
}

func makeCMS(digest []byte) []byte { return append([]byte{0x30, 0x22, 0x04, 0x20}, digest...) }

func ExampleSignatures() {
	input := form("4 0 R", "<< /FT /Sig /T (Kadis) /V << /Type /Sig /SubFilter /ETSI.CAdES.detached >> >>")
	doc, err := pdf.Open(bytes.NewReader(input), int64(len(input)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	list, err := pades.Signatures(doc)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		fmt.Println(s.Field, s.Kind, s.SubFilter)
		for _, p := range s.Problems {
			fmt.Println(p.Rule)
		}
	}
	// Output:
	// Kadis signature ETSI.CAdES.detached
	// direct
	// byterange
	// contents
}

func ExampleFields() {
	input := form("4 0 R", "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Kadis) /Rect [10 10 110 60] /P 3 0 R >>")
	doc, err := pdf.Open(bytes.NewReader(input), int64(len(input)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fields, err := pades.Fields(doc.Latest())
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range fields {
		page, err := f.PageNumber(doc.Latest())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Name, f.Filled, page, f.Rect)
	}
	// Output: Kadis false 1 {10 10 110 60}
}

func ExampleWriteDSS() {
	input := form("")
	doc, err := pdf.Open(bytes.NewReader(input), int64(len(input)), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	tail, err := pades.WriteDSS(doc.Latest(), pades.DSS{Certificates: [][]byte{{0x30, 0x00}}})
	if err != nil {
		log.Fatal(err)
	}
	doc, err = doc.Append(tail)
	if err != nil {
		log.Fatal(err)
	}
	dss, err := pades.ReadDSS(doc.Latest())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", dss.Certificates)
	// Output: [3000]
}

// What happened to a document after it was signed: a timestamp, which changes
// nothing, and then a note on the first page.
func ExampleJudge() {
	b := build(
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
	)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, spec := range []pades.SignatureSpec{{}, {Kind: pades.KindDocTimestamp}} {
		spec.ContentsSize = 64
		pending, err := pades.Prepare(doc.Latest(), spec)
		if err != nil {
			fmt.Println(err)
			return
		}
		tail, err := pending.Embed([]byte{0x30, 0x00}) // stands for a CMS
		if err != nil {
			fmt.Println(err)
			return
		}
		if doc, err = doc.Append(tail); err != nil {
			fmt.Println(err)
			return
		}
	}
	u := doc.Latest().NewUpdate()
	ref, page, err := doc.Latest().Page(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	page = pdf.Clone(page).(pdf.Dict)
	page["Annots"] = append(page["Annots"].(pdf.Array), u.Add(pdf.Dict{"Subtype": pdf.Name("FreeText")}))
	u.Set(ref, page)
	tail, err := u.Finish()
	if err != nil {
		fmt.Println(err)
		return
	}
	if doc, err = doc.Append(tail); err != nil {
		fmt.Println(err)
		return
	}

	dj, err := pades.Judge(doc, pades.ChangePolicy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	j := dj.Signatures[0]
	fmt.Println(j.Signature.Field, j.Coverage, j.Level)
	for _, c := range j.Changes {
		fmt.Println("revision", c.Revision, c.Level, c.Rule)
	}
	for _, f := range j.Violations {
		fmt.Println(f.Code)
	}
	// Output:
	// Signature1 entire-revision ANNOTATION
	// revision 3 LTA timestamp-added
	// revision 4 ANNOTATION annotation-added
	// docmdp
}
