package pki

import (
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// oid is the DER content of an OBJECT IDENTIFIER as a string, so that it can
// be compared and used as a map key without decoding arcs.
type oid string

func mustOID(arcs ...int) oid {
	b, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		panic(err) // a constant of this package is wrong
	}
	return oid(b[2:])
}

func (o oid) String() string {
	var id asn1.ObjectIdentifier
	der := append([]byte{byte(cbasn1.OBJECT_IDENTIFIER), byte(len(o))}, o...)
	if len(o) > 127 {
		return "oid too long"
	}
	if _, err := asn1.Unmarshal(der, &id); err != nil {
		return "invalid oid"
	}
	return id.String()
}

// offsetIn tells where s begins in whole. Every cryptobyte.String is a slice
// of the same array with the capacity left as it was, so the difference of
// capacities is the distance.
func offsetIn(whole []byte, s cryptobyte.String) int {
	if off := cap(whole) - cap(s); off >= 0 && off <= len(whole) {
		return off
	}
	return -1
}

// derReader reads one DER object and remembers the first thing that is wrong
// with it, so that parsers read straight down without an if after each step.
type derReader struct {
	object string
	whole  []byte
	err    error
}

func (r *derReader) fail(s cryptobyte.String, rule string, err error) {
	if r.err == nil {
		r.err = &MalformedError{Object: r.object, Offset: offsetIn(r.whole, s), Rule: rule, Err: err}
	}
}

// read takes the element with this tag off s and returns its content.
func (r *derReader) read(s *cryptobyte.String, tag cbasn1.Tag, rule string) cryptobyte.String {
	var out cryptobyte.String
	if at := *s; r.err == nil && !s.ReadASN1(&out, tag) {
		r.fail(at, rule, nil) // a failed read may have moved on
	}
	return out
}

// element is read with the header kept.
func (r *derReader) element(s *cryptobyte.String, tag cbasn1.Tag, rule string) cryptobyte.String {
	var out cryptobyte.String
	if at := *s; r.err == nil && !s.ReadASN1Element(&out, tag) {
		r.fail(at, rule, nil) // a failed read may have moved on
	}
	return out
}

// optional takes the element off s when the next tag is this one.
func (r *derReader) optional(s *cryptobyte.String, tag cbasn1.Tag, rule string) (cryptobyte.String, bool) {
	if r.err != nil || !s.PeekASN1Tag(tag) {
		return nil, false
	}
	return r.read(s, tag, rule), r.err == nil
}

func (r *derReader) oid(s *cryptobyte.String, rule string) oid {
	b := r.read(s, cbasn1.OBJECT_IDENTIFIER, rule)
	if r.err == nil && len(b) == 0 {
		r.fail(*s, rule, errors.New("empty object identifier"))
	}
	return intern(b)
}

// interned holds the identifiers that recur by the hundred thousand in CRL
// entries, so that reading one allocates nothing.
var interned = map[string]oid{
	string(oidReasonCode): oidReasonCode,
	string(oidInvalidity): oidInvalidity,
	string(oidCertIssuer): oidCertIssuer,
}

func intern(b []byte) oid {
	if o, ok := interned[string(b)]; ok {
		return o
	}
	return oid(b)
}

func (r *derReader) generalizedTime(s *cryptobyte.String, rule string) time.Time {
	var t time.Time
	if r.err == nil && !s.ReadASN1GeneralizedTime(&t) {
		r.fail(*s, rule, nil)
	}
	return t.UTC()
}

// time reads UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5).
func (r *derReader) time(s *cryptobyte.String, rule string) time.Time {
	if r.err != nil || !s.PeekASN1Tag(cbasn1.UTCTime) {
		return r.generalizedTime(s, rule)
	}
	var t time.Time
	if !s.ReadASN1UTCTime(&t) {
		r.fail(*s, rule, nil)
	}
	return t.UTC()
}

func (r *derReader) bits(s *cryptobyte.String, rule string) []byte {
	var b []byte
	if r.err == nil && !s.ReadASN1BitStringAsBytes(&b) {
		r.fail(*s, rule, nil)
	}
	return b
}

// end fails unless s is used up.
func (r *derReader) end(s cryptobyte.String, rule string) {
	if r.err == nil && !s.Empty() {
		r.fail(s, rule, errors.New("trailing bytes"))
	}
}

// extension is an X.509 extension as it stands in OCSP responses and CRLs.
type extension struct {
	id       oid
	critical bool
	value    cryptobyte.String
}

// extensions reads the content of Extensions ::= SEQUENCE OF Extension and
// refuses one that stands twice: two readers could each pick another.
func (r *derReader) extensions(s cryptobyte.String) []extension {
	list := r.read(&s, cbasn1.SEQUENCE, "extensions")
	r.end(s, "extensions")
	return r.extensionList(list)
}

func (r *derReader) extensionList(list cryptobyte.String) []extension {
	var out []extension
	for r.err == nil && !list.Empty() {
		if len(out) == maxExtensions {
			r.fail(list, "too-many-extensions", nil)
			break
		}
		at := list
		e := r.extension(&list)
		for _, seen := range out {
			if r.err == nil && seen.id == e.id {
				r.fail(at, "duplicate-extension", errors.New(e.id.String()))
			}
		}
		out = append(out, e)
	}
	return out
}

func (r *derReader) extension(list *cryptobyte.String) extension {
	s := r.read(list, cbasn1.SEQUENCE, "extension")
	e := extension{id: r.oid(&s, "extension-id")}
	if r.err == nil && s.PeekASN1Tag(cbasn1.BOOLEAN) && !s.ReadASN1Boolean(&e.critical) {
		r.fail(s, "extension-critical", nil)
	}
	e.value = r.read(&s, cbasn1.OCTET_STRING, "extension-value")
	r.end(s, "extension")
	return e
}
