package appearance_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/signer/appearance"
)

// TestFont: the text can be copied, and its widths are those of the subset.
func TestFont(t *testing.T) {
	v := full()
	v.Name = "Ñandú Ωmega — “Łódź”"
	out := place(t, page(nil), v)
	t.Run("poppler", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "in.pdf")
		if err := os.WriteFile(path, out, 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := exec.Command(testfile.Tool(t, "pdftotext"), "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{v.Name, "Ditandatangani secara elektronik oleh:", "Kepala Dinas Komunikasi dan"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is not in the text:\n%s", want, text)
			}
		}
		fonts, err := exec.Command(testfile.Tool(t, "pdffonts"), path).Output()
		if err != nil || strings.Count(string(fonts), "CID TrueType") != 2 || strings.Count(string(fonts), "yes yes yes") != 2 {
			t.Errorf("pdffonts: %v\n%s", err, fonts)
		}
	})
	rev, f := form(t, out)
	for _, name := range []pdf.Name{"F1", "F2"} {
		top := dig[pdf.Dict](t, rev, f.Dict, "Resources", "Font", name)
		cid, err := rev.Resolve(dig[pdf.Array](t, rev, top, "DescendantFonts")[0])
		if err != nil {
			t.Fatal(err)
		}
		file := dig[*pdf.Stream](t, rev, cid.(pdf.Dict), "FontDescriptor", "FontFile2")
		data, err := rev.StreamData(file, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		checkSFNT(t, data)
		if n := dig[pdf.Integer](t, rev, file.Dict, "Length1"); int(n) != len(data) {
			t.Errorf("Length1 %d, want %d", n, len(data))
		}
	}
}

// checkSFNT sums every table against the directory, and the file as a whole.
func checkSFNT(t *testing.T, b []byte) {
	t.Helper()
	sum := func(b []byte) (s uint32) {
		for i := 0; i < len(b); i += 4 {
			var w [4]byte
			copy(w[:], b[i:])
			s += uint32(w[0])<<24 | uint32(w[1])<<16 | uint32(w[2])<<8 | uint32(w[3])
		}
		return s
	}
	u32 := func(b []byte) uint32 { return sum(b[:4]) }
	if got := sum(b); got != 0xB1B0AFBA {
		t.Errorf("the font file sums to %08X", got)
	}
	for i := range int(b[5]) {
		e := b[12+16*i:]
		table := bytes.Clone(b[u32(e[8:]) : u32(e[8:])+u32(e[12:])])
		if string(e[:4]) == "head" {
			clear(table[8:12])
		}
		if got := sum(table); got != u32(e[4:]) {
			t.Errorf("table %s sums to %08X", e[:4], got)
		}
	}
}

// FuzzText lays out any text in any rectangle.
func FuzzText(f *testing.F) {
	f.Add("Andi Wijaya", "Bupati Contoh", "https://contoh.go.id", 100.0, 50.0)
	f.Add("", "a b c d e f g h i j k l m n o p", "", 1.0, 500.0)
	rev := open(f, page(nil))
	f.Fuzz(func(t *testing.T, name, office, qr string, w, h float64) {
		_, err := appearance.New(rev, appearance.Visible{Width: w, Height: h, Name: name, Office: office, QR: qr, Lines: []string{office}})
		var r *pades.RefusedError
		if err != nil && !errors.As(err, &r) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
