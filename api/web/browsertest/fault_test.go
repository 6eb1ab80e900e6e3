package browsertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
)

// refusing are pages that take no file, for a reason that can be changed. They
// ask nothing of a gateway.
type refusing struct {
	web.Gateway
	why error
}

// refusals returns where they are served.
func refusals(tb testing.TB) (r *refusing, url string) {
	tb.Helper()
	r = &refusing{}
	pages, err := web.New(web.Config{
		Gateway: r, MaxUpload: 25 << 20, Office: "Pemerintah Kabupaten Contoh",
		Admit:   func(string) error { return r.why },
		Receive: func(web.Sender, io.Reader) (web.Upload, error) { return nil, errors.New("there is nothing to receive") },
		Turn:    func(context.Context) (func(), error) { return nil, errors.New("there are no turns") },
		Print: func(context.Context, io.Writer, *verifier.Report, web.Printing) error {
			return errors.New("there is no printer")
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			tb.Error(err)
		}
		_ = pages.Serve(w, q, "127.0.0.1") // it is shown
	}))
	tb.Cleanup(s.Close)
	return r, s.URL
}

// TestAxeFaults looks at the pages of errors that are hard to bring about.
func TestAxeFaults(t *testing.T) {
	needDemo(t)
	axe := axeCore(t)
	r, url := refusals(t)
	name := letter(t)
	for _, c := range []struct {
		why     error
		title   string // in English
		picture string
	}{
		{&gateway.Error{Code: gateway.CodeTooLarge}, "The file is too large", "salah-besar"},
		{&gateway.Error{Code: gateway.CodeRate, Retry: 7 * time.Second}, "Too often", "salah-sering"},
		{&gateway.Error{Code: gateway.CodeBusy, Retry: 5 * time.Second}, "Busy", "salah-sibuk"},
		{&gateway.Error{Code: gateway.CodeRecord}, "The service is disturbed", "salah-catatan"},
		{errors.New("broken"), "The service is disturbed", "salah-lain"},
	} {
		for _, scheme := range []string{"light", "dark"} {
			b := newTab(t)
			b.scheme(scheme)
			for _, query := range []string{"", "?lang=en"} {
				r.why = c.why
				b.do(chromedp.Navigate(url+"/"+query), chromedp.WaitReady(chromedp.CSS("footer")))
				b.give(name)
				if got := eval[string](b, `document.getElementById('result').textContent`); query != "" && got != c.title {
					t.Errorf("%v: got %q, want %q", c.why, got, c.title)
				}
				b.accessible(axe, c.title+", "+scheme)
				for _, width := range []int64{1280, 360} {
					b.do(chromedp.EmulateViewport(width, 800))
					b.photograph(fmt.Sprintf("%s-%d-%s", c.picture+strings.TrimPrefix(query, "?lang="), width, scheme), width)
				}
			}
		}
	}
}
