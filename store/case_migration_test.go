package store_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// TestOldCasesAreMigrated: records from before operations had a column for it get
// their case from what is on record, and numbers go on where they were.
func TestOldCasesAreMigrated(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			db, dialect, folder := raw(t, o), goose.DialectSQLite3, "migrations/sqlite"
			record := `CAST('{"detail":{"case":"k1"}}' AS BLOB)`
			salt := `zeroblob(32)`
			if e.Name == storetest.Postgres.Name {
				dialect, folder = goose.DialectPostgres, "migrations/postgres"
				u, err := url.Parse(o.URL)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := db.ExecContext(t.Context(), `CREATE SCHEMA `+u.Query().Get("search_path")); err != nil {
					t.Fatal(err)
				}
				record, salt = `convert_to('{"detail":{"case":"k1"}}', 'UTF8')`, `decode(repeat('00', 32), 'hex')`
			}
			p, err := goose.NewProvider(dialect, db, os.DirFS(folder), goose.WithDisableGlobalRegistry(true))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.UpTo(t.Context(), 7); err != nil {
				t.Fatal(err)
			}
			for _, old := range []string{
				`INSERT INTO cases (id, organisation, year, serial, code, kind, state, opened_at, document, sealed, version)
					VALUES ('k1', 'kabupaten-contoh', 2026, 8, ` + salt + `, 'conduct', 'received', 1, '', ` + record + `, 1)`,
				`INSERT INTO operations (id, organisation, kind, status, code, application, user_name, node, signer, level, document, activation, batch, started_at, finished_at)
					VALUES ('o1', 'kabupaten-contoh', 'case.note', 'ok', '', '', '', '', '', '', '', '', '', 1, 1),
					('o2', 'kabupaten-contoh', 'document.read', 'ok', '', '', '', '', '', '', '', '', '', 1, 1)`,
				`INSERT INTO entries (organisation, operation, phase, slot, kind, at, promise, record, salt, leaf)
					VALUES ('kabupaten-contoh', 'o1', 'event', 1, 'case.note', 1, 1, ` + record + `, ` + salt + `, ` + salt + `)`,
			} {
				if _, err := db.ExecContext(t.Context(), old); err != nil {
					t.Fatal(err)
				}
			}
			err = storetest.OpenWith(t, o).Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
				for operation, want := range map[string]string{"o1": "k1", "o2": ""} {
					if row, err := tx.Operation(t.Context(), operation); err != nil || row.Case != want {
						t.Errorf("%s is about %q, %v; want %q", operation, row.Case, err, want)
					}
				}
				n, err := tx.NextCase(t.Context(), storetest.Org, 2026)
				if n != 9 {
					t.Errorf("the next number is %d, want 9", n)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
