package evidence

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// A signature of the receipt key costs several times as much as everything else
// that is done for a receipt, so it pays to wait for others that will want one.
const (
	// gathering is how long the first of those that wait does so at most, for
	// others that are on their way: a small part of what an operation takes.
	gathering = 4 * time.Millisecond
	// onTheWay is how long ago an operation may have begun and still be waited
	// for. One that takes longer asks a timestamp authority or opens a key under
	// a passphrase, and nobody knows when it will come.
	onTheWay = 50 * time.Millisecond
	// maxComing bounds how many are known to be on their way: more would not
	// share one signature.
	maxComing = 4 * maxReceipts
)

// receiptSigner signs the receipts that wait while it is at one as the next, all
// at once, and waits a little for those that will come soon. It may be used by
// several goroutines.
type receiptSigner struct {
	origin string
	key    *noteKey

	mu      sync.Mutex
	busy    bool          // guarded by mu, as all below: somebody signs, or gathers
	waiting []*waiting    // for their receipts
	coming  []coming      // operations that will want one, in the order in which they began
	enough  chan struct{} // closed when nobody else is worth waiting for; nil: nobody gathers
}

// waiting is an entry that wants its receipt.
type waiting struct {
	entry *Entry
	until time.Time // when it has waited for others long enough
	err   error
	turn  chan bool // true: sign for all who wait; false: it is done
}

// coming is an operation whose intent was made.
type coming struct {
	operation string
	at        time.Time
}

// expect says that the operation of an intent is likely to want a receipt soon.
func (s *receiptSigner) expect(intent *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.coming) == maxComing {
		s.coming = slices.Delete(s.coming, 0, 1)
	}
	s.coming = append(s.coming, coming{intent.Operation, intent.Time})
}

// arrived strikes out e's operation, and those that are no longer expected. The
// caller holds mu.
func (s *receiptSigner) arrived(e *Entry) {
	s.coming = slices.DeleteFunc(s.coming, func(c coming) bool {
		age := e.Time.Sub(c.at)
		return c.operation == e.Operation || age > onTheWay || age < -onTheWay
	})
}

// complete tells whether waiting longer would gain nothing. The caller holds mu.
func (s *receiptSigner) complete() bool {
	return len(s.waiting) >= maxReceipts || len(s.coming) == 0
}

// sign sets e.Receipt. It waits for two signatures at most and for as long as
// others are gathered, unless more than maxReceipts come at once.
func (s *receiptSigner) sign(e *Entry) error {
	w := &waiting{entry: e, until: time.Now().Add(gathering), turn: make(chan bool, 1)}
	s.mu.Lock()
	s.arrived(e)
	s.waiting = append(s.waiting, w)
	mine := !s.busy
	s.busy = true
	if s.enough != nil && s.complete() {
		close(s.enough)
		s.enough = nil
	}
	s.mu.Unlock()
	if mine || <-w.turn {
		s.gather(w.until)
		s.signAll(w)
	}
	return w.err
}

// gather returns when nobody else is worth waiting for, at the latest at until.
func (s *receiptSigner) gather(until time.Time) {
	s.mu.Lock()
	if s.complete() {
		s.mu.Unlock()
		return
	}
	enough := make(chan struct{})
	s.enough = enough
	s.mu.Unlock()
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	select {
	case <-enough:
	case <-late.C:
		s.mu.Lock()
		s.enough = nil
		s.mu.Unlock()
	}
}

// signAll signs for those who wait, of whom w is the first, and lets the next
// one do the same.
func (s *receiptSigner) signAll(w *waiting) {
	s.mu.Lock()
	n := min(len(s.waiting), maxReceipts)
	all := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()
	err := errors.New("evidence: the receipt key did not return") // as after a panic
	defer func() {
		for _, other := range all {
			other.err = err
			if other != w {
				other.turn <- false
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.busy = len(s.waiting) > 0; s.busy {
			s.waiting[0].turn <- true
		}
	}()
	entries := make([]*Entry, n)
	for i := range all {
		entries[i] = all[i].entry
	}
	err = signReceipts(s.origin, s.key, entries)
}
