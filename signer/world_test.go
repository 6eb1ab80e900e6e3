package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// badKey flips one bit of every value, as a faulty module does.
type badKey struct{ testkey.Key }

func (k badKey) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := k.Key.SignMessage(r, msg, opts)
	if err == nil {
		sig[len(sig)/2] ^= 1
	}
	return sig, err
}

// patience with services on loopback is more than a busy machine needs.
const patience = 10 * time.Second

// world is a PKI on loopback, and a signer that uses it.
type world struct {
	lab    *lab.Lab
	client *tsp.Client
	source *fetch.Client
	signer *signer.Signer
	key    testkey.Key
	cert   *x509.Certificate
	chain  []*x509.Certificate
	now    func() time.Time
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return newWorldAt(tb, time.Now)
}

func newWorldAt(tb testing.TB, now func() time.Time) *world {
	tb.Helper()
	w := &world{now: now}
	var err error
	if w.lab, err = lab.Start(lab.Config{Clock: now}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.lab.Close() })
	w.client, err = tsp.NewClient(tsp.ClientConfig{URLs: []string{w.lab.TSAURL()}, Clock: now,
		Anchors: w.lab.Anchors().Certificates(), Timeout: patience, Cooldown: time.Nanosecond})
	if err != nil {
		tb.Fatal(err)
	}
	if w.source, err = fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}, Clock: now, Timeout: patience}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.source.Close() })
	w.signer = w.newSigner(tb, signer.Config{})
	w.key = testkey.P256(tb)
	w.cert, w.chain = w.issue(tb, w.key.Public(), lab.IssueOptions{})
	return w
}

// newSigner completes cfg with the world's services.
func (w *world) newSigner(tb testing.TB, cfg signer.Config) *signer.Signer {
	tb.Helper()
	if cfg.Timestamper == nil {
		cfg.Timestamper = w.client
	}
	if cfg.Source == nil {
		cfg.Source = w.source
	}
	if cfg.Anchors == nil {
		cfg.Anchors = w.lab.Anchors()
	}
	s, err := signer.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// issue certifies a key, by default from an hour ago on: requests are often
// made before their certificates.
func (w *world) issue(tb testing.TB, pub crypto.PublicKey, o lab.IssueOptions) (*x509.Certificate, []*x509.Certificate) {
	tb.Helper()
	if o.NotBefore.IsZero() {
		o.NotBefore = w.now().Add(-time.Hour)
	}
	cert, chain, err := w.lab.Issue(pub, pkix.Name{CommonName: "Kepala Dinas Contoh", Organization: []string{"Pemerintah Kabupaten Contoh"}, Country: []string{"ID"}}, o)
	if err != nil {
		tb.Fatal(err)
	}
	return cert, chain
}

func (w *world) request(l signer.Level) signer.Request {
	return signer.Request{Key: w.key, Certificate: w.cert, Chain: w.chain, Level: l, At: w.now()}
}

func input(b []byte, password string) signer.Input {
	return signer.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Password: []byte(password)}
}

// sign signs b or fails the test, and checks the result as every caller may.
func (w *world) sign(tb testing.TB, b []byte, req signer.Request) []byte {
	tb.Helper()
	res, err := w.signer.Sign(context.Background(), input(b, ""), req)
	if err != nil {
		tb.Fatal(err)
	}
	if res.Level != req.Level {
		tb.Fatalf("level %v, want %v", res.Level, req.Level)
	}
	return append(bytes.Clone(b), res.Tail...)
}

func letter(tb testing.TB) []byte {
	tb.Helper()
	return testfile.Letter(tb).Bytes(tb)
}

// check verifies every signature and document timestamp of b cryptographically
// and returns them.
func check(tb testing.TB, b []byte, password string) []*pades.Signature {
	tb.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{Password: []byte(password)})
	if err != nil {
		tb.Fatal(err)
	}
	list, err := pades.Signatures(doc)
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range list {
		for _, p := range s.Problems {
			tb.Errorf("%s: %v", s.Field, p)
		}
		der, err := s.CMS()
		if err != nil {
			tb.Fatalf("%s: %v", s.Field, err)
		}
		sd, err := cms.Parse(der)
		if err != nil {
			tb.Fatalf("%s: %v", s.Field, err)
		}
		h := sd.SignerInfos[0].DigestAlgorithm
		if s.Kind == pades.KindDocTimestamp {
			token, err := tsp.ParseToken(der)
			if err != nil {
				tb.Fatalf("%s: %v", s.Field, err)
			}
			if err := token.Verify(token.Hash, digestOf(tb, s, doc, token.Hash)); err != nil {
				tb.Errorf("%s: %v", s.Field, err)
			}
			continue
		}
		cert, err := sd.Signer(sd.SignerInfos[0])
		if err != nil {
			tb.Fatalf("%s: %v", s.Field, err)
		}
		if err := sd.SignerInfos[0].Verify(cert, digestOf(tb, s, doc, h)); err != nil {
			tb.Errorf("%s: %v", s.Field, err)
		}
		if breaches, warnings := sd.CheckPAdES(); len(breaches)+len(warnings) > 0 || !sd.DER {
			tb.Errorf("%s: breaches %v, warnings %v, DER %v", s.Field, breaches, warnings, sd.DER)
		}
	}
	return list
}

func digestOf(tb testing.TB, s *pades.Signature, doc *pdf.Document, h crypto.Hash) []byte {
	tb.Helper()
	d := h.New()
	if _, err := io.Copy(d, s.SignedReader(doc)); err != nil {
		tb.Fatal(err)
	}
	return d.Sum(nil)
}

// tool runs a judge and returns all that it says.
func tool(tb testing.TB, name string, args ...string) (string, error) {
	tb.Helper()
	out, err := exec.Command(testfile.Tool(tb, name), args...).CombinedOutput()
	return string(out), err
}

func save(tb testing.TB, name string, b []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
