package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/gateway"
)

const documentColumns = `d.public_id, d.organisation, d.application, d.nomor, d.perihal, d.tanggal, d.pages, d.confidential, d.status, d.replaced_by,
	d.reason, d.created_at, d.changed_at`

func scanDocument(r row) (d gateway.Document, err error) {
	err = r.Scan(&d.PublicID, &d.Organisation, &d.Application, &d.Nomor, &d.Perihal, &d.Tanggal, &d.Pages, &d.Confidential, &d.Status, &d.ReplacedBy,
		&d.Reason, moment{&d.CreatedAt}, moment{&d.ChangedAt})
	return d, err
}

// Document is gateway.DocumentReader's.
func (tx *Tx) Document(ctx context.Context, publicID string) (gateway.Document, error) {
	d, err := one(ctx, tx, scanDocument, `SELECT `+documentColumns+` FROM documents d WHERE d.public_id = $1 AND ($2 = '*' OR d.organisation = $2)`,
		publicID, string(tx.scope))
	if err != nil {
		return d, err
	}
	return d, tx.versions(ctx, &d)
}

func (tx *Tx) versions(ctx context.Context, d *gateway.Document) (err error) {
	d.Versions, err = list(ctx, tx, func(r row) (v gateway.DocumentVersion, err error) {
		err = r.Scan(sum{&v.SHA256}, &v.Size, &v.Operation, moment{&v.CreatedAt})
		return v, err
	}, `SELECT sha256, size, operation, created_at FROM document_versions WHERE document = $1 ORDER BY id`, d.PublicID)
	return err
}

// DocumentsBySHA256 is gateway.DocumentReader's.
func (tx *Tx) DocumentsBySHA256(ctx context.Context, sha256 [32]byte) ([]gateway.Document, error) {
	found, err := list(ctx, tx, scanDocument, `SELECT `+documentColumns+` FROM document_versions v JOIN documents d ON d.public_id = v.document
		WHERE v.sha256 = $1 AND ($2 = '*' OR d.organisation = $2) ORDER BY d.created_at, d.public_id LIMIT $3`, sha256[:], string(tx.scope), maxPage)
	for i := range found {
		if err == nil {
			err = tx.versions(ctx, &found[i])
		}
	}
	return found, err
}

// ReserveDocument is gateway.DocumentWriter's.
func (tx *Tx) ReserveDocument(ctx context.Context, d gateway.Document) error {
	if err := tx.owns(d.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO documents (public_id, organisation, application, nomor, perihal, tanggal, pages, confidential, status,
		replaced_by, reason, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', $10, $10) ON CONFLICT DO NOTHING`,
		d.PublicID, d.Organisation, d.Application, d.Nomor, d.Perihal, d.Tanggal, d.Pages, d.Confidential, string(gateway.DocumentReserved),
		d.CreatedAt.UnixMicro()))
}

// SetDocumentStatus is gateway.DocumentWriter's.
func (tx *Tx) SetDocumentStatus(ctx context.Context, d gateway.Document, from gateway.DocumentStatus) error {
	was, err := tx.Document(ctx, d.PublicID)
	if err != nil {
		return err
	}
	if d.ReplacedBy != "" {
		by, err := tx.Document(ctx, d.ReplacedBy)
		if err != nil {
			return err
		}
		if by.Organisation != was.Organisation {
			return gateway.ErrNotFound
		}
	}
	return changed(tx.exec(ctx, `UPDATE documents SET status = $1, replaced_by = $2, reason = $3, changed_at = $4 WHERE public_id = $5 AND status = $6`,
		string(d.Status), d.ReplacedBy, d.Reason, d.ChangedAt.UnixMicro(), d.PublicID, string(from)))
}

// addVersion notes a new state of the operation's document.
func (tx *Tx) addVersion(ctx context.Context, o gateway.Operation, v gateway.DocumentVersion) error {
	d, err := tx.Document(ctx, o.Document)
	if err != nil {
		return err
	}
	if d.Organisation != o.Organisation {
		return gateway.ErrNotFound
	}
	if err := added(tx.exec(ctx, `INSERT INTO document_versions (organisation, document, sha256, size, operation, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		o.Organisation, o.Document, v.SHA256[:], v.Size, o.ID, v.CreatedAt.UnixMicro())); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE documents SET status = $1, changed_at = $2 WHERE public_id = $3 AND status = $4`,
		string(gateway.DocumentValid), v.CreatedAt.UnixMicro(), o.Document, string(gateway.DocumentReserved))
	return err
}

// Renewals is gateway.DocumentReader's.
func (tx *Tx) Renewals(ctx context.Context, before time.Time, p gateway.Page) ([]gateway.Renewal, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	return list(ctx, tx, func(r row) (v gateway.Renewal, err error) {
		err = r.Scan(&v.Operation, &v.Organisation, &v.Document, sum{&v.SHA256}, moment{&v.Due}, &v.DoneBy)
		return v, err
	}, `SELECT operation, organisation, document, sha256, due, done_by FROM renewals
		WHERE done_by = '' AND due < $1 AND ($2 = '*' OR organisation = $2)
		AND (due, operation) > (coalesce((SELECT due FROM renewals WHERE operation = $3), 0), $3)
		ORDER BY due, operation LIMIT $4`, before.UnixMicro(), string(tx.scope), p.After, n)
}
