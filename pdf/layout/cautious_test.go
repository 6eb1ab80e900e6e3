package layout_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/layout"
)

func cautious(tb testing.TB, contents string, edit func(u *pdf.Update)) ([]layout.Mark, error) {
	tb.Helper()
	rev := page(tb, contents)
	if edit != nil {
		u := rev.NewUpdate()
		edit(u)
		tail, err := u.Finish()
		if err != nil {
			tb.Fatal(err)
		}
		doc, err := rev.Document().Append(tail)
		if err != nil {
			tb.Fatal(err)
		}
		rev = doc.Latest()
	}
	_, dict, err := rev.Page(0)
	if err != nil {
		tb.Fatal(err)
	}
	return layout.Cautious(rev, dict, layout.NewBudget())
}

// resources gives the page those, with the font F it has.
func resources(u *pdf.Update, category, name pdf.Name, o pdf.Object) {
	u.Set(pdf.Ref{Num: 9}, pdf.Dict{
		"Font": pdf.Dict{"F": pdf.Ref{Num: 5}, "Std": pdf.Dict{"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type1"), "BaseFont": pdf.Name("Helvetica-Bold")}},
	})
	if category != "" {
		d := pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 5}}}
		if category == "Font" {
			d["Font"] = pdf.Dict{"F": pdf.Ref{Num: 5}, name: o}
		} else {
			d[category] = pdf.Dict{name: o}
		}
		u.Set(pdf.Ref{Num: 9}, d)
	}
}

func TestCautious(t *testing.T) {
	tiling := func(data string) func(u *pdf.Update) {
		return func(u *pdf.Update) {
			p := u.Add(pdf.NewStream(pdf.Dict{"PatternType": pdf.Integer(1), "BBox": pdf.Array{}}, []byte(data)))
			resources(u, "Pattern", "P", p)
		}
	}
	glyphs := func(u *pdf.Update) {
		a := u.Add(pdf.NewStream(pdf.Dict{}, []byte("9 0 d0 5 -100 10 10 re f")))
		resources(u, "Font", "T", u.Add(pdf.Dict{
			"Subtype": pdf.Name("Type3"), "FontMatrix": pdf.Array{pdf.Integer(1), pdf.Integer(0), pdf.Integer(0), pdf.Integer(1), pdf.Integer(0), pdf.Integer(0)},
			"CharProcs": pdf.Dict{"a": a}, "FirstChar": pdf.Integer('a'), "Widths": pdf.Array{pdf.Integer(9)},
		}))
	}
	coded := func(encoding pdf.Object) func(u *pdf.Update) {
		return func(u *pdf.Update) {
			resources(u, "Font", "V", u.Add(pdf.Dict{"Subtype": pdf.Name("Type0"), "Encoding": encoding, "DescendantFonts": pdf.Array{pdf.Dict{"DW": pdf.Integer(500)}}}))
		}
	}
	for _, c := range []struct {
		name, contents string
		edit           func(u *pdf.Update)
		want           string
	}{
		{"lines", "10 w 20 20 m 80 20 l S", nil, "line 15,15,85,25"},
		{"both", "2 w 10 10 20 20 re B", nil, "area 10,10,30,30; line 9,9,31,31"},
		{"text that clips", "BT /F 10 Tf 0 50 Td 7 Tr (A) Tj ET", nil, "text 0,47.8,5,57.2"},
		{"invisible text", "BT /F 10 Tf 0 50 Td 3 Tr (A) Tj ET", nil, "text 0,47.8,5,57.2 unseen"},
		{"a pattern of text", "/Pattern cs /P scn 0 0 9 9 re f", tiling("BT /F 9 Tf (A) Tj ET"), "area 0,0,9,9; text 0,0,9,9"},
		{"a pattern of lines", "/Pattern CS /P SCN 0 0 9 9 re S", tiling("0 0 1 1 re f"), "line -0.5,-0.5,9.5,9.5"},
		{"glyphs elsewhere", "BT /T 1 Tf 0 200 Td (aa) Tj ET", glyphs, "text 0,100,33,200.7"},
		{"a width that nobody tells", "BT /F 10 Tf (ZZ) Tj ET", nil, "text 0,-2.2,20,7.2"},
		{"a standard font", "BT /Std 10 Tf (MAi) Tj ET", func(u *pdf.Update) { resources(u, "", "", nil) }, "text 0,-2.2,18.3,7.2"},
		{"text from top to bottom", "BT /V 10 Tf 50 90 Td <00010002> Tj ET", coded(pdf.Name("Identity-V")), "text 40,55,60,100"},
		{"codes of one byte or two", "BT /V 10 Tf <0102> Tj ET", coded(pdf.Name("90ms-RKSJ-H")), "text 0,-2.2,20,7.2"},
		{"codes of the file's own", "BT /V 10 Tf <0102> Tj ET", coded(pdf.Null{}), "text -Inf,-Inf,+Inf,+Inf"},
		{"a layer that is off", "/OC /L BDC 0 0 9 9 re f EMC", func(u *pdf.Update) {
			l := u.Add(pdf.Dict{"Type": pdf.Name("OCG"), "Name": pdf.String("L")})
			resources(u, "Properties", "L", l)
			ref := u.Revision().Root()
			o, _ := u.Object(ref)
			c := pdf.Clone(o).(pdf.Dict)
			c["OCProperties"] = pdf.Dict{"OCGs": pdf.Array{l}, "D": pdf.Dict{"OFF": pdf.Array{l}}}
			u.Set(ref, c)
		}, "area 0,0,9,9"},
		{"an inline image", "q BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q", nil, "image 0,0,1,1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := cautious(t, c.contents, c.edit)
			if err != nil {
				t.Fatal(err)
			}
			if got := words(list); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestCautiousInlineImage guards against images that end where another reader
// reads on: what is between is text for one of them.
// TestSharedWidths: a range of all codes takes twelve bytes, and many fonts may
// share one. What they cost together is bounded, in memory and in time.
func TestSharedWidths(t *testing.T) {
	for _, c := range []struct {
		name  string
		fonts int
		limit bool
	}{{"a few large fonts", 4, false}, {"many fonts with the width of all codes", 20, true}} {
		t.Run(c.name, func(t *testing.T) {
			ops, fonts := "BT ", pdf.Dict{}
			for i := range c.fonts {
				name := fmt.Sprintf("A%d", i)
				w := pdf.Array{pdf.Integer(0), pdf.Integer(65535), pdf.Integer(500)}
				fonts[pdf.Name(name)] = pdf.Dict{"Subtype": pdf.Name("Type0"), "Encoding": pdf.Name("Identity-H"), "DescendantFonts": pdf.Array{pdf.Dict{"W": w}}}
				ops += "/" + name + " 9 Tf "
			}
			_, err := cautious(t, ops+"ET", func(u *pdf.Update) { u.Set(pdf.Ref{Num: 9}, pdf.Dict{"Font": fonts}) })
			if limit, ok := errors.AsType[*pdf.LimitError](err); ok != c.limit {
				t.Errorf("got %v (%v), want a limit: %v", err, limit, c.limit)
			}
		})
	}
}

// TestFontSelectedAgain: a font is read once however often it is selected, also
// where it stands in the resources themselves.
func TestFontSelectedAgain(t *testing.T) {
	widths := make(pdf.Array, 1000)
	for i := range widths {
		widths[i] = pdf.Integer(1)
	}
	font := pdf.Dict{"Subtype": pdf.Name("Type1"), "FirstChar": pdf.Integer(0), "Widths": widths}
	_, err := cautious(t, "BT "+strings.Repeat("/A 9 Tf ", 10_000)+"ET", func(u *pdf.Update) { resources(u, "Font", "A", font) })
	if err != nil {
		t.Errorf("got %v, want nil: ten million widths are over the limit, a thousand are not", err)
	}
}

func TestCautiousInlineImage(t *testing.T) {
	const text = "BT /F 10 Tf (A) Tj ET"
	for _, contents := range []string{
		"BI /W 1 /H 1 /BPC 8 /CS /G ID \x80\nEI\x01\n" + text + " BI /W 1 /H 1 /BPC 8 /CS /G ID \x80\nEI",
		"BI /W 1 /H 1 /BPC 8 /CS /G ID \x80EI " + text + " BI /W 1 /H 1 /BPC 8 /CS /G ID \x80\nEI",
		"BI /W 1 /H 1 /IM true /F /Fl ID x\nEI\x01\n" + text + " BI /W 1 /H 1 /F /Fl ID \x80\nEI",
	} {
		if list, err := cautious(t, contents, nil); err == nil {
			t.Errorf("%q: got %s, want an error", contents, words(list))
		}
	}
}

func ExampleCautious() {
	tb := new(testing.T)
	list, err := cautious(tb, "0 0 m 100 100 l S", nil)
	fmt.Println(words(list), err)
	// Output: line -0.5,-0.5,100.5,100.5 <nil>
}

// FuzzCautious: what is painted has a place, also in columns and in codes of the
// file's own.
func FuzzCautious(f *testing.F) {
	for _, s := range []string{"BT /V 10 Tf 50 90 Td <00010002> Tj [(ab) 9 (c)] TJ ET", "2 w 9 9 m 1 1 l S", "/P scn 0 0 9 9 re f"} {
		f.Add(s, "Identity-V")
		f.Add(s, "90ms-RKSJ-H")
	}
	f.Fuzz(func(t *testing.T, contents, encoding string) {
		list, err := cautious(t, contents, func(u *pdf.Update) {
			resources(u, "Font", "V", u.Add(pdf.Dict{"Subtype": pdf.Name("Type0"), "Encoding": pdf.Name(encoding), "DescendantFonts": pdf.Array{pdf.Dict{}}}))
		})
		if err != nil {
			return
		}
		for _, m := range list {
			if m.Bounds.Empty() {
				t.Errorf("an empty mark: %+v", m)
			}
		}
	})
}
