package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/absah-id/absah/gateway"
)

// maxStatements is how many prepared statements a connection keeps. Only
// searches vary, and there are fewer kinds of them.
const maxStatements = 512

// busyTimeout is how long to wait for another process's transaction, in
// milliseconds.
const busyTimeout = "15000"

// sqliteDB is SQLite: one writer, several readers.
type sqliteDB struct {
	pool    *sql.DB
	writer  *writer
	turn    *turnstile
	readers chan *sqliteConn
	all     []*sqliteConn
	ready   bool // all readers are there
	closed  sync.Once
	gone    chan struct{} // closed by close
}

func openSQLite(ctx context.Context, path string, o Options) (_ *sqliteDB, err error) {
	if o.Connections <= 0 {
		o.Connections = 4
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		if err := prepareSQLite(ctx, path); err != nil {
			return nil, err
		}
	}
	db := &sqliteDB{readers: make(chan *sqliteConn, o.Connections), gone: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.close())
		}
	}()
	db.pool = sql.OpenDB(connectorTo(path, o.ReadOnly))
	if o.ReadOnly {
		if err := finished(ctx, db.pool, "migrations/sqlite"); err != nil {
			return nil, err
		}
	}
	var w *sqliteConn
	if !o.ReadOnly {
		if w, err = db.connectWriter(ctx); err != nil {
			return nil, err
		}
	}
	for range o.Connections {
		r, err := db.connect(ctx)
		if err != nil {
			return nil, err
		}
		// What they read over and over is little, and the system keeps pages too.
		if err := errors.Join(r.do(`PRAGMA query_only = 1`), r.do(`PRAGMA cache_size = -512`)); err != nil {
			return nil, err
		}
		db.readers <- r
	}
	if w != nil {
		if db.turn, err = openTurnstile(path + ".turn"); err != nil {
			return nil, err
		}
		db.writer = newWriter(w, path, db.turn)
	}
	db.ready = true
	return db, nil
}

// prepareSQLite makes the file when there is none, and migrates it.
func prepareSQLite(ctx context.Context, path string) error {
	// SQLite would let everybody read it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return migrateSQLite(ctx, path)
}

// connectWriter makes the connection that writes.
func (db *sqliteDB) connectWriter(ctx context.Context) (*sqliteConn, error) {
	w, err := db.connect(ctx)
	if err != nil {
		return nil, err
	}
	// The indexes that grow at random places.
	if err := w.do(`PRAGMA cache_size = -8192`); err != nil {
		return nil, err
	}
	return w, w.checkPragmas(ctx)
}

// connect takes one connection out of the pool for good.
func (db *sqliteDB) connect(ctx context.Context) (*sqliteConn, error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &sqliteConn{conn: conn, statements: map[string]*statement{}}
	db.all = append(db.all, c)
	return c, nil
}

// checkPragmas makes sure that SQLite does what the DSN asked for: on file
// systems without shared memory it silently keeps another journal mode.
func (c *sqliteConn) checkPragmas(ctx context.Context) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := c.conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%w: %s is %s", ErrNotDurable, pragma, got)
		}
	}
	return nil
}

func (db *sqliteDB) update(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) error {
	if db.writer == nil {
		return ErrReadOnly
	}
	return db.writer.update(ctx, func(s session) error {
		return (&Tx{s: s, scope: scope}).run(fn)
	})
}

func (db *sqliteDB) view(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *sqliteConn
	select {
	case <-db.gone:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case c = <-db.readers:
	}
	defer func() { db.readers <- c }()
	if err := c.do("BEGIN"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.do("ROLLBACK")) }()
	return (&Tx{s: c, scope: scope}).run(fn)
}

func (db *sqliteDB) backup(ctx context.Context, path string) error {
	tmp := path + ".part"
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("store: backup: %w", os.ErrExist), err)
	}
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer os.Remove(tmp) // it is gone when all went well
	if err := f.Close(); err != nil {
		return err
	}
	// VACUUM cannot run in a transaction, so on a connection of its own; it may
	// write to an empty file.
	if _, err := db.pool.ExecContext(ctx, `VACUUM INTO $1`, tmp); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil { // unlike rename it replaces nothing
		return fmt.Errorf("store: backup: %w", err)
	}
	return syncFile(filepath.Dir(path))
}

// syncFile brings a file or the names in a folder to the disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (db *sqliteDB) failed() <-chan struct{} {
	if db.writer == nil {
		return nil
	}
	return db.writer.lost
}

func (db *sqliteDB) close() (err error) {
	db.closed.Do(func() {
		close(db.gone)
		if db.writer != nil {
			db.writer.close()
		}
		if db.ready {
			for range cap(db.readers) {
				<-db.readers // until who reads has ended
			}
		}
		for _, c := range db.all {
			err = errors.Join(err, c.close())
		}
		if db.turn != nil {
			err = errors.Join(err, db.turn.close())
		}
		if db.pool != nil {
			err = errors.Join(err, db.pool.Close())
		}
	})
	return err
}

// sqliteConn is a connection with its prepared statements. One goroutine at a
// time uses it.
//
// Its statements run without the caller's context, which would cost a goroutine
// each; they are short, and Tx looks at the context before each.
type sqliteConn struct {
	conn       *sql.Conn
	statements map[string]*statement
	// touched is set by whatever may have changed the database, and by what
	// failed: after an error SQLite may have rolled back.
	touched bool
}

func (c *sqliteConn) lock(string) string { return "" }

// statement is a prepared statement, open until its connection is closed.
type statement struct{ *sql.Stmt }

func (c *sqliteConn) prepare(query string) (*statement, error) {
	if s := c.statements[query]; s != nil {
		return s, nil
	}
	if len(c.statements) >= maxStatements {
		for q, s := range c.statements {
			delete(c.statements, q)
			if err := s.Close(); err != nil {
				return nil, err
			}
		}
	}
	prepared, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s := &statement{prepared}
	c.statements[query] = s
	return s, nil
}

func (c *sqliteConn) exec(_ context.Context, query string, args []any) (int64, error) {
	n, err := c.step(query, args)
	c.touched = c.touched || n > 0 || err != nil
	return n, err
}

// do runs a statement of transaction control.
func (c *sqliteConn) do(query string) error {
	_, err := c.step(query, nil)
	return err
}

// step runs a statement without rows and returns how many it touched.
func (c *sqliteConn) step(query string, args []any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *sqliteConn) query(_ context.Context, each func(row) error, query string, args []any) (err error) {
	defer func() { c.touched = c.touched || err != nil || !strings.HasPrefix(query, "SELECT ") }()
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	r, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer r.Close() // Err has told everything
	for r.Next() {
		if err := each(r); err != nil {
			return err
		}
	}
	return r.Err()
}

func (c *sqliteConn) close() error {
	var err error
	for _, s := range c.statements {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.conn.Close())
}
