package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/gateway"
)

// Config is what a Server serves. Gateway, Spool and PublicURL are needed.
type Config struct {
	Gateway *gateway.Gateway
	// Log serves the tiles of the log under /log/; nil means that there is none.
	Log http.Handler
	// Timestamps is the authority that answers at /tsa (RFC 3161); nil means
	// that there is none.
	Timestamps gateway.Authority
	// Bundle makes the evidence bundle of an operation; nil means none.
	Bundle Bundler
	// Ready tells how the parts of the gateway stand; nil means well.
	Ready func(ctx context.Context) []gateway.Component

	// PublicURL is how citizens reach the gateway, without a slash at the end.
	PublicURL string
	// Office is whose gateway this is, for the head of the pages; "" for none.
	Office string
	// ReportSeal is the seal that reports printed for the public get; "" for
	// none.
	ReportSeal string
	// Zone is that of times in reports for people; nil means UTC+7 (WIB).
	Zone *time.Location
	// Version of the program, for reports.
	Version string
	// TrustedProxies may say whom they speak for.
	TrustedProxies []netip.Prefix

	// Spool is a folder for uploads, Upload the largest one in bytes, and
	// Total what all may take together.
	Spool         string
	Upload, Total int64
	// Requests is how many are worked on at once; zero means 64. One application
	// gets half of them at most.
	Requests int
	// Verifications is how many documents are judged at once, beside Requests;
	// zero means one a processor.
	Verifications int
	// Anonymous is how many verifications a minute one address has without
	// authentication; zero means none.
	Anonymous int
	// Failures is how many failed authentications a minute one address has; zero
	// means 30.
	Failures int

	// Logger gets one line a request; nil means none.
	Logger *slog.Logger
	// Metrics counts requests; nil means that nothing does.
	Metrics *Metrics
	// Tracing follows requests; nil means that nothing does.
	Tracing trace.TracerProvider
}

// Limits of the HTTP side.
const (
	maxHeader      = 32 << 10
	maxRequestPart = 4 << 20 // the JSON part: images of an appearance are in it
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	// slowest is the slowest upload that is waited for, in bytes a second: a
	// village on 2G.
	slowest = 4 << 10
	// waitForTurn is how long a request waits for others to end.
	waitForTurn = 10 * time.Second
	retryBusy   = 5 * time.Second
)

// Server is the HTTP side of a gateway.
type Server struct {
	cfg       Config
	spool     *spool
	engine    *gin.Engine
	signing   *turns // of what uses the HSM
	judging   *turns // of verifications, so that strangers do not take the others'
	reading   *turns // of bundles
	anonymous *addressLimiter
	signIns   *addressLimiter
	guesses   *guesses
	people    *web.Pages // nil until they are mounted
}

// New checks cfg and empties the spool.
func New(cfg Config) (*Server, error) {
	if cfg.Gateway == nil || cfg.Spool == "" || cfg.PublicURL == "" {
		return nil, errors.New("api: Config lacks Gateway, Spool or PublicURL")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Tracing == nil {
		cfg.Tracing = noop.NewTracerProvider()
	}
	if cfg.Zone == nil {
		cfg.Zone = time.FixedZone("WIB", 7*60*60)
	}
	if cfg.Failures == 0 {
		cfg.Failures = 30
	}
	if cfg.Requests == 0 {
		cfg.Requests = 64
	}
	if cfg.Verifications == 0 {
		cfg.Verifications = runtime.GOMAXPROCS(0)
	}
	spool, err := newSpool(cfg.Spool, cfg.Upload, cfg.Total)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, spool: spool, signing: newTurns(cfg.Requests), judging: newTurns(cfg.Verifications), reading: newTurns(8),
		anonymous: newAddressLimiter(cfg.Anonymous), signIns: newAddressLimiter(signInsPerMinute), guesses: newGuesses(cfg.Failures),
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false // it would answer past us
	s.engine.RemoteIPHeaders = []string{"X-Forwarded-For"}
	var proxies []string
	for _, p := range cfg.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if err := s.engine.SetTrustedProxies(proxies); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s.routes()
	if err := s.pages(); err != nil {
		return nil, err
	}
	return s, nil
}

// Spooled returns how many bytes uploads take at present.
func (s *Server) Spooled() int64 { return s.spool.room.held() }

// Handler returns what answers requests.
func (s *Server) Handler() http.Handler { return s.engine }

// HTTP returns a server with the time limits that keep slow clients from
// holding connections; config may be nil for plain HTTP behind a proxy.
func (s *Server) HTTP(config *tls.Config) *http.Server {
	return &http.Server{
		Handler: s.engine, TLSConfig: config, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
}

// route is one operation of the API. The OpenAPI description has exactly
// these.
type route struct {
	method, path string
	handle       func(c *gin.Context) error
	// keyed honours an Idempotency-Key. Elsewhere one is refused: whoever sends
	// it relies on it.
	keyed bool
}

func (s *Server) table() []route {
	return []route{
		{"POST", "/v1/sign", s.sign, true},
		{"POST", "/v1/seal", s.seal, true},
		{"POST", "/v1/timestamp", s.timestamp, false},
		{"POST", "/v1/augment", s.augment, false},
		{"POST", "/v1/verify", s.verify, false},
		{"POST", "/v1/activations", s.activate, false},
		{"POST", "/v1/activations/revoke", s.deactivate, false},
		{"POST", "/v1/batches", s.batch, true},
		{"GET", "/v1/operations", s.operations, false},
		{"GET", "/v1/operations/:id", s.operation, false},
		{"GET", "/v1/operations/:id/evidence", s.evidence, false},
		{"POST", "/v1/documents", s.registerDocument, false},
		{"GET", "/v1/documents/:id", s.document, false},
		{"PATCH", "/v1/documents/:id", s.changeDocument, false},
		{"GET", "/v1/renewals", s.renewals, false},
		{"GET", "/v1/signers", s.signers, false},
		{"GET", "/v1/certificates/:id/status", s.certificateStatus, false},
		{"GET", "/v1/proposals", s.proposals, false},
		{"POST", "/v1/proposals", s.propose, false},
		{"POST", "/v1/proposals/:id/decision", s.decide, false},
		{"GET", "/v1/openapi.json", s.openAPI, false},
		{"GET", "/v1/docs", s.docs, false},
		{"GET", "/healthz", s.healthz, false},
		{"GET", "/readyz", s.readyz, false},
	}
}

func (s *Server) routes() {
	s.engine.Use(s.identify, s.observe, s.recover, s.secure, closeChunked)
	for _, r := range s.table() {
		s.engine.Handle(r.method, r.path, s.run(r))
	}
	if s.cfg.Timestamps != nil {
		s.engine.POST("/tsa", s.run(route{method: "POST", path: "/tsa", handle: s.stamp}))
	}
	if s.cfg.Log != nil {
		s.engine.GET("/log/*path", s.run(route{method: "GET", path: "/log/*path", handle: s.log}))
	}
	s.engine.NoRoute(func(c *gin.Context) {
		if page := pageWithoutSlash(c.Request); page != "" {
			c.Redirect(http.StatusPermanentRedirect, page)
			return
		}
		s.refuse(c, &gateway.Error{Code: gateway.CodeNotFound, Text: "There is nothing at this address."})
	})
	s.engine.NoMethod(func(c *gin.Context) {
		s.refuse(c, &gateway.Error{Code: codeMethod, Text: "This address does not know the method " + c.Request.Method + "."})
	})
}

// run makes a gin handler of a route.
func (s *Server) run(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Set(keyRoute, r.path)
		defer s.trace(c, r)()
		body := pace(c)
		defer body.linger(c)
		err := checkAddress(c)
		if err == nil {
			err = checkHeaders(c, r)
		}
		if err == nil {
			err = r.handle(c)
		}
		if err != nil {
			s.refuse(c, err)
		}
	}
}

// takeTurn waits for a turn to judge a document.
func (s *Server) takeTurn(ctx context.Context) (done func(), err error) {
	return s.judging.take(ctx, "")
}

// checkAddress refuses addresses with what no identifier and no parameter has:
// databases and logs read such bytes each in their own way.
func checkAddress(c *gin.Context) error {
	for _, p := range c.Params {
		if !isText(p.Value) {
			return &gateway.Error{Code: gateway.CodeNotFound, Text: "There is nothing at this address."}
		}
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery) // Query would drop what it cannot read
	if err != nil {
		return invalid("The parameters of the address cannot be read.", err)
	}
	for name, values := range query {
		if len(values) != 1 || !isText(name) || !isText(values[0]) {
			return invalid("Each parameter of the address may occur once, as text.", nil)
		}
	}
	return nil
}

// isText tells whether s is text on one line.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
