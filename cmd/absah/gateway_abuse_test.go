package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestGatewayAbuse plays what attackers found, each by the threat it belongs
// to, in the order in which they were mended.
func TestGatewayAbuse(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: "spool: {upload: 1MiB, total: 16MiB}"})
	for _, s := range []struct {
		name string
		run  func(*testing.T, *office)
	}{
		{"S19 held uploads", testHeldUploads},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, f) })
	}
	if t.Failed() {
		f.tellErrors(t)
	}
	f.stop()
}

// testHeldUploads has strangers, and one application, upload all but the last
// byte of more than the spool holds: those with credentials go on sealing.
func testHeldUploads(t *testing.T, f *office) {
	for _, who := range []struct{ name, path, credentials string }{
		{"a stranger", "/v1/verify", ""},
		{"an application", "/v1/seal", "Authorization: Bearer " + f.keys["second"] + "\r\n"},
	} {
		t.Run(who.name, func(t *testing.T) {
			for range 20 {
				conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
				f.must(err)
				defer conn.Close()
				_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/pdf\r\nContent-Length: %d\r\n\r\n", who.path, who.credentials, 1<<20)
				f.must(err)
				_, _ = conn.Write(make([]byte, 1<<20-1)) // refused, once there is no more room for it
			}
			for range 5 {
				f.seal(t, "e-office", letter(), bySeal).ok(t, 200)
			}
		})
	}
}
