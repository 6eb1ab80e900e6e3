package signer_test

import (
	"crypto/x509"
	"errors"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/signer"
)

// TestSameCertificateAgain: what is remembered of a certificate serves no
// request with another chain, algorithm or key.
func TestSameCertificateAgain(t *testing.T) {
	w := newWorld(t)
	w.key = testkey.RSA(t, 2048)
	w.cert, w.chain = w.issue(t, w.key.Public(), lab.IssueOptions{})
	s, err := signer.New(signer.Config{}) // without anchors, for which the chain would be needed
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		chain []*x509.Certificate
		pss   bool
	}{{w.chain, false}, {nil, false}, {w.chain, true}, {w.chain, false}, {nil, true}} {
		req := w.request(signer.B)
		req.Chain, req.PSS = c.chain, c.pss
		res, err := s.Sign(t.Context(), input(letter(t), ""), req)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		sd, err := cms.Parse(res.CMS)
		if err != nil {
			t.Fatal(err)
		}
		got, want := len(sd.Certificates()), 1+len(c.chain)
		if scheme := sd.SignerInfos[0].Algorithm.Scheme(); got != want || (scheme == cms.SchemeRSAPSS) != c.pss {
			t.Errorf("request %d: %d certificates and %v, want %d and PSS %v", i, got, scheme, want, c.pss)
		}
	}
	other := w.request(signer.B)
	other.Key = testkey.RSA(t, 3072)
	if _, err := s.Sign(t.Context(), input(letter(t), ""), other); codeOf(err) != signer.CodeKeyMismatch {
		t.Errorf("another key: %v, want %s", err, signer.CodeKeyMismatch)
	}
}

func codeOf(err error) string {
	if r, ok := errors.AsType[*signer.RefusedError](err); ok {
		return r.Code
	}
	return ""
}
