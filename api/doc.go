// Package api is the gateway over HTTP: the native routes under /v1, timestamps
// (RFC 3161) at /tsa, the public log under /log/, and health.
//
// It hides HTTP: uploads that are streamed to an encrypted spool, credentials, limits,
// content negotiation, and problem documents (RFC 9457). It decides nothing
// about signatures or rights: that is package gateway's, whose errors are the
// only ones that reach a caller in words.
//
// It trusts nothing of a request but what TLS has verified, and
// X-Forwarded-For from proxies that are configured. A Server may be used by
// several goroutines.
package api
