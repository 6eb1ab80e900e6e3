package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/signer"
)

func newApplicationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "application",
		Short: "Let applications use the gateway",
	}
	cmd.AddCommand(newApplicationAddCommand(), newAddCredentialCommand(), newApplicationListCommand(), &cobra.Command{
		Use:   "revoke-credential CONFIG CREDENTIAL",
		Short: "End a key, password or client certificate of an application",
		Args:  exactArgs("CONFIG", "CREDENTIAL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return s.gateway.RevokeCredential(ctx, s.operator(), args[1])
			})
		},
	})
	return cmd
}

func newApplicationAddCommand() *cobra.Command {
	var (
		policy  gateway.Policy
		role    string
		keyFile string
		mtls    bool
	)
	cmd := &cobra.Command{
		Use:   "add CONFIG NAME",
		Short: "Register an application and write its API key to a file",
		Args:  exactArgs("CONFIG", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkApplication(role, policy.Levels); err != nil {
				return err
			}
			if err := canWrite(keyFile); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				now := time.Now().UTC()
				a := gateway.NewApplication(s.cfg.Organisation.ID, args[1], gateway.Role(role), policy, now)
				a.RequireMTLS = mtls
				key, credential := gateway.NewKey(a.Organisation, a.ID, now, time.Time{})
				if err := s.gateway.AddApplication(ctx, s.operator(), a, credential); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "application %s\ncredential  %s\n", a.ID, credential.ID)
				return errors.Join(writeFile(keyFile, []byte(key+"\n"), 0o600), warnOfStrangers(ctx, cmd.ErrOrStderr(), s, policy.Signers))
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&role, "role", "application", "application, investigator, auditor or operator")
	flags.StringVar(&keyFile, "key-file", "", "`file` to write the key to; it is kept nowhere else")
	flags.StringArrayVar(&policy.Signers, "signer", nil, "`signer` that it may use, \"*\" for all (repeatable)")
	flags.StringArrayVar(&policy.Levels, "level", []string{"B-B", "B-T", "B-LT", "B-LTA"}, "`level` that it may ask for (repeatable)")
	flags.BoolVar(&policy.AllDocuments, "all-documents", false, "may mark as replaced or withdrawn what other applications have registered")
	flags.IntVar(&policy.MaxPages, "max-pages", 0, "pages of a document at most; 0 for no limit")
	flags.Int64Var(&policy.MaxBytes, "max-bytes", 0, "bytes of a document at most; 0 for the gateway's limit")
	flags.IntVar(&policy.RatePerMinute, "rate", 0, "requests a minute; 0 for the gateway's limit")
	flags.BoolVar(&policy.FilledForms, "filled-forms", false, "may have forms signed that were filled in after an earlier signature; the policy gov then refuses that signature")
	flags.BoolVar(&policy.Fallback, "fallback", false, "may accept a lower level when a service outside is down")
	flags.BoolVar(&mtls, "require-certificate", false, "takes key and password only beside a client certificate (add-credential --certificate)")
	mustRequire(cmd, "key-file")
	return cmd
}

// warnOfStrangers says which of the signers are none, or not yet: a seal is one once
// the gateway has started with it.
func warnOfStrangers(ctx context.Context, w io.Writer, s *gatewayService, signers []string) error {
	for _, id := range signers {
		if id == "*" {
			continue
		}
		_, _, err := s.gateway.SignerOf(ctx, s.operator(), id)
		if e, ok := errors.AsType[*gateway.Error](err); ok && e.Code == gateway.CodeNotFound {
			fmt.Fprintf(w, "absah: warning: there is no signer %s now; absah signer list names those there are\n", printable(id))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// applicationRoles are what --role takes.
var applicationRoles = []gateway.Role{gateway.RoleApplication, gateway.RoleInvestigator, gateway.RoleAuditor, gateway.RoleOperator}

// checkApplication refuses words that nothing knows: an application that was
// added with one could do nothing, and its name would be taken. It writes levels in
// the standard's letters.
func checkApplication(role string, levels []string) error {
	if !slices.Contains(applicationRoles, gateway.Role(role)) {
		return usageErrorf("--role: %q is none of application, investigator, auditor, operator", role)
	}
	for i, word := range levels {
		level, err := signer.ParseLevel(word)
		if err != nil {
			return usageErrorf("--level: %v", err)
		}
		levels[i] = level.String()
	}
	return nil
}

// credentialFlags say what an application is to prove itself with.
type credentialFlags struct{ keyFile, username, passwordFile, certificate string }

func newAddCredentialCommand() *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "add-credential CONFIG NAME",
		Short: "Give an application one more key, or a password or a client certificate",
		Long: `Add-credential gives the application NAME one more way to prove itself: another API key
(--key-file), so that one can be changed without a pause; a random password for HTTP Basic
(--username and --password-file); or a client certificate (--certificate), whose key counts,
also under a later certificate of an authority in server.tls.client_ca. What an application
shows must all be its own. "absah application revoke-credential" ends one.`,
		Args: exactArgs("CONFIG", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := canWrite(f.keyFile, f.passwordFile); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				a, err := s.gateway.ApplicationNamed(ctx, s.operator(), args[1])
				if err != nil {
					return err
				}
				credential, secret, err := f.credential(a)
				if err != nil {
					return err
				}
				if err := s.gateway.AddCredential(ctx, s.operator(), credential); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "credential  %s\n", credential.ID)
				if secret == "" {
					return nil
				}
				return writeFile(f.keyFile+f.passwordFile, []byte(secret+"\n"), 0o600)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.keyFile, "key-file", "", "`file` to write another API key to; it is kept nowhere else")
	flags.StringVar(&f.username, "username", "", "user `name` for HTTP Basic")
	flags.StringVar(&f.passwordFile, "password-file", "", "`file` to write its password to; it is kept nowhere else")
	flags.StringVar(&f.certificate, "certificate", "", "PEM `file` with the client certificate")
	return cmd
}

// check demands flags for one credential.
func (f *credentialFlags) check() error {
	if (f.username == "") != (f.passwordFile == "") {
		return usageErrorf("--username and --password-file belong together")
	}
	n := 0
	for _, flag := range []string{f.keyFile, f.username, f.certificate} {
		if flag != "" {
			n++
		}
	}
	if n != 1 {
		return usageErrorf("name one credential: --key-file, --username with --password-file, or --certificate")
	}
	return nil
}

// credential makes what the flags ask for; a certificate has no secret.
func (f *credentialFlags) credential(a gateway.Application) (c gateway.Credential, secret string, err error) {
	now, never := time.Now().UTC(), time.Time{}
	switch {
	case f.keyFile != "":
		secret, c = gateway.NewKey(a.Organisation, a.ID, now, never)
	case f.username != "":
		secret, c = gateway.NewPassword(a.Organisation, a.ID, f.username, now, never)
	default:
		chain, err := readCertificates(f.certificate)
		if err != nil {
			return c, "", ofFlag("certificate", err)
		}
		c = gateway.NewCertificate(a.Organisation, a.ID, chain[0], now, never)
	}
	return c, secret, nil
}

func newApplicationListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list CONFIG",
		Short: "List the applications, what they may, and their credentials",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				l := newListing(cmd.OutOrStdout(), asJSON, "APPLICATION", "ROLE", "SIGNERS", "LEVELS", "CREDENTIAL", "KIND", "SINCE", "STATUS")
				for page := (gateway.Page{Limit: 100}); ; {
					all, err := s.gateway.Applications(ctx, s.operator(), page)
					if err != nil {
						return err
					}
					for _, a := range all {
						if err := listApplication(l, a); err != nil {
							return err
						}
						page.After = a.ID
					}
					if len(all) < page.Limit {
						return l.end()
					}
				}
			})
		},
	}
	listFlag(cmd, &asJSON, "application")
	return cmd
}

// listApplication adds an application, in the table with a row for each of its
// credentials.
func listApplication(l *listing, a gateway.ApplicationFile) error {
	type credential struct {
		ID        string    `json:"id"`
		Kind      string    `json:"kind"`
		CreatedAt time.Time `json:"createdAt"`
		ExpiresAt time.Time `json:"expiresAt,omitzero"`
		Status    string    `json:"status"`
	}
	credentials := []credential{}
	for _, c := range a.Credentials {
		credentials = append(credentials, credential{c.ID, string(c.Kind), c.CreatedAt, c.ExpiresAt, credentialStatus(c)})
	}
	signers, levels := few(a.Policy.Signers), few(a.Policy.Levels)
	for _, c := range credentials {
		kind := c.Kind
		if a.RequireMTLS && kind != string(gateway.CredentialMTLS) {
			kind += " with mtls"
		}
		l.row(a.Name, a.Role, signers, levels, c.ID, kind, c.CreatedAt.Format(time.DateOnly), c.Status)
	}
	if len(credentials) == 0 {
		l.row(a.Name, a.Role, signers, levels, "none", "-", a.CreatedAt.Format(time.DateOnly), "-")
	}
	return l.object(struct {
		ID          string         `json:"id"`
		Name        string         `json:"name"`
		Role        gateway.Role   `json:"role"`
		RequireMTLS bool           `json:"requireMTLS"`
		Policy      gateway.Policy `json:"policy"`
		CreatedAt   time.Time      `json:"createdAt"`
		ExpiresAt   time.Time      `json:"expiresAt,omitzero"`
		RevokedAt   time.Time      `json:"revokedAt,omitzero"`
		Credentials []credential   `json:"credentials"`
	}{a.ID, a.Name, a.Role, a.RequireMTLS, a.Policy, a.CreatedAt, a.ExpiresAt, a.RevokedAt, credentials})
}

// few is a list in a cell: how many there are instead of more than three.
func few(list []string) string {
	switch {
	case len(list) == 0:
		return "none"
	case len(list) > 3:
		return fmt.Sprintf("%d", len(list))
	}
	return strings.Join(list, ",")
}

// credentialStatus says whether a credential counts.
func credentialStatus(c gateway.Credential) string {
	switch {
	case !c.RevokedAt.IsZero():
		return "revoked"
	case !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(time.Now()):
		return "expired"
	}
	return "active"
}
