// Package tsp is the Time-Stamp Protocol of RFC 3161 (with RFC 5816) on top of
// package cms: requests, responses and tokens, a [Client] that asks several
// authorities until one answers, and an [Authority] that answers.
//
// A token is believed only for what it says about one digest: [Token.Check]
// holds it against that digest and against one certificate, and reports
// breaches of the rules T01 to T10 beside those of package cms. Whether the
// certificate leads to a trusted authority and was good at the time is asked
// of the caller: of package pki by the verifier, of [ClientConfig.Trust] or
// [ClientConfig.Anchors] by the client.
//
// Parsing is pure. The client does HTTP through the given http.Client and
// reads the given clock; the authority reads neither network nor clock. Client
// and Authority may be used by several goroutines at once.
package tsp
