package cms_test

import (
	"crypto"
	"crypto/sha256"
	"testing"

	"github.com/absah-id/absah/cms"
)

func TestSignThenVerify(t *testing.T) {
	for _, kind := range []string{"rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "ed25519"} {
		for _, pss := range []bool{false, true} {
			t.Run(kind, func(t *testing.T) {
				id := newIdentity(t, kind)
				alg, err := cms.ForKey(id.key.Public(), pss)
				if err != nil {
					t.Fatal(err)
				}
				h := alg.Hash().New()
				h.Write([]byte("naskah dinas"))
				o := cms.SignOptions{Digest: h.Sum(nil), Certificate: id.cert, Chain: id.chain, Key: softKey{Signer: id.key}, Algorithm: alg}
				der, err := cms.Sign(o)
				if err != nil {
					t.Fatal(err)
				}
				size, err := o.Size(0)
				if err != nil || size < len(der) || size > len(der)+8 {
					t.Errorf("got Size %d, %v for a signature of %d bytes", size, err, len(der))
				}
				sd, err := cms.Parse(der)
				if err != nil {
					t.Fatal(err)
				}
				if !sd.DER {
					t.Error("got output that is not DER")
				}
				r := sd.SignerInfos[0].Check(id.cert, h.Sum(nil))
				if r.Err() != nil || len(r.Warnings) > 0 {
					t.Errorf("got %v with warnings %v, want none", r.Err(), r.Warnings)
				}
			})
		}
	}
	_ = crypto.SHA256
	_ = sha256.New
}
