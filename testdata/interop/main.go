// Command interop shows that other people's tools accept what Absah signs.
//
// It signs a matrix of files with keys in a fresh SoftHSM token and
// certificates of the laboratory PKI, hands each file to every judge, prints
// one table, lists what failed, and exits with 1 if anything did. A judge
// that is not installed is named; with CI=true that is a failure too.
//
// Then `absah verify`, EU DSS and pyHanko judge the same files, signed and
// attacked, and each disagreement must be explained in disagreements.json.
//
// "interop judge -trust ANCHORS.pem [-level B-LTA] [-at TIME] FILE…" puts
// given files before the judges instead; "interop differential" compares the
// verifiers on the files that are there without signing any; "interop answer"
// is pdfcpu as a batch judge, for the benchmarks.
//
// It trusts nothing of Absah's to judge Absah: signatures are found by their
// ByteRange, and every verdict comes from a foreign tool.
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
	"sync"
	"time"

	"github.com/absah-id/absah/testdata/interop/office"
)

func main() {
	office.RunIfWorker()
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
	if len(args) > 0 && args[0] == "answer" {
		return answer(args[1:])
	}
	if len(args) > 0 && args[0] == "differential" {
		given, err := givenSpecimens()
		if err != nil {
			return err
		}
		return differ(ctx, given, os.Stdout)
	}
	return signAndJudge(ctx, args)
}

// givenSpecimens are the files of the differential run that are there before
// anything is signed.
func givenSpecimens() ([]specimen, error) {
	root := filepath.Join(sourceDir(), "..", "..")
	attacks, err := attackSpecimens(filepath.Join(root, "testdata", "attacks"))
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(root, "..", "shared", "corpus")
	corpus, err := corpusSpecimens(folder)
	if corpus == nil && err == nil {
		fmt.Println("SKIP corpus of other projects' files:", folder, "is absent")
	}
	return append(attacks, corpus...), err
}

// signAndJudge is the run itself.
func signAndJudge(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("interop", flag.ExitOnError)
	keep := flags.String("keep", "", "empty `folder` to keep the signed files in")
	only := flags.String("only", "", "make only the files whose name contains this `text`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "interop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	out := *keep
	if out == "" {
		out = filepath.Join(work, "signed")
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	o, err := office.Open(ctx, work)
	if err != nil {
		return err
	}
	defer o.Close()
	m := &matrix{office: o, out: out, inputs: readInputs(filepath.Join(sourceDir(), "..", "pdf"))}
	if err := m.run(ctx, *only); err != nil {
		return err
	}
	if err := copyFile(o.Trust(), filepath.Join(out, "trust.pem")); err != nil {
		return err
	}
	err = judgeAll(ctx, m.cases, o.Trust(), work)
	if *only == "" {
		err = errors.Join(err, m.differ(ctx, o.Trust()))
	}
	for _, f := range m.failed {
		fmt.Println("NOT SIGNED", f)
	}
	if len(m.failed) > 0 {
		err = errors.Join(err, fmt.Errorf("%d files could not be signed", len(m.failed)))
	}
	return err
}

// differ puts what was signed, and the files that were there before, before
// `absah verify` and other verifiers.
func (m *matrix) differ(ctx context.Context, trust string) error {
	given, err := givenSpecimens()
	if err != nil {
		return err
	}
	fmt.Println()
	return differ(ctx, append(given, matrixSpecimens(m.cases, trust)...), os.Stdout)
}

// copyFile keeps the anchors beside the signed files, for later questions.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
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
	all, err := judges(here, tools, trust, work)
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
	o := &outcome{cases: cases, judges: all, findings: map[string]map[int]Finding{}, skipped: map[string]error{}}
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
			var mine []Case
			var index []int
			for i, c := range cases {
				if j.asked(c) {
					mine, index = append(mine, c), append(index, i)
				}
			}
			findings, err := j.Judge(ctx, mine)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = fmt.Errorf("judge %s: %w", j.Name, err)
			}
			o.findings[j.Name] = map[int]Finding{}
			for i, f := range findings {
				o.findings[j.Name][index[i]] = f
			}
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
