package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata"
)

// sqlite opens the office's database as whoever has its file can.
func (f *office) sqlite(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+f.path("absah.db")+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// signedElsewhere returns the letter, signed with a key that another PKI has
// certified under the name of a signer of the office.
func (f *office) signedElsewhere(t testing.TB, other *lab.Lab) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	f.must(err)
	cert, chain, err := other.Issue(key.Public(), pkix.Name{CommonName: "bupati", Organization: []string{"Kabupaten Contoh"}, Country: []string{"ID"}}, lab.IssueOptions{})
	f.must(err)
	s, err := signer.New(signer.Config{})
	f.must(err)
	r, err := s.Sign(t.Context(), signer.Input{Reader: bytes.NewReader(testdata.Letter), Size: int64(len(testdata.Letter))},
		signer.Request{Key: testkey.Key{Signer: key}, Certificate: cert, Chain: chain, At: time.Now()})
	f.must(err)
	return slices.Concat(testdata.Letter, r.Tail)
}

func testRoles(t *testing.T, f *office) {
	operation := f.seal(t, "e-office", letter(), bySeal).ok(t, 200).header.Get("Absah-Operation")
	document := f.post(t, "e-office", "/v1/documents", fields{"nomor": "4/2026", "tanggal": "2026-01-02", "pages": 1}).ok(t, 201).json(t)["id"].(string)
	upload := func(path string) func(string) answer {
		return func(as string) answer { return f.send(t, as, path, letter(), fields{}, nil) }
	}
	get := func(path string) func(string) answer {
		return func(as string) answer { return f.do(t, call{as: as, path: path}) }
	}
	post := func(path string, body fields) func(string) answer {
		return func(as string) answer { return f.post(t, as, path, body) }
	}
	const application, operator, auditor, investigator = "e-office", "op-1", "auditor", "investigator"
	for _, test := range []struct {
		name string
		ask  func(as string) answer
		may  []string // roles that get anything but 403
	}{
		{"sign", func(as string) answer { return f.sign(t, as, letter(), f.by("bupati")) }, []string{application}},
		{"seal", func(as string) answer { return f.seal(t, as, letter(), bySeal) }, []string{application}},
		{"timestamp", upload("/v1/timestamp"), []string{application}},
		{"augment", upload("/v1/augment"), []string{application}},
		{"activate", post("/v1/activations", fields{"signer": f.signers["bupati"].id, "passphrase": canaryPassphrase, "level": "B-B", "documents": []string{hexSum(nil)}}), []string{application}},
		{"revoke an activation", post("/v1/activations/revoke", fields{"token": "x"}), []string{application}},
		{"search", get("/v1/operations"), []string{application, auditor, investigator}},
		{"operation", get("/v1/operations/" + operation), []string{application, auditor, investigator}},
		{"evidence", get("/v1/operations/" + operation + "/evidence"), []string{application, auditor, investigator}},
		{"register", post("/v1/documents", fields{"nomor": "5/2026", "tanggal": "2026-01-02", "pages": 1}), []string{application}},
		{"document", get("/v1/documents/" + document), []string{application, auditor, investigator}},
		{"renewals", get("/v1/renewals"), []string{application, auditor}},
		{"signers", get("/v1/signers"), []string{application, operator, auditor, investigator}},
		{"proposals", get("/v1/proposals"), []string{operator, auditor}},
		{"propose", post("/v1/proposals", fields{"kind": "application.role", "change": fields{"application": "x", "role": "auditor"}}), []string{operator}},
		{"decide", post("/v1/proposals/x/decision", fields{"approve": true, "reason": "x"}), []string{operator}},
	} {
		for _, role := range []string{application, operator, auditor, investigator} {
			t.Run(test.name+" as "+role, func(t *testing.T) {
				before := f.denied(t)
				a := test.ask(role)
				if slices.Contains(test.may, role) {
					if a.status == http.StatusForbidden && bytes.Contains(a.body, []byte(`"code":"forbidden"`)) || a.status >= 500 || a.status == http.StatusUnauthorized {
						t.Errorf("got %d: %.300s", a.status, a.body)
					}
					return
				}
				a.problem(t, http.StatusForbidden, "forbidden")
				if f.denied(t) != before+1 {
					t.Error("the refusal is not on record")
				}
			})
		}
	}
	t.Run("what a batch contains", func(t *testing.T) {
		f.still(t, func() {
			a := f.send(t, operator, "/v1/batches", letter(), bySeal, nil)
			if a.status != http.StatusForbidden && !bytes.Contains(a.body, []byte(`"code":"forbidden"`)) {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	})
	t.Run("four eyes", func(t *testing.T) { testFourEyes(t, f) })
}

func testFourEyes(t *testing.T, f *office) {
	change := fields{"kind": "application.role", "change": fields{"application": f.apps["clerk"].ID, "version": 0, "role": "auditor"}}
	version := func() (n int64) {
		f.must(f.sqlite(t).QueryRow(`SELECT version FROM applications WHERE id = ?`, f.apps["clerk"].ID).Scan(&n))
		return n
	}
	change["change"].(fields)["version"] = version()
	decide := func(as, id string, user string) answer {
		return f.do(t, call{as: as, method: http.MethodPost, path: "/v1/proposals/" + id + "/decision", kind: "application/json",
			header: map[string]string{"Absah-User": user}, body: strings.NewReader(`{"approve":true,"reason":"perlu"}`)})
	}
	made := f.do(t, call{as: "op-1", method: http.MethodPost, path: "/v1/proposals", kind: "application/json",
		header: map[string]string{"Absah-User": "siti"}, body: jsonReader(t, change)}).ok(t, http.StatusCreated).json(t)
	id := made["id"].(string)
	if made["status"] != "pending" {
		t.Errorf("a single person's proposal is %v", made["status"])
	}
	decide("op-1", id, "siti").problem(t, http.StatusForbidden, "forbidden")
	decide("op-1", id, "budi").problem(t, http.StatusForbidden, "forbidden") // a name that nobody has checked
	f.do(t, call{as: "clerk", path: "/v1/proposals"}).problem(t, http.StatusForbidden, "forbidden")
	decide("op-2", id, "budi").ok(t, http.StatusNoContent)
	decide("op-2", id, "budi").problem(t, http.StatusConflict, "changed")
	defer func() {
		_, err := f.sqlite(t).Exec(`UPDATE applications SET role = 'application' WHERE id = ?`, f.apps["clerk"].ID)
		f.must(err)
	}()
	eventually(t, 30*time.Second, "the role has changed", func() bool {
		return f.do(t, call{as: "clerk", path: "/v1/proposals"}).status == http.StatusOK
	})
	t.Run("said twice", func(t *testing.T) { // what a reader sees is what is done
		raw := fmt.Sprintf(`{"kind":"application.policy","change":{"application":%q,"version":%d,"policy":{"levels":["B-B"]},"Policy":{"signers":["*"]}}}`, f.apps["clerk"].ID, version())
		a := f.do(t, call{as: "op-1", method: http.MethodPost, path: "/v1/proposals", kind: "application/json", body: strings.NewReader(raw)})
		if a.status == http.StatusCreated && strings.Contains(string(a.body), `"Policy"`) {
			t.Errorf("the proposal shows one policy and holds another: %s", a.body)
		}
	})
}

func jsonReader(t testing.TB, v any) io.Reader {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// testDenialOfService has strangers send what is costly to read, and clients
// that hardly send at all, while an office seals ten letters a second.
func testDenialOfService(t *testing.T, f *office) {
	root := testfile.Root(t)
	var bombs [][]byte
	names, err := filepath.Glob(filepath.Join(root, "testdata", "attacks", "d[01]*.pdf"))
	f.must(err)
	for _, name := range names {
		b, err := os.ReadFile(name)
		f.must(err)
		bombs = append(bombs, b)
	}
	if len(bombs) < 10 {
		t.Fatalf("%d files", len(bombs))
	}
	var quiet []time.Duration
	for range 20 {
		quiet = append(quiet, f.seal(t, "e-office", letter(), bySeal).ok(t, 200).took)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	f.dawdle(ctx, &wg, 80)
	for i := range 4 {
		wg.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				doc := bombs[n%len(bombs)]
				if i%2 == 0 {
					_, _ = f.try(call{ctx: ctx, method: http.MethodPost, path: "/v1/verify", kind: "application/pdf", body: bytes.NewReader(doc)})
				} else {
					_, _ = f.trySend("second", "/v1/seal", doc, bySeal, nil)
				}
			}
		})
	}
	var loaded []time.Duration
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 40 {
		<-tick.C
		loaded = append(loaded, f.seal(t, "e-office", letter(), bySeal).ok(t, 200).took)
	}
	slices.Sort(quiet)
	slices.Sort(loaded)
	t.Logf("p50 %v alone, %v among attackers; slowest %v and %v", quiet[10], loaded[20], quiet[19], loaded[39])
	if slowest := loaded[39]; slowest > promptly {
		t.Errorf("an honest request took %v", slowest)
	}
	if mb := peakMemory(t, f.process.Process.Pid) >> 20; mb > 512 {
		t.Errorf("the gateway has used %d MiB", mb)
	}
}

// dawdle opens connections that send a byte of their upload now and then.
func (f *office) dawdle(ctx context.Context, wg *sync.WaitGroup, n int) {
	for i := range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		f.must(err)
		path, auth := "/v1/verify", ""
		if i%2 == 1 {
			path, auth = "/v1/seal", "Authorization: Bearer "+f.keys["second"]+"\r\n"
		}
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/pdf\r\nContent-Length: 1000000\r\n\r\n%%PDF-1.7", path, auth)
		f.must(err)
		wg.Go(func() {
			defer conn.Close()
			tick := time.NewTicker(300 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					if _, err := conn.Write([]byte(" ")); err != nil {
						return
					}
				}
			}
		})
	}
}

// peakMemory returns VmHWM in bytes.
func peakMemory(t testing.TB, pid int) int64 {
	t.Helper()
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/status", pid))) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// testOracles sends nonsense everywhere: the answers have a shape, and nothing
// of the inside.
func testOracles(t *testing.T, f *office) {
	junk := []string{"'", `"`, "' OR 1=1 --", "../../etc/passwd", "%00", "%0d%0aX: y", "%ff%fe", "\u202e", strings.Repeat("9", 400), "-1", "{{7*7}}", "${jndi:ldap://127.0.0.1/}", "<script>"}
	inside := []string{"/root", "/work", "/tmp", "/home", f.dir, "goroutine", ".go:", "SELECT", "sql", "SQLITE", "pkcs11", "CKR_", "canary", "panic", "runtime", "0x"}
	look := func(t *testing.T, a answer, log bool) {
		t.Helper()
		if a.status >= 500 {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		for _, word := range inside {
			if strings.Contains(string(a.body), word) && a.status >= 400 {
				t.Errorf("the answer has %q: %d %s", word, a.status, a.body)
			}
		}
		if a.status >= 400 && a.header.Get("Content-Type") != "application/problem+json" && a.status != 400 && !log {
			t.Errorf("not a problem: %d %s", a.status, a.body)
		}
	}
	for _, j := range junk {
		t.Run(fmt.Sprintf("%.20q", j), func(t *testing.T) {
			escaped := j
			if !strings.HasPrefix(j, "%") {
				escaped = pathEscape(j)
			}
			for _, path := range []string{
				"/v1/operations/" + escaped, "/v1/operations/" + escaped + "/evidence", "/v1/documents/" + escaped, "/v1/certificates/" + escaped + "/status",
				"/v1/operations?kind=" + escaped, "/v1/operations?digest=" + escaped, "/v1/operations?from=" + escaped, "/v1/operations?limit=" + escaped,
				"/v1/operations?after=" + escaped, "/v1/operations?signer=" + escaped, "/v1/operations?" + escaped + "=1", "/v1/renewals?before=" + escaped,
				"/v1/signers?after=" + escaped, "/" + escaped, "/log/" + escaped,
			} {
				look(t, f.do(t, call{as: "auditor", path: path}), strings.HasPrefix(path, "/log/"))
				look(t, f.do(t, call{as: "e-office", path: path}), strings.HasPrefix(path, "/log/"))
			}
			text := "x" + strings.ReplaceAll(j, "%00", "\x00")
			look(t, f.post(t, "e-office", "/v1/documents", fields{"nomor": text, "perihal": text, "tanggal": text, "pages": 1}), false)
			look(t, f.post(t, "e-office", "/v1/documents", fields{"nomor": text, "perihal": text, "tanggal": "2026-01-02", "pages": 1}), false)
			look(t, f.seal(t, "e-office", letter(), bySeal.with(fields{"signer": text})), false)
			look(t, f.seal(t, "e-office", letter(), bySeal.with(fields{"document": text})), false)
			look(t, f.seal(t, "e-office", letter(), bySeal.with(fields{"field": text, "reason": text})), false)
			look(t, f.post(t, "e-office", "/v1/activations", fields{"signer": text, "passphrase": text, "documents": []string{text}}), false)
			look(t, f.post(t, "op-1", "/v1/proposals", fields{"kind": text, "change": text}), false)
			header := map[string]string{"Absah-User": strings.Map(visibleOnly, j), "Idempotency-Key": strings.Map(visibleOnly, j) + "\xff"}
			look(t, f.send(t, "e-office", "/v1/seal", letter(), bySeal, header), false)
		})
	}
	t.Run("a passphrase in the wrong place", func(t *testing.T) {
		for _, body := range []string{
			`{"signer":1,"passphrase":"` + canaryPassphrase + `"}`, `{"passphrase":{"x":"` + canaryPassphrase + `"}}`,
			`{"` + canaryPassphrase + `":1}`, `{"signer":"x","level":"` + canaryPassphrase + `"}`, `{"passphrase":"` + canaryPassphrase,
		} {
			a := f.do(t, call{as: "e-office", method: http.MethodPost, path: "/v1/activations", kind: "application/json", body: strings.NewReader(body)})
			a.problem(t, http.StatusBadRequest, "invalid-request")
			if bytes.Contains(a.body, []byte("kenari")) {
				t.Errorf("the answer repeats it: %s", a.body)
			}
		}
	})
}

func visibleOnly(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

func pathEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func testUploads(t *testing.T, f *office) {
	request := `{"signer":"segel","level":"B-B"}`
	parts := func(write func(w *multipart.Writer)) answer {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		write(w)
		f.must(w.Close())
		return f.do(t, call{as: "e-office", method: http.MethodPost, path: "/v1/seal", kind: w.FormDataContentType(), body: &b})
	}
	field := func(w *multipart.Writer, name, content string) {
		p, err := w.CreateFormField(name)
		f.must(err)
		_, err = io.WriteString(p, content)
		f.must(err)
	}
	raw := func(kind, body string) answer {
		return f.do(t, call{as: "e-office", method: http.MethodPost, path: "/v1/seal", kind: kind, body: strings.NewReader(body)})
	}
	big := bytes.Repeat([]byte("a"), 25<<20+1)
	doc := string(letter())
	f.still(t, func() {
		for _, test := range []struct {
			name   string
			got    answer
			status int
			code   string
		}{
			{"too large", f.seal(t, "e-office", big, bySeal), 413, "too-large"},
			{"too large, bare", raw("application/pdf", string(big)), 413, "too-large"},
			{"request too large", parts(func(w *multipart.Writer) { field(w, "document", doc); field(w, "request", string(big[:5<<20])) }), 413, "too-large"},
			{"text", f.seal(t, "e-office", []byte("Yth. Bapak Bupati"), bySeal), 422, "document-unreadable"},
			{"a program", f.seal(t, "e-office", []byte("\x7fELF\x02\x01\x01"), bySeal), 422, "document-unreadable"},
			{"a zip that is also a PDF", f.seal(t, "e-office", append([]byte("PK\x03\x04"+strings.Repeat("x", 2000)), doc...), bySeal), 422, "document-unreadable"},
			{"a truncated PDF", f.seal(t, "e-office", []byte(doc[:20_000]), bySeal), 422, "document-unreadable"},
			{"no type", raw("", doc), 415, "unsupported-media-type"},
			{"wrong type", raw("text/html", doc), 415, "unsupported-media-type"},
			{"type of a form", raw("application/x-www-form-urlencoded", "document=x"), 415, "unsupported-media-type"},
			{"no boundary", raw("multipart/form-data", doc), 400, "invalid-request"},
			{"broken multipart", raw("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=document\r\n\r\nabc"), 400, "invalid-request"},
			{"nothing", raw("multipart/form-data; boundary=x", "--x--\r\n"), 400, "invalid-request"},
			{"empty document", f.seal(t, "e-office", nil, bySeal), 400, "invalid-request"},
			{"two documents", parts(func(w *multipart.Writer) {
				field(w, "document", doc)
				field(w, "document", doc)
				field(w, "request", request)
			}), 400, "invalid-request"},
			{"two requests", parts(func(w *multipart.Writer) {
				field(w, "document", doc)
				field(w, "request", request)
				field(w, "request", request)
			}), 400, "invalid-request"},
			{"unknown part", parts(func(w *multipart.Writer) { field(w, "../document", doc); field(w, "request", request) }), 400, "invalid-request"},
			{"unknown member", parts(func(w *multipart.Writer) {
				field(w, "document", doc)
				field(w, "request", `{"signer":"segel","sigher":1}`)
			}), 400, "invalid-request"},
			{"two JSON values", parts(func(w *multipart.Writer) { field(w, "document", doc); field(w, "request", request+request) }), 400, "invalid-request"},
			{"more than the application may", f.seal(t, "narrow", append([]byte(doc), bytes.Repeat([]byte(" "), 20_000)...), bySeal), 413, "too-large"},
		} {
			t.Run(test.name, func(t *testing.T) { test.got.problem(t, test.status, test.code) })
		}
	})
	t.Run("a path for a name", func(t *testing.T) {
		a := parts(func(w *multipart.Writer) {
			p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="document"; filename="../../../etc/cron.d/x"`}})
			f.must(err)
			_, err = io.WriteString(p, doc)
			f.must(err)
			field(w, "request", request)
		}).ok(t, http.StatusOK)
		if got := a.header.Get("Content-Disposition"); got != `attachment; filename="signed.pdf"` {
			t.Errorf("Content-Disposition: %s", got)
		}
	})
	if free := readFile(t, "/proc/self/mounts"); free == "" {
		t.Error("no mounts")
	}
}

// testServerSideRequests: what a document or a request names is not fetched.
func testServerSideRequests(t *testing.T, f *office) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	defer l.Close()
	asked := make(chan string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked <- conn.RemoteAddr().String()
			conn.Close()
		}
	}()
	address := "http://" + l.Addr().String() + "/"
	f.seal(t, "e-office", letter(), bySeal.with(fields{"reason": address, "location": address, "visible": fields{"page": 1, "x": 300, "y": 100, "width": 200, "height": 60, "qr": address}})).ok(t, 200)
	f.do(t, call{as: "e-office", path: "/v1/signers", header: map[string]string{"Host": l.Addr().String(), "Referer": address, "X-Forwarded-Host": l.Addr().String(), "Origin": address}})
	a := f.post(t, "e-office", "/v1/documents", fields{"nomor": address, "perihal": address, "tanggal": "2026-01-02", "pages": 1}).ok(t, 201)
	if url, _ := a.json(t)["url"].(string); !strings.HasPrefix(url, "https://sah.contohkab.example/d/") {
		t.Errorf("the public address is %q", url)
	}
	testForeignSigner(t, f) // certificates of strangers name addresses too
	select {
	case from := <-asked:
		t.Errorf("somebody connected from %s", from)
	default:
	}
}

// testFraming sends what proxies and servers read differently.
func testFraming(t *testing.T, f *office) {
	auth := "Authorization: Bearer " + f.keys["e-office"] + "\r\n"
	for name, request := range map[string]string{
		"two lengths":         "POST /v1/documents HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
		"unknown coding":      "POST /v1/documents HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"signed length":       "POST /v1/documents HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: +5\r\n\r\nabcde",
		"space before colon":  "GET /v1/signers HTTP/1.1\r\nHost: x\r\n" + auth + "X-Y : z\r\n\r\n",
		"two hosts":           "GET /v1/signers HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + auth + "\r\n",
		"no host":             "GET /v1/signers HTTP/1.1\r\n" + auth + "\r\n",
		"line folding":        "GET /v1/signers HTTP/1.1\r\nHost: x\r\n" + auth + " folded\r\nX: a\r\n b\r\n\r\n",
		"control in a header": "GET /v1/signers HTTP/1.1\r\nHost: x\r\n" + auth + "X: a\x01b\r\n\r\n",
		"header of forty kB":  "GET /v1/signers HTTP/1.1\r\nHost: x\r\n" + auth + "X: " + strings.Repeat("a", 40<<10) + "\r\n\r\n",
		"bad chunk":           "POST /v1/documents HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
		// RFC 9112 §6.3: the coding wins, so the body is {} and not what the length says.
		"chunked and with length": "POST /v1/documents HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: application/json\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
			f.must(err)
			defer conn.Close()
			f.must(conn.SetDeadline(time.Now().Add(promptly)))
			_, err = io.WriteString(conn, request)
			if err != nil {
				return // refused while it was being sent
			}
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				return // cut off
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode < 400 {
				t.Errorf("got %d", resp.StatusCode)
			}
		})
	}
}

func testHeaders(t *testing.T, f *office) {
	for _, c := range []call{
		{path: "/healthz"}, {path: "/readyz"}, {path: "/v1/openapi.json"}, {path: "/v1/docs"}, {path: "/nowhere"}, {path: "/v1/signers"},
		{as: "e-office", path: "/v1/signers"}, {path: "/log/checkpoint"},
		{as: "e-office", path: "/v1/signers", header: map[string]string{"Origin": "https://evil.example", "Cookie": "a=b"}},
	} {
		a := f.do(t, c)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Access-Control-Allow-Origin": "", "Set-Cookie": "", "Server": "", "X-Powered-By": "",
		} {
			if name == "Access-Control-Allow-Origin" && strings.HasPrefix(c.path, "/log/") {
				want = "*" // the log is for everybody, and reads no credentials
			}
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s: got %q, want %q", c.path, name, got, want)
			}
		}
		csp := a.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %q", c.path, csp, want)
			}
		}
		if strings.Contains(csp, "script-src") {
			t.Errorf("%s: scripts are allowed: %q", c.path, csp)
		}
		if !strings.Contains(a.header.Get("Cache-Control"), "no-store") && c.path != "/log/checkpoint" {
			t.Errorf("%s: may be cached: %q", c.path, a.header.Get("Cache-Control"))
		}
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "GET", "PROPFIND"} {
		req, err := http.NewRequest(method, f.url+"/v1/sign", nil)
		f.must(err)
		req.Header.Set("X-Http-Method-Override", "POST")
		resp, err := f.http.Do(req)
		f.must(err)
		body, err := io.ReadAll(resp.Body)
		f.must(err)
		resp.Body.Close()
		a := answer{status: resp.StatusCode, header: resp.Header, body: body}
		if method == "CONNECT" {
			if resp.StatusCode < 400 {
				t.Errorf("CONNECT: got %d", resp.StatusCode)
			}
			continue
		}
		a.problem(t, http.StatusMethodNotAllowed, "method-not-allowed")
		if resp.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow: %q", method, resp.Header.Get("Allow"))
		}
	}
	if got := f.do(t, call{path: "/v1/signers"}).header.Get("WWW-Authenticate"); got == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

// testFieldsOfAuthorisation: which fields and objects a caller may touch
// follows from its policy, whatever it puts into the request.
func testFieldsOfAuthorisation(t *testing.T, f *office) {
	f.still(t, func() {
		for name, a := range map[string]answer{
			"another signer":  f.sign(t, "narrow", letter(), f.by("bupati")),
			"another level":   f.seal(t, "narrow", letter(), bySeal.with(fields{"level": "B-LTA"})),
			"the default":     f.seal(t, "narrow", letter(), fields{"signer": "segel"}),
			"a fallback":      f.seal(t, "narrow", letter(), bySeal.with(fields{"fallback": true})),
			"an activation":   f.post(t, "narrow", "/v1/activations", fields{"signer": f.signers["bupati"].id, "passphrase": canaryPassphrase, "level": "B-B", "documents": []string{hexSum(nil)}}),
			"all in a search": f.do(t, call{as: "operator"}),
		} {
			if name == "all in a search" {
				continue
			}
			t.Run(name, func(t *testing.T) { a.problem(t, http.StatusForbidden, "forbidden") })
		}
		pages, err := os.ReadFile(filepath.Join(testfile.Root(t), "testdata", "pdf", "pages-200.pdf"))
		f.must(err)
		f.seal(t, "narrow", slices.Concat(pages[:0], pages), bySeal).problem(t, http.StatusRequestEntityTooLarge, "too-large")
		for _, member := range []string{"organisation", "application", "role", "batch", "operation", "key"} {
			f.seal(t, "e-office", letter(), bySeal.with(fields{member: "x"})).problem(t, http.StatusBadRequest, "invalid-request")
		}
	})
	of := f.seal(t, "e-office", letter(), bySeal).ok(t, 200).header.Get("Absah-Operation")
	f.do(t, call{as: "narrow", path: "/v1/operations/" + of}).problem(t, http.StatusNotFound, "not-found")
	f.do(t, call{as: "narrow", path: "/v1/operations?application=" + f.apps["e-office"].ID}).problem(t, http.StatusForbidden, "forbidden")
	if a := f.do(t, call{as: "narrow", path: "/v1/operations?limit=1000"}).ok(t, 200); bytes.Contains(a.body, []byte(f.apps["e-office"].ID)) {
		t.Error("an application finds the operations of another")
	}
	list := f.do(t, call{as: "narrow", path: "/v1/signers"}).ok(t, 200)
	if bytes.Contains(list.body, []byte(f.signers["bupati"].id)) || !bytes.Contains(list.body, []byte("segel")) {
		t.Errorf("an application sees signers that it may not use: %s", list.body)
	}
	if n := len(f.operations(t, "kind=operations.search&limit=10")); n == 0 {
		t.Error("that the auditor searched is not on record")
	}
}
