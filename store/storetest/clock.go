package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

// clockReset: once the clock is reset the latest moment is that of the event, and
// what was made in the future has ended; what was made before has not.
func clockReset(t *testing.T, db *store.DB) {
	ahead := Start.AddDate(1, 0, 0)
	before, during := Begin(Org, Start), Begin(Org, ahead)
	old := activation(t, db, &before)
	begin(t, db, before)
	a := gateway.Activation{ID: ID(ahead), TokenHash: Sum(ID(ahead)), Organisation: Org, Application: "e-office", Signer: "bupati", Key: Sum("key"),
		Level: "B-LTA", Binding: []byte("binding"), Sealed: []byte("sealed"), CreatedAt: ahead, ExpiresAt: ahead.Add(time.Hour)}
	key := &gateway.Reservation{Application: "e-office", Key: "ahead", RequestSHA256: Sum("request"), ExpiresAt: ahead.Add(24 * time.Hour)}
	during.Reservation = key
	policy := gateway.AttemptPolicy{Limit: 5, BaseDelay: time.Hour, MaxDelay: time.Hour, ReservedFor: time.Minute, Window: time.Hour}
	begin(t, db, during)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		if err := tx.AddActivation(ctx, a); err != nil {
			return err
		}
		if _, err := tx.BeginAttempt(ctx, "bupati", "e-office", ahead, policy); err != nil {
			return err
		}
		if _, err := tx.EndAttempt(ctx, "bupati", "e-office", false, ahead, policy); err != nil {
			return err
		}
		return tx.RaiseTimeFloor(ctx, ahead)
	})

	now := Start.Add(time.Hour)
	e := Entry(Org, ID(now), evidence.PhaseEvent, now)
	o := gateway.Operation{ID: e.Operation, Organisation: Org, Kind: e.Kind, Status: gateway.OperationOK, StartedAt: now, FinishedAt: now}
	if err := db.ResetClock(t.Context(), o, e, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	floor := view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (time.Time, error) { return r.TimeFloor(ctx) })
	if !floor.Equal(now) {
		t.Errorf("the latest moment is %v, want %v", floor, now)
	}
	for _, tt := range []struct {
		a       gateway.Activation
		revoked bool
	}{{old, false}, {a, true}} {
		got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Activation, error) {
			return r.Activation(ctx, tt.a.TokenHash)
		})
		if got.RevokedAt.IsZero() == tt.revoked || (got.Sealed == nil) != tt.revoked {
			t.Errorf("the activation of %v: revoked at %v", tt.a.CreatedAt, got.RevokedAt)
		}
	}
	tries := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Attempts, error) {
		return r.Attempts(ctx, "bupati", "e-office", now.Add(2*time.Hour), policy)
	})
	if tries.NotBefore.After(now) || tries.Recent != 0 || tries.Failures != 1 {
		t.Errorf("attempts: %+v", tries)
	}
	prior := func(at time.Time) *gateway.Prior {
		return view(t, db, Org, func(ctx context.Context, r gateway.Reader) (*gateway.Prior, error) { return r.Prior(ctx, *key, at) })
	}
	if prior(now) == nil || prior(now.Add(25*time.Hour)) != nil {
		t.Error("the idempotency key is not kept for a day")
	}
	if entries, err := db.EntriesOf(t.Context(), during.Operation.ID); err != nil || len(entries) != 1 || !entries[0].Time.Equal(ahead) {
		t.Errorf("what is on record was changed: %+v, %v", entries, err)
	}
	if err := db.ResetClock(t.Context(), o, e, 0); err == nil {
		t.Error("the same event was taken twice")
	}
}
