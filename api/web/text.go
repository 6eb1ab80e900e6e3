package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier/report"
)

// zone is one of the three zones of Indonesia, which know no summer time.
type zone struct {
	Key, Name string
	location  *time.Location
}

var zones = []zone{newZone("wib", "WIB", 7), newZone("wita", "WITA", 8), newZone("wit", "WIT", 9)}

func newZone(key, name string, hours int) zone {
	return zone{key, name, time.FixedZone(name, hours*60*60)}
}

// zoneOf is the key of the zone with the offset of l, WIB when there is none.
func zoneOf(l *time.Location) string {
	if l != nil {
		_, offset := time.Unix(0, 0).In(l).Zone()
		for _, z := range zones {
			if _, o := time.Unix(0, 0).In(z.location).Zone(); o == offset {
				return z.Key
			}
		}
	}
	return zones[0].Key
}

// zoneNamed is the location of a zone's key, WIB for one that is not known.
func zoneNamed(key string) *time.Location {
	for _, z := range zones {
		if z.Key == key {
			return z.location
		}
	}
	return zones[0].location
}

// text is a message for a page, in which times are shown in the zone of the
// reader's choice.
type text []segment

// segment is a piece of text, or a time in all zones.
type segment struct {
	Text string
	Time *moment
}

// moment is a time as it is shown.
type moment struct {
	Machine string // RFC 3339, UTC
	Zones   []zoned
}

type zoned struct{ Key, Text string }

// Empty reports that there is nothing to show.
func (t text) Empty() bool { return len(t) == 0 || len(t) == 1 && t[0].Time == nil && t[0].Text == "" }

// mark encloses a time in a message before it is cut up. It cannot come from a
// document, since report.Visible shows it as its code point.
const mark = "\x00"

// stamp writes a time so that cut finds it.
func stamp(t time.Time) string { return mark + strconv.FormatInt(t.Unix(), 10) + mark }

// stampDate is stamp without the hour.
func stampDate(t time.Time) string { return mark + "d" + strconv.FormatInt(t.Unix(), 10) + mark }

// cut makes a text of a message with stamps.
func cut(w report.Words, message string) text {
	var out text
	for i, part := range strings.Split(message, mark) {
		if i%2 == 0 {
			if part != "" {
				out = append(out, segment{Text: part})
			}
			continue
		}
		seconds, dateOnly := strings.CutPrefix(part, "d")
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			out = append(out, segment{Text: report.Visible(part)})
			continue
		}
		out = append(out, segment{Time: momentOf(w, time.Unix(n, 0).UTC(), dateOnly)})
	}
	return out
}

func momentOf(w report.Words, t time.Time, dateOnly bool) *moment {
	m := &moment{Machine: t.Format(time.RFC3339)}
	for _, z := range zones {
		local := t.In(z.location)
		shown := fmt.Sprintf("%d %s %d", local.Day(), w.Text("month."+strconv.Itoa(int(local.Month()))), local.Year())
		if !dateOnly {
			shown += local.Format(w.Text("web.hour")) + " " + z.Name
		}
		m.Zones = append(m.Zones, zoned{z.Key, shown})
	}
	return m
}
