package hsm

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// Secret keys that a Vault needs.
const (
	secretWrap   uint8 = iota // AES-256 that wraps and unwraps, nothing else
	secretPepper              // 256 bits for HMAC-SHA-256, nothing else
)

// maxWrapped is longer than a wrapped RSA-4096 key (2.4 KB).
const maxWrapped = 8 << 10

// secretAttributes are what a secret key of a kind must and must not have.
func secretAttributes(kind uint8) map[uint]bool {
	a := map[uint]bool{
		pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false,
		pkcs11.CKA_ENCRYPT: false, pkcs11.CKA_DECRYPT: false, pkcs11.CKA_DERIVE: false,
		pkcs11.CKA_SIGN: kind == secretPepper, pkcs11.CKA_VERIFY: kind == secretPepper,
		pkcs11.CKA_WRAP: kind == secretWrap, pkcs11.CKA_UNWRAP: kind == secretWrap,
	}
	return a
}

// secret answers opSecret: kind, label, whether to make it when absent. The
// answer is its CKA_ID.
func (w *worker) secret(s *session, c *cursor) ([]byte, error) {
	kind, label, create := c.u8(), c.str(), c.flag()
	if err := c.done(); err != nil || kind > secretPepper {
		return nil, errFrame
	}
	var out []byte
	err := s.try(func() error {
		found, err := w.search(s, 2, attrs(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY, pkcs11.CKA_TOKEN, true, pkcs11.CKA_LABEL, label))
		switch {
		case err != nil:
			return err
		case len(found) > 1:
			return fmt.Errorf("%w: %q", ErrAmbiguousKey, label)
		case len(found) == 1:
			out, err = w.checkSecret(s, found[0], kind, label)
			return err
		case !create:
			return fmt.Errorf("%w: %q", ErrKeyNotFound, label)
		}
		out, err = w.makeSecret(s, kind, label)
		return err
	}, nil)
	return out, err
}

// checkSecret returns the identifier of a secret key that has exactly the
// attributes of its kind, else ErrUnsafeKey.
func (w *worker) checkSecret(s *session, h pkcs11.ObjectHandle, kind uint8, label string) ([]byte, error) {
	for typ, want := range secretAttributes(kind) {
		got, err := w.isTrue(s, h, typ)
		if err != nil {
			return nil, err
		}
		if got != want {
			return nil, fmt.Errorf("%w: %q has attribute %#x = %v", ErrUnsafeKey, label, typ, got)
		}
	}
	return w.attribute(s, h, pkcs11.CKA_ID)
}

func (w *worker) makeSecret(s *session, kind uint8, label string) ([]byte, error) {
	id := make([]byte, 16)
	rand.Read(id)
	template := attrs(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY, pkcs11.CKA_TOKEN, true, pkcs11.CKA_PRIVATE, true,
		pkcs11.CKA_LABEL, label, pkcs11.CKA_ID, id, pkcs11.CKA_VALUE_LEN, 32)
	for typ, v := range secretAttributes(kind) {
		template = append(template, pkcs11.NewAttribute(typ, v))
	}
	mech := uint(pkcs11.CKM_GENERIC_SECRET_KEY_GEN)
	var nested nestedTemplate
	if kind == secretWrap {
		mech = pkcs11.CKM_AES_KEY_GEN
		// Whoever may use the wrapping key can so unwrap only into keys that
		// show nothing and vanish with the session.
		template = append(template, nested.attribute(pkcs11.CKA_UNWRAP_TEMPLATE, attrs(
			pkcs11.CKA_SENSITIVE, true, pkcs11.CKA_EXTRACTABLE, false, pkcs11.CKA_TOKEN, false, pkcs11.CKA_PRIVATE, true)))
	}
	defer nested.release()
	h, err := w.lib.GenerateKey(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mech, nil)}, template)
	if err != nil {
		return nil, unknownIfDevice(pkcs11Error("C_GenerateKey", err))
	}
	return w.checkSecret(s, h, kind, label)
}

// nestedTemplate builds an attribute whose value is an array of CK_ATTRIBUTE.
// The binding copies the array to C memory but not what it points to, so the
// values are pinned until release.
type nestedTemplate struct{ pin runtime.Pinner }

// attribute encodes the array by the layout of CK_ATTRIBUTE on Unix: three
// words, without padding.
func (n *nestedTemplate) attribute(typ uint, list []*pkcs11.Attribute) *pkcs11.Attribute {
	const word = unsafe.Sizeof(uintptr(0))
	b := make([]byte, 0, 3*int(word)*len(list))
	for _, a := range list {
		v := append([]byte(nil), a.Value...)
		n.pin.Pin(&v[0])
		b = binary.NativeEndian.AppendUint64(b, uint64(a.Type))
		b = binary.NativeEndian.AppendUint64(b, uint64(uintptr(unsafe.Pointer(&v[0]))))
		b = binary.NativeEndian.AppendUint64(b, uint64(len(v)))
	}
	return &pkcs11.Attribute{Type: typ, Value: b}
}

func (n *nestedTemplate) release() { n.pin.Unpin() }

// generateWrapped answers opGenerateWrapped: wrapping key, mechanism,
// algorithm. The answer is SubjectPublicKeyInfo and wrapped private key. The
// pair lives in a session of its own and is gone when that closes, whatever
// happens in between.
func (w *worker) generateWrapped(_ *session, c *cursor) ([]byte, error) {
	ref, mech, alg := c.keyRef(), uint(c.u32()), Algorithm(c.u8())
	if err := c.done(); err != nil {
		return nil, err
	}
	s := &session{w: w}
	defer s.drop()
	pub, priv, err := w.generatePair(s, alg, attrs(pkcs11.CKA_TOKEN, false), true)
	if err != nil {
		return nil, err
	}
	typ := uint(pkcs11.CKK_EC)
	if alg.isRSA() {
		typ = pkcs11.CKK_RSA
	}
	value, err := w.publicValue(s, pub, typ)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(value)
	if err != nil {
		return nil, err
	}
	h, err := w.keyHandle(s, ref)
	if err != nil {
		return nil, err
	}
	wrapped, err := w.lib.WrapKey(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mech, nil)}, h, priv)
	if err != nil {
		if err = pkcs11Error("C_WrapKey", err); isClass(err, ClassHandle) {
			w.forget(ref)
		}
		return nil, err
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return nil, fmt.Errorf("the module wrapped a key into %d bytes", len(wrapped))
	}
	return appendBytes(appendBytes(nil, spki), wrapped), nil
}

// unwrap answers opUnwrap: wrapping key, mechanism, algorithm, wrapped key.
// The answer is the number of the session object, which keeper owns.
func (w *worker) unwrap(s *session, c *cursor) ([]byte, error) {
	ref, mech, alg, wrapped := c.keyRef(), uint(c.u32()), Algorithm(c.u8()), c.bytes()
	if err := c.done(); err != nil {
		return nil, err
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped || !alg.isRSA() && !alg.isECDSA() {
		return nil, errFrame // the binding panics on an empty blob
	}
	typ := pkcs11.CKK_EC
	if alg.isRSA() {
		typ = pkcs11.CKK_RSA
	}
	template := attrs(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_KEY_TYPE, typ,
		pkcs11.CKA_TOKEN, false, pkcs11.CKA_PRIVATE, true, pkcs11.CKA_SENSITIVE, true, pkcs11.CKA_EXTRACTABLE, false,
		pkcs11.CKA_SIGN, true, pkcs11.CKA_DECRYPT, false, pkcs11.CKA_UNWRAP, false, pkcs11.CKA_DERIVE, false)
	restricted := append(attrs(pkcs11.CKA_ALLOWED_MECHANISMS, ulongs(w.allowedMechanisms(alg))), template...)
	var key pkcs11.ObjectHandle
	var epoch uint64
	attempt := func(t []*pkcs11.Attribute) error {
		return s.try(func() error {
			epoch = w.epoch.Load()
			h, err := w.keyHandle(s, ref)
			if err != nil {
				return err
			}
			key, err = w.lib.UnwrapKey(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mech, nil)}, h, wrapped, t)
			return pkcs11Error("C_UnwrapKey", err)
		}, func() { w.forget(ref) })
	}
	err := attempt(restricted)
	if isClass(err, ClassRefused) {
		err = attempt(template)
	}
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoch.Load() != epoch {
		return nil, ErrActivationLost
	}
	w.lastObj++
	w.objects[w.lastObj] = key
	return binary.BigEndian.AppendUint64(nil, w.lastObj), nil
}

// destroy answers opDestroy: the number of a session object. One that is gone
// already is fine.
func (w *worker) destroy(s *session, c *cursor) error {
	n := c.u64()
	if err := c.done(); err != nil {
		return err
	}
	w.mu.Lock()
	h, ok := w.objects[n]
	delete(w.objects, n)
	w.mu.Unlock()
	if !ok || !s.isOpen {
		return nil
	}
	err := pkcs11Error("C_DestroyObject", w.lib.DestroyObject(s.h, h))
	if isClass(err, ClassHandle) {
		return nil
	}
	return err
}
