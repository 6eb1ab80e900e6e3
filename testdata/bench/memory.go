package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// peakMemory is the peak resident memory of this process and of its children
// that still run, in bytes (VmHWM in proc(5)).
func peakMemory() (int64, error) {
	total, err := peakOf("self")
	if err != nil {
		return 0, err
	}
	children, err := childrenOf("self")
	if err != nil {
		return 0, err
	}
	for _, pid := range children {
		n, err := peakOf(pid)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
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

// cpuTime is the processor time of this process and of its children that
// still run (utime and stime in proc(5)).
func cpuTime() (time.Duration, error) {
	pids, err := childrenOf("self")
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, pid := range append(pids, "self") {
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
