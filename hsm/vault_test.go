package hsm_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"syscall"
	"testing"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

func newVault(t testing.TB, m *hsm.Module) *hsm.Vault {
	t.Helper()
	v, err := m.Vault(t.Context(), hsm.VaultConfig{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var passphrase = []byte("rahasia: pagi 7 ayam berkokok")

func TestVault(t *testing.T) {
	t.Parallel()
	tok := hsmtest.New(t)
	m := tok.Start(t)
	if _, err := m.Vault(t.Context(), hsm.VaultConfig{}); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("Vault without Create: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	v := newVault(t, m)
	for _, alg := range []hsm.Algorithm{hsm.RSA2048, hsm.RSA3072, hsm.RSA4096, hsm.P256, hsm.P384, hsm.P521} {
		t.Run(alg.String(), func(t *testing.T) {
			w, err := v.GenerateWrapped(t.Context(), "signer-1", alg, passphrase)
			if err != nil {
				t.Fatal(err)
			}
			key, err := v.Activate(t.Context(), "signer-1", w.Sealed, passphrase)
			if err != nil {
				t.Fatal(err)
			}
			msg := []byte("keputusan")
			sig, err := key.SignMessage(nil, msg, crypto.SHA384)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(w.Public, crypto.SHA384, msg, sig); err != nil {
				t.Error(err)
			}
			if err := key.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := key.Close(); err != nil {
				t.Errorf("Close again: %v", err)
			}
			if _, err := key.SignMessage(nil, msg, crypto.SHA384); !errors.Is(err, hsm.ErrActivationLost) {
				t.Errorf("SignMessage after Close: got %v, want %v", err, hsm.ErrActivationLost)
			}
		})
	}
	if _, err := v.GenerateWrapped(t.Context(), "signer-1", hsm.Ed25519, passphrase); !errors.Is(err, hsm.ErrUnsupported) {
		t.Errorf("wrapped Ed25519: got %v, want %v", err, hsm.ErrUnsupported)
	}
	list, err := m.Keys(t.Context())
	if err != nil || len(list) != 0 {
		t.Errorf("personal keys stay in the token: %v, %v", list, err)
	}
}

func TestVaultRefuses(t *testing.T) {
	t.Parallel()
	v := newVault(t, hsmtest.New(t).Start(t))
	w, err := v.GenerateWrapped(t.Context(), "signer-1", hsm.P256, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	other := newVault(t, hsmtest.New(t).Start(t))
	activate := func(v *hsm.Vault, signer string, sealed, pass []byte) error {
		k, err := v.Activate(t.Context(), signer, sealed, pass)
		if err == nil {
			k.Close()
		}
		return err
	}
	altered := bytes.Clone(w.Sealed)
	altered[len(altered)-1] ^= 1
	weaker := bytes.Clone(w.Sealed)
	weaker[21]-- // the memory of Argon2id: 45.75 MiB
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"right", activate(v, "signer-1", w.Sealed, passphrase), nil},
		{"wrong passphrase", activate(v, "signer-1", w.Sealed, []byte("salah")), hsm.ErrPassphrase},
		{"empty passphrase", activate(v, "signer-1", w.Sealed, nil), hsm.ErrPassphrase},
		{"other signer", activate(v, "signer-2", w.Sealed, passphrase), hsm.ErrWrongSigner},
		{"altered key", activate(v, "signer-1", altered, passphrase), hsm.ErrPassphrase},
		{"other HSM", activate(other, "signer-1", w.Sealed, passphrase), hsm.ErrKeyNotFound},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	for _, sealed := range [][]byte{nil, []byte("ABSAHKEY"), w.Sealed[:100], weaker, append(bytes.Clone(w.Sealed), make([]byte, 1<<14)...)} {
		err := activate(v, "signer-1", sealed, passphrase)
		if _, ok := errors.AsType[*hsm.MalformedError](err); !ok {
			t.Errorf("malformed key of %d bytes: got %v, want *MalformedError", len(sealed), err)
		}
	}
	if _, err := v.GenerateWrapped(t.Context(), "signer-1", hsm.P256, nil); err == nil {
		t.Error("a key was sealed under the empty passphrase")
	}
}

func TestVaultAuthorize(t *testing.T) {
	t.Parallel()
	v := newVault(t, hsmtest.New(t).Start(t))
	ctx := t.Context()
	w, err := v.GenerateWrapped(ctx, "signer-1", hsm.RSA2048, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	token := make([]byte, hsm.TokenSize)
	rand.Read(token)
	binding := []byte("documents, application, expiry")
	act, err := v.Authorize(ctx, "signer-1", w.Sealed, passphrase, token, binding)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // also twice at once: the count is the caller's
		key, err := v.ActivateToken(ctx, "signer-1", act, token, binding)
		if err != nil {
			t.Fatal(err)
		}
		defer key.Close()
		sig, err := key.SignMessage(nil, binding, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(w.Public, crypto.SHA256, binding, sig); err != nil {
			t.Error(err)
		}
	}
	_, wrongPass := v.Authorize(ctx, "signer-1", w.Sealed, []byte("salah"), token, binding)
	_, wrongToken := v.ActivateToken(ctx, "signer-1", act, make([]byte, hsm.TokenSize), binding)
	_, shortToken := v.ActivateToken(ctx, "signer-1", act, token[:16], binding)
	_, wrongBinding := v.ActivateToken(ctx, "signer-1", act, token, []byte("other documents"))
	for i, err := range []error{wrongPass, wrongToken, shortToken, wrongBinding} {
		if !errors.Is(err, hsm.ErrPassphrase) {
			t.Errorf("refusal %d: got %v, want %v", i, err, hsm.ErrPassphrase)
		}
	}
	_, err = v.Activate(ctx, "signer-1", act, token)
	if _, ok := errors.AsType[*hsm.MalformedError](err); !ok {
		t.Errorf("an activation taken for a sealed key: got %v, want *MalformedError", err)
	}
}

// An activated key goes with the worker that holds it, and says so.
func TestActivationLost(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	v := newVault(t, m)
	w, err := v.GenerateWrapped(t.Context(), "signer-1", hsm.P256, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	k, err := v.Activate(t.Context(), "signer-1", w.Sealed, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(m.Stats().WorkerPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := func(ctx context.Context) error {
		k2, err := v.Activate(ctx, "signer-1", w.Sealed, passphrase)
		if err != nil {
			return err
		}
		defer k2.Close()
		_, err = k2.SignMessage(nil, []byte("x"), crypto.SHA256)
		return err
	}
	if err := again(t.Context()); err != nil {
		t.Errorf("activation by the next worker: %v", err)
	}
	if _, err := k.SignMessage(nil, []byte("x"), crypto.SHA256); !errors.Is(err, hsm.ErrActivationLost) {
		t.Errorf("SignMessage: got %v, want %v", err, hsm.ErrActivationLost)
	}
	if err := k.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestDerive: the same for the same purpose, another for another.
func TestDerive(t *testing.T) {
	v := newVault(t, hsmtest.New(t).Start(t))
	derive := func(purpose string) []byte {
		t.Helper()
		b, err := v.Derive(t.Context(), purpose)
		if err != nil || len(b) != 32 {
			t.Fatalf("got %d bytes, %v", len(b), err)
		}
		return b
	}
	first, again, other := derive("a"), derive("a"), derive("b")
	if !bytes.Equal(first, again) || bytes.Equal(first, other) {
		t.Errorf("got %x, %x and for another purpose %x", first, again, other)
	}
}
