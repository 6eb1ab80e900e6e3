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
	d, err := o.Draft()
	if err != nil {
		return nil, err
	}
	return d.Sign(o.Digest)
}

// Draft is a signature but for its digest and value, which need not be known
// to know its size. It is immutable and may be used by several goroutines.
type Draft struct {
	options   SignOptions
	algorithm Algorithm
	public    crypto.PublicKey
	id        []byte // DER AlgorithmIdentifier of the signature
	message   []byte // DER SET OF signed attributes, with zeros as the digest
	digestAt  int    // of the digest in message
	whole     []byte // DER of the signature, with zeros as digest and value, which ends it
	messageAt int    // of the attributes behind their tag, in whole
	valueLen  int    // of the value in whole, the greatest there can be
}

// Draft makes what does not depend on the digest. Digest need not be set, nor
// Key if only the size is of interest; the errors are those of [Sign] that do
// not concern them.
func (o SignOptions) Draft() (*Draft, error) {
	d := &Draft{options: o}
	if err := d.plan(); err != nil {
		return nil, err
	}
	if d.id = d.algorithm.Identifier(); d.id == nil {
		return nil, breach(RuleUnsupported, "no identifier for %v", d.algorithm)
	}
	d.message, d.digestAt = o.attributes(d.algorithm.hash.Size())
	d.valueLen = maxValueLen(d.public)
	d.whole = d.assemble(d.message, make([]byte, d.valueLen))
	// Behind the attributes stand the algorithm and the value.
	d.messageAt = len(d.whole) - d.valueLen - headerLen(d.valueLen) - len(d.id) - len(d.message) + 1
	if o.Key == nil {
		return d, nil
	}
	return d.For(o.Key)
}

// For returns the draft with another key, which must be that of the
// certificate: else the error is [ErrKeyMismatch].
func (d *Draft) For(key crypto.MessageSigner) (*Draft, error) {
	if !equalKeys(d.public, key.Public()) {
		return nil, ErrKeyMismatch
	}
	with := *d
	with.options.Key = key
	return &with, nil
}

// Sign is the package's [Sign] over the digest, which may be nil when there is
// Content.
func (d *Draft) Sign(digest []byte) ([]byte, error) {
	o := &d.options
	if o.Key == nil {
		return nil, errors.New("cms: no key to sign with")
	}
	digest, err := o.digest(digest, d.algorithm.hash)
	if err != nil {
		return nil, err
	}
	message := bytes.Clone(d.message)
	copy(message[d.digestAt:], digest)
	value, err := o.Key.SignMessage(rand.Reader, message, d.algorithm.Opts())
	if err != nil {
		return nil, fmt.Errorf("cms: signing: %w", err)
	}
	if err := d.algorithm.Verify(d.public, message, value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	if len(value) != d.valueLen {
		return d.assemble(message, value), nil
	}
	whole := bytes.Clone(d.whole)
	copy(whole[d.messageAt:], message[1:])
	copy(whole[len(whole)-len(value):], value)
	return whole, nil
}

// plan finds key and algorithm.
func (d *Draft) plan() (err error) {
	o := &d.options
	if o.Certificate == nil {
		return errors.New("cms: no certificate to sign with")
	}
	if d.public, err = PublicKey(o.Certificate); err != nil {
		return err
	}
	preferred, err := ForKey(d.public, o.Algorithm.scheme == SchemeRSAPSS)
	if err != nil {
		return err
	}
	d.algorithm = o.Algorithm
	if d.algorithm == (Algorithm{}) {
		d.algorithm = preferred
	}
	if d.algorithm.scheme != preferred.scheme {
		return breach(RuleKeyType, "%v with a key for %v", d.algorithm, preferred.scheme)
	}
	switch h := d.algorithm.hash; h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return breach(RuleUnsupported, "%v makes no new signatures", h)
	}
	if o.Hash != 0 && o.Hash != d.algorithm.hash {
		return breach(RuleDigestAlgorithm, "digest %v with %v", o.Hash, d.algorithm)
	}
	if len(o.Content) > MaxPlainSize*8 {
		return malformed(0, "limit", "content too long to be encapsulated")
	}
	return o.checkExtra()
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

// digest checks the digest to be signed, or makes that of the content.
func (o *SignOptions) digest(given []byte, h crypto.Hash) ([]byte, error) {
	if given != nil && len(given) != h.Size() {
		return nil, breach(RuleMessageDigest, "digest of %d bytes for %v", len(given), h)
	}
	if o.Content == nil {
		if given == nil {
			return nil, errors.New("cms: neither content nor digest to sign")
		}
		return given, nil
	}
	hash := h.New()
	hash.Write(o.Content)
	digest := hash.Sum(nil)
	if given != nil && !bytes.Equal(digest, given) {
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

// attributes returns the DER SET OF signed attributes, the message to sign,
// with zeros in place of the digest of so many bytes, which belongs at the
// place returned. No digest changes the order of the set: the types of the
// attributes stand before their values, and no two are the same.
func (o *SignOptions) attributes(digestLen int) (set []byte, at int) {
	digest := NewAttribute(OIDMessageDigest, tlv(tagOctetString, make([]byte, digestLen))).der()
	attrs := make([][]byte, 0, 4+len(o.Attributes))
	attrs = append(attrs,
		NewAttribute(OIDContentType, oidTLV(o.contentType())).der(),
		digest,
		signingCertificateV2(o.Certificate).der())
	if !o.SigningTime.IsZero() {
		attrs = append(attrs, NewAttribute(OIDSigningTime, timeTLV(o.SigningTime)).der())
	}
	for _, a := range o.Attributes {
		attrs = append(attrs, a.der())
	}
	set = setOf(tagSet, attrs...)
	at = len(set)
	for i := len(attrs) - 1; &attrs[i][0] != &digest[0]; i-- { // sorted by now
		at -= len(attrs[i])
	}
	return set, at - digestLen
}

// assemble returns the DER ContentInfo around the signed attributes and the
// value.
func (d *Draft) assemble(message, value []byte) []byte {
	o := &d.options
	digestID := raw(DigestIdentifier(d.algorithm.hash))
	cert := o.Certificate
	signer := around(tagSequence,
		raw([]byte{tagInteger, 1, 1}),
		around(tagSequence, raw(cert.RawIssuer), raw(integerTLV(cert.SerialNumber))),
		digestID,
		raw([]byte{context0}), raw(message[1:]),
		raw(d.id),
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
		around(tagSet, signer)))).der()
}

// part is DER to be written: bytes as they are, or an element around parts. So
// certificates are copied once, not once for each element they are inside.
type part struct {
	bytes []byte
	tag   byte // 0 = bytes alone
	parts []part
	inner int // length of the bytes, or of the element's contents
}

func raw(b []byte) part { return part{bytes: b, inner: len(b)} }

func around(tag byte, parts ...part) part {
	p := part{tag: tag, parts: parts}
	for i := range parts {
		p.inner += parts[i].size()
	}
	return p
}

func (p *part) size() int {
	if p.tag == 0 {
		return p.inner
	}
	return headerLen(p.inner) + p.inner
}

func (p part) der() []byte { return p.appendTo(make([]byte, 0, p.size())) }

func (p *part) appendTo(dst []byte) []byte {
	if p.tag == 0 {
		return append(dst, p.bytes...)
	}
	dst = appendHeader(dst, p.tag, p.inner)
	for i := range p.parts {
		dst = p.parts[i].appendTo(dst)
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

// Size returns an upper bound, in bytes, of what [Draft.Sign] returns plus a
// signature time-stamp of timestampLen bytes put in by [AddTimestamp]; 0 means
// none will be. It exceeds the true length by a few bytes at most, since ECDSA
// values vary.
func (d *Draft) Size(timestampLen int) (int, error) {
	if timestampLen < 0 || timestampLen > MaxSize {
		return 0, malformed(0, "limit", "time-stamp token longer than MaxSize")
	}
	if timestampLen == 0 {
		return len(d.whole), nil
	}
	// The attribute: identifier, three headers; then the headers around it may
	// each grow by the bytes that a length of MaxSize takes.
	const headers = 3 * 5
	const growth = 6 * 4
	return len(d.whole) + timestampLen + len(oidTLV(OIDSignatureTimestamp)) + headers + growth, nil
}

// Size is that of the [Draft] that o makes. Key, and Digest too, may be
// missing.
func (o SignOptions) Size(timestampLen int) (int, error) {
	d, err := o.Draft()
	if err != nil {
		return 0, err
	}
	return d.Size(timestampLen)
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
