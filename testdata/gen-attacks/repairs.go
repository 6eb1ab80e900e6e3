package main

import (
	"bytes"
	"fmt"
	"strings"
)

// repairs are later revisions that readers take in two ways: some read tables as
// records of 20 bytes, some search the file for objects as soon as anything in
// it displeases them, and then find one inside a stream that nothing refers to.
func repairs() []*attack {
	rows := []*attack{
		row("x18-entry-shift", "X18", "after B-LTA: the entries of a later table are short, with a comment between; whoever reads 20 bytes each takes the one in the comment",
			func() []byte { return shiftedEntries(stamped()) }).checks("warnings").sees("valid unverified").shows(forgery),
		row("x18-entry-shift-certified", "X18", "the same after a certification that allows no change", func() []byte {
			return shiftedEntries(honest(certify(1)))
		}).checks("warnings").shows(forgery),
		row("x18-entry-free", "X18", "the later table has a comment in an entry of 20 bytes, and frees an object for whoever does not see the comment",
			freedInComment).checks("warnings"),
		row("x19-startxref-in-word", "X19", "startxref of a later revision points into the word xref, and a stream holds other page contents",
			litter(func(start int) string { return fmt.Sprintf(honestEnd, start+1) })).checks("warnings").sees("valid unverified"),
		row("x19-startxref-nul", "X19", "the same with NUL before the number",
			litter(func(start int) string { return fmt.Sprintf("startxref\n\x00%d\n%%%%EOF\n", start) })).checks("clean").sees("valid unverified"),
		row("x19-startxref-comment", "X19", "the same with a comment before the number",
			litter(func(start int) string { return fmt.Sprintf("startxref\n%%\n%d\n%%%%EOF\n", start) })).checks("clean").sees("valid unverified"),
		row("x19-hidden-object", "X19", "a later stream that nothing refers to holds other page contents, under the number of the signed ones",
			litter(func(start int) string { return fmt.Sprintf(honestEnd, start) })).checks("clean").sees("valid unverified"),
		row("x19-hidden-trailer", "X19", "a later stream that nothing refers to holds a trailer with another catalog", hiddenTrailer).checks("warnings"),
		row("x20-wide-entries", "X20", "a later cross-reference stream has numbers of 8 bytes, and a stream holds other page contents",
			litterStream(xrefForm{widths: [3]int{8, 8, 8}})).checks("warnings").sees("valid unverified"),
		row("x20-unknown-type", "X20", "the same with an entry of an unknown type for a number that nothing uses",
			litterStream(xrefForm{more: "\x09\x00\x00\x05\x05", entries: 1})).checks("warnings").sees("valid unverified"),
		row("x20-own-number", "X20", "the later cross-reference stream has the number of the page contents, and more data than its entries",
			litterStream(xrefForm{number: objContents, more: "\nBT /F1 14 Tf 72 730 Td (" + forgery + ") Tj ET\n"})).checks("warnings").sees("valid unverified").shows(forgery),
		row("x21-linearized", "X21", "signed with linearization parameters whose length the file gets from a later filler: readers then take another cross-reference stream",
			linearizedLater).checks("warnings").sees("none"),
		row("x06-hybrid-freed", "X06", "a later hybrid revision frees a part of the page in its table and keeps it in its stream", hybridFreed).checks("warnings"),
	}
	for _, head := range []struct{ name, what, text string }{
		{"tab", "with vertical tabs, which some readers take for white space", "%d\v0\vobj"},
		{"sign", "with a signed number, which some readers take", "%d +0 obj"},
	} {
		rows = append(rows, row("x19-hidden-"+head.name, "X19", "the same "+head.what, func() []byte {
			f := stamped()
			f.commit(revision{set: map[int]string{f.size: stream("", fmt.Sprintf("\n"+head.text+"\n%s\nendobj\n", objContents, pageText(forgery)))}})
			return f.b
		}).checks("clean").sees("valid unverified"))
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(append(rows, twins()...))
}

// twins are letters that hold a second version of something where readers only
// look that repair the file, which a later trailer makes some of them do: it
// names an object that does not exist.
func twins() []*attack {
	hidden := func(num int) *file {
		f := letter(func(f *file, r *revision) {
			f.size = 45
			r.set[40] = stream("", fmt.Sprintf("\n%d 0 obj\n%s\nendobj\n", num, pageText(forgery)))
			if num != objContents {
				r.set[objPage] = replaceOnce(r.set[objPage], "/Contents 4 0 R", fmt.Sprintf("/Contents[4 0 R %d 0 R]", num))
			}
		}, emptyCRL())
		f.sign(signing{})
		return f
	}
	freed := func() *file {
		f := letter(func(f *file, r *revision) {
			r.set[objOver] = pageText(forgery)
			r.set[objPage] = replaceOnce(r.set[objPage], "/Contents 4 0 R", fmt.Sprintf("/Contents[4 0 R %d 0 R]", objOver))
		}, emptyCRL())
		f.commit(revision{free: []int{objOver}})
		f.sign(signing{})
		return f
	}
	container := func() *file {
		f := letter(func(f *file, r *revision) { r.set[objOver] = pageText(forgery) }, emptyCRL())
		f.xrefs, f.size = true, 40
		page := replaceOnce(f.body[objPage], "/Contents 4 0 R", fmt.Sprintf("/Contents %d 0 R", objOver))
		head := fmt.Sprintf("%d 0 %d %d ", objFont, objPage, len(helvetica)+1)
		f.commit(revision{
			set:     map[int]string{30: stream(fmt.Sprintf("/Type/ObjStm/N 2/First %d", len(head)), head+helvetica+" "+page)},
			entries: func(at map[int]int) { at[objFont] = -30 },
		})
		f.sign(signing{})
		return f
	}
	var rows []*attack
	for _, c := range []struct {
		name, qpdf, what string
		build            func() *file
	}{
		{"x22-twin", "warnings", "a signed stream holds another version of the page contents", func() *file { return hidden(objContents) }},
		{"x22-absent", "warnings", "a signed stream holds a part of the page that does not exist", func() *file { return hidden(30) }},
		{"x22-freed", "warnings", "a part of the page was freed before it was signed", freed},
		{"x22-container", "clean", "a signed object stream holds another version of the page", container},
	} {
		rows = append(rows,
			row(c.name, "X22", c.what+"; a later trailer makes some readers repair the file, which show it", func() []byte {
				f := c.build()
				f.commit(revision{extra: "/Info 99 0 R"})
				return f.b
			}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").checks(c.qpdf))
	}
	return append(rows, row("x22-twin-alone", "X22", "the same as the first, and nothing follows", func() []byte { return hidden(objContents).b }).passes().checks("clean"))
}

// forgedContents is an object with the number of the page contents.
func forgedContents() string {
	return fmt.Sprintf("%d 0 obj\n%s\nendobj\n", objContents, pageText(forgery))
}

// tail appends text, a table with entries and their heads, trailer and end.
func (f *file) tail(text, table string, end func(start int) string) []byte {
	f.b = append(f.b, text...)
	start := len(f.b)
	return fmt.Appendf(f.b, "xref\n%strailer\n<</Size %d/Root 1 0 R/Prev %d>>\n%s", table, f.size, f.prev, end(start))
}

func honestly(start int) string { return fmt.Sprintf(honestEnd, start) }

// entry is a subsection of one entry in use.
func entry(n, at int) string { return fmt.Sprintf("%d 1\n%010d 00000 n \n", n, at) }

// litter appends to a B-LTA letter a revision with one stream that nothing refers
// to and that holds an object.
func litter(end func(start int) string) func() []byte {
	return func() []byte {
		f := stamped()
		n, at := f.alloc(), len(f.b)
		return f.tail(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, stream("", "\n"+forgedContents())), entry(n, at), end)
	}
}

// shiftedEntries appends two entries, for the page and its contents, of 16 and 4
// bytes with a comment of 20 bytes, which is an entry itself.
func shiftedEntries(f *file) []byte {
	n, at := f.alloc(), len(f.b)
	head := fmt.Sprintf("%d 0 obj\n", n)
	body := stream("", forgedContents())
	inner := at + len(head) + strings.Index(body, forgedContents())
	pair := fmt.Sprintf("%d 0 n %d 0 n%%", f.at[objPage], f.at[objContents])
	table := fmt.Sprintf("%d 2\n%-20s%010d 00000 n \n", objPage, pair, inner)
	return f.tail(head+body+"\nendobj\n", table+entry(n, at), honestly)
}

// freedInComment repeats the entry of a part of the page.
func freedInComment() []byte {
	f := stampedOver()
	return f.tail("", fmt.Sprintf("%d 1\n%010d 0 n %%xf \n", objOver, f.at[objOver]), honestly)
}

// objOver is a second content stream of the page.
const objOver = 24

// stampedOver is a letter with a second content stream, signed.
func stampedOver() *file {
	f := letter(func(f *file, r *revision) {
		f.size = 40
		r.set[objPage] = replaceOnce(r.set[objPage], "/Contents 4 0 R", fmt.Sprintf("/Contents[4 0 R %d 0 R]", objOver))
		r.set[objOver] = stream("", "BT /F1 24 Tf 72 600 Td (SURAT INI BATAL) Tj ET")
	}, emptyCRL())
	f.sign(signing{})
	return f
}

func hybridFreed() []byte {
	f := stampedOver()
	n, at, old := f.alloc(), len(f.b), f.at[objOver]
	data := string([]byte{1, byte(old >> 16), byte(old >> 8), byte(old), 0})
	text := fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, stream(fmt.Sprintf("/Type/XRef/W[1 3 1]/Index[%d 1]/Size %d/Root 1 0 R", objOver, f.size), data))
	out := f.tail(text, fmt.Sprintf("%d 1\n0000000000 00001 f \n", objOver), honestly)
	i := bytes.LastIndex(out, []byte(">>\nstartxref"))
	return bytes.Join([][]byte{out[:i], fmt.Appendf(nil, "/XRefStm %d", at), out[i:]}, nil)
}

func hiddenTrailer() []byte {
	f := honest(signing{})
	f.size = 60
	f.commit(revision{set: map[int]string{40: stream("", "\ntrailer\n<</Root 42 0 R/Size 60>>\n")}})
	return f.b
}

// xrefForm bends a cross-reference stream. Zero values give an honest one.
type xrefForm struct {
	widths  [3]int
	number  int    // of the stream itself, which then has no entry
	more    string // data after the entries
	entries int    // how many entries more has
}

// litterStream is litter with a cross-reference stream.
func litterStream(x xrefForm) func() []byte {
	return func() []byte {
		f := stamped()
		n, self, at := f.alloc(), f.alloc(), len(f.b)
		f.b = append(f.b, fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, stream("", "\n"+forgedContents()))...)
		if x.widths == [3]int{} {
			x.widths = [3]int{1, 3, 1}
		}
		var data []byte
		count := x.entries
		for _, off := range []int{at, len(f.b)} {
			if x.number != 0 && off != at {
				break
			}
			count++
			for i, v := range []int{1, off, 0} {
				for k := x.widths[i] - 1; k >= 0; k-- {
					data = append(data, byte(v>>(8*k)))
				}
			}
		}
		if x.number != 0 {
			self = x.number
			x.more = "%" + strings.Repeat("a", 4) + x.more
		}
		dict := fmt.Sprintf("/Type/XRef/W[%d %d %d]/Index[%d %d]/Size %d/Root 1 0 R/Prev %d", x.widths[0], x.widths[1], x.widths[2], n, count, f.size+1, f.prev)
		return fmt.Appendf(f.b, "%d 0 obj\n%s\nendobj\n%s", self, stream(dict, string(data)+x.more), fmt.Sprintf(honestEnd, len(f.b)))
	}
}

// linearizedLater is a letter whose catalog, the first object, says that it is
// linearized and long, and has a second cross-reference stream where readers of
// linearized files look for it. A filler makes the file so long.
func linearizedLater() []byte {
	const size = 8000
	build := func(at map[int]int) *file {
		f := letter(func(f *file, r *revision) { linearize(f, r, size, at) }, emptyCRL())
		return f
	}
	f := build(build(nil).at)
	f.sign(signing{})
	n := f.alloc()
	filled := func(k int) []byte {
		g := *f
		g.b, g.body, g.at = bytes.Clone(f.b), map[int]string{}, map[int]int{}
		g.commit(revision{set: map[int]string{n: stream("", strings.Repeat(" ", k))}})
		return g.b
	}
	const guess = 1000
	return filled(guess + size - len(filled(guess)))
}

func linearize(f *file, r *revision, size int, at map[int]int) {
	f.size = 60
	r.set[objCatalog] = fmt.Sprintf("<</Linearized 1/L %06d/H[900 10]/O 39/E 900/N 1/T 900/Type/Catalog/Pages 35 0 R/AcroForm 6 0 R/DSS 7 0 R>>", size)
	r.set[35] = "<</Type/Pages/Kids[3 0 R]/Count 1>>"
	r.set[objPage] = replaceOnce(r.set[objPage], "/Parent 2 0 R", "/Parent 35 0 R")
	r.set[36] = pageText(forgery)
	r.set[37] = "<</Type/Catalog/Pages 38 0 R>>"
	r.set[38] = "<</Type/Pages/Kids[39 0 R]/Count 1>>"
	r.set[39] = "<</Type/Page/Parent 38 0 R/MediaBox[0 0 595 842]/Contents 36 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
	var data bytes.Buffer
	for n := range 40 {
		if o := at[n]; o != 0 {
			data.Write([]byte{1, byte(o >> 16), byte(o >> 8), byte(o), 0})
		} else {
			data.Write(make([]byte, 5))
		}
	}
	r.set[objPages] = stream("/Type/XRef/W[1 3 1]/Size 40/Root 37 0 R", data.String())
}
