package verifier

import (
	"crypto"
	"errors"
	"hash"
	"io"
	"slices"
)

// signedRange asks for the digest over [0, gap) and [resume, end) of a file.
type signedRange struct {
	hash             crypto.Hash
	gap, resume, end int64
	digest           []byte // the answer

	state hash.Hash // once the reading has passed gap
}

// digestRanges fills in the digest of every range and returns the SHA-256 of
// the whole file, all in one reading. The ranges of a file with several
// signatures are nested and share their beginning, so each hash function runs
// once over the file; a range has a state of its own only behind its gap.
//
// When whole is given it is the file's SHA-256, known already, and the reading
// ends with the last range. The error is that of r.
func digestRanges(r io.ReaderAt, size int64, ranges []*signedRange, whole []byte) ([]byte, error) {
	mains := make(map[crypto.Hash]hash.Hash)
	end := int64(0)
	if whole == nil {
		mains[crypto.SHA256] = crypto.SHA256.New()
		end = size
	}
	for _, s := range ranges {
		if mains[s.hash] == nil {
			mains[s.hash] = s.hash.New()
		}
		end = max(end, s.end)
	}
	ranges = slices.Clone(ranges)
	slices.SortStableFunc(ranges, func(a, b *signedRange) int { return int(min(max(a.gap-b.gap, -1), 1)) })
	buf := make([]byte, min(chunk, end))
	for at := int64(0); at < end; {
		n := min(int64(len(buf)), end-at)
		if _, err := r.ReadAt(buf[:n], at); err != nil && err != io.EOF {
			return nil, err
		}
		if err := feed(mains, ranges, buf[:n], at); err != nil {
			return nil, err
		}
		at += n
	}
	for _, s := range ranges {
		if s.state != nil {
			s.digest = s.state.Sum(nil)
		}
	}
	if whole == nil {
		whole = mains[crypto.SHA256].Sum(nil)
	}
	return whole, nil
}

// feed gives one piece of the file, which begins at offset at, to all states.
func feed(mains map[crypto.Hash]hash.Hash, ranges []*signedRange, b []byte, at int64) error {
	done := at
	advance := func(to int64) {
		for _, m := range mains {
			m.Write(b[done-at : to-at])
		}
		done = to
	}
	end := at + int64(len(b))
	for _, s := range ranges {
		if s.state == nil && s.gap <= end && s.gap >= done {
			advance(s.gap)
			state, err := cloneHash(mains[s.hash])
			if err != nil {
				return err
			}
			s.state = state
		}
		if s.state != nil && s.resume < end && s.end > at {
			s.state.Write(b[max(s.resume, at)-at : min(s.end, end)-at])
		}
	}
	advance(end)
	return nil
}

var errNotCloneable = errors.New("verifier: a hash function that cannot be cloned")

// cloneHash copies a running state. All hashes of the standard library can be
// cloned since Go 1.25.
func cloneHash(h hash.Hash) (hash.Hash, error) {
	c, ok := h.(hash.Cloner)
	if !ok {
		return nil, errNotCloneable
	}
	return c.Clone()
}
