package diff

import (
	"maps"
	"slices"
	"strconv"

	"github.com/absah-id/absah/pdf"
)

// comparePage compares a page dictionary: only /Annots may change.
func (d *differ) comparePage(i int) error {
	ref := d.pages[i]
	path := d.pagePath(i)
	was, err := dictOf(d.old, ref)
	if err != nil {
		return err
	}
	now, err := dictOf(d.new, ref)
	if err != nil {
		return err
	}
	if now == nil {
		d.report(Change{Object: ref, Path: path, Rule: "page-removed", Level: LevelOther})
		return nil
	}
	annots := false
	for _, k := range sorted(d.differing(was, now)) {
		if k == "Annots" {
			annots = true
			continue
		}
		d.report(Change{Object: ref, Path: path + "/" + pdf.Printable(string(k)), Rule: "page-entry-" + pdf.Printable(string(k)), Level: LevelOther})
	}
	a, err := d.old.Resolve(orNull(was["Annots"]))
	if err != nil {
		return onlyFatal(err)
	}
	b, err := d.new.Resolve(orNull(now["Annots"]))
	if err != nil {
		return onlyFatal(err)
	}
	if !annots && d.same(a, b) {
		return nil
	}
	return d.compareAnnots(ref, path+"/Annots", a, b)
}

func (d *differ) pagePath(i int) string { return "/Root/Pages[" + strconv.Itoa(i+1) + "]" }

// compareAnnots compares the annotations of a page. Order is what lies on top,
// so it stays.
func (d *differ) compareAnnots(page pdf.Ref, path string, a, b pdf.Object) error {
	was, _ := a.(pdf.Array)
	now, ok := b.(pdf.Array)
	if !ok && pdf.Present(b) {
		d.report(Change{Object: page, Path: path, Rule: "annotations", Level: LevelOther})
		return nil
	}
	m := newMatcher(d, now)
	for _, o := range was {
		switch at, err := m.find(o); {
		case err != nil:
			return err
		case at < 0:
			if err := d.annotRemoved(page, path, o); err != nil {
				return err
			}
		case at < m.next:
			d.report(Change{Object: page, Path: path, Rule: "annotation-order", Level: LevelOther})
			return nil
		default:
			m.next = at + 1
		}
	}
	for i, o := range now {
		if m.used[i] {
			continue
		}
		if ref, ok := o.(pdf.Ref); ok && m.used[m.places[ref]] {
			continue // listed a second time
		}
		if err := d.annotAdded(page, path, o); err != nil {
			return err
		}
	}
	return nil
}

// matcher finds elements of an older array in a newer one: references by what
// they refer to, direct objects by content.
type matcher struct {
	d      *differ
	now    pdf.Array
	places map[pdf.Ref]int // the first of each
	used   []bool
	next   int // after the last that was found
}

func newMatcher(d *differ, now pdf.Array) *matcher {
	m := &matcher{d: d, now: now, places: make(map[pdf.Ref]int, len(now)), used: make([]bool, len(now))}
	for i, o := range now {
		if ref, ok := o.(pdf.Ref); ok {
			if _, twice := m.places[ref]; !twice {
				m.places[ref] = i
			}
		}
	}
	return m
}

// find returns the place of an old element, -1 when it is gone.
func (m *matcher) find(o pdf.Object) (int, error) {
	if ref, ok := o.(pdf.Ref); ok {
		i, ok := m.places[ref]
		if !ok {
			return -1, nil
		}
		if m.used[i] { // it was listed twice
			return m.next, nil
		}
		m.used[i] = true
		return i, nil
	}
	for i := m.next; i < len(m.now); i++ {
		if err := m.d.step(); err != nil {
			return 0, err
		}
		if _, isRef := m.now[i].(pdf.Ref); !isRef && !m.used[i] && m.d.same(o, m.now[i]) {
			m.used[i] = true
			return i, nil
		}
	}
	return -1, nil
}

func (d *differ) annotRemoved(page pdf.Ref, path string, o pdf.Object) error {
	dict, err := dictOf(d.old, o)
	if err != nil || dict == nil {
		return err
	}
	c := Change{Object: page, Path: path, Rule: "annotation-removed", Level: LevelAnnotation}
	if ref, ok := o.(pdf.Ref); ok {
		c.Object = ref
	}
	if dict["Subtype"] == pdf.Object(pdf.Name("Widget")) {
		c.Rule, c.Level = "widget-removed", LevelOther
	}
	d.report(c)
	return nil
}

// annotAdded: the widget of a signature field that is new in this revision is
// judged with its field. Anything else that comes to a page is an annotation.
func (d *differ) annotAdded(page pdf.Ref, path string, o pdf.Object) error {
	c := Change{Object: page, Path: path, Rule: "annotation-added", Level: LevelAnnotation}
	dict, err := dictOf(d.new, o)
	if err != nil {
		return err
	}
	if ref, ok := o.(pdf.Ref); ok {
		c.Object = ref
		if n := d.newForm.owner(ref); n != nil && n.signature() && slices.Contains(n.widgets, ref) {
			was := d.oldForm.nodes[n.ref]
			rect, _, err := pdf.LookupRect(d.new, dict, "Rect")
			if err := onlyFatal(err); err != nil {
				return err
			}
			plain := dict["Subtype"] == pdf.Object(pdf.Name("Widget"))
			if plain && err == nil && rect.Empty() {
				return nil // shows nothing
			}
			if err := d.reportCover(page, ref, rect, n.name); err != nil || was == nil {
				return err
			}
			if plain && !pdf.Present(d.oldForm.value(was)) && pdf.Present(d.newForm.value(n)) {
				c.Rule, c.Level, c.Effect = "signature-shown", LevelForm, AddsVisible
				c.Field = n.name
				d.report(c)
				return nil
			}
		}
	}
	if dict["Subtype"] == pdf.Object(pdf.Name("Widget")) {
		c.Rule, c.Level = "widget-added", LevelOther
	}
	d.report(c)
	return nil
}

func sorted(keys []pdf.Name) []pdf.Name {
	slices.Sort(keys)
	return keys
}

func sortedKeys(d pdf.Dict) []pdf.Name { return slices.Sorted(maps.Keys(d)) }
