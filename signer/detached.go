package signer

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"
)

// SignDetached signs any file with a detached CAdES signature (EN 319 122-1),
// B-B with the claimed signing time as a signed attribute, or B-T. Higher
// levels are refused with CodeDetachedLevel. What in req concerns PDF alone
// must not be set. r is read to its end. Errors are those of [Signer.Sign]
// that concern no document, and that of r, wrapped.
//
// The signature is Result.CMS, a DER ContentInfo, and Result.Before the digest
// of what was read; Tail, Field, After and Evidence are empty.
func (s *Signer) SignDetached(ctx context.Context, r io.Reader, req Request) (*Result, error) {
	if req.Level > T {
		return nil, refuse(CodeDetachedLevel, "Detached signatures are made at B-B and B-T, not at %v.", req.Level)
	}
	if req.Field != "" || req.Certify != 0 || req.Lock != nil || req.Visible != nil || req.Reason+req.Location+req.Name+req.ContactInfo != "" {
		return nil, fmt.Errorf("signer: fields, certification, appearance and texts are of PDF signatures only")
	}
	p, err := s.check(req, req.At)
	if err != nil {
		return nil, err
	}
	j := &job{signer: s, plan: p}
	if err := j.checkStatus(ctx); err != nil {
		return nil, err
	}
	digest, err := j.hashAll(ctx, r)
	if err != nil {
		return nil, err
	}
	if j.result.CMS, err = p.draft.Sign(digest); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if p.Level >= T {
		if j.result.CMS, err = j.timestamp(ctx, j.result.CMS); err != nil {
			return nil, err
		}
	}
	return &j.result, nil
}

// hashAll reads r to its end, keeps its SHA-256 and returns the digest to sign.
func (j *job) hashAll(ctx context.Context, r io.Reader) ([]byte, error) {
	d := &digests{sha256: sha256.New(), hash: j.plan.hash}
	if d.hash != crypto.SHA256 {
		d.other = d.hash.New()
	}
	if _, err := io.Copy(d, contextReader{ctx, r}); err != nil {
		return nil, fmt.Errorf("read what is to be signed: %w", err)
	}
	j.result.Before = d.sum256()
	return d.current().Sum(nil), nil
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
