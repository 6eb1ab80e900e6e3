package pades

import (
	"fmt"

	"github.com/absah-id/absah/pdf"
)

// judgeChanges compares the revisions after the first signed one and gives
// every signature its part.
func judgeChanges(doc *pdf.Document, dj *DocumentJudgement, o ChangePolicy) error {
	revs := doc.Revisions()
	first := len(revs)
	for _, j := range dj.Signatures {
		if j.SignedRevision > 0 {
			first = min(first, j.SignedRevision)
		}
	}
	d := &differ{doc: doc}
	broken, err := d.run(revs, first)
	if err != nil {
		return err
	}
	dj.Warnings = append(dj.Warnings, d.warnings...)
	for _, j := range dj.Signatures {
		if broken != nil {
			j.Structure = append(j.Structure, *broken)
		}
		if j.SignedRevision == 0 {
			j.Level = ChangeOther // nobody knows what changed since
			continue
		}
		for i, c := range d.changes {
			if c.Revision > j.SignedRevision {
				j.Changes = d.changes[i:len(d.changes):len(d.changes)]
				break
			}
		}
		for _, c := range j.Changes {
			j.Level = max(j.Level, c.Level)
		}
		j.restrict(dj, o)
		for _, later := range dj.Signatures {
			if later.SignedRevision > j.SignedRevision {
				j.AddedSignatures = append(j.AddedSignatures, later.Signature.Field)
			}
		}
	}
	return nil
}

// run compares all revisions from first on. What keeps it from finishing, but
// for an error of reading, is a finding of every signature that has later
// revisions.
func (d *differ) run(revs []*pdf.Revision, first int) (*Finding, error) {
	if first >= len(revs) {
		return nil, nil
	}
	err := d.begin(revs[first-1])
	for _, r := range revs[first:] {
		if err != nil {
			break
		}
		err = d.compare(r)
	}
	if err == nil {
		return nil, nil
	}
	if fatal(err) && !isLimit(err) {
		return nil, err
	}
	f := failure("structure", err)
	return &f, nil
}

// restrict lists what the signature or an earlier one forbids.
func (j *Judgement) restrict(dj *DocumentJudgement, o ChangePolicy) {
	if len(j.Changes) == 0 {
		return
	}
	var r rules
	for _, s := range dj.Signatures {
		if s.SignedRevision == 0 || s.SignedRevision > j.SignedRevision {
			continue
		}
		r.add(s.Signature)
	}
	p := r.certified
	if p == 0 {
		p = o.DefaultDocMDP
	}
	if p < 1 || p > 3 {
		p = 2
	}
	for i := range j.Changes {
		if code, text := r.forbids(&j.Changes[i], p, o); code != "" {
			j.Violations = append(j.Violations, Finding{Code: code, Text: fmt.Sprintf("revision %d: %s", j.Changes[i].Revision, text)})
		}
	}
}

// forbids names the rule that a change breaks under permission p (Table 257);
// "" when it breaks none.
func (r *rules) forbids(c *Change, p int, o ChangePolicy) (code, text string) {
	fills := c.effect == effectValue || c.effect == effectFill
	switch {
	case c.Level <= ChangeLTA:
		return "", ""
	case p == 1:
		return "docmdp", fmt.Sprintf("%s although the document allows no changes", c.Rule)
	case c.Level == ChangeAnnotation && p < 3:
		return "docmdp", fmt.Sprintf("%s although annotations may not change", c.Rule)
	case c.Level == ChangeOther:
		return "change", fmt.Sprintf("%s at %s", c.Rule, c.Path)
	case c.effect == effectAddVisible && r.certified != 0:
		return "certified-visible", "a visible signature field came after the certification"
	case fills && r.locked(c.field):
		return "field-locked", fmt.Sprintf("the field %q is locked", clean(c.field))
	case c.effect == effectValue && !o.FormValues:
		return "form-values", fmt.Sprintf("the field %q got another value", clean(c.field))
	}
	return "", ""
}
