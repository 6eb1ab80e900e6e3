package diff

import (
	"github.com/absah-id/absah/pdf"
)

// maxStructureDepth bounds the structure tree; tagged tables in lists in
// sections stay below 30.
const maxStructureDepth = 250

// elementSteps is what reading an element of the structure costs beside a step:
// they are read again in each revision that adds one.
const elementSteps = 6

// markStructure walks the logical structure (ISO 32000-2 §14.7): elements are
// known as such, so that a signer may add one for its own widget, and what they
// hold but for /K is frozen. A tree that is none is an error: two readers could
// take it for two documents.
func (d *differ) markStructure() error {
	catalog, err := d.at.Catalog()
	if err != nil {
		return onlyFatal(err)
	}
	ref, ok := catalog["StructTreeRoot"].(pdf.Ref)
	if !ok {
		return nil
	}
	v, err := d.at.Object(ref)
	if err != nil {
		return onlyFatal(err)
	}
	root, ok := v.(pdf.Dict)
	if !ok {
		return d.walk(ref, &d.frozen)
	}
	d.identity[ref.Num] = identityStructure
	s := structureWalk{d: d, open: map[uint32]bool{ref.Num: true}}
	if err := s.kids(root["K"], 0); err != nil {
		return err
	}
	if err := s.parents(root["ParentTree"], 0); err != nil {
		return err
	}
	s.rest = append(s.rest, root)
	for _, dict := range s.rest {
		for k, v := range dict {
			if k == "K" || k == "P" || k == "ParentTree" || k == "Nums" || k == "Kids" {
				continue
			}
			if err := d.walkEntry(k, v, &d.frozen); err != nil {
				return err
			}
		}
	}
	return nil
}

type structureWalk struct {
	d    *differ
	open map[uint32]bool // on the way from the root
	rest []pdf.Dict      // whose other entries are to be frozen
}

// kids walks a /K: an element, a marked-content number or reference, an object
// reference, or an array of them.
func (s *structureWalk) kids(o pdf.Object, depth int) error {
	if depth > maxStructureDepth {
		return overLimit("maxStructureDepth", maxStructureDepth)
	}
	switch o := o.(type) {
	case pdf.Array:
		for _, e := range o {
			if err := s.kids(e, depth+1); err != nil {
				return err
			}
		}
	case pdf.Dict:
		if o["Type"] == pdf.Object(pdf.Name("OBJR")) || o["Type"] == pdf.Object(pdf.Name("MCR")) {
			return s.d.walk(o, &s.d.frozen)
		}
		s.rest = append(s.rest, o)
		return s.kids(o["K"], depth+1)
	case pdf.Ref:
		if s.open[o.Num] {
			return malformed("structure-loop", "the structure element %s is its own kin", o)
		}
		s.d.steps += elementSteps
		if err := s.d.step(); err != nil {
			return err
		}
		v, err := s.d.at.Object(o)
		if err != nil {
			return onlyFatal(err)
		}
		if id := s.d.identity[o.Num]; id != 0 {
			return nil // seen, or something else altogether
		}
		if _, number := v.(pdf.Integer); !number {
			s.d.identity[o.Num] = identityStructure
		}
		s.open[o.Num] = true
		err = s.kids(v, depth+1)
		delete(s.open, o.Num)
		return err
	}
	return nil
}

// parents walks the parent tree, a number tree (§7.9.7).
func (s *structureWalk) parents(o pdf.Object, depth int) error {
	if depth > maxStructureDepth {
		return overLimit("maxStructureDepth", maxStructureDepth)
	}
	if ref, ok := o.(pdf.Ref); ok {
		if s.open[ref.Num] || s.d.identity[ref.Num] != 0 {
			return nil
		}
		s.d.identity[ref.Num] = identityStructure
		if v, err := s.d.at.Object(ref); err == nil {
			if next, ok := v.(pdf.Ref); ok { // watched in both places
				return s.parents(next, depth+1)
			}
		}
	}
	node, err := dictOf(s.d.at, o)
	if err != nil || node == nil {
		return err
	}
	s.rest = append(s.rest, node)
	for _, k := range []pdf.Name{"Kids", "Nums"} {
		if err := hops(s.d.at, node[k], s.watch); err != nil {
			return onlyFatal(err)
		}
	}
	kids, err := arrayOf(s.d.at, node["Kids"])
	if err != nil {
		return err
	}
	for _, k := range kids {
		if err := s.parents(k, depth+1); err != nil {
			return err
		}
	}
	nums, err := arrayOf(s.d.at, node["Nums"])
	if err != nil {
		return err
	}
	for i := 1; i < len(nums); i += 2 {
		if err := s.d.walk(pdf.Dict{"K": nums[i]}, &s.d.frozen); err != nil {
			return err
		}
	}
	return nil
}

// watch makes an array part of the structure.
func (s *structureWalk) watch(ref pdf.Ref) {
	if s.d.identity[ref.Num] == 0 {
		s.d.identity[ref.Num] = identityStructure
	}
}

// arrayOf resolves o in rev; nil when it is no array.
func arrayOf(rev *pdf.Revision, o pdf.Object) (pdf.Array, error) {
	v, err := rev.Resolve(orNull(o))
	if err != nil {
		return nil, onlyFatal(err)
	}
	a, _ := v.(pdf.Array)
	return a, nil
}

// compareStructure judges an element or the root that was redefined. Only
// elements for the widgets of signature fields that are new in this revision
// may be added, and nothing else changed.
func (d *differ) compareStructure(ref pdf.Ref) error {
	c := Change{Object: ref, Path: d.path(ref.Num), Rule: "structure-added", Level: LevelLTA}
	fail := func() error {
		c.Rule, c.Level = "structure", LevelOther
		d.report(c)
		return nil
	}
	was, err := dictOf(d.old, ref)
	if err != nil {
		return err
	}
	now, err := dictOf(d.new, ref)
	if err != nil {
		return err
	}
	if was == nil || now == nil {
		a, err1 := arrayOf(d.old, ref)
		b, err2 := arrayOf(d.new, ref)
		if err := firstFatal(err1, err2); err != nil {
			return err
		}
		if a == nil || b == nil || !d.kidsAdded(a, b) && !d.parentsAdded(pdf.Dict{"Nums": a}, pdf.Dict{"Nums": b}) {
			return fail()
		}
		d.report(c)
		return nil
	}
	for _, k := range d.differing(was, now) {
		ok := false
		switch k {
		case "K":
			ok = d.kidsAdded(was[k], now[k])
		case "ParentTree":
			ok = d.parentsAdded(was[k], now[k])
		case "Nums", "Kids", "Limits": // a node of the parent tree
			ok = was["S"] == nil && was["K"] == nil && d.parentsAdded(was, now)
		case "ParentTreeNextKey":
			a, _, err1 := pdf.Lookup[pdf.Integer](d.old, was, k)
			b, _, err2 := pdf.Lookup[pdf.Integer](d.new, now, k)
			ok = err1 == nil && err2 == nil && b >= a
		}
		if !ok {
			return fail()
		}
	}
	d.report(c)
	return nil
}

// asArray takes a single kid for an array of one.
func asArray(o pdf.Object) pdf.Array {
	switch o := o.(type) {
	case nil, pdf.Null:
		return nil
	case pdf.Array:
		return o
	}
	return pdf.Array{o}
}

func (d *differ) kidsAdded(a, b pdf.Object) bool {
	x, y := d.kidList(d.old, a), d.kidList(d.new, b)
	for _, kid := range y {
		if len(x) > 0 && d.same(x[0], kid) {
			x = x[1:]
			continue
		}
		if !d.newElement(kid, 0) {
			return false
		}
	}
	return len(x) == 0
}

func (d *differ) kidList(rev *pdf.Revision, o pdf.Object) pdf.Array {
	if list, err := arrayOf(rev, o); err == nil && list != nil {
		return list
	}
	return asArray(o)
}

// elementKeys are what an added element may say; text that replaces what the
// page shows to those who listen to it is not among it.
var elementKeys = map[pdf.Name]bool{
	"Type": true, "S": true, "P": true, "K": true, "Pg": true, "ID": true, "Lang": true, "T": true, "NS": true,
}

// newElement says whether o is an element that holds nothing but widgets of
// new signature fields.
func (d *differ) newElement(o pdf.Object, depth int) bool {
	ref, ok := o.(pdf.Ref)
	if depth > maxSameDepth || !ok || d.step() != nil || !d.fresh(ref.Num) {
		return false
	}
	e, err := dictOf(d.new, ref)
	if err != nil || e == nil {
		return false
	}
	for k := range e {
		if !elementKeys[k] {
			return false
		}
	}
	kids := d.kidList(d.new, e["K"])
	for _, k := range kids {
		if objr, _ := dictOf(d.new, k); objr != nil && objr["Type"] == pdf.Object(pdf.Name("OBJR")) {
			if w, ok := objr["Obj"].(pdf.Ref); !ok || !d.newWidget(w) {
				return false
			}
			continue
		}
		if !d.newElement(k, depth+1) {
			return false
		}
	}
	return len(kids) > 0
}

// newWidget says whether ref belongs to a signature field that the old revision
// does not have.
func (d *differ) newWidget(ref pdf.Ref) bool {
	if d.newForm == nil || !d.fresh(ref.Num) {
		return false
	}
	n := d.newForm.owner(ref)
	return n != nil && n.signature()
}

// parentsAdded says whether a number tree still has all its entries, and only
// new elements besides.
func (d *differ) parentsAdded(a, b pdf.Object) bool {
	was, now := map[pdf.Integer]pdf.Object{}, map[pdf.Integer]pdf.Object{}
	if !d.numberTree(d.old, a, was, 0) || !d.numberTree(d.new, b, now, 0) {
		return false
	}
	for k, v := range was {
		if !d.sameParent(v, now[k]) {
			return false
		}
	}
	for k, v := range now {
		if _, ok := was[k]; !ok && !d.newElement(v, 0) {
			return false
		}
	}
	return true
}

// sameParent compares the value of a parent tree: an element, or an array of
// them which may have moved to another object.
func (d *differ) sameParent(a, b pdf.Object) bool {
	if d.same(a, b) {
		return true
	}
	x, err1 := arrayOf(d.old, a)
	y, err2 := arrayOf(d.new, b)
	return err1 == nil && err2 == nil && x != nil && y != nil && d.same(x, y)
}

// numberTree flattens a number tree into m; false when it is none.
func (d *differ) numberTree(rev *pdf.Revision, o pdf.Object, m map[pdf.Integer]pdf.Object, depth int) bool {
	if depth > maxSameDepth || d.step() != nil {
		return false
	}
	node, err := dictOf(rev, o)
	if err != nil {
		return false
	}
	kids, err1 := arrayOf(rev, node["Kids"])
	nums, err2 := arrayOf(rev, node["Nums"])
	if err1 != nil || err2 != nil || len(nums)%2 != 0 {
		return false
	}
	for _, k := range kids {
		if !d.numberTree(rev, k, m, depth+1) {
			return false
		}
	}
	for i := 0; i < len(nums); i += 2 {
		n, ok := nums[i].(pdf.Integer)
		if _, twice := m[n]; !ok || twice {
			return false
		}
		m[n] = nums[i+1]
	}
	return true
}
