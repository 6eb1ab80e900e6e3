package gateway

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
)

const (
	// keptFor is how long it is believed that what was put beside a record is
	// still there.
	keptFor = time.Minute
	// maxKept bounds how much is remembered of that; at the bound all is
	// forgotten, which costs time only.
	maxKept = 1024
	// owedFor is how long the status of a certificate is looked for. Responders
	// and lists forget certificates that have ended.
	owedFor = 30 * 24 * time.Hour
	// statusTime is how long asking about one certificate may take.
	statusTime = 20 * time.Second
)

// kindStatus is the event of a status that was learnt after the signature.
const kindStatus = "certificate.status.later"

// keptStatus remembers revocation data that stands beside records already: a
// list of some megabytes is not hashed and written again for each signature. The
// bytes are those of signer.Result.Status, which are the same for a while. The
// zero value is empty; it may be used by several goroutines.
type keptStatus struct {
	mu sync.Mutex
	by map[*byte]kept // by the first byte, whose slice it keeps alive; guarded by mu
}

type kept struct {
	data     []byte
	artefact evidence.Artefact
	until    time.Time // zero: it has not been written
}

// of returns how records name data, and whether it is there already.
func (k *keptStatus) of(kind string, data []byte, at time.Time) (a evidence.Artefact, there bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v, ok := k.by[&data[0]]; ok && len(v.data) == len(data) {
		return v.artefact, at.Before(v.until)
	}
	if k.by == nil || len(k.by) >= maxKept {
		k.by = map[*byte]kept{}
	}
	a = artefactOf(evidence.Blob{Kind: kind, Data: data})
	k.by[&data[0]] = kept{data: data, artefact: a}
	return a, false
}

// written notes that the status stands beside a record that was committed.
func (k *keptStatus) written(e pki.Evidence, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, list := range [][][]byte{e.OCSPs, e.CRLs} {
		for _, data := range list {
			if v, ok := k.by[&data[0]]; ok && !at.Before(v.until) {
				v.until = at.Add(keptFor)
				k.by[&data[0]] = v
			}
		}
	}
}

// addStatus puts beside an outcome the evidence by which the certificate was
// found good before the key was used: at B-B and B-T the document does not hold
// it. Where there is none, the outcome says that.
func (g *Gateway) addStatus(out *outcome, leaf *x509.Certificate, r *signer.Result, at time.Time) {
	if r.Level >= signer.LT {
		return
	}
	s := r.Status
	if len(s.OCSPs)+len(s.CRLs) == 0 && !pki.NeverRevoked(leaf) {
		out.owed = true
		out.detail = merge(out.detail, map[string]string{"revocation": "owed"})
		return
	}
	out.artefacts = append(out.artefacts, certificateBlobs(s.Certificates)...)
	for _, of := range []struct {
		kind string
		list [][]byte
	}{{evidence.ArtefactOCSP, s.OCSPs}, {evidence.ArtefactCRL, s.CRLs}} {
		for _, data := range of.list {
			if a, there := g.kept.of(of.kind, data, at); there {
				out.named = append(out.named, a)
			} else {
				out.artefacts = append(out.artefacts, evidence.Blob{Kind: of.kind, Data: data})
			}
		}
	}
}

// LearnStatuses asks about the certificates of which nobody could say whether
// they were revoked when they signed, and puts what it learns on record. It
// returns of how many it learnt. Those that nobody can tell of yet are asked
// about again by the next call, for thirty days.
func (g *Gateway) LearnStatuses(ctx context.Context) (learnt int, err error) {
	at, err := g.clock.present()
	if err != nil {
		return 0, err
	}
	var owed []OwedStatus
	err = g.view(ctx, AllOrganisations, func(r Reader) (err error) {
		owed, err = r.OwedStatuses(ctx, at.Add(-owedFor), 1000)
		return err
	})
	if err != nil {
		return 0, err
	}
	type subject struct {
		organisation string
		certificate  [32]byte
	}
	asked := map[subject]bool{}
	var problems []error
	for _, o := range owed {
		s := subject{o.Organisation, o.Certificate}
		if asked[s] {
			continue
		}
		asked[s] = true
		switch err := g.learnStatus(ctx, o); {
		case err == nil:
			learnt++
		case !errors.Is(err, ErrChanged): // else another node was first
			problems = append(problems, fmt.Errorf("certificate %x: %w", o.Certificate, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return learnt, errors.Join(problems...)
}

func (g *Gateway) learnStatus(ctx context.Context, o OwedStatus) error {
	var cert Certificate
	err := g.view(ctx, Scope(o.Organisation), func(r Reader) (err error) {
		cert, err = r.Certificate(ctx, o.Certificate)
		return err
	})
	if err != nil {
		return err
	}
	leaf, pool, err := g.parsed.named(cert)
	if err != nil {
		return err
	}
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	found, state, err := g.askStatus(ctx, leaf, pool, at)
	if err != nil {
		return err
	}
	blobs := evidenceBlobs(found)
	r := evidence.Record{
		Kind:   kindStatus,
		Signer: evidence.Signer{CertificateSHA256: hex.EncodeToString(o.Certificate[:])},
		Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"state": state, "since": o.Since.UTC().Format(time.RFC3339)},
	}
	for _, b := range blobs {
		r.Artefacts = append(r.Artefacts, artefactOf(b))
	}
	c := Caller{Authentication: "none", Application: Application{Organisation: o.Organisation}}
	id := newID()
	return g.recordAs(ctx, c, id, r, func(tx Tx) error {
		if err := tx.GiveStatus(ctx, o.Certificate, at, id); err != nil {
			return err
		}
		return tx.PutArtefact(ctx, blobs...)
	})
}

// askStatus asks about all certificates of a path. That one is revoked is an
// answer too.
func (g *Gateway) askStatus(ctx context.Context, leaf *x509.Certificate, pool []*x509.Certificate, at time.Time) (found pki.Evidence, state string, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	path, err := pki.Chain(leaf, pool, g.cfg.Anchors, at, pki.Signing)
	if err != nil {
		return found, "", err
	}
	found, err = pki.Collect(ctx, path, g.cfg.Source, at, time.Time{})
	var revoked *pki.RevokedError
	if !errors.As(err, &revoked) {
		return found, "good", err
	}
	found = pki.Evidence{Certificates: path}
	if revoked.Status.OCSP {
		found.OCSPs = [][]byte{revoked.Status.Evidence}
	} else {
		found.CRLs = [][]byte{revoked.Status.Evidence}
	}
	if s := revoked.Status.Signer; s != nil {
		found.Add(pki.Evidence{Certificates: []*x509.Certificate{s}})
	}
	return found, "revoked", nil
}
