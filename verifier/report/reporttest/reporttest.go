// Package reporttest makes verdicts for tests of what writes reports: those of
// the attack catalogue, and trees of every shape, with text that was chosen to
// harm. It is for tests only.
package reporttest

import (
	"bytes"
	"crypto"
	"time"

	"github.com/absah-id/absah/verifier"
)

// Report draws a verdict from bytes, of a fuzzer or of chance: the same bytes
// give the same verdict. None of it has to make sense.
func Report(in []byte) *verifier.Report { return (&tree{in}).report() }

// tree draws a verdict from fuzzed bytes. When they have run out everything is
// zero, so every tree ends.
type tree struct{ in []byte }

func (t *tree) byte() byte {
	if len(t.in) == 0 {
		return 0
	}
	b := t.in[0]
	t.in = t.in[1:]
	return b
}

func (t *tree) n(below int) int { return int(t.byte()) % below }
func (t *tree) bool() bool      { return t.byte()&1 == 1 }

func (t *tree) bytes() []byte {
	n := min(t.n(32), len(t.in))
	b := t.in[:n]
	t.in = t.in[n:]
	return b
}

func (t *tree) text() string {
	if t.byte() == 255 {
		return string(bytes.Repeat(t.bytes(), 400))
	}
	return string(t.bytes())
}

func (t *tree) time() time.Time {
	switch t.n(4) {
	case 0:
		return time.Time{}
	case 1:
		return time.Date(t.n(256)*50-200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Unix(int64(t.byte())<<24|int64(t.byte())<<16, 0).UTC()
}

func (t *tree) reasons() (out []verifier.Reason) {
	for range t.n(12) {
		out = append(out, verifier.Reason{Code: t.text(), Text: t.text()})
	}
	return out
}

func (t *tree) conclusion() verifier.Conclusion {
	all := []verifier.Indication{verifier.Passed, verifier.Failed, verifier.Indeterminate, "", verifier.Indication(t.text())}
	subs := []verifier.SubIndication{"", verifier.Revoked, verifier.CryptoNoPOE, verifier.SubIndication(t.text())}
	return verifier.Conclusion{Indication: all[t.n(len(all))], Sub: subs[t.n(len(subs))], Reasons: t.reasons()}
}

func (t *tree) party() verifier.Party {
	return verifier.Party{CommonName: t.text(), Organization: t.text(), SerialNumber: t.text(), Issuer: t.text()}
}

func (t *tree) block(depth int) *verifier.Block {
	b := &verifier.Block{Name: t.text(), Clause: t.text(), Subject: t.text(), Conclusion: t.conclusion()}
	for range t.n(4) {
		b.Constraints = append(b.Constraints, verifier.Constraint{Code: t.text(), OK: t.bool(), Text: t.text()})
	}
	for range t.n(4) {
		if depth < 30 {
			b.Blocks = append(b.Blocks, t.block(depth+1))
		}
	}
	return b
}

func (t *tree) path(stamps []*verifier.Timestamp) (out []verifier.Certificate) {
	poe := func() verifier.POE {
		p := verifier.POE{Time: t.time()}
		if len(stamps) > 0 && t.bool() {
			p.By = stamps[t.n(len(stamps))]
		}
		return p
	}
	for range t.n(4) {
		states := []string{"good", "revoked", "on-hold", "unknown", "", t.text()}
		out = append(out, verifier.Certificate{
			Party: t.party(), DER: t.bytes(), NotBefore: t.time(), NotAfter: t.time(), Anchor: t.bool(), POE: poe(),
			Status: verifier.CertificateStatus{
				State: states[t.n(len(states))], OCSP: t.bool(), ThisUpdate: t.time(), RevokedAt: t.time(), Reason: t.text(),
				Evidence: t.bytes(), POE: poe(), Signer: t.party(), SignerDER: t.bytes(),
			},
		})
	}
	return out
}

func (t *tree) signature() *verifier.Signature {
	s := &verifier.Signature{
		Field: t.text(), Kind: verifier.KindSignature, Revision: t.n(9), SubFilter: t.text(), Level: t.text(), Conclusion: t.conclusion(),
		Intact: t.bool(), Coverage: []string{"entire-file", "entire-revision", "partial", t.text()}[t.n(4)], Signer: t.party(),
		ClaimedTime: t.time(), BestTime: t.time(), Warnings: t.reasons(), Certificate: t.bytes(),
	}
	if t.bool() {
		s.Kind = verifier.KindDocumentTimestamp
	}
	for range t.n(4) {
		stamp := &verifier.Timestamp{Kind: []string{"signature", "content", "document", t.text()}[t.n(4)], Time: t.time(), Conclusion: t.conclusion(),
			Authority: t.party(), DER: t.bytes(), Hash: crypto.Hash(t.n(25)), Imprint: t.bytes()}
		if t.bool() {
			stamp.Process = t.block(0)
		}
		s.Timestamps = append(s.Timestamps, stamp)
		stamp.Path = t.path(s.Timestamps)
	}
	s.Path = t.path(s.Timestamps)
	if len(s.Timestamps) > 0 && t.bool() {
		s.Proof = verifier.POE{Time: t.time(), By: s.Timestamps[0]}
	}
	s.Changes.Level = []string{"NONE", "LTA", "OTHER", t.text()}[t.n(4)]
	for range t.n(12) {
		s.Changes.Items = append(s.Changes.Items, verifier.Change{Revision: t.n(9), Object: t.text(), Path: t.text(), Rule: t.text(), Level: t.text()})
	}
	s.Material = verifier.Material{
		ByteRange: [4]int64{int64(t.byte()), 1, 2, 3}, Hash: crypto.Hash(t.n(25)), Digest: t.bytes(), Value: t.bytes(), SignedAttributes: t.bytes(),
		Filter: t.text(), Name: t.text(), Reason: t.text(), Location: t.text(), ContactInfo: t.text(),
	}
	for range t.n(3) {
		s.Material.Weak = append(s.Material.Weak, verifier.WeakAlgorithm{Name: t.text(), Scheme: t.text(), Bits: t.n(9), Until: t.time(), Certificate: t.bytes()})
	}
	if t.bool() {
		s.Process = t.block(0)
	}
	return s
}

func (t *tree) report() *verifier.Report {
	verdicts := []verifier.Verdict{
		verifier.TotalPassed, verifier.TotalFailed, verifier.VerdictUndetermined, verifier.NoSignature, verifier.Unreadable, verifier.Verdict(t.text()),
	}
	r := &verifier.Report{
		File: t.text(), Size: int64(int8(t.byte())) << t.n(56), At: t.time(), Policy: t.text(), Catalogue: t.text(),
		Verdict: verdicts[t.n(len(verdicts))], Reasons: t.reasons(), Warnings: t.reasons(),
	}
	for range t.n(6) {
		r.Signatures = append(r.Signatures, t.signature())
	}
	return r
}
