package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"

	"github.com/absah-id/absah/testdata/interop/differential"
)

// Case is one file put before the judges.
type Case struct {
	// File is the path of the signed PDF, or of a detached signature.
	File string `json:"file"`
	// Level is the lowest level that any signature of the file must reach:
	// B-B, B-T, B-LT or B-LTA. From B-LT on, judges get no network.
	Level string `json:"level,omitempty"`
	// Password opens an encrypted file; empty for the empty user password.
	Password string `json:"password,omitempty"`
	// Hybrid says that the input has a hybrid cross-reference section.
	Hybrid bool `json:"hybrid,omitempty"`
	// At is the moment of judgement in RFC 3339; empty means now.
	At string `json:"at,omitempty"`
	// Offline says that the file must be judged by what it holds alone,
	// whatever its level.
	Offline bool `json:"offline,omitempty"`
	// Trust lists PEM files of anchors for this file alone; nil means those
	// of the run, empty that nobody is trusted. The batch judges know one set
	// for signers and TSAs.
	Trust []string `json:"trust,omitzero"`

	// Original is the path of the file before signing; empty when there is
	// none to compare with.
	Original string `json:"-"`
	// Levels is what each signature must reach, comma-separated in signing
	// order, for the judges that report levels; empty to accept any.
	Levels string `json:"-"`
	// Group is the table row that this case counts in.
	Group string `json:"-"`
	// Visible says that the signature draws something on a page.
	Visible bool `json:"-"`
	// Content is the path of what a detached signature signs; empty for a PDF.
	Content string `json:"-"`
	// Only names the judges that this case is for; empty for all.
	Only []string `json:"-"`
	// Cannot says, by name of judge, what keeps it from judging this file for
	// reasons that do not lie in the signature.
	Cannot map[string]string `json:"-"`
	// Damaged marks the control files: every judge of signatures must
	// refuse them, else its other answers are worth nothing.
	Damaged bool `json:"-"`
}

// Finding is what one judge said of one file.
type Finding struct {
	File          string   `json:"file"`
	Tool          string   `json:"tool"`
	OK            bool     `json:"ok"`
	Level         string   `json:"level"`
	Indication    string   `json:"indication"`
	SubIndication string   `json:"subIndication"`
	Detail        string   `json:"detail"`
	Warnings      []string `json:"warnings,omitempty"`
	// Signatures is what the batch judges say of each signature.
	Signatures []differential.Signature `json:"signatures,omitempty"`
}

// A Judge is somebody else's tool that says whether a signed PDF is good.
type Judge struct {
	// Name is the column of the table.
	Name string
	// Ready returns nil when the tool is installed, else why not.
	Ready func() error
	// Judge answers every case, in order. An error means that the tool
	// itself broke, not that a file is bad.
	Judge func(ctx context.Context, cases []Case) ([]Finding, error)
	// Structural says that the judge looks at the PDF's structure and not
	// at signatures, so it need not refuse the control files.
	Structural bool
	// Wants tells which cases the judge has anything to say of; nil means all.
	Wants func(Case) bool
}

// asked tells whether the case is for this judge.
func (j Judge) asked(c Case) bool {
	if j.Wants != nil && !j.Wants(c) {
		return false
	}
	return (len(c.Only) == 0 || slices.Contains(c.Only, j.Name)) && c.Cannot[j.Name] == ""
}

// eachFile makes a Judge.Judge from a function that judges one file. It runs
// as many at once as slots allows; slots is shared between judges so that
// they do not crowd each other out.
func eachFile(name string, slots chan struct{}, judge func(context.Context, Case) Finding) func(context.Context, []Case) ([]Finding, error) {
	return func(ctx context.Context, cases []Case) ([]Finding, error) {
		findings := make([]Finding, len(cases))
		var wg sync.WaitGroup
		for i, c := range cases {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				findings[i] = judge(ctx, c)
				findings[i].File, findings[i].Tool = c.File, name
			})
		}
		wg.Wait()
		return findings, ctx.Err()
	}
}

// need returns a Judge.Ready that asks for commands in the PATH.
func need(commands ...string) func() error {
	return func() error {
		for _, c := range commands {
			if _, err := exec.LookPath(c); err != nil {
				return fmt.Errorf("%s is not installed", c)
			}
		}
		return nil
	}
}

// refuse is a Finding that says no.
func refuse(format string, args ...any) Finding {
	return Finding{Detail: fmt.Sprintf(format, args...)}
}
