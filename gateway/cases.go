package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
)

// CaseConfig is what complaints need beside the rest.
type CaseConfig struct {
	// Rules are those of the region; the zero value means
	// dispute.DefaultRules.
	Rules dispute.Rules
	// Print writes a paper as PDF, and Bundle the evidence bundle of an
	// operation; nil: there are no letters and case files.
	Print  func(w io.Writer, p dispute.Paper) error
	Bundle func(ctx context.Context, w io.Writer, o *OnRecord) error
	// Seal is the seal of letters and case files; "" leaves them without.
	Seal string
}

// Limits of a case, against a database that strangers fill.
const (
	maxCaseFile  = 32 << 20  // bytes of one file
	maxCaseBytes = 128 << 20 // of all files that people give
	maxCaseFiles = 40        // that people give
	maxStory     = 8000      // characters of what people write
	maxCaseName  = 200       // characters of a name or a contact
	// The gateway's own files have room of their own, so that neither those nor
	// what people give keeps the other out: verdicts behind examinations, of which
	// maxEarlier bounds the number, and letters.
	maxReports     = maxEarlier + 1
	maxReportBytes = 32 << 20 // of all verdicts
	maxLetters     = 40
)

// Complaint is what somebody complains of. All of it is sealed in the database
// and stands in no record.
type Complaint struct {
	Kind    dispute.Kind `json:"-"`
	Text    string       `json:"text"`
	Name    string       `json:"name"`
	Contact string       `json:"contact"` // telephone or mail
	NIK     string       `json:"nik"`     // sixteen digits, "" when not given
	// Document is the public id, or the address, that the QR code on a letter
	// leads to. Only the id of a document on record is kept as such.
	Document string `json:"-"`
	// Unknown is what has the form of a public id and is nobody's document here.
	Unknown string    `json:"unknownDocument,omitempty"`
	LossAt  time.Time `json:"-"` // when a loss was noticed; zero: not said
}

// CaseUpload is a file for a case.
type CaseUpload struct {
	Upload
	Name string
}

// CaseReceipt is what a complainant gets.
type CaseReceipt struct {
	ID, Number string
	Code       string    // the secret by which to follow the case
	Due        time.Time // by which it is examined
	// Unknown says that the public id which was given is nobody's document here.
	Unknown bool
}

// caseBody is what is sealed of a case.
type caseBody struct {
	Case      dispute.Case      `json:"case"`
	Complaint Complaint         `json:"complaint"`
	Findings  *dispute.Findings `json:"findings"`
	// Earlier are the findings before those, oldest first.
	Earlier []*dispute.Findings `json:"earlier,omitempty"`
	Answer  string              `json:"answer"`
	Held    bool                `json:"held"`
	// Reports are the files with the verdicts behind findings, by identifier: the
	// gateway's own.
	Reports []string `json:"reports,omitempty"`
	// Row is CaseRow.fixed. Recused are the members of staff who keep out of the case,
	// and Disputed and Original the files of those kinds that were added last, by
	// identifier. Rows say it too, for whoever lists and searches; who writes to the
	// database changes nothing by them. A case from before this was sealed has none of
	// it.
	Row      string   `json:"row,omitempty"`
	Recused  []string `json:"recused,omitempty"`
	Disputed string   `json:"disputed,omitempty"`
	Original string   `json:"original,omitempty"`
}

// caseEvent is what is sealed of a line of the history.
type caseEvent struct {
	By   string `json:"by"` // identifier of the member of staff
	Code string `json:"code"`
	Arg  string `json:"arg"`
	Text string `json:"text"`
}

func (c *Complaint) check() error {
	c.Document, c.Unknown = documentIn(c.Document), ""
	for _, s := range []*string{&c.Text, &c.Name, &c.Contact, &c.NIK} {
		*s = strings.TrimSpace(strings.ReplaceAll(*s, "\r\n", "\n"))
	}
	switch {
	case !c.Kind.Valid():
		return errorf(CodeInvalid, "The kind of complaint is unknown.")
	case dispute.Blank(c.Text) || utf8.RuneCountInString(c.Text) > maxStory || !utf8.ValidString(c.Text):
		return errorf(CodeInvalid, "The complaint must have 1 to %d characters.", maxStory)
	case utf8.RuneCountInString(c.Name) > maxCaseName || dispute.Blank(c.Contact) || utf8.RuneCountInString(c.Contact) > maxCaseName:
		return errorf(CodeInvalid, "A contact is needed; names and contacts have at most %d characters.", maxCaseName)
	case c.NIK != "" && (len(c.NIK) != nikLength || strings.Trim(c.NIK, "0123456789") != ""):
		return errorf(CodeInvalid, "A NIK has sixteen digits.")
	}
	return nil
}

// documentIn is the public id in what people copy from a QR code: the id alone,
// or an address that it stands in. "" when there is none: whatever else people
// write there, such as a NIK, is not kept.
func documentIn(s string) string {
	for word := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		if isPublicID(word) {
			return word
		}
	}
	return ""
}

// isPublicID tells whether a text has the form of what newPublicID makes.
func isPublicID(s string) bool {
	return len(s) == 26 && strings.Trim(s, "abcdefghjkmnpqrstvwxyz0123456789") == ""
}

// ownDocument leaves in Document only what is on record of the office.
func (c *Complaint) ownDocument(ctx context.Context, r Reader) error {
	if c.Document == "" {
		return nil
	}
	_, err := r.Document(ctx, c.Document)
	if errors.Is(err, ErrNotFound) {
		c.Document, c.Unknown = "", c.Document
		return nil
	}
	return err
}

// FileComplaint opens a case, for a member of staff or, with a Caller that is
// nobody, for a citizen. The file may be nil. It is verified and matched with
// the record at once; that a member of staff has looked at it is another step.
func (g *Gateway) FileComplaint(ctx context.Context, c Caller, n Complaint, file *CaseUpload) (*CaseReceipt, error) {
	if c.Staff == "" {
		c = Caller{Application: Application{Organisation: g.cfg.Organisation}, Authentication: "none", Address: c.Address}
	} else if err := g.allow(ctx, c, "case.open", RoleInvestigator, RoleSupervisor); err != nil {
		return nil, err
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	if n.LossAt.After(at) {
		return nil, errorf(CodeInvalid, "A loss cannot be noticed in the future.")
	}
	if err := g.roomForStranger(c, file, at); err != nil {
		return nil, err
	}
	var named []Staff
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if err := n.ownDocument(ctx, r); err != nil {
			return err
		}
		named, err = g.accused(ctx, r, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	code := randomText(16) // 128 bits
	w := &caseWork{g: g, caller: c, at: at, isNew: true, row: CaseRow{
		ID: newID(), Organisation: c.Application.Organisation, Code: sha256.Sum256([]byte(code)), Kind: n.Kind, OpenedAt: at, Document: n.Document,
	}}
	w.body = caseBody{Case: dispute.Open(w.row.ID, "", n.Kind, at), Complaint: n}
	w.body.Case.LossAt = n.LossAt
	w.say("opened", "", "")
	w.recuse(named)
	if file != nil {
		if err := w.attach(CaseDisputed, file); err != nil {
			return nil, err
		}
		w.say("file", fileLabel(file.Name), "")
	}
	if _, err := w.examine(ctx); err != nil {
		return nil, err
	}
	// A stranger's word keeps nothing from being erased.
	w.hold, w.body.Held = nil, false
	w.record = evidence.Record{Kind: "case.open", Subject: evidence.Subject{InputSHA256: w.fileSum(), Document: n.Document}}
	if err := w.write(ctx); err != nil {
		return nil, err
	}
	return &CaseReceipt{ID: w.row.ID, Number: w.body.Case.Number, Code: code, Due: w.examinedBy(), Unknown: n.Unknown != ""}, nil
}

// examinedBy is the day by which a case is examined, which its complainant is
// told; other deadlines are the office's.
func (w *caseWork) examinedBy() time.Time {
	for _, d := range w.body.Case.Deadlines(w.g.cfg.Cases.Rules) {
		if d.Code == dispute.DueExamine {
			return d.Due
		}
	}
	return time.Time{}
}

// Files that strangers may leave, in KiB: at once, and a day. What they write
// is bounded by the limit for addresses.
const (
	strangersAtOnce = 1 << 20
	strangersDaily  = 2 << 20
)

// roomForStranger keeps strangers from filling the database with files; a
// complaint without one is always taken.
func (g *Gateway) roomForStranger(c Caller, file *CaseUpload, at time.Time) error {
	if c.Staff != "" || file == nil || file.Size > maxCaseFile {
		return nil // what is too large is refused as such
	}
	if !g.strangers.AllowN(at, int(file.Size>>10)+1) {
		return &Error{Code: CodeBusy, Text: "Too many files were left today; send the complaint without one.", Retry: time.Hour}
	}
	return nil
}

// number takes the next number, in the transaction that writes the case: those
// that come at once wait for each other, and none is lost.
func (w *caseWork) number(ctx context.Context, tx Tx) (err error) {
	w.row.Year = w.at.In(w.g.caseZone()).Year()
	if w.row.Serial, err = tx.NextCase(ctx, w.row.Organisation, w.row.Year); err != nil {
		return err
	}
	w.body.Case.Number = w.row.number()
	return w.seal()
}

func (g *Gateway) caseZone() *time.Location {
	if z := g.cfg.Cases.Rules.Calendar.Zone; z != nil {
		return z
	}
	return time.FixedZone("WIB", 7*60*60)
}

// CaseRules are the rules by which cases go on.
func (g *Gateway) CaseRules() dispute.Rules { return g.cfg.Cases.Rules }

// CaseSummary is a case in a list: nothing in it is anybody's secret.
type CaseSummary struct {
	CaseRow // without Sealed
	Number  string
}

// number is how people say it.
func (r CaseRow) number() string { return dispute.Number(r.Year, r.Serial) }

// Who reads cases, and who does something with them.
var (
	caseReaders = []Role{RoleInvestigator, RoleSupervisor, RoleAuditor}
	caseActors  = []Role{RoleInvestigator, RoleSupervisor}
)

// Cases lists cases. That somebody looked is on record.
func (g *Gateway) Cases(ctx context.Context, c Caller, q CaseQuery) (found []CaseSummary, err error) {
	if err := g.allow(ctx, c, "case.search", caseReaders...); err != nil {
		return nil, err
	}
	if q.State != "" && !slices.Contains(dispute.States, q.State) || q.Kind != "" && !q.Kind.Valid() {
		return nil, errorf(CodeInvalid, "There is no such state or kind of complaints.")
	}
	q.Sight = c.sight()
	detail := map[string]string{}
	for name, value := range map[string]string{"of-state": string(q.State), "of-kind": string(q.Kind)} {
		if value != "" {
			detail[name] = value
		}
	}
	err = g.record(ctx, c, evidence.Record{Kind: "case.search", Result: evidence.Result{Status: evidence.StatusOK}, Detail: detail})
	if err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		rows, err := r.Cases(ctx, q)
		found = summaries(rows)
		return err
	})
	return found, err
}

func summaries(rows []CaseRow) (all []CaseSummary) {
	for _, row := range rows {
		row.Sealed = nil
		all = append(all, CaseSummary{row, row.number()})
	}
	return all
}

// CaseView is a case as a member of staff sees it.
type CaseView struct {
	CaseRow       // without Sealed
	Case          dispute.Case
	Text          string
	Name, Contact string // masked: see CaseContact
	NIK           string // masked
	Findings      *dispute.Findings
	Earlier       []*dispute.Findings // before those, oldest first
	Answer        string
	Held          bool
	Events        []dispute.Event
	Files         []CaseFileView
	// ClosingBy and ClosedBy are names; the identifiers are in Case. What was
	// erased (CaseRow.ErasedAt) is empty here.
	ClosingBy, ClosedBy string
	// Recused are the members of staff who keep out of it, by identifier.
	Recused []CaseMember
}

// CaseMember is a member of staff, as a case names one.
type CaseMember struct{ ID, Username, Name string }

// CaseFileView is a file of a case.
type CaseFileView struct {
	ID, Name string
	Kind     CaseFileKind
	SHA256   [32]byte
	Size     int64
	At       time.Time
	Erased   bool // there is only what is said here
}

// Case returns one case. That somebody read it is on record.
func (g *Gateway) Case(ctx context.Context, c Caller, id string) (*CaseView, error) {
	w, err := g.loadCase(ctx, c, id, "case.read", caseReaders)
	if err != nil {
		return nil, err
	}
	if err := w.note(ctx, "case.read", nil); err != nil {
		return nil, err
	}
	return w.view(ctx)
}

// CaseContact returns what is masked in a CaseView, and puts on record that
// it was asked for.
func (g *Gateway) CaseContact(ctx context.Context, c Caller, id string) (*Complaint, error) {
	w, err := g.loadCase(ctx, c, id, "case.contact", caseActors)
	if err != nil {
		return nil, err
	}
	w.say("contact", "", "")
	w.record = evidence.Record{Kind: "case.contact"}
	if err := w.write(ctx); err != nil {
		return nil, err
	}
	return &w.body.Complaint, nil
}

// CaseDownload returns a file of a case, which is on record.
func (g *Gateway) CaseDownload(ctx context.Context, c Caller, id, file string) (name string, data []byte, err error) {
	w, err := g.loadCase(ctx, c, id, "case.download", caseReaders)
	if err != nil {
		return "", nil, err
	}
	f, err := w.file(ctx, file)
	if err != nil {
		return "", nil, err
	}
	err = w.note(ctx, "case.download", map[string]string{"file": hex.EncodeToString(f.SHA256[:])})
	if err != nil {
		return "", nil, err
	}
	return string(f.Name), f.Data, nil
}

// PublicCase is what a complainant may know.
type PublicCase struct {
	Case   dispute.Case // without closing and names
	Answer string
	Erased bool // the answer, with what the complainant wrote
}

// FollowCase finds a case by its secret code, for whoever has it.
func (g *Gateway) FollowCase(ctx context.Context, address, code string) (*PublicCase, error) {
	if code == "" || len(code) > 64 {
		return nil, errorf(CodeNotFound, "There is no such case.")
	}
	var row CaseRow
	err := g.view(ctx, AllOrganisations, func(r Reader) (err error) {
		row, err = r.CaseByCode(ctx, sha256.Sum256([]byte(code)))
		return err
	})
	if err != nil {
		return nil, err
	}
	w := &caseWork{g: g, row: row, caller: Caller{Application: Application{Organisation: row.Organisation}, Authentication: "none", Address: address}}
	if err := w.unseal(); err != nil {
		return nil, err
	}
	if err := w.note(ctx, "case.follow", nil); err != nil {
		return nil, err
	}
	p := &PublicCase{Case: w.body.Case, Answer: w.body.Answer, Erased: !w.row.ErasedAt.IsZero()}
	p.Case.Closing, p.Case.ClosedBy = nil, ""
	return p, nil
}

// caseWork is a case that is being changed.
type caseWork struct {
	g      *Gateway
	caller Caller
	at     time.Time
	isNew  bool
	row    CaseRow
	body   caseBody
	files  []CaseFileRow // on record, without data
	events []caseEvent   // to be written
	added  []CaseFileRow // to be written, sealed
	hold   [][32]byte    // artefacts to be held
	free   bool          // the hold is lifted
	before *dispute.Findings
	// recused and readmitted are identifiers of members of staff; member is who has
	// shown another one-time password, nil for nobody.
	recused, readmitted []string
	member              *Staff
	record              evidence.Record
	// plain are the contents of the files in memory, by digest.
	plain map[[32]byte][]byte
}

// loadCase reads a case that the caller may see.
func (g *Gateway) loadCase(ctx context.Context, c Caller, id, act string, roles []Role) (*caseWork, error) {
	if err := g.allow(ctx, c, act, roles...); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	w, hidden := &caseWork{g: g, caller: c, at: at}, false
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if w.row, err = r.Case(ctx, id); err != nil {
			return err
		}
		if hidden, err = r.CaseHidden(ctx, id, c.sight()); err != nil {
			return err
		}
		w.files, err = r.CaseFiles(ctx, id)
		return err
	})
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == CodeNotFound {
		g.recordProbe(ctx, c, act, "no such case", id)
	}
	if err != nil {
		return nil, err
	}
	if !hidden {
		if err := w.unseal(); err != nil {
			return nil, err
		}
		hidden = w.keptFrom(c)
	}
	if hidden {
		g.recordProbe(ctx, c, act, "the case is kept from the caller", id)
		return nil, errorf(CodeForbidden, "This case is kept from you.")
	}
	return w, nil
}

// keptFrom tells whether a case keeps somebody out by what is sealed of it.
func (w *caseWork) keptFrom(c Caller) bool { return slices.Contains(w.body.Recused, c.Staff) }

// owner is what everything sealed of a case is bound to.
func (w *caseWork) owner(part string) string { return "case\x00" + w.row.ID + "\x00" + part }

func (w *caseWork) unseal() error {
	b, err := w.g.cases.open(w.row.Sealed, w.owner("body"))
	if err == nil {
		err = json.Unmarshal(b, &w.body)
	}
	// By these it is decided who sees the case, who closes it, and what is erased.
	if b := w.body; err == nil && (b.Case.Kind != w.row.Kind || b.Case.State != w.row.State || b.Row != "" && b.Row != w.row.fixed()) {
		err = fmt.Errorf("%w: the case %s is not as it was sealed", ErrForged, w.row.ID)
	}
	if err != nil {
		return &Error{Code: CodeInternal, Text: "The case cannot be read.", Err: err}
	}
	w.body.Complaint.Kind, w.body.Complaint.Document = w.row.Kind, w.row.Document
	w.before = w.body.Findings
	return nil
}

// say adds a line to the history.
func (w *caseWork) say(code, arg, text string) {
	w.events = append(w.events, caseEvent{By: w.caller.Staff, Code: code, Arg: arg, Text: text})
}

// note records a reading.
func (w *caseWork) note(ctx context.Context, kind string, detail map[string]string) error {
	r := evidence.Record{Kind: kind, Result: evidence.Result{Status: evidence.StatusOK}, Detail: merge(detail, w.detail())}
	return w.g.record(ctx, w.caller, r)
}

// detail names the case in a record. A new one has no number yet: it gets one in
// the transaction that writes the record, which is made before.
func (w *caseWork) detail() map[string]string {
	d := map[string]string{"case": w.row.ID, "about": string(w.row.Kind), "state": string(w.body.Case.State)}
	if w.row.Serial > 0 {
		d["number"] = w.row.number()
	}
	return d
}

// write brings what was done into the database together with its record.
func (w *caseWork) write(ctx context.Context) error {
	w.row.State = w.body.Case.State
	w.row.Due = w.due()
	if w.row.State == dispute.Closed && w.row.ClosedAt.IsZero() {
		w.row.ClosedAt = w.at
	}
	if err := w.keepFindings(); err != nil {
		return err
	}
	if err := w.seal(); err != nil {
		return err
	}
	r := w.record
	r.Result.Status, r.Detail = evidence.StatusOK, merge(w.record.Detail, w.written())
	return w.g.recordWith(ctx, w.caller, r, func(tx Tx) error {
		put := tx.UpdateCase
		if w.isNew {
			if err := w.number(ctx, tx); err != nil {
				return err
			}
			put = tx.AddCase
		}
		if err := put(ctx, w.row); err != nil {
			return err
		}
		return w.writeParts(ctx, tx)
	})
}

// due is the next deadline; zero: nothing is due.
func (w *caseWork) due() time.Time {
	d, ok := w.body.Case.NextDue(w.g.cfg.Cases.Rules)
	if !ok {
		return time.Time{}
	}
	return d.Due.UTC()
}

// written is detail, and what is written besides: an audit misses lines, files and
// words that somebody takes away or puts back later.
func (w *caseWork) written() map[string]string {
	d := merge(w.detail(), map[string]string{DetailEvents: strconv.Itoa(len(w.events)), DetailFiles: strconv.Itoa(len(w.added))})
	if !w.isNew { // a new one is sealed once more when it has its number
		d[DetailBody] = hexDigest(w.row.Sealed)
	}
	return d
}

// maxEarlier bounds the sets of findings that are kept beside the last one.
const maxEarlier = 40

// keepFindings keeps findings that others have taken the place of: what was
// decided and written was made of them.
func (w *caseWork) keepFindings() error {
	b := &w.body
	if w.before == nil || b.Findings == w.before {
		return nil
	}
	if len(b.Earlier) >= maxEarlier {
		return errorf(CodeTooLarge, "A case is examined at most %d times.", maxEarlier+1)
	}
	b.Earlier = append(b.Earlier, w.before)
	w.before = b.Findings
	return nil
}

// seal is the inverse of unseal.
func (w *caseWork) seal() error {
	w.body.Row = w.row.fixed()
	plain, err := json.Marshal(w.body)
	if err != nil {
		return &Error{Code: CodeInternal, Text: "The case cannot be written.", Err: err}
	}
	w.row.Sealed = w.g.cases.seal(plain, w.owner("body"))
	return nil
}

// writeParts writes history, files and hold.
func (w *caseWork) writeParts(ctx context.Context, tx Tx) error {
	for _, f := range w.added {
		if err := tx.AddCaseFile(ctx, f); err != nil {
			return err
		}
	}
	for _, e := range w.events {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		id := newID()
		err = tx.AddCaseEvent(ctx, CaseEventRow{
			ID: id, Organisation: w.row.Organisation, Case: w.row.ID, At: w.at, Sealed: w.g.cases.seal(b, w.owner("event "+id)),
		})
		if err != nil {
			return err
		}
	}
	for _, id := range w.recused {
		if err := tx.Recuse(ctx, w.row.Organisation, w.row.ID, id, w.at); err != nil {
			return err
		}
	}
	for _, id := range w.readmitted {
		if err := tx.Readmit(ctx, w.row.ID, id); err != nil {
			return err
		}
	}
	if w.member != nil {
		if err := tx.UpdateStaff(ctx, *w.member); err != nil {
			return err
		}
	}
	if len(w.hold) > 0 {
		return tx.Hold(ctx, w.holdReason(), w.hold, w.at)
	}
	if w.free {
		return tx.ReleaseHold(ctx, w.holdReason())
	}
	return nil
}

func (w *caseWork) holdReason() string { return "case " + w.row.ID }

// maxOpenCases bounds the cases of the overview.
const maxOpenCases = 20

// openCases lists the open cases that a caller may read, the next to be due
// first.
func openCases(ctx context.Context, c Caller, r Reader) ([]CaseSummary, error) {
	rows, err := r.Cases(ctx, CaseQuery{Open: true, ByDue: true, Sight: c.sight(), Page: Page{Limit: maxOpenCases}})
	return summaries(rows), err
}
