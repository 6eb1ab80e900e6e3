package evidence

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/internal/fault"
)

// Integrate is one step of the sequencer: it gives places to the oldest waiting
// entries, at most Config.Batch, that nodes of this log have written, commits
// the new head, and then signs and publishes it. It returns how many entries
// got a place. ErrConflict means that another node was first, which is no
// fault.
//
// Fault table: before the commit nothing has happened. After the commit and
// before the checkpoint, the next step of any node signs the head or a later
// one. Nothing that was not committed is ever signed.
func (l *Log) Integrate(ctx context.Context) (n int, err error) {
	l.step.Lock()
	defer l.step.Unlock()
	head, err := l.cfg.Store.Head(ctx)
	if err != nil {
		return 0, err
	}
	waiting, err := l.cfg.Store.Pending(ctx, l.cfg.Batch)
	if err != nil {
		return 0, err
	}
	if waiting, err = l.admit(ctx, waiting); err != nil {
		return 0, err
	}
	if len(waiting) > 0 {
		size := head.Size
		if head, err = l.extend(ctx, head, waiting); err != nil {
			return 0, l.breakOn(err)
		}
		l.placed(size, waiting)
	}
	return len(waiting), errors.Join(l.breakOn(l.publish(ctx, head)), l.isRefused())
}

// extend commits the head that follows head by the waiting entries.
func (l *Log) extend(ctx context.Context, head Head, waiting []Pending) (Head, error) {
	edge, err := l.edge(ctx, head)
	if err != nil {
		return Head{}, err
	}
	first := tlog.StoredHashCount(head.Size)
	var added []tlog.Hash
	// What extending a tree needs is its right edge and what was added since.
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= first {
				out[i] = added[index-first]
			} else if h, ok := edge[index]; ok {
				out[i] = h
			} else {
				return nil, fmt.Errorf("evidence: stored hash %d is not on the edge", index)
			}
		}
		return out, nil
	})
	rows := make([]int64, len(waiting))
	for i, w := range waiting {
		rows[i] = w.Row
		more, err := tlog.StoredHashesForRecordHash(head.Size+int64(i), LeafHash(w.Leaf), reader)
		if err != nil {
			return Head{}, err
		}
		added = append(added, more...)
	}
	next := Head{Size: head.Size + int64(len(waiting))}
	if next.Root, err = tlog.TreeHash(next.Size, reader); err != nil {
		return Head{}, err
	}
	fault.Point("integrate.before")
	if err := l.cfg.Store.Integrate(ctx, head, rows, added, next); err != nil {
		return Head{}, l.conflict(ctx, head, err)
	}
	fault.Point("integrate.after")
	return next, nil
}

// conflict tells what to make of an error of Integrate. Another node that was
// first has left another head; when it is the same one, the places behind it are
// taken by rows that nobody has integrated.
func (l *Log) conflict(ctx context.Context, head Head, err error) error {
	if !errors.Is(err, ErrConflict) {
		return err
	}
	if now, again := l.cfg.Store.Head(ctx); again == nil && now == head {
		return fmt.Errorf("%w: there are places beyond the %d entries of the head", ErrTampered, head.Size)
	}
	return err
}

// edge reads the roots of the complete subtrees that make up the tree: all that
// is needed of the past to go on. It returns ErrTampered when they do not hash
// to the head's root.
func (l *Log) edge(ctx context.Context, head Head) (map[int64]tlog.Hash, error) {
	edge := map[int64]tlog.Hash{}
	if head.Size == 0 {
		return edge, nil
	}
	root, err := tlog.TreeHash(head.Size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := l.cfg.Store.Hashes(ctx, indexes)
		for i, h := range hashes {
			edge[indexes[i]] = h
		}
		return hashes, err
	}))
	if err != nil {
		return nil, err
	}
	if root != head.Root {
		return nil, fmt.Errorf("%w: the stored hashes of %d entries do not give the head's root", ErrTampered, head.Size)
	}
	return edge, nil
}

// publish signs the head unless a checkpoint of its size or a larger one is
// there, after making sure that the tree continues the one last published.
// The floor is written before the checkpoint can be seen.
func (l *Log) publish(ctx context.Context, head Head) error {
	latest, _, err := l.cfg.Store.LatestCheckpoint(ctx) // the zero one when there is none
	if err != nil {
		return err
	}
	if latest.Size >= head.Size {
		return l.follow(ctx, &latest)
	}
	if err := l.continues(ctx, head, latest.Head); err != nil {
		return err
	}
	if err := l.check(ctx, latest.Size, head.Size); err != nil {
		return err
	}
	msg, err := signNote(checkpointText(l.cfg.Origin, head), l.key)
	if err != nil {
		return err
	}
	fault.Point("checkpoint.signed")
	if err := l.advance(ctx, head, msg); err != nil {
		return err
	}
	fault.Point("checkpoint.before")
	err = l.cfg.Store.SaveCheckpoint(ctx, Checkpoint{Head: head, Note: msg, Time: l.cfg.Clock().UTC()})
	fault.Point("checkpoint.after")
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: another root of %d entries was signed before", ErrTampered, head.Size)
	}
	return err
}

// follow takes note of a checkpoint that another node has signed: this node's
// floor rises too, and a database that went back under a running gateway is
// noticed.
func (l *Log) follow(ctx context.Context, c *Checkpoint) error {
	if seen := l.seen(); c.Size <= seen.Size {
		return l.continues(ctx, c.Head, seen)
	}
	signed, err := verifyHistory(c.Note, l.names)
	if err != nil || signed != c.Head {
		return fmt.Errorf("%w: the last checkpoint in the database is not signed by a known key", ErrTampered)
	}
	return l.advance(ctx, c.Head, c.Note)
}

// seen returns the largest head that this process knows to be signed.
func (l *Log) seen() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// advance makes head the one last seen, and the floor, when its tree continues
// both.
func (l *Log) advance(ctx context.Context, head Head, msg []byte) error {
	if err := l.continues(ctx, head, l.seen()); err != nil {
		return err
	}
	if l.cfg.Floor != "" {
		if err := l.raiseFloor(ctx, head, msg); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = head
	return nil
}

// continues checks that the tree of head begins with the tree of earlier.
func (l *Log) continues(ctx context.Context, head, earlier Head) error {
	switch {
	case earlier.Size == 0:
		return nil
	case earlier.Size > head.Size:
		return fmt.Errorf("%w: it has %d entries, and %d were published", ErrRollback, head.Size, earlier.Size)
	}
	root, err := tlog.TreeHash(earlier.Size, l.hashes(ctx))
	if err != nil {
		return err
	}
	if root != earlier.Root {
		return fmt.Errorf("%w: its first %d entries are not those that were published", ErrTampered, earlier.Size)
	}
	return nil
}

// Check compares the database with what was published, before anything is added:
// the head with the stored hashes, the last checkpoint and the floor file.
// It returns ErrRollback or ErrTampered, and then nothing may run; and ErrNoFloor when
// there are entries and the floor file is missing, which the first Check of an empty log
// makes: then SetFloor may be called. Last, and when nothing else
// is wrong, it returns ErrNoSuccessor: then the log may sign nothing but the
// roll-over to its key may be recorded.
func (l *Log) Check(ctx context.Context) error {
	head, latest, err := l.agrees(ctx)
	if err != nil {
		return err
	}
	switch there, err := l.hasFloor(); {
	case err != nil:
		return fmt.Errorf("evidence: floor: %w", err)
	case !there && head.Size == 0:
		if err := l.firstFloor(ctx); err != nil {
			return err
		}
	case !there:
		return fmt.Errorf("%w: %s", ErrNoFloor, l.cfg.Floor)
	}
	if latest.Size > 0 && CheckpointOrigin(latest.Note) == l.cfg.Origin { // a log of a new name succeeds nobody
		return l.succeeds(ctx, latest.Note)
	}
	return nil
}

// agrees compares the database with what was published, and returns its head and
// its last checkpoint, the zero one when there is none.
func (l *Log) agrees(ctx context.Context) (head Head, latest Checkpoint, err error) {
	// What was published is read before the head: other nodes go on meanwhile.
	floor, err := l.readFloor()
	if err != nil {
		return head, latest, err
	}
	if latest, _, err = l.cfg.Store.LatestCheckpoint(ctx); err != nil {
		return head, latest, err
	}
	if latest.Size > 0 {
		signed, err := verifyHistory(latest.Note, l.names)
		if err != nil || signed != latest.Head {
			return head, latest, l.breakOn(fmt.Errorf("%w: the last checkpoint in the database is not signed by a known key", ErrTampered))
		}
	}
	if head, err = l.cfg.Store.Head(ctx); err != nil {
		return head, latest, err
	}
	if _, err := l.edge(ctx, head); err != nil {
		return head, latest, l.breakOn(err)
	}
	for _, earlier := range []Head{latest.Head, floor} {
		if err := l.continues(ctx, head, earlier); err != nil {
			return head, latest, l.breakOn(err)
		}
	}
	return head, latest, nil
}
