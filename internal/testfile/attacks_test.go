package testfile_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
)

// TestAttacksAreReproducible holds every file in testdata/attacks, the verdicts
// too, to what the generator writes.
func TestAttacksAreReproducible(t *testing.T) {
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./testdata/gen-attacks", tmp)
	cmd.Dir = testfile.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	disk := filepath.Join(testfile.Root(t), "testdata", "attacks")
	want, got := files(t, tmp), files(t, disk)
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s is not what the generator writes: make testdata", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is not the generator's", name)
	}
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// attackGroups are the groups of the catalogue with the number of its entries
// that a file can show at least.
var attackGroups = map[string]int{
	"U": 21, "I": 12, "W": 8, "H": 8, "C": 7, "X": 16, "M": 19, "T": 13, "R": 19, "P": 9, "N": 1, "D": 6, "OK": 1,
}

func TestAttackCatalogue(t *testing.T) {
	ids := map[string]map[string]bool{}
	names := map[string]bool{}
	for _, a := range testfile.Attacks(t) {
		group := strings.TrimRight(strings.Split(a.ID, "-")[0], "0123456789")
		if ids[group] == nil {
			ids[group] = map[string]bool{}
		}
		ids[group][a.ID] = true
		if names[a.Name] {
			t.Errorf("two rows are called %s", a.Name)
		}
		names[a.Name] = true
		if n := len(a.Bytes(t)); n < 500 || n > 40<<10 { // the large ones ask for much work
			t.Errorf("%s has %d bytes, want 500 to %d", a.File, n, 40<<10)
		}
		if slices.Equal(a.Verdict, []string{"TOTAL-PASSED"}) && len(a.SubIndication) > 0 {
			t.Errorf("%s must pass and has a sub-indication", a.Name)
		}
	}
	for group, want := range attackGroups {
		if got := len(ids[group]); got < want {
			t.Errorf("group %s: %d entries of the catalogue have a file, want %d: %v", group, got, want, ids[group])
		}
	}
}

func TestAttackFaults(t *testing.T) {
	const failed, format = "TOTAL-FAILED", "FORMAT_FAILURE"
	row := testfile.Attack{Verdict: []string{failed}, SubIndication: []string{format}, Warns: true,
		Signatures: []testfile.AttackSignature{{Field: "A", Indication: []string{failed}}}}
	answer := func(verdict, field, sub string, warned bool) testfile.AttackAnswer {
		return testfile.AttackAnswer{Verdict: verdict, Warned: warned,
			Signatures: []testfile.AttackSignature{{Field: field, Indication: []string{failed}, SubIndication: []string{sub}}}}
	}
	for _, c := range []struct {
		name string
		got  testfile.AttackAnswer
		want int
	}{
		{"right", answer(failed, "A", format, true), 0},
		{"other verdict", answer("INDETERMINATE", "A", format, true), 1},
		{"other reason", answer(failed, "A", "HASH_FAILURE", true), 1},
		{"other field", answer(failed, "B", format, true), 1},
		{"silent", answer(failed, "A", format, false), 1},
		{"all wrong", answer("INDETERMINATE", "B", "HASH_FAILURE", false), 4},
	} {
		if got := row.Faults(c.got); len(got) != c.want {
			t.Errorf("%s: faults %v, want %d", c.name, got, c.want)
		}
	}
}

func TestAttacksUnderPDFSig(t *testing.T) {
	eachAttack(t, "pdfsig", func(a testfile.Attack) string { return a.Claims.PDFSig }, func(out string, _ int) string {
		var words []string
		for _, m := range pdfsigSays.FindAllStringSubmatch(out, -1) {
			words = append(words, pdfsigWords[m[1]])
		}
		switch {
		case strings.Contains(out, "does not contain any signatures"):
			return "none"
		case len(words) == 0:
			return "unreadable"
		}
		return strings.Join(words, " ")
	}, "-nocert")
}

var pdfsigSays = regexp.MustCompile(`(Signature is Valid|Digest Mismatch|Signature is Invalid|Unknown Validation Failure|` +
	`Document isn't signed or corrupted data|Signature has not yet been verified|The signature form field is not signed)\.`)

var pdfsigWords = map[string]string{
	"Signature is Valid": "valid", "Digest Mismatch": "mismatch", "Signature is Invalid": "invalid", "Unknown Validation Failure": "invalid",
	"Document isn't signed or corrupted data": "invalid", "Signature has not yet been verified": "unverified",
	"The signature form field is not signed": "unsigned",
}

func TestAttacksUnderQPDF(t *testing.T) {
	eachAttack(t, "qpdf", func(a testfile.Attack) string { return a.Claims.QPDF }, func(_ string, status int) string {
		return map[int]string{0: "clean", 2: "errors", 3: "warnings"}[status]
	}, "--check")
}

func TestAttacksOnThePage(t *testing.T) {
	shows := func(a testfile.Attack) string { return a.Claims.Shows }
	eachAttack(t, "mutool", shows, nil, "draw", "-q", "-F", "txt")
}

// eachAttack runs a foreign tool on each file that has a claim for it and
// compares; nil reads the claim as text that the output holds.
func eachAttack(t *testing.T, tool string, claim func(testfile.Attack) string, read func(out string, status int) string, args ...string) {
	t.Helper()
	path := testfile.Tool(t, tool)
	done := map[string]bool{}
	for _, a := range testfile.Attacks(t) {
		want := claim(a)
		if want == "" || done[a.File] {
			continue
		}
		done[a.File] = true
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, append(args, a.Path)...)
			out, err := cmd.Output() // some write warnings in between
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if read == nil {
				if !strings.Contains(string(out), want) {
					t.Errorf("the pages show %q, want %q among it", out, want)
				}
				return
			}
			if got := read(string(out), cmd.ProcessState.ExitCode()); got != want {
				t.Errorf("%s finds %q, want %q: %s", tool, got, want, out)
			}
		})
	}
	if len(done) < 40 {
		t.Errorf("%s was asked about %d files, want 40 or more", tool, len(done))
	}
}
