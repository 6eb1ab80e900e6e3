package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

func TestMain(m *testing.M) {
	hsmtest.RunIfWorker()
	runIfParent()
	goleak.VerifyTestMain(m)
}

// verify checks a signature with the standard library.
func verify(pub crypto.PublicKey, opts crypto.SignerOpts, msg, sig []byte) error {
	if pub, ok := pub.(ed25519.PublicKey); ok {
		if !ed25519.Verify(pub, msg, sig) {
			return errors.New("ed25519: wrong signature")
		}
		return nil
	}
	h := opts.HashFunc().New()
	h.Write(msg)
	sum := h.Sum(nil)
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(pub, opts.HashFunc(), sum, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: pss.Hash})
		}
		return rsa.VerifyPKCS1v15(pub, opts.HashFunc(), sum, sig)
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(pub, sum, sig) {
			return errors.New("ecdsa: wrong signature")
		}
		return nil
	}
	return errors.New("unknown key type")
}

func pss(h crypto.Hash, salt int) *rsa.PSSOptions { return &rsa.PSSOptions{Hash: h, SaltLength: salt} }

func TestSignMessage(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	rsaOpts := []crypto.SignerOpts{crypto.SHA256, crypto.SHA384, crypto.SHA512,
		pss(crypto.SHA256, rsa.PSSSaltLengthEqualsHash), pss(crypto.SHA384, rsa.PSSSaltLengthAuto), pss(crypto.SHA512, 64)}
	ecOpts := []crypto.SignerOpts{crypto.SHA256, crypto.SHA384, crypto.SHA512}
	tests := []struct {
		alg  hsm.Algorithm
		opts []crypto.SignerOpts
	}{
		{hsm.RSA2048, rsaOpts}, {hsm.RSA3072, rsaOpts}, {hsm.RSA4096, rsaOpts},
		{hsm.P256, ecOpts}, {hsm.P384, ecOpts}, {hsm.P521, ecOpts},
		{hsm.Ed25519, []crypto.SignerOpts{crypto.Hash(0), nil, &ed25519.Options{}}},
	}
	for _, tt := range tests {
		t.Run(tt.alg.String(), func(t *testing.T) {
			made := hsmtest.Generate(t, m, tt.alg.String(), tt.alg)
			key, err := m.Key(t.Context(), tt.alg.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := key.Info(); got.Algorithm != tt.alg || got.Extractable {
				t.Errorf("info = %+v", got)
			}
			if id, _ := hsm.KeyID(key.Public()); !bytes.Equal(key.Info().ID, id) {
				t.Errorf("id = %x, want SHA-256 of SubjectPublicKeyInfo %x", key.Info().ID, id)
			}
			if !made.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Error("Generate and Key disagree about the public key")
			}
			for _, opts := range tt.opts {
				for _, msg := range [][]byte{nil, []byte("naskah dinas"), bytes.Repeat([]byte{7}, 100_000)} {
					sig, err := key.SignMessage(nil, msg, opts)
					if err != nil {
						t.Fatalf("SignMessage(%d bytes, %v): %v", len(msg), opts, err)
					}
					if err := verify(key.Public(), opts, msg, sig); err != nil {
						t.Errorf("signature of %d bytes with %v: %v", len(msg), opts, err)
					}
				}
			}
		})
	}
}

func TestSignMessageRefuses(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	rsaKey := hsmtest.Generate(t, m, "rsa", hsm.RSA2048)
	ecKey := hsmtest.Generate(t, m, "ec", hsm.P256)
	edKey := hsmtest.Generate(t, m, "ed", hsm.Ed25519)
	tests := []struct {
		name string
		key  *hsm.Key
		msg  []byte
		opts crypto.SignerOpts
		want error
	}{
		{"RSA without hash", rsaKey, nil, nil, hsm.ErrUnsupported},
		{"RSA with hash 0", rsaKey, nil, crypto.Hash(0), hsm.ErrUnsupported},
		{"RSA with SHA-1", rsaKey, nil, crypto.SHA1, hsm.ErrUnsupported},
		{"RSA with SHA-224", rsaKey, nil, crypto.SHA224, hsm.ErrUnsupported},
		{"RSA-PSS with a short salt", rsaKey, nil, pss(crypto.SHA256, 20), hsm.ErrUnsupported},
		{"ECDSA with PSS", ecKey, nil, pss(crypto.SHA256, 32), hsm.ErrUnsupported},
		{"ECDSA without hash", ecKey, nil, nil, hsm.ErrUnsupported},
		{"Ed25519ph", edKey, nil, crypto.SHA512, hsm.ErrUnsupported},
		{"Ed25519ctx", edKey, nil, &ed25519.Options{Context: "x"}, hsm.ErrUnsupported},
		{"message over MaxMessage", rsaKey, make([]byte, hsm.MaxMessage+1), crypto.SHA256, hsm.ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.key.SignMessage(nil, tt.msg, tt.opts); !errors.Is(err, tt.want) {
				t.Errorf("SignMessage: got %v, want %v", err, tt.want)
			}
		})
	}
	for _, k := range []*hsm.Key{rsaKey, ecKey, edKey} {
		if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrDigest) {
			t.Errorf("Sign: got %v, want %v", err, hsm.ErrDigest)
		}
	}
	if _, err := rsaKey.SignMessage(nil, make([]byte, hsm.MaxMessage), crypto.SHA256); err != nil {
		t.Errorf("message of MaxMessage bytes: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	ctx := t.Context()
	hsmtest.Generate(t, m, "segel", hsm.P256)
	if _, err := m.Generate(ctx, hsm.KeySpec{Label: "tsa", ID: []byte{1, 2, 3}, Algorithm: hsm.RSA2048}); err != nil {
		t.Fatal(err)
	}
	hsmtest.Generate(t, m, "log", hsm.Ed25519)
	fails := []struct {
		name string
		spec hsm.KeySpec
		want error
	}{
		{"label taken", hsm.KeySpec{Label: "segel", Algorithm: hsm.P384}, hsm.ErrKeyExists},
		{"identifier taken", hsm.KeySpec{Label: "new", ID: []byte{1, 2, 3}, Algorithm: hsm.P384}, hsm.ErrKeyExists},
		{"no algorithm", hsm.KeySpec{Label: "new"}, hsm.ErrUnsupported},
		{"no label", hsm.KeySpec{Algorithm: hsm.P256}, hsm.ErrLabel},
		{"long label", hsm.KeySpec{Label: strings.Repeat("x", 65), Algorithm: hsm.P256}, hsm.ErrLabel},
		{"line end in label", hsm.KeySpec{Label: "a\nb", Algorithm: hsm.P256}, hsm.ErrLabel},
	}
	for _, tt := range fails {
		if _, err := m.Generate(ctx, tt.spec); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	list, err := m.Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]hsm.Algorithm{}
	for _, k := range list {
		got[k.Label] = k.Algorithm
	}
	if len(list) != 3 || got["segel"] != hsm.P256 || got["tsa"] != hsm.RSA2048 || got["log"] != hsm.Ed25519 {
		t.Errorf("Keys = %v", got)
	}
	key, err := m.Key(ctx, "segel")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Delete(ctx, "segel"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Key(ctx, "segel"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("Key after Delete: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	if err := m.Delete(ctx, "segel"); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("Delete after Delete: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	if _, err := key.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("SignMessage after Delete: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	hsmtest.Generate(t, m, "segel", hsm.P256)
	if err := m.Health(ctx); err != nil {
		t.Errorf("Health: %v", err)
	}
	if err := m.Health(ctx); err != nil {
		t.Errorf("Health again: %v", err)
	}
	if got := m.Stats().Started; got != 1 {
		t.Errorf("workers started = %d, want 1", got)
	}
}
