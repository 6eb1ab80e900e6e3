package pdf_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// updated is a document of two revisions. The second has object, which begins
// 3 0 obj, then table, in which AT stands for its offset, and end, in which START
// stands for that of the table.
func updated(object, table, end string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n")
	base := b.Len()
	fmt.Fprintf(&b, "xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n%010d 00000 n \ntrailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n",
		bytes.Index(b.Bytes(), []byte("2 0 obj")), base)
	at := b.Len() + strings.Index(object, "3 0 obj")
	b.WriteString(object)
	start := b.Len()
	b.WriteString(strings.ReplaceAll(table, "AT", fmt.Sprintf("%010d", at)))
	fmt.Fprintf(&b, "trailer\n<</Size 4/Root 1 0 R/Prev %d>>\n", base)
	b.WriteString(strings.ReplaceAll(end, "START", fmt.Sprint(start)))
	return b.Bytes()
}

func TestExact(t *testing.T) {
	const (
		object = "3 0 obj\n(x)\nendobj\n"
		table  = "xref\n3 1\nAT 00000 n \n"
		end    = "startxref\nSTART\n%%EOF\n"
	)
	inStream := func(text string) string {
		return fmt.Sprintf("3 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n", len(text), text)
	}
	for _, c := range []struct {
		name, object, table, end string
		want                     string
	}{
		{"honest", object, table, end, ""},
		{"CR LF", object, "xref\r\n3 1\r\nAT 00000 n\r\n", "startxref\r\nSTART\r\n%%EOF\r\n", ""},
		{"a space before an end of line", object, "xref \n3 1 \nAT 00000 n \n", "startxref \nSTART \n%%EOF\n", ""},
		{"a comment in the table", object, "xref\n3 1%\nAT 00000 n \n", end, "xref-form hidden-trailer"},
		{"a form feed in the table", object, "xref\f3 1\nAT 00000 n \n", end, "xref-form hidden-trailer"},
		{"a NUL after startxref", object, table, "startxref\n\x00START\n%%EOF\n", "startxref-form"},
		{"a comment after startxref", object, table, "startxref\n%\nSTART\n%%EOF\n", "startxref-form"},
		{"an object in a stream", inStream("1 0 obj"), table, end, "hidden-object"},
		{"the same without white space", inStream("1\x000obj"), table, end, "hidden-object"},
		{"the same with comments", inStream("1 %a\n%b\n0 %c\r\nobj"), table, end, "hidden-object"},
		{"a comment that may be none", inStream("(%) 1\n0 obj"), table, end, "hidden-object"},
		{"the same with white space of C and JavaScript", inStream("1\v0\xA0obj"), table, end, "hidden-object"},
		{"the same with a sign", inStream("1 +0 obj"), table, end, "hidden-object"},
		{"words about objects", inStream("10 objek 1 object 0obj 7 endobj"), table, end, ""},
		{"a trailer in a stream", inStream("trailer\n<</Root 9 0 R>>"), table, end, "hidden-trailer"},
		{"the word trailer", inStream("a trailer of"), table, end, ""},
		{"a table in a stream", inStream("xref\n0 1"), table, end, "hidden-trailer"},
		{"startxref in a stream", inStream("startxref %\n 9"), table, end, "hidden-trailer"},
		{"another catalog", "3 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n", table, end, "hidden-object"},
		{"a number that is cut off", "3 0 obj\n" + strings.Repeat("0", 300) + "7\nendobj\n", table, end, "object-token"},
		{"a reference that is", "3 0 obj\n[" + strings.Repeat("0", 300) + "1 0 R]\nendobj\n", table, end, "object-token"},
		{"a name with white space of some readers", "3 0 obj\n<</A\x80 1>>\nendobj\n", table, end, "object-token"},
		{"a name that is cut off", "3 0 obj\n/" + strings.Repeat("#41", 100) + "\nendobj\n", table, end, "object-token"},
		{"the same escaped", "3 0 obj\n<</A#80 1/B(\x80)>>\nendobj\n", table, end, ""},
		{"an unused object stream", "3 0 obj\n<</Type/ObjStm/N 1/First 4/Length 6>>stream\n1 0 <<>>\nendstream\nendobj\n", table, end, "hidden-object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := updated(c.object, c.table, c.end)
			doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			list, err := doc.Latest().Exact()
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, a := range list {
				rules = append(rules, a.Rule)
			}
			if got := strings.Join(slices.Compact(rules), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStray(t *testing.T) {
	b := updated("3 0 obj\n<</Length 27>>stream\n 1 0 obj (x) 77 0 obj endobj\nendstream\nendobj\n", "xref\n3 1\nAT 00000 n \n", "startxref\nSTART\n%%EOF\n")
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]pdf.Head{nil, {{Num: 1, Offset: int64(bytes.LastIndex(b, []byte("1 0 obj")))}, {Num: 77, Offset: int64(bytes.Index(b, []byte("77 0 obj")))}}} {
		got, err := doc.Revisions()[i].Stray()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("revision %d: got %v, %v, want %v", i+1, got, err, want)
		}
	}
}

// TestExactCoding guards against cross-reference and object streams that readers
// decode, or cut into objects, in different ways.
func TestExactCoding(t *testing.T) {
	const objects = "4 0 5 4 (x) [7 8]"
	for _, c := range []struct {
		name, xref, objstm, objects string
		want                        string
	}{
		{"plain", "", "", objects, ""},
		{"abbreviated filter of the section", "/F/RunLengthDecode", "", objects, "xref-stream-coding"},
		{"abbreviated parameters", "/DP<</Predictor 2>>", "", objects, "xref-stream-coding"},
		{"parameters without a filter", "/DecodeParms<</Predictor 12>>", "", objects, "xref-stream-coding"},
		{"abbreviated filter of the objects", "", "/F/RunLengthDecode", objects, "objstm-coding"},
		{"an object that goes on in the next", "", "", "4 0 5 3 [7 8 9]   ", "objstm-overlap"},
		{"a number that does", "", "", "4 0 5 1 78      ", "objstm-overlap"},
		{"objects in another order", "", "", "4 4 5 0 (x) [7 8]", "objstm-overlap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := updated("3 0 obj\n(x)\nendobj\n", "xref\n3 1\nAT 00000 n \n", "startxref\nSTART\n%%EOF\n")
			doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			at := len(b)
			b = fmt.Appendf(b, "6 0 obj\n<</Type/ObjStm/N 2/First 8%s/Length %d>>stream\n%s\nendstream\nendobj\n", c.objstm, len(c.objects), c.objects)
			xref := len(b)
			data := []byte{2, 0, 6, 0, 2, 0, 6, 1, 1, byte(at >> 8), byte(at), 0, 1, byte(xref >> 8), byte(xref), 0}
			b = fmt.Appendf(b, "7 0 obj\n<</Type/XRef/W[1 2 1]/Index[4 4]/Size 8/Root 1 0 R/Prev %d%s/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
				doc.Latest().StartXRef(), c.xref, len(data), data, xref)
			if doc, err = pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{}); err != nil {
				t.Fatal(err)
			}
			list, err := doc.Latest().Exact()
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, a := range list {
				rules = append(rules, a.Rule)
			}
			if got := strings.Join(slices.Compact(rules), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
