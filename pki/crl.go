package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/big"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidCRLNumber     = mustOID(2, 5, 29, 20)
	oidDelta         = mustOID(2, 5, 29, 27)
	oidIDP           = mustOID(2, 5, 29, 28)
	oidCertIssuer    = mustOID(2, 5, 29, 29)
	oidAKI           = mustOID(2, 5, 29, 35)
	oidExpiredCerts  = mustOID(2, 5, 29, 60)
	oidHoldInstrCode = mustOID(2, 5, 29, 23)
)

// CRL is a parsed CertificateList (RFC 5280 §5.1). Nothing in it has been
// verified; [CheckCRL] and [CheckRevocation] do that. Entries stay in their
// DER form and are scanned when asked for, so that a list of a million
// entries costs its own size and no more.
type CRL struct {
	Raw        []byte
	RawIssuer  []byte // DER Name
	ThisUpdate time.Time
	NextUpdate time.Time // zero when absent
	Number     *big.Int  // nil when absent
	Base       *big.Int  // BaseCRLNumber of a delta; nil for a complete list
	// ExpiredCerts is the expiredCertsOnCRL date: certificates that expired
	// after it are kept on the list. Zero when absent.
	ExpiredCerts time.Time
	Algorithm    x509.SignatureAlgorithm

	tbs, signature []byte
	keyID          []byte // authorityKeyIdentifier extension as it stands
	idpRaw         []byte
	idp            *distribution
	critical       oid
	entries        cryptobyte.String
	read           atomic.Bool // all entries were read, and are well-formed
}

// reasonMask is a set of reasons by bit of ReasonFlags.
type reasonMask uint16

// allReasons are the bits 1 to 8 of ReasonFlags (§4.2.1.13), of which there are
// reasonBits with the unused one.
const allReasons reasonMask = 0x1fe

const reasonBits = 9

// distribution is an IssuingDistributionPoint (§5.2.5) or, without the
// booleans, a DistributionPoint of a certificate (§4.2.1.13).
type distribution struct {
	names     []string // canonical; nil when distributionPoint is absent
	relative  []byte   // nameRelativeToCRLIssuer, as a SET element
	reasons   reasonMask
	userOnly  bool
	caOnly    bool
	attrOnly  bool
	indirect  bool
	crlIssuer []string // canonical names, certificate side only
}

// ParseCRL reads a DER CertificateList of at most 20 MiB. Entries are checked
// only when they are scanned. The error is a *MalformedError.
func ParseCRL(der []byte) (*CRL, error) {
	r := &derReader{object: "crl", whole: der}
	s := cryptobyte.String(der)
	if len(der) > maxCRL {
		r.fail(s, "too-large", nil)
		return nil, r.err
	}
	list := r.read(&s, cbasn1.SEQUENCE, "certificate-list")
	r.end(s, "certificate-list")
	c := &CRL{Raw: der}
	tbs := r.element(&list, cbasn1.SEQUENCE, "tbs")
	c.tbs = tbs
	outer := list
	c.Algorithm = r.algorithm(&list)
	outerRaw := outer[:len(outer)-len(list)]
	c.signature = r.bits(&list, "signature")
	r.end(list, "certificate-list")
	c.parseTBS(r, r.read(&tbs, cbasn1.SEQUENCE, "tbs"), outerRaw)
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

func (c *CRL) parseTBS(r *derReader, s cryptobyte.String, outerAlgorithm []byte) {
	version := 0
	if r.err == nil && s.PeekASN1Tag(cbasn1.INTEGER) && (!s.ReadASN1Integer(&version) || version != 1) {
		r.fail(s, "version", nil)
	}
	if inner := r.element(&s, cbasn1.SEQUENCE, "signature-algorithm"); r.err == nil && !bytes.Equal(inner, outerAlgorithm) {
		r.fail(s, "signature-algorithm", errors.New("inner and outer differ"))
	}
	c.RawIssuer = r.element(&s, cbasn1.SEQUENCE, "issuer")
	c.ThisUpdate = r.time(&s, "this-update")
	if r.err == nil && (s.PeekASN1Tag(cbasn1.UTCTime) || s.PeekASN1Tag(cbasn1.GeneralizedTime)) {
		c.NextUpdate = r.time(&s, "next-update")
	}
	c.entries, _ = r.optional(&s, cbasn1.SEQUENCE, "revoked-certificates")
	if exts, ok := r.optional(&s, contextTag(0), "crl-extensions"); ok {
		if version == 0 {
			r.fail(exts, "version", errors.New("extensions in a v1 list"))
		}
		for _, e := range r.extensions(exts) {
			c.extension(r, e)
		}
	}
	r.end(s, "tbs")
}

func (c *CRL) extension(r *derReader, e extension) {
	v := e.value
	switch e.id {
	case oidCRLNumber:
		c.Number = r.integer(&v, "crl-number")
	case oidDelta:
		c.Base = r.integer(&v, "delta-crl-indicator")
	case oidIDP:
		c.idpRaw = v
		c.idp = c.parseIDP(r, v)
	case oidAKI:
		c.keyID = v
	case oidExpiredCerts:
		c.ExpiredCerts = r.generalizedTime(&v, "expired-certs-on-crl")
	default:
		if e.critical && c.critical == "" {
			c.critical = e.id
		}
	}
}

func (r *derReader) integer(s *cryptobyte.String, rule string) *big.Int {
	n := new(big.Int)
	if r.err == nil && !s.ReadASN1Integer(n) {
		r.fail(*s, rule, nil)
	}
	return n
}

func (c *CRL) parseIDP(r *derReader, v cryptobyte.String) *distribution {
	d := &distribution{reasons: allReasons}
	s := r.read(&v, cbasn1.SEQUENCE, "issuing-distribution-point")
	r.end(v, "issuing-distribution-point")
	if point, ok := r.optional(&s, contextTag(0), "distribution-point"); ok {
		d.parseName(r, point)
	}
	r.flag(&s, 1, &d.userOnly)
	r.flag(&s, 2, &d.caOnly)
	d.parseReasons(r, &s, 3)
	r.flag(&s, 4, &d.indirect)
	r.flag(&s, 5, &d.attrOnly)
	r.end(s, "issuing-distribution-point")
	d.resolve(c.RawIssuer)
	return d
}

// flag reads an implicitly tagged BOOLEAN DEFAULT FALSE.
func (r *derReader) flag(s *cryptobyte.String, tag uint8, dst *bool) {
	v, ok := r.optional(s, cbasn1.Tag(tag).ContextSpecific(), "flag")
	if !ok {
		return
	}
	if len(v) != 1 || (v[0] != 0 && v[0] != 0xff) {
		r.fail(v, "flag", nil)
		return
	}
	*dst = v[0] == 0xff
}

// parseName reads DistributionPointName: fullName [0] or
// nameRelativeToCRLIssuer [1].
func (d *distribution) parseName(r *derReader, s cryptobyte.String) {
	if full, ok := r.optional(&s, contextTag(0), "full-name"); ok {
		d.names = r.generalNames(full)
	} else {
		rel := r.read(&s, contextTag(1), "relative-name")
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(rel) })
		d.relative, _ = b.Bytes()
	}
	r.end(s, "distribution-point")
}

func (d *distribution) parseReasons(r *derReader, s *cryptobyte.String, tag uint8) {
	v, ok := r.optional(s, cbasn1.Tag(tag).ContextSpecific(), "reasons")
	if !ok {
		return
	}
	if len(v) < 2 || len(v) > 3 || v[0] > 7 {
		r.fail(v, "reasons", nil)
		return
	}
	d.reasons = 0
	for i := range (len(v) - 1) * 8 {
		if v[1+i/8]&(0x80>>(i%8)) != 0 {
			d.reasons |= 1 << i
		}
	}
	d.reasons &= allReasons
}

// generalNames reads the content of GeneralNames into comparable strings.
func (r *derReader) generalNames(s cryptobyte.String) []string {
	names := []string{}
	for r.err == nil && !s.Empty() {
		at := s
		n, ok := readGeneralName(&s)
		if !ok || len(names) == maxGeneralNames {
			r.fail(at, "general-names", nil)
			return nil
		}
		names = append(names, n.canonical())
	}
	return names
}

func (n generalName) canonical() string {
	if n.kind == nameDirectory {
		return "\x04" + canonicalName(n.value)
	}
	return string([]byte{byte(n.kind)}) + string(n.value)
}

// resolve turns a relative name into the full one below issuer.
func (d *distribution) resolve(issuer []byte) {
	if d.relative == nil {
		return
	}
	rdns, ok := canonicalRDNs(issuer)
	s := cryptobyte.String(d.relative)
	last, ok2 := canonicalRDN(&s)
	if !ok || !ok2 {
		d.names = []string{} // matches nothing
		return
	}
	name := "\x04"
	for _, rdn := range append(rdns, last) {
		name += lengthPrefixed(rdn)
	}
	d.names = []string{name}
}

// crlEntry is what a list says about one certificate.
type crlEntry struct {
	revokedAt, invalidity time.Time
	reason                Reason
}

// lacks tells without reading the entries again that none is about the serial
// number: its bytes are nowhere among them. False means that lookup knows.
func (c *CRL) lacks(serial *big.Int) bool {
	return c.read.Load() && !bytes.Contains(c.entries, serialElement(serial))
}

// lookup scans the whole list for serial under the certificate issuer with
// this canonical name. It reads every entry, because one unknown critical
// entry extension makes the list unusable for all (§5.3), and tracks the
// certificateIssuer of indirect lists (§5.3.3).
func (c *CRL) lookup(serial *big.Int, issuer string) (*crlEntry, error) {
	r := &derReader{object: "crl", whole: c.Raw}
	want := serialBytes(serial)
	current := canonicalName(c.RawIssuer)
	var found, e crlEntry
	seen := false
	list := c.entries
	for r.err == nil && !list.Empty() {
		s := r.read(&list, cbasn1.SEQUENCE, "entry")
		number := r.read(&s, cbasn1.INTEGER, "entry-serial")
		matches := bytes.Equal(number, want)
		e = crlEntry{}
		if matches {
			e.revokedAt = r.time(&s, "entry-date")
		} else if r.err == nil && !skipTime(&s) {
			r.fail(s, "entry-date", nil)
		}
		if !s.Empty() {
			exts := r.read(&s, cbasn1.SEQUENCE, "entry-extensions")
			r.end(s, "entry")
			if err := e.extensions(r, exts, &current); err != nil {
				return nil, err
			}
		}
		if r.err == nil && matches && current == issuer && (!seen || c.Base != nil || found.yields(e)) {
			found, seen = e, true // a delta may list a serial again: the last word counts
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	c.read.Store(true)
	if !seen {
		return nil, nil
	}
	if c.Base == nil && found.reason == RemoveFromCRL {
		return nil, rejectCRL(RuleCRLDelta, "removeFromCRL in a complete list", nil)
	}
	return &found, nil
}

// yields says whether of two entries of a complete list about one certificate
// the other counts: nothing undoes a revocation there (§5.3.1).
func (e *crlEntry) yields(other crlEntry) bool {
	rank := func(r Reason) int {
		switch r {
		case RemoveFromCRL:
			return 0
		case CertificateHold:
			return 1
		}
		return 2
	}
	return rank(other.reason) > rank(e.reason)
}

// skipTime passes over the date of an entry about another certificate:
// decoding it would take half the time of a scan.
func skipTime(s *cryptobyte.String) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.SkipASN1(cbasn1.UTCTime)
	}
	return s.SkipASN1(cbasn1.GeneralizedTime)
}

func (e *crlEntry) extensions(r *derReader, list cryptobyte.String, current *string) error {
	for r.err == nil && !list.Empty() {
		x := r.extension(&list)
		v := x.value
		switch x.id {
		case oidReasonCode:
			e.reason = readReason(r, v)
		case oidInvalidity:
			e.invalidity = r.generalizedTime(&v, "invalidity-date")
		case oidCertIssuer:
			names := r.read(&v, cbasn1.SEQUENCE, "certificate-issuer")
			n, ok := readGeneralName(&names)
			if r.err == nil && (!ok || n.kind != nameDirectory) {
				r.fail(v, "certificate-issuer", nil)
			}
			*current = canonicalName(n.value)
		case oidHoldInstrCode:
		default:
			if r.err == nil && x.critical {
				return rejectCRL(RuleCritical, "entry extension "+x.id.String(), nil)
			}
		}
	}
	return nil
}

// serialElement is the DER INTEGER, and serialBytes its content.
func serialElement(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	der, err := b.Bytes()
	if err != nil {
		return nil
	}
	return der
}

func serialBytes(n *big.Int) []byte {
	s, content := cryptobyte.String(serialElement(n)), cryptobyte.String(nil)
	s.ReadASN1(&content, cbasn1.INTEGER)
	return content
}

func rejectCRL(rule Rule, detail string, err error) *RejectError {
	return &RejectError{Object: "crl", Rule: rule, Detail: detail, Err: err}
}
