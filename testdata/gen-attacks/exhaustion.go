package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/absah-id/absah/internal/pdfmake"
)

// exhaustion are small files that ask for much, each after or around an honest
// signature. A limit that was hit, a fault of form and a file that cannot be
// read are all right; a pass or a crash is not.
func exhaustion() []*attack {
	rows := []*attack{
		row("d02-xref-bomb", "D02", "a later cross-reference stream that inflates to 64 MiB", func() []byte { return flateTail("/Type/XRef/W[1 3 1]/Size 9000000/Root 1 0 R") }),
		row("d02-filters", "D02", "a later cross-reference stream under a hundred filters", manyFilters),
		row("d03-size", "D03", "a later table of two thousand million entries", onTable(func(_ *file, t string) string { return replaceOnce(t, "7 1\n", "7 2147483640\n") })),
		row("d03-index", "D03", "a later cross-reference stream with a huge Index", func() []byte {
			return streamTail("/Type/XRef/W[1 3 1]/Index[0 2147483647]/Size 2147483647/Root 1 0 R", "\x00\x00\x00\x00\x00")
		}),
		row("d03-widths", "D03", "a later cross-reference stream with fields of 2^31 bytes", func() []byte {
			return streamTail("/Type/XRef/W[2147483647 2147483647 8]/Size 20/Root 1 0 R", "\x00")
		}),
		row("d03-revisions", "D03", "three hundred empty revisions after the signature", func() []byte {
			f := honest(signing{})
			for range 300 {
				start := len(f.b)
				f.b = fmt.Appendf(f.b, "xref\n0 0\ntrailer<</Size 12/Root 1 0 R/Prev %d>>startxref\n%d\n%%%%EOF\n", f.prev, start)
				f.prev = start
			}
			return f.b
		}),
		row("d04-arrays", "D04", "a later catalog entry of five thousand arrays inside each other", deep("[", "]", 5000)),
		row("d04-dictionaries", "D04", "a later catalog entry of two thousand dictionaries inside each other", deep("<</A", ">>", 2000)),
		row("d04-asn1", "D04", "a CMS of a thousand indefinite lengths inside each other", func() []byte {
			return honest(signing{room: 2100, der: func([]byte) []byte { return bytes.Repeat([]byte{0x30, 0x80}, 1000) }}).b
		}).sees("invalid"),
		row("d05-pages-loop", "D05", "a later page tree that contains itself", func() []byte {
			f := honest(signing{})
			f.commit(revision{set: map[int]string{objPages: f.replaced(objPages, "[3 0 R]", "[2 0 R 3 0 R]")}})
			return f.b
		}),
		row("d05-field-loop", "D05", "a later form field among its own kids", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.fields = append(f.fields, n)
			f.commit(revision{set: map[int]string{n: fmt.Sprintf("<</T(x)/Kids[%d 0 R]>>", n), objAcroForm: f.form()}})
			return f.b
		}),
		row("d05-length-loop", "D05", "a later stream whose Length is the stream", func() []byte {
			f := honest(signing{})
			n := f.alloc()
			f.commit(revision{set: map[int]string{n: fmt.Sprintf("<</Type/Metadata/Subtype/XML/Length %d 0 R>>stream\nx\nendstream", n),
				objCatalog: f.with(objCatalog, fmt.Sprintf("/Metadata %d 0 R", n))}})
			return f.b
		}),
		row("d06-signatures", "D06", "a hundred and fifty signature fields with dictionaries of noise", manySignatures).sees("valid" + strings.Repeat(" unverified", 150)),
		row("d11-entities", "D11", "metadata of a later revision with nested XML entities", entities),
	}
	for _, a := range rows {
		a.is(failed).is(indeterminate).is(unreadable)
	}
	quadratic := row("d08-quadratic", "D08", "sixty later revisions, each of which writes the page and the form anew as they were", func() []byte {
		f := honest(signing{})
		again := map[int]string{objPage: f.body[objPage], objAcroForm: f.body[objAcroForm]}
		for range 60 {
			f.commit(revision{set: again})
		}
		return f.b
	}).is(passed)
	content := row("d02-page-content", "D02", "page contents that inflate to 64 MiB, signed as they are: nobody needs to inflate them", func() []byte {
		f := letter(func(_ *file, r *revision) {
			bomb := pdfmake.Deflate(pdfmake.Deflate(make([]byte, 64<<20)))
			r.set[objContents] = stream("/Filter[/FlateDecode/FlateDecode]", string(bomb))
		}, emptyCRL())
		f.sign(signing{})
		return f.b
	}).passes().is(indeterminate)
	return fooled(append(rows, quadratic, content))
}

// streamTail appends a cross-reference stream to an honest letter.
func streamTail(dict, data string) []byte {
	f := honest(signing{})
	start := len(f.b)
	n := f.alloc()
	text := f.bodyText(start, map[int]string{n: stream(dict+fmt.Sprintf("/Prev %d", f.prev), data)}, map[int]int{})
	return append(f.b, text+fmt.Sprintf("startxref\n%d\n%%%%EOF\n", start)...)
}

func flateTail(dict string) []byte {
	bomb := pdfmake.Deflate(pdfmake.Deflate(make([]byte, 64<<20)))
	return streamTail(dict+"/Filter[/FlateDecode/FlateDecode]", string(bomb))
}

func manyFilters() []byte {
	return streamTail("/Type/XRef/W[1 3 1]/Size 20/Root 1 0 R/Filter["+strings.Repeat("/ASCIIHexDecode", 100)+"]", "30>")
}

func deep(open, end string, n int) func() []byte {
	return func() []byte {
		f := honest(signing{})
		f.commit(revision{set: map[int]string{objCatalog: f.with(objCatalog, "/PieceInfo "+strings.Repeat(open, n)+" null "+strings.Repeat(end, n))}})
		return f.b
	}
}

func manySignatures() []byte {
	f := honest(signing{})
	set := map[int]string{}
	for i := range 150 {
		n, v := f.alloc(), f.alloc()
		f.fields = append(f.fields, n)
		set[n] = fmt.Sprintf("<</FT/Sig/T(s%d)/V %d 0 R>>", i, v)
		set[v] = "<</Type/Sig/ByteRange[0 1 2 3]/Contents<30>>>"
	}
	set[objAcroForm] = f.form()
	f.commit(revision{set: set})
	return f.b
}

func entities() []byte {
	var b strings.Builder
	b.WriteString("<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><!DOCTYPE x [<!ENTITY a0 'x'>")
	for i := range 20 {
		fmt.Fprintf(&b, "<!ENTITY a%d '%s'>", i+1, strings.Repeat(fmt.Sprintf("&a%d;", i), 10))
	}
	b.WriteString("]><x:xmpmeta xmlns:x='adobe:ns:meta/'>&a20;</x:xmpmeta><?xpacket end='w'?>")
	f := honest(signing{})
	n := f.alloc()
	f.commit(revision{set: map[int]string{n: stream("/Type/Metadata/Subtype/XML", b.String()), objCatalog: f.with(objCatalog, fmt.Sprintf("/Metadata %d 0 R", n))}})
	return f.b
}
