package evidence

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// auditBatch is how many entries an audit holds at once.
const auditBatch = 2048

// Rules of an audit, in the order of what they say first is wrong.
const (
	RuleRow        = "row"         // a row is missing, or is not of a piece
	RuleReceipt    = "receipt"     // a row was not written by a gateway with the receipt key
	RuleStoredHash = "stored-hash" // a row is not the one that was sequenced
	RuleCheckpoint = "checkpoint"  // the rows are not those that were signed
	RuleHead       = "head"        // the head is not that of the rows
	RuleRollback   = "rollback"    // rows that were published are gone
	RuleOverdue    = "overdue"     // a row is past its promise and has no place
	RuleToken      = "token"       // the timestamp of a checkpoint is not over it
	RuleListed     = "listed"      // a checkpoint, its timestamp or a cosignature that a record lists is gone or another, or a cosignature is none
	RuleArtefact   = "artefact"    // what a record names is missing, changed, or erased without a record
	RuleTable      = "table"       // a table that was made from the records is not as they say
)

// Finding is what an audit came to. The zero Rule means that all is well.
type Finding struct {
	Size        int64     `json:"size"`        // entries with a place
	Root        tlog.Hash `json:"root"`        // recomputed, of as many entries as hold
	Checkpoints int64     `json:"checkpoints"` // verified against the rows
	Rule        string    `json:"rule,omitempty"`
	// First is the first bad index. When the stored hashes were rewritten too,
	// it is only known to lie in First <= index < End: between the last signed
	// checkpoint that holds and the first that does not.
	First int64  `json:"first"`
	End   int64  `json:"end"`
	Text  string `json:"text,omitempty"`
	// NotCovered names what stands beside the log and is held against no record, when
	// nothing was found.
	NotCovered []string `json:"notCovered,omitempty"`
}

// OK reports whether nothing was found.
func (f *Finding) OK() bool { return f.Rule == "" }

// AuditConfig says what to audit and by what. Store and Origin must be set.
type AuditConfig struct {
	Store  Store // only read
	Origin string
	// Keys are vkeys of the log and of its receipts, past ones too. Without a
	// key of the log, signatures of checkpoints are not verified, without one
	// of receipts, receipts are not: whoever holds the database could then have
	// made both. Keys of another origin are those of a name that the log had.
	Keys []string
	// Intents is the secret of the log's nodes (Config.Intents); without it only
	// that intents carry a MAC is seen, not that it holds.
	Intents []byte
	// Kept are checkpoints (signed notes) from outside the database: those that
	// an auditor kept, or got from a witness. They need a key of the log.
	Kept [][]byte
	// Floor is the gateway's floor file; "" for none. It needs a key of the log.
	Floor string
	// Beside, if not nil, is what stands beside the log; what is wrong there is said
	// when nothing is wrong with the log.
	Beside Beside
	// Token, if not nil, tells whether a token of a checkpoint is over digest, and
	// whole: nil, or what does not hold. Whom to trust is not its business.
	Token func(token []byte, digest [32]byte) error
	// Clock tells the present, for the rule "overdue"; nil means time.Now.
	Clock func() time.Time
	// Progress, if not nil, is told now and then how many of how many entries
	// are done.
	Progress func(done, total int64)
}

// Audit recomputes the whole tree from the rows and compares it with the stored
// hashes, with every checkpoint in the database, with those kept elsewhere and
// with the floor file. It stops at the first bad index. The error is of the
// machinery or of cfg: what is wrong with the log is in the Finding.
//
// Of an entry that has no place yet, only that it is not past its promise is
// looked at. A gateway that was stopped before it gave places to its last entries
// leaves such ones behind, and mends that when it runs again.
func Audit(ctx context.Context, cfg AuditConfig) (Finding, error) {
	a := auditor{cfg: cfg, ctx: ctx, kept: map[int64]tlog.Hash{}, seen: map[[32]byte]bool{}}
	if err := a.keys(); err != nil {
		return Finding{}, err
	}
	if f, err := a.collect(); err != nil || !f.OK() {
		return f, err
	}
	head, err := cfg.Store.Head(ctx)
	if err != nil {
		return Finding{}, err
	}
	a.head = head
	for a.size < head.Size {
		if f, err := a.batch(); err != nil || !f.OK() {
			return f, err
		}
		if cfg.Progress != nil {
			cfg.Progress(a.size, head.Size)
		}
	}
	return a.finish()
}

// Audit is the function Audit over this log, with its keys and its floor file.
func (l *Log) Audit(ctx context.Context, kept [][]byte, progress func(done, total int64)) (Finding, error) {
	return Audit(ctx, AuditConfig{
		Store: l.cfg.Store, Origin: l.cfg.Origin, Keys: slices.Concat(l.cfg.PastKeys, []string{l.key.vkey, l.receipts.vkey}),
		Intents: l.cfg.Intents, Kept: kept, Floor: l.cfg.Floor, Clock: l.cfg.Clock, Progress: progress,
	})
}

// auditor is the state of one audit.
type auditor struct {
	cfg   AuditConfig
	ctx   context.Context // of the one call of Audit
	names []logName
	// signatures and receipts tell whether any key of checkpoints, or of
	// receipts, is known.
	signatures, receipts bool

	head Head
	kept map[int64]tlog.Hash // roots from outside the database, by size
	top  int64               // the largest size in kept

	size        int64       // entries that hold
	stack       []tlog.Hash // the roots of the complete subtrees, left to right
	signed      int64       // size of the last checkpoint that holds
	next        *Checkpoint // the first checkpoint above signed, nil at the end
	loaded      bool        // next was read
	checkpoints int64
	sealed      bool // an intent with a MAC was seen: there are none without behind it

	seen   map[[32]byte]bool // artefacts of tokens that were found
	beside *Finding          // the first thing that is wrong beside the log; nil: none yet
}

func (a *auditor) fail(rule string, first, end int64, format string, args ...any) Finding {
	return Finding{
		Size: a.size, Root: a.root(), Checkpoints: a.checkpoints,
		Rule: rule, First: first, End: end, Text: fmt.Sprintf(format, args...),
	}
}

// keys sorts the keys by what they are for.
func (a *auditor) keys() (err error) {
	if a.names, err = logNames(a.cfg.Origin, a.cfg.Keys); err != nil {
		return err
	}
	for i := range a.names {
		slices.Sort(a.names[i].logKeys) // one named twice would be ambiguous
		a.names[i].logKeys = slices.Compact(a.names[i].logKeys)
		a.signatures = a.signatures || len(a.names[i].logKeys) > 0
		a.receipts = a.receipts || len(a.names[i].receipts) > 0
	}
	return nil
}

// collect reads the checkpoints that do not come from the database.
func (a *auditor) collect() (Finding, error) {
	heads := make([]Head, 0, len(a.cfg.Kept)+1)
	for _, msg := range a.cfg.Kept {
		h, err := verifyHistory(msg, a.names)
		if err != nil {
			return Finding{}, err
		}
		heads = append(heads, h)
	}
	floor, err := readFloor(a.cfg.Floor, a.names)
	if err != nil {
		return Finding{}, err
	}
	for _, h := range append(heads, floor) {
		if root, ok := a.kept[h.Size]; ok && root != h.Root && h.Size > 0 {
			return a.fail(RuleCheckpoint, 0, h.Size, "two checkpoints of %d entries are signed, with different roots", h.Size), nil
		}
		a.kept[h.Size] = h.Root
		a.top = max(a.top, h.Size)
	}
	return Finding{}, nil
}

// batch audits the next entries.
func (a *auditor) batch() (Finding, error) {
	from := a.size
	n := min(auditBatch, a.head.Size-from)
	entries, err := a.cfg.Store.Entries(a.ctx, from, n)
	if err != nil {
		return Finding{}, err
	}
	first := tlog.StoredHashCount(from)
	indexes := make([]int64, tlog.StoredHashCount(from+n)-first)
	for i := range indexes {
		indexes[i] = first + int64(i)
	}
	stored, err := a.cfg.Store.Hashes(a.ctx, indexes)
	if errors.Is(err, ErrNoHash) {
		return a.fail(RuleStoredHash, from, from+n, "stored hashes of the rows %d to %d are missing", from, from+n-1), nil
	}
	if err != nil {
		return Finding{}, err
	}
	faults := a.faults(entries)
	for i := range n {
		index := from + i
		if i >= int64(len(entries)) || entries[i].Index != index {
			return a.fail(RuleRow, index, index+1, "the row of index %d is missing", index), nil
		}
		if f := a.bare(&entries[i]); f != nil {
			return a.fail(RuleReceipt, index, index+1, "row %d: %v", index, f), nil
		}
		if f := faults[i]; f.err != nil {
			return a.fail(f.rule, index, index+1, "row %d: %v", index, f.err), nil
		}
		if f := a.push(LeafHash(entries[i].Leaf), stored[tlog.StoredHashCount(index)-first:]); !f.OK() {
			return f, nil
		}
		if f, err := a.compare(); err != nil || !f.OK() {
			return f, err
		}
	}
	return Finding{}, a.compareBeside(entries, faults)
}

// rowFault is what is wrong with one row by itself.
type rowFault struct {
	rule   string
	err    error  // nil when nothing is
	record Record // what it says; the zero value when it is of an unknown version
}

// faults checks rows on all cores: their receipts are what an audit spends its
// time on.
func (a *auditor) faults(entries []Entry) []rowFault {
	out := make([]rowFault, len(entries))
	workers := runtime.GOMAXPROCS(0)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for i := w; i < len(entries); i += workers {
				out[i] = a.fault(&entries[i])
			}
		})
	}
	done.Wait()
	return out
}

func (a *auditor) fault(e *Entry) rowFault {
	r, err := e.parse()
	if err != nil {
		return rowFault{rule: RuleRow, err: err}
	}
	if a.receipts {
		err = checkReceipt(a.names, e)
	}
	if err == nil && e.Phase == PhaseIntent && e.Receipt != nil {
		err = checkIntent(a.cfg.Intents, a.names, e)
	}
	return rowFault{RuleReceipt, err, r}
}

// bare returns an error for an intent without a MAC behind one that has it. Only
// the nodes of the log can verify the MAC itself; they give no place to an entry
// that they have not written, and sign no head over one.
func (a *auditor) bare(e *Entry) error {
	if e.Phase != PhaseIntent {
		return nil
	}
	if e.Receipt == nil && a.sealed {
		return errNoMAC
	}
	a.sealed = a.sealed || e.Receipt != nil
	return nil
}

// push adds a leaf and compares it, and every subtree that it completes, with
// the stored hashes. A bad subtree over good leaves is reported as the range of
// its leaves.
func (a *auditor) push(h tlog.Hash, stored []tlog.Hash) Finding {
	index := a.size
	if stored[0] != h {
		return a.fail(RuleStoredHash, index, index+1, "row %d is not the one that was sequenced", index)
	}
	for level, n := 1, index; n&1 == 1; level, n = level+1, n>>1 {
		h = tlog.NodeHash(a.stack[len(a.stack)-1], h)
		a.stack = a.stack[:len(a.stack)-1]
		if stored[level] != h {
			first := index + 1 - 1<<level
			return a.fail(RuleStoredHash, first, index+1, "the stored hash over the rows %d to %d is not theirs", first, index)
		}
	}
	a.stack = append(a.stack, h)
	a.size++
	return Finding{}
}

// root returns the root over the entries so far.
func (a *auditor) root() tlog.Hash {
	if len(a.stack) == 0 {
		return tlog.Hash{}
	}
	h := a.stack[len(a.stack)-1]
	for i := len(a.stack) - 2; i >= 0; i-- {
		h = tlog.NodeHash(a.stack[i], h)
	}
	return h
}

// compare holds the tree so far against the checkpoints of its size.
func (a *auditor) compare() (Finding, error) {
	if !a.loaded {
		c, ok, err := a.cfg.Store.CheckpointFor(a.ctx, a.size, false)
		if err != nil {
			return Finding{}, err
		}
		a.next, a.loaded = nil, true
		if ok {
			a.next = &c
		}
	}
	kept, isKept := a.kept[a.size]
	inStore := a.next != nil && a.next.Size == a.size
	if !isKept && !inStore {
		return Finding{}, nil
	}
	root := a.root()
	if isKept && kept != root {
		return a.fail(RuleCheckpoint, a.signed, a.size, "the rows below %d are not those under the checkpoint that was kept", a.size), nil
	}
	if inStore {
		head := a.next.Head
		if a.signatures {
			var err error
			if head, err = verifyHistory(a.next.Note, a.names); err != nil || head.Size != a.size {
				return a.fail(RuleCheckpoint, a.signed, a.size, "the checkpoint of %d entries is not signed by a key of the log", a.size), nil
			}
		}
		if head.Root != root || a.next.Root != root {
			return a.fail(RuleCheckpoint, a.signed, a.size, "the rows from %d to %d are not those that were signed", a.signed, a.size-1), nil
		}
		if err := a.token(a.next); err != nil {
			return Finding{}, err
		}
		a.loaded = false
	}
	a.signed = a.size
	a.checkpoints++
	return Finding{}, nil
}

// finish compares the end of the log with what is known of it.
func (a *auditor) finish() (Finding, error) {
	if root := a.root(); root != a.head.Root {
		return a.fail(RuleHead, a.signed, max(a.size, 1), "the head's root is not that of the rows"), nil
	}
	// The log may have grown meanwhile: what lies beyond a head that is read
	// after it was never integrated.
	more, err := a.cfg.Store.Entries(a.ctx, a.size, maxTree-a.size)
	if err != nil {
		return Finding{}, err
	}
	latest, _, err := a.cfg.Store.LatestCheckpoint(a.ctx)
	if err != nil {
		return Finding{}, err
	}
	head, err := a.cfg.Store.Head(a.ctx)
	if err != nil {
		return Finding{}, err
	}
	for _, e := range more {
		if e.Index >= head.Size {
			return a.fail(RuleRow, head.Size, e.Index+1, "row %d has a place beyond the head", e.Index), nil
		}
	}
	if top := max(a.top, latest.Size); top > head.Size {
		return a.fail(RuleRollback, head.Size, top, "%d entries were published, %d are there", top, head.Size), nil
	}
	if f, err := a.overdue(); err != nil || !f.OK() {
		return f, err
	}
	return a.rest()
}

// overdue looks for entries that the log has promised to have a place by now.
func (a *auditor) overdue() (Finding, error) {
	clock := a.cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	// Who inserts a row chooses its promise, so all that wait are looked at.
	waiting, err := a.cfg.Store.Overdue(a.ctx, farAway, maxOverdue)
	if err != nil {
		return Finding{}, err
	}
	for i := range waiting {
		f := a.fault(&waiting[i])
		if bare := a.bare(&waiting[i]); bare != nil {
			f.err = bare
		}
		if e := &waiting[i]; f.err == nil && e.Promise.Sub(e.Time) > MaxPromise {
			f.err = fmt.Errorf("it is promised a place by %s, later than any gateway promises", e.Promise.UTC().Format(time.RFC3339))
		}
		if e := &waiting[i]; f.err == nil && e.Time.Sub(clock()) > MaxPromise {
			f.err = fmt.Errorf("it is of %s, which has not come yet", e.Time.UTC().Format(time.RFC3339))
		}
		if f.err != nil {
			return a.fail(RuleReceipt, a.size, a.size, "%s %s of %.64q, which has no place: %v", waiting[i].Phase, waiting[i].Kind, waiting[i].Operation, f.err), nil
		}
	}
	late, err := a.cfg.Store.Overdue(a.ctx, clock(), maxOverdue)
	if err != nil || len(late) == 0 {
		return Finding{}, err
	}
	count := fmt.Sprint(len(late))
	if len(late) == maxOverdue {
		count = "at least " + count
	}
	e := late[0]
	return a.fail(RuleOverdue, a.size, a.size, "%s entries have no place although it was promised; the first is %s %s of %s, promised by %s",
		count, e.Phase, e.Kind, e.Operation, e.Promise.UTC().Format(time.RFC3339)), nil
}

// MaxPromise is the longest Config.MergeDelay: an entry that waits is past its
// promise, or past all belief, after that.
const MaxPromise = 7 * 24 * time.Hour

// maxOverdue bounds the overdue entries that an audit counts.
const maxOverdue = 1000
