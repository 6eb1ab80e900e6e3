package paper

import (
	"fmt"
	"time"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// signatures prints the signatures, then the document timestamps.
func (p *printer) signatures() {
	shownUp := 0
	for _, kind := range []verifier.Kind{verifier.KindSignature, verifier.KindDocumentTimestamp} {
		first := true
		for i, s := range p.r.Signatures {
			if s.Kind != kind {
				continue
			}
			if shownUp++; shownUp > maxSignatures {
				continue
			}
			if first {
				p.heading(150, "paper.list."+string(kind))
				first = false
			}
			p.signature(i+1, s)
		}
	}
	if shownUp > maxSignatures {
		p.more(shownUp - maxSignatures)
	}
}

// signature is one entry: who and whether on top, the rest in rows.
func (p *printer) signature(n int, s *verifier.Signature) {
	p.space(6)
	p.room(110)
	p.banner(n, s)
	p.row("field", report.Visible(s.Field))
	p.row("paper.when", p.when(s))
	if !s.ClaimedTime.IsZero() {
		p.row("time.claimed", p.time(s.ClaimedTime)+" "+p.words.Text("paper.unproven"))
	}
	for _, t := range s.Timestamps {
		if s.Kind == verifier.KindSignature {
			p.row("paper.stamp."+t.Kind, p.stamp(t))
		}
	}
	p.row("paper.integrity", p.integrity(s))
	p.row("changes", p.words.Text("changes."+s.Changes.Level))
	p.changes(s.Changes)
	p.certificate(s)
	if m := s.Material; m.Reason != "" || m.Location != "" {
		p.row("paper.reason", join(report.Visible(m.Reason), report.Visible(m.Location)))
	}
	p.row("level", s.Level)
	p.reasons(s)
	p.space(4)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// banner shows number, name and result on a line of colour.
func (p *printer) banner(n int, s *verifier.Signature) {
	look := lookOf(s.Indication)
	pill := style{bold, 8.5, 1.3, white}
	result := p.fitting(pill, 120, report.Visible(p.words.Text("paper.result."+string(s.Indication))))
	pillWidth := p.width(pill, result) + 16
	name := report.Visible(s.Signer.CommonName)
	if s.Signer.SerialNumber == "" {
		name = p.words.Text("signer.unknown")
	} else if name == "" {
		name = report.Visible(s.Signer.Organization)
	}
	names := p.wrap(styleName, contentWidth-pillWidth-50, fmt.Sprintf("%d. %s", n, name))
	var below []string
	if s.Signer.Organization != "" && s.Signer.CommonName != "" {
		below = p.wrap(styleSub, contentWidth-pillWidth-50, report.Visible(s.Signer.Organization))
	}
	height := float64(len(names))*styleName.size*styleName.leading + float64(len(below))*styleSub.size*styleSub.leading + 10
	p.room(height + 40)
	top := p.y
	p.fill(marginLeft, top-height, contentWidth, height, look.tint)
	p.fill(marginLeft, top-height, 3, height, look.ink)
	p.artifact(func() {
		right := pageWidth - marginRight - 8
		p.op("%s sc %s %s %s 15 re f", look.ink, num(right-pillWidth), num(top-height/2-7.5), num(pillWidth))
		p.symbol(look, right-pillWidth-12, top-height/2, 7.5)
	})
	p.y -= 4
	p.begin(tagHeading)
	p.lines(styleName, marginLeft+11, names)
	p.lines(styleSub, marginLeft+11, below)
	p.put(pill, pageWidth-marginRight-8-pillWidth+8, top-height/2-3, result)
	p.end()
	p.y = top - height - 5
}

// when says at which time the signature provably existed, and by whose clock.
func (p *printer) when(s *verifier.Signature) string {
	if by := s.Proof.By; by != nil {
		return p.words.Text("paper.proven", p.time(s.BestTime), p.party(by.Authority))
	}
	return p.words.Text("paper.moment", p.time(s.BestTime))
}

func (p *printer) stamp(t *verifier.Timestamp) string {
	if t.Time.IsZero() {
		return p.words.Text("result." + string(t.Indication))
	}
	text := p.time(t.Time) + ", " + p.party(t.Authority) + ": " + p.words.Text("result."+string(t.Indication))
	if t.Sub != "" {
		text += ". " + p.words.SubIndication(t.Sub)
	}
	return text
}

func (p *printer) party(c verifier.Party) string {
	name := c.CommonName
	if name == "" {
		name = c.Organization
	}
	if name == "" {
		return p.words.Text("signer.unknown")
	}
	return report.Visible(name)
}

func (p *printer) integrity(s *verifier.Signature) string {
	key := "paper.broken"
	if s.Intact {
		key = "paper.intact"
	}
	text := p.words.Text(key)
	if s.Coverage == "entire-revision" {
		return text + " " + p.words.Text("paper.covers."+s.Coverage, s.Revision)
	}
	return text + " " + p.words.Text("paper.covers."+s.Coverage)
}

// changes lists what a reader may see changed; archive data is left out.
func (p *printer) changes(c verifier.Changes) {
	n, total := 0, 0
	for _, item := range c.Items {
		if item.Level == "LTA" {
			continue
		}
		if total++; total > maxChanges {
			continue
		}
		n++
		p.row("paper.none", fmt.Sprintf("• "+p.words.Text("paper.change"), item.Revision, report.Visible(item.Path), report.Visible(item.Rule)))
	}
	if total > n {
		p.row("paper.none", p.words.Text("paper.more", total-n))
	}
}

// certificate says whose it is, and whether it was good when it counted.
func (p *printer) certificate(s *verifier.Signature) {
	if s.Signer.SerialNumber == "" {
		return
	}
	p.row("paper.certificate", p.words.Text("paper.issued", report.Visible(s.Signer.Issuer), report.Visible(s.Signer.SerialNumber)))
	if len(s.Path) == 0 {
		return
	}
	leaf := s.Path[0]
	validity := "paper.valid"
	switch {
	case s.BestTime.Before(leaf.NotBefore):
		validity = "paper.early"
	case s.BestTime.After(leaf.NotAfter):
		validity = "paper.expired"
	}
	p.row("paper.validity", p.words.Text(validity, p.date(leaf.NotBefore), p.date(leaf.NotAfter)))
	if leaf.Status.State != "" {
		p.row("paper.status", p.words.Status(leaf.Status, s.BestTime, p.time))
	}
	switch last := s.Path[len(s.Path)-1]; {
	case last.Anchor:
		p.row("paper.trust", p.party(last.Party))
	case leaf.Status.State == "":
		p.row("paper.status", p.words.Text("paper.unexamined"))
	default:
		p.row("paper.trust", p.words.Text("paper.untrusted"))
	}
}

func (p *printer) date(t time.Time) string {
	t = t.In(p.o.Zone)
	return fmt.Sprintf("%d %s %d", t.Day(), p.words.Text(fmt.Sprintf("month.%d", t.Month())), t.Year())
}

// reasons are those of the result, and the warnings.
func (p *printer) reasons(s *verifier.Signature) {
	if s.Sub != "" {
		p.row("why", p.words.SubIndication(verifier.SubIndication(report.Visible(string(s.Sub)))))
	}
	for _, list := range []struct {
		key     string
		reasons []verifier.Reason
	}{{"paper.detail", s.Reasons}, {"note", s.Warnings}} {
		for i, r := range list.reasons {
			if i == maxReasons {
				p.row(list.key, p.words.Text("paper.more", len(list.reasons)-i))
				break
			}
			p.row(list.key, p.words.Reason(shown(r)))
		}
	}
}
