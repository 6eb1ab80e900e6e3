package verifier_test

import (
	"bytes"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// weighed are attacks of which honest files in the corpus of third parties
// cannot be told apart: they never pass, but are INDETERMINATE with
// SIG_CONSTRAINTS_FAILURE instead of TOTAL-FAILED.
var weighed = map[string]string{
	"m05-signature-hash": "digest and signature algorithm disagree, yet both hold",
	"m05-pss":            "unusual parameters, yet the value holds",
	"t06-type-sig":       "what old writers made",
}

// tolerated are files of the catalogue that pass, by decision: its rows for
// them are recommendations.
var tolerated = map[string]string{
	"u29-two-fields": "honest files show one signature in two places; both stand in what it signs",
	"r22-loop":       "RFC 6960 §4.2.2.2.1: how a responder without nocheck and without addresses is checked is left to us",
}

// TestAttacks holds the verifier to the table of testdata/attacks, written by
// hand from the catalogue.
func TestAttacks(t *testing.T) {
	for _, a := range testfile.Attacks(t) {
		if weighed[a.Name] != "" {
			a.Verdict, a.SubIndication = []string{"INDETERMINATE"}, []string{"SIG_CONSTRAINTS_FAILURE"}
		}
		if tolerated[a.Name] != "" {
			a.Verdict, a.SubIndication, a.Reason = []string{"TOTAL-PASSED"}, nil, nil
		}
		t.Run(a.Name+"/"+a.Policy, func(t *testing.T) {
			b := a.Bytes(t)
			r := verifyInput(t, attackConfig(t, a.Policy), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: a.File}, a.At)
			for _, fault := range a.Faults(answer(r)) {
				t.Errorf("%s %s: %s; got %s", a.ID, a.What, fault, summary(r))
			}
		})
	}
}

// answer puts a report into the words of the table.
func answer(r *verifier.Report) testfile.AttackAnswer {
	out := testfile.AttackAnswer{Verdict: string(r.Verdict), Warned: len(r.Warnings)+len(r.Reasons) > 0}
	codes := func(lists ...[]verifier.Reason) {
		for _, list := range lists {
			for _, why := range list {
				out.Reasons = append(out.Reasons, why.Code)
			}
		}
	}
	codes(r.Reasons, r.Warnings)
	for _, s := range r.Signatures {
		codes(s.Reasons, s.Warnings)
		out.Warned = out.Warned || len(s.Warnings)+len(s.Reasons) > 0
		one := testfile.AttackSignature{Field: s.Field, Indication: []string{s.Indication.Total()}}
		if s.Sub != "" {
			one.SubIndication = []string{string(s.Sub)}
		}
		out.Signatures = append(out.Signatures, one)
	}
	return out
}

// TestCRLOfAnotherAnchor trusts the anchor of time-stamps for signers too. An
// authority below it with the name of another still says nothing about what that
// one issued (RFC 5280 §6.3.3 (f)).
func TestCRLOfAnotherAnchor(t *testing.T) {
	for _, a := range testfile.Attacks(t) {
		if a.Name != "r25-other-anchor" {
			continue
		}
		b := a.Bytes(t)
		cfg := attackConfig(t, a.Policy)
		cfg.Signers = pki.JoinAnchors(cfg.Signers, cfg.TSAs)
		r := verifyInput(t, cfg, verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: a.File}, a.At)
		if got, want := r.Signatures[0].Sub, verifier.TryLater; got != want {
			t.Errorf("got %s, want %s", summary(r), want)
		}
		return
	}
	t.Error("no such file")
}
