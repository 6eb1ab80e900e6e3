package gateway_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// TestNewYear: cases are numbered by the year of the office, whose midnight is not
// that of UTC, and a leap day is a day like others.
func TestNewYear(t *testing.T) {
	wit := time.FixedZone("WIT", 9*60*60)
	w := newWorldWith(t, func(c *gateway.Config) {
		c.Cases.Rules = dispute.DefaultRules()
		c.Cases.Rules.Calendar.Zone = wit
	})
	file := func(at time.Time) *gateway.CaseReceipt {
		t.Helper()
		w.wait(at.Sub(w.clock()))
		r, err := w.FileComplaint(t.Context(), gateway.Caller{}, gateway.Complaint{Kind: dispute.Authenticity, Text: "asli?", Contact: "x"}, nil)
		w.must(err)
		return r
	}
	midnight := time.Date(2028, 1, 1, 0, 0, 0, 0, wit)
	for _, c := range []struct {
		at     time.Time
		number string
		due    time.Time // the first moment that is too late
	}{
		{midnight.Add(-time.Millisecond), "PGD-2027-0001", time.Date(2028, 1, 8, 0, 0, 0, 0, wit)},
		{midnight, "PGD-2028-0001", time.Date(2028, 1, 8, 0, 0, 0, 0, wit)},
		{midnight.Add(9 * time.Hour), "PGD-2028-0002", time.Date(2028, 1, 8, 0, 0, 0, 0, wit)}, // midnight in UTC
		{time.Date(2028, 2, 23, 23, 59, 59, 0, wit), "PGD-2028-0003", time.Date(2028, 3, 2, 0, 0, 0, 0, wit)},
	} {
		if r := file(c.at); r.Number != c.number || !r.Due.Equal(c.due) {
			t.Errorf("at %v: got %s until %v, want %s until %v", c.at, r.Number, r.Due.In(wit), c.number, c.due)
		}
	}
}

// TestSupervisedCases: a report on supervision has the cases of its period, those
// too that were open when it began and were closed in it, and none that had been
// closed before.
func TestSupervisedCases(t *testing.T) {
	var paper dispute.Paper
	w := newWorldWith(t, func(c *gateway.Config) {
		c.Cases.Print = func(_ io.Writer, p dispute.Paper) error { paper = p; return nil }
	})
	budi, cici := w.at("budi", gateway.RoleSupervisor), w.member("cici", gateway.RoleAuditor)
	closed := func(id string) {
		t.Helper()
		w.must(w.ProposeClosing(t.Context(), budi, w.ref(budi, id), dispute.Withdrawn, "dicabut"))
		w.wait(time.Minute)
		w.must(w.CloseCase(t.Context(), cici.Caller, w.ref(cici.Caller, id), cici.fresh()))
	}
	before, over := w.filed(dispute.Conduct, "a"), w.filed(dispute.Conduct, "b")
	closed(before)
	w.wait(24 * time.Hour)
	from := w.clock()
	w.wait(24 * time.Hour)
	closed(over)
	in := w.filed(dispute.Conduct, "c")
	w.wait(24 * time.Hour)
	to := w.clock()
	w.wait(24 * time.Hour)
	later := w.filed(dispute.Conduct, "d")
	_, err := w.SupervisionReport(t.Context(), cici.Caller, from, to)
	w.must(err)
	for id, want := range map[string]bool{before: false, over: true, in: true, later: false} {
		v, err := w.Case(t.Context(), cici.Caller, id)
		w.must(err)
		if got := slices.ContainsFunc(paper.Blocks, func(b dispute.Block) bool { return b.Label == v.Case.Number }); got != want {
			t.Errorf("%s is listed: %t, want %t", v.Case.Number, got, want)
		}
	}
}

// TestNewHolidays: a holiday that is decreed later moves the deadlines of open cases
// in lists and reminders as it does on their own pages, also where another case
// cannot be read any more.
func TestNewHolidays(t *testing.T) {
	w := newWorld(t)
	broken, id := w.filed(dispute.Authenticity, "rusak"), w.filed(dispute.Authenticity, "asli?")
	w.must(w.db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error {
		row, err := tx.Case(t.Context(), broken)
		if err != nil {
			return err
		}
		row.Sealed = []byte("palsu")
		return tx.UpdateCase(t.Context(), row)
	}))
	c := w.cfg
	c.Cases.Rules = dispute.DefaultRules()
	c.Cases.Rules.Calendar.Holidays = []dispute.Date{{Year: 2026, Month: time.November, Day: 25}}
	var err error
	if w.Gateway, err = gateway.New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RemindCases(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := w.Cases(t.Context(), w.at("ani", gateway.RoleInvestigator), gateway.CaseQuery{})
	w.must(err)
	v, err := w.Case(t.Context(), w.at("budi", gateway.RoleSupervisor), id)
	w.must(err)
	want := v.Case.Deadlines(c.Cases.Rules)[0].Due
	at := slices.IndexFunc(found, func(c gateway.CaseSummary) bool { return c.ID == id })
	if len(found) != 2 || at < 0 || !found[at].Due.Equal(want) {
		t.Errorf("got %v, want %v", found, want)
	}
}
