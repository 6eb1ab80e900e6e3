// Package lab is a whole small PKI in one process, for the demo and for
// tests: a root, an issuing authority, a TSA (RFC 3161), an OCSP responder
// with a delegated certificate (RFC 6960), CRLs (RFC 5280) and the
// authorities' certificates, all served on one loopback HTTP listener. It
// misbehaves on request, so that clients can be shown every answer that a
// broken or hostile service may give.
//
// It issues certificates shaped like those of the national PKI, for names
// that are invented. It guards nothing: keys lie in memory, or in Dir as PEM
// files of mode 0600, and whoever reaches the Lab value can have anything
// issued. It must never be a production authority, and it refuses to listen
// on anything but loopback.
//
// A Lab may be used concurrently. It reads time from Config.Clock.
package lab
