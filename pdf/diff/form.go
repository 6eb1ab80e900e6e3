package diff

import (
	"slices"

	"github.com/absah-id/absah/pdf"
)

// markForm names what belongs to the form, before anything is frozen.
func (d *differ) markForm(f *formTree) {
	for _, num := range f.arrays {
		d.mark(num, role{kind: roleForm})
	}
	for _, n := range f.order {
		d.identity[n.ref.Num] = identityField
		d.mark(n.ref.Num, role{kind: roleField, owner: n.ref})
		for _, w := range n.widgets {
			d.identity[w.Num] = identityField
			d.mark(w.Num, role{kind: roleField, owner: n.ref})
		}
	}
}

// markFields freezes what fields refer to but for what filling them may
// change. With only, it looks at those fields and at new ones.
func (d *differ) markFields(f *formTree, only map[pdf.Ref]bool) error {
	for _, n := range f.order {
		if only != nil && !only[n.ref] && d.oldForm.nodes[n.ref] != nil && d.oldForm != f {
			continue
		}
		if err := d.markField(f, n); err != nil {
			return err
		}
		for _, ref := range n.widgets {
			if ref == n.ref {
				continue
			}
			w, err := dictOf(d.at, ref)
			if err != nil {
				return err
			}
			if err := d.markEntries(f, n, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *differ) markField(f *formTree, n *formNode) error { return d.markEntries(f, n, n.dict) }

// markEntries marks the entries of a field or widget dictionary. The value and
// appearance of a signed field are frozen like anything else.
func (d *differ) markEntries(f *formTree, n *formNode, dict pdf.Dict) error {
	signed := n.signature() && pdf.Present(f.value(n))
	for k, v := range dict {
		switch {
		case k == "Kids":
			continue
		case k == "Parent":
			if err := d.markParent(f, n, v); err != nil {
				return err
			}
			continue
		case k == "AP" && !signed:
			if err := d.markAppearance(v, n.ref, 0); err != nil {
				return err
			}
			continue
		case k == "V" && !signed:
			if err := d.markHops(v, role{kind: roleField, owner: n.ref}); err != nil {
				return err
			}
			continue
		}
		if err := d.walkEntry(k, v, &d.frozen); err != nil {
			return err
		}
	}
	return nil
}

// markParent freezes what a field or widget inherits from that is not what has
// it among its kids: nobody else may fill it.
func (d *differ) markParent(f *formTree, n *formNode, parent pdf.Object) error {
	ref, ok := parent.(pdf.Ref)
	if ok && (ref == n.parent || f.nodes[ref] == n || d.identity[ref.Num] == identityPage) {
		return nil
	}
	if ok && d.identity[ref.Num] == identityField {
		d.frozen.add(ref.Num)
		return nil
	}
	return d.walk(parent, &d.frozen)
}

// markAppearance marks an appearance dictionary, its states and its streams;
// what the streams use is frozen.
func (d *differ) markAppearance(o pdf.Object, field pdf.Ref, depth int) error {
	if err := d.markHops(o, role{kind: roleField, owner: field}); err != nil {
		return err
	}
	o, err := d.at.Resolve(orNull(o))
	if err != nil {
		return onlyFatal(err)
	}
	switch o := o.(type) {
	case pdf.Dict:
		if depth > 2 { // /AP, /N, a state
			return nil
		}
		for _, v := range o {
			if err := d.markAppearance(v, field, depth+1); err != nil {
				return err
			}
		}
	case *pdf.Stream:
		return d.walk(o.Dict, &d.frozen)
	}
	return nil
}

// fieldSteps is what reading a field again costs.
const fieldSteps = 8

// compareForm compares the field trees and every field that was touched.
func (d *differ) compareForm(t *touched) error {
	form, err := readForm(d.new)
	if err != nil {
		if err := onlyFatal(err); err != nil {
			return err
		}
		d.report(Change{Path: "/Root/AcroForm", Rule: "form-damaged", Level: LevelOther, Text: err.Error()})
	}
	d.newForm = form
	if d.steps += fieldSteps * len(form.order); d.steps > maxSteps {
		return overLimit("maxSteps", maxSteps)
	}
	if err := d.compareFormDict(); err != nil {
		return err
	}
	if err := d.drawnAnew(t); err != nil {
		return err
	}
	for _, was := range d.oldForm.order {
		now := form.nodes[was.ref]
		if now == nil || now.parent != was.parent {
			d.report(Change{Object: was.ref, Path: fieldPath(was), Rule: "field-removed", Level: LevelOther, Field: was.name})
			continue
		}
		if !t.fields[was.ref] {
			continue
		}
		if err := d.compareField(was, now); err != nil {
			return err
		}
	}
	for _, now := range form.order {
		if d.oldForm.nodes[now.ref] == nil {
			if err := d.newField(now); err != nil {
				return err
			}
		}
	}
	return nil
}

func fieldPath(n *formNode) string { return "/Root/AcroForm/Fields(" + pdf.Printable(n.name) + ")" }

// compareFormDict compares the form dictionary (Table 224).
func (d *differ) compareFormDict() error {
	was, now := d.oldForm.dict, d.newForm.dict
	other := func(rule, key string) {
		d.report(Change{Path: "/Root/AcroForm" + key, Rule: rule, Level: LevelOther})
	}
	if now == nil {
		if was != nil {
			other("form-removed", "")
		}
		return nil
	}
	for _, k := range sorted(d.differing(was, now)) {
		switch k {
		case "Fields":
			if !d.keepsOrder(was[k], now[k]) {
				other("fields-order", "/Fields")
			}
		case "SigFlags":
			before, _, _ := pdf.Lookup[pdf.Integer](d.old, was, k)
			after, _, err := pdf.Lookup[pdf.Integer](d.new, now, k)
			if err != nil || before&^after != 0 || after&^3 != 0 && after != before {
				other("sigflags", "/SigFlags")
			}
		case "DR": // by what is in it
		case "DA", "Q":
			if pdf.Present(was[k]) {
				other("form-default", "/"+string(k))
			} else { // readers may draw by it what is in no form, too
				d.report(Change{Path: "/Root/AcroForm/" + string(k), Rule: "form-default", Level: LevelForm, Effect: NeedsSigner})
			}
		case "NeedAppearances":
			// true asks readers to draw what is not in the file.
			if v, _, err := pdf.Lookup[pdf.Boolean](d.new, now, k); err != nil || bool(v) {
				d.report(Change{Path: "/Root/AcroForm/NeedAppearances", Rule: "need-appearances", Level: LevelForm, Effect: SetsValue})
			}
		default:
			other("form-entry", "/"+pdf.Printable(string(k)))
		}
	}
	return d.compareResources(was["DR"], now["DR"])
}

// keepsOrder says whether an array of references still has all that it had, in
// the same order. Direct elements must be as they were.
func (d *differ) keepsOrder(a, b pdf.Object) bool {
	was, err1 := d.old.Resolve(orNull(a))
	now, err2 := d.new.Resolve(orNull(b))
	if err1 != nil || err2 != nil {
		return false
	}
	x, _ := was.(pdf.Array)
	y, ok := now.(pdf.Array)
	if !ok {
		return len(x) == 0 && !pdf.Present(now)
	}
	m := newMatcher(y)
	for _, o := range x {
		if m.find(d, o) != kept {
			return false
		}
	}
	for i, o := range y {
		if _, isRef := o.(pdf.Ref); !isRef && !m.used[i] {
			return false // a field that is no object of its own
		}
	}
	return true
}

// compareResources: what was among the default resources stays. Fonts may be
// added, by which readers draw fields (§12.7.4.3), and what plain ones show is
// known; other things need somebody who signs.
func (d *differ) compareResources(a, b pdf.Object) error {
	was, err := dictOf(d.old, a)
	if err != nil {
		return err
	}
	now, err := dictOf(d.new, b)
	if err != nil {
		return err
	}
	keys := sortedKeys(was)
	for _, k := range sortedKeys(now) {
		if _, had := was[k]; !had {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if k == "ProcSet" {
			continue
		}
		x, err := dictOf(d.old, was[k])
		if err != nil {
			return err
		}
		y, err := dictOf(d.new, now[k])
		if err != nil {
			return err
		}
		rule, level, err := d.resourcesRule(k, x, y)
		if err != nil {
			return err
		}
		if rule != "" {
			d.report(Change{Path: "/Root/AcroForm/DR/" + pdf.Printable(string(k)), Rule: rule, Level: level, Effect: NeedsSigner})
		}
	}
	return nil
}

// resourcesRule names what happened to one category of default resources.
func (d *differ) resourcesRule(category pdf.Name, was, now pdf.Dict) (string, Level, error) {
	for name, res := range was {
		if d.same(res, now[name]) {
			continue
		}
		if category == "Font" || category == "Encoding" {
			return "form-resources", LevelOther, nil
		}
		return "form-resource-changed", LevelForm, nil // readers draw fields by fonts alone
	}
	rule, level := "", LevelNone
	for name, res := range now {
		if _, had := was[name]; had || category == "Encoding" || category == "Font" && d.knownFont(name, res) {
			continue
		}
		if category == "Font" {
			switch missed, err := d.missedFont(name); {
			case err != nil:
				return "", LevelNone, err
			case missed:
				return "form-font-defined", LevelOther, nil
			case d.plainFont(res):
				continue
			}
		}
		rule, level = "form-resource-added", LevelForm
	}
	return rule, level, nil
}

// fillKeys are what filling a field may change in its dictionary and widgets
// (Tables 226, 166 and 191).
var fillKeys = map[pdf.Name]bool{
	"V": true, "AP": true, "AS": true, "F": true, "Ff": true, "DA": true, "Q": true, "Type": true,
	"I": true, "TI": true, "RV": true, "DS": true,
}

// compareField judges what happened to one field.
func (d *differ) compareField(was, now *formNode) error {
	c := Change{Object: was.ref, Path: fieldPath(was), Field: was.name}
	if !d.sameKids(was, now) {
		c.Rule, c.Level = "field-kids", LevelOther
		d.report(c)
		return nil
	}
	keys, err := d.fieldKeys(was, now)
	if err != nil {
		return err
	}
	switch {
	case was.signature() && pdf.Present(d.oldForm.value(was)):
		if len(keys) > 0 {
			c.Rule, c.Level = "signed-field-changed", LevelOther
			d.report(c)
		}
		return nil
	case was.signature():
		return d.compareSignatureField(c, was, now, keys)
	case was.children > 0:
		return d.compareParent(c, was, now, keys)
	}
	return d.compareValueField(c, was, now, keys)
}

// compareParent: a field with child fields is not filled itself. What it shows,
// as a widget, and what they inherit from it stays.
func (d *differ) compareParent(c Change, was, now *formNode, keys []pdf.Name) error {
	looks, err := d.looksChanged(was)
	if err != nil {
		return err
	}
	if looks || len(keys) > 0 || !d.sameDeep(was.dict["V"], now.dict["V"], 0) {
		c.Rule, c.Level = "field-parent", LevelOther
		d.report(c)
	}
	return nil
}

func (d *differ) sameKids(was, now *formNode) bool {
	a, err1 := d.old.Resolve(orNull(was.dict["Kids"]))
	b, err2 := d.new.Resolve(orNull(now.dict["Kids"]))
	return err1 == nil && err2 == nil && d.same(a, b)
}

// fieldKeys lists the keys that differ in the field and in its widgets.
func (d *differ) fieldKeys(was, now *formNode) ([]pdf.Name, error) {
	keys := d.differing(was.dict, now.dict)
	for _, ref := range was.widgets {
		if ref == was.ref {
			continue
		}
		a, b, err := d.dictsOf(ref)
		if err != nil {
			return nil, err
		}
		for _, k := range d.differing(a, b) {
			if k == "V" || k == "Ff" { // of a field, not of a widget
				k = "widget-" + k
			}
			keys = append(keys, k)
		}
	}
	keys = slices.DeleteFunc(sorted(keys), func(k pdf.Name) bool { return k == "Kids" })
	return slices.Compact(keys), nil
}

// compareSignatureField: an empty field may be signed, once, with a dictionary
// that is new (a recycled one could carry another signature's bytes).
func (d *differ) compareSignatureField(c Change, was, now *formNode, keys []pdf.Name) error {
	if rule := d.fillRule(was, now, keys); rule != "" {
		c.Rule, c.Level = rule, LevelOther
		d.report(c)
		return nil
	}
	if rule, err := d.looksBoxed(was); err != nil || rule != "" {
		c.Rule, c.Level = rule, LevelOther
		d.report(c)
		return err
	}
	looks, err := d.looksChanged(was)
	if err != nil {
		return err
	}
	value := now.dict["V"]
	if !pdf.Present(value) {
		c.Rule, c.Level, c.Effect = "field-attribute", LevelForm, NeedsSigner
		if looks || slices.Contains(keys, "AP") || slices.Contains(keys, "AS") {
			c.Rule, c.Level = "field-appearance", LevelOther
		}
		d.report(c)
		return nil
	}
	if rule, err := d.valueRule(value); err != nil || rule != "" {
		c.Rule, c.Level = rule, LevelOther
		d.report(c)
		return err
	}
	if looks {
		d.looks = nil
		if err := d.reportFilled(was); err != nil {
			return err
		}
	}
	c.Rule, c.Level, c.Effect = "signature-filled", LevelForm, FillsSignature
	stamp, err := d.isTimestamp(value)
	switch {
	case err != nil:
		return err
	case stamp && looks: // a timestamp is nobody's word for what it shows
		c.Rule, c.Effect = "timestamp-shown", AddsVisible
	case stamp:
		c.Rule, c.Level, c.Effect = "timestamp-filled", LevelLTA, AddsTimestamp
	}
	d.report(c)
	return nil
}

// looksChanged says whether a widget with an area has another appearance, be it
// one that was replaced in its place. Without a box it needs no area to be seen.
func (d *differ) looksChanged(was *formNode) (bool, error) {
	for _, ref := range was.widgets {
		a, b, err := d.dictsOf(ref)
		if err != nil {
			return false, err
		}
		rect, _, err := pdf.LookupRect(d.new, b, "Rect")
		if err := onlyFatal(err); err != nil {
			return false, err
		}
		if d.sameDeep(a["AP"], b["AP"], 0) && d.same(a["AS"], b["AS"]) {
			continue
		}
		boxed, ferr := d.boxed(b["AP"], 0)
		if ferr != nil {
			return false, ferr
		}
		if !boxed || err != nil || !rect.Empty() {
			return true, nil
		}
	}
	return false, nil
}

// fillRule names what goes beyond filling a field; "" when nothing does.
func (d *differ) fillRule(was, now *formNode, keys []pdf.Name) string {
	for _, k := range keys {
		if !fillKeys[k] {
			return "field-entry-" + pdf.Printable(string(k))
		}
	}
	if slices.Contains(keys, "Type") {
		if v := now.dict["Type"]; now.ref != (pdf.Ref{}) && pdf.Present(v) && v != pdf.Object(pdf.Name("Annot")) {
			return "field-entry-Type"
		}
	}
	if ap, ok := was.dict["AP"].(pdf.Ref); ok && slices.Contains(keys, "AP") && d.frozen.has(ap.Num) {
		return "appearance-shared" // it was not the field's alone
	}
	if slices.Contains(keys, "F") && !d.keepsVisibility(was) {
		return "field-visibility"
	}
	a, _ := was.flags.(pdf.Integer)
	if b, _ := now.flags.(pdf.Integer); (a^b)&kindFlags != 0 {
		return "field-kind"
	}
	return ""
}

// kindFlags are the field flags by which a field is another kind of field:
// Password, NoToggleToOff, Radio, Pushbutton, Combo, Edit, FileSelect and
// RichText or RadiosInUnison (Tables 229, 231 and 233).
const kindFlags = flagPassword | 1<<14 | 1<<15 | 1<<16 | flagCombo | 1<<18 | 1<<20 | 1<<25

// hiddenFlags are Invisible, Hidden and NoView (Table 167).
const hiddenFlags = 1 | 2 | 32

// keepsVisibility compares the flags of the widgets that decide whether
// anything is shown.
func (d *differ) keepsVisibility(was *formNode) bool {
	for _, ref := range was.widgets {
		a, err1 := dictOf(d.old, ref)
		b, err2 := dictOf(d.new, ref)
		if err1 != nil || err2 != nil {
			return false
		}
		x, _, err1 := pdf.Lookup[pdf.Integer](d.old, a, "F")
		y, _, err2 := pdf.Lookup[pdf.Integer](d.new, b, "F")
		if err1 != nil || err2 != nil || (x^y)&(hiddenFlags|fixedFlags) != 0 {
			return false
		}
	}
	return true
}

// valueRule names what is wrong with the value of a newly signed field.
func (d *differ) valueRule(value pdf.Object) (string, error) {
	ref, ok := value.(pdf.Ref)
	if !ok {
		return "signature-direct", nil
	}
	if !d.fresh(ref.Num) || d.frozen.has(ref.Num) {
		return "signature-recycled", nil
	}
	v, err := dictOf(d.new, value)
	if err != nil {
		return "", err
	}
	if !LooksSigned(v) {
		return "signature-value", nil
	}
	return "", nil
}

func (d *differ) isTimestamp(value pdf.Object) (bool, error) {
	v, err := dictOf(d.new, value)
	if err != nil {
		return false, err
	}
	sub, _ := d.new.Resolve(orNull(v["SubFilter"]))
	typ, _ := d.new.Resolve(orNull(v["Type"]))
	return sub == pdf.Object(pdf.Name("ETSI.RFC3161")) && typ != pdf.Object(pdf.Name("Sig")) || typ == pdf.Object(pdf.Name("DocTimeStamp")), nil
}
