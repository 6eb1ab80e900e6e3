package pades_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
	"github.com/absah-id/absah/pdf/pades"
)

// small keeps a hostile file from costing the fuzzer more than milliseconds.
var small = pdf.Options{Limits: pdf.Limits{Objects: 10_000, StreamBytes: 1 << 20, StructureBytes: 4 << 20}}

// FuzzSignatures reads arbitrary files.
func FuzzSignatures(f *testing.F) {
	good, _ := signedFile(f)
	f.Add(good)
	f.Add(locked("/Action /Include /Fields [(Kadis)] /P 2"))
	for _, name := range []string{"form", "form-hierarchy", "v15-objstm", "hybrid"} {
		f.Add(testfile.ByName(f, name).Bytes(f))
	}
	f.Fuzz(checkFile)
}

// FuzzForm puts arbitrary bytes where the entries of the form, a field and its
// value are, which FuzzSignatures hardly reaches through the syntax around
// them.
func FuzzForm(f *testing.F) {
	f.Add([]byte("/Fields [4 0 R]"), []byte("<< /FT /Sig /T (a) /V 5 0 R /Lock << /Action /All /P 2 >> >>"),
		[]byte("<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 20 30 40] /Contents <3000> /Reference [<< /TransformMethod /DocMDP /TransformParams << /P 2 >> >>] >>"))
	f.Add([]byte("/Fields 5 0 R /SigFlags 3"), []byte("<< /FT /Sig /T (a) /Rect [0 0 9 9] /Kids [4 0 R] /SV << /Ff 255 /Reasons [(x)] >> >>"), []byte("[4 0 R]"))
	f.Fuzz(func(t *testing.T, entries, field, value []byte) {
		checkFile(t, build("<< /Type /Catalog /Pages 2 0 R /AcroForm << "+string(entries)+" >> >>",
			"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Parent 2 0 R >>",
			string(field), string(value)))
	})
}

// checkFile: what can be read must be consistent. A signature without problems
// has its gap where its Contents are, and what can be signed can be read back.
func checkFile(t *testing.T, b []byte) {
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), small)
	if err != nil {
		return
	}
	list, err := pades.Signatures(doc)
	wantTyped(t, err)
	for _, s := range list {
		if _, err := s.CMS(); err != nil {
			wantTyped(t, err)
		}
		signed, err := io.ReadAll(s.SignedReader(doc))
		if len(s.Problems) > 0 {
			continue
		}
		if err != nil || int64(len(signed)) != s.ByteRange[1]+s.ByteRange[3] || s.Revision == 0 {
			t.Errorf("field %q: %d signed bytes of %v, revision %d, %v", s.Field, len(signed), s.ByteRange, s.Revision, err)
		}
		gap := b[s.ByteRange[1]:s.ByteRange[2]]
		if value, err := hex.DecodeString(string(gap[1 : len(gap)-1])); err != nil || !bytes.Equal(value, s.Contents) || gap[0] != '<' || gap[len(gap)-1] != '>' {
			t.Errorf("field %q: the gap %.40q is not Contents (%v)", s.Field, gap, err)
		}
	}
	p, err := pades.Prepare(doc.Latest(), pades.SignatureSpec{ContentsSize: 8})
	if err != nil {
		return
	}
	tail, err := p.Embed(blob(1))
	if err != nil {
		t.Fatal(err)
	}
	next, err := doc.Append(tail)
	if err != nil {
		t.Fatalf("our own revision: %v", err)
	}
	again, err := pades.Signatures(next)
	if err != nil || len(again) != len(list)+1 {
		t.Errorf("%d signatures after %d, %v", len(again), len(list), err)
	}
}

// FuzzJudge judges arbitrary files. Whatever they are, there is a judgement in
// bounded time, all of it is in order, and what passes covers a revision.
func FuzzJudge(f *testing.F) {
	good, _ := signedFile(f)
	f.Add(good)
	base := sign(f, formDoc(f), pades.SignatureSpec{Field: "Signature1"}, 1)
	f.Add(fileBytes(f, stamped(f, base, 2)))
	f.Add(fileBytes(f, edit(f, base, func(u *pdf.Update) { fillText(f, u, "Budi", "(Budi) Tj") })))
	f.Add(append(fileBytes(f, base), raw(base, map[uint32]string{9: "", 50: "(x)"}, "")...))
	f.Fuzz(judgeFile)
}

// FuzzJudgeUpdate puts arbitrary objects into a revision after a signature,
// which FuzzJudge hardly reaches through the syntax around them.
func FuzzJudgeUpdate(f *testing.F) {
	base := sign(f, formDoc(f), pades.SignatureSpec{Field: "Signature1"}, 1)
	file := fileBytes(f, base)
	f.Add(uint32(4), "<< /FT /Tx /T (nama) /V (x) /Subtype /Widget >>", uint32(50), "<< /Type /DSS >>")
	f.Add(uint32(1), "<< /Type /Catalog /Pages 2 0 R /DSS 50 0 R >>", uint32(50), "<< /VRI << /Type /VRI >> /Certs [9 0 R] >>")
	f.Add(uint32(3), "<< /Annots [50 0 R] >>", uint32(50), "<< /Subtype /FreeText >>")
	f.Fuzz(func(t *testing.T, a uint32, first string, b uint32, second string) {
		a, b = a%60+1, b%60+1
		judgeFile(t, slices.Concat(file, raw(base, map[uint32]string{a: first, b: second}, "")))
	})
}

func judgeFile(t *testing.T, b []byte) {
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), small)
	if err != nil {
		return
	}
	dj, err := pades.Judge(doc, pades.ChangePolicy{FormValues: true})
	if err != nil {
		t.Fatalf("hostile input is a judgement, not an error: %v", err)
	}
	for _, j := range dj.Signatures {
		worst := diff.LevelNone
		for i, c := range j.Changes {
			worst = max(worst, c.Level)
			if c.Revision <= j.SignedRevision || i > 0 && c.Revision < j.Changes[i-1].Revision {
				t.Errorf("%q: a change of revision %d after %d", j.Signature.Field, c.Revision, j.SignedRevision)
			}
		}
		if j.SignedRevision > 0 && j.Level != worst {
			t.Errorf("%q: level %v of changes up to %v", j.Signature.Field, j.Level, worst)
		}
		if j.Level == diff.LevelOther && len(j.Structure)+len(j.Violations) == 0 {
			t.Errorf("%q: level OTHER, and nothing speaks against it", j.Signature.Field)
		}
		if len(j.Structure) == 0 && j.Coverage == pades.CoveragePartial {
			t.Errorf("%q: partial, and the gate is open", j.Signature.Field)
		}
	}
}

// FuzzReadDSS puts arbitrary bytes where the store is.
func FuzzReadDSS(f *testing.F) {
	f.Add([]byte("<< /Certs [3 0 R] /CRLs 3 0 R >>"))
	f.Add([]byte("<< /VRI << /AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA << /Cert [3 0 R] /TU (D:2026) /TS 3 0 R >> >> >>"))
	f.Fuzz(func(t *testing.T, dss []byte) {
		b := build("<< /Type /Catalog /Pages 2 0 R /DSS 4 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>",
			"<< /Length 5 >>\nstream\n\x30\x03\x02\x01\x01\nendstream", string(dss))
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), small)
		if err != nil {
			return
		}
		_, err = pades.ReadDSS(doc.Latest())
		wantTyped(t, err)
		tail, err := pades.WriteDSS(doc.Latest(), pades.DSS{CRLs: [][]byte{blob(7)}})
		if err != nil {
			return
		}
		next, err := doc.Append(tail)
		if err != nil {
			t.Fatalf("our own revision: %v", err)
		}
		d, err := pades.ReadDSS(next.Latest())
		if err != nil || !bytes.Contains(bytes.Join(d.CRLs, nil), blob(7)) {
			t.Errorf("the added CRL is gone: %v, %v", d, err)
		}
	})
}

func wantTyped(t *testing.T, err error) {
	t.Helper()
	var m *pdf.MalformedError
	var l *pdf.LimitError
	if err != nil && !errors.As(err, &m) && !errors.As(err, &l) {
		t.Errorf("untyped error %T: %v", err, err)
	}
}
