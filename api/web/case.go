package web

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// Cases are complaints, as package gateway has them.
type Cases interface {
	CaseDesk
	CaseActs
	CaseClosing
}

// CaseDesk is where complaints come in and are read.
type CaseDesk interface {
	FileComplaint(ctx context.Context, c gateway.Caller, n gateway.Complaint, file *gateway.CaseUpload) (*gateway.CaseReceipt, error)
	FollowCase(ctx context.Context, address, code string) (*gateway.PublicCase, error)
	Cases(ctx context.Context, c gateway.Caller, q gateway.CaseQuery) ([]gateway.CaseSummary, error)
	Case(ctx context.Context, c gateway.Caller, id string) (*gateway.CaseView, error)
	CaseDownload(ctx context.Context, c gateway.Caller, id, file string) (name string, data []byte, err error)
	CaseFile(ctx context.Context, c gateway.Caller, id string) (name string, data []byte, err error)
	CaseRules() dispute.Rules
}

// CaseActs are what members of staff do with a complaint.
type CaseActs interface {
	CaseContact(ctx context.Context, c gateway.Caller, id string) (*gateway.Complaint, error)
	ExamineCase(ctx context.Context, c gateway.Caller, ref gateway.CaseRef) (*dispute.Findings, error)
	MoveCase(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, to dispute.State, reason string) error
	NoteCase(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, text string) error
	AttachToCase(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, kind gateway.CaseFileKind, file gateway.CaseUpload) error
	WriteCaseLetter(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, l gateway.CaseLetter) error
	SupervisionReport(ctx context.Context, c gateway.Caller, from, to time.Time) ([]byte, error)
}

// CaseClosing is how a complaint ends, and who has no part in it.
type CaseClosing interface {
	ProposeClosing(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, o dispute.Outcome, reason string) error
	// CloseCase and ReleaseCaseHold want another one-time password.
	CloseCase(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, code string) error
	ReleaseCaseHold(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, reason, code string) error
	// Recuse keeps a member of staff out of a complaint, Readmit ends that.
	Recuse(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, username, reason string) error
	Readmit(ctx context.Context, c gateway.Caller, ref gateway.CaseRef, r gateway.Readmission) error
}

// option is one of a choice.
type option struct {
	Value, Word string
	Chosen      bool
}

// complaintView is the form for a complaint.
type complaintView struct {
	Action string // address
	Kinds  []option
	Zone   string // name, of the time of a loss
	Values map[string]string
	Fault  string // word; "" for none
	Staff  bool
	// Retention is the days for which what is written here is kept after the end
	// of the case; 0: for ever.
	Retention int
}

// receiptView is what a complainant gets.
type receiptView struct {
	Number, Code, Path, Due string
	Unknown                 bool // the QR code that was named is nobody's here
}

// followView is what a complainant may know.
type followView struct {
	Number, Kind, State, Outcome string
	Steps                        []stepView
	Opened                       text
	Deadlines                    []deadlineView
	Answer                       []string // paragraphs
	Erased                       bool     // the answer
}

// stepView is a state on the way of a case.
type stepView struct {
	Word          string
	Done, Current bool
}

// deadlineView is a deadline on a page.
type deadlineView struct {
	What, Due, Urgency, State string
}

// kindOptions are the kinds of complaints to choose from.
func (v *visit) kindOptions(chosen string) (all []option) {
	for _, k := range dispute.Kinds {
		all = append(all, option{string(k), v.look.cases.Text("kind." + string(k)), string(k) == chosen})
	}
	return all
}

// complaint is the public form at /pengaduan; see intake for what becomes of one.
func (v *visit) complaint() error {
	if v.cfg.Cases == nil {
		return errNotFound
	}
	form := complaintView{Action: v.to("/pengaduan"), Values: map[string]string{"document": v.r.URL.Query().Get("document")}}
	return v.complaintForm(http.StatusOK, form)
}

func (v *visit) complaintForm(status int, form complaintView) error {
	form.Kinds, form.Zone, form.Retention = v.kindOptions(form.Values["kind"]), zoneName(v.zone), v.cfg.Cases.CaseRules().Retention
	return v.show(status, "case-form", page{Title: v.look.words.Text("case.form.title"), Case: &form})
}

// zoneName is what the zone of a key is called.
func zoneName(key string) string {
	for _, z := range zones {
		if z.Key == key {
			return z.Name
		}
	}
	return zones[0].Name
}

// complaintFault is the word for what is wrong with a form; "" for none that
// whoever filled it in can mend there.
func complaintFault(err error) string {
	var e *gateway.Error
	if errors.As(err, &e) && e.Code == gateway.CodeInvalid {
		return "case.fault.form"
	}
	return ""
}

// fileComplaint files what the form says.
func (v *visit) fileComplaint(p *posting, c gateway.Caller) (*gateway.CaseReceipt, error) {
	n := gateway.Complaint{
		Kind: dispute.Kind(p.value("kind")), Text: p.value("text"), Name: p.value("name"), Contact: p.value("contact"), NIK: p.value("nik"),
		Document: p.value("document-id"),
	}
	if at := p.value("loss"); at != "" {
		const minute, second = "2006-01-02T15:04", "2006-01-02T15:04:05" // browsers may send either
		t, err := time.ParseInLocation(minute, at, zoneNamed(v.zone))
		if err != nil {
			t, err = time.ParseInLocation(second, at, zoneNamed(v.zone))
		}
		if err != nil {
			return nil, invalid(err)
		}
		n.LossAt = t.UTC()
	}
	var file *gateway.CaseUpload
	if p.file != nil && p.file.Gateway().Size > 0 {
		file = &gateway.CaseUpload{Upload: p.file.Gateway(), Name: p.fileName}
	}
	done, err := v.cfg.Turn(v.r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	return v.cfg.Cases.FileComplaint(v.r.Context(), c, n, file)
}

// follow shows a complainant how far the case has come.
func (v *visit) follow(code string) error {
	h := v.w.Header()
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if v.cfg.Cases == nil {
		return errNotFound
	}
	if err := v.cfg.Admit(v.address); err != nil {
		return err
	}
	found, err := v.cfg.Cases.FollowCase(v.r.Context(), v.address, code)
	if err != nil {
		return err
	}
	c, in := found.Case, v.look.cases
	view := &followView{
		Number: c.Number, Kind: in.Text("kind." + string(c.Kind)), State: in.Text("state." + string(c.State)), Steps: v.steps(c),
		Opened: cut(v.look.words, stamp(c.OpenedAt)), Answer: paragraphs(found.Answer), Erased: found.Erased,
	}
	if c.State == dispute.Closed {
		view.Outcome = in.Text("outcome." + string(c.Outcome))
	}
	for _, d := range v.deadlines(c) {
		if d.code == dispute.DueExamine || d.code == dispute.DueAnswer || d.code == dispute.DueReply {
			view.Deadlines = append(view.Deadlines, d.deadlineView)
		}
	}
	return v.show(http.StatusOK, "case-follow", page{Title: v.look.words.Text("case.follow.title", c.Number), Case: view})
}

// steps are the states with where the case is.
func (v *visit) steps(c dispute.Case) (all []stepView) {
	passed := true
	for _, s := range dispute.States {
		if s == c.State {
			passed = false
		} else if !came(c, s) && (passed || s == dispute.Escalated) {
			continue // not everybody goes this way
		}
		all = append(all, stepView{Word: v.look.cases.Text("state." + string(s)), Done: passed, Current: s == c.State})
	}
	return all
}

// came tells whether a case was ever in a state that it may have left out: one
// whose complaint was withdrawn goes from anywhere to its end.
func came(c dispute.Case, s dispute.State) bool {
	switch s {
	case dispute.Examined:
		return !c.FindingsAt.IsZero()
	case dispute.Escalated:
		return !c.AssistedAt.IsZero()
	case dispute.Answered:
		return !c.AnsweredAt.IsZero()
	}
	return true
}

type codedDeadline struct {
	deadlineView
	code dispute.DeadlineCode
}

// urgencyStates are the classes of urgencies.
var urgencyStates = map[dispute.Urgency]string{
	dispute.InTime: "passed", dispute.DoneLate: "open", dispute.Waiting: "unsigned", dispute.Soon: "open", dispute.Overdue: "failed",
}

func (v *visit) deadlines(c dispute.Case) (all []codedDeadline) {
	rules, now := v.cfg.Cases.CaseRules(), v.cfg.clock()
	for _, d := range c.Deadlines(rules) {
		u := d.At(now, rules)
		all = append(all, codedDeadline{deadlineView{
			What: v.look.cases.Text("due." + string(d.Code)), Due: v.look.cases.Due(d), Urgency: v.look.cases.Text("urgency." + string(u)), State: urgencyStates[u],
		}, d.Code})
	}
	return all
}

// dueDay is the last day before a moment; "" for none.
func (v *visit) dueDay(due time.Time) string {
	if due.IsZero() {
		return ""
	}
	return v.look.cases.Due(dispute.Deadline{Due: due})
}

// paragraphs makes a long text of somebody's fit for a page.
func paragraphs(s string) (all []string) {
	for line := range strings.SplitSeq(s, "\n") {
		if line = longVisible(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// longVisible is report.Visible for a text that may be long, of which nothing is
// cut off.
func longVisible(s string) string {
	const piece = 200 // characters, fewer than report.Visible shows
	words := strings.Fields(s)
	for i, w := range words {
		var b strings.Builder
		for part := range slices.Chunk([]rune(w), piece) {
			b.WriteString(report.Visible(string(part)))
		}
		words[i] = b.String()
	}
	return strings.Join(words, " ")
}

func hexSum(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
