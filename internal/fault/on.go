//go:build fault

package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// target is where this process ends; left counts down to it.
var (
	target string
	left   atomic.Int64
)

// Arm chooses where to end: "NAME:N" is the Nth time that the point NAME is
// reached, "" is nowhere. It is called once, before any Point.
func Arm(where string) error {
	if where == "" {
		return nil
	}
	name, count, _ := strings.Cut(where, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("fault: %q is not NAME:N", where)
	}
	target = name
	left.Store(n)
	return nil
}

// Point ends the process when name is where to end. No deferred function runs
// and no buffer is written, as with kill -9.
func Point(name string) {
	if name != target || left.Add(-1) != 0 {
		return
	}
	fmt.Fprintln(os.Stderr, "fault: killed at", name)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal is there
}
