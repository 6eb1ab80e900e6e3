package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

// coded are later cross-reference and object streams that readers decode, or cut
// into objects, in different ways, so that some see what an earlier revision
// said or a part of it.
func coded() []*attack {
	const tiff = "<</Predictor 2/Colors 4/BitsPerComponent 8/Columns 2>>"
	rows := []*attack{
		row("x23-abbreviated", "X23", "a later cross-reference stream names its predictor by /DP, by which the page has the contents before the signed ones",
			predicted("/Filter/FlateDecode/DP"+tiff)).checks("clean").shows(forgery),
		row("x23-real", "X23", "the same with a predictor that is a real number", predicted("/Filter/FlateDecode/DecodeParms"+strings.Replace(tiff, "2/", "2.0/", 1))).checks("warnings"),
		row("x23-no-size", "X23", "a later cross-reference stream without /Size makes readers repair the file, and take the page from an object stream that was written over", sizeless).checks("warnings"),
		row("x23-overlap", "X23", "the page is written again in an object stream, where another object begins in the middle of it", func() []byte {
			return compressed(objPage, func(page string) (string, int) { return page, strings.Index(page, "/Contents") })
		}).checks("clean"),
		row("x23-abbreviated-objects", "X23", "the page is written again in an object stream whose filter is named by /F", func() []byte {
			return compressed(objPage, func(page string) (string, int) { return page, -1 })
		}).checks("clean"),
	}
	rows = append(rows,
		row("x24-name", "X24", "the page has an entry /Contents#80, which is written again with the byte itself: some readers take it for white space",
			rewritten("/Contents#80", "/Contents\x80")).checks("clean"),
		row("x24-number", "X24", "a number of the page is written again with so many noughts before it that some readers cut it off",
			rewritten("/Rotate 0", "/Rotate "+strings.Repeat("0", 300)+"0")).checks("clean"),
		row("x24-reference", "X24", "the same of a reference", rewritten("/Contents 4 0 R", "/Contents "+strings.Repeat("0", 300)+"4 0 R")).checks("clean"))
	for _, a := range rows {
		a.malformed()
	}
	return fooled(rows)
}

// streamSection appends a revision with a new /Info whose cross-reference stream
// holds data, made when it is known where that object and the stream stand. nums
// are the numbers of the entries after those of index, the last the stream's.
func (f *file) streamSection(dict, index string, info, self int, data func(info, xref int) []byte) {
	at := len(f.b)
	f.b = append(f.b, fmt.Sprintf("%d 0 obj\n<</Title(x)>>\nendobj\n", info)...)
	xref := len(f.b)
	dict = fmt.Sprintf("/Type/XRef/W[1 3 0]/Index%s/Root 1 0 R/Prev %d/Info %d 0 R%s", index, f.prev, info, dict)
	f.b = append(f.b, fmt.Sprintf("%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", self, stream(dict, string(data(at, xref))), xref)...)
	f.prev = xref
}

func entry4(kind, off int) []byte {
	return []byte{byte(kind), byte(off >> 16), byte(off >> 8), byte(off)}
}

// predicted is a letter whose contents were others before they were signed. A
// later section repeats where they stand for whoever knows no predictor; for
// others the free entry before is added to it.
func predicted(coding string) func() []byte {
	return func() []byte {
		f := letter(func(_ *file, r *revision) { r.set[objContents] = pageText(forgery) }, emptyCRL())
		old := f.at[objContents]
		f.xrefs = true
		f.commit(revision{set: map[int]string{objContents: pageText(truth)}})
		now := f.at[objContents]
		f.sign(signing{})
		first := f.size
		f.size += 5
		index := fmt.Sprintf("[%d 1 %d 1 %d 2 %d 2]", first, objContents, first+1, first+3)
		f.streamSection(fmt.Sprintf("/Size %d%s", f.size, coding), index, first+2, first+4, func(info, xref int) []byte {
			was, is := entry4(1, old), entry4(1, now)
			sum := []byte{0, was[1] - is[1], was[2] - is[2], was[3] - is[3]}
			return pdfmake.Deflate(bytes.Join([][]byte{sum, is, entry4(0, 0), entry4(1, info), entry4(0, 0), entry4(1, xref)}, nil))
		})
		return f.b
	}
}

// sizeless is a letter whose page stood in an object stream, with other
// contents, and was written anew before it was signed.
func sizeless() []byte {
	const was, empty, container = 41, 42, 43
	f := letter(func(f *file, r *revision) {
		r.set[was], r.set[empty] = pageText(forgery), "<<"+widget+"/FT/Sig/T(Signature1)/Rect[0 0 0 0]>>"
		f.fields, f.annots = []int{empty}, []int{empty}
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
		f.size = container + 1
	}, emptyCRL())
	f.xrefs = true
	page := f.body[objPage]
	f.commit(revision{
		set:     map[int]string{container: stream("/Type/ObjStm/N 1/First 4", "3 0 "+f.replaced(objPage, "4 0 R", fmt.Sprintf("%d 0 R", was)))},
		entries: func(at map[int]int) { at[objPage] = -container },
	})
	f.commit(revision{set: map[int]string{objPage: page}})
	f.sign(signing{into: empty})
	info, self := f.alloc(), f.alloc()
	f.streamSection("", fmt.Sprintf("[%d 2]", info), info, self, func(info, xref int) []byte {
		return append(entry4(1, info), entry4(1, xref)...)
	})
	info = f.alloc()
	f.commit(revision{set: map[int]string{info: "<</Title(y)>>"}, extra: fmt.Sprintf("/Info %d 0 R", info)})
	return f.b
}

// compressed is a signed letter in which a later revision writes an object again,
// in an object stream: with another object from cut on, or, where cut is
// negative, for readers that know no /F as a filter.
func compressed(num int, body func(old string) (text string, cut int)) []byte {
	f := honest(signing{})
	f.xrefs = true
	text, cut := body(f.body[num])
	container, other := f.alloc(), f.alloc()
	head, filter := fmt.Sprintf("%d 0 ", num), "/F/RunLengthDecode"
	n := 1
	if cut >= 0 {
		// The second object is what stands there: a name.
		head, filter, n = fmt.Sprintf("%d 0 %d %d ", num, other, cut), "", 2
	}
	f.commit(revision{
		set: map[int]string{container: stream(fmt.Sprintf("/Type/ObjStm/N %d/First %d%s", n, len(head), filter), head+text)},
		entries: func(at map[int]int) {
			if at[num] = memberAt(container, 0); n == 2 {
				at[other] = memberAt(container, 1)
			}
		},
	})
	return f.b
}

// rewritten is a signed letter whose page is written again, and says the same.
func rewritten(old, with string) func() []byte {
	return func() []byte {
		f := letter(func(f *file, r *revision) {
			r.set[30] = pageText(forgery)
			r.set[objPage] = strings.TrimSuffix(r.set[objPage], ">>") + "/Contents#80 30 0 R/Rotate 0>>"
			f.size = 31
		}, emptyCRL())
		f.sign(signing{})
		f.commit(revision{set: map[int]string{objPage: f.replaced(objPage, old, with)}})
		return f.b
	}
}
