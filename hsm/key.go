package hsm

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// KeySpec says which resident key to generate.
type KeySpec struct {
	Label     string    // unique among the private keys of the token, 1 to 64 bytes
	ID        []byte    // CKA_ID; nil = SHA-256 of the DER SubjectPublicKeyInfo
	Algorithm Algorithm // required
}

// KeyInfo describes a resident key.
type KeyInfo struct {
	Label     string
	ID        []byte // CKA_ID
	Algorithm Algorithm
	Public    crypto.PublicKey

	// Extractable is true for a key that this package did not make and that
	// could leave the token.
	Extractable bool
}

// Key is a private key in the token, or an activated personal key. It
// implements crypto.MessageSigner; signatures are in the form that package
// crypto/x509 uses (ECDSA as DER). It does no verification of what the module
// returns.
type Key struct {
	m    *Module
	info KeyInfo
	ref  []byte // encoded keyRef

	// Of an activated key: the worker that holds it.
	generation uint64
	object     uint64
	closed     atomic.Bool
}

var _ crypto.MessageSigner = (*Key)(nil)

// Info returns a description of the key. Of an activated key the label is
// empty and ID is the SHA-256 of the SubjectPublicKeyInfo.
func (k *Key) Info() KeyInfo { return k.info }

// Public returns the public key: *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.info.Public }

// Sign always returns [ErrDigest]: no digest of a caller is ever signed.
func (k *Key) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, ErrDigest }

// SignMessage signs msg, at most MaxMessage bytes, within Config.Timeout. opts
// chooses the scheme: for RSA a hash (SHA-256, -384, -512: PKCS #1 v1.5) or
// *rsa.PSSOptions with such a hash and a salt as long as it (also for
// PSSSaltLengthAuto); for ECDSA such a hash; for Ed25519 nil or hash 0. rand
// is ignored: the module has its own.
//
// Errors: ErrUnknownOutcome when a signature may have been made that nobody
// has, ErrUnavailable, ErrPIN, ErrKeyNotFound, ErrActivationLost,
// ErrUnsupported, ErrTooLong, ErrClosed, *Error.
func (k *Key) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(context.Background(), msg, opts)
}

// WithContext returns a signer that is like k but also ends with ctx. It is
// for one operation: crypto.MessageSigner has no room for a context.
func (k *Key) WithContext(ctx context.Context) crypto.MessageSigner {
	return &boundKey{Key: k, ctx: ctx}
}

type boundKey struct {
	*Key
	ctx context.Context // of the one operation that the value is for
}

func (b *boundKey) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return b.sign(b.ctx, msg, opts)
}

func (k *Key) sign(ctx context.Context, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	s, err := schemeFor(k.info.Algorithm, opts)
	if err != nil {
		return nil, err
	}
	if len(msg) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLong, len(msg))
	}
	if k.closed.Load() {
		return nil, ErrActivationLost
	}
	body := appendSign(make([]byte, 0, len(k.ref)+len(msg)+6), k.ref, k.info.Algorithm, s, msg)
	sig, _, err := k.m.do(ctx, request{op: opSign, lane: laneSign, generation: k.generation, body: body, like: body[:len(k.ref)+2]})
	return sig, err
}

func appendSign(b, ref []byte, a Algorithm, s scheme, msg []byte) []byte {
	b = append(b, ref...)
	b = append(b, byte(a), byte(s))
	return appendBytes(b, msg)
}

// Close destroys an activated key in the module. For a resident key it does
// nothing. Closing twice is fine.
func (k *Key) Close() error {
	if k.generation == 0 || k.closed.Swap(true) {
		return nil
	}
	return k.m.destroy(k.generation, k.object)
}

// destroy removes a session object; one that went with its worker is gone.
func (m *Module) destroy(generation, object uint64) error {
	_, _, err := m.do(context.Background(), request{op: opDestroy, lane: laneObject, generation: generation, again: true,
		body: binary.BigEndian.AppendUint64(nil, object)})
	if errors.Is(err, ErrActivationLost) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// Generate makes a resident key pair: sensitive, never extractable, for
// signing only and, where the module knows CKA_ALLOWED_MECHANISMS, with
// hashing mechanisms only. It is bounded by Config.SlowTimeout. It returns
// ErrKeyExists when the label or identifier is taken, ErrUnsupported when the
// module lacks the algorithm, and ErrUnknownOutcome when the key may or may
// not have been made: look for it with Key. Processes that share
// Config.PINFile generate one after the other.
func (m *Module) Generate(ctx context.Context, spec KeySpec) (*Key, error) {
	if err := checkLabel(spec.Label); err != nil {
		return nil, err
	}
	if !spec.Algorithm.valid() {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, spec.Algorithm)
	}
	if len(spec.ID) > maxID {
		return nil, fmt.Errorf("hsm: a key identifier has at most %d bytes", maxID)
	}
	body := appendBytes(nil, spec.Label)
	body = appendBytes(body, spec.ID)
	body = append(body, byte(spec.Algorithm))
	b, _, err := m.do(ctx, request{op: opGenerate, lane: laneAdmin, slow: true, body: body})
	if err != nil {
		return nil, fmt.Errorf("generate key %q: %w", spec.Label, err)
	}
	return m.parseKey(b)
}

// Key returns the resident key with a label. It returns ErrKeyNotFound and
// ErrAmbiguousKey when there is none or more than one, and ErrUnsupported for
// an algorithm that this package does not know.
func (m *Module) Key(ctx context.Context, label string) (*Key, error) {
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	b, _, err := m.do(ctx, request{op: opFind, lane: laneSign, again: true, body: appendBytes(nil, label)})
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", label, err)
	}
	return m.parseKey(b)
}

// Keys lists the resident private keys that this package can use, in the
// module's order, at most ten thousand. It is bounded by Config.SlowTimeout.
func (m *Module) Keys(ctx context.Context) ([]KeyInfo, error) {
	b, _, err := m.do(ctx, request{op: opList, lane: laneSign, slow: true, again: true})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var list []KeyInfo
	for c := (&cursor{b: b}); len(c.b) > 0; {
		info, err := c.keyInfo()
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// Delete destroys the key pair with a label. It cannot be undone. It returns
// ErrKeyNotFound and ErrAmbiguousKey as Key does.
func (m *Module) Delete(ctx context.Context, label string) error {
	if err := checkLabel(label); err != nil {
		return err
	}
	return m.delete(ctx, label, nil)
}

// DeleteID does the same with a CKA_ID, of 1 to 64 bytes: of several keys that
// share a label one can be deleted so.
func (m *Module) DeleteID(ctx context.Context, id []byte) error {
	if len(id) == 0 || len(id) > maxID {
		return fmt.Errorf("hsm: a key identifier has 1 to %d bytes, not %d", maxID, len(id))
	}
	return m.delete(ctx, "", id)
}

func (m *Module) delete(ctx context.Context, label string, id []byte) error {
	_, _, err := m.do(ctx, request{op: opDelete, lane: laneAdmin, slow: true, body: appendBytes(appendBytes(nil, label), id)})
	if err != nil {
		name := label
		if id != nil {
			name = hex.EncodeToString(id)
		}
		return fmt.Errorf("delete key %q: %w", name, err)
	}
	return nil
}

func (m *Module) parseKey(body []byte) (*Key, error) {
	c := &cursor{b: body}
	info, err := c.keyInfo()
	if err != nil {
		return nil, err
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	return &Key{m: m, info: info, ref: keyRef{label: info.Label, id: info.ID}.append(nil)}, nil
}

func (c *cursor) keyInfo() (KeyInfo, error) {
	info := KeyInfo{Label: c.str(), ID: append([]byte(nil), c.bytes()...)}
	spki := c.bytes()
	info.Extractable = c.flag()
	if c.bad {
		return KeyInfo{}, errFrame
	}
	var err error
	if info.Public, info.Algorithm, err = parsePublic(spki); err != nil {
		return KeyInfo{}, fmt.Errorf("key %q: %w", info.Label, err)
	}
	return info, nil
}

func parsePublic(spki []byte) (crypto.PublicKey, Algorithm, error) {
	pub, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, 0, fmt.Errorf("public key: %w", err)
	}
	a, err := algorithmOf(pub)
	return pub, a, err
}

// KeyID returns the identifier that Generate gives to a key: the SHA-256 of
// the DER SubjectPublicKeyInfo.
func KeyID(pub crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("hsm: key identifier: %w", err)
	}
	sum := sha256.Sum256(spki)
	return sum[:], nil
}
