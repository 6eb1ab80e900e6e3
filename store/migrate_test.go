package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// TestManyOpenAtOnce: one of them migrates, the others wait; opening a finished
// database again changes nothing.
func TestManyOpenAtOnce(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					db, err := store.Open(t.Context(), o)
					if err != nil {
						t.Error(err)
						return
					}
					if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			files, err := filepath.Glob("migrations/sqlite/*.sql")
			if err != nil {
				t.Fatal(err)
			}
			if got := number(t, raw(t, o), `SELECT count(*) FROM goose_db_version`); got != len(files)+1 {
				t.Errorf("%d migrations are on record, want the empty one and %d", got, len(files))
			}
		})
	}
}

func TestADatabaseOfALaterVersionIsRefused(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			storetest.OpenWith(t, o)
			insert := `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)`
			if _, err := raw(t, o).ExecContext(t.Context(), insert); err != nil {
				t.Fatal(err)
			}
			if db, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrNewer) {
				t.Errorf("got %v, %v; want ErrNewer", db, err)
			}
		})
	}
}

// TestBothEnginesHaveTheSameTables compares names of tables, columns and
// indexes.
func TestBothEnginesHaveTheSameTables(t *testing.T) {
	columns := map[string][]string{}
	for _, e := range engines {
		o := e.Fresh(t)
		storetest.OpenWith(t, o)
		query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'
			UNION ALL SELECT 'index', name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`
		if e.Name == "PostgreSQL" {
			query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
				UNION ALL SELECT 'index', indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%key' AND indexname NOT LIKE '%pkey'`
		}
		rows, err := raw(t, o).QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var table, column string
			if err := rows.Scan(&table, &column); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(table, "sqlite_") && !strings.HasPrefix(table, "goose_") && !strings.HasSuffix(column, "_key") {
				columns[e.Name] = append(columns[e.Name], fmt.Sprintf("%s.%s", table, column))
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(columns[e.Name])
	}
	a, b := columns["SQLite"], columns["PostgreSQL"]
	if len(a) < 100 {
		t.Errorf("found %d columns", len(a))
	}
	for _, c := range a {
		if !slices.Contains(b, c) {
			t.Errorf("PostgreSQL lacks %s", c)
		}
	}
	for _, c := range b {
		if !slices.Contains(a, c) {
			t.Errorf("SQLite lacks %s", c)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, o := range map[string]store.Options{
		"nothing":              {},
		"another kind":         {URL: "mysql://localhost/absah"},
		"no path":              {URL: "sqlite:"},
		"memory":               {URL: "sqlite::memory:"},
		"no such folder":       {URL: "sqlite:" + t.TempDir() + "/nothing/absah.db"},
		"migrations elsewhere": {URL: "sqlite:" + t.TempDir() + "/absah.db", MigrationURL: "postgres:///x"},
		"no such server":       {URL: "postgres:///absah?host=" + t.TempDir()},
		"no URL":               {URL: "postgres://%zz"},
	} {
		if db, err := store.Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened %v", name, db)
		}
	}
}

// TestReadOnly reads a database that others write; it makes and changes nothing.
func TestReadOnly(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			o.ReadOnly = true
			if db, err := store.Open(t.Context(), o); err == nil {
				t.Fatalf("opened %v, which does not exist", db)
			}
			o.ReadOnly = false
			db := storetest.OpenWith(t, o)
			if _, err := begin(t, db); err != nil {
				t.Fatal(err)
			}
			o.ReadOnly = true
			reader := storetest.OpenWith(t, o)
			if pending, err := reader.Pending(t.Context(), 10); err != nil || len(pending) != 1 {
				t.Errorf("got %d pending entries, %v", len(pending), err)
			}
			if _, err := begin(t, reader); !errors.Is(err, store.ErrReadOnly) {
				t.Errorf("update: got %v, want ErrReadOnly", err)
			}
			if _, err := begin(t, db); err != nil {
				t.Error(err)
			}
			if pending, err := reader.Pending(t.Context(), 10); err != nil || len(pending) != 2 {
				t.Errorf("got %d pending entries, %v", len(pending), err)
			}
			if _, err := raw(t, o).ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`); err != nil {
				t.Fatal(err)
			}
			if db, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrOlder) {
				t.Errorf("got %v, %v; want ErrOlder", db, err)
			}
		})
	}
}

// TestOldSignaturesAreFound: the ninth migration takes the digests of signatures
// from the records of operations that ended before it.
func TestOldSignaturesAreFound(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			o := e.Fresh(t)
			db := storetest.OpenWith(t, o)
			made := storetest.Sum("a signature")
			signed, bare := storetest.Begin(storetest.Org, storetest.Start), storetest.Begin(storetest.Org, storetest.Start)
			err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
				for _, b := range []gateway.Begin{signed, bare} {
					if _, err := tx.BeginOperation(t.Context(), b); err != nil {
						return err
					}
					f := storetest.Finish(b)
					f.Outcome.Record = []byte(`{"kind":"sign"}`)
					if b.Operation.ID == signed.Operation.ID {
						f.Outcome.Record = fmt.Appendf(nil, `{"artefacts":[{"kind":"timestamp","sha256":"%064x"},{"kind":"cms","sha256":"%x"}]}`, 1, made)
					}
					if err := tx.FinishOperation(t.Context(), f); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			folder, _, _ := strings.Cut(o.URL, ":")
			text, err := os.ReadFile("migrations/" + folder + "/00009_signatures.sql")
			if err != nil {
				t.Fatal(err)
			}
			_, fill, _ := strings.Cut(string(text), "length(cms_sha256) = 32);\n")
			fill, _, _ = strings.Cut(fill, ";")
			if _, err := raw(t, o).ExecContext(t.Context(), fill); err != nil {
				t.Fatal(err)
			}
			err = db.View(t.Context(), storetest.Org, func(r gateway.Reader) error {
				found, err := r.Operations(t.Context(), gateway.OperationQuery{CMS: made})
				if err == nil && (len(found) != 1 || found[0].ID != signed.Operation.ID) {
					t.Errorf("got %+v", found)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
