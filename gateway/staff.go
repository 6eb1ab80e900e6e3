package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/absah-id/absah/evidence"
)

// Staff is a member of OP staff: a person who signs in to the console.
type Staff struct {
	ID           string // UUIDv7
	Organisation string
	Username     string // unique
	Name         string // shown to colleagues
	Role         Role   // RoleInvestigator, RoleSupervisor or RoleAuditor
	Password     string // argon2id, in the PHC string format
	TOTP         []byte // secret of the one-time passwords, sealed
	LastStep     int64  // step of the last one-time password that was used
	// Failures counts wrong tries in a row, the one under way included.
	Failures  int
	NotBefore time.Time // earliest next try; zero: at once
	Status    StaffStatus
	CreatedAt time.Time
	// Version counts the changes; UpdateStaff wants the one it replaces.
	Version int64
}

// StaffStatus is whether a member of staff may sign in.
type StaffStatus string

// An operator locks and unlocks, on the command line. Wrong tries lock nobody:
// they bar the door for a while (doorLock), and leave who is inside alone.
const (
	StaffActive StaffStatus = "active"
	StaffLocked StaffStatus = "locked"
)

// Session is a member of staff who has signed in.
type Session struct {
	ID           [32]byte // SHA-256 of the token, which only the browser has
	Organisation string
	Staff        string
	CreatedAt    time.Time
	SeenAt       time.Time
	EndedAt      time.Time // zero: it was not
}

// How long a session lasts (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
const (
	SessionIdle     = 15 * time.Minute
	SessionLifetime = 8 * time.Hour
)

// doorLock is how long the door is shut once AttemptPolicy.Limit tries in a row
// were wrong, and again after each further one. Strangers can do that to any name
// that they know, so it passes by itself and ends no session. Whoever has the
// password and guesses at codes has a hundred tries a day.
const doorLock = 15 * time.Minute

// seenEvery is how often a session's last use is written; the idle time is
// short by as much, never long.
const seenEvery = 10 * time.Second

// StaffRoles are the roles that members of staff can have.
var StaffRoles = []Role{RoleInvestigator, RoleSupervisor, RoleAuditor}

// Limits of what people type at the door.
const (
	maxUsername = 64
	maxPassword = 1024
	maxToken    = 128
)

// SignIn is what a member of staff shows at the door.
type SignIn struct {
	Username, Password, Code string
	Address                  string
	// Replaces is the token of a session that ends with this one's beginning;
	// "" for none.
	Replaces string
}

// SignedIn is a session in use.
type SignedIn struct {
	Caller Caller
	Name   string // of the person
	CSRF   string // what forms of this session carry
}

// actSignIn is the kind of record of a try at the door.
const actSignIn = "staff.sign-in"

// errSignIn is the answer to everything that is wrong at the door: who asks
// learns neither which part it was nor whether the name exists (ASVS 6.3.8).
func errSignIn() *Error {
	return errorf(CodeUnauthenticated, "Signing in did not succeed.")
}

// SignIn opens a session and returns its token. A try is counted before it is
// made, so that many at once are no more than many in a row.
func (g *Gateway) SignIn(ctx context.Context, s SignIn) (token string, err error) {
	at, err := g.clock.present()
	if err != nil {
		return "", err
	}
	if len(s.Username) > maxUsername || len(s.Password) > maxPassword || len(s.Code) > maxUsername {
		return "", errSignIn()
	}
	member, why, err := g.beginTry(ctx, s.Username, at)
	if err != nil {
		return "", err
	}
	passed, why, err := g.judgeTry(ctx, member, proof{code: s.Code, password: s.Password, hasPassword: true}, why, at)
	if err != nil {
		return "", err
	}
	caller := member.caller(s.Address)
	if why != "" {
		caller.Authentication = "none"
		return "", g.failTry(ctx, caller, member, actSignIn, why)
	}
	token, session := g.newSession(member, at)
	err = g.recordWith(ctx, caller, evidence.Record{Kind: actSignIn, Result: evidence.Result{Status: evidence.StatusOK}}, func(tx Tx) error {
		if err := tx.UpdateStaff(ctx, passed); err != nil {
			return err
		}
		if id, _, ok := sessionID(s.Replaces); ok {
			if err := tx.EndSession(ctx, id, at); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return tx.AddSession(ctx, session)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// newSession begins a session at a moment. The token is the browser's alone.
func (g *Gateway) newSession(m Staff, at time.Time) (token string, s Session) {
	secret := make([]byte, 32)
	rand.Read(secret)
	s = Session{ID: sha256.Sum256(secret), Organisation: m.Organisation, Staff: m.ID, CreatedAt: at, SeenAt: at}
	return base64.RawURLEncoding.EncodeToString(append(secret, g.sessionTag(s)...)), s
}

// sessionTag is the second half of a session's token: that this gateway, and nobody who
// writes to its database, has begun the session, for whom and when.
func (g *Gateway) sessionTag(s Session) []byte {
	mac := hmac.New(sha256.New, g.sessions[:])
	fmt.Fprintf(mac, "%x\n%d\n%q\n%q", s.ID, s.CreatedAt.UnixMicro(), s.Organisation, s.Staff)
	return mac.Sum(nil)
}

// caller is who a member of staff is on record. Nobody's is the empty one.
func (m Staff) caller(address string) Caller {
	if m.ID == "" {
		return Caller{Authentication: "none", Address: address}
	}
	return Caller{
		Application: Application{Organisation: m.Organisation, Role: m.Role}, Authentication: "password+totp",
		Address: address, User: staffPrefix + m.ID, Staff: m.ID,
	}
}

// staffPrefix begins the user of records that are about members of staff. What
// applications say of their users has an application beside it.
const staffPrefix = "staff:"

// beginTry counts a try as failed before it is made. The member is the zero
// value for a name that nobody has here; why says what keeps the try from
// succeeding, whatever is shown.
func (g *Gateway) beginTry(ctx context.Context, username string, at time.Time) (member Staff, why string, err error) {
	err = g.update(ctx, AllOrganisations, func(tx Tx) error {
		member, why = Staff{}, ""
		m, err := tx.StaffByName(ctx, username)
		if errors.Is(err, ErrNotFound) {
			why = "unknown name"
			return nil
		}
		if err != nil {
			return err
		}
		if m.Organisation != g.cfg.Organisation {
			why = "of another organisation"
			return nil
		}
		member = m
		if why = m.barred(at); why != "" {
			return nil
		}
		return g.countTry(ctx, tx, &member, at)
	})
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == CodeChanged {
		return member, whyTooSoon, nil // another try at the same time
	}
	return member, why, err
}

// Why a try cannot succeed, whatever is shown.
const (
	whyLocked  = "locked"
	whyTooSoon = "too soon"
)

// barred says why a member of staff cannot try now; "" when it is possible.
func (m Staff) barred(at time.Time) string {
	switch {
	case m.Status != StaffActive:
		return whyLocked
	case at.Before(m.NotBefore):
		return whyTooSoon
	}
	return ""
}

// countTry notes a try as if it had failed.
func (g *Gateway) countTry(ctx context.Context, tx Tx, m *Staff, at time.Time) error {
	m.Failures++
	if m.NotBefore = at.Add(g.cfg.Attempts.Delay(m.Failures)); m.Failures >= g.cfg.Attempts.Limit {
		m.NotBefore = at.Add(doorLock)
	}
	if err := tx.UpdateStaff(ctx, *m); err != nil {
		return err
	}
	m.Version++
	return nil
}

// failTry records a try that did not succeed. Tries at the door end no session,
// since anybody can make them; with as many as shut the door, those that are made
// inside do, since nobody but a thief of a session is wrong so often.
func (g *Gateway) failTry(ctx context.Context, c Caller, m Staff, act, why string) error {
	if m.ID == "" || why == whyTooSoon || why == whyLocked {
		g.recordDenied(ctx, c, act, why) // strangers can do this all day
		return errSignIn()
	}
	r := evidence.Record{
		Kind: act, Result: evidence.Result{Status: evidence.StatusRefused, Code: string(CodeUnauthenticated)}, Detail: map[string]string{"why": why},
	}
	lock, inside := m.Failures >= g.cfg.Attempts.Limit, act != actSignIn
	if lock {
		r.Detail["locked"] = "too many wrong tries"
		g.cfg.Log.WarnContext(ctx, "door shut for member of staff after wrong tries", "staff", m.ID, "address", c.Address, "for", doorLock)
	}
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	// Who hangs up at once has tried all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	err = g.recordWith(ctx, c, r, func(tx Tx) error {
		if !lock || !inside {
			return nil
		}
		return tx.EndSessions(ctx, m.ID, at)
	})
	if err != nil {
		return err
	}
	return errSignIn()
}

// judgeTry judges what a member of staff shows. It returns why that does not do,
// or the member as it is to be written when it does: its failures are forgotten
// and the code is used up. A reason that is known already wins, but everything
// is looked at all the same, so that time does not tell.
func (g *Gateway) judgeTry(ctx context.Context, m Staff, p proof, known string, at time.Time) (passed Staff, why string, err error) {
	right := true
	if p.hasPassword {
		if right, err = g.checkPassword(ctx, m.Password, p.password); err != nil {
			return m, "", err
		}
	}
	step, fresh := g.checkCode(m, p.code, at)
	switch {
	case known != "":
		return m, known, nil
	case !right:
		return m, "wrong password", nil
	case !fresh:
		return m, "wrong or used code", nil
	}
	m.Failures, m.NotBefore, m.LastStep = 0, time.Time{}, step
	return m, "", nil
}

// checkCode tells whether a one-time password is a member's, now, and unused.
func (g *Gateway) checkCode(m Staff, code string, at time.Time) (step int64, ok bool) {
	secret, err := g.totps.open(m.TOTP, m.ID)
	if err != nil {
		secret = make([]byte, totpSecret)
	}
	step, ok = totpMatch(secret, code, at, m.LastStep)
	return step, ok && err == nil
}

// sessionID is what the database knows a token by, and what the token has to
// vouch for it.
func sessionID(token string) (id [32]byte, vouched []byte, ok bool) {
	if token == "" || len(token) > maxToken {
		return id, nil, false
	}
	both, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(both) != 32+sha256.Size {
		return id, nil, false
	}
	return sha256.Sum256(both[:32]), both[32:], true
}

// csrf is what forms of a session carry: it proves that who sends a form has
// seen a page of the session, and does not tell its token.
func csrf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("absah/csrf/1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Session finds who has signed in with a token. It returns an Error with
// CodeUnauthenticated when the session has ended or its time has passed.
func (g *Gateway) Session(ctx context.Context, token, address string) (*SignedIn, error) {
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	session, member, err := g.session(ctx, token, at)
	if err != nil {
		return nil, err
	}
	if at.Sub(session.SeenAt) >= seenEvery {
		err := g.update(ctx, AllOrganisations, func(tx Tx) error { return tx.TouchSession(ctx, session.ID, at) })
		if errors.Is(err, ErrNotFound) {
			return nil, errNoSession
		}
		if err != nil {
			return nil, err
		}
	}
	return &SignedIn{Caller: member.caller(address), Name: member.Name, CSRF: csrf(token)}, nil
}

var errNoSession = &Error{Code: CodeUnauthenticated, Text: "There is no session, or it has ended."}

func (g *Gateway) session(ctx context.Context, token string, at time.Time) (session Session, member Staff, err error) {
	id, vouched, ok := sessionID(token)
	if !ok {
		return session, member, errNoSession
	}
	err = g.view(ctx, AllOrganisations, func(r Reader) (err error) {
		session, member, err = r.Session(ctx, id)
		return err
	})
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == CodeNotFound {
		return session, member, errNoSession
	}
	if err != nil {
		return session, member, err
	}
	if !hmac.Equal(vouched, g.sessionTag(session)) {
		return session, member, errNoSession
	}
	over := !session.EndedAt.IsZero() || at.Sub(session.SeenAt) >= SessionIdle || at.Sub(session.CreatedAt) >= SessionLifetime
	if over || member.Status != StaffActive || member.Organisation != g.cfg.Organisation {
		return session, member, errNoSession
	}
	return session, member, nil
}

// Allow demands a role for an act of the console, and records a refusal.
func (g *Gateway) Allow(ctx context.Context, c Caller, act string, roles ...Role) error {
	return g.allow(ctx, c, act, roles...)
}

// Deny records that the console refused something, such as a form that another
// site has sent.
func (g *Gateway) Deny(ctx context.Context, c Caller, act, why string) error {
	g.recordDenied(ctx, c, act, why)
	return errorf(CodeForbidden, "The request was refused.")
}

// SignOut ends a session. One that has ended already is no error.
func (g *Gateway) SignOut(ctx context.Context, token, address string) error {
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	session, member, err := g.session(ctx, token, at)
	if errors.Is(err, errNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	return g.recordWith(ctx, member.caller(address), evidence.Record{Kind: "staff.sign-out", Result: evidence.Result{Status: evidence.StatusOK}},
		func(tx Tx) error { return tx.EndSession(ctx, session.ID, at) })
}

// StaffSpec describes a new member of staff.
type StaffSpec struct {
	Username, Name string
	Role           Role
	// Password is at least 15 characters; "" has one made.
	Password string
}

// minPassword is the least length of a password that somebody chose (ASVS
// 6.2.1 recommends 15 characters).
const minPassword = 15

func (s *StaffSpec) check() error {
	bad := strings.ContainsFunc(s.Username, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_@", r)
	})
	switch {
	case s.Username == "" || len(s.Username) > maxUsername || bad:
		return errorf(CodeInvalid, "A user name has 1 to %d lower-case letters, digits and the characters .-_@.", maxUsername)
	case strings.TrimSpace(s.Name) == "" || utf8.RuneCountInString(s.Name) > maxUsername:
		return errorf(CodeInvalid, "A name has 1 to %d characters.", maxUsername)
	case !slices.Contains(StaffRoles, s.Role):
		return errorf(CodeInvalid, "The role of a member of staff is investigator, supervisor or auditor.")
	}
	return checkNewPassword(s.Password)
}

func checkNewPassword(password string) error {
	if password != "" && (utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword) {
		return errorf(CodeInvalid, "A password has at least %d characters.", minPassword)
	}
	return nil
}

// StaffSecrets is what a member of staff is given once. It is kept nowhere.
type StaffSecrets struct {
	Password string // "" when the old one is kept
	// Address is an otpauth URI, which authenticator apps read; Secret is the
	// part of it that can be typed in.
	Address, Secret string
}

// issue gives a member new secrets.
func (g *Gateway) issue(m *Staff, password string) StaffSecrets {
	if password == "" {
		password = randomText(18)
	}
	m.Password = hashPassword(password)
	s := g.enrol(m)
	s.Password = password
	return s
}

// enrol gives a member a new secret of one-time passwords, and unlocks.
func (g *Gateway) enrol(m *Staff) StaffSecrets {
	secret := make([]byte, totpSecret)
	rand.Read(secret)
	m.TOTP, m.LastStep = g.totps.seal(secret, m.ID), 0
	m.Failures, m.NotBefore, m.Status = 0, time.Time{}, StaffActive
	return StaffSecrets{Address: totpAddress(secret, m.Organisation, m.Username), Secret: totpText.EncodeToString(secret)}
}

// AddStaff makes a member of staff.
func (g *Gateway) AddStaff(ctx context.Context, c Caller, spec StaffSpec) (*Staff, StaffSecrets, error) {
	if err := g.allow(ctx, c, "staff.add", RoleOperator); err != nil {
		return nil, StaffSecrets{}, err
	}
	if err := spec.check(); err != nil {
		return nil, StaffSecrets{}, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, StaffSecrets{}, err
	}
	m := Staff{
		ID: newID(), Organisation: c.Application.Organisation, Username: spec.Username, Name: spec.Name, Role: spec.Role, CreatedAt: at, Version: 1,
	}
	secrets := g.issue(&m, spec.Password)
	if err := g.recordWith(ctx, c, m.record("staff.add", ""), func(tx Tx) error { return tx.AddStaff(ctx, m) }); err != nil {
		return nil, StaffSecrets{}, err
	}
	return &m, secrets, nil
}

// record is what is on record of an act about a member of staff.
func (m Staff) record(act, reason string) evidence.Record {
	r := evidence.Record{
		Kind: act, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"staff": m.ID, "username": m.Username, "role-of-staff": string(m.Role)},
	}
	if reason != "" {
		r.Detail["reason"] = clip(reason, 1024)
	}
	return r
}

// AllStaff lists members of staff.
func (g *Gateway) AllStaff(ctx context.Context, c Caller, p Page) (all []Staff, err error) {
	if err := g.allow(ctx, c, "staff.list", RoleOperator); err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		all, err = r.AllStaff(ctx, p)
		return err
	})
	return all, err
}

// SetStaffStatus locks a member of staff, which ends the sessions, or lets one
// sign in again.
func (g *Gateway) SetStaffStatus(ctx context.Context, c Caller, username string, to StaffStatus, reason string) error {
	act := "staff.unlock"
	if to == StaffLocked {
		act = "staff.lock"
	}
	_, err := g.changeStaff(ctx, c, act, username, reason, func(m *Staff) error {
		m.Status, m.Failures, m.NotBefore = to, 0, time.Time{}
		return nil
	})
	return err
}

// ResetStaff gives a member of staff new secrets, unlocks, and ends the
// sessions.
func (g *Gateway) ResetStaff(ctx context.Context, c Caller, username, password, reason string) (secrets StaffSecrets, err error) {
	if err := checkNewPassword(password); err != nil {
		return secrets, err
	}
	_, err = g.changeStaff(ctx, c, "staff.reset", username, reason, func(m *Staff) error {
		secrets = g.issue(m, password)
		return nil
	})
	return secrets, err
}

// ReenrolStaff gives a member of staff a new secret of one-time passwords, for a
// phone that was lost or replaced, unlocks, and ends the sessions. The password
// is kept, which the operator does not know.
func (g *Gateway) ReenrolStaff(ctx context.Context, c Caller, username, reason string) (secrets StaffSecrets, err error) {
	_, err = g.changeStaff(ctx, c, "staff.reenrol", username, reason, func(m *Staff) error {
		secrets = g.enrol(m)
		return nil
	})
	return secrets, err
}

// changeStaff changes a member of staff, for a reason, and ends the sessions.
func (g *Gateway) changeStaff(ctx context.Context, c Caller, act, username, reason string, change func(m *Staff) error) (*Staff, error) {
	if strings.TrimSpace(reason) == "" {
		return nil, errorf(CodeInvalid, "A reason is needed.")
	}
	if err := g.allow(ctx, c, act, RoleOperator); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	var m Staff
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		m, err = r.StaffByName(ctx, username)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := change(&m); err != nil {
		return nil, err
	}
	err = g.recordWith(ctx, c, m.record(act, reason), func(tx Tx) error {
		if err := tx.UpdateStaff(ctx, m); err != nil {
			return err
		}
		return tx.EndSessions(ctx, m.ID, at)
	})
	return &m, err
}
