// Package testfile finds what tests need: the project's own inputs under
// testdata/pdf, the corpus of other people's files beside the repository where
// it is present, and the commands that tests run.
//
// It is for tests only. It reads the file system and the environment variables
// PATH and CI; all of it may be used by several goroutines.
package testfile

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/absah-id/absah/internal/pdfmake"
)

// Input is a well-formed PDF that can be signed.
type Input struct {
	// Name is short and unique, fit for t.Run.
	Name string
	// Path is the absolute path of the file.
	Path string
	// Password opens the file; "" also opens those that are not encrypted.
	Password string
	// Encrypted is set for encrypted files, also those that "" opens.
	Encrypted bool
	// Kind says in a few words what is particular about the file.
	Kind string
}

// Bytes reads the file.
func (in Input) Bytes(tb testing.TB) []byte {
	tb.Helper()
	return read(tb, in.Path)
}

// Broken is a file that must be refused.
type Broken struct {
	Name, Path string
	// What says which rule the file breaks.
	What string
	// Rule is what the error names: the Rule of a pdf.MalformedError or the
	// Limit of a pdf.LimitError.
	Rule string
	// Open is true when opening must fail already; otherwise the fault comes
	// out when the page tree or the first page's contents are read.
	Open bool
}

// Bytes reads the file.
func (b Broken) Bytes(tb testing.TB) []byte {
	tb.Helper()
	return read(tb, b.Path)
}

// Inputs lists every well-formed input; the sample letter is the first.
func Inputs(tb testing.TB) []Input {
	tb.Helper()
	var out []Input
	for _, in := range pdfmake.Inputs() {
		out = append(out, Input{Name: in.Name, Path: pdf(tb, in.Name+".pdf"), Password: in.Password,
			Encrypted: in.Encrypted, Kind: in.Kind})
	}
	return out
}

// ByName returns the input of that name and fails the test when there is none.
func ByName(tb testing.TB, name string) Input {
	tb.Helper()
	for _, in := range Inputs(tb) {
		if in.Name == name {
			return in
		}
	}
	tb.Fatalf("no input %q in testdata/pdf", name)
	return Input{}
}

// Letter returns the sample letter, testdata/pdf/naskah-dinas.pdf.
func Letter(tb testing.TB) Input {
	tb.Helper()
	return ByName(tb, "naskah-dinas")
}

// BrokenInputs lists every file under testdata/pdf/bad.
func BrokenInputs(tb testing.TB) []Broken {
	tb.Helper()
	var out []Broken
	for _, c := range pdfmake.Broken() {
		out = append(out, Broken{Name: c.Name, Path: pdf(tb, "bad", c.Name+".pdf"), What: c.What, Rule: c.Rule, Open: c.Open})
	}
	return out
}

// Root returns the root of the repository, the folder of go.mod.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := root()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Corpus returns the path of a file or folder in the corpus of third-party
// files, ../shared/corpus seen from the repository, and skips the test when it
// is absent.
func Corpus(tb testing.TB, elem ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{Root(tb), "..", "shared", "corpus"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("the corpus of third-party files is absent: %v", err)
	}
	return path
}

var root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err = os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", err
		}
		dir = parent
	}
})

func pdf(tb testing.TB, elem ...string) string {
	tb.Helper()
	return filepath.Join(append([]string{Root(tb), "testdata", "pdf"}, elem...)...)
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
