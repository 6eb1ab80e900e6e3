package pdf

import (
	"errors"
	"fmt"
)

// pageRoot returns the root of the page tree (§7.7.3.2).
func (r *Revision) pageRoot() (Ref, error) {
	cat, err := r.Catalog()
	if err != nil {
		return Ref{}, err
	}
	ref, ok := cat["Pages"].(Ref)
	if !ok {
		return Ref{}, &MalformedError{Offset: r.xref, Rule: "page-tree"}
	}
	return ref, nil
}

// PageCount walks the page tree and returns the number of pages that it really
// has, whatever /Count says.
func (r *Revision) PageCount() (int, error) {
	n := 0
	err := r.WalkPages(func(Ref, Dict) error { n++; return nil })
	return n, err
}

// WalkPages calls f for each page in order and stops at its first error. It
// returns a [MalformedError] with rule page-tree or page-loop when the tree is
// no tree, and a [LimitError] when it is deeper than Limits.PageDepth.
func (r *Revision) WalkPages(f func(ref Ref, page Dict) error) error {
	root, err := r.pageRoot()
	if err != nil {
		return err
	}
	w := pageWalk{r: r, seen: make(map[uint32]bool), f: f}
	return w.node(root, 0)
}

// pageWalk visits every node of the page tree once.
type pageWalk struct {
	r    *Revision
	seen map[uint32]bool
	f    func(ref Ref, page Dict) error
}

func (w *pageWalk) node(ref Ref, depth int) error {
	if depth > w.r.doc.lim.PageDepth {
		return w.r.Place(&LimitError{Offset: -1, Limit: "PageDepth", Max: int64(w.r.doc.lim.PageDepth)}, ref)
	}
	if w.seen[ref.Num] {
		return malformed(w.r.xref, "page-loop", "object %s", ref)
	}
	w.seen[ref.Num] = true
	d, kids, isPage, err := w.r.pageNode(ref)
	if err != nil {
		return err
	}
	if isPage {
		return w.f(ref, d)
	}
	for _, k := range kids {
		kid, ok := k.(Ref)
		if !ok {
			return malformed(w.r.xref, "page-tree", "/Kids of object %s", ref)
		}
		if err := w.node(kid, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pageNode reads a node of the page tree. One that has /Kids is no page,
// whatever its /Type.
func (r *Revision) pageNode(ref Ref) (d Dict, kids Array, isPage bool, err error) {
	o, err := r.Object(ref)
	if err != nil {
		return nil, nil, false, err
	}
	d, ok := o.(Dict)
	if !ok {
		return nil, nil, false, malformed(r.xref, "page-tree", "object %s is not a dictionary", ref)
	}
	kids, ok, err = Lookup[Array](r, d, "Kids")
	if err != nil {
		return nil, nil, false, r.Place(err, ref)
	}
	if !ok && d["Type"] == Name("Pages") {
		return d, nil, false, nil
	}
	return d, kids, !ok, nil
}

// errFound ends a walk that has what it looked for.
var errFound = errors.New("found")

// Page returns page n, counted from 0. While /Count is right it reads only the
// nodes on the way. A page that does not exist is a [MalformedError] with rule
// page-missing.
func (r *Revision) Page(n int) (Ref, Dict, error) {
	root, err := r.pageRoot()
	if err != nil {
		return Ref{}, nil, err
	}
	if n >= 0 {
		if ref, d, ok := r.pageByCount(root, n); ok {
			return ref, d, nil
		}
	}
	var ref Ref
	var page Dict
	at := 0
	err = r.WalkPages(func(p Ref, d Dict) error {
		if at == n {
			ref, page = p, d
			return errFound
		}
		at++
		return nil
	})
	if errors.Is(err, errFound) {
		return ref, page, nil
	}
	if err == nil {
		err = &MalformedError{Offset: -1, Rule: "page-missing", Err: fmt.Errorf("the document has %d pages", at)}
	}
	return Ref{}, nil, err
}

// pageByCount descends by /Count. ok is false when the tree does not bear it
// out, and then the slow way decides.
func (r *Revision) pageByCount(ref Ref, n int) (Ref, Dict, bool) {
	for range r.doc.lim.PageDepth {
		d, kids, isPage, err := r.pageNode(ref)
		if err != nil {
			return Ref{}, nil, false
		}
		if isPage {
			return ref, d, n == 0
		}
		count, _ := d["Count"].(Integer)
		if int64(n) >= int64(count) {
			return Ref{}, nil, false
		}
		next, rest, ok := r.kidByCount(kids, int64(count), n)
		if !ok {
			return Ref{}, nil, false
		}
		ref, n = next, rest
	}
	return Ref{}, nil, false
}

// kidByCount picks the kid that holds page n and says which page of it that is.
func (r *Revision) kidByCount(kids Array, count int64, n int) (Ref, int, bool) {
	if int64(len(kids)) == count {
		// As many kids as pages: each is one, as pageByCount checks.
		kid, ok := kids[n].(Ref)
		if !ok {
			return Ref{}, 0, false
		}
		_, _, isPage, err := r.pageNode(kid)
		return kid, 0, err == nil && isPage
	}
	for _, k := range kids {
		kid, ok := k.(Ref)
		if !ok {
			return Ref{}, 0, false
		}
		d, _, isPage, err := r.pageNode(kid)
		if err != nil {
			return Ref{}, 0, false
		}
		size := 1
		if !isPage {
			c, ok := d["Count"].(Integer)
			if !ok || c < 0 || c > maxObjectNumber {
				return Ref{}, 0, false
			}
			size = int(c)
		}
		if n < size {
			return kid, n, true
		}
		n -= size
	}
	return Ref{}, 0, false
}

// PageAttr returns an inheritable attribute of a page (Resources, MediaBox,
// CropBox, Rotate; §7.7.3.4), resolved, from the page or the nearest node above
// that has it; Null when none has.
func (r *Revision) PageAttr(page Dict, key Name) (Object, error) {
	for range r.doc.lim.PageDepth + 1 {
		o, err := r.Resolve(page[key])
		if err != nil {
			return nil, err
		}
		if _, null := o.(Null); !null {
			return o, nil
		}
		parent, ok, err := Lookup[Dict](r, page, "Parent")
		if err != nil || !ok {
			return Null{}, err
		}
		page = parent
	}
	return nil, &LimitError{Offset: -1, Limit: "PageDepth", Max: int64(r.doc.lim.PageDepth)}
}
