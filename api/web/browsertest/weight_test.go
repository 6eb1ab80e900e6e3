package browsertest_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// maxWeight bounds, in bytes as they are read, what a page takes with all that it
// loads, but the library of the preview.
const maxWeight = 150_000

// weigh holds the page that is shown to maxWeight.
func (t *tab) weigh(name string) {
	t.Helper()
	weight := eval[int](t, `performance.getEntries().filter(e => !e.name.includes('.mjs')).reduce((n, e) => n + (e.decodedBodySize || 0), 0)`)
	if weight < 5_000 || weight > maxWeight {
		t.Errorf("%s weighs %d bytes, want 5000 to %d", name, weight, maxWeight)
	}
}

// TestWeight weighs every page of citizens and of the console. Those of a
// complaint are weighed by TestComplaint too, in all its states.
func TestWeight(t *testing.T) {
	needDemo(t)
	b, c := newTab(t, chromedp.WithNewBrowserContext()), desk(t, "timbang", "supervisor")
	for _, v := range views(t) {
		if v.press == "" {
			b.show(v)
			b.weigh(v.name)
		}
	}
	b.open("/pengaduan")
	b.weigh("adukan")
	b.complain(map[string]string{"text": strings.Repeat("Saya tidak menandatangani surat ini.\n", 160), "contact": "timbang@contoh.example"}, inDemo("signed.pdf"))
	b.weigh("adukan-diterima")
	b.press(`a.button[href^="/pengaduan/"]`)
	b.weigh("adukan-diikuti")
	for _, v := range consoleViews(t) {
		c.look(v)
		c.weigh(v.name)
	}
	for name, path := range map[string]string{"kasus-daftar": "/op/cases", "kasus-baru": "/op/cases/new", "pengawasan": "/op/supervision"} {
		c.open(path)
		c.weigh(name)
	}
	c.open("/op/cases")
	c.press(`.cases a`)
	c.step("examine", nil)
	c.weigh("kasus")
}
