package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
)

// filed is the case of a complaint without a file.
func (w *world) filed(kind dispute.Kind, text string) string {
	w.tb.Helper()
	r, err := w.FileComplaint(w.tb.Context(), gateway.Caller{Address: "192.0.2.9"}, gateway.Complaint{Kind: kind, Text: text, Contact: "pengadu@contoh.example"}, nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	return r.ID
}

// must fails the test on an error.
func (w *world) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// answered examines and answers a case.
func (w *world) answered(c gateway.Caller, id string) {
	w.tb.Helper()
	_, err := w.ExamineCase(w.tb.Context(), c, w.ref(c, id))
	w.must(err)
	w.must(w.MoveCase(w.tb.Context(), c, w.ref(c, id), dispute.Answered, "jawaban"))
}

// list is the identifiers of the cases that somebody sees.
func (w *world) list(c gateway.Caller, q gateway.CaseQuery) (ids []string) {
	w.tb.Helper()
	found, err := w.Cases(w.tb.Context(), c, q)
	w.must(err)
	for _, x := range found {
		ids = append(ids, x.ID)
	}
	return ids
}

// TestConductIsKeptFromInvestigators: complaints about staff and their records are
// found in no list, search or reading of an investigator's, and hide no others.
func TestConductIsKeptFromInvestigators(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani, budi, cici := w.at("ani", gateway.RoleInvestigator), w.at("budi", gateway.RoleSupervisor), w.at("cici", gateway.RoleAuditor)
	var open []string
	for range 3 {
		open = append(open, w.filed(dispute.Authenticity, "asli?"))
	}
	file := []byte("%PDF-1.7 bukti")
	receipt, err := w.FileComplaint(ctx, gateway.Caller{}, gateway.Complaint{Kind: dispute.Conduct, Text: "meminta imbalan", Contact: "x"}, &gateway.CaseUpload{Upload: upload(file), Name: "a.pdf"})
	w.must(err)
	conduct := receipt.ID
	w.answered(budi, conduct)
	w.must(w.ProposeClosing(ctx, budi, w.ref(budi, conduct), dispute.Upheld, "benar"))

	slices.Reverse(open)
	if got := w.list(ani, gateway.CaseQuery{Page: gateway.Page{Limit: 3}}); !slices.Equal(got, open) {
		t.Errorf("a page of three of an investigator's: %v, want %v", got, open)
	}
	if got := w.list(ani, gateway.CaseQuery{Kind: dispute.Conduct}); len(got) != 0 {
		t.Errorf("an investigator finds %v", got)
	}
	var acts []string
	w.must(w.db.View(ctx, organisation, func(r gateway.Reader) error {
		all, err := r.Operations(ctx, gateway.OperationQuery{})
		for _, o := range all {
			if o.Case == conduct {
				acts = append(acts, o.ID)
			}
		}
		return err
	}))
	if len(acts) < 5 {
		t.Fatalf("%d records are about the complaint", len(acts))
	}
	for _, who := range []struct {
		name string
		c    gateway.Caller
		sees bool
	}{{"an investigator", ani, false}, {"a supervisor", budi, true}, {"an auditor", cici, true}} {
		var found []gateway.Operation
		s, err := w.Search(ctx, who.c, gateway.SearchRequest{})
		w.must(err)
		found = append(found, s.Operations...)
		f, err := w.SearchFile(ctx, who.c, upload(file), report())
		w.must(err)
		found = append(found, f.States[0].Operations...)
		all, err := w.Operations(ctx, who.c, gateway.OperationQuery{})
		w.must(err)
		found = append(found, all...)
		n := 0
		for _, o := range found {
			if o.Case == conduct {
				n++
			}
		}
		if (n > 0) != who.sees {
			t.Errorf("%s finds %d records", who.name, n)
		}
		for _, id := range acts {
			_, read := w.ReadOperation(ctx, who.c, id)
			_, taken := w.EvidenceOf(ctx, who.c, id)
			if (read == nil) != who.sees || (taken == nil) != who.sees || !who.sees && codeOf(t, read) != gateway.CodeNotFound {
				t.Fatalf("%s reads a record: %v, %v", who.name, read, taken)
			}
		}
		o, err := w.Overview(ctx, who.c, gateway.OverviewRequest{Days: 1})
		w.must(err)
		if sees := slices.ContainsFunc(o.Cases, func(x gateway.CaseSummary) bool { return x.ID == conduct }); sees != who.sees {
			t.Errorf("%s sees it in the overview: %t", who.name, sees)
		}
	}
}

// TestRecusal: whoever is complained of, by name or as somebody says, neither
// reads the complaint nor finds its records nor decides it, until an auditor
// says otherwise.
func TestRecusal(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	add := func(username, name string, role gateway.Role) member {
		t.Helper()
		_, secrets, err := w.AddStaff(ctx, operator(), gateway.StaffSpec{Username: username, Name: name, Role: role})
		w.must(err)
		p := w.person(username, secrets)
		s, code := w.session(p.enter())
		if code != "" {
			t.Fatal(code)
		}
		return member{p, s.Caller}
	}
	budi, dedi := add("budi", "Budi Penyelia", gateway.RoleSupervisor), add("dedi.s", "Petugas Dedi", gateway.RoleSupervisor)
	cici := add("cici", "Cici Auditor", gateway.RoleAuditor)
	for text, want := range map[string]string{
		"Pak Budi meminta imbalan.": "budi", "petugas DEDI.S menolak": "dedi.s", "petugas itu": "", "budiman dan ibudi": "", "Dedi, lalu Budi": "budi dedi.s", "cici": "cici",
	} {
		id := w.filed(dispute.Conduct, text)
		var got []string
		for _, m := range []member{budi, dedi, cici} {
			_, err := w.Case(ctx, m.Caller, id)
			if code := codeOf(t, err); code == gateway.CodeForbidden {
				got = append(got, m.username)
			} else if code != "" {
				t.Fatal(err)
			}
			if listed := slices.Contains(w.list(m.Caller, gateway.CaseQuery{}), id); listed != (err == nil) {
				t.Errorf("%q: %s sees it in the list: %t", text, m.username, listed)
			}
			found, err := w.Search(ctx, m.Caller, gateway.SearchRequest{OperationQuery: gateway.OperationQuery{Kind: "case.open", Page: gateway.Page{Limit: 1}}})
			w.must(err)
			if sees := len(found.Operations) > 0 && found.Operations[0].Case == id; sees == slices.Contains(got, m.username) {
				t.Errorf("%q: %s finds the record: %t", text, m.username, sees)
			}
		}
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("%q is kept from %v, want %q", text, got, want)
		}
	}
	if _, err := w.Case(ctx, budi.Caller, w.filed(dispute.Authenticity, "Surat Budi ini asli?")); err != nil {
		t.Errorf("another complaint is kept from who is named: %v", err)
	}

	id := w.filed(dispute.Conduct, "budi")
	let := func(username, reason, code string) gateway.Readmission {
		return gateway.Readmission{Username: username, Reason: reason, Code: code}
	}
	for name, err := range map[string]error{
		"who is accused lets in":  w.Readmit(ctx, budi.Caller, gateway.CaseRef{ID: id, Version: 1}, let("budi", "saya tidak bersalah", budi.fresh())),
		"a supervisor lets in":    w.Readmit(ctx, dedi.Caller, w.ref(dedi.Caller, id), let("budi", "teman", dedi.fresh())),
		"who is accused proposes": w.ProposeClosing(ctx, budi.Caller, gateway.CaseRef{ID: id, Version: 1}, dispute.Withdrawn, "x"),
	} {
		if codeOf(t, err) != gateway.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"nobody":          w.Recuse(ctx, dedi.Caller, w.ref(dedi.Caller, id), "tidakada", "x"),
		"twice":           w.Recuse(ctx, dedi.Caller, w.ref(dedi.Caller, id), "budi", "x"),
		"let in for fun":  w.Readmit(ctx, cici.Caller, w.ref(cici.Caller, id), let("dedi.s", "x", cici.fresh())),
		"without reasons": w.Readmit(ctx, cici.Caller, w.ref(cici.Caller, id), let("budi", "\u200b", cici.fresh())),
	} {
		if codeOf(t, err) != gateway.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := cici.fresh()
	for _, code := range []string{"", "000000"} {
		if err := w.Readmit(ctx, cici.Caller, w.ref(cici.Caller, id), let("budi", "nama sama", code)); codeOf(t, err) != gateway.CodePassphrase {
			t.Errorf("let in with the code %q: %v", code, err)
		}
		if _, err := w.Case(ctx, budi.Caller, id); codeOf(t, err) != gateway.CodeForbidden {
			t.Errorf("who was let in with the code %q reads the complaint: %v", code, err)
		}
		w.wait(2 * time.Second)
	}
	w.must(w.Readmit(ctx, cici.Caller, w.ref(cici.Caller, id), let("budi", "nama sama", again)))
	w.must(w.ProposeClosing(ctx, budi.Caller, w.ref(budi.Caller, id), dispute.Withdrawn, "dicabut"))
	w.must(w.Recuse(ctx, budi.Caller, w.ref(budi.Caller, id), "budi", "ternyata saya"))
	v, err := w.Case(ctx, dedi.Caller, id)
	if err != nil || v.Case.Closing != nil || len(v.Recused) != 1 || v.Recused[0].Username != "budi" {
		t.Errorf("after who proposed keeps out: %+v, %v", v, err)
	}
	for kind, want := range map[string]int{"case.recuse": 1, "case.readmit": 1} {
		if acts := w.events(kind); len(acts) != want || acts[0].Detail["case"] != id || acts[0].Detail["staff"] != budi.Staff {
			t.Errorf("%s on record: %+v", kind, acts)
		}
	}
}

// TestConductWithOneSupervisor: an auditor is the second person, for complaints
// about staff alone and never for a proposal of their own.
func TestConductWithOneSupervisor(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	budi, cici := w.member("budi", gateway.RoleSupervisor), w.member("cici", gateway.RoleAuditor)
	for _, kind := range []dispute.Kind{dispute.Conduct, dispute.Authenticity} {
		id := w.filed(kind, "sesuatu")
		w.answered(budi.Caller, id)
		w.must(w.ProposeClosing(ctx, budi.Caller, w.ref(budi.Caller, id), dispute.Rejected, "tidak terbukti"))
		if err := w.CloseCase(ctx, budi.Caller, w.ref(budi.Caller, id), budi.fresh()); codeOf(t, err) != gateway.CodeForbidden {
			t.Errorf("%s: who proposed it closes: %v", kind, err)
		}
		if err := w.ProposeClosing(ctx, cici.Caller, w.ref(cici.Caller, id), dispute.Upheld, "x"); codeOf(t, err) != gateway.CodeForbidden {
			t.Errorf("%s: an auditor proposes: %v", kind, err)
		}
		err := w.CloseCase(ctx, cici.Caller, w.ref(cici.Caller, id), cici.fresh())
		if want := map[dispute.Kind]gateway.Code{dispute.Authenticity: gateway.CodeForbidden}[kind]; codeOf(t, err) != want {
			t.Errorf("%s closed by an auditor: %v", kind, err)
		}
	}
	acts := w.events("case.close")
	if len(acts) != 1 || acts[0].Actor.Role != string(gateway.RoleAuditor) || acts[0].Detail["proposed-by"] != budi.Staff {
		t.Errorf("on record: %+v", acts)
	}
}

// everything is all that is on record, as text.
func (w *world) everything() string {
	w.tb.Helper()
	var b strings.Builder
	w.must(w.db.View(w.tb.Context(), organisation, func(r gateway.Reader) error {
		all, err := r.Operations(w.tb.Context(), gateway.OperationQuery{Page: gateway.Page{Limit: 1000}})
		if err != nil {
			return err
		}
		for _, o := range all {
			entries, err := r.EntriesOf(w.tb.Context(), o.ID)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%+v\n", o)
			for _, e := range entries {
				b.Write(e.Record)
			}
		}
		cases, err := r.Cases(w.tb.Context(), gateway.CaseQuery{})
		for _, c := range cases {
			fmt.Fprintf(&b, "%s\n", c.Document)
		}
		return err
	}))
	return b.String()
}

// TestNoNIKOnRecord: what people type into a form or a search stands nowhere in the
// clear, unless it names something that is on record (S26).
func TestNoNIKOnRecord(t *testing.T) {
	const nik = "3201019999990003"
	w := newWorld(t)
	ctx := t.Context()
	budi := w.at("budi", gateway.RoleSupervisor)
	doc := "abcdefghjkmnpqrstvwxyz0123"
	signer := gateway.Signer{ID: uuid.Must(uuid.NewV7()).String(), Organisation: organisation, Kind: gateway.SignerSeal, Name: "Segel", Status: gateway.SignerActive, CreatedAt: w.clock()}
	w.must(w.db.Update(ctx, organisation, func(tx gateway.Tx) error {
		return errors.Join(tx.AddSigner(ctx, signer), tx.ReserveDocument(ctx, gateway.Document{
			PublicID: doc, Organisation: organisation, Application: "x", Nomor: "1", Tanggal: "2026-11-21", Pages: 1, Status: gateway.DocumentReserved, CreatedAt: w.clock(), ChangedAt: w.clock(),
		}))
	}))
	for text, want := range map[string]string{
		nik: "", "https://sah.example/d/" + nik: "", nik + "abcdefghjk": "", doc: doc, "https://sah.example/d/" + strings.ToUpper(doc) + "/?lang=en#x": doc, "kode: " + doc + ".": doc,
	} {
		r, err := w.FileComplaint(ctx, gateway.Caller{}, gateway.Complaint{Kind: dispute.Authenticity, Text: "asli?", Contact: "x", Document: text}, nil)
		w.must(err)
		v, err := w.Case(ctx, budi, r.ID)
		if asked := strings.Contains(fmt.Sprint(v.Findings.Statements), nik+"abcdefghjk"); asked != r.Unknown {
			t.Errorf("%q: the findings speak of the unknown id: %t", text, asked)
		}
		if err != nil || v.Document != want || r.Unknown != (len(text) == 26 && want == "") {
			t.Errorf("%q: got %q, unknown %t, %v; want %q", text, v.Document, r.Unknown, err, want)
		}
	}
	search := func(q gateway.OperationQuery) {
		_, err := w.Search(ctx, budi, gateway.SearchRequest{OperationQuery: q})
		w.must(err)
	}
	search(gateway.OperationQuery{Signer: nik})
	search(gateway.OperationQuery{Application: nik})
	search(gateway.OperationQuery{Document: nik, Kind: nik})
	search(gateway.OperationQuery{Signer: "segel", Document: doc})
	for _, read := range []func(context.Context, gateway.Caller) error{
		func(ctx context.Context, c gateway.Caller) error { _, err := w.ReadOperation(ctx, c, nik); return err },
		func(ctx context.Context, c gateway.Caller) error { _, err := w.EvidenceOf(ctx, c, nik); return err },
		func(ctx context.Context, c gateway.Caller) error {
			_, err := w.ReadDocument(ctx, c, nik, gateway.Page{})
			return err
		},
		func(ctx context.Context, c gateway.Caller) error {
			_, err := w.ReadSigner(ctx, c, nik, gateway.Page{})
			return err
		},
		func(ctx context.Context, c gateway.Caller) error { _, err := w.Case(ctx, c, nik); return err },
	} {
		if code := codeOf(t, read(ctx, budi)); code != gateway.CodeNotFound {
			t.Errorf("got %q, want not-found", code)
		}
	}
	if _, err := w.Cases(ctx, budi, gateway.CaseQuery{State: nik}); codeOf(t, err) != gateway.CodeInvalid {
		t.Errorf("a state that is none: %v", err)
	}
	if all := w.everything(); strings.Contains(all, nik) {
		t.Errorf("the NIK is on record near %.200q", all[strings.Index(all, nik)-100:])
	}
	acts := w.events("operations.search")
	if d := acts[0].Detail["of-signer"]; !strings.HasPrefix(d, "hmac-sha256:") || d != acts[1].Detail["of-application"] {
		t.Errorf("what was searched for cannot be compared: %v and %v", acts[0].Detail, acts[1].Detail)
	}
	if d := acts[3].Detail; d["of-signer"] != signer.ID || d["of-document"] != doc {
		t.Errorf("on record is %v, want the identifiers that were found", d)
	}
}

// TestComplaintsAtOnce: none is lost and none has the number of another.
func TestComplaintsAtOnce(t *testing.T) {
	w := newWorld(t)
	const n = 40
	numbers := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := w.FileComplaint(t.Context(), gateway.Caller{}, gateway.Complaint{Kind: dispute.Authenticity, Text: "x", Contact: "y"}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			numbers[i] = r.Number
		})
	}
	wg.Wait()
	if slices.Sort(numbers); numbers[0] != "PGD-2026-0001" || numbers[n-1] != "PGD-2026-0040" {
		t.Errorf("got %v", numbers)
	}
}

// TestSupervisionWithholds: a report by who is recused tells that it is not whole,
// and nothing of what is missing.
func TestSupervisionWithholds(t *testing.T) {
	var printed dispute.Paper
	w := newWorldWith(t, func(c *gateway.Config) {
		c.Cases.Print = func(_ io.Writer, p dispute.Paper) error { printed = p; return nil }
	})
	budi, cici := w.at("budi", gateway.RoleSupervisor), w.at("cici", gateway.RoleAuditor)
	w.filed(dispute.Authenticity, "asli?")
	w.filed(dispute.Conduct, "budi meminta imbalan")
	for _, test := range []struct {
		name  string
		c     gateway.Caller
		whole bool
	}{{"who is accused", budi, false}, {"an auditor", cici, true}} {
		_, err := w.SupervisionReport(t.Context(), test.c, w.clock().AddDate(0, 0, -30), w.clock().AddDate(0, 0, 1))
		w.must(err)
		text := fmt.Sprint(printed.Blocks)
		if !strings.Contains(text, "PGD-2026-0001") || strings.Contains(text, "PGD-2026-0002") != test.whole || strings.Contains(text, "konflik kepentingan: 1") == test.whole {
			t.Errorf("the report of %s says %.2000s", test.name, text)
		}
	}
}

// TestMostOverdueFirst: whoever floods the office with complaints hides none that is
// due from the overview or the reminder.
func TestMostOverdueFirst(t *testing.T) {
	var b bytes.Buffer
	w := newWorldWith(t, func(c *gateway.Config) { c.Log = textLog(&b) })
	old := w.filed(dispute.Authenticity, "lama")
	w.wait(30 * 24 * time.Hour)
	for range 25 {
		w.filed(dispute.Authenticity, "banjir")
	}
	o, err := w.Overview(t.Context(), w.at("ani", gateway.RoleInvestigator), gateway.OverviewRequest{Days: 1})
	if err != nil || len(o.Cases) != 20 || o.Cases[0].ID != old {
		t.Errorf("the overview begins with %+v, %v", o.Cases, err)
	}
	if n, err := w.RemindCases(t.Context()); n != 1 || err != nil || !strings.Contains(b.String(), "PGD-2026-0001") {
		t.Errorf("reminded of %d, %v: %s", n, err, b.String())
	}
}

// TestProposalsOfWhatWas: a proposal is void once something else is examined, and
// each set of findings stays.
func TestProposalsOfWhatWas(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani := w.at("ani", gateway.RoleInvestigator)
	propose := func(id string) {
		t.Helper()
		w.must(w.ProposeClosing(ctx, ani, w.ref(ani, id), dispute.Rejected, "tidak terbukti"))
	}
	attach := func(kind gateway.CaseFileKind) func(id string) error {
		return func(id string) error {
			return w.AttachToCase(ctx, ani, w.ref(ani, id), kind, gateway.CaseUpload{Upload: upload([]byte("%PDF-1.7 " + id)), Name: "b.pdf"})
		}
	}
	for _, test := range []struct {
		name string
		do   func(id string) error
		void bool
	}{
		{"another disputed file", attach(gateway.CaseDisputed), true},
		{"another original", attach(gateway.CaseOriginal), true},
		{"an attachment", attach(gateway.CaseAttachment), false},
		{"a note", func(id string) error { return w.NoteCase(ctx, ani, w.ref(ani, id), "x") }, false},
		{"another examination", func(id string) error { _, err := w.ExamineCase(ctx, ani, w.ref(ani, id)); return err }, true},
	} {
		id := w.filed(dispute.Authenticity, "asli?")
		w.answered(ani, id)
		propose(id)
		w.must(test.do(id))
		v, err := w.Case(ctx, ani, id)
		w.must(err)
		if (v.Case.Closing == nil) != test.void {
			t.Errorf("%s: the proposal is %+v", test.name, v.Case.Closing)
		}
	}

	ref, _ := w.complain(ani, []byte("%PDF-1.7 satu"))
	w.wait(time.Minute)
	w.must(attach(gateway.CaseDisputed)(ref.ID))
	_, err := w.ExamineCase(ctx, ani, w.ref(ani, ref.ID))
	w.must(err)
	v, err := w.Case(ctx, ani, ref.ID)
	w.must(err)
	if len(v.Earlier) != 2 || v.Earlier[1].FileSHA256 == v.Findings.FileSHA256 || !v.Earlier[1].At.Before(v.Findings.At) {
		t.Errorf("findings of %d times before, the last of %+v", len(v.Earlier), v.Findings)
	}
}

// TestCodesAreNotSpentInVain: a one-time password is used up only with what it was
// asked for.
func TestCodesAreNotSpentInVain(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani, budi := w.at("ani", gateway.RoleInvestigator), w.member("budi", gateway.RoleSupervisor)
	id := w.filed(dispute.Authenticity, "asli?")
	w.answered(ani, id)
	early := w.ref(budi.Caller, id)
	code := budi.fresh()
	if err := w.CloseCase(ctx, budi.Caller, early, code); codeOf(t, err) != gateway.CodeChanged {
		t.Errorf("without a proposal: %v", err)
	}
	w.must(w.ProposeClosing(ctx, ani, w.ref(ani, id), dispute.Rejected, "x"))
	if err := w.CloseCase(ctx, budi.Caller, early, code); codeOf(t, err) != gateway.CodeChanged {
		t.Errorf("as it was read before: %v", err)
	}
	if err := w.CloseCase(ctx, budi.Caller, w.ref(budi.Caller, id), "000000"); codeOf(t, err) != gateway.CodePassphrase {
		t.Errorf("with a wrong code: %v", err)
	}
	w.wait(time.Second)
	w.must(w.CloseCase(ctx, budi.Caller, w.ref(budi.Caller, id), code))
	id = w.filed(dispute.Authenticity, "asli?")
	w.answered(ani, id)
	w.must(w.ProposeClosing(ctx, ani, w.ref(ani, id), dispute.Rejected, "x"))
	if err := w.CloseCase(ctx, budi.Caller, w.ref(budi.Caller, id), code); codeOf(t, err) != gateway.CodePassphrase {
		t.Errorf("with the same code: %v", err)
	}
}

// TestProbesAreOnRecord: asking for cases that are none, or not one's own to see,
// leaves a trace.
func TestProbesAreOnRecord(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani := w.at("ani", gateway.RoleInvestigator)
	conduct, nothing := w.filed(dispute.Conduct, "x"), uuid.Must(uuid.NewV7()).String()
	for _, id := range []string{conduct, nothing, "3201019999990003"} {
		if _, err := w.Case(ctx, ani, id); err == nil {
			t.Errorf("%s is read", id)
		}
	}
	var got []string
	for _, e := range w.events("access.denied") {
		if e.Actor.User != ani.User || e.Detail["act"] != "case.read" || e.Result.Status != evidence.StatusRefused {
			t.Errorf("on record: %+v", e)
		}
		got = append(got, e.Detail["case"])
	}
	if !slices.Equal(got, []string{conduct, nothing, ""}) {
		t.Errorf("on record are probes of %q", got)
	}
}

// TestWordsThatNobodySees: an answer must have something to read.
func TestWordsThatNobodySees(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani := w.at("ani", gateway.RoleInvestigator)
	id := w.filed(dispute.Authenticity, "asli?")
	_, err := w.ExamineCase(ctx, ani, w.ref(ani, id))
	w.must(err)
	for _, text := range []string{"", " ", "\u200b", "\u2060\ufeff", "\u3164"} {
		for name, test := range map[string]struct{ got, want error }{
			"an answer": {w.MoveCase(ctx, ani, w.ref(ani, id), dispute.Answered, text), dispute.ErrNoReason},
			"a note":    {w.NoteCase(ctx, ani, w.ref(ani, id), text), gateway.ErrNoText},
			"a closing": {w.ProposeClosing(ctx, ani, w.ref(ani, id), dispute.Withdrawn, text), dispute.ErrNoReason},
		} {
			if codeOf(t, test.got) != gateway.CodeInvalid || !errors.Is(test.got, test.want) {
				t.Errorf("%s of %q: %v", name, text, test.got)
			}
		}
		if _, err := w.FileComplaint(ctx, gateway.Caller{}, gateway.Complaint{Kind: dispute.Authenticity, Text: text, Contact: "x"}, nil); codeOf(t, err) != gateway.CodeInvalid {
			t.Errorf("a complaint of %q: %v", text, err)
		}
	}
	if err := w.NoteCase(ctx, ani, w.ref(ani, id), strings.Repeat("x", 8001)); !errors.Is(err, gateway.ErrLongText) {
		t.Errorf("a long note: %v", err)
	}
}

func textLog(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// report is the verdict of a file without signatures.
func report() *verifier.Report { return &verifier.Report{} }
