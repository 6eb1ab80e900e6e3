package evidence

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Beside is what stands beside the log in its database: artefacts, and the tables
// that were made from the records, by which operations and documents are found and
// applications and staff are known. Whoever changes those changes no record, so an
// audit holds them against the records. One Beside serves one audit.
type Beside interface {
	// Compare holds what was made of entries, which are of a piece and follow those
	// of the call before, against them. It returns a *Discrepancy or nil for each;
	// err is of the machinery.
	Compare(ctx context.Context, entries []Entry, records []Record) (found []error, err error)
	// Rest looks, after all entries with a place below size, for what no record
	// speaks of, and for what is not as the last record of it says.
	Rest(ctx context.Context, size int64) (found, err error)
	// NotCovered names the tables of which no record speaks: whatever is done to
	// their rows is not found.
	NotCovered() []string
}

// Discrepancy says what beside the log is not as its records say.
type Discrepancy struct {
	Rule string // RuleArtefact or RuleTable
	Text string
}

func (d *Discrepancy) Error() string { return d.Text }

// Differs returns a *Discrepancy.
func Differs(rule, format string, args ...any) error {
	return &Discrepancy{rule, fmt.Sprintf(format, args...)}
}

// compareBeside notes the first entry beside which something is wrong. What is
// wrong with the log itself is said before that.
func (a *auditor) compareBeside(entries []Entry, faults []rowFault) error {
	if a.cfg.Beside == nil {
		return nil
	}
	known, records := make([]Entry, 0, len(entries)), make([]Record, 0, len(entries))
	for i := range entries {
		if faults[i].record.Schema == Schema { // of a later version nobody here knows what it says
			known, records = append(known, entries[i]), append(records, faults[i].record)
		}
	}
	found, err := a.cfg.Beside.Compare(a.ctx, known, records)
	if err != nil {
		return err
	}
	for i, f := range found {
		if f != nil {
			a.noteBeside(f, known[i].Index, known[i].Index+1)
		}
	}
	return nil
}

// noteBeside keeps the first discrepancy; first and end are alike where no index
// is known.
func (a *auditor) noteBeside(found error, first, end int64) {
	if a.beside != nil {
		return
	}
	f := Finding{First: first, End: end, Rule: RuleTable, Text: found.Error()}
	if d, ok := errors.AsType[*Discrepancy](found); ok {
		f.Rule = d.Rule
	}
	if first < end {
		f.Text = fmt.Sprintf("row %d: %s", first, f.Text)
	}
	a.beside = &f
}

// token looks at what a checkpoint in the database is stamped with.
func (a *auditor) token(c *Checkpoint) error {
	for _, line := range c.Cosignatures {
		if !isCosignature(c.Note, line, note.VerifierList()) {
			a.noteBeside(Differs(RuleListed, "the checkpoint of %d entries: %.40q stands there as a cosignature, and is none", c.Size, line), a.size, a.size)
		}
	}
	if c.Token == nil {
		return nil
	}
	differs := func(format string, args ...any) {
		a.noteBeside(Differs(RuleToken, "the checkpoint of %d entries: %s", c.Size, fmt.Sprintf(format, args...)), a.size, a.size)
	}
	if a.cfg.Token != nil {
		if err := a.cfg.Token(c.Token, sha256Of(c.Note)); err != nil {
			differs("its timestamp: %v", err)
		}
	}
	for _, sum := range c.Material {
		if a.seen[sum] {
			continue
		}
		a.seen[sum] = true
		b, ok, err := a.cfg.Store.Artefact(a.ctx, sum)
		if err != nil {
			return err
		}
		if !ok || sha256Of(b.Data) != sum {
			differs("%x, with which its timestamp is verified, is missing or changed", sum)
		}
	}
	return nil
}

// rest ends an audit of a log with which nothing is wrong.
func (a *auditor) rest() (Finding, error) {
	whole := Finding{Size: a.size, Root: a.root(), Checkpoints: a.checkpoints}
	if a.cfg.Beside != nil && a.beside == nil {
		found, err := a.cfg.Beside.Rest(a.ctx, a.size)
		if err != nil {
			return Finding{}, err
		}
		if found != nil {
			a.noteBeside(found, a.size, a.size)
		}
	}
	if a.beside != nil {
		a.beside.Size, a.beside.Root, a.beside.Checkpoints = whole.Size, whole.Root, whole.Checkpoints
		return *a.beside, nil
	}
	if a.cfg.Beside != nil {
		whole.NotCovered = a.cfg.Beside.NotCovered()
	}
	return whole, nil
}
