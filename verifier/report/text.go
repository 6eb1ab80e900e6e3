package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier"
)

// Simple writes what somebody who received the document needs to know: the
// verdict, and of each signature who, when, whether the document is still what
// was signed, and if not valid, why. Registrations are what has become of the
// documents that the file is. Times are shown in zone; nil is UTC. The error is
// that of w, or about an unknown language.
func Simple(w io.Writer, r *verifier.Report, l Language, zone *time.Location, registrations ...Registration) error {
	t, err := newText(r, l, zone)
	if err != nil {
		return err
	}
	t.head("title.simple")
	for _, d := range registrations {
		heading, sentence := t.m.Registration(d, t.time)
		fmt.Fprintf(&t.b, "\n%s\n%s\n", heading, sentence)
		t.line(0, "registration.page", d.Address)
	}
	for i, s := range r.Signatures {
		if s.Kind == verifier.KindSignature || !hasSignature(r) {
			t.signature(i+1, s)
		}
	}
	_, err = w.Write(t.b.Bytes())
	return err
}

// Detailed writes everything that was checked: all signatures and timestamps
// with their building blocks and constraints, and every later change. See
// [Simple] for zone and errors.
func Detailed(w io.Writer, r *verifier.Report, l Language, zone *time.Location) error {
	t, err := newText(r, l, zone)
	if err != nil {
		return err
	}
	t.head("title.detailed")
	t.line(0, "policy", r.Policy)
	t.line(0, "catalogue", r.Catalogue)
	for i, s := range r.Signatures {
		t.signature(i+1, s)
		for _, c := range s.Changes.Items {
			fmt.Fprintf(&t.b, "    * %d: %s, %s: %s (%s)\n", c.Revision, Visible(c.Object), Visible(c.Path), Visible(c.Rule), Visible(c.Level))
		}
		t.path(s.Path, s.BestTime)
		t.block(s.Process, 2)
		for _, stamp := range s.Timestamps {
			if s.Kind == verifier.KindSignature {
				fmt.Fprintf(&t.b, "    %s %s: %s, %s\n", Visible(t.m.Text("kind."+stamp.Kind)), t.time(stamp.Time), Visible(stamp.Conclusion.String()), Visible(stamp.Authority.CommonName))
				t.block(stamp.Process, 3)
			}
		}
	}
	for _, n := range r.Warnings {
		t.line(0, "note", t.m.Full(n))
	}
	_, err = w.Write(t.b.Bytes())
	return err
}

func hasSignature(r *verifier.Report) bool {
	for _, s := range r.Signatures {
		if s.Kind == verifier.KindSignature {
			return true
		}
	}
	return false
}

// text is a report being written.
type text struct {
	b    bytes.Buffer
	r    *verifier.Report
	m    Words
	zone *time.Location
}

func newText(r *verifier.Report, l Language, zone *time.Location) (*text, error) {
	m, err := WordsIn(l)
	if zone == nil {
		zone = time.UTC
	}
	return &text{r: r, m: m, zone: zone}, err
}

func (t *text) time(at time.Time) string {
	return at.In(t.zone).Format("2006-01-02 15:04:05 -07:00")
}

// line writes "label: value" with the label's message. A value may be made of
// several texts.
func (t *text) line(indent int, key, value string) {
	fmt.Fprintf(&t.b, "%s%s: %s\n", strings.Repeat("  ", indent), t.m.Text(key), visible(value, 10*maxText))
}

func (t *text) head(title string) {
	_, told := Told(t.r)
	fmt.Fprintf(&t.b, "%s\n\n%s\n\n", t.m.Text(title), t.m.Text("verdict."+told))
	t.line(0, "file", t.r.File)
	if sum := t.r.Digest(); sum != "" {
		t.line(0, "sha256", sum)
	}
	t.line(0, "moment", t.time(t.r.At))
	for _, why := range t.r.Reasons {
		t.line(0, "why", t.m.Reason(why))
	}
}

func (t *text) signature(n int, s *verifier.Signature) {
	fmt.Fprintf(&t.b, "\n%d. %s %s: %s\n", n, t.m.Text("kind."+string(s.Kind)), Visible(s.Field), t.m.Text("result."+string(s.Indication)))
	t.line(1, "signer", t.party(s.Signer))
	t.line(1, "time.proved", t.time(s.BestTime))
	if !s.ClaimedTime.IsZero() {
		t.line(1, "time.claimed", t.time(s.ClaimedTime))
	}
	t.line(1, "level", s.Level)
	coverage := "coverage." + s.Coverage
	if s.Coverage == "entire-revision" {
		t.line(1, "coverage", t.m.Text(coverage, s.Revision))
	} else {
		t.line(1, "coverage", t.m.Text(coverage))
	}
	t.line(1, "changes", t.m.Text("changes."+s.Changes.Level))
	if s.Sub != "" {
		t.line(1, "why", t.m.SubIndication(s.Sub))
	}
	for _, why := range s.Reasons {
		t.line(2, "why", t.m.Reason(why))
	}
	for _, n := range s.Warnings {
		t.line(1, "note", t.m.Reason(n))
	}
}

func (t *text) party(p verifier.Party) string {
	if p.SerialNumber == "" {
		return t.m.Text("signer.unknown")
	}
	name := p.CommonName
	if p.Organization != "" {
		name += ", " + p.Organization
	}
	return name + "; " + t.m.Text("issuer", p.Issuer, p.SerialNumber)
}

// path writes the certificates from the signer's to the anchor, with what was
// known of each at the time that counts.
func (t *text) path(path []verifier.Certificate, counts time.Time) {
	for _, c := range path {
		line := t.m.Text("path.period", Visible(c.CommonName), Visible(c.SerialNumber), t.time(c.NotBefore), t.time(c.NotAfter))
		if c.Anchor {
			line += "; " + t.m.Text("path.anchor")
		}
		if status := t.m.Status(c.Status, counts, t.time); status != "" {
			line += "; " + status
		}
		t.line(2, "path", line)
	}
}

// block writes a building block and those inside it; the verifier nests them a
// handful deep.
func (t *text) block(b *verifier.Block, indent int) {
	if b == nil {
		return
	}
	pad := strings.Repeat("  ", indent)
	subject := ""
	if b.Subject != "" {
		subject = ", " + Visible(b.Subject)
	}
	fmt.Fprintf(&t.b, "%s%s%s: %s\n", pad, Visible(t.m.Block(b)), subject, Visible(b.Conclusion.String()))
	for _, c := range b.Constraints {
		mark := t.m.Text("check.no")
		if c.OK {
			mark = t.m.Text("check.ok")
		}
		fmt.Fprintf(&t.b, "%s  - %s: %s", pad, Visible(t.m.Constraint(c)), mark)
		if c.Text != "" {
			fmt.Fprintf(&t.b, " (%s)", Visible(c.Text))
		}
		t.b.WriteByte('\n')
	}
	for _, child := range b.Blocks {
		t.block(child, indent+1)
	}
}
