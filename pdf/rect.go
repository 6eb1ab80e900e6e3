package pdf

import "math"

// Rect is a rectangle (§7.9.5) in points of the coordinate system it stands in,
// with X0 <= X1 and Y0 <= Y1.
type Rect struct{ X0, Y0, X1, Y1 float64 }

// Empty says whether r has no area: a field with such a rectangle shows nothing.
func (r Rect) Empty() bool { return !(r.X1 > r.X0 && r.Y1 > r.Y0) }

// Overlaps says whether r and o have an area in common.
func (r Rect) Overlaps(o Rect) bool {
	return math.Max(r.X0, o.X0) < math.Min(r.X1, o.X1) && math.Max(r.Y0, o.Y0) < math.Min(r.Y1, o.Y1)
}

// Array returns r as it is written.
func (r Rect) Array() Array { return Array{Real(r.X0), Real(r.Y0), Real(r.X1), Real(r.Y1)} }

// LookupRect returns the rectangle under key, whose corners may come in any
// order; ok is false when there is none. What is no rectangle of finite numbers
// is a [MalformedError] with rule rect.
func LookupRect(r *Revision, d Dict, key Name) (rect Rect, ok bool, err error) {
	a, ok, err := Lookup[Array](r, d, key)
	if err != nil || !ok {
		return Rect{}, false, err
	}
	v, err := Numbers(r, a)
	if err != nil {
		return Rect{}, false, err
	}
	if len(v) != 4 {
		return Rect{}, false, malformed(-1, "rect", "/%s has %d numbers", key, len(v))
	}
	return Rect{
		X0: math.Min(v[0], v[2]), Y0: math.Min(v[1], v[3]),
		X1: math.Max(v[0], v[2]), Y1: math.Max(v[1], v[3]),
	}, true, nil
}

// Numbers returns the elements of a, resolved. One that is no number is a
// [MalformedError] with rule number.
func Numbers(r *Revision, a Array) ([]float64, error) {
	out := make([]float64, len(a))
	for i, o := range a {
		o, err := r.Resolve(o)
		if err != nil {
			return nil, err
		}
		n, ok := Float(o)
		if !ok {
			return nil, malformed(-1, "number", "an element of an array is not a number")
		}
		out[i] = n
	}
	return out, nil
}

// Float returns the value of an [Integer] or [Real]; ok is false for anything
// else.
func Float(o Object) (v float64, ok bool) {
	switch n := o.(type) {
	case Integer:
		return float64(n), true
	case Real:
		return float64(n), true
	}
	return 0, false
}
