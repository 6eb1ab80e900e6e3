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

// pyHanko runs pyhanko/judge.py over all cases in one process. trust is the
// anchors of the cases that name none.
func pyHanko(here, tools string, trust []string, slots chan struct{}) Judge {
	python := filepath.Join(tools, "venv", "bin", "python")
	args := []string{filepath.Join(here, "pyhanko", "judge.py")}
	for _, t := range trust {
		args = append(args, "--trust", t)
	}
	return Judge{
		Name:  "pyhanko",
		Ready: exists("pyHanko", filepath.Join(tools, "venv.stamp")),
		Judge: batch(slots, python, args...),
	}
}

// dss runs EU DSS over all cases in one process. trust is the anchors of the
// cases that name none.
func dss(tools string, trust []string, slots chan struct{}) Judge {
	return Judge{
		Name:  "dss",
		Ready: exists("EU DSS", filepath.Join(tools, "dss.stamp")),
		Judge: inJava(slots, filepath.Join(tools, "dss"), append([]string{"id.absah.interop.Judge"}, trust...)...),
	}
}

// veraPDF asks of what was signed from a PDF/A file whether it still is one.
func veraPDF(tools string, slots chan struct{}) Judge {
	return Judge{
		Name:       "verapdf",
		Structural: true,
		Wants:      func(c Case) bool { return strings.HasPrefix(filepath.Base(c.Original), "pdfa") },
		Ready:      exists("veraPDF", filepath.Join(tools, "verapdf.stamp")),
		Judge:      inJava(slots, filepath.Join(tools, "verapdf"), "id.absah.interop.Archival"),
	}
}

// inJava makes a Judge.Judge from a Java class that setup.sh has compiled into
// the folder.
func inJava(slots chan struct{}, folder string, class ...string) func(context.Context, []Case) ([]Finding, error) {
	return func(ctx context.Context, cases []Case) ([]Finding, error) {
		libraries, err := os.ReadFile(filepath.Join(folder, "classpath"))
		if err != nil {
			return nil, err
		}
		path := filepath.Join(folder, "classes") + string(os.PathListSeparator) + strings.TrimSpace(string(libraries))
		args := append([]string{"-Xmx1g", "-Djava.awt.headless=true", "-cp", path}, class...)
		return batch(slots, "java", args...)(ctx, cases)
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
