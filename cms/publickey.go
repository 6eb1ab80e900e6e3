package cms

import (
	"crypto"
	//lint:ignore SA1019 old signatures are judged, none is made
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
)

// PSSPublicKey is an RSA key whose certificate restricts it to PSS
// (id-RSASSA-PSS in SubjectPublicKeyInfo, RFC 4055 §3.1).
type PSSPublicKey struct {
	Key *rsa.PublicKey

	// Algorithm is the only hash and MGF allowed, with the least salt length;
	// the zero Algorithm allows any PSS.
	Algorithm Algorithm
}

// Equal reports whether x is the same RSA key, restricted or not.
func (k *PSSPublicKey) Equal(x crypto.PublicKey) bool {
	if o, ok := x.(*PSSPublicKey); ok {
		x = o.Key
	}
	return k.Key.Equal(x)
}

// permits refuses what the key's parameters do not allow (M15).
func (k *PSSPublicKey) permits(a Algorithm) error {
	if a.scheme != SchemeRSAPSS {
		return breach(RuleKeyType, "%v with a PSS key", a.scheme)
	}
	r := k.Algorithm
	if r != (Algorithm{}) && (a.hash != r.hash || a.mgf != r.mgf || a.salt < r.salt) {
		return breach(RuleKeyParameters, "%v with a key restricted to %v", a, r)
	}
	return nil
}

// PublicKey returns the key of cert for [Algorithm.Verify]: what crypto/x509
// found, or a *[PSSPublicKey] or *[BrainpoolPublicKey], which crypto/x509 leaves
// nil or does not read, or an RSA key whose modulus lacks the leading zero that
// makes it positive (identity cards that Estonia issued in 2014 and 2015). Keys
// of unknown kinds are a *[ConstraintError] with [RuleUnsupported].
func PublicKey(cert *x509.Certificate) (crypto.PublicKey, error) {
	if cert.PublicKey != nil {
		return cert.PublicKey, nil
	}
	spki, _, err := root(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	r := spki.children()
	alg, err := r.expect(tagSequence, "key algorithm")
	if err != nil {
		return nil, err
	}
	id, err := parseIdentifier(alg)
	if err != nil {
		return nil, err
	}
	curve, name := brainpoolCurve(id), string(id.oid.contents())
	if name != rsaPSSOctets && name != rsaEncryptionOctets && curve == nil {
		name, _ := parseOID(id.oid)
		return nil, breach(RuleUnsupported, "public key algorithm %v", name)
	}
	bits, err := r.expect(tagBitString, "subjectPublicKey")
	if err != nil {
		return nil, err
	}
	c := bits.contents()
	if len(c) == 0 || c[0] != 0 {
		return nil, breach(RuleKeyMalformed, "subjectPublicKey is not whole octets")
	}
	if curve != nil {
		return parseBrainpool(curve, c[1:])
	}
	if name == rsaEncryptionOctets {
		return parseUnsignedRSA(c[1:])
	}
	key, err := x509.ParsePKCS1PublicKey(c[1:])
	if err != nil {
		return nil, &ConstraintError{Rule: RuleKeyMalformed, Err: err}
	}
	k := &PSSPublicKey{Key: key}
	if !id.noParams() {
		if k.Algorithm, err = parsePSS(id.params); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// parseUnsignedRSA reads an RSAPublicKey (RFC 8017 A.1.1) and takes its modulus
// for a number without a sign: read with one it could be no modulus at all.
func parseUnsignedRSA(der []byte) (*rsa.PublicKey, error) {
	e, ok, err := root(der)
	if err != nil || !ok || e.tag != tagSequence {
		return nil, breach(RuleKeyMalformed, "no RSAPublicKey")
	}
	r := e.children()
	modulus, err := r.expect(tagInteger, "modulus")
	if err != nil {
		return nil, err
	}
	exponent, err := r.expect(tagInteger, "public exponent")
	if err != nil {
		return nil, err
	}
	n, x := modulus.contents(), exponent.contents()
	if !r.empty() || len(n) == 0 || n[0] < 0x80 || len(x) == 0 || len(x) > 4 || x[0] >= 0x80 {
		return nil, breach(RuleKeyMalformed, "no RSAPublicKey whose modulus lacks its leading zero")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(x).Int64())}, nil
}

// maxDSABits bounds the modulus of a DSA key; FIPS 186-4 knew 3072.
const maxDSABits = 3072

// verifyDSA verifies an old signature. Its value is a SEQUENCE of two
// INTEGERs, here in DER and nothing else.
func verifyDSA(pub crypto.PublicKey, digest, sig []byte) error {
	k, ok := pub.(*dsa.PublicKey)
	if !ok {
		return breach(RuleKeyType, "DSA with a key of type %T", pub)
	}
	if k.P == nil || k.Q == nil || k.G == nil || k.Y == nil || k.P.Sign() <= 0 || k.Q.Sign() <= 0 ||
		k.Y.Sign() <= 0 || k.Y.Cmp(k.P) >= 0 || k.G.Cmp(big.NewInt(1)) <= 0 || k.G.Cmp(k.P) >= 0 {
		return breach(RuleKeyMalformed, "DSA parameters out of range")
	}
	if k.P.BitLen() > maxDSABits || k.Q.BitLen() > 256 || k.Q.BitLen()%8 != 0 {
		return breach(RuleKeySize, "DSA with %d and %d bits", k.P.BitLen(), k.Q.BitLen())
	}
	r, s, ok := parseSignaturePair(sig)
	if !ok || !dsa.Verify(k, digest[:min(len(digest), k.Q.BitLen()/8)], r, s) {
		return ErrSignature
	}
	return nil
}

// partialCertificate reads from a certificate that crypto/x509 refuses what
// tells whether its key signed: name, number and key. It returns nil when even
// that cannot be read.
func partialCertificate(raw []byte) *x509.Certificate {
	outer, _, err := root(raw)
	if err != nil || outer.tag != tagSequence {
		return nil
	}
	r := outer.children()
	tbs, err := r.expect(tagSequence, "TBSCertificate")
	if err != nil {
		return nil
	}
	r = tbs.children()
	if _, _, err := r.optional(context0); err != nil { // version
		return nil
	}
	serial, err := r.expect(tagInteger, "serial number")
	if err != nil {
		return nil
	}
	var fields [5]element // signature, issuer, validity, subject, subjectPublicKeyInfo
	for i := range fields {
		if fields[i], err = r.expect(tagSequence, "member of TBSCertificate"); err != nil {
			return nil
		}
	}
	c := &x509.Certificate{Raw: raw, RawIssuer: fields[1].raw(), RawSubject: fields[3].raw(), RawSubjectPublicKeyInfo: fields[4].raw()}
	if c.SerialNumber, err = parseInteger(serial); err != nil {
		return nil
	}
	if key, err := x509.ParsePKIXPublicKey(c.RawSubjectPublicKeyInfo); err == nil {
		c.PublicKey = key
	}
	return c
}

// pairOf writes a plain ECDSA value, two numbers as long as the order of the
// key's group, as the SEQUENCE that other ECDSA has.
func pairOf(pub crypto.PublicKey, sig []byte) ([]byte, error) {
	var order *big.Int
	switch k := pub.(type) {
	case *BrainpoolPublicKey:
		order = k.curve.n
	case *ecdsa.PublicKey:
		order = k.Curve.Params().N
	default:
		return nil, breach(RuleKeyType, "plain ECDSA with a key of type %T", pub)
	}
	size := (order.BitLen() + 7) / 8
	if len(sig) != 2*size {
		return nil, ErrSignature
	}
	number := func(b []byte) []byte { return integerTLV(new(big.Int).SetBytes(b)) }
	return tlv(tagSequence, number(sig[:size]), number(sig[size:])), nil
}

// maxPairBytes bounds the integers of a signature value: those of 512 bits, and
// a byte for the sign.
const maxPairBytes = 65

// parseSignaturePair reads a SEQUENCE of two INTEGERs in DER, neither negative.
func parseSignaturePair(sig []byte) (r, s *big.Int, ok bool) {
	e, der, err := root(sig)
	if err != nil || !der || e.tag != tagSequence {
		return nil, nil, false
	}
	values := e.children()
	var n [2]*big.Int
	for i := range n {
		v, err := values.expect(tagInteger, "signature value")
		if err != nil {
			return nil, nil, false
		}
		c := v.contents()
		if len(c) == 0 || c[0] >= 0x80 || len(c) > maxPairBytes {
			return nil, nil, false
		}
		n[i] = new(big.Int).SetBytes(c)
	}
	return n[0], n[1], values.empty()
}
