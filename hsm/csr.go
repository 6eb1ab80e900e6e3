package hsm

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
)

// ErrNIK says that a certificate subject would publish a citizen's number.
var ErrNIK = errors.New("the subject contains a NIK")

// CheckSubject returns ErrNIK when an attribute of a subject holds sixteen digits
// in a row, blanks, dots and hyphens not counted: certificates are public, and a
// Nomor Induk Kependudukan is not.
func CheckSubject(subject pkix.RDNSequence) error {
	for _, rdn := range subject {
		for _, v := range rdn {
			if s, ok := v.Value.(string); ok && holdsNIK(s) {
				return fmt.Errorf("%w: attribute %v", ErrNIK, v.Type)
			}
		}
	}
	return nil
}

// CertificateRequest returns a DER PKCS #10 request (RFC 2986) for the key,
// signed by it with the algorithm that crypto/x509 prefers for its kind (RSA:
// PKCS #1 v1.5 with SHA-256). It returns the error of [CheckSubject].
func (k *Key) CertificateRequest(ctx context.Context, subject pkix.RDNSequence) ([]byte, error) {
	if err := CheckSubject(subject); err != nil {
		return nil, err
	}
	name, err := asn1.Marshal(subject)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: name}, k.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return der, nil
}

// holdsNIK reports whether s has a run of exactly 16 digits.
func holdsNIK(s string) bool {
	s = strings.NewReplacer(" ", "", ".", "", "-", "").Replace(s)
	run := 0
	for _, r := range s + "x" {
		if r >= '0' && r <= '9' {
			run++
			continue
		}
		if run == 16 {
			return true
		}
		run = 0
	}
	return false
}
