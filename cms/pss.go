package cms

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
)

// verifyPSSWithoutSalt verifies PSS whose salt is declared empty, which
// crypto/rsa cannot express: its zero means "any length". Without a salt the
// encoded message of RFC 8017 §9.1.1 is one fixed string, so it is built and
// compared whole. All values are public. The key has passed checkRSA.
func verifyPSSWithoutSalt(key *rsa.PublicKey, h crypto.Hash, digest, sig []byte) error {
	s := new(big.Int).SetBytes(sig)
	if len(sig) != key.Size() || s.Cmp(key.N) >= 0 {
		return ErrSignature
	}
	emBits := key.N.BitLen() - 1
	want := encodePSSWithoutSalt(h, digest, emBits)
	if want == nil {
		return ErrSignature
	}
	got := make([]byte, key.Size())
	new(big.Int).Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(got)
	if subtle.ConstantTimeCompare(got[len(got)-len(want):], want) != 1 || len(got) > len(want) && got[0] != 0 {
		return ErrSignature
	}
	return nil
}

// encodePSSWithoutSalt returns EMSA-PSS-ENCODE for an empty salt, nil when
// emBits has no room for the hash.
func encodePSSWithoutSalt(h crypto.Hash, digest []byte, emBits int) []byte {
	em := make([]byte, (emBits+7)/8)
	dbLen := len(em) - h.Size() - 1
	if dbLen < 1 {
		return nil
	}
	hash := h.New()
	hash.Write(make([]byte, 8))
	hash.Write(digest)
	hash.Sum(em[:dbLen])
	em[len(em)-1] = 0xbc
	em[dbLen-1] = 1
	for i, counter := 0, uint32(0); i < dbLen; counter++ {
		hash.Reset()
		hash.Write(em[dbLen : dbLen+h.Size()])
		hash.Write(binary.BigEndian.AppendUint32(nil, counter))
		i += subtle.XORBytes(em[i:dbLen], em[i:dbLen], hash.Sum(nil))
	}
	em[0] &= 0xff >> (8*len(em) - emBits)
	return em
}
