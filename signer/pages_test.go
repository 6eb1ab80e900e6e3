package signer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/signer"
)

// TestPageContents: a page may have no contents, but no page may have contents
// that are not there.
func TestPageContents(t *testing.T) {
	w := newWorld(t)
	stream := func(f *pdfmake.File) pdfmake.Ref { return f.Add(pdfmake.Stream{Data: []byte("q Q\n")}) }
	raw := func(s string) func(*pdfmake.File) any {
		return func(f *pdfmake.File) any { return f.Add(pdfmake.Raw(s)) }
	}
	for _, c := range []struct {
		name     string
		contents func(*pdfmake.File) any
		rule     string // "" = signed
	}{
		{"a stream", func(f *pdfmake.File) any { return stream(f) }, ""},
		{"an array", func(f *pdfmake.File) any { return pdfmake.Array{stream(f), stream(f)} }, ""},
		{"the same stream twice", func(f *pdfmake.File) any { r := stream(f); return pdfmake.Array{r, r} }, ""},
		{"an array elsewhere", func(f *pdfmake.File) any { return f.Add(pdfmake.Array{stream(f)}) }, ""},
		{"an empty array", func(*pdfmake.File) any { return pdfmake.Array{} }, ""},
		{"null", func(*pdfmake.File) any { return pdfmake.Raw("null") }, ""},
		{"an absent object", func(*pdfmake.File) any { return pdfmake.Raw("99 0 R") }, ""},
		{"a wrong length", raw("<</Length 2>>stream\nq Q q Q\nendstream"), "stream-length"},
		{"a length beyond the file", raw("<</Length 99999>>stream\nq Q\nendstream"), "stream-length"},
		{"a wrong length in an array", func(f *pdfmake.File) any {
			return pdfmake.Array{stream(f), f.Add(pdfmake.Raw("<</Length 2>>stream\nq Q q Q\nendstream"))}
		}, "stream-length"},
		{"a number", func(*pdfmake.File) any { return 7 }, "page-contents"},
		{"a dictionary", raw("<</Length 2>>"), "page-contents"},
		{"an array in an array", func(f *pdfmake.File) any { return pdfmake.Array{pdfmake.Array{stream(f)}} }, "page-contents"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := pdfmake.New("1.7", c.name)
			pages := f.Reserve()
			good := f.Add(pdfmake.Dict{"Type": pdfmake.Name("Page"), "Parent": pages, "Contents": stream(f)})
			page := f.Add(pdfmake.Dict{"Type": pdfmake.Name("Page"), "Parent": pages, "Contents": c.contents(f)})
			f.Set(pages, pdfmake.Dict{"Type": pdfmake.Name("Pages"), "Count": 2, "Kids": pdfmake.Array{good, page},
				"MediaBox": pdfmake.Array{0, 0, 200, 200}})
			f.Root = f.Add(pdfmake.Dict{"Type": pdfmake.Name("Catalog"), "Pages": pages})
			f.Flush(pdfmake.Table)
			_, err := w.signer.Sign(t.Context(), input(f.Bytes(), ""), w.request(signer.B))
			if c.rule == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if m, ok := errors.AsType[*pdf.MalformedError](err); !ok || m.Rule != c.rule || !strings.Contains(err.Error(), "page 2 ") {
				t.Errorf("got %v, want rule %s on page 2", err, c.rule)
			}
		})
	}
}
