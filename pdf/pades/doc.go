// Package pades reads and writes what a PDF says about its own signatures:
// signature fields, signature and timestamp dictionaries with their ByteRange,
// DocMDP, FieldMDP and field locks, and the document security store
// (ISO 32000-2 §12.8, ETSI EN 319 142-1).
//
// It hides how fields, annotations, form dictionary and catalog must change so
// that a signature is added by a new revision in which nothing else changes.
// The CMS inside is opaque here: callers make it (see cms) and judge it.
//
// Everything read is hostile. [Signatures] never drops a signature because it
// is broken: what is wrong with it stands in [Signature.Problems]. The package
// refuses, with a [RefusedError], what the document's own rules forbid and
// what would break a signature that is already there.
//
// It does no I/O but through the pdf.Document and never reads the clock.
// Values it returns may be shared once returned; a [Pending] belongs to one
// goroutine. It does not decide whether a signature is valid: [Judge] says what
// the structure of the file and its later revisions (see diff) mean for each,
// and that is all this package can know.
package pades
