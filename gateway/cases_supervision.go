package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
)

// maxSupervised bounds the cases that a report on supervision lists, the newest;
// others are counted.
const maxSupervised = 5000

// SupervisionReport prints and seals the report on supervision of a period,
// from its first moment to the first moment after it. Days are those of the
// office.
func (g *Gateway) SupervisionReport(ctx context.Context, c Caller, from, to time.Time) ([]byte, error) {
	if err := g.allow(ctx, c, "supervision.report", RoleSupervisor, RoleAuditor); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	if !from.Before(to) || to.Sub(from) > 367*24*time.Hour || from.After(at) {
		return nil, errorf(CodeInvalid, "The report is about a past period of a year at most.")
	}
	s := &dispute.Supervision{From: from, To: to}
	w := &caseWork{g: g, caller: c, at: at}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error { return w.supervise(ctx, r, s) })
	if err != nil {
		return nil, err
	}
	health, err := g.cfg.Notary.Health(ctx)
	if err != nil {
		return nil, fromStore(err)
	}
	s.LogSize, s.CheckpointAt, s.Sound = health.Size, health.Latest.Time, health.Fault == nil
	in, err := g.caseWords(dispute.Indonesian)
	if err != nil {
		return nil, err
	}
	sealed, err := w.print(ctx, s.Paper(g.cfg.Cases.Rules, in, at))
	if err != nil {
		return nil, err
	}
	up := bytesUpload(sealed)
	return sealed, g.record(ctx, c, evidence.Record{
		Kind: "supervision.report", Result: evidence.Result{Status: evidence.StatusOK},
		Subject: evidence.Subject{OutputSHA256: hex.EncodeToString(up.SHA256[:]), OutputSize: up.Size},
		Detail:  map[string]string{"from": from.UTC().Format(time.RFC3339), "to": to.UTC().Format(time.RFC3339)},
	})
}

// supervise counts what the report tells.
func (w *caseWork) supervise(ctx context.Context, r Reader, s *dispute.Supervision) error {
	_, offset := s.From.In(w.g.caseZone()).Zone()
	zone := time.Duration(offset) * time.Second
	counts, err := r.CountOperations(ctx, s.From, s.To, zone)
	if err != nil {
		return err
	}
	verdicts, err := r.CountVerdicts(ctx, s.From, s.To, zone)
	if err != nil {
		return err
	}
	expiring, err := r.Expiring(ctx, w.at.Add(ExpiryNotice), Page{Limit: 1000})
	if err != nil {
		return err
	}
	for _, cert := range expiring {
		if cert.NotAfter.After(w.at) {
			s.Expiring++
		}
	}
	s.Made, s.Failures, s.Verdicts = supervised(counts, verdicts)
	for page := (Page{Limit: 1000}); ; {
		rows, err := r.Cases(ctx, CaseQuery{Page: page})
		if err != nil {
			return err
		}
		for _, row := range rows {
			page.After = row.ID
			if !row.OpenedAt.Before(s.To) || row.OpenedAt.Before(s.From) && row.State == dispute.Closed && row.ClosedAt.Before(s.From) {
				continue
			}
			hidden, err := r.CaseHidden(ctx, row.ID, w.caller.sight())
			if err != nil {
				return err
			}
			if hidden {
				s.Withheld++
				continue
			}
			if len(s.Cases) == maxSupervised {
				s.Left++
				continue
			}
			one := &caseWork{g: w.g, row: row}
			if err := one.unseal(); err != nil {
				return err
			}
			if one.keptFrom(w.caller) {
				s.Withheld++
				continue
			}
			s.Cases = append(s.Cases, one.body.Case)
		}
		if len(rows) < page.Limit {
			return nil
		}
	}
}

// supervised sorts the numbers of operations: what was given by kind, and why
// signatures and seals were not.
func supervised(counts []OperationCount, verdicts []VerdictCount) (made, failures, judged []dispute.Count) {
	given := []string{"sign", "seal", "timestamp", "augment", "stamp", "verify", "signer.enrol", "signer.renew", "signer.certificate"}
	done, failed, found := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, n := range counts {
		switch {
		case n.Status == OperationOK:
			done[n.Kind] += n.N
		case (n.Kind == "sign" || n.Kind == "seal") && n.Status != OperationPending:
			failed[n.Code] += n.N
		}
	}
	for _, v := range verdicts {
		found[v.Verdict] += v.N
	}
	for _, kind := range given {
		made = append(made, dispute.Count{Name: kind, N: done[kind]})
	}
	for _, n := range ranked(failed) {
		failures = append(failures, dispute.Count(n))
	}
	for _, n := range ranked(found) {
		judged = append(judged, dispute.Count(n))
	}
	return made, failures, judged
}

// maxReminded bounds the cases that the log is told of at a time.
const maxReminded = 1000

// RemindCases tells the operators' log of open cases whose next deadline is
// near or has passed, the most overdue first, and returns of how many, at most
// maxReminded. The log names the case and nobody in it.
func (g *Gateway) RemindCases(ctx context.Context) (n int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	if err := g.redate(ctx); err != nil {
		return 0, err
	}
	var rows []CaseRow
	err = g.view(ctx, Scope(g.cfg.Organisation), func(r Reader) (err error) {
		rows, err = r.Cases(ctx, CaseQuery{Open: true, ByDue: true, Page: Page{Limit: maxReminded}})
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		u := dispute.Deadline{Due: row.Due}.At(at, g.cfg.Cases.Rules)
		if u != dispute.Soon && u != dispute.Overdue {
			break // those that follow are due later
		}
		n++
		g.cfg.Log.WarnContext(ctx, "complaint due", "case", row.number(), "state", row.State, "due", row.Due.Format(time.RFC3339), "standing", u)
	}
	if n == maxReminded {
		g.cfg.Log.WarnContext(ctx, "more complaints are due than are told of", "told", n)
	}
	return n, nil
}

// unread tells the operator of a case that cannot be read, beside which what is to be
// done with others goes on.
func (g *Gateway) unread(ctx context.Context, row CaseRow, err error) {
	g.cfg.Log.ErrorContext(ctx, "ALARM: a case is not in the database as it was written", "case", row.number(), "error", err)
}

// redate brings the next deadlines of open cases, by which they are listed, to what
// the rules say now: holidays are decreed within the year. A case that cannot be read
// keeps its own, and the others are told of all the same.
func (g *Gateway) redate(ctx context.Context) error {
	for page := (Page{Limit: 200}); ; {
		var rows []CaseRow
		err := g.view(ctx, Scope(g.cfg.Organisation), func(r Reader) (err error) {
			rows, err = r.Cases(ctx, CaseQuery{Open: true, Page: page})
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			page.After = row.ID
			w := &caseWork{g: g, row: row}
			if err := w.unseal(); err != nil {
				g.unread(ctx, row, err)
				continue
			}
			due := w.due()
			if due.Equal(row.Due) {
				continue
			}
			row.Due = due
			err := g.update(ctx, Scope(row.Organisation), func(tx Tx) error { return tx.UpdateCase(ctx, row) })
			if e := (*Error)(nil); errors.As(err, &e) && e.Code == CodeChanged {
				continue // somebody is at it, by the same rules
			}
			if err != nil {
				return err
			}
		}
		if len(rows) < page.Limit {
			return nil
		}
	}
}
