package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// TestPrepareEveryInput signs each kind of file three times: an approval
// signature, evidence, a timestamp; then checks bytes, structure and what
// changed.
func TestPrepareEveryInput(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		t.Run(in.Name, func(t *testing.T) {
			base := open(t, in.Bytes(t), in.Password)
			spec := pades.SignatureSpec{
				Reason: "Menyetujui", Location: "Kabupaten Contoh", Name: "Kepala Dinas – Contoh",
				At:           time.Date(2026, 1, 2, 10, 4, 5, 0, time.FixedZone("WIB", 7*3600)),
				ContentsSize: 300,
			}
			before := len(signatures(t, base))
			signed := sign(t, base, spec, 1)
			checkChanges(t, base, signed)
			tail, err := pades.WriteDSS(signed.Latest(), pades.DSS{Certificates: [][]byte{blob(9)}})
			if err != nil {
				t.Fatal(err)
			}
			stamped := sign(t, extend(t, signed, tail), pades.SignatureSpec{Kind: pades.KindDocTimestamp}, 2)

			// Read back from the bytes alone.
			doc := open(t, fileBytes(t, stamped), in.Password)
			if !bytes.HasPrefix(fileBytes(t, doc), in.Bytes(t)) {
				t.Error("the input's bytes changed")
			}
			list := signatures(t, doc)
			if len(list) != before+2 {
				t.Fatalf("%d signatures, want %d", len(list), before+2)
			}
			s := list[before]
			if len(s.Problems) != 0 {
				t.Errorf("problems: %v", s.Problems)
			}
			if s.Reason != spec.Reason || s.Location != spec.Location || s.Name != spec.Name || !s.M.Equal(spec.At) {
				t.Errorf("got %q %q %q %v", s.Reason, s.Location, s.Name, s.M)
			}
			if s.SubFilter != pades.SubFilterCAdES || s.Kind != pades.KindSignature {
				t.Errorf("got %v %s", s.Kind, s.SubFilter)
			}
			if len(s.Contents) != spec.ContentsSize {
				t.Errorf("Contents has %d bytes, want %d", len(s.Contents), spec.ContentsSize)
			}
			checkSigned(t, doc, s, 1)
			checkSigned(t, doc, list[before+1], 2)
			if k := list[before+1]; k.Kind != pades.KindDocTimestamp || k.SubFilter != pades.SubFilterRFC3161 || len(k.Problems) != 0 {
				t.Errorf("timestamp: %v %s %v", k.Kind, k.SubFilter, k.Problems)
			}
			if dss, err := pades.ReadDSS(doc.Latest()); err != nil || dss == nil || len(dss.Certificates) == 0 {
				t.Errorf("ReadDSS gives %v, %v", dss, err)
			}
			checkQPDF(t, fileBytes(t, doc), in.Password)
		})
	}
}

// checkSigned holds the signed bytes to those before and after the gap.
func checkSigned(t *testing.T, doc *pdf.Document, s *pades.Signature, n byte) {
	t.Helper()
	der, err := s.CMS()
	if err != nil || !bytes.Equal(der, blob(n)) {
		t.Errorf("CMS = %x, %v, want %x", der, err, blob(n))
	}
	rev := doc.Revisions()[s.Revision-1]
	all := fileBytes(t, doc)[:rev.End()]
	got, err := io.ReadAll(s.SignedReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	br := s.ByteRange
	if want := append(bytes.Clone(all[:br[1]]), all[br[2]:]...); !bytes.Equal(got, want) {
		t.Errorf("%d signed bytes, want %d", len(got), len(want))
	}
	if !bytes.HasSuffix(all[:br[1]], []byte("/Contents ")) && !bytes.HasSuffix(all[:br[1]], []byte("/Contents")) {
		t.Errorf("before the gap stands %q", all[br[1]-12:br[1]])
	}
}

func checkQPDF(t *testing.T, b []byte, password string) {
	t.Helper()
	out, err := tool(t, b, "qpdf", "--password="+password, "--check")
	if err != nil || strings.Contains(out, "WARNING") {
		t.Errorf("qpdf --check: %v\n%s", err, out)
	}
}

// checkChanges allows the new revision to change of existing objects only the
// catalog's AcroForm, the form's Fields and SigFlags, one page's Annots, and
// arrays by appending.
func checkChanges(t *testing.T, before, after *pdf.Document) {
	t.Helper()
	old, now := before.Latest(), after.Latest()
	for num := range now.Entries() {
		e, existed := old.Entry(num)
		if !existed || e.Kind == pdf.EntryFree {
			continue
		}
		ref := pdf.Ref{Num: num}
		if e.Kind == pdf.EntryInUse {
			ref.Gen = e.Gen
		}
		a, err := old.Object(ref)
		if err != nil {
			t.Fatal(err)
		}
		b, err := now.Object(ref)
		if err != nil {
			t.Fatal(err)
		}
		switch a := a.(type) {
		case pdf.Array:
			if b := b.(pdf.Array); len(b) != len(a)+1 || !pdf.Equal(a, b[:len(a)]) {
				t.Errorf("array %s: %v became %v", ref, a, b)
			}
		case pdf.Dict:
			for _, key := range changedKeys(a, b.(pdf.Dict)) {
				switch {
				case key == "Annots" && a["Type"] == pdf.Name("Page"):
				case key == "AcroForm" && ref == old.Root():
				case (key == "Fields" || key == "SigFlags") && a["Fields"] != nil:
				default:
					t.Errorf("object %s: /%s changed from %v to %v", ref, key, a[key], b.(pdf.Dict)[key])
				}
			}
		default:
			t.Errorf("object %s, a %T, was changed", ref, a)
		}
	}
}

func changedKeys(a, b pdf.Dict) []pdf.Name {
	var keys []pdf.Name
	for k := range a {
		if b[k] == nil || !pdf.Equal(a[k], b[k]) {
			keys = append(keys, k)
		}
	}
	for k := range b {
		if a[k] == nil {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// TestPrepareFormKept: all other entries of the form survive, wherever it is.
func TestPrepareFormKept(t *testing.T) {
	const entries = "/DA (/Helv 0 Tf 0 g) /NeedAppearances true /DR << /Font << /Helv 6 0 R >> >> /Q 1 /SigFlags 1"
	const page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Annots [4 0 R] >>"
	pages := "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
	text := "<< /Type /Annot /Subtype /Widget /FT /Tx /T (nomor) /Rect [0 0 10 10] /V (1) >>"
	font := "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
	tests := []struct {
		name    string
		catalog string
		five    string
		changed []uint32 // existing objects that may be in the new revision
	}{
		{"inline", "/AcroForm << /Fields [4 0 R] " + entries + " >>", "null", []uint32{1, 3}},
		{"indirect", "/AcroForm 5 0 R", "<< /Fields [4 0 R] " + entries + " >>", []uint32{3, 5}},
		{"inline, indirect Fields", "/AcroForm << /Fields 5 0 R " + strings.Replace(entries, "SigFlags 1", "SigFlags 3", 1) + " >>", "[4 0 R]", []uint32{3, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := open(t, build("<< /Type /Catalog /Pages 2 0 R "+tt.catalog+" >>", pages, page, text, tt.five, font), "")
			doc := sign(t, base, pades.SignatureSpec{}, 1)
			checkChanges(t, base, doc)
			var changed []uint32
			for num := range doc.Latest().Entries() {
				if num > 0 && num <= 6 {
					changed = append(changed, num)
				}
			}
			if !slices.Equal(changed, tt.changed) {
				t.Errorf("changed objects %v, want %v", changed, tt.changed)
			}
			catalog, err := doc.Latest().Catalog()
			if err != nil {
				t.Fatal(err)
			}
			form, _, err := pdf.Lookup[pdf.Dict](doc.Latest(), catalog, "AcroForm")
			if err != nil {
				t.Fatal(err)
			}
			if form["SigFlags"] != pdf.Integer(3) || form["NeedAppearances"] != pdf.Boolean(true) || form["DR"] == nil || form["Q"] != pdf.Integer(1) {
				t.Errorf("form is %v", form)
			}
		})
	}
}

// TestPrepareInvisibleField: PDF/A wants annotations printable, the
// verifier's rules a widget without area.
func TestPrepareInvisibleField(t *testing.T) {
	base := open(t, testfile.Letter(t).Bytes(t), "")
	doc := sign(t, base, pades.SignatureSpec{}, 1)
	s := only(t, doc)
	o, err := doc.Latest().Object(s.FieldRef)
	if err != nil {
		t.Fatal(err)
	}
	page, dict, err := doc.Latest().Page(0)
	if err != nil {
		t.Fatal(err)
	}
	zero := pdf.Integer(0)
	want := pdf.Dict{
		"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.String("Signature1"),
		"F": pdf.Integer(132), "Rect": pdf.Array{zero, zero, zero, zero}, "P": page, "V": s.Ref,
	}
	if !pdf.Equal(o, want) {
		t.Errorf("field is\n%s, want\n%s", pdf.Format(nil, o), pdf.Format(nil, want))
	}
	annots, _, err := pdf.Lookup[pdf.Array](doc.Latest(), dict, "Annots")
	if err != nil || !slices.Contains(annots, pdf.Object(s.FieldRef)) {
		t.Errorf("Annots = %v, %v", annots, err)
	}
}

func TestPrepareVisible(t *testing.T) {
	base := open(t, testfile.ByName(t, "pages-200").Bytes(t), "")
	for _, tt := range []struct{ page, want int }{{1, 1}, {7, 7}, {-1, 200}} {
		doc := sign(t, base, pades.SignatureSpec{Appearance: visible(tt.page)}, 1)
		fields, err := pades.Fields(doc.Latest())
		if err != nil || len(fields) != 1 {
			t.Fatalf("%v, %v", fields, err)
		}
		f := fields[0]
		if n, err := f.PageNumber(doc.Latest()); err != nil || n != tt.want {
			t.Errorf("page %d, %v, want %d", n, err, tt.want)
		}
		if f.Rect != visible(1).Rect {
			t.Errorf("rect %v", f.Rect)
		}
		o, err := doc.Latest().Object(f.Ref)
		if err != nil {
			t.Fatal(err)
		}
		ap, _, err := pdf.Lookup[pdf.Dict](doc.Latest(), o.(pdf.Dict), "AP")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := pdf.Lookup[*pdf.Stream](doc.Latest(), ap, "N"); !ok || err != nil {
			t.Errorf("no appearance: %v", err)
		}
	}
}

// TestPrepareFill fills existing fields of every shape: the field keeps its
// entries, only V and AP are added.
func TestPrepareFill(t *testing.T) {
	const rect = "/Rect [10 10 110 60] /F 4"
	utf16 := "(\xfe\xff\x00T\x00a\x00n\x00d\x00a\x20\x13\x001)"
	tests := []struct {
		name, field string
		file        []byte
		widget      pdf.Ref
	}{
		{"merged", "Kadis", form("4 0 R", "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Kadis) /P 3 0 R "+rect+" >>"), pdf.Ref{Num: 4}},
		{"null value", "Kadis", form("4 0 R", "<< /Subtype /Widget /FT /Sig /T (Kadis) /V null "+rect+" >>"), pdf.Ref{Num: 4}},
		{"separate widget", "Kadis", form("4 0 R", "<< /FT /Sig /T (Kadis) /Kids [5 0 R] >>", "<< /Type /Annot /Subtype /Widget /Parent 4 0 R "+rect+" >>"), pdf.Ref{Num: 5}},
		{"hierarchy", "dinas.bidang.Kadis", form("4 0 R", "<< /T (dinas) /Kids [5 0 R] >>", "<< /T (bidang) /FT /Sig /Parent 4 0 R /Kids [6 0 R] >>", "<< /Subtype /Widget /T (Kadis) /Parent 5 0 R "+rect+" >>"), pdf.Ref{Num: 6}},
		{"UTF-16 name", "Tanda–1", form("4 0 R", "<< /Subtype /Widget /FT /Sig /T "+utf16+" "+rect+" >>"), pdf.Ref{Num: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := open(t, tt.file, "")
			doc := sign(t, base, pades.SignatureSpec{Field: tt.field, Appearance: &pades.Appearance{Form: appearance}}, 1)
			s := only(t, doc)
			if s.Field != tt.field || len(s.Problems) != 0 {
				t.Errorf("field %q with %v, want %q", s.Field, s.Problems, tt.field)
			}
			for _, ref := range []pdf.Ref{s.FieldRef, tt.widget} {
				a, err := base.Latest().Object(ref)
				if err != nil {
					t.Fatal(err)
				}
				b, err := doc.Latest().Object(ref)
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range changedKeys(a.(pdf.Dict), b.(pdf.Dict)) {
					if key != "V" && key != "AP" {
						t.Errorf("object %s: /%s changed", ref, key)
					}
				}
				if ref == tt.widget && b.(pdf.Dict)["AP"] == nil {
					t.Error("the widget has no appearance")
				}
			}
			for num := range doc.Latest().Entries() {
				if num == 2 || num == 3 {
					t.Errorf("object %d was rewritten", num)
				}
			}
			// The first signature sets SigFlags, so that no later one has to.
			if got := sigFlags(t, doc); got != 3 {
				t.Errorf("SigFlags %d, want 3", got)
			}
			if s.Rect != (pades.Rect{X0: 10, Y0: 10, X1: 110, Y1: 60}) {
				t.Errorf("rect %v", s.Rect)
			}
			checkQPDF(t, fileBytes(t, doc), "")
		})
	}
}

func sigFlags(t *testing.T, doc *pdf.Document) pdf.Integer {
	t.Helper()
	catalog, err := doc.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	form, _, err := pdf.Lookup[pdf.Dict](doc.Latest(), catalog, "AcroForm")
	if err != nil {
		t.Fatal(err)
	}
	flags, _, err := pdf.Lookup[pdf.Integer](doc.Latest(), form, "SigFlags")
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

// TestPrepareTenInARow: each of ten signatures stays structurally whole.
func TestPrepareTenInARow(t *testing.T) {
	doc := open(t, testfile.Letter(t).Bytes(t), "")
	for i := byte(1); i <= 10; i++ {
		spec := pades.SignatureSpec{}
		if i%3 == 0 {
			spec.Kind = pades.KindDocTimestamp
		}
		doc = sign(t, doc, spec, i)
	}
	doc = open(t, fileBytes(t, doc), "")
	list := signatures(t, doc)
	if len(list) != 10 {
		t.Fatalf("%d signatures, want 10", len(list))
	}
	for i, s := range list {
		if want := fmt.Sprintf("Signature%d", i+1); s.Field != want || s.Revision != i+2 || len(s.Problems) != 0 {
			t.Errorf("%q in revision %d with %v, want %q in %d", s.Field, s.Revision, s.Problems, want, i+2)
		}
		checkSigned(t, doc, s, byte(i+1))
	}
	checkQPDF(t, fileBytes(t, doc), "")
}

func TestPendingBytes(t *testing.T) {
	base := open(t, testfile.Letter(t).Bytes(t), "")
	p, err := pades.Prepare(base.Latest(), pades.SignatureSpec{ContentsSize: 5})
	if err != nil {
		t.Fatal(err)
	}
	var signed bytes.Buffer
	if err := p.WriteSigned(&signed); err != nil {
		t.Fatal(err)
	}
	_, err = p.Embed(make([]byte, 6))
	var small *pades.PlaceholderError
	if !errors.As(err, &small) || small.Need != 6 || small.Have != 5 {
		t.Errorf("too large a CMS gives %v", err)
	}
	if _, err := p.Embed(bytes.Repeat([]byte{0xFF}, 5)); err != nil {
		t.Fatal(err)
	}
	tail, err := p.Embed([]byte{0xAB}) // the longer one leaves nothing behind
	if err != nil {
		t.Fatal(err)
	}
	br := p.ByteRange()
	if p.Base() != base.Size() || br[0] != 0 || br[2]+br[3] != p.Base()+int64(len(tail)) {
		t.Errorf("ByteRange %v, base %d, tail %d", br, p.Base(), len(tail))
	}
	from, to := br[1]-p.Base(), br[2]-p.Base()
	if got := string(tail[from:to]); got != "<ab00000000>" {
		t.Errorf("the gap holds %s", got)
	}
	if want := append(bytes.Clone(tail[:from]), tail[to:]...); !bytes.Equal(signed.Bytes(), want) {
		t.Error("WriteSigned differs from the tail without its gap")
	}
	want := fmt.Sprintf("/ByteRange [0 %d %d %d]", br[1], br[2], br[3])
	if !bytes.Contains(tail, []byte(want)) {
		t.Errorf("no %s in the tail", want)
	}
	if err := p.WriteSigned(failing{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("WriteSigned to a broken writer gives %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPrepareAppearanceError(t *testing.T) {
	base := open(t, testfile.Letter(t).Bytes(t), "")
	broken := errors.New("no font")
	a := visible(1)
	a.Form = func(*pdf.Update) (pdf.Ref, error) { return pdf.Ref{}, broken }
	if _, err := pades.Prepare(base.Latest(), pades.SignatureSpec{Appearance: a, ContentsSize: 10}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestPrepareEncrypted: the strings of the signature are encrypted, Contents
// is not.
func TestPrepareEncrypted(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		if !in.Encrypted {
			continue
		}
		t.Run(in.Name, func(t *testing.T) {
			base := open(t, in.Bytes(t), in.Password)
			doc := sign(t, base, pades.SignatureSpec{Reason: "rahasia-dinas"}, 7)
			tail := fileBytes(t, doc)[base.Size():]
			if bytes.Contains(tail, []byte("rahasia-dinas")) {
				t.Error("Reason is not encrypted")
			}
			if !bytes.Contains(tail, []byte(fmt.Sprintf("<%x", blob(7)))) {
				t.Error("Contents is encrypted")
			}
			if s := only(t, doc); s.Reason != "rahasia-dinas" {
				t.Errorf("Reason %q", s.Reason)
			}
		})
	}
}
