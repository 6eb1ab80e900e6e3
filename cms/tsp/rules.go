package tsp

import (
	"fmt"

	"github.com/absah-id/absah/cms"
)

// Limits of what is read from others.
const (
	// MaxResponse is the size in bytes of a TimeStampResp. Tokens with their
	// chain have 3 to 10 KiB.
	MaxResponse = 1 << 20

	// MaxRequest is the size in bytes of a TimeStampReq; a usual one has 60.
	MaxRequest = 16 << 10

	maxStatusStrings = 16
	maxExtensions    = 32
	maxNonceBytes    = 64
)

// Rules that a time-stamp may break, beside those of package cms. A token that
// breaks one is not PASSED and proves no time.
const (
	RuleImprint           cms.Rule = "T01.imprint"            // over another digest: HASH_FAILURE of the token
	RuleExtendedKeyUsage  cms.Rule = "T02.extended-key-usage" // timeStamping is not the only, critical one
	RuleTimeOfCertificate cms.Rule = "T07.time-of-certificate"
	RuleTimeWindow        cms.Rule = "T07.time-window" // not between request and answer
	RuleImprintAlgorithm  cms.Rule = "T09.imprint-algorithm"
	RuleVersion           cms.Rule = "T10.version"
	RuleSignerCount       cms.Rule = "T10.signer-count"
	RuleCriticalExtension cms.Rule = "T10.critical-extension"
	RuleNonce             cms.Rule = "T10.nonce"
	RulePolicy            cms.Rule = "T10.policy"
	RuleTSAName           cms.Rule = "T10.tsa-name" // not a name of the certificate; a warning
)

func breach(r cms.Rule, format string, args ...any) *cms.ConstraintError {
	return &cms.ConstraintError{Rule: r, Err: fmt.Errorf(format, args...)}
}

// malformed reports that what cannot be read. cryptobyte keeps no offsets, so
// the error has that of the enclosing structure.
func malformed(offset int, rule, what string) error {
	return &cms.MalformedError{Offset: offset, Rule: rule, Err: fmt.Errorf("%s", what)}
}
