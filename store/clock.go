package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// ResetClock records that the clock had run ahead: the event e of operation o,
// dated by the clock that is right again, becomes the last entry, and the latest
// moment on record is its time. Nothing that is on record changes.
//
// What was given a time to end by the clock that was wrong would outlive it:
// activations and sessions made in what is now the future end, waits after
// wrong passphrases end, one-time passwords of now are taken again, and
// idempotency keys are kept for tail at most. Proposals of then that nobody has
// decided end, for they would wait that much longer for a second person.
// Signers that were locked stay so. No gateway may run meanwhile: it remembers
// the wrong moment, and writes it again.
//
// It returns gateway.ErrExists when the operation exists.
func (db *DB) ResetClock(ctx context.Context, o gateway.Operation, e evidence.Entry, tail time.Duration) error {
	now := e.Time.UnixMicro()
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		if err := tx.RecordEvent(ctx, o, e); err != nil {
			return err
		}
		tx.rowKey = db.rowKey
		for _, s := range []struct {
			statement string
			args      []any
		}{
			{`UPDATE time_floor SET at = $1 WHERE id = 1`, []any{now}},
			{`UPDATE activations SET revoked_at = $1, sealed = NULL WHERE created_at > $1 AND revoked_at IS NULL`, []any{now}},
			{`UPDATE sessions SET ended_at = $1 WHERE created_at > $1 AND ended_at IS NULL`, []any{now}},
			{`DELETE FROM attempt_reservations WHERE expires_at > $1`, []any{now}},
			{`UPDATE attempt_failures SET at = $1 WHERE at > $1`, []any{now}},
			{`UPDATE statuses_owed SET since = $1 WHERE since > $1 AND given_by = ''`, []any{now}},
			{`UPDATE idempotency SET expires_at = $1 WHERE expires_at > $1`, []any{e.Time.Add(tail).UnixMicro()}},
		} {
			if _, err := tx.exec(ctx, s.statement, s.args...); err != nil {
				return err
			}
		}
		for _, s := range []struct {
			table   sealedTable
			set, of string
			arg     int64
		}{
			{sealedAttempts, `not_before = $1`, `not_before > $1`, now},
			{sealedStaff, `not_before = $1, version = version + 1`, `not_before > $1`, now},
			{sealedStaff, `last_step = $1, version = version + 1`, `last_step > $1`, gateway.OneTimeStep(e.Time)},
			{sealedProposals, `expires_at = $1`, `status = 'pending' AND proposed_at > $1`, now},
		} {
			if err := tx.setAll(ctx, s.table, s.set, s.of, s.arg); err != nil {
				return err
			}
		}
		return nil
	})
}
