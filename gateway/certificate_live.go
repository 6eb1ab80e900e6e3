package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
)

// LiveStatus is what the issuer of a certificate says of it now.
type LiveStatus struct {
	At time.Time
	// Answers are one of each way in which the issuer can be asked, OCSP first;
	// none when the certificate names no way.
	Answers []LiveAnswer
}

// LiveAnswer is one answer about a certificate.
type LiveAnswer struct {
	Method string // "ocsp" or "crl"
	// URLs are where the certificate says that it can be asked.
	URLs []string
	// State is good, revoked, on-hold, or unknown when there is no answer that can
	// be used; Err then says why, for the log.
	State string
	Err   error
	// RevokedAt and Reason are zero unless it is revoked or on hold.
	RevokedAt time.Time
	Reason    string
	// ThisUpdate and NextUpdate are the times of the answer, zero where it names
	// none; Signer is the name of the one who answered.
	ThisUpdate, NextUpdate time.Time
	Signer                 string
	DER                    []byte // the answer; nil when there was none
}

// maxLiveCRL is the largest list that is kept beside the record of the question;
// of a larger one the record has the digest alone. Signing keeps what it needs.
const maxLiveCRL = 1 << 20

// AskCertificate asks the issuer of a signer's certificate for its status now,
// in each way that the certificate names, past all that is remembered. That it
// was asked is on record, with the answers beside it.
func (g *Gateway) AskCertificate(ctx context.Context, c Caller, sum [32]byte) (*LiveStatus, error) {
	const act = "certificate.status"
	if err := g.allow(ctx, c, act, readers...); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	_, leaf, chain, err := g.keptCertificate(ctx, c, sum)
	if err != nil {
		return nil, err
	}
	s := &LiveStatus{At: at}
	if issuer := g.issuerOf(leaf, chain); issuer != nil && g.cfg.Source != nil {
		ctx, cancel := context.WithTimeout(ctx, g.cfg.Judgement)
		defer cancel()
		s.Answers = g.ask(ctx, leaf, issuer, at)
	}
	return s, g.recordAnswers(ctx, c, act, sum, s)
}

// issuerOf finds the certificate of the issuer of leaf among those that came with
// it and the anchors; nil when none has.
func (g *Gateway) issuerOf(leaf *x509.Certificate, chain []*x509.Certificate) *x509.Certificate {
	candidates := chain
	if g.cfg.Anchors != nil {
		candidates = slices.Concat(chain, g.cfg.Anchors.Certificates())
	}
	for _, issuer := range candidates {
		if pki.CheckIssued(leaf, issuer, false) == nil {
			return issuer
		}
	}
	return nil
}

// ask asks in each way that the certificate names.
func (g *Gateway) ask(ctx context.Context, leaf, issuer *x509.Certificate, at time.Time) (all []LiveAnswer) {
	for _, way := range []struct {
		method string
		urls   []string
		fetch  func(ctx context.Context, cert, issuer *x509.Certificate, notBefore time.Time) ([]byte, error)
		check  func(der []byte, cert, issuer *x509.Certificate, at time.Time, o pki.CheckOptions) (pki.Status, error)
	}{
		{"ocsp", leaf.OCSPServer, g.cfg.Source.OCSP, pki.CheckOCSP},
		{"crl", leaf.CRLDistributionPoints, g.cfg.Source.CRL, pki.CheckCRL},
	} {
		if len(way.urls) == 0 {
			continue
		}
		a := LiveAnswer{Method: way.method, URLs: way.urls, State: pki.Unknown.String()}
		if a.DER, a.Err = way.fetch(ctx, leaf, issuer, at); a.Err == nil {
			var s pki.Status
			if s, a.Err = way.check(a.DER, leaf, issuer, at, pki.CheckOptions{}); a.Err == nil {
				a.says(s)
			}
		}
		all = append(all, a)
	}
	return all
}

// says notes an answer that can be used.
func (a *LiveAnswer) says(s pki.Status) {
	a.State, a.ThisUpdate, a.NextUpdate = s.State.String(), s.ThisUpdate, s.NextUpdate
	if s.State == pki.Revoked {
		a.RevokedAt, a.Reason = s.RevokedAt, s.Reason.String()
	}
	if s.OnHold() {
		a.State = "on-hold"
	}
	if s.Signer != nil {
		a.Signer = s.Signer.Subject.CommonName
	}
}

// recordAnswers puts what was asked and answered on record.
func (g *Gateway) recordAnswers(ctx context.Context, c Caller, act string, sum [32]byte, s *LiveStatus) error {
	r := evidence.Record{
		Kind: act, Result: evidence.Result{Status: evidence.StatusOK}, Detail: map[string]string{"of-certificate": hex.EncodeToString(sum[:])},
	}
	var blobs []evidence.Blob
	for _, a := range s.Answers {
		r.Detail[a.Method] = a.State
		r.Detail[a.Method+"-address"] = plain(strings.Join(a.URLs, " "), 512)
		if a.Err != nil {
			g.cfg.Log.WarnContext(ctx, "certificate status", "certificate", hex.EncodeToString(sum[:]), "method", a.Method, "error", a.Err)
		}
		if a.DER == nil {
			continue
		}
		if len(a.DER) > maxLiveCRL {
			sum := sha256.Sum256(a.DER)
			r.Detail[a.Method+"-sha256"] = hex.EncodeToString(sum[:])
			continue
		}
		b := evidence.Blob{Kind: a.Method, Data: a.DER}
		r.Artefacts, blobs = append(r.Artefacts, artefactOf(b)), append(blobs, b)
	}
	return g.recordWith(ctx, c, r, func(tx Tx) error { return tx.PutArtefact(ctx, blobs...) })
}
