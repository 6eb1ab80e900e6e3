package main

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
)

// outcome is everything the judges said.
type outcome struct {
	cases    []Case
	judges   []Judge
	findings map[string]map[int]Finding // by judge, then by index into cases
	skipped  map[string]error           // judges that could not run, and why
}

// verdict is what a Finding means for its Case: nil when it is as expected.
func verdict(j Judge, c Case, f Finding) error {
	if c.Damaged {
		if f.OK && !j.Structural {
			return fmt.Errorf("accepts a damaged file")
		}
		return nil
	}
	if !f.OK {
		return fmt.Errorf("%s", strings.Join(strings.Fields(f.Indication+" "+f.SubIndication+" "+f.Detail), " "))
	}
	if f.Level != "" && c.Levels != "" && f.Level != c.Levels {
		return fmt.Errorf("reports level %s, not %s", f.Level, c.Levels)
	}
	return nil
}

// failures counts the findings that are not as expected.
func (o *outcome) failures() int {
	n := 0
	for _, j := range o.judges {
		for i, f := range o.findings[j.Name] {
			if verdict(j, o.cases[i], f) != nil {
				n++
			}
		}
	}
	return n
}

// table writes one row for each group of cases and one column for each
// judge: how many of its cases were accepted, of how many.
func (o *outcome) table(w io.Writer) {
	groups := map[string][]int{}
	var order []string
	for i, c := range o.cases {
		if groups[c.Group] == nil {
			order = append(order, c.Group)
		}
		groups[c.Group] = append(groups[c.Group], i)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "files\t")
	for _, j := range o.judges {
		fmt.Fprintf(t, "%s\t", j.Name)
	}
	fmt.Fprintln(t, "  ")
	for _, g := range order {
		fmt.Fprintf(t, "%s (%d)\t", g, len(groups[g]))
		for _, j := range o.judges {
			fmt.Fprintf(t, "%s\t", o.cell(j, groups[g]))
		}
		fmt.Fprintln(t, "  ")
	}
	t.Flush()
}

// cell is one count: "12" when all is well, "11/12" when not, "-" when the
// judge did not run.
func (o *outcome) cell(j Judge, cases []int) string {
	good, asked := 0, 0
	for _, i := range cases {
		f, ok := o.findings[j.Name][i]
		if !ok {
			continue
		}
		asked++
		if verdict(j, o.cases[i], f) == nil {
			good++
		}
	}
	switch {
	case asked == 0:
		return "-"
	case good == asked:
		return fmt.Sprint(good)
	}
	return fmt.Sprintf("%d/%d", good, asked)
}

// list names each failure, what the judges merely remark on, what a judge
// cannot judge, and each judge that did not run.
func (o *outcome) list(w io.Writer, name func(Case) string) {
	for _, j := range o.judges {
		for i, c := range o.cases {
			f, ok := o.findings[j.Name][i]
			if !ok {
				continue
			}
			if err := verdict(j, c, f); err != nil {
				fmt.Fprintf(w, "FAIL %s %s: %v\n", j.Name, name(c), err)
			}
		}
	}
	o.remarks(w)
	o.limits(w)
	for _, j := range o.judges {
		if err := o.skipped[j.Name]; err != nil {
			fmt.Fprintf(w, "SKIP %s: %v\n", j.Name, err)
		}
	}
}

// remarks lists each distinct warning about good files, with its count.
func (o *outcome) remarks(w io.Writer) {
	count := map[string]int{}
	for _, j := range o.judges {
		for i, f := range o.findings[j.Name] {
			for _, text := range f.Warnings {
				if !o.cases[i].Damaged {
					count[j.Name+": "+text]++
				}
			}
		}
	}
	printCounts(w, "note", count)
}

// limits lists what the judges cannot judge, with the number of files.
func (o *outcome) limits(w io.Writer) {
	count := map[string]int{}
	for _, j := range o.judges {
		for _, c := range o.cases {
			if why := c.Cannot[j.Name]; why != "" && o.skipped[j.Name] == nil {
				count[j.Name+": "+why]++
			}
		}
	}
	printCounts(w, "n/a ", count)
}

func printCounts(w io.Writer, label string, count map[string]int) {
	var all []string
	for text := range count {
		all = append(all, text)
	}
	sort.Strings(all)
	for _, text := range all {
		fmt.Fprintf(w, "%s %s (%d files)\n", label, text, count[text])
	}
}
