package cms

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"sync"
)

// SignedData is a parsed ContentInfo with SignedData (RFC 5652 §5.1). It
// refers to the bytes given to [Parse], which must not change afterwards.
type SignedData struct {
	Raw     []byte // the whole ContentInfo as received
	DER     bool   // it is DER, sets in order included
	Version int

	DigestAlgorithms  []asn1.ObjectIdentifier
	ContentType       asn1.ObjectIdentifier // eContentType
	Content           []byte                // eContent; nil when detached
	RawCertificates   [][]byte              // X.509 certificates as received, parsable or not
	OtherCertificates [][]byte              // attribute certificates and other formats
	CRLs              [][]byte              // CertificateLists
	OCSPs             [][]byte              // OCSPResponses (RFC 5940)
	SignerInfos       []*SignerInfo

	certificates func() ([]*x509.Certificate, []error) // index-aligned with RawCertificates
	listed       []string                              // DigestAlgorithms as contents octets
}

// SignerInfo is one signer's part (RFC 5652 §5.3).
type SignerInfo struct {
	Version int

	// The signer identifier: issuer and serial, or SubjectKeyID alone.
	RawIssuer    []byte // Name as received
	Serial       *big.Int
	SubjectKeyID []byte

	DigestAlgorithm crypto.Hash           // 0 when not known here
	DigestOID       asn1.ObjectIdentifier // always set

	RawSignedAttributes []byte // the [0] element as received, nil when absent
	SignedAttributes    []Attribute
	SignedDER           bool // RawSignedAttributes is DER and in order

	// Algorithm is zero when AlgorithmError says why it is not usable: a
	// *ConstraintError with RuleUnsupported or RuleAlgorithmParameters.
	Algorithm      Algorithm
	AlgorithmOID   asn1.ObjectIdentifier
	AlgorithmError error

	Value              []byte
	UnsignedAttributes []Attribute

	contentType asn1.ObjectIdentifier // of the SignedData
	listed      bool                  // digestAlgorithm stands in SignedData.digestAlgorithms
	digestID    identifier
	signatureID identifier
}

// Parse reads a ContentInfo that holds SignedData, in BER or DER, under the
// limits of this package. Bytes after it are refused: see [Cut]. What cannot
// be read as SignedData is a *[MalformedError]; what can be read but breaks a
// rule is left to [SignerInfo.Check] and [SignedData.CheckPAdES].
func Parse(b []byte) (*SignedData, error) {
	if len(b) > MaxSize {
		return nil, malformed(0, "limit", "longer than MaxSize")
	}
	ci, der, err := root(b)
	if err != nil {
		return nil, err
	}
	seq, err := openContentInfo(ci)
	if err != nil {
		return nil, err
	}
	sd := &SignedData{Raw: ci.raw(), DER: der}
	if err := sd.parse(seq); err != nil {
		return nil, err
	}
	if len(b)-len(sd.Content) > MaxPlainSize && !sd.carriesRevocation() {
		return nil, malformed(0, "limit", "longer than MaxPlainSize without revocation data")
	}
	sd.certificates = sync.OnceValues(func() ([]*x509.Certificate, []error) { return sd.parseCertificates(x509.ParseCertificate) })
	return sd, nil
}

// openContentInfo returns the SignedData sequence inside ci.
func openContentInfo(ci element) (seq element, err error) {
	if ci.tag != tagSequence {
		return seq, malformed(ci.start, "cms-syntax", "expected ContentInfo")
	}
	r := ci.children()
	id, err := r.expect(tagOID, "content type")
	if err != nil {
		return seq, err
	}
	if string(id.contents()) != signedDataOctets {
		return seq, malformed(id.start, "cms-content-type", "not SignedData")
	}
	explicit, err := r.expect(context0, "content")
	if err != nil {
		return seq, err
	}
	if err := r.finish("ContentInfo"); err != nil {
		return seq, err
	}
	r = explicit.children()
	if seq, err = r.expect(tagSequence, "SignedData"); err != nil {
		return seq, err
	}
	return seq, r.finish("SignedData")
}

func (sd *SignedData) parse(seq element) error {
	r := seq.children()
	version, err := r.expect(tagInteger, "version")
	if err != nil {
		return err
	}
	if sd.Version, err = parseSmall(version); err != nil {
		return err
	}
	digests, err := r.expect(tagSet, "digestAlgorithms")
	if err != nil {
		return err
	}
	if err := sd.parseDigests(digests); err != nil {
		return err
	}
	encap, err := r.expect(tagSequence, "encapContentInfo")
	if err != nil {
		return err
	}
	if err := sd.parseContent(encap); err != nil {
		return err
	}
	if certs, ok, err := r.optional(context0); err != nil {
		return err
	} else if ok {
		if err := sd.parseCertificateSet(certs); err != nil {
			return err
		}
	}
	if crls, ok, err := r.optional(context1); err != nil {
		return err
	} else if ok {
		if err := sd.parseRevocations(crls); err != nil {
			return err
		}
	}
	signers, err := r.expect(tagSet, "signerInfos")
	if err != nil {
		return err
	}
	if err := r.finish("signerInfos"); err != nil {
		return err
	}
	return sd.parseSigners(signers)
}

func (sd *SignedData) parseDigests(set element) error {
	for r := set.children(); !r.empty(); {
		if len(sd.listed) == MaxAttributes {
			return malformed(r.pos, "limit", "too many digest algorithms")
		}
		e, err := r.expect(tagSequence, "digest algorithm")
		if err != nil {
			return err
		}
		id, err := parseIdentifier(e)
		if err != nil {
			return err
		}
		oid, err := parseOID(id.oid)
		if err != nil {
			return err
		}
		sd.DigestAlgorithms = append(sd.DigestAlgorithms, oid)
		sd.listed = append(sd.listed, string(id.oid.contents()))
	}
	return nil
}

func (sd *SignedData) parseContent(encap element) error {
	r := encap.children()
	id, err := r.expect(tagOID, "eContentType")
	if err != nil {
		return err
	}
	if sd.ContentType, err = parseOID(id); err != nil {
		return err
	}
	explicit, ok, err := r.optional(context0)
	if err != nil {
		return err
	}
	if err := r.finish("encapContentInfo"); err != nil || !ok {
		return err
	}
	r = explicit.children()
	e, err := r.next()
	if err != nil {
		return err
	}
	if e.tag&^constructed != tagOctetString {
		// PKCS#7 content of another type; its octets are what is digested.
		sd.Content = e.contents()
	} else if sd.Content, err = octets(e); err != nil {
		return err
	}
	if sd.Content == nil {
		sd.Content = []byte{}
	}
	return r.finish("eContent")
}

// parseCertificateSet sorts the CertificateChoices (RFC 5652 §10.2.2).
func (sd *SignedData) parseCertificateSet(set element) error {
	f := frame{set: true}
	sd.RawCertificates = make([][]byte, 0, 4)
	for r := set.children(); !r.empty(); {
		if len(sd.RawCertificates)+len(sd.OtherCertificates) == MaxCertificates {
			return malformed(r.pos, "limit", "more than MaxCertificates")
		}
		e, err := r.next()
		if err != nil {
			return err
		}
		if e.tag == tagSequence {
			sd.RawCertificates = append(sd.RawCertificates, e.raw())
		} else {
			sd.OtherCertificates = append(sd.OtherCertificates, e.raw())
		}
		sd.DER = f.child(e.src, e.start, e.end) && sd.DER
	}
	return nil
}

// parseRevocations sorts the RevocationInfoChoices (RFC 5652 §10.2.1). Formats
// other than CRLs and OCSP responses are passed over.
func (sd *SignedData) parseRevocations(set element) error {
	f := frame{set: true}
	n := 0
	for r := set.children(); !r.empty(); n++ {
		if n == MaxRevocations {
			return malformed(r.pos, "limit", "more than MaxRevocations")
		}
		e, err := r.next()
		if err != nil {
			return err
		}
		sd.DER = f.child(e.src, e.start, e.end) && sd.DER
		switch e.tag {
		case tagSequence:
			sd.CRLs = append(sd.CRLs, e.raw())
		case context1:
			other := e.children()
			id, err := other.expect(tagOID, "revocation format")
			if err != nil {
				return err
			}
			info, err := other.next()
			if err != nil {
				return err
			}
			if string(id.contents()) == revocationOCSPOctets {
				sd.OCSPs = append(sd.OCSPs, info.raw())
			}
		default:
			return malformed(e.start, "cms-syntax", "unknown revocation choice")
		}
	}
	return nil
}

func (sd *SignedData) parseSigners(set element) error {
	for r := set.children(); !r.empty(); {
		if len(sd.SignerInfos) == MaxSignerInfos {
			return malformed(r.pos, "limit", "more than MaxSignerInfos")
		}
		e, err := r.expect(tagSequence, "SignerInfo")
		if err != nil {
			return err
		}
		si, sorted, err := parseSignerInfo(e)
		if err != nil {
			return err
		}
		sd.DER = sd.DER && sorted
		si.contentType = sd.ContentType
		for _, oid := range sd.listed {
			si.listed = si.listed || oid == string(si.digestID.oid.contents())
		}
		if !sd.DER && si.RawSignedAttributes != nil {
			// Not DER somewhere; is it here?
			_, der, err := scan(si.RawSignedAttributes)
			si.SignedDER = si.SignedDER && der && err == nil
		}
		sd.SignerInfos = append(sd.SignerInfos, si)
	}
	return nil
}

// parseSignerInfo also says whether the implicitly tagged sets inside are in
// the order of DER.
func parseSignerInfo(e element) (si *SignerInfo, sorted bool, err error) {
	si = &SignerInfo{}
	r := e.children()
	version, err := r.expect(tagInteger, "SignerInfo version")
	if err != nil {
		return nil, false, err
	}
	if si.Version, err = parseSmall(version); err != nil {
		return nil, false, err
	}
	if err := si.parseIdentifier(&r); err != nil {
		return nil, false, err
	}
	if si.digestID, si.DigestOID, err = algorithmIdentifier(&r, "digestAlgorithm"); err != nil {
		return nil, false, err
	}
	si.DigestAlgorithm = digestHash(si.digestID)
	sorted = true
	attrs, ok, err := r.optional(context0)
	if err != nil {
		return nil, false, err
	}
	if ok {
		si.RawSignedAttributes = attrs.raw()
		if si.SignedAttributes, si.SignedDER, err = parseAttributes(attrs); err != nil {
			return nil, false, err
		}
		sorted = si.SignedDER
	}
	if si.signatureID, si.AlgorithmOID, err = algorithmIdentifier(&r, "signatureAlgorithm"); err != nil {
		return nil, false, err
	}
	si.Algorithm, si.AlgorithmError = signatureAlgorithm(si.signatureID, si.DigestAlgorithm)
	unsigned, err := si.parseValue(&r)
	return si, sorted && unsigned, err
}

// parseValue reads what follows signatureAlgorithm.
func (si *SignerInfo) parseValue(r *reader) (sorted bool, err error) {
	if si.Value, err = r.octetString("signature value"); err != nil {
		return false, err
	}
	unsigned, ok, err := r.optional(context1)
	if err != nil {
		return false, err
	}
	sorted = true
	if ok {
		if si.UnsignedAttributes, sorted, err = parseAttributes(unsigned); err != nil {
			return false, err
		}
	}
	return sorted, r.finish("SignerInfo")
}

// parseIdentifier reads the SignerIdentifier (RFC 5652 §5.3).
func (si *SignerInfo) parseIdentifier(r *reader) error {
	e, err := r.next()
	if err != nil {
		return err
	}
	switch e.tag {
	case tagSequence:
		issuer, serial, err := parseIssuerSerial(e)
		if err == nil {
			si.RawIssuer, si.Serial = issuer.raw(), serial
		}
		return err
	case context0, context0 &^ constructed:
		si.SubjectKeyID, err = octets(e)
		return err
	}
	return malformed(e.start, "cms-syntax", "expected signer identifier")
}

// parseIssuerSerial reads IssuerAndSerialNumber (RFC 5652 §10.2.4), or
// IssuerSerial (RFC 5035 §4), which differ in what issuer is.
func parseIssuerSerial(e element) (issuer element, serial *big.Int, err error) {
	r := e.children()
	if issuer, err = r.expect(tagSequence, "issuer"); err != nil {
		return issuer, nil, err
	}
	number, err := r.expect(tagInteger, "serial number")
	if err != nil {
		return issuer, nil, err
	}
	if serial, err = parseInteger(number); err != nil {
		return issuer, nil, err
	}
	return issuer, serial, r.finish("serial number")
}

func algorithmIdentifier(r *reader, what string) (id identifier, oid asn1.ObjectIdentifier, err error) {
	e, err := r.expect(tagSequence, what)
	if err != nil {
		return id, nil, err
	}
	if id, err = parseIdentifier(e); err != nil {
		return id, nil, err
	}
	oid, err = parseOID(id.oid)
	return id, oid, err
}

// carriesRevocation says whether something in sd may rightly be large.
func (sd *SignedData) carriesRevocation() bool {
	if len(sd.CRLs)+len(sd.OCSPs) > 0 {
		return true
	}
	for _, si := range sd.SignerInfos {
		for _, attrs := range [][]Attribute{si.SignedAttributes, si.UnsignedAttributes} {
			for i := range attrs {
				t := attrs[i].Type
				if t.Equal(OIDRevocationInfoArchival) || t.Equal(OIDRevocationValues) || t.Equal(OIDArchiveTimestampV3) {
					return true
				}
			}
		}
	}
	return false
}

// ParseCertificatesWith makes sd read its certificates with parse instead of
// [x509.ParseCertificate], so that a caller with many signatures reads each
// certificate once. It is to be called before sd is used or shared.
func (sd *SignedData) ParseCertificatesWith(parse func(der []byte) (*x509.Certificate, error)) {
	sd.certificates = sync.OnceValues(func() ([]*x509.Certificate, []error) { return sd.parseCertificates(parse) })
}

func (sd *SignedData) parseCertificates(parse func(der []byte) (*x509.Certificate, error)) ([]*x509.Certificate, []error) {
	certs := make([]*x509.Certificate, len(sd.RawCertificates))
	errs := make([]error, len(sd.RawCertificates))
	for i, raw := range sd.RawCertificates {
		certs[i], errs[i] = parse(raw)
		if errs[i] != nil {
			certs[i] = nil
		}
	}
	return certs, errs
}

// Certificates returns the certificates that crypto/x509 can parse, in the
// order received. They are parsed on the first call.
func (sd *SignedData) Certificates() []*x509.Certificate {
	all, _ := sd.certificates()
	certs := make([]*x509.Certificate, 0, len(all))
	for _, c := range all {
		if c != nil {
			certs = append(certs, c)
		}
	}
	return certs
}

// CertificateErrors returns, for each of RawCertificates, why crypto/x509
// refused it; nil where it did not.
func (sd *SignedData) CertificateErrors() []error {
	_, errs := sd.certificates()
	return errs
}
