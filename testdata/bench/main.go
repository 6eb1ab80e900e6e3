// Command bench measures Absah beside its peers, in one run on one machine,
// and compares the ratios with the figures that the project set itself.
//
// Each measurement runs in a process of its own, which this program starts
// with "bench measure NAME", so that its memory is its own and no measurement
// warms up another. Rates that are compared are measured in turns, several
// times, and the median of the ratios counts: on a shared machine only what
// is measured at the same time can be compared.
//
// Each table replaces its marked section of docs/PERFORMANCE.md, or of the file
// that -update names. It runs in the folder of its source, as make bench does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/absah-id/absah/testdata/interop/office"
)

func main() {
	office.RunIfWorker()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "measure" {
		return measure(ctx, args[1:])
	}
	var cfg config
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.IntVar(&cfg.rounds, "rounds", 15, "how often each rate is measured")
	flags.DurationVar(&cfg.duration, "duration", time.Second, "how long a rate is measured each time")
	flags.StringVar(&cfg.only, "only", "", "measure only the rows of `sign`, verify, http (or http-rate and the like) or evidence")
	flags.Int64Var(&cfg.records, "records", 10_000_000, "how many `records` the long evidence log has, an even number")
	flags.Int64Var(&cfg.large, "large", 1<<30, "size of the large file in `bytes`; 0 leaves it out")
	update := flags.String("update", "../../docs/PERFORMANCE.md", "`file` whose marked sections the tables replace; empty for none")
	strict := flags.Bool("strict", false, "exit with 1 when a target is missed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tables, err := run(ctx, cfg)
	if err != nil {
		return err
	}
	missed := 0
	for _, t := range tables {
		t.print(os.Stdout)
		if *update != "" && (cfg.only == "" || cfg.only == t.name) { // a part of a group is for whoever asked
			if err := t.update(*update); err != nil {
				return err
			}
		}
		missed += t.missed()
	}
	if missed > 0 && *strict {
		return fmt.Errorf("%d targets missed", missed)
	}
	return nil
}

type config struct {
	rounds   int
	duration time.Duration
	large    int64
	records  int64
	only     string
}

// takes tells whether rows are asked for, by their own name or one that it, or
// that they, begin with.
func (c config) takes(rows string) bool {
	return strings.HasPrefix(rows, c.only) || strings.HasPrefix(c.only, rows+"-")
}

// label is the key that everything is signed with.
const label = "bench-rsa2048"

// inFlight is how many signatures are made at once, and how many sessions.
const inFlight = 8

// run makes the office and takes all measurements.
func run(ctx context.Context, cfg config) (tables []*table, err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o, err := office.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if _, err := child(ctx, "-dir", dir, "make-key"); err != nil {
		return nil, err
	}
	if _, err := o.Certify(ctx, label); err != nil {
		return nil, err
	}
	if err := makePDF(pdfPath(dir), smallSize); err != nil {
		return nil, err
	}
	for _, group := range []struct {
		name string
		take func(*table) error
	}{
		{"sign", func(t *table) error { return signRows(ctx, cfg, dir, t) }},
		{"verify", func(t *table) error { return verifyRows(ctx, cfg, dir, o, t) }},
		{"http", func(t *table) error { return httpRows(ctx, cfg, dir, o, t) }},
		{"evidence", func(t *table) error { return evidenceRows(ctx, cfg, dir, t) }},
	} {
		if cfg.takes(group.name) {
			t := &table{name: group.name, command: commandLine(), machine: machine()}
			if err := group.take(t); err != nil {
				return nil, fmt.Errorf("%s: %w", group.name, err)
			}
			tables = append(tables, t)
		}
	}
	return tables, nil
}

// commandLine is how to take the same measurement again.
func commandLine() string {
	if len(os.Args) < 2 {
		return "make bench"
	}
	return fmt.Sprintf("make bench ARGS='%s'", strings.Join(os.Args[1:], " "))
}

func signRows(ctx context.Context, cfg config, dir string, t *table) error {
	if err := small(ctx, cfg, dir, t); err != nil {
		return err
	}
	for _, size := range []int64{100 << 20, cfg.large} {
		if size > 0 {
			if err := large(ctx, dir, size, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func verifyRows(ctx context.Context, cfg config, dir string, o *office.Office, t *table) error {
	if err := verify(ctx, cfg, dir, o, t); err != nil || cfg.large == 0 {
		return err
	}
	return verifyLarge(ctx, dir, o.Trust(), cfg.large, t)
}

// machine describes what this runs on.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		model = field(string(b), "model name")
	}
	return fmt.Sprintf("%s, %d cores, %s %s/%s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func pdfPath(dir string) string { return filepath.Join(dir, "small.pdf") }
