package pades_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf/pades"
)

// TestPDFSig has poppler check real signatures on inputs of several kinds:
// cryptographically right and over the whole document, certification and
// fields included.
func TestPDFSig(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := selfSigned(t, key)
	for _, name := range []string{"naskah-dinas", "v15-objstm", "hybrid", "linearized", "aes-256-empty", "form", "annots-indirect", "revisions-5", "no-final-eol"} {
		t.Run(name, func(t *testing.T) {
			in := testfile.ByName(t, name)
			doc := open(t, in.Bytes(t), in.Password)
			for _, spec := range []pades.SignatureSpec{
				{Certify: 2, Reason: "Segel – Kabupaten Contoh", At: time.Unix(1.7e9, 0)},
				{SubFilter: pades.SubFilterPKCS7},
			} {
				spec.ContentsSize = 4096
				p, err := pades.Prepare(doc.Latest(), spec)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.New()
				if _, err := io.Copy(h, io.NewSectionReader(doc.ReaderAt(), 0, p.Base())); err != nil {
					t.Fatal(err)
				}
				if err := p.WriteSigned(h); err != nil {
					t.Fatal(err)
				}
				der, err := cms.Sign(cms.SignOptions{Digest: h.Sum(nil), Certificate: cert, Key: testkey.Key{Signer: key}})
				if err != nil {
					t.Fatal(err)
				}
				tail, err := p.Embed(der)
				if err != nil {
					t.Fatal(err)
				}
				doc = extend(t, doc, tail)
			}
			out, err := tool(t, fileBytes(t, doc), "pdfsig", "-nocert")
			if err != nil && !strings.Contains(out, "Signature #2") {
				t.Fatalf("%v\n%s", err, out)
			}
			if n := strings.Count(out, "Signature is Valid."); n != 2 {
				t.Errorf("%d valid signatures, want 2\n%s", n, out)
			}
			if !strings.Contains(out, "Total document signed") {
				t.Errorf("the whole document is not signed\n%s", out)
			}
		})
	}
}

func selfSigned(t *testing.T, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Kepala Dinas Contoh"},
		NotBefore: time.Unix(1.6e9, 0), NotAfter: time.Unix(4e9, 0), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
