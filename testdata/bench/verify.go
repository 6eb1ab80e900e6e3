package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/testdata/interop/office"
)

const (
	// verifyFiles is how many files each verifier gets at a time.
	verifyFiles = 100
	// verifyRounds is how often each verifier goes through them at most, in
	// turns.
	verifyRounds = 7
	// absahBinary is what make bench has built.
	absahBinary = "../../bin/absah"
)

// verify measures the rate of full validation of small B-LTA files beside
// other verifiers, all with the whole machine and the same files.
func verify(ctx context.Context, cfg config, dir string, o *office.Office, t *table) (err error) {
	rounds := min(cfg.rounds, verifyRounds)
	files, err := archive(ctx, filepath.Join(dir, "verify"), o)
	if err != nil {
		return err
	}
	all, err := verifiers(ctx, dir, o.Trust(), t)
	if err != nil {
		return err
	}
	defer func() {
		for _, v := range all {
			err = errors.Join(err, v.close())
		}
	}()
	if all, err = warm(ctx, all, files, t); err != nil {
		return err
	}
	for round := range rounds {
		for i := range all {
			v := all[(i+round)%len(all)] // no one always goes first
			start := time.Now()
			if err := v.run(ctx, files); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			v.rates = append(v.rates, float64(len(files))/time.Since(start).Seconds())
		}
	}
	for _, v := range all {
		t.note("verify %d files of 10 KiB, B-LTA, %s: %.0f/s (median of %d)", len(files), v.how, median(v.rates), rounds)
		if v.target > 0 {
			t.add("verify 10 KiB B-LTA: rate of Absah ÷ "+v.name, ratio(all[0].rates, v.rates), atLeast, v.target)
		}
	}
	return nil
}

// warm lets every verifier go through the files. One that does not accept them
// is left out, and the table says why; Absah must accept them.
func warm(ctx context.Context, all []*verifier, files []string, t *table) ([]*verifier, error) {
	var good []*verifier
	for i, v := range all {
		var err error
		for range v.warmUp {
			err = errors.Join(err, v.run(ctx, files))
		}
		switch {
		case err == nil:
			good = append(good, v)
		case i == 0:
			return all, fmt.Errorf("%s: %w", v.name, err)
		default:
			t.note("verify: %s not measured: %.200s", v.name, errors.Join(err, v.close()))
		}
	}
	return good, nil
}

// archive signs the letter to B-LTA again and again: distinct files, each with
// signature, timestamps and revocation data of its own.
func archive(ctx context.Context, dir string, o *office.Office) ([]string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	id, err := o.Identity(ctx, label)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(pdfPath(filepath.Dir(dir)))
	if err != nil {
		return nil, err
	}
	var files []string
	for i := range verifyFiles {
		req := request(id, signer.LTA)
		req.Reason = fmt.Sprint("Berkas ", i)
		signed, err := o.Signer.Sign(ctx, signer.Input{Reader: bytes.NewReader(data), Size: int64(len(data))}, req)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, fmt.Sprintf("%03d.pdf", i))
		if err := os.WriteFile(file, slices.Concat(data, signed.Tail), 0o600); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// verifyWithAbsah is one process of `absah verify` over all files: what it
// costs to start is in it. Every file must be TOTAL-PASSED at B-LTA.
func verifyWithAbsah(ctx context.Context, trust string, files []string) error {
	args := append([]string{"verify", "--json", "--offline", "--trust", trust}, files...)
	out, err := exec.CommandContext(ctx, absahBinary, args...).Output()
	if err != nil {
		return fmt.Errorf("absah verify: %w: %.300s", err, out)
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for range files {
		var v struct {
			File, Verdict string
			Signatures    []struct{ Level string }
		}
		if err := decoder.Decode(&v); err != nil {
			return err
		}
		if v.Verdict != "TOTAL-PASSED" || len(v.Signatures) == 0 || !strings.HasSuffix(v.Signatures[0].Level, "-LTA") {
			return fmt.Errorf("absah verify: %s is %s, %v", v.File, v.Verdict, v.Signatures)
		}
	}
	return nil
}
