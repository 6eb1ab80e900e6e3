package diff

import "github.com/absah-id/absah/pdf"

// Level classes what a later revision did to the document.
type Level int

// The levels, from harmless to forbidden.
const (
	LevelNone       Level = iota // nothing that anyone can see or use
	LevelLTA                     // evidence, document timestamps, metadata
	LevelForm                    // signatures added or filled, form values
	LevelAnnotation              // annotations added, changed or removed
	LevelOther                   // anything else
)

// String returns NONE, LTA, FORM, ANNOTATION or OTHER.
func (l Level) String() string {
	switch l {
	case LevelNone:
		return "NONE"
	case LevelLTA:
		return "LTA"
	case LevelForm:
		return "FORM"
	case LevelAnnotation:
		return "ANNOTATION"
	}
	return "OTHER"
}

// Change is one thing that a revision did to what the revision before said.
type Change struct {
	Revision int     // 1-based index of the revision that did it
	Object   pdf.Ref // the object that differs; zero for the trailer
	Path     string  // by which the older revision reaches it, from /Root
	Rule     string  // stable; those of level OTHER name what no rule allows
	Level    Level
	Text     string // one English sentence; may be empty
	Field    string // fully qualified name of the form field it touches
	Effect   Effect
}

// Effect says what a change does that DocMDP, FieldMDP or a policy may forbid
// although its level is allowed.
type Effect int

// The effects. All but NoEffect are those of changes to form fields.
const (
	NoEffect        Effect = iota
	SetsValue              // gives a field that is no signature another value
	FillsSignature         // signs a signature field that was there
	AddsSignature          // adds a signed field that shows nothing
	AddsVisible            // adds a signature field that shows something
	AddsEmpty              // adds a signature field without a signature in it
	AddsTimestamp          // adds or fills a field with a document timestamp
	NeedsSigner            // may show something else, for which only a later signature can vouch
	CoversContent          // puts a signature field over what was there, or may do so
	CoversSignature        // puts one over the look of a signature, and over nothing else
	FillsOver              // has a field that was there show something over what was there
)
