package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// An intent is durable when Update returns; the outcome is written once.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "absah")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + filepath.Join(dir, "absah.db")})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	b := storetest.Begin("kabupaten-contoh", storetest.Start)
	err = db.Update(ctx, "kabupaten-contoh", func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(ctx, b)
		return err
	})
	fmt.Println("begin:", err)
	for range 2 {
		err = db.Update(ctx, "kabupaten-contoh", func(tx gateway.Tx) error {
			return tx.FinishOperation(ctx, storetest.Finish(b))
		})
		fmt.Println("finish:", err, errors.Is(err, gateway.ErrClosed))
	}
	// Output:
	// begin: <nil>
	// finish: <nil> false
	// finish: gateway: operation has ended already true
}
