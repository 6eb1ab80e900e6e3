package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// TestTries: a network has so many tries to sign in a minute, and no others are
// concerned: neither its uploads, nor other networks.
func TestTries(t *testing.T) {
	at := time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)
	s, d := newConsole(t, false)
	s.cfg.SignIns, s.cfg.Clock = 3, func() time.Time { return at }
	s.cfg.Admit = func(string) error { return &gateway.Error{Code: gateway.CodeRate} } // for uploads and complaints
	s.build(t)
	try := func(address string) *httptest.ResponseRecorder {
		form := url.Values{"username": {"siti"}, "password": {"salah"}, "code": {"123456"}}
		r := httptest.NewRequest(http.MethodPost, "/op/sign-in", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		_ = s.pages.Serve(w, r, address) // the answer says it too
		return w
	}
	for _, c := range []struct {
		address string
		status  int
	}{
		{"192.0.2.1", 401},
		{"192.0.2.1", 401},
		{"::ffff:192.0.2.1", 401},
		{"192.0.2.1", 429},
		{"192.0.2.2", 401},
		{"2001:db8::1", 401},
		{"2001:db8::2", 401},
		{"2001:db8::3%eth0", 401},
		{"2001:db8::4", 429},
		{"2001:db8:0:1::4", 401},
		{"", 401},
	} {
		a := try(c.address)
		if a.Code != c.status || (c.status == 429) != (a.Header().Get("Retry-After") != "") {
			t.Errorf("%s: got %d, Retry-After %q; want %d", c.address, a.Code, a.Header().Get("Retry-After"), c.status)
		}
	}
	if len(d.shown) != 9 {
		t.Errorf("%d tries came to the gateway, want 9", len(d.shown))
	}
	at = at.Add(20 * time.Second)
	if a := try("192.0.2.1"); a.Code != 401 {
		t.Errorf("a third of a minute later: got %d", a.Code)
	}
}
