package pades

import (
	"fmt"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// judgeChanges compares the revisions after the first signed one and gives
// every signature its part.
func judgeChanges(doc *pdf.Document, dj *DocumentJudgement, o ChangePolicy) (*diff.Result, error) {
	revs := doc.Revisions()
	first := len(revs)
	for _, j := range dj.Signatures {
		if j.SignedRevision > 0 {
			first = min(first, j.SignedRevision)
		}
	}
	found, err := diff.Compare(doc, first)
	if err != nil {
		return nil, err
	}
	locks := readLocks(dj)
	for _, j := range dj.Signatures {
		if found.Undecided != nil {
			j.Structure = append(j.Structure, failure("structure", found.Undecided))
		}
		if j.SignedRevision == 0 {
			j.Level = diff.LevelOther // nobody knows what changed since
			continue
		}
		for i, c := range found.Changes {
			if c.Revision > j.SignedRevision {
				j.Changes = found.Changes[i:len(found.Changes):len(found.Changes)]
				break
			}
		}
		for _, c := range j.Changes {
			j.Level = max(j.Level, c.Level)
		}
		j.restrict(dj, locks, o)
		for _, later := range dj.Signatures {
			if later.SignedRevision > j.SignedRevision {
				j.AddedSignatures = append(j.AddedSignatures, later.Signature.Field)
			}
		}
	}
	return found, nil
}

// restrict lists what the signature or an earlier one forbids.
func (j *Judgement) restrict(dj *DocumentJudgement, locks []lock, o ChangePolicy) {
	if len(j.Changes) == 0 {
		return
	}
	var r rules
	for _, s := range dj.Signatures {
		if s.SignedRevision != 0 && s.SignedRevision <= j.SignedRevision {
			r.add(s.Signature)
		}
	}
	p := r.certified
	if p == 0 {
		p = o.DefaultDocMDP
	}
	if p < 1 || p > 3 {
		p = 2
	}
	locked := func(name string) bool {
		for i := range locks {
			if locks[i].from <= j.SignedRevision && locks[i].covers(name) {
				return true
			}
		}
		return false
	}
	vouched, stamped := 0, 0 // the last revision that a signature covers, or a timestamp
	for _, s := range dj.Signatures {
		if s.Signature.Kind == KindSignature {
			vouched = max(vouched, s.SignedRevision)
		} else {
			stamped = max(stamped, s.SignedRevision)
		}
	}
	for i := range j.Changes {
		c := &j.Changes[i]
		code, text := forbids(c, p, r.certified != 0, o)
		if code == "" && touchesField[c.Effect] && locked(c.Field) {
			code, text = "field-locked", fmt.Sprintf("the field %q is locked", pdf.Printable(c.Field))
		}
		if code == "" && (c.Effect == diff.AddsVisible || c.Effect == diff.NeedsSigner) && c.Revision > vouched {
			code, text = "unsigned-change", fmt.Sprintf("%s at %s, and no later signature covers it", c.Rule, c.Path)
			if c.Revision <= stamped {
				j.Unvouched = append(j.Unvouched, Finding{Code: code, Text: fmt.Sprintf("revision %d: %s", c.Revision, text)})
				continue
			}
		}
		if code == "" && c.Effect == diff.FillsOver {
			j.Unvouched = append(j.Unvouched, Finding{Code: "filled-over-content",
				Text: fmt.Sprintf("revision %d: the field %q now shows something over the page: %s", c.Revision, pdf.Printable(c.Field), c.Text)})
		}
		if code != "" {
			j.Violations = append(j.Violations, Finding{Code: code, Text: fmt.Sprintf("revision %d: %s", c.Revision, text)})
		}
	}
}

// touchesField are the effects that a lock of the field forbids.
var touchesField = map[diff.Effect]bool{diff.SetsValue: true, diff.FillsSignature: true, diff.NeedsSigner: true}

// forbids names the rule that a change breaks under permission p (Table 257),
// "" when it breaks none.
func forbids(c *diff.Change, p int, certified bool, o ChangePolicy) (code, text string) {
	switch {
	case c.Level <= diff.LevelLTA:
		return "", ""
	case p == 1:
		return "docmdp", fmt.Sprintf("%s although the document allows no changes", c.Rule)
	case c.Level == diff.LevelAnnotation && p < 3:
		return "docmdp", fmt.Sprintf("%s although annotations may not change", c.Rule)
	case c.Level == diff.LevelOther:
		text = fmt.Sprintf("%s at %s", c.Rule, c.Path)
		if c.Text != "" {
			text += ": " + c.Text
		}
		return "change", text
	case c.Effect == diff.AddsVisible && certified:
		return "certified-visible", "a visible signature field came after the certification"
	case c.Effect == diff.CoversContent:
		return "covers-content", fmt.Sprintf("the new signature field %q lies over the page: %s", pdf.Printable(c.Field), c.Text)
	case c.Effect == diff.CoversSignature && !o.SignatureOverlap:
		return "covers-content", fmt.Sprintf("the new signature field %q lies over another: %s", pdf.Printable(c.Field), c.Text)
	case c.Effect == diff.SetsValue && !o.FormValues:
		return "form-values", fmt.Sprintf("the field %q got another value", pdf.Printable(c.Field))
	}
	return "", ""
}

// lock is a FieldMDP or lock dictionary made ready for many questions.
type lock struct {
	from   int // the signed revision
	action pdf.Name
	names  map[string]bool
}

func readLocks(dj *DocumentJudgement) []lock {
	var list []lock
	for _, j := range dj.Signatures {
		if j.SignedRevision == 0 {
			continue
		}
		for _, m := range []*FieldMDP{j.Signature.FieldMDP, j.Signature.Lock} {
			if m == nil {
				continue
			}
			l := lock{from: j.SignedRevision, action: m.Action, names: make(map[string]bool, len(m.Fields))}
			for _, f := range m.Fields {
				l.names[f] = true
			}
			list = append(list, l)
		}
	}
	return list
}

// covers is [FieldMDP.Locks].
func (l *lock) covers(name string) bool {
	named := l.names[name]
	for i := 0; i < len(name) && !named; i++ {
		named = name[i] == '.' && l.names[name[:i]]
	}
	switch l.action {
	case "Include":
		return named
	case "Exclude":
		return !named
	}
	return true
}
