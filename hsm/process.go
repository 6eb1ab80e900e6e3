package hsm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// firstFD is the lowest descriptor of the worker's ends of the sockets.
// Standard input and output are left alone: vendor libraries print there.
const firstFD = 3

// process is a worker process and our ends of its sockets.
type process struct {
	cmd    *exec.Cmd
	conns  []*conn
	stderr *head
	exited chan struct{} // closed once the process is reaped
	err    error         // of Wait; read after exited
}

// conn is a socket to one session of the worker. One goroutine at a time uses
// it.
type conn struct {
	file *os.File  // of the parent: non-blocking, so that deadlines and Close work
	fd   int       // the worker's
	w    io.Writer // of the parent
	in   *frameReader
	out  []byte // the request, kept for its memory
	last []byte // request.like of the last request; of the parent
}

// socketPair returns our end of a new socket and the worker's.
func socketPair() (*conn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.SetNonblock(fds[0], true)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("hsm: socket pair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "hsm-worker")
	theirs := os.NewFile(uintptr(fds[1]), "hsm-worker-end")
	rw, err := newPolled(ours)
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, nil, fmt.Errorf("hsm: socket pair: %w", err)
	}
	return &conn{file: ours, w: rw, in: newFrameReader(rw)}, theirs, nil
}

// polled reads and writes a non-blocking socket without telling Go's scheduler,
// which need not know of calls that do not wait: it would look every few
// microseconds whether a thread is stuck in one of them.
type polled struct {
	whenReadable, whenWritable func(call func(fd uintptr) (done bool)) error

	read, write func(fd uintptr) (done bool)

	buf   []byte // of the call under way
	n     int
	errno syscall.Errno
}

func newPolled(f *os.File) (*polled, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &polled{whenReadable: raw.Read, whenWritable: raw.Write}
	p.read = func(fd uintptr) bool { return p.call(syscall.SYS_READ, fd) }
	p.write = func(fd uintptr) bool { return p.call(syscall.SYS_WRITE, fd) }
	return p, nil
}

// call makes one system call and reports false when the socket is not ready.
func (p *polled) call(trap, fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p.buf))), uintptr(len(p.buf)))
		switch errno {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		case 0:
			p.n = int(n)
		}
		p.errno = errno
		return true
	}
}

// Read is io.Reader's, under the file's deadline.
func (p *polled) Read(b []byte) (int, error) {
	n, err := p.do(p.whenReadable, p.read, b)
	if n == 0 && err == nil && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

// Write is io.Writer's, under the file's deadline.
func (p *polled) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := p.do(p.whenWritable, p.write, b[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (p *polled) do(wait func(func(uintptr) bool) error, call func(uintptr) bool, b []byte) (int, error) {
	p.buf, p.n, p.errno = b, 0, 0
	err := wait(call)
	p.buf = nil
	if err == nil && p.errno != 0 {
		err = p.errno
	}
	return p.n, err
}

// startProcess starts a worker with n sockets. The process ends when one of
// them is closed, and at the latest when this process dies.
func startProcess(cfg Config, n int) (_ *process, err error) {
	p := &process{stderr: new(head), exited: make(chan struct{})}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
		if err != nil {
			p.closeConns()
		}
	}()
	for range n {
		c, f, err := socketPair()
		if err != nil {
			return nil, err
		}
		p.conns = append(p.conns, c)
		theirs = append(theirs, f)
	}
	p.cmd = &exec.Cmd{
		// Not os.Executable: after an upgrade in place that name is another
		// program, with another protocol.
		Path:       "/proc/self/exe",
		Args:       []string{os.Args[0], WorkerCommand},
		Env:        cfg.environment(os.Environ()),
		Stderr:     p.stderr,
		ExtraFiles: theirs,
		WaitDelay:  time.Second, // a helper of the library may hold stderr open
		SysProcAttr: &syscall.SysProcAttr{
			Pdeathsig: syscall.SIGKILL,
			// An interrupt from the terminal must not take the worker away
			// while the parent still finishes its requests.
			Setpgid: true,
		},
	}
	if cfg.Worker != nil {
		c := exec.Command(cfg.Worker[0], cfg.Worker[1:]...)
		if c.Err != nil {
			return nil, fmt.Errorf("hsm: worker: %w", c.Err)
		}
		p.cmd.Path, p.cmd.Args = c.Path, c.Args
	}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("hsm: start worker: %w", err)
	}
	return p, nil
}

// run starts the process and waits for it on one locked thread:
// PR_SET_PDEATHSIG fires when the thread that forked ends, not the process.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

func (p *process) closeConns() {
	for _, c := range p.conns {
		c.file.Close()
	}
}

// hello sends the first frame and returns the body of the answer. It gives up
// when ctx is done or after d.
func (p *process) hello(ctx context.Context, d time.Duration, code op, body []byte) ([]byte, error) {
	c := p.conns[0]
	c.file.SetDeadline(time.Now().Add(d))
	stop := context.AfterFunc(ctx, func() { c.file.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.w.Write(endFrame(append(appendFrame(nil, uint8(code)), body...))); err != nil {
		return nil, p.helloError(ctx, err)
	}
	f, err := c.in.next()
	if err != nil {
		return nil, p.helloError(ctx, err)
	}
	if f.code != statusOK {
		return nil, parseError(f.body)
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return f.body, nil
}

func (p *process) helloError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: worker did not start: %w", ErrUnavailable, err)
}

// end closes the sockets, which asks the worker to end, kills it when it has
// not ended after grace, and waits for it, but not for ever: a process in an
// uninterruptible system call of a driver outlives SIGKILL.
func (p *process) end(grace time.Duration) {
	p.closeConns()
	if grace > 0 {
		select {
		case <-p.exited:
			return
		case <-time.After(grace):
		}
	}
	p.kill()
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
	}
}

func (p *process) kill() {
	// The only error is that the process is gone already.
	_ = p.cmd.Process.Kill()
}

// status describes how the process ended, for the log.
func (p *process) status() string {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.String()
	default:
		return "does not end"
	}
}

// head keeps the first bytes that a worker wrote to standard error: a crash
// says at the beginning what it is about.
type head struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

const maxHead = 2 << 10

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, p[:min(len(p), maxHead-len(h.buf))]...)
	return len(p), nil
}

// text returns what was kept, without the PIN: nobody knows what a library
// prints when it crashes.
func (h *head) text(pinFile string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.buf) == 0 {
		return ""
	}
	pin, err := readPIN(pinFile)
	if err != nil {
		return "(withheld: the PIN file cannot be read to look for the PIN)"
	}
	return string(bytes.ReplaceAll(h.buf, []byte(pin), []byte("[PIN]")))
}
