package web

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// periods are the lengths of the overview that it offers, in days.
var periods = []int{7, 30, 90, 366}

// overviewView is the first page of the console.
type overviewView struct {
	Days     int
	Periods  []opLink
	Signed   chartView // released and failed a day
	Verified chartView // judged a day
	Rows     []dayView // latest first
	Kinds    []barView
	Failures []barView
	Verdicts []barView
	Expiring []expiringView
	Cases    []caseLine // open complaints
	Kept     []fact     // what is kept of complaints
	Health   []fact
	Sound    bool // the log keeps its promises
	CSV      string
}

type dayView struct {
	Day                        text
	Released, Failed, Verified int64
}

// barView is a number with the length of its bar, of 100.
type barView struct {
	Name  string
	Code  string // stable code, where no path says it; ""
	N     int64
	Width int64
	Path  string // of the operations that it counts; ""
}

type expiringView struct {
	Name, Path string
	End        text
	Left       string
	State      string
}

// chartView is a chart of columns, drawn without words: it is stretched to the
// width of the screen, which would distort them.
type chartView struct {
	Width, Height int
	Columns       []column
	Top           int64 // number at the upper edge
	Total         int64
	First, Last   text // days at the left and right edges
	Grid          []int
}

// column is a rectangle of the chart.
type column struct {
	X, Y, Width, Height int
	Class               string
}

// maxKinds is how many kinds the page lists; the file of numbers has all.
const maxKinds = 10

// Measures of charts, in their own units.
const (
	chartHeight = 120
	slot        = 12 // of a day
	slotGap     = 3
)

// series is what a chart stacks: numbers by day, of one class.
type series struct {
	class string
	of    func(gateway.OverviewDay) int64
}

// chart draws columns for days, oldest first, the series stacked upon each
// other.
func (v *visit) chart(days []gateway.OverviewDay, stacked ...series) chartView {
	c := chartView{Width: slot * len(days), Height: chartHeight, Grid: []int{0, chartHeight / 2}}
	for _, d := range days {
		var sum int64
		for _, s := range stacked {
			sum += s.of(d)
		}
		c.Total += sum
		c.Top = max(c.Top, sum)
	}
	c.Top = roundUp(c.Top)
	for i, d := range days {
		y := chartHeight
		for _, s := range stacked {
			n := s.of(d)
			if n == 0 {
				continue
			}
			height := max(1, int(n*chartHeight/c.Top))
			y -= height
			c.Columns = append(c.Columns, column{i*slot + slotGap/2, max(0, y), slot - slotGap, height, s.class})
		}
	}
	if len(days) > 0 {
		c.First, c.Last = cut(v.look.words, stampDate(days[0].Day)), cut(v.look.words, stampDate(days[len(days)-1].Day))
	}
	return c
}

// roundUp is the next number that an axis may end with: even ones of one digit
// and zeros.
func roundUp(n int64) int64 {
	if n <= 2 {
		return 2
	}
	step := int64(1)
	for n > 10*step {
		step *= 10
	}
	n = (n + step - 1) / step
	return (n + n%2) * step
}

// barsView is a table of bars of one class.
type barsView struct {
	Class, Label string
	Bars         []barView
}

// bars are counts with the length of their bars.
func bars(counts []gateway.Count, name func(string) string, path func(string) string) (all []barView) {
	for _, c := range counts {
		b := barView{Name: name(c.Name), N: c.N, Width: max(1, c.N*100/counts[0].N)}
		if b.Name != c.Name && path == nil {
			b.Code = report.Visible(c.Name)
		}
		if path != nil {
			b.Path = path(c.Name)
		}
		all = append(all, b)
	}
	return all
}

// readOverview is what the page and the file of numbers have in common.
func (v *visit) readOverview() (*gateway.Overview, int, error) {
	c, err := v.staff(everyone...)
	if err != nil {
		return nil, 0, err
	}
	days := 30
	if text := v.r.URL.Query().Get("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 366 {
			return nil, 0, invalid(fmt.Errorf("%q is no number of days", text))
		}
	}
	_, offset := time.Unix(0, 0).In(zoneNamed(v.zone)).Zone()
	o, err := v.cfg.Records.Overview(v.r.Context(), c, gateway.OverviewRequest{Days: days, Offset: time.Duration(offset) * time.Second})
	return o, days, err
}

func (v *visit) overview(string) error {
	o, days, err := v.readOverview()
	if err != nil {
		return err
	}
	w := v.look.words
	view := overviewView{Days: days, CSV: v.to("/op/overview.csv?days=" + strconv.Itoa(days))}
	for _, n := range periods {
		view.Periods = append(view.Periods, opLink{v.to("/op?days=" + strconv.Itoa(n)), w.Text("op.days", n), n == days})
	}
	view.Signed = v.chart(o.Days,
		series{"passed", func(d gateway.OverviewDay) int64 { return d.Released }}, series{"failed", func(d gateway.OverviewDay) int64 { return d.Failed }})
	view.Verified = v.chart(o.Days, series{"registered", func(d gateway.OverviewDay) int64 { return d.Verified }})
	for i := len(o.Days) - 1; i >= 0; i-- {
		d := o.Days[i]
		view.Rows = append(view.Rows, dayView{cut(w, stampDate(d.Day)), d.Released, d.Failed, d.Verified})
	}
	view.Cases, view.Kept = v.caseLines(o.Cases), v.kept(o.Retention)
	view.Kinds = bars(o.Kinds[:min(len(o.Kinds), maxKinds)], v.kindWord, func(kind string) string { return v.to("/op/search?kind=" + kind) })
	view.Failures = bars(o.Failures, v.failureWord, nil)
	view.Verdicts = bars(o.Verdicts, v.verdictWord, nil)
	for _, x := range o.Expiring {
		view.Expiring = append(view.Expiring, v.expiring(x, o.At))
	}
	view.Health, view.Sound = v.health(o)
	return v.showOp(http.StatusOK, "op-overview", w.Text("op.overview.title"), view)
}

// failureWord is what a reason is called.
func (v *visit) failureWord(code string) string {
	if word, known := v.look.words["op.failure."+code]; known {
		return word
	}
	return report.Visible(code)
}

func (v *visit) verdictWord(verdict string) string {
	if word, known := v.look.words["paper.verdict."+verdict]; known {
		return word
	}
	return report.Visible(verdict)
}

func (v *visit) expiring(x gateway.ExpiringCertificate, now time.Time) expiringView {
	w, sum := v.look.words, hex.EncodeToString(x.Certificate.SHA256[:])
	e := expiringView{
		Name: report.Visible(x.Name), Path: v.to("/op/certificate/" + sum), End: cut(w, stampDate(x.Certificate.NotAfter)), State: "open",
	}
	switch left := int(x.Certificate.NotAfter.Sub(now) / (24 * time.Hour)); {
	case !x.Certificate.NotAfter.After(now):
		e.Left, e.State = w.Text("op.expired"), "failed"
	default:
		e.Left = w.Text("op.days", left)
	}
	return e
}

// kept is what is kept of complaints, and what should no longer be.
func (v *visit) kept(r gateway.CaseRetention) []fact {
	l := &facts{v: v}
	number := func(word string, n int64) { l.add(word, strconv.FormatInt(n, 10)) }
	number("case.count.open", r.Open)
	number("case.count.kept", r.Kept)
	if r.Days > 0 {
		number("case.count.over", r.Over)
		number("case.count.erased", r.Erased)
		l.add("case.retention", v.look.words.Text("op.days", r.Days))
	} else {
		l.add("case.retention", v.look.words.Text("case.retention.ever"))
	}
	return l.all
}

// health is how the log stands, and whether that is well.
func (v *visit) health(o *gateway.Overview) (lines []fact, sound bool) {
	l, h := &facts{v: v}, o.Log
	w := v.look.words
	l.add("op.log.size", strconv.FormatInt(h.Size, 10))
	if h.Latest.Note != nil {
		l.time("op.log.checkpoint", h.Latest.Time)
		l.add("op.log.covers", strconv.FormatInt(h.Latest.Size, 10))
		stamped := w.Text("op.log.not-stamped")
		if h.Latest.Token != nil {
			stamped = w.Text("op.log.stamped")
		}
		l.add("op.log.stamp", stamped)
		l.add("op.log.witnesses", strconv.Itoa(len(h.Latest.Cosignatures)))
	}
	l.time("op.log.waiting", h.Waiting)
	return l.all, h.Fault == nil
}

// overviewCSV sends the numbers of the overview, for other programs.
func (v *visit) overviewCSV(string) error {
	o, _, err := v.readOverview()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	row := func(cells ...string) {
		for i, cell := range cells {
			cells[i] = harmless(cell)
		}
		_ = w.Write(cells) // into memory
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	row("table", "name", "released", "failed", "verified", "count")
	zone := zoneNamed(v.zone)
	for _, d := range o.Days {
		row("day", d.Day.In(zone).Format(time.DateOnly), number(d.Released), number(d.Failed), number(d.Verified), "")
	}
	for _, t := range []struct {
		name   string
		counts []gateway.Count
	}{{"operations", o.Kinds}, {"failures", o.Failures}, {"verdicts", o.Verdicts}} {
		for _, c := range t.counts {
			row(t.name, c.Name, "", "", "", number(c.N))
		}
	}
	for _, n := range []struct {
		name string
		n    int64
	}{{"open", o.Retention.Open}, {"closed", o.Retention.Kept}, {"closed, time over", o.Retention.Over}, {"erased", o.Retention.Erased}} {
		row("cases", n.name, "", "", "", number(n.n))
	}
	for _, x := range o.Expiring {
		row("certificate ends "+x.Certificate.NotAfter.In(zone).Format(time.DateOnly), x.Name, "", "", "", "")
	}
	w.Flush()
	return v.attach("text/csv; charset=utf-8", "absah-"+o.At.In(zone).Format(time.DateOnly)+".csv", int64(b.Len()), &b)
}

// harmless keeps a cell from being a formula where the file is opened as a
// sheet: names come from certificates (ASVS 1.2.10).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
