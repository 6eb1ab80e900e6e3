package diff

import (
	"math"

	"github.com/absah-id/absah/pdf"
)

// boxed says whether each stream of an appearance dictionary has a /BBox (Table
// 93 demands one). Without it some readers neither clip the appearance nor scale
// it to the rectangle of its widget: what is drawn stands anywhere on the page,
// even where the rectangle is empty.
func (d *differ) boxed(ap pdf.Object, depth int) (bool, error) {
	o, err := d.new.Resolve(orNull(ap))
	if err != nil {
		return false, onlyFatal(err)
	}
	switch o := o.(type) {
	case pdf.Dict:
		if depth > 2 { // /AP, /N, a state
			return true, nil
		}
		for _, v := range o {
			if ok, err := d.boxed(v, depth+1); !ok {
				return false, err
			}
		}
	case *pdf.Stream:
		box, ok, err := pdf.LookupRect(d.new, o.Dict, "BBox")
		return ok && err == nil && within(box), onlyFatal(err)
	}
	return true, nil
}

// within says whether a rectangle is of a size that every reader can express.
func within(r pdf.Rect) bool {
	return math.Abs(r.X0) <= maxMeasure && math.Abs(r.Y0) <= maxMeasure && math.Abs(r.X1) <= maxMeasure && math.Abs(r.Y1) <= maxMeasure
}

// boxRule names what lets the widget of a signature field, as it is now, show
// something outside of its rectangle: a rectangle that readers take for
// different ones, or an appearance without a box. "" when nothing does.
func (d *differ) boxRule(w pdf.Dict) (string, error) {
	switch rect, _, err := pdf.LookupRect(d.new, w, "Rect"); {
	case fatal(err):
		return "", err
	case err != nil || !within(rect):
		return "field-entry-Rect", nil
	}
	if ok, err := d.boxed(w["AP"], 0); err != nil || ok {
		return "", err
	}
	return "field-appearance-box", nil
}

// looksBoxed is boxRule for the widgets of an older field that look otherwise
// than before.
func (d *differ) looksBoxed(was *formNode) (string, error) {
	for _, ref := range was.widgets {
		a, b, err := d.dictsOf(ref)
		if err != nil {
			return "", err
		}
		if d.sameDeep(a["AP"], b["AP"], 0) && d.same(a["AS"], b["AS"]) {
			continue
		}
		if rule, err := d.boxRule(b); err != nil || rule != "" {
			return rule, err
		}
	}
	return "", nil
}
