package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// ladder is a root and the authorities below it, each certified by the one
// above, with their lists of revoked certificates over HTTP.
type ladder struct {
	rungs []rung // the root first
	url   string
}

type rung struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newLadder makes n authorities; keys makes their keys.
func newLadder(t testing.TB, name string, n int, keys func() crypto.Signer) *ladder {
	t.Helper()
	l := &ladder{}
	s := httptest.NewServer(http.HandlerFunc(l.list))
	t.Cleanup(s.Close)
	l.url = s.URL
	for i := range n {
		key := keys()
		cert := l.certify(t, &x509.Certificate{
			Subject: pkix.Name{Country: []string{"ID"}, CommonName: fmt.Sprintf("CA %s %d", name, i)}, NotAfter: time.Now().AddDate(10, 0, 0),
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
		}, key.Public(), key)
		l.rungs = append(l.rungs, rung{cert, key})
	}
	return l
}

// list answers with the list of the authority that the path names, made now: one
// from before a timestamp says too little about it.
func (l *ladder) list(w http.ResponseWriter, r *http.Request) {
	var i int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d.crl", &i); err != nil || i < 0 || i >= len(l.rungs) {
		http.NotFound(w, r)
		return
	}
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(48 * time.Hour),
	}, l.rungs[i].cert, l.rungs[i].key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = w.Write(list) // who asked may have gone
}

// certify has the lowest authority certify a key; a root certifies itself.
func (l *ladder) certify(t testing.TB, template *x509.Certificate, pub crypto.PublicKey, own crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore = serial, time.Now().Add(-time.Hour)
	by := rung{template, own}
	if n := len(l.rungs); n > 0 {
		by = l.rungs[n-1]
		template.CRLDistributionPoints = []string{fmt.Sprintf("%s/%d.crl", l.url, n-1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, pub, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// chain is what stands between a certificate and the root.
func (l *ladder) chain() (chain []*x509.Certificate) {
	for i := len(l.rungs) - 1; i > 0; i-- {
		chain = append(chain, l.rungs[i].cert)
	}
	return chain
}

func ellipticKey(t testing.TB) func() crypto.Signer {
	return func() crypto.Signer {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

// hugeKey makes a key whose signatures have 1024 bytes, as those of RSA-8192, of
// eight primes: with two it would take minutes.
func hugeKey(t testing.TB) func() crypto.Signer {
	return func() crypto.Signer {
		one, phi := big.NewInt(1), big.NewInt(1)
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: big.NewInt(1), E: 65537}}
		for range 8 {
			p, err := rand.Prime(rand.Reader, 1024)
			if err != nil {
				t.Fatal(err)
			}
			key.Primes = append(key.Primes, p)
			key.N.Mul(key.N, p)
			phi.Mul(phi, new(big.Int).Sub(p, one))
		}
		if key.D = new(big.Int).ModInverse(big.NewInt(int64(key.E)), phi); key.D == nil || key.Size() != 1024 {
			t.Fatalf("no key of 1024 bytes: %d", key.Size())
		}
		key.Precompute()
		return key
	}
}

// TestGatewayChains signs with certificates whose chains have one to five
// certificates, and one of RSA-8192: the room for each is computed, at each
// level, and what comes out is valid (S22).
func TestGatewayChains(t *testing.T) {
	t.Parallel()
	ladders := map[string]*ladder{}
	var trust strings.Builder
	for n := 1; n <= 5; n++ { // with the signer's own, without the root
		ladders[fmt.Sprint(n)] = newLadder(t, fmt.Sprint(n), n, ellipticKey(t))
	}
	ladders["8192"] = newLadder(t, "8192", 2, hugeKey(t))
	var allow []string
	for _, l := range ladders {
		allow = append(allow, strings.TrimPrefix(l.url, "http://"))
		if err := pem.Encode(&trust, &pem.Block{Type: "CERTIFICATE", Bytes: l.rungs[0].cert.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	f := newOffice(t, officeOptions{trust: trust.String(), allow: allow})
	for name, l := range ladders {
		f.act(func(s *gatewayService) { f.enrolBelow(t.Context(), s, name, l) })
	}
	for name, l := range ladders {
		for _, level := range []string{"B-B", "B-T", "B-LT", "B-LTA"} {
			t.Run(name+" "+level, func(t *testing.T) {
				a := f.sign(t, "e-office", letter(), f.by(name).with(fields{"level": level})).ok(t, http.StatusOK)
				v := f.verify(t, a.body)
				if v["verdict"] != "TOTAL-PASSED" {
					t.Errorf("got %v: %v", v["verdict"], v)
				}
				for _, c := range append(l.chain(), f.signers[name].cert) {
					if !strings.Contains(string(a.body), fmt.Sprintf("%x", c.Raw[:64])) {
						t.Errorf("the certificate of %s is not in the document", c.Subject)
					}
				}
			})
		}
	}
	f.stop()
}

// enrolBelow enrols a signer whom the lowest authority of a ladder certifies.
func (f *office) enrolBelow(ctx context.Context, s *gatewayService, name string, l *ladder) {
	f.t.Helper()
	operator := gateway.Local(officeA, "test")
	made, csr, err := s.gateway.Enrol(ctx, operator, s.keys, gateway.Enrolment{
		Name: name, NIK: fmt.Sprintf("%016d", len(f.signers)), Subject: demoSubject(name), Algorithm: "RSA-2048", Passphrase: []byte(canaryPassphrase),
	})
	f.must(err)
	block, _ := pem.Decode(csr)
	if block != nil {
		csr = block.Bytes
	}
	request, err := x509.ParseCertificateRequest(csr)
	f.must(err)
	leaf := l.certify(f.t, &x509.Certificate{
		Subject: request.Subject, NotAfter: time.Now().AddDate(2, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}, request.PublicKey, nil)
	f.must(s.gateway.InstallCertificate(ctx, operator, made.ID, leaf, l.chain()))
	f.signers[name] = official{id: made.ID, cert: leaf}
}
