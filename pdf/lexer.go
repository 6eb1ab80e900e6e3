package pdf

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
)

// errShort says that the parser's window ends where the token might go on. It
// never leaves the package: the caller reads a longer window and starts over.
var errShort = errors.New("window ends inside an object")

// Character classes of §7.2.3.
const (
	regular = iota
	space
	delimiter
)

var class = func() (t [256]byte) {
	for _, c := range "\x00\t\n\f\r " {
		t[c] = space
	}
	for _, c := range "()<>[]{}/%" {
		t[c] = delimiter
	}
	return t
}()

// hexValue is the value of a hexadecimal digit, 0xFF for anything else.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// parser reads objects from buf, whose first byte stands at base in the file
// (in an object stream: in its decoded data).
type parser struct {
	buf   []byte
	pos   int
	base  int64
	final bool // nothing follows buf
	lim   *Limits
	items int         // objects made so far, against Limits.ObjectItems
	stack []Object    // elements and values under construction
	keys  []EntrySpan // of values under construction
	room  []byte      // for buf, when the file is not in memory
	dups  []int64     // offsets of keys that occur again in their dictionary
	plain bool        // the last hexadecimal string had digits alone, an even number
	outer bool        // keep in spans where the entries of the outermost dictionary stand
	spans []EntrySpan
	odd   bool // a token was read that some readers take for another, see maxDigits
}

// maxDigits and maxNameBytes are the lengths of a number, and of a name as it is
// written, beyond which some readers cut them off. In names some take the bytes
// 80 and FF for white space.
const (
	maxDigits    = 100
	maxNameBytes = 127
)

// parsers are those of [Document.parseAt], so that what they build objects on
// is not allocated for each.
var parsers = sync.Pool{New: func() any { return &parser{room: make([]byte, firstWindow)} }}

// firstWindow is how many bytes are read for an object at first: nearly all are
// shorter.
const firstWindow = 4096

// keptRoom is how many objects under construction a parser that is kept for
// the next object has room for; one that needed more is not kept.
const keptRoom = 256

// release makes p ready for the next object and keeps it.
func (p *parser) release() {
	if cap(p.stack) > keptRoom || cap(p.keys) > keptRoom {
		return
	}
	clear(p.stack[:cap(p.stack)])
	clear(p.keys[:cap(p.keys)])
	*p = parser{stack: p.stack[:0], keys: p.keys[:0], room: p.room}
	parsers.Put(p)
}

func (p *parser) fail(at int, rule string) error {
	return &MalformedError{Offset: p.base + int64(at), Rule: rule}
}

// ended is the error for a token that touches the end of the window.
func (p *parser) ended(rule string) error {
	if !p.final {
		return errShort
	}
	return p.fail(len(p.buf), rule)
}

// skipSpace passes white space and comments.
func (p *parser) skipSpace() {
	for p.pos < len(p.buf) {
		c := p.buf[p.pos]
		if class[c] == space {
			p.pos++
			continue
		}
		if c != '%' {
			return
		}
		for p.pos < len(p.buf) && p.buf[p.pos] != '\n' && p.buf[p.pos] != '\r' {
			p.pos++
		}
	}
}

// regularEnd returns where the run of regular characters from i ends.
func (p *parser) regularEnd(i int) int {
	for i < len(p.buf) && class[p.buf[i]] == regular {
		i++
	}
	return i
}

// keyword consumes word when it comes next (after white space) as a token of
// its own. It reports false without moving when something else comes.
func (p *parser) keyword(word string) (bool, error) {
	start := p.pos
	p.skipSpace()
	end := p.pos + len(word)
	if end > len(p.buf) {
		if !p.final {
			return false, errShort
		}
		p.pos = start
		return false, nil
	}
	if string(p.buf[p.pos:end]) != word {
		p.pos = start
		return false, nil
	}
	if end == len(p.buf) && !p.final {
		return false, errShort
	}
	if end < len(p.buf) && class[p.buf[end]] == regular {
		p.pos = start
		return false, nil
	}
	p.pos = end
	return true, nil
}

// uint reads an unsigned decimal number after white space; ok is false (and
// nothing is consumed) when there is none or it is above max, which must be
// below 2^59.
func (p *parser) uint(max int64) (v int64, ok bool, err error) {
	start := p.pos
	p.skipSpace()
	i := p.pos
	for i < len(p.buf) && p.buf[i]-'0' < 10 {
		if v = v*10 + int64(p.buf[i]-'0'); v > max {
			p.pos = start
			return 0, false, nil
		}
		i++
	}
	if i == len(p.buf) && !p.final {
		return 0, false, errShort
	}
	if i == p.pos || i < len(p.buf) && class[p.buf[i]] == regular {
		p.pos = start
		return 0, false, nil
	}
	p.odd = p.odd || i-p.pos > maxDigits
	p.pos = i
	return v, true, nil
}

// name reads a name whose solidus stands at p.pos.
func (p *parser) name() ([]byte, error) {
	start := p.pos + 1
	end := p.regularEnd(start)
	if end == len(p.buf) && !p.final {
		return nil, errShort
	}
	p.pos = end
	raw := p.buf[start:end]
	p.odd = p.odd || len(raw) > maxNameBytes
	for _, c := range raw {
		p.odd = p.odd || c == 0x80 || c == 0xFF
	}
	for i, c := range raw {
		if c == '#' {
			return unescapeName(raw, i), nil
		}
	}
	return raw, nil
}

// unescapeName decodes #xx. A number sign that no two hexadecimal digits
// follow stands for itself, as in files made before PDF 1.2.
func unescapeName(raw []byte, from int) []byte {
	out := append(make([]byte, 0, len(raw)), raw[:from]...)
	for i := from; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) && hexValue[raw[i+1]] < 16 && hexValue[raw[i+2]] < 16 {
			out = append(out, hexValue[raw[i+1]]<<4|hexValue[raw[i+2]])
			i += 2
			continue
		}
		out = append(out, raw[i])
	}
	return out
}

// number reads the Integer or Real at p.pos (§7.3.3).
func (p *parser) number() (Object, error) {
	start := p.pos
	end := p.regularEnd(start)
	if end == len(p.buf) && !p.final {
		return nil, errShort
	}
	tok := p.buf[start:end]
	digits, dot := 0, false
	for i, c := range tok {
		switch {
		case c-'0' < 10:
			digits++
		case c == '.' && !dot:
			dot = true
		case (c == '+' || c == '-') && i == 0:
		default:
			return nil, p.fail(start, "number")
		}
	}
	if digits == 0 {
		return nil, p.fail(start, "number")
	}
	p.pos, p.odd = end, p.odd || len(tok) > maxDigits
	if !dot {
		v, err := strconv.ParseInt(string(tok), 10, 64)
		if err != nil {
			return nil, p.fail(start, "number-range")
		}
		return Integer(v), nil
	}
	f, err := strconv.ParseFloat(string(tok), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, p.fail(start, "number-range")
	}
	return Real(f), nil
}

// hexString reads the string whose < stands at p.pos. A missing last digit
// is 0 (§7.3.4.3).
func (p *parser) hexString() (String, error) {
	start := p.pos + 1
	n := bytes.IndexByte(p.buf[start:], '>')
	if n < 0 {
		return "", p.ended("string-open")
	}
	digits := p.buf[start : start+n]
	var out strings.Builder
	out.Grow((n + 1) / 2)
	i := plainHex(&out, digits)
	p.plain = i == n
	for i < n {
		i += plainHex(&out, digits[i:])
		high, at, err := p.hexDigit(start, digits, i)
		if err != nil {
			return "", err
		}
		low, next, err := p.hexDigit(start, digits, at)
		if err != nil {
			return "", err
		}
		if i = next; at <= n {
			out.WriteByte(high<<4 | low)
		}
	}
	p.pos = start + n + 1
	return String(out.String()), nil
}

// plainHex decodes pairs of digits up to the first byte that is none, and
// returns how many bytes it took. The signatures of a document are such runs,
// of thousands of digits.
func plainHex(out *strings.Builder, digits []byte) int {
	var piece [512]byte
	i := 0
	for {
		k := 0
		for k < len(piece) && i+1 < len(digits) {
			high, low := hexValue[digits[i]], hexValue[digits[i+1]]
			if high|low > 15 {
				break
			}
			piece[k] = high<<4 | low
			k++
			i += 2
		}
		out.Write(piece[:k])
		if k < len(piece) {
			return i
		}
	}
}

// hexDigit returns the next digit from i on and the place after it: 0 at the
// end, with a place beyond that.
func (p *parser) hexDigit(start int, digits []byte, i int) (v byte, next int, err error) {
	for i < len(digits) && class[digits[i]] == space {
		i++
	}
	if i >= len(digits) {
		return 0, len(digits) + 1, nil
	}
	if v = hexValue[digits[i]]; v > 15 {
		return 0, i, p.fail(start+i, "hex-string")
	}
	return v, i + 1, nil
}

// literalString reads the string whose ( stands at p.pos (§7.3.4.2).
func (p *parser) literalString() (String, error) {
	start := p.pos + 1
	for i := start; i < len(p.buf); i++ {
		switch p.buf[i] {
		case ')':
			p.pos = i + 1
			return String(p.buf[start:i]), nil
		case '(', '\\', '\r':
			return p.escapedString(start, i)
		}
	}
	return "", p.ended("string-open")
}

// escapedString goes on from i with a literal string that needs decoding.
func (p *parser) escapedString(start, i int) (String, error) {
	out := append(make([]byte, 0, 2*(i-start)+32), p.buf[start:i]...)
	level := 0
	for i < len(p.buf) {
		c := p.buf[i]
		i++
		switch c {
		case '(':
			level++
		case ')':
			if level == 0 {
				p.pos = i
				return String(out), nil
			}
			level--
		case '\r': // any end of line is one line feed
			if i < len(p.buf) && p.buf[i] == '\n' {
				i++
			}
			c = '\n'
		case '\\':
			if i+3 > len(p.buf) && !p.final {
				return "", errShort
			}
			out, i = p.escape(out, i)
			continue
		}
		out = append(out, c)
	}
	return "", p.ended("string-open")
}

// escape decodes what follows a reverse solidus; i is the place after it.
func (p *parser) escape(out []byte, i int) ([]byte, int) {
	if i >= len(p.buf) {
		return out, i
	}
	c := p.buf[i]
	i++
	switch c {
	case 'n':
		return append(out, '\n'), i
	case 'r':
		return append(out, '\r'), i
	case 't':
		return append(out, '\t'), i
	case 'b':
		return append(out, '\b'), i
	case 'f':
		return append(out, '\f'), i
	case '\n':
		return out, i
	case '\r':
		if i < len(p.buf) && p.buf[i] == '\n' {
			i++
		}
		return out, i
	}
	if c-'0' >= 8 {
		return append(out, c), i // (, ), \ and anything unknown stand for themselves
	}
	v := c - '0'
	for n := 0; n < 2 && i < len(p.buf) && p.buf[i]-'0' < 8; n++ {
		v = v<<3 | (p.buf[i] - '0') // high-order overflow is ignored (Table 3)
		i++
	}
	return append(out, v), i
}
