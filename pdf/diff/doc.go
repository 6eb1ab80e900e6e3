// Package diff says what the later revisions of a PDF changed, and of what kind
// each change is: evidence, the contents of forms and signatures, annotations,
// or anything else (ISO 32000-2 §12.8.2.2, Table 257).
//
// It hides how an object is followed by every path that leads to it, so that a
// change of a shared one counts for all its uses, and the rules by which typed
// changes are explained: security stores, document timestamps, signature fields,
// form values with the appearance that shows them, annotations, metadata,
// structure trees. What no rule explains is of [LevelOther]; nothing is
// explained by a key's name alone.
//
// It compares consecutive revisions, trusts none of them, and decides nothing:
// what a signature permits, and whether the signatures that were added are
// valid, is for pades and verifier to judge. It looks at objects, not at the
// bytes between them, which [pdf.Revision.Audit] accounts for.
//
// It does no I/O but through the pdf.Document, reads no clock, and keeps no
// state between calls.
package diff
