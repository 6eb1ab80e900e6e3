package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// description is /v1/openapi.json, which every answer of every gateway in
// these tests is held to. It checks what that file uses of OpenAPI 3.1 and
// JSON Schema 2020-12, and refuses keywords that it does not know: a library
// that skips them would find everything true.
type description struct {
	once sync.Once
	err  error

	Paths      map[string]map[string]operationDescription `json:"paths"`
	Components struct {
		Schemas   map[string]schema              `json:"schemas"`
		Responses map[string]responseDescription `json:"responses"`
	} `json:"components"`

	mu   sync.Mutex
	seen map[string]bool // "POST /v1/sign 200"; guarded by mu
}

type operationDescription struct {
	Security  []map[string][]string          `json:"security"`
	Responses map[string]responseDescription `json:"responses"`
}

type responseDescription struct {
	Ref     string                    `json:"$ref"`
	Headers map[string]map[string]any `json:"headers"`
	Content map[string]struct {
		Schema schema `json:"schema"`
	} `json:"content"`
}

// schema is a JSON Schema.
type schema map[string]any

var described description

// load reads the description once.
func (d *description) load() error {
	d.once.Do(func() {
		d.seen = map[string]bool{}
		var raw []byte
		if raw, d.err = os.ReadFile(filepath.Join("..", "..", "api", "openapi.json")); d.err == nil {
			d.err = json.Unmarshal(raw, d)
		}
	})
	return d.err
}

// route returns the path of the description that an address belongs to.
func (d *description) route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	best := ""
	for template := range d.Paths {
		pattern := parameter.ReplaceAllStringFunc(regexp.QuoteMeta(template), func(name string) string {
			if strings.Contains(name, "number") { // of a tile, which has slashes
				return ".+"
			}
			return "[^/]+"
		})
		if !regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			continue
		}
		if best == "" || strings.Count(template, "{") < strings.Count(best, "{") {
			best = template
		}
	}
	return best
}

// parameter is one of a path, after regexp.QuoteMeta.
var parameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// check holds an answer to the description, and remembers that it was seen.
// What is not part of the API is not described.
func (d *description) check(method, path string, a answer) error {
	if err := d.load(); err != nil {
		return err
	}
	if a.header.Get("Absah-Request") == "" && a.status == http.StatusBadRequest {
		return nil // net/http itself, of what is no HTTP
	}
	template := d.route(path)
	o, ok := d.Paths[template][strings.ToLower(method)]
	if !ok {
		if (strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/log/")) && a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed && a.status/100 != 3 {
			return fmt.Errorf("answered with %d, and is not described", a.status)
		}
		return nil
	}
	status := fmt.Sprint(a.status)
	r, ok := o.Responses[status]
	d.mu.Lock()
	d.seen[method+" "+template+" "+status] = true
	d.mu.Unlock()
	if !ok {
		return fmt.Errorf("the status %s is not described", status)
	}
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		if r, ok = d.Components.Responses[name]; !ok {
			return fmt.Errorf("there is no %s", name)
		}
	}
	return d.checkAnswer(r, a)
}

func (d *description) checkAnswer(r responseDescription, a answer) error {
	for name := range a.header {
		if !strings.HasPrefix(name, "Absah-") || name == "Absah-Request" || name == "Absah-Operation" && a.status >= 400 {
			continue // those of every answer, and of every problem
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(r.Headers)), func(known string) bool { return strings.EqualFold(known, name) }) {
			return fmt.Errorf("the header %s is not described", name)
		}
	}
	if len(r.Content) == 0 {
		if len(a.body) > 0 {
			return errors.New("there is a body, and none is described")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content, ok := r.Content[kind]
	if !ok {
		return fmt.Errorf("the type %s is not described", kind)
	}
	if kind != "application/json" && kind != "application/problem+json" {
		return nil
	}
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		return err
	}
	return d.valid(content.Schema, value, "")
}

// valid holds a value to a schema; at is where it stands.
func (d *description) valid(s schema, v any, at string) error {
	for _, keyword := range slices.Sorted(maps.Keys(s)) {
		check, ok := keywords[keyword]
		if !ok {
			return fmt.Errorf("%s: the keyword %q is not checked here", at, keyword)
		}
		if check == nil {
			continue
		}
		if err := check(d, s, v, at); err != nil {
			return err
		}
	}
	return nil
}

// keywords are those that the description uses; nil ones say nothing of a value.
var keywords map[string]func(d *description, s schema, v any, at string) error

func init() {
	keywords = map[string]func(d *description, s schema, v any, at string) error{
		"description": nil, "default": nil, "title": nil, "examples": nil,
		"contentEncoding": checkEncoding, "contentMediaType": nil,
		"$ref": checkRef, "type": checkType, "const": checkConst, "enum": checkEnum, "allOf": checkAllOf, "oneOf": checkOneOf,
		"properties": checkProperties, "required": checkRequired, "additionalProperties": checkAdditional, "items": checkItems,
		"pattern": checkPattern, "format": checkFormat, "maxLength": checkMaxLength,
		"minimum": checkBound("minimum", func(v, bound float64) bool { return v >= bound }),
		"maximum": checkBound("maximum", func(v, bound float64) bool { return v <= bound }),
	}
}

func checkRef(d *description, s schema, v any, at string) error {
	name, _ := s["$ref"].(string)
	to, ok := d.Components.Schemas[strings.TrimPrefix(name, "#/components/schemas/")]
	if !ok {
		return fmt.Errorf("%s: there is no %s", at, name)
	}
	return d.valid(to, v, at)
}

func checkType(_ *description, s schema, v any, at string) error {
	names, ok := s["type"].([]any)
	if !ok {
		names = []any{s["type"]}
	}
	number, _ := v.(float64)
	var is []any
	switch v.(type) {
	case nil:
		is = []any{"null"}
	case bool:
		is = []any{"boolean"}
	case string:
		is = []any{"string"}
	case float64:
		if is = []any{"number"}; number == math.Trunc(number) {
			is = append(is, "integer")
		}
	case []any:
		is = []any{"array"}
	case map[string]any:
		is = []any{"object"}
	}
	if !slices.ContainsFunc(is, func(x any) bool { return slices.Contains(names, x) }) {
		return fmt.Errorf("%s: got a %v, want %v", at, is, names)
	}
	return nil
}

func checkConst(_ *description, s schema, v any, at string) error {
	if !reflect.DeepEqual(s["const"], v) {
		return fmt.Errorf("%s: got %v, want %v", at, v, s["const"])
	}
	return nil
}

func checkEnum(_ *description, s schema, v any, at string) error {
	if list, _ := s["enum"].([]any); !slices.Contains(list, v) {
		return fmt.Errorf("%s: got %v, want one of %v", at, v, list)
	}
	return nil
}

func checkAllOf(d *description, s schema, v any, at string) error {
	list, _ := s["allOf"].([]any)
	for _, x := range list {
		if err := d.valid(schemaOf(x), v, at); err != nil {
			return err
		}
	}
	return nil
}

func checkOneOf(d *description, s schema, v any, at string) error {
	list, _ := s["oneOf"].([]any)
	n := 0
	for _, x := range list {
		if d.valid(schemaOf(x), v, at) == nil {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%s: %d alternatives fit, want one", at, n)
	}
	return nil
}

func schemaOf(x any) schema {
	m, _ := x.(map[string]any)
	return m
}

func checkProperties(d *description, s schema, v any, at string) error {
	object, _ := v.(map[string]any)
	for name, x := range schemaOf(s["properties"]) {
		if member, ok := object[name]; ok {
			if err := d.valid(schemaOf(x), member, at+"/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkRequired(_ *description, s schema, v any, at string) error {
	object, ok := v.(map[string]any)
	names, _ := s["required"].([]any)
	for _, name := range names {
		if _, there := object[name.(string)]; ok && !there {
			return fmt.Errorf("%s: %v is missing", at, name)
		}
	}
	return nil
}

func checkAdditional(d *description, s schema, v any, at string) error {
	object, _ := v.(map[string]any)
	known := schemaOf(s["properties"])
	for name, member := range object {
		if _, ok := known[name]; ok {
			continue
		}
		if s["additionalProperties"] == false {
			return fmt.Errorf("%s: %s is not described", at, name)
		}
		if err := d.valid(schemaOf(s["additionalProperties"]), member, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func checkItems(d *description, s schema, v any, at string) error {
	list, _ := v.([]any)
	for i, x := range list {
		if err := d.valid(schemaOf(s["items"]), x, fmt.Sprintf("%s/%d", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func checkPattern(_ *description, s schema, v any, at string) error {
	pattern, _ := s["pattern"].(string)
	text, ok := v.(string)
	if ok && !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("%s: %q does not match %s", at, text, pattern)
	}
	return nil
}

func checkFormat(_ *description, s schema, v any, at string) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	var err error
	switch s["format"] {
	case "date-time":
		_, err = time.Parse(time.RFC3339, text)
	case "date":
		_, err = time.Parse(time.DateOnly, text)
	case "uuid":
		err = uuid.Validate(text)
	case "uri":
		if !strings.Contains(text, "://") {
			err = errors.New("no URI")
		}
	default:
		err = fmt.Errorf("the format %v is not checked here", s["format"])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func checkMaxLength(_ *description, s schema, v any, at string) error {
	most, _ := s["maxLength"].(float64)
	if text, ok := v.(string); ok && utf8.RuneCountInString(text) > int(most) {
		return fmt.Errorf("%s: longer than %v", at, most)
	}
	return nil
}

func checkEncoding(_ *description, s schema, v any, at string) error {
	text, ok := v.(string)
	if !ok || s["contentEncoding"] != "base64" {
		return fmt.Errorf("%s: the encoding %v is not checked here", at, s["contentEncoding"])
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func checkBound(keyword string, holds func(v, bound float64) bool) func(*description, schema, any, string) error {
	return func(_ *description, s schema, v any, at string) error {
		bound, _ := s[keyword].(float64)
		if n, ok := v.(float64); ok && !holds(n, bound) {
			return fmt.Errorf("%s: got %v, %s %v", at, n, keyword, bound)
		}
		return nil
	}
}

// unseen are the statuses that the description lists by number and no answer
// had.
func (d *description) unseen() (list []string) {
	for path, methods := range d.Paths {
		for method, o := range methods {
			for status := range o.Responses {
				if name := strings.ToUpper(method) + " " + path + " " + status; status != "default" && !d.seen[name] {
					list = append(list, name)
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// whole runs the tests and, when all of them ran, demands that each status in
// the description was seen: what is not, is not known to be true.
type whole struct{ *testing.M }

func (w whole) Run() int {
	code := w.M.Run()
	all := true
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		all = all && flag.Lookup(name).Value.String() == ""
	}
	if !all || code != 0 || len(described.seen) == 0 { // without a token there is no gateway
		return code
	}
	if list := described.unseen(); len(list) > 0 {
		fmt.Fprintf(os.Stderr, "FAIL: api/openapi.json describes what no test has seen:\n%s\n", strings.Join(list, "\n"))
		return 1
	}
	return code
}

// testDescribed asks each route of the description without credentials, and
// brings about what no other test does.
func testDescribed(t *testing.T, f *office) {
	f.must(described.load())
	for path, methods := range described.Paths {
		for method, o := range methods {
			if !o.credentials() {
				continue
			}
			path := strings.NewReplacer("{id}", uuid.NewString()).Replace(path)
			t.Run(method+" "+path, func(t *testing.T) {
				f.do(t, call{method: strings.ToUpper(method), path: path, header: map[string]string{"Authorization": "Bearer absah_x_y"}}).
					problem(t, http.StatusUnauthorized, "unauthenticated")
			})
		}
	}
	id := f.post(t, "e-office", "/v1/documents", fields{"nomor": "1", "perihal": "Contoh", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
	f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, http.StatusOK)
	f.do(t, call{as: "e-office", method: http.MethodPatch, path: "/v1/documents/" + id, kind: "application/json",
		body: strings.NewReader(`{"status":"withdrawn","reason":"Salah tanggal"}`)}).ok(t, http.StatusOK)
	f.do(t, call{as: "e-office", method: http.MethodPatch, path: "/v1/documents/" + id, kind: "application/json",
		body: strings.NewReader(`{"status":"lost"}`)}).problem(t, http.StatusBadRequest, "invalid-request")
	f.do(t, call{as: "e-office", path: "/v1/documents/" + id}).ok(t, http.StatusOK)
	for _, path := range []string{"/log/checkpoint", "/log/keys.txt"} {
		f.do(t, call{path: path}).ok(t, http.StatusOK)
	}
	size := strings.Split(string(f.do(t, call{path: "/log/checkpoint"}).body), "\n")[1]
	for _, path := range []string{"/log/tile/0/000", "/log/tile/entries/000"} {
		if n, err := strconv.Atoi(size); err != nil || n < 256 {
			path += ".p/" + size
		}
		f.do(t, call{path: path}).ok(t, http.StatusOK)
	}
	for _, path := range []string{
		"/log/checkpoint/", "/log/keys.txt/x", "/log/successor-7.note", "/log/tile/0/x999/999", "/log/tile/entries/x999/999", "/log/", "/log/%00",
	} {
		f.do(t, call{path: path}).problem(t, http.StatusNotFound, "not-found")
	}
}

// credentials tells whether the operation wants some: those that take none as
// well say so with an empty requirement.
func (o operationDescription) credentials() bool {
	return !slices.ContainsFunc(o.Security, func(s map[string][]string) bool { return len(s) == 0 }) && len(o.Security) > 0
}
