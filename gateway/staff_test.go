package gateway_test

import (
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// TestTOTP holds the one-time passwords to the vectors of RFC 6238 appendix B,
// cut to six digits.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for seconds, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := code(t, secret, time.Unix(seconds, 0)); got != want {
			t.Errorf("%d: got %s, want %s", seconds, got, want)
		}
	}
	at := time.Unix(1111111109, 0)
	step := at.Unix() / 30
	for _, c := range []struct {
		name, code string
		last, want int64
	}{
		{"now", "081804", 0, step},
		{"with a space", "081 804", 0, step},
		{"a clock that is slow", code(t, secret, at.Add(-30*time.Second)), 0, step - 1},
		{"a clock that is fast", code(t, secret, at.Add(30*time.Second)), 0, step + 1},
		{"too old", code(t, secret, at.Add(-time.Minute)), 0, 0},
		{"too new", code(t, secret, at.Add(time.Minute)), 0, 0},
		{"used", "081804", step, 0},
		{"before the one that was used", code(t, secret, at.Add(-30*time.Second)), step, 0},
		{"empty", "", 0, 0},
		{"too short", "08180", 0, 0},
	} {
		if got, ok := gateway.TOTPMatch(secret, c.code, at, c.last); ok != (c.want != 0) || got != c.want {
			t.Errorf("%s: got step %d, %v; want %d", c.name, got, ok, c.want)
		}
	}
}

// code is what a phone with the secret shows.
func code(tb testing.TB, secret []byte, at time.Time) string {
	tb.Helper()
	text, err := gateway.OneTimeCode(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret), at)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// person is a member of staff with a phone.
type person struct {
	w        *world
	username string
	password string
	secret   []byte
}

// hire makes a member of staff.
func (w *world) hire(username string, role gateway.Role) *person {
	w.tb.Helper()
	_, secrets, err := w.AddStaff(w.tb.Context(), operator(), gateway.StaffSpec{Username: username, Name: "Petugas Contoh", Role: role})
	if err != nil {
		w.tb.Fatal(err)
	}
	return w.person(username, secrets)
}

func (w *world) person(username string, s gateway.StaffSecrets) *person {
	w.tb.Helper()
	u, err := url.Parse(s.Address)
	if err != nil {
		w.tb.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil || u.Query().Get("secret") != s.Secret {
		w.tb.Fatalf("%s: %v", s.Address, err)
	}
	return &person{w, username, s.Password, secret}
}

// code is what the phone shows.
func (p *person) code() string { return code(p.w.tb, p.secret, p.w.clock()) }

func (p *person) show() gateway.SignIn {
	return gateway.SignIn{Username: p.username, Password: p.password, Code: p.code(), Address: "192.0.2.1"}
}

// enter signs in, and fails the test when that does not succeed.
func (p *person) enter() string {
	p.w.tb.Helper()
	token, err := p.w.SignIn(p.w.tb.Context(), p.show())
	if err != nil {
		p.w.tb.Fatal(err)
	}
	return token
}

func (p *person) try(change func(s *gateway.SignIn)) gateway.Code {
	p.w.tb.Helper()
	s := p.show()
	change(&s)
	_, err := p.w.SignIn(p.w.tb.Context(), s)
	return codeOf(p.w.tb, err)
}

func (w *world) session(token string) (*gateway.SignedIn, gateway.Code) {
	w.tb.Helper()
	s, err := w.Session(w.tb.Context(), token, "192.0.2.1")
	return s, codeOf(w.tb, err)
}

// TestSignIn: all three parts must hold, each code once; and who it was is on
// record (ASVS 6.2, 6.3, 6.5).
func TestSignIn(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleInvestigator)
	wrong := func(string) string { return "salah" }
	for name, change := range map[string]func(s *gateway.SignIn){
		"password":         func(s *gateway.SignIn) { s.Password = wrong(s.Password) },
		"code":             func(s *gateway.SignIn) { s.Code = "000000" },
		"name":             func(s *gateway.SignIn) { s.Username = "budi" },
		"no password":      func(s *gateway.SignIn) { s.Password = "" },
		"no code":          func(s *gateway.SignIn) { s.Code = "" },
		"a long password":  func(s *gateway.SignIn) { s.Password = strings.Repeat("x", 5000) },
		"a hostile name":   func(s *gateway.SignIn) { s.Username = "siti' OR '1'='1" },
		"a name with NULs": func(s *gateway.SignIn) { s.Username = "siti\x00" },
	} {
		w.wait(time.Minute)
		if got := siti.try(change); got != gateway.CodeUnauthenticated {
			t.Errorf("wrong %s: got %q, want unauthenticated", name, got)
		}
		w.wait(time.Minute)
		siti.enter() // forgets the failures
	}
	w.wait(time.Minute)
	token := siti.enter()
	s, code := w.session(token)
	if code != "" || s.Caller.Staff == "" || s.Caller.User != "staff:"+s.Caller.Staff || s.Caller.Application.Role != gateway.RoleInvestigator ||
		s.Caller.Application.Organisation != organisation || s.Name != "Petugas Contoh" {
		t.Errorf("got %+v, %q", s, code)
	}
	// The same code again, on another machine.
	w.wait(2 * time.Second)
	if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
		t.Errorf("a code twice: got %q", got)
	}
	events := w.events("staff.sign-in")
	last := events[len(events)-2]
	if last.Actor.User != s.Caller.User || last.Actor.Role != "investigator" || last.Actor.Authentication != "password+totp" || last.Actor.Address != "192.0.2.1" || last.Result.Status != "ok" {
		t.Errorf("on record: %+v", last)
	}
	if refused := events[len(events)-1]; refused.Result.Status != "refused" || refused.Detail["why"] != "wrong or used code" || refused.Actor.Authentication != "none" {
		t.Errorf("on record: %+v", refused)
	}
}

// TestLockout: tries must wait longer and longer, then no more are taken for a
// quarter of an hour, also with the right secrets, unless the operator unlocks
// (ASVS 6.3.1). Strangers who do that end no session.
func TestLockout(t *testing.T) {
	w := newWorld(t)
	siti, budi := w.hire("siti", gateway.RoleInvestigator), w.hire("budi", gateway.RoleSupervisor)
	token := siti.enter()
	w.wait(time.Minute)
	bad := func(s *gateway.SignIn) { s.Password = "salah" }
	for n, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		siti.try(bad)
		w.wait(wait - time.Millisecond)
		if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
			t.Fatalf("the right secrets %v after failure %d: got %q", wait, n+1, got)
		}
		w.wait(time.Millisecond)
	}
	if _, code := w.session(token); code != "" {
		t.Errorf("a session before the lock: got %q", code)
	}
	for _, failures := range []string{"five", "six"} {
		siti.try(bad)
		for range 2 {
			w.wait(7 * time.Minute)
			if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
				t.Errorf("the right secrets after %s failures: got %q", failures, got)
			}
			if _, code := w.session(token); code != "" {
				t.Errorf("a session while the door is shut: got %q", code)
			}
		}
		w.wait(time.Minute)
	}
	siti.enter() // the lock has passed
	for range 5 {
		w.wait(time.Minute)
		siti.try(bad)
	}
	budi.enter() // others are not concerned
	if err := w.SetStaffStatus(t.Context(), operator(), "siti", gateway.StaffActive, "diperiksa"); err != nil {
		t.Fatal(err)
	}
	siti.enter()
	events := w.events("staff.sign-in")
	var locked int
	for _, e := range events {
		if e.Detail["locked"] != "" {
			locked++
		}
	}
	if locked != 3 {
		t.Errorf("%d records say that it was locked, want 3", locked)
	}
	if e := w.events("staff.unlock"); len(e) != 1 || e[0].Detail["reason"] != "diperiksa" || e[0].Detail["username"] != "siti" {
		t.Errorf("on record: %+v", e)
	}
}

// TestForeignStaff: who belongs to another organisation does not get in here,
// whatever the database says, and is answered like anybody else who does not.
func TestForeignStaff(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleSupervisor)
	token := siti.enter()
	c := w.cfg
	c.Organisation = "kabupaten-lain"
	other, err := gateway.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Session(t.Context(), token, ""); codeOf(t, err) != gateway.CodeUnauthenticated {
		t.Errorf("a session at another office: got %v", err)
	}
	w.wait(time.Minute)
	if _, err := other.SignIn(t.Context(), siti.show()); codeOf(t, err) != gateway.CodeUnauthenticated {
		t.Errorf("signing in at another office: got %v", err)
	}
	siti.enter() // and it was no try here
	if e := w.eventsOf("kabupaten-lain", "access.denied"); len(e) != 1 || e[0].Detail["why"] != "of another organisation" || e[0].Actor.User != "" {
		t.Errorf("on record: %+v", e)
	}
}

// TestManyTriesAtOnce are no more than many in a row.
func TestManyTriesAtOnce(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleInvestigator)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() { siti.try(func(s *gateway.SignIn) { s.Password = "salah" }) })
	}
	work.Wait()
	if n := len(w.events("staff.sign-in")); n != 1 {
		t.Errorf("%d passwords were tried at the same moment, want 1", n)
	}
}

// TestSessions end when they are idle, old, signed out of or replaced, and with
// the member's lock (ASVS 7.2–7.4).
func TestSessions(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(w *world, p *person, token string)
		want gateway.Code
	}{
		{"in use", func(*world, *person, string) {}, ""},
		{"idle for less than a quarter of an hour", func(w *world, _ *person, _ string) { w.wait(gateway.SessionIdle - time.Second) }, ""},
		{"idle for a quarter of an hour", func(w *world, _ *person, _ string) { w.wait(gateway.SessionIdle) }, gateway.CodeUnauthenticated},
		{"used all the time, for less than eight hours", func(w *world, _ *person, token string) { w.use(token, 8*time.Hour-11*time.Minute) }, ""},
		{"used all the time, for eight hours", func(w *world, _ *person, token string) { w.use(token, 8*time.Hour) }, gateway.CodeUnauthenticated},
		{"signed out", func(w *world, _ *person, token string) {
			if err := errors.Join(w.SignOut(w.tb.Context(), token, ""), w.SignOut(w.tb.Context(), token, "")); err != nil {
				w.tb.Error(err)
			}
		}, gateway.CodeUnauthenticated},
		{"signed in anew in the same browser", func(w *world, p *person, token string) {
			w.wait(time.Minute)
			s := p.show()
			s.Replaces = token
			if _, err := w.SignIn(w.tb.Context(), s); err != nil {
				w.tb.Error(err)
			}
		}, gateway.CodeUnauthenticated},
		{"signed in elsewhere too", func(w *world, p *person, _ string) { w.wait(time.Minute); p.enter() }, ""},
		{"locked by the operator", func(w *world, _ *person, _ string) {
			if err := w.SetStaffStatus(w.tb.Context(), operator(), "siti", gateway.StaffLocked, "cuti"); err != nil {
				w.tb.Error(err)
			}
		}, gateway.CodeUnauthenticated},
		{"reset by the operator", func(w *world, _ *person, _ string) {
			if _, err := w.ResetStaff(w.tb.Context(), operator(), "siti", "", "ganti ponsel"); err != nil {
				w.tb.Error(err)
			}
		}, gateway.CodeUnauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			siti := w.hire("siti", gateway.RoleInvestigator)
			token := siti.enter()
			c.act(w, siti, token)
			if _, got := w.session(token); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	w := newWorld(t)
	for _, token := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 1000), "\x00"} {
		if _, got := w.session(token); got != gateway.CodeUnauthenticated {
			t.Errorf("token %q: got %q", token, got)
		}
	}
}

// use reads a page every ten minutes.
func (w *world) use(token string, d time.Duration) {
	w.tb.Helper()
	for range d / (10 * time.Minute) {
		w.wait(10 * time.Minute)
		if _, err := w.Session(w.tb.Context(), token, ""); err != nil && w.clock().Sub(time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)) < gateway.SessionLifetime {
			w.tb.Fatal(err)
		}
	}
}

// TestReset: the old secrets are worth nothing.
func TestReset(t *testing.T) {
	w := newWorld(t)
	old := w.hire("siti", gateway.RoleInvestigator)
	const chosen = "kuda baterai staples benar"
	if _, err := w.ResetStaff(t.Context(), operator(), "siti", "", " "); codeOf(t, err) != gateway.CodeInvalid {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := w.ResetStaff(t.Context(), operator(), "siti", "pendek", "x"); codeOf(t, err) != gateway.CodeInvalid {
		t.Errorf("a short password: got %v", err)
	}
	secrets, err := w.ResetStaff(t.Context(), operator(), "siti", chosen, "ganti ponsel")
	if err != nil {
		t.Fatal(err)
	}
	if got := old.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
		t.Errorf("old secrets: got %q", got)
	}
	w.wait(time.Minute)
	if got := old.try(func(s *gateway.SignIn) { s.Password = chosen }); got != gateway.CodeUnauthenticated {
		t.Errorf("the old phone: got %q", got)
	}
	w.wait(time.Minute)
	w.person("siti", secrets).enter()
}

// TestConfirm asks again for a code before what cannot be taken back (ASVS
// 7.5.3).
func TestConfirm(t *testing.T) {
	w := newWorld(t)
	siti := w.hire("siti", gateway.RoleSupervisor)
	s, code := w.session(siti.enter())
	if code != "" {
		t.Fatal(code)
	}
	ani := w.at("ani", gateway.RoleInvestigator)
	confirm := func(code string) gateway.Code {
		id := w.filed(dispute.Authenticity, "asli?")
		w.answered(ani, id)
		w.must(w.ProposeClosing(t.Context(), ani, w.ref(ani, id), dispute.Rejected, "x"))
		return codeOf(t, w.CloseCase(t.Context(), s.Caller, w.ref(s.Caller, id), code))
	}
	if got := confirm(siti.code()); got != gateway.CodePassphrase {
		t.Errorf("the code of signing in: got %q", got)
	}
	w.wait(time.Minute)
	if got := confirm(siti.code()); got != "" {
		t.Errorf("a fresh code: got %q", got)
	}
	w.wait(time.Minute)
	for range 5 {
		confirm("000000")
		w.wait(time.Minute)
	}
	if got := confirm(siti.code()); got != gateway.CodePassphrase {
		t.Errorf("after five wrong codes: got %q", got)
	}
	if got := siti.try(func(*gateway.SignIn) {}); got != gateway.CodeUnauthenticated {
		t.Errorf("signing in after five wrong codes: got %q", got)
	}
}

// TestRoles: staff may not do what is the operator's, nor each other's.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	for _, role := range gateway.StaffRoles {
		s, code := w.session(w.hire("petugas-"+string(role), role).enter())
		if code != "" {
			t.Fatal(code)
		}
		c := s.Caller
		_, _, add := w.AddStaff(t.Context(), c, gateway.StaffSpec{Username: "x", Name: "X", Role: gateway.RoleSupervisor})
		_, list := w.AllStaff(t.Context(), c, gateway.Page{})
		_, reset := w.ResetStaff(t.Context(), c, "petugas-auditor", "", "x")
		_, register := w.RegisterDocument(t.Context(), c, gateway.DocumentRequest{Nomor: "1", Tanggal: "2026-01-02", Pages: 1})
		_, propose := w.Propose(t.Context(), c, gateway.ProposeAnchors, nil)
		for name, err := range map[string]error{
			"add": add, "list": list, "reset": reset, "register": register, "propose": propose,
			"unlock": w.SetStaffStatus(t.Context(), c, "petugas-auditor", gateway.StaffActive, "x"),
			"decide": w.Decide(t.Context(), c, "x", true, ""),
		} {
			if got := codeOf(t, err); got != gateway.CodeForbidden {
				t.Errorf("%s by %s: got %q", name, role, got)
			}
		}
		if _, err := w.Search(t.Context(), c, gateway.SearchRequest{}); err != nil {
			t.Errorf("search by %s: %v", role, err)
		}
	}
	if n := len(w.events("access.denied")); n != 7*len(gateway.StaffRoles) {
		t.Errorf("%d refusals are on record, want %d", n, 7*len(gateway.StaffRoles))
	}
	if e := w.events("operations.search"); len(e) != len(gateway.StaffRoles) || e[0].Actor.User == "" {
		t.Errorf("on record: %+v", e)
	}
}

// TestAddStaff refuses what could not sign in, or not be told apart.
func TestAddStaff(t *testing.T) {
	w := newWorld(t)
	good := gateway.StaffSpec{Username: "siti.n", Name: "Siti Contoh", Role: gateway.RoleAuditor}
	for _, c := range []struct {
		name   string
		change func(s *gateway.StaffSpec)
		want   gateway.Code
	}{
		{"good", func(*gateway.StaffSpec) {}, ""},
		{"the same name again", func(*gateway.StaffSpec) {}, gateway.CodeExists},
		{"no user name", func(s *gateway.StaffSpec) { s.Username = "" }, gateway.CodeInvalid},
		{"capitals", func(s *gateway.StaffSpec) { s.Username = "Siti" }, gateway.CodeInvalid},
		{"spaces", func(s *gateway.StaffSpec) { s.Username = "si ti" }, gateway.CodeInvalid},
		{"no name", func(s *gateway.StaffSpec) { s.Name = " " }, gateway.CodeInvalid},
		{"an application's role", func(s *gateway.StaffSpec) { s.Role = gateway.RoleApplication }, gateway.CodeInvalid},
		{"the operator's role", func(s *gateway.StaffSpec) { s.Role = gateway.RoleOperator }, gateway.CodeInvalid},
		{"a short password", func(s *gateway.StaffSpec) { s.Password = "empatbelaskara" }, gateway.CodeInvalid},
	} {
		spec := good
		c.change(&spec)
		if _, _, err := w.AddStaff(t.Context(), operator(), spec); codeOf(t, err) != c.want {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	all, err := w.AllStaff(t.Context(), operator(), gateway.Page{})
	if err != nil || len(all) != 1 || !strings.HasPrefix(all[0].Password, "$argon2id$v=19$m=65536,t=1,p=1$") {
		t.Errorf("got %+v, %v", all, err)
	}
}
