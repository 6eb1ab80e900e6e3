package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// verifier is one of those whose rates of verification are compared.
type verifier struct {
	name   string
	how    string  // what is measured, for people
	target float64 // how many times as fast Absah must be; 0 for no target
	warmUp int     // passes before the first that counts
	run    func(ctx context.Context, files []string) error
	close  func() error
	rates  []float64 // files per second
}

// verifiers starts Absah, which is the first, and those others that are
// installed; the table names the others.
func verifiers(ctx context.Context, dir, trust string, t *table) ([]*verifier, error) {
	nothing := func() error { return nil }
	all := []*verifier{
		{name: "Absah", how: "Absah, one process, its start included", warmUp: 1, close: nothing,
			run: func(ctx context.Context, files []string) error { return verifyWithAbsah(ctx, trust, files) }},
		{name: "pdfsig", how: fmt.Sprintf("pdfsig -nocert, one process a file, %d at once (no chain, no revocation)", runtime.NumCPU()),
			target: 2, warmUp: 1, close: nothing, run: verifyWithPDFSig},
	}
	interop, err := filepath.Abs("../interop")
	if err != nil {
		return nil, err
	}
	tools, err := filepath.Abs("../../.tools")
	if err != nil {
		return nil, err
	}
	for _, j := range lineJudges(interop, tools, dir, trust) {
		if err := j.ready(ctx); err != nil {
			t.note("verify: %s not measured: %v", j.name, err)
			continue
		}
		s, err := startLines(ctx, j.argv, j.online)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.name, err)
		}
		all = append(all, &verifier{name: j.name, how: j.how, target: j.target, warmUp: j.warmUp, run: s.judge, close: s.close})
	}
	return all, nil
}

// lineJudge is a judge of testdata/interop that answers line by line, and so
// can be kept warm.
type lineJudge struct {
	name, how string
	target    float64
	warmUp    int
	argv      []string
	online    bool // asks OCSP on loopback: it cannot use what the file holds
	ready     func(context.Context) error
}

func lineJudges(interop, tools, dir, trust string) []lineJudge {
	installed := func(file string) func(context.Context) error {
		return func(context.Context) error { _, err := os.Stat(filepath.Join(tools, file)); return err }
	}
	threads := fmt.Sprint(runtime.NumCPU())
	classpath, _ := os.ReadFile(filepath.Join(tools, "dss", "classpath")) // ready says what is missing
	pdfcpu := filepath.Join(dir, "interop")
	return []lineJudge{
		{name: "pyHanko", how: "pyHanko 0.38, one warm process, ades_lta_validation", target: 5, warmUp: 1, ready: installed("venv.stamp"),
			argv: []string{filepath.Join(tools, "venv", "bin", "python"), filepath.Join(interop, "pyhanko", "judge.py"), "--trust", trust}},
		{name: "EU DSS", how: "EU DSS 6.4, one warm process, " + threads + " threads", target: 5, warmUp: 5, ready: installed("dss.stamp"),
			argv: []string{"java", "-Xmx1g", "-Djava.awt.headless=true", "-cp",
				filepath.Join(tools, "dss", "classes") + ":" + strings.TrimSpace(string(classpath)), "id.absah.interop.Judge", "--threads", threads, trust}},
		{name: "pdfcpu", how: "pdfcpu 0.15, one warm process, OCSP asked on loopback", warmUp: 1, online: true,
			argv: []string{pdfcpu, "answer", "-trust", trust},
			ready: func(ctx context.Context) error {
				cmd := exec.CommandContext(ctx, "go", "build", "-o", pdfcpu, ".")
				cmd.Dir = interop
				out, err := cmd.CombinedOutput()
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			}},
	}
}

// verifyWithPDFSig runs pdfsig for each file, as many at once as there are
// cores: it has no way to take several.
func verifyWithPDFSig(ctx context.Context, files []string) error {
	var wg sync.WaitGroup
	errs := make([]error, len(files))
	slots := make(chan struct{}, runtime.NumCPU())
	for i, file := range files {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out, err := exec.CommandContext(ctx, "pdfsig", "-nocert", file).CombinedOutput()
			if err == nil && !strings.Contains(string(out), "Signature is Valid.") {
				err = fmt.Errorf("%s: %s", file, out)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// lines is a process that answers one JSON line for each JSON line.
type lines struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	online bool
}

func startLines(ctx context.Context, argv []string, online bool) (*lines, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &lines{cmd, in, bufio.NewReader(out), online}, cmd.Start()
}

// judge puts all files and waits for all answers; each must be that the file
// is good.
func (l *lines) judge(_ context.Context, files []string) error {
	sent := make(chan error, 1)
	go func() {
		encoder := json.NewEncoder(l.in)
		for _, file := range files {
			if err := encoder.Encode(map[string]any{"file": file, "offline": !l.online}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	var first error
	for range files {
		line, err := l.out.ReadBytes('\n')
		if err != nil {
			return err // the process is gone, and the sender ends with it
		}
		var answer struct {
			File, Detail string
			OK           bool
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			first = errors.Join(first, err)
		} else if !answer.OK && first == nil {
			first = fmt.Errorf("%s: %s", answer.File, answer.Detail)
		}
	}
	return errors.Join(first, <-sent)
}

func (l *lines) close() error {
	return errors.Join(l.in.Close(), l.cmd.Wait())
}
