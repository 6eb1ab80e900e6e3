package testfile_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// outcome is a test that notes how it ended.
type outcome struct {
	testing.TB
	how, why string
}

func (o *outcome) Helper() {}

func (o *outcome) Fatalf(format string, args ...any) { o.end("failed", format, args...) }
func (o *outcome) Skipf(format string, args ...any)  { o.end("skipped", format, args...) }

func (o *outcome) end(how, format string, args ...any) {
	o.how, o.why = how, fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestTool(t *testing.T) {
	there := filepath.Dir(testfile.Tool(t, "openssl"))
	for _, c := range []struct{ name, command, path, ci, how, why string }{
		{"there", "openssl", there, "true", "", ""},
		{"absent", "openssl", "", "", "skipped", "openssl is absent (Debian package openssl)"},
		{"absent in CI", "openssl", "", "true", "failed", "openssl is absent (Debian package openssl)"},
		{"a package of another name", "pdftotext", "", "", "skipped", "pdftotext is absent (Debian package poppler-utils)"},
		{"not listed", "sh", "/bin", "", "failed", "the list of scripts/packages lacks sh, which a test runs"},
		{"for deployment only", "buildah", there, "", "failed", "the list of scripts/packages lacks buildah, which a test runs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			t.Setenv("PATH", c.path)
			got := &outcome{TB: t}
			done := make(chan string)
			go func() {
				defer close(done)
				done <- testfile.Tool(got, c.command)
			}()
			path, returned := <-done
			if got.how != c.how || got.why != c.why {
				t.Errorf("%q: %s, want %q: %s", got.how, got.why, c.how, c.why)
			}
			if returned != (c.how == "") || returned && path != filepath.Join(there, c.command) {
				t.Errorf("returned %t, %s", returned, path)
			}
		})
	}
}
