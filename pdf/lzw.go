package pdf

import "io"

// lzwReader decodes LZWDecode (§7.4.4): codes of 9 to 12 bits, most significant
// bit first, 256 clears the table and 257 ends the data.
type lzwReader struct {
	pieces
	r     io.ByteReader
	early int // 1 when code lengths grow one code early
	bits  uint
	acc   uint32
	width uint
	next  int // first free code
	last  int // code before, -1 after a clear
	pre   [4096]uint16
	suf   [4096]byte
	buf   [4096]byte
}

const (
	lzwClear = 256
	lzwEnd   = 257
)

func newLZW(r io.ByteReader, early bool) *lzwReader {
	l := &lzwReader{r: r}
	if early {
		l.early = 1
	}
	l.clear()
	return l
}

func (l *lzwReader) clear() { l.width, l.next, l.last = 9, 258, -1 }

func (l *lzwReader) Read(p []byte) (int, error) { return l.read(p, l.step) }

// code reads the next code. Data that ends without the end code is tolerated,
// as every reader does.
func (l *lzwReader) code() (int, error) {
	for l.bits < l.width {
		b, err := l.r.ReadByte()
		if err == io.EOF {
			return lzwEnd, nil
		}
		if err != nil {
			return 0, err
		}
		l.acc = l.acc<<8 | uint32(b)
		l.bits += 8
	}
	l.bits -= l.width
	return int(l.acc>>l.bits) & (1<<l.width - 1), nil
}

// step decodes one code into have.
func (l *lzwReader) step() error {
	code, err := l.code()
	if err != nil {
		return err
	}
	switch {
	case code == lzwEnd:
		l.done = true
		return nil
	case code == lzwClear:
		l.clear()
		return nil
	case code > l.next || l.last < 0 && code > 255 || code == l.next && l.next >= 4096:
		return &MalformedError{Offset: -1, Rule: "lzw"}
	}
	from := code
	end := len(l.buf)
	if code == l.next { // the sequence about to be defined
		end--
		from = l.last
	}
	at := end
	for c := from; ; c = int(l.pre[c]) {
		at--
		if c < 256 {
			l.buf[at] = byte(c)
			break
		}
		l.buf[at] = l.suf[c]
	}
	if code == l.next {
		l.buf[end] = l.buf[at]
	}
	l.have = l.buf[at:]
	if l.last >= 0 && l.next < 4096 {
		l.pre[l.next], l.suf[l.next] = uint16(l.last), l.buf[at]
		l.next++
	}
	l.last = code
	for l.width < 12 && l.next+l.early >= 1<<l.width {
		l.width++
	}
	return nil
}
