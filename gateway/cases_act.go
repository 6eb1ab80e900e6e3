package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
)

// CaseRef names a case as somebody has read it.
type CaseRef struct {
	ID string
	// Version is that of the CaseView; another one means CodeChanged.
	Version int64
}

// changeCase reads a case that the caller is about to change.
func (g *Gateway) changeCase(ctx context.Context, c Caller, ref CaseRef, act string, roles []Role) (*caseWork, error) {
	w, err := g.loadCase(ctx, c, ref.ID, act, roles)
	if err != nil {
		return nil, err
	}
	if c.Staff == "" {
		g.recordDenied(ctx, c, act, "not a member of staff")
		return nil, errorf(CodeForbidden, "Only members of staff may do this.")
	}
	if w.row.Version != ref.Version {
		return nil, fromStore(ErrChanged)
	}
	return w, nil
}

// act is what the caller does now.
func (w *caseWork) act(reason string) dispute.Act {
	return dispute.Act{By: w.caller.Staff, At: w.at, Reason: reason}
}

// fromDispute turns a broken rule into an error for the caller.
func fromDispute(err error) *Error {
	switch {
	case errors.Is(err, dispute.ErrSamePerson):
		return &Error{Code: CodeForbidden, Text: "A second person must approve.", Err: err}
	case errors.Is(err, dispute.ErrNoReason):
		return &Error{Code: CodeInvalid, Text: "A reason is needed.", Err: err}
	case errors.Is(err, dispute.ErrNoFindings):
		return &Error{Code: CodeInvalid, Text: "The case has not been examined yet.", Err: err}
	case errors.Is(err, dispute.ErrNotAsked):
		return &Error{Code: CodeInvalid, Text: "The PSrE has not been asked for assistance yet.", Err: err}
	case errors.Is(err, dispute.ErrNoSuchMove), errors.Is(err, dispute.ErrNoClosing), errors.Is(err, dispute.ErrBackwards):
		return &Error{Code: CodeChanged, Text: "The case cannot go on in this way from where it is.", Err: err}
	}
	return fromStore(err)
}

// What is wrong with what a member of staff wrote, wrapped in an Error; of reasons
// and answers that are missing it is dispute.ErrNoReason.
var (
	// ErrNoText: there is nothing to read in it.
	ErrNoText = errors.New("gateway: the text is missing")
	// ErrLongText: it is longer than a case takes, or is no text.
	ErrLongText = errors.New("gateway: more than 8000 characters, or no text")
)

// words checks what a member of staff wrote. There must be something to read;
// missing is the error when there is not.
func words(s string, missing error) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	switch {
	case !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxStory:
		return "", &Error{Code: CodeInvalid, Text: "At most 8000 characters are taken.", Err: ErrLongText}
	case dispute.Blank(s):
		return "", &Error{Code: CodeInvalid, Text: "A text is needed.", Err: missing}
	}
	return s, nil
}

// MoveCase brings a case into another state but dispute.Closed. The reason is
// the answer where the complainant is answered.
func (g *Gateway) MoveCase(ctx context.Context, c Caller, ref CaseRef, to dispute.State, reason string) error {
	w, err := g.changeCase(ctx, c, ref, "case.move", caseActors)
	if err != nil {
		return err
	}
	if reason, err = words(reason, dispute.ErrNoReason); err != nil {
		return err
	}
	from := w.body.Case.State
	if w.body.Case, err = w.body.Case.Move(to, w.act(reason), g.cfg.Cases.Rules); err != nil {
		return fromDispute(err)
	}
	if to == dispute.Answered {
		w.body.Answer = reason
		w.say("answer", "", reason)
	} else {
		w.say("moved", "state."+string(to), reason)
	}
	w.record = evidence.Record{Kind: "case.move", Detail: map[string]string{"from": string(from), "to": string(to)}}
	return w.write(ctx)
}

// NoteCase adds a note to the history.
func (g *Gateway) NoteCase(ctx context.Context, c Caller, ref CaseRef, text string) error {
	w, err := g.changeCase(ctx, c, ref, "case.note", caseActors)
	if err != nil {
		return err
	}
	if text, err = words(text, ErrNoText); err != nil {
		return err
	}
	if w.body.Case.State == dispute.Closed {
		return fromDispute(dispute.ErrNoSuchMove)
	}
	w.say("note", "", text)
	w.record = evidence.Record{Kind: "case.note"}
	return w.write(ctx)
}

// AttachToCase adds a file. A letter is none that can be added: see
// [Gateway.WriteCaseLetter].
func (g *Gateway) AttachToCase(ctx context.Context, c Caller, ref CaseRef, kind CaseFileKind, file CaseUpload) error {
	w, err := g.changeCase(ctx, c, ref, "case.attach", caseActors)
	if err != nil {
		return err
	}
	if kind != CaseDisputed && kind != CaseOriginal && kind != CaseAttachment {
		return errorf(CodeInvalid, "The file must be disputed, original or an attachment.")
	}
	if w.body.Case.State == dispute.Closed {
		return fromDispute(dispute.ErrNoSuchMove)
	}
	if err := w.attach(kind, &file); err != nil {
		return err
	}
	w.say("file", fileLabel(file.Name), "")
	if kind != CaseAttachment { // what is examined is another thing now
		var void bool
		if w.body.Case, void = w.body.Case.Supplied(); void {
			w.say("void", "", "")
		}
	}
	w.record = evidence.Record{
		Kind: "case.attach", Subject: evidence.Subject{InputSHA256: hex.EncodeToString(file.SHA256[:]), InputSize: file.Size}, Detail: map[string]string{"as": string(kind)},
	}
	return w.write(ctx)
}

// ProposeClosing says that a case can be closed.
func (g *Gateway) ProposeClosing(ctx context.Context, c Caller, ref CaseRef, o dispute.Outcome, reason string) error {
	w, err := g.changeCase(ctx, c, ref, "case.propose", caseActors)
	if err != nil {
		return err
	}
	if reason, err = words(reason, dispute.ErrNoReason); err != nil {
		return err
	}
	if w.body.Case, err = w.body.Case.Propose(o, w.act(reason)); err != nil {
		return fromDispute(err)
	}
	w.say("proposed", "outcome."+string(o), reason)
	w.record = evidence.Record{Kind: "case.propose", Detail: map[string]string{"outcome": string(o)}}
	return w.write(ctx)
}

// closers are who closes cases: supervisors and, where the complaint is about
// staff, auditors. The one supervisor of a small office could otherwise close none
// of those, and an auditor has no part in what they are about.
func closers(k dispute.Kind) []Role {
	if k == dispute.Conduct {
		return []Role{RoleSupervisor, RoleAuditor}
	}
	return []Role{RoleSupervisor}
}

// MayClose tells whether the role of a caller closes this case. Who proposed it
// does not.
func (v *CaseView) MayClose(c Caller) bool {
	return slices.Contains(closers(v.Kind), c.Application.Role)
}

// CloseCase closes a case as another person has proposed, and uses up the code: a
// one-time password of the caller's, asked for last, so that none is spent on what
// is refused anyway. A wrong one means CodePassphrase and counts as a wrong try to
// sign in does.
func (g *Gateway) CloseCase(ctx context.Context, c Caller, ref CaseRef, code string) error {
	w, err := g.changeCase(ctx, c, ref, "case.close", closers(dispute.Conduct))
	if err != nil {
		return err
	}
	if err := g.allow(ctx, c, "case.close", closers(w.row.Kind)...); err != nil {
		return err
	}
	if w.body.Case, err = w.body.Case.Approve(w.act("")); err != nil {
		if errors.Is(err, dispute.ErrSamePerson) {
			g.recordDenied(ctx, c, "case.close", "the same person")
		}
		return fromDispute(err)
	}
	if err := w.confirm(ctx, code); err != nil {
		return err
	}
	w.say("closed", "", "")
	w.record = evidence.Record{Kind: "case.close", Detail: map[string]string{
		"outcome": string(w.body.Case.Outcome), "proposed-by": w.body.Case.Closing.By,
	}}
	return w.write(ctx)
}

// confirm asks the caller for a one-time password, which is used up together with
// what is written.
func (w *caseWork) confirm(ctx context.Context, code string) error {
	member, err := w.g.again(ctx, w.caller, "staff.confirm", proof{code: code})
	if err != nil {
		return err
	}
	w.member = &member
	return nil
}

// ReleaseCaseHold lets evidence of a closed case be erased again in its time. The
// code is as CloseCase's.
func (g *Gateway) ReleaseCaseHold(ctx context.Context, c Caller, ref CaseRef, reason, code string) error {
	w, err := g.changeCase(ctx, c, ref, "case.release", []Role{RoleSupervisor})
	if err != nil {
		return err
	}
	if reason, err = words(reason, dispute.ErrNoReason); err != nil {
		return err
	}
	if w.body.Case.State != dispute.Closed || !w.body.Held {
		return fromDispute(dispute.ErrNoSuchMove)
	}
	if err := w.confirm(ctx, code); err != nil {
		return err
	}
	w.body.Held, w.free = false, true
	w.say("released", "", reason)
	w.record = evidence.Record{Kind: "case.release"}
	return w.write(ctx)
}

// CaseLetter asks for a letter.
type CaseLetter struct {
	Kind   dispute.LetterKind
	Number string // of the letter, as the office counts them
	Words  string // what is asked, or what was done
}

// What keeps a letter from being written, wrapped in an Error.
var (
	// ErrLetterNumber: it has no number.
	ErrLetterNumber = errors.New("gateway: a letter needs a number")
	// ErrNoRecipients: nobody is configured to get incident reports.
	ErrNoRecipients = errors.New("gateway: no recipients of incident reports are configured")
)

// WriteCaseLetter writes, prints and seals a letter, and keeps it with the case.
func (g *Gateway) WriteCaseLetter(ctx context.Context, c Caller, ref CaseRef, l CaseLetter) error {
	w, err := g.changeCase(ctx, c, ref, "case.letter", caseActors)
	if err != nil {
		return err
	}
	l.Number = strings.TrimSpace(plain(l.Number, 200))
	if l.Words, err = words(l.Words, ErrNoText); err != nil {
		return err
	}
	switch {
	case l.Kind != dispute.LetterAssistance && l.Kind != dispute.LetterIncident || dispute.Blank(l.Number):
		return &Error{Code: CodeInvalid, Text: "The letter needs a kind and a number.", Err: ErrLetterNumber}
	case l.Kind == dispute.LetterIncident && len(g.cfg.Cases.Rules.Recipients) == 0:
		return &Error{Code: CodeInvalid, Text: "The configuration names no recipients of incident reports.", Err: ErrNoRecipients}
	case w.body.Case.State == dispute.Closed:
		return fromDispute(dispute.ErrNoSuchMove)
	case w.letters() >= maxLetters:
		return errorf(CodeTooLarge, "A case has at most %d letters.", maxLetters)
	}
	in, err := g.caseWords(dispute.Indonesian)
	if err != nil {
		return err
	}
	paper := w.body.Case.Letter(dispute.Letter{Kind: l.Kind, Number: l.Number, At: w.at, Words: l.Words}, w.body.Findings, g.cfg.Cases.Rules, in)
	sealed, err := w.print(ctx, paper)
	if err != nil {
		return err
	}
	f := w.put(CaseLetterPaper, letterName(l), sealed)
	w.body.Case = w.body.Case.Wrote(l.Kind, w.at)
	w.say("letter", "letter."+string(l.Kind), l.Number)
	w.record = evidence.Record{Kind: "case.letter", Detail: map[string]string{"letter": string(l.Kind), "letter-number": l.Number},
		Subject: evidence.Subject{OutputSHA256: hex.EncodeToString(f.SHA256[:]), OutputSize: f.Size}}
	return w.write(ctx)
}

// letters counts those of the case.
func (w *caseWork) letters() (n int) {
	for _, f := range w.files {
		if f.Kind == CaseLetterPaper {
			n++
		}
	}
	return n
}

// letterName is the name of a letter's file.
func letterName(l CaseLetter) string {
	number := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' {
			return '-'
		}
		return r
	}, l.Number)
	return "surat-" + string(l.Kind) + "-" + number + ".pdf"
}

func (g *Gateway) caseWords(l dispute.Language) (*dispute.Words, error) {
	w, err := dispute.WordsIn(l, g.caseZone())
	if err != nil {
		return nil, &Error{Code: CodeInternal, Text: "An internal error.", Err: err}
	}
	return w, nil
}

// print makes a PDF of a paper and seals it.
func (w *caseWork) print(ctx context.Context, p dispute.Paper) ([]byte, error) {
	cfg := w.g.cfg.Cases
	if cfg.Print == nil {
		return nil, errorf(CodeInvalid, "This gateway does not print.")
	}
	var b bytes.Buffer
	if err := cfg.Print(&b, p); err != nil {
		return nil, &Error{Code: CodeInternal, Text: "The paper cannot be printed.", Err: err}
	}
	if cfg.Seal == "" {
		return b.Bytes(), nil
	}
	r, err := w.g.sealPaper(ctx, w.caller, cfg.Seal, w.row.ID, bytesUpload(b.Bytes()))
	if err != nil {
		return nil, err
	}
	return append(b.Bytes(), r.Tail...), nil
}
