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
	keys := sorted(d.differing(was, now))
	if err := d.step(); err != nil {
		return err
	}
	for _, k := range keys {
		if k == "Annots" {
			annots = true
			continue
		}
		if k == "Resources" && d.sameCopy(was[k], now[k]) {
			continue // nothing knows resources by their number
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
	m := newMatcher(now)
	for _, o := range was {
		at := m.find(d, o)
		if err := d.step(); err != nil {
			return err
		}
		switch at {
		case gone:
			if err := d.annotRemoved(page, path, o); err != nil {
				return err
			}
		case moved:
			d.report(Change{Object: page, Path: path, Rule: "annotation-order", Level: LevelOther})
			return nil
		}
	}
	for i, o := range now {
		if m.used[i] {
			continue
		}
		if ref, ok := o.(pdf.Ref); ok && m.places[ref][0] != i {
			// Listed again, it lies on top of what it lay under.
			d.report(Change{Object: ref, Path: path, Rule: "annotation-order", Level: LevelOther})
			continue
		}
		if err := d.annotAdded(page, path, o); err != nil {
			return err
		}
	}
	return nil
}

// matcher finds the elements of an older array in a newer one, in their order
// and as often as they were: references by number, direct objects by content.
type matcher struct {
	now    pdf.Array
	places map[pdf.Ref][]int // from the first
	used   []bool
	next   int // after the last that was found
}

// found says where an older element is.
type found int

const (
	kept found = iota
	moved
	gone
)

func newMatcher(now pdf.Array) *matcher {
	m := &matcher{now: now, places: make(map[pdf.Ref][]int, len(now)), used: make([]bool, len(now))}
	for i, o := range now {
		if ref, ok := o.(pdf.Ref); ok {
			m.places[ref] = append(m.places[ref], i)
		}
	}
	return m
}

// find looks for the next older element. Once the budget of d is spent, all
// are gone.
func (m *matcher) find(d *differ, o pdf.Object) found {
	ref, isRef := o.(pdf.Ref)
	if isRef {
		for _, i := range m.places[ref] {
			if !d.charge(1) {
				return gone
			}
			if i >= m.next {
				m.used[i], m.next = true, i+1
				return kept
			}
		}
		if len(m.places[ref]) > 0 {
			return moved
		}
		return gone
	}
	for i := m.next; i < len(m.now) && d.charge(1); i++ {
		if _, isRef := m.now[i].(pdf.Ref); !isRef && d.same(o, m.now[i]) {
			m.used[i], m.next = true, i+1
			return kept
		}
	}
	return gone
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
