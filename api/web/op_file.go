package web

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/verifier/report"
)

// fact is a line of a page about one thing.
type fact struct {
	Label string
	Value text
	Path  string // of the value; ""
	Code  bool   // the value is a digest or identifier
}

// facts collects the lines that have a value.
type facts struct {
	v   *visit
	all []fact
}

func (f *facts) add(word, value string) { f.link(word, value, "") }

// link adds a value that leads to a page.
func (f *facts) link(word, value, path string) {
	if value == "" {
		return
	}
	if path != "" {
		path = f.v.to(path)
	}
	f.all = append(f.all, fact{Label: f.v.look.words.Text(word), Value: text{{Text: report.Visible(value)}}, Path: path})
}

// code adds a digest or identifier, which may lead to a page.
func (f *facts) code(word, value, path string) {
	f.link(word, value, path)
	if value != "" {
		f.all[len(f.all)-1].Code = true
	}
}

func (f *facts) digest(word string, sum [32]byte) {
	if sum != ([32]byte{}) {
		h := hex.EncodeToString(sum[:])
		f.code(word, h, "/op/search?digest="+h)
	}
}

func (f *facts) time(word string, at time.Time) {
	if !at.IsZero() {
		f.all = append(f.all, fact{Label: f.v.look.words.Text(word), Value: cut(f.v.look.words, stamp(at))})
	}
}

// operationView is one operation.
type operationView struct {
	Kind, State, Status string
	Facts               []fact
	Records             []recordView
	Evidence            string // address of the bundle
}

// recordView is a record with its place in the log.
type recordView struct {
	Phase     string
	Facts     []fact
	Artefacts []artefactView
	Detail    []fact
	Proof     string // class of the state of its proof
	Proved    text   // that state
	JSON      string
	Leaf      string
}

type artefactView struct {
	Kind, SHA256 string
	Size         int64
}

func (v *visit) operationPage(id string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	f, err := v.cfg.Records.ReadOperation(v.r.Context(), c, id)
	if err != nil {
		return err
	}
	o := f.Operations[0]
	view := operationView{
		Kind: v.kindWord(o.Kind), State: statusClasses[o.Status], Status: v.statusWord(o.Status)}
	if v.cfg.Bundle != nil {
		view.Evidence = v.to("/op/operation/" + o.ID + "/evidence")
	}
	l := &facts{v: v}
	l.time("op.began", o.StartedAt)
	l.time("op.ended", o.FinishedAt)
	l.add("op.code-of", o.Code)
	l.link("op.signer", f.Names[o.Signer], "/op/signer/"+o.Signer)
	l.add("op.asker", v.asker(&f.Found, o))
	l.add("op.level", o.Level)
	if o.Certificate != ([32]byte{}) {
		l.code("paper.certificate", hex.EncodeToString(o.Certificate[:]), "/op/certificate/"+hex.EncodeToString(o.Certificate[:]))
	}
	l.code("op.document", o.Document, "/op/document/"+o.Document)
	l.digest("op.input", o.InputSHA256)
	l.digest("op.output", o.OutputSHA256)
	l.code("op.id", o.ID, "")
	view.Facts = l.all
	for _, r := range f.Records {
		view.Records = append(view.Records, v.recordView(r))
	}
	return v.showOp(http.StatusOK, "op-operation", view.Kind, view)
}

func (v *visit) recordView(r gateway.RecordFile) recordView {
	w, rec := v.look.words, r.Record
	view := recordView{Phase: w.Text("op.phase." + string(rec.Phase)), Leaf: hex.EncodeToString(r.Entry.Leaf[:])}
	l := &facts{v: v}
	l.time("op.at", rec.Time)
	if rec.Result.Status != "" {
		l.add("op.result", strings.TrimSpace(v.statusWord(gateway.OperationStatus(rec.Result.Status))+" "+rec.Result.Code))
	}
	l.add("op.role", v.knownWord("op.role.", rec.Actor.Role))
	l.add("op.authentication", v.knownWord("op.by.", rec.Actor.Authentication))
	l.add("op.address", rec.Actor.Address)
	l.add("op.user", rec.Actor.User)
	l.add("op.node", rec.Node)
	view.Facts = l.all
	for _, a := range rec.Artefacts {
		view.Artefacts = append(view.Artefacts, artefactView{report.Visible(v.knownWord("op.artefact.", a.Kind)), a.SHA256, a.Size})
	}
	names := make([]string, 0, len(rec.Detail))
	for name := range rec.Detail {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		view.Detail = append(view.Detail, fact{Label: v.detailName(name), Value: text{{Text: report.Visible(rec.Detail[name])}}})
	}
	switch {
	case r.Doubt != nil:
		view.Proof, view.Proved = "failed", cut(w, w.Text("op.proof.doubted"))
	case r.Entry.Index < 0:
		view.Proof, view.Proved = "open", cut(w, w.Text("op.proof.waiting", stamp(r.Entry.Promise)))
	case r.Signed.Note == nil:
		view.Proof, view.Proved = "open", cut(w, w.Text("op.proof.placed", r.Entry.Index))
	case r.Stamped.Note == nil:
		view.Proof, view.Proved = "registered", cut(w, w.Text("op.proof.signed", r.Entry.Index, r.Signed.Size, stamp(r.Signed.Time)))
	default:
		view.Proof, view.Proved = "passed", cut(w, w.Text("op.proof.stamped", r.Entry.Index, r.Stamped.Size, stamp(r.Stamped.Time)))
	}
	var b bytes.Buffer
	if json.Indent(&b, r.Entry.Record, "", "  ") == nil {
		view.JSON = visibleLines(b.String())
	}
	return view
}

// detailName is what a name in the details of a record is called; those of
// credentials end in an identifier.
func (v *visit) detailName(name string) string {
	if id, ok := strings.CutPrefix(name, gateway.DetailCredential); ok && v.language != report.English {
		return v.look.words.Text("op.detail.credential") + " " + report.Visible(id)
	}
	return report.Visible(v.knownWord("op.detail.", name))
}

// knownWord is the word for a code of ours, the code itself where there is none.
func (v *visit) knownWord(prefix, code string) string {
	if word, known := v.look.words[prefix+code]; known {
		return word
	}
	return code
}

// visibleLines shows characters that would not be seen, or would turn others
// around, as their code points, and keeps the lines.
func visibleLines(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != '\n' && r != ' ' && report.Hidden(r) {
			b.WriteString(report.CodePoint(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// evidence sends the bundle of an operation.
func (v *visit) evidence(id string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	if v.cfg.Bundle == nil {
		return errNotFound
	}
	made, err := v.cfg.Bundle(v.r.Context(), c, id)
	if err != nil {
		return err
	}
	defer made.Close() //nolint:errcheck // the file has no name: nothing is left to be done about it
	size := made.Gateway().Size
	return v.attach("application/zip", id+".zip", size, io.NewSectionReader(made.Gateway(), 0, size))
}

// timelineView is a document, signer or certificate with its operations.
type timelineView struct {
	Kicker, Heading string
	State, Status   string // class and word; "" for none
	Facts           []fact
	Lists           []tableView
	Ask             string       // where the status of a certificate is asked for; "" for none
	Asked           text         // when it was; empty when it was not
	Answers         []answerView // of the issuer
	List            *listView
}

// tableView is a small table: versions of a document, keys of a signer.
type tableView struct {
	Title string
	Head  []string
	Rows  [][]fact
}

func (v *visit) documentFile(id string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	f, err := v.cfg.Records.ReadDocument(v.r.Context(), c, id, v.page())
	if err != nil {
		return err
	}
	w, d := v.look.words, f.Document
	view := timelineView{
		Kicker: w.Text("web.document.title"), Heading: report.Visible(d.Nomor), State: statusClassOf(d.Status), Status: w.Text("web.status." + string(d.Status)),
		List: v.acts(&f.Found),
	}
	l := &facts{v: v}
	l.add("web.perihal", d.Perihal)
	l.add("web.tanggal", v.date(d.Tanggal))
	l.add("web.pages", strconv.Itoa(d.Pages))
	if d.Confidential {
		l.add("op.confidential", w.Text("check.ok"))
	}
	l.add("web.why-status", d.Reason)
	l.code("op.replaced-by", d.ReplacedBy, "/op/document/"+d.ReplacedBy)
	l.time("op.registered", d.CreatedAt)
	l.time("op.changed", d.ChangedAt)
	l.code("op.public-page", d.PublicID, "/d/"+d.PublicID)
	view.Facts = l.all
	table := tableView{Title: w.Text("op.versions"), Head: []string{w.Text("op.at"), w.Text("paper.size"), w.Text("sha256")}}
	for _, x := range d.Versions {
		row := &facts{v: v}
		row.time("op.at", x.CreatedAt)
		row.link("paper.size", sizeText(w, x.Size), "/op/operation/"+x.Operation)
		row.digest("sha256", x.SHA256)
		table.Rows = append(table.Rows, row.all)
	}
	if len(table.Rows) > 0 {
		view.Lists = append(view.Lists, table)
	}
	return v.showOp(http.StatusOK, "op-timeline", view.Heading, view)
}

// statusClassOf is the class of a document's status.
func statusClassOf(s gateway.DocumentStatus) string {
	if class, known := statusStates[s]; known {
		return class
	}
	return "open"
}

// signerClasses are the classes of the states of signers.
var signerClasses = map[gateway.SignerStatus]string{
	gateway.SignerActive: "passed", gateway.SignerLocked: "open", gateway.SignerRevoked: "failed",
}

func (v *visit) signerFile(id string) error {
	c, err := v.staff(everyone...)
	if err != nil {
		return err
	}
	f, err := v.cfg.Records.ReadSigner(v.r.Context(), c, id, v.page())
	if err != nil {
		return err
	}
	w, s := v.look.words, f.Signer
	view := timelineView{
		Kicker: w.Text("op.signer." + string(s.Kind)), Heading: report.Visible(s.Name), State: signerClasses[s.Status],
		Status: w.Text("op.signer.status." + string(s.Status)), List: v.acts(&f.Found),
	}
	l := &facts{v: v}
	l.add("op.office", s.Office)
	l.time("op.enrolled", s.CreatedAt)
	l.code("op.id", s.ID, "")
	view.Facts = l.all
	table := tableView{
		Title: w.Text("op.certificates"), Head: []string{w.Text("op.valid-from"), w.Text("op.valid-to"), w.Text("catalogue"), w.Text("web.fingerprint")},
	}
	for _, k := range f.Keys {
		for _, cert := range k.Certificates {
			row := &facts{v: v}
			row.time("op.valid-from", cert.NotBefore)
			row.time("op.valid-to", cert.NotAfter)
			algorithm := k.Algorithm
			if !cert.RevokedLocallyAt.IsZero() {
				algorithm += " – " + w.Text("op.not-used")
			}
			row.add("catalogue", algorithm)
			row.code("web.fingerprint", hex.EncodeToString(cert.SHA256[:]), "/op/certificate/"+hex.EncodeToString(cert.SHA256[:]))
			table.Rows = append(table.Rows, row.all)
		}
	}
	if len(table.Rows) > 0 {
		view.Lists = append(view.Lists, table)
	}
	return v.showOp(http.StatusOK, "op-timeline", view.Heading, view)
}
