package cms_test

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/c2sp/wycheproof"
)

// vectors is a Wycheproof file of signature verifications.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Sha, Mgf, MgfSha string
		SLen             int
		PublicKeyDer     string
		PublicKeyASN     string `json:"publicKeyAsn"`
		Tests            []struct {
			TcID             int
			Comment          string
			Flags            []string
			Msg, Sig, Result string
		}
	}
}

var wycheproofHashes = map[string]crypto.Hash{
	"SHA-1": crypto.SHA1, "SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
	"SHA-512/224": crypto.SHA512_224, "SHA-512/256": crypto.SHA512_256,
	"SHA3-224": crypto.SHA3_224, "SHA3-256": crypto.SHA3_256, "SHA3-384": crypto.SHA3_384, "SHA3-512": crypto.SHA3_512,
}

// TestWycheproof runs every RSA PKCS#1 v1.5, RSA-PSS, ECDSA (NIST and
// brainpool curves, DER and plain values) and Ed25519 verification file. Groups that cannot be verified, which
// are those with SHAKE, must be refused by a ConstraintError, valid or not,
// never as a wrong signature.
func TestWycheproof(t *testing.T) {
	patterns := []string{"rsa_signature_*_test.json", "rsa_pss_*_test.json", "ecdsa_secp224r1_*_test.json", "ecdsa_secp256r1_*_test.json",
		"ecdsa_secp384r1_*_test.json", "ecdsa_secp521r1_*_test.json", "ecdsa_brainpoolP256r1_*_test.json",
		"ecdsa_brainpoolP384r1_*_test.json", "ecdsa_brainpoolP512r1_*_test.json", "ed25519_test.json"}
	var files, valid, invalid, refused int
	for _, p := range patterns {
		names, err := fs.Glob(wycheproof.TestVectors, p)
		if err != nil || len(names) == 0 {
			t.Fatalf("no vectors match %s: %v", p, err)
		}
		for _, name := range names {
			if strings.Contains(name, "sha1_sign") || strings.Contains(name, "_gen") {
				continue
			}
			files++
			t.Run(name, func(t *testing.T) {
				v, i, r := runWycheproof(t, name)
				valid, invalid, refused = valid+v, invalid+i, refused+r
				if r > 0 {
					t.Logf("%d of %d refused", r, v+i+r)
				}
			})
		}
	}
	t.Logf("%d files: %d valid accepted, %d invalid rejected, %d refused as not verifiable here", files, valid, invalid, refused)
	if files < 40 || valid < 3000 || invalid < 5000 {
		t.Errorf("got %d files, %d valid, %d invalid: vectors are missing", files, valid, invalid)
	}
}

func runWycheproof(t *testing.T, name string) (valid, invalid, refused int) {
	b, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, g := range v.TestGroups {
		pub, err := wycheproofKey(cmp.Or(g.PublicKeyDer, g.PublicKeyASN))
		if err != nil {
			t.Logf("key not read: %v", err)
			refused += len(g.Tests)
			continue
		}
		alg, verifiable := wycheproofAlgorithm(name, pub, g.Sha, g.MgfSha, g.SLen)
		for _, c := range g.Tests {
			msg, _ := hex.DecodeString(c.Msg)
			sig, _ := hex.DecodeString(c.Sig)
			err := alg.Verify(pub, msg, sig)
			var constraint *cms.ConstraintError
			switch {
			case errors.As(err, &constraint):
				refused++
				if verifiable {
					t.Errorf("%d %s: got %v", c.TcID, c.Comment, err)
				}
			case err == nil:
				valid++
				if c.Result == "invalid" {
					t.Errorf("%d %s: accepted an invalid signature", c.TcID, c.Comment)
				}
			default:
				invalid++
				if c.Result == "valid" || !errors.Is(err, cms.ErrSignature) {
					t.Errorf("%d %s: got %v for a %s signature", c.TcID, c.Comment, err, c.Result)
				}
			}
		}
	}
	return valid, invalid, refused
}

// wycheproofKey reads a SubjectPublicKeyInfo or PKCS#1 key.
func wycheproofKey(text string) (crypto.PublicKey, error) {
	der, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	// PublicKey reads the PSS restriction that crypto/x509 does not know.
	if k, err := cms.PublicKey(&x509.Certificate{RawSubjectPublicKeyInfo: der}); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		return k, nil
	}
	return x509.ParsePKCS1PublicKey(der)
}

func wycheproofAlgorithm(name string, pub crypto.PublicKey, sha, mgf string, salt int) (alg cms.Algorithm, verifiable bool) {
	h := wycheproofHashes[sha]
	verifiable = h != 0
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return cms.Ed25519(), true
	case *ecdsa.PublicKey, *cms.BrainpoolPublicKey:
		if strings.Contains(name, "p1363") {
			return cms.PlainECDSA(h), verifiable
		}
		return cms.ECDSA(h), verifiable
	case *rsa.PublicKey:
		verifiable = verifiable && k.N.BitLen() >= 1024 && k.N.BitLen() <= cms.MaxRSABits
	}
	if strings.HasPrefix(path.Base(name), "rsa_signature") {
		return cms.RSAPKCS1v15(h), verifiable
	}
	alg = cms.PSSWith(h, wycheproofHashes[mgf], salt)
	return alg, verifiable && wycheproofHashes[mgf] != 0
}
