package etsi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report/etsi"
	"github.com/absah-id/absah/verifier/report/reporttest"
)

func write(tb testing.TB, r *verifier.Report) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := etsi.Write(&b, r, etsi.Options{Version: "test"}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// wellFormed parses the document and makes sure that identifiers are unique
// and that every reference leads somewhere; what the schema says is checked by
// "make interop".
func wellFormed(tb testing.TB, doc []byte) {
	tb.Helper()
	ids, refs := map[string]bool{}, []string{}
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tb.Fatalf("%v in\n%s", err, doc)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					tb.Errorf("two elements are called %s", a.Value)
				}
				ids[a.Value] = true
			case "VOReference":
				refs = append(refs, strings.Fields(a.Value)...)
			}
		}
	}
	for _, ref := range refs {
		if !ids[ref] {
			tb.Errorf("nothing is called %s", ref)
		}
	}
}

func TestWrite(t *testing.T) {
	tests := []struct {
		file string
		want []string
	}{
		{"ok-b-lta.pdf", []string{
			`<ValidationReport xmlns="http://uri.etsi.org/19102/v1.4.1#"`, "<MainIndication>urn:etsi:019102:mainindication:total-passed</MainIndication>",
			"<SignatureValidationProcessID>urn:etsi:019102:validationprocess:LTA<", "<ObjectType>urn:etsi:019102:validationObject:OCSPResponse<|<ObjectType>urn:etsi:019102:validationObject:CRL<",
			"<ObjectType>urn:etsi:019102:validationObject:timestamp<", "<POEProvisioning>", "<PAdESFieldName>", "<TrustAnchor VOReference=",
			"<SubFilterElement>ETSI.CAdES.detached<", "<ByteRange>0 ", "<FormalPolicyURI>urn:absah:policy:gov<",
		}},
		{"u07-altered.pdf", []string{"mainindication:total-failed<", "subindication:HASH_FAILURE<", "urn:absah:reason:digest<", "urn:absah:constraint:CV:digest<"}},
		{"r18-revoked.pdf", []string{"mainindication:indeterminate<", "subindication:REVOKED_NO_POE<", "<RevocationTime>20", "urn:etsi:019102:revocationReason:"}},
		{"ok-two.pdf", []string{`SignatureIdentifier id="signature-1"`, `SignatureIdentifier id="signature-2"`}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			r := reporttest.AttackFile(t, tt.file)
			got := write(t, r)
			wellFormed(t, got)
			for _, want := range tt.want {
				if !regexp.MustCompile(want).Match(got) {
					t.Errorf("no %s in\n%s", want, got)
				}
			}
			if again := write(t, r); !bytes.Equal(got, again) {
				t.Error("the same report gives other bytes")
			}
		})
	}
}

// TestEveryAttack: whatever the file, the report is in order and says of each
// signature what the verdict says.
func TestEveryAttack(t *testing.T) {
	main := regexp.MustCompile(`(?s)<SignatureValidationReport>.*?\n    <SignatureValidationStatus>\s*<MainIndication>([^<]*)<`)
	for _, a := range testfile.Attacks(t) {
		r := reporttest.Attack(t, a)
		got := write(t, r)
		wellFormed(t, got)
		passed := 0
		for _, m := range main.FindAllSubmatch(got, -1) {
			if string(m[1]) == "urn:etsi:019102:mainindication:total-passed" {
				passed++
			}
		}
		want := 0
		for _, s := range r.Signatures {
			if s.Kind == verifier.KindSignature && s.Indication == verifier.Passed {
				want++
			}
		}
		if passed != want {
			t.Errorf("%s: %d signatures passed, want %d", a.File, passed, want)
		}
	}
}

func TestWithoutSignature(t *testing.T) {
	tests := []struct {
		name string
		r    *verifier.Report
		want string
	}{
		{"none", &verifier.Report{File: "a.pdf", Verdict: verifier.NoSignature}, "urn:cef:dss:mainindication:noSignatureFound"},
		{"unreadable", &verifier.Report{File: "a.pdf", Verdict: verifier.Unreadable, Reasons: []verifier.Reason{{Code: "header", Text: "no header"}}},
			"urn:etsi:019102:mainindication:indeterminate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := write(t, tt.r)
			wellFormed(t, got)
			if !bytes.Contains(got, []byte("<MainIndication>"+tt.want+"<")) {
				t.Errorf("no %s in\n%s", tt.want, got)
			}
		})
	}
}

// TestHostileText: names that XML cannot hold, and those that look like XML.
func TestHostileText(t *testing.T) {
	text := "</Signer>\x00\x01\ufffe\u202e" + strings.Repeat("Ä", 10_000) + "\xff]]>&amp;"
	r := reporttest.AttackFile(t, "ok-b-b.pdf")
	r.File, r.Catalogue, r.Policy = text, text, text
	s := r.Signatures[0]
	s.Field, s.SubFilter, s.Signer = text, text, verifier.Party{CommonName: text, Organization: text}
	s.Material.Name, s.Material.Reason, s.Material.Filter = text, text, text
	s.Indication, s.Sub = verifier.Indeterminate, verifier.SubIndication(text)
	s.Reasons = []verifier.Reason{{Code: text, Text: text}}
	s.Changes.Items = []verifier.Change{{Path: text, Rule: text}}
	s.BestTime, s.ClaimedTime = time.Time{}, time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	got := write(t, r)
	wellFormed(t, got)
	if bytes.Contains(got, []byte{0}) || bytes.Contains(got, []byte("<SigningTime Signed=\"true\"><Time>12026")) {
		t.Error("text that XML cannot hold")
	}
}

func TestLargeObject(t *testing.T) {
	r := reporttest.AttackFile(t, "ok-b-lt.pdf")
	crl := make([]byte, 1<<20)
	r.Signatures[0].Path[0].Status.Evidence = crl
	got := write(t, r)
	if len(got) > 1<<20 {
		t.Errorf("%d bytes: a large list is embedded", len(got))
	}
	sum := sha256.Sum256(crl)
	if !bytes.Contains(got, []byte(base64Of(sum[:]))) {
		t.Error("no digest of the list")
	}
}

func TestValidator(t *testing.T) {
	var b bytes.Buffer
	if err := etsi.Write(&b, reporttest.AttackFile(t, "ok-b-b.pdf"), etsi.Options{Validator: []byte("certificate")}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte("<tsl:X509Certificate>"+base64Of([]byte("certificate"))+"<")) {
		t.Error("the validator is not named")
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFails(t *testing.T) {
	if err := etsi.Write(full{}, &verifier.Report{}, etsi.Options{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
