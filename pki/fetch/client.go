package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/absah-id/absah/pki"
)

const (
	// DefaultTimeout is what one source gets, waiting for its turn included.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxAge is how long an answer is served from memory at most,
	// whatever its nextUpdate says: a revocation shall be seen soon.
	DefaultMaxAge = time.Hour
	// DefaultMemory is the size of what is remembered, in bytes.
	DefaultMemory = 64 << 20

	maxOCSP    = 1 << 20  // real responses have 2 kB
	maxCRL     = 20 << 20 // the largest national lists have 10 MB
	maxAIA     = 1 << 20  // a certificate or a p7c with a chain
	maxURL     = 2048     // longer ones occur in attacks only
	maxURLs    = 3        // of one kind that are tried for one certificate
	maxPerHost = 4        // requests at a time
	// retryAfter is how long a failure is remembered: long enough that a dead
	// responder does not hold up every request, short enough to see it heal.
	retryAfter = 10 * time.Second
)

// Config of a [Client]. The zero value is the safe default.
type Config struct {
	// Allow exempts host or host:port from the rules about ports and
	// networks, for authorities inside the office and for demos. A host
	// alone means its ports 80 and 443.
	Allow []string
	// Timeout of one source; zero means DefaultTimeout.
	Timeout time.Duration
	// MaxAge of answers from memory; zero means DefaultMaxAge, negative that
	// nothing is remembered.
	MaxAge time.Duration
	// Memory caps what is remembered, in bytes; zero means DefaultMemory.
	Memory int
	// Nonce adds a nonce to OCSP requests (RFC 8954). Responders may ignore
	// it; one that answers with another is refused.
	Nonce bool
	// AllowWeak accepts answers signed with weak algorithms, for callers that
	// judge those by their own catalogue.
	AllowWeak bool
	// Clock is the current time; nil means time.Now.
	Clock func() time.Time
}

// Client fetches and verifies. It implements pki.Source.
type Client struct {
	cfg   Config
	allow allowList
	http  *http.Client
	cache *cache
	gate  gate

	wg     sync.WaitGroup
	mu     sync.Mutex
	flight map[string]*call // guarded by mu
	closed bool             // guarded by mu
}

var _ pki.Source = (*Client)(nil)

// New returns a client. The error is about Config.
func New(cfg Config) (*Client, error) {
	allow, err := parseAllow(cfg.Allow)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 || cfg.Memory < 0 {
		return nil, errors.New("fetch: negative timeout or memory")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.Memory == 0 {
		cfg.Memory = DefaultMemory
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	c := &Client{cfg: cfg, allow: allow, cache: newCache(cfg.Memory), flight: make(map[string]*call), gate: gate{hosts: make(map[string]*turns)}}
	c.http = &http.Client{
		Transport:     allow.transport(cfg.Timeout),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close waits for requests under way, at most one timeout, and forgets
// everything. Later calls return an Error of kind Closed.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wg.Wait()
	c.http.CloseIdleConnections()
	c.cache.clear()
	return nil
}

// answer is one verified object.
type answer struct {
	der          []byte
	certs        []*x509.Certificate // of AIA
	made         time.Time           // thisUpdate; for AIA when it was fetched
	until        time.Time           // nextUpdate
	unverifiable error               // of a CRL that only others' certificates can verify
}

// request is one question to one address.
type request struct {
	op, url string
	key     string // what memory and single flight know it by
	method  string
	body    []byte
	media   string
	limit   int64
	// verify turns the bytes into an answer; its error is BadAnswer.
	verify func([]byte) (answer, error)
}

// host is the key under which the hanging of a service is remembered.
func (r request) host() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return r.key
	}
	return r.op + " host " + u.Host
}

// OCSP asks the responders that cert names, in order, and returns the first
// answer that pki.CheckOCSP accepts now, be it good or revoked.
func (c *Client) OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	body, nonce, err := ocspRequest(cert, issuer, c.cfg.Nonce)
	if err != nil {
		return nil, &Error{Kind: NoPointer, Op: "ocsp", Err: err}
	}
	verify := func(der []byte) (answer, error) {
		st, err := pki.CheckOCSP(der, cert, issuer, c.cfg.Clock(), pki.CheckOptions{AllowWeak: c.cfg.AllowWeak, Nonce: nonce})
		return answer{der: der, made: st.ThisUpdate, until: until(st)}, err
	}
	key := identity(issuer) + cert.SerialNumber.Text(16)
	return c.first(ctx, "ocsp", cert.OCSPServer, notBefore, func(address string) request {
		return request{op: "ocsp", url: address, key: "ocsp " + key + " " + address, method: http.MethodPost, body: body,
			media: "application/ocsp-request", limit: maxOCSP, verify: verify}
	})
}

// CRL fetches the lists that cert names, in order, and returns the first that
// pki.CheckCRL accepts now. A list that another certificate than issuer must
// vouch for is returned unverified when there is no better one, and is not
// remembered.
func (c *Client) CRL(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	verify := func(der []byte) (answer, error) {
		st, err := pki.CheckCRL(der, cert, issuer, c.cfg.Clock(), pki.CheckOptions{AllowWeak: c.cfg.AllowWeak})
		switch pki.RuleOf(err) {
		case pki.RuleCRLIssuer, pki.RuleCRLReasons, pki.RuleSignature, pki.RuleCRLScope:
			return answer{der: der, unverifiable: err}, nil
		}
		return answer{der: der, made: st.ThisUpdate, until: until(st)}, err
	}
	key := identity(issuer) + cert.SerialNumber.Text(16)
	return c.first(ctx, "crl", cert.CRLDistributionPoints, notBefore, func(address string) request {
		return request{op: "crl", url: address, key: "crl " + key + " " + address, method: http.MethodGet, limit: maxCRL, verify: verify}
	})
}

// Issuers fetches the certificates at the caIssuers addresses of cert, in any
// form that pki.ParseCertificates reads. An answer counts when one of its
// certificates signed cert; the others are returned with it.
func (c *Client) Issuers(ctx context.Context, cert *x509.Certificate) ([]*x509.Certificate, error) {
	verify := func(b []byte) (answer, error) {
		certs, err := pki.ParseCertificates(b)
		if err != nil {
			return answer{}, err
		}
		problem := errors.New("no certificate")
		for _, issuer := range certs {
			if problem = pki.CheckIssued(cert, issuer, c.cfg.AllowWeak); problem == nil {
				now := c.cfg.Clock()
				return answer{der: b, certs: certs, made: now, until: now.Add(c.cfg.MaxAge)}, nil
			}
		}
		return answer{}, problem
	}
	sum := sha256.Sum256(cert.Raw)
	a, err := c.best(ctx, "aia", cert.IssuingCertificateURL, time.Time{}, func(address string) request {
		return request{op: "aia", url: address, key: "aia " + string(sum[:]) + " " + address, method: http.MethodGet, limit: maxAIA, verify: verify}
	})
	return a.certs, err
}

// identity tells issuers apart by their key: a name can be anyone's.
func identity(issuer *x509.Certificate) string {
	sum := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	return string(sum[:])
}

// until is how long an answer is current.
func until(st pki.Status) time.Time {
	if st.NextUpdate.IsZero() {
		return st.ThisUpdate.Add(pki.DefaultMaxAge)
	}
	return st.NextUpdate
}

func (c *Client) first(ctx context.Context, op string, urls []string, notBefore time.Time, build func(string) request) ([]byte, error) {
	a, err := c.best(ctx, op, urls, notBefore, build)
	return a.der, err
}

// best asks one address after the other until an answer is verified.
func (c *Client) best(ctx context.Context, op string, urls []string, notBefore time.Time, build func(string) request) (answer, error) {
	if len(urls) == 0 {
		return answer{}, &Error{Kind: NoPointer, Op: op}
	}
	var errs []error
	var unverified *answer
	for _, address := range urls[:min(len(urls), maxURLs)] {
		a, err := c.ask(ctx, build(address), notBefore)
		switch {
		case ctx.Err() != nil:
			return answer{}, ctx.Err()
		case err != nil:
			errs = append(errs, err)
		case a.unverifiable != nil:
			unverified = &a
		default:
			return a, nil
		}
	}
	if unverified != nil {
		return *unverified, nil
	}
	return answer{}, errors.Join(errs...)
}

// call is a request under way that others may wait for.
type call struct {
	started time.Time
	done    chan struct{} // closed when the fields below are set
	answer  answer
	err     error
}

// ask answers from memory, joins a request under way, or makes one. The
// request outlives a caller that gives up, for the others' sake, but not its
// own timeout.
func (c *Client) ask(ctx context.Context, r request, notBefore time.Time) (answer, error) {
	now := c.cfg.Clock()
	if a, ok := c.cache.get(r.key, now, notBefore, c.cfg.MaxAge); ok {
		return a, nil
	}
	for _, key := range []string{r.key, r.host()} {
		if err := c.cache.failure(key, now); err != nil {
			return answer{}, err
		}
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return answer{}, &Error{Kind: Closed, Op: r.op}
	}
	k := c.flight[r.key]
	// What was asked for before notBefore may be answered with something as old.
	if k == nil || k.started.Before(notBefore) {
		k = &call{started: now, done: make(chan struct{})}
		c.flight[r.key] = k
		c.wg.Go(func() { c.run(k, r) })
	}
	c.mu.Unlock()
	select {
	case <-k.done:
		return k.answer, k.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

func (c *Client) run(k *call, r request) {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Timeout)
	defer cancel()
	k.answer, k.err = c.fetch(ctx, r)
	now := c.cfg.Clock()
	switch {
	case c.cfg.MaxAge < 0 || k.answer.unverifiable != nil:
	case k.err != nil:
		c.cache.fail(r.key, k.err, now.Add(retryAfter))
		var e *Error
		if errors.As(k.err, &e) && e.Kind == Timeout {
			// Who has many questions for a host that hangs waits once.
			c.cache.fail(r.host(), k.err, now.Add(retryAfter))
		}
	default:
		c.cache.put(r.key, k.answer, now)
	}
	c.mu.Lock()
	if c.flight[r.key] == k {
		delete(c.flight, r.key)
	}
	c.mu.Unlock()
	close(k.done)
}

func (c *Client) fetch(ctx context.Context, r request) (answer, error) {
	fail := func(k Kind, err error) (answer, error) {
		return answer{}, &Error{Kind: k, Op: r.op, URL: r.url, Err: err}
	}
	u, err := c.allow.checkURL(r.url)
	if err != nil {
		return fail(Forbidden, err)
	}
	leave, err := c.gate.enter(ctx, u.Host)
	if err != nil {
		return fail(Timeout, err)
	}
	defer leave()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return fail(Forbidden, err)
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	req.Header.Set("User-Agent", "absah")
	resp, err := c.http.Do(req)
	if err != nil {
		kind := kindOf(err)
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // Error names the address already
		}
		return fail(kind, err)
	}
	defer func() { _ = resp.Body.Close() }() // everything worth reading has been read
	if resp.StatusCode != http.StatusOK {
		return fail(HTTPStatus, errors.New(resp.Status))
	}
	if resp.ContentLength > r.limit {
		return fail(TooLarge, fmt.Errorf("%d bytes", resp.ContentLength))
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
	switch {
	case err != nil:
		return fail(kindOf(err), err)
	case int64(len(b)) > r.limit:
		return fail(TooLarge, fmt.Errorf("more than %d bytes", r.limit))
	}
	a, err := r.verify(b)
	if err != nil {
		return fail(BadAnswer, err)
	}
	return a, nil
}

func kindOf(err error) Kind {
	var ne net.Error
	switch {
	case prohibited(err):
		return Forbidden
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return Timeout
	}
	return Network
}
