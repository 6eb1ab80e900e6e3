package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// turns bounds how much is worked on at once, and how much of it for one
// caller: the others must get theirs. Bodies are received before a turn is
// taken and answers sent after it, so that nobody holds one by being slow.
type turns struct {
	all   chan struct{}
	share int

	mu  sync.Mutex
	own map[string]chan struct{} // by application; guarded by mu
}

// newTurns returns n turns, of which one caller gets half at most.
func newTurns(n int) *turns {
	return &turns{all: make(chan struct{}, n), share: max(1, n/2), own: map[string]chan struct{}{}}
}

// take waits for a turn; caller "" has no share of its own. The error is for
// the caller.
func (t *turns) take(ctx context.Context, caller string) (done func(), err error) {
	timer := time.NewTimer(waitForTurn)
	defer timer.Stop()
	release := func() {}
	if caller != "" {
		own := t.of(caller)
		if err := wait(ctx, own, timer.C); err != nil {
			return nil, err
		}
		release = func() { <-own }
	}
	if err := wait(ctx, t.all, timer.C); err != nil {
		release()
		return nil, err
	}
	return func() { <-t.all; release() }, nil
}

// of returns a caller's share. There are as many as there are applications.
func (t *turns) of(caller string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.own[caller]
	if own == nil {
		own = make(chan struct{}, t.share)
		t.own[caller] = own
	}
	return own
}

func wait(ctx context.Context, turns chan struct{}, late <-chan time.Time) error {
	select {
	case turns <- struct{}{}:
		return nil
	case <-late:
		return &gateway.Error{Code: gateway.CodeBusy, Text: "Too much work at once.", Retry: retryBusy}
	case <-ctx.Done():
		return &gateway.Error{Code: gateway.CodeCanceled, Text: "The request was abandoned.", Err: ctx.Err()}
	}
}

// inTurn does work for a caller when it is its turn.
func inTurn[T any](ctx context.Context, t *turns, caller string, work func() (T, error)) (result T, err error) {
	done, err := t.take(ctx, caller)
	if err != nil {
		return result, err
	}
	defer done()
	return work()
}

// patience is how long a client may be silent while it sends or receives. What
// has come fast earns no silence later: whoever has sent all but the last byte
// would hold its room for hours.
const patience = 30 * time.Second

// paced is a body that must keep coming: what has not, ends the connection.
type paced struct {
	io.ReadCloser
	c *http.ResponseController

	end time.Time // until when the next byte is waited for
	set time.Time // when the connection was told so
	got int64     // bytes since then

	begun, over bool // a byte was asked for; it has ended, or broken off
}

// pacing is how many bytes, and how much time, move the connection's deadline:
// to do so for every packet costs.
const (
	pacing      = 32 << 10
	pacingEvery = time.Second
)

// pace puts a request's body under a deadline that moves on as it comes, by as
// much time as [slowest] allows for it, to [patience] from now at most.
// A body that nobody reads is under it too: the server drops what is left of it
// after the answer. Nil for a request that has none.
func pace(c *gin.Context) *paced {
	if c.Request.Body == nil || c.Request.Body == http.NoBody {
		return nil
	}
	now := time.Now()
	p := &paced{ReadCloser: c.Request.Body, c: http.NewResponseController(c.Writer), end: now.Add(patience), set: now}
	_ = p.c.SetReadDeadline(p.end) // what has none, such as a test's recorder, is not slow
	c.Request.Body = p
	return p
}

func (p *paced) Read(b []byte) (int, error) {
	p.begun = true
	if now := time.Now(); p.got >= pacing || now.Sub(p.set) >= pacingEvery {
		p.end = p.end.Add(time.Duration(p.got) * time.Second / slowest)
		if latest := now.Add(patience); p.end.After(latest) {
			p.end = latest
		}
		p.set, p.got = now, 0
		if err := p.c.SetReadDeadline(p.end); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	n, err := p.ReadCloser.Read(b)
	p.got += int64(n)
	if err != nil {
		p.over = true
		// While the answer is made, only the end of the connection counts.
		_ = p.c.SetReadDeadline(time.Time{}) // as above
	}
	return n, err
}

// deliver gives a client the time to receive size bytes, and no more.
func deliver(w http.ResponseWriter, size int64) {
	end := time.Now().Add(patience + time.Duration(size/slowest)*time.Second)
	_ = http.NewResponseController(w).SetWriteDeadline(end) // what has none, such as a test's recorder, is not slow
}

// steady is an answer that must be taken as it is sent, piece by piece: whoever
// stops reading does not keep the document in the spool.
type steady struct{ http.ResponseWriter }

// Write implements io.Writer.
func (s steady) Write(b []byte) (int, error) {
	deliver(s.ResponseWriter, int64(len(b)))
	return s.ResponseWriter.Write(b)
}
