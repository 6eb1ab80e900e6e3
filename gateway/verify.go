package gateway

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/verifier"
)

// VerifyRequest asks for a verdict.
type VerifyRequest struct {
	Name     string // of the file, for the report
	Password []byte
}

// Verify judges a document now. Anybody may ask: a caller without an
// application is counted in the aggregate, one with is on record, as a member
// of staff is.
func (g *Gateway) Verify(ctx context.Context, c Caller, in Upload, req VerifyRequest) (*verifier.Report, error) {
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	judging, cancel := context.WithTimeout(ctx, g.cfg.Judgement)
	defer cancel()
	report, err := g.cfg.Verifier.Verify(judging, verifier.Input{
		Reader: in.ReaderAt, Size: in.Size, Name: req.Name, Password: req.Password, SHA256: in.SHA256[:],
	}, at)
	if err != nil {
		return nil, fromSigner(err)
	}
	if c.Application.ID == "" && c.Staff == "" {
		// In the scope that RecordTally takes them from.
		err = g.update(ctx, Scope(g.cfg.Organisation), func(tx Tx) error {
			return tx.AddTally(ctx, []Tally{{SHA256: in.SHA256, Verdict: string(report.Verdict), N: 1}})
		})
		return report, err
	}
	id := newID()
	err = g.recordAs(ctx, c, id, evidence.Record{
		Kind:    "verify",
		Subject: evidence.Subject{InputSHA256: hex.EncodeToString(in.SHA256[:]), InputSize: in.Size},
		Result:  evidence.Result{Status: evidence.StatusOK},
		Detail:  map[string]string{"verdict": string(report.Verdict), "policy": report.Policy},
	}, func(tx Tx) error {
		return tx.AddVerdicts(ctx, c.Application.Organisation, id, at, map[string]int64{string(report.Verdict): 1})
	})
	return report, err
}

// maxTally bounds how many counts one record holds; the rest waits for the
// next.
const maxTally = 500

// RecordTally puts the anonymous verifications since the last call on record,
// as one event. It returns how many files they were about.
func (g *Gateway) RecordTally(ctx context.Context) (n int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	id := newID()
	err = g.update(ctx, Scope(g.cfg.Organisation), func(tx Tx) error {
		counts, err := tx.TakeTally(ctx, maxTally)
		if n = len(counts); err != nil || n == 0 {
			return err
		}
		list := tallyList(counts)
		r := g.newRecord(Caller{Authentication: "none"}, evidence.Record{
			Kind: "verify.anonymous", Result: evidence.Result{Status: evidence.StatusOK},
			Artefacts: []evidence.Artefact{artefactOf(list)},
		}, id, evidence.PhaseEvent, at)
		entry, _, err := g.cfg.Notary.NewEntry(r)
		if err != nil {
			return err
		}
		if err := tx.PutArtefact(ctx, list); err != nil {
			return err
		}
		verdicts := map[string]int64{}
		for _, t := range counts {
			verdicts[t.Verdict] += t.N
		}
		if err := tx.AddVerdicts(ctx, g.cfg.Organisation, id, at, verdicts); err != nil {
			return err
		}
		row := operationRow(r, Caller{})
		row.Status, row.FinishedAt = OperationOK, at
		return tx.RecordEvent(ctx, row, entry)
	})
	return n, err
}

// CertificateStatus is what is known of a signer's certificate.
type CertificateStatus struct {
	Signer           string
	Certificate      *x509.Certificate
	RevokedLocallyAt time.Time // zero: it was not
	// State is good, revoked, on-hold, expired, not-yet-valid, untrusted or
	// unknown.
	State     string
	Why       string // when not good
	RevokedAt time.Time
	At        time.Time
}

// keptCertificate reads a certificate that the gateway keeps for the caller's
// office, and the authorities above it. The error wraps [ErrNotFound] where there
// is none.
func (g *Gateway) keptCertificate(ctx context.Context, c Caller, sha256 [32]byte) (cert Certificate, leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		cert, err = r.Certificate(ctx, sha256)
		return err
	})
	if err != nil {
		return cert, nil, nil, err
	}
	if leaf, chain, err = g.parsed.named(cert); err != nil {
		return cert, nil, nil, &Error{Code: CodeInternal, Text: "The certificate cannot be read.", Err: err}
	}
	return cert, leaf, chain, nil
}

// CertificateStatus asks the issuer about a certificate that the gateway
// keeps.
func (g *Gateway) CertificateStatus(ctx context.Context, c Caller, sha256 [32]byte) (*CertificateStatus, error) {
	if err := g.allow(ctx, c, "certificate.status", RoleApplication, RoleOperator, RoleInvestigator, RoleAuditor); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	cert, leaf, chain, err := g.keptCertificate(ctx, c, sha256)
	if err != nil {
		return nil, err
	}
	s := &CertificateStatus{Certificate: leaf, RevokedLocallyAt: cert.RevokedLocallyAt, At: at}
	if s.State, s.Why, s.RevokedAt, err = g.judge(ctx, leaf, chain, at); err != nil {
		g.cfg.Log.WarnContext(ctx, "certificate status", "certificate", hex.EncodeToString(sha256[:]), "state", s.State, "error", err)
	}
	return s, nil
}

// judge builds a certificate's path and asks for its status. The error is for
// the log: it names addresses of the inside.
func (g *Gateway) judge(ctx context.Context, leaf *x509.Certificate, pool []*x509.Certificate, at time.Time) (state, why string, revokedAt time.Time, err error) {
	switch {
	case at.Before(leaf.NotBefore):
		return "not-yet-valid", "", revokedAt, nil
	case at.After(leaf.NotAfter):
		return "expired", "", revokedAt, nil
	}
	path, err := pki.Chain(leaf, pool, g.cfg.Anchors, at, pki.Signing)
	if err != nil {
		return "untrusted", "No path leads to a trusted root.", revokedAt, err
	}
	_, err = pki.Collect(ctx, path, g.cfg.Source, at, time.Time{})
	var revoked *pki.RevokedError
	switch {
	case err == nil:
		return "good", "", revokedAt, nil
	case errors.As(err, &revoked) && revoked.Status.OnHold():
		return "on-hold", "", revoked.Status.RevokedAt, nil
	case errors.As(err, &revoked):
		return "revoked", revoked.Status.Reason.String(), revoked.Status.RevokedAt, nil
	}
	return "unknown", "The issuer gave no answer that can be used.", revokedAt, err
}
