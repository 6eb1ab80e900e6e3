package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidBasicResponse = mustOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 1)
	oidNonce         = mustOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 2)
	oidArchiveCutoff = mustOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 6)
	oidCertHash      = mustOID(1, 3, 36, 8, 3, 13)
	oidReasonCode    = mustOID(2, 5, 29, 21)
	oidInvalidity    = mustOID(2, 5, 29, 24)
)

// OCSP is a parsed BasicOCSPResponse (RFC 6960 §4.2.1). Nothing in it has
// been verified; Check does that.
type OCSP struct {
	Raw        []byte // the whole OCSPResponse
	ProducedAt time.Time
	Algorithm  x509.SignatureAlgorithm
	// Certificates that came with the response, as far as crypto/x509 can
	// read them.
	Certificates []*x509.Certificate
	Nonce        []byte // nil when absent

	tbs, signature   []byte
	responderName    []byte // DER Name, or nil
	responderKeyHash []byte // SHA-1 of the key bits, or nil
	critical         oid    // an unknown critical extension, or ""
	singles          []single
}

// single is SingleResponse.
type single struct {
	hash              oid
	nameHash, keyHash []byte
	serial            *big.Int

	state                     State
	reason                    Reason
	revokedAt, invalidity     time.Time
	thisUpdate, nextUpdate    time.Time
	archiveCutoff             time.Time
	certHashAlg, certHashSeen oid
	critical                  oid
}

// ParseOCSP reads a DER OCSPResponse of at most 1 MiB, with at most 16
// certificates and 1024 single responses. It returns a *MalformedError, or a
// *RejectError with RuleStatus when the responder reports an error instead.
func ParseOCSP(der []byte) (*OCSP, error) {
	r := &derReader{object: "ocsp", whole: der}
	s := cryptobyte.String(der)
	if len(der) > maxOCSP {
		r.fail(s, "too-large", nil)
		return nil, r.err
	}
	outer := r.read(&s, cbasn1.SEQUENCE, "ocsp-response")
	r.end(s, "ocsp-response")
	var status int
	if r.err == nil && !outer.ReadASN1Enum(&status) {
		r.fail(outer, "response-status", nil)
	}
	if r.err == nil && status != 0 {
		return nil, &RejectError{Object: "ocsp", Rule: RuleStatus, Detail: responseStatus(status)}
	}
	explicit := r.read(&outer, contextTag(0), "response-bytes")
	r.end(outer, "ocsp-response")
	rb := r.read(&explicit, cbasn1.SEQUENCE, "response-bytes")
	r.end(explicit, "response-bytes")
	if id := r.oid(&rb, "response-type"); r.err == nil && id != oidBasicResponse {
		r.fail(rb, "response-type", errors.New(id.String()))
	}
	basic := r.read(&rb, cbasn1.OCTET_STRING, "response")
	r.end(rb, "response-bytes")
	o := &OCSP{Raw: der}
	o.parseBasic(r, basic)
	if r.err != nil {
		return nil, r.err
	}
	return o, nil
}

func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func responseStatus(n int) string {
	names := map[int]string{1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}
	if s, ok := names[n]; ok {
		return s
	}
	return fmt.Sprintf("status %d", n)
}

func (o *OCSP) parseBasic(r *derReader, s cryptobyte.String) {
	basic := r.read(&s, cbasn1.SEQUENCE, "basic-response")
	r.end(s, "basic-response")
	tbs := r.element(&basic, cbasn1.SEQUENCE, "response-data")
	o.tbs = tbs
	o.Algorithm = r.algorithm(&basic)
	o.signature = r.bits(&basic, "signature")
	if certs, ok := r.optional(&basic, contextTag(0), "certs"); ok {
		o.parseCertificates(r, certs)
	}
	r.end(basic, "basic-response")
	data := r.read(&tbs, cbasn1.SEQUENCE, "response-data")
	if v, ok := r.optional(&data, contextTag(0), "version"); ok {
		var n int
		if !v.ReadASN1Integer(&n) || n != 0 || !v.Empty() {
			r.fail(v, "version", nil)
		}
	}
	o.parseResponderID(r, &data)
	o.ProducedAt = r.generalizedTime(&data, "produced-at")
	o.parseSingles(r, &data)
	if exts, ok := r.optional(&data, contextTag(1), "response-extensions"); ok {
		o.parseExtensions(r, exts)
	}
	r.end(data, "response-data")
}

func (o *OCSP) parseCertificates(r *derReader, s cryptobyte.String) {
	list := r.read(&s, cbasn1.SEQUENCE, "certs")
	r.end(s, "certs")
	for n := 0; r.err == nil && !list.Empty(); n++ {
		if n == maxOCSPCerts {
			r.fail(list, "too-many-certificates", nil)
			return
		}
		der := r.element(&list, cbasn1.SEQUENCE, "certificate")
		// A certificate that cannot be read cannot be the responder's; the
		// response may do without it.
		if c, err := x509.ParseCertificate(der); r.err == nil && err == nil {
			o.Certificates = append(o.Certificates, c)
		}
	}
}

func (o *OCSP) parseResponderID(r *derReader, data *cryptobyte.String) {
	if name, ok := r.optional(data, contextTag(1), "responder-id"); ok {
		o.responderName = r.element(&name, cbasn1.SEQUENCE, "responder-name")
		r.end(name, "responder-id")
		return
	}
	key := r.read(data, contextTag(2), "responder-id")
	o.responderKeyHash = r.read(&key, cbasn1.OCTET_STRING, "responder-key")
	r.end(key, "responder-id")
	if r.err == nil && len(o.responderKeyHash) != 20 {
		r.fail(key, "responder-key", errors.New("not a SHA-1 hash"))
	}
}

func (o *OCSP) parseSingles(r *derReader, data *cryptobyte.String) {
	list := r.read(data, cbasn1.SEQUENCE, "responses")
	for r.err == nil && !list.Empty() {
		if len(o.singles) == maxOCSPSingles {
			r.fail(list, "too-many-responses", nil)
			return
		}
		o.singles = append(o.singles, parseSingle(r, &list))
	}
}

func (o *OCSP) parseExtensions(r *derReader, s cryptobyte.String) {
	for _, e := range r.extensions(s) {
		switch {
		case e.id == oidNonce:
			o.Nonce = nonceValue(e.value)
		case e.critical && o.critical == "":
			o.critical = e.id
		}
	}
}

// nonceValue unwraps the OCTET STRING that RFC 8954 demands; responders that
// echo other bytes get them compared as they are.
func nonceValue(value cryptobyte.String) []byte {
	inner, v := value, cryptobyte.String(nil)
	if inner.ReadASN1(&v, cbasn1.OCTET_STRING) && inner.Empty() {
		return v
	}
	return value
}

func parseSingle(r *derReader, list *cryptobyte.String) single {
	var x single
	s := r.read(list, cbasn1.SEQUENCE, "single-response")
	id := r.read(&s, cbasn1.SEQUENCE, "cert-id")
	alg := r.read(&id, cbasn1.SEQUENCE, "cert-id-hash")
	x.hash = r.oid(&alg, "cert-id-hash")
	x.nameHash = r.read(&id, cbasn1.OCTET_STRING, "issuer-name-hash")
	x.keyHash = r.read(&id, cbasn1.OCTET_STRING, "issuer-key-hash")
	x.serial = new(big.Int)
	if r.err == nil && !id.ReadASN1Integer(x.serial) {
		r.fail(id, "serial-number", nil)
	}
	r.end(id, "cert-id")
	x.parseStatus(r, &s)
	x.thisUpdate = r.generalizedTime(&s, "this-update")
	if next, ok := r.optional(&s, contextTag(0), "next-update"); ok {
		x.nextUpdate = r.generalizedTime(&next, "next-update")
		r.end(next, "next-update")
	}
	if exts, ok := r.optional(&s, contextTag(1), "single-extensions"); ok {
		for _, e := range r.extensions(exts) {
			x.extension(r, e)
		}
	}
	r.end(s, "single-response")
	return x
}

// parseStatus reads CertStatus: good [0] NULL, revoked [1] RevokedInfo,
// unknown [2] NULL, all implicitly tagged.
func (x *single) parseStatus(r *derReader, s *cryptobyte.String) {
	if info, ok := r.optional(s, contextTag(1), "revoked-info"); ok {
		x.state = Revoked
		x.revokedAt = r.generalizedTime(&info, "revocation-time")
		if reason, ok := r.optional(&info, contextTag(0), "revocation-reason"); ok {
			x.reason = readReason(r, reason)
		}
		r.end(info, "revoked-info")
		return
	}
	var content cryptobyte.String
	var tag cbasn1.Tag
	if r.err != nil {
		return
	}
	at := *s
	if !s.ReadAnyASN1(&content, &tag) || len(content) != 0 {
		r.fail(at, "cert-status", nil)
		return
	}
	switch tag {
	case cbasn1.Tag(0).ContextSpecific():
		x.state = Good
	case cbasn1.Tag(2).ContextSpecific():
		x.state = Unknown
	default:
		r.fail(at, "cert-status", nil)
	}
}

func readReason(r *derReader, s cryptobyte.String) Reason {
	var n int
	if r.err == nil && (!s.ReadASN1Enum(&n) || !s.Empty() || reasonNames[Reason(n)] == "") {
		r.fail(s, "reason", nil)
	}
	return Reason(n)
}

func (x *single) extension(r *derReader, e extension) {
	v := e.value
	switch e.id {
	case oidArchiveCutoff:
		x.archiveCutoff = r.generalizedTime(&v, "archive-cutoff")
	case oidCertHash:
		seq := r.read(&v, cbasn1.SEQUENCE, "cert-hash")
		alg := r.read(&seq, cbasn1.SEQUENCE, "cert-hash")
		x.certHashAlg = r.oid(&alg, "cert-hash")
		x.certHashSeen = oid(r.read(&seq, cbasn1.OCTET_STRING, "cert-hash"))
	case oidReasonCode:
		if x.state == Revoked && x.reason == Unspecified {
			x.reason = readReason(r, v)
		}
	case oidInvalidity:
		x.invalidity = r.generalizedTime(&v, "invalidity-date")
	default:
		if e.critical && x.critical == "" {
			x.critical = e.id
		}
	}
}
