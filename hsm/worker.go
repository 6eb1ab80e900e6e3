package hsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// RunWorker is the whole life of the worker process: it takes requests from
// the socket that its parent passed as descriptor 3 and ends when that closes.
// It returns nil then, and an error when the first request makes no sense; the
// caller exits at once in either case. RunWorker changes process-wide settings
// and must be called before anything else runs.
func RunWorker() error {
	harden()
	var st syscall.Stat_t
	if err := syscall.Fstat(rpcFD, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return fmt.Errorf("hsm: this command is only for the program itself: descriptor %d is no socket", rpcFD)
	}
	syscall.CloseOnExec(rpcFD)
	conn := os.NewFile(rpcFD, "hsm-parent")
	in := newFrameReader(conn)
	out := &batchWriter{w: conn}
	f, err := in.next()
	if err != nil {
		return fmt.Errorf("hsm: first request: %w", err)
	}
	h, err := parseHello(op(f.code), f.body)
	if err != nil {
		return fmt.Errorf("hsm: first request: %w", err)
	}
	switch op(f.code) {
	case opInitToken:
		out.answer(f.id, nil, initToken(h))
		return nil
	case opServe:
	default:
		return fmt.Errorf("hsm: first request: %w", errFrame)
	}
	w, about, err := openToken(h)
	if err != nil {
		out.answer(f.id, nil, err)
		return nil
	}
	w.out = out
	// Sessions sit in C calls; each needs a P while it does, or the scheduler
	// has to notice and take one away first.
	runtime.GOMAXPROCS(max(runtime.NumCPU(), h.sessions+2))
	w.startLanes(h.sessions)
	out.answer(f.id, about, nil)
	err = w.serve(in)
	w.finish()
	return err
}

const (
	prSetDumpable = 4
	coreLimit     = syscall.RLIMIT_CORE
)

// harden keeps the PIN and key material of the process out of core files and
// away from other processes of the same user, and leaves stopping to the
// parent, which first lets requests finish.
func harden() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// Neither failing is a reason not to work.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)
	_ = syscall.Setrlimit(coreLimit, &syscall.Rlimit{})
}

// job is a request on its way to a lane.
type job struct {
	id   uint64
	op   op
	body []byte
}

// laneQueue is more than the parent ever has in flight in one lane.
const laneQueue = 2 * maxSessions

// laneOf says who works on a request. The parent counts slots by the same rule.
func laneOf(o op) lane {
	switch o {
	case opGenerate, opDelete, opSecret, opGenerateWrapped:
		return laneAdmin
	case opUnwrap, opDestroy:
		return laneObject
	}
	return laneSign
}

func (w *worker) startLanes(sessions int) {
	for i := range w.lanes {
		w.lanes[i] = make(chan job, laneQueue)
	}
	for range sessions {
		go w.work(&session{w: w}, w.lanes[laneSign])
	}
	go w.work(&session{w: w, rw: true}, w.lanes[laneAdmin])
	go w.work(w.keeper, w.lanes[laneObject])
}

// serve hands requests to the lanes until the parent closes the socket.
func (w *worker) serve(in *frameReader) error {
	for {
		f, err := in.next()
		switch {
		case err == io.EOF, errors.Is(err, syscall.ECONNRESET):
			return nil
		case err != nil:
			return fmt.Errorf("hsm: read request: %w", err)
		}
		j := job{id: f.id, op: op(f.code), body: append([]byte(nil), f.body...)}
		w.busy.Add(1)
		select {
		case w.lanes[laneOf(j.op)] <- j:
		default:
			return fmt.Errorf("hsm: %w: more requests than slots", errFrame)
		}
	}
}

// work is the goroutine of one session.
func (w *worker) work(s *session, jobs <-chan job) {
	for j := range jobs {
		body, err := w.handle(s, j)
		w.out.answer(j.id, body, err)
		w.busy.Add(-1)
	}
}

func (w *worker) handle(s *session, j job) ([]byte, error) {
	c := &cursor{b: j.body}
	switch j.op {
	case opSign:
		return w.sign(s, c)
	case opFind:
		return w.find(s, c)
	case opList:
		return w.list(s, c)
	case opGenerate:
		return w.generate(s, c)
	case opDelete:
		return nil, w.delete(s, c)
	case opSecret:
		return w.secret(s, c)
	case opGenerateWrapped:
		return w.generateWrapped(s, c)
	case opUnwrap:
		return w.unwrap(s, c)
	case opDestroy:
		return nil, w.destroy(s, c)
	}
	return nil, fmt.Errorf("%w: request %d", errFrame, j.op)
}

// finish lets go of the token, so that it frees the sessions, unless a call is
// still inside the library. It waits no longer than a second.
func (w *worker) finish() {
	if w.busy.Load() != 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		w.lib.Finalize()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

// batchWriter writes frames of many goroutines: who finds it idle writes, and
// goes on writing what others add meanwhile.
type batchWriter struct {
	w io.Writer

	mu    sync.Mutex
	buf   []byte // guarded by mu, as all below
	spare []byte
	busy  bool
}

// answer sends the answer to a request: body, or err when it is not nil.
func (b *batchWriter) answer(id uint64, body []byte, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	start := len(b.buf)
	if err != nil {
		b.buf = appendError(appendFrame(b.buf, id, statusError), err)
	} else {
		b.buf = append(appendFrame(b.buf, id, statusOK), body...)
	}
	endFrame(b.buf, start)
	if b.busy {
		return
	}
	b.busy = true
	for len(b.buf) > 0 {
		out := b.buf
		b.buf = b.spare[:0]
		b.mu.Unlock()
		// When the parent is gone the read loop sees it too and ends us.
		_, _ = b.w.Write(out)
		b.mu.Lock()
		if cap(out) > readBuffer {
			out = nil
		}
		b.spare = out
	}
	b.busy = false
}

// busyCount counts requests that the worker has not answered.
type busyCount = atomic.Int64

// keyRef names a private or secret key in a request: an activated key by the
// number that the worker gave it, any other by label and CKA_ID.
type keyRef struct {
	object uint64 // not zero: an activated key
	secret bool   // a secret key
	label  string
	id     []byte
}

func (r keyRef) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, r.object)
	b = appendBool(b, r.secret)
	b = appendBytes(b, r.label)
	return appendBytes(b, r.id)
}

func (c *cursor) keyRef() keyRef {
	return keyRef{object: c.u64(), secret: c.flag(), label: c.str(), id: c.bytes()}
}

// cacheKey identifies a key of the token in the handle cache.
func (r keyRef) cacheKey() string {
	kind := "p"
	if r.secret {
		kind = "s"
	}
	return kind + string(r.id) + "\x00" + r.label
}
