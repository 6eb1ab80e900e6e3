package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/absah-id/absah/gateway"
)

// decode reads one JSON value strictly: a misspelt member is an error, not a
// wish that is not granted, and what two readers could take in two ways (RFC 8259
// §4, §8) is one as well.
func decode(raw []byte, into any) error {
	if err := exact(raw, reflect.TypeOf(into)); err != nil {
		return invalid("The JSON of the request: "+err.Error()+".", nil)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("The JSON of the request: "+jsonFault(err)+".", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("The JSON of the request goes on after its end.", nil)
	}
	return nil
}

// jsonFault says what is wrong without repeating values: one of them may be a
// passphrase.
func jsonFault(err error) string {
	var (
		syntax *json.SyntaxError
		typed  *json.UnmarshalTypeError
		own    *valueError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("malformed at byte %d", syntax.Offset)
	case errors.As(err, &typed):
		return fmt.Sprintf("%s must not be a %s", memberOf(typed.Field), typed.Value)
	case errors.As(err, &own):
		return own.text
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it ends early"
	}
	return "it has a member that is not known here"
}

// memberOf is a field's path as requests have it, without the types that are
// embedded in another: those are names of the code, all of which end in Body, and no
// member does.
func memberOf(field string) string {
	names := slices.DeleteFunc(strings.Split(field, "."), func(name string) bool { return strings.HasSuffix(name, "Body") })
	return strings.Join(names, ".")
}

// valueError is a value that has the right type and makes no sense.
type valueError struct{ text string }

func (e *valueError) Error() string { return e.text }

// maxNesting bounds how deep arrays and objects stand in each other; requests
// have four levels.
const maxNesting = 16

// exact refuses JSON that is well-formed and not plain: text that is not
// Unicode or holds U+0000, null, a member that stands twice, and one whose name
// is not letter for letter that of a field of t. What is malformed is left to
// whoever decodes it. Its errors repeat nothing of the request.
func exact(raw []byte, t reflect.Type) error {
	if !utf8.Valid(raw) {
		return &valueError{"it is not UTF-8"}
	}
	if !json.Valid(raw) {
		return nil
	}
	w := walker{raw: raw}
	return w.value(t, 0)
}

// walker goes through well-formed JSON, and copies nothing but names: a value
// may be a secret.
type walker struct {
	raw []byte
	at  int
}

func (w *walker) fault(text string) error {
	return &valueError{fmt.Sprintf("%s at byte %d", text, w.at)}
}

// next skips white space and returns the byte that follows.
func (w *walker) next() byte {
	for strings.IndexByte(" \t\r\n", w.raw[w.at]) >= 0 {
		w.at++
	}
	return w.raw[w.at]
}

// value goes through one value, which is for a t; nil is for anything.
func (w *walker) value(t reflect.Type, depth int) error {
	if depth > maxNesting {
		return w.fault("nested too deeply")
	}
	switch w.next() {
	case '{':
		return w.object(t, depth)
	case '[':
		return w.array(t, depth)
	case '"':
		_, err := w.text()
		return err
	case 'n':
		return w.fault("null, where a value is left out or given,")
	}
	for w.at < len(w.raw) && strings.IndexByte(" \t\r\n,]}", w.raw[w.at]) < 0 {
		w.at++
	}
	return nil
}

func (w *walker) object(t reflect.Type, depth int) error {
	members, closed := members(t)
	seen := map[string]bool{}
	for w.at++; w.next() != '}'; {
		if w.raw[w.at] == ',' {
			w.at++
			continue
		}
		quoted, err := w.text()
		if err != nil {
			return err
		}
		var name string
		if err := json.Unmarshal(quoted, &name); err != nil {
			return err
		}
		of, known := members[name]
		switch {
		case seen[name]:
			return w.fault("a member stands twice")
		case closed && !known:
			return w.fault("it has a member that is not known here")
		}
		seen[name] = true
		w.next()
		w.at++ // the colon
		if err := w.value(of, depth+1); err != nil {
			return err
		}
	}
	w.at++
	return nil
}

func (w *walker) array(t reflect.Type, depth int) error {
	var of reflect.Type
	if t = withoutPointer(t); t != nil && t.Kind() == reflect.Slice && !decodesItself(t) {
		of = t.Elem()
	}
	for w.at++; w.next() != ']'; {
		if w.raw[w.at] == ',' {
			w.at++
			continue
		}
		if err := w.value(of, depth+1); err != nil {
			return err
		}
	}
	w.at++
	return nil
}

// text goes through a string, and returns it with its quotes.
func (w *walker) text() (quoted []byte, err error) {
	begin := w.at
	for w.at++; w.raw[w.at] != '"'; w.at++ {
		if w.raw[w.at] != '\\' {
			continue
		}
		if w.at++; w.raw[w.at] != 'u' {
			continue
		}
		unit := w.unit()
		switch {
		case unit == 0:
			return nil, w.fault("the character U+0000")
		case !utf16.IsSurrogate(unit):
			continue
		}
		if !bytes.HasPrefix(w.raw[w.at+1:], []byte(`\u`)) {
			return nil, w.fault("half a character")
		}
		if w.at += 2; utf16.DecodeRune(unit, w.unit()) == utf8.RuneError {
			return nil, w.fault("half a character")
		}
	}
	w.at++
	return w.raw[begin:w.at], nil
}

// unit reads the four digits of an escape from its letter on, and stays at the
// last one.
func (w *walker) unit() rune {
	n, _ := strconv.ParseUint(string(w.raw[w.at+1:w.at+5]), 16, 16) // digits, as the JSON is well-formed
	w.at += 4
	return rune(n)
}

// members returns what an object for a t may have, and whether it may have
// nothing else.
func members(t reflect.Type) (of map[string]reflect.Type, closed bool) {
	if t = withoutPointer(t); t == nil || t.Kind() != reflect.Struct || decodesItself(t) {
		return nil, false
	}
	of = map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			of[name] = f.Type
		}
	}
	return of, true
}

func withoutPointer(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// decodesItself tells whether a t is read by a method of its own.
func decodesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// mediaType reads a Content-Type. Text must be in UTF-8, as JSON is.
func mediaType(header string) (kind string, params map[string]string, err error) {
	if kind, params, err = mime.ParseMediaType(header); err != nil {
		return "", nil, &gateway.Error{Code: codeMediaType, Text: "The Content-Type cannot be read.", Err: err}
	}
	if charset, named := params["charset"]; named && !strings.EqualFold(charset, "utf-8") {
		return "", nil, &gateway.Error{Code: codeMediaType, Text: "Send text in UTF-8."}
	}
	return kind, params, nil
}
