package cms

import (
	"crypto"
	"encoding/asn1"
	"math/big"
)

var derNull = []byte{tagNull, 0}

// digestOIDs are the hash functions with a registered implementation.
// RIPEMD-160 and WHIRLPOOL are left out: no certificate authority of ours used
// them, running states of the former cannot be copied, which a file of many
// signatures asks for, and their absence reads as RuleUnsupported.
var digestOIDs = []struct {
	hash crypto.Hash
	oid  asn1.ObjectIdentifier
}{
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}},
	{crypto.SHA224, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}},
	{crypto.SHA512_224, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 5}},
	{crypto.SHA512_256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 6}},
	{crypto.SHA3_224, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 7}},
	{crypto.SHA3_256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 8}},
	{crypto.SHA3_384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 9}},
	{crypto.SHA3_512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 10}},
	{crypto.SHA1, asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}},
	{crypto.MD5, asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 5}},
}

// signatureOIDs are the identifiers that fix scheme and hash. rsaEncryption
// and PSS are handled by parseSignatureAlgorithm.
var signatureOIDs = []struct {
	alg Algorithm
	oid asn1.ObjectIdentifier
}{
	{RSAPKCS1v15(crypto.SHA256), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}},
	{RSAPKCS1v15(crypto.SHA384), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}},
	{RSAPKCS1v15(crypto.SHA512), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}},
	{RSAPKCS1v15(crypto.SHA224), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 14}},
	{RSAPKCS1v15(crypto.SHA512_224), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 15}},
	{RSAPKCS1v15(crypto.SHA512_256), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 16}},
	{RSAPKCS1v15(crypto.SHA1), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}},
	{RSAPKCS1v15(crypto.SHA1), asn1.ObjectIdentifier{1, 3, 14, 3, 2, 29}}, // OIW
	{RSAPKCS1v15(crypto.MD5), asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 4}},
	{RSAPKCS1v15(crypto.SHA3_224), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 13}},
	{RSAPKCS1v15(crypto.SHA3_256), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 14}},
	{RSAPKCS1v15(crypto.SHA3_384), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 15}},
	{RSAPKCS1v15(crypto.SHA3_512), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 16}},
	{ECDSA(crypto.SHA1), asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}},
	{ECDSA(crypto.SHA224), asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1}},
	{ECDSA(crypto.SHA256), asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
	{ECDSA(crypto.SHA384), asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}},
	{ECDSA(crypto.SHA512), asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}},
	{ECDSA(crypto.SHA3_224), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 9}},
	{ECDSA(crypto.SHA3_256), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 10}},
	{ECDSA(crypto.SHA3_384), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 11}},
	{ECDSA(crypto.SHA3_512), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 12}},
	{Ed25519(), oidEd25519},
	{PlainECDSA(crypto.SHA1), asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 1, 1, 4, 1, 1}},
	{PlainECDSA(crypto.SHA224), asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 1, 1, 4, 1, 2}},
	{PlainECDSA(crypto.SHA256), asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 1, 1, 4, 1, 3}},
	{PlainECDSA(crypto.SHA384), asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 1, 1, 4, 1, 4}},
	{PlainECDSA(crypto.SHA512), asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 1, 1, 4, 1, 5}},
	{Algorithm{scheme: SchemeDSA, hash: crypto.SHA1}, asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 3}},
	{Algorithm{scheme: SchemeDSA, hash: crypto.SHA224}, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 1}},
	{Algorithm{scheme: SchemeDSA, hash: crypto.SHA256}, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 2}},
	{Algorithm{scheme: SchemeDSA, hash: crypto.SHA384}, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 3}},
	{Algorithm{scheme: SchemeDSA, hash: crypto.SHA512}, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 4}},
}

// Look-ups by contents octets, so that reading allocates nothing.
var (
	hashByOID = func() map[string]crypto.Hash {
		m := map[string]crypto.Hash{}
		for _, d := range digestOIDs {
			m[string(appendOID(nil, d.oid))] = d.hash
		}
		return m
	}()
	algorithmByOID = func() map[string]Algorithm {
		m := map[string]Algorithm{}
		for _, s := range signatureOIDs {
			m[string(appendOID(nil, s.oid))] = s.alg
		}
		return m
	}()
	rsaEncryptionOctets  = string(appendOID(nil, oidRSAEncryption))
	signedDataOctets     = string(appendOID(nil, OIDSignedData))
	ecPublicKeyOctets    = string(appendOID(nil, oidECPublicKey))
	ecdsaOctets          = string(appendOID(nil, asn1.ObjectIdentifier{1, 2, 840, 10045, 4}))
	dsaOctets            = string(appendOID(nil, asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}))
	rsaPSSOctets         = string(appendOID(nil, oidRSAPSS))
	mgf1Octets           = string(appendOID(nil, oidMGF1))
	revocationOCSPOctets = string(appendOID(nil, oidRevocationInfoOCSP))
)

// HashForOID returns the hash function with the identifier, 0 when it is not
// known here.
func HashForOID(id asn1.ObjectIdentifier) crypto.Hash { return hashByOID[string(appendOID(nil, id))] }

// OIDForHash returns the identifier of h, nil when it has none here.
func OIDForHash(h crypto.Hash) asn1.ObjectIdentifier {
	for _, d := range digestOIDs {
		if d.hash == h {
			return d.oid
		}
	}
	return nil
}

// DigestIdentifier returns the DER AlgorithmIdentifier of h without
// parameters, as RFC 5754 §2 has it; nil when h has no identifier here.
func DigestIdentifier(h crypto.Hash) []byte {
	id := OIDForHash(h)
	if id == nil {
		return nil
	}
	return tlv(tagSequence, oidTLV(id))
}

// identifier is an AlgorithmIdentifier taken apart.
type identifier struct {
	oid    element
	params element // params.src is nil when absent
}

func (id identifier) noParams() bool {
	return id.params.src == nil || id.params.tag == tagNull
}

// same says whether both name one algorithm; absent and NULL parameters are
// the same (RFC 5754 §2).
func (id identifier) same(other identifier) bool {
	if string(id.oid.contents()) != string(other.oid.contents()) {
		return false
	}
	if id.noParams() || other.noParams() {
		return id.noParams() && other.noParams()
	}
	return string(id.params.raw()) == string(other.params.raw())
}

// parseIdentifier reads the contents of an AlgorithmIdentifier, whatever tag
// they stand under.
func parseIdentifier(e element) (id identifier, err error) {
	r := e.children()
	if id.oid, err = r.expect(tagOID, "algorithm identifier"); err != nil {
		return id, err
	}
	if !r.empty() {
		if id.params, err = r.next(); err != nil {
			return id, err
		}
	}
	return id, r.finish("algorithm parameters")
}

// digestHash returns the hash that id names, 0 when it is none known or has
// parameters, which no hash has.
func digestHash(id identifier) crypto.Hash {
	if !id.noParams() {
		return 0
	}
	return hashByOID[string(id.oid.contents())]
}

// signatureAlgorithm returns what id names for a SignerInfo whose
// digestAlgorithm is digest. Unknown identifiers are a *ConstraintError.
func signatureAlgorithm(id identifier, digest crypto.Hash) (Algorithm, error) {
	switch oid := string(id.oid.contents()); oid {
	case rsaEncryptionOctets, ecPublicKeyOctets, ecdsaOctets, dsaOctets:
		// Key algorithms leave the hash to digestAlgorithm. For EC and DSA
		// that is wrong, but some signers write it.
		if digest == 0 {
			return Algorithm{}, breach(RuleUnsupported, "unknown digest algorithm")
		}
		switch oid {
		case ecPublicKeyOctets, ecdsaOctets:
			return ECDSA(digest), nil
		case dsaOctets:
			return Algorithm{scheme: SchemeDSA, hash: digest}, nil
		}
		if !id.noParams() {
			return Algorithm{}, breach(RuleAlgorithmParameters, "rsaEncryption with parameters")
		}
		return RSAPKCS1v15(digest), nil
	case rsaPSSOctets:
		return parsePSS(id.params)
	default:
		a, ok := algorithmByOID[oid]
		if !ok {
			name, _ := parseOID(id.oid)
			return Algorithm{}, breach(RuleUnsupported, "signature algorithm %v", name)
		}
		// BSI TR-03111 lets plain ECDSA repeat the curve; that of the key counts.
		if !id.noParams() && !(a.scheme == SchemePlainECDSA && id.params.tag == tagOID) {
			return Algorithm{}, breach(RuleAlgorithmParameters, "%v with parameters", a)
		}
		return a, nil
	}
}

// pssParameters returns the DER RSASSA-PSS-params of a (RFC 4055 §3.1), with
// the NULL that its hash identifiers carry there.
func (a Algorithm) pssParameters() []byte {
	hash := func(h crypto.Hash) []byte {
		return tlv(tagSequence, oidTLV(OIDForHash(h)), derNull)
	}
	var parts [][]byte
	if a.hash != crypto.SHA1 {
		parts = append(parts, tlv(context0, hash(a.hash)))
	}
	if a.mgf != crypto.SHA1 {
		parts = append(parts, tlv(context1, tlv(tagSequence, oidTLV(oidMGF1), hash(a.mgf))))
	}
	if a.salt != 20 {
		parts = append(parts, tlv(context2, integerTLV(big.NewInt(int64(a.salt)))))
	}
	return tlv(tagSequence, parts...)
}

// parsePSS reads RSASSA-PSS-params. Absent members have their SHA-1 defaults;
// parameters that are absent altogether are refused in a signature.
func parsePSS(params element) (Algorithm, error) {
	a := Algorithm{scheme: SchemeRSAPSS, hash: crypto.SHA1, mgf: crypto.SHA1, salt: 20}
	if params.src == nil || params.tag != tagSequence {
		return Algorithm{}, breach(RuleAlgorithmParameters, "PSS without parameters")
	}
	r := params.children()
	for last := byte(0); !r.empty(); {
		e, err := r.next()
		if err != nil {
			return Algorithm{}, err
		}
		if e.tag <= last {
			return Algorithm{}, breach(RuleAlgorithmParameters, "PSS parameters out of order")
		}
		last = e.tag
		if err := a.setPSS(e); err != nil {
			return Algorithm{}, &ConstraintError{Rule: RuleAlgorithmParameters, Err: err}
		}
	}
	return a, nil
}

// setPSS takes one explicitly tagged member of RSASSA-PSS-params.
func (a *Algorithm) setPSS(e element) error {
	r := e.children()
	inner, err := r.next()
	if err != nil {
		return err
	}
	if err := r.finish("PSS parameter"); err != nil {
		return err
	}
	switch e.tag {
	case context0:
		a.hash, err = pssHash(inner)
	case context1:
		mgf, err := parseIdentifier(inner)
		if err != nil {
			return err
		}
		if string(mgf.oid.contents()) != mgf1Octets || mgf.params.src == nil {
			return malformed(inner.start, "pss", "mask generation is not MGF1")
		}
		a.mgf, err = pssHash(mgf.params)
		return err
	case context2:
		a.salt, err = parseSmall(inner)
	case context2 + 1:
		var trailer int
		if trailer, err = parseSmall(inner); err == nil && trailer != 1 {
			err = malformed(inner.start, "pss", "trailer field is not 1")
		}
	default:
		err = malformed(e.start, "pss", "unknown parameter")
	}
	return err
}

func pssHash(e element) (crypto.Hash, error) {
	if e.tag != tagSequence {
		return 0, malformed(e.start, "pss", "expected a hash identifier")
	}
	id, err := parseIdentifier(e)
	if err != nil {
		return 0, err
	}
	h := digestHash(id)
	if h == 0 {
		return 0, malformed(e.start, "pss", "unknown hash")
	}
	return h, nil
}
