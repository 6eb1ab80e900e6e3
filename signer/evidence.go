package signer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// maxIssuerFetches bounds how often issuers are fetched for one path. The
// chains of the national PKI have three certificates.
const maxIssuerFetches = 4

// path builds the path of leaf at the moment. Issuers that nobody sent are
// fetched from where the certificates say (RFC 5280 §4.2.2.1): only while a
// path is missing, and only for certificates named by the operator or found in
// the token of a configured authority.
func (s *Signer) path(ctx context.Context, leaf *x509.Certificate, pool []*x509.Certificate, anchors *pki.Anchors, at time.Time, p pki.Purpose) ([]*x509.Certificate, error) {
	pool, anchors = slices.Clone(pool), trustedAt(anchors, at)
	next := leaf
	for range maxIssuerFetches {
		chain, err := pki.Chain(leaf, pool, anchors, at, p)
		if err == nil || pki.RuleOf(err) != pki.RuleNoAnchor || s.cfg.Source == nil {
			return chain, err
		}
		for {
			issuer := issuerIn(next, pool)
			if issuer == nil || issuer.Equal(next) {
				break
			}
			next = issuer
		}
		found, fetchErr := s.cfg.Source.Issuers(ctx, next)
		if fetchErr != nil || issuerIn(next, found) == nil {
			return nil, err
		}
		pool = append(pool, found...)
	}
	return pki.Chain(leaf, pool, anchors, at, p)
}

// trustedAt leaves out the anchors whose sunset is past: pki takes them all.
func trustedAt(a *pki.Anchors, at time.Time) *pki.Anchors {
	sunken := func(c *x509.Certificate) bool {
		end := a.Sunset(c)
		return !end.IsZero() && !at.Before(end)
	}
	certs := a.Certificates()
	if !slices.ContainsFunc(certs, sunken) {
		return a
	}
	return pki.NewAnchors(slices.DeleteFunc(slices.Clone(certs), sunken)...)
}

func issuerIn(c *x509.Certificate, pool []*x509.Certificate) *x509.Certificate {
	for _, p := range pool {
		if string(p.RawSubject) == string(c.RawIssuer) && !p.Equal(c) {
			return p
		}
	}
	return nil
}

// subject is a certificate whose status must be proven in the document, at the
// best time known of what it signed.
type subject struct {
	chain []*x509.Certificate // leaf to anchor
	time  time.Time
	tsa   bool
}

// gather collects the evidence for all subjects. Their own status shall be of
// their time or later, as far as whole seconds allow: a revocation just before
// the signature then shows. have is what the document holds already and is
// preferred to asking again.
func (s *Signer) gather(ctx context.Context, subjects []subject, have *pki.Evidence, at time.Time) (pki.Evidence, error) {
	var out pki.Evidence
	var done [][]byte // of leaves, with subjects in order of falling time
	subjects = slices.Clone(subjects)
	slices.SortStableFunc(subjects, func(a, b subject) int { return b.time.Compare(a.time) })
	for _, sub := range subjects {
		if contains(done, sub.chain[0].Raw) {
			continue // evidence for the later time serves the earlier one
		}
		done = append(done, sub.chain[0].Raw)
		ev, err := s.prove(ctx, sub, have, at)
		if err != nil {
			return pki.Evidence{}, certificateError(ctx, err, sub.tsa)
		}
		out.Add(ev)
	}
	return out, nil
}

func contains(list [][]byte, b []byte) bool {
	return slices.ContainsFunc(list, func(x []byte) bool { return string(x) == string(b) })
}

// prove returns evidence for one subject: what the document holds when it is
// fresh enough, else what the sources say now, else what the document holds if
// it is at most a day older than asked.
func (s *Signer) prove(ctx context.Context, sub subject, have *pki.Evidence, at time.Time) (pki.Evidence, error) {
	asked := sub.time.Truncate(time.Second)
	held, known := covers(sub.chain, have, s.anchorsOf(sub), at)
	if known && !held.Before(asked) {
		return *have, nil
	}
	// The authority's clock may be ahead of ours, and evidence is made after
	// the token: judge it at the later of the two moments.
	if sub.time.After(at) {
		at = sub.time
	}
	ev, err := s.collect(ctx, sub.chain, at, asked)
	if err == nil {
		return ev, nil
	}
	_, revoked := errors.AsType[*pki.RevokedError](err)
	_, unknown := errors.AsType[*unknownStatusError](err)
	if !revoked && !unknown && known && !held.Before(asked.Add(-pki.DefaultMaxAge)) {
		return *have, nil
	}
	return pki.Evidence{}, err
}

func (s *Signer) anchorsOf(sub subject) *pki.Anchors {
	if sub.tsa {
		return s.cfg.TSAAnchors
	}
	return s.cfg.Anchors
}

// covers reports whether evidence in a document shows every certificate of
// the chain to be good, and of when the leaf's status is.
func covers(chain []*x509.Certificate, have *pki.Evidence, anchors *pki.Anchors, at time.Time) (leaf time.Time, ok bool) {
	if have == nil {
		return leaf, false
	}
	material, _ := have.Parse() // what does not parse proves nothing
	first := 0
	if pki.NeverRevoked(chain[0]) {
		first, leaf = 1, at
	}
	for i := first; i < len(chain)-1; i++ {
		st, err := pki.CheckRevocation(chain[i], chain[i+1], material, anchors, at, pki.CheckOptions{IgnoreFreshness: true})
		if err != nil || st.State != pki.Good {
			return leaf, false
		}
		if i == 0 {
			leaf = st.ThisUpdate
		}
	}
	return leaf, true
}

// held returns the evidence in the document's security store; nil when it has
// none.
func (w *work) held() (*pki.Evidence, error) {
	dss, err := pades.ReadDSS(w.doc.Latest())
	if err != nil || dss == nil {
		return nil, err
	}
	ev := &pki.Evidence{OCSPs: dss.OCSPs, CRLs: dss.CRLs}
	for _, der := range dss.Certificates {
		if c, err := x509.ParseCertificate(der); err == nil { // others are other people's
			ev.Certificates = append(ev.Certificates, c)
		}
	}
	return ev, nil
}

// store adds evidence to the document, or returns w when it has all of it.
func (w *work) store(ev pki.Evidence) (*work, error) {
	dss := pades.DSS{OCSPs: ev.OCSPs, CRLs: ev.CRLs}
	for _, c := range ev.Certificates {
		dss.Certificates = append(dss.Certificates, c.Raw)
	}
	tail, err := pades.WriteDSS(w.doc.Latest(), dss)
	if err != nil {
		return nil, fmt.Errorf("document security store: %w", err)
	}
	if tail == nil {
		return w, nil
	}
	return w.append(tail)
}

// maxAuthorities is how many authorities in turn may answer while an archive
// timestamp is made; see archive.
const maxAuthorities = 3

// archive stores the evidence and puts a document timestamp over it. The
// evidence for the timestamp's own authority must stand before it: when an
// authority answers that was not expected (the first timestamp came from
// another), its evidence is added and the step taken again.
func (s *Signer) archive(ctx context.Context, w *work, ev pki.Evidence, at time.Time) (next *work, st *stamp, all pki.Evidence, err error) {
	known := make([][]byte, len(ev.Certificates))
	for i, c := range ev.Certificates {
		known[i] = c.Raw
	}
	for range maxAuthorities {
		stored, err := w.store(ev)
		if err != nil {
			return nil, nil, ev, err
		}
		next, st, err := s.documentTimestamp(ctx, stored, at)
		if err != nil {
			return nil, nil, ev, err
		}
		if contains(known, st.chain[0].Raw) {
			return next, st, ev, nil
		}
		more, err := s.gather(ctx, []subject{{st.chain, st.time, true}}, nil, at)
		if err != nil {
			return nil, nil, ev, err
		}
		ev.Add(more)
		known = append(known, st.chain[0].Raw)
	}
	return nil, nil, ev, &UnavailableError{Service: "timestamp", Err: errors.New("each answer came from another authority")}
}

// documentTimestamp appends a document timestamp (EN 319 142-1 §5.4.3).
func (s *Signer) documentTimestamp(ctx context.Context, w *work, at time.Time) (*work, *stamp, error) {
	p, err := pades.Prepare(w.doc.Latest(), pades.SignatureSpec{Kind: pades.KindDocTimestamp, ContentsSize: s.cfg.TokenSize})
	if err != nil {
		return nil, nil, refused(err)
	}
	digest, err := w.digests.ofPending(p)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.stamp(ctx, w.digests.hash, digest, at)
	if err != nil {
		return nil, nil, err
	}
	st.field = p.Field
	next, err := w.embed(p, st.token, digest)
	return next, st, err
}
