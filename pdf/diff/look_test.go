package diff_test

import (
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/diff"
)

// TestCompareLookAgain: a field whose value stays is drawn again, and not
// differently. What was prepared under another look stays there.
func TestCompareLookAgain(t *testing.T) {
	look := func(u *pdf.Update, text string) pdf.Dict {
		return pdf.Dict{"N": u.Add(pdf.NewStream(pdf.Dict{
			"BBox": rect(0, 0, 80, 20), "Resources": pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}},
		}, []byte("BT /F 9 Tf 0 g 2 5 Td ("+text+") Tj ET")))}
	}
	for _, c := range []struct{ name, seen, value, later, want string }{
		{"drawn again", "Rp1", "Rp1", "Rp) Tj (1", "FORM form-appearance /Root/AcroForm/Fields(nama)"},
		{"came to light", "Rp1", "Rp9", "Rp9", "OTHER form-appearance-other /Root/AcroForm/Fields(nama)"},
		{"drawn over", "Rp1", "Rp1", "Rp9", "OTHER form-appearance-differs /Root/AcroForm/Fields(nama)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, letter(t), func(u *pdf.Update) {
				with(t, u, 5, "V", pdf.String(c.value))
				with(t, u, 5, "AP", look(u, c.seen))
			})
			doc = edit(t, doc, func(u *pdf.Update) { with(t, u, 5, "AP", look(u, c.later)) })
			r, err := diff.Compare(doc, 2)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCompareAppearance: a filled field shows its value where and as one reads
// it. What viewers draw passes.
func TestCompareAppearance(t *testing.T) {
	const (
		good       = "FORM form-value /Root/AcroForm/Fields(nama)"
		unreadable = "OTHER form-appearance-unreadable /Root/AcroForm/Fields(nama)"
		unclear    = "OTHER form-appearance-unclear /Root/AcroForm/Fields(nama)"
	)
	for _, c := range []struct{ name, content, want string }{
		{"plain", "/Tx BMC q BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET Q EMC", good},
		{"background and border", "1 g 0 0 80 20 re f 0 G 1 w 0.5 0.5 79 19 re S BT 0 g /F 9 Tf 2 5 Td (Rp1.900) Tj ET", good},
		{"bevelled", "1 g 0 0 80 20 re f 0.9 g 1 1 m 1 19 l 79 19 l 78 18 l 2 18 l 2 2 l f BT 0 g /F 9 Tf 2 5 Td (Rp1.900) Tj ET", good},
		{"comb", "11 0 m 11 20 l 22 0 m 22 20 l s BT /F 9 Tf 0 g 2 5 Td (R) Tj 11 0 Td (p) Tj 11 0 Td (1.900) Tj ET", good},
		{"kerned", "BT /F 9 Tf 0 g 2 5 Td [(R) 20 (p1) -20 (.900)] TJ ET", good},
		{"on two lines", "BT /F 8 Tf 0 g 2 11 Td (Rp1.) Tj 0 -9 Td (900) Tj ET", good},
		{"clipped as viewers do", "q 1 1 78 18 re W n BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET Q", good},
		{"in another order", "BT /F 9 Tf 0 g 2 5 Td (Rp) Tj 30 0 Td (1.) Tj -15 0 Td (9) Tj 30 0 Td (00) Tj ET", unreadable},
		{"one over the other", "BT /F 9 Tf 0 g 2 5 Td (Rp1) Tj 0 0 Td (.900) Tj ET", unreadable},
		{"outside the box", "BT /F 9 Tf 0 g 2 5 Td (Rp1) Tj 200 0 Td (.900) Tj ET", unreadable},
		{"clipped away", "q 1 1 78 2 re W n BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET Q", unreadable},
		{"tiny", "BT /F 2 Tf 0 g 2 5 Td (Rp1.900) Tj ET", unreadable},
		{"white", "BT /F 9 Tf /DeviceRGB cs 1 1 1 sc 2 5 Td (Rp1.900) Tj ET", unclear},
		{"on its own colour", "0 g 0 0 80 20 re f BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET", unclear},
		{"painted over", "BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET 1 g 0 0 80 20 re f", unclear},
		{"in a layer", "/OC /L BDC BT /F 9 Tf 0 g 2 5 Td (Rp1.900) Tj ET EMC", unclear},
		{"drawn digits", "5 5 8 2 re f 5 9 8 2 re f BT /F 9 Tf 0 g 20 5 Td (Rp1.900) Tj ET", unclear},
		{"drawn in lines", "5 5 m 5 12 l 9 12 l S BT /F 9 Tf 0 g 20 5 Td (Rp1.900) Tj ET", unclear},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, letter(t), func(u *pdf.Update) {
				look := u.Add(pdf.NewStream(pdf.Dict{
					"BBox": rect(0, 0, 80, 20), "Resources": pdf.Dict{"Font": pdf.Dict{"F": pdf.Ref{Num: 7}}},
				}, []byte(c.content)))
				with(t, u, 5, "V", pdf.String("Rp1.900"))
				with(t, u, 5, "AP", pdf.Dict{"N": look})
			})
			r, err := diff.Compare(doc, 1)
			if err != nil || r.Undecided != nil {
				t.Fatal(err, r)
			}
			if got := changes(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
