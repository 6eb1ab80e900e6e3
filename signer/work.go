package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// work is a document with the revisions appended so far. It is immutable: each
// step gives a new one, so that a step can be taken back.
type work struct {
	doc     *pdf.Document
	digests *digests
	tail    []byte
}

// begin opens and hashes the input.
func begin(ctx context.Context, in Input, h crypto.Hash) (*work, error) {
	doc, err := open(in)
	if err != nil {
		return nil, err
	}
	d, err := hashInput(ctx, in, h)
	if err != nil {
		return nil, err
	}
	return &work{doc: doc, digests: d}, nil
}

func open(in Input) (*pdf.Document, error) {
	if in.Document != nil {
		return in.Document, nil
	}
	return pdf.Open(in.Reader, in.Size, pdf.Options{Password: in.Password, Limits: in.Limits})
}

// append adds a finished revision. tail is kept.
func (w *work) append(tail []byte) (*work, error) {
	all := tail
	if w.tail != nil {
		all = slices.Concat(w.tail, tail)
		tail = all[len(w.tail):]
	}
	doc, err := w.doc.Append(tail)
	if err != nil {
		return nil, fmt.Errorf("read back the new revision: %w", err)
	}
	d, err := w.digests.clone()
	if err != nil {
		return nil, err
	}
	d.Write(tail)
	return &work{doc: doc, digests: d, tail: all}, nil
}

// embed finishes a prepared revision with its CMS or token over digest, and
// reads it back: the document must now hold that very value, over all of its
// bytes but the gap, and those bytes must have that digest.
func (w *work) embed(p *pades.Pending, der, digest []byte) (*work, error) {
	tail, err := p.Embed(der)
	if err != nil {
		return nil, err
	}
	next, err := w.append(tail)
	if err != nil {
		return nil, err
	}
	if !w.digests.confirms(digest, w.doc.Size(), tail, p.ByteRange()) {
		return nil, errors.New("self-check: the signed bytes of the new revision do not have the signed digest")
	}
	list, err := pades.Signatures(next.doc)
	if err != nil {
		return nil, fmt.Errorf("self-check: %w", err)
	}
	i := slices.IndexFunc(list, func(s *pades.Signature) bool { return s.Field == p.Field })
	if i < 0 {
		return nil, fmt.Errorf("self-check: no signature in the field %q", p.Field)
	}
	s := list[i]
	padding, same := bytes.CutPrefix(s.Contents, der)
	switch {
	case len(s.Problems) > 0:
		return nil, fmt.Errorf("self-check: %w", s.Problems[0])
	case !same || len(bytes.Trim(padding, "\x00")) > 0:
		return nil, errors.New("self-check: the document holds another signature than was made")
	case s.ByteRange != p.ByteRange() || s.ByteRange[2]+s.ByteRange[3] != next.doc.Size():
		return nil, errors.New("self-check: the signature does not cover the document")
	}
	return next, nil
}

// result is what has been reached.
func (w *work) result(before [32]byte, r Result) *Result {
	r.Tail, r.Before, r.After = w.tail, before, w.digests.sum256()
	return &r
}

// stamp is a timestamp token that passed all checks, with the path of its
// authority when anchors are configured.
type stamp struct {
	token []byte
	time  time.Time
	chain []*x509.Certificate
	field string // that holds it, of a document timestamp
}

// stamp obtains a token over digest and checks imprint, signature, time and,
// where anchors are configured, the authority.
func (s *Signer) stamp(ctx context.Context, h crypto.Hash, digest []byte, at time.Time) (*stamp, error) {
	der, err := s.cfg.Timestamper.Timestamp(ctx, h, digest)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("timestamp: %w", err)
		}
		return nil, &UnavailableError{Service: "timestamp", Err: err}
	}
	st, err := s.readStamp(ctx, der, h, digest)
	if err != nil {
		return nil, err
	}
	if drift := st.time.Sub(at).Abs(); drift > s.cfg.MaxDrift {
		return nil, &UnavailableError{Service: "timestamp", Err: fmt.Errorf("its time %s is %s away from ours", st.time.Format(time.RFC3339), drift.Round(time.Second))}
	}
	return st, nil
}

// readStamp judges a token that was just made. Its authority's certificate is
// judged at the token's time.
func (s *Signer) readStamp(ctx context.Context, der []byte, h crypto.Hash, digest []byte) (*stamp, error) {
	token, err := tsp.ParseToken(der)
	if err != nil {
		return nil, &UnavailableError{Service: "timestamp", Err: err}
	}
	if err := token.Verify(h, digest); err != nil {
		return nil, &UnavailableError{Service: "timestamp", Err: err}
	}
	st := &stamp{token: der, time: token.Time}
	if s.cfg.TSAAnchors.Len() == 0 {
		return st, nil
	}
	cert, err := token.Signer()
	if err != nil {
		return nil, &UnavailableError{Service: "timestamp", Err: err}
	}
	st.chain, err = s.path(ctx, cert, token.SignedData.Certificates(), s.cfg.TSAAnchors, st.time, pki.Timestamping)
	if err != nil {
		return nil, certificateError(ctx, err, true)
	}
	return st, nil
}
