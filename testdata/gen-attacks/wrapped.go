package main

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
)

// wrapped are the Signature Wrapping Attacks. The signature dictionary has
// /Contents before /ByteRange, so that the second signed part begins in the
// middle of it. The attacker closes the dictionary in the gap with a range of
// his own, puts a cross-reference table where the signed startxref points, and
// moves the second part, now garbage, to the end.
func wrapped() []*attack {
	rows := []*attack{
		row("w-a-new-page", "W-A", "table, page tree and page in the gap", wrapInGap(wrapping{pages: true})).sees("valid").shows(forgery).checks("clean"),
		row("w-b-object", "W-B", "one object redefined in the gap", wrapInGap(wrapping{})).sees("valid").shows(forgery).checks("clean"),
		row("w-c-end", "W-C", "as W-A, with startxref and %%EOF in the gap", wrapInGap(wrapping{pages: true, ends: 1})).sees("valid").shows(forgery).checks("clean"),
		row("w-d-ends", "W-D", "as W-B, with two startxref and %%EOF in the gap", wrapInGap(wrapping{ends: 2})).sees("valid").shows(forgery).checks("clean"),
		row("w-e-xref", "W-E", "only the table in the gap", wrapInGap(wrapping{only: true})).sees("valid").shows(truth).checks("clean"),
		row("w-f-two-ranges", "W-F", "/ByteRange twice: the attacker's in the gap, then the signed one", func() []byte {
			f := honest(signing{early: true, room: 940})
			start, end := f.gap()
			own := fmt.Sprintf("/ByteRange [0 %d %d %d]", start, end, len(f.b)-end)
			shorter := bytes.TrimRight(f.b[start:end-1], "0")
			if len(shorter)%2 == 0 {
				shorter = append(shorter, '0')
			}
			text := string(shorter) + ">" + own
			copy(f.b[start:end], fmt.Sprintf("%-*s", end-start, text))
			return f.b
		}).checks("warnings"),
		row("w-f-two-ranges-signed", "W-F", "/ByteRange twice in the signed bytes, the second shorter", func() []byte {
			return honest(signing{dict: func(d string) string { return strings.TrimSuffix(d, ">>") + "/ByteRange[0 10 20 30]>>" }}).b
		}).sees("mismatch").checks("warnings"),
		row("w-g-comment", "W-G", "a comment inside the hexadecimal string", gapFrom(func(h string) string {
			return "<" + h[:100] + "%0\n" + h[100:len(h)-4] + ">"
		})).sees("invalid"),
		row("w-g-space", "W-G", "white space inside the hexadecimal string", gapFrom(func(h string) string {
			return "<" + h[:100] + "\n" + h[100:len(h)-2] + " >"
		})),
		row("w-h-wide-gap", "W-H", "the gap of the range also holds the page contents (Zumbiehl 2010)", wideGap).checks("clean").shows(forgery),
		row("w-h-padding", "W-H", "the padding after the CMS is not zero", gapFrom(func(h string) string { return "<" + h[:len(h)-8] + "DEADBEEF>" })).sees("valid").checks("clean"),
		row("w-h-padding-tlv", "W-H", "a second CMS follows the first", func() []byte {
			return honest(signing{room: 2000, der: func(b []byte) []byte { return cat(b, b) }}).b
		}),
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(rows)
}

type wrapping struct {
	pages bool // also page tree and page
	only  bool // no objects
	ends  int  // how often startxref and %%EOF follow
}

// gap returns where the newest /Contents begins and ends.
func (f *file) gap() (start, end int) {
	start = bytes.LastIndex(f.b, []byte("/Contents <")) + len("/Contents ")
	return start, start + bytes.IndexByte(f.b[start:], '>') + 1
}

func wrapInGap(w wrapping) func() []byte {
	return func() []byte {
		f := letter(nil, emptyCRL())
		before := len(f.b)
		f.sign(signing{early: true})
		start, end := f.gap()
		entries := map[int]int{}
		for n, at := range f.at {
			if at >= before {
				entries[n] = at
			}
		}
		set := map[int]string{}
		if !w.only {
			set = f.only(objContents)
		}
		if w.pages {
			set = f.only(objPages, objPage, objContents)
		}
		second := string(f.b[end:])
		trailer := second[strings.Index(second, "trailer"):strings.Index(second, "startxref")]
		insert := ""
		// The length of what is inserted stands in itself: until it settles.
		for range 5 {
			own := fmt.Sprintf("/ByteRange [0 %d %d %d]>>\nendobj\n", start, end+len(insert), len(second))
			own += strings.Repeat(" ", f.prev-end-len(own))
			all := maps.Clone(entries)
			for n := range set {
				all[n] = 0
			}
			at := map[int]int{}
			bodies := f.bodyText(f.prev+len(tableText(all, false))+len(trailer), set, at)
			maps.Copy(all, at)
			insert = own + tableText(all, false) + trailer + bodies
			for range w.ends {
				insert += fmt.Sprintf("startxref\n%d\n%%%%EOF\n", f.prev)
			}
			insert += "99 0 obj\n<<"
		}
		return cat(f.b[:end], []byte(insert), []byte(second))
	}
}

// wideGap is signed with a range that leaves out the page contents too, which
// are then replaced by others of the same length.
func wideGap() []byte {
	f := letter(nil, emptyCRL())
	var from, to int
	locate := func(b []byte, start int) {
		to = bytes.LastIndex(b, []byte("endstream\nendobj\n"))
		from = start
	}
	f.sign(signing{number: 18, change: func(r *revision) {
		r.set[19] = pageText(truth)
		r.set[objPage] = replaceOnce(r.set[objPage], "4 0 R", "19 0 R")
	},
		byteRange: func(b, c, d int) string {
			locate(f.b, b)
			return fmt.Sprintf("[0 %d %d %d]", from, to, len(f.b)-to)
		},
		covered: func(b []byte, start, end int) []byte { return cat(b[:from], b[to:]) }})
	i := bytes.LastIndex(f.b, []byte(truth))
	copy(f.b[i:], forgery)
	return f.b
}
