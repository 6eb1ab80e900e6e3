package paper_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/paper"
)

func letter() paper.Sheet {
	return paper.Sheet{
		Title: "Laporan insiden", Head: []string{"PEMERINTAH KABUPATEN CONTOH", "Dinas Komunikasi dan Informatika"}, At: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC),
		Foot: "Surat ini disegel secara elektronik.", Version: "1",
		Blocks: []paper.Block{
			{Text: "Contoh, 21 November 2026"}, {Label: "Nomor", Text: "7/2026"}, {Label: "Hal", Text: strings.Repeat("panjang sekali ", 30), Small: "kecil"},
			{Heading: "Temuan"}, {Bullet: "1.", Text: "Berkas sama.", Small: "Bukti: operasi x"}, {Text: "satu\n\ndua"}, {},
		},
	}
}

// TestEnding: whoever signs a letter does not stand alone on its last page.
func TestEnding(t *testing.T) {
	for lines := 20; lines < 50; lines++ {
		s := letter()
		s.Blocks = nil
		for range lines {
			s.Blocks = append(s.Blocks, paper.Block{Text: "Isi surat."})
		}
		s.Blocks = append(s.Blocks, paper.Block{Ending: true, Text: "Demikian disampaikan."}, paper.Block{Apart: true, Text: "Kepala Dinas", Small: "Tembusan."})
		var b bytes.Buffer
		if err := paper.WriteSheet(&b, s); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "surat.pdf")
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(testfile.Tool(t, "pdftotext"), name, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
		last := pages[len(pages)-1]
		for _, want := range []string{"Demikian disampaikan", "Kepala Dinas", "Surat ini disegel"} {
			if !strings.Contains(last, want) {
				t.Errorf("after %d lines the last page lacks %q: %q", lines, want, last)
			}
		}
	}
}

// TestWhole: what people wrote is printed whole, words without spaces and
// characters that the font lacks too.
func TestWhole(t *testing.T) {
	long := strings.Repeat("tidak", 600)
	for name, block := range map[string]paper.Block{
		"a text": {Text: long}, "beside a label": {Label: "Uraian", Text: long}, "small": {Label: "Uraian", Text: "x", Small: long}, "a quotation": {Text: long, Quote: true},
	} {
		if got := printed(t, block); strings.Count(got, "tidak") != 600 || strings.Contains(got, "…") {
			t.Errorf("%s: %d of 600 are printed", name, strings.Count(got, "tidak"))
		}
	}
	got := printed(t, paper.Block{Text: "😀ꦗ漢 e\u0301 " + strings.Repeat("漢", 60), Quote: true})
	if !strings.Contains(got, "‹U+1F600›‹U+A997›‹U+6F22›é") || strings.Count(got, "‹U+6F22›") != 61 {
		t.Errorf("characters that the font lacks: %q", got)
	}
}

// printed is the text on a sheet with one block, without white space.
func printed(t *testing.T, b paper.Block) string {
	t.Helper()
	var out bytes.Buffer
	if err := paper.WriteSheet(&out, paper.Sheet{Title: "Judul", Blocks: []paper.Block{b}}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "surat.pdf")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(testfile.Tool(t, "pdftotext"), "-raw", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`halaman \d+ dari \d+|\s+`).ReplaceAll(text, nil)
	return string(text)
}

func TestSheet(t *testing.T) {
	endless := letter()
	for range 5000 {
		endless.Blocks = append(endless.Blocks, paper.Block{Bullet: "9.", Text: "teks\u202eterbalik \x00 " + strings.Repeat("X", 300)})
	}
	bare := paper.Sheet{Title: "Berkas kasus", Subtitle: "PGD-2026-0001", Language: report.English}
	for name, test := range map[string]struct {
		sheet    paper.Sheet
		min, max int // pages
	}{"a letter": {letter(), 1, 1}, "without end": {endless, 100, 400}, "nothing": {bare, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			var a, b bytes.Buffer
			if err := paper.WriteSheet(&a, test.sheet); err != nil {
				t.Fatal(err)
			}
			if err := paper.WriteSheet(&b, test.sheet); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("not the same twice: %v", err)
			}
			if dir := os.Getenv("ABSAH_TEST_OUT"); dir != "" {
				if err := os.WriteFile(dir+"/"+strings.ReplaceAll(name, " ", "-")+".pdf", a.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err := pdf.Open(bytes.NewReader(a.Bytes()), int64(a.Len()), pdf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := d.Latest().PageCount(); err != nil || n < test.min || n > test.max {
				t.Errorf("%d pages, want %d to %d: %v", n, test.min, test.max, err)
			}
			if len(d.Anomalies()) > 0 {
				t.Errorf("anomalies: %v", d.Anomalies())
			}
		})
	}
	if err := paper.WriteSheet(&bytes.Buffer{}, paper.Sheet{Language: "jv"}); err == nil {
		t.Error("there is a sheet in Javanese")
	}
}
