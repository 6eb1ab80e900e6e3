package archtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repo, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents returns the paths of the texts that people read first.
func documents(t *testing.T) []string {
	t.Helper()
	out := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "testdata/README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(repo, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			rel, err := filepath.Rel(repo, f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, rel)
		}
	}
	return out
}

var (
	link     = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	makeCall = regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)")
	target   = regexp.MustCompile(`(?m)^([a-z]+):.*## `)
)

func TestLinksResolve(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(readFile(t, doc), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(repo, filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}

func TestMakeCommandsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(readFile(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	for _, want := range []string{"build", "run", "test", "race", "lint", "fuzz", "bench", "interop", "testdata", "help"} {
		if !targets[want] {
			t.Errorf("the Makefile has no documented target %s", want)
		}
	}
	for _, doc := range append(documents(t), ".ci/run") {
		for _, m := range makeCall.FindAllStringSubmatch(readFile(t, doc), -1) {
			if !targets[m[1]] {
				t.Errorf("%s says make %s, which the Makefile does not document", doc, m[1])
			}
		}
	}
}

// TestEveryFolderIsOnTheMap compares the README's map with the packages.
func TestEveryFolderIsOnTheMap(t *testing.T) {
	readme := readFile(t, "README.md")
	for _, s := range product(t) {
		top, _, _ := strings.Cut(s.dir, "/")
		if !strings.Contains(readme, "`"+top+"`") && !strings.Contains(readme, "`"+s.dir+"`") {
			t.Errorf("the README's map lacks `%s`", s.dir)
		}
	}
}

// TestDirectDependenciesAreExplained compares go.mod with docs/DEPENDENCIES.md.
func TestDirectDependenciesAreExplained(t *testing.T) {
	text := readFile(t, "docs/DEPENDENCIES.md")
	for line := range strings.Lines(readFile(t, "go.mod")) {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			if !strings.Contains(text, "`"+fields[0]+"`") {
				t.Errorf("docs/DEPENDENCIES.md does not say why %s is there", fields[0])
			}
		}
	}
}

// TestPinsAreExact: a pseudo-version or a release, never a moving name.
func TestPinsAreExact(t *testing.T) {
	for _, name := range []string{"Makefile", "testdata/interop/setup.sh"} {
		if strings.Contains(readFile(t, name), "@latest") {
			t.Errorf("%s asks for @latest", name)
		}
	}
}
