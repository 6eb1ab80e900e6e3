package signer_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// countingSource counts the questions about certificates.
type countingSource struct {
	pki.Source
	asked atomic.Int32
}

func (s *countingSource) OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	s.asked.Add(1)
	return s.Source.OCSP(ctx, cert, issuer, notBefore)
}

func (s *countingSource) CRL(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	s.asked.Add(1)
	return s.Source.CRL(ctx, cert, issuer, notBefore)
}

// extension is one of no interest to anybody but the test.
func extension(critical bool, value []byte, id ...int) lab.IssueOptions {
	return lab.IssueOptions{Extra: []pkix.Extension{{Id: asn1.ObjectIdentifier(id), Critical: critical, Value: value}}}
}

var null = []byte{5, 0}

// TestStatusAtEveryLevel: what must not sign signs at no level, and no other
// file either, whatever the fallback.
func TestStatusAtEveryLevel(t *testing.T) {
	w := newWorld(t)
	issue := func(o lab.IssueOptions) *x509.Certificate {
		c, _ := w.issue(t, w.key.Public(), o)
		return c
	}
	revoked, held := issue(lab.IssueOptions{}), issue(lab.IssueOptions{})
	if err := errors.Join(w.lab.Revoke(revoked, w.now().Add(-time.Hour), pki.KeyCompromise),
		w.lab.Revoke(held, w.now().Add(-time.Hour), pki.CertificateHold)); err != nil {
		t.Fatal(err)
	}
	stranger, strangers := newWorld(t).issue(t, w.key.Public(), lab.IssueOptions{})
	noRevAvail := extension(false, null, 2, 5, 29, 56)
	for _, c := range []struct {
		name  string
		cert  *x509.Certificate
		chain []*x509.Certificate
		code  string
	}{
		{"revoked", revoked, w.chain, signer.CodeRevoked},
		{"on hold", held, w.chain, signer.CodeOnHold},
		{"other root", stranger, strangers, signer.CodePath},
		{"unknown critical extension", issue(extension(true, null, 2, 999, 7)), w.chain, signer.CodePath},
		{"nobody to ask", issue(lab.IssueOptions{NoOCSP: true, NoCRL: true}), w.chain, signer.CodeNoStatus},
		{"signs certificates", issue(lab.IssueOptions{KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}), w.chain, signer.CodeKeyUsage},
		{"revoked, with noRevAvail beside addresses", revoke(t, w, issue(noRevAvail)), w.chain, signer.CodeRevoked},
	} {
		for l := signer.B; l <= signer.LTA; l++ {
			for _, fallback := range []bool{false, true} {
				req := w.request(l)
				req.Certificate, req.Chain, req.Fallback = c.cert, c.chain, fallback
				res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
				if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != c.code || res != nil {
					t.Errorf("%s, %v, fallback %v: got %v, %v; want %s", c.name, l, fallback, res, err, c.code)
				}
				if l > signer.T {
					continue
				}
				res, err = w.signer.SignDetached(t.Context(), bytes.NewReader([]byte("berkas")), req)
				if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != c.code || res != nil {
					t.Errorf("%s, %v detached, fallback %v: got %v, %v; want %s", c.name, l, fallback, res, err, c.code)
				}
			}
		}
	}
}

func revoke(t *testing.T, w *world, c *x509.Certificate) *x509.Certificate {
	t.Helper()
	if err := w.lab.Revoke(c, w.now().Add(-time.Hour), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNeverRevoked: RFC 9608 tells that there is nothing to ask, and the
// authorities above are asked about as always.
func TestNeverRevoked(t *testing.T) {
	w := newWorld(t)
	o := extension(false, null, 2, 5, 29, 56)
	o.NoOCSP, o.NoCRL = true, true
	w.cert, w.chain = w.issue(t, w.key.Public(), o)
	out := letter(t)
	for l := signer.B; l <= signer.LTA; l++ {
		out = w.sign(t, out, w.request(l))
	}
	check(t, out, "")
	res, err := w.signer.Augment(t.Context(), input(w.sign(t, letter(t), w.request(signer.T)), ""), signer.LTA, w.now())
	if err != nil || res.Level != signer.LTA {
		t.Errorf("augmenting: %v, %v", res, err)
	}
	if n := len(res.Evidence.OCSPs) + len(res.Evidence.CRLs); n == 0 {
		t.Error("no evidence about the authorities")
	}
}

// TestSunset: a root that is trusted no more is no root, from its day on.
func TestSunset(t *testing.T) {
	w := newWorld(t)
	now := w.now()
	for _, c := range []struct {
		name   string
		sunset time.Time
		ok     bool
	}{{"none", time.Time{}, true}, {"to come", now.Add(time.Hour), true}, {"now", now, false}, {"past", now.AddDate(-1, 0, 0), false}} {
		anchors := w.lab.Anchors()
		for _, root := range anchors.Certificates() {
			anchors = anchors.WithSunset(root, c.sunset)
		}
		req := w.request(signer.B)
		req.At = now
		_, err := w.newSigner(t, signer.Config{Anchors: anchors}).Sign(t.Context(), input(letter(t), ""), req)
		if r, refused := errors.AsType[*signer.RefusedError](err); refused == c.ok || refused && r.Code != signer.CodePath || !refused && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestStatusIsRemembered: a certificate is asked about once a minute, as long
// as it is valid and comes with the same chain.
func TestStatusIsRemembered(t *testing.T) {
	w := newWorld(t)
	source := &countingSource{Source: w.source}
	s := w.newSigner(t, signer.Config{Source: source})
	start := w.now()
	w.cert, w.chain = w.issue(t, w.key.Public(), lab.IssueOptions{NotBefore: start.Add(-time.Hour), NotAfter: start.Add(90 * time.Second)})
	for _, step := range []struct {
		name  string
		after time.Duration
		chain []*x509.Certificate
		asked bool
		code  string
	}{
		{name: "first", chain: w.chain, asked: true},
		{name: "again", chain: w.chain},
		{name: "another chain", chain: nil, asked: true},
		{name: "after a minute", after: time.Minute, chain: w.chain},
		{name: "after more", after: time.Minute + time.Second, chain: w.chain, asked: true},
		{name: "after its end", after: 91 * time.Second, chain: w.chain, code: signer.CodeExpired},
	} {
		before := source.asked.Load()
		req := w.request(signer.B)
		req.At, req.Chain = start.Add(step.after), step.chain
		res, err := s.Sign(t.Context(), input(letter(t), ""), req)
		if err == nil && (len(res.Status.OCSPs) != 2 || len(res.Evidence.OCSPs) != 0) {
			t.Errorf("%s: the status of %d certificates is told, and %d stored; want that of signer and authority told", step.name, len(res.Status.OCSPs), len(res.Evidence.OCSPs))
		}
		if r, _ := errors.AsType[*signer.RefusedError](err); (r == nil) != (step.code == "") || r != nil && r.Code != step.code {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := source.asked.Load() > before; got != step.asked {
			t.Errorf("%s: asked %v, want %v", step.name, got, step.asked)
		}
	}
}

// TestResponderUnknown: the responder of the signer, of an authority above it
// or of the timestamp authority does not know the certificate. From B-LT on that
// is a refusal, also with Fallback and beside a revocation list that holds;
// below, the list decides, and what it says is not remembered for B-LT.
func TestResponderUnknown(t *testing.T) {
	for _, crl := range []lab.Fault{lab.None, lab.Down} {
		w := newWorld(t)
		w.lab.SetFault(lab.OCSP, lab.UnknownStatus)
		w.lab.SetFault(lab.CRL, crl)
		for l := signer.B; l <= signer.LTA; l++ {
			for _, fallback := range []bool{false, true} {
				req := w.request(l)
				req.Fallback = fallback
				res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
				refused, _ := errors.AsType[*signer.RefusedError](err)
				unavailable, _ := errors.AsType[*signer.UnavailableError](err)
				switch {
				case l >= signer.LT:
					if refused == nil || refused.Code != signer.CodeStatusUnknown || res != nil {
						t.Errorf("%v, CRL %v, fallback %v: %v; want %s and no result", l, crl, fallback, err, signer.CodeStatusUnknown)
					}
				case crl == lab.None || fallback:
					if err != nil || res.Level != l || (res.Shortfall == nil) != (crl == lab.None) ||
						len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], signer.CodeStatusUnknown+": ") {
						t.Errorf("%v, CRL %v, fallback %v: %v, or level and shortfall are wrong", l, crl, fallback, err)
					}
				case unavailable == nil:
					t.Errorf("%v, CRL %v: %v, want an UnavailableError", l, crl, err)
				}
			}
		}
	}
}

// TestResponderUnknownAlone: where no list can be asked the answer is the last
// word at every level, and no service that is down.
func TestResponderUnknownAlone(t *testing.T) {
	w := newWorld(t)
	w.lab.SetFault(lab.OCSP, lab.UnknownStatus)
	w.cert, w.chain = w.issue(t, w.key.Public(), lab.IssueOptions{NoCRL: true})
	for l := signer.B; l <= signer.LTA; l++ {
		for _, fallback := range []bool{false, true} {
			req := w.request(l)
			req.Fallback = fallback
			res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
			if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != signer.CodeStatusUnknown || res != nil {
				t.Errorf("%v, fallback %v: %v; want %s and no result", l, fallback, err, signer.CodeStatusUnknown)
			}
		}
	}
}

// TestResponderUnknownLater: the responder knows the signer no more when the
// evidence is collected, or never knew the timestamp authority.
func TestResponderUnknownLater(t *testing.T) {
	for _, c := range []struct {
		name, code string
		about      func(*world, *x509.Certificate) bool
	}{
		{"signer", signer.CodeStatusUnknown, func(w *world, c *x509.Certificate) bool { return c.Equal(w.cert) }},
		{"authority", signer.CodeStatusUnknown, func(w *world, c *x509.Certificate) bool { return c.Equal(w.chain[0]) }},
		{"timestamp authority", signer.CodeTSA, func(w *world, c *x509.Certificate) bool {
			return !c.Equal(w.cert) && !c.Equal(w.chain[0])
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			source := &unknowing{Source: w.source}
			w.signer = w.newSigner(t, signer.Config{Source: source})
			signed := w.sign(t, letter(t), w.request(signer.T))
			source.about = func(cert *x509.Certificate) bool { return c.about(w, cert) }
			want := func(what string, res *signer.Result, err error) {
				t.Helper()
				if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != c.code || res != nil {
					t.Errorf("%s: %v; want %s and no result", what, err, c.code)
				}
			}
			req := w.request(signer.LT) // its certificate is remembered as good
			req.Fallback = true
			res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
			want("sign", res, err)
			res, err = w.signer.Augment(t.Context(), input(signed, ""), signer.LTA, w.now())
			want("augment", res, err)
		})
	}
}

// unknowing is a source whose responder does not know some certificates.
type unknowing struct {
	pki.Source
	about func(*x509.Certificate) bool
}

func (s *unknowing) OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	if s.about != nil && s.about(cert) {
		return nil, errors.Join(errors.New("one responder is down"), &pki.RejectError{Object: "ocsp", Rule: pki.RuleUnknown})
	}
	return s.Source.OCSP(ctx, cert, issuer, notBefore)
}

// TestStatusUnknown: who cannot be asked now is an error at every level, and
// with Fallback the signature says what is not known.
func TestStatusUnknown(t *testing.T) {
	w := newWorld(t)
	w.lab.SetFault(lab.OCSP, lab.Down)
	w.lab.SetFault(lab.CRL, lab.Down)
	for _, c := range []struct{ asked, reached signer.Level }{{signer.B, signer.B}, {signer.T, signer.T}, {signer.LTA, signer.T}} {
		req := w.request(c.asked)
		_, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
		if u, ok := errors.AsType[*signer.UnavailableError](err); !ok || u.Service != "revocation" {
			t.Errorf("%v: got %v, want an UnavailableError", c.asked, err)
		}
		req.Fallback = true
		res, err := w.signer.Sign(t.Context(), input(letter(t), ""), req)
		if err != nil {
			t.Fatal(err)
		}
		if u, ok := errors.AsType[*signer.UnavailableError](res.Shortfall); !ok || u.Service != "revocation" || res.Level != c.reached {
			t.Errorf("%v with fallback: %v, shortfall %v", c.asked, res.Level, res.Shortfall)
		}
	}
	req := w.request(signer.T)
	req.Fallback = true
	res, err := w.signer.SignDetached(t.Context(), bytes.NewReader([]byte("berkas")), req)
	if err != nil || res.Level != signer.T || res.Shortfall == nil {
		t.Errorf("detached: %v, %v", res, err)
	}
}
