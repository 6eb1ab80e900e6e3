// Package pki answers one question about a certificate: is it good at a given
// moment, on given evidence, under given trust anchors?
//
// It hides RFC 5280 path building and validation (§6.1), OCSP (RFC 6960) and
// CRL (RFC 5280 §6.3) evaluation. crypto/x509 parses certificates for it and
// does nothing else: its Verify and CheckSignatureFrom leave out key usage,
// revocation, CRL scope and validity, and are not called here. OCSP responses
// and CRLs are read by this package, because golang.org/x/crypto/ocsp accepts
// stale answers, answers about other authorities' certificates and answers
// that the certificate in question signed for itself.
//
// It trusts the anchors it is given and nothing else: certificates, OCSP
// responses and CRLs are hostile input, bounded by the limits in limits.go.
// An anchor is a name and a key; the validity period of its certificate does
// not matter, its constraints do (RFC 5937).
//
// The package reads no clock, opens no connection and writes no log. The
// caller passes the moment; [Collect] reaches the network only through the
// [Source] it is given. All functions may be called concurrently; values are
// immutable after they are returned.
//
// It does not judge algorithms by date: by default SHA-1, RSA below 2048 bits
// and P-224 are refused, and a caller with a catalogue of its own sets
// AllowWeak and reads the algorithms off the results. It does not verify DSA,
// Ed448 or brainpool signatures, nor process attribute certificates.
package pki
