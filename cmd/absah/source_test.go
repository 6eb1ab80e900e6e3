package main

import (
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/lab"
)

// TestSourceMemory holds revocation.max_age to what its comment says: an office
// that writes 0 wants each status asked for anew, not package fetch's default.
func TestSourceMemory(t *testing.T) {
	l, err := lab.Start(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cert, chain, err := l.Issue(testkey.P256(t).Public(), pkix.Name{CommonName: "Bupati Contoh"}, lab.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		maxAge time.Duration
		want   int // requests for three questions
	}{
		{0, 3},
		{time.Minute, 1},
	} {
		source, err := newSource(config.Revocation{Timeout: 5 * time.Second, Allow: []string{l.Addr()}, MaxAge: tt.maxAge})
		if err != nil {
			t.Fatal(err)
		}
		before := l.Requests(lab.OCSP)
		for range 3 {
			if _, err := source.OCSP(t.Context(), cert, chain[0], time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.Requests(lab.OCSP) - before; got != tt.want {
			t.Errorf("max_age %v: got %d requests, want %d", tt.maxAge, got, tt.want)
		}
		source.Close()
	}
}
