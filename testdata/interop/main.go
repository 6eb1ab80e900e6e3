// Command interop shows that other people's tools accept what Absah signs.
//
// It signs a matrix of files with keys in a fresh SoftHSM token and
// certificates of the laboratory PKI, hands each file to every judge, prints
// one table, lists what failed, and exits with 1 if anything did. A judge
// that is not installed is named; with CI=true that is a failure too.
//
// "interop judge -trust ANCHORS.pem [-level B-LTA] [-at TIME] FILE…" puts
// given files before the judges instead.
//
// It trusts nothing of Absah's to judge Absah: signatures are found by their
// ByteRange, and every verdict comes from a foreign tool.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "judge" {
		return judgeGiven(ctx, args[1:])
	}
	return fmt.Errorf("nothing to do")
}

// judgeGiven is "interop judge".
func judgeGiven(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("judge", flag.ExitOnError)
	trust := flags.String("trust", "", "PEM `file` of trust anchors")
	level := flags.String("level", "", "level that the files must reach")
	at := flags.String("at", "", "moment of judgement, RFC 3339")
	if err := flags.Parse(args); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "interop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var cases []Case
	for _, file := range flags.Args() {
		path, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		cases = append(cases, Case{File: path, Level: *level, At: *at, Group: "given"})
	}
	return judgeAll(ctx, cases, *trust, work)
}

// judgeAll puts the cases before every judge and prints what they say.
func judgeAll(ctx context.Context, cases []Case, trust, work string) error {
	trust, err := filepath.Abs(trust)
	if err != nil {
		return err
	}
	here := sourceDir()
	tools := filepath.Join(here, "..", "..", ".tools")
	all, err := judges(ctx, here, tools, trust, work)
	if err != nil {
		return err
	}
	start := time.Now()
	o, err := ask(ctx, all, cases)
	if err != nil {
		return err
	}
	fmt.Println()
	o.table(os.Stdout)
	fmt.Println()
	o.list(os.Stdout, func(c Case) string { return filepath.Base(c.File) })
	bad := o.failures()
	fmt.Printf("%d files, %d judges, %d failed, %d judges skipped, judged in %v\n",
		len(cases), len(all)-len(o.skipped), bad, len(o.skipped), time.Since(start).Round(time.Second))
	switch {
	case bad > 0:
		return fmt.Errorf("%d failed", bad)
	case len(o.skipped) > 0 && os.Getenv("CI") == "true":
		return fmt.Errorf("%d judges skipped, which CI does not allow", len(o.skipped))
	}
	return nil
}

// ask runs all judges at once.
func ask(ctx context.Context, all []Judge, cases []Case) (*outcome, error) {
	o := &outcome{cases: cases, judges: all, findings: map[string][]Finding{}, skipped: map[string]error{}}
	var mu sync.Mutex // guards o and first
	var first error
	var wg sync.WaitGroup
	for _, j := range all {
		if err := j.Ready(); err != nil {
			o.skipped[j.Name] = err
			continue
		}
		wg.Go(func() {
			began := time.Now()
			findings, err := j.Judge(ctx, cases)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = fmt.Errorf("judge %s: %w", j.Name, err)
			}
			o.findings[j.Name] = findings
			fmt.Fprintf(os.Stderr, "interop: %s done after %v\n", j.Name, time.Since(began).Round(100*time.Millisecond))
		})
	}
	wg.Wait()
	return o, first
}

// sourceDir is the folder of this file, where the other judges' sources are.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}
