package hsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Caps of the protocol between parent and worker. Both are the same program
// and of the same user, so the caps are not against an attacker but against a
// vendor library that wrote over the worker's memory.
const (
	// MaxMessage is the longest message that is signed, in bytes. What is
	// signed here is SignedAttributes, a TSTInfo, a checkpoint or a CRL; never a
	// document.
	MaxMessage = 1 << 20

	maxFrame    = 8 << 20 // a list of ten thousand RSA-4096 public keys
	frameHeader = 4 + 1
	readBuffer  = 4 << 10 // most frames; a longer one grows the buffer
)

// errFrame says that the other side does not speak the protocol. The link is
// given up: there is no way to find the next frame.
var errFrame = errors.New("malformed frame")

// A frame is a length of 4 bytes, big-endian, that counts what follows it; a
// code of 1 byte; and a body. There is a socket for each session of the worker,
// and on each a request is followed by its answer: requests need no numbers,
// and neither side needs a goroutine that hands frames over.

// op is the code of a request. The code of an answer is a status.
type op uint8

const (
	opServe     op = iota + 1 // first frame: load the module and log in
	opInitToken               // first frame of a worker that initialises a token and ends
	opSign
	opFind
	opList
	opGenerate
	opDelete
	opSecret
	opGenerateWrapped
	opUnwrap
	opDestroy
)

const (
	statusOK uint8 = iota
	statusError
)

// appendFrame appends a frame with an empty body; the body is appended to the
// result, and endFrame makes it a whole frame.
func appendFrame(b []byte, code uint8) []byte {
	return append(b, 0, 0, 0, 0, code)
}

// endFrame sets the length of b, which is one frame.
func endFrame(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendBytes[T []byte | string](b []byte, v T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// frame is one message. The body is valid until the next call of next.
type frame struct {
	code uint8
	body []byte
}

// frameReader cuts a stream into frames. After an error of the stream that
// goes away, such as a deadline, next can be called again.
type frameReader struct {
	r          io.Reader
	buf        []byte
	start, end int // unread bytes of buf
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: r, buf: make([]byte, readBuffer)}
}

// next returns the next frame. It returns io.EOF when the stream ends between
// two frames, io.ErrUnexpectedEOF when inside one and errFrame when the length
// is out of bounds.
func (f *frameReader) next() (frame, error) {
	if err := f.fill(4); err != nil {
		return frame{}, err
	}
	n := int64(binary.BigEndian.Uint32(f.buf[f.start:]))
	if n < frameHeader-4 || n > maxFrame {
		return frame{}, fmt.Errorf("%w: length %d", errFrame, n)
	}
	if err := f.fill(int(n) + 4); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	b := f.buf[f.start+4 : f.start+4+int(n)]
	f.start += 4 + int(n)
	return frame{code: b[0], body: b[1:]}, nil
}

// fill reads until n unread bytes are in the buffer.
func (f *frameReader) fill(n int) error {
	if f.end-f.start >= n {
		return nil
	}
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	for f.end < n {
		if f.end == len(f.buf) {
			// Grow with what has really come, not with what was announced.
			f.buf = append(f.buf, make([]byte, min(len(f.buf), maxFrame+4-len(f.buf)))...)
		}
		m, err := f.r.Read(f.buf[f.end:])
		f.end += m
		if f.end >= n {
			return nil
		}
		if err != nil {
			if err == io.EOF && f.end > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// trim lets go of a buffer that one long frame has grown.
func (f *frameReader) trim() {
	if len(f.buf) > 16*readBuffer && f.start == f.end {
		f.buf, f.start, f.end = make([]byte, readBuffer), 0, 0
	}
}

// cursor reads the fields of a body. The first field that does not fit makes
// every later one empty; done reports it.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() uint8 {
	if v := c.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if v := c.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if v := c.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (c *cursor) flag() bool { return c.u8() != 0 }

// bytes returns a field that aliases the body.
func (c *cursor) bytes() []byte {
	n := c.u32()
	if n > maxFrame {
		c.bad = true
		return nil
	}
	return c.take(int(n))
}

func (c *cursor) str() string { return string(c.bytes()) }

// done returns errFrame unless the body was read exactly to its end.
func (c *cursor) done() error {
	if c.bad || len(c.b) != 0 {
		return errFrame
	}
	return nil
}

// appendError encodes err as the body of a statusError frame. Of an error that
// is no *Error and matches no sentinel only the text goes over.
func appendError(b []byte, err error) []byte {
	var kind uint8
	for i, s := range sentinels {
		if s != nil && errors.Is(err, s) {
			kind = uint8(i)
			break
		}
	}
	b = append(b, kind)
	b = appendBool(b, errors.Is(err, ErrUnknownOutcome))
	e, ok := errors.AsType[*Error](err)
	b = appendBool(b, ok)
	if !ok {
		return appendBytes(b, err.Error())
	}
	b = append(b, byte(e.Class))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Code))
	return appendBytes(b, e.Op)
}

// parseError is the inverse of appendError.
func parseError(body []byte) error {
	c := cursor{b: body}
	kind, unknown, isCKR := c.u8(), c.flag(), c.flag()
	var err error
	if isCKR {
		class, code := Class(c.u8()), uint(c.u64())
		err = &Error{Op: c.str(), Class: class, Code: code}
	} else {
		err = errors.New(c.str())
	}
	if c.done() != nil || int(kind) >= len(sentinels) {
		return errFrame
	}
	if s := sentinels[kind]; s != nil && !errors.Is(err, s) {
		err = &remoteError{sentinel: s, err: err}
	}
	if unknown {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}

// remoteError is an error of the worker that is one of our sentinels there and
// must be here too. Its text already names it.
type remoteError struct{ sentinel, err error }

func (e *remoteError) Error() string {
	if _, ok := errors.AsType[*Error](e.err); ok {
		return e.sentinel.Error() + ": " + e.err.Error()
	}
	return e.err.Error()
}

func (e *remoteError) Unwrap() []error { return []error{e.sentinel, e.err} }
