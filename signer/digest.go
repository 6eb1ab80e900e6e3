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
	"slices"
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

// span is what an earlier signature signs, [0, from) and [to, end), and the
// digest found for it.
type span struct {
	from, to, end int64
	hash          crypto.Hash
	digest        []byte
}

// hashInput digests the whole input, or takes its Digest, and digests the
// spans, all in one reading.
func hashInput(ctx context.Context, in Input, h crypto.Hash, spans ...*span) (*digests, error) {
	d := &digests{hash: h}
	running := map[crypto.Hash]hash.Hash{}
	if in.Digest == nil {
		d.sha256 = sha256.New()
		running[crypto.SHA256] = d.sha256
	} else {
		var err error
		if d.sha256, err = copySHA256(in.Digest); err != nil {
			return nil, fmt.Errorf("signer: Input.Digest: %w", err)
		}
	}
	if h != crypto.SHA256 {
		d.other = h.New()
		running[h] = d.other
	}
	p := &pass{running: running, spans: spans, forks: make([]hash.Hash, len(spans))}
	for _, s := range spans {
		if running[s.hash] == nil {
			running[s.hash] = s.hash.New()
		}
	}
	if len(running) == 0 {
		return d, nil
	}
	return d, p.read(ctx, in)
}

// pass is one reading of the input. The states of spans are forked off the
// running ones where their gaps begin, and go on behind them.
type pass struct {
	running map[crypto.Hash]hash.Hash
	spans   []*span
	forks   []hash.Hash
}

func (p *pass) read(ctx context.Context, in Input) error {
	cuts := []int64{in.Size}
	for _, s := range p.spans {
		cuts = append(cuts, s.from, s.to, s.end)
	}
	slices.Sort(cuts)
	piece := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(piece)
	at := int64(0)
	for _, cut := range slices.Compact(cuts) {
		for at < cut {
			if err := ctx.Err(); err != nil {
				return err
			}
			buf := piece[:min(int64(len(piece)), cut-at)]
			if n, err := in.Reader.ReadAt(buf, at); n < len(buf) {
				if err == nil || err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return fmt.Errorf("read the document at byte %d: %w", at+int64(n), err)
			}
			p.write(buf, at)
			at += int64(len(buf))
		}
		if err := p.reach(cut); err != nil {
			return err
		}
	}
	return nil
}

// write takes a piece of the input, which crosses no border of a span.
func (p *pass) write(buf []byte, at int64) {
	for _, h := range p.running {
		h.Write(buf)
	}
	for i, s := range p.spans {
		if at >= s.to && at < s.end {
			p.forks[i].Write(buf)
		}
	}
}

// reach forks and finishes the spans with a border at the offset.
func (p *pass) reach(at int64) (err error) {
	for i, s := range p.spans {
		if s.from == at {
			if p.forks[i], err = clone(p.running[s.hash]); err != nil {
				return err
			}
		}
		if s.end == at {
			s.digest = p.forks[i].Sum(nil)
		}
	}
	return nil
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
