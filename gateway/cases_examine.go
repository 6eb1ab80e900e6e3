package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/verifier"
)

// Limits of an examination.
const (
	maxRevisions  = 64  // of a file that are looked for on record, the newest
	maxTraces     = 40  // operations that findings speak of
	maxCopies     = 500 // operations of a certificate among which a signature is looked for
	failureWindow = 24 * time.Hour
)

// ExamineCase verifies the disputed file anew, matches it with the record and
// lays out what was found; what the matched records rest on is held from
// erasure. A case that was received is thereby examined.
func (g *Gateway) ExamineCase(ctx context.Context, c Caller, ref CaseRef) (*dispute.Findings, error) {
	w, err := g.changeCase(ctx, c, ref, "case.examine", caseActors)
	if err != nil {
		return nil, err
	}
	report, err := w.examine(ctx)
	if err != nil {
		return nil, err
	}
	if w.body.Case, err = w.body.Case.Examine(w.act("")); err != nil {
		return nil, fromDispute(err)
	}
	if report != nil {
		if b, err := report.MarshalJSON(); err == nil && len(b) <= maxCaseFile {
			err := w.attach(CaseAttachment, &CaseUpload{Upload: bytesUpload(b), Name: "laporan-validasi-" + w.at.Format("20060102-150405") + ".json"})
			if err != nil {
				return nil, err
			}
		}
	}
	w.say("examined", "", "")
	f := w.body.Findings
	detail := map[string]string{"conclusion": f.Conclusion.Code}
	if f.Verdict != "" {
		detail["verdict"] = f.Verdict
	}
	w.record = evidence.Record{Kind: "case.examine", Subject: evidence.Subject{InputSHA256: f.FileSHA256, Document: w.row.Document}, Detail: detail}
	return f, w.write(ctx)
}

func bytesUpload(b []byte) Upload {
	return Upload{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), SHA256: sha256.Sum256(b)}
}

// examine makes the findings of the case as it is, and says what is to be
// held. The report is nil without a disputed file.
func (w *caseWork) examine(ctx context.Context) (*verifier.Report, error) {
	disputed, err := w.newest(ctx, CaseDisputed)
	if err != nil {
		return nil, err
	}
	x := dispute.Examination{Kind: w.row.Kind, LossAt: w.body.Case.LossAt, ReceivedAt: w.body.Case.OpenedAt}
	if disputed != nil {
		sum := sha256.Sum256(disputed)
		x.FileSHA256 = hex.EncodeToString(sum[:])
		if x.Report, err = w.verify(ctx, disputed); err != nil {
			return nil, err
		}
		original, err := w.newest(ctx, CaseOriginal)
		if err != nil {
			return nil, err
		}
		if original != nil {
			x.Original = compareFiles(disputed, original, w.g.cfg.Limits)
		}
	}
	err = w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		m := &matcher{g: w.g, r: r, disputed: disputed, report: x.Report, seen: map[string]bool{}}
		if err := m.run(ctx); err != nil {
			return err
		}
		if x.Failures, err = m.failures(ctx); err != nil {
			return err
		}
		x.Registered, err = m.registered(ctx, w.row.Document)
		x.Traces, w.hold = m.traces, m.artefacts
		return err
	})
	if err != nil {
		return nil, err
	}
	w.body.Held = w.body.Held || len(w.hold) > 0
	f := dispute.Examine(x, w.at)
	w.body.Findings = &f
	return x.Report, nil
}

func (w *caseWork) verify(ctx context.Context, disputed []byte) (*verifier.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, w.g.cfg.Judgement)
	defer cancel()
	sum := sha256.Sum256(disputed)
	r, err := w.g.cfg.Verifier.Verify(ctx, verifier.Input{
		Reader: bytes.NewReader(disputed), Size: int64(len(disputed)), Name: "sengketa.pdf", SHA256: sum[:],
	}, w.at)
	if err != nil {
		return nil, fromSigner(err)
	}
	return r, nil
}

// matcher looks for the operations that a file comes from.
type matcher struct {
	g        *Gateway
	r        Reader
	disputed []byte
	report   *verifier.Report

	traces    []dispute.Trace
	signers   []Operation // those of traces that made signatures
	artefacts [][32]byte
	seen      map[string]bool // operations
}

// part is the beginning of a file that is looked for on record.
type part struct {
	size int64
	sum  [32]byte
}

func (m *matcher) run(ctx context.Context) error {
	for i, p := range m.parts() {
		found, err := m.r.Operations(ctx, OperationQuery{Digest: p.sum, Status: OperationOK, Page: Page{Limit: maxTraces}})
		if err != nil {
			return err
		}
		for _, o := range found {
			var relation dispute.Relation
			switch {
			case o.OutputSHA256 == p.sum && i == 0:
				relation = dispute.Released
			case o.OutputSHA256 == p.sum:
				relation = dispute.Extended
			case o.InputSHA256 == p.sum && i == 0 && (o.Kind == "sign" || o.Kind == "seal"):
				relation = dispute.Before
			default:
				continue // what was only looked at
			}
			if err := m.trace(ctx, o, relation); err != nil {
				return err
			}
		}
	}
	if len(m.traces) == 0 {
		return m.copies(ctx)
	}
	return nil
}

// parts are the whole file, then its revisions, the newest first.
func (m *matcher) parts() []part {
	if m.disputed == nil {
		return nil
	}
	out := []part{{int64(len(m.disputed)), sha256.Sum256(m.disputed)}}
	doc, err := pdf.Open(bytes.NewReader(m.disputed), int64(len(m.disputed)), pdf.Options{Limits: m.g.cfg.Limits})
	if err != nil {
		return out
	}
	ends := []int64{}
	for _, r := range doc.Revisions() {
		ends = append(ends, r.End())
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	ends = ends[max(0, len(ends)-maxRevisions):]
	h, done := sha256.New(), int64(0)
	for _, end := range ends {
		if end <= done || end >= out[0].size {
			continue
		}
		h.Write(m.disputed[done:end])
		done = end
		out = slices.Insert(out, 1, part{end, [32]byte(h.Sum(nil))})
	}
	return out
}

// copies looks for the operations that made the file's signatures, where the
// file itself is on no record: a signature that was moved into another file, or
// whose file was changed.
func (m *matcher) copies(ctx context.Context) error {
	if m.report == nil || m.disputed == nil {
		return nil
	}
	doc, err := pdf.Open(bytes.NewReader(m.disputed), int64(len(m.disputed)), pdf.Options{Limits: m.g.cfg.Limits})
	if err != nil {
		return nil
	}
	signatures, _ := pades.Signatures(doc) // what could be read of a damaged form
	made := map[string]bool{}
	for _, s := range signatures {
		if der, err := s.CMS(); err == nil {
			sum := sha256.Sum256(der)
			made[hex.EncodeToString(sum[:])] = true
		}
	}
	asked := map[[32]byte]bool{}
	for _, s := range m.report.Signatures {
		cert := sha256.Sum256(s.Certificate)
		if s.Certificate == nil || asked[cert] || len(asked) == maxRevisions {
			continue
		}
		asked[cert] = true
		found, err := m.r.Operations(ctx, OperationQuery{Certificate: cert, Status: OperationOK, Page: Page{Limit: maxCopies}})
		if err != nil {
			return err
		}
		for _, o := range found {
			if err := m.copied(ctx, o, made); err != nil {
				return err
			}
		}
	}
	return nil
}

// copied notes an operation when it made one of the signatures.
func (m *matcher) copied(ctx context.Context, o Operation, made map[string]bool) error {
	if o.Kind != "sign" && o.Kind != "seal" {
		return nil
	}
	record, _, err := m.outcome(ctx, o.ID)
	if err != nil || record == nil {
		return err
	}
	for _, a := range record.Artefacts {
		if a.Kind == "cms" && made[a.SHA256] {
			return m.trace(ctx, o, dispute.Copied)
		}
	}
	return nil
}

// outcome returns the record that closes an operation; nil when there is
// none.
func (m *matcher) outcome(ctx context.Context, operation string) (*evidence.Record, evidence.Entry, error) {
	entries, err := m.r.EntriesOf(ctx, operation)
	if err != nil {
		return nil, evidence.Entry{}, err
	}
	for _, e := range entries {
		if e.Phase == evidence.PhaseIntent {
			continue
		}
		r, err := evidence.ParseRecord(e.Record)
		return &r, e, err
	}
	return nil, evidence.Entry{}, nil
}

// trace notes an operation with what is on record of it.
func (m *matcher) trace(ctx context.Context, o Operation, relation dispute.Relation) error {
	if m.seen[o.ID] || len(m.traces) >= maxTraces {
		return nil
	}
	m.seen[o.ID] = true
	record, entry, err := m.outcome(ctx, o.ID)
	if err != nil || record == nil {
		return err
	}
	t := dispute.Trace{
		Relation: relation, Operation: o.ID, Kind: o.Kind, From: record.Subject.InputSize, Size: record.Subject.OutputSize, At: record.Time,
		Application: record.Actor.Application, Address: record.Actor.Address, User: record.Actor.User,
		Authorisation: record.Detail["authorisation"], CertificateSHA256: record.Signer.CertificateSHA256,
		InputSHA256: record.Subject.InputSHA256, OutputSHA256: record.Subject.OutputSHA256,
		Leaf: hex.EncodeToString(entry.Leaf[:]), Index: entry.Index,
	}
	if app, err := m.r.Application(ctx, record.Actor.Application); err == nil {
		t.Application = app.Name
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	if record.Signer.ID != "" {
		who, err := m.r.Signer(ctx, record.Signer.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		t.Signer = who.Name
	}
	for _, a := range record.Artefacts {
		t.Artefacts = append(t.Artefacts, a.SHA256)
		m.artefacts = append(m.artefacts, digest(a.SHA256))
	}
	m.traces = append(m.traces, t)
	if o.Kind == "sign" {
		m.signers = append(m.signers, o)
	}
	return nil
}

// failures counts the wrong passphrases before each signature of a person.
func (m *matcher) failures(ctx context.Context) ([]dispute.Failures, error) {
	var out []dispute.Failures
	for i, o := range m.signers {
		if slices.ContainsFunc(m.signers[:i], func(p Operation) bool { return p.Signer == o.Signer }) {
			continue
		}
		found, err := m.r.Operations(ctx, OperationQuery{
			Signer: o.Signer, Status: OperationRefused, From: o.StartedAt.Add(-failureWindow), To: o.StartedAt, Page: Page{Limit: 1000},
		})
		if err != nil {
			return nil, err
		}
		f := dispute.Failures{Hours: int(failureWindow / time.Hour)}
		for _, t := range m.traces {
			if t.Operation == o.ID {
				f.Signer = t.Signer
			}
		}
		for _, p := range found {
			if p.Code == string(CodePassphrase) {
				f.N++
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// registered holds the file against the document that a QR code leads to.
func (m *matcher) registered(ctx context.Context, id string) (*dispute.Registered, error) {
	if id == "" {
		return nil, nil
	}
	d, err := m.r.Document(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return &dispute.Registered{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	x := &dispute.Registered{ID: id, Nomor: d.Nomor, Tanggal: d.Tanggal, Status: string(d.Status)}
	// What the genuine document came from belongs to the case too: it proves
	// what the paper should have been.
	for _, v := range d.Versions {
		o, err := m.r.Operation(ctx, v.Operation)
		if err != nil {
			return nil, err
		}
		if err := m.trace(ctx, o, dispute.Related); err != nil {
			return nil, err
		}
	}
	if m.disputed != nil {
		if err := m.g.vouch(ctx, m.r, &d); err != nil {
			return nil, err
		}
		match, err := compareVersions(d, bytesUpload(m.disputed))
		x.Match = string(match)
		return x, err
	}
	return x, nil
}
