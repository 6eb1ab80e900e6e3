package signer

import (
	"context"
	"errors"
	"fmt"

	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// Codes of [RefusedError] beside those of pades.RefusedError and package
// appearance, which are passed on.
const (
	CodeKeyMismatch     = "key-mismatch"               // key and certificate are not a pair
	CodeAlgorithm       = "algorithm"                  // no signatures with this kind or size of key
	CodeExpired         = "certificate-expired"        // at the moment, or a certificate above it
	CodeNotYetValid     = "certificate-not-yet-valid"  // likewise
	CodeRevoked         = "certificate-revoked"        // the signer's, or one above it
	CodeOnHold          = "certificate-on-hold"        // likewise suspended
	CodeAuthority       = "certificate-authority"      // a CA's certificate signs no documents
	CodeKeyUsage        = "certificate-key-usage"      // neither digitalSignature nor nonRepudiation, or made for other jobs
	CodePath            = "certificate-path"           // no valid path to an anchor
	CodeNoStatus        = "certificate-no-status"      // nobody to ask whether the certificate, or one above it, is revoked
	CodeStatusUnknown   = "certificate-status-unknown" // the responder of the certificate, or of one above it, does not know it; below B-LT only where no list can be asked
	CodeTSA             = "tsa-certificate"            // the timestamp authority's certificate is revoked, expired or untrusted
	CodeNoSignature     = "no-signature"               // nothing to raise to another level
	CodeSignatureBroken = "signature-broken"           // a signature that cannot be read must not be built upon
	CodeAmbiguous       = "document-ambiguous"         // readers would show different documents
	CodeText            = "text-character"             // a text of the signature holds a character that readers do not show
	CodeDetachedLevel   = "detached-level"             // detached CMS has B-B and B-T only
)

// RefusedError says that a rule of the certificate, the document or this
// package forbids what was asked. Nothing was made.
type RefusedError struct {
	Code   string // stable: one of the Code constants, or of package pades or appearance
	Reason string // one sentence for people
	Err    error  // cause; may be nil
}

func (e *RefusedError) Error() string { return e.Code + ": " + e.Reason }
func (e *RefusedError) Unwrap() error { return e.Err }

func refuse(code, format string, args ...any) *RefusedError {
	return &RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// UnavailableError says that a service outside did not give what a level
// needs. The same request may succeed later; with [Request.Fallback] it is
// reported in [Result.Shortfall] instead.
type UnavailableError struct {
	Service string // "timestamp" or "revocation"
	Err     error
}

func (e *UnavailableError) Error() string { return e.Service + " service: " + e.Err.Error() }
func (e *UnavailableError) Unwrap() error { return e.Err }

// ErrNoTimestamper is returned by [Signer.Augment] when a signature lacks a
// timestamp and no [Config].Timestamper could give one.
var ErrNoTimestamper = errors.New("signer: a signature has no timestamp, and no timestamp authority is configured")

// refused turns the document's own refusal into one of this package's.
func refused(err error) error {
	if r, ok := errors.AsType[*pades.RefusedError](err); ok {
		return &RefusedError{Code: r.Code, Reason: r.Reason, Err: r}
	}
	return err
}

// certificateError sorts the errors of pki about the chain of a signer, or of
// a timestamp authority.
func certificateError(ctx context.Context, err error, tsa bool) error {
	if ctx.Err() != nil {
		return fmt.Errorf("certificate status: %w", err)
	}
	code, reason := certificateCode(err)
	if code == "" {
		if e, ok := errors.AsType[*pki.UnavailableError](err); ok {
			return &UnavailableError{Service: "revocation", Err: e}
		}
		return fmt.Errorf("certificate status: %w", err)
	}
	if tsa {
		code = CodeTSA
	}
	return &RefusedError{Code: code, Reason: reason.Error(), Err: err}
}

// certificateCode says why a certificate is refused; code is "" when it is not.
func certificateCode(err error) (code string, reason error) {
	if e, ok := errors.AsType[*unprovableError](err); ok {
		return CodeNoStatus, e
	}
	if e, ok := errors.AsType[*unknownStatusError](err); ok {
		return CodeStatusUnknown, e
	}
	// A revoked responder makes evidence unavailable; it refuses nobody.
	if _, ok := errors.AsType[*pki.UnavailableError](err); ok {
		return "", nil
	}
	if e, ok := errors.AsType[*pki.RevokedError](err); ok {
		if e.Status.OnHold() {
			return CodeOnHold, e
		}
		return CodeRevoked, e
	}
	if e, ok := errors.AsType[*pki.NotValidError](err); ok {
		if e.At.Before(e.Certificate.NotBefore) {
			return CodeNotYetValid, e
		}
		return CodeExpired, e
	}
	if e, ok := errors.AsType[*pki.PathError](err); ok {
		switch e.Rule {
		case pki.RuleExpired:
			return CodeExpired, e
		case pki.RuleNotYetValid:
			return CodeNotYetValid, e
		}
		return CodePath, e
	}
	return "", nil
}
