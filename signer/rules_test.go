package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

func TestRefused(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	with := func(change func(*signer.Request)) signer.Request {
		req := w.request(signer.LT)
		change(&req)
		return req
	}
	certified := func(p int) []byte {
		return w.sign(t, letter(t), signer.Request{Key: w.key, Certificate: w.cert, At: w.now(), Certify: p})
	}
	cert := func(o lab.IssueOptions) func(*signer.Request) {
		return func(r *signer.Request) { r.Certificate, r.Chain = w.issue(t, w.key.Public(), o) }
	}
	revoked, _ := w.issue(t, w.key.Public(), lab.IssueOptions{})
	held, _ := w.issue(t, w.key.Public(), lab.IssueOptions{})
	if err := errors.Join(w.lab.Revoke(revoked, w.now().Add(-time.Hour), pki.KeyCompromise),
		w.lab.Revoke(held, w.now().Add(-time.Hour), pki.CertificateHold)); err != nil {
		t.Fatal(err)
	}
	other := newWorld(t)
	signedField := w.sign(t, testfile.ByName(t, "form").Bytes(t), w.request(signer.B))

	for _, c := range []struct {
		name string
		in   []byte
		req  signer.Request
		code string
	}{
		{"other key", letter(t), with(func(r *signer.Request) { r.Key = testkey.P256(t) }), signer.CodeKeyMismatch},
		{"expired", letter(t), with(func(r *signer.Request) { r.At = w.cert.NotAfter.Add(time.Second) }), signer.CodeExpired},
		{"not yet valid", letter(t), with(func(r *signer.Request) { r.At = w.cert.NotBefore.Add(-time.Second) }), signer.CodeNotYetValid},
		{"a CA", letter(t), with(func(r *signer.Request) { r.Certificate = w.lab.Issuing() }), signer.CodeAuthority},
		{"encipherment", letter(t), with(cert(lab.IssueOptions{KeyUsage: x509.KeyUsageKeyEncipherment})), signer.CodeKeyUsage},
		{"a server's", letter(t), with(cert(lab.IssueOptions{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})), signer.CodeKeyUsage},
		{"revoked", letter(t), with(func(r *signer.Request) { r.Certificate = revoked }), signer.CodeRevoked},
		{"revoked, fallback", letter(t), with(func(r *signer.Request) { r.Certificate, r.Fallback = revoked, true }), signer.CodeRevoked},
		{"signs certificates", letter(t), with(cert(lab.IssueOptions{KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign})), signer.CodeKeyUsage},
		{"on hold", letter(t), with(func(r *signer.Request) { r.Certificate = held }), signer.CodeOnHold},
		{"other root", letter(t), with(func(r *signer.Request) { r.Key, r.Certificate, r.Chain = other.key, other.cert, other.chain }), signer.CodePath},
		{"no changes allowed", certified(1), w.request(signer.B), "certified-p1"},
		{"certify after signature", w.sign(t, letter(t), w.request(signer.B)), with(func(r *signer.Request) { r.Certify = 2 }), "not-first"},
		{"page 9", letter(t), with(func(r *signer.Request) {
			r.Visible = &signer.Visible{Page: 9, Width: 100, Height: 50, Name: "A"}
		}), "page-missing"},
		{"outside", letter(t), with(func(r *signer.Request) {
			r.Visible = &signer.Visible{X: 550, Width: 100, Height: 50, Name: "A"}
		}), "appearance-outside"},
		{"NIK", letter(t), with(func(r *signer.Request) {
			r.Visible = &signer.Visible{Width: 100, Height: 50, Name: "A", Lines: []string{"3201010101700001"}}
		}), "appearance-personal-number"},
		{"signed field", signedField, with(func(r *signer.Request) { r.Field = fieldOf(t, signedField) }), "field-signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := w.signer.Sign(ctx, input(c.in, ""), c.req)
			var r *signer.RefusedError
			if !errors.As(err, &r) || r.Code != c.code || res != nil {
				t.Fatalf("got %v, %v; want refusal %s", res, err, c.code)
			}
		})
	}
}

func fieldOf(t *testing.T, b []byte) string {
	t.Helper()
	return check(t, b, "")[0].Field
}

// TestBrokenInput: no broken file is signed, also where only a page of it is
// broken, and the errors of package pdf say what it is.
func TestBrokenInput(t *testing.T) {
	w := newWorld(t)
	for _, c := range testfile.BrokenInputs(t) {
		t.Run(c.Name, func(t *testing.T) {
			_, err := w.signer.Sign(context.Background(), input(c.Bytes(t), ""), w.request(signer.B))
			var m *pdf.MalformedError
			var l *pdf.LimitError
			if !errors.As(err, &m) && !errors.As(err, &l) {
				t.Errorf("got %v for %s", err, c.What)
			}
		})
	}
	for _, in := range testfile.Inputs(t) {
		if in.Password != "" {
			_, err := w.signer.Sign(context.Background(), input(in.Bytes(t), "salah"), w.request(signer.B))
			if !errors.Is(err, pdf.ErrPassword) {
				t.Errorf("%s with a wrong password: %v", in.Name, err)
			}
		}
	}
}

// TestFaultyKey: one bit flipped by the module must never reach a document.
func TestFaultyKey(t *testing.T) {
	w := newWorld(t)
	for _, k := range []testkey.Key{w.key, testkey.RSA(t, 2048)} {
		req := w.request(signer.B)
		req.Certificate, req.Chain = w.issue(t, k.Public(), labDefaults)
		req.Key = badKey{k}
		res, err := w.signer.Sign(context.Background(), input(letter(t), ""), req)
		if !errors.Is(err, cms.ErrBadSignature) || res != nil {
			t.Errorf("got %v, %v", res, err)
		}
		res, err = w.signer.SignDetached(context.Background(), bytes.NewReader(letter(t)), req)
		if !errors.Is(err, cms.ErrBadSignature) || res != nil {
			t.Errorf("detached: got %v, %v", res, err)
		}
	}
}

// otherDigest obtains a token over another digest than asked for.
type otherDigest struct{ signer.Timestamper }

func (o otherDigest) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	digest = bytes.Clone(digest)
	digest[0] ^= 1
	return o.Timestamper.Timestamp(ctx, h, digest)
}

type flipped struct{ signer.Timestamper }

func (f flipped) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	der, err := f.Timestamper.Timestamp(ctx, h, digest)
	if err == nil {
		der[len(der)-1] ^= 1
	}
	return der, err
}

// TestServiceFaults: a failing authority or responder is an error, and with
// Fallback the level below, which says why.
func TestServiceFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		service lab.Service
		fault   lab.Fault
		wrap    func(signer.Timestamper) signer.Timestamper
		level   signer.Level // asked for
		want    signer.Level // with Fallback
	}{
		{name: "TSA down", service: lab.TSA, fault: lab.Down, level: signer.T, want: signer.B},
		{name: "TSA down", service: lab.TSA, fault: lab.Down, level: signer.LTA, want: signer.B},
		{name: "TSA wrong nonce", service: lab.TSA, fault: lab.WrongNonce, level: signer.T, want: signer.B},
		{name: "TSA wrong imprint", service: lab.TSA, fault: lab.WrongImprint, level: signer.T, want: signer.B},
		{name: "TSA bad signature", service: lab.TSA, fault: lab.BadSignature, level: signer.T, want: signer.B},
		{name: "TSA wrong key usage", service: lab.TSA, fault: lab.WrongEKU, level: signer.T, want: signer.B},
		{name: "TSA rejects", service: lab.TSA, fault: lab.Reject, level: signer.LT, want: signer.B},
		{name: "client accepts another imprint", level: signer.T, want: signer.B,
			wrap: func(ts signer.Timestamper) signer.Timestamper { return otherDigest{ts} }},
		{name: "client accepts a bad signature", level: signer.T, want: signer.B,
			wrap: func(ts signer.Timestamper) signer.Timestamper { return flipped{ts} }},
	} {
		t.Run(c.name+"/"+c.level.String(), func(t *testing.T) {
			w := newWorld(t)
			if c.wrap != nil {
				w.signer = w.newSigner(t, signer.Config{Timestamper: c.wrap(w.client)})
			}
			w.lab.SetFault(c.service, c.fault)
			checkFault(t, w, c.level, c.want)
		})
	}
	for _, f := range []lab.Fault{lab.Down, lab.Stale, lab.WrongResponder, lab.WrongCertID, lab.BadSignature, lab.HTTPError} {
		t.Run("revocation "+f.String(), func(t *testing.T) {
			w := newWorld(t)
			w.lab.SetFault(lab.OCSP, f)
			w.lab.SetFault(lab.CRL, lab.Down)
			checkFault(t, w, signer.LTA, signer.T)
		})
	}
}

func checkFault(t *testing.T, w *world, level, want signer.Level) {
	t.Helper()
	req := w.request(level)
	res, err := w.signer.Sign(context.Background(), input(letter(t), ""), req)
	var u *signer.UnavailableError
	if !errors.As(err, &u) || res != nil {
		t.Fatalf("got %v, %v; want UnavailableError", res, err)
	}
	req.Fallback = true
	res, err = w.signer.Sign(context.Background(), input(letter(t), ""), req)
	if err != nil {
		t.Fatal(err)
	}
	if res.Level != want || !errors.As(res.Shortfall, &u) {
		t.Errorf("level %v with shortfall %v, want %v", res.Level, res.Shortfall, want)
	}
	check(t, append(letter(t), res.Tail...), "")
}

// TestDeadline: a slow authority ends with the context, also with Fallback.
func TestDeadline(t *testing.T) {
	w := newWorld(t)
	w.lab.SetFault(lab.TSA, lab.Slow)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	req := w.request(signer.T)
	req.Fallback = true
	res, err := w.signer.Sign(ctx, input(letter(t), ""), req)
	if !errors.Is(err, context.DeadlineExceeded) || res != nil {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestMisuse(t *testing.T) {
	w := newWorld(t)
	bare, err := signer.New(signer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		req  signer.Request
	}{
		{"nothing", signer.Request{}},
		{"no moment", signer.Request{Key: w.key, Certificate: w.cert}},
		{"T without authority", w.request(signer.T)},
		{"LT without source", w.request(signer.LT)},
		{"no such level", w.request(signer.LTA + 1)},
	} {
		if res, err := bare.Sign(context.Background(), input(letter(t), ""), c.req); err == nil || res != nil {
			t.Errorf("%s: got %v, %v", c.name, res, err)
		}
	}
	small := w.newSigner(t, signer.Config{TokenSize: 100})
	var p *pades.PlaceholderError
	if _, err := small.Sign(context.Background(), input(letter(t), ""), w.request(signer.T)); !errors.As(err, &p) {
		t.Errorf("token larger than reserved: %v", err)
	}
	late := w.request(signer.T)
	late.At = late.At.Add(-time.Hour)
	late.Certificate, _ = w.issue(t, w.key.Public(), lab.IssueOptions{NotBefore: late.At.Add(-time.Hour)})
	var u *signer.UnavailableError
	if _, err := w.signer.Sign(context.Background(), input(letter(t), ""), late); !errors.As(err, &u) {
		t.Errorf("a clock an hour behind the authority's: %v", err)
	}
}
