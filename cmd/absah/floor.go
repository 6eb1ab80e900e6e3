package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/config"
)

// newSetFloorCommand is how a node comes by the floor file that it lacks.
func newSetFloorCommand() *cobra.Command {
	var reason, checkpoint string
	cmd := &cobra.Command{
		Use:   "set-floor CONFIG --reason TEXT [--checkpoint FILE]",
		Short: "Make the floor file that a node lacks, with a trace in the log",
		Long: `Set-floor is for a gateway that refuses to start because the log has entries and
evidence.floor is not there: a new machine on a database that others use, a floor that was
lost, or a log that goes on under a new name. Without the file nobody can tell whether the
database is the present one or an old copy, so somebody must say it, and it is put on record.

--checkpoint names a checkpoint from outside the database: the floor file of another machine,
or what /log/checkpoint gave to somebody who kept it. A database that does not continue it is
refused. Without it the database is believed, and the record says that nobody vouches.`,
		Example: `  absah evidence set-floor /etc/absah/absah.yaml --reason "server kedua" --checkpoint log-floor.server-1`,
		Args:    exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			var kept []byte
			if checkpoint != "" {
				if kept, err = readSmall(checkpoint); err != nil {
					return err
				}
			}
			s := &gatewayService{cfg: cfg, logger: newLogger(cmd.ErrOrStderr(), config.Log{Level: "warn", Format: "text"})}
			return errors.Join(setFloor(cmd.Context(), cmd.OutOrStdout(), s, reason, kept), s.close())
		},
	}
	requireReason(cmd, &reason)
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "`file` with a checkpoint of the log that was kept outside its database")
	return cmd
}

// setFloor opens what openService does, as far as that comes without a floor.
func setFloor(ctx context.Context, out io.Writer, s *gatewayService, reason string, kept []byte) error {
	err := inTurn(ctx, []step{
		{"trust", s.openTrust}, {"database", s.openDatabase}, {"HSM", s.openHSM}, {"services", s.openServices}, {"log", s.openLogWithoutFloor},
	})
	if err != nil {
		return err
	}
	vouches := "nobody"
	if kept != nil {
		vouches = "checkpoint"
	}
	said := ""
	err = s.log.SetFloor(ctx, kept, func(head evidence.Head) error {
		o, e, err := s.localEvent(evidence.Record{
			Kind: "log.floor", Time: time.Now(), Result: evidence.Result{Status: evidence.StatusOK},
			Detail: map[string]string{"size": strconv.FormatInt(head.Size, 10), "root": head.Root.String(), "reason": reason, "vouches": vouches},
		})
		if err == nil {
			err = s.db.Update(ctx, gateway.Scope(o.Organisation), func(tx gateway.Tx) error { return tx.RecordEvent(ctx, o, e) })
		}
		said = fmt.Sprintf("operation %s\nfloor of %d entries, root %s, vouched for by %s\n", o.ID, head.Size, head.Root, vouches)
		return err
	})
	if err == nil {
		_, err = io.WriteString(out, said)
	}
	return err
}

// openLogWithoutFloor opens a log that lacks its floor, and leaves it so.
func (s *gatewayService) openLogWithoutFloor(ctx context.Context) error {
	_, there := os.Stat(s.cfg.Evidence.Floor)
	err := s.openLog(ctx)
	switch {
	case errors.Is(err, evidence.ErrNoFloor):
		return nil
	case err != nil:
		return err
	case there == nil:
		return usageErrorf("nothing is to be done: the floor is there")
	}
	// A log without entries opens, and has made its first floor; but a checkpoint
	// that was kept may know of some.
	return os.Remove(s.cfg.Evidence.Floor)
}
