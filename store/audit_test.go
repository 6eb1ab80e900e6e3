package store_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

const logOrigin = "log.contoh.test"

// logKey is a key of tests.
func logKey(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

// openLog opens the evidence log of a database.
func openLog(t *testing.T, db *store.DB, floor string) *evidence.Log {
	t.Helper()
	l, err := evidence.New(evidence.Config{Store: db, Origin: logOrigin, Signer: logKey(1), Receipts: logKey(2), Floor: floor})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func operationID(n int) string { return fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%012x", n) }

// record appends n events from first on and gives them places.
func record(t *testing.T, l *evidence.Log, db *store.DB, first, n int) {
	t.Helper()
	for i := range n {
		e, _, err := l.NewEntry(evidence.Record{
			Organisation: storetest.Org, Operation: operationID(first + i), Phase: evidence.PhaseEvent, Kind: "verify", Time: storetest.Start,
			Actor: evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"}, Result: evidence.Result{Status: evidence.StatusOK},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := l.Integrate(t.Context()); err != nil || got != n {
		t.Fatalf("integrated %d, %v; want %d", got, err, n)
	}
}

// disarm removes what keeps an administrator from changing evidence, which an
// administrator can.
func disarm(t *testing.T, admin *sql.DB, engine string) {
	t.Helper()
	if engine == "PostgreSQL" {
		for _, table := range append(appendOnly, "log_head") {
			if _, err := admin.ExecContext(t.Context(), `ALTER TABLE `+table+` DISABLE TRIGGER ALL`); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	rows, err := admin.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
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
	for _, name := range names {
		if _, err := admin.ExecContext(t.Context(), `DROP TRIGGER `+name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestS12AuditNamesTheFirstBadIndex: the database's administrator changes a log
// of 12 entries; the audit names the first bad one, and a proof made before
// still verifies.
func TestS12AuditNamesTheFirstBadIndex(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    []string
		rule  string
		first int64
	}{
		{"untouched", nil, "", 0},
		{"update a record", []string{`UPDATE entries SET record = salt WHERE id = (SELECT entry FROM leaves WHERE leaf_index = 5)`}, evidence.RuleRow, 5},
		{"update a column", []string{`UPDATE entries SET kind = 'sign' WHERE id = (SELECT entry FROM leaves WHERE leaf_index = 5)`}, evidence.RuleRow, 5},
		{"delete a row", []string{`DELETE FROM entries WHERE id = (SELECT entry FROM leaves WHERE leaf_index = 8)`}, evidence.RuleRow, 8},
		{"delete a place", []string{`DELETE FROM leaves WHERE leaf_index = 8`}, evidence.RuleRow, 8},
		{"delete and close the gap", []string{`DELETE FROM leaves WHERE leaf_index = 8`, `UPDATE leaves SET leaf_index = leaf_index + 100 WHERE leaf_index > 8`,
			`UPDATE leaves SET leaf_index = leaf_index - 101 WHERE leaf_index > 100`}, evidence.RuleStoredHash, 8},
		{"insert in the middle", []string{`UPDATE leaves SET leaf_index = leaf_index + 100 WHERE leaf_index >= 4`,
			`UPDATE leaves SET leaf_index = leaf_index - 99 WHERE leaf_index >= 100`,
			`INSERT INTO entries (organisation, operation, phase, slot, kind, at, promise, salt, leaf, record, receipt)
				SELECT organisation, operation, phase, slot + 1, kind, at, promise, salt, leaf, record, receipt FROM entries WHERE id = (SELECT entry FROM leaves WHERE leaf_index = 2)`,
			`INSERT INTO leaves (leaf_index, entry) SELECT 4, max(id) FROM entries`}, evidence.RuleStoredHash, 4},
		{"reorder", []string{`UPDATE leaves SET leaf_index = 100 WHERE leaf_index = 3`, `UPDATE leaves SET leaf_index = 3 WHERE leaf_index = 9`,
			`UPDATE leaves SET leaf_index = 9 WHERE leaf_index = 100`}, evidence.RuleStoredHash, 3},
		{"truncate the rows", []string{`DELETE FROM entries`}, evidence.RuleRow, 0},
		{"truncate the hashes", []string{`DELETE FROM tree_hashes`}, evidence.RuleStoredHash, 0},
		{"truncate all", []string{`DELETE FROM entries`, `DELETE FROM leaves`, `DELETE FROM tree_hashes`, `DELETE FROM checkpoints`,
			`UPDATE log_head SET size = 0, root = ZERO`}, evidence.RuleRollback, 0},
		{"cut the tail", []string{`DELETE FROM leaves WHERE leaf_index > 7`, `DELETE FROM checkpoints WHERE size > 8`,
			`UPDATE log_head SET size = 8, root = (SELECT root FROM checkpoints WHERE size = 8)`}, evidence.RuleRollback, 8},
	} {
		for _, e := range engines {
			t.Run(tt.name+"/"+e.Name, func(t *testing.T) {
				t.Parallel()
				o := e.Fresh(t)
				db := storetest.OpenWith(t, o)
				l := openLog(t, db, filepath.Join(t.TempDir(), "floor"))
				for i := range 3 {
					record(t, l, db, 4*i, 4)
				}
				key, _ := l.Keys()
				before, err := l.Prove(t.Context(), operationID(5))
				if err != nil {
					t.Fatal(err)
				}
				admin := raw(t, o)
				disarm(t, admin, e.Name)
				zero := map[string]string{"SQLite": `zeroblob(32)`, "PostgreSQL": `decode(repeat('00', 32), 'hex')`}[e.Name]
				for _, query := range tt.do {
					query = strings.ReplaceAll(query, "ZERO", zero)
					if e.Name == "PostgreSQL" && strings.HasPrefix(query, "DELETE FROM") && !strings.Contains(query, "WHERE") {
						query = strings.Replace(query, "DELETE FROM", "TRUNCATE", 1) + " CASCADE"
					}
					if _, err := admin.ExecContext(t.Context(), query); err != nil {
						t.Fatalf("%s: %v", query, err)
					}
				}
				f, err := l.Audit(t.Context(), nil, nil)
				if err != nil || f.Rule != tt.rule || f.First != tt.first {
					t.Errorf("got %q from %d (%s), %v; want %q from %d", f.Rule, f.First, f.Text, err, tt.rule, tt.first)
				}
				if _, _, err := evidence.VerifyProof(before[0].Marshal(), before[0].Entry.Leaf, logOrigin, []string{key}); err != nil {
					t.Errorf("a proof from before: %v", err)
				}
			})
		}
	}
}

// TestAuditOfManyArtefacts: an artefact that was found with one record is found
// with a later one too, however many there are between.
func TestAuditOfManyArtefacts(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			db := storetest.Open(t, e)
			l := openLog(t, db, filepath.Join(t.TempDir(), "floor"))
			var entries []evidence.Entry
			var records []evidence.Record
			for i, data := range []string{"certificate", "first list", "second list", "third list", "certificate"} {
				sum := sha256.Sum256([]byte(data))
				r := evidence.Record{
					Organisation: storetest.Org, Operation: operationID(i), Phase: evidence.PhaseEvent, Kind: "verify", Time: storetest.Start,
					Actor:     evidence.Actor{Application: "e-office", Role: "application", Authentication: "key", Address: "127.0.0.1"},
					Result:    evidence.Result{Status: evidence.StatusOK},
					Artefacts: []evidence.Artefact{{Kind: evidence.ArtefactCertificate, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}},
				}
				entry, _, err := l.NewEntry(r)
				if err != nil {
					t.Fatal(err)
				}
				err = db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
					if err := tx.PutArtefact(t.Context(), evidence.Blob{Organisation: storetest.Org, Kind: evidence.ArtefactCertificate, Data: []byte(data)}); err != nil {
						return err
					}
					return tx.RecordEvent(t.Context(), gateway.Operation{ID: r.Operation, Organisation: r.Organisation, Kind: r.Kind, Status: gateway.OperationOK,
						Application: r.Actor.Application, StartedAt: r.Time, FinishedAt: r.Time}, entry)
				})
				if err != nil {
					t.Fatal(err)
				}
				entries, records = append(entries, entry), append(records, r)
			}
			b := store.ForgetfulBeside(db, 2)
			for _, part := range [][2]int{{0, 1}, {1, 5}} {
				found, err := b.Compare(t.Context(), entries[part[0]:part[1]], records[part[0]:part[1]])
				if err != nil {
					t.Fatal(err)
				}
				for i, f := range found {
					if f != nil {
						t.Errorf("record %d: %v", part[0]+i, f)
					}
				}
			}
		})
	}
}

// TestS25ARestoredDatabaseIsRefused: the copy is whole, and older than the floor
// file beside it.
func TestS25ARestoredDatabaseIsRefused(t *testing.T) {
	o := storetest.SQLite.Fresh(t)
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	floor := filepath.Join(dir, "floor")
	l := openLog(t, db, floor)
	record(t, l, db, 0, 4)
	copied := filepath.Join(dir, "yesterday.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	record(t, l, db, 4, 4)
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("the present database: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	restored := storetest.OpenWith(t, store.Options{URL: "sqlite:" + copied})
	if err := openLog(t, restored, floor).Check(t.Context()); !errors.Is(err, evidence.ErrRollback) {
		t.Errorf("yesterday's database: got %v, want ErrRollback", err)
	}
}
