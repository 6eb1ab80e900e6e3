package tsp

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"

	"github.com/absah-id/absah/cms"
	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

// Info is what a token says: TSTInfo (RFC 3161 §2.4.2).
type Info struct {
	Version  int // 1 in a token without breaches
	Policy   asn1.ObjectIdentifier
	Hash     crypto.Hash // of the imprint; 0 when not known
	HashOID  asn1.ObjectIdentifier
	Digest   []byte // the imprint
	Serial   *big.Int
	Time     time.Time     // genTime, UTC
	Accuracy time.Duration // to either side of Time; 0 when not stated
	Ordering bool
	Nonce    *big.Int // nil when absent
	TSA      []byte   // the GeneralName in DER; nil when absent

	Extensions []pkix.Extension
}

// Token is a TimeStampToken.
type Token struct {
	Info
	Raw        []byte // as received
	SignedData *cms.SignedData
}

// ParseToken reads a TimeStampToken: a ContentInfo in BER or DER around a DER
// TSTInfo. The error is a *cms.MalformedError; offsets of rule "tst-info" are
// in the TSTInfo.
func ParseToken(b []byte) (*Token, error) {
	sd, err := cms.Parse(b)
	if err != nil {
		return nil, err
	}
	if !sd.ContentType.Equal(cms.OIDTSTInfo) || sd.Content == nil {
		return nil, malformed(0, "tst-info", "the content is not TSTInfo")
	}
	t := &Token{Raw: sd.Raw, SignedData: sd}
	if what := t.Info.parse(sd.Content); what != "" {
		return nil, malformed(0, "tst-info", what)
	}
	return t, nil
}

// parse returns what could not be read, "" when all could.
func (i *Info) parse(der []byte) string {
	in := cryptobyte.String(der)
	var seq, genTime cryptobyte.String
	if !in.ReadASN1(&seq, cb.SEQUENCE) || !in.Empty() {
		return "not a single SEQUENCE"
	}
	if !seq.ReadASN1Integer(&i.Version) {
		return "version"
	}
	if !seq.ReadASN1ObjectIdentifier(&i.Policy) {
		return "policy"
	}
	var ok bool
	if i.HashOID, i.Hash, i.Digest, ok = readImprint(&seq); !ok {
		return "messageImprint"
	}
	if i.Serial, ok = readInteger(&seq); !ok {
		return "serialNumber"
	}
	if !seq.ReadASN1(&genTime, cb.GeneralizedTime) {
		return "genTime"
	}
	var err error
	if i.Time, err = cms.ParseGeneralizedTime(string(genTime)); err != nil {
		return err.Error()
	}
	return i.parseOptional(&seq)
}

// parseOptional reads what may follow genTime.
func (i *Info) parseOptional(seq *cryptobyte.String) string {
	var ok bool
	if seq.PeekASN1Tag(cb.SEQUENCE) {
		if i.Accuracy, ok = readAccuracy(seq); !ok {
			return "accuracy"
		}
	}
	if seq.PeekASN1Tag(cb.BOOLEAN) && !seq.ReadASN1Boolean(&i.Ordering) {
		return "ordering"
	}
	if seq.PeekASN1Tag(cb.INTEGER) {
		if i.Nonce, ok = readInteger(seq); !ok {
			return "nonce"
		}
	}
	var name cryptobyte.String
	var present bool
	if !seq.ReadOptionalASN1(&name, &present, cb.Tag(0).ContextSpecific().Constructed()) {
		return "tsa"
	}
	if present {
		i.TSA = name
	}
	if i.Extensions, ok = readExtensions(seq, cb.Tag(1).ContextSpecific().Constructed()); !ok {
		return "extensions"
	}
	if !seq.Empty() {
		return "unexpected element at the end"
	}
	return ""
}

// readAccuracy reads Accuracy: seconds, milliseconds [0] and microseconds [1]
// of at most 999 each; seconds up to a day, beyond which it means nothing.
func readAccuracy(in *cryptobyte.String) (time.Duration, bool) {
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cb.SEQUENCE) {
		return 0, false
	}
	var d time.Duration
	for _, part := range []struct {
		tag  cb.Tag
		unit time.Duration
		max  int64
	}{
		{cb.INTEGER, time.Second, 86400},
		{cb.Tag(0).ContextSpecific(), time.Millisecond, 999},
		{cb.Tag(1).ContextSpecific(), time.Microsecond, 999},
	} {
		if !seq.PeekASN1Tag(part.tag) {
			continue
		}
		var n int64
		if !seq.ReadASN1Int64WithTag(&n, part.tag) || n < 0 || n > part.max {
			return 0, false
		}
		d += time.Duration(n) * part.unit
	}
	return d, seq.Empty()
}

// Signer returns the certificate that the token names as its signer's, from
// the token or from extra. Errors are those of cms.SignedData.Signer, and a
// *cms.ConstraintError with [RuleSignerCount] unless there is one signer.
func (t *Token) Signer(extra ...*x509.Certificate) (*x509.Certificate, error) {
	if n := len(t.SignedData.SignerInfos); n != 1 {
		return nil, breach(RuleSignerCount, "%d signers", n)
	}
	return t.SignedData.Signer(t.SignedData.SignerInfos[0], extra...)
}

// Check examines t as the time-stamp by cert over the digest made with h. The
// result is that of the CMS signature, with the breaches of this package's
// rules added. It says nothing about cert's path or revocation, and nothing
// about the age of algorithms.
func (t *Token) Check(h crypto.Hash, digest []byte, cert *x509.Certificate) *cms.Result {
	if n := len(t.SignedData.SignerInfos); n != 1 {
		c := breach(RuleSignerCount, "%d signers", n)
		return &cms.Result{Digest: c, Value: c, Breaches: []*cms.ConstraintError{c}}
	}
	r := t.SignedData.Check(t.SignedData.SignerInfos[0], cert)
	add := func(broken bool, rule cms.Rule, format string, args ...any) {
		if broken {
			r.Breaches = append(r.Breaches, breach(rule, format, args...))
		}
	}
	switch {
	case t.Hash == 0:
		add(true, RuleImprintAlgorithm, "imprint by %v", t.HashOID)
	case len(t.Digest) != t.Hash.Size():
		add(true, RuleImprintAlgorithm, "imprint of %d bytes for %v", len(t.Digest), t.Hash)
	default:
		add(t.Hash != h || !bytes.Equal(t.Digest, digest), RuleImprint, "the token is over another digest")
	}
	add(t.Version != 1, RuleVersion, "TSTInfo version %d", t.Version)
	add(!timestampingOnly(cert), RuleExtendedKeyUsage, "timeStamping must be the only extended key usage, and critical")
	add(t.Time.Before(cert.NotBefore) || t.Time.After(cert.NotAfter), RuleTimeOfCertificate,
		"genTime %v outside the certificate's validity", t.Time.Format(time.RFC3339))
	for _, e := range t.Extensions {
		add(e.Critical, RuleCriticalExtension, "%v", e.Id)
	}
	if t.TSA != nil && !namesCertificate(t.TSA, cert) {
		r.Warnings = append(r.Warnings, breach(RuleTSAName, "tsa is not a name of the certificate"))
	}
	return r
}

// Verify finds the signer's certificate, in the token or among extra, and
// returns Check's gravest finding with it, nil when there is none.
func (t *Token) Verify(h crypto.Hash, digest []byte, extra ...*x509.Certificate) error {
	cert, err := t.Signer(extra...)
	if err != nil {
		return err
	}
	return t.Check(h, digest, cert).Err()
}

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// timestampingOnly applies RFC 3161 §2.3.
func timestampingOnly(cert *x509.Certificate) bool {
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(cert.UnknownExtKeyUsage) > 0 {
		return false
	}
	return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Critical && e.Id.Equal(oidExtKeyUsage) })
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// namesCertificate reports whether the GeneralName is the subject or an
// alternative name of cert, byte for byte (RFC 3161 §2.4.2).
func namesCertificate(name []byte, cert *x509.Certificate) bool {
	in := cryptobyte.String(name)
	var dn cryptobyte.String
	if in.PeekASN1Tag(cb.Tag(4).ContextSpecific().Constructed()) &&
		in.ReadASN1(&dn, cb.Tag(4).ContextSpecific().Constructed()) {
		return bytes.Equal(dn, cert.RawSubject)
	}
	for _, e := range cert.Extensions {
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		value := cryptobyte.String(e.Value)
		var names cryptobyte.String
		for value.ReadASN1(&names, cb.SEQUENCE); !names.Empty(); {
			var one cryptobyte.String
			var tag cb.Tag
			if !names.ReadAnyASN1Element(&one, &tag) {
				break
			}
			if bytes.Equal(one, name) {
				return true
			}
		}
	}
	return false
}
