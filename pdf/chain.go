package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// tail is "startxref n %%EOF" as it stands in the file.
type tail struct {
	start    int64 // of the keyword
	declared int64
	end      int64 // after %%EOF and at most one end of line
	eof      bool  // %%EOF is there
}

// readChain follows startxref and /Prev and builds the revisions. With a base
// (Append) it stops there, else at the section without /Prev.
func (d *Document) readChain(base *Revision) error {
	last, err := d.lastTail()
	if err != nil {
		return err
	}
	sections, err := d.readSections(last.declared, base)
	if err != nil {
		return err
	}
	groups, err := d.group(sections, base)
	if err != nil {
		return err
	}
	prev := base
	for i := len(groups) - 1; i >= 0; i-- { // oldest first
		limit := d.src.size
		if i > 0 {
			limit = groups[i-1][0].off
		}
		r, err := d.newRevision(groups[i], prev, limit)
		if err != nil {
			return err
		}
		d.revs = append(d.revs, r)
		prev = r
	}
	return d.checkEnd(last)
}

// shifted tells why the chain cannot be read when a byte order mark or other
// data stand before %PDF- and startxref counts from there: readers disagree
// about such files.
func (d *Document) shifted(err error) error {
	var before int64
	for _, a := range d.anomalies {
		if a.Rule == "header-offset" {
			before = a.Offset
		}
	}
	if _, ok := errors.AsType[*MalformedError](err); !ok || before == 0 {
		return err
	}
	last, tailErr := d.lastTail()
	if tailErr != nil {
		return err
	}
	b, _, readErr := d.src.window(last.declared+before, 4, nil)
	if readErr != nil || len(b) < 4 || string(b[:4]) != "xref" && b[0]-'0' > 9 {
		return err
	}
	return malformed(0, "header-offset", "%d bytes stand before %%PDF-, which the offsets in the file do not count", before)
}

// lastTail finds the last startxref of the file.
func (d *Document) lastTail() (tail, error) {
	from := max(0, d.src.size-tailSearch)
	b, err := d.src.bytes(from, d.src.size-from)
	if err != nil {
		return tail{}, err
	}
	d.lastByte = b[len(b)-1]
	i := bytes.LastIndex(b, []byte("startxref"))
	if i < 0 {
		return tail{}, &MalformedError{Offset: d.src.size, Rule: "startxref-missing"}
	}
	p := parser{buf: b, pos: i, base: from, final: true, lim: &d.lim}
	t, ok := p.tail()
	if !ok {
		return tail{}, &MalformedError{Offset: from + int64(i), Rule: "startxref"}
	}
	if t.declared >= d.src.size {
		return tail{}, &MalformedError{Offset: t.start, Rule: "startxref-range"}
	}
	return t, nil
}

// tail reads "startxref n %%EOF" and one end of line. White space and comments
// may come before, as iText writes them.
func (p *parser) tail() (t tail, ok bool) {
	p.skipSpace()
	t.start = p.base + int64(p.pos)
	if ok, err := p.keyword("startxref"); !ok || err != nil {
		return t, false
	}
	n, ok, err := p.uint(maxOffset)
	if !ok || err != nil {
		return t, false
	}
	t.declared = n
	at := p.pos
	for at < len(p.buf) && class[p.buf[at]] == space {
		at++
	}
	if bytes.HasPrefix(p.buf[at:], []byte("%%EOF")) {
		t.eof = true
		p.pos = at + 5
	}
	p.endOfLine()
	t.end = p.base + int64(p.pos)
	return t, true
}

// endOfLine passes one CR LF, LF or CR.
func (p *parser) endOfLine() {
	if p.pos < len(p.buf) && p.buf[p.pos] == '\r' {
		p.pos++
		if p.pos < len(p.buf) && p.buf[p.pos] == '\n' {
			p.pos++
		}
	} else if p.pos < len(p.buf) && p.buf[p.pos] == '\n' {
		p.pos++
	}
}

// readSections reads the chain from its newest section on.
func (d *Document) readSections(off int64, base *Revision) ([]*section, error) {
	var list []*section
	seen := make(map[int64]bool)
	known := len(d.revs)
	for {
		if base != nil && off < base.end {
			if off != base.xref || len(list) == 0 {
				return nil, &MalformedError{Offset: off, Rule: "append-chain"}
			}
			return list, nil
		}
		if known+len(list) >= d.lim.Revisions {
			return nil, &LimitError{Offset: off, Limit: "Revisions", Max: int64(d.lim.Revisions)}
		}
		s, err := d.readSection(off)
		if err != nil {
			return nil, err
		}
		if s.off != off && len(list) > 0 && !d.blank(off, s.off) {
			newer := list[len(list)-1]
			newer.note(newer.off, "prev-offset")
		}
		if seen[s.off] {
			return nil, &MalformedError{Offset: s.off, Rule: "xref-loop"}
		}
		seen[s.off] = true
		list = append(list, s)
		if s.prev == nil {
			if base != nil {
				return nil, &MalformedError{Offset: s.off, Rule: "append-chain"}
			}
			return list, nil
		}
		if off, err = d.prevOffset(s, list); err != nil {
			return nil, err
		}
	}
}

// blank says whether nothing but ends of line and spaces stand between two
// offsets, the first of which is wrong by so much.
func (d *Document) blank(from, to int64) bool {
	if to < from || to-from > maxSpace {
		return false
	}
	b, err := d.src.bytes(from, to-from)
	return err == nil && len(bytes.Trim(b, "\r\n ")) == 0
}

// prevOffset returns /Prev of s. ISO 32000 wants a direct integer; some writers
// make it a reference, which what was read so far must define.
func (d *Document) prevOffset(s *section, known []*section) (int64, error) {
	o := s.prev
	if ref, ok := o.(Ref); ok {
		s.note(s.off, "prev-indirect")
		for _, k := range known {
			v, found := k.entries.find(ref.Num)
			if !found {
				continue
			}
			if e := v.entry(); e.Kind == EntryInUse {
				x, err := d.readIndirect(e.Offset)
				if err != nil {
					return 0, err
				}
				o = x.obj
			}
			break
		}
	}
	n, ok := o.(Integer)
	if !ok || n < 0 || int64(n) >= d.src.size {
		return 0, &MalformedError{Offset: s.off, Rule: "prev"}
	}
	return int64(n), nil
}

// group joins the sections that are one revision, newest first. Only a base
// revision has more than one: that of a linearized file, whose first-page
// section stands at the start of the file and points forward to the main
// section (Annex F), and that of an office suite's hybrid file, where an empty
// table behind the first %%EOF adds nothing but the /XRefStm.
func (d *Document) group(list []*section, base *Revision) ([][]*section, error) {
	var groups [][]*section
	for i := 0; i < len(list); i++ {
		n := 1
		if i+1 < len(list) {
			joins, forward := list[i].completes(list[i+1]), list[i+1].off > list[i].off
			inBase := base == nil && i+2 == len(list)
			switch {
			case forward && !inBase:
				return nil, &MalformedError{Offset: list[i].off, Rule: "prev-forward"}
			case forward && !d.linearized():
				list[i].note(list[i].off, "prev-forward")
			}
			if inBase && (joins || forward) {
				n = 2
			}
		}
		groups = append(groups, list[i:i+n])
		i += n - 1
	}
	return groups, nil
}

// completes says whether s only adds the hidden objects of the older section.
func (s *section) completes(older *section) bool {
	return s.stm >= 0 && len(s.entries.list) == 0 && s.stm < older.off
}

// linearized says whether the first object of the file is a linearization
// parameter dictionary.
func (d *Document) linearized() bool {
	_, found := d.linearization()
	return found
}

func (d *Document) linearization() (dict Dict, found bool) {
	err := d.parseAt(0, func(p *parser) error {
		p.skipSpace()
		x, err := p.indirect()
		if dict, _ = x.obj.(Dict); dict != nil {
			_, found = dict["Linearized"]
		}
		return err
	})
	return dict, err == nil && found
}

// LinearizedAgain says whether the file was linearized, was updated since, and
// has the very length all the same that its linearization parameters name
// (Annex F). Readers that go by the length then use the cross-reference data of
// the linearization instead of the latest ones, whatever these say.
func (d *Document) LinearizedAgain() bool {
	if len(d.revs) < 2 {
		return false
	}
	dict, _ := d.linearization()
	switch n := dict["L"].(type) {
	case Integer:
		return int64(n) == d.src.size
	case Real:
		return int64(n) == d.src.size
	}
	return false
}

// newRevision builds the view of one group of sections. It ends before limit.
func (d *Document) newRevision(g []*section, prev *Revision, limit int64) (*Revision, error) {
	top := g[0]
	r := &Revision{
		doc: d, prev: prev, index: 1, xref: top.off, kind: top.kind, trailer: top.trailer,
	}
	if prev != nil {
		r.index, r.start, r.next, r.used = prev.index+1, prev.end, prev.next, prev.used
		if top.off < r.start {
			return nil, &MalformedError{Offset: top.off, Rule: "revision-order"}
		}
	}
	if prev != nil && top.kind == XRefStream {
		listItself(top, prev)
	}
	for i, s := range g {
		t := d.sectionTable(r, s)
		if i == 0 {
			r.own = *t
		} else {
			r.own.join(t)
			r.own.normalise(never, func(uint32) {})
		}
		for _, a := range s.notes {
			d.note(r.index, a.Offset, a.Rule)
		}
		r.parts = append(r.parts, Span{Offset: s.off, End: s.end})
	}
	r.used = max(r.used, r.own.max())
	r.next = max(r.next, r.used)
	last := top
	if len(g) == 2 {
		inner := top
		if g[1].off > top.off {
			last = g[1]
		} else {
			inner = g[1]
		}
		d.innerTail(r, inner)
	}
	if err := d.findEnd(r, last, limit); err != nil {
		return nil, err
	}
	for _, s := range g {
		if s.stm >= 0 && (s.stm < r.start || s.stmEnd > r.end) {
			d.note(r.index, s.stm, "xrefstm-outside")
		}
	}
	return r, d.readRoot(r)
}

// listItself gives the cross-reference stream of an update an entry for itself
// where it has none: some readers make one, and see it as the object that
// whoever refers to that number means. A number that is in use says two things.
func listItself(s *section, prev *Revision) {
	if _, ok := s.entries.find(s.self.Num); ok || s.self.Num == 0 {
		return
	}
	if old, _, ok := prev.lookup(s.self.Num); ok && old.Kind != EntryFree {
		s.note(s.off, "xref-stream-number")
		return
	}
	s.entries.begin(s.self.Num)
	v, _ := tableEntry(uint64(s.off), uint64(s.self.Gen), 'n')
	s.entries.add(v)
	s.entries.normalise(never, func(uint32) {})
}

// sectionTable joins the table of a hybrid section with its stream. An object
// that both have in use at different places is read from the table, as in a
// reader that does not know streams, and noted.
func (d *Document) sectionTable(r *Revision, s *section) *entryTable {
	if s.stm < 0 {
		return &s.entries
	}
	r.kind = XRefHybrid
	r.parts = append(r.parts, Span{Offset: s.stm, End: s.stmEnd})
	if r.prev != nil {
		d.note(r.index, s.off, "hybrid-update")
		if s.hides(r.prev) {
			d.note(r.index, s.off, "hybrid-hidden")
		}
	}
	s.entries.join(&s.stmEntry)
	s.entries.normalise(func(table, stream packed) bool {
		free := EntryKind(table&3) == EntryFree
		if !free && table != stream {
			d.note(r.index, s.off, "hybrid-conflict")
		}
		return free
	}, func(uint32) {})
	return &s.entries
}

// hides says whether the stream of a hybrid update has other entries than the
// table, or, where it stands in an earlier revision, other ones than hold
// there. An honest one only adds what old readers cannot read.
func (s *section) hides(prev *Revision) bool {
	for num, v := range s.stmEntry.all() {
		e := v.entry()
		if t, ok := s.entries.find(num); ok {
			if was := t.entry(); was != e && (was.Kind != EntryFree || e.Kind != EntryFree) {
				return true
			}
			continue
		}
		if s.stm >= prev.end {
			continue
		}
		was, _, ok := prev.lookup(num)
		if free := !ok || was.Kind == EntryFree; was != e && !(free && e.Kind == EntryFree) {
			return true
		}
	}
	return false
}

// innerTail accounts for the "startxref … %%EOF" that follows the section of a
// base revision which is not the last in the file.
func (d *Document) innerTail(r *Revision, s *section) {
	if b, _, err := d.src.window(s.end, 256, nil); err == nil {
		p := parser{buf: b, base: s.end, final: true, lim: &d.lim}
		if t, ok := p.tail(); ok {
			r.parts = append(r.parts, Span{Offset: t.start, End: t.end})
		}
	}
}

// findEnd finds the startxref that closes a revision. It follows the section;
// some writers put other objects between, then the text that names the
// section is looked for up to limit.
func (d *Document) findEnd(r *Revision, s *section, limit int64) error {
	b, _, err := d.src.window(s.end, 256, nil)
	if err != nil {
		return err
	}
	p := parser{buf: b, base: s.end, final: true, lim: &d.lim}
	t, ok := p.tail()
	if !ok {
		if t, ok, err = d.searchTail(s.end, limit, r.xref); err != nil {
			return err
		}
		if !ok {
			d.note(r.index, s.end, "startxref-missing")
			r.end = s.end
			return nil
		}
		d.note(r.index, t.start, "startxref-distant")
	}
	if t.declared != r.xref {
		d.note(r.index, t.start, "startxref-offset")
	}
	if !t.eof {
		d.note(r.index, t.start, "eof-missing")
	}
	r.parts = append(r.parts, Span{Offset: t.start, End: t.end})
	r.end, r.startXRef = t.end, t.start
	return nil
}

// searchTail looks between from and limit for the last "startxref n" with n =
// want. It serves only to say where a revision ends.
func (d *Document) searchTail(from, limit, want int64) (found tail, ok bool, err error) {
	word := []byte("startxref")
	c := &cursor{src: d.src, pos: from}
	for c.pos < limit {
		b, err := c.peek(64 << 10)
		if err != nil {
			return tail{}, false, err
		}
		b = b[:min(int64(len(b)), limit-c.pos)]
		i := bytes.Index(b, word)
		if i < 0 {
			if int64(len(b)) == limit-c.pos || len(b) <= len(word) {
				break
			}
			c.pos += int64(len(b) - len(word))
			continue
		}
		c.pos += int64(i)
		w, err := c.peek(256)
		if err != nil {
			return tail{}, false, err
		}
		p := parser{buf: w, base: c.pos, final: true, lim: &d.lim}
		if t, is := p.tail(); is && t.declared == want {
			found, ok = t, true
		}
		c.pos += int64(len(word))
	}
	return found, ok, nil
}

// readRoot finds /Root and checks /Size of a new revision. A trailer without
// /Root (Table 15 demands it) takes that of the revision before; where the
// revision does nothing but free objects, readers cannot differ about it, also
// those that build the table anew, and the rule is another one.
func (d *Document) readRoot(r *Revision) error {
	root, ok := r.trailer["Root"].(Ref)
	switch {
	case ok:
		r.root = root
	case r.prev != nil:
		rule := "trailer-root"
		if r.trailer["Root"] == nil && !r.own.defines() {
			rule = "trailer-root-absent"
		}
		d.note(r.index, r.xref, rule)
		r.root = r.prev.root
	default:
		return &MalformedError{Offset: r.xref, Rule: "trailer-root"}
	}
	if r.prev != nil && r.root != r.prev.root {
		d.note(r.index, r.xref, "root-changed")
	}
	size, ok := r.trailer["Size"].(Integer)
	if size < 0 || int64(size) > maxObjectNumber+1 {
		// Some readers then build a cross-reference table of their own.
		return &MalformedError{Offset: r.xref, Rule: "trailer-size"}
	}
	switch {
	case !ok || int64(size) < int64(r.used):
		d.note(r.index, r.xref, "trailer-size")
	case int64(size) < int64(r.next): // numbers that nothing has are counted no more
		d.note(r.index, r.xref, "trailer-size-shrunk")
	}
	r.next = max(r.next, uint32(size))
	return nil
}

// withoutEnd returns a copy without what checkEnd notes, which is no longer so
// once a revision follows.
func withoutEnd(list []Anomaly) []Anomaly {
	return slices.DeleteFunc(slices.Clone(list), func(a Anomaly) bool {
		return a.Rule == "startxref-stray" || a.Rule == "junk-after-eof" || a.Rule == "space-after-eof"
	})
}

// checkEnd compares the file's last startxref with the one that closes the
// latest revision and looks at what comes after.
func (d *Document) checkEnd(last tail) error {
	r := d.Latest()
	if last.start != r.startXRef {
		d.note(0, last.start, "startxref-stray")
	}
	c := cursor{src: d.src, pos: r.end}
	rule := ""
	for c.pos < d.src.size {
		b, err := c.peek(4096)
		if err != nil {
			return err
		}
		for i, ch := range b {
			if class[ch] != space {
				d.note(0, c.pos+int64(i), "junk-after-eof")
				return nil
			}
		}
		rule = "space-after-eof"
		c.pos += int64(len(b))
	}
	if rule != "" {
		d.note(0, r.end, rule)
	}
	return nil
}

// place gives an error that has no offset the offset off.
func place(err error, off int64) error {
	var m *MalformedError
	if errors.As(err, &m) && m.Offset < 0 {
		return &MalformedError{Offset: off, Rule: m.Rule, Err: m.Err}
	}
	var l *LimitError
	if errors.As(err, &l) && l.Offset < 0 {
		return &LimitError{Offset: off, Limit: l.Limit, Max: l.Max}
	}
	return err
}

func malformed(off int64, rule, format string, args ...any) error {
	return &MalformedError{Offset: off, Rule: rule, Err: fmt.Errorf(format, args...)}
}

// quoted shortens a token from the file for an error text.
func quoted(s string) string {
	if len(s) > 32 {
		s = s[:32] + "…"
	}
	return strconv.Quote(s)
}
