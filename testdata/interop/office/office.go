// Package office is a small signing office for the interoperability run and
// the benchmarks: a fresh SoftHSM token, the laboratory PKI on loopback, and
// keys with certificates.
//
// It is for those two only: its PINs are in its source. Everything lives in
// one directory; a second process can Attach to the office that a first one
// keeps open, so that a measurement does not measure the PKI as well.
//
// A program that uses it must call RunIfWorker first thing in main.
package office

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// PIN and Token open the token with any PKCS#11 program.
const (
	PIN   = "contoh-4711"
	Token = "absah-interop"

	soPIN = "contoh-0815"
)

// RunIfWorker turns the process into the PKCS#11 worker, for ever, when it
// was started as one; otherwise it does nothing.
func RunIfWorker() {
	if len(os.Args) != 2 || os.Args[1] != hsm.WorkerCommand {
		return
	}
	if err := hsm.RunWorker(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Office is an open office. Close it.
type Office struct {
	Module *hsm.Module
	Signer *signer.Signer

	dir  string
	lab  *lab.Lab // nil when attached
	note note
}

// note is what an attached process must know.
type note struct {
	Library, TSA, Addr string
}

// Identity is a key with its certificate.
type Identity struct {
	Key         *hsm.Key
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // certificates between it and the root
}

// Open makes the office in the empty directory dir.
func Open(ctx context.Context, dir string) (*Office, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	o := &Office{dir: dir}
	if o.note.Library = hsm.FindSoftHSM(); o.note.Library == "" {
		return nil, errors.New("SoftHSM is not installed (Debian package softhsm2)")
	}
	if err := o.initToken(ctx); err != nil {
		return nil, err
	}
	if o.lab, err = lab.Start(lab.Config{}); err != nil {
		return nil, err
	}
	o.note.TSA, o.note.Addr = o.lab.TSAURL(), o.lab.Addr()
	b, err := json.Marshal(o.note)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "note.json"), b, 0o600),
		os.WriteFile(o.Trust(), o.lab.TrustPEM(), 0o600),
	); err != nil {
		return nil, err
	}
	return o, o.start(ctx)
}

// Attach joins the office that another process keeps open in dir.
func Attach(ctx context.Context, dir string) (*Office, error) {
	o := &Office{dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "note.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &o.note); err != nil {
		return nil, err
	}
	return o, o.start(ctx)
}

// Close ends what this process started.
func (o *Office) Close() error {
	var errs []error
	if o.Module != nil {
		errs = append(errs, o.Module.Close())
	}
	if o.lab != nil {
		errs = append(errs, o.lab.Close())
	}
	return errors.Join(errs...)
}

// Trust is the PEM file with the trust anchor.
func (o *Office) Trust() string { return filepath.Join(o.dir, "trust.pem") }

// PINFile holds the PIN of the token.
func (o *Office) PINFile() string { return filepath.Join(o.dir, "pin") }

// Addr is host and port of everything that the PKI serves.
func (o *Office) Addr() string { return o.note.Addr }

// Library is the PKCS#11 library of the token.
func (o *Office) Library() string { return o.note.Library }

// Env is the environment entry that the library needs.
func (o *Office) Env() string { return "SOFTHSM2_CONF=" + filepath.Join(o.dir, "softhsm2.conf") }

func (o *Office) config() hsm.Config {
	return hsm.Config{
		Module:  o.note.Library,
		Token:   Token,
		PINFile: o.PINFile(),
		Timeout: 30 * time.Second, // the machine may be busy; the run is bounded elsewhere
		Env:     append(os.Environ(), o.Env()),
	}
}

func (o *Office) initToken(ctx context.Context) error {
	tokens := filepath.Join(o.dir, "tokens")
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens)
	if err := errors.Join(
		os.MkdirAll(tokens, 0o700),
		os.WriteFile(filepath.Join(o.dir, "softhsm2.conf"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(o.dir, "pin"), []byte(PIN), 0o600),
	); err != nil {
		return err
	}
	return hsm.InitToken(ctx, o.config(), []byte(soPIN))
}

func (o *Office) start(ctx context.Context) (err error) {
	if o.Module, err = hsm.Start(ctx, o.config()); err != nil {
		return err
	}
	ders, err := readCertificates(o.Trust())
	if err != nil {
		return err
	}
	source, err := fetch.New(fetch.Config{Allow: []string{o.note.Addr}})
	if err != nil {
		return err
	}
	tsa, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{o.note.TSA}, Anchors: ders})
	if err != nil {
		return err
	}
	anchors := pki.NewAnchors(ders...)
	o.Signer, err = signer.New(signer.Config{Timestamper: tsa, Source: source, Anchors: anchors, TSAAnchors: anchors})
	return err
}

// Issue makes a key in the token and certifies it; only the process that
// opened the office can. The label is the person's office, never a person.
func (o *Office) Issue(ctx context.Context, label string, alg hsm.Algorithm) (*Identity, error) {
	if _, err := o.Module.Generate(ctx, hsm.KeySpec{Label: label, Algorithm: alg}); err != nil {
		return nil, err
	}
	return o.Certify(ctx, label)
}

// Certify certifies a key that is in the token already.
func (o *Office) Certify(ctx context.Context, label string) (*Identity, error) {
	key, err := o.Module.Key(ctx, label)
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{Country: []string{"ID"}, Organization: []string{"Pemerintah Kabupaten Contoh"}, CommonName: "Segel " + label}
	cert, chain, err := o.lab.Issue(key.Public(), subject, lab.IssueOptions{})
	if err != nil {
		return nil, err
	}
	all := append([]*x509.Certificate{cert}, chain...)
	if err := os.WriteFile(o.ChainFile(label), lab.ChainPEM(all...), 0o600); err != nil {
		return nil, err
	}
	return &Identity{Key: key, Certificate: cert, Chain: chain}, nil
}

// CertifyRequest certifies the key of a request (PKCS #10) and writes the chain
// to a file.
func (o *Office) CertifyRequest(request []byte, file string) error {
	cert, chain, err := o.lab.IssueCSR(request, lab.IssueOptions{})
	if err != nil {
		return err
	}
	return os.WriteFile(file, lab.ChainPEM(append([]*x509.Certificate{cert}, chain...)...), 0o600)
}

// Identity returns what Issue made under the label.
func (o *Office) Identity(ctx context.Context, label string) (*Identity, error) {
	key, err := o.Module.Key(ctx, label)
	if err != nil {
		return nil, err
	}
	all, err := readCertificates(o.ChainFile(label))
	if err != nil {
		return nil, err
	}
	return &Identity{Key: key, Certificate: all[0], Chain: all[1:]}, nil
}

// ChainFile is the PEM file with the certificate of the key under the label, and
// its chain.
func (o *Office) ChainFile(label string) string { return filepath.Join(o.dir, label+".pem") }

func readCertificates(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no certificate", path)
	}
	return all, nil
}
