package dispute

import (
	"encoding/hex"
	"slices"
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
	// Covered: the file has the operation's signature, which covers what it
	// covered then, and is not what was released for what follows or for how it
	// is written down.
	Covered Relation = "covered"
	Before  Relation = "before" // the file is what was sent to be signed
	Copied  Relation = "copied" // the file has the operation's signature, which covers something else
	// Carried: the file has the operation's signature, and it cannot be told
	// what that covers.
	Carried Relation = "carried"
	Related Relation = "related" // of a document that somebody named, or of an original
)

// Trace is an operation that has to do with the file.
type Trace struct {
	Relation    Relation
	Operation   string
	Kind        string // sign, seal …
	Size        int64  // of what was released, in bytes
	Began, At   time.Time
	Application string // name
	Address     string // of the caller
	User        string // as the application named them
	// Authorisation is passphrase, activation or resident-key.
	Authorisation     string
	Signer            string    // name
	KeyAt             time.Time // when the key was made, by the record of that; zero: not known
	CertificateSHA256 string
	InputSHA256       string
	OutputSHA256      string
	Leaf              string   // of the outcome's record, hexadecimal
	Index             int64    // in the log; -1 while it waits
	Included          bool     // a proof leads from there to a signed checkpoint
	Artefacts         []string // SHA-256 of what is kept with the record
}

// Origin is where a signature of the report comes from.
type Origin struct {
	Operation  string // that made exactly this signature; "" when none is on record
	Registered bool   // its certificate is one of this gateway's
	Unknown    bool   // it could not be read, nor looked for
}

// Registered is how the file stands to a registered document.
type Registered struct {
	ID, Nomor, Tanggal string
	Status             string // valid, replaced or withdrawn; reserved before it was signed; "" when there is no such document
	// Match is latest, earlier, extended (begins with the latest version),
	// extended-earlier, covered, altered and carried (has a signature of the
	// document, which covers the file, or does not, or nobody can tell) or none;
	// "" without a file.
	Match string
	// Given: somebody named it. Otherwise it was found by the file's digest.
	Given bool
}

// Comparison is how the file differs from another that was supplied as its
// original.
type Comparison struct {
	OriginalSHA256 string
	// Operation released what was supplied (Known is "output"), or got it to be
	// signed ("input"). Known is "" when nothing is on record of it: then it is
	// an original only by the word of the one who supplied it.
	Known, Operation string
	Identical        bool
	Unreadable       bool   // one of the two is no PDF that can be read
	Same             bool   // nothing differs but signatures
	Open             bool   // not everything could be compared
	PageCounts       [2]int // of the file and the other, when they differ
	Pages            []PageDifference
	Document         []string // what differs beside pages: entries of the catalog, and Info
	Objects          []string // "12 0", as in the file
	More             int      // objects beyond those listed
}

// PageDifference is what differs of which pages.
type PageDifference struct {
	Aspect string   // contents, images, fonts, annotations, size or other
	Pages  []string // "1", "3"
	More   int      // pages beyond those listed
}

// Failures counts the wrong passphrases of a signer before a signature.
type Failures struct {
	Operation string // that made the signature
	N         int
	Least     bool // there may be more
	Hours     int  // before the signature
}

// Examination is what findings are made of.
type Examination struct {
	Kind Kind
	// File is the disputed one's SHA-256 in hexadecimal, "" when there is none;
	// Report its verdict.
	FileSHA256 string
	Report     *verifier.Report
	// Origins are those of the report's signatures, one for each; nil: where
	// they come from was not looked for.
	Origins []Origin
	Traces  []Trace
	// PartsLeft and TracesLeft: not every revision of the file was looked for on
	// record, and not every operation that has to do with it is in Traces.
	PartsLeft, TracesLeft bool
	Registered            []Registered // by digest, and the one that was named
	Original              *Comparison  // nil: no original is at hand
	Failures              []Failures
	// LossAt is when a key was lost, by the complainant's word alone; ReceivedAt
	// when the complaint came; LossLate: later than the region's rules ask.
	LossAt, ReceivedAt time.Time
	LossLate           bool
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
	e.late()
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

	signed     int      // signatures, without document timestamps
	ours       bool     // a signature that holds is on record here
	unrecorded bool     // a signature may be of this gateway, and is not on record
	altered    bool     // something that must not change did
	broken     bool     // a signature is not valid
	unknown    bool     // a signature's validity could not be told
	copied     bool     // a signature of this gateway is in a file that it does not cover
	afterLoss  bool     // a signature was made after the loss that is claimed
	othersNot  bool     // another was not, or nobody knows
	forgedQR   bool     // the file is not the document that was named, nor of this gateway
	person     bool     // a passphrase or activation was right
	makers     []string // operations on record that made signatures which are intact
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

// readable says whether the file could be read as a PDF.
func (e *examiner) readable() bool {
	return e.x.Report != nil && e.x.Report.Verdict != verifier.Unreadable
}

// sought says whether the file's revisions and signatures were looked for, and
// none may be of this gateway all the same.
func (e *examiner) sought() bool {
	return e.readable() && len(e.x.Origins) == len(e.x.Report.Signatures) && !slices.ContainsFunc(e.x.Origins, func(o Origin) bool { return o.Unknown || o.Registered && o.Operation == "" })
}

// unsigned says whether there is no signature in the file; a timestamp is none.
func (e *examiner) unsigned() bool {
	r := e.x.Report
	if r == nil || len(r.Signatures) == 0 {
		return r != nil && r.Verdict == verifier.NoSignature
	}
	return !slices.ContainsFunc(r.Signatures, func(s *verifier.Signature) bool { return s.Kind == verifier.KindSignature })
}

// file says what the file is, as a whole.
func (e *examiner) file() {
	x := e.x
	if x.FileSHA256 == "" {
		e.say("file.none", OpenEnd, Neutral, nil)
		return
	}
	here := Exhibit{ExhibitFile, x.FileSHA256}
	if !e.readable() {
		e.say("file.unreadable", Recorded, Neutral, nil, here)
	}
	switch t := e.trace(Released, Extended, Before, Covered, Copied, Carried); {
	case t == nil && (x.PartsLeft || !e.sought()):
		e.say("file.unknown-whole", OpenEnd, Neutral, args(x.FileSHA256), here)
	case t == nil:
		e.say("file.unknown", Recorded, Neutral, args(x.FileSHA256), here)
	case t.Relation == Released:
		e.say("file.identical", Proven, ForGenuine, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Extended:
		e.say("file.extended", Proven, Neutral, args(number(t.Size), t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Before:
		e.say("file.before", Proven, Neutral, args(t.Operation), here, t.exhibit(), t.leaf())
	case t.Relation == Covered:
		e.say("file.covered", Proven, ForGenuine, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Copied:
		e.say("file.copied", Proven, Against, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	case t.Relation == Carried:
		e.say("file.carried", OpenEnd, Neutral, args(t.Operation, t.OutputSHA256), here, t.exhibit(), t.leaf())
	}
	e.copied = e.trace(Copied) != nil
	if e.unsigned() {
		e.say("file.unsigned", Proven, Against, nil, here)
	}
}

// registered says what the file is among the registered documents, and what
// the document is that somebody named. That a code which somebody copied from
// paper leads to another document says nothing against a file that is known.
func (e *examiner) registered() {
	known := e.trace(Released, Extended, Covered) != nil
	for _, r := range e.x.Registered {
		known = known || r.Match != "" && r.Match != "none" && r.Match != "altered" && r.Match != "carried"
	}
	for _, r := range e.x.Registered {
		e.document(&r, known)
	}
}

// document says how the file stands to a registered document; known when the
// file is one of this gateway. Number and date are the gateway's own word.
func (e *examiner) document(r *Registered, known bool) {
	at := Exhibit{ExhibitDocument, r.ID}
	here := Exhibit{ExhibitFile, e.x.FileSHA256}
	about := args(r.Nomor, r.Tanggal)
	inForce := Neutral // whether the document is speaks of the file when that is the document
	switch {
	case r.Status == "":
		e.say("document.unknown", Recorded, Neutral, args(r.ID), at)
		return
	case r.Status == "reserved":
		e.say("document.reserved", Recorded, Neutral, about, at)
		return
	case r.Match == "":
		e.say("document.registered", Recorded, Neutral, about, at)
	case r.Match == "latest" || r.Match == "earlier":
		inForce = Against
		e.say("document."+r.Match, Recorded, ForGenuine, about, at, here)
	case r.Match == "altered":
		e.say("document.altered", Recorded, Against, about, at, here)
	case r.Match != "none":
		e.say("document."+r.Match, Recorded, Neutral, about, at, here)
	case known:
		e.say("document.other", Recorded, Neutral, about, at, here)
	default:
		e.forgedQR = true
		e.say("document.none", Recorded, Against, about, at, here)
	}
	if r.Status == "replaced" || r.Status == "withdrawn" {
		e.say("document.status-"+r.Status, Recorded, inForce, args(r.Nomor), at)
	}
}

// original says how the file differs from one that was supplied as its
// original. That somebody calls it so decides nothing.
func (e *examiner) original() {
	c := e.x.Original
	if c == nil {
		return
	}
	at := []Exhibit{{ExhibitFile, e.x.FileSHA256}, {ExhibitFile, c.OriginalSHA256}}
	known := []Exhibit{at[1]}
	if c.Operation != "" {
		known = append(known, Exhibit{ExhibitOperation, c.Operation})
	}
	switch c.Known {
	case "output":
		e.say("original.released", Proven, Neutral, args(c.Operation, c.OriginalSHA256), known...)
	case "input":
		e.say("original.sent", Proven, Neutral, args(c.Operation, c.OriginalSHA256), known...)
	default:
		e.say("original.unknown", OpenEnd, Neutral, args(c.OriginalSHA256), known...)
	}
	switch {
	case c.Identical:
		e.say("original.identical", Proven, Neutral, nil, at...)
	case c.Unreadable:
		e.say("original.unreadable", OpenEnd, Neutral, nil, at...)
	case c.Same:
		e.say("original.same", Proven, Neutral, nil, at...)
	default:
		e.differences(c, at)
	}
}

// differences says in what two files differ.
func (e *examiner) differences(c *Comparison, at []Exhibit) {
	from := len(e.out)
	if c.PageCounts[0] != c.PageCounts[1] {
		e.say("original.page-counts", Proven, Neutral, args(number(int64(c.PageCounts[0])), number(int64(c.PageCounts[1]))), at...)
	}
	for _, p := range c.Pages {
		e.say("original.page-"+p.Aspect, Proven, Neutral, args(list(p.Pages, p.More)), at...)
	}
	if len(c.Document) > 0 {
		e.say("original.document", Proven, Neutral, args(list(c.Document, 0)), at...)
	}
	if len(c.Objects) > 0 {
		e.say("original.objects", Proven, Neutral, args(list(c.Objects, c.More)), at...)
	}
	switch {
	case c.Open && len(e.out) > from:
		e.say("original.more", OpenEnd, Neutral, nil, at...)
	case len(e.out) == from:
		e.say("original.open", OpenEnd, Neutral, nil, at...)
	}
}

// traces says where the records stand.
func (e *examiner) traces() {
	for i, t := range e.x.Traces {
		if i == maxNamed {
			e.say("log.more", OpenEnd, Neutral, args(number(maxNamed)))
			return
		}
		switch {
		case t.Index < 0:
			e.say("log.waiting", Recorded, Neutral, args(t.Operation), t.exhibit(), t.leaf())
		case t.Included:
			e.say("log.included", Proven, Neutral, args(t.Operation, number(t.Index)), t.exhibit(), t.leaf())
		default:
			e.say("log.unproven", OpenEnd, Neutral, args(t.Operation, number(t.Index)), t.exhibit(), t.leaf())
		}
	}
	if e.x.TracesLeft {
		e.say("log.more", OpenEnd, Neutral, args(number(int64(len(e.x.Traces)))))
	}
}

// conclude says what the statements come to. What the gateway itself released,
// and which is valid, comes before anything that somebody says or supplies.
func (e *examiner) conclude() Statement {
	x := e.x
	conclusion := func(code string, s Standing, b Bearing) Statement {
		return Statement{Code: "conclusion." + code, Standing: s, Bearing: b}
	}
	valid := e.signed > 0 && x.Report.Verdict == verifier.TotalPassed
	whole := ""
	switch {
	case e.trace(Released) == nil:
		whole = "-extended"
	case !x.unbroken(e.makers):
		whole = "-between"
	}
	switch {
	case x.FileSHA256 == "":
		return conclusion("no-file", OpenEnd, Neutral)
	case e.ours && valid && e.afterLoss && e.othersNot:
		return conclusion("after-loss-some", OpenEnd, Neutral)
	case e.ours && valid && e.afterLoss:
		return conclusion("after-loss", OpenEnd, Neutral)
	case e.ours && valid && e.person:
		return conclusion("signed-here"+whole, Recorded, ForGenuine)
	case e.ours && valid:
		return conclusion("sealed-here"+whole, Recorded, ForGenuine)
	case e.copied:
		return conclusion("copied", Proven, Against)
	case e.altered:
		return conclusion("altered", Proven, Against)
	case e.forgedQR:
		return conclusion("forged-qr", Recorded, Against)
	case e.broken:
		return conclusion("invalid", Proven, Against)
	case valid && e.trace(Released) != nil:
		return conclusion("released-valid", Recorded, Neutral)
	case valid && e.unrecorded:
		return conclusion("unrecorded", OpenEnd, Neutral)
	case valid:
		return conclusion("signed-elsewhere", Recorded, Neutral)
	case e.signed > 0:
		return conclusion("undetermined", OpenEnd, Neutral)
	case e.trace(Released) != nil:
		return conclusion("released", Recorded, Neutral)
	case e.trace(Before) != nil:
		return conclusion("before", Recorded, Neutral)
	case !e.readable():
		return conclusion("unreadable", OpenEnd, Neutral)
	}
	return conclusion("not-ours", Recorded, Against)
}

// InLine says whether every signature in the file was made by an operation on
// record, and the file came from the first of them to what it is in one line of
// such operations: then nobody else has added anything since.
func (x *Examination) InLine() bool {
	if x.Report == nil || len(x.Origins) != len(x.Report.Signatures) {
		return false
	}
	var makers []string
	for i, s := range x.Report.Signatures {
		if s.Kind == verifier.KindSignature {
			makers = append(makers, x.Origins[i].Operation) // "" was never reached
		}
	}
	return len(makers) > 0 && x.unbroken(makers)
}

// unbroken says whether the file came from what each of some operations released
// to what it is in one line of operations on record, each of which got what the
// one before had released. A timestamp that the gateway puts on a file says
// nothing of what others have added to it since it was signed.
func (x *Examination) unbroken(makers []string) bool {
	known := []string{x.FileSHA256}
	var reached []string
	for found := true; found; {
		found = false
		for _, t := range x.Traces {
			released := t.Relation == Released || t.Relation == Extended
			if !released || !slices.Contains(known, t.OutputSHA256) || slices.Contains(reached, t.Operation) {
				continue
			}
			reached, known, found = append(reached, t.Operation), append(known, t.InputSHA256), true
		}
	}
	return !slices.ContainsFunc(makers, func(op string) bool { return !slices.Contains(reached, op) })
}

func (t *Trace) exhibit() Exhibit { return Exhibit{ExhibitOperation, t.Operation} }
func (t *Trace) leaf() Exhibit    { return Exhibit{ExhibitLeaf, t.Leaf} }

// Hex returns a digest as exhibits have it.
func Hex(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
