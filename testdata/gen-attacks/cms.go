package main

import (
	"slices"
)

// Identifiers of CMS content types and attributes.
const (
	idData             = "1.2.840.113549.1.7.1"
	idSignedData       = "1.2.840.113549.1.7.2"
	idTSTInfo          = "1.2.840.113549.1.9.16.1.4"
	attrContentType    = "1.2.840.113549.1.9.3"
	attrMessageDigest  = "1.2.840.113549.1.9.4"
	attrSigningTime    = "1.2.840.113549.1.9.5"
	attrCertificateV1  = "1.2.840.113549.1.9.16.2.12"
	attrCertificateV2  = "1.2.840.113549.1.9.16.2.47"
	attrTimestamp      = "1.2.840.113549.1.9.16.2.14"
	attrContentStamp   = "1.2.840.113549.1.9.16.2.20"
	attrAlgProtection  = "1.2.840.113549.1.9.52"
	attrCountersigning = "1.2.840.113549.1.9.6"
)

func attribute(id string, values ...[]byte) []byte { return seq(oid(id), setOf(values...)) }

// signedData is a CMS SignedData whose parts a case may bend before the value
// is computed (RFC 5652 §5.1).
type signedData struct {
	version   int64
	digests   [][]byte // AlgorithmIdentifier
	eType     string
	eContent  []byte // nil = detached
	certs     [][]byte
	noCerts   bool
	signers   []*signerInfo
	unwrapped func(signedData []byte) []byte // bends the SignedData element
}

// signerInfo is one signer. Attributes are DER Attribute values.
type signerInfo struct {
	version   int64
	sid       []byte
	digestAlg []byte
	attrs     [][]byte
	unsorted  bool // attributes in the given order
	noAttrs   bool
	content   []byte // what is signed without attributes
	sigAlg    []byte
	hash      string // with which key signs
	key       key
	value     func(honest []byte) []byte // bends the signature value
	unsigned  [][]byte
	sigTag    func(value []byte) []byte // DER of the value; OCTET STRING when nil
	cached    []byte
}

// essV2 is a signing-certificate-v2 attribute with SHA-256 (RFC 5035 §3).
func essV2(certs ...[]byte) []byte {
	var ids [][]byte
	for _, c := range certs {
		ids = append(ids, seq(octets(hash("SHA-256", c))))
	}
	return attribute(attrCertificateV2, seq(seq(ids...)))
}

// essV1 is a signing-certificate attribute, whose hash is SHA-1 (§5).
func essV1(cert []byte) []byte {
	return attribute(attrCertificateV1, seq(seq(seq(octets(hash("SHA-1", cert))))))
}

// sidOf is a SignerIdentifier by issuer and serial number.
func sidOf(who identity) []byte { return seq(who.issuer, who.serial) }

// signWith prepares an honest SignedData over content; only its digest stays.
func signWith(who identity, content []byte) *signedData {
	return signHash(who, content, "SHA-256", idData)
}

func signHash(who identity, content []byte, hashName, contentType string) *signedData {
	si := &signerInfo{
		version: 1, sid: sidOf(who), digestAlg: digestAlgorithm(hashName), hash: hashName, key: who.key, content: content,
		attrs: [][]byte{
			attribute(attrContentType, oid(contentType)),
			attribute(attrMessageDigest, octets(hash(hashName, content))),
			essV2(who.raw),
		},
	}
	if who.key.signer != nil {
		si.sigAlg = who.key.algorithm(hashName)
	}
	sd := &signedData{version: 1, digests: [][]byte{digestAlgorithm(hashName)}, eType: contentType, certs: [][]byte{who.raw}, signers: []*signerInfo{si}}
	if contentType != idData {
		sd.version = 3
		sd.eContent = content
	}
	return sd
}

// replace puts an attribute in the place of the one with that identifier, or
// removes it when with is nil.
func (si *signerInfo) replace(id string, with ...[]byte) {
	prefix := string(oid(id))
	i := slices.IndexFunc(si.attrs, func(a []byte) bool {
		_, body := header(a)
		return len(body) > len(prefix) && string(body[:len(prefix)]) == prefix
	})
	if i < 0 {
		panic("no such attribute")
	}
	si.attrs = slices.Replace(si.attrs, i, i+1, with...)
}

// attributes returns the elements of SignedAttributes under the given tag.
func (si *signerInfo) attributes(tag byte) []byte {
	if si.unsorted {
		return tlv(tag, si.attrs...)
	}
	out := setOf(si.attrs...)
	out[0] = tag
	return out
}

// signature computes the value once.
func (si *signerInfo) signature() []byte {
	if si.cached != nil {
		return si.cached
	}
	message := si.attributes(0x31)
	if si.noAttrs {
		message = si.content
	}
	var v []byte
	if si.key.signer != nil {
		v = si.key.sign(si.hash, message)
	}
	if si.value != nil {
		v = si.value(v)
	}
	si.cached = v
	return v
}

func (si *signerInfo) der() []byte {
	parts := [][]byte{number(si.version), si.sid, si.digestAlg}
	if !si.noAttrs {
		parts = append(parts, si.attributes(0xA0))
	}
	value := octets(si.signature())
	if si.sigTag != nil {
		value = si.sigTag(si.signature())
	}
	parts = append(parts, si.sigAlg, value)
	if len(si.unsigned) > 0 {
		u := setOf(si.unsigned...)
		u[0] = 0xA1
		parts = append(parts, u)
	}
	return seq(parts...)
}

func (sd *signedData) der() []byte {
	content := [][]byte{oid(sd.eType)}
	if sd.eContent != nil {
		content = append(content, explicit(0, octets(sd.eContent)))
	}
	parts := [][]byte{number(sd.version), setOf(sd.digests...), seq(content...)}
	if !sd.noCerts {
		certs := setOf(sd.certs...)
		certs[0] = 0xA0
		parts = append(parts, certs)
	}
	var signers [][]byte
	for _, si := range sd.signers {
		signers = append(signers, si.der())
	}
	inner := seq(append(parts, setOf(signers...))...)
	if sd.unwrapped != nil {
		inner = sd.unwrapped(inner)
	}
	return seq(oid(idSignedData), explicit(0, inner))
}

// tokenSpec holds what goes into a time-stamp token (RFC 3161 §2.4.2); zero
// values stand for an honest one of tsa at signedAt.
type tokenSpec struct {
	by          *identity
	at          string
	imprint     []byte // instead of the digest of what is stamped
	hash        string
	version     int64
	contentType string
	edit        func(*signedData)
}

// over makes the token for some bytes.
func (t tokenSpec) over(stamped []byte) []byte {
	if t.by == nil {
		t.by = &tsa
	}
	if t.at == "" {
		t.at = signedAt
	}
	if t.hash == "" {
		t.hash = "SHA-256"
	}
	if t.imprint == nil {
		t.imprint = hash(t.hash, stamped)
	}
	if t.version == 0 {
		t.version = 1
	}
	if t.contentType == "" {
		t.contentType = idTSTInfo
	}
	info := seq(number(t.version), oid("1.3.6.1.4.1.99999.1"), seq(seq(oid(hashOID[t.hash]), null()), octets(t.imprint)),
		number(4711), genTime(t.at))
	sd := signHash(*t.by, info, "SHA-256", t.contentType)
	if t.edit != nil {
		t.edit(sd)
	}
	return sd.der()
}

// stamp adds a signature timestamp to the only signer.
func (sd *signedData) stamp(t tokenSpec) {
	si := sd.signers[0]
	si.unsigned = append(si.unsigned, attribute(attrTimestamp, t.over(si.signature())))
}
