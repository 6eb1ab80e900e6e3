package pki_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/absah-id/absah/pki"
	"golang.org/x/crypto/ocsp"
)

var errDown = errors.New("down")

// shelf is a Source that has prepared answers by serial number.
type shelf struct {
	ocsps, crls map[*x509.Certificate][]byte
	asked       map[*x509.Certificate]time.Time // notBefore of OCSP questions
}

func (s shelf) OCSP(_ context.Context, cert, _ *x509.Certificate, notBefore time.Time) ([]byte, error) {
	if s.asked != nil {
		s.asked[cert] = notBefore
	}
	return find(s.ocsps, cert)
}

func (s shelf) CRL(_ context.Context, cert, _ *x509.Certificate, _ time.Time) ([]byte, error) {
	return find(s.crls, cert)
}

func (s shelf) Issuers(context.Context, *x509.Certificate) ([]*x509.Certificate, error) {
	return nil, errDown
}

func find(m map[*x509.Certificate][]byte, cert *x509.Certificate) ([]byte, error) {
	for c, der := range m {
		if c.Equal(cert) {
			return der, nil
		}
	}
	return nil, errDown
}

type shelved = map[*x509.Certificate][]byte

func TestCollect(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	pointing := func(c *x509.Certificate) { c.OCSPServer = []string{"http://x.y/"} }
	plain := issue(t, "Responder", root, responder, pointing)
	exempt := issue(t, "Responder", root, responder, pointing, extension(false, []byte{5, 0}, 1, 3, 6, 1, 5, 5, 7, 48, 1, 5))
	about := func(cert, by *entity, edits ...func(*ocsp.Response)) []byte {
		r := ocsp.Response{Status: ocsp.Good, SerialNumber: cert.cert.SerialNumber}
		for _, e := range edits {
			e(&r)
		}
		return answer(t, root, by, r)
	}
	revoked := func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, now.Add(-time.Hour) }
	aged := func(d time.Duration) func(*ocsp.Response) {
		return func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(-d), now.Add(time.Hour) }
	}
	clean := list(t, root, x509.RevocationList{})
	dirty := list(t, root, x509.RevocationList{RevokedCertificateEntries: entry(leaf.cert, pki.Superseded)})
	type target = any
	for _, c := range []struct {
		name        string
		ocsps, crls shelved
		notBefore   time.Time
		want        [3]int // certificates, OCSP responses, CRLs
		err         target
	}{
		{"ocsp by the issuer", shelved{leaf.cert: about(leaf, root)}, nil, now, [3]int{2, 1, 0}, nil},
		{"ocsp is preferred", shelved{leaf.cert: about(leaf, root)}, shelved{leaf.cert: clean}, now, [3]int{2, 1, 0}, nil},
		{"crl when there is no ocsp", nil, shelved{leaf.cert: clean}, now, [3]int{2, 0, 1}, nil},
		{"crl when the ocsp answer is bad", shelved{leaf.cert: []byte("x")}, shelved{leaf.cert: clean}, now, [3]int{2, 0, 1}, nil},
		{"exempt responder", shelved{leaf.cert: about(leaf, exempt)}, nil, now, [3]int{3, 1, 0}, nil},
		{"responder with its own status", shelved{leaf.cert: about(leaf, plain), plain.cert: about(plain, root)}, nil, now, [3]int{3, 2, 0}, nil},
		{"responder on a crl", shelved{leaf.cert: about(leaf, plain)}, shelved{plain.cert: clean}, now, [3]int{3, 1, 1}, nil},
		{"responder without status", shelved{leaf.cert: about(leaf, plain)}, nil, now, [3]int{}, new(*pki.UnavailableError)},
		{"responder vouching for itself", shelved{leaf.cert: about(leaf, plain), plain.cert: about(plain, plain)}, nil, now, [3]int{}, new(*pki.UnavailableError)},
		{"revoked responder, then a crl", shelved{leaf.cert: about(leaf, plain), plain.cert: about(plain, root, revoked)}, shelved{leaf.cert: clean}, now, [3]int{2, 0, 1}, nil},
		{"revoked by ocsp", shelved{leaf.cert: about(leaf, root, revoked)}, shelved{leaf.cert: clean}, now, [3]int{}, new(*pki.RevokedError)},
		{"revoked by crl", nil, shelved{leaf.cert: dirty}, now, [3]int{}, new(*pki.RevokedError)},
		{"a day older than asked", shelved{leaf.cert: about(leaf, root, aged(24*time.Hour))}, nil, now, [3]int{2, 1, 0}, nil},
		{"older than that", shelved{leaf.cert: about(leaf, root, aged(25*time.Hour))}, nil, now, [3]int{}, new(*pki.UnavailableError)},
		{"older, and no age asked for", shelved{leaf.cert: about(leaf, root, aged(25*time.Hour))}, nil, time.Time{}, [3]int{2, 1, 0}, nil},
		{"nothing", nil, nil, now, [3]int{}, new(*pki.UnavailableError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := shelf{ocsps: c.ocsps, crls: c.crls}
			ev, err := pki.Collect(context.Background(), []*x509.Certificate{leaf.cert, root.cert}, src, now, c.notBefore)
			if c.err != nil {
				if !errors.As(err, c.err) {
					t.Errorf("got %v, want %T", err, c.err)
				}
				return
			}
			if got := [3]int{len(ev.Certificates), len(ev.OCSPs), len(ev.CRLs)}; err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
			m, _ := ev.Parse() // what is collected is enough to conclude offline
			if st, err := pki.CheckRevocation(leaf.cert, root.cert, m, nil, now, pki.CheckOptions{}); err != nil || st.State != pki.Good {
				t.Errorf("offline: got %v, %v, want good", st.State, err)
			}
		})
	}
}

func TestCollectAsksFreshnessOfLeafOnly(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	sub := issue(t, "Sub", root, ca)
	leaf := issue(t, "Signer", sub)
	good := func(cert, by *entity) []byte {
		return answer(t, by, by, ocsp.Response{Status: ocsp.Good, SerialNumber: cert.cert.SerialNumber})
	}
	for _, only := range []*entity{leaf, sub} {
		src := shelf{ocsps: shelved{only.cert: map[*entity][]byte{leaf: good(leaf, sub), sub: good(sub, root)}[only]}}
		_, err := pki.Collect(context.Background(), []*x509.Certificate{leaf.cert, sub.cert, root.cert}, src, now, now)
		var u *pki.UnavailableError
		if !errors.As(err, &u) || u.Certificate.Equal(only.cert) {
			t.Errorf("got %v, want the other certificate to be missed", err)
		}
	}
}

func TestCollectRefusesOutsideValidity(t *testing.T) {
	root := issue(t, "Root", nil, ca, period(-50*time.Hour, -time.Hour)) // an anchor may be expired
	leaf := issue(t, "Signer", root)
	chain := []*x509.Certificate{leaf.cert, root.cert}
	src := shelf{crls: shelved{leaf.cert: list(t, root, x509.RevocationList{})}}
	if _, err := pki.Collect(context.Background(), chain, src, now, now); err != nil {
		t.Error(err)
	}
	_, err := pki.Collect(context.Background(), chain, src, now.Add(2000*time.Hour), now)
	var invalid *pki.NotValidError
	if !errors.As(err, &invalid) || !invalid.Certificate.Equal(leaf.cert) {
		t.Errorf("got %v, want a NotValidError about the leaf", err)
	}
	if _, err := pki.Collect(context.Background(), nil, src, now, now); err == nil {
		t.Error("an empty chain gives evidence")
	}
}

// stuck is a Source that answers when its context is done.
type stuck struct{ shelf }

func (stuck) OCSP(ctx context.Context, _, _ *x509.Certificate, _ time.Time) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestCollectObeysContext(t *testing.T) {
	root := issue(t, "Root", nil, ca)
	leaf := issue(t, "Signer", root)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := pki.Collect(ctx, []*x509.Certificate{leaf.cert, root.cert}, stuck{}, now, now)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
