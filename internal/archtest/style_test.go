package archtest_test

import (
	"bytes"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// pure lists the packages that neither log nor read a clock, nor open files:
// the same input and moment must give the same verdict ten years later. The
// client in cms/tsp may default its clock and read a password from a file.
var pure = []string{"pdf", "pdf/layout", "pdf/diff", "pdf/font", "pdf/pades", "cms", "cms/tsp", "pki", "signer", "signer/appearance",
	"verifier", "verifier/report", "verifier/report/etsi", "verifier/report/paper"}

// clock names the functions of package time that read it.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}

func TestPureCodeHasNoClockAndNoLog(t *testing.T) {
	for _, s := range product(t) {
		if !slices.Contains(pure, s.dir) {
			continue
		}
		for _, imp := range s.imports() {
			if imp == "log" || imp == "log/slog" || (imp == "os" && s.dir != "cms/tsp") {
				t.Errorf("%s imports %s: %s is pure", s.path, imp, s.dir)
			}
		}
		for node := range ast.Preorder(s.ast) {
			sel, ok := node.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Name != "time" || !slices.Contains(clock, sel.Sel.Name) {
				continue
			}
			if s.dir == "cms/tsp" && sel.Sel.Name == "Now" {
				continue // the default of ClientConfig.Clock
			}
			t.Errorf("%s:%d uses time.%s: %s is pure", s.path, s.fset.Position(sel.Pos()).Line, sel.Sel.Name, s.dir)
		}
	}
}

// TestEnvironmentIsReadInCmd keeps settings explicit everywhere else.
func TestEnvironmentIsReadInCmd(t *testing.T) {
	for _, s := range product(t) {
		if strings.HasPrefix(s.dir, "cmd/") || slices.Contains(support, s.dir) {
			continue
		}
		for node := range ast.Preorder(s.ast) {
			sel, ok := node.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "os" && (sel.Sel.Name == "Getenv" || sel.Sel.Name == "LookupEnv") {
				t.Errorf("%s:%d reads the environment", s.path, s.fset.Position(sel.Pos()).Line)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	const maxFunction, maxFile = 80, 700
	for _, s := range product(t) {
		if n := s.lines(s.ast); n > maxFile {
			t.Errorf("%s has %d lines, want at most %d", s.path, n, maxFile)
		}
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && s.lines(f) > maxFunction {
				t.Errorf("%s: function %s has %d lines, want at most %d", s.path, f.Name.Name, s.lines(f), maxFunction)
			}
		}
	}
}

// TestParameters: more than five parameters want a struct.
func TestParameters(t *testing.T) {
	for _, s := range product(t) {
		if slices.Contains(support, s.dir) {
			continue // a drawing function has coordinates
		}
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Type.Params.NumFields() > 6 {
				t.Errorf("%s: %s has %d parameters", s.path, f.Name.Name, f.Type.Params.NumFields())
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	documented, files := map[string]int{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		files[s.dir] = s.path
		if s.ast.Doc != nil && s.ast.Doc.Text() != "" {
			documented[s.dir]++
		}
	}
	for dir := range files {
		if documented[dir] != 1 {
			t.Errorf("package %s has %d package comments, want 1", dir, documented[dir])
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range product(t) {
		if s.ast.Name.Name == "main" {
			continue
		}
		for _, decl := range s.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && !selfEvident(d) {
					t.Errorf("%s:%d: %s has no comment", s.path, s.fset.Position(d.Pos()).Line, d.Name.Name)
				}
			case *ast.GenDecl:
				undocumentedTypes(t, s, d)
			}
		}
	}
}

func undocumentedTypes(t *testing.T, s source, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
			t.Errorf("%s:%d: type %s has no comment", s.path, s.fset.Position(ts.Pos()).Line, ts.Name.Name)
		}
	}
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	expr := f.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && id.IsExported()
}

// selfEvident are methods whose contract is that of a standard interface.
func selfEvident(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "Is", "As", "String", "Len", "Less", "Swap", "Read",
		"Write", "MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON", "LogValue"}, f.Name.Name)
}

func TestNames(t *testing.T) {
	forbidden := []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared"}
	for _, s := range sources(t) {
		for _, part := range append(strings.Split(s.dir, "/"), strings.TrimSuffix(path.Base(s.path), ".go"), s.ast.Name.Name) {
			if slices.Contains(forbidden, part) {
				t.Errorf("%s: %q says nothing", s.path, part)
			}
		}
	}
}

// TestTestsAreOutside: tests see what callers see. A file that hands internals
// to them is called export_test.go or …_export_test.go.
func TestTestsAreOutside(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test || strings.HasSuffix(s.ast.Name.Name, "_test") || strings.HasSuffix(s.path, "export_test.go") ||
			strings.HasPrefix(s.path, "testdata/") || s.ast.Name.Name == "main" {
			continue
		}
		t.Errorf("%s is in package %s, want %s_test", s.path, s.ast.Name.Name, s.ast.Name.Name)
	}
}

// TestNoLooseEnds: what is not done is an issue, not a comment.
func TestNoLooseEnds(t *testing.T) {
	marks := [][]byte{[]byte("TO" + "DO"), []byte("FIX" + "ME"), []byte("XX" + "X:"), []byte("for " + "now")}
	for _, s := range sources(t) {
		text := []byte(readFile(t, s.path))
		for _, mark := range marks {
			if bytes.Contains(text, mark) {
				t.Errorf("%s contains %q", s.path, mark)
			}
		}
	}
}
