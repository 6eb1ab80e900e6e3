package main

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	"github.com/absah-id/absah/pki"
)

// withoutNames replaces an attribute of the log: an error speaks of people by the
// digests of their certificates there, as the record does, and not by their names.
// Authorities keep theirs.
func withoutNames(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindAny {
		return a // as most are
	}
	err, ok := a.Value.Any().(error)
	if !ok {
		return a
	}
	text := named.ReplaceAllString(err.Error(), "certificate of the signer")
	for _, cert := range certificatesOf(err) {
		if cert.IsCA {
			continue
		}
		sum := sha256.Sum256(cert.Raw)
		for _, name := range []string{cert.Subject.CommonName, cert.Subject.String()} {
			if name != "" {
				text = strings.ReplaceAll(text, strconv.Quote(name), fmt.Sprintf("%x", sum))
			}
		}
	}
	return slog.String(a.Key, text)
}

// named is how package signer speaks of a certificate, of a signer always.
var named = regexp.MustCompile(`certificate of "(?:[^"\\]|\\.)*"`)

// certificatesOf returns those that an error and its causes speak of.
func certificatesOf(err error) (found []*x509.Certificate) {
	var cert *x509.Certificate
	switch e := err.(type) { // each layer by itself: errors.As would stop at the first
	case *pki.PathError:
		cert = e.Certificate
	case *pki.RevocationError:
		cert = e.Certificate
	case *pki.RevokedError:
		cert = e.Certificate
	case *pki.NotValidError:
		cert = e.Certificate
	case *pki.UnavailableError:
		cert = e.Certificate
	}
	if cert != nil {
		found = append(found, cert)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			found = append(found, certificatesOf(cause)...)
		}
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			found = append(found, certificatesOf(cause)...)
		}
	}
	return found
}
