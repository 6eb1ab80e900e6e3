package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
)

// hashRow is a row of tree_hashes.
type hashRow struct {
	first  int64
	hashes []byte
}

func scanHashRow(r row) (h hashRow, err error) {
	err = r.Scan(&h.first, &h.hashes)
	return h, err
}

// has tells whether the row holds the hash of that index.
func (h hashRow) has(index int64) bool {
	return h.first <= index && index < h.first+int64(len(h.hashes)/tlog.HashSize)
}

func (h hashRow) at(index int64) (hash tlog.Hash) {
	copy(hash[:], h.hashes[(index-h.first)*tlog.HashSize:])
	return hash
}

// Hashes is evidence.Tree's.
func (db *DB) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	found, err := all(ctx, db, func(tx *Tx) ([]hashRow, error) {
		low, high := slices.Min(indexes), slices.Max(indexes)
		if high-low < 4*int64(len(indexes)) { // a tile, an audit
			return list(ctx, tx, scanHashRow, `SELECT first, hashes FROM tree_hashes
				WHERE first >= coalesce((SELECT max(first) FROM tree_hashes WHERE first <= $1), 0) AND first <= $2 ORDER BY first`, low, high)
		}
		return tx.s.hashRows(ctx, tx, indexes)
	})
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		n, exact := slices.BinarySearchFunc(found, index, func(h hashRow, index int64) int { return cmp.Compare(h.first, index) })
		if !exact {
			n--
		}
		if n < 0 || !found[n].has(index) {
			return nil, fmt.Errorf("store: %w: %d", evidence.ErrNoHash, index)
		}
		out[i] = found[n].at(index)
	}
	return out, nil
}

// hashRows returns the rows that may hold the hashes, by first.
func (c *sqliteConn) hashRows(ctx context.Context, tx *Tx, indexes []int64) ([]hashRow, error) {
	sorted := slices.Sorted(slices.Values(indexes))
	var out []hashRow
	for _, index := range sorted {
		if len(out) > 0 && out[len(out)-1].has(index) {
			continue
		}
		row, err := list(ctx, tx, scanHashRow, `SELECT first, hashes FROM tree_hashes WHERE first <= $1 ORDER BY first DESC LIMIT 1`, index)
		if err != nil {
			return nil, err
		}
		if len(row) > 0 && (len(out) == 0 || out[len(out)-1].first != row[0].first) {
			out = append(out, row[0])
		}
	}
	return out, nil
}

// hashRows asks for all of them at once: each question is a round trip.
func (s *postgresSession) hashRows(ctx context.Context, tx *Tx, indexes []int64) ([]hashRow, error) {
	return list(ctx, tx, scanHashRow, `SELECT DISTINCT ON (t.first) t.first, t.hashes FROM unnest($1::bigint[]) AS i (n)
		CROSS JOIN LATERAL (SELECT first, hashes FROM tree_hashes WHERE first <= i.n ORDER BY first DESC LIMIT 1) t
		ORDER BY t.first`, indexes)
}
