// Package report turns a verdict of package verifier into words: a simple
// report, which says what a citizen needs, and a detailed one with every
// building block and constraint, in Bahasa Indonesia or English.
//
// All words come from message keys: indications, sub-indications, the codes of
// reasons. A code is always shown beside its message, never dropped.
//
// The package does no I/O but writing, reads no clock, and trusts the verdict:
// it judges nothing. Text from the document or its certificates is made fit for
// display by [Visible]; a caller that writes HTML escapes it.
//
// Package etsi below it writes the verdict as XML, package paper as PDF.
package report
