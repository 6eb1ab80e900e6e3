package diff

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// drawnAnew judges a /NeedAppearances that becomes true, by which readers draw
// all fields from their values (§12.7.3): what an untouched field then shows
// must be what was seen when it was signed, or a value prepared under an
// appearance of other text comes to light (validation.md H-3).
func (d *differ) drawnAnew(t *touched) error {
	if d.newForm.dict == nil {
		return nil
	}
	before, _, _ := pdf.Lookup[pdf.Boolean](d.old, d.oldForm.dict, "NeedAppearances")
	after, _, _ := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances")
	if before || !after {
		return nil
	}
	for _, n := range d.newForm.order {
		if n.children > 0 && len(n.widgets) == 0 || t.fields[n.ref] || d.oldForm.nodes[n.ref] == nil {
			continue
		}
		same, err := d.looksAnew(n)
		if err != nil {
			return err
		}
		if !same {
			d.report(Change{Object: n.ref, Path: fieldPath(n), Rule: "need-appearances", Level: LevelOther, Field: n.name})
		}
	}
	return d.orphansAnew()
}

// looksAnew says whether a field that readers draw anew looks as it did.
func (d *differ) looksAnew(n *formNode) (bool, error) {
	switch n.typ {
	case pdf.Object(pdf.Name("Tx")), pdf.Object(pdf.Name("Ch")):
		return d.showsValue(n)
	case pdf.Object(pdf.Name("Btn")):
		return d.showsCaption(n)
	}
	return true, nil
}

// orphansAnew does the same for widgets on the pages that no field of the form
// has: some readers draw them, too. What they show is not asked for.
func (d *differ) orphansAnew() error {
	if d.shownOn == nil {
		if err := d.placeWidgets(); err != nil {
			return err
		}
	}
	refs := slices.SortedFunc(maps.Keys(d.shownOn), func(a, b pdf.Ref) int { return cmp.Compare(a.Num, b.Num) })
	for _, ref := range refs {
		if d.oldForm.owner(ref) != nil {
			continue
		}
		w, err := dictOf(d.old, ref)
		if err != nil {
			return err
		}
		if w["Subtype"] != pdf.Object(pdf.Name("Widget")) || !pdf.Present(w["AP"]) || w["FT"] == pdf.Object(pdf.Name("Sig")) {
			continue
		}
		d.report(Change{Object: ref, Path: d.pagePath(d.shownOn[ref][0]) + "/Annots", Rule: "need-appearances", Level: LevelOther})
	}
	return nil
}

// showsValue says whether every widget of a text or choice field has an
// appearance that shows its value; true without a value.
func (d *differ) showsValue(n *formNode) (bool, error) {
	value, err := d.new.Resolve(orNull(d.newForm.value(n)))
	if err != nil || !pdf.Present(value) {
		return err == nil, onlyFatal(err)
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil || !pdf.Present(w["AP"]) {
			return false, onlyFatal(err)
		}
	}
	rule, err := d.checkText(n, value)
	return rule == "", err
}

// showsCaption says whether every widget of a button shows its caption
// (Table 192), which for check boxes and radio buttons is one sign. A button
// without an appearance was drawn by readers before.
func (d *differ) showsCaption(n *formNode) (bool, error) {
	flags, _ := n.flags.(pdf.Integer)
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil {
			return false, err
		}
		ap, err := dictOf(d.new, w["AP"])
		if err != nil {
			return false, err
		}
		if ap == nil {
			continue
		}
		mk, err := dictOf(d.new, w["MK"])
		if err != nil {
			return false, err
		}
		caption, err := d.new.Resolve(orNull(mk["CA"]))
		if err != nil {
			return false, onlyFatal(err)
		}
		text, _ := caption.(pdf.String)
		if flags&flagPush == 0 && len(text) <= 1 {
			continue
		}
		shown, err := d.captionOf(ap["N"])
		if err != nil || shown != squeeze(pdf.Text(text)) {
			return false, err
		}
	}
	return true, nil
}

// captionOf reads the text of a button without states; of one that holds more,
// it is something that no caption is.
func (d *differ) captionOf(look pdf.Object) (string, error) {
	const unclear = " "
	v, err := d.new.Resolve(orNull(look))
	if err != nil {
		return unclear, onlyFatal(err)
	}
	s, ok := v.(*pdf.Stream)
	if !ok {
		return unclear, nil
	}
	t, err := d.drawn(s)
	if errors.Is(err, errDrawing) || err != nil && !fatal(err) {
		return unclear, nil
	}
	if err != nil {
		return unclear, err
	}
	text := ""
	for _, p := range t.pieces {
		text += p
	}
	return squeeze(text), nil
}
