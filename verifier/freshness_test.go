package verifier_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// oldList is a source that knows one certificate by an old CRL alone.
type oldList struct {
	pki.Source
	of  *x509.Certificate
	crl []byte
}

func (o oldList) OCSP(ctx context.Context, cert, issuer *x509.Certificate, since time.Time) ([]byte, error) {
	if cert.Equal(o.of) {
		return nil, errors.New("no responder")
	}
	return o.Source.OCSP(ctx, cert, issuer, since)
}

func (o oldList) CRL(ctx context.Context, cert, issuer *x509.Certificate, since time.Time) ([]byte, error) {
	if cert.Equal(o.of) {
		return o.crl, nil
	}
	return o.Source.CRL(ctx, cert, issuer, since)
}

// TestAgeOfStatus: the status of the signer's certificate must be recent, that
// of a time-stamp authority's current (EN 319 102-1 §5.2.5): authorities
// publish lists that stand for weeks.
func TestAgeOfStatus(t *testing.T) {
	const month = 30 * day
	tsa := func(w *world) *x509.Certificate { return w.lab.TSA() }
	own := func(w *world) *x509.Certificate { return w.cert }
	tests := []struct {
		name string
		of   func(*world) *x509.Certificate
		age  time.Duration // of its CRL, which stands for a month, at the signature
		want string
		time string // of the time-stamp
	}{
		{"authority's of an hour", tsa, time.Hour, "PASSED", "PASSED"},
		{"authority's of three weeks", tsa, 21 * day, "PASSED", "PASSED"},
		{"authority's in its last second", tsa, month - time.Second, "PASSED", "PASSED"},
		{"authority's that has ended", tsa, month, "PASSED", "INDETERMINATE/TRY_LATER"},
		{"signer's of an hour", own, time.Hour, "PASSED", "PASSED"},
		{"signer's of two days", own, 2 * day, "INDETERMINATE/TRY_LATER", "PASSED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldWith(t, lab.Config{CRLLifetime: month})
			crl, err := w.source.CRL(context.Background(), tt.of(w), w.lab.Issuing(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			w.advance(tt.age)
			signed := w.sign(t, letter(t), signer.T)
			cfg := w.offline()
			cfg.Source = oldList{w.source, tt.of(w), crl}
			s := verify(t, cfg, signed, w.now()).Signatures[0]
			if s.String() != tt.want || s.Timestamps[0].String() != tt.time {
				t.Errorf("got %s, time-stamp %s; want %s, %s", s.Conclusion, s.Timestamps[0].Conclusion, tt.want, tt.time)
			}
		})
	}
}

// TestRevokedAuthority: an old list of a time-stamp authority that still
// stands does not hide its revocation from whoever asks, and what it stamped
// afterwards proves nothing, whatever time it says.
func TestRevokedAuthority(t *testing.T) {
	w := newWorldWith(t, lab.Config{CRLLifetime: 30 * day})
	w.issue(t, lab.IssueOptions{NotAfter: begin.Add(10 * day)})
	w.advance(day)
	signed := w.sign(t, letter(t), signer.LTA)
	w.advance(10 * day)
	if err := w.lab.Revoke(w.lab.TSA(), begin.Add(2*day), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour)
	tests := []struct {
		name string
		cfg  verifier.Config
		want string
	}{
		{"as embedded", w.offline(), "PASSED"},
		{"as known today", w.online(), "INDETERMINATE/OUT_OF_BOUNDS_NOT_REVOKED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if s := verify(t, tt.cfg, signed, w.now()).Signatures[0]; s.String() != tt.want {
				t.Errorf("got %s, want %s", s.Conclusion, tt.want)
			}
		})
	}
}

// TestNeverRevoked: a certificate with noRevAvail and without an address of
// revocation data (RFC 9608) needs no status, neither at the level that the
// signer makes of it nor when it has ended; an address beside it, or a list
// that names it, counts more.
func TestNeverRevoked(t *testing.T) {
	noRevAvail := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: []byte{5, 0}}
	exempt := lab.IssueOptions{NotAfter: begin.Add(7 * day), NoOCSP: true, NoCRL: true, Extra: []pkix.Extension{noRevAvail}}
	addressed := lab.IssueOptions{NotAfter: begin.Add(7 * day), Extra: []pkix.Extension{noRevAvail}}
	silent := lab.IssueOptions{NotAfter: begin.Add(7 * day), NoOCSP: true, NoCRL: true}
	tests := []struct {
		name    string
		level   signer.Level
		cert    lab.IssueOptions
		wait    time.Duration
		revoked bool
		want    string
		reaches string
	}{
		{"B-B", signer.B, exempt, 0, false, "PASSED", "PAdES-BASELINE-B"},
		{"B-T", signer.T, exempt, 0, false, "PASSED", "PAdES-BASELINE-T"},
		{"B-LT", signer.LT, exempt, 0, false, "PASSED", "PAdES-BASELINE-LT"},
		{"B-LTA", signer.LTA, exempt, 0, false, "PASSED", "PAdES-BASELINE-LTA"},
		{"B-LTA, ended", signer.LTA, exempt, 30 * day, false, "PASSED", "PAdES-BASELINE-LTA"},
		{"B-B, ended", signer.B, exempt, 30 * day, false, "INDETERMINATE/OUT_OF_BOUNDS_NOT_REVOKED", "PAdES-BASELINE-B"},
		{"addresses beside it", signer.LTA, addressed, 0, false, "PASSED", "PAdES-BASELINE-LTA"},
		{"revoked all the same", signer.T, exempt, 0, true, "INDETERMINATE/REVOKED_NO_POE", "PAdES-BASELINE-T"},
		{"neither extension nor address", signer.B, silent, 0, false, "INDETERMINATE/TRY_LATER", "PAdES-BASELINE-B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.level <= signer.T { // who has no anchors does not ask
				var err error
				if w.signer, err = signer.New(signer.Config{Timestamper: w.client}); err != nil {
					t.Fatal(err)
				}
			}
			w.issue(t, tt.cert)
			if tt.revoked { // which the list says that the authority of the time-stamp needs
				if err := w.lab.Revoke(w.cert, w.now().Add(-time.Hour), pki.KeyCompromise); err != nil {
					t.Fatal(err)
				}
				w.lab.SetFault(lab.OCSP, lab.Down)
			}
			signed := w.sign(t, letter(t), tt.level)
			w.advance(tt.wait)
			s := verify(t, w.online(), signed, w.now()).Signatures[0]
			if s.String() != tt.want || s.Level != tt.reaches {
				t.Errorf("got %s %s, want %s %s", s.Conclusion, s.Level, tt.want, tt.reaches)
			}
		})
	}
}
