package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/gateway"
)

// TestLanguageLink: the other language is that of the same page, and on the same
// host whatever was asked for.
func TestLanguageLink(t *testing.T) {
	link := regexp.MustCompile(`id="language" href="([^"]*)"`)
	s, _, _ := newCaseDesk(t)
	for path, want := range map[string]string{
		"/":                               "/?lang=en",
		"/?lang=en":                       "/",
		"/pengaduan?document=abc":         "/pengaduan?document=abc&amp;lang=en",
		"/pengaduan?document=abc&lang=en": "/pengaduan?document=abc",
		"/op/search?signer=a%26b":         "/op/search?lang=en&amp;signer=a%26b",
		"/op/search?lang=en&signer=a+b":   "/op/search?signer=a&#43;b",
		"/op/sign-in?next=%2Fop%2Fcases":  "/op/sign-in?lang=en&amp;next=%2Fop%2Fcases",
	} {
		_, page := s.visit(t, http.MethodGet, path, "token", nil, nil)
		if got := link.FindStringSubmatch(page); got == nil || got[1] != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"//evil.example/x", "///evil.example/x", `/\evil.example/x`, `\\evil.example/x`, "//evil.example"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: path}
		s.pages.Fail(w, r, "192.0.2.1", &gateway.Error{Code: gateway.CodeNotFound})
		got := link.FindStringSubmatch(w.Body.String())
		if got == nil || !strings.HasPrefix(got[1], "/evil.example") {
			t.Errorf("%s: got %q", path, got)
		}
		for _, l := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1) {
			if strings.HasPrefix(l[1], "//") || strings.HasPrefix(l[1], `/\`) {
				t.Errorf("%s: the page leads to %s", path, l[1])
			}
		}
	}
}

// TestStrictTransport: behind a proxy that ends TLS people reach the pages over
// TLS all the same.
func TestStrictTransport(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := newSite(t, nil)
		s.cfg.Secure = secure
		s.build(t)
		for _, path := range []string{"/", "/d/none"} {
			if a, _ := s.get(t, path); (a.Header.Get("Strict-Transport-Security") != "") != secure {
				t.Errorf("%s, TLS %t: %q", path, secure, a.Header.Get("Strict-Transport-Security"))
			}
		}
	}
}
