package api

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// Headers of our own.
const (
	headerRequest   = "Absah-Request"
	headerOperation = "Absah-Operation"
	headerReceipt   = "Absah-Receipt"
	headerLevel     = "Absah-Level"
	headerShortfall = "Absah-Shortfall"
	headerSHA256    = "Absah-SHA256"
	headerRepeated  = "Absah-Repeated"
	headerUser      = "Absah-User"
	headerKey       = "Idempotency-Key"
)

// Keys of values in a gin.Context.
const (
	keyRequest = "absah.request"
	keyRoute   = "absah.route"
	keyCode    = "absah.code"
)

func requestID(c *gin.Context) string { return c.GetString(keyRequest) }

// identify numbers the request. Numbers of callers are not taken over: two
// requests must never have the same.
func (s *Server) identify(c *gin.Context) {
	id := uuid.Must(uuid.NewV7()).String()
	c.Set(keyRequest, id)
	c.Header(headerRequest, id)
	c.Next()
}

// observe writes one line a request, without what was asked for: addresses
// have identifiers, bodies have everything.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	c.Next()
	took := time.Since(began)
	route, status := c.GetString(keyRoute), c.Writer.Status()
	s.cfg.Metrics.observe(c.Request.Method, route, status, took)
	s.cfg.Logger.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
		slog.String("request", requestID(c)), slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", status), slog.String("code", c.GetString(keyCode)), slog.String("address", c.ClientIP()),
		slog.String("operation", c.Writer.Header().Get(headerOperation)), slog.Duration("took", took))
}

// trace begins the span of a request and returns what ends it. A span says
// which route, operation and status, as the log does, and nothing of what was
// asked for. The sender's trace is continued (W3C Trace Context).
func (s *Server) trace(c *gin.Context, r route) (end func()) {
	ctx := propagation.TraceContext{}.Extract(c.Request.Context(), propagation.HeaderCarrier(c.Request.Header))
	ctx, span := s.cfg.Tracing.Tracer("absah/api").Start(ctx, r.method+" "+r.path, trace.WithSpanKind(trace.SpanKindServer))
	c.Request = c.Request.WithContext(ctx)
	return func() {
		span.SetAttributes(
			attribute.Int("http.response.status_code", c.Writer.Status()), attribute.String("http.route", r.path),
			attribute.String("absah.request", requestID(c)), attribute.String("absah.code", c.GetString(keyCode)),
			attribute.String("absah.operation", c.Writer.Header().Get(headerOperation)))
		span.End()
	}
}

// recover turns a panic into a 500, and tells the log where it was.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler {
			panic(cause)
		}
		s.cfg.Logger.ErrorContext(c.Request.Context(), "panic", "request", requestID(c), "cause", cause, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			s.refuse(c, errors.New("panic"))
		}
		c.Abort()
	}()
	c.Next()
}

// secure sets the headers that every answer has. Pages relax the policy for
// what they need. Behind a proxy that ends TLS the public address tells that there
// is TLS.
func (s *Server) secure(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if c.Request.TLS != nil || strings.HasPrefix(s.cfg.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	c.Next()
}

// addressLimiter bounds what one address may ask without authentication.
type addressLimiter struct {
	perMinute int
	mu        sync.Mutex
	byAddress map[netip.Prefix]*rate.Limiter
}

// maxAddresses bounds the limiter; when it is full it begins anew, which
// forgives everybody once.
const maxAddresses = 100_000

func newAddressLimiter(perMinute int) *addressLimiter {
	return &addressLimiter{perMinute: perMinute, byAddress: map[netip.Prefix]*rate.Limiter{}}
}

// take counts a request and returns how long it must wait; zero: not at all.
func (l *addressLimiter) take(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.bucket(address)
	if bucket == nil {
		return time.Minute
	}
	r := bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// wait returns how long a request would have to wait, and counts none.
func (l *addressLimiter) wait(address string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.bucket(address)
	if bucket == nil {
		return time.Minute
	}
	missing := 1 - bucket.TokensAt(now)
	return max(0, time.Duration(missing/float64(bucket.Limit())*float64(time.Second)))
}

// bucket returns that of an address, nil for what is none or has nothing. The
// caller holds mu.
func (l *addressLimiter) bucket(address string) *rate.Limiter {
	prefix := household(address)
	if !prefix.IsValid() || l.perMinute == 0 {
		return nil
	}
	bucket := l.byAddress[prefix]
	if bucket == nil {
		if len(l.byAddress) >= maxAddresses {
			clear(l.byAddress)
		}
		bucket = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		l.byAddress[prefix] = bucket
	}
	return bucket
}

func sha256Sum(b []byte) [32]byte { return sha256.Sum256(b) }
