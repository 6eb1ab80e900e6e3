package lab_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/digitorus/timestamp"
)

func start(t *testing.T, cfg lab.Config) *lab.Lab {
	t.Helper()
	l, err := lab.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func client(t *testing.T, l *lab.Lab) *fetch.Client {
	t.Helper()
	c, err := fetch.New(fetch.Config{Allow: []string{l.Addr()}, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func issue(t *testing.T, l *lab.Lab, o lab.IssueOptions) []*x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{Country: []string{"ID"}, Organization: []string{"Kabupaten Contoh"}, CommonName: "Bupati Contoh"}
	cert, chain, err := l.Issue(key.Public(), subject, o)
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]*x509.Certificate{cert}, chain...), l.Root())
}

func TestCollect(t *testing.T) {
	for _, alg := range []lab.KeyAlgorithm{lab.ECDSAP256, lab.RSA2048} {
		t.Run(string(alg), func(t *testing.T) {
			l := start(t, lab.Config{RootKey: alg, Key: alg})
			chain := issue(t, l, lab.IssueOptions{})
			before := time.Now().UTC().Truncate(time.Second)
			for name, leaf := range map[string]*x509.Certificate{"signer": chain[0], "tsa": l.TSA()} {
				purpose := map[string]pki.Purpose{"signer": pki.Signing, "tsa": pki.Timestamping}[name]
				path, err := pki.Chain(leaf, []*x509.Certificate{l.Issuing()}, l.Anchors(), time.Now(), purpose)
				if err != nil {
					t.Fatal(name, err)
				}
				ev, err := pki.Collect(context.Background(), path, client(t, l), time.Now(), before)
				if err != nil {
					t.Fatal(name, err)
				}
				// Leaf, issuing and root, and a responder for each of the two answers.
				if got, want := [3]int{len(ev.Certificates), len(ev.OCSPs), len(ev.CRLs)}, [3]int{5, 2, 0}; got != want {
					t.Errorf("%s: got %v certificates, OCSP responses and CRLs, want %v", name, got, want)
				}
				m, errs := ev.Parse()
				if errs != nil {
					t.Fatal(errs)
				}
				for i := range len(path) - 1 {
					st, err := pki.CheckRevocation(path[i], path[i+1], m, l.Anchors(), time.Now(), pki.CheckOptions{})
					if err != nil || st.State != pki.Good {
						t.Errorf("%s %d: got %v, %v, want good", name, i, st.State, err)
					}
				}
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	l := start(t, lab.Config{})
	chain := issue(t, l, lab.IssueOptions{})
	when := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	if err := l.Revoke(chain[0], when, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	for _, down := range []lab.Service{lab.TSA, lab.OCSP} { // with OCSP down the CRL tells
		l.SetFault(down, lab.Down)
		_, err := pki.Collect(context.Background(), chain, client(t, l), time.Now(), time.Time{})
		var revoked *pki.RevokedError
		if !errors.As(err, &revoked) {
			t.Fatalf("got %v, want a RevokedError", err)
		}
		if got := revoked.Status; !got.RevokedAt.Equal(when) || got.Reason != pki.KeyCompromise {
			t.Errorf("got %v %v, want %v keyCompromise", got.RevokedAt, got.Reason, when)
		}
	}
}

func TestRestartKeepsAuthorityAndRegister(t *testing.T) {
	dir := t.TempDir()
	l, err := lab.Start(lab.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	chain := issue(t, l, lab.IssueOptions{})
	if err := l.Revoke(chain[0], time.Now(), pki.Superseded); err != nil {
		t.Fatal(err)
	}
	addr, trust := l.Addr(), l.TrustPEM()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil || len(keys) != 5 {
		t.Fatalf("got keys %v, %v, want 5", keys, err)
	}
	for _, k := range keys {
		if fi, err := os.Stat(k); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", k, fi.Mode(), err)
		}
	}
	again := start(t, lab.Config{Dir: dir})
	if again.Addr() != addr || !bytes.Equal(again.TrustPEM(), trust) {
		t.Error("the lab came back as another authority or at another address")
	}
	_, err = pki.Collect(context.Background(), chain, client(t, again), time.Now(), time.Time{})
	var revoked *pki.RevokedError
	if !errors.As(err, &revoked) {
		t.Errorf("got %v, want the revocation to be remembered", err)
	}
}

func TestStartRefuses(t *testing.T) {
	for name, cfg := range map[string]lab.Config{
		"public address": {Addr: "0.0.0.0:0"},
		"no address":     {Addr: "nonsense"},
		"key algorithm":  {Key: "dsa-512"},
	} {
		t.Run(name, func(t *testing.T) {
			if l, err := lab.Start(cfg); err == nil {
				t.Error("started, closing:", l.Close())
			}
		})
	}
}

func askTSA(t *testing.T, l *lab.Lab, digest []byte) ([]byte, error) {
	t.Helper()
	req, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest, Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.TSAURL(), bytes.NewReader(req))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(post)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// TestForeignJudge lets OpenSSL say whether the lab's answers are right.
func TestForeignJudge(t *testing.T) {
	openssl := testfile.Tool(t, "openssl")
	l := start(t, lab.Config{Key: lab.RSA2048, RootKey: lab.RSA2048})
	chain := issue(t, l, lab.IssueOptions{})
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	root, ca, leaf := file("root.pem", l.TrustPEM()), file("ca.pem", lab.ChainPEM(l.Issuing())), file("leaf.pem", lab.ChainPEM(chain[0]))
	digest := sha256.Sum256([]byte("naskah dinas"))
	reply, err := askTSA(t, l, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	data, tsr := file("data", []byte("naskah dinas")), file("reply.tsr", reply)
	crl, err := client(t, l).CRL(context.Background(), chain[0], chain[1], time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	list := file("list.crl", crl)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"chain": {[]string{"verify", "-x509_strict", "-CAfile", root, "-untrusted", ca, leaf}, "leaf.pem: OK"},
		"ocsp": {[]string{"ocsp", "-issuer", ca, "-cert", leaf, "-url", l.URL() + "/ocsp", "-CAfile", root, "-verify_other", ca},
			"leaf.pem: good"},
		"ocsp sha256": {[]string{"ocsp", "-sha256", "-issuer", ca, "-cert", leaf, "-url", l.URL() + "/ocsp", "-CAfile", root, "-verify_other", ca},
			"Response verify OK"},
		"crl": {[]string{"crl", "-inform", "DER", "-in", list, "-CAfile", ca, "-noout", "-partial_chain"}, "verify OK"},
		"tsa": {[]string{"ts", "-verify", "-data", data, "-in", tsr, "-CAfile", root, "-untrusted", ca}, "Verification: OK"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "crl" {
				c.args = c.args[:len(c.args)-1]
			}
			out, err := exec.CommandContext(t.Context(), openssl, c.args...).CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte(c.want)) {
				t.Errorf("openssl %s: %v\n%s", c.args[0], err, out)
			}
		})
	}
}

// TestFaultsOfTSA checks that each fault shows in the answer and no other does.
func TestFaultsOfTSA(t *testing.T) {
	l := start(t, lab.Config{SlowFor: time.Millisecond})
	digest := sha256.Sum256(nil)
	now := time.Now()
	for _, c := range []struct {
		fault lab.Fault
		bad   func(ts *timestamp.Timestamp, err error) bool
	}{
		{lab.None, func(ts *timestamp.Timestamp, err error) bool { return err != nil }},
		{lab.Slow, func(ts *timestamp.Timestamp, err error) bool { return err != nil }},
		{lab.Stale, func(ts *timestamp.Timestamp, err error) bool { return err != nil || now.Sub(ts.Time) < 24*time.Hour }},
		{lab.Future, func(ts *timestamp.Timestamp, err error) bool { return err != nil || ts.Time.Sub(now) < time.Hour }},
		{lab.WrongImprint, func(ts *timestamp.Timestamp, err error) bool {
			return err != nil || bytes.Equal(ts.HashedMessage, digest[:])
		}},
		{lab.WrongNonce, func(ts *timestamp.Timestamp, err error) bool { return err != nil || ts.Nonce == nil }},
		{lab.WrongEKU, func(ts *timestamp.Timestamp, err error) bool {
			return err != nil || pki.CheckPurpose(ts.Certificates[0], pki.Timestamping) == nil
		}},
		{lab.WrongResponder, func(ts *timestamp.Timestamp, err error) bool {
			return err != nil || pki.CheckIssued(ts.Certificates[0], l.Issuing(), false) == nil
		}},
		{lab.BadSignature, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
		{lab.Reject, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
		{lab.HTTPError, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
		{lab.Garbage, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
		{lab.Oversize, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
		{lab.Down, func(_ *timestamp.Timestamp, err error) bool { return err == nil }},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			l.SetFault(lab.TSA, c.fault)
			reply, err := askTSA(t, l, digest[:])
			var ts *timestamp.Timestamp
			if err == nil {
				ts, err = timestamp.ParseResponse(reply)
			}
			if c.bad(ts, err) {
				t.Errorf("got %+v, %v", ts, err)
			}
		})
	}
}
