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
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/absah-id/absah/internal/testfile"
)

var screenshots = flag.String("screenshots", "", "folder to write a picture of every page to")

// demo is the running gateway and the browser that looks at it, started by the
// first test that needs them and stopped by TestMain.
var demo struct {
	once     sync.Once
	err      error
	dir, url string
	browser  context.Context
	stop     []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, stop := range slices.Backward(demo.stop) {
		stop()
	}
	os.Exit(code)
}

func needDemo(tb testing.TB) {
	tb.Helper()
	chromium := testfile.Tool(tb, "chromium")
	testfile.Tool(tb, "softhsm2-util")
	demo.once.Do(func() {
		if demo.err = startBrowser(chromium); demo.err == nil {
			demo.err = startGateway()
		}
	})
	if demo.err != nil {
		tb.Fatal(demo.err)
	}
}

func startBrowser(chromium string) error {
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))...)
	demo.stop = append(demo.stop, cancel)
	demo.browser, cancel = chromedp.NewContext(ctx)
	demo.stop = append(demo.stop, cancel)
	if err := chromedp.Do(demo.browser); err != nil {
		return fmt.Errorf("chromium: %w", err)
	}
	return nil
}

// startGateway builds the program and has it serve.
func startGateway() (err error) {
	if demo.dir, err = os.MkdirTemp("", "absah-browsertest-"); err != nil {
		return err
	}
	demo.stop = append(demo.stop, func() { _ = os.RemoveAll(demo.dir) })
	program := filepath.Join(demo.dir, "absah")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/absah-id/absah/cmd/absah").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	cmd := exec.Command(program, "demo", "--dir", filepath.Join(demo.dir, "demo"), "--listen", "127.0.0.1:0")
	said := &waiter{found: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = said, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	demo.stop = append(demo.stop, func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	select {
	case demo.url = <-said.found:
		return nil
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("absah demo does not serve: %s", said.b.String())
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
