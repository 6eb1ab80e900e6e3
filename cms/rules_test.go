package cms_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/absah-id/absah/cms"
)

// TestRules breaks one rule at a time under a true signature.
func TestRules(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	other := sha256.Sum256([]byte("naskah lain"))
	sha512ID := cms.DigestIdentifier(crypto.SHA512)
	sha1OfCert := func() []byte { h := crypto.SHA1.New(); h.Write(id.cert.Raw); return h.Sum(nil) }()
	sha256OfCert := sha256.Sum256(id.cert.Raw)
	issuerSerial := func(serial byte) []byte {
		return tlv(0x30, tlv(0x30, tlv(0xa4, id.cert.RawIssuer)), []byte{2, 1, serial})
	}
	protection := func(hash, signature []byte) []byte {
		return attribute(cms.OIDAlgorithmProtection, tlv(0x30, hash, tlv(0xa1, signature[2:])))
	}

	cases := []struct {
		name     string
		broken   func(f *forgery)
		breaches []cms.Rule
		warnings []cms.Rule
		intact   bool
	}{
		{"good", func(f *forgery) {}, nil, nil, true},
		{"M01 no signed attributes", func(f *forgery) { f.attrs = nil },
			[]cms.Rule{cms.RuleNoSignedAttributes, cms.RuleNoSigningCertificate}, nil, true},
		{"M02 no message-digest", func(f *forgery) { f.without(cms.OIDMessageDigest) }, []cms.Rule{cms.RuleMessageDigest}, nil, false},
		{"M02 message-digest twice", func(f *forgery) { f.add(attribute(cms.OIDMessageDigest, tlv(4, other[:]))) }, []cms.Rule{cms.RuleMessageDigest}, nil, false},
		{"M02 two values", func(f *forgery) {
			f.without(cms.OIDMessageDigest)
			f.add(attribute(cms.OIDMessageDigest, sorted(tlv(4, other[:]), tlv(4, digest[:]))...))
		}, []cms.Rule{cms.RuleMessageDigest}, nil, false},
		{"M02 not an octet string", func(f *forgery) {
			f.without(cms.OIDMessageDigest)
			f.add(attribute(cms.OIDMessageDigest, tlv(0x0c, digest[:])))
		}, []cms.Rule{cms.RuleMessageDigest}, nil, false},
		{"M03 no content-type", func(f *forgery) { f.without(cms.OIDContentType) }, []cms.Rule{cms.RuleContentType}, nil, true},
		{"M03 other content-type", func(f *forgery) {
			f.without(cms.OIDContentType)
			f.add(attribute(cms.OIDContentType, oid(cms.OIDTSTInfo)))
		}, []cms.Rule{cms.RuleContentType}, nil, true},
		{"M03 content-type twice", func(f *forgery) { f.add(attribute(cms.OIDContentType, oid(cms.OIDTSTInfo))) }, []cms.Rule{cms.RuleContentType}, nil, true},
		{"M05 digestAlgorithm of another size", func(f *forgery) { f.digestID, f.digests = sha512ID, [][]byte{sha512ID} },
			[]cms.Rule{cms.RuleDigestAlgorithm}, nil, true},
		{"M05 not listed", func(f *forgery) { f.digests = [][]byte{sha512ID} }, nil, []cms.Rule{cms.RuleDigestUnlisted}, true},
		{"M05 protection agrees", func(f *forgery) {
			f.add(protection(cms.DigestIdentifier(crypto.SHA256), f.alg.Identifier()))
		}, nil, nil, true},
		{"M05 protection of another hash", func(f *forgery) { f.add(protection(sha512ID, f.alg.Identifier())) },
			[]cms.Rule{cms.RuleAlgorithmProtection}, nil, true},
		{"M05 protection of another signature", func(f *forgery) {
			f.add(protection(cms.DigestIdentifier(crypto.SHA256), cms.ECDSA(crypto.SHA512).Identifier()))
		}, []cms.Rule{cms.RuleAlgorithmProtection}, nil, true},
		{"M07 no signing-certificate", func(f *forgery) { f.without(cms.OIDSigningCertificateV2) }, []cms.Rule{cms.RuleNoSigningCertificate}, nil, true},
		{"M08 another certificate", func(f *forgery) {
			f.without(cms.OIDSigningCertificateV2)
			f.add(attribute(cms.OIDSigningCertificateV2, essV2(other[:])))
		}, []cms.Rule{cms.RuleCertificateReference}, nil, true},
		{"M08 version 1 of another certificate", func(f *forgery) {
			f.add(attribute(cms.OIDSigningCertificate, essV2(other[:20])))
		}, []cms.Rule{cms.RuleCertificateReference}, nil, true},
		{"M08 version 1 alone", func(f *forgery) {
			f.without(cms.OIDSigningCertificateV2)
			f.add(attribute(cms.OIDSigningCertificate, essV2(sha1OfCert)))
		}, nil, nil, true},
		{"M08 twice", func(f *forgery) { f.add(attribute(cms.OIDSigningCertificateV2, essV2(other[:]))) },
			[]cms.Rule{cms.RuleSigningCertificateTwice}, nil, true},
		{"M09 issuerSerial fits", func(f *forgery) {
			f.without(cms.OIDSigningCertificateV2)
			f.add(attribute(cms.OIDSigningCertificateV2, essV2(sha256OfCert[:], issuerSerial(2))))
		}, nil, nil, true},
		{"M09 issuerSerial of another", func(f *forgery) {
			f.without(cms.OIDSigningCertificateV2)
			f.add(attribute(cms.OIDSigningCertificateV2, essV2(sha256OfCert[:], issuerSerial(3))))
		}, nil, []cms.Rule{cms.RuleIssuerSerial}, true},
		{"M09 issuerSerial of three members", func(f *forgery) {
			f.without(cms.OIDSigningCertificateV2)
			three := tlv(0x30, tlv(0x30, tlv(0xa4, id.cert.RawIssuer)), []byte{2, 1, 2}, []byte{5, 0})
			f.add(attribute(cms.OIDSigningCertificateV2, essV2(sha256OfCert[:], three)))
		}, nil, []cms.Rule{cms.RuleIssuerSerial}, true},
		{"M09 signer identifier of another", func(f *forgery) { f.sid = sidOf(id.chain[0]) }, []cms.Rule{cms.RuleSignerIdentifier}, nil, true},
		{"M09 subject key identifier", func(f *forgery) { f.sid = tlv(0x80, id.cert.SubjectKeyId) }, nil, nil, true},
		{"M09 wrong subject key identifier", func(f *forgery) { f.sid = tlv(0x80, []byte{9}) }, []cms.Rule{cms.RuleSignerIdentifier}, nil, true},
		{"M10 unsigned signing-time", func(f *forgery) {
			f.unsigned = [][]byte{attribute(cms.OIDSigningTime, tlv(0x17, []byte("990101000000Z")))}
		}, nil, nil, true},
		{"M12 unsorted, signed as received", func(f *forgery) { slices.Reverse(f.attrs) },
			nil, []cms.Rule{cms.RuleSignedAttributesForm}, true},
		{"M12 unsorted, signed as DER", func(f *forgery) { slices.Reverse(f.attrs); f.signSorted = true },
			nil, []cms.Rule{cms.RuleSignedAttributesForm, cms.RuleReencoded}, true},
		{"M12 signing-time twice", func(f *forgery) {
			f.add(attribute(cms.OIDSigningTime, tlv(0x17, []byte("250101000000Z"))), attribute(cms.OIDSigningTime, tlv(0x17, []byte("260101000000Z"))))
		}, []cms.Rule{cms.RuleAttributeTwice}, nil, true},
		{"M12 signer-attributes twice", func(f *forgery) {
			f.add(attribute(cms.OIDSignerAttributes, tlv(0x30, oid(cms.OIDData))), attribute(cms.OIDSignerAttributes, tlv(0x30, oid(cms.OIDMimeType))))
		}, nil, []cms.Rule{cms.RuleAttributeTwice}, true},
		{"M12 the same attribute twice", func(f *forgery) {
			f.add(attribute(cms.OIDCommitmentType, tlv(0x30, oid(cms.OIDData))), attribute(cms.OIDCommitmentType, tlv(0x30, oid(cms.OIDData))))
		}, []cms.Rule{cms.RuleAttributeTwice}, nil, true},
		{"M12 attribute without value", func(f *forgery) { f.add(attribute(cms.OIDMimeType)) },
			[]cms.Rule{cms.RuleAttributeTwice, cms.RuleAttributeTwice}, nil, true},
		{"M12 signing-time unreadable", func(f *forgery) { f.add(attribute(cms.OIDSigningTime, tlv(0x17, []byte("kemarin")))) },
			[]cms.Rule{cms.RuleAttributeMalformed}, nil, true},
		{"M15 RSA identifier over an EC key", func(f *forgery) { f.signatureID = cms.RSAPKCS1v15(crypto.SHA256).Identifier() },
			[]cms.Rule{cms.RuleKeyType}, nil, false},
		{"M15 Ed25519 identifier over an EC key", func(f *forgery) { f.signatureID = cms.Ed25519().Identifier() },
			[]cms.Rule{cms.RuleDigestAlgorithm, cms.RuleKeyType}, nil, false},
		{"M18 unknown signature algorithm", func(f *forgery) {
			f.signatureID = tlv(0x30, oid(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}))
		}, []cms.Rule{cms.RuleUnsupported}, nil, false},
		{"M18 unknown digest algorithm", func(f *forgery) {
			f.digestID = tlv(0x30, oid(asn1.ObjectIdentifier{1, 2, 643, 2, 2, 9}))
			f.digests = [][]byte{f.digestID}
		}, []cms.Rule{cms.RuleDigestAlgorithm, cms.RuleUnsupported}, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery(id, digest[:])
			c.broken(f)
			sd, err := cms.Parse(f.der(t, id.key))
			if err != nil {
				t.Fatal(err)
			}
			r := sd.SignerInfos[0].Check(id.cert, digest[:])
			if got := rules(r.Breaches); !slices.Equal(got, c.breaches) {
				t.Errorf("got breaches %v, want %v", got, c.breaches)
			}
			if got := rules(r.Warnings); !slices.Equal(got, c.warnings) {
				t.Errorf("got warnings %v, want %v", got, c.warnings)
			}
			if got := r.Intact(); got != c.intact {
				t.Errorf("got intact %v, want %v (digest %v, value %v)", got, c.intact, r.Digest, r.Value)
			}
			if err := sd.SignerInfos[0].Verify(id.cert, digest[:]); (err == nil) != (len(c.breaches) == 0) {
				t.Errorf("got %v from Verify with breaches %v", err, c.breaches)
			}
		})
	}
}

func rules(list []*cms.ConstraintError) (names []cms.Rule) {
	for _, c := range list {
		names = append(names, c.Rule)
	}
	return names
}

// TestWrongDigestAndValue: the two findings that fail a signature outright
// outweigh any breach.
func TestWrongDigestAndValue(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	other := sha256.Sum256([]byte("naskah lain"))
	f := newForgery(id, digest[:])
	f.without(cms.OIDSigningCertificateV2)
	der := f.der(t, id.key)
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if got := sd.SignerInfos[0].Verify(id.cert, other[:]); !errors.Is(got, cms.ErrDigest) {
		t.Errorf("got %v for another content, want ErrDigest", got)
	}
	spoiled := slices.Clone(der)
	spoiled[len(spoiled)-1] ^= 1
	if sd, err = cms.Parse(spoiled); err != nil {
		t.Fatal(err)
	}
	if got := sd.SignerInfos[0].Verify(id.cert, digest[:]); !errors.Is(got, cms.ErrSignature) {
		t.Errorf("got %v for another value, want ErrSignature", got)
	}
}

// TestAttributesAsContent is the forgery of draft-vangeest-lamps-cms-euf-cma:
// drop the signed attributes and present their DER as the content.
func TestAttributesAsContent(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	f := newForgery(id, digest[:])
	sd, err := cms.Parse(f.der(t, id.key))
	if err != nil {
		t.Fatal(err)
	}
	content := slices.Clone(sd.SignerInfos[0].RawSignedAttributes)
	content[0] = 0x31
	forged := sha256.Sum256(content)
	f.attrs, f.tagDigest = nil, forged[:]
	stripped, err := cms.Parse(f.der(t, id.key))
	if err != nil {
		t.Fatal(err)
	}
	r := stripped.SignerInfos[0].Check(id.cert, forged[:])
	if !r.Intact() || !r.Has(cms.RuleNoSignedAttributes) || r.Err() == nil {
		t.Errorf("got intact %v, breaches %v; the value must hold and the rule be broken", r.Intact(), rules(r.Breaches))
	}
}

func TestCheckPAdES(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	cases := []struct {
		name     string
		change   func(f *forgery)
		breaches []cms.Rule
		warnings []cms.Rule
	}{
		{"good", func(f *forgery) {}, nil, nil},
		{"M03 TSTInfo", func(f *forgery) { f.contentType = cms.OIDTSTInfo }, []cms.Rule{cms.RuleContentTypeNotData}, nil},
		{"M04 enveloping", func(f *forgery) { f.content = []byte{} }, []cms.Rule{cms.RuleContentPresent}, nil},
		{"M06 no signer", func(f *forgery) { f.signers = 0 }, []cms.Rule{cms.RuleSignerCount}, nil},
		{"M06 two signers", func(f *forgery) { f.signers = 2 }, []cms.Rule{cms.RuleSignerCount}, nil},
		{"M11 signing-time", func(f *forgery) { f.add(attribute(cms.OIDSigningTime, tlv(0x17, []byte("250101000000Z")))) }, nil, []cms.Rule{cms.RuleSigningTimePresent}},
		{"M19 certificate twice", func(f *forgery) { f.certs = append(f.certs, f.certs[0]) }, nil, []cms.Rule{cms.RuleDuplicateCertificate}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery(id, digest[:])
			c.change(f)
			sd, err := cms.Parse(f.der(t, id.key))
			if err != nil {
				t.Fatal(err)
			}
			breaches, warnings := sd.CheckPAdES()
			if !slices.Equal(rules(breaches), c.breaches) || !slices.Equal(rules(warnings), c.warnings) {
				t.Errorf("got %v and %v, want %v and %v", rules(breaches), rules(warnings), c.breaches, c.warnings)
			}
		})
	}
}

// TestSigner chooses among certificates that resemble the signer's (M09).
func TestSigner(t *testing.T) {
	id := newIdentity(t, "p256")
	digest := sha256.Sum256([]byte("naskah dinas"))
	caKey := newKey(t, "p256")
	twin := issue(t, template("Kembaran", 2), id.chain[0], id.key.Public(), caKey) // same key, issuer and serial
	noESS := func(f *forgery) { f.without(cms.OIDSigningCertificateV2) }
	cases := []struct {
		name   string
		change func(f *forgery)
		extra  []*x509.Certificate
		want   *x509.Certificate
		rule   cms.Rule
		err    error
	}{
		{"ESS decides between twins", func(f *forgery) { f.certs = [][]byte{twin.Raw, id.cert.Raw} }, nil, id.cert, "", nil},
		{"from outside", func(f *forgery) { f.certs = nil }, []*x509.Certificate{twin, id.cert}, id.cert, "", nil},
		{"absent", func(f *forgery) { f.certs = [][]byte{twin.Raw} }, nil, nil, "", cms.ErrNoSigner},
		{"without ESS, twins", func(f *forgery) { noESS(f); f.certs = [][]byte{twin.Raw, id.cert.Raw} }, nil, nil, cms.RuleSignerAmbiguous, nil},
		{"without ESS, copies", func(f *forgery) { noESS(f); f.certs = [][]byte{id.cert.Raw, id.cert.Raw} }, nil, id.cert, "", nil},
		{"without ESS, none", func(f *forgery) { noESS(f); f.certs = [][]byte{id.chain[0].Raw} }, nil, nil, "", cms.ErrNoSigner},
		{"two ESS", func(f *forgery) { f.add(attribute(cms.OIDSigningCertificateV2, essV2(digest[:]))) }, nil, nil, cms.RuleSigningCertificateTwice, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newForgery(id, digest[:])
			c.change(f)
			sd, err := cms.Parse(f.der(t, id.key))
			if err != nil {
				t.Fatal(err)
			}
			got, err := sd.Signer(sd.SignerInfos[0], c.extra...)
			var constraint *cms.ConstraintError
			switch {
			case c.want != nil:
				if err != nil || !got.Equal(c.want) {
					t.Errorf("got %v, %v", got, err)
				}
			case c.rule != "":
				if !errors.As(err, &constraint) || constraint.Rule != c.rule {
					t.Errorf("got %v, want %v", err, c.rule)
				}
			case !errors.Is(err, c.err):
				t.Errorf("got %v, want %v", err, c.err)
			}
		})
	}
}

// TestKeyLimits: keys that must not be computed with are refused as a
// constraint, so that nobody reads the refusal as a wrong value (section 0).
func TestKeyLimits(t *testing.T) {
	good := newKey(t, "rsa2048").Public().(*rsa.PublicKey)
	sig := make([]byte, 256)
	over := new(big.Int).Lsh(good.N, 8192)
	over.SetBit(over, 0, 1)
	even := new(big.Int).SetBit(good.N, 0, 0)
	small := new(big.Int).Rsh(good.N, 1100)
	small.SetBit(small, 0, 1)
	cases := []struct {
		name string
		pub  crypto.PublicKey
		rule cms.Rule
	}{
		{"modulus over 8192 bits", &rsa.PublicKey{N: over, E: 65537}, cms.RuleKeySize},
		{"modulus under 1024 bits", &rsa.PublicKey{N: small, E: 65537}, cms.RuleKeySize},
		{"even modulus", &rsa.PublicKey{N: even, E: 65537}, cms.RuleKeyMalformed},
		{"exponent 1", &rsa.PublicKey{N: good.N, E: 1}, cms.RuleKeyMalformed},
		{"even exponent", &rsa.PublicKey{N: good.N, E: 65536}, cms.RuleKeyMalformed},
		{"huge exponent", &rsa.PublicKey{N: good.N, E: 1<<31 + 1}, cms.RuleKeyMalformed},
		{"no modulus", &rsa.PublicKey{E: 3}, cms.RuleKeyMalformed},
		{"nil", nil, cms.RuleKeyType},
		{"EC key", newKey(t, "p256").Public(), cms.RuleKeyType},
		{"PSS key", &cms.PSSPublicKey{Key: good}, cms.RuleKeyType},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := cms.RSAPKCS1v15(crypto.SHA256).Verify(c.pub, []byte("x"), sig)
			var got *cms.ConstraintError
			if !errors.As(err, &got) || got.Rule != c.rule {
				t.Errorf("got %v, want %v", err, c.rule)
			}
		})
	}
}

// TestPSSKeyRestriction: parameters in the key's certificate bind (M15).
func TestPSSKeyRestriction(t *testing.T) {
	key := newKey(t, "rsa2048").(*rsa.PrivateKey)
	restricted := &cms.PSSPublicKey{Key: &key.PublicKey, Algorithm: cms.PSSWith(crypto.SHA256, crypto.SHA256, 32)}
	for _, c := range []struct {
		name string
		alg  cms.Algorithm
		rule cms.Rule
	}{
		{"as restricted", cms.RSAPSS(crypto.SHA256), ""},
		{"longer salt", cms.PSSWith(crypto.SHA256, crypto.SHA256, 40), ""},
		{"shorter salt", cms.PSSWith(crypto.SHA256, crypto.SHA256, 20), cms.RuleKeyParameters},
		{"other hash", cms.RSAPSS(crypto.SHA512), cms.RuleKeyParameters},
		{"not PSS", cms.RSAPKCS1v15(crypto.SHA256), cms.RuleKeyType},
	} {
		t.Run(c.name, func(t *testing.T) {
			sig, err := crypto.SignMessage(key, rand.Reader, []byte("x"), c.alg.Opts())
			if err != nil {
				t.Fatal(err)
			}
			err = c.alg.Verify(restricted, []byte("x"), sig)
			var got *cms.ConstraintError
			if c.rule == "" && err != nil || c.rule != "" && (!errors.As(err, &got) || got.Rule != c.rule) {
				t.Errorf("got %v, want %q", err, c.rule)
			}
		})
	}
}
