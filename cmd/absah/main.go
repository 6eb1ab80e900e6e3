// Command absah signs, seals and timestamps official electronic documents
// with keys that never leave a PKCS#11 module.
//
// It is the only place that reads flags and the environment. It wires the
// packages together and turns their errors into exit statuses (see
// [exitStatus]). Run "absah help" for the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	_ "time/tzdata" // small systems have none, and pages show local time

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/absah-id/absah/hsm"
)

// version is set by the linker; a plain "go build" shows the module's.
var version string

// gcPercent is above Go's 100. Documents are not kept in memory: with the few
// MB that live, Go would collect after every 60 signatures or so. This costs
// 12 MB and saves about 3 % of the processor when signing.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns the process's exit status. The
// first SIGINT, SIGTERM or SIGHUP cancels the context so that temporary files
// are removed and children end; the second ends the process at once. Under
// nohup SIGHUP stays ignored.
func run(args []string, stdout, stderr io.Writer) int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	out := &outputWriter{w: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.failure()
	}
	if err == nil {
		return statusOK
	}
	hint := hintFor(strings.TrimPrefix(cmd.CommandPath(), "absah "), err)
	var quiet *exitError
	switch {
	case errors.As(err, &quiet) && quiet.err == nil:
		hint = ""
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "absah: interrupted")
		if !errors.Is(err, hsm.ErrUnknownOutcome) {
			hint = ""
		}
	default:
		fmt.Fprintf(stderr, "absah: %s\n", said(err))
	}
	if hint != "" {
		fmt.Fprintf(stderr, "  %s\n", hint)
	}
	return exitStatus(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "absah",
		Short:         "Sign, seal, timestamp and verify official electronic documents",
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		// A bare "absah" or an unknown command is a mistake, not a success.
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("unknown command %q; run \"absah help\"", args[0])
			}
			return usageErrorf("no command given; run \"absah help\"")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageErrorf("%v; run \"%s --help\"", err, cmd.CommandPath())
	})
	root.AddCommand(
		newDemoCommand(),
		newSignCommand(),
		newAugmentCommand(),
		newTimestampCommand(),
		newVerifyCommand(),
		newKeyCommand(),
		newEvidenceCommand(),
		newConfigCommand(),
		newInitCommand(),
		newServeCommand(),
		newReadyCommand(),
		newBackupCommand(),
		newSignerCommand(),
		newApplicationCommand(),
		newStaffCommand(),
		newTrustCommand(),
		newWorkerCommand(),
	)
	return root
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// requireReason adds the flag --reason to a command that puts one on record.
func requireReason(cmd *cobra.Command, reason *string) {
	cmd.Flags().Var((*recordedReason)(reason), "reason", "`reason`, which is put on record")
	mustRequire(cmd, "reason")
}

// maxReason is how much of a reason a record takes, in bytes.
const maxReason = 1024

// recordedReason is a flag that must say something, and no more than a record
// takes: what is on record stays there.
type recordedReason string

func (r *recordedReason) String() string { return string(*r) }
func (r *recordedReason) Type() string   { return "string" }

func (r *recordedReason) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("it says nothing")
	}
	if !utf8.ValidString(text) {
		return errors.New("it is not UTF-8")
	}
	if len(text) > maxReason {
		return fmt.Errorf("it has %d bytes, at most %d", len(text), maxReason)
	}
	*r = recordedReason(text)
	return nil
}

// mayBeEmpty are flags with text for readers, which scripts give as it comes.
var mayBeEmpty = []string{"reason", "location", "contact", "show-name", "show-office", "show-line", "office"}

// checkEmpty refuses a flag or an operand that was given without a value: what
// a script forgot to set must not pass for one that was left out.
func checkEmpty(cmd *cobra.Command, names, args []string) error {
	var empty []string
	for i, arg := range args {
		if arg == "" {
			empty = append(empty, names[i])
		}
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if slices.Contains(values, "") && !slices.Contains(mayBeEmpty, f.Name) {
			empty = append(empty, "--"+f.Name)
		}
	})
	if empty != nil {
		return usageErrorf("%s: %s has an empty value", cmd.CommandPath(), strings.Join(empty, ", "))
	}
	return nil
}

// exactArgs is cobra.ExactArgs with usage errors that name the operands, the
// required flags that are missing, and those without a value.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			want := "no operands"
			if len(names) > 0 {
				want = "the operands " + strings.Join(names, " ")
			}
			return usageErrorf("%s takes %s, got %d; run \"%s --help\"", cmd.CommandPath(), want, len(args), cmd.CommandPath())
		}
		var missing []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Annotations[cobra.BashCompOneRequiredFlag] != nil && !f.Changed {
				missing = append(missing, "--"+f.Name)
			}
		})
		if missing != nil {
			return usageErrorf("%s needs %s; run \"%s --help\"", cmd.CommandPath(), strings.Join(missing, ", "), cmd.CommandPath())
		}
		return checkEmpty(cmd, names, args)
	}
}
