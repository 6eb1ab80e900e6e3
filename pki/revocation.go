package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Evidence is revocation data with the certificates that belong to it, ready
// to be embedded. Slices are shared, not copied: treat them as read-only.
type Evidence struct {
	Certificates []*x509.Certificate
	OCSPs        [][]byte // DER OCSPResponse
	CRLs         [][]byte // DER CertificateList
}

// Add appends what e does not hold yet.
func (e *Evidence) Add(more Evidence) {
	for _, c := range more.Certificates {
		e.addCertificate(c)
	}
	e.OCSPs = addBytes(e.OCSPs, more.OCSPs...)
	e.CRLs = addBytes(e.CRLs, more.CRLs...)
}

func (e *Evidence) addCertificate(c *x509.Certificate) {
	for _, have := range e.Certificates {
		if have.Equal(c) {
			return
		}
	}
	e.Certificates = append(e.Certificates, c)
}

func addBytes(list [][]byte, more ...[]byte) [][]byte {
next:
	for _, b := range more {
		for _, have := range list {
			if bytes.Equal(have, b) {
				continue next
			}
		}
		list = append(list, b)
	}
	return list
}

// Material is [Evidence] parsed once, for many questions. It is immutable and
// may be shared.
type Material struct {
	Certificates []*x509.Certificate
	OCSPs        []*OCSP
	CRLs         []*CRL
}

// Parse reads what can be read; the errors say what could not, in order.
// Certificates inside OCSP responses are added to the pool.
func (e Evidence) Parse() (*Material, []error) {
	m := &Material{Certificates: append([]*x509.Certificate(nil), e.Certificates...)}
	var errs []error
	if len(e.OCSPs)+len(e.CRLs) > maxEvidence {
		return m, []error{&RejectError{Object: "revocation", Rule: RuleTooMuch}}
	}
	for _, der := range e.OCSPs {
		o, err := ParseOCSP(der)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.OCSPs = append(m.OCSPs, o)
		m.Certificates = append(m.Certificates, o.Certificates...)
	}
	for _, der := range e.CRLs {
		c, err := ParseCRL(der)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.CRLs = append(m.CRLs, c)
	}
	return m, errs
}

// RevocationError says that no evidence was accepted. Rejected says why each
// piece that was about the certificate was not.
type RevocationError struct {
	Certificate *x509.Certificate
	Rejected    []error
}

func (e *RevocationError) Error() string {
	s := fmt.Sprintf("revocation status of %q is not known", displayName(e.Certificate))
	return s + inOneLine(e.Rejected)
}

func (e *RevocationError) Unwrap() []error { return e.Rejected }

// CheckRevocation concludes from all the evidence whether cert, issued by
// issuer, is revoked, as of the moment. A permanent revocation wins over
// everything; else the newest acceptable word counts, so that a replayed old
// answer cannot hide a newer one. Delegated responders without
// id-pkix-ocsp-nocheck, and CRL issuers other than the issuer's own key, must
// have a status of their own in the material and, for CRL issuers, a path to
// one of the anchors; anchors may be nil when only the issuer's CRLs count. They
// should hold no other anchor than that of cert's own path (RFC 5280 §6.3.3 (f)).
// Another key in the issuer's name must be known to be the issuer's.
//
// The error is a *RevocationError.
func CheckRevocation(cert, issuer *x509.Certificate, m *Material, anchors *Anchors, at time.Time, o CheckOptions) (Status, error) {
	c := &revocationCheck{m: m, anchors: anchors, at: at, opts: o}
	return c.check(cert, issuer, nil)
}

type revocationCheck struct {
	m       *Material
	anchors *Anchors
	at      time.Time
	opts    CheckOptions
	budget  int
	byName  map[string][]*x509.Certificate // who may sign lists, by canonical subject; nil until asked for
}

// check recurses into whoever vouches; visited holds the certificates whose
// status is being asked for, so that nobody vouches for itself in a circle.
func (c *revocationCheck) check(cert, issuer *x509.Certificate, visited []*x509.Certificate) (Status, error) {
	for _, v := range visited {
		if v.Equal(cert) {
			return Status{}, &RejectError{Object: "revocation", Rule: RuleSelfVouching}
		}
	}
	if c.budget++; len(visited) > maxRecursion || c.budget > maxSignatures {
		return Status{}, &RejectError{Object: "revocation", Rule: RuleBudget}
	}
	visited = append(visited[:len(visited):len(visited)], cert)
	var found []Status
	var rejected []error
	answers, err := c.covering(cert, issuer)
	if err != nil {
		return Status{}, err
	}
	for _, o := range answers {
		st, err := o.Check(cert, issuer, c.at, c.opts)
		if err == nil {
			err = c.responder(st, issuer, visited)
		}
		if err != nil {
			rejected = append(rejected, err)
			continue
		}
		found = append(found, st)
	}
	st, lerr := c.lists(cert, issuer, visited)
	if lerr == nil {
		found = append(found, st)
	} else if RuleOf(lerr) != RuleNoEvidence {
		rejected = append(rejected, lerr)
	}
	if len(found) == 0 {
		return Status{}, &RevocationError{Certificate: cert, Rejected: rejected}
	}
	return newest(found), nil
}

// covering returns the responses about cert. Each may cost dozens of signature
// checks before it is rejected: what no session bounds are maxCovering, and more
// than that are refused. To leave some out would let a flood of worthless ones
// hide the one that says "revoked".
func (c *revocationCheck) covering(cert, issuer *x509.Certificate) ([]*OCSP, error) {
	var out []*OCSP
	work := 0 // in answers read; of small responses many make a unit
	for _, o := range c.m.OCSPs {
		covers := o.Covers(cert, issuer)
		if work += 32 + len(o.singles); covers {
			out = append(out, o)
			work += o.signerCost()
		}
		if !c.opts.Session.spend(work / answersOfUnit) {
			return nil, &RejectError{Object: "revocation", Rule: RuleBudget}
		}
		work %= answersOfUnit
	}
	if c.opts.Session == nil && len(out) > maxCovering {
		return nil, &RejectError{Object: "revocation", Rule: RuleTooMuch}
	}
	return out, nil
}

func newest(found []Status) Status {
	best := found[0]
	for _, s := range found[1:] {
		switch {
		case s.permanent() != best.permanent():
			if s.permanent() {
				best = s
			}
		case s.ThisUpdate.After(best.ThisUpdate), s.ThisUpdate.Equal(best.ThisUpdate) && s.ProducedAt.After(best.ProducedAt):
			best = s
		}
	}
	return best
}

// responder looks at the status of a delegated OCSP responder.
func (c *revocationCheck) responder(st Status, issuer *x509.Certificate, visited []*x509.Certificate) error {
	if !st.Delegated || HasNoCheck(st.Signer) {
		return nil
	}
	own, err := c.check(st.Signer, issuer, visited)
	switch {
	case err == nil && own.State != Good:
		err = errors.New(own.State.String())
	case err == nil:
		err = c.covers(own, st.ProducedAt)
	case !NeedsStatus(st.Signer):
		err = nil
	}
	if err != nil {
		return rejectOCSP(RuleResponderStatus, "", err)
	}
	return nil
}

// covers asks that the status of whoever vouches was known for the moment at
// which it did. With IgnoreFreshness the caller judges the age of what it gets to
// see, which the status of a responder or of a list's issuer is not: an old list
// would hide that its key was revoked since.
func (c *revocationCheck) covers(s Status, moment time.Time) error {
	next := s.NextUpdate
	if next.IsZero() {
		next = s.ThisUpdate.Add(c.opts.maxAge())
	}
	if !c.opts.IgnoreFreshness || !s.ThisUpdate.Before(moment) || moment.Before(next) {
		return nil
	}
	return &RejectError{Object: "revocation", Rule: RuleStale, Detail: next.UTC().Format(time.RFC3339) + " against " + moment.UTC().Format(time.RFC3339)}
}

func (c *revocationCheck) lists(cert, issuer *x509.Certificate, visited []*x509.Certificate) (Status, error) {
	e := &crlEvaluation{cert: cert, issuer: issuer, at: c.at, opts: c.opts, lists: c.m.CRLs}
	e.vouch = func(l *CRL) (*x509.Certificate, error) {
		signer, err := e.issuerVouches(l)
		if err == nil || c.anchors.Len() == 0 {
			return signer, err
		}
		return c.otherIssuer(l, issuer, err, visited)
	}
	return e.run()
}

// otherIssuer finds a CRL issuer that is not the issuer's key (§6.3.3 (f)): a
// second key of the same authority, or the issuer of an indirect list. It
// must have a path to an anchor, and everything on it a good status. An
// authority may point an indirect list's issuer to its own list, the only
// place then where that certificate's status can stand.
//
// A list in the issuer's own name by another key counts if the two keys are known
// to be of one authority: see sameAuthority.
func (c *revocationCheck) otherIssuer(l *CRL, issuer *x509.Certificate, problem error, visited []*x509.Certificate) (*x509.Certificate, error) {
	po := PathOptions{At: c.at, Purpose: CRLSigning, AllowWeak: c.opts.AllowWeak, Session: c.opts.Session}
	if c.opts.IgnoreFreshness {
		po.At = l.ThisUpdate // judged as of when it was made, like an OCSP responder at producedAt
	}
	candidates, err := c.named(l.RawIssuer)
	if err != nil {
		return nil, err
	}
	own := sameName(l.RawIssuer, issuer.RawSubject)
	for _, cand := range candidates {
		if c.budget++; c.budget > maxSignatures {
			return nil, &RejectError{Object: "revocation", Rule: RuleBudget}
		}
		if own && !c.sameAuthority(cand, issuer) {
			problem = rejectCRL(RuleUnauthorized, "a namesake of the issuer", nil)
			continue
		}
		if err := checkCRLSigner(l, cand, c.opts); err != nil {
			problem = err
			continue
		}
		path, err := BuildPath(cand, c.m.Certificates, c.anchors, po)
		if ownList := l.idp != nil && l.idp.indirect && visited[len(visited)-1].Equal(cand); err == nil && !ownList {
			err = c.wholePath(path, l.ThisUpdate, visited)
		}
		if err == nil {
			return cand, nil
		}
		problem = rejectCRL(RuleUnauthorized, "", err)
	}
	return nil, problem
}

// sameAuthority says whether cand, which has the name of issuer and another key,
// is a certificate of the same authority: certified by it or by who certified it, or
// the one with which it certified issuer. A name alone could be given by any
// authority below the anchor, also by one that may certify no others.
func (c *revocationCheck) sameAuthority(cand, issuer *x509.Certificate) bool {
	return sameName(cand.RawIssuer, issuer.RawSubject) || sameName(cand.RawIssuer, issuer.RawIssuer) ||
		checkIssued(issuer, cand, c.opts.rules()) == nil
}

// named returns the anchors and certificates of a name: a hostile file has
// thousands of lists and of certificates.
func (c *revocationCheck) named(name []byte) ([]*x509.Certificate, error) {
	if c.byName == nil {
		if !c.opts.Session.spend(len(c.m.Certificates) / 128) {
			return nil, &RejectError{Object: "revocation", Rule: RuleBudget}
		}
		c.byName = make(map[string][]*x509.Certificate)
		for _, cert := range append(c.anchors.Certificates(), c.m.Certificates...) {
			n := c.opts.Session.name(cert.RawSubject)
			c.byName[n] = append(c.byName[n], cert)
		}
	}
	return c.byName[c.opts.Session.name(name)], nil
}

func (c *revocationCheck) wholePath(path []*x509.Certificate, made time.Time, visited []*x509.Certificate) error {
	for i := len(path) - 2; i >= 0; i-- {
		st, err := c.check(path[i], path[i+1], visited)
		if err == nil && st.State != Good {
			err = errors.New(st.State.String())
		}
		if err == nil {
			err = c.covers(st, made)
		}
		if err != nil {
			return rejectCRL(RuleResponderStatus, displayName(path[i]), err)
		}
	}
	return nil
}
