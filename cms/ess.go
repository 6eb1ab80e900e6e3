package cms

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// SigningCertificate is an ESS signing-certificate attribute (RFC 5035 §3, §5;
// version 1: RFC 2634 §5.4). The first reference names the signer's
// certificate; others, if any, limit the path.
type SigningCertificate struct {
	Version    int // 1 or 2
	References []CertificateReference
}

// CertificateReference is an ESSCertID or ESSCertIDv2.
type CertificateReference struct {
	Hash    crypto.Hash           // 0 when not known here
	HashOID asn1.ObjectIdentifier // nil for version 1
	Digest  []byte                // of the whole DER certificate

	// RawIssuer and Serial are the optional issuerSerial: the Name as received
	// of the only directoryName, and the number. IssuerError is set when
	// issuerSerial is there but not of that form.
	RawIssuer   []byte
	Serial      *big.Int
	IssuerError error
}

// maxReferences bounds the references of one attribute.
const maxReferences = MaxCertificates

// Matches reports whether the reference's digest is that of the certificate
// with the given DER. It is false for hashes not known here.
func (c *CertificateReference) Matches(certificate []byte) bool {
	if !c.Hash.Available() || len(c.Digest) != c.Hash.Size() {
		return false
	}
	h := c.Hash.New()
	h.Write(certificate)
	return bytes.Equal(h.Sum(nil), c.Digest)
}

// MatchesIssuer reports whether issuerSerial is absent or names cert. A
// disagreement is a warning only: the digest decides (EN 319 102-1 §5.2.3.4).
func (c *CertificateReference) MatchesIssuer(cert *x509.Certificate) bool {
	if c.IssuerError != nil {
		return false
	}
	return c.Serial == nil || c.Serial.Cmp(cert.SerialNumber) == 0 && bytes.Equal(c.RawIssuer, cert.RawIssuer)
}

// SigningCertificates returns the signed ESS attributes, version 2 before
// version 1, one of each at most: none, one or two values. Duplicates are a
// *[ConstraintError] with [RuleSigningCertificateTwice], unreadable ones a
// *[MalformedError].
func (si *SignerInfo) SigningCertificates() ([]*SigningCertificate, error) {
	var found []*SigningCertificate
	for _, t := range []struct {
		version int
		oid     asn1.ObjectIdentifier
	}{{2, OIDSigningCertificateV2}, {1, OIDSigningCertificate}} {
		v, err := si.SignedValue(t.oid)
		if err != nil {
			return nil, &ConstraintError{Rule: RuleSigningCertificateTwice, Err: err}
		}
		if v == nil {
			continue
		}
		sc, err := parseSigningCertificate(v, t.version)
		if err != nil {
			return nil, err
		}
		found = append(found, sc)
	}
	return found, nil
}

func parseSigningCertificate(v []byte, version int) (*SigningCertificate, error) {
	e, err := sequence(v, "signing certificate")
	if err != nil {
		return nil, err
	}
	outer := e.children()
	list, err := outer.expect(tagSequence, "certificate references")
	if err != nil {
		return nil, err
	}
	sc := &SigningCertificate{Version: version}
	for r := list.children(); !r.empty(); {
		if len(sc.References) == maxReferences {
			return nil, malformed(r.pos, "limit", "too many certificate references")
		}
		ref, err := r.expect(tagSequence, "certificate reference")
		if err != nil {
			return nil, err
		}
		c, err := parseReference(ref, version)
		if err != nil {
			return nil, err
		}
		sc.References = append(sc.References, c)
	}
	if len(sc.References) == 0 {
		return nil, malformed(list.start, "cms-syntax", "no certificate reference")
	}
	return sc, nil // policies, if any, follow and bind nothing here
}

func parseReference(e element, version int) (c CertificateReference, err error) {
	r := e.children()
	if version == 1 {
		c.Hash = crypto.SHA1
	} else {
		c.Hash = crypto.SHA256 // DEFAULT
		alg, ok, err := r.optional(tagSequence)
		if err != nil {
			return c, err
		}
		if ok {
			id, err := parseIdentifier(alg)
			if err != nil {
				return c, err
			}
			c.Hash = digestHash(id)
			if c.HashOID, err = parseOID(id.oid); err != nil {
				return c, err
			}
		} else {
			c.HashOID = OIDForHash(crypto.SHA256)
		}
	}
	if c.Digest, err = r.octetString("certificate digest"); err != nil {
		return c, err
	}
	is, ok, err := r.optional(tagSequence)
	if err != nil {
		return c, err
	}
	if ok {
		c.RawIssuer, c.Serial, c.IssuerError = parseGeneralIssuer(is)
	}
	return c, r.finish("certificate reference")
}

// parseGeneralIssuer reads IssuerSerial, whose issuer is GeneralNames with one
// directoryName (RFC 5035 §4).
func parseGeneralIssuer(e element) (issuer []byte, serial *big.Int, err error) {
	names, serial, err := parseIssuerSerial(e)
	if err != nil {
		return nil, nil, err
	}
	const directoryName = context0 + 4
	r := names.children()
	dn, err := r.expect(directoryName, "directoryName")
	if err != nil {
		return nil, nil, err
	}
	if err := r.finish("directoryName"); err != nil {
		return nil, nil, err
	}
	r = dn.children()
	name, err := r.expect(tagSequence, "Name")
	if err != nil {
		return nil, nil, err
	}
	return name.raw(), serial, r.finish("Name")
}

// signingCertificateV2 returns the attribute naming cert, by SHA-256 and
// without issuerSerial, which adds nothing to the digest.
func signingCertificateV2(cert *x509.Certificate) Attribute {
	hash := sha256.Sum256(cert.Raw)
	id := around(tagSequence, around(tagOctetString, raw(hash[:])))
	return NewAttribute(OIDSigningCertificateV2, around(tagSequence, around(tagSequence, id)).der())
}

// ErrNoSigner is returned by [SignedData.Signer] when no certificate fits.
var ErrNoSigner = errors.New("cms: the signer's certificate is not among those given")

// UnparsableCertificateError says that the signer's certificate is there but
// crypto/x509 cannot read it (brainpool curves, explicit parameters, negative
// serial numbers, …). Nothing can be concluded about who signed.
type UnparsableCertificateError struct {
	Raw []byte // the certificate as received
	Err error

	// Partial has Raw, RawIssuer, RawSubject, SerialNumber,
	// RawSubjectPublicKeyInfo and, if readable, PublicKey. It serves
	// [SignerInfo.Check], to tell whether the signature is intact, and nothing
	// else: it was never validated. Nil when not even that could be read.
	Partial *x509.Certificate
}

func (e *UnparsableCertificateError) Error() string {
	return fmt.Sprintf("cms: the signer's certificate cannot be parsed: %v", e.Err)
}

func (e *UnparsableCertificateError) Unwrap() error { return e.Err }

// Signer returns the certificate that si names, from sd and then from extra.
// With an ESS reference it is the one with that digest (M08, M09); without one
// it must be the only certificate that fits the signer identifier, copies not
// counted, else the error is a *[ConstraintError] with [RuleSignerAmbiguous].
// Other errors are [ErrNoSigner], *[UnparsableCertificateError], and those of
// [SignerInfo.SigningCertificates]. Only [SignerInfo.Check] makes sure that
// the certificate found did sign.
func (sd *SignedData) Signer(si *SignerInfo, extra ...*x509.Certificate) (*x509.Certificate, error) {
	refs, err := si.SigningCertificates()
	if err != nil {
		return nil, err
	}
	parsed, errs := sd.certificates()
	if len(refs) > 0 {
		ref := &refs[0].References[0]
		for i, raw := range sd.RawCertificates {
			if !ref.Matches(raw) {
				continue
			}
			if parsed[i] == nil {
				return nil, &UnparsableCertificateError{Raw: raw, Err: errs[i], Partial: partialCertificate(raw)}
			}
			return parsed[i], nil
		}
		for _, c := range extra {
			if ref.Matches(c.Raw) {
				return c, nil
			}
		}
		return nil, ErrNoSigner
	}
	cert, err := onlyMatch(si, parsed, extra)
	if errors.Is(err, ErrNoSigner) {
		for i, raw := range sd.RawCertificates {
			if parsed[i] != nil {
				continue
			}
			if p := partialCertificate(raw); p != nil && si.Identifies(p) {
				return nil, &UnparsableCertificateError{Raw: raw, Err: errs[i], Partial: p}
			}
		}
	}
	return cert, err
}

// onlyMatch returns the single certificate that fits the signer identifier.
func onlyMatch(si *SignerInfo, pools ...[]*x509.Certificate) (*x509.Certificate, error) {
	var found *x509.Certificate
	for _, pool := range pools {
		for _, c := range pool {
			switch {
			case c == nil || !si.Identifies(c):
			case found == nil:
				found = c
			case !found.Equal(c):
				return nil, breach(RuleSignerAmbiguous, "several certificates fit the signer identifier")
			}
		}
	}
	if found == nil {
		return nil, ErrNoSigner
	}
	return found, nil
}

// Identifies reports whether the signer identifier is that of cert: issuer,
// byte for byte, and serial number, or subject key identifier.
func (si *SignerInfo) Identifies(cert *x509.Certificate) bool {
	if si.Serial == nil {
		return len(si.SubjectKeyID) > 0 && bytes.Equal(si.SubjectKeyID, cert.SubjectKeyId)
	}
	return si.Serial.Cmp(cert.SerialNumber) == 0 && bytes.Equal(si.RawIssuer, cert.RawIssuer)
}
