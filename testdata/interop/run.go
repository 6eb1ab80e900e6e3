package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// run signs every job of the matrix whose name contains only, makes the
// control files, and leaves the cases in the order of the matrix.
func (m *matrix) run(ctx context.Context, only string) error {
	start := time.Now()
	if err := m.issue(ctx); err != nil {
		return err
	}
	issued := time.Since(start)
	all, err := m.jobs()
	if err != nil {
		return err
	}
	var jobs []job
	for _, j := range all {
		if strings.Contains(j.group+"."+j.name, only) {
			jobs = append(jobs, j)
		}
	}
	cases := make([]*Case, len(jobs))
	var mu sync.Mutex // guards m.failed
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, j := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := m.make(ctx, j)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				m.failed = append(m.failed, fmt.Errorf("%s, %s: %w", j.group, j.name, err))
				return
			}
			cases[i] = &c
		})
	}
	wg.Wait()
	for _, c := range cases {
		if c != nil {
			m.cases = append(m.cases, *c)
		}
	}
	if strings.Contains("detached", only) {
		if err := m.detached(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "interop: keys and certificates in %v, %d files signed in %v\n",
		issued.Round(time.Millisecond), len(m.cases), (time.Since(start) - issued).Round(time.Millisecond))
	return m.damage()
}

// damage makes the control files: one letter of the page changed after
// signing. A judge of signatures that accepts one of them judges nothing.
func (m *matrix) damage() error {
	for _, c := range m.cases {
		base := filepath.Base(c.File)
		if c.Level != "B-LTA" || !strings.HasPrefix(base, "inputs-B-LTA.v14-table.") && !strings.HasPrefix(base, "inputs-B-LTA.v20-table.") {
			continue
		}
		data, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		was, is := []byte("Kabupaten Contoh"), []byte("Kabupaten Cantoh")
		if bytes.Count(data, was) == 0 {
			return fmt.Errorf("%s: nothing to damage", base)
		}
		c.File = filepath.Join(m.out, "damaged."+base)
		c.Group, c.Damaged = "damaged: must be refused", true
		if err := os.WriteFile(c.File, bytes.Replace(data, was, is, 1), 0o600); err != nil {
			return err
		}
		m.cases = append(m.cases, c)
	}
	return nil
}
