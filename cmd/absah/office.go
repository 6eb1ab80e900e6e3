package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/internal/config"
)

// newInitCommand makes the keys that a gateway needs on its token.
func newInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init CONFIG",
		Short: "Make the keys that the gateway needs and its token lacks",
		Long: `Init makes the keys of the log and the receipts, the wrapping key and the pepper of the
signers' keys, and the key of the health check, as CONFIG names them. Keys that are there
stay as they are. A token that has lost its wrapping key or its pepper opens none of the
signers' keys any more: back the token up. Of the files that CONFIG names it needs those of the
section hsm alone.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err == nil {
				err = cfg.CheckHSMFiles() // the certificates come later, for these keys
			}
			if err != nil {
				return usageErrorf("%v", err)
			}
			s := &gatewayService{cfg: cfg, logger: slog.New(slog.DiscardHandler)}
			if s.module, err = s.startHSM(cmd.Context()); err != nil {
				return err
			}
			return errors.Join(makeOwnKeys(cmd.Context(), cmd.OutOrStdout(), s.module, cfg), s.module.Close())
		},
	}
}

// makeOwnKeys makes the resident keys that cfg names, but those with
// certificates, and says which.
func makeOwnKeys(ctx context.Context, out io.Writer, m *hsm.Module, cfg *config.Config) error {
	for _, label := range []string{cfg.Keys.Log, cfg.Keys.Receipt} {
		said := "found"
		_, err := m.Key(ctx, label)
		if errors.Is(err, hsm.ErrKeyNotFound) {
			said = "made"
			_, err = m.Generate(ctx, hsm.KeySpec{Label: label, Algorithm: hsm.Ed25519})
		}
		if err != nil {
			return fmt.Errorf("key %q: %w", label, err)
		}
		fmt.Fprintf(out, "%s %s (Ed25519)\n", said, label)
	}
	if err := m.Health(ctx); err != nil {
		return err
	}
	vault := vaultConfig(cfg)
	vault.Create = true
	if _, err := m.Vault(ctx, vault); err != nil {
		return err
	}
	fmt.Fprintf(out, "ready: %s, %s, %s\n", cfg.Keys.Health, cfg.Keys.Wrapping, cfg.Keys.Pepper)
	return nil
}

// newReadyCommand is what a container's health check runs.
func newReadyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ready CONFIG",
		Short: "Ask a running gateway whether it can work",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil {
				return usageErrorf("%v", err)
			}
			if cfg.Admin.Listen == "off" {
				return usageErrorf("admin.listen is off: nobody can be asked")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.Admin.Listen+"/readyz", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return &exitError{statusUnavailable, fmt.Errorf("the gateway does not answer: %w", withoutURL(err))}
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return &exitError{statusUnavailable, errors.New(strings.TrimSpace(string(text)))}
			}
			fmt.Fprint(cmd.OutOrStdout(), string(text))
			return nil
		},
	}
}

// newBackupCommand copies the SQLite database while it is in use.
func newBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup CONFIG FILE",
		Short: "Copy the SQLite database, also while the gateway runs",
		Long: `Backup writes one consistent copy to FILE, which must not exist. To restore, stop the
gateway and put FILE in the place of the database. A restored database is older than the
log's floor, and the gateway refuses to start on it: docs/OPERATION.md says what to do.
A PostgreSQL database is backed up with its own tools.`,
		Args: exactArgs("CONFIG", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			s := &gatewayService{cfg: cfg}
			if err := s.openDatabase(cmd.Context()); err != nil {
				return err
			}
			return errors.Join(backedUp(s.db.Backup(cmd.Context(), args[1]), args[1]), s.close())
		},
	}
}

// backedUp says of a backup that failed whether it is its file that cannot be
// written.
func backedUp(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return &outputError{fmt.Errorf("%s, or %[1]s.part of a backup that was interrupted, exists: take it away, or name another file", printable(name))}
	case errors.Is(err, errors.ErrUnsupported):
		return usageErrorf("PostgreSQL is backed up with its own tools, such as pg_dump")
	case is[*fs.PathError](err), is[*os.LinkError](err):
		return &outputError{err}
	}
	return err
}

// withOffice runs an act of the local operator.
func withOffice(cmd *cobra.Command, file string, act func(ctx context.Context, s *gatewayService) error) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	s, err := openService(cmd.Context(), cfg, newLogger(cmd.ErrOrStderr(), config.Log{Level: "warn", Format: "text"}))
	if err != nil {
		return err
	}
	return errors.Join(act(cmd.Context(), s), s.close())
}

// enrolFlags describe a new key of a signer.
type enrolFlags struct {
	name, office, nikFile, passphraseFile, subject, algorithm, request string
}

func (f *enrolFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.passphraseFile, "passphrase-file", "", "`file` with the signer's passphrase on its first line")
	flags.StringVar(&f.subject, "subject", "", "`subject` of the request, for example \"CN=Nama,O=Pemerintah Kabupaten Contoh,C=ID\"")
	flags.StringVar(&f.algorithm, "algorithm", "RSA-2048", "RSA-2048, RSA-3072, RSA-4096, P-256, P-384 or P-521")
	flags.StringVar(&f.request, "request", "", "`file` to write the certificate request to")
	mustRequire(cmd, "passphrase-file", "subject", "request")
}

func (f *enrolFlags) enrolment() (e gateway.Enrolment, err error) {
	e = gateway.Enrolment{Name: f.name, Office: f.office, Algorithm: f.algorithm}
	if e.Passphrase, err = readSecret(f.passphraseFile); err != nil {
		return e, err
	}
	nik, err := readSecret(f.nikFile)
	if err != nil {
		return e, err
	}
	e.NIK = string(nik)
	e.Subject, err = parseSubject(f.subject)
	return e, err
}

func newSignerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signer",
		Short: "Enrol signers, give them certificates, lock and unlock them",
	}
	cmd.AddCommand(newSignerEnrolCommand(), newSignerRenewCommand(), newSignerCertificateCommand(), newSignerListCommand(),
		newSignerStatusCommand("lock", "Keep a signer from signing until unlocked", gateway.SignerLocked),
		newSignerStatusCommand("unlock", "Let a signer sign again, and forget wrong passphrases", gateway.SignerActive),
		newSignerStatusCommand("revoke-local", "Never use a signer's certificates again, whatever their issuer says", gateway.SignerRevoked))
	return cmd
}

func newSignerEnrolCommand() *cobra.Command {
	var f enrolFlags
	cmd := &cobra.Command{
		Use:   "enrol CONFIG",
		Short: "Make a signer with a key, and the request for the certificate",
		Long: `Enrol makes a key in the HSM, seals it under the passphrase, and writes the request with
which the PSrE issues the certificate. "absah signer certificate" installs that.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := canWrite(f.request); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				e, err := f.enrolment()
				if err != nil {
					return err
				}
				made, request, err := s.gateway.Enrol(ctx, s.operator(), s.keys, e)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), made.ID)
				return writeRequest(f.request, request)
			})
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`name` of the signer, as in the certificate")
	flags.StringVar(&f.office, "office", "", "`office` (jabatan)")
	flags.StringVar(&f.nikFile, "nik-file", "", "`file` with the NIK on its first line")
	mustRequire(cmd, "name", "nik-file")
	return cmd
}

func newSignerRenewCommand() *cobra.Command {
	var f enrolFlags
	cmd := &cobra.Command{
		Use:   "renew CONFIG SIGNER",
		Short: "Make another key for a signer, and the request for its certificate",
		Args:  exactArgs("CONFIG", "SIGNER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := canWrite(f.request); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				e, err := f.enrolment()
				if err != nil {
					return err
				}
				request, err := s.gateway.Renew(ctx, s.operator(), s.keys, args[1], e)
				if err != nil {
					return err
				}
				return writeRequest(f.request, request)
			})
		},
	}
	f.register(cmd)
	return cmd
}

func writeRequest(name string, der []byte) error {
	return writeFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o666)
}

func newSignerCertificateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "certificate CONFIG SIGNER CHAIN.pem",
		Short: "Give a signer the certificate that the PSrE has issued",
		Args:  exactArgs("CONFIG", "SIGNER", "CHAIN.pem"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				chain, err := readCertificates(args[2])
				if err != nil {
					return err
				}
				return s.gateway.InstallCertificate(ctx, s.operator(), args[1], chain[0], chain[1:])
			})
		},
	}
}

func newSignerListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list CONFIG",
		Short: "List the signers and seals",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return listSigners(ctx, cmd.OutOrStdout(), s, asJSON)
			})
		},
	}
	listFlag(cmd, &asJSON, "signer")
	return cmd
}

func listSigners(ctx context.Context, out io.Writer, s *gatewayService, asJSON bool) error {
	l := newListing(out, asJSON, "SIGNER", "KIND", "STATUS", "NIK", "CERTIFICATE UNTIL", "NAME", "OFFICE")
	for page := (gateway.Page{Limit: 1000}); ; {
		signers, err := s.gateway.Signers(ctx, s.operator(), page)
		if err != nil {
			return err
		}
		for _, x := range signers {
			nik, err := s.gateway.MaskedNIK(x)
			if err != nil {
				return err
			}
			_, keys, err := s.gateway.SignerOf(ctx, s.operator(), x.ID)
			if err != nil {
				return err
			}
			l.row(x.ID, x.Kind, x.Status, nik, lastDay(keys), x.Name, x.Office)
			err = l.object(struct {
				ID               string               `json:"id"`
				Kind             gateway.SignerKind   `json:"kind"`
				Status           gateway.SignerStatus `json:"status"`
				NIK              string               `json:"nik,omitempty"` // masked
				Name             string               `json:"name"`
				Office           string               `json:"office,omitempty"`
				CertificateUntil time.Time            `json:"certificateUntil,omitzero"`
			}{x.ID, x.Kind, x.Status, nik, x.Name, x.Office, lastEnd(keys)})
			if err != nil {
				return err
			}
			page.After = x.ID
		}
		if len(signers) < page.Limit {
			return l.end()
		}
	}
}

// lastDay is lastEnd as it is shown.
func lastDay(keys []gateway.Key) string {
	if last := lastEnd(keys); !last.IsZero() {
		return last.Format(time.DateOnly)
	}
	return "none"
}

// lastEnd is when the last usable certificate ends; zero: there is none.
func lastEnd(keys []gateway.Key) (last time.Time) {
	for _, k := range keys {
		for _, c := range k.Certificates {
			if c.RevokedLocallyAt.IsZero() && c.NotAfter.After(last) {
				last = c.NotAfter
			}
		}
	}
	return last
}

func newSignerStatusCommand(name, short string, to gateway.SignerStatus) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   name + " CONFIG SIGNER",
		Short: short,
		Args:  exactArgs("CONFIG", "SIGNER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return s.gateway.SetSignerStatus(ctx, s.operator(), args[1], to, reason)
			})
		},
	}
	requireReason(cmd, &reason)
	return cmd
}
