package cms

import (
	"crypto"
	"math/big"
	"sync"
)

// BrainpoolPublicKey is a key on a brainpool curve (RFC 5639 §3), which
// crypto/ecdsa and crypto/x509 do not know and TS 119 312 §6.2 lists. It
// verifies, in variable time, and does nothing else.
type BrainpoolPublicKey struct {
	curve *weierstrass
	x, y  *big.Int
}

// Curve is the name in RFC 5639, "brainpoolP256r1" for one.
func (k *BrainpoolPublicKey) Curve() string { return k.curve.name }

// Bits is the size of the curve.
func (k *BrainpoolPublicKey) Bits() int { return k.curve.n.BitLen() }

// Equal reports whether x is the same key.
func (k *BrainpoolPublicKey) Equal(x crypto.PublicKey) bool {
	o, ok := x.(*BrainpoolPublicKey)
	return ok && k.curve == o.curve && k.x.Cmp(o.x) == 0 && k.y.Cmp(o.y) == 0
}

// weierstrass is a curve y² = x³ + ax + b over the integers modulo p, with a
// base point of prime order n and the cofactor 1.
type weierstrass struct {
	name               string
	p, a, b, gx, gy, n *big.Int
}

// brainpoolCurves maps the contents of the OIDs of RFC 5639 §3 to the curves.
// The twisted ones and those below 256 bits are left out: no certificate of a
// signer has them.
var brainpoolCurves = sync.OnceValue(func() map[string]*weierstrass {
	curves := make(map[string]*weierstrass)
	for _, c := range []struct{ oid, name, p, a, b, gx, gy, n string }{
		{
			"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1",
			"a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
			"7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
			"26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
			"8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
			"547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
			"a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
		},
		{
			"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "brainpoolP384r1",
			"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
			"7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
			"04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
			"1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
			"8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
			"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
		},
		{
			"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "brainpoolP512r1",
			"aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
			"7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca",
			"3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
			"81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822",
			"7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892",
			"aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
		},
	} {
		number := func(s string) *big.Int {
			n, _ := new(big.Int).SetString(s, 16) // the constants are numbers
			return n
		}
		curves[c.oid] = &weierstrass{c.name, number(c.p), number(c.a), number(c.b), number(c.gx), number(c.gy), number(c.n)}
	}
	return curves
})

// brainpoolCurve is the curve that a key's algorithm names (RFC 5480 §2.1.1);
// nil when it is another, or given by its parameters (M14).
func brainpoolCurve(id identifier) *weierstrass {
	if name, err := parseOID(id.oid); err != nil || !name.Equal(oidECPublicKey) || id.params.tag != tagOID {
		return nil
	}
	return brainpoolCurves()[string(id.params.contents())]
}

// parseBrainpool reads an uncompressed point (SEC 1 §2.3.4); others are not
// written by anybody. The cofactor is 1, so that every point of the curve is in
// the group.
func parseBrainpool(c *weierstrass, point []byte) (*BrainpoolPublicKey, error) {
	size := (c.p.BitLen() + 7) / 8
	if len(point) != 1+2*size || point[0] != 4 {
		return nil, breach(RuleKeyMalformed, "not an uncompressed point of %s", c.name)
	}
	k := &BrainpoolPublicKey{c, new(big.Int).SetBytes(point[1 : 1+size]), new(big.Int).SetBytes(point[1+size:])}
	if k.x.Cmp(c.p) >= 0 || k.y.Cmp(c.p) >= 0 || !c.contains(k.x, k.y) {
		return nil, breach(RuleKeyMalformed, "the point is not on %s", c.name)
	}
	return k, nil
}

func (c *weierstrass) contains(x, y *big.Int) bool {
	right := new(big.Int).Mul(x, x)
	right.Add(right, c.a).Mul(right, x).Add(right, c.b).Mod(right, c.p)
	left := new(big.Int).Mul(y, y)
	return left.Mod(left, c.p).Cmp(right) == 0
}

// verify is ECDSA (FIPS 186-5 §6.4.2).
func (k *BrainpoolPublicKey) verify(digest, sig []byte) error {
	r, s, ok := parseSignaturePair(sig)
	n := k.curve.n
	if !ok || r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return ErrSignature
	}
	e := new(big.Int).SetBytes(digest)
	if extra := 8*len(digest) - n.BitLen(); extra > 0 {
		e.Rsh(e, uint(extra))
	}
	w := new(big.Int).ModInverse(s, n)
	u1 := e.Mul(e, w)
	u2 := w.Mul(r, w)
	sum := k.curve.combine(u1.Mod(u1, n), u2.Mod(u2, n), k.x, k.y)
	if sum.z.Sign() == 0 {
		return ErrSignature
	}
	inverse := new(big.Int).ModInverse(sum.z, k.curve.p)
	x := inverse.Mul(inverse, inverse)
	x.Mul(x, sum.x).Mod(x, k.curve.p)
	if x.Mod(x, n).Cmp(r) != 0 {
		return ErrSignature
	}
	return nil
}

// jacobian is the point (x/z², y/z³); z is 0 at infinity.
type jacobian struct{ x, y, z *big.Int }

// combine is u1 times the base point plus u2 times (x, y), bit by bit for both
// at once.
func (c *weierstrass) combine(u1, u2, x, y *big.Int) jacobian {
	g, q := jacobian{c.gx, c.gy, big.NewInt(1)}, jacobian{x, y, big.NewInt(1)}
	both := c.add(g, q)
	sum := jacobian{new(big.Int), big.NewInt(1), new(big.Int)}
	for i := c.n.BitLen() - 1; i >= 0; i-- {
		sum = c.double(sum)
		switch u1.Bit(i) + 2*u2.Bit(i) {
		case 1:
			sum = c.add(sum, g)
		case 2:
			sum = c.add(sum, q)
		case 3:
			sum = c.add(sum, both)
		}
	}
	return sum
}

func (c *weierstrass) mul(a, b *big.Int) *big.Int {
	r := new(big.Int).Mul(a, b)
	return r.Mod(r, c.p)
}

func (c *weierstrass) sub(a, b *big.Int) *big.Int {
	r := new(big.Int).Sub(a, b)
	if r.Sign() < 0 {
		r.Add(r, c.p)
	}
	return r
}

// double is the sum of a point with itself. With s = 4xy² and m = 3x² + az⁴
// it is x' = m² - 2s, y' = m(s - x') - 8y⁴, z' = 2yz.
func (c *weierstrass) double(p jacobian) jacobian {
	if p.z.Sign() == 0 || p.y.Sign() == 0 {
		return jacobian{new(big.Int), big.NewInt(1), new(big.Int)}
	}
	yy, zz := c.mul(p.y, p.y), c.mul(p.z, p.z)
	s := c.mul(big.NewInt(4), c.mul(p.x, yy))
	m := c.mul(p.x, p.x)
	m.Mul(m, big.NewInt(3)).Add(m, c.mul(c.a, c.mul(zz, zz))).Mod(m, c.p)
	x := c.sub(c.sub(c.mul(m, m), s), s)
	y := c.sub(c.mul(m, c.sub(s, x)), c.mul(big.NewInt(8), c.mul(yy, yy)))
	return jacobian{x, y, c.mul(big.NewInt(2), c.mul(p.y, p.z))}
}

// add is the sum of two points. With u = xz'², s = yz'³ and the like, h and r
// their differences, it is x” = r² - h³ - 2uh², y” = r(uh² - x”) - sh³, z” = hzz'.
func (c *weierstrass) add(p, q jacobian) jacobian {
	switch {
	case p.z.Sign() == 0:
		return q
	case q.z.Sign() == 0:
		return p
	}
	pz, qz := c.mul(p.z, p.z), c.mul(q.z, q.z)
	u, h := c.mul(p.x, qz), c.mul(q.x, pz)
	s, r := c.mul(p.y, c.mul(qz, q.z)), c.mul(q.y, c.mul(pz, p.z))
	h, r = c.sub(h, u), c.sub(r, s)
	if h.Sign() == 0 {
		if r.Sign() == 0 {
			return c.double(p)
		}
		return jacobian{new(big.Int), big.NewInt(1), new(big.Int)}
	}
	hh := c.mul(h, h)
	hhh, v := c.mul(h, hh), c.mul(u, hh)
	x := c.sub(c.sub(c.sub(c.mul(r, r), hhh), v), v)
	y := c.sub(c.mul(r, c.sub(v, x)), c.mul(s, hhh))
	return jacobian{x, y, c.mul(h, c.mul(p.z, q.z))}
}
