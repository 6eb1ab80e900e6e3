package dispute_test

import (
	"maps"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
)

func date(t testing.TB, s string) dispute.Date {
	t.Helper()
	d, err := dispute.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// contoh is a calendar with a leave of a week and a single holiday.
func contoh(t testing.TB) dispute.Calendar {
	c := dispute.DefaultRules().Calendar
	for _, s := range []string{"2026-12-24", "2026-12-25", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-01"} {
		c.Holidays = append(c.Holidays, date(t, s))
	}
	return c
}

func TestWorkingDays(t *testing.T) {
	wib := time.FixedZone("WIB", 7*3600)
	c := contoh(t)
	for _, test := range []struct {
		name, from string
		n          int
		want       string // the first moment that is too late, in WIB
	}{
		{"the day itself", "2026-11-16 10:00", 0, "2026-11-17"},
		{"one day on", "2026-11-16 10:00", 1, "2026-11-18"},
		{"five, over a weekend", "2026-11-16 10:00", 5, "2026-11-24"},
		{"received on a Saturday", "2026-11-21 10:00", 0, "2026-11-24"},
		{"one day after a Saturday", "2026-11-21 10:00", 1, "2026-11-24"},
		{"over the leave", "2026-12-23 09:00", 1, "2027-01-05"},
		{"inside of the leave", "2026-12-30 09:00", 0, "2027-01-05"},
		{"a minute before midnight", "2026-11-16 23:59", 1, "2026-11-18"},
		{"a minute after", "2026-11-17 00:01", 1, "2026-11-19"},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, err := time.ParseInLocation("2006-01-02 15:04", test.from, wib)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.After(from.UTC(), test.n).In(wib).Format("2006-01-02 15:04:05"); got != test.want+" 00:00:00" {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	// Papua's midnight is two hours before Java's.
	east := c
	east.Zone = time.FixedZone("WIT", 9*3600)
	late := time.Date(2026, 11, 16, 16, 0, 0, 0, time.UTC) // 23.00 WIB, 01.00 WIT on the 17th
	if a, b := c.After(late, 1), east.After(late, 1); !b.Equal(a.Add(22 * time.Hour)) {
		t.Errorf("got %v in the west, %v in the east", a, b)
	}
}

func TestBetween(t *testing.T) {
	c := contoh(t)
	for n := range 30 {
		end := c.After(monday, n)
		if got := c.Between(monday, end); got != n+1 { // the day itself counts
			t.Errorf("%d days on: %d left", n, got)
		}
		if got := c.Between(end, end); got != 0 {
			t.Errorf("%d days on: %d left at the end", n, got)
		}
	}
}

// TestEndlessHolidays: a wrong list of holidays must not keep After from
// returning, nor postpone a deadline for ever.
func TestEndlessHolidays(t *testing.T) {
	c := dispute.Calendar{Rest: []time.Weekday{time.Saturday, time.Sunday}}
	for i := range 4000 {
		y, m, d := monday.AddDate(0, 0, i).Date()
		c.Holidays = append(c.Holidays, dispute.Date{Year: y, Month: m, Day: d})
	}
	if got := c.After(monday, 1); got.After(monday.AddDate(1, 0, 0)) {
		t.Errorf("got %v", got)
	}
}

func TestDeadlines(t *testing.T) {
	r := dispute.DefaultRules()
	r.Calendar = contoh(t)
	standing := func(c dispute.Case, days int) map[dispute.DeadlineCode]dispute.Urgency {
		out := map[dispute.DeadlineCode]dispute.Urgency{}
		for _, d := range c.Deadlines(r) {
			out[d.Code] = d.At(at(days), r)
		}
		return out
	}
	for _, test := range []struct {
		name string
		c    dispute.Case
		days int
		want map[dispute.DeadlineCode]dispute.Urgency
	}{
		{"new", reach(t, dispute.Authenticity, dispute.Received), 0, map[dispute.DeadlineCode]dispute.Urgency{"examine": "waiting", "answer": "waiting"}},
		{"an incident", reach(t, dispute.Repudiation, dispute.Received), 0, map[dispute.DeadlineCode]dispute.Urgency{"examine": "waiting", "answer": "waiting", "incident": "soon"}},
		{"an incident, the next day", reach(t, dispute.KeyLoss, dispute.Received), 1, map[dispute.DeadlineCode]dispute.Urgency{"examine": "waiting", "answer": "waiting", "incident": "overdue"}},
		{"soon", reach(t, dispute.Authenticity, dispute.Received), 7, map[dispute.DeadlineCode]dispute.Urgency{"examine": "soon", "answer": "waiting"}},
		{"late", reach(t, dispute.Authenticity, dispute.Received), 8, map[dispute.DeadlineCode]dispute.Urgency{"examine": "overdue", "answer": "waiting"}},
		{"escalated", reach(t, dispute.Authenticity, dispute.Escalated), 8, map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "answer": "waiting", "assistance": "overdue"}},
		{"answered", reach(t, dispute.Authenticity, dispute.Answered), 1, map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "answer": "done", "close": "waiting"}},
		{"closed", reach(t, dispute.Authenticity, dispute.Closed), 100, map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "answer": "done", "close": "done"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := standing(test.c, test.days)
			if len(got) != len(test.want) {
				t.Fatalf("got %v, want %v", got, test.want)
			}
			for code, want := range test.want {
				if got[code] != want {
					t.Errorf("%s: got %q, want %q", code, got[code], want)
				}
			}
		})
	}
	late := reach(t, dispute.Authenticity, dispute.Received)
	late, err := late.Examine(act("ani", 20))
	if err != nil || standing(late, 21)["examine"] != dispute.DoneLate {
		t.Errorf("got %v, %v", standing(late, 21), err)
	}
	if d, ok := late.NextDue(r); !ok || d.Code != dispute.DueAnswer {
		t.Errorf("got %v, %t", d, ok)
	}
	if _, ok := reach(t, dispute.Authenticity, dispute.Closed).NextDue(r); ok {
		t.Error("a closed case has something due")
	}
}

func TestLossInTime(t *testing.T) {
	r := dispute.DefaultRules()
	c := dispute.Open("id", "n", dispute.KeyLoss, at(14)) // ten working days later
	if !c.LossInTime(r) {
		t.Error("a region without a number has a late report")
	}
	r.Loss = 10
	for _, test := range []struct {
		days int
		want bool
	}{{0, true}, {1, true}, {-1, false}, {-3, false}} {
		if c.LossAt = at(test.days); c.LossInTime(r) != test.want {
			t.Errorf("lost %d days after Monday: got %t", test.days, !test.want)
		}
	}
}

func TestRulesAreChecked(t *testing.T) {
	for name, change := range map[string]func(*dispute.Rules){
		"no day to work on": func(r *dispute.Rules) { r.Calendar.Rest = make([]time.Weekday, 7) },
		"a negative number": func(r *dispute.Rules) { r.Answer = -1 },
		"too many days":     func(r *dispute.Rules) { r.Loss = 1000 },
		"no such kind":      func(r *dispute.Rules) { r.Incidents = []dispute.Kind{"fire"} },
		"too many holidays": func(r *dispute.Rules) { r.Calendar.Holidays = make([]dispute.Date, 20_000) },
	} {
		r := dispute.DefaultRules()
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		if change(&r); r.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, s := range []string{"", "2026-13-01", "25-12-2026", "2026-02-30"} {
		if _, err := dispute.ParseDate(s); err == nil {
			t.Errorf("%q is a date", s)
		}
	}
}

// TestKeptDeadlinesStay: what was done in time stays done in time whatever
// follows, and what was missed stays missed (a second answer, report or
// examination once rewrote them).
func TestKeptDeadlinesStay(t *testing.T) {
	r := dispute.DefaultRules()
	r.Calendar = contoh(t)
	step := func(c dispute.Case, err error) dispute.Case {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	// again has the complainant object on one day and be answered on another.
	again := func(c dispute.Case, objects, answered int) dispute.Case {
		c = step(c.Move(dispute.Examined, act("ani", objects), r))
		c = step(c.Examine(act("ani", objects)))
		c = c.Wrote(dispute.LetterIncident, at(objects)).Wrote(dispute.LetterAssistance, at(objects))
		if answered > 0 {
			c = step(c.Move(dispute.Answered, act("ani", answered), r))
		}
		return c
	}
	c := step(dispute.Open("id", "n", dispute.Repudiation, monday).Examine(act("ani", 1))).Wrote(dispute.LetterIncident, at(0))
	c = step(c.Move(dispute.Answered, act("ani", 2), r))
	late := step(dispute.Open("id", "n", dispute.Repudiation, monday).Examine(act("ani", 20))).Wrote(dispute.LetterIncident, at(2))
	late = step(late.Move(dispute.Answered, act("ani", 30), r))
	old := c // as it was written before answers were told apart
	old.StandsSince, old.Latest = time.Time{}, dispute.Latest{}
	for _, test := range []struct {
		name string
		c    dispute.Case
		want map[dispute.DeadlineCode]dispute.Urgency // on day 60
	}{
		{"answered once", c, map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "close": "overdue"}},
		{"from before", old, map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "close": "overdue"}},
		{"an objection in time", again(c, 5, 6), map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "reply": "done", "close": "overdue"}},
		{"an objection that waits", again(c, 5, 0), map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "reply": "overdue"}},
		{"one answered late", again(old, 5, 50), map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "reply": "done-late", "close": "waiting"}},
		{"an objection when the closing is overdue", again(c, 40, 58), map[dispute.DeadlineCode]dispute.Urgency{"examine": "done", "incident": "done", "answer": "done", "reply": "done", "close": "overdue"}},
		{"late, and done again", again(late, 31, 58), map[dispute.DeadlineCode]dispute.Urgency{"examine": "done-late", "incident": "done-late", "answer": "done-late", "reply": "done", "close": "waiting"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := map[dispute.DeadlineCode]dispute.Urgency{}
			for _, d := range test.c.Deadlines(r) {
				got[d.Code] = d.At(at(60), r)
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
	if last := again(c, 5, 6).Latest; !last.Answer.Equal(at(6)) || !last.Report.Equal(at(5)) || !last.Findings.Equal(at(5)) || !last.Assistance.Equal(at(5)) {
		t.Errorf("what was done last: %+v", last)
	}
	if len(c.Objections) != 0 {
		t.Error("an objection changes the case that it was made of")
	}
}
