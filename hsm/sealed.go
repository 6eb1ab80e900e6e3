package hsm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// A sealed key is what the database holds of a personal key: a header and,
// under AES-256-GCM with the header and the caller's binding as additional
// data, the key as the HSM wrapped it. All integers are big-endian, all strings
// preceded by a length of four bytes:
//
//	"ABSAHKEY" version(1)
//	kind(1) wrap mechanism(4) algorithm(1)
//	Argon2id time(4) memory in KiB(4) threads(1)    zero for an activation
//	signer, SHA-256 of SubjectPublicKeyInfo, SubjectPublicKeyInfo
//	CKA_ID of the wrapping key, salt, nonce
//	ciphertext, to the end
const (
	sealedMagic   = "ABSAHKEY"
	sealedVersion = 1
	saltSize      = 32
	nonceSize     = 12
	maxSigner     = 256
	maxSPKI       = 1024
	maxSealed     = maxWrapped + 2048
)

// Kinds of sealed keys.
const (
	sealedPassphrase uint8 = 1 // opens with the passphrase and the HSM's pepper
	sealedToken      uint8 = 2 // opens with an activation token of 256 random bits
)

// MalformedError says that a sealed key breaks its format. It is not about the
// passphrase.
type MalformedError struct {
	Offset int    // of the first byte that cannot be right
	Rule   string // short and stable, e.g. "sealed-truncated"
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("malformed sealed key at byte %d: %s", e.Offset, e.Rule)
}

// sealed is a parsed sealed key.
type sealed struct {
	kind      uint8
	mechanism WrapMechanism
	algorithm Algorithm
	argon     Argon2
	signer    string
	spki      []byte
	wrapKey   []byte
	salt      []byte
	nonce     []byte

	header     []byte // everything before the ciphertext, as it stands
	ciphertext []byte
}

// appendHeader encodes everything but the ciphertext.
func (s *sealed) appendHeader(b []byte) []byte {
	b = append(b, sealedMagic...)
	b = append(b, sealedVersion, s.kind)
	b = binary.BigEndian.AppendUint32(b, uint32(s.mechanism))
	b = append(b, byte(s.algorithm))
	b = binary.BigEndian.AppendUint32(b, s.argon.Time)
	b = binary.BigEndian.AppendUint32(b, s.argon.MemoryKiB)
	b = append(b, s.argon.Threads)
	b = appendBytes(b, s.signer)
	sum := sha256.Sum256(s.spki)
	b = appendBytes(b, sum[:])
	b = appendBytes(b, s.spki)
	b = appendBytes(b, s.wrapKey)
	b = appendBytes(b, s.salt)
	return appendBytes(b, s.nonce)
}

// parseSealed reads a sealed key from a database that others may have written
// to. It returns *MalformedError.
func parseSealed(b []byte) (*sealed, error) {
	c := &cursor{b: b}
	bad := func(rule string) error { return &MalformedError{Offset: len(b) - len(c.b), Rule: rule} }
	if len(b) > maxSealed {
		return nil, &MalformedError{Offset: maxSealed, Rule: "sealed-too-long"}
	}
	if string(c.take(len(sealedMagic))) != sealedMagic {
		return nil, &MalformedError{Rule: "sealed-magic"}
	}
	if c.u8() != sealedVersion {
		return nil, bad("sealed-version")
	}
	s := &sealed{kind: c.u8(), mechanism: WrapMechanism(c.u32()), algorithm: Algorithm(c.u8()),
		argon: Argon2{Time: c.u32(), MemoryKiB: c.u32(), Threads: c.u8()}}
	switch {
	case c.bad:
		return nil, bad("sealed-truncated")
	case s.kind != sealedPassphrase && s.kind != sealedToken:
		return nil, bad("sealed-kind")
	case !s.mechanism.valid():
		return nil, bad("sealed-mechanism")
	case !s.algorithm.isRSA() && !s.algorithm.isECDSA():
		return nil, bad("sealed-algorithm")
	case s.kind == sealedPassphrase && s.argon.check() != nil, s.kind == sealedToken && s.argon != Argon2{}:
		return nil, bad("sealed-argon2")
	}
	s.signer = c.str()
	sum := c.bytes()
	s.spki, s.wrapKey, s.salt, s.nonce = c.bytes(), c.bytes(), c.bytes(), c.bytes()
	want := sha256.Sum256(s.spki)
	switch {
	case c.bad:
		return nil, bad("sealed-truncated")
	case s.signer == "" || len(s.signer) > maxSigner:
		return nil, bad("sealed-signer")
	case len(s.spki) > maxSPKI || !bytes.Equal(sum, want[:]):
		return nil, bad("sealed-public-key")
	case len(s.wrapKey) > 64 || len(s.salt) != saltSize || len(s.nonce) != nonceSize:
		return nil, bad("sealed-lengths")
	case len(c.b) <= 16 || len(c.b) > maxWrapped+16:
		return nil, bad("sealed-ciphertext")
	}
	s.header, s.ciphertext = b[:len(b)-len(c.b)], c.b
	return s, nil
}

// seal encrypts wrapped under key, which must have been derived with s.salt.
func (s *sealed) seal(key, binding, wrapped []byte) ([]byte, error) {
	s.nonce = make([]byte, nonceSize)
	rand.Read(s.nonce)
	header := s.appendHeader(nil)
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(header, s.nonce, wrapped, additionalData(header, binding)), nil
}

// open returns the wrapped key, or ErrPassphrase.
func (s *sealed) open(key, binding []byte) ([]byte, error) {
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	wrapped, err := aead.Open(nil, s.nonce, s.ciphertext, additionalData(s.header, binding))
	if err != nil {
		return nil, ErrPassphrase
	}
	return wrapped, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// additionalData binds header and binding so that neither can lend bytes to
// the other.
func additionalData(header, binding []byte) []byte {
	return appendBytes(appendBytes(nil, header), binding)
}

// tokenKey derives the key of an activation from its token alone: 256 random
// bits cannot be guessed, with or without the HSM.
func tokenKey(token, salt []byte) ([]byte, error) {
	if len(token) != TokenSize {
		return nil, fmt.Errorf("%w: an activation token has %d bytes", ErrPassphrase, TokenSize)
	}
	return hkdf.Key(sha256.New, token, salt, "absah activation token v1", 32)
}
