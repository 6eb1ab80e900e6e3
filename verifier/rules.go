package verifier

import (
	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
)

// ruleMeaning says what a breach of a rule of packages cms and tsp means for a
// signature (EN 319 102-1 Table 6).
var ruleMeaning = map[cms.Rule]Conclusion{
	cms.RuleNoSignedAttributes:  {Failed, FormatFailure, nil},
	cms.RuleMessageDigest:       {Failed, FormatFailure, nil},
	cms.RuleContentType:         {Failed, FormatFailure, nil},
	cms.RuleContentTypeNotData:  {Failed, FormatFailure, nil},
	cms.RuleContentPresent:      {Failed, FormatFailure, nil},
	cms.RuleAlgorithmProtection: {Failed, FormatFailure, nil},
	cms.RuleSignerCount:         {Failed, FormatFailure, nil},
	cms.RuleAttributeTwice:      {Failed, FormatFailure, nil},
	cms.RuleAttributeMalformed:  {Failed, FormatFailure, nil},

	// Digest and signature algorithms that disagree, or PSS with another hash in
	// MGF1: where digest and value hold all the same it is no forgery, and no
	// signature that could be called good.
	cms.RuleDigestAlgorithm:         {Indeterminate, SigConstraintsFailure, nil},
	cms.RuleAlgorithmParameters:     {Indeterminate, SigConstraintsFailure, nil},
	cms.RuleNoSigningCertificate:    {Indeterminate, SigConstraintsFailure, nil},
	cms.RuleSigningCertificateTwice: {Indeterminate, SigConstraintsFailure, nil},
	cms.RuleSigningTimePresent:      {Indeterminate, SigConstraintsFailure, nil},

	cms.RuleCertificateReference: {Indeterminate, NoSigningCertificateFound, nil},
	cms.RuleSignerIdentifier:     {Indeterminate, NoSigningCertificateFound, nil},
	cms.RuleSignerAmbiguous:      {Indeterminate, NoSigningCertificateFound, nil},

	cms.RuleKeyType:       {Failed, SigCryptoFailure, nil},
	cms.RuleKeyParameters: {Failed, SigCryptoFailure, nil},
	cms.RuleKeyMalformed:  {Failed, SigCryptoFailure, nil},
	cms.RuleKeySize:       {Indeterminate, CryptoNoPOE, nil},
	cms.RuleUnsupported:   {Indeterminate, CryptoNoPOE, nil},

	tsp.RuleImprint:           {Failed, HashFailure, nil},
	tsp.RuleExtendedKeyUsage:  {Indeterminate, ChainConstraintsFailure, nil},
	tsp.RuleTimeOfCertificate: {Indeterminate, SigConstraintsFailure, nil},
	tsp.RuleImprintAlgorithm:  {Indeterminate, CryptoNoPOE, nil},
	tsp.RuleVersion:           {Failed, FormatFailure, nil},
	tsp.RuleSignerCount:       {Failed, FormatFailure, nil},
	tsp.RuleCriticalExtension: {Indeterminate, SigConstraintsFailure, nil},
}

// breachConclusion maps one breach; rules that are not listed are treated as
// constraints on the signature.
func breachConclusion(e *cms.ConstraintError) Conclusion {
	c, listed := ruleMeaning[e.Rule]
	if !listed {
		c = Conclusion{Indeterminate, SigConstraintsFailure, nil}
	}
	return c.because(Reason{string(e.Rule), e.Error()})
}

// warningTexts say for people what a tolerated oddity is.
var warningTexts = map[cms.Rule]string{
	cms.RuleSigningTimePresent:   "the signature states a signing time of its own, which PAdES leaves to the PDF",
	cms.RuleSignedAttributesForm: "the signed attributes are not in canonical form (DER); the signature holds over the bytes received",
	cms.RuleReencoded:            "the signature holds only over the canonical form (DER) of its attributes",
	cms.RuleDigestUnlisted:       "the digest algorithm is not announced in the signature's list",
	cms.RuleDuplicateCertificate: "a certificate is embedded twice",
	cms.RuleIssuerSerial:         "the reference to the signing certificate names another issuer or number, though its digest fits",
	tsp.RuleTSAName:              "the time-stamp names an authority that is not its certificate's",
}

func ruleWarning(e *cms.ConstraintError) Reason {
	text, known := warningTexts[e.Rule]
	if !known {
		text = e.Error()
	}
	return Reason{string(e.Rule), text}
}
