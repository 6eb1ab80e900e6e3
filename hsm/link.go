package hsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// lane is a kind of work that has sessions of its own in the worker, with a
// socket each. A request is sent only when its session is free, so that one
// that was sent is being worked on, and its time runs.
type lane uint8

const (
	laneObject lane = iota // session objects of activated keys: 1, which owns them
	laneAdmin              // writing token objects: 1, because SoftHSM 2.6 races there
	laneSign               // signing and looking up: Config.Sessions
	lanes
)

// laneOfSocket says what the n-th socket of a worker is for, on both sides.
func laneOfSocket(n int) lane { return lane(min(n, int(laneSign))) }

// How a request ended without an answer of the worker.
var (
	errNotSent = errors.New("the worker ended before the request was sent")
	errLost    = errors.New("the worker ended during the request")
	errHung    = errors.New("the worker did not answer in time")
)

// link is the connection to one worker process, from its start to its death.
type link struct {
	proc *process
	free [lanes]chan *conn // idle sockets
	sick chan struct{}     // closed when the worker should be replaced
	done chan struct{}     // closed when the link is dead

	mu     sync.Mutex
	isSick bool  // guarded by mu, as all below
	dead   bool  // cause is final
	cause  error // why it is dead
}

func newLink(p *process) *link {
	l := &link{proc: p, sick: make(chan struct{}), done: make(chan struct{})}
	for i := range l.free {
		l.free[i] = make(chan *conn, len(p.conns))
	}
	for i, c := range p.conns {
		l.free[laneOfSocket(i)] <- c
	}
	return l
}

// fail declares the link dead and kills the worker, which ends every request.
// Only the first call of fail does anything.
func (l *link) fail(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return
	}
	l.dead, l.cause = true, cause
	l.proc.kill()
	l.proc.closeConns()
	close(l.done)
}

func (l *link) isDone() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// markSick asks the supervisor to replace the worker.
func (l *link) markSick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isSick {
		l.isSick = true
		close(l.sick)
	}
}

// drain takes every socket out of use, waiting up to d for requests to end,
// and reports whether all of them did. Nobody may acquire from l any more.
func (l *link) drain(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for i := range l.proc.conns {
		select {
		case <-l.free[laneOfSocket(i)]:
		case <-l.done:
			return false
		case <-l.proc.exited:
			return false
		case <-t.C:
			return false
		}
	}
	return true
}

// inFlight returns how many requests the worker has.
func (l *link) inFlight() int {
	n := len(l.proc.conns)
	for _, f := range l.free {
		n -= len(f)
	}
	return n
}

// maxLook is how many idle sockets are looked at.
const maxLook = 16

// take returns an idle socket of a lane, nil when there is none; if it can, one
// whose last request was like this one, which the worker answers with less work
// (see worker.repeat). Who waits for a socket meanwhile gets one of those that
// are put back.
func (l *link) take(n lane, like []byte) *conn {
	var seen [maxLook]*conn
	for i := range seen {
		select {
		case c := <-l.free[n]:
			if i == 0 && len(like) == 0 || bytes.Equal(c.last, like) {
				l.putBack(n, seen[:i])
				return c
			}
			seen[i] = c
			continue
		default:
		}
		if i == 0 {
			return nil
		}
		l.putBack(n, seen[1:i])
		return seen[0]
	}
	l.putBack(n, seen[1:])
	return seen[0]
}

func (l *link) putBack(n lane, idle []*conn) {
	for _, c := range idle {
		l.free[n] <- c
	}
}

// longAgo as a deadline interrupts reads and writes at once.
var longAgo = time.Unix(1, 0)

// exchange sends r on c, which it gives back to l when the answer has come,
// and returns the answer. When ctx or until comes first, it returns, and the
// answer is awaited in the background: until limit after sending, when the
// worker is killed as if we still waited. The errors errNotSent and errLost
// are returned as they are.
func (m *Module) exchange(ctx context.Context, st *state, c *conn, r request, until time.Time, limit time.Duration) ([]byte, error) {
	l := st.link
	c.out = endFrame(append(appendFrame(c.out[:0], uint8(r.op)), r.body...))
	c.last = append(c.last[:0], r.like...)
	sent := time.Now()
	stop := c.interrupt(ctx, until)
	n, err := c.w.Write(c.out)
	var f frame
	if err == nil {
		f, err = c.in.next()
	}
	stop()
	switch {
	case err == nil:
		return m.answered(l, c, r, f)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		l.fail(fmt.Errorf("talking to the worker: %w", err))
		if n < len(c.out) {
			return nil, errNotSent
		}
		return nil, errLost
	}
	rest := c.out[n:]
	m.background(func() { m.finish(st, c, r, rest, sent.Add(limit)) })
	cause := ctx.Err()
	if cause == nil {
		cause = fmt.Errorf("%w: %w", ErrUnavailable, errHung)
	}
	if r.again {
		return nil, cause
	}
	return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, cause)
}

// answered takes the answer to r from f and gives c back.
func (m *Module) answered(l *link, c *conn, r request, f frame) ([]byte, error) {
	var body []byte
	var err error
	switch f.code {
	case statusOK:
		body = append([]byte(nil), f.body...)
	case statusError:
		err = parseError(f.body)
	default:
		err = errFrame
	}
	if errors.Is(err, errFrame) {
		l.fail(fmt.Errorf("talking to the worker: %w", err))
		return nil, errLost
	}
	c.trim()
	l.free[r.lane] <- c
	m.judge(l, err)
	return body, err
}

// finish waits for the answer to a request whose caller has left.
func (m *Module) finish(st *state, c *conn, r request, rest []byte, until time.Time) {
	l := st.link
	c.file.SetDeadline(until)
	_, err := c.w.Write(rest)
	var f frame
	if err == nil {
		f, err = c.in.next()
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errHung
		}
		l.fail(err)
		return
	}
	body, err := m.answered(l, c, r, f)
	if err == nil && r.orphan != nil {
		r.orphan(st.generation, body)
	}
}

// interrupt makes reading and writing fail with os.ErrDeadlineExceeded at
// until or when ctx is done. The caller must call stop, after which it does so
// no longer.
func (c *conn) interrupt(ctx context.Context, until time.Time) (stop func()) {
	c.file.SetDeadline(until)
	if ctx.Done() == nil {
		return func() {}
	}
	fired := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		c.file.SetDeadline(longAgo)
		close(fired)
	})
	return func() {
		if !cancel() {
			<-fired // or it would interrupt the next user of c
		}
	}
}

// trim lets go of the memory of long messages.
func (c *conn) trim() {
	if cap(c.out) > 16*readBuffer {
		c.out = nil
	}
	c.in.trim()
}
