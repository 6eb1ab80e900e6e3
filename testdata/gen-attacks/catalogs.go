package main

import (
	"fmt"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

// otherCatalogs are letters with a value under a look of other text, and a
// trailer that names another catalog. Its form has readers draw values.
func otherCatalogs() []*attack {
	rows := []*attack{
		row("h-3-catalog-packed", "H-3", "a later trailer names another catalog, from an object stream of the revision before, whose form has readers draw a value that was under another look", func() []byte {
			f := otherLook(nil)
			f.xrefs = true
			form, catalog, packed := f.alloc(), f.alloc(), f.alloc()
			head := fmt.Sprintf("%d 0 ", catalog)
			f.commit(revision{
				set: map[int]string{
					form:   f.with(objAcroForm, "/NeedAppearances true"),
					packed: stream(fmt.Sprintf("/Type/ObjStm/N 1/First %d", len(head)), head+f.replaced(objCatalog, "/AcroForm 6 0 R", fmt.Sprintf("/AcroForm %d 0 R", form))),
				},
				entries: func(at map[int]int) { at[catalog] = -packed },
			})
			return f.named(catalog)
		}),
		row("h-3-catalog-signed", "H-3", "the same from the signed revision, which holds two catalogs", func() []byte {
			f := otherLook(func(f *file, r *revision) {
				r.set[30] = strings.TrimSuffix(r.set[objAcroForm], ">>") + "/NeedAppearances true>>"
				r.set[31] = replaceOnce(r.set[objCatalog], "/AcroForm 6 0 R", "/AcroForm 30 0 R")
			})
			return f.named(31)
		}),
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(rows)
}

// otherLook is a signed letter with a value under a look of other text.
func otherLook(bend func(f *file, r *revision)) *file {
	f := letter(func(f *file, r *revision) {
		f.size = ownField + 5
		r.set[nama] = textField("nama", "Rp9", "[72 600 272 620]", namaLook)
		r.set[namaLook] = appearance("Rp1")
		r.set[ownField] = "<<" + widget + "/FT/Sig/T(Signature1)/Rect[0 0 0 0]>>"
		f.fields, f.annots = []int{nama, ownField}, []int{nama, ownField}
		r.set[objPage], r.set[objAcroForm] = f.page(), f.form()
		if bend != nil {
			bend(f, r)
		}
	}, emptyCRL())
	f.sign(signing{into: ownField})
	return f
}

// named returns the letter with one more revision, whose trailer names another
// catalog.
func (f *file) named(catalog int) []byte {
	f.commit(revision{root: fmt.Sprintf("%d 0 R", catalog), set: map[int]string{f.alloc(): "null"}})
	return f.b
}

// unlooked are form values that readers draw by themselves, in fields that lie
// over the text or beside it. The policy allows form values.
func unlooked() []*attack {
	value := func(rect, entries, form string) func() []byte {
		return func() []byte {
			f := trapped(map[int]string{
				filledField: "<<" + widget + "/T(nama)/FT/Tx/V()/DA(/Helv 14 Tf 0 g)/Rect" + rect + entries + ">>",
				looks:       formLook("", "/Tx BMC BT /Helv 14 Tf 0 g 300 45 Td (8) Tj ET EMC"),
			}, "20 0 R", "20 0 R", func(page, acro string) (string, string) { return page, strings.TrimSuffix(acro, ">>") + form + ">>" })
			f.commit(revision{set: map[int]string{filledField: f.replaced(filledField, "/V()", "/V(8)")}})
			return f.b
		}
	}
	const onDigit = "[145 720 155 745]" // over one digit of the sum
	over := []*attack{
		row("h-16-no-look", "H-16", "a value without a look, which readers draw over the text", value(onDigit, "", "")),
		row("h-16-own-look", "H-16", "a value with a look beside the text, where the form has readers draw it", func() []byte {
			f := trapped(map[int]string{
				filledField: "<<" + widget + "/T(nama)/FT/Tx/V()/DA(/Helv 14 Tf 0 g)/Rect" + covers + "/AP<</N 22 0 R>>>>",
				looks:       formLook("", "/Tx BMC EMC"),
			}, "20 0 R", "20 0 R", func(page, acro string) (string, string) {
				return page, strings.TrimSuffix(acro, ">>") + "/NeedAppearances true>>"
			})
			f.commit(revision{set: map[int]string{
				looks:       formLook("", "/Tx BMC BT /Helv 14 Tf 0 g 380 2 Td (8) Tj ET EMC"),
				filledField: f.replaced(filledField, "/V()", "/V(8)"),
			}})
			return f.b
		}),
	}
	for _, a := range over {
		a.is(indeterminate, "SIG_CONSTRAINTS_FAILURE").under("forms")
	}
	return fooled(append(over, row("h-16-no-look-beside", "H-16", "a value without a look beside the text", value(beside, "", "")).passes().under("forms")))
}

// packedText is a stream of text that deflates well.
func packedText(dict, text string) string {
	return stream(dict+"/Filter/FlateDecode", string(pdfmake.Deflate([]byte(text))))
}

// readAgain are small files that make a reader read the same over and over.
func readAgain() []*attack {
	rows := []*attack{
		row("d08-font-again", "D08", "the look of a value selects its font eighty thousand times, whose map of characters has all codes", func() []byte {
			f := trapped(map[int]string{
				filledField: "<<" + widget + "/T(nama)/FT/Tx/V()/DA(/Helv 14 Tf 0 g)/Rect" + beside + "/AP<</N 22 0 R>>>>",
				looks:       formLook("", "/Tx BMC EMC"),
				28:          "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 29 0 R/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/A>>]>>",
				29:          stream("", "1 beginbfrange <0000> <ffff> <0000> endbfrange"),
			}, "20 0 R", "20 0 R", func(page, form string) (string, string) {
				return replaceOnce(page, "/F1 5 0 R", "/F1 5 0 R/Lain 28 0 R"), form
			})
			f.commit(revision{set: map[int]string{looks: packedText("/Type/XObject/Subtype/Form/BBox[0 0 400 60]/Resources<</Font<</Lain 28 0 R>>>>",
				"/Tx BMC BT "+strings.Repeat("/Lain 12 Tf ", 80_000)+"ET EMC")}})
			return f.b
		}),
		row("d02-font-widths", "D02", "a later empty field on a page with two hundred fonts, each of which has the width of all codes", func() []byte {
			fonts, ops, set := "", "BT ", map[int]string{}
			for i := range 200 {
				set[100+i] = "<</Type/Font/Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</W[0 65535 500]>>]>>"
				fonts += fmt.Sprintf("/A%d %d 0 R", i, 100+i)
				ops += fmt.Sprintf("/A%d 9 Tf ", i)
			}
			return laterField(fonts, ops+"ET", set)
		}),
		row("d08-direct-font", "D08", "the same on a page that selects a font a million times, which stands in its resources with six thousand widths", func() []byte {
			return laterField("/A0<</Type/Font/Subtype/Type1/FirstChar 0/Widths 100 0 R>>", "BT "+strings.Repeat("/A0 9 Tf ", 1_000_000)+"ET",
				map[int]string{100: "[" + strings.Repeat("1 ", 6_000) + "]"})
		}),
	}
	for _, a := range rows {
		a.malformed()
		if a.Name != "d08-font-again" {
			a.sees("valid unsigned")
		}
	}
	metadata := row("d08-metadata", "D08", "sixty later revisions with metadata of four megabytes each", func() []byte {
		f := honest(signing{})
		packets := [2]int{f.alloc(), f.alloc()}
		set := map[int]string{}
		for i, n := range packets {
			set[n] = packedText("/Type/Metadata/Subtype/XML", "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"+strings.Repeat("<a b='c' d='e'/>", 260_000+i)+"</x:xmpmeta>")
		}
		f.commit(revision{set: set})
		catalog := f.body[objCatalog]
		for i := range 60 {
			f.commit(revision{set: map[int]string{objCatalog: strings.TrimSuffix(catalog, ">>") + fmt.Sprintf("/Metadata %d 0 R>>", packets[i%2])}})
		}
		return f.b
	}).is(indeterminate)
	return fooled(append(rows, metadata))
}

// laterField is a letter whose page has more fonts, and an empty visible field
// that nobody signs, because of which its contents are read.
func laterField(fonts, contents string, set map[int]string) []byte {
	f := letter(func(f *file, r *revision) {
		f.size = 400
		for n, s := range set {
			r.set[n] = s
		}
		r.set[objContents] = packedText("", contents)
		r.set[objPage] = replaceOnce(r.set[objPage], "/F1 5 0 R", "/F1 5 0 R"+fonts)
	}, emptyCRL())
	f.sign(signing{})
	f.add(0, emptyField(beside))
	return f.b
}
