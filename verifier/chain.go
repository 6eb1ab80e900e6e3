package verifier

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/absah-id/absah/pki"
)

// link is one step of a path: a certificate, its issuer and what is known of
// its revocation.
type link struct {
	cert, issuer *x509.Certificate
	anchor       *x509.Certificate // of the path
	// signer marks the certificate of the document's signer: its status has
	// to be recent, that of authorities only current (see freshFor).
	signer bool
	status pki.Status
	err    error // why there is no status
}

// exempt reports a certificate that is never revoked by its own word, and of
// which nobody says otherwise.
func (l *link) exempt() bool {
	return l.err == nil && l.status.State == pki.Good && l.status.Evidence == nil && pki.NeverRevoked(l.cert)
}

// newLink is the step i of a path, leaf first.
func newLink(path []*x509.Certificate, i int, purpose pki.Purpose) link {
	return link{cert: path[i], issuer: path[i+1], anchor: path[len(path)-1], signer: i == 0 && purpose == pki.Signing}
}

// revoked reports a permanent revocation or a hold.
func (l *link) revoked() bool { return l.err == nil && l.status.State == pki.Revoked }

// chainResult is what X.509 certificate validation (§5.2.6) found at the
// moment of validation.
type chainResult struct {
	Conclusion
	block     *Block
	links     []link // leaf first; empty when there is no path or the leaf is an anchor
	anchored  bool   // some path reaches an anchor
	past      []link // with what was known by the control time, when past validation decided
	revokedAt time.Time
	weak      []weakness // algorithms that are not reliable at the moment of validation
}

// weakness is material whose algorithm is not reliable any more.
type weakness struct {
	algorithm algorithm
	what      string
	cert      *x509.Certificate
	poe       func(*poeSet) time.Time
}

type pathKey struct {
	leaf    *x509.Certificate
	purpose pki.Purpose
}

type foundPaths struct {
	paths [][]*x509.Certificate
	err   error
}

// paths builds the paths of a certificate once. Validity periods are judged
// later, with proofs of existence.
func (r *run) paths(leaf *x509.Certificate, purpose pki.Purpose) foundPaths {
	key := pathKey{leaf, purpose}
	if f, done := r.pathCache[key]; done {
		return f
	}
	f := r.buildPaths(leaf, purpose)
	for len(f.paths) == 0 && pki.RuleOf(f.err) == pki.RuleNoAnchor && r.fetchIssuer(leaf, purpose) {
		f = r.buildPaths(leaf, purpose)
	}
	r.pathCache[key] = f
	return f
}

func (r *run) buildPaths(leaf *x509.Certificate, purpose pki.Purpose) (f foundPaths) {
	f.err = pki.BuildPaths(leaf, r.evidence.certs, r.v.anchors(purpose),
		pki.PathOptions{At: r.at, IgnoreValidity: true, AllowWeak: true, Purpose: purpose, Session: r.session},
		func(path []*x509.Certificate) bool {
			f.paths = append(f.paths, path)
			return len(f.paths) < maxJudgedPaths
		})
	return f
}

// sunset reports that the anchor of a path is not trusted any more at the
// moment, and since when; the zero time means that it has no end.
func (r *run) sunset(path []*x509.Certificate, purpose pki.Purpose) (since time.Time, passed bool) {
	since = r.v.anchors(purpose).Sunset(path[len(path)-1])
	return since, !since.IsZero() && !r.at.Before(since)
}

// chain is X.509 certificate validation of a signer's or TSA's certificate at
// the moment of validation. ref is the moment for which the status of the leaf
// has to be known: now for signatures, the token's own time for timestamps
// (see freshFor).
func (r *run) chain(leaf *x509.Certificate, purpose pki.Purpose, ref time.Time) *chainResult {
	b := newBlock("XCV", "5.2.6", display(leaf.Subject.CommonName))
	found := r.paths(leaf, purpose)
	if len(found.paths) == 0 {
		res := &chainResult{block: b, Conclusion: pathConclusion(leaf, found.err)}
		b.fail(res.Conclusion)
		return res
	}
	var best *chainResult
	for _, path := range found.paths {
		res := r.judgePath(path, purpose, ref)
		if best == nil || res.ok() || best.is(NoChainFoundNoPOE) {
			best = res
		}
		if best.ok() {
			break
		}
	}
	best.anchored = true
	best.block = b
	b.holdf("path-to-anchor", "%s", describePath(best.links, leaf))
	r.describeChain(b, best)
	if !best.ok() {
		b.fail(best.Conclusion)
	}
	return best
}

func describePath(links []link, leaf *x509.Certificate) string {
	s := display(leaf.Subject.CommonName)
	for _, l := range links {
		s += " < " + display(l.issuer.Subject.CommonName)
	}
	return s
}

// pathConclusion maps why no path was accepted (§5.2.6.4 steps 2 to 5).
func pathConclusion(leaf *x509.Certificate, err error) Conclusion {
	why := reasonf("chain", "%v", err)
	var p *pki.PathError
	if !errors.As(err, &p) {
		return indeterminate(NoCertificateChainFound, why)
	}
	why.Code = "chain-" + string(p.Rule)
	switch {
	case p.Rule == pki.RuleNoAnchor, p.Rule == pki.RuleSignature:
		return indeterminate(NoCertificateChainFound, why)
	case p.Rule == pki.RuleBudget:
		why.Code = CodeLimit
		return indeterminate(NoCertificateChainFound, why)
	case p.Rule == pki.RuleKeyUsage && p.Certificate != nil && p.Certificate.Equal(leaf):
		return indeterminate(ChainConstraintsFailure, why)
	case p.Rule == pki.RuleAlgorithm && leaf.PublicKey == nil && p.Certificate != nil && p.Certificate.Equal(leaf):
		return indeterminate(CryptoNoPOE, why) // for no fault of the path: the signature's own algorithm is in no catalogue
	}
	return indeterminate(ChainGeneralFailure, why)
}

// judgePath finds the status of every certificate of a path and draws the
// conclusion in the order of §5.2.6.4.
func (r *run) judgePath(path []*x509.Certificate, purpose pki.Purpose, ref time.Time) *chainResult {
	res := &chainResult{}
	since, sunk := r.sunset(path, purpose)
	for i := range len(path) - 1 {
		l := newLink(path, i, purpose)
		l.status, l.err = r.status(l, !sunk)
		res.links = append(res.links, l)
		res.weak = append(res.weak, r.weaknesses(l)...)
	}
	if res.Conclusion = r.concludePath(res, ref); sunk {
		res.Conclusion = indeterminate(NoChainFoundNoPOE, reasonf("anchor-sunset", "the anchor %s is not trusted since %s",
			display(path[len(path)-1].Subject.CommonName), since.Format(time.DateOnly)))
	}
	return res
}

func (r *run) concludePath(res *chainResult, ref time.Time) Conclusion {
	if i := revokedBy(res.links, time.Time{}); i >= 0 { // step 4
		res.revokedAt = res.links[i].status.RevokedAt
		return revokedConclusion(res.links, i)
	}
	for _, l := range res.links[min(1, len(res.links)):] {
		if !within(l.cert, r.at) {
			return indeterminate(OutOfBoundsNoPOE, validityReason(l.cert))
		}
	}
	if len(res.weak) > 0 { // step 6
		return indeterminate(CryptoNoPOE, r.weakReasons(res.weak)...)
	}
	if len(res.links) > 0 && !within(res.links[0].cert, r.at) { // step 7
		sub := OutOfBoundsNotRevoked
		if res.links[0].err != nil {
			sub = OutOfBoundsNoPOE
		}
		return indeterminate(sub, validityReason(res.links[0].cert))
	}
	if c := r.statusKnown(res.links); !c.ok() {
		return c
	}
	if l := r.responderOutOfBounds(res.links); l != nil { // step 8
		return indeterminate(RevocationOutOfBounds, reasonf("responder-validity",
			"the certificate that signed the revocation data of %s has expired", display(l.cert.Subject.CommonName)))
	}
	return r.freshness(res.links, ref)
}

// revokedBy returns the certificate of a path whose revocation by the moment, or
// by any for the zero one, decides: of several the lowest, but a hold, which may
// end, only where nothing is revoked for good. It is -1 where none was revoked.
func revokedBy(links []link, moment time.Time) int {
	found := -1
	for i := range links {
		s := &links[i].status
		if !links[i].revoked() || !moment.IsZero() && s.RevokedAt.After(moment) {
			continue
		}
		if found < 0 || links[found].status.OnHold() && !s.OnHold() {
			found = i
		}
	}
	return found
}

// revokedConclusion is what the revocation of the i-th certificate of a path means.
func revokedConclusion(links []link, i int) Conclusion {
	why := revocationReason(links[i])
	switch {
	case links[i].status.OnHold():
		why.Code = "on-hold"
		return indeterminate(TryLater, why)
	case i > 0:
		return indeterminate(RevokedCANoPOE, why)
	}
	return indeterminate(RevokedNoPOE, why)
}

// revocationReason tells of a revocation. The day since which the authority
// takes the key to be compromised is told and not counted: an authority could
// put it where it likes (RFC 5280 §5.3.2).
func revocationReason(l link) Reason {
	why := reasonf("revoked", "the certificate of %s was revoked on %s (%s)",
		display(l.cert.Subject.CommonName), l.status.RevokedAt.UTC().Format(time.RFC3339), l.status.Reason)
	if d := l.status.InvalidityDate; !d.IsZero() {
		why.Text += ", and is said to be invalid since " + d.UTC().Format(time.RFC3339)
	}
	return why
}

func validityReason(c *x509.Certificate) Reason {
	return reasonf("certificate-validity", "the certificate of %s is valid from %s to %s", display(c.Subject.CommonName),
		c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
}

// within reports whether the moment lies in the validity period.
func within(c *x509.Certificate, at time.Time) bool {
	return !at.Before(c.NotBefore) && !at.After(c.NotAfter)
}

func (r *run) weaknesses(l link) []weakness {
	var out []weakness
	add := func(a algorithm, what string, cert *x509.Certificate, poe func(*poeSet) time.Time) {
		if !r.v.catalogue.reliable(a, r.at) {
			out = append(out, weakness{a, what, cert, poe})
		}
	}
	name := display(l.cert.Subject.CommonName)
	add(certificateAlgorithm(l.cert.SignatureAlgorithm, l.issuer), "the certificate of "+name, l.cert,
		func(p *poeSet) time.Time { return r.evidence.certificatePOE(l.cert, p) })
	if l.err == nil && !l.exempt() {
		add(certificateAlgorithm(l.status.Algorithm, l.status.Signer), "the revocation data about "+name, l.cert,
			func(p *poeSet) time.Time { return r.evidence.statusPOE(l.status, p) })
		if a, delegated := l.delegation(); delegated {
			add(a, "the certificate that signed the revocation data about "+name, l.status.Signer,
				func(p *poeSet) time.Time { return r.evidence.certificatePOE(l.status.Signer, p) })
		}
	}
	return out
}

// delegation is the algorithm of the certificate that made a delegate of who
// signed the evidence. Of one that signs lists it is the digest alone, since who
// certified it is not kept.
func (l *link) delegation() (a algorithm, delegated bool) {
	s := l.status
	if !s.Delegated || s.Signer.Equal(l.anchor) {
		return algorithm{}, false
	}
	if a = certificateAlgorithm(s.Signer.SignatureAlgorithm, l.issuer); !s.OCSP {
		a.scheme = ""
	}
	return a, true
}

func (r *run) weakReasons(weak []weakness) []Reason {
	var out []Reason
	for _, w := range weak {
		out = append(out, r.weakReason(w.algorithm, w.what))
	}
	return out
}

func (r *run) weakReason(a algorithm, what string) Reason {
	end, listed := r.v.catalogue.until(a)
	if !listed {
		return reasonf("algorithm", "%s: %s is not in the catalogue of %s", what, a, r.v.catalogue.name)
	}
	return reasonf("algorithm", "%s: %s is not reliable since %s", what, a, end.Format(time.DateOnly))
}

// statusKnown asks for some acceptable status of every certificate.
func (r *run) statusKnown(links []link) Conclusion {
	for _, l := range links {
		if l.err != nil {
			return indeterminate(TryLater, reasonf("revocation-unknown", "%v", l.err))
		}
	}
	return passed()
}

// responderOutOfBounds finds evidence whose signer's certificate has expired
// (§5.2.6.4 step 8).
func (r *run) responderOutOfBounds(links []link) *link {
	for i := range links {
		if l := &links[i]; l.err == nil && r.at.After(l.status.Signer.NotAfter) && !l.status.Signer.Equal(l.issuer) {
			return l
		}
	}
	return nil
}

// freshness is revocation freshness checking (§5.2.5) of a whole path for the
// moment ref.
func (r *run) freshness(links []link, ref time.Time) Conclusion {
	for _, l := range links {
		if l.err != nil {
			return indeterminate(TryLater, reasonf("revocation-unknown", "%v", l.err))
		}
		if r.freshFor(l, ref) == stale {
			return indeterminate(TryLater, reasonf("revocation-stale", "the status of the certificate of %s is known as of %s only, not for %s",
				display(l.cert.Subject.CommonName), l.status.ThisUpdate.UTC().Format(time.RFC3339), ref.UTC().Format(time.RFC3339)))
		}
	}
	return passed()
}

type freshnessKind int

const (
	stale freshnessKind = iota
	aged                // made before the moment, though good enough by policy
	fresh
)

// freshFor says whether the status of a link counts for the moment ref. One
// made at or after it always does. An older one has to be current at that
// moment: its nextUpdate is the most that §5.2.5 lets it be used. The signer's
// must not be older than [Policy] says, besides; certification authorities and
// time-stamp authorities publish lists that stand for weeks, and their keys are
// not in the hands of everybody who signs.
func (r *run) freshFor(l link, ref time.Time) freshnessKind {
	switch {
	case l.exempt(), !l.status.ThisUpdate.Before(ref):
		return fresh
	case !r.current(l.status, ref):
		return stale
	case !l.signer:
		return fresh
	case ref.Sub(l.status.ThisUpdate) > r.v.cfg.Policy.SignerEvidenceAge:
		return stale
	}
	return aged
}

// current reports that a status made before the moment ref still stands then.
func (r *run) current(s pki.Status, ref time.Time) bool {
	next := s.NextUpdate
	if next.IsZero() {
		next = s.ThisUpdate.Add(r.v.cfg.Policy.EvidenceLifetime)
	}
	return ref.Before(next)
}

// describeChain adds a block for each certificate of the path.
func (r *run) describeChain(b *Block, res *chainResult) {
	for _, l := range res.links {
		rac := b.sub(newBlock("RAC", "5.2.6", display(l.cert.Subject.CommonName)))
		if l.err != nil {
			rac.fail(indeterminate(TryLater, reasonf("revocation-unknown", "%v", l.err)))
			continue
		}
		if l.exempt() {
			rac.hold("revocation-exempt")
			continue
		}
		kind := "CRL"
		if l.status.OCSP {
			kind = "OCSP"
		}
		rac.holdf("revocation-known", "%s by %s: %s as of %s", kind, display(l.status.Signer.Subject.CommonName),
			l.status.State, l.status.ThisUpdate.UTC().Format(time.RFC3339))
	}
}
