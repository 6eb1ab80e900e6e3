package appearance

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"rsc.io/qr"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/font"
	"github.com/absah-id/absah/pdf/pades"
)

// DefaultHeading stands above office and name unless [Visible] says otherwise.
const DefaultHeading = "Ditandatangani secara elektronik oleh:"

// Pages of [Visible.Page] that are not a number.
const (
	FirstPage = 0
	LastPage  = -1
)

// Visible describes what a signature shows on its page (ISO 32000-2
// §12.7.5.5). What is empty is left out; something must be given.
//
// X, Y, Width and Height are points (1/72 inch) of the page as a reader sees
// it: upright, cut to its CropBox and enlarged by its UserUnit, with the
// origin in the lower left corner. A rectangle that leaves the page is
// refused. Text shrinks, wraps and in the end is cut with an ellipsis to stay
// inside the rectangle; a QR code whose modules would be smaller than 0.4
// point is refused, since no telephone reads it from paper.
//
// Personal numbers do not belong on a public letter: text with a run of 16
// digits (NIK) or 18 (NIP) is refused, also when spaces, dots or hyphens
// divide it, and so is a QR code that carries one as a word of its own.
type Visible struct {
	Page                int // 1-based, FirstPage (zero) or LastPage
	X, Y, Width, Height float64

	QR      string   // contents of the code, usually an address; at most 500 bytes
	Logo    []byte   // PNG or JPEG in the middle of the code, which then has error correction level H
	Heading string   // above office and name; "" = DefaultHeading when there are any
	Office  string   // jabatan
	Name    string   // of the signer; set in bold
	Lines   []string // below, e.g. rank or date; at most 6
	Image   []byte   // PNG or JPEG, at most 2 MiB and 4 megapixels, beside the text or alone
	Plain   bool     // no border and no default heading
}

// Caps on what one appearance may hold; more is not legible on paper.
const (
	maxLines      = 6
	maxTextLength = 300 // characters of one text
	maxQRLength   = 500 // bytes
)

// check returns v with its texts normalised (NFC, single spaces) and its
// heading settled.
func (v Visible) check() (Visible, error) {
	if len(v.Lines) > maxLines {
		return v, refuse("appearance-text", "the appearance has %d lines, at most %d are accepted", len(v.Lines), maxLines)
	}
	if v.Heading == "" && !v.Plain && v.Office+v.Name != "" {
		v.Heading = DefaultHeading
	}
	texts := []*string{&v.Heading, &v.Office, &v.Name}
	v.Lines = append([]string(nil), v.Lines...)
	for i := range v.Lines {
		texts = append(texts, &v.Lines[i])
	}
	any := v.QR != "" || len(v.Image) > 0
	for _, t := range texts {
		var err error
		if *t, err = cleanText(*t); err != nil {
			return v, err
		}
		any = any || *t != ""
	}
	switch {
	case !any:
		return v, refuse("appearance-empty", "the visible signature shows neither text nor code nor image")
	case len(v.QR) > maxQRLength:
		return v, refuse("qr-size", "the QR code holds %d bytes, at most %d are accepted", len(v.QR), maxQRLength)
	case len(v.Logo) > 0 && v.QR == "":
		return v, refuse("appearance-empty", "a logo needs a QR code to stand in")
	case hasPersonalNumber(v.QR, ""):
		return v, refuse("appearance-personal-number", "the QR code carries a number of 16 or 18 digits (NIK, NIP)")
	}
	return v, nil
}

// cleanText normalises one text and refuses what must not or cannot be drawn.
func cleanText(s string) (string, error) {
	s = norm.NFC.String(strings.Join(strings.Fields(s), " "))
	n := 0
	for _, r := range s {
		// Format characters include the bidirectional controls, with which a
		// name can be made to read as another.
		if r == unicode.ReplacementChar || unicode.In(r, unicode.C) {
			return "", refuse("appearance-text", "the text %q holds a control character", s)
		}
		n++
	}
	if n > maxTextLength {
		return "", refuse("appearance-text", "a text of the appearance has %d characters, at most %d are accepted", n, maxTextLength)
	}
	if hasPersonalNumber(s, " .-") {
		return "", refuse("appearance-personal-number", "a text of the appearance holds a number of 16 or 18 digits (NIK, NIP)")
	}
	return s, nil
}

// hasPersonalNumber reports whether s holds a run of exactly 16 or 18 digits,
// whole or divided by single characters of dividers. Digits that touch a
// letter count in text but not in an address (no dividers), where random
// identifiers hold such runs by chance.
func hasPersonalNumber(s, dividers string) bool {
	rs := append([]rune(s), ' ', ' ')
	run, joined := 0, 0 // digits in a row; the same with dividers passed over
	var before rune     // what stood before the run
	is := func(n int) bool { return n == 16 || n == 18 }
	for i, r := range rs {
		if unicode.IsDigit(r) {
			run, joined = run+1, joined+1
			continue
		}
		lettered := unicode.IsLetter(before) || unicode.IsLetter(r)
		if is(run) && (dividers != "" || !lettered) {
			return true
		}
		run = 0
		if divides := strings.ContainsRune(dividers, r) && i+1 < len(rs) && unicode.IsDigit(rs[i+1]); !divides {
			if dividers != "" && is(joined) {
				return true
			}
			joined = 0
		}
		before = r
	}
	return false
}

// New checks v against the page that it names, draws it, and returns what
// pades.Prepare needs for a new field. It fails with *[pades.RefusedError] when
// v or the page is at fault, with the errors of package pdf when the document
// is.
func New(rev *pdf.Revision, v Visible) (*pades.Appearance, error) {
	page, number, err := displayedPage(rev, v.Page)
	if err != nil {
		return nil, err
	}
	rect, err := page.place(v)
	if err != nil {
		return nil, err
	}
	return page.draw(rev, v, &pades.Appearance{Page: number, Rect: rect})
}

// ForField is [New] for a field that the document has already: page and
// rectangle are the field's, whatever v says.
func ForField(rev *pdf.Revision, f *pades.Field, v Visible) (*pades.Appearance, error) {
	n, err := f.PageNumber(rev)
	if err != nil {
		return nil, err
	}
	if n == 0 || f.Rect.Empty() {
		return nil, refuse("field-invisible", "the field %q shows on no page", f.Name)
	}
	page, number, err := displayedPage(rev, n)
	if err != nil {
		return nil, err
	}
	v.Width, v.Height = page.size(f.Rect)
	return page.draw(rev, v, &pades.Appearance{Page: number, Rect: f.Rect})
}

// draw fills in the form of an appearance whose place is settled.
func (p pageView) draw(rev *pdf.Revision, v Visible, a *pades.Appearance) (*pades.Appearance, error) {
	v, err := v.check()
	if err != nil {
		return nil, err
	}
	part, err := pdfaPart(rev)
	if err != nil {
		return nil, err
	}
	d, err := newDrawing(v, part == 1)
	if err != nil {
		return nil, err
	}
	a.Form = func(u *pdf.Update) (pdf.Ref, error) {
		return d.embed(u, p.upright(d.width, d.height), coloursFor(part > 0))
	}
	return a, nil
}

// typeface is a font under its name in the form's resources.
type typeface struct {
	*font.Face
	resource pdf.Name
}

// drawing is the content of one appearance, laid out in points from the lower
// left corner of its rectangle.
type drawing struct {
	width, height float64
	content       strings.Builder
	regular, bold *typeface
	code          *qr.Code
	logo, image   *picture
}

// newDrawing loads what v shows and draws it. With flat, images lose their
// transparency.
func newDrawing(v Visible, flat bool) (*drawing, error) {
	d := &drawing{width: v.Width, height: v.Height}
	regular, err := font.Regular()
	if err != nil {
		return nil, err
	}
	bold, err := font.Bold()
	if err != nil {
		return nil, err
	}
	d.regular, d.bold = &typeface{regular, "F1"}, &typeface{bold, "F2"}
	if len(v.Logo) > 0 {
		if d.logo, err = readPicture(v.Logo, flat); err != nil {
			return nil, err
		}
	}
	if len(v.Image) > 0 {
		if d.image, err = readPicture(v.Image, flat); err != nil {
			return nil, err
		}
	}
	if err := d.layOut(v); err != nil {
		return nil, err
	}
	return d, nil
}

// embed writes the form XObject. matrix turns it upright on a rotated page.
func (d *drawing) embed(u *pdf.Update, matrix [6]float64, c colours) (pdf.Ref, error) {
	fonts, images := pdf.Dict{}, pdf.Dict{}
	for _, t := range []*typeface{d.regular, d.bold} {
		if !t.Used() {
			continue
		}
		ref, err := t.Embed(u)
		if err != nil {
			return pdf.Ref{}, err
		}
		fonts[t.resource] = ref
	}
	for name, p := range map[pdf.Name]*picture{"Im1": d.image, "Im2": d.logo} {
		if p != nil {
			images[name] = p.embed(u, c)
		}
	}
	resources := pdf.Dict{"ColorSpace": pdf.Dict{"G": c.grey}}
	if len(fonts) > 0 {
		resources["Font"] = fonts
	}
	if len(images) > 0 {
		resources["XObject"] = images
	}
	m := make(pdf.Array, len(matrix))
	for i, x := range matrix {
		m[i] = pdf.Real(x)
	}
	return u.Add(pdf.NewFlateStream(pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "FormType": pdf.Integer(1),
		"BBox":   pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Real(d.width), pdf.Real(d.height)},
		"Matrix": m, "Resources": resources,
	}, []byte(d.content.String()))), nil
}

// colours are the colour spaces of an appearance.
type colours struct{ grey, rgb pdf.Object }

// coloursFor returns device colours, or in PDF/A calibrated ones, which need
// no output intent (ISO 19005-1 §6.2.3.2). The calibrated RGB is that of
// sRGB's primaries and white point at gamma 2.2.
func coloursFor(pdfa bool) colours {
	if !pdfa {
		return colours{grey: pdf.Name("DeviceGray"), rgb: pdf.Name("DeviceRGB")}
	}
	reals := func(vs ...float64) pdf.Array {
		a := make(pdf.Array, len(vs))
		for i, v := range vs {
			a[i] = pdf.Real(v)
		}
		return a
	}
	white := reals(0.9505, 1, 1.089)
	return colours{
		grey: pdf.Array{pdf.Name("CalGray"), pdf.Dict{"WhitePoint": white, "Gamma": pdf.Real(2.2)}},
		rgb: pdf.Array{pdf.Name("CalRGB"), pdf.Dict{
			"WhitePoint": white, "Gamma": reals(2.2, 2.2, 2.2),
			"Matrix": reals(0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505),
		}},
	}
}

func refuse(code, format string, args ...any) *pades.RefusedError {
	return &pades.RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// op appends one line to the content stream.
func (d *drawing) op(format string, args ...any) {
	fmt.Fprintf(&d.content, format+"\n", args...)
}
