package hsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Module is a token of a PKCS#11 module, reached through a worker process that
// is replaced when it crashes, hangs or loses the token.
type Module struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends with Close; the life of the supervisor, not of a call
	cancel context.CancelFunc
	state  atomic.Pointer[state]
	ended  chan struct{} // closed when the supervisor has ended

	generation atomic.Uint64 // of workers
	strikes    atomic.Int32  // transient device errors in a row
	pinErr     atomic.Pointer[error]

	wg sync.WaitGroup // goroutines other than the supervisor

	health     atomic.Pointer[Key]
	healthTurn chan struct{} // held by the one call that looks for the key
}

// state is what a call sees: a worker, or why there is none. It is immutable;
// changed is closed when it is replaced.
type state struct {
	link       *link
	generation uint64
	err        error // set: no use waiting
	changed    chan struct{}
}

// Stats are figures about a Module at one moment.
type Stats struct {
	WorkerPID int    // 0 when no worker runs
	Started   uint64 // workers that came up since Start
	InFlight  int    // requests that the worker has
}

// Start loads the module in a worker process and logs in. Until the first
// worker is up, at most Config.SlowTimeout, Start blocks; ctx bounds only that.
// It returns an error wrapping ErrPIN when the PIN is refused and
// ErrUnavailable when the library, the token or the worker is missing.
// The Module must be closed.
func Start(ctx context.Context, cfg Config) (*Module, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	m := &Module{cfg: cfg, log: cfg.Logger, ended: make(chan struct{}), healthTurn: make(chan struct{}, 1)}
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.state.Store(&state{changed: make(chan struct{})})
	l, err := m.launch(ctx)
	if err != nil {
		m.cancel()
		return nil, err
	}
	m.publish(l, nil)
	go m.supervise(l)
	return m, nil
}

// Close lets requests in flight finish, up to Config.Timeout, ends the worker
// and waits for it. Activated keys are gone afterwards. Closing twice is fine.
func (m *Module) Close() error {
	m.cancel()
	<-m.ended
	m.wg.Wait()
	return nil
}

// Stats returns the present figures.
func (m *Module) Stats() Stats {
	s := Stats{Started: m.generation.Load()}
	if l := m.state.Load().link; l != nil {
		s.WorkerPID, s.InFlight = l.proc.cmd.Process.Pid, l.inFlight()
	}
	return s
}

// publish replaces the state and wakes those who wait for it.
func (m *Module) publish(l *link, err error) {
	s := &state{link: l, generation: m.generation.Load(), err: err, changed: make(chan struct{})}
	close(m.state.Swap(s).changed)
}

// request is one operation to be done by a worker.
type request struct {
	op   op
	lane lane
	body []byte
	slow bool // bounded by SlowTimeout instead of Timeout
	// again says that doing the operation twice is the same as once.
	again bool
	// generation, when not zero, is the only worker that can do it.
	generation uint64
	orphan     func(body []byte)
}

// do carries out r and returns the body of the answer and the generation of
// the worker that gave it. When the worker dies before r was sent, r is sent
// to the next one, once.
func (m *Module) do(ctx context.Context, r request) ([]byte, uint64, error) {
	limit := m.cfg.Timeout
	if r.slow {
		limit = m.cfg.SlowTimeout
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for resent := false; ; resent = true {
		s, err := m.acquire(ctx, timer.C, r)
		if err != nil {
			return nil, 0, err
		}
		body, err := s.link.roundTrip(ctx, timer.C, limit, r)
		switch {
		case err == nil:
			return body, s.generation, nil
		case err == errNotSent && !resent, err == errLost && r.again && !resent:
			continue
		case err == errNotSent, err == errLost && r.again:
			return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		case err == errLost:
			return nil, 0, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return nil, 0, err
	}
}

// acquire waits for a worker with a free slot in r's lane and takes the slot.
func (m *Module) acquire(ctx context.Context, timeout <-chan time.Time, r request) (*state, error) {
	for {
		s := m.state.Load()
		if s.err != nil {
			return nil, s.err
		}
		if r.generation != 0 && (s.link == nil || s.generation != r.generation) {
			return nil, ErrActivationLost
		}
		var slot chan<- struct{}
		var done <-chan struct{}
		if s.link != nil {
			slot, done = s.link.slots[r.lane], s.link.done
		}
		select {
		case slot <- struct{}{}:
			return s, nil
		case <-s.changed:
			continue
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout:
			return nil, fmt.Errorf("%w: no free session in time", ErrUnavailable)
		case <-done:
		}
		select { // the supervisor is about to say what comes next
		case <-s.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout:
			return nil, fmt.Errorf("%w: worker is being restarted", ErrUnavailable)
		}
	}
}

// roundTrip sends r and waits for the answer. The slot that the caller took is
// given back when the answer comes.
func (l *link) roundTrip(ctx context.Context, timeout <-chan time.Time, limit time.Duration, r request) ([]byte, error) {
	c := &call{lane: r.lane, limit: limit, reply: make(chan reply, 1), orphan: r.orphan}
	if !l.send(c, r.op, r.body) {
		<-l.slots[r.lane]
		return nil, errNotSent
	}
	var cause error
	select {
	case a := <-c.reply:
		return a.body, a.err
	case <-ctx.Done():
		cause = ctx.Err()
	case <-timeout:
		cause = errHung
	}
	if !l.abandon(c) {
		a := <-c.reply
		return a.body, a.err
	}
	if r.again {
		if cause == errHung {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, cause)
		}
		return nil, cause
	}
	return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, cause)
}

// maxStrikes is how many transient device errors in a row mean that the
// library will not recover by itself.
const maxStrikes = 3

// judge looks at every answer for signs that the worker or the login is lost.
func (m *Module) judge(l *link, err error) {
	if err == nil {
		if m.strikes.Load() != 0 {
			m.strikes.Store(0)
		}
		return
	}
	if errors.Is(err, ErrPIN) {
		m.pinErr.CompareAndSwap(nil, &err)
		l.markSick()
		return
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.Is(ErrUnavailable) {
		return
	}
	if transientDevice(e.Code) && m.strikes.Add(1) < maxStrikes {
		return
	}
	m.strikes.Store(0)
	l.markSick()
}
