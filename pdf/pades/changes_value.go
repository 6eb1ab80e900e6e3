package pades

import (
	"slices"

	"github.com/absah-id/absah/pdf"
)

// compareValueField: a field that is no signature may get a value, with an
// appearance that shows it.
func (d *differ) compareValueField(c Change, was, now *formNode, keys []pdf.Name) error {
	c.Level, c.effect = ChangeForm, effectValue
	if rule := d.fillRule(was, now, keys); rule != "" {
		c.Rule, c.Level = rule, ChangeOther
		d.report(c)
		return nil
	}
	c.Rule = "form-value"
	if !slices.Contains(keys, "V") {
		c.Rule = "form-appearance"
	}
	d.report(c)
	return nil
}
