package gateway_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// resetClock is what "absah evidence reset-clock" does: the clock of the world is
// right again, and its gateway another process.
func (w *world) resetClock(now time.Time) {
	w.tb.Helper()
	w.mu.Lock()
	w.now = now
	w.mu.Unlock()
	id := uuid.Must(uuid.NewV7()).String()
	e, err := evidence.NewEntry(evidence.Record{
		Organisation: organisation, Operation: id, Phase: evidence.PhaseEvent, Kind: "clock.reset", Time: now, Node: "node-1",
		Result: evidence.Result{Status: evidence.StatusOK},
	}, rand.Reader, time.Minute)
	if err == nil {
		o := gateway.Operation{ID: id, Organisation: organisation, Kind: e.Kind, Status: gateway.OperationOK, StartedAt: now, FinishedAt: now}
		err = w.db.ResetClock(w.tb.Context(), o, e, time.Hour)
	}
	if err == nil {
		w.Gateway, err = gateway.New(w.tb.Context(), w.cfg)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
}

func anchors(name string) gateway.AnchorSet {
	return gateway.AnchorSetOf([][]byte{[]byte(name)}, []string{name})
}

func (w *world) propose(set gateway.AnchorSet) *gateway.Proposal {
	w.tb.Helper()
	payload, err := json.Marshal(set)
	if err != nil {
		w.tb.Fatal(err)
	}
	p, err := w.Propose(w.tb.Context(), gateway.Local(organisation, "first"), gateway.ProposeAnchors, payload)
	if err != nil {
		w.tb.Fatal(err)
	}
	return p
}

// TestProposalClock: whatever the clock does between them, a proposal is not
// approved before it was made, and waits no longer for a second person than it
// should.
func TestProposalClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	second := gateway.Local(organisation, "second")
	for _, tt := range []struct {
		name  string
		jump  time.Duration // of the clock while it is proposed
		reset bool          // afterwards, to where it was
		later time.Duration // until it is approved
		want  gateway.Code
	}{
		{name: "in time", later: 6 * 24 * time.Hour},
		{name: "too late", later: 7*24*time.Hour + time.Second, want: gateway.CodeChanged},
		{name: "the clock is ahead", jump: year, later: -year, want: gateway.CodeClock},
		{name: "the clock was ahead", jump: year, reset: true, later: time.Hour, want: gateway.CodeChanged},
		{name: "and it is that late", jump: year, reset: true, later: year + time.Hour, want: gateway.CodeChanged},
		{name: "the clock was a little ahead", jump: time.Hour, reset: true, later: 2 * time.Hour, want: gateway.CodeChanged},
	} {
		w := newWorld(t)
		start := w.clock()
		w.wait(tt.jump)
		p := w.propose(anchors("contoh"))
		if tt.reset {
			w.resetClock(start.Add(time.Minute))
		}
		w.wait(tt.later)
		if got := codeOf(t, w.Decide(t.Context(), second, p.ID, true, "")); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestDecisionReason: why a proposal was approved or rejected is on record.
func TestDecisionReason(t *testing.T) {
	w := newWorld(t)
	second := gateway.Local(organisation, "second")
	for kind, approve := range map[string]bool{"proposal.approve": true, "proposal.reject": false} {
		w.must(w.Decide(t.Context(), second, w.propose(anchors(kind)).ID, approve, "sesuai SK 12/2026"))
		if got := w.events(kind); len(got) != 1 || got[0].Detail["reason"] != "sesuai SK 12/2026" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

// TestAnchorsAfterReset: the anchors that were approved last count, though the clock
// was ahead when others were approved before.
func TestAnchorsAfterReset(t *testing.T) {
	w := newWorld(t)
	start := w.clock()
	ensure := func(name string) gateway.Code {
		return codeOf(t, w.EnsureAnchors(t.Context(), operator(), anchors(name)))
	}
	approve := func(name string) {
		t.Helper()
		if err := w.Decide(t.Context(), gateway.Local(organisation, "second"), w.propose(anchors(name)).ID, true, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Sequence(t.Context(), w.db, 100); err != nil {
			t.Fatal(err)
		}
	}
	if code := ensure("first"); code != "" {
		t.Fatal(code)
	}
	w.wait(365 * 24 * time.Hour)
	approve("ahead")
	if code := ensure("ahead"); code != "" {
		t.Errorf("those approved by a clock that is ahead: %s", code)
	}
	w.resetClock(start.Add(time.Hour))
	if code := ensure("ahead"); code != "" {
		t.Errorf("the same after the clock was reset: %s", code)
	}
	approve("later")
	if now, before := ensure("later"), ensure("ahead"); now != "" || before != gateway.CodeForbidden {
		t.Errorf("those approved last: %q; those of before: %q", now, before)
	}
}
