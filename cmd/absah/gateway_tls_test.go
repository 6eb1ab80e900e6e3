package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// issuer is an authority of TLS certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t testing.TB, name string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.cert = i.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, key).Leaf
	return i
}

func (i *issuer) issue(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent := i.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// client issues a client certificate.
func (i *issuer) client(t testing.TB, name string, ends time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return i.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends,
	}, key)
}

// makeTLS writes what a gateway with TLS needs.
func (f *office) makeTLS(address string) {
	f.t.Helper()
	host, _, err := net.SplitHostPort(address)
	f.must(err)
	f.clients, f.servers = newIssuer(f.t, "Klien Contoh"), newIssuer(f.t, "Peladen Contoh")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	f.must(err)
	server := f.servers.issue(f.t, &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, IPAddresses: []net.IP{net.ParseIP(host)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	f.must(err)
	f.write("server.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]})))
	f.write("server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	f.write("client-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.clients.cert.Raw})))
}

// TestGatewayTLS is S01 with client certificates, and A-7.
func TestGatewayTLS(t *testing.T) {
	t.Parallel()
	f := prepareOffice(t, officeOptions{tls: true})
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	own, foreign, old := f.clients.client(t, "e-office", soon), f.clients.client(t, "foreign", soon), f.clients.client(t, "e-office", past)
	stranger := newIssuer(t, "Orang Asing").client(t, "e-office", soon)
	bind := func(as string, cert tls.Certificate) gateway.Credential {
		return gateway.NewCertificate(f.apps[as].Organisation, f.apps[as].ID, cert.Leaf, time.Now().UTC(), time.Time{})
	}
	f.act(func(s *gatewayService) {
		f.must(s.db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error {
			for _, c := range []gateway.Credential{bind("e-office", own), bind("foreign", foreign)} {
				if err := tx.AddCredential(t.Context(), c); err != nil {
					return err
				}
			}
			a, err := tx.Application(t.Context(), f.apps["second"].ID)
			if err != nil {
				return err
			}
			a.RequireMTLS = true
			return tx.UpdateApplication(t.Context(), a)
		}))
	})
	f.start()
	f.http = f.client()
	for _, test := range []struct {
		name string
		as   string // key shown
		cert *tls.Certificate
		want int // 0: no connection
	}{
		{"certificate alone", "", &own, 200},
		{"certificate and key", "e-office", &own, 200},
		{"key alone", "e-office", nil, 200},
		{"nothing", "", nil, 401},
		{"expired certificate", "e-office", &old, 0},
		{"certificate of another authority", "e-office", &stranger, 0},
		{"certificate of B with the key of A", "e-office", &foreign, 401},
		{"key where a certificate is demanded", "second", nil, 401},
		{"certificate of A with the key of one that demands its own", "second", &own, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := f.client()
			if test.cert != nil {
				client = f.client(*test.cert)
			}
			defer client.CloseIdleConnections()
			request, err := json.Marshal(bySeal)
			f.must(err)
			kind, body, err := form(letter(), request)
			f.must(err)
			send := func() (answer, error) {
				return f.try(call{as: test.as, client: client, method: http.MethodPost, path: "/v1/seal", kind: kind, body: body})
			}
			if test.want == http.StatusOK {
				a, err := send()
				f.must(err)
				a.ok(t, http.StatusOK)
				return
			}
			f.still(t, func() {
				a, err := send()
				if test.want == 0 {
					if err == nil {
						t.Errorf("connected: %d %.300q", a.status, a.body)
					}
					return
				}
				f.must(err)
				a.problem(t, test.want, "unauthenticated")
			})
		})
	}
	t.Run("A-7", func(t *testing.T) { testTransport(t, f) })
	f.stop()
}

// testTransport is A-7: which versions and ciphers of TLS are spoken.
func testTransport(t *testing.T, f *office) {
	a := f.do(t, call{path: "/healthz"}).ok(t, http.StatusOK)
	if got := a.header.Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=63072000") || !strings.Contains(got, "includeSubDomains") {
		t.Errorf("HSTS: %q", got)
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(f.url, "https://"), &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
			t.Errorf("TLS %x is spoken", version)
		}
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		conn, err := tls.Dial("tcp", strings.TrimPrefix(f.url, "https://"), &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}, InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		aead := strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_CHACHA20_")
		if want := aead && strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_"); want != (err == nil) { // the certificate's key is ECDSA
			t.Errorf("%s: spoken %v, want %v", suite.Name, err == nil, want)
		}
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(f.url, "https://"), &tls.Config{InsecureSkipVerify: true})
	f.must(err)
	defer conn.Close()
	if conn.ConnectionState().Version != tls.VersionTLS13 {
		t.Errorf("version %x by default", conn.ConnectionState().Version)
	}
}
