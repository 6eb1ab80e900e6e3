package dispute

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Rules are the settings of a region. The zero value is no rule: take
// [DefaultRules] and change it.
type Rules struct {
	Calendar Calendar
	// Examine, Answer and Close are the working days until the case is
	// examined and answered after it was received, and closed after it was
	// answered.
	Examine, Answer, Close int
	// Assistance is the working days after which the PSrE is reminded.
	Assistance int
	// Loss is the working days within which the owner reports a loss (Perbup
	// Pasuruan 14/2023 art. 17(2): ten); zero: without delay, no number.
	Loss int
	// Incident is the working days until an incident is reported; zero: on the
	// day itself.
	Incident int
	// Incidents are the kinds of cases that are incidents too (Perwali
	// Tasikmalaya 48/2017 art. 25(3), Perbup Pasuruan 14/2023 art. 26(3)).
	Incidents []Kind
	// MustEscalate are the kinds that are not answered before the PSrE was
	// asked: "meminta" in Bekasi and Tasikmalaya, "dapat" in Pasuruan.
	MustEscalate []Kind
	// Soon is the working days before a deadline from which on it is pointed
	// out.
	Soon int
	// Retention is the days after the end of a case for which what people gave and
	// said is kept; zero: for ever.
	Retention int
	// Office writes the letters; PSrE is asked for assistance; Recipients get
	// incident reports, Supervisors those on supervision.
	Office      Office
	PSrE        Addressee
	Recipients  []Addressee
	Supervisors []Addressee
}

// Office is who writes letters.
type Office struct {
	Head  []string // lines of the letterhead, the first the largest
	Place string   // where letters are dated; "" leaves it out
	Title string   // of the person who is responsible: "Kepala Dinas …"
}

// Addressee is whom a letter goes to.
type Addressee struct {
	Name    string
	Address []string // lines; none is fine
}

// DefaultRules are those of a region that has set none: five working days to
// examine and fourteen to answer, which no regulation asks for, and what both
// regulations that speak of incidents call one.
func DefaultRules() Rules {
	return Rules{
		Calendar: Calendar{Zone: wib, Rest: []time.Weekday{time.Saturday, time.Sunday}},
		Examine:  5, Answer: 14, Close: 10, Assistance: 5, Incident: 0, Soon: 2, Retention: 5 * 365,
		Incidents: []Kind{Repudiation, KeyLoss},
		PSrE:      Addressee{Name: "Kepala Balai Besar Sertifikasi Elektronik, Badan Siber dan Sandi Negara"},
	}
}

var wib = time.FixedZone("WIB", 7*60*60)

// maxDays bounds every number of working days.
const maxDays = 366

// maxRetention is a century.
const maxRetention = 36_525

// Check returns an error for rules that cannot be kept.
func (r Rules) Check() error {
	if err := r.Calendar.check(); err != nil {
		return err
	}
	for _, d := range []struct {
		name string
		n    int
	}{{"examine", r.Examine}, {"answer", r.Answer}, {"close", r.Close}, {"assistance", r.Assistance}, {"loss", r.Loss}, {"incident", r.Incident}, {"soon", r.Soon}} {
		if d.n < 0 || d.n > maxDays {
			return fmt.Errorf("dispute: %s: %d is not between 0 and %d working days", d.name, d.n, maxDays)
		}
	}
	if r.Retention < 0 || r.Retention > maxRetention {
		return fmt.Errorf("dispute: retention: %d is not between 0 and %d days", r.Retention, maxRetention)
	}
	for _, k := range slices.Concat(r.Incidents, r.MustEscalate) {
		if !k.Valid() {
			return fmt.Errorf("dispute: %q is not a kind of complaint", k)
		}
	}
	return nil
}

// Calendar tells working days from others.
type Calendar struct {
	Zone     *time.Location // nil is UTC+7 (WIB)
	Rest     []time.Weekday // days of the week without work
	Holidays []Date
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads 2026-12-25.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("dispute: %q is not a date such as 2026-12-25", s)
	}
	return dateOf(t), nil
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// maxFree bounds how many days in a row may be without work: the longest
// leave around Idulfitri has some eleven.
const maxFree = 60

func (c Calendar) check() error {
	if len(c.Rest) >= 7 {
		return errors.New("dispute: no day of the week is left to work on")
	}
	if len(c.Holidays) > 10_000 {
		return errors.New("dispute: more than 10000 holidays")
	}
	return nil
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return wib
	}
	return c.Zone
}

// Working reports whether the day is one.
func (c Calendar) Working(d Date) bool {
	weekday := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Weekday()
	return !slices.Contains(c.Rest, weekday) && !slices.Contains(c.Holidays, d)
}

// After returns the end of the n-th working day after the day of t: the first
// moment at which it is over. With n 0 it is the end of that day, or of the next
// working day when it is none. More than maxFree days in a row without work
// count as work, so that a wrong list of holidays postpones nothing for ever.
func (c Calendar) After(t time.Time, n int) time.Time {
	t = t.In(c.zone())
	y, m, d := t.Date()
	free := 0
	for day := 0; ; day++ {
		date := dateOf(time.Date(y, m, d+day, 12, 0, 0, 0, time.UTC))
		if !c.Working(date) && free < maxFree {
			free++
			continue
		}
		free = 0
		if day > 0 && n > 0 {
			n--
		}
		if n == 0 {
			return time.Date(date.Year, date.Month, date.Day+1, 0, 0, 0, 0, c.zone())
		}
	}
}

// Between counts the working days that are left from a moment until an end
// that After returned, the day of the moment included; 0 when it has passed.
func (c Calendar) Between(at, end time.Time) int {
	if !at.Before(end) {
		return 0
	}
	n, t := 0, at.In(c.zone())
	y, m, d := t.Date()
	for day := 0; day <= 4*maxDays; day++ {
		noon := time.Date(y, m, d+day, 12, 0, 0, 0, c.zone())
		if !noon.Before(end) {
			break
		}
		if c.Working(dateOf(noon)) {
			n++
		}
	}
	return n
}

// DeadlineCode says what must be done.
type DeadlineCode string

// The deadlines.
const (
	DueExamine    DeadlineCode = "examine"
	DueIncident   DeadlineCode = "incident"
	DueAssistance DeadlineCode = "assistance" // the PSrE is reminded
	DueAnswer     DeadlineCode = "answer"
	DueReply      DeadlineCode = "reply" // an objection is answered
	DueClose      DeadlineCode = "close"
)

// Deadline is something that must be done, or was.
type Deadline struct {
	Code DeadlineCode
	Due  time.Time // the first moment that is too late
	Done time.Time // zero: not yet
}

// Urgency is how a deadline stands.
type Urgency string

// The urgencies.
const (
	InTime   Urgency = "done"
	DoneLate Urgency = "done-late"
	Waiting  Urgency = "waiting"
	Soon     Urgency = "soon"
	Overdue  Urgency = "overdue"
)

// At returns how the deadline stands at a moment.
func (d Deadline) At(at time.Time, r Rules) Urgency {
	switch {
	case !d.Done.IsZero() && d.Done.Before(d.Due):
		return InTime
	case !d.Done.IsZero():
		return DoneLate
	case !at.Before(d.Due):
		return Overdue
	case r.Calendar.Between(at, d.Due) <= r.Soon:
		return Soon
	}
	return Waiting
}

// Deadlines returns those of a case, in the order in which they end.
func (c Case) Deadlines(r Rules) []Deadline {
	after := r.Calendar.After
	list := []Deadline{{DueExamine, after(c.OpenedAt, r.Examine), c.FindingsAt}}
	if slices.Contains(r.Incidents, c.Kind) {
		list = append(list, Deadline{DueIncident, after(c.OpenedAt, r.Incident), c.ReportedAt})
	}
	list = append(list, Deadline{DueAnswer, after(c.OpenedAt, r.Answer), c.AnsweredAt})
	if c.State == Escalated {
		list = append(list, Deadline{DueAssistance, after(c.Since, r.Assistance), time.Time{}})
	}
	for _, o := range c.Objections {
		list = append(list, Deadline{DueReply, after(o.At, r.Answer), o.AnsweredAt})
	}
	if stands := c.stands(); !stands.IsZero() {
		d := Deadline{Code: DueClose, Due: after(stands, r.Close)}
		if c.State == Closed {
			d.Done = c.Since
		}
		list = append(list, d)
	}
	if c.State == Closed && c.Outcome == Withdrawn { // it is owed nothing more
		list = slices.DeleteFunc(list, func(d Deadline) bool { return d.Done.IsZero() })
	}
	slices.SortStableFunc(list, func(a, b Deadline) int { return a.Due.Compare(b.Due) })
	return list
}

// NextDue returns the first deadline that is not met; ok is false when there
// is none, as in a closed case.
func (c Case) NextDue(r Rules) (d Deadline, ok bool) {
	if c.State == Closed {
		return d, false
	}
	for _, d := range c.Deadlines(r) {
		if d.Done.IsZero() {
			return d, true
		}
	}
	return Deadline{}, false
}

// LossInTime reports whether a loss was reported within the days that the
// region gives its owners; true when it gives no number or nothing was said.
func (c Case) LossInTime(r Rules) bool {
	return r.Loss == 0 || c.LossAt.IsZero() || c.OpenedAt.Before(r.Calendar.After(c.LossAt, r.Loss))
}
