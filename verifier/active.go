package verifier

import (
	"errors"
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
)

// activeKeys are entries that make a document do something, by what people are
// told of them (A01). Signatures say nothing against such content; who reads
// the document should know that what is shown may depend on it.
var activeKeys = map[pdf.Name]string{
	"AA": "actions that run by themselves", "JS": "JavaScript", "JavaScript": "JavaScript", "XFA": "an XFA form",
	"EmbeddedFiles": "attached files", "RichMediaContent": "embedded media", "3DD": "a 3D model",
}

// activeActions are the kinds of action that reach beyond showing a page
// (ISO 32000-2 Table 201).
var activeActions = map[pdf.Name]string{
	"JavaScript": "JavaScript", "Launch": "an action that starts a program", "SubmitForm": "an action that sends the form away",
	"ImportData": "an action that imports data", "GoToR": "a link into another file", "GoToE": "a link into an attached file",
	"Movie": "embedded media", "Sound": "embedded media", "Rendition": "embedded media", "RichMediaExecute": "embedded media",
}

// activity collects what a document does by itself.
type activity struct {
	rev   *pdf.Revision
	found []string
	left  int // objects that may still be looked at
}

// activeContent warns of content that acts, at the places where viewers look
// for it: catalog, names, form, and the pages with their annotations, as far as
// maxActive objects reach. It is a courtesy, and not a constraint: it runs
// nothing and changes no verdict.
func (r *run) activeContent() {
	a := &activity{rev: r.doc.Latest(), left: maxActive}
	catalog, err := a.rev.Catalog()
	if err != nil {
		return // said elsewhere
	}
	a.dict(catalog)
	for _, key := range []pdf.Name{"OpenAction", "Names", "AcroForm"} {
		a.child(catalog, key)
	}
	_ = a.rev.WalkPages(func(_ pdf.Ref, page pdf.Dict) error {
		a.page(page)
		if a.left <= 0 {
			return errEnough
		}
		return nil
	}) // a page tree that is damaged is said elsewhere
	slices.Sort(a.found)
	for _, what := range slices.Compact(a.found) {
		r.note("active-content", fmt.Sprintf("the document holds %s", what))
	}
}

var errEnough = errors.New("enough was looked at")

func (a *activity) page(page pdf.Dict) {
	a.dict(page)
	annotations, _, err := pdf.Lookup[pdf.Array](a.rev, page, "Annots")
	if err != nil {
		return
	}
	for _, o := range annotations {
		if o, err := a.rev.Resolve(o); err == nil {
			if d, ok := o.(pdf.Dict); ok {
				a.dict(d)
				a.child(d, "A")
			}
		}
		if a.left <= 0 {
			return
		}
	}
}

// child looks at the dictionary under a key, if it is one.
func (a *activity) child(d pdf.Dict, key pdf.Name) {
	if c, ok, err := pdf.Lookup[pdf.Dict](a.rev, d, key); ok && err == nil {
		a.dict(c)
	}
}

// dict notes what a dictionary does.
func (a *activity) dict(d pdf.Dict) {
	a.left--
	for key, what := range activeKeys {
		if _, ok := d[key]; ok {
			a.found = append(a.found, what)
		}
	}
	if kind, ok := d["S"].(pdf.Name); ok && activeActions[kind] != "" {
		a.found = append(a.found, activeActions[kind])
	}
}
