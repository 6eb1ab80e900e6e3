package main

import (
	"fmt"
	"io"
	"os"
	"strings"
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
}

// newProgress returns nil when stderr is no terminal or the work is small.
func newProgress(stderr io.Writer, label string, total int64) *progress {
	f, ok := stderr.(*os.File)
	if !ok || total < progressFloor || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: stderr, label: label, total: total}
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
	const width = 30
	full := int(min(done, p.total) * width / p.total)
	fmt.Fprintf(p.w, "\r%s [%s%s] %3d%%", p.label, strings.Repeat("#", full),
		strings.Repeat(".", width-full), min(done, p.total)*100/p.total)
}

// finish wipes the bar.
func (p *progress) finish() {
	if p != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
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
