package cms

import (
	"encoding/asn1"
	"errors"
	"time"
)

// Attribute is one attribute of a SignerInfo.
type Attribute struct {
	Type   asn1.ObjectIdentifier
	Values [][]byte // each a whole TLV as received
	Raw    []byte   // the attribute's own TLV as received; ignored by [Sign]
}

// NewAttribute returns an attribute for [SignOptions.Attributes] with DER
// values.
func NewAttribute(t asn1.ObjectIdentifier, values ...[]byte) Attribute {
	return Attribute{Type: t, Values: values}
}

func (a Attribute) der() []byte {
	values := make([][]byte, len(a.Values))
	copy(values, a.Values)
	return tlv(tagSequence, oidTLV(a.Type), setOf(tagSet, values...))
}

// parseAttributes reads a SET OF Attribute under an implicit tag. sorted is
// false when the set is not in the order of DER.
func parseAttributes(set element) (attrs []Attribute, sorted bool, err error) {
	r := set.children()
	attrs = make([]Attribute, 0, 6)
	f := frame{set: true}
	sorted = true
	for !r.empty() {
		if len(attrs) == MaxAttributes {
			return nil, false, malformed(r.pos, "limit", "more than MaxAttributes")
		}
		e, err := r.expect(tagSequence, "attribute")
		if err != nil {
			return nil, false, err
		}
		a, err := parseAttribute(e)
		if err != nil {
			return nil, false, err
		}
		attrs = append(attrs, a)
		sorted = f.child(e.src, e.start, e.end) && sorted
	}
	return attrs, sorted, nil
}

func parseAttribute(e element) (a Attribute, err error) {
	r := e.children()
	id, err := r.expect(tagOID, "attribute type")
	if err != nil {
		return a, err
	}
	if a.Type, err = parseOID(id); err != nil {
		return a, err
	}
	set, err := r.expect(tagSet, "attribute values")
	if err != nil {
		return a, err
	}
	if err := r.finish("attribute values"); err != nil {
		return a, err
	}
	a.Values = make([][]byte, 0, 1)
	for values := set.children(); !values.empty(); {
		if len(a.Values) == MaxAttributes {
			return a, malformed(values.pos, "limit", "more than MaxAttributes values")
		}
		v, err := values.next()
		if err != nil {
			return a, err
		}
		a.Values = append(a.Values, v.raw())
	}
	a.Raw = e.raw()
	return a, nil
}

// find returns the attributes of type t.
func find(attrs []Attribute, t asn1.ObjectIdentifier) (found []Attribute) {
	for i := range attrs {
		if attrs[i].Type.Equal(t) {
			found = append(found, attrs[i])
		}
	}
	return found
}

var errNotSingle = errors.New("attribute or value not single")

// single returns the one value of the one attribute of type t: nil when there
// is no such attribute, an error when there are several, or not one value.
func single(attrs []Attribute, t asn1.ObjectIdentifier) ([]byte, error) {
	var value []byte
	for i := range attrs {
		if !attrs[i].Type.Equal(t) {
			continue
		}
		if value != nil || len(attrs[i].Values) != 1 {
			return nil, &ConstraintError{Rule: RuleAttributeTwice, Err: errNotSingle}
		}
		value = attrs[i].Values[0]
	}
	return value, nil
}

// SignedValue returns the DER or BER value of the signed attribute t, nil when
// absent. The error is a *[ConstraintError] when there is more than one
// attribute or other than one value.
func (si *SignerInfo) SignedValue(t asn1.ObjectIdentifier) ([]byte, error) {
	return single(si.SignedAttributes, t)
}

// UnsignedValues returns all values of all unsigned attributes of type t. They
// are hints: anybody may have added them (M10).
func (si *SignerInfo) UnsignedValues(t asn1.ObjectIdentifier) (values [][]byte) {
	for _, a := range find(si.UnsignedAttributes, t) {
		values = append(values, a.Values...)
	}
	return values
}

// SignatureTimestamps returns the TimeStampTokens over the signature value, as
// received and unchecked.
func (si *SignerInfo) SignatureTimestamps() [][]byte {
	return si.UnsignedValues(OIDSignatureTimestamp)
}

// ContentTimestamps returns the TimeStampTokens over the content, as received
// and unchecked.
func (si *SignerInfo) ContentTimestamps() (values [][]byte) {
	for _, a := range find(si.SignedAttributes, OIDContentTimestamp) {
		values = append(values, a.Values...)
	}
	return values
}

// SigningTime returns the time that the signer claims, UTC; the zero time when
// absent. It proves nothing (M11).
func (si *SignerInfo) SigningTime() (time.Time, error) {
	v, err := si.SignedValue(OIDSigningTime)
	if v == nil {
		return time.Time{}, err
	}
	e, _, err := root(v)
	if err != nil {
		return time.Time{}, err
	}
	text, err := octets(e)
	if err != nil {
		return time.Time{}, err
	}
	switch e.tag &^ constructed {
	case tagUTCTime:
		return parseUTCTime(string(text))
	case tagGenTime:
		return ParseGeneralizedTime(string(text))
	}
	return time.Time{}, malformed(0, "cms-syntax", "signing-time is not a Time")
}

// parseUTCTime reads YYMMDDHHMMSSZ, and what BER allows beside it. Years below
// 50 are of this century (RFC 5280 §4.1.2.5.1).
func parseUTCTime(s string) (time.Time, error) {
	for _, layout := range []string{"060102150405Z0700", "0601021504Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			if t.Year() >= 2050 {
				t = t.AddDate(-100, 0, 0)
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, malformed(0, "time", "not a UTCTime")
}

// ParseGeneralizedTime reads the contents of a GeneralizedTime as DER has it:
// YYYYMMDDHHMMSS[.f…]Z (X.690 §11.7), with at most nine digits of fraction,
// without trailing zeros. The error is a *[MalformedError] with rule "time".
func ParseGeneralizedTime(s string) (time.Time, error) {
	bad := malformed(0, "time", "not a DER GeneralizedTime")
	if len(s) < 15 || len(s) > 25 || s[len(s)-1] != 'Z' {
		return time.Time{}, bad
	}
	for i := range 14 {
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, bad
		}
	}
	if fraction := s[14 : len(s)-1]; fraction != "" {
		if fraction[0] != '.' || len(fraction) < 2 || fraction[len(fraction)-1] == '0' {
			return time.Time{}, bad
		}
	}
	// time.Parse takes a fraction after the seconds without being told.
	t, err := time.Parse("20060102150405Z", s)
	if err != nil {
		return time.Time{}, bad
	}
	return t.UTC(), nil
}

// timeTLV returns t as RFC 5652 §11.3 has it: UTCTime until 2049, then
// GeneralizedTime, to the second.
func timeTLV(t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y >= 1950 && y < 2050 {
		return tlv(tagUTCTime, []byte(t.Format("060102150405Z")))
	}
	return tlv(tagGenTime, []byte(t.Format("20060102150405Z")))
}

// sequence returns the one SEQUENCE that v is.
func sequence(v []byte, what string) (element, error) {
	e, _, err := root(v)
	if err == nil && e.tag != tagSequence {
		err = malformed(0, "cms-syntax", "expected "+what)
	}
	return e, err
}

// SignaturePolicy is a signature-policy-identifier (EN 319 122-1 §5.2.9).
type SignaturePolicy struct {
	ID         asn1.ObjectIdentifier // nil when the policy is implied
	HashOID    asn1.ObjectIdentifier
	Hash       []byte // a single zero octet or none: hash not known
	Qualifiers []byte // DER or BER SEQUENCE; nil when absent
}

// SignaturePolicy returns the policy the signer names, nil when absent.
func (si *SignerInfo) SignaturePolicy() (*SignaturePolicy, error) {
	v, err := si.SignedValue(OIDSignaturePolicy)
	if v == nil || err != nil {
		return nil, err
	}
	if v[0] == tagNull {
		return &SignaturePolicy{}, nil
	}
	e, err := sequence(v, "signature policy")
	if err != nil {
		return nil, err
	}
	r := e.children()
	oid, err := r.expect(tagOID, "policy identifier")
	if err != nil {
		return nil, err
	}
	p := &SignaturePolicy{}
	if p.ID, err = parseOID(oid); err != nil {
		return nil, err
	}
	if hash, ok, err := r.optional(tagSequence); err != nil {
		return nil, err
	} else if ok {
		if err := p.parseHash(hash); err != nil {
			return nil, err
		}
	}
	if q, ok, err := r.optional(tagSequence); err != nil {
		return nil, err
	} else if ok {
		p.Qualifiers = q.raw()
	}
	return p, r.finish("signature policy")
}

func (p *SignaturePolicy) parseHash(e element) error {
	r := e.children()
	alg, err := r.expect(tagSequence, "policy hash algorithm")
	if err != nil {
		return err
	}
	id, err := parseIdentifier(alg)
	if err != nil {
		return err
	}
	if p.HashOID, err = parseOID(id.oid); err != nil {
		return err
	}
	if p.Hash, err = r.octetString("policy hash"); err != nil {
		return err
	}
	return r.finish("policy hash")
}

// RevocationArchival is Adobe's revocation data inside a signature
// (ISO 32000-2 §12.8.3.3.2), each item as received.
type RevocationArchival struct {
	CRLs, OCSPs [][]byte // CertificateList, OCSPResponse
}

// RevocationArchival returns the signed attribute
// adbe-revocationInfoArchival, or what stands under the same identifier among
// the unsigned ones, where some signers put it. It is nil when there is none.
func (si *SignerInfo) RevocationArchival() (*RevocationArchival, error) {
	v, err := si.SignedValue(OIDRevocationInfoArchival)
	if err != nil {
		return nil, err
	}
	if v == nil {
		if v, err = single(si.UnsignedAttributes, OIDRevocationInfoArchival); v == nil {
			return nil, err
		}
	}
	e, err := sequence(v, "revocation info")
	if err != nil {
		return nil, err
	}
	ra := &RevocationArchival{}
	for r := e.children(); !r.empty(); {
		choice, err := r.next()
		if err != nil {
			return nil, err
		}
		switch choice.tag {
		case context0:
			ra.CRLs, err = explicitList(choice)
		case context1:
			ra.OCSPs, err = explicitList(choice)
		case context2: // other kinds are of no use to anybody yet
		default:
			err = malformed(choice.start, "cms-syntax", "unknown revocation info")
		}
		if err != nil {
			return nil, err
		}
	}
	return ra, nil
}

// explicitList returns the members of the SEQUENCE OF in an explicit tag.
func explicitList(e element) (list [][]byte, err error) {
	r := e.children()
	seq, err := r.expect(tagSequence, "list of revocation values")
	if err != nil {
		return nil, err
	}
	if err := r.finish("revocation values"); err != nil {
		return nil, err
	}
	for items := seq.children(); !items.empty(); {
		if len(list) == MaxRevocations {
			return nil, malformed(items.pos, "limit", "more than MaxRevocations")
		}
		item, err := items.next()
		if err != nil {
			return nil, err
		}
		list = append(list, item.raw())
	}
	return list, nil
}
