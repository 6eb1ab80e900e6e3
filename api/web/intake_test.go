package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
)

// story is a complaint whose every field is filled in.
func story(change ...field) (all []field) {
	all = []field{
		{name: "kind", value: []byte("repudiation")}, {name: "text", value: []byte("Bukan saya <b> yang")}, {name: "name", value: []byte("Warga Contoh")},
		{name: "contact", value: []byte("warga@contoh.example")}, {name: "nik", value: []byte("3201019999990003")}, {name: "document-id"},
	}
	for _, c := range change {
		put := false
		for i := range all {
			if all[i].name == c.name {
				all[i], put = c, true
			}
		}
		if !put {
			all = append(all, c)
		}
	}
	return all
}

// counter is a desk that notes what complaints are about, or refuses them.
type counter struct {
	*caseDesk
	refusal  error
	document string // of the last complaint
}

func (c *counter) FileComplaint(ctx context.Context, who gateway.Caller, n gateway.Complaint, file *gateway.CaseUpload) (*gateway.CaseReceipt, error) {
	if c.document = n.Document; c.refusal != nil {
		return nil, c.refusal
	}
	return c.caseDesk.FileComplaint(ctx, who, n, file)
}

func newCounter(t *testing.T, refusal error) (*site, *door, *counter) {
	t.Helper()
	s, d, desk := newCaseDesk(t)
	c := &counter{caseDesk: desk, refusal: refusal}
	s.cfg.Cases = c
	s.build(t)
	return s, d, c
}

// TestComplaintKept: whatever keeps a complaint from being taken, who wrote it
// gets it back, and is told what to do.
func TestComplaintKept(t *testing.T) {
	const id = "0123456789abcdefghjkmnpqrs"
	for _, c := range []struct {
		name    string
		fields  []field
		refusal error // of the gateway
		often   bool  // the address has asked too often
		status  int
		says    string
	}{
		{"a field is missing", story(field{name: "contact"}), nil, false, 400, "Jenis, uraian, dan kontak harus diisi"},
		{"a large file", story(file("surat.pdf", make([]byte, maxUpload+1))), nil, false, 413, "lebih besar daripada 4\u00a0MB"},
		{"too large for a case", story(file("surat.pdf", letter())), &gateway.Error{Code: gateway.CodeTooLarge}, false, 413, "lebih besar daripada"},
		{"too often", story(file("surat.pdf", letter())), nil, true, 429, "Tunggu 8 detik"},
		{"too busy", story(), &gateway.Error{Code: gateway.CodeBusy, Retry: time.Second}, false, 503, "atau tanpa berkas"},
		{"the database is down", story(), &gateway.Error{Code: gateway.CodeRecord}, false, 503, "gangguan pada layanan"},
		{"something else", story(), context.Canceled, false, 500, "gangguan pada layanan"},
		{"a field that is far too long", story(field{name: "name", value: bytes.Repeat([]byte("ꦗ"), 20_000)}), nil, false, 400, "6.000 huruf"},
		{"an address without an id", story(field{name: "document-id", value: []byte("https://sah.example/d/palsu")}), nil, false, 400, "tidak terbaca tepat satu kode"},
		{"two ids", story(field{name: "document-id", value: []byte(id + " " + strings.Replace(id, "0", "9", 1))}), nil, false, 400, "tidak terbaca tepat satu kode"},
		{"a NIK for an id", story(field{name: "document-id", value: []byte("3201019999990003")}), nil, false, 400, "tidak terbaca tepat satu kode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, desk := newCounter(t, c.refusal)
			if c.often {
				s.cfg.Admit = func(string) error { return &gateway.Error{Code: gateway.CodeRate, Retry: 7 * time.Second} }
				s.build(t)
			}
			a, page := s.post(t, "/pengaduan", c.fields...)
			if a.StatusCode != c.status || len(desk.acts) != 0 {
				t.Errorf("got %d, %q; want %d", a.StatusCode, desk.acts, c.status)
			}
			for _, want := range []string{`role="alert"`, c.says, "Bukan saya &lt;b&gt; yang", `value="repudiation" required checked`, "Berkas dan NIK harus diisi lagi"} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q:\n%s", want, page)
				}
			}
			if strings.Contains(page, "320101") && !strings.Contains(c.name, "NIK") {
				t.Error("the page shows the NIK")
			}
			if c.often && a.Header.Get("Retry-After") != "8" {
				t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
			}
		})
	}
}

// TestCounterKept: at the counter too, what keeps a complaint from being taken
// leaves what was written; but a form of another site is not answered with it.
func TestCounterKept(t *testing.T) {
	const id = "0123456789abcdefghjkmnpqrs"
	for _, c := range []struct {
		name    string
		change  url.Values
		refusal error
		status  int
		says    string
	}{
		{"a field is missing", url.Values{"contact": {""}}, nil, 400, "Jenis, uraian, dan kontak harus diisi"},
		{"an address without an id", url.Values{"document-id": {"https://sah.example/d/palsu"}}, nil, 400, "tidak terbaca tepat satu kode"},
		{"a field that is far too long", url.Values{"name": {strings.Repeat("x", 40_000)}}, nil, 400, "6.000 huruf"},
		{"too busy", url.Values{}, &gateway.Error{Code: gateway.CodeBusy, Retry: time.Second}, 503, "atau tanpa berkas"},
		{"the database is down", url.Values{}, &gateway.Error{Code: gateway.CodeRecord}, 503, "gangguan pada layanan"},
		{"taken", url.Values{"document-id": {"https://sah.example/d/" + id}}, nil, 200, ""},
		{"forged", url.Values{"csrf": {"x"}}, nil, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d, desk := newCounter(t, c.refusal)
			d.role = gateway.RoleInvestigator
			form := url.Values{"csrf": {"rahasia"}, "kind": {"repudiation"}, "text": {"Bukan saya <b> yang"}, "contact": {"warga@contoh.example"}, "nik": {"3201019999990003"}}
			for name, value := range c.change {
				form[name] = value
			}
			a, page := s.visit(t, "POST", "/op/cases", "token", form, nil)
			if a.StatusCode != c.status || (len(desk.acts) == 1) != (c.status == 200) {
				t.Errorf("got %d, %q; want %d", a.StatusCode, desk.acts, c.status)
			}
			kept := strings.Contains(page, "Bukan saya &lt;b&gt; yang") && strings.Contains(page, `role="alert"`) && strings.Contains(page, `value="rahasia"`)
			if kept != (c.says != "") || !strings.Contains(page, c.says) || strings.Contains(page, "320101") {
				t.Errorf("kept %t:\n%.3000s", kept, page)
			}
			if c.status == 200 && desk.document != id {
				t.Errorf("document %q", desk.document)
			}
		})
	}
}

// TestComplaintScripts: what the form's own limit lets through is taken, in any
// script and by either kind of form.
func TestComplaintScripts(t *testing.T) {
	for name, text := range map[string]string{
		"letters": strings.Repeat("x", 6000), "Javanese": strings.Repeat("ꦗ", 6000), "emoji": strings.Repeat("😀", 3000), "lines": strings.Repeat("\r\n", 5999) + "x",
	} {
		s, _, desk := newCaseDesk(t)
		if a, _ := s.post(t, "/pengaduan", story(field{name: "text", value: []byte(text)})...); a.StatusCode != 200 || len(desk.acts) != 1 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
		form := url.Values{"kind": {"repudiation"}, "text": {text}, "contact": {"x"}}
		r := httptest.NewRequest(http.MethodPost, "/pengaduan", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a, _ := s.read(t, r); a.StatusCode != 200 || len(desk.acts) != 2 {
			t.Errorf("%s, encoded: %d", name, a.StatusCode)
		}
	}
}

// TestComplaintDocument: the id is found in what people copy from a QR code.
func TestComplaintDocument(t *testing.T) {
	const id = "0123456789abcdefghjkmnpqrs"
	for _, text := range []string{
		id, " " + id + "\n", "https://sah.contohkab.example/d/" + id, "https://sah.contohkab.example/d/" + id + "/", "HTTPS://SAH.CONTOHKAB.EXAMPLE/D/" + strings.ToUpper(id),
		"https://sah.contohkab.example/d/" + id + "#atas", "https://sah.contohkab.example/d/" + id + "?lang=en", "kode: " + id + ".", id + " (" + strings.ToUpper(id) + ")",
	} {
		s, _, desk := newCounter(t, nil)
		if a, _ := s.post(t, "/pengaduan", story(field{name: "document-id", value: []byte(text)})...); a.StatusCode != 200 || desk.document != id {
			t.Errorf("%q: %d, document %q", text, a.StatusCode, desk.document)
		}
	}
}

// TestForeignComplaint: nobody is made to complain by another site (ASVS 3.5.1).
func TestForeignComplaint(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"a browser", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"http://example.com"}}, 200},
		{"an old browser", http.Header{"Origin": {"http://example.com"}}, 200},
		{"no browser", http.Header{}, 200},
		{"another site", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://jahat.example"}}, 403},
		{"a site beside", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://lain.example.com"}}, 403},
		{"another site in an old browser", http.Header{"Origin": {"https://jahat.example"}}, 403},
		{"a site that hides", http.Header{"Origin": {"null"}}, 403},
	} {
		s, d, desk := newCaseDesk(t)
		r := formRequest(t, "/pengaduan", story()...)
		for name, value := range c.header {
			r.Header[name] = value
		}
		a, _ := s.read(t, r)
		if refused := c.status != 200; a.StatusCode != c.status || refused != (len(desk.acts) == 0) || refused != (len(d.denied) == 1) {
			t.Errorf("%s: %d, %q, denied %q", c.name, a.StatusCode, desk.acts, d.denied)
		}
	}
	s, _, _ := newCaseDesk(t)
	if a, _ := s.get(t, "/pengaduan"); a.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("old browsers will send their own form without its origin: %v", a.Header)
	}
}

// TestComplaintRefused: one whose length alone is too much is refused before the
// pages see it; what was written is given back all the same.
func TestComplaintRefused(t *testing.T) {
	for _, c := range []struct {
		name, path string
		code       gateway.Code
		origin     string
		status     int
		kept       bool
	}{
		{"too large", "/pengaduan", gateway.CodeTooLarge, "", 413, true},
		{"too large, in English", "/pengaduan?lang=en", gateway.CodeTooLarge, "", 413, true},
		{"too large, by another site", "/pengaduan", gateway.CodeTooLarge, "https://jahat.example", 403, false},
		{"not found", "/pengaduan", gateway.CodeNotFound, "", 404, false},
		{"a file to verify", "/", gateway.CodeTooLarge, "", 413, false},
	} {
		s, _, desk := newCounter(t, nil)
		r := formRequest(t, c.path, story(file("surat.pdf", make([]byte, 1<<20)))...)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		s.pages.Fail(w, r, "192.0.2.1", &gateway.Error{Code: c.code})
		if kept := strings.Contains(w.Body.String(), "Bukan saya &lt;b&gt; yang"); w.Code != c.status || kept != c.kept || len(desk.acts) != 0 {
			t.Errorf("%s: got %d, kept %t, %q", c.name, w.Code, kept, desk.acts)
		}
	}
}
