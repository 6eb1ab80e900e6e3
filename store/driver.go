package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net/url"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// connector opens connections to one SQLite file, each with the same pragmas:
// given later, only one connection of a pool would have them.
type connector struct {
	dsn     string
	pragmas []string
}

// connectorTo opens the file at path, which must exist.
func connectorTo(path string, readOnly bool) *connector {
	c := &connector{pragmas: []string{
		"busy_timeout(" + busyTimeout + ")",
		"foreign_keys(1)",
		"recursive_triggers(1)", // or REPLACE deletes without the triggers
		"trusted_schema(0)",
		"temp_store(MEMORY)",
	}}
	// No connection is used by two goroutines at once, so it needs no mutex.
	q := url.Values{"mode": {"rw"}, "_mutex": {"no"}}
	if readOnly {
		q.Set("mode", "ro")
		c.pragmas = append(c.pragmas, "query_only(1)")
	} else {
		c.pragmas = append(c.pragmas,
			"journal_mode(WAL)",
			"synchronous(FULL)", // fsync before every COMMIT returns
			"wal_autocheckpoint(4000)",
			"journal_size_limit(67108864)")
	}
	c.dsn = (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	return c
}

// Connect is driver.Connector's.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, "PRAGMA "+p, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// Driver is driver.Connector's.
func (c *connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// code returns SQLite's extended result code, 0 for other errors.
func code(err error) int {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return int(e.ExtendedCode)
	}
	return 0
}
