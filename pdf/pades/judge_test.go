package pades_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
)

func judge(t testing.TB, doc *pdf.Document, o pades.ChangePolicy) *pades.DocumentJudgement {
	t.Helper()
	dj, err := pades.Judge(doc, o)
	if err != nil {
		t.Fatal(err)
	}
	return dj
}

// said is what a judgement says, in one line: level, then the codes of
// structure and violations, then the rules of level FORM and above.
func said(j *pades.Judgement) string {
	words := []string{j.Level.String()}
	add := func(w string) {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	for _, f := range j.Structure {
		add("gate:" + f.Code)
	}
	for _, f := range j.Violations {
		add("forbidden:" + f.Code)
	}
	for _, c := range j.Changes {
		if c.Level > diff.LevelLTA {
			add(c.Rule)
		}
	}
	return strings.Join(words, " ")
}

// evidence adds a security store as a signer does at B-LT.
func evidence(t testing.TB, doc *pdf.Document, n byte) *pdf.Document {
	t.Helper()
	tail, err := pades.WriteDSS(doc.Latest(), pades.DSS{Certificates: [][]byte{blob(n)}, OCSPs: [][]byte{blob(n + 100)}})
	if err != nil {
		t.Fatal(err)
	}
	return extend(t, doc, tail)
}

// stamped adds evidence and a document timestamp, as at B-LTA.
func stamped(t testing.TB, doc *pdf.Document, n byte) *pdf.Document {
	return sign(t, evidence(t, doc, n), pades.SignatureSpec{Kind: pades.KindDocTimestamp}, n)
}

// edit appends a revision that f writes.
func edit(t testing.TB, doc *pdf.Document, f func(u *pdf.Update)) *pdf.Document {
	t.Helper()
	u := doc.Latest().NewUpdate()
	f(u)
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return extend(t, doc, tail)
}

// alter changes a dictionary, or that of a stream, in place.
func alter(t testing.TB, u *pdf.Update, ref pdf.Ref, f func(d pdf.Dict)) {
	t.Helper()
	o, err := u.Object(ref)
	if err != nil {
		t.Fatal(err)
	}
	d, ok := pdf.Clone(o).(pdf.Dict)
	if !ok {
		t.Fatalf("object %s is %T", ref, o)
	}
	f(d)
	u.Set(ref, d)
}

// TestJudgeOwnChains signs every honest input one to ten times, each with
// evidence and a document timestamp now and then: nothing may speak against
// any of the signatures.
func TestJudgeOwnChains(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		t.Run(in.Name, func(t *testing.T) {
			t.Parallel()
			doc := open(t, in.Bytes(t), in.Password)
			for i := range byte(10) {
				spec := pades.SignatureSpec{ContentsSize: 64}
				if i == 3 {
					spec.Appearance = &pades.Appearance{Page: 1, Rect: pades.Rect{X0: 4, Y0: 4, X1: 40, Y1: 16}, Form: appearance}
				}
				doc = sign(t, doc, spec, i)
				if i%3 == 1 {
					doc = stamped(t, doc, i)
				}
				if i == 0 || i == 9 {
					checkHonest(t, doc)
				}
			}
			checkHonest(t, doc)
		})
	}
}

func checkHonest(t *testing.T, doc *pdf.Document) {
	t.Helper()
	dj := judge(t, doc, pades.ChangePolicy{})
	for i, j := range dj.Signatures {
		if len(j.Structure) > 0 || len(j.Violations) > 0 || j.Level > diff.LevelForm {
			t.Errorf("%d of %d signatures, %q: %s %v %v", i+1, len(dj.Signatures), j.Signature.Field, said(j), j.Structure, j.Violations)
		}
		last := i == len(dj.Signatures)-1
		if last != (j.Coverage == pades.CoverageEntireFile) && j.SignedRevision == len(doc.Revisions()) {
			t.Errorf("%q: coverage %v", j.Signature.Field, j.Coverage)
		}
	}
	if len(dj.Damage) > 0 || len(dj.Orphans) > 0 {
		t.Errorf("damage %v, orphans %v", dj.Damage, dj.Orphans)
	}
}

// TestJudgeLTA: what a signer adds for the long term is no more than that, even
// where nothing may change.
func TestJudgeLTA(t *testing.T) {
	doc := sign(t, open(t, testfile.Letter(t).Bytes(t), ""), pades.SignatureSpec{Certify: 1}, 1)
	doc = stamped(t, stamped(t, doc, 2), 3)
	dj := judge(t, doc, pades.ChangePolicy{})
	if got := said(dj.Signatures[0]); got != "LTA" {
		t.Errorf("got %q, want LTA", got)
	}
	if got := dj.Signatures[0].AddedSignatures; len(got) != 2 {
		t.Errorf("added signatures %q, want two", got)
	}
	if got := said(dj.Signatures[2]); got != "NONE" {
		t.Errorf("the last timestamp: %q, want NONE", got)
	}
}

// formDoc has a text field, a check box and an empty signature field, all
// visible; object 4 is the text, 5 the box, 6 the signature field.
func formDoc(t testing.TB) *pdf.Document {
	return open(t, build(
		"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R 5 0 R 6 0 R] /SigFlags 3 /DA (/Helv 9 Tf 0 g) /DR << /Font << /Helv 8 0 R >> >> >> /Outlines 12 0 R >>",
		"<< /Type /Pages /Kids [3 0 R 13 0 R] /Count 2 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Annots [4 0 R 5 0 R 6 0 R 11 0 R] /Contents 9 0 R /Resources << /Font << /F 8 0 R >> >> >>",
		"<< /FT /Tx /T (nama) /Type /Annot /Subtype /Widget /Rect [10 10 90 30] /P 3 0 R /AP << /N 10 0 R >> >>",
		"<< /FT /Btn /T (setuju) /Type /Annot /Subtype /Widget /Rect [10 40 20 50] /P 3 0 R /AS /Off /V /Off /AP << /N << /Ya 7 0 R /Off 10 0 R >> >> >>",
		"<< /FT /Sig /T (pihak) /Type /Annot /Subtype /Widget /F 4 /Rect [100 10 190 60] /P 3 0 R >>",
		"<< /Type /XObject /Subtype /Form /BBox [0 0 10 10] /Length 14 >>\nstream\n0 0 10 10 re f \nendstream",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		"<< /Length 33 >>\nstream\nBT /F 12 Tf 20 150 Td (Isi) Tj ET \nendstream",
		"<< /Type /XObject /Subtype /Form /BBox [0 0 80 20] /Length 0 >>\nstream\n\nendstream",
		"<< /Type /Annot /Subtype /Link /Rect [0 180 20 200] /Dest [13 0 R /Fit] /P 3 0 R >>",
		"<< /Type /Outlines /Count 0 /Title 99 0 R >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
	), "")
}

func fillText(t testing.TB, u *pdf.Update, value, drawn string) {
	ap := u.Add(pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"),
		"BBox":      pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(80), pdf.Integer(20)},
		"Resources": pdf.Dict{"Font": pdf.Dict{"Helv": pdf.Ref{Num: 8}}},
	}, []byte("/Tx BMC q 1 1 78 18 re W n BT /Helv 9 Tf 0 g 2 6 Td "+drawn+" ET Q EMC")))
	alter(t, u, pdf.Ref{Num: 4}, func(d pdf.Dict) {
		d["V"], d["AP"] = pdf.EncodeText(value), pdf.Dict{"N": ap}
	})
}

// drawnAnew asks readers to draw all fields from their values.
func drawnAnew(t testing.TB, u *pdf.Update) {
	alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) {
		form := pdf.Clone(d["AcroForm"]).(pdf.Dict)
		form["NeedAppearances"] = pdf.Boolean(true)
		d["AcroForm"] = form
	})
}

// TestDrawnAnew: a value that was prepared under an appearance of other text,
// or under none, does not come to light after the signature.
func TestDrawnAnew(t *testing.T) {
	forms := pades.ChangePolicy{FormValues: true, DefaultDocMDP: 2}
	for _, c := range []struct {
		name    string
		prepare func(t testing.TB, u *pdf.Update)
		want    string
	}{
		{"value shown", func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj") }, "FORM need-appearances"},
		{"another shown", func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Susi) Tj") },
			"OTHER forbidden:change need-appearances"},
		{"nothing shown", func(t testing.TB, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 4}, func(d pdf.Dict) { d["V"] = pdf.String("Budi"); delete(d, "AP") })
		}, "OTHER forbidden:change need-appearances"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, formDoc(t), func(u *pdf.Update) { c.prepare(t, u) })
			doc = sign(t, doc, pades.SignatureSpec{Field: "Signature1"}, 1)
			doc = edit(t, doc, func(u *pdf.Update) { drawnAnew(t, u) })
			if got := said(judge(t, doc, forms).Signatures[0]); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func set(ref uint32, key pdf.Name, o pdf.Object) func(t testing.TB, u *pdf.Update) {
	return func(t testing.TB, u *pdf.Update) {
		alter(t, u, pdf.Ref{Num: ref}, func(d pdf.Dict) { d[key] = o })
	}
}

// without takes an annotation from the page.
func without(num uint32) func(t testing.TB, u *pdf.Update) {
	return func(t testing.TB, u *pdf.Update) {
		alter(t, u, pdf.Ref{Num: 3}, func(d pdf.Dict) {
			d["Annots"] = slices.DeleteFunc(d["Annots"].(pdf.Array), func(o pdf.Object) bool { return o == pdf.Object(pdf.Ref{Num: num}) })
		})
	}
}

func annotation(subtype pdf.Name) func(t testing.TB, u *pdf.Update) {
	return func(t testing.TB, u *pdf.Update) {
		ref := u.Add(pdf.Dict{
			"Type": pdf.Name("Annot"), "Subtype": subtype, "Contents": pdf.String("Rp 9.000.000"),
			"Rect": pdf.Array{pdf.Integer(10), pdf.Integer(140), pdf.Integer(150), pdf.Integer(170)},
		})
		alter(t, u, pdf.Ref{Num: 3}, func(d pdf.Dict) { d["Annots"] = append(slices.Clone(d["Annots"].(pdf.Array)), ref) })
	}
}

// TestJudgeChanges makes one revision after a signature and says what is to be
// said of it. The signature is not visible and has the field "Signature1".
func TestJudgeChanges(t *testing.T) {
	type change = func(t testing.TB, u *pdf.Update)
	gov, forms := pades.ChangePolicy{}, pades.ChangePolicy{FormValues: true}
	for _, c := range []struct {
		name    string
		certify int
		policy  pades.ChangePolicy
		change  change
		want    string
	}{
		{"nothing", 0, gov, func(testing.TB, *pdf.Update) {}, "NONE"},
		{"page rewritten as it was", 0, gov, func(t testing.TB, u *pdf.Update) { alter(t, u, pdf.Ref{Num: 3}, func(pdf.Dict) {}) }, "NONE"},
		{"numbers as reals", 0, gov, set(3, "MediaBox", pdf.Array{pdf.Integer(0), pdf.Real(0), pdf.Real(200), pdf.Integer(200)}), "NONE"},
		{"an object that nothing uses", 0, gov, func(t testing.TB, u *pdf.Update) { u.Add(pdf.String("x")) }, "NONE"},
		{"an orphan font", 1, gov, func(t testing.TB, u *pdf.Update) { u.Add(pdf.Dict{"Type": pdf.Name("Font")}) }, "NONE"},

		{"content replaced", 0, forms, func(t testing.TB, u *pdf.Update) {
			u.Set(pdf.Ref{Num: 9}, pdf.NewStream(pdf.Dict{}, []byte("BT ET")))
		}, "OTHER forbidden:change stream-replaced"},
		{"other content", 0, forms, func(t testing.TB, u *pdf.Update) {
			ref := u.Add(pdf.NewStream(pdf.Dict{}, []byte("BT ET")))
			alter(t, u, pdf.Ref{Num: 3}, func(d pdf.Dict) { d["Contents"] = pdf.Array{d["Contents"], ref} })
		}, "OTHER forbidden:change page-entry-Contents"},
		{"font redefined", 0, forms, set(8, "BaseFont", pdf.Name("Symbol")), "OTHER forbidden:change content"},
		{"pages in another order", 0, forms, set(2, "Kids", pdf.Array{pdf.Ref{Num: 13}, pdf.Ref{Num: 3}}), "OTHER forbidden:change page-tree"},
		{"a page removed", 0, forms, set(2, "Kids", pdf.Array{pdf.Ref{Num: 3}}), "OTHER forbidden:change page-tree"},
		{"page turned", 0, forms, set(13, "Rotate", pdf.Integer(90)), "OTHER forbidden:change page-entry-Rotate"},
		{"action on opening", 0, forms, set(1, "OpenAction", pdf.Dict{"S": pdf.Name("JavaScript")}), "OTHER forbidden:change catalog-OpenAction"},
		{"layers", 0, forms, set(1, "OCProperties", pdf.Dict{}), "OTHER forbidden:change catalog-OCProperties"},
		{"another page tree", 0, forms, func(t testing.TB, u *pdf.Update) {
			ref := u.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Kids": pdf.Array{}, "Count": pdf.Integer(0)})
			alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) { d["Pages"] = ref })
		}, "OTHER forbidden:change catalog-Pages"},

		{"evil annotation P=2", 2, forms, annotation("FreeText"), "ANNOTATION forbidden:docmdp annotation-added"},
		{"evil annotation P=3", 3, forms, annotation("Stamp"), "ANNOTATION annotation-added"},
		{"evil annotation of a made-up kind", 3, gov, annotation("Redakt"), "ANNOTATION annotation-added"},
		{"annotation without certification", 0, gov, annotation("Text"), "ANNOTATION forbidden:docmdp annotation-added"},
		{"link moved", 0, gov, set(11, "Rect", pdf.Array{pdf.Integer(1), pdf.Integer(1), pdf.Integer(9), pdf.Integer(9)}),
			"ANNOTATION forbidden:docmdp annotation-changed"},
		{"link removed", 3, gov, without(11), "ANNOTATION annotation-removed"},
		{"widget removed", 3, gov, without(6),
			"OTHER forbidden:change widget-removed"},
		{"widgets in another order", 0, gov, func(t testing.TB, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 3}, func(d pdf.Dict) { slices.Reverse(d["Annots"].(pdf.Array)) })
		}, "OTHER forbidden:change annotation-order"},

		{"text filled", 0, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj") }, "FORM form-value"},
		{"text filled in parts", 2, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi A", "[(Bu) -20 (di)] TJ (A) Tj") }, "FORM form-value"},
		{"text filled, gov", 0, gov, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj") }, "FORM forbidden:form-values form-value"},
		{"text filled at P=1", 1, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj") }, "FORM forbidden:docmdp form-value"},
		{"overlay shows another value", 0, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Susi) Tj") },
			"OTHER forbidden:change form-appearance-differs"},
		{"value changed, appearance not", 0, forms, set(4, "V", pdf.String("x")), "OTHER forbidden:change form-appearance-differs"},
		{"appearance draws an object", 0, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj /X Do") },
			"OTHER forbidden:change form-appearance-unclear"},
		{"appearance with a curve", 0, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "(Budi) Tj 1 1 2 2 3 3 c f") },
			"OTHER forbidden:change form-appearance-unclear"},
		{"invisible text", 0, forms, func(t testing.TB, u *pdf.Update) { fillText(t, u, "Budi", "3 Tr (Budi) Tj") },
			"OTHER forbidden:change form-appearance-unclear"},
		{"box ticked", 0, forms, func(t testing.TB, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 5}, func(d pdf.Dict) { d["V"], d["AS"] = pdf.Name("Ya"), pdf.Name("Ya") })
		}, "FORM form-value"},
		{"box shows another state", 0, forms, func(t testing.TB, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 5}, func(d pdf.Dict) { d["AS"] = pdf.Name("Ya") })
		}, "OTHER forbidden:change form-button"},
		{"state drawn anew", 0, forms, func(t testing.TB, u *pdf.Update) {
			u.Set(pdf.Ref{Num: 7}, pdf.NewStream(pdf.Dict{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form")}, []byte("n")))
		}, "OTHER forbidden:change form-button"},
		{"field moved", 0, forms, set(4, "Rect", pdf.Array{pdf.Integer(0), pdf.Integer(100), pdf.Integer(200), pdf.Integer(200)}),
			"OTHER forbidden:change field-entry-Rect"},
		{"field hidden", 0, forms, set(4, "F", pdf.Integer(2)), "OTHER forbidden:change field-visibility"},
		{"field renamed", 0, forms, set(4, "T", pdf.String("lain")), "OTHER forbidden:change field-entry-T"},
		{"field of another type", 0, forms, set(4, "FT", pdf.Name("Sig")), "OTHER forbidden:change field-entry-FT"},
		{"script in a field", 0, forms, set(4, "AA", pdf.Dict{}), "OTHER forbidden:change field-entry-AA"},
		{"text field added", 0, forms, func(t testing.TB, u *pdf.Update) {
			ref := u.Add(pdf.Dict{"FT": pdf.Name("Tx"), "T": pdf.String("baru")})
			alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) {
				form := pdf.Clone(d["AcroForm"]).(pdf.Dict)
				form["Fields"] = append(form["Fields"].(pdf.Array), ref)
				d["AcroForm"] = form
			})
		}, "OTHER forbidden:change field-added"},
		{"fields removed", 0, forms, set(1, "AcroForm", pdf.Dict{"Fields": pdf.Array{}}),
			"OTHER gate:removed forbidden:change form-default fields-order sigflags form-resources field-removed"},
		{"empty signature field drawn", 0, forms, set(6, "AP", pdf.Dict{"N": pdf.Ref{Num: 7}}), "OTHER forbidden:change field-appearance"},
		{"a signature recycled", 0, forms, set(6, "V", pdf.Ref{Num: 8}), "OTHER forbidden:change signature-recycled"},
		{"script in the form", 0, forms, func(t testing.TB, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) {
				form := pdf.Clone(d["AcroForm"]).(pdf.Dict)
				form["XFA"] = pdf.String("x")
				d["AcroForm"] = form
			})
		}, "OTHER forbidden:change form-entry"},

		{"fields drawn anew", 0, forms, drawnAnew, "FORM need-appearances"},
		{"a filled field drawn anew", 0, forms, func(t testing.TB, u *pdf.Update) {
			fillText(t, u, "Budi", "(Budi) Tj")
			drawnAnew(t, u)
		}, "FORM need-appearances form-value"},

		{"title", 1, gov, func(t testing.TB, u *pdf.Update) { u.SetTrailer("Info", u.Add(pdf.Dict{"Title": pdf.String("x")})) }, "LTA"},
		{"title that is a tree", 1, gov, func(t testing.TB, u *pdf.Update) { u.SetTrailer("Info", u.Add(pdf.Dict{"Title": pdf.Array{}})) },
			"OTHER forbidden:docmdp info"},
		{"XMP", 1, gov, metadata(`<x:xmpmeta xmlns:x="adobe:ns:meta/"/>`), "LTA"},
		{"XMP with a DTD", 0, gov, metadata(`<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/"/>`), "OTHER forbidden:change metadata-xmp"},
		{"XMP that is none", 0, gov, metadata(`<html/>`), "OTHER forbidden:change metadata-xmp"},
		{"higher version", 1, gov, set(1, "Version", pdf.Name("2.0")), "LTA"},
		{"extensions", 1, gov, set(1, "Extensions", pdf.Dict{"ESIC": pdf.Dict{"BaseVersion": pdf.Name("1.7"), "ExtensionLevel": pdf.Integer(1)}}), "LTA"},
		{"store that is none", 0, gov, set(1, "DSS", pdf.Dict{"Certs": pdf.Array{pdf.Ref{Num: 3}}}), "OTHER forbidden:change dss-form"},
		{"store of page content", 0, gov, set(1, "DSS", pdf.Dict{"Lain": pdf.Ref{Num: 9}}), "OTHER forbidden:change dss-form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := sign(t, formDoc(t), pades.SignatureSpec{Certify: c.certify, Field: "Signature1"}, 1)
			doc = edit(t, doc, func(u *pdf.Update) { c.change(t, u) })
			got := said(judge(t, doc, c.policy).Signatures[0])
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func metadata(xmp string) func(t testing.TB, u *pdf.Update) {
	return func(t testing.TB, u *pdf.Update) {
		ref := u.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML")}, []byte(xmp)))
		alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) { d["Metadata"] = ref })
	}
}

// raw appends an update written by hand: objects by number, "" for a free one,
// behind the cross-reference table that says so. The trailer takes extra.
func raw(doc *pdf.Document, objects map[uint32]string, extra string) []byte {
	size := doc.Size()
	var b, xref bytes.Buffer
	xref.WriteString("xref\n")
	top := uint32(0)
	for _, num := range slices.Sorted(maps.Keys(objects)) {
		top = max(top, num+1)
		if objects[num] == "" {
			fmt.Fprintf(&xref, "%d 1\n0000000000 00001 f \n", num)
			continue
		}
		fmt.Fprintf(&xref, "%d 1\n%010d 00000 n \n", num, size+int64(b.Len()))
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", num, objects[num])
	}
	at := size + int64(b.Len())
	b.Write(xref.Bytes())
	n := max(int64(top), int64(doc.Latest().Trailer()["Size"].(pdf.Integer)))
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Prev %d %s>>\nstartxref\n%d\n%%%%EOF\n", n, doc.Latest().StartXRef(), extra, at)
	return b.Bytes()
}

// TestJudgeRaw appends bytes that no honest writer makes.
func TestJudgeRaw(t *testing.T) {
	base := sign(t, formDoc(t), pades.SignatureSpec{Field: "Signature1"}, 1)
	file := fileBytes(t, base)
	for _, c := range []struct {
		name string
		tail []byte
		want string
	}{
		{"honest", raw(base, map[uint32]string{50: "(x)"}, ""), "NONE"},
		{"a dangling reference defined", raw(base, map[uint32]string{99: "(x)"}, ""), "OTHER forbidden:change object-defined"},
		{"content freed", raw(base, map[uint32]string{9: ""}, ""), "OTHER forbidden:change object-freed"},
		{"an orphan freed", raw(base, map[uint32]string{70: ""}, ""), "NONE"},
		{"another catalog", raw(base, map[uint32]string{50: "<< /Type /Catalog /Pages 2 0 R >>"}, "/Root 50 0 R "), "OTHER gate:removed gate:dict-duplicate-key"},
		{"an orphan freed without Root", rootless(raw(base, map[uint32]string{70: ""}, "")), "NONE"},
		{"content freed without Root", rootless(raw(base, map[uint32]string{9: ""}, "")), "OTHER forbidden:change object-freed"},
		{"an orphan defined without Root", rootless(raw(base, map[uint32]string{50: "(x)"}, "")), "NONE gate:trailer-root"},
		{"one object twice", append([]byte("9 0 obj (y) endobj\n"), raw(grown(t, base, 19), map[uint32]string{50: "(x)"}, "")...), "NONE gate:junk gate:hidden-object"},
		{"junk at the end", []byte("x"), "NONE gate:junk-after-eof"},
		{"a NUL at the end", []byte{0}, "NONE gate:space-after-eof"},
		{"an end of line more", []byte("\n"), "NONE"},
		{"a comment", append([]byte("%Penulis 1.0\n"), raw(grown(t, base, 13), map[uint32]string{50: "(x)"}, "")...), "NONE gate:comment"},
		{"a comment with an object", append([]byte("%9 0 obj (x)\n"), raw(grown(t, base, 13), map[uint32]string{50: "(x)"}, "")...), "NONE gate:comment gate:hidden-object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := slices.Concat(file, c.tail)
			dj := judge(t, open(t, b, ""), pades.ChangePolicy{FormValues: true})
			got := said(dj.Signatures[0])
			if strings.Contains(c.want, "removed") {
				got = strings.Join(slices.DeleteFunc(strings.Fields(got), func(w string) bool { return !strings.Contains(c.want, w) }), " ")
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// led appends a revision whose entry leads the number to an offset.
func led(t testing.TB, doc *pdf.Document, num uint32, offset int64) *pdf.Document {
	t.Helper()
	return extend(t, doc, fmt.Appendf(nil, "xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n",
		num, offset, doc.Latest().Trailer()["Size"].(pdf.Integer), doc.Latest().StartXRef(), doc.Size()))
}

// packed appends a revision that puts an object into a stream of objects.
func packed(t testing.TB, doc *pdf.Document, num uint32, object string) *pdf.Document {
	t.Helper()
	size := uint32(doc.Latest().Trailer()["Size"].(pdf.Integer))
	head := fmt.Sprintf("%d 0 ", num)
	at := doc.Size()
	b := fmt.Appendf(nil, "%d 0 obj\n<< /Type /ObjStm /N 1 /First %d /Length %d >>\nstream\n%s%s\nendstream\nendobj\n", size, len(head), len(head)+len(object), head, object)
	xref := at + int64(len(b))
	entry := func(kind byte, field int64, index byte) string {
		return string([]byte{kind, byte(field >> 16), byte(field >> 8), byte(field), index})
	}
	data := entry(2, int64(size), 0) + entry(1, at, 0) + entry(1, xref, 0)
	return extend(t, doc, fmt.Appendf(b, "%d 0 obj\n<< /Type /XRef /W [1 3 1] /Index [%d 1 %d 2] /Size %d /Root 1 0 R /Prev %d /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		size+1, num, size, size+2, doc.Latest().StartXRef(), len(data), data, xref))
}

// TestTwins: a signed file may hold an older version of an object behind the one in
// use, or one of what was freed: readers that repair the file show it as soon as a
// later revision makes them.
func TestTwins(t *testing.T) {
	const contents, font = 9, 8
	other := map[uint32]string{contents: "<< /Length 35 >>\nstream\nBT /F 12 Tf 20 150 Td (Lain) Tj ET  \nendstream"}
	first := func() *pdf.Document { return formDoc(t) }
	offset := func(doc *pdf.Document, num uint32) int64 { e, _ := doc.Latest().Entry(num); return e.Offset }
	helvetica := "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
	for _, c := range []struct {
		name   string
		signed func() *pdf.Document
		want   bool
	}{
		{"one version", first, false},
		{"changed", func() *pdf.Document { return extend(t, first(), raw(first(), other, "")) }, false},
		{"changed, and said again", func() *pdf.Document {
			doc := extend(t, first(), raw(first(), other, ""))
			return led(t, doc, contents, offset(doc, contents))
		}, false},
		{"changed, and taken back", func() *pdf.Document {
			doc := extend(t, first(), raw(first(), other, ""))
			return led(t, doc, contents, offset(first(), contents))
		}, true},
		{"changed, and taken back and forth", func() *pdf.Document {
			doc := extend(t, first(), raw(first(), other, ""))
			last := offset(doc, contents)
			return led(t, led(t, doc, contents, offset(first(), contents)), contents, last)
		}, false},
		{"freed", func() *pdf.Document { return extend(t, first(), raw(first(), map[uint32]string{font: ""}, "")) }, true},
		{"put into a stream of objects", func() *pdf.Document { return packed(t, first(), font, helvetica) }, false},
		{"put into a stream of objects, and freed", func() *pdf.Document {
			doc := packed(t, first(), font, helvetica)
			return extend(t, doc, raw(doc, map[uint32]string{font: ""}, ""))
		}, true},
		{"put into a stream of objects, and taken back", func() *pdf.Document {
			doc := extend(t, first(), raw(first(), map[uint32]string{font: "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"}, ""))
			return led(t, packed(t, doc, font, helvetica), font, offset(first(), font))
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := sign(t, c.signed(), pades.SignatureSpec{}, 1)
			doc = extend(t, doc, raw(doc, map[uint32]string{150: "(x)"}, ""))
			j := judge(t, doc, pades.ChangePolicy{}).Signatures[0]
			got := slices.ContainsFunc(j.Unvouched, func(f pades.Finding) bool { return f.Code == "object-twin" })
			if got != c.want {
				t.Errorf("got %v (%v, %s), want %v", got, j.Unvouched, said(j), c.want)
			}
		})
	}
}

// rootless takes /Root out of the trailer without moving a byte.
func rootless(tail []byte) []byte {
	return bytes.Replace(tail, []byte("/Root 1 0 R"), []byte("           "), 1)
}

// grown stands for a document with n bytes more, so that raw counts them.
func grown(t testing.TB, doc *pdf.Document, n int) *pdf.Document {
	t.Helper()
	b := append(fileBytes(t, doc), bytes.Repeat([]byte(" "), n)...)
	return open(t, b, "")
}
