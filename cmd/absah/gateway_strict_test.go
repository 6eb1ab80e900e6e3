package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/gateway"
)

// testStrict: what could be read in two ways, or would be ignored, is refused.
func testStrict(t *testing.T, f *office) {
	for _, s := range []struct {
		name string
		run  func(t *testing.T, f *office)
	}{
		{"credentials", testEveryCredentialHolds},
		{"headers", testSingleHeaders},
		{"parameters", testParameters},
		{"JSON", testStrictJSON},
		{"charset", testCharset},
		{"addresses", testAddresses},
		{"length", testAnnouncedLength},
		{"chunks", testChunks},
		{"not HTTP", testNotHTTP},
		{"code", testCode},
		{"pages", testRegisteredPages},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, f) })
	}
}

// raw sends a request with headers as they are, and a body when there is one.
func (f *office) raw(t *testing.T, method, path string, headers []string, body string) answer {
	t.Helper()
	conn := f.dial(t)
	defer conn.Close()
	if body != "" {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	_, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", method, path, strings.Join(headers, "\r\n"), body)
	f.must(err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	f.must(err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	f.must(err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: got}
	if err := described.check(method, path, a); err != nil {
		t.Errorf("/v1/openapi.json: %s %.80q: %d: %v: %.300q", method, path, a.status, err, got)
	}
	return a
}

func testEveryCredentialHolds(t *testing.T, f *office) {
	good, other := "Authorization: Bearer "+f.keys["e-office"], "Authorization: Bearer "+f.keys["second"]
	basic := func(text string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text))
	}
	for _, test := range []struct {
		name   string
		shown  []string
		signer int // status of /v1/signers
		verify int // and of /v1/verify, where nothing need be shown
	}{
		{"nothing", nil, 401, 200},
		{"a key", []string{good}, 200, 200},
		{"an undecodable password beside it", []string{good, "Authorization: Basic !!!"}, 401, 401},
		{"an undecodable password before it", []string{"Authorization: Basic !!!", good}, 401, 401},
		{"a password that is unknown", []string{good, basic("siapa:itu")}, 401, 401},
		{"two keys", []string{other, good}, 401, 401},
		{"the same key twice", []string{good, good}, 401, 401},
		{"another scheme beside it", []string{good, "Authorization: Digest username=x"}, 401, 401},
		{"another scheme", []string{"Authorization: Digest username=x"}, 401, 401},
		{"a scheme alone", []string{"Authorization: Bearer"}, 401, 401},
		{"an empty header", []string{"Authorization:"}, 401, 401},
		{"a password without a name", []string{basic(":rahasia")}, 401, 401},
		{"neither name nor password", []string{basic(":")}, 401, 401},
		{"two keys in one header", []string{good + ", Bearer " + f.keys["second"]}, 401, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(f.operations(t, "kind=access.denied&limit=1000"))
			for _, a := range []struct {
				want int
				got  answer
			}{
				{test.signer, f.raw(t, "GET", "/v1/signers", test.shown, "")},
				{test.verify, f.raw(t, "POST", "/v1/verify", append(slices.Clone(test.shown), "Content-Type: application/pdf"), string(letter()))},
			} {
				if a.want == http.StatusOK {
					a.got.ok(t, a.want)
				} else {
					a.got.problem(t, a.want, "unauthenticated")
				}
			}
			if after := len(f.operations(t, "kind=access.denied&limit=1000")); len(test.shown) > 0 && test.verify == 401 && after-before != 2 {
				t.Errorf("%d refusals are on record, want 2", after-before)
			}
		})
	}
}

func testSingleHeaders(t *testing.T, f *office) {
	key, kind := "Authorization: Bearer "+f.keys["e-office"], "Content-Type: application/json"
	document := `{"nomor":"1","tanggal":"2026-01-02","pages":1}`
	for _, test := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"two keys of idempotency", "POST", "/v1/seal", "x", []string{key, "Content-Type: application/pdf", "Idempotency-Key: a", "Idempotency-Key: b"}, 400},
		{"an empty key of idempotency", "POST", "/v1/seal", "x", []string{key, "Content-Type: application/pdf", "Idempotency-Key:"}, 400},
		{"one where it is not honoured", "POST", "/v1/documents", document, []string{key, kind, "Idempotency-Key: a"}, 400},
		{"one for augmenting", "POST", "/v1/augment", "x", []string{key, "Content-Type: application/pdf", "Idempotency-Key: a"}, 400},
		{"one for reading", "GET", "/v1/signers", "", []string{key, "Idempotency-Key: a"}, 200},
		{"two users", "POST", "/v1/documents", document, []string{key, kind, "Absah-User: a", "Absah-User: b"}, 400},
		{"two types", "POST", "/v1/documents", document, []string{key, kind, "Content-Type: text/plain"}, 400},
		{"two types of a file to verify", "POST", "/v1/verify", "x", []string{"Content-Type: application/pdf", "Content-Type: text/plain"}, 400},
		{"one of each", "POST", "/v1/documents", document, []string{key, kind, "Absah-User: a"}, 201},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := f.raw(t, test.method, test.path, test.headers, test.body)
			if test.want == http.StatusBadRequest {
				a.problem(t, test.want, "invalid-request")
			} else {
				a.ok(t, test.want)
			}
		})
	}
}

func testParameters(t *testing.T, f *office) {
	own, other := f.apps["e-office"].ID, f.apps["second"].ID
	for _, test := range []struct {
		as, query string
		want      int
		code      string
	}{
		{"e-office", "signer=%zz&limit=1", 400, "invalid-request"},
		{"e-office", "signer=nobody;limit=1", 400, "invalid-request"},
		{"e-office", "limit=1&limit=2", 400, "invalid-request"},
		{"e-office", "application=" + own, 200, ""},
		{"e-office", "application=" + other, 403, "forbidden"},
		{"e-office", "application=" + f.apps["foreign"].ID, 403, "forbidden"},
		{"e-office", "application=siapa", 403, "forbidden"},
		{"auditor", "application=" + own, 200, ""},
		{"auditor", "application=siapa", 400, "invalid-request"},
		{"auditor", "application=" + f.apps["foreign"].ID, 400, "invalid-request"},
		{"auditor", "kind=seal", 200, ""},
		{"auditor", "kind=segel", 400, "invalid-request"},
		{"auditor", "status=ok", 200, ""},
		{"auditor", "status=OK", 400, "invalid-request"},
	} {
		t.Run(test.as+" "+test.query, func(t *testing.T) {
			a := f.do(t, call{as: test.as, path: "/v1/operations?" + test.query})
			if test.code == "" {
				a.ok(t, test.want)
			} else {
				a.problem(t, test.want, test.code)
			}
		})
	}
	f.do(t, call{as: "op-1", path: "/v1/proposals?status=lost"}).problem(t, 400, "invalid-request")
	f.do(t, call{as: "op-1", path: "/v1/proposals?status=pending"}).ok(t, 200)
	f.do(t, call{path: "/?lang=%zz"}).problem(t, 400, "invalid-request")
}

func testStrictJSON(t *testing.T, f *office) {
	post := func(body string) answer {
		return f.do(t, call{as: "e-office", method: "POST", path: "/v1/documents", kind: "application/json", body: strings.NewReader(body)})
	}
	post(`{"nomor":"1 \u00e9 \ud83d\ude00 \\u0000","perihal":"é","tanggal":"2026-01-02","pages":1}`).ok(t, http.StatusCreated)
	for name, body := range map[string]string{
		"another case":        `{"NOMOR":"1","tanggal":"2026-01-02","pages":1}`,
		"twice":               `{"nomor":"1","nomor":"2","tanggal":"2026-01-02","pages":1}`,
		"twice, escaped once": `{"nomor":"1","n\u006fmor":"2","tanggal":"2026-01-02","pages":1}`,
		"a null member":       `{"nomor":"1","perihal":null,"tanggal":"2026-01-02","pages":1}`,
		"null":                `null`,
		"not UTF-8":           "{\"nomor\":\"1\xff\",\"tanggal\":\"2026-01-02\",\"pages\":1}",
		"U+0000":              `{"nomor":"1\u0000","tanggal":"2026-01-02","pages":1}`,
		"half a character":    `{"nomor":"1\ud83d","tanggal":"2026-01-02","pages":1}`,
		"the other half":      `{"nomor":"1\ude00","tanggal":"2026-01-02","pages":1}`,
		"two first halves":    `{"nomor":"1\ud83d\ud83d","tanggal":"2026-01-02","pages":1}`,
		"half at the end":     `"\ud83d"`,
		"deep":                strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40),
		"an unknown member":   `{"nomor":"1","tanggal":"2026-01-02","pages":1,"x":1}`,
		"goes on":             `{"nomor":"1","tanggal":"2026-01-02","pages":1} {}`,
		"ends early":          `{"nomor":"1","tanggal"`,
		"nothing":             ``,
	} {
		t.Run(name, func(t *testing.T) { post(body).problem(t, http.StatusBadRequest, "invalid-request") })
	}
	seal := func(request string) answer {
		kind, body, err := form(letter(), []byte(request))
		f.must(err)
		return f.do(t, call{as: "e-office", method: "POST", path: "/v1/seal", kind: kind, body: body})
	}
	for _, request := range []string{
		`null`, `{}`, `{"SIGNER":"segel","level":"B-B"}`, `{"signer":"segel","signer":"segel","level":"B-B"}`,
		`{"signer":"segel","level":"B-B","visible":{"Page":1,"x":1,"y":1,"width":100,"height":50,"name":"x"}}`, `{"signer":"segel","level":null}`,
	} {
		f.still(t, func() { seal(request).problem(t, http.StatusBadRequest, "invalid-request") })
	}
	seal(`{"signer":"segel","level":"B-B","reason":""}`).ok(t, http.StatusOK)
	id := f.apps["clerk"].ID
	for _, change := range []string{
		`{"application":"` + id + `","version":1,"role":"auditor","Role":"operator"}`,
		`{"application":"` + id + `","version":1,"role":"auditor","role":"operator"}`,
		`{"application":"` + id + `","version":1,"role":"auditor","policy":null}`,
	} {
		f.do(t, call{as: "op-1", method: "POST", path: "/v1/proposals", kind: "application/json", body: strings.NewReader(`{"kind":"application.role","change":` + change + `}`)}).
			problem(t, http.StatusBadRequest, "invalid-request")
	}
	made := f.post(t, "op-1", "/v1/proposals", fields{"kind": gateway.ProposeRole, "change": fields{"application": id, "version": 1, "role": "auditor"}}).ok(t, 201).json(t)
	path := "/v1/proposals/" + made["id"].(string) + "/decision"
	f.post(t, "op-2", path, fields{"reason": "ragu"}).problem(t, http.StatusBadRequest, "invalid-request") // is no rejection
	f.post(t, "op-2", path, fields{"approve": false, "reason": "ragu"}).ok(t, http.StatusNoContent)
}

func testCharset(t *testing.T, f *office) {
	body := `{"nomor":"1","tanggal":"2026-01-02","pages":1}`
	for kind, want := range map[string]int{
		"application/json": 201, "application/json; charset=UTF-8": 201,
		"application/json; charset=utf-16": 415, "application/json; charset=latin1": 415, "text/json": 415, "": 415,
	} {
		if a := f.do(t, call{as: "e-office", method: "POST", path: "/v1/documents", kind: kind, body: strings.NewReader(body)}); a.status != want {
			t.Errorf("%q: got %d, want %d", kind, a.status, want)
		}
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="request"`}, "Content-Type": {"application/json; charset=utf-16"}})
	f.must(err)
	_, err = part.Write([]byte(`{"signer":"segel"}`))
	f.must(errors.Join(err, w.Close()))
	f.do(t, call{as: "e-office", method: "POST", path: "/v1/seal", kind: w.FormDataContentType(), body: &b}).problem(t, 415, "unsupported-media-type")
}

// testAddresses: programs get a problem document wherever they go, and people
// who end an address with a slash get to their page.
func testAddresses(t *testing.T, f *office) {
	f.do(t, call{as: "e-office", path: "/v1/signers/"}).problem(t, http.StatusNotFound, "not-found")
	f.do(t, call{path: "/healthz/"}).problem(t, http.StatusNotFound, "not-found")
	f.do(t, call{path: "/nowhere"}).problem(t, http.StatusNotFound, "not-found")
	f.do(t, call{method: "DELETE", path: "/v1/signers"}).problem(t, http.StatusMethodNotAllowed, "method-not-allowed")
	f.do(t, call{method: "POST", path: "/log/checkpoint"}).problem(t, http.StatusMethodNotAllowed, "method-not-allowed")
	for path, want := range map[string]string{
		"/pengaduan/": "/pengaduan", "/pengaduan/?lang=en": "/pengaduan?lang=en", "/%65vil.example/": "/%65vil.example",
		"//evil.example/": "", "/a//evil.example/": "", "/v1/signers/": "", `/\evil.example/`: "/%5Cevil.example",
	} {
		if got := f.raw(t, "GET", path, nil, "").header.Get("Location"); got != want {
			t.Errorf("%s: leads to %q, want %q", path, got, want)
		}
	}
}

// testAnnouncedLength: a body that says that it is too long is not asked for.
func testAnnouncedLength(t *testing.T, f *office) {
	key := "Authorization: Bearer " + f.keys["e-office"]
	for _, c := range []struct{ path, kind, accept string }{
		{"/v1/seal", "application/pdf", ""}, {"/v1/verify", "application/pdf", ""}, {"/v1/batches", "multipart/form-data; boundary=x", ""},
		{"/v1/documents", "application/json", ""}, {"/tsa", "application/timestamp-query", ""},
		{"/", "multipart/form-data; boundary=x", ""}, {"/", "multipart/form-data; boundary=x", "text/html"},
	} {
		a := f.raw(t, "POST", c.path, []string{key, "Content-Type: " + c.kind, "Accept: " + c.accept, "Content-Length: 99999999999", "Expect: 100-continue"}, "")
		if c.accept == "" {
			a.problem(t, http.StatusRequestEntityTooLarge, "too-large")
		} else if a.status != http.StatusRequestEntityTooLarge || !bytes.Contains(a.body, []byte("<html")) {
			t.Errorf("the page: %d %.200q", a.status, a.body)
		}
	}
}

// testChunks: what follows a chunked body on the same connection is not taken for
// a request, whatever a proxy thought where that body ended.
func testChunks(t *testing.T, f *office) {
	body := `{"nomor":"1","tanggal":"2026-01-02","pages":1}`
	for _, length := range []string{"", "Content-Length: 5\r\n", "Content-Length: 500\r\n"} {
		conn := f.dial(t)
		_, err := fmt.Fprintf(conn, "POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			f.keys["e-office"], length, len(body), body)
		f.must(err)
		_, err = fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		f.must(err)
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		f.must(err)
		_, err = io.Copy(io.Discard, resp.Body)
		f.must(errors.Join(err, resp.Body.Close()))
		if rest, err := io.ReadAll(r); len(rest) > 0 || resp.StatusCode != http.StatusCreated || !resp.Close {
			t.Errorf("%q: status %d, closes %v, and then %.80q, %v", length, resp.StatusCode, resp.Close, rest, err)
		}
	}
}

// testNotHTTP: these answers are not ours, as docs/ERRORS.md says.
func testNotHTTP(t *testing.T, f *office) {
	for name, test := range map[string]struct {
		request string
		want    int
	}{
		"no request":       {"apa ini\r\n\r\n", 400},
		"two hosts":        {"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		"long headers":     {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
		"another coding":   {"POST /v1/verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"an expectation":   {"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: kopi\r\n\r\n", 417},
		"another protocol": {"GET /healthz HTTP/3.7\r\nHost: x\r\n\r\n", 505},
	} {
		conn := f.dial(t)
		_, err := io.WriteString(conn, test.request)
		f.must(err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != test.want || !resp.Close || resp.Header.Get("Absah-Request") != "" {
			t.Errorf("%s: got %d, closes %v, want %d", name, resp.StatusCode, resp.Close, test.want)
		}
	}
}

// testCode: whoever scans the code of a letter comes to its own page.
func testCode(t *testing.T, f *office) {
	const public = "https://sah.contohkab.example"
	id := f.post(t, "e-office", "/v1/documents", fields{"nomor": "1", "tanggal": "2026-01-02", "pages": 1}).ok(t, 201).json(t)["id"].(string)
	place := fields{"page": 1, "x": 100, "y": 100, "width": 150, "height": 60}
	for _, test := range []struct {
		name, document, qr string
		want               int
	}{
		{"own, not named", id, "", 200},
		{"another address on a registered letter", id, "https://contoh.go.id/", 400},
		{"another letter's address on a registered letter", id, public + "/d/x", 400},
		{"address of the office", "", "https://contohkab.example/surat/1", 200},
		{"a registered letter's address on another", "", public + "/d/" + id, 400},
		{"the same over HTTP", "", "http://SAH.contohkab.example:80/x/../%64/" + id, 400},
		{"a script", "", "javascript:alert(1)", 400},
		{"data", "", "data:text/html,x", 400},
		{"a user", "", "https://sah.contohkab.example@evil.example/", 400},
		{"no address", "", "Naskah Dinas", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			visible := place.with(fields{"name": "Contoh"})
			if test.qr != "" {
				visible["qr"] = test.qr
			}
			a := f.seal(t, "e-office", letter(), bySeal.with(fields{"visible": visible, "document": test.document}))
			if test.want == http.StatusOK {
				a.ok(t, http.StatusOK)
			} else {
				a.problem(t, test.want, "invalid-request")
			}
		})
	}
	batch := func(request fields) answer {
		j, err := json.Marshal(request)
		f.must(err)
		kind, body, err := form(letter(), j)
		f.must(err)
		return f.do(t, call{as: "e-office", method: "POST", path: "/v1/batches", kind: kind, body: body})
	}
	batch(bySeal.with(fields{"visible": place.with(fields{"qr": "javascript:alert(1)"})})).problem(t, 400, "invalid-request")
	f.post(t, "e-office", "/v1/activations", f.by("bupati").with(fields{
		"documents": []string{hexSum(letter())}, "visible": place.with(fields{"qr": public + "/d/" + id}),
	})).problem(t, 400, "invalid-request")
	f.seal(t, "e-office", letter(), bySeal.with(fields{"visible": fields{"page": 1, "x": 0, "y": 0, "width": 590, "height": 500, "name": "Contoh"}})).
		problem(t, http.StatusUnprocessableEntity, "appearance-rect")
}

// testRegisteredPages: what readers of the paper are told is true of the file.
func testRegisteredPages(t *testing.T, f *office) {
	register := func(pages int) string {
		return f.post(t, "e-office", "/v1/documents", fields{"nomor": "1", "tanggal": "2026-01-02", "pages": pages}).ok(t, 201).json(t)["id"].(string)
	}
	signed := f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK).body
	for name, send := range map[string]func(id string) answer{
		"seal": func(id string) answer { return f.seal(t, "e-office", letter(), bySeal.with(fields{"document": id})) },
		"sign": func(id string) answer {
			return f.sign(t, "e-office", letter(), f.by("bupati").with(fields{"document": id}))
		},
		"augment": func(id string) answer {
			return f.send(t, "e-office", "/v1/augment", signed, fields{"level": "B-T", "document": id}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := register(7)
			f.still(t, func() {
				p := send(wrong).problem(t, http.StatusUnprocessableEntity, "document-refused")
				if len(p.Findings) != 1 || p.Findings[0].Code != "pages-differ" {
					t.Errorf("the findings are %v", p.Findings)
				}
			})
			if got := f.do(t, call{as: "e-office", path: "/v1/documents/" + wrong}).json(t); got["status"] != "reserved" {
				t.Errorf("the letter is %v", got["status"])
			}
			send(register(1)).ok(t, http.StatusOK)
		})
	}
}
