package pades

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/absah-id/absah/pdf"
)

// plan is a request that the document allows.
type plan struct {
	spec  SignatureSpec
	rev   *pdf.Revision
	field *Field // to fill; nil for a new one
	name  string // of a new field
	lock  *FieldMDP
	page  pdf.Ref // of a new field
	first bool    // no field of the document has a value yet

	earlier []*Signature // in the document
}

// newPlan tells whether [Prepare] would sign.
func newPlan(rev *pdf.Revision, spec SignatureSpec) (*plan, error) {
	if err := spec.normalise(); err != nil {
		return nil, err
	}
	if rev != rev.Document().Latest() {
		return nil, errors.New("signing an older revision")
	}
	p := &plan{spec: spec, rev: rev}
	if err := p.checkDynamic(); err != nil {
		return nil, err
	}
	t, err := readTree(rev)
	if err != nil {
		return nil, err
	}
	rules, err := readRules(rev, t)
	if err != nil {
		return nil, err
	}
	p.earlier = rules.list
	if err := p.checkKind(rules); err != nil {
		return nil, err
	}
	p.first = !slices.ContainsFunc(t.signatures, func(f Field) bool { return f.Filled })
	if spec.Field != "" {
		if p.field, err = t.find(spec.Field); err != nil {
			return nil, err
		}
	}
	if p.field != nil {
		return p, p.checkExisting(rules)
	}
	return p, p.checkNew(rules, t)
}

// checkDynamic refuses forms whose pages XFA draws (§12.7.8, deprecated): what
// is signed would not be what is shown.
func (p *plan) checkDynamic() error {
	catalog, err := p.rev.Catalog()
	if err != nil {
		return err
	}
	needs, _, err := pdf.Lookup[pdf.Boolean](p.rev, catalog, "NeedsRendering")
	if err != nil {
		return p.rev.Place(err, p.rev.Root())
	}
	if needs {
		return refuse("xfa-dynamic", "The pages of this document are drawn by an XFA form.")
	}
	return nil
}

// rules are the restrictions of all signatures together.
type rules struct {
	list      []*Signature // there are already
	certified int          // strictest P of DocMDP and lock dictionaries; 0 is none
	locks     []*FieldMDP
}

func readRules(rev *pdf.Revision, t *tree) (*rules, error) {
	list, err := signatures(rev.Document(), t.signatures)
	if err != nil {
		return nil, err
	}
	r := &rules{list: list}
	for _, s := range list {
		r.add(s)
	}
	p, err := permsP(rev)
	r.certified = strictest(r.certified, p)
	return r, err
}

// add joins the restrictions of one more signature.
func (r *rules) add(s *Signature) {
	r.certified = strictest(r.certified, s.DocMDP)
	for _, l := range []*FieldMDP{s.FieldMDP, s.Lock} {
		if l != nil {
			r.locks = append(r.locks, l)
			r.certified = strictest(r.certified, l.P)
		}
	}
}

// permsP is the P that the catalog's /Perms /DocMDP names (§12.8.6), which
// counts even if no field holds that signature; 1 when it cannot be read, 0
// when there is none.
func permsP(rev *pdf.Revision) (int, error) {
	catalog, err := rev.Catalog()
	if err != nil {
		return 0, err
	}
	perms, _, err := pdf.Lookup[pdf.Dict](rev, catalog, "Perms")
	if err != nil || !pdf.Present(perms["DocMDP"]) {
		return 0, rev.Place(err, rev.Root())
	}
	s := &Signature{}
	var ok bool
	s.Dict, ok, err = pdf.Lookup[pdf.Dict](rev, perms, "DocMDP")
	if err != nil || !ok {
		return 1, nil
	}
	s.readReferences(rev)
	if s.DocMDP == 0 {
		return 1, nil
	}
	return s.DocMDP, nil
}

// locked returns the first lock on a field.
func (r *rules) locked(name string) bool {
	for _, l := range r.locks {
		if l.Locks(name) {
			return true
		}
	}
	return false
}

// checkKind applies DocMDP to the request as a whole. Timestamps stay possible
// at P = 1: data for long-term validation is no change (Table 257).
func (p *plan) checkKind(r *rules) error {
	switch {
	case p.spec.Kind == KindDocTimestamp:
		return nil
	case p.spec.Certify != 0 && len(r.list) > 0:
		return refuse("not-first", "A certification must be the first signature, and the document has one already.")
	case p.spec.Certify != 0 && r.certified != 0:
		return refuse("certified", "The document is certified already.")
	case r.certified == 1:
		return refuse("certified-p1", "The document is certified and allows no changes.")
	}
	return nil
}

func (p *plan) checkExisting(r *rules) error {
	f := p.field
	switch {
	case f.Filled:
		return refuse("field-signed", "The field %q is signed already.", f.Name)
	case f.Ref == (pdf.Ref{}):
		return malformed("field-direct", "the field %q is not an indirect object", f.Name)
	case r.certified == 1:
		return refuse("certified-p1", "The document is certified and no field may be filled.")
	case r.locked(f.Name):
		return refuse("field-locked", "An earlier signature locks the field %q.", f.Name)
	case p.spec.Appearance != nil && f.Rect.Empty():
		return refuse("field-invisible", "The field %q has no area to show anything in.", f.Name)
	case f.Lock != nil && p.spec.LockFields != nil:
		return refuse("field-lock", "The field %q decides itself what it locks.", f.Name)
	}
	flags, _, err := pdf.Lookup[pdf.Integer](p.rev, f.dict, "Ff")
	if err != nil {
		return p.rev.Place(err, f.Ref)
	}
	if flags&1 != 0 {
		return refuse("field-locked", "The field %q is read-only.", f.Name)
	}
	if p.lock = p.spec.LockFields; f.Lock != nil {
		p.lock = f.Lock
	}
	return p.rev.Place(checkSeed(p.rev, f.dict, &p.spec), f.Ref)
}

// checkNew finds name and page of a new field. After a certification only an
// invisible one may be added: a visible one could cover what was certified.
// Timestamps ignore field locks, as they ignore P = 1.
func (p *plan) checkNew(r *rules, t *tree) error {
	a := p.spec.Appearance
	if a != nil && r.certified != 0 {
		return refuse("certified-visible", "The document is certified: a new signature can only be invisible.")
	}
	if a != nil && !validRect(a.Rect) {
		return errors.New("signature appearance without an area")
	}
	locked := func(name string) bool { return p.spec.Kind == KindSignature && r.locked(name) }
	switch p.name = p.spec.Field; {
	case strings.Contains(p.name, "."):
		return refuse("field-name", "The document has no field %q, and the name of a new one cannot contain a dot.", p.name)
	case p.name == "":
		for n := 1; ; n++ {
			p.name = "Signature" + strconv.Itoa(n)
			if t.names[p.name] == 0 && !locked(p.name) {
				break
			}
			if n > maxFields { // every name is locked: at most maxFields are taken
				return refuse("field-locked", "An earlier signature locks all fields.")
			}
		}
	case locked(p.name):
		return refuse("field-locked", "An earlier signature locks a field called %q.", p.name)
	}
	p.lock = p.spec.LockFields
	return p.choosePage()
}

// choosePage takes the page of the appearance; an invisible field belongs to
// the first one.
func (p *plan) choosePage() error {
	n := 1
	if a := p.spec.Appearance; a != nil {
		n = a.Page
	}
	var err error
	if n == -1 {
		if n, err = p.rev.PageCount(); err != nil {
			return err
		}
	}
	if n < 1 {
		return refuse("page-missing", "The document has no page %d.", n)
	}
	p.page, _, err = p.rev.Page(n - 1)
	if m, ok := errors.AsType[*pdf.MalformedError](err); ok && m.Rule == "page-missing" {
		return refuse("page-missing", "The document has no page %d.", n)
	}
	return err
}
