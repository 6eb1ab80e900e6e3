package hsm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// rpcFD is the descriptor of the worker's end of the socket pair. It is not
// standard input or output because vendor libraries print to those.
const rpcFD = 3

// process is a worker process and our end of its socket.
type process struct {
	cmd    *exec.Cmd
	conn   *os.File // non-blocking, so that deadlines and Close work
	stderr *tail
	exited chan struct{} // closed once the process is reaped
	err    error         // of Wait; read after exited
}

// startProcess starts a worker. The process ends when conn is closed, and at
// the latest when this process dies.
func startProcess(cfg Config) (*process, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hsm: socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "hsm-worker-end")
	defer theirs.Close()
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		return nil, fmt.Errorf("hsm: socket pair: %w", err)
	}
	p := &process{
		conn:   os.NewFile(uintptr(fds[0]), "hsm-worker"),
		stderr: new(tail),
		exited: make(chan struct{}),
	}
	p.cmd = &exec.Cmd{
		// Not os.Executable: after an upgrade in place that name is another
		// program, with another protocol.
		Path:       "/proc/self/exe",
		Args:       []string{os.Args[0], WorkerCommand},
		Env:        cfg.Env,
		Stderr:     p.stderr,
		ExtraFiles: []*os.File{theirs},
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
			p.conn.Close()
			return nil, fmt.Errorf("hsm: worker: %w", c.Err)
		}
		p.cmd.Path, p.cmd.Args = c.Path, c.Args
	}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		p.conn.Close()
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

// hello sends the first frame and returns the body of the answer. It gives up
// when ctx is done or after d.
func (p *process) hello(ctx context.Context, d time.Duration, code op, body []byte) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { p.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	p.conn.SetDeadline(time.Now().Add(d))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	b := append(appendFrame(nil, 0, uint8(code)), body...)
	endFrame(b, 0)
	if _, err := p.conn.Write(b); err != nil {
		return nil, p.helloError(ctx, err)
	}
	f, err := newFrameReader(p.conn).next()
	if err != nil {
		return nil, p.helloError(ctx, err)
	}
	if f.code != statusOK {
		return nil, parseError(f.body)
	}
	if !stop() {
		return nil, ctx.Err()
	}
	p.conn.SetDeadline(time.Time{})
	return f.body, nil
}

func (p *process) helloError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: worker did not start: %w", ErrUnavailable, err)
}

// end closes the socket, which asks the worker to end, kills it when it has
// not ended after grace, and waits for it, but not for ever: a process in an
// uninterruptible system call of a driver outlives SIGKILL.
func (p *process) end(grace time.Duration) {
	p.conn.Close()
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

// tail keeps the last bytes that a worker wrote to standard error.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

const maxTail = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - maxTail; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

// text returns what was kept, without the PIN: nobody knows what a library
// prints when it crashes.
func (t *tail) text(pinFile string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.buf
	if len(out) == 0 {
		return ""
	}
	pin, err := readPIN(pinFile)
	if err != nil {
		return "(withheld: the PIN file cannot be read to look for the PIN)"
	}
	return string(bytes.ReplaceAll(out, []byte(pin), []byte("[PIN]")))
}
