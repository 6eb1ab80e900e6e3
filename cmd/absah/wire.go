package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/signer"
)

const (
	// maxSecret bounds a PIN or password file: what is longer is the wrong file.
	maxSecret = 4096
	// maxTokenLabel is what the label of a PKCS#11 token can hold.
	maxTokenLabel = 32
	// maxSmall bounds certificate bundles and images, which are held in
	// memory. The largest national trust list is a tenth of it.
	maxSmall = 16 << 20
)

// tokenFlags name a PKCS#11 token.
type tokenFlags struct {
	module, token, pinFile string
	timeout                time.Duration
}

func (t *tokenFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&t.module, "module", "", "PKCS#11 `library`, for example /usr/lib/softhsm/libsofthsm2.so")
	flags.StringVar(&t.token, "token", "", "label of the token")
	flags.StringVar(&t.pinFile, "pin-file", "", "`file` that holds the user PIN")
	flags.DurationVar(&t.timeout, "module-timeout", 10*time.Second, "longest wait for one call of the module; starting it, and making or listing keys, may take a minute")
}

// start starts the module. The PIN file is looked at, not read: the PIN is for
// the worker alone, and stands in no memory that a crash of this process
// would write to disk.
func (t *tokenFlags) start(ctx context.Context, stderr io.Writer) (*hsm.Module, error) {
	switch info, err := os.Stat(t.pinFile); {
	case err != nil:
		return nil, usageErrorf("--pin-file: %v", err)
	case !info.Mode().IsRegular(): // the worker reads it whenever it starts: a pipe gives it once
		return nil, usageErrorf("--pin-file: %s: the PIN must be in a regular file", t.pinFile)
	case info.Size() == 0 || info.Size() > maxSecret:
		return nil, usageErrorf("--pin-file: %s must hold the PIN and nothing else", t.pinFile)
	case info.Mode().Perm()&0o007 != 0:
		fmt.Fprintf(stderr, "absah: warning: every user of this machine can read the PIN in %s\n", t.pinFile)
	}
	switch info, err := os.Stat(t.module); {
	case err != nil:
		return nil, usageErrorf("--module: %v", err)
	case !info.Mode().IsRegular():
		return nil, usageErrorf("--module: %s is not a file", t.module)
	}
	if t.timeout <= 0 {
		return nil, usageErrorf("--module-timeout must be above 0, got %s", t.timeout)
	}
	if t.token == "" || len(t.token) > maxTokenLabel {
		return nil, usageErrorf("--token takes a label of 1 to %d bytes", maxTokenLabel)
	}
	return hsm.Start(ctx, hsm.Config{
		Module: t.module, Token: t.token, PINFile: t.pinFile, Timeout: t.timeout, Sessions: 1,
	})
}

// serviceFlags name the trust anchors and the network services.
type serviceFlags struct {
	tsas, trust, trustTSA, allow []string
	tsaUser, tsaPasswordFile     string
	timeout                      time.Duration
}

func (s *serviceFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&s.tsas, "tsa", nil, "`URL` of a timestamp authority (repeatable: the next one answers when one is down)")
	flags.StringVar(&s.tsaUser, "tsa-user", "", "user name at the timestamp authorities")
	flags.StringVar(&s.tsaPasswordFile, "tsa-password-file", "", "`file` with the password at the timestamp authorities")
	flags.StringArrayVar(&s.trust, "trust", nil, "PEM `file or folder` of trusted root certificates (repeatable)")
	flags.StringArrayVar(&s.trustTSA, "trust-tsa", nil, "the same for timestamp authorities (default: --trust)")
	flags.StringArrayVar(&s.allow, "allow-host", nil, "`host:port` on a private network that OCSP and CRL addresses in certificates may name (repeatable)")
	// Longer than verify waits: without the answer there is no document.
	flags.DurationVar(&s.timeout, "service-timeout", 10*time.Second, "longest wait for one network service")
}

// require rejects a level for which flags are missing.
func (s *serviceFlags) require(level signer.Level) error {
	if level >= signer.T && len(s.tsas) == 0 {
		return usageErrorf("level %s needs a timestamp authority: --tsa URL", level)
	}
	return s.requireTrust(level)
}

// requireTrust rejects a level for which roots are missing.
func (s *serviceFlags) requireTrust(level signer.Level) error {
	if level >= signer.LT && len(s.trust) == 0 {
		return usageErrorf("level %s needs trusted roots: --trust FILE", level)
	}
	return nil
}

// signer wires a Signer from the flags, and returns what ends its connections.
// What is not named stays nil: [serviceFlags.require] has refused the levels
// that need it.
func (s *serviceFlags) signer(stderr io.Writer) (*signer.Signer, func(), error) {
	if s.timeout <= 0 {
		return nil, nil, usageErrorf("--service-timeout must be above 0, got %s", s.timeout)
	}
	anchors, err := readAnchors(s.trust)
	if err != nil {
		return nil, nil, ofFlag("trust", err)
	}
	tsaAnchors := anchors
	if len(s.trustTSA) > 0 {
		if tsaAnchors, err = readAnchors(s.trustTSA); err != nil {
			return nil, nil, ofFlag("trust-tsa", err)
		}
	}
	cfg := signer.Config{Anchors: anchors, TSAAnchors: tsaAnchors}
	if len(s.tsas) > 0 {
		if tsaAnchors == nil {
			fmt.Fprintln(stderr, "absah: warning: no --trust or --trust-tsa: the timestamp authority's certificate is not checked against a root")
		}
		if cfg.Timestamper, err = s.timestamper(tsaAnchors); err != nil {
			return nil, nil, err
		}
	}
	source, err := fetch.New(fetch.Config{Timeout: s.timeout, Allow: s.allow})
	if err != nil {
		return nil, nil, usageErrorf("--allow-host: %s", strings.TrimPrefix(err.Error(), "fetch: "))
	}
	cfg.Source = source
	made, err := signer.New(cfg)
	if err != nil {
		source.Close()
		return nil, nil, err
	}
	return made, func() { source.Close() }, nil
}

func (s *serviceFlags) timestamper(anchors *pki.Anchors) (*tsp.Client, error) {
	if (s.tsaUser == "") != (s.tsaPasswordFile == "") {
		return nil, usageErrorf("--tsa-user and --tsa-password-file belong together")
	}
	if strings.Contains(s.tsaUser, ":") {
		return nil, usageErrorf("--tsa-user: a user name has no colon")
	}
	if _, err := readSecret(s.tsaPasswordFile); err != nil {
		return nil, ofFlag("tsa-password-file", err)
	}
	credentials := map[string]tsp.Credential{}
	if s.tsaUser != "" {
		for _, url := range s.tsas {
			credentials[url] = tsp.Credential{Username: s.tsaUser, PasswordFile: s.tsaPasswordFile}
		}
	}
	client, err := tsp.NewClient(tsp.ClientConfig{
		URLs: s.tsas, Timeout: s.timeout, Credentials: credentials, Trust: trustTSA(anchors),
	})
	if err != nil {
		return nil, usageErrorf("--tsa: %s", strings.TrimPrefix(err.Error(), "tsp: "))
	}
	return client, nil
}

// trustTSA accepts the authorities whose path ends at one of the anchors; any
// whose token is well made when anchors is nil.
func trustTSA(anchors *pki.Anchors) func(context.Context, *tsp.Token, *x509.Certificate, time.Time) error {
	return func(_ context.Context, t *tsp.Token, signer *x509.Certificate, at time.Time) error {
		if anchors == nil {
			return nil
		}
		_, err := pki.Chain(signer, t.SignedData.Certificates(), anchors, at, pki.Timestamping)
		return err
	}
}

// readAnchors trusts every certificate of the files, and of the .pem, .crt and
// .cer files of the folders, in paths, each until its sunset (see
// [pki.ParseAnchors]). It returns nil for no paths.
func readAnchors(paths []string) (*pki.Anchors, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	var all []*pki.Anchors
	for _, path := range paths {
		names, err := anchorFiles(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, err := readSmall(name)
			if err != nil {
				return nil, err
			}
			anchors, err := pki.ParseAnchors(b)
			if err != nil {
				return nil, usageErrorf("%s: %v", name, err)
			}
			all = append(all, anchors)
		}
	}
	return pki.JoinAnchors(all...), nil
}

// anchorFiles is path itself, or the files of certificates in it when it is a
// folder, of which there must be one.
func anchorFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // a missing one is reported when it is read
	}
	var names []string
	for _, pattern := range []string{"*.pem", "*.crt", "*.cer"} {
		more, _ := filepath.Glob(filepath.Join(path, pattern)) // the patterns are well-formed
		names = append(names, more...)
	}
	if len(names) == 0 {
		return nil, usageErrorf("%s holds no .pem, .crt or .cer file", path)
	}
	return names, nil
}

// readCertificates reads one or more certificates from a PEM file.
func readCertificates(name string) ([]*x509.Certificate, error) {
	b, err := readSmall(name)
	if err != nil {
		return nil, err
	}
	certs, err := pki.ParseCertificates(b)
	if err != nil {
		return nil, usageErrorf("%s: %v", name, err)
	}
	return certs, nil
}

// ofFlag says of which flag a usage error is; other errors, nil too, are
// returned as they are.
func ofFlag(name string, err error) error {
	if u, ok := errors.AsType[*usageError](err); ok {
		return usageErrorf("--%s: %s", name, u.msg)
	}
	return err
}

// readSmall reads a file of at most maxSmall bytes that the command line names.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	if len(b) > maxSmall {
		return nil, usageErrorf("%s has more than %d bytes", name, maxSmall)
	}
	return b, nil
}

// readSecret returns the first line of a file, without its end; nil for no
// file. It refuses an empty or overlong one.
func readSecret(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 || len(b) > maxSecret {
		return nil, usageErrorf("%s must hold the secret on its first line", name)
	}
	return line, nil
}

// newWorkerCommand is the child process that loads the vendor's library; it
// is started by package hsm and is not for people.
func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pkcs11-worker", Hidden: true, Args: exactArgs(),
		RunE: func(*cobra.Command, []string) error { return hsm.RunWorker() },
	}
}
