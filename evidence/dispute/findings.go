package dispute

import (
	"encoding/hex"
	"time"

	"github.com/absah-id/absah/verifier"
)

// Standing is what a statement rests on.
type Standing string

// The standings.
const (
	Proven   Standing = "proven"   // signatures and digests: anybody can check again
	Recorded Standing = "recorded" // the gateway's own word, in a log that cannot be changed unseen
	OpenEnd  Standing = "open"     // nothing decides it
)

// Bearing is which way a statement points.
type Bearing string

// The bearings.
const (
	ForGenuine Bearing = "for"     // for the signature or document being what it says
	Against    Bearing = "against" // against it
	Neutral    Bearing = "neutral"
)

// Statement is one thing that was found, in a form that words are made of:
// see [Words.Statement].
type Statement struct {
	Code     string    `json:"code"` // stable; docs/DRILL.md has examples
	Standing Standing  `json:"standing"`
	Bearing  Bearing   `json:"bearing"`
	Args     []Arg     `json:"args,omitempty"`
	Evidence []Exhibit `json:"evidence,omitempty"`
}

// Arg is a value in a statement: a text, or a moment.
type Arg struct {
	Text string    `json:"text,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

// ExhibitKind says what an exhibit is.
type ExhibitKind string

// The kinds of exhibits.
const (
	ExhibitFile      ExhibitKind = "file"      // SHA-256 of a file of the case
	ExhibitOperation ExhibitKind = "operation" // identifier; its bundle is in the case file
	ExhibitArtefact  ExhibitKind = "artefact"  // SHA-256 of bytes that a record names
	ExhibitReport    ExhibitKind = "report"    // field of the signature in the validation report
	ExhibitDocument  ExhibitKind = "document"  // public id of a registered document
	ExhibitLeaf      ExhibitKind = "leaf"      // leaf of the log, hexadecimal
)

// Exhibit is a piece of evidence.
type Exhibit struct {
	Kind ExhibitKind `json:"kind"`
	Ref  string      `json:"ref"`
}

// Relation is how a file stands to an operation on record.
type Relation string

// The relations, the closest first.
const (
	Released Relation = "released" // the file is what the operation released
	Extended Relation = "extended" // the file begins with what the operation released
	Before   Relation = "before"   // the file is what was sent to be signed
	Copied   Relation = "copied"   // only the signature is that of the operation
	Related  Relation = "related"  // named by who complains, or by the same certificate
)

// Trace is an operation that has to do with the file.
type Trace struct {
	Relation  Relation
	Operation string
	Kind      string // sign, seal …
	// From and Size are the sizes in bytes of what was sent and released:
	// signatures of the file that end between the two are the operation's.
	From, Size  int64
	At          time.Time // of the outcome
	Application string    // name
	Address     string    // of the caller
	User        string    // as the application named them
	// Authorisation is passphrase, activation or resident-key.
	Authorisation     string
	Signer            string // name
	CertificateSHA256 string
	InputSHA256       string
	OutputSHA256      string
	Leaf              string   // of the outcome's record, hexadecimal
	Index             int64    // in the log; -1 while it waits
	Artefacts         []string // SHA-256 of what is kept with the record
}

// Registered is how the file stands to the registered document that a QR code
// leads to.
type Registered struct {
	ID, Nomor, Tanggal string
	Status             string // valid, replaced or withdrawn; "" when there is no such document
	Match              string // latest, earlier, extended or none; "" without a file
}

// Comparison is how the file differs from an original that is kept or was
// supplied.
type Comparison struct {
	OriginalSHA256 string
	Identical      bool
	Unreadable     bool     // one of the two is no PDF that can be read
	Unsigned       bool     // the file is like the original before that was signed
	Pages          []string // that differ: "1", "3", or "all" when their number differs
	Objects        []string // "12 0"
	More           int      // objects beyond those listed
}

// Failures counts the wrong passphrases of a signer before a signature.
type Failures struct {
	Signer string // name
	N      int
	Hours  int // before the signature
}

// Examination is what findings are made of.
type Examination struct {
	Kind Kind
	// File is the disputed one's SHA-256 in hexadecimal, "" when there is none;
	// Report its verdict.
	FileSHA256 string
	Report     *verifier.Report
	Traces     []Trace
	Registered *Registered // nil: no QR code was named
	Original   *Comparison // nil: no original is at hand
	Failures   []Failures
	// LossAt is when a key was lost, ReceivedAt when the complaint came.
	LossAt, ReceivedAt time.Time
}

// Findings are what an examination came to.
type Findings struct {
	At         time.Time   `json:"at"`
	FileSHA256 string      `json:"fileSHA256,omitempty"`
	Verdict    string      `json:"verdict,omitempty"`
	Operations []string    `json:"operations,omitempty"` // the traces, closest first
	Statements []Statement `json:"statements"`
	// Conclusion is the last statement: what the others come to.
	Conclusion Statement `json:"conclusion"`
}

// Examine lays out what is known, at a moment.
func Examine(x Examination, at time.Time) Findings {
	e := &examiner{x: &x}
	e.file()
	e.registered()
	e.signatures()
	e.original()
	e.traces()
	f := Findings{At: at.UTC(), FileSHA256: x.FileSHA256, Statements: e.out, Conclusion: e.conclude()}
	if x.Report != nil {
		f.Verdict = string(x.Report.Verdict)
	}
	for _, t := range x.Traces {
		f.Operations = append(f.Operations, t.Operation)
	}
	return f
}

// examiner collects statements and what the conclusion needs to know.
type examiner struct {
	x   *Examination
	out []Statement

	ours      bool // a signature of the file is on record here
	authentic bool // the file is what was released, or extends it rightly
	altered   bool // something that must not change did
	broken    bool // a signature is not valid
	unknown   bool // a signature's validity could not be told
	copied    bool
	afterLoss bool // a signature was made after the loss
	forgedQR  bool
	person    bool // a passphrase or activation was right
}

func text(s string) Arg      { return Arg{Text: s} }
func moment(t time.Time) Arg { return Arg{Time: t.UTC()} }

func (e *examiner) say(code string, s Standing, b Bearing, args []Arg, evidence ...Exhibit) {
	e.out = append(e.out, Statement{Code: code, Standing: s, Bearing: b, Args: args, Evidence: evidence})
}

// trace returns the first with one of the relations.
func (e *examiner) trace(relations ...Relation) *Trace {
	for _, r := range relations {
		for i := range e.x.Traces {
			if e.x.Traces[i].Relation == r {
				return &e.x.Traces[i]
			}
		}
	}
	return nil
}

// file says what the file is, as a whole.
func (e *examiner) file() {
	x := e.x
	if x.FileSHA256 == "" {
		e.say("file.none", OpenEnd, Neutral, nil)
		return
	}
	here := Exhibit{ExhibitFile, x.FileSHA256}
	if x.Report == nil || x.Report.Verdict == verifier.Unreadable {
		e.say("file.unreadable", Proven, Neutral, nil, here)
	}
	switch t := e.trace(Released, Extended, Before, Copied); {
	case t == nil:
		e.say("file.unknown", Recorded, Against, args(x.FileSHA256), here)
	case t.Relation == Released:
		e.authentic = true
		e.say("file.identical", Proven, ForGenuine, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Extended:
		e.say("file.extended", Proven, ForGenuine, args(number(t.Size), t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Before:
		e.say("file.before", Proven, Neutral, args(t.Operation), here, t.exhibit(), t.leaf())
	case t.Relation == Copied:
		e.copied = true
		e.say("file.copied", Proven, Against, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	}
	if x.Report != nil && x.Report.Verdict == verifier.NoSignature {
		e.say("file.unsigned", Proven, Against, nil, here)
	}
}

// registered says what the QR code leads to.
func (e *examiner) registered() {
	r := e.x.Registered
	if r == nil {
		return
	}
	at := Exhibit{ExhibitDocument, r.ID}
	if r.Status == "" {
		e.forgedQR = true
		e.say("qr.unknown", Recorded, Against, args(r.ID), at)
		return
	}
	switch r.Match {
	case "latest", "earlier", "extended":
		e.say("qr."+r.Match, Proven, ForGenuine, args(r.Nomor, r.Tanggal), at)
	case "none":
		e.forgedQR = true
		e.say("qr.none", Proven, Against, args(r.Nomor, r.Tanggal), at)
	default:
		e.say("qr.registered", Recorded, Neutral, args(r.Nomor, r.Tanggal), at)
	}
	if r.Status == "replaced" || r.Status == "withdrawn" {
		e.say("qr.status-"+r.Status, Recorded, Against, args(r.Nomor), at)
	}
}

// maxNamed bounds the signatures and objects that statements speak of.
const maxNamed = 20

// signatures says of each what is known.
func (e *examiner) signatures() {
	if e.x.Report == nil {
		return
	}
	n := 0
	for _, s := range e.x.Report.Signatures {
		if s.Kind != verifier.KindSignature {
			continue
		}
		if n++; n > maxNamed {
			e.say("signature.more", OpenEnd, Neutral, args(number(int64(maxNamed))))
			return
		}
		e.signature(number(int64(n)), s)
	}
}

func (e *examiner) signature(n string, s *verifier.Signature) {
	in := Exhibit{ExhibitReport, s.Field}
	who := args(n, s.Signer.CommonName, s.Signer.Issuer, s.Signer.SerialNumber)
	switch s.Indication {
	case verifier.Passed:
		e.say("signature.passed", Proven, ForGenuine, who, in)
	case verifier.Failed:
		e.broken = true
		e.say("signature.failed", Proven, Against, append(who, text(why(s.Conclusion))), in)
	default:
		e.unknown = true
		e.say("signature.indeterminate", OpenEnd, Neutral, append(who, text(why(s.Conclusion))), in)
	}
	if s.Proof.By != nil {
		e.say("signature.time", Proven, Neutral, []Arg{text(n), moment(s.BestTime), text(s.Proof.By.Authority.CommonName)}, in)
	} else if !s.ClaimedTime.IsZero() {
		e.say("signature.time-claimed", OpenEnd, Neutral, []Arg{text(n), moment(s.ClaimedTime)}, in)
	}
	e.certificate(n, s, in)
	e.changes(n, s, in)
	e.asked(n, s)
}

// why is the reason of a verdict in one phrase.
func why(c verifier.Conclusion) string {
	if len(c.Reasons) > 0 {
		return c.Reasons[0].Text
	}
	return string(c.Sub)
}

// certificate says whether the certificate was good, by which evidence.
func (e *examiner) certificate(n string, s *verifier.Signature, in Exhibit) {
	if len(s.Path) == 0 {
		return
	}
	status := s.Path[0].Status
	if status.Evidence == nil {
		e.say("certificate.unknown", OpenEnd, Neutral, args(n, status.Why), in)
		return
	}
	kind := "CRL"
	if status.OCSP {
		kind = "OCSP"
	}
	kept := Exhibit{ExhibitArtefact, sha256Hex(status.Evidence)}
	switch {
	case status.State == "good":
		e.say("certificate.good", Proven, ForGenuine, []Arg{text(n), moment(s.BestTime), text(kind), moment(status.ThisUpdate), text(kept.Ref)}, kept, in)
	case status.RevokedAt.IsZero():
		e.say("certificate.unknown", OpenEnd, Neutral, args(n, status.State), kept, in)
	case status.RevokedAt.After(s.BestTime):
		e.say("certificate.revoked-later", Proven, ForGenuine, []Arg{text(n), moment(s.BestTime), moment(status.RevokedAt), text(kind), text(kept.Ref)}, kept, in)
	default:
		e.say("certificate.revoked-before", Proven, Against, []Arg{text(n), moment(status.RevokedAt), text(kind), text(kept.Ref)}, kept, in)
	}
}

// changes says what is different from what was signed.
func (e *examiner) changes(n string, s *verifier.Signature, in Exhibit) {
	switch {
	case !s.Intact:
		e.altered = true
		e.say("signature.broken", Proven, Against, args(n), in)
		return
	case s.Changes.Level == "NONE" || s.Changes.Level == "" && len(s.Changes.Items) == 0:
		e.say("signature.unchanged", Proven, ForGenuine, args(n), in)
		return
	case s.Changes.Level == "LTA" || s.Changes.Level == "FORM":
		e.say("signature.extended", Proven, ForGenuine, args(n), in)
		return
	}
	e.altered = true
	objects := ""
	for i, c := range s.Changes.Items {
		if c.Level != "ANNOTATION" && c.Level != "OTHER" {
			continue
		}
		if i >= maxNamed {
			objects += " …"
			break
		}
		if objects != "" {
			objects += ", "
		}
		objects += c.Object
	}
	e.say("signature.changed", Proven, Against, args(n, objects), in)
}

// asked says who had the signature made.
func (e *examiner) asked(n string, s *verifier.Signature) {
	t := e.operationOf(s)
	if t == nil {
		e.say("signature.elsewhere", Recorded, Neutral, args(n), Exhibit{ExhibitReport, s.Field})
		return
	}
	e.ours = true
	op, leaf := t.exhibit(), t.leaf()
	e.say("signature.asked", Recorded, Neutral, []Arg{text(n), moment(t.At), text(t.Application), text(t.Address), text(t.Operation)}, op, leaf)
	if t.User != "" {
		e.say("signature.user", Recorded, Neutral, args(n, t.User), op)
	}
	switch t.Authorisation {
	case "passphrase", "activation":
		e.person = true
		e.say("signature."+t.Authorisation, Recorded, ForGenuine, args(n, t.Signer), op, leaf)
	case "resident-key":
		e.say("signature.resident-key", Recorded, Neutral, args(n), op, leaf)
	}
	for _, f := range e.x.Failures {
		if f.Signer != t.Signer {
			continue
		}
		code, bearing := "signature.no-failures", ForGenuine
		if f.N > 0 {
			code, bearing = "signature.failures", Against
		}
		e.say(code, Recorded, bearing, args(n, number(int64(f.N)), number(int64(f.Hours))), op)
	}
	e.loss(n, s, t)
}

// loss compares the signature with the moment of a loss.
func (e *examiner) loss(n string, s *verifier.Signature, t *Trace) {
	if e.x.LossAt.IsZero() {
		return
	}
	when, standing := t.At, Recorded
	if s.Proof.By != nil {
		when, standing = s.BestTime, Proven
	}
	code, bearing := "loss.before", ForGenuine
	if !when.Before(e.x.LossAt) {
		code, bearing, e.afterLoss = "loss.after", Against, true
	}
	e.say(code, standing, bearing, []Arg{text(n), moment(when), moment(e.x.LossAt), moment(e.x.ReceivedAt)}, t.exhibit())
}

// operationOf is the one that made the signature.
func (e *examiner) operationOf(s *verifier.Signature) *Trace {
	if s.End == 0 {
		return nil
	}
	for i := range e.x.Traces {
		t := &e.x.Traces[i]
		if (t.Relation == Released || t.Relation == Extended) && t.From < s.End && s.End <= t.Size && (t.Kind == "sign" || t.Kind == "seal") {
			return t
		}
	}
	return nil
}

// original says how the file differs from one that is known to be genuine.
func (e *examiner) original() {
	c := e.x.Original
	if c == nil {
		return
	}
	at := Exhibit{ExhibitFile, c.OriginalSHA256}
	switch {
	case c.Identical:
		e.say("original.identical", Proven, ForGenuine, nil, at)
	case c.Unsigned:
		e.say("original.unsigned", Proven, Neutral, nil, at)
	case c.Unreadable:
		e.say("original.unreadable", OpenEnd, Neutral, nil, at)
	default:
		e.altered = true
		e.say("original.differs", Proven, Against, args(list(c.Pages, 0), list(c.Objects, c.More)), at)
	}
}

// traces says where the records stand.
func (e *examiner) traces() {
	for i, t := range e.x.Traces {
		if i == maxNamed {
			return
		}
		if t.Index >= 0 {
			e.say("log.included", Proven, Neutral, args(t.Operation, number(t.Index)), t.exhibit(), t.leaf())
		} else {
			e.say("log.waiting", Recorded, Neutral, args(t.Operation), t.exhibit(), t.leaf())
		}
	}
}

// conclude says what the statements come to.
func (e *examiner) conclude() Statement {
	x := e.x
	conclusion := func(code string, s Standing, b Bearing) Statement {
		return Statement{Code: "conclusion." + code, Standing: s, Bearing: b}
	}
	valid := x.Report != nil && x.Report.Verdict == verifier.TotalPassed
	switch {
	case x.FileSHA256 == "":
		return conclusion("no-file", OpenEnd, Neutral)
	case e.forgedQR:
		return conclusion("forged-qr", Proven, Against)
	case e.copied:
		return conclusion("copied", Proven, Against)
	case e.altered || e.broken:
		return conclusion("altered", Proven, Against)
	case e.afterLoss:
		return conclusion("after-loss", Recorded, Against)
	case e.ours && valid && e.person:
		return conclusion("signed-here", Recorded, ForGenuine)
	case e.ours && valid:
		return conclusion("sealed-here", Recorded, ForGenuine)
	case valid:
		return conclusion("signed-elsewhere", Proven, ForGenuine)
	case e.unknown || e.ours:
		return conclusion("undetermined", OpenEnd, Neutral)
	}
	return conclusion("not-ours", Recorded, Against)
}

func (t *Trace) exhibit() Exhibit { return Exhibit{ExhibitOperation, t.Operation} }
func (t *Trace) leaf() Exhibit    { return Exhibit{ExhibitLeaf, t.Leaf} }

// Hex returns a digest as exhibits have it.
func Hex(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
