package diff

import (
	"slices"

	"github.com/absah-id/absah/pdf"
)

// role is one part that an object plays.
type role struct {
	kind  roleKind
	owner pdf.Ref // field or page
	index int32   // of the page, from 0
}

type roleKind uint8

const (
	rolePage     roleKind = iota // a page dictionary or its /Annots
	roleForm                     // form dictionary, /Fields or /Kids
	roleField                    // a field, a widget, an appearance or a value
	roleEvidence                 // a stream of the security store
)

// identity is what an object is known as, so that mere pointers to it from
// elsewhere (a link to a page, /Parent) are told from uses of its content.
type identity uint8

const (
	identityPage identity = iota + 1
	identityPages
	identityField
	identityNote
	identityCatalog
	identityStructure
)

// numbers is a set of object numbers.
type numbers []uint64

func (s numbers) has(n uint32) bool {
	return int(n/64) < len(s) && s[n/64]&(1<<(n%64)) != 0
}

func (s *numbers) add(n uint32) {
	if i := int(n / 64); i >= len(*s) {
		*s = append(*s, make([]uint64, i+1-len(*s))...)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

// begin marks everything that rev reaches.
func (d *differ) begin(rev *pdf.Revision) error {
	d.at = rev
	d.roles = make(map[uint32][]role)
	d.identity = make(map[uint32]identity)
	d.identity[rev.Root().Num] = identityCatalog
	form, err := readForm(rev)
	if err != nil {
		return err
	}
	d.oldForm = form
	d.markForm(form)
	if err := d.markPageTree(); err != nil {
		return err
	}
	if err := d.markStructure(); err != nil {
		return err
	}
	if err := d.markPages(); err != nil {
		return err
	}
	if err := d.markFields(form, nil); err != nil {
		return err
	}
	for r := rev; r != nil; r = r.Previous() {
		if err := d.markContainers(r); err != nil {
			return err
		}
	}
	return d.markCatalog()
}

// markContainers freezes what the object streams of a revision refer to: by
// another /Length or /Filter a reader finds other objects in them.
func (d *differ) markContainers(r *pdf.Revision) error {
	last := uint32(0) // the entries of one stream stand together
	for _, e := range r.Entries() {
		if e.Kind != pdf.EntryCompressed || e.Container == last {
			continue
		}
		if err := d.step(); err != nil {
			return err
		}
		last = e.Container
		o, err := r.Object(pdf.Ref{Num: e.Container})
		if err != nil {
			if err := onlyFatal(err); err != nil {
				return err
			}
			continue
		}
		if s, ok := o.(*pdf.Stream); ok {
			if err := d.walk(s.Dict, &d.frozen); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget makes room for identities to be given anew.
func (d *differ) forget(id identity) {
	for num, have := range d.identity {
		if have == id {
			delete(d.identity, num)
		}
	}
}

// walk adds to set whatever o reaches. It does not recurse from object to
// object: a chain of references may be as long as the file.
func (d *differ) walk(o pdf.Object, set *numbers) error { return d.walkEntry("", o, set) }

// walkEntry is walk for the value of a dictionary entry.
func (d *differ) walkEntry(key pdf.Name, o pdf.Object, set *numbers) error {
	switch o.(type) {
	case pdf.Ref, pdf.Array, pdf.Dict, *pdf.Stream:
	default:
		return nil
	}
	w := walker{d: d, set: set, stack: d.stack[:0]}
	defer func() { d.stack = w.stack[:0] }()
	if err := w.scan(o, key, false); err != nil {
		return err
	}
	for len(w.stack) > 0 {
		o := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if err := w.scan(o, "", false); err != nil {
			return err
		}
	}
	return nil
}

type walker struct {
	d     *differ
	set   *numbers
	stack []pdf.Object
}

// scan looks at one object; nesting is bounded by the reader. key is the last
// dictionary key on the way.
func (w *walker) scan(o pdf.Object, key pdf.Name, inArray bool) error {
	switch o := o.(type) {
	case pdf.Array:
		for _, e := range o {
			if err := w.scan(e, key, true); err != nil {
				return err
			}
		}
	case pdf.Dict:
		for k, v := range o {
			if err := w.scan(v, k, false); err != nil {
				return err
			}
		}
	case *pdf.Stream:
		return w.scan(o.Dict, "", false)
	case pdf.Ref:
		return w.ref(o, key, inArray)
	}
	return nil
}

func (w *walker) ref(ref pdf.Ref, key pdf.Name, inArray bool) error {
	if w.set.has(ref.Num) || isPointer(w.d.identity[ref.Num], key, inArray) {
		return nil
	}
	if err := w.d.step(); err != nil {
		return err
	}
	w.set.add(ref.Num)
	o, err := w.d.at.Object(ref)
	if err != nil {
		return onlyFatal(err) // marked: replacing it is a change
	}
	w.stack = append(w.stack, o)
	return nil
}

// isPointer says whether a reference under key names an object of that identity
// rather than use what is in it: a destination names its page, a structure
// element its annotation. As part of anything else (as resources, say) the
// object is content.
func isPointer(id identity, key pdf.Name, inArray bool) bool {
	switch id {
	case identityPage:
		switch key {
		case "P", "Pg", "Parent", "Dest", "D", "Page":
			return true
		}
		return inArray // an explicit destination under any name (§12.3.2.3)
	case identityPages:
		return key == "Parent" || key == "P"
	case identityField, identityNote:
		switch key {
		case "Obj", "Parent", "IRT", "Popup", "T", "Fields", "CO", "Annots", "Annotation", "AN", "TargetAnnotations":
			return true
		}
	case identityCatalog:
		return key == "Data" || key == "Root"
	case identityStructure:
		switch key {
		case "K", "P", "SE", "StructTreeRoot", "Names", "Nums", "Kids", "Ref", "ParentTree":
			return true
		}
	}
	return false
}

// markPageTree walks the page tree. Its nodes are frozen: pages neither come,
// go nor move.
func (d *differ) markPageTree() error {
	catalog, err := d.at.Catalog()
	if err != nil {
		return err
	}
	root, ok := catalog["Pages"].(pdf.Ref)
	if !ok {
		return malformed("page-tree", "/Pages is not a reference")
	}
	return d.pageNodes(root, 0)
}

// markPages freezes what the nodes and pages refer to, when it is known what
// is a page, a field or a structure element.
func (d *differ) markPages() error {
	for i, ref := range d.pages {
		if err := d.markPage(ref, int32(i)); err != nil {
			return err
		}
	}
	for _, n := range d.pageNode {
		for k, v := range n {
			if k == "Kids" {
				if err := hops(d.at, v, func(ref pdf.Ref) { d.frozen.add(ref.Num) }); err != nil {
					return err
				}
				continue
			}
			if err := d.walkEntry(k, v, &d.frozen); err != nil {
				return err
			}
		}
	}
	d.pageNode = nil
	return nil
}

// maxPageDepth bounds the page tree as pdf.Limits does.
const maxPageDepth = 50

func (d *differ) pageNodes(ref pdf.Ref, depth int) error {
	if depth > maxPageDepth {
		return overLimit("maxPageDepth", maxPageDepth)
	}
	if err := d.step(); err != nil {
		return err
	}
	if id := d.identity[ref.Num]; id == identityPage || id == identityPages {
		return malformed("page-loop", "object %s", ref)
	}
	o, err := d.at.Object(ref)
	if err != nil {
		return err
	}
	node, ok := o.(pdf.Dict)
	if !ok {
		return malformed("page-tree", "object %s is not a dictionary", ref)
	}
	kids, ok, err := pdf.Lookup[pdf.Array](d.at, node, "Kids")
	if err != nil {
		return err
	}
	if !ok && node["Type"] != pdf.Object(pdf.Name("Pages")) {
		d.identity[ref.Num] = identityPage
		d.pages = append(d.pages, ref)
		return nil
	}
	d.identity[ref.Num] = identityPages
	d.frozen.add(ref.Num)
	d.pageNode = append(d.pageNode, node)
	for _, k := range kids {
		kid, ok := k.(pdf.Ref)
		if !ok {
			return malformed("page-tree", "/Kids of object %s", ref)
		}
		if err := d.pageNodes(kid, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// markPage freezes a page but for its /Annots.
func (d *differ) markPage(ref pdf.Ref, index int32) error {
	o, err := d.at.Object(ref)
	page, ok := o.(pdf.Dict)
	if err != nil || !ok {
		return onlyFatal(err)
	}
	d.mark(ref.Num, role{kind: rolePage, owner: ref, index: index})
	if err := d.markAnnots(page["Annots"], ref, index); err != nil {
		return err
	}
	for k, v := range page {
		if k == "Annots" {
			continue
		}
		if err := d.walkEntry(k, v, &d.frozen); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) markAnnots(o pdf.Object, page pdf.Ref, index int32) error {
	if err := d.markHops(o, role{kind: rolePage, owner: page, index: index}); err != nil {
		return err
	}
	v, err := d.at.Resolve(orNull(o))
	if err != nil {
		return onlyFatal(err)
	}
	annots, _ := v.(pdf.Array)
	for _, e := range annots {
		if ref, ok := e.(pdf.Ref); ok {
			if d.identity[ref.Num] == 0 {
				d.identity[ref.Num] = identityNote
			}
			if d.identity[ref.Num] != identityNote {
				continue
			}
			d.notes.add(ref.Num)
			if e, err = d.at.Object(ref); err != nil {
				if err := onlyFatal(err); err != nil {
					return err
				}
				continue
			}
		}
		if err := d.markNote(e); err != nil {
			return err
		}
	}
	return nil
}

// markNote marks an annotation that is not of the form. A field that it
// inherits from without being one of its widgets is frozen: filling that would
// change what the annotation shows.
func (d *differ) markNote(o pdf.Object) error {
	if note, ok := o.(pdf.Dict); ok && note["Subtype"] == pdf.Object(pdf.Name("Widget")) {
		if up, ok := note["Parent"].(pdf.Ref); ok && d.identity[up.Num] == identityField {
			d.frozen.add(up.Num)
		}
	}
	return d.walk(o, &d.notes)
}

// mark gives object num a part, once.
func (d *differ) mark(num uint32, r role) {
	list := d.roles[num]
	if slices.Contains(list, r) {
		return
	}
	if len(list) == maxRoles {
		d.frozen.add(num) // what so many share is nobody's to change
		return
	}
	d.roles[num] = append(list, r)
}

// markHops gives a part to every reference on the way to what o stands for: an
// indirect object may be nothing but a reference to another.
func (d *differ) markHops(o pdf.Object, r role) error {
	return onlyFatal(hops(d.at, o, func(ref pdf.Ref) { d.mark(ref.Num, r) }))
}

// maxRoles bounds the parts of one object: a form may give all its fields one
// appearance.
const maxRoles = 64
