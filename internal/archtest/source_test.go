package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/absah-id/absah"

// repo is the root of the repository, seen from this folder.
const repo = "../.."

// source is a parsed Go file.
type source struct {
	path string // from the root of the repository, with slashes
	dir  string // the same of its folder: the import path within the module
	test bool   // a _test.go file
	ast  *ast.File
	fset *token.FileSet
}

// lines returns the number of lines of a node.
func (s source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// imports returns the paths that the file imports.
func (s source) imports() []string {
	var out []string
	for _, spec := range s.ast.Imports {
		out = append(out, strings.Trim(spec.Path.Value, `"`))
	}
	return out
}

// ours returns the import path within the module, or "" for another module's.
func ours(importPath string) string {
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return rest
	}
	return ""
}

// sources returns every Go file of the repository, those of the separate
// modules under testdata too, without regard to build constraints.
func sources(t *testing.T) []source {
	t.Helper()
	out, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d Go files: the walk is broken", len(out))
	}
	return slices.Clone(out)
}

// parsed reads all files once for all tests.
var parsed = sync.OnceValues(func() ([]source, error) {
	var out []source
	err := filepath.WalkDir(repo, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repo, file)
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if rel != "." && (strings.HasPrefix(name, ".") || rel == "bin" || rel == "demo") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{path: rel, dir: path.Dir(rel), test: strings.HasSuffix(name, "_test.go"), ast: tree, fset: fset})
		return nil
	})
	return out, err
})

// product returns the files that are compiled into the program or its tests'
// support: no tests, nothing below testdata.
func product(t *testing.T) []source {
	t.Helper()
	return slices.DeleteFunc(sources(t), func(s source) bool { return s.test || strings.HasPrefix(s.path, "testdata/") })
}
