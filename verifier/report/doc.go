// Package report turns a verdict of package verifier into words: a simple
// report, which says what a citizen needs, and a detailed one with every
// building block and constraint, in Bahasa Indonesia or English.
//
// All words come from message keys: indications, sub-indications, the codes of
// reasons. A code without a message of its own is shown with the verifier's
// English text and its code, never dropped.
//
// The package does no I/O but writing, reads no clock, and trusts the verdict:
// it judges nothing. Text from the document or its certificates has been made
// fit for display by the verifier; a caller that writes HTML escapes it.
//
// It does not make ETSI TS 119 102-2 XML or PDF.
package report
