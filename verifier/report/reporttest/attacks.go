package reporttest

import (
	"bytes"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// Attack verifies a file of the attack catalogue under the policy and at the
// moment of its row, offline.
func Attack(tb testing.TB, a testfile.Attack) *verifier.Report {
	tb.Helper()
	signers, tsas := testfile.AttackAnchors(tb)
	cfg := verifier.Config{}
	var err error
	if cfg.Policy, err = verifier.PolicyNamed(a.Policy); err != nil {
		tb.Fatal(err)
	}
	if cfg.Signers, err = pki.ParseAnchors(signers); err != nil {
		tb.Fatal(err)
	}
	if cfg.TSAs, err = pki.ParseAnchors(tsas); err != nil {
		tb.Fatal(err)
	}
	v, err := verifier.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	b := a.Bytes(tb)
	r, err := v.Verify(tb.Context(), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: a.File}, a.At)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// AttackFile is Attack for the first row of a file.
func AttackFile(tb testing.TB, file string) *verifier.Report {
	tb.Helper()
	for _, a := range testfile.Attacks(tb) {
		if a.File == file {
			return Attack(tb, a)
		}
	}
	tb.Fatalf("no attack file is called %s", file)
	return nil
}
