package gateway_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// lateHSM is a log whose receipt key fails now and then.
type lateHSM struct {
	gateway.Notary
	fail atomic.Int64 // so many times from now on
}

var errLate = errors.New("the HSM answered too late")

func (l *lateHSM) NewEntry(r evidence.Record) (evidence.Entry, evidence.Receipt, error) {
	if r.Phase != evidence.PhaseIntent && l.fail.Add(-1) >= 0 {
		return evidence.Entry{}, evidence.Receipt{}, errLate
	}
	return l.Notary.NewEntry(r)
}

// TestS20LateReceipt: under load one receipt that the HSM signs too late turned
// the answer to whoever was to be told "in progress" or "changed" into
// "record-unavailable". An event is tried again as an outcome is, and given up when
// the HSM stays away.
func TestS20LateReceipt(t *testing.T) {
	hsm := &lateHSM{}
	w := newWorldWith(t, func(c *gateway.Config) { hsm.Notary, c.Notary = c.Notary, hsm })
	for _, tt := range []struct {
		fails int64
		want  gateway.Code
	}{{0, ""}, {1, ""}, {3, ""}, {1000, gateway.CodeRecord}} {
		hsm.fail.Store(tt.fails)
		before := len(w.events("proposal.make"))
		_, err := w.Propose(t.Context(), operator(), gateway.ProposeRole, []byte(`{"application":"x","version":1,"role":"auditor"}`))
		if got := codeOf(t, err); got != tt.want {
			t.Errorf("%d failures: got %q, want %q", tt.fails, got, tt.want)
		}
		hsm.fail.Store(0)
		made := len(w.events("proposal.make")) - before
		if want := map[bool]int{true: 1, false: 0}[tt.want == ""]; made != want {
			t.Errorf("%d failures: %d events, want %d", tt.fails, made, want)
		}
	}
}
