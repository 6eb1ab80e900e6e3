package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// asked counts all that a lab was asked for but time-stamps.
func asked(l *lab.Lab) int { return l.Requests(lab.OCSP) + l.Requests(lab.CRL) + l.Requests(lab.AIA) }

// trap listens and counts who comes.
func trap(t *testing.T) (addr string, visits *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	visits = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			visits.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String(), visits
}

// pointingTo gives the world's key a certificate of a stranger in which every
// address is the trap's.
func pointingTo(t *testing.T, w *world, addr string) {
	t.Helper()
	ca := stranger(t, w, pkix.Name{CommonName: "CA"})
	template := *w.cert
	template.OCSPServer = []string{"http://" + addr + "/ocsp"}
	template.CRLDistributionPoints = []string{"http://" + addr + "/crl", "ldap://" + addr + "/x", "file:///etc/passwd"}
	template.IssuingCertificateURL = []string{"http://" + addr + "/ca.cer"}
	w.cert = certificate(t, template, w.key.Public(), ca)
}

// TestWhoIsContacted (N01): nobody offline; online nobody but the addresses of
// certificates whose path reaches an anchor.
func TestWhoIsContacted(t *testing.T) {
	tests := []struct {
		name              string
		hostile, offline  bool
		wantTrap, wantLab bool
	}{
		{"ours, offline", false, true, false, false},
		{"ours, online", false, false, false, true},
		{"a stranger's, offline", true, true, false, false},
		{"a stranger's, online", true, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			addr, visits := trap(t)
			signed := w.sign(t, letter(t), signer.B)
			if tt.hostile {
				pointingTo(t, w, addr)
				signed = signUntrusted(t, w)
			}
			cfg, before := w.offline(), asked(w.lab)
			if !tt.offline {
				source, err := fetch.New(fetch.Config{Allow: []string{addr, w.lab.Addr()}, Clock: w.now})
				if err != nil {
					t.Fatal(err)
				}
				defer source.Close()
				cfg.Source = source
			}
			verify(t, cfg, signed, w.now())
			if got := visits.Load() > 0; got != tt.wantTrap {
				t.Errorf("trap: %d visits", visits.Load())
			}
			if got := asked(w.lab) > before; got != tt.wantLab {
				t.Errorf("lab: %d requests", asked(w.lab)-before)
			}
		})
	}
}

// withoutChain signs a letter that lacks the issuing authority's certificate.
func withoutChain(t *testing.T, w *world) []byte {
	t.Helper()
	w.chain = nil
	return signUntrusted(t, w)
}

// TestMissingIssuer: an issuer that is not in the file is fetched from hosts
// that the caller or an authority below an anchor names, and from no others.
func TestMissingIssuer(t *testing.T) {
	tests := []struct {
		name    string
		known   bool // the host is
		offline bool
		fault   lab.Fault
		want    string
		asked   bool
	}{
		{"known host", true, false, lab.None, "PASSED", true},
		{"unknown host", false, false, lab.None, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", false},
		{"offline", true, true, lab.None, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", false},
		{"down", true, false, lab.Down, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
		{"noise", true, false, lab.Garbage, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
		{"elsewhere", true, false, lab.Redirect, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			signed := withoutChain(t, w)
			cfg := w.online()
			if tt.offline {
				cfg = w.offline()
			}
			if tt.known {
				cfg.IssuerHosts = []string{w.lab.Addr()}
			}
			w.lab.SetFault(lab.AIA, tt.fault)
			r := verify(t, cfg, signed, w.now())
			if got := r.Signatures[0].String(); got != tt.want {
				explain(t, r)
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := w.lab.Requests(lab.AIA) > 0; got != tt.asked {
				t.Errorf("%d requests", w.lab.Requests(lab.AIA))
			}
		})
	}
}

// TestIssuerHostsAreLearnt: a host that another signature's certificates
// name, under an anchor, may be asked.
func TestIssuerHostsAreLearnt(t *testing.T) {
	w := newWorld(t)
	first := w.sign(t, letter(t), signer.B) // holds the issuing authority
	anchored := verifier.Config{Signers: pki.NewAnchors(w.lab.Root(), w.lab.Issuing()), TSAs: w.lab.Anchors(), Source: w.source}
	if r := verify(t, anchored, first, w.now()); r.Verdict != verifier.TotalPassed {
		explain(t, r)
		t.Error(r.Verdict)
	}
	// The anchor "issuing" names the lab's address, so that what lacks a path
	// may be asked for there, and is not found to lead anywhere.
	other := newWorld(t)
	before := asked(w.lab)
	if r := verify(t, anchored, withoutChain(t, other), w.now()); r.Verdict == verifier.TotalPassed {
		t.Error("a stranger passes")
	}
	if got := asked(other.lab); got != 0 {
		t.Errorf("a stranger's host got %d requests", got)
	}
	if got := asked(w.lab); got != before {
		t.Errorf("our host got %d requests about a stranger", got-before)
	}
}

// endless is a source that has an issuer for every certificate, and no end.
type endless struct {
	t     *testing.T
	keys  map[string]*ecdsa.PrivateKey // by subject
	calls int
}

var errNothing = errors.New("nothing")

func (e *endless) OCSP(context.Context, *x509.Certificate, *x509.Certificate, time.Time) ([]byte, error) {
	return nil, errNothing
}

func (e *endless) CRL(context.Context, *x509.Certificate, *x509.Certificate, time.Time) ([]byte, error) {
	return nil, errNothing
}

func (e *endless) Issuers(_ context.Context, c *x509.Certificate) ([]*x509.Certificate, error) {
	e.calls++
	next := &authority{key: testkey.P256(e.t).Signer.(*ecdsa.PrivateKey)}
	name := pkix.Name{CommonName: fmt.Sprint("above ", e.calls)}
	next.cert = certify(e.t, 1, name, next.key, nil)
	key := e.keys[c.Issuer.CommonName]
	e.keys[name.CommonName] = next.key
	template := x509.Certificate{
		SerialNumber: next.cert.SerialNumber, Subject: c.Issuer, NotBefore: begin.Add(-day), NotAfter: begin.Add(900 * day),
		IsCA: true, BasicConstraintsValid: true, IssuingCertificateURL: []string{"http://known.contoh/ca.cer"},
	}
	return []*x509.Certificate{certificate(e.t, template, key.Public(), next)}, nil
}

// TestEndlessIssuers: the search for issuers ends.
func TestEndlessIssuers(t *testing.T) {
	w := newWorld(t)
	ca := stranger(t, w, pkix.Name{CommonName: "below"})
	template := *w.cert
	template.IssuingCertificateURL = []string{"http://known.contoh/ca.cer"}
	w.cert = certificate(t, template, w.key.Public(), ca)
	source := &endless{t: t, keys: map[string]*ecdsa.PrivateKey{"below": ca.key}}
	cfg := w.offline()
	cfg.Source, cfg.IssuerHosts = source, []string{"known.contoh"}
	r := verify(t, cfg, withoutChain(t, w), w.now())
	if got, want := r.Signatures[0].String(), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if source.calls != 4 {
		t.Errorf("%d calls", source.calls)
	}
}

// TestHostileSources: whatever a source does, it neither holds the verifier up
// nor makes it pass (R04, R05, R08, R19, R20, D09).
func TestHostileSources(t *testing.T) {
	for _, fault := range []lab.Fault{
		lab.Slow, lab.HTTPError, lab.Garbage, lab.Oversize, lab.Down, lab.Redirect,
		lab.BadSignature, lab.WrongResponder, lab.Stale, lab.Future,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			w := newWorld(t)
			signed := w.sign(t, letter(t), signer.B)
			source, err := fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}, Clock: w.now, Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			w.lab.SetFault(lab.OCSP, fault)
			w.lab.SetFault(lab.CRL, fault)
			cfg := w.offline()
			cfg.Source = source
			began := time.Now()
			r := verify(t, cfg, signed, w.now())
			if got, want := r.Signatures[0].String(), "INDETERMINATE/TRY_LATER"; got != want {
				explain(t, r)
				t.Errorf("got %s, want %s", got, want)
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestWrongNonce (R08): an answer with a nonce that was not sent is refused.
func TestWrongNonce(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.B)
	source, err := fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}, Clock: w.now, Nonce: true, MaxAge: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	cfg := w.offline()
	cfg.Source = source
	w.lab.SetFault(lab.CRL, lab.Down)
	if r := verify(t, cfg, signed, w.now()); r.Verdict != verifier.TotalPassed {
		explain(t, r)
		t.Errorf("right nonce: %s", r.Verdict)
	}
	w.lab.SetFault(lab.OCSP, lab.WrongNonce)
	r := verify(t, cfg, signed, w.now())
	if got, want := r.Signatures[0].String(), "INDETERMINATE/TRY_LATER"; got != want {
		t.Errorf("wrong nonce: got %s, want %s", got, want)
	}
}

// TestNewerWordCounts (R07): an old good answer in the file, still within its
// time, does not hide the revocation that a source knows of.
func TestNewerWordCounts(t *testing.T) {
	w := newWorldWith(t, lab.Config{OCSPLifetime: 12 * time.Hour})
	signed := w.sign(t, letter(t), signer.B)
	var dss pades.DSS
	for _, pair := range [][2]*x509.Certificate{{w.cert, w.lab.Issuing()}, {w.lab.Issuing(), w.lab.Root()}} {
		der, err := w.source.OCSP(context.Background(), pair[0], pair[1], time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		dss.OCSPs = append(dss.OCSPs, der)
	}
	signed = withStore(t, signed, dss)
	w.advance(time.Hour)
	if err := w.lab.Revoke(w.cert, w.now(), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour)
	for _, tt := range []struct {
		name string
		cfg  verifier.Config
		want string
	}{
		{"offline it is all that is known", w.offline(), "PASSED"},
		{"online it is not", w.online(), "INDETERMINATE/REVOKED_NO_POE"},
	} {
		if r := verify(t, tt.cfg, signed, w.now()); r.Signatures[0].String() != tt.want {
			explain(t, r)
			t.Errorf("%s: got %s, want %s", tt.name, r.Signatures[0].Conclusion, tt.want)
		}
	}
}

// TestCachedWordEnds: what the source remembers is served until its nextUpdate
// and no longer.
func TestCachedWordEnds(t *testing.T) {
	w := newWorld(t) // answers live for one hour
	source, err := fetch.New(fetch.Config{Allow: []string{w.lab.Addr()}, Clock: w.now, MaxAge: 100 * day})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	signed := w.sign(t, letter(t), signer.B)
	cfg := w.offline()
	cfg.Source = source
	if r := verify(t, cfg, signed, w.now()); r.Verdict != verifier.TotalPassed {
		t.Fatal(r.Verdict)
	}
	if err := w.lab.Revoke(w.cert, w.now().Add(time.Minute), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.advance(61 * time.Minute)
	if r := verify(t, cfg, signed, w.now()); r.Signatures[0].Sub != verifier.RevokedNoPOE {
		explain(t, r)
		t.Errorf("got %s", r.Signatures[0].Conclusion)
	}
}

// TestFetchesAreBounded: a file that names many signers costs a bounded number
// of questions.
func TestFetchesAreBounded(t *testing.T) {
	w := newWorld(t)
	b := letter(t)
	for range 6 {
		w.issue(t, lab.IssueOptions{})
		b = w.sign(t, b, signer.B)
	}
	before := asked(w.lab)
	r := verify(t, w.online(), b, w.now())
	if r.Verdict != verifier.TotalPassed {
		explain(t, r)
		t.Fatal(r.Verdict)
	}
	// Six signers and their one authority.
	if got := asked(w.lab) - before; got != 7 {
		t.Errorf("%d questions", got)
	}
	if strings.Contains(fmt.Sprint(r.Warnings), "fetch") {
		t.Error(r.Warnings)
	}
}

// TestFloodHidesNothing (R07): hundreds of worthless answers, made in the future
// as they say, do not keep the true one from being read.
func TestFloodHidesNothing(t *testing.T) {
	w := newWorld(t)
	signed := w.sign(t, letter(t), signer.B)
	var dss pades.DSS
	for _, pair := range [][2]*x509.Certificate{{w.cert, w.lab.Issuing()}, {w.lab.Issuing(), w.lab.Root()}} {
		der, err := w.source.CRL(context.Background(), pair[0], pair[1], time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		dss.CRLs = append(dss.CRLs, der)
	}
	for i := range 300 {
		dss.OCSPs = append(dss.OCSPs, forgedOCSP(t, w.cert, w.lab.Issuing(), 1, 100_000+i))
	}
	signed = withStore(t, signed, dss)
	w.advance(time.Hour)
	if r := verify(t, w.offline(), signed, w.now()); r.Verdict != verifier.TotalPassed {
		explain(t, r)
		t.Errorf("offline: %s", r.Verdict)
	}
	if err := w.lab.Revoke(w.cert, w.now(), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	if r := verify(t, w.online(), signed, w.now()); r.Signatures[0].Sub != verifier.RevokedNoPOE {
		explain(t, r)
		t.Errorf("online: %s", r.Signatures[0].Conclusion)
	}
}
