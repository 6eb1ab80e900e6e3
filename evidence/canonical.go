package evidence

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// errNotUTF8 refuses what JSON cannot carry unchanged (RFC 8785 §3.2.2.2).
var errNotUTF8 = errors.New("text is not UTF-8")

// canonical writes RFC 8785 JSON: no white space, the shortest escapes. Members
// come in the order in which they are written, which must be that of their
// names; names must be ASCII, for which order by bytes and by UTF-16 units
// (§3.2.3) agree. Members without a value, and objects without members, are
// left out. Numbers must be exact as IEEE doubles (§3.2.2.3), which Record sees
// to.
type canonical struct {
	dst []byte
	err error // the first
}

// name begins a member; "" begins an element of an array, or the whole.
func (c *canonical) name(name string) {
	if n := len(c.dst); n > 0 && c.dst[n-1] != '{' && c.dst[n-1] != '[' {
		c.dst = append(c.dst, ',')
	}
	if name != "" {
		c.value(name)
		c.dst = append(c.dst, ':')
	}
}

func (c *canonical) value(s string) {
	dst, err := appendString(c.dst, s)
	if err != nil {
		if c.err == nil {
			c.err = err
		}
		return
	}
	c.dst = dst
}

func (c *canonical) text(name, value string) {
	if value != "" {
		c.name(name)
		c.value(value)
	}
}

func (c *canonical) number(name string, value int64) {
	if value != 0 {
		c.name(name)
		c.dst = strconv.AppendInt(c.dst, value, 10)
	}
}

// begin begins an object and returns what end wants to know.
func (c *canonical) begin(name string) (mark int) {
	mark = len(c.dst)
	c.name(name)
	c.dst = append(c.dst, '{')
	return mark
}

// end ends the object that began at mark, or takes it back when it is empty.
func (c *canonical) end(mark int) {
	if c.dst[len(c.dst)-1] == '{' {
		c.dst = c.dst[:mark]
		return
	}
	c.dst = append(c.dst, '}')
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
