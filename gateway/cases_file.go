package gateway

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
)

// view makes of a case what a member of staff sees.
func (w *caseWork) view(ctx context.Context) (*CaseView, error) {
	b := w.body
	v := &CaseView{
		CaseRow: w.row, Case: b.Case, Text: b.Complaint.Text, Name: maskName(b.Complaint.Name), Contact: maskContact(b.Complaint.Contact),
		NIK: maskEnd(b.Complaint.NIK, 4), Findings: b.Findings, Earlier: b.Earlier, Answer: b.Answer, Held: b.Held,
	}
	v.Sealed = nil
	for _, f := range w.files {
		name, err := w.fileName(f)
		if err != nil {
			return nil, err
		}
		v.Files = append(v.Files, CaseFileView{f.ID, name, f.Kind, f.SHA256, f.Size, f.At, !f.ErasedAt.IsZero()})
	}
	names := map[string]string{}
	err := w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) error {
		rows, err := r.CaseEvents(ctx, w.row.ID)
		if err != nil {
			return err
		}
		v.Events = nil
		for _, row := range rows {
			e, err := w.event(ctx, r, row, names)
			if err != nil {
				return err
			}
			v.Events = append(v.Events, e)
		}
		if v.Recused, err = recused(ctx, r, w.row.ID); err != nil {
			return err
		}
		if b.Case.Closing != nil {
			v.ClosingBy, err = staffName(ctx, r, b.Case.Closing.By, names)
		}
		if err == nil {
			v.ClosedBy, err = staffName(ctx, r, b.Case.ClosedBy, names)
		}
		return err
	})
	return v, err
}

// event opens a line of the history.
func (w *caseWork) event(ctx context.Context, r Reader, row CaseEventRow, names map[string]string) (dispute.Event, error) {
	e, err := w.openEvent(row)
	if err != nil {
		return dispute.Event{}, err
	}
	by, err := staffName(ctx, r, e.By, names)
	return dispute.Event{At: row.At, By: by, Code: e.Code, Arg: e.Arg, Text: e.Text}, err
}

func (w *caseWork) openEvent(row CaseEventRow) (e caseEvent, err error) {
	b, err := w.g.cases.open(row.Sealed, w.owner("event "+row.ID))
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return e, &Error{Code: CodeInternal, Text: "The case cannot be read.", Err: err}
	}
	return e, nil
}

// staffName is the name of a member of staff; "" for nobody.
func staffName(ctx context.Context, r Reader, id string, names map[string]string) (string, error) {
	if name, ok := names[id]; ok || id == "" {
		return name, nil
	}
	who, err := r.Staff(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		who.Name = id
	case err != nil:
		return "", err
	}
	names[id] = who.Name
	return who.Name, nil
}

// maskEnd hides all but the last n characters.
func maskEnd(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return strings.Repeat("•", len(r))
	}
	return strings.Repeat("•", len(r)-n) + string(r[len(r)-n:])
}

// maskName leaves the first letter of each word.
func maskName(s string) string {
	var out []string
	for _, word := range strings.Fields(s) {
		r := []rune(word)
		out = append(out, string(r[0])+strings.Repeat("•", min(len(r)-1, 8)))
	}
	return strings.Join(out, " ")
}

// maskContact leaves the first letter of a mail address and its domain, or the
// last two digits of a telephone number.
func maskContact(s string) string {
	user, domain, mail := strings.Cut(s, "@")
	if mail && user != "" {
		return maskName(user[:1]+"xxxxx") + "@" + domain
	}
	return maskEnd(s, 2)
}

// CaseFile writes the case file: a zip with the sealed paper, the files of the
// case, and the evidence bundles of the operations that findings speak of. The
// paper names every other file with its digest, so its seal holds for them all.
func (g *Gateway) CaseFile(ctx context.Context, c Caller, id string) (name string, data []byte, err error) {
	w, err := g.loadCase(ctx, c, id, "case.file", caseReaders)
	if err != nil {
		return "", nil, err
	}
	v, err := w.view(ctx)
	if err != nil {
		return "", nil, err
	}
	in, err := g.caseWords(dispute.Indonesian)
	if err != nil {
		return "", nil, err
	}
	x := &dispute.Contents{Case: v.Case, ErasedAt: v.ErasedAt, Complaint: v.Text, Answer: v.Answer, Findings: v.Findings, Earlier: v.Earlier, Events: v.Events}
	if x.Case.Closing != nil {
		closing := *x.Case.Closing
		closing.By = v.ClosingBy
		x.Case.Closing, x.Case.ClosedBy = &closing, v.ClosedBy
	}
	var parts []casePart
	for i, f := range v.Files {
		if f.Erased {
			continue
		}
		row, err := w.file(ctx, f.ID)
		if err != nil {
			return "", nil, err
		}
		parts = append(parts, casePart{fmt.Sprintf("berkas/%02d-%s-%s", i+1, f.Kind, safeName(f.Name)), row.Data})
	}
	x.Files = listed(parts)
	bundles, err := w.bundles(ctx)
	if err != nil {
		return "", nil, err
	}
	x.Bundles = listed(bundles)
	paper, err := w.print(ctx, x.CaseFile(g.cfg.Cases.Rules, in, w.at))
	if err != nil {
		return "", nil, err
	}
	all := append([]casePart{{"berkas-kasus.pdf", paper}}, append(parts, bundles...)...)
	if data, err = zipped(all, w.at); err != nil {
		return "", nil, &Error{Code: CodeInternal, Text: "The case file cannot be made.", Err: err}
	}
	sum := sha256.Sum256(data)
	err = g.record(ctx, c, evidence.Record{
		Kind: "case.file", Result: evidence.Result{Status: evidence.StatusOK}, Detail: w.detail(),
		Subject: evidence.Subject{OutputSHA256: hex.EncodeToString(sum[:]), OutputSize: int64(len(data))},
	})
	return "kasus-" + v.Case.Number + ".zip", data, err
}

// casePart is a file in the case file.
type casePart struct {
	name string
	data []byte
}

func listed(parts []casePart) []dispute.File {
	var out []dispute.File
	for _, p := range parts {
		out = append(out, dispute.File{Name: p.name, SHA256: dispute.Hex(sha256.Sum256(p.data)), Size: int64(len(p.data))})
	}
	return out
}

// bundles makes the evidence bundles of the operations that the findings name.
func (w *caseWork) bundles(ctx context.Context) ([]casePart, error) {
	if w.body.Findings == nil || w.g.cfg.Cases.Bundle == nil {
		return nil, nil
	}
	var named []string
	for _, f := range append([]*dispute.Findings{w.body.Findings}, w.body.Earlier...) {
		for _, id := range f.Operations {
			if !slices.Contains(named, id) {
				named = append(named, id)
			}
		}
	}
	var out []casePart
	for _, id := range named {
		o := &OnRecord{}
		err := w.g.view(ctx, Scope(w.row.Organisation), func(r Reader) (err error) {
			if o.Operation, err = r.Operation(ctx, id); err != nil {
				return err
			}
			o.Entries, err = r.EntriesOf(ctx, id)
			return err
		})
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := w.g.cfg.Cases.Bundle(ctx, &b, o); err != nil {
			return nil, fromStore(err)
		}
		out = append(out, casePart{"bukti/" + id + ".zip", b.Bytes()})
	}
	return out, nil
}

// safeName is a file name that every system takes.
func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '_'
	}, path.Base(s))
	if s = strings.Trim(s, "._-"); s == "" {
		return "berkas"
	}
	return s[max(0, len(s)-80):]
}

func zipped(parts []casePart, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	sums := ""
	for _, p := range parts {
		sums += dispute.Hex(sha256.Sum256(p.data)) + "  " + p.name + "\n"
	}
	for _, p := range append(parts, casePart{"SHA256SUMS", []byte(sums)}) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Deflate, Modified: at})
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(f, bytes.NewReader(p.data)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
