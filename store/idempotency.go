package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/gateway"
)

// reservation is a row of idempotency.
type reservation struct {
	request   [32]byte
	operation string
	tail      []byte
	expires   time.Time
}

func (tx *Tx) reservation(ctx context.Context, r gateway.Reservation, lock string) (*reservation, error) {
	found, err := list(ctx, tx, func(rs row) (v reservation, err error) {
		err = rs.Scan(sum{&v.request}, &v.operation, &v.tail, moment{&v.expires})
		return v, err
	}, `SELECT request_sha256, operation, tail, expires_at FROM idempotency WHERE application = $1 AND idem_key = $2
		AND ($3 = '*' OR organisation = $3)`+lock, r.Application, r.Key, string(tx.scope))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Prior is gateway.OperationReader's.
func (tx *Tx) Prior(ctx context.Context, r gateway.Reservation, at time.Time) (*gateway.Prior, error) {
	v, err := tx.reservation(ctx, r, "")
	if err != nil || v == nil || !at.Before(v.expires) {
		return nil, err
	}
	return tx.prior(ctx, r, v)
}

func (tx *Tx) prior(ctx context.Context, r gateway.Reservation, v *reservation) (*gateway.Prior, error) {
	if v.request != r.RequestSHA256 {
		return nil, gateway.ErrIdempotencyConflict
	}
	o, err := tx.Operation(ctx, v.operation)
	if err != nil {
		return nil, err
	}
	return &gateway.Prior{Operation: o, Tail: v.tail}, nil
}

// reserve takes an idempotency key for an operation, or returns what has it.
func (tx *Tx) reserve(ctx context.Context, r gateway.Reservation, o gateway.Operation) (*gateway.Prior, error) {
	const tries = 3 // the key may be freed between the two statements
	for range tries {
		// Of two transactions that insert the same key on PostgreSQL the second
		// waits here until the first has ended.
		n, err := tx.exec(ctx, `INSERT INTO idempotency (organisation, application, idem_key, request_sha256, operation, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (application, idem_key) DO NOTHING`,
			o.Organisation, r.Application, r.Key, r.RequestSHA256[:], o.ID, r.ExpiresAt.UnixMicro())
		if err != nil || n == 1 {
			return nil, err
		}
		v, err := tx.reservation(ctx, r, tx.s.lock("UPDATE"))
		switch {
		case err != nil:
			return nil, err
		case v == nil:
			continue
		case o.StartedAt.Before(v.expires):
			return tx.prior(ctx, r, v)
		}
		_, err = tx.exec(ctx, `UPDATE idempotency SET request_sha256 = $1, operation = $2, tail = NULL, expires_at = $3
			WHERE application = $4 AND idem_key = $5`, r.RequestSHA256[:], o.ID, r.ExpiresAt.UnixMicro(), r.Application, r.Key)
		return nil, err
	}
	return nil, gateway.ErrChanged
}
