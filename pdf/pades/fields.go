package pades

import (
	"errors"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// Rect is a rectangle in PDF points in default user space.
type Rect = pdf.Rect

// Field is a signature field (ISO 32000-2 §12.7.5.5), empty or filled.
type Field struct {
	Name string  // fully qualified, §12.7.4.2
	Ref  pdf.Ref // the field dictionary; zero when it is not indirect, as it must be
	// Filled says that the field has a /V other than null; Value is the
	// reference in it, zero when /V is a direct object.
	Filled bool
	Value  pdf.Ref
	// Typed is false when no /FT in the hierarchy says Sig although /V holds
	// something like a signature.
	Typed bool
	// Widgets are the field's annotations, Ref itself when merged with it.
	Widgets []pdf.Ref
	// PageRef is the /P of the first widget; zero when it has none. See
	// PageNumber.
	PageRef pdf.Ref
	Rect    Rect      // of the first widget
	Lock    *FieldMDP // what signing this field locks; nil when it has no /Lock
	value   pdf.Object
	dict    pdf.Dict
	// stray says that the value stands in a widget without a name.
	stray bool
}

// Fields lists the signature fields of a revision in the order of the form's
// field tree. A document without a form has none. With a *pdf.MalformedError,
// for a form that breaks §12.7, come the fields that could be read all the
// same; a form that is too large or too deep is a *pdf.LimitError.
func Fields(rev *pdf.Revision) ([]Field, error) {
	t, err := readTree(rev)
	return t.signatures, err
}

// PageNumber returns the 1-based number of the page that shows the field's
// first widget, 0 when no page does: the page that /P names or, without /P,
// the one whose /Annots lists the widget.
func (f *Field) PageNumber(rev *pdf.Revision) (int, error) {
	if len(f.Widgets) == 0 {
		return 0, nil
	}
	n, found := 0, 0
	err := rev.WalkPages(func(ref pdf.Ref, page pdf.Dict) error {
		n++
		if f.PageRef != (pdf.Ref{}) {
			if ref == f.PageRef {
				found = n
				return errFound
			}
			return nil
		}
		annots, _, err := pdf.Lookup[pdf.Array](rev, page, "Annots")
		if err != nil {
			return err
		}
		if slices.Contains(annots, pdf.Object(f.Widgets[0])) {
			found = n
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return 0, err
	}
	return found, nil
}

// errFound ends a walk over the pages.
var errFound = errors.New("found")

// tree is what one walk over the form's field tree finds.
type tree struct {
	rev        *pdf.Revision
	signatures []Field
	names      map[string]int // fully qualified names of all fields, with their count
	seen       map[pdf.Ref]bool
	visited    int
	letters    int   // bytes of all names
	damage     error // the first *pdf.MalformedError
}

// tolerate notes what is malformed, so that the rest of the tree is still
// read, and returns any other error.
func (t *tree) tolerate(err error) error {
	if err == nil || fatal(err) {
		return err
	}
	if t.damage == nil {
		t.damage = err
	}
	return nil
}

// inherited is what a field takes from its ancestors (Table 226).
type inherited struct {
	name  string
	typ   pdf.Object
	value pdf.Object
	lock  pdf.Object
}

// readTree returns what could be read together with any error.
func readTree(rev *pdf.Revision) (*tree, error) {
	t := &tree{rev: rev, names: map[string]int{}, seen: map[pdf.Ref]bool{}}
	catalog, err := rev.Catalog()
	if err != nil {
		return t, err
	}
	form, ok, err := pdf.Lookup[pdf.Dict](rev, catalog, "AcroForm")
	if err != nil || !ok {
		return t, rev.Place(err, rev.Root())
	}
	at, own := catalog["AcroForm"].(pdf.Ref)
	if !own {
		at = rev.Root()
	}
	fields, _, err := pdf.Lookup[pdf.Array](rev, form, "Fields")
	if err != nil {
		return t, rev.Place(err, at)
	}
	for _, o := range fields {
		if err := t.walk(o, inherited{}, 0); err != nil {
			return t, err
		}
	}
	return t, t.damage
}

func (t *tree) walk(o pdf.Object, up inherited, depth int) error {
	if depth > maxFieldDepth {
		return overLimit("maxFieldDepth", maxFieldDepth)
	}
	if t.visited++; t.visited > maxFields {
		return overLimit("maxFields", maxFields)
	}
	ref, _ := o.(pdf.Ref)
	if ref != (pdf.Ref{}) {
		if t.seen[ref] {
			if depth > 0 {
				return t.tolerate(malformed("field-loop", "the field %s is its own kin", ref))
			}
			return nil // listed twice
		}
		t.seen[ref] = true
	}
	d, err := t.dict(o)
	if err != nil || d == nil {
		return t.tolerate(t.rev.Place(err, ref))
	}
	in, err := t.inherit(d, up)
	if err := t.tolerate(t.rev.Place(err, ref)); err != nil {
		return err
	}
	if t.letters += len(in.name); t.letters > maxNames {
		return overLimit("maxNames", maxNames)
	}
	children, widgets, err := t.kids(d)
	if err := t.tolerate(t.rev.Place(err, ref)); err != nil {
		return err
	}
	if len(children) == 0 || pdf.Present(d["V"]) {
		if len(children) == 0 && len(widgets) == 0 && ref != (pdf.Ref{}) && diff.IsWidget(d) {
			widgets = []pdf.Object{ref}
		}
		if err := t.add(ref, d, in, widgets); err != nil {
			return err
		}
	}
	if pdf.Present(d["T"]) {
		t.names[in.name]++
	}
	for _, kid := range children {
		if err := t.walk(kid, in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// dict resolves an element of /Fields or /Kids; nil when it refers to nothing.
func (t *tree) dict(o pdf.Object) (pdf.Dict, error) {
	v, err := t.rev.Resolve(o)
	if err != nil {
		return nil, err
	}
	switch d := v.(type) {
	case pdf.Null:
		return nil, nil
	case pdf.Dict:
		return d, nil
	}
	return nil, malformed("field-type", "a form field is not a dictionary")
}

func (t *tree) inherit(d pdf.Dict, up inherited) (inherited, error) {
	in := up
	partial, ok, err := pdf.Lookup[pdf.String](t.rev, d, "T")
	if ok {
		in.name = pdf.Text(partial)
		if up.name != "" {
			in.name = up.name + "." + in.name
		}
	}
	override(&in.typ, d["FT"])
	override(&in.value, d["V"])
	override(&in.lock, d["Lock"])
	return in, err
}

// override replaces what an ancestor says by the field's own entry, if any.
func override(dst *pdf.Object, own pdf.Object) {
	if pdf.Present(own) {
		*dst = own
	}
}

// signed says whether a widget has a signature of its own, which only a field
// should: other readers list it.
func (t *tree) signed(kid pdf.Dict) bool {
	if !pdf.Present(kid["V"]) {
		return false
	}
	v, err := t.rev.Resolve(kid["V"])
	return err == nil && diff.LooksSigned(v)
}

// stray says whether d is a widget that is no field and has a value.
func (t *tree) stray(d pdf.Dict) bool {
	return pdf.Present(d["Parent"]) && !pdf.Present(d["T"]) && !pdf.Present(d["Kids"]) && diff.IsWidget(d) && pdf.Present(d["V"])
}

// kids splits /Kids into child fields, which have a partial name or a signature
// in them, and widgets.
func (t *tree) kids(d pdf.Dict) (fields, widgets []pdf.Object, err error) {
	kids, _, err := pdf.Lookup[pdf.Array](t.rev, d, "Kids")
	if err != nil {
		return nil, nil, err
	}
	for _, o := range kids {
		if t.visited++; t.visited > maxFields {
			return nil, nil, overLimit("maxFields", maxFields)
		}
		kid, err := t.dict(o)
		if err := t.tolerate(err); err != nil {
			return nil, nil, err
		}
		switch {
		case kid == nil:
		case pdf.Present(kid["T"]) || pdf.Present(kid["Kids"]) || (pdf.Present(kid["FT"]) && !diff.IsWidget(kid)), t.signed(kid):
			fields = append(fields, o)
		default:
			widgets = append(widgets, o)
		}
	}
	return fields, widgets, nil
}

// add appends the field to the signature fields if it is one. A field of
// another or of no type counts when its value looks like a signature, so that
// damage to /FT cannot make one disappear.
func (t *tree) add(ref pdf.Ref, d pdf.Dict, in inherited, widgets []pdf.Object) error {
	typ, err := t.rev.Resolve(orNull(in.typ))
	if err := t.tolerate(err); err != nil {
		return err
	}
	value, err := t.rev.Resolve(orNull(in.value))
	if err != nil && fatal(err) {
		return err
	} // else Signatures reports it with the field
	typed := typ == pdf.Object(pdf.Name("Sig"))
	if !typed && !diff.LooksSigned(value) {
		return nil
	}
	f := Field{Name: in.name, Ref: ref, Typed: typed, value: in.value, dict: d, stray: t.stray(d)}
	if ref, isRef := in.value.(pdf.Ref); isRef {
		// A dangling reference is a damaged value, not an empty field.
		f.Filled, f.Value = true, ref
	} else {
		f.Filled = pdf.Present(in.value)
	}
	if err := t.tolerate(t.rev.Place(t.place(&f, widgets), ref)); err != nil {
		return err
	}
	lock, ok, err := pdf.Lookup[pdf.Dict](t.rev, pdf.Dict{"Lock": in.lock}, "Lock")
	if err := t.tolerate(err); err != nil {
		return err
	}
	if ok || err != nil {
		f.Lock = readLock(t.rev, lock) // an unreadable one locks everything
	}
	t.signatures = append(t.signatures, f)
	return nil
}

func (t *tree) place(f *Field, widgets []pdf.Object) error {
	for i, o := range widgets {
		ref, ok := o.(pdf.Ref)
		if !ok {
			continue // Table 226 wants references; a direct one cannot be updated
		}
		f.Widgets = append(f.Widgets, ref)
		if i > 0 {
			continue
		}
		w, err := t.dict(o)
		if err != nil {
			return err
		}
		f.PageRef, _ = w["P"].(pdf.Ref)
		if f.Rect, _, err = pdf.LookupRect(t.rev, w, "Rect"); err != nil {
			return err
		}
	}
	return nil
}

// find returns the only field with that name.
func (t *tree) find(name string) (*Field, error) {
	if t.names[name] > 1 {
		return nil, refuse("field-ambiguous", "Several fields have the name %q.", name)
	}
	for i := range t.signatures {
		if f := &t.signatures[i]; f.Name == name {
			return f, nil
		}
	}
	if t.names[name] > 0 {
		return nil, refuse("field-type", "The field %q is not a signature field.", name)
	}
	return nil, nil
}

func orNull(o pdf.Object) pdf.Object {
	if o == nil {
		return pdf.Null{}
	}
	return o
}
