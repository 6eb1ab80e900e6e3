package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// member is a member of staff who has signed in.
type member struct {
	*person
	gateway.Caller
}

func (w *world) member(username string, role gateway.Role) member {
	w.tb.Helper()
	p := w.hire(username, role)
	s, code := w.session(p.enter())
	if code != "" {
		w.tb.Fatal(code)
	}
	return member{p, s.Caller}
}

// fresh is a one-time password that has not been used.
func (m member) fresh() string {
	m.w.wait(time.Minute)
	return m.code()
}

// at is the same for callers that need no other one-time password.
func (w *world) at(username string, role gateway.Role) gateway.Caller {
	w.tb.Helper()
	return w.member(username, role).Caller
}

// complain files a complaint with a file, has it examined, and returns it as
// staff see it, with its secret code.
func (w *world) complain(ani gateway.Caller, file []byte) (gateway.CaseRef, *gateway.CaseReceipt) {
	w.tb.Helper()
	ctx := w.tb.Context()
	receipt, err := w.FileComplaint(ctx, gateway.Caller{Address: "192.0.2.9"}, gateway.Complaint{
		Kind: dispute.Repudiation, Text: "kenari-cerita", Name: "Kenari Pengadu", Contact: "kenari@pengadu.example", NIK: "3500000000000001",
	}, &gateway.CaseUpload{
		Upload: gateway.Upload{ReaderAt: bytes.NewReader(file), Size: int64(len(file)), SHA256: sha256.Sum256(file)}, Name: "kenari-berkas.pdf",
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	ref := w.ref(ani, receipt.ID)
	if _, err := w.ExamineCase(ctx, ani, ref); err != nil {
		w.tb.Fatal(err)
	}
	return w.ref(ani, receipt.ID), receipt
}

func (w *world) ref(c gateway.Caller, id string) gateway.CaseRef {
	w.tb.Helper()
	v, err := w.Case(w.tb.Context(), c, id)
	if err != nil {
		w.tb.Fatal(err)
	}
	return gateway.CaseRef{ID: id, Version: v.Version}
}

// end notes something, and closes a case as its complaint was withdrawn.
func (w *world) end(id string, ani gateway.Caller, budi member) {
	w.tb.Helper()
	ctx := w.tb.Context()
	for _, err := range []error{
		w.NoteCase(ctx, ani, w.ref(ani, id), "kenari-catatan"),
		w.ProposeClosing(ctx, ani, w.ref(ani, id), dispute.Withdrawn, "dicabut pengadu"),
		w.CloseCase(ctx, budi.Caller, w.ref(budi.Caller, id), budi.fresh()),
	} {
		if err != nil {
			w.tb.Fatal(err)
		}
	}
}

// released puts an operation on record that released a file, with an artefact.
func (w *world) released(file []byte) {
	w.tb.Helper()
	cms := evidence.Blob{Kind: "cms", Data: []byte("cms")}
	w.must(w.db.Update(w.tb.Context(), organisation, func(tx gateway.Tx) error { return tx.PutArtefact(w.tb.Context(), cms) }))
	sum, r := sha256.Sum256(cms.Data), sealed(file)
	r.Artefacts = []evidence.Artefact{{Kind: cms.Kind, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(cms.Data))}}
	w.put(r, nil)
}

// words is all that a case says to staff.
func words(v *gateway.CaseView) string {
	said := []string{v.Text, v.Name, v.Contact, v.NIK, v.Answer}
	for _, e := range v.Events {
		said = append(said, e.Arg, e.Text)
	}
	for _, f := range v.Files {
		said = append(said, f.Name)
	}
	return strings.Join(said, "\n")
}

// TestEraseCases: what people gave and said is erased once its time is over,
// unless evidence is held; that it was is on record; what was decided stays.
func TestEraseCases(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani, penyelia := w.at("ani", gateway.RoleInvestigator), w.member("budi", gateway.RoleSupervisor)
	budi := penyelia.Caller
	w.released([]byte("%PDF-1.7 tercatat"))
	held, _ := w.complain(ani, []byte("%PDF-1.7 tercatat"))
	free, receipt := w.complain(ani, []byte("%PDF-1.7 lain"))
	open, _ := w.complain(ani, []byte("%PDF-1.7 terbuka"))
	w.end(held.ID, ani, penyelia)
	w.end(free.ID, ani, penyelia)
	erase := func(want int) {
		t.Helper()
		n, err := w.EraseCases(ctx)
		if err != nil || n != want {
			t.Errorf("erased %d cases, %v; want %d", n, err, want)
		}
	}
	read := func(id string) *gateway.CaseView {
		t.Helper()
		v, err := w.Case(ctx, budi, id)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	w.wait(5*365*24*time.Hour - time.Minute)
	erase(0)
	file := read(free.ID).Files[0].ID
	w.wait(time.Hour)
	erase(1)
	erase(0)
	for id, said := range map[string]bool{held.ID: true, free.ID: false, open.ID: true} {
		v := read(id)
		if got := strings.Contains(words(v), "kenari"); got != said || v.ErasedAt.IsZero() != said {
			t.Errorf("%s: erased at %v, says %q", v.Case.Number, v.ErasedAt, words(v))
		}
	}
	v := read(free.ID)
	if v.Case.Closing.Reason != "dicabut pengadu" || v.Findings == nil || v.Case.Outcome != dispute.Withdrawn {
		t.Errorf("what was decided: %+v", v.Case)
	}
	if v.Files[0].Size != 13 || !v.Files[0].Erased || v.Files[0].SHA256 != sha256.Sum256([]byte("%PDF-1.7 lain")) {
		t.Errorf("the file: %+v", v.Files[0])
	}
	if _, _, err := w.CaseDownload(ctx, budi, free.ID, file); codeOf(t, err) != gateway.CodeNotFound {
		t.Errorf("its download: %v", err)
	}
	if followed, err := w.FollowCase(ctx, "192.0.2.9", receipt.Code); err != nil || !followed.Erased || followed.Case.Outcome != dispute.Withdrawn {
		t.Errorf("the complainant sees %+v, %v", followed, err)
	}
	o, err := w.Overview(ctx, budi, gateway.OverviewRequest{Days: 1})
	want := gateway.CaseRetention{CaseCount: gateway.CaseCount{Open: 1, Kept: 1, Over: 1, Erased: 1}, Days: 5 * 365}
	if err != nil || o.Retention != want {
		t.Errorf("the overview counts %+v, %v; want %+v", o.Retention, err, want)
	}
	if err := w.ReleaseCaseHold(ctx, budi, w.ref(budi, held.ID), "masa simpan berakhir", penyelia.fresh()); err != nil {
		t.Fatal(err)
	}
	erase(1)
	acts := w.events("case.erase")
	if len(acts) != 2 || acts[0].Detail["case"] != free.ID || acts[0].Detail["files"] != "2" || acts[1].Detail["case"] != held.ID {
		t.Errorf("on record: %+v", acts)
	}
}
