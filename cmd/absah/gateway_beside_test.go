package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// besideTables are the tables beside the log that an audit holds against it.
var besideTables = []string{"artefacts", "operations", "documents", "document_versions", "applications", "credentials", "staff", "signers", "signer_keys", "certificates", "attempts",
	"proposals", "renewals", "statuses_owed", "activations", "activation_documents", "cases", "case_events", "case_files",
	"checkpoints", "checkpoint_tokens", "checkpoint_cosignatures", "checkpoint_lists"}

// administrator is whoever administers the database: nothing there stops him.
func (f *office) administrator(url string) *sql.DB {
	f.t.Helper()
	db := f.database(url)
	if strings.HasPrefix(url, "sqlite:") {
		names, err := triggers(db)
		f.must(err)
		for _, name := range names {
			_, err := db.Exec("DROP TRIGGER " + name)
			f.must(err)
		}
		return db
	}
	for _, name := range besideTables { // some fire always
		_, err := db.Exec("ALTER TABLE " + name + " DISABLE TRIGGER ALL")
		f.must(err)
	}
	return db
}

// database opens a database beside the gateway, to look at it.
func (f *office) database(url string) *sql.DB {
	f.t.Helper()
	var db *sql.DB
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		var err error
		db, err = sql.Open("sqlite3", path+"?_busy_timeout=15000")
		f.must(err)
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
			f.awaitLists(t, url)
			f.stop()
			audit := func() (int, string) {
				return f.run("evidence", "audit", "--database", url, "--log-key", keys, "--floor", f.path("log-floor"))
			}
			f.coversAllTables(t, url, keys)
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
		eventually(t, 30*time.Second, fmt.Sprintf("%s gets %d", as, want), func() bool { return f.seal(t, as, letter(), bySeal).status == want })
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
	f.sealTwice(t)
	f.signActivated(t)
	f.leaveCase(t)
	wrong := f.by("sekda").with(fields{"passphrase": "bukan frasa yang benar"})
	eventually(t, time.Minute, "the signer is locked", func() bool { return f.sign(t, "e-office", letter(), wrong).status == http.StatusLocked })
	if status, said := f.run("staff", "add", f.config, "penyelidik", "--name", "Penyelidik Contoh", "--role", "investigator", "--secrets-file", f.path("secrets")); status != 0 {
		t.Fatalf("staff add: %d %s", status, said)
	}
}

// sealTwice leaves two versions of a registered document.
func (f *office) sealTwice(t *testing.T) {
	t.Helper()
	id := f.post(t, "e-office", "/v1/documents", fields{"nomor": "9/2026", "tanggal": "2026-01-02", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"]
	doc := f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})).ok(t, http.StatusOK).body
	f.seal(t, "e-office", doc, bySeal.with(fields{"document": id})).ok(t, http.StatusOK)
}

// signActivated has a signature made under an activation.
func (f *office) signActivated(t *testing.T) {
	t.Helper()
	doc := letter()
	token := f.activate(t, "e-office", "sekda", nil, doc)
	f.sign(t, "e-office", doc, fields{"signer": f.signers["sekda"].id, "level": "B-B", "activation": token}).ok(t, http.StatusOK)
}

// leaveCase leaves a case with a line of history and a file.
func (f *office) leaveCase(t *testing.T) {
	t.Helper()
	doc := letter()
	file := &gateway.CaseUpload{Name: "surat.pdf", Upload: gateway.Upload{ReaderAt: bytes.NewReader(doc), Size: int64(len(doc)), SHA256: sha256.Sum256(doc)}}
	f.act(func(s *gatewayService) {
		_, err := s.gateway.FileComplaint(t.Context(), gateway.Caller{Address: "127.0.0.1"}, gateway.Complaint{Kind: dispute.Authenticity, Text: "Uji", Contact: "0800"}, file)
		f.must(err)
	})
}

// awaitLists waits until a checkpoint and a timestamp are listed.
func (f *office) awaitLists(t *testing.T, url string) {
	t.Helper()
	db := f.database(url)
	eventually(t, time.Minute, "checkpoints are listed", func() bool {
		var n int
		err := db.QueryRow(`SELECT count(DISTINCT what) FROM checkpoint_lists`).Scan(&n)
		return err == nil && n >= 2
	})
}

// coversAllTables: each table of the database is compared, part of the log, or said
// not to be covered.
func (f *office) coversAllTables(t *testing.T, url, keys string) {
	t.Helper()
	status, said := f.run("evidence", "audit", "--json", "--database", url, "--log-key", keys)
	var found evidence.Finding
	if err := json.Unmarshal([]byte(said), &found); err != nil || status != 0 {
		t.Fatalf("%d %s: %v", status, said, err)
	}
	known := append(slices.Concat(besideTables, found.NotCovered), "entries", "leaves", "tree_hashes", "log_head", "pending", "goose_db_version", "sqlite_sequence")
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if !strings.HasPrefix(url, "sqlite:") {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := f.database(url).Query(query)
	f.must(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		f.must(rows.Scan(&name))
		if !slices.Contains(known, name) {
			t.Errorf("the audit does not say what it makes of the table %s", name)
		}
	}
	f.must(rows.Err())
}

// besides are what is done; each statement changes a row.
var besides = []struct{ name, rule, do string }{
	{"artefacts are deleted", "artefact", `DELETE FROM artefacts WHERE kind = 'cms'`},
	{"artefacts are of another kind", "artefact", `UPDATE artefacts SET kind = 'lain' WHERE kind = 'cms'`},
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
	{"a document gets a longer number", "table", `UPDATE documents SET nomor = nomor || '9'`},
	{"a document gets a longer reason", "table", `UPDATE documents SET reason = reason || ', keliru' WHERE status = 'withdrawn'`},
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
	{"timestamps of checkpoints are deleted", "listed", `DELETE FROM checkpoint_tokens`},
	{"a timestamp is that of another checkpoint", "token", `UPDATE checkpoint_tokens SET token = (SELECT t.token FROM checkpoint_tokens t ORDER BY t.size LIMIT 1)`},
	{"what a timestamp is verified with is forgotten", "listed", `UPDATE checkpoint_tokens SET material = substr(material, 1, 32)`},
	{"older checkpoints are deleted", "listed", `DELETE FROM checkpoint_tokens WHERE size < (SELECT max(size) FROM checkpoints);
		DELETE FROM checkpoints WHERE size < (SELECT max(size) FROM checkpoints)`},
	{"an older checkpoint is another's note", "checkpoint", `UPDATE checkpoints SET note = (SELECT c.note FROM checkpoints c ORDER BY c.size DESC LIMIT 1)`},
	{"lists are forgotten", "table", `DELETE FROM checkpoint_lists`},
	{"a checkpoint is said to be listed", "table", `INSERT INTO checkpoint_lists (what, size, sha256, operation) SELECT 'token', 99999, ZERO, operation FROM checkpoint_lists LIMIT 1`},
	{"a list is none", "table", `INSERT INTO checkpoint_lists (what, size, sha256, operation) VALUES ('token', 99999, ZERO, 'palsu')`},
	{"applications are deleted", "table", `DELETE FROM credentials WHERE application IN (SELECT id FROM applications WHERE name = 'second'); DELETE FROM applications WHERE name = 'second'`},
	{"credentials are deleted", "table", `DELETE FROM credentials`},
	{"staff are deleted", "table", `DELETE FROM staff`},
	{"signers are deleted", "table", `DELETE FROM certificates WHERE signer_key IN (SELECT id FROM signer_keys WHERE label = ''); DELETE FROM signer_keys WHERE label = ''; DELETE FROM signers WHERE kind = 'personal'`},
	{"certificates are deleted", "table", `DELETE FROM certificates`},
	{"keys are deleted", "table", `DELETE FROM signer_keys WHERE label = ''`},
	{"certificates are used no more", "table", `UPDATE certificates SET revoked_locally_at = 1`},
	{"a certificate is other bytes", "table", `UPDATE certificates SET der = ZERO`},
	{"a signer gets another name", "table", `UPDATE signers SET name = 'Orang Lain' WHERE kind = 'personal'`},
	{"a seal gets another name", "table", `UPDATE signers SET name = 'Kabupaten Lain' WHERE kind = 'seal'`},
	{"a signer gets another office", "table", `UPDATE signers SET office = 'Bupati Contoh' WHERE kind = 'personal'`},
	{"proposals are deleted", "table", `DELETE FROM proposals`},
	{"a proposal is another", "table", `UPDATE proposals SET status = 'rejected'`},
	{"renewals are deleted", "table", `DELETE FROM renewals`},
	{"renewals are put off", "table", `UPDATE renewals SET due = due + 86400000000`},
	{"renewals are said to be done", "table", `UPDATE renewals SET done_by = operation WHERE done_by = ''`},
	{"an activation is deleted", "table", `DELETE FROM activation_documents; DELETE FROM activations`},
	{"a signature had another authorisation", "table", `UPDATE operations SET activation = 'palsu' WHERE activation <> ''`},
	{"a signature had no authorisation", "table", `UPDATE operations SET activation = '' WHERE activation <> ''`},
	{"a signature gets an authorisation", "table", `UPDATE operations SET activation = 'palsu' WHERE kind = 'seal'`},
	{"a signature is not to be found", "table", `UPDATE operations SET cms_sha256 = NULL WHERE cms_sha256 IS NOT NULL`},
	{"a number is longer", "table", `UPDATE documents SET nomor = nomor || '/RAHASIA'`},
	{"a reason is longer", "table", `UPDATE documents SET reason = reason || ', atas perintah' WHERE reason <> ''`},
	{"a document was withdrawn earlier", "table", `UPDATE documents SET changed_at = changed_at - 86400000000 WHERE status = 'withdrawn'`},
	{"a document was registered earlier", "table", `UPDATE documents SET created_at = created_at - 86400000000`},
	{"a version was released earlier", "table", `UPDATE document_versions SET created_at = created_at - 86400000000`},
	{"versions change places", "table", `DELETE FROM document_versions WHERE id = (SELECT min(v.id) FROM document_versions v WHERE v.document =
		(SELECT w.document FROM document_versions w GROUP BY w.document HAVING count(*) > 1)); INSERT INTO document_versions (organisation, document, sha256, size, operation, created_at)
		SELECT organisation, document, sha256, size, operation, created_at FROM kept_document_versions k
		WHERE NOT EXISTS (SELECT 1 FROM document_versions v WHERE v.document = k.document AND v.sha256 = k.sha256)`},
	{"versions are another office's", "table", `UPDATE document_versions SET organisation = 'lain'`},
	{"certificates are another office's", "table", `UPDATE certificates SET organisation = 'lain'`},
	{"lines of a case are another office's", "table", `UPDATE case_events SET organisation = 'lain'`},
	{"what is no cosignature", "listed", `INSERT INTO checkpoint_cosignatures (size, line) SELECT min(size), 'palsu' FROM checkpoints`},
	{"a cosignature of two lines", "listed", `INSERT INTO checkpoint_cosignatures (size, line) SELECT min(size), '— saksi.example AAAAAAAA

palsu' FROM checkpoints`},
	{"a case is deleted", "table", `DELETE FROM case_files; DELETE FROM case_events; DELETE FROM cases`},
	{"lines of a case are deleted", "table", `DELETE FROM case_events WHERE id = (SELECT min(id) FROM case_events)`},
	{"a file of a case is deleted", "table", `DELETE FROM case_files`},
	{"a case is closed", "table", `UPDATE cases SET state = 'closed'`},
}
