package pades

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// maxOrphanSearch bounds the objects that are read to find signature
// dictionaries without a field. They are no signatures; a warning about them
// is not worth more time.
const maxOrphanSearch = 20_000

// removed finds signatures that an earlier revision's form had and the latest
// has not: whoever removes a field must not make the document look unsigned.
func removed(doc *pdf.Document, orphans []pdf.Ref) ([]*Signature, error) {
	var list []*Signature
	left := slices.Clone(orphans)
	visited := 0
	revs := doc.Revisions()
	for i := len(revs) - 2; i >= 0 && len(left) > 0; i-- {
		fields, err := Fields(revs[i])
		if err := onlyFatal(err); err != nil && !isLimit(err) {
			return nil, err
		}
		if visited += len(fields); visited > maxFields {
			return list, overLimit("maxFields", maxFields)
		}
		for k := range fields {
			f := &fields[k]
			at := slices.Index(left, f.Value)
			if !f.Filled || at < 0 || len(list) == maxSignatures {
				continue
			}
			left = slices.Delete(left, at, at+1)
			s, err := readSignature(doc, f)
			if err != nil {
				return nil, err
			}
			s.problem("removed", "revision %d took the field away", i+2)
			list = append(list, s)
		}
	}
	return list, nil
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
	if err := findOrphans(doc, list, dj); err != nil || len(dj.Orphans) == 0 {
		return list, err
	}
	more, err := removed(doc, dj.Orphans)
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
