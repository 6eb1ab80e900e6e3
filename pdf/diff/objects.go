package diff

import (
	"errors"
	"fmt"

	"github.com/absah-id/absah/pdf"
)

// Caps on hostile documents. Exceeding one is a *pdf.LimitError.
const (
	// maxFields bounds the form fields and widgets that are visited. Real
	// forms have some thousands.
	maxFields = 100_000
	// maxFieldDepth bounds the field hierarchy; real forms use fewer than 10.
	maxFieldDepth = 32
	// maxNames bounds the bytes of the names of all fields, which may share a
	// long one.
	maxNames = 16 << 20
)

func malformed(rule, format string, args ...any) *pdf.MalformedError {
	return &pdf.MalformedError{Offset: -1, Rule: rule, Err: fmt.Errorf(format, args...)}
}

func overLimit(name string, limit int64) error {
	return &pdf.LimitError{Offset: -1, Limit: "diff." + name, Max: limit}
}

// fatal says whether an error is not about hostile input, or is a limit: then
// nothing can be concluded.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	_, ok := errors.AsType[*pdf.MalformedError](err)
	return !ok
}

func isLimit(err error) bool {
	_, ok := errors.AsType[*pdf.LimitError](err)
	return ok
}

// onlyFatal drops an error about hostile input, which the caller treats as
// something that is not there.
func onlyFatal(err error) error {
	if fatal(err) {
		return err
	}
	return nil
}

// maxHops bounds references that lead to references.
const maxHops = 16

// hops calls f for each reference on the way from o to what it stands for.
func hops(rev *pdf.Revision, o pdf.Object, f func(pdf.Ref)) error {
	for range maxHops {
		ref, ok := o.(pdf.Ref)
		if !ok {
			return nil
		}
		f(ref)
		var err error
		if o, err = rev.Object(ref); err != nil {
			return err
		}
	}
	return malformed("reference-chain", "more than %d references lead to one object", maxHops)
}

// dictOf resolves o in rev; nil when it is no dictionary.
func dictOf(rev *pdf.Revision, o pdf.Object) (pdf.Dict, error) {
	v, err := rev.Resolve(orNull(o))
	if err != nil {
		return nil, onlyFatal(err)
	}
	dict, _ := v.(pdf.Dict)
	return dict, nil
}

// dictsOf is dictOf in the older and in the new revision.
func (d *differ) dictsOf(o pdf.Object) (was, now pdf.Dict, err error) {
	if was, err = dictOf(d.old, o); err != nil {
		return nil, nil, err
	}
	now, err = dictOf(d.new, o)
	return was, now, err
}

// annotsOf lists the annotations of a page of the older revision.
func (d *differ) annotsOf(page pdf.Ref) (pdf.Array, error) {
	dict, err := dictOf(d.old, page)
	if err != nil {
		return nil, err
	}
	return arrayOf(d.old, dict["Annots"])
}

func orNull(o pdf.Object) pdf.Object {
	if o == nil {
		return pdf.Null{}
	}
	return o
}

// IsWidget says whether a field dictionary is merged with its only widget
// (§12.5.6.19).
func IsWidget(d pdf.Dict) bool {
	return d["Subtype"] == pdf.Object(pdf.Name("Widget")) || pdf.Present(d["Rect"])
}

// LooksSigned says whether a field value is a signature dictionary in all but
// name.
func LooksSigned(o pdf.Object) bool {
	d, ok := o.(pdf.Dict)
	if !ok {
		return false
	}
	typ := d["Type"]
	return typ == pdf.Object(pdf.Name("Sig")) || typ == pdf.Object(pdf.Name("DocTimeStamp")) ||
		pdf.Present(d["ByteRange"]) || pdf.Present(d["SubFilter"])
}
