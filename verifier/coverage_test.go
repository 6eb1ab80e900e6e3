package verifier_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// rows are the ranges of the catalogue of attacks that concern signatures,
// time-stamps, revocation, paths, the network and resources.
var rows = []struct {
	letter   string
	from, to int
}{{"M", 1, 19}, {"T", 1, 13}, {"R", 1, 22}, {"P", 1, 10}, {"N", 1, 6}, {"D", 2, 11}}

// elsewhere are the rows that no file can show, with the tests that do.
var elsewhere = map[string]string{
	"R08": "verifier.TestWrongNonce",
	"R20": "verifier.TestHostileSources",
	"P09": "verifier.TestTimeSlide",
	"N02": "pki/fetch.TestGuard",
	"N03": "verifier.TestWhoIsContacted",
	"N04": "pki/fetch.TestGuard",
	"N05": "pki/fetch.TestMemoryIsPerIssuerKey",
	"N06": "pki/fetch.TestFourAtATimePerHost",
	"D07": "verifier.TestNoDecoders",
	"D08": "verifier.TestBudgets",
	"D09": "pki/fetch.TestTrickle",
	"D10": "verifier.TestBudgets",
}

// TestCatalogueIsCovered: every row has an attack file or a test of its own.
func TestCatalogueIsCovered(t *testing.T) {
	shown := make(map[string]bool)
	for _, a := range testfile.Attacks(t) {
		shown[a.ID] = true
	}
	for _, r := range rows {
		for n := r.from; n <= r.to; n++ {
			id := fmt.Sprintf("%s%02d", r.letter, n)
			if !shown[id] && elsewhere[id] == "" {
				t.Errorf("%s has no test", id)
			}
		}
	}
	for id, name := range elsewhere {
		dot := strings.LastIndexByte(name, '.')
		if !hasTest(t, name[:dot], name[dot+1:]) {
			t.Errorf("%s: there is no %s", id, name)
		}
	}
}

// TestNoDecoders (D07): nothing that decodes images or fonts is linked into the
// verifier.
func TestNoDecoders(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	cmd.Dir = filepath.Join(testfile.Root(t), "verifier")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		for _, bad := range []string{"image", "font", "sfnt", "fpdf", "pdfcpu"} {
			if strings.Contains(line, bad) {
				t.Errorf("the verifier needs %s", line)
			}
		}
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testfile.Root(t), dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("func "+name+"(")) {
			return true
		}
	}
	return false
}
