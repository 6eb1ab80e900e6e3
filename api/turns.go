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

// patience is how long a client may be silent while it sends or receives,
// beyond what [slowest] allows for what it has sent.
const patience = 30 * time.Second

// paced is a body that must keep coming: what has not, ends the connection.
type paced struct {
	io.ReadCloser
	c     *http.ResponseController
	began time.Time
	got   int64
	next  int64 // when the deadline moves
}

// pacing is how many bytes move the deadline.
const pacing = 32 << 10

// pace puts a request's body under a deadline that moves on as it comes.
func pace(c *gin.Context) {
	p := &paced{ReadCloser: c.Request.Body, c: http.NewResponseController(c.Writer), began: time.Now()}
	c.Request.Body = p
}

func (p *paced) Read(b []byte) (int, error) {
	if p.got >= p.next {
		p.next = p.got + pacing
		end := p.began.Add(patience + time.Duration(p.got/slowest)*time.Second)
		if err := p.c.SetReadDeadline(end); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	n, err := p.ReadCloser.Read(b)
	p.got += int64(n)
	if err != nil {
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
