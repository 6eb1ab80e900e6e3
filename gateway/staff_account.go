package gateway

import (
	"context"
	"strings"

	"github.com/absah-id/absah/evidence"
)

// proof is what a member of staff shows once more.
type proof struct {
	code        string
	password    string // looked at only with hasPassword
	hasPassword bool
}

// again asks a member of staff who has signed in for proofs, before what cannot
// be taken back (ASVS 7.5.3); they count as a try to sign in. The member that
// it returns is to be written: its failures are forgotten and the code is used
// up.
func (g *Gateway) again(ctx context.Context, c Caller, act string, p proof) (member Staff, err error) {
	at, err := g.clock.present()
	if err != nil {
		return member, err
	}
	var why string
	err = g.update(ctx, Scope(c.Application.Organisation), func(tx Tx) (err error) {
		if member, err = tx.Staff(ctx, c.Staff); err != nil {
			return err
		}
		if why = member.barred(at); why != "" {
			return nil
		}
		return g.countTry(ctx, tx, &member, at)
	})
	if err != nil {
		return member, err
	}
	passed, why, err := g.judgeTry(ctx, member, p, why, at)
	if err != nil {
		return member, err
	}
	if why != "" {
		if err := g.failTry(ctx, c, member, act, why); fromStore(err).Code != CodeUnauthenticated {
			return member, err
		}
		// The session goes on: it is no reason to send anybody to the door.
		return member, errorf(CodePassphrase, "What was shown is wrong or was used already, or the next try must wait.")
	}
	return passed, nil
}

// PasswordChange is what a member of staff shows to get another password.
type PasswordChange struct{ Old, New, Code string }

// ChangePassword gives a member of staff who has signed in another password, and
// returns the token of a new session: all others end (ASVS 6.2.2, 6.2.3, 7.4.3).
// It returns an Error with CodeInvalid for a new password that is too short,
// the old one or made of the user name, and with CodePassphrase when what was shown
// does not hold, which counts as a wrong try to sign in.
func (g *Gateway) ChangePassword(ctx context.Context, c Caller, p PasswordChange) (token string, err error) {
	const act = "staff.password"
	if err := g.allow(ctx, c, act, StaffRoles...); err != nil {
		return "", err
	}
	if err := g.checkChange(ctx, c, p); err != nil {
		return "", err
	}
	member, err := g.again(ctx, c, act, proof{code: p.Code, password: p.Old, hasPassword: true})
	if err != nil {
		return "", err
	}
	if member.Password, err = g.hash(ctx, p.New); err != nil {
		return "", err
	}
	at, err := g.clock.present()
	if err != nil {
		return "", err
	}
	token, session := g.newSession(member, at)
	err = g.recordWith(ctx, c, evidence.Record{Kind: act, Result: evidence.Result{Status: evidence.StatusOK}}, func(tx Tx) error {
		if err := tx.UpdateStaff(ctx, member); err != nil {
			return err
		}
		if err := tx.EndSessions(ctx, member.ID, at); err != nil {
			return err
		}
		return tx.AddSession(ctx, session)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// checkChange judges a change of passwords before anything is tried.
func (g *Gateway) checkChange(ctx context.Context, c Caller, p PasswordChange) error {
	if len(p.Old) > maxPassword || len(p.Code) > maxUsername {
		return errorf(CodeInvalid, "What was shown is too long.")
	}
	if p.New == "" || p.New == p.Old {
		return errorf(CodeInvalid, "The new password must be another one.")
	}
	if err := checkNewPassword(p.New); err != nil {
		return err
	}
	return g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		m, err := r.Staff(ctx, c.Staff)
		if err == nil && easy(p.New, m.Username) {
			return errorf(CodeInvalid, "The new password must not be made of the user name, or of one character.")
		}
		return err
	})
}

// easy tells whether a password is the user name over and over, or one
// character.
func easy(password, username string) bool {
	rest := strings.ReplaceAll(strings.ToLower(password), username, "")
	return len(rest) < minPassword/3 || strings.Trim(rest, rest[:1]) == ""
}
