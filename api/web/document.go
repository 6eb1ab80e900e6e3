package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// documentView is a registered document on a page.
type documentView struct {
	ID           string
	State        string // registered, open, failed or unsigned
	Word         string
	Meaning      string
	Since        text // of the status
	Reason       string
	ReplacedBy   string // its id
	Confidential bool

	Nomor, Perihal, Tanggal string
	Pages                   int
	Signings                []signingView
	Latest                  string // SHA-256; "" without a version
	Comparison              *comparisonView
}

type signingView struct {
	Kind, Name, Office, Issuer, Level string
	At                                text
	Revoked                           text // empty: it is not
}

// comparisonView is how an uploaded file stands to the document.
type comparisonView struct {
	State, Word, Meaning string
	// Registered is how many of the file's first bytes are the registered
	// document, or an earlier version of it; 0: none, or it is confidential.
	Registered int64
}

// statusStates are the classes of the states of a document. None has the green
// of a verdict: a QR code says nothing of the paper that it is printed on.
var statusStates = map[gateway.DocumentStatus]string{
	gateway.DocumentValid: "registered", gateway.DocumentReplaced: "open", gateway.DocumentWithdrawn: "failed", gateway.DocumentReserved: "unsigned",
}

// maxID is longer than any id.
const maxID = 64

// document shows what the QR code on a letter leads to, and with an upload also
// how that file stands to it.
func (v *visit) document(id string, post bool) error {
	v.w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	if len(id) > maxID {
		return errNotFound
	}
	d, err := v.cfg.Gateway.PublicDocument(v.r.Context(), id)
	if err != nil {
		return err
	}
	content := page{Document: v.documentView(d), Title: v.look.words.Text("web.document.title")}
	if post {
		if err := v.compare(&content, d); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "document", content)
}

func (v *visit) documentView(d *gateway.PublicDocument) *documentView {
	w, status := v.look.words, string(d.Status)
	state, known := statusStates[d.Status]
	if !known {
		state = "open"
	}
	view := &documentView{
		ID: d.PublicID, State: state, Word: w.Text("web.status." + status), Meaning: w.Text("web.status." + status + ".meaning"),
		Confidential: d.Confidential, Nomor: report.Visible(d.Nomor), Perihal: report.Visible(d.Perihal), Tanggal: v.date(d.Tanggal),
		Pages: d.Pages, ReplacedBy: d.ReplacedBy, Reason: report.Visible(d.Reason),
	}
	if !d.ChangedAt.IsZero() && d.Status != gateway.DocumentValid && d.Status != gateway.DocumentReserved {
		view.Since = cut(w, stamp(d.ChangedAt))
	}
	for i, s := range d.Signings {
		if i == maxSignatures {
			break
		}
		x := signingView{
			Kind: w.Text("kind.signature"), Name: report.Visible(s.Name), Office: report.Visible(s.Office), Issuer: report.Visible(s.Issuer),
			Level: report.Visible(s.Level), At: cut(w, stamp(s.At)),
		}
		if x.Name == "" {
			x.Name = w.Text("signer.unknown")
		}
		if s.Seal {
			x.Kind = w.Text("web.sealed-by")
		}
		if !s.RevokedAt.IsZero() {
			said := w.Text("web.revoked-since", stamp(s.RevokedAt))
			if s.At.Before(s.RevokedAt) {
				said += " " + w.Text("web.made-before")
			}
			x.Revoked = cut(w, said)
		}
		view.Signings = append(view.Signings, x)
	}
	return view
}

// date writes a date as letters have it; one that cannot be read as it is.
func (v *visit) date(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return report.Visible(day)
	}
	return momentOf(v.look.words, t, true).Zones[0].Text
}

// compare receives a file, judges it, and holds it against the document: a
// genuine letter is a forgery where another one is registered (S28).
func (v *visit) compare(content *page, d *gateway.PublicDocument) error {
	f, err := v.judge()
	if err != nil {
		return err
	}
	defer f.Close()
	// What has become of this document stands above.
	f.retired = slices.DeleteFunc(f.retired, func(x gateway.Retired) bool { return x.ID == d.PublicID })
	match, err := v.cfg.Gateway.Compare(v.r.Context(), d.PublicID, f.file.Gateway())
	if err != nil {
		return err
	}
	content.Result = v.result(f)
	w := v.look.words
	outcome, state := outcomeOf(match, d, f.report)
	if state == "passed" && d.Status != gateway.DocumentValid {
		state = "open" // it is the document, and that is in force no more
	}
	content.Document.Comparison = &comparisonView{
		State: state, Word: w.Text("web.match." + outcome), Meaning: w.Text("web.match." + outcome + ".meaning"),
		Registered: registeredPart(match, d, f.file.Gateway().Size),
	}
	content.Title = content.Document.Comparison.Word
	return nil
}

// registeredPart is how much of a file of some size is the registered document
// byte for byte. That may be drawn for whoever compares a paper with it: the
// gateway keeps no document that it could show, and the file's owner has it
// already.
func registeredPart(match gateway.Match, d *gateway.PublicDocument, size int64) int64 {
	switch n := len(d.Versions); {
	case d.Confidential:
		return 0
	case match == gateway.MatchLatest, match == gateway.MatchEarlier:
		return size
	case match == gateway.MatchExtended && n > 0 && d.Versions[n-1].Size < size:
		return d.Versions[n-1].Size
	}
	return 0
}

// outcomePadded is the word for a match with what is behind it and no signature:
// data of validation, or an empty line.
const outcomePadded = "padded"

// outcomeOf is the word for a match with a document and its class. What extends
// the registered document may be signatures and evidence, and those must hold; so
// must those of the document itself: that it is registered does not make it
// authentic.
func outcomeOf(match gateway.Match, d *gateway.PublicDocument, r *verifier.Report) (outcome, state string) {
	switch match {
	case gateway.MatchLatest:
		switch r.Verdict {
		case verifier.TotalPassed:
			return string(match), "passed"
		case verifier.VerdictUndetermined:
			return string(match), "open"
		}
		return "invalid", "failed"
	case gateway.MatchEarlier:
		return string(match), "open"
	case gateway.MatchExtended:
	default:
		return string(gateway.MatchNone), "failed"
	}
	for _, s := range r.Signatures {
		if s.Changes.Level == "ANNOTATION" || s.Changes.Level == "OTHER" {
			return "altered", "failed"
		}
	}
	if outcome = string(match); !signedBehind(d, r) {
		outcome = outcomePadded
		if len(r.Signatures) > 0 && r.Verdict == verifier.TotalPassed && filledBehind(r) {
			return outcome, "open"
		}
	}
	switch r.Verdict {
	case verifier.TotalPassed:
		return outcome, "passed"
	case verifier.VerdictUndetermined:
		return outcome, "open"
	}
	return "altered", "failed"
}

// filledBehind tells whether something was filled in behind the last signature, as
// a policy may allow: nobody has signed that.
func filledBehind(r *verifier.Report) bool {
	last := slices.MaxFunc(r.Signatures, func(a, b *verifier.Signature) int { return cmp.Compare(a.End, b.End) })
	return last.Changes.Level == "FORM"
}

// signedBehind tells whether a file has a signature or timestamp over more than
// the last registered version of a document.
func signedBehind(d *gateway.PublicDocument, r *verifier.Report) bool {
	n := len(d.Versions)
	return slices.ContainsFunc(r.Signatures, func(s *verifier.Signature) bool { return n == 0 || s.End > d.Versions[n-1].Size })
}
