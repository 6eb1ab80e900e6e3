package pades

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// maxOrphanSearch bounds the objects that are read to find signature
// dictionaries without a field. They are no signatures; a warning about them
// is not worth more time.
const maxOrphanSearch = 20_000

// removed finds signatures that an earlier revision's form had and the latest
// has not, or has another one in its place: whoever takes a field away, empties
// it, or overwrites the dictionary in it must not make the document look
// unsigned, nor like one that only others signed.
//
// A signature signs the revision that it came with, and no two sign the same: it
// is sought in the revisions that none of the list signs.
func removed(doc *pdf.Document, list []*Signature) ([]*Signature, error) {
	signed := map[int]bool{}
	for _, s := range list {
		signed[s.Revision] = true
	}
	var more []*Signature
	visited, walked := 0, 0
	revs := doc.Revisions()
	for i := len(revs) - 2; i >= 0; i-- {
		if signed[i+1] {
			continue
		}
		t, err := readTree(revs[i])
		if err := onlyFatal(err); err != nil && !isLimit(err) {
			return nil, err
		}
		if walked += t.visited; walked > maxWalked {
			return more, overLimit("maxWalked", maxWalked)
		}
		fields := t.signatures
		for k := range fields {
			if visited++; visited > maxFields || len(list)+len(more) > maxSignatures {
				return more, overLimit("maxFields", maxFields)
			}
			f := &fields[k]
			if !f.Filled || slices.ContainsFunc(list, f.holds(revs[i])) || slices.ContainsFunc(more, f.holds(revs[i])) {
				continue
			}
			s, err := readSignature(doc, revs[i], f)
			if err != nil {
				return nil, err
			}
			if s.Dict == nil || !diff.LooksSigned(s.Dict) {
				continue
			}
			s.problem("removed", "a revision after %d took the signature away", i+1)
			more = append(more, s)
		}
	}
	return more, nil
}

// maxWalked bounds the fields of all unsigned revisions together: a form of a
// thousand fields may have been saved two hundred times.
const maxWalked = 500_000

// holds says whether the value of f in a revision is the signature s.
func (f *Field) holds(rev *pdf.Revision) func(s *Signature) bool {
	v, err := rev.Resolve(orNull(f.value))
	d, ok := v.(pdf.Dict)
	return func(s *Signature) bool {
		return s.Ref == f.Value && (err != nil || !ok || s.Dict == nil || pdf.Equal(s.Dict, d))
	}
}

// findOrphans lists the signature dictionaries of the latest revision that no
// field of the form refers to, by number. Where there are too many objects to
// look through it says so in the warnings.
func findOrphans(doc *pdf.Document, list []*Signature, dj *DocumentJudgement) error {
	known := map[uint32]bool{}
	for _, s := range list {
		known[s.Ref.Num] = true
	}
	seen := map[uint32]bool{}
	revs := doc.Revisions()
	for i := len(revs) - 1; i >= 0; i-- {
		for num, e := range revs[i].Entries() {
			if len(seen) > maxOrphanSearch {
				dj.Warnings = append(dj.Warnings, Finding{Code: "orphans-not-sought", Text: "too many objects to look for signatures without a field"})
				return nil
			}
			if seen[num] {
				continue
			}
			seen[num] = true
			if known[num] || e.Kind != pdf.EntryInUse {
				continue // §12.8.1: a signature is never compressed
			}
			ref := pdf.Ref{Num: num, Gen: e.Gen}
			o, err := doc.Latest().Object(ref)
			if err != nil {
				if fatal(err) && !isLimit(err) {
					return err
				}
				continue
			}
			if d, ok := o.(pdf.Dict); ok && pdf.Present(d["ByteRange"]) && pdf.Present(d["Contents"]) {
				dj.Orphans = append(dj.Orphans, ref)
			}
		}
	}
	slices.SortFunc(dj.Orphans, func(a, b pdf.Ref) int { return int(a.Num) - int(b.Num) })
	return nil
}

// maxUnlisted bounds the bytes of no object in which a signature is sought.
const maxUnlisted = 4 << 20

// seekUnlisted looks for a signature in the bytes that no cross-reference entry
// accounts for: whoever leaves a signed revision out of the chain must not make
// the document look unsigned either.
func seekUnlisted(doc *pdf.Document, dj *DocumentJudgement) error {
	for _, r := range doc.Revisions() {
		list, err := r.Audit()
		if isLimit(err) {
			dj.Warnings = append(dj.Warnings, failure("audit", err))
			return nil
		}
		if err != nil {
			return err
		}
		for _, a := range list {
			if a.Rule != "junk" {
				continue
			}
			b := make([]byte, min(maxUnlisted, r.End()-a.Offset))
			if err := readFull(doc.ReaderAt(), b, a.Offset); err != nil {
				return err
			}
			if bytes.Contains(b, []byte("/ByteRange")) {
				dj.Damage = append(dj.Damage, Finding{Code: "signature-unlisted", Text: fmt.Sprintf("revision %d has bytes from %d on that belong to no object and hold a signature", r.Index(), a.Offset)})
				return nil
			}
		}
	}
	return nil
}

// addRemoved lists the signatures that later revisions removed with the others,
// and warns of what was never one.
func addRemoved(doc *pdf.Document, list []*Signature, dj *DocumentJudgement) ([]*Signature, error) {
	if err := findOrphans(doc, list, dj); err != nil {
		return list, err
	}
	more, err := removed(doc, list)
	if isLimit(err) {
		dj.Damage = append(dj.Damage, failure("form", err))
	} else if err != nil {
		return list, err
	}
	for _, s := range more {
		dj.Orphans = slices.DeleteFunc(dj.Orphans, func(ref pdf.Ref) bool { return ref == s.Ref })
	}
	if len(more) > 0 {
		list = append(list, more...)
		slices.SortStableFunc(list, compareEnds)
	}
	if len(dj.Orphans) > 0 {
		dj.Warnings = append(dj.Warnings, Finding{Code: "orphan-signature", Text: "a signature dictionary that no form field refers to"})
	}
	return list, nil
}

// onlyFatal drops an error about hostile input, which the caller treats as
// something that is not there.
func onlyFatal(err error) error {
	if fatal(err) {
		return err
	}
	return nil
}
