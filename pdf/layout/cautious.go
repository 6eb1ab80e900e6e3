package layout

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// Cautious lists the marks of a page like [Page], for whoever asks what may not
// be covered. Beyond what Page lists there are lines, the text in patterns that
// paint an area, and whatever the glyphs of a Type 3 font draw, wherever they
// do; text that clips counts as seen, since painting shows its shape; and the
// width of a glyph that no font tells counts as the widest. Contents whose
// inline images readers may end in different places are a *pdf.MalformedError.
// Optional content counts as seen, and strings of codes that only a CMap tells
// apart as being as long as they may be. What it costs is taken from budget.
func Cautious(rev *pdf.Revision, page pdf.Dict, budget *Budget) ([]Mark, error) {
	return scanPage(rev, page, budget, true)
}

// pen is what strokes are painted with: their width in the units of the user
// space, and the pattern or none.
type pen struct {
	width   float64
	pattern pdf.Object
}

// thinnest is half the width of the thinnest line, which readers draw as wide as
// one of their dots.
const thinnest = 0.25

// stroke adds the mark of a stroked path.
func (f *frame) stroke() error {
	if !f.cautious || f.path == nothing {
		return nil
	}
	half := f.pen.width / 2 * math.Max(math.Hypot(f.ctm[0], f.ctm[1]), math.Hypot(f.ctm[2], f.ctm[3]))
	half = math.Max(half, thinnest)
	box := f.path
	box = pdf.Rect{X0: box.X0 - half, Y0: box.Y0 - half, X1: box.X1 + half, Y1: box.Y1 + half}
	return f.paintWith(f.pen.pattern, Line, box)
}

// paintWith adds the mark of a path that a colour paints, or a pattern.
func (f *frame) paintWith(pattern pdf.Object, k Kind, box pdf.Rect) error {
	n := len(f.marks)
	if err := f.paint(k, box, f.self); err != nil {
		return err
	}
	if len(f.marks) > n {
		f.marks[n].Plain = f.rects == 1 && f.pieces == 0 && f.ctm.upright()
	}
	if pattern == nil || !f.cautious {
		return nil
	}
	text, err := f.patternText(pattern)
	if err != nil || !text {
		return err
	}
	return f.paint(Text, box, f.self)
}

// patternText says whether a tiling pattern has text in it (§8.7.3). A shading
// has none.
func (f *frame) patternText(name pdf.Object) (bool, error) {
	o, err := f.resource("Pattern", []pdf.Object{name})
	if err != nil {
		return false, err
	}
	ref, isRef := o.(pdf.Ref)
	if text, ok := f.patterns[ref]; ok && isRef {
		return text, nil
	}
	v, err := f.rev.Resolve(o)
	if err != nil {
		return false, err
	}
	text := false
	if stm, ok := v.(*pdf.Stream); ok {
		marks, err := f.inner(stm, identity, stm.Dict["Resources"])
		if err != nil {
			return false, err
		}
		text = slices.ContainsFunc(marks, func(m Mark) bool { return m.Kind == Text })
	}
	if isRef {
		f.patterns[ref] = text
	}
	return text, nil
}

// inner runs the contents of a pattern or glyph apart from those of the page.
func (f *frame) inner(stm *pdf.Stream, m matrix, resources pdf.Object) ([]Mark, error) {
	if f.forms++; f.forms > maxForms {
		return nil, overLimit("maxForms", maxForms)
	}
	res, err := dictOf(f.rev, resources)
	if err != nil {
		return nil, err
	}
	if res == nil {
		res = f.res
	}
	data, err := f.data(stm)
	if err != nil {
		return nil, err
	}
	n := len(f.marks)
	err = f.scanner.content(data, res, graphics{ctm: m, clip: everything, scale: 1, pen: pen{width: 1}}, f.self, f.depth+1)
	marks := slices.Clone(f.marks[n:])
	f.marks = f.marks[:n]
	return marks, err
}

// glyphs finds where the glyphs of a Type 3 font draw (§9.6.4), for a font size
// of 1. While it looks, and where it cannot tell, that is everywhere.
func (f *frame) glyphs(fn *font, d pdf.Dict) error {
	fn.reach = &everything
	procs, err := dictOf(f.rev, d["CharProcs"])
	if err != nil {
		return err
	}
	a, _, err := pdf.Lookup[pdf.Array](f.rev, d, "FontMatrix")
	if err != nil {
		return err
	}
	m, _ := matrixOf(a)
	reach := nothing
	for _, o := range procs {
		v, err := f.rev.Resolve(orNull(o))
		if err != nil {
			return err
		}
		stm, ok := v.(*pdf.Stream)
		if !ok {
			continue
		}
		marks, err := f.inner(stm, m, d["Resources"])
		if err != nil {
			return err
		}
		for _, mark := range marks {
			reach = pdf.Rect{X0: math.Min(reach.X0, mark.Bounds.X0), Y0: math.Min(reach.Y0, mark.Bounds.Y0),
				X1: math.Max(reach.X1, mark.Bounds.X1), Y1: math.Max(reach.Y1, mark.Bounds.Y1)}
		}
	}
	fn.reach = &reach
	return nil
}

// encoding looks at the codes of a composite font (§9.7.5): which of them are
// CIDs, whose widths are known, and whether they go from top to bottom.
func (s *scanner) encoding(fn *font, d, cid pdf.Dict) error {
	v, err := s.rev.Resolve(orNull(d["Encoding"]))
	if err != nil || v == pdf.Object(pdf.Name("Identity-H")) {
		return err
	}
	name, known := v.(pdf.Name)
	fn.vertical = strings.HasSuffix(string(name), "-V")
	if !known || fn.vertical && (pdf.Present(cid["W2"]) || pdf.Present(cid["DW2"])) {
		fn.reach = &everything
	}
	if name != "Identity-V" {
		fn.loose, fn.most = true, max(1, fn.missing)
		for _, w := range fn.cids {
			fn.most = max(fn.most, w)
		}
	}
	return nil
}

// column is the box of a string that goes down, with the metrics that fonts
// have which say nothing else (§9.7.4.3), and what it goes on by.
func (f *frame) column(s string) (box pdf.Rect, by float64) {
	n := float64(len(s)+1) / 2
	if f.font.loose {
		n = float64(len(s))
	}
	size := math.Abs(f.size)
	by = n * (f.charSpace - f.size)
	wide := size * max(1, f.font.most)
	return pdf.Rect{X0: -wide, X1: wide, Y0: f.rise + min(0, by) - size, Y1: f.rise + max(0, by) + size}, by
}

// reached is the box of a string of that width in a Type 3 font, in text space.
func (f *frame) reached(box pdf.Rect, width float64) pdf.Rect {
	r := *f.font.reach
	if r == nothing {
		return box
	}
	x0, x1 := r.X0*f.size*f.scale, r.X1*f.size*f.scale
	y0, y1 := r.Y0*f.size, r.Y1*f.size
	return pdf.Rect{
		X0: min(box.X0, x0, x1, x0+width, x1+width), X1: max(box.X1, x0, x1, x0+width, x1+width),
		Y0: min(box.Y0, f.rise+y0, f.rise+y1), Y1: max(box.Y1, f.rise+y0, f.rise+y1),
	}
}

// errInlineImage says that readers may end an inline image in different places.
var errInlineImage = &pdf.MalformedError{Offset: -1, Rule: "inline-image", Err: errors.New("where an inline image ends is ambiguous")}

// endsOnce says whether data of that many inline images have as many places
// where one may end. Where the data of one are not encoded, readers know their
// length and may end it anywhere.
func endsOnce(data []byte, images int) bool {
	raw := false
	for rest, n := data, 0; ; n++ {
		_, after, found := bytes.Cut(rest, []byte("BI"))
		if !found {
			break
		}
		if n > maxInlineWords {
			return false
		}
		dict, _, _ := bytes.Cut(after[:min(len(after), maxInlineDict)], []byte("ID"))
		raw = raw || bytes.Contains(dict, []byte("/W")) && !bytes.Contains(dict, []byte("/F"))
		rest = after
	}
	ends := 0
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("EI"))
		if i < 0 {
			return ends <= images
		}
		at += i + len("EI")
		apart := at == len("EI") || raw && !letter(data[at-3]) || bytes.IndexByte([]byte(" \t\r\n\f\x00"), data[at-3]) >= 0
		if apart && (at == len(data) || !letter(data[at])) {
			ends++
		}
	}
}

// maxInlineDict bounds the bytes of the entries of an inline image, and
// maxInlineWords what looks like the beginning of one.
const (
	maxInlineDict  = 1000
	maxInlineWords = 100_000
)

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
