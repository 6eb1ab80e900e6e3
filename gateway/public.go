package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/absah-id/absah/evidence"
)

// PublicDocument is what anybody who knows its id may know of a registered
// document.
type PublicDocument struct {
	// Document is without organisation, application and operations. Of a
	// confidential one only PublicID, Confidential, Status and ChangedAt remain.
	Document
	// Signings are those of its versions, oldest first; nil when confidential.
	Signings []PublicSigning
}

// PublicSigning is one signature or seal that the gateway made.
type PublicSigning struct {
	Seal   bool
	Name   string // of the signer, as the certificate has it; "" when it is not kept
	Office string // of the person, as enrolled; "" when no record vouches for it
	Issuer string // of the certificate; "" when it cannot be told
	Level  string // B-B … B-LTA
	At     time.Time
	// RevokedAt is when the gateway stopped using the certificate, by the record
	// of it; zero: none says that it did.
	RevokedAt time.Time
}

// PublicDocument returns what the QR on paper leads to. Whoever knows the id
// may ask; an unknown one is CodeNotFound.
func (g *Gateway) PublicDocument(ctx context.Context, id string) (*PublicDocument, error) {
	var p PublicDocument
	err := g.view(ctx, AllOrganisations, func(r Reader) error {
		d, err := r.Document(ctx, id)
		if err != nil {
			return err
		}
		if err := g.vouch(ctx, r, &d); err != nil {
			return err
		}
		p = PublicDocument{Document: d}
		if d.Confidential {
			p.Document = Document{PublicID: d.PublicID, Confidential: true, Status: d.Status, ChangedAt: d.ChangedAt}
			return nil
		}
		p.Organisation, p.Application = "", ""
		p.Versions = slices.Clone(d.Versions)
		for i := range p.Versions {
			s, err := g.publicSigning(ctx, r, p.Versions[i].Operation)
			if err != nil {
				return err
			}
			if p.Versions[i].Operation = ""; s != nil {
				p.Signings = append(p.Signings, *s)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// vouch leaves a document what the evidence vouches for: what it was registered as,
// its versions, each the output of an outcome about this document, and what has
// become of it. Rows prove nothing, since whoever writes to the database can write
// them. The error wraps ErrNotFound for a document that no record registers.
func (g *Gateway) vouch(ctx context.Context, r Reader, d *Document) error {
	good := make([]DocumentVersion, 0, len(d.Versions))
	for _, v := range d.Versions {
		why, err := g.released(ctx, r, d.PublicID, v)
		if err != nil {
			return err
		}
		if why != nil {
			g.cfg.Log.ErrorContext(ctx, "ALARM: a version of a registered document that was never released", "document", d.PublicID, "operation", v.Operation, "error", why)
			continue
		}
		good = append(good, v)
	}
	d.Versions = good
	said := *d
	if err := g.recorded(ctx, r, d); err != nil {
		return err
	}
	if said.Nomor != d.Nomor || said.Perihal != d.Perihal || said.Tanggal != d.Tanggal || said.Pages != d.Pages || said.Confidential != d.Confidential ||
		said.Status != d.Status || said.ReplacedBy != d.ReplacedBy || said.Reason != d.Reason || said.ChangedAt.Sub(d.ChangedAt).Abs() > time.Minute {
		g.cfg.Log.ErrorContext(ctx, "ALARM: a registered document is not in the database as it is on record", "document", d.PublicID)
	}
	return nil
}

// maxRecordsSought bounds the operations among which a record is sought that the
// log vouches for.
const maxRecordsSought = 20

// recorded puts in a document what its records say: that it was registered, and
// the last that something has become of it.
func (g *Gateway) recorded(ctx context.Context, r Reader, d *Document) error {
	was, err := g.lastRecord(ctx, r, OperationQuery{Document: d.PublicID, Kind: "document.register"})
	if err != nil {
		return err
	}
	if was == nil {
		g.cfg.Log.ErrorContext(ctx, "ALARM: a document that no record registers", "document", d.PublicID)
		return ErrNotFound
	}
	d.Nomor, d.Tanggal = was.Detail["nomor"], was.Detail["tanggal"]
	if hexDigest([]byte(d.Perihal)) != was.Detail["perihal-sha256"] {
		d.Perihal = ""
	}
	d.Pages, _ = strconv.Atoi(was.Detail["pages"]) // written by this package
	d.Confidential = was.Detail["confidential"] == strconv.FormatBool(true)
	marked, err := g.lastRecord(ctx, r, OperationQuery{Document: d.PublicID, Kind: "document.status"})
	switch {
	case err != nil:
		return err
	case marked != nil:
		d.Status, d.ChangedAt = DocumentStatus(marked.Detail["to"]), marked.Time
		d.Reason, d.ReplacedBy = marked.Detail["reason"], marked.Detail["replaced-by"]
	case len(d.Versions) > 0:
		d.Status, d.Reason, d.ReplacedBy = DocumentValid, "", ""
	default:
		d.Status, d.Reason, d.ReplacedBy = DocumentReserved, "", ""
	}
	return nil
}

// lastRecord is the newest record of a kind about a document, or about a signer, that
// the log vouches for; nil: there is none. The query has the kind and one of the two.
// The error wraps ErrForged when there are so many rows without their record that the
// one which counts may lie behind them.
func (g *Gateway) lastRecord(ctx context.Context, r Reader, q OperationQuery) (*evidence.Record, error) {
	q.Status, q.Page = OperationOK, Page{Limit: maxRecordsSought}
	found, err := r.Operations(ctx, q)
	if err != nil {
		return nil, err
	}
	m := &matcher{g: g, r: r}
	for _, o := range found {
		c, err := m.outcome(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		if r := c.record; r != nil && r.Kind == q.Kind && r.Subject.Document == q.Document && r.Signer.ID == q.Signer && r.Result.Status == evidence.StatusOK {
			return r, nil
		}
	}
	if len(found) == maxRecordsSought {
		return nil, fmt.Errorf("%w: %d operations of kind %s without their records", ErrForged, len(found), q.Kind)
	}
	return nil, nil
}

// ended is when the gateway stopped using the certificates of a signer, by the record
// of it, for good; zero: none says so. It is looked for where a row says that it is
// there, as a seal may have millions of operations, and this is asked by anybody.
func (m *matcher) ended(ctx context.Context, signer string, c Certificate) (time.Time, error) {
	at, known := m.g.endings.Load(signer)
	if !known {
		s, err := m.r.Signer(ctx, signer)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return time.Time{}, err
		}
		if s.Status == SignerRevoked || !c.RevokedLocallyAt.IsZero() {
			r, err := m.g.lastRecord(ctx, m.r, OperationQuery{Signer: signer, Kind: "signer.revoke"})
			if err != nil {
				return time.Time{}, err
			}
			if r != nil {
				m.g.endings.Store(signer, r.Time)
				at = r.Time
			}
		}
	}
	on, _ := at.(time.Time)
	if on.IsZero() != c.RevokedLocallyAt.IsZero() || !on.IsZero() && on.Sub(c.RevokedLocallyAt).Abs() > time.Minute {
		m.g.cfg.Log.ErrorContext(ctx, "ALARM: the database has another end of the use of a certificate than is on record", "signer", signer)
	}
	return on, nil
}

// released says why the evidence does not have a version as what its operation
// released for the document; nil when it has.
func (g *Gateway) released(ctx context.Context, r Reader, id string, v DocumentVersion) (why, err error) {
	entries, err := r.EntriesOf(ctx, v.Operation)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Phase != evidence.PhaseOutcome {
			continue
		}
		if why := g.cfg.Notary.Vouched(e); why != nil {
			return why, nil
		}
		record, why := evidence.ParseRecord(e.Record)
		if why != nil {
			return why, nil
		}
		if s := record.Subject; record.Result.Status != evidence.StatusOK || s.OutputSHA256 != hex.EncodeToString(v.SHA256[:]) || s.OutputSize != v.Size || s.Document != id {
			return errors.New("the outcome of its operation is about something else"), nil
		}
		return nil, nil
	}
	return errors.New("its operation has no outcome"), nil
}

// publicSigning is what an operation tells; nil when it was neither a signature
// nor a seal.
func (g *Gateway) publicSigning(ctx context.Context, r Reader, operation string) (*PublicSigning, error) {
	m := &matcher{g: g, r: r}
	c, err := m.outcome(ctx, operation)
	if err != nil || c.record == nil || c.record.Kind != "sign" && c.record.Kind != "seal" {
		return nil, err
	}
	cert, leaf, err := certificateOf(ctx, r, c.record.Signer)
	if err != nil {
		return nil, err
	}
	s := &PublicSigning{Seal: c.record.Kind == "seal", Level: c.record.Result.Level, At: c.record.Time}
	if s.RevokedAt, err = m.ended(ctx, c.record.Signer.ID, cert); err != nil {
		return nil, err
	}
	if !s.Seal { // a seal has no office
		who, err := m.enrolled(ctx, c.record.Signer.ID)
		if err != nil {
			return nil, err
		}
		s.Office = who.Office
	}
	if leaf == nil {
		g.cfg.Log.ErrorContext(ctx, "ALARM: a certificate is not in the database as it is on record", "operation", operation)
		return s, nil
	}
	s.Name, s.Issuer = leaf.Subject.CommonName, leaf.Issuer.CommonName
	return s, nil
}

// enrolled is who a signer is by the record of the enrolment; the zero value when the
// row says something else, or there is no such record.
func (m *matcher) enrolled(ctx context.Context, id string) (Signer, error) {
	s, err := m.r.Signer(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Signer{}, nil
	}
	if err != nil {
		return Signer{}, err
	}
	said := s.Digest()
	if _, known := m.g.enrolments.Load(said); known {
		return s, nil
	}
	kind := "signer.enrol"
	if s.Kind == SignerSeal {
		kind = "signer.seal"
	}
	found, err := m.r.Operations(ctx, OperationQuery{Signer: id, Kind: kind, Status: OperationOK, Page: Page{Limit: maxRecordsSought}})
	if err != nil {
		return Signer{}, err
	}
	silent := false // a record is of a version that did not have the digest
	for _, o := range found {
		c, err := m.outcome(ctx, o.ID)
		if err != nil {
			return Signer{}, err
		}
		if c.record == nil || c.record.Kind != kind || c.record.Signer.ID != id {
			continue
		}
		if c.record.Detail[DetailSigner] == said {
			m.g.enrolments.Store(said, true)
			return s, nil
		}
		silent = silent || c.record.Detail[DetailSigner] == ""
	}
	if !silent {
		m.g.cfg.Log.ErrorContext(ctx, "ALARM: a signer is not in the database as enrolled", "signer", id)
	}
	return Signer{}, nil
}

// certificateOf is the certificate with which a record has something signed; leaf
// is nil when what is kept is another one.
func certificateOf(ctx context.Context, r Reader, s evidence.Signer) (cert Certificate, leaf *x509.Certificate, err error) {
	sum := digest(s.CertificateSHA256)
	if cert, err = r.Certificate(ctx, sum); err != nil || sha256.Sum256(cert.DER) != sum {
		return cert, nil, err
	}
	if leaf, err = x509.ParseCertificate(cert.DER); err != nil {
		return cert, nil, nil //nolint:nilerr // nobody can read a name in it
	}
	return cert, leaf, nil
}

// Match is how a file stands to a registered document.
type Match string

// The matches. Only the first two are about a file that the gateway has
// released as it is.
const (
	MatchLatest   Match = "latest"   // the registered document, in its latest version
	MatchEarlier  Match = "earlier"  // an earlier version, without the latest signatures
	MatchExtended Match = "extended" // begins with the latest version; what follows was added elsewhere
	MatchNone     Match = "none"     // another document
)

// Compare says how a file stands to a registered document (S28): a letter with
// a copied QR code leads to a genuine document that is another one. It tells
// no more of a confidential document than whether somebody has it already.
func (g *Gateway) Compare(ctx context.Context, id string, in Upload) (Match, error) {
	var d Document
	err := g.view(ctx, AllOrganisations, func(r Reader) (err error) {
		if d, err = r.Document(ctx, id); err != nil {
			return err
		}
		return g.vouch(ctx, r, &d)
	})
	if err != nil {
		return "", err
	}
	return compareVersions(d, in)
}

// compareVersions is [Gateway.Compare] with a document that is known.
func compareVersions(d Document, in Upload) (Match, error) {
	n := len(d.Versions)
	for i := n - 1; i >= 0; i-- {
		if d.Versions[i].SHA256 == in.SHA256 {
			if i == n-1 {
				return MatchLatest, nil
			}
			return MatchEarlier, nil
		}
	}
	if n == 0 || d.Versions[n-1].Size >= in.Size {
		return MatchNone, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(in, 0, d.Versions[n-1].Size)); err != nil {
		return "", err
	}
	if [32]byte(h.Sum(nil)) == d.Versions[n-1].SHA256 {
		return MatchExtended, nil
	}
	return MatchNone, nil
}
