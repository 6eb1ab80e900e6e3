package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// TestForgedSession: who writes to the database signs nobody in: neither with a token
// whose digest he writes there, nor as a colleague or for longer with a token that he
// was given (S13).
func TestForgedSession(t *testing.T) {
	w := newWorld(t)
	budi := w.hire("budi", gateway.RoleSupervisor)
	siti := w.hire("siti", gateway.RoleInvestigator)
	other, code := w.session(budi.enter())
	if code != "" {
		t.Fatal(code)
	}
	token := siti.enter()
	own, code := w.session(token)
	if code != "" {
		t.Fatal(code)
	}
	put := func(s gateway.Session) {
		t.Helper()
		s.Organisation, s.SeenAt = organisation, w.clock()
		err := w.db.Update(t.Context(), gateway.AllOrganisations, func(tx gateway.Tx) error {
			if _, err := tx.PurgeSessions(t.Context(), w.clock().Add(time.Hour), 100); err != nil {
				return err
			}
			return tx.AddSession(t.Context(), s)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	secret := bytes.Repeat([]byte{7}, 32)
	put(gateway.Session{ID: sha256.Sum256(secret), Staff: other.Caller.Staff, CreatedAt: w.clock()})
	for name, made := range map[string][]byte{
		"half a token": secret, "a guess": bytes.Repeat([]byte{7}, 64), "its digest": append(bytes.Clone(secret), sha256.New().Sum(nil)...),
	} {
		if _, code := w.session(base64.RawURLEncoding.EncodeToString(made)); code != gateway.CodeUnauthenticated {
			t.Errorf("%s: got %q", name, code)
		}
	}
	real, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		staff string
		at    time.Time
		want  gateway.Code
	}{
		{"as it was", own.Caller.Staff, w.clock(), ""},
		{"a colleague's", other.Caller.Staff, w.clock(), gateway.CodeUnauthenticated},
		{"begun later", own.Caller.Staff, w.clock().Add(time.Minute), gateway.CodeUnauthenticated},
	} {
		put(gateway.Session{ID: sha256.Sum256(real[:32]), Staff: tt.staff, CreatedAt: tt.at})
		if _, code := w.session(token); code != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, code, tt.want)
		}
	}
}
