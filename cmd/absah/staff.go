package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/absah-id/absah/gateway"
)

// newStaffCommand administers who may sign in to the console.
func newStaffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "staff",
		Short: "Let OP staff into the console, lock and unlock them",
	}
	cmd.AddCommand(newStaffAddCommand(), newStaffResetCommand(), newStaffListCommand(),
		newStaffStatusCommand("lock", "End a member's sessions and keep the member from signing in", gateway.StaffLocked),
		newStaffStatusCommand("unlock", "Let a member of staff sign in again, and forget wrong tries", gateway.StaffActive),
		newStaffCodeCommand())
	return cmd
}

// secretFlags say where secrets of staff come from and go to: never through
// arguments, which other users of the machine can read.
type secretFlags struct{ secrets, qr, password string }

func (f *secretFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.secrets, "secrets-file", "", "`file` to write password and one-time secret to; they are kept nowhere else")
	flags.StringVar(&f.qr, "qr-file", "", "PNG `file` to write the one-time secret to as well, as authenticator apps scan it")
	flags.StringVar(&f.password, "password-file", "", "`file` with a chosen password of at least 15 characters on its first line (default: a random one)")
	mustRequire(cmd, "secrets-file")
}

// write hands the secrets over.
func (f *secretFlags) write(username string, s gateway.StaffSecrets) error {
	text := "username: " + username + "\n"
	if s.Password != "" {
		text += "password: " + s.Password + "\n"
	}
	text += fmt.Sprintf("secret: %s\naddress: %s\n", s.Secret, s.Address)
	if err := writeFile(f.secrets, []byte(text), 0o600); err != nil || f.qr == "" {
		return err
	}
	code, err := qr.Encode(s.Address, qr.M)
	if err != nil {
		return err
	}
	return writeFile(f.qr, code.PNG(), 0o600)
}

func newStaffAddCommand() *cobra.Command {
	var (
		f          secretFlags
		name, role string
	)
	cmd := &cobra.Command{
		Use:   "add CONFIG USERNAME",
		Short: "Make a member of staff with a password and a one-time secret",
		Long: `Add makes a member of OP staff and writes the secrets to a file that its owner alone can
read. Hand it over in person; the member puts the secret into an authenticator app, and the
file is destroyed. Investigators examine complaints, supervisors also close them, auditors
read.`,
		Args: exactArgs("CONFIG", "USERNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := canWrite(f.secrets, f.qr); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				password, err := readSecret(f.password)
				if err != nil {
					return err
				}
				spec := gateway.StaffSpec{Username: args[1], Name: name, Role: gateway.Role(role), Password: string(password)}
				m, secrets, err := s.gateway.AddStaff(ctx, s.operator(), spec)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), m.ID)
				return f.write(args[1], secrets)
			})
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&name, "name", "", "`name` that colleagues see")
	cmd.Flags().StringVar(&role, "role", "", "investigator, supervisor or auditor")
	mustRequire(cmd, "name", "role")
	return cmd
}

func newStaffResetCommand() *cobra.Command {
	var (
		f      secretFlags
		reason string
		keep   bool
	)
	cmd := &cobra.Command{
		Use:   "reset CONFIG USERNAME",
		Short: "Give a member of staff a new password and one-time secret, and unlock",
		Long: `Reset gives a member of staff new secrets, unlocks the account and ends its sessions. With
--keep-password only the one-time secret is new, for a phone that was lost or replaced. Make
sure who asks before: by sight, or by a call to a number that you had already.`,
		Args: exactArgs("CONFIG", "USERNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if keep && f.password != "" {
				return usageErrorf("--keep-password and --password-file exclude each other")
			}
			if err := canWrite(f.secrets, f.qr); err != nil {
				return err
			}
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				if keep {
					secrets, err := s.gateway.ReenrolStaff(ctx, s.operator(), args[1], reason)
					if err != nil {
						return err
					}
					return f.write(args[1], secrets)
				}
				password, err := readSecret(f.password)
				if err != nil {
					return err
				}
				secrets, err := s.gateway.ResetStaff(ctx, s.operator(), args[1], string(password), reason)
				if err != nil {
					return err
				}
				return f.write(args[1], secrets)
			})
		},
	}
	f.register(cmd)
	requireReason(cmd, &reason)
	cmd.Flags().BoolVar(&keep, "keep-password", false, "issue a new one-time secret alone")
	return cmd
}

func newStaffListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list CONFIG",
		Short: "List the members of staff",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				l := newListing(cmd.OutOrStdout(), asJSON, "USERNAME", "ROLE", "STATUS", "WRONG TRIES", "SINCE", "NAME")
				for page := (gateway.Page{Limit: 1000}); ; {
					all, err := s.gateway.AllStaff(ctx, s.operator(), page)
					if err != nil {
						return err
					}
					for _, m := range all {
						if err := listMember(l, m); err != nil {
							return err
						}
						page.After = m.ID
					}
					if len(all) < page.Limit {
						return l.end()
					}
				}
			})
		},
	}
	listFlag(cmd, &asJSON, "member")
	return cmd
}

func listMember(l *listing, m gateway.Staff) error {
	status := string(m.Status)
	if m.NotBefore.After(time.Now()) {
		status = "waiting" // after wrong tries
	}
	l.row(m.Username, m.Role, status, m.Failures, m.CreatedAt.Format(time.DateOnly), m.Name)
	return l.object(struct {
		Username  string       `json:"username"`
		Role      gateway.Role `json:"role"`
		Status    string       `json:"status"`
		Failures  int          `json:"failures"`
		CreatedAt time.Time    `json:"createdAt"`
		Name      string       `json:"name"`
	}{m.Username, m.Role, status, m.Failures, m.CreatedAt, m.Name})
}

func newStaffStatusCommand(name, short string, to gateway.StaffStatus) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   name + " CONFIG USERNAME",
		Short: short,
		Args:  exactArgs("CONFIG", "USERNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return s.gateway.SetStaffStatus(ctx, s.operator(), args[1], to, reason)
			})
		},
	}
	requireReason(cmd, &reason)
	return cmd
}

// newStaffCodeCommand is an authenticator for those who try the demo without
// one.
func newStaffCodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "code SECRETS",
		Short: "Show the one-time code of a secrets file, as an authenticator app does",
		Long: `Code is for trying the demo. Who keeps the file and uses this has one factor, not two:
real secrets belong into an authenticator app, and the file is destroyed.`,
		Args: exactArgs("SECRETS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := readSmall(args[0])
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(b)) {
				secret, ok := strings.CutPrefix(strings.TrimSpace(line), "secret: ")
				if !ok {
					continue
				}
				code, err := gateway.OneTimeCode(secret, time.Now())
				if err != nil {
					return usageErrorf("%s: %v", args[0], err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), code)
				return nil
			}
			return usageErrorf("%s: no line begins with \"secret: \"", args[0])
		},
	}
}
