package browsertest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// fill writes values into fields, by their identifiers.
func (t *tab) fill(values map[string]string) {
	t.Helper()
	for id, value := range values {
		t.do(chromedp.SetValue(chromedp.CSS("#"+id), value))
	}
}

// press clicks what leads to another page, and waits for that.
func (t *tab) press(selector string) {
	t.Helper()
	eval[bool](t, `document.body.id = 'before', true`)
	t.do(chromedp.Click(chromedp.CSS(selector)), chromedp.WaitReady(chromedp.CSS("body:not(#before) footer")))
}

// inspect holds a page to what all pages are held to, light and dark, with all
// that is folded away, and takes its pictures.
func (t *tab) inspect(axe, name string) {
	t.Helper()
	t.weigh(name)
	eval[bool](t, `document.querySelectorAll('details').forEach(d => d.open = true), true`)
	for _, scheme := range []string{"light", "dark"} {
		t.scheme(scheme)
		t.do(chromedp.EmulateViewport(1280, 900))
		t.accessible(axe, name+", "+scheme)
		for _, width := range []int64{320, 360, 1280} {
			t.do(chromedp.EmulateViewport(width, 900))
			if got := eval[int64](t, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s is %d pixels wide on a screen of %d", name, got, width)
			}
			if width != 320 {
				t.photograph(fmt.Sprintf("%s-%d-%s", name, width, scheme), width)
			}
		}
	}
	t.scheme("light")
	t.do(chromedp.EmulateViewport(1280, 900))
}

// step sends the form of a case whose field "act" has that value.
func (t *tab) step(act string, values map[string]string) {
	t.Helper()
	form := fmt.Sprintf(`form:has([name=act][value=%q])`, act)
	eval[bool](t, `document.querySelectorAll('details').forEach(d => d.open = true), true`)
	for name, value := range values {
		eval[bool](t, fmt.Sprintf(`document.querySelector(%q).value = %q, true`, form+" [name="+name+"]", value))
	}
	t.press(form + " button")
	if fault := t.text(".fault"); fault != "" {
		t.Fatalf("%s: %s", act, fault)
	}
}

// complain fills the public form for a complaint in and sends it.
func (t *tab) complain(fields map[string]string, file string) {
	t.Helper()
	t.do(chromedp.Click(chromedp.CSS("input[value=repudiation]")))
	t.fill(fields)
	t.do(chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{file}))
	t.press("form.complaint button")
}

// TestLargeAttachment: who chooses a file for a complaint that is too large
// learns it before sending it.
func TestLargeAttachment(t *testing.T) {
	b := newTab(t)
	b.open("/pengaduan")
	limit := eval[int64](b, `Number(document.getElementById('document').dataset.limit)`)
	for size, want := range map[int64]string{limit: "", limit + 1: "Berkas ini terlalu besar. Yang diterima paling besar 25\u00a0MB."} {
		name := filepath.Join(t.TempDir(), "besar.pdf")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{name}))
		if got := eval[string](b, `document.getElementById('document').validationMessage`); got != want {
			t.Errorf("%d bytes: got %q, want %q", size, got, want)
		}
	}
}

// TestComplaint files a complaint at the public page and takes it in the console
// to its end and its sealed case file; every page on the way is accessible and
// fits on narrow screens.
func TestComplaint(t *testing.T) {
	b := newTab(t)
	axe := axeCore(t)
	b.open("/pengaduan?lang=en")
	b.inspect(axe, "complain")
	b.open("/pengaduan")
	b.inspect(axe, "adukan")
	complaint := map[string]string{"text": "Saya tidak menandatangani surat ini.\nMohon diperiksa.", "contact": "pengadu@contoh.example", "name": "Pengadu Contoh"}
	complaint["document-id"] = "https://sah.contohkab.example/d/terpotong"
	b.complain(complaint, inDemo("signed.pdf"))
	b.inspect(axe, "adukan-kembali")
	if got := b.text(".fault"); !strings.Contains(got, "tidak terbaca tepat satu kode") || eval[string](b, `document.getElementById('text').value`) != complaint["text"] {
		t.Errorf("a complaint that is not taken is not given back: %q", got)
	}
	delete(complaint, "document-id")
	eval[bool](b, `document.getElementById('document-id').value = '', true`)
	b.complain(complaint, inDemo("signed.pdf"))
	b.inspect(axe, "adukan-diterima")
	number := b.text(".verdict strong")
	due := b.text(".verdict > div")
	b.press(`a.button[href^="/pengaduan/"]`)
	b.inspect(axe, "adukan-diikuti")
	if got := b.text("h1"); got != number {
		t.Errorf("following %s shows %q", number, got)
	}
	if by := b.text("dl > div:nth-child(2) dd"); !strings.Contains(due, strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(by, "paling lambat "), ": menunggu"))) {
		t.Errorf("the receipt says %q, the page %q", due, by)
	}
	follow := b.path()

	wati := desk(t, "wati", "supervisor")
	for name, path := range map[string]string{"kasus-baru": "/op/cases/new", "pengawasan": "/op/supervision", "kasus-daftar": "/op/cases"} {
		wati.open(path)
		wati.inspect(axe, name)
	}
	wati.open("/op/cases")
	wati.press(`.cases a`)
	if got := wati.text("h1"); got != number {
		t.Errorf("the newest case is %q, want %s", got, number)
	}
	page := wati.path()
	wati.step("examine", nil)
	if got := wati.text("[aria-current=step]"); got != "Diperiksa" {
		t.Errorf("after the examination the case is %q", got)
	}
	wati.inspect(axe, "kasus")
	wati.open(page + "?lang=en")
	wati.inspect(axe, "case")
	if got := wati.text(".statements"); !strings.Contains(got, "byte for byte") {
		t.Errorf("in English it says %.200s", got)
	}
	wati.open(page)
	wati.zones(".statements", ".history")
	wati.step("letter", map[string]string{"letter": "assistance", "number": "800/7/2026", "text": "Kapan sertifikat ini diterbitkan?"})
	wati.step("letter", map[string]string{"letter": "incident", "number": "800/8/2026", "text": "Diperiksa bersama PSrE."})
	wati.step("move", map[string]string{"to": "escalated", "reason": "diminta bantuan teknis"})
	wati.step("note", map[string]string{"text": "PSrE menjawab lewat surat."})
	wati.step("move", map[string]string{"to": "answered", "reason": "Surat ini ditandatangani dengan kunci dan frasa sandi Saudara."})
	wati.step("propose", map[string]string{"outcome": "rejected", "reason": "bukti lengkap"})
	if eval[bool](wati, `document.querySelector('[name=act][value=close]') !== null`) {
		t.Error("who proposed the closing may approve it")
	}

	yusuf := hire(t, "yusuf", "supervisor")
	second := newTab(t, chromedp.WithNewBrowserContext())
	second.knock(yusuf, yusuf.password)
	second.open(page)
	second.inspect(axe, "kasus-diusulkan")
	second.step("close", map[string]string{"code": yusuf.codeOf(t, 1)})
	second.inspect(axe, "kasus-ditutup")
	if got := second.text("[aria-current=step]"); got != "Ditutup" {
		t.Errorf("in the end the case is %q", got)
	}
	second.settled(page)

	b.open(follow)
	b.inspect(axe, "adukan-dijawab")
	if got := b.text("main"); !strings.Contains(got, "dengan kunci dan frasa sandi Saudara") || !strings.Contains(got, "Pengaduan tidak terbukti") {
		t.Errorf("the complainant reads %.600q", got)
	}
}

// settled takes the case file along, whose paper must be sealed by the office.
func (t *tab) settled(page string) {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(eval[string](t, fmt.Sprintf(
		`fetch(%q).then(r => r.arrayBuffer()).then(b => btoa(Array.from(new Uint8Array(b), c => String.fromCharCode(c)).join('')))`, page+"/zip")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, f := range r.File {
		folder, _, _ := strings.Cut(f.Name, "/")
		names[folder]++
		if !strings.HasSuffix(f.Name, ".pdf") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		paper, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if *screenshots != "" {
			if err := os.WriteFile(filepath.Join(*screenshots, filepath.Base(f.Name)), paper, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if f.Name != "berkas-kasus.pdf" {
			continue
		}
		operate(t, "verify", "--offline", "--trust", inDemo("trust.pem"), write(t, f.Name, paper))
	}
	if names["berkas-kasus.pdf"] != 1 || names["bukti"] != 1 || names["berkas"] < 4 || names["SHA256SUMS"] != 1 {
		t.Errorf("the case file has %v", names)
	}
}
