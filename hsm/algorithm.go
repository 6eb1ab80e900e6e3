package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
)

// Algorithm is the kind and size of a key pair. The zero value is none.
type Algorithm uint8

// The key pairs that are generated and used.
const (
	RSA2048 Algorithm = iota + 1
	RSA3072
	RSA4096
	P256
	P384
	P521
	Ed25519
)

var algorithmNames = [...]string{RSA2048: "RSA-2048", RSA3072: "RSA-3072", RSA4096: "RSA-4096",
	P256: "P-256", P384: "P-384", P521: "P-521", Ed25519: "Ed25519"}

func (a Algorithm) valid() bool { return a >= RSA2048 && a <= Ed25519 }

func (a Algorithm) isRSA() bool { return a >= RSA2048 && a <= RSA4096 }

func (a Algorithm) isECDSA() bool { return a >= P256 && a <= P521 }

// String returns a name such as "RSA-2048", "P-256" or "Ed25519".
func (a Algorithm) String() string {
	if a.valid() {
		return algorithmNames[a]
	}
	return fmt.Sprintf("algorithm %d", uint8(a))
}

// ParseAlgorithm is the inverse of [Algorithm.String]; the spelling is exact.
// It returns [ErrUnsupported] for any other name.
func ParseAlgorithm(name string) (Algorithm, error) {
	for a := RSA2048; a <= Ed25519; a++ {
		if algorithmNames[a] == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%w: key algorithm %q", ErrUnsupported, name)
}

// bits returns the size of an RSA modulus.
func (a Algorithm) bits() int {
	switch a {
	case RSA2048:
		return 2048
	case RSA3072:
		return 3072
	case RSA4096:
		return 4096
	}
	return 0
}

// curve returns the curve of an ECDSA key, else nil.
func (a Algorithm) curve() elliptic.Curve {
	switch a {
	case P256:
		return elliptic.P256()
	case P384:
		return elliptic.P384()
	case P521:
		return elliptic.P521()
	}
	return nil
}

// algorithmOf names the algorithm of a public key, or returns ErrUnsupported.
func algorithmOf(pub crypto.PublicKey) (Algorithm, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		for _, a := range []Algorithm{RSA2048, RSA3072, RSA4096} {
			if k.N.BitLen() == a.bits() {
				return a, nil
			}
		}
		return 0, fmt.Errorf("%w: RSA key of %d bits", ErrUnsupported, k.N.BitLen())
	case *ecdsa.PublicKey:
		for _, a := range []Algorithm{P256, P384, P521} {
			if k.Curve == a.curve() {
				return a, nil
			}
		}
	case ed25519.PublicKey:
		return Ed25519, nil
	}
	return 0, fmt.Errorf("%w: public key %T", ErrUnsupported, pub)
}

// scheme is how a message becomes a signature. It is what crypto.SignerOpts
// says, in one byte.
type scheme uint8

const (
	schemePKCS1SHA256 scheme = iota + 1
	schemePKCS1SHA384
	schemePKCS1SHA512
	schemePSSSHA256
	schemePSSSHA384
	schemePSSSHA512
	schemeECDSASHA256
	schemeECDSASHA384
	schemeECDSASHA512
	schemeEd25519
	schemeHMACSHA256 // with a secret key; no signature for anybody
)

// schemeFor turns the options of crypto.MessageSigner into a scheme, or
// returns ErrUnsupported.
func schemeFor(a Algorithm, opts crypto.SignerOpts) (scheme, error) {
	var h crypto.Hash
	if opts != nil {
		h = opts.HashFunc()
	}
	if a == Ed25519 {
		if o, ok := opts.(*ed25519.Options); h != 0 || ok && o.Context != "" {
			return 0, fmt.Errorf("%w: Ed25519 with a hash or context", ErrUnsupported)
		}
		return schemeEd25519, nil
	}
	var n scheme
	switch h {
	case crypto.SHA256:
		n = 0
	case crypto.SHA384:
		n = 1
	case crypto.SHA512:
		n = 2
	default:
		return 0, fmt.Errorf("%w: hash %v with %v", ErrUnsupported, h, a)
	}
	pss, isPSS := opts.(*rsa.PSSOptions)
	switch {
	case a.isECDSA() && !isPSS:
		return schemeECDSASHA256 + n, nil
	case a.isRSA() && !isPSS:
		return schemePKCS1SHA256 + n, nil
	case a.isRSA() && (pss.SaltLength == rsa.PSSSaltLengthEqualsHash || pss.SaltLength == rsa.PSSSaltLengthAuto || pss.SaltLength == h.Size()):
		return schemePSSSHA256 + n, nil
	case a.isRSA():
		return 0, fmt.Errorf("%w: PSS salt of %d bytes with %v", ErrUnsupported, pss.SaltLength, h)
	}
	return 0, fmt.Errorf("%w: PSS with %v", ErrUnsupported, a)
}

// hash returns the digest that the scheme is made with; 0 for Ed25519.
func (s scheme) hash() crypto.Hash {
	switch s {
	case schemePKCS1SHA256, schemePSSSHA256, schemeECDSASHA256, schemeHMACSHA256:
		return crypto.SHA256
	case schemePKCS1SHA384, schemePSSSHA384, schemeECDSASHA384:
		return crypto.SHA384
	case schemePKCS1SHA512, schemePSSSHA512, schemeECDSASHA512:
		return crypto.SHA512
	}
	return 0
}
