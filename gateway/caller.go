package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/absah-id/absah/evidence"
)

// Proof is what a caller shows of itself. Every part that is there must hold
// and be of the same application: a stolen key beside a foreign certificate is
// worth nothing.
type Proof struct {
	Key                string // API key
	Username, Password string // HTTP Basic
	// Certificate is the SHA-256 of the SubjectPublicKeyInfo of a client
	// certificate whose possession and path the TLS layer has checked.
	Certificate [32]byte
	// Spoilt says that something was shown that cannot be read: nothing holds.
	Spoilt bool

	Address string // of the peer
	User    string // on whose behalf, as the application says; not verified
}

// Caller is an application that has proved itself, or a member of staff who
// has signed in.
type Caller struct {
	Application    Application
	Authentication string // key, basic, mtls, or several joined by "+"
	Address        string
	// User is on whose behalf an application asks, or "staff:" and the
	// identifier of the member of staff.
	User string
	// Staff is the identifier of the member of staff; "" for an application,
	// which Application then is. A member's has only organisation and role.
	Staff string
}

// callerTTL is how long a proof is believed without asking the database, and
// so how long a revoked credential goes on working.
const callerTTL = 2 * time.Second

// maxCallers bounds the cache; it is emptied when full.
const maxCallers = 1024

type cachedCaller struct {
	caller Caller
	until  time.Time
}

type callerCache struct {
	mu    sync.Mutex
	byKey map[[32]byte]cachedCaller
}

func (c *callerCache) get(k [32]byte, now time.Time) (Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hit, ok := c.byKey[k]
	return hit.caller, ok && now.Before(hit.until)
}

func (c *callerCache) put(k [32]byte, v Caller, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byKey) >= maxCallers {
		clear(c.byKey)
	}
	c.byKey[k] = cachedCaller{v, now.Add(callerTTL)}
}

// Digest is what a proof is remembered by: the SHA-256 of all that is shown, and
// of whether it can be read. It discloses no secret.
func (p Proof) Digest() [32]byte {
	h := sha256.New()
	for _, part := range []string{p.Key, p.Username, p.Password, string(p.Certificate[:])} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	if p.Spoilt {
		h.Write([]byte{1})
	}
	return [32]byte(h.Sum(nil))
}

// Authenticate finds the application that a proof belongs to, and counts the
// request against its rate. Whatever is wrong with the proof, the answer is
// the same; what it was is on record.
func (g *Gateway) Authenticate(ctx context.Context, p Proof) (Caller, error) {
	now, err := g.clock.present()
	if err != nil {
		return Caller{}, err
	}
	if p.Spoilt {
		g.recordDenied(ctx, Caller{Address: p.Address}, "authenticate", "unreadable credentials")
		return Caller{}, errorf(CodeUnauthenticated, "The credentials do not hold.")
	}
	k := p.Digest()
	caller, ok := g.callers.get(k, now)
	if !ok {
		if caller, err = g.prove(ctx, p, now); err != nil {
			return Caller{}, err
		}
		g.callers.put(k, caller, now)
	}
	caller.Address, caller.User = p.Address, p.User
	perMinute := caller.Application.Policy.RatePerMinute
	setDefault(&perMinute, g.cfg.Rate)
	if wait := g.limiters.take(caller.Application.ID, perMinute, now); wait > 0 {
		return Caller{}, &Error{Code: CodeRate, Text: "Too many requests.", Retry: wait}
	}
	return caller, nil
}

// prove asks the database.
func (g *Gateway) prove(ctx context.Context, p Proof, now time.Time) (Caller, error) {
	var (
		proofs []shown
		app    Application
		kinds  []string
		why    string
	)
	if proofs = p.shown(); len(proofs) == 0 {
		return Caller{}, errorf(CodeUnauthenticated, "Authentication is needed.")
	}
	err := g.cfg.Store.View(ctx, AllOrganisations, func(r Reader) error {
		app, kinds, why = Application{}, nil, ""
		for i, s := range proofs {
			c, a, err := r.Credential(ctx, s.kind, s.lookup)
			switch {
			case errors.Is(err, ErrNotFound):
				why = "unknown " + string(s.kind)
			case errors.Is(err, ErrForged):
				g.cfg.Log.ErrorContext(ctx, "ALARM: a credential or application that no gateway wrote", "error", err)
				why = "forged " + string(s.kind)
			case err != nil:
				return err
			case s.kind != CredentialMTLS && subtle.ConstantTimeCompare(s.hash[:], c.Hash[:]) != 1:
				why = "wrong " + string(s.kind)
			case !c.RevokedAt.IsZero() || ended(c.ExpiresAt, now):
				why = "revoked or expired " + string(s.kind)
			case !a.RevokedAt.IsZero() || ended(a.ExpiresAt, now):
				why = "revoked or expired application"
			case i > 0 && a.ID != app.ID:
				why = "credentials of two applications"
			}
			if app.ID == "" {
				app = a
			}
			kinds = append(kinds, string(s.kind))
		}
		if why == "" && app.RequireMTLS && !slices.Contains(kinds, string(CredentialMTLS)) {
			why = "client certificate missing"
		}
		return nil
	})
	if err != nil {
		return Caller{}, fromStore(err)
	}
	caller := Caller{Application: app, Authentication: strings.Join(kinds, "+"), Address: p.Address}
	if why != "" {
		g.recordDenied(ctx, caller, "authenticate", why)
		return Caller{}, errorf(CodeUnauthenticated, "The credentials do not hold.")
	}
	return caller, nil
}

func ended(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// shown is one part of a proof.
type shown struct {
	kind   CredentialKind
	lookup string
	hash   [32]byte
}

func (p Proof) shown() []shown {
	var parts []shown
	if p.Key != "" {
		prefix, secret := splitKey(p.Key)
		parts = append(parts, shown{CredentialKey, prefix, sha256.Sum256([]byte(secret))})
	}
	if p.Username != "" || p.Password != "" {
		parts = append(parts, shown{CredentialBasic, p.Username, sha256.Sum256([]byte(p.Password))})
	}
	if p.Certificate != ([32]byte{}) {
		parts = append(parts, shown{kind: CredentialMTLS, lookup: hex.EncodeToString(p.Certificate[:])})
	}
	return parts
}

// keyPrefix begins every API key, so that scanners for leaked secrets find it.
const keyPrefix = "absah_"

// splitKey separates the public part of an API key from the secret one.
func splitKey(key string) (lookup, secret string) {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	lookup, secret, found := strings.Cut(rest, "_")
	if !ok || !found || len(lookup) > 32 {
		return "", ""
	}
	return lookup, secret
}

// limiters hold one bucket for each application.
type limiters struct {
	mu   sync.Mutex
	byID map[string]*limiter
}

type limiter struct {
	*rate.Limiter
	perMinute int
}

// take counts a request and returns how long it must wait; zero: not at all.
func (l *limiters) take(id string, perMinute int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.byID[id]
	if bucket == nil || bucket.perMinute != perMinute {
		// A burst of a sixth of a minute's requests, as clients send batches.
		bucket = &limiter{rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(1, perMinute/6)), perMinute}
		l.byID[id] = bucket
	}
	r := bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// allow demands a role.
func (g *Gateway) allow(ctx context.Context, c Caller, act string, roles ...Role) error {
	if slices.Contains(roles, c.Application.Role) {
		return nil
	}
	g.recordDenied(ctx, c, act, "role "+string(c.Application.Role))
	return errorf(CodeForbidden, "The %s may not do this.", c.who())
}

// who is how a caller is spoken of.
func (c Caller) who() string {
	if c.Staff != "" {
		return string(c.Application.Role)
	}
	return "application"
}

// recordDenied puts a refused access on record. That it cannot be recorded
// does not change the refusal; operators learn of it from the log.
func (g *Gateway) recordDenied(ctx context.Context, c Caller, act, why string) {
	g.cfg.Log.WarnContext(ctx, "access denied", "act", act, "why", why, "application", c.Application.ID, "staff", c.Staff, "address", c.Address)
	known := c.Staff != "" && c.Authentication != "none" // whose every page is a record anyway
	if !known && !g.denials.Allow() {
		return // a flood of bad keys must not fill the log of evidence
	}
	// Who hangs up at once is on record all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	err := g.record(ctx, c, evidence.Record{
		Kind: "access.denied", Result: evidence.Result{Status: evidence.StatusRefused, Code: string(CodeForbidden)},
		Detail: map[string]string{"act": act, "why": why},
	})
	if err != nil {
		g.cfg.Log.ErrorContext(ctx, "denied access not recorded", "error", err)
	}
}
