package cms

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"slices"
)

// tlv returns one DER element with the parts as its contents.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	dst := appendHeader(make([]byte, 0, n+headerLen(n)), tag, n)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// headerLen returns the length of the identifier and length octets in front of
// n octets of contents.
func headerLen(n int) int {
	l := 2
	if n >= 0x80 {
		for ; n > 0; n >>= 8 {
			l++
		}
	}
	return l
}

func appendHeader(dst []byte, tag byte, n int) []byte {
	dst = append(dst, tag)
	if n < 0x80 {
		return append(dst, byte(n))
	}
	octets := headerLen(n) - 2
	dst = append(dst, 0x80|byte(octets))
	for i := octets - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

// setOf returns a SET OF the members, in DER order, under tag. It sorts
// members in place.
func setOf(tag byte, members ...[]byte) []byte {
	slices.SortFunc(members, bytes.Compare)
	return tlv(tag, members...)
}

// appendOID appends the contents octets of an object identifier.
func appendOID(dst []byte, id asn1.ObjectIdentifier) []byte {
	if len(id) < 2 {
		return dst
	}
	dst = appendBase128(dst, id[0]*40+id[1])
	for _, arc := range id[2:] {
		dst = appendBase128(dst, arc)
	}
	return dst
}

func appendBase128(dst []byte, n int) []byte {
	l := 1
	for m := n >> 7; m > 0; m >>= 7 {
		l++
	}
	for i := l - 1; i >= 0; i-- {
		c := byte(n>>(7*i)) & 0x7f
		if i > 0 {
			c |= 0x80
		}
		dst = append(dst, c)
	}
	return dst
}

// oidTLV returns the DER OBJECT IDENTIFIER.
func oidTLV(id asn1.ObjectIdentifier) []byte {
	var c [32]byte // enough for all of ours, without an allocation
	return tlv(tagOID, appendOID(c[:0], id))
}

// parseOID decodes contents octets. It refuses arcs that overflow an int31, so
// that they mean the same everywhere.
func parseOID(e element) (asn1.ObjectIdentifier, error) {
	c := e.contents()
	id := make(asn1.ObjectIdentifier, 0, len(c)+1)
	arc := 0
	for i, b := range c {
		if arc == 0 && b == 0x80 || arc >= 1<<24 {
			return nil, malformed(e.body+i, "oid", "arc padded or too large")
		}
		arc = arc<<7 | int(b&0x7f)
		if b >= 0x80 {
			continue
		}
		if len(id) == 0 {
			first := min(arc/40, 2)
			id = append(id, first, arc-40*first)
		} else {
			id = append(id, arc)
		}
		arc = 0
	}
	if len(c) == 0 || c[len(c)-1] >= 0x80 {
		return nil, malformed(e.body, "oid", "truncated")
	}
	return id, nil
}

// integerTLV returns the DER INTEGER of n, which may be negative.
func integerTLV(n *big.Int) []byte {
	var c []byte
	switch n.Sign() {
	case 0:
		c = []byte{0}
	case 1:
		c = n.Bytes()
		if c[0] >= 0x80 {
			c = slices.Insert(c, 0, 0)
		}
	default: // two's complement of the magnitude less one, inverted
		m := new(big.Int).Not(n)
		c = m.Bytes()
		if len(c) == 0 || c[0] >= 0x80 {
			c = slices.Insert(c, 0, 0)
		}
		for i := range c {
			c[i] ^= 0xff
		}
	}
	return tlv(tagInteger, c)
}

// parseInteger decodes a two's complement INTEGER of at most MaxSerialBytes.
func parseInteger(e element) (*big.Int, error) {
	c := e.contents()
	if len(c) == 0 || len(c) > MaxSerialBytes {
		return nil, malformed(e.start, "integer", "empty or too long")
	}
	n := new(big.Int).SetBytes(c)
	if c[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(c))))
	}
	return n, nil
}

// parseSmall decodes an INTEGER between 0 and 65535, such as a version.
func parseSmall(e element) (int, error) {
	n, err := parseInteger(e)
	if err != nil {
		return 0, err
	}
	if n.Sign() < 0 || n.BitLen() > 16 {
		return 0, malformed(e.start, "integer", "out of range")
	}
	return int(n.Int64()), nil
}

// normalize returns the DER of a BER element: definite minimal lengths, string
// types primitive, BOOLEAN true as FF, universal SETs in order. Elements under
// context tags keep their form, since only a schema knows their type.
func normalize(b []byte) ([]byte, error) {
	e, _, err := root(b)
	if err != nil {
		return nil, err
	}
	return appendDER(make([]byte, 0, len(b)), e)
}

// appendDER recurses no deeper than scan, which has passed e, allowed.
func appendDER(dst []byte, e element) ([]byte, error) {
	head := e.src[e.start : e.start+identifierLen(e)]
	if e.tag&constructed == 0 {
		dst = appendLongHeader(dst, head, e.bodyEnd-e.body)
		if e.tag == tagBoolean && e.contents()[0] != 0 {
			return append(dst, 0xff), nil
		}
		return append(dst, e.contents()...), nil
	}
	if e.tag < 0x40 && e.tag != tagSequence && e.tag != tagSet && e.tag != 0x28 && e.tag != 0x2b {
		return appendString(dst, e)
	}
	var members [][]byte
	for r := e.children(); !r.empty(); {
		c, err := r.next()
		if err != nil {
			return nil, err
		}
		m, err := appendDER(nil, c)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	if e.tag == tagSet {
		slices.SortFunc(members, bytes.Compare)
	}
	body := slices.Concat(members...)
	return append(appendLongHeader(dst, head, len(body)), body...), nil
}

// appendString joins the segments of a constructed string. Segments carry the
// string's own tag or, for restricted character strings, OCTET STRING's.
func appendString(dst []byte, e element) ([]byte, error) {
	primitive := e.tag &^ constructed
	if primitive == tagBitString {
		return nil, malformed(e.start, "ber-form", "BIT STRING in segments")
	}
	var body []byte
	for r := e.children(); !r.empty(); {
		c, err := r.next()
		if err != nil {
			return nil, err
		}
		if t := c.tag &^ constructed; t != primitive && t != tagOctetString {
			return nil, malformed(c.start, "ber-form", "segment of another type")
		}
		if c.tag&constructed != 0 {
			inner, err := appendString(nil, c)
			if err != nil {
				return nil, err
			}
			s, _, err := header(inner, 0, len(inner))
			if err != nil {
				return nil, err
			}
			body = append(body, s.contents()...)
			continue
		}
		body = append(body, c.contents()...)
	}
	return append(appendHeader(dst, primitive, len(body)), body...), nil
}

// identifierLen returns how many identifier octets e has.
func identifierLen(e element) int {
	n := 1
	if e.tag&0x1f == 0x1f {
		for e.src[e.start+n] >= 0x80 {
			n++
		}
		n++
	}
	return n
}

// appendLongHeader is appendHeader for identifiers of several octets.
func appendLongHeader(dst, identifier []byte, n int) []byte {
	dst = append(dst, identifier[:len(identifier)-1]...)
	return appendHeader(dst, identifier[len(identifier)-1], n)
}
