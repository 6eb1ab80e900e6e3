package main

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestGatewayGuesses: an address whose credentials fail too often is not looked
// at any more (ASVS 2.4.1, 6.3.1); who shares it and has proved itself is.
func TestGatewayGuesses(t *testing.T) {
	t.Parallel()
	const limit = 60 // a minute: one comes back each second
	f := newOffice(t, officeOptions{yaml: "limits: {anonymous: 6000, applications: 600000, failures: 60}"})
	guess := func(client *http.Client, path string) answer {
		return f.do(t, call{method: http.MethodPost, path: path, kind: "application/pdf", body: bytes.NewReader(letter()), client: client,
			header: map[string]string{"Authorization": "Bearer absah_tebakan_" + rand.Text()}})
	}
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.still(t, func() {
		began, refused := time.Now(), 0
		for i := range 2 * limit {
			a := guess(nil, []string{"/v1/seal", "/v1/verify"}[i%2])
			if a.status == http.StatusUnauthorized {
				refused++
				continue
			}
			a.problem(t, http.StatusTooManyRequests, "rate-limited")
			if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 || n > 60 {
				t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
			}
		}
		if most := limit + int(time.Since(began)/time.Second) + 2; refused < limit || refused > most { // some come back meanwhile
			t.Errorf("%d guesses were looked at, want about %d", refused, limit)
		}
	})
	t.Run("right ones without a past must wait", func(t *testing.T) {
		for _, name := range []string{"second", "clerk", "rated"} { // a guess may come back in the wrong moment
			guess(nil, "/v1/seal") // takes what has come back
			if a := f.do(t, call{as: name, path: "/v1/signers"}); a.status == http.StatusTooManyRequests {
				a.problem(t, http.StatusTooManyRequests, "rate-limited")
				return
			}
		}
		t.Error("they were looked at")
	})
	t.Run("who has proved itself goes on", func(t *testing.T) {
		f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	})
	t.Run("anonymous verification goes on", func(t *testing.T) {
		f.send(t, "", "/v1/verify", letter(), fields{}, nil).ok(t, http.StatusOK)
	})
	t.Run("another address has its own", func(t *testing.T) {
		elsewhere := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)}}).DialContext,
		}}
		defer elsewhere.CloseIdleConnections()
		guess(elsewhere, "/v1/seal").problem(t, http.StatusUnauthorized, "unauthenticated")
		f.do(t, call{as: "second", path: "/v1/signers", client: elsewhere}).ok(t, http.StatusOK)
	})
	t.Run("it ends", func(t *testing.T) {
		eventually(t, 30*time.Second, "the application is let in", func() bool {
			return f.do(t, call{as: "narrow", path: "/v1/signers"}).status == http.StatusOK
		})
	})
	f.stop()
}
