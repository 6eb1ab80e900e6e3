package store_test

import (
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

func TestANewDatabaseIsEmpty(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Head(t.Context()); err != nil || got != (evidence.Head{}) {
			t.Errorf("got head %v, %v", got, err)
		}
	})
}
