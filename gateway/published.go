package gateway

import (
	"context"
	"errors"
	"strconv"

	"github.com/absah-id/absah/evidence"
)

// maxListed bounds what one list holds, some 80 bytes for each; the rest comes with
// the next.
const maxListed = 5000

// ListCheckpoints puts on record which checkpoints, timestamps and cosignatures there
// are that no record lists yet, and returns how many. Nothing else in the log speaks
// of them: without a list an administrator of the database could take away the
// timestamp that says when a record existed, and no audit would miss it. What is newer
// than the last list is not protected so; a list that has only itself to speak of is
// not made.
func (g *Gateway) ListCheckpoints(ctx context.Context) (n int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	var all []evidence.Published
	err = g.view(ctx, Scope(g.cfg.Organisation), func(r Reader) (err error) {
		all, err = r.Unlisted(ctx, maxListed)
		return err
	})
	if err != nil || len(all) == 0 {
		return 0, err
	}
	blob := evidence.Blob{Organisation: g.cfg.Organisation, Kind: evidence.ArtefactCheckpoints, Data: evidence.MarshalPublished(all)}
	id := newID()
	err = g.recordAt(ctx, Caller{Authentication: "none"}, id, at, evidence.Record{
		Kind: evidence.KindCheckpoints, Result: evidence.Result{Status: evidence.StatusOK},
		Artefacts: []evidence.Artefact{artefactOf(blob)}, Detail: map[string]string{"listed": strconv.Itoa(len(all))},
	}, func(tx Tx) error {
		if err := tx.PutArtefact(ctx, blob); err != nil {
			return err
		}
		return tx.ListPublished(ctx, id, all)
	})
	if errors.Is(err, ErrChanged) {
		return 0, nil
	}
	return len(all), err
}
