package layout

import (
	"math"

	"github.com/absah-id/absah/pdf"
)

// Run is one string that a form shows, in the coordinates that the form's
// /Matrix leads to.
type Run struct {
	// From and To are where the baseline begins and ends, by the widths that
	// the font tells or that are estimated for it.
	From, To [2]float64
	// Size is the height of the font as it is painted.
	Size float64
	// Bounds is what the string covers, Seen what of that is in the clipping
	// path, without regard to the form's own bounding box.
	Bounds, Seen pdf.Rect
	// Known says whether the font tells all widths.
	Known bool
}

// Appearance lists all strings that a form shows but for those of forms in it,
// in their order, with the empty ones left out and the invisible ones not, and
// returns the form's bounding box in the same coordinates; that has no area
// when there is none. The error is that of [Page].
func Appearance(rev *pdf.Revision, stm *pdf.Stream) ([]Run, pdf.Rect, error) {
	s := &scanner{rev: rev, fonts: map[pdf.Ref]*font{}, patterns: map[pdf.Ref]bool{}, cautious: true, keepRuns: true,
		left: Budget{content: maxContent, operators: maxOperators, marks: maxMarks}}
	res, err := dictOf(rev, stm.Dict["Resources"])
	if err != nil {
		return nil, pdf.Rect{}, err
	}
	a, _, err := pdf.Lookup[pdf.Array](rev, stm.Dict, "Matrix")
	if err != nil {
		return nil, pdf.Rect{}, err
	}
	m, _ := matrixOf(a)
	box, ok, err := pdf.LookupRect(rev, stm.Dict, "BBox")
	if err != nil {
		return nil, pdf.Rect{}, err
	}
	if ok {
		box = m.bounds(box)
	}
	data, err := s.data(stm)
	if err != nil {
		return nil, pdf.Rect{}, err
	}
	err = s.content(data, res, graphics{ctm: m, clip: everything, scale: 1, pen: pen{width: 1}}, pdf.Ref{}, 0)
	return s.runs, box, err
}

// run notes a string of that width whose glyphs fill box, in text space.
func (f *frame) run(width float64, box pdf.Rect, known bool) error {
	if len(f.runs) == maxMarks {
		return overLimit("maxMarks", maxMarks)
	}
	m := f.text.times(f.ctm)
	r := Run{Size: math.Abs(f.size) * math.Hypot(m[2], m[3]), Bounds: m.bounds(box), Known: known}
	r.From[0], r.From[1] = m.point(0, f.rise)
	r.To[0], r.To[1] = m.point(width, f.rise)
	r.Seen = intersect(r.Bounds, f.clip)
	f.runs = append(f.runs, r)
	return nil
}
