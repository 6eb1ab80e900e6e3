package browsertest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/absah-id/absah/internal/testfile"
)

// ownCA makes an authority and a certificate of its for 127.0.0.1, writes
// server.pem and server.key into dir, and returns the authority.
func ownCA(tb testing.TB, dir string) *x509.Certificate {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	issue := func(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		if by == nil {
			parent, by = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		must(err)
		cert, err := x509.ParseCertificate(der)
		must(err)
		return cert, key
	}
	ca, caKey := issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA Uji Contoh"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, caKey)
	var chain bytes.Buffer
	for _, c := range []*x509.Certificate{leaf, ca} {
		must(pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "server.pem"), chain.Bytes(), 0o600))
	must(os.WriteFile(filepath.Join(dir, "server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return ca
}

var serverLine = regexp.MustCompile(`(?m)^server: .*$`)

// serveTLS serves a gateway of its own over TLS, and returns its address, its
// folder and the authority of its certificate.
func serveTLS(tb testing.TB) (url, dir string, ca *x509.Certificate) {
	tb.Helper()
	needDemo(tb) // builds the program
	program := filepath.Join(demo.dir, "absah")
	dir = filepath.Join(tb.TempDir(), "demo")
	if out, err := exec.Command(program, "demo", "--once", "--dir", dir).CombinedOutput(); err != nil {
		tb.Fatalf("absah demo --once: %v: %s", err, out)
	}
	ca = ownCA(tb, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config := filepath.Join(dir, "absah.yaml")
	text := serverLine.ReplaceAllLiteral(readFile(tb, config),
		[]byte(`server: {listen: "`+address+`", public_url: "https://`+address+`", tls: {certificate: server.pem, key: server.key}, shutdown: 2s}`))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for deadline := time.Now().Add(time.Minute); ; {
		resp, err := client.Get("https://" + address + "/healthz")
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			tb.Fatal(err)
		}
	}
	client.CloseIdleConnections()
	return "https://" + address, dir, ca
}

// TestCookieOverTLS: over TLS browsers keep the session in a cookie that no other
// host can set, no script read and no other site send (ASVS 3.3.1–3.3.4).
func TestCookieOverTLS(t *testing.T) {
	url, dir, ca := serveTLS(t)
	stranger := newTab(t)
	if err := chromedp.Do(stranger.ctx, chromedp.Navigate(url+"/op/sign-in")); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Fatalf("a browser that does not know the authority: %v", err)
	}
	spki := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testfile.Tool(t, "chromium")), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(spki[:])))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	b := &tab{t, ctx}

	p := staffOf(t, filepath.Join(dir, "staff", "investigator"))
	b.do(chromedp.Navigate(url+"/op/sign-in"), chromedp.WaitReady(chromedp.CSS("footer")))
	b.present(p, p.password)
	if got := b.path(); got != "/op" {
		t.Fatalf("signed in: at %s", got)
	}
	cookies := b.cookies()
	if len(cookies) != 1 {
		t.Fatalf("got %d cookies, want one", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-absah" || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteStrict || c.Path != "/" || c.Domain != "127.0.0.1" || !c.Session {
		t.Errorf("the cookie: got %+v", c)
	}
	if got := eval[string](b, `document.cookie`); got != "" {
		t.Errorf("scripts see %q", got)
	}
	if !eval[bool](b, `isSecureContext`) {
		t.Error("the page is not a secure context")
	}
	// What a script, or a page in the clear, sets under that name is not taken.
	eval[bool](b, `document.cookie = '__Host-absah=palsu; path=/', document.cookie = '__Host-absah=palsu; path=/op; secure', true`)
	b.do(chromedp.Navigate(url + "/op"))
	if got := b.path(); got != "/op" || b.cookies()[0].Value != c.Value {
		t.Errorf("after a script set another one: at %s with %q", got, b.cookies()[0].Value)
	}
	b.press(".person button")
	if got := b.cookies(); len(got) != 0 {
		t.Errorf("signed out: got %+v", got)
	}
}

// cookies are those that the browser has for the page.
func (t *tab) cookies() (all []*network.Cookie) {
	t.Helper()
	t.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		found, err := cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{})
		all = found.Cookies
		return err
	}))
	return all
}
