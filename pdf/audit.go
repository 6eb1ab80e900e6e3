package pdf

import (
	"bytes"
	"errors"
	"slices"
	"sort"
)

// Audit reads every object that this revision's own cross-reference section
// defines and reports what breaks the rules of an honest update. It is meant
// for the revisions after a signature, where nothing may be tolerated; of a
// base revision it reads the whole file but stream data. What Open noted is in
// [Document.Anomalies] and not repeated.
//
// Rules: entry-repeated (an entry says what held before: harmless),
// entry-backward (another one that points into an earlier revision),
// entry-outside (beyond this one), entry-offset-zero, entry-size (a number not
// below /Size), entry-shared (two numbers at one place), entry-generation (a
// new object whose generation is not 0), object-header (another object stands
// there), object-overlap (one begins inside another), object-syntax,
// object-space, object-comment, object-empty, endobj-missing, stream-eol,
// stream-length, dict-duplicate-key, object-freed (one in use before), objstm
// (an object stream breaks a rule), objstm-replaced (an object stream that
// earlier entries use is redefined), objstm-extra (it holds an object whose
// entry is elsewhere), objstm-extends (its /Extends leads to itself or to
// nothing), comment (between objects) and junk (bytes that no object and no
// cross-reference section accounts for: also an object that no entry points
// to).
//
// The error is one of reading, or a [LimitError]: then nothing is known.
func (r *Revision) Audit() ([]Anomaly, error) {
	a := auditor{r: r, size: maxObjectNumber + 1}
	if n, ok := r.trailer["Size"].(Integer); ok {
		a.size = int64(n)
	}
	if err := a.entries(); err != nil {
		return nil, err
	}
	if err := a.streams(); err != nil {
		return nil, err
	}
	if err := a.gaps(); err != nil {
		return nil, err
	}
	sort.SliceStable(a.found, func(i, j int) bool { return a.found[i].Offset < a.found[j].Offset })
	return a.found, nil
}

// Overhang lists the objects of this revision's own cross-reference section of
// which bytes lie behind the revision's end: that start there, or whose string
// or stream ends there. Whoever appends to the file writes these bytes, so that
// the object is another one afterwards although no entry for it changed. A
// span may end behind the file; of an object that cannot be read it is empty.
//
// The error is one of reading, or a [LimitError].
func (r *Revision) Overhang() ([]Span, error) {
	var list []Span
	for num, v := range r.own.all() {
		e := v.entry()
		if e.Kind != EntryInUse || e.Offset == 0 {
			continue
		}
		end, err := r.extent(Ref{Num: num, Gen: e.Gen}, e.Offset)
		if err != nil {
			return nil, err
		}
		if end > r.end || e.Offset >= r.end {
			list = append(list, Span{Offset: e.Offset, End: end})
		}
	}
	return list, nil
}

// extent returns where the object at off ends, as far as that can be told: off
// itself when there is no object, the end of the dictionary of a stream without
// a usable /Length.
func (r *Revision) extent(ref Ref, off int64) (int64, error) {
	if off >= r.doc.src.size {
		return off, nil
	}
	x, err := r.doc.indirectAt(off, ref.Num)
	if _, malformed := errors.AsType[*MalformedError](err); malformed || err == nil && x.ref != ref {
		return off, nil
	}
	if err != nil {
		return 0, err
	}
	if !x.stream {
		return x.end, nil
	}
	n, _, err := r.streamOf(&x).length()
	if _, malformed := errors.AsType[*MalformedError](err); malformed {
		err = nil // endstream is missing where /Length leads to
	}
	return x.end + n, err
}

// auditor is the state of one Audit.
type auditor struct {
	r     *Revision
	size  int64
	found []Anomaly
	spans []Span
	holes []Span          // in which some bytes belong to nothing
	uses  map[uint32]bool // containers of compressed entries
	seen  []auditPlace
}

// auditPlace is where an entry in use points.
type auditPlace struct {
	off int64
	num uint32
}

func (a *auditor) note(off int64, rule string) {
	if len(a.found) < maxAnomalies {
		a.found = append(a.found, Anomaly{Revision: a.r.index, Offset: off, Rule: rule})
	}
}

// tolerable notes a syntax error and passes on any other.
func (a *auditor) tolerable(err error, off int64, rule string) error {
	if m, ok := errors.AsType[*MalformedError](err); ok {
		if m.Rule == "object-header" || m.Rule == "stream-length" {
			rule = m.Rule
		}
		a.note(off, rule)
		return nil
	}
	return err
}

// entries looks at each entry and the object it points to.
func (a *auditor) entries() error {
	r := a.r
	a.uses = make(map[uint32]bool)
	for num, v := range r.own.all() {
		e := v.entry()
		if int64(num) >= a.size {
			a.note(r.xref, "entry-size")
		}
		switch e.Kind {
		case EntryFree:
			if r.prev == nil {
				continue
			}
			if old, _, ok := r.prev.lookup(num); ok && (old.Kind == EntryInUse || old.Kind == EntryCompressed) {
				a.note(r.xref, "object-freed")
			}
		case EntryCompressed:
			a.uses[e.Container] = true
		case EntryInUse:
			if err := a.inUse(num, e); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(a.seen, func(x, y auditPlace) int {
		if x.off != y.off {
			return int(min(max(x.off-y.off, -1), 1))
		}
		return int(x.num) - int(y.num)
	})
	for i := 1; i < len(a.seen); i++ {
		if a.seen[i].off == a.seen[i-1].off {
			a.note(a.seen[i].off, "entry-shared")
		}
	}
	return nil
}

// inUse reads the object of one entry.
func (a *auditor) inUse(num uint32, e XRefEntry) error {
	r := a.r
	if e.Offset == 0 {
		a.note(r.xref, "entry-offset-zero")
		return nil
	}
	if e.Offset >= r.end {
		a.note(e.Offset, "entry-outside")
		return nil
	}
	if r.prev != nil {
		old, _, ok := r.prev.lookup(num)
		if ok && old == e {
			a.note(e.Offset, "entry-repeated")
			return nil
		}
		if e.Gen != 0 && (!ok || old.Kind != EntryInUse || old.Gen != e.Gen) {
			a.note(e.Offset, "entry-generation")
		}
	}
	a.seen = append(a.seen, auditPlace{e.Offset, num})
	x, err := r.doc.indirectAt(e.Offset, num)
	if e.Offset < r.start && (err != nil || x.start < r.start) {
		a.note(e.Offset, "entry-backward")
	}
	if err != nil {
		return a.tolerable(err, e.Offset, "object-syntax")
	}
	if x.ref != (Ref{Num: num, Gen: e.Gen}) {
		a.note(e.Offset, "object-header")
	}
	return a.object(&x)
}

// object notes what is wrong with the object that was read.
func (a *auditor) object(x *indirect) error {
	for _, f := range []struct {
		flaw flaws
		rule string
	}{
		{flawSpace, "object-space"},
		{flawComment, "object-comment"},
		{flawEmpty, "object-empty"},
		{flawEndobj, "endobj-missing"},
		{flawEOL, "stream-eol"},
	} {
		if x.flaws&f.flaw != 0 {
			a.note(x.start, f.rule)
		}
	}
	for _, at := range x.dups {
		a.note(at, "dict-duplicate-key")
	}
	end, err := a.r.indirectEnd(x)
	if err != nil {
		return a.tolerable(err, x.start, "stream-length")
	}
	if x.stream {
		// The end of a stream was found without asking for endobj.
		b, err := a.r.doc.src.bytes(end-int64(len("endobj")), int64(len("endobj")))
		if err != nil {
			return err
		}
		if string(b) != "endobj" {
			a.note(x.start, "endobj-missing")
		}
	}
	a.spans = append(a.spans, Span{Offset: x.start, End: end})
	return nil
}

// streams checks object streams: those that this revision uses hold only what
// its entries say, and none that older entries use was redefined.
func (a *auditor) streams() error {
	r := a.r
	for num := range a.uses {
		e, def, ok := r.lookup(num)
		if !ok || e.Kind != EntryInUse {
			a.note(r.xref, "objstm")
			continue
		}
		s, err := def.objectStream(num, e.Offset)
		if err != nil {
			if err := a.tolerable(err, e.Offset, "objstm"); err != nil {
				return err
			}
			continue
		}
		if def != r {
			a.note(e.Offset, "entry-backward")
		}
		if err := a.members(num, e.Offset, s); err != nil {
			return err
		}
		if err := a.extends(num, e.Offset, def); err != nil {
			return err
		}
	}
	for q := r.prev; q != nil; q = q.prev {
		for _, v := range q.own.all() {
			e := v.entry()
			if e.Kind != EntryCompressed {
				continue
			}
			if _, again := r.own.find(e.Container); again && !a.uses[e.Container|1<<31] {
				a.uses[e.Container|1<<31] = true // noted once
				a.note(r.xref, "objstm-replaced")
			}
		}
	}
	return nil
}

// extends checks that /Extends of an object stream (Table 16) leads to another
// one and not back. Nobody needs it to find an object, but some readers follow
// it.
func (a *auditor) extends(num uint32, off int64, def *Revision) error {
	seen := map[uint32]bool{num: true}
	for next := num; ; {
		o, err := def.Object(Ref{Num: next})
		if err != nil {
			return a.tolerable(err, off, "objstm")
		}
		s, ok := o.(*Stream)
		if !ok {
			a.note(off, "objstm-extends")
			return nil
		}
		ref, ok := s.Dict["Extends"].(Ref)
		if !ok {
			return nil
		}
		if next = ref.Num; seen[next] {
			a.note(off, "objstm-extends")
			return nil
		}
		seen[next] = true
	}
}

// members compares what an object stream holds with the entries, and reads
// each object for keys that occur twice.
func (a *auditor) members(num uint32, off int64, s *objectStream) error {
	for i, n := range s.nums {
		v, ok := a.r.own.find(n)
		if e := v.entry(); !ok || e.Kind != EntryCompressed || e.Container != num || e.Index != i {
			a.note(off, "objstm-extra")
		}
		p := parser{buf: s.data[s.offs[i]:], final: true, lim: &a.r.doc.lim}
		if _, err := p.object(0); err != nil {
			if err := a.tolerable(err, off, "objstm"); err != nil {
				return err
			}
		}
		for range p.dups {
			a.note(off, "dict-duplicate-key")
		}
	}
	return nil
}

// gaps notes bytes between the spans that are no white space. The header and
// the comments after it belong to the base revision.
func (a *auditor) gaps() error {
	r := a.r
	spans := slices.Concat(a.spans, r.parts)
	slices.SortFunc(spans, func(x, y Span) int { return int(min(max(x.Offset-y.Offset, -1), 1)) })
	spans = slices.CompactFunc(spans, func(x, y Span) bool { return x == y }) // a cross-reference stream has an entry too
	at, c := r.start, &cursor{src: r.doc.src}
	for _, s := range append(spans, Span{Offset: r.end, End: r.end}) {
		if s.Offset > at {
			if err := a.gap(c, at, min(s.Offset, r.end)); err != nil {
				return err
			}
		}
		if s.Offset < at && s.Offset >= r.start {
			a.note(s.Offset, "object-overlap")
		}
		at = max(at, s.End)
	}
	return nil
}

// gap notes the first byte in [from, to) that is neither white space nor
// comment, and the first comment. The comments after the header are as they
// should be (§7.5.2).
func (a *auditor) gap(c *cursor, from, to int64) error {
	c.pos = from
	hole := Span{Offset: from, End: to}
	comment, noted := false, from == 0
	for c.pos < to {
		b, err := c.peek(1)
		if err != nil {
			return err
		}
		b = b[:min(int64(len(b)), to-c.pos)]
		for i, ch := range b {
			switch {
			case ch == '\n' || ch == '\r':
				comment = false
			case comment || class[ch] == space:
			case ch == '%' && !bytes.HasPrefix(b[i:], []byte("%%EOF")):
				comment = true
				if !noted {
					a.note(c.pos+int64(i), "comment")
					noted = true
				}
			default:
				a.note(c.pos+int64(i), "junk")
				a.holes = append(a.holes, hole)
				return nil
			}
		}
		c.pos += int64(len(b))
	}
	return nil
}
