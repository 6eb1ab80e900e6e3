package main

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
)

func TestLogHasNoNames(t *testing.T) {
	person := &x509.Certificate{Raw: []byte("x"), Subject: pkix.Name{CommonName: `Siti "Contoh", S.H.`}}
	nameless := &x509.Certificate{Raw: []byte("y"), Subject: pkix.Name{Organization: []string{"Siti Contoh"}}}
	authority := &x509.Certificate{Raw: []byte("z"), IsCA: true, Subject: pkix.Name{CommonName: "CA Contoh"}}
	for name, err := range map[string]error{
		"status":    &pki.UnavailableError{Certificate: person, Errs: []error{&pki.RevokedError{Certificate: person}, fmt.Errorf("x: %w", &pki.NotValidError{Certificate: nameless})}},
		"path":      &pki.PathError{Certificate: person, Rule: pki.RuleNoAnchor},
		"evidence":  fmt.Errorf("sign: %w", &pki.RevocationError{Certificate: nameless}),
		"joined":    errors.Join(errors.New("x"), &pki.RevokedError{Certificate: person}),
		"mismatch":  &signer.RefusedError{Code: signer.CodeKeyMismatch, Reason: fmt.Sprintf("The key does not belong to the certificate of %q.", person.Subject.CommonName)},
		"authority": &pki.NotValidError{Certificate: authority, At: time.Unix(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []string{"json", "text"} {
				var b bytes.Buffer
				newLogger(&b, config.Log{Level: "info", Format: format}).Error("fails", "error", err)
				if strings.Contains(b.String(), "Siti") || !strings.Contains(b.String(), "certificate") && !strings.Contains(b.String(), "status") {
					t.Errorf("%s: %s", format, b.String())
				}
				if name == "authority" && !strings.Contains(b.String(), "CA Contoh") {
					t.Errorf("%s: the authority has lost its name: %s", format, b.String())
				}
			}
		})
	}
}
