package pdf

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// decoder is the chain of filters of one stream (§7.4).
type decoder struct {
	io.Reader
	plain  bool // no filter at all
	inflat []io.ReadCloser
}

// flaters keeps inflaters: each costs 40 KiB to make.
var flaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

// close gives the inflaters back.
func (d *decoder) close() {
	for _, f := range d.inflat {
		flaters.Put(f)
	}
	d.inflat = nil
}

// newDecoder sets up the filters that dict names, at most most of them. /Filter
// and /DecodeParms must be resolved. Errors have no offset.
func newDecoder(dict Dict, raw []byte, lim *Limits, most int) (*decoder, error) {
	names, parms, err := filters(dict)
	if err != nil {
		return nil, err
	}
	if len(names) > most {
		return nil, &LimitError{Offset: -1, Limit: "Filters", Max: int64(most)}
	}
	d := &decoder{Reader: bytes.NewReader(raw), plain: true}
	for i, name := range names {
		if name == "Crypt" { // done by decryptStream
			continue
		}
		d.plain = false
		if err := d.push(name, parms[i]); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// filters returns the names in /Filter and the parameters of each.
func filters(dict Dict) ([]Name, []Dict, error) {
	bad := &MalformedError{Offset: -1, Rule: "filter"}
	var list Array
	switch f := dict["Filter"].(type) {
	case nil, Null:
		return nil, nil, nil
	case Name:
		list = Array{f}
	case Array:
		list = f
	default:
		return nil, nil, bad
	}
	var parms Array
	switch p := dict["DecodeParms"].(type) {
	case nil, Null:
	case Dict:
		parms = Array{p}
	case Array:
		parms = p
	default:
		return nil, nil, bad
	}
	names, dicts := make([]Name, len(list)), make([]Dict, len(list))
	for i, o := range list {
		n, ok := o.(Name)
		if !ok {
			return nil, nil, bad
		}
		names[i] = n
		if i < len(parms) {
			dicts[i], _ = parms[i].(Dict)
		}
	}
	return names, dicts, nil
}

// push puts one more filter on the chain.
func (d *decoder) push(name Name, parms Dict) error {
	switch name {
	case "FlateDecode":
		f := flaters.Get().(io.ReadCloser)
		src, ok := d.Reader.(io.ByteReader)
		if !ok {
			src = bufio.NewReader(d.Reader)
		}
		if err := zlibHeader(src); err != nil {
			flaters.Put(f)
			return err
		}
		if err := f.(flate.Resetter).Reset(src.(io.Reader), nil); err != nil {
			return err
		}
		d.inflat = append(d.inflat, f)
		d.Reader = inflateErrors{f}
		return d.predict(parms)
	case "LZWDecode":
		early := true
		if v, ok := parms["EarlyChange"].(Integer); ok {
			early = v != 0
		}
		d.Reader = newLZW(byteReader(d.Reader), early)
		return d.predict(parms)
	case "ASCIIHexDecode":
		d.Reader = &hexReader{r: byteReader(d.Reader)}
	case "ASCII85Decode":
		d.Reader = &base85Reader{r: byteReader(d.Reader)}
	case "RunLengthDecode":
		d.Reader = &runReader{r: byteReader(d.Reader)}
	default:
		return malformed(-1, "filter-unsupported", "%s", quoted(string(name)))
	}
	return nil
}

func byteReader(r io.Reader) io.ByteReader {
	if b, ok := r.(io.ByteReader); ok {
		return b
	}
	return bufio.NewReader(r)
}

// zlibHeader passes the two bytes of RFC 1950. The checksum at the end is not
// looked at: no reader of PDF does, and files with a wrong one are common.
func zlibHeader(r io.ByteReader) error {
	cmf, err := r.ReadByte()
	if err == nil {
		var flg byte
		flg, err = r.ReadByte()
		if err == nil && (cmf&15 != 8 || (uint(cmf)<<8|uint(flg))%31 != 0 || flg&0x20 != 0) {
			return &MalformedError{Offset: -1, Rule: "flate-header"}
		}
	}
	if err != nil {
		return &MalformedError{Offset: -1, Rule: "flate-header", Err: err}
	}
	return nil
}

// inflateErrors makes damaged data a MalformedError.
type inflateErrors struct{ io.ReadCloser }

func (r inflateErrors) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if _, limit := errors.AsType[*LimitError](err); !limit {
			err = &MalformedError{Offset: -1, Rule: "flate", Err: err}
		}
	}
	return n, err
}

// hexReader decodes ASCIIHexDecode (§7.4.2).
type hexReader struct {
	r    io.ByteReader
	done bool
}

func (h *hexReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && !h.done {
		v, digits, err := h.pair()
		if err != nil {
			return n, err
		}
		if digits == 0 {
			break
		}
		p[n] = v
		n++
	}
	if n == 0 && h.done {
		return 0, io.EOF
	}
	return n, nil
}

// pair reads two digits; a single last one stands for itself and 0.
func (h *hexReader) pair() (v byte, digits int, err error) {
	for digits < 2 {
		c, err := h.r.ReadByte()
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if err == io.EOF || c == '>' {
			h.done = true
			return v, digits, nil
		}
		x := hexValue[c]
		switch {
		case x < 16 && digits == 0:
			v, digits = x<<4, 1
		case x < 16:
			v, digits = v|x, 2
		case class[c] != space:
			return 0, 0, &MalformedError{Offset: -1, Rule: "asciihex"}
		}
	}
	return v, digits, nil
}

// pieces hands out what a decoder makes piece by piece.
type pieces struct {
	have []byte // made and not handed out
	done bool
}

// read is an [io.Reader]'s; more makes the next piece or sets done.
func (s *pieces) read(p []byte, more func() error) (int, error) {
	n := 0
	for n < len(p) {
		if len(s.have) == 0 {
			if s.done {
				break
			}
			if err := more(); err != nil {
				return n, err
			}
			continue
		}
		m := copy(p[n:], s.have)
		n, s.have = n+m, s.have[m:]
	}
	if n == 0 && s.done && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// base85Reader decodes ASCII85Decode (§7.4.3).
type base85Reader struct {
	pieces
	r   io.ByteReader
	out [4]byte
}

func (b *base85Reader) Read(p []byte) (int, error) { return b.read(p, b.group) }

// group decodes the next up to five characters.
func (b *base85Reader) group() error {
	bad := &MalformedError{Offset: -1, Rule: "ascii85"}
	var v uint64
	n := 0
	for n < 5 {
		c, err := b.r.ReadByte()
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || c == '~' {
			b.done = true
			break
		}
		switch {
		case class[c] == space:
			continue
		case c == 'z' && n == 0:
			b.out = [4]byte{}
			b.have = b.out[:]
			return nil
		case c < '!' || c > 'u':
			return bad
		}
		v = v*85 + uint64(c-'!')
		n++
	}
	if n == 0 {
		return nil
	}
	if n == 1 {
		return bad
	}
	for i := n; i < 5; i++ {
		v = v*85 + 84
	}
	if v > 0xFFFFFFFF {
		return bad
	}
	b.out = [4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	b.have = b.out[:n-1]
	return nil
}

// runReader decodes RunLengthDecode (§7.4.5).
type runReader struct {
	r      io.ByteReader
	left   int
	repeat bool
	value  byte
	done   bool
}

func (r *runReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && !r.done {
		if r.left == 0 {
			if err := r.next(); err != nil {
				return n, err
			}
			continue
		}
		c := r.value
		if !r.repeat {
			var err error
			if c, err = r.r.ReadByte(); err != nil {
				return n, &MalformedError{Offset: -1, Rule: "runlength", Err: err}
			}
		}
		p[n] = c
		n++
		r.left--
	}
	if n == 0 && r.done {
		return 0, io.EOF
	}
	return n, nil
}

// next reads a length byte.
func (r *runReader) next() error {
	c, err := r.r.ReadByte()
	if err == io.EOF || err == nil && c == 128 {
		r.done = true
		return nil
	}
	if err != nil {
		return err
	}
	if c < 128 {
		r.left, r.repeat = int(c)+1, false
		return nil
	}
	r.left, r.repeat = 257-int(c), true
	if r.value, err = r.r.ReadByte(); err != nil {
		return &MalformedError{Offset: -1, Rule: "runlength", Err: err}
	}
	return nil
}
