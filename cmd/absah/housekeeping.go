package main

import (
	"context"
	"time"
)

// housekeeping is what the service does by itself, and how often.
func (s *gatewayService) housekeeping() []chore {
	age := s.cfg.Evidence.Reconcile
	chores := []chore{
		{"reconcile", max(time.Second, age/10), func(ctx context.Context) error {
			n, err := s.gateway.Reconcile(ctx, age)
			if n > 0 {
				s.logger.WarnContext(ctx, "operations closed as unknown", "count", n)
			}
			return err
		}},
		{"tally", time.Minute, func(ctx context.Context) error { _, err := s.gateway.RecordTally(ctx); return err }},
		{"checkpoints", max(time.Second, min(time.Minute, s.cfg.Evidence.Stamp)), func(ctx context.Context) error {
			_, err := s.gateway.ListCheckpoints(ctx)
			return err
		}},
		{"status", time.Minute, func(ctx context.Context) error { _, err := s.gateway.LearnStatuses(ctx); return err }},
		{"purge", 10 * time.Minute, s.gateway.Purge},
		{"cases", time.Hour, func(ctx context.Context) error { _, err := s.gateway.RemindCases(ctx); return err }},
		{"retention", time.Hour, func(ctx context.Context) error {
			n, err := s.gateway.EraseCases(ctx)
			if n > 0 {
				s.logger.InfoContext(ctx, "words and files of closed cases erased", "cases", n)
			}
			return err
		}},
	}
	if s.stamps != nil {
		chores = append(chores, chore{"timestamps", time.Minute, s.stamps.probe})
	}
	return chores
}

type chore struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// repeat does c at once and then every so often, until ctx is done.
func (s *gatewayService) repeat(ctx context.Context, c chore) {
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	for {
		if err := c.do(ctx); err != nil && ctx.Err() == nil {
			s.logger.Error("housekeeping", "chore", c.name, "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
