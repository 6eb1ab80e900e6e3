package web_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
)

// door is a console with one member of staff, who is signed in with the token
// "token".
type door struct {
	role   gateway.Role
	shown  []gateway.SignIn
	denied []string
	asked  []gateway.SearchRequest
	days   []gateway.OverviewRequest

	found     gateway.SearchResult
	operation *gateway.OperationFile
	document  gateway.Document
	signer    gateway.Signer
	keys      []gateway.Key
	overview  gateway.Overview
	live      gateway.LiveStatus
}

func (d *door) SignIn(_ context.Context, s gateway.SignIn) (string, error) {
	d.shown = append(d.shown, s)
	if s.Password != "benar" {
		return "", &gateway.Error{Code: gateway.CodeUnauthenticated}
	}
	return "token", nil
}

func (d *door) Session(_ context.Context, token, address string) (*gateway.SignedIn, error) {
	if token != "token" {
		return nil, &gateway.Error{Code: gateway.CodeUnauthenticated}
	}
	return &gateway.SignedIn{
		Caller: gateway.Caller{Application: gateway.Application{Role: d.role}, Staff: "staf-1", Address: address}, Name: "Petugas <Contoh>", CSRF: "rahasia",
	}, nil
}

func (d *door) SignOut(context.Context, string, string) error { return nil }

func (d *door) ChangePassword(_ context.Context, _ gateway.Caller, p gateway.PasswordChange) (string, error) {
	switch {
	case p.Old != "benar":
		return "", &gateway.Error{Code: gateway.CodePassphrase}
	case len(p.New) < 15:
		return "", &gateway.Error{Code: gateway.CodeInvalid}
	}
	return "token-2", nil
}

func (d *door) Allow(_ context.Context, c gateway.Caller, act string, roles ...gateway.Role) error {
	if slices.Contains(roles, c.Application.Role) {
		return nil
	}
	return d.Deny(context.Background(), c, act, "role")
}

func (d *door) Deny(_ context.Context, _ gateway.Caller, act, why string) error {
	d.denied = append(d.denied, act+": "+why)
	return &gateway.Error{Code: gateway.CodeForbidden}
}

func (d *door) Search(_ context.Context, _ gateway.Caller, q gateway.SearchRequest) (*gateway.SearchResult, error) {
	d.asked = append(d.asked, q)
	return &d.found, nil
}

func (d *door) SearchFile(_ context.Context, _ gateway.Caller, in gateway.Upload, _ *verifier.Report) (*gateway.FileFound, error) {
	return &gateway.FileFound{States: []gateway.StateFound{{Size: in.Size, SHA256: in.SHA256, Found: d.found.Found}}}, nil
}

func (d *door) ReadOperation(context.Context, gateway.Caller, string) (*gateway.OperationFile, error) {
	return d.operation, nil
}

func (d *door) ReadDocument(context.Context, gateway.Caller, string, gateway.Page) (*gateway.DocumentFile, error) {
	return &gateway.DocumentFile{Document: d.document, Found: d.found.Found}, nil
}

func (d *door) ReadSigner(context.Context, gateway.Caller, string, gateway.Page) (*gateway.SignerFile, error) {
	return &gateway.SignerFile{Signer: d.signer, Keys: d.keys, Found: d.found.Found}, nil
}

func (d *door) ReadCertificate(context.Context, gateway.Caller, [32]byte, gateway.Page) (*gateway.CertificateFile, error) {
	return &gateway.CertificateFile{Certificate: d.keys[0].Certificates[0], Signer: d.signer, Found: d.found.Found}, nil
}

func (d *door) AskCertificate(context.Context, gateway.Caller, [32]byte) (*gateway.LiveStatus, error) {
	return &d.live, nil
}

func (d *door) Overview(_ context.Context, _ gateway.Caller, r gateway.OverviewRequest) (*gateway.Overview, error) {
	d.days = append(d.days, r)
	return &d.overview, nil
}

func newConsole(t *testing.T, secure bool) (*site, *door) {
	t.Helper()
	v, err := verifier.New(verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, d := newSite(t, v), &door{role: gateway.RoleInvestigator}
	s.cfg.Staff, s.cfg.Records, s.cfg.Secure = d, d, secure
	s.cfg.AdmitSignIn = func(string) error { return nil }
	s.build(t)
	return s, d
}

// visit is a request of the console.
func (s *site) visit(t *testing.T, method, path, token string, form url.Values, header map[string]string) (*answer, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "absah", Value: token})
		r.AddCookie(&http.Cookie{Name: "__Host-absah", Value: token})
	}
	for name, value := range header {
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
	return s.read(t, r)
}

// TestCookie: the session's cookie is out of reach of scripts, other sites and
// plain HTTP (ASVS 3.3.1–3.3.4).
func TestCookie(t *testing.T) {
	for secure, want := range map[bool]string{
		true:  "__Host-absah=token; Path=/; HttpOnly; Secure; SameSite=Strict",
		false: "absah=token; Path=/; HttpOnly; SameSite=Strict",
	} {
		s, _ := newConsole(t, secure)
		a, _ := s.visit(t, "POST", "/op/sign-in", "", url.Values{"username": {"siti"}, "password": {"benar"}, "code": {"123456"}}, nil)
		if got := a.Header.Get("Set-Cookie"); got != want {
			t.Errorf("secure %v: got %q, want %q", secure, got, want)
		}
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/op" {
			t.Errorf("secure %v: got %d to %q", secure, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

// TestDoor: without a session every page leads to signing in, and from there
// back to a page of the console and nowhere else.
func TestDoor(t *testing.T) {
	s, _ := newConsole(t, false)
	for path, want := range map[string]string{
		"/op": "/op/sign-in", "/op/search?digest=00": "/op/sign-in?next=%2Fop%2Fsearch%3Fdigest%3D00", "/op/search?lang=en": "/op/sign-in?next=%2Fop%2Fsearch%3Flang%3Den&lang=en",
	} {
		if a, _ := s.visit(t, "GET", path, "", nil, nil); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want {
			t.Errorf("%s: got %d to %q, want %q", path, a.StatusCode, a.Header.Get("Location"), want)
		}
	}
	for next, want := range map[string]string{
		"/op/search?digest=00": "/op/search?digest=00", "/op/search?lang=en": "/op/search", "": "/op", "https://jahat.example/op/search": "/op", "//jahat.example/op/search": "/op",
		`/op/\jahat.example`: "/op", "/op/sign-in": "/op", "/op/../d/x": "/op", "/d/x": "/op", "/op//jahat.example": "/op", "javascript:alert(1)": "/op",
	} {
		a, _ := s.visit(t, "POST", "/op/sign-in", "", url.Values{"username": {"siti"}, "password": {"benar"}, "next": {next}}, nil)
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("next %q: got %q, want %q", next, got, want)
		}
	}
	a, body := s.visit(t, "POST", "/op/sign-in", "", url.Values{"username": {"<siti>"}, "password": {"salah"}}, nil)
	if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Set-Cookie") != "" || !strings.Contains(body, "Tidak dapat masuk") || strings.Contains(body, "<siti>") {
		t.Errorf("wrong password: got %d, cookie %q", a.StatusCode, a.Header.Get("Set-Cookie"))
	}
}

// TestForgedForms: what another site, or an old page, sends has no effect
// (ASVS 3.5.1).
func TestForgedForms(t *testing.T) {
	form := url.Values{"csrf": {"rahasia"}}
	for _, c := range []struct {
		name   string
		form   url.Values
		header map[string]string
		denied string
	}{
		{"ours", form, nil, ""},
		{"ours, of a browser without fetch metadata", form, map[string]string{"Sec-Fetch-Site": "", "Origin": "http://example.com"}, ""},
		{"no token", url.Values{}, nil, "form without the session's token"},
		{"wrong token", url.Values{"csrf": {"lain"}}, nil, "form without the session's token"},
		{"another site", form, map[string]string{"Sec-Fetch-Site": "cross-site"}, "sent by another site"},
		{"a sister site", form, map[string]string{"Sec-Fetch-Site": "same-site"}, "sent by another site"},
		{"another origin", form, map[string]string{"Sec-Fetch-Site": "", "Origin": "https://jahat.example"}, "sent by another site"},
		{"a hidden origin", form, map[string]string{"Sec-Fetch-Site": "", "Origin": "null"}, "sent by another site"},
		{"no origin", form, map[string]string{"Sec-Fetch-Site": ""}, "sent by another site"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := newConsole(t, false)
			a, _ := s.visit(t, "POST", "/op/sign-out", "token", c.form, c.header)
			want, denied := http.StatusSeeOther, []string(nil)
			if c.denied != "" {
				want, denied = http.StatusForbidden, []string{"POST /op/sign-out: " + c.denied}
			}
			if a.StatusCode != want || !slices.Equal(d.denied, denied) {
				t.Errorf("got %d, %q; want %d, %q", a.StatusCode, d.denied, want, denied)
			}
		})
	}
}

// TestForgedUpload: a forged form's file is not read.
func TestForgedUpload(t *testing.T) {
	s, d := newConsole(t, false)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range []struct{ name, file, value string }{{"document", "x.pdf", "%PDF-1.7"}, {"csrf", "", "rahasia"}} {
		part, err := w.CreateFormField(f.name)
		if f.file != "" {
			part, err = w.CreateFormFile(f.name, f.file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(f.value)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	r := httptest.NewRequest("POST", "/op/sign-out", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: "absah", Value: "token"})
	if a, _ := s.read(t, r); a.StatusCode != http.StatusForbidden || len(d.denied) != 1 {
		t.Errorf("a file before the token: got %d, %q", a.StatusCode, d.denied)
	}
}

// TestConsolePages: the head knows who is there, and nothing is kept by caches
// or read elsewhere.
func TestConsolePages(t *testing.T) {
	s, d := newConsole(t, false)
	a, body := s.visit(t, "GET", "/op/search", "token", nil, nil)
	if a.StatusCode != http.StatusOK || !strings.Contains(body, "Petugas &lt;Contoh&gt;") || !strings.Contains(body, `name="csrf" value="rahasia"`) {
		t.Errorf("got %d: %.300s", a.StatusCode, body)
	}
	if got := a.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy: got %q", got)
	}
	if strings.Contains(body, " style=") || strings.Contains(body, "<script>") || strings.Contains(body, " onclick") {
		t.Error("the page has inline style or script")
	}
	if a, body := s.visit(t, "GET", "/op/search?digest=salah", "token", nil, nil); a.StatusCode != http.StatusOK || !strings.Contains(body, `id="wrong"`) || len(d.asked) != 0 {
		t.Errorf("a digest that is none: got %d, asked %d times", a.StatusCode, len(d.asked))
	}
	if a, _ := s.visit(t, "GET", "/op/tidakada", "token", nil, nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("unknown page: got %d", a.StatusCode)
	}
}

// TestRecords: what a record has of its own is named in the reader's language, and a
// record that the log does not stand for has no sign of being proven.
func TestRecords(t *testing.T) {
	s, d := newConsole(t, false)
	file := gateway.RecordFile{
		Record: evidence.Record{
			Kind: "case.close", Phase: evidence.PhaseEvent, Result: evidence.Result{Status: evidence.StatusOK},
			Detail:    map[string]string{gateway.DetailBody: "00", "proposed-by": "staf-2", gateway.DetailCredential + "0a": "11", "baru": "22"},
			Artefacts: []evidence.Artefact{{Kind: evidence.ArtefactCertificate, SHA256: "33"}, {Kind: "baru-juga", SHA256: "44"}},
		},
		Entry: evidence.Entry{Index: 3, Record: []byte("{}")},
	}
	file.Signed.Note, file.Stamped.Note = []byte("x"), []byte("x")
	d.operation = &gateway.OperationFile{Found: gateway.Found{Operations: []gateway.Operation{{ID: "01a1", Kind: "case.close", Status: gateway.OperationOK}}}}
	for _, test := range []struct {
		path  string
		doubt error
		want  []string
		no    []string
	}{
		{"/op/operation/01a1", nil,
			[]string{"SHA-256 isi kasus", "Penutupan diusulkan oleh", "Kredensial 0a", "<dt>baru</dt>", "<b>sertifikat</b>", "<b>baru-juga</b>", `class="proof passed"`}, []string{"body-sha256", "proposed-by", "<b>certificate</b>"}},
		{"/op/operation/01a1?lang=en", nil,
			[]string{"<dt>body-sha256</dt>", "<dt>proposed-by</dt>", "<dt>credential-0a</dt>", "<dt>baru</dt>", "<b>certificate</b>"}, []string{"Kredensial", "sertifikat"}},
		{"/op/operation/01a1", errors.New("the leaf is another one"), []string{`class="proof failed"`, "TIDAK menjamin"}, []string{`class="proof passed"`, "berstempel waktu", "the leaf is"}},
	} {
		file.Doubt = test.doubt
		d.operation.Records = []gateway.RecordFile{file}
		a, page := s.visit(t, "GET", test.path, "token", nil, nil)
		for _, want := range test.want {
			if a.StatusCode != http.StatusOK || !strings.Contains(page, want) {
				t.Errorf("%s, in doubt for %v: %d, without %q", test.path, test.doubt, a.StatusCode, want)
			}
		}
		for _, no := range test.no {
			if strings.Contains(page, no) {
				t.Errorf("%s, in doubt for %v: has %q", test.path, test.doubt, no)
			}
		}
	}
}

// TestReasonsInLists: why something was refused is said in words, where there are any.
func TestReasonsInLists(t *testing.T) {
	s, d := newConsole(t, false)
	d.found.Operations = []gateway.Operation{{ID: "01a1", Kind: "sign", Status: gateway.OperationRefused, Code: "passphrase"}, {ID: "01a2", Kind: "sign", Status: gateway.OperationRefused, Code: "baru"}}
	_, page := s.visit(t, "GET", "/op/search?kind=sign", "token", nil, nil)
	for _, want := range []string{"ditolak: Frasa sandi salah", "ditolak: baru"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
}

// TestCertificateThatIsNone: of one that is not what its digest says the page has
// nothing but that, and no time for which it would be valid.
func TestCertificateThatIsNone(t *testing.T) {
	s, d := newConsole(t, false)
	d.keys = []gateway.Key{{Certificates: []gateway.Certificate{{NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}}}}
	_, page := s.visit(t, "GET", "/op/certificate/"+strings.Repeat("0a", 32), "token", nil, nil)
	if !strings.Contains(page, "bukan sertifikat dengan sidik ini") || strings.Contains(page, "Berlaku sejak") {
		t.Errorf("got %.3000s", page)
	}
}

// TestZoneOfPages: where nobody can choose a zone, times and days are the office's:
// its midnight is another day further west.
func TestZoneOfPages(t *testing.T) {
	wit := time.FixedZone("WIT", 9*60*60)
	s, d := newConsole(t, false)
	s.cfg.Zone = wit
	s.build(t)
	d.overview = gateway.Overview{Days: []gateway.OverviewDay{{Day: time.Date(2026, 11, 21, 0, 0, 0, 0, wit)}}}
	_, page := s.visit(t, "GET", "/op", "token", nil, nil)
	if !strings.Contains(page, `<body class="console in-wit">`) || !strings.Contains(page, `<span class="z wit">21 November 2026</span>`) || strings.Contains(page, `class="zones"`) {
		t.Errorf("the overview is not in the office's zone: %.3000s", page)
	}
	if _, page := s.get(t, "/"); !strings.Contains(page, `<body class="in-wit">`) {
		t.Error("the public pages are not in the office's zone")
	}
	sheet := regexp.MustCompile(`/assets/style-[0-9a-f]+\.css`).FindString(page)
	if _, style := s.get(t, sheet); !strings.Contains(style, `.in-wit:not(:has(.zones)) .wit`) {
		t.Errorf("%s does not show that zone", sheet)
	}
}

// TestNoConsole: without staff there are no pages of theirs.
func TestNoConsole(t *testing.T) {
	s, _ := newConsole(t, false)
	s.cfg.Staff = nil
	s.build(t)
	for _, r := range web.Routes {
		if strings.HasPrefix(r.Path, "/op") {
			if a, _ := s.visit(t, r.Method, r.Path, "token", nil, nil); a.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: got %d", r.Method, r.Path, a.StatusCode)
			}
		}
	}
}

// TestTooManySignIns: who tries to sign in too often waits, and nothing comes to
// the gateway. Uploads count for themselves.
func TestTooManySignIns(t *testing.T) {
	s, d := newConsole(t, false)
	refused := &gateway.Error{Code: gateway.CodeRate, Retry: 20 * time.Second}
	s.cfg.AdmitSignIn = func(address string) error {
		if address == "192.0.2.1" {
			return refused
		}
		return nil
	}
	s.cfg.Admit = func(string) error { return refused }
	s.build(t)
	for address, want := range map[string]int{"192.0.2.1": http.StatusTooManyRequests, "192.0.2.2": http.StatusUnauthorized} {
		form := url.Values{"username": {"siti"}, "password": {"salah"}, "code": {"123456"}}
		r := httptest.NewRequest(http.MethodPost, "/op/sign-in", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		_ = s.pages.Serve(w, r, address) // the answer says it too
		if w.Code != want || (w.Header().Get("Retry-After") != "") != (want == http.StatusTooManyRequests) {
			t.Errorf("%s: got %d, Retry-After %q; want %d", address, w.Code, w.Header().Get("Retry-After"), want)
		}
	}
	if len(d.shown) != 1 {
		t.Errorf("%d tries came to the gateway, want 1", len(d.shown))
	}
}
