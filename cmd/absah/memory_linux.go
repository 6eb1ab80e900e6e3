package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// keepMemory keeps what passphrases pass through out of core files, and out of
// the reach of other processes of the same user. The PKCS#11 worker inherits
// the first.
func keepMemory() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("no core files: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("not dumpable: %w", err)
	}
	return nil
}
