package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/fault"
)

const entryColumns = `e.salt, e.record, e.leaf, e.receipt, e.organisation, e.operation, e.phase, e.kind, e.at, e.promise, l.leaf_index`

func scanEntry(r row) (e evidence.Entry, err error) {
	var place *int64
	err = r.Scan(sum{&e.Salt}, &e.Record, sum{&e.Leaf}, &e.Receipt, &e.Organisation, &e.Operation, &e.Phase, &e.Kind,
		moment{&e.Time}, moment{&e.Promise}, &place)
	e.Index = -1
	if place != nil {
		e.Index = *place
	}
	return e, err
}

// Append is evidence.Appender's.
func (tx *Tx) Append(ctx context.Context, e evidence.Entry) error {
	if err := tx.owns(e.Organisation); err != nil {
		return err
	}
	if len(e.Record) > evidence.MaxRecord {
		return fmt.Errorf("store: a record has %d bytes, more than %d", len(e.Record), evidence.MaxRecord)
	}
	slot := int64(0)
	if e.Phase == evidence.PhaseEvent {
		slot = int64(binary.BigEndian.Uint64(e.Leaf[:8]) | 1) // not 0
	}
	n, err := tx.exec(ctx, `INSERT INTO entries (organisation, operation, phase, slot, kind, at, promise, salt, leaf, record, receipt)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (operation, phase, slot) DO NOTHING`,
		e.Organisation, e.Operation, string(e.Phase), slot, e.Kind, e.Time.UnixMicro(), e.Promise.UnixMicro(),
		e.Salt[:], e.Leaf[:], e.Record, e.Receipt)
	fault.Point("entry.written")
	if err == nil && n == 0 {
		return evidence.ErrDuplicate
	}
	return err
}

// EntriesOf is evidence.Tree's, within the scope.
func (tx *Tx) EntriesOf(ctx context.Context, operation string) ([]evidence.Entry, error) {
	return list(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM entries e LEFT JOIN leaves l ON l.entry = e.id
		WHERE e.operation = $1 AND ($2 = '*' OR e.organisation = $2)
		ORDER BY l.leaf_index IS NULL, l.leaf_index, e.id`, operation, string(tx.scope))
}

// PutArtefact is evidence.Artefacts'. Bytes that were erased are kept again.
//
// On PostgreSQL a row is locked until the transaction ends, one that is there
// already too, such as that of an authority's certificate: all go in the order of
// their digests, or two transactions could each wait for a row of the other.
func (tx *Tx) PutArtefact(ctx context.Context, blobs ...evidence.Blob) error {
	sums := make(map[*evidence.Blob][32]byte, len(blobs))
	order := make([]*evidence.Blob, len(blobs))
	for i := range blobs {
		order[i] = &blobs[i]
		sums[order[i]] = sha256Of(blobs[i].Data)
	}
	slices.SortStableFunc(order, func(a, b *evidence.Blob) int {
		x, y := sums[a], sums[b]
		return cmp.Or(bytes.Compare(x[:], y[:]), strings.Compare(a.Organisation, b.Organisation))
	})
	for _, b := range order {
		if err := tx.putArtefact(ctx, b, sums[b]); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) putArtefact(ctx context.Context, b *evidence.Blob, d [32]byte) error {
	if b.Organisation != "" {
		if err := tx.owns(b.Organisation); err != nil {
			return err
		}
	}
	fault.Point("artefact.before")
	_, err := tx.exec(ctx, `INSERT INTO artefacts (organisation, sha256, kind, size, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (sha256, organisation) DO UPDATE SET data = excluded.data, erased_at = NULL WHERE artefacts.data IS NULL`,
		b.Organisation, d[:], b.Kind, len(b.Data), blob(b.Data))
	fault.Point("artefact.after")
	return err
}

// Artefact is evidence.Artefacts', within the scope.
func (tx *Tx) Artefact(ctx context.Context, sha256 [32]byte) (evidence.Blob, bool, error) {
	found, err := list(ctx, tx, func(r row) (b evidence.Blob, err error) {
		err = r.Scan(&b.Organisation, &b.Kind, &b.Data)
		return b, err
	}, `SELECT organisation, kind, data FROM artefacts WHERE sha256 = $1 AND data IS NOT NULL
		AND ($2 = '*' OR organisation = $2 OR organisation = '') ORDER BY organisation DESC LIMIT 1`, sha256[:], string(tx.scope))
	if err != nil || len(found) == 0 {
		return evidence.Blob{}, false, err
	}
	return found[0], true, nil
}
