package hsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Pauses between attempts to start a worker. A worker that lived for
// settledAfter starts the count anew, and its successor starts at once.
const (
	firstPause   = 100 * time.Millisecond
	maxPause     = 5 * time.Second
	settledAfter = 10 * time.Second
)

// supervise replaces the worker until Close or until the PIN is refused.
func (m *Module) supervise(l *link) {
	defer close(m.ended)
	failures := 0
	for {
		up := time.Now()
		closing := m.watch(l)
		if closing {
			return
		}
		if err := m.pinErr.Load(); err != nil {
			m.refusePIN(*err)
			return
		}
		if time.Since(up) >= settledAfter {
			failures = 0
		}
		l = nil
		for l == nil {
			if !m.pause(failures) {
				m.publish(nil, ErrClosed)
				return
			}
			failures++
			var err error
			l, err = m.launch(m.ctx)
			switch {
			case m.ctx.Err() != nil:
				if l != nil {
					m.retire(l, ErrClosed, 0)
				}
				m.publish(nil, ErrClosed)
				return
			case errors.Is(err, ErrPIN):
				m.refusePIN(err)
				return
			case err != nil:
				m.log.Error("pkcs11 worker cannot be started", "err", err, "attempt", failures)
				m.publish(nil, unavailable(err))
			}
		}
		m.publish(l, nil)
	}
}

// watch waits for the end of a worker and reports whether the Module closes.
func (m *Module) watch(l *link) (closing bool) {
	select {
	case <-m.ctx.Done():
		m.publish(nil, ErrClosed)
		m.retire(l, ErrClosed, m.cfg.Timeout)
		return true
	case <-l.sick:
		m.publish(nil, nil)
		m.retire(l, errors.New("the module reported that it cannot go on"), m.cfg.Timeout)
	case <-l.done:
		m.publish(nil, nil)
		m.retire(l, nil, 0)
	case <-l.proc.exited:
		m.publish(nil, nil)
		m.retire(l, errors.New("it ended by itself"), 0)
	}
	return false
}

// retire ends a worker, giving its requests up to grace to finish, and waits
// for everything that belongs to it.
func (m *Module) retire(l *link, why error, grace time.Duration) {
	if grace > 0 && l.drain(grace) {
		// Closing the sockets lets the worker finalise the library, so that
		// the device frees its sessions.
		l.proc.end(2 * time.Second)
	}
	l.fail(why)
	why = l.cause
	l.proc.end(0)
	log := m.log.Warn
	if why == ErrClosed {
		log = m.log.Debug
	}
	log("pkcs11 worker ended", "pid", l.proc.cmd.Process.Pid, "why", why,
		"status", l.proc.status(), "stderr", l.proc.stderr.text(m.cfg.PINFile))
}

// refusePIN makes every later call fail and starts no worker any more.
func (m *Module) refusePIN(err error) {
	m.log.Error("the token refused the PIN; it will not be tried again", "err", err)
	m.publish(nil, err)
	<-m.ctx.Done()
	m.publish(nil, ErrClosed)
}

// pause waits before the next attempt and reports false when the Module
// closes meanwhile.
func (m *Module) pause(failures int) bool {
	if failures == 0 {
		return m.ctx.Err() == nil
	}
	t := time.NewTimer(min(maxPause, firstPause<<min(failures-1, 10)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-m.ctx.Done():
		return false
	}
}

// launch starts a worker and waits until it has logged in.
func (m *Module) launch(ctx context.Context) (*link, error) {
	p, err := startProcess(m.cfg, m.cfg.Sessions+int(lanes)-1)
	if err != nil {
		return nil, unavailable(err)
	}
	answer, err := p.hello(ctx, m.cfg.SlowTimeout, opServe, m.cfg.appendHello(nil))
	if err != nil {
		p.end(0)
		if s := p.stderr.text(m.cfg.PINFile); s != "" {
			m.log.Warn("pkcs11 worker did not start", "status", p.status(), "stderr", s)
		}
		return nil, unavailable(err)
	}
	c := cursor{b: answer}
	library, serial := c.str(), c.str()
	m.strikes.Store(0)
	m.generation.Add(1)
	m.log.Info("pkcs11 worker started", "pid", p.cmd.Process.Pid, "library", library,
		"token", m.cfg.Token, "serial", serial, "sessions", m.cfg.Sessions)
	return newLink(p), nil
}

// unavailable makes err match ErrUnavailable unless it says something else.
func unavailable(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrPIN) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// hello is the first frame of a worker.
type hello struct {
	module, token, pinFile string
	sessions               int
	soPIN                  string // only for opInitToken
}

func (c Config) appendHello(b []byte) []byte {
	b = appendBytes(b, c.Module)
	b = appendBytes(b, c.Token)
	b = appendBytes(b, c.PINFile)
	return binary.BigEndian.AppendUint32(b, uint32(c.Sessions))
}

func parseHello(code op, body []byte) (hello, error) {
	c := cursor{b: body}
	h := hello{module: c.str(), token: c.str(), pinFile: c.str(), sessions: int(c.u32())}
	if code == opInitToken {
		h.soPIN = c.str()
	}
	if err := c.done(); err != nil || h.sessions < 1 || h.sessions > maxSessions {
		return hello{}, errFrame
	}
	return h, nil
}

// InitToken makes a token with the label cfg.Token and the user PIN of
// cfg.PINFile in a free slot of the module (C_InitToken, C_InitPIN). The
// security officer's PIN goes to the worker through its socket only. It
// returns ErrTokenExists when a token has the label, ErrUnavailable when no
// slot is free, and ErrUnknownOutcome when the worker ended half-way.
func InitToken(ctx context.Context, cfg Config, soPIN []byte) error {
	cfg, err := cfg.complete()
	if err != nil {
		return err
	}
	if len(soPIN) == 0 || len(soPIN) > maxPIN {
		return fmt.Errorf("%w: the security officer's PIN must have 1 to %d bytes", ErrPIN, maxPIN)
	}
	p, err := startProcess(cfg, 1)
	if err != nil {
		return unavailable(err)
	}
	defer p.end(2 * time.Second)
	_, err = p.hello(ctx, cfg.SlowTimeout, opInitToken, appendBytes(cfg.appendHello(nil), soPIN))
	return err
}
