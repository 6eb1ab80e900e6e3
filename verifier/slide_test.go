package verifier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// archive is a second PKI for time-stamps alone, which begins some time after
// the first.
type archive struct {
	*world
	lab    *lab.Lab
	signer *signer.Signer
}

func newArchive(tb testing.TB, w *world, key lab.KeyAlgorithm) *archive {
	tb.Helper()
	a := &archive{world: w}
	var err error
	if a.lab, err = lab.Start(lab.Config{Clock: w.now, RootKey: key, Key: key}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { a.lab.Close() })
	client, err := tsp.NewClient(tsp.ClientConfig{URLs: []string{a.lab.TSAURL()}, Clock: w.now, Anchors: a.lab.Anchors().Certificates()})
	if err != nil {
		tb.Fatal(err)
	}
	source, err := fetch.New(fetch.Config{Allow: []string{a.lab.Addr(), w.lab.Addr()}, Clock: w.now, MaxAge: -1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { source.Close() })
	a.signer, err = signer.New(signer.Config{Timestamper: client, Source: source, Anchors: w.lab.Anchors(), TSAAnchors: a.tsas()})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func (a *archive) tsas() *pki.Anchors {
	return pki.NewAnchors(a.lab.Root(), a.world.lab.Root())
}

// renew adds a time-stamp of the archive over everything.
func (a *archive) renew(tb testing.TB, b []byte) []byte {
	tb.Helper()
	res, err := a.signer.Augment(context.Background(), input(b), signer.LTA, a.now())
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(b), res.Tail...)
}

// TestRenewedArchive: what a letter rests on ends after an independent archive
// renewed it, so that past signature validation has to answer; and before it
// did, so that it must not.
func TestRenewedArchive(t *testing.T) {
	const year = 365 * day
	revokeCA := func(t *testing.T, w *world) {
		t.Helper()
		w.advance(day)
		if err := w.lab.Revoke(w.lab.Issuing(), w.now(), pki.CACompromise); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Hour)
	}
	revokeTSA := func(t *testing.T, w *world) {
		t.Helper()
		w.advance(year)
		if err := w.lab.Revoke(w.lab.TSA(), w.now(), pki.KeyCompromise); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Hour)
	}
	wait := func(d time.Duration) func(*testing.T, *world) { return func(_ *testing.T, w *world) { w.advance(d) } }
	tests := []struct {
		name          string
		before, after func(*testing.T, *world) // around the renewal
		aged          string                   // see aged
		online        bool
		want          verifier.Indication
		sub           verifier.SubIndication
	}{
		{"TSA and signer expired later", nil, wait(4 * year), "", false, verifier.Passed, ""},
		{"signer expired before", wait(2 * year), wait(year), "", false, verifier.Passed, ""},
		{"signer expired, TSA revoked later", nil, revokeTSA, "", true, verifier.Passed, ""},
		{"anchor's sunset later", nil, wait(year), "sunset 2028-06-01", false, verifier.Passed, ""},
		{"anchor's sunset before", nil, wait(year), "sunset 2027-06-01", false, verifier.Indeterminate, verifier.NoChainFoundNoPOE},
		// RSA-2048 ends on 2031-01-01 by policy gov; the renewal is of December 2030.
		{"RSA-2048 ended later", wait(1200 * day), wait(180 * day), "RSA-2048", false, verifier.Passed, ""},
		{"RSA-2048 ended before", wait(1230 * day), wait(180 * day), "RSA-2048", false, verifier.Indeterminate, verifier.CryptoNoPOE},
		{"algorithm aged later", nil, wait(year), "ECDSA 2028-06-01", false, verifier.Passed, ""},
		// Algorithms (§5.2.6.4 step 6) come before the signer's validity (step 7).
		{"algorithm aged before", nil, wait(year), "ECDSA 2027-06-01", false, verifier.Indeterminate, verifier.CryptoNoPOE},
		{"CA revoked later", nil, revokeCA, "", true, verifier.Passed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldFor(t, tt.aged)
			signed := w.sign(t, letter(t), signer.LTA)
			w.advance(year + year/2)
			if tt.before != nil {
				tt.before(t, w)
			}
			key := lab.ECDSAP256
			if strings.HasPrefix(tt.aged, "ECDSA") {
				key = lab.RSA2048 // outlives it
			}
			a := newArchive(t, w, key)
			renewed := a.renew(t, signed)
			tt.after(t, w)
			cfg := verifier.Config{Signers: w.lab.Anchors(), TSAs: a.tsas()}
			if tt.online {
				cfg.Source = w.source
			}
			age(t, &cfg, w, tt.aged)
			r := verify(t, cfg, renewed, w.now())
			if s := r.Signatures[0]; s.Indication != tt.want || s.Sub != tt.sub {
				explain(t, r)
				t.Errorf("got %s, want %s/%s", s.Conclusion, tt.want, tt.sub)
			}
		})
	}
}

// newWorldFor is a world with the keys that a row of a table needs.
func newWorldFor(t *testing.T, aged string) *world {
	t.Helper()
	if aged != "RSA-2048" {
		return newWorld(t)
	}
	w := newWorldWith(t, lab.Config{Key: lab.RSA2048})
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.key = testkey.Key{Signer: k}
	w.issue(t, lab.IssueOptions{})
	return w
}

// age ends what a row of a table says: the trust in the lab's root ("sunset
// DATE"), an algorithm ("ECDSA DATE", "SHA-256 DATE"), or nothing but what the
// policy ends by itself ("RSA-2048", "").
func age(t *testing.T, cfg *verifier.Config, w *world, what string) {
	t.Helper()
	what, date, _ := strings.Cut(what, " ")
	entry := func(of string) string {
		if of != what {
			return ""
		}
		return `,"until":"` + date + `"`
	}
	switch what {
	case "", "RSA-2048":
		return
	case "sunset":
		end, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Signers, cfg.TSAs = cfg.Signers.WithSunset(w.lab.Root(), end), cfg.TSAs.WithSunset(w.lab.Root(), end)
		return
	}
	var err error
	cfg.Catalogue, err = verifier.ParseCatalogue([]byte(`{"name":"aged","asOf":"2026-01-01","digests":[{"name":"SHA-256"` + entry("SHA-256") + `}],
		"signatures":[{"scheme":"ECDSA","bits":256` + entry("ECDSA") + `},{"scheme":"RSASSA-PKCS1-v1_5","bits":1900}]}`))
	if err != nil {
		t.Fatal(err)
	}
}

// TestTimeSlide is about EN 319 102-1 §5.3 to §5.6: what becomes of a signature
// when something it rests on ends, with proofs of existence and without.
func TestTimeSlide(t *testing.T) {
	const passed, indeterminate = verifier.Passed, verifier.Indeterminate
	year := 365 * day
	shortLived := lab.IssueOptions{NotAfter: begin.Add(30 * day)}
	// story happens after the letter is signed; it returns the letter to judge.
	type story func(t *testing.T, w *world, signed []byte) []byte
	wait := func(d time.Duration) story {
		return func(_ *testing.T, w *world, b []byte) []byte { w.advance(d); return b }
	}
	revoke := func(d time.Duration, which func(*world) *x509.Certificate, reason pki.Reason) story {
		return func(t *testing.T, w *world, b []byte) []byte {
			t.Helper()
			w.advance(d)
			if err := w.lab.Revoke(which(w), w.now(), reason); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Hour)
			return b
		}
	}
	signerCert := func(w *world) *x509.Certificate { return w.cert }
	issuing := func(w *world) *x509.Certificate { return w.lab.Issuing() }
	tsa := func(w *world) *x509.Certificate { return w.lab.TSA() }
	renewThen := func(d time.Duration, next story) story {
		return func(t *testing.T, w *world, b []byte) []byte {
			t.Helper()
			w.advance(d)
			return next(t, w, w.augment(t, b))
		}
	}
	tests := []struct {
		name    string
		level   signer.Level
		cert    lab.IssueOptions
		story   story
		offline bool
		aged    string // see age
		want    verifier.Indication
		sub     verifier.SubIndication
	}{
		{"valid, B-B", signer.B, lab.IssueOptions{}, wait(0), false, "", passed, ""},
		{"B-B offline has no status", signer.B, lab.IssueOptions{}, wait(0), true, "", indeterminate, verifier.TryLater},
		{"expired, B-B", signer.B, shortLived, wait(40 * day), false, "", indeterminate, verifier.OutOfBoundsNoPOE},
		{"expired, B-T without status", signer.T, shortLived, wait(40 * day), true, "", indeterminate, verifier.OutOfBoundsNoPOE},
		{"expired, B-LT", signer.LT, shortLived, wait(40 * day), true, "", passed, ""},
		{"expired, B-LTA", signer.LTA, shortLived, wait(40 * day), true, "", passed, ""},

		{"revoked later, B-B", signer.B, lab.IssueOptions{}, revoke(day, signerCert, pki.KeyCompromise), false, "", indeterminate, verifier.RevokedNoPOE},
		{"revoked later, B-T", signer.T, lab.IssueOptions{}, revoke(day, signerCert, pki.KeyCompromise), false, "", passed, ""},
		{"revoked later, B-LT", signer.LT, lab.IssueOptions{}, revoke(40*day, signerCert, pki.KeyCompromise), false, "", passed, ""},
		{"revoked later, B-LTA", signer.LTA, lab.IssueOptions{}, revoke(40*day, signerCert, pki.KeyCompromise), false, "", passed, ""},
		{"on hold later, B-T", signer.T, lab.IssueOptions{}, revoke(day, signerCert, pki.CertificateHold), false, "", passed, ""},
		{"on hold, B-B", signer.B, lab.IssueOptions{}, revoke(day, signerCert, pki.CertificateHold), false, "", indeterminate, verifier.TryLater},

		{"CA revoked, B-B", signer.B, lab.IssueOptions{}, revoke(day, issuing, pki.CACompromise), false, "", indeterminate, verifier.RevokedCANoPOE},
		// The timestamp's authority stands under the same revoked CA.
		{"CA revoked, B-LTA", signer.LTA, lab.IssueOptions{}, revoke(40*day, issuing, pki.CACompromise), false, "", indeterminate, verifier.RevokedCANoPOE},

		{"TSA expired, B-T", signer.T, lab.IssueOptions{}, wait(6 * year), true, "", indeterminate, verifier.OutOfBoundsNoPOE},
		{"TSA expired, B-LT", signer.LT, lab.IssueOptions{}, wait(6 * year), true, "", indeterminate, verifier.OutOfBoundsNotRevoked},
		{"TSA expired, B-LTA", signer.LTA, lab.IssueOptions{}, wait(6 * year), true, "", indeterminate, verifier.OutOfBoundsNotRevoked},
		{"TSA revoked, B-LTA", signer.LTA, shortLived, revoke(40*day, tsa, pki.KeyCompromise), false, "", indeterminate, verifier.OutOfBoundsNotRevoked},
		{"TSA revoked after renewal", signer.LTA, shortLived, renewThen(40*day, revoke(day, tsa, pki.KeyCompromise)), false, "", indeterminate, verifier.OutOfBoundsNotRevoked},
		{"renewed, signer expired", signer.LTA, shortLived, renewThen(40*day, wait(year)), true, "", passed, ""},

		{"algorithm aged, B-B", signer.B, lab.IssueOptions{}, wait(40 * day), false, "ECDSA 2026-03-10", indeterminate, verifier.CryptoNoPOE},
		{"algorithm aged, B-LTA", signer.LTA, lab.IssueOptions{}, wait(40 * day), true, "ECDSA 2026-03-10", indeterminate, verifier.CryptoNoPOE},
		{"algorithm not yet aged, B-LTA", signer.LTA, lab.IssueOptions{}, wait(40 * day), true, "ECDSA 2026-06-10", passed, ""},
		{"digest aged, B-B", signer.B, lab.IssueOptions{}, wait(40 * day), false, "SHA-256 2026-03-10", indeterminate, verifier.CryptoNoPOE},
		{"digest aged, B-LTA", signer.LTA, lab.IssueOptions{}, wait(40 * day), true, "SHA-256 2026-03-10", indeterminate, verifier.CryptoNoPOE},
		{"RSA-2048 in its last month, B-LTA", signer.LTA, lab.IssueOptions{}, wait(1750 * day), true, "RSA-2048", passed, ""},
		{"RSA-2048 after its end, B-LTA", signer.LTA, lab.IssueOptions{}, wait(1780 * day), true, "RSA-2048", indeterminate, verifier.CryptoNoPOE},
		{"RSA-2048 after its end, B-B", signer.B, lab.IssueOptions{NotAfter: begin.Add(2000 * day)}, wait(1780 * day), false, "RSA-2048", indeterminate, verifier.CryptoNoPOE},

		{"anchor before its sunset, B-B", signer.B, lab.IssueOptions{}, wait(7 * day), false, "sunset 2026-03-10", passed, ""},
		{"anchor after its sunset, B-B", signer.B, lab.IssueOptions{}, wait(8 * day), false, "sunset 2026-03-10", indeterminate, verifier.NoChainFoundNoPOE},
		{"anchor after its sunset, B-T", signer.T, lab.IssueOptions{}, wait(8 * day), false, "sunset 2026-03-10", indeterminate, verifier.NoChainFoundNoPOE},
		{"anchor of all after its sunset, B-LTA", signer.LTA, lab.IssueOptions{}, wait(8 * day), true, "sunset 2026-03-10", indeterminate, verifier.NoChainFoundNoPOE},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldFor(t, tt.aged)
			w.issue(t, tt.cert)
			b := tt.story(t, w, w.sign(t, letter(t), tt.level))
			cfg := w.online()
			if tt.offline {
				cfg = w.offline()
			}
			age(t, &cfg, w, tt.aged)
			r := verify(t, cfg, b, w.now())
			if s := r.Signatures[0]; s.Indication != tt.want || s.Sub != tt.sub {
				explain(t, r)
				t.Errorf("got %s, want %s/%s", s.Conclusion, tt.want, tt.sub)
			}
		})
	}
}
