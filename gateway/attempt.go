package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/fault"
)

// tryPassphrase runs try between the reservation of an attempt and its end.
func (g *Gateway) tryPassphrase(ctx context.Context, c Caller, signerID string, try func(context.Context) error) error {
	// Not when the request came: it may have waited since.
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	var (
		scope = Scope(c.Application.Organisation)
		app   = c.Application.ID
		state Attempts
	)
	update := func(fn func(tx Tx) error) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		return g.cfg.Store.Update(ctx, scope, func(tx Tx) error { return fn(tx) })
	}
	err = update(func(tx Tx) (err error) {
		state, err = tx.BeginAttempt(ctx, signerID, app, at, g.cfg.Attempts)
		return err
	})
	switch {
	case errors.Is(err, ErrLocked):
		return &Error{Code: CodeLocked, Text: "Locked after too many wrong passphrases. The registration authority can unlock.", Err: err}
	case errors.Is(err, ErrTooSoon):
		return &Error{Code: CodeWait, Text: "Too soon after a wrong passphrase.", Retry: max(time.Second, state.NotBefore.Sub(at)), Err: err}
	case err != nil:
		return fromStore(err)
	}
	fault.Point("attempt.reserved")
	tried, wrong := g.attempt(ctx, try)
	fault.Point("attempt.tried")
	if ended, err := g.clock.present(); err == nil {
		at = ended
	}
	err = update(func(tx Tx) (err error) {
		if tried != nil && !wrong {
			return tx.AbandonAttempt(ctx, signerID, app)
		}
		state, err = tx.EndAttempt(ctx, signerID, app, !wrong, at, g.cfg.Attempts)
		return err
	})
	if wrong && state.Recent >= g.cfg.Alarm {
		g.cfg.Log.ErrorContext(ctx, "ALARM: many wrong passphrases", "recent", state.Recent, "window", g.cfg.Attempts.Window)
	}
	if err != nil {
		return errors.Join(tried, fromStore(err))
	}
	if wrong && !state.LockedAt.IsZero() {
		g.cfg.Log.WarnContext(ctx, "locked after wrong passphrases", "signer", signerID, "application", app)
		return errors.Join(tried, g.record(context.WithoutCancel(ctx), c, evidence.Record{
			Kind: "signer.lockout", Signer: evidence.Signer{ID: signerID},
			Result: evidence.Result{Status: evidence.StatusRefused, Code: string(CodeLocked)},
			Detail: map[string]string{"failures": strconv.Itoa(state.Failures), "recent": strconv.Itoa(state.Recent)},
		}))
	}
	return tried
}

// attempt runs try, and tells whether the passphrase was wrong. What takes so
// long that the reservation might end before the attempt has been counted is
// given up: it is nobody's answer any more, though it counts. The context of try
// stays as long as ctx, since a key that was opened works no longer than it.
func (g *Gateway) attempt(ctx context.Context, try func(context.Context) error) (tried error, wrong bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(g.cfg.Attempts.ReservedFor/2, func() { cancel(context.DeadlineExceeded) })
	tried = try(ctx)
	wrong = errors.Is(tried, ErrPassphrase)
	if !late.Stop() {
		tried = fromContext(context.DeadlineExceeded)
	}
	return tried, wrong
}
