package dispute_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/verifier"
)

const (
	fileSum  = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"
	otherSum = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"
)

// signature is a good one over the whole file.
func signature(change func(*verifier.Signature)) *verifier.Signature {
	s := &verifier.Signature{
		Field: "Signature1", Kind: verifier.KindSignature, Revision: 2, Intact: true, End: 2000, BestTime: at(-1), Coverage: "entire-file",
		Signer: verifier.Party{CommonName: "Bupati Contoh", Issuer: "CA Contoh", SerialNumber: "0a"},
		Proof:  verifier.POE{Time: at(-1), By: &verifier.Timestamp{Authority: verifier.Party{CommonName: "TSA Contoh"}}},
		Path: []verifier.Certificate{{Status: verifier.CertificateStatus{
			State: "good", OCSP: true, ThisUpdate: at(-1), Evidence: []byte("ocsp"),
		}}, {Anchor: true}},
	}
	s.Indication, s.Changes.Level = verifier.Passed, "NONE"
	if change != nil {
		change(s)
	}
	return s
}

// unproven is one whose time no timestamp proves.
func unproven(s *verifier.Signature) {
	s.Proof, s.BestTime, s.ClaimedTime = verifier.POE{}, at(1), at(-1)
}

func failedBy(sub verifier.SubIndication, codes ...string) func(*verifier.Signature) {
	return func(s *verifier.Signature) {
		s.Indication, s.Sub, s.Reasons = verifier.Failed, sub, nil
		for _, c := range codes {
			s.Reasons = append(s.Reasons, verifier.Reason{Code: c, Text: "in English"})
		}
	}
}

func judged(v verifier.Verdict, s ...*verifier.Signature) *verifier.Report {
	return &verifier.Report{Verdict: v, Signatures: s}
}

func trace(r dispute.Relation, change func(*dispute.Trace)) dispute.Trace {
	t := dispute.Trace{
		Relation: r, Operation: "0190-op", Kind: "sign", Size: 3000, Began: at(-1), At: at(-1), Application: "e-office", Address: "10.0.0.7",
		Authorisation: "passphrase", Signer: "Bupati Contoh", OutputSHA256: fileSum, Leaf: otherSum, Index: 41, Included: true,
	}
	if change != nil {
		change(&t)
	}
	return t
}

// certificate is one that is valid for so many days around Monday.
func certificate(from, to int) []byte {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(nil, &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: at(from), NotAfter: at(to)}, &x509.Certificate{}, public, key)
	if err != nil {
		panic(err)
	}
	return der
}

// made says that the operation of trace made the first signature.
var (
	made      = []dispute.Origin{{Operation: "0190-op", Registered: true}}
	elsewhere = []dispute.Origin{{}}
	ours      = []dispute.Origin{{Registered: true}}
)

// line are the traces of a file that got a timestamp here, for a file with the
// digest sent, and was signed here before.
func line(sent string) []dispute.Trace {
	return []dispute.Trace{
		trace(dispute.Released, func(t *dispute.Trace) { t.Operation, t.Kind, t.InputSHA256 = "0190-stamp", "timestamp", sent }),
		trace(dispute.Extended, func(t *dispute.Trace) { t.OutputSHA256 = otherSum }),
	}
}

// registered is a document number 4/2026.
func registered(match string, change func(*dispute.Registered)) []dispute.Registered {
	r := dispute.Registered{ID: "abc", Nomor: "4/2026", Tanggal: "2026-01-02", Status: "valid", Match: match, Given: true}
	if change != nil {
		change(&r)
	}
	return []dispute.Registered{r}
}

// TestFindings has one row for each story; want lists codes that must be
// there, without those that must not, by their beginnings.
func TestFindings(t *testing.T) {
	passed := judged(verifier.TotalPassed, signature(nil))
	released := []dispute.Trace{trace(dispute.Released, nil)}
	for _, test := range []struct {
		name          string
		x             dispute.Examination
		want, without []string
		conclusion    string
	}{
		{"nothing", dispute.Examination{}, []string{"file.none"}, nil, "no-file"},
		{"repudiated, and signed here", dispute.Examination{
			Kind: dispute.Repudiation, FileSHA256: fileSum, Report: passed, Origins: made, Traces: released,
			Failures: []dispute.Failures{{Operation: "0190-op", Hours: 24}},
		}, []string{"file.identical", "signature.passed", "signature.time", "certificate.good", "signature.unchanged", "signature.asked", "signature.passphrase", "signature.no-failures", "log.included"},
			[]string{"signature.elsewhere", "signature.failures"}, "signed-here"},
		{"after guessing", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: released,
			Failures: []dispute.Failures{{Operation: "0190-op", N: 2, Hours: 24}, {Operation: "0190-other", N: 9}},
		}, []string{"signature.failures"}, []string{"signature.no-failures"}, "signed-here"},
		{"after more guessing than was counted", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, Failures: []dispute.Failures{{Operation: "0190-op", Least: true, Hours: 24}},
		}, []string{"signature.failures-least"}, []string{"signature.no-failures"}, "signed-here"},
		{"an activation, a named user, not in the tree yet", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made,
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Authorisation, t.User, t.Index = "activation", "siti", -1 })},
		}, []string{"signature.activation", "signature.user", "log.waiting"}, []string{"signature.passphrase", "log.included"}, "signed-here"},
		{"a place in the log that is not proven", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made,
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Included = false })},
		}, []string{"log.unproven"}, []string{"log.included", "log.waiting"}, "signed-here"},
		{"a seal", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made,
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Kind, t.Authorisation = "seal", "resident-key" })},
		}, []string{"signature.resident-key"}, []string{"signature.passphrase"}, "sealed-here"},
		{"changed after it was signed", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.FormatFailure, "changed-after-signing")(s)
				s.Changes = verifier.Changes{Level: "OTHER", Items: []verifier.Change{{Object: "4 0", Level: "OTHER"}, {Object: "9 0", Level: "LTA"}}}
			})),
		}, []string{"file.extended", "signature.failed", "signature.changed", "signature.asked"}, []string{"signature.unchanged"}, "altered"},
		{"another signature was added", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Changes.Level, s.Coverage = "FORM", "entire-revision" })),
		}, []string{"file.extended", "signature.extended-form"}, []string{"signature.unchanged"}, "signed-here-extended"},
		{"what was added was forbidden", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.FormatFailure, "docmdp")(s)
				s.Changes.Level = "FORM"
			})),
		}, []string{"signature.forbidden"}, []string{"signature.extended"}, "altered"},
		{"a line end was added", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Coverage = "entire-revision" })),
		}, []string{"signature.appended"}, []string{"signature.unchanged"}, "signed-here-extended"},
		{"annotated, which was allowed", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)},
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Sub = verifier.Indeterminate, verifier.SigConstraintsFailure
				s.Changes = verifier.Changes{Level: "ANNOTATION", Items: []verifier.Change{{Object: "4 0", Level: "ANNOTATION"}}}
			})),
		}, []string{"signature.annotated"}, []string{"signature.changed"}, "undetermined"},
		{"nobody knows what was changed", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.FormatFailure, "coverage")(s)
				s.Changes.Level = "OTHER"
			})),
		}, []string{"signature.changes-open"}, []string{"signature.changed"}, "invalid"},
		{"a byte inside was changed", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Copied, nil)},
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.HashFailure, "digest")(s)
				s.Intact = false
			})),
		}, []string{"file.copied", "signature.broken", "signature.asked", "signature.passphrase"}, []string{"signature.elsewhere", "signature.un"}, "copied"},
		{"the evidence was cut off", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: []dispute.Trace{trace(dispute.Covered, nil)},
		}, []string{"file.covered", "signature.passed", "signature.asked"}, []string{"file.copied"}, "signed-here-extended"},
		{"nobody knows what the signature covers", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Carried, nil)}, Registered: registered("carried", nil),
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.FormatFailure, "byterange")(s)
				s.Intact = false
			})),
		}, []string{"file.carried", "signature.damaged", "signature.asked", "document.carried"}, []string{"file.copied", "document.none"}, "invalid"},
		{"a registered document with one byte changed", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: []dispute.Trace{trace(dispute.Copied, nil)}, Registered: registered("altered", nil),
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.HashFailure, "digest")(s)
				s.Intact = false
			})),
		}, []string{"file.copied", "document.altered"}, []string{"document.none", "document.other"}, "copied"},
		{"a foreign signature that is broken", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere, Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.SigCryptoFailure, "signature-value")(s)
				s.Intact = false
			})),
		}, []string{"signature.forged"}, []string{"signature.broken"}, "invalid"},
		{"a signature whose form is broken", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere, Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.FormatFailure, "byterange")(s)
				s.Intact = false
			})),
		}, []string{"signature.damaged"}, []string{"signature.broken", "signature.changed"}, "invalid"},
		{"a signature too large to look at", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere, Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Reasons, s.Intact = verifier.Indeterminate, []verifier.Reason{{Code: verifier.CodeLimit}}, false
			})),
		}, []string{"signature.intact-open"}, []string{"signature.broken", "signature.unchanged"}, "undetermined"},
		{"by a certificate that was revoked", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: released,
			Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
				failedBy(verifier.Revoked, "revoked")(s)
				s.Path[0].Status.State, s.Path[0].Status.RevokedAt = "revoked", at(-2)
			})),
		}, []string{"file.identical", "signature.unchanged", "certificate.revoked-before"}, nil, "invalid"},
		{"a forged letter with a valid QR", dispute.Examination{
			Kind: dispute.Authenticity, FileSHA256: fileSum, Report: judged(verifier.NoSignature), Registered: registered("none", nil),
		}, []string{"file.unknown", "file.unsigned", "document.none"}, nil, "forged-qr"},
		{"a mistyped code", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, Registered: []dispute.Registered{{ID: "abc", Given: true}}},
			[]string{"document.unknown"}, nil, "signed-here"},
		{"a mistyped code on a file of nobody", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Registered: []dispute.Registered{{ID: "abc", Given: true}}},
			[]string{"document.unknown"}, []string{"document.none"}, "not-ours"},
		{"the code of another document, on one that was released", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, Registered: registered("none", nil),
		}, []string{"document.other"}, []string{"document.none"}, "signed-here"},
		{"the code of another document, on a registered one", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: elsewhere,
			Registered: append(registered("latest", func(r *dispute.Registered) { r.ID, r.Given = "def", false }), registered("none", nil)...),
		}, []string{"document.other", "document.latest"}, []string{"document.none"}, "signed-elsewhere"},
		{"the code of a document that was never signed", dispute.Examination{
			FileSHA256: fileSum, Report: judged(verifier.NoSignature), Registered: registered("none", func(r *dispute.Registered) { r.Status = "reserved" }),
		}, []string{"document.reserved"}, []string{"document.none"}, "not-ours"},
		{"the paper's QR, without a file", dispute.Examination{Registered: registered("", func(r *dispute.Registered) { r.Status = "withdrawn" })},
			[]string{"document.registered", "document.status-withdrawn"}, nil, "no-file"},
		{"the registered document, which was withdrawn", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, Registered: registered("latest", func(r *dispute.Registered) { r.Status = "withdrawn" }),
		}, []string{"document.latest", "document.status-withdrawn"}, nil, "signed-here"},
		{"the registered document", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, Registered: registered("latest", nil)},
			[]string{"document.latest"}, []string{"document.none"}, "signed-here"},
		{"what begins with an earlier version", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)}, Registered: registered("extended-earlier", nil),
		}, []string{"document.extended-earlier"}, []string{"document.none"}, "signed-here-extended"},
		{"stolen before", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, LossAt: at(-3), ReceivedAt: at(0), LossLate: true,
		}, []string{"loss.after", "loss.late", "signature.passphrase"}, []string{"loss.before"}, "after-loss"},
		{"signed before the loss, sealed after it", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Origins: append(slices.Clone(made), dispute.Origin{Operation: "0190-seal"}), LossAt: at(-3), ReceivedAt: at(0),
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.BestTime, s.Proof.Time = at(-4), at(-4) }), signature(nil)),
			Traces: []dispute.Trace{
				trace(dispute.Released, func(t *dispute.Trace) {
					t.Operation, t.Authorisation, t.InputSHA256 = "0190-seal", "resident-key", otherSum
				}),
				trace(dispute.Extended, func(t *dispute.Trace) { t.OutputSHA256, t.Began, t.At = otherSum, at(-4), at(-4) }),
			},
		}, []string{"loss.before", "loss.after"}, []string{"loss.open"}, "after-loss-some"},
		{"stolen afterwards", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: passed, Origins: made, Traces: released, LossAt: at(0), ReceivedAt: at(0),
		}, []string{"loss.before"}, []string{"loss.after", "loss.late"}, "signed-here"},
		{"stolen before there was a key", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Origins: made, LossAt: at(-30), ReceivedAt: at(0),
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Certificate = certificate(-20, 20) })),
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.KeyAt = at(-20) })},
		}, []string{"loss.before-key"}, []string{"loss.after", "certificate.period"}, "signed-here"},
		{"stolen before the certificate of an older key", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Origins: made, LossAt: at(-30), ReceivedAt: at(0),
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Certificate = certificate(-20, 20) })),
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.KeyAt = at(-40) })},
		}, []string{"loss.after"}, []string{"loss.before"}, "after-loss"},
		{"stolen meanwhile", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(unproven)), Origins: made, LossAt: at(-2), ReceivedAt: at(0),
			Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Began = at(-3) })},
		}, []string{"loss.open"}, []string{"loss.after", "loss.before"}, "signed-here"},
		{"stolen from another gateway's signer", dispute.Examination{
			Kind: dispute.KeyLoss, FileSHA256: fileSum, Report: passed, Origins: elsewhere, LossAt: at(-2), ReceivedAt: at(0),
		}, []string{"loss.open"}, []string{"loss.after", "loss.before"}, "signed-elsewhere"},
		{"revoked later", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: released,
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Path[0].Status.State, s.Path[0].Status.RevokedAt = "revoked", at(0) })),
		}, []string{"certificate.revoked-later"}, []string{"certificate.good", "certificate.revoked-before"}, "signed-here"},
		{"revoked before", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Sub, s.Path[0].Status.State, s.Path[0].Status.RevokedAt = verifier.Indeterminate, verifier.RevokedNoPOE, "revoked", at(-2)
			})),
		}, []string{"signature.indeterminate", "certificate.revoked-before", "signature.elsewhere"}, nil, "undetermined"},
		{"on hold", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Sub, s.Path[0].Status.State, s.Path[0].Status.RevokedAt = verifier.Indeterminate, verifier.TryLater, "on-hold", at(-2)
			})),
		}, []string{"certificate.on-hold"}, []string{"certificate.revoked"}, "undetermined"},
		{"a status from before the signature", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere, Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Path[0].Status.ThisUpdate = at(-2) })),
		}, []string{"certificate.good-earlier"}, []string{"certificate.good "}, "signed-elsewhere"},
		{"a certificate that needs no status", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Path[0].Status = verifier.CertificateStatus{State: "exempt"} })),
		}, []string{"certificate.exempt"}, []string{"certificate.unknown"}, "signed-elsewhere"},
		{"after the certificate had ended", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Sub, s.Certificate = verifier.Indeterminate, verifier.OutOfBoundsNoPOE, certificate(-20, -10)
			})),
		}, []string{"certificate.period", "certificate.good-earlier"}, []string{"certificate.good "}, "undetermined"},
		{"by an authority that nobody trusts", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				s.Indication, s.Path = verifier.Indeterminate, s.Path[:1]
			})),
		}, []string{"certificate.untrusted"}, []string{"certificate.good"}, "undetermined"},
		{"nothing known of the certificate, and no timestamp", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere,
			Report: judged(verifier.VerdictUndetermined, signature(func(s *verifier.Signature) {
				unproven(s)
				s.Indication, s.Path[0].Status = verifier.Indeterminate, verifier.CertificateStatus{State: "unknown", Why: "x"}
			})),
		}, []string{"certificate.unknown", "signature.time-claimed"}, nil, "undetermined"},
		{"signed by another gateway", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: elsewhere},
			[]string{"file.unknown", "signature.elsewhere"}, nil, "signed-elsewhere"},
		{"by a certificate of ours, and not on record", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: ours},
			[]string{"signature.unrecorded", "file.unknown-whole"}, []string{"signature.elsewhere"}, "unrecorded"},
		{"by nobody who could be found", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: []dispute.Origin{{Unknown: true}}},
			[]string{"signature.unsought", "file.unknown-whole"}, []string{"signature.elsewhere"}, "unrecorded"},
		{"not looked for", dispute.Examination{FileSHA256: fileSum, Report: passed, PartsLeft: true},
			[]string{"signature.unsought", "file.unknown-whole"}, []string{"signature.elsewhere"}, "unrecorded"},
		{"by an operation too many", dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: []dispute.Origin{{Operation: "0190-other"}}, Traces: released, TracesLeft: true},
			[]string{"signature.untold", "log.more"}, []string{"signature.elsewhere"}, "released-valid"},
		{"before it was signed", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Traces: []dispute.Trace{trace(dispute.Before, nil)}},
			[]string{"file.before", "file.unsigned"}, nil, "before"},
		{"released with a timestamp alone", dispute.Examination{
			FileSHA256: fileSum, Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Kind = "timestamp" })}, Origins: elsewhere,
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Kind = verifier.KindDocumentTimestamp })),
		}, []string{"file.identical"}, []string{"signature."}, "released"},
		{"released with a signature from elsewhere", dispute.Examination{
			FileSHA256: fileSum, Report: passed, Origins: elsewhere, Traces: []dispute.Trace{trace(dispute.Released, func(t *dispute.Trace) { t.Kind = "augment" })},
		}, []string{"file.identical", "signature.elsewhere"}, nil, "released-valid"},
		{"signed here, added to elsewhere, and then given a timestamp", dispute.Examination{
			FileSHA256: fileSum, Origins: append(slices.Clone(made), ours...), Traces: line("not what was released"),
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Changes.Level, s.Coverage = "FORM", "entire-revision" }), signature(nil)),
		}, []string{"file.identical", "signature.extended-form", "signature.unrecorded"}, nil, "signed-here-between"},
		{"sealed here, added to elsewhere, and then given a timestamp", dispute.Examination{
			FileSHA256: fileSum, Origins: made,
			Traces: []dispute.Trace{line("not what was released")[0], trace(dispute.Extended, func(t *dispute.Trace) { t.Authorisation, t.OutputSHA256 = "resident-key", otherSum })},
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Changes.Level, s.Coverage = "LTA", "entire-revision" })),
		}, []string{"file.identical"}, nil, "sealed-here-between"},
		{"signed here, and then given a timestamp", dispute.Examination{
			FileSHA256: fileSum, Origins: made, Traces: line(otherSum),
			Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Changes.Level, s.Coverage = "LTA", "entire-revision" })),
		}, []string{"file.identical", "signature.extended"}, nil, "signed-here"},
		{"a timestamp alone", dispute.Examination{
			FileSHA256: fileSum, Origins: elsewhere, Report: judged(verifier.TotalPassed, signature(func(s *verifier.Signature) { s.Kind = verifier.KindDocumentTimestamp })),
		}, []string{"file.unknown"}, []string{"signature."}, "not-ours"},
		{"no PDF", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.Unreadable)}, []string{"file.unreadable", "file.unknown-whole"}, []string{"file.unsigned"}, "unreadable"},
		{"signatures without end", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, slices.Repeat([]*verifier.Signature{signature(nil)}, 500)...)},
			[]string{"signature.more"}, nil, "unrecorded"},
	} {
		t.Run(test.name, func(t *testing.T) { checkFindings(t, test.x, test.want, test.without, test.conclusion) })
	}
}

// TestInLine: only what the gateway alone has added to is in line.
func TestInLine(t *testing.T) {
	stamp := signature(func(s *verifier.Signature) { s.Kind = verifier.KindDocumentTimestamp })
	for _, test := range []struct {
		name string
		x    dispute.Examination
		want bool
	}{
		{"nothing", dispute.Examination{}, false},
		{"no signature", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.NoSignature), Traces: line(otherSum)}, false},
		{"signed here", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil)), Origins: made, Traces: []dispute.Trace{trace(dispute.Released, nil)}}, true},
		{"and given a timestamp", dispute.Examination{
			FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil), stamp), Origins: append(slices.Clone(made), dispute.Origin{}), Traces: line(otherSum),
		}, true},
		{"with an addition between", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil)), Origins: made, Traces: line("another")}, false},
		{"with a signature from elsewhere", dispute.Examination{
			FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil), signature(nil)), Origins: append(slices.Clone(made), elsewhere...), Traces: line(otherSum),
		}, false},
		{"where signatures come from is not known", dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil)), Traces: line(otherSum)}, false},
		{"added to after it was released", dispute.Examination{FileSHA256: "another", Report: judged(verifier.TotalPassed, signature(nil)), Origins: made, Traces: []dispute.Trace{trace(dispute.Extended, nil)}}, false},
	} {
		if got := test.x.InLine(); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

// TestOriginals: what is supplied as an original decides nothing; a difference
// is told, and that it is not known where the original comes from.
func TestOriginals(t *testing.T) {
	passed := judged(verifier.TotalPassed, signature(nil))
	released := []dispute.Trace{trace(dispute.Released, nil)}
	unlike := dispute.Comparison{OriginalSHA256: otherSum, Objects: []string{"4 0"}, More: 3}
	for _, aspect := range []string{"contents", "images", "fonts", "annotations", "size", "other"} {
		unlike.Pages = append(unlike.Pages, dispute.PageDifference{Aspect: aspect, Pages: []string{"1", "3"}, More: 2})
	}
	unlike.PageCounts, unlike.Document = [2]int{1, 2}, []string{"AcroForm"}
	for _, test := range []struct {
		name          string
		c             dispute.Comparison
		released      bool
		want, without []string
		conclusion    string
	}{
		{"unlike one that nobody knows", unlike, false, []string{
			"original.unknown", "original.page-contents", "original.page-images", "original.page-fonts", "original.page-annotations", "original.page-size", "original.page-other",
			"original.page-counts", "original.document", "original.objects",
		}, []string{"original.same", "original.open", "original.more"}, "signed-elsewhere"},
		{"unlike one, though released", unlike, true, []string{"original.objects"}, nil, "signed-here"},
		{"unlike one that was released", dispute.Comparison{Known: "output", Operation: "0190-o", Objects: []string{"4 0"}}, false, []string{"original.released", "original.objects"}, nil, "signed-elsewhere"},
		{"like what was sent", dispute.Comparison{Known: "input", Operation: "0190-o", Same: true}, false, []string{"original.sent", "original.same"}, []string{"original.objects"}, "signed-elsewhere"},
		{"the same", dispute.Comparison{Identical: true}, false, []string{"original.identical"}, []string{"original.open"}, "signed-elsewhere"},
		{"one that cannot be read", dispute.Comparison{Unreadable: true}, false, []string{"original.unreadable"}, []string{"original.open"}, "signed-elsewhere"},
		{"one that cannot be compared whole", dispute.Comparison{Open: true}, false, []string{"original.open"}, []string{"original.same", "original.more"}, "signed-elsewhere"},
		{"unlike one, and there may be more", dispute.Comparison{Open: true, Objects: []string{"4 0"}}, false, []string{"original.more", "original.objects"}, []string{"original.same"}, "signed-elsewhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := dispute.Examination{FileSHA256: fileSum, Report: passed, Origins: elsewhere, Original: &test.c}
			if test.released {
				x.Origins, x.Traces = made, released
			}
			checkFindings(t, x, test.want, test.without, test.conclusion)
		})
	}
}

func checkFindings(t *testing.T, x dispute.Examination, want, without []string, conclusion string) {
	t.Helper()
	f := dispute.Examine(x, at(1))
	codes := map[string]bool{}
	for _, s := range f.Statements {
		codes[s.Code] = true
		if s.Standing == dispute.Proven && len(s.Evidence) == 0 {
			t.Errorf("%s is proven by nothing", s.Code)
		}
		for _, code := range without {
			if strings.HasPrefix(s.Code+" ", code) {
				t.Errorf("%s is said", s.Code)
			}
		}
	}
	for _, code := range want {
		if !codes[code] {
			t.Errorf("%s is missing among %v", code, codes)
		}
	}
	if got := f.Conclusion.Code; got != "conclusion."+conclusion {
		t.Errorf("concluded %s, want %s", got, conclusion)
	}
	if len(f.Statements) > 400 {
		t.Errorf("%d statements", len(f.Statements))
	}
	checkWords(t, f)
	b, err := json.Marshal(f)
	var again dispute.Findings
	if err == nil {
		err = json.Unmarshal(b, &again)
	}
	if err != nil || !reflect.DeepEqual(again, f) {
		t.Errorf("%v: as JSON it is\n%s", err, b)
	}
}

func ExampleExamine() {
	f := dispute.Examine(dispute.Examination{
		Kind: dispute.Authenticity, FileSHA256: fileSum, Report: &verifier.Report{Verdict: verifier.NoSignature},
		Registered: []dispute.Registered{{ID: "5e3p0kq0", Nomor: "800/12/2026", Tanggal: "2026-11-20", Status: "valid", Match: "none", Given: true}},
	}, monday)
	w, err := dispute.WordsIn(dispute.English, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range f.Statements[1:] {
		fmt.Printf("%s: %s\n", s.Standing, w.Statement(s))
	}
	fmt.Println(w.Statement(f.Conclusion))
	// Output:
	// proven: Verification finds no electronic signature in the disputed file.
	// recorded: The code that the complainant gave leads to the registered document number 800/12/2026 of 2026-11-20; the disputed file is not a file of that document, nor on record as released by the gateway for this office. If that QR code stands on this file, the QR code was copied: the file may be a scan of that letter, or another letter. Compare what they say.
	// The file is not a file of the registered document that the code given by the complainant leads to, nor on record as released by the gateway for this office. A copied QR code does not make a letter genuine.
}

// checkWords holds every statement against the words in both languages.
func checkWords(t *testing.T, f dispute.Findings) {
	t.Helper()
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		w := words(t, l)
		for _, s := range append(slices.Clone(f.Statements), f.Conclusion) {
			line := w.Statement(s)
			if line == "finding."+s.Code || strings.Contains(line, "%!") {
				t.Errorf("%s: %s: %q", l, s.Code, line)
			}
			if x := w.Exhibits(s.Evidence); strings.Contains(x, "exhibit.") {
				t.Errorf("%s: %q", l, x)
			}
		}
	}
}

func words(t testing.TB, l dispute.Language) *dispute.Words {
	t.Helper()
	w, err := dispute.WordsIn(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestDifferencesOfData: a difference of data is proven, and what is seen may be
// the same all the same, as of a page whose drawing was cut into pieces.
func TestDifferencesOfData(t *testing.T) {
	for l, told := range map[dispute.Language]string{dispute.Indonesian: "harus dibandingkan sendiri", dispute.English: "has to be compared by eye"} {
		w := words(t, l)
		for _, code := range []string{"page-contents", "page-images", "page-fonts", "page-annotations", "page-size", "page-other", "document"} {
			got := w.Statement(dispute.Statement{Code: "original." + code, Args: []dispute.Arg{{Text: "1"}}})
			if !strings.Contains(got, told) {
				t.Errorf("%s: %q does not say that it is for the reader to compare", code, got)
			}
		}
	}
}

// TestWordsAgree: both languages have the same keys, with as many places.
func TestWordsAgree(t *testing.T) {
	read := func(l string) (m map[string]string) {
		b, err := os.ReadFile("words_" + l + ".json")
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	id, en := read("id"), read("en")
	places := regexp.MustCompile(`%[^%]`)
	for key, text := range id {
		if other, ok := en[key]; !ok || len(places.FindAllString(text, -1)) != len(places.FindAllString(other, -1)) {
			t.Errorf("%s: %q and %q", key, text, other)
		}
	}
	if len(id) != len(en) {
		t.Errorf("%d and %d words", len(id), len(en))
	}
	for _, prefix := range []struct {
		name string
		n    int
	}{{"kind.", len(dispute.Kinds)}, {"state.", len(dispute.States)}, {"outcome.", len(dispute.Outcomes)}, {"due.", 6}, {"urgency.", 5}} {
		n := 0
		for key := range id {
			if strings.HasPrefix(key, prefix.name) {
				n++
			}
		}
		if n != prefix.n {
			t.Errorf("%s: %d words, want %d", prefix.name, n, prefix.n)
		}
	}
	if _, err := dispute.WordsIn("jv", nil); err == nil {
		t.Error("there are words in Javanese")
	}
}

func TestMoments(t *testing.T) {
	for zone, want := range map[*time.Location]string{
		nil:                         "16 November 2026 pukul 10.00.00 WIB",
		time.FixedZone("x", 8*3600): "16 November 2026 pukul 11.00.00 WITA",
		time.FixedZone("x", 9*3600): "16 November 2026 pukul 12.00.00 WIT",
		time.UTC:                    "16 November 2026 pukul 03.00.00 UTC",
	} {
		w, err := dispute.WordsIn(dispute.Indonesian, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Moment(monday); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w := words(t, dispute.English)
	if got := w.Due(dispute.Deadline{Due: time.Date(2026, 11, 16, 17, 0, 0, 0, time.UTC)}); got != "16 November 2026" {
		t.Errorf("a deadline that ends with the 16th is shown as %q", got)
	}
}

func TestPapers(t *testing.T) {
	r := dispute.DefaultRules()
	r.Office = dispute.Office{Head: []string{"Pemerintah Kabupaten Contoh", "Dinas Komunikasi"}, Place: "Contoh", Title: "Kepala Dinas"}
	r.Recipients = []dispute.Addressee{{Name: "Bupati Contoh"}, {Name: "Kepala BSSN", Address: []string{"Jakarta"}}}
	f := dispute.Examine(dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalPassed, signature(nil)), Traces: []dispute.Trace{trace(dispute.Released, nil)}}, at(1))
	c := reach(t, dispute.KeyLoss, dispute.Closed)
	c.LossAt = at(-1)
	contents := &dispute.Contents{
		Case: c, Complaint: "Isi pengaduan", Answer: "Jawaban", Findings: &f,
		Events: []dispute.Event{{At: at(0), Code: "opened"}, {At: at(1), By: "ani", Code: "moved", Arg: "state.answered", Text: "alasan"}, {At: at(1), Code: "file", Arg: "surat"}},
		Files:  []dispute.File{{Name: "surat.pdf", SHA256: fileSum, Size: 7}}, Bundles: []dispute.File{{Name: "bukti/x.zip", SHA256: otherSum, Size: 8}},
	}
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		w := words(t, l)
		for name, p := range map[string]dispute.Paper{
			"assistance": c.Letter(dispute.Letter{Kind: dispute.LetterAssistance, Number: "7/2026", At: at(1), Words: "kapan?"}, &f, r, w),
			"incident":   c.Letter(dispute.Letter{Kind: dispute.LetterIncident, Number: "8/2026", At: at(1), Words: "dicabut"}, &f, r, w),
			"bare":       c.Letter(dispute.Letter{Kind: dispute.LetterIncident, Number: "8/2026", At: at(1), Words: "dicabut"}, nil, dispute.DefaultRules(), w),
			"case file":  contents.CaseFile(r, w, at(2)),
			"empty":      (&dispute.Contents{Case: reach(t, dispute.Conduct, dispute.Received)}).CaseFile(r, w, at(2)),
		} {
			b, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "%!") || regexp.MustCompile(`"(letter|file|kind|state|event|due|urgency|outcome)\.[a-z.-]+[^a-z. -]`).Match(b) {
				t.Errorf("%s in %s: %s", name, l, b)
			}
			if p.Title == "" || len(p.Blocks) < 5 {
				t.Errorf("%s in %s: %+v", name, l, p)
			}
		}
	}
	report := &dispute.Supervision{
		From: at(-100), To: at(1), Made: []dispute.Count{{Name: "sign", N: 3}, {Name: "strange", N: 1}}, Failures: []dispute.Count{{Name: "passphrase", N: 2}},
		LogSize: 41, CheckpointAt: at(0), Sound: true, Cases: []dispute.Case{c, reach(t, dispute.Authenticity, dispute.Received)},
	}
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		b, err := json.Marshal(report.Paper(r, words(t, l), at(30)))
		if err != nil || strings.Contains(string(b), "%!") || strings.Contains(string(b), `"supervision.`) || !strings.Contains(string(b), "strange") {
			t.Errorf("in %s: %s %v", l, b, err)
		}
	}
	report.Left = 777
	for _, l := range []dispute.Language{dispute.Indonesian, dispute.English} {
		if b, _ := json.Marshal(report.Paper(r, words(t, l), at(30))); !strings.Contains(string(b), "777") {
			t.Errorf("in %s the report does not say that more are left out: %s", l, b)
		}
	}
	if b, _ := json.Marshal(report.Paper(r, words(t, dispute.English), at(30))); !strings.Contains(string(b), "Complaints: 2; with a missed deadline: 2; incidents among them: 1.") {
		t.Errorf("%s", b)
	}
	all, _ := json.Marshal(contents.CaseFile(r, words(t, dispute.Indonesian), at(2)))
	for _, want := range []string{"Isi pengaduan", "Jawaban", "Keadaan: Dijawab", "ani: alasan", "bukti/x.zip", "terbukti", otherSum} {
		if !strings.Contains(string(all), want) {
			t.Errorf("the case file lacks %q", want)
		}
	}
}

// TestTextsAreNoKeys: what strangers call themselves and their files is not read as
// words of the office.
func TestTextsAreNoKeys(t *testing.T) {
	const code, key = "reason.revoked", "outcome.upheld"
	in := words(t, dispute.Indonesian)
	for _, s := range dispute.Examine(dispute.Examination{FileSHA256: fileSum, Report: judged(verifier.TotalFailed, signature(func(s *verifier.Signature) {
		failedBy(verifier.SigCryptoFailure, "revoked")(s)
		s.Signer = verifier.Party{CommonName: code, Issuer: code, SerialNumber: code}
		s.Proof.By.Authority.CommonName = code
	}))}, at(0)).Statements {
		got := in.Statement(s)
		if strings.HasPrefix(s.Code, "signature.time") && !strings.Contains(got, code) {
			t.Errorf("%s: %s", s.Code, got)
		}
		if s.Code == "signature.failed" && (strings.Count(got, code) != 3 || !strings.Contains(got, "Sertifikat telah dicabut")) {
			t.Errorf("%s: %s", s.Code, got)
		}
	}
	for event, want := range map[dispute.Event]string{
		{Code: "file", Arg: key}:     "Berkas ditambahkan: " + key,
		{Code: "recused", Arg: key}:  "Tidak ikut menangani: " + key,
		{Code: "proposed", Arg: key}: "Penutupan diusulkan: Pengaduan terbukti",
	} {
		if got := in.Line(event); got != want {
			t.Errorf("%s: got %q, want %q", event.Code, got, want)
		}
	}
}

// TestMovedActivation: of a signature that was made for another document nobody says
// that its signer authorised this one.
func TestMovedActivation(t *testing.T) {
	moved := signature(func(s *verifier.Signature) {
		s.Intact, s.Indication, s.Sub = false, verifier.Failed, verifier.HashFailure
	})
	f := dispute.Examine(dispute.Examination{
		FileSHA256: fileSum, Report: judged(verifier.TotalFailed, moved), Origins: made,
		Traces: []dispute.Trace{trace(dispute.Copied, func(t *dispute.Trace) { t.Authorisation = "activation" })},
	}, at(0))
	for l, no := range map[dispute.Language]string{dispute.Indonesian: "dokumen ini", dispute.English: "this document"} {
		words, err := dispute.WordsIn(l, nil)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(f.Statements, func(s dispute.Statement) bool { return s.Code == "signature.activation" })
		if i < 0 || strings.Contains(words.Statement(f.Statements[i]), no) {
			t.Errorf("%s: got %+v", l, f.Statements)
		}
	}
}
