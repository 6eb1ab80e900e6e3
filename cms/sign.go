package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// SignOptions says what [Sign] makes. Digest or Content, Certificate and Key
// are needed; all else has a default.
type SignOptions struct {
	// ContentType is eContentType; nil means id-data.
	ContentType asn1.ObjectIdentifier

	// Content is encapsulated; nil means that the signature is detached and
	// Digest says what is signed.
	Content []byte

	// Digest is that of the content, made with Hash. With Content it may be
	// left out; if given, it must be right.
	Digest []byte

	// Hash is the digest algorithm; zero means Algorithm's, and nothing else
	// is accepted, since readers ask for agreement (M05).
	Hash crypto.Hash

	// Certificate is the signer's. Chain is included as it is, in any order,
	// copies dropped. NoCertificates leaves both out (RFC 3161 §2.4.1 certReq).
	Certificate    *x509.Certificate
	Chain          []*x509.Certificate
	NoCertificates bool

	// Algorithm is the signature algorithm; zero means ForKey's choice for the
	// certificate's key, without PSS unless the key asks for it.
	Algorithm Algorithm

	// Key signs the DER of the signed attributes, which it hashes itself; a
	// digest never reaches it.
	Key crypto.MessageSigner

	// SigningTime is claimed in a signed attribute, to the second. Zero, as
	// PAdES asks for, leaves the attribute out; CAdES-B wants it.
	SigningTime time.Time

	// Attributes are further signed attributes. Those that Sign writes itself
	// are refused here.
	Attributes []Attribute
}

// Sign returns the DER ContentInfo of a CAdES signature: one SignerInfo with
// content-type, message-digest, signing-certificate-v2 and what o adds. The
// value is verified with the certificate before anything is returned: see
// [ErrBadSignature], [ErrKeyMismatch]. An error of the key is wrapped.
func Sign(o SignOptions) ([]byte, error) {
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	if o.Key == nil {
		return nil, errors.New("cms: no key to sign with")
	}
	if !equalKeys(p.public, o.Key.Public()) {
		return nil, ErrKeyMismatch
	}
	if p.digest, err = o.digest(p.algorithm.Hash()); err != nil {
		return nil, err
	}
	message := o.attributes(p.digest)
	value, err := o.Key.SignMessage(rand.Reader, message, p.algorithm.Opts())
	if err != nil {
		return nil, fmt.Errorf("cms: signing: %w", err)
	}
	if err := p.algorithm.Verify(p.public, message, value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	whole, err := o.assemble(p, message, value)
	if err != nil {
		return nil, err
	}
	return whole.der(), nil
}

// plan is what Sign and Size derive from the options.
type plan struct {
	algorithm Algorithm
	public    crypto.PublicKey
	digest    []byte
}

func (o *SignOptions) plan() (p plan, err error) {
	if o.Certificate == nil {
		return p, errors.New("cms: no certificate to sign with")
	}
	if p.public, err = PublicKey(o.Certificate); err != nil {
		return p, err
	}
	preferred, err := ForKey(p.public, o.Algorithm.scheme == SchemeRSAPSS)
	if err != nil {
		return p, err
	}
	p.algorithm = o.Algorithm
	if p.algorithm == (Algorithm{}) {
		p.algorithm = preferred
	}
	if p.algorithm.scheme != preferred.scheme {
		return p, breach(RuleKeyType, "%v with a key for %v", p.algorithm, preferred.scheme)
	}
	switch h := p.algorithm.hash; h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return p, breach(RuleUnsupported, "%v makes no new signatures", h)
	}
	if o.Hash != 0 && o.Hash != p.algorithm.hash {
		return p, breach(RuleDigestAlgorithm, "digest %v with %v", o.Hash, p.algorithm)
	}
	if len(o.Content) > MaxPlainSize*8 {
		return p, malformed(0, "limit", "content too long to be encapsulated")
	}
	return p, o.checkExtra()
}

// checkExtra refuses attributes that would contradict those Sign writes.
func (o *SignOptions) checkExtra() error {
	for i, a := range o.Attributes {
		for _, own := range []asn1.ObjectIdentifier{OIDContentType, OIDMessageDigest, OIDSigningCertificate, OIDSigningCertificateV2, OIDSigningTime} {
			if a.Type.Equal(own) {
				return breach(RuleAttributeTwice, "attribute %v is written by Sign", a.Type)
			}
		}
		if len(a.Type) < 2 || len(a.Values) == 0 {
			return breach(RuleAttributeMalformed, "attribute %d has no type or no value", i)
		}
		for _, v := range a.Values {
			if _, der, err := root(v); err != nil || !der {
				return breach(RuleAttributeMalformed, "value of attribute %v is not DER", a.Type)
			}
		}
	}
	return nil
}

func (o *SignOptions) digest(h crypto.Hash) ([]byte, error) {
	if o.Digest != nil && len(o.Digest) != h.Size() {
		return nil, breach(RuleMessageDigest, "digest of %d bytes for %v", len(o.Digest), h)
	}
	if o.Content == nil {
		if o.Digest == nil {
			return nil, errors.New("cms: neither content nor digest to sign")
		}
		return o.Digest, nil
	}
	hash := h.New()
	hash.Write(o.Content)
	digest := hash.Sum(nil)
	if o.Digest != nil && !bytes.Equal(digest, o.Digest) {
		return nil, ErrDigest
	}
	return digest, nil
}

func (o *SignOptions) contentType() asn1.ObjectIdentifier {
	if o.ContentType == nil {
		return OIDData
	}
	return o.ContentType
}

// attributes returns the DER SET OF signed attributes, the message to sign.
func (o *SignOptions) attributes(digest []byte) []byte {
	attrs := make([][]byte, 0, 4+len(o.Attributes))
	attrs = append(attrs,
		NewAttribute(OIDContentType, oidTLV(o.contentType())).der(),
		NewAttribute(OIDMessageDigest, tlv(tagOctetString, digest)).der(),
		signingCertificateV2(o.Certificate).der())
	if !o.SigningTime.IsZero() {
		attrs = append(attrs, NewAttribute(OIDSigningTime, timeTLV(o.SigningTime)).der())
	}
	for _, a := range o.Attributes {
		attrs = append(attrs, a.der())
	}
	return setOf(tagSet, attrs...)
}

// assemble returns the ContentInfo around the signed attributes and the value,
// not written yet.
func (o *SignOptions) assemble(p plan, message, value []byte) (part, error) {
	signatureID := p.algorithm.Identifier()
	if signatureID == nil {
		return part{}, breach(RuleUnsupported, "no identifier for %v", p.algorithm)
	}
	digestID := raw(DigestIdentifier(p.algorithm.hash))
	cert := o.Certificate
	signer := around(tagSequence,
		raw([]byte{tagInteger, 1, 1}),
		around(tagSequence, raw(cert.RawIssuer), raw(integerTLV(cert.SerialNumber))),
		digestID,
		raw([]byte{context0}), raw(message[1:]),
		raw(signatureID),
		around(tagOctetString, raw(value)))

	contentType := raw(oidTLV(o.contentType()))
	version, encap := byte(1), around(tagSequence, contentType)
	if !o.contentType().Equal(OIDData) {
		version = 3 // RFC 5652 §5.1
	}
	if o.Content != nil {
		encap = around(tagSequence, contentType, around(context0, around(tagOctetString, raw(o.Content))))
	}
	return around(tagSequence, raw(oidTLV(OIDSignedData)), around(context0, around(tagSequence,
		raw([]byte{tagInteger, 1, version}),
		around(tagSet, digestID),
		encap,
		o.certificateSet(),
		around(tagSet, signer)))), nil
}

// part is DER to be written: bytes as they are, or an element around parts. So
// certificates are copied once, not once for each element they are inside, and
// not at all to learn the length.
type part struct {
	bytes []byte
	tag   byte // 0 = bytes alone
	parts []part
}

func raw(b []byte) part { return part{bytes: b} }

func around(tag byte, parts ...part) part { return part{tag: tag, parts: parts} }

// inner returns the length of an element's contents.
func (p part) inner() int {
	n := 0
	for _, q := range p.parts {
		n += q.size()
	}
	return n
}

func (p part) size() int {
	if p.tag == 0 {
		return len(p.bytes)
	}
	n := p.inner()
	return headerLen(n) + n
}

func (p part) der() []byte { return p.appendTo(make([]byte, 0, p.size())) }

func (p part) appendTo(dst []byte) []byte {
	if p.tag == 0 {
		return append(dst, p.bytes...)
	}
	dst = appendHeader(dst, p.tag, p.inner())
	for _, q := range p.parts {
		dst = q.appendTo(dst)
	}
	return dst
}

// certificateSet returns the certificates [0], nothing when there are to be
// none.
func (o *SignOptions) certificateSet() part {
	if o.NoCertificates {
		return part{}
	}
	certs := make([]part, 0, 1+len(o.Chain))
	certs = append(certs, raw(o.Certificate.Raw))
	for _, c := range o.Chain {
		if !slices.ContainsFunc(certs, func(d part) bool { return bytes.Equal(c.Raw, d.bytes) }) {
			certs = append(certs, raw(c.Raw))
		}
	}
	slices.SortFunc(certs, func(a, b part) int { return bytes.Compare(a.bytes, b.bytes) })
	return around(context0, certs...)
}

// Size returns an upper bound, in bytes, of what [Sign] returns for o plus a
// signature time-stamp of timestampLen bytes put in by [AddTimestamp]; 0 means
// none will be. Key, and Digest too, may be missing. It exceeds the true length
// by a few bytes at most, since ECDSA values vary.
func (o SignOptions) Size(timestampLen int) (int, error) {
	p, err := o.plan()
	if err != nil {
		return 0, err
	}
	if timestampLen < 0 || timestampLen > MaxSize {
		return 0, malformed(0, "limit", "time-stamp token longer than MaxSize")
	}
	message := o.attributes(make([]byte, p.algorithm.hash.Size()))
	whole, err := o.assemble(p, message, make([]byte, maxValueLen(p.public)))
	if err != nil || timestampLen == 0 {
		return whole.size(), err
	}
	// The attribute: identifier, three headers; then the headers around it may
	// each grow by the bytes that a length of MaxSize takes.
	const headers = 3 * 5
	const growth = 6 * 4
	return whole.size() + timestampLen + len(oidTLV(OIDSignatureTimestamp)) + headers + growth, nil
}

// maxValueLen returns the greatest length of a signature value by the key.
func maxValueLen(pub crypto.PublicKey) int {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return k.Size()
	case *PSSPublicKey:
		return k.Key.Size()
	case *ecdsa.PublicKey:
		scalar := 1 + (k.Curve.Params().N.BitLen()+7)/8
		integers := 2 * (headerLen(scalar) + scalar)
		return headerLen(integers) + integers
	case ed25519.PublicKey:
		return ed25519.SignatureSize
	}
	return 0
}

// equalKeys compares the certificate's key with that of the signer, which
// knows nothing of PSS restrictions.
func equalKeys(cert, key crypto.PublicKey) bool {
	k, ok := cert.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(key)
}
