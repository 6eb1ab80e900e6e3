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

// watch is a source that notes for which certificate of a path a responder
// answered "unknown" (RFC 6960 §2.2). A revocation list beside it does not
// help: the responder, which answers for the authority, knows of no such
// certificate, so the authority may never have issued it, and a list names only
// certificates that it did issue.
type watch struct {
	pki.Source
	path []*x509.Certificate // leaf to anchor
	at   time.Time

	mu      sync.Mutex
	unknown []*x509.Certificate // guarded by mu
}

// OCSP implements [pki.Source]. What another responder of the certificate says
// counts where the source tells of it.
func (w *watch) OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	der, err := w.Source.OCSP(ctx, cert, issuer, notBefore)
	answer := err
	if err == nil {
		_, answer = pki.CheckOCSP(der, cert, issuer, w.at, pki.CheckOptions{})
	}
	if saysUnknown(answer) && w.onPath(cert) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.unknown = append(w.unknown, cert)
	}
	return der, err
}

// onPath leaves out responders, whose status concerns their answers only.
func (w *watch) onPath(cert *x509.Certificate) bool {
	for _, c := range w.path {
		if c.Equal(cert) {
			return true
		}
	}
	return false
}

// verdict joins what was noted to the outcome of asking.
func (w *watch) verdict(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, open := errors.AsType[*pki.UnavailableError](err)
	if len(w.unknown) == 0 || err != nil && !open { // it is revoked or expired as well
		return err
	}
	first := w.unknown[0]
	if i := slices.IndexFunc(w.unknown, unlisted); i >= 0 {
		first = w.unknown[i]
	}
	return &unknownStatusError{cert: first, err: err}
}

// unlisted reports that no revocation list can be asked about c.
func unlisted(c *x509.Certificate) bool { return len(c.CRLDistributionPoints) == 0 }

// saysUnknown looks for an answer that holds but for its status, also among
// those of several responders.
func saysUnknown(err error) bool {
	switch e := err.(type) { //nolint:errorlint // this is the walk that errors.As does not do
	case *pki.RejectError:
		return e.Object == "ocsp" && e.Rule == pki.RuleUnknown
	case interface{ Unwrap() error }:
		return saysUnknown(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range e.Unwrap() {
			if saysUnknown(e) {
				return true
			}
		}
	}
	return false
}

// unknownStatusError says that a responder does not know a certificate of the
// path. What asking everybody came to is err, nil when a revocation list calls
// the certificate good.
type unknownStatusError struct {
	cert *x509.Certificate // one that no list can be asked about, where there is one
	err  error
}

// settled reports that asking again would bring nothing else: the responder has
// answered, and there is no list.
func (e *unknownStatusError) settled() bool { return e.err != nil && unlisted(e.cert) }

func (e *unknownStatusError) Error() string {
	return fmt.Sprintf("The OCSP responder answers \"unknown\" about the certificate of %q: its authority may not have issued it.", e.cert.Subject.CommonName)
}

func (e *unknownStatusError) Unwrap() error { return e.err }
