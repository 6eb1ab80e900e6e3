package lab_test

import (
	"fmt"
	"log"

	"github.com/absah-id/absah/pki/lab"
)

func ExampleStart() {
	l, err := lab.Start(lab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	l.SetFault(lab.OCSP, lab.Stale) // from now on the responder answers with what was two days ago
	fmt.Println(l.Issuing().Subject.CommonName, "under", l.Root().Subject.CommonName)
	// Output: CA Penerbit Contoh G1 under Root CA Contoh
}
