package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// progressFloor is the amount of work below which no bar is drawn: it is done
// before anyone could read it.
const progressFloor = 32 << 20

// progress draws a bar for work of a known number of bytes on a terminal. A
// nil progress draws nothing. add may be called by several goroutines.
type progress struct {
	w     io.Writer
	label string
	total int64
	done  atomic.Int64
	drawn atomic.Int64 // UnixNano of the last drawing
	mu    sync.Mutex   // held while anything is written to the terminal
	shown bool         // guarded by mu: a bar stands there
}

// newProgress returns nil when stderr is no terminal or the work is small.
func newProgress(stderr io.Writer, label string, total int64) *progress {
	if total < progressFloor {
		return nil
	}
	return newBar(stderr, label, total)
}

// newBar returns nil when stderr is no terminal or there is nothing to do.
func newBar(stderr io.Writer, label string, total int64) *progress {
	if total <= 0 || !isTerminal(stderr) {
		return nil
	}
	return &progress{w: stderr, label: label, total: total}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p *progress) add(n int64) {
	if p == nil {
		return
	}
	done := p.done.Add(n)
	now, last := time.Now().UnixNano(), p.drawn.Load()
	if now-last < int64(100*time.Millisecond) || !p.drawn.CompareAndSwap(last, now) {
		return
	}
	if !p.mu.TryLock() { // something is being printed: the next drawing will do
		return
	}
	defer p.mu.Unlock()
	p.shown = true
	const width = 30
	full := int(min(done, p.total) * width / p.total)
	fmt.Fprintf(p.w, "\r%s [%s%s] %3d%%", p.label, strings.Repeat("#", full),
		strings.Repeat(".", width-full), min(done, p.total)*100/p.total)
}

// around has print write to out. On a terminal, which may be that of the bar,
// it wipes the bar and keeps it away until that is done.
func (p *progress) around(out io.Writer, print func() error) error {
	if p == nil || !isTerminal(out) {
		return print()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
	return print()
}

// finish wipes the bar.
func (p *progress) finish() {
	if p != nil {
		_ = p.around(p.w, func() error { return nil }) // which cannot fail
	}
}

// progressReader counts what is read through it.
type progressReader struct {
	io.ReaderAt
	p *progress
}

func (r progressReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(b, off)
	r.p.add(int64(n))
	return n, err
}

// wholeReader counts each byte of a file once, however often it is read, and
// with end all of it.
type wholeReader struct {
	io.ReaderAt
	p      *progress
	left   atomic.Int64
	failed atomic.Bool // less was read than was asked for
}

func newWholeReader(r io.ReaderAt, size int64, p *progress) *wholeReader {
	w := &wholeReader{ReaderAt: r, p: p}
	w.left.Store(size)
	return w
}

func (r *wholeReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(b, off)
	if n < len(b) {
		r.failed.Store(true)
	}
	if left := r.left.Add(-int64(n)); left+int64(n) > 0 {
		r.p.add(min(int64(n), left+int64(n)))
	}
	return n, err
}

// end counts what was not read.
func (r *wholeReader) end() {
	if left := r.left.Swap(0); left > 0 {
		r.p.add(left)
	}
}
