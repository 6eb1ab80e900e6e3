package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/verifier"
)

// Exit statuses of "absah verify"; 0 is that of TOTAL-PASSED, 65 that of
// UNREADABLE.
const (
	statusFailed        = 1
	statusIndeterminate = 2
	statusNoSignature   = 3
)

// verifyFlags are the flags of "absah verify".
type verifyFlags struct {
	trust, trustTSA, allow []string
	at                     string
	offline, json          bool
	policy, password       string
	timeout                time.Duration
	extract                int
	out                    string
	report                 reportFlags
}

func newVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] FILE...",
		Short: "Say whether the signatures of PDF files hold",
		Long: `Verify judges every signature and timestamp of each file by ETSI EN 319 102-1 and
says what was changed after it. Nobody is trusted but the roots named by --trust.
Missing revocation data is fetched for certificates that lead to such a root.

The exit status is 0 when every file is TOTAL-PASSED, 1 when some is TOTAL-FAILED,
2 when some is INDETERMINATE, 3 when some has no signature, 65 when some cannot be
read as PDF; of several the worst, in the order 65, 1, 2, 3, 0.

With --report FILE the verdict is also written to a file: .xml is the validation
report of ETSI TS 119 102-2, .pdf a report to print, .txt and .json what is printed
here. For several files write {} where the name of each is to stand.

With --extract N the revision that signature N signed, in the order listed, is
written to OUT.pdf: exactly the bytes that its signer saw.`,
		Example: `  absah verify --trust roots/ letter.pdf
  absah verify --json --offline --trust root.pem --at 2026-01-02T03:04:05Z *.pdf
  absah verify --trust root.pem --report letter.xml --report letter-report.pdf letter.pdf
  absah verify --trust root.pem --report 'reports/{}.pdf' *.pdf
  absah verify --trust root.pem --extract 1 --out signed-by-first.pdf letter.pdf`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print one JSON object a file, one a line")
	flags.StringVar(&f.at, "at", "", "`moment` of validation, RFC 3339 (default: now)")
	flags.StringArrayVar(&f.trust, "trust", nil, "PEM `file or folder` of trusted root certificates (repeatable)")
	flags.StringArrayVar(&f.trustTSA, "trust-tsa", nil, "the same for timestamp authorities (default: --trust)")
	flags.BoolVar(&f.offline, "offline", false, "use no network: only what the files hold")
	flags.StringVar(&f.policy, "policy", "gov", "gov, or forms to allow later form values")
	flags.StringVar(&f.password, "password-file", "", "`file` with the password of encrypted documents")
	flags.StringArrayVar(&f.allow, "allow-host", nil, "`host:port` on a private network that OCSP, CRL and issuers' addresses may name (repeatable)")
	flags.DurationVar(&f.timeout, "service-timeout", fetch.DefaultTimeout, "longest wait for one network service")
	flags.IntVar(&f.extract, "extract", 0, "write the revision signed by signature `N` to OUT.pdf: --extract N OUT.pdf FILE")
	flags.StringVar(&f.out, "out", "", "`file` for --extract; one that exists is replaced")
	flags.BoolVar(&f.report.detailed, "detailed", false, "print every building block and constraint; with --json the key \"processes\"")
	flags.StringArrayVar(&f.report.files, "report", nil, "`file` for a report: .xml (ETSI), .pdf, .txt or .json; {} is the name of the file (repeatable)")
	flags.StringVar(&f.report.language, "lang", "id", "`language` of --detailed and --report: id or en")
	flags.StringVar(&f.report.zone, "zone", "wib", "time `zone` of --detailed and --report: wib, wita, wit or utc")
	return cmd
}

func (f *verifyFlags) run(cmd *cobra.Command, args []string) error {
	files, err := f.operands(cmd, args)
	if err != nil {
		return err
	}
	reports, err := f.report.writer(files)
	if err != nil {
		return err
	}
	at := time.Now()
	if f.at != "" {
		reports.chosen = true
		if at, err = time.Parse(time.RFC3339, f.at); err != nil {
			return usageErrorf("--at: %v", err)
		}
	}
	v, end, err := f.verifier()
	if err != nil {
		return err
	}
	defer end()
	password, err := readSecret(f.password)
	if err != nil {
		return err
	}
	job := &verifyJob{v: v, at: at, password: password}
	if err := job.open(files, cmd.ErrOrStderr()); err != nil {
		return err
	}
	worst := statusOK
	err = job.each(cmd.Context(), func(r *verifier.Report) error {
		worst = worse(worst, verdictStatus(r.Verdict))
		if f.extract > 0 {
			if err := f.extractRevision(r); err != nil {
				return err
			}
		}
		if err := reports.write(r); err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		return job.progress.around(out, func() error { return f.print(out, r, reports) })
	})
	job.progress.finish()
	if err != nil {
		return err
	}
	if worst != statusOK {
		return &exitError{status: worst}
	}
	return nil
}

// operands returns the files to verify. In the form --extract N OUT.pdf FILE
// the first operand is where to write, and must not exist: people mix up the
// order.
func (f *verifyFlags) operands(cmd *cobra.Command, args []string) ([]string, error) {
	if cmd.Flags().Changed("extract") {
		if f.extract < 1 {
			return nil, usageErrorf("--extract counts signatures from 1")
		}
		if f.out == "" && len(args) == 2 {
			if _, err := os.Lstat(args[0]); err == nil {
				return nil, usageErrorf("%s exists; to replace it say --extract %d --out %s", args[0], f.extract, args[0])
			}
			f.out, args = args[0], args[1:]
		}
		if f.out == "" || len(args) != 1 {
			return nil, usageErrorf("--extract N takes OUT.pdf and one FILE; run \"%s --help\"", cmd.CommandPath())
		}
	} else if f.out != "" {
		return nil, usageErrorf("--out goes with --extract N")
	}
	if len(args) == 0 {
		return nil, usageErrorf("%s takes one FILE or more; run \"%s --help\"", cmd.CommandPath(), cmd.CommandPath())
	}
	return args, nil
}

// verifier wires a Verifier from the flags, and returns what ends its
// connections.
func (f *verifyFlags) verifier() (*verifier.Verifier, func(), error) {
	policy, err := verifier.PolicyNamed(f.policy)
	if err != nil {
		return nil, nil, usageErrorf("--policy: %v", err)
	}
	cfg := verifier.Config{Policy: policy, IssuerHosts: f.allow}
	if cfg.Signers, err = readAnchors(f.trust); err != nil {
		return nil, nil, err
	}
	cfg.TSAs = cfg.Signers
	if len(f.trustTSA) > 0 {
		if cfg.TSAs, err = readAnchors(f.trustTSA); err != nil {
			return nil, nil, err
		}
	}
	end := func() {}
	if !f.offline {
		source, err := fetch.New(fetch.Config{Timeout: f.timeout, Allow: f.allow})
		if err != nil {
			return nil, nil, usageErrorf("%v", err)
		}
		cfg.Source, end = source, func() { source.Close() }
	}
	v, err := verifier.New(cfg)
	if err != nil {
		end()
		return nil, nil, err
	}
	return v, end, nil
}

func (f *verifyFlags) print(w io.Writer, r *verifier.Report, reports *reportWriter) error {
	var err error
	switch {
	case f.json:
		err = reports.json(w, r)
	case reports.detailed:
		err = reports.text(w, r)
	default:
		err = printVerdict(w, r)
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

func verdictStatus(v verifier.Verdict) int {
	switch v {
	case verifier.TotalPassed:
		return statusOK
	case verifier.TotalFailed:
		return statusFailed
	case verifier.NoSignature:
		return statusNoSignature
	case verifier.Unreadable:
		return statusUnreadable
	}
	return statusIndeterminate
}

// worse returns the status that counts for several files.
func worse(a, b int) int {
	rank := map[int]int{statusOK: 0, statusNoSignature: 1, statusIndeterminate: 2, statusFailed: 3, statusUnreadable: 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// verifyJob verifies many files on all cores and hands the reports over in the
// order of the files.
type verifyJob struct {
	v        *verifier.Verifier
	at       time.Time
	password []byte
	files    []verifyFile
	progress *progress
}

type verifyFile struct {
	name string
	size int64
}

// open makes sure that every file is there and may be read before anything is
// judged.
func (j *verifyJob) open(names []string, stderr io.Writer) error {
	total := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return usageErrorf("%v", err)
		}
		if !info.Mode().IsRegular() { // a pipe cannot be read twice, nor from its end
			return usageErrorf("%s is not a regular file", name)
		}
		if f, err := os.Open(name); err != nil {
			return usageErrorf("%v", err)
		} else {
			f.Close()
		}
		j.files = append(j.files, verifyFile{name, info.Size()})
		total += info.Size()
	}
	if j.progress = newProgress(stderr, "verify", total); len(names) > 1 {
		j.progress = newBar(stderr, "verify", total)
	}
	return nil
}

// memoryPerFile is where the collector begins to work hard: what a hostile file
// makes the verifier allocate is mostly garbage at once, and one file may cost
// 256 MiB, the program included.
const memoryPerFile = 200 << 20

// limitMemory has the collector mind what several files cost together, unless
// GOMEMLIMIT says something else.
func limitMemory(workers int) {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(int64(workers) * memoryPerFile)
	}
}

type verifyResult struct {
	report *verifier.Report
	err    error
}

// each calls use for every report. After the first error nothing more is
// begun, and each returns when all workers have.
func (j *verifyJob) each(ctx context.Context, use func(*verifier.Report) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := min(len(j.files), runtime.GOMAXPROCS(0))
	limitMemory(workers)
	// A slot per file keeps the order; slots bounds what is judged ahead of
	// what has been printed.
	slots := make(chan chan verifyResult, 4*workers)
	queue := make(chan func())
	done := make(chan struct{})
	for range workers {
		go func() {
			for work := range queue {
				work()
			}
			done <- struct{}{}
		}()
	}
	go func() {
		defer close(slots)
		defer close(queue)
		for _, file := range j.files {
			slot := make(chan verifyResult, 1)
			select {
			case slots <- slot:
			case <-ctx.Done():
				return
			}
			queue <- func() {
				report, err := j.verify(ctx, file)
				slot <- verifyResult{report, err}
			}
		}
	}()
	var first error
	for slot := range slots {
		res := <-slot
		if first == nil {
			if first = res.err; first == nil {
				first = use(res.report)
			}
			if first != nil {
				cancel()
			}
		}
	}
	for range workers {
		<-done
	}
	if first == nil {
		first = ctx.Err()
	}
	cancel()
	return first
}

func (j *verifyJob) verify(ctx context.Context, file verifyFile) (*verifier.Report, error) {
	f, err := os.Open(file.name)
	if err != nil { // it was there a moment ago
		return j.v.Unread(verifier.Input{Name: file.name, Size: file.size}, j.at, err), nil
	}
	defer f.Close()
	return j.judge(ctx, file.name, f)
}

// inputFile is what judge asks of an [os.File].
type inputFile interface {
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// judge verifies an open file. One that cannot be read to its end, or was
// written to meanwhile, is UNREADABLE: what was parsed and what was hashed may
// be two documents.
func (j *verifyJob) judge(ctx context.Context, name string, f inputFile) (*verifier.Report, error) {
	in := verifier.Input{Name: name, Password: j.password}
	before, err := f.Stat()
	if err != nil {
		return j.v.Unread(in, j.at, err), nil
	}
	in.Size = before.Size()
	reader := newWholeReader(f, in.Size, j.progress)
	defer reader.end()
	in.Reader = reader
	report, err := j.v.Verify(ctx, in, j.at)
	after, statErr := f.Stat()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case statErr != nil:
		return j.v.Unread(in, j.at, statErr), nil
	case after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()):
		return j.v.Unread(in, j.at, fmt.Errorf("the file was changed while it was being read: %d bytes at first, %d at last", before.Size(), after.Size())), nil
	case err != nil && reader.failed.Load():
		return j.v.Unread(in, j.at, err), nil
	}
	return report, err
}
