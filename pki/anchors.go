package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Anchors are the authorities that the caller trusts. Each is given as a
// certificate, of which name, key and constraints count: its own signature
// and validity period do not (RFC 5280 §6.1.1 (d), RFC 5937).
//
// An anchor may have a sunset: the moment from which it is not trusted any
// more, though what it vouched for before may still be proven (EN 319 102-1
// §5.2.6.4). The functions of this package do not look at it, since they do
// not know what is proven; callers ask [Anchors.Sunset].
//
// The nil *Anchors is empty: nothing is trusted. Anchors are immutable and
// may be shared.
type Anchors struct {
	list   []*x509.Certificate
	byName map[string][]*x509.Certificate
	sunset map[string]time.Time // by DER
}

// NewAnchors returns anchors made of certs; duplicates count once.
func NewAnchors(certs ...*x509.Certificate) *Anchors {
	a := &Anchors{byName: make(map[string][]*x509.Certificate)}
	for _, c := range certs {
		if a.exact(c, nil) {
			continue
		}
		name := canonicalName(c.RawSubject)
		a.list = append(a.list, c)
		a.byName[name] = append(a.byName[name], c)
	}
	return a
}

// ParseAnchors reads certificates as [ParseCertificates] does and trusts each.
// In PEM the line "Sunset: YYYY-MM-DD" in the text before a certificate, where
// other programs read nothing, is its sunset: the first day, in UTC, on which
// it is not trusted any more. Any other line that begins with that word is a
// *MalformedError: a mistyped end of trust must not mean none.
func ParseAnchors(data []byte) (*Anchors, error) {
	certs, err := ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	a := NewAnchors(certs...)
	dates, err := sunsetDates(data)
	if err != nil {
		return nil, err
	}
	for der, date := range dates {
		c, err := x509.ParseCertificate([]byte(der))
		if err != nil {
			return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "certificate", Err: err}
		}
		a = a.WithSunset(c, date)
	}
	return a, nil
}

// JoinAnchors trusts what any of the sets trusts. Of several sunsets of one
// anchor the first counts.
func JoinAnchors(sets ...*Anchors) *Anchors {
	var all []*x509.Certificate
	for _, s := range sets {
		all = append(all, s.Certificates()...)
	}
	out := NewAnchors(all...)
	for _, s := range sets {
		for _, c := range s.Certificates() {
			have, date := out.Sunset(c), s.Sunset(c)
			if !date.IsZero() && (have.IsZero() || date.Before(have)) {
				out = out.WithSunset(c, date)
			}
		}
	}
	return out
}

// WithSunset returns the anchors with the moment from which one of them is not
// trusted any more; the zero time means no end. A certificate that is no
// anchor changes nothing.
func (a *Anchors) WithSunset(anchor *x509.Certificate, from time.Time) *Anchors {
	if a == nil {
		return nil
	}
	out := *a
	out.sunset = make(map[string]time.Time, len(a.sunset)+1)
	maps.Copy(out.sunset, a.sunset)
	out.sunset[string(anchor.Raw)] = from.UTC()
	if from.IsZero() {
		delete(out.sunset, string(anchor.Raw))
	}
	return &out
}

// Sunset returns the moment from which an anchor is not trusted any more; zero
// means that there is none.
func (a *Anchors) Sunset(anchor *x509.Certificate) time.Time {
	if a == nil || len(a.sunset) == 0 {
		return time.Time{}
	}
	return a.sunset[string(anchor.Raw)]
}

// Certificates returns the anchors' certificates in the order given.
func (a *Anchors) Certificates() []*x509.Certificate {
	if a == nil {
		return nil
	}
	return append([]*x509.Certificate(nil), a.list...)
}

// Len returns the number of anchors.
func (a *Anchors) Len() int {
	if a == nil {
		return 0
	}
	return len(a.list)
}

// Contains reports whether cert has the name and key of an anchor, whatever
// else stands in it.
func (a *Anchors) Contains(cert *x509.Certificate) bool { return a.contains(cert, nil) }

func (a *Anchors) contains(cert *x509.Certificate, s *Session) bool {
	for _, c := range a.named(cert.RawSubject, s) {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
			return true
		}
	}
	return false
}

// named returns the anchors of a name; s may be nil.
func (a *Anchors) named(name []byte, s *Session) []*x509.Certificate {
	if a == nil || len(a.list) == 0 {
		return nil
	}
	return a.byName[s.name(name)]
}

func (a *Anchors) exact(cert *x509.Certificate, s *Session) bool {
	for _, c := range a.named(cert.RawSubject, s) {
		if c.Equal(cert) {
			return true
		}
	}
	return false
}

// ParseCertificates reads certificates in any of the forms that authorities
// publish: a PEM bundle, one or more DER certificates in a row, or a
// certs-only PKCS #7 (RFC 5280 §4.2.2.1), at most 1024 of them. An empty
// input, or one certificate that crypto/x509 cannot read, is a
// *MalformedError.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parsePEM(data)
	}
	if ders, ok := certsOnly(data); ok {
		return parseEach(ders)
	}
	var ders [][]byte
	s := cryptobyte.String(data)
	for !s.Empty() {
		var der cryptobyte.String
		if len(ders) == maxBundle || !s.ReadASN1Element(&der, cbasn1.SEQUENCE) {
			return nil, &MalformedError{Object: "bundle", Offset: offsetIn(data, s), Rule: "certificate"}
		}
		ders = append(ders, der)
	}
	return parseEach(ders)
}

func parsePEM(data []byte) ([]*x509.Certificate, error) {
	var ders [][]byte
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		if block == nil {
			return parseEach(ders)
		}
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
			ders = append(ders, block.Bytes)
		case "PKCS7", "CMS":
			more, ok := certsOnly(block.Bytes)
			if !ok {
				return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "pkcs7"}
			}
			ders = append(ders, more...)
		}
		if len(ders) > maxBundle {
			return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "too-many-certificates"}
		}
	}
}

var sunsetLine = regexp.MustCompile(`(?i)^sunset\b`)

// sunsetDates returns the dates in the text between the blocks of a PEM
// bundle, by the DER of the certificate that follows.
func sunsetDates(data []byte) (map[string]time.Time, error) {
	out := make(map[string]time.Time)
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return out, nil
		}
		read := data[:len(data)-len(rest)]
		text := read[:bytes.LastIndex(read, []byte("-----BEGIN "))]
		data = rest
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if !sunsetLine.MatchString(line) {
				continue
			}
			date, err := time.Parse("Sunset: "+time.DateOnly, line)
			if err != nil {
				return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "sunset", Err: err}
			}
			out[string(block.Bytes)] = date
		}
	}
}

func parseEach(ders [][]byte) ([]*x509.Certificate, error) {
	if len(ders) == 0 {
		return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "empty", Err: errors.New("no certificate")}
	}
	out := make([]*x509.Certificate, 0, len(ders))
	for i, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &MalformedError{Object: "bundle", Offset: -1, Rule: "certificate", Err: fmt.Errorf("number %d: %w", i+1, err)}
		}
		out = append(out, c)
	}
	return out, nil
}

var oidSignedData = mustOID(1, 2, 840, 113549, 1, 7, 2)

// certsOnly returns the DER certificates of a ContentInfo with SignedData.
func certsOnly(data []byte) ([][]byte, bool) {
	var ci, id, explicit, sd, certs cryptobyte.String
	s := cryptobyte.String(data)
	tag0 := cbasn1.Tag(0).Constructed().ContextSpecific()
	if !s.ReadASN1(&ci, cbasn1.SEQUENCE) || !ci.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) || oid(id) != oidSignedData ||
		!ci.ReadASN1(&explicit, tag0) || !explicit.ReadASN1(&sd, cbasn1.SEQUENCE) {
		return nil, false
	}
	if !sd.SkipASN1(cbasn1.INTEGER) || !sd.SkipASN1(cbasn1.SET) || !sd.SkipASN1(cbasn1.SEQUENCE) || !sd.ReadASN1(&certs, tag0) {
		return nil, false
	}
	var out [][]byte
	for !certs.Empty() {
		var der cryptobyte.String
		var tag cbasn1.Tag
		if len(out) == maxBundle || !certs.ReadAnyASN1Element(&der, &tag) {
			return nil, false
		}
		if tag == cbasn1.SEQUENCE { // other tags are obsolete or attribute certificates
			out = append(out, der)
		}
	}
	return out, true
}
