package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rule names, in a stable and short form, why a certificate, path, OCSP
// response or CRL was not accepted.
type Rule string

// Rules of certification paths (RFC 5280 §6.1).
const (
	RuleNoAnchor        Rule = "no-anchor"          // no path leads to a trust anchor
	RuleBudget          Rule = "budget"             // path building stopped at a limit; nothing follows about other paths
	RuleSignature       Rule = "signature"          // a signature does not verify
	RuleAlgorithm       Rule = "algorithm"          // an algorithm or key that cannot be verified
	RuleWeakAlgorithm   Rule = "weak-algorithm"     // refused because AllowWeak is not set
	RuleExpired         Rule = "expired"            // the moment is after notAfter
	RuleNotYetValid     Rule = "not-yet-valid"      // the moment is before notBefore
	RuleNameChaining    Rule = "name-chaining"      // issuer and subject names do not chain
	RuleNotCA           Rule = "not-ca"             // an issuer without cA in its basic constraints, or an X.509v1 issuer
	RulePathLength      Rule = "path-length"        // pathLenConstraint or maxDepth exceeded
	RuleKeyUsage        Rule = "key-usage"          // key usage or extended key usage forbids this use
	RuleCritical        Rule = "critical-extension" // an unknown critical extension
	RuleNameConstraints Rule = "name-constraints"   // a name outside the permitted or inside an excluded subtree
	RulePolicy          Rule = "policy"             // certificate policies leave no valid policy
	RuleExtension       Rule = "extension"          // an extension that cannot be read, or stands twice
)

// Rules of revocation evidence (RFC 6960, RFC 5280 §6.3).
const (
	RuleStatus          Rule = "response-status"   // the responder answered with an error
	RuleCertID          Rule = "cert-id"           // no answer about this certificate of this issuer
	RuleResponderID     Rule = "responder-id"      // no certificate fits the responder id
	RuleUnauthorized    Rule = "unauthorized"      // the signer may not answer for this issuer
	RuleSelfVouching    Rule = "self-vouching"     // the certificate vouches for itself
	RuleUnknown         Rule = "unknown"           // status unknown
	RuleFuture          Rule = "future"            // made after the moment
	RuleStale           Rule = "stale"             // the moment is after nextUpdate, or the answer is too old
	RuleBeforeIssuance  Rule = "before-issuance"   // made before the certificate was
	RuleAfterExpiry     Rule = "after-expiry"      // made after the certificate expired, without archive cutoff or expiredCertsOnCRL reaching back
	RuleCertHash        Rule = "cert-hash"         // the answer is about another certificate of that number
	RuleNonce           Rule = "nonce"             // the answer carries another nonce
	RuleCRLScope        Rule = "crl-scope"         // the list does not cover this certificate
	RuleCRLIssuer       Rule = "crl-issuer"        // the list is of another issuer
	RuleCRLDelta        Rule = "crl-delta"         // a delta without its base
	RuleCRLReasons      Rule = "crl-reasons"       // the lists at hand do not cover every reason
	RuleNoEvidence      Rule = "no-evidence"       // nothing was offered
	RuleResponderStatus Rule = "responder-status"  // the status of the one that vouches is bad or not known
	RuleTooMuch         Rule = "too-much-evidence" // more evidence than the limits allow
)

// MalformedError says that bytes are not the object they should be.
type MalformedError struct {
	Object string // "certificate", "ocsp", "crl", "extension", "bundle"
	Offset int    // of the offending byte in the object; -1 when it has no place
	Rule   string // stable and short
	Err    error  // detail or cause; may be nil
}

func (e *MalformedError) Error() string {
	s := "malformed " + e.Object
	if e.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", e.Offset)
	}
	s += ": " + e.Rule
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *MalformedError) Unwrap() error { return e.Err }

// PathError says why no certification path was accepted. When several were
// tried it tells about the one that came closest.
type PathError struct {
	Rule        Rule
	Certificate *x509.Certificate // that breaks the rule; nil for RuleBudget
	Detail      string
	Err         error // cause; may be nil
}

func (e *PathError) Error() string {
	s := "certificate path: " + string(e.Rule)
	if e.Certificate != nil {
		s += fmt.Sprintf(" at %q", displayName(e.Certificate))
	}
	return s + tail(e.Detail, e.Err)
}

func (e *PathError) Unwrap() error { return e.Err }

// RejectError says why an OCSP response or a CRL was discarded as evidence.
// It is a finding about the evidence, not about the certificate.
type RejectError struct {
	Object string // "ocsp", "crl" or "revocation" for a conclusion from several
	Rule   Rule
	Detail string
	Err    error // cause; may be nil
}

func (e *RejectError) Error() string {
	return e.Object + " rejected: " + string(e.Rule) + tail(e.Detail, e.Err)
}

func (e *RejectError) Unwrap() error { return e.Err }

// RuleOf returns the rule of the outermost [PathError] or [RejectError] that
// err is or wraps, "malformed" for a [MalformedError], and "" for other
// errors. Of joined errors the first that has a rule counts.
func RuleOf(err error) Rule {
	var r ruled
	if errors.As(err, &r) {
		return r.rule()
	}
	return ""
}

type ruled interface {
	error
	rule() Rule
}

func (e *PathError) rule() Rule      { return e.Rule }
func (e *RejectError) rule() Rule    { return e.Rule }
func (e *MalformedError) rule() Rule { return "malformed" }

// RevokedError is returned by [Collect] when a certificate of the chain, or of
// one that vouches for it, is revoked or on hold.
type RevokedError struct {
	Certificate *x509.Certificate
	Status      Status
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("certificate %q was revoked on %s (%s)",
		displayName(e.Certificate), e.Status.RevokedAt.UTC().Format(time.RFC3339), e.Status.Reason)
}

// NotValidError is returned by [Collect] when a certificate of the chain is
// outside its validity period at the moment.
type NotValidError struct {
	Certificate *x509.Certificate
	At          time.Time
}

func (e *NotValidError) Error() string {
	return fmt.Sprintf("certificate %q is valid from %s to %s, not at %s", displayName(e.Certificate),
		e.Certificate.NotBefore.UTC().Format(time.RFC3339), e.Certificate.NotAfter.UTC().Format(time.RFC3339), e.At.UTC().Format(time.RFC3339))
}

// UnavailableError is returned by [Collect] when no source gave acceptable
// evidence for a certificate. Errs says what each one gave instead.
type UnavailableError struct {
	Certificate *x509.Certificate
	Errs        []error
}

func (e *UnavailableError) Error() string {
	s := fmt.Sprintf("no acceptable revocation status for %q", displayName(e.Certificate))
	return s + inOneLine(e.Errs)
}

func (e *UnavailableError) Unwrap() []error { return e.Errs }

// inOneLine is ": " and the texts of errs, which may have lines of their own.
func inOneLine(errs []error) string {
	err := errors.Join(errs...)
	if err == nil {
		return ""
	}
	return ": " + strings.ReplaceAll(err.Error(), "\n", "; ")
}

func tail(detail string, err error) string {
	s := ""
	if detail != "" {
		s += ": " + detail
	}
	if err != nil {
		s += ": " + err.Error()
	}
	return s
}

// displayName is for messages only. %q at the caller neutralises control and
// bidirectional characters.
func displayName(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}
