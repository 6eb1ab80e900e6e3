package pdf

import "bytes"

const (
	seekWindow  = 256 << 10
	seekContext = 4 << 10 // bytes before and after a word in which its numbers must stand

	// maxSeekComments are the comments between two numbers of an object's head;
	// more are taken for an attempt to hide it.
	maxSeekComments = 16
)

// seek gives f the bytes of the revision, window by window.
func (r *Revision) seek(f func(w *seekBytes)) error {
	c := &cursor{src: r.doc.src}
	if r.doc.src.size > smallFile {
		c.buf = make([]byte, seekWindow+2*seekContext)
	}
	for pos := r.start; pos < r.end; pos += seekWindow {
		from := max(r.start, pos-seekContext)
		c.pos = from
		want := min(pos+seekWindow+seekContext, r.end) - from
		b, err := c.peek(int(want))
		if err != nil {
			return err
		}
		b = b[:min(int64(len(b)), want)]
		f(&seekBytes{b: b, base: from, first: from == r.start, from: int(pos - from), to: int(min(pos+seekWindow, r.end) - from)})
	}
	return nil
}

// seekBytes is a window of the file: words are sought in [from, to) of b, with
// what stands around them.
type seekBytes struct {
	b        []byte
	base     int64
	first    bool // whether nothing of the revision stands before
	from, to int
}

func (w *seekBytes) each(word string, f func(i int)) {
	for i := w.from; i < w.to; i++ {
		k := bytes.Index(w.b[i:min(w.to+len(word)-1, len(w.b))], []byte(word))
		if k < 0 {
			return
		}
		i += k
		f(i)
	}
}

// heads calls f with where the number of an object begins whose word obj stands
// at i, when two numbers come before it. Comments may stand between, and whether
// a line holds one depends on who reads it: f is told of both readings.
func (w *seekBytes) heads(i int, f func(at int64)) { w.numbers(i, 2, f) }

// numbers passes n numbers before i.
func (w *seekBytes) numbers(i, n int, f func(at int64)) {
	if n == 0 {
		f(w.base + int64(i))
		return
	}
	for range maxSeekComments {
		end := i
		for i > 0 && blank(w.b[i-1]) {
			i--
		}
		k := i
		for k > 0 && w.b[k-1]-'0' < 10 {
			k--
		}
		if k == 0 && !w.first {
			f(w.base) // it may begin before the window
			return
		}
		if n == 2 && k < i && k > 0 && (w.b[k-1] == '+' || w.b[k-1] == '-') {
			w.numbers(k-1, n-1, f) // some readers take a sign
		}
		if k < i {
			w.numbers(k, n-1, f)
		}
		at, known := w.comment(i, end)
		if !known {
			f(w.base + int64(i)) // it may begin before the window
		}
		if at < 0 {
			return
		}
		i = at
	}
	f(w.base + int64(i))
}

// blank says whether some reader that searches takes c for white space: also
// the vertical tab, as C does, and the spaces of Latin-1, as JavaScript does.
func blank(c byte) bool { return class[c] == space || c == '\v' || c == 0x85 || c == 0xA0 }

// comment returns where a comment begins that the white space in [i, end) ends,
// or -1. known is false when it may begin before the window.
func (w *seekBytes) comment(i, end int) (at int, known bool) {
	if !bytes.ContainsAny(w.b[i:end], "\r\n") {
		return -1, true
	}
	line := i
	for line > 0 && w.b[line-1] != '\n' && w.b[line-1] != '\r' {
		line--
	}
	if k := bytes.IndexByte(w.b[line:i], '%'); k >= 0 {
		return line + k, true
	}
	return -1, line > 0 || i < seekContext/2
}

// number says whether a number comes at i, after white space and comments.
func (w *seekBytes) number(i int) bool {
	i, ok := w.skip(i)
	return !ok || i < len(w.b) && w.b[i]-'0' < 10
}

// skip passes white space and comments from i on. ok is false when the window
// ends in a comment.
func (w *seekBytes) skip(i int) (int, bool) {
	p := parser{buf: w.b, pos: i}
	for p.skipSpace(); p.pos < len(w.b) && blank(w.b[p.pos]); p.skipSpace() {
		p.pos++
	}
	return p.pos, p.pos < len(w.b) || len(w.b)-i < seekContext/2
}

// Head is where the head of an object, "12 0 obj", stands in the file.
type Head struct {
	Num    uint32
	Offset int64
}

// maxStray bounds the heads that Stray lists. A document attached as it is may
// have some ten thousand.
const maxStray = 1 << 18

// Stray lists what looks like heads of objects in the bytes of the revision,
// also within streams, strings and comments, where none of its own entries
// leads. Whoever reads the file by its cross-reference data sees nothing of them;
// who repairs it by searching does. Heads that only some readers would see are
// among them.
//
// It reads every byte of the revision once, in a window. The error is one of
// reading, or a [LimitError].
func (r *Revision) Stray() ([]Head, error) {
	listed := map[int64]bool{}
	for _, v := range r.own.all() {
		if e := v.entry(); e.Kind == EntryInUse {
			listed[e.Offset] = true
		}
	}
	for _, part := range r.parts {
		listed[part.Offset] = true // a cross-reference stream
	}
	var found []Head
	err := r.seek(func(w *seekBytes) {
		w.each("obj", func(i int) {
			w.heads(i, func(at int64) {
				num, digits := decimal(w.b[at-w.base:], 10)
				if digits == 0 || num > maxObjectNumber || w.listed(int(at-w.base), listed) || len(found) > maxStray {
					return
				}
				found = append(found, Head{Num: uint32(num), Offset: at})
			})
		})
	})
	if err == nil && len(found) > maxStray {
		err = &LimitError{Offset: r.start, Limit: "maxStray", Max: maxStray}
	}
	return found, err
}

// listed says whether an entry leads to i, or into the white space before it.
func (w *seekBytes) listed(i int, entries map[int64]bool) bool {
	for {
		if entries[w.base+int64(i)] {
			return true
		}
		if i == 0 || class[w.b[i-1]] != space {
			return false
		}
		i--
	}
}
