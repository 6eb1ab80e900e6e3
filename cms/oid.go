package cms

import "encoding/asn1"

// Content types.
var (
	OIDData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	OIDSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	OIDTSTInfo    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4} // RFC 3161 §2.4.2
)

// Attribute types.
var (
	OIDContentType            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	OIDMessageDigest          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	OIDSigningTime            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	OIDAlgorithmProtection    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52}        // RFC 6211
	OIDSigningCertificate     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634 §5.4, SHA-1
	OIDSignatureTimestamp     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14} // RFC 3161 Appendix A
	OIDSignaturePolicy        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 15} // EN 319 122-1 §5.2.9
	OIDCommitmentType         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 16} // EN 319 122-1 §5.2.3
	OIDSignerLocation         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 17} // EN 319 122-1 §5.2.5
	OIDSignerAttributes       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 18} // EN 319 122-1 §5.2.6.2
	OIDContentTimestamp       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 20} // EN 319 122-1 §5.2.8
	OIDRevocationValues       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 24} // EN 319 122-1 A.1.2.2
	OIDSigningCertificateV2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035 §3
	OIDSignerAttributesV2     = asn1.ObjectIdentifier{0, 4, 0, 19122, 1, 1}               // EN 319 122-1 §5.2.6.1
	OIDArchiveTimestampV3     = asn1.ObjectIdentifier{0, 4, 0, 1733, 2, 4}                // EN 319 122-1 §5.5.3
	OIDMimeType               = asn1.ObjectIdentifier{0, 4, 0, 1733, 2, 1}                // EN 319 122-1 §5.2.4.1
	OIDRevocationInfoArchival = asn1.ObjectIdentifier{1, 2, 840, 113583, 1, 1, 8}         // ISO 32000-2 §12.8.3.3.2
	oidRevocationInfoOCSP     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 16, 2}         // RFC 5940 §2.1
	oidRSAEncryption          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS                 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1                   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidECPublicKey            = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidEd25519                = asn1.ObjectIdentifier{1, 3, 101, 112}
)
