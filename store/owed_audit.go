package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// owedRows are the rows that keep what an operation leaves to be done, and what it
// was allowed by.
type owedRows struct {
	renewals    map[string]gateway.Renewal
	statuses    map[string][32]byte // operation to certificate
	signatures  map[string][32]byte // operation to the CMS that it made
	activations map[string]activationRow
}

type activationRow struct {
	application, signer, level, binding string
	documents                           int
}

// near tells whether a row was written when its record was made: a transaction may
// have waited in between.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Minute }

// owes tells whether a record says that something is left to be done.
func owes(r *evidence.Record) bool {
	return r.Phase == evidence.PhaseOutcome && r.Result.Status == evidence.StatusOK
}

// activates tells whether a record is of an activation that was made.
func activates(r *evidence.Record) bool {
	return owes(r) && r.Kind == "activation" && r.Detail[gateway.DetailActivation] != ""
}

func (q *wanted) fetchOwed(ctx context.Context, tx *Tx) (rows owedRows, err error) {
	rows = owedRows{map[string]gateway.Renewal{}, map[string][32]byte{}, map[string][32]byte{}, map[string]activationRow{}}
	type pair struct {
		operation string
		digest    [32]byte
	}
	scan := func(r row) (p pair, err error) {
		err = r.Scan(&p.operation, sum{&p.digest})
		return p, err
	}
	err = among(ctx, tx, func(r row) (v gateway.Renewal, err error) {
		err = r.Scan(&v.Operation, &v.Document, sum{&v.SHA256}, moment{&v.Due})
		return v, err
	}, func(v gateway.Renewal) { rows.renewals[v.Operation] = v }, `SELECT operation, document, sha256, due FROM renewals WHERE operation IN `, texts(q.owed))
	if err == nil {
		err = among(ctx, tx, scan, func(p pair) { rows.statuses[p.operation] = p.digest }, `SELECT operation, certificate FROM statuses_owed WHERE operation IN `, texts(q.owed))
	}
	if err == nil {
		err = among(ctx, tx, scan, func(p pair) { rows.signatures[p.operation] = p.digest }, `SELECT id, cms_sha256 FROM operations WHERE id IN `, texts(q.owed))
	}
	if err == nil {
		type named struct {
			id string
			activationRow
		}
		err = among(ctx, tx, func(r row) (a named, err error) {
			var binding []byte
			err = r.Scan(&a.id, &a.application, &a.signer, &a.level, &binding, &a.documents)
			a.binding = hex.EncodeToString(binding)
			return a, err
		}, func(a named) { rows.activations[a.id] = a.activationRow }, `SELECT a.id, a.application, a.signer, a.level, a.binding,
			(SELECT count(*) FROM activation_documents d WHERE d.activation = a.id) FROM activations a WHERE a.id IN `, texts(q.activations))
	}
	return rows, err
}

// owedBy compares what an outcome says is left to be done, and what it made, with
// the rows.
func (rows *owedRows) owedBy(r *evidence.Record) error {
	if !owes(r) {
		return nil
	}
	if due, err := time.Parse(time.RFC3339Nano, r.Detail[gateway.DetailRenewal]); err == nil {
		v, ok := rows.renewals[r.Operation]
		if !ok || v.SHA256 != sumOf(r.Subject.OutputSHA256) || v.Document != r.Subject.Document || v.Due.UnixMicro() != due.UnixMicro() {
			return evidence.Differs(evidence.RuleTable, "the renewal of what operation %s released is missing or changed", r.Operation)
		}
	}
	if r.Detail["revocation"] == "owed" {
		if cert, ok := rows.statuses[r.Operation]; !ok || hex.EncodeToString(cert[:]) != r.Signer.CertificateSHA256 {
			return evidence.Differs(evidence.RuleTable, "that the status of a certificate is owed to operation %s is missing or changed", r.Operation)
		}
	}
	if activates(r) {
		a, ok := rows.activations[r.Detail[gateway.DetailActivation]]
		if !ok || a.application != r.Actor.Application || a.signer != r.Signer.ID || a.level != r.Detail["asked"] || a.binding != r.Detail["binding"] {
			return evidence.Differs(evidence.RuleTable, "the activation of operation %s is missing or changed", r.Operation)
		}
	}
	made := [32]byte{}
	for _, a := range r.Artefacts {
		if a.Kind == "cms" && made == [32]byte{} {
			made = sumOf(a.SHA256)
		}
	}
	// Of other kinds rows from before there was the column have none.
	if has := rows.signatures[r.Operation]; has != made && (has != [32]byte{} || r.Kind == "sign" || r.Kind == "seal") {
		return evidence.Differs(evidence.RuleTable, "operation %s made another signature than its row says", r.Operation)
	}
	return nil
}

// authorised says what of a row is another than the record has; "" for nothing.
// Older records do not name batch and activation.
func (rows *owedRows) authorised(o gateway.Operation, r *evidence.Record) string {
	if said, ok := r.Detail[gateway.DetailBatch]; ok && said != o.Batch {
		return "batch"
	}
	if r.Kind == "activation" || r.Phase == evidence.PhaseEvent {
		return "" // the activation that is named is the one that was made or revoked
	}
	if said, ok := r.Detail[gateway.DetailActivation]; ok && said != o.Activation || r.Detail["authorisation"] != "activation" && o.Activation != "" {
		return "activation"
	}
	return ""
}

// strayRenewals looks for renewals and statuses of which no operation speaks, or that
// are said to be done by one which has not done it.
func (b *beside) strayRenewals(ctx context.Context, tx *Tx) (found, err error) {
	for _, look := range []struct{ query, text string }{
		{`SELECT r.operation FROM renewals r WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = r.operation AND o.status = 'ok'
			AND o.output_sha256 = r.sha256 AND o.organisation = r.organisation) LIMIT 1`, "nothing was released that the renewal of operation %.64q is about"},
		{`SELECT r.operation FROM renewals r WHERE r.done_by <> '' AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = r.done_by AND o.status = 'ok'
			AND o.input_sha256 = r.sha256) LIMIT 1`, "no operation has renewed what operation %.64q released"},
		{`SELECT s.operation FROM statuses_owed s WHERE s.given_by <> '' AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = s.given_by
			AND o.kind = 'certificate.status.later') LIMIT 1`, "no record has the status that is said to be given for operation %.64q"},
	} {
		id, ok, err := first(ctx, tx, look.query)
		if err != nil || ok {
			if ok {
				found = evidence.Differs(evidence.RuleTable, look.text, id)
			}
			return found, err
		}
	}
	return nil, nil
}

// strayOwners looks for rows of another organisation than what they belong to: nobody
// who works for the office would see them.
func (b *beside) strayOwners(ctx context.Context, tx *Tx) (found, err error) {
	for _, t := range []struct{ child, column, parent, key string }{
		{"document_versions", "document", "documents", "public_id"}, {"renewals", "operation", "operations", "id"}, {"statuses_owed", "operation", "operations", "id"},
		{"credentials", "application", "applications", "id"}, {"signer_keys", "signer", "signers", "id"}, {"certificates", "signer_key", "signer_keys", "id"},
		{"activation_documents", "activation", "activations", "id"}, {"case_events", "case_id", "cases", "id"}, {"case_files", "case_id", "cases", "id"},
	} {
		owner, ok, err := first(ctx, tx, `SELECT c.organisation FROM `+t.child+` c LEFT JOIN `+t.parent+` p ON p.`+t.key+` = c.`+t.column+`
			WHERE p.organisation IS NULL OR p.organisation <> c.organisation LIMIT 1`)
		if err != nil {
			return nil, err
		}
		if ok {
			return evidence.Differs(evidence.RuleTable, "a row of %s is of the organisation %.64q, and what it belongs to is not", t.child, owner), nil
		}
	}
	return nil, nil
}

// versionOrder looks for versions of a document that do not follow each other as they
// were released: the last one is what people compare their copy with.
func (b *beside) versionOrder(ctx context.Context, tx *Tx) (found, err error) {
	id, ok, err := first(ctx, tx, `SELECT a.document FROM document_versions a JOIN document_versions b ON b.document = a.document AND b.id > a.id
		JOIN entries ea ON ea.operation = a.operation AND ea.phase = 'outcome' AND ea.slot = 0 JOIN leaves la ON la.entry = ea.id
		JOIN entries eb ON eb.operation = b.operation AND eb.phase = 'outcome' AND eb.slot = 0 JOIN leaves lb ON lb.entry = eb.id
		WHERE la.leaf_index > lb.leaf_index LIMIT 1`)
	if ok {
		return evidence.Differs(evidence.RuleTable, "the versions of the document %.64q are not in the order in which they were released", id), nil
	}
	return nil, err
}

// notCovered are the tables of which no record speaks, or not so that an audit could
// compare them.
var notCovered = []string{
	"activation_documents", // whether an authorisation was used
	"attempt_failures", "attempt_reservations",
	"case_numbers", "case_recusals", "holds",
	"idempotency", "open_intents", "sessions", "tallies", "time_floor", "verdicts",
}

// NotCovered is evidence.Beside's.
func (b *beside) NotCovered() []string { return notCovered }
