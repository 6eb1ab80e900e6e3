package web_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/api/web"
	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
)

// hostile is text that people and documents may bring.
const hostile = "<script>alert(1)</script> \u202eterbalik"

// unknownID is the id of no document at this desk.
const unknownID = "abcdefghjkmnpqrstvwxyz0123"

// longWord is one that nothing of may be left out of, as it may be the proof.
var longWord = strings.Repeat("a", 2999) + "z"

// everything is the rest of the interface.
type everything interface{ web.Cases }

// caseDesk is a desk with one case, whose every text is hostile. Acts that are
// not asked for in these tests are those of the nil interface.
type caseDesk struct {
	everything
	acts   []string
	fault  error
	closed bool
	kind   dispute.Kind // "" stands for a lost key
	n      int          // cases in the list; 0 stands for one
	zone   *time.Location
	follow *dispute.Case // that the complainant sees; nil stands for one that was received
	period [2]time.Time  // of the report that was asked for
}

var caseAt = time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)

func (d *caseDesk) CaseRules() dispute.Rules {
	r := dispute.DefaultRules()
	if d.zone != nil {
		r.Calendar.Zone = d.zone
	}
	return r
}

func (d *caseDesk) SupervisionReport(_ context.Context, _ gateway.Caller, from, to time.Time) ([]byte, error) {
	d.period = [2]time.Time{from, to}
	return []byte("%PDF-1.7"), nil
}

func (d *caseDesk) Case(_ context.Context, _ gateway.Caller, id string) (*gateway.CaseView, error) {
	c := dispute.Open(id, dispute.Number(2026, 1), cmp.Or(d.kind, dispute.KeyLoss), caseAt)
	c.LossAt, c.State = caseAt, dispute.Answered
	c.Closing = &dispute.Closing{Outcome: dispute.Upheld, Reason: hostile, By: "staf-2", At: caseAt}
	if d.closed {
		c.State, c.Outcome, c.ClosedBy = dispute.Closed, dispute.Upheld, "staf-3"
	}
	says := dispute.Statement{
		Code: "signature.changed", Standing: dispute.Proven, Bearing: dispute.Against, Args: []dispute.Arg{{Text: "1"}, {Text: hostile}},
		Evidence: []dispute.Exhibit{{Kind: dispute.ExhibitReport, Ref: hostile}},
	}
	return &gateway.CaseView{
		CaseRow: gateway.CaseRow{ID: id, Kind: c.Kind, State: c.State, OpenedAt: caseAt, Document: "abc", Version: 7},
		Case:    c, Text: hostile + "\n" + strings.Repeat("panjang ", 500) + longWord, Name: hostile, Contact: hostile, Answer: hostile, Held: true, ClosingBy: hostile, ClosedBy: hostile,
		Findings: &dispute.Findings{At: caseAt, Statements: []dispute.Statement{says}, Conclusion: says, Operations: []string{"01a1"}},
		Earlier:  []*dispute.Findings{{At: caseAt, Statements: []dispute.Statement{says}, Conclusion: says}},
		Recused:  []gateway.CaseMember{{ID: "staf-4", Username: hostile, Name: hostile}},
		Events:   []dispute.Event{{At: caseAt, By: hostile, Code: "file", Arg: hostile, Text: hostile}},
		Files:    []gateway.CaseFileView{{ID: "f1", Name: hostile, Kind: gateway.CaseDisputed, Size: 5, At: caseAt}},
	}, nil
}

func (d *caseDesk) Cases(_ context.Context, _ gateway.Caller, q gateway.CaseQuery) (all []gateway.CaseSummary, err error) {
	for i := range min(cmp.Or(d.n, 1), q.Limit) {
		all = append(all, gateway.CaseSummary{
			CaseRow: gateway.CaseRow{ID: fmt.Sprintf("01a%d", i+1), Kind: dispute.KeyLoss, State: dispute.Received, OpenedAt: caseAt, Due: caseAt.Add(time.Hour)},
			Number:  dispute.Number(2026, i+1),
		})
	}
	return all, nil
}

func (d *caseDesk) CaseDownload(_ context.Context, _ gateway.Caller, id, file string) (string, []byte, error) {
	d.acts = append(d.acts, "download "+id+" "+file)
	return "a\"b\r\nc<script>.html", []byte("<script>alert(1)</script>"), nil
}

func (d *caseDesk) FollowCase(_ context.Context, _, code string) (*gateway.PublicCase, error) {
	if code != "rahasia" {
		return nil, &gateway.Error{Code: gateway.CodeNotFound}
	}
	if d.follow != nil {
		return &gateway.PublicCase{Case: *d.follow}, nil
	}
	return &gateway.PublicCase{Case: dispute.Open("01a1", "PGD-2026-0001", dispute.Repudiation, caseAt), Answer: hostile}, nil
}

func (d *caseDesk) FileComplaint(_ context.Context, c gateway.Caller, n gateway.Complaint, file *gateway.CaseUpload) (*gateway.CaseReceipt, error) {
	if n.Contact == "" {
		return nil, &gateway.Error{Code: gateway.CodeInvalid}
	}
	d.acts = append(d.acts, "file "+string(n.Kind)+" of "+c.Staff)
	return &gateway.CaseReceipt{ID: "01a1", Number: "PGD-2026-0001", Code: "rahasia", Due: caseAt, Unknown: n.Document == unknownID}, nil
}

func (d *caseDesk) CaseContact(context.Context, gateway.Caller, string) (*gateway.Complaint, error) {
	return nil, d.fault
}

func (d *caseDesk) NoteCase(_ context.Context, _ gateway.Caller, ref gateway.CaseRef, text string) error {
	d.acts = append(d.acts, "note "+ref.ID+" "+text)
	return d.fault
}

func (d *caseDesk) CloseCase(_ context.Context, _ gateway.Caller, _ gateway.CaseRef, code string) error {
	d.acts = append(d.acts, "close "+code)
	return d.fault
}

func (d *caseDesk) Recuse(_ context.Context, _ gateway.Caller, _ gateway.CaseRef, username, _ string) error {
	d.acts = append(d.acts, "recuse "+username)
	return d.fault
}

func (d *caseDesk) Readmit(_ context.Context, _ gateway.Caller, _ gateway.CaseRef, r gateway.Readmission) error {
	d.acts = append(d.acts, "readmit "+r.Username+" "+r.Code)
	return d.fault
}

func newCaseDesk(t *testing.T) (*site, *door, *caseDesk) {
	t.Helper()
	s, d := newConsole(t, true)
	c := &caseDesk{}
	s.cfg.Cases, s.cfg.Clock = c, func() time.Time { return caseAt.Add(48 * time.Hour) }
	s.build(t)
	return s, d, c
}

// TestCasePages shows every page of complaints with texts that try to be more
// than text.
func TestCasePages(t *testing.T) {
	for _, role := range gateway.StaffRoles {
		for _, closed := range []bool{false, true} {
			s, d, c := newCaseDesk(t)
			d.role, c.closed = role, closed
			for _, path := range []string{"/op/cases", "/op/cases/01a1", "/op/cases/01a1?lang=en", "/op/cases/new", "/op/supervision", "/pengaduan", "/pengaduan?document=%3Cscript%3E", "/pengaduan/rahasia", "/pengaduan/rahasia?lang=en"} {
				a, page := s.visit(t, "GET", path, "token", nil, nil)
				may := a.StatusCode == http.StatusOK || a.StatusCode == http.StatusForbidden && (role == gateway.RoleAuditor && path == "/op/cases/new" || role == gateway.RoleInvestigator && path == "/op/supervision")
				if !may {
					t.Errorf("%s %s: %d", role, path, a.StatusCode)
				}
				if strings.Contains(page, "<script>") || strings.Contains(page, "\u202e") || strings.Contains(page, "%!") || strings.Contains(page, `"case.`) {
					t.Errorf("%s %s shows what it must not:\n%.3000s", role, path, page)
				}
				if strings.HasPrefix(path, "/op/cases/01a1") && !strings.Contains(page, longWord) {
					t.Errorf("%s %s leaves something of a long word out", role, path)
				}
				if acts := strings.Contains(page, `value="examine"`); strings.HasPrefix(path, "/op/cases/01a1") && acts != (role != gateway.RoleAuditor && !closed) {
					t.Errorf("%s, closed %t: acts are offered: %t", role, closed, acts)
				}
				if approve := strings.Contains(page, `value="close"`); strings.HasPrefix(path, "/op/cases/01a1") && approve != (role == gateway.RoleSupervisor && !closed) {
					t.Errorf("%s, closed %t: closing is offered: %t", role, closed, approve)
				}
			}
		}
	}
}

// TestCaseActs: forms do what they say, for those who may.
func TestCaseActs(t *testing.T) {
	note := url.Values{"csrf": {"rahasia"}, "version": {"7"}, "act": {"note"}, "text": {"catatan"}}
	with := func(v url.Values, name, value string) url.Values {
		out := url.Values{name: {value}}
		for k, x := range v {
			if k != name {
				out[k] = x
			}
		}
		return out
	}
	closing := url.Values{"csrf": {"rahasia"}, "version": {"7"}, "act": {"close"}, "code": {"123456"}}
	member := url.Values{"csrf": {"rahasia"}, "version": {"7"}, "who": {"budi"}, "reason": {"diadukan"}}
	for _, test := range []struct {
		name   string
		role   gateway.Role
		form   url.Values
		fault  error
		status int
		acts   string
	}{
		{"a note", gateway.RoleInvestigator, note, nil, 303, "note 01a1 catatan"},
		{"an auditor's", gateway.RoleAuditor, note, nil, 403, ""},
		{"without the token", gateway.RoleInvestigator, with(note, "csrf", "x"), nil, 403, ""},
		{"without a version", gateway.RoleInvestigator, with(note, "version", ""), nil, 400, ""},
		{"an act that is none", gateway.RoleInvestigator, with(note, "act", "erase"), nil, 422, ""},
		{"changed meanwhile", gateway.RoleInvestigator, note, &gateway.Error{Code: gateway.CodeChanged}, 422, "note 01a1 catatan"},
		{"the database is down", gateway.RoleInvestigator, note, &gateway.Error{Code: gateway.CodeRecord}, 503, "note 01a1 catatan"},
		{"closed by a supervisor", gateway.RoleSupervisor, closing, nil, 303, "close 123456"},
		{"closed with a wrong code", gateway.RoleSupervisor, closing, &gateway.Error{Code: gateway.CodePassphrase}, 422, "close 123456"},
		{"closed by an investigator", gateway.RoleInvestigator, closing, nil, 403, ""},
		{"closed by an auditor, as the gateway says of which", gateway.RoleAuditor, closing, &gateway.Error{Code: gateway.CodeForbidden}, 403, "close 123456"},
		{"a hold lifted by an auditor", gateway.RoleAuditor, with(closing, "act", "release"), nil, 403, ""},
		{"kept out by an investigator", gateway.RoleInvestigator, with(member, "act", "recuse"), nil, 303, "recuse budi"},
		{"let in by an auditor", gateway.RoleAuditor, with(with(member, "act", "readmit"), "code", "123456"), nil, 303, "readmit budi 123456"},
		{"let in with a wrong code", gateway.RoleAuditor, with(with(member, "act", "readmit"), "code", "000000"), &gateway.Error{Code: gateway.CodePassphrase}, 422, "readmit budi 000000"},
		{"let in by a supervisor", gateway.RoleSupervisor, with(member, "act", "readmit"), nil, 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, d, c := newCaseDesk(t)
			d.role, c.fault = test.role, test.fault
			a, page := s.visit(t, "POST", "/op/cases/01a1", "token", test.form, nil)
			if a.StatusCode != test.status || strings.Join(c.acts, ",") != test.acts {
				t.Errorf("got %d %q, want %d %q", a.StatusCode, c.acts, test.status, test.acts)
			}
			if a.StatusCode == 422 && !strings.Contains(page, `role="alert"`) {
				t.Error("the page does not say what is wrong")
			}
		})
	}
}

// TestCaseListGoesOn: a page leads to the next one when there is one, and only
// then.
func TestCaseListGoesOn(t *testing.T) {
	for _, test := range []struct {
		n    int
		next string
	}{{1, ""}, {50, ""}, {51, "after=01a50"}, {80, "after=01a50"}} {
		s, _, c := newCaseDesk(t)
		c.n = test.n
		_, page := s.visit(t, "GET", "/op/cases?kind=key-loss", "token", nil, nil)
		if got := strings.Count(page, "/op/cases/01a"); got != min(test.n, 50) {
			t.Errorf("of %d cases %d are listed", test.n, got)
		}
		if next := strings.Contains(page, "after="); next != (test.next != "") || !strings.Contains(page, test.next) {
			t.Errorf("%d cases: there is a next page: %t", test.n, next)
		}
	}
}

// TestConductIsClosedByAnAuditor: the form is offered to those who may.
func TestConductIsClosedByAnAuditor(t *testing.T) {
	for _, kind := range dispute.Kinds {
		s, d, c := newCaseDesk(t)
		d.role, c.kind = gateway.RoleAuditor, kind
		_, page := s.visit(t, "GET", "/op/cases/01a1", "token", nil, nil)
		if got := strings.Contains(page, `value="close"`); got != (kind == dispute.Conduct) {
			t.Errorf("%s: closing is offered to an auditor: %t", kind, got)
		}
		if strings.Contains(page, `value="propose"`) || strings.Contains(page, `value="note"`) {
			t.Errorf("%s: an auditor is offered more", kind)
		}
	}
}

// TestCaseFaults: what was not done is explained in the words for it.
func TestCaseFaults(t *testing.T) {
	in := func(err error) error { return &gateway.Error{Code: gateway.CodeInvalid, Err: err} }
	note := url.Values{"csrf": {"rahasia"}, "version": {"7"}, "act": {"note"}, "text": {"x"}}
	for _, test := range []struct {
		fault error
		says  string
	}{
		{in(dispute.ErrNoReason), "Alasan harus diisi."}, {in(gateway.ErrNoText), "Teksnya harus diisi."}, {in(gateway.ErrLongText), "paling banyak 8.000 huruf"},
		{in(gateway.ErrLetterNumber), "nomor surat harus diisi"}, {in(gateway.ErrNoRecipients), "penerima laporan insiden"}, {in(gateway.ErrNoMember), "Tidak ada petugas"},
		{in(nil), "Isian belum lengkap atau tidak dapat dibaca."}, {&gateway.Error{Code: gateway.CodeChanged}, "diubah orang lain"},
	} {
		s, _, c := newCaseDesk(t)
		c.fault = test.fault
		a, page := s.visit(t, "POST", "/op/cases/01a1", "token", note, nil)
		if a.StatusCode != 422 || !strings.Contains(page, test.says) || strings.Contains(page, "Jenis, uraian, dan kontak") {
			t.Errorf("%v: %d, without %q", test.fault, a.StatusCode, test.says)
		}
	}
	for code, says := range map[gateway.Code]string{gateway.CodeExists: "Sudah ada", gateway.CodeChanged: "Sudah berubah"} {
		s, _, c := newCaseDesk(t)
		c.fault = &gateway.Error{Code: code}
		a, page := s.visit(t, "POST", "/op/cases/01a1", "token", url.Values{"csrf": {"rahasia"}, "act": {"contact"}}, nil)
		if a.StatusCode != 409 || !strings.Contains(page, says) {
			t.Errorf("%s: %d, without %q", code, a.StatusCode, says)
		}
	}
}

func TestComplaintForm(t *testing.T) {
	s, _, c := newCaseDesk(t)
	a, page := s.post(t, "/pengaduan", field{name: "kind", value: []byte("repudiation")}, field{name: "text", value: []byte("x<b>")}, field{name: "contact", value: []byte("")})
	if a.StatusCode != 400 || !strings.Contains(page, "x&lt;b&gt;") || !strings.Contains(page, `value="repudiation" required checked`) {
		t.Errorf("%d: what was filled in is lost:\n%s", a.StatusCode, page)
	}
	a, page = s.post(t, "/pengaduan", field{name: "kind", value: []byte("repudiation")}, field{name: "text", value: []byte("x")}, field{name: "contact", value: []byte("y")})
	if a.StatusCode != 200 || !strings.Contains(page, `href="/pengaduan/rahasia"`) || strings.Join(c.acts, ",") != "file repudiation of " {
		t.Errorf("%d %q:\n%s", a.StatusCode, c.acts, page)
	}
	_, page = s.post(t, "/pengaduan", field{name: "kind", value: []byte("repudiation")}, field{name: "text", value: []byte("x")}, field{name: "contact", value: []byte("y")}, field{name: "document-id", value: []byte(unknownID)})
	if !strings.Contains(page, "bukan milik dokumen yang terdaftar") {
		t.Error("nobody learns that the QR code is unknown")
	}
	if a, _ := s.get(t, "/pengaduan/lain"); a.StatusCode != 404 {
		t.Errorf("an unknown code: %d", a.StatusCode)
	}
	a, _ = s.get(t, "/pengaduan/rahasia")
	if a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("X-Robots-Tag") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the secret address leaks: %v", a.Header)
	}
}

// TestDeadlinesAreThoseOfLetters: a page has a deadline end on the day that the
// office's letters name, and a report begin with the office's day, whatever zone
// moments are shown in.
func TestDeadlinesAreThoseOfLetters(t *testing.T) {
	for name, zone := range map[string]*time.Location{"UTC": time.UTC, "WIT": time.FixedZone("WIT", 9*60*60)} {
		t.Run(name, func(t *testing.T) {
			s, d, c := newCaseDesk(t)
			c.zone, s.cfg.Zone = zone, zone
			s.build(t)
			letters, err := dispute.WordsIn(dispute.Indonesian, zone)
			if err != nil {
				t.Fatal(err)
			}
			due := dispute.Open("", "", dispute.Repudiation, caseAt).Deadlines(c.CaseRules())
			for _, path := range []string{"/op/cases/01a1", "/pengaduan/rahasia"} {
				_, page := s.visit(t, "GET", path, "token", nil, nil)
				for _, x := range due {
					if want := letters.Due(x); x.Code != dispute.DueIncident && !strings.Contains(page, want) {
						t.Errorf("%s: %s does not end on %s", path, x.Code, want)
					}
				}
			}
			d.role = gateway.RoleSupervisor
			a, _ := s.visit(t, "POST", "/op/supervision", "token", url.Values{"csrf": {"rahasia"}, "year": {"2026"}, "period": {"1"}}, nil)
			if want := time.Date(2026, 1, 1, 0, 0, 0, 0, zone); a.StatusCode != 200 || !c.period[0].Equal(want) {
				t.Errorf("%d: the report begins at %v, want %v", a.StatusCode, c.period[0], want)
			}
		})
	}
}

// TestWithdrawnCase: a complaint that was withdrawn at once was neither examined nor
// answered, and its page says neither.
func TestWithdrawnCase(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(c *dispute.Case)
		want   string
	}{
		{"at once", func(*dispute.Case) {}, "done Diterima, now Ditutup"},
		{"when it was examined", func(c *dispute.Case) { c.FindingsAt = caseAt }, "done Diterima, done Diperiksa, now Ditutup"},
		{"after all", func(c *dispute.Case) { c.FindingsAt, c.AssistedAt, c.AnsweredAt = caseAt, caseAt, caseAt },
			"done Diterima, done Diperiksa, done Diteruskan ke PSrE, done Dijawab, now Ditutup"},
		{"not yet", func(c *dispute.Case) { c.State = dispute.Received }, "now Diterima, later Diperiksa, later Dijawab, later Ditutup"},
	} {
		s, _, c := newCaseDesk(t)
		x := dispute.Open("01a1", "PGD-2026-0001", dispute.Repudiation, caseAt)
		x.State, x.Outcome = dispute.Closed, dispute.Withdrawn
		test.change(&x)
		c.follow = &x
		_, page := s.get(t, "/pengaduan/rahasia")
		var steps []string
		for _, m := range regexp.MustCompile(`class="(done|now|later)">([^<]*)<`).FindAllStringSubmatch(page, -1) {
			steps = append(steps, m[1]+" "+m[2])
		}
		if got := strings.Join(steps, ", "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestCaseDownload: a stranger's file is saved, and never opened as ours.
func TestCaseDownload(t *testing.T) {
	s, _, _ := newCaseDesk(t)
	a, body := s.visit(t, "GET", "/op/cases/01a1/file?id=f1", "token", nil, nil)
	h := a.Header
	if a.StatusCode != 200 || !strings.HasPrefix(body, "<script>") || h.Get("Content-Type") != "application/octet-stream" ||
		h.Get("Content-Disposition") != `attachment; filename="a_b__c_script_.html"` || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", a.StatusCode, h)
	}
}

// TestWithoutCases: a gateway without complaints has none of their pages.
func TestWithoutCases(t *testing.T) {
	s, _ := newConsole(t, true)
	for _, path := range []string{"/pengaduan", "/pengaduan/x", "/op/cases", "/op/cases/x", "/op/cases/x/zip", "/op/cases/x/file"} {
		if a, _ := s.visit(t, "GET", path, "token", nil, nil); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if _, page := s.get(t, "/"); strings.Contains(page, "/pengaduan") {
		t.Error("the first page leads to a form that is not there")
	}
}
