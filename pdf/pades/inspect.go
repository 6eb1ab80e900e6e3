package pades

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// Hazard is something in a document by which its signer could be deceived: what
// runs by itself, what is there and not seen, and what can later show something
// else without any change that needs the signer.
type Hazard struct {
	// Rule is stable: see [Inspect].
	Rule   string
	Object pdf.Ref // zero when there is no one object
	Page   int     // 1-based; 0 when it belongs to no page
	Text   string  // one English sentence
	// Grave is set for what no honest letter needs: whoever signs on behalf of
	// others should refuse. The rest is for a warning.
	Grave bool
}

// maxHazards bounds the list; one more is Grave and says that there are others.
const maxHazards = 1000

// Inspect looks at a revision that is about to be signed, in the way in which
// shadow attacks and active content are prepared (NDSS 2021, "Shadow Attacks").
// The document as a whole is read, also its earlier revisions and the contents
// of its pages, so it takes longer than judging a signature.
//
// Rules that are grave: active-content (actions other than going to a page or
// an address), xfa, external-stream, alternate-image, layer-hidden (content in
// a layer that is off), covered-text and covered-image (an image, form or area
// lies over them), text-invisible (and no image that it could belong to),
// field-over-text (a form field that can hide text), field-shows-other (a value
// that is not what is shown), object-hidden (a page or catalog that nothing
// refers to; a form, image or font is not grave), object-unlisted (bytes that
// no entry accounts for), object-unsigned (an object that later bytes would
// complete), ambiguous (two readers may read two things), unclear (it could not
// be read, or a limit was hit). To be reported: action, embedded-file,
// annotation-over-text, font-not-embedded, object-redefined (the document was
// changed before).
//
// The error is one of reading the file.
func Inspect(rev *pdf.Revision) ([]Hazard, error) {
	in := &inspector{rev: rev, seen: map[uint32]bool{}}
	for _, look := range []func() error{in.reach, in.syntax, in.fields, in.pages} {
		if err := look(); err != nil {
			if fatal(err) && !isLimit(err) {
				return nil, err
			}
			in.add(Hazard{Rule: "unclear", Text: err.Error(), Grave: true})
		}
	}
	slices.SortStableFunc(in.found, func(a, b Hazard) int {
		return cmp.Or(cmp.Compare(a.Page, b.Page), cmp.Compare(a.Object.Num, b.Object.Num), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.Compact(in.found), nil
}

// inspector is the state of one Inspect.
type inspector struct {
	rev        *pdf.Revision
	found      []Hazard
	seen       map[uint32]bool  // objects that are reached
	signatures map[pdf.Ref]bool // widgets of signature fields
	left       int              // of maxComparisons
}

func (in *inspector) add(h Hazard) {
	switch {
	case len(in.found) < maxHazards:
		in.found = append(in.found, h)
	case len(in.found) == maxHazards:
		in.found = append(in.found, Hazard{Rule: "unclear", Text: "there is more than can be listed", Grave: true})
	}
}

// maxReach bounds the objects that are followed.
const maxReach = 2_000_000

// reach follows all references from the trailer and looks at every dictionary
// on the way; then at what was not reached.
func (in *inspector) reach() error {
	queue := []pdf.Object{in.rev.Trailer()}
	for len(queue) > 0 {
		o := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		ref, isRef := o.(pdf.Ref)
		if isRef {
			if in.seen[ref.Num] {
				continue
			}
			if in.seen[ref.Num] = true; len(in.seen) > maxReach {
				return overLimit("maxReach", maxReach)
			}
			v, err := in.rev.Object(ref)
			if err := in.unreadable(ref, err); err != nil {
				return err
			}
			o = v
		}
		queue = in.scan(o, ref, queue)
	}
	return in.unreached()
}

// unreadable notes an object that is needed and cannot be read.
func (in *inspector) unreadable(ref pdf.Ref, err error) error {
	if err != nil && !fatal(err) {
		in.add(Hazard{Rule: "unclear", Object: ref, Text: err.Error(), Grave: true})
		return nil
	}
	return err
}

// scan looks at one object and queues what it refers to; direct objects are
// nested within the reader's limit.
func (in *inspector) scan(o pdf.Object, at pdf.Ref, queue []pdf.Object) []pdf.Object {
	switch o := o.(type) {
	case pdf.Ref:
		return append(queue, o)
	case pdf.Array:
		for _, e := range o {
			queue = in.scan(e, at, queue)
		}
	case pdf.Dict:
		in.dictionary(o, at)
		for _, e := range o {
			queue = in.scan(e, at, queue)
		}
	case *pdf.Stream:
		if pdf.Present(o.Dict["F"]) {
			in.add(Hazard{Rule: "external-stream", Object: at, Text: "the data of a stream stand in another file", Grave: true})
		}
		return in.scan(o.Dict, at, queue)
	}
	return queue
}

// harmlessActions go somewhere and do nothing (ISO 32000-2 Table 201).
var harmlessActions = map[pdf.Name]bool{"GoTo": true, "URI": true, "Named": true, "GoToDp": true, "Thread": true}

// activeActions do something.
var activeActions = map[pdf.Name]bool{
	"JavaScript": true, "Launch": true, "SubmitForm": true, "ImportData": true, "ResetForm": true, "GoToR": true, "GoToE": true,
	"Hide": true, "SetOCGState": true, "Rendition": true, "Movie": true, "Sound": true, "Trans": true, "GoTo3DView": true,
	"RichMediaExecute": true,
}

// dictionary looks for what is active or can change by itself. What a dictionary
// is shows by its keys: a /Type is often left out.
func (in *inspector) dictionary(d pdf.Dict, at pdf.Ref) {
	if action, ok := d["S"].(pdf.Name); ok && (activeActions[action] || harmlessActions[action] && d["Type"] == pdf.Object(pdf.Name("Action"))) {
		in.add(Hazard{Rule: "action", Object: at, Text: fmt.Sprintf("an action of type %s", pdf.Printable(string(action)))})
		if activeActions[action] {
			in.found[len(in.found)-1].Rule, in.found[len(in.found)-1].Grave = "active-content", true
		}
	}
	for _, k := range []struct {
		key        pdf.Name
		rule, text string
		grave      bool
	}{
		{"JS", "active-content", "JavaScript", true},
		{"XFA", "xfa", "an XFA form, which readers draw in two ways", true},
		{"Alternates", "alternate-image", "an image that is printed as another", true},
		{"EF", "embedded-file", "an embedded file", false},
	} {
		if pdf.Present(d[k.key]) {
			in.add(Hazard{Rule: k.rule, Object: at, Text: k.text, Grave: k.grave})
		}
	}
	switch d["Subtype"] {
	case pdf.Object(pdf.Name("RichMedia")), pdf.Object(pdf.Name("3D")), pdf.Object(pdf.Name("Movie")), pdf.Object(pdf.Name("Sound")), pdf.Object(pdf.Name("Screen")):
		in.add(Hazard{Rule: "active-content", Object: at, Text: "a film, sound or model", Grave: true})
	}
	if d["Type"] == pdf.Object(pdf.Name("FontDescriptor")) && !pdf.Present(d["FontFile"]) && !pdf.Present(d["FontFile2"]) && !pdf.Present(d["FontFile3"]) {
		in.add(Hazard{Rule: "font-not-embedded", Object: at, Text: "a font that each reader replaces by its own"})
	}
}

// unreached names the objects that could be put in the place of others, and
// those of which an earlier version exists.
func (in *inspector) unreached() error {
	told := map[uint32]bool{}
	for r := in.rev; r != nil; r = r.Previous() {
		for num, e := range r.Entries() {
			if told[num] {
				if in.seen[num] && e.Kind != pdf.EntryFree {
					in.add(Hazard{Rule: "object-redefined", Object: pdf.Ref{Num: num}, Text: "an earlier revision has another version of an object"})
				}
				continue
			}
			if told[num] = true; len(told) > maxReach {
				return overLimit("maxReach", maxReach)
			}
			if in.seen[num] || e.Kind == pdf.EntryFree {
				continue
			}
			ref := pdf.Ref{Num: num}
			if e.Kind == pdf.EntryInUse {
				ref.Gen = e.Gen
			}
			o, err := in.rev.Object(ref)
			if err := onlyFatal(err); err != nil {
				return err
			}
			if what, grave := replacement(o); what != "" {
				in.add(Hazard{Rule: "object-hidden", Object: ref, Text: "nothing refers to " + what, Grave: grave})
			}
		}
	}
	return nil
}

// replacement names what a hidden object could take the place of. Many writers
// leave images and fonts behind; pages and catalogs that nobody needs are no
// accident.
func replacement(o pdf.Object) (what string, grave bool) {
	d, _ := o.(pdf.Dict)
	if s, ok := o.(*pdf.Stream); ok {
		switch s.Dict["Subtype"] {
		case pdf.Object(pdf.Name("Image")):
			return "an image", false
		case pdf.Object(pdf.Name("Form")):
			return "a form", false
		}
		return "", false
	}
	switch d["Type"] {
	case pdf.Object(pdf.Name("Page")):
		return "a page", true
	case pdf.Object(pdf.Name("Pages")):
		return "a page tree", true
	case pdf.Object(pdf.Name("Catalog")):
		return "a catalog", true
	case pdf.Object(pdf.Name("Font")):
		return "a font", false
	}
	return "", false
}

// syntax looks at the bytes: what is in no object, and what is in two.
func (in *inspector) syntax() error {
	for _, a := range in.rev.Document().Anomalies() {
		if ambiguous[a.Rule] || a.Rule == "header-offset" || a.Rule == "header-twice" || a.Rule == "junk-after-eof" {
			in.add(Hazard{Rule: "ambiguous", Text: fmt.Sprintf("%s at byte %d", a.Rule, a.Offset), Grave: true})
		}
	}
	for r := in.rev; r != nil; r = r.Previous() {
		list, err := r.Audit()
		if err != nil {
			return err
		}
		for _, a := range list {
			switch a.Rule {
			case "junk":
				in.add(Hazard{Rule: "object-unlisted", Text: fmt.Sprintf("bytes from %d on belong to no object", a.Offset), Grave: true})
			case "entry-shared", "object-header", "object-overlap", "dict-duplicate-key":
				in.add(Hazard{Rule: "ambiguous", Text: fmt.Sprintf("%s at byte %d", a.Rule, a.Offset), Grave: true})
			}
		}
		spans, err := r.Overhang()
		if err != nil {
			return err
		}
		for _, s := range spans {
			if max(s.End, s.Offset+1) > in.rev.End() {
				in.add(Hazard{Rule: "object-unsigned", Text: fmt.Sprintf("the object at byte %d ends behind the document", s.Offset), Grave: true})
			}
		}
	}
	return nil
}

// fields compares values with what is shown.
func (in *inspector) fields() error {
	list, err := diff.Mismatches(in.rev)
	for _, m := range list {
		in.add(Hazard{Rule: "field-shows-other", Object: m.Ref, Text: fmt.Sprintf("the field %q does not show its value (%s)", pdf.Printable(m.Field), m.Rule), Grave: true})
	}
	if err != nil {
		return err
	}
	t, err := Fields(in.rev)
	in.signatures = map[pdf.Ref]bool{}
	for _, f := range t {
		in.signatures[f.Ref] = true
		for _, w := range f.Widgets {
			in.signatures[w] = true
		}
	}
	return err
}
