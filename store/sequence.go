package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/fault"
)

// maxHashes is how many stored hashes share a row: a full row has 1.5 KB,
// which PostgreSQL still keeps in the table itself.
const maxHashes = 48

func sha256Of(b []byte) [32]byte { return sha256.Sum256(b) }

// all runs fn over one state of the whole database, for the log.
func all[T any](ctx context.Context, db *DB, fn func(*Tx) (T, error)) (v T, err error) {
	err = db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// Append is evidence.Appender's, in a transaction of its own. What belongs to
// an operation of the gateway comes with its row, by [Tx.BeginOperation] and
// [Tx.FinishOperation].
func (db *DB) Append(ctx context.Context, e evidence.Entry) error {
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error { return tx.Append(ctx, e) })
}

// PutArtefact is evidence.Artefacts', in a transaction of its own.
func (db *DB) PutArtefact(ctx context.Context, blobs ...evidence.Blob) error {
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error { return tx.PutArtefact(ctx, blobs...) })
}

// Artefact is evidence.Artefacts'.
func (db *DB) Artefact(ctx context.Context, sha256 [32]byte) (b evidence.Blob, found bool, err error) {
	err = db.engine.view(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		b, found, err = tx.Artefact(ctx, sha256)
		return err
	})
	return b, found, err
}

func scanHead(r row) (h evidence.Head, err error) {
	err = r.Scan(&h.Size, sum{(*[32]byte)(&h.Root)})
	return h, err
}

// Head is evidence.Sequence's.
func (db *DB) Head(ctx context.Context) (evidence.Head, error) {
	return all(ctx, db, func(tx *Tx) (evidence.Head, error) {
		return one(ctx, tx, scanHead, `SELECT size, root FROM log_head WHERE id = 1`)
	})
}

// Pending is evidence.Sequence's.
func (db *DB) Pending(ctx context.Context, max int) ([]evidence.Pending, error) {
	return all(ctx, db, func(tx *Tx) ([]evidence.Pending, error) {
		return list(ctx, tx, func(r row) (p evidence.Pending, err error) {
			err = r.Scan(&p.Row, sum{&p.Leaf})
			return p, err
		}, `SELECT e.id, e.leaf FROM pending p JOIN entries e ON e.id = p.entry ORDER BY p.entry LIMIT $1`, max)
	})
}

// Waiting is evidence.Sequence's.
func (db *DB) Waiting(ctx context.Context, rows []int64) (map[int64]evidence.Entry, error) {
	found := map[int64]evidence.Entry{}
	if len(rows) == 0 {
		return found, nil
	}
	return all(ctx, db, func(tx *Tx) (map[int64]evidence.Entry, error) {
		for _, row := range rows {
			entries, err := list(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM entries e LEFT JOIN leaves l ON l.entry = e.id WHERE e.id = $1`, row)
			if err != nil {
				return nil, err
			}
			if len(entries) > 0 {
				found[row] = entries[0]
			}
		}
		return found, nil
	})
}

// Sealed is evidence.Sequence's. The newest is likely to be one.
func (db *DB) Sealed(ctx context.Context) (bool, error) {
	found, err := all(ctx, db, func(tx *Tx) ([]int64, error) {
		return list(ctx, tx, func(r row) (n int64, err error) {
			err = r.Scan(&n)
			return n, err
		}, `SELECT l.leaf_index FROM leaves l JOIN entries e ON e.id = l.entry
			WHERE e.phase = 'intent' AND e.receipt IS NOT NULL ORDER BY l.leaf_index DESC LIMIT 1`)
	})
	return len(found) > 0, err
}

// OldestPending is evidence.Sequence's.
func (db *DB) OldestPending(ctx context.Context) (time.Time, bool, error) {
	found, err := all(ctx, db, func(tx *Tx) ([]time.Time, error) {
		return list(ctx, tx, func(r row) (t time.Time, err error) {
			err = r.Scan(moment{&t})
			return t, err
		}, `SELECT promise FROM pending ORDER BY promise LIMIT 1`)
	})
	if err != nil || len(found) == 0 {
		return time.Time{}, false, err
	}
	return found[0], true, nil
}

// Integrate is evidence.Sequence's.
func (db *DB) Integrate(ctx context.Context, old evidence.Head, rows []int64, hashes []tlog.Hash, head evidence.Head) error {
	if len(rows) == 0 || int64(len(rows)) != head.Size-old.Size ||
		int64(len(hashes)) != tlog.StoredHashCount(head.Size)-tlog.StoredHashCount(old.Size) {
		return fmt.Errorf("store: %d rows and %d hashes do not lead from size %d to %d", len(rows), len(hashes), old.Size, head.Size)
	}
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE log_head SET size = $1, root = $2 WHERE id = 1 AND size = $3 AND root = $4`,
			head.Size, head.Root[:], old.Size, old.Root[:])
		if err != nil {
			return err
		}
		if n == 0 {
			return evidence.ErrConflict
		}
		if err := tx.s.place(ctx, tx, old.Size, rows); err != nil {
			return err
		}
		fault.Point("tree.placed")
		first := tlog.StoredHashCount(old.Size)
		for part := range slices.Chunk(hashes, maxHashes) {
			packed := make([]byte, 0, len(part)*tlog.HashSize)
			for _, h := range part {
				packed = append(packed, h[:]...)
			}
			if _, err := tx.exec(ctx, `INSERT INTO tree_hashes (first, hashes) VALUES ($1, $2)`, first, packed); err != nil {
				return err
			}
			first += int64(len(part))
		}
		return nil
	})
}

// placed turns the counts of what place wrote into an error: each row must have
// been pending and is now in the tree.
func placed(removed, added int64, rows []int64) error {
	if removed != int64(len(rows)) || added != int64(len(rows)) {
		return evidence.ErrConflict
	}
	return nil
}

func (c *sqliteConn) place(ctx context.Context, tx *Tx, index int64, rows []int64) error {
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	removed, err := tx.exec(ctx, `DELETE FROM pending WHERE entry IN (SELECT value FROM json_each($1))`, string(list))
	if err != nil {
		return err
	}
	// Without a WHERE clause SQLite takes ON CONFLICT for that of a join.
	added, err := tx.exec(ctx, `INSERT INTO leaves (leaf_index, entry) SELECT $1 + key, value FROM json_each($2) WHERE true ON CONFLICT DO NOTHING`,
		index, string(list))
	if err != nil {
		return err
	}
	return placed(removed, added, rows)
}

func (s *postgresSession) place(ctx context.Context, tx *Tx, index int64, rows []int64) error {
	removed, err := tx.exec(ctx, `DELETE FROM pending WHERE entry = ANY($1)`, rows)
	if err != nil {
		return err
	}
	added, err := tx.exec(ctx, `INSERT INTO leaves (leaf_index, entry) SELECT $1::bigint + n - 1, entry
		FROM unnest($2::bigint[]) WITH ORDINALITY AS t (entry, n) ON CONFLICT DO NOTHING`, index, rows)
	if err != nil {
		return err
	}
	return placed(removed, added, rows)
}

// Entries is evidence.Tree's.
func (db *DB) Entries(ctx context.Context, from, n int64) ([]evidence.Entry, error) {
	return all(ctx, db, func(tx *Tx) ([]evidence.Entry, error) {
		return list(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM leaves l JOIN entries e ON e.id = l.entry
			WHERE l.leaf_index >= $1 AND l.leaf_index < $2 ORDER BY l.leaf_index`, from, from+n)
	})
}

// EntriesOf is evidence.Tree's.
func (db *DB) EntriesOf(ctx context.Context, operation string) ([]evidence.Entry, error) {
	return all(ctx, db, func(tx *Tx) ([]evidence.Entry, error) { return tx.EntriesOf(ctx, operation) })
}
