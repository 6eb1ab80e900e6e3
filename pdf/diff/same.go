package diff

import (
	"github.com/absah-id/absah/pdf"
)

// sameObject compares what both revisions say of ref. One that cannot be read
// is another.
func (d *differ) sameObject(ref pdf.Ref) (bool, error) {
	a, err := d.old.Object(ref)
	if err != nil {
		return false, onlyFatal(err)
	}
	b, err := d.new.Object(ref)
	if err != nil {
		return false, onlyFatal(err)
	}
	return d.same(a, b), nil
}

// same compares an object of the old revision with one of the new. Numbers are
// compared by value. The same reference is the same thing, whose own change is
// judged where it is marked; a copy under another number, or one that was
// written out, is the same when all of it is.
func (d *differ) same(a, b pdf.Object) bool { return d.sameAt(a, b, 0) }

// maxSameDepth bounds references to copies within copies.
const maxSameDepth = 8

func (d *differ) sameAt(a, b pdf.Object, copies int) bool {
	ra, aIs := a.(pdf.Ref)
	rb, bIs := b.(pdf.Ref)
	if aIs && bIs && ra == rb {
		return true
	}
	if aIs || bIs {
		if copies++; copies > maxSameDepth || d.step() != nil {
			return false
		}
		var err error
		if a, err = d.old.Resolve(orNull(a)); err != nil {
			return false
		}
		if b, err = d.new.Resolve(orNull(b)); err != nil {
			return false
		}
	}
	switch a := a.(type) {
	case pdf.Array:
		b, ok := b.(pdf.Array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !d.sameAt(a[i], b[i], copies) {
				return false
			}
		}
		return true
	case pdf.Dict:
		b, ok := b.(pdf.Dict)
		return ok && d.sameDict(a, b, copies, "")
	case *pdf.Stream:
		b, ok := b.(*pdf.Stream)
		return ok && d.sameDict(a.Dict, b.Dict, copies, "Length") && pdf.SameData(a, b)
	}
	if x, ok := pdf.Float(a); ok {
		y, ok := pdf.Float(b)
		return ok && x == y
	}
	return pdf.Equal(orNull(a), orNull(b))
}

func (d *differ) sameDict(a, b pdf.Dict, copies int, except pdf.Name) bool {
	for k, v := range a {
		if k != except && !d.sameAt(v, b[k], copies) {
			return false
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok && k != except && pdf.Present(v) {
			return false
		}
	}
	return true
}

// differing lists the keys whose values differ, in no order.
func (d *differ) differing(a, b pdf.Dict) []pdf.Name {
	var keys []pdf.Name
	for k, v := range a {
		if !d.same(v, b[k]) {
			keys = append(keys, k)
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok && pdf.Present(v) {
			keys = append(keys, k)
		}
	}
	return keys
}

// fresh says whether the old revision has no object under that number.
func (d *differ) fresh(num uint32) bool {
	e, ok := d.old.Entry(num)
	return !ok || e.Kind == pdf.EntryFree || e.Kind == pdf.EntryUnknown
}
