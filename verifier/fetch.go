package verifier

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/absah-id/absah/pki"
)

// network asks the source within the caller's context. Nil is offline.
type network struct {
	ctx     context.Context
	source  pki.Source
	fetches int  // certificates whose status was asked for
	issuers int  // issuers that were asked for
	over    bool // more than maxFetches had to be asked about
	// hosts that may be asked for issuers, in lower case: those that the
	// caller names and those that the certificates of authorities name to which
	// a path to an anchor is known.
	hosts map[string]bool
	// responders are those whose status was asked for, by DER, with what came of it.
	responders map[string]error
}

// newNetwork returns the network of one run, nil without a source, and what
// ends it.
func newNetwork(ctx context.Context, cfg Config) (*network, context.CancelFunc) {
	if cfg.Source == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	n := &network{ctx: ctx, source: cfg.Source, hosts: make(map[string]bool), responders: make(map[string]error)}
	for _, h := range cfg.IssuerHosts {
		n.hosts[strings.ToLower(h)] = true
	}
	for _, set := range []*pki.Anchors{cfg.Signers, cfg.TSAs} {
		for _, c := range set.Certificates() {
			n.trustHosts(c)
		}
	}
	return n, cancel
}

// trustHosts takes the addresses of a certificate that an anchor vouches for.
func (n *network) trustHosts(c *x509.Certificate) {
	if n == nil {
		return
	}
	for _, list := range [][]string{c.OCSPServer, c.CRLDistributionPoints, c.IssuingCertificateURL} {
		for _, raw := range list {
			if u, err := url.Parse(raw); err == nil && u.Host != "" {
				n.hosts[strings.ToLower(u.Host)] = true
			}
		}
	}
}

// fetchIssuer looks for the certificate that is missing between leaf and the
// anchors, at the address where the last known certificate of its path says
// that it is (RFC 5280 §4.2.2.1), and reports whether there is something new.
// Anybody can write an address into a certificate, so it asks only hosts that
// an authority with a path to an anchor names as well, or that the caller
// named, and gives up when the path ends in a root of its own.
func (r *run) fetchIssuer(leaf *x509.Certificate, purpose pki.Purpose) bool {
	n := r.network
	if n == nil || r.v.anchors(purpose).Len() == 0 || n.issuers >= maxIssuerFetches {
		return false
	}
	top := r.lastKnown(leaf)
	if top == nil {
		return false
	}
	asked := *top // with the addresses that may be asked
	asked.IssuingCertificateURL = nil
	for _, raw := range top.IssuingCertificateURL {
		if u, err := url.Parse(raw); err == nil && (n.hosts[strings.ToLower(u.Host)] || n.hosts[strings.ToLower(u.Hostname())]) {
			asked.IssuingCertificateURL = append(asked.IssuingCertificateURL, raw)
		}
	}
	if len(asked.IssuingCertificateURL) == 0 {
		return false
	}
	n.issuers++
	found, err := n.source.Issuers(n.ctx, &asked)
	if err != nil {
		r.note("fetch", fmt.Sprintf("no certificate of the issuer of %s: %v", display(top.Subject.CommonName), err))
		return false
	}
	return r.addIssuers(top, found)
}

// lastKnown follows the issuers of a certificate through the evidence; nil when
// that ends in a root, or nowhere.
func (r *run) lastKnown(c *x509.Certificate) *x509.Certificate {
	for range maxJudgedPaths {
		if string(c.RawIssuer) == string(c.RawSubject) {
			return nil
		}
		var issuer *x509.Certificate
		for _, cand := range r.evidence.certs {
			if string(cand.RawSubject) == string(c.RawIssuer) && r.session.CheckIssued(c, cand) == nil {
				issuer = cand
				break
			}
		}
		if issuer == nil {
			return c
		}
		c = issuer
	}
	return nil
}

// addIssuers adds the path that begins at c among the certificates of a bundle.
func (r *run) addIssuers(c *x509.Certificate, bundle []*x509.Certificate) (added bool) {
	for range maxJudgedPaths {
		var issuer *x509.Certificate
		for _, cand := range bundle {
			if r.evidence.known[string(cand.Raw)] == nil && r.session.CheckIssued(c, cand) == nil {
				issuer = cand
				break
			}
		}
		if issuer == nil {
			break
		}
		r.evidence.addCertificate(issuer, outside)
		c, added = issuer, true
	}
	if added {
		clear(r.pathCache) // others may have lacked the same
	}
	return added
}

type statusKey struct {
	cert, issuer, anchor *x509.Certificate // CRL issuers of their own must lead to the anchor
}

type knownStatus struct {
	status  pki.Status
	err     error
	fetched bool
}

// status concludes from the evidence whether a certificate is revoked. Unless
// what is embedded was made at the moment or later it asks the source as well,
// so that an old good word cannot hide a newer bad one (R07): once for each
// certificate, and only here, where the path is known to reach an anchor.
func (r *run) status(l link, ask bool) (pki.Status, error) {
	r.network.trustHosts(l.cert)
	key := statusKey{l.cert, l.issuer, l.anchor}
	k := r.statusCache[key]
	if k == nil {
		k = &knownStatus{}
		k.status, k.err = r.revocation(l, r.at)
		r.statusCache[key] = k
	}
	known := k.err == nil && (k.status.State == pki.Revoked && !k.status.OnHold() || !k.status.ThisUpdate.Before(r.at))
	if r.network == nil || !ask || known || pki.NeverRevoked(l.cert) || k.fetched || !within(l.cert, r.at) {
		return k.status, k.err
	}
	k.fetched = true
	if err := r.fetch(l.cert, l.issuer); err == nil {
		k.status, k.err = r.revocation(l, r.at)
	} else if k.err != nil || !r.current(k.status, r.at) {
		r.note("fetch", fmt.Sprintf("no current revocation data for %s: %v", display(l.cert.Subject.CommonName), err))
	}
	return k.status, k.err
}

// revocation concludes from what provably existed by control, as of then. The
// status of a certificate that is never revoked is its own word, for the time
// of its validity (RFC 9608 §4), unless somebody revoked it all the same.
func (r *run) revocation(l link, control time.Time) (pki.Status, error) {
	status, err := pki.CheckRevocation(l.cert, l.issuer, r.evidence.material(&r.poe, control), r.anchorOf(l), control, r.evidenceOptions())
	if pki.NeverRevoked(l.cert) && (err != nil || status.State != pki.Revoked) {
		return pki.Status{
			State: pki.Good, ThisUpdate: l.cert.NotBefore, NextUpdate: l.cert.NotAfter, ProducedAt: l.cert.NotBefore,
			Signer: l.issuer, Algorithm: l.cert.SignatureAlgorithm,
		}, nil
	}
	return status, err
}

// evidenceOptions leave the age of evidence to the processes.
func (r *run) evidenceOptions() pki.CheckOptions {
	return pki.CheckOptions{
		AllowWeak: true, IgnoreFreshness: true, MaxSkew: r.v.cfg.Policy.ClockSkew,
		Responders: r.v.responders, Session: r.session,
	}
}

// anchorOf is the anchor of a link's path alone: whoever signs a list for another
// authority has a path to the same one (RFC 5280 §6.3.3 (f)).
func (r *run) anchorOf(l link) *pki.Anchors {
	a := r.sole[l.anchor]
	if a == nil {
		a = pki.NewAnchors(l.anchor)
		r.sole[l.anchor] = a
	}
	return a
}

// fetch asks for an OCSP response and, failing that, for a CRL, and keeps what
// came; what is wrong with a CRL comes out later.
func (r *run) fetch(cert, issuer *x509.Certificate) error {
	n := r.network
	if n.fetches++; n.fetches > maxFetches {
		n.over = true
		return fmt.Errorf("more than %d certificates to ask about", maxFetches)
	}
	var status pki.Status
	der, err := n.source.OCSP(n.ctx, cert, issuer, time.Time{})
	if err == nil {
		status, err = pki.CheckOCSP(der, cert, issuer, r.at, pki.CheckOptions{
			AllowWeak: true, MaxSkew: r.v.cfg.Policy.ClockSkew, Responders: r.v.responders, Session: r.session,
		})
	}
	if err == nil {
		r.evidence.addRevocation(der, true, outside)
		if err = r.fetchResponder(status, issuer); err == nil {
			return nil
		}
	}
	crl, crlErr := n.source.CRL(n.ctx, cert, issuer, time.Time{})
	if crlErr != nil {
		return fmt.Errorf("OCSP: %w; CRL: %w", err, crlErr)
	}
	r.evidence.addRevocation(crl, false, outside)
	return nil
}

// fetchResponder asks, once, for the status of a delegated responder, without
// which its answer does not count (RFC 6960 §4.2.2.2.1): a revocation that it tells
// would be lost, and an older good word in the file stand.
func (r *run) fetchResponder(s pki.Status, issuer *x509.Certificate) error {
	if !s.Delegated || !pki.NeedsStatus(s.Signer) {
		return nil
	}
	key := string(s.Signer.Raw)
	if err, asked := r.network.responders[key]; asked {
		return err
	}
	r.network.responders[key] = errResponder // nor while it is asked about: two might vouch for each other
	err := r.fetch(s.Signer, issuer)
	if err == nil {
		var own pki.Status
		own, err = pki.CheckRevocation(s.Signer, issuer, r.evidence.material(&r.poe, r.at), nil, r.at, r.evidenceOptions())
		if err == nil && own.State != pki.Good {
			err = errResponder
		}
	}
	r.network.responders[key] = err
	return err
}

var errResponder = errors.New("the responder is not known to be good")
