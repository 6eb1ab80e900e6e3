package diff

import (
	"fmt"

	"github.com/absah-id/absah/pdf"
)

// path names one way by which the old revision reaches an object. It is looked
// for only when there is something to report.
func (d *differ) path(num uint32) string {
	unknown := fmt.Sprintf("/Root/…(%d)", num)
	if d.searches++; d.searches > maxSearches {
		return unknown
	}
	f := pathFinder{rev: d.old, want: num, seen: map[uint32]bool{}}
	f.queue = append(f.queue, pathStep{o: d.old.Trailer()["Root"], path: "/Root"})
	if info, ok := d.old.Trailer()["Info"]; ok {
		f.queue = append(f.queue, pathStep{o: info, path: "/Info"})
	}
	for len(f.queue) > 0 && d.pathVisits < maxPathVisits {
		s := f.queue[0]
		f.queue = f.queue[1:]
		found := f.scan(s.o, s.path)
		d.pathVisits += f.visits
		if f.visits = 0; found {
			return f.found
		}
	}
	return unknown
}

// Paths only serve a reader: maxSearches are made, and maxPathVisits bounds
// what the search for all of them looks at, elements of arrays and dictionaries
// included.
const (
	maxSearches   = 200
	maxPathVisits = 500_000
)

type pathStep struct {
	o    pdf.Object
	path string
}

type pathFinder struct {
	rev    *pdf.Revision
	want   uint32
	seen   map[uint32]bool
	queue  []pathStep
	found  string
	visits int
}

// scan looks through one object and queues what it refers to.
func (f *pathFinder) scan(o pdf.Object, path string) bool {
	f.visits++
	switch o := o.(type) {
	case pdf.Ref:
		if o.Num == f.want {
			f.found = path
			return true
		}
		if f.seen[o.Num] {
			return false
		}
		f.seen[o.Num] = true
		if v, err := f.rev.Object(o); err == nil {
			f.queue = append(f.queue, pathStep{v, path})
		}
	case pdf.Array:
		for i, e := range o {
			if leads(e) && f.scan(e, fmt.Sprintf("%s/%d", path, i)) {
				return true
			}
			f.visits++
		}
	case pdf.Dict:
		for _, k := range sortedKeys(o) {
			if k != "Parent" && k != "P" && leads(o[k]) && f.scan(o[k], path+"/"+pdf.Printable(string(k))) {
				return true
			}
			f.visits++
		}
	case *pdf.Stream:
		return f.scan(o.Dict, path)
	}
	return false
}

// leads says whether an object may hold a reference.
func leads(o pdf.Object) bool {
	switch o.(type) {
	case pdf.Ref, pdf.Array, pdf.Dict, *pdf.Stream:
		return true
	}
	return false
}
