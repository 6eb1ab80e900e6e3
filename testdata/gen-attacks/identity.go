package main

import (
	"fmt"
	"strings"
)

// prepared are letters whose signer laid a trap: a later revision says the same
// by another object, or changes one that is reached in an unusual way.
func prepared() []*attack {
	rows := append(equalCopies(), otherNumbers()...)
	for _, a := range referenceChains() {
		rows = append(rows, a.checks("warnings")) // qpdf takes such an object for null
	}
	rows = append(rows, parents()...)
	rows = append(rows, listings()...)
	for _, a := range rows {
		a.malformed()
	}
	rows = append(rows, row("h-14-merged-signature", "H-14", "an empty signature field is a widget over the text and has another; a second trusted signer gives it a look", mergedSignature).
		is(indeterminate, "SIG_CONSTRAINTS_FAILURE").sees("unsigned valid"),
		row("d09-shared-annotations", "D09", "sixty pages share an array of annotations, which is replaced by one that differs in the last number of each", sharedAnnotations).is(indeterminate))
	return fooled(rows)
}

// ownField is the empty signature field of the letters below.
const ownField = 90

// trapped is a letter with further objects, annotations and fields, signed in
// its field ownField. bend changes page and form.
func trapped(set map[int]string, annots, fields string, bend func(page, form string) (string, string)) *file {
	f := letter(func(f *file, r *revision) {
		f.size = ownField + 5
		for n, s := range set {
			r.set[n] = s
		}
		r.set[ownField] = "<<" + widget + "/FT/Sig/T(Signature1)/Rect[0 0 0 0]>>"
		page := replaceOnce(r.set[objPage], "/Annots[]", "/Annots["+annots+"]")
		form := replaceOnce(f.form(), "/Fields[]", fmt.Sprintf("/Fields[%s %d 0 R]", fields, ownField))
		if bend != nil {
			page, form = bend(page, form)
		}
		r.set[objPage], r.set[objAcroForm] = page, form
	}, emptyCRL())
	f.sign(signing{into: ownField})
	return f
}

// look is an appearance of 400 by 60 that shows s on white.
func look(s string) string {
	return stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]/Resources<</Font<</F1 5 0 R>>>>",
		"q 1 g 0 0 400 60 re f 0 g BT /F1 14 Tf 5 20 Td ("+s+") Tj ET Q")
}

// Names for what the traps hold.
const (
	first, second = 20, 21
	looks         = 22
	layer         = 27
	covers        = "[60 700 460 760]" // what the letter says
)

func equalCopies() []*attack {
	return []*attack{
		row("h-12-page-direct", "H-12", "the page tree is written again with a page as a direct copy, which some readers leave out", func() []byte {
			f := letter(func(f *file, r *revision) {
				f.size = looks
				r.set[objPages] = "<</Type/Pages/Kids[3 0 R 20 0 R]/Count 2>>"
				r.set[first] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 21 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
				r.set[second] = stream("", "BT /F1 14 Tf 72 760 Td (Syarat: surat ini batal) Tj ET")
			}, emptyCRL())
			f.sign(signing{})
			f.commit(revision{set: map[int]string{objPages: f.replaced(objPages, "20 0 R", f.body[first])}})
			return f.b
		}).checks("warnings"),
		row("h-12-layer-off", "H-12", "the list of layers that are off names a copy of the layer", layerCopy(func(f *file, n int) map[int]string {
			return map[int]string{objCatalog: f.replaced(objCatalog, "/OFF[27 0 R]", fmt.Sprintf("/OFF[%d 0 R]", n))}
		})),
		row("h-12-layer-name", "H-12", "the contents name a copy of a layer that is off", layerCopy(func(f *file, n int) map[int]string {
			return map[int]string{objPage: f.replaced(objPage, "/M 27 0 R", fmt.Sprintf("/M %d 0 R", n))}
		})).shows(forgery),
		row("h-12-annotation-layer", "H-12", "an annotation over the text belongs to a copy of the layer that hid it", func() []byte {
			f := trapped(map[int]string{
				first:      "<</Type/Annot/Subtype/Stamp/Rect" + covers + "/F 4/OC 27 0 R/P 3 0 R/AP<</N 22 0 R>>>>",
				looks:      look(forgery),
				layer:      "<</Type/OCG/Name(lama)>>",
				objCatalog: "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 7 0 R/OCProperties<</OCGs[27 0 R]/D<</OFF[27 0 R]>>>>>>",
			}, "20 0 R", "", nil)
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[layer], first: f.replaced(first, "/OC 27 0 R", fmt.Sprintf("/OC %d 0 R", n))}})
			return f.b
		}),
		row("h-12-parent-copy", "H-12", "a widget gets an equal copy of its field for a parent, and the copy then another value", func() []byte {
			f := trapped(map[int]string{
				first:  "<</T(p)/FT/Tx/V(" + truth + ")/DA(/Helv 12 Tf 0 g)/Kids[21 0 R]>>",
				second: "<<" + widget + "/Parent 20 0 R/Rect" + beside + ">>",
			}, "21 0 R", "20 0 R", nil)
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: f.body[first], second: f.replaced(second, "/Parent 20 0 R", fmt.Sprintf("/Parent %d 0 R", n))}})
			f.commit(revision{set: map[int]string{n: replaceOnce(f.body[first], truth, forgery)}})
			return f.b
		}),
	}
}

// layerCopy is a letter that says the forgery in a layer that is off; then the
// layer is named by an equal copy.
func layerCopy(then func(f *file, n int) map[int]string) func() []byte {
	return func() []byte {
		f := letter(func(f *file, r *revision) {
			f.size = layer + 1
			r.set[objPage] = replaceOnce(r.set[objPage], "/Resources<<", "/Resources<</Properties<</M 27 0 R>>")
			r.set[layer] = "<</Type/OCG/Name(lama)>>"
			r.set[objContents] = stream("", "BT /F1 14 Tf 72 760 Td (Surat Kabupaten Contoh) Tj 0 -30 Td ("+truth+") Tj ET "+
				"/OC /M BDC q 1 g 60 720 300 30 re f Q BT /F1 14 Tf 72 730 Td ("+forgery+") Tj ET EMC")
			r.set[objCatalog] = strings.TrimSuffix(r.set[objCatalog], ">>") + "/OCProperties<</OCGs[27 0 R]/D<</OFF[27 0 R]>>>>>>"
		}, emptyCRL())
		f.sign(signing{})
		n := f.alloc()
		set := then(f, n)
		set[n] = f.body[layer]
		f.commit(revision{set: set})
		return f.b
	}
}

// otherNumbers are numbers that equal and are not the same.
func otherNumbers() []*attack {
	turned := func(was, now string) func() []byte {
		return func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objPage] = replaceOnce(r.set[objPage], "/Contents", "/Rotate "+was+"/Contents")
			}, emptyCRL())
			f.sign(signing{})
			f.commit(revision{set: map[int]string{objPage: f.replaced(objPage, "/Rotate "+was, "/Rotate "+now)}})
			return f.b
		}
	}
	return []*attack{
		row("h-12-rotate-real", "H-12", "/Rotate 180 becomes 180.0, which some readers do not take", turned("180", "180.0")),
		row("h-12-rotate-large", "H-12", "/Rotate becomes another integer that is the same as a floating-point number", turned("4611686018427387904", "4611686018427388084")),
		row("h-12-flag-real", "H-12", "the flag that hides an annotation over the text, 2, becomes 2.0", func() []byte {
			f := trapped(map[int]string{
				first: "<</Type/Annot/Subtype/Stamp/Rect" + covers + "/F 2/P 3 0 R/AP<</N 22 0 R>>>>",
				looks: look(forgery),
			}, "20 0 R", "", nil)
			f.commit(revision{set: map[int]string{first: f.replaced(first, "/F 2/", "/F 2.0/")}})
			return f.b
		}),
	}
}

// referenceChains have an indirect object that is nothing but a reference to another.
func referenceChains() []*attack {
	field := func(more string) string {
		return "<<" + widget + "/FT/Tx/T(p)/DA(/Helv 12 Tf 0 g)/Rect" + beside + more + ">>"
	}
	drawn := func(page, form string) (string, string) {
		return page, strings.Replace(form, "/DA", "/NeedAppearances true/DA", 1)
	}
	return []*attack{
		row("h-13-annotations", "H-13", "/Annots refers to a reference to an empty array, which gets an annotation", func() []byte {
			f := trapped(map[int]string{first: "21 0 R", second: "[]"}, "", "", func(page, form string) (string, string) {
				return replaceOnce(page, "/Annots[]", "/Annots 20 0 R"), form
			})
			f.commit(revision{set: map[int]string{second: "[22 0 R]", looks: "<</Type/Annot/Subtype/Stamp/Rect" + covers + "/F 4/P 3 0 R/AP<</N 23 0 R>>>>", 23: look(forgery)}})
			return f.b
		}),
		row("h-13-pages", "H-13", "/Kids refers to a reference to the pages, which are replaced", func() []byte {
			f := letter(func(f *file, r *revision) {
				f.size = looks
				r.set[objPages] = "<</Type/Pages/Kids 20 0 R/Count 1>>"
				r.set[first], r.set[second] = "21 0 R", "[3 0 R]"
			}, emptyCRL())
			f.sign(signing{})
			f.commit(revision{set: map[int]string{second: "[30 0 R]", 30: strings.Replace(f.page(), "/Contents 4 0 R", "/Contents 31 0 R", 1), 31: pageText(forgery)}})
			return f.b
		}).shows(forgery),
		row("h-13-value", "H-13", "the value of a field that readers draw is a reference to a reference, and is replaced", func() []byte {
			f := trapped(map[int]string{first: field("/V 21 0 R"), second: "22 0 R", looks: "(" + truth + ")"}, "20 0 R", "20 0 R", drawn)
			f.commit(revision{set: map[int]string{looks: "(" + forgery + ")"}})
			return f.b
		}),
		row("h-13-appearance", "H-13", "the appearance of a field is a reference to a reference, and is replaced", func() []byte {
			f := trapped(map[int]string{first: field("/V(x)/AP<</N 21 0 R>>"), second: "22 0 R", looks: look(truth)}, "20 0 R", "20 0 R", nil)
			f.commit(revision{set: map[int]string{looks: look(forgery)}})
			return f.b
		}),
		row("h-13-form", "H-13", "the catalog refers to a reference to the form, whose font for fields is replaced by one that draws a nine for a one", func() []byte {
			f := trapped(map[int]string{
				first:      field("/V(" + truth + ")"),
				objCatalog: "<</Type/Catalog/Pages 2 0 R/AcroForm 22 0 R/DSS 7 0 R>>", looks: "6 0 R",
			}, "20 0 R", "20 0 R", drawn)
			f.commit(revision{set: map[int]string{
				objAcroForm: f.replaced(objAcroForm, "/Helv 5 0 R", "/Helv 30 0 R"),
				30:          "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding/Differences[49/nine]>>>>",
			}})
			return f.b
		}).sees("none"),
	}
}

// parents are fields that have child fields or widgets and are shown all the
// same, or inherited from.
func parents() []*attack {
	shown := func(typ, rect, before string) func() []byte {
		return func() []byte {
			f := trapped(map[int]string{
				first:  "<<" + widget + "/T(p)" + typ + "/Kids[21 0 R]/Rect" + rect + "/AP<</N 22 0 R>>>>",
				second: "<<" + widget + "/T(c)/Parent 20 0 R/FT/Tx/V()/Rect[0 0 0 0]>>",
				looks:  before,
			}, "20 0 R 21 0 R", "20 0 R", nil)
			f.commit(revision{set: map[int]string{looks: look(forgery)}})
			return f.b
		}
	}
	empty := stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]", " ")
	return []*attack{
		row("h-14-parent-shown", "H-14", "a field with a child field is a widget, whose appearance is replaced", shown("/FT/Tx", beside, look(truth))),
		row("h-14-parent-no-type", "H-14", "the same without a field type", shown("", beside, look(truth))),
		row("h-14-parent-over", "H-14", "the same over the text of the page", shown("/FT/Tx", covers, empty)),
		row("h-14-parent-value", "H-14", "a value that a child field inherits is a reference, and is replaced where readers draw fields", func() []byte {
			f := trapped(map[int]string{
				first:  "<</T(p)/FT/Tx/V 23 0 R/Kids[21 0 R]>>",
				second: "<<" + widget + "/T(c)/Parent 20 0 R/FT/Tx/DA(/Helv 12 Tf 0 g)/Rect" + beside + "/AP<</N 22 0 R>>>>",
				looks:  look(truth), 23: "(" + truth + ")",
			}, "21 0 R", "20 0 R", func(page, form string) (string, string) {
				return page, strings.Replace(form, "/DA", "/NeedAppearances true/DA", 1)
			})
			f.commit(revision{set: map[int]string{23: "(" + forgery + ")"}})
			return f.b
		}),
	}
}

func mergedSignature() []byte {
	f := trapped(map[int]string{
		first:  "<<" + widget + "/T(p)/FT/Sig/Kids[21 0 R]/Rect" + covers + "/AP<</N 22 0 R>>>>",
		second: "<<" + widget + "/Parent 20 0 R/Rect[0 0 0 0]>>",
		looks:  stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]", " "),
	}, "20 0 R 21 0 R", "20 0 R", nil)
	f.sign(signing{into: first, who: &other, field: "p", change: func(r *revision) { r.set[looks] = look(forgery) }})
	return f.b
}

// listings change how often an annotation is listed, and so what lies on top.
func listings() []*attack {
	stamps := func(before, after string) func() []byte {
		return func() []byte {
			note := func(n int) string {
				return fmt.Sprintf("<</Type/Annot/Subtype/Stamp/Rect%s/F 4/P 3 0 R/AP<</N %d 0 R>>>>", beside, n)
			}
			f := trapped(map[int]string{first: note(looks), second: note(23), looks: look(forgery), 23: look(truth)}, before, "", nil)
			f.commit(revision{set: map[int]string{objPage: f.replaced(objPage, "["+before+"]", "["+after+"]")}})
			return f.b
		}
	}
	return []*attack{
		row("h-15-listed-again", "H-15", "of two annotations in one place the lower one is listed again, above", stamps("20 0 R 21 0 R", "20 0 R 21 0 R 20 0 R")),
		row("h-15-listed-once", "H-15", "an annotation was listed below and above another, and no longer is above", stamps("21 0 R 20 0 R 21 0 R", "21 0 R 20 0 R")),
		row("h-15-widget-again", "H-15", "of two fields in one place the lower one is listed again, above", func() []byte {
			field := func(name, value string, n int) string {
				return fmt.Sprintf("<<%s/FT/Tx/T(%s)/V(%s)/Rect%s/AP<</N %d 0 R>>>>", widget, name, value, beside, n)
			}
			f := trapped(map[int]string{first: field("a", forgery, looks), second: field("b", truth, 23), looks: look(forgery), 23: look(truth)},
				"20 0 R 21 0 R", "20 0 R 21 0 R", nil)
			f.commit(revision{set: map[int]string{objPage: f.replaced(objPage, "[20 0 R 21 0 R]", "[20 0 R 21 0 R 20 0 R]")}})
			return f.b
		}),
	}
}

func sharedAnnotations() []byte {
	const pages, annots, length, array = 60, 64, 70, 99
	list := func(from int) string {
		var b strings.Builder
		for i := range annots {
			fmt.Fprintf(&b, "[%s%d]", strings.Repeat("0 ", length), from+i)
		}
		return "[" + b.String() + "]"
	}
	f := letter(func(f *file, r *revision) {
		r.set[array] = list(1)
		kids := []int{objPage}
		for n := array + 1; n <= array+pages; n++ {
			r.set[n] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots 99 0 R>>"
			kids = append(kids, n)
		}
		f.size = array + pages + 1
		r.set[objPages] = fmt.Sprintf("<</Type/Pages/Kids%s/Count %d>>", refs(kids), pages+1)
	}, emptyCRL())
	f.sign(signing{})
	f.commit(revision{set: map[int]string{array: list(1000)}})
	return f.b
}
