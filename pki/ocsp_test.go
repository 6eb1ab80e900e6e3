package pki_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

// TestCryptoOCSPTraps shows what golang.org/x/crypto/ocsp accepts and this
// package must not (validation of responses by that package alone would let
// a revoked signer vouch for itself).
func TestCryptoOCSPTraps(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	other := issue(t, "Other", nil, ca)
	leaf := issue(t, "Signer", root)
	good := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber}
	stale := good
	stale.ThisUpdate, stale.NextUpdate = now.Add(-5000*time.Hour), now.Add(-4000*time.Hour)
	for name, c := range map[string]struct {
		der  []byte
		want pki.Rule
	}{
		"signed by the certificate itself": {answer(t, root, leaf, good), pki.RuleSelfVouching},
		"stale":                            {answer(t, root, root, stale), pki.RuleStale},
		"certificate id of another authority": {func() []byte {
			forged := &entity{root.key, root.cert}
			return answerAbout(t, other.cert, forged, good)
		}(), pki.RuleCertID},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ocsp.ParseResponseForCert(c.der, leaf.cert, root.cert); err != nil {
				t.Errorf("x/crypto/ocsp has become stricter: %v", err)
			}
			_, err := pki.CheckOCSP(c.der, leaf.cert, root.cert, now, pki.CheckOptions{})
			if got := pki.RuleOf(err); got != c.want {
				t.Errorf("got %v, want rule %s", err, c.want)
			}
		})
	}
}

// answerAbout hashes another issuer into the certificate id.
func answerAbout(t *testing.T, about *x509.Certificate, by *entity, tmpl ocsp.Response) []byte {
	t.Helper()
	tmpl.ThisUpdate, tmpl.NextUpdate = now, now.Add(time.Hour)
	b, err := ocsp.CreateResponse(about, by.cert, tmpl, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var asn1CertHash = asn1.ObjectIdentifier{1, 3, 36, 8, 3, 13}

func certHash(t *testing.T, sum []byte) []pkix.Extension {
	type algorithm struct{ ID asn1.ObjectIdentifier }
	v := der(t, struct {
		Algorithm algorithm
		Hash      []byte
	}{algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}}, sum})
	return []pkix.Extension{{Id: asn1CertHash, Value: v}}
}

func TestCheckOCSP(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	twin := issue(t, "Root", nil, ca) // the same name, another key
	leaf := issue(t, "Signer", root)
	sibling := issue(t, "Signer", root)
	ended := issue(t, "Signer", root, period(-50*time.Hour, -10*time.Hour))
	young := issue(t, "Signer", root, period(time.Minute, time.Hour))
	vouching := issue(t, "Signer", root, responder)
	delegate := issue(t, "Responder", root, responder)
	future := func(tmpl *ocsp.Response) { tmpl.ThisUpdate = now.Add(2 * time.Hour) }
	edited := func(cert *x509.Certificate, f func(*ocsp.Response)) ocsp.Response {
		r := ocsp.Response{Status: ocsp.Good, SerialNumber: cert.SerialNumber}
		f(&r)
		return r
	}
	plain := func(*ocsp.Response) {}
	sum := sha256.Sum256(leaf.cert.Raw)
	cutoff := func(at time.Time) func(*ocsp.Response) {
		return func(r *ocsp.Response) {
			r.ExtraExtensions = ext(false, der(t, at, "generalized"), 1, 3, 6, 1, 5, 5, 7, 48, 1, 6)
		}
	}
	for _, c := range []struct {
		name string
		cert *entity
		by   *entity
		edit func(*ocsp.Response)
		want pki.Rule
	}{
		{"direct", leaf, root, plain, ""},
		{"delegated", leaf, delegate, plain, ""},
		{"sha-256 certificate id", leaf, delegate, func(r *ocsp.Response) { r.IssuerHash = crypto.SHA256 }, ""},
		{"no usage for OCSP", leaf, issue(t, "Responder", root), plain, pki.RuleUnauthorized},
		{"any extended usage is not enough", leaf, issue(t, "Responder", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), plain, pki.RuleUnauthorized},
		{"key usage does not sign", leaf, issue(t, "Responder", root, responder, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), plain, pki.RuleUnauthorized},
		{"another signer answers", leaf, sibling, plain, pki.RuleUnauthorized},
		{"of an authority with the same name", leaf, issue(t, "Responder", twin, responder), plain, pki.RuleUnauthorized},
		{"of an authority below", leaf, issue(t, "Responder", issue(t, "Sub", root, ca), responder), plain, pki.RuleUnauthorized},
		{"the namesake itself", leaf, twin, plain, pki.RuleUnauthorized},
		{"responder expired", leaf, issue(t, "Responder", root, responder, period(-50*time.Hour, -time.Hour)), plain, pki.RuleUnauthorized},
		{"responder not yet valid", leaf, issue(t, "Responder", root, responder, period(time.Hour, 2*time.Hour)), plain, pki.RuleUnauthorized},
		{"responder with an unknown critical extension", leaf, issue(t, "Responder", root, responder, extension(true, []byte{5, 0}, 2, 999, 9)), plain, pki.RuleUnauthorized},
		{"vouches for itself with the right usage", vouching, vouching, plain, pki.RuleSelfVouching},
		{"other serial number", leaf, root, func(r *ocsp.Response) { r.SerialNumber = sibling.cert.SerialNumber }, pki.RuleCertID},
		{"unknown", leaf, root, func(r *ocsp.Response) { r.Status = ocsp.Unknown }, pki.RuleUnknown},
		{"from the future", leaf, root, future, pki.RuleFuture},
		{"no nextUpdate, a day old", leaf, root, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(-25*time.Hour), never }, pki.RuleStale},
		{"no nextUpdate, hours old", leaf, root, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(-23*time.Hour), never }, ""},
		{"nextUpdate is now", leaf, root, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(-time.Hour), now }, pki.RuleStale},
		{"nextUpdate before thisUpdate", leaf, root, func(r *ocsp.Response) { r.NextUpdate = now.Add(-time.Hour) }, pki.RuleStale},
		{"older than the certificate", young, root, plain, pki.RuleBeforeIssuance},
		{"certificate expired before", ended, root, plain, pki.RuleAfterExpiry},
		{"archive cutoff reaches back", ended, root, cutoff(now.Add(-20 * time.Hour)), ""},
		{"archive cutoff too late", ended, root, cutoff(now.Add(-time.Hour)), pki.RuleAfterExpiry},
		{"certificate hash", leaf, root, func(r *ocsp.Response) { r.ExtraExtensions = certHash(t, sum[:]) }, ""},
		{"certificate hash of another", leaf, root, func(r *ocsp.Response) { r.ExtraExtensions = certHash(t, make([]byte, 32)) }, pki.RuleCertHash},
		{"unknown critical extension", leaf, root, func(r *ocsp.Response) { r.ExtraExtensions = ext(true, []byte{5, 0}, 2, 999, 9) }, pki.RuleCritical},
		{"unknown extension", leaf, root, func(r *ocsp.Response) { r.ExtraExtensions = ext(false, []byte{5, 0}, 2, 999, 9) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			der := answer(t, root, c.by, edited(c.cert.cert, c.edit))
			st, err := pki.CheckOCSP(der, c.cert.cert, root.cert, now, pki.CheckOptions{})
			if got := pki.RuleOf(err); got != c.want {
				t.Fatalf("got %v, want rule %q", err, c.want)
			}
			if err == nil && (st.State != pki.Good || !st.Signer.Equal(c.by.cert) || st.Delegated != (c.by != root)) {
				t.Errorf("got %+v, want good by %s", st, c.by.cert.Subject)
			}
		})
	}
}

func TestCheckOCSPRevoked(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	revoked := ocsp.Response{Status: ocsp.Revoked, SerialNumber: leaf.cert.SerialNumber, RevokedAt: now.Add(-50 * time.Hour),
		RevocationReason: ocsp.KeyCompromise, ThisUpdate: now.Add(-40 * time.Hour)}
	hold := revoked
	hold.RevocationReason = ocsp.CertificateHold
	for name, c := range map[string]struct {
		tmpl ocsp.Response
		want pki.Rule
	}{
		"a revocation does not go stale": {revoked, ""},
		"a hold does":                    {hold, pki.RuleStale},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := pki.CheckOCSP(answer(t, root, root, c.tmpl), leaf.cert, root.cert, now, pki.CheckOptions{})
			if got := pki.RuleOf(err); got != c.want {
				t.Fatalf("got %v, want rule %q", err, c.want)
			}
			if err == nil && (st.State != pki.Revoked || st.Reason != pki.KeyCompromise || !st.RevokedAt.Equal(now.Add(-50*time.Hour))) {
				t.Errorf("got %+v", st)
			}
		})
	}
}

func TestCheckOCSPOptions(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	trusted := issue(t, "Responder", nil) // of no authority at all
	good := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber}
	old := good
	old.ThisUpdate = now.Add(-50 * time.Hour)
	for name, c := range map[string]struct {
		by   *entity
		tmpl ocsp.Response
		o    pki.CheckOptions
		want pki.Rule
	}{
		"configured responder":      {trusted, good, pki.CheckOptions{Responders: []*x509.Certificate{trusted.cert}}, ""},
		"not configured":            {trusted, good, pki.CheckOptions{}, pki.RuleUnauthorized},
		"old, freshness is others'": {root, old, pki.CheckOptions{IgnoreFreshness: true}, ""},
		"response without a nonce":  {root, good, pki.CheckOptions{Nonce: []byte{1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := pki.CheckOCSP(answer(t, root, c.by, c.tmpl), leaf.cert, root.cert, now, c.o)
			if got := pki.RuleOf(err); got != c.want {
				t.Errorf("got %v, want rule %q", err, c.want)
			}
			if st.Delegated {
				t.Error("a configured responder counts as delegated")
			}
		})
	}
}

func TestWeakAlgorithmsNeedPermission(t *testing.T) {
	dir := corpus(t, "openssl-ocsp")
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(read(t, dir, "ND3.ors"))), ""))
	if err != nil {
		t.Fatal(err)
	}
	cert, issuer := readCert(t, filepath.Join(dir, "ND3_Cert_EE.pem")), readCert(t, filepath.Join(dir, "ND3_Issuer_Root.pem"))
	at := time.Date(2012, 10, 12, 0, 0, 0, 0, time.UTC)
	_, err = pki.CheckOCSP(raw, cert, issuer, at, pki.CheckOptions{})
	if got := pki.RuleOf(err); got != pki.RuleWeakAlgorithm {
		t.Errorf("got %v, want SHA-1 refused", err)
	}
	if _, err = pki.CheckOCSP(raw, cert, issuer, at, pki.CheckOptions{AllowWeak: true}); err != nil {
		t.Error(err)
	}
}

func TestParseOCSPMalformed(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	valid := answer(t, root, root, ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber})
	for name, b := range map[string][]byte{
		"empty":          nil,
		"truncated":      valid[:len(valid)-1],
		"trailing bytes": append(append([]byte(nil), valid...), 0),
		"not DER":        []byte("bukan DER"),
		"too large":      make([]byte, 1<<20+1),
		"no response":    {0x30, 3, 0x0a, 1, 0},
		"indefinite":     {0x30, 0x80, 0x0a, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pki.ParseOCSP(b); pki.RuleOf(err) != "malformed" {
				t.Errorf("got %v, want a MalformedError", err)
			}
		})
	}
	if _, err := pki.ParseOCSP([]byte{0x30, 3, 0x0a, 1, 6}); pki.RuleOf(err) != pki.RuleStatus {
		t.Errorf("got %v, want rule %s", err, pki.RuleStatus)
	}
	for i := range valid { // one changed byte is never good
		b := append([]byte(nil), valid...)
		b[i] ^= 1
		if st, err := pki.CheckOCSP(b, leaf.cert, root.cert, now, pki.CheckOptions{}); err == nil {
			t.Fatalf("byte %d changed: got %v, want an error", i, st.State)
		}
	}
}
