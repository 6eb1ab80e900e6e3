package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/config"
)

// newRollOverCommand has the old key of the log sign the new one into it.
func newRollOverCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "roll-over CONFIG --from LABEL",
		Short: "Have the old key of the log name the new one as its successor",
		Long: `Roll-over puts a statement into the log, signed by the old key, that the new key follows
it: whoever was given the old key can go on with it, and follow to the new one.

First name the new key's label as keys.log in CONFIG and the old verifier key under
evidence.past_keys, and make the new key with "absah init CONFIG". A gateway that runs
with the old CONFIG may go on until this is done; then start it anew with the new one,
and publish what "absah evidence keys CONFIG" prints. A gateway does not start with a
key that the one before has not named.`,
		Example: `  absah init /etc/absah/absah.yaml
  absah evidence roll-over /etc/absah/absah.yaml --from absah-log`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			s, old, err := openForRollOver(cmd.Context(), cfg, cmd.ErrOrStderr(), from)
			if err != nil {
				return err
			}
			return errors.Join(rollOver(cmd.Context(), cmd.OutOrStdout(), s, old), s.close())
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`label` of the old key of the log on the token")
	mustRequire(cmd, "from")
	return cmd
}

// openForRollOver is openService for a log whose key nobody has named yet.
func openForRollOver(ctx context.Context, cfg *config.Config, stderr io.Writer, from string) (s *gatewayService, old crypto.Signer, err error) {
	s = &gatewayService{cfg: cfg, logger: newLogger(stderr, config.Log{Level: "warn", Format: "text"})}
	openOld := func(ctx context.Context) (err error) {
		old, err = s.pastKey(ctx, from)
		return err
	}
	openLog := func(ctx context.Context) error {
		if err := s.openLog(ctx); !errors.Is(err, evidence.ErrNoSuccessor) {
			return err
		}
		return nil
	}
	err = inTurn(ctx, []step{
		{"trust", s.openTrust}, {"database", s.openDatabase}, {"HSM", s.openHSM}, {"services", s.openServices},
		{"old key", openOld}, {"log", openLog}, {"gateway", s.openGateway}, {"trust", s.checkAnchors},
	})
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return s, old, nil
}

// pastKey finds the key of that label, which the configuration must know: without
// it the gateway would take every checkpoint by that key for a forgery.
func (s *gatewayService) pastKey(ctx context.Context, label string) (crypto.Signer, error) {
	key, err := s.module.Key(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", label, err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, usageErrorf("%q is not an Ed25519 key", label)
	}
	vkey, err := evidence.VerifierKey(s.origin(), public)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(s.cfg.Evidence.PastKeys, vkey) {
		return nil, usageErrorf("put the key of %q under evidence.past_keys of the configuration first: %s", label, vkey)
	}
	return key, nil
}

func rollOver(ctx context.Context, out io.Writer, s *gatewayService, old crypto.Signer) error {
	c := s.operator()
	e, receipt, err := s.log.RollOver(ctx, evidence.Record{
		Organisation: c.Application.Organisation, Node: node(), Time: time.Now(),
		Actor: evidence.Actor{Role: string(c.Application.Role), Authentication: c.Authentication, User: c.User},
	}, old)
	if errors.Is(err, evidence.ErrNotCurrent) {
		return &gateway.Error{Code: gateway.CodeInvalid, Text: "The log was signed with another key last.", Err: err}
	}
	if err != nil {
		return usageErrorf("%v", err)
	}
	err = s.db.Update(ctx, gateway.Scope(e.Organisation), func(tx gateway.Tx) error {
		return tx.RecordEvent(ctx, gateway.Operation{
			ID: e.Operation, Organisation: e.Organisation, Kind: e.Kind, Status: gateway.OperationOK,
			User: c.User, Node: node(), StartedAt: e.Time, FinishedAt: e.Time,
		}, e)
	})
	if errors.Is(err, gateway.ErrExists) {
		return &gateway.Error{Code: gateway.CodeExists, Text: "This key has been named as a successor before.", Operation: e.Operation, Err: err}
	}
	if err != nil {
		return err
	}
	logKey, _ := s.log.Keys()
	_, err = fmt.Fprintf(out, "operation %s\nsuccessor %s\n%s", e.Operation, logKey, receipt.Note)
	return err
}
