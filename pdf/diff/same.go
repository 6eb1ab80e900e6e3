package diff

import (
	"math"

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

// same compares an object of the old revision with one of the new, token for
// token: a number of another type, an object under another number and one that
// was written out are others. Readers take some entries only as an integer or
// as a reference, and what is named elsewhere (pages, fields, annotations,
// layers) is known by its number. The same reference is the same thing, whose
// own change is judged where it is marked. A stream alone may be a copy under
// another number: it is nothing but what is in it.
//
// It charges each token against maxCompared; beyond, nothing is the same and
// the next [differ.step] fails.
func (d *differ) same(a, b pdf.Object) bool { return d.sameAt(a, b, 0) }

// maxCopies bounds copies of streams within copies.
const maxCopies = 8

func (d *differ) sameAt(a, b pdf.Object, copies int) bool {
	if !d.charge(1) {
		return false
	}
	switch a := a.(type) {
	case pdf.Ref:
		b, ok := b.(pdf.Ref)
		return ok && (a == b || d.sameStream(a, b, copies+1))
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
		return ok && (a == b || d.sameDict(a.Dict, b.Dict, copies, "Length") && d.chargeData(a) && pdf.SameData(a, b))
	case pdf.String:
		if !d.charge(len(a) / chargeUnit) {
			return false
		}
	}
	switch b.(type) {
	case pdf.Array, pdf.Dict, *pdf.Stream:
		return false
	}
	return orNull(a) == orNull(b)
}

// sameStream says whether two references are to equal streams.
func (d *differ) sameStream(a, b pdf.Ref, copies int) bool {
	if copies > maxCopies {
		return false
	}
	was, err1 := d.old.Object(a)
	now, err2 := d.new.Object(b)
	_, ok := was.(*pdf.Stream)
	return ok && err1 == nil && err2 == nil && d.sameAt(was, now, copies)
}

// sameCopy says whether two references are to equal dictionaries.
func (d *differ) sameCopy(a, b pdf.Object) bool {
	x, ok1 := a.(pdf.Ref)
	y, ok2 := b.(pdf.Ref)
	if !ok1 || !ok2 {
		return false
	}
	was, err1 := d.old.Object(x)
	now, err2 := d.new.Object(y)
	_, ok := was.(pdf.Dict)
	return ok && err1 == nil && err2 == nil && d.same(was, now)
}

// measures are the entries whose arrays hold lengths and colours. Readers take
// any number there, and some writers write 612.0 as 612.
var measures = map[pdf.Name]bool{
	"MediaBox": true, "CropBox": true, "BleedBox": true, "TrimBox": true, "ArtBox": true,
	"Rect": true, "BBox": true, "Border": true, "C": true, "BC": true, "BG": true,
}

// sameMeasures says whether two direct arrays hold the same numbers, be they
// written as integers or as reals.
func sameMeasures(a, b pdf.Object) bool {
	x, ok1 := a.(pdf.Array)
	y, ok2 := b.(pdf.Array)
	if !ok1 || !ok2 || len(x) != len(y) || len(x) > 4 {
		return false
	}
	for i := range x {
		v, ok1 := pdf.Float(x[i])
		w, ok2 := pdf.Float(y[i])
		if !ok1 || !ok2 || v != w || math.Abs(v) > maxMeasure {
			return false
		}
	}
	return true
}

// maxMeasure is far beyond the size of pages (Annex C), and small enough that
// every reader tells its neighbours apart.
const maxMeasure = 100_000

// maxCompared bounds the tokens that one judgement compares, and chargeUnit is
// how many bytes of a string or stream count as one. Documents share arrays and
// dictionaries among pages, so that little text can ask for much comparing.
const (
	maxCompared = 10_000_000
	chargeUnit  = 256
)

// charge takes n tokens from the budget; false when it is spent.
func (d *differ) charge(n int) bool {
	d.compared += n
	return d.compared <= maxCompared
}

// textUnit is how many bytes of an appearance, a font or a value that are read
// count as one token: reading them costs far more than comparing.
const textUnit = 4

// chargeText charges n bytes of that kind, and is the limit when the budget is
// spent.
func (d *differ) chargeText(n int) error {
	if !d.charge(1 + n/textUnit) {
		return overLimit("maxCompared", maxCompared)
	}
	return nil
}

// chargeData charges the stored bytes of a stream.
func (d *differ) chargeData(s *pdf.Stream) bool {
	n, _, err := pdf.Lookup[pdf.Integer](d.old, s.Dict, "Length")
	return err == nil && d.charge(int(max(0, n)/chargeUnit))
}

func (d *differ) sameDict(a, b pdf.Dict, copies int, except pdf.Name) bool {
	for k, v := range a {
		if k != except && !d.sameAt(v, b[k], copies) && !(measures[k] && sameMeasures(v, b[k])) {
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
		if !d.same(v, b[k]) && !(measures[k] && sameMeasures(v, b[k])) {
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
