package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Subject is what a disagreement is about.
type Subject string

// The subjects.
const (
	Integrity Subject = "integrity"
	Trust     Subject = "trust"
)

// Disagreement is a file on which two verifiers differ.
type Disagreement struct {
	// Tool is the other verifier.
	Tool string
	// File is the set and the name of the file, as "attacks/u07-altered".
	File string
	// Fields are those of the signatures that it is about.
	Fields []string
	About  Subject
	// Ours and Theirs are the two verdicts, OurWords and TheirWords what was
	// said.
	Ours, Theirs         Class
	OurWords, TheirWords string
}

// String is one line for people.
func (d Disagreement) String() string {
	return fmt.Sprintf("%s %s %s: we %s (%s), it %s (%s)",
		d.Tool, d.File, d.About, d.Ours, d.OurWords, d.Theirs, d.TheirWords)
}

// Compare lists where two verdicts of one file differ, in the order of the
// fields' names. Signatures on which they differ in the same way make one
// Disagreement, with the words about the first.
func Compare(tool, file string, ours, theirs Verdict) []Disagreement {
	theirs = theirs.named(ours)
	var out []Disagreement
	for _, field := range fields(ours, theirs) {
		a, b := ours.of(field), theirs.of(field)
		d := Disagreement{Tool: tool, File: file, Fields: []string{field}, OurWords: a.Why, TheirWords: b.Why}
		switch {
		case a.Integrity != b.Integrity:
			d.About, d.Ours, d.Theirs = Integrity, a.Integrity, b.Integrity
		case a.Integrity == Accepts && a.Trust != b.Trust:
			d.About, d.Ours, d.Theirs = Trust, a.Trust, b.Trust
		default:
			continue
		}
		same := func(o Disagreement) bool { return o.About == d.About && o.Ours == d.Ours && o.Theirs == d.Theirs }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].Fields = append(out[i].Fields, field)
		} else {
			out = append(out, d)
		}
	}
	return out
}

// fields are those of both, each once; the one without a name only when there
// is no other.
func fields(a, b Verdict) []string {
	all := map[string]Opinion{}
	maps.Copy(all, a.Signatures)
	maps.Copy(all, b.Signatures)
	if len(all) > 1 {
		delete(all, "")
	}
	return slices.Sorted(maps.Keys(all))
}

// named gives signatures that are known by their partial field name only (ISO
// 32000-2 §12.7.4.2) the full name that the other verdict has, where only one
// fits.
func (v Verdict) named(other Verdict) Verdict {
	out := Verdict{Signatures: map[string]Opinion{}, Why: v.Why}
	for field, o := range v.Signatures {
		var full []string
		for name := range other.Signatures {
			if strings.HasSuffix(name, "."+field) {
				full = append(full, name)
			}
		}
		if _, known := other.Signatures[field]; !known && len(full) == 1 {
			field = full[0]
		}
		out.Signatures[field] = o
	}
	return out
}
