package pdf

import "bytes"

// What follows finds places that only error texts need, and which reading
// therefore does not keep. Each look-up reads a bounded number of short pieces
// of the file: a hostile file can make every object fail.

const (
	maxPlaceHeads  = 8        // subsections of a table that are walked through; most have one to three
	maxPlaceWindow = 16 << 10 // bytes in which a trailer is sought
	entryLength    = 20       // of a cross-reference entry (§7.5.4)
)

// outside says that the entry for ref leads out of the file, or returns nil.
func (r *Revision) outside(ref Ref, off int64) error {
	if off >= 0 && off < r.doc.src.size {
		return nil
	}
	return malformed(r.entryPlace(ref.Num, off), "object-offset",
		"the entry of object %s points to byte %d, and the file has %d", ref, off, r.doc.src.size)
}

// entryPlace returns where the entry stands that says that num is at off. It
// is the cross-reference section when the entry stands in a stream, or not
// where entries of the usual form do.
func (r *Revision) entryPlace(num uint32, off int64) int64 {
	for _, part := range r.parts {
		if at, ok := r.doc.entryIn(part, num, off); ok {
			return at
		}
	}
	return r.xref
}

// entryIn looks into one table; a part of another kind holds no entry.
func (d *Document) entryIn(part Span, num uint32, off int64) (int64, bool) {
	b, _, err := d.src.window(part.Offset, 4, nil)
	if err != nil || !bytes.HasPrefix(b, []byte("xref")) {
		return 0, false
	}
	pos := part.Offset + 4
	for range maxPlaceHeads {
		b, final, err := d.src.window(pos, 64, nil)
		if err != nil {
			return 0, false
		}
		p := parser{buf: b, base: pos, final: final, lim: &d.lim}
		first, ok1, err1 := p.uint(maxObjectNumber)
		count, ok2, err2 := p.uint(maxObjectNumber)
		if err1 != nil || err2 != nil || !ok1 || !ok2 {
			return 0, false
		}
		for p.pos < len(b) && class[b[p.pos]] == space {
			p.pos++
		}
		pos += int64(p.pos)
		index := int64(num) - first
		if first == 1 { // a table that counts from 1 is read as if it did from 0
			if at := pos + int64(num)*entryLength; d.entryAt(at, off) {
				return at, true
			}
		}
		if at := pos + index*entryLength; index >= 0 && index < count && d.entryAt(at, off) {
			return at, true
		}
		pos += count * entryLength
	}
	return 0, false
}

// entryAt reports whether an entry in use at at leads to off.
func (d *Document) entryAt(at, off int64) bool {
	b, _, err := d.src.window(at, entryLength, nil)
	if err != nil {
		return false
	}
	v, ok := fixedEntry(b)
	e := v.entry()
	return ok && e.Kind == EntryInUse && e.Offset == off
}

// trailerPlace returns where the entry key of r's trailer stands; the
// cross-reference section when that cannot be found.
func (r *Revision) trailerPlace(key Name) int64 {
	at, found := r.xref, r.xref
	word := ""
	for _, part := range r.parts {
		if part.Offset != r.xref {
			continue
		}
		from := max(part.Offset, part.End-maxPlaceWindow)
		b, err := r.doc.src.bytes(from, part.End-from)
		if i := bytes.LastIndex(b, []byte("trailer")); err == nil && i >= 0 && r.kind != XRefStream {
			at, word = from+int64(i), "trailer"
		}
	}
	_ = r.doc.parseAt(at, func(p *parser) error { // without a place this stays the section
		var err error
		if word != "" {
			_, err = p.keyword(word)
		} else {
			_, _, _, err = p.header()
		}
		if p.skipSpace(); err != nil || !bytes.HasPrefix(p.buf[p.pos:], []byte("<<")) {
			return err
		}
		p.outer = true
		if _, err = p.dict(0); err != nil {
			return err
		}
		for _, e := range p.spans {
			if e.Key == key {
				found = e.KeyStart
			}
		}
		return nil
	})
	return found
}

// encryptPlace returns where /Encrypt of r stands: its object, or its entry in
// the trailer.
func (r *Revision) encryptPlace() int64 {
	ref, _ := r.trailerObject("Encrypt").(Ref)
	if e, _, ok := r.lookup(ref.Num); ok && e.Kind == EntryInUse && ref.Num != 0 {
		return e.Offset
	}
	return r.trailerPlace("Encrypt")
}
