package verifier_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const day = 24 * time.Hour

// world is a PKI on loopback whose time the test moves, and a signer in it.
type world struct {
	*clock
	lab    *lab.Lab
	client *tsp.Client
	source *fetch.Client
	signer *signer.Signer
	key    testkey.Key
	cert   *x509.Certificate
	chain  []*x509.Certificate
}

// begin is when the worlds of tests begin.
var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func newWorld(tb testing.TB) *world { return newWorldWith(tb, lab.Config{}) }

func newWorldWith(tb testing.TB, cfg lab.Config) *world {
	tb.Helper()
	w := &world{clock: &clock{t: begin}}
	cfg.Clock = w.now
	var err error
	if w.lab, err = lab.Start(cfg); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.lab.Close() })
	if w.client, err = tsp.NewClient(tsp.ClientConfig{URLs: []string{w.lab.TSAURL()}, Clock: w.now, Anchors: w.lab.Anchors().Certificates()}); err != nil {
		tb.Fatal(err)
	}
	if w.source, err = fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}, Clock: w.now, MaxAge: -1}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.source.Close() })
	w.newSigner(tb, signer.DefaultTokenSize)
	w.key = testkey.P256(tb)
	w.issue(tb, lab.IssueOptions{})
	return w
}

func (w *world) newSigner(tb testing.TB, tokenSize int) {
	tb.Helper()
	var err error
	w.signer, err = signer.New(signer.Config{Timestamper: w.client, Source: w.source, Anchors: w.lab.Anchors(), TokenSize: tokenSize})
	if err != nil {
		tb.Fatal(err)
	}
}

// issue gives the world's key another certificate.
func (w *world) issue(tb testing.TB, o lab.IssueOptions) {
	tb.Helper()
	var err error
	subject := pkix.Name{CommonName: "Kepala Dinas Contoh", Organization: []string{"Pemerintah Kabupaten Contoh"}, Country: []string{"ID"}}
	if w.cert, w.chain, err = w.lab.Issue(w.key.Public(), subject, o); err != nil {
		tb.Fatal(err)
	}
}

func input(b []byte) signer.Input {
	return signer.Input{Reader: bytes.NewReader(b), Size: int64(len(b))}
}

// sign signs b with the world's key, a second after whatever came before.
func (w *world) sign(tb testing.TB, b []byte, level signer.Level) []byte {
	tb.Helper()
	return w.signWith(tb, b, "", signer.Request{Level: level})
}

func (w *world) signWith(tb testing.TB, b []byte, password string, req signer.Request) []byte {
	tb.Helper()
	req.Key, req.Certificate, req.Chain, req.At = w.key, w.cert, w.chain, w.now()
	in := input(b)
	in.Password = []byte(password)
	res, err := w.signer.Sign(context.Background(), in, req)
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(b), res.Tail...)
}

func (w *world) augment(tb testing.TB, b []byte) []byte {
	tb.Helper()
	res, err := w.signer.Augment(context.Background(), input(b), signer.LTA, w.now())
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(b), res.Tail...)
}

func (w *world) offline() verifier.Config {
	return verifier.Config{Signers: w.lab.Anchors(), TSAs: w.lab.Anchors()}
}

func (w *world) online() verifier.Config {
	c := w.offline()
	c.Source = w.source
	return c
}

func policy(tb testing.TB, name string) verifier.Policy {
	tb.Helper()
	p, err := verifier.PolicyNamed(name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func verify(tb testing.TB, cfg verifier.Config, b []byte, at time.Time) *verifier.Report {
	tb.Helper()
	return verifyInput(tb, cfg, verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: tb.Name()}, at)
}

func verifyInput(tb testing.TB, cfg verifier.Config, in verifier.Input, at time.Time) *verifier.Report {
	tb.Helper()
	v, err := verifier.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := v.Verify(context.Background(), in, at)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func letter(tb testing.TB) []byte {
	tb.Helper()
	return testfile.Letter(tb).Bytes(tb)
}

// explain logs every conclusion of a report, for tests that fail.
func explain(tb testing.TB, r *verifier.Report) {
	tb.Helper()
	tb.Logf("%s %v %v", r.Verdict, r.Reasons, r.Warnings)
	for _, s := range r.Signatures {
		tb.Logf("  %s %s %s rev %d %s intact=%v %s %v %v best %v", s.Field, s.Kind, s.Level, s.Revision, s.Conclusion, s.Intact, s.Changes.Level, s.Reasons, s.Warnings, s.BestTime)
		for _, t := range s.Timestamps {
			tb.Logf("    %s %v %s %v", t.Kind, t.Time, t.Conclusion, t.Reasons)
		}
		explainBlock(tb, s.Process, "    ")
	}
}

func explainBlock(tb testing.TB, b *verifier.Block, indent string) {
	tb.Helper()
	if b == nil {
		return
	}
	tb.Logf("%s%s %s %q %s", indent, b.Name, b.Clause, b.Subject, b.Conclusion)
	for _, c := range b.Constraints {
		tb.Logf("%s  - %v %s %s", indent, c.OK, c.Code, c.Text)
	}
	for _, child := range b.Blocks {
		explainBlock(tb, child, indent+"  ")
	}
}
