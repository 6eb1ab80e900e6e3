package store

import (
	"context"
	"errors"
	"time"

	"github.com/absah-id/absah/gateway"
)

const proposalColumns = `id, organisation, kind, payload, status, proposed_by, proposed_at, expires_at, decided_by, decided_at, reason`

func scanProposal(r row) (p gateway.Proposal, err error) {
	err = r.Scan(&p.ID, &p.Organisation, &p.Kind, &p.Payload, &p.Status, &p.ProposedBy, moment{&p.ProposedAt}, moment{&p.ExpiresAt},
		&p.DecidedBy, moment{&p.DecidedAt}, &p.Reason)
	return p, err
}

// Proposal is gateway.OversightReader's.
func (tx *Tx) Proposal(ctx context.Context, id string) (gateway.Proposal, error) {
	p, err := one(ctx, tx, scanProposal, `SELECT `+proposalColumns+` FROM proposals WHERE id = $1 AND ($2 = '*' OR organisation = $2)`, id, string(tx.scope))
	if err == nil {
		err = tx.vouched(ctx, sealedProposals, id)
	}
	return p, err
}

// Proposals is gateway.OversightReader's.
func (tx *Tx) Proposals(ctx context.Context, status gateway.ProposalStatus, p gateway.Page) ([]gateway.Proposal, error) {
	n, err := limit(p)
	if err != nil {
		return nil, err
	}
	return list(ctx, tx, scanProposal, `SELECT `+proposalColumns+` FROM proposals WHERE ($1 = '' OR status = $1) AND ($2 = '*' OR organisation = $2)
		AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4`, string(status), string(tx.scope), p.After, n)
}

// Propose is gateway.OversightWriter's.
func (tx *Tx) Propose(ctx context.Context, p gateway.Proposal) error {
	if err := tx.owns(p.Organisation); err != nil {
		return err
	}
	if err := added(tx.exec(ctx, `INSERT INTO proposals (`+proposalColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', NULL, $9) ON CONFLICT DO NOTHING`,
		p.ID, p.Organisation, p.Kind, blob(p.Payload), string(gateway.ProposalPending), p.ProposedBy, micros(p.ProposedAt), micros(p.ExpiresAt), p.Reason)); err != nil {
		return err
	}
	return tx.seal(ctx, sealedProposals, p.ID)
}

// nodeSkew is how far the clocks of two nodes may differ.
const nodeSkew = 5 * time.Second

// Decide is gateway.OversightWriter's.
func (tx *Tx) Decide(ctx context.Context, id, by string, status gateway.ProposalStatus, at time.Time, reason string) error {
	if status != gateway.ProposalApproved && status != gateway.ProposalRejected {
		return errors.New("store: a decision approves or rejects")
	}
	p, err := tx.Proposal(ctx, id)
	if err != nil {
		return err
	}
	if by == "" || status == gateway.ProposalApproved && by == p.ProposedBy {
		return gateway.ErrSamePerson
	}
	if err := changed(tx.exec(ctx, `UPDATE proposals SET status = $1, decided_by = $2, decided_at = $3, reason = $4
		WHERE id = $5 AND status = 'pending' AND expires_at > $3 AND proposed_at <= $6`, string(status), by, at.UnixMicro(), reason, id,
		at.Add(nodeSkew).UnixMicro())); err != nil {
		return err
	}
	return tx.seal(ctx, sealedProposals, id)
}

// AddTally is gateway.OversightWriter's.
func (tx *Tx) AddTally(ctx context.Context, t []gateway.Tally) error {
	for _, v := range t {
		if _, err := tx.exec(ctx, `INSERT INTO tallies (organisation, sha256, verdict, n) VALUES ($1, $2, $3, $4)
			ON CONFLICT (sha256, verdict, organisation) DO UPDATE SET n = tallies.n + excluded.n`, tx.organisation(), v.SHA256[:], v.Verdict, v.N); err != nil {
			return err
		}
	}
	return nil
}

// TakeTally is gateway.OversightWriter's.
func (tx *Tx) TakeTally(ctx context.Context, max int) ([]gateway.Tally, error) {
	return list(ctx, tx, func(r row) (t gateway.Tally, err error) {
		err = r.Scan(sum{&t.SHA256}, &t.Verdict, &t.N)
		return t, err
	}, `DELETE FROM tallies WHERE organisation = $1 AND (sha256, verdict) IN
		(SELECT sha256, verdict FROM tallies WHERE organisation = $1 ORDER BY sha256, verdict LIMIT $2) RETURNING sha256, verdict, n`, tx.organisation(), max)
}

// TimeFloor is gateway.OversightReader's: the raised floor, or the time of the
// last entry when that is later.
func (tx *Tx) TimeFloor(ctx context.Context) (time.Time, error) {
	at, err := one(ctx, tx, func(r row) (at int64, err error) {
		err = r.Scan(&at)
		return at, err
	}, `SELECT CASE WHEN f.at >= coalesce(e.at, 0) THEN f.at ELSE e.at END FROM time_floor f
		LEFT JOIN (SELECT at FROM entries ORDER BY id DESC LIMIT 1) e ON TRUE WHERE f.id = 1`)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return time.UnixMicro(at).UTC(), nil
}

// RaiseTimeFloor is gateway.OversightWriter's.
func (tx *Tx) RaiseTimeFloor(ctx context.Context, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE time_floor SET at = $1 WHERE id = 1 AND at < $1`, at.UnixMicro())
	return err
}
