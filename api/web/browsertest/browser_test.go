package browsertest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/time/rate"

	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/testdata"
)

// tab is a window with no history. What its scripts throw fails the test.
type tab struct {
	testing.TB
	ctx context.Context
}

// newTab opens a window. Those of one browser share what it keeps, unless the
// options are for one of its own.
func newTab(tb testing.TB, options ...chromedp.ContextOption) *tab {
	tb.Helper()
	needDemo(tb)
	ctx, cancel := chromedp.NewContext(demo.browser, options...)
	tb.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	tb.Cleanup(cancel)
	t := &tab{tb, ctx}
	t.do(chromedp.EmulateViewport(1280, 900))
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			tb.Errorf("exception: %s", e.ExceptionDetails.Text)
		}
	}); err != nil {
		tb.Fatal(err)
	}
	return t
}

func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *tab, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(t.ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func eval[T any](t *tab, expression string) T {
	t.Helper()
	return get(t, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// open goes to a page of the demo and watches for what its policy forbids.
func (t *tab) open(path string) {
	t.Helper()
	t.do(chromedp.Navigate(demo.url+path), chromedp.WaitReady(chromedp.CSS("footer")))
}

// give chooses a file in the page's form and waits for the result.
func (t *tab) give(name string) {
	t.Helper()
	eval[bool](t, `window.here = true`)
	t.do(chromedp.SetUploadFiles(chromedp.CSS("form.upload input[type=file]"), []string{name}), chromedp.WaitReady(chromedp.CSS("#result")))
	if !eval[bool](t, `window.here === true`) {
		t.Error("the page was loaded anew")
	}
}

func (t *tab) heading() string {
	t.Helper()
	_, word, _ := strings.Cut(eval[string](t, `document.getElementById('result').textContent`), ": ")
	return word
}

// write puts a file into the test's folder.
func write(tb testing.TB, name string, b []byte) string {
	tb.Helper()
	name = filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

func tampered(tb testing.TB) string {
	b := readFile(tb, inDemo("signed.pdf"))
	b[bytes.Index(b, []byte("stream"))+200] ^= 1
	return write(tb, "diubah.pdf", b)
}

func attack(tb testing.TB, name string) string {
	return filepath.Join(testfile.Root(tb), "testdata", "attacks", name)
}

func letter(tb testing.TB) string {
	return write(tb, "naskah-dinas.pdf", testdata.Letter)
}

// TestStates gives the pages a letter of each kind.
func TestStates(t *testing.T) {
	needDemo(t)
	for _, c := range []struct {
		name, file, id, en string
	}{
		{"ours", inDemo("signed.pdf"), "SAH", "VALID"},
		{"tampered", tampered(t), "TIDAK SAH", "NOT VALID"},
		{"foreign", attack(t, "ok-b-lt.pdf"), "BELUM DAPAT DIPASTIKAN", "NOT ESTABLISHED"},
		{"unsigned", letter(t), "TIDAK BERTANDA TANGAN ELEKTRONIK", "NOT SIGNED ELECTRONICALLY"},
		{"unreadable", write(t, "x.pdf", []byte("x")), "TIDAK DAPAT DIBACA", "NOT READABLE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTab(t)
			b.open("/")
			b.give(c.file)
			if got := b.heading(); got != c.id {
				t.Errorf("got %q, want %q", got, c.id)
			}
			if got := eval[string](b, `document.activeElement.id`); got != "result" {
				t.Errorf("focus is on %q, want the result", got)
			}
			// The other language, without choosing the file again.
			b.do(chromedp.Click(chromedp.CSS("#language")), chromedp.WaitReady(chromedp.CSS("html[lang=en]")))
			if got := b.heading(); got != c.en {
				t.Errorf("in English: got %q, want %q", got, c.en)
			}
		})
	}
}

func TestZones(t *testing.T) {
	b := newTab(t)
	b.open("/")
	b.give(inDemo("signed.pdf"))
	b.zones(".signatures")
}

// zones chooses each zone in turn, and wants all times in the places shown in
// it alone.
func (t *tab) zones(places ...string) {
	t.Helper()
	for _, zone := range []string{"WIB", "WIT", "WITA"} {
		t.do(chromedp.Click(chromedp.CSS("[name=zone][value=" + strings.ToLower(zone) + "]")))
		for _, place := range places {
			shown := map[string]bool{}
			for _, z := range regexp.MustCompile(`\d (WIB|WITA|WIT)\b`).FindAllStringSubmatch(t.text(place), -1) {
				shown[z[1]] = true
			}
			if !shown[zone] || len(shown) != 1 {
				t.Errorf("after the choice of %s %s shows %v", zone, place, shown)
			}
		}
	}
}

// TestWithoutScript: the plain form does it all.
func TestWithoutScript(t *testing.T) {
	b := newTab(t)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.do(chromedp.Navigate(demo.url+"/"),
		chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{inDemo("signed.pdf")}),
		chromedp.Click(chromedp.CSS("button[type=submit]")), chromedp.WaitVisible(chromedp.CSS("#result")))
	if got := get(b, chromedp.TextContent(chromedp.CSS("#result"))); !strings.HasSuffix(got, ": SAH") {
		t.Errorf("got %q, want SAH", got)
	}
	b.do(chromedp.WaitVisible(chromedp.CSS("#report-document")), chromedp.WaitNotVisible(chromedp.CSS("[data-copy]")))
}

// TestProgress uploads 20 MB through a slow line.
func TestProgress(t *testing.T) {
	needDemo(t)
	target, err := url.Parse(demo.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = struct {
			io.Reader
			io.Closer
		}{&slowReader{r.Context(), r.Body, rate.NewLimiter(8<<20, 256<<10)}, r.Body}
		proxy.ServeHTTP(w, r)
	}))
	defer slow.Close()
	big := write(t, "besar.pdf", append(bytes.Clone(testdata.Letter), bytes.Repeat([]byte("%\n"), 10<<20)...))
	b := newTab(t)
	b.do(chromedp.Navigate(slow.URL+"/"), chromedp.WaitReady(chromedp.CSS("footer")))
	eval[bool](b, `window.seen = [], new MutationObserver(() => {
		const v = document.querySelector('progress').getAttribute('value');
		if (v !== null && v !== seen.at(-1)) seen.push(v);
	}).observe(document.querySelector('progress'), { attributes: true }), true`)
	b.give(big)
	seen := eval[[]string](b, `window.seen`)
	rising := 0
	for i := 1; i < len(seen); i++ {
		if len(seen[i]) > len(seen[i-1]) || len(seen[i]) == len(seen[i-1]) && seen[i] > seen[i-1] {
			rising++
		}
	}
	if rising < 5 {
		t.Errorf("got the values %v, want at least 5 that rise", seen)
	}
}

// slowReader reads as fast as its limiter allows.
type slowReader struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

func (s *slowReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), s.limit.Burst())])
	if wait := s.limit.WaitN(s.ctx, n); wait != nil {
		return n, wait
	}
	return n, err
}

// TestDownloads: what was signed needs no second upload, and is exact.
func TestDownloads(t *testing.T) {
	b := newTab(t)
	b.open("/")
	once := seal(t, testdata.Letter, "")
	twice := seal(t, once, "")
	b.give(write(t, "dua.pdf", twice))
	eval[bool](b, `(() => {
		const make = URL.createObjectURL;
		window.saved = [];
		URL.createObjectURL = blob => { saved.push(blob); return make(blob); };
		HTMLAnchorElement.prototype.click = () => {};
		return true;
	})()`)
	digest := func(n int) string {
		return eval[string](b, `saved[`+string(rune('0'+n))+`].arrayBuffer().then(b => crypto.subtle.digest('SHA-256', b))
			.then(d => [...new Uint8Array(d)].map(x => x.toString(16).padStart(2, '0')).join(''))`)
	}
	b.do(chromedp.Click(chromedp.CSS("[data-slice] button")))
	sum := sha256.Sum256(once)
	if got, want := digest(0), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("what was signed first has SHA-256 %s, want %s", got, want)
	}
	b.do(chromedp.Click(chromedp.CSS("#report button")))
	get(b, chromedp.Poll[bool](`saved.length === 2`))
	if got := eval[string](b, `saved[1].slice(0, 5).text()`); got != "%PDF-" {
		t.Errorf("the report begins with %q", got)
	}
	// The report is sealed: the page that made it finds it valid.
	report, err := base64.StdEncoding.DecodeString(eval[string](b, `saved[1].arrayBuffer().then(b => btoa(Array.from(new Uint8Array(b), c => String.fromCharCode(c)).join('')))`))
	if err != nil {
		t.Fatal(err)
	}
	r := newTab(t)
	r.open("/")
	r.give(write(t, "laporan.pdf", report))
	if got := r.heading(); got != "SAH" {
		t.Errorf("the report is %q, want SAH", got)
	}
	sum = sha256.Sum256(twice)
	if got, want := eval[string](b, `document.getElementById('digest').textContent`), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("SHA-256: got %s, want %s", got, want)
	}
}

// TestPreview draws a letter, and beside one that was changed what was signed.
func TestPreview(t *testing.T) {
	needDemo(t)
	for _, c := range []struct {
		name, file     string
		frames, differ bool
	}{
		{"a sealed letter with a visible field", write(t, "surat.pdf", seal(t, testdata.Letter, register(t, false))), true, false},
		{"a page that was changed", attack(t, "i-g-update.pdf"), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTab(t)
			b.open("/")
			eval[bool](b, `window.violations = [], document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI)), true`)
			b.give(c.file)
			if !eval[bool](b, `document.querySelector('[data-preview]') !== null`) {
				testfile.Lacking(t, "pdfjs-dist in the program", "scripts/preview")
			}
			b.do(chromedp.Click(chromedp.CSS("[data-preview]")), chromedp.WaitReady(chromedp.CSS(".leaves canvas, .leaves .fault")))
			if got := eval[bool](b, `[...document.querySelectorAll('.leaf canvas')].every(c =>
				c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 !== 3 && v < 100)) && !document.querySelector('.leaves .fault')`); !got {
				t.Errorf("a page was not drawn: %s", eval[string](b, `document.querySelector('.preview').dataset.cause ?? ''`))
			}
			if got := eval[bool](b, `document.querySelector('.leaf .field') !== null`); got != c.frames {
				t.Errorf("signature fields framed: got %v, want %v", got, c.frames)
			}
			if got := eval[bool](b, `document.querySelector('.spread.differs') !== null`); got != c.differ {
				t.Errorf("a page is marked: got %v, want %v", got, c.differ)
			}
			if got := eval[[]string](b, `violations`); len(got) > 0 {
				t.Errorf("the content security policy was violated: %v", got)
			}
		})
	}
}

// sheets is a letter of n pages, sealed, of which a later revision has left some,
// in that order, and one that stands there again as a copy.
func sheets(tb testing.TB, n int, order []int) []byte {
	tb.Helper()
	f := pdfmake.New("1.7", "lembar")
	root, font := f.Reserve(), f.Add(pdfmake.Dict{"Type": pdfmake.Name("Font"), "Subtype": pdfmake.Name("Type1"), "BaseFont": pdfmake.Name("Helvetica")})
	var kids pdfmake.Array
	for i := range n {
		kids = append(kids, f.Add(pdfmake.Dict{
			"Type": pdfmake.Name("Page"), "Parent": root, "MediaBox": pdfmake.Array{0, 0, 298, 420}, "Resources": pdfmake.Dict{"Font": pdfmake.Dict{"F1": font}},
			"Contents": f.Add(pdfmake.Stream{Data: fmt.Appendf(nil, "BT /F1 20 Tf 40 %d Td (Lembar %d) Tj ET", 360-10*i, i+1)}),
		}))
	}
	f.Set(root, pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Kids": kids, "Count": n})
	f.Root = f.Add(pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": root})
	f.Flush(pdfmake.Table)
	signed := seal(tb, f.Bytes(), "")
	doc, err := pdf.Open(bytes.NewReader(signed), int64(len(signed)), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	now := doc.Latest()
	catalog, err := now.Catalog()
	if err != nil {
		tb.Fatal(err)
	}
	ref := catalog["Pages"].(pdf.Ref)
	o, err := now.Object(ref)
	if err != nil {
		tb.Fatal(err)
	}
	u, tree, left := now.NewUpdate(), pdf.Clone(o).(pdf.Dict), pdf.Array{}
	for _, i := range order {
		kid := tree["Kids"].(pdf.Array)[i]
		if slices.Contains(left, kid) { // no page stands twice in the tree
			page, err := now.Object(kid.(pdf.Ref))
			if err != nil {
				tb.Fatal(err)
			}
			kid = u.Add(page)
		}
		left = append(left, kid)
	}
	tree["Kids"], tree["Count"] = left, pdf.Integer(len(left))
	u.Set(ref, tree)
	tail, err := u.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	return append(signed, tail...)
}

// TestPreviewOfPages: what became of pages after signing is told of each of them, in
// the order of the letter as it is now, also where there are more than are drawn.
func TestPreviewOfPages(t *testing.T) {
	needDemo(t)
	many := []int{0}
	for i := 2; i < 40; i++ { // without the second
		many = append(many, i)
	}
	const (
		shifted = "Halaman %d (halaman %d ketika ditandatangani): sama"
		unseen  = "Halaman %d: tidak ada pasangannya di antara halaman yang ditampilkan"
	)
	manyWant := []string{"Halaman 1: sama", "Halaman 2 ketika ditandatangani: tidak ada pasangannya di antara halaman yang ditampilkan"}
	for i := 2; i < 30; i++ {
		manyWant = append(manyWant, fmt.Sprintf(shifted, i, i+1))
	}
	manyWant = append(manyWant, fmt.Sprintf(unseen, 30))
	for _, c := range []struct {
		name   string
		pages  int
		order  []int
		want   []string
		marked int
		counts string
	}{
		{"one in the middle removed", 3, []int{0, 2}, []string{
			"Halaman 1: sama", "Halaman 2 ketika ditandatangani: dihapus setelah ditandatangani", fmt.Sprintf(shifted, 2, 3),
		}, 1, "Ketika ditandatangani ada 3 halaman, sekarang 2."},
		{"the last removed", 3, []int{0, 1}, []string{
			"Halaman 1: sama", "Halaman 2: sama", "Halaman 3 ketika ditandatangani: dihapus setelah ditandatangani",
		}, 1, "Ketika ditandatangani ada 3 halaman, sekarang 2."},
		{"two in another order", 3, []int{1, 0, 2}, []string{
			fmt.Sprintf(shifted, 1, 2), "Halaman 2 (halaman 1 ketika ditandatangani): dipindahkan setelah ditandatangani", "Halaman 3: sama",
		}, 1, ""},
		{"one added", 2, []int{0, 1, 1}, []string{
			"Halaman 1: sama", "Halaman 2: sama", "Halaman 3: ditambahkan setelah ditandatangani",
		}, 1, "Ketika ditandatangani ada 2 halaman, sekarang 3."},
		{"more than are drawn", 40, many, manyWant, 0, "Ketika ditandatangani ada 40 halaman, sekarang 39."},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTab(t)
			b.open("/")
			b.give(write(t, "lembar.pdf", sheets(t, c.pages, c.order)))
			if got := b.heading(); got != "TIDAK SAH" {
				t.Errorf("the verdict is %q", got)
			}
			if !eval[bool](b, `document.querySelector('[data-preview]') !== null`) {
				testfile.Lacking(t, "pdfjs-dist in the program", "scripts/preview")
			}
			b.do(chromedp.Click(chromedp.CSS("[data-preview]")), chromedp.WaitReady(chromedp.CSS(".preview:not([aria-busy]) .leaves h3, .leaves .fault")))
			get(b, chromedp.Poll[bool](`!document.querySelector('.preview').hasAttribute('aria-busy')`))
			if got := eval[[]string](b, `[...document.querySelectorAll('.leaves h3')].map(e => e.textContent)`); !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q (%s)", got, c.want, eval[string](b, `document.querySelector('.preview').dataset.cause ?? ''`))
			}
			if got := eval[int](b, `document.querySelectorAll('.spread.differs').length`); got != c.marked {
				t.Errorf("%d pages are marked, want %d", got, c.marked)
			}
			if got := eval[string](b, `document.querySelector('.leaves > .fault')?.textContent ?? ''`); got != c.counts {
				t.Errorf("of the number of pages it says %q, want %q", got, c.counts)
			}
		})
	}
}

// TestPreviewWithoutSigned: where what was signed cannot be drawn, that is said, and
// no page is called the same.
func TestPreviewWithoutSigned(t *testing.T) {
	needDemo(t)
	b := newTab(t)
	b.open("/")
	b.give(attack(t, "i-g-update.pdf"))
	if !eval[bool](b, `document.querySelector('[data-preview]') !== null`) {
		testfile.Lacking(t, "pdfjs-dist in the program", "scripts/preview")
	}
	eval[string](b, `document.querySelector('.preview').dataset.before = '9'`) // bytes, which are no document
	b.do(chromedp.Click(chromedp.CSS("[data-preview]")), chromedp.WaitReady(chromedp.CSS(".leaves canvas")))
	if got := eval[string](b, `document.querySelector('.leaves > .fault')?.textContent ?? ''`); !strings.HasPrefix(got, "Keadaan ketika ditandatangani tidak dapat digambar") {
		t.Errorf("it says %q", got)
	}
	if got := eval[string](b, `document.querySelector('.leaves h3').textContent`); got != "Halaman 1" {
		t.Errorf("the page is called %q", got)
	}
}

// TestQR follows the code that is printed on a letter, and holds files against
// the registered one (S28).
func TestQR(t *testing.T) {
	needDemo(t)
	doc := seal(t, testdata.Letter, register(t, false))
	name := write(t, "surat.pdf", doc)
	address := qr(t, name)
	path, ok := strings.CutPrefix(address, demo.url)
	if !ok || !strings.HasPrefix(path, "/d/") {
		t.Fatalf("the QR code leads to %q", address)
	}
	more := write(t, "lagi.pdf", seal(t, doc, ""))
	for _, c := range []struct{ name, file, want string }{
		{"the registered one", name, "BERKAS YANG SAMA"},
		{"with one more seal", more, "DOKUMEN INI, DITAMBAH TANDA TANGAN"},
		{"with an empty line behind it", write(t, "baris.pdf", append(bytes.Clone(doc), '\n')), "DOKUMEN INI, DENGAN TAMBAHAN"},
		{"S28 another genuine one", inDemo("signed.pdf"), "BUKAN DOKUMEN INI"},
		{"altered after it", write(t, "x.pdf", append(bytes.Clone(doc), "\n% lain\n"...)), "DIUBAH SETELAH TERDAFTAR"},
		{"unsigned", letter(t), "BUKAN DOKUMEN INI"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTab(t)
			b.open(path)
			if text := eval[string](b, `document.querySelector('main').innerText`); !strings.Contains(text, "BERLAKU") || !strings.Contains(text, "500.12.6/147/2026") {
				t.Errorf("the page says %.200q", text)
			}
			b.give(c.file)
			if got := b.heading(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestFirstPage: who compares the registered file, or one that holds it, sees its
// first page as it was registered, not as it was altered since.
func TestFirstPage(t *testing.T) {
	needDemo(t)
	id := register(t, false)
	doc := seal(t, testdata.Letter, id)
	b := newTab(t)
	b.open("/d/" + id)
	eval[bool](b, `window.violations = [], document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI)), true`)
	drawn := func(file string) string {
		t.Helper()
		b.give(file)
		if !eval[bool](b, `document.querySelector('[data-first][data-module]') !== null`) {
			return ""
		}
		b.do(chromedp.WaitReady(chromedp.CSS("[data-first] .leaves canvas, [data-first] .leaves .fault")))
		return eval[string](b, `[...document.querySelectorAll('[data-first] canvas')].map(c => c.toDataURL()).join(' ')`)
	}
	first := drawn(write(t, "surat.pdf", doc))
	if first == "" && !eval[bool](b, `document.querySelector('[data-module]') !== null`) {
		testfile.Lacking(t, "pdfjs-dist in the program", "scripts/preview")
	}
	if !strings.HasPrefix(first, "data:image/png") || strings.Contains(first, " ") || len(first) < 10_000 {
		t.Fatalf("the first page: got %.80q", first)
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
		word string
	}{
		{"with one more seal", seal(t, doc, ""), first, "DOKUMEN INI, DITAMBAH TANDA TANGAN"},
		{"overwritten since", overwritten(doc), first, "DIUBAH SETELAH TERDAFTAR"},
		{"another", readFile(t, inDemo("signed.pdf")), "", "BUKAN DOKUMEN INI"},
	} {
		b.open("/d/" + id)
		if got := drawn(write(t, "x.pdf", c.file)); got != c.want {
			t.Errorf("%s: the page drawn is not as wanted: %d bytes, want %d", c.name, len(got), len(c.want))
		}
		if got := b.heading(); got != c.word {
			t.Errorf("%s: got %q, want %q", c.name, got, c.word)
		}
	}
	if got := eval[[]string](b, `window.violations ?? []`); len(got) > 0 {
		t.Errorf("the content security policy was violated: %v", got)
	}
}

// overwritten appends a revision in which the first page is empty.
func overwritten(doc []byte) []byte {
	page := regexp.MustCompile(`(?s)(\d+) 0 obj\s*<<[^>]*/Contents (\d+) 0 R`).FindSubmatch(doc)
	last := regexp.MustCompile(`startxref\s+(\d+)`).FindAllSubmatch(doc, -1)
	var b bytes.Buffer
	b.Write(doc)
	at := b.Len()
	fmt.Fprintf(&b, "%s 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n", page[2])
	table := b.Len()
	trailers := regexp.MustCompile(`(?s)trailer\s*<<.*?>>\s*startxref`).FindAll(doc, -1)
	root := regexp.MustCompile(`/Root \d+ 0 R`).Find(trailers[len(trailers)-1])
	size := regexp.MustCompile(`/Size \d+`).Find(trailers[len(trailers)-1])
	fmt.Fprintf(&b, "xref\n%s 1\n%010d 00000 n \ntrailer\n<<%s %s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n", page[2], at, root, size, last[len(last)-1][1], table)
	return b.Bytes()
}

// qr reads the code on the first page.
func qr(tb testing.TB, name string) string {
	tb.Helper()
	prefix := filepath.Join(tb.TempDir(), "page")
	if out, err := exec.Command(testfile.Tool(tb, "pdftoppm"), "-r", "200", "-png", "-f", "1", "-singlefile", name, prefix).CombinedOutput(); err != nil {
		tb.Fatalf("pdftoppm: %v: %s", err, out)
	}
	m, err := png.Decode(bytes.NewReader(readFile(tb, prefix+".png")))
	if err != nil {
		tb.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		tb.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return found.GetText()
}

// view is a page in a state worth looking at.
type view struct {
	name, path string
	file       string // "" for none
	press      string // what is clicked then, and ready what that brings; "" for nothing
	ready      string
}

func views(tb testing.TB) []view {
	tb.Helper()
	id, secret := register(tb, false), register(tb, true)
	doc := seal(tb, testdata.Letter, id)
	return []view{
		{name: "awal", path: "/"},
		{name: "start", path: "/?lang=en"},
		{name: "sah", path: "/", file: inDemo("signed.pdf")},
		{name: "tidak-sah", path: "/", file: tampered(tb)},
		{name: "belum-pasti", path: "/", file: attack(tb, "ok-b-lt.pdf")},
		{name: "tidak-bertanda-tangan", path: "/", file: letter(tb)},
		{name: "tidak-terbaca", path: "/", file: write(tb, "x.pdf", []byte("x"))},
		{name: "not-valid", path: "/?lang=en", file: attack(tb, "c2-over-text.pdf")},
		{name: "kata-sandi", path: "/", file: filepath.Join(testfile.Root(tb), "testdata", "pdf", "aes-256.pdf")},
		{name: "terdaftar", path: "/d/" + id},
		{name: "rahasia", path: "/d/" + secret},
		{name: "sama", path: "/d/" + id, file: write(tb, "surat.pdf", doc)},
		{name: "bukan", path: "/d/" + id, file: inDemo("signed.pdf")},
		{name: "dengan-tambahan", path: "/d/" + id, file: write(tb, "surat.pdf", append(bytes.Clone(doc), '\n'))},
		{name: "one-signature-more", path: "/d/" + id + "?lang=en", file: write(tb, "surat.pdf", seal(tb, doc, ""))},
		{name: "tak-dikenal", path: "/d/tidakada"},
		{name: "tak-ada", path: "/surat/keluar"},
		{name: "not-possible", path: "/report?lang=en"},
		{name: "pratinjau", path: "/", file: write(tb, "surat.pdf", doc), press: "[data-preview]", ready: ".leaves canvas"},
		{name: "pratinjau-berubah", path: "/", file: attack(tb, "i-g-update.pdf"), press: "[data-preview]", ready: ".spread.differs canvas"},
		{name: "pratinjau-dihapus", path: "/", file: write(tb, "lembar.pdf", sheets(tb, 3, []int{2, 1})), press: "[data-preview]", ready: ".spread.differs .absent"},
	}
}

// show brings a view about.
func (t *tab) show(v view) {
	t.Helper()
	t.open(v.path)
	if v.file != "" {
		t.give(v.file)
	}
	if eval[bool](t, `document.querySelector('[data-first][data-module]') !== null`) {
		t.do(chromedp.WaitReady(chromedp.CSS("[data-first] .leaves canvas")))
	}
	if v.press != "" && eval[bool](t, fmt.Sprintf(`document.querySelector(%q) !== null`, v.press)) { // there may be no preview
		t.do(chromedp.Click(chromedp.CSS(v.press)), chromedp.WaitReady(chromedp.CSS(v.ready)))
	}
}

// see is show with all that is folded away.
func (t *tab) see(v view) {
	t.Helper()
	t.show(v)
	eval[bool](t, `document.querySelectorAll('details').forEach(d => d.open = true), true`)
}

// TestReflow: nothing is cut off, or scrolls sideways, on narrow screens.
func TestReflow(t *testing.T) {
	needDemo(t)
	all := views(t)
	for _, width := range []int64{320, 360, 1280} {
		b := newTab(t)
		b.do(chromedp.EmulateViewport(width, 800))
		for _, v := range all {
			b.see(v)
			if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s is %d pixels wide on a screen of %d", v.name, got, width)
			}
		}
	}
}

// TestKeyboard walks through the first page with the tabulator.
func TestKeyboard(t *testing.T) {
	b := newTab(t)
	b.open("/")
	var walk []string
	for range 5 {
		b.do(chromedp.KeyEvent("\t"))
		walk = append(walk, eval[string](b, `(() => {
			const e = document.activeElement;
			return (e.id || e.className || e.tagName.toLowerCase());
		})()`))
		if !eval[bool](b, `(() => {
			const e = document.activeElement, shown = e.matches('.file') ? document.querySelector('.pick') : e;
			return getComputedStyle(shown).outlineStyle !== 'none';
		})()`) {
			t.Errorf("the focus on %q cannot be seen", walk[len(walk)-1])
		}
	}
	if want := []string{"skip", "brand", "language", "document", "summary"}; !slices.Equal(walk, want) {
		t.Errorf("got %v, want %v", walk, want)
	}
}

// TestAxe finds no violation on any page, light or dark.
func TestAxe(t *testing.T) {
	needDemo(t)
	axe := axeCore(t)
	all := views(t)
	for _, scheme := range []string{"light", "dark"} {
		b := newTab(t)
		b.scheme(scheme)
		for _, v := range all {
			b.see(v)
			b.accessible(axe, v.name+", "+scheme)
		}
	}
}

func (t *tab) scheme(name string) {
	t.Helper()
	t.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
}

// TestScreenshots writes pictures of every page for people to look at.
func TestScreenshots(t *testing.T) {
	needScreenshots(t)
	all := views(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []struct {
			name  string
			width int64
		}{{"1280", 1280}, {"360", 360}} {
			b := newTab(t)
			b.scheme(scheme)
			for _, v := range all {
				b.do(chromedp.EmulateViewport(size.width, 800))
				b.show(v)
				b.photograph(v.name+"-"+size.name+"-"+scheme, size.width)
			}
		}
	}
}

// needScreenshots skips a test that does nothing but write pictures.
func needScreenshots(tb testing.TB) {
	tb.Helper()
	if *screenshots == "" {
		tb.Skip("not asked for: no -screenshots DIR (make screenshots)")
	}
	needDemo(tb)
}

// photograph writes a picture of the whole page, when pictures are asked for.
func (t *tab) photograph(name string, width int64) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	height := eval[int64](t, `document.documentElement.scrollHeight`)
	t.do(chromedp.EmulateViewport(width, height))
	picture := get(t, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
