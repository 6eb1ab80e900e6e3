package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/absah-id/absah/gateway"
)

const signerColumns = `id, organisation, kind, name, office, nik_hash, nik_sealed, status, created_at`

func scanSigner(r row) (s gateway.Signer, err error) {
	err = r.Scan(&s.ID, &s.Organisation, &s.Kind, &s.Name, &s.Office, &s.NIKHash, &s.NIKSealed, &s.Status, moment{&s.CreatedAt})
	return s, err
}

// Signer is gateway.SignerReader's.
func (tx *Tx) Signer(ctx context.Context, id string) (gateway.Signer, error) {
	return one(ctx, tx, scanSigner, `SELECT `+signerColumns+` FROM signers WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id, string(tx.scope))
}

// SignerByNIK is gateway.SignerReader's.
func (tx *Tx) SignerByNIK(ctx context.Context, hash []byte) (gateway.Signer, error) {
	return one(ctx, tx, scanSigner, `SELECT `+signerColumns+` FROM signers WHERE nik_hash = $1 AND ($2 = '*' OR organisation = $2)
		ORDER BY id LIMIT 1`, blob(hash), string(tx.scope))
}

// Signers is gateway.SignerReader's.
func (tx *Tx) Signers(ctx context.Context, p gateway.Page) ([]gateway.Signer, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	return list(ctx, tx, scanSigner, `SELECT `+signerColumns+` FROM signers WHERE id > $1 AND ($2 = '*' OR organisation = $2)
		ORDER BY id LIMIT $3`, p.After, string(tx.scope), n)
}

// AddSigner is gateway.SignerWriter's.
func (tx *Tx) AddSigner(ctx context.Context, s gateway.Signer) error {
	if err := tx.owns(s.Organisation); err != nil {
		return err
	}
	return added(tx.exec(ctx, `INSERT INTO signers (id, organisation, kind, name, office, nik_hash, nik_sealed, status, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		s.ID, s.Organisation, string(s.Kind), s.Name, s.Office, s.NIKHash, s.NIKSealed, string(s.Status), micros(s.CreatedAt)))
}

// SetSignerStatus is gateway.SignerWriter's.
func (tx *Tx) SetSignerStatus(ctx context.Context, id string, from, to gateway.SignerStatus) error {
	if _, err := tx.Signer(ctx, id); err != nil {
		return err
	}
	return changed(tx.exec(ctx, `UPDATE signers SET status = $1 WHERE id = $2 AND status = $3 AND ($4 = '*' OR organisation = $4)`,
		string(to), id, string(from), string(tx.scope)))
}

const certificateColumns = `sha256, organisation, signer_key, der, chain, not_before, not_after, revoked_locally_at, revoked_reason`

func scanCertificate(r row) (c gateway.Certificate, err error) {
	var chain []byte
	if err := r.Scan(sum{&c.SHA256}, &c.Organisation, sum{&c.Key}, &c.DER, &chain, moment{&c.NotBefore}, moment{&c.NotAfter},
		moment{&c.RevokedLocallyAt}, &c.RevokedReason); err != nil {
		return c, err
	}
	c.Chain, err = splitChain(chain)
	return c, err
}

// Keys is gateway.SignerReader's.
func (tx *Tx) Keys(ctx context.Context, signer string) ([]gateway.Key, error) {
	keys, err := list(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM signer_keys WHERE signer = $1 AND ($2 = '*' OR organisation = $2)
		ORDER BY created_at, id`, signer, string(tx.scope))
	if err != nil {
		return nil, err
	}
	for i := range keys {
		keys[i].Certificates, err = list(ctx, tx, scanCertificate, `SELECT `+certificateColumns+` FROM certificates WHERE signer_key = $1
			ORDER BY not_before, sha256`, keys[i].ID[:])
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// SignerWithKeys is gateway.SignerReader's.
func (tx *Tx) SignerWithKeys(ctx context.Context, id string) (gateway.Signer, []gateway.Key, error) {
	type joined struct {
		signer      gateway.Signer
		key         gateway.Key
		certificate gateway.Certificate
	}
	found, err := list(ctx, tx, func(r row) (j joined, err error) {
		s, k, c := &j.signer, &j.key, &j.certificate
		var chain []byte
		err = r.Scan(&s.ID, &s.Organisation, &s.Kind, &s.Name, &s.Office, &s.NIKHash, &s.NIKSealed, &s.Status, moment{&s.CreatedAt},
			sum{&k.ID}, &k.Algorithm, &k.Sealed, &k.Label, moment{&k.CreatedAt},
			sum{&c.SHA256}, &c.Organisation, &c.DER, &chain, moment{&c.NotBefore}, moment{&c.NotAfter}, moment{&c.RevokedLocallyAt}, &c.RevokedReason)
		if err != nil {
			return j, err
		}
		k.Signer, k.Organisation, c.Key = s.ID, s.Organisation, k.ID
		c.Chain, err = splitChain(chain)
		return j, err
	}, `SELECT s.id, s.organisation, s.kind, s.name, s.office, s.nik_hash, s.nik_sealed, s.status, s.created_at,
		k.id, coalesce(k.algorithm, ''), k.sealed, coalesce(k.label, ''), k.created_at,
		c.sha256, coalesce(c.organisation, ''), c.der, c.chain, c.not_before, c.not_after, c.revoked_locally_at, coalesce(c.revoked_reason, '')
		FROM signers s LEFT JOIN signer_keys k ON k.signer = s.id LEFT JOIN certificates c ON c.signer_key = k.id
		WHERE s.id = $1 AND ($2 = '*' OR s.organisation = $2) ORDER BY k.created_at, k.id, c.not_before, c.sha256`, id, string(tx.scope))
	if err != nil || len(found) == 0 {
		if err == nil {
			err = gateway.ErrNotFound
		}
		return gateway.Signer{}, nil, err
	}
	var keys []gateway.Key
	for _, j := range found {
		if j.key.ID == [32]byte{} {
			break // one without keys
		}
		if len(keys) == 0 || keys[len(keys)-1].ID != j.key.ID {
			keys = append(keys, j.key)
		}
		if j.certificate.SHA256 != [32]byte{} {
			last := &keys[len(keys)-1]
			last.Certificates = append(last.Certificates, j.certificate)
		}
	}
	return found[0].signer, keys, nil
}

const keyColumns = `id, organisation, signer, algorithm, sealed, label, created_at`

func scanKey(r row) (k gateway.Key, err error) {
	err = r.Scan(sum{&k.ID}, &k.Organisation, &k.Signer, &k.Algorithm, &k.Sealed, &k.Label, moment{&k.CreatedAt})
	return k, err
}

func (tx *Tx) key(ctx context.Context, id [32]byte) (gateway.Key, error) {
	return one(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM signer_keys WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id[:], string(tx.scope))
}

// Certificate is gateway.SignerReader's.
func (tx *Tx) Certificate(ctx context.Context, sha256 [32]byte) (gateway.Certificate, error) {
	return one(ctx, tx, scanCertificate, `SELECT `+certificateColumns+` FROM certificates WHERE sha256 = $1 AND ($2 = '*' OR organisation = $2)`,
		sha256[:], string(tx.scope))
}

// Expiring is gateway.SignerReader's.
func (tx *Tx) Expiring(ctx context.Context, before time.Time, p gateway.Page) ([]gateway.Certificate, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	after, err := hex.DecodeString(p.After)
	if err != nil {
		return nil, fmt.Errorf("store: page: %w", err)
	}
	return list(ctx, tx, scanCertificate, `SELECT `+certificateColumns+` FROM certificates
		WHERE not_after < $1 AND revoked_locally_at IS NULL AND ($2 = '*' OR organisation = $2)
		AND (not_after, sha256) > (coalesce((SELECT not_after FROM certificates WHERE sha256 = $3), 0), $3)
		ORDER BY not_after, sha256 LIMIT $4`, before.UnixMicro(), string(tx.scope), after, n)
}

// AddKey is gateway.KeyWriter's.
func (tx *Tx) AddKey(ctx context.Context, k gateway.Key) error {
	if err := tx.owns(k.Organisation); err != nil {
		return err
	}
	s, err := tx.Signer(ctx, k.Signer)
	if err != nil {
		return err
	}
	if s.Organisation != k.Organisation {
		return errOutside
	}
	return added(tx.exec(ctx, `INSERT INTO signer_keys (id, organisation, signer, algorithm, sealed, label, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		k.ID[:], k.Organisation, k.Signer, k.Algorithm, k.Sealed, k.Label, micros(k.CreatedAt)))
}

// AddCertificate is gateway.KeyWriter's.
func (tx *Tx) AddCertificate(ctx context.Context, c gateway.Certificate) error {
	if err := tx.owns(c.Organisation); err != nil {
		return err
	}
	k, err := tx.key(ctx, c.Key)
	if err != nil {
		return err
	}
	if k.Organisation != c.Organisation {
		return errOutside
	}
	return added(tx.exec(ctx, `INSERT INTO certificates (sha256, organisation, signer_key, der, chain, not_before, not_after, revoked_locally_at, revoked_reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		c.SHA256[:], c.Organisation, c.Key[:], blob(c.DER), joinChain(c.Chain), micros(c.NotBefore), micros(c.NotAfter),
		micros(c.RevokedLocallyAt), c.RevokedReason))
}

// RevokeCertificate is gateway.KeyWriter's.
func (tx *Tx) RevokeCertificate(ctx context.Context, sha256 [32]byte, at time.Time, reason string) error {
	if _, err := tx.Certificate(ctx, sha256); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE certificates SET revoked_locally_at = $1, revoked_reason = $2
		WHERE sha256 = $3 AND revoked_locally_at IS NULL AND ($4 = '*' OR organisation = $4)`, at.UnixMicro(), reason, sha256[:], string(tx.scope))
	return err
}
