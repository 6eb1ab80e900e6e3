package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver that package store uses
	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store"
)

// logStart is when the first record of a grown log was written. The next ones
// follow a millisecond apart.
var logStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// operationID names the operation that a record belongs to: each has two, an
// intent and an outcome. The names rise with time, as UUIDs of version 7 do.
func operationID(record int64) string {
	n := record / 2
	return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", 0x01900000+n>>28, n>>12&0xffff, n&0xfff, n&0xfff, uint64(n)*0x9e3779b97f4a7c15>>16)
}

// grow makes a database in dir whose log has size records, an even number, all
// of them in the tree: the schema is the store's, the records and hashes are
// what the gateway would have written. Only receipts are noise. The rows come in
// bulk, without the trigger that would put each on the list of those that wait.
func grow(ctx context.Context, dir string, size int64) (err error) {
	path := filepath.Join(dir, "absah.db")
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + path})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	q := url.Values{"_synchronous": {"OFF"}, "_cache_size": {"-262144"}, "_locking_mode": {"EXCLUSIVE"}}
	raw, err := sql.Open("sqlite3", "file:"+path+"?"+q.Encode())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.Close()) }()
	conn, err := raw.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	const trigger = "entries_added"
	var text string
	if err := conn.QueryRowContext(ctx, `SELECT sql FROM sqlite_master WHERE name = ?`, trigger).Scan(&text); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `DROP TRIGGER `+trigger); err != nil {
		return err
	}
	if err := fill(ctx, conn, size); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, text)
	return err
}

// Rows that go into one statement and one transaction.
const (
	rowsAtOnce   = 48
	rowsPerBatch = 48 * 2000
)

// fill writes entries, leaves, tree and head.
func fill(ctx context.Context, conn *sql.Conn, size int64) (err error) {
	entries, err := conn.PrepareContext(ctx, `INSERT INTO entries (id, organisation, operation, phase, slot, kind, at, promise, salt, leaf, record, receipt) VALUES `+
		strings.TrimSuffix(strings.Repeat("(?, 'kabupaten-contoh', ?, ?, 0, 'seal', ?, ?, ?, ?, ?, ?),", rowsAtOnce), ","))
	if err != nil {
		return err
	}
	leaves, err := conn.PrepareContext(ctx, `INSERT INTO leaves (leaf_index, entry) VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?),", rowsAtOnce), ","))
	if err != nil {
		return err
	}
	hashes, err := conn.PrepareContext(ctx, `INSERT INTO tree_hashes (first, hashes) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entries.Close(), leaves.Close(), hashes.Close()) }()
	templates, err := newTemplates()
	if err != nil {
		return err
	}
	t := &tree{insert: hashes}
	noise := rand.NewChaCha8([32]byte{4, 7, 1, 1})
	for from := int64(0); from < size; from += rowsPerBatch {
		if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
			return err
		}
		until := min(from+rowsPerBatch, size)
		for ; until%rowsAtOnce != 0; until++ { // statements are full; a few records more do no harm
		}
		for at := from; at < until; at += rowsAtOnce {
			var rows, places []any
			for i := at; i < at+rowsAtOnce; i++ {
				e := templates.entry(i, noise)
				rows = append(rows, i+1, e.Operation, string(e.Phase), e.Time.UnixMicro(), e.Promise.UnixMicro(), e.Salt[:], e.Leaf[:], e.Record, e.Receipt)
				places = append(places, i, i+1)
				t.add(e.Leaf)
			}
			if _, err := entries.ExecContext(ctx, rows...); err != nil {
				return err
			}
			if _, err := leaves.ExecContext(ctx, places...); err != nil {
				return err
			}
			if err := t.write(ctx, until >= size && at+rowsAtOnce >= until); err != nil {
				return err
			}
		}
		if _, err := conn.ExecContext(ctx, `COMMIT`); err != nil {
			return err
		}
	}
	root := t.root()
	_, err = conn.ExecContext(ctx, `UPDATE log_head SET size = ?, root = ? WHERE id = 1`, t.size, root[:])
	return err
}

// template is the canonical JSON of a record, and where in it stands what
// differs from one record to the next.
type template struct {
	record     []byte
	id, moment int
	phase      evidence.Phase
}

type templates [2]template

// newTemplates makes the records of a seal, as large as the gateway's.
func newTemplates() (t templates, err error) {
	hash := func(n byte) string { return hex.EncodeToString(bytes.Repeat([]byte{n}, 32)) }
	intent := evidence.Record{
		Organisation: "kabupaten-contoh", Operation: operationID(0), Phase: evidence.PhaseIntent, Kind: "seal", Time: logStart, Node: "absah-1",
		Actor:   evidence.Actor{Application: operationID(2), Role: "application", Authentication: "key", Address: "192.0.2.1"},
		Subject: evidence.Subject{InputSHA256: hash(1), InputSize: 123456},
		Signer:  evidence.Signer{ID: "segel", CertificateSHA256: hash(2), Key: hash(3)},
		Detail:  map[string]string{"asked": "B-B", "authorisation": "resident-key"},
	}
	outcome := intent
	outcome.Phase, outcome.Intent = evidence.PhaseOutcome, hash(4)
	outcome.Subject.OutputSHA256, outcome.Subject.OutputSize = hash(5), 127456
	outcome.Result = evidence.Result{Status: evidence.StatusOK, Level: "B-B"}
	for i, kind := range []string{"cms", "certificate", "certificate"} {
		outcome.Artefacts = append(outcome.Artefacts, evidence.Artefact{Kind: kind, SHA256: hash(byte(6 + i)), Size: 1500})
	}
	for i, r := range []evidence.Record{intent, outcome} {
		b, err := r.MarshalCanonical()
		if err != nil {
			return t, err
		}
		t[i] = template{record: b, phase: r.Phase, id: bytes.Index(b, []byte(`"operation":"`)) + 13, moment: bytes.Index(b, []byte(`"time":"`)) + 8}
	}
	return t, nil
}

// entry makes the i-th record.
func (t *templates) entry(i int64, noise *rand.ChaCha8) *evidence.Entry {
	from := &t[i%2]
	e := &evidence.Entry{
		Operation: operationID(i), Phase: from.phase, Record: bytes.Clone(from.record), Time: logStart.Add(time.Duration(i) * time.Millisecond), Index: i,
	}
	e.Promise = e.Time.Add(time.Hour)
	copy(e.Record[from.id:], e.Operation)
	copy(e.Record[from.moment:], e.Time.Format("2006-01-02T15:04:05.000Z"))
	noise.Read(e.Salt[:])
	if e.Phase == evidence.PhaseOutcome {
		e.Receipt = make([]byte, 68)
		noise.Read(e.Receipt)
	}
	e.Leaf = evidence.LeafData(e.Salt, e.Record)
	return e
}

// tree makes the stored hashes of RFC 6962 in the order of package tlog.
type tree struct {
	insert  *sql.Stmt
	size    int64
	edge    [64]tlog.Hash // roots of complete subtrees, by level
	packed  []byte        // hashes that have not been written
	written int64         // hashes that have
}

func (t *tree) add(leaf [32]byte) {
	h := evidence.LeafHash(leaf)
	t.packed = append(t.packed, h[:]...)
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(t.edge[level], h)
		t.packed = append(t.packed, h[:]...)
	}
	t.edge[level] = h
	t.size++
}

// write writes full rows of hashes, and at the end what is left.
func (t *tree) write(ctx context.Context, last bool) error {
	const full = 48 * tlog.HashSize // as many as the store has in a row
	rest := t.packed
	for len(rest) >= full || last && len(rest) > 0 {
		part := rest[:min(full, len(rest))]
		if _, err := t.insert.ExecContext(ctx, t.written, part); err != nil {
			return err
		}
		t.written += int64(len(part) / tlog.HashSize)
		rest = rest[len(part):]
	}
	t.packed = append(t.packed[:0], rest...)
	return nil
}

// root hashes the edge together (RFC 6962 §2.1).
func (t *tree) root() tlog.Hash {
	var h tlog.Hash
	first := true
	for level := range 63 {
		switch {
		case t.size>>level&1 == 0:
		case first:
			h, first = t.edge[level], false
		default:
			h = tlog.NodeHash(t.edge[level], h)
		}
	}
	if first {
		return sha256.Sum256(nil)
	}
	return h
}
