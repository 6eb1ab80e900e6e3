package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file: a longer one is the wrong file.
const maxFile = 1 << 20

// maxDepth bounds how deep sections are looked into for the name of a key; the
// configuration has four levels.
const maxDepth = 16

// Error lists everything that is wrong with a configuration file.
type Error struct {
	File     string
	Problems []Problem // by line
}

// Problem is one fault.
type Problem struct {
	Line int    // 1-based; zero when the key is missing altogether
	Key  string // dotted path, such as "database.url"; empty for bad syntax
	Text string // what is wrong and what would be right
}

func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
		if p.Key != "" {
			b.WriteString(p.Key + ": ")
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// Load reads the file at path. What is wrong with its content is an *Error,
// whatever keeps it from being read another error.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, &Error{File: path, Problems: []Problem{{Text: fmt.Sprintf("longer than %d bytes", maxFile)}}}
	}
	return parse(path, b)
}

// parse reads the content of the file at path.
func parse(path string, content []byte) (*Config, error) {
	fail := func(problems []Problem) error { return &Error{File: path, Problems: problems} }
	var (
		cfg      Config
		document yaml.Node
	)
	walk(reflect.ValueOf(&cfg).Elem(), "", setDefault)
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&cfg); err != nil && !errors.Is(err, io.EOF) {
		_ = yaml.Unmarshal(content, &document) // what cannot be read has no keys to name
		return nil, fail(syntax(err, &document))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fail([]Problem{{Text: "holds more than one YAML document"}})
	}
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fail(syntax(err, nil))
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	walk(reflect.ValueOf(&cfg).Elem(), "", func(_ string, field reflect.StructField, v reflect.Value) {
		if field.Tag.Get("file") != "" {
			resolve(dir, v)
		}
	})
	cfg.Database.URL = resolveDatabase(dir, cfg.Database.URL)

	cfg.source = source{path, &document}
	if err := cfg.source.error(cfg.check()); err != nil {
		return nil, err
	}
	return &cfg, nil
}

// source is where a configuration was read.
type source struct {
	path     string
	document *yaml.Node
}

// error returns the problems with their lines as an *Error; nil for none.
func (s source) error(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	for i := range problems {
		problems[i].Line = line(s.document, problems[i].Key)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{File: s.path, Problems: problems}
}

// walk calls visit for every field below v that is not a struct itself; key
// is the field's dotted path in the file, with [i] for elements of a list.
func walk(v reflect.Value, prefix string, visit func(key string, field reflect.StructField, v reflect.Value)) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if !field.IsExported() {
			continue
		}
		key := prefix + field.Tag.Get("yaml")
		switch {
		case value.Kind() == reflect.Struct:
			walk(value, key+".", visit)
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
			for j := range value.Len() {
				walk(value.Index(j), fmt.Sprintf("%s[%d].", key, j), visit)
			}
		default:
			visit(key, field, value)
		}
	}
}

// setDefault gives v the value of the field's tag. Tags are constants of this
// package: one that does not parse is a fault of the program.
func setDefault(key string, field reflect.StructField, v reflect.Value) {
	text, ok := field.Tag.Lookup("default")
	if !ok {
		return
	}
	var err error
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *int:
		*p, err = strconv.Atoi(text)
	case *float64:
		*p, err = strconv.ParseFloat(text, 64)
	case *time.Duration:
		*p, err = time.ParseDuration(text)
	case *Size:
		*p, err = ParseSize(text)
	default:
		err = fmt.Errorf("no default for %s", v.Type())
	}
	if err != nil {
		panic(fmt.Sprintf("config: %s: %v", key, err))
	}
}

// resolve makes the path or paths in v absolute.
func resolve(dir string, v reflect.Value) {
	abs := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = abs(*p)
	case *[]string:
		for i := range *p {
			(*p)[i] = abs((*p)[i])
		}
	}
}

// resolveDatabase makes the path of a SQLite database absolute.
func resolveDatabase(dir, url string) string {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok && path != "" && !filepath.IsAbs(path) {
		return "sqlite:" + filepath.Join(dir, path)
	}
	return url
}

// syntax turns what the YAML library says into problems with lines, and with the
// keys of the document where they can be told.
func syntax(err error, document *yaml.Node) []Problem {
	lines := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		lines = typed.Errors
	}
	var problems []Problem
	for _, text := range lines {
		text = strings.TrimPrefix(text, "yaml: ")
		p := Problem{Text: text}
		if rest, ok := strings.CutPrefix(text, "line "); ok {
			if number, what, ok := strings.Cut(rest, ": "); ok {
				if n, err := strconv.Atoi(number); err == nil {
					p = plain(document, n, what)
				}
			}
		}
		problems = append(problems, p)
	}
	return problems
}

// plain says in words of the file what the YAML library says in words of Go of
// the line n.
func plain(document *yaml.Node, n int, what string) Problem {
	if rest, ok := strings.CutPrefix(what, "field "); ok {
		if name, _, ok := strings.Cut(rest, " not found in type "); ok {
			return Problem{n, keyAt(document, n, name), "there is no such key; docs/CONFIGURATION.md has those that there are"}
		}
	}
	if rest, ok := strings.CutPrefix(what, "cannot unmarshal "); ok {
		if value, kind, ok := strings.Cut(rest, " into "); ok {
			text := value + " does not fit"
			if _, scalar, ok := strings.Cut(value, " "); ok && strings.HasPrefix(value, "!!") {
				text = strings.ReplaceAll(scalar, "`", `"`) + " does not fit"
			}
			if kind == "time.Duration" {
				text += ": a duration has a unit, such as 30s, 5m or 1h"
			}
			return Problem{n, keyAt(document, n, ""), text}
		}
	}
	return Problem{Line: n, Text: what}
}

// keyAt returns the dotted path of the innermost key on line n, or of that of this
// name; "" when there is none, or more than one.
func keyAt(document *yaml.Node, n int, name string) (found string) {
	several := false
	var visit func(node *yaml.Node, path string, depth int)
	visit = func(node *yaml.Node, path string, depth int) {
		if depth > maxDepth {
			return
		}
		switch node.Kind {
		case yaml.DocumentNode:
			for _, c := range node.Content {
				visit(c, path, depth+1)
			}
		case yaml.SequenceNode:
			for i, c := range node.Content {
				visit(c, fmt.Sprintf("%s[%d]", path, i), depth+1)
			}
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				key := strings.TrimPrefix(path+"."+node.Content[i].Value, ".")
				if node.Content[i].Line == n && (name == "" || node.Content[i].Value == name) {
					several = several || found != "" && !strings.HasPrefix(key, found+".")
					found = key
				}
				visit(node.Content[i+1], key, depth+1)
			}
		}
	}
	if document != nil {
		visit(document, "", 0)
	}
	if several {
		return ""
	}
	return found
}

// line finds the line of key in the document, or of the innermost part of it
// that is there; zero when there is none.
func line(document *yaml.Node, key string) int {
	if document == nil || len(document.Content) == 0 {
		return 0
	}
	node, found := document.Content[0], 0
	for _, name := range strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := child(node, name)
		if next == nil {
			break
		}
		node, found = next, next.Line
	}
	return found
}

// child returns the value of a mapping's key or a sequence's index.
func child(node *yaml.Node, name string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}
