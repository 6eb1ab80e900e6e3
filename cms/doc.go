// Package cms reads, verifies and writes the SignedData of RFC 5652 with the
// ESS and CAdES attributes that PAdES and RFC 3161 ask for (RFC 5035,
// EN 319 122-1, EN 319 142-1).
//
// It hides BER and DER, algorithm identifiers, and the many ways in which a
// SignerInfo can say one thing and mean another. What it finds is reported as
// values that a verifier maps to ETSI sub-indications: see [Result], [Rule].
//
// Input is hostile. [Parse] accepts BER (indefinite and non-minimal lengths,
// constructed strings, unsorted sets), says in [SignedData.DER] whether it had
// to, and works under the limits declared in limits.go; no input makes it
// recurse deeper than [MaxDepth]. Nothing is re-encoded on the way in: every
// Raw field is a part of the input as it was received, and signatures are
// verified over those bytes.
//
// The package trusts nothing: certificates inside a SignedData are hints, the
// unsigned attributes too. It builds no certificate paths, judges no
// algorithm's age (SHA-1 and RSA-1024 verify; the caller's policy decides),
// reads no clock and does no I/O except through the key given to [Sign].
// A signature value is never an identity: ECDSA values have twins (M17).
//
// Parsed values are immutable and may be shared between goroutines, provided
// that their exported fields are not written to.
package cms
