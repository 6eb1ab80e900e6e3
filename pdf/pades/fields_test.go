package pades_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

func TestFields(t *testing.T) {
	doc := open(t, form("4 0 R 5 0 R 8 0 R null 9 0 R 4 0 R",
		"<< /FT /Tx /T (nomor) >>",
		"<< /T (dinas) /FT /Sig /Kids [6 0 R 7 0 R] >>",
		"<< /T (kadis) /Subtype /Widget /Rect [110 60 10 10] /P 3 0 R >>",
		"<< /T (sekdis) /Kids [10 0 R] /Lock << /Action /All >> >>",
		"<< /T (tanpa-jenis) >>",
		"<< /FT /Sig /T (kosong) /V null >>",
		"<< /Subtype /Widget /Rect [0 0 0 0] >>",
	), "")
	fields, err := pades.Fields(doc.Latest())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fields {
		got = append(got, fmt.Sprintf("%s %s %v %v lock=%v filled=%v", f.Name, f.Ref, f.Widgets, f.Rect, f.Lock != nil, f.Filled))
	}
	want := []string{
		"dinas.kadis 6 0 [6 0] {10 10 110 60} lock=false filled=false",
		"dinas.sekdis 7 0 [10 0] {0 0 0 0} lock=true filled=false",
		"kosong 9 0 [] {0 0 0 0} lock=false filled=false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, page := range []int{1, 0, 0} {
		if n, err := fields[i].PageNumber(doc.Latest()); err != nil || n != page {
			t.Errorf("%s is on page %d, %v, want %d", fields[i].Name, n, err, page)
		}
	}
}

// TestDamagedForm: what can be read is returned beside the error, so that a
// damaged neighbour hides no signature.
func TestDamagedForm(t *testing.T) {
	const signed = "<< /FT /Sig /T (a) /V << /Type /Sig >> >>"
	tests := []struct {
		name   string
		file   []byte
		fields int
		rule   string
	}{
		{"field is a number", form("12 4 0 R", signed), 1, "field-type"},
		{"T is a number", form("4 0 R", "<< /FT /Sig /T 1 /V << /Type /Sig >> >>"), 1, "type-T"},
		{"Kids is a name", form("4 0 R 5 0 R", signed, "<< /T (b) /Kids /X >>"), 1, "type-Kids"},
		{"kid is a string", form("4 0 R 5 0 R", signed, "<< /T (b) /Kids [(x)] >>"), 1, "field-type"},
		{"Rect of two", form("4 0 R", "<< /FT /Sig /T (a) /Subtype /Widget /Rect [0 0] >>"), 1, "rect"},
		{"Fields is a name", form("] /Fields /X /Y ["), 0, "type-Fields"},
		{"loop", form("4 0 R", "<< /T (a) /FT /Sig /Kids [5 0 R] >>", "<< /T (b) /Kids [4 0 R] >>"), 0, "field-loop"},
		{"own kid", form("4 0 R", "<< /T (a) /FT /Sig /Kids [4 0 R] >>"), 0, "field-loop"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fields, err := pades.Fields(open(t, tt.file, "").Latest())
			var m *pdf.MalformedError
			if tt.rule == "" && err != nil || tt.rule != "" && (!errors.As(err, &m) || m.Rule != tt.rule) {
				t.Errorf("error %v, want %q", err, tt.rule)
			}
			if len(fields) != tt.fields {
				t.Errorf("%d fields, want %d", len(fields), tt.fields)
			}
			if tt.rule != "" {
				if _, err := pades.Prepare(open(t, tt.file, "").Latest(), pades.SignatureSpec{ContentsSize: 9}); err == nil {
					t.Error("a damaged form can be signed")
				}
			}
		})
	}
}

// TestFieldLimits: depth and number are bounded, and reaching the bound is
// neither "unsigned" nor a crash.
func TestFieldLimits(t *testing.T) {
	var deep []string
	for i := range 100 {
		deep = append(deep, fmt.Sprintf("<< /T (x) /Kids [%d 0 R] >>", i+5))
	}
	deep = append(deep, "<< /FT /Sig /T (x) /V << >> >>")
	var many []string
	fields := ""
	for i := range 250 {
		fields += fmt.Sprintf("%d 0 R ", i+4)
		many = append(many, "<< /FT /Sig /T (x) /V << /Type /Sig >> >>")
	}
	wide := "4 0 R" + strings.Repeat(" null", 120_000)
	tests := []struct {
		name  string
		file  []byte
		limit string
	}{
		{"deep", form("4 0 R", deep...), "pades.maxFieldDepth"},
		{"many signatures", form(fields, many...), "pades.maxSignatures"},
		{"wide", form(wide, "<< >>"), "pades.maxFields"},
	}
	for _, tt := range tests {
		_, err := pades.Signatures(open(t, tt.file, ""))
		var l *pdf.LimitError
		if !errors.As(err, &l) || l.Limit != tt.limit {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.limit)
		}
	}
}
