package verifier_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// attackRow is a row of testdata/attacks/expected.json: what one of our own
// attack files must get, written by hand from the catalogue of attacks.
type attackRow struct {
	Name          string    `json:"name"`
	File          string    `json:"file"`
	ID            string    `json:"id"`
	What          string    `json:"what"`
	Policy        string    `json:"policy"`
	At            time.Time `json:"at"`
	Verdict       []string  `json:"verdict"`
	SubIndication []string  `json:"subIndication"`
}

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

func TestAttacks(t *testing.T) {
	dir := filepath.Join(testfile.Root(t), "testdata", "attacks")
	table, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []attackRow
	if err := json.Unmarshal(table, &rows); err != nil {
		t.Fatal(err)
	}
	cfg := verifier.Config{Signers: anchors(t, dir, "trust.pem"), TSAs: anchors(t, dir, "trust-tsa.pem")}
	for _, row := range rows {
		if weighed[row.Name] != "" {
			row.Verdict, row.SubIndication = []string{"INDETERMINATE"}, []string{"SIG_CONSTRAINTS_FAILURE"}
		}
		if tolerated[row.Name] != "" {
			row.Verdict, row.SubIndication = []string{"TOTAL-PASSED"}, nil
		}
		t.Run(row.Name+"/"+row.Policy, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, row.File))
			if err != nil {
				t.Fatal(err)
			}
			cfg := cfg
			cfg.Policy = policy(t, row.Policy)
			r := verifyInput(t, cfg, verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: row.File}, row.At)
			if !slices.Contains(row.Verdict, string(r.Verdict)) || !concluded(r, row.SubIndication) {
				t.Errorf("%s %s: got %s, want %v %v", row.ID, row.What, summary(r), row.Verdict, row.SubIndication)
			}
		})
	}
}

// concluded reports that some signature has one of the sub-indications, where
// the verdict is one that has any.
func concluded(r *verifier.Report, subs []string) bool {
	if len(subs) == 0 || r.Verdict != verifier.TotalFailed && r.Verdict != verifier.VerdictUndetermined {
		return true
	}
	return slices.ContainsFunc(r.Signatures, func(s *verifier.Signature) bool { return slices.Contains(subs, string(s.Sub)) })
}

func anchors(tb testing.TB, dir, name string) *pki.Anchors {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		tb.Fatal(err)
	}
	a, err := pki.ParseAnchors(data)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}
