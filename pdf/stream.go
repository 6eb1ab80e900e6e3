package pdf

import (
	"bytes"
	"io"
	"slices"
)

// Stream is a stream object (§7.3.8): its dictionary and either data given to
// [NewStream] or the place in a file where the stored bytes are.
type Stream struct {
	Dict Dict

	data  []byte    // of NewStream
	rev   *Revision // whose file holds the bytes, nil for NewStream
	ref   Ref
	start int64 // of the object
	off   int64 // of the first stored byte
}

// NewStream makes a stream to be written. data is written as it is, so d must
// name the filters that it went through; /Length is set by the writer. Neither
// argument may be changed afterwards.
func NewStream(d Dict, data []byte) *Stream { return &Stream{Dict: d, data: data} }

// length returns the stored length, which may stand in another object, and
// checks it against endstream.
func (s *Stream) length() (n, end int64, err error) {
	o := s.Dict["Length"]
	if ref, ok := o.(Ref); ok {
		if o, err = s.rev.object(ref, false); err != nil && s.Dict["Type"] != Name("ObjStm") {
			o, err = s.rev.object(ref, true)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	l, ok := o.(Integer)
	if !ok || l < 0 {
		return 0, 0, &MalformedError{Offset: s.start, Rule: "stream-length"}
	}
	end, err = s.rev.doc.streamEnd(s.off, int64(l))
	return int64(l), end, err
}

// stored returns the bytes as they stand in the file, at most limit.
func (s *Stream) stored(limit int64, name string) ([]byte, error) {
	if s.rev == nil {
		if int64(len(s.data)) > limit {
			return nil, &LimitError{Offset: -1, Limit: name, Max: limit}
		}
		return s.data, nil
	}
	n, _, err := s.length()
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, &LimitError{Offset: s.off, Limit: name, Max: limit}
	}
	return s.rev.doc.src.bytes(s.off, n)
}

// plain returns the stored bytes, decrypted.
func (s *Stream) plain(limit int64, name string) ([]byte, error) {
	b, err := s.stored(limit, name)
	if err != nil || s.rev == nil || s.rev.doc.crypt == nil {
		return b, err
	}
	d, err := s.filterDict()
	if err != nil {
		return nil, err
	}
	b, err = s.rev.doc.crypt.decryptStream(s.ref, d, b)
	return b, place(err, s.start)
}

// filterDict returns a dictionary in which what names the filters is resolved.
func (s *Stream) filterDict() (Dict, error) {
	d := Dict{"Type": s.Dict["Type"]}
	for _, k := range []Name{"Filter", "DecodeParms"} {
		o, ok := s.Dict[k]
		if !ok {
			continue
		}
		if s.rev != nil {
			var err error
			if o, err = s.rev.resolveAll(o, 0); err != nil {
				return nil, err
			}
		}
		d[k] = o
	}
	return d, nil
}

// StreamData returns the data of s, decrypted and decoded: FlateDecode,
// LZWDecode (both with predictors), ASCIIHexDecode, ASCII85Decode and
// RunLengthDecode. More than max decoded bytes are a [LimitError] named max.
// Another filter is a [MalformedError] with rule filter-unsupported, a stored
// length that does not lead to endstream one with rule stream-length. The
// result may be shared: do not change it.
func (r *Revision) StreamData(s *Stream, max int64) ([]byte, error) {
	// No filter but ASCIIHex makes data shorter by more than a quarter.
	stored := max
	if max < 1<<61 {
		stored = 2*max + 64<<10
	}
	raw, err := s.plain(stored, "max")
	if err != nil {
		return nil, err
	}
	d, err := s.filterDict()
	if err != nil {
		return nil, err
	}
	lim := defaultLimits
	if s.rev != nil {
		lim = &s.rev.doc.lim
	}
	dec, err := newDecoder(d, raw, lim, lim.Filters)
	if err != nil {
		return nil, place(err, s.start)
	}
	defer dec.close()
	if dec.plain {
		if int64(len(raw)) > max {
			return nil, &LimitError{Offset: s.start, Limit: "max", Max: max}
		}
		return raw, nil
	}
	out, err := readCapped(dec, max, "max", 4*len(raw))
	return out, place(err, s.start)
}

var defaultLimits = func() *Limits { l := Limits{}.withDefaults(); return &l }()

// structural decodes a stream that the reader itself needs, under the caps for
// those.
func (d *Document) structural(s *Stream) ([]byte, error) {
	raw, err := s.plain(d.lim.StreamBytes, "StreamBytes")
	if err != nil {
		return nil, err
	}
	dict, err := s.filterDict()
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder(dict, raw, &d.lim, 2)
	if err != nil {
		return nil, place(err, s.start)
	}
	if dec.plain {
		return raw, nil
	}
	defer dec.close()
	in := &meter{r: dec, d: d, stored: int64(len(raw)), off: s.start}
	out, err := readCapped(in, d.lim.StreamBytes, "StreamBytes", 4*len(raw))
	return out, place(err, s.start)
}

// readCapped reads all of r, at most limit bytes. guess is the size expected.
func readCapped(r io.Reader, limit int64, name string, guess int) ([]byte, error) {
	const piece = 1 << 20
	out := make([]byte, 0, max(512, min(int64(guess), limit+1, piece)))
	var full [][]byte // pieces, so that what was read is copied once and not at each growth
	var taken int64
	for {
		if len(out) == cap(out) && len(out) < piece {
			out = append(out, 0)[:len(out)]
		} else if len(out) == cap(out) {
			full, taken = append(full, out), taken+int64(len(out))
			out = make([]byte, 0, piece)
		}
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if taken+int64(len(out)) > limit {
			return nil, &LimitError{Offset: -1, Limit: name, Max: limit}
		}
		if err == io.EOF && full == nil {
			return out, nil
		}
		if err == io.EOF {
			return slices.Concat(append(full, out)...), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// meter charges what a structural stream decodes to the document's budget and
// stops bombs.
type meter struct {
	r      io.Reader
	d      *Document
	stored int64
	out    int64
	off    int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.out += int64(n)
	lim := &m.d.lim
	switch total := m.d.decoded.Add(int64(n)); {
	case total > lim.StructureBytes:
		return 0, &LimitError{Offset: m.off, Limit: "StructureBytes", Max: lim.StructureBytes}
	case m.out > 1<<20 && m.out/lim.StreamRatio > m.stored:
		return 0, &LimitError{Offset: m.off, Limit: "StreamRatio", Max: lim.StreamRatio}
	}
	return n, err
}

// sameBytes compares the data of two streams as stored, or decrypted where
// that differs (AES takes a new vector each time).
func (s *Stream) sameBytes(o *Stream) bool {
	if s.rev != nil && o.rev != nil && s.rev.doc.decoded == o.rev.doc.decoded && s.off == o.off {
		return true // one place in one file: Append shares the counter
	}
	if s.encrypted() || o.encrypted() {
		const most = 64 << 20
		a, err1 := s.plain(most, "StreamBytes")
		b, err2 := o.plain(most, "StreamBytes")
		return err1 == nil && err2 == nil && bytes.Equal(a, b)
	}
	a, n, err1 := s.reader()
	b, m, err2 := o.reader()
	if err1 != nil || err2 != nil || n != m {
		return false
	}
	x, y := make([]byte, min(n, 64<<10)), make([]byte, min(n, 64<<10))
	for ; n > 0; n -= int64(len(x)) {
		x, y = x[:min(n, int64(len(x)))], y[:min(n, int64(len(y)))]
		_, err1 = io.ReadFull(a, x)
		_, err2 = io.ReadFull(b, y)
		if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}

func (s *Stream) encrypted() bool { return s.rev != nil && s.rev.doc.crypt != nil }

// reader reads the stored bytes, n of them.
func (s *Stream) reader() (r io.Reader, n int64, err error) {
	if s.rev == nil {
		return bytes.NewReader(s.data), int64(len(s.data)), nil
	}
	n, _, err = s.length()
	return io.NewSectionReader(s.rev.doc.src, s.off, n), n, err
}

// SameData says whether two streams hold the same stored bytes, decrypted where
// the file is encrypted; what their dictionaries say is not compared. Streams
// that cannot be read, or of more than 64 MiB encrypted, are not the same.
func SameData(a, b *Stream) bool { return a == b || a.sameBytes(b) }
