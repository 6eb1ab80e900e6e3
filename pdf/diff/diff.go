package diff

import (
	"maps"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

// Result is what later revisions did.
type Result struct {
	// Changes are in the order of revisions.
	Changes []Change
	// Undecided is what kept the comparison from reaching the last revision, a
	// *pdf.LimitError or a *pdf.MalformedError; nil when it did. With it the
	// document cannot be judged: Changes may lack anything.
	Undecided error

	frozen, notes numbers
}

// Refers says whether contents or annotations refer, in any of the revisions, to
// the object of that number, be it that it does not exist. Of fields,
// appearances and the like nothing is said.
func (r *Result) Refers(num uint32) bool { return r.frozen.has(num) || r.notes.has(num) }

// Compare compares all consecutive revisions of doc from the one with the
// 1-based index from on. What was in that revision may be anything; whatever a
// later one does to it is a [Change] or harmless.
//
// The error is one of reading the file.
func Compare(doc *pdf.Document, from int) (*Result, error) {
	revs := doc.Revisions()
	if from < 1 || from >= len(revs) {
		return &Result{}, nil
	}
	d := &differ{}
	err := d.begin(revs[from-1])
	for _, r := range revs[from:] {
		if err != nil {
			break
		}
		err = d.compare(r)
	}
	if fatal(err) && !isLimit(err) {
		return nil, err
	}
	return &Result{Changes: d.changes, Undecided: err, frozen: d.frozen, notes: d.notes}, nil
}

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
	old, new *pdf.Revision
	at       *pdf.Revision // being marked

	frozen, notes numbers
	roles         map[uint32][]role
	identity      map[uint32]identity
	pages         []pdf.Ref
	pageNode      []pdf.Dict // nodes of the page tree until their entries are frozen

	oldForm, newForm *formTree

	changes []Change
	steps   int

	compared int // tokens, see charge

	stack   []pdf.Object          // of walk, kept for the next one
	trusted bool                  // all fonts count as those of the signed revision
	signed  *differ               // reads looks of the older revision, see drawsAgain
	looks   map[pdf.Ref]*look     // of widgets, which checkText read last
	marks   map[pdf.Ref]pageMarks // see marksOf
	budget  *layout.Budget        // for them
	shownOn map[pdf.Ref][]int     // pages of annotations of the older revision, see placeWidgets
	laid    map[pdf.Ref][]laid    // of the older revision, by page
	missed  map[pdf.Name]bool     // of the older revision, see missedFont

	searches, pathVisits int // see path
}

// maxSteps bounds the objects that one judgement looks at. A file of a million
// objects takes about as many for the marks and a few for each revision.
const maxSteps = 8_000_000

func (d *differ) step() error {
	if d.steps++; d.steps > maxSteps {
		return overLimit("maxSteps", maxSteps)
	}
	if d.compared > maxCompared {
		return overLimit("maxCompared", maxCompared)
	}
	return nil
}

// compare lists what next changes in the revision before it, and makes next
// the one to compare with.
func (d *differ) compare(next *pdf.Revision) error {
	d.old, d.new, d.at, d.newForm, d.shownOn, d.laid, d.missed = next.Previous(), next, next, nil, nil, nil, nil
	if err := d.compareTop(); err != nil {
		return err
	}
	t := touched{pages: map[int32]bool{}, fields: map[pdf.Ref]bool{}, copiedPages: map[int32]bool{}, copiedFields: map[pdf.Ref]bool{}}
	// Another catalog may have another form, though nobody touched the one before.
	t.form = d.new.Root() != d.old.Root()
	for num, e := range next.Entries() {
		if err := d.touch(num, e, &t); err != nil {
			return err
		}
	}
	if t.form || t.structure || len(t.pages)+len(t.copiedPages)+len(t.fields)+len(t.copiedFields)+len(t.objects)+len(t.elements) > 0 {
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
	if err := d.remark(&t); err != nil {
		return err
	}
	return d.step() // what was compared last may have been beyond the limit
}

// touched is what one revision redefines, by the rule that looks at it.
type touched struct {
	objects  []pdf.Ref // that differ and are marked frozen or notes
	pages    map[int32]bool
	fields   map[pdf.Ref]bool
	elements []pdf.Ref // of the logical structure
	form     bool

	// What says the same as before may say it of copies under other numbers,
	// which then are part of the document and get marks of their own.
	copies       []pdf.Ref // of what is frozen or a note
	copiedPages  map[int32]bool
	copiedFields map[pdf.Ref]bool
	structure    bool
}

// same takes note of an object that was written again and says the same.
func (t *touched) same(ref pdf.Ref, roles []role, marked, element bool) {
	if marked {
		t.copies = append(t.copies, ref)
	}
	t.structure = t.structure || element
	for _, r := range roles {
		switch r.kind {
		case rolePage:
			t.copiedPages[r.index] = true
		case roleForm:
			t.form = true
		case roleField:
			t.copiedFields[r.owner] = true
		}
	}
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
	switch same, err := d.sameObject(ref); {
	case err != nil:
		return err
	case same:
		t.same(ref, roles, frozen || note, element)
		return nil
	}
	if frozen {
		t.objects = append(t.objects, ref)
		d.report(Change{Object: ref, Path: d.path(num), Rule: d.contentRule(num, e), Level: LevelOther})
	}
	if element {
		t.elements = append(t.elements, ref)
	}
	if note {
		t.objects = append(t.objects, ref)
		d.report(Change{Object: ref, Path: d.path(num), Rule: "annotation-changed", Level: LevelAnnotation})
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
			d.report(Change{Object: ref, Path: "/Root/DSS", Rule: "dss-item-replaced", Level: LevelOther})
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
	for _, ref := range slices.Concat(t.objects, t.copies) {
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
		maps.Copy(t.copiedFields, t.fields)
		if err := d.markFields(d.newForm, t.copiedFields); err != nil {
			return err
		}
		d.oldForm = d.newForm
	}
	maps.Copy(t.copiedPages, t.pages)
	for i := range t.copiedPages {
		if err := d.markPage(d.pages[i], i); err != nil {
			return err
		}
	}
	if len(t.elements) > 0 || t.structure {
		d.forget(identityStructure)
		if err := d.markStructure(); err != nil {
			return err
		}
	}
	if err := d.markContainers(d.at); err != nil {
		return err
	}
	return d.markCatalog()
}
