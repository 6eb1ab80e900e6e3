package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// lockWait is how long to wait for another process that migrates.
const lockWait = 5 * time.Minute

func migrateSQLite(ctx context.Context, path string) (err error) {
	// A lock on the database itself would be in the way of goose, which
	// migrates in several transactions.
	unlock, err := lockFile(ctx, path+".migrate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	db := sql.OpenDB(connectorTo(path, false))
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	return migrate(ctx, db, goose.DialectSQLite3, "migrations/sqlite")
}

// lockFile waits for an advisory lock. The kernel drops it when the process
// ends, however that happens.
func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("another process migrates: %w", ctx.Err()), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// migratePostgres makes the schema that the search path names first, when that
// is missing, and migrates it.
func migratePostgres(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	done, err := migrated(ctx, db)
	if done || err != nil {
		return err
	}
	if schema := config.RuntimeParams["search_path"]; schema != "" {
		if err := createSchema(ctx, db, schema); err != nil {
			return err
		}
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, uint64(lockWait/time.Second)))
	if err != nil {
		return err
	}
	return migrate(ctx, db, goose.DialectPostgres, "migrations/postgres", goose.WithSessionLocker(locker))
}

// checkPostgres returns ErrOlder or ErrNewer.
func checkPostgres(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	return finished(ctx, db, "migrations/postgres")
}

// createSchema takes a lock: of two at once IF NOT EXISTS lets one fail.
func createSchema(ctx context.Context, db *sql.DB, name string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{name}.Sanitize()); err != nil {
		return err
	}
	return tx.Commit()
}

// migrated tells whether nothing is to be done, so that a role which may not
// change the schema can start a gateway on a finished one.
func migrated(ctx context.Context, db *sql.DB) (bool, error) {
	var exists bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&exists); err != nil || !exists {
		return false, err
	}
	err := finished(ctx, db, "migrations/postgres")
	if errors.Is(err, ErrOlder) {
		return false, nil
	}
	return err == nil, err
}

// finished compares the version of a database with that of the program.
func finished(ctx context.Context, db *sql.DB, dir string) error {
	var have int64
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return err
	}
	want, err := latest(dir)
	switch {
	case err != nil:
		return err
	case have > want:
		return ErrNewer
	case have < want:
		return ErrOlder
	}
	return nil
}

// latest is the version of the last migration in a folder.
func latest(dir string) (int64, error) {
	files, err := fs.ReadDir(migrations, dir)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, f := range files {
		v, err := goose.NumericComponent(f.Name())
		if err != nil {
			return 0, err
		}
		n = max(n, v)
	}
	return n, nil
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, dir string, o ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files, append(o, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if want, err := latest(dir); err != nil || have > want {
		return errors.Join(ErrNewer, err)
	}
	return nil
}
