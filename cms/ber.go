package cms

import "bytes"

// Identifier octets used here (X.690 §8.1.2).
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagUTCTime     = 0x17
	tagGenTime     = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31

	constructed = 0x20
	context0    = 0xa0 // constructed; the primitive forms lack the bit
	context1    = 0xa1
	context2    = 0xa2
)

// element is one TLV of src, by offsets, so that nothing is copied.
type element struct {
	src        []byte
	tag        byte // first identifier octet
	indefinite bool
	start      int // of the identifier
	body       int // of the contents
	bodyEnd    int // after the contents, before an end-of-contents marker
	end        int // after the whole element
}

func (e element) raw() []byte      { return e.src[e.start:e.end:e.end] }
func (e element) contents() []byte { return e.src[e.body:e.bodyEnd:e.bodyEnd] }
func (e element) children() reader { return reader{src: e.src, pos: e.body, end: e.bodyEnd} }

// header reads identifier and length octets at pos. For an indefinite length
// bodyEnd and end are limit. minimal is false for lengths DER would not write.
func header(src []byte, pos, limit int) (e element, minimal bool, err error) {
	e = element{src: src, start: pos}
	if limit-pos < 2 {
		return e, false, malformed(pos, "ber-truncated", "")
	}
	e.tag = src[pos]
	pos++
	if e.tag&0x1f == 0x1f {
		if pos, err = skipHighTag(src, pos, limit); err != nil {
			return e, false, err
		}
	}
	n := int(src[pos])
	pos++
	minimal = true
	switch {
	case n == 0x80:
		if e.tag&constructed == 0 {
			return e, false, malformed(e.start, "ber-length", "primitive of indefinite length")
		}
		e.indefinite = true
		e.body, e.bodyEnd, e.end = pos, limit, limit
		return e, false, nil
	case n > 0x80:
		octets := n & 0x7f
		if octets > 8 || limit-pos < octets {
			return e, false, malformed(e.start, "ber-length", "length of too many octets")
		}
		first := src[pos]
		n = 0
		for _, c := range src[pos : pos+octets] {
			if n > MaxSize {
				return e, false, malformed(e.start, "ber-length", "longer than any input")
			}
			n = n<<8 | int(c)
		}
		pos += octets
		minimal = first != 0 && n >= 0x80
	}
	if n > limit-pos {
		return e, false, malformed(e.start, "ber-length", "element ends outside its parent")
	}
	e.body, e.bodyEnd, e.end = pos, pos+n, pos+n
	return e, minimal, nil
}

// skipHighTag passes the subsequent identifier octets of a tag number above
// 30; none occurs in CMS, so four octets are plenty. The length octet that
// must follow is within limit. Padded and small numbers are refused, which
// leaves one identifier for each number (X.690 §8.1.2.4).
func skipHighTag(src []byte, pos, limit int) (int, error) {
	if src[pos] == 0x80 || src[pos] < 0x1f {
		return pos, malformed(pos, "ber-tag", "tag number padded or too small for its form")
	}
	for i := 0; i < 4 && pos < limit-1; i++ {
		c := src[pos]
		pos++
		if c < 0x80 {
			return pos, nil
		}
	}
	return pos, malformed(pos, "ber-tag", "identifier too long")
}

// frame is a constructed element whose contents are being scanned.
type frame struct {
	start              int
	limit              int // end of the contents; if indefinite, of the nearest definite parent's
	indefinite         bool
	set                bool
	prevStart, prevEnd int // last child of a SET; prevEnd is 0 before the first
}

// scan checks the first TLV of b as BER, with everything constructed inside
// it, and returns its end and whether it is DER as far as that shows without a
// schema: universal SETs are checked for order, implicitly tagged ones are not.
// It is iterative and allocates nothing; its time is linear in len(b).
func scan(b []byte) (end int, der bool, err error) {
	var stack [MaxDepth]frame
	depth, pos, limit := 0, 0, len(b)
	der = true
	for {
		e, minimal, err := header(b, pos, limit)
		if err != nil {
			return 0, false, err
		}
		canonical, err := form(e)
		if err != nil {
			return 0, false, err
		}
		der = der && minimal && canonical
		start := e.start
		if e.tag&constructed != 0 {
			if depth == MaxDepth {
				return 0, false, malformed(pos, "limit", "nested deeper than MaxDepth")
			}
			stack[depth] = frame{start: start, limit: e.bodyEnd, indefinite: e.indefinite, set: e.tag == tagSet}
			depth++
			pos = e.body
		} else {
			pos = e.end
			if depth > 0 {
				der = stack[depth-1].child(b, start, pos) && der
			}
		}
		for { // close what ends here
			if depth == 0 {
				return pos, der, nil
			}
			f := &stack[depth-1]
			limit = f.limit
			if f.indefinite && limit-pos >= 2 && b[pos] == 0 && b[pos+1] == 0 {
				pos += 2
			} else if f.indefinite || pos != limit {
				break
			}
			depth--
			if depth > 0 {
				der = stack[depth-1].child(b, f.start, pos) && der
			}
		}
	}
}

// child notes a finished child and says whether it keeps the order of SET OF
// (X.690 §11.6).
func (f *frame) child(b []byte, start, end int) bool {
	if !f.set {
		return true
	}
	ordered := f.prevEnd == 0 || bytes.Compare(b[f.prevStart:f.prevEnd], b[start:end]) <= 0
	f.prevStart, f.prevEnd = start, end
	return ordered
}

// form checks what the universal tag of e implies: SEQUENCE and SET are
// constructed, simple types primitive. It reports whether DER would write the
// element so; lengths and order are the caller's matter.
func form(e element) (der bool, err error) {
	if e.tag >= 0x40 {
		return true, nil
	}
	isConstructed := e.tag&constructed != 0
	switch e.tag &^ constructed {
	case 0x1f:
		return false, malformed(e.start, "ber-tag", "universal type that CMS does not use")
	case 0:
		return false, malformed(e.start, "ber-tag", "end of contents out of place")
	case tagSequence &^ constructed, tagSet &^ constructed, 0x08, 0x0b: // EXTERNAL, EMBEDDED PDV too
		if !isConstructed {
			return false, malformed(e.start, "ber-form", "primitive form of a constructed type")
		}
		return true, nil
	case tagBoolean, tagInteger, tagNull, tagOID, 0x09, 0x0a, 0x0d:
		if isConstructed {
			return false, malformed(e.start, "ber-form", "constructed form of a primitive type")
		}
		return simpleForm(e)
	}
	return !isConstructed, nil // strings and times
}

// simpleForm checks the contents octets of a primitive, non-string type.
func simpleForm(e element) (der bool, err error) {
	c := e.contents()
	switch e.tag {
	case tagBoolean:
		if len(c) != 1 {
			return false, malformed(e.start, "ber-form", "BOOLEAN of other than one octet")
		}
		return c[0] == 0 || c[0] == 0xff, nil
	case tagNull:
		if len(c) != 0 {
			return false, malformed(e.start, "ber-form", "NULL with contents")
		}
		return true, nil
	}
	if len(c) == 0 {
		return false, malformed(e.start, "ber-form", "empty contents")
	}
	if e.tag == tagInteger && len(c) > 1 {
		// Nine equal leading bits: not allowed by BER either, but some
		// certificates have it and those must reach the caller.
		return !(c[0] == 0 && c[1] < 0x80 || c[0] == 0xff && c[1] >= 0x80), nil
	}
	return true, nil
}

// Cut returns the first BER element of b and what follows it. It is for
// callers that find a SignedData in a larger space, such as the padded
// /Contents of a PDF signature. Nesting is bounded by [MaxDepth]; the size is
// not bounded. The error is a *[MalformedError].
func Cut(b []byte) (first, rest []byte, err error) {
	end, _, err := scan(b)
	if err != nil {
		return nil, nil, err
	}
	return b[:end:end], b[end:], nil
}

// reader walks over sibling elements of a scanned input.
type reader struct {
	src      []byte
	pos, end int
}

func (r *reader) empty() bool { return r.pos >= r.end }

// peek returns the identifier octet of the next element, 0 at the end.
func (r *reader) peek() byte {
	if r.empty() {
		return 0
	}
	return r.src[r.pos]
}

// next returns the next element with its true end, also when its length is
// indefinite.
func (r *reader) next() (element, error) {
	e, _, err := header(r.src, r.pos, r.end)
	if err != nil {
		return e, err
	}
	if e.indefinite {
		n, _, err := scan(r.src[e.start:r.end])
		if err != nil {
			return e, shift(err, e.start)
		}
		e.end = e.start + n
		e.bodyEnd = e.end - 2
	}
	r.pos = e.end
	return e, nil
}

// expect returns the next element if its identifier octet is tag.
func (r *reader) expect(tag byte, what string) (element, error) {
	if r.peek() != tag || r.empty() {
		return element{}, malformed(r.pos, "cms-syntax", "expected "+what)
	}
	return r.next()
}

// optional returns the next element if its identifier octet is tag.
func (r *reader) optional(tag byte) (e element, ok bool, err error) {
	if r.empty() || r.peek() != tag {
		return element{}, false, nil
	}
	e, err = r.next()
	return e, err == nil, err
}

// octetString returns the contents of the OCTET STRING that comes next.
func (r *reader) octetString(what string) ([]byte, error) {
	if r.peek()&^constructed != tagOctetString || r.empty() {
		return nil, malformed(r.pos, "cms-syntax", "expected "+what)
	}
	e, err := r.next()
	if err != nil {
		return nil, err
	}
	return octets(e)
}

// finish refuses left-over elements.
func (r *reader) finish(what string) error {
	if !r.empty() {
		return malformed(r.pos, "cms-syntax", "unexpected element after "+what)
	}
	return nil
}

// root scans b, which must be exactly one element, and returns it.
func root(b []byte) (element, bool, error) {
	end, der, err := scan(b)
	if err != nil {
		return element{}, false, err
	}
	if end != len(b) {
		return element{}, false, malformed(end, "trailing-data", "")
	}
	r := reader{src: b, end: len(b)}
	e, err := r.next()
	return e, der, err
}

// shift moves the offset of a MalformedError by n.
func shift(err error, n int) error {
	if m, ok := err.(*MalformedError); ok {
		c := *m
		c.Offset += n
		return &c
	}
	return err
}

// octets returns the contents of a string type: as they are when primitive,
// joined when BER split them into segments (X.690 §8.7.3). The element comes
// from a scanned input, which bounds the recursion by MaxDepth.
func octets(e element) ([]byte, error) {
	if e.tag&constructed == 0 {
		return e.contents(), nil
	}
	return appendOctets(nil, e)
}

func appendOctets(dst []byte, e element) ([]byte, error) {
	for r := e.children(); !r.empty(); {
		s, err := r.next()
		if err != nil {
			return nil, err
		}
		switch s.tag {
		case tagOctetString:
			dst = append(dst, s.contents()...)
		case tagOctetString | constructed:
			if dst, err = appendOctets(dst, s); err != nil {
				return nil, err
			}
		default:
			return nil, malformed(s.start, "ber-form", "segment is not an OCTET STRING")
		}
	}
	return dst, nil
}
