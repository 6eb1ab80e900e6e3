package pades_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
)

// hazards are the rules that Inspect finds, the grave ones with an exclamation
// mark.
func hazards(tb testing.TB, rev *pdf.Revision) string {
	tb.Helper()
	list, err := pades.Inspect(rev)
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, h := range list {
		rule := h.Rule
		if h.Grave {
			rule += "!"
		}
		if h.Text == "" {
			tb.Errorf("%s has no text", h.Rule)
		}
		if !slices.Contains(out, rule) {
			out = append(out, rule)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestInspect prepares the document of formDoc as someone would who wants to
// deceive its signer.
func TestInspect(t *testing.T) {
	form := func(u *pdf.Update, ops string) pdf.Ref {
		return u.Add(pdf.NewStream(pdf.Dict{
			"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"),
			"BBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(600), pdf.Integer(850)},
		}, []byte(ops)))
	}
	paint := func(t *testing.T, u *pdf.Update, ops string, objects pdf.Dict) {
		alter(t, u, pdf.Ref{Num: 3}, func(page pdf.Dict) {
			page["Contents"] = pdf.Array{page["Contents"], u.Add(pdf.NewStream(pdf.Dict{}, []byte(ops)))}
			page["Resources"].(pdf.Dict)["XObject"] = objects
		})
	}
	for _, c := range []struct {
		name string
		bend func(t *testing.T, u *pdf.Update)
		want string
	}{
		{"as it is", func(*testing.T, *pdf.Update) {}, ""},
		{"an overlay", func(t *testing.T, u *pdf.Update) {
			paint(t, u, "/X Do", pdf.Dict{"X": form(u, "1 g 0 0 600 850 re f")})
		}, "covered-text!"},
		{"a form that paints nothing", func(t *testing.T, u *pdf.Update) {
			paint(t, u, "/X Do", pdf.Dict{"X": form(u, "")})
		}, ""},
		{"invisible text", func(t *testing.T, u *pdf.Update) {
			paint(t, u, "BT /F 9 Tf 3 Tr 100 100 Td (x) Tj ET", nil)
		}, "text-invisible!"},
		{"a script", func(t *testing.T, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) {
				d["OpenAction"] = pdf.Dict{"S": pdf.Name("JavaScript"), "JS": pdf.String("x")}
			})
		}, "active-content!"},
		{"a link", func(t *testing.T, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 1}, func(d pdf.Dict) {
				d["OpenAction"] = pdf.Dict{"Type": pdf.Name("Action"), "S": pdf.Name("GoTo"), "D": pdf.String("x")}
			})
		}, "action"},
		{"a field over text", func(t *testing.T, u *pdf.Update) {
			alter(t, u, pdf.Ref{Num: 4}, func(d pdf.Dict) {
				d["Rect"] = pdf.Array{pdf.Integer(10), pdf.Integer(140), pdf.Integer(90), pdf.Integer(170)}
			})
		}, "field-over-text!"},
		{"a field that shows another value", func(t *testing.T, u *pdf.Update) { fillText(t, u, "Rp1", "(Rp9) Tj") }, "field-shows-other!"},
		{"a field that shows its value", func(t *testing.T, u *pdf.Update) { fillText(t, u, "Rp1", "(Rp1) Tj") }, ""},
		{"a field that shows its value in white", func(t *testing.T, u *pdf.Update) { fillText(t, u, "Rp1", "1 g (Rp1) Tj") }, "field-shows-other!"},
		{"a page that nobody refers to", func(_ *testing.T, u *pdf.Update) {
			u.Add(pdf.Dict{"Type": pdf.Name("Page")})
		}, "object-hidden!"},
		{"a font that nobody refers to", func(_ *testing.T, u *pdf.Update) {
			u.Add(pdf.Dict{"Type": pdf.Name("Font")})
		}, "object-hidden"},
		{"data in another file", func(t *testing.T, u *pdf.Update) {
			paint(t, u, "", pdf.Dict{"X": u.Add(pdf.NewStream(pdf.Dict{"F": pdf.String("x.png")}, nil))})
		}, "external-stream!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := edit(t, formDoc(t), func(u *pdf.Update) { c.bend(t, u) })
			got := strings.TrimSpace(strings.ReplaceAll(hazards(t, doc.Latest()), "object-redefined", ""))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestInspectAttacks: the files that are prepared for an attack, and honest
// ones.
func TestInspectAttacks(t *testing.T) {
	for name, want := range map[string]string{
		"ok-b-b": "", "ok-b-lta": "", "ok-form-filled": "",
		"h-7-prepared":          "covered-text!",
		"h-5-signed-twin":       "object-unlisted!",
		"h-9-dangling":          "object-unsigned!",
		"h-3-value":             "field-shows-other!",
		"c5-javascript-before":  "active-content!",
		"x06-hybrid-base":       "ambiguous!",
		"x15-html":              "ambiguous!",
		"x17-embedded-pdf":      "embedded-file",
		"x17-objects-in-stream": "",
	} {
		t.Run(name, func(t *testing.T) {
			all := testfile.Attacks(t)
			i := slices.IndexFunc(all, func(a testfile.Attack) bool { return a.Name == name })
			if i < 0 {
				t.Fatal("no such file")
			}
			got := hazards(t, open(t, all[i].Bytes(t), "").Latest())
			if want == "" && strings.Contains(got, "!") || !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestInspectInputs(t *testing.T) {
	for _, in := range testfile.Inputs(t) {
		if in.Password != "" {
			continue
		}
		t.Run(in.Name, func(t *testing.T) {
			if got := hazards(t, open(t, in.Bytes(t), "").Latest()); strings.Contains(got, "!") {
				t.Errorf("got %q, want nothing grave", got)
			}
		})
	}
}

func ExampleInspect() {
	letter := testfile.Letter(new(testing.T)).Bytes(new(testing.T))
	doc, err := pdf.Open(bytes.NewReader(letter), int64(len(letter)), pdf.Options{})
	if err != nil {
		panic(err)
	}
	list, err := pades.Inspect(doc.Latest())
	if err != nil {
		panic(err)
	}
	grave := slices.ContainsFunc(list, func(h pades.Hazard) bool { return h.Grave })
	fmt.Println("refuse to sign:", grave)
	// Output: refuse to sign: false
}

func FuzzInspect(f *testing.F) {
	for _, a := range testfile.Attacks(f) {
		if strings.HasPrefix(a.Name, "h-") || strings.HasPrefix(a.Name, "c") {
			f.Add(a.Bytes(f))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
		if err != nil {
			return
		}
		if _, err := pades.Inspect(doc.Latest()); err != nil {
			t.Fatal(err)
		}
	})
}
