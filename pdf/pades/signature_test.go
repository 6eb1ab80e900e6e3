package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// signedFile is a small signed document with its ByteRange.
func signedFile(t testing.TB) ([]byte, [4]int64) {
	t.Helper()
	doc := sign(t, open(t, form(""), ""), pades.SignatureSpec{Reason: "Menyetujui"}, 1)
	return fileBytes(t, doc), only(t, doc).ByteRange
}

// TestBrokenSignatures damages a signed file in place. However broken, the
// signature is listed, and what is wrong is named.
func TestBrokenSignatures(t *testing.T) {
	good, br := signedFile(t)
	byteRange := fmt.Sprintf("[0 %d %d %d]", br[1], br[2], br[3])
	roomy := byteRange + strings.Repeat(" ", 16)
	gap := string(good[br[1]:br[2]])
	tests := []struct {
		name, old, new string // of equal length but for spaces that fill up new
		rules          string // of the problems
		cms            string // rule of the error of CMS
	}{
		{"untouched", "", "", "", ""},
		{"other CMS", "<3003020101", "<3003020102", "", ""}, // the digest tells

		{"Contents <>", gap, "<>", "contents-gap", "contents-ber"},
		{"Contents <00>", gap, "<00>", "contents-gap", "contents-ber"},
		{"Contents null", gap, "null", "contents contents-gap", "contents-ber"},
		{"Contents an array", gap, "[<30030201>]", "contents contents-gap", "contents-ber"},
		{"Contents a reference", gap, "3 0 R", "contents contents-gap", "contents-ber"},
		{"Contents literal", gap, "(x)", "contents-gap", "contents-ber"},
		{"Contents with white space", "<30030201", "<3003 201", "contents-gap", "*"},
		{"Contents absent", "/Contents", "/Kontents", "contents contents-gap", "contents-ber"},
		{"Contents twice", "/Filter/Adobe.PPKLite", "/Contents<30>", "duplicate-key contents-gap", "*"},
		{"Contents by escape", "/Filter/Adobe.PPKLite", "/C#6fntents<30>", "duplicate-key contents-gap", "*"},
		{"padding", gap[len(gap)-8:], "0000011>", "", "contents-padding"},
		{"zeros", "<3003020101", "<0000000000", "", "contents-ber"},
		{"truncated element", "<3003", "<30ff", "", "contents-ber"},

		{"ByteRange null", byteRange, "null", "byterange", ""},
		{"ByteRange absent", "/ByteRange", "/BiteRange", "byterange", ""},
		{"ByteRange []", byteRange, "[]", "byterange", ""},
		{"ByteRange of two", byteRange, fmt.Sprintf("[0 %d]", br[1]), "byterange", ""},
		{"ByteRange of five", byteRange, "[0 1 2 3 4]", "byterange", ""},
		{"ByteRange negative", byteRange, fmt.Sprintf("[0 %d -1 9]", br[1]), "byterange", ""},
		{"ByteRange real", byteRange, fmt.Sprintf("[0 %d %d 2.]", br[1], br[2]), "byterange", ""},
		{"ByteRange strings", byteRange, "[(0)(1)(2)(3)]", "byterange", ""},
		{"ByteRange references", byteRange, "[0 3 0 R 4 5]", "byterange", ""},
		{"ByteRange indirect", byteRange, "3 0 R", "byterange", ""},
		{"ByteRange does not start at 0", byteRange, fmt.Sprintf("[1 %d %d %d]", br[1]-1, br[2], br[3]), "byterange", ""},
		{"ByteRange reversed", byteRange, fmt.Sprintf("[0 %d %d %d]", br[2], br[1], br[3]), "byterange", ""},
		{"ByteRange without a gap", byteRange, fmt.Sprintf("[0 %d %d %d]", br[1], br[1], br[3]), "byterange", ""},
		{"ByteRange beyond the end", roomy, fmt.Sprintf("[0 %d %d 99999]", br[1], br[2]), "byterange", ""},
		{"ByteRange overflows", roomy, "[0 1 2 9223372036854775807]", "byterange", ""},
		{"ByteRange ends early", byteRange, fmt.Sprintf("[0 %d %d 9]", br[1], br[2]), "revision", ""},
		{"ByteRange with a wider gap", byteRange, fmt.Sprintf("[0 %d %d %d]", br[1]-1, br[2], br[3]), "contents-gap", ""},
		{"ByteRange with a moved second part", byteRange, fmt.Sprintf("[0 %d %d %d]", br[1], br[2]+1, br[3]-1), "contents-gap", ""},
		{"ByteRange twice", "/Filter/Adobe.PPKLite", "/ByteRange[0 1 2 3]", "duplicate-key contents-gap revision", ""},

		{"SubFilter absent", "/SubFilter", "/SabFilter", "subfilter", ""},
		{"SubFilter a string", "/ETSI.CAdES.detached", "(ETSI.CAdES.detach)", "entry subfilter", ""},
		{"SubFilter of timestamps", "/ETSI.CAdES.detached", "/ETSI.RFC3161", "type-subfilter", ""},
		{"Type of timestamps", "/Type/Sig/ByteRange " + roomy, "/Type/DocTimeStamp/ByteRange " + byteRange, "type-subfilter", ""},
		{"Type absent", "/Type/Sig", "/Tipe/Sig", "", ""},
		{"Type unknown", "/Type/Sig", "/Type/Sag", "type-subfilter", ""},
		{"FT absent", "/FT/Sig", "/FF/Sig", "field-untyped", ""},
		{"FT of text", "/FT/Sig", "/FT/Tx", "field-untyped", ""},
		{"Reason a number", "/Reason(Menyetujui)", "/Reason 12", "entry", ""},
		{"V a number", "/V 4 0 R", "/V 12", "value", "contents-ber"},
		{"V dangling", "/V 4 0 R", "/V 9 0 R", "value", "contents-ber"},
		{"V of another object", "/V 4 0 R", "/V 3 0 R", "byterange contents subfilter", "contents-ber"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := only(t, open(t, damage(t, good, tt.old, tt.new), ""))
			want := strings.Fields(tt.rules)
			slices.Sort(want)
			if got := rules(s); got != strings.Join(want, " ") {
				t.Errorf("problems %q, want %q", got, want)
			}
			_, err := s.CMS()
			var m *pdf.MalformedError
			switch {
			case tt.cms == "*":
			case tt.cms == "" && err != nil, tt.cms != "" && (!errors.As(err, &m) || m.Rule != tt.cms):
				t.Errorf("CMS gives %v, want %q", err, tt.cms)
			}
		})
	}
}

// damage replaces old, which stands once, by new and fills up with spaces, so
// that every offset stays.
func damage(t testing.TB, file []byte, old, new string) []byte {
	t.Helper()
	if old == "" {
		return file
	}
	if n := bytes.Count(file, []byte(old)); n != 1 {
		t.Fatalf("%q stands %d times in the file", old, n)
	}
	if len(new) > len(old) {
		t.Fatalf("%q is longer than %q", new, old)
	}
	new += strings.Repeat(" ", len(old)-len(new))
	return bytes.Replace(file, []byte(old), []byte(new), 1)
}

// TestReplacedSignature: a signature dictionary rewritten by a later revision
// is reported as it was signed, and as replaced.
func TestReplacedSignature(t *testing.T) {
	doc := sign(t, open(t, form(""), ""), pades.SignatureSpec{Reason: "Menyetujui"}, 1)
	s := only(t, doc)
	for name, change := range map[string]func(pdf.Dict) pdf.Object{
		"Reason":  func(d pdf.Dict) pdf.Object { d["Reason"] = pdf.String("Menolak"); return d },
		"removed": func(pdf.Dict) pdf.Object { return pdf.Null{} },
		"a name":  func(pdf.Dict) pdf.Object { return pdf.Name("Sig") },
	} {
		u := doc.Latest().NewUpdate()
		u.Set(s.Ref, change(pdf.Clone(s.Dict).(pdf.Dict)))
		tail, err := u.Finish()
		if err != nil {
			t.Fatal(err)
		}
		got := only(t, extend(t, doc, tail))
		if len(got.Problems) == 0 {
			t.Errorf("%s: no problems", name)
		}
		if name == "Reason" && (rules(got) != "replaced" || got.Reason != "Menyetujui") {
			t.Errorf("%s: %q with %s", name, got.Reason, rules(got))
		}
	}
}

// TestRevisionOfSignature: the end of line after %%EOF may stay unsigned.
func TestRevisionOfSignature(t *testing.T) {
	good, br := signedFile(t)
	text := fmt.Sprintf("[0 %d %d %d]", br[1], br[2], br[3])
	short := fmt.Sprintf("[0 %d %d %d]", br[1], br[2], br[3]-1)
	s := only(t, open(t, damage(t, good, text, short), ""))
	if s.Revision != 2 || len(s.Problems) != 0 {
		t.Errorf("revision %d, %v", s.Revision, s.Problems)
	}
}

// TestSharedAndNested: one dictionary in two fields is one signature; two
// signatures over the same bytes cannot both be.
func TestSharedAndNested(t *testing.T) {
	good, _ := signedFile(t)
	doc := open(t, good, "")
	s := only(t, doc)
	second := pdf.Dict{"FT": pdf.Name("Sig"), "T": pdf.String("Salinan"), "V": s.Ref}
	got := only(t, withField(t, doc, s.FieldRef, second))
	if rules(got) != "shared-value" {
		t.Errorf("one dictionary in two fields: %q", rules(got))
	}
	u := doc.Latest().NewUpdate()
	second["V"] = u.Add(s.Dict)
	list := signatures(t, withFieldIn(t, u, doc, s.FieldRef, second))
	if len(list) != 2 || rules(list[1]) == "" {
		t.Errorf("a copied dictionary: %d signatures", len(list))
	}
}

func withField(t *testing.T, doc *pdf.Document, first pdf.Ref, field pdf.Dict) *pdf.Document {
	return withFieldIn(t, doc.Latest().NewUpdate(), doc, first, field)
}

// withFieldIn adds a second field to the form, which stands in the catalog.
func withFieldIn(t *testing.T, u *pdf.Update, doc *pdf.Document, first pdf.Ref, field pdf.Dict) *pdf.Document {
	t.Helper()
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	c := pdf.Clone(catalog).(pdf.Dict)
	c["AcroForm"].(pdf.Dict)["Fields"] = pdf.Array{first, u.Add(field)}
	u.Set(doc.Latest().Root(), c)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return extend(t, doc, tail)
}

func TestSignedReaderOfBroken(t *testing.T) {
	good, br := signedFile(t)
	doc := open(t, damage(t, good, fmt.Sprintf("[0 %d %d %d]", br[1], br[2], br[3]), "[]"), "")
	_, err := io.ReadAll(only(t, doc).SignedReader(doc))
	var m *pdf.MalformedError
	if !errors.As(err, &m) || m.Rule != "byterange" {
		t.Errorf("got %v", err)
	}
}

// TestDirectSignature: a dictionary inside the field has no place for a gap.
func TestDirectSignature(t *testing.T) {
	doc := open(t, form("4 0 R", "<< /FT /Sig /T (a) /V << /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <3000> /ByteRange [0 1 2 3] >> >>"), "")
	if s := only(t, doc); !strings.Contains(rules(s), "direct") {
		t.Errorf("problems %q", rules(s))
	}
}

// TestCompressedSignature: in an object stream there is no gap to compare.
func TestCompressedSignature(t *testing.T) {
	const sig = "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <3000> /ByteRange [0 20 30 40] >>"
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	xref := []byte{0, 0, 0, 0}
	for i, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R >>",
		"<< /FT /Sig /T (a) /V 6 0 R >>",
		fmt.Sprintf("<< /Type /ObjStm /N 1 /First 4 /Length %d >>\nstream\n6 0 %s\nendstream", 4+len(sig), sig),
	} {
		xref = append(xref, 1, byte(b.Len()>>8), byte(b.Len()), 0)
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	xref = append(xref, 2, 0, 5, 0, 1, byte(at>>8), byte(at), 0)
	fmt.Fprintf(&b, "7 0 obj\n<< /Type /XRef /Size 8 /W [1 2 1] /Root 1 0 R /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(xref), xref, at)
	s := only(t, open(t, b.Bytes(), ""))
	if got := rules(s); got != "compressed revision" {
		t.Errorf("problems %q", got)
	}
}
