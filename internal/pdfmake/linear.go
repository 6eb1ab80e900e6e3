package pdfmake

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// linearizedLetter writes the letter as a linearized file (ISO 32000-2
// Annex F): first the objects of its only page under a cross-reference table
// of their own, then the rest.
func linearizedLetter() []byte {
	f := New("1.7", "linearized")
	pages, page := Letter(f)
	l := &linear{file: f, info: f.Info, pages: pages, page: page}
	l.number()
	l.layout(0, 0)
	// The second pass knows the offsets; none changes the length of anything,
	// because the parameters are written with a fixed width.
	return l.layout(l.hintAt, len(l.out))
}

// linear lays out one page. Objects are renumbered: the rest of the file has
// the low numbers, the first section follows.
type linear struct {
	file              *File
	info, pages, page Ref

	order            []Ref       // of the first page's objects, the page first
	num              map[Ref]int // new numbers
	dict, root, hint int
	size             int

	out     []byte
	offsets map[int]int
	hintAt  int
	hintLen int
	mainAt  int
}

func (l *linear) number() {
	l.num = map[Ref]int{l.info: 1, l.pages: 2}
	l.dict, l.root, l.hint = 3, 4, 5
	l.order = []Ref{l.page}
	for _, r := range sortedKeys(l.file.pending) {
		if r != l.info && r != l.pages && r != l.page {
			l.order = append(l.order, r)
		}
	}
	for i, r := range l.order {
		l.num[r] = 6 + i
	}
	l.size = 6 + len(l.order)
	l.offsets = map[int]int{}
}

// layout writes the whole file, given where the hint stream stands and how
// long the file is.
func (l *linear) layout(hintAt, length int) []byte {
	var w bytes.Buffer
	object := func(num int, v any) {
		l.offsets[num] = w.Len()
		f := New("1.7", "")
		f.writePlain(Ref(num), v)
		w.Write(f.Bytes())
	}
	endOfFirst := l.offsets[l.num[l.info]]
	w.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	object(l.dict, Raw(fmt.Sprintf("<</Linearized 1/L %010d/H[%010d %010d]/O %d/E %010d/N 1/T %010d>>",
		length, hintAt, l.hintLen, l.num[l.page], endOfFirst, l.mainAt+len("xref\n0 3"))))
	firstAt := w.Len()
	l.table(&w, l.dict, l.size)
	id := Array{Hex(l.file.id(0)), Hex(l.file.id(0))}
	fmt.Fprintf(&w, "trailer\n<</Size %d/Root %d 0 R/Info 1 0 R/Prev %010d/ID ", l.size, l.root, l.mainAt)
	format(&w, id, nil)
	w.WriteString(">>\nstartxref\n0\n%%EOF\n")
	object(l.root, Dict{"Type": Name("Catalog"), "Pages": Ref(l.num[l.pages]), "Lang": "id-ID"})
	hints := l.hints()
	l.hintAt = w.Len()
	object(l.hint, hints)
	l.hintLen = w.Len() - l.hintAt
	for _, r := range l.order {
		object(l.num[r], l.renumbered(l.file.pending[r]))
	}
	object(1, l.renumbered(l.file.pending[l.info]))
	object(2, l.renumbered(l.file.pending[l.pages]))
	l.mainAt = w.Len()
	l.table(&w, 0, 3)
	fmt.Fprintf(&w, "trailer\n<</Size 3/ID ")
	format(&w, id, nil)
	fmt.Fprintf(&w, ">>\nstartxref\n%d\n%%%%EOF\n", firstAt)
	l.out = w.Bytes()
	return l.out
}

func (l *linear) table(w *bytes.Buffer, from, to int) {
	fmt.Fprintf(w, "xref\n%d %d\n", from, to-from)
	for n := from; n < to; n++ {
		if n == 0 {
			w.WriteString("0000000000 65535 f \n")
			continue
		}
		fmt.Fprintf(w, "%010d 00000 n \n", l.offsets[n])
	}
}

func (l *linear) renumbered(v any) any {
	switch v := v.(type) {
	case Ref:
		return Ref(l.num[v])
	case Array:
		out := Array{}
		for _, e := range v {
			out = append(out, l.renumbered(e))
		}
		return out
	case Dict:
		out := Dict{}
		for k, e := range v {
			out[k] = l.renumbered(e)
		}
		return out
	case Stream:
		v.Dict = l.renumbered(v.Dict).(Dict)
		return v
	}
	return v
}

// hints is the primary hint stream: the page offset and the shared object hint
// table (§F.4). Offsets in it are counted as if it were not there.
func (l *linear) hints() Stream {
	var b bytes.Buffer
	put := func(size int, v int) {
		if size == 32 {
			b.Write(binary.BigEndian.AppendUint32(nil, uint32(v)))
			return
		}
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(v)))
	}
	n := len(l.order)
	length := l.offsets[1] - l.offsets[l.num[l.page]]
	put(32, n) // least number of objects in a page
	put(32, l.offsets[l.num[l.page]]-l.hintLen)
	put(16, 0)
	put(32, length) // least length of a page
	put(16, 0)
	put(32, 0) // offset and length of the contents: as if they were the page
	put(16, 0)
	put(32, length)
	put(16, 0)
	for range 3 {
		put(16, 0) // no shared object references from the first page
	}
	put(16, 1)
	shared := b.Len()
	put(32, 0) // no shared object section
	put(32, 0)
	put(32, n) // entries for the first page
	put(32, n) // and in all
	put(16, 0)
	put(32, 0) // least length of a group
	put(16, 16)
	for i := range l.order {
		num := 6 + i
		end, ok := l.offsets[num+1]
		if !ok {
			end = l.offsets[1]
		}
		put(16, end-l.offsets[num])
	}
	b.Write(make([]byte, (n+7)/8)) // no signatures
	return Stream{Dict: Dict{"S": shared}, Data: b.Bytes()}
}
