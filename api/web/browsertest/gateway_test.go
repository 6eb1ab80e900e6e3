// Package browsertest_test looks at the pages of the running gateway ("absah demo")
// with Debian's Chromium, as people do: with and without script, by keyboard,
// on a narrow screen. It needs chromium, SoftHSM and poppler-utils; what is
// missing skips its tests by name.
package browsertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder to write a picture of every page to")

// demo is the running gateway; its address is "" when it cannot run here.
var demo struct {
	dir, url, why string
}

// browser is the context of the running browser; nil when there is none.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		log.Println(err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		demo.why = "chromium is not installed (scripts/packages test)"
		return m.Run(), nil
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		return 0, fmt.Errorf("chromium: %w", err)
	}
	browser = ctx
	stop, err := startDemo()
	if err != nil {
		return 0, err
	}
	defer stop()
	return m.Run(), nil
}

// startDemo builds the program and has it serve.
func startDemo() (stop func(), err error) {
	if _, err := exec.LookPath("softhsm2-util"); err != nil {
		demo.why = "softhsm2 is not installed (scripts/packages test)"
		return func() {}, nil
	}
	if demo.dir, err = os.MkdirTemp("", "absah-browsertest-"); err != nil {
		return nil, err
	}
	program := filepath.Join(demo.dir, "absah")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/absah-id/absah/cmd/absah").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	cmd := exec.Command(program, "demo", "--dir", filepath.Join(demo.dir, "demo"), "--listen", "127.0.0.1:0")
	said := &waiter{found: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = said, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = os.RemoveAll(demo.dir)
	}
	select {
	case demo.url = <-said.found:
		return stop, nil
	case <-time.After(2 * time.Minute):
		stop()
		return nil, fmt.Errorf("absah demo does not serve: %s", said.b.String())
	}
}

// waiter reads what the demo says until it serves.
type waiter struct {
	b     bytes.Buffer
	found chan string
	done  bool
}

var serving = regexp.MustCompile(`serving on (http://\S+)`)

func (w *waiter) Write(p []byte) (int, error) {
	w.b.Write(p)
	if m := serving.FindSubmatch(w.b.Bytes()); m != nil && !w.done && bytes.Contains(w.b.Bytes(), []byte("Serving. Stop")) {
		w.done = true
		w.found <- string(m[1])
	}
	return len(p), nil
}

func needDemo(tb testing.TB) {
	tb.Helper()
	if demo.why != "" {
		tb.Skip(demo.why)
	}
}

func inDemo(name string) string { return filepath.Join(demo.dir, "demo", name) }

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// call asks the gateway as the application of the demo.
func call(tb testing.TB, method, path, kind string, body io.Reader) []byte {
	tb.Helper()
	r, err := http.NewRequest(method, demo.url+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(readFile(tb, inDemo("api-key")))))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		tb.Fatalf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	return b
}

// register reserves a public id.
func register(tb testing.TB, confidential bool) string {
	tb.Helper()
	request, err := json.Marshal(map[string]any{
		"nomor": "500.12.6/147/2026", "perihal": "Penerapan Tanda Tangan Elektronik pada Naskah Dinas", "tanggal": "2026-01-02",
		"pages": 1, "confidential": confidential,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var d struct{ ID string }
	if err := json.Unmarshal(call(tb, "POST", "/v1/documents", "application/json", bytes.NewReader(request)), &d); err != nil {
		tb.Fatal(err)
	}
	return d.ID
}

// seal seals a document, with the QR code of the registered one when there is
// an id, and returns the file.
func seal(tb testing.TB, doc []byte, id string) []byte {
	tb.Helper()
	request := map[string]any{"signer": "seal", "level": "B-T"}
	if id != "" {
		request["document"] = id
		request["visible"] = map[string]any{"page": "first", "x": 341, "y": 133, "width": 190, "height": 56}
	}
	j, err := json.Marshal(request)
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("document", "surat.pdf")
	if err == nil {
		_, err = part.Write(doc)
	}
	if err == nil {
		err = w.WriteField("request", string(j))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return call(tb, "POST", "/v1/seal", w.FormDataContentType(), &b)
}
