// Package verifier says whether the signatures of a PDF hold: the processes of
// ETSI EN 319 102-1 V1.4.1 for basic signatures (§5.3), signatures with time
// (§5.5) and with archival data (§5.6), over the structural judgement of
// package pades.
//
// It hides how those processes nest, which proof of existence covers what, and
// how the findings of pdf, pades, cms, tsp and pki become one indication and
// sub-indication. The result is a [Report]: a tree in which every building
// block and constraint can be looked up, and nothing rests on one sentence.
//
// It trusts the anchors, the policy and the moment that it is given, and
// nothing in the document: neither its claimed times nor the certificates and
// revocation data embedded in it. It shares no code with package signer, so that
// the two can disagree.
//
// It reads no clock and writes no log. It reaches the network only through
// [Config].Source: for the status of certificates whose path ends at an anchor,
// and for issuers at hosts that such certificates or the caller name. A hostile
// document gives a verdict, never an error and never a panic; one that reaches
// a limit is INDETERMINATE with the reason resource-limit at best. All limits
// stand in limits.go.
//
// A [Verifier] may be used by several goroutines at once. From file to file it
// remembers what certificates say and which signatures on them hold, neither of
// which any other file can change; it remembers no verdict.
//
// It does not look at what the pages show, says of evidence records (RFC 4998)
// only that they are there, and knows no signature policies but those that the
// validation policy lists.
package verifier
