package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"testing"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

// In one session the same request comes again and again, then another: every
// signature must be that of the key, the scheme and the message asked for.
func TestRequestsTakeTurns(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	tok.Config.Sessions = 1
	m := tok.Start(t)
	first := hsmtest.Generate(t, m, "satu", hsm.RSA2048)
	second := hsmtest.Generate(t, m, "dua", hsm.RSA2048)
	third := hsmtest.Generate(t, m, "tiga", hsm.P256)
	edwards := hsmtest.Generate(t, m, "empat", hsm.Ed25519)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA384}
	steps := []struct {
		name string
		key  *hsm.Key
		opts crypto.SignerOpts
		size int
	}{
		{"RSA", first, crypto.SHA256, 200},
		{"another key", second, crypto.SHA256, 200},
		{"no message", second, crypto.SHA256, 0},
		{"another hash", second, crypto.SHA512, 200},
		{"PSS", second, pss, 200},
		{"PSS with the first key", first, pss, 1000},
		{"a message longer than the buffer", first, pss, 10_000},
		{"the longest message", first, pss, hsm.MaxMessage},
		{"ECDSA", third, crypto.SHA256, 200},
		{"Ed25519", edwards, crypto.Hash(0), 200},
		{"RSA again", first, crypto.SHA256, 200},
	}
	for _, s := range steps {
		for i := range 4 {
			msg := bytes.Repeat([]byte{byte(i)}, s.size)
			sig, err := s.key.SignMessage(nil, msg, s.opts)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if err := verify(s.key.Public(), s.opts, msg, sig); err != nil {
				t.Errorf("%s, time %d: %v", s.name, i+1, err)
			}
		}
	}
}

// A key that is deleted signs no more, though the session knew its handle, and
// a new one under its label is another key.
func TestDeletedBetweenRequests(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	tok.Config.Sessions = 1
	m := tok.Start(t)
	for range 2 {
		key := hsmtest.Generate(t, m, "segel", hsm.RSA2048)
		for range 3 {
			sig, err := key.SignMessage(nil, []byte("naskah"), crypto.SHA256)
			check(t, err)
			check(t, verify(key.Public(), crypto.SHA256, []byte("naskah"), sig))
		}
		check(t, m.Delete(t.Context(), "segel"))
		if _, err := key.SignMessage(nil, []byte("naskah"), crypto.SHA256); !errors.Is(err, hsm.ErrKeyNotFound) {
			t.Errorf("signing with a deleted key: %v", err)
		}
	}
}
