package lab

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha1"
	_ "crypto/sha256" // CertID hashes
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidBasic           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidSHA1            = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidRSAWithSHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
)

// question is the first Request of an OCSPRequest; the lab answers one.
type question struct {
	certID            []byte // as sent, to be sent back
	hash              crypto.Hash
	nameHash, keyHash []byte
	serial            *big.Int
	nonce             []byte // extension value as sent, or nil
}

// parseQuestion returns nil for bytes that are not an OCSPRequest.
func parseQuestion(body []byte) *question {
	s := cryptobyte.String(body)
	var outer, tbs, list, req, id, alg cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(tagged(0)) || !tbs.SkipOptionalASN1(tagged(1)) ||
		!tbs.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&req, cbasn1.SEQUENCE) || !req.ReadASN1Element(&id, cbasn1.SEQUENCE) {
		return nil
	}
	q := &question{certID: id, serial: new(big.Int)}
	var fields cryptobyte.String
	if !id.ReadASN1(&fields, cbasn1.SEQUENCE) || !fields.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) ||
		!fields.ReadASN1Bytes(&q.nameHash, cbasn1.OCTET_STRING) || !fields.ReadASN1Bytes(&q.keyHash, cbasn1.OCTET_STRING) || !fields.ReadASN1Integer(q.serial) {
		return nil
	}
	switch {
	case oid.Equal(oidSHA1):
		q.hash = crypto.SHA1
	case oid.Equal(oidSHA256):
		q.hash = crypto.SHA256
	default:
		return nil
	}
	q.nonce = nonceOf(tbs)
	return q
}

func tagged(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// nonceOf reads the requestExtensions that remain of a TBSRequest.
func nonceOf(tbs cryptobyte.String) []byte {
	var explicit, exts, ext, value cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !tbs.ReadASN1(&explicit, tagged(2)) || !explicit.ReadASN1(&exts, cbasn1.SEQUENCE) {
		return nil
	}
	for !exts.Empty() {
		if !exts.ReadASN1(&ext, cbasn1.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&oid) ||
			!ext.SkipOptionalASN1(cbasn1.BOOLEAN) || !ext.ReadASN1(&value, cbasn1.OCTET_STRING) {
			return nil
		}
		if oid.Equal(oidNonce) {
			return value
		}
	}
	return nil
}

// isAbout reports whether the question names ca as the issuer.
func (q *question) isAbout(ca *authority) bool {
	h := q.hash.New()
	h.Write(ca.cert.RawSubject)
	name := h.Sum(nil)
	h.Reset()
	h.Write(keyBits(ca))
	return bytes.Equal(name, q.nameHash) && bytes.Equal(h.Sum(nil), q.keyHash)
}

func keyBits(a *authority) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(a.cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return info.Key.Bytes
}

func (l *Lab) ocsp(body []byte, f Fault) ([]byte, error) {
	q := parseQuestion(body)
	if q == nil {
		return statusOnly(1), nil // malformedRequest
	}
	ca, by := l.issuing, l.caResponder
	if q.isAbout(l.root) {
		ca, by = l.root, l.rootResponder
	}
	switch {
	case f == Reject:
		return statusOnly(3), nil // tryLater
	case !q.isAbout(ca):
		return statusOnly(6), nil // unauthorized
	case f == WrongEKU:
		by = l.badResponder
	case f == WrongResponder:
		if err := l.stranger(); err != nil {
			return nil, err
		}
		by = l.rogue.responder
	}
	if f == WrongNonce && q.nonce != nil {
		q.nonce = []byte{4, 1, 0}
	}
	if f == WrongCertID {
		q.certID = bytes.Replace(q.certID, q.keyHash, make([]byte, len(q.keyHash)), 1)
	}
	return l.respond(q, ca, by, f)
}

func statusOnly(n byte) []byte { return []byte{0x30, 3, 0x0a, 1, n} }

// respond encodes OCSPResponse (RFC 6960 §4.2.1). golang.org/x/crypto/ocsp
// would stamp producedAt with the machine's clock, to the minute.
func (l *Lab) respond(q *question, ca, by *authority, f Fault) ([]byte, error) {
	var tbs cryptobyte.Builder
	tbs.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tagged(2), func(b *cryptobyte.Builder) { // byKey
			sum := sha1.Sum(keyBits(by))
			b.AddASN1OctetString(sum[:])
		})
		b.AddASN1GeneralizedTime(l.moment(f))
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { l.single(b, q, ca, f) })
		})
		if q.nonce != nil {
			addNonce(b, q.nonce)
		}
	})
	data, err := tbs.Bytes()
	if err != nil {
		return nil, err
	}
	h := crypto.SHA256.New()
	h.Write(data)
	sig, err := by.key.Sign(rand.Reader, h.Sum(nil), crypto.SHA256)
	if err != nil {
		return nil, err
	}
	if f == BadSignature {
		sig[len(sig)-1] ^= 1
	}
	return envelope(data, sig, by)
}

// single writes one SingleResponse.
func (l *Lab) single(b *cryptobyte.Builder, q *question, ca *authority, f Fault) {
	this := l.moment(f)
	b.AddBytes(q.certID)
	l.mu.Lock()
	e, known := l.register.Issued[q.serial.Text(16)]
	l.mu.Unlock()
	if f == RevokedStatus && e.RevokedAt.IsZero() {
		e.RevokedAt, e.Reason = this, int(pki.KeyCompromise)
	}
	switch {
	case !known || e.ByRoot != (ca == l.root) || f == UnknownStatus:
		b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
	case !e.RevokedAt.IsZero():
		b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
			b.AddASN1GeneralizedTime(e.RevokedAt)
			b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(e.Reason)) })
		})
	default:
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	}
	b.AddASN1GeneralizedTime(this)
	b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(this.Add(l.ocspLifetime(f))) })
}

func (l *Lab) ocspLifetime(f Fault) time.Duration {
	if f == Stale {
		return 24 * time.Hour // two days old, a day past nextUpdate
	}
	return l.cfg.OCSPLifetime
}

func addNonce(b *cryptobyte.Builder, value []byte) {
	b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidNonce)
				b.AddASN1OctetString(value)
			})
		})
	})
}

func envelope(data, sig []byte, by *authority) ([]byte, error) {
	var out cryptobyte.Builder
	out.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasic)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addBasic(b, data, sig, by) })
				})
			})
		})
	})
	return out.Bytes()
}

func addBasic(b *cryptobyte.Builder, data, sig []byte, by *authority) {
	b.AddBytes(data)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if _, ok := by.key.(*ecdsa.PrivateKey); ok {
			b.AddASN1ObjectIdentifier(oidECDSAWithSHA256)
			return
		}
		b.AddASN1ObjectIdentifier(oidRSAWithSHA256)
		b.AddASN1NULL()
	})
	b.AddASN1BitString(sig)
	b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(by.cert.Raw) })
	})
}
