package pades

import (
	"strings"

	"github.com/absah-id/absah/pdf"
)

// FieldMDP says which form fields a signature locks: the parameters of a
// FieldMDP transform (ISO 32000-2 Table 259) or a signature field's lock
// dictionary (Table 236).
type FieldMDP struct {
	// Action is All, Include (the named fields are locked) or Exclude (all
	// but the named ones). Any other value locks every field.
	Action pdf.Name
	Fields []string // fully qualified names; each stands for its descendants too
	// P is the access permission of a PDF 2.0 lock dictionary, 1 to 3 as for
	// DocMDP; 0 when it has none. Other values read as 1, the strictest.
	P int
}

// Locks reports whether the field with that fully qualified name is locked. A
// name covers a field when it equals the field's or ends at a dot of it: "a"
// covers "a.b" and not "ab".
func (m *FieldMDP) Locks(name string) bool {
	if m == nil {
		return false
	}
	switch m.Action {
	case "Include":
		return m.names(name)
	case "Exclude":
		return !m.names(name)
	}
	return true
}

func (m *FieldMDP) names(name string) bool {
	for _, f := range m.Fields {
		if name == f || strings.HasPrefix(name, f+".") {
			return true
		}
	}
	return false
}

// readLock reads a lock dictionary or FieldMDP transform parameters. What
// cannot be read locks everything.
func readLock(rev *pdf.Revision, d pdf.Dict) *FieldMDP {
	all := &FieldMDP{Action: "All"}
	if pdf.Present(d["P"]) {
		all.P = readP(rev, d)
	}
	action, ok, err := pdf.Lookup[pdf.Name](rev, d, "Action")
	if err != nil || !ok || (action != "Include" && action != "Exclude") {
		return all
	}
	names, _, err := pdf.Lookup[pdf.Array](rev, d, "Fields")
	if err != nil || len(names) > maxLockNames {
		return all
	}
	m := &FieldMDP{Action: action, P: all.P}
	for _, o := range names {
		v, err := rev.Resolve(o)
		s, ok := v.(pdf.String)
		if err != nil || !ok {
			return all
		}
		m.Fields = append(m.Fields, pdf.Text(s))
	}
	return m
}

// readP reads the P of a DocMDP transform or lock dictionary: 2 when absent
// (Table 257), 1 when it is no number from 1 to 3.
func readP(rev *pdf.Revision, d pdf.Dict) int {
	p, ok, err := pdf.Lookup[pdf.Integer](rev, d, "P")
	switch {
	case err != nil || ok && (p < 1 || p > 3):
		return 1
	case !ok:
		return 2
	}
	return int(p)
}

// readReferences reads the transforms of a signature dictionary's /Reference
// array (Table 256) into s.
func (s *Signature) readReferences(rev *pdf.Revision) {
	refs, _, err := pdf.Lookup[pdf.Array](rev, s.Dict, "Reference")
	if err != nil {
		s.unreadable("/Reference: %w", err)
		return
	}
	for _, o := range refs {
		v, err := rev.Resolve(o)
		d, ok := v.(pdf.Dict)
		if err != nil || !ok {
			s.unreadable("a signature reference is not a dictionary")
			continue
		}
		s.readReference(rev, d)
	}
}

// unreadable takes a damaged reference for the strictest one.
func (s *Signature) unreadable(format string, args ...any) {
	s.DocMDP, s.FieldMDP = 1, &FieldMDP{Action: "All"}
	s.problem("reference", format, args...)
}

func (s *Signature) readReference(rev *pdf.Revision, d pdf.Dict) {
	method, _, err := pdf.Lookup[pdf.Name](rev, d, "TransformMethod")
	if err != nil {
		s.unreadable("/TransformMethod: %w", err)
		return
	}
	params, _, err := pdf.Lookup[pdf.Dict](rev, d, "TransformParams")
	if err != nil {
		params = pdf.Dict{"P": pdf.Integer(1)}
		s.problem("reference", "/TransformParams: %w", err)
	}
	switch method {
	case "DocMDP":
		if s.DocMDP != 0 {
			s.problem("docmdp-twice", "two DocMDP transforms")
		}
		s.DocMDP = strictest(s.DocMDP, readP(rev, params))
	case "FieldMDP":
		if s.FieldMDP != nil {
			s.problem("fieldmdp-twice", "two FieldMDP transforms")
			s.FieldMDP = &FieldMDP{Action: "All"}
			return
		}
		s.FieldMDP = readLock(rev, params)
		s.FieldMDP.P = 0 // P belongs to lock dictionaries only
	}
}

// strictest combines two permissions of which 0 is none.
func strictest(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// references builds the /Reference array that a new signature needs, nil for
// none. PDF/A forbids digest entries beside DocMDP (ISO 19005-2 §6.1.12), so
// there are none.
func references(root pdf.Ref, certify int, lock *FieldMDP) pdf.Array {
	var refs pdf.Array
	if certify != 0 {
		refs = append(refs, pdf.Dict{
			"Type":            pdf.Name("SigRef"),
			"TransformMethod": pdf.Name("DocMDP"),
			"TransformParams": pdf.Dict{
				"Type": pdf.Name("TransformParams"),
				"P":    pdf.Integer(certify),
				"V":    pdf.Name("1.2"),
			},
		})
	}
	if lock != nil {
		params := lock.dict("TransformParams")
		params["V"] = pdf.Name("1.2")
		delete(params, "P")
		refs = append(refs, pdf.Dict{
			"Type":            pdf.Name("SigRef"),
			"TransformMethod": pdf.Name("FieldMDP"),
			"TransformParams": params,
			"Data":            root, // required with FieldMDP
		})
	}
	return refs
}

// dict is the inverse of readLock.
func (m *FieldMDP) dict(typ pdf.Name) pdf.Dict {
	d := pdf.Dict{"Type": typ, "Action": m.Action}
	if m.Action != "All" {
		var names pdf.Array
		for _, f := range m.Fields {
			names = append(names, pdf.EncodeText(f))
		}
		d["Fields"] = names
	}
	if m.P != 0 {
		d["P"] = pdf.Integer(m.P)
	}
	return d
}
