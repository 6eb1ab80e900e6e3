package pki_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
)

// corpus finds the shared third-party files beside the repository; the test
// is skipped where they are absent.
func corpus(t *testing.T, name string) string {
	t.Helper()
	return testfile.Corpus(t, "x509", name)
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	if err := json.Unmarshal(read(t, path), v); err != nil {
		t.Fatal(err)
	}
}

func readCert(t *testing.T, path ...string) *x509.Certificate {
	t.Helper()
	certs, err := pki.ParseCertificates(read(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return certs[0]
}

// TestOpenSSLOCSP runs OpenSSL's OCSP cases: paths, delegated responders, and
// everything that may be wrong with a response.
func TestOpenSSLOCSP(t *testing.T) {
	dir := corpus(t, "openssl-ocsp")
	var cases []struct {
		Name, Root, Cert string
		Other            []string `json:"other_certs"`
		OCSPs            []string
		Moment           time.Time
		Error            *struct{}
	}
	readJSON(t, filepath.Join(dir, "openssl-ocsp.json"), &cases)
	if len(cases) != 29 {
		t.Fatalf("got %d cases, want 29", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			var ev pki.Evidence
			for _, name := range c.Other {
				ev.Certificates = append(ev.Certificates, readCert(t, dir, name))
			}
			for _, name := range c.OCSPs {
				der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(read(t, dir, name))), ""))
				if err != nil {
					t.Fatal(err)
				}
				ev.OCSPs = append(ev.OCSPs, der)
			}
			err := validate(readCert(t, dir, c.Cert), readCert(t, dir, c.Root), ev, pki.PathOptions{At: c.Moment, AllowWeak: true}, c.Other == nil || len(c.OCSPs) == 2)
			if got, want := err == nil, c.Error == nil; got != want {
				t.Errorf("got %v, want valid %v", err, want)
			}
		})
	}
}

// remembered is shared by all cases of all suites.
var remembered = pki.NewMemory(1000)

// validate asks without a session, and with one that remembers what earlier
// cases found: the answers must agree.
func validate(leaf, root *x509.Certificate, ev pki.Evidence, o pki.PathOptions, all bool) error {
	alone := validateWith(nil, leaf, root, ev, o, all)
	for range 2 {
		if err := validateWith(pki.NewSession(remembered, 1e6), leaf, root, ev, o, all); (err == nil) != (alone == nil) {
			return err // the other answer, which is wrong whenever the first is right
		}
	}
	return alone
}

// validateWith builds the path and asks for the status of the leaf and, when
// all is set, of everything below the anchor.
func validateWith(session *pki.Session, leaf, root *x509.Certificate, ev pki.Evidence, o pki.PathOptions, all bool) error {
	anchors := pki.NewAnchors(root)
	o.Session = session
	path, err := pki.BuildPath(leaf, ev.Certificates, anchors, o)
	if err != nil {
		return err
	}
	m, errs := ev.Parse()
	for i := range len(path) - 1 {
		if i > 0 && !all {
			break
		}
		st, err := pki.CheckRevocation(path[i], path[i+1], m, anchors, o.At, pki.CheckOptions{AllowWeak: o.AllowWeak, Session: session})
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if st.State != pki.Good {
			return errors.New(st.State.String())
		}
	}
	return nil
}

// pkitsExceptions are cases of NIST PKITS that this package answers
// differently, each with the reason.
var pkitsExceptions = map[string]string{
	"4.1.4 Valid DSA Signatures Test4":            "crypto/x509 does not verify DSA",
	"4.1.5 Valid DSA Parameter Inheritance Test5": "crypto/x509 does not parse a DSA key without parameters",
	"4.14.4 Valid distributionPoint Test4":        "crypto/x509 does not parse nameRelativeToCRLIssuer",
	"4.14.5 Valid distributionPoint Test5":        "crypto/x509 does not parse nameRelativeToCRLIssuer",
	"4.14.29 Valid cRLIssuer Test29":              "crypto/x509 does not parse nameRelativeToCRLIssuer",
}

var pkitsPolicies = map[string]string{
	"anyPolicy":          "2.5.29.32.0",
	"NIST-test-policy-1": "2.16.840.1.101.3.2.1.48.1",
	"NIST-test-policy-2": "2.16.840.1.101.3.2.1.48.2",
	"NIST-test-policy-3": "2.16.840.1.101.3.2.1.48.3",
	"NIST-test-policy-6": "2.16.840.1.101.3.2.1.48.6",
}

// TestPKITS runs NIST's path validation suite with its CRLs.
func TestPKITS(t *testing.T) {
	dir := corpus(t, "nist_pkits")
	var cases []struct {
		Name                                                                        string
		CertPath, CRLPath                                                           []string
		ShouldValidate                                                              bool
		InitialPolicySet                                                            []string
		InitialPolicyMappingInhibit, InitialExplicitPolicy, InitialAnyPolicyInhibit bool
	}
	readJSON(t, filepath.Join(corpus(t, "go_nist-pkits"), "vectors.json"), &cases)
	run, passed := 0, 0
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			run++
			o := pki.PathOptions{At: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), ExplicitPolicy: c.InitialExplicitPolicy,
				InhibitPolicyMapping: c.InitialPolicyMappingInhibit, InhibitAnyPolicy: c.InitialAnyPolicyInhibit}
			for _, p := range c.InitialPolicySet {
				id, err := x509.ParseOID(pkitsPolicies[p])
				if err != nil {
					t.Fatalf("policy %s: %v", p, err)
				}
				o.InitialPolicies = append(o.InitialPolicies, id)
			}
			err := pkitsCase(dir, c.CertPath, c.CRLPath, o)
			_, excepted := pkitsExceptions[c.Name]
			if got := err == nil; (got == c.ShouldValidate) == excepted {
				t.Errorf("got %v, want valid %v (excepted: %v)", err, c.ShouldValidate, excepted)
			} else if !excepted {
				passed++
			}
		})
	}
	t.Logf("%d of %d, %d exceptions", passed, run, len(pkitsExceptions))
}

func pkitsCase(dir string, certs, crls []string, o pki.PathOptions) error {
	var ev pki.Evidence
	for _, name := range certs {
		b, err := os.ReadFile(filepath.Join(dir, "certs", name))
		if err != nil {
			return err
		}
		c, err := x509.ParseCertificate(b)
		if err != nil {
			return err // judged by the case: a certificate that cannot be read is not valid
		}
		ev.Certificates = append(ev.Certificates, c)
	}
	for _, name := range crls {
		b, err := os.ReadFile(filepath.Join(dir, "crls", name))
		if err != nil {
			return err
		}
		ev.CRLs = append(ev.CRLs, b)
	}
	leaf := ev.Certificates[len(certs)-1]
	return validate(leaf, ev.Certificates[0], ev, o, true)
}

type limboCase struct {
	ID, Description string
	Features        []string
	Trusted         []string `json:"trusted_certs"`
	Intermediates   []string `json:"untrusted_intermediates"`
	Peer            string   `json:"peer_certificate"`
	Time            string   `json:"validation_time"`
	Expected        string   `json:"expected_result"`
	CRLs            []string
}

func (c limboCase) run() error {
	parse := func(pems []string) ([]*x509.Certificate, error) {
		var out []*x509.Certificate
		for _, p := range pems {
			b, _ := pem.Decode([]byte(p))
			if b == nil {
				return nil, errors.New("no PEM")
			}
			cert, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return nil, err
			}
			out = append(out, cert)
		}
		return out, nil
	}
	trusted, err := parse(c.Trusted)
	if err != nil {
		return err
	}
	peer, err := parse([]string{c.Peer})
	if err != nil {
		return err
	}
	pool, err := parse(c.Intermediates)
	if err != nil {
		return err
	}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.Time != "" {
		if at, err = time.Parse(time.RFC3339, c.Time); err != nil {
			return err
		}
	}
	anchors := pki.NewAnchors(trusted...)
	path, err := pki.BuildPath(peer[0], pool, anchors, pki.PathOptions{At: at})
	if err != nil || len(c.CRLs) == 0 {
		return err
	}
	var ev pki.Evidence
	for _, p := range c.CRLs {
		b, _ := pem.Decode([]byte(p))
		ev.CRLs = append(ev.CRLs, b.Bytes)
	}
	m, _ := ev.Parse()
	st, err := pki.CheckRevocation(path[0], path[1], m, anchors, at, pki.CheckOptions{})
	if err == nil && st.State != pki.Good {
		err = errors.New(st.State.String())
	}
	return err
}

// limboExceptions are groups of x509-limbo cases that this package answers
// differently, each with the reason.
var limboExceptions = []struct {
	id  *regexp.Regexp
	why string
}{
	{regexp.MustCompile(`^crl::crlnumber-`), "a duty of the CRL issuer (RFC 5280 §5.2.3) that says nothing about the status"},
	{regexp.MustCompile(`^pathlen::max-chain-depth-[01]-exhausted$`), "the depth is not a setting"},
	{regexp.MustCompile(`^rfc5280::(aki::(leaf|intermediate|cross-signed-root)|ski::(root|intermediate))-missing`), "key identifiers are hints"},
	{regexp.MustCompile(`^rfc5280::eku::ee-wrong-eku$`), "asks for a TLS server"},
	{regexp.MustCompile(`^rfc5280::nc::(permitted-dns-match-noncritical|not-allowed-in-ee-)`), "a duty of the issuer; the constraint is enforced, or has nothing below it"},
	{regexp.MustCompile(`^rfc5280::pc::ica-noncritical-pc$`), "a duty of the issuer; the constraint is enforced"},
	{regexp.MustCompile(`^rfc5280::san::(noncritical-with-empty-subject|underscore-dns|ip-in-dns)$`), "host names of TLS servers"},
	{regexp.MustCompile(`^rfc5280::serial::(too-long|zero)$`), "RFC 5280 §4.1.2.2 asks users to handle these gracefully"},
	{regexp.MustCompile(`^rfc5280::validity::expired-root$`), "an anchor is a name and a key"},
	{regexp.MustCompile(`^rfc5280::(unknown-critical-extension-root|root-non-critical-basic-constraints)$`), "an anchor is a name, a key and constraints"},
	{regexp.MustCompile(`^rfc5280::leaf-ku-keycertsign$`), "without cA it cannot issue, whatever its key usage says"},
	{regexp.MustCompile(`^rfc5280::ca-as-leaf-wrong-san$`), "asks for a TLS server's host name"},
}

// TestLimbo runs the x509-limbo cases about paths and CRLs. Those of TLS
// (namespaces webpki and online: host names, public suffixes, key usages of
// servers) are out of scope.
func TestLimbo(t *testing.T) {
	var suite struct{ Testcases []limboCase }
	readJSON(t, corpus(t, "limbo.json"), &suite)
	run, passed, excepted := 0, 0, 0
	for _, c := range suite.Testcases {
		if strings.HasPrefix(c.ID, "webpki::") || strings.HasPrefix(c.ID, "online::") {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			run++
			why := ""
			for _, e := range limboExceptions {
				if e.id.MatchString(c.ID) {
					why = e.why
				}
			}
			err := c.run()
			same := (err == nil) == (c.Expected == "SUCCESS")
			switch {
			case same && why == "":
				passed++
			case !same && why != "":
				excepted++
			default:
				t.Errorf("got %v, want %s, exception %q", err, c.Expected, why)
			}
		})
	}
	t.Logf("%d of %d, %d exceptions", passed, run, excepted)
}

// TestFreshnessFixtures: one signer and one authority over three dates. The
// expectations follow from the dates in the fixtures, as openssl prints them.
func TestFreshnessFixtures(t *testing.T) {
	dir := corpus(t, filepath.Join("ades", "time-slide"))
	root, interm := readCert(t, dir, "certs", "root.crt"), readCert(t, dir, "certs", "interm.crt")
	alice, revoked := readCert(t, dir, "certs", "alice.crt"), readCert(t, dir, "certs", "interm-revoked.crt")
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d.Add(5 * time.Minute)
	}
	for _, c := range []struct {
		name          string
		at            string
		evidence      []string
		ignore        bool
		alice, interm pki.State
		revoked       pki.State
	}{
		{"before anything", "2020-10-01", []string{"2020-10-01"}, false, pki.Good, pki.Good, pki.Good},
		{"evidence has aged", "2020-11-29", []string{"2020-10-01"}, false, pki.Unknown, pki.Unknown, pki.Unknown},
		{"its age is others' matter", "2020-11-29", []string{"2020-10-01"}, true, pki.Good, pki.Good, pki.Good},
		{"fresh again", "2020-11-29", []string{"2020-10-01", "2020-11-29"}, false, pki.Good, pki.Good, pki.Good},
		{"revoked", "2020-12-10", []string{"2020-12-10"}, false, pki.Revoked, pki.Good, pki.Revoked},
		{"old good news hides nothing", "2020-12-10", []string{"2020-10-01", "2020-11-29", "2020-12-10"}, true, pki.Revoked, pki.Good, pki.Revoked},
		{"later bad news counts at an earlier moment", "2020-10-01", []string{"2020-10-01", "2020-12-10"}, false, pki.Revoked, pki.Good, pki.Revoked},
	} {
		t.Run(c.name, func(t *testing.T) {
			ev := pki.Evidence{Certificates: []*x509.Certificate{interm, readCert(t, dir, "certs", "interm-ocsp.crt")}}
			for _, d := range c.evidence {
				ev.OCSPs = append(ev.OCSPs, read(t, dir, "alice-"+d+".ors"))
				ev.CRLs = append(ev.CRLs, read(t, dir, "root-"+d+".crl"))
			}
			m, errs := ev.Parse()
			if errs != nil {
				t.Fatal(errs)
			}
			for _, q := range []struct {
				cert, issuer *x509.Certificate
				want         pki.State
			}{{alice, interm, c.alice}, {interm, root, c.interm}, {revoked, root, c.revoked}} {
				st, err := pki.CheckRevocation(q.cert, q.issuer, m, pki.NewAnchors(root), day(c.at), pki.CheckOptions{IgnoreFreshness: c.ignore})
				if st.State != q.want {
					t.Errorf("%s: got %v, %v, want %v", q.cert.Subject, st.State, err, q.want)
				}
				if st.State == pki.Revoked && !st.RevokedAt.Equal(day("2020-12-01").Add(-5*time.Minute)) {
					t.Errorf("%s: got revoked at %v", q.cert.Subject, st.RevokedAt)
				}
			}
		})
	}
}
