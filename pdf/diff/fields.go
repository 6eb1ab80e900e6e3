package diff

import "github.com/absah-id/absah/pdf"

// Mismatch is a form field that does not show its value.
type Mismatch struct {
	Field string // fully qualified name
	Ref   pdf.Ref
	Rule  string // of the change that giving it this value would have been
}

// Mismatches lists the text and choice fields of rev whose appearance is not
// what their value draws, as [Compare] judges a later value. In a document that
// is yet to be signed every font counts as its own.
//
// The error is one of reading, or a *pdf.LimitError, or a *pdf.MalformedError
// where the form cannot be read.
func Mismatches(rev *pdf.Revision) ([]Mismatch, error) {
	form, err := readForm(rev)
	if err != nil {
		return nil, err
	}
	d := &differ{old: rev, new: rev, at: rev, oldForm: form, newForm: form, trusted: true}
	var list []Mismatch
	for _, n := range form.order {
		if n.typ != pdf.Object(pdf.Name("Tx")) && n.typ != pdf.Object(pdf.Name("Ch")) || n.children > 0 {
			continue
		}
		value, err := rev.Resolve(orNull(form.value(n)))
		if err != nil {
			return nil, err
		}
		rule, err := d.checkText(n, value)
		if err != nil {
			return nil, err
		}
		if rule != "" {
			list = append(list, Mismatch{Field: n.name, Ref: n.ref, Rule: rule})
		}
	}
	return list, nil
}
