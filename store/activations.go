package store

import (
	"context"
	"time"

	"github.com/absah-id/absah/gateway"
)

const activationColumns = `id, organisation, token_hash, application, signer, signer_key, level, binding, sealed, created_at, expires_at, revoked_at`

func scanActivation(r row) (a gateway.Activation, err error) {
	err = r.Scan(&a.ID, &a.Organisation, sum{&a.TokenHash}, &a.Application, &a.Signer, sum{&a.Key}, &a.Level, &a.Binding, &a.Sealed,
		moment{&a.CreatedAt}, moment{&a.ExpiresAt}, moment{&a.RevokedAt})
	return a, err
}

// Activation is gateway.OperationReader's.
func (tx *Tx) Activation(ctx context.Context, tokenHash [32]byte) (gateway.Activation, error) {
	a, err := one(ctx, tx, scanActivation, `SELECT `+activationColumns+` FROM activations
		WHERE token_hash = $1 AND ($2 = '*' OR organisation = $2)`, tokenHash[:], string(tx.scope))
	if err != nil {
		return a, err
	}
	a.Documents, err = list(ctx, tx, func(r row) (d gateway.ActivationDocument, err error) {
		err = r.Scan(sum{&d.SHA256}, &d.Operation)
		return d, err
	}, `SELECT sha256, operation FROM activation_documents WHERE activation = $1 ORDER BY sha256`, a.ID)
	return a, err
}

// AddActivation is gateway.KeyWriter's.
func (tx *Tx) AddActivation(ctx context.Context, a gateway.Activation) error {
	if err := tx.owns(a.Organisation); err != nil {
		return err
	}
	err := added(tx.exec(ctx, `INSERT INTO activations (id, organisation, token_hash, application, signer, signer_key, level, binding, sealed,
		created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		a.ID, a.Organisation, a.TokenHash[:], a.Application, a.Signer, a.Key[:], a.Level, blob(a.Binding), a.Sealed,
		micros(a.CreatedAt), micros(a.ExpiresAt), micros(a.RevokedAt)))
	for _, d := range a.Documents {
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO activation_documents (organisation, activation, sha256, operation) VALUES ($1, $2, $3, '')
			ON CONFLICT DO NOTHING`, a.Organisation, a.ID, d.SHA256[:])
	}
	return err
}

// RevokeActivation is gateway.KeyWriter's.
func (tx *Tx) RevokeActivation(ctx context.Context, id string, at time.Time) error {
	return touched(tx.exec(ctx, `UPDATE activations SET revoked_at = coalesce(revoked_at, $1), sealed = NULL WHERE id = $2 AND ($3 = '*' OR organisation = $3)`,
		at.UnixMicro(), id, string(tx.scope)))
}

// use takes the authorisation of the operation's document.
func (tx *Tx) use(ctx context.Context, id string, o gateway.Operation) error {
	// Shared: many documents of one activation are signed at once, but none
	// while it is being revoked.
	a, err := list(ctx, tx, scanActivation, `SELECT `+activationColumns+` FROM activations WHERE id = $1 AND organisation = $2`+tx.s.lock("SHARE"),
		id, o.Organisation)
	if err != nil {
		return err
	}
	if len(a) == 0 || a[0].Application != o.Application || a[0].Signer != o.Signer || !a[0].RevokedAt.IsZero() || !o.StartedAt.Before(a[0].ExpiresAt) {
		return gateway.ErrActivation
	}
	n, err := tx.exec(ctx, `UPDATE activation_documents SET operation = $1 WHERE activation = $2 AND sha256 = $3 AND operation = ''`,
		o.ID, id, o.InputSHA256[:])
	if err == nil && n == 0 {
		err = gateway.ErrActivation
	}
	return err
}
