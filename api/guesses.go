package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/absah-id/absah/gateway"
)

// guesses bounds the failed authentications of one address. Credentials that
// held lately are always looked at, so that nobody can lock out an application
// whose network they share. It may be used by several goroutines.
type guesses struct {
	failures *addressLimiter

	mu   sync.Mutex
	held map[[32]byte]struct{} // digests of proofs that held; guarded by mu
}

// maxHeld bounds the memory of proofs; when it is full it begins anew.
const maxHeld = 4096

func newGuesses(perMinute int) *guesses {
	return &guesses{failures: newAddressLimiter(perMinute), held: map[[32]byte]struct{}{}}
}

// admit returns how long a proof must wait before it is looked at; zero: not at
// all.
func (g *guesses) admit(id [32]byte, address string, now time.Time) time.Duration {
	g.mu.Lock()
	_, known := g.held[id]
	g.mu.Unlock()
	if known {
		return 0
	}
	return g.failures.wait(address, now)
}

// settle remembers what became of a proof.
func (g *guesses) settle(id [32]byte, address string, holds bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !holds {
		delete(g.held, id)
		g.failures.take(address, now)
		return
	}
	if len(g.held) >= maxHeld {
		clear(g.held)
	}
	g.held[id] = struct{}{}
}

// authenticate asks who shows a proof. After too many failures of its address it
// is not even looked at.
func (s *Server) authenticate(ctx context.Context, p gateway.Proof) (gateway.Caller, error) {
	id := p.Digest()
	if wait := s.guesses.admit(id, p.Address, time.Now()); wait > 0 {
		return gateway.Caller{}, &gateway.Error{Code: gateway.CodeRate, Text: "Too many failed authentications from this address.", Retry: wait}
	}
	caller, err := s.cfg.Gateway.Authenticate(ctx, p)
	var e *gateway.Error
	if err == nil || errors.As(err, &e) && e.Code == gateway.CodeUnauthenticated {
		s.guesses.settle(id, p.Address, err == nil, time.Now())
	}
	return caller, err
}
