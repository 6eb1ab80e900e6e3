package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os"
	"syscall"

	"github.com/miekg/pkcs11"
)

// maxKeys is how many private keys a list may have; it fits a frame.
const maxKeys = 10_000

// DER of the object identifiers in CKA_EC_PARAMS.
var ecParams = map[Algorithm][]byte{
	P256:    {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
	P384:    {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22},
	P521:    {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23},
	Ed25519: {0x06, 0x03, 0x2b, 0x65, 0x70},
}

// edwards25519 is the other spelling of Ed25519 that PKCS #11 v3.0 §2.3.5
// knows: PrintableString "edwards25519".
var edwards25519 = append([]byte{0x13, 0x0c}, "edwards25519"...)

func appendKeyInfo(b []byte, label string, id, spki []byte, extractable bool) []byte {
	b = appendBytes(b, label)
	b = appendBytes(b, id)
	b = appendBytes(b, spki)
	return appendBool(b, extractable)
}

// find answers opFind: label.
func (w *worker) find(s *session, c *cursor) ([]byte, error) {
	label := c.str()
	if err := c.done(); err != nil {
		return nil, err
	}
	var out []byte
	err := s.try(func() error {
		h, err := w.privateKey(s, label, nil)
		if err != nil {
			return err
		}
		out, err = w.describe(s, h, nil, nil)
		return err
	}, func() {})
	return out, err
}

// privateKey returns the only private key of the token with a label, or, where
// id is not nil, with an identifier.
func (w *worker) privateKey(s *session, label string, id []byte) (pkcs11.ObjectHandle, error) {
	which := attrs(pkcs11.CKA_LABEL, label)
	if id != nil {
		which, label = attrs(pkcs11.CKA_ID, id), hex.EncodeToString(id)
	}
	found, err := w.search(s, 2, append(attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_TOKEN, true), which...))
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, fmt.Errorf("%w: %q", ErrKeyNotFound, label)
	case len(found) > 1:
		return 0, fmt.Errorf("%w: %q", ErrAmbiguousKey, label)
	}
	return found[0], nil
}

// describe appends what is known of a private key. publics, when not nil,
// holds every public key of the token by CKA_ID.
func (w *worker) describe(s *session, h pkcs11.ObjectHandle, publics map[string]pkcs11.ObjectHandle, out []byte) ([]byte, error) {
	id, err := w.attribute(s, h, pkcs11.CKA_ID)
	if err != nil {
		return nil, err
	}
	label, err := w.attribute(s, h, pkcs11.CKA_LABEL)
	if err != nil {
		return nil, err
	}
	extractable, err := w.isTrue(s, h, pkcs11.CKA_EXTRACTABLE)
	if err != nil {
		return nil, err
	}
	pub, err := w.publicOf(s, h, id, label, publics)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", label, err)
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", label, err)
	}
	return appendKeyInfo(out, string(label), id, spki, extractable), nil
}

// publicOf returns the public key that belongs to a private one. An RSA
// private key holds it itself, which cannot be mixed up; for others the
// public object with the same identifier is taken.
func (w *worker) publicOf(s *session, priv pkcs11.ObjectHandle, id, label []byte, publics map[string]pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	typ, err := w.attribute(s, priv, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	if ulong(typ) == pkcs11.CKK_RSA {
		if pub, err := w.publicValue(s, priv, pkcs11.CKK_RSA); err == nil {
			return pub, nil
		}
	}
	pub, ok := publics[string(id)]
	if !ok && publics == nil {
		template := attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY, pkcs11.CKA_TOKEN, true, pkcs11.CKA_ID, id)
		if len(id) == 0 {
			template[2] = pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)
		}
		found, err := w.search(s, 1, template)
		if err != nil {
			return nil, err
		}
		if ok = len(found) == 1; ok {
			pub = found[0]
		}
	}
	if !ok {
		return nil, fmt.Errorf("%w: its public key is not in the token", ErrKeyNotFound)
	}
	return w.publicValue(s, pub, ulong(typ))
}

// ulong decodes a CK_ULONG in the byte order of this machine.
func ulong(b []byte) uint {
	if len(b) != 8 {
		return ^uint(0)
	}
	return uint(binary.NativeEndian.Uint64(b))
}

// publicValue reads a public key from the attributes of an object.
func (w *worker) publicValue(s *session, h pkcs11.ObjectHandle, typ uint) (crypto.PublicKey, error) {
	first, second := uint(pkcs11.CKA_EC_PARAMS), uint(pkcs11.CKA_EC_POINT)
	if typ == pkcs11.CKK_RSA {
		first, second = pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT
	}
	a, err := w.attribute(s, h, first)
	if err != nil {
		return nil, err
	}
	b, err := w.attribute(s, h, second)
	if err != nil {
		return nil, err
	}
	if typ == pkcs11.CKK_RSA {
		e := new(big.Int).SetBytes(b)
		if len(a) == 0 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil, fmt.Errorf("%w: RSA public key", ErrUnsupported)
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(a), E: int(e.Int64())}, nil
	}
	return ecPublic(a, b)
}

// ecPublic decodes CKA_EC_PARAMS and CKA_EC_POINT. The point should be inside
// a DER OCTET STRING; some modules leave that out.
func ecPublic(params, point []byte) (crypto.PublicKey, error) {
	raw := func(size int) []byte {
		if head := []byte{0x04, byte(size)}; size < 0x80 && len(point) == size+2 && bytes.HasPrefix(point, head) {
			return point[2:]
		}
		if head := []byte{0x04, 0x81, byte(size)}; size >= 0x80 && len(point) == size+3 && bytes.HasPrefix(point, head) {
			return point[3:]
		}
		return point
	}
	if bytes.Equal(params, ecParams[Ed25519]) || bytes.Equal(params, edwards25519) {
		p := raw(ed25519.PublicKeySize)
		if len(p) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: Ed25519 point of %d bytes", ErrUnsupported, len(p))
		}
		return ed25519.PublicKey(p), nil
	}
	for _, a := range []Algorithm{P256, P384, P521} {
		if bytes.Equal(params, ecParams[a]) {
			return ecdsa.ParseUncompressedPublicKey(a.curve(), raw(1+2*((a.curve().Params().BitSize+7)/8)))
		}
	}
	return nil, fmt.Errorf("%w: curve %x", ErrUnsupported, params)
}

// list answers opList: no fields. Keys that this package cannot use are left
// out. Public keys are indexed first: one search each would be quadratic.
func (w *worker) list(s *session, c *cursor) ([]byte, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	var out []byte
	err := s.try(func() error {
		out = nil
		found, err := w.search(s, maxKeys+1, attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_TOKEN, true))
		if err != nil {
			return err
		}
		if len(found) > maxKeys {
			return fmt.Errorf("%w: the token holds more than %d private keys", ErrUnsupported, maxKeys)
		}
		all, err := w.search(s, 2*maxKeys, attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY, pkcs11.CKA_TOKEN, true))
		if err != nil {
			return err
		}
		publics := make(map[string]pkcs11.ObjectHandle, len(all))
		for _, h := range all {
			id, err := w.attribute(s, h, pkcs11.CKA_ID)
			if err != nil {
				return err
			}
			publics[string(id)] = h
		}
		for _, h := range found {
			next, err := w.describe(s, h, publics, out)
			switch {
			case err == nil:
				out = next
			case errors.Is(err, ErrUnsupported), errors.Is(err, ErrKeyNotFound):
			default:
				return err
			}
		}
		return nil
	}, func() {})
	return out, err
}

// generate answers opGenerate: label, identifier (empty: SHA-256 of the
// SubjectPublicKeyInfo), algorithm.
func (w *worker) generate(s *session, c *cursor) ([]byte, error) {
	label, id, alg := c.str(), c.bytes(), Algorithm(c.u8())
	if err := c.done(); err != nil {
		return nil, err
	}
	defer w.lockToken()()
	if err := s.try(func() error { return w.checkFree(s, label, id) }, nil); err != nil {
		return nil, err
	}
	first := id
	if len(first) == 0 {
		// A label alone may be all that links the halves if we are killed
		// before the real identifier is set; so there is one from the start.
		first = make([]byte, 16)
		rand.Read(first)
	}
	pub, priv, err := w.generatePair(s, alg, attrs(pkcs11.CKA_LABEL, label, pkcs11.CKA_ID, first, pkcs11.CKA_TOKEN, true), false)
	if err != nil {
		return nil, err
	}
	out, err := w.finishPair(s, pub, priv, label, id)
	if err == nil {
		err = w.checkAlone(s, label)
	}
	if err != nil {
		// An unfinished key must not stay; the first error is the one to tell.
		_ = w.lib.DestroyObject(s.h, priv)
		_ = w.lib.DestroyObject(s.h, pub)
		return nil, err
	}
	return out, nil
}

// checkFree returns ErrKeyExists when a private key has the label or the id.
func (w *worker) checkFree(s *session, label string, id []byte) error {
	taken := func(typ int, v any) error {
		found, err := w.search(s, 1, attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_TOKEN, true, typ, v))
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("%w: %q", ErrKeyExists, label)
		}
		return err
	}
	if err := taken(pkcs11.CKA_LABEL, label); err != nil || len(id) == 0 {
		return err
	}
	return taken(pkcs11.CKA_ID, id)
}

// lockToken keeps other processes that use the same PIN file from generating
// until unlock is called. Without the lock, on file systems that have none,
// checkAlone still finds most doubles.
func (w *worker) lockToken() (unlock func()) {
	f, err := os.Open(w.pinFile)
	if err != nil {
		return func() {}
	}
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return func() { f.Close() }
		}
	}
}

// checkAlone returns ErrKeyExists when another process has made a key with the
// same label meanwhile. Of two that find each other neither key stays.
func (w *worker) checkAlone(s *session, label string) error {
	_, err := w.privateKey(s, label, nil)
	if errors.Is(err, ErrAmbiguousKey) {
		return fmt.Errorf("%w: %q, made at the same moment", ErrKeyExists, label)
	}
	return err
}

// finishPair proves that a new key cannot leave the token and gives both
// halves their final identifier.
func (w *worker) finishPair(s *session, pub, priv pkcs11.ObjectHandle, label string, id []byte) ([]byte, error) {
	for typ, want := range map[uint]bool{
		pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false,
		pkcs11.CKA_ALWAYS_SENSITIVE: true, pkcs11.CKA_NEVER_EXTRACTABLE: true,
	} {
		if got, err := w.isTrue(s, priv, typ); err != nil {
			return nil, err
		} else if got != want {
			return nil, fmt.Errorf("%w: the module made a key with attribute %#x = %v", ErrUnsafeKey, typ, got)
		}
	}
	typ, err := w.attribute(s, pub, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	value, err := w.publicValue(s, pub, ulong(typ))
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(value)
	if err != nil {
		return nil, err
	}
	if len(id) == 0 {
		sum := sha256.Sum256(spki)
		id = sum[:]
		for _, h := range []pkcs11.ObjectHandle{pub, priv} {
			if err := w.lib.SetAttributeValue(s.h, h, attrs(pkcs11.CKA_ID, id)); err != nil {
				return nil, pkcs11Error("C_SetAttributeValue", err)
			}
		}
	}
	return appendKeyInfo(nil, label, id, spki, false), nil
}

// generatePair makes a key pair; common goes into both templates. When the
// module does not know CKA_ALLOWED_MECHANISMS it is left out.
func (w *worker) generatePair(s *session, alg Algorithm, common []*pkcs11.Attribute, extractable bool) (pub, priv pkcs11.ObjectHandle, err error) {
	var mech uint = ckmECEdwardsKeyPairGen
	var params [][]*pkcs11.Attribute // to be tried in this order
	switch {
	case alg.isRSA():
		mech = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		params = append(params, attrs(pkcs11.CKA_MODULUS_BITS, alg.bits(), pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
	case alg.isECDSA():
		mech = pkcs11.CKM_EC_KEY_PAIR_GEN
		params = append(params, attrs(pkcs11.CKA_EC_PARAMS, ecParams[alg]))
	case alg == Ed25519:
		params = append(params, attrs(pkcs11.CKA_EC_PARAMS, ecParams[alg]), attrs(pkcs11.CKA_EC_PARAMS, edwards25519))
	default:
		return 0, 0, errFrame
	}
	if !w.offers[mech] {
		return 0, 0, fmt.Errorf("%w: the module cannot generate %v keys", ErrUnsupported, alg)
	}
	privTemplate := append(attrs(
		pkcs11.CKA_PRIVATE, true, pkcs11.CKA_SENSITIVE, true, pkcs11.CKA_EXTRACTABLE, extractable,
		pkcs11.CKA_SIGN, true, pkcs11.CKA_DECRYPT, false, pkcs11.CKA_UNWRAP, false, pkcs11.CKA_DERIVE, false), common...)
	restricted := append(attrs(pkcs11.CKA_ALLOWED_MECHANISMS, ulongs(w.allowedMechanisms(alg))), privTemplate...)
	for _, p := range params {
		pubTemplate := append(attrs(pkcs11.CKA_VERIFY, true, pkcs11.CKA_ENCRYPT, false, pkcs11.CKA_WRAP, false, pkcs11.CKA_PRIVATE, false), p...)
		pubTemplate = append(pubTemplate, common...)
		for _, t := range [][]*pkcs11.Attribute{restricted, privTemplate} {
			err = s.try(func() (err error) {
				pub, priv, err = w.lib.GenerateKeyPair(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mech, nil)}, pubTemplate, t)
				return pkcs11Error("C_GenerateKeyPair", err)
			}, nil)
			if !isClass(err, ClassRefused) {
				return pub, priv, unknownIfDevice(err)
			}
		}
	}
	return 0, 0, err
}

// unknownIfDevice marks the failure of an operation that changes the token: a
// device in trouble may have carried it out.
func unknownIfDevice(err error) error {
	if isClass(err, ClassDevice) || isClass(err, ClassTokenGone) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}

// ulongs encodes an array of CK_ULONG.
func ulongs(list []uint) []byte {
	var b []byte
	for _, v := range list {
		b = binary.NativeEndian.AppendUint64(b, uint64(v))
	}
	return b
}

// delete answers opDelete: label, identifier (empty: the label counts). The
// private half goes first: a public key that stays behind harms nobody.
func (w *worker) delete(s *session, c *cursor) error {
	label, id := c.str(), c.bytes()
	if err := c.done(); err != nil {
		return err
	}
	if len(id) == 0 {
		id = nil
	}
	return s.try(func() error {
		priv, err := w.privateKey(s, label, id)
		if err != nil {
			return err
		}
		id, err := w.attribute(s, priv, pkcs11.CKA_ID)
		if err != nil {
			return err
		}
		label, err := w.attribute(s, priv, pkcs11.CKA_LABEL)
		if err != nil {
			return err
		}
		w.forget(keyRef{label: string(label), id: id})
		if err := w.lib.DestroyObject(s.h, priv); err != nil {
			return unknownIfDevice(pkcs11Error("C_DestroyObject", err))
		}
		found, err := w.search(s, 2, attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY, pkcs11.CKA_TOKEN, true,
			pkcs11.CKA_LABEL, label, pkcs11.CKA_ID, id))
		if err != nil {
			return err
		}
		for _, h := range found {
			if err := w.lib.DestroyObject(s.h, h); err != nil {
				return pkcs11Error("C_DestroyObject", err)
			}
		}
		return nil
	}, nil)
}
