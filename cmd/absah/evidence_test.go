package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/store"
)

// record is the command "record DB BUNDLE KEYS FLOOR": it records one signature in
// a new SQLite database, and writes its bundle, the log's keys and the floor.
func record(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: record database bundle keys floor")
	}
	for i := range args {
		args[i] = ts.MkAbs(args[i])
	}
	ts.Check(writeRecord(ts.Value(service{}).(*lab.Lab), args[0], args[1], args[2], args[3]))
}

func writeRecord(authority *lab.Lab, database, bundleFile, keysFile, floor string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + database})
	if err != nil {
		return err
	}
	defer db.Close()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	client, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{authority.TSAURL()}, Anchors: authority.Anchors().Certificates()})
	if err != nil {
		return err
	}
	source, err := fetch.New(fetch.Config{Allow: []string{authority.Addr()}})
	if err != nil {
		return err
	}
	defer source.Close()
	log, err := evidence.New(evidence.Config{
		Store: db, Origin: "log.contoh.example", Signer: key, Floor: floor, Timestamper: &checkpointStamper{&watchedStamper{client: client}, source, authority.Anchors()},
	})
	if err != nil {
		return err
	}
	in, r, err := signedRecord(ctx, authority)
	if err != nil {
		return err
	}
	for i := range 5 {
		r.Operation = fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%012x", i)
		entry, _, err := log.NewEntry(r)
		if err != nil {
			return err
		}
		if err := db.Append(ctx, entry); err != nil {
			return err
		}
		if err := addSearchRow(database, r, entry.Time); err != nil {
			return err
		}
	}
	if err := db.PutArtefact(ctx, evidence.Blob{Organisation: r.Organisation, Kind: "cms", Data: in.CMS}); err != nil {
		return err
	}
	if _, err := log.Integrate(ctx); err != nil {
		return err
	}
	if err := log.Stamp(ctx); err != nil {
		return err
	}
	if in.Proofs, err = log.Prove(ctx, r.Operation); err != nil {
		return err
	}
	b := &bundler{&gatewayService{db: db}}
	for _, sum := range in.Proofs[0].Checkpoint.Material {
		if err := b.addArtefact(ctx, &in, map[[32]byte]bool{}, sum, ""); err != nil {
			return err
		}
	}
	logKey, receiptKey := log.Keys()
	in.Origin, in.Keys = log.Origin(), []string{logKey, receiptKey}
	var zip bytes.Buffer
	if err := bundle.Write(&zip, in); err != nil {
		return err
	}
	if err := os.WriteFile(keysFile, []byte(strings.Join(in.Keys, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(bundleFile, zip.Bytes(), 0o600)
}

// addSearchRow writes the row by which an outcome without an intent is found.
func addSearchRow(database string, r evidence.Record, at time.Time) error {
	db, err := sql.Open("sqlite3", database)
	if err != nil {
		return err
	}
	defer db.Close()
	certificate, err := hex.DecodeString(r.Signer.CertificateSHA256)
	cms, err2 := hex.DecodeString(r.Artefacts[0].SHA256)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	_, err = db.Exec(`INSERT INTO operations (id, organisation, kind, status, code, application, user_name, node, signer, certificate, level, document,
		activation, batch, started_at, finished_at, input_sha256, output_sha256, cms_sha256) VALUES (?, ?, ?, ?, '', ?, '', '', '', ?, ?, '', '', '', ?, ?, NULL, NULL, ?)`,
		r.Operation, r.Organisation, r.Kind, string(r.Result.Status), r.Actor.Application, certificate, r.Result.Level, at.UnixMicro(), at.UnixMicro(), cms)
	return err
}

// signedRecord makes a signature without a timestamp and the outcome that names
// it.
func signedRecord(ctx context.Context, authority *lab.Lab) (bundle.Input, evidence.Record, error) {
	fail := func(err error) (bundle.Input, evidence.Record, error) {
		return bundle.Input{}, evidence.Record{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fail(err)
	}
	cert, chain, err := authority.Issue(key.Public(), pkix.Name{CommonName: "Pejabat Contoh"}, lab.IssueOptions{})
	if err != nil {
		return fail(err)
	}
	source, err := fetch.New(fetch.Config{Allow: []string{authority.Addr()}})
	if err != nil {
		return fail(err)
	}
	defer source.Close()
	path, err := pki.Chain(cert, chain, authority.Anchors(), time.Now(), pki.AnyPurpose)
	if err != nil {
		return fail(err)
	}
	ev, err := pki.Collect(ctx, path, source, time.Now(), time.Time{})
	if err != nil {
		return fail(err)
	}
	content := sha256.Sum256([]byte("naskah"))
	algorithm, err := cms.ForKey(key.Public(), false)
	if err != nil {
		return fail(err)
	}
	der, err := cms.Sign(cms.SignOptions{Digest: content[:], Hash: crypto.SHA256, Certificate: cert, Chain: chain, Algorithm: algorithm, Key: testkey.Key{Signer: key}})
	if err != nil {
		return fail(err)
	}
	r := evidence.Record{
		Organisation: "Kabupaten Contoh", Phase: evidence.PhaseOutcome, Kind: "sign", Time: time.Now(),
		Actor: evidence.Actor{Application: "e-office"}, Result: evidence.Result{Status: evidence.StatusOK, Level: "B-B"},
		Signer:    evidence.Signer{CertificateSHA256: fmt.Sprintf("%x", sha256.Sum256(cert.Raw))},
		Artefacts: []evidence.Artefact{{Kind: "cms", SHA256: fmt.Sprintf("%x", sha256.Sum256(der)), Size: int64(len(der))}},
	}
	return bundle.Input{CMS: der, Evidence: ev, Anchors: authority.Anchors(), TSAs: authority.Anchors()}, r, nil
}

// tamper is the command "tamper DB SQL": what an administrator of the database
// can do, who takes the triggers away first.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tamper database sql")
	}
	db, err := sql.Open("sqlite3", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	names, err := triggers(db)
	ts.Check(err)
	statements := []string{args[1]}
	for _, name := range names {
		statements = append([]string{"DROP TRIGGER " + name}, statements...)
	}
	for _, s := range statements {
		_, err := db.Exec(s)
		ts.Check(err)
	}
}

func triggers(db *sql.DB) (names []string, err error) {
	rows, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'trigger'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
