package main

import (
	"fmt"
	"strings"
)

// painted is an appearance that says something else than the letter.
func painted(w, h int) string {
	return stream(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 %d %d]/Resources<</Font<</F1 5 0 R>>>>", w, h),
		fmt.Sprintf("q 1 g 0 0 %d %d re f 0 g BT /F1 14 Tf 5 20 Td (Ralat: "+forgery+") Tj ET Q", w, h))
}

const (
	beside = "[72 600 472 660]" // a place where the letter says nothing
	above  = "[72 720 472 780]" // and one where it does
)

// copied are shadow attacks in two steps: first something is written again with
// a copy of a part under another number, which changes nothing, then the copy is
// replaced, which was never signed.
func copied() []*attack {
	twice := func(num int, part int, with string) func() []byte {
		return func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[part], num: f.replaced(num, fmt.Sprintf("%d 0 R", part), fmt.Sprintf("%d 0 R", n))}})
			f.commit(revision{set: map[int]string{n: with}})
			return f.b
		}
	}
	rows := []*attack{
		row("h-10-contents", "H-10", "the page gets a copy of its contents, then the copy is replaced", twice(objPage, objContents, pageText(forgery))).shows(forgery),
		row("h-10-font", "H-10", "the page gets a copy of its font, then the copy is replaced", twice(objPage, objFont, "<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>")),
		row("h-10-page", "H-10", "the page tree gets a copy of the page, then the copy is replaced", func() []byte {
			f := honest(signing{})
			n, c := f.alloc(), f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[objPage], objPages: f.replaced(objPages, "3 0 R", fmt.Sprintf("%d 0 R", n))}})
			f.commit(revision{set: map[int]string{n: f.replaced(n, "4 0 R", fmt.Sprintf("%d 0 R", c)), c: pageText(forgery)}})
			return f.b
		}).shows(forgery),
		row("h-10-pages", "H-10", "the catalog gets a copy of the page tree, then the copy is replaced", func() []byte {
			f := honest(signing{})
			n, p, c := f.alloc(), f.alloc(), f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[objPages], objCatalog: f.replaced(objCatalog, "2 0 R", fmt.Sprintf("%d 0 R", n))}})
			f.commit(revision{set: map[int]string{n: f.replaced(n, "3 0 R", fmt.Sprintf("%d 0 R", p)), p: f.replaced(objPage, "4 0 R", fmt.Sprintf("%d 0 R", c)), c: pageText(forgery)}})
			return f.b
		}).shows(forgery),
		row("h-11-filter", "H-11", "an object stream names its filter by a reference; a later revision replaces the filter", func() []byte {
			f := filtered()
			f.commit(revision{set: map[int]string{31: "null"}})
			return f.b
		}).checks("warnings"),
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(append(rows,
		row("h-10-unchanged", "H-10", "the page gets a copy of its contents, and that is all", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[objContents], objPage: f.replaced(objPage, "4 0 R", fmt.Sprintf("%d 0 R", n))}})
			return f.b
		}).passes().shows(truth),
		row("h-11-unchanged", "H-11", "an object stream names its filter by a reference", func() []byte { return filtered().b }).passes().shows(truth)))
}

// filtered is a letter whose font stands in an object stream with a filter that
// is an object of its own.
func filtered() *file {
	f := letter(nil, emptyCRL())
	f.xrefs, f.size = true, 40
	f.commit(revision{
		set:     map[int]string{30: stream("/Type/ObjStm/N 1/First 4/Filter 31 0 R", fmt.Sprintf("%X>", "5 0 "+helvetica)), 31: "/ASCIIHexDecode"},
		entries: func(at map[int]int) { at[objFont] = -30 },
	})
	f.sign(signing{})
	return f
}

// listed returns page and form with one more annotation and field.
func (f *file) listed(annot, field int) map[int]string {
	f.annots, f.fields = append(f.annots, annot), append(f.fields, field)
	page, form := f.body[objPage], f.body[objAcroForm]
	i, j := strings.Index(page, "/Annots["), strings.LastIndex(page, "]")
	k := strings.Index(form, "/Fields[")
	l := k + strings.Index(form[k:], "]")
	return map[int]string{objPage: page[:i] + "/Annots" + refs(f.annots) + page[j+1:], objAcroForm: form[:k] + "/Fields" + refs(f.fields) + form[l+1:]}
}

// added appends to a signed letter a field of one or two objects, numbered n
// and n+1, which nobody signs.
func added(annot int, objects func(n int) (field, more string)) func() []byte {
	return func() []byte {
		f := honest(signing{})
		f.add(annot, objects)
		return f.b
	}
}

func (f *file) add(annot int, objects func(n int) (field, more string)) {
	n := f.alloc()
	f.alloc()
	set := f.listed(n+annot, n)
	set[n], set[n+1] = objects(n)
	f.commit(revision{set: set})
}

const widget = "/Type/Annot/Subtype/Widget/F 4/P 3 0 R"

// emptyField is an empty signature field with an appearance, n+1.
func emptyField(rect string) func(n int) (string, string) {
	return func(n int) (string, string) {
		return fmt.Sprintf("<<%s/FT/Sig/T(Kosong)/Rect%s/AP<</N %d 0 R>>>>", widget, rect, n+1), painted(400, 60)
	}
}

// fieldsAdded are what anybody can append to a signed document under the name of
// a signature field.
func fieldsAdded() []*attack {
	kid := func(entries string) func(n int) (string, string) {
		return func(n int) (string, string) {
			return fmt.Sprintf("<</FT/Sig/T(Kosong)/Kids[%d 0 R]>>", n+1), fmt.Sprintf("<</Type/Annot/F 4/P 3 0 R/Rect[0 0 0 0]/Parent %d 0 R%s>>", n, entries)
		}
	}
	return []*attack{
		row("c8-visible", "C8", "an empty signature field with an appearance, which nobody signed", added(0, emptyField(beside))),
		row("c8-caption", "C8", "an empty signature field with a caption, which nobody signed", added(0, func(int) (string, string) {
			return "<<" + widget + "/FT/Sig/T(Kosong)/Rect" + beside + "/MK<</BG[1 1 1]/CA(Ralat)>>>>", "null"
		})),
		row("c8-ink", "C8", "an invisible signature field whose widget is an ink annotation", added(1, kid("/Subtype/Ink/InkList[[70 720 300 740]]/C[1 0 0]/BS<</W 30>>"))),
		row("c8-action", "C8", "an invisible signature field whose widget has an action of its own", added(1, kid("/Subtype/Widget/AA<</PO<</S/JavaScript/JS(app.alert(1))>>>>"))),
		row("c8-note", "C8", "an invisible signature field that is a sticky note", added(0, func(int) (string, string) {
			return "<</Type/Annot/Subtype/Text/F 4/P 3 0 R/FT/Sig/T(Kosong)/Rect[100 700 100 700]/Contents(Ralat)>>", "null"
		})),
		row("c8-parent", "C8", "the parent of an invisible signature field is a stamp on the page", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.size += 2
			set := f.listed(n, n)
			set[n] = fmt.Sprintf("<</FT/Sig/T(Atas)/Kids[%d 0 R]/Type/Annot/Subtype/Stamp/Rect%s/F 4/P 3 0 R/AP<</N %d 0 R>>>>", n+1, beside, n+2)
			set[n+1] = fmt.Sprintf("<<%s/FT/Sig/T(x)/Rect[0 0 0 0]/Parent %d 0 R>>", widget, n)
			set[n+2] = painted(400, 60)
			f.commit(revision{set: set})
			return f.b
		}),
		row("c8-in-place", "C8", "the appearance of an empty signature field is replaced in its place", func() []byte {
			f := withEmpty(beside)
			f.commit(revision{set: map[int]string{10: painted(400, 60)}})
			return f.b
		}),
		row("c8-flags", "C8", "an empty signature field with an appearance is printed no more", func() []byte {
			f := withEmpty(beside)
			f.commit(revision{set: map[int]string{9: f.replaced(9, "/F 4", "/F 0")}})
			return f.b
		}),
		row("c8-font", "C8", "the form gets the font by which readers draw a field, with glyphs in other places", func() []byte {
			f := drawnByReaders()
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding/Differences[49/nine]>>>>",
				objAcroForm: f.replaced(objAcroForm, "/Helv 5 0 R", fmt.Sprintf("/Helv 5 0 R/Lain %d 0 R", n))}})
			return f.b
		}),
		row("c8-default", "C8", "the form gets a default appearance in white, by which readers draw a field", func() []byte {
			f := drawnByReaders()
			f.commit(revision{set: map[int]string{objAcroForm: f.with(objAcroForm, "/DA(/Helv 12 Tf 1 g)")}})
			return f.b
		}),
	}
}

// fieldsBent change how fields look that are there, or where they are seen.
func fieldsBent() []*attack {
	var rows []*attack
	for _, resources := range []struct{ name, what, dict string }{
		{"c8-resources", "the default resources of the form are an object of its own, which is replaced", "50 0 R"},
		{"c8-fonts", "the default fonts of the form are an object of its own, which is replaced", "<</Font 51 0 R>>"},
	} {
		rows = append(rows, row(resources.name, "C8", resources.what, func() []byte { return replacedFonts(resources.dict) }))
	}
	return append(rows,
		row("c8-prepared", "C8", "an invisible signature field of the signed document that is an ink annotation is put on the page", func() []byte {
			f := letter(nil, emptyCRL())
			n := f.alloc()
			f.fields = append(f.fields, n)
			f.commit(revision{set: map[int]string{n: "<</FT/Sig/T(Kosong)/Type/Annot/Subtype/Ink/Rect[0 0 0 0]/InkList[[70 720 300 740]]/F 4>>", objAcroForm: f.form()}})
			f.sign(signing{})
			f.commit(revision{set: f.listed(n, n)})
			return f.b
		}),
		row("c8-looks", "C8", "a later revision takes the appearance of a text field away", func() []byte {
			f := formLetter("")
			f.fillForm(nama, "Budi")
			f.sign(signing{})
			text := f.body[nama]
			i := strings.Index(text, "/AP")
			j := i + strings.Index(text[i:], ">>")
			f.commit(revision{set: map[int]string{nama: text[:i] + text[j+2:]}})
			return f.b
		}).under("forms"),
		row("c8-orphan", "C8", "the form gets a default appearance in white, by which readers draw a field that is in no form", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objAcroForm] = replaceOnce(r.set[objAcroForm], "/DA(/Helv 12 Tf 0 g)", "/NeedAppearances true")
			}, emptyCRL())
			n := f.alloc()
			f.annots = append(f.annots, n)
			f.commit(revision{set: map[int]string{n: "<<" + widget + "/FT/Tx/T(nama)/V(" + truth + ")/Rect" + beside + ">>", objPage: f.page()}})
			f.sign(signing{})
			f.commit(revision{set: map[int]string{objAcroForm: f.with(objAcroForm, "/DA(/Helv 12 Tf 1 g)")}})
			return f.b
		}),
		row("c8-no-rotate", "C8", "a second signature does not turn with its page, and so leaves its rectangle", func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objPage] = replaceOnce(r.set[objPage], "/Contents", "/Rotate 90/Contents")
			}, emptyCRL())
			f.sign(signing{})
			a := f.alloc()
			f.sign(signing{field: "Signature2", who: &other, rect: "[300 600 310 840]", fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", a), change: func(r *revision) {
				r.set[a] = painted(400, 60)
				for n, s := range r.set {
					r.set[n] = strings.Replace(s, "/F 132/P", "/F 148/P", 1)
				}
			}})
			return f.b
		}))
}

// additions are what anybody, or a second signer, can append to a signed
// document so that it shows what the first did not sign.
func additions() []*attack {
	rows := append(fieldsAdded(), fieldsBent()...)
	for _, a := range rows {
		a.malformed()
		switch a.Name {
		case "c8-prepared":
			a.sees("unsigned valid")
		case "c8-no-rotate":
			a.sees("valid valid")
		case "c8-font", "c8-default", "c8-resources", "c8-fonts", "c8-looks", "c8-orphan":
		case "c8-in-place", "c8-flags":
			a.sees("unsigned valid")
		default:
			a.sees("valid unsigned")
		}
	}
	rows = append(rows, stampsAdded()...)
	rows = append(rows, unboxed()...)
	rows = append(rows, fontsMissed()...)
	return fooled(rows)
}

// stampsAdded are for a timestamp, or a second signer, to answer for.
func stampsAdded() []*attack {
	return []*attack{
		row("c8-stamped", "C8", "an empty signature field with an appearance, then a document timestamp", func() []byte {
			f := honest(signing{})
			f.add(0, emptyField(beside))
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{}})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid unsigned unverified"),
		row("c8-stamp", "C8", "a document timestamp with an appearance", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{}, rect: beside, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", n),
				change: func(r *revision) { r.set[n] = painted(400, 60) }})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid unverified"),
		row("c8-stamp-own", "C8", "the same, and the authority is the attacker", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.sign(signing{field: "Timestamp1", docStamp: &tokenSpec{by: &self}, rect: beside, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", n),
				change: func(r *revision) { r.set[n] = painted(400, 60) }})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid unverified"),
		row("c8-stamp-filled", "C8", "an empty signature field is filled with a document timestamp and another appearance", func() []byte {
			f := withEmpty(beside)
			f.sign(signing{into: 9, docStamp: &tokenSpec{}, change: func(r *revision) { r.set[10] = painted(400, 60) }})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("unverified valid"),
		row("c8-filled-over", "C8", "an empty signature field that lay over the text when this was signed is filled with another appearance by a second signer", func() []byte {
			f := withEmpty(above)
			f.sign(signing{into: 9, who: &other, change: func(r *revision) { r.set[10] = painted(400, 60) }})
			return f.b
		}).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("valid valid"),
		row("c8-second", "C8", "a visible signature of a second signer, beside the text", func() []byte {
			f := honest(signing{})
			a := f.alloc()
			f.sign(signing{field: "Signature2", who: &other, rect: beside, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", a), change: func(r *revision) { r.set[a] = painted(400, 60) }})
			return f.b
		}).passes().sees("valid valid"),
		row("c8-invisible", "C8", "an empty signature field that shows nothing", added(0, func(int) (string, string) {
			return "<<" + widget + "/FT/Sig/T(Kosong)/Rect[0 0 0 0]>>", "null"
		})).passes().sees("valid unsigned"),
	}
}

// withEmpty is a signed letter with an empty signature field, object 9, whose
// appearance, object 10, shows nothing.
func withEmpty(rect string) *file {
	f := letter(nil, emptyCRL())
	f.add(0, func(n int) (string, string) {
		field, _ := emptyField(rect)(n)
		return field, stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]", "")
	})
	f.sign(signing{})
	return f
}

// replacedFonts is a letter with a text field that readers draw by fonts in
// objects 50 and 51, one of which a later revision replaces.
func replacedFonts(resources string) []byte {
	f := letter(func(_ *file, r *revision) {
		r.set[objAcroForm] = replaceOnce(r.set[objAcroForm], "/DR<</Font<</Helv 5 0 R>>>>", "/DR "+resources+"/NeedAppearances true")
		r.set[50], r.set[51] = "<</Font 51 0 R>>", "<</Helv 5 0 R>>"
	}, emptyCRL())
	f.add(0, func(int) (string, string) {
		return "<<" + widget + "/FT/Tx/T(nama)/V(" + truth + ")/DA(/Helv 12 Tf 0 g)/Rect" + beside + ">>", "null"
	})
	f.sign(signing{})
	n := f.alloc()
	set := map[int]string{n: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding/Differences[49/nine]>>>>"}
	if resources == "50 0 R" {
		set[50] = fmt.Sprintf("<</Font<</Helv %d 0 R>>>>", n)
	} else {
		set[51] = fmt.Sprintf("<</Helv %d 0 R>>", n)
	}
	f.commit(revision{set: set})
	return f.b
}

// drawnByReaders is a signed letter with a text field that readers draw.
func drawnByReaders() *file {
	f := letter(func(_ *file, r *revision) {
		r.set[objAcroForm] = replaceOnce(r.set[objAcroForm], "/DA(/Helv 12 Tf 0 g)", "/NeedAppearances true")
	}, emptyCRL())
	f.add(0, func(int) (string, string) {
		return "<<" + widget + "/FT/Tx/T(nama)/V(" + truth + ")/DA(/Lain 12 Tf 0 g)/Rect" + beside + ">>", "null"
	})
	f.sign(signing{})
	return f
}
