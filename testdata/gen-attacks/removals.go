package main

import (
	"fmt"
	"strings"
)

// removals are later revisions after which the latest form has no signature, or
// only somebody else's, and another page: whoever takes a signature away must not
// make the document look as if there had been none.
func removals() []*attack {
	rows := []*attack{
		row("c9-overwritten", "C9", "the form is emptied and the signature's object overwritten with null", func() []byte {
			f := honest(signing{})
			_, dict := f.lastSignature()
			f.commit(unsigned(f, dict, "null"))
			return f.b
		}).sees("none"),
		row("c9-freed", "C9", "the form is emptied and the signature's object freed", func() []byte {
			f := honest(signing{})
			_, dict := f.lastSignature()
			r := unsigned(f, dict, "")
			r.free = []int{dict}
			f.commit(r)
			return f.b
		}).sees("none"),
		row("c9-emptied", "C9", "the field loses its value, and the signature's object becomes another dictionary", func() []byte {
			f := honest(signing{})
			field, dict := f.lastSignature()
			f.commit(revision{set: map[int]string{
				field: f.replaced(field, fmt.Sprintf("/V %d 0 R", dict), ""), dict: "<</Type/Foo>>", objContents: pageText(forgery),
			}})
			return f.b
		}).sees("unsigned"),
		row("c9-signed-again", "C9", "a certification that allows no change is taken away, the page replaced, and somebody else signs", func() []byte {
			f := honest(certify(1))
			r := unsigned(f, certObject, "null")
			r.set[objCatalog] = "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 7 0 R>>"
			f.commit(r)
			f.fields, f.annots = nil, nil
			f.sign(signing{field: "Signature2", who: &other})
			return f.b
		}).signature("Signature1", failed, "FORMAT_FAILURE").signature("Signature2", passed).sees("valid"),
		row("c9-number-again", "C9", "the page is replaced and somebody else signs in the same field, with a dictionary of the same number", func() []byte {
			f := honest(signing{})
			field, dict := f.lastSignature()
			f.body[field] = f.replaced(field, fmt.Sprintf("/V %d 0 R", dict), "")
			f.sign(signing{into: field, number: dict, who: &other, change: func(r *revision) { r.set[objContents] = pageText(forgery) }})
			return f.b
		}).sees("valid"),
		row("u30-fields-gone", "U30", "a later revision makes the value stand in a widget, with another page", func() []byte {
			f := honest(signing{})
			field, _ := f.lastSignature()
			parent := f.alloc()
			f.commit(revision{set: map[int]string{
				parent:      fmt.Sprintf("<</FT/Sig/T(Signature1)/Kids[%d 0 R]>>", field),
				field:       f.replaced(field, "/FT/Sig/T(Signature1)", fmt.Sprintf("/Parent %d 0 R", parent)),
				objAcroForm: f.replaced(objAcroForm, fmt.Sprintf("/Fields[%d 0 R]", field), fmt.Sprintf("/Fields[%d 0 R]", parent)),
				objContents: pageText(forgery),
			}})
			return f.b
		}),
	}
	for _, a := range rows {
		a.malformed().checks("clean").shows(forgery)
	}
	return fooled(append(rows,
		row("u30-value-in-widget", "U30", "the signature stands in a widget of its field, which is where other readers look for it too",
			func() []byte { return inWidget("/FT/Sig/T(Signature1)", "/FT/Sig") }).passes().warned().checks("clean"),
		row("u30-type-in-widget", "U30", "the same with the type of the field in the widget as well",
			func() []byte { return inWidget("/T(Signature1)", "") }).passes().warned().checks("clean"),
	))
}

// lastSignature returns the numbers of the newest signature's field and
// dictionary.
func (f *file) lastSignature() (field, dict int) {
	field = f.fields[len(f.fields)-1]
	for n, body := range f.body {
		if strings.Contains(f.body[field], fmt.Sprintf("/V %d 0 R", n)) && strings.Contains(body, "/ByteRange") {
			return field, n
		}
	}
	panic("no signature")
}

// unsigned is a revision without fields, with another page, and with another body
// of the signature's dictionary unless it is empty.
func unsigned(f *file, dict int, body string) revision {
	page := f.body[objPage]
	i := strings.Index(page, "/Annots[")
	j := i + strings.Index(page[i:], "]")
	r := revision{set: map[int]string{
		objAcroForm: "<</Fields[]/SigFlags 3>>", objPage: page[:i] + "/Annots[" + page[j:], objContents: pageText(forgery),
	}}
	if body != "" {
		r.set[dict] = body
	}
	return r
}

// inWidget signs in a field of which the widget has lost some entries to a parent.
func inWidget(lost, parentHas string) []byte {
	f := letter(nil, emptyCRL())
	f.sign(signing{change: func(r *revision) {
		for n, s := range r.set {
			if !strings.Contains(s, lost) {
				continue
			}
			parent := f.alloc()
			r.set[parent] = fmt.Sprintf("<<%s/T(Signature1)/Kids[%d 0 R]>>", parentHas, n)
			r.set[n] = replaceOnce(s, lost, fmt.Sprintf("/Parent %d 0 R", parent))
			r.set[objAcroForm] = fmt.Sprintf("<</Fields[%d 0 R]/SigFlags 3>>", parent)
			return
		}
	}})
	return f.b
}
