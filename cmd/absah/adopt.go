package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// newAdoptRowsCommand gives MACs to the rows of a database from before there were
// any.
func newAdoptRowsCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "adopt-rows CONFIG --reason TEXT",
		Short: "Take over applications and staff from before their rows carried a MAC",
		Long: `The rows that say who may do what (applications, credentials, staff, proposals, locks) carry
a MAC under a key that only the HSM gives, and count for nothing without. Adopt-rows gives one
to all rows of a database that was made before there were MACs. It audits first, as "absah
evidence audit" does, and adopts nothing when the tables are not as the records say. What
records do not say, such as the password of a member of staff, it takes as it is: look first
who could write to the database. It puts an event into the log.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(ctx context.Context, s *gatewayService) error {
				return adoptRows(ctx, cmd.OutOrStdout(), s, reason)
			})
		},
	}
	requireReason(cmd, &reason)
	return cmd
}

func adoptRows(ctx context.Context, out io.Writer, s *gatewayService, reason string) error {
	finding, err := evidence.Audit(ctx, evidence.AuditConfig{
		Store: s.db, Origin: s.log.Origin(), Keys: s.log.AllKeys(), Floor: s.cfg.Evidence.Floor, Beside: s.db.Beside(), Token: checkToken,
	})
	if err != nil {
		return err
	}
	if !finding.OK() {
		return fmt.Errorf("%w: %s (%s)", evidence.ErrTampered, printable(finding.Text), finding.Rule)
	}
	var (
		o    gateway.Operation
		rows int64
	)
	err = s.db.AdoptRows(ctx, func(n int64) (_ gateway.Operation, e evidence.Entry, err error) {
		rows = n
		o, e, err = s.localEvent(evidence.Record{
			Kind: "rows.adopt", Time: time.Now(), Result: evidence.Result{Status: evidence.StatusOK},
			Detail: map[string]string{"rows": fmt.Sprint(n), "reason": reason},
		})
		return o, e, err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "operation %s\nadopted %d rows\n", o.ID, rows)
	return err
}
