package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// newResetClockCommand is the way out after the clock had jumped forward.
func newResetClockCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "reset-clock CONFIG --reason TEXT",
		Short: "Go on after the clock had jumped forward, with a trace in the log",
		Long: `Reset-clock is for a gateway that refuses to work because records bear times which have
not come yet: the clock was ahead, and is right again. It puts an event into the log that
says so, which becomes the latest moment on record. Records and checkpoints with wrong
times stay as they are, for ever: the event says from when to when times mean nothing.

The clock is held against a timestamp authority, where one is configured, and against the
timestamps of checkpoints: a clock that is behind them is not believed. Stop every gateway
on the database first. Activations, sessions and open operations of the wrong time end.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return resetClock(ctx, cmd.OutOrStdout(), s, reason)
			})
		},
	}
	requireReason(cmd, &reason)
	return cmd
}

// aheadBy is how far in the future the latest moment on record must be: what is
// less passes by itself before anybody has typed the command.
const aheadBy = 10 * time.Second

func resetClock(ctx context.Context, out io.Writer, s *gatewayService, reason string) error {
	var was time.Time
	err := s.db.View(ctx, gateway.AllOrganisations, func(r gateway.Reader) (err error) {
		was, err = r.TimeFloor(ctx)
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if was.Before(now.Add(aheadBy)) {
		return clockError("The latest moment on record is %s: the clock has not been ahead.", was.Format(time.RFC3339))
	}
	if err := notBehindStamps(ctx, s, now); err != nil {
		return err
	}
	r := evidence.Record{
		Kind: "clock.reset", Time: now, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"was": was.Format(time.RFC3339Nano), "reason": reason, "vouches": "nobody"},
	}
	token, err := stampClock(ctx, s, now, was, reason)
	if err != nil {
		return err
	}
	if token != nil {
		r.Detail["vouches"] = "timestamp " + token.Time.UTC().Format(time.RFC3339)
		blob := evidence.Blob{Kind: "clock-timestamp", Data: token.Raw}
		if err := s.db.PutArtefact(ctx, blob); err != nil {
			return err
		}
		r.Artefacts = []evidence.Artefact{{Kind: blob.Kind, SHA256: fmt.Sprintf("%x", sha256.Sum256(blob.Data)), Size: int64(len(blob.Data))}}
	}
	o, e, err := s.localEvent(r)
	if err != nil {
		return err
	}
	if err := s.db.ResetClock(ctx, o, e, s.cfg.Limits.Tail); err != nil {
		return err
	}
	closed, err := s.closeFuture(ctx, was.Sub(now))
	if err != nil {
		return fmt.Errorf("the clock is reset, but open operations are not closed: %w", err)
	}
	_, err = fmt.Fprintf(out, "operation %s\nthe latest moment on record was %s\n%d open operations closed as unknown\n", o.ID, was.Format(time.RFC3339), closed)
	return err
}

func clockError(format string, args ...any) error {
	return &gateway.Error{Code: gateway.CodeClock, Text: fmt.Sprintf(format, args...)}
}

// notBehindStamps refuses a clock that is behind what a timestamp authority has
// said of a checkpoint: it is the clock then that is wrong.
func notBehindStamps(ctx context.Context, s *gatewayService, now time.Time) error {
	head, err := s.db.Head(ctx)
	if err != nil {
		return err
	}
	// The largest size at or above which there is a token is that of the newest.
	var last evidence.Checkpoint
	for low, high := int64(1), head.Size; low <= high; {
		size := low + (high-low)/2
		c, ok, err := s.db.CheckpointFor(ctx, size, true)
		if err != nil {
			return err
		}
		if !ok {
			high = size - 1
			continue
		}
		last, low = c, c.Size+1
	}
	if last.Token == nil {
		return nil
	}
	token, err := tsp.ParseToken(last.Token)
	if err != nil {
		return fmt.Errorf("%w: the timestamp of the checkpoint of %d: %w", evidence.ErrTampered, last.Size, err)
	}
	if token.Time.After(now.Add(s.cfg.Timestamps.Drift)) {
		return clockError("A timestamp authority has seen the log at %s: the clock of this machine is behind.", token.Time.UTC().Format(time.RFC3339))
	}
	return nil
}

// stampClock asks a timestamp authority for the time; nil when none is
// configured. The token is over a digest of what the record says.
func stampClock(ctx context.Context, s *gatewayService, now, was time.Time, reason string) (*tsp.Token, error) {
	if s.stamper == nil {
		return nil, nil
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "absah/clock/1\n%s\n%s\n%s\n%s\n", s.origin(), was.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano), reason))
	der, err := s.stamper.Timestamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	token, err := tsp.ParseToken(der)
	if err != nil {
		return nil, err
	}
	if d := token.Time.Sub(now).Abs(); d > s.cfg.Timestamps.Drift {
		return nil, clockError("The timestamp authority says that it is %s: the clock of this machine is wrong.", token.Time.UTC().Format(time.RFC3339))
	}
	return token, nil
}

// localEvent makes an event of the local operator, and its row.
func (s *gatewayService) localEvent(r evidence.Record) (gateway.Operation, evidence.Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return gateway.Operation{}, evidence.Entry{}, err
	}
	c := s.operator()
	r.Organisation, r.Operation, r.Phase, r.Node = c.Application.Organisation, id.String(), evidence.PhaseEvent, node()
	r.Actor = evidence.Actor{Role: string(c.Application.Role), Authentication: c.Authentication, User: c.User}
	e, _, err := s.log.NewEntry(r)
	return gateway.Operation{
		ID: r.Operation, Organisation: r.Organisation, Kind: r.Kind, Status: gateway.OperationOK, User: c.User, Node: r.Node,
		StartedAt: e.Time, FinishedAt: e.Time,
	}, e, err
}

// closeFuture closes the operations that were begun in the time that is now ahead
// and never ended: their process has died, and they would be taken for running
// until then.
func (s *gatewayService) closeFuture(ctx context.Context, ahead time.Duration) (int, error) {
	if err := s.openGateway(ctx); err != nil { // one that has read the new moment
		return 0, err
	}
	return s.gateway.Reconcile(ctx, -(ahead + time.Hour))
}
