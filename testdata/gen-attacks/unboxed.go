package main

import (
	"fmt"
	"strings"
)

// bare is an appearance without /BBox, which some readers neither clip nor fit
// into the rectangle of its widget.
func bare() string {
	return stream("/Type/XObject/Subtype/Form/Resources<</Font<</F1 5 0 R>>>>",
		"q 1 g 0 -10 400 30 re f 0 g BT /F1 14 Tf 0 0 Td ("+forgery+") Tj ET Q")
}

// unboxed are signature fields that show nothing by their rectangle, or nothing
// where the text is, and that PDFium draws over it.
func unboxed() []*attack {
	invisible := func(s signing) func() []byte {
		return func() []byte {
			f := honest(signing{})
			n := f.alloc()
			s := s
			s.fieldEntries, s.change = fmt.Sprintf("/AP<</N %d 0 R>>", n), func(r *revision) { r.set[n] = bare() }
			f.sign(s)
			return f.b
		}
	}
	filled := func(f *file) []byte {
		f.sign(signing{into: 9, docStamp: &tokenSpec{}, change: func(r *revision) { r.set[10] = bare() }})
		return f.b
	}
	const point = "[72 730 72 730]"
	rows := []*attack{
		row("c8-boxless", "C8", "an invisible second signature whose appearance has no box", invisible(signing{field: "Signature2", who: &other, rect: point})).sees("valid valid"),
		row("c8-boxless-stamp", "C8", "the same of a document timestamp", invisible(signing{field: "Timestamp1", docStamp: &tokenSpec{}, rect: point})).sees("valid unverified"),
		row("c8-boxless-beside", "C8", "a visible second signature beside the text, whose appearance has no box",
			invisible(signing{field: "Signature2", who: &other, rect: "[72 600 72.5 600.5]"})).sees("valid valid"),
		row("c8-boxless-filled", "C8", "an invisible signature field is filled with a document timestamp and an appearance without box", func() []byte {
			return filled(withEmpty(point))
		}).sees("unverified valid"),
	}
	for _, a := range rows {
		a.malformed()
	}
	return append(rows, row("c8-boxed", "C8", "an invisible second signature whose appearance has a box", func() []byte {
		f := honest(signing{})
		n := f.alloc()
		f.sign(signing{field: "Signature2", who: &other, rect: point, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", n), change: func(r *revision) { r.set[n] = painted(400, 60) }})
		return f.b
	}).passes().sees("valid valid"))
}

// fontsMissed are letters with a value that readers draw in a font of their own,
// because the form has none of the name that is asked for, until it gets one.
func fontsMissed() []*attack {
	later := func(name, font string) func() []byte {
		return func() []byte {
			f := letter(nil, emptyCRL())
			f.add(0, func(int) (string, string) {
				return "<<" + widget + "/FT/Tx/T(jumlah)/V(Rp10000000)/DA(/Lain 12 Tf 0 g)/Rect" + beside + ">>", "null"
			})
			f.sign(signing{})
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: font, objAcroForm: f.replaced(objAcroForm, "/Font<<", fmt.Sprintf("/Font<</%s %d 0 R", name, n))}})
			return f.b
		}
	}
	const noZeros = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/FirstChar 48/LastChar 48/Widths[0]>>"
	return []*attack{
		row("c8-missed-widths", "C8", "the font that a value lacked comes to the form, and noughts have no width in it", later("Lain", noZeros)).malformed(),
		row("c8-missed-signs", "C8", "the same of a font of signs", later("Lain", "<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>")).malformed(),
		row("c8-missed-text", "C8", "the same of a font that shows text as any other", later("Lain", strings.Replace(helvetica, "Helvetica", "Times-Roman", 1))).passes(),
		row("c8-missed-none", "C8", "a font that nothing lacks comes to the form", later("ZaDb", "<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>")).passes(),
	}
}

// drawnBefore are letters with a field that readers draw from its value, until a
// later revision no longer asks them to, and its appearance is seen.
func drawnBefore() []*attack {
	later := func(entries, rect, ops string) func() []byte {
		return func() []byte {
			f := letter(func(_ *file, r *revision) {
				r.set[objAcroForm] = replaceOnce(r.set[objAcroForm], "/SigFlags 3", "/SigFlags 3/NeedAppearances true")
			}, emptyCRL())
			f.add(0, func(n int) (string, string) {
				return fmt.Sprintf("<<%s/T(jumlah)%s/DA(/Helv 14 Tf 0 g)/Rect%s/AP<</N %d 0 R>>>>", widget, entries, rect, n+1),
					stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]/Resources<</Font<</Helv 5 0 R>>>>", ops)
			})
			f.sign(signing{})
			f.commit(revision{set: map[int]string{objAcroForm: f.replaced(objAcroForm, "/NeedAppearances true", "/NeedAppearances false")}})
			return f.b
		}
	}
	const (
		line = "/Tx BMC q BT /Helv 14 Tf 0 g 5 20 Td (" + forgery + ") Tj ET Q EMC"
		area = "q 1 g 0 0 400 60 re f 0 g BT /Helv 14 Tf 5 20 Td (" + forgery + ") Tj ET Q"
	)
	rows := []*attack{
		row("h-17-value", "H-17", "a text field that was drawn from its value shows another one", later("/FT/Tx/V("+truth+")", beside, line)),
		row("h-17-empty", "H-17", "a text field without a value shows one", later("/FT/Tx", beside, line)),
		row("h-17-choice", "H-17", "a choice field that was drawn from its value shows another option",
			later("/FT/Ch/Ff 131072/Opt[("+truth+")("+forgery+")]/V("+truth+")", beside, line)),
		row("h-17-caption", "H-17", "a button that was drawn by its caption shows another one", later("/FT/Btn/Ff 65536/MK<</CA("+truth+")>>", beside, line)),
		row("h-17-check", "H-17", "a check box that was empty is another text over that of the page", later("/FT/Btn/V/Off", above, area)),
	}
	for _, a := range rows {
		a.malformed()
	}
	return fooled(append(rows,
		row("h-17-signature", "H-17", "an empty signature field that some readers did not draw is another text over that of the page", later("/FT/Sig", above, area)).malformed().sees("unsigned valid"),
		row("h-17-honest", "H-17", "a text field that was drawn from its value shows that value",
			later("/FT/Tx/V("+truth+")", beside, strings.Replace(line, forgery, truth, 1))).passes()))
}
