package diff

import (
	"github.com/absah-id/absah/pdf"
)

// newFieldKeys are the entries that a new signature field may have: no actions,
// no optional content.
var newFieldKeys = map[pdf.Name]bool{
	"FT": true, "T": true, "TU": true, "TM": true, "V": true, "Ff": true, "Type": true, "Subtype": true,
	"Rect": true, "F": true, "P": true, "AP": true, "AS": true, "Lock": true, "SV": true, "DA": true, "Q": true,
	"Parent": true, "Kids": true, "MK": true, "BS": true, "Border": true, "DR": true, "NM": true, "M": true,
	"StructParent": true, "C": true, "Contents": true, "H": true, "DV": true, "Lang": true, "CA": true,
}

// newField judges a field that the old revision does not have: a signature
// field of its own, or the parent of such fields.
func (d *differ) newField(now *formNode) error {
	c := Change{Object: now.ref, Path: fieldPath(now), Field: now.name, Level: LevelOther}
	up := d.oldForm.nodes[now.parent]
	switch {
	case !d.fresh(now.ref.Num):
		c.Rule = "field-recycled"
	case up != nil:
		c.Rule = "field-kids" // the parent was signed with the kids it had
	case now.children > 0 && (pdf.Present(now.dict["V"]) || len(now.widgets) > 0):
		c.Rule = "field-added"
	case now.children > 0:
		c.Rule = foreignKey(now.dict, newParentKeys) // its kids are judged
		if c.Rule != "" {
			d.report(c)
		}
		return nil
	case !now.signature():
		c.Rule = "field-added"
	default:
		var err error
		if c.Rule, err = d.newFieldRule(now); err != nil {
			return err
		}
	}
	if c.Rule != "" {
		d.report(c)
		return nil
	}
	return d.newSignatureField(c, now)
}

// newParentKeys are the entries that a new field may have whose kids are
// fields. It is no annotation.
var newParentKeys = map[pdf.Name]bool{
	"FT": true, "T": true, "TU": true, "TM": true, "Ff": true, "Parent": true, "Kids": true, "DA": true, "Q": true, "DV": true,
}

// foreignKey names the first entry of dict that is not among keys.
func foreignKey(dict pdf.Dict, keys map[pdf.Name]bool) string {
	for _, k := range sortedKeys(dict) {
		if !keys[k] {
			return "field-entry-" + pdf.Printable(string(k))
		}
	}
	return ""
}

// newFieldRule names what is wrong with the entries of a new signature field
// or of its widgets. A widget is one: other annotations draw without an
// appearance and outside of their rectangle.
func (d *differ) newFieldRule(now *formNode) (string, error) {
	if rule := foreignKey(now.dict, newFieldKeys); rule != "" {
		return rule, nil
	}
	for _, ref := range now.widgets {
		w, err := dictOf(d.new, ref)
		if err != nil {
			return "", err
		}
		if rule := foreignKey(w, newFieldKeys); rule != "" {
			return rule, nil
		}
		if w["Subtype"] != pdf.Object(pdf.Name("Widget")) {
			return "field-entry-Subtype", nil
		}
		if rule, err := d.boxRule(w); err != nil || rule != "" {
			return rule, err
		}
	}
	if len(now.widgets) == 0 && pdf.Present(now.dict["Subtype"]) {
		return "field-entry-Subtype", nil
	}
	return "", nil
}

func (d *differ) newSignatureField(c Change, now *formNode) error {
	visible := false
	for _, ref := range now.widgets {
		if !d.fresh(ref.Num) {
			c.Rule = "widget-recycled"
			d.report(c)
			return nil
		}
		w, err := dictOf(d.new, ref)
		if err != nil {
			return err
		}
		rect, _, err := pdf.LookupRect(d.new, w, "Rect")
		if err := onlyFatal(err); err != nil {
			return err
		}
		visible = visible || err != nil || !rect.Empty()
	}
	value := d.newForm.value(now)
	c.Level = LevelForm
	if !pdf.Present(value) {
		c.Rule, c.Effect = "signature-field-added", AddsEmpty
		if visible {
			c.Rule, c.Effect = "visible-signature-field-added", AddsVisible
		}
		d.report(c)
		return nil
	}
	if rule, err := d.valueRule(value); err != nil || rule != "" {
		c.Rule, c.Level = rule, LevelOther
		d.report(c)
		return err
	}
	stamp, err := d.isTimestamp(value)
	if err != nil {
		return err
	}
	switch {
	case visible:
		c.Rule, c.Effect = "visible-signature-added", AddsVisible
	case stamp:
		c.Rule, c.Level, c.Effect = "timestamp-added", LevelLTA, AddsTimestamp
	default:
		c.Rule, c.Effect = "signature-added", AddsSignature
	}
	d.report(c)
	return nil
}
