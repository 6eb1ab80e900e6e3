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
		{"detailed, English", func(b *bytes.Buffer) error { return report.Detailed(b, sample(), report.English, nil) }, []string{
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
