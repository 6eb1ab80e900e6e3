package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"math/big"
)

// key signs without randomness: ECDSA as RFC 6979 has it, RSA with PKCS #1
// v1.5, Ed25519. Every key here is public knowledge and protects nothing.
type key struct {
	signer crypto.Signer
	spki   []byte // SubjectPublicKeyInfo
}

// testKey derives a P-256 test key from its name; anyone can.
func testKey(name string) key { return curveKey(elliptic.P256(), name) }

func curveKey(curve elliptic.Curve, name string) key {
	sum := sha256.Sum256([]byte("absah attack catalogue, public test key: " + name))
	d := sum[:(curve.Params().BitSize+7)/8]
	k, err := ecdsa.ParseRawPrivateKey(curve, d)
	if err != nil {
		panic(err)
	}
	return wrap(k)
}

func ed25519Key(name string) key {
	sum := sha256.Sum256([]byte("absah attack catalogue, public test key: " + name))
	return wrap(ed25519.NewKeyFromSeed(sum[:]))
}

func wrap(k crypto.Signer) key {
	spki, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		panic(err)
	}
	return key{k, spki}
}

func rsaKey(text string) key {
	block, _ := pem.Decode([]byte(text))
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return wrap(k.(*rsa.PrivateKey))
}

// bits of the key's SubjectPublicKeyInfo, of which identifiers are hashes.
func (k key) bits() []byte {
	return spkiBits(k.spki)
}

func (k key) id() []byte { return hash("SHA-1", k.bits()) }

// spkiBits returns the bit string of a SubjectPublicKeyInfo, its last element.
func spkiBits(spki []byte) []byte {
	_, body := header(spki)
	_, alg := header(body)
	rest := body[len(tlv(0x30, alg)):]
	_, b := header(rest)
	return b[1:]
}

// header returns the tag and the contents of the first element of b.
func header(b []byte) (tag byte, body []byte) {
	n, at := int(b[1]), 2
	if n > 0x80 {
		width := n - 0x80
		n = 0
		for _, x := range b[2 : 2+width] {
			n = n<<8 | int(x)
		}
		at += width
	}
	return b[0], b[at : at+n]
}

// Hash algorithms by their usual names, and the identifiers of those and of
// the signature algorithms.
var hashOID = map[string]string{
	"MD5": "1.2.840.113549.2.5", "SHA-1": "1.3.14.3.2.26", "SHA-256": "2.16.840.1.101.3.4.2.1",
	"SHA-384": "2.16.840.1.101.3.4.2.2", "SHA-512": "2.16.840.1.101.3.4.2.3",
}

var ecdsaOID = map[string]string{
	"SHA-1": "1.2.840.10045.4.1", "SHA-256": "1.2.840.10045.4.3.2", "SHA-384": "1.2.840.10045.4.3.3", "SHA-512": "1.2.840.10045.4.3.4",
}

var rsaOID = map[string]string{
	"MD5": "1.2.840.113549.1.1.4", "SHA-1": "1.2.840.113549.1.1.5", "SHA-256": "1.2.840.113549.1.1.11",
}

func hash(name string, b []byte) []byte {
	switch name {
	case "MD5":
		s := md5.Sum(b)
		return s[:]
	case "SHA-1":
		s := sha1.Sum(b)
		return s[:]
	case "SHA-256":
		s := sha256.Sum256(b)
		return s[:]
	case "SHA-384":
		s := sha512.Sum384(b)
		return s[:]
	case "SHA-512":
		s := sha512.Sum512(b)
		return s[:]
	}
	panic("no hash " + name)
}

func digestAlgorithm(name string) []byte { return seq(oid(hashOID[name])) }

// algorithm is the signature AlgorithmIdentifier of k with a hash.
func (k key) algorithm(hashName string) []byte {
	switch k.signer.(type) {
	case *rsa.PrivateKey:
		return seq(oid(rsaOID[hashName]), null())
	case ed25519.PrivateKey:
		return seq(oid("1.3.101.112"))
	}
	return seq(oid(ecdsaOID[hashName]))
}

func (k key) sign(hashName string, message []byte) []byte {
	opts := map[string]crypto.Hash{"MD5": crypto.MD5, "SHA-1": crypto.SHA1, "SHA-256": crypto.SHA256,
		"SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}[hashName]
	input := hash(hashName, message)
	if _, ok := k.signer.(ed25519.PrivateKey); ok {
		input, opts = message, 0
	}
	sig, err := k.signer.Sign(nil, input, opts)
	if err != nil {
		panic(err)
	}
	return sig
}

// rs splits an ECDSA-Sig-Value.
func rs(sig []byte) (r, s *big.Int) {
	_, body := header(sig)
	_, a := header(body)
	_, b := header(body[2+len(a):])
	return new(big.Int).SetBytes(a), new(big.Int).SetBytes(b)
}
