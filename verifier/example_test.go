package verifier_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

func Example() {
	f, err := os.Open("../testdata/pdf/naskah-dinas.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	roots := pki.NewAnchors() // read them with pki.ParseAnchors
	v, err := verifier.New(verifier.Config{Signers: roots, TSAs: roots})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := v.Verify(context.Background(), verifier.Input{Reader: f, Size: info.Size(), Name: "naskah-dinas.pdf"}, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.File, r.Verdict)
	// Output: naskah-dinas.pdf NO_SIGNATURE
}
