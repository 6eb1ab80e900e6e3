package cms_test

import (
	"crypto"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/absah-id/absah/cms"
)

// cannedKey returns the same value each time, so that what is measured is
// everything but the key. It works for PKCS#1 v1.5, which is deterministic.
type cannedKey struct {
	crypto.Signer
	value []byte
}

func (k cannedKey) SignMessage(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return k.value, nil
}

// BenchmarkSign is Sign without the key's own time: attributes, verification
// of the value, assembly.
func BenchmarkSign(b *testing.B) {
	id := newIdentity(b, "rsa2048")
	der, digest := sign(b, id)
	sd, err := cms.Parse(der)
	if err != nil {
		b.Fatal(err)
	}
	o := cms.SignOptions{Digest: digest, Certificate: id.cert, Chain: id.chain, Key: cannedKey{id.key, sd.SignerInfos[0].Value}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cms.Sign(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyValue(b *testing.B) {
	id := newIdentity(b, "rsa2048")
	der, digest := sign(b, id)
	sd, err := cms.Parse(der)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := sd.SignerInfos[0].Verify(id.cert, digest); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParse is Parse of a B-T signature with its chain and token.
func BenchmarkParse(b *testing.B) {
	id := newIdentity(b, "rsa2048")
	der, _ := sign(b, id)
	der, err := cms.AddTimestamp(der, fakeToken(b, id, 200))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cms.Parse(der); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddTimestamp(b *testing.B) {
	id := newIdentity(b, "rsa2048")
	der, _ := sign(b, id)
	token := fakeToken(b, id, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cms.AddTimestamp(der, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSize(b *testing.B) {
	id := newIdentity(b, "rsa2048")
	sum := sha256.Sum256(nil)
	o := cms.SignOptions{Digest: sum[:], Certificate: id.cert, Chain: id.chain}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Size(6000); err != nil {
			b.Fatal(err)
		}
	}
}
