package evidence

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"time"
)

// errNoMAC says that an intent carries none, which was so before there were any.
var errNoMAC = errors.New("the intent carries no MAC")

// macSize is the length of Entry.Receipt of an intent.
const macSize = sha256.Size

// intentMAC is what an intent carries in place of a receipt: HMAC-SHA256 over the
// text that a receipt would have.
func intentMAC(secret []byte, origin string, e *Entry) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(receiptText(origin, "hmac-sha256", e)))
	return h.Sum(nil)
}

// checkIntent verifies the MAC of an intent; errNoMAC when it has none. Without
// the secret nobody can.
func checkIntent(secret []byte, names []logName, e *Entry) error {
	switch {
	case len(secret) == 0:
		return nil
	case e.Receipt == nil:
		return errNoMAC
	}
	for _, n := range names {
		if hmac.Equal(e.Receipt, intentMAC(secret, n.origin, e)) {
			return nil
		}
	}
	return errors.New("the MAC of the intent does not hold")
}

// written tells whether a node of this log wrote the entry: nil, or what does not
// hold; errNoMAC for an intent without one.
func (l *Log) written(e *Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	if e.Phase != PhaseIntent {
		return checkReceipt(l.names, e)
	}
	return checkIntent(l.cfg.Intents, l.names, e)
}

// maxMade bounds the leaves that are remembered; what is forgotten is read back
// and verified.
const maxMade = 1 << 14

// remember notes an entry that this process has made, so that the sequencer need
// not read it back.
func (l *Log) remember(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == nil || len(l.made) >= maxMade {
		l.made = map[[32]byte]bool{}
	}
	l.made[e.Leaf] = true
}

// admit returns those of the waiting entries that a node of this log wrote, in
// their order. The others get no place, and Ready says so. The caller holds step.
func (l *Log) admit(ctx context.Context, waiting []Pending) ([]Pending, error) {
	var (
		out     = make([]Pending, 0, len(waiting))
		own     = make([]bool, len(waiting))
		foreign []int64
		refused error
	)
	l.mu.Lock()
	for i, w := range waiting {
		if own[i] = l.made[w.Leaf]; !own[i] {
			foreign = append(foreign, w.Row)
		}
	}
	l.mu.Unlock()
	read, err := l.cfg.Store.Waiting(ctx, foreign)
	if err != nil {
		return nil, err
	}
	for i, w := range waiting {
		e := read[w.Row] // one that has gone meanwhile is not of a piece
		if !own[i] {
			err := l.written(&e)
			if errors.Is(err, errNoMAC) {
				err = l.early(ctx)
			}
			if err == nil && e.Leaf != w.Leaf {
				err = errors.New("the row changed")
			}
			if err != nil {
				refused = fmt.Errorf("%w: %s %s of %.64q: %w", ErrForged, e.Phase, e.Kind, e.Operation, err)
				continue
			}
		}
		// What this process made carries a MAC if it is an intent.
		l.sealed = l.sealed || len(l.cfg.Intents) > 0 && (own[i] || e.Phase == PhaseIntent && e.Receipt != nil)
		out = append(out, w)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = refused
	return out, nil
}

// early is nil while no intent in the tree carries a MAC: until then those without
// are of a gateway from before there were any. The caller holds step.
func (l *Log) early(ctx context.Context) error {
	if !l.sealed {
		var err error
		if l.sealed, err = l.cfg.Store.Sealed(ctx); err != nil {
			return err
		}
	}
	if l.sealed {
		return errNoMAC
	}
	return nil
}

// isRefused returns ErrForged while an entry waits that gets no place.
func (l *Log) isRefused() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// placed notes entries that this process has put into the tree behind size. The
// caller holds step.
func (l *Log) placed(size int64, waiting []Pending) {
	if l.checked >= size {
		l.checked = max(l.checked, size+int64(len(waiting)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range waiting {
		delete(l.made, w.Leaf)
	}
}

// check makes sure that nodes of this log wrote the entries from index from on,
// before a head over them is signed: places and hashes are anybody's who writes
// to the database. It returns ErrTampered. The caller holds step.
func (l *Log) check(ctx context.Context, from, size int64) error {
	for from = max(from, l.checked); from < size; {
		entries, err := l.cfg.Store.Entries(ctx, from, min(auditBatch, size-from))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return fmt.Errorf("%w: the row of index %d is missing", ErrTampered, from)
		}
		for i := range entries {
			e := &entries[i]
			err := l.written(e)
			if errors.Is(err, errNoMAC) {
				err = nil // the node that gave it its place could tell
			}
			if e.Index != from {
				err = errors.New("the row is missing")
			}
			if err != nil {
				return fmt.Errorf("%w: index %d: %w", ErrTampered, from, err)
			}
			from++
		}
	}
	l.checked = size
	return nil
}

// farAway is after every promise.
var farAway = time.UnixMicro(math.MaxInt64 / 2)
