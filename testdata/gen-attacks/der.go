package main

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The writer of DER (X.690) is a few functions that put bytes together, so that
// a case can leave out, double or bend any part; nothing is checked.

// tlv writes one element with a definite length in as few bytes as possible.
func tlv(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	out := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, body...)
}

func seq(parts ...[]byte) []byte        { return tlv(0x30, parts...) }
func octets(b []byte) []byte            { return tlv(0x04, b) }
func bits(b []byte) []byte              { return tlv(0x03, []byte{0}, b) }
func utf8(s string) []byte              { return tlv(0x0C, []byte(s)) }
func null() []byte                      { return []byte{0x05, 0} }
func yes() []byte                       { return []byte{0x01, 1, 0xFF} }
func explicit(n byte, b []byte) []byte  { return tlv(0xA0|n, b) }
func primitive(n byte, b []byte) []byte { return tlv(0x80|n, b) }

// setOf sorts its elements as DER demands.
func setOf(parts ...[]byte) []byte {
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, bytes.Compare)
	return tlv(0x31, sorted...)
}

func number(n int64) []byte { return bigNumber(big.NewInt(n)) }

func bigNumber(n *big.Int) []byte {
	if n.Sign() < 0 {
		length := len(n.Bytes()) + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*length)))
		b := n.Bytes()
		for len(b) > 1 && b[0] == 0xFF && b[1]&0x80 != 0 {
			b = b[1:]
		}
		return tlv(0x02, b)
	}
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return tlv(0x02, b)
}

func oid(dotted string) []byte {
	var arcs []uint64
	for _, s := range strings.Split(dotted, ".") {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			panic(err)
		}
		arcs = append(arcs, n)
	}
	body := []byte{}
	for i, n := range arcs[1:] {
		if i == 0 {
			n += 40 * arcs[0]
		}
		part := []byte{byte(n & 0x7F)}
		for n >>= 7; n > 0; n >>= 7 {
			part = append([]byte{byte(n&0x7F) | 0x80}, part...)
		}
		body = append(body, part...)
	}
	return tlv(0x06, body)
}

// moment parses a fixed date of a case: RFC 3339.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func utcTime(s string) []byte { return tlv(0x17, []byte(moment(s).Format("060102150405Z"))) }
func genTime(s string) []byte { return tlv(0x18, []byte(moment(s).Format("20060102150405Z"))) }

// x509Time is UTCTime up to 2049 and GeneralizedTime after (RFC 5280 §4.1.2.5).
func x509Time(s string) []byte {
	if moment(s).Year() < 2050 {
		return utcTime(s)
	}
	return genTime(s)
}
