package fetch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func start(t *testing.T, cfg lab.Config) *lab.Lab {
	t.Helper()
	l, err := lab.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, l) })
	return l
}

func client(t *testing.T, cfg fetch.Config) *fetch.Client {
	t.Helper()
	c, err := fetch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, c) })
	return c
}

func issue(t *testing.T, l *lab.Lab) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := l.Issue(key.Public(), pkix.Name{CommonName: "Kepala Dinas Contoh"}, lab.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func closing(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func kind(err error) fetch.Kind {
	var e *fetch.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

// TestFaults: every way in which a service may misbehave is an error of the
// right kind, and none is remembered as an answer.
func TestFaults(t *testing.T) {
	l := start(t, lab.Config{})
	cert := issue(t, l)
	ask := map[lab.Service]func(*fetch.Client) error{
		lab.OCSP: func(c *fetch.Client) error { _, err := c.OCSP(ctx, cert, l.Issuing(), time.Time{}); return err },
		lab.CRL:  func(c *fetch.Client) error { _, err := c.CRL(ctx, cert, l.Issuing(), time.Time{}); return err },
		lab.AIA:  func(c *fetch.Client) error { _, err := c.Issuers(ctx, cert); return err },
	}
	for _, c := range []struct {
		service lab.Service
		fault   lab.Fault
		kind    fetch.Kind
		rule    pki.Rule
	}{
		{lab.OCSP, lab.None, 0, ""},
		{lab.OCSP, lab.Slow, fetch.Timeout, ""},
		{lab.OCSP, lab.HTTPError, fetch.HTTPStatus, ""},
		{lab.OCSP, lab.Garbage, fetch.BadAnswer, "malformed"},
		{lab.OCSP, lab.Oversize, fetch.TooLarge, ""},
		{lab.OCSP, lab.Down, fetch.Network, ""},
		{lab.OCSP, lab.Redirect, fetch.HTTPStatus, ""},
		{lab.OCSP, lab.BadSignature, fetch.BadAnswer, pki.RuleSignature},
		{lab.OCSP, lab.WrongResponder, fetch.BadAnswer, pki.RuleUnauthorized},
		{lab.OCSP, lab.WrongEKU, fetch.BadAnswer, pki.RuleUnauthorized},
		{lab.OCSP, lab.Stale, fetch.BadAnswer, pki.RuleStale},
		{lab.OCSP, lab.Future, fetch.BadAnswer, pki.RuleFuture},
		{lab.OCSP, lab.WrongNonce, fetch.BadAnswer, pki.RuleNonce},
		{lab.OCSP, lab.Reject, fetch.BadAnswer, pki.RuleStatus},
		{lab.OCSP, lab.UnknownStatus, fetch.BadAnswer, pki.RuleUnknown},
		{lab.OCSP, lab.WrongCertID, fetch.BadAnswer, pki.RuleCertID},
		{lab.OCSP, lab.RevokedStatus, 0, ""}, // an answer; the caller reads it
		{lab.CRL, lab.None, 0, ""},
		{lab.CRL, lab.Slow, fetch.Timeout, ""},
		{lab.CRL, lab.HTTPError, fetch.HTTPStatus, ""},
		{lab.CRL, lab.Garbage, fetch.BadAnswer, "malformed"},
		{lab.CRL, lab.Oversize, fetch.TooLarge, ""},
		{lab.CRL, lab.Down, fetch.Network, ""},
		{lab.CRL, lab.Stale, fetch.BadAnswer, pki.RuleStale},
		{lab.CRL, lab.Future, fetch.BadAnswer, pki.RuleFuture},
		{lab.CRL, lab.RevokedStatus, 0, ""},
		{lab.AIA, lab.None, 0, ""},
		{lab.AIA, lab.Garbage, fetch.BadAnswer, "malformed"},
		{lab.AIA, lab.Oversize, fetch.TooLarge, ""},
		{lab.AIA, lab.Redirect, fetch.HTTPStatus, ""},
	} {
		t.Run(c.service.String()+" "+c.fault.String(), func(t *testing.T) {
			l.SetFault(c.service, c.fault)
			defer l.SetFault(c.service, lab.None)
			timeout := 5 * time.Second
			if c.fault == lab.Slow {
				timeout = 50 * time.Millisecond
			}
			err := ask[c.service](client(t, fetch.Config{Allow: []string{l.Addr()}, Nonce: true, Timeout: timeout}))
			if kind(err) != c.kind || (c.kind == 0) != (err == nil) {
				t.Fatalf("got %v, want kind %v", err, c.kind)
			}
			if got := pki.RuleOf(err); got != c.rule {
				t.Errorf("got rule %q (%v), want %q", got, err, c.rule)
			}
		})
	}
}

// TestGuard: addresses in certificates lead nowhere but to public hosts.
func TestGuard(t *testing.T) {
	l := start(t, lab.Config{})
	cert := *issue(t, l)
	for _, c := range []struct {
		url  string
		kind fetch.Kind
	}{
		{"http://127.0.0.1/", fetch.Forbidden},
		{"http://localhost/", fetch.Forbidden},
		{"http://[::1]/", fetch.Forbidden},
		{"http://[::ffff:127.0.0.1]/", fetch.Forbidden},
		{"http://0.0.0.0/", fetch.Forbidden},
		{"http://169.254.169.254/latest/meta-data", fetch.Forbidden},
		{"http://10.0.0.1/", fetch.Forbidden},
		{"http://192.168.1.1/", fetch.Forbidden},
		{"http://172.16.0.1/", fetch.Forbidden},
		{"http://100.64.0.1/", fetch.Forbidden},
		{"http://[fd00::1]/", fetch.Forbidden},
		{"http://[fe80::1]/", fetch.Forbidden},
		{"http://[64:ff9b::7f00:1]/", fetch.Forbidden},
		{"http://" + l.Addr() + "/ocsp", fetch.Forbidden}, // a port that is not on the list
		{"ldap://127.0.0.1/", fetch.Forbidden},
		{"file:///etc/passwd", fetch.Forbidden},
		{"gopher://127.0.0.1:70/", fetch.Forbidden},
		{"http://user:pw@example.org/", fetch.Forbidden},
		{"http://example.org:22/", fetch.Forbidden},
		{"http://", fetch.Forbidden},
		{"http://a\r\nHost: b/", fetch.Forbidden},
		{"http://example.org/" + strings.Repeat("a", 3000), fetch.Forbidden},
	} {
		t.Run(fmt.Sprintf("%.40q", c.url), func(t *testing.T) {
			cl := client(t, fetch.Config{Timeout: time.Second})
			cert.OCSPServer, cert.CRLDistributionPoints, cert.IssuingCertificateURL = []string{c.url}, []string{c.url}, []string{c.url}
			_, err1 := cl.OCSP(ctx, &cert, l.Issuing(), time.Time{})
			_, err2 := cl.CRL(ctx, &cert, l.Issuing(), time.Time{})
			_, err3 := cl.Issuers(ctx, &cert)
			for _, err := range []error{err1, err2, err3} {
				if err == nil || c.kind != 0 && kind(err) != c.kind {
					t.Errorf("got %v, want kind %v", err, c.kind)
				}
			}
		})
	}
	if n := l.Requests(lab.OCSP); n != 0 {
		t.Errorf("the lab was asked %d times through the guard", n)
	}
}

func TestProxyFromEnvironmentIsIgnored(t *testing.T) {
	l := start(t, lab.Config{})
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	if _, err := client(t, fetch.Config{Allow: []string{l.Addr()}}).OCSP(ctx, issue(t, l), l.Issuing(), time.Time{}); err != nil {
		t.Error(err)
	}
}

func TestNoPointer(t *testing.T) {
	l := start(t, lab.Config{})
	c := client(t, fetch.Config{})
	if _, err := c.OCSP(ctx, l.Root(), l.Root(), time.Time{}); kind(err) != fetch.NoPointer {
		t.Errorf("got %v, want kind %v", err, fetch.NoPointer)
	}
	if _, err := c.Issuers(ctx, l.Root()); kind(err) != fetch.NoPointer {
		t.Errorf("got %v, want kind %v", err, fetch.NoPointer)
	}
}

func TestSecondAddressIsTried(t *testing.T) {
	l := start(t, lab.Config{})
	cert := *issue(t, l)
	cert.OCSPServer = []string{"ldap://x/", l.URL() + "/nowhere", l.URL() + "/ocsp"}
	c := client(t, fetch.Config{Allow: []string{l.Addr()}})
	if _, err := c.OCSP(ctx, &cert, l.Issuing(), time.Time{}); err != nil {
		t.Error(err)
	}
	cert.OCSPServer = append([]string{l.URL() + "/a"}, cert.OCSPServer...) // the right one is now the fourth
	if _, err := c.OCSP(ctx, &cert, l.Issuing(), time.Time{}); err == nil {
		t.Error("a fourth address was tried")
	}
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestMemory(t *testing.T) {
	at := &clock{t: time.Now().UTC().Truncate(time.Second)}
	l := start(t, lab.Config{Clock: at.now, OCSPLifetime: 30 * time.Minute})
	cert := issue(t, l)
	c := client(t, fetch.Config{Allow: []string{l.Addr()}, Clock: at.now})
	asked := 0
	for _, step := range []struct {
		name      string
		before    func()
		notBefore func() time.Time
		wantMore  int
		wantErr   bool
	}{
		{"first", func() {}, func() time.Time { return time.Time{} }, 1, false},
		{"again", func() {}, func() time.Time { return time.Time{} }, 0, false},
		{"of the same second", func() {}, at.now, 1, false},
		{"fresher than it is", func() { at.add(10 * time.Minute) }, at.now, 1, false},
		{"past nextUpdate", func() { at.add(31 * time.Minute) }, func() time.Time { return time.Time{} }, 1, false},
		{"a failure leaves the good answer", func() { at.add(time.Minute); l.SetFault(lab.OCSP, lab.HTTPError) }, at.now, 1, true},
		{"which still serves who needs no newer", func() {}, func() time.Time { return time.Time{} }, 0, false},
		{"and the failure is remembered", func() { l.SetFault(lab.OCSP, lab.None) }, at.now, 0, true},
		{"for a while", func() { at.add(11 * time.Second) }, at.now, 1, false},
	} {
		step.before()
		_, err := c.OCSP(ctx, cert, l.Issuing(), step.notBefore())
		if (err != nil) != step.wantErr {
			t.Fatalf("%s: %v", step.name, err)
		}
		if more := l.Requests(lab.OCSP) - asked; more != step.wantMore {
			t.Errorf("%s: got %d requests, want %d", step.name, more, step.wantMore)
		}
		asked = l.Requests(lab.OCSP)
	}
}

// TestMemoryIsPerIssuerKey: an answer is never served for another issuer or
// another certificate.
func TestMemoryIsPerIssuerKey(t *testing.T) {
	l := start(t, lab.Config{})
	c := client(t, fetch.Config{Allow: []string{l.Addr()}})
	cert := issue(t, l)
	for range 2 {
		if _, err := c.OCSP(ctx, cert, l.Issuing(), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.OCSP(ctx, cert, l.Root(), time.Time{}); err == nil {
		t.Error("an answer was served for an issuer that did not give it")
	}
	if _, err := c.OCSP(ctx, issue(t, l), l.Issuing(), time.Time{}); err != nil {
		t.Error(err)
	}
	if got, want := l.Requests(lab.OCSP), 3; got != want {
		t.Errorf("got %d requests, want %d", got, want)
	}
}

func TestMemoryCanBeOff(t *testing.T) {
	l := start(t, lab.Config{})
	cert := issue(t, l)
	for name, cfg := range map[string]fetch.Config{"no age": {MaxAge: -1}, "too small": {Memory: 1}} {
		t.Run(name, func(t *testing.T) {
			cfg.Allow = []string{l.Addr()}
			c := client(t, cfg)
			before := l.Requests(lab.CRL)
			for range 2 {
				if _, err := c.CRL(ctx, cert, l.Issuing(), time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.Requests(lab.CRL) - before; got != 2 {
				t.Errorf("got %d requests, want 2", got)
			}
		})
	}
}

// TestOneQuestionAtATime: many callers with one question make one request,
// and a caller that gives up does not spoil it for the others.
func TestOneQuestionAtATime(t *testing.T) {
	l := start(t, lab.Config{SlowFor: 100 * time.Millisecond})
	l.SetFault(lab.OCSP, lab.Slow)
	cert := issue(t, l)
	c := client(t, fetch.Config{Allow: []string{l.Addr()}})
	impatient, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := c.OCSP(impatient, cert, l.Issuing(), time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the caller's deadline", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.OCSP(ctx, cert, l.Issuing(), time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := l.Requests(lab.OCSP); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}

// TestHangingHost: whoever has many questions for a service that hangs waits
// for it once, and asks again after a while; other services of the host are
// asked.
func TestHangingHost(t *testing.T) {
	at := &clock{t: time.Now().UTC().Truncate(time.Second)}
	l := start(t, lab.Config{Clock: at.now})
	l.SetFault(lab.OCSP, lab.Slow)
	c := client(t, fetch.Config{Allow: []string{l.Addr()}, Clock: at.now, Timeout: 100 * time.Millisecond})
	for range 5 {
		cert := issue(t, l)
		if _, err := c.OCSP(ctx, cert, l.Issuing(), time.Time{}); kind(err) != fetch.Timeout {
			t.Errorf("got %v, want kind %v", err, fetch.Timeout)
		}
		if _, err := c.CRL(ctx, cert, l.Issuing(), time.Time{}); err != nil {
			t.Error(err)
		}
	}
	if got := l.Requests(lab.OCSP); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
	l.SetFault(lab.OCSP, lab.None)
	at.add(11 * time.Second)
	if _, err := c.OCSP(ctx, issue(t, l), l.Issuing(), time.Time{}); err != nil {
		t.Error(err)
	}
}

// TestTrickle: an answer that comes byte by byte, for ever, ends with the
// timeout (D09).
func TestTrickle(t *testing.T) {
	l := start(t, lab.Config{})
	drip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				if _, err := w.Write([]byte{0x30}); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}
	}))
	defer drip.Close()
	c := client(t, fetch.Config{Allow: []string{strings.TrimPrefix(drip.URL, "http://")}, Timeout: 100 * time.Millisecond})
	cert := *issue(t, l)
	cert.OCSPServer, cert.CRLDistributionPoints, cert.IssuingCertificateURL = []string{drip.URL}, []string{drip.URL}, []string{drip.URL}
	_, err1 := c.OCSP(ctx, &cert, l.Issuing(), time.Time{})
	_, err2 := c.CRL(ctx, &cert, l.Issuing(), time.Time{})
	_, err3 := c.Issuers(ctx, &cert)
	for _, err := range []error{err1, err2, err3} {
		if kind(err) != fetch.Timeout {
			t.Errorf("got %v, want kind %v", err, fetch.Timeout)
		}
	}
}

func TestFourAtATimePerHost(t *testing.T) {
	l := start(t, lab.Config{})
	var inside, most atomic.Int32
	gate := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 4 {
			close(gate) // four have come in: let them go
		}
		<-gate
		inside.Add(-1)
	}))
	defer slow.Close()
	c := client(t, fetch.Config{Allow: []string{strings.TrimPrefix(slow.URL, "http://")}})
	var wg sync.WaitGroup
	for range 12 {
		cert := *issue(t, l)
		cert.OCSPServer = []string{slow.URL}
		wg.Go(func() {
			if _, err := c.OCSP(ctx, &cert, l.Issuing(), time.Time{}); kind(err) != fetch.BadAnswer {
				t.Errorf("got %v, want kind %v", err, fetch.BadAnswer)
			}
		})
	}
	wg.Wait()
	if got := most.Load(); got != 4 {
		t.Errorf("got %d at a time, want 4", got)
	}
}

func TestIssuersReadsBundles(t *testing.T) {
	l := start(t, lab.Config{})
	cert := issue(t, l)
	c := client(t, fetch.Config{Allow: []string{l.Addr()}})
	got, err := c.Issuers(ctx, cert)
	if err != nil || len(got) != 1 || !got[0].Equal(l.Issuing()) {
		t.Errorf("got %d certificates, %v, want the issuing authority", len(got), err)
	}
	misled := *cert
	misled.IssuingCertificateURL = []string{l.URL() + "/aia/root.cer"}
	if _, err := c.Issuers(ctx, &misled); kind(err) != fetch.BadAnswer {
		t.Errorf("got %v, want kind %v", err, fetch.BadAnswer)
	}
}

func TestCloseAndConfig(t *testing.T) {
	l := start(t, lab.Config{})
	c, err := fetch.New(fetch.Config{Allow: []string{l.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.OCSP(ctx, issue(t, l), l.Issuing(), time.Time{}); kind(err) != fetch.Closed {
		t.Errorf("got %v, want kind %v", err, fetch.Closed)
	}
	for name, cfg := range map[string]fetch.Config{
		"URL in the list": {Allow: []string{"http://x"}}, "empty entry": {Allow: []string{""}}, "no port": {Allow: []string{"x:"}}, "timeout": {Timeout: -1},
	} {
		if c, err := fetch.New(cfg); err == nil {
			closing(t, c)
			t.Errorf("%s: accepted", name)
		}
	}
}

func ExampleNew() {
	// Public responders need nothing; one inside the office is named.
	c, err := fetch.New(fetch.Config{Allow: []string{"ocsp.psre.contoh.go.id:8080"}})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fmt.Println("ready")
	// Output: ready
}
