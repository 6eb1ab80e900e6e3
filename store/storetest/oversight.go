package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var oversightTests = map[string]func(*testing.T, *store.DB){
	"four eyes":          fourEyes,
	"anonymous tallies":  tallies,
	"time floor":         timeFloor,
	"erased unless held": erasedUnlessHeld,
	"ping":               ping,
}

func fourEyes(t *testing.T, db *store.DB) {
	p := gateway.Proposal{ID: ID(Start), Organisation: Org, Kind: "trust.anchor", Payload: []byte(`{"add":"…"}`), Status: gateway.ProposalPending,
		ProposedBy: "operator-1", ProposedAt: Start, ExpiresAt: Start.Add(time.Hour)}
	late := p
	late.ID = ID(Start.Add(time.Second))
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.Propose(ctx, p), tx.Propose(ctx, late))
	})
	decide := func(id, by string, status gateway.ProposalStatus, at time.Time) error {
		return db.Update(t.Context(), Org, func(tx gateway.Tx) error { return tx.Decide(t.Context(), id, by, status, at, "reason") })
	}
	for _, test := range []struct {
		name, id, by string
		status       gateway.ProposalStatus
		at           time.Time
		want         error
	}{
		{"by the same person", p.ID, "operator-1", gateway.ProposalApproved, Start, gateway.ErrSamePerson},
		{"by nobody", p.ID, "", gateway.ProposalApproved, Start, gateway.ErrSamePerson},
		{"expired", p.ID, "operator-2", gateway.ProposalApproved, Start.Add(time.Hour), gateway.ErrChanged},
		{"unknown", "nothing", "operator-2", gateway.ProposalApproved, Start, gateway.ErrNotFound},
		{"by another person", p.ID, "operator-2", gateway.ProposalApproved, Start.Add(time.Minute), nil},
		{"twice", p.ID, "operator-3", gateway.ProposalRejected, Start.Add(time.Minute), gateway.ErrChanged},
		{"withdrawn by the same person", late.ID, "operator-1", gateway.ProposalRejected, Start, nil},
	} {
		if err := decide(test.id, test.by, test.status, test.at); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	p.Status, p.DecidedBy, p.DecidedAt, p.Reason = gateway.ProposalApproved, "operator-2", Start.Add(time.Minute), "reason"
	if got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Proposal, error) { return r.Proposal(ctx, p.ID) }); !reflect.DeepEqual(got, p) {
		t.Errorf("got  %+v\nwant %+v", got, p)
	}
	for status, want := range map[gateway.ProposalStatus]int{"": 2, gateway.ProposalPending: 0, gateway.ProposalApproved: 1} {
		all := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Proposal, error) {
			return r.Proposals(ctx, status, gateway.Page{})
		})
		if len(all) != want {
			t.Errorf("%q: got %d, want %d", status, len(all), want)
		}
	}
}

func tallies(t *testing.T, db *store.DB) {
	a, b := Sum("a"), Sum("b")
	for range 3 {
		update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error {
			return tx.AddTally(ctx, []gateway.Tally{{SHA256: a, Verdict: "TOTAL-PASSED", N: 2}, {SHA256: a, Verdict: "INDETERMINATE", N: 1}, {SHA256: b, Verdict: "TOTAL-FAILED", N: 1}})
		})
	}
	got := map[gateway.Tally]bool{}
	for _, want := range []int{2, 1, 0} {
		update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error {
			taken, err := tx.TakeTally(ctx, 2)
			if len(taken) != want {
				t.Errorf("took %d, want %d", len(taken), want)
			}
			for _, v := range taken {
				got[v] = true
			}
			return err
		})
	}
	want := map[gateway.Tally]bool{{SHA256: a, Verdict: "TOTAL-PASSED", N: 6}: true, {SHA256: a, Verdict: "INDETERMINATE", N: 3}: true, {SHA256: b, Verdict: "TOTAL-FAILED", N: 3}: true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func timeFloor(t *testing.T, db *store.DB) {
	floor := func() time.Time {
		return view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (time.Time, error) { return r.TimeFloor(ctx) })
	}
	if got := floor(); !got.IsZero() {
		t.Errorf("a new database's floor is %v", got)
	}
	begin(t, db, Begin(Org, Start))
	if got := floor(); !got.Equal(Start) {
		t.Errorf("got %v, want the last entry's %v", got, Start)
	}
	for _, at := range []time.Time{Start.Add(time.Hour), Start} {
		update(t, db, gateway.AllOrganisations, func(ctx context.Context, tx gateway.Tx) error { return tx.RaiseTimeFloor(ctx, at) })
		if got := floor(); !got.Equal(Start.Add(time.Hour)) {
			t.Errorf("raised to %v: got %v", at, got)
		}
	}
}

func erasedUnlessHeld(t *testing.T, db *store.DB) {
	d := Sum("cms")
	put := func() {
		update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
			return tx.PutArtefact(ctx, evidence.Blob{Organisation: Org, Kind: "cms", Data: []byte("cms")})
		})
	}
	put()
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.Hold(ctx, "case 1", [][32]byte{d}, Start), tx.Hold(ctx, "case 2", [][32]byte{d, Sum("other")}, Start), tx.Hold(ctx, "case 1", [][32]byte{d}, Start))
	})
	erase := func(ctx context.Context, tx gateway.Tx) error { return tx.EraseArtefact(ctx, d, Start) }
	refused(t, db, Org, gateway.ErrHeld, erase)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.ReleaseHold(ctx, "case 1") })
	refused(t, db, Org, gateway.ErrHeld, erase)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.ReleaseHold(ctx, "case 2") })
	refused(t, db, Other, gateway.ErrNotFound, erase)
	update(t, db, Org, erase)
	refused(t, db, Org, gateway.ErrNotFound, erase)
	if _, ok, err := db.Artefact(t.Context(), d); err != nil || ok {
		t.Errorf("still there: %v, %v", ok, err)
	}
	put() // the same bytes come again
	if b, ok, err := db.Artefact(t.Context(), d); err != nil || !ok || string(b.Data) != "cms" {
		t.Errorf("kept again: got %q, %v, %v", b.Data, ok, err)
	}
}

func ping(t *testing.T, db *store.DB) {
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
