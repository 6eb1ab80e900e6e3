package main

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// disputed is a complaint about a file, with what the complainant says and what
// somebody supplies as the original, and what the examination must and must not
// say of it.
type disputed struct {
	name          string
	file          []byte
	more          map[string]string // of the form
	original      []byte
	want, without []string
}

// TestGatewayFindings makes complaints whose files, codes, originals and dates are
// meant to have the gateway state what is not so.
func TestGatewayFindings(t *testing.T) {
	f := newOffice(t, officeOptions{yaml: casesConfig})
	ani := f.staffDesk(t, "ani", "investigator")
	register := func(nomor string) string {
		return f.post(t, "e-office", "/v1/documents", fields{"nomor": nomor, "perihal": "Izin", "tanggal": "2026-11-20", "pages": 1}).ok(t, http.StatusCreated).json(t)["id"].(string)
	}
	mine, other := register("800/21/2026"), register("800/22/2026")
	draft := letter()
	answered := f.sign(t, "e-office", draft, f.by("sekda").with(fields{"level": "B-LTA", "document": mine})).ok(t, http.StatusOK)
	genuine, operation := answered.body, answered.header.Get("Absah-Operation")
	f.sign(t, "e-office", letter(), f.by("sekda").with(fields{"level": "B-B", "document": other})).ok(t, http.StatusOK)
	foreign := "22222222222222222222222222"

	const (
		signedHere   = "Dokumen ini ditandatangani lewat gateway dengan kunci penanda tangan"
		notExactly   = "Berkas tidak persis seperti yang dilepas gateway"
		unrecorded   = "tidak ada dalam catatan"
		moved        = "Tanda tangan itu dipindahkan, atau dokumennya diubah"
		sameContent  = "tanpa tanda tangannya, sama dengan isi"
		madeHere     = "atas permintaan aplikasi e-office"
		byteForByte  = "Berkas sengketa sama, bita demi bita, dengan dokumen yang dilepas gateway"
		notKnown     = "bahwa berkas itu asli tidak terbukti"
		copiedLetter = "Kode QR yang disalin tidak membuat surat menjadi asli"
	)
	for _, test := range []disputed{
		{"a stamp over the page, in a catalog with a high number", f.overStamped(t, draft), nil, genuine,
			[]string{"Data anotasi atau bidang formulir tidak tertulis sama dengan berkas yang diserahkan sebagai dokumen asli: halaman 1", operation, "Verifikasi tidak menemukan tanda tangan elektronik di dalam berkas ini, dan tidak ada catatan"},
			[]string{sameContent}},
		{"the unsigned letter as original", genuine, nil, draft, []string{byteForByte, signedHere, "adalah yang dikirim untuk ditandatangani", sameContent}, []string{notExactly}},
		{"an original that is unrelated", genuine, nil, read(t, "rotate-90.pdf"), []string{byteForByte, signedHere, notKnown}, []string{notExactly, sameContent}},
		{"an original that is one byte longer", genuine, nil, append(bytes.Clone(genuine), '\n'), []string{byteForByte, signedHere, notKnown}, []string{notExactly}},
		{"the code of another document", genuine, map[string]string{"document-id": other}, nil,
			[]string{byteForByte, signedHere, "800/21/2026", "kode itu tidak menentukan apa pun"}, []string{copiedLetter, "disalin"}},
		{"a mistyped code", genuine, map[string]string{"document-id": foreign}, nil, []string{byteForByte, signedHere, "Berkas adalah versi terakhir dokumen terdaftar nomor 800/21/2026"}, []string{copiedLetter}},
		{"one byte longer, with its own code", append(bytes.Clone(genuine), '\n'), map[string]string{"document-id": mine}, nil,
			[]string{"Berkas berawal dengan versi terakhir dokumen terdaftar nomor 800/21/2026", signedHere, notExactly}, []string{copiedLetter, unrecorded}},
		{"one byte changed", flipped(genuine, 20_000), nil, nil, []string{moved, madeHere, operation}, []string{unrecorded, signedHere}},
		{"one byte changed, with its own code", flipped(genuine, 20_000), map[string]string{"document-id": mine}, nil,
			[]string{moved, "tetapi isinya bukan isi dokumen itu"}, []string{copiedLetter, unrecorded}},
		{"the evidence cut off", signedAlone(t, genuine), map[string]string{"document-id": mine}, nil,
			[]string{"isi yang dilingkupi tanda tangan itu tidak berubah", madeHere, "bukan salah satu versinya"}, []string{moved, unrecorded, copiedLetter}},
		{"the timestamp taken out", unstamped(t, signedAlone(t, genuine)), nil, nil,
			[]string{"isi yang dilingkupi tanda tangan itu tidak berubah", madeHere, operation}, []string{moved, unrecorded, "tidak ditemukan operasi"}},
		{"the timestamp taken out, and one byte changed", flipped(unstamped(t, signedAlone(t, genuine)), 20_000), nil, nil,
			[]string{"tidak ditemukan operasi yang membuat tanda tangan ini persis", "Berkas bukan, atau bukan lagi, dokumen yang ditandatangani", "tidak semua dapat dicari"},
			[]string{unrecorded, signedHere, "isi yang dilingkupi tanda tangan itu tidak berubah"}},
		{"a page changed afterwards", append(bytes.Clone(genuine), f.forgedTail(t, genuine)...), nil, genuine,
			[]string{"sisanya ditambahkan kemudian", "diubah dengan cara yang tidak diperbolehkan", "Berkas bukan, atau bukan lagi, dokumen yang ditandatangani"}, []string{signedHere, sameContent}},
		{"a loss before there was a key", genuine, map[string]string{"kind": "key-loss", "loss": "2020-01-01T00:00"}, nil,
			[]string{signedHere, "kunci ini belum ada pada saat itu", "lewat dari batas waktu"}, []string{"sesudah saat kunci hilang menurut pengadu"}},
		{"the draft", draft, nil, nil, []string{"adalah naskah yang dikirim untuk ditandatangani"}, []string{signedHere}},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := map[string]string{"kind": "repudiation", "text": "x", "contact": "x"}
			maps.Copy(form, test.more)
			id, _ := f.complain(t, ani, form, test.file)
			if test.original != nil {
				ani.supply(t, id, test.original)
			}
			ani.act(t, id, "examine", nil)
			page := ani.says(t, id, test.want...)
			for _, text := range test.without {
				if strings.Contains(page, text) {
					t.Errorf("the case says %q", text)
				}
			}
			if t.Failed() {
				t.Log(statements(page))
			}
		})
	}
}

// statements are those of a page of a case.
func statements(page string) string {
	_, page, _ = strings.Cut(page, `id="findings"`)
	page, _, _ = strings.Cut(page, "</section>")
	var lines []string
	for _, part := range strings.Split(page, ">") {
		if text, _, _ := strings.Cut(part, "<"); strings.TrimSpace(text) != "" {
			lines = append(lines, strings.TrimSpace(text))
		}
	}
	return strings.Join(lines, "\n")
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	return []byte(readFile(t, "../../testdata/pdf/"+name))
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// signedAlone is a signed letter without what was added after its signature.
func signedAlone(t testing.TB, b []byte) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b[:doc.Revisions()[1].End()]
}

// unstamped is a signed letter whose CMS was written anew, without unsigned
// attributes.
func unstamped(t testing.TB, b []byte) []byte {
	t.Helper()
	place := regexp.MustCompile(`/Contents\s*<([0-9A-Fa-f]{1000,})>`).FindSubmatchIndex(b)
	if place == nil {
		t.Fatal("there is no signature")
	}
	der, err := hex.DecodeString(string(b[place[2]:place[3]]))
	if err != nil {
		t.Fatal(err)
	}
	inside := func(v asn1.RawValue) (all []asn1.RawValue) {
		for rest := v.Bytes; len(rest) > 0; {
			var x asn1.RawValue
			if rest, err = asn1.Unmarshal(rest, &x); err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		return all
	}
	around := func(v asn1.RawValue, parts ...asn1.RawValue) asn1.RawValue {
		v.FullBytes, v.Bytes = nil, nil
		for _, p := range parts {
			v.Bytes = append(v.Bytes, p.FullBytes...)
		}
		if v.FullBytes, err = asn1.Marshal(v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	var info asn1.RawValue
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		t.Fatal(err)
	}
	content := inside(info)
	data := inside(inside(content[1])[0])
	signers := data[len(data)-1]
	signer := inside(signers)[0]
	parts := inside(signer)
	if last := parts[len(parts)-1]; last.Class != asn1.ClassContextSpecific || last.Tag != 1 {
		t.Fatal("the signature has no timestamp")
	}
	data[len(data)-1] = around(signers, around(signer, parts[:len(parts)-1]...))
	content[1] = around(content[1], around(inside(content[1])[0], data...))
	made := hex.EncodeToString(around(info, content...).FullBytes)
	b = bytes.Clone(b)
	copy(b[place[2]:place[3]], made+strings.Repeat("0", place[3]-place[2]-len(made)))
	return b
}

// overStamped appends a revision that has another catalog, with a number that no
// honest writer takes, and a stamp over the whole page.
func (f *office) overStamped(t testing.TB, base []byte) []byte {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(base), int64(len(base)), pdf.Options{})
	f.must(err)
	_, page, err := doc.Latest().Page(0)
	f.must(err)
	page = pdf.Clone(page).(pdf.Dict)
	page["Parent"], page["Annots"] = pdf.Ref{Num: 200_002}, pdf.Array{pdf.Ref{Num: 200_004}}
	const drawn = "1 g 0 0 595 842 re f"
	b := bytes.Clone(base)
	table := "xref\n200001 5\n"
	for i, o := range []string{
		"<</Type/Catalog/Pages 200002 0 R>>", "<</Type/Pages/Kids[200003 0 R]/Count 1>>", string(pdf.Format(nil, page)),
		"<</Type/Annot/Subtype/Stamp/Rect[0 0 595 842]/F 4/AP<</N 200005 0 R>>>>",
		fmt.Sprintf("<</Subtype/Form/BBox[0 0 595 842]/Length %d>>stream\n%s\nendstream", len(drawn), drawn),
	} {
		table += fmt.Sprintf("%010d 00000 n \n", len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", 200_001+i, o)
	}
	at := len(b)
	return fmt.Appendf(b, "%strailer\n<</Size 200006/Root 200001 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", table, doc.Latest().StartXRef(), at)
}
