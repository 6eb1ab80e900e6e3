// Package etsi writes a verdict of package verifier as the validation report
// of ETSI TS 119 102-2 V1.4.1, in XML that any validator's reader understands.
//
// It hides the schema: the order of its elements, the URIs that stand for
// indications, and how certificates, revocation data and time-stamps become
// validation objects that everything else refers to. There is one document for
// a file, with one SignatureValidationReport for each signature; document
// timestamps are validation objects with reports of their own, and stand as
// signatures only in a file without signatures.
//
// The same report gives the same bytes: identifiers are counted or derived
// from digests. Text from the document is written as it was handed over; what
// XML 1.0 cannot hold becomes U+FFFD.
//
// The package judges nothing, does no I/O but writing and reads no clock. It
// does not sign the report.
package etsi
