package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run sequences, publishes and reconciles until ctx is done, then returns
// ctx.Err(). Stamps and cosignatures are fetched beside it: an authority that
// does not answer delays nothing else. A step that fails is logged and tried
// again, except that after ErrRollback or ErrTampered nothing is integrated or
// signed any more, and Ready says so.
func (l *Log) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	if l.cfg.Timestamper != nil {
		helpers.Go(func() { l.every(ctx, max(l.cfg.StampEvery, l.cfg.Interval), "timestamp", l.Stamp) })
	}
	if len(l.cfg.Witnesses) > 0 {
		helpers.Go(func() { l.every(ctx, l.cfg.Interval, "cosign", l.Cosign) })
	}
	helpers.Go(func() {
		l.every(ctx, max(l.cfg.ReconcileAfter/4, time.Second), "reconcile", func(ctx context.Context) error {
			closed, err := l.Reconcile(ctx)
			if closed > 0 {
				l.cfg.Logger.WarnContext(ctx, "closed intents without outcome", "count", closed)
			}
			return err
		})
	})
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

// Stamp has the newest checkpoint timestamped unless it is already. The imprint
// is SHA-256 of Checkpoint.Note. Older ones that have no token stay without: the
// newer tree contains theirs.
func (l *Log) Stamp(ctx context.Context) error {
	c, ok, err := l.cfg.Store.LatestCheckpoint(ctx)
	if err != nil || !ok || c.Token != nil {
		return err
	}
	stamp, err := l.cfg.Timestamper.Timestamp(ctx, sha256Of(c.Note))
	if err != nil {
		return fmt.Errorf("evidence: timestamp for the checkpoint of %d entries: %w", c.Size, err)
	}
	a := Annotation{Token: stamp.Token}
	for _, b := range stamp.Material {
		if err := l.cfg.Store.PutArtefact(ctx, b); err != nil {
			return err
		}
		a.Material = append(a.Material, sha256Of(b.Data))
	}
	return l.cfg.Store.Annotate(ctx, c.Size, a)
}
