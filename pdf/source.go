package pdf

import (
	"fmt"
	"io"
)

// source is the file: one or more segments in a row, each in memory or behind
// an io.ReaderAt. Append adds a segment. It is immutable.
type source struct {
	segs []segment
	size int64
}

type segment struct {
	start, end int64
	data       []byte      // nil: read from r
	r          io.ReaderAt // offsets counted from start
}

// newSource reads a small file at once.
func newSource(r io.ReaderAt, size int64) (*source, error) {
	seg := segment{end: size, r: r}
	if size <= smallFile {
		seg.data = make([]byte, size)
		if n, err := r.ReadAt(seg.data, 0); int64(n) < size {
			return nil, readError(0, err)
		}
	}
	return &source{segs: []segment{seg}, size: size}, nil
}

// readError wraps what the caller's io.ReaderAt returned. A file shorter than
// the caller said is the caller's error, not a malformed PDF.
func readError(off int64, err error) error {
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read the document at byte %d: %w", off, err)
}

// with returns a new source with tail behind. tail is kept, not copied.
func (s *source) with(tail []byte) *source {
	segs := make([]segment, len(s.segs), len(s.segs)+1)
	copy(segs, s.segs)
	end := s.size + int64(len(tail))
	return &source{segs: append(segs, segment{start: s.size, end: end, data: tail}), size: end}
}

// find returns the segment that holds off; off must be in [0, size).
func (s *source) find(off int64) *segment {
	i := len(s.segs) - 1
	for i > 0 && s.segs[i].start > off {
		i--
	}
	return &s.segs[i]
}

// ReadAt implements io.ReaderAt over the whole file.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at the negative offset %d", off)
	}
	done := 0
	for done < len(p) && off < s.size {
		g := s.find(off)
		part := p[done:min(int64(len(p)), int64(done)+g.end-off)]
		if g.data != nil {
			copy(part, g.data[off-g.start:])
		} else if n, err := g.r.ReadAt(part, off-g.start); n < len(part) {
			return done + n, readError(off, err)
		}
		done += len(part)
		off += int64(len(part))
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// window returns the bytes from off on: at least n of them, or fewer when the
// file ends there (final). The bytes are shared: read only. buf, when long
// enough, is used instead of new memory.
func (s *source) window(off int64, n int, buf []byte) (b []byte, final bool, err error) {
	if off >= s.size || off < 0 {
		return nil, true, nil
	}
	g := s.find(off)
	if g.data != nil {
		b = g.data[off-g.start:]
		if g.end == s.size {
			return b, true, nil
		}
		if len(b) >= n {
			return b, false, nil
		}
	}
	if rest := s.size - off; int64(n) >= rest {
		n, final = int(rest), true
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	b = buf[:n]
	if _, err = s.ReadAt(b, off); err != nil {
		return nil, false, err
	}
	return b, final, nil
}

// bytes returns exactly n bytes at off; n must have been checked against a
// limit and the file's size.
func (s *source) bytes(off, n int64) ([]byte, error) {
	b, _, err := s.window(off, int(n), nil)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) < n {
		return nil, readError(off, io.EOF)
	}
	return b[:n:n], nil
}

// cursor walks forward through the file in windows of 64 KiB.
type cursor struct {
	src   *source
	pos   int64
	at    int64 // offset of win[0]
	win   []byte
	buf   []byte // memory for win
	final bool
}

// peek returns what comes next: at least n bytes unless the file ends.
func (c *cursor) peek(n int) ([]byte, error) {
	if i := c.pos - c.at; c.win != nil && i >= 0 && i <= int64(len(c.win)) {
		if rest := c.win[i:]; len(rest) >= n || c.final {
			return rest, nil
		}
	}
	if c.buf == nil && c.src.size > smallFile {
		c.buf = make([]byte, 64<<10)
	}
	w, final, err := c.src.window(c.pos, max(n, 64<<10), c.buf)
	if err != nil {
		return nil, err
	}
	c.win, c.at, c.final = w, c.pos, final
	return w, nil
}
