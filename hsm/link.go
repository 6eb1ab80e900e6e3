package hsm

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// lane is a kind of work with its own sessions in the worker. At most as many
// requests of a lane are with the worker as it has sessions for it, so that a
// request that was sent is being worked on, and its time runs.
type lane uint8

const (
	laneSign   lane = iota // signing and looking up: Config.Sessions
	laneAdmin              // writing token objects: 1, because SoftHSM 2.6 races there
	laneObject             // session objects of activated keys: 1, which owns them
	lanes
)

// How a request ended without an answer of the worker.
var (
	errNotSent = errors.New("the worker ended before the request was sent")
	errLost    = errors.New("the worker ended during the request")
	errHung    = errors.New("the worker did not answer in time")
)

// reply is the answer to a call: a body that the receiver owns, or an error.
type reply struct {
	body []byte
	err  error
}

// call is one request. Its fields are guarded by link.mu once it was sent.
type call struct {
	lane  lane
	limit time.Duration // the worker is killed when it works on it for longer
	reply chan reply    // buffered; gets exactly one value
	// orphan, when set, disposes of a good answer that nobody waits for.
	orphan func(body []byte)

	id        uint64
	end       int       // offset of the end of its frame in the batch
	sentAt    time.Time // zero until a write that holds it began
	abandoned bool
	watch     *time.Timer // of an abandoned call: kills the worker
}

// link is the connection to one worker process, from its start to its death.
type link struct {
	proc  *process
	slots [lanes]chan struct{}
	wake  chan struct{} // tells write that out is not empty
	sick  chan struct{} // closed when the worker should be replaced
	done  chan struct{} // closed when the link is dead
	onErr func(*link, error)

	mu       sync.Mutex
	lastID   uint64           // guarded by mu, as all below
	calls    map[uint64]*call // without an answer
	out      []byte           // frames to write
	pending  []*call          // the calls of out
	draining bool             // takes no more calls
	idle     chan struct{}    // closed when draining and calls is empty
	isSick   bool
	dead     bool
	cause    error // why it is dead

	wg sync.WaitGroup // read and write
}

func newLink(p *process, sessions int, onErr func(*link, error)) *link {
	l := &link{
		proc:  p,
		wake:  make(chan struct{}, 1),
		sick:  make(chan struct{}),
		done:  make(chan struct{}),
		idle:  make(chan struct{}),
		calls: make(map[uint64]*call),
		onErr: onErr,
	}
	for i, n := range [lanes]int{laneSign: sessions, laneAdmin: 1, laneObject: 1} {
		l.slots[i] = make(chan struct{}, n)
	}
	l.wg.Go(l.read)
	l.wg.Go(l.write)
	return l
}

// send queues a request and reports false when the link takes none. The caller
// holds a slot of c.lane, which goes back when the answer has come.
func (l *link) send(c *call, code op, body []byte) bool {
	l.mu.Lock()
	if l.dead || l.draining {
		l.mu.Unlock()
		return false
	}
	l.lastID++
	c.id = l.lastID
	l.calls[c.id] = c
	start := len(l.out)
	l.out = append(appendFrame(l.out, c.id, uint8(code)), body...)
	endFrame(l.out, start)
	c.end = len(l.out)
	l.pending = append(l.pending, c)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// write sends what has gathered in one system call. It is a goroutine of its
// own because a stopped worker can block it, and callers have deadlines.
func (l *link) write() {
	var batch []byte
	var calls []*call
	for {
		select {
		case <-l.wake:
		case <-l.done:
			return
		}
		l.mu.Lock()
		batch, l.out = l.out, batch[:0]
		calls, l.pending = l.pending, calls[:0]
		now := time.Now()
		for _, c := range calls {
			c.sentAt = now
		}
		l.mu.Unlock()
		n, err := l.proc.conn.Write(batch)
		if err != nil {
			l.unsend(calls, n)
			l.fail(fmt.Errorf("write to worker: %w", err))
			return
		}
		if cap(batch) > readBuffer {
			batch = nil // one long message should not stay for ever
		}
	}
}

// unsend marks the calls whose frames did not go out whole.
func (l *link) unsend(calls []*call, written int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range calls {
		if c.end > written {
			c.sentAt = time.Time{}
		}
	}
}

func (l *link) read() {
	fr := newFrameReader(l.proc.conn)
	for {
		f, err := fr.next()
		if err == nil {
			err = l.answer(f)
		}
		if err != nil {
			l.fail(fmt.Errorf("read from worker: %w", err))
			return
		}
	}
}

// answer delivers a frame to its call.
func (l *link) answer(f frame) error {
	var r reply
	switch f.code {
	case statusOK:
		r.body = append([]byte(nil), f.body...)
	case statusError:
		r.err = parseError(f.body)
		if r.err == errFrame {
			return errFrame
		}
	default:
		return fmt.Errorf("%w: status %d", errFrame, f.code)
	}
	l.mu.Lock()
	c := l.calls[f.id]
	if c == nil {
		l.mu.Unlock()
		return fmt.Errorf("%w: answer to no request", errFrame)
	}
	delete(l.calls, f.id)
	if c.watch != nil {
		c.watch.Stop()
	}
	abandoned := c.abandoned
	l.closeIdle()
	l.mu.Unlock()
	<-l.slots[c.lane]
	if l.onErr != nil {
		l.onErr(l, r.err)
	}
	if abandoned && r.err == nil && c.orphan != nil {
		c.orphan(r.body)
	}
	c.reply <- r
	return nil
}

// abandon gives up waiting for c. It returns false when the answer has come
// meanwhile and is in c.reply. The slot stays taken, and a worker that keeps
// the request for longer than c.limit is killed as if we still waited.
func (l *link) abandon(c *call) bool {
	l.mu.Lock()
	if l.calls[c.id] != c {
		l.mu.Unlock()
		return false
	}
	c.abandoned = true
	left := c.limit
	if !c.sentAt.IsZero() {
		left -= time.Since(c.sentAt)
	}
	if left > 0 {
		c.watch = time.AfterFunc(left, func() { l.expire(c) })
	}
	l.mu.Unlock()
	if left <= 0 {
		l.fail(errHung)
	}
	return true
}

func (l *link) expire(c *call) {
	l.mu.Lock()
	waiting := l.calls[c.id] == c
	l.mu.Unlock()
	if waiting {
		l.fail(errHung)
	}
}

// fail declares the link dead, kills the worker and answers every call.
// Only the first call of fail does anything.
func (l *link) fail(cause error) {
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return
	}
	l.dead, l.cause = true, cause
	calls := l.calls
	l.calls = nil
	for _, c := range calls {
		if c.watch != nil {
			c.watch.Stop()
		}
	}
	l.mu.Unlock()
	l.proc.kill()
	l.proc.conn.Close()
	close(l.done)
	for _, c := range calls {
		if c.sentAt.IsZero() {
			c.reply <- reply{err: errNotSent}
		} else {
			c.reply <- reply{err: errLost}
		}
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

// drain takes no more calls and waits up to d for the answers still due.
func (l *link) drain(d time.Duration) {
	l.mu.Lock()
	if !l.draining {
		l.draining = true
		l.closeIdle()
	}
	l.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-l.idle:
	case <-l.done:
	case <-t.C:
	}
}

// closeIdle closes idle when it is time to. l.mu is held.
func (l *link) closeIdle() {
	if l.draining && len(l.calls) == 0 {
		select {
		case <-l.idle:
		default:
			close(l.idle)
		}
	}
}

// inFlight returns how many requests the worker has.
func (l *link) inFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}
