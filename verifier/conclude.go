package verifier

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// validate runs the processes of §5.3 to §5.6 over everything found.
func (r *run) validate() {
	for _, w := range r.work {
		for _, t := range w.tokens() {
			r.basicStamp(t)
		}
	}
	r.proveExistence()
	for _, w := range r.work {
		if w.own != nil || w.j.Signature.Kind == pades.KindDocTimestamp {
			r.validateTimestamp(w)
		} else {
			r.validateSignature(w)
		}
	}
}

func (r *run) validateSignature(w *work) {
	basic := newBlock("BASIC", "5.3", w.sig.Field)
	w.basic = r.basicSignature(w, basic)
	basic.Conclusion = w.basic
	ltv := newBlock("LTV", "5.5", w.sig.Field)
	ltv.sub(basic)
	w.ltv, w.best = r.withTime(w, ltv)
	ltv.Conclusion = w.ltv
	w.process = newBlock("ARCHIVAL", "5.6", w.sig.Field)
	w.process.sub(ltv)
	w.out.Conclusion, w.out.BestTime = r.withArchival(w, w.process)
	r.warnOfTime(w)
	r.insist(w)
	w.process.Conclusion = w.out.Conclusion
}

// warnOfTime says when the signer's own word about the time cannot be right. It
// is never more than a word (M11).
func (r *run) warnOfTime(w *work) {
	claimed := w.out.ClaimedTime
	if claimed.After(w.out.BestTime.Add(r.v.cfg.Policy.ClockSkew)) {
		w.warn("claimed-time", "the signer states "+claimed.Format(time.RFC3339)+", after the signature provably existed")
	}
	if !claimed.IsZero() && w.cert != nil && !within(w.cert, claimed) {
		w.warn("claimed-time", "the signer states "+claimed.Format(time.RFC3339)+", when the certificate was not valid")
	}
}

// validateTimestamp makes the verdict about a document timestamp from its
// token's and from format checking.
func (r *run) validateTimestamp(w *work) {
	w.process = newBlock("TIMESTAMP", "5.4", w.sig.Field)
	c := r.format(w, w.process.sub(newBlock("FC", "5.2.2", "")))
	if w.own != nil && w.own.err == nil {
		w.out.BestTime = earliest(r.at, w.own.out.Time)
		if !w.own.counts {
			w.out.BestTime = r.poeOf(w, w.out.Conclusion)
		}
	}
	if c.ok() && w.own != nil {
		w.process.sub(w.own.out.Process)
		c = w.own.out.Conclusion
	}
	if c.ok() && w.mistyped() {
		c = indeterminate(SigConstraintsFailure, reasonf("type-subfilter", "/Type and /SubFilter contradict each other"))
	}
	w.out.Conclusion = c
	r.insist(w)
	w.process.Conclusion = w.out.Conclusion
}

// insist is the last line: whatever the processes found, nothing passes whose
// digest and value have not been seen to hold.
func (r *run) insist(w *work) {
	if w.out.ok() && !w.out.Intact {
		w.out.Conclusion = indeterminate(SigConstraintsFailure, reasonf("not-intact", "digest or signature value could not be verified"))
	}
}

// conclude writes the report: levels, the effect of later signatures on
// earlier ones, warnings, and the verdict of the file.
func (r *run) conclude(judged *pades.DocumentJudgement) {
	for _, w := range r.work {
		w.out.Process = w.process
		w.out.Level = r.level(w)
		for _, t := range w.tokens() {
			w.out.Timestamps = append(w.out.Timestamps, t.out)
		}
		for _, e := range w.warnings {
			why := ruleWarning(e)
			w.warn(why.Code, why.Text)
		}
		for _, f := range w.j.Warnings {
			w.warn(f.Code, f.Text)
		}
		r.report.Signatures = append(r.report.Signatures, w.out)
	}
	r.explainRevisions()
	if len(r.work) > 0 {
		r.activeContent()
	}
	for _, ref := range judged.Orphans {
		r.note("orphan", "object "+ref.String()+" looks like a signature, but no field of the form refers to it")
	}
	for _, f := range judged.Warnings {
		r.note(f.Code, f.Text)
	}
	for _, f := range judged.Damage {
		r.damaged(f)
	}
	r.spoilByLimits()
	r.report.Verdict = r.verdict()
	r.describe()
}

// spoilByLimits lets nothing pass of which a part was not looked at.
func (r *run) spoilByLimits() {
	if r.evidence.full {
		r.exceeded("not all of the embedded evidence could be looked at")
	}
	if r.session.Exhausted() {
		r.exceeded("the certificates and revocation data ask for more checks than a file is given")
	}
	if r.network != nil && r.network.over {
		r.exceeded("there are more certificates than are asked about")
	}
	for _, text := range r.limits {
		for _, w := range r.work {
			r.spoil(w, limited(text))
		}
	}
}

// damaged is for a form of which only a part could be read: there may be
// signatures in the rest.
func (r *run) damaged(f pades.Finding) {
	r.note(f.Code, "the form is damaged; there may be more signatures than are listed: "+f.Text)
	c := failed(FormatFailure, Reason{f.Code, f.Text})
	if f.Limit {
		c = limited(f.Text)
	}
	for _, w := range r.work {
		r.spoil(w, c)
	}
}

// spoil makes a verdict that was PASSED, or less bad, that of c.
func (r *run) spoil(w *work, c Conclusion) {
	if w.out.ok() || c.Indication == Failed && w.out.Indication != Failed {
		w.out.Conclusion = c
		return
	}
	w.out.Conclusion = w.out.because(c.Reasons...)
}

// explainRevisions makes sure that a change which only a later signature
// explains rests on one that is itself valid, from the last to the first. An
// annotation that DocMDP allows is still a change of what is seen.
func (r *run) explainRevisions() {
	for _, w := range slices.Backward(r.work) {
		if w.j.Level == diff.LevelAnnotation {
			r.spoil(w, indeterminate(SigConstraintsFailure, reasonf("annotated-after-signing", "annotations were added after the signature")))
		}
		for _, f := range w.j.Unvouched {
			r.spoil(w, indeterminate(SigConstraintsFailure, Reason{f.Code, f.Text}))
		}
		for _, name := range w.j.AddedSignatures {
			r.explainBy(w, name)
		}
	}
}

// explainBy holds w against every other signature in the field called name: a
// hostile form may have two such fields.
func (r *run) explainBy(w *work, name string) {
	found := false
	for _, later := range r.work {
		if later == w || later.sig.Field != name || later.sig.Revision != 0 && later.sig.Revision <= w.sig.Revision {
			continue
		}
		found = true
		switch {
		case later.out.ok():
		case later.sig.Kind == pades.KindDocTimestamp && later.out.Indication != Failed:
			// It adds nothing that is seen: an archive renewal whose own
			// proof has lapsed leaves the signature as good as it is.
			w.warn("later-timestamp", "the document timestamp "+display(name)+" is "+later.out.String())
		default:
			r.spoil(w, indeterminate(SigConstraintsFailure, reasonf("later-signature",
				"the later %s %q is %s", later.out.Kind, display(name), later.out.Conclusion)))
		}
	}
	if !found {
		r.spoil(w, indeterminate(SigConstraintsFailure, reasonf("later-signature", "the later signature %q cannot be judged", display(name))))
	}
}

func (r *run) verdict() Verdict {
	counted := slices.DeleteFunc(slices.Clone(r.report.Signatures), func(s *Signature) bool { return s.Kind != KindSignature })
	if len(counted) == 0 {
		counted = r.report.Signatures
	}
	if len(counted) == 0 {
		return NoSignature
	}
	worst := TotalPassed
	for _, s := range counted {
		switch s.Indication {
		case Passed:
		case Failed:
			return TotalFailed
		default:
			worst = VerdictUndetermined
		}
	}
	return worst
}

// level is the baseline level that a signature's material reaches (EN 319
// 142-1 §6.3). A timestamp that has failed is no material.
func (r *run) level(w *work) string {
	switch {
	case w.sig.Kind == pades.KindDocTimestamp:
		return "DOC-TIMESTAMP"
	case w.sig.SubFilter != pades.SubFilterCAdES:
		return "PKCS7"
	}
	const baseline = "PAdES-BASELINE-"
	stamped := slices.ContainsFunc(w.stamps, func(t *token) bool {
		return t.out.Kind == "signature" && t.out.Indication != Failed
	})
	over := r.stampsOver(w)
	if !stamped && len(over) == 0 {
		return baseline + "B"
	}
	store, ok := r.storeFor(w)
	if !ok {
		return baseline + "T"
	}
	for _, n := range over {
		if inRevision(n) >= store {
			return baseline + "LTA"
		}
	}
	return baseline + "LT"
}

// stampsOver lists the revisions of document timestamps over a signature.
func (r *run) stampsOver(w *work) (revisions []int) {
	for _, x := range r.work {
		if x.own != nil && w.sig.Revision > 0 && x.sig.Revision > w.sig.Revision && x.out.Indication != Failed {
			revisions = append(revisions, x.sig.Revision)
		}
	}
	return revisions
}

// storeFor tells from where on the security stores hold revocation data about
// every certificate that the signature rests on: the signer's and, as far as
// paths are known, the authorities' and those of its time-stamps.
func (r *run) storeFor(w *work) (at place, ok bool) {
	if w.cert == nil {
		return 0, false
	}
	links := r.linksOf(w.chain, w.cert)
	for _, t := range w.stamps {
		if t.out.Kind == "signature" && t.counts {
			links = append(links, r.linksOf(t.chain, t.cert)...)
		}
	}
	for _, l := range links {
		if pki.NeverRevoked(l.cert) {
			continue
		}
		first, held := r.inStore(l)
		if !held {
			return 0, false
		}
		at = max(at, first)
	}
	if at == 0 { // none needs any
		return r.firstStore, r.firstStore > 0
	}
	return at, true
}

// linksOf returns the path that was found, or else the certificate below each
// of the few that may be its issuer's.
func (r *run) linksOf(c *chainResult, cert *x509.Certificate) []link {
	if c != nil && len(c.links) > 0 {
		return c.links
	}
	for _, issuer := range append(r.evidence.certs, r.v.anchors(pki.Signing).Certificates()...) {
		if string(issuer.RawSubject) == string(cert.RawIssuer) && r.session.CheckIssued(cert, issuer) == nil {
			return []link{{cert: cert, issuer: issuer}}
		}
	}
	return []link{{cert: cert}}
}

// stored is where a security store holds revocation data about a certificate.
type stored struct {
	at    place
	found bool
}

// inStore finds the earliest revocation data about a certificate in a security
// store. It need not be acceptable: the level says what is there.
func (r *run) inStore(l link) (at place, found bool) {
	key := statusKey{cert: l.cert, issuer: l.issuer}
	if s, known := r.storeCache[key]; known {
		return s.at, s.found
	}
	defer func() { r.storeCache[key] = stored{at, found} }()
	for _, i := range r.evidence.items {
		store := i.place != outside && i.place%2 == 0
		if !store || found && i.place >= at {
			continue
		}
		if i.crl != nil && string(i.crl.RawIssuer) == string(l.cert.RawIssuer) ||
			i.ocsp != nil && l.issuer != nil && i.ocsp.Covers(l.cert, l.issuer) {
			at, found = i.place, true
		}
	}
	return at, found
}
