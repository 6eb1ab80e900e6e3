package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/absah-id/absah/pdf/pades"
)

// digestMethods are the names of hashes in seed values (ISO 32000-2 Table 237).
var digestMethods = map[crypto.Hash]string{crypto.SHA256: "SHA256", crypto.SHA384: "SHA384", crypto.SHA512: "SHA512"}

// digests is the state of hashing a document: SHA-256 always, and the
// signature's hash where that is another. Cloned at the end of the input it is
// continued for each revision, so that the input is read once.
type digests struct {
	sha256 hash.Hash
	other  hash.Hash   // nil when signatures use SHA-256
	hash   crypto.Hash // of signatures and timestamps
}

// buffers are what the input is read into, a piece at a time.
var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// hashInput digests the whole input, or takes its Digest.
func hashInput(ctx context.Context, in Input, h crypto.Hash) (*digests, error) {
	d := &digests{hash: h}
	var pass []io.Writer
	if in.Digest != nil {
		var err error
		if d.sha256, err = copySHA256(in.Digest); err != nil {
			return nil, fmt.Errorf("signer: Input.Digest: %w", err)
		}
	} else {
		d.sha256 = sha256.New()
		pass = append(pass, d.sha256)
	}
	if h != crypto.SHA256 {
		d.other = h.New()
		pass = append(pass, d.other)
	}
	if len(pass) == 0 {
		return d, nil
	}
	piece := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(piece)
	buf := piece[:]
	for at := int64(0); at < in.Size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := in.Reader.ReadAt(buf[:min(int64(len(buf)), in.Size-at)], at)
		if n == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read the document at byte %d: %w", at, err)
		}
		for _, w := range pass {
			w.Write(buf[:n])
		}
		at += int64(n)
	}
	return d, nil
}

// copySHA256 copies a state of foreign make, by the marshalled form, which
// tells SHA-256 from everything else.
func copySHA256(h hash.Hash) (hash.Hash, error) {
	m, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return nil, errors.New("a hash state that cannot be copied")
	}
	state, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	copied := sha256.New()
	return copied, copied.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

// clone copies a hash state of the standard library.
func clone(h hash.Hash) (hash.Hash, error) {
	c, ok := h.(hash.Cloner)
	if !ok {
		return nil, fmt.Errorf("signer: %T cannot be cloned", h)
	}
	return c.Clone()
}

// clone copies both states.
func (d *digests) clone() (*digests, error) {
	c := &digests{hash: d.hash}
	var err error
	if c.sha256, err = clone(d.sha256); err != nil {
		return nil, err
	}
	if d.other != nil {
		c.other, err = clone(d.other)
	}
	return c, err
}

// Write continues both states.
func (d *digests) Write(b []byte) (int, error) {
	d.sha256.Write(b)
	if d.other != nil {
		d.other.Write(b)
	}
	return len(b), nil
}

func (d *digests) current() hash.Hash {
	if d.other != nil {
		return d.other
	}
	return d.sha256
}

// sum256 returns the SHA-256 of everything so far.
func (d *digests) sum256() (sum [32]byte) {
	d.sha256.Sum(sum[:0])
	return sum
}

// ofPending returns the digest of what a prepared revision signs.
func (d *digests) ofPending(p *pades.Pending) ([]byte, error) {
	h, err := clone(d.current())
	if err != nil {
		return nil, err
	}
	if err := p.WriteSigned(h); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// confirms reports whether digest is that of the document so far and then of
// tail without the gap that byteRange leaves.
func (d *digests) confirms(digest []byte, base int64, tail []byte, byteRange [4]int64) bool {
	from, to := byteRange[1]-base, byteRange[2]-base
	if byteRange[0] != 0 || from < 0 || to < from || to > int64(len(tail)) || byteRange[3] != int64(len(tail))-to {
		return false
	}
	h, err := clone(d.current())
	if err != nil {
		return false
	}
	h.Write(tail[:from])
	h.Write(tail[to:])
	return bytes.Equal(h.Sum(nil), digest)
}
