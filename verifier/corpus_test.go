package verifier_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/verifier"
)

// corpusRow is a row of the table of third-party files (see
// ../shared/corpus/README.md).
type corpusRow struct {
	File           string  `json:"file"`
	Class          string  `json:"class"`
	Expected       string  `json:"expected_verdict"`
	Tier           int     `json:"tier"`
	Modification   string  `json:"modification"`
	Encrypted      bool    `json:"encrypted"`
	ValidationTime *string `json:"validation_time"`
	SourceTest     string  `json:"source_test"`
	Note           string  `json:"note"`
}

// exceptions are accept rows that do not pass, each with the clause that makes
// us stricter. docs/CONFORMANCE.md explains them.
var exceptions = map[string]string{
	"dss__DSS-2155.pdf":                "G4: bytes other than zero after the CMS",
	"dss__DSS1376-rev_n.pdf":           "C2: a visible signature field after certification",
	"dss__pades-lta-copied-doctst.pdf": "T04: a document timestamp copied from another file",
	"dss__pdf-double-signer-info.pdf":  "M06: two SignerInfos",
	"dss__test-with-vri.pdf":           "FieldMDP: a locked field was filled",
}

// twins are reject rows that no verifier of documents can refuse: what their
// test refuses is the call, not the file. Each stands beside an accept row that
// differs from it in what signing at another moment changes and in nothing
// else, so a rule that refused the one would refuse the other.
var twins = map[string]string{
	// upstream hands an ordinary signature to its function for document timestamps
	"pyHanko-tests__test_timestamp_wrong_type__b4004cd7.pdf": "pyHanko-tests__test_simple_sign__2d528c10.pdf",
}

// minAccepted is the share of accept rows that must pass. Each exception has
// the rule that makes us stricter.
const minAccepted = 0.98

// TestCorpus judges the files of other projects as docs/CONFORMANCE.md says:
// offline, without trust, by policy forms, at the moment that the row names. A
// file passes when it has signatures, all are intact, none is TOTAL-FAILED and
// nothing but evidence and form contents came later.
func TestCorpus(t *testing.T) {
	table, err := os.ReadFile(testfile.Corpus(t, "pdf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	if err := json.Unmarshal(table, &rows); err != nil {
		t.Fatal(err)
	}
	var accept, accepted, reject, rejected int
	began := time.Now()
	for _, row := range rows {
		if row.Tier != 1 || row.Encrypted {
			continue
		}
		r := verifyCorpus(t, row)
		ok := corpusPasses(r)
		switch row.Class {
		case "accept":
			accept++
			if ok {
				accepted++
				break
			}
			t.Logf("accept %-60s %s %s", row.File, summary(r), exceptions[row.File])
		case "reject":
			reject++
			if !ok {
				rejected++
				break
			}
			if twin := twins[row.File]; twin != "" {
				t.Logf("reject %-60s passes, as does its accepted twin %s", row.File, twin)
				break
			}
			t.Errorf("reject %-60s %s passes: %s; %s", row.File, row.Expected, summary(r), row.Modification)
		}
	}
	t.Logf("accept %d of %d, reject %d of %d, in %v", accepted, accept, rejected, reject, time.Since(began).Round(time.Millisecond))
	if float64(accepted) < minAccepted*float64(accept) {
		t.Errorf("%d of %d accept rows pass, want %.1f %%", accepted, accept, 100*minAccepted)
	}
}

// ofTheMoment is what signing the same document with the same key at another
// moment changes: the CMS, dates, the file identifier.
var ofTheMoment = regexp.MustCompile(`<30[0-9A-F]+>|D\\072[0-9]{14}Z|/ID \[[^]]*\]`)

func TestCorpusTwins(t *testing.T) {
	read := func(name string) (rest, signer []byte) {
		raw, err := os.ReadFile(filepath.Join(testfile.Corpus(t, "pdf"), name))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := pdf.Open(bytes.NewReader(raw), int64(len(raw)), pdf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sigs, err := pades.Signatures(doc)
		if err != nil || len(sigs) != 1 {
			t.Fatalf("%s: %d signatures, %v", name, len(sigs), err)
		}
		encoded, err := sigs[0].CMS()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := cms.Parse(encoded)
		if err != nil {
			t.Fatal(err)
		}
		return ofTheMoment.ReplaceAll(raw, []byte("*")), signed.RawCertificates[0]
	}
	for refused, accepted := range twins {
		a, certA := read(refused)
		b, certB := read(accepted)
		if !bytes.Equal(a, b) || !bytes.Equal(certA, certB) {
			t.Errorf("%s is no twin of %s", refused, accepted)
		}
	}
}

func verifyCorpus(t *testing.T, row corpusRow) *verifier.Report {
	t.Helper()
	path := filepath.Join(testfile.Corpus(t, "pdf"), row.File)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	if row.ValidationTime != nil {
		if at, err = time.Parse(time.RFC3339, *row.ValidationTime); err != nil {
			t.Fatalf("%s: %v", row.File, err)
		}
	}
	return verifyInput(t, verifier.Config{Policy: policy(t, "forms")}, verifier.Input{Reader: f, Size: info.Size(), Name: row.File}, at)
}

func corpusPasses(r *verifier.Report) bool {
	for _, s := range r.Signatures {
		if !s.Intact || s.Indication == verifier.Failed {
			return false
		}
		switch s.Changes.Level {
		case "NONE", "LTA", "FORM":
		default:
			return false
		}
	}
	return len(r.Signatures) > 0
}

func summary(r *verifier.Report) string {
	parts := []string{string(r.Verdict)}
	for _, why := range r.Reasons {
		parts = append(parts, why.Text)
	}
	for _, s := range r.Signatures {
		part := s.Field + " " + s.Conclusion.String() + " " + s.Changes.Level
		if !s.Intact {
			part += " not intact"
		}
		for _, why := range s.Reasons {
			part += " [" + why.Code + ": " + why.Text + "]"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
