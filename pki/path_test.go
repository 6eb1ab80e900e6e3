package pki_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
)

func TestChain(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	impostor := issue(t, "Root", nil, ca)
	sub := issue(t, "Sub", root, ca)
	leaf := issue(t, "Signer", sub)
	anchors := pki.NewAnchors(root.cert)
	pool := func(e ...*entity) (out []*x509.Certificate) {
		for _, x := range e {
			out = append(out, x.cert)
		}
		return out
	}
	for _, c := range []struct {
		name    string
		leaf    *entity
		pool    []*x509.Certificate
		anchors *pki.Anchors
		want    pki.Rule
	}{
		{"good", leaf, pool(sub), anchors, ""},
		{"the root in the pool changes nothing", leaf, pool(root, impostor, sub), anchors, ""},
		{"intermediate missing", leaf, nil, anchors, pki.RuleNoAnchor},
		{"no anchors", leaf, pool(sub, root), nil, pki.RuleNoAnchor},
		{"an embedded root is not trusted", leaf, pool(sub, root), pki.NewAnchors(issue(t, "Elsewhere", nil, ca).cert), pki.RuleNoAnchor},
		{"self-made root of the same name", leaf, pool(sub), pki.NewAnchors(impostor.cert), pki.RuleSignature},
		{"expired", issue(t, "Signer", sub, period(-2*time.Hour, -time.Hour)), pool(sub), anchors, pki.RuleExpired},
		{"not yet valid", issue(t, "Signer", sub, period(time.Hour, 2*time.Hour)), pool(sub), anchors, pki.RuleNotYetValid},
		{"issued by a signer", issue(t, "Signer 2", leaf), pool(leaf, sub), anchors, pki.RuleNotCA},
		{"unknown critical extension", issue(t, "Signer", sub, extension(true, []byte{5, 0}, 2, 999, 1)), pool(sub), anchors, pki.RuleCritical},
		{"unknown extension", issue(t, "Signer", sub, extension(false, []byte{5, 0}, 2, 999, 1)), pool(sub), anchors, ""},
		{"ocsp-nocheck on a signer", issue(t, "Signer", sub, extension(false, []byte{5, 0}, 1, 3, 6, 1, 5, 5, 7, 48, 1, 5)), pool(sub), anchors, pki.RuleExtension},
		{"encipherment only", issue(t, "Signer", sub, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), pool(sub), anchors, pki.RuleKeyUsage},
		{"nonRepudiation only", issue(t, "Signer", sub, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }), pool(sub), anchors, ""},
		{"a server's certificate", issue(t, "Signer", sub, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), pool(sub), anchors, pki.RuleKeyUsage},
		{"a responder's certificate", issue(t, "Signer", sub, responder), pool(sub), anchors, pki.RuleKeyUsage},
		{"document signing", issue(t, "Signer", sub, func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 36}}
		}), pool(sub), anchors, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := pki.Chain(c.leaf.cert, c.pool, c.anchors, now, pki.Signing)
			if got := pki.RuleOf(err); got != c.want {
				t.Fatalf("got %v, want rule %q", err, c.want)
			}
			if err == nil && (len(path) != 3 || !path[0].Equal(c.leaf.cert) || !path[2].Equal(root.cert)) {
				t.Errorf("got a path of %d", len(path))
			}
		})
	}
}

func TestAnchorIsNameAndKey(t *testing.T) {
	root := issue(t, "Root", nil, ca, period(-3*time.Hour, -2*time.Hour)) // long expired
	reissued := certify(t, "Root", root.key, root.key.Public(), nil, ca)
	leaf := issue(t, "Signer", root)
	anchors := pki.NewAnchors(root.cert)
	path, err := pki.Chain(leaf.cert, []*x509.Certificate{reissued.cert}, anchors, now, pki.Signing)
	if err != nil || len(path) != 2 || !path[1].Equal(root.cert) {
		t.Errorf("got %d certificates, %v, want leaf and anchor", len(path), err)
	}
	if !anchors.Contains(reissued.cert) || anchors.Contains(leaf.cert) {
		t.Error("Contains goes by something else than name and key")
	}
}

func TestTrustedLeaf(t *testing.T) {
	self := issue(t, "Signer", nil)
	path, err := pki.Chain(self.cert, nil, pki.NewAnchors(self.cert), now, pki.Signing)
	if err != nil || len(path) != 1 {
		t.Errorf("got %d certificates, %v, want the leaf alone", len(path), err)
	}
	_, err = pki.Chain(self.cert, nil, pki.NewAnchors(self.cert), now.Add(2000*time.Hour), pki.Signing)
	if pki.RuleOf(err) != pki.RuleExpired {
		t.Errorf("got %v, want a trusted signer to expire all the same", err)
	}
}

func TestTimestampingPurpose(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	eku := func(critical bool, usages ...asn1.ObjectIdentifier) edit {
		return extension(critical, der(t, usages), 2, 5, 29, 37)
	}
	stamp, mail := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	for name, c := range map[string]struct {
		edit edit
		want pki.Rule
	}{
		"critical and alone": {eku(true, stamp), ""},
		"not critical":       {eku(false, stamp), pki.RuleKeyUsage},
		"not alone":          {eku(true, stamp, mail), pki.RuleKeyUsage},
		"another":            {eku(true, mail), pki.RuleKeyUsage},
		"none":               {func(*x509.Certificate) {}, pki.RuleKeyUsage},
	} {
		t.Run(name, func(t *testing.T) {
			tsa := issue(t, "TSA", root, c.edit)
			_, err := pki.Chain(tsa.cert, nil, pki.NewAnchors(root.cert), now, pki.Timestamping)
			if got := pki.RuleOf(err); got != c.want {
				t.Errorf("got %v, want rule %q", err, c.want)
			}
		})
	}
}

// TestLimitedAuthority: an authority that is limited to other jobs issues no
// signers and no TSAs.
func TestLimitedAuthority(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	stamp := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	limited := func(usages ...x509.ExtKeyUsage) edit {
		return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
	}
	for name, c := range map[string]struct {
		edit           edit
		signer, stamps pki.Rule
	}{
		"not limited": {limited(), "", ""},
		"any":         {limited(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageAny), "", ""},
		"mail":        {limited(x509.ExtKeyUsageEmailProtection), "", pki.RuleKeyUsage},
		"time-stamps": {limited(x509.ExtKeyUsageTimeStamping), pki.RuleKeyUsage, ""},
		"servers":     {limited(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth), pki.RuleKeyUsage, pki.RuleKeyUsage},
		"servers and a usage of its own": {func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []asn1.ObjectIdentifier{{2, 999, 4}}
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sub := issue(t, "Sub", root, ca, c.edit)
			pool, anchors := []*x509.Certificate{sub.cert}, pki.NewAnchors(root.cert)
			_, err := pki.Chain(issue(t, "Signer", sub).cert, pool, anchors, now, pki.Signing)
			if got := pki.RuleOf(err); got != c.signer {
				t.Errorf("signer: got %v, want rule %q", err, c.signer)
			}
			tsa := issue(t, "TSA", sub, extension(true, der(t, []asn1.ObjectIdentifier{stamp}), 2, 5, 29, 37))
			_, err = pki.Chain(tsa.cert, pool, anchors, now, pki.Timestamping)
			if got := pki.RuleOf(err); got != c.stamps {
				t.Errorf("TSA: got %v, want rule %q", err, c.stamps)
			}
		})
	}
}

// TestPathBudgets: neither long chains nor many cross-signatures cost more
// than the limits, and hitting one is an error of its own kind.
func TestPathBudgets(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	deep := root
	var pool []*x509.Certificate
	for i := range 12 {
		deep = issue(t, fmt.Sprint("Sub ", i), deep, ca)
		pool = append(pool, deep.cert)
	}
	leaf := issue(t, "Signer", deep)
	_, err := pki.Chain(leaf.cert, pool, pki.NewAnchors(root.cert), now, pki.Signing)
	if pki.RuleOf(err) != pki.RulePathLength {
		t.Errorf("12 deep: got %v, want rule %s", err, pki.RulePathLength)
	}

	// Every authority of one layer has certificates from every one above.
	const layers, width = 6, 5
	above := []*entity{issue(t, "Nobody", nil, ca)}
	pool = nil
	for l := range layers {
		var next []*entity
		for w := range width {
			own := issue(t, fmt.Sprint("Layer ", l, " ", w), above[0], ca)
			pool = append(pool, own.cert)
			for _, a := range above[1:] {
				pool = append(pool, certify(t, own.cert.Subject.CommonName, own.key, own.key.Public(), a, ca).cert)
			}
			next = append(next, own)
		}
		above = next
	}
	start := time.Now()
	_, err = pki.Chain(issue(t, "Signer", above[0]).cert, pool, pki.NewAnchors(root.cert), now, pki.Signing)
	if got := pki.RuleOf(err); got != pki.RuleBudget && got != pki.RuleNoAnchor {
		t.Errorf("cross-signed: got %v, want a budget or no anchor", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("cross-signed: took %v", d)
	}
	if _, err = pki.Chain(leaf.cert, make([]*x509.Certificate, 5000), pki.NewAnchors(root.cert), now, pki.Signing); pki.RuleOf(err) != pki.RuleBudget {
		t.Errorf("large pool: got %v, want rule %s", err, pki.RuleBudget)
	}
}

// TestKeyLimits: a huge modulus costs a quarter second a signature.
func TestKeyLimits(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	modulus := func(bits uint) *big.Int {
		return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1))
	}
	for name, c := range map[string]struct {
		key  *rsa.PublicKey
		want pki.Rule
	}{
		"3072":            {&rsa.PublicKey{N: modulus(3072), E: 65537}, ""},
		"8192":            {&rsa.PublicKey{N: modulus(8192), E: 65537}, ""},
		"16384":           {&rsa.PublicKey{N: modulus(16384), E: 65537}, pki.RuleAlgorithm},
		"1024":            {&rsa.PublicKey{N: modulus(1024), E: 65537}, pki.RuleWeakAlgorithm},
		"768":             {&rsa.PublicKey{N: modulus(768), E: 65537}, pki.RuleAlgorithm},
		"even exponent":   {&rsa.PublicKey{N: modulus(2048), E: 65536}, pki.RuleAlgorithm},
		"exponent is one": {&rsa.PublicKey{N: modulus(2048), E: 1}, pki.RuleAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := certify(t, "Signer", nil, c.key, root)
			_, err := pki.Chain(leaf.cert, nil, pki.NewAnchors(root.cert), now, pki.Signing)
			if got := pki.RuleOf(err); got != c.want {
				t.Errorf("got %v, want rule %q", err, c.want)
			}
		})
	}
}

// TestNameConstraints has the traps of CVE-2025-58187, CVE-2025-61727 and
// their kin in crypto/x509.
func TestNameConstraints(t *testing.T) {
	dns := func(names ...string) edit { return func(c *x509.Certificate) { c.DNSNames = names } }
	mail := func(names ...string) edit { return func(c *x509.Certificate) { c.EmailAddresses = names } }
	permitDNS := func(n ...string) edit { return func(c *x509.Certificate) { c.PermittedDNSDomains = n } }
	excludeDNS := func(n ...string) edit { return func(c *x509.Certificate) { c.ExcludedDNSDomains = n } }
	permitMail := func(n ...string) edit { return func(c *x509.Certificate) { c.PermittedEmailAddresses = n } }
	other := append([]byte{0x30, 0x0c, 0xa0, 0x0a, 0x06, 0x03, 0x88, 0x37, 0x01, 0xa0, 0x03, 0x0c, 0x01}, 'x')
	constrainOther := extension(true, []byte{0x30, 0x12, 0xa0, 0x10, 0x30, 0x0e, 0xa0, 0x0c, 0x06, 0x03, 0x88, 0x37, 0x01, 0xa0, 0x05, 0x0c, 0x03, 'a', 'b', 'c'}, 2, 5, 29, 30)
	for _, c := range []struct {
		name        string
		constraint  edit
		certificate edit
		want        pki.Rule
	}{
		{"inside", permitDNS("contoh.go.id"), dns("www.CONTOH.go.id"), ""},
		{"suffix without a dot", permitDNS("contoh.go.id"), dns("bukancontoh.go.id"), pki.RuleNameConstraints},
		{"one of two outside", permitDNS("contoh.go.id"), dns("contoh.go.id", "lain.go.id"), pki.RuleNameConstraints},
		{"wildcard over an excluded name", excludeDNS("rahasia.contoh.go.id"), dns("*.contoh.go.id"), pki.RuleNameConstraints},
		{"wildcard beside an excluded name", excludeDNS("rahasia.contoh.go.id"), dns("*.lain.go.id"), ""},
		{"mailbox of the host", permitMail("contoh.go.id"), mail("bupati@contoh.go.id"), ""},
		{"two at signs", permitMail("contoh.go.id"), mail("a@lain.id@contoh.go.id"), pki.RuleNameConstraints},
		{"host in another case", permitMail("contoh.go.id"), mail("bupati@Contoh.GO.ID"), ""},
		{"mailbox in another case", permitMail("bupati@contoh.go.id"), mail("BUPATI@contoh.go.id"), pki.RuleNameConstraints},
		{"a constrained type that is not understood", constrainOther, extension(false, other, 2, 5, 29, 17), pki.RuleNameConstraints},
		{"that type does not occur", constrainOther, dns("contoh.go.id"), ""},
		{"leading dot", extension(true, append([]byte{0x30, 8, 0xa0, 6, 0x30, 4, 0x82, 2}, ".a"...), 2, 5, 29, 30), dns("x.a"), pki.RuleExtension},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := issue(t, "Root", nil, ca)
			sub, err := tryCertify(key, c.constraint, ca)
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := tryCertify(sub, c.certificate)
			if err != nil {
				t.Fatal(err)
			}
			_, err = pki.Chain(leaf.cert, []*x509.Certificate{sub.cert}, pki.NewAnchors(key.cert), now, pki.Signing)
			if got := pki.RuleOf(err); got != c.want {
				t.Errorf("got %v, want rule %q", err, c.want)
			}
		})
	}
}

func TestParseCertificates(t *testing.T) {
	a, b := issue(t, "A", nil, ca), issue(t, "B", nil, ca)
	pem := encodePEM(a.cert, b.cert)
	p7c := certsOnly(t, a.cert, b.cert)
	for name, in := range map[string][]byte{
		"PEM": pem, "DER": append(append([]byte(nil), a.cert.Raw...), b.cert.Raw...), "PKCS #7": p7c,
		"PEM with text between": append([]byte("Root CA\n"), pem...),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pki.ParseCertificates(in)
			if err != nil || len(got) != 2 || !got[0].Equal(a.cert) || !got[1].Equal(b.cert) {
				t.Errorf("got %d certificates, %v, want 2", len(got), err)
			}
		})
	}
	for name, in := range map[string][]byte{"empty": nil, "text": []byte("halo"), "PEM beginnings without end (CVE-2022-24675)": bytes.Repeat([]byte("-----BEGIN \n"), 100_000), "empty PEM": []byte("-----BEGIN X-----\n-----END X-----\n"), "cut": a.cert.Raw[:99]} {
		t.Run(name, func(t *testing.T) {
			_, err := pki.ParseAnchors(in)
			var m *pki.MalformedError
			if !errors.As(err, &m) {
				t.Errorf("got %v, want a MalformedError", err)
			}
		})
	}
}

// TestPathSignatures: the name of an authority is not enough.
func TestPathSignatures(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	impostor := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	if _, err := pki.BuildPath(leaf.cert, nil, pki.NewAnchors(root.cert), pki.PathOptions{At: now}); err != nil {
		t.Error(err)
	}
	_, err := pki.BuildPath(leaf.cert, nil, pki.NewAnchors(impostor.cert), pki.PathOptions{At: now})
	if pki.RuleOf(err) != pki.RuleSignature {
		t.Errorf("got %v, want rule %s", err, pki.RuleSignature)
	}
}

// TestPolicyBomb: mappings that double a policy tree at each step stay small
// in the graph.
func TestPolicyBomb(t *testing.T) {
	var policies []asn1.ObjectIdentifier
	type mapping struct{ From, To asn1.ObjectIdentifier }
	var mappings []mapping
	for i := range 20 {
		policies = append(policies, asn1.ObjectIdentifier{2, 999, i})
		for j := range 20 {
			mappings = append(mappings, mapping{asn1.ObjectIdentifier{2, 999, i}, asn1.ObjectIdentifier{2, 999, j}})
		}
	}
	type info struct{ ID asn1.ObjectIdentifier }
	var infos []info
	for _, p := range policies {
		infos = append(infos, info{p})
	}
	both := func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: der(t, infos)},
			pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 33}, Critical: true, Value: der(t, mappings)})
	}
	above := issue(t, "Root", nil, ca)
	root, pool := above, []*x509.Certificate(nil)
	for i := range 8 {
		above = issue(t, fmt.Sprint("Sub ", i), above, ca, both)
		pool = append(pool, above.cert)
	}
	leaf := issue(t, "Signer", above, extension(false, der(t, infos[:1]), 2, 5, 29, 32))
	start := time.Now()
	if _, err := pki.BuildPath(leaf.cert, pool, pki.NewAnchors(root.cert), pki.PathOptions{At: now, ExplicitPolicy: true}); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}
