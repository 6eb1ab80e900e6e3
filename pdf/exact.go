package pdf

import (
	"bytes"
	"errors"
	"slices"
)

// Exact looks at a revision that was appended to others for what makes readers
// differ who read it in another way than this package: those that take
// cross-reference tables for records of 20 bytes, and those that, when anything
// in the file displeases them, find its objects by searching for "12 0 obj",
// also within streams, strings and comments. An honest writer has no need of
// any of it. What [Revision.Audit] reports is not repeated.
//
// Rules: xref-form (a table that is not made of entries of 20 bytes, or holds
// comments or odd white space), startxref-form (the same of what follows the
// trailer), hidden-object (what looks like the head of an object, where no
// entry of this revision leads; an object stream that no entry uses; a second
// catalog), object-token (a number or name that some readers take for another),
// xref-stream-coding, objstm-coding and objstm-overlap (a cross-reference or an
// object stream that readers decode or cut into objects in different ways) and
// hidden-trailer (the same of xref, trailer, startxref and cross-reference
// streams).
//
// It reads every byte of the revision once, in a window. The error is one of
// reading, or a [LimitError].
func (r *Revision) Exact() ([]Anomaly, error) {
	h := &hideAndSeek{r: r, objects: map[int64]bool{}, trailers: map[int64]bool{}}
	for _, step := range []func() error{h.sections, h.tail, h.listed, h.search} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(h.found, func(a, b Anomaly) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	return h.found, nil
}

// hideAndSeek is the state of one Exact.
type hideAndSeek struct {
	r        *Revision
	found    []Anomaly
	objects  map[int64]bool // where heads of objects may stand
	trailers map[int64]bool // and the words xref, trailer and startxref
}

func (h *hideAndSeek) note(off int64, rule string) {
	if len(h.found) < maxAnomalies {
		h.found = append(h.found, Anomaly{Revision: h.r.index, Offset: off, Rule: rule})
	}
}

// sections looks at the revision's own cross-reference section.
func (h *hideAndSeek) sections() error {
	r := h.r
	for _, part := range r.parts {
		if part.Offset != r.xref || r.kind == XRefStream {
			h.objects[part.Offset] = true // a cross-reference stream
			if err := h.coding(part.Offset); err != nil {
				return err
			}
			continue
		}
		h.trailers[part.Offset] = true
		b, err := r.doc.src.bytes(part.Offset, part.End-part.Offset)
		if err != nil {
			return err
		}
		n, ok := tableForm(b)
		h.trailers[part.Offset+int64(n)] = true
		if !ok {
			h.note(part.Offset+int64(n), "xref-form")
		}
	}
	return nil
}

// coding looks at how a cross-reference stream at off is coded, if there is one.
func (h *hideAndSeek) coding(off int64) error {
	x, err := h.r.doc.readIndirect(off)
	if _, malformed := errors.AsType[*MalformedError](err); malformed || err == nil && !x.stream {
		return nil // the end of a revision
	}
	if err != nil {
		return err
	}
	if x.flaws&flawToken != 0 {
		h.note(off, "object-token")
	}
	dict, _ := x.obj.(Dict)
	if _, listed := dict["Index"].(Array); !plainlyCoded(dict) || !listed && Present(dict["Index"]) {
		h.note(off, "xref-stream-coding")
	}
	return nil
}

// tableForm checks that b is a table as §7.5.4 has it, byte for byte, and
// returns where the word trailer stands, or where the form is another one.
func tableForm(b []byte) (at int, ok bool) {
	at = len("xref")
	if n := lineEnd(b[at:]); n == 0 {
		return at, false
	} else {
		at += n
	}
	for !bytes.HasPrefix(b[at:], []byte("trailer")) {
		_, first := decimal(b[at:], 10)
		if first == 0 || at+first == len(b) || b[at+first] != ' ' {
			return at, false
		}
		count, width := decimal(b[at+first+1:], 10)
		end := lineEnd(b[at+first+1+width:])
		if width == 0 || end == 0 {
			return at, false
		}
		at += first + 1 + width + end
		for ; count > 0; count-- {
			if at+entryLength > len(b) {
				return at, false
			}
			if _, fixed := fixedEntry(b[at : at+entryLength]); !fixed || !entryEnd(b[at+18], b[at+19]) {
				return at, false
			}
			at += entryLength
		}
	}
	return at, true
}

// entryEnd says whether x and y are an end of line of two bytes (§7.5.4).
func entryEnd(x, y byte) bool {
	return x == ' ' && (y == '\r' || y == '\n') || x == '\r' && y == '\n'
}

// decimal reads a number of at most most digits and returns how many it has.
func decimal(b []byte, most int) (v int64, n int) {
	for n < len(b) && n < most && b[n]-'0' < 10 {
		v = v*10 + int64(b[n]-'0')
		n++
	}
	return v, n
}

// maxLineEnd is how much white space may stand where one end of line should:
// some writers put a space before it, or end lines twice.
const maxLineEnd = 8

// lineEnd returns the length of the white space at the start of b, which must
// hold an end of line and nothing that only some readers take for white space;
// 0 when it does not.
func lineEnd(b []byte) int {
	n, ended := 0, false
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r' || b[n] == '\n') {
		ended = ended || b[n] == '\r' || b[n] == '\n'
		n++
	}
	if !ended || n > maxLineEnd || n < len(b) && (b[n] == 0 || b[n] == '\f') {
		return 0
	}
	return n
}

// tail looks at "startxref n %%EOF".
func (h *hideAndSeek) tail() error {
	r := h.r
	if r.startXRef == 0 {
		return nil // noted when the file was opened
	}
	h.trailers[r.startXRef] = true
	b, err := r.doc.src.bytes(r.startXRef, min(r.end-r.startXRef, 128))
	if err != nil {
		return err
	}
	rest := b[len("startxref"):]
	n := lineEnd(rest)
	_, width := decimal(rest[n:], 20)
	n += width
	end := lineEnd(rest[n:])
	n += end
	if width == 0 || end == 0 || n == width+end || !bytes.HasPrefix(rest[n:], []byte("%%EOF")) {
		h.note(r.startXRef, "startxref-form")
	}
	return nil
}

// listed collects where the objects of this revision stand, and looks for those
// that mean something to a reader only when it repairs the file.
func (h *hideAndSeek) listed() error {
	r := h.r
	used := map[uint32]bool{}
	for _, v := range r.own.all() {
		if e := v.entry(); e.Kind == EntryCompressed {
			used[e.Container] = true
		}
	}
	for num, v := range r.own.all() {
		e := v.entry()
		if e.Kind != EntryInUse || e.Offset < r.start || e.Offset >= r.end {
			continue // Audit says so
		}
		x, err := r.doc.indirectAt(e.Offset, num)
		if _, malformed := errors.AsType[*MalformedError](err); malformed {
			continue // as well
		}
		if err != nil {
			return err
		}
		h.special(&x, used)
		h.objects[x.start] = true
		if x.flaws&flawToken != 0 {
			h.note(x.start, "object-token")
		}
		if used[num] {
			if err := h.members(num, e.Offset); err != nil {
				return err
			}
		}
	}
	return nil
}

// members notes an object stream in which an object does not end before the next
// one begins: some readers then take it for shorter.
func (h *hideAndSeek) members(num uint32, off int64) error {
	s, err := h.r.objectStream(num, off)
	if _, malformed := errors.AsType[*MalformedError](err); malformed {
		return nil // Audit says so
	}
	if err != nil {
		return err
	}
	for i, at := range s.offs {
		end := uint32(len(s.data))
		if i+1 < len(s.offs) {
			end = s.offs[i+1]
		}
		if end < at {
			h.note(off, "objstm-overlap")
			return nil
		}
		p := parser{buf: s.data[at:end], final: true, lim: &h.r.doc.lim}
		o, err := p.object(0)
		if err != nil {
			if _, malformed := errors.AsType[*MalformedError](err); !malformed {
				return err
			}
			h.note(off, "objstm-overlap")
			return nil
		}
		if d, ok := o.(Dict); ok && d["Type"] == Object(Name("Catalog")) && s.nums[i] != h.r.root.Num {
			h.note(off, "hidden-object")
		}
		whole := parser{buf: s.data[at:], final: true, lim: &h.r.doc.lim}
		if _, err := whole.object(0); err != nil || whole.pos != p.pos {
			h.note(off, "objstm-overlap") // a token goes on in the next object
			return nil
		}
		if p.odd {
			h.note(off, "object-token")
			return nil
		}
	}
	return nil
}

// special notes an object whose type says that it organises the file, and that
// does so only for a reader which searches.
func (h *hideAndSeek) special(x *indirect, used map[uint32]bool) {
	d, ok := x.obj.(Dict)
	if s, stream := x.obj.(*Stream); stream {
		d, ok = s.Dict, true
	}
	if !ok {
		return
	}
	switch d["Type"] {
	case Object(Name("XRef")):
		// Some writers leave one beside the table, with the same trailer or
		// nothing of one.
		same := d["Root"] == Object(h.r.root) && Equal(d["Encrypt"], h.r.trailer["Encrypt"]) || d["Root"] == nil && d["Encrypt"] == nil
		if x.stream && !h.objects[x.start] && !same {
			h.note(x.start, "hidden-trailer")
		}
	case Object(Name("ObjStm")):
		if x.stream && !used[x.ref.Num] {
			h.note(x.start, "hidden-object")
		}
		if x.stream && !plainlyCoded(d) {
			h.note(x.start, "objstm-coding")
		}
	case Object(Name("Catalog")):
		if x.ref != h.r.root {
			h.note(x.start, "hidden-object")
		}
	}
}

// search goes through the bytes of the revision.
func (h *hideAndSeek) search() error {
	return h.r.seek(func(w *seekBytes) {
		w.each("obj", func(i int) {
			w.heads(i, func(at int64) {
				if !h.objects[at] {
					h.note(at, "hidden-object")
				}
			})
		})
		w.each("xref", func(i int) {
			start := i
			if i >= len("start") && string(w.b[i-len("start"):i]) == "start" {
				start -= len("start")
			}
			if w.number(i+len("xref")) && !h.trailers[w.base+int64(start)] {
				h.note(w.base+int64(start), "hidden-trailer")
			}
		})
		w.each("trailer", func(i int) {
			if j, ok := w.skip(i + len("trailer")); ok && !bytes.HasPrefix(w.b[j:], []byte("<<")) || h.trailers[w.base+int64(i)] {
				return
			}
			h.note(w.base+int64(i), "hidden-trailer")
		})
	})
}
