package store_test

import (
	"bytes"
	"testing"

	"github.com/absah-id/absah/store"
)

// FuzzSplitChain: what splits is what was joined, and nothing else splits.
func FuzzSplitChain(f *testing.F) {
	f.Add([]byte{})
	f.Add(store.JoinChain([][]byte{[]byte("one"), {}, []byte("three")}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		certs, err := store.SplitChain(b)
		if err == nil && !bytes.Equal(store.JoinChain(certs), b) {
			t.Errorf("%x splits into %x, which join to something else", b, certs)
		}
	})
}
