package store

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// caseActs are the acts that write to a case; the others only read.
var caseActs = map[string]bool{
	"case.open": true, "case.contact": true, "case.move": true, "case.note": true, "case.attach": true, "case.propose": true, "case.close": true,
	"case.release": true, "case.letter": true, "case.examine": true, "case.recuse": true, "case.readmit": true, "case.erase": true,
}

// recordedCase is what the records say of a case.
type recordedCase struct {
	state, number string
	events, files int    // that were added, as far as records count them
	body          string // digest of what is sealed; "" when the last act does not say
}

// caseAct takes note of what was done with a case.
func (g *registers) caseAct(r *evidence.Record) {
	id := r.Detail["case"]
	if !caseActs[r.Kind] || id == "" {
		return
	}
	c := g.cases[id]
	c.state, c.body = r.Detail["state"], r.Detail[gateway.DetailBody]
	if number := r.Detail["number"]; number != "" {
		c.number = number
	}
	events, _ := strconv.Atoi(r.Detail[gateway.DetailEvents]) // older records do not say
	files, _ := strconv.Atoi(r.Detail[gateway.DetailFiles])
	c.events, c.files = c.events+events, c.files+files
	g.cases[id] = c
}

// complaints compares the tables of cases with the records. What people said stands in
// none; that nothing of it was taken away, or put back as it was before, does.
func (g *registers) complaints(ctx context.Context, tx *Tx) (found, err error) {
	type caseRow struct {
		gateway.CaseRow
		events, files int
	}
	there := map[string]bool{}
	for after := ""; ; {
		page, err := list(ctx, tx, func(r row) (c caseRow, err error) {
			err = r.Scan(&c.ID, &c.State, &c.Year, &c.Serial, &c.Sealed, &c.events, &c.files)
			return c, err
		}, `SELECT c.id, c.state, c.year, c.serial, c.sealed, (SELECT count(*) FROM case_events e WHERE e.case_id = c.id),
			(SELECT count(*) FROM case_files f WHERE f.case_id = c.id) FROM cases c WHERE c.id > $1 ORDER BY c.id LIMIT 100`, after)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			said, ok := g.cases[c.ID]
			body := sha256Of(c.Sealed)
			switch {
			case !ok:
				return evidence.Differs(evidence.RuleTable, "no record says that the case %.64q was opened", c.ID), nil
			case string(c.State) != said.state || said.number != "" && dispute.Number(c.Year, c.Serial) != said.number:
				return evidence.Differs(evidence.RuleTable, "the case %s is %.32q in its row, and %q by the records, or has another number", c.ID, c.State, said.state), nil
			case c.events < said.events || c.files < said.files:
				return evidence.Differs(evidence.RuleTable, "the case %s has %d lines and %d files, and %d and %d by the records", c.ID, c.events, c.files, said.events, said.files), nil
			case said.body != "" && hex.EncodeToString(body[:]) != said.body:
				return evidence.Differs(evidence.RuleTable, "what the case %s says is not what was written last", c.ID), nil
			}
			after = c.ID
			there[c.ID] = true
		}
		if len(page) == 0 {
			break
		}
	}
	if id := absent(g.cases, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the case %.64q is missing", id), nil
	}
	return nil, nil
}
