package pki_test

import (
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

func bigList(tb testing.TB, by *entity, n int) []byte {
	l := x509.RevocationList{RevokedCertificateEntries: make([]x509.RevocationListEntry, n)}
	for i := range l.RevokedCertificateEntries {
		l.RevokedCertificateEntries[i] = x509.RevocationListEntry{SerialNumber: new(big.Int).Lsh(big.NewInt(int64(i+1)), 64), RevocationTime: now.Add(-time.Hour), ReasonCode: 4}
	}
	return list(tb, by, l)
}

func BenchmarkCheckCRL(b *testing.B) {
	root := issue(b, "Root", nil, ca)
	leaf := issue(b, "Signer", root)
	der := bigList(b, root, 100_000)
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.CheckCRL(der, leaf.cert, root.cert, now, pki.CheckOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckOCSP(b *testing.B) {
	root := issue(b, "Root", nil, ca)
	leaf := issue(b, "Signer", root)
	der := answer(b, root, issue(b, "Responder", root, responder), ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.CheckOCSP(der, leaf.cert, root.cert, now, pki.CheckOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChain(b *testing.B) {
	root := issue(b, "Root", nil, ca)
	sub := issue(b, "Sub", root, ca)
	leaf := issue(b, "Signer", sub)
	anchors, pool := pki.NewAnchors(root.cert), []*x509.Certificate{sub.cert}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.Chain(leaf.cert, pool, anchors, now, pki.Signing); err != nil {
			b.Fatal(err)
		}
	}
}
