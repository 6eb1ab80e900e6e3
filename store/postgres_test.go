package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// with changes an address: its user, and parameters.
func with(t *testing.T, address, user string, params ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		u.User = url.User(user)
	}
	q := u.Query()
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// roles makes the two roles as docs/adr/0005 tells an administrator to.
func roles(t *testing.T, admin *sql.DB) {
	t.Helper()
	for _, query := range []string{
		`DO $$ BEGIN
			PERFORM pg_advisory_xact_lock(4);
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'absah_app') THEN CREATE ROLE absah_app; END IF;
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'absah_owner') THEN CREATE ROLE absah_owner; END IF;
		END $$`,
		`ALTER ROLE absah_app LOGIN`,
		`ALTER ROLE absah_owner LOGIN`,
		`DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO absah_owner', current_database()); END $$`,
	} {
		if _, err := admin.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
}

// twoRoles opens a database that absah_owner owns and absah_app works on.
func twoRoles(t *testing.T) (o store.Options, db *store.DB, admin *sql.DB) {
	t.Helper()
	o = storetest.Postgres.Fresh(t)
	admin = raw(t, o)
	roles(t, admin)
	o.MigrationURL = with(t, o.URL, "absah_owner")
	o.URL = with(t, o.URL, "absah_app")
	return o, storetest.OpenWith(t, o), admin
}

func tables(t *testing.T, admin *sql.DB) (all []string) {
	t.Helper()
	rows, err := admin.QueryContext(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'goose%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil || len(all) < 20 {
		t.Fatalf("found %d tables, %v", len(all), err)
	}
	return all
}

func TestTheApplicationRoleOnlyAddsEvidence(t *testing.T) {
	o, db, _ := twoRoles(t)
	fill(t, db)
	app := raw(t, o)
	for _, table := range appendOnly {
		for _, query := range []string{`UPDATE ` + table + ` SET ` + column[table] + ` = ` + column[table], `DELETE FROM ` + table, `TRUNCATE ` + table,
			`ALTER TABLE ` + table + ` DISABLE TRIGGER ALL`, `DROP TABLE ` + table} {
			if _, err := app.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
				t.Errorf("%s: got %v", query, err)
			}
		}
	}
	if owned, err := db.Owned(t.Context()); owned || err != nil {
		t.Errorf("absah_app owns the tables: got %v, %v", owned, err)
	}
	// A gateway whose role cannot migrate starts on a finished schema.
	o.MigrationURL = ""
	if err := storetest.OpenWith(t, o).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	one := storetest.OpenWith(t, storetest.Postgres.Fresh(t))
	if owned, err := one.Owned(t.Context()); !owned || err != nil {
		t.Errorf("who migrated owns the tables: got %v, %v", owned, err)
	}
}

// TestS18WithoutAnOrganisationNothingIsSeen: row-level security on every table.
func TestS18WithoutAnOrganisationNothingIsSeen(t *testing.T) {
	o, db, admin := twoRoles(t)
	fill(t, db)
	if _, err := begin(t, db); err != nil {
		t.Fatal(err)
	}
	conn, err := raw(t, o).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	count := func(query string) (n int) {
		if err := conn.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range tables(t, admin) {
		if n := count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("%s shows %d rows without the setting", table, n)
		}
		var on bool
		if err := admin.QueryRowContext(t.Context(), `SELECT relrowsecurity FROM pg_class WHERE oid = $1::regclass`, table).Scan(&on); err != nil || !on {
			t.Errorf("%s has no row-level security, %v", table, err)
		}
	}
	for scope, want := range map[string]int{storetest.Org: 2, storetest.Other: 0, "*": 2} {
		if _, err := conn.ExecContext(t.Context(), `SELECT set_config('absah.organisation', $1, false)`, scope); err != nil {
			t.Fatal(err)
		}
		if n := count(`SELECT count(*) FROM entries`); n != want {
			t.Errorf("scope %s shows %d entries, want %d", scope, n, want)
		}
	}
	if _, err := conn.ExecContext(t.Context(), `SELECT set_config('absah.organisation', 'kota-contoh', false)`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), `INSERT INTO tallies (organisation, sha256, verdict, n) VALUES ('kabupaten-contoh', decode(repeat('00', 32), 'hex'), 'x', 1)`); err == nil {
		t.Error("a row was written for another organisation")
	}
}

func TestPostgreSQLRefusesToChangeEvidence(t *testing.T) {
	o := storetest.Postgres.Fresh(t)
	fill(t, storetest.OpenWith(t, o))
	admin := raw(t, o)
	admin.SetMaxOpenConns(1)
	for _, role := range []string{"origin", "replica"} {
		if _, err := admin.ExecContext(t.Context(), `SET session_replication_role = `+role); err != nil {
			t.Fatal(err)
		}
		for _, table := range appendOnly {
			for _, query := range []string{`UPDATE ` + table + ` SET ` + column[table] + ` = ` + column[table], `DELETE FROM ` + table, `TRUNCATE ` + table + ` CASCADE`} {
				if _, err := admin.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s as %s: got %v", query, role, err)
				}
			}
			if n := number(t, admin, `SELECT count(*) FROM `+table); n != 1 {
				t.Errorf("%s has %d rows, want 1", table, n)
			}
		}
		for _, query := range []string{`UPDATE log_head SET size = 0`, `DELETE FROM log_head`, `TRUNCATE log_head`} {
			if _, err := admin.ExecContext(t.Context(), query); err == nil {
				t.Errorf("%s was done as %s", query, role)
			}
		}
	}
}

func TestAServerThatForgetsIsRefused(t *testing.T) {
	o := storetest.Postgres.Fresh(t)
	storetest.OpenWith(t, o)
	o.URL = with(t, o.URL, "", "synchronous_commit", "off")
	if db, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrNotDurable) {
		t.Errorf("got %v, %v; want ErrNotDurable", db, err)
	}
}

// TestLostConnections ends the server's side of all connections while writers
// are at work. Those that get no error are there once; an error that says
// unknown may be either; any other error means nothing is there.
func TestLostConnections(t *testing.T) {
	o := storetest.Postgres.Fresh(t)
	db := storetest.OpenWith(t, o)
	admin := raw(t, o)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	result := map[string]error{}
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id, err := begin(t, db)
				mu.Lock()
				result[id] = err
				mu.Unlock()
			}
		})
	}
	for range 20 {
		if _, err := admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
			JOIN pg_locks l ON l.pid = a.pid JOIN pg_class c ON c.oid = l.relation
			WHERE a.pid <> pg_backend_pid() AND c.relname = 'entries' AND c.relnamespace = current_schema()::regnamespace`); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.ExecContext(t.Context(), `SELECT pg_sleep(0.02)`); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	kinds := map[string]int{}
	err := db.View(context.Background(), storetest.Org, func(r gateway.Reader) error {
		for id, err := range result {
			_, missing := r.Operation(t.Context(), id)
			switch {
			case err == nil:
				kinds["written"]++
				if missing != nil {
					t.Errorf("%s was acknowledged: %v", id, missing)
				}
			case errors.Is(err, gateway.ErrUnknownCommit):
				kinds["unknown"]++
			default:
				kinds["failed"]++
				if missing == nil {
					t.Errorf("%s is there although: %v", id, err)
				}
			}
		}
		return nil
	})
	if err != nil || kinds["written"] == 0 {
		t.Errorf("got %v, %v", kinds, err)
	}
	t.Logf("%v", kinds)
}
