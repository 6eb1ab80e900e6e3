package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/config"
)

// newTrustCommand changes trust anchors, which takes two people: one who puts
// the files in place and proposes them, another who approves.
func newTrustCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Change the gateway's trust anchors, which takes two people",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "propose CONFIG",
		Short: "Propose the anchors that CONFIG names",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTrust(cmd, args[0], func(ctx context.Context, s *gatewayService, me gateway.Caller) error {
				payload, err := json.Marshal(s.anchors.set())
				if err != nil {
					return err
				}
				p, err := s.gateway.Propose(ctx, me, gateway.ProposeAnchors, payload)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", p.ID)
				return nil
			})
		},
	}, newTrustListCommand(), newTrustDecision("approve", true), newTrustDecision("reject", false))
	return cmd
}

func newTrustListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list CONFIG",
		Short: "List what was proposed",
		Args:  exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTrust(cmd, args[0], func(ctx context.Context, s *gatewayService, me gateway.Caller) error {
				all, err := s.gateway.Proposals(ctx, me, "", gateway.Page{})
				if err != nil {
					return err
				}
				l := newListing(cmd.OutOrStdout(), asJSON, "PROPOSAL", "STATUS", "PROPOSED", "BY", "KIND", "CHANGE")
				for _, p := range all {
					l.row(p.ID, p.Status, p.ProposedAt.Format(time.RFC3339), p.ProposedBy, p.Kind, string(p.Payload))
					err := l.object(struct {
						ID         string                 `json:"id"`
						Status     gateway.ProposalStatus `json:"status"`
						ProposedAt time.Time              `json:"proposedAt"`
						ProposedBy string                 `json:"proposedBy"`
						Kind       string                 `json:"kind"`
						Change     json.RawMessage        `json:"change"`
					}{p.ID, p.Status, p.ProposedAt, p.ProposedBy, p.Kind, p.Payload})
					if err != nil {
						return err
					}
				}
				return l.end()
			})
		},
	}
	listFlag(cmd, &asJSON, "proposal")
	return cmd
}

func newTrustDecision(name string, approve bool) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   name + " CONFIG PROPOSAL",
		Short: name + " what another person has proposed",
		Args:  exactArgs("CONFIG", "PROPOSAL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTrust(cmd, args[0], func(ctx context.Context, s *gatewayService, me gateway.Caller) error {
				return s.gateway.Decide(ctx, me, args[1], approve, reason)
			})
		},
	}
	requireReason(cmd, &reason)
	return cmd
}

// withTrust opens a gateway whose anchors may not be approved yet.
func withTrust(cmd *cobra.Command, file string, act func(context.Context, *gatewayService, gateway.Caller) error) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	s, err := openUntrusted(cmd.Context(), cfg, newLogger(cmd.ErrOrStderr(), config.Log{Level: "warn", Format: "text"}))
	if err != nil {
		return err
	}
	me := s.operator()
	if me.User == "" {
		return errors.Join(errors.New("the operating system does not know who you are"), s.close())
	}
	return errors.Join(act(cmd.Context(), s, me), s.close())
}
