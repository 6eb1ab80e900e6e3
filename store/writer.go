package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	sqlite3 "github.com/mattn/go-sqlite3"

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
	lost  chan struct{} // closed when nothing more can be written
	once  sync.Once
	turn  *turnstile

	// Only the goroutine uses what follows.

	failed error  // why nothing more can be written
	kept   []*job // whose writes are in the transaction under way
	todo   []*job // that run before others are taken
	// wal is the path of the write-ahead log, and walLimit its size from which
	// on it is emptied: maxWAL, or more after that failed.
	wal      string
	maxWAL   int64
	walLimit int64
}

// job is one Update on its way through the writer. Its function runs in the
// writer's goroutine, so that the caller is woken once, when all is over.
type job struct {
	fn    func(session) error
	taken atomic.Bool // by the writer, or by a caller who gives up
	over  chan end    // has room for one
}

// end is what became of an Update.
type end struct {
	err      error
	panicked *panicked // nil when its function did not
	exited   bool      // its function ended its goroutine (runtime.Goexit)
}

// panicked is what a function panicked with, and where. The caller panics with
// it: in its goroutine somebody may recover.
type panicked struct {
	value any
	stack []byte
}

// String is what a recovered panic is logged as.
func (p *panicked) String() string {
	return fmt.Sprintf("%v, in a transaction:\n%s", p.value, p.stack)
}

func newWriter(conn *sqliteConn, path string, turn *turnstile) *writer {
	w := &writer{conn: conn, turn: turn, wal: path + "-wal", maxWAL: maxWAL, walLimit: maxWAL, queue: make(chan *job, maxQueue), quit: make(chan struct{}), ended: make(chan struct{}), lost: make(chan struct{})}
	go w.loop(false)
	return w
}

// update runs fn in the next shared transaction and returns after its commit.
// It gives up when ctx is done before fn began.
func (w *writer) update(ctx context.Context, fn func(session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{fn: fn, over: make(chan end, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	var e end
	select {
	case e = <-j.over:
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		e = <-j.over
	case <-w.ended: // after it nobody looks at the queue
		if j.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
		e = <-j.over
	}
	if e.panicked != nil {
		panic(e.panicked)
	}
	if e.exited {
		runtime.Goexit()
	}
	return e.err
}

// close lets those that wait fail, and returns when nothing runs any more.
func (w *writer) close() {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
}

// loop runs groups until close. interrupted tells that the goroutine before it
// was ended by a function, in the middle of a transaction.
func (w *writer) loop(interrupted bool) {
	closed := false
	defer func() {
		if closed {
			close(w.ended)
		} else {
			go w.loop(true)
		}
	}()
	if interrupted {
		w.group(true)
	}
	for {
		select {
		case <-w.quit:
			closed = true
			return
		case j := <-w.queue:
			if j.taken.CompareAndSwap(false, true) {
				w.todo = append(w.todo, j)
				runtime.Gosched() // who is about to come may come along
				w.group(false)
			}
		}
	}
}

// group runs what is to be done, and what waits behind it, in one transaction.
// With spoiled there is one that holds writes of a function that failed.
//
// A savepoint for each function would cost more than most functions do. So
// without one, a function that fails after it has written takes the others with
// it: they run again, in savepoints, and further failures take nobody along.
func (w *writer) group(spoiled bool) {
	var err error
	careful := false
	for first := true; first || spoiled; first = false {
		if spoiled {
			careful = true
			w.todo, w.kept = append(w.kept, w.todo...), nil
			if err = w.rollback(); err != nil || len(w.todo) == 0 {
				break
			}
		}
		if spoiled, err = w.attempt(careful); err != nil {
			break
		}
	}
	commits := err == nil && len(w.kept) > 0
	if commits {
		err = w.commit()
	} else {
		err = errors.Join(err, w.rollback())
	}
	for _, j := range append(w.kept, w.todo...) {
		j.over <- end{err: err}
	}
	w.kept, w.todo = nil, nil
	if commits && err == nil {
		w.emptyWAL()
	}
}

// attempt begins a transaction, runs functions in it and leaves in kept those
// that wait for the commit. An error means that it is lost for all of them, and
// spoiled what it means for group.
func (w *writer) attempt(careful bool) (spoiled bool, err error) {
	if w.failed != nil {
		return false, w.failed
	}
	leave := w.turn.enter()
	err = w.conn.do("BEGIN IMMEDIATE")
	leave()
	if err != nil {
		return false, fmt.Errorf("store: begin: %w", err)
	}
	for n := 0; err == nil && !spoiled; n++ {
		if len(w.todo) == 0 {
			if n < maxGroup {
				w.next()
			}
			if len(w.todo) == 0 {
				return false, nil
			}
		}
		j := w.todo[0]
		w.todo = w.todo[1:]
		if careful {
			err = w.inSavepoint(j)
		} else {
			w.conn.touched = false
			spoiled = !w.run(j) && w.conn.touched
		}
	}
	return spoiled, err
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

// inSavepoint runs a function whose failure does nothing to the others. It
// returns an error when the whole transaction is lost.
func (w *writer) inSavepoint(j *job) error {
	if err := w.conn.do("SAVEPOINT one"); err != nil {
		j.over <- end{err: fmt.Errorf("store: savepoint: %w", err)}
		return err
	}
	if !w.run(j) {
		// This fails when SQLite has rolled back everything by itself, as it
		// does when the disk is full.
		if err := w.conn.do("ROLLBACK TO one"); err != nil {
			return fmt.Errorf("store: another writer's transaction failed: %w", err)
		}
	}
	if err := w.conn.do("RELEASE one"); err != nil {
		return fmt.Errorf("store: savepoint: %w", err)
	}
	return nil
}

// run calls the function of an Update and reports whether it waits for the
// commit, in kept. Otherwise its caller has been told.
func (w *writer) run(j *job) (keep bool) {
	e := end{exited: true}
	defer func() {
		if v := recover(); v != nil {
			e = end{panicked: &panicked{v, debug.Stack()}}
		}
		if !keep {
			j.over <- e
		}
	}()
	if err := j.fn(w.conn); err != nil {
		e = end{err: err}
		return false
	}
	w.kept = append(w.kept, j)
	return true
}

// next puts another job that waits into todo, when there is one.
func (w *writer) next() {
	for {
		select {
		case j := <-w.queue:
			if j.taken.CompareAndSwap(false, true) {
				w.todo = append(w.todo, j)
				return
			}
		default:
			return
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
	if c := code(err); c == int(sqlite3.ErrIoErrFsync) || c == int(sqlite3.ErrIoErrDirFsync) || c&0xff == int(sqlite3.ErrCorrupt) {
		// A second fsync would succeed without having written anything.
		w.failed = fmt.Errorf("%w: %w", ErrFailed, err) // the first time: no commit follows
		close(w.lost)
		return errors.Join(w.failed, w.rollback())
	}
	return errors.Join(fmt.Errorf("store: commit: %w", err), w.rollback())
}

// rollback ends the transaction unless SQLite has done so.
func (w *writer) rollback() error {
	err := w.conn.do("ROLLBACK")
	if err != nil && code(err) == int(sqlite3.ErrError) { // no transaction is active
		return nil
	}
	return err
}
