package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestGatewayLinger: a client that sends all of its request before it looks for an
// answer, as browsers do, gets the one that its file is too large, and no broken
// connection; one that sends without an end does not keep the gateway for long.
func TestGatewayLinger(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: "spool: {upload: 1MiB, total: 16MiB}"})
	key := "Authorization: Bearer " + f.keys["e-office"] + "\r\n"
	kind, form := largeForm(t, 16<<20)
	for _, c := range []struct {
		name, path, header, kind string
		body                     []byte
		status                   int
		want                     string
	}{
		{"a file to seal", "/v1/seal", key, "application/pdf", make([]byte, 16<<20), http.StatusRequestEntityTooLarge, "too-large"},
		{"a form to seal", "/v1/seal", key, kind, form, http.StatusRequestEntityTooLarge, "too-large"},
		{"a file to verify", "/v1/verify", "", "application/pdf", make([]byte, 16<<20), http.StatusRequestEntityTooLarge, "too-large"},
		{"without a credential", "/v1/seal", "", kind, form, http.StatusUnauthorized, "unauthenticated"},
		{"the page", "/", "Accept: text/html\r\n", kind, form, http.StatusRequestEntityTooLarge, "<html"},
	} {
		conn := f.dial(t)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n", c.path, c.header, c.kind, len(c.body))
		f.must(err)
		if _, err := conn.Write(c.body); err != nil {
			t.Errorf("%s: while sending: %v", c.name, err)
		}
		status, body, err := answerOn(conn)
		if err != nil || status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: status %d, %v, want %d and %s: %.300s", c.name, status, err, c.status, c.want, body)
		}
		var p struct{ Code string }
		if strings.HasPrefix(c.path, "/v1/") && (json.Unmarshal([]byte(body), &p) != nil || p.Code != c.want) {
			t.Errorf("%s: no problem document: %.300s", c.name, body)
		}
	}
	f.endless(t, key)
	f.patient(t, key)
	f.stop()
}

// endless sends for ever.
func (f *office) endless(t *testing.T, key string) {
	conn := f.dial(t)
	_, err := fmt.Fprintf(conn, "POST /v1/seal HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n", key)
	f.must(err)
	began, sent := time.Now(), 0
	for err == nil && time.Since(began) < 20*time.Second {
		var n int
		n, err = fmt.Fprintf(conn, "10000\r\n%s\r\n", make([]byte, 0x10000))
		sent += n
	}
	// What fills the buffers of both ends comes on top.
	if took := time.Since(began); err == nil || took > 15*time.Second || sent > 96<<20 {
		t.Errorf("%d bytes were taken in %v, until %v", sent, took, err)
	}
}

// patient asks before it sends, and is not kept waiting for an answer.
func (f *office) patient(t *testing.T, key string) {
	conn := f.dial(t)
	_, err := fmt.Fprintf(conn, "POST /v1/seal HTTP/1.1\r\nHost: x\r\n%sContent-Type: text/plain\r\nContent-Length: 16777216\r\nExpect: 100-continue\r\n\r\n", key)
	f.must(err)
	status, body, err := answerOn(conn)
	if err != nil || status != http.StatusUnsupportedMediaType {
		t.Errorf("status %d, %v: %s", status, err, body)
	}
}

func (f *office) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	f.must(err)
	t.Cleanup(func() { conn.Close() })
	f.must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	return conn
}

func answerOn(conn net.Conn) (status int, body string, err error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// largeForm is a form with one document of so many bytes.
func largeForm(t *testing.T, size int) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("document", "surat.pdf")
	if err == nil {
		_, err = part.Write(make([]byte, size))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}
