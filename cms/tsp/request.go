package tsp

import (
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"

	"github.com/absah-id/absah/cms"
	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

// Request is a TimeStampReq (RFC 3161 §2.4.1).
type Request struct {
	Hash         crypto.Hash           // of Digest; 0 in a parsed request when not known
	HashOID      asn1.ObjectIdentifier // set by ParseRequest; ignored by Marshal
	Digest       []byte
	Policy       asn1.ObjectIdentifier // nil: any
	Nonce        *big.Int              // nil: none
	Certificates bool                  // certReq
	Extensions   []pkix.Extension      // set by ParseRequest; ignored by Marshal
}

// Marshal returns the DER of r. It fails when Digest is not as long as Hash.
func (r *Request) Marshal() ([]byte, error) {
	if !r.Hash.Available() || len(r.Digest) != r.Hash.Size() {
		return nil, breach(RuleImprintAlgorithm, "digest of %d bytes for %v", len(r.Digest), r.Hash)
	}
	var b cryptobyte.Builder
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, r.Hash, r.Digest)
		if r.Policy != nil {
			b.AddASN1ObjectIdentifier(r.Policy)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.Certificates {
			b.AddASN1Boolean(true)
		}
	})
	return b.Bytes()
}

func addImprint(b *cryptobyte.Builder, h crypto.Hash, digest []byte) {
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(cms.DigestIdentifier(h))
		b.AddASN1OctetString(digest)
	})
}

// ParseRequest reads a DER TimeStampReq of at most [MaxRequest] bytes. A
// version other than 1 is malformed; an unknown hash or a digest of the wrong
// length is not, since the authority has an answer to it.
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > MaxRequest {
		return nil, malformed(0, "limit", "request longer than MaxRequest")
	}
	bad := func(what string) (*Request, error) { return nil, malformed(0, "tsp-request", what) }
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cb.SEQUENCE) || !in.Empty() {
		return bad("not a single TimeStampReq")
	}
	var version int
	if !seq.ReadASN1Integer(&version) || version != 1 {
		return bad("version is not 1")
	}
	r := &Request{}
	var ok bool
	if r.HashOID, r.Hash, r.Digest, ok = readImprint(&seq); !ok {
		return bad("messageImprint")
	}
	if seq.PeekASN1Tag(cb.OBJECT_IDENTIFIER) && !seq.ReadASN1ObjectIdentifier(&r.Policy) {
		return bad("reqPolicy")
	}
	if seq.PeekASN1Tag(cb.INTEGER) {
		if r.Nonce, ok = readInteger(&seq); !ok {
			return bad("nonce")
		}
	}
	if seq.PeekASN1Tag(cb.BOOLEAN) && !seq.ReadASN1Boolean(&r.Certificates) {
		return bad("certReq")
	}
	if r.Extensions, ok = readExtensions(&seq, cb.Tag(0).ContextSpecific().Constructed()); !ok {
		return bad("extensions")
	}
	if !seq.Empty() {
		return bad("unexpected element at the end")
	}
	return r, nil
}

// readImprint reads a MessageImprint. hash is 0 when the algorithm is unknown
// or has parameters.
func readImprint(in *cryptobyte.String) (id asn1.ObjectIdentifier, hash crypto.Hash, digest []byte, ok bool) {
	var imprint, alg, octets cryptobyte.String
	if !in.ReadASN1(&imprint, cb.SEQUENCE) ||
		!imprint.ReadASN1(&alg, cb.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&id) ||
		!imprint.ReadASN1(&octets, cb.OCTET_STRING) || !imprint.Empty() {
		return nil, 0, nil, false
	}
	hash = cms.HashForOID(id)
	if !alg.Empty() {
		var null cryptobyte.String
		if !alg.ReadASN1(&null, cb.NULL) || !null.Empty() || !alg.Empty() {
			hash = 0
		}
	}
	return id, hash, octets, true
}

// readInteger reads an INTEGER of at most maxNonceBytes.
func readInteger(in *cryptobyte.String) (*big.Int, bool) {
	var element cryptobyte.String
	if !in.ReadASN1Element(&element, cb.INTEGER) || len(element) > maxNonceBytes+2 {
		return nil, false
	}
	n := new(big.Int)
	return n, element.ReadASN1Integer(n)
}

// readExtensions reads optional Extensions under an implicit tag; true when
// there are none.
func readExtensions(in *cryptobyte.String, tag cb.Tag) (list []pkix.Extension, ok bool) {
	var seq cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&seq, &present, tag) {
		return nil, false
	}
	for !seq.Empty() {
		var e pkix.Extension
		var ext, value cryptobyte.String
		if len(list) == maxExtensions || !seq.ReadASN1(&ext, cb.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&e.Id) {
			return nil, false
		}
		if ext.PeekASN1Tag(cb.BOOLEAN) && !ext.ReadASN1Boolean(&e.Critical) {
			return nil, false
		}
		if !ext.ReadASN1(&value, cb.OCTET_STRING) || !ext.Empty() {
			return nil, false
		}
		e.Value = value
		list = append(list, e)
	}
	return list, true
}
