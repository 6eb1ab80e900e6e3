package web

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Records are what the console reads, as package gateway has it. Every reading
// is on record.
type Records interface {
	Reading
	// AskCertificate asks the issuer of a certificate for its status now.
	AskCertificate(ctx context.Context, c gateway.Caller, sha256 [32]byte) (*gateway.LiveStatus, error)
}

// Reading is what the gateway itself knows.
type Reading interface {
	// Search finds operations and names who took part in them.
	Search(ctx context.Context, c gateway.Caller, q gateway.SearchRequest) (*gateway.SearchResult, error)
	// SearchFile finds what is on record of a file and its signed states.
	SearchFile(ctx context.Context, c gateway.Caller, in gateway.Upload, r *verifier.Report) (*gateway.FileFound, error)
	ReadOperation(ctx context.Context, c gateway.Caller, id string) (*gateway.OperationFile, error)
	ReadDocument(ctx context.Context, c gateway.Caller, id string, p gateway.Page) (*gateway.DocumentFile, error)
	ReadSigner(ctx context.Context, c gateway.Caller, id string, p gateway.Page) (*gateway.SignerFile, error)
	ReadCertificate(ctx context.Context, c gateway.Caller, sha256 [32]byte, p gateway.Page) (*gateway.CertificateFile, error)
	Overview(ctx context.Context, c gateway.Caller, r gateway.OverviewRequest) (*gateway.Overview, error)
}

// actView is an operation in a list.
type actView struct {
	Path   string
	At     text
	Kind   string
	State  string // class: passed, failed, open or unsigned
	Status string
	Code   string // word for why it did not end well; ""
	Signer string // whose key it was; ""
	Asker  string // the application or person that asked
}

// listView is a list of operations.
type listView struct {
	Acts []actView
	Next string // address of the page after; ""
}

// statusClasses are the classes of what came of operations.
var statusClasses = map[gateway.OperationStatus]string{
	gateway.OperationOK: "passed", gateway.OperationRefused: "open", gateway.OperationFailed: "failed",
	gateway.OperationUnknown: "failed", gateway.OperationPending: "unsigned",
}

// kindWord is what an operation is called; one without a word is its kind.
func (v *visit) kindWord(kind string) string {
	if word, known := v.look.words["op.kind."+kind]; known {
		return word
	}
	return report.Visible(kind)
}

func (v *visit) statusWord(s gateway.OperationStatus) string {
	return v.look.words.Text("op.status." + string(s))
}

// acts is a list of operations, of which more follow when it is as long as a
// page.
func (v *visit) acts(found *gateway.Found) *listView {
	list := &listView{}
	for _, o := range found.Operations {
		list.Acts = append(list.Acts, actView{
			Path: v.to("/op/operation/" + o.ID), At: cut(v.look.words, stamp(o.StartedAt)), Kind: v.kindWord(o.Kind),
			State: statusClasses[o.Status], Status: v.statusWord(o.Status), Code: v.failureWord(o.Code),
			Signer: report.Visible(found.Names[o.Signer]), Asker: v.asker(found, o),
		})
	}
	if n := len(found.Operations); n == listSize {
		query := v.r.URL.Query()
		query.Set("after", found.Operations[n-1].ID)
		list.Next = v.r.URL.Path + "?" + query.Encode()
	}
	return list
}

// asker is who asked for an operation, in words.
func (v *visit) asker(found *gateway.Found, o gateway.Operation) string {
	name := found.Asker(o)
	switch {
	case name == "":
		return v.look.words.Text("op.nobody")
	case o.Application == "" && name == o.User:
		return v.look.words.Text("op.operator", report.Visible(name))
	}
	return report.Visible(name)
}

// listSize is how many operations a page lists.
const listSize = 50

// page is the part of a list that the address asks for.
func (v *visit) page() gateway.Page {
	return gateway.Page{Limit: listSize, After: v.r.URL.Query().Get("after")}
}

// searchView is the form of the search and what it found.
type searchView struct {
	Query      url.Values
	Found      *listView
	Wrong      string // a field that cannot be read; ""
	Kinds      []option
	Statuses   []option
	Candidates []candidateView
	ByFile     bool // may look for a file
	Any        bool // something was asked for
}

// candidateView is one of several signers or applications that a name may
// mean.
type candidateView struct{ Path, Name, More string }

// searched are the kinds that the search offers by name; others are found by
// what else is known of them.
var searched = []string{
	"sign", "seal", "timestamp", "augment", "verify", "document.register", "document.status", "signer.enrol", "signer.lock", "signer.unlock",
	"signer.lockout", "case.open", "case.examine", "case.close", "access.denied", "staff.sign-in", "operation.read",
}

// investigators look for files: an act of investigation, which auditors watch.
var investigators = []gateway.Role{gateway.RoleInvestigator, gateway.RoleSupervisor}

func (v *visit) searchPage(string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	q, wrong := readSearch(query, zoneNamed(v.zone))
	q.Page = v.page()
	view := searchView{Query: query, Wrong: wrong, ByFile: v.isOneOf(investigators...)}
	kinds := searched
	if q.Kind != "" && !slices.Contains(kinds, q.Kind) {
		kinds = append([]string{q.Kind}, kinds...) // as the overview links to it
	}
	for _, kind := range kinds {
		view.Kinds = append(view.Kinds, option{kind, v.kindWord(kind), kind == q.Kind})
	}
	for _, s := range []gateway.OperationStatus{gateway.OperationOK, gateway.OperationRefused, gateway.OperationFailed, gateway.OperationUnknown, gateway.OperationPending} {
		view.Statuses = append(view.Statuses, option{string(s), v.statusWord(s), s == q.Status})
	}
	for name := range query {
		view.Any = view.Any || name != "lang" && query.Get(name) != ""
	}
	if wrong == "" && view.Any {
		found, err := v.cfg.Records.Search(v.r.Context(), c, q)
		if err != nil {
			return err
		}
		view.Candidates = v.candidates(found)
		view.Found = v.acts(&found.Found)
	}
	return v.showOp(http.StatusOK, "op-search", v.look.words.Text("op.search.title"), view)
}

// candidates are addresses of the same search with one of the names chosen.
func (v *visit) candidates(found *gateway.SearchResult) (all []candidateView) {
	for _, x := range found.Candidates {
		query := v.r.URL.Query()
		query.Set(x.Of, x.ID)
		all = append(all, candidateView{v.r.URL.Path + "?" + query.Encode(), report.Visible(x.Name), report.Visible(x.More)})
	}
	return all
}

// readSearch reads the fields of the search, and names one that it cannot.
// Days are those of the zone.
func readSearch(query url.Values, zone *time.Location) (q gateway.SearchRequest, wrong string) {
	text := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	q.Application, q.Signer, q.Document = text("application"), text("signer"), text("document")
	q.Kind, q.Status = text("kind"), gateway.OperationStatus(text("status"))
	if sum := strings.ToLower(text("digest")); sum != "" {
		b, err := hex.DecodeString(sum)
		if err != nil || len(b) != 32 {
			return q, "digest"
		}
		q.Digest = [32]byte(b)
	}
	day := func(name string, into *time.Time, add int) {
		if text(name) == "" || wrong != "" {
			return
		}
		at, err := time.ParseInLocation(time.DateOnly, text(name), zone)
		if err != nil {
			wrong = name
			return
		}
		*into = at.AddDate(0, 0, add).UTC()
	}
	day("from", &q.From, 0)
	day("to", &q.To, 1)
	return q, wrong
}

// fileView is what is on record of a file.
type fileView struct {
	Name    string
	Verdict *resultView
	States  []stateView
	Known   bool // something is on record of one of them, beside this search
}

// stateView is what is on record of one state of a file.
type stateView struct {
	Title     string
	SHA256    string
	Size      int64
	Documents []candidateView
	List      *listView
}

// searchFile looks for what is on record of a file, which is judged first. The
// verification is itself an operation.
func (v *visit) searchFile(string) error {
	c, p, err := v.staffPosted(investigators...)
	if err != nil {
		return err
	}
	defer p.Close()
	if p.file == nil || p.file.Gateway().Size == 0 {
		return invalid(errors.New("no file"))
	}
	j, err := v.judgePosted(c, p)
	if err != nil {
		return err
	}
	found, err := v.cfg.Records.SearchFile(v.r.Context(), c, p.file.Gateway(), j.report)
	if err != nil {
		return err
	}
	view := fileView{Name: report.Visible(p.fileName), Verdict: v.result(j)}
	for i, s := range found.States {
		title := v.look.words.Text("op.state.whole")
		if i > 0 {
			title = v.look.words.Text("op.state.before", i)
		}
		state := stateView{Title: title, SHA256: hex.EncodeToString(s.SHA256[:]), Size: s.Size, List: v.acts(&s.Found)}
		state.List.Next = ""
		for _, d := range s.Documents {
			state.Documents = append(state.Documents, candidateView{v.to("/op/document/" + d.PublicID), report.Visible(d.Nomor), report.Visible(d.Perihal)})
		}
		for _, o := range s.Operations {
			view.Known = view.Known || o.Kind != "verify"
		}
		view.Known = view.Known || len(s.Documents) > 0
		view.States = append(view.States, state)
	}
	return v.showOp(http.StatusOK, "op-file", v.look.words.Text("op.file.title"), view)
}

// judgePosted judges the file of a form for a member of staff. The form is not
// part of what it returns.
func (v *visit) judgePosted(c gateway.Caller, p *posting) (*judged, error) {
	done, err := v.cfg.Turn(v.r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	in, password := p.file.Gateway(), []byte(p.values["password"])
	r, err := v.cfg.Gateway.Verify(v.r.Context(), c, in, gateway.VerifyRequest{Name: p.fileName, Password: password})
	if err != nil {
		return nil, err
	}
	retired, err := v.cfg.Gateway.Retired(v.r.Context(), in, r, password)
	return &judged{report: r, retired: retired}, err
}
