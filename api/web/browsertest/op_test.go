package browsertest_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/testdata"
)

// person is a member of staff with an authenticator.
type person struct{ username, password, secret string }

// hire makes a member of staff on the command line, while the gateway runs.
func hire(tb testing.TB, username, role string) person {
	tb.Helper()
	needDemo(tb)
	secrets := filepath.Join(tb.TempDir(), "secrets")
	operate(tb, "staff", "add", "--role", role, "--name", "Petugas Contoh", "--secrets-file", secrets, inDemo("absah.yaml"), username)
	return staffOf(tb, secrets)
}

// staffOf reads what a member of staff was given.
func staffOf(tb testing.TB, secrets string) (p person) {
	tb.Helper()
	for line := range strings.Lines(string(readFile(tb, secrets))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "username":
			p.username = value
		case "password":
			p.password = value
		case "secret":
			p.secret = value
		}
	}
	return p
}

// operate runs a command of the local operator.
func operate(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := exec.Command(filepath.Join(demo.dir, "absah"), args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("absah %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// code is what the phone shows now.
func (p person) code(tb testing.TB) string { return p.codeOf(tb, 0) }

// codeStep is how long a code is shown. Those of the step before and after hold
// too, each once and in their order.
const codeStep = 30 * time.Second

// codeOf is the code of a step, so many from now.
func (p person) codeOf(tb testing.TB, steps int) string {
	tb.Helper()
	code, err := gateway.OneTimeCode(p.secret, time.Now().Add(time.Duration(steps)*codeStep))
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// knock goes to the door.
func (t *tab) knock(p person, password string) {
	t.Helper()
	t.open("/op/sign-in")
	t.present(p, password)
}

// present fills in the form at the door, which the page shows, and sends it.
func (t *tab) present(p person, password string) {
	t.Helper()
	t.presentCode(p, password, p.code(t))
}

func (t *tab) presentCode(p person, password, code string) {
	t.Helper()
	t.fill(map[string]string{"username": p.username, "password": password, "code": code})
	t.press("button.main")
}

// until waits for an expression to be true, over changes of pages.
func (t *tab) until(expression string) {
	t.Helper()
	for {
		ok, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise))
		if ok && err == nil {
			return
		}
		if t.ctx.Err() != nil {
			t.Fatalf("%s is not true: %v", expression, errors.Join(err, t.ctx.Err()))
		}
	}
}

// desk is a browser of its own in which a new member of staff has signed in.
func desk(tb testing.TB, username, role string) *tab {
	tb.Helper()
	p := hire(tb, username, role)
	b := newTab(tb, chromedp.WithNewBrowserContext())
	b.knock(p, p.password)
	if got := b.path(); got != "/op" {
		tb.Fatalf("signed in: at %s", got)
	}
	return b
}

func (t *tab) path() string {
	t.Helper()
	return eval[string](t, `location.pathname`)
}

func (t *tab) text(selector string) string {
	t.Helper()
	return eval[string](t, fmt.Sprintf(`(document.querySelector(%q) || {innerText: ''}).innerText`, selector))
}

// TestSignIn enters by the door, comes to where it wanted to be, and leaves; the
// way back is closed.
func TestSignIn(t *testing.T) {
	siti := hire(t, "siti", "investigator")
	b := newTab(t, chromedp.WithNewBrowserContext())
	b.open("/op/search?kind=sign&lang=en")
	if got := b.path(); got != "/op/sign-in" {
		t.Fatalf("without a session: at %s", got)
	}
	b.present(siti, siti.password+"x")
	if got := b.text("#failed"); !strings.Contains(got, "did not succeed") {
		t.Errorf("a wrong password: %q", got)
	}
	b.waitForDoor(siti)
	if got := eval[string](b, `location.pathname + location.search`); got != "/op/search?kind=sign&lang=en" {
		t.Errorf("signed in: at %s", got)
	}
	if got := b.text(".me"); got != "Petugas Contoh investigator" {
		t.Errorf("the head says %q", got)
	}
	if got := eval[string](b, `document.cookie`); got != "" {
		t.Errorf("scripts see the cookie %q", got)
	}
	b.press(".person button")
	if got := b.path(); got != "/op/sign-in" {
		t.Errorf("signed out: at %s", got)
	}
	eval[bool](b, `setTimeout(() => history.back()), window.old = true`)
	b.until(`window.old !== true && location.pathname === '/op/sign-in' && document.querySelector('.me') === null`)
}

// standing is what the operator is told of a member of staff, and how many
// wrong tries were in a row.
func standing(tb testing.TB, username string) (status string, failures int) {
	tb.Helper()
	for line := range strings.Lines(operate(tb, "staff", "list", inDemo("absah.yaml"))) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == username {
			failures, err := strconv.Atoi(f[3])
			if err != nil {
				tb.Fatal(err)
			}
			return f[2], failures
		}
	}
	tb.Fatalf("%s is not listed", username)
	return "", 0
}

// waitForDoor signs in once the delay after a wrong try is over.
func (t *tab) waitForDoor(p person) {
	t.Helper()
	for t.path() == "/op/sign-in" {
		for status, _ := standing(t, p.username); status == "waiting"; {
			status, _ = standing(t, p.username)
		}
		t.present(p, p.password)
	}
}

// TestLockout tries wrong passwords until the door is shut: not even the right
// one opens it then, unless the operator does.
func TestLockout(t *testing.T) {
	budi := hire(t, "budi", "investigator")
	b := newTab(t, chromedp.WithNewBrowserContext())
	b.open("/op/sign-in")
	for status, failures := standing(t, "budi"); failures < 5; status, failures = standing(t, "budi") {
		if status != "waiting" {
			b.present(budi, "salah")
		}
	}
	b.present(budi, budi.password)
	if got := b.path(); got != "/op/sign-in" {
		t.Errorf("locked, with the right password: at %s", got)
	}
	operate(t, "staff", "unlock", "--reason", "identitas diperiksa", inDemo("absah.yaml"), "budi")
	b.waitForDoor(budi)
	if got := b.path(); got != "/op" {
		t.Errorf("unlocked: at %s", got)
	}
	operate(t, "staff", "lock", "--reason", "cuti", inDemo("absah.yaml"), "budi")
	b.open("/op")
	if got := b.path(); got != "/op/sign-in" {
		t.Errorf("locked while signed in: at %s", got)
	}
}

// TestRoleRefusals: an auditor reads and does not investigate, and that it was
// tried is on record; a page that another site, or nobody, has made does
// nothing.
func TestRoleRefusals(t *testing.T) {
	b := desk(t, "ani", "auditor")
	b.open("/op/search")
	if eval[bool](b, `document.querySelector('form.upload') !== null`) {
		t.Error("an auditor is offered to search by file")
	}
	post := func(token string) int {
		return eval[int](b, fmt.Sprintf(`(() => {
			const form = new FormData();
			form.set('csrf', %s);
			form.set('document', new File(['%%PDF-1.7'], 'x.pdf'));
			return fetch('/op/search', { method: 'POST', body: form }).then(r => r.status);
		})()`, token))
	}
	if got := post(`document.querySelector('[name=csrf]').value`); got != http.StatusForbidden {
		t.Errorf("a file from an auditor: got %d", got)
	}
	i := desk(t, "ira", "investigator")
	i.open("/op/search?kind=access.denied")
	if got := i.text(".acts"); !strings.Contains(got, "Petugas Contoh") || !strings.Contains(got, "forbidden") {
		t.Errorf("on record: %q", got)
	}
	b = i
	if got := post(`'salah'`); got != http.StatusForbidden {
		t.Errorf("a forged form: got %d", got)
	}
}

// TestAccount changes a password in one browser, which ends the session in
// another; then the operator issues a new authenticator.
func TestAccount(t *testing.T) {
	nina := hire(t, "nina", "supervisor")
	here, there := newTab(t, chromedp.WithNewBrowserContext()), newTab(t, chromedp.WithNewBrowserContext())
	there.open("/op/sign-in")
	here.open("/op/sign-in")
	there.until(`Date.now() / 1000 % 30 < 25`) // the step before holds as long as this one lasts
	there.presentCode(nina, nina.password, nina.codeOf(t, -1))
	here.present(nina, nina.password)
	if there.path() != "/op" || here.path() != "/op" {
		t.Fatalf("signed in: at %s and %s", there.path(), here.path())
	}
	here.press("a.me")
	if got := here.path(); got != "/op/account" {
		t.Fatalf("the name leads to %s", got)
	}
	const chosen = "kuda baterai staples benar"
	change := func(old string) {
		t.Helper()
		here.fill(map[string]string{"old": old, "new": chosen, "again": chosen, "code": nina.codeOf(t, 1)})
		here.press("button.main")
	}
	change("bukan ini")
	if got := here.text("#failed"); !strings.Contains(got, "salah") {
		t.Errorf("a wrong password: %q", got)
	}
	for !eval[bool](here, `document.querySelector('.noted') !== null`) { // the next try must wait
		if here.path() != "/op/account" {
			t.Fatalf("changing the password leads to %s", here.path())
		}
		change(nina.password)
	}
	there.open("/op")
	if got := there.path(); got != "/op/sign-in" {
		t.Errorf("the other browser is at %s", got)
	}
	here.open("/op")
	if got := here.path(); got != "/op" {
		t.Errorf("this browser is at %s", got)
	}
	nina.password = chosen
	secrets := filepath.Join(t.TempDir(), "secrets")
	operate(t, "staff", "reset", "--keep-password", "--reason", "ganti ponsel", "--secrets-file", secrets, inDemo("absah.yaml"), nina.username)
	said := string(readFile(t, secrets))
	if strings.Contains(said, "password:") {
		t.Error("a new password was issued too")
	}
	_, rest, _ := strings.Cut(said, "secret: ")
	nina.secret, _, _ = strings.Cut(rest, "\n")
	here.open("/op")
	if got := here.path(); got != "/op/sign-in" {
		t.Errorf("with a new authenticator: at %s", got)
	}
	here.waitForDoor(nina)
}

// find gives the console a file and waits for what is on record.
func (t *tab) find(name string) {
	t.Helper()
	t.open("/op/search")
	t.do(chromedp.SetUploadFiles(chromedp.CSS("form.upload input[type=file]"), []string{name}), chromedp.WaitReady(chromedp.CSS("#main-heading")))
}

// TestSearchByFile drops files, and follows what is found to the records, the
// document, the certificate, the signer and the bundle.
func TestSearchByFile(t *testing.T) {
	b := desk(t, "rini", "investigator")
	id := register(t, false)
	sealed := seal(t, testdata.Letter, id)
	twice := write(t, "dua.pdf", seal(t, sealed, ""))
	b.find(letter(t))
	if got := b.text(".verdict"); !strings.Contains(got, "tercatat") {
		t.Errorf("an unsigned letter that was sealed here: %q", got)
	}
	b.find(attack(t, "ok-b-lt.pdf"))
	if got := b.text(".verdict"); !strings.Contains(got, "Tidak ada catatan") {
		t.Errorf("a foreign letter: %q", got)
	}
	b.find(twice)
	sum := sha256.Sum256(sealed)
	if got := b.text("main"); !strings.Contains(got, hex.EncodeToString(sum[:])) || !strings.Contains(got, "500.12.6/147/2026") {
		t.Errorf("a letter sealed twice: the first state is not found: %.600q", got)
	}
	b.press(`.candidates a[href="/op/document/` + id + `"]`)
	if got := b.text("h1"); got != "500.12.6/147/2026" {
		t.Errorf("the document's page is headed %q", got)
	}
	b.press(".acts .passed a")
	if got := b.text("h1"); got != "Penyegelan" {
		t.Errorf("the operation's page is headed %q", got)
	}
	b.open(b.path()) // once more: it is in the log by now
	b.until(`fetch(location.href).then(r => r.text()).then(t => t.includes('dicakup checkpoint'))`)
	operation := b.path()
	if got := eval[string](b, `fetch(document.querySelector('.take a').href).then(r => r.blob()).then(b => b.slice(0, 2).text())`); got != "PK" {
		t.Errorf("the bundle begins with %q", got)
	}
	b.press(`dd a[href^="/op/certificate/"]`)
	if got := b.text("h1"); got != "Pemerintah Kabupaten Contoh" {
		t.Errorf("the certificate's page is headed %q", got)
	}
	b.press(`dd a[href^="/op/signer/"]`)
	if got := b.text(".acts"); !strings.Contains(got, "Penyegelan") {
		t.Errorf("the signer's timeline: %.200q", got)
	}
	// All of that is on record, under her name.
	b.open("/op/search?kind=operation.evidence")
	if got := b.text(".acts"); !strings.Contains(got, "Petugas Contoh") {
		t.Errorf("on record of the bundle for %s: %q", operation, got)
	}
}

// TestSearchByFields finds by name, time and status, and says what it cannot
// read.
func TestSearchByFields(t *testing.T) {
	b := desk(t, "dewi", "supervisor")
	for query, want := range map[string]string{
		"signer=bupati":                    "Bupati Contoh",
		"application=e-off":                "e-office",
		"signer=contoh":                    "Sekretaris Daerah Contoh",
		"signer=tidakada":                  "Tidak ada operasi",
		"kind=sign&status=ok":              "Bupati Contoh",
		"kind=sign&status=failed":          "Tidak ada operasi",
		"from=2099-01-01":                  "Tidak ada operasi",
		"kind=sign&from=2020-01-01":        "Bupati Contoh",
		"digest=zz":                        "tidak dapat dibaca",
		"kind=staff.sign-in&application=x": "Tidak ada operasi",
	} {
		b.open("/op/search?" + query)
		if got := b.text("main"); !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in %.900q", query, want, got)
		}
	}
}

// TestOverview: the charts are drawn, and their numbers are beside them and in
// the file.
func TestOverview(t *testing.T) {
	b := desk(t, "tono", "auditor")
	seal(t, testdata.Letter, "")
	b.open("/op")
	if n := eval[int](b, `document.querySelectorAll('.plot rect').length`); n == 0 {
		t.Error("the charts have no columns")
	}
	if got := b.text("main"); !strings.Contains(got, "Log menepati janjinya") || !strings.Contains(got, "Penyegelan") {
		t.Errorf("got %.900q", got)
	}
	numbers := eval[string](b, `fetch(document.querySelector('a[href*=csv]').href).then(r => r.text())`)
	lines := strings.Split(strings.TrimSpace(numbers), "\n")
	if !strings.HasPrefix(lines[0], "table,name,released") || !strings.HasPrefix(lines[30], "day,") || !strings.Contains(numbers, "operations,seal,,,,") {
		t.Errorf("got %.300q", numbers)
	}
	if today := strings.Split(lines[30], ","); today[2] == "0" {
		t.Errorf("today: %q", lines[30])
	}
}

// consoleViews are the pages of the console in states worth looking at.
func consoleViews(tb testing.TB) []view {
	tb.Helper()
	id := register(tb, false)
	doc := seal(tb, testdata.Letter, id)
	sum := sha256.Sum256(doc)
	var found struct {
		Operations []struct{ ID, Signer string }
	}
	if err := json.Unmarshal(call(tb, http.MethodGet, "/v1/operations?digest="+hex.EncodeToString(sum[:]), "", nil), &found); err != nil || len(found.Operations) == 0 {
		tb.Fatalf("the seal is not on record: %v", err)
	}
	block, _ := pem.Decode(readFile(tb, inDemo("seal.pem")))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	print := sha256.Sum256(cert.Raw)
	o := found.Operations[0]
	return []view{
		{name: "op-ikhtisar", path: "/op"},
		{name: "op-overview", path: "/op?lang=en&days=7"},
		{name: "op-cari", path: "/op/search"},
		{name: "op-cari-semua", path: "/op/search?from=2020-01-01"},
		{name: "op-cari-nama", path: "/op/search?signer=contoh"},
		{name: "op-cari-salah", path: "/op/search?digest=zz"},
		{name: "op-berkas", path: "/op/search", file: write(tb, "surat.pdf", seal(tb, doc, ""))},
		{name: "op-operasi", path: "/op/operation/" + o.ID},
		{name: "op-operation", path: "/op/operation/" + o.ID + "?lang=en"},
		{name: "op-dokumen", path: "/op/document/" + id},
		{name: "op-penanda-tangan", path: "/op/signer/" + o.Signer},
		{name: "op-sertifikat", path: "/op/certificate/" + hex.EncodeToString(print[:])},
		{name: "op-status", path: "/op/certificate/" + hex.EncodeToString(print[:]), press: "[aria-labelledby=live-status] button"},
		{name: "op-tidak-tercatat", path: "/op/operation/tidakada"},
		{name: "op-akun", path: "/op/account"},
		{name: "op-account", path: "/op/account?lang=en"},
	}
}

// doorViews are the pages of whoever has not signed in.
var doorViews = []view{{name: "op-masuk", path: "/op/sign-in"}, {name: "op-sign-in", path: "/op/sign-in?lang=en"}}

// look opens a page of the console.
func (t *tab) look(v view) {
	t.Helper()
	if v.file != "" {
		t.find(v.file)
		return
	}
	t.open(v.path)
	if got := t.path(); !strings.HasPrefix(v.path, got) {
		t.Fatalf("%s leads to %s", v.path, got)
	}
	if v.press != "" {
		t.press(v.press)
	}
}

// TestConsole: no page of the console has a violation or is cut off, light or
// dark, wide or narrow, with all details open.
func TestConsole(t *testing.T) {
	axe := axeCore(t)
	for _, screen := range []struct {
		scheme string
		width  int64
		axe    bool
	}{{"light", 1280, true}, {"dark", 1280, true}, {"light", 360, true}, {"light", 320, false}} {
		b := desk(t, fmt.Sprintf("putri-%s-%d", screen.scheme, screen.width), "investigator")
		b.scheme(screen.scheme)
		b.do(chromedp.EmulateViewport(screen.width, 800))
		stranger := newTab(t, chromedp.WithNewBrowserContext())
		stranger.scheme(screen.scheme)
		stranger.do(chromedp.EmulateViewport(screen.width, 800))
		check := func(b *tab, v view) {
			b.look(v)
			eval[bool](b, `document.querySelectorAll('details').forEach(d => d.open = true), true`)
			if got := eval[int64](b, `document.documentElement.scrollWidth`); got > screen.width {
				t.Errorf("%s is %d pixels wide on a screen of %d", v.name, got, screen.width)
			}
			if screen.axe {
				b.accessible(axe, fmt.Sprintf("%s, %s, %d", v.name, screen.scheme, screen.width))
			}
		}
		for _, v := range consoleViews(t) {
			check(b, v)
		}
		for _, v := range doorViews {
			check(stranger, v)
		}
	}
}

// TestConsoleByKeyboard signs in without a mouse, and walks to the search.
func TestConsoleByKeyboard(t *testing.T) {
	eka := hire(t, "eka", "investigator")
	b := newTab(t, chromedp.WithNewBrowserContext())
	b.open("/op/sign-in")
	b.do(chromedp.Focus(chromedp.CSS("#username")))
	for _, typed := range []string{eka.username, "\t", eka.password, "\t", eka.code(t)} {
		b.do(chromedp.KeyEvent(typed))
	}
	eval[bool](b, `window.old = true`)
	b.do(chromedp.KeyEvent("\r"))
	b.until(`window.old !== true && location.pathname === '/op' && document.querySelector('footer') !== null`)
	var walk []string
	for range 8 {
		b.do(chromedp.KeyEvent("\t"))
		walk = append(walk, eval[string](b, `document.activeElement.innerText.split('\n')[0]`))
		if eval[bool](b, `getComputedStyle(document.activeElement).outlineStyle === 'none'`) {
			t.Errorf("the focus on %q cannot be seen", walk[len(walk)-1])
		}
	}
	if i := slices.Index(walk, "Pencarian"); i < 0 || walk[0] != "Langsung ke isi" {
		t.Errorf("got %q", walk)
	}
}

// TestScreenshotsOfConsole writes pictures of every page of the console.
func TestScreenshotsOfConsole(t *testing.T) {
	needScreenshots(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			b := desk(t, fmt.Sprintf("foto-%s-%d", scheme, width), "supervisor")
			stranger := newTab(t, chromedp.WithNewBrowserContext())
			for _, side := range []struct {
				b     *tab
				views []view
			}{{b, consoleViews(t)}, {stranger, doorViews}} {
				side.b.scheme(scheme)
				for _, v := range side.views {
					side.b.do(chromedp.EmulateViewport(width, 800))
					side.b.look(v)
					side.b.photograph(fmt.Sprintf("%s-%d-%s", v.name, width, scheme), width)
				}
			}
		}
	}
}
