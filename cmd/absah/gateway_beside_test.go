package main

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/absah-id/absah/store/storetest"
)

// besideTables are the tables beside the log that an audit holds against it.
var besideTables = []string{"artefacts", "operations", "documents", "document_versions", "applications", "credentials", "staff", "signers", "signer_keys", "certificates", "attempts"}

// administrator is whoever administers the database: nothing there stops him.
func (f *office) administrator(url string) *sql.DB {
	f.t.Helper()
	var db *sql.DB
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		var err error
		db, err = sql.Open("sqlite3", path)
		f.must(err)
		names, err := triggers(db)
		f.must(err)
		for _, name := range names {
			_, err := db.Exec("DROP TRIGGER " + name)
			f.must(err)
		}
	} else {
		c, err := pgx.ParseConfig(url)
		f.must(err)
		c.RuntimeParams["session_replication_role"] = "replica" // neither triggers nor references
		db = stdlib.OpenDB(*c)
	}
	f.t.Cleanup(func() { db.Close() })
	return db
}

// TestS12Beside: an administrator of the database leaves the log as it is and
// changes what stands beside it. The audit says so; and nothing when nothing was.
func TestS12Beside(t *testing.T) {
	for _, e := range []storetest.Engine{storetest.SQLite, storetest.Postgres} {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			url := e.Fresh(t).URL
			f := newOffice(t, officeOptions{yaml: stampedOften, database: url})
			f.besideSome(t)
			keys := f.printKeys(t, "keys")
			f.stop()
			audit := func() (int, string) {
				return f.run("evidence", "audit", "--database", url, "--log-key", keys, "--floor", f.path("log-floor"))
			}
			if status, said := f.run("evidence", "audit", "--config", f.config, "--database", url, "--log-key", keys); status != 0 {
				t.Fatalf("before anything was changed: %d %s", status, said)
			}
			db := f.administrator(url)
			for _, name := range besideTables {
				_, err := db.Exec(fmt.Sprintf("CREATE TABLE kept_%s AS SELECT * FROM %[1]s", name))
				f.must(err)
			}
			for _, tt := range besides {
				t.Run(tt.name, func(t *testing.T) {
					zero, keepID := `zeroblob(32)`, ""
					if e.Name == storetest.Postgres.Name {
						zero, keepID = `decode(repeat('00', 32), 'hex')`, "OVERRIDING SYSTEM VALUE"
					}
					for q := range strings.SplitSeq(strings.ReplaceAll(tt.do, "ZERO", zero), ";") {
						r, err := db.Exec(q)
						if err != nil {
							t.Fatalf("%s: %v", q, err)
						}
						if n, err := r.RowsAffected(); err != nil || n == 0 {
							t.Fatalf("%s: %d rows, %v", q, n, err)
						}
					}
					if status, said := audit(); status != 1 || !strings.Contains(said, "("+tt.rule+")") {
						t.Errorf("audit: %d %s", status, said)
					}
					for _, name := range besideTables {
						_, err := db.Exec(fmt.Sprintf("DELETE FROM %s", name))
						f.must(err)
						_, err = db.Exec(fmt.Sprintf("INSERT INTO %s %s SELECT * FROM kept_%[1]s", name, keepID))
						f.must(err)
					}
				})
			}
			if status, said := audit(); status != 0 {
				t.Errorf("put back: %d %s", status, said)
			}
		})
	}
}

// TestS13ForgedCredential: who writes to the database, and knows the secret that he
// writes the hash of, is nobody to the gateway; nor is an application whose role
// he has changed. Rows of before there were MACs are adopted by an act on record.
func TestS13ForgedCredential(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{})
	db, err := sql.Open("sqlite3", "file:"+f.path("absah.db")+"?_busy_timeout=15000")
	f.must(err)
	t.Cleanup(func() { db.Close() })
	exec := func(query string, args ...any) {
		t.Helper()
		_, err := db.Exec(query, args...)
		f.must(err)
	}
	answers := func(as string, want int) {
		t.Helper()
		eventually(t, 20*time.Second, fmt.Sprintf("%s gets %d", as, want), func() bool { return f.seal(t, as, letter(), bySeal).status == want })
	}
	answers("e-office", http.StatusOK)
	f.keys["forger"] = "absah_palsu_rahasia"
	forged := sha256.Sum256([]byte("rahasia"))
	exec(`INSERT INTO credentials (id, organisation, application, kind, lookup, hash, created_at)
		SELECT 'palsu', organisation, application, 'key', 'palsu', ?, 1 FROM credentials WHERE application = ?`, forged[:], f.apps["e-office"].ID)
	f.seal(t, "forger", letter(), bySeal).problem(t, http.StatusUnauthorized, "unauthenticated")
	exec(`DELETE FROM credentials WHERE id = 'palsu'`)
	exec(`UPDATE applications SET role = 'operator' WHERE name = 'e-office'`)
	answers("e-office", http.StatusUnauthorized)
	exec(`UPDATE applications SET role = 'application' WHERE name = 'e-office'`)
	answers("e-office", http.StatusOK)
	exec(`UPDATE applications SET mac = NULL`)
	exec(`UPDATE credentials SET mac = NULL`)
	answers("e-office", http.StatusUnauthorized)
	if status, said := f.run("evidence", "adopt-rows", f.config); status != 64 {
		t.Errorf("without a reason: %d %s", status, said)
	}
	adopt := []string{"evidence", "adopt-rows", f.config, "--reason", "basis data lama"}
	exec(`UPDATE applications SET role = 'operator' WHERE name = 'e-office'`)
	if status, said := f.run(adopt...); status != 77 || !strings.Contains(said, "(table)") {
		t.Errorf("a role that nobody gave was adopted: %d %s", status, said)
	}
	exec(`UPDATE applications SET role = 'application' WHERE name = 'e-office'`)
	if status, said := f.run(adopt...); status != 0 || !strings.Contains(said, "adopted") {
		t.Errorf("adopt-rows: %d %s", status, said)
	}
	answers("e-office", http.StatusOK)
}

// TestS13LentSeal: who writes to the database makes a person sign with the key of a
// seal, for which there is no passphrase, for no application: which key of the token a
// seal has is said by the configuration.
func TestS13LentSeal(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{})
	db := f.administrator("sqlite:" + f.path("absah.db"))
	person := f.by("sekda")["signer"]
	asked := fields{"signer": person, "level": "B-B"}
	f.seal(t, "e-office", letter(), asked).problem(t, http.StatusNotFound, "not-found")
	for _, query := range []string{
		`DELETE FROM certificates WHERE signer_key IN (SELECT id FROM signer_keys WHERE signer = ?)`,
		`UPDATE signers SET kind = 'seal' WHERE id = ?`,
		`UPDATE signer_keys SET signer = ? WHERE label <> ''`,
	} {
		_, err := db.Exec(query, person)
		f.must(err)
	}
	f.seal(t, "e-office", letter(), asked).problem(t, http.StatusUnprocessableEntity, "no-certificate")
	_, err := db.Exec(`UPDATE signer_keys SET signer = 'segel' WHERE label <> ''`)
	f.must(err)
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
}

// besideSome has the gateway do what leaves rows in every table that is compared.
func (f *office) besideSome(t *testing.T) {
	t.Helper()
	f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-LTA"})).ok(t, http.StatusOK)
	for _, status := range []string{"valid", "withdrawn"} {
		id := f.post(t, "e-office", "/v1/documents", fields{"nomor": "1/2026", "perihal": "Uji", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
		f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, http.StatusOK)
		if status == "withdrawn" {
			body := strings.NewReader(`{"status":"withdrawn","reason":"uji"}`)
			f.do(t, call{as: "e-office", method: http.MethodPatch, path: "/v1/documents/" + id, kind: "application/json", body: body}).ok(t, http.StatusOK)
		}
	}
	f.send(t, "e-office", "/v1/verify", letter(), nil, nil)
	wrong := f.by("sekda").with(fields{"passphrase": "bukan frasa yang benar"})
	eventually(t, time.Minute, "the signer is locked", func() bool { return f.sign(t, "e-office", letter(), wrong).status == http.StatusLocked })
	if status, said := f.run("staff", "add", f.config, "penyelidik", "--name", "Penyelidik Contoh", "--role", "investigator", "--secrets-file", f.path("secrets")); status != 0 {
		t.Fatalf("staff add: %d %s", status, said)
	}
}

// besides are what is done; each statement changes a row.
var besides = []struct{ name, rule, do string }{
	{"artefacts are deleted", "artefact", `DELETE FROM artefacts WHERE kind = 'cms'`},
	{"artefacts are zeroed", "artefact", `UPDATE artefacts SET data = ZERO, size = 32 WHERE kind = 'cms'`},
	{"an artefact is another", "artefact", `UPDATE artefacts SET data = (SELECT a.data FROM artefacts a WHERE a.kind = 'certificate' LIMIT 1),
		size = (SELECT a.size FROM artefacts a WHERE a.kind = 'certificate' LIMIT 1) WHERE kind = 'cms'`},
	{"artefacts are marked erased", "artefact", `UPDATE artefacts SET data = NULL, erased_at = 1 WHERE kind = 'cms'`},
	{"what a timestamp needs is erased", "token", `UPDATE artefacts SET data = NULL, erased_at = 1 WHERE organisation = '' AND kind = 'certificate'`},
	{"an operation is deleted", "table", `DELETE FROM operations WHERE kind = 'document.status'`},
	{"operations get another status", "table", `UPDATE operations SET status = 'refused' WHERE status = 'ok' AND kind = 'seal'`},
	{"operations are open again", "table", `UPDATE operations SET status = 'pending', finished_at = NULL WHERE kind = 'seal'`},
	{"operations get another output", "table", `UPDATE operations SET output_sha256 = ZERO WHERE output_sha256 IS NOT NULL`},
	{"operations get another signer", "table", `UPDATE operations SET signer = 'lain' WHERE kind = 'seal'`},
	{"operations are of a complaint", "table", `UPDATE operations SET case_id = 'x' WHERE kind = 'seal'`},
	{"operations get another time", "table", `UPDATE operations SET started_at = started_at - 86400000000 WHERE kind = 'sign'`},
	{"an operation is made up", "table", `INSERT INTO operations (id, organisation, kind, status, code, application, user_name, node,
		signer, certificate, level, document, activation, batch, started_at, finished_at, input_sha256, output_sha256) SELECT '0193f2a4-7c1e-7d3a-9b5c-000000000000', organisation, kind, status, code, application, user_name, node,
		signer, certificate, level, document, activation, batch, started_at, finished_at, input_sha256, output_sha256 FROM operations WHERE kind = 'seal' LIMIT 1`},
	{"a document is valid again", "table", `UPDATE documents SET status = 'valid', reason = '' WHERE status = 'withdrawn'`},
	{"a document is withdrawn", "table", `UPDATE documents SET status = 'withdrawn' WHERE status = 'valid'`},
	{"a document gets another number", "table", `UPDATE documents SET nomor = '999/2026'`},
	{"a document gets another subject", "table", `UPDATE documents SET perihal = 'Lain'`},
	{"documents are deleted", "table", `DELETE FROM document_versions; DELETE FROM documents`},
	{"a document is made up", "table", `INSERT INTO documents SELECT 'palsu', organisation, application, nomor, perihal, tanggal, pages, confidential, 'reserved', '', '', created_at, changed_at
		FROM documents LIMIT 1`},
	{"a version is made up", "table", `INSERT INTO document_versions (organisation, document, sha256, size, operation, created_at) SELECT organisation, document, ZERO, 27, operation, 1 FROM document_versions LIMIT 1`},
	{"a version without operation is made up", "table", `INSERT INTO document_versions (organisation, document, sha256, size, operation, created_at) SELECT organisation, document, ZERO, 27, '', 1 FROM document_versions LIMIT 1`},
	{"versions are others", "table", `UPDATE document_versions SET size = 1`},
	{"versions are deleted", "table", `DELETE FROM document_versions`},
	{"a credential is made up", "table", `INSERT INTO credentials (id, organisation, application, kind, lookup, hash, created_at, expires_at, revoked_at) SELECT 'palsu', organisation, application, 'key', 'attacker', ZERO, 1, NULL, NULL FROM credentials LIMIT 1`},
	{"credentials get another secret", "table", `UPDATE credentials SET hash = ZERO`},
	{"credentials are revoked", "table", `UPDATE credentials SET revoked_at = 1`},
	{"an application gets a role", "table", `UPDATE applications SET role = 'auditor' WHERE name = 'e-office'`},
	{"an application gets another policy", "table", `UPDATE applications SET policy = '{}' WHERE name = 'e-office'`},
	{"an application is made up", "table", `INSERT INTO applications (id, organisation, name, role, require_mtls, policy, created_at, expires_at, revoked_at, version) SELECT 'palsu', organisation, 'palsu', role, require_mtls, policy, created_at, expires_at, revoked_at, version
		FROM applications WHERE name = 'e-office'`},
	{"a lock is taken away", "table", `DELETE FROM attempts`},
	{"a lock is opened", "table", `UPDATE attempts SET locked_at = NULL WHERE locked_at IS NOT NULL`},
	{"staff get a role", "table", `UPDATE staff SET role = 'supervisor'`},
	{"a member of staff is made up", "table", `INSERT INTO staff (id, organisation, username, name, role, password, totp, last_step, failures, not_before, status, created_at, version) SELECT 'palsu', organisation, 'palsu', name, role, password, totp, last_step, failures, not_before, status, created_at, version
		FROM staff LIMIT 1`},
	{"a signer is locked", "table", `UPDATE signers SET status = 'locked' WHERE kind = 'personal'`},
	{"a person signs as a seal does", "table", `UPDATE signers SET kind = 'seal' WHERE kind = 'personal'`},
	{"a seal's key is lent to a person", "table", `UPDATE signer_keys SET signer = (SELECT id FROM signers WHERE kind = 'personal' ORDER BY id LIMIT 1) WHERE label <> ''`},
	{"certificates are of another key", "table", `UPDATE certificates SET signer_key = (SELECT id FROM signer_keys WHERE label <> '')`},
	{"a signer is another's", "table", `DELETE FROM signers WHERE kind = 'seal'; INSERT INTO signers SELECT 'palsu', organisation, kind, name, office, NULL, nik_sealed, status, created_at FROM signers LIMIT 1`},
}
