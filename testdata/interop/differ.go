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
	"time"

	"github.com/absah-id/absah/testdata/interop/differential"
)

// specimen is a file that is put before `absah verify` and the batch judges.
type specimen struct {
	Case
	// name is the set and the name of the file, as "attacks/u07-altered".
	name string
	// trustTSA lists the anchors of TSAs; nil means those of signers.
	trustTSA []string
}

// attackSpecimens are the files of testdata/attacks, each at the moment that
// its row names.
func attackSpecimens(dir string) ([]specimen, error) {
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		return nil, err
	}
	var rows []struct{ File, At string }
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, err
	}
	signers, tsas := filepath.Join(dir, "trust.pem"), filepath.Join(dir, "trust-tsa.pem")
	var all []specimen
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.File] {
			continue // judged under a second policy, which others do not have
		}
		seen[r.File] = true
		file := filepath.Join(dir, r.File)
		two, err := hybrid(file)
		if err != nil {
			return nil, err
		}
		all = append(all, specimen{
			Case:     Case{File: file, At: r.At, Hybrid: two, Trust: []string{signers, tsas}},
			name:     "attacks/" + strings.TrimSuffix(r.File, ".pdf"),
			trustTSA: []string{tsas},
		})
	}
	return all, nil
}

// matrixSpecimens are what the matrix signed; not the control files, which the
// judges must refuse anyway.
func matrixSpecimens(cases []Case, trust string) []specimen {
	var all []specimen
	for _, c := range cases {
		if c.Damaged || len(c.Only) > 0 {
			continue
		}
		all = append(all, specimen{
			Case: Case{File: c.File, Password: c.Password, Hybrid: c.Hybrid, Trust: []string{trust}},
			name: "matrix/" + strings.TrimSuffix(filepath.Base(c.File), ".pdf"),
		})
	}
	return all
}

// corpusSpecimens are the files of other projects in ../shared/corpus, at the
// moments and with the roots that they were made for; without roots nobody is
// trusted. It returns nil where the folder is absent.
func corpusSpecimens(dir string) ([]specimen, error) {
	b, err := os.ReadFile(filepath.Join(dir, "pdf.json"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []struct {
		File  string
		At    *string `json:"validation_time"`
		Roots *string `json:"trust_roots"`
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, err
	}
	var all []specimen
	for _, r := range rows {
		s := specimen{
			Case: Case{File: filepath.Join(dir, "pdf", r.File), Trust: []string{}},
			name: "corpus/" + strings.TrimSuffix(r.File, ".pdf"),
		}
		if s.Hybrid, err = hybrid(s.File); err != nil {
			return nil, err
		}
		if r.At != nil {
			s.At = strings.Replace(*r.At, "+00:00", "Z", 1)
		}
		if r.Roots != nil && *r.Roots != "" {
			for root := range strings.SplitSeq(*r.Roots, ",") {
				s.Trust = append(s.Trust, filepath.Join(dir, "trust", "pyhanko", root+".pem"))
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// hybrid tells whether a file has a hybrid cross-reference section.
func hybrid(file string) (bool, error) {
	b, err := os.ReadFile(file)
	return bytes.Contains(b, []byte("/XRefStm")), err
}

// cases are the specimens for the batch judges: all of them offline and, where
// no moment is named, at the same one.
func cases(all []specimen, now time.Time) []Case {
	var out []Case
	for _, s := range all {
		s.Offline = true
		if s.At == "" {
			s.At = now.Format(time.RFC3339)
		}
		out = append(out, s.Case)
	}
	return out
}

// verifyAll runs `absah verify` over the specimens: one process for all that
// are judged alike. The policy is forms, to which the others come nearest.
func verifyAll(ctx context.Context, absah string, all []specimen, now time.Time) (map[string]differential.Verdict, error) {
	dir, err := os.MkdirTemp("", "interop-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	groups := map[string][]specimen{}
	args := map[string][]string{}
	for i, c := range cases(all, now) {
		a := []string{"verify", "--json", "--offline", "--policy", "forms", "--at", c.At}
		for _, t := range c.Trust {
			if all[i].trustTSA == nil || t != all[i].trustTSA[0] {
				a = append(a, "--trust", t)
			}
		}
		for _, t := range all[i].trustTSA {
			a = append(a, "--trust-tsa", t)
		}
		key := strings.Join(append(a, c.Password), "\x00")
		if c.Password != "" {
			file := filepath.Join(dir, fmt.Sprint("password", len(groups)))
			if groups[key] == nil {
				if err := os.WriteFile(file, []byte(c.Password), 0o600); err != nil {
					return nil, err
				}
				a = append(a, "--password-file", file)
			}
		}
		if groups[key] == nil {
			args[key] = a
		}
		groups[key] = append(groups[key], all[i])
	}
	verdicts := map[string]differential.Verdict{}
	for key, group := range groups {
		if err := verifyGroup(ctx, absah, args[key], group, verdicts); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// verifyGroup is one process of `absah verify`.
func verifyGroup(ctx context.Context, absah string, args []string, group []specimen, verdicts map[string]differential.Verdict) error {
	for _, s := range group {
		args = append(args, s.File)
	}
	cmd := exec.CommandContext(ctx, absah, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run() // its status is the worst verdict
	lines := bytes.Split(bytes.TrimSpace(stdout.Bytes()), []byte("\n"))
	if len(lines) != len(group) {
		return fmt.Errorf("absah verify answered %d of %d files: %w: %s", len(lines), len(group), runErr, oneLine(stderr.String()))
	}
	for i, s := range group {
		v, err := differential.ParseAbsah(lines[i])
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		verdicts[s.name] = v
	}
	return nil
}
