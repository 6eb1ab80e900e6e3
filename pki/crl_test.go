package pki_test

import (
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

// Encoded IssuingDistributionPoint values, by hand: context tags 0 to 5.
var (
	idpUser     = []byte{0x30, 3, 0x81, 1, 0xff}
	idpCA       = []byte{0x30, 3, 0x82, 1, 0xff}
	idpReasons  = []byte{0x30, 4, 0x83, 2, 6, 0x40} // keyCompromise
	idpIndirect = []byte{0x30, 3, 0x84, 1, 0xff}
	idpAttr     = []byte{0x30, 3, 0x85, 1, 0xff}
	idpElse     = append([]byte{0x30, 0x12, 0xa0, 0x10, 0xa0, 0x0e, 0x86, 0x0c}, "http://x.y/z"...)
)

func TestCheckCRL(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	twin := issue(t, "Root", nil, ca)
	stranger := issue(t, "Stranger", nil, ca)
	leaf := issue(t, "Signer", root)
	sub := issue(t, "Sub", root, ca)
	ended := issue(t, "Signer", root, period(-50*time.Hour, -10*time.Hour))
	pointed := issue(t, "Signer", root, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://x.y/z"} })
	idp := func(v []byte) x509.RevocationList {
		return x509.RevocationList{ExtraExtensions: ext(true, v, 2, 5, 29, 28)}
	}
	odd := x509.RevocationList{RevokedCertificateEntries: entry(sub.cert, 1)}
	odd.RevokedCertificateEntries[0].ExtraExtensions = ext(true, []byte{5, 0}, 2, 999, 9)
	for _, c := range []struct {
		name string
		cert *entity
		by   *entity
		list x509.RevocationList
		want pki.Rule
	}{
		{"good", leaf, root, x509.RevocationList{}, ""},
		{"others revoked", leaf, root, x509.RevocationList{RevokedCertificateEntries: entry(sub.cert, 1)}, ""},
		{"namesake", leaf, twin, x509.RevocationList{}, pki.RuleSignature},
		{"stranger", leaf, stranger, x509.RevocationList{}, pki.RuleCRLIssuer},
		{"stale", leaf, root, x509.RevocationList{ThisUpdate: now.Add(-2 * time.Hour)}, pki.RuleStale},
		{"future", leaf, root, x509.RevocationList{ThisUpdate: now.Add(2 * time.Hour)}, pki.RuleFuture},
		{"before the certificate", leaf, root, x509.RevocationList{ThisUpdate: now.Add(-200 * time.Hour), NextUpdate: now.Add(time.Hour)}, pki.RuleBeforeIssuance},
		{"certificate expired before", ended, root, x509.RevocationList{}, pki.RuleAfterExpiry},
		{"expired certificates are kept", ended, root, x509.RevocationList{ExtraExtensions: ext(false, der(t, now.Add(-90*time.Hour), "generalized"), 2, 5, 29, 60)}, ""},
		{"user certificates only", leaf, root, idp(idpUser), ""},
		{"user certificates only, of an authority", sub, root, idp(idpUser), pki.RuleCRLScope},
		{"authorities only", sub, root, idp(idpCA), ""},
		{"authorities only, of a user", leaf, root, idp(idpCA), pki.RuleCRLScope},
		{"attribute certificates only", leaf, root, idp(idpAttr), pki.RuleCRLScope},
		{"some reasons only", leaf, root, idp(idpReasons), pki.RuleCRLReasons},
		{"another distribution point", leaf, root, idp(idpElse), pki.RuleCRLScope},
		{"the distribution point of the certificate", pointed, root, idp(idpElse), ""},
		{"indirect, but of the issuer", leaf, root, idp(idpIndirect), ""},
		{"unknown critical extension", leaf, root, x509.RevocationList{ExtraExtensions: ext(true, []byte{5, 0}, 2, 999, 9)}, pki.RuleCritical},
		{"unknown critical entry extension, of another entry", leaf, root, odd, pki.RuleCritical},
		{"delta", leaf, root, x509.RevocationList{ExtraExtensions: ext(true, der(t, 4), 2, 5, 29, 27)}, pki.RuleCRLDelta},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := pki.CheckCRL(list(t, c.by, c.list), c.cert.cert, root.cert, now, pki.CheckOptions{})
			if got := pki.RuleOf(err); got != c.want {
				t.Fatalf("got %v, want rule %q", err, c.want)
			}
			if err == nil && st.State != pki.Good {
				t.Errorf("got %v, want good", st.State)
			}
		})
	}
}

// TestListAskedAgain: a list that was read to its end is only searched for the next
// certificate. It must say the same then: who is on it is, and bytes of the number
// that stand elsewhere are nobody's entry.
func TestListAskedAgain(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	numbered := func(n int64) *entity {
		return issue(t, "Signer", root, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) })
	}
	const inside = 0x02_02_12_34 // holds the encoding of 0x1234
	m := &pki.Material{}
	crl, err := pki.ParseCRL(list(t, root, x509.RevocationList{RevokedCertificateEntries: append(entry(numbered(inside).cert, 1), entry(numbered(77).cert, 1)...)}))
	if err != nil {
		t.Fatal(err)
	}
	m.CRLs = []*pki.CRL{crl}
	for range 2 {
		for _, c := range []struct {
			number int64
			want   pki.State
		}{
			{5, pki.Good}, {0x1234, pki.Good}, {77, pki.Revoked}, {inside, pki.Revoked}, {0x77_77_77, pki.Good},
		} {
			st, err := pki.CheckRevocation(numbered(c.number).cert, root.cert, m, nil, now, pki.CheckOptions{})
			if err != nil || st.State != c.want {
				t.Errorf("%#x: got %v, %v; want %v", c.number, st.State, err, c.want)
			}
		}
	}
}

// TestCheckSignatureFromTrap shows that crypto/x509 is content with an
// expired delta for authorities, about a user's certificate.
func TestCheckSignatureFromTrap(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	raw := list(t, root, x509.RevocationList{ThisUpdate: now.Add(-99 * time.Hour),
		ExtraExtensions: append(ext(true, der(t, 4), 2, 5, 29, 27), ext(true, idpCA, 2, 5, 29, 28)...)})
	std, err := x509.ParseRevocationList(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := std.CheckSignatureFrom(root.cert); err != nil {
		t.Errorf("crypto/x509 has become stricter: %v", err)
	}
	if _, err := pki.CheckCRL(raw, leaf.cert, root.cert, now, pki.CheckOptions{}); pki.RuleOf(err) != pki.RuleCRLDelta {
		t.Errorf("got %v, want rule %s", err, pki.RuleCRLDelta)
	}
}

func TestCRLSignerNeedsUsage(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	raw := list(t, root, x509.RevocationList{})
	mute := certify(t, "Root", root.key, root.key.Public(), nil, ca, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	if _, err := pki.CheckCRL(raw, leaf.cert, mute.cert, now, pki.CheckOptions{}); pki.RuleOf(err) != pki.RuleUnauthorized {
		t.Errorf("got %v, want rule %s", err, pki.RuleUnauthorized)
	}
}

// TestRevocationOrder: a permanent revocation beats whatever is newer, a hold
// ends with newer good news, and old good news does not hide newer bad news.
func TestRevocationOrder(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	on := func(age time.Duration, reason pki.Reason) []byte {
		l := x509.RevocationList{ThisUpdate: now.Add(-age), NextUpdate: now.Add(time.Hour), Number: big.NewInt(int64(1000 - age/time.Minute))}
		if reason != pki.RemoveFromCRL {
			l.RevokedCertificateEntries = entry(leaf.cert, reason)
		}
		return list(t, root, l)
	}
	clean := pki.RemoveFromCRL
	for name, c := range map[string]struct {
		lists [][]byte
		want  pki.State
	}{
		"revoked, then good":  {[][]byte{on(2*time.Hour, pki.KeyCompromise), on(time.Hour, clean)}, pki.Revoked},
		"good, then revoked":  {[][]byte{on(2*time.Hour, clean), on(time.Hour, pki.KeyCompromise)}, pki.Revoked},
		"hold, then good":     {[][]byte{on(2*time.Hour, pki.CertificateHold), on(time.Hour, clean)}, pki.Good},
		"good, then hold":     {[][]byte{on(2*time.Hour, clean), on(time.Hour, pki.CertificateHold)}, pki.Revoked},
		"hold, then revoked":  {[][]byte{on(2*time.Hour, pki.CertificateHold), on(time.Hour, pki.Superseded)}, pki.Revoked},
		"nothing but garbage": {[][]byte{{1, 2, 3}}, pki.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := pki.Evidence{CRLs: c.lists}.Parse()
			st, err := pki.CheckRevocation(leaf.cert, root.cert, m, nil, now, pki.CheckOptions{})
			if st.State != c.want || (err == nil) != (c.want != pki.Unknown) {
				t.Errorf("got %v, %v, want %v", st.State, err, c.want)
			}
		})
	}
}

// TestNamesakeSignsNoLists: a list in the name of an authority by another key
// counts where the authority, or who certified it, certified that key, or that key
// the authority's. Another authority below the same anchor can give the name to anybody.
func TestNamesakeSignsNoLists(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	victim := issue(t, "CA Contoh", root, ca)
	other := issue(t, "CA Lain", root, ca, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	leaf := issue(t, "Signer", victim)
	signs := func(c *x509.Certificate) { c.KeyUsage, c.SubjectKeyId = x509.KeyUsageCRLSign, []byte{1, 2, 3} }
	for name, c := range map[string]struct {
		by   *entity
		want pki.State
	}{
		"certified by the authority":      {victim, pki.Good},
		"certified by the authority's":    {root, pki.Good},
		"certified by somebody else":      {other, pki.Unknown},
		"certified by nobody that counts": {nil, pki.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			second := issue(t, "CA Contoh", c.by, signs)
			ev := pki.Evidence{
				Certificates: []*x509.Certificate{second.cert, other.cert, victim.cert},
				CRLs:         [][]byte{list(t, second, x509.RevocationList{}), list(t, root, x509.RevocationList{}), list(t, other, x509.RevocationList{})},
			}
			if c.by == victim { // whose own list would do without the second key
				ev.OCSPs = append(ev.OCSPs, answer(t, victim, victim, ocsp.Response{Status: ocsp.Good, SerialNumber: second.cert.SerialNumber}))
			}
			m, errs := ev.Parse()
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			st, err := pki.CheckRevocation(leaf.cert, victim.cert, m, pki.NewAnchors(root.cert), now, pki.CheckOptions{})
			if st.State != c.want {
				t.Errorf("got %v, %v, want %v", st.State, err, c.want)
			}
		})
	}
}

func TestDeltaNeedsBase(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	base := list(t, root, x509.RevocationList{Number: big.NewInt(4), ThisUpdate: now.Add(-time.Minute), RevokedCertificateEntries: entry(leaf.cert, pki.CertificateHold)})
	delta := func(from int, reason pki.Reason) []byte {
		return list(t, root, x509.RevocationList{ExtraExtensions: ext(true, der(t, from), 2, 5, 29, 27), RevokedCertificateEntries: entry(leaf.cert, reason)})
	}
	for name, c := range map[string]struct {
		lists [][]byte
		want  pki.State
		why   pki.Reason
	}{
		"removed by the delta":          {[][]byte{base, delta(4, pki.RemoveFromCRL)}, pki.Good, 0},
		"delta for a later base":        {[][]byte{base, delta(5, pki.RemoveFromCRL)}, pki.Revoked, pki.CertificateHold},
		"the delta makes it worse":      {[][]byte{delta(3, pki.KeyCompromise), base}, pki.Revoked, pki.KeyCompromise},
		"a delta alone is not evidence": {[][]byte{delta(4, pki.RemoveFromCRL)}, pki.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := pki.Evidence{CRLs: c.lists}.Parse()
			st, err := pki.CheckRevocation(leaf.cert, root.cert, m, nil, now, pki.CheckOptions{})
			if st.State != c.want || st.Reason != c.why {
				t.Errorf("got %v %v, %v, want %v %v", st.State, st.Reason, err, c.want, c.why)
			}
		})
	}
}

func TestParseCRLMalformed(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	valid := list(t, root, x509.RevocationList{RevokedCertificateEntries: entry(root.cert, 1)})
	for name, b := range map[string][]byte{
		"empty": nil, "truncated": valid[:len(valid)-1], "trailing": append(append([]byte(nil), valid...), 0), "not DER": []byte("bukan DER"),
		"too large": make([]byte, 20<<20+1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pki.ParseCRL(b); pki.RuleOf(err) != "malformed" {
				t.Errorf("got %v, want a MalformedError", err)
			}
		})
	}
	for i := range valid {
		b := append([]byte(nil), valid...)
		b[i] ^= 1
		if st, err := pki.CheckCRL(b, leaf.cert, root.cert, now, pki.CheckOptions{}); err == nil {
			t.Fatalf("byte %d changed: got %v, want an error", i, st.State)
		}
	}
}
