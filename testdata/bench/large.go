package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// largeRounds is how often a large file is signed, in turns with the peer. The
// fastest of each counts: whatever else the machine does can only slow down.
const largeRounds = 5

// large signs a file of the given size to B-LTA and writes the result, beside
// `openssl dgst -sha256` and `cp` of the same file; both from the page cache.
func large(ctx context.Context, dir string, size int64, t *table) error {
	if err := room(dir, 4*size); err != nil {
		return err
	}
	in := filepath.Join(dir, "large.pdf")
	out := filepath.Join(dir, "large-out.pdf")
	if err := makePDF(in, size); err != nil {
		return err
	}
	defer os.Remove(in)
	defer os.Remove(out)
	var ours, theirs []float64
	var memory int64
	for range largeRounds {
		base, err := hashAndCopy(ctx, in, out)
		if err != nil {
			return err
		}
		r, err := child(ctx, "-dir", dir, "-in", in, "-out", out, "large")
		if err != nil {
			return err
		}
		theirs, ours = append(theirs, base.Seconds()), append(ours, r.Elapsed.Seconds())
		memory = max(memory, r.Memory)
		fmt.Fprintf(os.Stderr, "bench: %s B-LTA %.2f s, %s; openssl dgst + cp %.2f s\n",
			mib(size), r.Elapsed.Seconds(), mib(r.Memory), base.Seconds())
	}
	best, base := slices.Min(ours), slices.Min(theirs)
	t.note("%s to B-LTA: %.2f s; openssl dgst -sha256 + cp: %.2f s (fastest of %d each, in turns)", mib(size), best, base, largeRounds)
	t.add(fmt.Sprintf("sign %s B-LTA: time ÷ (openssl dgst -sha256 + cp)", mib(size)), best/base, atMost, 1.5)
	t.add(fmt.Sprintf("sign %s B-LTA: memory of process and PKCS#11 child, MiB", mib(size)), float64(memory)/(1<<20), atMost, 64)
	if size > 128<<20 {
		return nil // the peer holds the file several times in memory
	}
	r, err := child(ctx, "-dir", dir, "-in", in, "-out", out, "large-pdfsign")
	if err != nil {
		return err
	}
	t.note("%s with digitorus/pdfsign (its own format, no timestamp): %.2f s, peak memory %s", mib(size), r.Elapsed.Seconds(), mib(r.Memory))
	return nil
}

// hashAndCopy is what any program must do at least that signs a file into a
// new file.
func hashAndCopy(ctx context.Context, in, out string) (time.Duration, error) {
	os.Remove(out)
	start := time.Now()
	hash := exec.CommandContext(ctx, "openssl", "dgst", "-sha256", in).Run()
	cp := exec.CommandContext(ctx, "cp", in, out).Run()
	return time.Since(start), errors.Join(hash, cp)
}

// room refuses to start on a disk that the files would fill.
func room(dir string, need int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return err
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return fmt.Errorf("%s has %s free, %s are needed; set TMPDIR", dir, mib(free), mib(need))
	}
	return nil
}
