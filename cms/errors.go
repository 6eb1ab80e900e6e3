package cms

import (
	"errors"
	"fmt"
)

var (
	// ErrDigest says that the message-digest attribute is not the digest of
	// the content: the content is not what was signed (HASH_FAILURE).
	ErrDigest = errors.New("cms: the content does not have the signed digest")

	// ErrSignature says that the signature value was not made by this key over
	// these bytes (SIG_CRYPTO_FAILURE).
	ErrSignature = errors.New("cms: the signature value does not verify")

	// ErrBadSignature is returned by [Sign] when the key gave back a value that
	// does not verify with the certificate. Nothing may be released then.
	ErrBadSignature = errors.New("cms: the key returned a signature that does not verify with the certificate")

	// ErrKeyMismatch is returned by [Sign] when key and certificate have
	// different public keys.
	ErrKeyMismatch = errors.New("cms: the key does not belong to the certificate")
)

// MalformedError says that the bytes given are not what they should be.
type MalformedError struct {
	Offset int    // byte in the input given, or in the attribute value for its accessors
	Rule   string // stable and short, e.g. "ber-length", "limit"
	Err    error  // detail or cause; may be nil
}

func (e *MalformedError) Error() string {
	s := fmt.Sprintf("cms: malformed at byte %d: %s", e.Offset, e.Rule)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *MalformedError) Unwrap() error { return e.Err }

func malformed(offset int, rule, detail string) error {
	e := &MalformedError{Offset: offset, Rule: rule}
	if detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// Rule names what a SignedData breaks although it can be read. The part before
// the dot is the row of the attack catalogue that asks for the check.
type Rule string

// Rules a [ConstraintError] or a warning may carry. Each comment says what the
// breach means for a PDF signature under EN 319 102-1.
const (
	// FORMAT_FAILURE.
	RuleNoSignedAttributes   Rule = "M01.signed-attributes-absent"
	RuleMessageDigest        Rule = "M02.message-digest"        // absent, twice, several values or not an OCTET STRING
	RuleContentType          Rule = "M03.content-type"          // absent, twice, or other than eContentType
	RuleContentTypeNotData   Rule = "M03.content-type-not-data" // PAdES signs id-data only
	RuleContentPresent       Rule = "M04.content-present"       // PAdES is detached
	RuleDigestAlgorithm      Rule = "M05.digest-algorithm"      // digest and signature algorithms disagree
	RuleDigestUnlisted       Rule = "M05.digest-unlisted"       // missing in SignedData.digestAlgorithms; a warning
	RuleAlgorithmProtection  Rule = "M05.algorithm-protection"  // RFC 6211 attribute names other algorithms
	RuleAlgorithmParameters  Rule = "M05.algorithm-parameters"  // PSS hash other than its MGF hash, unknown trailer …
	RuleSignerCount          Rule = "M06.signer-count"          // not exactly one SignerInfo
	RuleAttributeTwice       Rule = "M12.attribute-twice"       // an attribute that must be single is not
	RuleAttributeMalformed   Rule = "M12.attribute-malformed"   // a signed attribute of known type cannot be read
	RuleSignedAttributesForm Rule = "M12.not-der"               // signed attributes verified, though not DER; a warning
	RuleReencoded            Rule = "M12.re-encoded"            // they verify only as DER, as RFC 5652 §5.4 has it; a warning
	RuleDuplicateCertificate Rule = "M19.certificate-twice"     // a warning

	// SIG_CONSTRAINTS_FAILURE.
	RuleNoSigningCertificate    Rule = "M07.signing-certificate-absent"
	RuleSigningCertificateTwice Rule = "M08.signing-certificate-twice"
	RuleSigningTimePresent      Rule = "M11.signing-time-present" // forbidden in PAdES baseline; a warning

	// NO_SIGNING_CERTIFICATE_FOUND.
	RuleCertificateReference Rule = "M08.certificate-reference" // ESS hash names another certificate
	RuleSignerIdentifier     Rule = "M09.signer-identifier"     // issuer and serial, or key id, of another certificate
	RuleSignerAmbiguous      Rule = "M09.signer-ambiguous"      // several certificates fit and no ESS hash decides
	RuleIssuerSerial         Rule = "M09.issuer-serial"         // ESS issuerSerial is another's though the hash fits; a warning

	// SIG_CRYPTO_FAILURE.
	RuleKeyType       Rule = "M15.key-type"       // key of another kind than the algorithm
	RuleKeyParameters Rule = "M15.key-parameters" // the PSS restrictions of the key are not met
	RuleKeyMalformed  Rule = "M15.key-malformed"  // even exponent, point not on the curve …

	// CRYPTO_CONSTRAINTS_FAILURE_NO_POE: nothing is known about the value.
	RuleKeySize     Rule = "M14.key-size"    // RSA beyond MaxRSABits, or shorter than Go verifies
	RuleUnsupported Rule = "M18.unsupported" // algorithm that this package cannot verify
)

// ConstraintError is a breach of a [Rule].
type ConstraintError struct {
	Rule Rule
	Err  error // detail; may be nil
}

func (e *ConstraintError) Error() string {
	s := "cms: constraint " + string(e.Rule)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *ConstraintError) Unwrap() error { return e.Err }

func breach(r Rule, format string, args ...any) *ConstraintError {
	if format == "" {
		return &ConstraintError{Rule: r}
	}
	return &ConstraintError{Rule: r, Err: fmt.Errorf(format, args...)}
}
