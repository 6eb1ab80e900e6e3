package pdfmake

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"sort"
)

// XRef is a kind of cross-reference section (ISO 32000-2 §7.5.4, §7.5.8).
type XRef int

// The kinds of cross-reference section. ObjectStreams is a cross-reference
// stream whose plain objects are packed in an object stream; Hybrid is a table
// with /XRefStm, where hidden objects stand in an object stream.
const (
	Table XRef = iota
	StreamXRef
	ObjectStreams
	Hybrid
)

// File is a PDF being written, one revision at a time: Add or Set objects, then
// Flush them. It may be used by one goroutine.
type File struct {
	// Root and Info go into every trailer; Info 0 is left out.
	Root, Info Ref
	// Encrypt, when set before the first Flush, encrypts the file.
	Encrypt *Encryption
	// EOL ends lines: "\n" unless set, or "\r\n" or "\r".
	EOL string
	// Trailer holds further trailer entries.
	Trailer Dict
	// XRefPad is white space written where startxref points, before the
	// keyword xref.
	XRefPad string

	version string
	seed    string
	next    Ref
	pending map[Ref]any
	hidden  map[Ref]bool
	out     bytes.Buffer
	prev    int // offset of the newest cross-reference section; 0 = none
	flushes int
	crypt   *crypt
	encRef  Ref
}

// New starts a file of the given PDF version, such as "1.7". The file
// identifier is derived from name.
func New(version, name string) *File {
	return &File{version: version, seed: name, next: 1, EOL: "\n", pending: map[Ref]any{}, hidden: map[Ref]bool{}}
}

// Reserve returns the number of an object that is Set later.
func (f *File) Reserve() Ref {
	f.next++
	return f.next - 1
}

// Add adds an object to the revision being built.
func (f *File) Add(v any) Ref {
	r := f.Reserve()
	f.pending[r] = v
	return r
}

// Set gives an object its value in the revision being built.
func (f *File) Set(r Ref, v any) { f.pending[r] = v }

// Free frees an object in the revision being built.
func (f *File) Free(r Ref) { f.pending[r] = freed{} }

// freed marks an object as free.
type freed struct{}

// Hide makes a Hybrid revision keep r from readers of tables only.
func (f *File) Hide(r Ref) { f.hidden[r] = true }

// Bytes returns the file as flushed so far.
func (f *File) Bytes() []byte { return bytes.Clone(f.out.Bytes()) }

// Len returns its length.
func (f *File) Len() int { return f.out.Len() }

// StartXRef returns the offset of the newest cross-reference section.
func (f *File) StartXRef() int { return f.prev }

// Append writes raw bytes after what was flushed.
func (f *File) Append(s string) { f.out.WriteString(s) }

// entry is one line of a cross-reference section.
type entry struct {
	kind   int // 0 free, 1 in the file, 2 in an object stream
	offset int // or the number of the object stream
	index  int // in the object stream
}

// Flush writes the pending objects as one revision: the base, or an
// incremental update that continues from the section before it.
func (f *File) Flush(kind XRef) {
	if f.flushes == 0 {
		f.out.WriteString("%PDF-" + f.version + f.EOL + "%\xE2\xE3\xCF\xD3" + f.EOL)
		f.startEncryption()
	}
	entries := map[Ref]entry{}
	if f.flushes == 0 {
		entries[0] = entry{}
	}
	packed := f.packed(kind)
	for _, r := range sortedKeys(f.pending) {
		if f.pending[r] == (freed{}) {
			entries[r] = entry{}
		} else if !packed[r] {
			entries[r] = entry{kind: 1, offset: f.out.Len()}
			f.writeObject(r, f.pending[r])
		}
	}
	hidden := map[Ref]entry{}
	if len(packed) > 0 {
		r := f.Reserve()
		hidden[r] = entry{kind: 1, offset: f.out.Len()}
		f.writeObject(r, f.objectStream(r, packed, hidden))
	}
	start := f.writeXRef(kind, entries, hidden)
	f.out.WriteString("startxref" + f.EOL + fmt.Sprint(start) + f.EOL + "%%EOF" + f.EOL)
	f.prev = start
	f.flushes++
	f.pending = map[Ref]any{}
}

func (f *File) startEncryption() {
	if f.Encrypt == nil {
		return
	}
	f.crypt = newCrypt(f.Encrypt, f.id(0))
	f.encRef = f.Add(f.crypt.dict)
}

// packed says which pending objects go into an object stream.
func (f *File) packed(kind XRef) map[Ref]bool {
	packed := map[Ref]bool{}
	for r, v := range f.pending {
		_, stream := v.(Stream)
		switch {
		case stream, r == f.encRef, v == any(freed{}):
		case kind == ObjectStreams, kind == Hybrid && f.hidden[r]:
			packed[r] = true
		}
	}
	return packed
}

// objectStream packs objects and enters them into entries (§7.5.7).
func (f *File) objectStream(self Ref, packed map[Ref]bool, entries map[Ref]entry) Stream {
	var head, body bytes.Buffer
	for i, r := range sortedKeys(packed) {
		fmt.Fprintf(&head, "%d %d ", int(r), body.Len())
		format(&body, f.pending[r], nil)
		body.WriteByte('\n')
		entries[r] = entry{kind: 2, offset: int(self), index: i}
	}
	return Stream{
		Dict:    Dict{"Type": Name("ObjStm"), "N": len(packed), "First": head.Len()},
		Data:    append(head.Bytes(), body.Bytes()...),
		Deflate: true,
	}
}

func (f *File) writeXRef(kind XRef, entries, hidden map[Ref]entry) int {
	switch kind {
	case Table:
		start := f.out.Len()
		f.out.WriteString(f.XRefPad)
		f.writeTable(entries, f.trailer())
		return start
	case Hybrid:
		self := f.Reserve()
		hidden[self] = entry{kind: 1, offset: f.out.Len()}
		f.writeXRefStream(self, hidden, Dict{"Size": int(f.next)})
		trailer := f.trailer()
		trailer["XRefStm"] = hidden[self].offset
		for r := range hidden {
			entries[r] = entry{}
		}
		start := f.out.Len()
		f.writeTable(entries, trailer)
		return start
	default:
		self := f.Reserve()
		start := f.out.Len()
		for r, e := range hidden {
			entries[r] = e
		}
		entries[self] = entry{kind: 1, offset: start}
		f.writeXRefStream(self, entries, f.trailer())
		return start
	}
}

// trailer is called last, when every number has been given out.
func (f *File) trailer() Dict {
	d := Dict{"Size": int(f.next), "Root": f.Root, "ID": Array{Hex(f.id(0)), Hex(f.id(f.flushes))}}
	if f.Info != 0 {
		d["Info"] = f.Info
	}
	if f.prev != 0 {
		d["Prev"] = f.prev
	}
	if f.encRef != 0 {
		d["Encrypt"] = f.encRef
	}
	for k, v := range f.Trailer {
		d[k] = v
	}
	return d
}

// writeTable writes a table; free objects form no list but all point to 0 with
// the generation that forbids reuse, as office suites write them.
func (f *File) writeTable(entries map[Ref]entry, trailer Dict) {
	f.out.WriteString("xref" + f.EOL)
	for _, run := range runs(entries) {
		f.out.WriteString(fmt.Sprintf("%d %d", run.first, run.n) + f.EOL)
		for r := run.first; r < run.first+run.n; r++ {
			e := entries[Ref(r)]
			eol := (" " + f.EOL)[len(f.EOL)-1:] // an entry has 20 bytes (§7.5.4)
			if e.kind == 0 {
				f.out.WriteString("0000000000 65535 f" + eol)
				continue
			}
			f.out.WriteString(fmt.Sprintf("%010d 00000 n", e.offset) + eol)
		}
	}
	f.out.WriteString("trailer" + f.EOL)
	format(&f.out, trailer, nil)
	f.out.WriteString(f.EOL)
}

func (f *File) writeXRefStream(self Ref, entries map[Ref]entry, d Dict) {
	var data bytes.Buffer
	index := Array{}
	for _, run := range runs(entries) {
		index = append(index, run.first, run.n)
		for r := run.first; r < run.first+run.n; r++ {
			e := entries[Ref(r)]
			if e.kind == 0 {
				e.index = 65535
			}
			data.Write([]byte{byte(e.kind), byte(e.offset >> 24), byte(e.offset >> 16), byte(e.offset >> 8), byte(e.offset),
				byte(e.index >> 8), byte(e.index)})
		}
	}
	d["Type"], d["W"], d["Index"] = Name("XRef"), Array{1, 4, 2}, index
	s := Stream{Dict: d, Data: predict(data.Bytes(), 7), Deflate: true}
	d["DecodeParms"] = Dict{"Predictor": 12, "Columns": 7}
	f.writePlain(self, s)
}

func (f *File) writeObject(r Ref, v any) {
	if f.crypt == nil || r == f.encRef {
		f.writePlain(r, v)
		return
	}
	c := f.crypt.forObject(r)
	if s, ok := v.(Stream); ok {
		s = s.encoded()
		if s.Dict["Type"] != Name("Metadata") || !f.Encrypt.ClearMetadata {
			s.Data = c(s.Data)
		}
		f.writeStream(r, s, c)
		return
	}
	f.write(r, v, c)
}

func (f *File) writePlain(r Ref, v any) {
	if s, ok := v.(Stream); ok {
		f.writeStream(r, s.encoded(), nil)
		return
	}
	f.write(r, v, nil)
}

func (f *File) write(r Ref, v any, c encrypter) {
	f.out.WriteString(fmt.Sprintf("%d 0 obj", int(r)) + f.EOL)
	format(&f.out, v, c)
	f.out.WriteString(f.EOL + "endobj" + f.EOL)
}

func (f *File) writeStream(r Ref, s Stream, c encrypter) {
	s.Dict["Length"] = len(s.Data)
	f.out.WriteString(fmt.Sprintf("%d 0 obj", int(r)) + f.EOL)
	format(&f.out, s.Dict, c)
	eol := f.EOL
	if eol == "\r" {
		eol = "\r\n" // a lone CR after stream is forbidden (§7.3.8.1)
	}
	f.out.WriteString("stream" + eol)
	f.out.Write(s.Data)
	f.out.WriteString(f.EOL + "endstream" + f.EOL + "endobj" + f.EOL)
}

// encoded returns a copy with its own dictionary and its data compressed.
func (s Stream) encoded() Stream {
	d := Dict{}
	for k, v := range s.Dict {
		d[k] = v
	}
	data := s.Data
	if s.Deflate {
		data = Deflate(data)
		d["Filter"] = Name("FlateDecode")
	}
	return Stream{Dict: d, Data: data}
}

// id returns the file identifier of a revision (§14.4).
func (f *File) id(revision int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", f.seed, revision))
	return string(sum[:16])
}

// Deflate compresses b for the FlateDecode filter.
func Deflate(b []byte) []byte {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// predict applies the PNG "up" predictor to rows of n bytes (§7.4.4.4).
func predict(b []byte, n int) []byte {
	out := make([]byte, 0, len(b)+len(b)/n)
	last := make([]byte, n)
	for ; len(b) >= n; b = b[n:] {
		out = append(out, 2)
		for i := range n {
			out = append(out, b[i]-last[i])
		}
		last = b[:n]
	}
	return out
}

type run struct{ first, n int }

// runs groups object numbers into subsections.
func runs(entries map[Ref]entry) []run {
	var out []run
	for _, r := range sortedKeys(entries) {
		if n := len(out); n > 0 && out[n-1].first+out[n-1].n == int(r) {
			out[n-1].n++
			continue
		}
		out = append(out, run{int(r), 1})
	}
	return out
}

func sortedKeys[V any](m map[Ref]V) []Ref {
	keys := make([]Ref, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return keys
}
