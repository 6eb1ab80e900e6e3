package verifier_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestEd448 holds the first vector of RFC 8032 §7.4, and values by OpenSSL.
func TestEd448(t *testing.T) {
	key := unhex(t, "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180")
	sig := unhex(t, "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600")
	if !verifier.VerifyEd448(key, nil, sig) {
		t.Error("the vector of RFC 8032 does not verify")
	}
	if verifier.VerifyEd448(key, []byte{0}, sig) {
		t.Error("another message verifies")
	}
	for i := range sig {
		bad := append([]byte(nil), sig...)
		bad[i] ^= 1
		if i%8 == 0 && verifier.VerifyEd448(key, nil, bad) {
			t.Errorf("verifies with byte %d changed", i)
		}
	}
	for _, bad := range [][]byte{nil, sig[:113], append(sig[:114:114], 0)} {
		if verifier.VerifyEd448(key, nil, bad) {
			t.Errorf("%d bytes verify", len(bad))
		}
	}
}

func TestEd448AgainstOpenSSL(t *testing.T) {
	openssl := testfile.Tool(t, "openssl")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command(openssl, args...).Output()
		if err != nil {
			t.Fatalf("openssl %v: %v", args, err)
		}
		return out
	}
	run("genpkey", "-algorithm", "ed448", "-out", path("key"))
	spki := run("pkey", "-in", path("key"), "-pubout", "-outform", "DER")
	for _, message := range []string{"surat", "naskah dinas"} {
		if err := os.WriteFile(path("msg"), []byte(message), 0o600); err != nil {
			t.Fatal(err)
		}
		sig := run("pkeyutl", "-sign", "-rawin", "-inkey", path("key"), "-in", path("msg"))
		if !verifier.VerifyEd448(spki[len(spki)-57:], []byte(message), sig) {
			t.Errorf("a signature over %q does not verify", message)
		}
	}
}
