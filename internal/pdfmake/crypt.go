package pdfmake

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
)

// Method is an encryption method of the standard security handler.
type Method int

// The methods, with the V and R that they are written with (ISO 32000-2
// §7.6.3): 1/2, 2/3, 4/4 and 5/6.
const (
	RC4_40 Method = iota
	RC4_128
	AES128
	AES256
)

// Encryption asks for a file to be encrypted. Initialisation vectors and salts
// are derived, not random: such a file is for tests only.
type Encryption struct {
	Method      Method
	User, Owner string
	// ClearMetadata leaves the metadata stream as it is (V 4 and 5).
	ClearMetadata bool
}

// permissions allows everything that a user can be allowed (table 22).
const permissions int32 = -4

type crypt struct {
	method Method
	key    []byte
	dict   Dict
	ivs    int
}

func newCrypt(e *Encryption, id string) *crypt {
	c := &crypt{method: e.Method}
	if e.Method == AES256 {
		c.setupAES256(e)
		return c
	}
	v, r, n := [3]int{1, 2, 4}[e.Method], [3]int{2, 3, 4}[e.Method], [3]int{5, 16, 16}[e.Method]
	o := ownerValue(e, r, n)
	c.key = fileKey(e, o, id, r, n)
	c.dict = Dict{"Filter": Name("Standard"), "V": v, "R": r, "O": Hex(o), "U": Hex(userValue(c.key, id, r)), "P": int(permissions)}
	if v > 1 {
		c.dict["Length"] = 128
	}
	if v == 4 {
		c.setFilters("AESV2", 16, e.ClearMetadata)
	}
	return c
}

func (c *crypt) setFilters(cfm Name, length int, clearMetadata bool) {
	c.dict["CF"] = Dict{"StdCF": Dict{"AuthEvent": Name("DocOpen"), "CFM": cfm, "Length": length}}
	c.dict["StmF"], c.dict["StrF"] = Name("StdCF"), Name("StdCF")
	if clearMetadata {
		c.dict["EncryptMetadata"] = false
	}
}

var padding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

func pad(password string) []byte { return append([]byte(password), padding...)[:32] }

// fileKey is algorithm 2 (§7.6.4.3.2).
func fileKey(e *Encryption, o []byte, id string, r, n int) []byte {
	h := md5.New()
	h.Write(pad(e.User))
	h.Write(o)
	p := permissions
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(p)))
	h.Write([]byte(id))
	if r >= 4 && e.ClearMetadata {
		h.Write([]byte{255, 255, 255, 255})
	}
	return md5Rounds(h.Sum(nil), r, n)
}

func md5Rounds(key []byte, r, n int) []byte {
	if r >= 3 {
		for range 50 {
			sum := md5.Sum(key[:n])
			key = sum[:]
		}
	}
	return key[:n]
}

// ownerValue is algorithm 3 (§7.6.4.4.2).
func ownerValue(e *Encryption, r, n int) []byte {
	sum := md5.Sum(pad(e.Owner))
	return rc4Rounds(md5Rounds(sum[:], r, n), pad(e.User), r)
}

// userValue is algorithms 4 and 5 (§7.6.4.4.3, §7.6.4.4.4).
func userValue(key []byte, id string, r int) []byte {
	if r == 2 {
		return rc4Rounds(key, padding, r)
	}
	sum := md5.Sum(append(bytes.Clone(padding), id...))
	return append(rc4Rounds(key, sum[:], r), make([]byte, 16)...)
}

func rc4Rounds(key, b []byte, r int) []byte {
	n := 1
	if r >= 3 {
		n = 20
	}
	for i := range n {
		k := bytes.Clone(key)
		for j := range k {
			k[j] ^= byte(i)
		}
		b = rc4Once(k, b)
	}
	return b
}

func rc4Once(key, b []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

// setupAES256 is algorithms 8 to 10 (§7.6.4.4.7 to §7.6.4.4.9).
func (c *crypt) setupAES256(e *Encryption) {
	key := sha256.Sum256([]byte("file key " + e.User))
	c.key = key[:]
	user, owner := []byte(e.User), []byte(e.Owner)
	u := append(hash2B(user, []byte("u-valid."), nil), "u-valid.u-keyst."...)
	ue := cbcNoPad(hash2B(user, []byte("u-keyst."), nil), c.key)
	o := append(hash2B(owner, []byte("o-valid."), u), "o-valid.o-keyst."...)
	oe := cbcNoPad(hash2B(owner, []byte("o-keyst."), u), c.key)
	flag := byte('T')
	if e.ClearMetadata {
		flag = 'F'
	}
	p := permissions
	perms := binary.LittleEndian.AppendUint32(nil, uint32(p))
	perms = append(perms, 255, 255, 255, 255, flag, 'a', 'd', 'b', 't', 'e', 's', 't')
	block := aesBlock(c.key)
	block.Encrypt(perms, perms)
	c.dict = Dict{"Filter": Name("Standard"), "V": 5, "R": 6, "Length": 256, "P": int(permissions),
		"U": Hex(u), "UE": Hex(ue), "O": Hex(o), "OE": Hex(oe), "Perms": Hex(perms)}
	c.setFilters("AESV3", 32, e.ClearMetadata)
}

// hash2B is algorithm 2.B (§7.6.4.3.4).
func hash2B(password, salt, u []byte) []byte {
	first := sha256.Sum256(bytes.Join([][]byte{password, salt, u}, nil))
	k := first[:]
	for rounds := 1; ; rounds++ {
		k1 := bytes.Repeat(bytes.Join([][]byte{password, k, u}, nil), 64)
		cipher.NewCBCEncrypter(aesBlock(k[:16]), k[16:32]).CryptBlocks(k1, k1)
		sum := 0
		for _, b := range k1[:16] {
			sum += int(b)
		}
		switch sum % 3 {
		case 0:
			h := sha256.Sum256(k1)
			k = h[:]
		case 1:
			h := sha512.Sum384(k1)
			k = h[:]
		default:
			h := sha512.Sum512(k1)
			k = h[:]
		}
		if rounds >= 64 && int(k1[len(k1)-1]) <= rounds-32 {
			return bytes.Clone(k[:32])
		}
	}
}

func aesBlock(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return b
}

func cbcNoPad(key, b []byte) []byte {
	out := make([]byte, len(b))
	cipher.NewCBCEncrypter(aesBlock(key), make([]byte, 16)).CryptBlocks(out, b)
	return out
}

// forObject returns the cipher of an object (algorithms 1 and 1.A, §7.6.3).
func (c *crypt) forObject(r Ref) func([]byte) []byte {
	key := c.key
	if c.method != AES256 {
		b := append(bytes.Clone(c.key), byte(r), byte(r>>8), byte(r>>16), 0, 0)
		if c.method == AES128 {
			b = append(b, "sAlT"...)
		}
		sum := md5.Sum(b)
		key = sum[:min(len(c.key)+5, 16)]
	}
	return func(b []byte) []byte {
		if c.method == RC4_40 || c.method == RC4_128 {
			return rc4Once(key, b)
		}
		return c.aesCBC(key, b)
	}
}

func (c *crypt) aesCBC(key, b []byte) []byte {
	c.ivs++
	iv := sha256.Sum256(fmt.Appendf(nil, "iv %d %x", c.ivs, c.key))
	n := 16 - len(b)%16
	out := append(bytes.Clone(iv[:16]), b...)
	out = append(out, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(aesBlock(key), iv[:16]).CryptBlocks(out[16:], out[16:])
	return out
}
