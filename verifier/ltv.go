package verifier

import (
	"time"

	"github.com/absah-id/absah/pki"
)

// continuable are the results of the basic process that proofs of existence
// may change (§5.5.4 step 2).
var continuable = []SubIndication{
	CryptoNoPOE, RevokedNoPOE, RevokedCANoPOE, TryLater, OutOfBoundsNoPOE, OutOfBoundsNotRevoked,
}

// withTime is the validation process for signatures with time (§5.5). It
// returns the conclusion and the best signature time.
func (r *run) withTime(w *work, b *Block) (Conclusion, time.Time) {
	basic := w.basic
	if w.chain == nil || !basic.ok() && !basic.is(continuable...) {
		return basic, r.at
	}
	best := r.at
	for _, t := range w.stamps {
		if t.out.Kind == "signature" && t.out.ok() && t.out.Time.Before(best) && !(t.lapsed && w.revoked(basic)) {
			best = t.out.Time
		}
	}
	b.holdf("best-signature-time", "%s", best.Format(time.RFC3339))
	c := r.atBestTime(w, basic, best)
	if c.ok() {
		c = r.order(w, best)
	}
	if c.ok() {
		c = r.delay(w, best)
	}
	if c.ok() {
		c = r.evidenceAt(w, b.sub(newBlock("RFC", "5.2.5", "")), best)
	}
	if c.ok() {
		c = r.acceptance(w, b.sub(newBlock("SAV", "5.2.8", "")), best)
	}
	if c.ok() {
		c = r.algorithmsNow(w)
	}
	return c, best
}

// atBestTime is step 4 of §5.5.4: what the basic process found, seen from the
// best signature time.
func (r *run) atBestTime(w *work, basic Conclusion, best time.Time) Conclusion {
	if best.Before(w.cert.NotBefore) && !basic.is(CryptoNoPOE, TryLater) {
		return failed(NotYetValid, reasonf("certificate-validity", "signed by %s, before the certificate became valid on %s",
			best.Format(time.RFC3339), w.cert.NotBefore.UTC().Format(time.RFC3339)))
	}
	if w.chain == nil { // no path was found that a later time could mend
		return basic
	}
	switch {
	case basic.is(RevokedNoPOE, RevokedCANoPOE), basic.is(TryLater) && !w.chain.revokedAt.IsZero():
		// Of the certificates that are revoked the basic process names one; each
		// must have been good.
		if i := revokedBy(w.chain.links, best); i >= 0 {
			return revokedConclusion(w.chain.links, i)
		}
	case basic.is(OutOfBoundsNoPOE):
		return basic
	case basic.is(CryptoNoPOE):
		// Weak certificates and revocation data stay so: algorithmsNow.
		for _, a := range r.ownAlgorithms(w) {
			if !r.v.catalogue.reliable(a, best) {
				return basic
			}
		}
	}
	for i, l := range w.chain.links {
		if within(l.cert, best) {
			continue
		}
		why := reasonf("certificate-validity", "the certificate of %s was not valid at %s", display(l.cert.Subject.CommonName), best.Format(time.RFC3339))
		if i > 0 && basic.is(OutOfBoundsNotRevoked) {
			return basic
		}
		return indeterminate(OutOfBoundsNotRevoked, why)
	}
	return passed()
}

// order is step 5: content time-stamps come before the signature's, and those
// over later revisions after it. Authorities' clocks may differ by the
// policy's skew.
func (r *run) order(w *work, best time.Time) Conclusion {
	skew := r.v.cfg.Policy.ClockSkew
	for _, t := range w.stamps {
		if !t.counts {
			continue
		}
		if t.out.Kind == "content" && t.out.Time.After(best) {
			return indeterminate(TimestampOrderFailure, reasonf("timestamp-order",
				"the content time-stamp of %s is later than the signature's", t.out.Time.Format(time.RFC3339)))
		}
		for _, x := range r.work {
			over := x.own != nil && x.own.counts && w.sig.Revision > 0 && x.sig.Revision > w.sig.Revision
			if over && t.out.Time.After(x.own.out.Time.Add(skew)) {
				return indeterminate(TimestampOrderFailure, reasonf("timestamp-order",
					"the document time-stamp of %s is earlier than the signature's", x.own.out.Time.Format(time.RFC3339)))
			}
		}
	}
	return passed()
}

// delay is step 6, when the policy asks for it.
func (r *run) delay(w *work, best time.Time) Conclusion {
	limit := r.v.cfg.Policy.TimestampDelay
	if limit == 0 {
		return passed()
	}
	if w.out.ClaimedTime.IsZero() || w.out.ClaimedTime.Add(limit).Before(best) {
		return indeterminate(SigConstraintsFailure, reasonf("timestamp-delay",
			"the time-stamp is not within %s of the claimed signing time", limit))
	}
	return passed()
}

// evidenceAt is step 7: revocation freshness for the best signature time. It
// always runs, since what was known today may have been learnt too early.
func (r *run) evidenceAt(w *work, b *Block, best time.Time) Conclusion {
	for i, l := range w.chain.links {
		if l.err == nil && l.revoked() && l.status.RevokedAt.After(best) {
			continue // that it was revoked later says that it was good then
		}
		if l.err == nil && best.Before(r.at) && r.freshFor(l, best) == aged {
			w.warn("revocation-aged", "the status of the signer's certificate is known as of "+
				l.status.ThisUpdate.UTC().Format(time.RFC3339)+", shortly before the signature")
		}
		if c := r.freshness([]link{l}, best); i == 0 && !c.ok() {
			b.fail(c)
		} else if i > 0 && (l.err != nil || r.freshFor(l, best) == stale) {
			b.fail(r.staleAuthority(l, best))
		}
	}
	return b.Conclusion
}

func (r *run) staleAuthority(l link, at time.Time) Conclusion {
	if l.err != nil {
		return indeterminate(TryLater, reasonf("revocation-unknown", "%v", l.err))
	}
	return indeterminate(TryLater, reasonf("revocation-stale", "the status of the certificate of %s is not known for %s",
		display(l.cert.Subject.CommonName), at.UTC().Format(time.RFC3339)))
}

// algorithmsNow is step 8: certificates and revocation data have no proof of
// existence here, and neither has the validity of the certificates that signed
// them. That of authorities was not looked at where something is revoked.
func (r *run) algorithmsNow(w *work) Conclusion {
	for _, l := range w.chain.links[min(1, len(w.chain.links)):] {
		if !within(l.cert, r.at) {
			return indeterminate(OutOfBoundsNoPOE, validityReason(l.cert))
		}
	}
	if len(w.chain.weak) > 0 {
		return indeterminate(CryptoNoPOE, r.weakReasons(w.chain.weak)...)
	}
	if l := r.responderOutOfBounds(w.chain.links); l != nil {
		return indeterminate(RevocationOutOfBounds, reasonf("responder-validity",
			"the certificate that signed the revocation data of %s has expired", display(l.cert.Subject.CommonName)))
	}
	return passed()
}

// revoked says whether a conclusion about a signature is for a revocation.
func (w *work) revoked(c Conclusion) bool {
	return c.is(RevokedNoPOE, RevokedCANoPOE) || c.is(TryLater) && w.chain != nil && !w.chain.revokedAt.IsZero()
}

// poeOf is when a signature provably existed: the earliest time-stamp that
// counts and is over it alone, or over a later revision. Where c or the basic
// process says that a certificate was revoked, those of signatures that have
// lapsed do not count.
func (r *run) poeOf(w *work, c Conclusion) time.Time {
	best, revoked := r.poe.of(inContents(w.sig.Revision)), w.revoked(c) || w.revoked(w.basic)
	if w.sig.Revision == 0 {
		best = r.at
	}
	for _, t := range w.stamps {
		if t.out.Kind == "signature" && t.counts && t.out.Time.Before(best) && !(t.lapsed && revoked) {
			best = t.out.Time
		}
	}
	return best
}

// purpose is what the key of a work has to be good for.
func (w *work) purpose() pki.Purpose {
	if w.own != nil {
		return pki.Timestamping
	}
	return pki.Signing
}
