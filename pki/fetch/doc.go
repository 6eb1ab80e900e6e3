// Package fetch brings OCSP responses, CRLs and issuers' certificates over
// HTTP. [Client] implements pki.Source.
//
// The addresses stand in certificates that anyone may have made, so the
// client is guarded: http and https only, no redirects, no proxy from the
// environment, no cookies; ports 80 and 443; the address is checked after
// name resolution, in the dialer, against loopback, private, link-local and
// metadata networks. Hosts on Config.Allow are exempt from the port and
// network rules. A caller should nevertheless ask only for certificates
// whose chain reaches a trusted anchor.
//
// Every answer is capped (OCSP and certificates 1 MiB, CRL 20 MiB) and has 5
// seconds. What is remembered has been verified by package pki for the
// certificate it was fetched for; failures are remembered briefly, so that a
// dead responder does not cost 5 seconds each time. One question is asked
// once however many callers wait for it, and one host gets at most four
// requests at a time.
//
// A Client may be used concurrently. Its goroutines end with their request,
// within the timeout; Close waits for them. It verifies, but it does not
// conclude: callers judge freshness and revocation by themselves.
package fetch
