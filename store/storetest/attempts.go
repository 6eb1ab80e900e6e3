package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var attemptTests = map[string]func(*testing.T, *store.DB){
	"wrong ones delay, then lock":      delayThenLock,
	"a right one forgets":              rightForgets,
	"many at once are no more tries":   attemptRace,
	"one that never ends":              endless,
	"one application locks for itself": lockForOne,
}

var attemptPolicy = gateway.AttemptPolicy{Limit: 5, BaseDelay: time.Second, MaxDelay: 3 * time.Second, ReservedFor: time.Minute, Window: time.Hour}

// attempt tries a passphrase and returns the state.
func attempt(t testing.TB, db *store.DB, application string, correct bool, at time.Time) (gateway.Attempts, error) {
	t.Helper()
	var a gateway.Attempts
	err := db.Update(t.Context(), Org, func(tx gateway.Tx) (err error) {
		a, err = tx.BeginAttempt(t.Context(), "bupati", application, at, attemptPolicy)
		return err
	})
	if err != nil {
		return a, err
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) (err error) {
		a, err = tx.EndAttempt(ctx, "bupati", application, correct, at, attemptPolicy)
		return err
	})
	return a, nil
}

func delayThenLock(t *testing.T, db *store.DB) {
	at := Start
	for i, wait := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second} {
		a, err := attempt(t, db, "e-office", false, at)
		if err != nil || a.Failures != i+1 || !a.NotBefore.Equal(at.Add(wait)) || a.LockedAt.IsZero() != (i < 4) || a.Recent != i+1 {
			t.Errorf("wrong try %d: got %+v, %v", i+1, a, err)
		}
		if i < 4 {
			if a, err := attempt(t, db, "e-office", true, at.Add(wait-1)); !errors.Is(err, gateway.ErrTooSoon) || !a.NotBefore.Equal(at.Add(wait)) {
				t.Errorf("too soon: got %+v, %v", a, err)
			}
		}
		at = at.Add(wait)
	}
	if _, err := attempt(t, db, "e-office", true, at.Add(24*time.Hour)); !errors.Is(err, gateway.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.ClearAttempts(ctx, "bupati", "") })
	if a, err := attempt(t, db, "e-office", true, at); err != nil || a.Failures != 0 {
		t.Errorf("after unlocking: got %+v, %v", a, err)
	}
}

func rightForgets(t *testing.T, db *store.DB) {
	for i, correct := range []bool{false, false, true, false} {
		at := Start.Add(time.Duration(i) * time.Minute)
		if _, err := attempt(t, db, "e-office", correct, at); err != nil {
			t.Fatal(err)
		}
	}
	a := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Attempts, error) {
		return r.Attempts(ctx, "bupati", "e-office", Start.Add(time.Hour), attemptPolicy)
	})
	if a.Failures != 1 || a.Recent != 2 { // the first is an hour old
		t.Errorf("got %+v", a)
	}
}

func attemptRace(t *testing.T, db *store.DB) {
	var tried, locks atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			at := Start
			for {
				var a gateway.Attempts
				err := db.Update(t.Context(), Org, func(tx gateway.Tx) (err error) {
					a, err = tx.BeginAttempt(t.Context(), "bupati", "e-office", at, attemptPolicy)
					return err
				})
				switch {
				case errors.Is(err, gateway.ErrLocked):
					locks.Add(1)
					return
				case errors.Is(err, gateway.ErrTooSoon):
					if a.NotBefore.After(at) {
						at = a.NotBefore
					}
					continue
				case err != nil:
					t.Error(err)
					return
				}
				tried.Add(1)
				if err := db.Update(t.Context(), Org, func(tx gateway.Tx) error {
					_, err := tx.EndAttempt(t.Context(), "bupati", "e-office", false, at, attemptPolicy)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if tried.Load() != int64(attemptPolicy.Limit) || locks.Load() != 40 {
		t.Errorf("%d passphrases were tried and %d callers locked out, want %d and 40", tried.Load(), locks.Load(), attemptPolicy.Limit)
	}
}

func endless(t *testing.T, db *store.DB) {
	start := func(at time.Time) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error {
			_, err := tx.BeginAttempt(t.Context(), "bupati", "e-office", at, attemptPolicy)
			return err
		})
	}
	for range attemptPolicy.Limit {
		if err := start(Start); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(Start); !errors.Is(err, gateway.ErrTooSoon) {
		t.Errorf("one more: got %v, want ErrTooSoon", err)
	}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.AbandonAttempt(ctx, "bupati", "e-office") })
	if err := start(Start); err != nil {
		t.Errorf("after one was abandoned: %v", err)
	}
	if err := start(Start.Add(attemptPolicy.ReservedFor)); err != nil {
		t.Errorf("after they expired: %v", err)
	}
}

func lockForOne(t *testing.T, db *store.DB) {
	for i := range attemptPolicy.Limit {
		if _, err := attempt(t, db, "srikandi", false, Start.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := attempt(t, db, "srikandi", true, Start.Add(time.Hour)); !errors.Is(err, gateway.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if _, err := attempt(t, db, "e-office", true, Start.Add(time.Hour)); err != nil {
		t.Errorf("the other application: %v", err)
	}
}
