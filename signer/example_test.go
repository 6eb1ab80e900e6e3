package signer_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// demo is a PKI on loopback and a signer's key and certificate from it.
func demo() (*signer.Signer, signer.Request, func()) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	l, err := lab.Start(lab.Config{})
	must(err)
	client, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{l.TSAURL()}, Anchors: l.Anchors().Certificates()})
	must(err)
	source, err := fetch.New(fetch.Config{Allow: []string{l.Addr()}})
	must(err)
	s, err := signer.New(signer.Config{Timestamper: client, Source: source, Anchors: l.Anchors()})
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	cert, chain, err := l.Issue(key.Public(), pkix.Name{CommonName: "Bupati Contoh"}, lab.IssueOptions{})
	must(err)
	return s, signer.Request{Key: testkey.Key{Signer: key}, Certificate: cert, Chain: chain, At: time.Now()}, func() { source.Close(); l.Close() }
}

func readLetter() []byte {
	b, err := os.ReadFile("../testdata/pdf/naskah-dinas.pdf")
	if err != nil {
		panic(err)
	}
	return b
}

func ExampleSigner_Sign() {
	s, req, stop := demo()
	defer stop()
	doc := readLetter()

	req.Level = signer.LTA
	req.Reason = "Disetujui"
	req.Visible = &signer.Visible{Page: signer.LastPage, X: 320, Y: 60, Width: 220, Height: 70,
		QR: "https://contoh.go.id/v/7Q4M2K9X", Office: "Bupati Contoh", Name: "Andi Wijaya"}
	res, err := s.Sign(context.Background(), signer.Input{Reader: bytes.NewReader(doc), Size: int64(len(doc))}, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	signed := append(doc, res.Tail...)
	fmt.Println(res.Level, res.Field, len(res.Tokens), bytes.HasPrefix(signed, doc))
	// Output: B-LTA Signature1 2 true
}

func ExampleSigner_Augment() {
	s, req, stop := demo()
	defer stop()
	doc := readLetter()
	in := func() signer.Input { return signer.Input{Reader: bytes.NewReader(doc), Size: int64(len(doc))} }
	res, err := s.Sign(context.Background(), in(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	doc = append(doc, res.Tail...)
	fmt.Println(res.Level)

	res, err = s.Augment(context.Background(), in(), signer.LTA, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Level)
	// Output:
	// B-B
	// B-LTA
}

func ExampleSigner_Timestamp() {
	s, _, stop := demo()
	defer stop()
	doc := readLetter()
	res, err := s.Timestamp(context.Background(), signer.Input{Reader: bytes.NewReader(doc), Size: int64(len(doc))}, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Field, !res.Time.IsZero())
	// Output: Signature1 true
}

func ExampleSigner_SignDetached() {
	s, req, stop := demo()
	defer stop()
	res, err := s.SignDetached(context.Background(), bytes.NewReader([]byte("lampiran")), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Level, len(res.CMS) > 0)
	// Output: B-B true
}

func ExampleParseLevel() {
	l, err := signer.ParseLevel("b-lta")
	fmt.Println(l, err)
	// Output: B-LTA <nil>
}
