package store

import (
	"context"
	"fmt"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// SaveCheckpoint is evidence.Checkpoints'.
func (db *DB) SaveCheckpoint(ctx context.Context, c evidence.Checkpoint) error {
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		n, err := tx.exec(ctx, `INSERT INTO checkpoints (size, root, note, at) VALUES ($1, $2, $3, $4) ON CONFLICT (size) DO NOTHING`,
			c.Size, c.Root[:], blob(c.Note), c.Time.UnixMicro())
		if err != nil || n == 1 {
			return err
		}
		first, err := one(ctx, tx, scanHead, `SELECT size, root FROM checkpoints WHERE size = $1`, c.Size)
		if err == nil && first != c.Head {
			err = evidence.ErrConflict
		}
		return err
	})
}

// LatestCheckpoint is evidence.Checkpoints'.
func (db *DB) LatestCheckpoint(ctx context.Context) (evidence.Checkpoint, bool, error) {
	return db.checkpoint(ctx, `LEFT JOIN checkpoint_tokens t ON t.size = c.size WHERE c.size >= $1 ORDER BY c.size DESC LIMIT 1`, 0)
}

// CheckpointFor is evidence.Checkpoints'.
func (db *DB) CheckpointFor(ctx context.Context, size int64, stamped bool) (evidence.Checkpoint, bool, error) {
	join := `LEFT JOIN`
	if stamped {
		join = `JOIN`
	}
	return db.checkpoint(ctx, join+` checkpoint_tokens t ON t.size = c.size WHERE c.size >= $1 ORDER BY c.size LIMIT 1`, size)
}

// checkpoint returns the one that the end of the query chooses.
func (db *DB) checkpoint(ctx context.Context, choose string, size int64) (evidence.Checkpoint, bool, error) {
	found, err := all(ctx, db, func(tx *Tx) ([]evidence.Checkpoint, error) {
		found, err := list(ctx, tx, scanCheckpoint, `SELECT c.size, c.root, c.note, c.at, t.token, t.material FROM checkpoints c `+choose, size)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		found[0].Cosignatures, err = list(ctx, tx, func(r row) (line string, err error) {
			err = r.Scan(&line)
			return line, err
		}, `SELECT line FROM checkpoint_cosignatures WHERE size = $1 ORDER BY line`, found[0].Size)
		return found, err
	})
	if err != nil || len(found) == 0 {
		return evidence.Checkpoint{}, false, err
	}
	return found[0], true, nil
}

func scanCheckpoint(r row) (c evidence.Checkpoint, err error) {
	var material []byte
	if err := r.Scan(&c.Size, sum{(*[32]byte)(&c.Root)}, &c.Note, moment{&c.Time}, &c.Token, &material); err != nil {
		return c, err
	}
	if len(material)%32 != 0 {
		return c, fmt.Errorf("store: the material of checkpoint %d has %d bytes", c.Size, len(material))
	}
	for ; len(material) > 0; material = material[32:] {
		c.Material = append(c.Material, [32]byte(material))
	}
	return c, nil
}

// Annotate is evidence.Checkpoints'.
func (db *DB) Annotate(ctx context.Context, size int64, a evidence.Annotation) error {
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		if _, err := one(ctx, tx, scanHead, `SELECT size, root FROM checkpoints WHERE size = $1`, size); err != nil {
			return fmt.Errorf("store: checkpoint %d: %w", size, err)
		}
		if a.Token != nil {
			material := []byte{}
			for _, m := range a.Material {
				material = append(material, m[:]...)
			}
			if _, err := tx.exec(ctx, `INSERT INTO checkpoint_tokens (size, token, material) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING`,
				size, a.Token, material); err != nil {
				return err
			}
		}
		for _, line := range a.Cosignatures {
			if _, err := tx.exec(ctx, `INSERT INTO checkpoint_cosignatures (size, line) VALUES ($1, $2) ON CONFLICT DO NOTHING`, size, line); err != nil {
				return err
			}
		}
		return nil
	})
}
