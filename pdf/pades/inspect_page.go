package pades

import (
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

// Caps on the look at pages. Beyond them the document is unclear.
const (
	maxInspectedPages = 5_000
	// maxComparisons bounds the pairs of marks that are compared: each mark
	// with those that may cover it.
	maxComparisons = 50_000_000
)

// pages looks at what every page shows and hides.
func (in *inspector) pages() error {
	n := 0
	in.left = maxComparisons
	return in.rev.WalkPages(func(ref pdf.Ref, page pdf.Dict) error {
		if n++; n > maxInspectedPages {
			return overLimit("maxInspectedPages", maxInspectedPages)
		}
		marks, err := layout.Page(in.rev, page)
		if err != nil {
			if fatal(err) && !isLimit(err) {
				return err
			}
			in.add(Hazard{Rule: "unclear", Object: ref, Page: n, Text: "it cannot be told what the page shows: " + err.Error(), Grave: true})
			return nil
		}
		p := &inspectedPage{inspector: in, number: n, marks: marks}
		for _, look := range []func() error{p.covered, p.hidden, func() error { return p.annotations(page) }} {
			if err := look(); err != nil {
				return err
			}
		}
		return nil
	})
}

// inspectedPage is one page and what its contents paint.
type inspectedPage struct {
	*inspector
	number int
	marks  []layout.Mark
	told   map[string]bool // rules of which one finding a page is enough
}

// tell adds a finding once for each rule and object of the page.
func (p *inspectedPage) tell(h Hazard) {
	key := fmt.Sprintf("%s %s", h.Rule, h.Object)
	if p.told[key] {
		return
	}
	if p.told == nil {
		p.told = map[string]bool{}
	}
	p.told[key] = true
	h.Page = p.number
	p.add(h)
}

// coveredShare is the share of its area from which on something counts as
// covered.
const coveredShare = 0.9

// covered looks for text and images over which something opaque is painted.
func (p *inspectedPage) covered() error {
	var covers []int
	for i, m := range p.marks {
		if m.Kind != layout.Text && m.Shown() && !m.Translucent {
			covers = append(covers, i)
		}
	}
	for i := range p.marks {
		m := &p.marks[i]
		for len(covers) > 0 && covers[0] <= i {
			covers = covers[1:]
		}
		if m.Kind == layout.Area || !m.Shown() {
			continue
		}
		for _, c := range covers {
			if err := p.compare(1); err != nil {
				return err
			}
			if over := &p.marks[c]; share(m.Bounds, over.Bounds) >= coveredShare {
				p.tell(Hazard{Rule: "covered-" + m.Kind.String(), Object: over.Object, Text: fmt.Sprintf("an %s lies over %s", over.Kind, m.Kind), Grave: true})
				break
			}
		}
	}
	return nil
}

// compare pays for n comparisons.
func (in *inspector) compare(n int) error {
	if in.left -= n; in.left < 0 {
		return overLimit("maxComparisons", maxComparisons)
	}
	return nil
}

// share says how much of the area of r lies under o, from 0 to 1.
func share(r, o pdf.Rect) float64 {
	if !r.Overlaps(o) {
		return 0
	}
	w := min(r.X1, o.X1) - max(r.X0, o.X0)
	h := min(r.Y1, o.Y1) - max(r.Y0, o.Y0)
	return w * h / ((r.X1 - r.X0) * (r.Y1 - r.Y0))
}

// hidden looks for what is there and not shown. Invisible text over an image is
// what text recognition adds to scans.
func (p *inspectedPage) hidden() error {
	var images []pdf.Rect
	for i := range p.marks {
		if m := &p.marks[i]; m.Kind == layout.Image && m.Shown() {
			images = append(images, m.Bounds)
		}
	}
	for i := range p.marks {
		m := &p.marks[i]
		if m.Off {
			p.tell(Hazard{Rule: "layer-hidden", Object: m.Object, Text: fmt.Sprintf("%s in a layer that is off and can be switched on", m.Kind), Grave: true})
			continue
		}
		if !m.Unseen {
			continue
		}
		if err := p.compare(len(images)); err != nil {
			return err
		}
		if !slices.ContainsFunc(images, func(r pdf.Rect) bool { return share(m.Bounds, r) > coveredShare }) {
			p.tell(Hazard{Rule: "text-invisible", Object: m.Object, Text: "text that is not painted", Grave: true})
		}
	}
	return nil
}

// annotations looks for those that lie over text.
func (p *inspectedPage) annotations(page pdf.Dict) error {
	o, err := p.rev.Resolve(orNull(page["Annots"]))
	if err != nil {
		return onlyFatal(err)
	}
	list, _ := o.(pdf.Array)
	for _, e := range list {
		o, err := p.rev.Resolve(orNull(e))
		if err := onlyFatal(err); err != nil {
			return err
		}
		a, ok := o.(pdf.Dict)
		ref, _ := e.(pdf.Ref)
		if !ok || p.signatures[ref] || !pdf.Present(a["AP"]) || a["Subtype"] == pdf.Object(pdf.Name("Link")) || a["Subtype"] == pdf.Object(pdf.Name("Popup")) {
			continue
		}
		box, _, err := pdf.LookupRect(p.rev, a, "Rect")
		if err := onlyFatal(err); err != nil {
			return err
		}
		if err := p.compare(len(p.marks)); err != nil {
			return err
		}
		if box.Empty() || !p.overText(box) {
			continue
		}
		if a["Subtype"] == pdf.Object(pdf.Name("Widget")) {
			p.tell(Hazard{Rule: "field-over-text", Object: ref, Text: "a form field lies over text, and can hide it", Grave: true})
		} else {
			p.tell(Hazard{Rule: "annotation-over-text", Object: ref, Text: "an annotation lies over text"})
		}
	}
	return nil
}

// overText says whether most of some text lies under r.
func (p *inspectedPage) overText(r pdf.Rect) bool {
	for i := range p.marks {
		if m := &p.marks[i]; m.Kind == layout.Text && m.Shown() && share(m.Bounds, r) > 0.5 {
			return true
		}
	}
	return false
}
