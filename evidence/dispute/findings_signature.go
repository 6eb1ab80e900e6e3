package dispute

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/absah-id/absah/verifier"
)

// maxNamed bounds the signatures, operations and objects that statements speak of.
const maxNamed = 20

// signatures says of each what is known.
func (e *examiner) signatures() {
	if e.x.Report == nil {
		return
	}
	for i, s := range e.x.Report.Signatures {
		if s.Kind != verifier.KindSignature {
			continue
		}
		if e.signed++; e.signed == maxNamed+1 {
			e.say("signature.more", OpenEnd, Neutral, args(number(maxNamed)))
		}
		said := len(e.out)
		e.signature(number(int64(e.signed)), s, e.origin(i))
		if e.signed > maxNamed { // what it means counts all the same
			e.out = e.out[:said]
		}
	}
}

// origin is where a signature comes from; nil when that was not looked for.
func (e *examiner) origin(i int) *Origin {
	if i >= len(e.x.Origins) {
		return nil
	}
	return &e.x.Origins[i]
}

func (e *examiner) signature(n string, s *verifier.Signature, from *Origin) {
	in := Exhibit{ExhibitReport, s.Field}
	who := args(n, s.Signer.CommonName, s.Signer.Issuer, s.Signer.SerialNumber)
	switch s.Indication {
	case verifier.Passed:
		e.say("signature.passed", Proven, ForGenuine, who, in)
	case verifier.Failed:
		e.broken = true
		e.say("signature.failed", Proven, Against, append(who, why(s.Conclusion)), in)
	default:
		e.unknown = true
		e.say("signature.indeterminate", OpenEnd, Neutral, append(who, why(s.Conclusion)), in)
	}
	if s.Proof.By != nil {
		e.say("signature.time", Proven, Neutral, []Arg{text(n), moment(s.BestTime), text(s.Proof.By.Authority.CommonName)}, in)
	} else if !s.ClaimedTime.IsZero() {
		e.say("signature.time-claimed", OpenEnd, Neutral, []Arg{text(n), moment(s.ClaimedTime)}, in)
	}
	e.certificate(n, s, in)
	e.changes(n, s, in)
	e.asked(n, s, from)
}

// why is the reason of a verdict: a key of [Words].
func why(c verifier.Conclusion) Arg {
	if len(c.Reasons) > 0 {
		return text(reasonKey + c.Reasons[0].Code)
	}
	return text(string(c.Sub))
}

// certificate says whether the certificate was good, by which evidence, at the
// moment from which on the signature provably existed.
func (e *examiner) certificate(n string, s *verifier.Signature, in Exhibit) {
	leaf, err := x509.ParseCertificate(s.Certificate)
	outside := err == nil && (s.BestTime.Before(leaf.NotBefore) || s.BestTime.After(leaf.NotAfter))
	if outside {
		e.say("certificate.period", Proven, Neutral, []Arg{text(n), moment(leaf.NotBefore), moment(leaf.NotAfter), moment(s.BestTime)}, in)
	}
	if len(s.Path) == 0 {
		return
	}
	if !s.Path[len(s.Path)-1].Anchor { // anybody can be a good authority of his own
		e.say("certificate.untrusted", OpenEnd, Neutral, args(n), in)
		return
	}
	status := s.Path[0].Status
	if status.State == "exempt" {
		e.say("certificate.exempt", Proven, Neutral, args(n), in)
		return
	}
	if status.Evidence == nil {
		e.say("certificate.unknown", OpenEnd, Neutral, args(n), in)
		return
	}
	kind := "CRL"
	if status.OCSP {
		kind = "OCSP"
	}
	kept := Exhibit{ExhibitArtefact, sha256Hex(status.Evidence)}
	by := args(kind, kept.Ref)
	switch {
	case status.State == "good" && (outside || status.ThisUpdate.Before(s.BestTime)):
		e.say("certificate.good-earlier", Proven, Neutral, append([]Arg{text(n), moment(status.ThisUpdate), moment(s.BestTime)}, by...), kept, in)
	case status.State == "good":
		e.say("certificate.good", Proven, ForGenuine, []Arg{text(n), moment(s.BestTime), text(kind), moment(status.ThisUpdate), text(kept.Ref)}, kept, in)
	case status.RevokedAt.IsZero() || status.State != "revoked" && status.State != "on-hold":
		e.say("certificate.unknown", OpenEnd, Neutral, args(n), kept, in)
	case status.State == "on-hold":
		e.say("certificate.on-hold", OpenEnd, Neutral, append([]Arg{text(n), moment(status.RevokedAt)}, by...), kept, in)
	case status.RevokedAt.After(s.BestTime):
		e.say("certificate.revoked-later", Proven, ForGenuine, append([]Arg{text(n), moment(s.BestTime), moment(status.RevokedAt)}, by...), kept, in)
	default:
		e.say("certificate.revoked-before", Proven, Against, append([]Arg{text(n), moment(status.RevokedAt)}, by...), kept, in)
	}
}

// forbidden are the reasons by which the verifier says that a later revision
// did what the document does not allow.
var forbidden = []string{
	"changed-after-signing", "docmdp", "change", "certified-visible", "covers-content", "form-values", "field-locked", "unsigned-change",
}

// changes says what is different from what was signed.
func (e *examiner) changes(n string, s *verifier.Signature, in Exhibit) {
	failed := s.Indication == verifier.Failed
	if !s.Intact {
		e.damage(n, s, in)
		return
	}
	switch level := s.Changes.Level; {
	case level == "NONE" && s.Coverage == "entire-file":
		e.say("signature.unchanged", Proven, ForGenuine, args(n), in)
	case level == "NONE":
		e.say("signature.appended", Proven, ForGenuine, args(n), in)
	case level == "LTA":
		e.say("signature.extended", Proven, ForGenuine, args(n), in)
	case level == "FORM" && s.Indication == verifier.Passed:
		e.say("signature.extended-form", Proven, ForGenuine, args(n), in)
	case level == "FORM" && failed && slices.ContainsFunc(s.Reasons, func(r verifier.Reason) bool { return slices.Contains(forbidden, r.Code) }):
		e.altered = true
		e.say("signature.forbidden", Proven, Against, []Arg{text(n), why(s.Conclusion)}, in)
	case level == "FORM":
		e.say("signature.form-open", OpenEnd, Neutral, args(n), in)
	default:
		e.changed(n, s, in)
	}
}

// changed names the objects that were changed in a way that shows.
func (e *examiner) changed(n string, s *verifier.Signature, in Exhibit) {
	var objects []string
	more := 0
	for _, c := range s.Changes.Items {
		switch {
		case c.Level != s.Changes.Level || slices.Contains(objects, c.Object):
		case len(objects) == maxNamed:
			more++
		default:
			objects = append(objects, c.Object)
		}
	}
	switch {
	case len(objects) == 0:
		e.say("signature.changes-open", OpenEnd, Neutral, args(n), in)
	case s.Changes.Level == "ANNOTATION" && s.Indication != verifier.Failed:
		e.say("signature.annotated", Proven, Neutral, args(n, list(objects, more)), in)
	default:
		e.altered = true
		e.say("signature.changed", Proven, Against, args(n, list(objects, more)), in)
	}
}

// damage says what of a signature does not hold.
func (e *examiner) damage(n string, s *verifier.Signature, in Exhibit) {
	switch {
	case s.Indication == verifier.Failed && s.Sub == verifier.HashFailure:
		e.altered = true
		e.say("signature.broken", Proven, Against, args(n), in)
	case s.Indication == verifier.Failed && s.Sub == verifier.SigCryptoFailure:
		e.say("signature.forged", Proven, Against, args(n), in)
	case s.Indication == verifier.Failed:
		e.say("signature.damaged", Proven, Against, []Arg{text(n), why(s.Conclusion)}, in)
	default:
		e.say("signature.intact-open", OpenEnd, Neutral, []Arg{text(n), why(s.Conclusion)}, in)
	}
}

// asked says who had the signature made.
func (e *examiner) asked(n string, s *verifier.Signature, from *Origin) {
	in := Exhibit{ExhibitReport, s.Field}
	var t *Trace
	switch {
	case from == nil || from.Unknown:
		e.unrecorded = true
		e.say("signature.unsought", OpenEnd, Neutral, args(n), in)
	case from.Operation != "":
		if t = e.operation(from.Operation); t == nil {
			e.unrecorded = true
			e.say("signature.untold", Recorded, Neutral, args(n, from.Operation), Exhibit{ExhibitOperation, from.Operation})
		}
	case from.Registered:
		e.unrecorded = true
		e.say("signature.unrecorded", OpenEnd, Neutral, args(n), in)
	default:
		e.say("signature.elsewhere", Recorded, Neutral, args(n), in)
	}
	if t != nil {
		e.made(n, s, t)
	}
	if e.x.LossAt.IsZero() {
		return
	}
	after := e.loss(n, s, t)
	e.afterLoss = e.afterLoss || s.Intact && after
	e.othersNot = e.othersNot || s.Intact && !after
}

// operation is one of the traces.
func (e *examiner) operation(id string) *Trace {
	for i := range e.x.Traces {
		if e.x.Traces[i].Operation == id {
			return &e.x.Traces[i]
		}
	}
	return nil
}

// made says how the operation came to make the signature. Of one that does not
// cover this file that speaks neither for it nor against it.
func (e *examiner) made(n string, s *verifier.Signature, t *Trace) {
	good, bad := ForGenuine, Against
	if e.ours = e.ours || s.Intact; s.Intact {
		e.makers = append(e.makers, t.Operation)
	} else {
		good, bad = Neutral, Neutral
	}
	op, leaf := t.exhibit(), t.leaf()
	e.say("signature.asked", Recorded, Neutral, []Arg{text(n), moment(t.At), text(t.Application), text(t.Address), text(t.Operation)}, op, leaf)
	if t.User != "" {
		e.say("signature.user", Recorded, Neutral, args(n, t.User), op)
	}
	switch t.Authorisation {
	case "passphrase", "activation":
		e.person = e.person || s.Intact
		e.say("signature."+t.Authorisation, Recorded, good, args(n, t.Signer), op, leaf)
	case "resident-key":
		e.say("signature.resident-key", Recorded, Neutral, args(n), op, leaf)
	}
	for _, f := range e.x.Failures {
		if f.Operation != t.Operation {
			continue
		}
		code, bearing := "signature.no-failures", good
		switch {
		case f.Least:
			code, bearing = "signature.failures-least", bad
		case f.N > 0:
			code, bearing = "signature.failures", bad
		}
		e.say(code, Recorded, bearing, args(n, number(int64(f.N)), number(int64(f.Hours))), op)
	}
}

// loss holds the signature against the moment of a loss, which is the
// complainant's word. A timestamp proves that a signature existed, not that it
// was made no earlier; only the record says when it was made. The result says
// whether it has it made after the loss.
func (e *examiner) loss(n string, s *verifier.Signature, t *Trace) (after bool) {
	at := e.x.LossAt
	in := Exhibit{ExhibitReport, s.Field}
	tell := func(code string, standing Standing, b Bearing, when time.Time, x Exhibit) {
		e.say(code, standing, b, []Arg{text(n), moment(when), moment(at), moment(e.x.ReceivedAt)}, x)
	}
	switch {
	case s.Proof.By != nil && s.BestTime.Before(at):
		tell("loss.before", Proven, ForGenuine, s.BestTime, in)
	case t == nil:
		e.say("loss.open", OpenEnd, Neutral, []Arg{text(n), moment(at)}, in)
	case at.Before(t.KeyAt) && at.Before(notBefore(s)):
		tell("loss.before-key", Recorded, Neutral, t.KeyAt, t.exhibit())
	case t.At.Before(at):
		tell("loss.before", Recorded, ForGenuine, t.At, t.exhibit())
	case t.Began.Before(at):
		e.say("loss.open", OpenEnd, Neutral, []Arg{text(n), moment(at)}, t.exhibit())
	default:
		tell("loss.after", Recorded, Neutral, t.At, t.exhibit())
		return true
	}
	return false
}

// notBefore is from when on the signature's certificate is valid; zero when that
// is not known.
func notBefore(s *verifier.Signature) time.Time {
	leaf, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotBefore
}

// late says that a loss was reported later than the region asks.
func (e *examiner) late() {
	if !e.x.LossAt.IsZero() && e.x.LossLate {
		e.say("loss.late", Recorded, Neutral, []Arg{moment(e.x.LossAt), moment(e.x.ReceivedAt)})
	}
}
