package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/absah-id/absah/evidence"
)

// over is the moment before which cases must have been closed for their words
// and files to be erased at another one; zero when none ever is.
func (g *Gateway) over(at time.Time) time.Time {
	days := g.cfg.Cases.Rules.Retention
	if days == 0 {
		return time.Time{}
	}
	return at.AddDate(0, 0, -days)
}

// EraseCases erases what people gave and said in cases whose time is over, and
// returns how many those were. Cases whose evidence is held are left alone, and so are
// those that cannot be read.
func (g *Gateway) EraseCases(ctx context.Context) (n int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	over := g.over(at)
	if over.IsZero() {
		return 0, nil
	}
	for page := (Page{Limit: 200}); ; {
		var rows []CaseRow
		err := g.view(ctx, Scope(g.cfg.Organisation), func(r Reader) (err error) {
			rows, err = r.Cases(ctx, CaseQuery{Over: over, Page: page})
			return err
		})
		if err != nil {
			return n, err
		}
		for _, row := range rows {
			page.After = row.ID
			w := &caseWork{g: g, caller: Caller{Authentication: "none"}, at: at, row: row}
			if err := w.unseal(); err != nil {
				g.unread(ctx, row, err)
				continue
			}
			if !w.body.Case.Since.Before(over) {
				g.cfg.Log.ErrorContext(ctx, "ALARM: a case was closed later than the database says", "case", row.ID)
				continue
			}
			if w.body.Held {
				continue
			}
			err := w.erase(ctx)
			if e := (*Error)(nil); errors.As(err, &e) && e.Code == CodeChanged {
				continue // another node was faster, or somebody is at it
			}
			if err != nil {
				return n, err
			}
			n++
		}
		if len(rows) < page.Limit {
			return n, nil
		}
	}
}

// erase forgets who complained, what was written, and the files that people
// gave. What was decided stays, as do findings, the office's letters and all
// that is on record.
func (w *caseWork) erase(ctx context.Context) error {
	b := &w.body
	b.Complaint.Text, b.Complaint.Name, b.Complaint.Contact, b.Complaint.NIK, b.Complaint.Unknown, b.Answer = "", "", "", "", "", ""
	w.row.ErasedAt = w.at
	if err := w.seal(); err != nil {
		return err
	}
	events, err := w.wordless(ctx)
	if err != nil {
		return err
	}
	w.say("erased", "", "")
	// The number of files is known only once they are erased, and the record is
	// made before: it counts what is there now. Nobody adds to a closed case.
	files := 0
	err = w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		all, err := r.CaseFiles(ctx, w.row.ID)
		for _, f := range all {
			if f.Kind != CaseLetterPaper && f.ErasedAt.IsZero() {
				files++
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	r := evidence.Record{
		Kind: "case.erase", Result: evidence.Result{Status: evidence.StatusOK},
		Detail: merge(w.written(), map[string]string{"files": strconv.Itoa(files), "closed": w.row.ClosedAt.UTC().Format(time.RFC3339)}),
	}
	return w.g.recordWith(ctx, w.caller, r, func(tx Tx) error {
		if err := tx.UpdateCase(ctx, w.row); err != nil {
			return err
		}
		for id, sealed := range events {
			if err := tx.EraseCaseEvent(ctx, id, sealed, w.at); err != nil {
				return err
			}
		}
		if _, err := tx.EraseCaseFiles(ctx, w.row.ID, w.at); err != nil {
			return err
		}
		return w.writeParts(ctx, tx)
	})
}

// wordless is the history's lines that say something of people, sealed again
// without it: what was done, when and by whom stays.
func (w *caseWork) wordless(ctx context.Context) (sealed map[string][]byte, err error) {
	sealed = map[string][]byte{}
	err = w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		rows, err := r.CaseEvents(ctx, w.row.ID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			e, err := w.openEvent(row)
			if err != nil {
				return err
			}
			named := slices.Contains([]string{"file", "recused", "readmitted"}, e.Code)
			if e.Text == "" && !named {
				continue
			}
			if e.Text = ""; named {
				e.Arg = ""
			}
			b, err := json.Marshal(e)
			if err != nil {
				return &Error{Code: CodeInternal, Text: "The case cannot be written.", Err: err}
			}
			sealed[row.ID] = w.g.cases.seal(b, w.owner("event "+row.ID))
		}
		return nil
	})
	return sealed, err
}

// CaseRetention is what is kept of complaints, for whoever watches over it.
type CaseRetention struct {
	// CaseCount.Over are those whose time is over and whose evidence is held:
	// the rest is erased within the hour.
	CaseCount
	Days int // that words and files are kept after the end; 0: for ever
}

// retention counts what is kept of cases.
func (g *Gateway) retention(ctx context.Context, r Reader, at time.Time) (CaseRetention, error) {
	n, err := r.CountCases(ctx, g.over(at))
	return CaseRetention{CaseCount: n, Days: g.cfg.Cases.Rules.Retention}, err
}
