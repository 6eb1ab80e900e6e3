package pki

import (
	"crypto/x509"
	"fmt"
	"time"
)

// State is what evidence says about a certificate.
type State int

const (
	// Unknown: no acceptable evidence says anything. The zero State.
	Unknown State = iota
	// Good: not revoked as of ThisUpdate.
	Good
	// Revoked or, with the reason CertificateHold, suspended.
	Revoked
)

func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// Reason is CRLReason (RFC 5280 §5.3.1).
type Reason int

// The reasons of RFC 5280 §5.3.1. Number 7 is not used.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn", AACompromise: "aACompromise",
}

func (r Reason) String() string {
	if s, ok := reasonNames[r]; ok {
		return s
	}
	return fmt.Sprintf("Reason(%d)", int(r))
}

// Status is the conclusion drawn from one OCSP response or from the CRLs of
// one authority. Times are UTC.
type Status struct {
	State      State
	ThisUpdate time.Time // when the status was known to be right
	NextUpdate time.Time // when newer information will be there; zero: not said
	ProducedAt time.Time // when an OCSP response was signed; for a CRL ThisUpdate

	RevokedAt time.Time // zero unless Revoked
	Reason    Reason
	// InvalidityDate is when the key is thought to have become bad, by a CRL
	// entry's word; zero when not said. ETSI decides by RevokedAt; show both.
	InvalidityDate time.Time

	// Signer signed the evidence: the issuer, a delegated OCSP responder or
	// another CRL issuer.
	Signer *x509.Certificate
	// Delegated means that Signer is neither the issuer nor one of
	// [CheckOptions].Responders. Unless it carries
	// id-pkix-ocsp-nocheck its own status has to be looked at;
	// [CheckRevocation] and [Collect] do.
	Delegated bool
	Algorithm x509.SignatureAlgorithm // with which the evidence was signed
	Evidence  []byte                  // the DER of the OCSP response or CRL; not to be changed
	OCSP      bool                    // Evidence is an OCSP response, not a CRL
	CertHash  bool                    // the response names the certificate by its hash: a positive statement
}

// permanent reports a revocation that nothing newer can undo.
func (s Status) permanent() bool { return s.State == Revoked && s.Reason != CertificateHold }

// OnHold reports a suspension, which may end.
func (s Status) OnHold() bool { return s.State == Revoked && s.Reason == CertificateHold }

// DefaultMaxAge is how long a status without nextUpdate counts.
const DefaultMaxAge = 24 * time.Hour

// DefaultMaxSkew is how far a responder's clock may be ahead.
const DefaultMaxSkew = time.Minute

// CheckOptions adjust the acceptance of revocation evidence. The zero value
// is the strict default.
type CheckOptions struct {
	// AllowWeak is as in [PathOptions].
	AllowWeak bool
	// IgnoreFreshness accepts evidence whatever its age, for callers that
	// judge freshness by themselves (EN 319 102-1 §5.2.5). Evidence made
	// after the moment is refused all the same.
	IgnoreFreshness bool
	// MaxAge is the age at which a status without nextUpdate is stale; zero
	// means DefaultMaxAge.
	MaxAge time.Duration
	// MaxSkew is how far thisUpdate and producedAt may lie after the moment;
	// zero means DefaultMaxSkew, negative none.
	MaxSkew time.Duration
	// Nonce that was sent. A response with another nonce is refused; one
	// without is not, since most responders sign in advance (RFC 5019).
	Nonce []byte
	// Responders are certificates trusted to answer for any issuer (RFC 6960
	// §4.2.2.2, local configuration). Matched whole; valid at the moment.
	Responders []*x509.Certificate
	// Session that the question belongs to; nil means none.
	Session *Session
}

func (o CheckOptions) rules() signatureRules { return signatureRules{o.AllowWeak, o.Session} }

func (o CheckOptions) maxAge() time.Duration {
	if o.MaxAge == 0 {
		return DefaultMaxAge
	}
	return o.MaxAge
}

func (o CheckOptions) maxSkew() time.Duration {
	switch {
	case o.MaxSkew == 0:
		return DefaultMaxSkew
	case o.MaxSkew < 0:
		return 0
	}
	return o.MaxSkew
}

// checkTimes places the status in time: against the moment, and against the
// life of the certificate. cutoff is the archive cutoff or expiredCertsOnCRL
// date, zero when absent.
func (s Status) checkTimes(object string, cert *x509.Certificate, cutoff, at time.Time, o CheckOptions) *RejectError {
	reject := func(r Rule, t time.Time) *RejectError {
		return &RejectError{Object: object, Rule: r, Detail: t.UTC().Format(time.RFC3339) + " against " + at.UTC().Format(time.RFC3339)}
	}
	if s.permanent() {
		return nil // a revocation stays one, however old or new the proof
	}
	latest := at.Add(o.maxSkew())
	switch {
	case s.ThisUpdate.After(latest):
		return reject(RuleFuture, s.ThisUpdate)
	case s.ProducedAt.After(latest):
		return reject(RuleFuture, s.ProducedAt)
	case s.ThisUpdate.After(s.ProducedAt.Add(o.maxSkew())):
		return reject(RuleFuture, s.ThisUpdate) // nobody knows what is to come
	case !s.NextUpdate.IsZero() && s.NextUpdate.Before(s.ThisUpdate):
		return reject(RuleStale, s.NextUpdate)
	}
	if !o.IgnoreFreshness {
		if s.NextUpdate.IsZero() && at.Sub(s.ThisUpdate) > o.maxAge() {
			return reject(RuleStale, s.ThisUpdate)
		}
		if !s.NextUpdate.IsZero() && !at.Before(s.NextUpdate) {
			return reject(RuleStale, s.NextUpdate)
		}
	}
	if s.ThisUpdate.Before(cert.NotBefore) {
		return &RejectError{Object: object, Rule: RuleBeforeIssuance, Detail: s.ThisUpdate.UTC().Format(time.RFC3339)}
	}
	// A responder or list may forget certificates that ran out, unless it
	// says how far back it remembers.
	if s.State == Good && s.ThisUpdate.After(cert.NotAfter) && (cutoff.IsZero() || cutoff.After(cert.NotAfter)) {
		return &RejectError{Object: object, Rule: RuleAfterExpiry, Detail: s.ThisUpdate.UTC().Format(time.RFC3339)}
	}
	return nil
}
