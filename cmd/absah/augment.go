package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/signer"
)

// augmentFlags are the flags of "absah augment" and "absah timestamp".
type augmentFlags struct {
	services serviceFlags
	level    string
	password string
	json     bool
}

func newAugmentCommand() *cobra.Command {
	var f augmentFlags
	cmd := &cobra.Command{
		Use:   "augment [flags] IN.pdf OUT.pdf",
		Short: "Raise the signatures of a PDF to a higher level, or renew their archive timestamp",
		Long: `Augment appends what the signatures of IN.pdf lack for the level: a timestamp (B-T),
the certificates and revocation data of every chain (B-LT), a document timestamp over
them (B-LTA). A document that is B-LTA already gets a new archive timestamp, which
renews it for the lifetime of that timestamp's certificate. No key is needed, and no
--tsa where B-T or B-LT is asked for and every signature has a timestamp already.`,
		Args: exactArgs("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			level, err := parseLevel(f.level)
			if err != nil {
				return err
			}
			if level < signer.T {
				return usageErrorf("--level: augment goes to B-T, B-LT or B-LTA")
			}
			require := f.services.requireTrust // every signature may have its timestamp
			if level == signer.LTA {
				require = f.services.require
			}
			if err := require(level); err != nil {
				return err
			}
			return f.run(cmd, args, func(s *signer.Signer, in signer.Input) (*signer.Result, error) {
				result, err := s.Augment(cmd.Context(), in, level, time.Now())
				if errors.Is(err, signer.ErrNoTimestamper) {
					return nil, usageErrorf("a signature has no timestamp, and %s needs one: --tsa URL", level)
				}
				return result, err
			})
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.level, "level", "B-LTA", "B-T, B-LT or B-LTA")
	return cmd
}

func newTimestampCommand() *cobra.Command {
	var f augmentFlags
	cmd := &cobra.Command{
		Use:   "timestamp [flags] IN.pdf OUT.pdf",
		Short: "Append a document timestamp (RFC 3161) to a PDF",
		Long: `Timestamp proves that IN.pdf existed at a time, signed or not: it appends a
document timestamp of the authority named by --tsa. No key is needed.`,
		Args: exactArgs("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.services.require(signer.T); err != nil {
				return err
			}
			return f.run(cmd, args, func(s *signer.Signer, in signer.Input) (*signer.Result, error) {
				return s.Timestamp(cmd.Context(), in, time.Now())
			})
		},
	}
	f.register(cmd)
	return cmd
}

func (f *augmentFlags) register(cmd *cobra.Command) {
	f.services.register(cmd)
	cmd.Flags().StringVar(&f.password, "password-file", "", "`file` with the password of an encrypted document")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object instead of text")
}

func (f *augmentFlags) run(cmd *cobra.Command, args []string, work func(*signer.Signer, signer.Input) (*signer.Result, error)) error {
	s, end, err := f.services.signer(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer end()
	password, err := readSecret(f.password)
	if err != nil {
		return ofFlag("password-file", err)
	}
	r, err := beginRewriting(args[0], args[1])
	if err != nil {
		return err
	}
	defer r.close()
	result, err := r.finish(cmd, func(in signer.Input) (*signer.Result, error) {
		in.Password = password
		return work(s, in)
	})
	if err != nil {
		return err
	}
	return f.report(cmd.OutOrStdout(), cmd.Name(), result, args[1])
}

func (f *augmentFlags) report(w io.Writer, command string, r *signer.Result, out string) error {
	if f.json {
		return json.NewEncoder(w).Encode(map[string]any{
			"schema": "absah/signed/1", "file": out, "field": r.Field, "level": r.Level.String(),
		})
	}
	if command == "timestamp" {
		_, err := fmt.Fprintf(w, "%s: document timestamp %s added\n", out, printable(r.Field))
		return err
	}
	if len(r.Tail) == 0 {
		_, err := fmt.Fprintf(w, "%s: nothing was missing for %s, the copy is unchanged\n", out, r.Level)
		return err
	}
	_, err := fmt.Fprintf(w, "%s: now %s\n", out, r.Level)
	return err
}
