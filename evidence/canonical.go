package evidence

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"
)

// errNotUTF8 refuses what JSON cannot carry unchanged (RFC 8785 §3.2.2.2).
var errNotUTF8 = errors.New("text is not UTF-8")

// appendCanonical appends v as RFC 8785 JSON: no white space, members in order
// of their names, the shortest escapes. v is made of map[string]any,
// []any, string and int64. Names must be ASCII, for which order by bytes and
// by UTF-16 units (§3.2.3) agree; numbers must be exact as IEEE doubles
// (§3.2.2.3), which Record sees to.
func appendCanonical(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		dst = append(dst, '{')
		for i, name := range names {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendString(dst, name); err != nil {
				return nil, err
			}
			dst = append(dst, ':')
			if dst, err = appendCanonical(dst, v[name]); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendCanonical(dst, item); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case string:
		return appendString(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	}
	panic("evidence: a record holds what JSON here does not")
}

// shortEscape holds the letter of the two-character escapes.
var shortEscape = [256]byte{'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\'}

// appendString appends s in quotes with the escapes of RFC 8785 §3.2.2.2.
func appendString(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errNotUTF8
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		c := s[i]
		if e := shortEscape[c]; e != 0 {
			dst = append(dst, '\\', e)
		} else if c < 0x20 {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '"'), nil
}
