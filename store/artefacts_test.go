package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// TestArtefactOrder: PostgreSQL locks the row of each artefact that is kept until the
// transaction ends. Two operations that keep the same certificates in another order
// cannot wait for each other when all are written in one order.
func TestArtefactOrder(t *testing.T) {
	var blobs []evidence.Blob
	for i := range 20 {
		blobs = append(blobs, evidence.Blob{Kind: evidence.ArtefactCertificate, Data: fmt.Appendf(nil, "certificate %d", i)})
	}
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			db := storetest.OpenWith(t, o)
			b := storetest.Begin(storetest.Org, storetest.Start)
			f := storetest.Finish(b)
			f.Artefacts = blobs
			err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
				if _, err := tx.BeginOperation(t.Context(), b); err != nil {
					return err
				}
				return tx.FinishOperation(t.Context(), f)
			})
			if err != nil {
				t.Fatal(err)
			}
			place := map[string]string{storetest.SQLite.Name: "rowid", storetest.Postgres.Name: "ctid"}[e.Name]
			rows, err := raw(t, o).QueryContext(t.Context(), `SELECT sha256 FROM artefacts ORDER BY `+place)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var written []string
			for rows.Next() {
				var sum []byte
				if err := rows.Scan(&sum); err != nil {
					t.Fatal(err)
				}
				written = append(written, string(sum))
			}
			if err := rows.Err(); err != nil || len(written) != len(blobs) {
				t.Fatalf("%d artefacts, %v, want %d", len(written), err, len(blobs))
			}
			if !slices.IsSorted(written) {
				t.Errorf("written in the order %x, want that of the digests", written)
			}
		})
	}
}
