package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/fault"
)

const operationColumns = `id, organisation, kind, status, code, application, user_name, node, signer, certificate, level, document, case_id, activation, batch,
	started_at, finished_at, input_sha256, output_sha256`

func scanOperation(r row) (o gateway.Operation, err error) {
	err = r.Scan(&o.ID, &o.Organisation, &o.Kind, &o.Status, &o.Code, &o.Application, &o.User, &o.Node, &o.Signer, sum{&o.Certificate}, &o.Level,
		&o.Document, &o.Case, &o.Activation, &o.Batch, moment{&o.StartedAt}, moment{&o.FinishedAt}, sum{&o.InputSHA256}, sum{&o.OutputSHA256})
	return o, err
}

// Operation is gateway.OperationReader's.
func (tx *Tx) Operation(ctx context.Context, id string) (gateway.Operation, error) {
	return one(ctx, tx, scanOperation, `SELECT `+operationColumns+` FROM operations WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id, string(tx.scope))
}

// conditions collects the terms of a WHERE clause and their arguments.
type conditions struct {
	terms []string
	args  []any
}

// add puts the argument's number for each ? of term.
func (c *conditions) add(term string, arg any) {
	c.args = append(c.args, arg)
	c.terms = append(c.terms, strings.ReplaceAll(term, "?", "$"+strconv.Itoa(len(c.args))))
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// Operations is gateway.OperationReader's.
func (tx *Tx) Operations(ctx context.Context, q gateway.OperationQuery) ([]gateway.Operation, error) {
	n, err := limit(q.Page)
	if err != nil {
		return nil, err
	}
	var c conditions
	if tx.scope != gateway.AllOrganisations {
		c.add("organisation = ?", string(tx.scope))
	}
	if q.Digest != [32]byte{} {
		c.add("(input_sha256 = ? OR output_sha256 = ?)", q.Digest[:])
	}
	if q.Output != [32]byte{} {
		c.add("output_sha256 = ?", q.Output[:])
	}
	if q.CMS != [32]byte{} {
		c.add("cms_sha256 = ?", q.CMS[:])
	}
	if q.Certificate != [32]byte{} {
		c.add("certificate = ?", q.Certificate[:])
	}
	for _, t := range []struct{ column, value string }{
		{"kind", q.Kind}, {"status", string(q.Status)}, {"application", q.Application}, {"signer", q.Signer}, {"document", q.Document}, {"batch", q.Batch},
	} {
		if t.value != "" {
			c.add(t.column+" = ?", t.value)
		}
	}
	if !q.From.IsZero() {
		c.add("started_at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		c.add("started_at < ?", q.To.UnixMicro())
	}
	for _, hidden := range hiddenCases(q.Sight) {
		c.add("(case_id = '' OR NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = operations.case_id AND "+hidden.term+"))", hidden.arg)
	}
	if q.After != "" {
		c.add("id < ?", q.After)
	}
	c.args = append(c.args, n)
	return list(ctx, tx, scanOperation, `SELECT `+operationColumns+` FROM operations`+c.where()+
		` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(c.args)), c.args...)
}

// CountOperations is gateway.OperationReader's.
func (tx *Tx) CountOperations(ctx context.Context, from, to time.Time, offset time.Duration) ([]gateway.OperationCount, error) {
	return list(ctx, tx, func(r row) (c gateway.OperationCount, err error) {
		var day int64
		err = r.Scan(&day, &c.Kind, &c.Status, &c.Code, &c.N)
		c.Day = time.UnixMicro(day * (24 * time.Hour).Microseconds()).Add(-offset).UTC()
		return c, err
	}, `SELECT (started_at + $1) / 86400000000 AS day, kind, status, code, count(*) FROM operations
		WHERE started_at >= $2 AND started_at < $3 AND ($4 = '*' OR organisation = $4)
		GROUP BY day, kind, status, code ORDER BY day, kind, status, code`, offset.Microseconds(), from.UnixMicro(), to.UnixMicro(), string(tx.scope))
}

// Dangling is gateway.OperationReader's.
func (tx *Tx) Dangling(ctx context.Context, before time.Time, limit int) ([]gateway.Operation, error) {
	return list(ctx, tx, scanOperation, `SELECT `+operationColumns+` FROM operations
		WHERE status = 'pending' AND started_at < $1 AND ($2 = '*' OR organisation = $2) ORDER BY started_at, id LIMIT $3`,
		before.UnixMicro(), string(tx.scope), limit)
}

// addOperation inserts the row.
func (tx *Tx) addOperation(ctx context.Context, o gateway.Operation) error {
	if err := tx.owns(o.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO operations (`+operationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		o.ID, o.Organisation, o.Kind, string(o.Status), o.Code, o.Application, o.User, o.Node, o.Signer, digest(o.Certificate), o.Level, o.Document, o.Case,
		o.Activation, o.Batch, micros(o.StartedAt), micros(o.FinishedAt), digest(o.InputSHA256), digest(o.OutputSHA256)))
}

// BeginOperation is gateway.OperationWriter's. After an error the transaction
// cannot be committed any more.
func (tx *Tx) BeginOperation(ctx context.Context, b gateway.Begin) (*gateway.Prior, error) {
	if err := about(b.Operation, b.Intent, evidence.PhaseIntent); err != nil {
		return nil, err
	}
	if b.Operation.Status != gateway.OperationPending {
		return nil, errors.New("store: an operation begins pending")
	}
	b.Operation.Activation = b.Activation
	if b.Reservation != nil {
		prior, err := tx.reserve(ctx, *b.Reservation, b.Operation)
		fault.Point("reservation.written")
		if prior != nil || err != nil {
			return prior, tx.note(err)
		}
	}
	err := tx.addOperation(ctx, b.Operation)
	if err == nil && b.Activation != "" {
		err = tx.use(ctx, b.Activation, b.Operation)
	}
	if err == nil {
		err = tx.Append(ctx, b.Intent)
	}
	return nil, tx.note(err)
}

// about returns an error unless an entry is that operation's.
func about(o gateway.Operation, e evidence.Entry, p evidence.Phase) error {
	if e.Operation != o.ID || e.Organisation != o.Organisation || e.Phase != p {
		return errors.New("store: the entry belongs to another operation or phase")
	}
	return nil
}

// FinishOperation is gateway.OperationWriter's. After an error other than
// ErrNotFound and ErrClosed the transaction cannot be committed any more.
func (tx *Tx) FinishOperation(ctx context.Context, f gateway.Finish) error {
	o, err := one(ctx, tx, scanOperation, `SELECT `+operationColumns+` FROM operations WHERE id = $1 AND ($2 = '*' OR organisation = $2)`+
		tx.s.lock("UPDATE"), f.Operation, string(tx.scope))
	if err != nil {
		return err
	}
	if o.Status != gateway.OperationPending {
		return gateway.ErrClosed
	}
	if err := about(o, f.Outcome, evidence.PhaseOutcome); err != nil {
		return err
	}
	if f.Certificate == [32]byte{} {
		f.Certificate = o.Certificate
	}
	if err := tx.Append(ctx, f.Outcome); errors.Is(err, evidence.ErrDuplicate) {
		return gateway.ErrClosed
	} else if err != nil {
		return err
	}
	made := digest(signatureIn(f.Artefacts))
	// A column that is named is written to its index anew, even as it was.
	if f.Certificate == o.Certificate {
		_, err = tx.exec(ctx, `UPDATE operations SET status = $1, code = $2, level = $3, output_sha256 = $4, finished_at = $5, cms_sha256 = $6 WHERE id = $7`,
			string(f.Status), f.Code, f.Level, digest(f.OutputSHA256), f.At.UnixMicro(), made, o.ID)
	} else {
		_, err = tx.exec(ctx, `UPDATE operations SET status = $1, code = $2, level = $3, certificate = $4, output_sha256 = $5, finished_at = $6, cms_sha256 = $7
			WHERE id = $8`, string(f.Status), f.Code, f.Level, digest(f.Certificate), digest(f.OutputSHA256), f.At.UnixMicro(), made, o.ID)
	}
	fault.Point("operation.finished")
	if err == nil {
		err = tx.PutArtefact(ctx, f.Artefacts...)
	}
	if err == nil {
		err = tx.settle(ctx, o, f)
	}
	if err == nil {
		err = tx.register(ctx, o, f)
	}
	if err == nil {
		err = tx.owe(ctx, o, f)
	}
	return tx.note(err)
}

// signatureIn is the SHA-256 of the CMS among artefacts; zero when there is none.
func signatureIn(artefacts []evidence.Blob) [32]byte {
	for _, b := range artefacts {
		if b.Kind == evidence.ArtefactCMS {
			return sha256.Sum256(b.Data)
		}
	}
	return [32]byte{}
}

// settle ends what the operation had reserved.
func (tx *Tx) settle(ctx context.Context, o gateway.Operation, f gateway.Finish) (err error) {
	switch {
	case f.FreeKey:
		_, err = tx.exec(ctx, `DELETE FROM idempotency WHERE operation = $1`, o.ID)
	case f.Tail != nil:
		_, err = tx.exec(ctx, `UPDATE idempotency SET tail = $1 WHERE operation = $2`, f.Tail, o.ID)
	}
	if err == nil && f.ReturnUse && o.Activation != "" {
		_, err = tx.exec(ctx, `UPDATE activation_documents SET operation = '' WHERE activation = $1 AND operation = $2`, o.Activation, o.ID)
	}
	return err
}

// register notes what was released.
func (tx *Tx) register(ctx context.Context, o gateway.Operation, f gateway.Finish) error {
	if v := f.Version; v != nil {
		if err := tx.addVersion(ctx, o, *v); err != nil {
			return err
		}
	}
	if f.Renewal == nil {
		return nil
	}
	if _, err := tx.exec(ctx, `UPDATE renewals SET done_by = $1 WHERE sha256 = $2 AND organisation = $3 AND done_by = ''`,
		o.ID, o.InputSHA256[:], o.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO renewals (operation, organisation, document, sha256, due, done_by) VALUES ($1, $2, $3, $4, $5, '')
		ON CONFLICT DO NOTHING`, o.ID, o.Organisation, o.Document, f.Renewal.SHA256[:], f.Renewal.Due.UnixMicro()))
}

// RecordEvent is gateway.OperationWriter's. After an error the transaction
// cannot be committed any more.
func (tx *Tx) RecordEvent(ctx context.Context, o gateway.Operation, event evidence.Entry) error {
	if err := about(o, event, evidence.PhaseEvent); err != nil {
		return err
	}
	if o.Status == gateway.OperationPending {
		return errors.New("store: an event is over as it is recorded")
	}
	if err := tx.addOperation(ctx, o); err != nil {
		return tx.note(err)
	}
	return tx.note(tx.Append(ctx, event))
}
