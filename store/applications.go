package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/absah-id/absah/gateway"
)

// maxPage is the longest list that is read at once.
const maxPage = 1000

// limit returns how many rows a page has at most.
func limit(p gateway.Page) (int, error) {
	switch {
	case p.Limit < 0 || p.Limit > maxPage:
		return 0, fmt.Errorf("store: a page has at most %d rows", maxPage)
	case p.Limit == 0:
		return 100, nil
	}
	return p.Limit, nil
}

const applicationColumns = `a.id, a.organisation, a.name, a.role, a.require_mtls, a.policy, a.created_at, a.expires_at, a.revoked_at, a.version`

// applicationFields is where the columns of applicationColumns are scanned to;
// finish then decodes the policy, which is kept as JSON.
func applicationFields(a *gateway.Application) (dest []any, finish func() error) {
	var policy string
	dest = []any{&a.ID, &a.Organisation, &a.Name, &a.Role, &a.RequireMTLS, &policy,
		moment{&a.CreatedAt}, moment{&a.ExpiresAt}, moment{&a.RevokedAt}, &a.Version}
	return dest, func() error { return json.Unmarshal([]byte(policy), &a.Policy) }
}

func scanApplication(r row) (a gateway.Application, err error) {
	dest, finish := applicationFields(&a)
	if err := r.Scan(dest...); err != nil {
		return a, err
	}
	return a, finish()
}

const credentialColumns = `c.id, c.organisation, c.application, c.kind, c.lookup, c.hash, c.created_at, c.expires_at, c.revoked_at`

func credentialFields(c *gateway.Credential) []any {
	return []any{&c.ID, &c.Organisation, &c.Application, &c.Kind, &c.Lookup, sum{&c.Hash},
		moment{&c.CreatedAt}, moment{&c.ExpiresAt}, moment{&c.RevokedAt}}
}

// Credential is gateway.ApplicationReader's.
func (tx *Tx) Credential(ctx context.Context, kind gateway.CredentialKind, lookup string) (gateway.Credential, gateway.Application, error) {
	type both struct {
		c gateway.Credential
		a gateway.Application
	}
	if !isText(lookup) {
		return gateway.Credential{}, gateway.Application{}, gateway.ErrNotFound
	}
	found, err := one(ctx, tx, func(r row) (b both, err error) {
		dest, finish := applicationFields(&b.a)
		if err := r.Scan(append(credentialFields(&b.c), dest...)...); err != nil {
			return b, err
		}
		return b, finish()
	}, `SELECT `+credentialColumns+`, `+applicationColumns+` FROM credentials c JOIN applications a ON a.id = c.application
		WHERE c.kind = $1 AND c.lookup = $2 AND ($3 = '*' OR c.organisation = $3)`, string(kind), lookup, string(tx.scope))
	if err == nil {
		err = tx.vouched(ctx, sealedCredentials, found.c.ID)
	}
	if err == nil {
		err = tx.vouched(ctx, sealedApplications, found.a.ID)
	}
	return found.c, found.a, err
}

// Credentials is gateway.ApplicationReader's.
func (tx *Tx) Credentials(ctx context.Context, application string) ([]gateway.Credential, error) {
	return list(ctx, tx, func(r row) (c gateway.Credential, err error) {
		err = r.Scan(credentialFields(&c)...)
		return c, err
	}, `SELECT `+credentialColumns+` FROM credentials c WHERE c.application = $1 AND ($2 = '*' OR c.organisation = $2)
		ORDER BY c.created_at, c.id`, application, string(tx.scope))
}

// Application is gateway.ApplicationReader's.
func (tx *Tx) Application(ctx context.Context, id string) (gateway.Application, error) {
	a, err := one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a
		WHERE a.id = $1 AND ($2 = '*' OR a.organisation = $2)`, id, string(tx.scope))
	if err == nil {
		err = tx.vouched(ctx, sealedApplications, id)
	}
	return a, err
}

// ApplicationByName is gateway.ApplicationReader's. In the scope of all
// organisations the oldest of that name is meant.
func (tx *Tx) ApplicationByName(ctx context.Context, name string) (gateway.Application, error) {
	return one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a
		WHERE a.name = $1 AND ($2 = '*' OR a.organisation = $2) ORDER BY a.id LIMIT 1`, name, string(tx.scope))
}

// Applications is gateway.ApplicationReader's.
func (tx *Tx) Applications(ctx context.Context, p gateway.Page) ([]gateway.Application, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	return list(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a
		WHERE a.id > $1 AND ($2 = '*' OR a.organisation = $2) ORDER BY a.id LIMIT $3`, p.After, string(tx.scope), n)
}

// AddApplication is gateway.ApplicationWriter's.
func (tx *Tx) AddApplication(ctx context.Context, a gateway.Application) error {
	if err := tx.owns(a.Organisation); err != nil {
		return err
	}
	policy, err := json.Marshal(a.Policy)
	if err != nil {
		return err
	}
	if err := added(tx.exec(ctx, `INSERT INTO applications (id, organisation, name, role, require_mtls, policy, created_at, expires_at, revoked_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		a.ID, a.Organisation, a.Name, string(a.Role), a.RequireMTLS, string(policy),
		micros(a.CreatedAt), micros(a.ExpiresAt), micros(a.RevokedAt), a.Version)); err != nil {
		return err
	}
	return tx.seal(ctx, sealedApplications, a.ID)
}

// UpdateApplication is gateway.ApplicationWriter's.
func (tx *Tx) UpdateApplication(ctx context.Context, a gateway.Application) error {
	policy, err := json.Marshal(a.Policy)
	if err != nil {
		return err
	}
	if _, err := tx.Application(ctx, a.ID); err != nil {
		return err
	}
	if err := changed(tx.exec(ctx, `UPDATE applications SET role = $1, require_mtls = $2, policy = $3, expires_at = $4, revoked_at = $5, version = version + 1
		WHERE id = $6 AND version = $7 AND ($8 = '*' OR organisation = $8)`,
		string(a.Role), a.RequireMTLS, string(policy), micros(a.ExpiresAt), micros(a.RevokedAt), a.ID, a.Version, string(tx.scope))); err != nil {
		return err
	}
	return tx.seal(ctx, sealedApplications, a.ID)
}

// AddCredential is gateway.ApplicationWriter's.
func (tx *Tx) AddCredential(ctx context.Context, c gateway.Credential) error {
	if err := tx.owns(c.Organisation); err != nil {
		return err
	}
	a, err := tx.Application(ctx, c.Application)
	if err != nil {
		return err
	}
	if a.Organisation != c.Organisation {
		return errOutside
	}
	if err := added(tx.exec(ctx, `INSERT INTO credentials (id, organisation, application, kind, lookup, hash, created_at, expires_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		c.ID, c.Organisation, c.Application, string(c.Kind), c.Lookup, digest(c.Hash), micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.RevokedAt))); err != nil {
		return err
	}
	return tx.seal(ctx, sealedCredentials, c.ID)
}

// RevokeCredential is gateway.ApplicationWriter's. The first revocation stays.
func (tx *Tx) RevokeCredential(ctx context.Context, id string, at time.Time) error {
	if err := tx.vouched(ctx, sealedCredentials, id); err != nil {
		return err
	}
	if err := touched(tx.exec(ctx, `UPDATE credentials SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND ($3 = '*' OR organisation = $3)`,
		at.UnixMicro(), id, string(tx.scope))); err != nil {
		return err
	}
	return tx.seal(ctx, sealedCredentials, id)
}

// touched turns the count of an UPDATE by identifier into an error.
func touched(n int64, err error) error {
	if err == nil && n == 0 {
		return gateway.ErrNotFound
	}
	return err
}
