package browsertest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/absah-id/absah/gateway"
)

// clerk is a member of staff of this file's tests, who is made once. A code can
// be used once, so that each signing in takes a later one.
var clerk struct {
	once                   sync.Once
	err                    error
	said                   string
	password, secret, name string
}

// signIn makes the clerk and opens the console.
func (t *tab) signIn() {
	t.Helper()
	clerk.once.Do(func() {
		file := filepath.Join(demo.dir, "clerk")
		clerk.name = "petugas-kasus"
		out, err := exec.Command(filepath.Join(demo.dir, "absah"), "staff", "add", inDemo("absah.yaml"), clerk.name,
			"--name", "Petugas Kasus", "--role", "supervisor", "--secrets-file", file).CombinedOutput()
		if clerk.err, clerk.said = err, string(out); err != nil {
			return
		}
		b, err := os.ReadFile(file)
		clerk.err = err
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "password":
				clerk.password = value
			case "secret":
				clerk.secret = value
			}
		}
	})
	if clerk.err != nil {
		t.Fatalf("staff add: %v %s", clerk.err, clerk.said)
	}
	code, err := gateway.OneTimeCode(clerk.secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.open("/op/sign-in")
	t.fill(map[string]string{"username": clerk.name, "password": clerk.password, "code": code})
	t.press("main form button[type=submit]")
	if got := eval[string](t, `location.pathname`); got != "/op" {
		t.Fatalf("signing in leads to %s: %s", got, eval[string](t, `document.querySelector('main').innerText`))
	}
}

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

// TestComplaint files a complaint at the public page and takes it to its case
// file in the console; every page on the way is accessible and fits on narrow
// screens.
func TestComplaint(t *testing.T) {
	b := newTab(t)
	axe := axeCore(t)
	look := func(name string) {
		t.Helper()
		eval[bool](b, `document.querySelectorAll('details').forEach(d => d.open = true), true`)
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			b.accessible(axe, name+", "+scheme)
			for _, width := range []int64{320, 360, 1280} {
				b.do(chromedp.EmulateViewport(width, 900))
				if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", name, got, width)
				}
				b.picture(name, width, scheme)
			}
		}
		b.scheme("light")
	}
	b.open("/pengaduan?lang=en")
	look("complain")
	b.open("/pengaduan")
	look("adukan")
	b.do(chromedp.Click(chromedp.CSS("input[value=repudiation]")))
	b.fill(map[string]string{"text": "Saya tidak menandatangani surat ini.\nMohon diperiksa.", "contact": "pengadu@contoh.example", "name": "Pengadu Contoh"})
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{inDemo("signed.pdf")}))
	b.press("form.complaint button")
	look("adukan-diterima")
	number := eval[string](b, `document.querySelector('.verdict strong').textContent`)
	b.press(`a.button[href^="/pengaduan/"]`)
	look("adukan-diikuti")
	if got := eval[string](b, `document.querySelector('h1').textContent`); got != number {
		t.Errorf("following %s shows %q", number, got)
	}
	b.signIn()
	b.open("/op/cases/new")
	look("kasus-baru")
	b.open("/op/supervision")
	look("pengawasan")
	b.open("/op/cases")
	look("kasus-daftar")
	b.press(`.cases a`)
	if got := eval[string](b, `document.querySelector('h1').textContent`); got != number {
		t.Errorf("the newest case is %q, want %s", got, number)
	}
	page := eval[string](b, `location.pathname`)
	b.press(".acts-on form.card button")
	if got := eval[string](b, `document.querySelector('[aria-current=step]').textContent`); got != "Diperiksa" {
		t.Errorf("after the examination the case is %q", got)
	}
	look("kasus")
	b.open(page + "?lang=en")
	look("case")
	if got := eval[string](b, `document.querySelector('.statements').innerText`); !strings.Contains(got, "byte for byte") {
		t.Errorf("in English it says %.200s", got)
	}
	if got := eval[int](b, `fetch(document.querySelector('a[href*="/zip"]').href).then(r => r.arrayBuffer().then(a => r.status === 200 ? a.byteLength : -r.status))`); got < 10_000 {
		t.Errorf("the case file has %d bytes", got)
	}
}

// picture writes a picture when pictures are asked for.
func (t *tab) picture(name string, width int64, scheme string) {
	t.Helper()
	if *screenshots == "" || width == 320 {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	t.do(chromedp.EmulateViewport(width, eval[int64](t, `document.documentElement.scrollHeight`)))
	b := get(t, chromedp.CaptureScreenshot())
	size := "360"
	if width != 360 {
		size = "1280"
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+size+"-"+scheme+".png"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}
