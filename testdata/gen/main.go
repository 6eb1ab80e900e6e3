// Command gen writes the project's own test files: testdata/pdf and
// testdata/pdf/bad, byte for byte the same on each run. It reads no clock and
// no network.
//
// Usage: go run ./testdata/gen [DIR], with DIR testdata/pdf unless given.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

func main() {
	dir := "testdata/pdf"
	if len(os.Args) == 2 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	bad := filepath.Join(dir, "bad")
	var list strings.Builder
	list.WriteString("# Files\n\nWritten by `make testdata`, like the files themselves. Passwords stand in backquotes.\n\n" +
		"| file | what is particular | password |\n|---|---|---|\n")
	if err := os.MkdirAll(bad, 0o755); err != nil {
		return err
	}
	for _, in := range pdfmake.Inputs() {
		if err := os.WriteFile(filepath.Join(dir, in.Name+".pdf"), in.Build(), 0o644); err != nil {
			return err
		}
		password := ""
		if in.Password != "" {
			password = "`" + in.Password + "`"
		}
		fmt.Fprintf(&list, "| %s | %s | %s |\n", in.Name, in.Kind, password)
	}
	list.WriteString("\n## bad\n\nThe error names the rule, or the limit that was hit.\n\n| file | what is wrong | rule or limit |\n|---|---|---|\n")
	for _, b := range pdfmake.Broken() {
		if err := os.WriteFile(filepath.Join(bad, b.Name+".pdf"), b.Build(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&list, "| %s | %s | %s |\n", b.Name, b.What, b.Rule)
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(list.String()), 0o644)
}
