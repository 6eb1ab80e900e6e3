package pades_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

func writeDSS(t testing.TB, doc *pdf.Document, add pades.DSS) *pdf.Document {
	t.Helper()
	tail, err := pades.WriteDSS(doc.Latest(), add)
	if err != nil {
		t.Fatal(err)
	}
	if tail == nil {
		t.Fatal("nothing to append")
	}
	return extend(t, doc, tail)
}

func readDSS(t testing.TB, doc *pdf.Document) *pades.DSS {
	t.Helper()
	d, err := pades.ReadDSS(doc.Latest())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func equalItems(a [][]byte, b ...[]byte) bool {
	return bytes.Equal(bytes.Join(a, []byte("|")), bytes.Join(b, []byte("|")))
}

// TestDSSGrows: evidence is added once, what is there keeps its objects, and
// adding nothing new appends nothing.
func TestDSSGrows(t *testing.T) {
	base := open(t, testfile.Letter(t).Bytes(t), "")
	if d := readDSS(t, base); d != nil {
		t.Fatalf("a plain letter has a store: %v", d)
	}
	one := writeDSS(t, base, pades.DSS{Certificates: [][]byte{blob(1), blob(2), blob(1)}, OCSPs: [][]byte{blob(1)}})
	two := writeDSS(t, one, pades.DSS{Certificates: [][]byte{blob(2), blob(3)}, CRLs: [][]byte{blob(4)}})
	d := readDSS(t, open(t, fileBytes(t, two), ""))
	if !equalItems(d.Certificates, blob(1), blob(2), blob(3)) || !equalItems(d.OCSPs, blob(1)) || !equalItems(d.CRLs, blob(4)) {
		t.Errorf("store %x", *d)
	}
	if d.VRI != nil || len(d.Problems) != 0 {
		t.Errorf("VRI %v, problems %v", d.VRI, d.Problems)
	}
	tail, err := pades.WriteDSS(two.Latest(), pades.DSS{Certificates: [][]byte{blob(3)}})
	if err != nil || tail != nil {
		t.Errorf("nothing new gives %d bytes, %v", len(tail), err)
	}
	catalog, err := two.Latest().Catalog()
	if err != nil {
		t.Fatal(err)
	}
	ext, _, err := pdf.Lookup[pdf.Dict](two.Latest(), catalog, "Extensions")
	if err != nil || (ext["ESIC"] == nil) != (base.Version() >= "2.0") {
		t.Errorf("version %s has extensions %v, %v", base.Version(), ext, err)
	}
	// The second time only the store itself changes, not the catalog.
	for num := range two.Latest().Entries() {
		if num == two.Latest().Root().Num {
			t.Error("the catalog was written again")
		}
	}
	checkQPDF(t, fileBytes(t, two), "")
}

// TestDSSShapes adds to stores that other programs wrote: inline, with
// indirect arrays, with VRI, under PDF 2.0, beside other extensions.
func TestDSSShapes(t *testing.T) {
	const item = "<< /Length 5 >>\nstream\n\x30\x03\x02\x01\x01\nendstream"
	key := strings.Repeat("0A", 20)
	file := func(catalog, four, six string) []byte {
		return build("<< /Type /Catalog /Pages 2 0 R "+catalog+" >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
			"<< /Type /Page /Parent 2 0 R >>", four, item, six)
	}
	vri := "/VRI << /" + key + " << /Cert [5 0 R] /TU (D:20260102030405Z) /TS 5 0 R >> >>"
	tests := []struct {
		name    string
		file    []byte
		catalog bool // is rewritten
	}{
		{"inline", file("/DSS << /Certs [5 0 R] "+vri+" >>", "null", "null"), true},
		{"indirect", file("/DSS 4 0 R /Extensions << /ESIC << /BaseVersion /1.7 /ExtensionLevel 5 >> >>", "<< /Certs [5 0 R] "+vri+" >>", "null"), false},
		{"indirect arrays", file("/DSS 4 0 R /Version /2.0", "<< /Certs 6 0 R "+vri+" >>", "[5 0 R]"), false},
		{"other extensions", file("/DSS 4 0 R /Extensions 6 0 R", "<< /Certs [5 0 R] "+vri+" >>", "<< /ADBE << /BaseVersion /1.7 /ExtensionLevel 8 >> >>"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := writeDSS(t, open(t, tt.file, ""), pades.DSS{Certificates: [][]byte{blob(1), blob(2)}})
			d := readDSS(t, open(t, fileBytes(t, doc), ""))
			if !equalItems(d.Certificates, blob(1), blob(2)) || len(d.Problems) != 0 {
				t.Errorf("certificates %x, problems %v", d.Certificates, d.Problems)
			}
			v := d.VRI[key]
			if !equalItems(v.Certificates, blob(1)) || !bytes.Equal(v.Timestamp, blob(1)) || !v.At.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
				t.Errorf("VRI %+v", v)
			}
			written := false
			for num := range doc.Latest().Entries() {
				written = written || num == 1
			}
			if written != tt.catalog {
				t.Errorf("catalog written: %v, want %v", written, tt.catalog)
			}
			checkQPDF(t, fileBytes(t, doc), "")
		})
	}
}

func TestDamagedDSS(t *testing.T) {
	file := func(dss string) []byte {
		return build("<< /Type /Catalog /Pages 2 0 R /DSS "+dss+" >>", "<< /Type /Pages /Kids [] /Count 0 >>",
			"<< /Length 5 >>\nstream\n\x30\x03\x02\x01\x01\nendstream", "<< /Filter /JBIG2Decode /Length 1 >>\nstream\nx\nendstream")
	}
	tests := []struct {
		name, dss string
		certs     int
		problems  string
		fails     bool
	}{
		{"empty", "<< >>", 0, "", false},
		{"not a dictionary", "(x)", 0, "", true},
		{"Certs is a name", "<< /Certs /X >>", 0, "dss-item", false},
		{"items of other types", "<< /Certs [3 0 R null 1 (x) 99 0 R 2 0 R] >>", 1, "dss-item dss-item dss-item dss-item dss-item", false},
		{"other filter", "<< /Certs [4 0 R 3 0 R] >>", 1, "dss-item", false},
		{"VRI is an array", "<< /VRI [] /Certs [3 0 R] >>", 1, "dss-vri", false},
		{"VRI under another key", "<< /VRI << /Type /VRI /abc << >> >> >>", 0, "dss-vri", false},
		{"VRI entry is a name", "<< /VRI << /" + strings.Repeat("A", 40) + " /X >> >>", 0, "dss-vri", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := pades.ReadDSS(open(t, file(tt.dss), "").Latest())
			if (err != nil) != tt.fails {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			var got []string
			for _, p := range d.Problems {
				got = append(got, p.Rule)
			}
			if strings.Join(got, " ") != tt.problems || len(d.Certificates) != tt.certs {
				t.Errorf("%d certificates, problems %v", len(d.Certificates), d.Problems)
			}
		})
	}
	many := "<< /Certs [" + strings.Repeat("3 0 R ", 5000) + "] >>"
	_, err := pades.ReadDSS(open(t, file(many), "").Latest())
	var l *pdf.LimitError
	if !errors.As(err, &l) || l.Limit != "pades.maxStore" {
		t.Errorf("5000 items: %v", err)
	}
}

func TestWriteDSSMistakes(t *testing.T) {
	rev := open(t, testfile.Letter(t).Bytes(t), "").Latest()
	for name, add := range map[string]pades.DSS{
		"empty item": {CRLs: [][]byte{{}}},
		"VRI":        {VRI: map[string]pades.VRI{"x": {}}},
	} {
		if tail, err := pades.WriteDSS(rev, add); err == nil {
			t.Errorf("%s: %d bytes", name, len(tail))
		}
	}
}
