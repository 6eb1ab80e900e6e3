package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestAccount: a password is changed by who knows the old one, and the browser
// gets the token of the new session.
func TestAccount(t *testing.T) {
	s, d := newConsole(t, true)
	const chosen = "kuda baterai staples"
	if a, page := s.visit(t, http.MethodGet, "/op/account", "token", nil, nil); a.StatusCode != http.StatusOK || !strings.Contains(page, `autocomplete="new-password"`) {
		t.Errorf("the page: got %d", a.StatusCode)
	}
	if a, _ := s.visit(t, http.MethodGet, "/op/account", "", nil, nil); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the page without a session: got %d", a.StatusCode)
	}
	for name, test := range map[string]struct {
		change func(f url.Values)
		status int
		says   string
	}{
		"right":         {func(url.Values) {}, http.StatusSeeOther, ""},
		"wrong old one": {func(f url.Values) { f.Set("old", "salah") }, http.StatusUnprocessableEntity, "Kata sandi sekarang atau kode salah"},
		"not the same":  {func(f url.Values) { f.Set("again", chosen+" ") }, http.StatusUnprocessableEntity, "tidak sama"},
		"short":         {func(f url.Values) { f.Set("new", "pendek"); f.Set("again", "pendek") }, http.StatusUnprocessableEntity, "paling sedikit 15 huruf"},
		"forged":        {func(f url.Values) { f.Set("csrf", "salah") }, http.StatusForbidden, ""},
	} {
		form := url.Values{"csrf": {"rahasia"}, "old": {"benar"}, "new": {chosen}, "again": {chosen}, "code": {"123456"}}
		test.change(form)
		a, page := s.visit(t, http.MethodPost, "/op/account", "token", form, nil)
		if a.StatusCode != test.status || !strings.Contains(page, test.says) {
			t.Errorf("%s: got %d, want %d; %.300s", name, a.StatusCode, test.status, page)
		}
		if strings.Contains(page, chosen) {
			t.Errorf("%s: the page repeats the password", name)
		}
		if set := a.Header.Get("Set-Cookie"); strings.Contains(set, "__Host-absah=token-2") != (name == "right") {
			t.Errorf("%s: the cookie is %q", name, set)
		}
	}
	if len(d.denied) != 1 {
		t.Errorf("denied: %q", d.denied)
	}
}
