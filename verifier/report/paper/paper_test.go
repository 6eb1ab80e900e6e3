package paper_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/font"
	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/paper"
	"github.com/absah-id/absah/verifier/report/reporttest"
)

// write prints r, keeps the file when REPORTS names a folder, and returns it
// with its pages as text.
func write(tb testing.TB, name string, r *verifier.Report, o paper.Options) (file []byte, pages []string) {
	tb.Helper()
	var b bytes.Buffer
	if err := paper.Write(&b, r, o); err != nil {
		tb.Fatal(err)
	}
	if dir := os.Getenv("REPORTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".pdf"), b.Bytes(), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes(), texts(tb, b.Bytes())
}

var (
	shownText = regexp.MustCompile(`/F(\d) ([\d.]+) Tf 1 0 0 1 ([-\d.]+) ([-\d.]+) Tm <([0-9A-F]*)> Tj`)
	bfchar    = regexp.MustCompile(`<([0-9A-F]{4})> <([0-9A-F]+)>`)
)

// texts reads the pages with our own reader, a line for every text shown. It
// fails when text stands outside of the page.
func texts(tb testing.TB, file []byte) (pages []string) {
	tb.Helper()
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	var faces []*font.Face
	for _, open := range []func() (*font.Face, error){font.Regular, font.Bold, font.Mono} {
		f, err := open()
		if err != nil {
			tb.Fatal(err)
		}
		faces = append(faces, f)
	}
	rev := doc.Latest()
	n, err := rev.PageCount()
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		_, page, err := rev.Page(i)
		if err != nil {
			tb.Fatal(err)
		}
		resources, _, err := pdf.Lookup[pdf.Dict](rev, page, "Resources")
		if err != nil {
			tb.Fatal(err)
		}
		fonts, _, err := pdf.Lookup[pdf.Dict](rev, resources, "Font")
		if err != nil {
			tb.Fatal(err)
		}
		var lines []string
		maps := map[string]map[string]string{}
		for _, m := range shownText.FindAllSubmatch(data(tb, rev, page, "Contents"), -1) {
			name := "F" + string(m[1])
			if maps[name] == nil {
				maps[name] = toUnicode(tb, rev, fonts, pdf.Name(name))
			}
			var line strings.Builder
			for g := string(m[5]); len(g) >= 4; g = g[4:] {
				line.WriteString(maps[name][g[:4]])
			}
			onPage(tb, faces[m[1][0]-'0'], line.String(), m[2:5])
			lines = append(lines, line.String())
		}
		pages = append(pages, strings.Join(lines, "\n"))
	}
	return pages
}

// onPage fails when a line leaves the margins. Where holds size, x and y.
func onPage(tb testing.TB, f *font.Face, line string, where [][]byte) {
	tb.Helper()
	var v [3]float64
	for i, b := range where {
		var err error
		if v[i], err = strconv.ParseFloat(string(b), 64); err != nil {
			tb.Fatal(err)
		}
	}
	size, x, y := v[0], v[1], v[2]
	if x < 55 || x+size*f.Width(line) > 542 || y < 35 || y > 815 {
		tb.Errorf("%q stands at %g, %g and is %g wide", line, x, y, size*f.Width(line))
	}
}

func data(tb testing.TB, rev *pdf.Revision, d pdf.Dict, key pdf.Name) []byte {
	tb.Helper()
	s, _, err := pdf.Lookup[*pdf.Stream](rev, d, key)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := rev.StreamData(s, 16<<20)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// toUnicode reads the CMap by which the text of a font is copied.
func toUnicode(tb testing.TB, rev *pdf.Revision, fonts pdf.Dict, name pdf.Name) map[string]string {
	tb.Helper()
	font, ok, err := pdf.Lookup[pdf.Dict](rev, fonts, name)
	if err != nil || !ok {
		tb.Fatalf("font %s: %v", name, err)
	}
	out := map[string]string{}
	for _, m := range bfchar.FindAllSubmatch(data(tb, rev, font, "ToUnicode"), -1) {
		b, err := hex.DecodeString(string(m[2]))
		if err != nil {
			tb.Fatal(err)
		}
		var units []uint16
		for i := 0; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		out[string(m[1])] = string(utf16.Decode(units))
	}
	return out
}

func TestStates(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	unreadable := &verifier.Report{File: "rusak.pdf", At: at, Size: 1234567, Policy: "gov", Verdict: verifier.Unreadable,
		Reasons: []verifier.Reason{{Code: "startxref-missing", Text: "malformed PDF at byte 17: no startxref"}}}
	tests := []struct {
		name string
		r    *verifier.Report
		o    paper.Options
		want []string
	}{
		{"passed", reporttest.AttackFile(t, "ok-b-lta.pdf"), paper.Options{Version: "1.0.0"}, []string{
			"SAH", "Semua tanda tangan sah", "1. Pejabat Contoh", "2 Maret 2026, 17:00:00 WIB (UTC+07:00), menurut stempel waktu Uji TSA",
			"berlaku pada waktu tersebut", "Tidak dicabut, menurut CRL dari Uji CA Akar", "831152b1 9e0c72f8", "Absah 1.0.0", "ok-b-lta.pdf", "halaman 1 dari",
			"menurut jam pemeriksa", "hanya bukti dan stempel waktu yang ditambahkan", "Dipercaya melalui",
		}},
		{"failed", reporttest.AttackFile(t, "u07-altered.pdf"), paper.Options{Chosen: true}, []string{
			"TIDAK SAH", "Jangan mengandalkan", "Alasan: Dokumen ini bukan dokumen yang ditandatangani", "HASH_FAILURE", "Tidak utuh", "saat yang dipilih pemeriksa",
		}},
		{"indeterminate", reporttest.AttackFile(t, "r18-revoked.pdf"), paper.Options{}, []string{"BELUM DAPAT DIPASTIKAN", "DICABUT pada 1 Maret 2026", "REVOKED_NO_POE"}},
		{"revoked later", reporttest.AttackFile(t, "r18-revoked-after-timestamp.pdf"), paper.Options{}, []string{"SAH", "Baru dicabut kemudian"}},
		{"on hold", reporttest.AttackFile(t, "r16-hold.pdf"), paper.Options{}, []string{"DITANGGUHKAN sejak"}},
		{"changed", reporttest.AttackFile(t, "c1-freetext-p2.pdf"), paper.Options{}, []string{"TIDAK SAH", "revisi 3: ", "Tidak diperiksa"}},
		{"not trusted", reporttest.AttackFile(t, "p07-self-signed.pdf"), paper.Options{}, []string{"BELUM DAPAT DIPASTIKAN", "tidak berujung pada penyelenggara"}},
		{"English", reporttest.AttackFile(t, "ok-b-b.pdf"), paper.Options{Language: report.English, Zone: time.UTC}, []string{"VALID", "2 March 2026", "UTC,", "page 1 of"}},
		{"detailed", reporttest.AttackFile(t, "ok-b-t.pdf"), paper.Options{Detailed: true}, []string{"Lampiran: semua pemeriksaan", "Verifikasi kriptografis, CV", "[signature-value]: ya"}},
		{"no signature", &verifier.Report{File: "polos.pdf", At: at, Verdict: verifier.NoSignature, Warnings: []verifier.Reason{{Code: "orphan", Text: "x"}}},
			paper.Options{}, []string{"TIDAK BERTANDA TANGAN ELEKTRONIK", "0 tanda tangan", "yang tidak dirujuk formulir"}},
		{"unreadable", unreadable, paper.Options{}, []string{"TIDAK DAPAT DIBACA", "1.234.567 byte", "byte 17", "startxref-missing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file, pages := write(t, strings.ReplaceAll(tt.name, " ", "-"), tt.r, tt.o)
			// A line may be broken anywhere between words.
			all := strings.Join(strings.Fields(strings.Join(pages, " ")), " ")
			for _, want := range tt.want {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, strings.Join(pages, "\n"))
				}
			}
			if again, _ := write(t, "again", tt.r, tt.o); !bytes.Equal(file, again) {
				t.Error("the same report gives other bytes")
			}
		})
	}
}

// TestArchivable: what PDF/A-2u asks for and can be told from the bytes. The
// whole standard is judged by veraPDF.
func TestArchivable(t *testing.T) {
	file, pages := write(t, "archivable", reporttest.AttackFile(t, "ok-two.pdf"), paper.Options{Detailed: true})
	for _, want := range []string{"<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>U</pdfaid:conformance>", "/StructTreeRoot", "/Lang(id)", "/MarkInfo", "/FontFile2"} {
		if !bytes.Contains(file, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
	for _, never := range []string{"/JavaScript", "/OpenAction", "/AcroForm", "/DeviceRGB", "/Encrypt", "/EmbeddedFile"} {
		if bytes.Contains(file, []byte(never)) {
			t.Errorf("the report has %s", never)
		}
	}
	for i, page := range pages {
		if want := fmt.Sprintf("halaman %d dari %d", i+1, len(pages)); !strings.Contains(page, want) {
			t.Errorf("page %d does not say %q", i+1, want)
		}
	}
}

func TestManySignatures(t *testing.T) {
	for _, n := range []int{30, 1000} {
		r := reporttest.AttackFile(t, "ok-b-lta.pdf")
		one := *r.Signatures[0]
		r.Signatures = nil
		for i := range n {
			s := one
			s.Field = fmt.Sprintf("Paraf%d", i+1)
			s.Signer.CommonName = fmt.Sprintf("Pejabat Contoh ke-%d", i+1)
			r.Signatures = append(r.Signatures, &s)
		}
		_, pages := write(t, fmt.Sprintf("signatures-%d", n), r, paper.Options{Detailed: true})
		all := strings.Join(pages, "\n")
		if !strings.Contains(all, "30. Pejabat Contoh ke-30") || !strings.Contains(all, fmt.Sprintf("%d tanda tangan", n)) {
			t.Errorf("%d signatures: some are missing", n)
		}
		if n == 1000 && !strings.Contains(all, "dan 700 lagi") {
			t.Error("what was left out is not said")
		}
		if len(pages) > 200 {
			t.Errorf("%d pages", len(pages))
		}
	}
}

// TestHostileText: what cannot be drawn or would deceive is shown as what it
// is, and nothing leaves the page.
func TestHostileText(t *testing.T) {
	long := strings.Repeat("W", 10_000)
	tests := []struct{ name, text, want string }{
		{"bidi", "Budi\u202egnp.fdp", "‹U+202E›gnp"},
		{"control", "Budi\x00\x1b[31m\nmerah", "‹U+0000›‹U+001B›"},
		{"glyphs", "署名", "‹U+7F72›‹U+540D›"},
		{"emoji", "Budi 👍", "‹U+1F44D›"},
		{"invisible", "Bu\u200bdi\u00ad", "Bu‹U+200B›di‹U+00AD›"},
		{"marks", "B" + strings.Repeat("\u0301", 50), "‹U+0301›"},
		{"accent", "e\u0301cole", "école"},
		{"long", long, "(+9700)"},
		{"not UTF-8", "Budi\xff\xfe", "‹U+FFFD›"},
		{"syntax", "(Budi) Tj ET Q endstream %%EOF", "(Budi) Tj ET Q endstream %%EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reporttest.AttackFile(t, "ok-b-t.pdf")
			s := r.Signatures[0]
			r.File, r.Catalogue, s.Field = tt.text, tt.text, tt.text
			s.Signer.CommonName, s.Signer.Organization, s.Signer.Issuer, s.Signer.SerialNumber = tt.text, tt.text, tt.text, tt.text
			s.Material.Reason, s.Sub = tt.text, verifier.SubIndication(tt.text)
			s.Reasons = []verifier.Reason{{Code: tt.text, Text: tt.text}}
			s.Changes.Items = []verifier.Change{{Revision: 9, Path: tt.text, Rule: tt.text, Level: "FORM"}}
			r.Warnings = s.Reasons
			s.Process.Subject = tt.text
			_, pages := write(t, "hostile-"+strings.ReplaceAll(tt.name, " ", "-"), r, paper.Options{Detailed: true, Version: tt.text})
			all := strings.ReplaceAll(strings.Join(pages, "\n"), "\n", "")
			if !strings.Contains(all, tt.want) {
				t.Errorf("no %q in\n%s", tt.want, strings.Join(pages, "\n"))
			}
		})
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrors(t *testing.T) {
	if err := paper.Write(full{}, &verifier.Report{}, paper.Options{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if err := paper.Write(&bytes.Buffer{}, &verifier.Report{}, paper.Options{Language: "xx"}); err == nil {
		t.Error("an unknown language is accepted")
	}
}

func ExampleWrite() {
	r := &verifier.Report{File: "surat.pdf", At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Verdict: verifier.NoSignature}
	var b bytes.Buffer
	if err := paper.Write(&b, r, paper.Options{Language: report.Indonesian}); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s\n", b.Bytes()[:8])
	// Output: %PDF-1.7
}
