package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

// entity is a key with its certificate.
type entity struct {
	key  crypto.Signer
	cert *x509.Certificate
}

var serials atomic.Int64

// now is a moment on a whole second, around which everything is made.
var now = time.Now().UTC().Truncate(time.Second)

type edit func(*x509.Certificate)

func ca(t *x509.Certificate) {
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

func responder(t *x509.Certificate) { t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} }

func period(from, to time.Duration) edit {
	return func(t *x509.Certificate) { t.NotBefore, t.NotAfter = now.Add(from), now.Add(to) }
}

func extension(critical bool, value []byte, arcs ...int) edit {
	return func(t *x509.Certificate) {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: arcs, Critical: critical, Value: value})
	}
}

// issue certifies a fresh key; by nil means self-signed.
func issue(t testing.TB, name string, by *entity, edits ...edit) *entity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, name, key, key.Public(), by, edits...)
}

func certify(t testing.TB, name string, key crypto.Signer, pub crypto.PublicKey, by *entity, edits ...edit) *entity {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1000 + serials.Add(1)), Subject: pkix.Name{CommonName: name, Organization: []string{"Contoh"}},
		NotBefore: now.Add(-100 * time.Hour), NotAfter: now.Add(1000 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, e := range edits {
		e(tmpl)
	}
	parent, signer := tmpl, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &entity{key, cert}
}

// answer makes an OCSP response about cert with golang.org/x/crypto/ocsp.
func answer(t testing.TB, issuer, by *entity, tmpl ocsp.Response) []byte {
	t.Helper()
	if tmpl.ThisUpdate.IsZero() {
		tmpl.ThisUpdate = now
	}
	if tmpl.NextUpdate.Equal(never) {
		tmpl.NextUpdate = time.Time{}
	} else if tmpl.NextUpdate.IsZero() {
		tmpl.NextUpdate = tmpl.ThisUpdate.Add(time.Hour)
	}
	if by != issuer {
		tmpl.Certificate = by.cert
	}
	der, err := ocsp.CreateResponse(issuer.cert, by.cert, tmpl, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

var never = time.Unix(1, 0)

func list(t testing.TB, by *entity, tmpl x509.RevocationList) []byte {
	t.Helper()
	if tmpl.ThisUpdate.IsZero() {
		tmpl.ThisUpdate = now
	}
	if tmpl.NextUpdate.IsZero() {
		tmpl.NextUpdate = tmpl.ThisUpdate.Add(time.Hour)
	}
	if tmpl.Number == nil {
		tmpl.Number = big.NewInt(5)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &tmpl, by.cert, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func entry(cert *x509.Certificate, reason pki.Reason) []x509.RevocationListEntry {
	return []x509.RevocationListEntry{{SerialNumber: cert.SerialNumber, RevocationTime: now.Add(-time.Hour), ReasonCode: int(reason)}}
}

func der(t testing.TB, v any, params ...string) []byte {
	t.Helper()
	p := ""
	if len(params) > 0 {
		p = params[0]
	}
	b, err := asn1.MarshalWithParams(v, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ext(critical bool, value []byte, arcs ...int) []pkix.Extension {
	return []pkix.Extension{{Id: arcs, Critical: critical, Value: value}}
}

// tryCertify is issue for certificates that crypto/x509 may refuse to write.
func tryCertify(by *entity, edits ...edit) (*entity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1000 + serials.Add(1)), Subject: pkix.Name{CommonName: "Nama"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	for _, e := range edits {
		e(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &entity{key, cert}, err
}

func encodePEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// certsOnly is a degenerate SignedData, as authorities publish chains.
func certsOnly(t testing.TB, certs ...*x509.Certificate) []byte {
	t.Helper()
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	signed := der(t, struct {
		Version int
		Digests []int `asn1:"set"`
		Content struct{ Type asn1.ObjectIdentifier }
		Certs   asn1.RawValue
		Signers []int `asn1:"set"`
	}{1, nil, struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: raw}, nil})
	return der(t, struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: signed}})
}
