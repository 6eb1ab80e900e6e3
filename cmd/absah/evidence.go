package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/store"
)

func newEvidenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "evidence", Short: "Verify evidence bundles, audit the log, change its key",
		Args: func(*cobra.Command, []string) error {
			return usageErrorf("say verify, audit, keys, set-floor, adopt-rows, roll-over or reset-clock; run \"absah evidence --help\"")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newEvidenceVerifyCommand(), newEvidenceAuditCommand(), newEvidenceKeysCommand(), newSetFloorCommand(), newAdoptRowsCommand(), newRollOverCommand(), newResetClockCommand())
	return cmd
}

// bundleFlags are the flags of "absah evidence verify".
type bundleFlags struct {
	trust, trustTSA, logKeys, witnesses []string
	document                            string
	json                                bool
}

func newEvidenceVerifyCommand() *cobra.Command {
	var f bundleFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] BUNDLE...",
		Short: "Say what evidence bundles prove, without network or database",
		Long: `Verify proves each statement of a bundle: that the record is in the log, that the
log was signed and timestamped, that signature, certificate and document are the
record's. Nobody is trusted but the log keys and roots named by flags: without
them a statement that rests on them is "unproven", as is one on a certificate of
which nothing in the bundle says whether it was revoked, and one on what is not in the
bundle: a receipt, an outcome, a timestamp, a signature that the record names. With --document the PDF that
you hold is compared too, with --witness it is proven that the witnesses you name have seen
the log.

The exit status is 0 when every statement holds, 1 when some fails, 2 when none
fails and some is unproven, 65 when a file is not a bundle; of several the worst,
in the order 65, 1, 2, 0.`,
		Example: `  absah evidence verify --log-key kunci.txt --trust induk.pem bukti.zip
  absah evidence verify --document naskah.pdf --log-key kunci.txt --trust induk.pem bukti.zip
  absah evidence verify --json bukti.zip`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print one JSON object a bundle, one a line")
	flags.StringArrayVar(&f.logKeys, "log-key", nil, "`file` with verifier keys of the log and its receipts, one a line, as their owner published them (repeatable)")
	flags.StringArrayVar(&f.trust, "trust", nil, "PEM `file or folder` of trusted root certificates (repeatable)")
	flags.StringArrayVar(&f.trustTSA, "trust-tsa", nil, "the same for timestamp authorities (default: --trust)")
	flags.StringArrayVar(&f.witnesses, "witness", nil, "`file` with verifier keys of witnesses that must have seen the log, one a line (repeatable)")
	flags.StringVar(&f.document, "document", "", "`PDF` that you hold, to be compared with the record; for one bundle")
	return cmd
}

func (f *bundleFlags) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageErrorf("name at least one bundle")
	}
	var o bundle.Options
	var err error
	if o.LogKeys, err = readLogKeys(f.logKeys); err != nil {
		return err
	}
	if o.Witnesses, err = readLogKeys(f.witnesses); err != nil {
		return err
	}
	if o.Anchors, err = readAnchors(f.trust); err != nil {
		return err
	}
	o.TSAs = o.Anchors
	if len(f.trustTSA) > 0 {
		if o.TSAs, err = readAnchors(f.trustTSA); err != nil {
			return err
		}
	}
	if f.document != "" {
		if len(args) > 1 {
			return usageErrorf("--document belongs to one bundle")
		}
		file, size, err := openRegular(f.document)
		if err != nil {
			return err
		}
		defer file.Close()
		o.Document, o.DocumentSize = file, size
	}
	status := statusOK
	for _, name := range args {
		r, err := verifyBundle(name, o)
		if unreadable, ok := errors.AsType[*bundle.UnreadableError](err); ok {
			fmt.Fprintf(cmd.ErrOrStderr(), "absah: %s: %v\n", name, unreadable)
			status = worse(status, statusUnreadable)
			continue
		}
		if err != nil {
			return err
		}
		if err := f.print(cmd.OutOrStdout(), r); err != nil {
			return &outputError{err}
		}
		switch r.Verdict {
		case bundle.Fails:
			status = worse(status, statusFailed)
		case bundle.Unproven:
			status = worse(status, statusIndeterminate)
		}
	}
	if status != statusOK {
		return &exitError{status: status}
	}
	return nil
}

func verifyBundle(name string, o bundle.Options) (*bundle.Report, error) {
	file, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := bundle.Verify(file, size, o)
	if err != nil {
		return nil, err
	}
	r.File = name
	return &r, nil
}

// openRegular opens a file that can be read at any place.
func openRegular(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, usageErrorf("%v", err)
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, 0, usageErrorf("%s is not a regular file", name)
	}
	return file, info.Size(), nil
}

func (f *bundleFlags) print(w io.Writer, r *bundle.Report) error {
	if f.json {
		return json.NewEncoder(w).Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.File, r.Verdict)
	for _, s := range r.Statements {
		fmt.Fprintf(&b, "  %-8s %-14s %s\n", s.State, s.ID, s.Text)
	}
	if len(r.Keys) > 0 {
		b.WriteString("  Compare with what was published elsewhere, and name it by --log-key and --trust:\n")
		for _, key := range r.Keys {
			fmt.Fprintf(&b, "    %s\n", key)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// readLogKeys returns the verifier keys in files, one a line; nil for no files.
func readLogKeys(names []string) ([]string, error) {
	var keys []string
	for _, name := range names {
		text, err := readSmall(name)
		if err != nil {
			return nil, err
		}
		before := len(keys)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				keys = append(keys, line)
			}
		}
		if len(keys) == before {
			return nil, usageErrorf("%s holds no key", name)
		}
	}
	return keys, nil
}

// auditFlags are the flags of "absah evidence audit".
type auditFlags struct {
	database, floor, gateway       string
	logKeys, checkpoints, trustTSA []string
	json                           bool
}

func newEvidenceAuditCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit --database URL [flags]",
		Short: "Recompute the whole log from its rows and name the first bad record",
		Long: `Audit reads every record of the log, recomputes its tree and compares it with the
stored hashes, with every checkpoint, with the floor file and with checkpoints kept
elsewhere, and looks for records that are past the time promised for their place in it.
Then it holds against the records what stands beside them: artefacts, timestamps of
checkpoints, and the tables of operations, documents, applications, staff and signers.
It may run beside a gateway: it opens the database to read only, and changes nothing.
With --config the token of the gateway is asked, and the MACs of intents are verified too,
as nobody without it can.

The exit status is 0 when nothing is wrong, 1 when something is: then the first bad
index is named, or the range in which it lies. It is 2 when nothing was found but no
--log-key was named, so that signatures were not verified.`,
		Example: `  absah evidence audit --database sqlite:/var/lib/absah/absah.db --log-key kunci.txt --floor /var/lib/absah/floor`,
		Args:    exactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.database, "database", "", "`URL` of the database: sqlite:PATH or postgres://…")
	flags.StringArrayVar(&f.logKeys, "log-key", nil, "`file` with verifier keys of the log and its receipts, past ones too, one a line (repeatable)")
	flags.StringVar(&f.gateway, "config", "", "configuration `file` of the gateway, whose HSM verifies the MACs of intents")
	flags.StringVar(&f.floor, "floor", "", "the gateway's floor `file`; needs --log-key")
	flags.StringArrayVar(&f.checkpoints, "checkpoint", nil, "`file` with a checkpoint that was kept elsewhere; needs --log-key (repeatable)")
	flags.StringArrayVar(&f.trustTSA, "trust-tsa", nil, "PEM `file or folder` of the roots of all timestamp authorities that the log ever had: a timestamp by another is wrong (repeatable)")
	flags.BoolVar(&f.json, "json", false, "print the finding as a JSON object")
	return cmd
}

func (f *auditFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	cfg, err := f.config(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(f.database, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return usageErrorf("%v", err)
		}
	}
	db, err := store.Open(ctx, store.Options{URL: f.database, ReadOnly: true})
	if err != nil {
		return &exitError{statusUnavailable, err}
	}
	defer db.Close()
	cfg.Store, cfg.Beside = db, db.Beside()
	if f.gateway != "" {
		if cfg.Intents, err = intentsOf(ctx, f.gateway); err != nil {
			return err
		}
	}
	if cfg.Origin, err = originOf(ctx, db); err != nil {
		return err
	}
	finding, err := evidence.Audit(ctx, cfg)
	if err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), &finding); err != nil {
		return &outputError{err}
	}
	switch {
	case !finding.OK():
		return &exitError{status: statusFailed}
	case len(cfg.Keys) == 0:
		fmt.Fprintln(cmd.ErrOrStderr(), "absah: signatures were not verified: name the log's keys by --log-key")
		return &exitError{status: statusIndeterminate}
	}
	return nil
}

// intentsOf derives the secret under which the nodes of a gateway write intents.
func intentsOf(ctx context.Context, file string) ([]byte, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	s := &gatewayService{cfg: cfg, logger: slog.New(slog.DiscardHandler)}
	if err := s.openHSM(ctx); err != nil {
		return nil, err
	}
	secret, err := s.keys.vault.Derive(ctx, "intents")
	return secret, errors.Join(err, s.close())
}

// checkTokenBy is checkToken, and tells whether the authority is one that an anchor
// certifies.
func checkTokenBy(anchors *pki.Anchors) func(der []byte, digest [32]byte) error {
	return func(der []byte, digest [32]byte) error {
		if err := checkToken(der, digest); err != nil {
			return err
		}
		token, err := tsp.ParseToken(der)
		if err != nil {
			return err
		}
		authority, err := token.Signer()
		if err != nil {
			return err
		}
		_, err = pki.Chain(authority, token.SignedData.Certificates(), anchors, token.Time, pki.Timestamping)
		return err
	}
}

// checkToken tells whether a token is over a digest and signed by the certificate
// that it names; whom to trust for the time is for whoever verifies a bundle.
func checkToken(der []byte, digest [32]byte) error {
	token, err := tsp.ParseToken(der)
	if err != nil {
		return err
	}
	return token.Verify(crypto.SHA256, digest[:])
}

// config reads the files that the flags name.
func (f *auditFlags) config(stderr io.Writer) (evidence.AuditConfig, error) {
	var cfg evidence.AuditConfig
	if f.database == "" {
		return cfg, usageErrorf("--database is missing")
	}
	var err error
	if cfg.Keys, err = readLogKeys(f.logKeys); err != nil {
		return cfg, err
	}
	cfg.Token = checkToken
	if len(f.trustTSA) > 0 {
		anchors, err := readAnchors(f.trustTSA)
		if err != nil {
			return cfg, err
		}
		cfg.Token = checkTokenBy(anchors)
	}
	if len(cfg.Keys) == 0 && (f.floor != "" || len(f.checkpoints) > 0) {
		return cfg, usageErrorf("--floor and --checkpoint need --log-key")
	}
	for _, name := range f.checkpoints {
		msg, err := readSmall(name)
		if err != nil {
			return cfg, err
		}
		cfg.Kept = append(cfg.Kept, msg)
	}
	if f.floor != "" {
		if _, err := os.Stat(f.floor); err != nil { // a missing floor is not an empty log's
			return cfg, usageErrorf("%v", err)
		}
		cfg.Floor = f.floor
	}
	if isTerminal(stderr) {
		next := time.Now()
		cfg.Progress = func(done, total int64) {
			if now := time.Now(); now.After(next) {
				next = now.Add(time.Second)
				fmt.Fprintf(stderr, "absah: audit: %d of %d\n", done, total)
			}
		}
	}
	return cfg, nil
}

// originOf reads the log's name off its last checkpoint; "" for a log without
// one. Who wrote another name there has no key for it among those of the auditor.
func originOf(ctx context.Context, db *store.DB) (string, error) {
	c, _, err := db.LatestCheckpoint(ctx)
	return evidence.CheckpointOrigin(c.Note), err
}

func (f *auditFlags) print(w io.Writer, finding *evidence.Finding) error {
	if f.json {
		return json.NewEncoder(w).Encode(finding)
	}
	var err error
	finding.Text = printable(finding.Text) // it names what stands in the database
	if finding.OK() {
		_, err = fmt.Fprintf(w, "%d entries and %d checkpoints agree, root %s\n", finding.Size, finding.Checkpoints, finding.Root)
		if err == nil && len(finding.NotCovered) > 0 {
			_, err = fmt.Fprintf(w, "not covered by any record: %s\n", strings.Join(finding.NotCovered, ", "))
		}
	} else if finding.End == finding.First {
		_, err = fmt.Fprintf(w, "BAD: %s (%s)\n", finding.Text, finding.Rule)
	} else if finding.End > finding.First+1 {
		_, err = fmt.Fprintf(w, "BAD between index %d and %d: %s (%s)\n", finding.First, finding.End-1, finding.Text, finding.Rule)
	} else {
		_, err = fmt.Fprintf(w, "BAD at index %d: %s (%s)\n", finding.First, finding.Text, finding.Rule)
	}
	return err
}
