package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// headerProof is the first line of C2SP tlog-proof.
const headerProof = "c2sp.org/tlog-proof@v1"

// maxProofLines bounds an inclusion or consistency proof: a tree of 2^63 entries
// needs no more.
const maxProofLines = 64

// Proof shows that an entry is in the tree of a checkpoint.
type Proof struct {
	Entry      Entry
	Path       tlog.RecordProof
	Checkpoint Checkpoint
}

// Prove returns the proofs of all entries of an operation, under one
// checkpoint: the earliest that has a timestamp and contains them all, else the
// earliest that contains them all. It returns ErrUnknownOperation, ErrNotIntegrated
// while one of them waits, or ErrTampered where they do not lead to the checkpoint or
// no key of the log has signed it. Who wrote them is for Vouched to say.
func (l *Log) Prove(ctx context.Context, operation string) ([]Proof, error) {
	entries, err := l.cfg.Store.EntriesOf(ctx, operation)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, ErrUnknownOperation
	}
	size := int64(0)
	for _, e := range entries {
		if e.Index < 0 {
			return nil, ErrNotIntegrated
		}
		size = max(size, e.Index+1)
	}
	c, ok, err := l.stamped(ctx, size)
	if err == nil && !ok {
		c, ok, err = l.cfg.Store.CheckpointFor(ctx, size, false)
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotIntegrated
	}
	// What the database has as the root is anybody's who writes to it.
	if head, err := verifyHistory(c.Note, l.names); err != nil || head != c.Head {
		return nil, fmt.Errorf("%w: the checkpoint of %d entries is not as a key of the log has signed it", ErrTampered, c.Size)
	}
	c.Cosignatures = l.genuine(&c)
	proofs := make([]Proof, len(entries))
	for i, e := range entries {
		path, err := tlog.ProveRecord(c.Size, e.Index, l.hashes(ctx))
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckRecord(path, c.Size, c.Root, e.Index, LeafHash(e.Leaf)); err != nil {
			return nil, fmt.Errorf("%w: the entry %d does not lead to the checkpoint of %d", ErrTampered, e.Index, c.Size)
		}
		proofs[i] = Proof{Entry: e, Path: path, Checkpoint: c}
	}
	return proofs, nil
}

// maxForged bounds the timestamps that Prove passes over.
const maxForged = 100

// stamped returns the earliest checkpoint of at least size with a timestamp that
// Config.Token believes: whoever writes to the database can put another in its place
// before the authority has answered.
func (l *Log) stamped(ctx context.Context, size int64) (Checkpoint, bool, error) {
	for range maxForged {
		c, ok, err := l.cfg.Store.CheckpointFor(ctx, size, true)
		if err != nil || !ok || l.cfg.Token == nil {
			return c, ok, err
		}
		why := l.cfg.Token(c.Token, sha256Of(c.Note))
		if why == nil {
			return c, true, nil
		}
		l.cfg.Logger.ErrorContext(ctx, "ALARM: the timestamp of a checkpoint is not what an authority gave", "size", c.Size, "error", why)
		size = c.Size + 1
	}
	return Checkpoint{}, false, nil
}

// Consistency proves that the tree of size newer begins with the tree of size
// older; 1 <= older <= newer <= the log's size.
func (l *Log) Consistency(ctx context.Context, older, newer int64) (tlog.TreeProof, error) {
	head, err := l.cfg.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if older < 1 || older > newer || newer > head.Size {
		return nil, fmt.Errorf("evidence: no tree of %d entries within %d within %d", older, newer, head.Size)
	}
	return tlog.ProveTree(newer, older, l.hashes(ctx))
}

// Marshal returns the proof as C2SP tlog-proof, without extra data. The
// checkpoint comes with its cosignatures.
func (p *Proof) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", headerProof, p.Entry.Index)
	for _, h := range p.Path {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint.Cosigned())
	return b.Bytes()
}

// errProof refuses bytes that are no C2SP tlog-proof, or one that leads nowhere.
var errProof = errors.New("evidence: not a proof of inclusion")

// VerifyProof checks a C2SP tlog-proof: a checkpoint that one of the log's keys
// has signed, and the path from leaf to its root. It returns the entry's index
// and the checkpoint's head. Extra data is skipped: nothing vouches for it.
func VerifyProof(msg []byte, leaf [32]byte, origin string, vkeys []string) (index int64, head Head, err error) {
	index, path, checkpoint, err := ParseProof(msg)
	if err != nil {
		return 0, Head{}, err
	}
	if head, err = VerifyCheckpoint(checkpoint, origin, vkeys); err != nil {
		return 0, Head{}, err
	}
	if index >= head.Size || tlog.CheckRecord(path, head.Size, head.Root, index, LeafHash(leaf)) != nil {
		return 0, Head{}, errProof
	}
	return index, head, nil
}

// ParseProof takes a C2SP tlog-proof apart without verifying it.
func ParseProof(msg []byte) (index int64, path tlog.RecordProof, checkpoint []byte, err error) {
	if len(msg) > maxNote {
		return 0, nil, nil, errProof
	}
	top, rest, ok := strings.Cut(string(msg), "\n\n")
	lines := strings.Split(top, "\n")
	if !ok || len(lines) < 2 || lines[0] != headerProof {
		return 0, nil, nil, errProof
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") || len(lines) > 1+maxProofLines {
		return 0, nil, nil, errProof
	}
	if index, err = parseDecimal(lines[0][len("index "):]); err != nil {
		return 0, nil, nil, errProof
	}
	hashes, err := parseHashes(lines[1:])
	if err != nil {
		return 0, nil, nil, errProof
	}
	return index, hashes, []byte(rest), nil
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		var err error
		if out[i], err = parseHash(line); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// MarshalConsistency writes a consistency proof as the witness protocol does:
// the older size, then one hash a line.
func MarshalConsistency(older int64, proof tlog.TreeProof) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", older)
	for _, h := range proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	return b.Bytes()
}

// errConsistency refuses a consistency proof.
var errConsistency = errors.New("evidence: not a proof of consistency")

// VerifyConsistency checks that the tree of newer begins with the tree of older,
// by a proof that MarshalConsistency wrote.
func VerifyConsistency(msg []byte, older, newer Head) error {
	text, ok := strings.CutSuffix(string(msg), "\n")
	lines := strings.Split(text, "\n")
	if !ok || len(msg) > maxNote || len(lines) > 1+maxProofLines || lines[0] != fmt.Sprintf("old %d", older.Size) {
		return errConsistency
	}
	proof, err := parseHashes(lines[1:])
	if err != nil || older.Size < 1 || older.Size > newer.Size {
		return errConsistency
	}
	if older.Size == newer.Size {
		if older.Root != newer.Root || len(proof) > 0 {
			return errConsistency
		}
		return nil
	}
	if tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root) != nil {
		return errConsistency
	}
	return nil
}
