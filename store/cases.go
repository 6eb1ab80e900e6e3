package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

const caseColumns = `id, organisation, year, serial, code, kind, state, opened_at, due, file_sha256, document, sealed, version, closed_at, erased_at`

func scanCase(r row) (c gateway.CaseRow, err error) {
	err = r.Scan(&c.ID, &c.Organisation, &c.Year, &c.Serial, sum{&c.Code}, &c.Kind, &c.State, moment{&c.OpenedAt}, moment{&c.Due}, sum{&c.FileSHA256},
		&c.Document, &c.Sealed, &c.Version, moment{&c.ClosedAt}, moment{&c.ErasedAt})
	return c, err
}

// Case is gateway.CaseReader's.
func (tx *Tx) Case(ctx context.Context, id string) (gateway.CaseRow, error) {
	return one(ctx, tx, scanCase, `SELECT `+caseColumns+` FROM cases WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id, string(tx.scope))
}

// CaseByCode is gateway.CaseReader's.
func (tx *Tx) CaseByCode(ctx context.Context, code [32]byte) (gateway.CaseRow, error) {
	return one(ctx, tx, scanCase, `SELECT `+caseColumns+` FROM cases WHERE code = $1 AND ($2 = '*' OR organisation = $2)`, code[:], string(tx.scope))
}

// Cases is gateway.CaseReader's.
func (tx *Tx) Cases(ctx context.Context, q gateway.CaseQuery) ([]gateway.CaseRow, error) {
	n, err := limit(q.Page)
	if err != nil {
		return nil, err
	}
	var c conditions
	if tx.scope != gateway.AllOrganisations {
		c.add("organisation = ?", string(tx.scope))
	}
	if q.State != "" {
		c.add("state = ?", string(q.State))
	}
	if q.Kind != "" {
		c.add("kind = ?", string(q.Kind))
	}
	if q.Open {
		c.add("state <> ?", string(dispute.Closed))
	}
	if !q.Over.IsZero() {
		c.add("state = 'closed' AND erased_at IS NULL AND closed_at < ?", q.Over.UnixMicro())
	}
	for _, hidden := range hiddenCases(q.Sight) {
		c.add("NOT "+hidden.term, hidden.arg)
	}
	order := "id DESC"
	switch {
	case q.ByDue && q.After != "":
		return nil, errors.New("store: cases by their deadlines come on one page")
	case q.ByDue:
		c.terms = append(c.terms, "due IS NOT NULL")
		order = "due, id"
	case q.After != "":
		c.add("id < ?", q.After)
	}
	c.args = append(c.args, n)
	return list(ctx, tx, scanCase, `SELECT `+caseColumns+` FROM cases c`+c.where()+` ORDER BY `+order+` LIMIT $`+strconv.Itoa(len(c.args)), c.args...)
}

// hidden is a condition under which a case c is kept from somebody.
type hidden struct {
	term string
	arg  any
}

// hiddenCases are the conditions of a sight.
func hiddenCases(s gateway.CaseSight) (all []hidden) {
	if s.NoConduct {
		all = append(all, hidden{"c.kind = ?", string(dispute.Conduct)})
	}
	if s.Staff != "" {
		all = append(all, hidden{"EXISTS (SELECT 1 FROM case_recusals r WHERE r.case_id = c.id AND r.staff = ?)", s.Staff})
	}
	return all
}

// CaseHidden is gateway.CaseReader's.
func (tx *Tx) CaseHidden(ctx context.Context, id string, s gateway.CaseSight) (bool, error) {
	var c conditions
	c.add("id = ?", id)
	c.add("('*' = ? OR organisation = ?)", string(tx.scope))
	var either []string
	for _, hidden := range hiddenCases(s) {
		c.add(hidden.term, hidden.arg)
		last := len(c.terms) - 1
		either, c.terms = append(either, c.terms[last]), c.terms[:last]
	}
	if len(either) == 0 {
		return false, nil
	}
	n, err := tx.count(ctx, `SELECT count(*) FROM cases c`+c.where()+` AND (`+strings.Join(either, " OR ")+`)`, c.args...)
	return n > 0, err
}

// CaseRecusals is gateway.CaseReader's.
func (tx *Tx) CaseRecusals(ctx context.Context, id string) ([]string, error) {
	return list(ctx, tx, func(r row) (staff string, err error) {
		err = r.Scan(&staff)
		return staff, err
	}, `SELECT staff FROM case_recusals WHERE case_id = $1 AND ($2 = '*' OR organisation = $2) ORDER BY staff`, id, string(tx.scope))
}

// Recuse is gateway.CaseWriter's.
func (tx *Tx) Recuse(ctx context.Context, organisation, id, staff string, at time.Time) error {
	if err := tx.owns(organisation); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO case_recusals (case_id, organisation, staff, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		id, organisation, staff, micros(at))
	return err
}

// Readmit is gateway.CaseWriter's.
func (tx *Tx) Readmit(ctx context.Context, id, staff string) error {
	_, err := tx.exec(ctx, `DELETE FROM case_recusals WHERE case_id = $1 AND staff = $2 AND ($3 = '*' OR organisation = $3)`, id, staff, string(tx.scope))
	return err
}

// NextCase is gateway.CaseWriter's.
func (tx *Tx) NextCase(ctx context.Context, organisation string, year int) (int, error) {
	if err := tx.owns(organisation); err != nil {
		return 0, err
	}
	return one(ctx, tx, func(r row) (n int, err error) {
		err = r.Scan(&n)
		return n, err
	}, `INSERT INTO case_numbers (organisation, year, last) VALUES ($1, $2, 1)
		ON CONFLICT (organisation, year) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`, organisation, year)
}

// CaseEvents is gateway.CaseReader's.
func (tx *Tx) CaseEvents(ctx context.Context, id string) ([]gateway.CaseEventRow, error) {
	return list(ctx, tx, func(r row) (e gateway.CaseEventRow, err error) {
		err = r.Scan(&e.ID, &e.Organisation, &e.Case, moment{&e.At}, &e.Sealed)
		return e, err
	}, `SELECT id, organisation, case_id, at, sealed FROM case_events WHERE case_id = $1 AND ($2 = '*' OR organisation = $2) ORDER BY at, id`,
		id, string(tx.scope))
}

const fileColumns = `id, organisation, case_id, kind, sha256, size, at, name, erased_at`

func scanFile(r row, more ...any) (f gateway.CaseFileRow, err error) {
	err = r.Scan(append([]any{&f.ID, &f.Organisation, &f.Case, &f.Kind, sum{&f.SHA256}, &f.Size, moment{&f.At}, &f.Name, moment{&f.ErasedAt}}, more...)...)
	return f, err
}

// CaseFiles is gateway.CaseReader's.
func (tx *Tx) CaseFiles(ctx context.Context, id string) ([]gateway.CaseFileRow, error) {
	return list(ctx, tx, func(r row) (gateway.CaseFileRow, error) { return scanFile(r) },
		`SELECT `+fileColumns+` FROM case_files WHERE case_id = $1 AND ($2 = '*' OR organisation = $2) ORDER BY at, id`, id, string(tx.scope))
}

// CaseFile is gateway.CaseReader's.
func (tx *Tx) CaseFile(ctx context.Context, id string) (gateway.CaseFileRow, error) {
	return one(ctx, tx, func(r row) (gateway.CaseFileRow, error) {
		var data []byte
		f, err := scanFile(r, &data)
		if len(data) > 0 {
			f.Data = data
		}
		return f, err
	}, `SELECT `+fileColumns+`, data FROM case_files WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id, string(tx.scope))
}

// AddCase is gateway.CaseWriter's.
func (tx *Tx) AddCase(ctx context.Context, c gateway.CaseRow) error {
	if err := tx.owns(c.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO cases (`+caseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14)
		ON CONFLICT DO NOTHING`,
		c.ID, c.Organisation, c.Year, c.Serial, c.Code[:], string(c.Kind), string(c.State), micros(c.OpenedAt), micros(c.Due), digest(c.FileSHA256),
		c.Document, blob(c.Sealed), micros(c.ClosedAt), micros(c.ErasedAt)))
}

// UpdateCase is gateway.CaseWriter's.
func (tx *Tx) UpdateCase(ctx context.Context, c gateway.CaseRow) error {
	return changed(tx.exec(ctx, `UPDATE cases SET state = $1, due = $2, file_sha256 = $3, document = $4, sealed = $5, closed_at = $6, erased_at = $7,
		version = version + 1 WHERE id = $8 AND version = $9 AND ($10 = '*' OR organisation = $10)`,
		string(c.State), micros(c.Due), digest(c.FileSHA256), c.Document, blob(c.Sealed), micros(c.ClosedAt), micros(c.ErasedAt), c.ID, c.Version, string(tx.scope)))
}

// AddCaseEvent is gateway.CaseWriter's.
func (tx *Tx) AddCaseEvent(ctx context.Context, e gateway.CaseEventRow) error {
	if err := tx.owns(e.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO case_events (id, organisation, case_id, at, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		e.ID, e.Organisation, e.Case, micros(e.At), blob(e.Sealed)))
}

// AddCaseFile is gateway.CaseWriter's.
func (tx *Tx) AddCaseFile(ctx context.Context, f gateway.CaseFileRow) error {
	if err := tx.owns(f.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO case_files (`+fileColumns+`, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		f.ID, f.Organisation, f.Case, string(f.Kind), f.SHA256[:], f.Size, micros(f.At), blob(f.Name), micros(f.ErasedAt), blob(f.Data)))
}

// EraseCaseEvent is gateway.CaseWriter's.
func (tx *Tx) EraseCaseEvent(ctx context.Context, id string, sealed []byte, at time.Time) error {
	return changed(tx.exec(ctx, `UPDATE case_events SET sealed = $1, erased_at = $2 WHERE id = $3 AND erased_at IS NULL AND ($4 = '*' OR organisation = $4)`,
		blob(sealed), at.UnixMicro(), id, string(tx.scope)))
}

// EraseCaseFiles is gateway.CaseWriter's.
func (tx *Tx) EraseCaseFiles(ctx context.Context, id string, at time.Time) (int, error) {
	n, err := tx.exec(ctx, `UPDATE case_files SET name = $1, data = $1, erased_at = $2
		WHERE case_id = $3 AND kind <> 'letter' AND erased_at IS NULL AND ($4 = '*' OR organisation = $4)`,
		[]byte{}, at.UnixMicro(), id, string(tx.scope))
	return int(n), err
}

// CountCases is gateway.OversightReader's.
func (tx *Tx) CountCases(ctx context.Context, over time.Time) (gateway.CaseCount, error) {
	return one(ctx, tx, func(r row) (c gateway.CaseCount, err error) {
		err = r.Scan(&c.Open, &c.Kept, &c.Over, &c.Erased)
		return c, err
	}, `SELECT count(CASE WHEN state <> 'closed' THEN 1 END), count(CASE WHEN state = 'closed' AND erased_at IS NULL THEN 1 END),
		count(CASE WHEN state = 'closed' AND erased_at IS NULL AND closed_at < $1 THEN 1 END), count(erased_at)
		FROM cases WHERE ($2 = '*' OR organisation = $2)`, over.UnixMicro(), string(tx.scope))
}
