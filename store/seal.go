package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// sealedTable is a table whose rows say what somebody may do. Each carries a MAC
// under a key that the database does not have, so that who writes to the database
// alone can give nobody a right: not a credential, not a role, not a password.
type sealedTable struct {
	name    string
	key     []string // primary key
	columns []string // all that the MAC covers, the key too
}

var (
	sealedApplications = sealedTable{"applications", []string{"id"}, []string{
		"id", "organisation", "name", "role", "require_mtls", "policy", "created_at", "expires_at", "revoked_at", "version"}}
	sealedCredentials = sealedTable{"credentials", []string{"id"}, []string{
		"id", "organisation", "application", "kind", "lookup", "hash", "created_at", "expires_at", "revoked_at"}}
	sealedStaff = sealedTable{"staff", []string{"id"}, []string{
		"id", "organisation", "username", "name", "role", "password", "totp", "last_step", "failures", "not_before", "status", "created_at", "version"}}
	sealedProposals = sealedTable{"proposals", []string{"id"}, []string{
		"id", "organisation", "kind", "payload", "status", "proposed_by", "proposed_at", "expires_at", "decided_by", "decided_at", "reason"}}
	sealedAttempts = sealedTable{"attempts", []string{"organisation", "signer", "application"}, []string{
		"organisation", "signer", "application", "failures", "not_before", "locked_at"}}
)

// SealRows has the rows that say who may do what carry a MAC under key, and
// believes none without it: reading one returns gateway.ErrForged. It is called
// before the DB is used; a DB without a key neither makes nor verifies MACs.
// The zero key is none.
func (db *DB) SealRows(key [32]byte) {
	db.rowKey = nil
	if key != [32]byte{} {
		db.rowKey = key[:]
	}
}

// AdoptRows gives a MAC to all rows of those tables as they are: for a database
// from before there were MACs, when the operator has found its rows right. What
// event makes of their number is put on record with them, or nothing is adopted.
func (db *DB) AdoptRows(ctx context.Context, event func(rows int64) (gateway.Operation, evidence.Entry, error)) error {
	return db.Update(ctx, gateway.AllOrganisations, func(g gateway.Tx) error {
		var n int64
		tx := g.(*Tx)
		for _, t := range []sealedTable{sealedApplications, sealedCredentials, sealedStaff, sealedProposals, sealedAttempts} {
			keys, err := list(ctx, tx, scanTexts(len(t.key)), `SELECT `+strings.Join(t.key, ", ")+` FROM `+t.name)
			if err != nil {
				return err
			}
			for _, key := range keys {
				if err := tx.seal(ctx, t, key...); err != nil {
					return err
				}
				n++
			}
		}
		o, e, err := event(n)
		if err != nil {
			return err
		}
		return tx.RecordEvent(ctx, o, e)
	})
}

func scanTexts(n int) func(row) ([]string, error) {
	return func(r row) ([]string, error) {
		out, dest := make([]string, n), make([]any, n)
		for i := range out {
			dest[i] = &out[i]
		}
		return out, r.Scan(dest...)
	}
}

// where is the condition that chooses the row, with arguments from $first on.
func (t sealedTable) where(first int) string {
	terms := make([]string, len(t.key))
	for i, column := range t.key {
		terms[i] = column + " = $" + strconv.Itoa(first+i)
	}
	return " WHERE " + strings.Join(terms, " AND ")
}

// seal writes the MAC of a row as the row is now.
func (tx *Tx) seal(ctx context.Context, t sealedTable, key ...string) error {
	if tx.rowKey == nil {
		return nil
	}
	mac, _, err := tx.macs(ctx, t, key)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE `+t.name+` SET mac = $1`+t.where(2), append([]any{mac}, texts(key)...)...)
	}
	return err
}

// vouched returns gateway.ErrForged unless the row carries its MAC.
func (tx *Tx) vouched(ctx context.Context, t sealedTable, key ...string) error {
	if tx.rowKey == nil {
		return nil
	}
	want, have, err := tx.macs(ctx, t, key)
	if err == nil && !hmac.Equal(want, have) {
		err = fmt.Errorf("%w: %s %.64q", gateway.ErrForged, t.name, strings.Join(key, " "))
	}
	return err
}

// setAll changes all rows of which the condition holds, and which carry their MAC.
func (tx *Tx) setAll(ctx context.Context, t sealedTable, set, of string, arg int64) error {
	keys, err := list(ctx, tx, scanTexts(len(t.key)), `SELECT `+strings.Join(t.key, ", ")+` FROM `+t.name+` WHERE `+of, arg)
	for _, key := range keys {
		if err == nil {
			err = tx.vouched(ctx, t, key...)
		}
	}
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE `+t.name+` SET `+set+` WHERE `+of, arg)
	}
	for _, key := range keys {
		if err == nil {
			err = tx.seal(ctx, t, key...)
		}
	}
	return err
}

// macs returns the MAC that a row must have, and the one it has.
func (tx *Tx) macs(ctx context.Context, t sealedTable, key []string) (want, have []byte, err error) {
	type macs struct{ want, have []byte }
	m, err := one(ctx, tx, func(r row) (m macs, err error) {
		values, dest := make([]any, len(t.columns)), make([]any, len(t.columns)+1)
		for i := range values {
			dest[i] = &values[i]
		}
		dest[len(values)] = &m.have
		if err := r.Scan(dest...); err != nil {
			return m, err
		}
		m.want = rowMAC(tx.rowKey, t.name, values)
		return m, nil
	}, `SELECT `+strings.Join(t.columns, ", ")+`, mac FROM `+t.name+t.where(1), texts(key)...)
	return m.want, m.have, err
}

// rowMAC is HMAC-SHA256 over the table's name and each value with its kind and
// length, alike on all engines.
func rowMAC(key []byte, table string, values []any) []byte {
	b := append(make([]byte, 0, 1024), "absah/row/1\n"+table+"\n"...)
	number := func(n int64) { b = append(strconv.AppendInt(append(b, 'n'), n, 10), '\n') }
	text := func(s []byte) {
		b = append(strconv.AppendInt(append(b, 't'), int64(len(s)), 10), ' ')
		b = append(append(b, s...), '\n')
	}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, "none\n"...)
		case bool:
			number(map[bool]int64{true: 1}[v])
		case int64:
			number(v)
		case int32:
			number(int64(v))
		case []byte:
			text(v)
		default:
			text([]byte(fmt.Sprint(v)))
		}
	}
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}
