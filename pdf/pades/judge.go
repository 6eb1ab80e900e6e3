package pades

import (
	"errors"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// Coverage says how much of the file a signature covers.
type Coverage int

// The values of Coverage.
const (
	CoveragePartial        Coverage = iota // its range ends within no revision's end
	CoverageEntireRevision                 // its revision and all before it
	CoverageEntireFile                     // every byte but its own Contents
)

// String returns "partial", "entire-revision" or "entire-file".
func (c Coverage) String() string {
	switch c {
	case CoverageEntireFile:
		return "entire-file"
	case CoverageEntireRevision:
		return "entire-revision"
	}
	return "partial"
}

// Finding is something that speaks against a signature, or a warning.
type Finding struct {
	Code  string // stable
	Text  string // one English sentence or clause, without personal data
	Limit bool   // a resource limit was hit: nothing is known, rather than bad
}

// Judgement is what the structure of the file and its later revisions say about
// one signature. It says nothing of the CMS in it.
type Judgement struct {
	Signature *Signature
	// Structure lists what breaks the structural gate. Anything in it makes
	// the signature fail as FORMAT_FAILURE, or leaves it undecided when it is
	// a Limit.
	Structure []Finding
	// Warnings are oddities that were tolerated.
	Warnings []Finding
	Coverage Coverage
	// SignedRevision is the 1-based index of the revision that it signs; 0
	// when its range ends elsewhere.
	SignedRevision int
	// Changes lists what the revisions after the signed one did, in order.
	Changes []diff.Change
	Level   diff.Level // the worst of Changes
	// Violations lists what this signature or an earlier one forbids and a
	// later revision did all the same: DocMDP, FieldMDP, field locks, and the
	// values of form fields when the policy refuses them.
	Violations []Finding
	// Unvouched lists what breaks no rule of the document and is still not what
	// was signed: what nobody but a document timestamp stands for, since some
	// programs make such timestamps visible, and fields that lay over the
	// contents when these were signed and show something there only now, and keys
	// that stand twice with different values before the signed revision.
	Unvouched []Finding
	// AddedSignatures names the fields of later signatures and timestamps. The
	// revisions that they sign are only explained when they are valid
	// themselves, which is for the caller to find out.
	AddedSignatures []string
}

// DocumentJudgement is the result of [Judge].
type DocumentJudgement struct {
	Signatures []*Judgement // in the order of [Signatures]
	// Orphans are signature dictionaries that no form field refers to. They
	// are no signatures.
	Orphans []pdf.Ref
	// Damage lists what keeps the form from being read whole: there may be
	// signatures that are not listed.
	Damage   []Finding
	Warnings []Finding // that belong to no one signature
}

// ChangePolicy is what the caller allows beyond the rules of the document. The
// zero value is the stricter one.
type ChangePolicy struct {
	// FormValues allows later values of form fields where DocMDP and locks do.
	FormValues bool
	// SignatureOverlap allows a later visible signature over the look of another.
	SignatureOverlap bool
	// DefaultDocMDP is the P, 1 to 3, that applies after a signature in a
	// document without DocMDP; 0 stands for 2.
	DefaultDocMDP int
}

// Judge applies the structural gate to every signature of doc and compares all
// consecutive revisions from the first signed one on.
//
// Hostile input gives a judgement, never an error: the error is one of reading
// the file. A limit that was hit is a Finding of every signature it leaves
// undecided.
func Judge(doc *pdf.Document, o ChangePolicy) (*DocumentJudgement, error) {
	list, err := Signatures(doc)
	dj := &DocumentJudgement{}
	if err != nil {
		if fatal(err) && !isLimit(err) {
			return nil, err
		}
		dj.Damage = append(dj.Damage, failure("form", err))
	}
	if list, err = addRemoved(doc, list, dj); err != nil {
		return nil, err
	}
	if len(list) == 0 && len(dj.Damage) == 0 {
		return dj, seekUnlisted(doc, dj)
	}
	g := &gate{doc: doc, audits: map[int][]pdf.Anomaly{}, ends: map[int][]pdf.Span{}, exact: map[int][]pdf.Anomaly{}, stray: map[int][]pdf.Head{}}
	for _, s := range list {
		j := &Judgement{Signature: s, SignedRevision: s.Revision, Structure: slices.Clone(dj.Damage)}
		if err := g.check(j); err != nil {
			return nil, err
		}
		if j.SignedRevision < len(doc.Revisions()) {
			g.lastJudged = max(g.lastJudged, j.SignedRevision)
		}
		dj.Signatures = append(dj.Signatures, j)
	}
	g.checkTogether(dj)
	found, err := judgeChanges(doc, dj, o)
	if err != nil {
		return nil, err
	}
	for _, j := range dj.Signatures {
		if err := g.twins(j, found); err != nil {
			return nil, err
		}
	}
	return dj, nil
}

func isLimit(err error) bool {
	_, ok := errors.AsType[*pdf.LimitError](err)
	return ok
}

// failure turns an error from reading hostile input into a finding.
func failure(code string, err error) Finding {
	if isLimit(err) {
		return Finding{Code: "resource-limit", Text: err.Error(), Limit: true}
	}
	return Finding{Code: code, Text: err.Error()}
}
