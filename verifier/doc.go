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
// [Config].Source, and only about certificates whose path ends at an anchor. A
// hostile document gives a verdict, never an error and never a panic; one that
// reaches a limit is INDETERMINATE with the reason resource-limit at best.
//
// A [Verifier] is immutable and may be used by several goroutines at once.
//
// It does not look at what the pages show, does not follow evidence records
// (RFC 4998), and knows no signature policies but those of [PolicyNamed].
package verifier
