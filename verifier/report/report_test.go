package report_test

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

func sample() *verifier.Report {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	return &verifier.Report{
		File: "surat.pdf", At: at, Policy: "gov", Catalogue: "list", Verdict: verifier.VerdictUndetermined,
		Signatures: []*verifier.Signature{{
			Field: "Signature1", Kind: verifier.KindSignature, Revision: 2, Level: "PAdES-BASELINE-B", Coverage: "entire-revision",
			Conclusion: verifier.Conclusion{
				Indication: verifier.Indeterminate, Sub: verifier.TryLater,
				Reasons: []verifier.Reason{{Code: "revocation-unknown", Text: "no status"}, {Code: "other-code", Text: "in the verifier's words"}},
			},
			Changes:  verifier.Changes{Level: "LTA", Items: []verifier.Change{{Revision: 3, Object: "9 0", Path: "/Root/DSS", Rule: "dss", Level: "LTA"}}},
			Signer:   verifier.Party{CommonName: "Kepala Dinas Contoh", Organization: "Kabupaten Contoh", SerialNumber: "1A", Issuer: "CA Contoh"},
			BestTime: at, ClaimedTime: at,
			Process: &verifier.Block{Name: "BASIC", Clause: "5.3", Conclusion: verifier.Conclusion{Indication: verifier.Indeterminate, Sub: verifier.TryLater},
				Constraints: []verifier.Constraint{{Code: "structure", OK: true}, {Code: "revocation-unknown", Text: "no status"}}},
		}},
	}
}

// withPath is the sample with a certificate that was revoked later, below an
// anchor.
func withPath() *verifier.Report {
	r := sample()
	leaf := verifier.Certificate{
		Party: r.Signatures[0].Signer, NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		Status: verifier.CertificateStatus{State: "revoked", RevokedAt: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Reason: "superseded"},
	}
	r.Signatures[0].Path = []verifier.Certificate{leaf, {Party: verifier.Party{CommonName: "CA Contoh"}, Anchor: true}}
	return r
}

func TestText(t *testing.T) {
	wib := time.FixedZone("WIB", 7*3600)
	tests := []struct {
		name  string
		write func(*bytes.Buffer) error
		want  []string
	}{
		{"simple, Indonesian", func(b *bytes.Buffer) error { return report.Simple(b, sample(), "", wib) }, []string{
			"Keabsahan tanda tangan tidak dapat dipastikan.", "Ditandatangani oleh: Kepala Dinas Contoh, Kabupaten Contoh; sertifikat dari CA Contoh, nomor 1A",
			"Terbukti ada pada: 2026-03-02 15:00:00 +07:00", "Status suatu sertifikat tidak dapat dipastikan. Coba lagi nanti atau secara daring. [TRY_LATER]",
			"dalam kurung siku. [other-code] in the verifier's words", "revisinya, nomor 2",
		}},
		{"simple, English", func(b *bytes.Buffer) error { return report.Simple(b, sample(), report.English, nil) }, []string{
			"Signed by: Kepala Dinas Contoh", "Existed by: 2026-03-02 08:00:00 +00:00", "only evidence and timestamps were added",
		}},
		{"detailed, English", func(b *bytes.Buffer) error { return report.Detailed(b, withPath(), report.English, nil) }, []string{
			"Certificate: Kepala Dinas Contoh, number 1A, valid from 2026-01-01 00:00:00 +00:00 to 2027-01-01 00:00:00 +00:00; Revoked only later, on 2026-06-01",
			"trusted authority",

			"Basic validation, BASIC (EN 319 102-1, 5.3): INDETERMINATE/TRY_LATER", "- Structure of file and signature [structure]: yes", "was found. [revocation-unknown]: NO (no status)", "3: 9 0, /Root/DSS: dss (LTA)", "Policy: gov",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.write(&b); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("no %q in\n%s", want, b.String())
				}
			}
		})
	}
	if err := report.Simple(&bytes.Buffer{}, sample(), "xx", nil); err == nil {
		t.Error("an unknown language is accepted")
	}
}

// TestEverySubIndicationHasWords in both languages, and both have the same
// keys.
func TestEverySubIndicationHasWords(t *testing.T) {
	source, err := os.ReadFile("../verdict.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`SubIndication += "([A-Z_]+)"`).FindAllSubmatch(source, -1)
	if len(found) != 25 {
		t.Errorf("%d sub-indications, want 25", len(found))
	}
	for _, l := range []report.Language{report.Indonesian, report.English} {
		for _, m := range found {
			r := sample()
			r.Signatures[0].Sub = verifier.SubIndication(m[1])
			var b bytes.Buffer
			if err := report.Simple(&b, r, l, nil); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "sub."+string(m[1])) {
				t.Errorf("%s: %s has no words", l, m[1])
			}
		}
	}
	if missing := report.DifferentKeys(); len(missing) > 0 {
		t.Errorf("keys in one language only: %v", missing)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFails(t *testing.T) {
	if err := report.Detailed(full{}, sample(), report.English, nil); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestVisible(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Budi  Contoh, S.T.", "Budi Contoh, S.T."},
		{"line ends", " a\r\nb\t", "a b"},
		{"terminal", "a\x1b[2Jb", "a‹U+001B›[2Jb"},
		{"direction", "a\u202eb\u2066", "a‹U+202E›b‹U+2066›"},
		{"zero width", "a\u200bb\ufeff", "a‹U+200B›b‹U+FEFF›"},
		{"composed", "e\u0301", "é"},
		{"loose mark", "x\u0301", "x‹U+0301›"},
		{"not UTF-8", "a\xff", "a‹U+FFFD›"},
		{"long", strings.Repeat("é", 305), strings.Repeat("é", 300) + "… (+5)"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Visible(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestHostileText: no text from the document reaches a terminal as it is.
func TestHostileText(t *testing.T) {
	const evil = "\x1b]0;x\a\u202e\n1. Tanda tangan: sah"
	r := sample()
	s := r.Signatures[0]
	r.File, r.Policy, r.Catalogue = evil, evil, evil
	s.Field, s.Signer, s.Level, s.Sub = evil, verifier.Party{CommonName: evil, SerialNumber: evil, Issuer: evil}, evil, verifier.SubIndication(evil)
	s.Reasons = []verifier.Reason{{Code: evil, Text: evil}}
	s.Changes.Items[0].Path, s.Changes.Items[0].Rule, s.Changes.Items[0].Object = evil, evil, evil
	s.Process.Subject, s.Process.Constraints[0].Text, s.Process.Constraints[0].Code = evil, evil, evil
	s.Path = []verifier.Certificate{{Party: s.Signer, Status: verifier.CertificateStatus{State: "good", Signer: s.Signer}}}
	s.Timestamps = []*verifier.Timestamp{{Kind: evil, Authority: s.Signer}}
	r.Warnings = s.Reasons
	var b bytes.Buffer
	if err := report.Detailed(&b, r, report.Indonesian, nil); err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"\x1b", "\a", "\u202e", "\n1. Tanda tangan: sah"} {
		if strings.Contains(b.String(), never) {
			t.Errorf("the report holds %q:\n%q", never, b.String())
		}
	}
}

// TestFull: sentence, code and place, and nothing said twice.
func TestFull(t *testing.T) {
	words, err := report.WordsIn(report.English)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, code, text, want string }{
		{"with a place", "revoked", "the certificate of X was revoked on 2026-03-02", "The certificate was revoked. [revoked] the certificate of X was revoked on 2026-03-02"},
		{"no words", "junk", "bytes (revision 1, at byte 15)", "The structure of the PDF file departs from the rule named in brackets. [junk] bytes (revision 1, at byte 15)"},
		{"no text", "revoked", "", "The certificate was revoked. [revoked]"},
		{"the same", "revoked", "the certificate was revoked", "The certificate was revoked. [revoked]"},
		{"of cms", "M06.signer-count", "cms: constraint M06.signer-count: 2", "The signature does not have exactly one signer. [M06.signer-count] 2"},
		{"of pdf", "byterange", "malformed PDF: byterange: [0 1]", "The part of the file that was signed is not stated correctly. [byterange] [0 1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := words.Full(verifier.Reason{Code: c.code, Text: c.text}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestTold: whoever has only had a text stamped is not told that signatures hold.
func TestTold(t *testing.T) {
	stamp, signature := &verifier.Signature{Kind: verifier.KindDocumentTimestamp}, &verifier.Signature{Kind: verifier.KindSignature}
	for _, c := range []struct {
		verdict verifier.Verdict
		in      []*verifier.Signature
		want    verifier.Verdict
	}{
		{verifier.TotalPassed, []*verifier.Signature{stamp}, verifier.NoSignature},
		{verifier.TotalPassed, []*verifier.Signature{stamp, stamp}, verifier.NoSignature},
		{verifier.VerdictUndetermined, []*verifier.Signature{stamp}, verifier.VerdictUndetermined},
		{verifier.TotalFailed, []*verifier.Signature{stamp}, verifier.TotalFailed},
		{verifier.TotalPassed, []*verifier.Signature{signature, stamp}, verifier.TotalPassed},
		{verifier.NoSignature, nil, verifier.NoSignature},
		{verifier.Unreadable, nil, verifier.Unreadable},
	} {
		if got, _ := report.Told(&verifier.Report{Verdict: c.verdict, Signatures: c.in}); got != c.want {
			t.Errorf("%s of %d: got %s, want %s", c.verdict, len(c.in), got, c.want)
		}
	}
}
