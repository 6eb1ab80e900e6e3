package pdfmake

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"unicode/utf16"
)

// The values of a PDF object: nil, bool, int, int64, float64, string (a byte
// string, encrypted in an encrypted file), and the types below. Anything else
// panics: a generator with a wrong type is a bug, not an input.
type (
	// Name is a name without its solidus; unusual bytes are escaped.
	Name string
	// Ref is the number of an indirect object; generations are always 0.
	Ref int
	// Dict is written with Type first and the other keys sorted, so that the
	// same document always gives the same bytes.
	Dict map[Name]any
	// Array is written in order.
	Array []any
	// Raw is written as it is: for syntax that no value of ours would give.
	Raw string
	// Hex is a string written in hexadecimal.
	Hex string
)

// Stream is a stream object. Its Length is set when it is written.
type Stream struct {
	Dict Dict
	Data []byte
	// Deflate compresses Data and sets Filter.
	Deflate bool
}

// encrypter encrypts a string of the object being written; nil leaves it alone.
type encrypter func([]byte) []byte

// Text encodes s as a text string: ASCII as it is, else UTF-16BE with a mark
// (ISO 32000-2 §7.9.2.2).
func Text(s string) string {
	if !slices.ContainsFunc([]byte(s), func(c byte) bool { return c >= 0x80 }) {
		return s
	}
	b := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

func format(w *bytes.Buffer, v any, c encrypter) {
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool, int, int64:
		fmt.Fprint(w, v)
	case float64:
		w.WriteString(number(v))
	case string:
		formatString(w, []byte(v), c)
	case Hex:
		b := []byte(v)
		if c != nil {
			b = c(b)
		}
		fmt.Fprintf(w, "<%X>", b)
	case Name:
		formatName(w, v)
	case Ref:
		fmt.Fprintf(w, "%d 0 R", int(v))
	case Raw:
		w.WriteString(string(v))
	case Array:
		w.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				w.WriteByte(' ')
			}
			format(w, e, c)
		}
		w.WriteByte(']')
	case Dict:
		formatDict(w, v, c)
	default:
		panic(fmt.Sprintf("pdfmake: no PDF form for %T", v))
	}
}

func formatDict(w *bytes.Buffer, d Dict, c encrypter) {
	keys := make([]string, 0, len(d))
	for k := range d {
		if k != "Type" {
			keys = append(keys, string(k))
		}
	}
	sort.Strings(keys)
	if _, ok := d["Type"]; ok {
		keys = append([]string{"Type"}, keys...)
	}
	w.WriteString("<<")
	for _, k := range keys {
		formatName(w, Name(k))
		w.WriteByte(' ')
		format(w, d[Name(k)], c)
	}
	w.WriteString(">>")
}

func formatName(w *bytes.Buffer, n Name) {
	w.WriteByte('/')
	for _, b := range []byte(n) {
		if b <= ' ' || b >= 0x7F || bytes.IndexByte([]byte("#/()<>[]{}%"), b) >= 0 {
			fmt.Fprintf(w, "#%02X", b)
			continue
		}
		w.WriteByte(b)
	}
}

func formatString(w *bytes.Buffer, b []byte, c encrypter) {
	if c != nil {
		b = c(b)
	}
	for _, x := range b {
		if x < ' ' || x >= 0x7F {
			fmt.Fprintf(w, "<%X>", b)
			return
		}
	}
	w.WriteByte('(')
	for _, x := range b {
		if x == '(' || x == ')' || x == '\\' {
			w.WriteByte('\\')
		}
		w.WriteByte(x)
	}
	w.WriteByte(')')
}

// number writes at most three decimals: a thousandth of a point is far below
// what any device shows.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'f', 3, 64)
	s = string(bytes.TrimRight([]byte(s), "0"))
	s = string(bytes.TrimRight([]byte(s), "."))
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
