package gateway_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/testdata"
)

// file writes objects, numbered from first on, as a PDF whose catalog is the
// first of them.
func file(first int, objects ...string) []byte {
	b := []byte("%PDF-1.7\n")
	table := fmt.Sprintf("xref\n0 1\n0000000000 65535 f \n%d %d\n", first, len(objects))
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", first+i, o)
	}
	at := len(b)
	return fmt.Appendf(b, "%strailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", table, first+len(objects), first, at)
}

func stream(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(data), data)
}

// sheet is a file of one page, with more in the catalog, in the page and in its
// resources, and more objects, from 5 on.
func sheet(catalog, page, resources string, more ...string) []byte {
	return file(1, append([]string{
		"<</Type/Catalog/Pages 2 0 R" + catalog + ">>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<" + resources + ">>" + page + ">>",
		stream("", "q 595 0 0 842 0 0 cm /I Do Q"),
	}, more...)...)
}

func image(data string) string {
	return stream("/Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8", data)
}

// aspects are what pages differ in.
func aspects(c *dispute.Comparison) (names []string) {
	for _, p := range c.Pages {
		names = append(names, p.Aspect+" "+strings.Join(p.Pages, ","))
	}
	return names
}

// TestCompareFiles: every way in which a page can come to show something else is
// found, and told by what it is.
func TestCompareFiles(t *testing.T) {
	plain := sheet("", "", "")
	scan := func(data string) []byte { return sheet("", "", "/XObject<</I 5 0 R>>", image(data)) }
	jpeg := func(data string) []byte {
		return sheet("", "", "/XObject<</I 5 0 R>>", stream("/Subtype/Image/Filter/DCTDecode", data))
	}
	font := func(names string) []byte {
		return sheet("", "", "/Font<</F 5 0 R>>", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding 6 0 R>>", "<</Differences[65"+names+"]>>")
	}
	stamp := func(flags, drawn string) []byte {
		return sheet("", "/Annots[5 0 R]", "", "<</Type/Annot/Subtype/Stamp/P 3 0 R/Rect[0 0 595 842]/F "+flags+"/AP<</N 6 0 R>>>>", stream("/Subtype/Form/BBox[0 0 9 9]", drawn))
	}
	layer := func(off string) []byte {
		return sheet("/OCProperties<</OCGs[5 0 R]/D<</OFF["+off+"]>>>>", "", "", "<</Type/OCG/Name(x)>>")
	}
	inherits := func(rotate string) []byte {
		return file(1, "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1"+rotate+">>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
	}
	field := func(value string) []byte {
		return sheet("/AcroForm<</Fields[5 0 R]>>", "/Annots[6 0 R]", "", "<</T(a)/FT/Tx/V("+value+")/Kids[6 0 R]>>", "<</Type/Annot/Subtype/Widget/Parent 5 0 R/P 3 0 R/Rect[0 0 9 9]>>")
	}
	two := func(order string) []byte {
		return file(1, "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids["+order+"]/Count 2>>",
			"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", stream("", "BT ET"))
	}
	for _, test := range []struct {
		name     string
		a, b     []byte
		pages    []string
		document []string
		objects  []string
	}{
		{"an image", scan("abcd"), scan("efgh"), []string{"images 1"}, nil, []string{"5 0"}},
		{"an image that cannot be decoded", jpeg("abcd"), jpeg("efgh"), []string{"images 1"}, nil, []string{"5 0"}},
		{"what a font maps to", font("/A/B"), font("/X/Y"), []string{"fonts 1"}, nil, []string{"6 0"}},
		{"a stamp", stamp("4", "q Q"), plain, []string{"annotations 1"}, nil, []string{"3 0"}},
		{"what a stamp shows", stamp("4", "q Q"), stamp("4", "0 g"), []string{"annotations 1"}, nil, []string{"6 0"}},
		{"whether a stamp is hidden", stamp("4", "q Q"), stamp("2", "q Q"), []string{"annotations 1"}, nil, []string{"5 0"}},
		{"a rotation", sheet("", "/Rotate 90", ""), plain, []string{"size 1"}, nil, []string{"3 0"}},
		{"a rotation from above", inherits("/Rotate 90"), inherits(""), []string{"size 1"}, []string{"Pages"}, []string{"2 0", "3 0"}},
		{"a box", sheet("", "/CropBox[0 0 5 5]", ""), plain, []string{"size 1"}, nil, []string{"3 0"}},
		{"a unit", sheet("", "/UserUnit 2", ""), plain, []string{"size 1"}, nil, []string{"3 0"}},
		{"a graphics state", sheet("", "", "/ExtGState<</G<</SMask/None>>>>"), plain, []string{"other 1"}, nil, []string{"3 0"}},
		{"a hidden layer", layer("5 0 R"), layer(""), nil, []string{"OCProperties"}, []string{"1 0"}},
		{"a field's value", field("1"), field("2"), nil, []string{"AcroForm"}, []string{"5 0"}},
		{"an action", sheet("/OpenAction<</S/JavaScript/JS(x)>>", "", ""), plain, nil, []string{"OpenAction"}, []string{"1 0"}},
		{"the order of pages", two("4 0 R 3 0 R"), two("3 0 R 4 0 R"), []string{"contents 1,2"}, nil, []string{"3 0", "4 0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := gateway.CompareFiles(test.a, test.b, false)
			if c.Same || c.Identical || c.Open || c.Unreadable {
				t.Errorf("got %+v", c)
			}
			if got := aspects(c); !slices.Equal(got, test.pages) || !slices.Equal(c.Document, test.document) || !slices.Equal(c.Objects, test.objects) {
				t.Errorf("pages %q, document %q, objects %q; want %q, %q, %q", got, c.Document, c.Objects, test.pages, test.document, test.objects)
			}
		})
	}
}

// TestCompareAlike: what numbers objects have, how streams are stored and how
// numbers are written are no differences.
func TestCompareAlike(t *testing.T) {
	a := sheet("", "/Annots[6 0 R]", "/XObject<</I 5 0 R>>", image("abcd"), "<</Type/Annot/Subtype/Link/P 3 0 R/Dest[3 0 R/Fit]/Rect[0 0 9 9]>>")
	b := file(200_001, "<</Type/Catalog/Pages 200002 0 R>>", "<</Kids[200003 0 R]/Count 1/Type/Pages>>",
		"<</Type/Page/Parent 200002 0 R/MediaBox 200007 0 R/Contents 200004 0 R/Annots[200006 0 R]/Resources<</XObject<</I 200005 0 R>>>>>>",
		stream("/Filter/ASCIIHexDecode", fmt.Sprintf("%x>", "q 595 0 0 842 0 0 cm /I Do Q")), image("abcd"),
		"<</Type/Annot/Subtype/Link/P 200003 0 R/Dest[200003 0 R/Fit]/Rect[0 0 9.0 9]>>", "[0 0 595.0 842]")
	if c := gateway.CompareFiles(a, b, false); !c.Same || c.Open || len(c.Objects)+len(c.Pages)+len(c.Document) > 0 {
		t.Errorf("got %+v", c)
	}
	if c := gateway.CompareFiles(a, a, false); !c.Identical {
		t.Errorf("got %+v", c)
	}
	if c := gateway.CompareFiles(a, []byte("%PDF-"), false); !c.Unreadable || c.Same {
		t.Errorf("got %+v", c)
	}
}

// TestCompareOpen: what cannot be read leaves a comparison open.
func TestCompareOpen(t *testing.T) {
	damaged := func(data string) []byte {
		return sheet("", "", "/XObject<</I 5 0 R>>", stream("/Filter/FlateDecode", data))
	}
	loop := func(n int) []byte {
		return file(1, "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", fmt.Sprintf("<</Type/Pages/Kids[2 0 R]/X %d>>", n))
	}
	var deep []string
	for i := range 300 {
		deep = append(deep, fmt.Sprintf("<</K %d 0 R>>", 6+i))
	}
	twice := sheet("", "/Contents 5 0 R/Contents 4 0 R", "", stream("", "0 0 m 9 9 l S"))
	hidden := append(sheet("", "", "", stream("", "BT ET")), "4 0 obj\n<</Length 0>>stream\n\nendstream\nendobj\n"...)
	for name, test := range map[string][2][]byte{
		"a key that stands twice":  {twice, sheet("", "", "", stream("", "0 0 m 9 9 l S"))},
		"an object behind the end": {hidden, sheet("", "", "", stream("", "BT ET"))},
		"damaged data":             {damaged("abcd"), damaged("efgh")},
		"pages that are a loop":    {loop(1), loop(1 << 20)},
	} {
		if c := gateway.CompareFiles(test[0], test[1], false); c.Same || !c.Open {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	// A chain of objects ends nowhere; it is as long in both.
	a, b := sheet("/X 5 0 R", "", "", deep...), sheet("/X 5 0 R", "", "/Y 1", deep...)
	if c := gateway.CompareFiles(a, b, false); c.Same || c.Open || len(c.Pages) != 1 {
		t.Errorf("got %+v", c)
	}
}

// TestCompareCatalogElsewhere: a letter whose last revision has a catalog with a
// number that nobody would look at is not the letter that it begins with.
func TestCompareCatalogElsewhere(t *testing.T) {
	letter := testdata.Letter
	doc, err := pdf.Open(bytes.NewReader(letter), int64(len(letter)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, page, err := doc.Latest().Page(0)
	if err != nil {
		t.Fatal(err)
	}
	page = pdf.Clone(page).(pdf.Dict)
	page["Parent"], page["Annots"] = pdf.Ref{Num: 200_002}, pdf.Array{pdf.Ref{Num: 200_004}}
	objects := []string{
		"<</Type/Catalog/Pages 200002 0 R>>", "<</Type/Pages/Kids[200003 0 R]/Count 1>>", string(pdf.Format(nil, page)),
		"<</Type/Annot/Subtype/Stamp/Rect[0 0 595 842]/F 4/AP<</N 200005 0 R>>>>", stream("/Subtype/Form/BBox[0 0 595 842]", "1 g 0 0 595 842 re f"),
	}
	forged := bytes.Clone(letter)
	table := fmt.Sprintf("xref\n200001 %d\n", len(objects))
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", len(forged))
		forged = fmt.Appendf(forged, "%d 0 obj\n%s\nendobj\n", 200_001+i, o)
	}
	at := len(forged)
	forged = fmt.Appendf(forged, "%strailer\n<</Size 200006/Root 200001 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", table, doc.Latest().StartXRef(), at)
	c := gateway.CompareFiles(forged, letter, false)
	if c.Same || len(c.Pages) == 0 {
		t.Fatalf("got %+v", c)
	}
	if got := aspects(c); !slices.Contains(got, "annotations 1") {
		t.Errorf("got %q", got)
	}
	if c := gateway.CompareFiles(letter, forged, false); c.Same {
		t.Errorf("the other way round: got %+v", c)
	}
}

// TestCompareLetters: each letter is like itself and unlike the next, but for the
// one that was linearized.
func TestCompareLetters(t *testing.T) {
	names, err := filepath.Glob("../testdata/pdf/*.pdf")
	if err != nil || len(names) < 3 {
		t.Fatalf("%v, %v", names, err)
	}
	var files [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	for i, a := range files {
		if c := gateway.CompareFiles(append(bytes.Clone(a), '\n'), a, false); !c.Same && !c.Unreadable && !c.Open {
			t.Errorf("%s is not like itself: %+v", names[i], c)
		}
		if c := gateway.CompareFiles(a, files[(i+1)%len(files)], false); c.Same != strings.HasSuffix(names[i], "linearized.pdf") {
			t.Errorf("%s and %s: got %+v", names[i], names[(i+1)%len(files)], c)
		}
	}
}

// FuzzCompareFiles: two files are never called alike one way round only, nor is
// a file unlike itself for certain.
func FuzzCompareFiles(f *testing.F) {
	letter := sheet("", "/Annots[5 0 R]", "", "<</Type/Annot/Subtype/Link/P 3 0 R/Dest[3 0 R/Fit]>>")
	f.Add(letter, letter)
	f.Add(letter, sheet("", "", "/XObject<</I 5 0 R>>", image("abcd")))
	f.Add(sheet("/X 5 0 R", "", "", "<</K 5 0 R>>"), sheet("/X<</K<</K 5 0 R>>>>", "", "", "<</K 5 0 R>>"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if x, y := gateway.CompareFiles(a, b, false), gateway.CompareFiles(b, a, false); x.Same != y.Same && !x.Unreadable && bytes.Count(a, []byte("/ByteRange"))+bytes.Count(b, []byte("/ByteRange")) == 0 {
			t.Errorf("got %+v and %+v", x, y)
		}
		if c := gateway.CompareFiles(append(bytes.Clone(a), '\n'), a, false); !c.Same && !c.Open && !c.Unreadable {
			t.Errorf("unlike itself: %+v", c)
		}
	})
}
