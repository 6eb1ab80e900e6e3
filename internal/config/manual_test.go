package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/config"
)

var update = flag.Bool("update", false, "write docs/CONFIGURATION.md anew")

const (
	manualFile  = "../../docs/CONFIGURATION.md"
	exampleFile = "../../deploy/absah.yaml"
)

// TestManual holds docs/CONFIGURATION.md to the comments and tags of Config.
func TestManual(t *testing.T) {
	want := manual(t)
	if *update {
		if err := os.WriteFile(manualFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: go test ./internal/config -run TestManual -update", manualFile)
	}
}

// TestExample loads the example that an office starts from.
func TestExample(t *testing.T) {
	if _, err := config.Load(exampleFile); err != nil {
		t.Error(err)
	}
}

const manualHead = `# Configuration

One YAML file configures ` + "`absah serve`" + `; ` + "`absah config check FILE`" + ` names every fault in it with its line. An unknown key is a
fault. Sizes are written as 512KiB, 25MiB or 1GiB, durations as 500ms, 30s, 15m or 24h. Paths that are not absolute are relative
to the folder of the file. Secrets are never in the file: it names files that hold them, which other users must not be able to
read. [deploy/absah.yaml](../deploy/absah.yaml) is an example to start from.

This page is made from the comments of [internal/config/config.go](../internal/config/config.go).
`

// manual writes the page from the source of Config.
func manual(t *testing.T) []byte {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	m := writer{t: t, types: map[string]*ast.StructType{}}
	for _, decl := range file.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
			spec := gen.Specs[0].(*ast.TypeSpec)
			m.types[spec.Name.Name] = spec.Type.(*ast.StructType)
		}
	}
	m.WriteString(manualHead)
	for _, field := range m.types["Config"].Fields.List {
		if field.Tag == nil {
			continue
		}
		key := tag(field, "yaml")
		fmt.Fprintf(&m, "\n## %s\n\n%s\n\n| key | | |\n|---|---|---|\n", key, comment(field))
		m.table(key+".", field.Type)
	}
	return m.Bytes()
}

type writer struct {
	bytes.Buffer
	t     *testing.T
	types map[string]*ast.StructType
}

// table writes a row for each key below prefix.
func (m *writer) table(prefix string, typ ast.Expr) {
	for _, field := range m.types[typ.(*ast.Ident).Name].Fields.List {
		text := comment(field)
		if text == "" {
			m.t.Errorf("%s%s has no comment", prefix, tag(field, "yaml"))
		}
		key, inner := prefix+tag(field, "yaml"), field.Type
		if list, ok := inner.(*ast.ArrayType); ok {
			key, inner = key+"[]", list.Elt
		}
		fmt.Fprintf(m, "| `%s` | %s | %s |\n", key, note(field), text)
		if name, ok := inner.(*ast.Ident); ok && m.types[name.Name] != nil {
			m.table(key+".", inner)
		}
	}
}

// note is the middle column: required, the default or an example.
func note(field *ast.Field) string {
	var notes []string
	if tag(field, "required") != "" {
		notes = append(notes, "**required**")
	}
	if v := tag(field, "default"); v != "" {
		notes = append(notes, "`"+v+"`")
	}
	if v := tag(field, "example"); v != "" {
		notes = append(notes, "e.g. `"+v+"`")
	}
	return strings.Join(notes, ", ")
}

func tag(field *ast.Field, name string) string {
	return reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get(name)
}

func comment(field *ast.Field) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(field.Doc.Text()), " "), "|", `\|`)
}
