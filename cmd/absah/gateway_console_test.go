package main

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// testConsole: staff sign in with all three parts, and what they hold then is
// worth nothing to anybody else (ASVS 6.2–7.5, 3.5.1).
func testConsole(t *testing.T, f *office) {
	secrets, username := filepath.Join(t.TempDir(), "secrets"), "kenari"
	const chosen = "kenari di pohon asam 2718"
	f.must(os.WriteFile(secrets+".in", []byte(chosen+"\n"), 0o600))
	if status, said := f.run("staff", "add", f.config, username, "--name", "Petugas Kenari", "--role", "auditor",
		"--secrets-file", secrets, "--password-file", secrets+".in"); status != 0 {
		t.Fatal(said)
	}
	if info, err := os.Stat(secrets); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secrets: %v, %v", info, err)
	}
	d := &desk{f: f}
	for line := range strings.Lines(readFile(t, secrets)) {
		if secret, ok := strings.CutPrefix(strings.TrimSpace(line), "secret: "); ok {
			d.secret = secret
		}
	}
	enter := func(name, password, code string) answer {
		return d.post(t, "/op/sign-in", url.Values{"username": {name}, "password": {password}, "code": {code}})
	}

	// A stranger learns neither which part is wrong nor who exists.
	wrong := enter(username, "salah", d.code(t, 0)).ok(t, http.StatusUnauthorized)
	nobody := enter("siapa", "salah", "123456").ok(t, http.StatusUnauthorized)
	if strings.ReplaceAll(string(wrong.body), username, "") != strings.ReplaceAll(string(nobody.body), "siapa", "") {
		t.Error("the answers to a wrong password and an unknown name differ")
	}
	var in answer
	for in = wrong; in.status != http.StatusSeeOther; { // the next try must wait for a second
		in = enter(username, chosen, d.code(t, 0))
	}
	set := in.header.Get("Set-Cookie")
	for _, attribute := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, attribute) {
			t.Errorf("the cookie %q lacks %s", set, attribute)
		}
	}
	d.cookie, _, _ = strings.Cut(set, ";")
	token := strings.TrimPrefix(d.cookie, "absah=")
	if again := enter(username, chosen, d.code(t, 0)); again.status != http.StatusUnauthorized {
		t.Errorf("the code a second time: got %d", again.status)
	}

	page := d.get(t, "/op").ok(t, http.StatusOK)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("Content-Security-Policy: %q", policy)
	}
	f.forgeries(t, d, hidden(page.body).Get("csrf"))
	f.worthless(t, d, token)
	f.nowhere(t, map[string]string{"a password of staff": chosen, "a one-time secret": d.secret, "a session's token": token})

	// What the operator locks is locked at once, on a gateway that runs.
	if status, said := f.run("staff", "lock", f.config, username, "--reason", "cuti"); status != 0 {
		t.Fatal(said)
	}
	d.get(t, "/op").ok(t, http.StatusSeeOther)
	var reads, ends int
	f.must(f.sqlite(t).QueryRow(`SELECT count(*) FROM operations WHERE kind = 'overview.read' AND user_name LIKE 'staff:%'`).Scan(&reads))
	f.must(f.sqlite(t).QueryRow(`SELECT count(*) FROM operations WHERE kind IN ('staff.add', 'staff.sign-in', 'staff.lock')`).Scan(&ends))
	if reads == 0 || ends < 4 {
		t.Errorf("on record: %d readings of the overview, %d acts about staff", reads, ends)
	}
}

// forgeries are what other sites, other roles and old pages send.
func (f *office) forgeries(t *testing.T, d *desk, csrf string) {
	t.Helper()
	before := f.denied(t)
	for name, change := range map[string]func(h map[string]string, form url.Values){
		"without the token":    func(_ map[string]string, form url.Values) { form.Del("csrf") },
		"with another token":   func(_ map[string]string, form url.Values) { form.Set("csrf", "A"+csrf[1:]) },
		"from another site":    func(h map[string]string, _ url.Values) { h["Sec-Fetch-Site"] = "cross-site" },
		"from a hidden origin": func(h map[string]string, _ url.Values) { delete(h, "Sec-Fetch-Site"); h["Origin"] = "null" },
		"from nowhere":         func(h map[string]string, _ url.Values) { delete(h, "Sec-Fetch-Site") },
		"from another site, by an old brand": func(h map[string]string, _ url.Values) {
			delete(h, "Sec-Fetch-Site")
			h["Origin"] = "https://jahat.example"
		},
	} {
		h, form := d.header(), url.Values{"csrf": {csrf}}
		change(h, form)
		a := f.do(t, call{method: http.MethodPost, path: "/op/sign-out", header: h, client: f.still302(),
			kind: "application/x-www-form-urlencoded", body: strings.NewReader(form.Encode())})
		if a.status != http.StatusForbidden {
			t.Errorf("a form %s: got %d, want 403", name, a.status)
		}
	}
	d.get(t, "/op").ok(t, http.StatusOK) // none of them signed out
	if n := f.denied(t) - before; n != 6 {
		t.Errorf("%d of 6 forgeries are on record", n)
	}
	// An auditor reads, and does not search by file; nor is a session a key.
	if a := d.post(t, "/op/search", url.Values{"csrf": {csrf}}); a.status != http.StatusForbidden {
		t.Errorf("a file from an auditor: got %d, want 403", a.status)
	}
	if a := f.do(t, call{path: "/v1/operations", header: d.header()}); a.status != http.StatusUnauthorized {
		t.Errorf("the API with a session: got %d, want 401", a.status)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if a := f.do(t, call{method: method, path: "/op", header: d.header()}); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s /op: got %d, want 405", method, a.status)
		}
	}
}

// worthless tries what a thief of the database, or of an old cookie, has.
func (f *office) worthless(t *testing.T, d *desk, token string) {
	t.Helper()
	var id []byte
	f.must(f.sqlite(t).QueryRow(`SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1`).Scan(&id))
	for name, value := range map[string]string{
		"the hash in the database": hex.EncodeToString(id), "a part": token[:len(token)-1], "a longer one": token + "A", "nothing": "", "a JSON web token": "eyJhbGciOiJub25lIn0.e30.",
	} {
		thief := &desk{f: f, cookie: "absah=" + value}
		if a := thief.get(t, "/op"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/op/sign-in" {
			t.Errorf("%s as a session: got %d to %q", name, a.status, a.header.Get("Location"))
		}
	}
	if _, err := gateway.OneTimeCode("bukan rahasia", time.Now()); err == nil {
		t.Error("a code of no secret")
	}
}
