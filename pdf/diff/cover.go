package diff

import (
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

// coverSlack is by how many points a field may reach into the estimated bounds
// of text, and annotations into each other: boxes that touch do not cover.
const coverSlack = 2

// reportCover looks at what lies on the older page under the widget of a
// signature field that is new on it. Text and annotations that it covers were
// signed as they were seen before; where it cannot be told what is there, all
// is. An image may be a scan and have text in it, or none: that it is covered
// is reported and left to people.
func (d *differ) reportCover(page, widget pdf.Ref, rect pdf.Rect, field string) error {
	c := Change{Object: widget, Rule: "signature-over-content", Level: LevelForm, Effect: CoversContent, Field: field}
	i := d.pageIndex(page)
	if i < 0 {
		return nil
	}
	c.Path = d.pagePath(i) + "/Annots"
	w, err := dictOf(d.new, widget)
	if err != nil {
		return err
	}
	flags, _, err := pdf.Lookup[pdf.Integer](d.new, w, "F")
	if err := onlyFatal(err); err != nil {
		return err
	}
	if flags&fixedFlags != 0 {
		c.Text = "it cannot be told what it covers: it does not turn or grow with the page"
		d.report(c)
		return nil
	}
	return d.reportOver(c, page, widget, rect)
}

// pageIndex is the place of a page among the pages, -1 when it is none.
func (d *differ) pageIndex(page pdf.Ref) int {
	for _, r := range d.roles[page.Num] {
		if r.kind == rolePage && r.owner == page {
			return int(r.index)
		}
	}
	return slices.Index(d.pages, page)
}

// fixedFlags are NoZoom and NoRotate (Table 167): what is drawn does not stay
// in the rectangle.
const fixedFlags = 8 | 16

// reportFilled is the same for a field of the older revision that now shows
// something else. Where it lies was signed, what it would hide there was not.
func (d *differ) reportFilled(n *formNode) error {
	if d.shownOn == nil {
		if err := d.placeWidgets(); err != nil {
			return err
		}
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.old, ref)
		if err != nil {
			return err
		}
		rect, _, err := pdf.LookupRect(d.old, w, "Rect")
		if err := onlyFatal(err); err != nil {
			return err
		}
		if rect.Empty() {
			continue
		}
		for _, i := range d.shownOn[ref] {
			c := Change{Object: ref, Path: d.pagePath(i) + "/Annots", Rule: "filled-over-content", Level: LevelForm, Effect: FillsOver, Field: n.name}
			known := len(d.changes)
			for _, r := range d.lookPlaces(ref, rect) {
				if len(d.changes) > known {
					break
				}
				if err := d.reportOver(c, d.pages[i], ref, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// lookPlaces are the places where a widget paints: those of the look that was
// read, or all of it where none was.
func (d *differ) lookPlaces(widget pdf.Ref, rect pdf.Rect) []pdf.Rect {
	if d.looks == nil {
		return []pdf.Rect{rect}
	}
	if l := d.looks[widget]; l != nil {
		return l.over()
	}
	return nil
}

// placeWidgets finds the pages of the older revision on which annotations
// stand.
func (d *differ) placeWidgets() error {
	d.shownOn = map[pdf.Ref][]int{}
	for i, page := range d.pages {
		if err := d.step(); err != nil {
			return err
		}
		annots, err := d.annotsOf(page)
		if err != nil {
			return err
		}
		for _, o := range annots {
			if err := d.step(); err != nil {
				return err
			}
			if ref, ok := o.(pdf.Ref); ok {
				if on := d.shownOn[ref]; len(on) == 0 || on[len(on)-1] != i {
					d.shownOn[ref] = append(on, i)
				}
			}
		}
	}
	return nil
}

// reportOver reports c when there is something under rect on the older page.
func (d *differ) reportOver(c Change, page, widget pdf.Ref, rect pdf.Rect) error {
	rect = pdf.Rect{X0: rect.X0 + coverSlack, Y0: rect.Y0 + coverSlack, X1: rect.X1 - coverSlack, Y1: rect.Y1 - coverSlack}
	over, signed, err := d.annotUnder(page, widget, rect)
	if err != nil {
		return err
	}
	if over == (pdf.Ref{}) && c.Effect != CoversContent {
		over = signed
	}
	if over != (pdf.Ref{}) {
		c.Text = fmt.Sprintf("it covers the annotation %s", over)
		d.report(c)
		return nil
	}
	if signed != (pdf.Ref{}) {
		d.report(Change{Object: c.Object, Path: c.Path, Rule: "signature-over-signature", Level: c.Level, Effect: CoversSignature, Field: c.Field,
			Text: fmt.Sprintf("it covers what the signature %s shows", signed)})
	}
	marks, err := d.marksOf(page)
	if fatal(err) && !isLimit(err) {
		return err
	}
	if err != nil {
		c.Text = "it cannot be told what it covers: " + err.Error()
		d.report(c)
		return nil
	}
	image, drawing := false, false
	d.steps += len(marks) / marksPerStep
	for _, m := range marks {
		if !m.Shown() || !m.Bounds.Overlaps(rect) {
			continue
		}
		if m.Kind == layout.Text {
			c.Text = "it covers text"
			d.report(c)
			return nil
		}
		image = image || m.Kind == layout.Image
		drawing = drawing || m.Kind != layout.Image && !(m.Plain && holds(m.Bounds, rect))
	}
	if drawing {
		d.report(Change{Object: c.Object, Path: c.Path, Rule: "signature-over-drawing", Level: c.Level, Field: c.Field,
			Text: "it covers lines or areas, which may be letters"})
	}
	if image {
		c.Rule, c.Effect, c.Text = "signature-over-image", NoEffect, "it covers an image"
		d.report(c)
	}
	return nil
}

// holds says whether inner lies in outer: a plain background, or a frame around.
func holds(outer, inner pdf.Rect) bool {
	return outer.X0 <= inner.X0 && outer.Y0 <= inner.Y0 && outer.X1 >= inner.X1 && outer.Y1 >= inner.Y1
}

// marksPerStep is how many marks cost as much as another step.
const marksPerStep = 64

// pageMarks are what the contents of a page paint, or why nobody knows.
type pageMarks struct {
	list []layout.Mark
	err  error
}

// marksOf lists what the contents of a page paint. They are the same in all
// revisions, or their change is of level OTHER.
func (d *differ) marksOf(page pdf.Ref) ([]layout.Mark, error) {
	if m, ok := d.marks[page]; ok {
		return m.list, m.err
	}
	dict, err := dictOf(d.old, page)
	if err != nil {
		return nil, err
	}
	if len(d.marks) == maxCovered {
		return nil, overLimit("maxCovered", maxCovered)
	}
	if d.marks == nil {
		d.marks, d.budget = map[pdf.Ref]pageMarks{}, layout.NewBudget()
	}
	var m pageMarks
	m.list, m.err = layout.Cautious(d.old, dict, d.budget)
	if m.err != nil {
		m.list = nil
	}
	d.marks[page] = m
	return m.list, m.err
}

// maxCovered bounds the pages whose contents are read: nobody signs visibly on
// more.
const maxCovered = 100

// laid is an annotation of the older revision that is seen on a page.
type laid struct {
	ref    pdf.Ref // of the page where it is no object of its own
	box    pdf.Rect
	signed bool // it is the look of a signature
}

// annotUnder returns an annotation of the older page that is seen and lies
// under rect, and beside it one that is the look of a signature; zero when there
// is none. Links show nothing of their own.
func (d *differ) annotUnder(page, widget pdf.Ref, rect pdf.Rect) (over, signed pdf.Ref, err error) {
	list, known := d.laid[page]
	if !known {
		if list, err = d.laidOn(page); err != nil {
			return over, signed, err
		}
		if d.laid == nil {
			d.laid = map[pdf.Ref][]laid{}
		}
		d.laid[page] = list
	}
	d.steps += len(list) / marksPerStep
	for i := range list {
		switch a := &list[i]; {
		case a.ref == widget || !a.box.Overlaps(rect):
		case a.signed:
			signed = a.ref
		default:
			return a.ref, signed, d.step()
		}
	}
	return over, signed, d.step()
}

// laidOn lists the annotations of a page of the older revision that are seen.
func (d *differ) laidOn(page pdf.Ref) ([]laid, error) {
	annots, err := d.annotsOf(page)
	if err != nil {
		return nil, err
	}
	var list []laid
	for _, o := range annots {
		if err := d.step(); err != nil {
			return nil, err
		}
		ref, isRef := o.(pdf.Ref)
		a, err := dictOf(d.old, o)
		if err != nil {
			return nil, err
		}
		flags, _, err := pdf.Lookup[pdf.Integer](d.old, a, "F")
		if err := onlyFatal(err); err != nil {
			return nil, err
		}
		box, ok, err := pdf.LookupRect(d.old, a, "Rect")
		if err := onlyFatal(err); err != nil {
			return nil, err
		}
		if !ok || flags&hiddenFlags != 0 || d.showsNothing(ref, a) || box.Empty() {
			continue
		}
		n := d.oldForm.owner(ref)
		if !isRef {
			ref = page
		}
		list = append(list, laid{ref, box, n != nil && n.signature() && pdf.Present(n.dict["V"])})
	}
	return list, nil
}

// showsNothing says whether an annotation of the older revision has no looks to
// cover: a link, or a signature field without an appearance.
func (d *differ) showsNothing(ref pdf.Ref, a pdf.Dict) bool {
	switch a["Subtype"] {
	case pdf.Object(pdf.Name("Link")), pdf.Object(pdf.Name("Popup")):
		return true
	}
	n := d.oldForm.owner(ref)
	return n != nil && n.signature() && !pdf.Present(a["AP"])
}
