package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/absah-id/absah/testdata/interop/differential"
)

func TestReadPDFSig(t *testing.T) {
	const (
		head  = "Digital Signature Info of: x.pdf\nSignature #1:\n"
		good  = head + "  - Signature Type: ETSI.CAdES.detached\n  - Total document signed\n  - Signature Validation: Signature is Valid.\n"
		stamp = "\nSignature #2:\n  - Signature Type: ETSI.RFC3161\n  - Total document signed\n  - Signature Validation: Signature has not yet been verified.\n"
	)
	tests := []struct {
		name, out, level string
		want             bool
	}{
		{"valid", good, "B-B", true},
		{"valid and archived", strings.Replace(good, "Total document", "Not total document", 1) + stamp, "B-LTA", true},
		{"invalid", strings.Replace(good, "is Valid", "is Invalid", 1), "B-B", false},
		{"does not cover the file", strings.Replace(good, "Total document", "Not total document", 1), "B-B", false},
		{"covered by validation data at B-LT", strings.Replace(good, "Total document", "Not total document", 1), "B-LT", true},
		{"only a timestamp", "Signatures\n" + stamp, "B-LTA", false},
		{"an empty field beside it", good + "\nSignature #2:\n  The signature form field is not signed.\n", "B-B", true},
		{"nothing", "File 'x.pdf' does not contain any signatures\n", "B-B", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := readPDFSig(tt.out, Case{Level: tt.level}); got.OK != tt.want {
				t.Errorf("got %+v, want OK %v", got, tt.want)
			}
		})
	}
}

func TestReadPDFCPU(t *testing.T) {
	result := func(signed bool, status model.SignatureStatus) *model.SignatureValidationResult {
		r := &model.SignatureValidationResult{Status: status}
		r.Signed = signed
		return r
	}
	tests := []struct {
		name    string
		results []*model.SignatureValidationResult
		want    bool
	}{
		{"valid", []*model.SignatureValidationResult{result(true, model.SignatureStatusValid)}, true},
		{"an empty field beside it", []*model.SignatureValidationResult{result(true, model.SignatureStatusValid), result(false, model.SignatureStatusUnknown)}, true},
		{"invalid", []*model.SignatureValidationResult{result(true, model.SignatureStatusInvalid)}, false},
		{"unknown", []*model.SignatureValidationResult{result(true, model.SignatureStatusUnknown)}, false},
		{"none", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := readPDFCPU(tt.results); got.OK != tt.want {
				t.Errorf("got %+v, want OK %v", got, tt.want)
			}
		})
	}
}

func TestNoNewLines(t *testing.T) {
	tests := []struct {
		name, got, want string
		ok              bool
	}{
		{"silent", "", "", true},
		{"the same complaint elsewhere", "warning: object 12 is odd\n", "warning: object 7 is odd\n", true},
		{"a new complaint", "error: xref\n", "warning: object 7 is odd\n", false},
		{"one complaint less", "", "error: xref\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := noNewLines(tt.got, tt.want); got.OK != tt.ok {
				t.Errorf("got %+v, want OK %v", got, tt.ok)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	signatures, structural := Judge{Name: "s"}, Judge{Name: "x", Structural: true}
	tests := []struct {
		name    string
		judge   Judge
		asked   Case
		finding Finding
		want    bool
	}{
		{"accepted", signatures, Case{}, Finding{OK: true}, true},
		{"refused", signatures, Case{}, Finding{Indication: "TOTAL_FAILED"}, false},
		{"at its level", signatures, Case{Levels: "B-LTA,B-B"}, Finding{OK: true, Level: "B-LTA,B-B"}, true},
		{"at another level", signatures, Case{Levels: "B-LTA"}, Finding{OK: true, Level: "B-T"}, false},
		{"a control accepted", signatures, Case{Damaged: true}, Finding{OK: true}, false},
		{"a control refused", signatures, Case{Damaged: true}, Finding{}, true},
		{"a control that is sound as a PDF", structural, Case{Damaged: true}, Finding{OK: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := verdict(tt.judge, tt.asked, tt.finding); (err == nil) != tt.want {
				t.Errorf("got %v, want good %v", err, tt.want)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	j := Judge{Name: "j"}
	archive := Judge{Name: "j", Wants: func(c Case) bool { return c.Original == "pdfa" }}
	tests := []struct {
		name  string
		judge Judge
		c     Case
		want  bool
	}{
		{"any case", j, Case{}, true},
		{"a case for others", j, Case{Only: []string{"k"}}, false},
		{"a case for it", j, Case{Only: []string{"k", "j"}}, true},
		{"a case that it cannot judge", j, Case{Cannot: map[string]string{"j": "why"}}, false},
		{"a case that it wants", archive, Case{Original: "pdfa"}, true},
		{"a case that it does not want", archive, Case{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.judge.asked(tt.c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestBatch holds the exchange with the batch judges to its rules, with tools
// that answer a Case with itself.
func TestBatch(t *testing.T) {
	two := []Case{{File: "a"}, {File: "b"}}
	tests := []struct {
		name    string
		command []string
		want    bool
	}{
		{"each in order", []string{"cat"}, true},
		{"in another order", []string{"tac"}, false},
		{"one too few", []string{"head", "-n", "1"}, false},
		{"a tool that breaks", []string{"false"}, false},
		{"no tool", []string{"/nonexistent"}, false},
		{"no JSON", []string{"tr", "{", "x"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := batch(make(chan struct{}, 1), tt.command[0], tt.command[1:]...)(t.Context(), two)
			if (err == nil) != tt.want {
				t.Fatalf("got %v, %v, want success %v", got, err, tt.want)
			}
			if tt.want && (len(got) != 2 || got[1].File != "b") {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestFinding reads an answer of each batch judge as it prints them.
func TestFinding(t *testing.T) {
	tests := map[string]string{
		"dss": `{"file":"x.pdf","tool":"dss","ok":true,"level":"B-T","indication":"TOTAL_PASSED","subIndication":"","detail":"","warnings":["w"],` +
			`"signatures":[{"field":"Signature1","indication":"TOTAL_PASSED","subIndication":"","intact":true,"changes":"","detail":""}]}`,
		"pyhanko": `{"file": "x.pdf", "tool": "pyhanko", "signatures": [{"field": "Signature1", "level": "B-B", "indication": "PASSED", "subIndication": "", ` +
			`"intact": true, "changes": "", "detail": ""}], "level": "B-B", "indication": "PASSED", "subIndication": "", "detail": "", "ok": true}`,
	}
	for tool, line := range tests {
		t.Run(tool, func(t *testing.T) {
			var f Finding
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			got := differential.OfJudge(f.Signatures, "").Signatures["Signature1"]
			if !f.OK || f.Tool != tool || got.Integrity != differential.Accepts || got.Trust != differential.Accepts {
				t.Errorf("got %+v, %+v, want a good signature", f, got)
			}
		})
	}
}

func TestEachFileKeepsOrder(t *testing.T) {
	judge := eachFile("j", make(chan struct{}, 3), func(_ context.Context, c Case) Finding { return Finding{Detail: c.File} })
	var all []Case
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		all = append(all, Case{File: name})
	}
	got, err := judge(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got {
		if f.File != all[i].File || f.Detail != all[i].File || f.Tool != "j" {
			t.Errorf("answer %d is %+v, want one about %s", i, f, all[i].File)
		}
	}
}

func TestFindSignatures(t *testing.T) {
	tests := map[string]string{
		"beyond the file":     "/ByteRange [0 10 20 30]",
		"from elsewhere":      "/ByteRange [5 10 20 3] and some more text to fill",
		"no hexadecimal gap":  "/ByteRange [0 10 20 10] and some more text to fill",
		"a number too large":  "/ByteRange [0 99999999999999999999 20 10]",
		"segments that cross": "/ByteRange [0 20 10 10] and some more text to fill",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := findSignatures([]byte(text)); err == nil {
				t.Errorf("got %v, want an error", got)
			}
		})
	}
	if got, err := findSignatures([]byte("%PDF-1.7")); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v of a file without signatures", got, err)
	}
}

func FuzzFindSignatures(f *testing.F) {
	f.Add([]byte("/ByteRange [0 22 26 4] <3000> end"))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		all, err := findSignatures(pdf)
		if err != nil {
			return
		}
		for _, s := range all {
			if n := s.ranges[1] + s.ranges[3]; len(s.signed(pdf)) != n {
				t.Errorf("signed bytes of %v are not %d", s.ranges, n)
			}
		}
	})
}

func TestAttackSpecimens(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "expected.json", `[{"file":"a.pdf","at":"2026-03-02T12:00:00Z","policy":"gov"},{"file":"a.pdf","at":"2026-03-02T12:00:00Z","policy":"forms"},{"file":"b.pdf","at":"2029-06-01T12:00:00Z"}]`)
	write(t, dir, "a.pdf", "trailer")
	write(t, dir, "b.pdf", "trailer <</XRefStm 9>>")
	got, err := attackSpecimens(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got {
		names = append(names, s.name+" "+s.At)
	}
	if want := []string{"attacks/a 2026-03-02T12:00:00Z", "attacks/b 2029-06-01T12:00:00Z"}; !slices.Equal(names, want) {
		t.Fatalf("got %q, want %q", names, want)
	}
	if got[0].Hybrid || !got[1].Hybrid {
		t.Errorf("got hybrid %v, %v, want false, true", got[0].Hybrid, got[1].Hybrid)
	}
}

func TestCorpusSpecimens(t *testing.T) {
	dir := t.TempDir()
	if got, err := corpusSpecimens(dir); got != nil || err != nil {
		t.Fatalf("got %v, %v of an absent corpus", got, err)
	}
	write(t, dir, "pdf.json", `[{"file":"a.pdf","validation_time":"2020-11-01T00:00:00+00:00","trust_roots":"r1,r2"},{"file":"b.pdf","validation_time":null,"trust_roots":null}]`)
	if err := os.Mkdir(filepath.Join(dir, "pdf"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "pdf/a.pdf", "trailer <</XRefStm 9>>")
	write(t, dir, "pdf/b.pdf", "trailer")
	got, err := corpusSpecimens(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].Hybrid || got[1].Hybrid || len(got[0].Trust) != 2 || got[1].Trust == nil || len(got[1].Trust) != 0 ||
		got[0].At != "2020-11-01T00:00:00Z" || got[1].At != "" {
		t.Errorf("got %+v", got)
	}
}

func TestMatrixSpecimens(t *testing.T) {
	got := matrixSpecimens([]Case{{File: "/x/a.pdf"}, {File: "/x/damaged.pdf", Damaged: true}, {File: "/x/b.p7s", Only: []string{"openssl-cms"}}}, "/trust.pem")
	if len(got) != 1 || got[0].name != "matrix/a" || !slices.Equal(got[0].Trust, []string{"/trust.pem"}) {
		t.Errorf("got %+v, want the one PDF that must be good", got)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
