package verifier

import (
	"bytes"
	"crypto/sha3"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/pdf"
)

// The standard library cannot verify Ed448 and ML-DSA. They are in no algorithm
// catalogue for PDF signatures, so a signature by them never passes; but whether
// the document is the one that was signed can be told, and people are told. This
// file does that and nothing else.

// shakeDigestSize is the length in bytes of a message digest by SHAKE256 (RFC 8702
// §3.1).
const shakeDigestSize = 64

var (
	oidEd448       = asn1.ObjectIdentifier{1, 3, 101, 113}                  // RFC 8410 §3
	oidMLDSA44     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17} // RFC 9881 §2
	oidMLDSA65     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}
	oidMLDSA87     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 19}
	oidShake256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 12} // RFC 8419 §3.1
	oidShake256Len = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 18}
)

// examineUncatalogued replaces what package cms says of the value, and with
// SHAKE256 of the digest, namely that it cannot tell, where the signature is by
// Ed448 (RFC 8419, whose signed attributes name SHAKE256) or ML-DSA (RFC 9882, any
// digest). That the algorithm is unsupported stays among the breaches. Each digest
// by SHAKE256 is another reading of the file, of which it is not given many.
func (r *run) examineUncatalogued(w *work) {
	verify := uncatalogued(w.si.AlgorithmOID)
	if verify == nil || len(w.si.RawSignedAttributes) == 0 {
		return
	}
	shake := w.si.DigestOID.Equal(oidShake256) || w.si.DigestOID.Equal(oidShake256Len)
	switch {
	case shake:
		if !r.mayHash(w.sig.ByteRange[1] + w.sig.ByteRange[3]) {
			return
		}
		err := checkShake(w, r.doc)
		if err != nil && !errors.Is(err, cms.ErrDigest) {
			return // the check stays undecided
		}
		w.check.Digest = err
	case w.si.AlgorithmOID.Equal(oidEd448):
		return
	}
	message := slices.Clone(w.si.RawSignedAttributes)
	message[0] = 0x31 // SET OF, as it was signed (RFC 5652 §5.4)
	w.check.Value = nil
	if key := keyFor(w.cert, w.si.AlgorithmOID); key == nil || !verify(key, message, w.si.Value) {
		w.check.Value = cms.ErrSignature
	}
}

// checkShake compares the message digest with the SHAKE256 of the document. It
// returns [cms.ErrDigest] where they differ, and other errors where the document
// cannot be read.
func checkShake(w *work, doc *pdf.Document) error {
	h := sha3.NewSHAKE256()
	if _, err := io.Copy(h, w.sig.SignedReader(doc)); err != nil {
		return err
	}
	sum := make([]byte, shakeDigestSize)
	if _, err := h.Read(sum); err != nil {
		return err
	}
	if signed, err := w.si.MessageDigest(); err != nil || !bytes.Equal(signed, sum) {
		return cms.ErrDigest
	}
	return nil
}

// keyFor returns the bytes of a certificate's key, nil unless it is for that
// algorithm.
func keyFor(c *x509.Certificate, algorithm asn1.ObjectIdentifier) []byte {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	rest, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki)
	if err != nil || len(rest) > 0 || !spki.Algorithm.Algorithm.Equal(algorithm) || spki.Key.BitLength%8 != 0 {
		return nil
	}
	return spki.Key.Bytes
}

// uncatalogued returns what tells whether a value is that key's signature over a
// message with an empty context; nil for other algorithms. Keys and values may be
// any bytes.
func uncatalogued(algorithm asn1.ObjectIdentifier) func(key, message, value []byte) bool {
	switch {
	case algorithm.Equal(oidEd448):
		return func(key, message, value []byte) bool {
			return ed448.Verify(key, message, value, "")
		}
	case algorithm.Equal(oidMLDSA44):
		return func(key, message, value []byte) bool {
			var k mldsa44.PublicKey
			return k.UnmarshalBinary(key) == nil && mldsa44.Verify(&k, message, nil, value)
		}
	case algorithm.Equal(oidMLDSA65):
		return func(key, message, value []byte) bool {
			var k mldsa65.PublicKey
			return k.UnmarshalBinary(key) == nil && mldsa65.Verify(&k, message, nil, value)
		}
	case algorithm.Equal(oidMLDSA87):
		return func(key, message, value []byte) bool {
			var k mldsa87.PublicKey
			return k.UnmarshalBinary(key) == nil && mldsa87.Verify(&k, message, nil, value)
		}
	}
	return nil
}
