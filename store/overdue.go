package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/evidence"
)

// Overdue is evidence.Sequence's. It reads the places themselves: whoever holds
// the database can take an entry off the list of those that wait, and then
// nothing else would miss it.
func (db *DB) Overdue(ctx context.Context, before time.Time, max int) ([]evidence.Entry, error) {
	return all(ctx, db, func(tx *Tx) ([]evidence.Entry, error) {
		return list(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM entries e LEFT JOIN leaves l ON l.entry = e.id
			WHERE l.entry IS NULL AND e.promise < $1 ORDER BY e.id LIMIT $2`, before.UnixMicro(), max)
	})
}
