package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/absah-id/absah/pki"
)

// IssueOptions shape an end-entity certificate. The zero value is a signer's
// certificate for two years from now: critical key usage digitalSignature and
// nonRepudiation, no extended key usage.
type IssueOptions struct {
	NotBefore, NotAfter time.Time
	KeyUsage            x509.KeyUsage // zero: digitalSignature and nonRepudiation
	ExtKeyUsage         []x509.ExtKeyUsage
	UnknownExtKeyUsage  []asn1.ObjectIdentifier
	Email               string
	// NoOCSP and NoCRL leave the pointers out.
	NoOCSP, NoCRL bool
	// Extra extensions, which override those that the lab would write.
	Extra []pkix.Extension
}

// The policies that certificates of the lab name: one in the arc of ITU-T X.660
// for examples, and anyPolicy (RFC 5280 §4.2.1.4) for the issuing authority.
var (
	examplePolicy = policy(2, 999, 1, 1)
	anyPolicy     = policy(2, 5, 29, 32, 0)
)

func policy(arcs ...uint64) x509.OID {
	id, err := x509.OIDFromInts(arcs)
	if err != nil {
		panic(err) // the arcs are constants
	}
	return id
}

// Issue certifies pub for subject by the issuing authority. The chain is what
// stands between the certificate and the root: the issuing authority alone.
func (l *Lab) Issue(pub crypto.PublicKey, subject pkix.Name, o IssueOptions) (*x509.Certificate, []*x509.Certificate, error) {
	t := &x509.Certificate{
		Subject: subject, NotBefore: o.NotBefore, NotAfter: o.NotAfter, KeyUsage: o.KeyUsage,
		ExtKeyUsage: o.ExtKeyUsage, UnknownExtKeyUsage: o.UnknownExtKeyUsage, ExtraExtensions: o.Extra,
		Policies: []x509.OID{examplePolicy},
	}
	if o.Email != "" {
		t.EmailAddresses = []string{o.Email}
	}
	if t.KeyUsage == 0 {
		t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	}
	if t.NotBefore.IsZero() {
		t.NotBefore = l.now()
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = t.NotBefore.AddDate(2, 0, 0)
	}
	l.point(t, "issuing")
	if o.NoOCSP {
		t.OCSPServer = nil
	}
	if o.NoCRL {
		t.CRLDistributionPoints = nil
	}
	cert, err := l.sign(t, pub, l.issuing)
	if err != nil {
		return nil, nil, err
	}
	return cert, []*x509.Certificate{l.issuing.cert}, nil
}

// IssueCSR certifies what a PKCS #10 request (PEM or DER) asks for, once its
// self-signature holds. Only name and key are taken from it.
func (l *Lab) IssueCSR(csr []byte, o IssueOptions) (*x509.Certificate, []*x509.Certificate, error) {
	if block, _ := pem.Decode(csr); block != nil {
		csr = block.Bytes
	}
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, nil, fmt.Errorf("certificate request: %w", err)
	}
	return l.Issue(req.PublicKey, req.Subject, o)
}

// Revoke puts a certificate that the lab issued on the list of its issuer.
// Revoking it again replaces time and reason; pki.RemoveFromCRL lifts a hold.
func (l *Lab) Revoke(cert *x509.Certificate, at time.Time, reason pki.Reason) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := cert.SerialNumber.Text(16)
	entry, ok := l.register.Issued[key]
	if !ok {
		return errors.New("lab: certificate was not issued here")
	}
	entry.RevokedAt, entry.Reason = at.UTC().Truncate(time.Second), int(reason)
	if reason == pki.RemoveFromCRL {
		entry.RevokedAt, entry.Reason = time.Time{}, 0
	}
	l.register.Issued[key] = entry
	return l.save()
}

// point writes where the status of a certificate of this issuer is found.
func (l *Lab) point(t *x509.Certificate, issuer string) {
	t.OCSPServer = []string{l.base + "/ocsp"}
	t.CRLDistributionPoints = []string{l.base + "/crl/" + issuer + ".crl"}
	t.IssuingCertificateURL = []string{l.base + "/aia/" + issuer + ".cer"}
}

// sign issues and registers the certificate.
func (l *Lab) sign(t *x509.Certificate, pub crypto.PublicKey, by *authority) (*x509.Certificate, error) {
	cert, err := create(t, pub, by)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.register.Issued[cert.SerialNumber.Text(16)] = entry{Subject: cert.Subject.String(), ByRoot: by == l.root, NotAfter: cert.NotAfter.UTC()}
	return cert, l.save()
}

// create makes a certificate; an authority without one of its own signs its own.
func create(t *x509.Certificate, pub crypto.PublicKey, by *authority) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	rand.Read(serial)              // never fails
	serial[0] = serial[0]&0x7f | 1 // positive and of full length
	t.SerialNumber = new(big.Int).SetBytes(serial)
	id, err := keyID(pub)
	if err != nil {
		return nil, err
	}
	t.SubjectKeyId = id
	parent := by.cert
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, by.key)
	if err != nil {
		return nil, fmt.Errorf("lab: issue: %w", err)
	}
	return x509.ParseCertificate(der)
}

func keyID(pub crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("lab: public key: %w", err)
	}
	sum := sha1.Sum(spki) // an identifier only
	return sum[:], nil
}

func generate(a KeyAlgorithm) (crypto.Signer, error) {
	switch a {
	case "", ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("lab: unknown key algorithm %q", a)
}

var (
	oidExtKeyUsage  = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	oidNoCheck      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

func name(cn string) pkix.Name {
	return pkix.Name{Country: []string{"ID"}, Organization: []string{"PSrE Contoh"}, CommonName: cn}
}

// born is when the authorities' certificates begin: a month ago, so that
// answers dated a little back are theirs.
func (l *Lab) born() time.Time { return l.now().AddDate(0, -1, 0) }

func (l *Lab) rootTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject: name("Root CA Contoh"), NotBefore: l.born(), NotAfter: l.now().AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
	}
}

func (l *Lab) issuingTemplate() *x509.Certificate {
	t := &x509.Certificate{
		Subject: name("CA Penerbit Contoh G1"), NotBefore: l.born(), NotAfter: l.now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		Policies: []x509.OID{anyPolicy},
	}
	l.point(t, "root")
	return t
}

// tsaTemplate has id-kp-timeStamping as its only extended key usage, critical
// as RFC 3161 §2.3 demands and Go would not write it.
func (l *Lab) tsaTemplate() (*x509.Certificate, error) {
	eku, err := asn1.Marshal([]asn1.ObjectIdentifier{oidTimeStamping})
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject: name("TSA Contoh 1"), NotBefore: l.born(), NotAfter: l.now().AddDate(5, 0, 0),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: oidExtKeyUsage, Critical: true, Value: eku}},
	}
	l.point(t, "issuing")
	return t, nil
}

func (l *Lab) responderTemplate(cn string) *x509.Certificate {
	return &x509.Certificate{
		Subject: name(cn), NotBefore: l.born(), NotAfter: l.now().AddDate(9, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{{Id: oidNoCheck, Value: []byte{5, 0}}},
	}
}
