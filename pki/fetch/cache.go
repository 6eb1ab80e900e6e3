package fetch

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// cache remembers verified answers and, briefly, failures, least recently
// used ones forgotten first. It never reads a clock.
type cache struct {
	mu    sync.Mutex
	limit int
	size  int                      // guarded by mu
	order *list.List               // of *memory, newest first; guarded by mu
	byKey map[string]*list.Element // guarded by mu
}

type memory struct {
	key    string
	answer answer
	err    error     // of a failure
	until  time.Time // of a failure
	stored time.Time
}

// overhead is what an entry costs beside its bytes, roughly.
const overhead = 512

func (m *memory) size() int { return len(m.key) + len(m.answer.der) + overhead }

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), byKey: make(map[string]*list.Element)}
}

// failed marks the key of a failure, so that it does not push out an answer
// that is still good for those who do not need a newer one.
const failed = "!"

// get returns an answer that is still right: made after notBefore (one of the
// same second may have been made before it), not past nextUpdate, stored at
// most maxAge ago.
func (c *cache) get(key string, now, notBefore time.Time, maxAge time.Duration) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return answer{}, false
	}
	m := e.Value.(*memory)
	age := now.Sub(m.stored)
	if !now.Before(m.answer.until) || age > maxAge || age < 0 {
		c.drop(e)
		return answer{}, false
	}
	if !m.answer.made.After(notBefore) {
		return answer{}, false
	}
	c.order.MoveToFront(e)
	return m.answer, true
}

// failure returns the error of a recent attempt, or nil.
func (c *cache) failure(key string, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[failed+key]
	if e == nil {
		return nil
	}
	m := e.Value.(*memory)
	if !now.Before(m.until) {
		c.drop(e)
		return nil
	}
	return m.err
}

func (c *cache) put(key string, a answer, now time.Time) {
	c.store(&memory{key: key, answer: a, stored: now})
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[failed+key]; e != nil {
		c.drop(e)
	}
}

func (c *cache) fail(key string, err error, until time.Time) {
	c.store(&memory{key: failed + key, err: err, until: until})
}

func (c *cache) store(m *memory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byKey[m.key]; old != nil {
		c.drop(old)
	}
	if m.size() > c.limit {
		return
	}
	c.byKey[m.key] = c.order.PushFront(m)
	for c.size += m.size(); c.size > c.limit; {
		c.drop(c.order.Back())
	}
}

// drop forgets e. The caller holds mu.
func (c *cache) drop(e *list.Element) {
	m := c.order.Remove(e).(*memory)
	c.size -= m.size()
	delete(c.byKey, m.key)
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	c.byKey = make(map[string]*list.Element)
	c.size = 0
}

// gate lets maxPerHost requests at a time through to one host.
type gate struct {
	mu    sync.Mutex
	hosts map[string]*turns // guarded by mu
}

type turns struct {
	slots chan struct{}
	users int // waiting or inside; guarded by gate.mu
}

// enter waits for a turn until ctx is done. The caller must call leave.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	g.mu.Lock()
	t := g.hosts[host]
	if t == nil {
		t = &turns{slots: make(chan struct{}, maxPerHost)}
		g.hosts[host] = t
	}
	t.users++
	g.mu.Unlock()
	release := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(g.hosts, host) // hosts are as many as attackers like
		}
	}
	select {
	case t.slots <- struct{}{}:
		return func() { <-t.slots; release() }, nil
	case <-ctx.Done():
		release()
		return nil, ctx.Err()
	}
}
