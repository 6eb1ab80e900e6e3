// Package signer makes PAdES signatures of the levels B-B, B-T, B-LT and B-LTA
// (ETSI EN 319 142-1), raises documents from one level to the next, renews
// archive timestamps, and signs other files with detached CMS.
//
// It hides the order in which revisions, digests, timestamps and evidence must
// come to be: signature with its timestamp, then revocation data not older
// than that timestamp, then a document timestamp whose authority's own
// evidence already stands before it. The input is only ever appended to: the
// output is the input followed by [Result.Tail], byte for byte. The original is
// read once for hashing, whatever the level, and never held in memory.
//
// Nothing is returned unverified. The signature value is checked with the
// certificate, every token with its imprint and its authority; then the
// finished revision is read back and must hold exactly the signature that was
// made over exactly those bytes. A key that returns a wrong value gives an
// error, never a document.
//
// The package trusts its caller for the moment, for the anchors and for
// [Input.Digest]; it trusts neither documents, nor timestamp authorities, nor
// revocation sources. It reads no clock and writes no log; it reaches the
// network and the key only through the interfaces given to it. A Signer may be
// used by several goroutines, as far as they may be.
//
// It does not say whether signatures that a document already has are valid:
// that is the verifier's part, which shares no code with this package's
// decisions. It authorises nobody and records nothing: see gateway.
package signer
