package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

func (w *world) augment(tb testing.TB, b []byte, to signer.Level) (*signer.Result, []byte) {
	tb.Helper()
	res, err := w.signer.Augment(context.Background(), input(b, ""), to, w.now())
	if err != nil {
		tb.Fatalf("to %v: %v", to, err)
	}
	if res.Level != to {
		tb.Fatalf("level %v, want %v", res.Level, to)
	}
	return res, append(bytes.Clone(b), res.Tail...)
}

// TestAugment raises from each level to each other.
func TestAugment(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		from, to signer.Level
		stamps   int  // document timestamps afterwards
		same     bool // nothing to add
	}{
		{from: signer.B, to: signer.T, stamps: 1},
		{from: signer.B, to: signer.LT, stamps: 1},
		{from: signer.B, to: signer.LTA, stamps: 2},
		{from: signer.T, to: signer.T, same: true},
		{from: signer.T, to: signer.LT},
		{from: signer.T, to: signer.LTA, stamps: 1},
		{from: signer.LT, to: signer.T, same: true},
		{from: signer.LT, to: signer.LT, same: true},
		{from: signer.LT, to: signer.LTA, stamps: 1},
		{from: signer.LTA, to: signer.T, stamps: 1, same: true},
		{from: signer.LTA, to: signer.LTA, stamps: 2},
	} {
		t.Run(fmt.Sprint(c.from, " to ", c.to), func(t *testing.T) {
			in := w.sign(t, letter(t), w.request(c.from))
			res, out := w.augment(t, in, c.to)
			stamps := 0
			for _, s := range check(t, out, "") {
				if s.Kind == pades.KindDocTimestamp {
					stamps++
				}
			}
			if stamps != c.stamps || (len(res.Tail) == 0) != c.same {
				t.Errorf("%d document timestamps, %d bytes added", stamps, len(res.Tail))
			}
			if c.to >= signer.LT {
				checkEvidence(t, w, out)
			}
		})
	}
}

// checkEvidence demands that the document alone proves the status of every
// certificate: the signer's, as of its timestamp or later.
func checkEvidence(t *testing.T, w *world, b []byte) {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dss, err := pades.ReadDSS(doc.Latest())
	if err != nil || dss == nil {
		t.Fatalf("store: %v, %v", dss, err)
	}
	ev := pki.Evidence{OCSPs: dss.OCSPs, CRLs: dss.CRLs}
	for _, der := range dss.Certificates {
		c, err := pki.ParseCertificates(der)
		if err != nil {
			t.Fatal(err)
		}
		ev.Certificates = append(ev.Certificates, c...)
	}
	material, errs := ev.Parse()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, leaf := range []struct {
		cert    *pki.Anchors
		purpose pki.Purpose
	}{{pki.NewAnchors(w.cert), pki.Signing}, {pki.NewAnchors(w.lab.TSA()), pki.Timestamping}} {
		chain, err := pki.Chain(leaf.cert.Certificates()[0], ev.Certificates, w.lab.Anchors(), w.now(), leaf.purpose)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(chain) - 1 {
			st, err := pki.CheckRevocation(chain[i], chain[i+1], material, w.lab.Anchors(), w.now(), pki.CheckOptions{})
			if err != nil || st.State != pki.Good {
				t.Errorf("%v: %v, %v", chain[i].Subject, st.State, err)
			}
		}
	}
}

// TestEvidenceFollowsTimestamp: a status from before the signature would not
// show a revocation that came between.
func TestEvidenceFollowsTimestamp(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	w := newWorldAt(t, func() time.Time { return now })
	w.sign(t, letter(t), w.request(signer.LT)) // fills the source's memory
	now = now.Add(10 * time.Minute)            // within the life of what is remembered
	res, err := w.signer.Sign(context.Background(), input(letter(t), ""), w.request(signer.LT))
	if err != nil {
		t.Fatal(err)
	}
	chain := append([]*x509.Certificate{w.cert}, w.chain...)
	for _, leaf := range []*x509.Certificate{w.cert, w.lab.TSA()} {
		fresh := false
		for _, der := range res.Evidence.OCSPs {
			st, err := pki.CheckOCSP(der, leaf, chain[1], now, pki.CheckOptions{})
			fresh = fresh || err == nil && !st.ThisUpdate.Before(res.Time.Truncate(time.Second))
		}
		if !fresh {
			t.Errorf("no status of %q from the time of the signature %v or later", leaf.Subject.CommonName, res.Time)
		}
	}
}

// TestRenewal archives through the years: signer's and authority's
// certificates have expired or were revoked when the archive is renewed, and
// the evidence in the document still does.
func TestRenewal(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	w := newWorldAt(t, func() time.Time { return now })
	w.cert, w.chain = w.issue(t, w.key.Public(), lab.IssueOptions{NotAfter: now.Add(30 * 24 * time.Hour)})
	out := w.sign(t, letter(t), w.request(signer.LTA))
	for range 3 {
		now = now.Add(20 * 24 * time.Hour) // after the second the certificate has expired
		_, out = w.augment(t, out, signer.LTA)
	}
	if got := len(check(t, out, "")); got != 5 {
		t.Errorf("%d signatures and timestamps, want 5", got)
	}
	if err := w.lab.Revoke(w.cert, now, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	now = now.Add(24 * time.Hour)
	w.augment(t, out, signer.LTA)
}

// TestAugmentRefused: what can no longer be proven is not archived.
func TestAugmentRefused(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	w := newWorldAt(t, func() time.Time { return now })
	short := w.request(signer.B)
	short.Certificate, short.Chain = w.issue(t, w.key.Public(), lab.IssueOptions{NotAfter: now.Add(time.Hour)})
	expired := w.sign(t, letter(t), short)
	stamped := w.sign(t, letter(t), w.request(signer.T))
	broken := bytes.Clone(stamped)
	gap := check(t, stamped, "")[0].ByteRange[1]
	copy(broken[gap:], "<31") // a SET where ContentInfo should be
	// One byte of the letter changed.
	changed := bytes.Clone(stamped)
	changed[bytes.Index(changed, []byte("/Lang"))+7] ^= 1
	archived, err := w.signer.Timestamp(context.Background(), input(letter(t), ""), now)
	if err != nil {
		t.Fatal(err)
	}
	changedArchive := append(letter(t), archived.Tail...)
	changedArchive[bytes.Index(changedArchive, []byte("/Lang"))+7] ^= 1
	if err := w.lab.Revoke(w.cert, now.Add(-time.Minute), pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	for _, c := range []struct {
		name string
		in   []byte
		to   signer.Level
		code string
	}{
		{"no signature", letter(t), signer.LTA, signer.CodeNoSignature},
		{"expired without a timestamp", expired, signer.T, signer.CodeExpired},
		{"revoked before the timestamp", stamped, signer.LT, signer.CodeRevoked},
		{"changed", changed, signer.LTA, signer.CodeSignatureBroken},
		{"changed, document timestamp", changedArchive, signer.LTA, signer.CodeSignatureBroken},
		{"no CMS", broken, signer.LTA, signer.CodeSignatureBroken},
	} {
		_, err := w.signer.Augment(context.Background(), input(c.in, ""), c.to, now)
		var r *signer.RefusedError
		if !errors.As(err, &r) || r.Code != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := w.signer.Augment(context.Background(), input(stamped, ""), signer.B, now); err == nil {
		t.Error("augmenting to B-B makes no sense and was accepted")
	}
}

// TestCopiedTimestamp: a signature timestamp taken from another signature (T05)
// is no proof of time, and such a document is not archived.
func TestCopiedTimestamp(t *testing.T) {
	w := newWorld(t)
	other := sha256.Sum256([]byte("another signature"))
	token, err := w.client.Timestamp(context.Background(), crypto.SHA256, other[:])
	if err != nil {
		t.Fatal(err)
	}
	b := letter(t)
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pades.Prepare(doc.Latest(), pades.SignatureSpec{ContentsSize: 20000})
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	h.Write(b)
	if err := p.WriteSigned(h); err != nil {
		t.Fatal(err)
	}
	der, err := cms.Sign(cms.SignOptions{Digest: h.Sum(nil), Certificate: w.cert, Chain: w.chain, Key: w.key})
	if err != nil {
		t.Fatal(err)
	}
	if der, err = cms.AddTimestamp(der, token); err != nil {
		t.Fatal(err)
	}
	tail, err := p.Embed(der)
	if err != nil {
		t.Fatal(err)
	}
	out := append(b, tail...)
	check(t, out, "")
	_, err = w.signer.Augment(context.Background(), input(out, ""), signer.LTA, w.now())
	var r *signer.RefusedError
	if !errors.As(err, &r) || r.Code != signer.CodeSignatureBroken {
		t.Errorf("got %v", err)
	}
}

// switching lets another authority answer from the second token on, as
// fail-over does.
type switching struct {
	first, second signer.Timestamper
	n             int
}

func (s *switching) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	if s.n++; s.n == 1 {
		return s.first.Timestamp(ctx, h, digest)
	}
	return s.second.Timestamp(ctx, h, digest)
}

// TestArchiveByAnotherAuthority: evidence about the authority of the document
// timestamp stands before it, also when that authority was not foreseen.
func TestArchiveByAnotherAuthority(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	both := pki.NewAnchors(append(w.lab.Anchors().Certificates(), other.lab.Anchors().Certificates()...)...)
	src := twoSources{w.source, other.source}
	w.signer = w.newSigner(t, signer.Config{Timestamper: &switching{first: w.client, second: other.client}, TSAAnchors: both, Source: src})
	res, err := w.signer.Sign(context.Background(), input(letter(t), ""), w.request(signer.LTA))
	if err != nil {
		t.Fatal(err)
	}
	out := append(letter(t), res.Tail...)
	list := check(t, out, "")
	last := list[len(list)-1]
	doc, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dss, err := pades.ReadDSS(doc.Revisions()[last.Revision-2])
	if err != nil || dss == nil {
		t.Fatalf("no store before the document timestamp: %v", err)
	}
	found := false
	for _, der := range dss.OCSPs {
		st, err := pki.CheckOCSP(der, other.lab.TSA(), other.lab.Issuing(), time.Now(), pki.CheckOptions{})
		found = found || err == nil && st.State == pki.Good
	}
	if !found || len(list) != 2 {
		t.Errorf("evidence about the second authority: %v, signatures: %d", found, len(list))
	}
}

// twoSources asks the first source, then the second.
type twoSources [2]pki.Source

func (s twoSources) OCSP(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	b, err := s[0].OCSP(ctx, cert, issuer, notBefore)
	if err != nil {
		return s[1].OCSP(ctx, cert, issuer, notBefore)
	}
	return b, nil
}

func (s twoSources) CRL(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error) {
	b, err := s[0].CRL(ctx, cert, issuer, notBefore)
	if err != nil {
		return s[1].CRL(ctx, cert, issuer, notBefore)
	}
	return b, nil
}

func (s twoSources) Issuers(ctx context.Context, cert *x509.Certificate) ([]*x509.Certificate, error) {
	c, err := s[0].Issuers(ctx, cert)
	if err != nil {
		return s[1].Issuers(ctx, cert)
	}
	return c, nil
}

// TestTimestamp stamps unsigned, signed, certified and encrypted documents.
func TestTimestamp(t *testing.T) {
	w := newWorld(t)
	certified := w.request(signer.B)
	certified.Certify = 1
	for name, in := range map[string][]byte{
		"unsigned": letter(t), "signed": w.sign(t, letter(t), w.request(signer.B)), "certified": w.sign(t, letter(t), certified),
	} {
		res, err := w.signer.Timestamp(context.Background(), input(in, ""), w.now())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		list := check(t, append(bytes.Clone(in), res.Tail...), "")
		if last := list[len(list)-1]; last.Kind != pades.KindDocTimestamp || last.Field != res.Field || len(res.Tokens) != 1 {
			t.Errorf("%s: last is a %v in %q", name, last.Kind, last.Field)
		}
	}
	in := testfile.ByName(t, "aes-256")
	if _, err := w.signer.Timestamp(context.Background(), input(in.Bytes(t), in.Password), w.now()); err != nil {
		t.Errorf("encrypted: %v", err)
	}
}
