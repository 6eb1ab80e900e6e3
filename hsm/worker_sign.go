package hsm

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes of the schemes
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/miekg/pkcs11"
)

// Codes of PKCS #11 v3.0 that the binding does not name.
const (
	ckkECEdwards                = 0x40
	ckmECEdwardsKeyPairGen      = 0x1055
	ckmEdDSA                    = 0x1057
	ckmAESKeyWrapPad       uint = pkcs11.CKM_AES_KEY_WRAP_PAD
	ckmAESKeyWrapKWP       uint = 0x210B
)

// pssParams are those of CK_RSA_PKCS_PSS_PARAMS with MGF1 over the same hash
// and a salt as long as the digest.
func pssParams(h crypto.Hash) []byte {
	switch h {
	case crypto.SHA256:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, 32)
	case crypto.SHA384:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384, 48)
	}
	return pkcs11.NewPSSParams(pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, 64)
}

// mechanism returns how the module makes signatures of a scheme, and whether
// it wants a digest instead of the message.
func (w *worker) mechanism(s scheme) (m []*pkcs11.Mechanism, digest bool, err error) {
	var code uint
	var param any
	switch s {
	case schemePKCS1SHA256:
		code = pkcs11.CKM_SHA256_RSA_PKCS
	case schemePKCS1SHA384:
		code = pkcs11.CKM_SHA384_RSA_PKCS
	case schemePKCS1SHA512:
		code = pkcs11.CKM_SHA512_RSA_PKCS
	case schemePSSSHA256:
		code, param = pkcs11.CKM_SHA256_RSA_PKCS_PSS, pssParams(crypto.SHA256)
	case schemePSSSHA384:
		code, param = pkcs11.CKM_SHA384_RSA_PKCS_PSS, pssParams(crypto.SHA384)
	case schemePSSSHA512:
		code, param = pkcs11.CKM_SHA512_RSA_PKCS_PSS, pssParams(crypto.SHA512)
	case schemeECDSASHA256:
		code = pkcs11.CKM_ECDSA_SHA256
	case schemeECDSASHA384:
		code = pkcs11.CKM_ECDSA_SHA384
	case schemeECDSASHA512:
		code = pkcs11.CKM_ECDSA_SHA512
	case schemeEd25519:
		code = ckmEdDSA
	case schemeHMACSHA256:
		code = pkcs11.CKM_SHA256_HMAC
	default:
		return nil, false, errFrame
	}
	if s >= schemeECDSASHA256 && s <= schemeECDSASHA512 && !w.offers[code] {
		code, digest = pkcs11.CKM_ECDSA, true
	}
	if !w.offers[code] {
		return nil, false, fmt.Errorf("%w: the module lacks mechanism %#x", ErrUnsupported, code)
	}
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(code, param)}, digest, nil
}

// allowedMechanisms lists what a new key may be used for: signing with a
// hashing mechanism, so that no caller's bytes become the padded block.
func (w *worker) allowedMechanisms(a Algorithm) []uint {
	schemes := []scheme{schemeEd25519}
	switch {
	case a.isRSA():
		schemes = []scheme{schemePKCS1SHA256, schemePKCS1SHA384, schemePKCS1SHA512, schemePSSSHA256, schemePSSSHA384, schemePSSSHA512}
	case a.isECDSA():
		schemes = []scheme{schemeECDSASHA256, schemeECDSASHA384, schemeECDSASHA512}
	}
	var list []uint
	for _, s := range schemes {
		m, _, err := w.mechanism(s)
		if err == nil && (len(list) == 0 || list[len(list)-1] != m[0].Mechanism) {
			list = append(list, m[0].Mechanism)
		}
	}
	return list
}

// sign answers opSign: key, algorithm, scheme, message.
func (w *worker) sign(s *session, c *cursor) ([]byte, error) {
	request := c.b
	ref, alg, sch, msg := c.keyRef(), Algorithm(c.u8()), scheme(c.u8()), c.bytes()
	if err := c.done(); err != nil {
		return nil, err
	}
	changes := w.shared.changes().Load()
	mech, digest, err := w.mechanism(sch)
	if err != nil {
		return nil, err
	}
	if digest {
		msg = truncatedDigest(alg, sch.hash(), msg)
	}
	key, err := w.signInit(s, mech, ref)
	if err != nil {
		return nil, err
	}
	// From here on nothing is done twice.
	sig, err := w.lib.Sign(s.h, msg)
	if err != nil {
		return nil, signFailed(s, err)
	}
	if alg.isECDSA() {
		return ecdsaDER(alg, sig)
	}
	if ref.object == 0 && !digest {
		like := append([]byte{byte(opSign)}, request[:len(request)-4-len(msg)]...)
		s.again = &again{like: like, mech: mech[0], key: key, changes: changes}
	}
	return sig, nil
}

// signFailed gives an error of C_Sign its class.
func signFailed(s *session, err error) error {
	s.drop() // an operation may still be active in it
	err = pkcs11Error("C_Sign", err)
	if isClass(err, ClassDevice) || isClass(err, ClassTokenGone) {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}

// signInit begins a signature, looking the key up again when its handle went
// stale. A key that was there and is not any more means that the token was
// exchanged under us: some modules notice nothing else.
func (w *worker) signInit(s *session, mech []*pkcs11.Mechanism, ref keyRef) (h pkcs11.ObjectHandle, err error) {
	var stale error
	err = s.try(func() (err error) {
		if h, err = w.keyHandle(s, ref); err != nil {
			return err
		}
		return pkcs11Error("C_SignInit", w.lib.SignInit(s.h, mech, h))
	}, func() {
		w.forget(ref)
		stale = &Error{Op: "C_SignInit", Class: ClassTokenGone, Code: pkcs11.CKR_KEY_HANDLE_INVALID}
	})
	if ref.object != 0 && isClass(err, ClassHandle) {
		return 0, ErrActivationLost
	}
	if stale != nil && errors.Is(err, ErrKeyNotFound) {
		return 0, stale
	}
	return h, err
}

// truncatedDigest hashes msg and keeps the leftmost bits that the curve takes
// (FIPS 186-5 §6.4.1). The orders used have a multiple of 8 bits or more bits
// than any digest, so whole bytes are enough.
func truncatedDigest(a Algorithm, h crypto.Hash, msg []byte) []byte {
	d := h.New()
	d.Write(msg)
	sum := d.Sum(nil)
	if c := a.curve(); c != nil {
		sum = sum[:min(len(sum), (c.Params().N.BitLen()+7)/8)]
	}
	return sum
}

// ecdsaDER turns r ‖ s of PKCS #11 into Ecdsa-Sig-Value (RFC 3279 §2.2.3).
func ecdsaDER(a Algorithm, sig []byte) ([]byte, error) {
	n := len(sig) / 2
	if size := (a.curve().Params().N.BitLen() + 7) / 8; len(sig)%2 != 0 || n == 0 || n > size {
		return nil, fmt.Errorf("the module returned an ECDSA signature of %d bytes", len(sig))
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])})
}

// keyHandle returns the handle of a key, from the cache if it can: searching
// is linear in the number of objects (100 ms in SoftHSM with 3,000 keys).
func (w *worker) keyHandle(s *session, ref keyRef) (pkcs11.ObjectHandle, error) {
	w.mu.Lock()
	if ref.object != 0 {
		h, ok := w.objects[ref.object]
		w.mu.Unlock()
		if !ok {
			return 0, ErrActivationLost
		}
		return h, nil
	}
	key := ref.cacheKey()
	h, ok := w.handles[key]
	one := w.finding[key]
	if !ok && one == nil {
		one = new(sync.Mutex)
		w.finding[key] = one
	}
	w.mu.Unlock()
	if ok {
		return h, nil
	}
	one.Lock()
	defer one.Unlock()
	w.mu.Lock()
	h, ok = w.handles[key]
	w.mu.Unlock()
	if ok {
		return h, nil
	}
	return w.searchKey(s, ref)
}

func (w *worker) searchKey(s *session, ref keyRef) (pkcs11.ObjectHandle, error) {
	class := uint(pkcs11.CKO_PRIVATE_KEY)
	if ref.secret {
		class = pkcs11.CKO_SECRET_KEY
	}
	epoch := w.epoch.Load()
	found, err := w.search(s, 2, attrs(
		pkcs11.CKA_CLASS, class, pkcs11.CKA_TOKEN, true,
		pkcs11.CKA_LABEL, ref.label, pkcs11.CKA_ID, ref.id))
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, fmt.Errorf("%w: %q", ErrKeyNotFound, ref.label)
	case len(found) > 1:
		return 0, fmt.Errorf("%w and identifier: %q", ErrAmbiguousKey, ref.label)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.finding, ref.cacheKey())
	if w.epoch.Load() == epoch {
		w.handles[ref.cacheKey()] = found[0]
	}
	return found[0], nil
}

func (w *worker) forget(ref keyRef) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.handles, ref.cacheKey())
	delete(w.objects, ref.object)
	w.shared.changes().Add(1)
}

// search returns at most limit objects that match. That there are none it says
// only of the token that was opened, in a session that was logged in all the time.
func (w *worker) search(s *session, limit int, template []*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	epoch := w.epoch.Load()
	if err := w.lib.FindObjectsInit(s.h, template); err != nil {
		return nil, pkcs11Error("C_FindObjectsInit", err)
	}
	var all []pkcs11.ObjectHandle
	for len(all) < limit {
		found, _, err := w.lib.FindObjects(s.h, min(limit-len(all), 256))
		if err != nil {
			_ = w.lib.FindObjectsFinal(s.h) // the first error is the one to tell
			return nil, pkcs11Error("C_FindObjects", err)
		}
		if len(found) == 0 {
			break
		}
		all = append(all, found...)
	}
	err := pkcs11Error("C_FindObjectsFinal", w.lib.FindObjectsFinal(s.h))
	if err == nil && len(all) == 0 {
		err = w.checkNone(s, epoch)
	}
	return all, err
}

// checkNone tells a search that found nothing from a missing token or login: a
// module may go on answering for a token that was removed, with no objects in it,
// and hides private objects from sessions that are not logged in. epoch is that of
// the login before the search: one that came meanwhile may have come too late.
func (w *worker) checkNone(s *session, epoch uint64) error {
	si, err := w.lib.GetSessionInfo(s.h)
	if err != nil {
		return pkcs11Error("C_GetSessionInfo", err)
	}
	w.loginMu.Lock() // or a C_Login may be over that is not counted yet
	again := w.epoch.Load() != epoch
	w.loginMu.Unlock()
	if again || si.State != pkcs11.CKS_RO_USER_FUNCTIONS && si.State != pkcs11.CKS_RW_USER_FUNCTIONS {
		return &Error{Op: "C_GetSessionInfo", Class: ClassLogin, Code: pkcs11.CKR_USER_NOT_LOGGED_IN}
	}
	ti, err := w.lib.GetTokenInfo(w.slot)
	if err != nil {
		return pkcs11Error("C_GetTokenInfo", err)
	}
	if ti.SerialNumber != w.serial {
		return &Error{Op: "C_GetTokenInfo", Class: ClassTokenGone, Code: pkcs11.CKR_TOKEN_NOT_RECOGNIZED}
	}
	return nil
}

// attrs builds a template from pairs of type and value.
func attrs(pairs ...any) []*pkcs11.Attribute {
	var out []*pkcs11.Attribute
	for i := 0; i+1 < len(pairs); i += 2 {
		var typ uint
		switch t := pairs[i].(type) {
		case int:
			typ = uint(t)
		case uint:
			typ = t
		}
		out = append(out, pkcs11.NewAttribute(typ, pairs[i+1]))
	}
	return out
}

// attribute reads one attribute; absent ones are empty.
func (w *worker) attribute(s *session, h pkcs11.ObjectHandle, typ uint) ([]byte, error) {
	a, err := w.lib.GetAttributeValue(s.h, h, []*pkcs11.Attribute{{Type: typ}})
	if err != nil {
		return nil, pkcs11Error("C_GetAttributeValue", err)
	}
	return a[0].Value, nil
}

// isTrue reports whether a boolean attribute is CK_TRUE.
func (w *worker) isTrue(s *session, h pkcs11.ObjectHandle, typ uint) (bool, error) {
	v, err := w.attribute(s, h, typ)
	return bytes.Equal(v, []byte{1}), err
}
