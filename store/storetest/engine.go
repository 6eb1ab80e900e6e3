// Package storetest opens fresh databases for tests and holds both engines of
// package store to the same promises.
//
// PostgreSQL is taken from ABSAH_TEST_POSTGRES, a superuser's address, as
// "scripts/postgres run" sets it; without one its tests are skipped by name,
// which with CI=true is a failure. It works with schemas of its own and removes
// none of them: the cluster is thrown away.
package storetest

import (
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/store"
)

// Engine is a kind of database.
type Engine struct {
	Name string
	// Fresh returns options for a database that nobody has used.
	Fresh func(t testing.TB) store.Options
}

// Each runs a test on a fresh database of each engine.
func Each(t *testing.T, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, e := range []Engine{SQLite, Postgres} {
		t.Run(e.Name, func(t *testing.T) { run(t, Open(t, e)) })
	}
}

// SQLite is a file in a folder of the test's own.
var SQLite = Engine{Name: "SQLite", Fresh: func(t testing.TB) store.Options {
	return store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "absah.db")}
}}

// Postgres is a schema of its own.
var Postgres = Engine{Name: "PostgreSQL", Fresh: func(t testing.TB) store.Options {
	t.Helper()
	u, err := url.Parse(Server(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "test_"+strings.ToLower(rand.Text()))
	u.RawQuery = q.Encode()
	return store.Options{URL: u.String()}
}}

// Server returns the address of a PostgreSQL server, for a superuser.
func Server(t testing.TB) string {
	t.Helper()
	server := os.Getenv("ABSAH_TEST_POSTGRES")
	if server == "" {
		testfile.Lacking(t, "ABSAH_TEST_POSTGRES, the address of a PostgreSQL", "Debian package postgresql, started by make test")
	}
	return server
}

// Open opens a fresh database that is closed at the end of the test.
func Open(t testing.TB, e Engine) *store.DB {
	t.Helper()
	return OpenWith(t, e.Fresh(t))
}

// OpenWith opens a database that is closed at the end of the test.
func OpenWith(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	db.SealRows([32]byte{1})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}
