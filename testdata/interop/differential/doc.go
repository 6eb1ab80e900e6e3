// Package differential compares what several verifiers say of the same
// signature, and holds every disagreement to a written explanation.
//
// Verdicts are reduced to three classes, twice: of integrity (do digest,
// signature value and structure hold, and is nothing forbidden changed since)
// and of trust (given that, is the signature good). A verifier that does not
// list a signature, or cannot read the file, cannot tell.
//
// Trust is compared only where both find the signature whole: what a verifier
// thinks of the signer of a broken one means nothing.
//
// The package runs nobody and reads no files; it takes no side either. Who is
// right stands in the explanations, which people write.
package differential
