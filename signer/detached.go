package signer

import (
	"context"
	"fmt"
	"io"

	"github.com/absah-id/absah/cms"
)

// SignDetached signs any file with a detached CAdES signature (EN 319 122-1):
// it returns the DER ContentInfo, B-B with the claimed signing time as a signed
// attribute, or B-T. Higher levels are refused with CodeDetachedLevel. What in
// req concerns PDF alone must not be set. r is read to its end. Errors are
// those of [Signer.Sign] that concern no document, and that of r, wrapped.
//
// With Fallback a B-B signature is returned when no authority answers; it is
// told by having no timestamp.
func (s *Signer) SignDetached(ctx context.Context, r io.Reader, req Request) ([]byte, error) {
	if req.Level > T {
		return nil, refuse(CodeDetachedLevel, "Detached signatures are made at B-B and B-T, not at %v.", req.Level)
	}
	if req.Field != "" || req.Certify != 0 || req.Lock != nil || req.Visible != nil || req.Reason+req.Location+req.Name+req.ContactInfo != "" {
		return nil, fmt.Errorf("signer: fields, certification, appearance and texts are of PDF signatures only")
	}
	p, err := s.check(req)
	if err != nil {
		return nil, err
	}
	digest := p.options.Hash.New()
	if _, err := io.Copy(digest, contextReader{ctx, r}); err != nil {
		return nil, fmt.Errorf("read what is to be signed: %w", err)
	}
	options := p.options
	options.Digest, options.SigningTime = digest.Sum(nil), p.At
	der, err := cms.Sign(options)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if p.Level < T {
		return der, nil
	}
	j := &job{signer: s, plan: p}
	stamped, err := j.timestamp(ctx, der)
	if err != nil {
		if err := j.fallBack(err); err != nil {
			return nil, err
		}
		return der, nil
	}
	return stamped, nil
}

// contextReader ends with the context's error once it is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
