package diff

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/absah-id/absah/pdf"
)

// drawnAnew judges another /NeedAppearances. While it is true readers draw all
// fields from their values (§12.7.3), else by their appearances: what an
// untouched field then shows must be what was seen when it was signed, or a
// value comes to light that was prepared under an appearance of other text, or
// such an appearance under a value (H-3 of testdata/attacks).
func (d *differ) drawnAnew(t *touched) error {
	if d.newForm.dict == nil {
		return nil
	}
	before, _, _ := pdf.Lookup[pdf.Boolean](d.old, d.oldForm.dict, "NeedAppearances")
	after, _, _ := pdf.Lookup[pdf.Boolean](d.new, d.newForm.dict, "NeedAppearances")
	if before == after {
		return nil
	}
	for _, n := range d.newForm.order {
		was := d.oldForm.nodes[n.ref]
		if n.children > 0 && len(n.widgets) == 0 || was == nil || t.fields[n.ref] && !n.signature() {
			continue
		}
		look := d.looksAnew
		if before {
			look = d.looksAgain
		}
		same, err := look(n)
		if err != nil {
			return err
		}
		if !same {
			d.report(Change{Object: n.ref, Path: fieldPath(n), Rule: "need-appearances", Level: LevelOther, Field: n.name})
		}
	}
	return d.orphansAnew()
}

// looksAgain says whether a field that readers drew from its value looks as it
// did when they go by its appearance.
func (d *differ) looksAgain(n *formNode) (bool, error) {
	switch n.typ {
	case pdf.Object(pdf.Name("Tx")), pdf.Object(pdf.Name("Ch")):
		value, err := d.new.Resolve(orNull(d.newForm.value(n)))
		if err != nil {
			return false, onlyFatal(err)
		}
		rule, err := d.checkText(n, value)
		return rule == "", err
	case pdf.Object(pdf.Name("Btn")):
		if same, err := d.showsCaption(n); !same {
			return false, err
		}
		return d.showsSign(n)
	case pdf.Object(pdf.Name("Sig")):
		return d.showsNoSignature(n)
	}
	return true, nil
}

// maxSign is the largest side, in points, of the box of a sign that is drawn by
// other means than text.
const maxSign = 36

// showsSign says whether each state of a check box or radio button shows at most
// one sign.
func (d *differ) showsSign(n *formNode) (bool, error) {
	if !n.checked() {
		return true, nil
	}
	for _, ref := range n.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil {
			return false, err
		}
		ap, err := dictOf(d.new, w["AP"])
		if err != nil {
			return false, err
		}
		rect, _, err := pdf.LookupRect(d.new, w, "Rect")
		if err := onlyFatal(err); err != nil {
			return false, err
		}
		if ap == nil || err == nil && max(rect.X1-rect.X0, rect.Y1-rect.Y0) <= maxSign {
			continue
		}
		states, err := dictOf(d.new, ap["N"])
		if err != nil {
			return false, err
		}
		if states == nil {
			states = pdf.Dict{"N": ap["N"]}
		}
		for _, state := range states {
			text, err := d.captionOf(state)
			if err != nil || text == unclear || utf8.RuneCountInString(text) > 1 {
				return false, err
			}
		}
	}
	return true, nil
}

// showsNoSignature: some readers, when they draw the form, leave out the looks of
// signature fields. That of an empty one nobody signed as what is seen; that of
// a signature may hide what is below it.
func (d *differ) showsNoSignature(n *formNode) (bool, error) {
	was := d.oldForm.nodes[n.ref]
	if !pdf.Present(d.oldForm.value(was)) {
		for _, ref := range was.widgets {
			w, err := dictOf(d.old, ref)
			if err != nil {
				return false, err
			}
			if rect, _, err := pdf.LookupRect(d.old, w, "Rect"); err != nil || !rect.Empty() && pdf.Present(w["AP"]) {
				return false, onlyFatal(err)
			}
		}
		return true, nil
	}
	d.looks = nil // all of it may be painted
	return true, d.reportFilled(was)
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

// unclear is a text that no caption is.
const unclear = " "

// captionOf reads the text of a button without states; of one that holds more,
// it is unclear.
func (d *differ) captionOf(look pdf.Object) (string, error) {
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
