package evidence

import (
	"context"
	"time"
)

// Health is how the log stands, for people who watch over it.
type Health struct {
	Size int64 // entries in the tree
	// Waiting is the time by which the oldest entry that is not in the tree is
	// to be; zero when all are.
	Waiting time.Time
	// Latest is the checkpoint of the largest size; its Note is nil when there
	// is none.
	Latest Checkpoint
	// Fault is why the log is not ready; nil when it is.
	Fault error
}

// Health asks the database how the log stands.
func (l *Log) Health(ctx context.Context) (h Health, err error) {
	head, err := l.cfg.Store.Head(ctx)
	if err != nil {
		return h, err
	}
	h.Size = head.Size
	if h.Waiting, _, err = l.cfg.Store.OldestPending(ctx); err != nil {
		return h, err
	}
	h.Latest, _, err = l.cfg.Store.LatestCheckpoint(ctx)
	h.Fault = l.Ready(ctx)
	return h, err
}

// Covering returns the smallest checkpoint that covers the entry at index, and
// the smallest one with a timestamp that does. Its Note is nil for one that
// does not exist yet.
func (l *Log) Covering(ctx context.Context, index int64) (signed, stamped Checkpoint, err error) {
	if index < 0 {
		return signed, stamped, nil
	}
	if signed, _, err = l.cfg.Store.CheckpointFor(ctx, index+1, false); err != nil {
		return signed, stamped, err
	}
	stamped, _, err = l.cfg.Store.CheckpointFor(ctx, index+1, true)
	return signed, stamped, err
}
