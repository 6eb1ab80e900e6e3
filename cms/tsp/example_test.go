package tsp_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/absah-id/absah/cms/tsp"
)

func ExampleClient_Timestamp() {
	// An authority on loopback, made for this example.
	a := newAuthority(&testing.T{})
	authority, err := tsp.NewAuthority(a.config())
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(serve(authority, func() time.Time { return moment }))
	defer server.Close()

	client, err := tsp.NewClient(tsp.ClientConfig{
		URLs:    []string{server.URL},
		Anchors: []*x509.Certificate{a.root},
		Clock:   func() time.Time { return moment },
	})
	if err != nil {
		log.Fatal(err)
	}
	der, err := client.Timestamp(context.Background(), crypto.SHA256, digest[:])
	if err != nil {
		log.Fatal(err)
	}
	token, err := tsp.ParseToken(der)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Time, token.Verify(crypto.SHA256, digest[:]))
	// Output: 2026-01-02 03:04:05 +0000 UTC <nil>
}

func ExampleAuthority_Respond() {
	a := newAuthority(&testing.T{})
	authority, err := tsp.NewAuthority(a.config())
	if err != nil {
		log.Fatal(err)
	}
	answer, err := authority.Respond([]byte("not a request"), moment)
	if err != nil {
		log.Fatal(err)
	}
	response, err := tsp.ParseResponse(answer)
	fmt.Println(response.Status, response.Failures, err)
	// Output: rejection [badDataFormat] <nil>
}
