package pdfrand_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/absah-id/absah/internal/pdfrand"
	"github.com/absah-id/absah/internal/testfile"
)

// TestQPDFAccepts holds the generator to a foreign reader: without it a
// property that holds for every sample might hold for malformed files only.
func TestQPDFAccepts(t *testing.T) {
	qpdf := testfile.Tool(t, "qpdf")
	path := filepath.Join(t.TempDir(), "sample.pdf")
	rapid.Check(t, func(rt *rapid.T) {
		s := pdfrand.Samples().Draw(rt, "sample")
		if err := os.WriteFile(path, s.Data, 0o600); err != nil {
			rt.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), qpdf, "--check", "--password="+s.Password, path).CombinedOutput()
		if err != nil {
			rt.Fatalf("qpdf --check: %v\n%s%s", err, out, s)
		}
		out, err = exec.CommandContext(t.Context(), qpdf, "--show-npages", "--password="+s.Password, path).Output()
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := strings.TrimSpace(string(out)), strconv.Itoa(s.Pages); got != want {
			rt.Errorf("%s pages, want %s\n%s", got, want, s)
		}
		if got := strings.Count(string(s.Data), "startxref"); got != s.Revisions {
			rt.Errorf("%d revisions in the file, want %d", got, s.Revisions)
		}
	})
}

func TestSamplesAreReproducible(t *testing.T) {
	first, second := pdfrand.Samples().Example(7), pdfrand.Samples().Example(7)
	if string(first.Data) != string(second.Data) {
		t.Error("the same seed gives two files")
	}
}
