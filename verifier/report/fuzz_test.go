package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/etsi"
	"github.com/absah-id/absah/verifier/report/paper"
	"github.com/absah-id/absah/verifier/report/reporttest"
)

// FuzzReports: whatever the verdict, every report about it is written, the XML
// is well-formed with identifiers that stand once, and our own reader opens the
// PDF.
func FuzzReports(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte("\x05\x01Budi\u202e\x00\xff\x03"), 60))
	f.Add(bytes.Repeat([]byte{0xff, 0x03, 0x41, 0x01}, 200))
	f.Add(bytes.Repeat([]byte{7, 1, 2, 3, 5, 255, 31}, 300))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := reporttest.Report(in)
		if err := errors.Join(report.Simple(io.Discard, r, "", nil), report.Detailed(io.Discard, r, report.English, nil)); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := etsi.Write(&b, r, etsi.Options{}); err != nil {
			t.Fatal(err)
		}
		checkXML(t, b.Bytes())
		b.Reset()
		if err := paper.Write(&b, r, paper.Options{Detailed: true}); err != nil {
			t.Fatal(err)
		}
		checkPDF(t, b.Bytes())
		if _, err := r.DetailedJSON(); err != nil && r.At.Year() >= 0 && r.At.Year() < 10_000 {
			t.Error(err)
		}
	})
}

func checkXML(t *testing.T, doc []byte) {
	t.Helper()
	ids := map[string]bool{}
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				if a.Name.Local == "id" && ids[a.Value] {
					t.Errorf("two elements are called %s", a.Value)
				}
				if a.Name.Local == "id" {
					ids[a.Value] = true
				}
			}
		}
	}
}

func checkPDF(t *testing.T, file []byte) {
	t.Helper()
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rev := doc.Latest()
	n, err := rev.PageCount()
	if err != nil || n == 0 {
		t.Fatalf("%d pages: %v", n, err)
	}
	for i := range n {
		_, page, err := rev.Page(i)
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := pdf.Lookup[*pdf.Stream](rev, page, "Contents")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rev.StreamData(s, 16<<20); err != nil {
			t.Fatal(err)
		}
	}
	if len(doc.Anomalies()) > 0 {
		t.Errorf("anomalies: %v", doc.Anomalies())
	}
}
