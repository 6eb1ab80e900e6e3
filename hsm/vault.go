package hsm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/crypto/argon2"
)

// TokenSize is the length of an activation token in bytes: 256 random bits.
const TokenSize = 32

// Argon2 are the parameters of Argon2id (RFC 9106). The zero value of a
// VaultConfig field of this type stands for DefaultArgon2.
type Argon2 struct {
	Time      uint32 // passes, 1 to 16
	MemoryKiB uint32 // 46 MiB (47,104) to 1 GiB (1,048,576)
	Threads   uint8  // 1 to 16
}

// DefaultArgon2 takes about 80 ms of one core of 2024.
var DefaultArgon2 = Argon2{Time: 2, MemoryKiB: 46 << 10, Threads: 1}

// check holds the parameters to bounds: below, a stolen database is guessed at
// more cheaply; above, one row of a database that somebody wrote to takes the
// gateway's memory.
func (a Argon2) check() error {
	if a.Time < 1 || a.Time > 16 || a.MemoryKiB < 46<<10 || a.MemoryKiB > 1<<20 || a.Threads < 1 || a.Threads > 16 {
		return fmt.Errorf("%w: Argon2id with %d passes, %d KiB and %d threads", ErrUnsupported, a.Time, a.MemoryKiB, a.Threads)
	}
	return nil
}

// WrapMechanism is the CKM_… code that wraps private keys; vendors differ.
type WrapMechanism uint32

// The mechanisms that are known to work. Zero means WrapPad.
const (
	WrapPad WrapMechanism = WrapMechanism(ckmAESKeyWrapPad) // CKM_AES_KEY_WRAP_PAD
	WrapKWP WrapMechanism = WrapMechanism(ckmAESKeyWrapKWP) // CKM_AES_KEY_WRAP_KWP of PKCS #11 v3.0
)

func (w WrapMechanism) valid() bool { return w == WrapPad || w == WrapKWP }

// VaultConfig says which keys of the token protect personal keys. The zero
// value is usable.
type VaultConfig struct {
	WrapKey   string        // label of the AES-256 wrapping key; empty means "absah-wrapping"
	Pepper    string        // label of the HMAC key; empty means "absah-pepper"
	Mechanism WrapMechanism // for new keys; old ones say their own

	// Create makes the two keys when they are absent. Leave it false in
	// service: a token without them is the wrong token.
	Create bool

	// Argon2 is for newly sealed keys; old ones say their own.
	Argon2 Argon2

	// Concurrency bounds how many Argon2id computations run at once, each
	// taking Argon2.MemoryKiB. Zero means the number of CPUs.
	Concurrency int
}

// Vault keeps personal keys outside the token, each under its owner's
// passphrase and under the token. A sealed key opens only with both:
//
//	HSM:      AES key wrap by a key that can only wrap and unwrap, and whose
//	          CKA_UNWRAP_TEMPLATE forces sensitive, not extractable session keys
//	gateway:  AES-256-GCM under HKDF(Argon2id(passphrase, salt) ‖ HMAC), where
//	          the HMAC is made by a key in the HSM over the Argon2id result
//
// So a stolen database cannot be guessed at without asking the HSM for every
// guess, and who operates the HSM cannot sign without the passphrase. Who
// controls the gateway while a passphrase is typed can do both.
type Vault struct {
	m        *Module
	cfg      VaultConfig
	wrap     keyRef
	pepper   []byte        // encoded keyRef
	deriving chan struct{} // semaphore of Argon2id
}

// Vault finds, or with Create makes, the keys that cfg names and checks that
// their attributes let no secret out. It returns ErrKeyNotFound, ErrUnsafeKey
// or ErrUnsupported.
func (m *Module) Vault(ctx context.Context, cfg VaultConfig) (*Vault, error) {
	if cfg.WrapKey == "" {
		cfg.WrapKey = "absah-wrapping"
	}
	if cfg.Pepper == "" {
		cfg.Pepper = "absah-pepper"
	}
	if cfg.Mechanism == 0 {
		cfg.Mechanism = WrapPad
	}
	if cfg.Argon2 == (Argon2{}) {
		cfg.Argon2 = DefaultArgon2
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = runtime.NumCPU()
	}
	if err := cfg.Argon2.check(); err != nil {
		return nil, err
	}
	if !cfg.Mechanism.valid() || cfg.Concurrency < 0 {
		return nil, fmt.Errorf("%w: vault mechanism %#x, concurrency %d", ErrUnsupported, uint32(cfg.Mechanism), cfg.Concurrency)
	}
	v := &Vault{m: m, cfg: cfg, deriving: make(chan struct{}, cfg.Concurrency)}
	wrapID, err := m.secret(ctx, secretWrap, cfg.WrapKey, cfg.Create)
	if err != nil {
		return nil, err
	}
	pepperID, err := m.secret(ctx, secretPepper, cfg.Pepper, cfg.Create)
	if err != nil {
		return nil, err
	}
	v.wrap = keyRef{secret: true, label: cfg.WrapKey, id: wrapID}
	v.pepper = keyRef{secret: true, label: cfg.Pepper, id: pepperID}.append(nil)
	return v, nil
}

func (m *Module) secret(ctx context.Context, kind uint8, label string, create bool) ([]byte, error) {
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	body := appendBool(appendBytes([]byte{kind}, label), create)
	id, _, err := m.do(ctx, request{op: opSecret, lane: laneAdmin, slow: true, body: body})
	if err != nil {
		return nil, fmt.Errorf("vault key %q: %w", label, err)
	}
	return id, nil
}

// WrappedKey is a new personal key.
type WrappedKey struct {
	Public crypto.PublicKey
	Sealed []byte // to be stored; at most about 4 KB
}

// GenerateWrapped makes a personal key of signer (an identifier of 1 to 256
// bytes) and seals it under passphrase, which must not be empty and is taken
// byte for byte. Nothing of it stays in the token. RSA and ECDSA only; others
// give ErrUnsupported. It is bounded by Config.SlowTimeout.
func (v *Vault) GenerateWrapped(ctx context.Context, signer string, alg Algorithm, passphrase []byte) (*WrappedKey, error) {
	if !alg.isRSA() && !alg.isECDSA() {
		return nil, fmt.Errorf("%w: wrapping %v keys", ErrUnsupported, alg)
	}
	if signer == "" || len(signer) > maxSigner || len(passphrase) == 0 {
		return nil, fmt.Errorf("hsm: a personal key needs a signer of 1 to %d bytes and a passphrase", maxSigner)
	}
	body := binary.BigEndian.AppendUint32(v.wrap.append(nil), uint32(v.cfg.Mechanism))
	b, _, err := v.m.do(ctx, request{op: opGenerateWrapped, lane: laneAdmin, slow: true, body: append(body, byte(alg))})
	if err != nil {
		return nil, fmt.Errorf("generate personal key: %w", err)
	}
	c := &cursor{b: b}
	spki, wrapped := c.bytes(), c.bytes()
	if err := c.done(); err != nil {
		return nil, err
	}
	pub, got, err := parsePublic(spki)
	if err != nil {
		return nil, err
	}
	if got != alg {
		return nil, fmt.Errorf("the module made a %v key instead of %v", got, alg)
	}
	s := &sealed{kind: sealedPassphrase, mechanism: v.cfg.Mechanism, algorithm: alg, argon: v.cfg.Argon2,
		signer: signer, spki: spki, wrapKey: v.wrap.id}
	out, err := v.sealPassphrase(ctx, s, passphrase, wrapped)
	if err != nil {
		return nil, err
	}
	return &WrappedKey{Public: pub, Sealed: out}, nil
}

// Activate opens a sealed key of signer with its passphrase and returns it as
// a key that lives in the HSM until Close, or until the worker is replaced
// (then ErrActivationLost). It returns ErrPassphrase when the passphrase is
// wrong, *MalformedError, and errors of the HSM. A caller that counts wrong
// passphrases counts ErrPassphrase only.
func (v *Vault) Activate(ctx context.Context, signer string, sealedKey, passphrase []byte) (*Key, error) {
	s, wrapped, err := v.openPassphrase(ctx, signer, sealedKey, passphrase)
	if err != nil {
		return nil, fmt.Errorf("activate: %w", err)
	}
	return v.unwrap(ctx, s, wrapped)
}

// Authorize opens a sealed key with the passphrase and seals it again under
// token, TokenSize random bytes that the caller must not store. binding, which
// may be a digest of what the signer authorised (documents, application,
// expiry), must be the same in ActivateToken. Counting uses down and expiry
// are the caller's.
func (v *Vault) Authorize(ctx context.Context, signer string, sealedKey, passphrase, token, binding []byte) ([]byte, error) {
	s, wrapped, err := v.openPassphrase(ctx, signer, sealedKey, passphrase)
	if err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	s.kind, s.argon, s.salt = sealedToken, Argon2{}, newSalt()
	key, err := tokenKey(token, s.salt)
	if err != nil {
		return nil, err
	}
	return s.seal(key, binding, wrapped)
}

// ActivateToken is Activate for what Authorize returned. A wrong token or
// binding gives ErrPassphrase.
func (v *Vault) ActivateToken(ctx context.Context, signer string, sealedKey, token, binding []byte) (*Key, error) {
	s, err := v.parse(signer, sealedKey, sealedToken)
	if err != nil {
		return nil, fmt.Errorf("activate by token: %w", err)
	}
	key, err := tokenKey(token, s.salt)
	if err != nil {
		return nil, err
	}
	wrapped, err := s.open(key, binding)
	if err != nil {
		return nil, fmt.Errorf("activate by token: %w", err)
	}
	return v.unwrap(ctx, s, wrapped)
}

// parse reads a sealed key and checks what can be checked without a secret.
func (v *Vault) parse(signer string, b []byte, kind uint8) (*sealed, error) {
	s, err := parseSealed(b)
	switch {
	case err != nil:
		return nil, err
	case s.kind != kind:
		return nil, &MalformedError{Offset: len(sealedMagic) + 1, Rule: "sealed-kind"}
	case s.signer != signer:
		return nil, ErrWrongSigner
	case !bytes.Equal(s.wrapKey, v.wrap.id):
		return nil, fmt.Errorf("%w: the key was wrapped by another wrapping key", ErrKeyNotFound)
	}
	return s, nil
}

func (v *Vault) openPassphrase(ctx context.Context, signer string, b, passphrase []byte) (*sealed, []byte, error) {
	s, err := v.parse(signer, b, sealedPassphrase)
	if err != nil {
		return nil, nil, err
	}
	key, err := v.passphraseKey(ctx, s, passphrase)
	if err != nil {
		return nil, nil, err
	}
	wrapped, err := s.open(key, nil)
	return s, wrapped, err
}

func (v *Vault) sealPassphrase(ctx context.Context, s *sealed, passphrase, wrapped []byte) ([]byte, error) {
	s.salt = newSalt()
	key, err := v.passphraseKey(ctx, s, passphrase)
	if err != nil {
		return nil, err
	}
	return s.seal(key, nil, wrapped)
}

func newSalt() []byte {
	b := make([]byte, saltSize)
	rand.Read(b)
	return b
}

// Derive returns 32 bytes that only a holder of the pepper key can know, the
// same for the same purpose: the root of keys that must be on no disk.
func (v *Vault) Derive(ctx context.Context, purpose string) ([]byte, error) {
	return v.hmac(ctx, appendBytes([]byte("absah derive v1"), []byte(purpose)))
}

// hmac returns the HMAC-SHA-256 by the pepper key. Every use begins its
// message with a prefix of its own.
func (v *Vault) hmac(ctx context.Context, msg []byte) ([]byte, error) {
	mac, _, err := v.m.do(ctx, request{op: opSign, lane: laneSign, again: true,
		body: appendSign(nil, v.pepper, 0, schemeHMACSHA256, msg)})
	if err != nil {
		return nil, fmt.Errorf("pepper: %w", err)
	}
	if len(mac) != sha256.Size {
		return nil, fmt.Errorf("the module returned an HMAC of %d bytes", len(mac))
	}
	return mac, nil
}

// passphraseKey derives HKDF(Argon2id(passphrase, salt) ‖ HMAC). The HMAC is
// over the Argon2id result and not over the salt alone: otherwise one answer
// of the HSM would do for guessing a signer's passphrase for ever.
func (v *Vault) passphraseKey(ctx context.Context, s *sealed, passphrase []byte) ([]byte, error) {
	select {
	case v.deriving <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	slow := argon2.IDKey(passphrase, s.salt, s.argon.Time, s.argon.MemoryKiB, s.argon.Threads, 32)
	// What Argon2id has used is the largest piece of garbage there is: left to
	// itself the next one comes on top of it. To give it back at once takes a
	// small part of the time that it took to fill it.
	debug.FreeOSMemory()
	<-v.deriving
	msg := appendBytes([]byte("absah pepper v1"), s.signer)
	msg = appendBytes(appendBytes(msg, s.salt), slow)
	mac, err := v.hmac(ctx, msg)
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, append(slow, mac...), s.salt, "absah personal key v1", 32)
}

// unwrap makes the session object of a key.
func (v *Vault) unwrap(ctx context.Context, s *sealed, wrapped []byte) (*Key, error) {
	pub, alg, err := parsePublic(s.spki)
	if err != nil {
		return nil, err
	}
	if alg != s.algorithm {
		return nil, &MalformedError{Offset: len(sealedMagic) + 6, Rule: "sealed-algorithm"}
	}
	id := sha256.Sum256(s.spki)
	k := &Key{m: v.m, info: KeyInfo{ID: id[:], Algorithm: alg, Public: pub}}
	object := func(b []byte) uint64 { return (&cursor{b: b}).u64() }
	body := binary.BigEndian.AppendUint32(v.wrap.append(nil), uint32(s.mechanism))
	body = appendBytes(append(body, byte(alg)), wrapped)
	var gen uint64
	r := request{op: opUnwrap, lane: laneObject, body: body, again: true}
	r.orphan = func(generation uint64, b []byte) {
		if err := v.m.destroy(generation, object(b)); err != nil {
			v.m.log.Warn("an activated key that nobody waits for could not be destroyed", "err", err)
		}
	}
	b, gen, err := v.m.do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("activate: %w", err)
	}
	k.generation, k.object = gen, object(b)
	k.ref = keyRef{object: k.object}.append(nil)
	return k, nil
}
