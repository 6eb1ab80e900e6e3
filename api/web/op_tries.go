package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/absah-id/absah/gateway"
)

const (
	// defaultTries is enough for an office whose staff begin work together
	// behind one address.
	defaultTries = 30
	// maxNetworks bounds the memory of tries; when it is full it begins anew,
	// which forgives everybody once.
	maxNetworks = 10_000
)

// tries bounds how often a network tries to sign in, whoever it names: what it
// guesses costs much memory and time to check. What bounds the guesses at one
// name is the gateway's. It may be used by several goroutines.
type tries struct {
	perMinute int

	mu        sync.Mutex
	byNetwork map[netip.Prefix]*rate.Limiter // guarded by mu
}

func newTries(perMinute int) *tries {
	if perMinute == 0 {
		perMinute = defaultTries
	}
	return &tries{perMinute: perMinute, byNetwork: map[netip.Prefix]*rate.Limiter{}}
}

// admit counts a try from an address. The error is a *gateway.Error that says
// when the next one is taken.
func (t *tries) admit(address string, at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.network(address).ReserveN(at, 1)
	wait := r.DelayFrom(at)
	if wait <= 0 {
		return nil
	}
	r.CancelAt(at)
	return &gateway.Error{Code: gateway.CodeRate, Text: "Too many tries to sign in from this address.", Retry: wait}
}

// network returns what is left to an address: to itself in IPv4, to its /64 in
// IPv6, of which one household has all. What is no address shares one. The caller
// holds mu.
func (t *tries) network(address string) *rate.Limiter {
	var network netip.Prefix
	if a, err := netip.ParseAddr(address); err == nil {
		bits := 64
		if a = a.Unmap().WithZone(""); a.Is4() {
			bits = 32
		}
		network, _ = a.Prefix(bits) // never too long
	}
	left := t.byNetwork[network]
	if left == nil {
		if len(t.byNetwork) >= maxNetworks {
			clear(t.byNetwork)
		}
		left = rate.NewLimiter(rate.Limit(float64(t.perMinute)/60), t.perMinute)
		t.byNetwork[network] = left
	}
	return left
}
