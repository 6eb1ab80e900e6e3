package pdf

// Span is where an object stands in the file: from the first digit of its
// number to after endobj (after the object where endobj is missing).
type Span struct {
	Offset, End int64
	Container   uint32 // number of the object stream whose span this is, or 0
}

// EntrySpan is where one entry of a dictionary stands in the file: the first
// byte of the key's and of the value's tokens, and the one after their last.
type EntrySpan struct {
	Key                Name
	KeyStart, KeyEnd   int64
	ValueStart, ValEnd int64
	// PlainHex says that the value is a hexadecimal string of nothing but
	// digits, an even number of them.
	PlainHex bool
}

// Span returns where ref stands. An object in an object stream has the span of
// that stream. A free or absent object is a [MalformedError] with rule
// object-missing.
func (r *Revision) Span(ref Ref) (Span, error) {
	e, def, ok := r.lookup(ref.Num)
	if ok && e.Kind == EntryCompressed {
		c, cdef, found := def.lookup(e.Container)
		if !found || c.Kind != EntryInUse {
			return Span{}, &MalformedError{Offset: def.xref, Rule: "objstm-missing"}
		}
		s, err := cdef.spanAt(Ref{Num: e.Container, Gen: c.Gen}, c.Offset)
		s.Container = e.Container
		return s, err
	}
	if !ok || e.Kind != EntryInUse || e.Gen != ref.Gen {
		return Span{}, malformed(-1, "object-missing", "object %s", ref)
	}
	return def.spanAt(ref, e.Offset)
}

func (r *Revision) spanAt(ref Ref, off int64) (Span, error) {
	if err := r.outside(ref, off); err != nil {
		return Span{}, err
	}
	x, err := r.doc.indirectAt(off, ref.Num)
	if err != nil {
		return Span{}, err
	}
	if x.ref != ref {
		return Span{}, malformed(off, "object-header", "the object is %s, its cross-reference entry says %s", x.ref, ref)
	}
	end, err := r.indirectEnd(&x)
	return Span{Offset: x.start, End: end}, err
}

// indirectEnd returns where an object ends, with its stream data.
func (r *Revision) indirectEnd(x *indirect) (int64, error) {
	if !x.stream {
		return x.end, nil
	}
	_, end, err := r.streamOf(x).length()
	return end, err
}

// streamOf returns the stream that x begins.
func (r *Revision) streamOf(x *indirect) *Stream {
	if s, ok := x.obj.(*Stream); ok {
		return s
	}
	return &Stream{Dict: x.obj.(Dict), rev: r, ref: x.ref, start: x.start, off: x.end}
}

// DictSpans returns the top-level entries of the dictionary (or stream
// dictionary) ref as they are written, keys that occur twice included. An
// object that is no dictionary or stands in an object stream is a
// [MalformedError]. The slice is shared: do not change it.
func (r *Revision) DictSpans(ref Ref) ([]EntrySpan, error) {
	e, def, ok := r.lookup(ref.Num)
	if !ok || e.Kind == EntryFree || e.Kind == EntryUnknown || e.Gen != ref.Gen {
		return nil, malformed(-1, "object-missing", "object %s", ref)
	}
	if e.Kind != EntryInUse {
		return nil, malformed(def.xref, "object-compressed", "object %s", ref)
	}
	if c, ok := def.doc.cached(cacheKey{off: e.Offset, num: ref.Num}); ok && c.ref == ref && c.rare != nil && c.rare.spans != nil {
		return c.rare.spans, nil
	}
	var list []EntrySpan
	err := r.doc.parseAt(e.Offset, func(p *parser) error {
		got, _, _, err := p.header()
		if err != nil {
			return err
		}
		if got != ref {
			return malformed(e.Offset, "object-header", "the object is %s, its cross-reference entry says %s", got, ref)
		}
		p.skipSpace()
		if p.pos+1 >= len(p.buf) {
			return p.ended("dict-open")
		}
		if p.buf[p.pos] != '<' || p.buf[p.pos+1] != '<' {
			return p.fail(p.pos, "object-type")
		}
		p.outer = true
		_, err = p.dict(0)
		list = p.spans
		return err
	})
	return list, err
}
