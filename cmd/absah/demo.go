package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki/lab"
)

// demoToken is the label of the demo's token, demoSeal that of its seal key.
const (
	demoToken = "absah-demo"
	demoSeal  = "seal"
)

func newDemoCommand() *cobra.Command {
	var d demo
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
			d.explain()
			if !d.once {
				fmt.Fprintf(d.out, "\nServing. Stop with Ctrl-C.\n")
				<-ctx.Done()
			}
			return d.close()
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", "demo", "`folder` for everything the demo makes")
	cmd.Flags().StringVar(&d.listen, "listen", "", "`address` of the gateway (default 127.0.0.1:8080, or a free port)")
	cmd.Flags().BoolVar(&d.once, "once", false, "stop when the files are written")
	return cmd
}

// demo is one run of "absah demo".
type demo struct {
	dir, listen string
	once        bool
	out         io.Writer

	found   bool   // the folder held a demo before
	softHSM string // library
	pki     *lab.Lab
	module  *hsm.Module // until the gateway has its own

	gateway   *gatewayService
	stop      context.CancelFunc // ends what served waits for
	served    chan error
	key       string // of the application
	signers   []demoSigner
	operation string // that signed the letter
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
		{"Gateway", d.startGateway},
		{"Signers", d.makeSigners},
		{"Client", d.makeApplication},
		{"Staff", d.makeStaff},
		{"Letter", d.signLetter},
		{"Check", d.checkLetter},
		{"Evidence", d.fetchEvidence},
	}
	for _, s := range steps {
		began := time.Now()
		said, err := s.run(ctx)
		if err != nil {
			return d.explainFailure(ctx, fmt.Errorf("demo %s: %w", s.what, err))
		}
		fmt.Fprintf(d.out, "%-9s %s  (%s)\n", s.what, said, time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// explainFailure says what to do about a folder that the demo cannot go on
// with: its files are those of an earlier version, or were changed.
func (d *demo) explainFailure(ctx context.Context, err error) error {
	if !d.found || ctx.Err() != nil {
		return err
	}
	switch exitStatus(err) {
	case statusUsage, statusUnavailable, statusOutput: // which no other folder mends, or which say so
		return err
	}
	return fmt.Errorf("%w\n  The demo in %s cannot be gone on with; it may be of an earlier version of absah. Delete the folder, or name another with --dir", err, d.dir)
}

func (d *demo) close() error {
	var errs []error
	if d.stop != nil {
		d.stop()
		errs = append(errs, <-d.served)
	}
	if d.gateway != nil {
		errs = append(errs, d.gateway.close())
	}
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
	if err := d.makeSecret("pin"); err != nil {
		return "", err
	}
	if d.softHSM = hsm.FindSoftHSM(); d.softHSM == "" {
		return "", &exitError{statusUnavailable, errors.New("SoftHSM is not installed; on Debian: apt-get install softhsm2")}
	}
	cfg := hsm.Config{
		Module: d.softHSM, Token: demoToken, PINFile: d.path("pin"),
		Env: []string{"SOFTHSM2_CONF=" + d.path("softhsm2.conf")},
	}
	said := "made"
	switch err := hsm.InitToken(ctx, cfg, []byte(rand.Text())); {
	case errors.Is(err, hsm.ErrTokenExists):
		said, d.found = "found", true
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

func (d *demo) startPKI(context.Context) (string, error) {
	var err error
	d.pki, err = lab.Start(lab.Config{
		Dir: d.path("pki"), RootKey: lab.RSA3072, Key: lab.RSA2048,
	})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "", usageErrorf("%v: is a demo running already? name another --dir", err)
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
	return "made RSA-2048 key and certificate of " + demoOffice, d.certify(ctx, key, demoOffice, "seal.pem")
}

// usable says whether a stored certificate fits the key and this PKI today.
func (d *demo) usable(cert *x509.Certificate, key *hsm.Key) bool {
	return samePublicKey(key, cert) && time.Now().Before(cert.NotAfter) && cert.CheckSignatureFrom(d.pki.Issuing()) == nil
}

func describe(cert *x509.Certificate) string {
	return fmt.Sprintf("%s, %s, until %s", cert.Subject.CommonName, cert.PublicKeyAlgorithm, cert.NotAfter.Format(time.DateOnly))
}

// certify has the demo's PKI certify a resident key and writes the chain to a
// file.
func (d *demo) certify(ctx context.Context, key *hsm.Key, commonName, file string) error {
	csr, err := key.CertificateRequest(ctx, demoSubject(commonName))
	if err != nil {
		return err
	}
	leaf, chain, err := d.pki.IssueCSR(csr, lab.IssueOptions{})
	if err != nil {
		return err
	}
	return writeChain(d.path(file), leaf, chain)
}

func demoSubject(commonName string) pkix.RDNSequence {
	return pkix.Name{CommonName: commonName, Organization: []string{"Kabupaten Contoh"}, Country: []string{"ID"}}.ToRDNSequence()
}

func writeChain(file string, leaf *x509.Certificate, chain []*x509.Certificate) error {
	return writeFile(file, lab.ChainPEM(append([]*x509.Certificate{leaf}, chain...)...), 0o644)
}

// explain says what can be done now; the services end with the demo.
func (d *demo) explain() {
	fmt.Fprintf(d.out, `
Open %s in any PDF reader, or check it with other tools:
  pdfsig %[1]s
  absah verify --trust %[2]s %[1]s
Settle a dispute about it offline:
  absah evidence verify --trust %[2]s --log-key %[3]s %[4]s
`, quote(d.path("signed.pdf")), quote(d.path("trust.pem")), quote(d.path("log-keys.txt")), quote(d.path("evidence.zip")))
	if d.once {
		fmt.Fprintln(d.out, "Without --once the gateway stays, and signs over HTTP.")
		return
	}
	fmt.Fprintf(d.out, `Seal your own file over HTTP:
  curl -H "Authorization: Bearer $(cat %s)" -F document=@IN.pdf -F 'request={"signer":%q}' \
    -o OUT.pdf %s/v1/seal
Check documents in a browser, as citizens do, at %[3]s/
The API is described at %[3]s/v1/docs.
Staff sign in at %[3]s/op with a user name and password of %[4]s and a code:
  absah staff code %[4]s
`, quote(d.path("api-key")), demoSeal, d.url(), quote(d.path("staff/investigator")))
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
