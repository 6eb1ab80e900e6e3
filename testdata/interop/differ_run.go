package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/absah-id/absah/testdata/interop/differential"
)

// opinions is what everybody said of the specimens of a differential run.
type opinions struct {
	specimens []specimen
	absah     map[string]differential.Verdict            // by name
	others    map[string]map[string]differential.Verdict // by tool, then name
	order     []string                                   // of the tools
	skipped   map[string]error                           // tools that could not run, and why
}

// differ is the differential run: `absah verify` beside EU DSS and pyHanko on
// the same files, each disagreement held to disagreements.json.
func differ(ctx context.Context, all []specimen, w io.Writer) error {
	here := sourceDir()
	table, err := readExplanations(filepath.Join(here, "disagreements.json"))
	if err != nil {
		return err
	}
	start := time.Now()
	o, err := gather(ctx, here, all, start.UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	found := o.disagreements()
	accounted := table.Account(found, o.ran)
	o.print(w, table, found, accounted)
	fmt.Fprintf(w, "%d files, %d disagreements, %d unexplained, %d explanations that occur no more, in %v\n",
		len(all), len(found), len(accounted.Unexplained), len(accounted.Stale), time.Since(start).Round(time.Second))
	for tool, why := range o.skipped {
		fmt.Fprintf(w, "SKIP %s: %v\n", tool, why)
	}
	switch {
	case len(accounted.Unexplained) > 0 || len(accounted.Stale) > 0:
		return errors.New("differential run: disagreements.json does not account for it")
	case len(o.skipped) > 0 && os.Getenv("CI") == "true":
		return fmt.Errorf("%d verifiers skipped, which CI does not allow", len(o.skipped))
	}
	return nil
}

func readExplanations(file string) (differential.Table, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	table, err := differential.ReadTable(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return table, nil
}

// gather asks everybody.
func gather(ctx context.Context, here string, all []specimen, now time.Time) (*opinions, error) {
	tools := filepath.Join(here, "..", "..", ".tools")
	slots := make(chan struct{}, runtime.NumCPU())
	o := &opinions{specimens: all, others: map[string]map[string]differential.Verdict{}, skipped: map[string]error{}}
	var err error
	if o.absah, err = verifyAll(ctx, filepath.Join(here, "..", "..", "bin", "absah"), all, now); err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards o.others and failed
	var failed error
	var wg sync.WaitGroup
	for _, j := range []Judge{dss(tools, nil, slots), pyHanko(here, tools, nil, slots)} {
		o.order = append(o.order, j.Name)
		if err := j.Ready(); err != nil {
			o.skipped[j.Name] = err
			continue
		}
		wg.Go(func() {
			began := time.Now()
			findings, err := j.Judge(ctx, cases(all, now))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", j.Name, err))
				return
			}
			o.others[j.Name] = map[string]differential.Verdict{}
			for i, f := range findings {
				o.others[j.Name][all[i].name] = differential.OfJudge(f.Signatures, strings.Join([]string{f.Indication, f.SubIndication, f.Detail}, " "))
			}
			fmt.Fprintf(os.Stderr, "interop: differential: %s done after %v\n", j.Name, time.Since(began).Round(100*time.Millisecond))
		})
	}
	wg.Wait()
	return o, failed
}

// disagreements compares us with everybody on everything.
func (o *opinions) disagreements() []differential.Disagreement {
	var all []differential.Disagreement
	for _, tool := range o.order {
		for _, s := range o.specimens {
			if theirs, ok := o.others[tool][s.name]; ok {
				all = append(all, differential.Compare(tool, s.name, o.absah[s.name], theirs)...)
			}
		}
	}
	return all
}

// ran tells whether the tool was asked about a file of the pattern's set.
func (o *opinions) ran(tool, pattern string) bool {
	set, _, _ := strings.Cut(pattern, "/")
	for _, s := range o.specimens {
		if path.Dir(s.name) == set && o.skipped[tool] == nil {
			return true
		}
	}
	return false
}

// print writes a row for each set and tool, each explanation with its count,
// and what is not accounted for.
func (o *opinions) print(w io.Writer, table differential.Table, found []differential.Disagreement, a differential.Accounted) {
	sets, order := map[string]int{}, []string(nil)
	for _, s := range o.specimens {
		if sets[path.Dir(s.name)]++; sets[path.Dir(s.name)] == 1 {
			order = append(order, path.Dir(s.name))
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "set\tverifier\tfiles\tdisagreements\tof integrity\tof trust")
	for _, set := range order {
		for _, tool := range o.order {
			count := map[differential.Subject]int{}
			for _, d := range found {
				if d.Tool == tool && path.Dir(d.File) == set {
					count[d.About]++
				}
			}
			i, tr := count[differential.Integrity], count[differential.Trust]
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\n", set, tool, sets[set], i+tr, i, tr)
		}
	}
	t.Flush()
	for i, e := range table {
		if a.Explained[i] > 0 {
			fmt.Fprintf(w, "%4d  %s, %s: we %s, it %s; right: %s. %s (%s)\n",
				a.Explained[i], e.Tool, e.About, e.Ours, e.Theirs, e.Right, e.Reason, e.Clause)
		}
	}
	for _, d := range a.Unexplained {
		fmt.Fprintf(w, "UNEXPLAINED %s\n", d)
	}
	for _, s := range a.Stale {
		fmt.Fprintf(w, "STALE %s\n", s)
	}
}
