package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/hsm/hsmtest"
)

func wantCKR(t *testing.T, what string, err error, want ...uint) {
	t.Helper()
	for _, w := range want {
		if err == pkcs11.Error(w) {
			return
		}
	}
	t.Errorf("%s: got %v, want one of %v", what, err, want)
}

// Somebody with the PIN and a program of his own cannot take keys out of the
// token, nor make them sign what he has padded himself.
func TestKeysStayInside(t *testing.T) {
	tok := hsmtest.New(t)
	m := tok.Start(t)
	for _, alg := range []hsm.Algorithm{hsm.RSA2048, hsm.P256, hsm.Ed25519} {
		hsmtest.Generate(t, m, alg.String(), alg)
	}
	newVault(t, m)
	raw := openRaw(t, tok)
	wrap := raw.find(t, pkcs11.CKO_SECRET_KEY, "absah-wrapping")
	pepper := raw.find(t, pkcs11.CKO_SECRET_KEY, "absah-pepper")
	secrets := map[string]pkcs11.ObjectHandle{"wrapping key": wrap, "pepper": pepper}
	for _, alg := range []hsm.Algorithm{hsm.RSA2048, hsm.P256, hsm.Ed25519} {
		secrets[alg.String()] = raw.find(t, pkcs11.CKO_PRIVATE_KEY, alg.String())
	}
	for name, h := range secrets {
		for _, typ := range []uint{pkcs11.CKA_VALUE, pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1} {
			_, err := raw.lib.GetAttributeValue(raw.s, h, []*pkcs11.Attribute{{Type: typ}})
			wantCKR(t, name+": C_GetAttributeValue", err, pkcs11.CKR_ATTRIBUTE_SENSITIVE, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID)
		}
		_, err := raw.lib.WrapKey(raw.s, mechanism(pkcs11.CKM_AES_KEY_WRAP_PAD), wrap, h)
		wantCKR(t, name+": C_WrapKey", err, pkcs11.CKR_KEY_UNEXTRACTABLE, pkcs11.CKR_KEY_NOT_WRAPPABLE)
		err = raw.lib.SetAttributeValue(raw.s, h, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true)})
		wantCKR(t, name+": C_SetAttributeValue", err, pkcs11.CKR_ATTRIBUTE_READ_ONLY)
		_, err = raw.lib.CopyObject(raw.s, h, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false)})
		wantCKR(t, name+": C_CopyObject", err, pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_TEMPLATE_INCONSISTENT)
	}
	for _, code := range []uint{pkcs11.CKM_RSA_PKCS, pkcs11.CKM_RSA_X_509, pkcs11.CKM_RSA_PKCS_PSS, pkcs11.CKM_SHA1_RSA_PKCS} {
		wantCKR(t, "C_SignInit with a mechanism that is not allowed", raw.lib.SignInit(raw.s, mechanism(code), secrets["RSA-2048"]), pkcs11.CKR_MECHANISM_INVALID)
	}
	wantCKR(t, "C_DecryptInit", raw.lib.DecryptInit(raw.s, mechanism(pkcs11.CKM_RSA_PKCS), secrets["RSA-2048"]), pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED)
	for _, code := range []uint{pkcs11.CKM_AES_ECB, pkcs11.CKM_AES_CBC_PAD} {
		m := []*pkcs11.Mechanism{pkcs11.NewMechanism(code, make([]byte, 16))}
		wantCKR(t, "C_DecryptInit with the wrapping key", raw.lib.DecryptInit(raw.s, m, wrap), pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED)
	}
}

func mechanism(code uint) []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(code, nil)}
}

// A personal key that was wrapped, in the hands of somebody with the PIN,
// unwraps only into an object that shows nothing and does not stay.
func TestUnwrapTemplate(t *testing.T) {
	tok := hsmtest.New(t)
	newVault(t, tok.Start(t))
	raw := openRaw(t, tok)
	wrap := raw.find(t, pkcs11.CKO_SECRET_KEY, "absah-wrapping")
	_, priv, err := raw.lib.GenerateKeyPair(raw.s, mechanism(pkcs11.CKM_EC_KEY_PAIR_GEN),
		[]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})},
		[]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true)})
	check(t, err)
	wrapped, err := raw.lib.WrapKey(raw.s, mechanism(pkcs11.CKM_AES_KEY_WRAP_PAD), wrap, priv)
	check(t, err)
	// SoftHSM wants every attribute of the unwrap template to be asked for.
	unwrap := func(token, sensitive, extractable bool) (pkcs11.ObjectHandle, error) {
		return raw.lib.UnwrapKey(raw.s, mechanism(pkcs11.CKM_AES_KEY_WRAP_PAD), wrap, wrapped, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC),
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, token),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, sensitive), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, extractable)})
	}
	tests := []struct {
		name                          string
		token, sensitive, extractable bool
	}{
		{"as a token object", true, true, false},
		{"not sensitive", false, false, false},
		{"extractable", false, true, true},
	}
	for _, tt := range tests {
		_, err := unwrap(tt.token, tt.sensitive, tt.extractable)
		wantCKR(t, "C_UnwrapKey "+tt.name, err, pkcs11.CKR_TEMPLATE_INCONSISTENT)
	}
	h, err := unwrap(false, true, false)
	check(t, err)
	_, err = raw.lib.GetAttributeValue(raw.s, h, []*pkcs11.Attribute{{Type: pkcs11.CKA_VALUE}})
	wantCKR(t, "C_GetAttributeValue", err, pkcs11.CKR_ATTRIBUTE_SENSITIVE)
}

// A wrapping key of the right name that could also decrypt is refused.
func TestUnsafeWrappingKey(t *testing.T) {
	tok := hsmtest.New(t)
	raw := openRaw(t, tok)
	attr := pkcs11.NewAttribute
	_, err := raw.lib.GenerateKey(raw.s, mechanism(pkcs11.CKM_AES_KEY_GEN), []*pkcs11.Attribute{
		attr(pkcs11.CKA_TOKEN, true), attr(pkcs11.CKA_LABEL, "absah-wrapping"), attr(pkcs11.CKA_VALUE_LEN, 32), attr(pkcs11.CKA_SENSITIVE, true),
		attr(pkcs11.CKA_EXTRACTABLE, false), attr(pkcs11.CKA_WRAP, true), attr(pkcs11.CKA_UNWRAP, true), attr(pkcs11.CKA_DECRYPT, true)})
	check(t, err)
	if _, err := tok.Start(t).Vault(t.Context(), hsm.VaultConfig{Create: true}); !errors.Is(err, hsm.ErrUnsafeKey) {
		t.Errorf("Vault: got %v, want %v", err, hsm.ErrUnsafeKey)
	}
}

// Keys of other programs: two under one label, and one that could leave.
func TestForeignKeys(t *testing.T) {
	tok := hsmtest.New(t)
	raw := openRaw(t, tok)
	attr := pkcs11.NewAttribute
	make := func(label string, id byte, extractable bool) {
		common := func(a ...*pkcs11.Attribute) []*pkcs11.Attribute {
			return append(a, attr(pkcs11.CKA_TOKEN, true), attr(pkcs11.CKA_LABEL, label), attr(pkcs11.CKA_ID, []byte{id}))
		}
		_, _, err := raw.lib.GenerateKeyPair(raw.s, mechanism(pkcs11.CKM_EC_KEY_PAIR_GEN),
			common(attr(pkcs11.CKA_EC_PARAMS, []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})),
			common(attr(pkcs11.CKA_SIGN, true), attr(pkcs11.CKA_EXTRACTABLE, extractable)))
		check(t, err)
	}
	make("twin", 1, false)
	make("twin", 2, false)
	make("loose", 3, true)
	m := tok.Start(t)
	if _, err := m.Key(t.Context(), "twin"); !errors.Is(err, hsm.ErrAmbiguousKey) {
		t.Errorf("Key: got %v, want %v", err, hsm.ErrAmbiguousKey)
	}
	if err := m.Delete(t.Context(), "twin"); !errors.Is(err, hsm.ErrAmbiguousKey) {
		t.Errorf("Delete: got %v, want %v", err, hsm.ErrAmbiguousKey)
	}
	if err := m.DeleteID(t.Context(), []byte{1}); err != nil {
		t.Errorf("DeleteID: %v", err)
	}
	if k, err := m.Key(t.Context(), "twin"); err != nil || !bytes.Equal(k.Info().ID, []byte{2}) {
		t.Errorf("the other twin: %v, %v", k, err)
	}
	if err := m.DeleteID(t.Context(), []byte{1}); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("DeleteID again: got %v, want %v", err, hsm.ErrKeyNotFound)
	}
	k, err := m.Key(t.Context(), "loose")
	if err != nil {
		t.Fatal(err)
	}
	if !k.Info().Extractable {
		t.Error("an extractable key does not say so")
	}
	if list, err := m.Keys(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("Keys: got %d, %v, want 2", len(list), err)
	}
}

func TestCertificateRequest(t *testing.T) {
	t.Parallel()
	m := hsmtest.New(t).Start(t)
	subject := pkix.Name{CommonName: "Bupati Contoh", Organization: []string{"Pemerintah Kabupaten Contoh"}, Country: []string{"ID"}}
	for _, alg := range []hsm.Algorithm{hsm.RSA2048, hsm.P384, hsm.Ed25519} {
		k := hsmtest.Generate(t, m, alg.String(), alg)
		der, err := k.CertificateRequest(t.Context(), subject.ToRDNSequence())
		if err != nil {
			t.Fatalf("%v: %v", alg, err)
		}
		req, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := req.CheckSignature(); err != nil {
			t.Errorf("%v: %v", alg, err)
		}
		if req.Subject.CommonName != subject.CommonName || !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(req.PublicKey) {
			t.Errorf("%v: request for %v", alg, req.Subject)
		}
	}
	k, err := m.Key(t.Context(), hsm.P384.String())
	if err != nil {
		t.Fatal(err)
	}
	numbers := []struct {
		value string
		want  error
	}{
		{"3201010101010001", hsm.ErrNIK},
		{"NIK 32.01.01-010101-0001", hsm.ErrNIK},
		{"198001012005011001", nil}, // 18 digits
		{"dinas-07", nil},
	}
	for _, tt := range numbers {
		s := subject
		s.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: tt.value}}
		if _, err := k.CertificateRequest(t.Context(), s.ToRDNSequence()); !errors.Is(err, tt.want) {
			t.Errorf("serialNumber %q: got %v, want %v", tt.value, err, tt.want)
		}
	}
}
