// Package testkey makes keys in memory for tests. Like those of an HSM they are
// given whole messages, and hash them themselves.
package testkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"sync"
	"testing"
)

// Key is a key in memory; it is a crypto.MessageSigner whatever it is made of.
type Key struct{ crypto.Signer }

// SignMessage is crypto.MessageSigner's.
func (k Key) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return crypto.SignMessage(k.Signer, r, msg, opts)
}

// P256 makes a key on P-256.
func P256(tb testing.TB) Key {
	tb.Helper()
	return EC(tb, elliptic.P256())
}

// EC makes a key on a curve.
func EC(tb testing.TB, c elliptic.Curve) Key {
	tb.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return Key{k}
}

var made = struct {
	sync.Mutex
	rsa map[int]Key
}{rsa: map[int]Key{}}

// RSA returns a key of so many bits, the same for the whole run: making one
// takes long.
func RSA(tb testing.TB, bits int) Key {
	tb.Helper()
	made.Lock()
	defer made.Unlock()
	if k, ok := made.rsa[bits]; ok {
		return k
	}
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	made.rsa[bits] = Key{k}
	return made.rsa[bits]
}
