package pki

// Every cap on foreign input stands here, each with its reason. Over the cap
// is refused, never truncated.
const (
	// maxDepth is the longest path, anchor included. Real ones have 2 to 4
	// certificates; x509-limbo's bombs have hundreds.
	maxDepth = 10
	// maxPaths bounds complete candidate paths tried for one leaf, so that n
	// cross-signed authorities do not cost n! validations.
	maxPaths = 100
	// maxSignatures bounds signature checks for one leaf: 200 checks of
	// RSA-8192 are below half a second.
	maxSignatures = 200
	// maxPool bounds the certificates offered as intermediates. A CMS carries
	// 64 at most; a DSS of a much signed letter a few hundred.
	maxPool = 4096
	// maxBundle bounds the certificates of one PEM or PKCS #7 bundle.
	maxBundle = 1024
	// maxNameChecks bounds comparisons of names with name constraints in one
	// path; crypto/x509 stops at a quarter million as well.
	maxNameChecks = 250_000
	// maxPolicyNodes bounds the policy graph of one path. The graph grows as
	// depth times policies, so this is 10 certificates of 400 policies.
	maxPolicyNodes = 4096
	// maxRSABits and minRSABits bound RSA moduli: a 65,536-bit key costs a
	// quarter second a check, and below 1024 bits anyone can forge.
	maxRSABits = 8192
	minRSABits = 1024
	// maxOCSP bounds one OCSP response. Real ones have 2 kB, batched ones 50.
	maxOCSP = 1 << 20
	// maxOCSPCerts and maxOCSPSingles bound what one response carries.
	maxOCSPCerts   = 16
	maxOCSPSingles = 1024
	// maxCRL bounds one CRL. The largest national lists have 10 MB.
	maxCRL = 20 << 20
	// maxExtensions bounds the extensions of one OCSP or CRL object.
	maxExtensions = 32
	// maxGeneralNames bounds the names of one extension.
	maxGeneralNames = 4096
	// maxEvidence bounds OCSP responses plus CRLs considered for one
	// certificate.
	maxEvidence = 4096
	// maxCovering bounds the OCSP responses about one certificate where no
	// session bounds what they cost; a letter signed often by one person
	// carries one a signature.
	maxCovering = 128
	// maxRecursion bounds "who vouches for the one that vouches": responder
	// and CRL issuer certificates that need revocation data of their own.
	maxRecursion = 4
)
