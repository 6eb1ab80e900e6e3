package store_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/absah-id/absah/store/storetest"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role, os.Args[1]))
	}
	goleak.VerifyTestMain(m)
}

func TestSQLite(t *testing.T) { storetest.Run(t, storetest.SQLite) }

func TestPostgreSQL(t *testing.T) { storetest.Run(t, storetest.Postgres) }
