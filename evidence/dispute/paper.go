package dispute

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Paper is what a letter or case file says, for whoever prints it.
type Paper struct {
	Language Language
	Title    string
	Subtitle string   // "" for none
	Head     []string // lines of a letterhead; nil: the title stands at the top
	At       time.Time
	Blocks   []Block
	Foot     string // at the end; "" for none
}

// Block is a piece of a paper: the parts that are set are printed in their
// order.
type Block struct {
	Heading string
	Label   string // beside Text, as in a list of values
	Bullet  string // "1." before Text
	Text    string
	Small   string // under Text
	Apart   bool   // with more space before it
	Ending  bool   // it and what follows, a few lines, stay on one page
	Quote   bool   // Text is somebody else's, set apart from what the paper says
}

// LetterKind says what a letter is.
type LetterKind string

// The letters.
const (
	LetterAssistance LetterKind = "assistance" // to the PSrE
	LetterIncident   LetterKind = "incident"   // to the recipients of incidents
)

// Letter is what a letter is made of.
type Letter struct {
	Kind   LetterKind
	Number string // of the letter, as the office counts them
	At     time.Time
	// Words is what is asked of the PSrE, or what was and will be done about
	// the incident.
	Words string
}

// Letter writes a letter about a case. The findings may be nil.
func (c Case) Letter(l Letter, f *Findings, r Rules, w *Words) Paper {
	p := Paper{Language: w.Language, Title: w.Text("letter." + string(l.Kind)), Head: r.Office.Head, At: l.At, Foot: w.Text("letter.seal")}
	add := func(b ...Block) { p.Blocks = append(p.Blocks, b...) }
	subject := p.Title + ", " + w.Text("file.case") + " " + c.Number
	add(
		Block{Text: strings.TrimPrefix(r.Office.Place+", ", ", ") + w.Date(l.At)},
		Block{Label: w.Text("letter.number"), Text: l.Number},
		Block{Label: w.Text("letter.nature"), Text: w.Text("letter.nature.value")},
		Block{Label: w.Text("letter.attachments"), Text: w.Text("letter.attachment.value")},
		Block{Label: w.Text("letter.subject"), Text: subject},
	)
	to := r.Recipients
	if l.Kind == LetterAssistance {
		to = []Addressee{r.PSrE}
	}
	for i, a := range to {
		b := Block{Text: w.Text("letter.to", a.Name), Small: strings.Join(a.Address, ", "), Apart: i == 0}
		if len(to) > 1 {
			b.Bullet = fmt.Sprintf("%d.", i+1)
		}
		add(b)
	}
	office := "–"
	if len(r.Office.Head) > 0 {
		office = r.Office.Head[0]
	}
	kind := w.Text("kind." + string(c.Kind))
	if l.Kind == LetterAssistance {
		add(Block{Apart: true, Text: w.Text("letter.assistance.1", office, c.Number, w.Moment(c.OpenedAt), kind)})
		if f != nil {
			add(Block{Text: w.Text("letter.assistance.2", w.Moment(f.At))})
			add(f.blocks(w, false)...)
		}
		add(Block{Apart: true, Text: w.Text("letter.assistance.ask", l.Words)})
		due := Deadline{Due: r.Calendar.After(l.At, r.Assistance)}
		add(Block{Text: w.Text("letter.assistance.3", w.Due(due))})
	} else {
		add(Block{Apart: true, Text: w.Text("letter.incident.1", office, c.Number, w.Moment(c.OpenedAt), kind)})
		if !c.LossAt.IsZero() {
			add(Block{Text: w.Text("letter.incident.loss", w.Moment(c.LossAt))})
		}
		if f != nil {
			add(Block{Text: w.Text("letter.incident.2")})
			add(f.blocks(w, false)...)
		}
		add(Block{Apart: true, Text: w.Text("letter.incident.3", l.Words)})
	}
	add(Block{Ending: true, Text: w.Text("letter.closing")}, Block{Apart: true, Text: r.Office.Title, Small: w.Text("letter.copies")})
	return p
}

// blocks are the statements as a numbered list, the conclusion before them.
func (f *Findings) blocks(w *Words, evidence bool) []Block {
	out := []Block{{Text: w.Statement(f.Conclusion)}}
	for i, s := range f.Statements {
		b := Block{Bullet: fmt.Sprintf("%d.", i+1), Text: w.Statement(s) + " (" + w.Text("standing."+string(s.Standing)) + ")"}
		if evidence && len(s.Evidence) > 0 {
			b.Small = w.Text("file.evidence", w.Exhibits(s.Evidence))
		}
		out = append(out, b)
	}
	return out
}

// Exhibits writes a list of exhibits.
func (w *Words) Exhibits(list []Exhibit) string {
	var out []string
	for _, x := range list {
		out = append(out, w.Text("exhibit."+string(x.Kind))+" "+x.Ref)
	}
	return strings.Join(out, "; ")
}

// Event is one line of a case's history.
type Event struct {
	At   time.Time
	By   string // name of the person; "" is the complainant
	Code string // the key "event.CODE" of Words
	Arg  string // where that has a place; of those in keyed a key of Words
	Text string
}

// keyed are the events whose Arg the office has chosen from a list. That of others is
// the name of a person or a file, which may read like a key.
var keyed = []string{"moved", "proposed", "letter"}

// Line writes an event.
func (w *Words) Line(e Event) string {
	switch {
	case e.Arg == "" && strings.Contains(w.Text("event."+e.Code), "%s"):
		return w.Text("event."+e.Code, w.Text("nothing")) // it was erased
	case e.Arg == "":
		return w.Text("event." + e.Code)
	case slices.Contains(keyed, e.Code):
		return w.Text("event."+e.Code, w.Text(e.Arg))
	}
	return w.Text("event."+e.Code, e.Arg)
}

// File is a file of a case.
type File struct {
	Name   string
	SHA256 string
	Size   int64 // bytes
}

// Contents is what a case file tells.
type Contents struct {
	Case      Case
	Complaint string
	Answer    string // "" while there is none
	Findings  *Findings
	Earlier   []*Findings // before those, oldest first
	Events    []Event
	Files     []File
	Bundles   []File
	// ErasedAt is when complaint, answer, the words of the history and the files
	// that people gave were erased, for their time was over; zero: they were not.
	ErasedAt time.Time
}

// CaseFile writes the paper of a case file, at a moment.
func (x *Contents) CaseFile(r Rules, w *Words, at time.Time) Paper {
	c := x.Case
	p := Paper{
		Language: w.Language, Title: w.Text("file.title", c.Number), Subtitle: w.Text("file.subtitle", w.Moment(at)), At: at,
		Foot: w.Text("letter.seal"),
	}
	add := func(b ...Block) { p.Blocks = append(p.Blocks, b...) }
	add(Block{Heading: w.Text("file.case")},
		Block{Label: w.Text("file.number"), Text: c.Number},
		Block{Label: w.Text("file.kind"), Text: w.Text("kind." + string(c.Kind))},
		Block{Label: w.Text("file.state"), Text: w.Text("state." + string(c.State))},
		Block{Label: w.Text("file.opened"), Text: w.Moment(c.OpenedAt)})
	if !c.LossAt.IsZero() {
		add(Block{Label: w.Text("file.loss"), Text: w.Moment(c.LossAt)})
	}
	if c.State == Closed && c.Closing != nil {
		add(Block{Label: w.Text("file.outcome"), Text: w.Text("outcome." + string(c.Outcome)), Small: c.Closing.Reason},
			Block{Label: w.Text("file.closed"), Text: w.Moment(c.Since), Small: w.Text("file.closed.by", c.Closing.By, c.ClosedBy)})
	}
	add(Block{Heading: w.Text("file.deadlines")})
	for _, d := range c.Deadlines(r) {
		add(Block{Label: w.Text("due." + string(d.Code)), Text: w.Due(d) + ": " + w.Text("urgency."+string(d.At(at, r)))})
	}
	complaint := x.Complaint
	if !x.ErasedAt.IsZero() {
		complaint = w.Text("file.erased", w.Moment(x.ErasedAt))
	}
	add(Block{Heading: w.Text("file.complaint")}, Block{Text: complaint, Quote: x.ErasedAt.IsZero()})
	if x.Answer != "" {
		add(Block{Heading: w.Text("file.answer")}, Block{Text: x.Answer, Quote: true})
	}
	add(Block{Heading: w.Text("file.findings")})
	if x.Findings == nil {
		add(Block{Text: w.Text("file.none")})
	} else {
		add(Block{Text: w.Text("file.examined", w.Moment(x.Findings.At), orNothing(w, x.Findings.FileSHA256))})
		add(x.Findings.blocks(w, true)...)
		for _, s := range []Standing{Proven, Recorded, OpenEnd} {
			add(Block{Apart: s == Proven, Label: w.Text("standing." + string(s)), Text: w.Text("standing." + string(s) + ".meaning")})
		}
	}
	for i, f := range x.Earlier {
		add(Block{Heading: w.Text("file.earlier", number(int64(i+1)))},
			Block{Text: w.Text("file.examined", w.Moment(f.At), orNothing(w, f.FileSHA256))})
		add(f.blocks(w, true)...)
	}
	x.lists(w, add)
	return p
}

func (x *Contents) lists(w *Words, add func(...Block)) {
	add(Block{Heading: w.Text("file.history")})
	for _, e := range x.Events {
		add(Block{Label: w.Moment(e.At), Text: w.Line(e), Small: strings.TrimPrefix(strings.TrimSuffix(e.By+": "+e.Text, ": "), ": ")})
	}
	add(Block{Heading: w.Text("file.files")})
	for _, f := range x.Files {
		add(Block{Text: f.Name, Small: "SHA-256 " + f.SHA256 + ", " + number(f.Size) + " byte"})
	}
	if len(x.Files) == 0 {
		add(Block{Text: w.Text("file.none")})
	}
	add(Block{Heading: w.Text("file.bundles")}, Block{Text: w.Text("file.bundles.text")})
	for _, f := range x.Bundles {
		add(Block{Text: f.Name, Small: "SHA-256 " + f.SHA256 + ", " + number(f.Size) + " byte"})
	}
}

func orNothing(w *Words, s string) string {
	if s == "" {
		return w.Text("nothing")
	}
	return s
}
