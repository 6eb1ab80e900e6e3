package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// canonicalRDNs reads a DER Name into one comparable string per RDN, after
// RFC 5280 §7.1: letter case and runs of white space do not count, nor does
// the string type. Loose comparison is safe here because a name alone never
// proves anything: the signature must verify as well.
func canonicalRDNs(der []byte) ([]string, bool) {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, false
	}
	var out []string
	for !seq.Empty() {
		rdn, ok := canonicalRDN(&seq)
		if !ok || len(out) == maxGeneralNames {
			return nil, false
		}
		out = append(out, rdn)
	}
	return out, true
}

// canonicalRDN reads one RelativeDistinguishedName, a SET OF attributes.
func canonicalRDN(s *cryptobyte.String) (string, bool) {
	var set cryptobyte.String
	if !s.ReadASN1(&set, cbasn1.SET) {
		return "", false
	}
	var attrs []string
	for !set.Empty() {
		var attr, id, value cryptobyte.String
		var tag cbasn1.Tag
		if !set.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) ||
			!attr.ReadAnyASN1(&value, &tag) || !attr.Empty() || len(attrs) == maxGeneralNames {
			return "", false
		}
		attrs = append(attrs, lengthPrefixed(string(id))+lengthPrefixed(canonicalValue(tag, value)))
	}
	slices.Sort(attrs)
	return strings.Join(attrs, ""), true
}

func lengthPrefixed(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// canonicalValue folds text; other types keep tag and bytes.
func canonicalValue(tag cbasn1.Tag, value []byte) string {
	text, ok := directoryString(tag, value)
	if !ok {
		return string([]byte{0, byte(tag)}) + string(value)
	}
	return "\x01" + strings.ToLower(strings.Join(strings.Fields(text), " "))
}

func directoryString(tag cbasn1.Tag, value []byte) (string, bool) {
	switch tag {
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, 18 /* NumericString */, 26 /* VisibleString */ :
		return string(value), utf8.Valid(value)
	case cbasn1.T61String:
		var b strings.Builder
		for _, c := range value {
			b.WriteRune(rune(c)) // read as Latin-1, as everyone does
		}
		return b.String(), true
	case 30: // BMPString
		if len(value)%2 != 0 {
			return "", false
		}
		u := make([]uint16, len(value)/2)
		for i := range u {
			u[i] = binary.BigEndian.Uint16(value[2*i:])
		}
		return string(utf16.Decode(u)), true
	}
	return "", false
}

// sameName compares two DER names after RFC 5280 §7.1.
func sameName(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return canonicalName(a) == canonicalName(b)
}

// canonicalName is a map key for a DER name. A name that cannot be read
// equals only itself.
func canonicalName(der []byte) string {
	rdns, ok := canonicalRDNs(der)
	if !ok {
		return "\x00" + string(der)
	}
	var b strings.Builder
	for _, r := range rdns {
		b.WriteString(lengthPrefixed(r))
	}
	return b.String()
}

// selfIssued reports that subject and issuer are the same name (RFC 5280 §6.1).
func selfIssued(c *x509.Certificate) bool { return sameName(c.RawSubject, c.RawIssuer) }

// sameEntity reports the same name and the same key: for path building these
// are one authority whatever else its certificates say.
func sameEntity(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) && sameName(a.RawSubject, b.RawSubject)
}
