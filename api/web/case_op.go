package web

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// Who reads complaints, and who works on them.
var (
	caseReaders = []gateway.Role{gateway.RoleInvestigator, gateway.RoleSupervisor, gateway.RoleAuditor}
	caseActors  = []gateway.Role{gateway.RoleInvestigator, gateway.RoleSupervisor}
)

// caseRoutes are the addresses of complaints in the console.
func caseRoutes() []opRoute {
	return []opRoute{
		{Route{http.MethodGet, "/op/cases", false}, (*visit).caseList},
		{Route{http.MethodPost, "/op/cases", true}, (*visit).caseIntake},
		{Route{http.MethodGet, "/op/cases/:name", false}, (*visit).casePage},
		{Route{http.MethodPost, "/op/cases/:name", true}, (*visit).caseAct},
		{Route{http.MethodGet, "/op/cases/:name/file", false}, (*visit).caseDownload},
		{Route{http.MethodGet, "/op/cases/:name/zip", false}, (*visit).caseZip},
		{Route{http.MethodGet, "/op/supervision", false}, (*visit).supervisionPage},
		{Route{http.MethodPost, "/op/supervision", false}, (*visit).supervision},
	}
}

// caseListView is the list of cases.
type caseListView struct {
	Cases         []caseLine
	States, Kinds []option
	All           bool   // closed ones too
	Next          string // path; "" for none
	Acts          bool   // the reader may open one
	Reports       bool   // the reader may ask for the report on supervision
}

type caseLine struct {
	Path, Number, Kind, State string
	Opened                    text
	Due, DueState             string
}

const casePageSize = 50

// caseStaff is who asks for a page about cases, where there are cases.
func (v *visit) caseStaff(roles ...gateway.Role) (gateway.Caller, error) {
	c, err := v.staff(roles...)
	if err == nil && v.cfg.Cases == nil {
		err = errNotFound
	}
	return c, err
}

// casePosted is the same for a form, which the caller closes.
func (v *visit) casePosted(roles ...gateway.Role) (gateway.Caller, *posting, error) {
	c, err := v.caseStaff(roles...)
	if err != nil {
		return c, nil, err
	}
	p, err := v.posted(c)
	return c, p, err
}

func (v *visit) caseList(string) error {
	c, err := v.caseStaff(caseReaders...)
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	q := gateway.CaseQuery{
		State: dispute.State(query.Get("state")), Kind: dispute.Kind(query.Get("kind")), Page: gateway.Page{Limit: casePageSize + 1, After: query.Get("after")},
	}
	q.Open = q.State == "" && query.Get("all") == ""
	found, err := v.cfg.Cases.Cases(v.r.Context(), c, q)
	if err != nil {
		return err
	}
	view := caseListView{All: query.Get("all") != "", Kinds: v.kindOptions(string(q.Kind)), Acts: v.isOneOf(caseActors...), Reports: v.isOneOf(supervisionRoles...)}
	for _, s := range dispute.States {
		view.States = append(view.States, option{string(s), v.look.cases.Text("state." + string(s)), s == q.State})
	}
	if len(found) > casePageSize { // what is beyond the page tells that there is more
		found = found[:casePageSize]
		query.Set("after", found[casePageSize-1].ID)
		view.Next = "/op/cases?" + query.Encode()
	}
	view.Cases = v.caseLines(found)
	return v.showOp(http.StatusOK, "case-list", v.look.words.Text("case.list.title"), view)
}

// caseLines makes cases fit for a table.
func (v *visit) caseLines(found []gateway.CaseSummary) (all []caseLine) {
	if v.cfg.Cases == nil {
		return nil
	}
	rules, now := v.cfg.Cases.CaseRules(), v.cfg.clock()
	for _, x := range found {
		line := caseLine{
			Path: v.to("/op/cases/" + x.ID), Number: x.Number, Kind: v.look.cases.Text("kind." + string(x.Kind)),
			State: v.look.cases.Text("state." + string(x.State)), Opened: cut(v.look.words, stamp(x.OpenedAt)), Due: v.dueDay(x.Due), DueState: "unsigned",
		}
		if !x.Due.IsZero() {
			line.DueState = urgencyStates[dispute.Deadline{Due: x.Due}.At(now, rules)]
		}
		all = append(all, line)
	}
	return all
}

// caseIntake files a complaint that somebody brought to the counter. What keeps it
// from being taken is said beside what was written, as citizens are told it.
func (v *visit) caseIntake(string) error {
	c, err := v.caseStaff(caseActors...)
	if err != nil {
		return err
	}
	p := newPosting()
	defer p.Close()
	if err = v.postedInto(p, c); err == nil {
		err = p.findDocumentID()
	}
	var receipt *gateway.CaseReceipt
	if err == nil {
		receipt, err = v.fileComplaint(p, c)
	}
	var e *gateway.Error
	if errors.As(err, &e) && e.Code == gateway.CodeForbidden {
		return err
	}
	if err != nil {
		status, text := v.refusal(p, err)
		if shown := v.caseIntakeForm(status, p.values, text); shown != nil {
			return shown
		}
		return answered{err}
	}
	return v.showOp(http.StatusOK, "case-op-receipt", v.look.words.Text("case.receipt.title"), receiptView{
		Number: receipt.Number, Code: "/pengaduan/" + receipt.Code, Path: v.to("/op/cases/" + receipt.ID), Due: v.dueDay(receipt.Due), Unknown: receipt.Unknown,
	})
}

func (v *visit) caseIntakeForm(status int, values map[string]string, fault string) error {
	return v.showOp(status, "case-new", v.look.words.Text("case.new"), complaintView{
		Action: v.to("/op/cases"), Staff: true, Values: values, Fault: fault, Kinds: v.kindOptions(values["kind"]), Zone: zoneName(v.zone),
		Retention: v.cfg.Cases.CaseRules().Retention,
	})
}

// caseView is a case on the page of an investigator.
type caseView struct {
	Path, Number, Kind, State string
	Zip                       string // path of the case file
	Version                   int64
	Steps                     []stepView
	Deadlines                 []codedDeadline
	Opened, Loss, Erased      text // Erased: empty when nothing was
	LossLate                  bool
	Until                     string // the day on which words and files are erased; "" when it is none, or past
	Text, Answer              []string
	Name, Contact, NIK        string
	Shown                     bool // name and contact are not masked
	Document, DocumentPath    string

	Conclusion *statementView
	Statements []statementView
	Legend     []option // what the standings mean
	Examined   text
	Operations []option // path and identifier
	Earlier    []earlierView

	Files  []caseFileLine
	Events []caseEventLine
	Held   bool

	Moves, Outcomes, Letters []option
	Acts, Supervises, Closed bool
	Approves                 bool // the reader closes what another person proposes
	Closing                  *closingView
	Recused                  []gateway.CaseMember
	Readmits                 bool // the reader may let them take part again
	Outcome, ClosedBy        string
	Fault, Done              string
}

type closingView struct {
	Outcome, By string
	Reason      []string
	At          text
	Own         bool // the reader's own proposal
}

// earlierView is a set of findings that others have taken the place of.
type earlierView struct {
	At         text
	Conclusion statementView
	Statements []statementView
}

type statementView struct {
	Text            text
	Standing, State string
	Evidence        []option // kind word and reference
}

type caseFileLine struct {
	Path, Name, Kind, SHA256 string
	Size                     int64
	At                       text
	Erased                   bool
}

type caseEventLine struct {
	At       text
	By, Line string
	Text     []string
}

func (v *visit) casePage(id string) error {
	c, err := v.caseStaff(caseReaders...)
	if err != nil {
		return err
	}
	if id == "new" {
		if !v.isOneOf(caseActors...) {
			return v.cfg.Staff.Deny(v.r.Context(), c, v.act, "role")
		}
		return v.caseIntakeForm(http.StatusOK, map[string]string{}, "")
	}
	done := ""
	if v.r.URL.Query().Get("done") != "" {
		done = v.look.words.Text("case.done")
	}
	return v.showCase(c, id, nil, done, nil)
}

// showCase shows a case, with what went wrong and with a contact that was asked
// for.
func (v *visit) showCase(c gateway.Caller, id string, fault error, done string, contact *gateway.Complaint) error {
	found, err := v.cfg.Cases.Case(v.r.Context(), c, id)
	if err != nil {
		return err
	}
	view := v.caseView(found, c)
	view.Done = done
	status := http.StatusOK
	if fault != nil {
		view.Fault, status = v.look.words.Text(caseFault(fault)), http.StatusUnprocessableEntity
	}
	if contact != nil {
		view.Shown, view.Name, view.Contact, view.NIK = true, report.Visible(contact.Name), report.Visible(contact.Contact), contact.NIK
	}
	return v.showOp(status, "case-page", view.Number, view)
}

// caseFault is the word for why something was not done; "" when it is not the
// reader's to mend.
func caseFault(err error) string {
	for _, f := range []struct {
		is   error
		word string
	}{
		{dispute.ErrNoFindings, "case.fault.findings"}, {dispute.ErrNotAsked, "case.fault.asked"}, {dispute.ErrNoReason, "case.fault.reason"},
		{gateway.ErrNoText, "case.fault.text"}, {gateway.ErrLongText, "case.fault.length"}, {gateway.ErrLetterNumber, "case.fault.number"},
		{gateway.ErrNoRecipients, "case.fault.recipients"}, {gateway.ErrNoMember, "case.fault.member"}, {errNoFile, "case.fault.nothing"},
		{dispute.ErrSamePerson, "case.fault.same"}, {dispute.ErrNoSuchMove, "case.fault.move"}, {dispute.ErrNoClosing, "case.fault.move"},
	} {
		if errors.Is(err, f.is) {
			return f.word
		}
	}
	var e *gateway.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case gateway.CodeInvalid:
		return "case.fault.act"
	case gateway.CodeChanged:
		return "case.fault.changed"
	case gateway.CodePassphrase:
		return "case.fault.code"
	case gateway.CodeTooLarge:
		return "case.fault.large"
	case gateway.CodeInProgress:
		return "case.fault.wait"
	}
	return ""
}

var errNoFile = errors.New("web: no file")

// caseRoles are who may do an act on a case; others of the roles that read cases
// are refused before it is looked at.
func caseRoles(act string) []gateway.Role {
	switch act {
	case "recuse":
		return caseReaders
	case "readmit":
		return []gateway.Role{gateway.RoleAuditor}
	case "close": // of which complaints, the gateway says
		return []gateway.Role{gateway.RoleSupervisor, gateway.RoleAuditor}
	case "release":
		return []gateway.Role{gateway.RoleSupervisor}
	}
	return caseActors
}

// caseAct does what a form of the page of a case asks for.
func (v *visit) caseAct(id string) error {
	c, p, err := v.casePosted(caseReaders...)
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := v.caseStaff(caseRoles(p.value("act"))...); err != nil {
		return err
	}
	if p.value("act") == "contact" {
		contact, err := v.cfg.Cases.CaseContact(v.r.Context(), c, id)
		if err != nil {
			return err
		}
		return v.showCase(c, id, nil, "", contact)
	}
	version, err := strconv.ParseInt(p.value("version"), 10, 64)
	if err != nil {
		return invalid(err)
	}
	err = v.doCase(c, gateway.CaseRef{ID: id, Version: version}, p)
	if err != nil && caseFault(err) != "" {
		return v.showCase(c, id, err, "", nil)
	}
	if err != nil {
		return err
	}
	return v.redirect("/op/cases/" + url.PathEscape(id) + "?done=1")
}

// doCase is one act.
func (v *visit) doCase(c gateway.Caller, ref gateway.CaseRef, p *posting) error {
	ctx, cases := v.r.Context(), v.cfg.Cases
	switch p.value("act") {
	case "examine":
		done, err := v.cfg.Turn(ctx)
		if err != nil {
			return err
		}
		defer done()
		_, err = cases.ExamineCase(ctx, c, ref)
		return err
	case "move":
		return cases.MoveCase(ctx, c, ref, dispute.State(p.value("to")), p.value("reason"))
	case "note":
		return cases.NoteCase(ctx, c, ref, p.value("text"))
	case "attach":
		if p.file == nil || p.file.Gateway().Size == 0 {
			return invalid(errNoFile)
		}
		return cases.AttachToCase(ctx, c, ref, gateway.CaseFileKind(p.value("as")), gateway.CaseUpload{Upload: p.file.Gateway(), Name: p.fileName})
	case "letter":
		return cases.WriteCaseLetter(ctx, c, ref, gateway.CaseLetter{Kind: dispute.LetterKind(p.value("letter")), Number: p.value("number"), Words: p.value("text")})
	case "propose":
		return cases.ProposeClosing(ctx, c, ref, dispute.Outcome(p.value("outcome")), p.value("reason"))
	case "close":
		return cases.CloseCase(ctx, c, ref, p.value("code"))
	case "release":
		return cases.ReleaseCaseHold(ctx, c, ref, p.value("reason"), p.value("code"))
	case "recuse":
		return cases.Recuse(ctx, c, ref, p.value("who"), p.value("reason"))
	case "readmit":
		return cases.Readmit(ctx, c, ref, gateway.Readmission{Username: p.value("who"), Reason: p.value("reason"), Code: p.value("code")})
	}
	return invalid(errors.New("unknown act"))
}

// caseView makes a case fit for its page.
func (v *visit) caseView(x *gateway.CaseView, c gateway.Caller) caseView {
	in, w := v.look.cases, v.look.words
	view := caseView{
		Path: v.to("/op/cases/" + x.ID), Zip: v.to("/op/cases/" + x.ID + "/zip"), Number: x.Case.Number, Kind: in.Text("kind." + string(x.Kind)), State: in.Text("state." + string(x.State)), Version: x.Version,
		Steps: v.steps(x.Case), Deadlines: v.deadlines(x.Case), Opened: cut(w, stamp(x.OpenedAt)), Text: paragraphs(x.Text), Answer: paragraphs(x.Answer),
		Name: report.Visible(x.Name), Contact: report.Visible(x.Contact), NIK: x.NIK, Document: report.Visible(x.Document), Held: x.Held,
		Acts: v.isOneOf(caseActors...) && x.State != dispute.Closed, Supervises: v.isOneOf(gateway.RoleSupervisor), Closed: x.State == dispute.Closed,
		Approves: x.MayClose(c) && x.State != dispute.Closed, Readmits: v.isOneOf(gateway.RoleAuditor),
		ClosedBy: report.Visible(x.ClosedBy),
	}
	if !x.ErasedAt.IsZero() {
		view.Erased = cut(w, w.Text("case.erased", stamp(x.ErasedAt)))
	}
	if x.Document != "" {
		view.DocumentPath = v.to("/d/" + x.Document)
	}
	if !x.Case.LossAt.IsZero() {
		view.Loss, view.LossLate = cut(w, stamp(x.Case.LossAt)), !x.Case.LossInTime(v.cfg.Cases.CaseRules())
	}
	v.caseFindings(&view, x.Findings)
	for _, f := range x.Earlier {
		earlier := earlierView{At: cut(w, stamp(f.At)), Conclusion: v.statement(f.Conclusion)}
		for _, s := range f.Statements {
			earlier.Statements = append(earlier.Statements, v.statement(s))
		}
		view.Earlier = append(view.Earlier, earlier)
	}
	for _, m := range x.Recused {
		view.Recused = append(view.Recused, gateway.CaseMember{ID: m.ID, Username: report.Visible(m.Username), Name: report.Visible(m.Name)})
	}
	for _, f := range x.Files {
		view.Files = append(view.Files, caseFileLine{
			Path: v.to("/op/cases/" + x.ID + "/file?id=" + f.ID), Name: report.Visible(f.Name), Kind: w.Text(caseFileWords[f.Kind]),
			SHA256: hexSum(f.SHA256), Size: f.Size, At: cut(w, stamp(f.At)), Erased: f.Erased,
		})
	}
	for _, e := range x.Events {
		view.Events = append(view.Events, caseEventLine{At: cut(w, stamp(e.At)), By: report.Visible(e.By), Line: report.Visible(in.Line(e)), Text: paragraphs(e.Text)})
	}
	for _, s := range x.State.Next() {
		if s != dispute.Closed && x.State != dispute.Received {
			view.Moves = append(view.Moves, option{Value: string(s), Word: in.Text("state." + string(s))})
		}
	}
	for _, o := range dispute.Outcomes {
		if x.State == dispute.Answered || o == dispute.Withdrawn {
			view.Outcomes = append(view.Outcomes, option{Value: string(o), Word: in.Text("outcome." + string(o))})
		}
	}
	for _, l := range []dispute.LetterKind{dispute.LetterAssistance, dispute.LetterIncident} {
		view.Letters = append(view.Letters, option{Value: string(l), Word: in.Text("letter." + string(l))})
	}
	if k := x.Case.Closing; k != nil {
		view.Closing = &closingView{
			Outcome: in.Text("outcome." + string(k.Outcome)), By: report.Visible(x.ClosingBy), Reason: paragraphs(k.Reason), At: cut(w, stamp(k.At)), Own: k.By == c.Staff,
		}
	}
	if days := v.cfg.Cases.CaseRules().Retention; days > 0 && !x.ClosedAt.IsZero() && x.ErasedAt.IsZero() {
		view.Until = in.Date(x.ClosedAt.AddDate(0, 0, days))
	}
	if view.Closed {
		view.Outcome = in.Text("outcome." + string(x.Case.Outcome))
	}
	return view
}

// caseFileWords are what files are called.
var caseFileWords = map[gateway.CaseFileKind]string{
	gateway.CaseDisputed: "case.file.disputed", gateway.CaseOriginal: "case.file.original",
	gateway.CaseAttachment: "case.file.attachment", gateway.CaseLetterPaper: "case.file.letter",
}

// bearingStates are the classes of statements.
var bearingStates = map[dispute.Bearing]string{dispute.ForGenuine: "passed", dispute.Against: "failed", dispute.Neutral: "unsigned"}

func (v *visit) caseFindings(view *caseView, f *dispute.Findings) {
	if f == nil {
		return
	}
	view.Examined = cut(v.look.words, stamp(f.At))
	conclusion := v.statement(f.Conclusion)
	view.Conclusion = &conclusion
	for _, s := range f.Statements {
		view.Statements = append(view.Statements, v.statement(s))
	}
	for _, s := range []dispute.Standing{dispute.Proven, dispute.Recorded, dispute.OpenEnd} {
		word := "standing." + string(s)
		view.Legend = append(view.Legend, option{Value: v.look.cases.Text(word), Word: v.look.cases.Text(word + ".meaning")})
	}
	for _, id := range f.Operations {
		view.Operations = append(view.Operations, option{Value: v.to("/op/operation/" + id), Word: id})
	}
}

// statement shows times in the zone of the reader's choice.
func (v *visit) statement(s dispute.Statement) statementView {
	in := v.look.cases
	said := s
	said.Args = make([]dispute.Arg, len(s.Args))
	for i, a := range s.Args {
		said.Args[i].Text = longVisible(a.Text)
		if !a.Time.IsZero() {
			said.Args[i].Text = stamp(a.Time)
		}
	}
	view := statementView{
		Text: cut(v.look.words, in.Statement(said)), Standing: in.Text("standing." + string(s.Standing)),
		State: bearingStates[s.Bearing],
	}
	if s.Standing == dispute.OpenEnd {
		view.State = "open"
	}
	for _, x := range s.Evidence {
		view.Evidence = append(view.Evidence, option{Value: report.Visible(x.Ref), Word: in.Text("exhibit." + string(x.Kind))})
	}
	return view
}

// caseDownload sends a file of a case.
func (v *visit) caseDownload(id string) error {
	c, err := v.caseStaff(caseReaders...)
	if err != nil {
		return err
	}
	name, data, err := v.cfg.Cases.CaseDownload(v.r.Context(), c, id, v.r.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	return v.sendFile("application/octet-stream", attachmentName(name), data)
}

// caseZip sends the case file.
func (v *visit) caseZip(id string) error {
	c, err := v.caseStaff(caseReaders...)
	if err != nil {
		return err
	}
	done, err := v.cfg.Turn(v.r.Context()) // it is read and sealed as a whole
	if err != nil {
		return err
	}
	defer done()
	name, data, err := v.cfg.Cases.CaseFile(v.r.Context(), c, id)
	if err != nil {
		return err
	}
	return v.sendFile("application/zip", attachmentName(name), data)
}

// attachmentName is a file name that can stand in a header.
func attachmentName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	return s[max(0, len(s)-100):]
}

// clock is the present by which deadlines are shown.
func (c *Config) clock() time.Time {
	if c.Clock != nil {
		return c.Clock()
	}
	return time.Now()
}

// isOneOf tells whether who has signed in has one of the roles, for what a page
// offers; what it leads to asks again.
func (v *visit) isOneOf(roles ...gateway.Role) bool {
	return v.session != nil && slices.Contains(roles, v.session.Caller.Application.Role)
}

// sendFile sends a file that is in memory to be saved, and kept by no cache.
func (v *visit) sendFile(kind, name string, data []byte) error {
	v.w.Header().Set("Cache-Control", "no-store")
	return v.attach(kind, name, int64(len(data)), bytes.NewReader(data))
}
