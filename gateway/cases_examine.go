package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/verifier"
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
	w.say("examined", "", "")
	if report != nil && !w.keepReport(report) {
		w.say("report-left", "", "")
	}
	f := w.body.Findings
	detail := map[string]string{"conclusion": f.Conclusion.Code}
	if f.Verdict != "" {
		detail["verdict"] = f.Verdict
	}
	w.record = evidence.Record{Kind: "case.examine", Subject: evidence.Subject{InputSHA256: f.FileSHA256, Document: w.row.Document}, Detail: detail}
	return f, w.write(ctx)
}

// keepReport keeps the verdict behind an examination with the case, where there is
// room for such files, which take none from what people give.
func (w *caseWork) keepReport(r *verifier.Report) bool {
	b, err := r.MarshalJSON()
	total := int64(len(b))
	for _, f := range w.files {
		if slices.Contains(w.body.Reports, f.ID) {
			total += f.Size
		}
	}
	if err != nil || len(w.body.Reports) >= maxReports || total > maxReportBytes {
		return false
	}
	f := w.put(CaseAttachment, "laporan-validasi-"+w.at.Format("20060102-150405")+".json", b)
	w.body.Reports = append(w.body.Reports, f.ID)
	return true
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
	x := dispute.Examination{
		Kind: w.row.Kind, LossAt: w.body.Case.LossAt, ReceivedAt: w.body.Case.OpenedAt, LossLate: !w.body.Case.LossInTime(w.g.cfg.Cases.Rules),
	}
	var file *soughtFile
	var original []byte
	if disputed != nil {
		if x.Report, err = w.verify(ctx, disputed); err != nil {
			return nil, err
		}
		file = w.g.seek(disputed, x.Report)
		x.FileSHA256 = hex.EncodeToString(file.sum[:])
		if original, err = w.newest(ctx, CaseOriginal); err != nil {
			return nil, err
		}
	}
	known := &dispute.Comparison{}
	err = w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		m := &matcher{g: w.g, r: r, file: file, operations: map[string]*evidence.Record{}}
		if err := m.run(ctx, w.named()); err != nil {
			return err
		}
		if known, err = m.supplied(ctx, original); err != nil {
			return err
		}
		m.describe(&x)
		w.hold = m.artefacts
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := w.g.proveTraces(ctx, x.Traces); err != nil {
		return nil, err
	}
	if original != nil {
		x.Original = compareFiles(disputed, original, x.InLine(), w.g.cfg.Limits)
		x.Original.Known, x.Original.Operation = known.Known, known.Operation
	}
	w.body.Held = w.body.Held || len(w.hold) > 0
	f := dispute.Examine(x, w.at)
	w.body.Findings = &f
	return x.Report, nil
}

// proveTraces proves of each operation that its records are in the log. What
// cannot be proven stays unproven: who wrote them is vouched for all the same.
func (g *Gateway) proveTraces(ctx context.Context, traces []dispute.Trace) error {
	for i := range traces {
		t := &traces[i]
		if t.Index < 0 {
			continue
		}
		_, err := g.cfg.Notary.Prove(ctx, t.Operation)
		switch {
		case err == nil:
			t.Included = true
		case errors.Is(err, evidence.ErrNotIntegrated): // no checkpoint covers it yet
			t.Index = -1
		case errors.Is(err, evidence.ErrTampered):
			g.cfg.Log.ErrorContext(ctx, "ALARM: a record is not where the log has it", "operation", t.Operation, "error", err)
		default:
			return fromStore(err)
		}
	}
	return nil
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
