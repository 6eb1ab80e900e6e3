package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata"
)

// demoToken is the label of the demo's token, demoSeal that of its seal key.
const (
	demoToken = "absah-demo"
	demoSeal  = "seal"
)

// softHSMModules are the places where Debian, Fedora, Alpine and Homebrew
// install SoftHSM.
var softHSMModules = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
}

func newDemoCommand() *cobra.Command {
	var (
		d    demo
		once bool
	)
	cmd := &cobra.Command{
		Use:   "demo [flags]",
		Short: "Make a SoftHSM token and a small PKI, sign a letter to B-LTA, and serve",
		Long: `Demo shows everything on one machine: a SoftHSM token whose keys cannot leave it, a
PKI with live OCSP, CRL and timestamps on a loopback address, a seal, two signers, and a
letter signed to PAdES B-LTA. All files stay in --dir; the same folder can be used again.
The demo's certificates mean nothing: do not trust DIR/trust.pem for real documents.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			ctx := cmd.Context()
			if err := d.start(ctx); err != nil {
				return errors.Join(err, d.close())
			}
			d.explain(once)
			if !once {
				fmt.Fprintf(d.out, "\nServing. Stop with Ctrl-C.\n")
				<-ctx.Done()
			}
			return d.close()
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", "demo", "`folder` for everything the demo makes")
	cmd.Flags().StringVar(&d.listen, "listen", "", "loopback `address` of the demo PKI (default: the folder's last one, or a free port)")
	cmd.Flags().BoolVar(&once, "once", false, "stop when the files are written")
	return cmd
}

// demo is one run of "absah demo".
type demo struct {
	dir, listen string
	out         io.Writer

	softHSM string // library
	pki     *lab.Lab
	module  *hsm.Module
}

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

// start makes whatever the folder lacks, signs the letter and reports.
func (d *demo) start(ctx context.Context) error {
	steps := []struct {
		what string
		run  func(context.Context) (string, error)
	}{
		{"Token", d.makeToken},
		{"PKI", d.startPKI},
		{"Seal", d.makeSeal},
		{"Signers", d.makeSigners},
		{"Letter", d.signLetter},
		{"Check", d.checkLetter},
	}
	for _, s := range steps {
		began := time.Now()
		said, err := s.run(ctx)
		if err != nil {
			return fmt.Errorf("demo %s: %w", s.what, err)
		}
		fmt.Fprintf(d.out, "%-8s %s  (%s)\n", s.what, said, time.Since(began).Round(time.Millisecond))
	}
	return nil
}

func (d *demo) close() error {
	var errs []error
	if d.module != nil {
		errs = append(errs, d.module.Close())
	}
	if d.pki != nil {
		errs = append(errs, d.pki.Close())
	}
	return errors.Join(errs...)
}

// makeToken makes folder, SoftHSM configuration, PIN and token, and starts the
// module. What is there already is used.
func (d *demo) makeToken(ctx context.Context) (string, error) {
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return "", err
	}
	d.dir = dir
	if err := os.MkdirAll(d.path("tokens"), 0o700); err != nil {
		return "", &outputError{err}
	}
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", d.path("tokens"))
	if err := writeFile(d.path("softhsm2.conf"), []byte(conf), 0o644); err != nil {
		return "", err
	}
	for _, secret := range []string{"pin", "api-key"} {
		if err := d.makeSecret(secret); err != nil {
			return "", err
		}
	}
	if d.softHSM, err = findSoftHSM(); err != nil {
		return "", err
	}
	cfg := hsm.Config{
		Module: d.softHSM, Token: demoToken, PINFile: d.path("pin"),
		Env: []string{"SOFTHSM2_CONF=" + d.path("softhsm2.conf")},
	}
	said := "made"
	switch err := hsm.InitToken(ctx, cfg, []byte(rand.Text())); {
	case errors.Is(err, hsm.ErrTokenExists):
		said = "found"
	case err != nil:
		return "", err
	}
	if d.module, err = hsm.Start(ctx, cfg); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %q in SoftHSM", said, demoToken), nil
}

// makeSecret writes a file with a random secret unless it is there.
func (d *demo) makeSecret(name string) error {
	if _, err := os.Stat(d.path(name)); err == nil {
		return nil
	}
	return writeFile(d.path(name), []byte(rand.Text()+"\n"), 0o600)
}

func findSoftHSM() (string, error) {
	for _, name := range softHSMModules {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: SoftHSM is not installed; on Debian: apt-get install softhsm2", hsm.ErrUnavailable)
}

func (d *demo) startPKI(context.Context) (string, error) {
	var err error
	d.pki, err = lab.Start(lab.Config{
		Dir: d.path("pki"), Addr: d.listen, RootKey: lab.RSA3072, Key: lab.RSA2048,
	})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "", usageErrorf("%v: is a demo running already? name another --listen or --dir", err)
	case err != nil && d.listen != "":
		return "", usageErrorf("--listen: %v", err)
	case err != nil:
		return "", err
	}
	if err := writeFile(d.path("trust.pem"), d.pki.TrustPEM(), 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("root, issuing CA, OCSP, CRL and TSA on %s", d.pki.URL()), nil
}

// makeSeal makes the resident key of the organisation's seal and has it
// certified.
func (d *demo) makeSeal(ctx context.Context) (string, error) {
	key, err := d.module.Key(ctx, demoSeal)
	if errors.Is(err, hsm.ErrKeyNotFound) {
		key, err = d.module.Generate(ctx, hsm.KeySpec{Label: demoSeal, Algorithm: hsm.RSA2048})
	}
	if err != nil {
		return "", err
	}
	if chain, err := readCertificates(d.path("seal.pem")); err == nil && d.usable(chain[0], key) {
		return "found " + describe(chain[0]), nil
	}
	const name = "Pemerintah Kabupaten Contoh"
	return "made RSA-2048 key and certificate of " + name, d.certify(key, name, "seal.pem")
}

// usable says whether a stored certificate fits the key and this PKI today.
func (d *demo) usable(cert *x509.Certificate, key *hsm.Key) bool {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return err == nil && bytes.Equal(der, cert.RawSubjectPublicKeyInfo) &&
		time.Now().Before(cert.NotAfter) && cert.CheckSignatureFrom(d.pki.Issuing()) == nil
}

func describe(cert *x509.Certificate) string {
	return fmt.Sprintf("%s, %s, until %s", cert.Subject.CommonName, cert.PublicKeyAlgorithm, cert.NotAfter.Format(time.DateOnly))
}

// signLetter signs the sample letter to B-LTA with the seal.
func (d *demo) signLetter(ctx context.Context) (string, error) {
	s, end, err := d.signer()
	if err != nil {
		return "", err
	}
	defer end()
	chain, err := readCertificates(d.path("seal.pem"))
	if err != nil {
		return "", err
	}
	key, err := d.module.Key(ctx, demoSeal)
	if err != nil {
		return "", err
	}
	result, err := s.Sign(ctx, signer.Input{Reader: bytes.NewReader(testdata.Letter), Size: int64(len(testdata.Letter))},
		signer.Request{
			Key: key.WithContext(ctx), Certificate: chain[0], Chain: chain[1:],
			Level: signer.LTA, At: time.Now(), Reason: "Naskah dinas resmi", Location: "Kabupaten Contoh",
			Visible: &signer.Visible{
				X: 341, Y: 133, Width: 190, Height: 56,
				QR: "https://contoh.go.id/d/2f6c1f0ab7", Name: chain[0].Subject.CommonName,
			},
		})
	if err != nil {
		return "", err
	}
	signed := append(bytes.Clone(testdata.Letter), result.Tail...)
	if err := writeFile(d.path("signed.pdf"), signed, 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("signed to PAdES-BASELINE-%s: %d + %d bytes", result.Level.String()[2:], len(testdata.Letter), len(result.Tail)), nil
}

// signer is wired like that of "absah sign", for the demo's own PKI, and
// returned with what ends its connections.
func (d *demo) signer() (*signer.Signer, func(), error) {
	stamper, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{d.pki.TSAURL()}, Trust: trustTSA(d.pki.Anchors())})
	if err != nil {
		return nil, nil, err
	}
	source, err := fetch.New(fetch.Config{Allow: []string{d.pki.Addr()}})
	if err != nil {
		return nil, nil, err
	}
	s, err := signer.New(signer.Config{Timestamper: stamper, Source: source, Anchors: d.pki.Anchors()})
	return s, func() { source.Close() }, err
}

// explain says what can be done now; the services end with the demo.
func (d *demo) explain(once bool) {
	level := fmt.Sprintf("B-LTA --tsa %s --allow-host %s --trust %s", d.pki.TSAURL(), d.pki.Addr(), quote(d.path("trust.pem")))
	if once {
		level = "B-B"
	}
	fmt.Fprintf(d.out, `
Open %s in any PDF reader, or check it with other tools:
  pdfsig %[1]s
  qpdf --check %[1]s
Sign your own file with the seal:
  SOFTHSM2_CONF=%s %s sign --module %s --token %s \
    --pin-file %s --key %s --cert %s \
    --level %s IN.pdf OUT.pdf
`, quote(d.path("signed.pdf")), quote(d.path("softhsm2.conf")), quote(os.Args[0]), d.softHSM, demoToken,
		quote(d.path("pin")), demoSeal, quote(d.path("seal.pem")), level)
	if once {
		fmt.Fprintln(d.out, "Higher levels need the timestamps, OCSP and CRL that the demo serves without --once.")
	}
}

// quote makes a path one word for a POSIX shell.
func quote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune("\"'\\$`|&;<>()*?[]#~!{}", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
