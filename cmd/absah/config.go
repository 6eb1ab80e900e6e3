package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

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
there and can be read, certificates are such, anchors are authorities, the key of TLS is its
certificate's, and secrets are kept from other users. It contacts nobody, the token neither.`,
		Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err == nil {
				err = errors.Join(cfg.CheckFiles(), checkContents(cfg))
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

// checkContents reads the certificates that the configuration names as the start
// does. Files that are missing are left to CheckFiles.
func checkContents(cfg *config.Config) error {
	var faults []error
	check := func(read func() error, paths ...string) {
		there := func(path string) bool {
			_, err := os.Stat(path)
			return !errors.Is(err, fs.ErrNotExist)
		}
		if !slices.ContainsFunc(paths, func(path string) bool { return !there(path) }) {
			faults = append(faults, read())
		}
	}
	chain := func(key, path string) {
		check(func() error {
			if _, err := readCertificates(path); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return nil
		}, path)
	}
	t, tls := cfg.Trust, cfg.Server.TLS
	check(func() error { _, err := readAuthorities("trust.signers", t.Signers); return err }, t.Signers...)
	check(func() error { _, err := readAuthorities("trust.timestamps", t.Timestamps); return err }, t.Timestamps...)
	check(func() error { _, err := readTrust(config.Trust{Responders: t.Responders}); return err }, t.Responders...)
	if tls.Certificate != "" {
		files := []string{tls.Certificate, tls.Key}
		if tls.ClientCA != "" {
			files = append(files, tls.ClientCA)
		}
		check(func() error { _, err := serverTLS(tls, slog.New(slog.DiscardHandler)); return err }, files...)
	}
	for _, seal := range cfg.Keys.Seals {
		chain("keys.seals, "+seal.ID, seal.Certificate)
	}
	if cfg.Keys.TSA.Key != "" {
		chain("keys.tsa", cfg.Keys.TSA.Certificate)
	}
	return errors.Join(faults...)
}
