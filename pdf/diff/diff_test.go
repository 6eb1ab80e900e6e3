package diff_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// letter is a page that says "Isi" in the middle, with a text field "nama"
// (object 5) and the catalog in object 1, the page in 3.
func letter(tb testing.TB) *pdf.Document {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	at := map[int]int{}
	for n, body := range []string{
		1: "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>",
		2: "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 200 200]>>",
		3: "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 7 0 R>>>>/Annots[5 0 R]>>",
		4: "<</Length 34>>stream\nBT /F 12 Tf 20 100 Td (Isi) Tj ET \nendstream",
		5: "<</Type/Annot/Subtype/Widget/FT/Tx/T(nama)/Rect[10 10 90 30]/P 3 0 R>>",
		6: "<</Fields[5 0 R]/DA(/F 9 Tf 0 g)/DR<</Font<</F 7 0 R>>>>>>",
		7: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		if n > 0 {
			at[n] = b.Len()
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, body)
		}
	}
	xref := b.Len()
	b.WriteString("xref\n0 8\n0000000000 65535 f \n")
	for n := 1; n < 8; n++ {
		fmt.Fprintf(&b, "%010d 00000 n \n", at[n])
	}
	fmt.Fprintf(&b, "trailer<</Size 8/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", xref)
	doc, err := pdf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// edit appends a revision.
func edit(tb testing.TB, doc *pdf.Document, f func(u *pdf.Update)) *pdf.Document {
	tb.Helper()
	u := doc.Latest().NewUpdate()
	f(u)
	tail, err := u.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	next, err := doc.Append(tail)
	if err != nil {
		tb.Fatal(err)
	}
	return next
}

// with changes an entry of a dictionary.
func with(tb testing.TB, u *pdf.Update, num uint32, key pdf.Name, value pdf.Object) {
	tb.Helper()
	o, err := u.Object(pdf.Ref{Num: num})
	if err != nil {
		tb.Fatal(err)
	}
	d := pdf.Clone(o).(pdf.Dict)
	d[key] = value
	u.Set(pdf.Ref{Num: num}, d)
}

func rect(v ...int64) pdf.Array {
	var a pdf.Array
	for _, n := range v {
		a = append(a, pdf.Integer(n))
	}
	return a
}

// stamp adds a signed signature field with that rectangle.
func stamp(tb testing.TB, u *pdf.Update, box pdf.Array) {
	value := u.Add(pdf.Dict{"Type": pdf.Name("Sig"), "SubFilter": pdf.Name("ETSI.CAdES.detached")})
	field := u.Add(pdf.Dict{
		"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.String("ttd"),
		"Rect": box, "P": pdf.Ref{Num: 3}, "V": value,
	})
	with(tb, u, 6, "Fields", pdf.Array{pdf.Ref{Num: 5}, field})
	with(tb, u, 3, "Annots", pdf.Array{pdf.Ref{Num: 5}, field})
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(u *pdf.Update)
		want string
	}{
		{"nothing", func(u *pdf.Update) { u.Add(pdf.Integer(1)) }, ""},
		{"the same again", func(u *pdf.Update) { with(t, u, 3, "Rotate", pdf.Null{}) }, ""},
		{"contents", func(u *pdf.Update) { u.Set(pdf.Ref{Num: 4}, pdf.NewStream(pdf.Dict{}, []byte("n"))) }, "OTHER stream-replaced /Root/Pages/Kids/0/Contents"},
		{"a value", func(u *pdf.Update) { with(t, u, 5, "V", pdf.String("Budi")) }, "FORM form-value /Root/AcroForm/Fields(nama)"},
		{"a field that hides", func(u *pdf.Update) { with(t, u, 5, "F", pdf.Integer(2)) }, "OTHER field-visibility /Root/AcroForm/Fields(nama)"},
		{"a direct copy of the page", func(u *pdf.Update) {
			page, err := u.Object(pdf.Ref{Num: 3})
			if err != nil {
				t.Fatal(err)
			}
			with(t, u, 2, "Kids", pdf.Array{page})
		}, "OTHER page-tree /Root/Pages"},
		{"a box in other numbers", func(u *pdf.Update) {
			with(t, u, 5, "Rect", pdf.Array{pdf.Real(10), pdf.Real(10), pdf.Integer(90), pdf.Real(30)})
		}, ""},
		{"a flag in another number", func(u *pdf.Update) { with(t, u, 5, "F", pdf.Real(0)) }, "OTHER field-visibility /Root/AcroForm/Fields(nama)"},
		{"a field listed twice", func(u *pdf.Update) { with(t, u, 3, "Annots", pdf.Array{pdf.Ref{Num: 5}, pdf.Ref{Num: 5}}) },
			"OTHER annotation-order /Root/Pages[1]/Annots"},
		{"a signature that is not seen", func(u *pdf.Update) { stamp(t, u, rect(0, 0, 0, 0)) }, "FORM signature-added /Root/AcroForm/Fields(ttd)"},
		{"a signature beside the text", func(u *pdf.Update) { stamp(t, u, rect(100, 10, 190, 60)) },
			"FORM visible-signature-added /Root/AcroForm/Fields(ttd)"},
		{"a signature below the text", func(u *pdf.Update) { stamp(t, u, rect(20, 40, 80, 98)) },
			"FORM visible-signature-added /Root/AcroForm/Fields(ttd)"},
		{"a signature over the text", func(u *pdf.Update) { stamp(t, u, rect(10, 90, 100, 130)) },
			"FORM visible-signature-added /Root/AcroForm/Fields(ttd); FORM signature-over-content /Root/Pages[1]/Annots"},
		{"a signature over the field", func(u *pdf.Update) { stamp(t, u, rect(50, 20, 150, 60)) },
			"FORM visible-signature-added /Root/AcroForm/Fields(ttd); FORM signature-over-content /Root/Pages[1]/Annots"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, letter(t), c.edit)
			r, err := diff.Compare(doc, 1)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCompareLooks: what a field showed when it was signed does not vanish, but
// where the form asks readers to draw it.
func TestCompareLooks(t *testing.T) {
	filled := edit(t, letter(t), func(u *pdf.Update) {
		look := u.Add(pdf.NewStream(pdf.Dict{"Resources": pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}}}, []byte("BT /F 9 Tf (Budi) Tj ET")))
		with(t, u, 5, "V", pdf.String("Budi"))
		with(t, u, 5, "AP", pdf.Dict{"N": look})
	})
	for _, c := range []struct {
		name string
		edit func(u *pdf.Update)
		want string
	}{
		{"gone", func(u *pdf.Update) { with(t, u, 5, "AP", pdf.Null{}) }, "OTHER form-appearance-removed /Root/AcroForm/Fields(nama)"},
		{"gone with the value", func(u *pdf.Update) {
			with(t, u, 5, "AP", pdf.Null{})
			with(t, u, 5, "V", pdf.Null{})
		}, "FORM form-value /Root/AcroForm/Fields(nama)"},
		{"drawn by readers", func(u *pdf.Update) {
			with(t, u, 5, "AP", pdf.Null{})
			with(t, u, 6, "NeedAppearances", pdf.Boolean(true))
		}, "FORM need-appearances /Root/AcroForm/NeedAppearances; FORM form-appearance /Root/AcroForm/Fields(nama)"},
		{"another kind of field", func(u *pdf.Update) { with(t, u, 5, "Ff", pdf.Integer(1<<13)) }, "OTHER field-kind /Root/AcroForm/Fields(nama)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := diff.Compare(edit(t, filled, c.edit), 2)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCompareCopies guards against two steps that were each taken for nothing:
// an object is written again with a copy of a part under another number, and
// then the copy, of which nobody knew that it was part of the document, is
// replaced.
func TestCompareCopies(t *testing.T) {
	text := func(u *pdf.Update, s string) pdf.Ref { return u.Add(pdf.NewStream(pdf.Dict{}, []byte(s))) }
	for _, c := range []struct {
		name        string
		copy        func(u *pdf.Update) pdf.Ref
		first, want string
	}{
		{"contents", func(u *pdf.Update) pdf.Ref {
			ref := text(u, "BT /F 12 Tf 20 100 Td (Isi) Tj ET ")
			with(t, u, 3, "Contents", ref)
			return ref
		}, "", "OTHER stream-replaced /Root/Pages/Kids/0/Contents"},
		{"font of the page", func(u *pdf.Update) pdf.Ref {
			ref := u.Add(pdf.Dict{"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type1"), "BaseFont": pdf.Name("Helvetica")})
			with(t, u, 3, "Resources", pdf.Dict{"Font": pdf.Dict{"F": ref}})
			return ref
		}, "OTHER page-entry-Resources /Root/Pages[1]/Resources",
			"OTHER page-entry-Resources /Root/Pages[1]/Resources; OTHER content /Root/Pages/Kids/0/Resources/Font/F"},
		{"font of the form", func(u *pdf.Update) pdf.Ref {
			ref := u.Add(pdf.Dict{"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type1"), "BaseFont": pdf.Name("Helvetica")})
			with(t, u, 6, "DR", pdf.Dict{"Font": pdf.Dict{"F": ref}})
			return ref
		}, "OTHER form-resources /Root/AcroForm/DR/Font",
			"OTHER form-resources /Root/AcroForm/DR/Font; OTHER content /Root/AcroForm/DR/Font/F"},
		{"page tree", func(u *pdf.Update) pdf.Ref {
			ref := u.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Kids": pdf.Array{pdf.Ref{Num: 3}}, "Count": pdf.Integer(1), "MediaBox": rect(0, 0, 200, 200)})
			with(t, u, 1, "Pages", ref)
			return ref
		}, "OTHER catalog-Pages /Root/Pages", "OTHER catalog-Pages /Root/Pages"},
		{"field", func(u *pdf.Update) pdf.Ref {
			old, err := u.Object(pdf.Ref{Num: 5})
			if err != nil {
				t.Fatal(err)
			}
			ref := u.Add(old)
			with(t, u, 6, "Fields", pdf.Array{ref})
			return ref
		}, "OTHER fields-order /Root/AcroForm/Fields; OTHER field-removed /Root/AcroForm/Fields(nama); OTHER field-added /Root/AcroForm/Fields(nama)",
			"OTHER fields-order /Root/AcroForm/Fields; OTHER field-removed /Root/AcroForm/Fields(nama); OTHER field-added /Root/AcroForm/Fields(nama); " +
				"OTHER form-damaged /Root/AcroForm; OTHER field-removed /Root/AcroForm/Fields(nama)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ref pdf.Ref
			doc := edit(t, letter(t), func(u *pdf.Update) { ref = c.copy(u) })
			for i, want := range []string{c.first, c.want} {
				if i == 1 {
					doc = edit(t, doc, func(u *pdf.Update) { u.Set(ref, pdf.NewStream(pdf.Dict{}, []byte("n"))) })
				}
				r, err := diff.Compare(doc, 1)
				if err != nil || r.Undecided != nil {
					t.Fatal(err, r)
				}
				if got := changes(r); got != want {
					t.Errorf("revision %d: got %q, want %q", i+2, got, want)
				}
			}
		})
	}
}

func changes(r *diff.Result) string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, fmt.Sprintf("%s %s %s", c.Level, c.Rule, c.Path))
	}
	return strings.Join(out, "; ")
}

// TestCompareChains guards against what is reached by a reference to nothing but
// a reference, of which only the first was watched, and against parents that
// are shown or inherited from.
func TestCompareChains(t *testing.T) {
	chain := func(u *pdf.Update, o pdf.Object) (first, last pdf.Ref) {
		last = u.Add(o)
		return u.Add(last), last
	}
	for _, c := range []struct {
		name    string
		prepare func(u *pdf.Update) pdf.Ref
		then    pdf.Object
		want    string
	}{
		{"annotations", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.Array{pdf.Ref{Num: 5}})
			with(t, u, 3, "Annots", first)
			return last
		}, pdf.Array{}, "OTHER widget-removed /Root/Pages[1]/Annots"},
		{"pages", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.Array{pdf.Ref{Num: 3}})
			with(t, u, 2, "Kids", first)
			return last
		}, pdf.Array{pdf.Ref{Num: 3}, pdf.Ref{Num: 3}}, "OTHER content /Root/Pages/Kids"},
		{"form", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.Dict{"Fields": pdf.Array{pdf.Ref{Num: 5}}})
			with(t, u, 1, "AcroForm", first)
			return last
		}, pdf.Dict{"Fields": pdf.Array{pdf.Ref{Num: 5}}, "XFA": pdf.String("x")}, "OTHER form-entry /Root/AcroForm/XFA"},
		{"value", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.String("Rp1"))
			with(t, u, 5, "V", first)
			return last
		}, pdf.String("Rp9"), "FORM form-appearance /Root/AcroForm/Fields(nama)"},
		{"appearance", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.NewStream(pdf.Dict{}, []byte("n")))
			with(t, u, 5, "AP", pdf.Dict{"N": first})
			return last
		}, pdf.NewStream(pdf.Dict{}, []byte("BT (Rp9) Tj ET")), "OTHER form-appearance-differs /Root/AcroForm/Fields(nama)"},
		{"evidence", func(u *pdf.Update) pdf.Ref {
			first, last := chain(u, pdf.NewStream(pdf.Dict{}, []byte("c")))
			with(t, u, 1, "DSS", pdf.Dict{"CRLs": pdf.Array{first}})
			return last
		}, pdf.NewStream(pdf.Dict{}, []byte("d")), "OTHER dss-form /Root/DSS/CRLs; OTHER dss-item-replaced /Root/DSS"},
		{"the look of a parent", func(u *pdf.Update) pdf.Ref {
			look := u.Add(pdf.NewStream(pdf.Dict{}, []byte("n")))
			with(t, u, 5, "Kids", pdf.Array{u.Add(pdf.Dict{"T": pdf.String("anak"), "FT": pdf.Name("Tx"), "Parent": pdf.Ref{Num: 5}})})
			with(t, u, 5, "AP", pdf.Dict{"N": look})
			return look
		}, pdf.NewStream(pdf.Dict{}, []byte("0 0 9 9 re f")), "OTHER field-parent /Root/AcroForm/Fields(nama)"},
		{"the value of a parent", func(u *pdf.Update) pdf.Ref {
			value := u.Add(pdf.String("Rp1"))
			with(t, u, 5, "Kids", pdf.Array{u.Add(pdf.Dict{"T": pdf.String("anak"), "FT": pdf.Name("Tx"), "Parent": pdf.Ref{Num: 5}})})
			with(t, u, 5, "V", value)
			return value
		}, pdf.String("Rp9"), "OTHER field-parent /Root/AcroForm/Fields(nama)"},
		{"another parent", func(u *pdf.Update) pdf.Ref {
			up := u.Add(pdf.Dict{"FT": pdf.Name("Tx"), "V": pdf.String("Rp1")})
			with(t, u, 5, "Parent", up)
			return up
		}, pdf.Dict{"FT": pdf.Name("Tx"), "V": pdf.String("Rp9")}, "OTHER content /Root/…(8)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ref pdf.Ref
			doc := edit(t, letter(t), func(u *pdf.Update) { ref = c.prepare(u) })
			r, err := diff.Compare(edit(t, doc, func(u *pdf.Update) { u.Set(ref, c.then) }), 2)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCompareBudget: what is compared is paid for by its size, so that pages
// that share one array of annotations end the comparison.
func TestCompareBudget(t *testing.T) {
	list := func(from int) pdf.Array {
		var all pdf.Array
		for i := range 100 {
			var a pdf.Array
			for range 999 {
				a = append(a, pdf.Integer(0))
			}
			all = append(all, append(a, pdf.Integer(int64(from+i))))
		}
		return all
	}
	doc := edit(t, letter(t), func(u *pdf.Update) {
		shared := u.Add(list(0))
		kids := pdf.Array{pdf.Ref{Num: 3}}
		for range 20 {
			kids = append(kids, u.Add(pdf.Dict{"Type": pdf.Name("Page"), "Annots": shared}))
		}
		with(t, u, 2, "Kids", kids)
	})
	doc = edit(t, doc, func(u *pdf.Update) { u.Set(pdf.Ref{Num: 8}, list(1000)) })
	r, err := diff.Compare(doc, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*pdf.LimitError](r.Undecided); !ok {
		t.Errorf("got %v, want a limit", r.Undecided)
	}
}

// TestCompareResourcesCopy: resources are known by what is in them, and who
// takes a copy must leave that alone too.
func TestCompareResourcesCopy(t *testing.T) {
	fonts := pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}}
	var ref pdf.Ref
	doc := edit(t, letter(t), func(u *pdf.Update) { with(t, u, 3, "Resources", u.Add(fonts)) })
	for _, c := range []struct {
		edit func(u *pdf.Update)
		want string
	}{
		{func(u *pdf.Update) { ref = u.Add(fonts); with(t, u, 3, "Resources", ref) }, ""},
		{func(u *pdf.Update) { u.Set(ref, pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 5}}}) }, "OTHER content /Root/Pages/Kids/0/Resources"},
	} {
		doc = edit(t, doc, c.edit)
		r, err := diff.Compare(doc, 2)
		if err != nil || r.Undecided != nil {
			t.Fatal(err, r)
		}
		if got := changes(r); got != c.want {
			t.Errorf("revision %d: got %q, want %q", len(doc.Revisions()), got, c.want)
		}
	}
}

// TestCompareOverSignature: the look of a signature is told from other things
// that a new one may cover.
func TestCompareOverSignature(t *testing.T) {
	const added = "FORM visible-signature-added /Root/AcroForm/Fields(kedua)"
	for _, c := range []struct {
		name   string
		signed bool
		box    pdf.Array
		want   string
	}{
		{"over a signature", true, rect(100, 10, 190, 60), added + "; FORM signature-over-signature /Root/Pages[1]/Annots"},
		{"over a signature and a field", true, rect(50, 10, 190, 60), added + "; FORM signature-over-content /Root/Pages[1]/Annots"},
		{"over a signature and text", true, rect(10, 20, 190, 130), added + "; FORM signature-over-content /Root/Pages[1]/Annots"},
		{"over an empty field with a look", false, rect(100, 10, 190, 60), added + "; FORM signature-over-content /Root/Pages[1]/Annots"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first pdf.Ref
			doc := edit(t, letter(t), func(u *pdf.Update) {
				stamp(t, u, rect(110, 20, 180, 50))
				widgets, _ := u.Object(pdf.Ref{Num: 3})
				first = widgets.(pdf.Dict)["Annots"].(pdf.Array)[1].(pdf.Ref)
				with(t, u, first.Num, "AP", pdf.Dict{"N": u.Add(pdf.NewStream(pdf.Dict{}, []byte("0 0 9 9 re f")))})
				if !c.signed {
					with(t, u, first.Num, "V", pdf.Null{})
				}
			})
			doc = edit(t, doc, func(u *pdf.Update) {
				stamp(t, u, c.box)
				page, _ := u.Object(pdf.Ref{Num: 3})
				second := page.(pdf.Dict)["Annots"].(pdf.Array)[1].(pdf.Ref)
				with(t, u, second.Num, "T", pdf.String("kedua"))
				with(t, u, 6, "Fields", pdf.Array{pdf.Ref{Num: 5}, first, second})
				with(t, u, 3, "Annots", pdf.Array{pdf.Ref{Num: 5}, first, second})
			})
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

// TestCompareUnclearPage: where it cannot be told what lies under a signature,
// all does.
func TestCompareUnclearPage(t *testing.T) {
	broken := edit(t, letter(t), func(u *pdf.Update) {
		u.Set(pdf.Ref{Num: 4}, pdf.NewStream(pdf.Dict{}, []byte("(")))
	})
	doc := edit(t, broken, func(u *pdf.Update) { stamp(t, u, rect(100, 10, 190, 60)) })
	r, err := diff.Compare(doc, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := changes(r); !strings.Contains(got, "signature-over-content") {
		t.Errorf("got %q, want signature-over-content", got)
	}
}

func ExampleCompare() {
	doc := letter(new(testing.T))
	doc = edit(new(testing.T), doc, func(u *pdf.Update) { with(new(testing.T), u, 5, "V", pdf.String("Budi")) })
	r, err := diff.Compare(doc, 1)
	if err != nil {
		panic(err)
	}
	for _, c := range r.Changes {
		fmt.Println(c.Level, c.Rule, c.Field)
	}
	// Output: FORM form-value nama
}

func ExampleMismatches() {
	doc := letter(new(testing.T))
	doc = edit(new(testing.T), doc, func(u *pdf.Update) {
		look := u.Add(pdf.NewStream(pdf.Dict{"Resources": pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}}}, []byte("BT /F 9 Tf (Rp9) Tj ET")))
		with(new(testing.T), u, 5, "V", pdf.String("Rp1"))
		with(new(testing.T), u, 5, "AP", pdf.Dict{"N": look})
	})
	list, err := diff.Mismatches(doc.Latest())
	if err != nil {
		panic(err)
	}
	fmt.Println(list[0].Field, list[0].Rule)
	// Output: nama form-appearance-differs
}
