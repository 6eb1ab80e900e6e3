package pki

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CheckOCSP judges one OCSP response as evidence about cert at the moment:
// that it is about this certificate of this issuer, that its signer may
// answer for the issuer (the issuer itself, or a certificate with
// id-kp-OCSPSigning issued directly by the issuer's same key and valid both
// when the response was produced and at the moment), that its signature
// holds, that no unknown critical extension is present, and that the moment
// lies between thisUpdate and nextUpdate.
//
// Good or Revoked is returned with a nil error; everything else is a
// *RejectError or *MalformedError. A permanent revocation is reported however
// old the response is. Whether RevokedAt is before the moment of interest is
// for the caller to decide. The delegated responder's own status is not
// looked at: see [Status].Delegated.
func CheckOCSP(der []byte, cert, issuer *x509.Certificate, at time.Time, o CheckOptions) (Status, error) {
	resp, err := ParseOCSP(der)
	if err != nil {
		return Status{}, err
	}
	return resp.Check(cert, issuer, at, o)
}

// Check is [CheckOCSP] on a response that has been parsed.
func (r *OCSP) Check(cert, issuer *x509.Certificate, at time.Time, o CheckOptions) (Status, error) {
	x := r.find(cert, issuer)
	if x == nil {
		return Status{}, rejectOCSP(RuleCertID, "", nil)
	}
	if r.critical != "" || x.critical != "" {
		return Status{}, rejectOCSP(RuleCritical, (r.critical + x.critical).String(), nil)
	}
	if o.Nonce != nil && r.Nonce != nil && !bytes.Equal(o.Nonce, r.Nonce) {
		return Status{}, rejectOCSP(RuleNonce, "", nil)
	}
	if !x.hashFits(cert) {
		return Status{}, rejectOCSP(RuleCertHash, "", nil)
	}
	signer, configured, err := r.signer(cert, issuer, at, o)
	if err != nil {
		return Status{}, err
	}
	if x.state == Unknown {
		return Status{}, rejectOCSP(RuleUnknown, "", nil)
	}
	st := Status{
		State: x.state, ThisUpdate: x.thisUpdate, NextUpdate: x.nextUpdate, ProducedAt: r.ProducedAt,
		RevokedAt: x.revokedAt, Reason: x.reason, InvalidityDate: x.invalidity,
		Signer: signer, Delegated: !configured && !bytes.Equal(signer.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo),
		Algorithm: r.Algorithm, Evidence: r.Raw, OCSP: true, CertHash: x.certHashAlg != "",
	}
	if err := st.checkTimes("ocsp", cert, x.archiveCutoff, at, o); err != nil {
		return Status{}, err
	}
	return st, nil
}

// Covers reports whether the response says anything about cert of issuer. It
// verifies nothing.
func (r *OCSP) Covers(cert, issuer *x509.Certificate) bool { return r.find(cert, issuer) != nil }

func rejectOCSP(rule Rule, detail string, err error) *RejectError {
	return &RejectError{Object: "ocsp", Rule: rule, Detail: detail, Err: err}
}

// find returns the answer about cert. Of several, a revocation goes before
// everything and then the newest.
func (r *OCSP) find(cert, issuer *x509.Certificate) *single {
	if cert.SerialNumber == nil || !sameName(cert.RawIssuer, issuer.RawSubject) {
		return nil
	}
	var best *single
	id := certID{cert: cert, issuer: issuer}
	for i := range r.singles {
		x := &r.singles[i]
		if !id.is(x) {
			continue
		}
		better := best == nil || (x.state == Revoked && best.state != Revoked) ||
			((x.state == Revoked) == (best.state == Revoked) && x.thisUpdate.After(best.thisUpdate))
		if better {
			best = x
		}
	}
	return best
}

// certID holds the hashes by which a CertID may name a certificate, one set for
// each hash algorithm, computed when asked for: a hostile response has a
// thousand answers about one serial number.
type certID struct {
	cert, issuer *x509.Certificate
	hashes       map[crypto.Hash]issuerHashes
}

// issuerHashes has two names: the issuer's name may be encoded one way in its
// own certificate and another in cert, and a responder may hash either.
type issuerHashes struct{ key, name, subject []byte }

func (id *certID) is(x *single) bool {
	h, ok := hashOIDs[x.hash]
	if !ok || x.serial.Cmp(id.cert.SerialNumber) != 0 {
		return false
	}
	want, ok := id.hashes[h]
	if !ok {
		want = issuerHashes{digest(h, keyBits(id.issuer)), digest(h, id.cert.RawIssuer), nil}
		if want.subject = want.name; !bytes.Equal(id.cert.RawIssuer, id.issuer.RawSubject) {
			want.subject = digest(h, id.issuer.RawSubject)
		}
		if id.hashes == nil {
			id.hashes = make(map[crypto.Hash]issuerHashes)
		}
		id.hashes[h] = want
	}
	return bytes.Equal(x.keyHash, want.key) && (bytes.Equal(x.nameHash, want.name) || bytes.Equal(x.nameHash, want.subject))
}

func (x *single) hashFits(cert *x509.Certificate) bool {
	if x.certHashAlg == "" {
		return true
	}
	h, ok := hashOIDs[x.certHashAlg]
	return ok && string(x.certHashSeen) == string(digest(h, cert.Raw))
}

func digest(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

// keyBits is the content of the subjectPublicKey BIT STRING, which RFC 6960
// hashes for CertID and ResponderID.
func keyBits(cert *x509.Certificate) []byte {
	s := cryptobyte.String(cert.RawSubjectPublicKeyInfo)
	var spki cryptobyte.String
	var bits asn1.BitString
	if !s.ReadASN1(&spki, cbasn1.SEQUENCE) || !spki.SkipASN1(cbasn1.SEQUENCE) || !spki.ReadASN1BitString(&bits) {
		return nil
	}
	return bits.Bytes
}

// signer finds the certificate that the responder id names, that may answer
// for the issuer and whose key signed the response. The error is about the
// candidate that came furthest.
func (r *OCSP) signer(cert, issuer *x509.Certificate, at time.Time, o CheckOptions) (c *x509.Certificate, configured bool, err error) {
	var problem error = rejectOCSP(RuleResponderID, "", nil)
	for _, c := range append([]*x509.Certificate{issuer}, r.Certificates...) {
		if !r.names(c) {
			continue
		}
		if err := r.authorized(c, cert, issuer, at, o); err != nil {
			problem = err
			continue
		}
		if err := checkSignature(r.Algorithm, c, r.tbs, r.signature, o.rules()); err != nil {
			problem = rejectOCSP(RuleOf(err), "", err)
			continue
		}
		return c, false, nil
	}
	for _, c := range o.Responders {
		if r.names(c) && checkPeriod(c, at) == nil && checkPeriod(c, r.ProducedAt) == nil &&
			checkSignature(r.Algorithm, c, r.tbs, r.signature, o.rules()) == nil {
			return c, true, nil
		}
	}
	return nil, false, problem
}

// names reports whether the responder id means c.
func (r *OCSP) names(c *x509.Certificate) bool {
	if r.responderName != nil {
		return sameName(r.responderName, c.RawSubject)
	}
	sum := sha1.Sum(keyBits(c)) // an identifier only (RFC 6960 §4.2.1)
	return bytes.Equal(sum[:], r.responderKeyHash)
}

// authorized is RFC 6960 §4.2.2.2 for a signer that is not configured locally.
func (r *OCSP) authorized(c, cert, issuer *x509.Certificate, at time.Time, o CheckOptions) error {
	if bytes.Equal(c.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
		return rejectOCSP(RuleSelfVouching, "", nil)
	}
	if bytes.Equal(c.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) {
		return nil // the issuer's own key, in whichever of its certificates
	}
	unauthorized := func(err error) error { return rejectOCSP(RuleUnauthorized, "", err) }
	if !sameName(c.RawIssuer, issuer.RawSubject) {
		return unauthorized(errors.New("the responder's certificate is of another issuer"))
	}
	if err := checkSignature(c.SignatureAlgorithm, issuer, c.RawTBSCertificate, c.Signature, o.rules()); err != nil {
		return unauthorized(err)
	}
	if err := CheckPurpose(c, OCSPSigning); err != nil {
		return unauthorized(err)
	}
	if err := checkCritical(c); err != nil {
		return unauthorized(err)
	}
	if err := checkPeriod(c, r.ProducedAt); err != nil {
		return unauthorized(err)
	}
	if o.IgnoreFreshness {
		return nil
	}
	if err := checkPeriod(c, at); err != nil {
		return unauthorized(err)
	}
	return nil
}
