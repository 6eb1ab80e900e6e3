package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/miekg/pkcs11"

	"github.com/absah-id/absah/testdata/interop/office"
)

// pool is a number of PKCS#11 sessions in this process, without any of the
// safeguards of package hsm: the fastest way there is to the same key.
type pool struct {
	module   *pkcs11.Ctx
	sessions []pkcs11.SessionHandle
	free     chan pkcs11.SessionHandle
	key      pkcs11.ObjectHandle
}

// makeKey generates the key that all are measured with. Keys that package hsm
// makes are bound to mechanisms that hash in the module; pdfsign needs the one
// that signs a digest.
func (t *task) makeKey(ctx context.Context) (result, error) {
	o, err := office.Attach(ctx, t.dir)
	if err != nil {
		return result{}, err
	}
	defer o.Close()
	p, err := login(o, 1)
	if err != nil {
		return result{}, err
	}
	defer p.close()
	named := func(class uint, more ...*pkcs11.Attribute) []*pkcs11.Attribute {
		return append([]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(label)),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		}, more...)
	}
	_, _, err = p.module.GenerateKeyPair(p.sessions[0],
		[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil)},
		named(pkcs11.CKO_PUBLIC_KEY,
			pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
			pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1})),
		named(pkcs11.CKO_PRIVATE_KEY,
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
			pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false)))
	return result{}, err
}

// openPool logs in and finds the private key.
func openPool(o *office.Office, sessions int) (*pool, error) {
	p, err := login(o, sessions)
	if err != nil {
		return nil, err
	}
	return p, p.find()
}

// login opens the sessions, which may write.
func login(o *office.Office, sessions int) (*pool, error) {
	name, value, _ := strings.Cut(o.Env(), "=")
	if err := os.Setenv(name, value); err != nil {
		return nil, err
	}
	p := &pool{module: pkcs11.New(o.Library()), free: make(chan pkcs11.SessionHandle, sessions)}
	if p.module == nil {
		return nil, fmt.Errorf("cannot load %s", o.Library())
	}
	if err := p.module.Initialize(); err != nil {
		return nil, err
	}
	slot, err := p.slot()
	if err != nil {
		return nil, err
	}
	for range sessions {
		s, err := p.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			return nil, err
		}
		p.sessions = append(p.sessions, s)
		p.free <- s
	}
	if err := p.module.Login(p.sessions[0], pkcs11.CKU_USER, office.PIN); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *pool) close() error {
	return errors.Join(p.module.Finalize(), func() error { p.module.Destroy(); return nil }())
}

func (p *pool) slot() (uint, error) {
	slots, err := p.module.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	for _, s := range slots {
		info, err := p.module.GetTokenInfo(s)
		if err != nil {
			return 0, err
		}
		if info.Label == office.Token {
			return s, nil
		}
	}
	return 0, fmt.Errorf("no token %q", office.Token)
}

func (p *pool) find() error {
	s := p.sessions[0]
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	}
	if err := p.module.FindObjectsInit(s, template); err != nil {
		return err
	}
	found, _, err := p.module.FindObjects(s, 1)
	if err := errors.Join(err, p.module.FindObjectsFinal(s)); err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("no key %q", label)
	}
	p.key = found[0]
	return nil
}

// signMessage hashes in the module, as Absah does; session is an index.
func (p *pool) signMessage(session int, message []byte) ([]byte, error) {
	s := p.sessions[session]
	m := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256_RSA_PKCS, nil)}
	if err := p.module.SignInit(s, m, p.key); err != nil {
		return nil, err
	}
	return p.module.Sign(s, message)
}

// digestSigner is the key as the crypto.Signer that pdfsign wants.
type digestSigner struct {
	pool   *pool
	public crypto.PublicKey
}

func newDigestSigner(p *pool, cert *x509.Certificate) (*digestSigner, error) {
	if _, ok := cert.PublicKey.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("not an RSA key: %T", cert.PublicKey)
	}
	return &digestSigner{pool: p, public: cert.PublicKey}, nil
}

func (d *digestSigner) Public() crypto.PublicKey { return d.public }

// sha256Info is the DER of DigestInfo up to the digest (RFC 8017 §9.2).
var sha256Info = []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}

// Sign implements crypto.Signer for SHA-256 and PKCS #1 v1.5.
func (d *digestSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, fmt.Errorf("hash %v of %d bytes", opts.HashFunc(), len(digest))
	}
	s := <-d.pool.free
	defer func() { d.pool.free <- s }()
	m := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil)}
	if err := d.pool.module.SignInit(s, m, d.pool.key); err != nil {
		return nil, err
	}
	return d.pool.module.Sign(s, append(sha256Info[:len(sha256Info):len(sha256Info)], digest...))
}
