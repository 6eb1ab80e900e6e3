package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
)

// ofBrowsers is what browsers accept.
const ofBrowsers = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// pdf is a form with a document of n bytes.
func pdf(t testing.TB, n int) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("document", "surat.pdf")
	if err == nil {
		_, err = part.Write(make([]byte, n))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

// TestFaultsForPeopleAndPrograms: a browser gets a page in the language of the
// address, a program a problem document, for the same fault with the same
// status. What begins as the API does is for programs, whoever asks.
func TestFaultsForPeopleAndPrograms(t *testing.T) {
	for _, c := range []struct {
		name, method, path, accept string
		upload                     int // bytes; 0: no body
		total, perMinute           int
		status                     int
		code                       string // of the problem; "" for a page
		words                      []string
	}{
		{name: "unknown", path: "/surat/keluar", accept: ofBrowsers, status: 404, words: []string{"Tidak ditemukan", `lang="id"`, `href="/surat/keluar?lang=en"`}},
		{name: "unknown in English", path: "/surat/keluar?lang=en", accept: ofBrowsers, status: 404, words: []string{"Not found", `lang="en"`}},
		{name: "unknown to a program", path: "/surat/keluar", accept: "application/json", status: 404, code: "not-found"},
		{name: "unknown to who takes anything", path: "/surat/keluar", accept: "*/*", status: 404, code: "not-found"},
		{name: "unknown to who says nothing", path: "/surat/keluar", status: 404, code: "not-found"},
		{name: "unknown to who refuses pages", path: "/surat/keluar", accept: "application/json, text/html;q=0", status: 404, code: "not-found"},
		{name: "unknown in the API", path: "/v1/surat", accept: ofBrowsers, status: 404, code: "not-found"},
		{name: "method", path: "/report", accept: ofBrowsers, status: 405, words: []string{"Tidak dapat dilakukan di sini"}},
		{name: "method in English", method: "DELETE", path: "/?lang=en", accept: ofBrowsers, status: 405, words: []string{"Not possible here"}},
		{name: "method to a program", method: "DELETE", path: "/", status: 405, code: "method-not-allowed"},
		{name: "method in the API", path: "/v1/sign", accept: ofBrowsers, status: 405, code: "method-not-allowed"},
		{name: "address", path: "/d/a?lang=en&lang=id", accept: ofBrowsers, status: 400, words: []string{"The request cannot be read"}},
		{name: "address to a program", path: "/d/a?lang=en&lang=id", status: 400, code: "invalid-request"},
		{name: "too large", method: "POST", path: "/", accept: ofBrowsers, upload: 2 << 20, perMinute: 60, status: 413, words: []string{"Berkas terlalu besar", "1\u00a0MB"}},
		{name: "too large in the API", method: "POST", path: "/v1/verify", accept: ofBrowsers, upload: 2 << 20, perMinute: 60, status: 413, code: "too-large"},
		{name: "too often", method: "POST", path: "/?lang=en", accept: ofBrowsers, upload: 10, status: 429, words: []string{"Too often"}},
		{name: "too often in the API", method: "POST", path: "/v1/verify", accept: ofBrowsers, upload: 10, status: 429, code: "rate-limited"},
		{name: "full", method: "POST", path: "/", accept: ofBrowsers, upload: 1 << 19, total: 1 << 18, perMinute: 60, status: 503, words: []string{"Sedang sibuk"}},
		{name: "full in the API", method: "POST", path: "/v1/verify", accept: ofBrowsers, upload: 1 << 19, total: 1 << 18, perMinute: 60, status: 503, code: "busy"},
		{name: "broken inside", path: "/d/aaaa", accept: ofBrowsers, status: 500, words: []string{"Gangguan pada layanan"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.total == 0 {
				c.total = 1 << 22
			}
			s, err := api.New(api.Config{
				Gateway: new(gateway.Gateway), Spool: t.TempDir(), PublicURL: "https://sah.contohkab.go.id",
				Upload: 1 << 20, Total: int64(c.total), Anonymous: c.perMinute,
			})
			if err != nil {
				t.Fatal(err)
			}
			var (
				kind string
				body io.Reader
			)
			if c.method == "" {
				c.method = http.MethodGet
			}
			if c.upload > 0 {
				kind, body = pdf(t, c.upload)
			}
			r := httptest.NewRequest(c.method, c.path, body)
			r.Header.Set("Content-Type", kind)
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status: got %d, want %d: %.200s", w.Code, c.status, w.Body)
			}
			if wait := w.Header().Get("Retry-After"); (wait != "") != (c.status == 429 || c.status == 503) {
				t.Errorf("Retry-After: got %q", wait)
			}
			if allow := w.Header().Get("Allow"); (allow != "") != (c.status == 405) {
				t.Errorf("Allow: got %q", allow)
			}
			if c.code == "" {
				checkFaultPage(t, w, c.words)
			} else {
				checkProblem(t, w, c.status, c.code)
			}
		})
	}
}

func checkFaultPage(t *testing.T, w *httptest.ResponseRecorder, words []string) {
	t.Helper()
	if got, want := w.Header().Get("Content-Type"), "text/html; charset=utf-8"; got != want {
		t.Errorf("Content-Type: got %q, want %q", got, want)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy: got %q", got)
	}
	for _, word := range append(words, `class="skip"`, `<h1 id="result"`, `role="alert"`, "</html>") {
		if !strings.Contains(w.Body.String(), word) {
			t.Errorf("the page lacks %q: %s", word, w.Body)
		}
	}
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" || p.Status != status || p.Code != code {
		t.Errorf("got %q, %+v, want the problem %d %q", got, p, status, code)
	}
}

// TestStrictTransport: behind a proxy that ends TLS programs and people reach the
// gateway over TLS all the same.
func TestStrictTransport(t *testing.T) {
	for public, want := range map[string]bool{"https://sah.contohkab.go.id": true, "http://127.0.0.1:8080": false} {
		s, err := api.New(api.Config{Gateway: new(gateway.Gateway), Spool: t.TempDir(), PublicURL: public, Upload: 1 << 20, Total: 1 << 22, Anonymous: 60})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/healthz", "/v1/openapi.json", "/v1/none"} {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if got := w.Header().Get("Strict-Transport-Security") != ""; got != want {
				t.Errorf("%s%s: got %t, want %t", public, path, got, want)
			}
		}
	}
}
