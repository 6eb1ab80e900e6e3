package web

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Caps on what a page lists; the printed report has more, the XML all.
const (
	maxSignatures = 100
	maxItems      = 12  // changes, reasons, notes of one signature each
	maxChecks     = 400 // of all signatures together
)

// resultView is a verdict on a page.
type resultView struct {
	State   string // passed, failed, open, unsigned or unreadable: class and symbol
	Word    string
	Meaning string
	Why     string
	At      text

	File       string
	Size       int64
	SHA256     string
	Password   bool  // the file is encrypted and wants another password
	Drawable   bool  // it can be looked at
	Before     int64 // size of the earliest signed revision that was changed visibly since; 0: none
	Counts     string
	Signatures []signatureView
	More       string // how many are not listed
	Notes      []string
	Guide      []string
	Policy     string
	Catalogue  string
	Retired    []retiredView
}

// retiredView is a registered document that the file is, and that was replaced or
// withdrawn.
type retiredView struct {
	State, Word string
	Meaning     text
	ID          string
}

// signatureView is one signature or document timestamp.
type signatureView struct {
	ID     string // anchor on the page
	Kind   string // word
	State  string
	Result string
	Name   string
	Office []string // organisation, unit, title: what the certificate says
	Why    []string

	Rows    []row
	Details []row
	Path    []text
	Checks  []checkView
	Changes []string

	// End is the size of what was signed, Whole that it is the whole file;
	// both zero when it is not known.
	End      int64
	Whole    bool
	Revision int
}

// row is a label with one or several values.
type row struct {
	Label  string
	State  string // yes, no, open, or "" for none
	Values []text
}

// checkView is a line of the list of everything that was checked.
type checkView struct {
	Depth int // at most 6, for the indent
	Block bool
	Text  string
	OK    bool
}

// states are the classes of the five verdicts.
var states = map[verifier.Verdict]string{
	verifier.TotalPassed: "passed", verifier.TotalFailed: "failed", verifier.VerdictUndetermined: "open",
	verifier.NoSignature: "unsigned", verifier.Unreadable: "unreadable",
}

// known makes what is no indication of a whole signature an open one.
func known(i verifier.Indication) verifier.Indication {
	if i == verifier.Passed || i == verifier.Failed {
		return i
	}
	return verifier.Indeterminate
}

// indications are the classes of the results of signatures.
var indications = map[verifier.Indication]string{verifier.Passed: "passed", verifier.Failed: "failed", verifier.Indeterminate: "open"}

// viewer makes views of one report.
type viewer struct {
	words  report.Words
	r      *verifier.Report
	checks int // that may still be listed
}

// result turns a verdict into what a page shows.
func (v *visit) result(j *judged) *resultView {
	w, r := v.look.words, j.report
	x := &viewer{words: w, r: r, checks: maxChecks}
	verdict, told := report.Told(r)
	if states[verdict] == "" {
		verdict, told = verifier.VerdictUndetermined, string(verifier.VerdictUndetermined)
	}
	view := &resultView{
		State: states[verdict], Word: w.Text("paper.verdict." + string(verdict)), Meaning: w.Text("paper.meaning." + told),
		At: cut(w, stamp(r.At)+", "+w.Text("paper.clock")), File: report.Visible(r.File), Size: r.Size, SHA256: hex.EncodeToString(r.SHA256[:]),
		Policy: w.Text("paper.policy", report.Visible(r.Policy)), Catalogue: report.Visible(r.Catalogue),
	}
	view.Retired = v.retired(j.retired)
	if verdict == r.Verdict {
		view.Why = x.why()
	}
	for _, why := range r.Reasons {
		view.Password = view.Password || why.Code == "password"
	}
	details := r.Warnings
	for _, why := range r.Reasons {
		if _, known := w["code."+why.Code]; !known { // the sentence above says less
			details = append([]verifier.Reason{why}, details...)
		}
	}
	view.Notes = x.reasons(details)
	view.Drawable = verdict != verifier.Unreadable
	for _, s := range r.Signatures {
		seen := s.Changes.Level != "NONE" && s.Changes.Level != "LTA"
		if seen && s.End > 0 && s.End < r.Size && (view.Before == 0 || s.End < view.Before) {
			view.Before = s.End
		}
	}
	for i := 1; i <= 4; i++ {
		view.Guide = append(view.Guide, w.Text("paper.guide."+strconv.Itoa(i)))
	}
	counts := map[verifier.Kind]int{}
	for _, kind := range []verifier.Kind{verifier.KindSignature, verifier.KindDocumentTimestamp} {
		for _, s := range r.Signatures {
			if s.Kind != kind {
				continue
			}
			if counts[kind]++; len(view.Signatures) < maxSignatures {
				view.Signatures = append(view.Signatures, x.signature(len(view.Signatures)+1, s))
			}
		}
	}
	view.Counts = w.Text("paper.counts", counts[verifier.KindSignature], counts[verifier.KindDocumentTimestamp])
	if left := len(r.Signatures) - len(view.Signatures); left > 0 {
		view.More = w.Text("paper.more", left)
	}
	return view
}

// retired says of documents that they were replaced or withdrawn.
func (v *visit) retired(list []gateway.Retired) (out []retiredView) {
	for _, d := range list {
		state := statusStates[d.Status]
		heading, sentence := v.look.words.Registration(report.Registration{Status: string(d.Status), Since: d.Since}, stamp)
		out = append(out, retiredView{State: state, Word: heading, Meaning: cut(v.look.words, sentence), ID: d.ID})
	}
	return out
}

// why is the reason in one sentence. Codes are for the technical details, and so
// are the hundreds of rules of PDF syntax, which share one sentence.
func (x *viewer) why() string {
	if len(x.r.Reasons) > 0 {
		return x.sentence(x.r.Reasons[0])
	}
	for _, s := range x.r.Signatures {
		worst := s.Indication == verifier.Failed && x.r.Verdict == verifier.TotalFailed ||
			s.Indication == verifier.Indeterminate && x.r.Verdict == verifier.VerdictUndetermined
		if worst && s.Sub != "" {
			return x.words.Text("sub." + report.Visible(string(s.Sub)))
		}
		if worst && len(s.Reasons) > 0 {
			return x.sentence(s.Reasons[0])
		}
	}
	return ""
}

func (x *viewer) sentence(r verifier.Reason) string {
	if text, known := x.words["code."+r.Code]; known {
		return text
	}
	return x.words.Text("web.syntax")
}

func (x *viewer) reason(r verifier.Reason) string {
	return x.words.Reason(verifier.Reason{Code: report.Visible(r.Code), Text: report.Visible(r.Text)})
}

func (x *viewer) reasons(list []verifier.Reason) (out []string) {
	for i, r := range list {
		if i == maxItems {
			return append(out, x.words.Text("paper.more", len(list)-i))
		}
		out = append(out, x.reason(r))
	}
	return out
}

func (x *viewer) signature(n int, s *verifier.Signature) signatureView {
	w := x.words
	view := signatureView{
		ID: "tte-" + strconv.Itoa(n), Kind: w.Text("kind." + string(s.Kind)), State: indications[known(s.Indication)],
		Result: w.Text("paper.result." + string(known(s.Indication))), Name: x.name(s.Signer), Office: offices(s),
		End: s.End, Whole: s.End == x.r.Size, Revision: s.Revision,
	}
	if s.Sub != "" {
		view.Why = append(view.Why, w.Text("sub."+report.Visible(string(s.Sub))))
	}
	for i, r := range s.Reasons {
		if text := w.Text("code." + r.Code); text != "code."+r.Code && !slices.Contains(view.Why, text) && i < 3 {
			view.Why = append(view.Why, text)
		}
	}
	view.Rows = x.rows(s)
	view.Changes = x.changes(s.Changes)
	view.Details = x.details(s)
	for _, c := range s.Path {
		view.Path = append(view.Path, x.certificate(c, s))
	}
	x.walk(&view.Checks, s.Process, 0)
	for _, t := range s.Timestamps {
		if s.Kind == verifier.KindSignature {
			x.walk(&view.Checks, t.Process, 0)
		}
	}
	return view
}

// name is what a party is called.
func (x *viewer) name(p verifier.Party) string {
	switch {
	case p.CommonName != "":
		return report.Visible(p.CommonName)
	case p.Organization != "":
		return report.Visible(p.Organization)
	}
	return x.words.Text("signer.unknown")
}

var oidTitle = asn1.ObjectIdentifier{2, 5, 4, 12}

// offices are the title, the units and the organisation that the signer's
// certificate names, so that a name alone convinces nobody (S27).
func offices(s *verifier.Signature) (out []string) {
	add := func(text string) {
		if text = report.Visible(text); text != "" && !slices.Contains(out, text) && len(out) < 4 {
			out = append(out, text)
		}
	}
	if cert, err := x509.ParseCertificate(s.Certificate); err == nil {
		for _, name := range cert.Subject.Names {
			if title, ok := name.Value.(string); ok && name.Type.Equal(oidTitle) {
				add(title)
			}
		}
		for _, unit := range cert.Subject.OrganizationalUnit {
			add(unit)
		}
	}
	if s.Signer.CommonName != "" {
		add(s.Signer.Organization)
	}
	return out
}

// rows are what a citizen asks: who vouches, when, unchanged?, certificate good
// at that time?, provable for how long?
func (x *viewer) rows(s *verifier.Signature) []row {
	w := x.words
	rows := []row{x.trust(s), x.time(s)}
	integrity := row{Label: w.Text("paper.integrity"), State: "no", Values: []text{x.plain("paper.broken")}}
	if s.Intact {
		integrity.State, integrity.Values[0] = "yes", x.plain("paper.intact")
	}
	switch s.Coverage {
	case "entire-revision":
		integrity.Values = append(integrity.Values, cut(w, w.Text("paper.covers.entire-revision", s.Revision)))
	case "entire-file":
		integrity.Values = append(integrity.Values, x.plain("paper.covers.entire-file"))
	default:
		integrity.Values = append(integrity.Values, x.plain("paper.covers.partial"))
		integrity.State = "no"
	}
	rows = append(rows, integrity)
	changes := row{Label: w.Text("changes"), State: "yes", Values: []text{x.plain("changes." + report.Visible(s.Changes.Level))}}
	switch {
	case s.Changes.Level == "ANNOTATION" || s.Changes.Level == "OTHER":
		changes.State = "no"
	case !s.Intact || s.Changes.Level == "FORM" && s.Indication != verifier.Passed:
		changes.State = "open" // what was added may be what is wrong
	}
	rows = append(rows, changes)
	if len(s.Path) > 0 {
		rows = append(rows, x.validity(s))
	}
	if s.Kind == verifier.KindSignature {
		ltv := row{Label: w.Text("web.ltv"), Values: []text{x.plain("web.ltv.no")}}
		if strings.HasSuffix(s.Level, "-LT") || strings.HasSuffix(s.Level, "-LTA") {
			ltv.State, ltv.Values[0] = "yes", x.plain("web.ltv.yes")
		}
		rows = append(rows, ltv)
	}
	return rows
}

func (x *viewer) plain(key string) text { return text{{Text: x.words.Text(key)}} }

// trust says who issued the certificate, and whether that ends at an authority
// that is trusted here: a foreign one must not look like ours.
func (x *viewer) trust(s *verifier.Signature) row {
	w := x.words
	out := row{Label: w.Text("web.issuer"), State: "open", Values: []text{{{Text: w.Text("signer.unknown")}}}}
	if s.Signer.Issuer != "" {
		out.Values[0] = text{{Text: report.Visible(s.Signer.Issuer)}}
	}
	if len(s.Path) == 0 {
		return out
	}
	switch last := s.Path[len(s.Path)-1]; {
	case last.Anchor:
		out.State = "yes"
		out.Values = append(out.Values, cut(w, w.Text("web.trusted", x.name(last.Party))))
	case s.Path[0].Status.State == "" && s.Indication == verifier.Failed:
		out.Values = append(out.Values, x.plain("paper.unexamined"))
	default:
		out.State = "no"
		out.Values = append(out.Values, x.plain("web.untrusted"))
	}
	return out
}

// time says when, and by whose clock.
func (x *viewer) time(s *verifier.Signature) row {
	w := x.words
	out := row{Label: w.Text("paper.when"), State: "open"}
	if by := s.Proof.By; by != nil {
		out.State = "yes"
		out.Values = append(out.Values, cut(w, w.Text("paper.proven", stamp(s.BestTime), x.name(by.Authority))))
	} else if !s.BestTime.IsZero() {
		out.Values = append(out.Values, cut(w, w.Text("paper.moment", stamp(s.BestTime))))
	}
	if !s.ClaimedTime.IsZero() {
		out.Values = append(out.Values, cut(w, w.Text("time.claimed")+": "+stamp(s.ClaimedTime)+" "+w.Text("paper.unproven")))
	}
	return out
}

// validity says whether the certificate was good when it counted.
func (x *viewer) validity(s *verifier.Signature) row {
	w, leaf := x.words, s.Path[0]
	out := row{Label: w.Text("paper.certificate"), State: "yes"}
	key := "paper.valid"
	switch {
	case s.BestTime.Before(leaf.NotBefore):
		key, out.State = "paper.early", "no"
	case s.BestTime.After(leaf.NotAfter):
		key, out.State = "paper.expired", "no"
	}
	out.Values = append(out.Values, cut(w, w.Text(key, stampDate(leaf.NotBefore), stampDate(leaf.NotAfter))))
	if status := w.Status(leaf.Status, s.BestTime, stamp); status != "" {
		out.Values = append(out.Values, cut(w, status))
	}
	switch leaf.Status.State {
	case "good":
	case "revoked", "on-hold":
		if !leaf.Status.RevokedAt.After(s.BestTime) {
			out.State = "no"
		}
	default:
		if out.State == "yes" {
			out.State = "open"
		}
	}
	return out
}

// changes lists what a reader may see changed; archive data is left out.
func (x *viewer) changes(c verifier.Changes) (out []string) {
	total := 0
	for _, item := range c.Items {
		if item.Level == "LTA" {
			continue
		}
		if total++; total <= maxItems {
			out = append(out, x.words.Text("paper.change", item.Revision, report.Visible(item.Path), report.Visible(item.Rule)))
		}
	}
	if total > maxItems {
		out = append(out, x.words.Text("paper.more", total-maxItems))
	}
	return out
}

// details are for whoever must look closer.
func (x *viewer) details(s *verifier.Signature) (out []row) {
	w := x.words
	add := func(label string, values ...string) {
		r := row{Label: label}
		for _, v := range values {
			if v != "" {
				r.Values = append(r.Values, cut(w, v))
			}
		}
		if len(r.Values) > 0 {
			out = append(out, r)
		}
	}
	m := s.Material
	add(w.Text("field"), report.Visible(s.Field))
	add(w.Text("paper.reason"), report.Visible(m.Reason), report.Visible(m.Location))
	for _, t := range s.Timestamps {
		if s.Kind != verifier.KindSignature {
			continue
		}
		stamped := w.Text("result." + string(known(t.Indication)))
		if !t.Time.IsZero() {
			stamped = stamp(t.Time) + ", " + x.name(t.Authority) + ": " + stamped
		}
		add(w.Text("paper.stamp."+report.Visible(t.Kind)), stamped)
	}
	add(w.Text("level"), report.Visible(s.Level))
	add("SubFilter", report.Visible(s.SubFilter))
	if cert, err := x509.ParseCertificate(s.Certificate); err == nil {
		add(w.Text("web.key"), cert.PublicKeyAlgorithm.String()+", "+cert.SignatureAlgorithm.String())
	}
	if len(s.Certificate) > 0 {
		sum := sha256.Sum256(s.Certificate)
		add(w.Text("web.fingerprint"), hex.EncodeToString(sum[:]))
	}
	add(w.Text("web.serial"), report.Visible(s.Signer.SerialNumber))
	if s.Sub != "" {
		add(w.Text("why"), w.SubIndication(verifier.SubIndication(report.Visible(string(s.Sub)))))
	}
	add(w.Text("paper.detail"), x.reasons(s.Reasons)...)
	add(w.Text("note"), x.reasons(s.Warnings)...)
	return out
}

func (x *viewer) certificate(c verifier.Certificate, s *verifier.Signature) text {
	w := x.words
	line := w.Text("path.period", x.name(c.Party), report.Visible(c.SerialNumber), stampDate(c.NotBefore), stampDate(c.NotAfter))
	if c.Anchor {
		line += "; " + w.Text("path.anchor")
	}
	if status := w.Status(c.Status, s.BestTime, stamp); status != "" {
		line += "; " + status
	}
	return cut(w, line)
}

// walk lists a building block and those inside it; the verifier nests them a
// handful deep.
func (x *viewer) walk(out *[]checkView, b *verifier.Block, depth int) {
	if b == nil || depth > 30 || x.checks <= 0 {
		return
	}
	add := func(c checkView) {
		if x.checks--; x.checks == 0 {
			c = checkView{Text: x.words.Text("paper.cut"), OK: true}
		}
		if x.checks >= 0 {
			*out = append(*out, c)
		}
	}
	head := report.Visible(x.words.Block(b)) + ": " + report.Visible(b.Conclusion.String())
	add(checkView{Depth: min(depth, 6), Block: true, Text: head, OK: b.Indication == verifier.Passed})
	for _, c := range b.Constraints {
		line := report.Visible(x.words.Constraint(c))
		if c.Text != "" {
			line += " (" + report.Visible(c.Text) + ")"
		}
		add(checkView{Depth: min(depth+1, 6), Text: line, OK: c.OK})
	}
	for _, child := range b.Blocks {
		x.walk(out, child, depth+1)
	}
}
