package cms_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
)

// TestOpenSSL: what Sign makes, openssl accepts as CAdES, and what openssl
// makes, Check accepts.
func TestOpenSSL(t *testing.T) {
	content := []byte("naskah dinas\n")
	for _, kind := range []string{"rsa2048", "rsa2048 pss", "rsa3072", "rsa4096", "p256", "p384", "p521"} {
		t.Run(kind, func(t *testing.T) {
			name, pss := strings.CutSuffix(kind, " pss")
			id := newIdentity(t, name)
			alg, err := cms.ForKey(id.key.Public(), pss)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write := func(name string, b []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			root := write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.chain[0].Raw}))
			file := write("content", content)

			h := alg.Hash().New()
			h.Write(content)
			o := cms.SignOptions{Digest: h.Sum(nil), Certificate: id.cert, Chain: id.chain, Key: softKey{Signer: id.key}, Algorithm: alg}
			detached, err := cms.Sign(o)
			if err != nil {
				t.Fatal(err)
			}
			o.Content = content
			whole, err := cms.Sign(o)
			if err != nil {
				t.Fatal(err)
			}
			verify := []string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-CAfile", root, "-purpose", "any", "-no_check_time"}
			openssl(t, append(verify, "-in", write("detached", detached), "-content", file)...)
			if out := openssl(t, append(verify, "-in", write("whole", whole))...); !bytes.Contains(out, content) {
				t.Errorf("got %q from openssl", out)
			}
			for _, der := range [][]byte{detached, whole} {
				openssl(t, "asn1parse", "-inform", "DER", "-noout", "-in", write("asn1", der))
			}
		})
	}
}

// TestOpenSSLSigns reads CMS that openssl wrote, streamed (indefinite lengths)
// and not, CAdES and not, by key identifier too.
func TestOpenSSLSigns(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	content := []byte("naskah dinas\n")
	if err := os.WriteFile(path("content"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]string{
		{"rsa:2048"}, {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"}, // openssl 3.0 makes no Ed25519 CMS
	} {
		openssl(t, append([]string{"req", "-x509", "-nodes", "-subj", "/CN=Penguji", "-keyout", path("key"), "-out", path("cert"), "-newkey"}, key...)...)
		for _, c := range []struct {
			name     string
			args     []string
			der      bool
			breaches int
		}{
			{"cades", []string{"-cades"}, true, 0},
			{"encapsulated", []string{"-cades", "-nodetach"}, true, 0},
			{"streamed", []string{"-cades", "-nodetach", "-stream"}, false, 0},
			{"key identifier", []string{"-cades", "-nodetach", "-keyid"}, true, 0},
			{"no ESS", []string{"-nodetach"}, true, 1},
		} {
			t.Run(key[0]+" "+c.name, func(t *testing.T) {
				args := append([]string{"cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-signer", path("cert"), "-inkey", path("key"), "-in", path("content"), "-out", path("out")}, c.args...)
				openssl(t, args...)
				der, err := os.ReadFile(path("out"))
				if err != nil {
					t.Fatal(err)
				}
				sd, err := cms.Parse(der)
				if err != nil {
					t.Fatal(err)
				}
				if sd.DER != c.der {
					t.Errorf("got DER %v", sd.DER)
				}
				si := sd.SignerInfos[0]
				cert, err := sd.Signer(si)
				if err != nil {
					t.Fatal(err)
				}
				r := sd.Check(si, cert)
				if sd.Content == nil {
					h := si.DigestAlgorithm.New()
					h.Write(content)
					r = si.Check(cert, h.Sum(nil))
				}
				if !r.Intact() || len(r.Breaches) != c.breaches {
					t.Errorf("got intact %v (%v, %v), breaches %v", r.Intact(), r.Digest, r.Value, rules(r.Breaches))
				}
			})
		}
	}
}

// openssl runs it and returns its standard output; failure fails the test.
func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), testfile.Tool(t, "openssl"), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.Bytes()
}
