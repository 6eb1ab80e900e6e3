package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// TestChangePassword: who shows the old password and a fresh code gets another
// password, and all other sessions end (ASVS 6.2.2, 6.2.3, 7.4.3).
func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleInvestigator)
	other := siti.enter()
	w.wait(time.Minute)
	token := siti.enter()
	s, _ := w.session(token)
	const chosen = "kuda baterai staples benar"
	change := func(p gateway.PasswordChange) (string, gateway.Code) {
		t.Helper()
		w.wait(time.Minute)
		if p.Code == "" {
			p.Code = siti.code()
		}
		token, err := w.ChangePassword(t.Context(), s.Caller, p)
		return token, codeOf(t, err)
	}
	for name, test := range map[string]struct {
		p    gateway.PasswordChange
		want gateway.Code
	}{
		"short":              {gateway.PasswordChange{Old: siti.password, New: "pendek"}, gateway.CodeInvalid},
		"none":               {gateway.PasswordChange{Old: siti.password}, gateway.CodeInvalid},
		"the old one":        {gateway.PasswordChange{Old: siti.password, New: siti.password}, gateway.CodeInvalid},
		"the user name":      {gateway.PasswordChange{Old: siti.password, New: "SitiSitiSitiSiti1"}, gateway.CodeInvalid},
		"one character":      {gateway.PasswordChange{Old: siti.password, New: strings.Repeat("a", 20)}, gateway.CodeInvalid},
		"wrong old one":      {gateway.PasswordChange{Old: "bukan ini", New: chosen}, gateway.CodePassphrase},
		"wrong code":         {gateway.PasswordChange{Old: siti.password, New: chosen, Code: "000000"}, gateway.CodePassphrase},
		"much too long":      {gateway.PasswordChange{Old: strings.Repeat("x", 5000), New: chosen}, gateway.CodeInvalid},
		"a new one too long": {gateway.PasswordChange{Old: siti.password, New: strings.Repeat("xy", 5000)}, gateway.CodeInvalid},
	} {
		if _, got := change(test.p); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	renewed, code := change(gateway.PasswordChange{Old: siti.password, New: chosen})
	if code != "" {
		t.Fatal(code)
	}
	for name, test := range map[string]struct {
		token string
		want  gateway.Code
	}{"another browser's": {other, gateway.CodeUnauthenticated}, "the one before": {token, gateway.CodeUnauthenticated}, "the new one": {renewed, ""}} {
		if _, got := w.session(test.token); got != test.want {
			t.Errorf("the session, %s: got %q, want %q", name, got, test.want)
		}
	}
	w.wait(time.Minute)
	if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
		t.Errorf("the old password: got %q", got)
	}
	w.wait(time.Minute)
	if got := siti.try(func(s *gateway.SignIn) { s.Password = chosen }); got != "" {
		t.Errorf("the new password: got %q", got)
	}
	var done, refused int
	for _, r := range w.events("staff.password") {
		if r.Actor.User != "staff:"+s.Caller.Staff {
			t.Errorf("on record: %+v", r.Actor)
		}
		if r.Result.Status == "ok" {
			done++
		} else {
			refused++
		}
	}
	if done != 1 || refused != 2 {
		t.Errorf("on record: %d changes and %d wrong tries, want 1 and 2", done, refused)
	}
}

// TestChangePasswordLocks: a browser that was left open is no way to guess.
func TestChangePasswordLocks(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleAuditor)
	token := siti.enter()
	s, _ := w.session(token)
	for range 5 {
		w.wait(time.Minute)
		_, err := w.ChangePassword(t.Context(), s.Caller, gateway.PasswordChange{Old: "tebakan", New: "kuda baterai staples benar", Code: siti.code()})
		if got := codeOf(t, err); got != gateway.CodePassphrase {
			t.Errorf("got %q", got)
		}
	}
	if _, got := w.session(token); got != gateway.CodeUnauthenticated {
		t.Errorf("after five guesses the session: got %q", got)
	}
}

// TestReenrol: another phone, the same password.
func TestReenrol(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleInvestigator)
	token := siti.enter()
	if _, err := w.ReenrolStaff(t.Context(), operator(), "siti", " "); codeOf(t, err) != gateway.CodeInvalid {
		t.Errorf("without a reason: %v", err)
	}
	secrets, err := w.ReenrolStaff(t.Context(), operator(), "siti", "ganti ponsel")
	if err != nil || secrets.Password != "" {
		t.Fatalf("got the password %q, %v", secrets.Password, err)
	}
	if _, got := w.session(token); got != gateway.CodeUnauthenticated {
		t.Errorf("the session: got %q", got)
	}
	w.wait(time.Minute)
	if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
		t.Errorf("the old phone: got %q", got)
	}
	w.wait(time.Minute)
	renewed := w.person("siti", secrets)
	renewed.password = siti.password
	renewed.enter()
	if got := w.events("staff.reenrol"); len(got) != 1 || got[0].Detail["reason"] != "ganti ponsel" {
		t.Errorf("on record: %+v", got)
	}
}
