package main

import (
	"fmt"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

// heading is the part of the contents that the covers below leave alone.
const heading = "BT /F1 14 Tf 72 770 Td (Surat Kabupaten Contoh) Tj ET "

// covered are letters whose text is painted in other ways than by showing a
// string, and a second trusted signer's visible signature over it. Where it
// cannot be told from a drawing, the report lists that a drawing is covered.
func covered() []*attack {
	text := "BT /F1 14 Tf 72 730 Td (" + truth + ") Tj ET"
	over := func(contents, resources string, set map[int]string) func() []byte {
		return signedOver(contents, resources, set, covers, look(forgery))
	}
	rows := []*attack{
		row("c2-over-clip", "C2", "a second trusted signature over text that only clips what is painted",
			over(heading+"q BT /F1 14 Tf 7 Tr 72 730 Td ("+truth+") Tj ET 0 0 595 842 re f Q", "", nil)),
		row("c2-over-pattern", "C2", "the same over text in a pattern that paints an area", over(heading+"/Pattern cs /P1 scn 70 725 300 30 re f", "/Pattern<</P1 30 0 R>>",
			map[int]string{30: stream("/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 595 842]/XStep 595/YStep 842/Resources<</Font<</F1 5 0 R>>>>", text)})),
		row("c2-over-type3", "C2", "the same over text that a glyph of a Type 3 font draws far from its place",
			over("BT /F1 14 Tf 72 770 Td (Surat Kabupaten Contoh) Tj /T3 1 Tf 1 0 0 1 72 900 Tm (a) Tj ET", "/Font<</F1 5 0 R/T3 30 0 R>>", map[int]string{
				30: "<</Type/Font/Subtype/Type3/FontBBox[0 0 0 0]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 97/Widths[100]" +
					"/Encoding<</Type/Encoding/Differences[97/a]>>/CharProcs<</a 31 0 R>>/Resources<</Font<</F1 5 0 R>>>>>>",
				31: stream("", "100 0 d0 BT /F1 14 Tf 0 -170 Td ("+truth+") Tj ET"),
			})),
		row("c2-over-inline", "C2", "the same over text behind an inline image that readers end in two places",
			over(heading+"\nq BI /W 1 /H 1 /BPC 8 /CS /G ID \x80\nEI\x01\nQ "+text+"\nq BI /W 1 /H 1 /BPC 8 /CS /G ID \x80\nEI Q", "", nil)),
		row("c2-over-layer", "C2", "the same over text of a layer that is off until readers apply its usage", over(heading+"/OC /M BDC "+text+" EMC", "/Properties<</M 31 0 R>>", map[int]string{
			31: "<</Type/OCG/Name(x)/Usage<</View<</ViewState/ON>>>>>>",
			objCatalog: "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 7 0 R/OCProperties<</OCGs[31 0 R]/D<</OFF[31 0 R]" +
				"/AS[<</Event/View/Category[/View]/OCGs[31 0 R]>>]>>>>>>",
		})),
		row("c2-over-capitals", "C2", "the same over the end of a line of wide letters",
			signedOver("BT /F1 14 Tf 72 770 Td (Surat Kabupaten Contoh) Tj 0 -40 Td (MAKSIMUM MMMMMMMM 1M) Tj ET", "", nil, "[239 720 460 750]", painted(221, 30))),
		row("c2-over-vertical", "C2", "the same over text that is written from top to bottom",
			signedOver(heading+"BT /V1 14 Tf 500 740 Td <0001000200030004000500060007> Tj ET", "/Font<</F1 5 0 R/V1 30 0 R>>", map[int]string{
				30: "<</Type/Font/Subtype/Type0/BaseFont/Tegak/Encoding/Identity-V/DescendantFonts[31 0 R]>>",
				31: "<</Type/Font/Subtype/CIDFontType2/BaseFont/Tegak/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000>>",
			}, "[480 650 520 710]", painted(40, 60))),
	}
	for _, a := range rows {
		a.malformed().sees("valid valid")
	}
	return append(rows,
		row("d10-covered-pages", "D10", "a later field on pages that paint more areas than anybody will look at", coveredPages).malformed().sees("valid unsigned"+strings.Repeat(" unsigned", 7)),
		row("c2-drawn-areas", "C2", "the same over numbers that are drawn by areas: listed, for people to judge",
			over(heading+"q 1 0 0 1 72 725 cm "+sevenSegments("1000000")+"Q", "", nil)).passes().sees("valid valid"),
		row("c2-drawn-lines", "C2", "the same over numbers that are drawn by lines: listed, for people to judge",
			over(heading+"2 w 80 725 m 80 750 l S 90 725 m 110 725 l 110 750 l 90 750 l s", "", nil)).passes().sees("valid valid"))
}

// coveredPages is a letter whose further pages share contents of very many
// operators, and a later field with a widget on each.
func coveredPages() []byte {
	const pages, field, widgets = 8, 139, 140
	page := func(annots string) string {
		return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 60 0 R/Annots" + annots + ">>"
	}
	kids := []int{objPage}
	f := letter(func(f *file, r *revision) {
		r.set[60] = stream("/Filter/FlateDecode", string(pdfmake.Deflate([]byte(strings.Repeat("0 0 1 1 re f ", 70_000)))))
		for n := 100; n < 100+pages; n++ {
			r.set[n] = page("[]")
			kids = append(kids, n)
		}
		r.set[objPages] = fmt.Sprintf("<</Type/Pages/Kids%s/Count %d>>", refs(kids), len(kids))
		f.size = widgets + pages
	}, emptyCRL())
	f.sign(signing{})
	set := map[int]string{}
	var all []int
	for i := range pages {
		set[widgets+i] = fmt.Sprintf("<</Type/Annot/Subtype/Widget/Parent %d 0 R/Rect[50 50 59 59]/F 4>>", field)
		set[100+i] = page(refs([]int{widgets + i}))
		all = append(all, widgets+i)
	}
	f.fields = append(f.fields, field)
	set[field] = "<</FT/Sig/T(S2)/Kids" + refs(all) + ">>"
	set[objAcroForm] = f.form()
	f.commit(revision{set: set})
	return f.b
}

// signedOver is a letter of those contents and resources, and a second signature
// in rect that looks like that.
func signedOver(contents, resources string, set map[int]string, rect, looks string) func() []byte {
	return func() []byte {
		f := letter(func(f *file, r *revision) {
			f.size = 40
			r.set[objContents] = stream("", contents)
			if strings.HasPrefix(resources, "/Font") {
				r.set[objPage] = replaceOnce(r.set[objPage], "/Font<</F1 5 0 R>>", resources)
			} else {
				r.set[objPage] = replaceOnce(r.set[objPage], "/Resources<<", "/Resources<<"+resources)
			}
			for n, s := range set {
				r.set[n] = s
			}
		}, emptyCRL())
		f.sign(signing{})
		a := f.alloc()
		f.sign(signing{field: "Signature2", who: &other, rect: rect, fieldEntries: fmt.Sprintf("/AP<</N %d 0 R>>", a),
			change: func(r *revision) { r.set[a] = looks }})
		return f.b
	}
}

// sevenSegments draws digits as clocks do.
func sevenSegments(digits string) string {
	of := map[rune]string{'0': "abcdef", '9': "abcdfg", '1': "bc"}
	bars := map[rune]string{'a': "0 36 20 4", 'b': "18 18 4 20", 'c': "18 0 4 20", 'd': "0 0 20 4", 'e': "0 0 4 20", 'f': "0 18 4 20", 'g': "0 18 20 4"}
	var b strings.Builder
	for i, digit := range digits {
		fmt.Fprintf(&b, "q 1 0 0 1 %d 8 cm ", 5+i*28)
		for _, s := range of[digit] {
			b.WriteString(bars[s] + " re f ")
		}
		b.WriteString("Q ")
	}
	return b.String()
}

// The widget of filledLook, which is no part of the text but for above.
const filledField = first

// filledLook is a letter with an empty text field in rect, which is filled with
// a value and a look that draws ops.
func filledLook(rect, value, dict, ops string, set map[int]string) func() []byte {
	return func() []byte {
		more := map[int]string{
			filledField: "<<" + widget + "/T(nama)/FT/Tx/V()/DA(/Helv 12 Tf 0 g)/Rect" + rect + "/AP<</N 22 0 R>>>>",
			looks:       formLook("", "/Tx BMC EMC"),
			26:          "<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>",
		}
		for n, s := range set {
			more[n] = s
		}
		f := trapped(more, "20 0 R", "20 0 R", nil)
		n := f.alloc()
		field := replaceOnce(f.body[filledField], "/V()", "/V("+value+")")
		f.commit(revision{set: map[int]string{n: formLook(dict, "/Tx BMC "+ops+" EMC"), filledField: replaceOnce(field, "/N 22 0 R", fmt.Sprintf("/N %d 0 R", n))}})
		return f.b
	}
}

func formLook(dict, ops string) string {
	if !strings.Contains(dict, "/Resources") {
		dict += "/Resources<</Font<</Helv 5 0 R/ZaDb 26 0 R/Lain 28 0 R>>>>"
	}
	return stream("/Type/XObject/Subtype/Form/BBox[0 0 400 60]"+dict, ops)
}

// filled are form values whose look hides what was signed, or does not say what
// the value says. The policy allows form values.
func filled() []*attack {
	price := "BT /Lain 14 Tf 0 g 5 20 Td (Rp1.000.000) Tj ET"
	rows := []*attack{
		row("h-16-dingbat", "H-16", "a value that is drawn as a sign large enough to hide the text", filledLook(covers, "n", "",
			"BT /ZaDb 700 Tf /DeviceGray cs 1 sc -60 -60 Td (n) Tj ET", nil)),
		row("h-16-outside", "H-16", "a part of the value is drawn outside of the box", filledLook(beside, "Harga Rp1.000.000", "",
			"BT /Helv 14 Tf 0 g 5 20 Td (Harga Rp1) Tj 900 0 Td (.000.000) Tj ET", nil)),
		row("h-16-order", "H-16", "the letters of the value are drawn in another order", filledLook(beside, "Rp1.900", "",
			"BT /Helv 14 Tf 0 g 5 20 Td (Rp) Tj 24 0 Td (1) Tj 8 0 Td (.) Tj -16 0 Td (9) Tj 24 0 Td (00) Tj ET", nil)),
		row("h-16-segments", "H-16", "areas draw another number than the value, which is too small to read", filledLook(beside, "1000000", "",
			sevenSegments("9000000")+"BT /Helv 1 Tf 0 g 390 2 Td (1000000) Tj ET", nil)),
		row("h-16-white", "H-16", "a value in white of a named colour space", filledLook(beside, "Batal", "",
			"BT /DeviceGray cs 1 sc /Helv 14 Tf 5 20 Td (Batal) Tj ET", nil)),
		row("h-16-layer", "H-16", "the look of the value is of a layer that is off", filledLook(beside, "Batal", "/OC 27 0 R", "BT /Helv 14 Tf 0 g 5 20 Td (Batal) Tj ET", map[int]string{
			layer:      "<</Type/OCG/Name(x)>>",
			objCatalog: "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS 7 0 R/OCProperties<</OCGs[27 0 R]/D<</OFF[27 0 R]>>>>>>",
		})),
		row("h-16-encoding", "H-16", "the value is drawn in a signed font that shows a nine for a one", filledLook(beside, "Rp1.000.000", "", price, map[int]string{
			28: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding/Differences[49/nine]>>>>",
		})),
		row("h-16-type3", "H-16", "the value is drawn in a signed Type 3 font", filledLook(beside, "Rp1.000.000", "", price, map[int]string{
			28: "<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 46/LastChar 112/Widths[]" +
				"/Encoding<</Type/Encoding/Differences[49/one]>>/CharProcs<</one 29 0 R>>/Resources<<>>>>",
			29: stream("", "1 0 d0 0 0 1 1 re f"),
		})),
		row("h-16-name", "H-16", "the value is drawn in a font of signs, whose name is an object of its own", filledLook(beside, "Rp1.000.000", "", price, map[int]string{
			28: "<</Type/Font/Subtype/Type1/BaseFont 29 0 R>>", 29: "/ZapfDingbats",
		})),
		row("h-16-removed", "H-16", "a value that was seen loses its look", filledBefore(func(f *file) map[int]string {
			return map[int]string{filledField: f.replaced(filledField, "/AP<</N 22 0 R>>", "/AP<<>>")}
		})),
		row("h-16-box", "H-16", "the box of a look gets so narrow that nothing is seen", filledBefore(func(f *file) map[int]string {
			return map[int]string{looks: f.replaced(looks, "[0 0 400 60]", "[0 50 400 60]")}
		})),
		row("h-16-caption", "H-16", "readers are to draw the form, in which a button has another caption than its look says", drawnLater("/FT/Btn/Ff 65536/MK<</CA("+forgery+")>>", "20 0 R")),
		row("h-16-unlisted", "H-16", "readers are to draw the form, and a widget that it does not list has another value than its look says", drawnLater("/FT/Tx/V("+forgery+")", "")),
	}
	for _, a := range rows {
		a.malformed().under("forms")
	}
	rows = append(rows,
		row("h-16-stroke", "H-16", "the look of a value hides the text by a wide line", filledLook(covers, forgery, "",
			"q 1 G 200 w 0 30 m 400 30 l S Q BT /Helv 14 Tf 0 g 12 20 Td ("+forgery+") Tj ET", nil)).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").under("forms"),
		row("h-16-overprint", "H-16", "a value is a digit over one of the text", filledLook(covers, "8", "",
			"BT /Helv 14 Tf 0 g 86.5 30 Td (8) Tj ET", nil)).is(indeterminate, "SIG_CONSTRAINTS_FAILURE").under("forms"),
		row("h-16-honest", "H-16", "a value beside the text, drawn as it is", filledLook(beside, "Rp1.000.000", "",
			"BT /Helv 14 Tf 0 g 5 20 Td (Rp1.000.000) Tj ET", nil)).passes().under("forms"))
	return fooled(rows)
}

// filledBefore is a letter whose text field had a value when it was signed.
func filledBefore(set func(f *file) map[int]string) func() []byte {
	return func() []byte {
		const value = "Syarat: tidak berlaku"
		f := trapped(map[int]string{
			filledField: "<<" + widget + "/T(nama)/FT/Tx/V(" + value + ")/DA(/Helv 12 Tf 0 g)/Rect" + beside + "/AP<</N 22 0 R>>>>",
			looks:       formLook("", "/Tx BMC BT /Helv 14 Tf 0 g 5 20 Td ("+value+") Tj ET EMC"),
		}, "20 0 R", "20 0 R", nil)
		f.commit(revision{set: set(f)})
		return f.b
	}
}

// drawnLater is a letter with a field that shows the truth until a later form
// has readers draw it.
func drawnLater(entries, fields string) func() []byte {
	return func() []byte {
		f := trapped(map[int]string{
			filledField: "<<" + widget + "/T(x)" + entries + "/DA(/Helv 14 Tf 0 g)/Rect" + beside + "/AP<</N 22 0 R>>>>",
			looks:       formLook("", "BT /Helv 14 Tf 0 g 5 20 Td ("+truth+") Tj ET"),
		}, "20 0 R", fields, nil)
		f.commit(revision{set: map[int]string{objAcroForm: f.with(objAcroForm, "/NeedAppearances true")}})
		return f.b
	}
}
