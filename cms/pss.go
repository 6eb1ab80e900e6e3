package cms

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
)

// verifyPSS is RSASSA-PSS-VERIFY (RFC 8017 §8.1.2) for the two cases that
// crypto/rsa cannot express: MGF1 with another hash than the message's, and a
// salt declared to be empty, for its zero means "any length". All values are
// public. The key has passed checkRSA.
func (a Algorithm) verifyPSS(key *rsa.PublicKey, digest, sig []byte) error {
	s := new(big.Int).SetBytes(sig)
	if len(sig) != key.Size() || s.Cmp(key.N) >= 0 {
		return ErrSignature
	}
	emBits := key.N.BitLen() - 1
	em := make([]byte, key.Size())
	new(big.Int).Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(em)
	if emLen := (emBits + 7) / 8; emLen < len(em) {
		if em[0] != 0 {
			return ErrSignature
		}
		em = em[1:]
	}
	if !a.matchesPSS(em, digest, emBits) {
		return ErrSignature
	}
	return nil
}

// matchesPSS is EMSA-PSS-VERIFY (RFC 8017 §9.1.2); it overwrites em.
func (a Algorithm) matchesPSS(em, digest []byte, emBits int) bool {
	hLen := a.hash.Size()
	dbLen := len(em) - hLen - 1
	if dbLen < a.salt+1 || em[len(em)-1] != 0xbc {
		return false
	}
	db, h := em[:dbLen], em[dbLen:dbLen+hLen]
	unused := byte(0xff) >> (8*len(em) - emBits)
	if db[0]&^unused != 0 {
		return false
	}
	mgf1XOR(db, a.mgf, h)
	db[0] &= unused
	padding := db[:dbLen-a.salt-1]
	for _, b := range padding {
		if b != 0 {
			return false
		}
	}
	if db[len(padding)] != 1 {
		return false
	}
	hash := a.hash.New()
	hash.Write(make([]byte, 8))
	hash.Write(digest)
	hash.Write(db[dbLen-a.salt:])
	return subtle.ConstantTimeCompare(hash.Sum(nil), h) == 1
}

// mgf1XOR adds the mask that MGF1 makes of seed to dst (RFC 8017 B.2.1).
func mgf1XOR(dst []byte, mgf crypto.Hash, seed []byte) {
	hash := mgf.New()
	for counter := uint32(0); len(dst) > 0; counter++ {
		hash.Reset()
		hash.Write(seed)
		hash.Write(binary.BigEndian.AppendUint32(nil, counter))
		dst = dst[subtle.XORBytes(dst, dst, hash.Sum(nil)):]
	}
}
