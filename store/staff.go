package store

import (
	"context"
	"errors"
	"time"

	"github.com/absah-id/absah/gateway"
)

const staffColumns = `s.id, s.organisation, s.username, s.name, s.role, s.password, s.totp, s.last_step, s.failures, s.not_before, s.status, s.created_at, s.version`

func staffFields(s *gateway.Staff) []any {
	return []any{&s.ID, &s.Organisation, &s.Username, &s.Name, &s.Role, &s.Password, &s.TOTP, &s.LastStep, &s.Failures,
		moment{&s.NotBefore}, &s.Status, moment{&s.CreatedAt}, &s.Version}
}

func scanStaff(r row) (s gateway.Staff, err error) {
	err = r.Scan(staffFields(&s)...)
	return s, err
}

// Staff is gateway.StaffReader's.
func (tx *Tx) Staff(ctx context.Context, id string) (gateway.Staff, error) {
	return tx.member(ctx, `SELECT `+staffColumns+` FROM staff s WHERE s.id = $1 AND ($2 = '*' OR s.organisation = $2)`, id)
}

// StaffByName is gateway.StaffReader's.
func (tx *Tx) StaffByName(ctx context.Context, username string) (gateway.Staff, error) {
	return tx.member(ctx, `SELECT `+staffColumns+` FROM staff s WHERE s.username = $1 AND ($2 = '*' OR s.organisation = $2)`, username)
}

// member returns the one whom a query finds by a value and the scope.
func (tx *Tx) member(ctx context.Context, query, by string) (gateway.Staff, error) {
	if !isText(by) {
		return gateway.Staff{}, gateway.ErrNotFound
	}
	s, err := one(ctx, tx, scanStaff, query, by, string(tx.scope))
	if err == nil {
		err = tx.vouched(ctx, sealedStaff, s.ID)
	}
	return s, err
}

// AllStaff is gateway.StaffReader's.
func (tx *Tx) AllStaff(ctx context.Context, p gateway.Page) ([]gateway.Staff, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	return list(ctx, tx, scanStaff, `SELECT `+staffColumns+` FROM staff s WHERE s.id > $1 AND ($2 = '*' OR s.organisation = $2) ORDER BY s.id LIMIT $3`,
		p.After, string(tx.scope), n)
}

// AddStaff is gateway.StaffWriter's.
func (tx *Tx) AddStaff(ctx context.Context, s gateway.Staff) error {
	if err := tx.owns(s.Organisation); err != nil {
		return err
	}
	if err := added(tx.exec(ctx, `INSERT INTO staff (id, organisation, username, name, role, password, totp, last_step, failures, not_before, status, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1) ON CONFLICT DO NOTHING`,
		s.ID, s.Organisation, s.Username, s.Name, string(s.Role), s.Password, blob(s.TOTP), s.LastStep, s.Failures, micros(s.NotBefore),
		string(s.Status), micros(s.CreatedAt))); err != nil {
		return err
	}
	return tx.seal(ctx, sealedStaff, s.ID)
}

// UpdateStaff is gateway.StaffWriter's.
func (tx *Tx) UpdateStaff(ctx context.Context, s gateway.Staff) error {
	if err := tx.vouched(ctx, sealedStaff, s.ID); err != nil && !errors.Is(err, gateway.ErrNotFound) {
		return err
	}
	if err := changed(tx.exec(ctx, `UPDATE staff SET name = $1, role = $2, password = $3, totp = $4, last_step = $5, failures = $6, not_before = $7,
		status = $8, version = version + 1 WHERE id = $9 AND version = $10 AND ($11 = '*' OR organisation = $11)`,
		s.Name, string(s.Role), s.Password, blob(s.TOTP), s.LastStep, s.Failures, micros(s.NotBefore), string(s.Status), s.ID, s.Version, string(tx.scope))); err != nil {
		return err
	}
	return tx.seal(ctx, sealedStaff, s.ID)
}

const sessionColumns = `x.id, x.organisation, x.staff, x.created_at, x.seen_at, x.ended_at`

// Session is gateway.StaffReader's.
func (tx *Tx) Session(ctx context.Context, id [32]byte) (gateway.Session, gateway.Staff, error) {
	type both struct {
		session gateway.Session
		staff   gateway.Staff
	}
	found, err := one(ctx, tx, func(r row) (b both, err error) {
		x := &b.session
		err = r.Scan(append([]any{sum{&x.ID}, &x.Organisation, &x.Staff, moment{&x.CreatedAt}, moment{&x.SeenAt}, moment{&x.EndedAt}}, staffFields(&b.staff)...)...)
		return b, err
	}, `SELECT `+sessionColumns+`, `+staffColumns+` FROM sessions x JOIN staff s ON s.id = x.staff
		WHERE x.id = $1 AND ($2 = '*' OR x.organisation = $2)`, id[:], string(tx.scope))
	if err == nil {
		err = tx.vouched(ctx, sealedStaff, found.staff.ID)
	}
	return found.session, found.staff, err
}

// AddSession is gateway.StaffWriter's.
func (tx *Tx) AddSession(ctx context.Context, s gateway.Session) error {
	if err := tx.owns(s.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO sessions (id, organisation, staff, created_at, seen_at, ended_at) VALUES ($1, $2, $3, $4, $5, NULL)
		ON CONFLICT DO NOTHING`, s.ID[:], s.Organisation, s.Staff, micros(s.CreatedAt), micros(s.SeenAt)))
}

// TouchSession is gateway.StaffWriter's.
func (tx *Tx) TouchSession(ctx context.Context, id [32]byte, at time.Time) error {
	return touched(tx.exec(ctx, `UPDATE sessions SET seen_at = $1 WHERE id = $2 AND ended_at IS NULL AND ($3 = '*' OR organisation = $3)`,
		at.UnixMicro(), id[:], string(tx.scope)))
}

// EndSession is gateway.StaffWriter's.
func (tx *Tx) EndSession(ctx context.Context, id [32]byte, at time.Time) error {
	return touched(tx.exec(ctx, `UPDATE sessions SET ended_at = coalesce(ended_at, $1) WHERE id = $2 AND ($3 = '*' OR organisation = $3)`,
		at.UnixMicro(), id[:], string(tx.scope)))
}

// EndSessions is gateway.StaffWriter's.
func (tx *Tx) EndSessions(ctx context.Context, staff string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE sessions SET ended_at = $1 WHERE staff = $2 AND ended_at IS NULL AND ($3 = '*' OR organisation = $3)`,
		at.UnixMicro(), staff, string(tx.scope))
	return err
}

// PurgeSessions is gateway.StaffWriter's.
func (tx *Tx) PurgeSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE created_at < $1 AND ($2 = '*' OR organisation = $2)
		ORDER BY created_at LIMIT $3)`, before.UnixMicro(), string(tx.scope), limit)
	return int(n), err
}

// AddVerdicts is gateway.OversightWriter's.
func (tx *Tx) AddVerdicts(ctx context.Context, organisation, operation string, at time.Time, n map[string]int64) error {
	if err := tx.owns(organisation); err != nil {
		return err
	}
	for verdict, count := range n {
		if err := added(tx.exec(ctx, `INSERT INTO verdicts (operation, verdict, organisation, at, n) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			operation, verdict, organisation, at.UnixMicro(), count)); err != nil {
			return err
		}
	}
	return nil
}

// CountVerdicts is gateway.OversightReader's.
func (tx *Tx) CountVerdicts(ctx context.Context, from, to time.Time, offset time.Duration) ([]gateway.VerdictCount, error) {
	return list(ctx, tx, func(r row) (c gateway.VerdictCount, err error) {
		var day int64
		err = r.Scan(&day, &c.Verdict, &c.N)
		c.Day = time.UnixMicro(day * (24 * time.Hour).Microseconds()).Add(-offset).UTC()
		return c, err
	}, `SELECT (at + $1) / 86400000000 AS day, verdict, CAST(sum(n) AS BIGINT) FROM verdicts
		WHERE at >= $2 AND at < $3 AND ($4 = '*' OR organisation = $4) GROUP BY day, verdict ORDER BY day, verdict`,
		offset.Microseconds(), from.UnixMicro(), to.UnixMicro(), string(tx.scope))
}
