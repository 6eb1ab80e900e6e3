package diff

import (
	"math"
	"strings"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

// look is what an appearance draws in its widget.
type look struct {
	text   string
	pieces []string // one for each run
	runs   []layout.Run
	box    pdf.Rect // of the form
	// painted is set when an area was filled: it may hide what lies below.
	painted bool
	rect    pdf.Rect // of the widget
}

// scale returns by how much the look grows on the page, across and upward
// (§12.5.5).
func (l *look) scale() (x, y float64) {
	return (l.rect.X1 - l.rect.X0) / (l.box.X1 - l.box.X0), (l.rect.Y1 - l.rect.Y0) / (l.box.Y1 - l.box.Y0)
}

// place maps a rectangle of the look to the page.
func (l *look) place(r pdf.Rect) pdf.Rect {
	x, y := l.scale()
	return pdf.Rect{
		X0: l.rect.X0 + (r.X0-l.box.X0)*x, X1: l.rect.X0 + (r.X1-l.box.X0)*x,
		Y0: l.rect.Y0 + (r.Y0-l.box.Y0)*y, Y1: l.rect.Y0 + (r.Y1-l.box.Y0)*y,
	}
}

// leastHeight is the height of text on the page, in points, below which it is
// no longer read.
const leastHeight = 3

// readable says whether the text is where a reader sees it, in its order: from
// left to right and from line to line, without strings over others, inside the
// box and its clipping path, and large enough. Fonts that draw signs for letters
// are not asked for here.
func (l *look) readable() bool {
	if l.rect.Empty() {
		return true // nothing is shown
	}
	if l.box.Empty() {
		return squeeze(l.text) == ""
	}
	x, y := l.scale()
	var last *layout.Run
	for i := range l.runs {
		r := &l.runs[i]
		if squeeze(l.pieces[i]) == "" {
			continue
		}
		if r.Size*min(x, y) < leastHeight || !l.inside(r) || last != nil && !follows(last, r) {
			return false
		}
		last = r
	}
	return true
}

// inside says whether what is seen of a string is all of it, but for a part of
// a letter, and for the room above and below.
func (l *look) inside(r *layout.Run) bool {
	slack := 0.35 * r.Size
	if !r.Known {
		slack += 0.25 * math.Hypot(r.To[0]-r.From[0], r.To[1]-r.From[1])
	}
	upright := math.Abs(r.To[0]-r.From[0]) >= math.Abs(r.To[1]-r.From[1])
	for _, seen := range []pdf.Rect{r.Seen, l.box} {
		along := max(seen.X0-r.Bounds.X0, r.Bounds.X1-seen.X1)
		across := max(seen.Y0-r.Bounds.Y0, r.Bounds.Y1-seen.Y1)
		if !upright {
			along, across = across, along
		}
		if !(along <= slack && across <= 0.45*r.Size) {
			return false
		}
	}
	return true
}

// follows says whether b is read after a: it goes on where a ends, or on a line
// below.
func follows(a, b *layout.Run) bool {
	dx, dy := a.To[0]-a.From[0], a.To[1]-a.From[1]
	n := math.Hypot(dx, dy)
	if n == 0 || a.Size == 0 {
		return false
	}
	dx, dy = dx/n, dy/n
	if ex, ey := b.To[0]-b.From[0], b.To[1]-b.From[1]; ex*dx+ey*dy < 0.99*math.Hypot(ex, ey) {
		return false // another direction
	}
	end := a.To
	if !a.Known { // the estimate may be too wide by far
		end = [2]float64{a.From[0] + dx*n/3, a.From[1] + dy*n/3}
	}
	along := (b.From[0]-end[0])*dx + (b.From[1]-end[1])*dy
	below := (b.From[0]-end[0])*dy - (b.From[1]-end[1])*dx
	return math.Abs(below) < 0.2*a.Size && along > -0.35*a.Size || below > 0.6*min(a.Size, b.Size)
}

// over are the places on the page where the look paints: all of its widget, or
// where its strings are.
func (l *look) over() []pdf.Rect {
	if l.painted || l.box.Empty() || len(l.runs) > maxOver {
		return []pdf.Rect{l.rect}
	}
	var list []pdf.Rect
	for i, r := range l.runs {
		if squeeze(l.pieces[i]) != "" {
			list = append(list, l.place(r.Seen))
		}
	}
	return list
}

// maxOver bounds the places of one look; beyond them it is all of the widget.
const maxOver = 200

// lookOf reads an appearance in a widget with that rectangle. Where nothing is
// shown, because the rectangle is empty, nothing has to be readable.
func (d *differ) lookOf(s *pdf.Stream, rect pdf.Rect) (*look, error) {
	for _, k := range []pdf.Name{"OC", "Ref", "OPI", "F", "DP", "DecodeParms"} {
		if pdf.Present(s.Dict[k]) {
			return nil, errDrawing // what is shown is not, or is not all, in the stream
		}
	}
	t, err := d.drawn(s)
	if err != nil {
		return nil, err
	}
	l := &look{text: strings.Join(t.pieces, ""), pieces: t.pieces, painted: t.painted, rect: rect}
	if l.runs, l.box, err = layout.Appearance(d.new, s); err != nil {
		return nil, err
	}
	if len(l.runs) != len(l.pieces) {
		return nil, errDrawing
	}
	return l, nil
}
