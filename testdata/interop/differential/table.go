package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
)

// Explanation says why a tool and we differ on some files, and who is right.
type Explanation struct {
	// Tool is the other verifier, About what it is about.
	Tool  string  `json:"tool"`
	About Subject `json:"about"`
	// Ours and Theirs are the verdicts that are explained, and no others.
	Ours   Class `json:"ours"`
	Theirs Class `json:"theirs"`
	// Right is who is right: "we", "they", or "both" where the standards leave
	// it open or the difference is one of words.
	Right string `json:"right"`
	// Clause is what it follows from.
	Clause string `json:"clause"`
	// Reason is the explanation, in one or two sentences.
	Reason string `json:"reason"`
	// Files are patterns of path.Match for Disagreement.File. Each must match
	// something in every run that has its set.
	Files []string `json:"files"`
	// Unsteady says that the tool answers otherwise in some runs, so that a
	// pattern without a match means nothing.
	Unsteady bool `json:"unsteady,omitempty"`
}

// explains tells whether pattern i of the explanation is about d.
func (e Explanation) explains(i int, d Disagreement) bool {
	ok, err := path.Match(e.Files[i], d.File)
	return err == nil && ok && e.Tool == d.Tool && e.About == d.About && e.Ours == d.Ours && e.Theirs == d.Theirs
}

func (e Explanation) check() error {
	if e.Tool == "" || e.Clause == "" || e.Reason == "" || len(e.Files) == 0 {
		return errors.New("tool, clause, reason and files are needed")
	}
	if !slices.Contains([]Subject{Integrity, Trust}, e.About) {
		return fmt.Errorf("about %q", e.About)
	}
	if !slices.Contains([]string{"we", "they", "both"}, e.Right) {
		return fmt.Errorf("right %q", e.Right)
	}
	classes := []Class{Accepts, Rejects, Unsure}
	if !slices.Contains(classes, e.Ours) || !slices.Contains(classes, e.Theirs) || e.Ours == e.Theirs {
		return fmt.Errorf("we %q, they %q", e.Ours, e.Theirs)
	}
	for _, pattern := range e.Files {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
	}
	return nil
}

// Table is all explanations; the first that fits counts.
type Table []Explanation

// ReadTable reads a Table from JSON. Unknown members, and explanations that
// explain nothing, are errors.
func ReadTable(r io.Reader) (Table, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var t Table
	if err := dec.Decode(&t); err != nil {
		return nil, err
	}
	for i, e := range t {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("explanation %d: %w", i+1, err)
		}
	}
	return t, nil
}

// Accounted is what a Table makes of the disagreements of a run.
type Accounted struct {
	// Explained counts the disagreements for each explanation of the Table.
	Explained []int
	// Unexplained are those that no explanation fits.
	Unexplained []Disagreement
	// Stale are the patterns that fit no disagreement any more, with their
	// tool.
	Stale []string
}

// Account holds the disagreements of a run to the table. ran tells whether the
// run asked that tool about any file that the pattern could mean: what was not
// asked is not stale.
func (t Table) Account(all []Disagreement, ran func(tool, pattern string) bool) Accounted {
	out := Accounted{Explained: make([]int, len(t))}
	used := make([][]bool, len(t))
	for i, e := range t {
		used[i] = make([]bool, len(e.Files))
	}
	for _, d := range all {
		if i := t.find(d, used); i >= 0 {
			out.Explained[i]++
		} else {
			out.Unexplained = append(out.Unexplained, d)
		}
	}
	for i, e := range t {
		for k, pattern := range e.Files {
			if !used[i][k] && !e.Unsteady && ran(e.Tool, pattern) {
				out.Stale = append(out.Stale, fmt.Sprintf("%s %s %s: we %s, %s %s: occurs no more",
					e.Tool, pattern, e.About, e.Ours, e.Tool, e.Theirs))
			}
		}
	}
	return out
}

// find returns the explanation of d, or -1, and marks the patterns that fit.
func (t Table) find(d Disagreement, used [][]bool) int {
	for i, e := range t {
		found := false
		for k := range e.Files {
			if e.explains(k, d) {
				used[i][k], found = true, true
			}
		}
		if found {
			return i
		}
	}
	return -1
}
