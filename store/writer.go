package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/absah-id/absah/internal/fault"
)

// Bounds of the group commit.
const (
	// maxGroup is how many Updates share a transaction: enough that fsync is a
	// small part of each, few enough that the first does not wait long.
	maxGroup = 128
	// maxQueue is how many may wait beyond those; more wait to be let in.
	maxQueue = 1024
	// maxWAL is the size in bytes at which the write-ahead log is brought into
	// the database with force. SQLite does so by itself when nobody reads, but
	// readers that overlap without a pause would let it grow for ever.
	maxWAL = 64 << 20
	// walPatience is how long that may keep writers waiting, in milliseconds.
	walPatience = "500"
)

// writer runs Updates one after the other in shared transactions.
type writer struct {
	conn  *sqliteConn
	queue chan *job
	quit  chan struct{} // closed by close
	ended chan struct{} // closed when the goroutine has ended
	once  sync.Once
	// failed is why nothing more can be written. Only the goroutine uses it.
	failed error
	// wal is the path of the write-ahead log, and walLimit its size from which
	// on it is emptied: maxWAL, or more after that failed. Only the goroutine
	// uses them.
	wal      string
	maxWAL   int64
	walLimit int64
	turn     *turnstile
}

// job is one Update on its way through the writer.
type job struct {
	taken  atomic.Bool // by the writer, or by a caller who gives up
	turn   chan error  // nil: the caller may use the connection
	ran    chan bool   // the caller has done with it; whether to keep its writes
	result chan error  // of the commit
}

func newWriter(conn *sqliteConn, path string, turn *turnstile) *writer {
	w := &writer{conn: conn, turn: turn, wal: path + "-wal", maxWAL: maxWAL, walLimit: maxWAL, queue: make(chan *job, maxQueue), quit: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// update runs fn in the next shared transaction and returns after its commit.
// It gives up when ctx is done before fn began.
func (w *writer) update(ctx context.Context, fn func(session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{turn: make(chan error, 1), ran: make(chan bool, 1), result: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	select {
	case err := <-j.turn:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		if err := <-j.turn; err != nil {
			return err
		}
	case <-w.ended: // after it nobody looks at the queue
		if j.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
		if err := <-j.turn; err != nil {
			return err
		}
	}
	keep := false
	err := func() error {
		// Also when fn panics or ends its goroutine.
		defer func() { j.ran <- keep }()
		err := fn(w.conn)
		keep = err == nil
		return err
	}()
	if err != nil {
		return err
	}
	return <-j.result
}

// close lets those that wait fail, and returns when nothing runs any more.
func (w *writer) close() {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case <-w.quit:
			return
		case j := <-w.queue:
			w.group(j)
		}
	}
}

// group runs first, and those that wait behind it, in one transaction.
func (w *writer) group(first *job) {
	if !first.taken.CompareAndSwap(false, true) {
		return
	}
	if w.failed != nil {
		first.turn <- w.failed
		return
	}
	leave := w.turn.enter()
	err := w.conn.do("BEGIN IMMEDIATE")
	leave()
	if err != nil {
		first.turn <- fmt.Errorf("store: begin: %w", err)
		return
	}
	var kept []*job
	for j, n := first, 0; j != nil && err == nil; n++ {
		var keep bool
		if keep, err = w.one(j); keep {
			kept = append(kept, j)
		}
		j = nil
		if err == nil && n < maxGroup {
			j = w.next()
		}
	}
	if err == nil && len(kept) > 0 {
		err = w.commit()
	} else {
		err = errors.Join(err, w.rollback())
	}
	for _, j := range kept {
		j.result <- err
	}
	if err == nil && len(kept) > 0 {
		w.emptyWAL()
	}
}

// emptyWAL empties a write-ahead log that has grown too long. What it cannot do
// because somebody reads for long it leaves until the log has grown again.
func (w *writer) emptyWAL() {
	info, err := os.Stat(w.wal)
	if err != nil || info.Size() < w.walLimit {
		return
	}
	// Nothing here can lose what was committed, so errors only mean: not yet.
	err = w.conn.do("PRAGMA busy_timeout = " + walPatience)
	if err == nil {
		err = w.conn.query(context.Background(), func(r row) error {
			var busy, frames, done int
			if err := r.Scan(&busy, &frames, &done); err != nil {
				return err
			}
			if busy != 0 {
				return errors.New("busy")
			}
			return nil
		}, "PRAGMA wal_checkpoint(TRUNCATE)", nil)
		err = errors.Join(err, w.conn.do("PRAGMA busy_timeout = "+busyTimeout))
	}
	w.walLimit = w.maxWAL
	if err != nil {
		w.walLimit = info.Size() + w.maxWAL/4
	}
}

// one lets a caller use the connection, in a savepoint. It returns whether
// the caller waits for the commit, and an error when the whole transaction is
// lost.
func (w *writer) one(j *job) (keep bool, err error) {
	if err := w.conn.do("SAVEPOINT one"); err != nil {
		j.turn <- fmt.Errorf("store: savepoint: %w", err)
		return false, err
	}
	j.turn <- nil
	keep = <-j.ran
	if !keep {
		// This fails when SQLite has rolled back everything by itself, as it
		// does when the disk is full.
		if err := w.conn.do("ROLLBACK TO one"); err != nil {
			return false, fmt.Errorf("store: another writer's transaction failed: %w", err)
		}
	}
	if err := w.conn.do("RELEASE one"); err != nil {
		return keep, fmt.Errorf("store: savepoint: %w", err)
	}
	return keep, nil
}

// next returns another job that waits, or nil.
func (w *writer) next() *job {
	for {
		select {
		case j := <-w.queue:
			if j.taken.CompareAndSwap(false, true) {
				return j
			}
		default:
			return nil
		}
	}
}

func (w *writer) commit() error {
	fault.Point("commit.before")
	err := w.conn.do("COMMIT")
	fault.Point("commit.after")
	if err == nil {
		return nil
	}
	if c := code(err); c == sqlite3.SQLITE_IOERR_FSYNC || c == sqlite3.SQLITE_IOERR_DIR_FSYNC || c&0xff == sqlite3.SQLITE_CORRUPT {
		// A second fsync would succeed without having written anything.
		w.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return errors.Join(fmt.Errorf("store: commit: %w", err), w.rollback())
}

// rollback ends the transaction unless SQLite has done so.
func (w *writer) rollback() error {
	err := w.conn.do("ROLLBACK")
	if err != nil && code(err) == sqlite3.SQLITE_ERROR { // no transaction is active
		return nil
	}
	return err
}
