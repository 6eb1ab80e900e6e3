package cms

// Limits of [Parse]; over any of them the input is refused with rule "limit",
// never truncated. They follow rule M19: what real signatures need, several
// times over.
const (
	// MaxDepth is the greatest nesting of constructed elements. A token inside
	// a token inside a signature, with its certificates, needs about 28.
	MaxDepth = 32

	// MaxSize is the size in bytes of a whole SignedData. Only revocation
	// lists and encapsulated content may take it beyond MaxPlainSize.
	MaxSize = 10 << 20

	// MaxPlainSize is the size in bytes allowed to a SignedData that carries
	// neither revocation data nor content; the longest chains with RSA-8192
	// keys and two time-stamps stay below 64 KiB.
	MaxPlainSize = 1 << 20

	// MaxCertificates counts the members of SignedData.certificates.
	MaxCertificates = 64

	// MaxRevocations counts CRLs and OCSP responses, in SignedData.crls and
	// again in an archival attribute.
	MaxRevocations = 64

	// MaxSignerInfos counts SignerInfos; PAdES has exactly one.
	MaxSignerInfos = 16

	// MaxAttributes counts attributes of one set, and values of one attribute.
	MaxAttributes = 64

	// MaxRSABits is the longest RSA modulus that is verified: a 65,536-bit one
	// costs a quarter of a second.
	MaxRSABits = 8192

	// MaxSerialBytes bounds serial numbers; RFC 5280 §4.1.2.2 allows 20, real
	// certificates go a little over.
	MaxSerialBytes = 64
)
