package tsp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/cms/tsp"
)

// softKey is a key that hashes what it signs, as one in an HSM does.
type softKey struct {
	crypto.Signer
	err error // returned instead of a signature
}

func (k softKey) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	return crypto.SignMessage(k.Signer, r, msg, opts)
}

var (
	moment  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
	policy2 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 2}
	digest  = sha256.Sum256([]byte("naskah dinas"))
)

// authority is a root with one time-stamp authority under it.
type authority struct {
	root, cert *x509.Certificate
	rootKey    *ecdsa.PrivateKey
	key        *ecdsa.PrivateKey
}

// certExtension is the extended key usage of a TSA.
func eku(critical bool, purposes ...asn1.ObjectIdentifier) pkix.Extension {
	value, err := asn1.Marshal(purposes)
	if err != nil {
		panic(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

var (
	timeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	serverAuth   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
)

func newAuthority(tb testing.TB, ext ...pkix.Extension) *authority {
	tb.Helper()
	if ext == nil {
		ext = []pkix.Extension{eku(true, timeStamping)}
	}
	a := &authority{}
	var err error
	for _, k := range []**ecdsa.PrivateKey{&a.rootKey, &a.key} {
		if *k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			tb.Fatal(err)
		}
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA Penanda Waktu Contoh"},
		NotBefore: moment.AddDate(-1, 0, 0), NotAfter: moment.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.root = a.issue(tb, root, root, a.rootKey.Public())
	a.cert = a.issue(tb, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Penanda Waktu Contoh"},
		NotBefore: moment.AddDate(0, -1, 0), NotAfter: moment.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: ext,
	}, a.root, a.key.Public())
	return a
}

func (a *authority) issue(tb testing.TB, tmpl, parent *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, a.rootKey)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// config is a plain configuration of the authority.
func (a *authority) config() tsp.AuthorityConfig {
	return tsp.AuthorityConfig{Certificate: a.cert, Chain: []*x509.Certificate{a.root}, Key: softKey{Signer: a.key}, Policy: policy}
}

func (a *authority) server(tb testing.TB, cfg tsp.AuthorityConfig) *tsp.Authority {
	tb.Helper()
	s, err := tsp.NewAuthority(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// token asks the authority for a token over digest.
func (a *authority) token(tb testing.TB, cfg tsp.AuthorityConfig, change func(r *tsp.Request)) *tsp.Token {
	tb.Helper()
	req := &tsp.Request{Hash: crypto.SHA256, Digest: digest[:], Certificates: true}
	if change != nil {
		change(req)
	}
	query, err := req.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	b, err := a.server(tb, cfg).Respond(query, moment)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := tsp.ParseResponse(b)
	if err != nil {
		tb.Fatal(err)
	}
	if resp.Token == nil {
		tb.Fatalf("got %v %v %q, want a token", resp.Status, resp.Failures, resp.Text)
	}
	return resp.Token
}
