package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// verifyLarge verifies a B-LTA file of the given size beside `openssl dgst
// -sha256` of it; both from the page cache.
func verifyLarge(ctx context.Context, dir, trust string, size int64, t *table) error {
	if err := room(dir, 3*size); err != nil {
		return err
	}
	in, signed := filepath.Join(dir, "verify-in.pdf"), filepath.Join(dir, "verify-large.pdf")
	defer os.Remove(signed)
	err := makePDF(in, size)
	if err == nil {
		_, err = child(ctx, "-dir", dir, "-in", in, "-out", signed, "large")
	}
	os.Remove(in)
	if err != nil {
		return err
	}
	var ours, theirs []float64
	var memory int64
	for range largeRounds {
		start := time.Now()
		if err := exec.CommandContext(ctx, "openssl", "dgst", "-sha256", signed).Run(); err != nil {
			return err
		}
		base := time.Since(start)
		start = time.Now()
		peak, err := runWatched(exec.CommandContext(ctx, absahBinary, "verify", "--offline", "--trust", trust, signed))
		if err != nil {
			return fmt.Errorf("absah verify: %w", err)
		}
		taken := time.Since(start)
		memory = max(memory, peak)
		ours, theirs = append(ours, taken.Seconds()), append(theirs, base.Seconds())
		fmt.Fprintf(os.Stderr, "bench: verify %s %.2f s, %s; openssl dgst %.2f s\n", mib(size), taken.Seconds(), mib(memory), base.Seconds())
	}
	best, base := slices.Min(ours), slices.Min(theirs)
	t.note("verify %s B-LTA: %.2f s; openssl dgst -sha256: %.2f s (fastest of %d each, in turns)", mib(size), best, base, largeRounds)
	t.add(fmt.Sprintf("verify %s B-LTA: time ÷ openssl dgst -sha256", mib(size)), best/base, atMost, 1.5)
	t.add(fmt.Sprintf("verify %s B-LTA: memory, MiB", mib(size)), float64(memory)/(1<<20), atMost, 64)
	return nil
}
