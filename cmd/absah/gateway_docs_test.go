package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
)

// TestSecurityTests holds docs/SECURITY-TESTS.md to the ids and to the tests.
func TestSecurityTests(t *testing.T) {
	root := testfile.Root(t)
	rows := map[string]string{}
	for line := range strings.Lines(readFile(t, filepath.Join(root, "docs", "SECURITY-TESTS.md"))) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		if id := strings.TrimSpace(cells[1]); regexp.MustCompile(`^(S[0-9]{2}|A-[0-9])$`).MatchString(id) {
			if rows[id] != "" {
				t.Errorf("%s has two rows", id)
			}
			rows[id] = line
		}
	}
	var ids []string
	for n := 1; n <= 28; n++ {
		ids = append(ids, fmt.Sprintf("S%02d", n))
	}
	for n := 1; n <= 8; n++ {
		ids = append(ids, fmt.Sprintf("A-%d", n))
	}
	named := regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9]+)(?:/([A-Za-z0-9-]+))?`")
	for _, id := range ids {
		row := rows[id]
		if row == "" {
			t.Errorf("%s has no row", id)
			continue
		}
		tests := named.FindAllStringSubmatch(row, -1)
		if len(tests) == 0 && !strings.Contains(row, "Pending") {
			t.Errorf("%s names neither a test nor what replaces it", id)
		}
		for _, m := range tests {
			if !testExists(t, filepath.Join(root, m[1]), m[2], m[3]) {
				t.Errorf("%s: there is no %s", id, strings.Trim(m[0], "`"))
			}
		}
	}
	for _, s := range securityTests {
		if !strings.Contains(rows[s.id], "TestGateway/"+s.id+"`") {
			t.Errorf("the row of %s does not name TestGateway/%[1]s", s.id)
		}
	}
}

// testExists looks for a test, and for the name of its part, in a folder.
func testExists(t testing.TB, dir, name, part string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found, foundPart := false, part == ""
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(b), "func "+name+"(")
		foundPart = foundPart || strings.Contains(string(b), `"`+part+`"`)
	}
	return found && foundPart
}
