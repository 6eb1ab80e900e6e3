package cms

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
)

// Result is all that [SignerInfo.Check] found out, so that a verifier can rank
// it: a wrong digest or value outweighs breaches (EN 319 102-1 §5.3.4).
type Result struct {
	// Digest is nil when the message-digest attribute is the digest given,
	// [ErrDigest] when it is not, a *[ConstraintError] when there is none to
	// compare with.
	Digest error

	// Value is nil when the signature value is the certificate's key's over
	// the signed attributes (or, lacking those, over the digest given),
	// [ErrSignature] when it is not, a *[ConstraintError] when that cannot be
	// computed.
	Value error

	Breaches []*ConstraintError // in the order of the rules
	Warnings []*ConstraintError // oddities that change nothing
}

// Err returns nil when digest and value hold and nothing is breached, else the
// gravest finding: [ErrDigest], [ErrSignature], then *[ConstraintError]s.
func (r *Result) Err() error {
	for _, grave := range []error{ErrDigest, ErrSignature} {
		if errors.Is(r.Digest, grave) || errors.Is(r.Value, grave) {
			return grave
		}
	}
	if len(r.Breaches) > 0 {
		return r.Breaches[0]
	}
	if r.Digest != nil {
		return r.Digest
	}
	return r.Value
}

// Intact reports whether digest and value both hold; it says nothing of
// breaches.
func (r *Result) Intact() bool { return r.Digest == nil && r.Value == nil }

// Has reports whether rule is among the breaches.
func (r *Result) Has(rule Rule) bool {
	return slices.ContainsFunc(r.Breaches, func(c *ConstraintError) bool { return c.Rule == rule })
}

func (r *Result) breach(c *ConstraintError) { r.Breaches = append(r.Breaches, c) }
func (r *Result) warn(c *ConstraintError)   { r.Warnings = append(r.Warnings, c) }

// Verify is [SignerInfo.Check] for callers that accept nothing but a signature
// without a breach: it returns [Result.Err].
func (si *SignerInfo) Verify(cert *x509.Certificate, digest []byte) error {
	return si.Check(cert, digest).Err()
}

// Check examines si as the signature of cert over content with the given
// digest, which the caller has computed with si.DigestAlgorithm. It looks at
// nothing outside the signature: not at the certificate's path, validity or
// key usage, not at the age of algorithms. Unsigned attributes play no part.
func (si *SignerInfo) Check(cert *x509.Certificate, digest []byte) *Result {
	r := &Result{}
	signed, digestError := si.checkAttributes(r)
	si.checkAlgorithms(r)
	si.checkReferences(r, cert)
	switch {
	case si.DigestAlgorithm == 0:
		c := breach(RuleUnsupported, "digest algorithm %v", si.DigestOID)
		r.Digest = c
		r.breach(c)
	case si.RawSignedAttributes == nil:
		// The value is over the content itself; a wrong digest shows there.
	case digestError != nil:
		r.Digest = digestError
	case !bytes.Equal(signed, digest):
		r.Digest = ErrDigest
	}
	r.Value = si.checkValue(r, cert, digest)
	var c *ConstraintError
	if errors.As(r.Value, &c) {
		r.breach(c)
	}
	return r
}

// Check is [SignerInfo.Check] of si, one of sd.SignerInfos, over the
// encapsulated content. Without content the digest cannot be right.
func (sd *SignedData) Check(si *SignerInfo, cert *x509.Certificate) *Result {
	if sd.Content == nil || !si.DigestAlgorithm.Available() {
		return si.Check(cert, nil)
	}
	h := si.DigestAlgorithm.New()
	h.Write(sd.Content)
	return si.Check(cert, h.Sum(nil))
}

// onlyOnce lists the attributes that must not repeat (RFC 5652 §11, EN 319
// 122-1 §5), beside those that have a rule of their own.
var onlyOnce = []asn1.ObjectIdentifier{
	OIDSigningTime, OIDSignaturePolicy, OIDAlgorithmProtection, OIDRevocationInfoArchival,
	OIDSignerAttributesV2, OIDSignerLocation, OIDMimeType,
}

// checkAttributes applies M01 to M03 and M12 and returns the signed digest.
func (si *SignerInfo) checkAttributes(r *Result) (digest []byte, err error) {
	if si.RawSignedAttributes == nil {
		r.breach(breach(RuleNoSignedAttributes, "the value is over the content itself"))
		return nil, nil
	}
	digest, err = si.MessageDigest()
	var c *ConstraintError
	if errors.As(err, &c) {
		r.breach(c)
	}
	if c := si.checkContentType(); c != nil {
		r.breach(c)
	}
	for _, id := range onlyOnce {
		if _, err := si.SignedValue(id); err != nil {
			r.breach(breach(RuleAttributeTwice, "attribute %v", id))
		}
	}
	// Signers with two claimed roles wrote the attribute twice; who signed what
	// does not hang on it.
	if _, err := si.SignedValue(OIDSignerAttributes); err != nil {
		r.warn(breach(RuleAttributeTwice, "attribute %v", OIDSignerAttributes))
	}
	if _, err := si.SigningTime(); isMalformed(err) {
		r.breach(&ConstraintError{Rule: RuleAttributeMalformed, Err: err})
	}
	for i, a := range si.SignedAttributes {
		if len(a.Values) == 0 || slices.ContainsFunc(si.SignedAttributes[:i], func(b Attribute) bool { return bytes.Equal(a.Raw, b.Raw) }) {
			r.breach(breach(RuleAttributeTwice, "attribute %v is empty or repeated", a.Type))
		}
	}
	if !si.SignedDER {
		r.warn(breach(RuleSignedAttributesForm, "signed attributes are not DER"))
	}
	return digest, err
}

func isMalformed(err error) bool {
	var m *MalformedError
	return errors.As(err, &m)
}

// MessageDigest returns the value of the message-digest attribute. The error
// is a *[ConstraintError] with [RuleMessageDigest] unless there is exactly one
// attribute with one OCTET STRING (RFC 5652 §11.2).
func (si *SignerInfo) MessageDigest() ([]byte, error) {
	v, err := si.SignedValue(OIDMessageDigest)
	if err != nil {
		return nil, &ConstraintError{Rule: RuleMessageDigest, Err: err}
	}
	if v == nil {
		return nil, breach(RuleMessageDigest, "absent")
	}
	e, _, err := root(v)
	if err == nil && e.tag&^constructed != tagOctetString {
		err = malformed(0, "cms-syntax", "not an OCTET STRING")
	}
	if err != nil {
		return nil, &ConstraintError{Rule: RuleMessageDigest, Err: err}
	}
	digest, err := octets(e)
	if err != nil {
		return nil, &ConstraintError{Rule: RuleMessageDigest, Err: err}
	}
	return digest, nil
}

// checkContentType applies M03: one content-type attribute that names
// eContentType (RFC 5652 §11.1).
func (si *SignerInfo) checkContentType() *ConstraintError {
	v, err := si.SignedValue(OIDContentType)
	if err != nil {
		return &ConstraintError{Rule: RuleContentType, Err: err}
	}
	if v == nil {
		return breach(RuleContentType, "absent")
	}
	e, _, err := root(v)
	if err != nil || e.tag != tagOID {
		return breach(RuleContentType, "not an OBJECT IDENTIFIER")
	}
	id, err := parseOID(e)
	if err != nil {
		return &ConstraintError{Rule: RuleContentType, Err: err}
	}
	if !id.Equal(si.contentType) {
		return breach(RuleContentType, "%v, but the content is %v", id, si.contentType)
	}
	return nil
}

// checkAlgorithms applies M05. Ed25519 asks for SHA-512 in digestAlgorithm
// (RFC 8419 §3.1), which falls out of [Algorithm.Hash].
func (si *SignerInfo) checkAlgorithms(r *Result) {
	if si.Algorithm != (Algorithm{}) && si.DigestAlgorithm != si.Algorithm.hash {
		r.breach(breach(RuleDigestAlgorithm, "digestAlgorithm %v with %v", si.DigestOID, si.Algorithm))
	}
	if si.Algorithm.scheme == SchemeRSAPSS && si.Algorithm.mgf != si.Algorithm.hash {
		r.breach(breach(RuleAlgorithmParameters, "PSS hash %v with MGF1 hash %v", si.Algorithm.hash, si.Algorithm.mgf))
	}
	if si.Algorithm.scheme == SchemeRSAPSS && si.Algorithm.salt < si.Algorithm.hash.Size() {
		r.warn(breach(RuleAlgorithmParameters, "salt of %d bytes with %v", si.Algorithm.salt, si.Algorithm.hash))
	}
	if !si.listed {
		r.warn(breach(RuleDigestUnlisted, "digestAlgorithms lacks %v", si.DigestOID))
	}
	v, err := si.SignedValue(OIDAlgorithmProtection)
	if v == nil || err != nil {
		return // repetition is reported by checkAttributes
	}
	if err := si.checkProtection(v); err != nil {
		r.breach(&ConstraintError{Rule: RuleAlgorithmProtection, Err: err})
	}
}

// checkProtection compares CMSAlgorithmProtection with what the SignerInfo
// says (RFC 6211 §2).
func (si *SignerInfo) checkProtection(v []byte) error {
	e, err := sequence(v, "CMSAlgorithmProtection")
	if err != nil {
		return err
	}
	seq := e.children()
	digest, _, err := algorithmIdentifier(&seq, "digestAlgorithm")
	if err != nil {
		return err
	}
	tagged, err := seq.expect(context1, "signatureAlgorithm")
	if err != nil {
		return err
	}
	signature, err := parseIdentifier(tagged)
	if err != nil {
		return err
	}
	if !digest.same(si.digestID) {
		return errors.New("other digest algorithm")
	}
	if !signature.same(si.signatureID) {
		return errors.New("other signature algorithm")
	}
	return seq.finish("CMSAlgorithmProtection")
}

// checkReferences applies M07 to M09: cert is the one that ESS attributes and
// signer identifier name.
func (si *SignerInfo) checkReferences(r *Result, cert *x509.Certificate) {
	refs, err := si.SigningCertificates()
	var c *ConstraintError
	switch {
	case errors.As(err, &c):
		r.breach(c)
	case err != nil:
		r.breach(&ConstraintError{Rule: RuleAttributeMalformed, Err: err})
	case len(refs) == 0:
		r.breach(breach(RuleNoSigningCertificate, "no ESS reference"))
	}
	for _, sc := range refs {
		ref := &sc.References[0]
		if !ref.Matches(cert.Raw) {
			r.breach(breach(RuleCertificateReference, "ESS version %d names another certificate", sc.Version))
		} else if !ref.MatchesIssuer(cert) {
			r.warn(breach(RuleIssuerSerial, "ESS version %d", sc.Version))
		}
	}
	if !si.Identifies(cert) {
		r.breach(breach(RuleSignerIdentifier, "names another certificate"))
	}
}

// checkValue verifies the signature value over the attributes as received and,
// should that fail and they not be DER, over their DER, which is what RFC 5652
// §5.4 says was signed. Both stand for the same attributes (M12).
func (si *SignerInfo) checkValue(r *Result, cert *x509.Certificate, digest []byte) error {
	if si.AlgorithmError != nil {
		return si.AlgorithmError
	}
	pub, err := PublicKey(cert)
	if err != nil {
		return constraint(RuleKeyMalformed, err)
	}
	if si.RawSignedAttributes == nil {
		return si.Algorithm.VerifyDigest(pub, digest, si.Value)
	}
	message := bytes.Clone(si.RawSignedAttributes)
	message[0] = tagSet
	err = si.Algorithm.Verify(pub, message, si.Value)
	if si.SignedDER || !errors.Is(err, ErrSignature) {
		return err
	}
	if len(message) > MaxPlainSize { // re-encoding would cost many times that
		return breach(RuleUnsupported, "signed attributes of %d bytes that are not DER", len(message))
	}
	der, nerr := normalize(message)
	if nerr != nil || bytes.Equal(der, message) {
		return err
	}
	if err = si.Algorithm.Verify(pub, der, si.Value); err == nil {
		r.warn(breach(RuleReencoded, "verified as DER"))
	}
	return err
}

// constraint makes err a *ConstraintError unless it is one.
func constraint(rule Rule, err error) error {
	var c *ConstraintError
	if errors.As(err, &c) {
		return err
	}
	return &ConstraintError{Rule: rule, Err: err}
}

// CheckPAdES returns the breaches of what EN 319 142-1 §6.3 asks of the
// SignedData itself in a PDF signature: id-data, detached, one SignerInfo. It
// is for signatures, not for time-stamp tokens. A signing-time attribute is
// among the warnings, as are repeated certificates.
func (sd *SignedData) CheckPAdES() (breaches, warnings []*ConstraintError) {
	if !sd.ContentType.Equal(OIDData) {
		breaches = append(breaches, breach(RuleContentTypeNotData, "%v", sd.ContentType))
	}
	if sd.Content != nil {
		breaches = append(breaches, breach(RuleContentPresent, "%d bytes", len(sd.Content)))
	}
	if n := len(sd.SignerInfos); n != 1 {
		breaches = append(breaches, breach(RuleSignerCount, "%d", n))
	}
	for _, si := range sd.SignerInfos {
		if len(find(si.SignedAttributes, OIDSigningTime)) > 0 {
			warnings = append(warnings, breach(RuleSigningTimePresent, ""))
		}
	}
	for i, c := range sd.RawCertificates {
		if slices.ContainsFunc(sd.RawCertificates[:i], func(d []byte) bool { return bytes.Equal(c, d) }) {
			warnings = append(warnings, breach(RuleDuplicateCertificate, "certificate %d", i))
		}
	}
	return breaches, warnings
}
