package pdf

import (
	"maps"
	"math"
	"slices"
	"strconv"
)

// Format appends the serialised object to dst, without encryption. A Stream is
// written with its stored bytes where it was made by [NewStream]; one that
// comes from a file as its dictionary only. A nil Object is null. Reals that
// are no number are written as 0.0.
//
// The result never begins with or ends in a delimiter of its own: the caller
// puts white space between a number or name and what comes before.
func Format(dst []byte, o Object) []byte {
	w := writer{buf: dst}
	w.object(o)
	return w.buf
}

// writer serialises objects. With crypt set it encrypts the strings of ref.
type writer struct {
	buf   []byte
	crypt *crypt
	ref   Ref
	base  int64 // offset of buf[0] in the file
	holes []hole
	err   error
}

// hole is where a Reserved stands in buf.
type hole struct{ at, n int }

func (w *writer) object(o Object) {
	switch o := o.(type) {
	case Boolean:
		w.buf = strconv.AppendBool(w.buf, bool(o))
	case Integer:
		w.buf = strconv.AppendInt(w.buf, int64(o), 10)
	case Real:
		w.real(float64(o))
	case String:
		w.string(o)
	case Name:
		w.name(o)
	case Array:
		w.buf = append(w.buf, '[')
		for i, e := range o {
			if i > 0 {
				w.buf = append(w.buf, ' ')
			}
			w.object(e)
		}
		w.buf = append(w.buf, ']')
	case Dict:
		w.dict(o)
	case *Stream:
		w.dict(o.Dict)
		if o.rev == nil {
			w.data(o.data)
		}
	case Ref:
		w.buf = strconv.AppendUint(w.buf, uint64(o.Num), 10)
		w.buf = append(w.buf, ' ')
		w.buf = strconv.AppendUint(w.buf, uint64(o.Gen), 10)
		w.buf = append(w.buf, " R"...)
	case *Reserved:
		w.reserved(o)
	default:
		w.buf = append(w.buf, "null"...)
	}
}

func (w *writer) data(b []byte) {
	w.buf = append(w.buf, "\nstream\n"...)
	w.buf = append(w.buf, b...)
	w.buf = append(w.buf, "\nendstream"...)
}

// spaces fill a Reserved.
const spaces = "                                                                                                                                "

func (w *writer) reserved(r *Reserved) {
	w.holes = append(w.holes, hole{len(w.buf), r.Len})
	r.Offset = w.base + int64(len(w.buf))
	w.buf = slices.Grow(w.buf, r.Len)
	for left := r.Len; left > 0; {
		n := min(left, len(spaces))
		w.buf = append(w.buf, spaces[:n]...)
		left -= n
	}
}

func (w *writer) real(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	at := len(w.buf)
	w.buf = strconv.AppendFloat(w.buf, f, 'f', -1, 64)
	if !slices.Contains(w.buf[at:], '.') {
		w.buf = append(w.buf, ".0"...) // else it would be read as an Integer
	}
}

// string writes printable ASCII as a literal string, anything else in
// hexadecimal, which no line-end conversion can damage.
func (w *writer) string(s String) {
	if w.crypt != nil {
		b, err := w.crypt.encryptString(w.ref, []byte(s))
		if err != nil && w.err == nil {
			w.err = err
		}
		s = String(b)
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			w.hex(s)
			return
		}
	}
	w.buf = append(w.buf, '(')
	for i := range len(s) {
		if c := s[i]; c == '(' || c == ')' || c == '\\' {
			w.buf = append(w.buf, '\\')
		}
		w.buf = append(w.buf, s[i])
	}
	w.buf = append(w.buf, ')')
}

const hexDigits = "0123456789ABCDEF"

func (w *writer) hex(s String) {
	w.buf = slices.Grow(w.buf, 2*len(s)+2)
	w.buf = append(w.buf, '<')
	for i := range len(s) {
		w.buf = append(w.buf, hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	w.buf = append(w.buf, '>')
}

func (w *writer) name(n Name) {
	w.buf = append(w.buf, '/')
	for i := range len(n) {
		c := n[i]
		if c <= 0x20 || c > 0x7E || c == '#' || class[c] == delimiter {
			w.buf = append(w.buf, '#', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		w.buf = append(w.buf, c)
	}
}

// dict writes Type first and the other keys sorted; null entries are left out.
func (w *writer) dict(d Dict) {
	var room [24]Name
	keys := room[:0]
	for k, v := range d {
		if _, null := v.(Null); v != nil && !null && k != "Type" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	w.buf = append(w.buf, "<<"...)
	if t, ok := d["Type"]; ok && t != nil && t != (Null{}) {
		w.entry("Type", t, false)
	}
	sig := w.crypt != nil && isSignature(d)
	for _, k := range keys {
		w.entry(k, d[k], sig && k == "Contents")
	}
	w.buf = append(w.buf, ">>"...)
}

func (w *writer) entry(k Name, v Object, clear bool) {
	w.name(k)
	switch v.(type) {
	case Name, String, Array, Dict:
	default:
		w.buf = append(w.buf, ' ')
	}
	if clear {
		c := w.crypt
		w.crypt = nil
		w.object(v)
		w.crypt = c
		return
	}
	w.object(v)
}

// Clone returns a deep copy. The data of a Stream and a Reserved are shared.
func Clone(o Object) Object {
	switch o := o.(type) {
	case Array:
		c := make(Array, len(o))
		for i, e := range o {
			c[i] = Clone(e)
		}
		return c
	case Dict:
		c := maps.Clone(o)
		for k, e := range c {
			c[k] = Clone(e)
		}
		return c
	case *Stream:
		c := *o
		c.Dict, _ = Clone(o.Dict).(Dict)
		return &c
	}
	return o
}

// Present says whether an entry of a dictionary has a value: null is as good as
// none (§7.3.7).
func Present(o Object) bool {
	if o == nil {
		return false
	}
	_, null := o.(Null)
	return !null
}

// Equal says whether two objects are the same: references by number and
// generation, dictionaries without regard to order and null entries, streams
// by dictionary and plain stored bytes. An Integer never equals a Real.
// Streams whose bytes cannot be read are not equal.
func Equal(a, b Object) bool {
	switch a := a.(type) {
	case nil, Null:
		_, null := b.(Null)
		return b == nil || null
	case Array:
		b, ok := b.(Array)
		return ok && slices.EqualFunc(a, b, Equal)
	case Dict:
		b, ok := b.(Dict)
		return ok && equalDict(a, b)
	case *Stream:
		b, ok := b.(*Stream)
		return ok && (a == b || equalDict(a.Dict, b.Dict) && a.sameBytes(b))
	}
	switch b.(type) {
	case Array, Dict:
		return false
	}
	return a == b
}

func equalDict(a, b Dict) bool {
	for k, v := range a {
		if !Equal(v, b[k]) {
			return false
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok && !Equal(v, nil) {
			return false
		}
	}
	return true
}
