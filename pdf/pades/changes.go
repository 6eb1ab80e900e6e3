package pades

import (
	"maps"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// A differ compares consecutive revisions. What an object may become depends
// on every path by which the older revision reaches it, so before the first
// comparison all reachable objects get the parts they play:
//
//   - frozen: whatever no rule mentions. Any change is of level OTHER. An object
//     that is frozen by one path stays frozen, whatever its other parts.
//   - notes: what belongs to annotations that are no form fields.
//   - role: pages, their /Annots, fields, widgets, their appearances and the
//     items of the security store, each with a rule of its own.
//
// Catalog, form dictionary, security store, extensions and metadata have no
// mark: they are compared from the top down each time. Marks are never taken
// back: an object that a revision dropped stays as restricted as it was.
//
// Unreachable objects and new numbers have no marks and need none: what makes
// them reachable is a change of something marked. A reference to an object
// that does not exist marks its number all the same, so that defining it later
// is a change.
type differ struct {
	doc      *pdf.Document
	old, new *pdf.Revision
	at       *pdf.Revision // being marked

	frozen, notes numbers
	roles         map[uint32][]role
	identity      map[uint32]identity
	pages         []pdf.Ref
	pageNode      []pdf.Dict // nodes of the page tree until their entries are frozen

	oldForm, newForm *formTree

	changes  []Change
	warnings []Finding
	steps    int

	pathVisits int
}

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

// maxSteps bounds the objects that one judgement looks at. A file of a million
// objects takes about as many for the marks and a few for each revision.
const maxSteps = 8_000_000

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

func (d *differ) step() error {
	if d.steps++; d.steps > maxSteps {
		return overLimit("maxSteps", maxSteps)
	}
	return nil
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
	return d.markCatalog()
}

// compare lists what next changes in the revision before it, and makes next
// the one to compare with.
func (d *differ) compare(next *pdf.Revision) error {
	d.old, d.new, d.at, d.newForm = next.Previous(), next, next, nil
	if err := d.compareTop(); err != nil {
		return err
	}
	t := touched{pages: map[int32]bool{}, fields: map[pdf.Ref]bool{}}
	for num, e := range next.Entries() {
		if err := d.touch(num, e, &t); err != nil {
			return err
		}
	}
	if t.form || len(t.pages) > 0 || len(t.fields) > 0 || len(t.objects) > 0 || len(t.elements) > 0 {
		if err := d.compareForm(&t); err != nil {
			return err
		}
		for _, ref := range t.elements {
			if err := d.compareStructure(ref); err != nil {
				return err
			}
		}
		for _, i := range slices.Sorted(maps.Keys(t.pages)) {
			if err := d.comparePage(int(i)); err != nil {
				return err
			}
		}
	}
	return d.remark(&t)
}

// touched is what one revision redefines, by the rule that looks at it.
type touched struct {
	objects  []pdf.Ref // that differ and are marked frozen or notes
	pages    map[int32]bool
	fields   map[pdf.Ref]bool
	elements []pdf.Ref // of the logical structure
	form     bool
}

// touch sorts one entry of the new revision.
func (d *differ) touch(num uint32, e pdf.XRefEntry, t *touched) error {
	if num == 0 {
		return nil
	}
	if err := d.step(); err != nil {
		return err
	}
	if num == d.new.Root().Num {
		t.form = true
	}
	was, existed := d.old.Entry(num)
	if existed && was == e || !existed && e.Kind == pdf.EntryFree {
		return nil
	}
	roles, frozen, note := d.roles[num], d.frozen.has(num), d.notes.has(num)
	element := d.identity[num] == identityStructure && !frozen
	if len(roles) == 0 && !frozen && !note && !element {
		return nil
	}
	ref := pdf.Ref{Num: num}
	if e.Kind == pdf.EntryInUse {
		ref.Gen = e.Gen
	} else if existed && was.Kind == pdf.EntryInUse {
		ref.Gen = was.Gen
	}
	same, err := d.sameObject(ref)
	if err != nil || same {
		return err
	}
	if frozen {
		t.objects = append(t.objects, ref)
		d.report(Change{Object: ref, Path: d.path(num), Rule: d.contentRule(num, e), Level: ChangeOther})
	}
	if element {
		t.elements = append(t.elements, ref)
	}
	if note {
		t.objects = append(t.objects, ref)
		d.report(Change{Object: ref, Path: d.path(num), Rule: "annotation-changed", Level: ChangeAnnotation})
	}
	for _, r := range roles {
		switch r.kind {
		case rolePage:
			t.pages[r.index] = true
		case roleForm:
			t.form = true
		case roleField:
			t.fields[r.owner] = true
		case roleEvidence:
			d.report(Change{Object: ref, Path: "/Root/DSS", Rule: "dss-item-replaced", Level: ChangeOther})
		}
	}
	return nil
}

// contentRule names the change of a frozen object.
func (d *differ) contentRule(num uint32, e pdf.XRefEntry) string {
	if e.Kind == pdf.EntryFree {
		return "object-freed"
	}
	o, err := d.old.Object(pdf.Ref{Num: num})
	if err != nil {
		return "content"
	}
	switch o := o.(type) {
	case pdf.Null:
		return "object-defined"
	case *pdf.Stream:
		return "stream-replaced"
	case pdf.Dict:
		if o["Type"] == pdf.Object(pdf.Name("Pages")) {
			return "page-tree"
		}
	}
	return "content"
}

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

// onlyFatal drops an error about hostile input, which the caller treats as
// something that is not there.
func onlyFatal(err error) error {
	if fatal(err) {
		return err
	}
	return nil
}

// report adds a change of the revision at hand.
func (d *differ) report(c Change) {
	c.Revision = d.new.Index()
	if len(d.changes) < maxChanges {
		d.changes = append(d.changes, c)
	} else if last := &d.changes[maxChanges-1]; c.Level > last.Level {
		*last = c // the worst one must not get lost
	}
}

// maxChanges bounds the list that a hostile file can make grow. The last entry
// then holds the worst of what follows.
const maxChanges = 10_000

// remark gives the parts to what the new revision made reachable.
func (d *differ) remark(t *touched) error {
	for _, ref := range t.objects {
		o, err := d.new.Object(ref)
		if err != nil {
			if err := onlyFatal(err); err != nil {
				return err
			}
			continue
		}
		set := &d.frozen
		if !d.frozen.has(ref.Num) {
			set = &d.notes
		}
		if err := d.walk(o, set); err != nil {
			return err
		}
	}
	if d.newForm != nil {
		d.markForm(d.newForm)
		if err := d.markFields(d.newForm, t.fields); err != nil {
			return err
		}
		d.oldForm = d.newForm
	}
	for i := range t.pages {
		if err := d.markPage(d.pages[i], i); err != nil {
			return err
		}
	}
	if len(t.elements) > 0 {
		d.forget(identityStructure)
		if err := d.markStructure(); err != nil {
			return err
		}
	}
	return d.markCatalog()
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
func (d *differ) walk(o pdf.Object, set *numbers) error {
	w := walker{d: d, set: set, stack: []pdf.Object{o}}
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
				if kids, ok := v.(pdf.Ref); ok {
					d.frozen.add(kids.Num)
				}
				continue
			}
			if err := d.walk(pdf.Dict{k: v}, &d.frozen); err != nil {
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
		if err := d.walk(pdf.Dict{k: v}, &d.frozen); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) markAnnots(o pdf.Object, page pdf.Ref, index int32) error {
	if ref, ok := o.(pdf.Ref); ok {
		d.mark(ref.Num, role{kind: rolePage, owner: page, index: index})
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
		if err := d.walk(e, &d.notes); err != nil {
			return err
		}
	}
	return nil
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

// maxRoles bounds the parts of one object: a form may give all its fields one
// appearance.
const maxRoles = 64

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
	if x, ok := numeric(a); ok {
		y, ok := numeric(b)
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
		if _, ok := a[k]; !ok && k != except && present(v) {
			return false
		}
	}
	return true
}

func numeric(o pdf.Object) (float64, bool) {
	switch n := o.(type) {
	case pdf.Integer:
		return float64(n), true
	case pdf.Real:
		return float64(n), true
	}
	return 0, false
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
		if _, ok := a[k]; !ok && present(v) {
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

// dictOf resolves o in rev; nil when it is no dictionary.
func dictOf(rev *pdf.Revision, o pdf.Object) (pdf.Dict, error) {
	v, err := rev.Resolve(orNull(o))
	if err != nil {
		return nil, onlyFatal(err)
	}
	dict, _ := v.(pdf.Dict)
	return dict, nil
}
