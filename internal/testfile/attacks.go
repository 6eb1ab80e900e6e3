package testfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Attack is a row of the attack catalogue in testdata/attacks: a file, how it
// is to be judged, and the verdict that it must get. The rows are written by
// hand in testdata/gen-attacks. Honest files that must pass are among them,
// under the ID "OK".
type Attack struct {
	// Name is unique; a file that is judged under two policies has two rows.
	Name string `json:"name"`
	// File is the name in testdata/attacks.
	File string `json:"file"`
	// ID and Clause are number and section in the catalogue, such as "U07" and
	// "1.2"; testdata/attacks/README.md says what they mean.
	ID     string `json:"id"`
	Clause string `json:"clause"`
	// What says what was done to the file.
	What string `json:"what"`
	// Policy is "gov" or "forms". All is judged offline, with AttackAnchors.
	Policy string `json:"policy"`
	// At is the moment of judgement.
	At time.Time `json:"at"`
	// Verdict lists the allowed verdicts of the file; the first is the
	// catalogue's.
	Verdict []string `json:"verdict"`
	// SubIndication lists the sub-indications of which one must stand at a
	// signature of the file when its verdict is not TOTAL-PASSED; nil allows
	// all.
	SubIndication []string `json:"subIndication"`
	// Signatures says what single fields must get.
	Signatures []AttackSignature `json:"signatures"`
	// Reason lists codes of which one must stand in the report, as a reason or
	// a warning; nil asks for none.
	Reason []string `json:"reason"`
	// Warns is set when the report must hold a warning or a reason although
	// the verdict is not a negative one.
	Warns bool `json:"warns"`
	// Claims are what foreign tools find in the file.
	Claims AttackClaims `json:"claims"`
	// Path is the absolute path of the file.
	Path string `json:"-"`
}

// AttackSignature is the verdict that one signature field must get.
type AttackSignature struct {
	Field         string   `json:"field"`
	Indication    []string `json:"indication"`
	SubIndication []string `json:"subIndication"`
}

// AttackClaims are facts that foreign tools confirm; "" is not asked.
type AttackClaims struct {
	// PDFSig is what pdfsig says of each signature in its order: valid,
	// mismatch, invalid, unverified, unsigned; or of the file: none, unreadable.
	PDFSig string `json:"pdfsig"`
	// QPDF is what qpdf --check says: clean, warnings or errors.
	QPDF string `json:"qpdf"`
	// Shows is text that the first or a later page shows.
	Shows string `json:"shows"`
}

// AttackAnswer is what a verifier said of an Attack.
type AttackAnswer struct {
	// Verdict is that of the file.
	Verdict string
	// Signatures holds one answer for each signature and timestamp field, with
	// one element in each list.
	Signatures []AttackSignature
	// Warned is set when there was any warning or reason.
	Warned bool
	// Reasons are the codes of all reasons and warnings.
	Reasons []string
}

// Faults compares an answer with what the row demands and says in words what
// is wrong with it; nil means that the answer is right.
func (a Attack) Faults(got AttackAnswer) []string {
	var out []string
	if !slices.Contains(a.Verdict, got.Verdict) {
		out = append(out, fmt.Sprintf("verdict %s, want one of %v", got.Verdict, a.Verdict))
	}
	if got.Verdict != "TOTAL-PASSED" && len(a.SubIndication) > 0 && !slices.ContainsFunc(got.Signatures, func(s AttackSignature) bool {
		return overlap(s.SubIndication, a.SubIndication)
	}) && len(got.Signatures) > 0 {
		out = append(out, fmt.Sprintf("signatures %v, want one with a sub-indication among %v", got.Signatures, a.SubIndication))
	}
	for _, want := range a.Signatures {
		if !slices.ContainsFunc(got.Signatures, func(s AttackSignature) bool {
			return s.Field == want.Field && overlap(s.Indication, want.Indication) &&
				(len(want.SubIndication) == 0 || overlap(s.SubIndication, want.SubIndication))
		}) {
			out = append(out, fmt.Sprintf("signatures %v, want %v among them", got.Signatures, want))
		}
	}
	if len(a.Reason) > 0 && !overlap(a.Reason, got.Reasons) {
		out = append(out, fmt.Sprintf("reasons %v, want one of %v", got.Reasons, a.Reason))
	}
	if a.Warns && !got.Warned {
		out = append(out, "no warning")
	}
	return out
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// Bytes reads the file.
func (a Attack) Bytes(tb testing.TB) []byte {
	tb.Helper()
	return read(tb, a.Path)
}

// Attacks lists the attack catalogue.
func Attacks(tb testing.TB) []Attack {
	tb.Helper()
	dec := json.NewDecoder(bytes.NewReader(read(tb, attackPath(tb, "expected.json"))))
	dec.DisallowUnknownFields()
	var out []Attack
	if err := dec.Decode(&out); err != nil {
		tb.Fatalf("expected.json: %v", err)
	}
	for i := range out {
		out[i].Path = attackPath(tb, out[i].File)
	}
	return out
}

// AttackAnchors returns the trust anchors that the catalogue is judged with, in
// PEM: one set for signers and OCSP responders, one for TSAs.
func AttackAnchors(tb testing.TB) (signers, tsas []byte) {
	tb.Helper()
	return read(tb, attackPath(tb, "trust.pem")), read(tb, attackPath(tb, "trust-tsa.pem"))
}

func attackPath(tb testing.TB, name string) string {
	tb.Helper()
	return filepath.Join(Root(tb), "testdata", "attacks", name)
}
