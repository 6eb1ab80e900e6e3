package hsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"
)

// RunWorker is the whole life of the worker process: it takes requests from
// the sockets that its parent passed as descriptors 3 and up, and ends when
// they close. It returns nil then, and an error when a request makes no sense;
// the caller exits at once in either case. RunWorker changes process-wide
// settings and must be called before anything else runs.
func RunWorker() error {
	harden()
	first, err := inherit(firstFD)
	if err != nil {
		return err
	}
	f, err := first.in.next()
	if err != nil {
		return fmt.Errorf("hsm: first request: %w", err)
	}
	h, err := parseHello(op(f.code), f.body)
	if err != nil {
		return fmt.Errorf("hsm: first request: %w", err)
	}
	switch op(f.code) {
	case opInitToken:
		return first.answer(nil, initToken(h))
	case opServe:
	default:
		return fmt.Errorf("hsm: first request: %w", errFrame)
	}
	conns := []*conn{first}
	for i := 1; i < h.sessions+int(lanes)-1; i++ {
		c, err := inherit(firstFD + i)
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	w, about, err := openToken(h)
	if err != nil {
		return first.answer(nil, err)
	}
	// Every session sits in the kernel or in the library most of the time. With
	// a P for each, a call that returns goes on without a queue or a wake-up.
	runtime.GOMAXPROCS(runtime.NumCPU() + len(conns))
	// What Go has in this process is little and may be collected often: its
	// memory counts with that of the parent.
	debug.SetGCPercent(50)
	if err := first.answer(about, nil); err != nil {
		return nil
	}
	return w.serve(conns)
}

// inherit takes over a socket that the parent opened.
func inherit(fd int) (*conn, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return nil, fmt.Errorf("hsm: this command is only for the program itself: descriptor %d is no socket", fd)
	}
	syscall.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "hsm-parent") // blocking, for goroutines that do nothing else
	return &conn{file: f, fd: fd, in: newFrameReader(f)}, nil
}

const (
	prSetDumpable = 4
	schedBatch    = 3
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

// yieldToParent makes the thread one that does not interrupt others when it is
// woken (SCHED_BATCH, sched(7)). A request that comes while the processors are
// busy is then taken up when the parent has sent all it has, not in the middle
// of that: with a software token that saves a tenth of the processor time. An
// idle processor takes it up at once.
func yieldToParent() {
	var param struct{ priority int32 }
	// Failing is no reason not to work.
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, schedBatch, uintptr(unsafe.Pointer(&param)))
}

// serve works on requests, one goroutine for each socket and session, until
// the parent closes them.
func (w *worker) serve(conns []*conn) error {
	ended := make(chan error, len(conns))
	for i, c := range conns {
		s := &session{w: w}
		switch laneOfSocket(i) {
		case laneObject:
			s = w.keeper
		case laneAdmin:
			s.rw = true
		}
		go func() {
			// For ever: a thread of its own keeps what the library caches for it.
			runtime.LockOSThread()
			yieldToParent()
			ended <- w.work(s, c)
		}()
	}
	err := <-ended
	w.finish()
	return err
}

// work answers the requests of one socket. It returns nil when the parent has
// closed it.
func (w *worker) work(s *session, c *conn) error {
	for {
		f, err := c.in.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
			return nil
		case err != nil:
			return fmt.Errorf("hsm: read request: %w", err)
		}
		w.shared.busy().Add(1)
		s.again = nil
		body, err := w.handle(s, op(f.code), f.body)
		w.shared.busy().Add(-1)
		for {
			if err := c.answer(body, err); err != nil {
				return nil // the parent is gone
			}
			c.trim()
			if err = w.repeat(s, c); err == nil {
				break
			}
			body = nil
		}
	}
}

// answer sends body, or err when it is not nil.
func (c *conn) answer(body []byte, err error) error {
	if err != nil {
		c.out = appendError(appendFrame(c.out[:0], statusError), err)
	} else {
		c.out = append(appendFrame(c.out[:0], statusOK), body...)
	}
	_, err = c.file.Write(endFrame(c.out))
	return err
}

func (w *worker) handle(s *session, o op, request []byte) ([]byte, error) {
	if err := w.refused.Load(); err != nil {
		return nil, *err // without a login, private keys only seem to be missing
	}
	c := &cursor{b: request}
	switch o {
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
	return nil, fmt.Errorf("%w: request %d", errFrame, o)
}

// finish lets go of the token, so that it frees the sessions, unless a call is
// still inside the library. It waits no longer than a second.
func (w *worker) finish() {
	if w.shared.busy().Load() != 0 {
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
