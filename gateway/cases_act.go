package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
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

// words checks what a member of staff wrote.
func words(s string) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxStory {
		return "", errorf(CodeInvalid, "1 to %d characters are needed.", maxStory)
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
	if reason, err = words(reason); err != nil {
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
	if text, err = words(text); err != nil {
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
	if reason, err = words(reason); err != nil {
		return err
	}
	if w.body.Case, err = w.body.Case.Propose(o, w.act(reason)); err != nil {
		return fromDispute(err)
	}
	w.say("proposed", "outcome."+string(o), reason)
	w.record = evidence.Record{Kind: "case.propose", Detail: map[string]string{"outcome": string(o)}}
	return w.write(ctx)
}

// CloseCase closes a case as another person has proposed. Who calls it has
// shown another one-time password before: see [Gateway.Confirm].
func (g *Gateway) CloseCase(ctx context.Context, c Caller, ref CaseRef) error {
	w, err := g.changeCase(ctx, c, ref, "case.close", []Role{RoleSupervisor})
	if err != nil {
		return err
	}
	if w.body.Case, err = w.body.Case.Approve(w.act("")); err != nil {
		if errors.Is(err, dispute.ErrSamePerson) {
			g.recordDenied(ctx, c, "case.close", "the same person")
		}
		return fromDispute(err)
	}
	w.say("closed", "", "")
	w.record = evidence.Record{Kind: "case.close", Detail: map[string]string{
		"outcome": string(w.body.Case.Outcome), "proposed-by": w.body.Case.Closing.By,
	}}
	return w.write(ctx)
}

// ReleaseCaseHold lets evidence of a closed case be erased again in its time.
func (g *Gateway) ReleaseCaseHold(ctx context.Context, c Caller, ref CaseRef, reason string) error {
	w, err := g.changeCase(ctx, c, ref, "case.release", []Role{RoleSupervisor})
	if err != nil {
		return err
	}
	if reason, err = words(reason); err != nil {
		return err
	}
	if w.body.Case.State != dispute.Closed || !w.body.Held {
		return fromDispute(dispute.ErrNoSuchMove)
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

// WriteCaseLetter writes, prints and seals a letter, and keeps it with the case.
func (g *Gateway) WriteCaseLetter(ctx context.Context, c Caller, ref CaseRef, l CaseLetter) error {
	w, err := g.changeCase(ctx, c, ref, "case.letter", caseActors)
	if err != nil {
		return err
	}
	l.Number = strings.TrimSpace(plain(l.Number, 200))
	if l.Words, err = words(l.Words); err != nil {
		return err
	}
	switch {
	case l.Kind != dispute.LetterAssistance && l.Kind != dispute.LetterIncident || l.Number == "":
		return errorf(CodeInvalid, "The letter needs a kind and a number.")
	case l.Kind == dispute.LetterIncident && len(g.cfg.Cases.Rules.Recipients) == 0:
		return errorf(CodeInvalid, "The configuration names no recipients of incident reports.")
	case w.body.Case.State == dispute.Closed:
		return fromDispute(dispute.ErrNoSuchMove)
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
	r, err := w.g.sealPaper(ctx, w.caller, cfg.Seal, bytesUpload(b.Bytes()))
	if err != nil {
		return nil, err
	}
	return append(b.Bytes(), r.Tail...), nil
}
