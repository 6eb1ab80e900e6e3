package appearance_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer/appearance"
)

const address = "https://tte.kabcontoh.go.id/v/7Q4M2K9XJ3RD8WPZ5T6YHNBVCE"

// full shows everything at once.
func full() appearance.Visible {
	return appearance.Visible{
		X: 40, Y: 60, Width: 240, Height: 80, QR: address,
		Office: "Kepala Dinas Komunikasi dan Informatika Kabupaten Contoh",
		Name:   "Dr. Siti Rahmawati, S.Kom., M.T.",
		Lines:  []string{"Pembina Utama Muda", "Contoh, 20 Januari 2026"},
	}
}

func open(tb testing.TB, b []byte) *pdf.Revision {
	tb.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return doc.Latest()
}

// place puts the appearance into an unsigned field of the document and returns
// the whole file.
func place(tb testing.TB, b []byte, v appearance.Visible) []byte {
	tb.Helper()
	rev := open(tb, b)
	a, err := appearance.New(rev, v)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := pades.Prepare(rev, pades.SignatureSpec{Appearance: a, ContentsSize: 10})
	if err != nil {
		tb.Fatal(err)
	}
	tail, err := p.Embed([]byte{0x30, 0})
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(b), tail...)
}

// page is one page of the given geometry.
func page(attributes pdfmake.Dict) []byte {
	f := pdfmake.New("1.7", "halaman")
	root, tree, leaf := f.Reserve(), f.Reserve(), f.Reserve()
	d := pdfmake.Dict{"Type": pdfmake.Name("Page"), "Parent": tree, "MediaBox": pdfmake.Array{0, 0, 595, 842}}
	for k, v := range attributes {
		d[k] = v
	}
	f.Set(leaf, d)
	f.Set(tree, pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Kids": pdfmake.Array{leaf}, "Count": 1})
	f.Set(root, pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": tree})
	f.Root = root
	f.Flush(pdfmake.Table)
	return f.Bytes()
}

const dpi = 144

// render draws the first page as its reader sees it.
func render(tb testing.TB, b []byte) image.Image {
	tb.Helper()
	pdftoppm := testfile.Tool(tb, "pdftoppm")
	dir := tb.TempDir()
	in := filepath.Join(dir, "in.pdf")
	if err := os.WriteFile(in, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	out, err := exec.Command(pdftoppm, "-cropbox", "-png", "-r", fmt.Sprint(dpi), "-f", "1", "-l", "1", "-singlefile", in, filepath.Join(dir, "out")).CombinedOutput()
	if err != nil || len(out) > 0 {
		tb.Fatalf("pdftoppm: %v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, "out.png"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// cut returns the part of a rendered page under a rectangle in points from
// its lower left corner.
func cut(m image.Image, x, y, w, h float64) image.Image {
	const k = dpi / 72.0
	top := float64(m.Bounds().Dy())
	r := image.Rect(int(x*k), int(top-(y+h)*k), int(math.Ceil((x+w)*k)), int(math.Ceil(top-y*k)))
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for i := range r.Dx() {
		for j := range r.Dy() {
			out.Set(i, j, m.At(r.Min.X+i, r.Min.Y+j))
		}
	}
	return out
}

func readQR(tb testing.TB, m image.Image) string {
	tb.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		tb.Fatal(err)
	}
	res, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		tb.Fatalf("the code cannot be read: %v", err)
	}
	return res.GetText()
}

// ink returns the share of dark pixels.
func ink(m image.Image) float64 {
	dark := 0
	b := m.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			if g := color.GrayModel.Convert(m.At(x, y)).(color.Gray); g.Y < 128 {
				dark++
			}
		}
	}
	return float64(dark) / float64(b.Dx()*b.Dy())
}

// TestUpright renders the appearance on pages of every geometry: it stands
// where it was asked for as displayed, the code on its left can be read, and
// nothing is drawn elsewhere.
func TestUpright(t *testing.T) {
	crop := pdfmake.Array{30, 50, 560, 790}
	for _, c := range []struct {
		name string
		attr pdfmake.Dict
	}{
		{"upright", nil},
		{"90", pdfmake.Dict{"Rotate": 90}},
		{"180", pdfmake.Dict{"Rotate": 180}},
		{"270", pdfmake.Dict{"Rotate": 270}},
		{"-90", pdfmake.Dict{"Rotate": -90}},
		{"cropped", pdfmake.Dict{"CropBox": crop}},
		{"cropped 90", pdfmake.Dict{"CropBox": crop, "Rotate": 90}},
		{"cropped 180", pdfmake.Dict{"CropBox": crop, "Rotate": 180}},
		{"cropped 270", pdfmake.Dict{"CropBox": crop, "Rotate": 270}},
		{"crop box too large", pdfmake.Dict{"CropBox": pdfmake.Array{-100, -100, 900, 1000}}},
		{"corners exchanged", pdfmake.Dict{"MediaBox": pdfmake.Array{595, 842, 0, 0}, "Rotate": 90}},
		{"origin elsewhere", pdfmake.Dict{"MediaBox": pdfmake.Array{-300, 200, 295, 1042}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := full()
			m := render(t, place(t, page(c.attr), v))
			whole := cut(m, v.X, v.Y, v.Width, v.Height)
			if got := readQR(t, cut(m, v.X, v.Y, v.Height, v.Height)); got != address {
				t.Errorf("the code says %q", got)
			}
			if got := ink(cut(m, v.X+v.Height+5, v.Y+5, v.Width-v.Height-10, v.Height-10)); got < 0.03 {
				t.Errorf("%.3f of the text area is dark", got)
			}
			b := m.Bounds()
			all, inside := ink(m)*float64(b.Dx()*b.Dy()), ink(whole)*float64(whole.Bounds().Dx()*whole.Bounds().Dy())
			if all > inside {
				t.Errorf("%.0f dark pixels outside", all-inside)
			}
		})
	}
}

// TestUserUnit: points are points of the paper. Poppler ignores UserUnit, so
// the rectangle is checked instead of the picture.
func TestUserUnit(t *testing.T) {
	a, err := appearance.New(open(t, page(pdfmake.Dict{"UserUnit": 2, "Rotate": 90})), full())
	if err != nil {
		t.Fatal(err)
	}
	want := pades.Rect{X0: 595 - 70, Y0: 20, X1: 595 - 30, Y1: 140}
	if a.Rect != want || a.Page != 1 {
		t.Errorf("page %d at %v, want %v", a.Page, a.Rect, want)
	}
}

// TestExistingField: the form fills the field's own rectangle, upright.
func TestExistingField(t *testing.T) {
	for _, c := range []struct {
		turn int
		rect pdfmake.Array
	}{
		{0, pdfmake.Array{40, 60, 280, 140}},
		{90, pdfmake.Array{595 - 140, 40, 595 - 60, 280}},
		{270, pdfmake.Array{60, 842 - 280, 140, 842 - 40}},
	} {
		f := pdfmake.New("1.7", "kolom")
		root, tree, leaf, field := f.Reserve(), f.Reserve(), f.Reserve(), f.Reserve()
		f.Set(field, pdfmake.Dict{"Type": pdfmake.Name("Annot"), "Subtype": pdfmake.Name("Widget"), "FT": pdfmake.Name("Sig"),
			"T": pdfmake.Text("Bupati"), "Rect": c.rect, "P": leaf, "F": 4})
		f.Set(leaf, pdfmake.Dict{"Type": pdfmake.Name("Page"), "Parent": tree, "MediaBox": pdfmake.Array{0, 0, 595, 842},
			"Rotate": c.turn, "Annots": pdfmake.Array{field}})
		f.Set(tree, pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Kids": pdfmake.Array{leaf}, "Count": 1})
		f.Set(root, pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": tree, "AcroForm": pdfmake.Dict{"Fields": pdfmake.Array{field}}})
		f.Root = root
		f.Flush(pdfmake.Table)
		rev := open(t, f.Bytes())
		fields, err := pades.Fields(rev)
		if err != nil {
			t.Fatal(err)
		}
		want := full()
		v := want
		v.Page, v.X, v.Y, v.Width, v.Height = 9, 0, 0, 1, 1 // not looked at
		a, err := appearance.ForField(rev, &fields[0], v)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pades.Prepare(rev, pades.SignatureSpec{Appearance: a, Field: "Bupati", ContentsSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		tail, err := p.Embed([]byte{0x30, 0})
		if err != nil {
			t.Fatal(err)
		}
		m := render(t, append(f.Bytes(), tail...))
		if got := readQR(t, cut(m, want.X, want.Y, want.Height, want.Height)); got != address {
			t.Errorf("turned by %d: the code says %q", c.turn, got)
		}
	}
}

func TestPages(t *testing.T) {
	rev := open(t, testfile.ByName(t, "pages-200").Bytes(t))
	for _, c := range []struct{ page, want int }{{appearance.FirstPage, 1}, {1, 1}, {117, 117}, {appearance.LastPage, 200}} {
		v := full()
		v.Page = c.page
		a, err := appearance.New(rev, v)
		if err != nil || a.Page != c.want {
			t.Errorf("page %d: %v, %v", c.page, a, err)
		}
	}
}

func TestRefused(t *testing.T) {
	rev := open(t, page(nil))
	for _, c := range []struct {
		name   string
		change func(*appearance.Visible)
		code   string
	}{
		{"no such page", func(v *appearance.Visible) { v.Page = 2 }, "page-missing"},
		{"page -2", func(v *appearance.Visible) { v.Page = -2 }, "page-missing"},
		{"left of the page", func(v *appearance.Visible) { v.X = -1 }, "appearance-outside"},
		{"above the page", func(v *appearance.Visible) { v.Y = 800 }, "appearance-outside"},
		{"NaN", func(v *appearance.Visible) { v.X = math.NaN() }, "appearance-rect"},
		{"infinite", func(v *appearance.Visible) { v.Width = math.Inf(1) }, "appearance-rect"},
		{"no area", func(v *appearance.Visible) { v.Height = 0 }, "appearance-rect"},
		{"nothing to show", func(v *appearance.Visible) { *v = appearance.Visible{Width: 50, Height: 50} }, "appearance-empty"},
		{"white space only", func(v *appearance.Visible) {
			*v = appearance.Visible{Width: 50, Height: 50, Lines: []string{" \t"}}
		}, "appearance-empty"},
		{"NIK", func(v *appearance.Visible) { v.Lines = []string{"NIK 3201010101700001"} }, "appearance-personal-number"},
		{"NIK without a space", func(v *appearance.Visible) { v.Lines = []string{"NIK3201010101700001"} }, "appearance-personal-number"},
		{"NIP", func(v *appearance.Visible) { v.Lines = []string{"NIP. 197001011995031001"} }, "appearance-personal-number"},
		{"NIP in groups", func(v *appearance.Visible) { v.Lines = []string{"NIP. 19700101 199503 1 001"} }, "appearance-personal-number"},
		{"NIP with dots", func(v *appearance.Visible) { v.Name = "A 19700101.199503.1.001" }, "appearance-personal-number"},
		{"NIP in other digits", func(v *appearance.Visible) { v.Office = "１９７００１０１１９９５０３１００１" }, "appearance-personal-number"},
		{"NIK in the address", func(v *appearance.Visible) { v.QR = "https://contoh.go.id/?nik=3201010101700001" }, "appearance-personal-number"},
		{"bidirectional override", func(v *appearance.Visible) { v.Name = "Andi \u202eayajiW" }, "appearance-text"},
		{"control character", func(v *appearance.Visible) { v.Name = "Andi\x00" }, "appearance-text"},
		{"not UTF-8", func(v *appearance.Visible) { v.Name = "Andi\xff" }, "appearance-text"},
		{"no glyph", func(v *appearance.Visible) { v.Name = "安迪" }, "appearance-text"},
		{"too long", func(v *appearance.Visible) { v.Name = strings.Repeat("A", 301) }, "appearance-text"},
		{"too many lines", func(v *appearance.Visible) { v.Lines = make([]string, 7) }, "appearance-text"},
		{"code too fine", func(v *appearance.Visible) { v.Width, v.Height = 20, 20 }, "qr-size"},
		{"code too long", func(v *appearance.Visible) { v.QR = strings.Repeat("x", 501) }, "qr-size"},
		{"logo without code", func(v *appearance.Visible) { v.QR, v.Logo = "", pngFile(t, true) }, "appearance-empty"},
		{"no image", func(v *appearance.Visible) { v.Image = []byte("GIF89a") }, "image-format"},
		{"broken PNG", func(v *appearance.Visible) { v.Image = pngFile(t, true)[:60] }, "image-format"},
		{"broken JPEG", func(v *appearance.Visible) { b := jpegFile(t); v.Image = b[:len(b)/2] }, "image-format"},
		{"huge image", func(v *appearance.Visible) { v.Image = hugePNG() }, "image-size"},
		{"large file", func(v *appearance.Visible) { v.Image = make([]byte, 2<<20+1) }, "image-size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := full()
			c.change(&v)
			_, err := appearance.New(rev, v)
			var r *pades.RefusedError
			if !errors.As(err, &r) || r.Code != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	for _, line := range []string{"Nomor 800/1234/2026", "Contoh, 20 Januari 2026", "Telepon 0812-3456-7890", "2026-01-20 10:30:00 +07:00",
		"SHA-256 9f86d081884c7d659a2feaa0c55ad015"} {
		v := full()
		v.Lines = []string{line}
		if _, err := appearance.New(rev, v); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	v := full()
	v.QR = "https://contoh.go.id/v/a3201010101700001b" // a random identifier may look so
	if _, err := appearance.New(rev, v); err != nil {
		t.Error(err)
	}
}

// form returns the appearance's form XObject with the revision it stands in.
func form(tb testing.TB, b []byte) (*pdf.Revision, *pdf.Stream) {
	tb.Helper()
	rev := open(tb, b)
	_, p, err := rev.Page(0)
	if err != nil {
		tb.Fatal(err)
	}
	annots, _, err := pdf.Lookup[pdf.Array](rev, p, "Annots")
	if err != nil {
		tb.Fatal(err)
	}
	o, err := rev.Resolve(annots[len(annots)-1])
	if err != nil {
		tb.Fatal(err)
	}
	ap, _, err := pdf.Lookup[pdf.Dict](rev, o.(pdf.Dict), "AP")
	if err != nil {
		tb.Fatal(err)
	}
	s, ok, err := pdf.Lookup[*pdf.Stream](rev, ap, "N")
	if err != nil || !ok {
		tb.Fatalf("no appearance: %v", err)
	}
	return rev, s
}

func dig[T pdf.Object](tb testing.TB, rev *pdf.Revision, d pdf.Dict, keys ...pdf.Name) T {
	tb.Helper()
	for _, k := range keys[:len(keys)-1] {
		next, ok, err := pdf.Lookup[pdf.Dict](rev, d, k)
		if err != nil || !ok {
			tb.Fatalf("%v: %v", keys, err)
		}
		d = next
	}
	v, _, err := pdf.Lookup[T](rev, d, keys[len(keys)-1])
	if err != nil {
		tb.Fatalf("%v: %v", keys, err)
	}
	return v
}

// TestPDFA: in PDF/A-1 nothing is transparent, and in PDF/A colours need no
// output intent.
func TestPDFA(t *testing.T) {
	for part, mask := range map[int]bool{1: false, 2: true} {
		xmp := fmt.Sprintf(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description pdfaid:part="%d" pdfaid:conformance="B"/></x:xmpmeta>`, part)
		f := pdfmake.New("1.4", "pdfa")
		root, tree, leaf := f.Reserve(), f.Reserve(), f.Reserve()
		meta := f.Add(pdfmake.Stream{Dict: pdfmake.Dict{"Type": pdfmake.Name("Metadata"), "Subtype": pdfmake.Name("XML")}, Data: []byte(xmp)})
		f.Set(leaf, pdfmake.Dict{"Type": pdfmake.Name("Page"), "Parent": tree, "MediaBox": pdfmake.Array{0, 0, 595, 842}})
		f.Set(tree, pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Kids": pdfmake.Array{leaf}, "Count": 1})
		f.Set(root, pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": tree, "Metadata": meta})
		f.Root = root
		f.Flush(pdfmake.Table)
		v := full()
		v.Image = pngFile(t, true)
		out := place(t, f.Bytes(), v)
		rev, form := form(t, out)
		im := dig[*pdf.Stream](t, rev, form.Dict, "Resources", "XObject", "Im1")
		if _, ok := im.Dict["SMask"]; ok != mask {
			t.Errorf("PDF/A-%d: mask %v", part, ok)
		}
		if cs := dig[pdf.Array](t, rev, im.Dict, "ColorSpace"); cs[0] != pdf.Name("CalRGB") {
			t.Errorf("PDF/A-%d: colour space %v", part, cs)
		}
		if cs := dig[pdf.Array](t, rev, form.Dict, "Resources", "ColorSpace", "G"); cs[0] != pdf.Name("CalGray") {
			t.Errorf("PDF/A-%d: grey %v", part, cs)
		}
		if got := readQR(t, cut(render(t, out), v.X, v.Y, v.Height, v.Height)); got != address {
			t.Errorf("PDF/A-%d: the code says %q", part, got)
		}
	}
}

// TestFits draws at many sizes: nothing leaves the rectangle, and the name is
// always there.
func TestFits(t *testing.T) {
	for _, withQR := range []bool{false, true} {
		for w := 2.0; w < 600; w *= 1.5 {
			for h := 2.0; h < 600; h *= 1.7 {
				v := full()
				v.X, v.Y, v.Width, v.Height = 0, 0, min(w, 595), h
				if !withQR {
					v.QR = ""
				}
				a, err := appearance.New(open(t, page(nil)), v)
				var r *pades.RefusedError
				if withQR && errors.As(err, &r) && r.Code == "qr-size" {
					continue
				}
				if err != nil {
					t.Fatalf("%g × %g: %v", w, h, err)
				}
				checkInside(t, a, v)
			}
		}
	}
}

// checkInside reads the content stream and follows where text begins.
func checkInside(t *testing.T, a *pades.Appearance, v appearance.Visible) {
	t.Helper()
	rev := open(t, page(nil))
	u := rev.NewUpdate()
	ref, err := a.Form(u)
	if err != nil {
		t.Fatal(err)
	}
	o, err := u.Object(ref)
	if err != nil {
		t.Fatal(err)
	}
	data := content(t, pdf.Format(nil, o))
	bold := 0
	for l := range strings.Lines(data) {
		if !strings.HasSuffix(l, "Tj\n") {
			continue
		}
		var ink, size, x, y float64
		var face, text string
		if _, err := fmt.Sscanf(l, "%g sc /%s %g Tf 1 0 0 1 %g %g Tm %s Tj", &ink, &face, &size, &x, &y, &text); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		if x < 0 || y < 0 || x > v.Width || y+0.5*size > v.Height || size <= 0 {
			t.Errorf("%g × %g: text of %g at %g,%g", v.Width, v.Height, size, x, y)
		}
		if face == "F2" {
			bold++
		}
	}
	if bold == 0 {
		t.Errorf("%g × %g: no name", v.Width, v.Height)
	}
}

// content inflates a serialised stream.
func content(t *testing.T, b []byte) string {
	t.Helper()
	i := bytes.Index(b, []byte("stream\n"))
	if i < 0 {
		t.Fatalf("no stream in %.100q", b)
	}
	r, err := zlib.NewReader(bytes.NewReader(b[i+len("stream\n"):]))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func ExampleNew() {
	b := page(nil)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := appearance.New(doc.Latest(), appearance.Visible{
		Page: appearance.LastPage, X: 320, Y: 120, Width: 220, Height: 70,
		QR: "https://contoh.go.id/v/7Q4M2K9X", Office: "Bupati Contoh", Name: "Andi Wijaya",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Page, a.Rect)
	// Output: 1 {320 120 540 190}
}
