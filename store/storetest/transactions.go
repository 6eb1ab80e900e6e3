package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var transactions = map[string]func(*testing.T, *store.DB){
	"an error writes nothing":                  errorWritesNothing,
	"a panic writes nothing and is passed":     panicWritesNothing,
	"an ended goroutine writes nothing":        goexitWritesNothing,
	"a swallowed error is still one":           swallowedError,
	"a transaction is over after its end":      usedAfterEnd,
	"a done context begins nothing":            doneContext,
	"a view writes nothing":                    viewWritesNothing,
	"a view sees one state":                    viewIsStable,
	"an organisation sees its own rows":        isolation,
	"64 writers":                               writers,
	"writers that fail among those who do not": mixedWriters,
	"a closed database says so":                closed,
}

// count returns how many operations there are.
func count(t testing.TB, db *store.DB) int {
	t.Helper()
	return len(view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) ([]gateway.Operation, error) {
		return r.Operations(ctx, gateway.OperationQuery{Page: gateway.Page{Limit: 1000}})
	}))
}

func errorWritesNothing(t *testing.T, db *store.DB) {
	sentinel := errors.New("sentinel")
	refused(t, db, Org, sentinel, func(ctx context.Context, tx gateway.Tx) error {
		if _, err := tx.BeginOperation(ctx, Begin(Org, Start)); err != nil {
			return err
		}
		return sentinel
	})
	if got := count(t, db); got != 0 {
		t.Errorf("got %d operations, want none", got)
	}
}

func panicWritesNothing(t *testing.T, db *store.DB) {
	func() {
		defer func() {
			if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "boom") {
				t.Errorf("got panic %q, want boom", got)
			}
		}()
		_ = db.Update(t.Context(), Org, func(tx gateway.Tx) error {
			if _, err := tx.BeginOperation(t.Context(), Begin(Org, Start)); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	}()
	if got := count(t, db); got != 0 {
		t.Errorf("got %d operations, want none", got)
	}
	begin(t, db, Begin(Org, Start)) // others go on
}

func goexitWritesNothing(t *testing.T, db *store.DB) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.Update(t.Context(), Org, func(tx gateway.Tx) error {
			if _, err := tx.BeginOperation(t.Context(), Begin(Org, Start)); err != nil {
				t.Error(err)
			}
			runtime.Goexit()
			return nil
		})
	})
	wg.Wait()
	if got := count(t, db); got != 0 {
		t.Errorf("got %d operations, want none", got)
	}
	begin(t, db, Begin(Org, Start))
}

func swallowedError(t *testing.T, db *store.DB) {
	first := Begin(Org, Start)
	begin(t, db, first)
	second := Begin(Org, Start)
	second.Operation.ID, second.Intent.Operation = first.Operation.ID, first.Operation.ID
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error {
		_, _ = tx.BeginOperation(ctx, second)
		return nil
	})
}

func usedAfterEnd(t *testing.T, db *store.DB) {
	var kept gateway.Tx
	update(t, db, Org, func(_ context.Context, tx gateway.Tx) error {
		kept = tx
		return nil
	})
	if err := kept.Append(t.Context(), Entry(Org, "x", evidence.PhaseEvent, Start)); err == nil {
		t.Error("a transaction wrote after its end")
	}
}

func doneContext(t *testing.T, db *store.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	err := db.Update(ctx, Org, func(gateway.Tx) error {
		ran = true
		return nil
	})
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("update: got %v, ran %v; want context.Canceled and not run", err, ran)
	}
	if err := db.View(ctx, Org, func(gateway.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("view: got %v, want context.Canceled", err)
	}
}

func viewWritesNothing(t *testing.T, db *store.DB) {
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		return r.(gateway.Tx).Append(t.Context(), Entry(Org, "x", evidence.PhaseEvent, Start))
	})
	if err == nil {
		t.Error("a view has written")
	}
	begin(t, db, Begin(Org, Start))
}

func viewIsStable(t *testing.T, db *store.DB) {
	b := Begin(Org, Start)
	err := db.View(t.Context(), Org, func(r gateway.Reader) error {
		for range 2 {
			if _, err := r.Operation(t.Context(), b.Operation.ID); !errors.Is(err, gateway.ErrNotFound) {
				return fmt.Errorf("got %w, want ErrNotFound", err)
			}
			begin(t, db, b)
			b = Begin(Org, Start)
		}
		all, err := r.Operations(t.Context(), gateway.OperationQuery{})
		if len(all) != 0 {
			return fmt.Errorf("the view sees %d later operations", len(all))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func isolation(t *testing.T, db *store.DB) {
	mine, theirs := Begin(Org, Start), Begin(Other, Start)
	begin(t, db, mine)
	begin(t, db, theirs)
	for _, test := range []struct {
		scope gateway.Scope
		want  int
	}{{Org, 1}, {Other, 1}, {"", 0}, {"nobody", 0}, {gateway.AllOrganisations, 2}} {
		got := view(t, db, test.scope, func(ctx context.Context, r gateway.Reader) (n int, err error) {
			for _, b := range []gateway.Begin{mine, theirs} {
				_, err := r.Operation(ctx, b.Operation.ID)
				if err == nil {
					n++
				} else if !errors.Is(err, gateway.ErrNotFound) {
					return n, err
				}
				entries, err := r.EntriesOf(ctx, b.Operation.ID)
				if err != nil || (len(entries) > 0) != (string(test.scope) == b.Operation.Organisation || test.scope == gateway.AllOrganisations) {
					return n, fmt.Errorf("%d entries, %w", len(entries), err)
				}
			}
			all, err := r.Operations(ctx, gateway.OperationQuery{})
			if len(all) != n {
				return n, fmt.Errorf("the list has %d operations", len(all))
			}
			return n, err
		})
		if got != test.want {
			t.Errorf("scope %q sees %d operations, want %d", test.scope, got, test.want)
		}
	}
	outside := func(ctx context.Context, tx gateway.Tx) error {
		_, err := tx.BeginOperation(ctx, Begin(Org, Start))
		return err
	}
	if err := db.Update(t.Context(), Other, func(tx gateway.Tx) error { return outside(t.Context(), tx) }); err == nil {
		t.Error("a row of another organisation was written")
	}
	refused(t, db, Other, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.FinishOperation(ctx, Finish(mine)) })
}

func writers(t *testing.T, db *store.DB) {
	const n, each = 64, 8
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for range each {
				b := Begin(Org, Start)
				for _, fn := range []func(gateway.Tx) error{
					func(tx gateway.Tx) error { _, err := tx.BeginOperation(t.Context(), b); return err },
					func(tx gateway.Tx) error { return tx.FinishOperation(t.Context(), Finish(b)) },
				} {
					if err := db.Update(t.Context(), Org, fn); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := count(t, db); got != n*each {
		t.Errorf("got %d operations, want %d", got, n*each)
	}
	pending, err := db.Pending(t.Context(), 2000)
	if err != nil || len(pending) != 2*n*each {
		t.Errorf("got %d pending entries, %v; want %d", len(pending), err, 2*n*each)
	}
}

func mixedWriters(t *testing.T, db *store.DB) {
	const n = 64
	sentinel := errors.New("sentinel")
	var good atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			defer func() { _ = recover() }()
			err := db.Update(t.Context(), Org, func(tx gateway.Tx) error {
				if _, err := tx.BeginOperation(t.Context(), Begin(Org, Start)); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return sentinel
				case 2:
					panic(sentinel)
				}
				return nil
			})
			if err == nil {
				good.Add(1)
			} else if !errors.Is(err, sentinel) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := count(t, db); int64(got) != good.Load() || got != (n+2)/3 {
		t.Errorf("got %d operations and %d successes, want %d", got, good.Load(), (n+2)/3)
	}
}

func closed(t *testing.T, db *store.DB) {
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), Org, func(gateway.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("update: got %v, want ErrClosed", err)
	}
	if err := db.View(t.Context(), Org, func(gateway.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("view: got %v, want ErrClosed", err)
	}
}
