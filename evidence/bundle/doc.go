// Package bundle writes and verifies evidence bundles: zip files that settle
// what was done in one operation, years later, without the gateway, its database
// or a network.
//
// It hides the layout of the zip (docs/EVIDENCE.md lists every file) and what
// has to agree with what for the whole to be believed. A bundle comes down to
// statements, each of which [Verify] and the script verify.sh inside the bundle
// prove on their own: the record is in the log (RFC 6962), the log was signed
// and timestamped (C2SP, RFC 3161), the signature is the record's (RFC 5652), its
// certificate was good at the time (RFC 5280, RFC 6960).
//
// Everything in a bundle is hostile: names outside the layout, more bytes
// than limits.go allows, compressed or encrypted parts are refused. Nothing in a
// bundle is trusted: log keys and certificate authorities are believed when
// Options names them, else the statements that rest on them say so.
//
// Writing and verifying do no I/O but on the reader and writer given, read no
// clock, and may be called concurrently. The package does not judge whether a PDF
// shows what it seems to: that is package verifier's, whose report can travel in
// the bundle.
package bundle
