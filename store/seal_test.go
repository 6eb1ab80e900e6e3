package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store/storetest"
)

// TestS13ForgedRows: rows that say who may do what count only as a gateway
// wrote them. Whoever can write to the database and not to the HSM gives nobody
// a right.
func TestS13ForgedRows(t *testing.T) {
	const zero = `decode(repeat('00', 32), 'hex')`
	for _, tt := range []struct{ name, do, of string }{
		{"untouched", ``, ""},
		{"a credential is made up", `INSERT INTO credentials (id, organisation, application, kind, lookup, hash, created_at)
			SELECT 'palsu', organisation, application, 'key', 'palsu', ZERO, 1 FROM credentials LIMIT 1`, "made-up credential"},
		{"a credential and a MAC are made up", `INSERT INTO credentials (id, organisation, application, kind, lookup, hash, created_at, mac)
			SELECT 'palsu', organisation, application, 'key', 'palsu', ZERO, 1, mac FROM credentials LIMIT 1`, "made-up credential"},
		{"a credential gets another secret", `UPDATE credentials SET hash = ZERO`, "credential"},
		{"a credential is another application's", `UPDATE credentials SET application = (SELECT id FROM applications WHERE name = 'other')`, "credential"},
		{"a credential never ends", `UPDATE credentials SET expires_at = NULL, created_at = 2`, "credential"},
		{"an application gets a role", `UPDATE applications SET role = 'auditor'`, "credential"},
		{"an application gets a policy", `UPDATE applications SET policy = '{"signers":["*"]}'`, "application"},
		{"a MAC is taken away", `UPDATE applications SET mac = NULL`, "application"},
		{"a member of staff gets a password", `UPDATE staff SET password = 'x'`, "staff"},
		{"a member of staff gets a role", `UPDATE staff SET role = 'supervisor'`, "staff"},
		{"a member of staff is let in", `UPDATE staff SET failures = 0, not_before = NULL, version = 9`, "staff"},
		{"a session's member of staff", `UPDATE staff SET totp = ZERO`, "session"},
		{"a proposal says something else", `UPDATE proposals SET payload = ZERO`, "proposal"},
		{"a proposal is another's", `UPDATE proposals SET proposed_by = 'application:other'`, "proposal"},
		{"a lock is opened", `UPDATE attempts SET locked_at = NULL, failures = 0`, "attempt"},
	} {
		for _, e := range engines {
			t.Run(tt.name+"/"+e.Name, func(t *testing.T) {
				t.Parallel()
				o := e.Fresh(t)
				db := storetest.OpenWith(t, o)
				reads := sealedRows(t, db)
				if tt.do != "" {
					z := zero
					if e.Name == "SQLite" {
						z = `zeroblob(32)`
					}
					if _, err := raw(t, o).ExecContext(t.Context(), strings.ReplaceAll(tt.do, "ZERO", z)); err != nil {
						t.Fatal(err)
					}
				}
				for name, read := range reads {
					err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error { return read(t.Context(), tx) })
					switch {
					case name == tt.of && !errors.Is(err, gateway.ErrForged):
						t.Errorf("%s: got %v, want ErrForged", name, err)
					case tt.of == "" && err != nil && !errors.Is(err, gateway.ErrNotFound) && !errors.Is(err, gateway.ErrLocked):
						t.Errorf("%s: %v", name, err)
					}
				}
				failed := errors.New("no record")
				for _, event := range []error{failed, nil} {
					err := db.AdoptRows(t.Context(), func(rows int64) (gateway.Operation, evidence.Entry, error) {
						if rows == 0 {
							t.Error("nothing to adopt")
						}
						id := storetest.ID(storetest.Start)
						e := storetest.Entry(storetest.Org, id, evidence.PhaseEvent, storetest.Start)
						return gateway.Operation{ID: id, Organisation: storetest.Org, Kind: e.Kind, Status: gateway.OperationOK, StartedAt: e.Time, FinishedAt: e.Time}, e, event
					})
					if !errors.Is(err, event) {
						t.Fatalf("got %v, want %v", err, event)
					}
					for name, read := range reads {
						err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error { return read(t.Context(), tx) })
						switch forged := errors.Is(err, gateway.ErrForged); {
						case event != nil && name == tt.of && !forged:
							t.Errorf("%s was adopted without a record: %v", name, err)
						case event == nil && forged:
							t.Errorf("%s, adopted: %v", name, err)
						}
					}
				}
			})
		}
	}
}

// sealedRows makes a row of each kind and returns how each is read.
func sealedRows(t *testing.T, db gateway.Store) map[string]func(context.Context, gateway.Tx) error {
	t.Helper()
	app := gateway.NewApplication(storetest.Org, "e-office", gateway.RoleApplication, gateway.Policy{Levels: []string{"B-B"}}, storetest.Start)
	other := gateway.NewApplication(storetest.Org, "other", gateway.RoleApplication, gateway.Policy{}, storetest.Start)
	_, credential := gateway.NewKey(storetest.Org, app.ID, storetest.Start, storetest.Start.Add(time.Hour))
	member := storetest.Member("budi")
	session := gateway.Session{ID: [32]byte{7}, Organisation: storetest.Org, Staff: member.ID, CreatedAt: storetest.Start, SeenAt: storetest.Start}
	proposal := gateway.Proposal{
		ID: storetest.ID(storetest.Start), Organisation: storetest.Org, Kind: gateway.ProposeRole, Payload: []byte("{}"), ProposedBy: "application:x",
		ProposedAt: storetest.Start, ExpiresAt: storetest.Start.Add(time.Hour),
	}
	policy := gateway.AttemptPolicy{Limit: 1, BaseDelay: time.Second, MaxDelay: time.Minute, ReservedFor: time.Minute, Window: time.Hour}
	err := db.Update(t.Context(), storetest.Org, func(tx gateway.Tx) error {
		ctx := t.Context()
		err := errors.Join(tx.AddApplication(ctx, app), tx.AddApplication(ctx, other), tx.AddCredential(ctx, credential), tx.AddStaff(ctx, member), tx.AddSession(ctx, session),
			tx.Propose(ctx, proposal))
		if err != nil {
			return err
		}
		if _, err := tx.BeginAttempt(ctx, "bupati", app.ID, storetest.Start, policy); err != nil {
			return err
		}
		_, err = tx.EndAttempt(ctx, "bupati", app.ID, false, storetest.Start, policy)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(context.Context, gateway.Tx) error{
		"credential": func(ctx context.Context, tx gateway.Tx) error {
			_, _, err := tx.Credential(ctx, gateway.CredentialKey, credential.Lookup)
			return err
		},
		"made-up credential": func(ctx context.Context, tx gateway.Tx) error {
			_, _, err := tx.Credential(ctx, gateway.CredentialKey, "palsu")
			return err
		},
		"application": func(ctx context.Context, tx gateway.Tx) error {
			_, err := tx.Application(ctx, app.ID)
			return err
		},
		"staff": func(ctx context.Context, tx gateway.Tx) error {
			_, err := tx.StaffByName(ctx, member.Username)
			return err
		},
		"session": func(ctx context.Context, tx gateway.Tx) error {
			_, _, err := tx.Session(ctx, session.ID)
			return err
		},
		"proposal": func(ctx context.Context, tx gateway.Tx) error {
			_, err := tx.Proposal(ctx, proposal.ID)
			return err
		},
		"attempt": func(ctx context.Context, tx gateway.Tx) error {
			_, err := tx.BeginAttempt(ctx, "bupati", app.ID, storetest.Start.Add(2*time.Hour), policy)
			return err
		},
	}
}

// BenchmarkVouched tells what the MAC costs whoever proves himself anew, which an
// application does every two seconds.
func BenchmarkVouched(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(map[bool]string{true: "MACs", false: "none"}[sealed], func(b *testing.B) {
			db := storetest.OpenWith(b, storetest.SQLite.Fresh(b))
			if !sealed {
				db.SealRows([32]byte{})
			}
			app := gateway.NewApplication(storetest.Org, "e-office", gateway.RoleApplication, gateway.Policy{}, storetest.Start)
			_, credential := gateway.NewKey(storetest.Org, app.ID, storetest.Start, time.Time{})
			err := db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error {
				return errors.Join(tx.AddApplication(b.Context(), app), tx.AddCredential(b.Context(), credential))
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := db.View(b.Context(), gateway.AllOrganisations, func(r gateway.Reader) error {
					_, _, err := r.Credential(b.Context(), gateway.CredentialKey, credential.Lookup)
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
