package appearance

import (
	"bytes"
	"math"
	"regexp"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// pageView is a page as it is displayed: its visible box in default user
// space, and how that is turned and enlarged.
type pageView struct {
	x0, y0, x1, y1 float64
	rotate         int     // degrees clockwise: 0, 90, 180, 270
	unit           float64 // points per unit of default user space (UserUnit)
}

// displayedPage finds page n (1-based, FirstPage or LastPage) and returns it
// with its 1-based number.
func displayedPage(rev *pdf.Revision, n int) (pageView, int, error) {
	count, err := rev.PageCount()
	if err != nil {
		return pageView{}, 0, err
	}
	switch n {
	case FirstPage:
		n = 1
	case LastPage:
		n = count
	}
	if n < 1 || n > count {
		return pageView{}, 0, refuse("page-missing", "page %d does not exist: the document has %d", n, count)
	}
	_, page, err := rev.Page(n - 1)
	if err != nil {
		return pageView{}, 0, err
	}
	v, err := viewOf(rev, page)
	return v, n, err
}

// viewOf reads the inheritable attributes of a page (ISO 32000-2 §7.7.3.3).
func viewOf(rev *pdf.Revision, page pdf.Dict) (v pageView, err error) {
	media, ok, err := box(rev, page, "MediaBox")
	if err != nil {
		return v, err
	}
	if !ok {
		return v, refuse("page-box", "the page has no usable MediaBox")
	}
	v.x0, v.y0, v.x1, v.y1 = media[0], media[1], media[2], media[3]
	crop, ok, err := box(rev, page, "CropBox")
	if err != nil {
		return v, err
	}
	if ok { // beyond the MediaBox it counts for nothing (§14.11.2.1)
		v.x0, v.y0 = max(v.x0, crop[0]), max(v.y0, crop[1])
		v.x1, v.y1 = min(v.x1, crop[2]), min(v.y1, crop[3])
	}
	if v.x0 >= v.x1 || v.y0 >= v.y1 {
		return v, refuse("page-box", "the CropBox of the page lies outside its MediaBox")
	}
	o, err := rev.PageAttr(page, "Rotate")
	if err != nil {
		return v, err
	}
	turn, ok := number(o)
	if ok && (math.Mod(turn, 90) != 0 || math.Abs(turn) > 1e6) {
		return v, refuse("page-rotate", "the page is turned by %g degrees, which is no quarter turn", turn)
	}
	v.rotate = (int(turn)%360 + 360) % 360
	v.unit = 1
	if o, err = rev.Resolve(page["UserUnit"]); err != nil {
		return v, err
	}
	if unit, ok := number(o); ok && unit > 0 {
		v.unit = unit
	}
	return v, nil
}

// box reads a rectangle with its corners in any order; ok is false when it is
// absent or none.
func box(rev *pdf.Revision, page pdf.Dict, key pdf.Name) (b [4]float64, ok bool, err error) {
	o, err := rev.PageAttr(page, key)
	if err != nil {
		return b, false, err
	}
	a, _ := o.(pdf.Array)
	if len(a) != 4 {
		return b, false, nil
	}
	for i := range b {
		if o, err = rev.Resolve(a[i]); err != nil {
			return b, false, err
		}
		if b[i], ok = number(o); !ok {
			return b, false, nil
		}
	}
	b = [4]float64{min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])}
	return b, b[0] < b[2] && b[1] < b[3], nil
}

func number(o pdf.Object) (float64, bool) {
	switch n := o.(type) {
	case pdf.Integer:
		return float64(n), true
	case pdf.Real:
		return float64(n), true
	}
	return 0, false
}

// place turns the rectangle of v, given as displayed, into default user space.
func (p pageView) place(v Visible) (pades.Rect, error) {
	const tolerance = 0.01 // points; callers round
	for _, x := range []float64{v.X, v.Y, v.Width, v.Height} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return pades.Rect{}, refuse("appearance-rect", "the rectangle of the visible signature is not made of numbers")
		}
	}
	if v.Width < 1 || v.Height < 1 {
		return pades.Rect{}, refuse("appearance-rect", "the visible signature is %g × %g points; it needs at least 1 × 1", v.Width, v.Height)
	}
	w, h := p.size(pades.Rect{X0: p.x0, Y0: p.y0, X1: p.x1, Y1: p.y1})
	if v.X < -tolerance || v.Y < -tolerance || v.X+v.Width > w+tolerance || v.Y+v.Height > h+tolerance {
		return pades.Rect{}, refuse("appearance-outside",
			"the visible signature at %g,%g of %g × %g points leaves the page, which shows %g × %g", v.X, v.Y, v.Width, v.Height, w, h)
	}
	if v.Width*v.Height > w*h/2 {
		return pades.Rect{}, refuse("appearance-rect",
			"the visible signature is %g × %g points, more than half of the page, which shows %g × %g", v.Width, v.Height, w, h)
	}
	left, bottom := v.X/p.unit, v.Y/p.unit
	right, top := (v.X+v.Width)/p.unit, (v.Y+v.Height)/p.unit
	rect := pades.Rect{X0: p.x0 + left, Y0: p.y0 + bottom, X1: p.x0 + right, Y1: p.y0 + top}
	switch p.rotate {
	case 90:
		rect = pades.Rect{X0: p.x1 - top, Y0: p.y0 + left, X1: p.x1 - bottom, Y1: p.y0 + right}
	case 180:
		rect = pades.Rect{X0: p.x1 - right, Y0: p.y1 - top, X1: p.x1 - left, Y1: p.y1 - bottom}
	case 270:
		rect = pades.Rect{X0: p.x0 + bottom, Y0: p.y1 - right, X1: p.x0 + top, Y1: p.y1 - left}
	}
	return rect, nil
}

// upright returns the matrix with which a form of the given size stands
// upright on the page as displayed: a viewer maps the transformed BBox onto
// the annotation's Rect (§12.5.5).
func (p pageView) upright(width, height float64) [6]float64 {
	switch p.rotate {
	case 90:
		return [6]float64{0, 1, -1, 0, height, 0}
	case 180:
		return [6]float64{-1, 0, 0, -1, width, height}
	case 270:
		return [6]float64{0, -1, 1, 0, 0, width}
	}
	return [6]float64{1, 0, 0, 1, 0, 0}
}

// size returns width and height of a rectangle of default user space as
// displayed.
func (p pageView) size(r pades.Rect) (width, height float64) {
	width, height = (r.X1-r.X0)*p.unit, (r.Y1-r.Y0)*p.unit
	if p.rotate%180 != 0 {
		width, height = height, width
	}
	return width, height
}

// maxMetadata caps the XMP packet searched for a PDF/A claim. A real one has a
// few kilobytes.
const maxMetadata = 1 << 20

// pdfaClaim is the PDF/A part in XMP, as attribute or as element (ISO 19005-1
// §6.7.11). The prefix is the one that the standard requires.
var pdfaClaim = regexp.MustCompile(`<?pdfaid:part\s*(?:=\s*["']|>)\s*([1-4])`)

// pdfaPart returns the part of ISO 19005 that the document claims to follow,
// or 0. Metadata that cannot be read claim nothing.
func pdfaPart(rev *pdf.Revision) (int, error) {
	catalog, err := rev.Catalog()
	if err != nil {
		return 0, err
	}
	o, err := rev.Resolve(catalog["Metadata"])
	if err != nil {
		return 0, err
	}
	s, ok := o.(*pdf.Stream)
	if !ok {
		return 0, nil
	}
	xmp, err := rev.StreamData(s, maxMetadata)
	if err != nil {
		return 0, nil
	}
	// XMP may be UTF-16: without its zero bytes the ASCII of the claim remains.
	m := pdfaClaim.FindSubmatch(bytes.ReplaceAll(xmp, []byte{0}, nil))
	if m == nil {
		return 0, nil
	}
	return int(m[1][0] - '0'), nil
}
