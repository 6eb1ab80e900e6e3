package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// shadowed are letters as an attacker prepares them for a signer who will see
// one thing, to show another afterwards: the eight files of “Shadow Attacks”
// (NDSS 2021), stage 2. A finding that is "" means that the prepared file is signed: a
// font that is not embedded is common, and so are fields that overlap. What is
// done to them later breaks the signature (h-2 and h-4 below).
var shadowed = []struct {
	name, finding string
	objects       []string // from the fourth on: page contents, then what the page and the form name
	page, catalog string   // more entries
}{
	{"hide, a picture over text", "covered-text", []string{
		contents("q 400 0 0 60 60 700 cm /Tutup Do Q"),
		stream("/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray", "\xff"),
	}, "/XObject<</Tutup 5 0 R>>", ""},
	{"hide, an area over text", "covered-text", []string{
		contents("/Tutup Do"), stream("/Type/XObject/Subtype/Form/BBox[0 0 595 842]", "1 g 60 700 400 60 re f"),
	}, "/XObject<</Tutup 5 0 R>>", ""},
	{"hide text behind a field", "field-over-text", []string{
		contents(""), textField("[60 700 460 760]", "Rp 1"), look("Rp 1"),
	}, "/Annots[5 0 R]", "/AcroForm<</Fields[5 0 R]/DA(/F1 12 Tf 0 g)/DR<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"},
	{"hide a field behind a field", "", []string{
		contents(""), textField("[60 300 460 360]", "Rp 1"), look("Rp 1"),
		strings.NewReplacer("(isi)", "(lain)", "6 0 R", "8 0 R").Replace(textField("[60 300 460 360]", "Rp 9")), look("Rp 9"),
	}, "/Annots[5 0 R 7 0 R]", "/AcroForm<</Fields[5 0 R 7 0 R]/DA(/F1 12 Tf 0 g)/DR<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"},
	{"replace by an overlay that shows another value", "field-shows-other", []string{
		contents(""), textField("[60 300 460 360]", "Rp 9"), look("Rp 1"),
	}, "/Annots[5 0 R]", "/AcroForm<</Fields[5 0 R]/DA(/F1 12 Tf 0 g)/DR<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"},
	{"replace by overwriting a font", "", []string{contents("")}, "", ""},
	{"hide and replace, a second version of the contents", "object-unlisted", []string{
		contents("") + "\nendobj\n4 0 obj\n" + contents("BT /F1 14 Tf 60 600 Td (Rp 9) Tj ET"),
	}, "", ""},
	{"hide and replace, a page that nothing refers to", "object-hidden", []string{
		contents(""), "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 6 0 R>>", contents("BT /F1 14 Tf 60 600 Td (Rp 9) Tj ET"),
	}, "", ""},
}

func stream(entries, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(data), data)
}

func contents(more string) string {
	return stream("", "BT /F1 14 Tf 72 730 Td (Surat Kabupaten Contoh, Rp 1) Tj ET "+more)
}

func textField(rect, value string) string {
	return "<</Type/Annot/Subtype/Widget/FT/Tx/T(isi)/V(" + value + ")/DA(/F1 12 Tf 0 g)/F 4/P 3 0 R/Rect" + rect + "/AP<</N 6 0 R>>>>"
}

func look(text string) string {
	return stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>",
		"/Tx BMC q 1 1 398 58 re W n BT /F1 12 Tf 0 g 2 24 Td ("+text+") Tj ET Q EMC")
}

// plainPDF writes a document of one page; objects are those from the fourth on.
func plainPDF(page, catalog string, objects []string) []byte {
	all := append([]string{
		"<</Type/Catalog/Pages 2 0 R" + catalog + ">>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>%s>>%s>>",
	}, objects...)
	resources, entries := page, ""
	if strings.HasPrefix(page, "/Annots") {
		resources, entries = "", page
	}
	all[2] = fmt.Sprintf(all[2], resources, entries)
	b := []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var at []int
	for i, o := range all {
		at = append(at, len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := len(b)
	b = fmt.Appendf(b, "xref\n0 %d\n0000000000 65535 f \n", len(all)+1)
	for _, off := range at {
		b = fmt.Appendf(b, "%010d 00000 n \n", off)
	}
	return fmt.Appendf(b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(all)+1, start)
}

// testShadows offers them for signing, prepared and, from testdata/attacks,
// signed and manipulated: each is refused with its reason before the HSM
// is asked.
func testShadows(t *testing.T, f *office) {
	f.seal(t, "e-office", plainPDF("", "", []string{contents("")}), bySeal).ok(t, http.StatusOK) // the letter itself is fine
	for _, s := range shadowed {
		t.Run(s.name, func(t *testing.T) {
			doc := plainPDF(s.page, s.catalog, s.objects)
			if s.finding == "" {
				f.sign(t, "e-office", doc, f.by("bupati")).ok(t, http.StatusOK)
				return
			}
			f.refused(t, doc, "document-refused", s.finding)
		})
	}
	for name, reason := range map[string][2]string{
		"h-1a-one-offset":   {"document-refused", "ambiguous"},
		"h-1b-stream":       {"signature-broken", "stream-replaced"},
		"h-2-field-deleted": {"signature-broken", "fields-order"},
		"h-2-field-hidden":  {"signature-broken", "field-visibility"},
		"h-2-field-moved":   {"signature-broken", "field-entry-Rect"},
		"h-3-appearance":    {"document-refused", "field-shows-other"},
		"h-3-value":         {"document-refused", "field-shows-other"},
		"h-4-font":          {"signature-broken", "content at /Root/AcroForm/DR/Font"},
		"h-5-signed-twin":   {"document-refused", "object-unlisted"},
		"h-6-field-freed":   {"signature-broken", "field-removed"},
		"h-6-freed":         {"signature-broken", "object-freed"},
		"h-7-prepared":      {"document-refused", "covered-text"},
		"h-8-signed":        {"document-refused", "covered-text"},
		"h-9-dangling":      {"document-refused", "object-unsigned"},
		"h-9-later-end":     {"document-refused", "ambiguous"},
		"h-9-later-object":  {"document-refused", "object-unlisted"},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(testfile.Root(t), "testdata", "attacks", name+".pdf"))
			if err != nil {
				t.Fatal(err)
			}
			f.refused(t, doc, reason[0], reason[1])
		})
	}
}

// refused offers a document for a signature and for a seal, and asserts that
// both are refused with a code and a reason.
func (f *office) refused(t *testing.T, doc []byte, code, reason string) {
	t.Helper()
	f.still(t, func() {
		for _, a := range []answer{f.sign(t, "e-office", doc, f.by("bupati")), f.seal(t, "e-office", doc, bySeal)} {
			p := a.problem(t, http.StatusUnprocessableEntity, code)
			told := strings.Contains(p.Detail, reason)
			for _, x := range p.Findings {
				told = told || x.Code == reason && x.Text != ""
			}
			if !told {
				t.Errorf("got %s %v, want the reason %q", p.Detail, slices.Clone(p.Findings), reason)
			}
		}
	})
}
