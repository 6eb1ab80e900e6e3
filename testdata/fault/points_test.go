package fault_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/absah-id/absah/hsm/hsmtest"
	"github.com/absah-id/absah/internal/testfile"
)

// point is a place in the program at which it is killed.
type point struct {
	name string
	// within is how often the point is passed before the kill, at most.
	within int
	// load is what the clients must do beside sealing letters to B-B, for the
	// point to be reached.
	load load
	// module is the fault of the PKCS#11 module that stands for a point in its
	// C_Sign; "" for a point in the program itself.
	module hsmtest.Fault
	// crashed says that the point is reached only after an earlier crash.
	crashed bool
}

// load is a kind of request.
type load int

const (
	onlySeals  load = iota
	stamped         // seals to B-T
	personal        // a signer's key, opened by passphrase
	largeFiles      // letters that go to disk
)

// points are all of them, in the order in which a request passes them.
// TestPoints holds the list to the source.
var points = []point{
	{name: "start.step", within: 8},
	{name: "spool.created", within: 4, load: largeFiles},
	{name: "event.before", within: 3},
	{name: "event.after", within: 3},
	{name: "intent.before", within: 24},
	{name: "reservation.written", within: 16},
	{name: "entry.written", within: 48},
	{name: "commit.before", within: 160},
	{name: "commit.after", within: 160},
	{name: "intent.after", within: 24},
	{name: "key.before", within: 24},
	{name: "attempt.reserved", within: 2, load: personal},
	{name: "attempt.tried", within: 2, load: personal},
	{name: "key.after", within: 24},
	{name: "signature.before", within: 24},
	{name: "C_Sign before", within: 24, module: hsmtest.KillBefore},
	{name: "C_Sign after", within: 24, module: hsmtest.KillAfter},
	{name: "C_Sign abort", within: 24, module: hsmtest.Abort},
	{name: "signature.after", within: 24},
	{name: "timestamp.before", within: 6, load: stamped},
	{name: "timestamp.after", within: 6, load: stamped},
	{name: "document.made", within: 24},
	{name: "outcome.before", within: 24},
	{name: "operation.finished", within: 24},
	{name: "artefact.before", within: 72},
	{name: "artefact.after", within: 72},
	{name: "outcome.after", within: 24},
	{name: "release.before", within: 24},
	{name: "release.headers", within: 24},
	{name: "release.body", within: 4, load: largeFiles},
	{name: "release.written", within: 24},
	{name: "integrate.before", within: 6},
	{name: "tree.placed", within: 6},
	{name: "integrate.after", within: 6},
	{name: "checkpoint.signed", within: 6},
	{name: "floor.created", within: 6},
	{name: "floor.written", within: 6},
	{name: "floor.synced", within: 6},
	{name: "floor.renamed", within: 6},
	{name: "floor.after", within: 6},
	{name: "checkpoint.before", within: 6},
	{name: "checkpoint.after", within: 6},
	{name: "stamp.before", within: 2},
	{name: "stamp.kept", within: 2},
	{name: "stamp.after", within: 2},
	{name: "reconcile.before", within: 1, crashed: true},
	{name: "reconcile.after", within: 1, crashed: true},
}

// chosen are the points that -points names.
func chosen() []point {
	pattern := regexp.MustCompile(*only)
	return slices.DeleteFunc(slices.Clone(points), func(p point) bool { return !pattern.MatchString(p.name) })
}

// repository is the root, seen from this folder.
const repository = "../.."

// TestPoints compares the list with the calls of fault.Point in the source: each
// names its point by a literal, in one file of each kind of database at most.
func TestPoints(t *testing.T) {
	var listed []string
	for _, p := range points {
		if p.module == "" {
			listed = append(listed, p.name)
		}
	}
	slices.Sort(listed)
	found := map[string][]string{}
	for _, file := range sources(t) {
		for _, name := range called(t, file) {
			found[name] = append(found[name], file)
		}
	}
	var names []string
	for name, files := range found {
		names = append(names, name)
		// SQLite and PostgreSQL commit in a file each.
		if most := 1 + strings.Count(name, "commit."); len(files) > most {
			t.Errorf("the point %q stands in %v", name, files)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, listed) {
		t.Errorf("the source has the points\n%q\nthe list has\n%q", names, listed)
	}
}

// sources returns the Go files that are compiled into the program.
func sources(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != repository && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d files: the walk is broken", len(files))
	}
	return files
}

// called returns the names in the calls of fault.Point in a file.
func called(t *testing.T, file string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("fault.Point")) {
		return nil
	}
	tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for node := range ast.Preorder(tree) {
		sel, ok := node.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Point" {
			continue
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "fault" {
			names = append(names, "")
		}
	}
	n := 0
	for node := range ast.Preorder(tree) {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			continue
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Point" {
			continue
		}
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("%s: a point without a literal name", file)
			continue
		}
		if names[n], err = strconv.Unquote(literal.Value); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(names) {
		t.Errorf("%s: fault.Point is used %d times and called %d times", file, len(names), n)
	}
	return names
}

// TestProductionHasNoPoints looks for the switch in the program that "make
// build" makes.
func TestProductionHasNoPoints(t *testing.T) {
	for path, want := range map[string]bool{filepath.Join(repository, "bin", "absah"): false, program: true} {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			testfile.Lacking(t, "bin/absah", "make build")
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(text, []byte("ABSAH_FAULT")); got != want {
			t.Errorf("%s can be told to die: %v, want %v", path, got, want)
		}
	}
}
