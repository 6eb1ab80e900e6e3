package main

import (
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/lab"
)

// TestAnchorsAreAuthorities: the certificate of a signer or a server is no root,
// though a responder may be trusted by itself.
func TestAnchorsAreAuthorities(t *testing.T) {
	l, err := lab.Start(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	leaf, chain, err := l.Issue(testkey.P256(t).Public(), pkix.Name{CommonName: "Peladen Contoh"}, lab.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	root, own := filepath.Join(t.TempDir(), "root.pem"), filepath.Join(t.TempDir(), "own.pem")
	if err := errors.Join(os.WriteFile(root, l.TrustPEM(), 0o600), writeChain(own, leaf, chain)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		trust config.Trust
		ok    bool
	}{
		{"a root", config.Trust{Signers: []string{root}}, true},
		{"a root of each", config.Trust{Signers: []string{root}, Timestamps: []string{root}}, true},
		{"a responder", config.Trust{Signers: []string{root}, Responders: []string{own}}, true},
		{"a signer", config.Trust{Signers: []string{own}}, false},
		{"a signer beside a root", config.Trust{Signers: []string{root, own}}, false},
		{"a timestamp authority", config.Trust{Signers: []string{root}, Timestamps: []string{own}}, false},
	} {
		if _, err := readTrust(test.trust); (err == nil) != test.ok {
			t.Errorf("%s: got %v, want accepted: %v", test.name, err, test.ok)
		}
	}
}
