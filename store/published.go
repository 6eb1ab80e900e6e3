package store

import (
	"context"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// recentPublished is how many of the newest checkpoints may still be unlisted
// although a newer one is listed: nodes that sign at the same moment do not write in
// order, and timestamps and cosignatures come later.
const recentPublished = 1000

// publishedIn are the tables whose rows are listed, in the order of lists.
var publishedIn = []struct {
	what, table, columns string
	scan                 func(row) (evidence.Published, error)
}{
	{evidence.PublishedNote, "checkpoints", "size, note", func(r row) (evidence.Published, error) {
		var size int64
		var note []byte
		err := r.Scan(&size, &note)
		return evidence.NotePublished(size, note), err
	}},
	{evidence.PublishedToken, "checkpoint_tokens", "size, token, material", func(r row) (evidence.Published, error) {
		var size int64
		var token, material []byte
		err := r.Scan(&size, &token, &material)
		return evidence.TokenPublished(size, token, material), err
	}},
	{evidence.PublishedCosignature, "checkpoint_cosignatures", "size, line", func(r row) (evidence.Published, error) {
		var size int64
		var line string
		err := r.Scan(&size, &line)
		return evidence.CosignaturePublished(size, line), err
	}},
}

// Unlisted is gateway.LogReader's.
func (tx *Tx) Unlisted(ctx context.Context, max int) (all []evidence.Published, err error) {
	for _, t := range publishedIn {
		// What is below the last one listed, and not among the newest, is listed
		// or was there before there were lists.
		from, err := tx.count(ctx, `SELECT min(n) FROM (SELECT coalesce(max(size), -1) AS n FROM checkpoint_lists WHERE what = $1
			UNION ALL SELECT coalesce((SELECT size FROM `+t.table+` ORDER BY size DESC LIMIT 1 OFFSET $2), -1)) AS bounds`, t.what, recentPublished)
		if err != nil {
			return nil, err
		}
		listed := map[evidence.Published]bool{}
		seen, err := list(ctx, tx, scanListed, `SELECT what, size, sha256 FROM checkpoint_lists WHERE what = $1 AND size > $2`, t.what, from)
		if err != nil {
			return nil, err
		}
		for _, p := range seen {
			listed[p] = true
		}
		found, err := list(ctx, tx, t.scan, `SELECT `+t.columns+` FROM `+t.table+` WHERE size > $1 ORDER BY size LIMIT $2`, from, max+len(seen))
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if !listed[p] && len(all) < max {
				all = append(all, p)
			}
		}
	}
	last, err := tx.lastList(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Size != last+1 {
			return all, nil
		}
	}
	return nil, nil // a checkpoint over nothing but the last list, and what was said of it
}

// lastList returns the place in the tree of the last list; one that is nobody's when
// there is none, or when it waits for its own.
func (tx *Tx) lastList(ctx context.Context) (int64, error) {
	found, err := list(ctx, tx, func(r row) (n int64, err error) {
		err = r.Scan(&n)
		return n, err
	}, `SELECT coalesce((SELECT l.leaf_index FROM entries e JOIN leaves l ON l.entry = e.id WHERE e.operation = c.operation), -2)
		FROM checkpoint_lists c ORDER BY c.id DESC LIMIT 1`)
	if err != nil || len(found) == 0 {
		return -2, err
	}
	return found[0], nil
}

func scanListed(r row) (p evidence.Published, err error) {
	err = r.Scan(&p.What, &p.Size, sum{&p.SHA256})
	return p, err
}

// ListPublished is gateway.LogWriter's.
func (tx *Tx) ListPublished(ctx context.Context, operation string, all []evidence.Published) error {
	for _, p := range all {
		if err := changed(tx.exec(ctx, `INSERT INTO checkpoint_lists (what, size, sha256, operation) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			p.What, p.Size, p.SHA256[:], operation)); err != nil {
			return err
		}
	}
	return nil
}

// lists compares what a record lists with what is there.
func (b *beside) lists(ctx context.Context, tx *Tx, r *evidence.Record) (found, err error) {
	if r.Kind != evidence.KindCheckpoints || len(r.Artefacts) != 1 {
		return nil, nil
	}
	named := sumOf(r.Artefacts[0].SHA256)
	blobs, err := list(ctx, tx, func(r row) (data []byte, err error) {
		err = r.Scan(&data)
		return data, err
	}, `SELECT data FROM artefacts WHERE sha256 = $1 AND data IS NOT NULL`, named[:])
	if err != nil || len(blobs) == 0 {
		return nil, err // missing: said already; erased: Rest says whether a record says so
	}
	all, err := evidence.ParsePublished(blobs[0])
	if err != nil || sha256Of(blobs[0]) != named {
		return evidence.Differs(evidence.RuleArtefact, "the list %x is not what its digest says", named), nil
	}
	for _, t := range publishedIn {
		there := map[evidence.Published]bool{}
		var sizes []any
		for _, p := range all {
			if p.What == t.what {
				sizes = append(sizes, p.Size)
			}
		}
		if err := among(ctx, tx, t.scan, func(p evidence.Published) { there[p] = true }, `SELECT `+t.columns+` FROM `+t.table+` WHERE size IN `, sizes); err != nil {
			return nil, err
		}
		for _, p := range all {
			if p.What == t.what && !there[p] {
				return evidence.Differs(evidence.RuleListed, "the %s of the checkpoint of %d entries that operation %s lists is missing or another", p.What, p.Size, r.Operation), nil
			}
		}
	}
	n, err := tx.count(ctx, `SELECT count(*) FROM checkpoint_lists WHERE operation = $1`, r.Operation)
	if err == nil && n != len(all) {
		found = evidence.Differs(evidence.RuleTable, "%d rows say that operation %s lists something of a checkpoint, which lists %d", n, r.Operation, len(all))
	}
	return found, err
}

// strayLists looks for rows that name a list which is none: what they say is listed
// would not be.
func (b *beside) strayLists(ctx context.Context, tx *Tx) (found, err error) {
	id, ok, err := first(ctx, tx, `SELECT c.operation FROM checkpoint_lists c
		WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = c.operation AND o.kind = $1) LIMIT 1`, evidence.KindCheckpoints)
	if ok {
		return evidence.Differs(evidence.RuleTable, "no list is the operation %.64q, which is said to list something of a checkpoint", id), nil
	}
	return nil, err
}

var _ gateway.LogWriter = (*Tx)(nil)
