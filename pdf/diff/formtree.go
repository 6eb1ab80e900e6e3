package diff

import "github.com/absah-id/absah/pdf"

// formTree is the field hierarchy of one revision (ISO 32000-2 §12.7.4).
type formTree struct {
	rev     *pdf.Revision
	dict    pdf.Dict // of the form; nil when there is none
	arrays  []uint32 // objects that are the form, /Fields or /Kids
	nodes   map[pdf.Ref]*formNode
	order   []*formNode
	letters int // bytes of all names

	widgets map[pdf.Ref]*formNode // see owner
}

// formNode is a field, terminal or not, with its widgets.
type formNode struct {
	ref      pdf.Ref
	parent   pdf.Ref // zero at the top
	name     string
	typ      pdf.Object // /FT, inherited
	flags    pdf.Object // /Ff, inherited
	dict     pdf.Dict
	widgets  []pdf.Ref // with ref itself where the field is merged with one
	children int       // child fields
}

func (n *formNode) signature() bool { return n.typ == pdf.Object(pdf.Name("Sig")) }

// readForm reads all fields. A field that is not an indirect object is part of
// the array that holds it and has no node.
func readForm(rev *pdf.Revision) (*formTree, error) {
	f := &formTree{rev: rev, nodes: map[pdf.Ref]*formNode{}}
	catalog, err := rev.Catalog()
	if err != nil {
		return f, err
	}
	if err := f.array(catalog["AcroForm"]); err != nil {
		return f, err
	}
	form, ok, err := pdf.Lookup[pdf.Dict](rev, catalog, "AcroForm")
	if err != nil || !ok {
		return f, err
	}
	f.dict = form
	if err := f.array(form["Fields"]); err != nil {
		return f, err
	}
	fields, _, err := pdf.Lookup[pdf.Array](rev, form, "Fields")
	if err != nil {
		return f, err
	}
	for _, o := range fields {
		if err := f.walk(o, formNode{}, 0); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *formTree) array(o pdf.Object) error {
	return hops(f.rev, o, func(ref pdf.Ref) { f.arrays = append(f.arrays, ref.Num) })
}

func (f *formTree) walk(o pdf.Object, up formNode, depth int) error {
	if depth > maxFieldDepth {
		return overLimit("maxFieldDepth", maxFieldDepth)
	}
	if len(f.nodes) > maxFields {
		return overLimit("maxFields", maxFields)
	}
	ref, ok := o.(pdf.Ref)
	if !ok {
		return nil
	}
	if f.nodes[ref] != nil {
		if depth > 0 {
			return malformed("field-loop", "the field %s is its own kin", ref)
		}
		return nil // listed twice
	}
	v, err := f.rev.Object(ref)
	if err != nil {
		return err
	}
	if !pdf.Present(v) {
		return nil
	}
	dict, ok := v.(pdf.Dict)
	if !ok {
		return malformed("field-type", "a form field is not a dictionary")
	}
	n := &formNode{ref: ref, parent: up.ref, name: up.name, typ: up.typ, flags: up.flags, dict: dict}
	if partial, ok, err := pdf.Lookup[pdf.String](f.rev, dict, "T"); err != nil {
		return err
	} else if ok {
		n.name = pdf.Text(partial)
		if up.name != "" {
			n.name = up.name + "." + n.name
		}
	}
	if f.letters += len(n.name); f.letters > maxNames {
		return overLimit("maxNames", maxNames)
	}
	for key, dst := range map[pdf.Name]*pdf.Object{"FT": &n.typ, "Ff": &n.flags} {
		if pdf.Present(dict[key]) {
			if *dst, err = f.rev.Resolve(dict[key]); err != nil {
				return err
			}
		}
	}
	f.nodes[ref] = n
	f.order = append(f.order, n)
	return f.kids(n, depth)
}

// kids tells child fields from widgets as the field tree of [Fields] does.
func (f *formTree) kids(n *formNode, depth int) error {
	if err := f.array(n.dict["Kids"]); err != nil {
		return err
	}
	kids, _, err := pdf.Lookup[pdf.Array](f.rev, n.dict, "Kids")
	if err != nil {
		return err
	}
	for _, o := range kids {
		kid, err := dictOf(f.rev, o)
		if err != nil {
			return err
		}
		switch {
		case kid == nil:
		case pdf.Present(kid["T"]) || pdf.Present(kid["Kids"]) || pdf.Present(kid["FT"]) && !IsWidget(kid):
			n.children++
			if err := f.walk(o, *n, depth+1); err != nil {
				return err
			}
		default:
			if err := f.widget(n, o); err != nil {
				return err
			}
		}
	}
	if IsWidget(n.dict) { // even with others, or with child fields, below it
		n.widgets = append(n.widgets, n.ref)
	}
	return nil
}

// widget adds a kid that is no field.
func (f *formTree) widget(n *formNode, o pdf.Object) error {
	ref, ok := o.(pdf.Ref)
	if !ok {
		return nil
	}
	if len(n.widgets) > maxFields {
		return overLimit("maxFields", maxFields)
	}
	v, err := f.rev.Object(ref)
	if err != nil {
		return err
	}
	if _, chain := v.(pdf.Ref); chain {
		return malformed("field-type", "the widget %s is a reference", ref)
	}
	n.widgets = append(n.widgets, ref)
	return nil
}

// owner returns the field that ref is, or whose widget it is; nil when there is
// none.
func (f *formTree) owner(ref pdf.Ref) *formNode {
	if n := f.nodes[ref]; n != nil {
		return n
	}
	if f.widgets == nil {
		f.widgets = map[pdf.Ref]*formNode{}
		for _, n := range f.order {
			for _, w := range n.widgets {
				f.widgets[w] = n
			}
		}
	}
	return f.widgets[ref]
}

// value returns /V of the field or of an ancestor.
func (f *formTree) value(n *formNode) pdf.Object {
	for range maxFieldDepth + 1 {
		if pdf.Present(n.dict["V"]) || n.parent == (pdf.Ref{}) {
			return orNull(n.dict["V"])
		}
		n = f.nodes[n.parent]
	}
	return pdf.Null{}
}
