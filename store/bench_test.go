package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// parallel runs work on n goroutines until the benchmark's count is reached.
func parallel(b *testing.B, n int, work func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := work(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkUpdate counts durable transactions: an entry alone, and both halves
// of an operation.
func BenchmarkUpdate(b *testing.B) {
	for _, e := range engines {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("append/%s/%d", e.Name, writers), func(b *testing.B) {
				db := storetest.Open(b, e)
				parallel(b, writers, func() error {
					return db.Append(b.Context(), storetest.Entry(storetest.Org, storetest.ID(storetest.Start), evidence.PhaseEvent, storetest.Start))
				})
			})
			b.Run(fmt.Sprintf("operation/%s/%d", e.Name, writers), func(b *testing.B) {
				db := storetest.Open(b, e)
				parallel(b, writers, func() error { return operate(b, db) })
			})
		}
	}
}

// operate begins an operation and ends it: two transactions.
func operate(b *testing.B, db *store.DB) error {
	begin := storetest.Begin(storetest.Org, storetest.Start)
	if err := db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(b.Context(), begin)
		return err
	}); err != nil {
		return err
	}
	return db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error { return tx.FinishOperation(b.Context(), storetest.Finish(begin)) })
}

// BenchmarkLongLog compares a log of a thousand entries with one of a million:
// appends by 16 writers, and inclusion proofs.
func BenchmarkLongLog(b *testing.B) {
	for _, e := range engines {
		for _, size := range []int{1_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", e.Name, size), func(b *testing.B) {
				if testing.Short() && size > 1_000 {
					b.Skip("a million entries take minutes")
				}
				db := storetest.Open(b, e)
				grow(b, db, size)
				b.Run("append", func(b *testing.B) {
					parallel(b, 16, func() error {
						return db.Append(b.Context(), storetest.Entry(storetest.Org, storetest.ID(storetest.Start), evidence.PhaseEvent, storetest.Start))
					})
				})
				b.Run("prove", func(b *testing.B) {
					reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return db.Hashes(b.Context(), indexes) })
					for i := range b.N {
						if _, err := tlog.ProveRecord(int64(size), int64(i*7919%size), reader); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// grow fills a log and gives all of it places.
func grow(b *testing.B, db *store.DB, size int) {
	b.Helper()
	const batch = 1000
	for done := 0; done < size; done += batch {
		if err := db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error {
			for range batch {
				if err := tx.Append(b.Context(), storetest.Entry(storetest.Org, storetest.ID(storetest.Start), evidence.PhaseEvent, storetest.Start)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		if _, err := storetest.Sequence(b.Context(), db, batch); err != nil {
			b.Fatal(err)
		}
	}
}
