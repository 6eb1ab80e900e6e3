package testfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Tool returns the path of a command that a test runs. Where it is absent the
// test is [Lacking] it. A command that scripts/packages does not install for
// tests fails the test, also on a machine that happens to have it.
func Tool(tb testing.TB, command string) string {
	tb.Helper()
	list, err := packages()
	if err != nil {
		tb.Fatal(err)
	}
	pkg, listed := list[command]
	if !listed {
		tb.Fatalf("the list of scripts/packages lacks %s, which a test runs", command)
	}
	path, err := exec.LookPath(command)
	if err != nil {
		Lacking(tb, command, "Debian package "+pkg)
	}
	return path
}

// Lacking ends a test that cannot run on this machine: it skips it and says
// what is absent and where that comes from. Where CI is "true" the test fails:
// the machine that judges a change must have everything, or a test that never
// runs looks like one that passes.
func Lacking(tb testing.TB, what, from string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is absent (%s)", what, from)
	}
	tb.Skipf("%s is absent (%s)", what, from)
}

// packages reads the lists "run" and "test" of scripts/packages: the Debian
// package of each command or file.
var packages = sync.OnceValues(func() (map[string]string, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "scripts", "packages"))
	if err != nil {
		return nil, err
	}
	_, lists, found := strings.Cut(string(text), "\nrun='\n")
	lists, _, ended := strings.Cut(lists, "\ndeploy='\n")
	if !found || !ended {
		return nil, fmt.Errorf("scripts/packages does not begin with the lists run, test and deploy")
	}
	out := map[string]string{}
	for line := range strings.Lines(lists) {
		if f := strings.Fields(line); len(f) == 2 {
			out[f[0]] = f[1]
		}
	}
	return out, nil
})
