package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/fault"
)

// appRole is what every session works as.
const appRole = "absah_app"

const (
	// maxRetries bounds how often a transaction that collided runs again.
	maxRetries = 8
	// commitTime is how long a commit may take: it is not abandoned with its
	// caller, and a synchronous replica may be slow.
	commitTime = 30 * time.Second
)

// postgresDB is PostgreSQL.
type postgresDB struct {
	pool     *pgxpool.Pool
	readOnly bool
	closed   atomic.Bool
}

func openPostgres(ctx context.Context, o Options) (_ *postgresDB, err error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	owner := config.ConnConfig.Copy()
	if o.MigrationURL != "" {
		if owner, err = pgx.ParseConfig(o.MigrationURL); err != nil {
			return nil, err
		}
		if path, ok := config.ConnConfig.RuntimeParams["search_path"]; ok {
			owner.RuntimeParams["search_path"] = path
		}
	}
	if o.ReadOnly {
		err = checkPostgres(ctx, config.ConnConfig)
	} else {
		err = migratePostgres(ctx, owner)
	}
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(o.Connections)
	if config.MaxConns <= 0 {
		config.MaxConns = 16
	}
	for name, value := range map[string]string{
		"role":                                appRole,
		"statement_timeout":                   "30s",
		"lock_timeout":                        "15s",
		"idle_in_transaction_session_timeout": "60s",
		"application_name":                    "absah",
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	db := &postgresDB{readOnly: o.ReadOnly}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if err := db.check(ctx); err != nil {
		db.pool.Close()
		return nil, err
	}
	return db, nil
}

// check refuses a server that forgets, and a role that could do more than work.
func (db *postgresDB) check(ctx context.Context) error {
	var fsync, pages, commit string
	var super bool
	err := db.pool.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`).Scan(&fsync, &pages, &commit, &super)
	switch {
	case err != nil:
		return err
	case fsync == "off" || pages == "off" || commit == "off":
		return fmt.Errorf("%w: fsync is %s, full_page_writes is %s, synchronous_commit is %s", ErrNotDurable, fsync, pages, commit)
	case super:
		return fmt.Errorf("the role %s can bypass row-level security", appRole)
	}
	return nil
}

// owned tells whether who logged in can act as the owner of the evidence.
func (db *postgresDB) owned(ctx context.Context) (owned bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT pg_has_role(session_user, relowner, 'MEMBER') FROM pg_class WHERE oid = 'entries'::regclass`).Scan(&owned)
	return owned, err
}

func (db *postgresDB) update(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) error {
	if db.readOnly {
		return ErrReadOnly
	}
	return db.retry(ctx, "begin isolation level read committed", scope, fn)
}

func (db *postgresDB) view(ctx context.Context, scope gateway.Scope, fn func(*Tx) error) error {
	return db.retry(ctx, "begin isolation level repeatable read read only", scope, fn)
}

// retry runs a transaction until it neither collides with another nor loses its
// connection, or has tried often enough.
func (db *postgresDB) retry(ctx context.Context, begin string, scope gateway.Scope, fn func(*Tx) error) error {
	for n := 0; ; n++ {
		again, err := db.once(ctx, begin, scope, fn)
		if err == nil || !again || n == maxRetries {
			return err
		}
		// Doubled each time, and not the same for those that collided.
		var spread [1]byte
		rand.Read(spread[:])
		wait := time.Duration(1<<n) * time.Millisecond
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(wait + wait*time.Duration(spread[0])/256):
		}
	}
}

// once runs a transaction. again tells that it was not committed and may be
// next time.
func (db *postgresDB) once(ctx context.Context, begin string, scope gateway.Scope, fn func(*Tx) error) (again bool, err error) {
	if db.closed.Load() {
		return false, ErrClosed
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	// A connection that is not idle afterwards is closed by the pool: that is
	// how a transaction ends whose function panicked.
	defer conn.Release()
	tx := &Tx{s: &postgresSession{conn: conn.Conn()}, scope: scope}
	var b pgx.Batch
	b.Queue(begin)
	b.Queue(`SELECT set_config('absah.organisation', $1, true)`, string(scope))
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		return transient(conn, err), err
	}
	if err := tx.run(fn); err != nil {
		if tx.broken != nil {
			again = transient(conn, tx.broken)
		}
		if !conn.Conn().IsClosed() {
			// Its error closes the connection, which rolls back as well.
			_, _ = conn.Exec(context.WithoutCancel(ctx), "rollback")
		}
		return again && ctx.Err() == nil, err
	}
	return commitPostgres(ctx, conn)
}

func commitPostgres(ctx context.Context, conn *pgxpool.Conn) (again bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	fault.Point("commit.before")
	tag, err := conn.Exec(ctx, "commit")
	fault.Point("commit.after")
	var answer *pgconn.PgError
	switch {
	case err == nil && tag.String() == "COMMIT":
		return false, nil
	case err == nil:
		return false, errors.New("store: the server rolled back instead of committing")
	case errors.As(err, &answer) && answer.Severity == "ERROR", pgconn.SafeToRetry(err):
		return transient(conn, err), err
	default:
		return false, fmt.Errorf("%w: %w", gateway.ErrUnknownCommit, err)
	}
}

// transient tells whether a transaction that was not committed for this reason
// may run again: it collided, or the connection is gone.
func transient(conn *pgxpool.Conn, err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
			return true
		}
	}
	return conn.Conn().IsClosed()
}

func (db *postgresDB) backup(context.Context, string) error {
	return fmt.Errorf("store: back up PostgreSQL with its own tools: %w", errors.ErrUnsupported)
}

func (db *postgresDB) failed() <-chan struct{} { return nil }

func (db *postgresDB) close() error {
	db.closed.Store(true)
	db.pool.Close()
	return nil
}

type postgresSession struct{ conn *pgx.Conn }

func (s *postgresSession) lock(how string) string { return " FOR " + how }

func (s *postgresSession) exec(ctx context.Context, query string, args []any) (int64, error) {
	tag, err := s.conn.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (s *postgresSession) query(ctx context.Context, each func(row) error, query string, args []any) error {
	r, err := s.conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := each(r); err != nil {
			return err
		}
	}
	return r.Err()
}
