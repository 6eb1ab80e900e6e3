package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pyHanko runs pyhanko/judge.py over all cases in one process.
func pyHanko(here, tools, trust string, slots chan struct{}) Judge {
	python := filepath.Join(tools, "venv", "bin", "python")
	return Judge{
		Name:  "pyhanko",
		Ready: exists("pyHanko", filepath.Join(tools, "venv.stamp")),
		Judge: batch(slots, python, filepath.Join(here, "pyhanko", "judge.py"), "--trust", trust),
	}
}

// dss runs EU DSS over all cases in one process.
func dss(tools, trust string, slots chan struct{}) Judge {
	return Judge{
		Name:  "dss",
		Ready: exists("EU DSS", filepath.Join(tools, "dss.stamp")),
		Judge: func(ctx context.Context, cases []Case) ([]Finding, error) {
			libraries, err := os.ReadFile(filepath.Join(tools, "dss", "classpath"))
			if err != nil {
				return nil, err
			}
			path := filepath.Join(tools, "dss", "classes") + string(os.PathListSeparator) +
				strings.TrimSpace(string(libraries))
			return batch(slots, "java", "-Xmx1g", "-cp", path, "id.absah.interop.Judge", trust)(ctx, cases)
		},
	}
}

func exists(name, path string) func() error {
	return func() error {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%s is not installed", name)
		}
		return nil
	}
}

// batch makes a Judge.Judge from a program that answers one JSON line for
// each JSON line, in order.
func batch(slots chan struct{}, name string, args ...string) func(context.Context, []Case) ([]Finding, error) {
	return func(ctx context.Context, cases []Case) ([]Finding, error) {
		slots <- struct{}{}
		defer func() { <-slots }()
		var in bytes.Buffer
		encoder := json.NewEncoder(&in)
		for _, c := range cases {
			if err := encoder.Encode(c); err != nil {
				return nil, err
			}
		}
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin = &in
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", name, err, oneLine(stderr.String()))
		}
		findings := make([]Finding, len(cases))
		decoder := json.NewDecoder(bytes.NewReader(out))
		for i := range findings {
			if err := decoder.Decode(&findings[i]); err != nil {
				return nil, fmt.Errorf("%s: answer %d of %d: %w", name, i+1, len(cases), err)
			}
			if findings[i].File != cases[i].File {
				return nil, fmt.Errorf("%s: answered for %s instead of %s", name, findings[i].File, cases[i].File)
			}
		}
		return findings, nil
	}
}
