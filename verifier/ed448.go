package verifier

import (
	"bytes"
	"crypto/sha3"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"slices"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf"
)

// The standard library cannot verify Ed448 (RFC 8032 §5.2). It is in no
// algorithm catalogue, so a signature by it never passes; but whether the
// document is the one that was signed can be told, and people are told. This
// file does that and nothing else: variable time, no keys but public ones.

var (
	oidEd448       = asn1.ObjectIdentifier{1, 3, 101, 113}
	oidShake256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 12} // RFC 8419 §3.1
	oidShake256Len = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 18}
)

// ed448Size is the length of a public key, and half that of a signature.
const ed448Size = 57

// shakeDigest is the length of the message digest that RFC 8419 §3.1 asks for.
const shakeDigest = 64

// examineEd448 replaces what package cms says of digest and value, namely that
// it cannot tell, where the signature is by Ed448 with SHAKE256.
func examineEd448(w *work, doc *pdf.Document) {
	known := w.si.DigestOID.Equal(oidShake256) || w.si.DigestOID.Equal(oidShake256Len)
	if !w.si.AlgorithmOID.Equal(oidEd448) || !known || len(w.si.RawSignedAttributes) == 0 {
		return
	}
	h := sha3.NewSHAKE256()
	if _, err := io.Copy(h, w.sig.SignedReader(doc)); err != nil {
		return // the check stays undecided
	}
	sum := make([]byte, shakeDigest)
	if _, err := h.Read(sum); err != nil {
		return
	}
	w.check.Digest, w.check.Value = nil, nil
	if signed, err := w.si.MessageDigest(); err != nil || !bytes.Equal(signed, sum) {
		w.check.Digest = cms.ErrDigest
	}
	message := slices.Clone(w.si.RawSignedAttributes)
	message[0] = 0x31 // SET OF, as it was signed (RFC 5652 §5.4)
	key, err := ed448Key(w.cert)
	if err != nil || !verifyEd448(key, message, w.si.Value) {
		w.check.Value = cms.ErrSignature
	}
}

func ed448Key(c *x509.Certificate) ([]byte, error) {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		return nil, err
	}
	if !spki.Algorithm.Algorithm.Equal(oidEd448) || len(spki.Key.Bytes) != ed448Size {
		return nil, errors.New("verifier: not an Ed448 key")
	}
	return spki.Key.Bytes, nil
}

// curve holds the constants of edwards448 (RFC 7748 §4.2): x² + y² = 1 + dx²y².
var curve = newEdwards448()

type edwards448 struct {
	p, d, order *big.Int
	base        point
}

// point is in projective coordinates: x = X/Z, y = Y/Z.
type point struct{ x, y, z *big.Int }

func newEdwards448() *edwards448 {
	decimal := func(s string) *big.Int {
		n, _ := new(big.Int).SetString(s, 10) // constants, covered by tests
		return n
	}
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	c := &edwards448{}
	c.p = new(big.Int).Sub(new(big.Int).Sub(power(448), power(224)), big.NewInt(1))
	c.d = new(big.Int).Sub(c.p, big.NewInt(39081))
	c.order = new(big.Int).Sub(power(446), decimal("13818066809895115352007386748515426880336692474882178609894547503885"))
	c.base = point{
		decimal("224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710"),
		decimal("298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660"),
		big.NewInt(1),
	}
	return c
}

func (c *edwards448) mul(a, b *big.Int) *big.Int {
	n := new(big.Int).Mul(a, b)
	return n.Mod(n, c.p)
}

// add is the complete addition of RFC 8032 §5.2.4; it doubles as well.
func (c *edwards448) add(a, b point) point {
	za := c.mul(a.z, b.z)
	zz := c.mul(za, za)
	xx, yy := c.mul(a.x, b.x), c.mul(a.y, b.y)
	e := c.mul(c.d, c.mul(xx, yy))
	f, g := new(big.Int).Sub(zz, e), new(big.Int).Add(zz, e)
	cross := c.mul(new(big.Int).Add(a.x, a.y), new(big.Int).Add(b.x, b.y))
	cross.Sub(cross, xx).Sub(cross, yy)
	return point{c.mul(c.mul(za, f), cross), c.mul(c.mul(za, g), new(big.Int).Sub(yy, xx)), c.mul(f, g)}
}

func (c *edwards448) scale(k *big.Int, a point) point {
	sum := point{new(big.Int), big.NewInt(1), big.NewInt(1)}
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.add(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, a)
		}
	}
	return sum
}

// decode is RFC 8032 §5.2.3.
func (c *edwards448) decode(b []byte) (point, bool) {
	sign := uint(b[ed448Size-1] >> 7)
	raw := slices.Clone(b)
	raw[ed448Size-1] &= 0x7f
	y := littleEndian(raw)
	if y.Cmp(c.p) >= 0 {
		return point{}, false
	}
	one := big.NewInt(1)
	yy := c.mul(y, y)
	v := new(big.Int).Sub(c.mul(c.d, yy), one)
	inverse := new(big.Int).ModInverse(v.Mod(v, c.p), c.p)
	if inverse == nil {
		return point{}, false
	}
	xx := c.mul(new(big.Int).Sub(yy, one), inverse)
	x := new(big.Int).ModSqrt(xx, c.p)
	if x == nil || x.Sign() == 0 && sign == 1 {
		return point{}, false
	}
	if x.Bit(0) != sign {
		x.Sub(c.p, x)
	}
	return point{x, y, one}, true
}

func littleEndian(b []byte) *big.Int {
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	return new(big.Int).SetBytes(reversed)
}

// verifyEd448 is RFC 8032 §5.2.7 with an empty context, without the cofactor.
func verifyEd448(key, message, sig []byte) bool {
	if len(key) != ed448Size || len(sig) != 2*ed448Size {
		return false
	}
	a, okA := curve.decode(key)
	r, okR := curve.decode(sig[:ed448Size])
	s := littleEndian(sig[ed448Size:])
	if !okA || !okR || s.Cmp(curve.order) >= 0 {
		return false
	}
	h := sha3.NewSHAKE256()
	for _, part := range [][]byte{[]byte("SigEd448\x00\x00"), sig[:ed448Size], key, message} {
		h.Write(part)
	}
	digest := make([]byte, 2*ed448Size)
	if _, err := h.Read(digest); err != nil {
		return false
	}
	k := littleEndian(digest)
	k.Mod(k, curve.order)
	left, right := curve.scale(s, curve.base), curve.add(r, curve.scale(k, a))
	return curve.mul(left.x, right.z).Cmp(curve.mul(right.x, left.z)) == 0 &&
		curve.mul(left.y, right.z).Cmp(curve.mul(right.y, left.z)) == 0
}
