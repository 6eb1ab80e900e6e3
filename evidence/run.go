package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/absah-id/absah/internal/fault"
)

// Run sequences and publishes until ctx is done, then returns ctx.Err(). Stamps
// and cosignatures are fetched beside it: an authority that does not answer
// delays nothing else. A step that fails is logged and tried again, except that
// after ErrRollback or ErrTampered nothing is integrated or signed any more,
// and Ready says so.
func (l *Log) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	if l.cfg.Timestamper != nil {
		var due time.Time // the first checkpoint is stamped at once
		helpers.Go(func() {
			l.every(ctx, l.cfg.Interval, "timestamp", func(ctx context.Context) error {
				now := l.cfg.Clock()
				if now.Before(due) {
					return nil
				}
				asked, err := l.stamp(ctx)
				if asked {
					due = now.Add(l.cfg.StampEvery)
				}
				return err
			})
		})
	}
	if len(l.cfg.Witnesses) > 0 {
		helpers.Go(func() { l.every(ctx, l.cfg.Interval, "cosign", l.Cosign) })
	}
	l.every(ctx, l.cfg.Interval, "integrate", l.drain)
	return ctx.Err()
}

// drain integrates until nothing waits.
func (l *Log) drain(ctx context.Context) error {
	for {
		if err := l.isBroken(); err != nil {
			return err
		}
		n, err := l.Integrate(ctx)
		if errors.Is(err, ErrConflict) {
			return nil // another node is at it
		}
		if err != nil || n < l.cfg.Batch {
			return err
		}
	}
}

// every calls do now and then after every period, and logs its errors.
func (l *Log) every(ctx context.Context, period time.Duration, name string, do func(context.Context) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Logger.ErrorContext(ctx, "evidence log", "step", name, "error", err)
		}
		timer.Reset(period)
	}
}

// Stamp has the newest checkpoint timestamped unless it is already, or, of a log
// with witnesses, the newest that this process has had cosigned: proofs under it
// then have both. The imprint is SHA-256 of Checkpoint.Note. Older ones that have
// no token stay without: the newer tree contains theirs.
func (l *Log) Stamp(ctx context.Context) error {
	_, err := l.stamp(ctx)
	return err
}

// cosignedLag is how much older than the newest checkpoint a cosigned one may be
// and still be the one that is timestamped: witnesses that are down delay
// nothing.
const cosignedLag = time.Minute

// toStamp chooses the checkpoint that is to be timestamped.
func (l *Log) toStamp(ctx context.Context) (Checkpoint, bool, error) {
	latest, ok, err := l.cfg.Store.LatestCheckpoint(ctx)
	if err != nil || !ok || len(latest.Cosignatures) > 0 {
		return latest, ok, err
	}
	size := int64(0)
	l.mu.Lock()
	for _, n := range l.witnessed {
		size = max(size, n)
	}
	l.mu.Unlock()
	if size == 0 || size >= latest.Size {
		return latest, true, nil
	}
	c, ok, err := l.cfg.Store.CheckpointFor(ctx, size, false)
	if err != nil || !ok || len(c.Cosignatures) == 0 || latest.Time.Sub(c.Time) > cosignedLag {
		return latest, true, err
	}
	return c, true, nil // when that has its token already, the next to be cosigned is waited for
}

// stamp is Stamp, and tells whether the authority was asked.
func (l *Log) stamp(ctx context.Context) (asked bool, err error) {
	c, ok, err := l.toStamp(ctx)
	if err != nil || !ok || c.Token != nil {
		return false, err
	}
	stamp, err := l.cfg.Timestamper.Timestamp(ctx, sha256Of(c.Note))
	if err != nil {
		return true, fmt.Errorf("evidence: timestamp for the checkpoint of %d entries: %w", c.Size, err)
	}
	fault.Point("stamp.before")
	a := Annotation{Token: stamp.Token}
	for _, b := range stamp.Material {
		if err := l.cfg.Store.PutArtefact(ctx, b); err != nil {
			return true, err
		}
		a.Material = append(a.Material, sha256Of(b.Data))
	}
	fault.Point("stamp.kept")
	err = l.cfg.Store.Annotate(ctx, c.Size, a)
	fault.Point("stamp.after")
	return true, err
}
