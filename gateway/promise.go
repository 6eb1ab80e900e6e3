package gateway

import (
	"context"
	"sync"
	"time"
)

// promiseFor is how long an answer of the log to whether it keeps its promises
// is believed: asking costs a query, and what is late is late for minutes.
const promiseFor = time.Second

// promise remembers whether the log keeps its promises. Once a record has waited
// for its place longer than its receipt says, or the tree contradicts what was
// published, nothing may be begun.
type promise struct {
	mu    sync.Mutex
	asked time.Time // guarded by mu
	err   error     // guarded by mu
}

// kept asks the log, at most every promiseFor. The error is for the caller.
func (p *promise) kept(ctx context.Context, n Notary, at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := at.Sub(p.asked); age < 0 || age >= promiseFor {
		err := n.Ready(ctx)
		if ctx.Err() != nil {
			return fromStore(ctx.Err()) // it says nothing of the log
		}
		p.asked, p.err = at, err
	}
	if p.err != nil {
		return &Error{Code: CodeRecord, Retry: retryService, Err: p.err, Text: "The log cannot keep its promises, so nothing is done."}
	}
	return nil
}
