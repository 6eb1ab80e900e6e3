package pades_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// blob stands for a CMS: a DER SEQUENCE holding the number n.
func blob(n byte) []byte { return []byte{0x30, 0x03, 0x02, 0x01, n} }

// build makes a PDF of the given objects, numbered from 1; object 1 is the
// catalog. Only the syntax around them is added.
func build(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, off := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// form builds a one-page document whose form has the given field objects,
// numbered from 4; fields is the content of /Fields.
func form(fields string, objects ...string) []byte {
	return build(append([]string{
		"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [" + fields + "] /DA (/Helv 0 Tf 0 g) /NeedAppearances true >> >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
	}, objects...)...)
}

func open(t testing.TB, b []byte, password string) *pdf.Document {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{Password: []byte(password)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// fileBytes returns the whole file.
func fileBytes(t testing.TB, doc *pdf.Document) []byte {
	t.Helper()
	b := make([]byte, doc.Size())
	if n, err := doc.ReaderAt().ReadAt(b, 0); int64(n) != doc.Size() {
		t.Fatal(err)
	}
	return b
}

// sign adds a signature with blob(n) in it.
func sign(t testing.TB, doc *pdf.Document, spec pades.SignatureSpec, n byte) *pdf.Document {
	t.Helper()
	if spec.ContentsSize == 0 {
		spec.ContentsSize = 64
	}
	p, err := pades.Prepare(doc.Latest(), spec)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := p.Embed(blob(n))
	if err != nil {
		t.Fatal(err)
	}
	return extend(t, doc, tail)
}

func extend(t testing.TB, doc *pdf.Document, tail []byte) *pdf.Document {
	t.Helper()
	next, err := doc.Append(bytes.Clone(tail))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// only returns the one signature of a document.
func only(t testing.TB, doc *pdf.Document) *pades.Signature {
	t.Helper()
	list := signatures(t, doc)
	if len(list) != 1 {
		t.Fatalf("%d signatures, want 1", len(list))
	}
	return list[0]
}

func signatures(t testing.TB, doc *pdf.Document) []*pades.Signature {
	t.Helper()
	list, err := pades.Signatures(doc)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rules lists the rules of a signature's problems, each once, sorted.
func rules(s *pades.Signature) string {
	var list []string
	for _, p := range s.Problems {
		list = append(list, p.Rule)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// appearance is a form XObject that fills its area.
func appearance(u *pdf.Update) (pdf.Ref, error) {
	return u.Add(pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"),
		"BBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(100), pdf.Integer(50)},
	}, []byte("0 0 100 50 re f"))), nil
}

func visible(page int) *pades.Appearance {
	return &pades.Appearance{Page: page, Rect: pades.Rect{X0: 20, Y0: 20, X1: 120, Y1: 70}, Form: appearance}
}

// tool runs a program on a file with that content and returns its output.
func tool(t testing.TB, content []byte, name string, args ...string) (string, error) {
	t.Helper()
	tool := testfile.Tool(t, name)
	path := filepath.Join(t.TempDir(), "in.pdf")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, append(args, path)...).CombinedOutput()
	return string(out), err
}
