package layout

import (
	"math"

	"github.com/absah-id/absah/pdf"
)

// matrix is a transformation [a b c d e f] (§8.3.3).
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// times returns the transformation that first applies m, then n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func (m matrix) point(x, y float64) (float64, float64) {
	return x*m[0] + y*m[2] + m[4], x*m[1] + y*m[3] + m[5]
}

// upright says whether rectangles stay such.
func (m matrix) upright() bool {
	return m[1] == 0 && m[2] == 0 || m[0] == 0 && m[3] == 0
}

// bounds returns the bounding box of the transformed rectangle.
func (m matrix) bounds(r pdf.Rect) pdf.Rect {
	b := nothing
	for _, p := range [][2]float64{{r.X0, r.Y0}, {r.X1, r.Y0}, {r.X0, r.Y1}, {r.X1, r.Y1}} {
		b = include(b, m, p[0], p[1])
	}
	return b
}

// nothing contains no point; everything contains all.
var (
	nothing    = pdf.Rect{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
	everything = pdf.Rect{X0: math.Inf(-1), Y0: math.Inf(-1), X1: math.Inf(1), Y1: math.Inf(1)}
)

// include enlarges r by the point that m makes of x, y. What is not a number
// enlarges it to everything: nobody knows where the mark is.
func include(r pdf.Rect, m matrix, x, y float64) pdf.Rect {
	x, y = m.point(x, y)
	if math.IsNaN(x) || math.IsNaN(y) {
		return everything
	}
	return pdf.Rect{X0: math.Min(r.X0, x), Y0: math.Min(r.Y0, y), X1: math.Max(r.X1, x), Y1: math.Max(r.Y1, y)}
}

func intersect(a, b pdf.Rect) pdf.Rect {
	return pdf.Rect{X0: math.Max(a.X0, b.X0), Y0: math.Max(a.Y0, b.Y0), X1: math.Min(a.X1, b.X1), Y1: math.Min(a.Y1, b.Y1)}
}
