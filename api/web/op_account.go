package web

import (
	"errors"
	"net/http"

	"github.com/absah-id/absah/gateway"
)

// accountView is the page of the member of staff who has signed in.
type accountView struct {
	Fault, Done string // words; "" for none
}

// accountPage offers to change the password.
func (v *visit) accountPage(string) error {
	if _, err := v.staff(everyone...); err != nil {
		return err
	}
	view := accountView{}
	if v.r.URL.Query().Get("done") != "" {
		view.Done = v.look.words.Text("op.account.done")
	}
	return v.showAccount(http.StatusOK, view)
}

func (v *visit) showAccount(status int, view accountView) error {
	return v.showOp(status, "op-account", v.look.words.Text("op.account.title"), view)
}

// account changes the password, which ends all other sessions.
func (v *visit) account(string) error {
	c, p, err := v.staffPosted(everyone...)
	if err != nil {
		return err
	}
	defer p.Close()
	if p.values["new"] != p.values["again"] {
		return v.showAccount(http.StatusUnprocessableEntity, accountView{Fault: v.look.words.Text("op.account.differ")})
	}
	token, err := v.cfg.Staff.ChangePassword(v.r.Context(), c, gateway.PasswordChange{
		Old: p.values["old"], New: p.values["new"], Code: p.value("code"),
	})
	if fault := accountFault(err); fault != "" {
		return v.showAccount(http.StatusUnprocessableEntity, accountView{Fault: v.look.words.Text(fault)})
	}
	if err != nil {
		return err
	}
	v.setToken(token)
	return v.redirect("/op/account?done=1")
}

// accountFault is the word for why a password was not changed; "" when it is
// not the reader's to mend.
func accountFault(err error) string {
	var e *gateway.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case gateway.CodeInvalid:
		return "op.account.weak"
	case gateway.CodePassphrase:
		return "op.account.wrong"
	}
	return ""
}
