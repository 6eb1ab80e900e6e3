package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strconv"
)

// sealer encrypts what stands in the database and concerns nobody who reads
// it: AES-256-GCM with a random nonce, bound to what it belongs to. One key
// lasts for 2^32 uses (NIST SP 800-38D §8.3), a century at a hundred thousand
// a day.
type sealer struct{ aead cipher.AEAD }

func (s *sealer) init(key [32]byte) error {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return err
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// seal encrypts plain for the row named by owner.
func (s *sealer) seal(plain []byte, owner string) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(owner))
}

// open is the inverse of seal.
func (s *sealer) open(sealed []byte, owner string) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(owner))
	if err != nil {
		return nil, errors.New("gateway: a sealed column does not open: it was altered, or the pepper key is another one")
	}
	return plain, nil
}

// nikLookup returns the keyed hash by which a signer is found: without the
// key, sixteen digits are quickly guessed. The hashes of enrolments after the
// first are others, as one NIK has one signer for each.
func (g *Gateway) nikLookup(organisation, nik string, before int) []byte {
	mac := hmac.New(sha256.New, g.nikKey[:])
	mac.Write([]byte(organisation + "\x00" + nik))
	if before > 0 {
		mac.Write([]byte("\x00" + strconv.Itoa(before)))
	}
	return mac.Sum(nil)
}
