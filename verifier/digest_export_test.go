package verifier

import (
	"crypto"
	"io"
)

// RangeDigest is one answer of DigestRanges.
type RangeDigest struct {
	Hash             crypto.Hash
	Gap, Resume, End int64
	Digest           []byte
}

// DigestRanges runs digestRanges.
func DigestRanges(r io.ReaderAt, size int64, ranges []RangeDigest) ([]byte, error) {
	in := make([]*signedRange, len(ranges))
	for i, x := range ranges {
		in[i] = &signedRange{hash: x.Hash, gap: x.Gap, resume: x.Resume, end: x.End}
	}
	sum, err := digestRanges(r, size, in, nil)
	for i := range ranges {
		ranges[i].Digest = in[i].digest
	}
	return sum, err
}
