package fault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/store/storetest"
)

// tampering is what somebody who administers the database does to the evidence.
type tampering struct {
	name string
	// do returns the statements for a log of that size.
	do func(size int64) []string
	// forge is done instead, where statements are not enough. It returns the
	// size whose middle it has forged.
	forge func(t *testing.T, w *world, size int64) (of int64)
	// The finding: its rule, and the bad index, which is the first named or, in
	// a range, within it.
	rule string
	at   func(size int64) int64
	// halts says that a gateway that is running must notice by itself and sign
	// nothing more.
	halts bool
}

func middle(size int64) int64 { return size / 2 }

func at(i int64) func(int64) int64 { return func(int64) int64 { return i } }

// tamperings are told from the middle of the log, where a checkpoint need not
// stand.
var tamperings = []tampering{
	{name: "update a record", rule: evidence.RuleRow, at: middle, do: func(n int64) []string {
		return []string{fmt.Sprintf(`UPDATE entries SET record = salt WHERE id = (SELECT entry FROM leaves WHERE leaf_index = %d)`, n/2)}
	}},
	{name: "update a column", rule: evidence.RuleRow, at: middle, do: func(n int64) []string {
		return []string{fmt.Sprintf(`UPDATE entries SET kind = 'verify' WHERE id = (SELECT entry FROM leaves WHERE leaf_index = %d)`, n/2)}
	}},
	{name: "delete a row", rule: evidence.RuleRow, at: middle, do: func(n int64) []string {
		return []string{fmt.Sprintf(`DELETE FROM entries WHERE id = (SELECT entry FROM leaves WHERE leaf_index = %d)`, n/2)}
	}},
	{name: "delete a row and close the gap", rule: evidence.RuleStoredHash, at: middle, do: func(n int64) []string {
		return []string{
			fmt.Sprintf(`DELETE FROM entries WHERE id = (SELECT entry FROM leaves WHERE leaf_index = %d)`, n/2),
			fmt.Sprintf(`DELETE FROM leaves WHERE leaf_index = %d`, n/2),
			fmt.Sprintf(`UPDATE leaves SET leaf_index = leaf_index + 1000000 WHERE leaf_index > %d`, n/2),
			`UPDATE leaves SET leaf_index = leaf_index - 1000001 WHERE leaf_index > 1000000`,
		}
	}},
	{name: "insert a copy", rule: evidence.RuleStoredHash, at: middle, do: func(n int64) []string {
		return []string{
			fmt.Sprintf(`UPDATE leaves SET leaf_index = leaf_index + 1000000 WHERE leaf_index >= %d`, n/2),
			`UPDATE leaves SET leaf_index = leaf_index - 999999 WHERE leaf_index >= 1000000`,
			copyOfAnEvent,
			fmt.Sprintf(`INSERT INTO leaves (leaf_index, entry) SELECT %d, max(id) FROM entries`, n/2),
		}
	}},
	{name: "insert beyond the head", rule: evidence.RuleRow, halts: true, at: func(n int64) int64 { return n }, do: func(n int64) []string {
		return []string{copyOfAnEvent, fmt.Sprintf(`INSERT INTO leaves (leaf_index, entry) SELECT %d, max(id) FROM entries`, n)}
	}},
	{name: "reorder", rule: evidence.RuleStoredHash, at: middle, do: func(n int64) []string {
		return []string{
			fmt.Sprintf(`UPDATE leaves SET leaf_index = 1000000 WHERE leaf_index = %d`, n/2),
			fmt.Sprintf(`UPDATE leaves SET leaf_index = %d WHERE leaf_index = %d`, n/2, n-1),
			fmt.Sprintf(`UPDATE leaves SET leaf_index = %d WHERE leaf_index = 1000000`, n-1),
		}
	}},
	{name: "truncate the rows", rule: evidence.RuleRow, at: at(0), do: func(int64) []string { return []string{`TRUNCATE entries`} }},
	{name: "truncate the places", rule: evidence.RuleRow, at: at(0), do: func(int64) []string { return []string{`TRUNCATE leaves`} }},
	{name: "truncate the hashes", rule: evidence.RuleStoredHash, at: at(0), halts: true, do: func(int64) []string { return []string{`TRUNCATE tree_hashes`} }},
	{name: "truncate all", rule: evidence.RuleRollback, at: at(0), halts: true, do: func(int64) []string {
		return []string{`TRUNCATE entries`, `TRUNCATE leaves`, `TRUNCATE tree_hashes`, `TRUNCATE checkpoint_tokens`, `TRUNCATE checkpoints`,
			`TRUNCATE pending`, `UPDATE log_head SET size = 0, root = ZERO`}
	}},
	{name: "another head", rule: evidence.RuleHead, at: nil, halts: true, do: func(int64) []string { return []string{`UPDATE log_head SET root = ZERO`} }},
	{name: "forge an outcome and all hashes", rule: evidence.RuleReceipt, at: middle, halts: true, forge: func(t *testing.T, w *world, size int64) int64 {
		return w.forge(t, evidence.PhaseOutcome, size)
	}},
	{name: "forge an intent and all hashes", rule: evidence.RuleCheckpoint, at: middle, halts: true, forge: func(t *testing.T, w *world, size int64) int64 {
		return w.forge(t, evidence.PhaseIntent, size)
	}},
}

// copyOfAnEvent adds a row that is whole in itself.
const copyOfAnEvent = `INSERT INTO entries (organisation, operation, phase, slot, kind, at, promise, salt, leaf, record, receipt)
	SELECT organisation, operation, phase, slot + 1, kind, at, promise, salt, leaf, record, receipt FROM entries WHERE phase = 'event' ORDER BY id LIMIT 1`

// TestTampering changes evidence as the superuser of the database, while the
// gateway is stopped and while it runs: each time the audit names the first bad
// index, and a bundle that was made before still verifies. Then the whole
// database is put back to what it was.
func TestTampering(t *testing.T) {
	for _, e := range []storetest.Engine{storetest.SQLite, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) {
			w := newWorld(t, e, 1)
			n := w.node("a")
			c := newClients(w, newLedger(), 6)[0]
			n.start("")
			w.sealSome(c, n, 24)
			bundle := w.bundle(t, c, n)
			n.stop()
			back := w.snapshot(n)
			for _, tt := range tamperings {
				t.Run(tt.name, func(t *testing.T) {
					back(true)
					w.found(t, n, tt, w.tamperWith(t, tt), bundle)
					back(true)
					n.start("")
					w.sealSome(c, n, 3)
					w.found(t, n, tt, w.tamperWith(t, tt), bundle)
					w.goesOn(t, c, n, tt)
					n.kill()
				})
			}
			t.Run("roll back", func(t *testing.T) {
				back(true)
				n.start("")
				w.sealSome(c, n, 3)
				n.stop()
				back(false)
				if f, status := w.audit(n); status != 1 || f.Rule != evidence.RuleRollback {
					t.Errorf("audit: status %d, %+v, want a rollback", status, f)
				}
				n.start("")
				if n.alive() {
					n.kill()
					t.Errorf("the gateway started on yesterday's database")
				} else if !strings.Contains(n.said(), "older than its last checkpoint") {
					t.Errorf("the gateway did not start because: %s", n.said())
				}
			})
		})
	}
}

// size waits until the log is at rest and returns how long it is.
func (w *world) size() int64 {
	w.settled()
	return int64(w.number(`SELECT size FROM log_head`))
}

// sealSome has letters sealed, each of which must be.
func (w *world) sealSome(c *client, n *node, count int) {
	w.t.Helper()
	for range count {
		c.send(w.t.Context(), n.url, &request{path: "/v1/seal", letter: c.letter(), fields: map[string]string{"signer": c.seal, "level": "B-B"}})
	}
	c.ledger.report(w.t, "sealing")
	w.settled()
}

// bundle has a letter sealed to B-LT, and returns the file of its evidence.
func (w *world) bundle(t *testing.T, c *client, n *node) string {
	t.Helper()
	r := &request{path: "/v1/seal", letter: c.letter(), fields: map[string]string{"signer": c.seal, "level": "B-LT"}}
	status, h, answer, err := c.post(t.Context(), n.url, r)
	if err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v: %.300q", status, err, answer)
	}
	w.settled()
	name := w.path("evidence.zip")
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		w.write("evidence.zip", w.get(t, n.url+"/v1/operations/"+h.Get("Absah-Operation")+"/evidence"))
		out, status := w.try("evidence", "verify", "--log-key", w.keysFile, "--trust", w.path("trust.pem"), name)
		if status == 0 {
			return name
		}
		if time.Now().After(deadline) { // of a checkpoint with a timestamp
			t.Fatalf("the bundle: status %d: %s", status, out)
		}
	}
}

func (w *world) get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %.300q", url, resp.Status, err, b)
	}
	return b
}

// tamperWith tampers with the database as its superuser, and returns the size of
// the log of which that was told.
func (w *world) tamperWith(t *testing.T, tt tampering) (size int64) {
	t.Helper()
	size = w.size()
	w.disarm(t)
	if tt.forge != nil {
		return tt.forge(t, w, size)
	}
	queries := tt.do(size)
	for i, query := range queries {
		if w.engine == "SQLite" {
			queries[i] = strings.ReplaceAll(strings.Replace(query, "TRUNCATE", "DELETE FROM", 1), "ZERO", "zeroblob(32)")
			continue
		}
		queries[i] = strings.ReplaceAll(query, "ZERO", "decode(repeat('00', 32), 'hex')")
		if strings.HasPrefix(query, "TRUNCATE") {
			queries[i] += " CASCADE"
		}
	}
	w.insist(t, func() error {
		tx, err := w.admin.BeginTx(t.Context(), nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, query := range queries {
			if _, err := tx.ExecContext(t.Context(), query); err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
		}
		return tx.Commit()
	})
	return size
}

// insist does what the gateway, which runs, may be in the way of: PostgreSQL then
// gives one of the two up (deadlock_detected), and an administrator tries again.
func (w *world) insist(t *testing.T, do func() error) {
	t.Helper()
	for tries := 1; ; tries++ {
		err := do()
		if err == nil {
			return
		}
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "40P01" || tries == 20 {
			t.Fatal(err)
		}
	}
}

// disarm takes away what keeps everybody else from changing evidence; new
// entries go on being listed.
func (w *world) disarm(t *testing.T) {
	t.Helper()
	query := `SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger' AND name <> 'entries_added'`
	if w.engine != "SQLite" {
		query = `SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
			WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace AND tgname <> 'entries_added'`
	}
	for _, do := range w.names(t, query) {
		w.insist(t, func() error {
			_, err := w.admin.ExecContext(t.Context(), do)
			return err
		})
	}
}

func (w *world) names(t *testing.T, query string) (names []string) {
	t.Helper()
	rows, err := w.admin.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// found checks what the audit names, and the bundle from before.
func (w *world) found(t *testing.T, n *node, tt tampering, size int64, bundle string) {
	t.Helper()
	f, status := w.audit(n)
	if status != 1 || f.Rule != tt.rule {
		t.Errorf("audit: status %d, %+v, want rule %q", status, f, tt.rule)
	}
	if tt.at != nil {
		bad := tt.at(size)
		if ranges := f.End > f.First+1; f.First != bad && !(ranges && f.First <= bad && bad < f.End) {
			t.Errorf("audit names %d to %d, want %d: %s", f.First, f.End-1, bad, f.Text)
		}
	}
	if out, status := w.try("evidence", "verify", "--log-key", w.keysFile, "--trust", w.path("trust.pem"), bundle); status != 0 {
		t.Errorf("the bundle from before: status %d: %s", status, out)
	}
}

// goesOn asks the running gateway for more. Whatever it does, the audit goes on
// finding it; where the log itself is hurt nothing is signed soon.
func (w *world) goesOn(t *testing.T, c *client, n *node, tt tampering) {
	t.Helper()
	code := ""
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		r := &request{path: "/v1/seal", letter: c.letter(), fields: map[string]string{"signer": c.seal, "level": "B-B"}}
		status, _, answer, err := c.post(t.Context(), n.url, r)
		if err != nil {
			t.Fatal(err)
		}
		code = fmt.Sprint(status)
		if halted := status == http.StatusServiceUnavailable && bytes.Contains(answer, []byte(`"record-unavailable"`)); halted || !tt.halts {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("the gateway goes on signing: %s: %s", code, n.said())
			break
		}
	}
	if f, status := w.audit(n); status != 1 {
		t.Errorf("after another request (%s) the audit finds nothing: status %d, %+v", code, status, f)
	}
}

// forge rewrites a record in the middle of the log, and everything that follows
// from it but signatures, which only the gateway's keys can make.
func (w *world) forge(t *testing.T, phase evidence.Phase, size int64) (of int64) {
	t.Helper()
	ctx := t.Context()
	var index, id int64
	var salt, record []byte
	err := w.admin.QueryRowContext(ctx, `SELECT l.leaf_index, e.id, e.salt, e.record FROM leaves l JOIN entries e ON e.id = l.entry
		WHERE e.phase = $1 AND l.leaf_index >= $2 ORDER BY l.leaf_index LIMIT 1`, string(phase), size/2).Scan(&index, &id, &salt, &record)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(record, []byte(`"127.0.0.1"`), []byte(`"127.0.0.9"`), 1)
	leaf := sha256.Sum256(append(slices.Clone(salt), forged...))
	if bytes.Equal(forged, record) {
		t.Fatalf("nothing to forge in %s", record)
	}
	tx, err := w.admin.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`UPDATE entries SET record = $1, leaf = $2 WHERE id = $3`, forged, leaf[:], id)
	rehash(ctx, t, tx, exec)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return 2 * index
}

// rehash computes the tree anew from the leaves, and puts it into the stored
// hashes, the head, and beside the notes of the checkpoints.
func rehash(ctx context.Context, t *testing.T, tx *sql.Tx, exec func(string, ...any)) {
	t.Helper()
	rows, err := tx.QueryContext(ctx, `SELECT e.leaf FROM leaves l JOIN entries e ON e.id = l.entry ORDER BY l.leaf_index`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	size := int64(0)
	roots := map[int64]tlog.Hash{}
	for ; rows.Next(); size++ {
		var leaf []byte
		if err := rows.Scan(&leaf); err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashesForRecordHash(size, evidence.LeafHash([32]byte(leaf)), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		if roots[size+1], err = tlog.TreeHash(size+1, reader); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	exec(`DELETE FROM tree_hashes`)
	for i, h := range stored {
		exec(`INSERT INTO tree_hashes (first, hashes) VALUES ($1, $2)`, i, h[:])
	}
	root := roots[size]
	exec(`UPDATE log_head SET root = $1`, root[:])
	for n, root := range roots {
		exec(`UPDATE checkpoints SET root = $1 WHERE size = $2`, root[:], n)
	}
}

// snapshot copies the database and the floor of a node that is stopped. What it
// returns puts the database back, and the floor too if it is told so.
func (w *world) snapshot(n *node) (back func(floor bool)) {
	t := w.t
	t.Helper()
	floor, err := os.ReadFile(n.floor)
	if err != nil {
		t.Fatal(err)
	}
	database := w.copyTables
	if w.engine == "SQLite" {
		database = func() func() { return w.copyFile(n) }
	}
	restore := database()
	return func(withFloor bool) {
		restore()
		if withFloor {
			if err := os.WriteFile(n.floor, floor, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// copyFile copies SQLite's file.
func (w *world) copyFile(n *node) (back func()) {
	t := w.t
	t.Helper()
	copied := w.path("yesterday.db")
	w.run("backup", n.config, copied)
	path := strings.TrimPrefix(w.database, "sqlite:")
	return func() {
		t.Helper()
		if err := w.admin.Close(); err != nil {
			t.Fatal(err)
		}
		for _, old := range []string{path, path + "-wal", path + "-shm"} {
			if err := os.Remove(old); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(copied)
		if err == nil {
			err = os.WriteFile(filepath.Clean(path), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.admin = w.superuser()
	}
}

// copyTables copies every table of a PostgreSQL schema.
func (w *world) copyTables() (back func()) {
	t := w.t
	t.Helper()
	ctx := t.Context()
	tables := w.names(t, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`)
	exec := func(format string, args ...any) {
		t.Helper()
		if _, err := w.admin.ExecContext(ctx, fmt.Sprintf(format, args...)); err != nil {
			t.Fatalf(format+": %v", append(args, err)...)
		}
	}
	yesterday := "yesterday_" + strings.ToLower(fmt.Sprintf("%x", sha256.Sum256([]byte(w.database)))[:12])
	exec(`CREATE SCHEMA %s`, yesterday)
	for _, table := range tables {
		exec(`CREATE TABLE %s.%s AS TABLE %s`, yesterday, table, table)
	}
	return func() {
		t.Helper()
		for _, table := range tables {
			exec(`ALTER TABLE %s DISABLE TRIGGER ALL`, table)
		}
		exec(`TRUNCATE %s CASCADE`, strings.Join(tables, ", "))
		for _, table := range tables {
			exec(`INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM %s.%s`, table, yesterday, table)
		}
		for _, table := range tables {
			exec(`ALTER TABLE %s ENABLE TRIGGER ALL`, table)
		}
	}
}
