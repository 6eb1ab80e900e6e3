package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// passwordPad fills passwords up to 32 bytes (Algorithm 2, step a).
var passwordPad = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

// maxPassword is the number of bytes of a password that R 5 and 6 use
// (Algorithm 2.A, step a); R 2 to 4 use 32.
const maxPassword = 127

// open returns the file key, or a [PasswordError].
func (h *handler) open(password []byte) ([]byte, error) {
	for _, pw := range h.candidates(password) {
		if h.r >= 5 {
			key, err := h.open256(pw)
			if key != nil || err != nil {
				return key, err
			}
			continue
		}
		for _, n := range h.lengths {
			if key := h.openRC4(pw, n); key != nil {
				return key, nil
			}
		}
	}
	return nil, &PasswordError{Wrong: len(password) > 0}
}

// candidates lists the forms in which a password may have been used: as given,
// in the encoding that the revision asks for, and the empty password that
// opens files protected by an owner password only.
func (h *handler) candidates(password []byte) [][]byte {
	list := [][]byte{password}
	if utf8.Valid(password) {
		if h.r >= 5 {
			list = append(list, saslPrep(password))
		} else if b, ok := latin(password); ok {
			list = append(list, b)
		}
	}
	list = append(list, nil)
	var out [][]byte
	for _, pw := range list {
		if h.r >= 5 {
			pw = pw[:min(len(pw), maxPassword)]
		}
		known := false
		for _, q := range out {
			known = known || bytes.Equal(pw, q)
		}
		if !known {
			out = append(out, pw)
		}
	}
	return out
}

// saslPrep is the mapping and normalisation of RFC 4013 §2.1 and §2.2. What
// it prohibits is not refused: the check of the password decides.
func saslPrep(password []byte) []byte {
	var b []rune
	for _, r := range string(password) {
		switch {
		case r > unicode.MaxASCII && unicode.Is(unicode.Zs, r):
			b = append(b, ' ')
		case r == 0xAD || r == 0x34F || r == 0x1806 || r >= 0x180B && r <= 0x180D || r >= 0x200B && r <= 0x200D,
			r == 0x2060 || r >= 0xFE00 && r <= 0xFE0F || r == 0xFEFF:
			// RFC 3454 B.1: commonly mapped to nothing
		default:
			b = append(b, r)
		}
	}
	return norm.NFKC.Bytes([]byte(string(b)))
}

// latin returns the single-byte form of a UTF-8 password in the part that
// PDFDocEncoding shares with ISO 8859-1.
func latin(password []byte) ([]byte, bool) {
	var b []byte
	for _, r := range string(password) {
		if r > 0xFF || r > 0x7E && r < 0xA1 {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// openRC4 tries a password with R 2 to 4 and file keys of n bytes, as user
// (Algorithm 6) and as owner password (Algorithm 7). It returns nil when it is
// neither.
func (h *handler) openRC4(password []byte, n int) []byte {
	if key := h.userKey(password, n); key != nil {
		return key
	}
	sum := md5.Sum(padded(password))
	if h.r >= 3 {
		for range 50 {
			sum = md5.Sum(sum[:])
		}
	}
	user := h.o
	if h.r == 2 {
		user = rc4XOR(sum[:n], user)
	} else {
		for i := 19; i >= 0; i-- {
			user = rc4XOR(xorKey(sum[:n], byte(i)), user)
		}
	}
	return h.userKey(user, n)
}

// userKey is Algorithm 2 with the check of Algorithm 6; nil when the password
// is not the user's.
func (h *handler) userKey(password []byte, n int) []byte {
	m := md5.New()
	m.Write(padded(password))
	m.Write(h.o)
	m.Write(binary.LittleEndian.AppendUint32(nil, h.p))
	m.Write(h.id0)
	if h.r >= 4 && !h.metadata {
		m.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	}
	key := m.Sum(nil)
	if h.r >= 3 {
		for range 50 {
			sum := md5.Sum(key[:n])
			copy(key, sum[:])
		}
	}
	key = key[:n]
	if h.r == 2 {
		if bytes.Equal(rc4XOR(key, passwordPad), h.u) {
			return key
		}
		return nil
	}
	m.Reset()
	m.Write(passwordPad)
	m.Write(h.id0)
	check := m.Sum(nil)
	for i := range 20 {
		check = rc4XOR(xorKey(key, byte(i)), check)
	}
	if bytes.Equal(check, h.u[:16]) {
		return key
	}
	return nil
}

func padded(password []byte) []byte {
	b := append(make([]byte, 0, 64), password[:min(len(password), 32)]...)
	return append(b, passwordPad...)[:32]
}

func xorKey(key []byte, x byte) []byte {
	out := make([]byte, len(key))
	for i, b := range key {
		out[i] = b ^ x
	}
	return out
}

// open256 is Algorithm 2.A. It returns nil, nil when the password is neither
// the owner's nor the user's.
func (h *handler) open256(password []byte) ([]byte, error) {
	var intermediate, wrapped []byte
	switch {
	case bytes.Equal(h.hash(password, h.o[32:40], h.u), h.o[:32]):
		intermediate, wrapped = h.hash(password, h.o[40:48], h.u), h.oe
	case bytes.Equal(h.hash(password, h.u[32:40], nil), h.u[:32]):
		intermediate, wrapped = h.hash(password, h.u[40:48], nil), h.ue
	default:
		return nil, nil
	}
	block, err := aes.NewCipher(intermediate)
	if err != nil {
		return nil, cryptError("encrypt-dict", "%w", err)
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(key, wrapped)
	return key, h.checkPerms(key)
}

// checkPerms is Algorithm 13: /Perms repeats /P and /EncryptMetadata under the
// file key, so that neither can be changed without it.
func (h *handler) checkPerms(key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return cryptError("encrypt-dict", "%w", err)
	}
	var p [aes.BlockSize]byte
	block.Decrypt(p[:], h.perms)
	metadata := byte('F')
	if h.metadata {
		metadata = 'T'
	}
	if string(p[9:12]) != "adb" || binary.LittleEndian.Uint32(p[:4]) != h.p || p[8] != metadata {
		return cryptError("encrypt-perms", "/Perms contradicts /P or /EncryptMetadata")
	}
	return nil
}

// hash is Algorithm 2.B for R 6 and a plain SHA-256 for R 5. The number of
// rounds cannot exceed 288: the last byte of a block is at most 255.
func (h *handler) hash(password, salt, user []byte) []byte {
	first := sha256.New()
	first.Write(password)
	first.Write(salt)
	first.Write(user)
	k := first.Sum(nil)
	if h.r == 5 {
		return k
	}
	for round, last := 0, byte(0); round < 64 || int(last) > round-32; round++ {
		unit := bytes.Join([][]byte{password, k, user}, nil)
		e := bytes.Repeat(unit, 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			panic(err) // 16 bytes are always a key
		}
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		sum := 0 // 256 is 1 modulo 3, so the digit sum has the same remainder
		for _, b := range e[:16] {
			sum += int(b)
		}
		switch sum % 3 {
		case 0:
			s := sha256.Sum256(e)
			k = s[:]
		case 1:
			s := sha512.Sum384(e)
			k = s[:]
		default:
			s := sha512.Sum512(e)
			k = s[:]
		}
		last = e[len(e)-1]
	}
	return k[:32]
}
