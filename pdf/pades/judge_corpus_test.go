package pades_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
)

// stricter lists the files whose makers accept what does not pass here, with
// the clause or the reason.
var stricter = map[string]string{
	"dss__DSS-2155.pdf":                "ISO 32000-2 §12.8.3.3.1: after the CMS the Contents hold zero bytes only",
	"dss__DSS1376-rev_n.pdf":           "a visible signature field that is added after certification can cover what was certified",
	"dss__test-with-vri.pdf":           "ISO 32000-2 Table 259: FieldMDP of action All, and a field got another value",
	"dss__pades-lta-copied-doctst.pdf": "RFC 3161 §2.4.2: the document timestamp is over another digest",
	"dss__PAdES-LT.pdf":                "the certificate has a negative serial number and Go does not parse it",
	"pyHanko-tests__test_sign_reject_freed_False__041f59b8.pdf": "ISO 32000-2 Table 15: Root is required, and a later trailer has none",
	"pyHanko-tests__test_ed448_no_length__bac219bc.pdf":         "Go has no Ed448",
	"pyHanko-tests__test_ed448__b6f3be30.pdf":                   "Go has no Ed448",
	"pyHanko-tests__test_ed448_trust__d81bacaf.pdf":             "Go has no Ed448",
}

// elsewhere lists files that break rules which are not this package's.
var elsewhere = map[string]string{
	"pyHanko-tests__test_timestamp_wrong_type__b4004cd7.pdf":                          "an ordinary signature like those that are accepted; its test asked for a document timestamp",
	"pyHanko-tests__test_pades_multi_sig_timestamp_with_unknown_digest__11ac1494.pdf": "a signature timestamp with an imprint of unknown algorithm",
}

// TestCorpusChanges holds [pades.Judge] to other people's files: a file passes
// when it has signatures, all are intact, none breaks the structural gate or
// is violated later, and nothing later goes beyond forms. No file that its
// makers reject passes, and 98 of 100 that they accept do.
func TestCorpusChanges(t *testing.T) {
	b, err := os.ReadFile(testfile.Corpus(t, "pdf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, row := range rows {
		if row.Tier != 1 || row.Encrypted {
			continue
		}
		b, err := os.ReadFile(testfile.Corpus(t, "pdf", row.File))
		if err != nil {
			t.Fatal(err)
		}
		why := refusal(b)
		pass := why == ""
		count[fmt.Sprint(row.Class, pass)]++
		if pass == (row.Class == "accept") {
			t.Logf("%-7s %s: %s", row.Class, row.File, why)
			continue
		}
		switch {
		case pass && elsewhere[row.File] == "":
			t.Errorf("passes and must not: %s", row.File)
		case !pass && stricter[row.File] == "":
			t.Errorf("refused and should pass: %s: %s", row.File, why)
		}
	}
	t.Logf("accepted by their makers: %d of %d pass; rejected: %d of %d pass",
		count["accepttrue"], count["accepttrue"]+count["acceptfalse"], count["rejecttrue"], count["rejecttrue"]+count["rejectfalse"])
}

// TestAttackFiles holds the structural rows of the project's own attack catalogue
// against [pades.Judge]: what must fail as FORMAT_FAILURE has a finding, what
// must pass has none.
func TestAttackFiles(t *testing.T) {
	for _, a := range testfile.Attacks(t) {
		if strings.HasPrefix(a.ID, "M") || outside[a.Name] != "" {
			continue // the CMS is not looked at here
		}
		fails := a.Verdict[0] == "TOTAL-FAILED" && slices.Contains(a.SubIndication, "FORMAT_FAILURE")
		if !fails && a.Verdict[0] != "TOTAL-PASSED" {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			b := a.Bytes(t)
			doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
			if err != nil {
				if !fails {
					t.Error(err)
				}
				return
			}
			dj := judge(t, doc, pades.ChangePolicy{FormValues: a.Policy == "forms", SignatureOverlap: a.Policy == "forms"})
			bad := len(dj.Damage) > 0
			words := ""
			for _, j := range dj.Signatures {
				bad = bad || len(j.Structure) > 0 || len(j.Violations) > 0 || j.Level > diff.LevelForm
				words += " " + j.Signature.Field + ": " + said(j)
			}
			if len(dj.Signatures) == 0 && slices.Contains(a.Verdict, "NO_SIGNATURE") {
				return
			}
			if bad != fails {
				t.Errorf("%s (%s): got%s, want %v", a.What, a.Policy, words, a.Verdict)
			}
		})
	}
}

// outside lists attack files of whose fault this package does not judge.
var outside = map[string]string{
	"u29-two-fields":         "one signature in two fields is one signature, and a warning",
	"t06-type-sig":           "timestamps of some years ago look like this: a warning",
	"t06-signature-as-stamp": "the content is no timestamp token",
}

// refusal says why a file does not pass; "" when it does.
func refusal(b []byte) string {
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		return err.Error()
	}
	dj, err := pades.Judge(doc, pades.ChangePolicy{FormValues: true})
	if err != nil {
		return err.Error()
	}
	if len(dj.Signatures) == 0 {
		return "no signatures"
	}
	var why []string
	for _, f := range dj.Damage {
		why = append(why, "damage "+f.Code)
	}
	for _, j := range dj.Signatures {
		add := func(format string, args ...any) {
			s := j.Signature.Field + ": " + fmt.Sprintf(format, args...)
			if !slices.Contains(why, s) {
				why = append(why, s)
			}
		}
		for _, f := range j.Structure {
			add("G %s (%s)", f.Code, f.Text)
		}
		for _, f := range j.Violations {
			add("V %s (%s)", f.Code, f.Text)
		}
		for _, c := range j.Changes {
			if c.Level > diff.LevelForm {
				add("C %s %s at %s", c.Level, c.Rule, c.Path)
			}
		}
		if err := intact(doc, j.Signature); err != nil {
			add("not intact: %v", err)
		}
	}
	return strings.Join(why, "; ")
}

// intact checks digest and value of one signature or timestamp.
func intact(doc *pdf.Document, s *pades.Signature) error {
	der, err := s.CMS()
	if err != nil {
		return err
	}
	if s.Kind == pades.KindDocTimestamp {
		tok, err := tsp.ParseToken(der)
		if err != nil {
			return err
		}
		cert, err := tok.Signer()
		if err != nil {
			return err
		}
		if !tok.Hash.Available() {
			return errors.New("imprint algorithm")
		}
		h := tok.Hash.New()
		if _, err := io.Copy(h, s.SignedReader(doc)); err != nil {
			return err
		}
		r := tok.Check(tok.Hash, h.Sum(nil), cert)
		if r.Has(tsp.RuleImprint) {
			return errors.New("imprint")
		}
		return whole(r)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		return err
	}
	if len(sd.SignerInfos) == 0 {
		return errors.New("no signer")
	}
	if !sd.ContentType.Equal(cms.OIDData) {
		return errors.New("content type")
	}
	for _, si := range sd.SignerInfos {
		if err := intactSigner(doc, s, sd, si); err != nil {
			return err
		}
	}
	return nil
}

func intactSigner(doc *pdf.Document, s *pades.Signature, sd *cms.SignedData, si *cms.SignerInfo) error {
	cert, err := sd.Signer(si)
	if err != nil && cert == nil {
		return err
	}
	if !si.DigestAlgorithm.Available() {
		return errors.New("digest algorithm")
	}
	h := si.DigestAlgorithm.New()
	if _, err := io.Copy(h, s.SignedReader(doc)); err != nil {
		return err
	}
	if sd.Content != nil {
		return errors.New("content is not detached")
	}
	return whole(si.Check(cert, h.Sum(nil)))
}

func whole(r *cms.Result) error {
	if r.Digest != nil {
		return r.Digest
	}
	return r.Value
}
