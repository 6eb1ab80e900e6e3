package browsertest_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// maxWeight bounds, in bytes as they are read, what a page takes with all that it
// loads, but the library of the preview.
const maxWeight = 150_000

// TestWeight weighs every page of citizens and of the console.
func TestWeight(t *testing.T) {
	needDemo(t)
	b, c := newTab(t, chromedp.WithNewBrowserContext()), desk(t, "timbang", "supervisor")
	weigh := func(b *tab, v view) {
		t.Helper()
		weight := eval[int](b, `performance.getEntries().filter(e => !e.name.includes('.mjs')).reduce((n, e) => n + (e.decodedBodySize || 0), 0)`)
		if weight < 5_000 || weight > maxWeight {
			t.Errorf("%s weighs %d bytes, want 5000 to %d", v.name, weight, maxWeight)
		}
	}
	for _, v := range views(t) {
		if v.press == "" {
			b.show(v)
			weigh(b, v)
		}
	}
	b.open("/pengaduan")
	weigh(b, view{name: "adukan"})
	for _, v := range consoleViews(t) {
		c.look(v)
		weigh(c, v)
	}
	for name, path := range map[string]string{"kasus-daftar": "/op/cases", "kasus-baru": "/op/cases/new", "pengawasan": "/op/supervision"} {
		c.open(path)
		weigh(c, view{name: name})
	}
}
