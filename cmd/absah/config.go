package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/internal/config"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration of the gateway",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Name every fault in a configuration file, with its line",
		Long: `Check reads FILE as "absah serve" does, and looks whether the files that it names are
there, anchors are authorities, and secrets are kept from other users. It contacts nobody.`,
		Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err == nil {
				err = cfg.CheckFiles()
			}
			if err == nil {
				_, err = readTrust(cfg.Trust)
			}
			if err != nil {
				return usageErrorf("%v", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: good (organisation %s, database %s)\n", args[0], cfg.Organisation.ID, cfg.Database.Engine())
			return nil
		},
	})
	return cmd
}
