package tsp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	digitorus "github.com/digitorus/timestamp"
)

func fixed() time.Time { return moment }

// listen serves h on loopback until the test ends and counts the requests.
func listen(t *testing.T, h http.Handler) (url string, count *atomic.Int64) {
	t.Helper()
	count = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, count
}

// reply answers every request with what answer makes of it.
func reply(answer func(query []byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer(query))
	})
}

// serve answers queries as a does at the moment of clock; what a cannot sign gets
// its rejection.
func serve(a *tsp.Authority, clock func() time.Time) http.Handler {
	return reply(func(query []byte) []byte {
		resp, _ := a.Respond(query, clock())
		return resp
	})
}

func newClient(t *testing.T, cfg tsp.ClientConfig) *tsp.Client {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = fixed
	}
	c, err := tsp.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClient(t *testing.T) {
	a := newAuthority(t)
	url, _ := listen(t, serve(a.server(t, a.config()), fixed))
	c := newClient(t, tsp.ClientConfig{URLs: []string{url}, Anchors: []*x509.Certificate{a.root}, Policy: policy})
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		hash := h.New()
		hash.Write([]byte("naskah dinas"))
		token, err := c.Timestamp(t.Context(), h, hash.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := tsp.ParseToken(token)
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Verify(h, hash.Sum(nil)); err != nil {
			t.Error(err)
		}
	}
	for _, weak := range []crypto.Hash{crypto.SHA1, crypto.MD5, 0} {
		if _, err := c.Timestamp(t.Context(), weak, digest[:]); err == nil {
			t.Errorf("got a token over %v", weak)
		}
	}
	if _, err := c.Timestamp(t.Context(), crypto.SHA384, digest[:]); err == nil {
		t.Error("got a token over a digest of the wrong length")
	}
}

// TestClientRefusesAnswers: each way of answering wrongly is noticed, and the
// next authority is asked (S16).
func TestClientRefusesAnswers(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	wrongUsage := newAuthority(t, eku(true, timeStamping, serverAuth))
	good := a.server(t, a.config())
	respond := func(query []byte) []byte {
		b, err := good.Respond(query, moment)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	// altered answers another request than the one asked.
	altered := func(change func(r *tsp.Request)) http.Handler {
		return reply(func(query []byte) []byte {
			r, err := tsp.ParseRequest(query)
			if err != nil {
				t.Error(err)
				return nil
			}
			change(r)
			b, err := r.Marshal()
			if err != nil {
				t.Error(err)
			}
			return respond(b)
		})
	}
	at := func(when time.Time) http.Handler {
		return serve(good, func() time.Time { return when })
	}
	forged := reply(func(query []byte) []byte {
		r, err := tsp.ParseRequest(query)
		if err != nil {
			t.Error(err)
			return nil
		}
		info := a.token(t, a.config(), func(q *tsp.Request) { *q = *r }).SignedData.Content
		token, err := cms.Sign(cms.SignOptions{ContentType: cms.OIDTSTInfo, Content: info, Certificate: wrongUsage.cert, Key: softKey{Signer: wrongUsage.key}})
		if err != nil {
			t.Error(err)
		}
		body := append([]byte{0x30, 0x03, 0x02, 0x01, 0x00}, token...)
		return append([]byte{0x30, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
	})
	query, err := (&tsp.Request{Hash: crypto.SHA256, Digest: digest[:], Nonce: big.NewInt(1), Policy: policy, Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	old := respond(query)
	cases := []struct {
		name    string
		handler http.Handler
		want    string // in the error of that authority
	}{
		{"status 500", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), "HTTP status 500"},
		{"status 204", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }), "HTTP status 204"},
		{"redirect", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect), "HTTP status 307"},
		{"HTML", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), "content type"},
		{"empty", reply(func([]byte) []byte { return nil }), "malformed"},
		{"too long", reply(func([]byte) []byte { return make([]byte, tsp.MaxResponse+1) }), "limit"},
		{"nested bomb", reply(func([]byte) []byte { return bytes.Repeat([]byte{0x30, 0x80}, tsp.MaxResponse/2) }), "limit"},
		{"rejection", reply(func([]byte) []byte { return respond(nil) }), "badDataFormat"},
		{"trailing byte", reply(func(q []byte) []byte { return append(respond(q), 0) }), "trailing-data"},
		{"wrong nonce", altered(func(r *tsp.Request) { r.Nonce = big.NewInt(7) }), "nonce"},
		{"no nonce", altered(func(r *tsp.Request) { r.Nonce = nil }), "nonce"},
		{"replayed answer", reply(func([]byte) []byte { return old }), "nonce"},
		{"wrong imprint", altered(func(r *tsp.Request) { r.Digest = bytes.Repeat([]byte{1}, 32) }), "T01.imprint"},
		{"other hash", altered(func(r *tsp.Request) { r.Hash, r.Digest = crypto.SHA512, make([]byte, 64) }), "T01.imprint"},
		{"no certificate", altered(func(r *tsp.Request) { r.Certificates = false }), "not among"},
		{"clock in the past", at(moment.Add(-2 * time.Minute)), "T07.time-window"},
		{"clock in the future", at(moment.Add(2 * time.Minute)), "T07.time-window"},
		{"other policy", func() http.Handler {
			cfg := a.config()
			cfg.Policy, cfg.Policies = policy2, nil
			s := a.server(t, cfg)
			return reply(func(q []byte) []byte {
				r, err := tsp.ParseRequest(q)
				if err != nil {
					t.Error(err)
					return nil
				}
				r.Policy = nil
				b, _ := r.Marshal()
				resp, err := s.Respond(b, moment)
				if err != nil {
					t.Error(err)
				}
				return resp
			})
		}(), "T10.policy"},
		{"unknown authority", serve(stranger.server(t, stranger.config()), fixed), "certificate of the authority"},
		{"certificate for TLS too", forged, "T02.extended-key-usage"},
		{"flipped bit", reply(func(q []byte) []byte { b := respond(q); b[len(b)-1] ^= 1; return b }), "cms:"},
		{"broken off", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/timestamp-reply")
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte{0x30})
		}), "reading the answer"},
	}
	backup, _ := listen(t, serve(good, fixed))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url, count := listen(t, c.handler)
			cfg := tsp.ClientConfig{URLs: []string{url}, Anchors: []*x509.Certificate{a.root}, Policy: policy}
			token, err := newClient(t, cfg).Timestamp(t.Context(), crypto.SHA256, digest[:])
			var u *tsp.UnavailableError
			if token != nil || !errors.As(err, &u) || len(u.Failures) != 1 || u.Failures[0].URL != url {
				t.Fatalf("got %d bytes, %v", len(token), err)
			}
			if !strings.Contains(u.Failures[0].Err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", u.Failures[0].Err, c.want)
			}
			if n := count.Load(); n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
			cfg.URLs = append(cfg.URLs, backup)
			if _, err := newClient(t, cfg).Timestamp(t.Context(), crypto.SHA256, digest[:]); err != nil {
				t.Errorf("got %v although another authority answers", err)
			}
		})
	}
}

// TestClientOutage: an authority that hangs costs its timeout once, then is
// asked last until the cooldown is over (S15).
func TestClientOutage(t *testing.T) {
	a := newAuthority(t)
	release := make(chan struct{})
	hanging, asked := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer close(release)
	good, _ := listen(t, serve(a.server(t, a.config()), fixed))
	var shift atomic.Int64
	c := newClient(t, tsp.ClientConfig{
		URLs: []string{hanging, good}, Anchors: []*x509.Certificate{a.root}, MaxSkew: time.Hour,
		Timeout:  time.Second, // is spent twice; the good one must answer within it on a busy machine
		Cooldown: time.Minute, Clock: func() time.Time { return moment.Add(time.Duration(shift.Load())) },
	})
	for i, want := range []int64{1, 1, 1, 2} {
		if i == 3 {
			shift.Store(int64(2 * time.Minute))
		}
		if _, err := c.Timestamp(t.Context(), crypto.SHA256, digest[:]); err != nil {
			t.Fatal(err)
		}
		if got := asked.Load(); got != want {
			t.Errorf("request %d: the hanging authority was asked %d times, want %d", i, got, want)
		}
	}
}

// TestClientContext: the caller's deadline ends it, and does not count against
// the authority.
func TestClientContext(t *testing.T) {
	a := newAuthority(t)
	release := make(chan struct{})
	hanging, _ := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer close(release)
	second, asked := listen(t, http.NotFoundHandler())
	c := newClient(t, tsp.ClientConfig{URLs: []string{hanging, second}, Anchors: []*x509.Certificate{a.root}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Timestamp(ctx, crypto.SHA256, digest[:])
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the second authority was asked %d times after the deadline", n)
	}
	cancel()
	if _, err := c.Timestamp(ctx, crypto.SHA256, digest[:]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v from a dead context", err)
	}
}

// TestClientTrust: the callback gets the verified signer and decides.
func TestClientTrust(t *testing.T) {
	a := newAuthority(t)
	url, _ := listen(t, serve(a.server(t, a.config()), fixed))
	refusal := errors.New("revoked")
	for _, want := range []error{nil, refusal} {
		called := 0
		c := newClient(t, tsp.ClientConfig{URLs: []string{url}, Trust: func(ctx context.Context, tok *tsp.Token, signer *x509.Certificate, at time.Time) error {
			called++
			if _, ok := ctx.Deadline(); !ok || !signer.Equal(a.cert) || !at.Equal(moment) || tok == nil {
				t.Errorf("got deadline %v, signer %v, at %v", ok, signer.Subject, at)
			}
			return want
		}})
		if _, err := c.Timestamp(t.Context(), crypto.SHA256, digest[:]); !errors.Is(err, want) || called != 1 {
			t.Errorf("got %v after %d calls, want %v", err, called, want)
		}
	}
}

// TestClientCredentials: the password goes to its authority and no other.
func TestClientCredentials(t *testing.T) {
	a := newAuthority(t)
	h := serve(a.server(t, a.config()), fixed)
	var seen []string
	record := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, p, ok := r.BasicAuth()
			if !ok {
				u = "none"
			}
			seen = append(seen, u+":"+p)
			next.ServeHTTP(w, r)
		})
	}
	first, _ := listen(t, record(http.NotFoundHandler()))
	second, _ := listen(t, record(h))
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("rahasia \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := tsp.ClientConfig{URLs: []string{first, second}, Anchors: []*x509.Certificate{a.root}, Credentials: map[string]tsp.Credential{second: {Username: "dinas", PasswordFile: file}}}
	if _, err := newClient(t, cfg).Timestamp(t.Context(), crypto.SHA256, digest[:]); err != nil {
		t.Fatal(err)
	}
	if want := []string{"none:", "dinas:rahasia "}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestNewClientRefuses(t *testing.T) {
	a := newAuthority(t)
	anchors := []*x509.Certificate{a.root}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("rahasia"), 0o600); err != nil {
		t.Fatal(err)
	}
	trust := func(context.Context, *tsp.Token, *x509.Certificate, time.Time) error { return nil }
	const url = "https://tsa.example/"
	for _, c := range []struct {
		name string
		cfg  tsp.ClientConfig
	}{
		{"zero", tsp.ClientConfig{}},
		{"no URL", tsp.ClientConfig{Anchors: anchors}},
		{"no trust", tsp.ClientConfig{URLs: []string{url}}},
		{"two kinds of trust", tsp.ClientConfig{URLs: []string{url}, Anchors: anchors, Trust: trust}},
		{"ftp", tsp.ClientConfig{URLs: []string{"ftp://tsa.example/"}, Anchors: anchors}},
		{"no host", tsp.ClientConfig{URLs: []string{"http:///x"}, Anchors: anchors}},
		{"not a URL", tsp.ClientConfig{URLs: []string{"http://[::1"}, Anchors: anchors}},
		{"password in the URL", tsp.ClientConfig{URLs: []string{"https://a:rahasia@tsa.example/"}, Anchors: anchors}},
		{"twice", tsp.ClientConfig{URLs: []string{url, url}, Anchors: anchors}},
		{"negative timeout", tsp.ClientConfig{URLs: []string{url}, Anchors: anchors, Timeout: -1}},
		{"credentials in the clear", tsp.ClientConfig{URLs: []string{"http://tsa.example/"}, Anchors: anchors,
			Credentials: map[string]tsp.Credential{"http://tsa.example/": {Username: "u", PasswordFile: file}}}},
		{"credentials for nobody", tsp.ClientConfig{URLs: []string{url}, Anchors: anchors,
			Credentials: map[string]tsp.Credential{"https://other.example/": {Username: "u", PasswordFile: file}}}},
		{"no user name", tsp.ClientConfig{URLs: []string{url}, Anchors: anchors, Credentials: map[string]tsp.Credential{url: {PasswordFile: file}}}},
		{"no password file", tsp.ClientConfig{URLs: []string{url}, Anchors: anchors, Credentials: map[string]tsp.Credential{url: {Username: "u", PasswordFile: file + "x"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tsp.NewClient(c.cfg)
			if err == nil {
				t.Fatal("got no error")
			}
			if strings.Contains(err.Error(), "rahasia") {
				t.Errorf("got the password in %q", err)
			}
		})
	}
}

// TestForeignAuthority: a server that is not ours answers the client.
func TestForeignAuthority(t *testing.T) {
	a := newAuthority(t)
	url, _ := listen(t, reply(func(query []byte) []byte {
		r, err := digitorus.ParseRequest(query)
		if err != nil {
			t.Error(err)
			return nil
		}
		ts := digitorus.Timestamp{
			HashAlgorithm: r.HashAlgorithm, HashedMessage: r.HashedMessage, Time: moment, Policy: policy, Nonce: r.Nonce,
			Accuracy: time.Second, SerialNumber: big.NewInt(9), AddTSACertificate: r.Certificates, Certificates: []*x509.Certificate{a.root},
		}
		b, err := ts.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
		if err != nil {
			t.Error(err)
		}
		return b
	}))
	c := newClient(t, tsp.ClientConfig{URLs: []string{url}, Anchors: []*x509.Certificate{a.root}, Policy: policy})
	if _, err := c.Timestamp(t.Context(), crypto.SHA256, digest[:]); err != nil {
		t.Fatal(err)
	}
}

// TestForeignClient: our answers are read by another client's parser.
func TestForeignClient(t *testing.T) {
	a := newAuthority(t)
	query, err := digitorus.CreateRequest(strings.NewReader("naskah dinas"), &digitorus.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: big.NewInt(3)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.server(t, a.config()).Respond(query, moment)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := digitorus.ParseResponse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !ts.Time.Equal(moment) || !bytes.Equal(ts.HashedMessage, digest[:]) {
		t.Errorf("got %v %x", ts.Time, ts.HashedMessage)
	}
}
