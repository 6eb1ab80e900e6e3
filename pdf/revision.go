package pdf

import "iter"

// Revision is the document as of one incremental update. It is immutable and
// safe for concurrent use.
type Revision struct {
	doc       *Document
	prev      *Revision
	index     int
	start     int64
	end       int64
	xref      int64 // offset of the newest cross-reference section
	startXRef int64 // offset of the keyword startxref; 0 when missing
	kind      XRefKind
	trailer   Dict
	root      Ref
	own       entryTable
	parts     []Span // xref sections, trailers, startxref … %%EOF
	next      uint32 // first object number that no revision up to this one uses or counts in its /Size
	used      uint32 // the same without what is only counted
}

// Document returns the document of which this was opened as a revision; after
// [Document.Append] the older revisions still belong to the shorter document.
func (r *Revision) Document() *Document { return r.doc }

// Index counts revisions from 1, the oldest.
func (r *Revision) Index() int { return r.index }

// Previous returns the revision before, nil for the first.
func (r *Revision) Previous() *Revision { return r.prev }

// Start is the offset of the first byte that this revision added.
func (r *Revision) Start() int64 { return r.start }

// End is the offset after this revision's %%EOF and at most one end of line.
// The next revision starts there.
func (r *Revision) End() int64 { return r.end }

// StartXRef is the offset of the revision's cross-reference section, corrected
// for white space.
func (r *Revision) StartXRef() int64 { return r.xref }

// XRefKind is the form of the revision's cross-reference section.
func (r *Revision) XRefKind() XRefKind { return r.kind }

// Trailer returns the revision's own trailer dictionary; of a cross-reference
// stream the stream dictionary. It is shared: do not change it.
func (r *Revision) Trailer() Dict { return r.trailer }

// trailerObject returns an entry of the trailer, Null when absent.
func (r *Revision) trailerObject(key Name) Object {
	if o := r.trailer[key]; o != nil {
		return o
	}
	return Null{}
}

// Root returns the reference of the catalog.
func (r *Revision) Root() Ref { return r.root }

// Catalog returns the document catalog (§7.7.2). It returns a [MalformedError]
// with rule catalog when Root does not lead to a dictionary.
func (r *Revision) Catalog() (Dict, error) {
	o, err := r.Object(r.root)
	if err != nil {
		return nil, err
	}
	d, ok := o.(Dict)
	if !ok {
		return nil, &MalformedError{Offset: r.xref, Rule: "catalog"}
	}
	return d, nil
}

// lookup finds the entry for num as of r and the revision that defines it.
func (r *Revision) lookup(num uint32) (XRefEntry, *Revision, bool) {
	for q := r; q != nil; q = q.prev {
		if v, ok := q.own.find(num); ok {
			return v.entry(), q, true
		}
	}
	return XRefEntry{}, nil, false
}

// Entry returns the cross-reference entry that holds for num as of r; ok is
// false when no section has one.
func (r *Revision) Entry(num uint32) (e XRefEntry, ok bool) {
	e, _, ok = r.lookup(num)
	return e, ok
}

// Place gives err, a [MalformedError] or [LimitError] about the object ref that
// has no offset, that of the object, or of the object stream that holds it.
// Other errors, nil too, and those about objects that stand nowhere are returned
// as they are.
func (r *Revision) Place(err error, ref Ref) error {
	if err == nil {
		return nil
	}
	e, def, ok := r.lookup(ref.Num)
	if ok && e.Kind == EntryCompressed {
		e, _, ok = def.lookup(e.Container)
	}
	if !ok || e.Kind != EntryInUse {
		return err
	}
	return place(err, e.Offset)
}

// Entries yields the entries that this revision's own cross-reference section
// defines, by ascending number.
func (r *Revision) Entries() iter.Seq2[uint32, XRefEntry] {
	return func(yield func(uint32, XRefEntry) bool) {
		for num, v := range r.own.all() {
			if !yield(num, v.entry()) {
				return
			}
		}
	}
}

// Resolve follows references until something else comes. It returns a
// [MalformedError] with rule reference-chain after 16 of them.
func (r *Revision) Resolve(o Object) (Object, error) {
	for range maxResolve {
		ref, ok := o.(Ref)
		if !ok {
			if o == nil {
				return Null{}, nil
			}
			return o, nil
		}
		var err error
		if o, err = r.Object(ref); err != nil {
			return nil, err
		}
	}
	return nil, &MalformedError{Offset: -1, Rule: "reference-chain"}
}

// resolveAll returns a copy of o with all references in it replaced, for small
// trees such as an encryption dictionary.
func (r *Revision) resolveAll(o Object, depth int) (Object, error) {
	if depth > 8 {
		return nil, &MalformedError{Offset: -1, Rule: "reference-chain"}
	}
	o, err := r.Resolve(o)
	if err != nil {
		return nil, err
	}
	switch o := o.(type) {
	case Array:
		c := make(Array, len(o))
		for i, e := range o {
			if c[i], err = r.resolveAll(e, depth+1); err != nil {
				return nil, err
			}
		}
		return c, nil
	case Dict:
		c := make(Dict, len(o))
		for k, e := range o {
			if c[k], err = r.resolveAll(e, depth+1); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	return o, nil
}

// Lookup returns the entry key of d, resolved in r; ok is false when it is
// absent or null. An entry of another type is a [MalformedError] with rule
// type-<key>.
func Lookup[T Object](r *Revision, d Dict, key Name) (v T, ok bool, err error) {
	o, present := d[key]
	if !present {
		return v, false, nil
	}
	if o, err = r.Resolve(o); err != nil {
		return v, false, err
	}
	if _, null := o.(Null); null {
		return v, false, nil
	}
	v, ok = o.(T)
	if !ok {
		return v, false, malformed(-1, "type-"+string(key), "/%s is of another type than it has to be", key)
	}
	return v, true, nil
}
