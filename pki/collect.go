package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"
)

// Source fetches what certificates point to. pki/fetch.Client implements it.
// What it returns is not trusted.
type Source interface {
	// OCSP returns a DER OCSPResponse about cert of issuer. A stored one is
	// returned only when its thisUpdate is not before notBefore; the zero
	// time takes any that is current.
	OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error)
	// CRL returns a DER CertificateList that should cover cert of issuer,
	// with the same meaning of notBefore.
	CRL(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error)
	// Issuers returns the certificates at the caIssuers addresses of cert.
	Issuers(ctx context.Context, cert *x509.Certificate) ([]*x509.Certificate, error)
}

// Collect gathers what proves, for ever after, that every certificate of the
// chain below its anchor was good: for each one an OCSP response or, when
// none is to be had, a CRL, and the same for responders that do not carry
// id-pkix-ocsp-nocheck. All of it is verified at the moment as
// [CheckRevocation] does. The evidence holds the chain's certificates too.
//
// The chain runs from leaf to anchor, as [Chain] returns it. The leaf's
// status must be of notBefore or later; where no source has one that fresh,
// a status at most 24 hours (DefaultMaxAge) older is taken. Authorities'
// certificates and responders need only a current one. The zero notBefore
// asks nothing. CRLs count when the issuer itself signed them and they cover
// every reason; indirect and partitioned lists are for [CheckRevocation].
//
// It returns a *NotValidError, a *RevokedError (also for a certificate on
// hold), an *UnavailableError, or ctx.Err() once ctx is done.
func Collect(ctx context.Context, chain []*x509.Certificate, src Source, at, notBefore time.Time) (Evidence, error) {
	if len(chain) == 0 {
		return Evidence{}, &PathError{Rule: RuleNoAnchor, Detail: "empty chain"}
	}
	for _, c := range chain[:max(1, len(chain)-1)] {
		if checkPeriod(c, at) != nil {
			return Evidence{}, &NotValidError{Certificate: c, At: at}
		}
	}
	n := len(chain) - 1
	parts, errs := make([]Evidence, n), make([]error, n)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n {
		fresh := time.Time{}
		if i == 0 {
			fresh = notBefore
		}
		wg.Go(func() {
			c := &collector{src: src, at: at, chain: chain}
			parts[i], errs[i] = c.one(ctx, chain[i], chain[i+1], fresh, nil)
			if errs[i] != nil {
				cancel() // one missing is all missing
			}
		})
	}
	wg.Wait()
	if err := firstCause(errs); err != nil {
		return Evidence{}, err
	}
	ev := Evidence{Certificates: append([]*x509.Certificate(nil), chain...)}
	for _, p := range parts {
		ev.Add(p)
	}
	return ev, nil
}

// firstCause prefers the error that made the others be cancelled.
func firstCause(errs []error) error {
	var first error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if first == nil || errors.Is(first, context.Canceled) && !errors.Is(err, context.Canceled) {
			first = err
		}
	}
	return first
}

type collector struct {
	src   Source
	at    time.Time
	chain []*x509.Certificate
}

// one collects for cert, OCSP first. visited bounds the recursion through
// responders.
func (c *collector) one(ctx context.Context, cert, issuer *x509.Certificate, fresh time.Time, visited []*x509.Certificate) (Evidence, error) {
	for _, v := range visited {
		if v.Equal(cert) || len(visited) > maxRecursion {
			return Evidence{}, &UnavailableError{Certificate: cert, Errs: []error{&RejectError{Object: "revocation", Rule: RuleSelfVouching}}}
		}
	}
	visited = append(visited[:len(visited):len(visited)], cert)
	ev, err := c.ocsp(ctx, cert, issuer, fresh, visited)
	if final(err, cert) {
		return ev, err
	}
	ev, err2 := c.crl(ctx, cert, issuer, fresh)
	if final(err2, cert) {
		return ev, err2
	}
	if ctx.Err() != nil {
		return Evidence{}, ctx.Err()
	}
	return Evidence{}, &UnavailableError{Certificate: cert, Errs: []error{err, err2}}
}

// final reports that there is no point in asking another source.
func final(err error, cert *x509.Certificate) bool {
	var r *RevokedError
	// A revoked responder is no reason to give up the certificate it spoke about.
	return err == nil || errors.As(err, &r) && r.Certificate.Equal(cert)
}

func (c *collector) ocsp(ctx context.Context, cert, issuer *x509.Certificate, fresh time.Time, visited []*x509.Certificate) (Evidence, error) {
	der, err := c.src.OCSP(ctx, cert, issuer, fresh)
	if err != nil {
		return Evidence{}, err
	}
	st, err := CheckOCSP(der, cert, issuer, c.at, CheckOptions{})
	if err != nil {
		return Evidence{}, err
	}
	ev := Evidence{OCSPs: [][]byte{der}}
	if st.Delegated {
		ev.Certificates = []*x509.Certificate{st.Signer}
		if NeedsStatus(st.Signer) {
			own, err := c.one(ctx, st.Signer, issuer, time.Time{}, visited)
			if err != nil {
				return Evidence{}, rejectOCSP(RuleResponderStatus, "", err)
			}
			ev.Add(own)
		}
	}
	return ev, judge(st, cert, fresh)
}

func (c *collector) crl(ctx context.Context, cert, issuer *x509.Certificate, fresh time.Time) (Evidence, error) {
	der, err := c.src.CRL(ctx, cert, issuer, fresh)
	if err != nil {
		return Evidence{}, err
	}
	st, err := CheckCRL(der, cert, issuer, c.at, CheckOptions{})
	if err != nil {
		return Evidence{}, err
	}
	return Evidence{CRLs: [][]byte{der}}, judge(st, cert, fresh)
}

func judge(st Status, cert *x509.Certificate, fresh time.Time) error {
	if st.State == Revoked {
		return &RevokedError{Certificate: cert, Status: st}
	}
	if !fresh.IsZero() && st.ThisUpdate.Before(fresh.Add(-DefaultMaxAge)) {
		return &RejectError{Object: "revocation", Rule: RuleStale, Detail: st.ThisUpdate.UTC().Format(time.RFC3339)}
	}
	return nil
}
