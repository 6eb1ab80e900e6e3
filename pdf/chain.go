package pdf

import (
	"bytes"
	"errors"
	"fmt"
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

// tail reads "startxref n %%EOF" and one end of line; white space may come
// before.
func (p *parser) tail() (t tail, ok bool) {
	for p.pos < len(p.buf) && class[p.buf[p.pos]] == space {
		p.pos++
	}
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

// group joins the sections that are one revision, newest first. The only case
// is the base of a linearized file: its first-page section stands at the start
// of the file and points forward to the main section (Annex F).
func (d *Document) group(list []*section, base *Revision) ([][]*section, error) {
	var groups [][]*section
	for i := 0; i < len(list); i++ {
		if i+1 == len(list) || list[i+1].off < list[i].off {
			groups = append(groups, list[i:i+1])
			continue
		}
		if i+2 != len(list) || base != nil {
			return nil, &MalformedError{Offset: list[i].off, Rule: "prev-forward"}
		}
		if !d.linearized() {
			list[i].note(list[i].off, "prev-forward")
		}
		groups = append(groups, list[i:i+2])
		i++
	}
	return groups, nil
}

// linearized says whether the first object of the file is a linearization
// parameter dictionary.
func (d *Document) linearized() bool {
	found := false
	err := d.parseAt(0, func(p *parser) error {
		p.skipSpace()
		x, err := p.indirect()
		if dict, ok := x.obj.(Dict); ok {
			_, found = dict["Linearized"]
		}
		return err
	})
	return err == nil && found
}

// newRevision builds the view of one group of sections. It ends before limit.
func (d *Document) newRevision(g []*section, prev *Revision, limit int64) (*Revision, error) {
	top := g[0]
	r := &Revision{
		doc: d, prev: prev, index: 1, xref: top.off, kind: top.kind, trailer: top.trailer, own: top.entries,
	}
	if prev != nil {
		r.index, r.start, r.next = prev.index+1, prev.end, prev.next
	}
	if top.stm >= 0 {
		r.own.join(&top.stmEntry)
		r.own.normalise(hidden, func(uint32) {})
		r.parts = append(r.parts, Span{Offset: top.stm, End: top.stmEnd})
	}
	bottom := top
	for _, s := range g[1:] {
		r.own.join(&s.entries)
		if s.stm >= 0 {
			r.own.join(&s.stmEntry)
			r.kind = XRefHybrid
			r.parts = append(r.parts, Span{Offset: s.stm, End: s.stmEnd})
		}
		r.own.normalise(hidden, func(uint32) {})
		bottom = s
	}
	for _, s := range g {
		r.parts = append(r.parts, Span{Offset: s.off, End: s.end})
		for _, a := range s.notes {
			d.note(r.index, a.Offset, a.Rule)
		}
	}
	r.next = max(r.next, r.own.max())
	if top != bottom {
		d.innerTail(r, top)
	}
	if err := d.findEnd(r, bottom, limit); err != nil {
		return nil, err
	}
	return r, d.readRoot(r)
}

// innerTail accounts for the "startxref 0 %%EOF" after a linearized file's
// first-page section.
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

// readRoot finds /Root and checks /Size of a new revision.
func (d *Document) readRoot(r *Revision) error {
	root, ok := r.trailer["Root"].(Ref)
	switch {
	case ok:
		r.root = root
	case r.prev != nil:
		d.note(r.index, r.xref, "trailer-root")
		r.root = r.prev.root
	default:
		return &MalformedError{Offset: r.xref, Rule: "trailer-root"}
	}
	if r.prev != nil && r.root != r.prev.root {
		d.note(r.index, r.xref, "root-changed")
	}
	size, ok := r.trailer["Size"].(Integer)
	if !ok || int64(size) < int64(r.next) {
		d.note(r.index, r.xref, "trailer-size")
	}
	if ok && size > 0 && int64(size) <= maxObjectNumber+1 {
		r.next = max(r.next, uint32(size))
	}
	return nil
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
