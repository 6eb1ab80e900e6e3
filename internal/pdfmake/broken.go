package pdfmake

import (
	"bytes"
	"fmt"
	"strings"
)

// Case is a file that must be refused: an error, never a crash, an endless
// loop or gigabytes of memory.
type Case struct {
	// Name is the file name without .pdf.
	Name string
	// What says which rule it breaks.
	What string
	// Rule is what the reader's error names: the Rule of a malformed file, or
	// the limit that was hit.
	Rule string
	// Open is true when opening must already fail; otherwise the fault comes
	// out when the page tree or the stream concerned is read.
	Open bool
	// Build returns its bytes.
	Build func() []byte
}

// Broken returns the malformed and hostile inputs.
func Broken() []Case {
	return append(brokenStructure(), bombs()...)
}

func brokenStructure() []Case {
	text := func(s string) func() []byte { return func() []byte { return []byte(s) } }
	good := func() string { return string(newDocument("1.4", "bad").flush(Table).Bytes()) }
	edit := func(old, with string) func() []byte {
		return func() []byte {
			if s := good(); strings.Contains(s, old) {
				return []byte(strings.Replace(s, old, with, 1))
			}
			panic("pdfmake: nothing to break: " + old)
		}
	}
	return []Case{
		{"empty", "no bytes at all", "header", true, text("")},
		{"not-a-pdf", "a text file", "header", true, text(strings.Repeat("Ini bukan PDF.\n", 40))},
		{"header-only", "nothing after the header", "startxref-missing", true, text("%PDF-1.7\n")},
		{"truncated", "cut off in the middle", "startxref-missing", true, func() []byte { b := good(); return []byte(b[:len(b)*2/3]) }},
		{"no-startxref", "no startxref at the end", "startxref-missing", true, edit("startxref", "startxxxx")},
		{"startxref-outside", "startxref beyond the end of the file", "startxref-range", true, func() []byte {
			s := good()
			return []byte(s[:strings.LastIndex(s, "startxref")] + "startxref\n99999999\n%%EOF\n")
		}},
		{"startxref-negative", "startxref below zero", "startxref", true, func() []byte {
			s := good()
			return []byte(s[:strings.LastIndex(s, "startxref")] + "startxref\n-1\n%%EOF\n")
		}},
		{"no-root", "trailer without Root", "trailer-root", true, edit("/Root ", "/Roof ")},
		{"root-not-a-dictionary", "Root is a number", "catalog", false, edit("<</Type /Catalog", "42 %e /Catalog")},
		{"prev-self", "Prev points at its own section", "xref-loop", true, func() []byte { return prev(good(), 0) }},
		{"prev-negative", "Prev below zero", "prev", true, func() []byte { return prev(good(), -5) }},
		{"prev-outside", "Prev beyond the end of the file", "prev", true, func() []byte { return prev(good(), 99999999) }},
		{"xref-loop", "two cross-reference sections that are each other's Prev", "xref-loop", true, xrefLoop},
		{"xref-wrong-number", "an entry that points at another object", "object-header", false, wrongOffsets},
		{"xref-entry-outside", "an entry beyond the end of the file", "object-offset", false, func() []byte {
			s := good()
			i := strings.Index(s, " 00000 n")
			return []byte(s[:i-10] + "0009999999" + s[i:])
		}},
		{"pages-loop", "a node of the page tree among its own kids", "page-loop", false, edit("/Kids [3 0 R]", "/Kids [2 0 R]")},
		{"length-loop", "a stream whose Length is the stream", "stream-length", false, lengthLoop},
		{"objstm-self", "an object stream that contains itself", "objstm-missing", false, objectStreamSelf},
		{"encrypt-unknown", "an unknown security handler", "encrypt-unsupported", true, func() []byte {
			return []byte(strings.Replace(good(), "/Root ", "/Encrypt<</Filter/Rahasia/V 4>>/Root ", 1))
		}},
		{"encrypt-version", "an unknown encryption version", "encrypt-unsupported", true, func() []byte {
			return []byte(strings.Replace(good(), "/Root ", "/Encrypt<</Filter/Standard/V 99/R 99/O<00>/U<00>/P -4>>/Root ", 1))
		}},
	}
}

// prev appends a trailer's Prev entry; 0 means the section itself.
func prev(s string, to int) []byte {
	if to == 0 {
		to = strings.LastIndex(s, "xref\n0 ")
	}
	return []byte(strings.Replace(s, "/Root ", fmt.Sprintf("/Prev %d/Root ", to), 1))
}

func xrefLoop() []byte {
	d := newDocument("1.4", "xref-loop").flush(Table)
	first := d.StartXRef()
	d.Trailer = Dict{"Prev": 1111111111}
	d.Set(d.Info, Dict{"Title": "dua"})
	d.Flush(Table)
	d.Trailer = Dict{"Prev": first}
	// The middle section gets the last one as its Prev.
	second := d.StartXRef()
	d.Set(d.Info, Dict{"Title": "tiga"})
	d.Trailer = Dict{"Prev": second}
	d.Flush(Table)
	return []byte(strings.Replace(string(d.Bytes()), "/Prev 1111111111", fmt.Sprintf("/Prev %010d", d.StartXRef()), 1))
}

// wrongOffsets swaps the offsets of the first two objects.
func wrongOffsets() []byte {
	b := newDocument("1.4", "xref-wrong-number").flush(Table).Bytes()
	i := bytes.LastIndex(b, []byte("65535 f \n")) + len("65535 f \n")
	first := string(b[i : i+20])
	copy(b[i:], b[i+20:i+40])
	copy(b[i+20:], first)
	return b
}

func lengthLoop() []byte {
	d := newDocument("1.4", "length-loop")
	body := d.Reserve()
	d.page["Contents"] = body
	d.Set(body, Raw(fmt.Sprintf("<</Length %d 0 R>>stream\nq Q\nendstream", int(body))))
	return d.flush(Table).Bytes()
}

func objectStreamSelf() []byte {
	f := New("1.5", "objstm-self")
	pages, self := f.Reserve(), f.Reserve()
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": pages})
	f.Set(self, Stream{Dict: Dict{"Type": Name("ObjStm"), "N": 1, "First": 4, "Extends": self}, Data: []byte("1 0 <</Type/Pages>>")})
	at := map[Ref]entry{0: {}, pages: {kind: 2, offset: int(self)}, self: {kind: 2, offset: int(self), index: 0}}
	f.out.WriteString("%PDF-1.5\n")
	at[f.Root] = entry{kind: 1, offset: f.out.Len()}
	f.writePlain(f.Root, f.pending[f.Root])
	x := f.Reserve()
	start := f.out.Len()
	at[x] = entry{kind: 1, offset: start}
	f.writeXRefStream(x, at, f.trailer())
	fmt.Fprintf(&f.out, "startxref\n%d\n%%%%EOF\n", start)
	return f.Bytes()
}

// bombs are small files that ask for much.
func bombs() []Case {
	return []Case{
		{"size-2-31", "trailer with Size 2147483648 and a subsection of as many entries", "xref-subsection", true, func() []byte {
			s := string(newDocument("1.4", "size").flush(Table).Bytes())
			i := strings.Index(s, "xref\n0 ")
			j := i + len("xref\n0 ")
			k := j + strings.IndexByte(s[j:], '\n')
			s = s[:j] + "2147483648" + s[k:]
			return []byte(strings.Replace(s, "/Size ", "/Size 2147483648/OldSize ", 1))
		}},
		{"xref-index-huge", "cross-reference stream with an Index of 2147483647 entries", "xref-stream-index", true, func() []byte {
			return rawXRefStream("/Index[0 2147483647]/W[1 4 2]/Size 2147483647", make([]byte, 70))
		}},
		{"xref-width-huge", "cross-reference stream with fields of a thousand million bytes", "xref-stream-w", true, func() []byte {
			return rawXRefStream("/W[1 1000000000 1000000000]/Size 4", make([]byte, 70))
		}},
		{"xref-flate-bomb", "cross-reference stream that inflates to 64 MiB", "StreamRatio", true, func() []byte {
			bomb := Deflate(Deflate(make([]byte, 64<<20)))
			return rawXRefStream("/W[1 4 2]/Size 900000/Filter[/FlateDecode/FlateDecode]", bomb)
		}},
		{"objstm-flate-bomb", "object stream that inflates to 64 MiB", "StreamRatio", false, objectStreamBomb},
		{"nesting-array", "the catalog is 30,000 arrays inside each other", "Depth", false, func() []byte { return nested("[", "]", 30000) }},
		{"nesting-dict", "the catalog is 10,000 dictionaries inside each other", "Depth", false, func() []byte { return nested("<</A", ">>", 10000) }},
		{"filters-1000", "object stream under a thousand filters", "Filters", false, manyFilters},
		{"pages-deep", "a page tree 5,000 nodes deep", "PageDepth", false, deepPages},
		{"revisions-1000", "a thousand empty revisions", "Revisions", true, manyRevisions},
		{"predictor-huge", "cross-reference stream with a predictor of 2147483647 columns", "predictor", true, func() []byte {
			return rawXRefStream("/W[1 4 2]/Size 4/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2147483647>>", Deflate(make([]byte, 70)))
		}},
	}
}

// rawXRefStream is a file whose only object is a cross-reference stream.
func rawXRefStream(entries string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	start := b.Len()
	fmt.Fprintf(&b, "1 0 obj\n<</Type/XRef/Root 2 0 R%s/Length %d>>\nstream\n%s\nendstream\nendobj\n", entries, len(data), data)
	fmt.Fprintf(&b, "startxref\n%d\n%%%%EOF\n", start)
	return b.Bytes()
}

// withCompressedPages is a file whose page tree stands in the given object
// stream.
func withCompressedPages(name, dict string, data []byte) []byte {
	f := New("1.5", name)
	pages, container := f.Reserve(), f.Reserve()
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": pages})
	f.out.WriteString("%PDF-1.5\n")
	at := map[Ref]entry{0: {}, pages: {kind: 2, offset: int(container)}, f.Root: {kind: 1, offset: f.out.Len()}}
	f.writePlain(f.Root, f.pending[f.Root])
	at[container] = entry{kind: 1, offset: f.out.Len()}
	fmt.Fprintf(&f.out, "%d 0 obj\n<</Type/ObjStm/N 1/First 4%s/Length %d>>\nstream\n%s\nendstream\nendobj\n", int(container), dict, len(data), data)
	x := f.Reserve()
	start := f.out.Len()
	at[x] = entry{kind: 1, offset: start}
	f.writeXRefStream(x, at, f.trailer())
	fmt.Fprintf(&f.out, "startxref\n%d\n%%%%EOF\n", start)
	return f.Bytes()
}

func objectStreamBomb() []byte {
	data := append([]byte("1 0 <</Type/Pages/Kids[]/Count 0>>"), make([]byte, 64<<20)...)
	return withCompressedPages("objstm-flate-bomb", "/Filter[/FlateDecode/FlateDecode]", Deflate(Deflate(data)))
}

func manyFilters() []byte {
	return withCompressedPages("filters-1000", "/Filter["+strings.Repeat("/ASCIIHexDecode", 1000)+"]", []byte("31>"))
}

// nested puts a deep object in the place of the catalog.
func nested(open, end string, depth int) []byte {
	f := New("1.4", "nesting")
	f.Root = f.Add(Raw(strings.Repeat(open, depth) + " null " + strings.Repeat(end, depth)))
	f.Flush(Table)
	return f.Bytes()
}

func deepPages() []byte {
	f := New("1.5", "pages-deep")
	first := f.Reserve()
	node := first
	for range 5000 {
		next := f.Reserve()
		f.Set(node, Dict{"Type": Name("Pages"), "Kids": Array{next}, "Count": 1})
		node = next
	}
	f.Set(node, Dict{"Type": Name("Page"), "MediaBox": Array{0, 0, 595, 842}})
	f.Root = f.Add(Dict{"Type": Name("Catalog"), "Pages": first})
	f.Flush(ObjectStreams)
	return f.Bytes()
}

func manyRevisions() []byte {
	d := newDocument("1.4", "revisions-1000").flush(Table)
	var b bytes.Buffer
	b.Write(d.Bytes())
	last := d.StartXRef()
	for range 1000 {
		at := b.Len()
		fmt.Fprintf(&b, "xref\n0 0\ntrailer<</Size 7/Root 1 0 R/Prev %d>>startxref\n%d\n%%%%EOF\n", last, at)
		last = at
	}
	return b.Bytes()
}
