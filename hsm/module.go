package hsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
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

	mu     sync.Mutex
	closed bool           // guarded by mu: wg takes no more
	wg     sync.WaitGroup // goroutines other than the supervisor

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
	if st, err := os.Stat(cfg.PINFile); err == nil && st.Mode().Perm()&0o007 != 0 {
		m.log.Warn("the PIN file is open to every user of this machine", "file", cfg.PINFile, "mode", st.Mode())
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
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.wg.Wait()
	return nil
}

// background runs f in a goroutine that Close waits for. When Close is past
// that, every worker is gone and f, run at once, ends at once.
func (m *Module) background(f func()) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		f()
		return
	}
	m.wg.Add(1)
	m.mu.Unlock()
	go func() {
		defer m.wg.Done()
		f()
	}()
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
	// like is what other requests begin with that the worker answers in the same
	// way; nil when there is nothing to gain.
	like []byte
	slow bool // bounded by SlowTimeout instead of Timeout
	// again says that doing the operation twice is the same as once.
	again bool
	// generation, when not zero, is the only worker that can do it.
	generation uint64
	// orphan disposes of a good answer that came after the caller had left.
	orphan func(generation uint64, body []byte)
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
	until := time.Now().Add(limit)
	for resent := false; ; resent = true {
		s, c, err := m.acquire(ctx, until, r)
		if err != nil {
			return nil, 0, err
		}
		body, err := m.exchange(ctx, s, c, r, until, limit)
		switch {
		case err == nil:
			return body, s.generation, nil
		case errors.Is(err, errNotSent) && !resent, errors.Is(err, errLost) && r.again && !resent:
			continue
		case errors.Is(err, errNotSent), errors.Is(err, errLost) && r.again:
			return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		case errors.Is(err, errLost):
			return nil, 0, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return nil, 0, err
	}
}

// acquire waits for a worker with a free session in r's lane and takes it.
func (m *Module) acquire(ctx context.Context, until time.Time, r request) (*state, *conn, error) {
	var timeout <-chan time.Time
	for {
		s := m.state.Load()
		if s.err != nil {
			return nil, nil, s.err
		}
		if r.generation != 0 && (s.link == nil || s.generation != r.generation) {
			return nil, nil, ErrActivationLost
		}
		var free <-chan *conn
		if s.link != nil && !s.link.isDone() { // else the supervisor is about to replace it
			free = s.link.free[r.lane]
			if c := s.link.take(r.lane, r.like); c != nil { // mostly, there is one
				return s, c, nil
			}
		}
		if timeout == nil {
			t := time.NewTimer(time.Until(until))
			defer t.Stop()
			timeout = t.C
		}
		select {
		case c := <-free:
			return s, c, nil
		case <-s.changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-timeout:
			return nil, nil, fmt.Errorf("%w: no free session in time", ErrUnavailable)
		}
	}
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
