package pki_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
)

// A signer's certificate is checked and its evidence gathered for a PAdES
// signature at level B-LT.
func ExampleCollect() {
	l, err := lab.Start(lab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	cert, pool, err := l.Issue(key.Public(), pkix.Name{CommonName: "Bupati Contoh"}, lab.IssueOptions{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := fetch.New(fetch.Config{Allow: []string{l.Addr()}})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()

	signedAt := time.Now().Truncate(time.Second)
	chain, err := pki.Chain(cert, pool, l.Anchors(), signedAt, pki.Signing)
	if err != nil {
		log.Fatal(err)
	}
	ev, err := pki.Collect(context.Background(), chain, client, time.Now(), signedAt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(chain), "certificates,", len(ev.OCSPs), "OCSP responses")
	// Output: 3 certificates, 2 OCSP responses
}
