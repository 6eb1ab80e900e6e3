package pdf

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
)

// Update collects new and changed objects and writes them as one incremental
// update (§7.5.6). It is used by one goroutine, once.
type Update struct {
	r       *Revision
	next    uint32
	objects map[Ref]Object
	trailer Dict
	err     error
}

// NewUpdate begins an update of r, which must be the latest revision of its
// document ([Update.Finish] says so otherwise).
func (r *Revision) NewUpdate() *Update {
	u := &Update{r: r, next: max(r.next, 1), objects: make(map[Ref]Object, 8)}
	if r.doc.Latest() != r {
		u.err = fmt.Errorf("update of revision %d, which is not the latest", r.index)
	}
	return u
}

// Alloc returns a reference that no object has. One that is not Set stays
// undefined, which reads as null.
func (u *Update) Alloc() Ref {
	if u.next > maxObjectNumber && u.err == nil {
		u.err = &LimitError{Offset: -1, Limit: "object number", Max: maxObjectNumber}
	}
	ref := Ref{Num: u.next}
	u.next++
	return ref
}

// Add puts o under a new reference.
func (u *Update) Add(o Object) Ref {
	ref := u.Alloc()
	u.Set(ref, o)
	return ref
}

// Set replaces the object ref, or defines one that Alloc returned. o must not
// be changed before Finish.
func (u *Update) Set(ref Ref, o Object) { u.objects[ref] = o }

// Object returns the pending object, else the one of the revision.
func (u *Update) Object(ref Ref) (Object, error) {
	if o, ok := u.objects[ref]; ok {
		return o, nil
	}
	return u.r.Object(ref)
}

// Revision returns the revision being updated.
func (u *Update) Revision() *Revision { return u.r }

// SetTrailer sets an entry of the new trailer, Null to leave one out. What
// describes the file's structure (Size, Prev, Encrypt …) cannot be set.
func (u *Update) SetTrailer(key Name, o Object) {
	if u.trailer == nil {
		u.trailer = make(Dict)
	}
	u.trailer[key] = o
}

// structure are the trailer entries that the writer decides.
var structure = map[Name]bool{
	"Size": true, "Prev": true, "XRefStm": true, "ID": true, "Encrypt": true, "Type": true, "W": true,
	"Index": true, "Filter": true, "DecodeParms": true, "Length": true, "F": true, "FFilter": true, "FDecodeParms": true, "DL": true,
}

// written is where an object was put.
type written struct {
	ref Ref
	off int64
}

// Finish returns the bytes to append to the file: an end of line when the file
// does not end in one, the objects by ascending number, a cross-reference
// section of the kind that the file has (a table after a hybrid one), the
// trailer, startxref and %%EOF. The trailer keeps the entries of the last one;
// the first element of ID stays and the second is derived from the content, so
// the same update gives the same bytes (but for the random vectors of AES).
//
// Strings and streams are encrypted as the document demands. The Offset of
// every [Reserved] is set.
func (u *Update) Finish() ([]byte, error) {
	if u.err != nil {
		return nil, u.err
	}
	doc := u.r.doc
	w := &writer{buf: make([]byte, 0, u.guess()), base: doc.src.size}
	if doc.lastByte != '\n' && doc.lastByte != '\r' {
		w.buf = append(w.buf, '\n')
	}
	refs := make([]Ref, 0, len(u.objects)+1)
	for ref := range u.objects {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b Ref) int {
		if a.Num != b.Num {
			return int(a.Num) - int(b.Num)
		}
		return int(a.Gen) - int(b.Gen)
	})
	places := make([]written, 0, len(refs)+1)
	for i, ref := range refs {
		if i > 0 && refs[i-1].Num == ref.Num || ref.Num == 0 || ref.Num >= u.next {
			return nil, fmt.Errorf("update sets the object %s, which cannot be", ref)
		}
		places = append(places, written{ref, w.base + int64(len(w.buf))})
		if err := u.write(w, ref, u.objects[ref]); err != nil {
			return nil, err
		}
	}
	return u.finish(w, places)
}

// guess estimates the size of the tail, so that it is allocated once.
func (u *Update) guess() int {
	n := 1024 + 64*len(u.objects)
	for _, o := range u.objects {
		switch o := o.(type) {
		case *Stream:
			n += len(o.data) + 128
		case Dict:
			n += 40 * len(o)
			for _, v := range o {
				switch v := v.(type) {
				case *Reserved:
					n += v.Len
				case String:
					n += 2 * len(v)
				case Array:
					n += 8 * len(v)
				}
			}
		case Array:
			n += 10 * len(o)
		}
	}
	return n
}

// write writes one indirect object.
func (u *Update) write(w *writer, ref Ref, o Object) error {
	w.crypt, w.ref = nil, ref
	if u.r.doc.crypt != nil && ref != u.r.doc.encrypt {
		w.crypt = u.r.doc.crypt
	}
	w.begin(ref)
	if s, ok := o.(*Stream); ok {
		if err := w.stream(s); err != nil {
			return err
		}
	} else {
		w.object(o)
	}
	w.buf = append(w.buf, "\nendobj\n"...)
	w.crypt = nil
	return w.err
}

func (w *writer) begin(ref Ref) {
	w.buf = strconv.AppendUint(w.buf, uint64(ref.Num), 10)
	w.buf = append(w.buf, ' ')
	w.buf = strconv.AppendUint(w.buf, uint64(ref.Gen), 10)
	w.buf = append(w.buf, " obj\n"...)
}

// stream writes a stream with its true Length. One that comes from a file is
// decrypted there and encrypted under its new reference.
func (w *writer) stream(s *Stream) error {
	const most = 1 << 30
	data, err := s.plain(most, "stream data")
	if err != nil {
		return err
	}
	if w.crypt != nil {
		d, err := s.filterDict()
		if err != nil {
			return err
		}
		if data, err = w.crypt.encryptStream(w.ref, d, data); err != nil {
			return err
		}
	}
	d := make(Dict, len(s.Dict)+1)
	for k, v := range s.Dict {
		d[k] = v
	}
	d["Length"] = Integer(len(data))
	w.dict(d)
	w.data(data)
	return nil
}

// finish writes cross-reference section and trailer.
func (u *Update) finish(w *writer, places []written) ([]byte, error) {
	trailer := make(Dict, 8)
	for k, v := range u.r.trailer {
		if !structure[k] {
			trailer[k] = v
		}
	}
	for k, v := range u.trailer {
		if !structure[k] {
			trailer[k] = v
		}
	}
	trailer["Root"] = u.r.root
	if e := u.r.trailerObject("Encrypt"); e != (Null{}) {
		trailer["Encrypt"] = e
	}
	id, err := u.newID(w)
	if err != nil {
		return nil, err
	}
	trailer["ID"], trailer["Prev"] = id, Integer(u.r.xref)
	at := w.base + int64(len(w.buf))
	if u.r.kind == XRefStream {
		ref := u.Alloc()
		if u.err != nil {
			return nil, u.err
		}
		trailer["Size"] = Integer(u.next)
		w.xrefStream(append(places, written{ref, at}), trailer)
	} else {
		trailer["Size"] = Integer(u.next)
		if at > 9_999_999_999 {
			return nil, &LimitError{Offset: at, Limit: "offset in a cross-reference table", Max: 9_999_999_999}
		}
		w.xrefTable(places, trailer)
	}
	w.buf = append(w.buf, "\nstartxref\n"...)
	w.buf = strconv.AppendInt(w.buf, at, 10)
	w.buf = append(w.buf, "\n%%EOF\n"...)
	return w.buf, w.err
}

// newID keeps the first element of ID and makes the second from the objects
// written, the old ID and the place in the file (§14.4).
func (u *Update) newID(w *writer) (Array, error) {
	old, err := u.r.resolveAll(u.r.trailerObject("ID"), 0)
	if err != nil {
		return nil, err
	}
	var room [128]byte
	h := sha256.New()
	h.Write(Format(append(strconv.AppendInt(room[:0], w.base, 10), ' '), old))
	from := 0
	for _, x := range w.holes {
		h.Write(w.buf[from:x.at])
		from = x.at + x.n
	}
	h.Write(w.buf[from:])
	sum := String(h.Sum(nil)[:16])
	if a, ok := old.(Array); ok && len(a) > 0 {
		if first, ok := a[0].(String); ok {
			return Array{first, sum}, nil
		}
	}
	return Array{sum, sum}, nil
}

// subsections yields runs of consecutive numbers.
func subsections(places []written, f func(run []written)) {
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].ref.Num == places[n-1].ref.Num+1 {
			n++
		}
		f(places[:n])
		places = places[n:]
	}
}

func (w *writer) xrefTable(places []written, trailer Dict) {
	w.buf = append(w.buf, "xref\n"...)
	if len(places) == 0 {
		w.buf = append(w.buf, "0 0\n"...)
	}
	subsections(places, func(run []written) {
		w.buf = strconv.AppendUint(w.buf, uint64(run[0].ref.Num), 10)
		w.buf = append(w.buf, ' ')
		w.buf = strconv.AppendInt(w.buf, int64(len(run)), 10)
		w.buf = append(w.buf, '\n')
		for _, p := range run {
			w.padded(uint64(p.off), 10)
			w.buf = append(w.buf, ' ')
			w.padded(uint64(p.ref.Gen), 5)
			w.buf = append(w.buf, " n\r\n"...)
		}
	})
	w.buf = append(w.buf, "trailer\n"...)
	w.dict(trailer)
}

// padded writes v with leading zeros.
func (w *writer) padded(v uint64, width int) {
	at := len(w.buf)
	for range width {
		w.buf = append(w.buf, '0')
	}
	for i := at + width - 1; v > 0; i-- {
		w.buf[i] = byte('0' + v%10)
		v /= 10
	}
}

// xrefStream writes the entries without a filter: they are few, and deflating
// them costs more time than it saves bytes.
func (w *writer) xrefStream(places []written, trailer Dict) {
	self := places[len(places)-1]
	width := 4
	for self.off>>(8*width) != 0 {
		width++
	}
	var index Array
	data := make([]byte, 0, len(places)*(width+3))
	subsections(places, func(run []written) {
		index = append(index, Integer(run[0].ref.Num), Integer(len(run)))
		for _, p := range run {
			data = append(data, 1)
			for i := width - 1; i >= 0; i-- {
				data = append(data, byte(p.off>>(8*i)))
			}
			data = append(data, byte(p.ref.Gen>>8), byte(p.ref.Gen))
		}
	})
	trailer["Type"], trailer["Index"], trailer["Length"] = Name("XRef"), index, Integer(len(data))
	trailer["W"] = Array{Integer(1), Integer(width), Integer(2)}
	w.begin(self.ref)
	w.dict(trailer)
	w.data(data)
	w.buf = append(w.buf, "\nendobj"...)
}
