package cms_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"github.com/absah-id/absah/cms"
)

// tlv is an independent DER writer for forged input.
func tlv(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func oid(id asn1.ObjectIdentifier) []byte {
	b, err := asn1.Marshal(id)
	if err != nil {
		panic(err)
	}
	return b
}

func attribute(id asn1.ObjectIdentifier, values ...[]byte) []byte {
	return tlv(0x30, oid(id), tlv(0x31, values...))
}

func sorted(members ...[]byte) [][]byte {
	slices.SortFunc(members, bytes.Compare)
	return members
}

// forgery describes a SignedData, good or bad, with a true signature value.
type forgery struct {
	contentType asn1.ObjectIdentifier
	content     []byte
	digests     [][]byte // SignedData.digestAlgorithms
	certs       [][]byte
	sid         []byte
	digestID    []byte
	attrs       [][]byte // in this order; nil: none
	signSorted  bool     // the signer sorted what it signed
	signatureID []byte
	alg         cms.Algorithm
	unsigned    [][]byte
	signers     int
	tagDigest   []byte // digest to use when attrs is nil
}

// newForgery returns one without fault over the digest.
func newForgery(id identity, digest []byte) *forgery {
	sha256ID := cms.DigestIdentifier(crypto.SHA256)
	h := crypto.SHA256.New()
	h.Write(id.cert.Raw)
	return &forgery{
		contentType: cms.OIDData,
		digests:     [][]byte{sha256ID},
		certs:       [][]byte{id.cert.Raw},
		sid:         sidOf(id.cert),
		digestID:    sha256ID,
		attrs: sorted(
			attribute(cms.OIDContentType, oid(cms.OIDData)),
			attribute(cms.OIDMessageDigest, tlv(0x04, digest)),
			attribute(cms.OIDSigningCertificateV2, essV2(h.Sum(nil))),
		),
		alg:       cms.ECDSA(crypto.SHA256),
		signers:   1,
		tagDigest: digest,
	}
}

func sidOf(cert *x509.Certificate) []byte {
	serial, _ := asn1.Marshal(cert.SerialNumber)
	return tlv(0x30, cert.RawIssuer, serial)
}

func essV2(digest []byte, more ...[]byte) []byte {
	return tlv(0x30, tlv(0x30, tlv(0x30, append([][]byte{tlv(0x04, digest)}, more...)...)))
}

// without drops the attribute of type t.
func (f *forgery) without(t asn1.ObjectIdentifier) {
	f.attrs = slices.DeleteFunc(f.attrs, func(a []byte) bool { return bytes.Contains(a, oid(t)) })
}

func (f *forgery) add(attrs ...[]byte) { f.attrs = sorted(append(f.attrs, attrs...)...) }

func (f *forgery) der(tb testing.TB, key crypto.Signer) []byte {
	tb.Helper()
	var value []byte
	var err error
	signed := []byte(nil)
	if f.attrs != nil {
		signed = tlv(0xa0, f.attrs...)
		message := tlv(0x31, f.attrs...)
		if f.signSorted {
			message = tlv(0x31, sorted(slices.Clone(f.attrs)...)...)
		}
		value, err = crypto.SignMessage(key, rand.Reader, message, f.alg.Opts())
	} else {
		value, err = key.Sign(rand.Reader, f.tagDigest, f.alg.Opts())
	}
	if err != nil {
		tb.Fatal(err)
	}
	if f.signatureID == nil {
		f.signatureID = f.alg.Identifier()
	}
	var unsigned []byte
	if f.unsigned != nil {
		unsigned = tlv(0xa1, f.unsigned...)
	}
	si := tlv(0x30, []byte{2, 1, 1}, f.sid, f.digestID, signed, f.signatureID, tlv(0x04, value), unsigned)
	encap := [][]byte{oid(f.contentType)}
	if f.content != nil {
		encap = append(encap, tlv(0xa0, tlv(0x04, f.content)))
	}
	return tlv(0x30, oid(cms.OIDSignedData), tlv(0xa0, tlv(0x30, []byte{2, 1, 1}, tlv(0x31, f.digests...),
		tlv(0x30, encap...), tlv(0xa0, f.certs...), tlv(0x31, slices.Repeat([][]byte{si}, f.signers)...))))
}
