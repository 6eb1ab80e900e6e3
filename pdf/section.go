package pdf

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
)

// XRefKind is the form of a revision's cross-reference data.
type XRefKind uint8

const (
	XRefTable  XRefKind = iota // §7.5.4
	XRefStream                 // §7.5.8
	XRefHybrid                 // a table whose trailer has /XRefStm (§7.5.8.4)
)

// section is one cross-reference table or stream with its trailer.
type section struct {
	off      int64 // of the keyword xref, or of the stream's object number
	end      int64 // after the trailer dictionary, or after endobj
	kind     XRefKind
	trailer  Dict
	prev     Object // /Prev as it stands, nil when absent
	entries  entryTable
	stm      int64 // /XRefStm of a hybrid file, -1 otherwise
	stmEnd   int64
	stmEntry entryTable
	self     Ref       // object number of the stream of entries
	notes    []Anomaly // without revision
}

func (s *section) note(off int64, rule string) {
	if len(s.notes) < maxAnomalies {
		s.notes = append(s.notes, Anomaly{Offset: off, Rule: rule})
	}
}

// readSection reads the cross-reference section at off. White space before it
// is tolerated.
func (d *Document) readSection(off int64) (*section, error) {
	c := &cursor{src: d.src, pos: off}
	b, err := c.peek(maxSpace + 8)
	if err != nil {
		return nil, err
	}
	n := 0
	for n < len(b) && n < maxSpace && class[b[n]] == space {
		n++
	}
	s := &section{off: off + int64(n), stm: -1}
	if n > 0 {
		s.note(off, "xref-offset")
	}
	b = b[n:]
	if i := lateXRef(d.src, s.off, b); i > 0 {
		s.note(off, "xref-offset")
		s.off -= i
		b = []byte("xref")
	}
	c.pos = s.off
	switch {
	case bytes.HasPrefix(b, []byte("xref")):
		c.pos += 4
		err = d.readTable(s, c)
	case len(b) > 0 && b[0]-'0' < 10:
		s.kind = XRefStream
		s.trailer, s.end, err = d.readXRefStream(s, s.off, &s.entries)
	default:
		return nil, &MalformedError{Offset: s.off, Rule: "xref-missing"}
	}
	if err != nil {
		return nil, err
	}
	s.prev = s.trailer["Prev"]
	switch prev := s.prev.(type) {
	case Null:
		s.prev = nil
	case Integer:
		if prev == 0 { // some writers mean none, and no reader finds a section in the header
			s.note(s.off, "prev-zero")
			s.prev = nil
		}
	}
	return s, nil
}

// lateXRef says by how many bytes off points behind the start of the keyword
// xref, when it points into it; 0 otherwise.
func lateXRef(src *source, off int64, b []byte) int64 {
	const word = "xref"
	for i := 1; i < len(word); i++ {
		if !bytes.HasPrefix(b, []byte(word[i:])) || off < int64(i) {
			continue
		}
		if w, err := src.bytes(off-int64(i), int64(len(word))); err == nil && string(w) == word {
			return int64(i)
		}
	}
	return 0
}

// readTable reads subsections and trailer; c stands after the keyword.
func (d *Document) readTable(s *section, c *cursor) error {
	for {
		more, err := d.readSubsection(s, c)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	s.entries.normalise(never, func(uint32) { s.note(s.off, "xref-duplicate") })
	var err error
	if s.trailer, s.end, err = d.readTrailer(s, c.pos); err != nil {
		return err
	}
	stm, ok := s.trailer["XRefStm"].(Integer)
	if !ok {
		return nil
	}
	if stm < 0 || int64(stm) >= d.src.size {
		return &MalformedError{Offset: s.off, Rule: "xrefstm-offset"}
	}
	s.kind, s.stm = XRefHybrid, int64(stm)
	_, s.stmEnd, err = d.readXRefStream(s, s.stm, &s.stmEntry)
	return err
}

// readTrailer reads the keyword trailer and its dictionary.
func (d *Document) readTrailer(s *section, off int64) (Dict, int64, error) {
	var dict Dict
	var end int64
	err := d.parseAt(off, func(p *parser) error {
		ok, err := p.keyword("trailer")
		if err == nil && !ok {
			err = p.fail(p.pos, "trailer-missing")
		}
		if err != nil {
			return err
		}
		o, err := p.object(0)
		if err != nil {
			return err
		}
		if dict, ok = o.(Dict); !ok {
			return p.fail(p.pos, "trailer")
		}
		end = p.base + int64(p.pos)
		for _, at := range p.dups {
			s.note(at, "dict-duplicate-key")
		}
		if p.odd {
			s.note(off, "object-token")
		}
		return nil
	})
	return dict, end, err
}

// readSubsection reads "first count" and the entries; more is false when
// something else comes, which is left to be read.
func (d *Document) readSubsection(s *section, c *cursor) (more bool, err error) {
	b, err := c.peek(128)
	if err != nil {
		return false, err
	}
	p := parser{buf: b, base: c.pos, final: c.final || len(b) >= 128, lim: &d.lim}
	first, ok, err := p.uint(maxObjectNumber)
	if err != nil {
		return false, d.shortHere(err, c.pos)
	}
	if !ok {
		return false, p.tooLarge("the first object of a subsection")
	}
	count, ok, err := p.uint(maxObjectNumber)
	if err != nil {
		return false, d.shortHere(err, c.pos)
	}
	if !ok {
		if err := p.tooLarge("the count of a subsection"); err != nil {
			return false, err
		}
		return false, p.fail(p.pos, "xref-subsection")
	}
	if first+count > maxObjectNumber+1 {
		return false, malformed(c.pos, "xref-subsection", "%d entries from object %d on, but no object has a number above %d", count, first, maxObjectNumber)
	}
	for p.pos < len(b) && class[b[p.pos]] == space {
		p.pos++
	}
	c.pos += int64(p.pos)
	if err := d.countEntries(count, c.pos); err != nil {
		return false, err
	}
	s.entries.begin(uint32(first))
	if err := readEntries(s, c, count); err != nil {
		return false, err
	}
	if first == 1 && count > 0 {
		// Some writers count from 1 and still begin with the head of the list
		// of free objects, which is always number 0.
		r := &s.entries.runs[len(s.entries.runs)-1]
		if e := s.entries.list[r.at].entry(); e.Kind == EntryFree && e.Gen == 65535 && e.Offset == 0 {
			r.first = 0
			s.note(c.pos, "xref-first-object")
		}
	}
	return true, nil
}

// tooLarge says that a number of more than maxObjectNumber comes, and what it
// is; nil when something else does.
func (p *parser) tooLarge(what string) error {
	at := p.pos
	for at < len(p.buf) && class[p.buf[at]] == space {
		at++
	}
	end := at
	for end < len(p.buf) && p.buf[end]-'0' < 10 {
		end++
	}
	digits := bytes.TrimLeft(p.buf[at:end], "0")
	if v, err := strconv.ParseUint(string(digits), 10, 64); err == nil && v <= maxObjectNumber || len(digits) == 0 {
		return nil
	}
	return malformed(p.base+int64(at), "xref-subsection", "%s is %s, but no object has a number above %d", what, quoted(string(digits)), maxObjectNumber)
}

// shortHere turns "need a longer window" into a syntax error where the window
// was long enough for anything honest.
func (d *Document) shortHere(err error, off int64) error {
	if errors.Is(err, errShort) {
		return &MalformedError{Offset: off, Rule: "xref-subsection"}
	}
	return err
}

// countEntries charges n entries to Limits.Objects.
func (d *Document) countEntries(n, off int64) error {
	if d.entries += n; d.entries > int64(d.lim.Objects) {
		return &LimitError{Offset: off, Limit: "Objects", Max: int64(d.lim.Objects)}
	}
	return nil
}

// readEntries reads count entries of a table. The usual 20 bytes are read
// fast; others are read as tokens and noted once.
func readEntries(s *section, c *cursor, count int64) error {
	noted := false
	for ; count > 0; count-- {
		b, err := c.peek(40)
		if err != nil {
			return err
		}
		e, ok := fixedEntry(b)
		n := 20
		if !ok {
			if e, n, ok = looseEntry(b); !ok {
				return &MalformedError{Offset: c.pos, Rule: "xref-entry"}
			}
			if !noted {
				s.note(c.pos, "xref-entry-form")
				noted = true
			}
		}
		if len(s.entries.list) == cap(s.entries.list) {
			// Room for what was announced, but never more than the file
			// could hold.
			room := min(count, (c.src.size-c.pos)/18+1)
			grown := make([]packed, len(s.entries.list), int64(len(s.entries.list))+room)
			copy(grown, s.entries.list)
			s.entries.list = grown
		}
		s.entries.add(e)
		c.pos += int64(n)
	}
	return nil
}

// fixedEntry reads "nnnnnnnnnn ggggg n" and two bytes of end of line.
func fixedEntry(b []byte) (packed, bool) {
	if len(b) < 20 || b[10] != ' ' || b[16] != ' ' || class[b[18]] != space || class[b[19]] != space {
		return 0, false
	}
	var off, gen uint64
	for _, c := range b[:10] {
		if c -= '0'; c > 9 {
			return 0, false
		} else {
			off = off*10 + uint64(c)
		}
	}
	for _, c := range b[11:16] {
		if c -= '0'; c > 9 {
			return 0, false
		} else {
			gen = gen*10 + uint64(c)
		}
	}
	return tableEntry(off, gen, b[17])
}

func tableEntry(off, gen uint64, kind byte) (packed, bool) {
	if gen > 65535 || off > maxOffset {
		return 0, false
	}
	switch kind {
	case 'n':
		return packed(off<<18 | gen<<2 | uint64(EntryInUse)), true
	case 'f':
		return packed(off<<18 | gen<<2 | uint64(EntryFree)), true
	}
	return 0, false
}

// looseEntry reads an entry of another length (19 or 21 bytes, tabs, missing
// leading zeros) and the white space around it.
func looseEntry(b []byte) (e packed, n int, ok bool) {
	p := parser{buf: b, final: true}
	off, ok1, _ := p.uint(maxOffset)
	gen, ok2, _ := p.uint(65535)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	p.skipSpace()
	if p.pos >= len(b) {
		return 0, 0, false
	}
	e, ok = tableEntry(uint64(off), uint64(gen), b[p.pos])
	p.pos++
	if p.pos < len(b) && class[b[p.pos]] == regular && b[p.pos] != 't' {
		return 0, 0, false
	}
	for p.pos < len(b) && class[b[p.pos]] == space {
		p.pos++
	}
	return e, p.pos, ok
}

// readXRefStream reads the cross-reference stream at off into t.
func (d *Document) readXRefStream(s *section, off int64, t *entryTable) (Dict, int64, error) {
	x, err := d.readIndirect(off)
	if err != nil {
		return nil, 0, err
	}
	dict, _ := x.obj.(Dict)
	if !x.stream || dict["Type"] != Name("XRef") {
		return nil, 0, &MalformedError{Offset: off, Rule: "xref-missing"}
	}
	for _, at := range x.dups {
		s.note(at, "dict-duplicate-key")
	}
	length, ok := dict["Length"].(Integer)
	if !ok || length < 0 || int64(length) > d.src.size-x.end {
		return nil, 0, &MalformedError{Offset: off, Rule: "xref-stream-length"}
	}
	end, err := d.streamEnd(x.end, int64(length))
	if err != nil {
		return nil, 0, err
	}
	if int64(length) > d.lim.StreamBytes {
		return nil, 0, &LimitError{Offset: off, Limit: "StreamBytes", Max: d.lim.StreamBytes}
	}
	raw, err := d.src.bytes(x.end, int64(length))
	if err != nil {
		return nil, 0, err
	}
	dec, err := newDecoder(dict, raw, &d.lim, 2)
	if err != nil {
		return nil, 0, place(err, off)
	}
	defer dec.close()
	if err = d.readStreamEntries(dict, dec, int64(length), off, t); err != nil {
		return nil, 0, place(err, off)
	}
	if n, err := dec.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		s.note(off, "xref-stream-surplus")
	}
	if w, _, _ := widths(dict); w[0] > 2 || w[2] > 4 {
		s.note(off, "xref-stream-widths") // some readers want numbers of 32 bits
	}
	if slices.ContainsFunc(t.list, func(v packed) bool { return EntryKind(v&3) == EntryUnknown }) {
		s.note(off, "xref-entry-type")
	}
	s.self = x.ref
	t.normalise(never, func(uint32) { s.note(off, "xref-duplicate") })
	return dict, end, nil
}

// widths reads /W (§7.5.8.2).
func widths(dict Dict) (w [3]int, total int, ok bool) {
	a, _ := dict["W"].(Array)
	if len(a) < 3 {
		return w, 0, false
	}
	for i := range w {
		v, isInt := a[i].(Integer)
		if !isInt || v < 0 || v > 8 {
			return w, 0, false
		}
		w[i] = int(v)
		total += w[i]
	}
	return w, total, total > 0
}

// readStreamEntries reads the decoded entries in the order of /Index.
func (d *Document) readStreamEntries(dict Dict, r io.Reader, stored, off int64, t *entryTable) error {
	w, width, ok := widths(dict)
	if !ok {
		return &MalformedError{Offset: off, Rule: "xref-stream-w"}
	}
	index, ok := dict["Index"].(Array)
	if !ok {
		index = Array{Integer(0), dict["Size"]}
	}
	if len(index)%2 != 0 {
		return &MalformedError{Offset: off, Rule: "xref-stream-index"}
	}
	in := &meter{r: r, d: d, stored: stored, off: off}
	buf := make([]byte, max(width, 4096/width*width))
	for ; len(index) > 0; index = index[2:] {
		first, ok1 := index[0].(Integer)
		count, ok2 := index[1].(Integer)
		if !ok1 || !ok2 || first < 0 || count < 0 {
			return &MalformedError{Offset: off, Rule: "xref-stream-index"}
		}
		if first > maxObjectNumber || count > maxObjectNumber+1-first {
			return malformed(off, "xref-stream-index", "%d entries from object %d on, but no object has a number above %d", count, first, maxObjectNumber)
		}
		if err := d.countEntries(int64(count), off); err != nil {
			return err
		}
		t.begin(uint32(first))
		for left := int(count); left > 0; {
			n := min(left*width, len(buf))
			if _, err := io.ReadFull(in, buf[:n]); err != nil {
				return truncated(err, off)
			}
			for b := buf[:n]; len(b) > 0; b = b[width:] {
				v, ok := streamEntry(b, w)
				if !ok {
					return &MalformedError{Offset: off, Rule: "xref-entry"}
				}
				t.add(v)
			}
			left -= n / width
		}
	}
	return nil
}

func truncated(err error, off int64) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &MalformedError{Offset: off, Rule: "xref-stream-short"}
	}
	return err
}

// streamEntry reads one entry (Table 18).
func streamEntry(b []byte, w [3]int) (packed, bool) {
	f := [3]uint64{0: 1}
	for i, n := range w {
		if n == 0 {
			continue
		}
		var v uint64
		for _, c := range b[:n] {
			v = v<<8 | uint64(c)
		}
		b = b[n:]
		f[i] = v
	}
	switch f[0] {
	case 0:
		// The next free object and generation matter to nobody: a value out
		// of range must not make a file unreadable.
		return packed(min(f[1], maxOffset)<<18 | min(f[2], 65535)<<2 | uint64(EntryFree)), true
	case 1:
		if f[1] > maxOffset || f[2] > 65535 {
			return 0, false
		}
		return packed(f[1]<<18 | f[2]<<2 | uint64(EntryInUse)), true
	case 2:
		if f[1] > maxObjectNumber || f[2] >= 1<<30 {
			return 0, false
		}
		return packed(f[1]<<32 | f[2]<<2 | uint64(EntryCompressed)), true
	}
	return packed(EntryUnknown), true
}
