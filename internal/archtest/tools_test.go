package archtest_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestToolsAreListed: a test asks testfile.Tool for the commands it runs, which
// holds each to the list of scripts/packages, so that no test is skipped for
// want of a tool on the machine that judges a change.
func TestToolsAreListed(t *testing.T) {
	own := []string{"go", "absah"} // what runs the tests, and what they are about
	for _, s := range sources(t) {
		if !s.test || strings.HasPrefix(s.path, "testdata/interop/") || strings.HasPrefix(s.path, "testdata/bench/") {
			continue // modules of their own, which install what they need
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if name, ok := started(n); ok && !slices.Contains(own, name) {
				t.Errorf("%s: %s is run without testfile.Tool", s.fset.Position(n.Pos()), name)
			}
			return true
		})
	}
}

// TestSkips: a test is skipped by testfile.Lacking alone, which names what is
// absent and fails where changes are judged. The others were not asked for.
func TestSkips(t *testing.T) {
	asked := []string{
		"api/web/browsertest/browser_test.go", // pictures, which make screenshots asks for
		"store/bench_test.go",                 // a benchmark of minutes
	}
	for _, s := range sources(t) {
		if !s.test || slices.Contains(asked, s.path) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			f, _ := n.(*ast.SelectorExpr)
			if f != nil && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, f.Sel.Name) {
				t.Errorf("%s: skips without testfile.Lacking", s.fset.Position(f.Pos()))
			}
			return true
		})
	}
}

// started returns the command that a call of os/exec names by a literal.
func started(n ast.Node) (name string, ok bool) {
	call, _ := n.(*ast.CallExpr)
	if call == nil {
		return "", false
	}
	f, _ := call.Fun.(*ast.SelectorExpr)
	if f == nil {
		return "", false
	}
	if from, _ := f.X.(*ast.Ident); from == nil || from.Name != "exec" {
		return "", false
	}
	at, ok := map[string]int{"LookPath": 0, "Command": 0, "CommandContext": 1}[f.Sel.Name]
	if !ok || at >= len(call.Args) {
		return "", false
	}
	literal, _ := call.Args[at].(*ast.BasicLit)
	if literal == nil || literal.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, err == nil
}
