package pdf

import (
	"bytes"
	"errors"
	"fmt"
)

// parseAt runs f on the bytes from off on, again on a longer window as long as
// f answers errShort.
func (d *Document) parseAt(off int64, f func(p *parser) error) error {
	p := parsers.Get().(*parser)
	defer p.release()
	for n := firstWindow; ; n *= 4 {
		n = min(n, d.lim.ObjectBytes+firstWindow)
		b, final, err := d.src.window(off, n, p.room)
		if err != nil {
			return err
		}
		*p = parser{buf: b, base: off, final: final, lim: &d.lim, stack: p.stack[:0], keys: p.keys[:0], room: p.room}
		if err = f(p); !errors.Is(err, errShort) {
			if p.pos > d.lim.ObjectBytes {
				return &LimitError{Offset: off, Limit: "ObjectBytes", Max: int64(d.lim.ObjectBytes)}
			}
			return err
		}
		if n > d.lim.ObjectBytes {
			return &LimitError{Offset: off, Limit: "ObjectBytes", Max: int64(d.lim.ObjectBytes)}
		}
	}
}

// readIndirect reads the indirect object at off, without its stream data.
func (d *Document) readIndirect(off int64) (x indirect, err error) {
	if off < 0 || off >= d.src.size {
		return x, &MalformedError{Offset: off, Rule: "object-offset"}
	}
	err = d.parseAt(off, func(p *parser) error {
		x, err = p.indirect()
		return err
	})
	return x, err
}

// streamEnd checks that endstream and endobj follow length bytes after data
// and returns the offset after them. It tolerates a missing endobj.
func (d *Document) streamEnd(data, length int64) (int64, error) {
	end := data + length
	if length < 0 || end > d.src.size || end < data {
		return 0, &MalformedError{Offset: data, Rule: "stream-length"}
	}
	b, final, err := d.src.window(end, 64, nil)
	if err != nil {
		return 0, err
	}
	i := 0
	for i < len(b) && i < 4 && class[b[i]] == space {
		i++
	}
	if !bytes.HasPrefix(b[i:], []byte("endstream")) {
		return 0, &MalformedError{Offset: end, Rule: "stream-length"}
	}
	p := parser{buf: b, pos: i + len("endstream"), base: end, final: final || len(b) >= 64, lim: &d.lim}
	if _, err := p.keyword("endobj"); err != nil {
		return 0, &MalformedError{Offset: end, Rule: "stream-length"}
	}
	return end + int64(p.pos), nil
}

// Object returns the object that ref names in this revision, [Null] when it is
// free, absent or of another generation (§7.3.10). What it returns is shared:
// do not change it.
//
// It returns a [MalformedError] when the cross-reference entry does not lead
// to the object it promises.
func (r *Revision) Object(ref Ref) (Object, error) { return r.object(ref, true) }

// object reads ref; with deep false not from an object stream, which breaks
// the circle of a stream whose /Length stands in itself.
func (r *Revision) object(ref Ref, deep bool) (Object, error) {
	e, def, ok := r.lookup(ref.Num)
	if !ok {
		return Null{}, nil
	}
	switch e.Kind {
	case EntryInUse:
		if e.Gen != ref.Gen || e.Offset == 0 {
			return Null{}, nil
		}
		return def.objectAt(ref, e.Offset)
	case EntryCompressed:
		if ref.Gen != 0 {
			return Null{}, nil
		}
		if !deep {
			return nil, &MalformedError{Offset: def.xref, Rule: "stream-length"}
		}
		return def.compressed(ref.Num, e)
	}
	return Null{}, nil
}

// objectAt reads ref, which r's own table says stands at off.
func (r *Revision) objectAt(ref Ref, off int64) (Object, error) {
	d := r.doc
	key := cacheKey{off: off, num: ref.Num}
	if c, ok := d.cached(key); ok {
		return c.obj, nil
	}
	if err := r.outside(ref, off); err != nil {
		return nil, err
	}
	x, err := d.readIndirect(off)
	if err != nil {
		return nil, err
	}
	if x.ref != ref {
		return nil, malformed(off, "object-header", "the object is %s, its cross-reference entry says %s", x.ref, ref)
	}
	if d.crypt != nil && ref != d.encrypt {
		if x.obj, err = d.decryptStrings(x.obj, ref); err != nil {
			return nil, place(err, off)
		}
	}
	o := x.obj
	if x.stream {
		o = &Stream{Dict: x.obj.(Dict), rev: r, ref: ref, start: off, off: x.end}
	}
	c := cachedObject{obj: o, ref: ref, start: x.start, end: x.end, flaws: x.flaws}
	if x.dups != nil || x.spans != nil {
		c.rare = &rare{x.dups, x.spans}
	}
	d.keep(key, c, x.end-x.start)
	return o, nil
}

// indirectAt reads the indirect object at off again, or takes it from the cache
// when num was read there. Of a cached stream obj is the *Stream.
func (d *Document) indirectAt(off int64, num uint32) (indirect, error) {
	c, ok := d.cached(cacheKey{off: off, num: num})
	if !ok {
		return d.readIndirect(off)
	}
	_, stream := c.obj.(*Stream)
	x := indirect{ref: c.ref, obj: c.obj, start: c.start, end: c.end, stream: stream, flaws: c.flaws}
	if c.rare != nil {
		x.dups, x.spans = c.rare.dups, c.rare.spans
	}
	return x, nil
}

func (d *Document) cached(key cacheKey) (cachedObject, bool) {
	d.cache.mu.Lock()
	defer d.cache.mu.Unlock()
	o, ok := d.cache.objects[key]
	return o, ok
}

// keep caches o, which took n bytes of the file. A full cache is emptied.
func (d *Document) keep(key cacheKey, o cachedObject, n int64) {
	d.cache.mu.Lock()
	defer d.cache.mu.Unlock()
	d.charge(n + 128)
	if d.cache.objects == nil {
		d.cache.objects = make(map[cacheKey]cachedObject)
	}
	d.cache.objects[key] = o
}

// charge makes room for n bytes; the caller holds cache.mu.
func (d *Document) charge(n int64) {
	if d.cache.cost += n; d.cache.cost > d.lim.CacheBytes {
		d.cache.objects, d.cache.streams, d.cache.cost = nil, nil, n
	}
}

// decryptStrings decrypts the strings of an object just read, in place. The
// Contents of a signature are never encrypted (§7.6.2).
func (d *Document) decryptStrings(o Object, ref Ref) (Object, error) {
	switch o := o.(type) {
	case String:
		b, err := d.crypt.decryptString(ref, []byte(o))
		return String(b), err
	case Array:
		for i, e := range o {
			v, err := d.decryptStrings(e, ref)
			if err != nil {
				return nil, err
			}
			o[i] = v
		}
	case Dict:
		if o["Type"] == Name("XRef") {
			return o, nil
		}
		sig := isSignature(o)
		for k, e := range o {
			if sig && k == "Contents" {
				continue
			}
			v, err := d.decryptStrings(e, ref)
			if err != nil {
				return nil, err
			}
			o[k] = v
		}
	}
	return o, nil
}

// isSignature says whether the Contents of a dictionary hold a signature.
func isSignature(d Dict) bool {
	_, ranged := d["ByteRange"]
	return ranged || d["Type"] == Name("Sig") || d["Type"] == Name("DocTimeStamp")
}

// objectStream is a decoded object stream (§7.5.7).
type objectStream struct {
	data  []byte
	nums  []uint32
	offs  []uint32 // from the start of data
	start int64    // of the container in the file
}

// compressed reads the object num of the stream that r's own entry e names.
func (r *Revision) compressed(num uint32, e XRefEntry) (Object, error) {
	c, def, ok := r.lookup(e.Container)
	if !ok || c.Kind != EntryInUse || c.Gen != 0 {
		return nil, &MalformedError{Offset: r.xref, Rule: "objstm-missing"}
	}
	key := cacheKey{off: c.Offset, num: num, index: uint32(e.Index) + 1}
	if c, ok := r.doc.cached(key); ok {
		return c.obj, nil
	}
	s, err := def.objectStream(e.Container, c.Offset)
	if err != nil {
		return nil, err
	}
	if e.Index >= len(s.nums) || s.nums[e.Index] != num {
		return nil, malformed(c.Offset, "objstm-index", "object %d is not number %d of the object stream", num, e.Index)
	}
	at := s.offs[e.Index]
	p := parser{buf: s.data[at:], base: int64(at), final: true, lim: &r.doc.lim}
	o, err := p.object(0)
	if err != nil {
		return nil, s.inside(err, num)
	}
	r.doc.keep(key, cachedObject{obj: o}, int64(p.pos))
	return o, nil
}

// inside moves an error from the decoded data to the container's offset.
func (s *objectStream) inside(err error, num uint32) error {
	var m *MalformedError
	if errors.As(err, &m) {
		return &MalformedError{Offset: s.start, Rule: m.Rule, Err: fmt.Errorf("object %d at byte %d of the object stream", num, m.Offset)}
	}
	var l *LimitError
	if errors.As(err, &l) {
		return &LimitError{Offset: s.start, Limit: l.Limit, Max: l.Max}
	}
	return err
}

// objectStream decodes the object stream num at off.
func (r *Revision) objectStream(num uint32, off int64) (*objectStream, error) {
	d := r.doc
	d.cache.mu.Lock()
	s, ok := d.cache.streams[off]
	d.cache.mu.Unlock()
	if ok {
		return s, nil
	}
	o, err := r.objectAt(Ref{Num: num}, off)
	if err != nil {
		return nil, err
	}
	stm, ok := o.(*Stream)
	if !ok || stm.Dict["Type"] != Name("ObjStm") {
		return nil, &MalformedError{Offset: off, Rule: "objstm-type"}
	}
	data, err := d.structural(stm)
	if err != nil {
		return nil, err
	}
	if s, err = parseObjectStream(stm.Dict, data, off, &d.lim); err != nil {
		return nil, err
	}
	d.cache.mu.Lock()
	defer d.cache.mu.Unlock()
	d.charge(int64(len(data)) + 8*int64(len(s.nums)))
	if d.cache.streams == nil {
		d.cache.streams = make(map[int64]*objectStream)
	}
	d.cache.streams[off] = s
	return s, nil
}

// parseObjectStream reads the numbers and offsets at the head of the data.
func parseObjectStream(dict Dict, data []byte, off int64, lim *Limits) (*objectStream, error) {
	n, ok1 := dict["N"].(Integer)
	first, ok2 := dict["First"].(Integer)
	if !ok1 || !ok2 || n < 0 || first < 0 || int64(first) > int64(len(data)) || int64(n) > int64(first)/2 {
		return nil, &MalformedError{Offset: off, Rule: "objstm-header"}
	}
	if int64(n) > int64(lim.Objects) {
		return nil, &LimitError{Offset: off, Limit: "Objects", Max: int64(lim.Objects)}
	}
	s := &objectStream{data: data, nums: make([]uint32, n), offs: make([]uint32, n), start: off}
	p := parser{buf: data[:first], final: true, lim: lim}
	for i := range s.nums {
		num, ok1, _ := p.uint(maxObjectNumber)
		at, ok2, _ := p.uint(int64(len(data)) - int64(first))
		if !ok1 || !ok2 {
			return nil, malformed(off, "objstm-header", "pair %d", i)
		}
		s.nums[i], s.offs[i] = uint32(num), uint32(int64(first)+at)
	}
	return s, nil
}
