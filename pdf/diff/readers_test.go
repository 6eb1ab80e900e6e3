package diff_test

import (
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// TestCompareReaders guards against changes that no object which is shown
// undergoes, after which readers draw it otherwise all the same.
func TestCompareReaders(t *testing.T) {
	text := func(s string) *pdf.Stream {
		return pdf.NewStream(pdf.Dict{
			"Subtype": pdf.Name("Form"), "BBox": rect(0, 0, 80, 20), "Resources": pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}},
		}, []byte("BT /F 9 Tf 2 5 Td ("+s+") Tj ET"))
	}
	// drawn has a form that readers draw, with a field of that type.
	drawn := func(kind pdf.Name, value pdf.Object, shows string) func(u *pdf.Update) {
		return func(u *pdf.Update) {
			with(t, u, 6, "NeedAppearances", pdf.Boolean(true))
			with(t, u, 5, "FT", kind)
			with(t, u, 5, "V", value)
			with(t, u, 5, "AP", pdf.Dict{"N": u.Add(text(shows))})
		}
	}
	noLonger := func(u *pdf.Update) { with(t, u, 6, "NeedAppearances", pdf.Boolean(false)) }
	// lacking has a field whose default appearance names no font of the form.
	lacking := func(u *pdf.Update) { with(t, u, 5, "DA", pdf.String("/G 9 Tf 0 g")) }
	named := func(name, base pdf.Name, more pdf.Dict) func(u *pdf.Update) {
		return func(u *pdf.Update) {
			f := pdf.Dict{"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type1"), "BaseFont": base}
			for k, v := range more {
				f[k] = v
			}
			with(t, u, 6, "DR", pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}, name: u.Add(f)}})
		}
	}
	// signature adds an invisible signature field that looks like that.
	signature := func(look pdf.Dict) func(u *pdf.Update) {
		return func(u *pdf.Update) {
			ref := u.Add(pdf.Dict{
				"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.String("s"),
				"Rect": rect(20, 100, 20, 100), "AP": pdf.Dict{"N": u.Add(pdf.NewStream(look, []byte("0 0 99 99 re f")))},
			})
			with(t, u, 6, "Fields", pdf.Array{pdf.Ref{Num: 5}, ref})
			with(t, u, 3, "Annots", pdf.Array{pdf.Ref{Num: 5}, ref})
		}
	}
	const field = " /Root/AcroForm/Fields(nama)"
	for _, c := range []struct {
		name        string
		first, then func(u *pdf.Update)
		want        string
	}{
		{"drawn no more, another value", drawn("Tx", pdf.String("Rp1"), "Rp9"), noLonger, "OTHER need-appearances" + field},
		{"drawn no more, no value", drawn("Tx", pdf.Null{}, "Rp9"), noLonger, "OTHER need-appearances" + field},
		{"drawn no more, the same value", drawn("Tx", pdf.String("Rp1"), "Rp1"), noLonger, ""},
		{"drawn no more, an empty signature field", drawn("Sig", pdf.Null{}, "Rp9"), noLonger, "OTHER need-appearances" + field},
		{"drawn no more, a check box", drawn("Btn", pdf.Name("Off"), "Rp9"), noLonger, "OTHER need-appearances" + field},
		{"a font of signs", lacking, named("G", "ZapfDingbats", nil), "OTHER form-font-defined /Root/AcroForm/DR/Font"},
		{"a font with widths", lacking, named("G", "Helvetica", pdf.Dict{"Widths": pdf.Array{pdf.Integer(0)}}), "OTHER form-font-defined /Root/AcroForm/DR/Font"},
		{"a font of other signs", lacking, named("G", "Helvetica", pdf.Dict{"Encoding": pdf.Name("MacExpertEncoding")}), "OTHER form-font-defined /Root/AcroForm/DR/Font"},
		{"a font of text", lacking, named("G", "Times-Roman", pdf.Dict{"Encoding": pdf.Name("WinAnsiEncoding")}), ""},
		{"a font that nothing names", lacking, named("ZaDb", "ZapfDingbats", nil), ""},
		{"a signature with a box", func(*pdf.Update) {}, signature(pdf.Dict{"BBox": rect(0, 0, 99, 99)}), "FORM signature-field-added /Root/AcroForm/Fields(s)"},
		{"a signature without one", func(*pdf.Update) {}, signature(pdf.Dict{}), "OTHER field-appearance-box /Root/AcroForm/Fields(s)"},
		{"a signature with three numbers", func(*pdf.Update) {}, signature(pdf.Dict{"BBox": rect(0, 0, 99, 99)[:3]}), "OTHER field-appearance-box /Root/AcroForm/Fields(s)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, edit(t, letter(t), c.first), c.then)
			r, err := diff.Compare(doc, 2)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
