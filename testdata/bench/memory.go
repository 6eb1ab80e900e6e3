package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// peakMemory is the peak resident memory of a process and of its children that
// still run, in bytes (VmHWM in proc(5)).
func peakMemory(pid string) (int64, error) {
	var total int64
	pids, err := family(pid)
	for _, p := range pids {
		n, e := peakOf(p)
		if e != nil {
			return 0, e
		}
		total += n
	}
	return total, err
}

// watchEvery is how often the peak of a running process is read. It only
// rises, so what is missed is what the last moment added.
const watchEvery = 2 * time.Millisecond

// runWatched runs a command and returns its peak resident memory in bytes. The
// peak that wait4(2) reports is no good: on Linux it begins with that of the
// process which started the command.
func runWatched(cmd *exec.Cmd) (peak int64, err error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return 0, fmt.Errorf("%w: %.300s", err, out.Bytes())
			}
			if peak == 0 {
				return 0, errors.New("it ended before its memory was read")
			}
			return peak, nil
		case <-tick.C:
			if n, err := peakOf(strconv.Itoa(cmd.Process.Pid)); err == nil { // an error: it has just ended
				peak = max(peak, n)
			}
		}
	}
}

// forgetPeak makes the peaks what is resident now.
func forgetPeak(pid string) error {
	pids, err := family(pid)
	for _, p := range pids {
		err = errors.Join(err, os.WriteFile("/proc/"+p+"/clear_refs", []byte("5"), 0))
	}
	return err
}

// family is a process with its children that still run.
func family(pid string) ([]string, error) {
	children, err := childrenOf(pid)
	return append([]string{pid}, children...), err
}

func peakOf(pid string) (int64, error) {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	kib, _, _ := strings.Cut(field(string(b), "VmHWM"), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("VmHWM of %s: %w", pid, err)
	}
	return n << 10, nil
}

func childrenOf(pid string) ([]string, error) {
	tasks, err := os.ReadDir("/proc/" + pid + "/task")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, t := range tasks {
		b, err := os.ReadFile("/proc/" + pid + "/task/" + t.Name() + "/children")
		if err != nil {
			continue // the thread has ended meanwhile
		}
		all = append(all, strings.Fields(string(b))...)
	}
	return all, nil
}

// field is the value of a "name: value" line.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// clockTick is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuTime is the processor time of a process and of its children that still
// run (utime and stime in proc(5)).
func cpuTime(pid string) (time.Duration, error) {
	pids, err := family(pid)
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, pid := range pids {
		b, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			return 0, err
		}
		_, after, _ := strings.Cut(string(b), ") ") // the name may hold blanks
		fields := strings.Fields(after)
		if len(fields) < 13 {
			return 0, fmt.Errorf("/proc/%s/stat has %d fields", pid, len(fields))
		}
		for _, f := range fields[11:13] {
			n, err := strconv.Atoi(f)
			if err != nil {
				return 0, fmt.Errorf("/proc/%s/stat: %w", pid, err)
			}
			total += time.Duration(n) * clockTick
		}
	}
	return total, nil
}
