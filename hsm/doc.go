// Package hsm keeps signing keys in a PKCS#11 module (OASIS PKCS #11 v2.40)
// and hands them out as crypto.MessageSigner.
//
// # What it hides
//
// The vendor's library is C code of unknown quality that may crash, hang or
// write over memory. It is therefore loaded only in a child process, which
// [RunWorker] runs and a [Module] starts, watches, kills and starts again. The
// two speak length-capped binary frames, over a socket for each session of the
// worker: one round trip per signature, as many at once as there are sessions.
// Sessions, object handles, the login state and the differences between
// modules never leave the child, and of this process's environment only what
// [Config.Env] says reaches it. A request like the one before it in its session
// is answered by a loop in C; everything else, faults first, is done in Go.
//
// # What a caller can rely on
//
//   - Every call answers within its context or [Config.Timeout], whichever
//     ends first, whatever the library does. A child that keeps a request
//     longer than that is killed.
//   - A request is sent to C_Sign at most once. When nobody can tell whether a
//     signature was made, the error wraps [ErrUnknownOutcome].
//   - A PIN that the token refuses is never tried again by this process:
//     tokens lock themselves after a few attempts.
//   - Private keys are generated sensitive and not extractable. Nobody's digest
//     is signed: [Key.Sign] always fails, and keys carry
//     CKA_ALLOWED_MECHANISMS where the module knows it, so that it refuses raw
//     CKM_RSA_PKCS to other programs too. For ECDSA with a module that lacks
//     CKM_ECDSA_SHA256 (SoftHSM 2.6) the child hashes and the module signs a
//     digest; that key is then not restricted in this way.
//   - Personal keys do not stay in the token: see [Vault].
//
// # What it trusts
//
// The module's answers about keys (public key, identifier) are taken as they
// are, and signatures are not verified here except by [Module.Health]: who
// releases a signature verifies it with the certificate first, which also
// catches a key under the wrong label and a flipped bit.
//
// # What it does not do
//
// It imports no keys and exports none, does no certificate handling beyond
// certificate signing requests, and keeps no state on disk.
//
// All exported types may be used by several goroutines at once. The package
// needs Linux: it relies on PR_SET_PDEATHSIG and process groups.
package hsm
