package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// answerView is what the issuer of a certificate has just said.
type answerView struct {
	Method, State, Word string // how it was asked; class and word of what came
	Facts               []fact
}

// liveClasses are the classes of the states of certificates.
var liveClasses = map[string]string{"good": "passed", "revoked": "failed", "on-hold": "failed", "unknown": "open"}

func (v *visit) issuerAnswer(a gateway.LiveAnswer) answerView {
	w := v.look.words
	view := answerView{Method: w.Text("op.live." + a.Method), State: liveClasses[a.State], Word: w.Text("op.live.state." + a.State)}
	l := &facts{v: v}
	l.time("op.live.revoked-at", a.RevokedAt)
	l.add("web.why-status", a.Reason)
	l.add("op.live.source", strings.Join(a.URLs, " "))
	l.add("op.live.signer", a.Signer)
	l.time("op.live.this-update", a.ThisUpdate)
	l.time("op.live.next-update", a.NextUpdate)
	if a.DER != nil {
		l.code("op.live.answer", hexSum(sha256.Sum256(a.DER)), "")
	}
	view.Facts = l.all
	return view
}

func (v *visit) certificateFile(name string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	return v.showCertificate(c, name, nil)
}

// askCertificate asks the issuer for the status now.
func (v *visit) askCertificate(name string) error {
	c, p, err := v.staffPosted(everyone...)
	if err != nil {
		return err
	}
	defer p.Close()
	sum, err := certificateName(name)
	if err != nil {
		return err
	}
	done, err := v.cfg.Turn(v.r.Context()) // who holds the line to a slow issuer holds one of few
	if err != nil {
		return err
	}
	defer done()
	live, err := v.cfg.Records.AskCertificate(v.r.Context(), c, sum)
	if err != nil {
		return err
	}
	return v.showCertificate(c, name, live)
}

// certificateName is the digest that names a certificate in an address.
func certificateName(name string) (sum [32]byte, err error) {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != len(sum) {
		return sum, errNotFound
	}
	return [32]byte(b), nil
}

// showCertificate shows a certificate, with what its issuer has just said of it;
// live is nil when nobody asked.
func (v *visit) showCertificate(c gateway.Caller, name string, live *gateway.LiveStatus) error {
	sum, err := certificateName(name)
	if err != nil {
		return err
	}
	f, err := v.cfg.Records.ReadCertificate(v.r.Context(), c, sum, v.page())
	if err != nil {
		return err
	}
	w := v.look.words
	view := timelineView{Kicker: w.Text("paper.certificate"), Heading: name, Ask: v.to("/op/certificate/" + name), List: v.acts(&f.Found)}
	if live != nil {
		view.Asked = cut(w, w.Text("op.live.at", stamp(live.At)))
		for _, a := range live.Answers {
			view.Answers = append(view.Answers, v.issuerAnswer(a))
		}
	}
	l := &facts{v: v}
	l.link("op.signer", f.Signer.Name, "/op/signer/"+f.Signer.ID)
	if x := f.Parsed; x != nil {
		view.Heading = report.Visible(x.Subject.CommonName)
		l.add("op.subject", x.Subject.String())
		l.add("web.issuer", x.Issuer.String())
		l.add("web.serial", x.SerialNumber.Text(16))
		l.add("catalogue", x.SignatureAlgorithm.String())
		l.time("op.valid-from", x.NotBefore)
		l.time("op.valid-to", x.NotAfter)
	} else {
		view.State, view.Status = "failed", w.Text("op.not-certificate")
	}
	if at := f.Certificate.RevokedLocallyAt; !at.IsZero() {
		view.State, view.Status = "failed", w.Text("op.not-used")
		l.time("op.not-used-since", at)
		l.add("web.why-status", f.Certificate.RevokedReason)
	}
	l.code("web.fingerprint", name, "")
	view.Facts = l.all
	return v.showOp(http.StatusOK, "op-timeline", view.Heading, view)
}
