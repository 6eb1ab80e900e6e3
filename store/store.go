package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// Errors of this package; others come from gateway and evidence.
var (
	// ErrClosed: the DB has been closed.
	ErrClosed = errors.New("store: closed")
	// ErrNotDurable: the server is set to lose what it has acknowledged.
	ErrNotDurable = errors.New("store: the database does not write durably")
	// ErrNewer: the database was migrated by a later version of the program.
	ErrNewer = errors.New("store: the database belongs to a later version of this program")
	// ErrOlder: the database was made by an earlier version of the program and is
	// opened only to read.
	ErrOlder = errors.New("store: the database must be migrated first")
	// ErrUnreachable: the database server does not answer, or does not let the user
	// connect.
	ErrUnreachable = errors.New("store: the database server cannot be reached")
	// ErrReadOnly: the database is opened only to read.
	ErrReadOnly = errors.New("store: opened only to read")
	// ErrFailed: a write could not be brought to the disk, after which nobody
	// knows what the disk holds. Only opening the database again helps.
	ErrFailed = errors.New("store: the disk failed; the database must be opened again")

	errOutside = errors.New("store: a row of another organisation than the transaction's")
	errOver    = errors.New("store: a transaction was used after its end")
)

var (
	_ gateway.Store  = (*DB)(nil)
	_ evidence.Store = (*DB)(nil)
	_ gateway.Tx     = (*Tx)(nil)
)

// Options says which database to open.
type Options struct {
	// URL is sqlite:PATH, or postgres://… as libpq reads it. A search_path in
	// the latter names a schema, made when it is missing. The PostgreSQL user
	// must be absah_app or a member of it.
	URL string
	// MigrationURL is the address of PostgreSQL under the role that owns the
	// tables (absah_owner); "" stands for URL.
	MigrationURL string
	// Connections is how many connections to keep: on SQLite for reading, 0
	// stands for 4; on PostgreSQL for everything, 0 stands for 16.
	Connections int
	// ReadOnly opens what is there as it is, for an audit or a search: nothing is
	// made, migrated or written, and Update returns ErrReadOnly.
	ReadOnly bool
}

// DB is an open database.
type DB struct {
	engine engine
	rowKey []byte // of the MACs of rows, see SealRows; nil: none are made
}

// Owned tells whether the PostgreSQL user of Options.URL owns the tables, or may
// act as their owner: such a user can remove what keeps evidence from being
// changed.
// On SQLite, which has no users, it is false.
func (db *DB) Owned(ctx context.Context) (bool, error) {
	if p, ok := db.engine.(*postgresDB); ok {
		return p.owned(ctx)
	}
	return false, nil
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// update and view run fn with a session in one transaction.
	update(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) error
	view(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) error
	backup(ctx context.Context, path string) error
	// failed is closed when nothing more can be written; nil: never.
	failed() <-chan struct{}
	close() error
}

// Open opens the database, makes it when it is new, and migrates it. Migration
// takes a lock: of several processes that start at once one migrates and the
// others wait. It returns ErrNewer, ErrNotDurable, ErrUnreachable and, with
// ReadOnly, ErrOlder.
func Open(ctx context.Context, o Options) (*DB, error) {
	kind, path, _ := strings.Cut(o.URL, ":")
	switch kind {
	case "sqlite":
		if path == "" || strings.HasPrefix(path, ":") {
			return nil, errors.New("store: sqlite: wants the path of a file")
		}
		if o.MigrationURL != "" {
			return nil, errors.New("store: SQLite has no other address for migrations")
		}
		e, err := openSQLite(ctx, path, o)
		if err != nil {
			return nil, fmt.Errorf("store: %s: %w", path, err)
		}
		return &DB{engine: e}, nil
	case "postgres", "postgresql":
		e, err := openPostgres(ctx, o)
		if _, refused := errors.AsType[*pgconn.ConnectError](err); refused {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		if err != nil {
			return nil, fmt.Errorf("store: PostgreSQL: %w", err)
		}
		return &DB{engine: e}, nil
	default:
		return nil, errors.New("store: a database is named by a URL of sqlite or postgres")
	}
}

// Update is gateway.Store's.
func (db *DB) Update(ctx context.Context, scope gateway.Scope, fn func(gateway.Tx) error) error {
	return db.engine.update(ctx, scope, func(tx *Tx) error {
		tx.rowKey = db.rowKey
		return fn(tx)
	})
}

// View is gateway.Store's.
func (db *DB) View(ctx context.Context, scope gateway.Scope, fn func(gateway.Reader) error) error {
	return db.engine.view(ctx, scope, func(tx *Tx) error {
		tx.rowKey = db.rowKey
		return fn(tx)
	})
}

// Ping tells whether the database writes durably: it commits a change that
// changes nothing.
func (db *DB) Ping(ctx context.Context) error {
	return db.engine.update(ctx, gateway.AllOrganisations, func(tx *Tx) error {
		_, err := tx.exec(ctx, `UPDATE time_floor SET at = at WHERE id = 1`)
		return err
	})
}

// Backup writes a consistent copy of a SQLite database to a new file, durably
// or not at all, while others go on writing. PostgreSQL has tools of its own:
// there it returns errors.ErrUnsupported.
func (db *DB) Backup(ctx context.Context, path string) error {
	return db.engine.backup(ctx, path)
}

// Failed returns a channel that is closed once writes end in ErrFailed, which
// they then do until the database is opened again. It is nil where that cannot
// be: PostgreSQL starts itself again.
func (db *DB) Failed() <-chan struct{} { return db.engine.failed() }

// Close waits for transactions under way and closes the database.
func (db *DB) Close() error { return db.engine.close() }

// Tx is a transaction. It belongs to the function that it was given to, and
// to one goroutine.
type Tx struct {
	s     session
	scope gateway.Scope
	// rowKey is the DB's.
	rowKey []byte
	// broken is the first error of the database. It stays: the transaction
	// cannot be committed any more, whatever its function makes of it.
	broken error
	over   bool
}

// session runs statements in one transaction of one connection.
type session interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	// query calls each for every row.
	query(ctx context.Context, each func(row) error, query string, args []any) error
	// place gives rows places in the tree from index on, and takes them off the
	// list of those that wait.
	place(ctx context.Context, tx *Tx, index int64, rows []int64) error
	// hashRows returns the rows of tree_hashes that may hold the indexes.
	hashRows(ctx context.Context, tx *Tx, indexes []int64) ([]hashRow, error)
	// lock is the clause that locks the rows read, for UPDATE or SHARE, where
	// one is needed.
	lock(how string) string
}

// row is one row of an answer.
type row interface {
	Scan(dest ...any) error
}

// run calls fn with the transaction and closes that. It returns an error also
// when fn has swallowed one of the database's.
func (tx *Tx) run(fn func(*Tx) error) error {
	defer func() { tx.over = true }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.broken
}

// exec runs a statement and returns how many rows it touched.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := tx.usable(ctx); err != nil {
		return 0, err
	}
	n, err := tx.s.exec(ctx, query, args)
	return n, tx.note(err)
}

// usable returns why no further statement can run.
func (tx *Tx) usable(ctx context.Context) error {
	if tx.over {
		return errOver
	}
	if tx.broken != nil {
		return tx.broken
	}
	return ctx.Err()
}

func (tx *Tx) note(err error) error {
	if err != nil && tx.broken == nil {
		tx.broken = err
	}
	return err
}

// list returns all rows of a query.
func list[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if err := tx.usable(ctx); err != nil {
		return nil, err
	}
	var out []T
	err := tx.s.query(ctx, func(r row) error {
		v, err := scan(r)
		out = append(out, v)
		return err
	}, query, args)
	if err != nil {
		return nil, tx.note(err)
	}
	return out, nil
}

// one returns the first row of a query, or ErrNotFound.
func one[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) (T, error) {
	all, err := list(ctx, tx, scan, query, args...)
	if err != nil || len(all) == 0 {
		var zero T
		if err == nil {
			err = gateway.ErrNotFound
		}
		return zero, err
	}
	return all[0], nil
}

// isText says whether a database can hold s as text. PostgreSQL takes a question
// about any other for an error, by which a stranger's user name would look like a
// database that fails; nothing has such a name.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// added turns the count of an INSERT … ON CONFLICT DO NOTHING into an error.
func added(n int64, err error) error {
	if err == nil && n == 0 {
		return gateway.ErrExists
	}
	return err
}

// changed turns the count of a compare-and-set into an error.
func changed(n int64, err error) error {
	if err == nil && n == 0 {
		return gateway.ErrChanged
	}
	return err
}

// owns returns an error when a row of organisation is outside of the scope.
func (tx *Tx) owns(organisation string) error {
	if tx.scope != gateway.AllOrganisations && string(tx.scope) != organisation {
		return errOutside
	}
	return nil
}

// organisation is whose rows are written where the caller names none.
func (tx *Tx) organisation() string {
	if tx.scope == gateway.AllOrganisations {
		return ""
	}
	return string(tx.scope)
}
