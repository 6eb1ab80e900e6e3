package verifier

import (
	"crypto"
	"errors"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// basicSignature is the validation process for basic signatures (§5.3).
func (r *run) basicSignature(w *work, b *Block) Conclusion {
	if c := r.format(w, b.sub(newBlock("FC", "5.2.2", ""))); !c.ok() {
		return c
	}
	if c := r.signingCertificate(w, b.sub(newBlock("ISC", "5.2.3", ""))); !c.ok() {
		return c
	}
	if c := r.validationContext(w, b.sub(newBlock("VCI", "5.2.4", ""))); !c.ok() {
		return c
	}
	x := r.chainConclusion(w, b)
	if c := r.cryptographic(w, b.sub(newBlock("CV", "5.2.7", ""))); !c.ok() {
		return c // a forgery by an expired certificate is a forgery
	}
	if !x.ok() {
		return x
	}
	sav := b.sub(newBlock("SAV", "5.2.8", ""))
	c := r.acceptance(w, sav, r.at)
	if c.is(CryptoNoPOE) && r.contentStampAfter(w, r.weakSince(w)) {
		c.Sub = CryptoConstraintsFailure
		sav.Conclusion = c
	}
	return c
}

// format is format checking (§5.2.2): the structural gate, the CMS, and what
// later revisions changed.
func (r *run) format(w *work, b *Block) Conclusion {
	for _, f := range w.j.Structure {
		if f.Limit {
			b.fail(limited(f.Text))
		} else {
			b.fail(failed(FormatFailure, Reason{f.Code, f.Text}))
		}
	}
	if b.ok() {
		b.hold("structure")
	}
	r.formatOfContents(w, b)
	r.formatOfChanges(w, b)
	return b.Conclusion
}

func (r *run) formatOfContents(w *work, b *Block) {
	switch {
	case w.syntax != nil:
		b.fail(syntaxConclusion(w.syntax))
	case w.sig.Filter == "":
		b.fail(failed(FormatFailure, reasonf("filter-missing", "the signature dictionary has no /Filter")))
	case w.si == nil && w.own == nil:
		b.fail(failed(FormatFailure, reasonf(string(cms.RuleSignerCount), "there is no SignerInfo")))
	default:
		b.hold("contents")
	}
	for _, e := range w.warnings {
		if e.Rule == cms.RuleDigestUnlisted {
			b.fail(failed(FormatFailure, ruleWarning(e)))
		}
	}
	for _, e := range w.breaches {
		if m := ruleMeaning[e.Rule]; m.Indication == Failed && m.Sub == FormatFailure && !toleratedIn(w, e.Rule) {
			b.fail(breachConclusion(e))
		}
	}
}

// syntaxConclusion tells a limit of ours from a malformed signature.
func syntaxConclusion(err error) Conclusion {
	var m *cms.MalformedError
	if errors.As(err, &m) && m.Rule == "limit" {
		return limited(err.Error())
	}
	return failed(FormatFailure, reasonf("contents-malformed", "%v", err))
}

// toleratedIn reports a breach that is a matter of constraints, not of form,
// in signatures of the old kind adbe.pkcs7.detached (M01).
func toleratedIn(w *work, rule cms.Rule) bool {
	return rule == cms.RuleNoSignedAttributes && w.sig.SubFilter == pades.SubFilterPKCS7
}

// formatOfChanges judges the later revisions by policy: what nothing allows is
// a FORMAT_FAILURE; an annotation that DocMDP P=3 allows changes what is seen
// all the same, and [run.accept] says so.
func (r *run) formatOfChanges(w *work, b *Block) {
	for _, f := range w.j.Violations {
		if f.Limit {
			b.fail(limited(f.Text))
		} else {
			b.fail(failed(FormatFailure, Reason{f.Code, f.Text}))
		}
	}
	if w.j.Level == diff.LevelOther || w.j.Level == diff.LevelAnnotation && !annotationsPermitted(r.work, w) {
		n := 0
		for _, c := range w.j.Changes {
			if c.Level != w.j.Level {
				continue
			}
			if n++; n > 3 {
				break
			}
			b.fail(failed(FormatFailure, reasonf("changed-after-signing", "revision %d changes %s: %s", c.Revision, display(c.Path), c.Text)))
		}
		if n == 0 {
			b.fail(failed(FormatFailure, reasonf("changed-after-signing", "a later revision changes the document")))
		}
		return
	}
	if b.ok() {
		b.holdf("changes", "%s", w.j.Level)
	}
}

// annotationsPermitted reports that the strictest DocMDP up to w is P=3.
func annotationsPermitted(all []*work, w *work) bool {
	permitted := false
	for _, x := range all {
		if x.sig.DocMDP != 0 && x.sig.Revision <= w.sig.Revision {
			if x.sig.DocMDP != 3 {
				return false
			}
			permitted = true
		}
	}
	return permitted
}

// signingCertificate is identification of the signing certificate (§5.2.3).
func (r *run) signingCertificate(w *work, b *Block) Conclusion {
	if w.cert != nil && !w.partial {
		for _, e := range w.breaches {
			if ruleMeaning[e.Rule].Sub == NoSigningCertificateFound {
				b.fail(breachConclusion(e))
			}
		}
		if b.ok() {
			b.holdf("signing-certificate", "%s", w.out.Signer.CommonName)
		}
		return b.Conclusion
	}
	if c := r.forgedDigest(w); !c.ok() {
		b.fail(c)
		return c
	}
	switch {
	case w.partial:
		if c := r.cryptographic(w, b.sub(newBlock("CV", "5.2.7", ""))); !c.ok() {
			b.fail(c)
		} else {
			b.fail(indeterminate(ChainGeneralFailure, reasonf("certificate-unreadable", "%v", w.certErr)))
		}
	default:
		b.fail(missingCertificate(w.certErr))
	}
	return b.Conclusion
}

// missingCertificate maps why no certificate was found.
func missingCertificate(err error) Conclusion {
	var c *cms.ConstraintError
	if errors.As(err, &c) {
		return breachConclusion(c)
	}
	return indeterminate(NoSigningCertificateFound, reasonf("signing-certificate", "%v", err))
}

// forgedDigest compares the digest where no certificate is at hand: that the
// document is not what was signed can be told without one.
func (r *run) forgedDigest(w *work) Conclusion {
	signed, err := w.si.MessageDigest()
	if err != nil || w.content == nil || w.content.digest == nil || string(signed) == string(w.content.digest) {
		return passed()
	}
	return failed(HashFailure, reasonf("digest", "the document does not have the digest that was signed"))
}

// validationContext is §5.2.4. Under an explicit signature policy the signature
// means what that policy says; unless the validation policy lists it, its rules
// are not known here.
func (r *run) validationContext(w *work, b *Block) Conclusion {
	policy, err := w.si.SignaturePolicy()
	switch {
	case err != nil:
		b.fail(indeterminate(PolicyProcessingError, reasonf("signature-policy", "%v", err)))
	case policy != nil && policy.ID != nil && !slices.Contains(r.v.cfg.Policy.SignaturePolicies, policy.ID.String()):
		b.fail(indeterminate(PolicyNotAvailable, reasonf("signature-policy", "the signer names the signature policy %v, whose rules are not known here", policy.ID)))
	default:
		b.holdf("policy", "%s", r.v.cfg.Policy.Name)
	}
	return b.Conclusion
}

func (w *work) warn(code, text string) {
	for _, have := range w.out.Warnings {
		if have.Text == text {
			return
		}
	}
	w.out.Warnings = append(w.out.Warnings, Reason{code, text})
}

// chainConclusion is step 4 of §5.3.4: X.509 validation, with what content
// time-stamps prove to be too late.
func (r *run) chainConclusion(w *work, b *Block) Conclusion {
	w.chain = r.chain(w.cert, pki.Signing, r.at)
	b.sub(w.chain.block)
	x := w.chain.Conclusion
	switch {
	case x.is(RevokedNoPOE) && r.contentStampAfter(w, w.chain.revokedAt):
		return failed(Revoked, x.Reasons...)
	case x.is(OutOfBoundsNoPOE, OutOfBoundsNotRevoked) && r.contentStampAfter(w, w.cert.NotAfter):
		return failed(Expired, x.Reasons...)
	}
	return x
}

// contentStampAfter reports that a content time-stamp, which was made before
// the signature, is not before a moment; false for the zero moment.
func (r *run) contentStampAfter(w *work, moment time.Time) bool {
	for _, t := range w.stamps {
		if t.out.Kind == "content" && t.out.ok() && !moment.IsZero() && !t.out.Time.Before(moment) {
			return true
		}
	}
	return false
}

// cryptographic is cryptographic verification (§5.2.7).
func (r *run) cryptographic(w *work, b *Block) Conclusion {
	refuted := errors.Is(w.check.Digest, cms.ErrDigest) || errors.Is(w.check.Value, cms.ErrSignature)
	if !refuted && (w.content == nil || w.content.digest == nil) {
		if w.si.DigestAlgorithm == 0 {
			b.fail(indeterminate(CryptoNoPOE, reasonf(string(cms.RuleUnsupported), "the digest algorithm %v is not supported", w.si.DigestOID)))
		} else {
			b.fail(indeterminate(SignedDataNotFound, reasonf("signed-data", "the signed bytes cannot be found")))
		}
		return b.Conclusion
	}
	verifyResult(w.check, b)
	return b.Conclusion
}

// verifyResult turns digest and value of a check into constraints of CV.
func verifyResult(check *cms.Result, b *Block) {
	var c *cms.ConstraintError
	switch {
	case errors.Is(check.Digest, cms.ErrDigest):
		b.fail(failed(HashFailure, reasonf("digest", "the document does not have the digest that was signed")))
	case errors.As(check.Digest, &c):
		b.fail(breachConclusion(c))
	default:
		b.hold("digest")
	}
	switch {
	case errors.Is(check.Value, cms.ErrSignature):
		b.fail(failed(SigCryptoFailure, reasonf("signature-value", "the signature value was not made by this certificate's key over these bytes")))
	case errors.As(check.Value, &c):
		b.fail(breachConclusion(c))
	case check.Value != nil:
		b.fail(failed(SigCryptoFailure, reasonf("signature-value", "%v", check.Value)))
	default:
		b.hold("signature-value")
	}
}

// acceptance is signature acceptance validation (§5.2.8) with the algorithms
// judged at a moment.
func (r *run) acceptance(w *work, b *Block, at time.Time) Conclusion {
	for _, e := range w.breaches {
		switch {
		case e.Rule == cms.RuleNoSigningCertificate && w.sig.SubFilter == pades.SubFilterPKCS7 && w.chain != nil && w.chain.anchored:
			// The certificate that fits is the only one, or Signer would not
			// have found it: bound by path, though not by signature.
			w.warn(string(e.Rule), "the signature does not say which certificate made it; the only one that fits was taken")
		case toleratedIn(w, e.Rule):
			b.fail(indeterminate(SigConstraintsFailure, Reason{string(e.Rule), e.Error()}))
		default:
			b.fail(breachConclusion(e))
		}
	}
	if b.ok() {
		b.hold("attributes")
	}
	for _, t := range w.stamps {
		if t.unfathomable() {
			b.fail(indeterminate(SigConstraintsFailure, reasonf("timestamp-digest",
				"the %s time-stamp is over a digest by the unknown algorithm %v", t.out.Kind, t.t.HashOID)))
		}
	}
	for _, a := range r.ownAlgorithms(w) {
		if !r.v.catalogue.reliable(a, at) {
			b.fail(indeterminate(CryptoNoPOE, r.weakReason(a, "the signature")))
		}
	}
	if b.ok() {
		b.holdf("algorithms", "%s", at.UTC().Format(time.RFC3339))
	}
	return b.Conclusion
}

// ownAlgorithms are those that the signature itself rests on: value, digest
// and the reference to its certificate.
func (r *run) ownAlgorithms(w *work) []algorithm {
	var out []algorithm
	if w.si.AlgorithmError != nil {
		out = append(out, algorithm{name: "the signature algorithm " + w.si.AlgorithmOID.String()})
	} else if key, err := cms.PublicKey(w.cert); err == nil {
		out = append(out, signatureAlgorithm(w.si.Algorithm, key))
	}
	out = append(out, algorithm{hash: w.si.DigestAlgorithm})
	references, err := w.si.SigningCertificates()
	if err != nil {
		return out // a breach already
	}
	for _, s := range references {
		if len(s.References) > 0 && s.References[0].Hash != crypto.Hash(0) && s.References[0].Hash != w.si.DigestAlgorithm {
			out = append(out, algorithm{hash: s.References[0].Hash})
		}
	}
	return out
}

// weakSince is when the first of the signature's own algorithms ceased to be
// reliable; zero when none did.
func (r *run) weakSince(w *work) (end time.Time) {
	for _, a := range r.ownAlgorithms(w) {
		if until, listed := r.v.catalogue.until(a); listed {
			end = earlier(end, until)
		}
	}
	return end
}
