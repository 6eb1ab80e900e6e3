package verifier

import (
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// basicStamp is the validation process for time-stamps (§5.4): a token is
// judged as a signature of its own, with the anchors of time-stamp
// authorities. The status of the authority's certificate has to be known for
// the token's own time.
func (r *run) basicStamp(t *token) {
	b := newBlock("TIMESTAMP", "5.4", t.out.Kind)
	t.out.Process = b
	if c := r.stampFormat(t, b.sub(newBlock("FC", "5.2.2", ""))); !c.ok() {
		b.fail(c)
	} else if c := r.stampSigner(t, b.sub(newBlock("ISC", "5.2.3", ""))); !c.ok() {
		b.fail(c)
	} else {
		t.chain = r.chain(t.cert, pki.Timestamping, t.t.Time)
		b.sub(t.chain.block)
		cv := b.sub(newBlock("CV", "5.2.7", ""))
		r.stampImprint(t, cv)
		sav := b.sub(newBlock("SAV", "5.2.8", ""))
		r.stampAcceptance(t, sav, r.at)
		for _, c := range []Conclusion{cv.Conclusion, t.chain.Conclusion, sav.Conclusion} {
			if !c.ok() {
				b.fail(c)
				break
			}
		}
	}
	t.out.Conclusion = b.Conclusion
	t.counts = b.ok()
}

func (r *run) stampFormat(t *token, b *Block) Conclusion {
	if t.t == nil {
		b.fail(syntaxConclusion(t.err))
		return b.Conclusion
	}
	if t.check != nil {
		for _, e := range t.check.Breaches {
			if m := ruleMeaning[e.Rule]; m.Indication == Failed && m.Sub == FormatFailure && !contentOfToken(e.Rule) {
				b.fail(breachConclusion(e))
			}
		}
	}
	if b.ok() {
		b.hold("contents")
	}
	return b.Conclusion
}

// contentOfToken lists what is wrong in a signature and right in a token.
func contentOfToken(rule cms.Rule) bool {
	return rule == cms.RuleContentPresent || rule == cms.RuleContentTypeNotData
}

func (r *run) stampSigner(t *token, b *Block) Conclusion {
	if t.cert == nil {
		b.fail(missingCertificate(t.err))
		return b.Conclusion
	}
	for _, e := range t.check.Breaches {
		if ruleMeaning[e.Rule].Sub == NoSigningCertificateFound {
			b.fail(breachConclusion(e))
		}
	}
	if b.ok() {
		b.holdf("signing-certificate", "%s", t.out.Authority.CommonName)
	}
	return b.Conclusion
}

// mistyped reports a document timestamp whose dictionary says /Sig, or the
// other way round (T06). Old writers made such; as a proof it does not count.
func (w *work) mistyped() bool {
	return slices.ContainsFunc(w.j.Warnings, func(f pades.Finding) bool { return f.Code == "type-subfilter" })
}

// stampImprint is cryptographic verification of a token: its own value, and
// the imprint against what it is said to be over.
func (r *run) stampImprint(t *token, b *Block) {
	if t.digest() == nil && t.t.Hash != 0 {
		b.fail(indeterminate(SignedDataNotFound, reasonf("signed-data", "what the time-stamp is over cannot be found")))
	}
	for _, e := range t.check.Breaches {
		if e.Rule == tsp.RuleImprint {
			b.fail(failed(HashFailure, reasonf("imprint", "the time-stamp is over other data")))
		}
	}
	verifyResult(t.check, b)
}

// stampAcceptance is signature acceptance validation of a token with the
// algorithms judged at a moment. A genTime in the future proves nothing.
func (r *run) stampAcceptance(t *token, b *Block, at time.Time) {
	if t.t.Time.After(r.at.Add(r.v.cfg.Policy.ClockSkew)) {
		b.fail(failed(NotYetValid, reasonf("time-in-future", "the time-stamp says %s, which is to come", t.t.Time.UTC().Format(time.RFC3339))))
	}
	for _, e := range t.check.Breaches {
		if e.Rule != tsp.RuleImprint && !contentOfToken(e.Rule) {
			b.fail(breachConclusion(e))
		}
	}
	if b.ok() {
		b.hold("attributes")
	}
	for _, a := range r.stampAlgorithms(t) {
		if !r.v.catalogue.reliable(a, at) {
			b.fail(indeterminate(CryptoNoPOE, r.weakReason(a, "the time-stamp")))
		}
	}
	if b.ok() {
		b.holdf("algorithms", "%s", at.UTC().Format(time.RFC3339))
	}
}

// stampAlgorithms are those a token rests on. The hash of its reference to the
// authority's certificate is not among them: version 1 of that attribute has
// SHA-1 and nothing else, authorities still use it, and only a second preimage
// of a certificate from the same authority would harm.
func (r *run) stampAlgorithms(t *token) []algorithm {
	out := []algorithm{{hash: t.t.Hash}}
	si := t.t.SignedData.SignerInfos[0]
	if si.AlgorithmError != nil {
		return append(out, algorithm{name: "the signature algorithm " + si.AlgorithmOID.String()})
	}
	if key, err := cms.PublicKey(t.cert); err == nil {
		out = append(out, signatureAlgorithm(si.Algorithm, key))
	}
	return append(out, algorithm{hash: si.DigestAlgorithm})
}
