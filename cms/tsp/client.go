package tsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Media types of RFC 3161 §3.4.
const (
	QueryType = "application/timestamp-query"
	ReplyType = "application/timestamp-reply"
)

// Defaults of [ClientConfig].
const (
	DefaultTimeout  = 5 * time.Second
	DefaultMaxSkew  = time.Minute
	DefaultCooldown = 30 * time.Second
)

// ClientConfig says whom a [Client] asks and what it believes. URLs and one of
// Trust and Anchors are needed.
type ClientConfig struct {
	// URLs are the authorities, http or https, in order of preference.
	// Credentials in them are refused.
	URLs []string

	// Credentials are for HTTP Basic authentication, by URL. They are never
	// sent to another URL, and over plain http only to a loopback address.
	Credentials map[string]Credential

	// HTTPClient makes the requests; nil means one of the client's own without
	// proxy. Its redirect policy is not used: redirects are refused.
	HTTPClient *http.Client

	// Timeout is the time allowed to one authority; 0 means DefaultTimeout.
	// The context bounds all of them together.
	Timeout time.Duration

	// Cooldown is how long an authority that failed is asked after all others;
	// 0 means DefaultCooldown, negative none.
	Cooldown time.Duration

	// Policy is asked for and must be in the token; nil means any.
	Policy asn1.ObjectIdentifier

	// MaxSkew is how far genTime may lie outside the time between request and
	// answer, accuracy not counted; 0 means DefaultMaxSkew.
	MaxSkew time.Duration

	// Clock tells the time; nil means time.Now.
	Clock func() time.Time

	// Trust decides whether signer, which has verifiably signed t, may be
	// believed at the moment at: its path, validity and revocation. It should
	// return ctx.Err() when ctx ends it.
	Trust func(ctx context.Context, t *Token, signer *x509.Certificate, at time.Time) error

	// Anchors are used when Trust is nil: the signer's certificate must lead to
	// one of them through the certificates in the token. Revocation is not
	// looked at then.
	Anchors []*x509.Certificate
}

// Credential is a user name and the file that holds its password, read when
// the client is made; a line end after the password does not count.
type Credential struct{ Username, PasswordFile string }

// Client obtains tokens. It may be used by several goroutines at once.
type Client struct {
	servers  []*server
	http     *http.Client
	timeout  time.Duration
	cooldown time.Duration
	policy   asn1.ObjectIdentifier
	maxSkew  time.Duration
	clock    func() time.Time
	trust    func(ctx context.Context, t *Token, signer *x509.Certificate, at time.Time) error
}

// server is one authority.
type server struct {
	url                string // redacted by construction: holds no credentials
	username, password string

	mu   sync.Mutex
	down time.Time // asked last until then; guarded by mu
}

// UnavailableError says that no authority gave an acceptable token, and why
// for each that was asked, in the order of asking.
type UnavailableError struct{ Failures []ServerError }

// ServerError is what went wrong with one authority.
type ServerError struct {
	URL string
	Err error
}

func (e *UnavailableError) Error() string {
	var b strings.Builder
	b.WriteString("tsp: no time-stamp authority answered as it should")
	for _, f := range e.Failures {
		fmt.Fprintf(&b, "; %s: %v", f.URL, f.Err)
	}
	return b.String()
}

// Unwrap returns the errors of all authorities.
func (e *UnavailableError) Unwrap() []error {
	errs := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		errs[i] = f.Err
	}
	return errs
}

// NewClient checks the whole configuration. It reads the password files and
// contacts nobody.
func NewClient(cfg ClientConfig) (*Client, error) {
	c := &Client{timeout: cfg.Timeout, cooldown: cfg.Cooldown, policy: cfg.Policy, maxSkew: cfg.MaxSkew, clock: cfg.Clock, trust: cfg.Trust}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.cooldown == 0 {
		c.cooldown = DefaultCooldown
	}
	if c.maxSkew == 0 {
		c.maxSkew = DefaultMaxSkew
	}
	if c.timeout < 0 || c.maxSkew < 0 {
		return nil, errors.New("tsp: a negative timeout or skew")
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	switch {
	case c.trust != nil && len(cfg.Anchors) > 0:
		return nil, errors.New("tsp: both Trust and Anchors given")
	case c.trust == nil && len(cfg.Anchors) == 0:
		return nil, errors.New("tsp: neither Trust nor Anchors given")
	case c.trust == nil:
		c.trust = trustAnchors(cfg.Anchors)
	}
	if err := c.addServers(cfg); err != nil {
		return nil, err
	}
	c.http = ownHTTP(cfg.HTTPClient)
	return c, nil
}

// ownHTTP returns a copy of h that follows no redirect: an answer from
// elsewhere is not the authority's.
func ownHTTP(h *http.Client) *http.Client {
	if h == nil {
		h = &http.Client{Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        30 * time.Second,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}}
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &own
}

func (c *Client) addServers(cfg ClientConfig) error {
	if len(cfg.URLs) == 0 {
		return errors.New("tsp: no authority given")
	}
	seen := map[string]bool{}
	for _, raw := range cfg.URLs {
		u, err := url.Parse(raw)
		if err != nil {
			return errors.New("tsp: an authority's URL cannot be parsed") // the text may hold a password
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			return fmt.Errorf("tsp: not an http or https URL without credentials: %s", u.Redacted())
		}
		if seen[raw] {
			return fmt.Errorf("tsp: authority %s given twice", raw)
		}
		seen[raw] = true
		s := &server{url: raw}
		if cred, ok := cfg.Credentials[raw]; ok {
			if u.Scheme == "http" && !isLoopback(u.Hostname()) {
				return fmt.Errorf("tsp: a password for %s would travel in the clear", raw)
			}
			if err := s.login(cred); err != nil {
				return err
			}
		}
		c.servers = append(c.servers, s)
	}
	for u := range cfg.Credentials {
		if !seen[u] {
			return errors.New("tsp: credentials for a URL that is not among URLs")
		}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *server) login(cred Credential) error {
	if cred.Username == "" || strings.Contains(cred.Username, ":") {
		return fmt.Errorf("tsp: user name for %s is empty or has a colon", s.url)
	}
	b, err := os.ReadFile(cred.PasswordFile)
	if err != nil {
		return fmt.Errorf("tsp: password for %s: %w", s.url, err)
	}
	s.username, s.password = cred.Username, string(bytes.TrimRight(b, "\r\n"))
	return nil
}

// trustAnchors believes signers that lead to one of the anchors at the moment.
func trustAnchors(anchors []*x509.Certificate) func(context.Context, *Token, *x509.Certificate, time.Time) error {
	roots := x509.NewCertPool()
	for _, a := range anchors {
		roots.AddCert(a)
	}
	return func(_ context.Context, t *Token, signer *x509.Certificate, at time.Time) error {
		between := x509.NewCertPool()
		for _, c := range t.SignedData.Certificates() {
			between.AddCert(c)
		}
		_, err := signer.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, CurrentTime: at,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		})
		return err
	}
}

// Timestamp returns a DER or BER TimeStampToken over digest, which must be
// h.Size() bytes of a hash not weaker than SHA-256. The authorities are asked
// one after the other, those that failed of late last, until one gives a token
// that passes every check: nonce, imprint, policy, time, signature,
// certificate. When none does the error is an *[UnavailableError]; once ctx is
// done it is ctx.Err(), joined with the failures so far.
func (c *Client) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	switch h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_384, crypto.SHA3_512:
	default:
		return nil, breach(RuleImprintAlgorithm, "%v makes no new time-stamps", h)
	}
	unavailable := &UnavailableError{}
	for _, s := range c.order() {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err, unavailable)
		}
		token, err := c.ask(ctx, s, h, digest)
		if err == nil {
			s.settle(time.Time{})
			return token, nil
		}
		unavailable.Failures = append(unavailable.Failures, ServerError{URL: s.url, Err: err})
		if ctx.Err() != nil { // the caller gave up; the authority is not to blame
			return nil, stopped(ctx.Err(), unavailable)
		}
		if c.cooldown > 0 {
			s.settle(c.clock().Add(c.cooldown))
		}
	}
	return nil, unavailable
}

func stopped(err error, u *UnavailableError) error {
	if len(u.Failures) == 0 {
		return err
	}
	return errors.Join(err, u)
}

// order returns the authorities as configured, with those that are cooling
// down behind the others.
func (c *Client) order() []*server {
	now := c.clock()
	list := make([]*server, 0, len(c.servers))
	var down []*server
	for _, s := range c.servers {
		s.mu.Lock()
		isDown := now.Before(s.down)
		s.mu.Unlock()
		if isDown {
			down = append(down, s)
		} else {
			list = append(list, s)
		}
	}
	return append(list, down...)
}

func (s *server) settle(down time.Time) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
}

// ask makes one request and accepts nothing but a right answer.
func (c *Client) ask(ctx context.Context, s *server, h crypto.Hash, digest []byte) ([]byte, error) {
	nonce, err := newNonce()
	if err != nil {
		return nil, err
	}
	req := &Request{Hash: h, Digest: digest, Policy: c.policy, Nonce: nonce, Certificates: true}
	query, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	sent := c.clock()
	body, err := c.post(ctx, s, query)
	if err != nil {
		return nil, err
	}
	received := c.clock()
	resp, err := ParseResponse(body)
	if err != nil {
		return nil, err
	}
	if err := resp.err(); err != nil {
		return nil, err
	}
	t := resp.Token
	if err := c.checkAnswer(t, req, sent, received); err != nil {
		return nil, err
	}
	signer, err := t.Signer()
	if err != nil {
		return nil, err
	}
	if err := t.Check(h, digest, signer).Err(); err != nil {
		return nil, err
	}
	if err := c.trust(ctx, t, signer, received); err != nil {
		return nil, fmt.Errorf("tsp: certificate of the authority: %w", err)
	}
	return t.Raw, nil
}

// checkAnswer binds the token to the request and to the moment.
func (c *Client) checkAnswer(t *Token, req *Request, sent, received time.Time) error {
	if t.Nonce == nil || t.Nonce.Cmp(req.Nonce) != 0 {
		return breach(RuleNonce, "the answer is not to this request")
	}
	if c.policy != nil && !t.Policy.Equal(c.policy) {
		return breach(RulePolicy, "policy %v, asked for %v", t.Policy, c.policy)
	}
	tolerance := c.maxSkew + t.Accuracy
	if t.Time.Before(sent.Add(-tolerance)) || t.Time.After(received.Add(tolerance)) {
		return breach(RuleTimeWindow, "genTime %v, asked at %v", t.Time.Format(time.RFC3339), sent.UTC().Format(time.RFC3339))
	}
	return nil
}

// post returns the body of the answer, at most MaxResponse bytes.
func (c *Client) post(ctx context.Context, s *server, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", QueryType)
	req.Header.Set("Accept", ReplyType)
	if s.username != "" {
		req.SetBasicAuth(s.username, s.password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("tsp: HTTP status %d", resp.StatusCode)
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != ReplyType {
		return nil, fmt.Errorf("tsp: content type %.80q", resp.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("tsp: reading the answer: %w", err)
	}
	if len(body) > MaxResponse {
		return nil, malformed(MaxResponse, "limit", "response longer than MaxResponse")
	}
	return body, nil
}

// newNonce returns 64 random bits; some authorities take no more.
func newNonce() (*big.Int, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(b[:]), nil
}
