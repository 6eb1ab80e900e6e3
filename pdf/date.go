package pdf

import (
	"fmt"
	"strings"
	"time"
)

// Date makes a date string (§7.9.4) in the zone of t, to the second.
func Date(t time.Time) String {
	_, zone := t.Zone()
	sign := '+'
	if zone < 0 {
		sign, zone = '-', -zone
	}
	return String(fmt.Sprintf("D:%s%c%02d'%02d'", t.Format("20060102150405"), sign, zone/3600, zone/60%60))
}

// ParseDate reads a date string (§7.9.4). Parts after the year may be absent;
// an absent zone is UTC. Anything else is a [MalformedError] with rule date.
func ParseDate(s String) (time.Time, error) {
	at, ok := parseDate(s)
	if !ok {
		return time.Time{}, malformed(-1, "date", "%s", quoted(string(s)))
	}
	return at, nil
}

func parseDate(s String) (at time.Time, ok bool) {
	t := strings.TrimPrefix(strings.TrimSpace(Text(s)), "D:")
	v := [6]int{0, 1, 1, 0, 0, 0}
	for i := range v {
		n := 2
		if i == 0 {
			n = 4
		}
		if len(t) == 0 || t[0]-'0' > 9 {
			if i == 0 {
				return at, false
			}
			break
		}
		x, ok := digits(t, n)
		if !ok {
			return at, false
		}
		v[i], t = x, t[n:]
	}
	zone, ok := parseZone(t)
	if !ok || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 59 {
		return at, false
	}
	at = time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, zone)
	if at.Day() != v[2] { // 31 April
		return at, false
	}
	return at, true
}

// digits reads a number of exactly n digits at the start of t.
func digits(t string, n int) (v int, ok bool) {
	if len(t) < n {
		return 0, false
	}
	for i := range n {
		c := t[i] - '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + int(c)
	}
	return v, true
}

// parseZone reads "", "Z", "+07'00'" and the like.
func parseZone(t string) (*time.Location, bool) {
	t = strings.ReplaceAll(t, "'", "")
	if t == "" || t == "Z" || t == "Z00" || t == "Z0000" {
		return time.UTC, true
	}
	if t[0] != '+' && t[0] != '-' {
		return nil, false
	}
	h, ok := digits(t[1:], 2)
	if !ok || h > 23 {
		return nil, false
	}
	m := 0
	if rest := t[3:]; rest != "" {
		if m, ok = digits(rest, 2); !ok || len(rest) != 2 || m > 59 {
			return nil, false
		}
	}
	off := h*3600 + m*60
	if t[0] == '-' {
		off = -off
	}
	if off == 0 {
		return time.UTC, true
	}
	return time.FixedZone("", off), true
}
