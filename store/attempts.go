package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/gateway"
)

// attempts reads the state for a signer and an application of the transaction's
// organisation; zero when there is none.
func (tx *Tx) attempts(ctx context.Context, signer, application, lock string) (a gateway.Attempts, err error) {
	found, err := list(ctx, tx, func(r row) (a gateway.Attempts, err error) {
		err = r.Scan(&a.Failures, moment{&a.NotBefore}, moment{&a.LockedAt})
		return a, err
	}, `SELECT failures, not_before, locked_at FROM attempts WHERE organisation = $1 AND signer = $2 AND application = $3`+lock,
		tx.organisation(), signer, application)
	if err != nil || len(found) == 0 {
		return a, err
	}
	return found[0], nil
}

// hold makes sure that there is a row and locks it, so that attempts for one
// signer and application are counted one after the other.
func (tx *Tx) hold(ctx context.Context, signer, application string) (gateway.Attempts, error) {
	n, err := tx.exec(ctx, `INSERT INTO attempts (organisation, signer, application, failures) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING`,
		tx.organisation(), signer, application)
	if err == nil && n > 0 {
		err = tx.seal(ctx, sealedAttempts, tx.organisation(), signer, application)
	} else if err == nil {
		err = tx.vouched(ctx, sealedAttempts, tx.organisation(), signer, application)
	}
	if err != nil {
		return gateway.Attempts{}, err
	}
	return tx.attempts(ctx, signer, application, tx.s.lock("UPDATE"))
}

func (tx *Tx) count(ctx context.Context, query string, args ...any) (int, error) {
	return one(ctx, tx, func(r row) (n int, err error) {
		err = r.Scan(&n)
		return n, err
	}, query, args...)
}

// recent counts the wrong passphrases of the organisation.
func (tx *Tx) recent(ctx context.Context, at time.Time, p gateway.AttemptPolicy) (int, error) {
	return tx.count(ctx, `SELECT count(*) FROM attempt_failures WHERE organisation = $1 AND at > $2`, tx.organisation(), at.Add(-p.Window).UnixMicro())
}

// Attempts is gateway.OversightReader's.
func (tx *Tx) Attempts(ctx context.Context, signer, application string, at time.Time, p gateway.AttemptPolicy) (gateway.Attempts, error) {
	a, err := tx.attempts(ctx, signer, application, "")
	if err == nil {
		a.Recent, err = tx.recent(ctx, at, p)
	}
	return a, err
}

// BeginAttempt is gateway.AttemptWriter's.
func (tx *Tx) BeginAttempt(ctx context.Context, signer, application string, at time.Time, p gateway.AttemptPolicy) (gateway.Attempts, error) {
	a, err := tx.hold(ctx, signer, application)
	if err != nil {
		return a, err
	}
	if !a.LockedAt.IsZero() {
		return a, gateway.ErrLocked
	}
	if at.Before(a.NotBefore) {
		return a, gateway.ErrTooSoon
	}
	if _, err := tx.exec(ctx, `DELETE FROM attempt_reservations WHERE organisation = $1 AND signer = $2 AND application = $3 AND expires_at <= $4`,
		tx.organisation(), signer, application, at.UnixMicro()); err != nil {
		return a, err
	}
	reserved, err := tx.count(ctx, `SELECT count(*) FROM attempt_reservations WHERE organisation = $1 AND signer = $2 AND application = $3`,
		tx.organisation(), signer, application)
	if err != nil {
		return a, err
	}
	if a.Failures+reserved >= p.Limit {
		return a, gateway.ErrTooSoon
	}
	_, err = tx.exec(ctx, `INSERT INTO attempt_reservations (organisation, signer, application, expires_at) VALUES ($1, $2, $3, $4)`,
		tx.organisation(), signer, application, at.Add(p.ReservedFor).UnixMicro())
	return a, err
}

// AbandonAttempt is gateway.AttemptWriter's.
func (tx *Tx) AbandonAttempt(ctx context.Context, signer, application string) error {
	if _, err := tx.hold(ctx, signer, application); err != nil {
		return err
	}
	return tx.release(ctx, signer, application)
}

// release takes one reservation back. The caller holds the row.
func (tx *Tx) release(ctx context.Context, signer, application string) error {
	_, err := tx.exec(ctx, `DELETE FROM attempt_reservations WHERE id = (SELECT min(id) FROM attempt_reservations
		WHERE organisation = $1 AND signer = $2 AND application = $3)`, tx.organisation(), signer, application)
	return err
}

// EndAttempt is gateway.AttemptWriter's.
func (tx *Tx) EndAttempt(ctx context.Context, signer, application string, correct bool, at time.Time, p gateway.AttemptPolicy) (gateway.Attempts, error) {
	a, err := tx.hold(ctx, signer, application)
	if err != nil {
		return a, err
	}
	if err := tx.release(ctx, signer, application); err != nil {
		return a, err
	}
	if correct {
		// A lock stays: it was earned by others that were under way.
		if a.LockedAt.IsZero() {
			a.Failures, a.NotBefore = 0, time.Time{}
		}
	} else {
		a.Failures++
		a.NotBefore = at.Add(p.Delay(a.Failures))
		if a.Failures >= p.Limit && a.LockedAt.IsZero() {
			a.LockedAt = at
		}
		if _, err := tx.exec(ctx, `INSERT INTO attempt_failures (organisation, at) VALUES ($1, $2)`, tx.organisation(), at.UnixMicro()); err != nil {
			return a, err
		}
	}
	if _, err := tx.exec(ctx, `UPDATE attempts SET failures = $1, not_before = $2, locked_at = $3 WHERE organisation = $4 AND signer = $5 AND application = $6`,
		a.Failures, micros(a.NotBefore), micros(a.LockedAt), tx.organisation(), signer, application); err != nil {
		return a, err
	}
	if err := tx.seal(ctx, sealedAttempts, tx.organisation(), signer, application); err != nil {
		return a, err
	}
	a.Recent, err = tx.recent(ctx, at, p)
	return a, err
}

// ClearAttempts is gateway.AttemptWriter's.
func (tx *Tx) ClearAttempts(ctx context.Context, signer, application string) error {
	_, err := tx.exec(ctx, `DELETE FROM attempts WHERE organisation = $1 AND signer = $2 AND ($3 = '' OR application = $3)`,
		tx.organisation(), signer, application)
	return err
}
