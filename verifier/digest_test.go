package verifier_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/absah-id/absah/verifier"
)

// TestDigestRanges compares with hashing each range by itself, with gaps on
// and around the borders of what is read at a time.
func TestDigestRanges(t *testing.T) {
	const chunk = 1 << 20
	data := make([]byte, 3*chunk+123)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	size := int64(len(data))
	places := []int64{1, 2, 1000, chunk - 1, chunk, chunk + 1, 2*chunk - 1, 2 * chunk, 3 * chunk, size - 2, size - 1, size}
	pick := func() int64 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(places))))
		if err != nil {
			t.Fatal(err)
		}
		return places[n.Int64()]
	}
	hashes := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA1}
	for round := range 40 {
		var ranges []verifier.RangeDigest
		for len(ranges) < 1+round%4 {
			x := verifier.RangeDigest{Hash: hashes[len(ranges)%len(hashes)], Gap: pick(), Resume: pick(), End: pick()}
			if x.Gap < x.Resume && x.Resume < x.End {
				ranges = append(ranges, x)
			}
		}
		sum, err := verifier.DigestRanges(bytes.NewReader(data), size, ranges)
		if err != nil {
			t.Fatal(err)
		}
		if want := sha256.Sum256(data); !bytes.Equal(sum, want[:]) {
			t.Fatal("digest of the whole differs")
		}
		for _, x := range ranges {
			h := x.Hash.New()
			h.Write(data[:x.Gap])
			h.Write(data[x.Resume:x.End])
			if want := h.Sum(nil); !bytes.Equal(x.Digest, want) {
				t.Errorf("%v [0,%d) [%d,%d): got %x, want %x", x.Hash, x.Gap, x.Resume, x.End, x.Digest, want)
			}
		}
	}
}
