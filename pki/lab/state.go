package lab

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// register is what an authority must remember.
type register struct {
	Addr   string           `json:"addr"`
	Issued map[string]entry `json:"issued"` // by serial number in hexadecimal
}

type entry struct {
	Subject   string    `json:"subject"`
	ByRoot    bool      `json:"byRoot,omitempty"`
	NotAfter  time.Time `json:"notAfter"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
	Reason    int       `json:"reason,omitempty"`
}

const registerFile = "register.json"

// load reads the register, if Dir has one.
func (l *Lab) load() error {
	l.register = register{Issued: make(map[string]entry)}
	if l.cfg.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(l.cfg.Dir, registerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := json.Unmarshal(b, &l.register); err != nil {
		return fmt.Errorf("lab: %s: %w", registerFile, err)
	}
	if l.register.Issued == nil {
		l.register.Issued = make(map[string]entry)
	}
	return nil
}

// save writes the register whole or not at all. The caller holds mu.
func (l *Lab) save() error {
	if l.cfg.Dir == "" {
		return nil
	}
	l.register.Addr = l.addr
	b, err := json.MarshalIndent(l.register, "", " ")
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return writeFile(filepath.Join(l.cfg.Dir, registerFile), b)
}

func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lab: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// establish makes every authority that Dir does not have yet.
func (l *Lab) establish() error {
	var err error
	self := func(t *x509.Certificate) func(crypto.Signer) (*x509.Certificate, error) {
		return func(key crypto.Signer) (*x509.Certificate, error) {
			return create(t, key.Public(), &authority{key: key})
		}
	}
	by := func(t *x509.Certificate, issuer **authority) func(crypto.Signer) (*x509.Certificate, error) {
		return func(key crypto.Signer) (*x509.Certificate, error) { return l.sign(t, key.Public(), *issuer) }
	}
	tsa, err := l.tsaTemplate()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	badTSA, badResponder := *tsa, *l.responderTemplate("Responder OCSP Contoh")
	badTSA.ExtraExtensions, badTSA.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	badResponder.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	for _, step := range []struct {
		file  string
		key   KeyAlgorithm
		dst   **authority
		issue func(crypto.Signer) (*x509.Certificate, error)
	}{
		{"root", l.cfg.RootKey, &l.root, self(l.rootTemplate())},
		{"issuing", l.cfg.Key, &l.issuing, by(l.issuingTemplate(), &l.root)},
		{"tsa", l.cfg.Key, &l.tsa, by(tsa, &l.issuing)},
		{"ocsp-root", l.cfg.Key, &l.rootResponder, by(l.responderTemplate("Responder OCSP Root Contoh"), &l.root)},
		{"ocsp-issuing", l.cfg.Key, &l.caResponder, by(l.responderTemplate("Responder OCSP Contoh"), &l.issuing)},
	} {
		if *step.dst, err = l.authority(step.file, step.key, step.issue); err != nil {
			return err
		}
	}
	// The misfits share the good keys: nothing but the usage is wrong.
	if l.badTSA, err = l.misfit(&badTSA, l.tsa); err != nil {
		return err
	}
	l.badResponder, err = l.misfit(&badResponder, l.caResponder)
	return err
}

func (l *Lab) misfit(t *x509.Certificate, good *authority) (*authority, error) {
	cert, err := create(t, good.key.Public(), l.issuing)
	return &authority{key: good.key, cert: cert}, err
}

// authority loads name.key and name.pem from Dir, or makes them.
func (l *Lab) authority(name string, alg KeyAlgorithm, issue func(crypto.Signer) (*x509.Certificate, error)) (*authority, error) {
	if l.cfg.Dir != "" {
		a, err := loadAuthority(filepath.Join(l.cfg.Dir, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return a, err
		}
	}
	key, err := generate(alg)
	if err != nil {
		return nil, err
	}
	cert, err := issue(key)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key, cert: cert}
	if l.cfg.Dir == "" {
		return a, nil
	}
	return a, a.save(filepath.Join(l.cfg.Dir, name))
}

// save writes the key last: a key file without its certificate would be read
// as a damaged authority, the other way round as an absent one.
func (a *authority) save(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := writeFile(path+".pem", ChainPEM(a.cert)); err != nil {
		return err
	}
	return writeFile(path+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func loadAuthority(path string) (*authority, error) {
	keyPEM, err := os.ReadFile(path + ".key")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	certPEM, err := os.ReadFile(path + ".pem")
	if err != nil {
		return nil, errors.New("lab: " + path + ".pem is missing beside its key")
	}
	kb, _ := pem.Decode(keyPEM)
	cb, _ := pem.Decode(certPEM)
	if kb == nil || cb == nil {
		return nil, errors.New("lab: " + path + ".key or .pem is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(kb.Bytes)
	if err != nil {
		return nil, fmt.Errorf("lab: %s.key: %w", path, err)
	}
	cert, err := x509.ParseCertificate(cb.Bytes)
	if err != nil {
		return nil, fmt.Errorf("lab: %s.pem: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	pub, _ := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || pub == nil || !pub.Equal(signer.Public()) {
		return nil, errors.New("lab: " + path + ".key and .pem do not belong together")
	}
	return &authority{key: signer, cert: cert}, nil
}
