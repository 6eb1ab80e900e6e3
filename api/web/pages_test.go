package web_test

import (
	"bytes"
	"context"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report/reporttest"
)

// unfinished is what a page shows when a word is missing or filled in wrongly.
var unfinished = regexp.MustCompile(`%!|>(web|paper|kind|changes|check|status|coverage|result|time|month)\.[a-z0-9]|\bweb\.[a-z]|ZgotmplZ|<no value>`)

// inline is what the content security policy forbids.
var inline = regexp.MustCompile(`(?i)<script(?:>| [^>]*>[^<])|<style|<[^>]*\s(?:style|on[a-z]+)=|="javascript:`)

func checkPage(tb testing.TB, resp *answer, body string) {
	tb.Helper()
	if found := unfinished.FindString(body); found != "" {
		tb.Errorf("the page shows %q", found)
	}
	if found := inline.FindString(body); found != "" {
		tb.Errorf("the page has %q", found)
	}
	if got, want := resp.Header.Get("Content-Length"), strconv.Itoa(len(body)); got != want {
		tb.Errorf("Content-Length: got %s, want %s", got, want)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			tb.Errorf("the policy %q lacks %q", policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") {
		tb.Errorf("the policy %q is unsafe", policy)
	}
	if resp.Header.Get("Set-Cookie") != "" {
		tb.Error("the page sets a cookie")
	}
}

// state is the class of the verdict that a page shows first.
func state(body string) string {
	m := regexp.MustCompile(`class="verdict (\w+)`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1]
}

// TestStates shows the five states in both languages, on the path without
// script.
func TestStates(t *testing.T) {
	w := newWorld(t)
	sound := w.sign(t, letter(), bupati, signer.LTA)
	altered := bytes.Clone(sound)
	altered[bytes.Index(altered, []byte("stream"))+100] ^= 1
	strangers := newWorld(t).sign(t, letter(), bupati, signer.T)
	for _, c := range []struct {
		name    string
		doc     []byte
		state   string
		id, en  string
		also    []string // in Indonesian
		without []string
	}{
		{"valid", sound, "passed", "SAH", "VALID", []string{
			"Bupati Contoh", "Sekretariat Daerah", "Pemerintah Kabupaten Contoh", "CA Penerbit Contoh G1", "Di bawah akar yang dipercaya: Root CA Contoh.",
			"menurut stempel waktu TSA Contoh 1", "Utuh: isi yang ditandatangani tidak berubah.", "WITA", "Tidak dicabut, menurut OCSP", "Disetujui",
		}, []string{`class="is-no"`, `class="is-open"`}},
		{"not valid", altered, "failed", "TIDAK SAH", "NOT VALID", []string{"Alasan: ", "Tidak utuh"}, []string{">SAH<"}},
		// S27: a certificate with the Bupati's name from anybody's CA.
		{"S27 undetermined", strangers, "open", "BELUM DAPAT DIPASTIKAN", "NOT ESTABLISHED", []string{
			"Sertifikat tidak berujung pada penyelenggara yang dipercaya.", "Siapa pun dapat membuat sertifikat seperti ini",
		}, []string{">SAH<", "Di bawah akar yang dipercaya", `signature passed`}},
		{"not signed", letter(), "unsigned", "TIDAK BERTANDA TANGAN ELEKTRONIK", "NOT SIGNED ELECTRONICALLY", nil, []string{`class="signatures"`}},
		{"not readable", []byte("bukan PDF"), "unreadable", "TIDAK DAPAT DIBACA", "NOT READABLE", nil, []string{`class="signatures"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, l := range []struct{ path, language, word string }{{"/", "id", c.id}, {"/?lang=en", "en", c.en}} {
				resp, body := w.post(t, l.path, file("surat.pdf", c.doc))
				checkPage(t, resp, body)
				if resp.StatusCode != http.StatusOK {
					t.Errorf("status: got %d, want 200", resp.StatusCode)
				}
				if got := state(body); got != c.state {
					t.Errorf("state: got %q, want %q", got, c.state)
				}
				if !strings.Contains(body, "</span>"+l.word+"</h1>") || !strings.Contains(body, `<html lang="`+l.language+`">`) {
					t.Errorf("the page in %q lacks %q", l.language, l.word)
				}
				if len(body) > 50_000 {
					t.Errorf("the page has %d bytes, want at most 50,000", len(body))
				}
			}
			_, body := w.post(t, "/", file("surat.pdf", c.doc))
			for _, want := range c.also {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, no := range c.without {
				if strings.Contains(body, no) {
					t.Errorf("the page has %q", no)
				}
			}
		})
	}
}

// TestAttacks holds the pages to what the verifier says of every file made to
// deceive: what did not pass is nowhere green at the top.
func TestAttacks(t *testing.T) {
	signers, tsas := testfile.AttackAnchors(t)
	anchors := func(pem []byte) *pki.Anchors {
		a, err := pki.ParseAnchors(pem)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, a := range testfile.Attacks(t) {
		t.Run(a.Name+"/"+a.Policy, func(t *testing.T) {
			policy, err := verifier.PolicyNamed(a.Policy)
			if err != nil {
				t.Fatal(err)
			}
			v, err := verifier.New(verifier.Config{Signers: anchors(signers), TSAs: anchors(tsas), Policy: policy})
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, v)
			s.at = a.At
			b := a.Bytes(t)
			r, err := s.Verify(context.Background(), gateway.Caller{}, gateway.Upload{ReaderAt: bytes.NewReader(b), Size: int64(len(b))}, gateway.VerifyRequest{})
			if err != nil {
				t.Fatal(err)
			}
			want := map[verifier.Verdict]string{
				verifier.TotalPassed: "passed", verifier.TotalFailed: "failed", verifier.VerdictUndetermined: "open",
				verifier.NoSignature: "unsigned", verifier.Unreadable: "unreadable",
			}[r.Verdict]
			resp, body := s.post(t, "/", file(a.File, b))
			checkPage(t, resp, body)
			if got := state(body); got != want {
				t.Errorf("state: got %q, want %q", got, want)
			}
		})
	}
}

// TestHostileNames signs with names made to deceive or to run as script.
func TestHostileNames(t *testing.T) {
	w := newWorld(t)
	name := pkix.Name{
		CommonName:         `<script>alert(1)</script>"'` + "\u202eatipuB",
		Organization:       []string{`</dd><img src=x onerror=alert(2)>`},
		OrganizationalUnit: []string{strings.Repeat("Dinas ", 40), "\x01\u200b"},
	}
	doc := w.sign(t, letter(), name, signer.B)
	resp, body := w.post(t, "/", file("\u202efdp.exe\"><script>.pdf", doc))
	checkPage(t, resp, body)
	for _, no := range []string{"<script>", "<img", "\u202e", "\x01", "\u200b"} {
		if strings.Contains(body, no) {
			t.Errorf("the page has %q", no)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)", "‹U&#43;202E›"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestHugeReport bounds the page of a file with endless lists.
func TestHugeReport(t *testing.T) {
	s := newSite(t, nil)
	one := reporttest.Report(bytes.Repeat([]byte{7, 3, 255, 1, 9}, 400))
	s.fixed = &verifier.Report{Verdict: verifier.TotalFailed, Warnings: make([]verifier.Reason, 5000)}
	for i := range 3000 {
		sig := &verifier.Signature{Kind: verifier.KindSignature, Conclusion: verifier.Conclusion{Indication: verifier.Failed, Reasons: make([]verifier.Reason, 500)}}
		if len(one.Signatures) > 0 {
			sig.Process = one.Signatures[0].Process
		}
		sig.Changes.Items = make([]verifier.Change, 1000)
		sig.Signer.CommonName = strings.Repeat(strconv.Itoa(i), 5000)
		s.fixed.Signatures = append(s.fixed.Signatures, sig)
	}
	resp, body := s.post(t, "/", file("x.pdf", letter()))
	if resp.StatusCode != http.StatusOK || len(body) > 1<<20 {
		t.Errorf("got status %d and %d bytes, want 200 and at most 1 MiB", resp.StatusCode, len(body))
	}
	if !strings.Contains(body, "2900") {
		t.Error("the page does not say how many signatures it leaves out")
	}
}

func FuzzResult(f *testing.F) {
	for seed := range 50 {
		f.Add(bytes.Repeat([]byte{byte(seed), 255, byte(seed * 7), 3, '<', '"', 0xe2, 0x80, 0xae, 0}, 60))
	}
	s := newSite(f, nil)
	f.Fuzz(func(t *testing.T, in []byte) {
		s.fixed = reporttest.Report(in)
		resp, body := s.post(t, "/?lang=en", file("x.pdf", letter()))
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status: got %d, want 200", resp.StatusCode)
		}
		if strings.ContainsAny(body, "\u202e\x00\x01") || inline.MatchString(body) {
			t.Error("text of the report is on the page as it was")
		}
		if (s.fixed.Verdict == verifier.TotalPassed) != (state(body) == "passed") {
			t.Errorf("verdict %q has state %q", s.fixed.Verdict, state(body))
		}
	})
}

func TestRefusedUploads(t *testing.T) {
	busy := func(code gateway.Code, wait time.Duration) error { return &gateway.Error{Code: code, Retry: wait} }
	for _, c := range []struct {
		name   string
		fields []field
		admit  error
		turn   error
		status int
		retry  string
		words  string
	}{
		{name: "nothing", status: 400, words: "Tidak ada berkas yang diterima"},
		{name: "empty file", fields: []field{file("x.pdf", nil)}, status: 400, words: "tidak kosong"},
		{name: "two files", fields: []field{file("x.pdf", letter()), file("y.pdf", letter())}, status: 400, words: "satu berkas"},
		{name: "unknown field", fields: []field{file("x.pdf", letter()), {name: "rahasia"}}, status: 400, words: "satu berkas"},
		{name: "long field", fields: []field{{name: "password", value: make([]byte, 2000)}, file("x.pdf", letter())}, status: 400, words: "satu berkas"},
		{name: "many fields", fields: slicesRepeat(field{name: "zone"}, 20), status: 400, words: "satu berkas"},
		{name: "too large", fields: []field{file("x.pdf", make([]byte, maxUpload+1))}, status: 413, words: "paling besar 4\u00a0MB"},
		{name: "too often", admit: busy(gateway.CodeRate, 90*time.Second), status: 429, retry: "91", words: "Terlalu sering"},
		{name: "busy", fields: []field{file("x.pdf", letter())}, turn: busy(gateway.CodeBusy, 5*time.Second), status: 503, retry: "6", words: "Sedang sibuk"},
		{name: "broken", fields: []field{file("x.pdf", letter())}, turn: errors.New("/var/lib/absah: disk on fire"), status: 500, words: "bukan kesimpulan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, nil)
			s.cfg.Admit = func(string) error { return c.admit }
			s.cfg.Turn = func(context.Context) (func(), error) { return func() {}, c.turn }
			s.build(t)
			for _, path := range []string{"/", "/report", "/signed"} {
				resp, body := s.post(t, path, c.fields...)
				checkPage(t, resp, body)
				if resp.StatusCode != c.status || resp.Header.Get("Retry-After") != c.retry {
					t.Errorf("%s: got %d after %q, want %d after %q", path, resp.StatusCode, resp.Header.Get("Retry-After"), c.status, c.retry)
				}
				if !strings.Contains(body, c.words) || strings.Contains(body, "disk") {
					t.Errorf("%s: the page lacks %q or tells what is wrong inside", path, c.words)
				}
			}
		})
	}
	t.Run("not a form", func(t *testing.T) {
		resp, body := newSite(t, nil).read(t, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
		if checkPage(t, resp, body); resp.StatusCode != 400 {
			t.Errorf("status: got %d, want 400", resp.StatusCode)
		}
	})
	t.Run("broken form", func(t *testing.T) {
		r := formRequest(t, "/", file("x.pdf", letter()))
		r.Body = io.NopCloser(io.LimitReader(r.Body, 1000))
		resp, body := newSite(t, nil).read(t, r)
		if checkPage(t, resp, body); resp.StatusCode != 400 {
			t.Errorf("status: got %d, want 400", resp.StatusCode)
		}
	})
}

func slicesRepeat(f field, n int) (out []field) {
	for range n {
		out = append(out, f)
	}
	return out
}

func TestDownloads(t *testing.T) {
	w := newWorld(t)
	once := w.sign(t, letter(), bupati, signer.T)
	twice := w.sign(t, once, pkix.Name{CommonName: "Sekretaris Daerah Contoh"}, signer.B)
	end := func(n int) field { return field{name: "end", value: []byte(strconv.Itoa(n))} }
	for _, c := range []struct {
		name   string
		path   string
		fields []field
		status int
		is     func(body string) bool
	}{
		{"report", "/report", []field{file("x.pdf", twice)}, 200, func(b string) bool { return strings.HasPrefix(b, "%PDF-") }},
		{"report in WIT", "/report?lang=en", []field{{name: "zone", value: []byte("wit")}, file("x.pdf", twice)}, 200, func(b string) bool { return strings.HasPrefix(b, "%PDF-") }},
		{"first signed", "/signed", []field{file("x.pdf", twice), end(len(once))}, 200, func(b string) bool { return b == string(once) }},
		{"all signed", "/signed", []field{end(len(twice)), file("x.pdf", twice)}, 200, func(b string) bool { return b == string(twice) }},
		{"no revision", "/signed", []field{file("x.pdf", twice), end(len(once) - 1)}, 404, nil},
		{"zero", "/signed", []field{file("x.pdf", twice), end(0)}, 404, nil},
		{"no number", "/signed", []field{file("x.pdf", twice)}, 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := w.post(t, c.path, c.fields...)
			if resp.StatusCode != c.status {
				t.Fatalf("status: got %d, want %d", resp.StatusCode, c.status)
			}
			if c.is == nil {
				return
			}
			if !c.is(body) {
				t.Errorf("got %d other bytes", len(body))
			}
			if h := resp.Header; h.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("headers: got %v", h)
			}
		})
	}
	_, body := w.post(t, "/", file("x.pdf", twice))
	if !strings.Contains(body, `data-slice="`+strconv.Itoa(len(once))+`"`) {
		t.Error("the page does not offer what the first signer signed")
	}
}

func TestPassword(t *testing.T) {
	w := newWorld(t)
	in := testfile.ByName(t, "aes-256")
	b := in.Bytes(t)
	resp, body := w.post(t, "/", file("x.pdf", b))
	if checkPage(t, resp, body); !strings.Contains(body, `name="password"`) {
		t.Error("the page does not ask for the password")
	}
	if _, body = w.post(t, "/", field{name: "password", value: []byte(in.Password)}, file("x.pdf", b)); state(body) != "unsigned" {
		t.Errorf("state with the password: got %q, want unsigned", state(body))
	}
}

func TestAssets(t *testing.T) {
	s := newSite(t, nil)
	resp, body := s.get(t, "/")
	checkPage(t, resp, body)
	total := len(body)
	for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
		resp, asset := s.get(t, m[1])
		if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") || asset == "" {
			t.Errorf("%s: got %d, %v", m[1], resp.StatusCode, resp.Header)
		}
		total += len(asset)
	}
	if total > 50_000 {
		t.Errorf("the page and what it needs have %d bytes, want at most 50,000", total)
	}
	if regexp.MustCompile(`(?:href|src|action)="(?:https?:)?//`).MatchString(body) {
		t.Error("the page needs something from elsewhere")
	}
	for _, path := range []string{"/assets/", "/assets/page.js", "/assets/../words_id.json", "/nothing"} {
		if resp, _ := s.get(t, path); resp.StatusCode != 404 {
			t.Errorf("%s: got %d, want 404", path, resp.StatusCode)
		}
	}
}
