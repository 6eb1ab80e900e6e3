package tsp_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
)

func TestAuthority(t *testing.T) {
	a := newAuthority(t)
	cfg := a.config()
	cfg.Accuracy, cfg.Ordering, cfg.Name = time.Second+2*time.Millisecond+3*time.Microsecond, true, true
	cfg.Policies = append(cfg.Policies, policy2)
	nonce := big.NewInt(0x7fffffff)
	tok := a.token(t, cfg, func(r *tsp.Request) { r.Nonce, r.Policy = nonce, policy2 })
	if !tok.Time.Equal(moment) || tok.Accuracy != cfg.Accuracy || !tok.Ordering || tok.Nonce.Cmp(nonce) != 0 || !tok.Policy.Equal(policy2) || tok.Version != 1 {
		t.Errorf("got %+v", tok.Info)
	}
	if tok.Hash != crypto.SHA256 || !bytes.Equal(tok.Digest, digest[:]) || tok.Serial.Sign() <= 0 || tok.Serial.BitLen() > 127 {
		t.Errorf("got imprint %v %x, serial %v", tok.Hash, tok.Digest, tok.Serial)
	}
	if !tok.SignedData.DER || tok.SignedData.Version != 3 {
		t.Errorf("got DER %v, version %d", tok.SignedData.DER, tok.SignedData.Version)
	}
	r := tok.Check(crypto.SHA256, digest[:], a.cert)
	if r.Err() != nil || len(r.Warnings) > 0 {
		t.Errorf("got %v, %v", r.Err(), r.Warnings)
	}
	if err := tok.Verify(crypto.SHA256, digest[:]); err != nil {
		t.Error(err)
	}

	bare := a.token(t, a.config(), func(r *tsp.Request) { r.Certificates = false })
	if n := len(bare.SignedData.RawCertificates); n != 0 || bare.Nonce != nil || bare.TSA != nil || bare.Accuracy != 0 {
		t.Errorf("got %d certificates, %+v", n, bare.Info)
	}
	if err := bare.Verify(crypto.SHA256, digest[:]); !errors.Is(err, cms.ErrNoSigner) {
		t.Errorf("got %v without the certificate, want ErrNoSigner", err)
	}
	if err := bare.Verify(crypto.SHA256, digest[:], a.cert); err != nil {
		t.Error(err)
	}
	if bare.Serial.Cmp(tok.Serial) == 0 {
		t.Error("got one serial number twice")
	}
}

func TestAuthorityRefuses(t *testing.T) {
	a := newAuthority(t)
	s := a.server(t, a.config())
	query := func(r tsp.Request) []byte {
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := query(tsp.Request{Hash: crypto.SHA256, Digest: digest[:]})
	sha1 := query(tsp.Request{Hash: crypto.SHA1, Digest: digest[:20]})
	extension := bytes.Clone(good)
	extension = append(extension, 0xa0, 0x0b, 0x30, 0x09, 0x06, 0x02, 0x2a, 0x03, 0x04, 0x03, 0x01, 0x01, 0x00)
	extension[1] += 13
	short := bytes.Replace(good, digest[:], digest[:31], 1)
	short = bytes.Replace(short, []byte{0x04, 0x20}, []byte{0x04, 0x1f}, 1)
	short[1]--
	short[6]--
	for _, c := range []struct {
		name  string
		query []byte
		want  tsp.Failure
	}{
		{"nothing", nil, tsp.BadDataFormat},
		{"not a request", []byte("naskah"), tsp.BadDataFormat},
		{"trailing byte", append(bytes.Clone(good), 0), tsp.BadDataFormat},
		{"too long", make([]byte, tsp.MaxRequest+1), tsp.BadDataFormat},
		{"version 2", bytes.Replace(good, []byte{2, 1, 1}, []byte{2, 1, 2}, 1), tsp.BadDataFormat},
		{"SHA-1", sha1, tsp.BadAlgorithm},
		{"imprint too short", short, tsp.BadDataFormat},
		{"unknown policy", query(tsp.Request{Hash: crypto.SHA256, Digest: digest[:], Policy: policy2}), tsp.UnacceptedPolicy},
		{"extension", extension, tsp.UnacceptedExtension},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := s.Respond(c.query, moment)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tsp.ParseResponse(b)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != tsp.Rejection || !slices.Equal(resp.Failures, []tsp.Failure{c.want}) || resp.Token != nil {
				t.Errorf("got %v %v %q, want %v", resp.Status, resp.Failures, resp.Text, c.want)
			}
		})
	}
}

// TestAuthorityFails: when the authority itself is at fault, the client gets a
// rejection that tells nothing, the caller the cause.
func TestAuthorityFails(t *testing.T) {
	a := newAuthority(t)
	lost := errors.New("module lost at /secret/path")
	query, err := (&tsp.Request{Hash: crypto.SHA256, Digest: digest[:]}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(cfg *tsp.AuthorityConfig)
		at     time.Time
		want   tsp.Failure
	}{
		{"key", func(cfg *tsp.AuthorityConfig) { cfg.Key = softKey{Signer: a.key, err: lost} }, moment, tsp.SystemFailure},
		{"wrong key", func(cfg *tsp.AuthorityConfig) { cfg.Key = softKey{Signer: a.rootKey} }, moment, tsp.SystemFailure},
		{"serial", func(cfg *tsp.AuthorityConfig) { cfg.Serial = func() (*big.Int, error) { return nil, lost } }, moment, tsp.SystemFailure},
		{"serial zero", func(cfg *tsp.AuthorityConfig) {
			cfg.Serial = func() (*big.Int, error) { return new(big.Int), nil }
		}, moment, tsp.SystemFailure},
		{"certificate expired", func(*tsp.AuthorityConfig) {}, a.cert.NotAfter.Add(time.Second), tsp.TimeNotAvailable},
		{"certificate not yet valid", func(*tsp.AuthorityConfig) {}, a.cert.NotBefore.Add(-time.Second), tsp.TimeNotAvailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := a.config()
			c.change(&cfg)
			b, err := a.server(t, cfg).Respond(query, c.at)
			if err == nil {
				t.Error("got no error")
			}
			resp, err := tsp.ParseResponse(b)
			if err != nil || !slices.Equal(resp.Failures, []tsp.Failure{c.want}) || bytes.Contains(b, []byte("secret")) {
				t.Errorf("got %+v, %v", resp, err)
			}
		})
	}
}

func TestNewAuthorityRefuses(t *testing.T) {
	good := newAuthority(t)
	for _, c := range []struct {
		name   string
		change func(cfg *tsp.AuthorityConfig)
	}{
		{"no certificate", func(cfg *tsp.AuthorityConfig) { cfg.Certificate = nil }},
		{"no key", func(cfg *tsp.AuthorityConfig) { cfg.Key = nil }},
		{"no policy", func(cfg *tsp.AuthorityConfig) { cfg.Policy = nil }},
		{"accuracy below a microsecond", func(cfg *tsp.AuthorityConfig) { cfg.Accuracy = 1 }},
		{"negative accuracy", func(cfg *tsp.AuthorityConfig) { cfg.Accuracy = -time.Second }},
		{"unknown hash", func(cfg *tsp.AuthorityConfig) { cfg.Hashes = []crypto.Hash{crypto.BLAKE2b_256} }},
		{"algorithm of another key", func(cfg *tsp.AuthorityConfig) { cfg.Algorithm = cms.RSAPSS(crypto.SHA256) }},
		{"usage not critical", func(cfg *tsp.AuthorityConfig) { cfg.Certificate = newAuthority(t, eku(false, timeStamping)).cert }},
		{"two usages", func(cfg *tsp.AuthorityConfig) {
			cfg.Certificate = newAuthority(t, eku(true, timeStamping, serverAuth)).cert
		}},
		{"root certificate", func(cfg *tsp.AuthorityConfig) { cfg.Certificate = good.root }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good.config()
			c.change(&cfg)
			if _, err := tsp.NewAuthority(cfg); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// TestTokenRules holds true tokens against the wrong things, and forged ones
// against the right (T01 to T10).
func TestTokenRules(t *testing.T) {
	a := newAuthority(t)
	other := newAuthority(t)
	tok := a.token(t, a.config(), nil)
	altered := bytes.Clone(digest[:])
	altered[0] ^= 1
	forge := func(from *authority, info func(b []byte) []byte) *tsp.Token {
		content := info(bytes.Clone(tok.SignedData.Content))
		der, err := cms.Sign(cms.SignOptions{ContentType: cms.OIDTSTInfo, Content: content, Certificate: from.cert, Key: softKey{Signer: from.key}})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := tsp.ParseToken(der)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	notCritical := newAuthority(t, eku(false, timeStamping))
	both := newAuthority(t, eku(true, timeStamping, serverAuth))
	none := newAuthority(t, []pkix.Extension{}...)
	none.cert = none.issue(t, &x509.Certificate{SerialNumber: big.NewInt(3), NotBefore: moment.AddDate(-1, 0, 0), NotAfter: moment.AddDate(1, 0, 0)}, none.root, none.key.Public())
	same := func(b []byte) []byte { return b }
	named := a.config()
	named.Name = true
	tests := []struct {
		name   string
		token  *tsp.Token
		hash   crypto.Hash
		digest []byte
		cert   *x509.Certificate
		want   []cms.Rule
	}{
		{"good", tok, crypto.SHA256, digest[:], a.cert, nil},
		{"T01 other digest", tok, crypto.SHA256, altered, a.cert, []cms.Rule{tsp.RuleImprint}},
		{"T01 other hash", tok, crypto.SHA3_256, digest[:], a.cert, []cms.Rule{tsp.RuleImprint}},
		{"T02 usage not critical", forge(notCritical, same), crypto.SHA256, digest[:], notCritical.cert, []cms.Rule{tsp.RuleExtendedKeyUsage}},
		{"T02 two usages", forge(both, same), crypto.SHA256, digest[:], both.cert, []cms.Rule{tsp.RuleExtendedKeyUsage}},
		{"T02 no usage", forge(none, same), crypto.SHA256, digest[:], none.cert, []cms.Rule{tsp.RuleExtendedKeyUsage}},
		{"T03 another certificate", tok, crypto.SHA256, digest[:], other.cert, []cms.Rule{cms.RuleCertificateReference}},
		{"T07 before the certificate", forge(a, func(b []byte) []byte {
			return bytes.Replace(b, []byte("20260102030405Z"), []byte("20200102030405Z"), 1)
		}), crypto.SHA256, digest[:], a.cert, []cms.Rule{tsp.RuleTimeOfCertificate}},
		{"T09 imprint of unknown hash", forge(a, func(b []byte) []byte {
			return bytes.Replace(b, []byte{0x65, 3, 4, 2, 1}, []byte{0x65, 3, 4, 2, 99}, 1)
		}), crypto.SHA256, digest[:], a.cert, []cms.Rule{tsp.RuleImprintAlgorithm}},
		{"T10 version 2", forge(a, func(b []byte) []byte {
			return bytes.Replace(b, []byte{2, 1, 1}, []byte{2, 1, 2}, 1)
		}), crypto.SHA256, digest[:], a.cert, []cms.Rule{tsp.RuleVersion}},
		{"T10 critical extension", forge(a, func(b []byte) []byte {
			ext := []byte{0xa1, 0x0e, 0x30, 0x0c, 0x06, 0x02, 0x2a, 0x03, 0x01, 0x01, 0xff, 0x04, 0x03, 0x01, 0x01, 0x00}
			b = append(b, ext...)
			b[1] += byte(len(ext))
			return b
		}), crypto.SHA256, digest[:], a.cert, []cms.Rule{tsp.RuleCriticalExtension}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r := c.token.Check(c.hash, c.digest, c.cert)
			var got []cms.Rule
			for _, b := range r.Breaches {
				got = append(got, b.Rule)
			}
			if len(c.want) == 0 && len(got) > 0 || len(c.want) > 0 && !slices.Contains(got, c.want[0]) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if (r.Err() == nil) != (len(c.want) == 0) {
				t.Errorf("got %v from Err", r.Err())
			}
		})
	}
	t.Run("T10 name of another is a warning", func(t *testing.T) {
		tok := a.token(t, named, nil)
		r := tok.Check(crypto.SHA256, digest[:], a.root)
		if !slices.ContainsFunc(r.Warnings, func(c *cms.ConstraintError) bool { return c.Rule == tsp.RuleTSAName }) {
			t.Errorf("got %v, want a warning", r.Warnings)
		}
	})
}

// TestParseTokenRefuses: contents that are not a DER TSTInfo.
func TestParseTokenRefuses(t *testing.T) {
	a := newAuthority(t)
	info := a.token(t, a.config(), nil).SignedData.Content
	for _, c := range []struct {
		name    string
		content []byte
	}{
		{"empty", []byte{}},
		{"trailing byte", append(bytes.Clone(info), 0)},
		{"time without Z", bytes.Replace(info, []byte("20260102030405Z"), []byte("202601020304050"), 1)},
		{"thirteenth month", bytes.Replace(info, []byte("20260102030405Z"), []byte("20261302030405Z"), 1)},
		{"indefinite", append(append([]byte{0x30, 0x80}, info[2:]...), 0, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			der, err := cms.Sign(cms.SignOptions{ContentType: cms.OIDTSTInfo, Content: c.content, Certificate: a.cert, Key: softKey{Signer: a.key}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tsp.ParseToken(der)
			var m *cms.MalformedError
			if !errors.As(err, &m) || m.Rule != "tst-info" {
				t.Errorf("got %v, want rule tst-info", err)
			}
		})
	}
	der, err := cms.Sign(cms.SignOptions{Content: info, Certificate: a.cert, Key: softKey{Signer: a.key}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tsp.ParseToken(der); err == nil {
		t.Error("got no error for TSTInfo under id-data (T10)")
	}
}

// TestOpenSSL lets openssl ask and judge.
func TestOpenSSL(t *testing.T) {
	openssl := testfile.Tool(t, "openssl")
	a := newAuthority(t)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	root := write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}))
	file := write("file", []byte("naskah dinas"))
	cfg := a.config()
	cfg.Accuracy, cfg.Name = 1500*time.Millisecond, true
	for _, hash := range []string{"sha256", "sha384", "sha512"} {
		query := filepath.Join(dir, "query")
		run("ts", "-query", "-data", file, "-"+hash, "-cert", "-out", query)
		b, err := os.ReadFile(query)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := a.server(t, cfg).Respond(b, moment)
		if err != nil {
			t.Fatal(err)
		}
		at := []string{"-CAfile", root, "-attime", "1767323045"}
		run(append([]string{"ts", "-verify", "-queryfile", query, "-in", write("resp", resp)}, at...)...)
		parsed, err := tsp.ParseResponse(resp)
		if err != nil {
			t.Fatal(err)
		}
		run(append([]string{"ts", "-verify", "-data", file, "-token_in", "-in", write("token", parsed.Token.Raw)}, at...)...)
	}
}

// FuzzRespond: whatever is asked, the answer can be parsed, and a token holds.
func FuzzRespond(f *testing.F) {
	a := newAuthority(f)
	s := a.server(f, a.config())
	for _, r := range []tsp.Request{
		{Hash: crypto.SHA256, Digest: digest[:]},
		{Hash: crypto.SHA256, Digest: digest[:], Nonce: big.NewInt(-5), Policy: policy, Certificates: true},
	} {
		b, err := r.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		b, err := s.Respond(query, moment)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tsp.ParseResponse(b)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Token == nil {
			return
		}
		req, err := tsp.ParseRequest(query)
		if err != nil {
			t.Fatal("granted what cannot be parsed")
		}
		if err := resp.Token.Verify(req.Hash, req.Digest, a.cert); err != nil {
			t.Error(err)
		}
		if (req.Nonce == nil) != (resp.Token.Nonce == nil) || req.Nonce != nil && req.Nonce.Cmp(resp.Token.Nonce) != 0 {
			t.Errorf("got nonce %v, asked with %v", resp.Token.Nonce, req.Nonce)
		}
	})
}

// FuzzParseToken: no input panics.
func FuzzParseToken(f *testing.F) {
	a := newAuthority(f)
	f.Add(a.token(f, a.config(), nil).Raw)
	cfg := a.config()
	cfg.Accuracy, cfg.Name, cfg.Ordering = time.Second+time.Millisecond, true, true
	f.Add(a.token(f, cfg, func(r *tsp.Request) { r.Nonce = big.NewInt(1) }).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := tsp.ParseToken(b)
		if err != nil {
			var m *cms.MalformedError
			if !errors.As(err, &m) {
				t.Fatalf("got %v, want a MalformedError", err)
			}
			return
		}
		tok.Check(crypto.SHA256, digest[:], a.cert)
		if tok.Verify(crypto.SHA256, digest[:], a.cert) == nil && !bytes.Equal(tok.Digest, digest[:]) {
			t.Error("a token over another digest verified")
		}
	})
}

// FuzzParseResponse: no input panics, and a token comes only when granted.
func FuzzParseResponse(f *testing.F) {
	a := newAuthority(f)
	s := a.server(f, a.config())
	query, err := (&tsp.Request{Hash: crypto.SHA256, Digest: digest[:]}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range [][]byte{query, nil} {
		b, err := s.Respond(q, moment)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append(append([]byte{0x30, 0x80}, b[4:]...), 0, 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := tsp.ParseResponse(b)
		if err == nil && (r.Token != nil) != (r.Status == tsp.Granted || r.Status == tsp.GrantedWithMods) {
			t.Errorf("got status %v, token %v", r.Status, r.Token != nil)
		}
	})
}
