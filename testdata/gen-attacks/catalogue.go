package main

import "slices"

// Verdicts of a file and of a signature, as "absah verify --json" spells them.
const (
	passed        = "TOTAL-PASSED"
	failed        = "TOTAL-FAILED"
	indeterminate = "INDETERMINATE"
	noSignature   = "NO_SIGNATURE"
	unreadable    = "UNREADABLE"
)

// attack is a row of the catalogue: a file and what a verifier must say of it.
// The verdicts are written by hand, from the standards and from what was
// published about the attack; none was taken from a verifier's answer.
type attack struct {
	// Name is unique; the file is Name.pdf, or that of another row, judged under
	// other options.
	Name string `json:"name"`
	File string `json:"file"`
	ID   string `json:"id"`
	What string `json:"what"`
	// Clause is the section of the catalogue: see readmeHead.
	Clause string `json:"clause"`
	Policy string `json:"policy"`
	At     string `json:"at"`
	// Verdict lists the answers that are allowed for the file. There are
	// several only where the catalogue leaves it open.
	Verdict []string `json:"verdict"`
	// SubIndication lists what is allowed for the signature that decides; with
	// none, any or nothing is allowed.
	SubIndication []string `json:"subIndication,omitempty"`
	// Signatures says more where a file has several.
	Signatures []wanted `json:"signatures,omitempty"`
	// Reason lists codes of which one must stand in the report: as the reason
	// of a file or signature, or as a warning of one that passes.
	Reason []string `json:"reason,omitempty"`
	// Warns is set when a file that passes must carry a warning or reason.
	Warns bool `json:"warns,omitempty"`
	// Claims are what other people's tools confirm.
	Claims claims `json:"claims"`

	build func() []byte
}

// wanted is the answer for one signature field.
type wanted struct {
	Field         string   `json:"field"`
	Indication    []string `json:"indication"`
	SubIndication []string `json:"subIndication,omitempty"`
}

// claims say what makes the file the attack it claims to be. PDFSig is what
// pdfsig finds, one word per signature in its order: valid, mismatch, invalid,
// unverified, unsigned; or of the file: none, unreadable. QPDF is what qpdf
// --check says: clean, warnings or errors. Shows is text on a page.
type claims struct {
	PDFSig string `json:"pdfsig,omitempty"`
	QPDF   string `json:"qpdf,omitempty"`
	Shows  string `json:"shows,omitempty"`
}

func row(name, id, what string, build func() []byte) *attack {
	return &attack{Name: name, File: name + ".pdf", ID: id, What: what, Policy: "gov", At: judgedAt, build: build}
}

func (a *attack) is(verdict string, sub ...string) *attack {
	a.SubIndication = append(a.SubIndication, sub...)
	return a.orElse([]string{verdict})
}

// orElse allows further verdicts after those that a row names.
func (a *attack) orElse(verdicts []string) *attack {
	for _, v := range verdicts {
		if !slices.Contains(a.Verdict, v) {
			a.Verdict = append(a.Verdict, v)
		}
	}
	return a
}

// malformed is the verdict of the structural gate and of forbidden changes.
func (a *attack) malformed() *attack { return a.is(failed, "FORMAT_FAILURE") }

func (a *attack) passes() *attack { return a.is(passed) }

func (a *attack) warned() *attack { a.Warns = true; return a }

func (a *attack) under(policy string) *attack { a.Policy = policy; return a }

func (a *attack) when(at string) *attack { a.At = at; return a }

// sees sets what pdfsig finds.
func (a *attack) sees(pdfsig string) *attack { a.Claims.PDFSig = pdfsig; return a }

func (a *attack) checks(qpdf string) *attack { a.Claims.QPDF = qpdf; return a }

func (a *attack) shows(text string) *attack { a.Claims.Shows = text; return a }

func (a *attack) signature(field, indication string, sub ...string) *attack {
	a.Signatures = append(a.Signatures, wanted{field, []string{indication}, sub})
	return a
}

// fooled claims, where a row says nothing else, that pdfsig finds every
// signature valid: the attack is one that digest and signature value survive.
func fooled(rows []*attack) []*attack {
	for _, a := range rows {
		if a.Claims.PDFSig == "" {
			a.sees("valid")
		}
	}
	return rows
}

// again judges the file of another row under other options.
func again(name string, of *attack) *attack {
	c := *of
	c.Name, c.Verdict, c.SubIndication, c.Signatures, c.build = name, nil, nil, nil, nil
	return &c
}

// catalogue returns every row, group by group.
func catalogue() []*attack {
	var out []*attack
	for _, g := range []struct {
		clause string
		qpdf   string // what qpdf says where a row does not
		rows   []*attack
	}{
		{"2", "clean", controls()}, {"1.2", "", forgeries()}, {"1.3", "", appended()}, {"1.4", "", wrapped()},
		{"1.5", "clean", slices.Concat(shadows(), completed(), copied(), prepared(), filled(), drawnBefore(), otherCatalogs(), unlooked())}, {"1.6", "clean", slices.Concat(certified(), additions(), covered(), removals())}, {"1.7", "", slices.Concat(differentials(), repairs(), coded())}, {"1.8", "clean", cmsAttacks()},
		{"1.9", "clean", timestamps()}, {"1.10", "clean", append(revocation(), vouching()...)}, {"1.11", "clean", paths()}, {"1.11", "clean", fooled(active())}, {"1.11", "", append(exhaustion(), readAgain()...)},
	} {
		for _, a := range g.rows {
			a.Clause, a.Reason = g.clause, reasonsFor(a)
			if a.Claims.QPDF == "" {
				a.checks(g.qpdf)
			}
			out = append(out, a)
		}
	}
	return out
}

// honest is a letter signed as it should be, with what a case bends.
func honest(s signing) *file {
	f := letter(nil, emptyCRL())
	f.sign(s)
	return f
}
