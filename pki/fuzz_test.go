package pki_test

import (
	"crypto/x509"
	"testing"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

// FuzzOCSP: no input panics, and nothing that the issuer did not sign is
// accepted.
func FuzzOCSP(f *testing.F) {
	root := issue(f, "Root", nil, ca)
	leaf := issue(f, "Signer", root)
	foreign := issue(f, "Root", nil, ca)
	good := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber}
	f.Add(answer(f, foreign, foreign, good))
	f.Add(answer(f, foreign, issue(f, "Responder", foreign, responder), good))
	f.Add([]byte{0x30, 3, 0x0a, 1, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := pki.ParseOCSP(b)
		if err != nil {
			return
		}
		if st, err := o.Check(leaf.cert, root.cert, now, pki.CheckOptions{AllowWeak: true, IgnoreFreshness: true}); err == nil {
			t.Errorf("accepted as %v without a signature of the issuer", st.State)
		}
	})
}

// FuzzCRL: no input panics; what both readers accept, both read alike; and
// nothing that the issuer did not sign is accepted.
func FuzzCRL(f *testing.F) {
	root := issue(f, "Root", nil, ca)
	leaf := issue(f, "Signer", root)
	foreign := issue(f, "Root", nil, ca)
	f.Add(list(f, foreign, x509.RevocationList{}))
	f.Add(list(f, foreign, x509.RevocationList{RevokedCertificateEntries: entry(leaf.cert, 1), ExtraExtensions: ext(true, idpElse, 2, 5, 29, 28)}))
	f.Add(list(f, foreign, x509.RevocationList{ExtraExtensions: ext(true, []byte{2, 1, 4}, 2, 5, 29, 27)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := pki.ParseCRL(b)
		if err != nil {
			return
		}
		if std, err := x509.ParseRevocationList(b); err == nil {
			if !std.ThisUpdate.Equal(c.ThisUpdate) || !std.NextUpdate.Equal(c.NextUpdate) || string(std.RawIssuer) != string(c.RawIssuer) {
				t.Errorf("got %v %v, crypto/x509 reads %v %v", c.ThisUpdate, c.NextUpdate, std.ThisUpdate, std.NextUpdate)
			}
		}
		m := &pki.Material{CRLs: []*pki.CRL{c}}
		if st, err := pki.CheckRevocation(leaf.cert, root.cert, m, pki.NewAnchors(root.cert), now, pki.CheckOptions{AllowWeak: true, IgnoreFreshness: true}); err == nil {
			t.Errorf("accepted as %v without a signature of the issuer", st.State)
		}
	})
}

// FuzzChain: whatever certificates are offered, path building ends and a path
// that it returns ends at the anchor.
func FuzzChain(f *testing.F) {
	root := issue(f, "Root", nil, ca)
	sub := issue(f, "Sub", root, ca, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"contoh.go.id"} })
	leaf := issue(f, "Signer", sub, func(c *x509.Certificate) {
		c.DNSNames, c.CRLDistributionPoints = []string{"a.contoh.go.id"}, []string{"http://x.y/z"}
	})
	anchors, memory := pki.NewAnchors(root.cert), pki.NewMemory(16)
	f.Add(append(append([]byte(nil), leaf.cert.Raw...), sub.cert.Raw...))
	f.Add(encodePEM(leaf.cert, sub.cert))
	f.Add(certsOnly(f, leaf.cert, sub.cert))
	f.Add(append([]byte("Sunset: 2028-01-01\n"), encodePEM(sub.cert)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		certs, err := pki.ParseCertificates(b)
		if trusted, aerr := pki.ParseAnchors(b); aerr == nil && (err != nil || trusted.Len() == 0) {
			t.Errorf("%d anchors where there are no certificates: %v", trusted.Len(), err)
		}
		if err != nil {
			return
		}
		o := pki.PathOptions{IgnoreValidity: true, AllowWeak: true}
		path, err := pki.BuildPath(certs[0], certs, anchors, o)
		o.Session = pki.NewSession(memory, 10_000)
		if _, serr := pki.BuildPath(certs[0], certs, anchors, o); (serr == nil) != (err == nil) {
			t.Errorf("with a session: %v, without: %v", serr, err)
		}
		if err == nil && !path[len(path)-1].Equal(root.cert) {
			t.Errorf("a path ends at %s", path[len(path)-1].Subject)
		}
		// The extensions are read even where no path leads to an anchor.
		own := pki.NewAnchors(certs[len(certs)-1])
		_ = pki.ValidatePath(certs[:min(len(certs), 10)], pki.PathOptions{IgnoreValidity: true, AllowWeak: true})
		_, _ = pki.BuildPath(certs[0], certs, own, pki.PathOptions{IgnoreValidity: true, Purpose: pki.Signing})
		_, _ = pki.CheckRevocation(certs[0], root.cert, &pki.Material{}, nil, now, pki.CheckOptions{})
	})
}
