package dispute_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/verifier"
)

const (
	fileSum  = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"
	otherSum = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"
)

// signature is a good one over the first 2000 bytes.
func signature(change func(*verifier.Signature)) *verifier.Signature {
	s := &verifier.Signature{
		Field: "Signature1", Kind: verifier.KindSignature, Revision: 2, Intact: true, End: 2000, BestTime: at(-1),
		Signer: verifier.Party{CommonName: "Bupati Contoh", Issuer: "CA Contoh", SerialNumber: "0a"},
		Proof:  verifier.POE{Time: at(-1), By: &verifier.Timestamp{Authority: verifier.Party{CommonName: "TSA Contoh"}}},
		Path: []verifier.Certificate{{Status: verifier.CertificateStatus{
			State: "good", OCSP: true, ThisUpdate: at(-1), Evidence: []byte("ocsp"),
		}}},
	}
	s.Indication, s.Changes.Level = verifier.Passed, "NONE"
	if change != nil {
		change(s)
	}
	return s
}

func judged(v verifier.Verdict, s ...*verifier.Signature) *verifier.Report {
	return &verifier.Report{Verdict: v, Signatures: s}
}

func trace(r dispute.Relation, change func(*dispute.Trace)) dispute.Trace {
	t := dispute.Trace{
		Relation: r, Operation: "0190-op", Kind: "sign", From: 1000, Size: 3000, At: at(-1), Application: "e-office", Address: "10.0.0.7",
		Authorisation: "passphrase", Signer: "Bupati Contoh", OutputSHA256: fileSum, Leaf: otherSum, Index: 41,
	}
	if change != nil {
		change(&t)
	}
	return t
}

// TestFindings has one row for each story; want lists codes that must be
// there, without those that must not.
func TestFindings(t *testing.T) {
	passed := judged(verifier.TotalPassed, signature(nil))
	for _, test := range []struct {
		name          string
		x             dispute.Examination
		want, without []string
		conclusion    string
	}{
		{"nothing", dispute.Examination{}, []string{"file.none"}, nil, "no-file"},
		{"repudiated, and signed here", dispute.Examination{
			Kind: dispute.Repudiation, FileSHA256: fileSum, Report: passed, Traces: []dispute.Trace{trace(dispute.Released, nil)},
			Failures: []dispute.Failures{{Signer: "Bupati Contoh", Hours: 24}},
		}, []string{"file.identical", "signature.passed", "signature.time", "certificate.good", "signature.unchanged", "signature.asked", "signature.passphrase", "signature.no-failures", "log.included"},
			[]string{"signature.elsewhere", "signature.failures"}, "signed-here"},
		{"after guessing", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Traces: []dispute.Trace{trace(dispute.Released, nil)},
			Failures: []dispute.Failures{{Signer: "Bupati Contoh", N: 2, Hours: 24}, {Signer: "Sekda", N: 9}},
		}, []string{"signature.failures"}, []string{"signature.no-failures"}, "signed-here"},
		{"an activation, a named user, not in the tree yet", dispute.Examination{
			FileSHA256: fileSum, Report: passed,
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Authorisation, t.User, t.Index = "activation", "siti", -1 })},
		}, []string{"signature.activation", "signature.user", "log.waiting"}, []string{"signature.passphrase", "log.included"}, "signed-here"},
		{"a seal", dispute.Examination{
			FileSHA256: fileSum, Report: passed,
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Kind, t.Authorisation = "seal", "resident-key" })},
		}, []string{"signature.resident-key"}, []string{"signature.passphrase"}, "sealed-here"},
		{"changed after it was signed", dispute.Examination{
			FileSHA256: fileSum, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				s.Indication = verifier.Failed
				s.Changes = verifier.Changes{Level: "OTHER", Items: []verifier.Change{{Object: "4 0", Level: "OTHER"}, {Object: "9 0", Level: "LTA"}}}
			})),
		}, []string{"file.extended", "signature.failed", "signature.changed", "signature.asked"}, []string{"signature.unchanged"}, "altered"},
		{"a byte inside was changed", dispute.Examination{
			FileSHA256: fileSum, Traces: []dispute.Trace{trace(dispute.Copied, nil)},
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) { s.Indication, s.Intact = verifier.Failed, false })),
		}, []string{"file.copied", "signature.broken"}, []string{"signature.asked"}, "copied"},
		{"a forged letter with a valid QR", dispute.Examination{
			Kind: dispute.Authenticity, FileSHA256: fileSum, Report: judged(verifier.NoSignature),
			Registered: &dispute.Registered{ID: "abc", Nomor: "4/2026", Tanggal: "2026-01-02", Status: "valid", Match: "none"},
		}, []string{"file.unknown", "file.unsigned", "qr.none"}, nil, "forged-qr"},
		{"a QR code of nobody", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Registered: &dispute.Registered{ID: "abc"}},
			[]string{"qr.unknown"}, nil, "forged-qr"},
		{"the paper's QR, without a file", dispute.Examination{Registered: &dispute.Registered{ID: "abc", Nomor: "4/2026", Tanggal: "2026-01-02", Status: "withdrawn"}},
			[]string{"qr.registered", "qr.status-withdrawn"}, nil, "no-file"},
		{"the registered document", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Traces: []dispute.Trace{trace(dispute.Released, nil)},
			Registered: &dispute.Registered{ID: "abc", Nomor: "4/2026", Tanggal: "2026-01-02", Status: "valid", Match: "latest"},
		}, []string{"qr.latest"}, []string{"qr.none"}, "signed-here"},
		{"stolen before", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: passed, Traces: []dispute.Trace{trace(dispute.Released, nil)}, LossAt: at(-3), ReceivedAt: at(0),
		}, []string{"loss.after", "signature.passphrase"}, []string{"loss.before"}, "after-loss"},
		{"stolen afterwards", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: passed, Traces: []dispute.Trace{trace(dispute.Released, nil)}, LossAt: at(0), ReceivedAt: at(0),
		}, []string{"loss.before"}, []string{"loss.after"}, "signed-here"},
		{"revoked later", dispute.Examination{
			FileSHA256: fileSum, Traces: []dispute.Trace{trace(dispute.Released, nil)},
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Path[0].Status.State, s.Path[0].Status.RevokedAt = "revoked", at(0) })),
		}, []string{"certificate.revoked-later"}, []string{"certificate.good", "certificate.revoked-before"}, "signed-here"},
		{"revoked before", dispute.Examination{
			FileSHA256: fileSum,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Sub, s.Path[0].Status.State, s.Path[0].Status.RevokedAt = verifier.Indeterminate, verifier.RevokedNoPOE, "revoked", at(-2)
			})),
		}, []string{"signature.indeterminate", "certificate.revoked-before", "signature.elsewhere"}, nil, "undetermined"},
		{"nothing known of the certificate, and no timestamp", dispute.Examination{
			FileSHA256: fileSum,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Proof, s.ClaimedTime, s.Path[0].Status = verifier.Indeterminate, verifier.POE{}, at(-1), verifier.CertificateStatus{State: "unknown", Why: "x"}
			})),
		}, []string{"certificate.unknown", "signature.time-claimed"}, nil, "undetermined"},
		{"signed by another gateway", dispute.Examination{FileSHA256: fileSum, Report: passed},
			[]string{"file.unknown", "signature.elsewhere"}, nil, "signed-elsewhere"},
		{"before it was signed", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Traces: []dispute.Trace{trace(dispute.Before, nil)}},
			[]string{"file.before", "file.unsigned"}, nil, "not-ours"},
		{"no PDF", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.Unreadable)}, []string{"file.unreadable", "file.unknown"}, nil, "not-ours"},
		{"unlike the original", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Original: &dispute.Comparison{OriginalSHA256: otherSum, Pages: []string{"1"}, Objects: []string{"4 0"}, More: 3},
		}, []string{"original.differs"}, nil, "altered"},
		{"like the original before it was signed", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Original: &dispute.Comparison{Unsigned: true}},
			[]string{"original.unsigned"}, []string{"original.differs"}, "not-ours"},
		{"like the original", dispute.Examination{FileSHA256: fileSum, Report: passed, Original: &dispute.Comparison{OriginalSHA256: fileSum, Identical: true}},
			[]string{"original.identical"}, nil, "signed-elsewhere"},
		{"an original that cannot be read", dispute.Examination{FileSHA256: fileSum, Report: passed, Original: &dispute.Comparison{Unreadable: true}},
			[]string{"original.unreadable"}, nil, "signed-elsewhere"},
		{"signatures without end", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, slices.Repeat([]*verifier.Signature{signature(nil)}, 500)...)},
			[]string{"signature.more"}, nil, "signed-elsewhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := dispute.Examine(test.x, at(1))
			codes := map[string]bool{}
			for _, s := range f.Statements {
				codes[s.Code] = true
				if s.Standing == dispute.Proven && len(s.Evidence) == 0 {
					t.Errorf("%s is proven by nothing", s.Code)
				}
			}
			for _, code := range test.want {
				if !codes[code] {
					t.Errorf("%s is missing among %v", code, codes)
				}
			}
			for _, code := range test.without {
				if codes[code] {
					t.Errorf("%s is said", code)
				}
			}
			if got := f.Conclusion.Code; got != "conclusion."+test.conclusion {
				t.Errorf("concluded %s, want %s", got, test.conclusion)
			}
			if len(f.Statements) > 400 {
				t.Errorf("%d statements", len(f.Statements))
			}
			checkWords(t, f)
			b, err := json.Marshal(f)
			var again dispute.Findings
			if err == nil {
				err = json.Unmarshal(b, &again)
			}
			if err != nil || !reflect.DeepEqual(again, f) {
				t.Errorf("%v: as JSON it is\n%s", err, b)
			}
		})
	}
}

func ExampleExamine() {
	f := dispute.Examine(dispute.Examination{
		Kind: dispute.Authenticity, FileSHA256: fileSum, Report: &verifier.Report{Verdict: verifier.NoSignature},
		Registered: &dispute.Registered{ID: "5e3p0kq0", Nomor: "800/12/2026", Tanggal: "2026-11-20", Status: "valid", Match: "none"},
	}, monday)
	w, err := dispute.WordsIn(dispute.English, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range f.Statements[1:] {
		fmt.Printf("%s: %s\n", s.Standing, w.Statement(s))
	}
	fmt.Println(w.Statement(f.Conclusion))
	// Output:
	// proven: The disputed file has no electronic signature.
	// proven: The QR code on the file leads to the registered document number 800/12/2026 of 2026-11-20, but this file is another document: the QR code was copied.
	// The file is not the registered document that its QR code leads to. A copied QR code does not make a letter genuine.
}

// checkWords holds every statement against the words in both languages.
func checkWords(t *testing.T, f dispute.Findings) {
	t.Helper()
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		w := words(t, l)
		for _, s := range append(slices.Clone(f.Statements), f.Conclusion) {
			line := w.Statement(s)
			if line == "finding."+s.Code || strings.Contains(line, "%!") {
				t.Errorf("%s: %s: %q", l, s.Code, line)
			}
			if x := w.Exhibits(s.Evidence); strings.Contains(x, "exhibit.") {
				t.Errorf("%s: %q", l, x)
			}
		}
	}
}

func words(t testing.TB, l dispute.Language) *dispute.Words {
	t.Helper()
	w, err := dispute.WordsIn(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWordsAgree: both languages have the same keys, with as many places.
func TestWordsAgree(t *testing.T) {
	read := func(l string) (m map[string]string) {
		b, err := os.ReadFile("words_" + l + ".json")
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	id, en := read("id"), read("en")
	places := regexp.MustCompile(`%[^%]`)
	for key, text := range id {
		if other, ok := en[key]; !ok || len(places.FindAllString(text, -1)) != len(places.FindAllString(other, -1)) {
			t.Errorf("%s: %q and %q", key, text, other)
		}
	}
	if len(id) != len(en) {
		t.Errorf("%d and %d words", len(id), len(en))
	}
	for _, prefix := range []struct {
		name string
		n    int
	}{{"kind.", len(dispute.Kinds)}, {"state.", len(dispute.States)}, {"outcome.", len(dispute.Outcomes)}, {"due.", 6}, {"urgency.", 5}} {
		n := 0
		for key := range id {
			if strings.HasPrefix(key, prefix.name) {
				n++
			}
		}
		if n != prefix.n {
			t.Errorf("%s: %d words, want %d", prefix.name, n, prefix.n)
		}
	}
	if _, err := dispute.WordsIn("jv", nil); err == nil {
		t.Error("there are words in Javanese")
	}
}

func TestMoments(t *testing.T) {
	for zone, want := range map[*time.Location]string{
		nil:                         "16 November 2026 pukul 10.00.00 WIB",
		time.FixedZone("x", 8*3600): "16 November 2026 pukul 11.00.00 WITA",
		time.FixedZone("x", 9*3600): "16 November 2026 pukul 12.00.00 WIT",
		time.UTC:                    "16 November 2026 pukul 03.00.00 UTC",
	} {
		w, err := dispute.WordsIn(dispute.Indonesian, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Moment(monday); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w := words(t, dispute.English)
	if got := w.Due(dispute.Deadline{Due: time.Date(2026, 11, 16, 17, 0, 0, 0, time.UTC)}); got != "16 November 2026" {
		t.Errorf("a deadline that ends with the 16th is shown as %q", got)
	}
}

func TestPapers(t *testing.T) {
	r := dispute.DefaultRules()
	r.Office = dispute.Office{Head: []string{"Pemerintah Kabupaten Contoh", "Dinas Komunikasi"}, Place: "Contoh", Title: "Kepala Dinas"}
	r.Recipients = []dispute.Addressee{{Name: "Bupati Contoh"}, {Name: "Kepala BSSN", Address: []string{"Jakarta"}}}
	f := dispute.Examine(dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil)), Traces: []dispute.Trace{trace(dispute.Released, nil)}}, at(1))
	c := reach(t, dispute.KeyLoss, dispute.Closed)
	c.LossAt = at(-1)
	contents := &dispute.Contents{
		Case: c, Complaint: "Isi pengaduan", Answer: "Jawaban", Findings: &f,
		Events: []dispute.Event{{At: at(0), Code: "opened"}, {At: at(1), By: "ani", Code: "moved", Arg: "state.answered", Text: "alasan"}, {At: at(1), Code: "file", Arg: "surat"}},
		Files:  []dispute.File{{Name: "surat.pdf", SHA256: fileSum, Size: 7}}, Bundles: []dispute.File{{Name: "bukti/x.zip", SHA256: otherSum, Size: 8}},
	}
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		w := words(t, l)
		for name, p := range map[string]dispute.Paper{
			"assistance": c.Letter(dispute.Letter{Kind: dispute.LetterAssistance, Number: "7/2026", At: at(1), Words: "kapan?"}, &f, r, w),
			"incident":   c.Letter(dispute.Letter{Kind: dispute.LetterIncident, Number: "8/2026", At: at(1), Words: "dicabut"}, &f, r, w),
			"bare":       c.Letter(dispute.Letter{Kind: dispute.LetterIncident, Number: "8/2026", At: at(1), Words: "dicabut"}, nil, dispute.DefaultRules(), w),
			"case file":  contents.CaseFile(r, w, at(2)),
			"empty":      (&dispute.Contents{Case: reach(t, dispute.Conduct, dispute.Received)}).CaseFile(r, w, at(2)),
		} {
			b, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "%!") || regexp.MustCompile(`"(letter|file|kind|state|event|due|urgency|outcome)\.[a-z.-]+[^a-z. -]`).Match(b) {
				t.Errorf("%s in %s: %s", name, l, b)
			}
			if p.Title == "" || len(p.Blocks) < 5 {
				t.Errorf("%s in %s: %+v", name, l, p)
			}
		}
	}
	report := &dispute.Supervision{
		From: at(-100), To: at(1), Made: []dispute.Count{{Name: "sign", N: 3}, {Name: "strange", N: 1}}, Failures: []dispute.Count{{Name: "passphrase", N: 2}},
		LogSize: 41, CheckpointAt: at(0), Sound: true, Cases: []dispute.Case{c, reach(t, dispute.Authenticity, dispute.Received)},
	}
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		b, err := json.Marshal(report.Paper(r, words(t, l), at(30)))
		if err != nil || strings.Contains(string(b), "%!") || strings.Contains(string(b), `"supervision.`) || !strings.Contains(string(b), "strange") {
			t.Errorf("in %s: %s %v", l, b, err)
		}
	}
	if b, _ := json.Marshal(report.Paper(r, words(t, dispute.English), at(30))); !strings.Contains(string(b), "Complaints: 2; with a missed deadline: 2; incidents among them: 1.") {
		t.Errorf("%s", b)
	}
	all, _ := json.Marshal(contents.CaseFile(r, words(t, dispute.Indonesian), at(2)))
	for _, want := range []string{"Isi pengaduan", "Jawaban", "Keadaan: Dijawab", "ani: alasan", "bukti/x.zip", "terbukti", otherSum} {
		if !strings.Contains(string(all), want) {
			t.Errorf("the case file lacks %q", want)
		}
	}
}
