package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// table is what a run found for one group of rows.
type table struct {
	name    string // of the group
	command string // that gave it
	machine string
	rows    []row
	notes   []string
}

// row is one figure with its target.
type row struct {
	what   string
	value  float64
	bound  bound
	target float64
}

type bound bool

const (
	atLeast bound = false
	atMost  bound = true
)

func (b bound) String() string {
	if b == atMost {
		return "≤"
	}
	return "≥"
}

func (r row) pass() bool {
	if r.bound == atMost {
		return r.value <= r.target
	}
	return r.value >= r.target
}

func (t *table) add(what string, value float64, b bound, target float64) {
	t.rows = append(t.rows, row{what, value, b, target})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) missed() int {
	n := 0
	for _, r := range t.rows {
		if !r.pass() {
			n++
		}
	}
	return n
}

// print writes the table in Markdown.
func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "## %s\n\n", headings[t.name])
	fmt.Fprintf(w, "Measured %s on %s, by `%s`.\n\n", time.Now().UTC().Format(time.DateOnly), t.machine, t.command)
	fmt.Fprintln(w, "| figure | measured | target | |")
	fmt.Fprintln(w, "|---|---:|---:|---|")
	for _, r := range t.rows {
		verdict := "pass"
		if !r.pass() {
			verdict = "**miss**"
		}
		fmt.Fprintf(w, "| %s | %.2f | %v %g | %s |\n", r.what, r.value, r.bound, r.target, verdict)
	}
	fmt.Fprintln(w)
	for _, n := range t.notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
}

// headings of the groups.
var headings = map[string]string{"sign": "Signing", "verify": "Verification", "http": "The gateway over HTTP", "evidence": "The evidence log"}

// marks are the lines around the section of a group.
func (t *table) marks() (begin, end string) {
	return "<!-- bench:begin " + t.name + ", written by make bench -->\n", "<!-- bench:end " + t.name + " -->\n"
}

// update replaces the marked section of a file; a file without one gets it at
// its end.
func (t *table) update(path string) error {
	old, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		old, err = []byte("# Performance\n\n"), nil
	}
	if err != nil {
		return err
	}
	begin, end := t.marks()
	var section bytes.Buffer
	section.WriteString(begin)
	t.print(&section)
	section.WriteString(end)
	before, rest, ok := bytes.Cut(old, []byte(begin))
	after := []byte(nil)
	if !ok {
		before = append(bytes.TrimRight(before, "\n"), "\n\n"...)
	} else {
		if _, after, ok = bytes.Cut(rest, []byte(end)); !ok {
			return fmt.Errorf("%s: the section %q has no end", path, t.name)
		}
	}
	return os.WriteFile(path, slices.Concat(before, section.Bytes(), after), 0o644)
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratio is the median of a[i]/b[i], which were measured next to each other.
func ratio(a, b []float64) float64 {
	all := make([]float64, len(a))
	for i := range a {
		all[i] = a[i] / b[i]
	}
	return median(all)
}

func mib(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
