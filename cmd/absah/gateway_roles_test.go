package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/absah-id/absah/store/storetest"
)

// TestGatewayTwoRoles: where the configuration names the owner of the tables for
// migrations alone, the gateway's own login cannot take the guards off the
// evidence.
func TestGatewayTwoRoles(t *testing.T) {
	t.Parallel()
	address := storetest.Postgres.Fresh(t).URL
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for _, query := range []string{
		`DO $$ BEGIN
			PERFORM pg_advisory_lock(4);
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'absah_app') THEN CREATE ROLE absah_app; END IF;
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'absah_owner') THEN CREATE ROLE absah_owner; END IF;
			PERFORM pg_advisory_unlock(4);
		END $$`,
		`ALTER ROLE absah_app LOGIN`, `ALTER ROLE absah_owner LOGIN`,
		`DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO absah_owner', current_database()); END $$`,
	} {
		if _, err := admin.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	as := func(user string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.User(user)
		return u.String()
	}
	f := newOffice(t, officeOptions{yaml: fmt.Sprintf("database: {url: %q, migration_url: %q, connections: 8}", as("absah_app"), as("absah_owner"))})
	f.seal(t, "e-office", letter(), bySeal).ok(t, 200)
	app, err := sql.Open("pgx", as("absah_app"))
	f.must(err)
	defer app.Close()
	for _, query := range []string{`ALTER TABLE entries DISABLE TRIGGER ALL`, `UPDATE entries SET kind = kind`, `DELETE FROM leaves`, `DROP TABLE checkpoints`} {
		if _, err := app.ExecContext(t.Context(), query); err == nil {
			t.Errorf("%s works for the gateway's login", query)
		}
	}
	if strings.Contains(f.log(), "owns the tables") {
		t.Errorf("the log warns of a role that owns nothing:\n%s", f.log())
	}
	f.stop()
}
