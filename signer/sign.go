package signer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf/pades"
)

// Sign appends a signature of the level asked for to a PDF document.
//
// Errors: *[RefusedError] when certificate, key or document forbid it;
// *[UnavailableError] when a service outside failed and req.Fallback is not
// set; *pades.PlaceholderError when a timestamp token is larger than
// [Config].TokenSize; those of pdf.Open (*pdf.MalformedError, *pdf.LimitError,
// pdf.ErrPassword), wrapped when they concern a page's contents;
// cms.ErrBadSignature when the key returned a wrong value; the key's own
// errors, wrapped; ctx.Err(), wrapped; others when the request does not make
// sense. With any error there is no result.
func (s *Signer) Sign(ctx context.Context, in Input, req Request) (*Result, error) {
	p, err := s.check(req, time.Time{})
	if err != nil {
		return nil, err
	}
	doc, err := open(in)
	if err != nil {
		return nil, err
	}
	pending, err := p.prepare(doc.Latest(), s.cfg.TokenSize)
	if err != nil {
		return nil, err
	}
	j := &job{signer: s, plan: p}
	// The certificate's status comes before the key is used: nobody shall
	// hold a signature by a revoked certificate.
	if err := j.checkStatus(ctx); err != nil {
		return nil, err
	}
	w := &work{doc: doc}
	if err := w.hashVerified(ctx, in, p.hash, pending); err != nil {
		return nil, err
	}
	before := w.digests.sum256()
	if w, err = j.sign(ctx, w, pending); err != nil {
		return nil, err
	}
	if w, err = j.raise(ctx, w); err != nil {
		return nil, err
	}
	return w.result(before, j.result), nil
}

// job is one call of Sign under way.
type job struct {
	signer   *Signer
	plan     *plan
	subjects []subject // whose status the document must prove
	result   Result    // so far
}

// fallBack accepts a failure of a service where the request allows it.
func (j *job) fallBack(err error) error {
	if _, ok := errors.AsType[*UnavailableError](err); !ok || !j.plan.Fallback {
		return err
	}
	j.result.Shortfall = errors.Join(j.result.Shortfall, err)
	return nil
}

// checkStatus keeps the signer's path for the levels that prove it.
func (j *job) checkStatus(ctx context.Context) error {
	found, err := j.signer.checkStatus(ctx, j.plan)
	j.subjects = []subject{{chain: found.chain}}
	j.result.Shortfall, j.result.Status = found.unsure, found.shown
	if found.warning != "" {
		j.result.Warnings = []string{found.warning}
	}
	return err
}

// sign makes the signature, with its timestamp from B-T on.
func (j *job) sign(ctx context.Context, w *work, pending *pades.Pending) (*work, error) {
	p := j.plan
	digest, err := w.digests.ofPending(pending)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	der, err := p.draft.Sign(digest)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if p.Level >= T {
		if der, err = j.timestamp(ctx, der); err != nil {
			return nil, err
		}
	}
	j.result.Field, j.result.CMS = pending.Field, der
	return w.embed(pending, der, digest)
}

// timestamp adds the signature timestamp, or gives der back where the request
// accepts that none was to be had.
func (j *job) timestamp(ctx context.Context, der []byte) ([]byte, error) {
	stamped, err := j.stamp(ctx, der)
	if err != nil {
		return der, j.fallBack(err)
	}
	return stamped, nil
}

// stamp adds the signature timestamp, which sets the best time known.
func (j *job) stamp(ctx context.Context, der []byte) ([]byte, error) {
	_, made, err := onlySigner(der)
	if err != nil {
		return nil, fmt.Errorf("read back the signature: %w", err)
	}
	h := j.plan.hash
	digest := h.New()
	digest.Write(made.Value)
	st, err := j.signer.stamp(ctx, h, digest.Sum(nil), j.plan.At)
	if err != nil {
		return nil, err
	}
	if c := j.plan.Certificate; st.time.Before(c.NotBefore) || st.time.After(c.NotAfter) {
		return nil, refuse(CodeExpired, "The certificate is not valid at the time of the timestamp, %s.", st.time.Format(time.RFC3339))
	}
	stamped, err := cms.AddTimestamp(der, st.token)
	if err != nil {
		return nil, err
	}
	for i := range j.subjects {
		j.subjects[i].time = st.time
	}
	j.subjects = append(j.subjects, subject{st.chain, st.time, true})
	j.result.Level, j.result.Time = T, st.time
	j.result.Tokens = [][]byte{st.token}
	return stamped, nil
}

// raise takes a signature with its timestamp to the level asked for, or as far
// as the services let it with Fallback.
func (j *job) raise(ctx context.Context, w *work) (*work, error) {
	for _, step := range []struct {
		level Level
		do    func(context.Context, *work) (*work, error)
	}{{LT, j.addEvidence}, {LTA, j.addArchive}} {
		if j.plan.Level < step.level || j.result.Level < step.level-1 {
			break
		}
		next, err := step.do(ctx, w)
		if err != nil {
			return w, j.fallBack(err)
		}
		w, j.result.Level = next, step.level
	}
	return w, nil
}

// addEvidence makes B-T into B-LT.
func (j *job) addEvidence(ctx context.Context, w *work) (*work, error) {
	// What the document holds was written before this signature. It is not
	// looked at even where it is of the same second, and validators search the
	// revisions that follow.
	j.result.Shortfall = nil // a status that was not known is asked for again
	ev, err := j.signer.gather(ctx, j.subjects, nil, j.plan.At)
	if err != nil {
		return nil, err
	}
	j.result.Evidence = ev
	return w.store(ev)
}

// addArchive makes B-LT into B-LTA. The evidence is there already unless
// another authority answers than did before.
func (j *job) addArchive(ctx context.Context, w *work) (*work, error) {
	next, st, ev, err := j.signer.archive(ctx, w, j.result.Evidence, j.plan.At)
	if err != nil {
		return nil, err
	}
	j.result.Evidence = ev
	j.result.Tokens = append(slices.Clone(j.result.Tokens), st.token)
	return next, nil
}
