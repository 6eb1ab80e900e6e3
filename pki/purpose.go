package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// Purpose is what the key of the last certificate of a path is used for.
type Purpose int

const (
	// AnyPurpose asks nothing of key usage and extended key usage.
	AnyPurpose Purpose = iota
	// Signing documents: key usage, when present, has digitalSignature or
	// nonRepudiation, and extended key usage, when present, names more than
	// the jobs of servers and their clients, code signers, TSAs and OCSP
	// responders. Usages unknown to this package pass: national authorities
	// define their own. An authority between that is limited to such jobs issues
	// no signers.
	Signing
	// Timestamping: extended key usage is critical and is id-kp-timeStamping
	// alone (RFC 3161 §2.3); key usage, when present, signs. An authority between
	// that is limited to other jobs known here issues no TSAs.
	Timestamping
	// OCSPSigning: extended key usage has id-kp-OCSPSigning (RFC 6960
	// §4.2.2.2); key usage, when present, signs.
	OCSPSigning
	// CRLSigning: key usage, when present, has cRLSign (RFC 5280 §6.3.3 (f)).
	CRLSigning
)

func (p Purpose) String() string {
	switch p {
	case AnyPurpose:
		return "any"
	case Signing:
		return "signing"
	case Timestamping:
		return "timestamping"
	case OCSPSigning:
		return "ocsp-signing"
	case CRLSigning:
		return "crl-signing"
	}
	return fmt.Sprintf("Purpose(%d)", int(p))
}

var (
	asn1ExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	asn1KeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	asn1NoRevAvail  = asn1.ObjectIdentifier{2, 5, 29, 56}
	asn1NoCheck     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// CheckPurpose reports whether key usage and extended key usage of cert allow
// the purpose. The error is a *PathError with RuleKeyUsage, or with
// RuleExtension when id-pkix-ocsp-nocheck stands in a certificate that is not
// a responder's: it would exempt a signer from revocation (validation of
// Signing and Timestamping only).
func CheckPurpose(cert *x509.Certificate, p Purpose) error {
	if err := checkPurpose(cert, p); err != nil {
		return err
	}
	return nil // not the nil *PathError
}

func checkPurpose(cert *x509.Certificate, p Purpose) *PathError {
	deny := func(detail string) *PathError {
		return &PathError{Rule: RuleKeyUsage, Certificate: cert, Detail: p.String() + ": " + detail}
	}
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if p != AnyPurpose && p != CRLSigning && hasKeyUsage(cert) && cert.KeyUsage&signs == 0 {
		return deny("key usage has neither digitalSignature nor nonRepudiation")
	}
	switch p {
	case Signing:
		if onlyOtherJobs(cert) {
			return deny("extended key usage is for other jobs")
		}
	case Timestamping:
		ext := extensionOf(cert, asn1ExtKeyUsage)
		sole := len(cert.ExtKeyUsage) == 1 && cert.ExtKeyUsage[0] == x509.ExtKeyUsageTimeStamping && len(cert.UnknownExtKeyUsage) == 0
		if ext == nil || !ext.critical || !sole {
			return deny("extended key usage is not critical and timeStamping alone")
		}
	case OCSPSigning:
		if !hasExtKeyUsage(cert, x509.ExtKeyUsageOCSPSigning) {
			return deny("extended key usage lacks OCSPSigning")
		}
	case CRLSigning:
		if hasKeyUsage(cert) && cert.KeyUsage&x509.KeyUsageCRLSign == 0 {
			return deny("key usage lacks cRLSign")
		}
	}
	if (p == Signing || p == Timestamping) && HasNoCheck(cert) {
		return &PathError{Rule: RuleExtension, Certificate: cert, Detail: "id-pkix-ocsp-nocheck outside a responder's certificate"}
	}
	return nil
}

// HasNoCheck reports id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1). It counts
// only in a certificate that may sign OCSP responses.
func HasNoCheck(cert *x509.Certificate) bool { return extensionOf(cert, asn1NoCheck) != nil }

// NeverRevoked reports that a certificate says of itself that it will not be
// revoked, since it ends soon (noRevAvail, RFC 9608 §2): nobody is to be asked
// about it. In an authority's certificate, or beside an address of revocation
// data, the extension contradicts the rest and counts nothing.
func NeverRevoked(cert *x509.Certificate) bool {
	return !cert.IsCA && len(cert.OCSPServer)+len(cert.CRLDistributionPoints) == 0 && extensionOf(cert, asn1NoRevAvail) != nil
}

// NeedsStatus reports whether the status of a delegated responder must be
// known. It need not with id-pkix-ocsp-nocheck, nor when the authority names
// no place to ask: that leaves it to the relying party (RFC 6960 §4.2.2.2.1),
// and a status that cannot exist cannot be asked for.
func NeedsStatus(responder *x509.Certificate) bool {
	return !HasNoCheck(responder) && len(responder.OCSPServer)+len(responder.CRLDistributionPoints) > 0
}

type certExtension struct {
	critical bool
	value    []byte
}

func extensionOf(cert *x509.Certificate, id asn1.ObjectIdentifier) *certExtension {
	for i := range cert.Extensions {
		if cert.Extensions[i].Id.Equal(id) {
			return &certExtension{cert.Extensions[i].Critical, cert.Extensions[i].Value}
		}
	}
	return nil
}

func hasKeyUsage(cert *x509.Certificate) bool { return extensionOf(cert, asn1KeyUsage) != nil }

func hasExtKeyUsage(cert *x509.Certificate, want x509.ExtKeyUsage) bool {
	for _, u := range cert.ExtKeyUsage {
		if u == want {
			return true
		}
	}
	return false
}

func onlyOtherJobs(cert *x509.Certificate) bool {
	if len(cert.ExtKeyUsage) == 0 || len(cert.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, u := range cert.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageOCSPSigning,
			x509.ExtKeyUsageIPSECEndSystem, x509.ExtKeyUsageIPSECTunnel, x509.ExtKeyUsageIPSECUser:
		default:
			return false
		}
	}
	return true
}

// limitedToOthers reports an authority whose extended key usage leaves out what
// the certificates below it are for. Usages unknown to this package pass.
func limitedToOthers(ca *x509.Certificate, p Purpose) bool {
	switch p {
	case Signing:
		return onlyOtherJobs(ca)
	case Timestamping:
		return len(ca.ExtKeyUsage) > 0 && len(ca.UnknownExtKeyUsage) == 0 &&
			!hasExtKeyUsage(ca, x509.ExtKeyUsageTimeStamping) && !hasExtKeyUsage(ca, x509.ExtKeyUsageAny)
	}
	return false
}
