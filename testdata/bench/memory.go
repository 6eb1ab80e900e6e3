package main

import (
	"errors"
	"fmt"
	"os"
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
