package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/verifier"
)

// authority is a certificate with its key, under no anchor.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate // nil: it has none yet, and signs its own
}

// certificate makes a certificate of by.
func certificate(tb testing.TB, template x509.Certificate, pub crypto.PublicKey, by *authority) *x509.Certificate {
	tb.Helper()
	parent := by.cert
	if parent == nil {
		parent = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, pub, by.key)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// authorityTemplate is what certificates of authorities have in common.
func authorityTemplate(serial int64, subject pkix.Name, from, to time.Time) x509.Certificate {
	return x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: subject, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// certify makes a certificate for key under a name; by nil signs itself.
func certify(t *testing.T, serial int64, subject pkix.Name, key *ecdsa.PrivateKey, by *authority) *x509.Certificate {
	t.Helper()
	if by == nil {
		by = &authority{key: key}
	}
	return certificate(t, authorityTemplate(serial, subject, begin.Add(-day), begin.Add(1000*day)), key.Public(), by)
}

// authorityOf makes an authority with a key of its own; by nil is a root.
func authorityOf(t *testing.T, name string, serial int64, from, to time.Time, by *authority) *authority {
	t.Helper()
	a := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	a.cert = recertified(t, a, name, serial, from, to, by)
	return a
}

// recertified is another certificate of an authority.
func recertified(t *testing.T, a *authority, name string, serial int64, from, to time.Time, by *authority) *x509.Certificate {
	t.Helper()
	if by == nil {
		by = a
	}
	return certificate(t, authorityTemplate(serial, pkix.Name{CommonName: name}, from, to), a.key.Public(), by)
}

// official gives the world's key a certificate of by and has it sign unchecked.
func (w *world) official(t *testing.T, from, to time.Time, by *authority) {
	t.Helper()
	w.cert = certificate(t, x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Pejabat Contoh"}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}, w.key.Public(), by)
	w.chain = []*x509.Certificate{by.cert}
	var err error
	if w.signer, err = signer.New(signer.Config{Timestamper: w.client}); err != nil {
		t.Fatal(err)
	}
}

// revoked is an entry of a list.
func revoked(c *x509.Certificate, at time.Time, reason pki.Reason) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: at, ReasonCode: int(reason)}
}

// listAt is a list that stands for a month.
func listAt(t *testing.T, by *authority, at time.Time, extra []pkix.Extension, entries ...x509.RevocationListEntry) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(at.Unix()), ThisUpdate: at, NextUpdate: at.Add(30 * day), RevokedCertificateEntries: entries, ExtraExtensions: extra,
	}, by.cert, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// stampLists are the lists about the lab's time-stamp authority, of now.
func stampLists(t *testing.T, w *world) (lists [][]byte) {
	t.Helper()
	for _, pair := range [][2]*x509.Certificate{{w.lab.TSA(), w.lab.Issuing()}, {w.lab.Issuing(), w.lab.Root()}} {
		der, err := w.source.CRL(context.Background(), pair[0], pair[1], time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, der)
	}
	return lists
}

// judgedAt moves the clock to a moment and adds what is then known of the lab's
// time-stamp authority.
func (w *world) judgedAt(t *testing.T, b []byte, at time.Time) []byte {
	t.Helper()
	w.advance(at.Sub(w.now()))
	return withStore(t, b, pades.DSS{CRLs: stampLists(t, w)})
}

// TestAuthorityEnds: an authority that was revoked before a signature spoils it
// whatever is said of the signer, and one that has expired says nothing new: who
// has its key later could let it say anything (EN 319 102-1 §5.5.4, §5.6.2.4).
func TestAuthorityEnds(t *testing.T) {
	const never = 0
	tests := []struct {
		name                string
		level               signer.Level
		expires, ca, signer time.Duration // after begin: end of the authority, revocations
		reason              pki.Reason    // the signer's
		archived            time.Duration // by a document time-stamp
		after               time.Duration // the judgement
		want                string
	}{
		{"nothing", signer.B, 900 * day, never, never, 0, never, 3 * day, "INDETERMINATE/TRY_LATER"}, // the status is too old
		{"nothing, stamped", signer.T, 900 * day, never, never, 0, never, 3 * day, "PASSED"},
		{"authority before", signer.B, 900 * day, -12 * time.Hour, never, 0, never, time.Hour, "INDETERMINATE/REVOKED_CA_NO_POE"},
		{"authority before, signer in future", signer.B, 900 * day, -12 * time.Hour, 10 * day, pki.Superseded, never, time.Hour, "INDETERMINATE/REVOKED_CA_NO_POE"},
		{"authority before, signer after", signer.T, 900 * day, -12 * time.Hour, day, pki.Superseded, never, 3 * day, "INDETERMINATE/REVOKED_CA_NO_POE"},
		{"authority before, signer on hold after", signer.T, 900 * day, -12 * time.Hour, day, pki.CertificateHold, never, 3 * day, "INDETERMINATE/REVOKED_CA_NO_POE"},
		{"authority after, signer before", signer.T, 900 * day, day, -time.Hour, pki.KeyCompromise, never, 3 * day, "INDETERMINATE/REVOKED_NO_POE"},
		{"both after", signer.T, 900 * day, day, 2 * day, pki.Superseded, never, 3 * day, "PASSED"},
		{"both after, one on hold", signer.T, 900 * day, day, 2 * day, pki.CertificateHold, never, 3 * day, "PASSED"},

		{"authority expired", signer.T, 100 * day, never, never, 0, never, 110 * day, "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE"},
		{"authority expired, signer revoked after", signer.T, 100 * day, never, day, pki.Superseded, never, 110 * day, "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE"},
		{"authority expired, archived before", signer.T, 100 * day, never, never, 0, 5 * day, 110 * day, "PASSED"},
		{"authority expired, archived before, signer revoked after", signer.T, 100 * day, never, day, pki.Superseded, 5 * day, 110 * day, "PASSED"},
		{"authority expired, archived after", signer.T, 100 * day, never, never, 0, 105 * day, 110 * day, "INDETERMINATE/REVOCATION_OUT_OF_BOUNDS_NO_POE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			root := authorityOf(t, "Root Contoh", 1, begin.Add(-day), begin.Add(900*day), nil)
			ca := authorityOf(t, "CA Contoh", 2, begin.Add(-day), begin.Add(tt.expires), root)
			w.official(t, begin.Add(-day), begin.Add(min(tt.expires, 90*day)), ca)
			signed := w.sign(t, letter(t), tt.level)
			var ofCA, ofSigner []x509.RevocationListEntry
			if tt.ca != never {
				ofCA = append(ofCA, revoked(ca.cert, begin.Add(tt.ca), pki.CACompromise))
			}
			if tt.signer != never {
				ofSigner = append(ofSigner, revoked(w.cert, begin.Add(tt.signer), tt.reason))
			}
			dss := pades.DSS{CRLs: append(stampLists(t, w), listAt(t, root, begin, nil, ofCA...), listAt(t, ca, begin, nil, ofSigner...))}
			signed = withStore(t, signed, dss)
			if tt.archived != never {
				w.advance(tt.archived)
				signed = stamped(t, w, signed, 1)
			}
			signed = w.judgedAt(t, signed, begin.Add(tt.after))
			cfg := verifier.Config{Signers: pki.NewAnchors(root.cert), TSAs: w.lab.Anchors()}
			r := verify(t, cfg, signed, begin.Add(tt.after))
			if got := r.Signatures[0].String(); got != tt.want {
				explain(t, r)
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestFormerCertificate: an authority had a certificate that has ended and is on
// no list, and a later one of the same key, which was revoked. The former one
// does not vouch for what was signed after it.
func TestFormerCertificate(t *testing.T) {
	w := newWorld(t)
	root := authorityOf(t, "Root Contoh", 1, begin.Add(-2000*day), begin.Add(900*day), nil)
	ca := authorityOf(t, "CA Contoh", 2, begin.Add(-300*day), begin.Add(900*day), root)
	former := recertified(t, ca, "CA Contoh", 3, begin.Add(-2000*day), begin.Add(-100*day), root)
	w.official(t, begin.Add(-200*day), begin.Add(90*day), ca)
	signed := w.sign(t, letter(t), signer.T)
	since, err := asn1.MarshalWithParams(begin.Add(-3000*day), "generalized")
	if err != nil {
		t.Fatal(err)
	}
	kept := []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 60}, Value: since}} // expiredCertsOnCRL
	dss := pades.DSS{
		Certificates: [][]byte{former.Raw},
		CRLs: append(stampLists(t, w), listAt(t, root, begin, kept, revoked(ca.cert, begin.Add(-10*day), pki.CACompromise)),
			listAt(t, ca, begin, nil)),
	}
	cfg := verifier.Config{Signers: pki.NewAnchors(root.cert), TSAs: w.lab.Anchors()}
	r := verify(t, cfg, w.judgedAt(t, withStore(t, signed, dss), begin.Add(day)), begin.Add(day))
	if got, want := r.Signatures[0].String(), "INDETERMINATE/REVOKED_CA_NO_POE"; got != want {
		explain(t, r)
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRenewedAuthority: an authority got a new certificate for its key after the
// letter was signed, and the one that it had then has ended since. The letter
// still stands on that one.
func TestRenewedAuthority(t *testing.T) {
	w := newWorld(t)
	root := authorityOf(t, "Root Contoh", 1, begin.Add(-day), begin.Add(900*day), nil)
	ca := authorityOf(t, "CA Contoh", 2, begin.Add(-day), begin.Add(100*day), root)
	renewed := recertified(t, ca, "CA Contoh", 3, begin.Add(20*day), begin.Add(800*day), root)
	w.official(t, begin.Add(-day), begin.Add(90*day), ca)
	signed := withStore(t, w.sign(t, letter(t), signer.T), pades.DSS{
		CRLs: append(stampLists(t, w), listAt(t, root, begin, nil), listAt(t, ca, begin, nil)),
	})
	w.advance(5 * day)
	signed = stamped(t, w, signed, 1)
	signed = withStore(t, signed, pades.DSS{Certificates: [][]byte{renewed.Raw}, CRLs: [][]byte{listAt(t, root, begin.Add(25*day), nil)}})
	cfg := verifier.Config{Signers: pki.NewAnchors(root.cert), TSAs: w.lab.Anchors()}
	for _, after := range []time.Duration{50 * day, 95 * day, 110 * day} {
		r := verify(t, cfg, w.judgedAt(t, signed, begin.Add(after)), begin.Add(after))
		if got, want := r.Signatures[0].String(), "PASSED"; got != want {
			explain(t, r)
			t.Errorf("%v later: got %s, want %s", after, got, want)
		}
	}
}

// said is a source that says what the test has made, by serial number.
type said struct{ ocsp, crl map[int64][]byte }

func (s said) of(m map[int64][]byte, c *x509.Certificate) ([]byte, error) {
	if der := m[c.SerialNumber.Int64()]; der != nil {
		return der, nil
	}
	return nil, context.DeadlineExceeded
}

func (s said) OCSP(_ context.Context, c, _ *x509.Certificate, _ time.Time) ([]byte, error) {
	return s.of(s.ocsp, c)
}

func (s said) CRL(_ context.Context, c, _ *x509.Certificate, _ time.Time) ([]byte, error) {
	return s.of(s.crl, c)
}

func (s said) Issuers(context.Context, *x509.Certificate) ([]*x509.Certificate, error) {
	return nil, context.DeadlineExceeded
}

// responderOf is a responder with a certificate of by, of which the template may
// say more.
func responderOf(t *testing.T, by *authority, serial int64, template x509.Certificate) *authority {
	t.Helper()
	a := &authority{key: testkey.P256(t).Signer.(*ecdsa.PrivateKey)}
	template.SerialNumber, template.Subject = big.NewInt(serial), pkix.Name{CommonName: fmt.Sprint("Responder Contoh ", serial)}
	template.NotBefore, template.NotAfter = begin.Add(-day), begin.Add(90*day)
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	a.cert = certificate(t, template, a.key.Public(), by)
	return a
}

// answerOf is an OCSP response about a certificate of issuer, produced at a moment,
// that stands for a week. Package ocsp would date it by the system's clock.
func answerOf(t *testing.T, issuer, by *authority, about *x509.Certificate, revoked bool, at time.Time) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type certID struct {
		Hash      algorithm
		Name, Key []byte
		Serial    *big.Int
	}
	type single struct {
		ID     certID
		Status asn1.RawValue
		This   time.Time `asn1:"generalized"`
		Next   time.Time `asn1:"generalized,explicit,tag:0"`
	}
	type data struct {
		Responder asn1.RawValue
		Produced  time.Time `asn1:"generalized"`
		Answers   []single
	}
	point, err := issuer.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	name, key := sha1.Sum(issuer.cert.RawSubject), sha1.Sum(point)
	status := asn1.RawValue{Class: 2, Tag: 0}
	if revoked {
		status = asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: append([]byte{24, 15}, at.UTC().Format("20060102150405Z")...)}
	}
	tbs := marshal(data{asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: by.cert.RawSubject}, at.UTC(), []single{{
		certID{algorithm{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}}, name[:], key[:], about.SerialNumber}, status, at.UTC(), at.Add(7 * day).UTC(),
	}}})
	digest := sha256.Sum256(tbs)
	value, err := ecdsa.SignASN1(rand.Reader, by.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	basic := marshal(struct {
		Data         asn1.RawValue
		Algorithm    algorithm
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0"`
	}{
		asn1.RawValue{FullBytes: tbs}, algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: value, BitLength: 8 * len(value)}, []asn1.RawValue{{FullBytes: by.cert.Raw}},
	})
	type responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	return marshal(struct {
		Status asn1.Enumerated
		Bytes  responseBytes `asn1:"explicit,tag:0"`
	}{0, responseBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, basic}})
}

// TestWeakResponder: what a responder says is worth no more than the certificate
// that makes it one.
func TestWeakResponder(t *testing.T) {
	for _, tt := range []struct {
		by   x509.SignatureAlgorithm
		want string
	}{
		{x509.ECDSAWithSHA256, "PASSED"},
		{x509.ECDSAWithSHA1, "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE_NO_POE"},
	} {
		t.Run(tt.by.String(), func(t *testing.T) {
			w := newWorld(t)
			root := authorityOf(t, "Root Contoh", 1, begin.Add(-day), begin.Add(900*day), nil)
			w.official(t, begin.Add(-day), begin.Add(90*day), root)
			responder := responderOf(t, root, 11, x509.Certificate{SignatureAlgorithm: tt.by})
			signed := withStore(t, w.sign(t, letter(t), signer.B), pades.DSS{OCSPs: [][]byte{answerOf(t, root, responder, w.cert, false, begin)}})
			r := verify(t, verifier.Config{Signers: pki.NewAnchors(root.cert)}, signed, begin.Add(time.Hour))
			if got := r.Signatures[0].String(); got != tt.want {
				explain(t, r)
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestResponderIsAskedAbout (R07): a responder says "revoked" whose own status has
// to be known. It is asked for, so that the older good word in the file does not
// stand.
func TestResponderIsAskedAbout(t *testing.T) {
	w := newWorld(t)
	root := authorityOf(t, "Root Contoh", 1, begin.Add(-day), begin.Add(900*day), nil)
	w.official(t, begin.Add(-day), begin.Add(90*day), root)
	addressed := x509.Certificate{CRLDistributionPoints: []string{"http://ca.example/root.crl"}}
	one, two := responderOf(t, root, 11, addressed), responderOf(t, root, 12, addressed)
	answer := func(by *authority, about *x509.Certificate, revoked bool, at time.Time) []byte {
		t.Helper()
		return answerOf(t, root, by, about, revoked, at)
	}
	signed := withStore(t, w.sign(t, letter(t), signer.B), pades.DSS{OCSPs: [][]byte{answer(root, w.cert, false, begin)}})
	at := begin.Add(2 * time.Hour)
	bad := answer(one, w.cert, true, begin.Add(time.Hour))
	clean := listAt(t, root, begin.Add(time.Hour), nil)
	full := listAt(t, root, begin.Add(time.Hour), nil, revoked(w.cert, begin.Add(time.Hour), pki.KeyCompromise))
	serial := w.cert.SerialNumber.Int64()
	tests := []struct {
		name   string
		source said
		want   string
	}{
		{"nobody answers", said{}, "PASSED"},
		{"a list about the responder", said{map[int64][]byte{serial: bad}, map[int64][]byte{11: clean}}, "INDETERMINATE/REVOKED_NO_POE"},
		{
			"the responder is revoked, a list about the signer",
			said{map[int64][]byte{serial: bad}, map[int64][]byte{11: listAt(t, root, begin.Add(time.Hour), nil, revoked(one.cert, begin, pki.KeyCompromise)), serial: full}},
			"INDETERMINATE/REVOKED_NO_POE",
		},
		{"nothing about the responder, a list about the signer", said{map[int64][]byte{serial: bad}, map[int64][]byte{serial: full}}, "INDETERMINATE/REVOKED_NO_POE"},
		{
			"responders about each other",
			said{map[int64][]byte{serial: bad, 11: answer(two, one.cert, false, begin), 12: answer(one, two.cert, false, begin)}, nil},
			"PASSED",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := verifier.Config{Signers: pki.NewAnchors(root.cert), Source: tt.source}
			r := verify(t, cfg, signed, at)
			if got := r.Signatures[0].String(); got != tt.want {
				explain(t, r)
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
