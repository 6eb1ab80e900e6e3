package pades_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// corpusRow is what these tests use of pdf.json.
type corpusRow struct {
	File       string `json:"file"`
	Class      string `json:"class"`
	Verdict    string `json:"expected_verdict"`
	Tier       int    `json:"tier"`
	Encrypted  bool   `json:"encrypted"`
	Signatures *int   `json:"n_sig_expected"`
}

// TestCorpusSignatures reads other people's signed files: the number of
// signatures is what their makers say, files they accept have no structural
// problem, and files they reject are never taken for unsigned.
func TestCorpusSignatures(t *testing.T) {
	b, err := os.ReadFile(testfile.Corpus(t, "pdf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, row := range rows {
		b, err := os.ReadFile(testfile.Corpus(t, "pdf", row.File))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openCorpus(b)
		if err != nil {
			continue // package pdf holds itself to the corpus
		}
		read++
		list, err := pades.Signatures(doc)
		if err != nil && row.Class == "accept" {
			t.Errorf("%s: %v", row.File, err)
		}
		if len(list) == 0 && err == nil && row.Verdict != "no_signature" {
			t.Errorf("%s: taken for unsigned", row.File)
		}
		if n := countPeople(list); row.Signatures != nil && *row.Signatures != n {
			t.Errorf("%s: %d signatures, want %d", row.File, n, *row.Signatures)
		}
		if row.Class == "accept" {
			checkAccepted(t, row.File, list)
		}
	}
	t.Logf("%d of %d files read", read, len(rows))
	if read < len(rows)*9/10 {
		t.Errorf("only %d of %d files could be opened", read, len(rows))
	}
}

func countPeople(list []*pades.Signature) int {
	n := 0
	for _, s := range list {
		if s.Kind == pades.KindSignature {
			n++
		}
	}
	return n
}

// knownProblems are those of files whose makers accept them all the same.
var knownProblems = map[string]string{
	"dss__DSS-2155.pdf": "contents-padding", // random bytes after the CMS
	"dss__signature-referenced-from-multiple-fields.pdf": "shared-value",
}

func checkAccepted(t *testing.T, file string, list []*pades.Signature) {
	t.Helper()
	for _, s := range list {
		got := strings.ReplaceAll(rules(s), "type-subfilter", "") // timestamps by old DSS
		if _, err := s.CMS(); err != nil {
			var m *pdf.MalformedError
			errors.As(err, &m)
			got += m.Rule
		}
		if got != knownProblems[file] {
			t.Errorf("%s: field %q: %q, want %q", file, s.Field, got, knownProblems[file])
		}
	}
}

// openCorpus tries the passwords that pyHanko's test files use.
func openCorpus(b []byte) (*pdf.Document, error) {
	for _, password := range []string{"usersecret", "ownersecret", "secret"} {
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{Password: []byte(password)})
		if !errors.Is(err, pdf.ErrPassword) {
			return doc, err
		}
	}
	return nil, pdf.ErrPassword
}
