package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// TestCasesChangeOnce: whoever has the database in hand cannot rewrite the
// history or the files of a case; erasing them is all that can be done, once.
func TestCasesChangeOnce(t *testing.T) {
	for _, e := range []storetest.Engine{storetest.SQLite, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			db := storetest.OpenWith(t, o)
			id := storetest.ID(storetest.Start)
			err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
				ctx := t.Context()
				return errors.Join(
					tx.AddCase(ctx, gateway.CaseRow{
						ID: id, Organisation: storetest.Org, Year: 2026, Serial: 1, Kind: dispute.Conduct, State: dispute.Closed,
						OpenedAt: storetest.Start, ClosedAt: storetest.Start, Sealed: []byte("x"),
					}),
					tx.AddCaseEvent(ctx, gateway.CaseEventRow{ID: id, Organisation: storetest.Org, Case: id, At: storetest.Start, Sealed: []byte("x")}),
					tx.AddCaseFile(ctx, gateway.CaseFileRow{
						ID: id, Organisation: storetest.Org, Case: id, Kind: gateway.CaseAttachment, Size: 1, At: storetest.Start, Name: []byte("x"), Data: []byte("x"),
					}))
			})
			if err != nil {
				t.Fatal(err)
			}
			admin := raw(t, o)
			for _, query := range []string{
				`UPDATE case_events SET sealed = sealed`,
				`UPDATE case_events SET at = at + 1, erased_at = 1`,
				`UPDATE case_files SET name = name`,
				`UPDATE case_files SET erased_at = 1`,
				`UPDATE case_files SET kind = 'letter', erased_at = 1`,
				`DELETE FROM case_events`,
				`DELETE FROM case_files`,
			} {
				if _, err := admin.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: got %v", query, err)
				}
			}
			err = db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
				_, err := tx.EraseCaseFiles(t.Context(), id, storetest.Start)
				return errors.Join(err, tx.EraseCaseEvent(t.Context(), id, []byte("-"), storetest.Start))
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, query := range []string{`UPDATE case_events SET sealed = sealed`, `UPDATE case_files SET size = 1`} {
				if _, err := admin.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("erased, then %s: got %v", query, err)
				}
			}
		})
	}
}
