package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CheckCRL judges one complete CRL, signed by the issuer itself, as evidence
// about cert at the moment (RFC 5280 §6.3.3): issuer name and key, cRLSign,
// scope of the issuing distribution point, critical extensions of list and
// entries, thisUpdate and nextUpdate. Lists that cover only some reasons,
// deltas, and lists of other issuers need [CheckRevocation].
//
// Good or Revoked is returned with a nil error; everything else is a
// *RejectError or *MalformedError.
func CheckCRL(der []byte, cert, issuer *x509.Certificate, at time.Time, o CheckOptions) (Status, error) {
	c, err := ParseCRL(der)
	if err != nil {
		return Status{}, err
	}
	if c.Base != nil {
		return Status{}, rejectCRL(RuleCRLDelta, "", nil)
	}
	e := &crlEvaluation{cert: cert, issuer: issuer, at: at, opts: o, lists: []*CRL{c}}
	e.vouch = e.issuerVouches
	return e.run()
}

// crlEvaluation is RFC 5280 §6.3.3 for one certificate and a set of lists.
type crlEvaluation struct {
	cert, issuer *x509.Certificate
	at           time.Time
	opts         CheckOptions
	lists        []*CRL // complete ones and deltas
	// vouch finds the certificate whose key signed the list and which may
	// sign lists in this name.
	vouch func(*CRL) (*x509.Certificate, error)

	signers  map[*CRL]signerResult
	covered  reasonMask
	good     [reasonBits]Status // by reason the newest list that does not mention the certificate
	revoked  *Status
	problems []error
}

type signerResult struct {
	cert *x509.Certificate
	err  error
}

// issuerVouches accepts lists that the issuer of the certificate signed.
func (e *crlEvaluation) issuerVouches(c *CRL) (*x509.Certificate, error) {
	if !sameName(c.RawIssuer, e.issuer.RawSubject) {
		return nil, rejectCRL(RuleCRLIssuer, "", nil)
	}
	return e.issuer, checkCRLSigner(c, e.issuer, e.opts)
}

func checkCRLSigner(c *CRL, signer *x509.Certificate, o CheckOptions) error {
	if err := CheckPurpose(signer, CRLSigning); err != nil {
		return rejectCRL(RuleUnauthorized, "", err)
	}
	if err := checkSignature(c.Algorithm, signer, c.tbs, c.signature, o.rules()); err != nil {
		return rejectCRL(RuleOf(err), "", err)
	}
	return nil
}

// run tries each distribution point of the certificate and, last, the one
// that is implied: the issuer itself (§6.3.3, closing paragraph).
func (e *crlEvaluation) run() (Status, error) {
	e.signers = make(map[*CRL]signerResult)
	points, err := distributionPoints(e.cert)
	if err != nil {
		return Status{}, err
	}
	implied := distribution{reasons: allReasons, names: []string{generalName{nameDirectory, e.cert.RawIssuer}.canonical()}}
	names := 0 // bytes that are compared at each point
	for _, c := range e.lists {
		names += 128 + len(c.RawIssuer) + len(c.idpRaw)
	}
	for _, dp := range append(points, implied) {
		if !e.opts.Session.spend(names / bytesOfUnit) {
			return Status{}, rejectCRL(RuleBudget, "", nil)
		}
		for _, c := range e.lists {
			if c.Base != nil {
				continue
			}
			if err := e.consider(c, dp); err != nil {
				e.problems = append(e.problems, err)
			}
		}
	}
	return e.conclude()
}

func (e *crlEvaluation) conclude() (Status, error) {
	switch {
	case e.revoked != nil && (e.revoked.permanent() || !e.newest().After(e.revoked.ThisUpdate)):
		return *e.revoked, nil
	case e.covered == allReasons:
		return e.oldest(), nil
	case e.covered != 0:
		return Status{}, rejectCRL(RuleCRLReasons, "", nil)
	case len(e.problems) == 0:
		return Status{}, rejectCRL(RuleNoEvidence, "", nil)
	}
	// Each list is tried at each distribution point; being out of scope at
	// one is the least telling of its problems.
	worst := e.problems[0]
	for _, p := range e.problems {
		if RuleOf(worst) == RuleCRLScope && RuleOf(p) != RuleCRLScope {
			worst = p
		}
	}
	return Status{}, worst
}

// consider is §6.3.3 (a) to (l) for one list at one distribution point.
func (e *crlEvaluation) consider(c *CRL, dp distribution) error {
	reasons, err := e.scope(c, dp)
	if err != nil {
		return err
	}
	if c.critical != "" {
		return rejectCRL(RuleCritical, c.critical.String(), nil)
	}
	signer, err := e.signer(c)
	if err != nil {
		return err
	}
	entry, err := e.entry(c)
	if err != nil {
		return err
	}
	st := e.status(c, signer, entry)
	if err := e.delta(c, signer, &st); err != nil {
		return err
	}
	if err := st.checkTimes("crl", e.cert, c.ExpiredCerts, e.at, e.opts); err != nil {
		return err
	}
	if st.State == Revoked {
		if e.revoked == nil || st.permanent() && !e.revoked.permanent() || st.ThisUpdate.After(e.revoked.ThisUpdate) && st.permanent() == e.revoked.permanent() {
			e.revoked = &st
		}
		return nil
	}
	e.covered |= reasons
	for bit := range e.good {
		if g := &e.good[bit]; reasons>>bit&1 != 0 && (g.State != Good || st.ThisUpdate.After(g.ThisUpdate)) {
			*g = st
		}
	}
	return nil
}

// newest is when some list last did not mention the certificate, for any reason.
func (e *crlEvaluation) newest() time.Time {
	var at time.Time
	for _, g := range e.good {
		if g.ThisUpdate.After(at) {
			at = g.ThisUpdate
		}
	}
	return at
}

// oldest is the status as of which the certificate was good for every reason:
// that of the list which was the first to be out of date.
func (e *crlEvaluation) oldest() Status {
	var st Status
	for bit, g := range e.good {
		if allReasons>>bit&1 != 0 && (st.State != Good || g.ThisUpdate.Before(st.ThisUpdate)) {
			st = g
		}
	}
	return st
}

func (e *crlEvaluation) signer(c *CRL) (*x509.Certificate, error) {
	r, seen := e.signers[c]
	if !seen {
		r.cert, r.err = e.vouch(c)
		e.signers[c] = r
	}
	return r.cert, r.err
}

func (e *crlEvaluation) entry(c *CRL) (*crlEntry, error) {
	n := len(c.entries)
	if !e.opts.Session.spend(searchCost(n)) {
		return nil, rejectCRL(RuleBudget, "", nil)
	}
	if c.lacks(e.cert.SerialNumber) {
		return nil, nil
	}
	if !e.opts.Session.spend(scanCost(n)) {
		return nil, rejectCRL(RuleBudget, "", nil)
	}
	return c.lookup(e.cert.SerialNumber, canonicalName(e.cert.RawIssuer))
}

func (e *crlEvaluation) status(c *CRL, signer *x509.Certificate, entry *crlEntry) Status {
	st := Status{
		State: Good, ThisUpdate: c.ThisUpdate, NextUpdate: c.NextUpdate, ProducedAt: c.ThisUpdate,
		Signer: signer, Delegated: !bytes.Equal(signer.RawSubjectPublicKeyInfo, e.issuer.RawSubjectPublicKeyInfo),
		Algorithm: c.Algorithm, Evidence: c.Raw,
	}
	st.apply(entry)
	return st
}

func (s *Status) apply(entry *crlEntry) {
	switch {
	case entry == nil:
	case entry.reason == RemoveFromCRL:
		s.State, s.RevokedAt, s.Reason, s.InvalidityDate = Good, time.Time{}, Unspecified, time.Time{}
	default:
		s.State, s.RevokedAt, s.Reason, s.InvalidityDate = Revoked, entry.revokedAt, entry.reason, entry.invalidity
	}
}

// delta lays the newest fitting delta over the status from base (§5.2.4,
// §6.3.3 (c), (h) and (i)). An unusable delta is passed over: the base stands
// by itself as long as it is fresh.
func (e *crlEvaluation) delta(base *CRL, signer *x509.Certificate, st *Status) error {
	var best *CRL
	for _, d := range e.lists {
		if !fitsBase(d, base) || d.critical != "" || checkCRLSigner(d, signer, e.opts) != nil {
			continue
		}
		over := e.status(d, signer, nil)
		if over.checkTimes("crl", e.cert, base.ExpiredCerts, e.at, e.opts) != nil {
			continue
		}
		if best == nil || d.Number.Cmp(best.Number) > 0 {
			best = d
		}
	}
	if best == nil {
		return nil
	}
	entry, err := e.entry(best)
	if err != nil {
		return err
	}
	st.apply(entry)
	st.ThisUpdate, st.ProducedAt, st.NextUpdate = best.ThisUpdate, best.ThisUpdate, best.NextUpdate
	return nil
}

func fitsBase(d, base *CRL) bool {
	return d.Base != nil && d.Number != nil && base.Number != nil &&
		base.Number.Cmp(d.Base) >= 0 && base.Number.Cmp(d.Number) < 0 &&
		sameName(d.RawIssuer, base.RawIssuer) && bytes.Equal(d.keyID, base.keyID) && bytes.Equal(d.idpRaw, base.idpRaw)
}

// scope is §6.3.3 (b), (d), (e): whether the list is about this certificate
// when found at dp, and which reasons it then covers.
func (e *crlEvaluation) scope(c *CRL, dp distribution) (reasonMask, error) {
	out := func(detail string) (reasonMask, error) { return 0, rejectCRL(RuleCRLScope, detail, nil) }
	listIssuer := generalName{nameDirectory, c.RawIssuer}.canonical()
	if len(dp.crlIssuer) > 0 {
		if !slices.Contains(dp.crlIssuer, listIssuer) {
			return out("issuer is not the cRLIssuer of the distribution point")
		}
		if c.idp == nil || !c.idp.indirect {
			return out("not an indirect list")
		}
	} else if !sameName(c.RawIssuer, e.cert.RawIssuer) {
		return 0, rejectCRL(RuleCRLIssuer, "", nil)
	}
	if c.idp == nil {
		return dp.reasons, nil
	}
	idp := c.idp
	switch {
	case idp.attrOnly:
		return out("attribute certificates only")
	case idp.userOnly && e.cert.IsCA:
		return out("user certificates only")
	case idp.caOnly && !e.cert.IsCA:
		return out("CA certificates only")
	}
	if idp.names != nil {
		point := dp.names
		if point == nil {
			point = dp.crlIssuer
		}
		if !slices.ContainsFunc(idp.names, func(n string) bool { return slices.Contains(point, n) }) {
			return out("another distribution point")
		}
	}
	return dp.reasons & idp.reasons, nil
}

var asn1CRLDistributionPoints = asn1.ObjectIdentifier{2, 5, 29, 31}

// distributionPoints reads the extension of the certificate (§4.2.1.13).
func distributionPoints(cert *x509.Certificate) ([]distribution, error) {
	ext := extensionOf(cert, asn1CRLDistributionPoints)
	if ext == nil {
		return nil, nil
	}
	r := &derReader{object: "extension", whole: ext.value}
	s := cryptobyte.String(ext.value)
	list := r.read(&s, cbasn1.SEQUENCE, "crl-distribution-points")
	r.end(s, "crl-distribution-points")
	var out []distribution
	for r.err == nil && !list.Empty() {
		if len(out) == maxExtensions {
			r.fail(list, "crl-distribution-points", errors.New("too many"))
			break
		}
		dp := r.read(&list, cbasn1.SEQUENCE, "distribution-point")
		d := distribution{reasons: allReasons}
		if point, ok := r.optional(&dp, contextTag(0), "distribution-point"); ok {
			d.parseName(r, point)
		}
		d.parseReasons(r, &dp, 1)
		var issuer cryptobyte.String
		if names, ok := r.optional(&dp, contextTag(2), "crl-issuer"); ok {
			d.crlIssuer = r.generalNames(names)
			issuer = firstDirectoryName(names)
		}
		if issuer == nil {
			issuer = cert.RawIssuer
		}
		r.end(dp, "distribution-point")
		d.resolve(issuer)
		out = append(out, d)
	}
	return out, r.err
}

func firstDirectoryName(names cryptobyte.String) []byte {
	for !names.Empty() {
		n, ok := readGeneralName(&names)
		if !ok {
			return nil
		}
		if n.kind == nameDirectory {
			return n.value
		}
	}
	return nil
}
