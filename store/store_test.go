package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/absah-id/absah/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSQLite(t *testing.T) { storetest.Run(t, storetest.SQLite) }

func TestPostgreSQL(t *testing.T) { storetest.Run(t, storetest.Postgres) }
