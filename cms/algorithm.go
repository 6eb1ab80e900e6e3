package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/md5" // registered so that old signatures can be judged
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"encoding/asn1"
	"fmt"
)

// Scheme is how a digest becomes a signature value.
type Scheme uint8

// The schemes. SchemeUnknown is that of the zero [Algorithm].
const (
	SchemeUnknown     Scheme = iota
	SchemeRSAPKCS1v15        // RSASSA-PKCS1-v1_5, RFC 8017 §8.2
	SchemeRSAPSS             // RSASSA-PSS, RFC 8017 §8.1
	SchemeECDSA              // FIPS 186-5 §6, value as DER (RFC 3279 §2.2.3)
	SchemeEd25519            // RFC 8032 pure, RFC 8419 in CMS
	SchemeDSA                // FIPS 186-4 §4, verified only
	SchemePlainECDSA         // ECDSA with the two numbers side by side (BSI TR-03111 §5.2.1), verified only
)

func (s Scheme) String() string {
	switch s {
	case SchemeRSAPKCS1v15:
		return "RSA-PKCS1v15"
	case SchemeRSAPSS:
		return "RSA-PSS"
	case SchemeECDSA:
		return "ECDSA"
	case SchemeEd25519:
		return "Ed25519"
	case SchemeDSA:
		return "DSA"
	case SchemePlainECDSA:
		return "plain-ECDSA"
	}
	return "unknown"
}

// Algorithm is a signature algorithm with all its parameters. It is a value:
// comparable, usable as a map key; the zero Algorithm is none.
type Algorithm struct {
	scheme Scheme
	hash   crypto.Hash
	mgf    crypto.Hash // PSS only
	salt   int         // bytes, PSS only
}

// RSAPKCS1v15 returns RSASSA-PKCS1-v1_5 with h.
func RSAPKCS1v15(h crypto.Hash) Algorithm { return Algorithm{scheme: SchemeRSAPKCS1v15, hash: h} }

// RSAPSS returns RSASSA-PSS with h, MGF1 with h and a salt as long as h, the
// only parameters that RFC 4055 and TS 119 312 recommend.
func RSAPSS(h crypto.Hash) Algorithm {
	return Algorithm{scheme: SchemeRSAPSS, hash: h, mgf: h, salt: h.Size()}
}

// PSSWith returns RSASSA-PSS with other parameters, as an AlgorithmIdentifier
// may carry them; salt is in bytes. A mgf other than h verifies, but
// [SignerInfo.Check] counts it as a breach of [RuleAlgorithmParameters].
func PSSWith(h, mgf crypto.Hash, salt int) Algorithm {
	return Algorithm{scheme: SchemeRSAPSS, hash: h, mgf: mgf, salt: salt}
}

// ECDSA returns ECDSA with h.
func ECDSA(h crypto.Hash) Algorithm { return Algorithm{scheme: SchemeECDSA, hash: h} }

// PlainECDSA returns ECDSA with h whose value is two numbers side by side. It
// verifies and makes no signatures.
func PlainECDSA(h crypto.Hash) Algorithm { return Algorithm{scheme: SchemePlainECDSA, hash: h} }

// Ed25519 returns pure Ed25519.
func Ed25519() Algorithm { return Algorithm{scheme: SchemeEd25519, hash: crypto.SHA512} }

// ForKey returns the algorithm with which a new signature by the key is made:
// RSA with SHA-256 (PSS when pss is true or the key is a [PSSPublicKey]), P-256 with
// SHA-256, P-384 with SHA-384, P-521 with SHA-512, or Ed25519. It refuses, with
// a *[ConstraintError], RSA below 2048 or above [MaxRSABits] bits, other curves
// and other kinds of key; pss is ignored for keys that are not RSA.
func ForKey(pub crypto.PublicKey, pss bool) (Algorithm, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if err := checkRSA(k); err != nil {
			return Algorithm{}, err
		}
		if k.N.BitLen() < 2048 {
			return Algorithm{}, breach(RuleKeySize, "RSA of %d bits makes no new signatures", k.N.BitLen())
		}
		if pss {
			return RSAPSS(crypto.SHA256), nil
		}
		return RSAPKCS1v15(crypto.SHA256), nil
	case *PSSPublicKey:
		if k.Algorithm != (Algorithm{}) {
			return k.Algorithm, nil
		}
		return ForKey(k.Key, true)
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return ECDSA(crypto.SHA256), nil
		case elliptic.P384():
			return ECDSA(crypto.SHA384), nil
		case elliptic.P521():
			return ECDSA(crypto.SHA512), nil
		}
		return Algorithm{}, breach(RuleKeySize, "curve makes no new signatures")
	case ed25519.PublicKey:
		return Ed25519(), nil
	}
	return Algorithm{}, breach(RuleKeyType, "key of type %T", pub)
}

// Scheme returns the scheme.
func (a Algorithm) Scheme() Scheme { return a.scheme }

// Hash returns the hash that digests the content of a SignerInfo with this
// algorithm, and the signed attributes too, except that Ed25519 takes those
// whole: there it is SHA-512, which RFC 8419 §3.1 demands for the content.
func (a Algorithm) Hash() crypto.Hash { return a.hash }

// SaltLength returns the salt of PSS in bytes, 0 for others.
func (a Algorithm) SaltLength() int { return a.salt }

// Opts returns what crypto.MessageSigner.SignMessage takes: the hash, for PSS a
// *rsa.PSSOptions with the explicit salt length, for Ed25519 crypto.Hash(0).
func (a Algorithm) Opts() crypto.SignerOpts {
	switch a.scheme {
	case SchemeRSAPSS:
		return &rsa.PSSOptions{SaltLength: a.salt, Hash: a.hash}
	case SchemeEd25519:
		return crypto.Hash(0)
	}
	return a.hash
}

// String returns a name such as "RSA-PSS-SHA-256"; parameters that are not the
// recommended ones are spelled out.
func (a Algorithm) String() string {
	switch a.scheme {
	case SchemeUnknown:
		return "unknown"
	case SchemeEd25519:
		return "Ed25519"
	}
	s := a.scheme.String() + "-" + a.hash.String()
	if a.scheme == SchemeRSAPSS && (a.mgf != a.hash || a.salt != a.hash.Size()) {
		s += fmt.Sprintf("-MGF1-%v-salt-%d", a.mgf, a.salt)
	}
	return s
}

// OID returns the identifier that [Algorithm.Identifier] carries; nil for the
// zero Algorithm and for combinations that have none.
func (a Algorithm) OID() asn1.ObjectIdentifier {
	switch a.scheme {
	case SchemeRSAPKCS1v15:
		return oidRSAEncryption
	case SchemeRSAPSS:
		return oidRSAPSS
	case SchemeECDSA, SchemeDSA, SchemePlainECDSA:
		for _, s := range signatureOIDs {
			if s.alg == a {
				return s.oid
			}
		}
	case SchemeEd25519:
		return oidEd25519
	}
	return nil
}

// Identifier returns the DER AlgorithmIdentifier for SignerInfo's
// signatureAlgorithm, nil where [Algorithm.OID] is nil. PKCS#1 v1.5 is written
// as rsaEncryption, which RFC 3370 §3.2 prefers and every reader knows; the
// hash then stands in digestAlgorithm alone.
func (a Algorithm) Identifier() []byte {
	id := a.OID()
	if id == nil {
		return nil
	}
	switch a.scheme {
	case SchemeRSAPKCS1v15:
		return tlv(tagSequence, oidTLV(id), derNull)
	case SchemeRSAPSS:
		return tlv(tagSequence, oidTLV(id), a.pssParameters())
	}
	return tlv(tagSequence, oidTLV(id))
}

// Verify checks sig over message, which it hashes itself. It returns nil,
// [ErrSignature], or a *[ConstraintError] when the key is of the wrong kind or
// size and nothing can be said about the value. Old hashes are not refused.
// pub is what [PublicKey] returns.
func (a Algorithm) Verify(pub crypto.PublicKey, message, sig []byte) error {
	if a.scheme == SchemeEd25519 {
		k, ok := pub.(ed25519.PublicKey)
		if !ok || len(k) != ed25519.PublicKeySize {
			return breach(RuleKeyType, "Ed25519 with a key of type %T", pub)
		}
		if !ed25519.Verify(k, message, sig) {
			return ErrSignature
		}
		return nil
	}
	if !a.hash.Available() {
		return breach(RuleUnsupported, "algorithm %v", a)
	}
	h := a.hash.New()
	h.Write(message)
	return a.VerifyDigest(pub, h.Sum(nil), sig)
}

// VerifyDigest is [Algorithm.Verify] for a message already hashed with
// [Algorithm.Hash]. Ed25519, which does not hash first, is refused.
func (a Algorithm) VerifyDigest(pub crypto.PublicKey, digest, sig []byte) error {
	switch a.scheme {
	case SchemeRSAPKCS1v15, SchemeRSAPSS:
		return a.verifyRSA(pub, digest, sig)
	case SchemePlainECDSA:
		der, err := pairOf(pub, sig)
		if err != nil {
			return err
		}
		return ECDSA(a.hash).VerifyDigest(pub, digest, der)
	case SchemeECDSA:
		if k, ok := pub.(*BrainpoolPublicKey); ok {
			return k.verify(digest, sig)
		}
		k, ok := pub.(*ecdsa.PublicKey)
		if !ok {
			return breach(RuleKeyType, "ECDSA with a key of type %T", pub)
		}
		if !ecdsa.VerifyASN1(k, digest, sig) {
			return ErrSignature
		}
		return nil
	case SchemeDSA:
		return verifyDSA(pub, digest, sig)
	}
	return breach(RuleUnsupported, "algorithm %v over a digest", a)
}

func (a Algorithm) verifyRSA(pub crypto.PublicKey, digest, sig []byte) error {
	var key *rsa.PublicKey
	switch k := pub.(type) {
	case *rsa.PublicKey:
		key = k
	case *PSSPublicKey:
		if err := k.permits(a); err != nil {
			return err
		}
		key = k.Key
	default:
		return breach(RuleKeyType, "%v with a key of type %T", a.scheme, pub)
	}
	if err := checkRSA(key); err != nil {
		return err
	}
	if !a.hash.Available() || len(digest) != a.hash.Size() {
		return breach(RuleUnsupported, "digest of %d bytes for %v", len(digest), a)
	}
	if a.scheme == SchemeRSAPKCS1v15 {
		if rsa.VerifyPKCS1v15(key, a.hash, digest, sig) != nil {
			return ErrSignature
		}
		return nil
	}
	if a.mgf != a.hash || a.salt == 0 {
		if !a.mgf.Available() {
			return breach(RuleUnsupported, "algorithm %v", a)
		}
		return a.verifyPSS(key, digest, sig)
	}
	if rsa.VerifyPSS(key, a.hash, digest, sig, &rsa.PSSOptions{SaltLength: a.salt}) != nil {
		return ErrSignature
	}
	return nil
}

// minRSABits is what crypto/rsa verifies at all.
const minRSABits = 1024

// checkRSA refuses keys that crypto/rsa refuses, so that its refusal is never
// mistaken for a wrong signature, and those that cost too much.
func checkRSA(k *rsa.PublicKey) error {
	if k == nil || k.N == nil || k.N.Sign() <= 0 {
		return breach(RuleKeyMalformed, "RSA key without modulus")
	}
	if bits := k.N.BitLen(); bits > MaxRSABits || bits < minRSABits {
		return breach(RuleKeySize, "RSA modulus of %d bits", bits)
	}
	if k.N.Bit(0) == 0 || k.E < 3 || k.E&1 == 0 || k.E > 1<<31-1 {
		return breach(RuleKeyMalformed, "RSA exponent %d", k.E)
	}
	return nil
}
