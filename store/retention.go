package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/absah-id/absah/gateway"
)

// Hold is gateway.RetentionWriter's.
func (tx *Tx) Hold(ctx context.Context, reason string, sha256 [][32]byte, at time.Time) error {
	// In the order of PutArtefact, which locks them as well.
	sha256 = slices.Clone(sha256)
	slices.SortFunc(sha256, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, d := range sha256 {
		// Who erases it at the same time waits, and finds it held, or has
		// erased it already.
		if _, err := list(ctx, tx, func(r row) (org string, err error) {
			err = r.Scan(&org)
			return org, err
		}, `SELECT organisation FROM artefacts WHERE sha256 = $1 AND organisation IN ($2, '') ORDER BY organisation`+tx.s.lock("SHARE"), d[:], tx.organisation()); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO holds (organisation, reason, sha256, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (sha256, organisation, reason) DO NOTHING`, tx.organisation(), reason, d[:], at.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseHold is gateway.RetentionWriter's.
func (tx *Tx) ReleaseHold(ctx context.Context, reason string) error {
	_, err := tx.exec(ctx, `DELETE FROM holds WHERE organisation = $1 AND reason = $2`, tx.organisation(), reason)
	return err
}

// EraseArtefact is gateway.RetentionWriter's.
func (tx *Tx) EraseArtefact(ctx context.Context, sha256 [32]byte, at time.Time) error {
	// The row is locked first, then looked for in holds: whoever holds it at the
	// same time has either come first or finds it erased.
	kept, err := list(ctx, tx, func(r row) (org string, err error) {
		err = r.Scan(&org)
		return org, err
	}, `SELECT organisation FROM artefacts WHERE sha256 = $1 AND organisation = $2 AND data IS NOT NULL`+tx.s.lock("UPDATE"), sha256[:], tx.organisation())
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		return gateway.ErrNotFound
	}
	held, err := tx.count(ctx, `SELECT count(*) FROM holds WHERE sha256 = $1 AND (organisation = $2 OR $2 = '')`, sha256[:], tx.organisation())
	if err != nil {
		return err
	}
	if held > 0 {
		return gateway.ErrHeld
	}
	_, err = tx.exec(ctx, `UPDATE artefacts SET data = NULL, erased_at = $1 WHERE sha256 = $2 AND organisation = $3`,
		at.UnixMicro(), sha256[:], tx.organisation())
	return err
}

// Purge is gateway.RetentionWriter's.
func (tx *Tx) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	var total int64
	for _, query := range []string{
		`DELETE FROM idempotency WHERE operation IN (SELECT i.operation FROM idempotency i JOIN operations o ON o.id = i.operation
			WHERE i.expires_at < $1 AND o.status <> 'pending' AND ($2 = '*' OR i.organisation = $2) ORDER BY i.expires_at LIMIT $3)`,
		`UPDATE activations SET sealed = NULL WHERE id IN (SELECT id FROM activations
			WHERE sealed IS NOT NULL AND expires_at < $1 AND ($2 = '*' OR organisation = $2) ORDER BY expires_at LIMIT $3)`,
	} {
		n, err := tx.exec(ctx, query, before.UnixMicro(), string(tx.scope), limit)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return int(total), nil
}
