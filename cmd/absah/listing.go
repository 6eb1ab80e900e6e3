package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// listing prints what a list command has found: a table for people, or with
// --json one object a line for programs.
type listing struct {
	table   *tabwriter.Writer
	objects *json.Encoder // nil without --json
}

// listFlag registers --json for a list of such things.
func listFlag(cmd *cobra.Command, asJSON *bool, thing string) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print one JSON object per "+thing)
}

func newListing(w io.Writer, asJSON bool, columns ...string) *listing {
	l := &listing{table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if asJSON {
		l.objects = json.NewEncoder(w)
	} else {
		fmt.Fprintln(l.table, strings.Join(columns, "\t"))
	}
	return l
}

// object adds what programs get.
func (l *listing) object(v any) error {
	if l.objects == nil {
		return nil
	}
	return l.objects.Encode(v)
}

// row adds a line of the table. What cells hold may come from anybody.
func (l *listing) row(cells ...any) {
	if l.objects != nil {
		return
	}
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(l.table, "\t")
		}
		fmt.Fprint(l.table, printable(fmt.Sprint(c)))
	}
	fmt.Fprintln(l.table)
}

func (l *listing) end() error { return l.table.Flush() }
