package signer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/absah-id/absah/pki"
)

// statusAge is how long a certificate that was found good is not asked about
// again before the key is used. Responders answer from lists that are hours
// old, and what B-LT stores is always asked for anew.
const statusAge = time.Minute

// maxRecent bounds how many certificates are remembered as good. At the bound
// all are forgotten, which costs time only.
const maxRecent = 4096

// certStanding is what is known of a certificate before its key is used.
type certStanding struct {
	chain   []*x509.Certificate // nil without anchors
	shown   pki.Evidence        // by which it was found good; empty when nobody was asked, or answered
	unsure  error               // with Fallback: why nobody could say whether it is revoked
	warning string              // what speaks against it and hinders nothing; "" = nothing
}

// checkStatus builds the path of the signer's certificate and asks whether a
// certificate of it is revoked, as far as anchors and a source are configured:
// nobody shall hold a signature by a revoked certificate, whatever its level.
// With Fallback a source that does not answer is accepted.
func (s *Signer) checkStatus(ctx context.Context, p *plan) (certStanding, error) {
	if s.cfg.Anchors.Len() == 0 {
		return certStanding{}, nil
	}
	if v, ok := s.recent.get(p.Certificate, p.Chain, p.At); ok {
		return certStanding{chain: v.chain, shown: v.shown}, nil
	}
	chain, err := s.path(ctx, p.Certificate, p.Chain, s.cfg.Anchors, p.At, pki.Signing)
	if err != nil {
		return certStanding{}, certificateError(ctx, err, false)
	}
	found := certStanding{chain: chain}
	if s.cfg.Source != nil {
		shown, err := s.collect(ctx, chain, p.At, time.Time{})
		found.shown = pki.Evidence{OCSPs: shown.OCSPs, CRLs: shown.CRLs, Certificates: shown.Certificates[len(chain):]}
		u, unknown := errors.AsType[*unknownStatusError](err)
		if unknown && p.Level < LT && !u.settled() { // the levels that prove nothing about it
			found.warning = CodeStatusUnknown + ": " + u.Error()
			if err = u.err; err == nil {
				found.warning += " A revocation list calls it good."
				return found, nil // not to be remembered for other levels
			}
		}
		if err != nil {
			err = certificateError(ctx, err, false)
			if _, down := errors.AsType[*UnavailableError](err); !down || !p.Fallback {
				return certStanding{}, err
			}
			found.unsure = err
			return found, nil
		}
	}
	s.recent.put(p.Certificate, vouched{slices.Clone(p.Chain), chain, found.shown, p.At})
	return found, nil
}

// recent remembers the paths of certificates that were found good. The zero
// value is empty; it may be used by several goroutines.
type recent struct {
	mu   sync.Mutex
	good map[string][]vouched // by the certificate's DER; guarded by mu
}

// maxPools is how many lists of other certificates, each sent with the same
// certificate, are remembered.
const maxPools = 4

// vouched is a path all of whose certificates were good at a moment.
type vouched struct {
	pool  []*x509.Certificate // that the certificate was sent with
	chain []*x509.Certificate // leaf to anchor
	shown pki.Evidence        // by which all were found good
	at    time.Time
}

// get returns the path found within statusAge of the moment, unless leaf came
// with other certificates then or the moment is outside the validity of one on
// the path.
func (r *recent) get(leaf *x509.Certificate, pool []*x509.Certificate, at time.Time) (v vouched, ok bool) {
	r.mu.Lock()
	all := r.good[string(leaf.Raw)]
	r.mu.Unlock()
	i := slices.IndexFunc(all, func(v vouched) bool { return v.with(pool) })
	if i < 0 || at.Sub(all[i].at).Abs() > statusAge {
		return vouched{}, false
	}
	v = all[i]
	for _, c := range v.chain[:len(v.chain)-1] { // an anchor's validity does not matter
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return vouched{}, false
		}
	}
	return v, true
}

func (r *recent) put(leaf *x509.Certificate, v vouched) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.good == nil || len(r.good) >= maxRecent {
		r.good = make(map[string][]vouched)
	}
	all := []vouched{v} // new, since get reads without the lock
	for _, old := range r.good[string(leaf.Raw)] {
		if len(all) < maxPools && !old.with(v.pool) {
			all = append(all, old)
		}
	}
	r.good[string(leaf.Raw)] = all
}

func (v vouched) with(pool []*x509.Certificate) bool {
	return slices.EqualFunc(pool, v.pool, (*x509.Certificate).Equal)
}

// collect is pki.Collect, but asks nothing about a leaf that is never revoked,
// and tells a status that nobody publishes from one that is not to be had now.
func (s *Signer) collect(ctx context.Context, chain []*x509.Certificate, at, notBefore time.Time) (pki.Evidence, error) {
	asked := chain
	if pki.NeverRevoked(chain[0]) {
		asked, notBefore = chain[1:], time.Time{}
	}
	ev := pki.Evidence{Certificates: slices.Clone(chain)} // Add must not grow into the remembered path
	if len(asked) < 2 {
		return ev, nil
	}
	w := &watch{Source: s.cfg.Source, path: asked, at: at}
	found, err := pki.Collect(ctx, asked, w, at, notBefore)
	if err == nil {
		ev.Add(found)
	}
	err = w.verdict(err)
	if u, ok := errors.AsType[*pki.UnavailableError](err); ok && !hasPointer(u.Certificate) {
		return ev, &unprovableError{u}
	}
	return ev, err
}

// unprovableError says that a certificate names nobody who could be asked
// about it, and the source knew of nobody either.
type unprovableError struct{ err *pki.UnavailableError }

func (e *unprovableError) Error() string {
	return fmt.Sprintf("The certificate of %q names neither an OCSP responder nor a revocation list, so nobody can say whether it is revoked.",
		e.err.Certificate.Subject.CommonName)
}

func (e *unprovableError) Unwrap() error { return e.err }

func hasPointer(c *x509.Certificate) bool {
	return len(c.OCSPServer)+len(c.CRLDistributionPoints) > 0
}
