package gateway_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/testdata"
)

// findings are the findings of the first examination of a file.
func (w *world) findings(ani gateway.Caller, file []byte) *dispute.Findings {
	w.tb.Helper()
	ref, _ := w.complain(ani, file)
	v, err := w.Case(w.tb.Context(), ani, ref.ID)
	if err != nil {
		w.tb.Fatal(err)
	}
	return v.Findings
}

func codes(f *dispute.Findings) (list []string) {
	for _, s := range f.Statements {
		list = append(list, s.Code)
	}
	return append(list, f.Conclusion.Code)
}

// TestReleaseIsFound: however often a file was looked at since, and whatever was
// appended to it, what released it is found.
func TestReleaseIsFound(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	w.released(testdata.Letter)
	for range 45 { // each is on record with the digest of the file
		w.wait(time.Minute)
		f := w.findings(ani, testdata.Letter)
		if !slices.Contains(codes(f), "file.identical") || len(f.Operations) != 1 {
			t.Fatalf("got %v about %v", codes(f), f.Operations)
		}
	}
	for _, tail := range []string{"\n", "\r\n", "% x\n"} {
		w.wait(time.Minute)
		if f := w.findings(ani, append(bytes.Clone(testdata.Letter), tail...)); slices.Contains(codes(f), "file.identical") || slices.Contains(codes(f), "file.unknown") {
			t.Errorf("%q: got %v", tail, codes(f))
		}
	}
}

// TestNobodysRecords: rows of the database that the log does not vouch for, and
// records that do not say that the gateway made the file, release nothing.
func TestNobodysRecords(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	put := func(kind string, vouched bool) {
		t.Helper()
		r := sealed(testdata.Letter)
		r.Kind = kind
		w.put(r, func(e *evidence.Entry, _ *gateway.Operation) {
			if !vouched {
				e.Receipt = nil
			}
		})
	}
	put("seal", false)
	put("case.download", true)
	if f := w.findings(ani, testdata.Letter); len(f.Operations) > 0 || !slices.Contains(codes(f), "file.unknown") {
		t.Errorf("got %v about %v", codes(f), f.Operations)
	}
	w.wait(time.Minute)
	put("seal", true)
	if f := w.findings(ani, testdata.Letter); len(f.Operations) != 1 || !slices.Contains(codes(f), "file.identical") {
		t.Errorf("got %v about %v", codes(f), f.Operations)
	}
}

// TestTooManyReleases: what is not looked at is said.
func TestTooManyReleases(t *testing.T) {
	w := newWorld(t)
	ani := w.at("ani", gateway.RoleInvestigator)
	for range 50 {
		w.released(testdata.Letter)
	}
	f := w.findings(ani, testdata.Letter)
	if got := codes(f); !slices.Contains(got, "log.more") || len(f.Operations) != 40 {
		t.Errorf("got %v about %d operations", got, len(f.Operations))
	}
}

// TestGuessesAreOnRecord: that a passphrase was wrong before a signature is what a
// record says, not what its row does.
func TestGuessesAreOnRecord(t *testing.T) {
	w := newWorld(t)
	refusal := func(signer, code string) evidence.Record {
		return evidence.Record{Kind: "sign", Signer: evidence.Signer{ID: signer}, Result: evidence.Result{Status: evidence.StatusRefused, Code: code}}
	}
	row := func(signer, code string) func(*evidence.Entry, *gateway.Operation) {
		return func(_ *evidence.Entry, o *gateway.Operation) { o.Signer, o.Code = signer, code }
	}
	for name, test := range map[string]struct {
		record evidence.Record
		change func(*evidence.Entry, *gateway.Operation)
		want   bool
	}{
		"as it was":       {refusal("bupati", "passphrase"), nil, true},
		"hidden":          {refusal("bupati", "passphrase"), row("bupati", "canceled"), true},
		"made up":         {refusal("bupati", "canceled"), row("bupati", "passphrase"), false},
		"another's":       {refusal("camat", "passphrase"), row("bupati", "passphrase"), false},
		"nobody's record": {refusal("bupati", "passphrase"), func(e *evidence.Entry, _ *gateway.Operation) { e.Receipt = nil }, false},
	} {
		if got, err := w.WrongPassphrase(t.Context(), w.put(test.record, test.change), "bupati"); err != nil || got != test.want {
			t.Errorf("%s: got %t, %v", name, got, err)
		}
	}
}
