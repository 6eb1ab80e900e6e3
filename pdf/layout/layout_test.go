package layout_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

// page is a document of one page with these contents. Object 5 is the font F,
// 6 an image I, 7 a form M that writes at its origin, 8 a layer L that is off.
func page(tb testing.TB, contents string) *pdf.Revision {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	at := map[int]int{}
	obj := func(n int, body string) {
		at[n] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	stream := func(n int, dict, data string) {
		obj(n, fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(data), data))
	}
	obj(1, "<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[8 0 R]/D<</OFF[8 0 R]>>>>>>")
	obj(2, "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 600 800]/Resources 9 0 R>>")
	obj(3, "<</Type/Page/Parent 2 0 R/Contents[4 0 R]>>")
	stream(4, "", contents)
	obj(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 65/Widths[500 1000]>>")
	stream(6, "/Subtype/Image", "x")
	stream(7, "/Subtype/Form/BBox[0 0 20 20]/Matrix[2 0 0 2 0 0]", "BT /F 10 Tf (A) Tj ET 0 0 100 100 re f /M Do")
	obj(8, "<</Type/OCG/Name(x)>>")
	obj(9, "<</Font<</F 5 0 R>>/XObject<</I 6 0 R/M 7 0 R>>/Properties<</L 8 0 R>>>>")
	xref := b.Len()
	b.WriteString("xref\n0 10\n0000000000 65535 f \n")
	for n := 1; n < 10; n++ {
		fmt.Fprintf(&b, "%010d 00000 n \n", at[n])
	}
	fmt.Fprintf(&b, "trailer<</Size 10/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", xref)
	doc, err := pdf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return doc.Latest()
}

func marks(rev *pdf.Revision) ([]layout.Mark, error) {
	_, dict, err := rev.Page(0)
	if err != nil {
		return nil, err
	}
	return layout.Page(rev, dict)
}

func words(list []layout.Mark) string {
	var out []string
	for _, m := range list {
		w := fmt.Sprintf("%s %g,%g,%g,%g", m.Kind, round(m.Bounds.X0), round(m.Bounds.Y0), round(m.Bounds.X1), round(m.Bounds.Y1))
		if m.Object.Num != 0 {
			w += fmt.Sprintf(" in %d", m.Object.Num)
		}
		if m.Unseen {
			w += " unseen"
		}
		if m.Off {
			w += " off"
		}
		out = append(out, w)
	}
	return strings.Join(out, "; ")
}

func round(f float64) float64 { return math.Round(f*10) / 10 }

func TestPage(t *testing.T) {
	for _, c := range []struct{ name, contents, want string }{
		{"text by declared widths", "BT /F 10 Tf 100 200 Td (AB) Tj ET", "text 100,197.8,115,207.2"},
		{"text without width", "BT /F 10 Tf (ZZ) Tj ET", "text 0,-2.2,12,7.2"},
		{"text moved, scaled, raised", "BT /F 10 Tf 200 Tz 5 Ts 1 0 0 1 50 60 Tm 3 Tc (A) Tj ET", "text 50,62.8,66,72.2"},
		{"lines", "BT /F 10 Tf 14 TL 10 100 Td (A) Tj T* (A) Tj (B) ' ET", "text 10,97.8,15,107.2; text 10,83.8,15,93.2; text 10,69.8,20,79.2"},
		{"kerning", "BT /F 10 Tf 0 50 Td [(A)-1000(A)] TJ ET", "text 0,47.8,5,57.2; text 15,47.8,20,57.2"},
		{"rotated", "BT /F 10 Tf 0 1 -1 0 100 100 Tm (A) Tj ET", "text 92.8,100,102.2,105"},
		{"spaces", "BT /F 10 Tf (  ) Tj ET", ""},
		{"invisible text", "BT /F 10 Tf 0 50 Td 3 Tr (A) Tj ET", "text 0,47.8,5,57.2 unseen"},
		{"image", "q 100 0 0 50 10 20 cm /I Do Q /I Do", "image 10,20,110,70 in 6; image 0,0,1,1 in 6"},
		{"inline image", "q 9 0 0 9 1 1 cm BI /W 1 /H 1 ID \x00EI\xFF EI Q 0 0 5 5 re f", "image 1,1,10,10; area 0,0,5,5"},
		{"areas", "10 10 30 40 re f 1 1 5 5 re S 0 0 m 9 0 l 9 9 l h f*", "area 10,10,40,50; area 0,0,9,9"},
		{"clipped", "0 0 20 20 re W n 10 10 100 100 re f", "area 10,10,20,20"},
		{"clipped away", "0 0 20 20 re W n 50 50 9 9 re f", ""},
		{"layer that is off", "/OC /L BDC 0 0 9 9 re f EMC 0 0 8 8 re f", "area 0,0,9,9 off; area 0,0,8,8"},
		{"nothing", "q Q /Lain Do 0 0 9 re f", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := marks(page(t, c.contents))
			if err != nil {
				t.Fatal(err)
			}
			if got := words(list); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestFormThatPaintsItself must end at the limit on nesting.
func TestFormThatPaintsItself(t *testing.T) {
	list, err := marks(page(t, "1 0 0 1 100 100 cm /M Do"))
	if _, ok := errors.AsType[*pdf.LimitError](err); !ok {
		t.Errorf("error %v, want a limit", err)
	}
	if got, want := words(list[:2]), "text 100,100,110,114.4 in 7; area 100,100,140,140 in 7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func ExamplePage() {
	rev := page(new(testing.T), "BT /F 12 Tf 72 700 Td (AB) Tj ET")
	_, dict, _ := rev.Page(0)
	list, _ := layout.Page(rev, dict)
	fmt.Println(list[0].Kind, list[0].Bounds.X0, list[0].Bounds.X1)
	// Output: text 72 90
}

func FuzzPage(f *testing.F) {
	for _, s := range []string{"BT /F 10 Tf (A) Tj ET", "q 1 0 0 1 2 2 cm /M Do Q", "BI /W 1 ID x EI", "/OC /L BDC EMC", "0 0 9 9 re W n sh"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, contents string) {
		list, err := marks(page(t, contents))
		if err != nil {
			return
		}
		for _, m := range list {
			if m.Bounds.Empty() {
				t.Errorf("an empty mark: %+v", m)
			}
		}
	})
}

// TestCorpusPages reads the pages that others made: nearly all must be clear.
func TestCorpusPages(t *testing.T) {
	dir := testfile.Corpus(t, "pdf")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	pages, texts, unclear := 0, 0, 0
	for _, entry := range files {
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
		if err != nil {
			continue
		}
		rev := doc.Latest()
		n, err := rev.PageCount()
		if err != nil {
			continue
		}
		for i := range min(n, 20) {
			_, dict, err := rev.Page(i)
			if err != nil {
				continue
			}
			pages++
			list, err := layout.Page(rev, dict)
			if err != nil {
				unclear++
				t.Logf("%s page %d: %v", entry.Name(), i+1, err)
			}
			for _, m := range list {
				if m.Kind == layout.Text {
					texts++
				}
			}
		}
	}
	t.Logf("%d pages, %d texts, %d pages unclear", pages, texts, unclear)
	if unclear*50 > pages {
		t.Errorf("%d of %d pages are unclear, want 2 %% at most", unclear, pages)
	}
}
