package report_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// codes are the codes that a source folder can put into a verdict: reasons and
// constraints that are not met (why), constraints that are (met), and the names
// of building blocks (blocks).
type codes struct{ why, met, blocks map[string]bool }

// sources parses the Go files of a folder of the repository.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(testfile.Root(t), dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// literal is the value of a string literal, "" for anything else.
func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

var codeForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// collect walks the calls that name a code in their first argument, composite
// literals of Reason and Finding, and assignments to a field Code.
func (c *codes) collect(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			c.call(n)
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); ok && (id.Name == "Reason" || id.Name == "Finding") && len(n.Elts) > 0 {
				first := n.Elts[0]
				if kv, ok := first.(*ast.KeyValueExpr); ok {
					first = kv.Value
				}
				c.add(c.why, first)
			}
		case *ast.AssignStmt:
			if s, ok := n.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Code" {
				c.add(c.why, n.Rhs[0])
			}
			if s, ok := n.Lhs[0].(*ast.Ident); ok && s.Name == "code" {
				c.add(c.why, n.Rhs[0])
			}
		case *ast.FuncDecl:
			c.returned(n)
		}
		return true
	})
}

// returned takes the codes from the return statements of a function whose
// first result is called code.
func (c *codes) returned(f *ast.FuncDecl) {
	results := f.Type.Results
	if results == nil || len(results.List[0].Names) == 0 || results.List[0].Names[0].Name != "code" {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
			c.add(c.why, r.Results[0])
		}
		return true
	})
}

func (c *codes) add(to map[string]bool, e ast.Expr) {
	if code := literal(e); codeForm.MatchString(code) {
		to[code] = true
	}
}

func (c *codes) call(n *ast.CallExpr) {
	name := ""
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	if len(n.Args) == 0 {
		return
	}
	switch name {
	case "reasonf", "note", "warn", "fail", "problem", "malformed", "failure":
		c.add(c.why, n.Args[0])
	case "hold", "holdf":
		c.add(c.met, n.Args[0])
	case "newBlock":
		c.blocks[literal(n.Args[0])] = true
	}
}

// rules are the string constants of type Rule in the group that holds the one
// called with; "" takes every group.
func rules(files []*ast.File, with string) (out []string) {
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			var values []string
			found := with == ""
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				if !isRule(v.Type) {
					continue
				}
				found = found || v.Names[0].Name == with
				values = append(values, literal(v.Values[0]))
			}
			if found {
				out = append(out, values...)
			}
		}
	}
	return out
}

func isRule(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Rule"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Rule"
	}
	return false
}

func collected(t *testing.T) *codes {
	t.Helper()
	c := &codes{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, dir := range []string{"verifier", "pdf/pades"} {
		for _, f := range sources(t, dir) {
			c.collect(f)
		}
	}
	c.why[verifier.CodeLimit] = true
	for _, dir := range []string{"cms", "cms/tsp"} {
		for _, r := range rules(sources(t, dir), "") {
			c.why[r] = true
		}
	}
	for _, r := range rules(sources(t, "pki"), "RuleNoAnchor") {
		c.why["chain-"+r] = true
	}
	return c
}

// TestEveryCodeHasWords in both languages, and docs/ERRORS.md lists it. Rules
// of the PDF syntax, of which there are hundreds, share one message.
func TestEveryCodeHasWords(t *testing.T) {
	c := collected(t)
	if len(c.why) < 120 || len(c.met) < 12 || len(c.blocks) < 14 {
		t.Fatalf("only %d, %d and %d codes were found", len(c.why), len(c.met), len(c.blocks))
	}
	checkDocument(t, c)
	for _, l := range []report.Language{report.Indonesian, report.English} {
		words, err := report.WordsIn(l)
		if err != nil {
			t.Fatal(err)
		}
		for prefix, set := range map[string]map[string]bool{"code.": c.why, "check.": c.met, "block.": c.blocks} {
			for _, code := range slices.Sorted(maps.Keys(set)) {
				if words[prefix+code] == "" {
					t.Errorf("%s: no words for %s%s", l, prefix, code)
				}
			}
		}
		for key := range words {
			if code, ok := strings.CutPrefix(key, "code."); ok && code != "*" && !c.why[code] {
				t.Errorf("%s: words for %s, which no code has", l, code)
			}
		}
	}
}

// checkDocument compares the table at the end of docs/ERRORS.md with the codes
// and their words. With ERRORS=1 in the environment it writes the table.
func checkDocument(t *testing.T, c *codes) {
	t.Helper()
	words, err := report.WordsIn(report.English)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "| code | meaning |\n|---|---|\n"
	var table strings.Builder
	table.WriteString(mark)
	for _, code := range slices.Sorted(maps.Keys(c.why)) {
		fmt.Fprintf(&table, "| `%s` | %s |\n", code, words["code."+code])
	}
	name := filepath.Join(testfile.Root(t), "docs", "ERRORS.md")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(b), mark) // others stand above it
	if at < 0 {
		t.Fatal("docs/ERRORS.md has no table of codes")
	}
	want := string(b[:at]) + table.String()
	if string(b) == want {
		return
	}
	if os.Getenv("ERRORS") == "" {
		t.Error("docs/ERRORS.md lists other codes; ERRORS=1 go test ./verifier/report writes the table")
		return
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
