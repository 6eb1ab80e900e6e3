package differential_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/testdata/interop/differential"
)

const explanation = `{"tool":"dss","about":"integrity","ours":"rejects","theirs":"accepts","right":"we","clause":"§1","reason":"r","files":["attacks/u0?-*","corpus/x"]}`

func TestAccount(t *testing.T) {
	table, err := differential.ReadTable(strings.NewReader("[" + explanation + "]"))
	if err != nil {
		t.Fatal(err)
	}
	one := differential.Disagreement{
		Tool: "dss", File: "attacks/u07-altered", About: differential.Integrity,
		Ours: differential.Rejects, Theirs: differential.Accepts,
	}
	bend := func(change func(*differential.Disagreement)) differential.Disagreement {
		d := one
		change(&d)
		return d
	}
	tests := []struct {
		name        string
		all         []differential.Disagreement
		ran         bool // whether the corpus was there
		unexplained int
		stale       []string
	}{
		{"explained", []differential.Disagreement{one}, false, 0, nil},
		{"another tool", []differential.Disagreement{one, bend(func(d *differential.Disagreement) { d.Tool = "pyhanko" })}, false, 1, nil},
		{"another file", []differential.Disagreement{one, bend(func(d *differential.Disagreement) { d.File = "attacks/w-a" })}, false, 1, nil},
		{"another verdict", []differential.Disagreement{one, bend(func(d *differential.Disagreement) { d.Theirs = differential.Unsure })}, false, 1, nil},
		{"about trust", []differential.Disagreement{one, bend(func(d *differential.Disagreement) { d.About = differential.Trust })}, false, 1, nil},
		{"occurs no more", nil, false, 0, []string{"attacks/u0?-*"}},
		{"one pattern occurs no more", []differential.Disagreement{one}, true, 0, []string{"corpus/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := table.Account(tt.all, func(_, pattern string) bool { return tt.ran || strings.HasPrefix(pattern, "attacks/") })
			if len(got.Unexplained) != tt.unexplained {
				t.Errorf("got %v unexplained, want %d", got.Unexplained, tt.unexplained)
			}
			if !slices.EqualFunc(got.Stale, tt.stale, strings.Contains) {
				t.Errorf("got %q stale, want %q", got.Stale, tt.stale)
			}
			if n := len(tt.all) - tt.unexplained; got.Explained[0] != n {
				t.Errorf("got %d explained, want %d", got.Explained[0], n)
			}
		})
	}
}

// TestAccountUnsteady: where a tool answers now so, now otherwise, that an
// explanation does not occur is no failure.
func TestAccountUnsteady(t *testing.T) {
	text := strings.Replace(explanation, `"right"`, `"unsteady":true,"right"`, 1)
	table, err := differential.ReadTable(strings.NewReader("[" + text + "]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Account(nil, func(string, string) bool { return true }); len(got.Stale) != 0 {
		t.Errorf("got %q stale, want none", got.Stale)
	}
}

func TestReadTableRefuses(t *testing.T) {
	tests := map[string]string{
		"no list":            explanation,
		"an unknown member":  strings.Replace(explanation, `"tool"`, `"tools"`, 1),
		"no tool":            strings.Replace(explanation, `"dss"`, `""`, 1),
		"no clause":          strings.Replace(explanation, `"§1"`, `""`, 1),
		"no files":           strings.Replace(explanation, `["attacks/u0?-*","corpus/x"]`, `[]`, 1),
		"a broken pattern":   strings.Replace(explanation, `u0?-*`, `u[`, 1),
		"an unknown class":   strings.Replace(explanation, `"accepts"`, `"likes"`, 1),
		"the same verdict":   strings.Replace(explanation, `"accepts"`, `"rejects"`, 1),
		"an unknown right":   strings.Replace(explanation, `"we"`, `"me"`, 1),
		"an unknown subject": strings.Replace(explanation, `"integrity"`, `"all"`, 1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if name != "no list" {
				text = "[" + text + "]"
			}
			if _, err := differential.ReadTable(strings.NewReader(text)); err == nil {
				t.Error("is taken for a table")
			}
		})
	}
}

// TestDisagreements holds the table of the project to its own form.
func TestDisagreements(t *testing.T) {
	f, err := os.Open("../disagreements.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := differential.ReadTable(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range table {
		if e.Tool != "dss" && e.Tool != "pyhanko" {
			t.Errorf("tool %q is asked nothing", e.Tool)
		}
		for _, file := range e.Files {
			key := strings.Join([]string{e.Tool, string(e.About), string(e.Ours), string(e.Theirs), file}, " ")
			if seen[key] {
				t.Errorf("%s is explained twice", key)
			}
			seen[key] = true
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("[" + explanation + "]")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := differential.ReadTable(strings.NewReader(text))
		if err != nil {
			return
		}
		got := table.Account(nil, func(string, string) bool { return true })
		if len(got.Unexplained) != 0 || len(got.Explained) != len(table) {
			t.Errorf("nothing to account for, got %+v", got)
		}
	})
}
