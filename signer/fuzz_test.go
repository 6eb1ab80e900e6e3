package signer_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer"
)

// FuzzSign signs arbitrary files. What is signed begins with its input, and the
// judge of signatures finds nothing to say against the new one.
func FuzzSign(f *testing.F) {
	for _, in := range testfile.Inputs(f) {
		if b := in.Bytes(f); len(b) < 4<<10 {
			f.Add(b, false)
		}
	}
	for _, in := range testfile.BrokenInputs(f) {
		if b := in.Bytes(f); len(b) < 4<<10 {
			f.Add(b, true)
		}
	}
	s, req := offline(f)
	signed, err := s.Sign(f.Context(), input(testfile.ByName(f, "v14-table").Bytes(f), ""), req)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(testfile.ByName(f, "v14-table").Bytes(f), signed.Tail...), false)
	f.Add(misplaced(f), false)
	f.Fuzz(func(t *testing.T, b []byte, visible bool) {
		req := req
		if visible {
			req.Visible = &signer.Visible{Page: signer.LastPage, Width: 50, Height: 20, Lines: []string{"a"}}
		}
		res, err := s.Sign(t.Context(), input(b, ""), req)
		if err != nil {
			return
		}
		out := append(bytes.Clone(b), res.Tail...)
		if res.Before != sha256.Sum256(b) || res.After != sha256.Sum256(out) {
			t.Error("wrong digests")
		}
		doc, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
		if err != nil {
			t.Fatalf("what was signed cannot be read: %v", err)
		}
		judged, err := pades.Judge(doc, pades.ChangePolicy{})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, j := range judged.Signatures {
			if j.Signature.Field == res.Field {
				found = true
				if len(j.Structure)+len(j.Violations) > 0 || j.Coverage != pades.CoverageEntireFile {
					t.Errorf("structure %v, violations %v, coverage %v", j.Structure, j.Violations, j.Coverage)
				}
			}
		}
		if !found {
			t.Errorf("no signature in the field %q", res.Field)
		}
	})
}

// offline is a signer for B-B alone, with a key in memory.
func offline(tb testing.TB) (*signer.Signer, signer.Request) {
	tb.Helper()
	key, at := testkey.P256(tb), time.Date(2026, 8, 17, 3, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Kepala Dinas Contoh"},
		NotBefore: at.AddDate(-1, 0, 0), NotAfter: at.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key.Signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := signer.New(signer.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return s, signer.Request{Key: key, Certificate: cert, At: at}
}
