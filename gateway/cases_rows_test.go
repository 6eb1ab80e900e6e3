package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// rewritten is a database whose rows somebody has changed: the functions that are
// not nil say how.
type rewritten struct {
	gateway.Store
	row      func(*gateway.CaseRow)
	file     func(*gateway.CaseFileRow)
	signer   func(*gateway.Signer)
	der      []byte            // of every certificate; nil: as they are
	ended    *time.Time        // when each stopped being used; nil: as they are
	recusals bool              // are gone
	code     string            // the case that every code leads to; "" for none
	document *gateway.Document // of which every file is a version
}

func (s *rewritten) View(ctx context.Context, scope gateway.Scope, fn func(gateway.Reader) error) error {
	return s.Store.View(ctx, scope, func(r gateway.Reader) error { return fn(rewrittenRows{r, s}) })
}

type rewrittenRows struct {
	gateway.Reader
	by *rewritten
}

func (r rewrittenRows) Case(ctx context.Context, id string) (gateway.CaseRow, error) {
	row, err := r.Reader.Case(ctx, id)
	if r.by.row != nil {
		r.by.row(&row)
	}
	return row, err
}

func (r rewrittenRows) CaseByCode(ctx context.Context, code [32]byte) (gateway.CaseRow, error) {
	if r.by.code == "" {
		return r.Reader.CaseByCode(ctx, code)
	}
	row, err := r.Reader.Case(ctx, r.by.code)
	row.Code = code
	return row, err
}

func (r rewrittenRows) Cases(ctx context.Context, q gateway.CaseQuery) ([]gateway.CaseRow, error) {
	if !q.Over.IsZero() { // it is for the rows to say when they were closed
		q.Over, q.State = time.Time{}, dispute.Closed
	}
	rows, err := r.Reader.Cases(ctx, q)
	for i := range rows {
		if r.by.row != nil {
			r.by.row(&rows[i])
		}
	}
	return rows, err
}

func (r rewrittenRows) CaseHidden(ctx context.Context, id string, s gateway.CaseSight) (bool, error) {
	row, err := r.Case(ctx, id)
	if err != nil || s.NoConduct && row.Kind == dispute.Conduct {
		return true, err
	}
	s.NoConduct = false
	if r.by.recusals {
		s.Staff = ""
	}
	return r.Reader.CaseHidden(ctx, id, s)
}

func (r rewrittenRows) CaseFiles(ctx context.Context, id string) ([]gateway.CaseFileRow, error) {
	files, err := r.Reader.CaseFiles(ctx, id)
	for i := range files {
		if r.by.file != nil {
			r.by.file(&files[i])
		}
	}
	return files, err
}

func (r rewrittenRows) Signer(ctx context.Context, id string) (gateway.Signer, error) {
	s, err := r.Reader.Signer(ctx, id)
	if r.by.signer != nil {
		r.by.signer(&s)
	}
	return s, err
}

func (r rewrittenRows) Certificate(ctx context.Context, sum [32]byte) (gateway.Certificate, error) {
	c, err := r.Reader.Certificate(ctx, sum)
	if r.by.der != nil {
		c.DER = r.by.der
	}
	if r.by.ended != nil {
		c.RevokedLocallyAt = *r.by.ended
	}
	return c, err
}

func (r rewrittenRows) DocumentsBySHA256(ctx context.Context, sum [32]byte) ([]gateway.Document, error) {
	if r.by.document == nil {
		return r.Reader.DocumentsBySHA256(ctx, sum)
	}
	d := *r.by.document
	d.Versions = []gateway.DocumentVersion{{SHA256: sum}}
	return []gateway.Document{d}, nil
}

func newRewritten(t *testing.T) (*world, *rewritten, *bytes.Buffer) {
	t.Helper()
	s, log := &rewritten{}, &bytes.Buffer{}
	w := newWorldWith(t, func(c *gateway.Config) {
		s.Store = c.Store
		c.Store, c.Log = s, textLog(log)
	})
	return w, s, log
}

// TestRewrittenCases: who writes to the database alone lets nobody see a case who is
// kept out of it, and nobody close it (S13).
func TestRewrittenCases(t *testing.T) {
	w, rows, _ := newRewritten(t)
	ctx := t.Context()
	ani, budi, auditor := w.at("ani", gateway.RoleInvestigator), w.member("budi", gateway.RoleSupervisor), w.member("cici", gateway.RoleAuditor)
	cici := auditor.Caller
	id := w.filed(dispute.Conduct, "budi meminta imbalan")

	rows.row = func(c *gateway.CaseRow) { c.Kind = dispute.Authenticity }
	if _, err := w.Case(ctx, ani, id); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("an investigator reads a complaint about staff that is none by its row: %v", err)
	}
	rows.row = func(c *gateway.CaseRow) { c.State = dispute.Closed }
	if _, err := w.Case(ctx, cici, id); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("a case is read as closed: %v", err)
	}
	rows.row = func(c *gateway.CaseRow) { c.Document = "abcdefghjkmnpqrstvwxyz0123" }
	if _, err := w.Case(ctx, cici, id); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("a case is about another document: %v", err)
	}
	rows.row, rows.code = nil, id
	if _, err := w.FollowCase(ctx, "192.0.2.9", "tebakan"); !errors.Is(err, gateway.ErrForged) {
		t.Errorf("a case is followed with a code that was written into the database: %v", err)
	}
	rows.code = ""
	_, err := w.Case(ctx, cici, id)
	w.must(err)

	rows.recusals = true
	if _, err := w.Case(ctx, budi.Caller, id); codeOf(t, err) != gateway.CodeForbidden {
		t.Errorf("who is accused reads the complaint: %v", err)
	}
	w.must(w.Readmit(ctx, cici, w.ref(cici, id), gateway.Readmission{Username: "budi", Reason: "bukan yang dimaksud", Code: auditor.fresh()}))
	_, err = w.Case(ctx, budi.Caller, id)
	w.must(err)
	w.must(w.Recuse(ctx, cici, w.ref(cici, id), "budi", "ternyata ia"))
	if _, err := w.Case(ctx, budi.Caller, id); codeOf(t, err) != gateway.CodeForbidden {
		t.Errorf("who was kept out again reads the complaint: %v", err)
	}
}

// TestRewrittenClosing: nothing is erased before its time, whenever the database has
// a case closed.
func TestRewrittenClosing(t *testing.T) {
	w, rows, log := newRewritten(t)
	ani, budi := w.at("ani", gateway.RoleInvestigator), w.member("budi", gateway.RoleSupervisor)
	ref, _ := w.complain(ani, []byte("%PDF-1.7 berkas"))
	w.end(ref.ID, ani, budi)
	rows.row = func(c *gateway.CaseRow) { c.ClosedAt = c.ClosedAt.AddDate(-6, 0, 0) }
	if n, err := w.EraseCases(t.Context()); n != 0 || err != nil || !strings.Contains(log.String(), "closed later than") {
		t.Errorf("erased %d cases, %v: %s", n, err, log)
	}
	rows.row = nil
	other, _ := w.complain(ani, []byte("%PDF-1.7 berkas"))
	w.end(other.ID, ani, budi)
	w.wait(6 * 365 * 24 * time.Hour)
	rows.row = func(c *gateway.CaseRow) {
		if c.ID == ref.ID {
			c.Sealed = []byte("palsu")
		}
	}
	if n, err := w.EraseCases(t.Context()); n != 1 || err != nil || !strings.Contains(log.String(), "not in the database as it was written") {
		t.Errorf("erased %d cases beside one that cannot be read, %v: %s", n, err, log)
	}
	rows.row = nil
	if n, err := w.EraseCases(t.Context()); n != 1 || err != nil {
		t.Errorf("erased %d cases in their time, %v", n, err)
	}
}

// TestRewrittenFiles: which file is in dispute is not for the database to say.
func TestRewrittenFiles(t *testing.T) {
	w, rows, _ := newRewritten(t)
	ctx := t.Context()
	ani := w.at("ani", gateway.RoleInvestigator)
	disputed, other := []byte("%PDF-1.7 sengketa"), []byte("%PDF-1.7 lain")
	ref, _ := w.complain(ani, disputed)
	w.wait(time.Minute)
	w.must(w.AttachToCase(ctx, ani, ref, gateway.CaseOriginal, gateway.CaseUpload{Upload: upload(other), Name: "asli.pdf"}))
	for name, file := range map[string]func(f *gateway.CaseFileRow){
		"exchanged": func(f *gateway.CaseFileRow) {
			f.Kind = map[gateway.CaseFileKind]gateway.CaseFileKind{gateway.CaseDisputed: gateway.CaseOriginal, gateway.CaseOriginal: gateway.CaseDisputed}[f.Kind]
		},
		"both": func(f *gateway.CaseFileRow) { f.Kind = gateway.CaseDisputed },
	} {
		rows.file = file
		f, err := w.ExamineCase(ctx, ani, w.ref(ani, ref.ID))
		w.must(err)
		if want := sha256.Sum256(disputed); f.FileSHA256 != dispute.Hex(want) {
			t.Errorf("%s: examined is %s", name, f.FileSHA256)
		}
	}
	ref = w.ref(ani, ref.ID)
	rows.file = func(f *gateway.CaseFileRow) { f.ID = "" } // gone
	if _, err := w.ExamineCase(ctx, ani, ref); codeOf(t, err) != gateway.CodeInternal {
		t.Errorf("without the file: %v", err)
	}
}
