package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1" // SHA-1 signatures are checked when the caller allows weak algorithms
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var errSignature = errors.New("signature does not verify")

type keyKind int

const (
	kindRSA keyKind = iota + 1
	kindPSS
	kindECDSA
	kindEd25519
)

type signatureScheme struct {
	kind keyKind
	hash crypto.Hash
}

// schemes are the algorithms that can be verified. MD5 and DSA are not among
// them: nobody may rely on the one and crypto/x509 no longer verifies the other.
var schemes = map[x509.SignatureAlgorithm]signatureScheme{
	x509.SHA1WithRSA:      {kindRSA, crypto.SHA1},
	x509.SHA256WithRSA:    {kindRSA, crypto.SHA256},
	x509.SHA384WithRSA:    {kindRSA, crypto.SHA384},
	x509.SHA512WithRSA:    {kindRSA, crypto.SHA512},
	x509.SHA256WithRSAPSS: {kindPSS, crypto.SHA256},
	x509.SHA384WithRSAPSS: {kindPSS, crypto.SHA384},
	x509.SHA512WithRSAPSS: {kindPSS, crypto.SHA512},
	x509.ECDSAWithSHA1:    {kindECDSA, crypto.SHA1},
	x509.ECDSAWithSHA256:  {kindECDSA, crypto.SHA256},
	x509.ECDSAWithSHA384:  {kindECDSA, crypto.SHA384},
	x509.ECDSAWithSHA512:  {kindECDSA, crypto.SHA512},
	x509.PureEd25519:      {kindEd25519, 0},
}

var signatureOIDs = map[oid]x509.SignatureAlgorithm{
	mustOID(1, 2, 840, 113549, 1, 1, 5):  x509.SHA1WithRSA,
	mustOID(1, 3, 14, 3, 2, 29):          x509.SHA1WithRSA,
	mustOID(1, 2, 840, 113549, 1, 1, 11): x509.SHA256WithRSA,
	mustOID(1, 2, 840, 113549, 1, 1, 12): x509.SHA384WithRSA,
	mustOID(1, 2, 840, 113549, 1, 1, 13): x509.SHA512WithRSA,
	mustOID(1, 2, 840, 10045, 4, 1):      x509.ECDSAWithSHA1,
	mustOID(1, 2, 840, 10045, 4, 3, 2):   x509.ECDSAWithSHA256,
	mustOID(1, 2, 840, 10045, 4, 3, 3):   x509.ECDSAWithSHA384,
	mustOID(1, 2, 840, 10045, 4, 3, 4):   x509.ECDSAWithSHA512,
	mustOID(1, 3, 101, 112):              x509.PureEd25519,
}

var (
	oidPSS  = mustOID(1, 2, 840, 113549, 1, 1, 10)
	oidMGF1 = mustOID(1, 2, 840, 113549, 1, 1, 8)

	hashOIDs = map[oid]crypto.Hash{
		mustOID(1, 3, 14, 3, 2, 26):             crypto.SHA1,
		mustOID(2, 16, 840, 1, 101, 3, 4, 2, 1): crypto.SHA256,
		mustOID(2, 16, 840, 1, 101, 3, 4, 2, 2): crypto.SHA384,
		mustOID(2, 16, 840, 1, 101, 3, 4, 2, 3): crypto.SHA512,
	}
	pssAlgorithms = map[crypto.Hash]x509.SignatureAlgorithm{
		crypto.SHA256: x509.SHA256WithRSAPSS,
		crypto.SHA384: x509.SHA384WithRSAPSS,
		crypto.SHA512: x509.SHA512WithRSAPSS,
	}
)

// algorithm reads an AlgorithmIdentifier for signatures. Unknown ones give
// x509.UnknownSignatureAlgorithm, which fails when a signature is checked.
func (r *derReader) algorithm(s *cryptobyte.String) x509.SignatureAlgorithm {
	ai := r.read(s, cbasn1.SEQUENCE, "signature-algorithm")
	id := r.oid(&ai, "signature-algorithm")
	if r.err != nil {
		return x509.UnknownSignatureAlgorithm
	}
	if id == oidPSS {
		return pssAlgorithm(ai)
	}
	alg := signatureOIDs[id]
	if len(ai) > 0 && !bytes.Equal(ai, []byte{5, 0}) {
		return x509.UnknownSignatureAlgorithm // parameters that no known algorithm has
	}
	return alg
}

// pssAlgorithm accepts the parameters that RFC 4055 recommends and everyone
// uses: one hash for message and MGF1, a salt of the hash's length.
func pssAlgorithm(params cryptobyte.String) x509.SignatureAlgorithm {
	var seq, f cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return x509.UnknownSignatureAlgorithm
	}
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }
	if !seq.ReadASN1(&f, tag(0)) {
		return x509.UnknownSignatureAlgorithm
	}
	hash, ok := readHash(&f)
	var mgf, mgfAlg cryptobyte.String
	var mgfOID cryptobyte.String
	if !ok || !f.Empty() || !seq.ReadASN1(&mgf, tag(1)) || !mgf.ReadASN1(&mgfAlg, cbasn1.SEQUENCE) ||
		!mgf.Empty() || !mgfAlg.ReadASN1(&mgfOID, cbasn1.OBJECT_IDENTIFIER) || oid(mgfOID) != oidMGF1 {
		return x509.UnknownSignatureAlgorithm
	}
	mgfHash, ok := readHash(&mgfAlg)
	var salt, trailer cryptobyte.String
	var n int
	if !ok || mgfHash != hash || !mgfAlg.Empty() || !seq.ReadASN1(&salt, tag(2)) || !salt.ReadASN1Integer(&n) || n != hash.Size() {
		return x509.UnknownSignatureAlgorithm
	}
	if seq.PeekASN1Tag(tag(3)) && (!seq.ReadASN1(&trailer, tag(3)) || !trailer.ReadASN1Integer(&n) || n != 1) {
		return x509.UnknownSignatureAlgorithm
	}
	if !seq.Empty() {
		return x509.UnknownSignatureAlgorithm
	}
	return pssAlgorithms[hash]
}

func readHash(s *cryptobyte.String) (crypto.Hash, bool) {
	var ai, id cryptobyte.String
	if !s.ReadASN1(&ai, cbasn1.SEQUENCE) || !ai.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) {
		return 0, false
	}
	h, ok := hashOIDs[oid(id)]
	return h, ok && (ai.Empty() || bytes.Equal(ai, []byte{5, 0}))
}

// signatureRules say how signatures are checked.
type signatureRules struct {
	allowWeak bool
	session   *Session // may be nil
}

// checkSignature verifies sig of signer's key over signed. Its errors are
// *PathError with RuleAlgorithm, RuleWeakAlgorithm, RuleSignature or RuleBudget
// and no certificate.
func checkSignature(alg x509.SignatureAlgorithm, signer *x509.Certificate, signed, sig []byte, o signatureRules) *PathError {
	scheme, ok := schemes[alg]
	if !ok {
		return &PathError{Rule: RuleAlgorithm, Detail: fmt.Sprintf("signature algorithm %v", alg)}
	}
	if scheme.hash == crypto.SHA1 && !o.allowWeak {
		return &PathError{Rule: RuleWeakAlgorithm, Detail: alg.String()}
	}
	if err := checkKey(signer.PublicKey, o.allowWeak); err != nil {
		return err
	}
	if o.session == nil || len(signed) == 0 || len(sig) == 0 {
		return verifySignature(alg, scheme, signer, signed, sig, o)
	}
	id := object{&signed[0], &sig[0], signer}
	err, done := o.session.checked[id]
	if !done {
		if !o.session.spend(hashCost(len(signed))) {
			return overBudget()
		}
		err = verifySignature(alg, scheme, signer, signed, sig, o)
		o.session.checked[id] = err
	}
	return err
}

func verifySignature(alg x509.SignatureAlgorithm, scheme signatureScheme, signer *x509.Certificate, signed, sig []byte, o signatureRules) *PathError {
	digest := signed
	if scheme.hash != 0 {
		h := scheme.hash.New()
		h.Write(signed)
		digest = h.Sum(nil)
	}
	return o.session.check(alg, signer, digest, sig, func() *PathError { return verifyDigest(alg, scheme, signer.PublicKey, digest, sig) })
}

func verifyDigest(alg x509.SignatureAlgorithm, scheme signatureScheme, pub crypto.PublicKey, digest, sig []byte) *PathError {
	verified, fits := false, false
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		switch scheme.kind {
		case kindRSA:
			fits, verified = true, rsa.VerifyPKCS1v15(pub, scheme.hash, digest, sig) == nil
		case kindPSS:
			o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			fits, verified = true, rsa.VerifyPSS(pub, scheme.hash, digest, sig, o) == nil
		}
	case *ecdsa.PublicKey:
		fits = scheme.kind == kindECDSA
		verified = fits && ecdsa.VerifyASN1(pub, digest, sig)
	case ed25519.PublicKey:
		fits = scheme.kind == kindEd25519
		verified = fits && ed25519.Verify(pub, digest, sig)
	}
	if !fits {
		return &PathError{Rule: RuleSignature, Detail: fmt.Sprintf("%v with a key of type %T", alg, pub)}
	}
	if !verified {
		return &PathError{Rule: RuleSignature, Err: errSignature}
	}
	return nil
}

// checkKey refuses keys that cannot or must not be used for verification.
func checkKey(pub crypto.PublicKey, allowWeak bool) *PathError {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		n := pub.N.BitLen()
		if n > maxRSABits || n < minRSABits {
			return &PathError{Rule: RuleAlgorithm, Detail: fmt.Sprintf("RSA modulus of %d bits", n)}
		}
		if pub.E < 3 || pub.E&1 == 0 || pub.E > 1<<31-1 {
			return &PathError{Rule: RuleAlgorithm, Detail: fmt.Sprintf("RSA exponent %d", pub.E)}
		}
		if n < 2048 && !allowWeak {
			return &PathError{Rule: RuleWeakAlgorithm, Detail: fmt.Sprintf("RSA modulus of %d bits", n)}
		}
	case *ecdsa.PublicKey:
		if pub.Curve == elliptic.P224() && !allowWeak {
			return &PathError{Rule: RuleWeakAlgorithm, Detail: "curve P-224"}
		}
	case ed25519.PublicKey:
	default:
		return &PathError{Rule: RuleAlgorithm, Detail: fmt.Sprintf("key of type %T", pub)}
	}
	return nil
}
