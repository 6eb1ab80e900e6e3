package pdfmake_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/internal/testfile"
)

const folder = "../../testdata/pdf"

// TestFilesAreCurrent holds the committed files to the generator. A new Go
// release may compress differently: run make testdata then.
func TestFilesAreCurrent(t *testing.T) {
	want := map[string]bool{}
	check := func(path string, build func() []byte) {
		want[path] = true
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		if !bytes.Equal(got, build()) {
			t.Errorf("%s is not what the generator writes; run make testdata", path)
		}
	}
	for _, in := range pdfmake.Inputs() {
		check(filepath.Join(folder, in.Name+".pdf"), in.Build)
	}
	for _, c := range pdfmake.Broken() {
		check(filepath.Join(folder, "bad", c.Name+".pdf"), c.Build)
	}
	for _, pattern := range []string{"*.pdf", "bad/*.pdf"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if !want[path] {
				t.Errorf("%s is not made by the generator", path)
			}
		}
	}
}

// TestQPDFAccepts asks a foreign reader whether the inputs are well-formed.
func TestQPDFAccepts(t *testing.T) {
	qpdf := testfile.Tool(t, "qpdf")
	for _, in := range pdfmake.Inputs() {
		t.Run(in.Name, func(t *testing.T) {
			out, status := run(t, qpdf, "--check", "--password="+in.Password, filepath.Join(folder, in.Name+".pdf"))
			want := 0
			if in.Odd {
				want = 3 // accepted with a warning
			}
			if status != want {
				t.Errorf("qpdf --check ends with status %d, want %d\n%s", status, want, out)
			}
			if encrypted := !strings.Contains(out, "File is not encrypted"); encrypted != in.Encrypted {
				t.Errorf("encrypted: got %v, want %v\n%s", encrypted, in.Encrypted, out)
			}
		})
	}
}

// TestPasswordIsNeeded makes sure that the password of an input matters.
func TestPasswordIsNeeded(t *testing.T) {
	qpdf := testfile.Tool(t, "qpdf")
	for _, in := range pdfmake.Inputs() {
		if in.Password == "" {
			continue
		}
		if out, status := run(t, qpdf, "--check", filepath.Join(folder, in.Name+".pdf")); status != 2 {
			t.Errorf("%s opens without its password: status %d\n%s", in.Name, status, out)
		}
	}
}

func TestLinearized(t *testing.T) {
	out, status := run(t, testfile.Tool(t, "qpdf"), "--check-linearization", filepath.Join(folder, "linearized.pdf"))
	if status != 0 || !strings.Contains(out, "no linearization errors") {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestFontsAreEmbedded(t *testing.T) {
	for _, name := range []string{"naskah-dinas", "pdfa-2b"} {
		out, status := run(t, testfile.Tool(t, "pdffonts"), filepath.Join(folder, name+".pdf"))
		if got := strings.Count(out, "yes yes yes"); status != 0 || got != 3 {
			t.Errorf("%s: %d fonts embedded, subset and with Unicode, want 3\n%s", name, got, out)
		}
	}
}

func TestLetterText(t *testing.T) {
	out, status := run(t, testfile.Tool(t, "pdftotext"), "-layout", filepath.Join(folder, "naskah-dinas.pdf"), "-")
	for _, want := range []string{"BUPATI CONTOH", "Nomor", "Contoh, 2 Januari 2026", "Tembusan"} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("the text of the letter lacks %q (status %d)\n%s", want, status, out)
		}
	}
}

func ExampleFile() {
	f := pdfmake.New("1.4", "example")
	pages := f.Add(pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Kids": pdfmake.Array{}, "Count": 0})
	f.Root = f.Add(pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": pages})
	f.Flush(pdfmake.Table)
	fmt.Println(strings.Contains(string(f.Bytes()), "2 0 obj\n<</Type /Catalog/Pages 1 0 R>>\nendobj"))
	// Output: true
}

func run(t *testing.T, name string, args ...string) (output string, status int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(out), status
}
