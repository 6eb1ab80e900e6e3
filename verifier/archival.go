package verifier

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/absah-id/absah/pki"
)

// archivable are the results that the process for signatures with archival
// data goes on from (§5.6.3.4 step 3).
var archivable = []SubIndication{
	RevokedNoPOE, RevokedCANoPOE, OutOfBoundsNoPOE, OutOfBoundsNotRevoked, CryptoNoPOE,
	RevocationOutOfBounds, NoChainFoundNoPOE, SigConstraintsFailure, TryLater,
}

// provable are the results of a time-stamp that newer ones may mend (§5.6.3.4
// step 5 b).
var provable = []SubIndication{
	RevokedNoPOE, RevokedCANoPOE, OutOfBoundsNoPOE, OutOfBoundsNotRevoked, CryptoNoPOE, RevocationOutOfBounds, NoChainFoundNoPOE,
}

// proveExistence takes the time-stamps from the newest to the oldest and
// collects what they prove (§5.6.3.4 step 5): one that holds today counts, and
// one that does not is tried with past signature validation on what the newer
// ones have proved.
func (r *run) proveExistence() {
	for _, w := range slices.Backward(r.work) {
		if w.own != nil && len(w.j.Structure) == 0 && w.sig.Revision > 0 && !w.mistyped() {
			r.proveToken(w.own, inContents(w.sig.Revision))
			if w.own.counts {
				r.poe.add(inRevision(w.sig.Revision), w.own.out.Time)
			}
		}
	}
	for _, w := range r.work {
		for _, t := range w.stamps {
			if w.sig.Revision > 0 {
				r.proveToken(t, t.at)
				t.lapsed = t.chain != nil && r.lapsed(t, r.poe.of(t.at))
			}
		}
	}
}

// lapsed says whether of the authority of a signature's time-stamp no status is
// known for the moment at which the token provably existed. Its own time is its
// word: who stole its key, and had it revoked since, writes any. Where nothing
// contradicts such a token it counts; it undoes no revocation. Time-stamps over
// the document are the archive's own, of which the standard asks no more than
// what they hold (§5.6.3).
func (r *run) lapsed(t *token, existed time.Time) bool {
	for _, l := range t.chain.links {
		switch {
		case l.err != nil, l.revoked() && !existed.Before(l.status.RevokedAt):
			return true
		case !l.revoked() && r.freshFor(l, existed) == stale:
			return true
		}
	}
	return false
}

// proveToken decides whether a token counts, given where it stands.
func (r *run) proveToken(t *token, at place) {
	if t.counts || t.chain == nil || !t.out.is(provable...) {
		return
	}
	poe := r.poe.of(at)
	b := t.out.Process.sub(newBlock("PSV", "5.6.2.4", ""))
	c := r.pastSignature(past{
		leaf: t.cert, purpose: pki.Timestamping, chain: t.chain, poe: poe,
		known: t.t.Time, current: t.out.Conclusion, own: r.stampAlgorithms(t),
	}, b)
	if !c.ok() {
		return
	}
	sav := b.sub(newBlock("SAV", "5.2.8", ""))
	r.stampAcceptance(t, sav, poe)
	if sav.ok() {
		t.counts = true
		t.out.Conclusion = passed()
		t.out.Process.Conclusion = passed()
	}
}

// withArchival is the validation process for signatures with archival data
// (§5.6.3): what it returns is the last word.
func (r *run) withArchival(w *work, b *Block) (Conclusion, time.Time) {
	poe := r.poeOf(w, w.ltv)
	if w.ltv.ok() || !w.ltv.is(archivable...) || w.chain == nil || !poe.Before(r.at) {
		if poe.Before(w.best) {
			return w.ltv, poe
		}
		return w.ltv, w.best
	}
	b.holdf("best-signature-time", "%s", poe.Format(time.RFC3339))
	c := r.pastSignature(past{
		leaf: w.cert, purpose: w.purpose(), chain: w.chain, poe: poe,
		known: poe, current: w.ltv, own: r.ownAlgorithms(w),
	}, b.sub(newBlock("PSV", "5.6.2.4", "")))
	if c.ok() {
		c = r.order(w, poe)
	}
	if c.ok() {
		c = r.delay(w, poe)
	}
	if c.ok() {
		c = r.acceptance(w, b.sub(newBlock("SAV", "5.2.8", "")), poe)
	}
	return c, poe
}

// past is the question of past signature validation.
type past struct {
	leaf    *x509.Certificate
	purpose pki.Purpose
	chain   *chainResult // as of today
	poe     time.Time    // when the signature or token provably existed
	// known is the moment for which the status of the path must be known: poe,
	// or a token's own time.
	known   time.Time
	current Conclusion  // as of today
	own     []algorithm // that the signature itself rests on
}

// pastSignature is the past signature validation building block (§5.6.2.4): of
// the paths that past certificate validation (§5.6.2.1) lets stand the first on
// which everything holds. It returns PASSED, a new conclusion, or the current one.
func (r *run) pastSignature(p past, b *Block) Conclusion {
	pcv := b.sub(newBlock("PCV", "5.6.2.1", ""))
	var closest Conclusion
	var reached time.Time // the control time of closest; zero without a path
	for _, path := range r.paths(p.leaf, p.purpose).paths {
		links, control := r.pastCertificate(path, p, pcv)
		if links == nil {
			continue
		}
		c := r.concludePast(p, links, control)
		if c.ok() {
			c = r.evidenceInBounds(links)
		}
		if c.ok() {
			b.holdf("control-time", "%s", control.Format(time.RFC3339))
			p.chain.past = links
			return c
		}
		if reached.IsZero() {
			closest, reached = c, control
		}
	}
	if reached.IsZero() {
		pcv.fail(indeterminate(NoCertificateChainFound, reasonf("past-path", "no path can be shown to have been good")))
		b.fail(p.current)
		return p.current
	}
	b.holdf("control-time", "%s", reached.Format(time.RFC3339))
	b.fail(closest)
	return closest
}

// evidenceInBounds is step 1: revocation data counts when it provably existed
// while the certificate that signed it was valid. An anchor's has no end.
func (r *run) evidenceInBounds(links []link) Conclusion {
	for _, l := range links {
		if l.exempt() || l.status.Signer.Equal(l.anchor) {
			continue
		}
		if r.evidence.statusPOE(l.status, &r.poe).After(l.status.Signer.NotAfter) {
			return indeterminate(RevocationOutOfBounds, reasonf("responder-validity",
				"the revocation data of %s is not proven to be older than the end of its signer's certificate", display(l.cert.Subject.CommonName)))
		}
	}
	return passed()
}

// concludePast is steps 3 to 6. The links are what was provably known by the
// control time: so also what is asked after an authority's revocation, that
// the signer's own status existed before it.
func (r *run) concludePast(p past, links []link, control time.Time) Conclusion {
	cur := p.current
	inTime := !p.poe.After(control)
	switch {
	case inTime && cur.is(NoChainFoundNoPOE):
		return r.inValidity(p, links, indeterminate(OutOfBoundsNoPOE, cur.Reasons...))
	case inTime && (cur.is(RevokedNoPOE, RevokedCANoPOE, RevocationOutOfBounds) || cur.is(TryLater) && !p.chain.revokedAt.IsZero()):
		return r.inValidity(p, links, indeterminate(OutOfBoundsNotRevoked, cur.Reasons...))
	case inTime && cur.is(OutOfBoundsNoPOE, OutOfBoundsNotRevoked):
		return r.inValidity(p, links, cur)
	case inTime && cur.is(CryptoNoPOE):
		for _, a := range p.own {
			if !r.v.catalogue.reliable(a, p.poe) {
				return cur
			}
		}
		for _, l := range links {
			for _, w := range r.weaknesses(l) {
				if !r.v.catalogue.reliable(w.algorithm, w.poe(&r.poe)) {
					return cur
				}
			}
		}
		return r.inValidity(p, links, cur)
	case inTime && cur.is(TryLater):
		if c := r.inValidity(p, links, cur); !c.ok() {
			return c
		}
		return r.freshness(links, p.known)
	}
	return cur
}

// inValidity asks that every certificate of the path that was found good was valid
// at the proven time.
func (r *run) inValidity(p past, links []link, otherwise Conclusion) Conclusion {
	if p.poe.Before(p.leaf.NotBefore) {
		return failed(NotYetValid, reasonf("certificate-validity", "existed at %s, before the certificate became valid on %s",
			p.poe.Format(time.RFC3339), p.leaf.NotBefore.UTC().Format(time.RFC3339)))
	}
	for _, l := range links {
		if !within(l.cert, p.poe) {
			return otherwise
		}
	}
	return passed()
}

// pastCertificate is past certificate validation (§5.6.2.1) of one path, whose
// certificates must have been valid together: it lets the validation time slide,
// and returns nil where that cannot be. A path beside the one that the current
// conclusion is about counts only if it was valid when the signature existed: an
// authority's former certificate says nothing of its later ones.
func (r *run) pastCertificate(path []*x509.Certificate, p past, b *Block) (links []link, control time.Time) {
	if !overlap(path) || !p.chain.along(path) && !validAt(path, p.poe) {
		return nil, time.Time{}
	}
	return r.slide(path, p, b.sub(newBlock("VTS", "5.6.2.2", "")))
}

// along reports whether the conclusion is about this path, leaf first.
func (c *chainResult) along(path []*x509.Certificate) bool {
	return slices.EqualFunc(c.links, path[:len(path)-1], func(l link, cert *x509.Certificate) bool { return l.cert == cert })
}

// validAt reports whether the certificates below the anchor were valid at a moment.
func validAt(path []*x509.Certificate, at time.Time) bool {
	return !slices.ContainsFunc(path[:len(path)-1], func(c *x509.Certificate) bool { return !within(c, at) })
}

// overlap reports whether the certificates below the anchor have been valid
// at one time.
func overlap(path []*x509.Certificate) bool {
	for _, a := range path[:len(path)-1] {
		for _, c := range path[:len(path)-1] {
			if a.NotBefore.After(c.NotAfter) {
				return false
			}
		}
	}
	return true
}

// slide is validation time sliding (§5.6.2.2): from the anchor down, the
// control time goes back to the last moment at which everything that is
// relied upon was provably good. Evidence is fresh when it covers the moment
// that the question is about, as everywhere in this policy. It returns the
// control time and, leaf first, what was known by then; nil when something was
// not.
func (r *run) slide(path []*x509.Certificate, p past, b *Block) ([]link, time.Time) {
	control := r.at
	if since, sunk := r.sunset(path, p.purpose); sunk {
		control = since
	}
	links := make([]link, len(path)-1)
	for i := len(path) - 2; i >= 0; i-- {
		l := newLink(path, i, p.purpose)
		name := display(l.cert.Subject.CommonName)
		if r.evidence.certificatePOE(l.cert, &r.poe).After(control) {
			b.fail(indeterminate(NoPOE, reasonf("poe", "the certificate of %s is not proven to have existed by %s", name, control.Format(time.RFC3339))))
			return nil, time.Time{}
		}
		if l.status, l.err = r.revocation(l, control); l.err != nil {
			b.fail(indeterminate(NoPOE, reasonf("poe", "no revocation data of %s is proven to have existed by %s: %v", name, control.Format(time.RFC3339), l.err)))
			return nil, time.Time{}
		}
		switch {
		case l.status.State == pki.Revoked:
			control = earliest(control, l.status.RevokedAt)
		case r.freshFor(l, p.known) == stale:
			control = earliest(control, l.status.ThisUpdate)
		}
		algorithms := []algorithm{
			certificateAlgorithm(l.cert.SignatureAlgorithm, l.issuer), certificateAlgorithm(l.status.Algorithm, l.status.Signer),
		}
		if a, delegated := l.delegation(); delegated {
			algorithms = append(algorithms, a)
		}
		for _, a := range algorithms {
			end, listed := r.v.catalogue.until(a)
			if !listed {
				b.fail(indeterminate(CryptoNoPOE, r.weakReason(a, "the certificate or revocation data of "+name)))
				return nil, time.Time{}
			}
			if !end.IsZero() {
				control = earliest(control, end)
			}
		}
		links[i] = l
		b.holdf("control-time", "%s: %s", name, control.UTC().Format(time.RFC3339))
	}
	return links, control
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
