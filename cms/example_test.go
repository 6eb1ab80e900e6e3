package cms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"time"

	"github.com/absah-id/absah/cms"
)

// exampleIdentity makes a throw-away key, as an HSM would hold, and its
// certificate.
func exampleIdentity() (crypto.MessageSigner, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Kabupaten Contoh"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}
	return softKey{Signer: key}, cert
}

func ExampleSign() {
	key, cert := exampleIdentity()
	digest := sha256.Sum256([]byte("naskah dinas"))
	o := cms.SignOptions{Digest: digest[:], Certificate: cert, Key: key}
	der, err := cms.Sign(o)
	if err != nil {
		log.Fatal(err)
	}
	reserved, err := o.Size(6000) // room for a time-stamp token of 6,000 bytes
	fmt.Println(len(der) < reserved, err)
	// Output: true <nil>
}

func ExampleParse() {
	key, cert := exampleIdentity()
	digest := sha256.Sum256([]byte("naskah dinas"))
	der, err := cms.Sign(cms.SignOptions{Digest: digest[:], Certificate: cert, Key: key})
	if err != nil {
		log.Fatal(err)
	}

	sd, err := cms.Parse(der)
	if err != nil {
		log.Fatal(err)
	}
	si := sd.SignerInfos[0]
	signer, err := sd.Signer(si)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signer.Subject.CommonName, si.Algorithm)
	fmt.Println(si.Verify(signer, digest[:]))

	other := sha256.Sum256([]byte("naskah lain"))
	result := si.Check(signer, other[:])
	fmt.Println(result.Digest, result.Value)
	// Output:
	// Kabupaten Contoh ECDSA-SHA-256
	// <nil>
	// cms: the content does not have the signed digest <nil>
}

func ExampleCut() {
	padded := []byte{0x30, 0x80, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}
	first, rest, err := cms.Cut(padded)
	fmt.Printf("%x %x %v\n", first, rest, err)
	// Output: 308005000000 000000 <nil>
}
