package cms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
)

// softKey is a key that hashes what it signs, as one in an HSM does.
type softKey struct {
	crypto.Signer
	spoil func(sig []byte) []byte // nil: as signed
	err   error                   // returned instead of a signature
}

func (k softKey) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	sig, err := crypto.SignMessage(k.Signer, r, msg, opts)
	if err == nil && k.spoil != nil {
		sig = k.spoil(sig)
	}
	return sig, err
}

// newKey makes a key by name; RSA keys are made once for the whole run.
func newKey(tb testing.TB, kind string) crypto.Signer {
	tb.Helper()
	cached, _ := keyCache.LoadOrStore(kind, sync.OnceValues(func() (crypto.Signer, error) {
		switch kind {
		case "rsa2048":
			return rsa.GenerateKey(rand.Reader, 2048)
		case "rsa3072":
			return rsa.GenerateKey(rand.Reader, 3072)
		case "rsa4096":
			return rsa.GenerateKey(rand.Reader, 4096)
		case "p256":
			return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		case "p384":
			return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		case "p521":
			return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		}
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}))
	k, err := cached.(func() (crypto.Signer, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

var keyCache sync.Map

var (
	notBefore = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC)
)

// template returns a certificate template for tests.
func template(cn string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: cn, Organization: []string{"Kabupaten Contoh"}},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		SubjectKeyId: []byte{1, 2, 3, byte(serial)},
	}
}

// issue makes a certificate for pub; parent nil means self-signed by signer.
func issue(tb testing.TB, tmpl, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	tb.Helper()
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// identity is a signer with its chain.
type identity struct {
	key   crypto.Signer
	cert  *x509.Certificate
	chain []*x509.Certificate
}

func newIdentity(tb testing.TB, kind string) identity {
	tb.Helper()
	caKey := newKey(tb, "p256")
	ca := template("CA Contoh", 1)
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	root := issue(tb, ca, nil, caKey.Public(), caKey)
	key := newKey(tb, kind)
	return identity{key: key, cert: issue(tb, template("Penanda Tangan", 2), root, key.Public(), caKey), chain: []*x509.Certificate{root}}
}

// TestUnsignedModulus: a modulus without its leading zero can be read in one way
// only, and the key is then as good as another.
func TestUnsignedModulus(t *testing.T) {
	key := newKey(t, "rsa2048").(*rsa.PrivateKey)
	n := key.N.Bytes()
	rsaOID := tlv(6, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1})
	certificate := func(modulus, exponent []byte) *x509.Certificate {
		return &x509.Certificate{RawSubjectPublicKeyInfo: tlv(0x30, tlv(0x30, rsaOID, tlv(5)),
			tlv(3, []byte{0}, tlv(0x30, tlv(2, modulus), tlv(2, exponent))))}
	}
	e := []byte{1, 0, 1}
	for _, c := range []struct {
		name              string
		modulus, exponent []byte
	}{
		{"with its zero", append([]byte{0}, n...), e}, // for crypto/x509
		{"empty", nil, e},
		{"negative exponent", n, []byte{0x81}},
		{"long exponent", n, []byte{1, 0, 0, 0, 1}},
		{"no exponent", n, nil},
	} {
		if k, err := cms.PublicKey(certificate(c.modulus, c.exponent)); err == nil {
			t.Errorf("%s: got %v", c.name, k)
		}
	}
	if _, err := x509.ParsePKIXPublicKey(certificate(n, e).RawSubjectPublicKeyInfo); err == nil {
		t.Fatal("crypto/x509 reads such a key by now")
	}
	k, err := cms.PublicKey(certificate(n, e))
	if err != nil || !key.PublicKey.Equal(k) {
		t.Fatalf("got %v, %v", k, err)
	}
	sig, err := crypto.SignMessage(key, rand.Reader, []byte("isi"), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]error{"isi": nil, "isi lain": cms.ErrSignature} {
		if err := cms.RSAPKCS1v15(crypto.SHA256).Verify(k, []byte(text), sig); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", text, err, want)
		}
	}
}
