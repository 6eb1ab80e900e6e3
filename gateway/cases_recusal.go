package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
)

// sight is what is kept from a caller of cases and their records: complaints about
// staff from investigators, who may be meant, and from everybody those from which
// they are recused.
func (c Caller) sight() CaseSight {
	return CaseSight{NoConduct: c.Application.Role == RoleInvestigator, Staff: c.Staff}
}

// recordProbe puts on record that somebody asked for a case that is not theirs to
// see, or that is none. What is no identifier is not recorded: people paste
// anything into an address.
func (g *Gateway) recordProbe(ctx context.Context, c Caller, act, why, id string) {
	detail := map[string]string{"act": act, "why": why}
	if x, err := uuid.Parse(id); err == nil && x.String() == id {
		detail["case"] = id
	}
	g.cfg.Log.WarnContext(ctx, "access to a case denied", "act", act, "why", why, "staff", c.Staff, "application", c.Application.ID, "address", c.Address)
	// Who hangs up at once is on record all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	err := g.record(ctx, c, evidence.Record{
		Kind: "access.denied", Result: evidence.Result{Status: evidence.StatusRefused, Code: string(CodeForbidden)}, Detail: detail,
	})
	if err != nil {
		g.cfg.Log.ErrorContext(ctx, "denied access not recorded", "error", err)
	}
}

// maxNamedStaff bounds the members of staff among whom those are looked for that a
// complaint names.
const maxNamedStaff = 10_000

// accused are the members of staff that a complaint about staff names: until an
// auditor says otherwise it is kept from them. Too many are better than too few, so
// one word of a name is enough.
func (g *Gateway) accused(ctx context.Context, r Reader, n Complaint) (named []Staff, err error) {
	if n.Kind != dispute.Conduct {
		return nil, nil
	}
	for page, seen := (Page{Limit: 1000}), 0; seen < maxNamedStaff; {
		some, err := r.AllStaff(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, m := range some {
			if page.After = m.ID; m.namedIn(n.Text) {
				named = append(named, m)
			}
		}
		if seen += len(some); len(some) < page.Limit {
			break
		}
	}
	return named, nil
}

// callings are words in names that are nobody's own.
var callings = []string{
	"petugas", "pegawai", "operator", "admin", "staf", "staff", "kepala", "bapak", "pak", "ibu", "saudara", "saudari", "haji", "hajah", "dra", "drs", "kom",
}

// namedIn tells whether a text names a member of staff: by the user name, or by a
// word of the name that has three letters or more.
func (m Staff) namedIn(text string) bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	text = strings.ToLower(text)
	has := func(word string) bool {
		for rest := text; ; {
			i := strings.Index(rest, word)
			if i < 0 {
				return false
			}
			before, _ := utf8.DecodeLastRuneInString(rest[:i])
			after, _ := utf8.DecodeRuneInString(rest[i+len(word):])
			if !inWord(before) && !inWord(after) {
				return true
			}
			rest = rest[i+len(word):]
		}
	}
	if has(m.Username) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(m.Name), func(r rune) bool { return !inWord(r) }), func(word string) bool {
		return utf8.RuneCountInString(word) >= 3 && !slices.Contains(callings, word) && has(word)
	})
}

// recuse keeps members of staff out of a case.
func (w *caseWork) recuse(all []Staff) {
	for _, m := range all {
		w.keepOut(m.ID)
		w.say("recused", m.Name, "")
	}
}

func (w *caseWork) keepOut(id string) {
	w.recused = append(w.recused, id)
	if !slices.Contains(w.body.Recused, id) {
		w.body.Recused = append(w.body.Recused, id)
	}
}

// recused lists who keeps out of a case.
func recused(ctx context.Context, r Reader, id string) (all []CaseMember, err error) {
	ids, err := r.CaseRecusals(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		m, err := r.Staff(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		all = append(all, CaseMember{id, m.Username, m.Name})
	}
	return all, nil
}

// ErrNoMember: nobody of that user name keeps out of the case, or could.
var ErrNoMember = errors.New("gateway: no such member of staff, or nothing to change")

// Recuse keeps a member of staff out of a case: one who has an interest in it
// neither reads it nor finds its records nor decides (UU 30/2014 art. 42). Everybody
// who reads the case may keep out themselves; supervisors and auditors keep out
// others. What a member who keeps out has proposed is void.
func (g *Gateway) Recuse(ctx context.Context, c Caller, ref CaseRef, username, reason string) error {
	w, m, err := g.changeMember(ctx, c, ref, "case.recuse", username)
	if err == nil {
		reason, err = words(reason, dispute.ErrNoReason)
	}
	if err != nil {
		return err
	}
	if m.ID != c.Staff {
		if err := g.allow(ctx, c, "case.recuse", RoleSupervisor, RoleAuditor); err != nil {
			return err
		}
	}
	if k := w.body.Case.Closing; k != nil && k.By == m.ID && w.body.Case.State != dispute.Closed {
		w.body.Case, _ = w.body.Case.Reconsider()
	}
	w.keepOut(m.ID)
	w.say("recused", m.Name, reason)
	w.record = evidence.Record{Kind: "case.recuse", Detail: map[string]string{"staff": m.ID}}
	return w.write(ctx)
}

// Readmission says who takes part in a case again, and why.
type Readmission struct {
	Username, Reason string
	// Code is a one-time password of the caller's, as CloseCase's.
	Code string
}

// Readmit lets a member of staff take part in a case again. That is an auditor's to
// say: whoever is accused, or works with them, does not judge whether it is so. No
// second person approves it, and what the accused has read stays read; so a session
// alone does not do: it takes a one-time password, as whatever else lifts what
// protects a case.
func (g *Gateway) Readmit(ctx context.Context, c Caller, ref CaseRef, r Readmission) error {
	w, m, err := g.changeMember(ctx, c, ref, "case.readmit", r.Username)
	if err != nil {
		return err
	}
	reason, err := words(r.Reason, dispute.ErrNoReason)
	if err != nil {
		return err
	}
	if err := w.confirm(ctx, r.Code); err != nil {
		return err
	}
	w.readmitted = []string{m.ID}
	w.body.Recused = slices.DeleteFunc(w.body.Recused, func(id string) bool { return id == m.ID })
	w.say("readmitted", m.Name, reason)
	w.record = evidence.Record{Kind: "case.readmit", Detail: map[string]string{"staff": m.ID}}
	return w.write(ctx)
}

// changeMember reads a case and the member of staff of whom it is said whether they
// keep out of it. For "case.readmit" they must, for others they must not.
func (g *Gateway) changeMember(ctx context.Context, c Caller, ref CaseRef, act, username string) (*caseWork, Staff, error) {
	roles := caseReaders
	if act == "case.readmit" {
		roles = []Role{RoleAuditor}
	}
	w, err := g.changeCase(ctx, c, ref, act, roles)
	if err != nil {
		return nil, Staff{}, err
	}
	var m Staff
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if m, err = r.StaffByName(ctx, strings.TrimSpace(username)); err != nil {
			return err
		}
		out, err := r.CaseRecusals(ctx, ref.ID)
		if err == nil && slices.Contains(out, m.ID) != (act == "case.readmit") {
			return ErrNotFound
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = &Error{Code: CodeInvalid, Text: "There is no such member of staff, or nothing to change.", Err: ErrNoMember}
	}
	return w, m, err
}
