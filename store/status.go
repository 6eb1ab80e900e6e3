package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/gateway"
)

// OwedStatuses is gateway.StatusReader's.
func (tx *Tx) OwedStatuses(ctx context.Context, after time.Time, limit int) ([]gateway.OwedStatus, error) {
	return list(ctx, tx, func(r row) (o gateway.OwedStatus, err error) {
		err = r.Scan(&o.Operation, &o.Organisation, sum{&o.Certificate}, moment{&o.Since})
		return o, err
	}, `SELECT operation, organisation, certificate, since FROM statuses_owed
		WHERE given_by = '' AND since > $1 AND ($2 = '*' OR organisation = $2) ORDER BY since, operation LIMIT $3`,
		after.UnixMicro(), string(tx.scope), limit)
}

// StatusGivenBy is gateway.StatusReader's.
func (tx *Tx) StatusGivenBy(ctx context.Context, operation string) (event string, err error) {
	return one(ctx, tx, func(r row) (event string, err error) {
		err = r.Scan(&event)
		return event, err
	}, `SELECT given_by FROM statuses_owed WHERE operation = $1 AND ($2 = '*' OR organisation = $2)`, operation, string(tx.scope))
}

// GiveStatus is gateway.StatusWriter's.
func (tx *Tx) GiveStatus(ctx context.Context, certificate [32]byte, until time.Time, event string) error {
	return changed(tx.exec(ctx, `UPDATE statuses_owed SET given_by = $1
		WHERE certificate = $2 AND given_by = '' AND since <= $3 AND ($4 = '*' OR organisation = $4)`,
		event, certificate[:], until.UnixMicro(), string(tx.scope)))
}

// owe notes that nobody could say whether the certificate of an operation was
// revoked.
func (tx *Tx) owe(ctx context.Context, o gateway.Operation, f gateway.Finish) error {
	if !f.StatusOwed {
		return nil
	}
	return added(tx.exec(ctx, `INSERT INTO statuses_owed (operation, organisation, certificate, since, given_by) VALUES ($1, $2, $3, $4, '')
		ON CONFLICT DO NOTHING`, o.ID, o.Organisation, f.Certificate[:], f.At.UnixMicro()))
}
