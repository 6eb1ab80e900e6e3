package signer_test

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/internal/pdfmake"
	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/internal/testkey"
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

// TestAmbiguous: what readers read in different ways is neither signed nor
// timestamped.
func TestAmbiguous(t *testing.T) {
	w := newWorld(t)
	shifted := misplaced(t)
	_, err := w.signer.Sign(t.Context(), input(shifted, ""), w.request(signer.B))
	_, err2 := w.signer.Timestamp(t.Context(), input(shifted, ""), w.now())
	for _, err := range []error{err, err2} {
		if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != signer.CodeAmbiguous {
			t.Errorf("got %v, want %s", err, signer.CodeAmbiguous)
		}
	}
}

// misplaced is a file with a byte before %PDF-, whose offsets count it.
func misplaced(tb testing.TB) []byte {
	tb.Helper()
	b := testfile.ByName(tb, "v14-table").Bytes(tb)
	header, rest, ok := bytes.Cut(b, []byte("\xd3\n"))
	if !ok {
		tb.Fatal("no comment after the header")
	}
	return slices.Concat([]byte("<"), header, []byte("\n"), rest)
}

// TestBreaksEarlier: a signature that hides what an earlier one vouches for is
// refused before the key is used, and one beside it is made.
func TestBreaksEarlier(t *testing.T) {
	w := newWorld(t)
	place := func(x, y, width float64) signer.Request {
		req := w.request(signer.B)
		req.Visible = &signer.Visible{X: x, Y: y, Width: width, Height: 30, Name: "Andi Wijaya"}
		return req
	}
	signed := w.sign(t, letter(t), place(10, 200, 45))
	for _, c := range []struct {
		name string
		req  signer.Request
	}{{"over a signature", place(5, 210, 45)}, {"over text", place(100, 600, 100)}} {
		req := c.req
		req.Key = unused{w.key, t}
		_, err := w.signer.Sign(t.Context(), input(signed, ""), req)
		if r, ok := errors.AsType[*signer.RefusedError](err); !ok || r.Code != "covers-content" {
			t.Errorf("%s: got %v, want covers-content", c.name, err)
		}
	}
	if n := len(check(t, w.sign(t, signed, place(10, 300, 45)), "")); n != 2 {
		t.Errorf("%d signatures", n)
	}
	w.sign(t, letter(t), place(100, 600, 100)) // the first signer decides what is covered
}

// unused is a key that must not be used.
type unused struct {
	testkey.Key
	t *testing.T
}

func (k unused) SignMessage(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	k.t.Error("the key was used")
	return nil, io.ErrClosedPipe
}
