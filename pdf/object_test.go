package pdf_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
	"pgregory.net/rapid"
)

func sectionOf(d *pdf.Document) io.Reader { return io.NewSectionReader(d.ReaderAt(), 0, d.Size()) }

// parseOne reads text as object 6 of a small file.
func parseOne(t testing.TB, text string) (pdf.Object, error) {
	t.Helper()
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.obj(6, text)
	b.table("")
	return open(t, b.Bytes()).Latest().Object(pdf.Ref{Num: 6})
}

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want pdf.Object // nil: error
	}{
		{"null", pdf.Null{}},
		{"true", pdf.Boolean(true)},
		{"-17", pdf.Integer(-17)},
		{"+17", pdf.Integer(17)},
		{"007", pdf.Integer(7)},
		{"9223372036854775807", pdf.Integer(math.MaxInt64)},
		{"9223372036854775808", nil},
		{"4.", pdf.Real(4)},
		{"-.002", pdf.Real(-.002)},
		{"1.2.3", nil},
		{"--5", nil},
		{"1e5", nil},
		{"+", nil},
		{"(a(b)c)", pdf.String("a(b)c")},
		{`(\n\r\t\b\f\(\)\\\x)`, pdf.String("\n\r\t\b\f()\\x")},
		{`(\0053\53\5a\400)`, pdf.String("\0053+\005a\x00")},
		{"(a\\\nb\\\r\nc\rd\r\ne)", pdf.String("abc\nd\ne")},
		{"(open", nil},
		{"<48 65\n6c6C6>", pdf.String("Hell`")},
		{"<4x>", nil},
		{"/A#20B#2", pdf.Name("A B#2")},
		{"/", pdf.Name("")},
		{"[]", pdf.Array{}},
		{"[1 0 R 2 3 4 0 R]", pdf.Array{pdf.Ref{Num: 1}, pdf.Integer(2), pdf.Integer(3), pdf.Ref{Num: 4}}},
		{"[1 0 Rx]", nil},
		{"[/A/B(c)<64>%x\n1]", pdf.Array{pdf.Name("A"), pdf.Name("B"), pdf.String("c"), pdf.String("d"), pdf.Integer(1)}},
		{"<</A 1/B<</C[2]>>>>", pdf.Dict{"A": pdf.Integer(1), "B": pdf.Dict{"C": pdf.Array{pdf.Integer(2)}}}},
		{"<</A 1/A 2>>", pdf.Dict{"A": pdf.Integer(2)}},
		{"<</A>>", nil},
		{"<<1 2>>", nil},
		{"<</A 1", nil},
		{"[1 2", nil},
		{"[1 >>", nil},
		{strings.Repeat("[", 101) + strings.Repeat("]", 101), nil},
		{"foo", nil},
		{"}", nil},
	}
	for _, tt := range tests {
		got, err := parseOne(t, tt.in)
		if tt.want == nil {
			if err == nil {
				t.Errorf("parse(%.40q) = %v, want an error", tt.in, got)
			} else {
				checkTyped(t, err)
			}
		} else if err != nil || !pdf.Equal(got, tt.want) {
			t.Errorf("parse(%q) = %#v, %v; want %#v", tt.in, got, err, tt.want)
		}
	}
}

// TestLargeObject reads an object longer than the first window of a file that
// is not held in memory.
func TestLargeObject(t *testing.T) {
	b := newBuilder("%PDF-1.4\n")
	b.body()
	want := make(pdf.Array, 50_000)
	for i := range want {
		want[i] = pdf.Integer(i * 7)
	}
	b.obj(6, string(pdf.Format(nil, want)))
	b.stream(7, "", bytes.Repeat([]byte("x"), 2<<20))
	b.table("")
	got, err := open(t, b.Bytes()).Latest().Object(pdf.Ref{Num: 6})
	if err != nil || !pdf.Equal(got, want) {
		t.Errorf("array of 50,000 numbers: %v", err)
	}
}

// TestItemLimit stops at an object that would take too much memory.
func TestItemLimit(t *testing.T) {
	_, err := parseOne(t, "["+strings.Repeat("0 ", 300_000)+"]")
	if ruleOf(err) != "ObjectItems" {
		t.Errorf("error %v, want the limit ObjectItems", err)
	}
}

func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyObject(4).Draw(rt, "object")
		text := string(pdf.Format(nil, want))
		got, err := parseOne(t, text)
		if err != nil || !pdf.Equal(got, want) {
			rt.Fatalf("parse(%q) = %v, %v; want %v", text, got, err, want)
		}
		if !pdf.Equal(pdf.Clone(want), want) {
			rt.Fatalf("Clone(%v) differs", want)
		}
	})
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		in   pdf.Object
		want string
	}{
		{nil, "null"},
		{pdf.Dict{"B": pdf.Integer(1), "Type": pdf.Name("X"), "A": pdf.String("a)"), "N": pdf.Null{}}, `<</Type/X/A(a\))/B 1>>`},
		{pdf.Name("A B#/\x00é"), "/A#20B#23#2F#00#C3#A9"},
		{pdf.String("\r\xff"), "<0DFF>"},
		{pdf.Real(5), "5.0"},
		{pdf.Real(1e-7), "0.0000001"},
		{pdf.Real(math.NaN()), "0.0"},
		{pdf.Real(math.Inf(1)), "0.0"},
		{pdf.Array{pdf.Ref{Num: 1}, pdf.Boolean(true)}, "[1 0 R true]"},
		{pdf.NewStream(pdf.Dict{"Length": pdf.Integer(1)}, []byte("x")), "<</Length 1>>\nstream\nx\nendstream"},
	} {
		if got := string(pdf.Format(nil, tt.in)); got != tt.want {
			t.Errorf("Format(%#v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestEqual(t *testing.T) {
	s := func(data string) *pdf.Stream { return pdf.NewStream(pdf.Dict{"A": pdf.Integer(1)}, []byte(data)) }
	for _, tt := range []struct {
		a, b pdf.Object
		want bool
	}{
		{nil, pdf.Null{}, true},
		{pdf.Integer(1), pdf.Real(1), false},
		{pdf.String("a"), pdf.Name("a"), false},
		{pdf.Dict{"A": pdf.Null{}}, pdf.Dict{}, true},
		{pdf.Dict{}, pdf.Dict{"A": pdf.Integer(1)}, false},
		{pdf.Dict{}, pdf.Array{}, false},
		{pdf.Integer(1), pdf.Array{}, false},
		{pdf.Array{pdf.Integer(1)}, pdf.Array{pdf.Integer(1)}, true},
		{pdf.Array{pdf.Integer(1)}, pdf.Array{}, false},
		{s("x"), s("x"), true},
		{s("x"), s("y"), false},
	} {
		if pdf.Equal(tt.a, tt.b) != tt.want || pdf.Equal(tt.b, tt.a) != tt.want {
			t.Errorf("Equal(%v, %v) = %v, want %v", tt.a, tt.b, !tt.want, tt.want)
		}
	}
}

// TestEqualStreams compares streams of two files, and of one file in two
// revisions.
func TestEqualStreams(t *testing.T) {
	read := func(data []byte) pdf.Object {
		o, err := open(t, data).Latest().Object(pdf.Ref{Num: 4})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	a, b := read(tableFile()), read(hybridFile())
	c := read(bytes.Replace(tableFile(), []byte("Contoh"), []byte("contoh"), 1))
	if !pdf.Equal(a, a) || !pdf.Equal(a, b) || pdf.Equal(a, c) {
		t.Errorf("Equal: itself %v, same bytes %v, other bytes %v; want true true false", pdf.Equal(a, a), pdf.Equal(a, b), pdf.Equal(a, c))
	}
	if n := pdf.NewStream(pdf.Dict{"Length": pdf.Integer(len(content))}, []byte(content)); !pdf.Equal(a, n) {
		t.Error("a stream does not equal a new one with its bytes")
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in   pdf.String
		want string
	}{
		{"Contoh", "Contoh"},
		{"\x8dBupati\x8e \xa0 \xe9", "“Bupati” € é"},
		{"\xfe\xff\x00A\x20\xac\xd8\x3d\xde\x00", "A€😀"},
		{"\xff\xfeA\x00", "A"},
		{"\xef\xbb\xbfé", "é"},
		{"\xef\xbb\xbf\xff", "\uFFFD"},
		{"\xfe\xff\x00A\x00", "A\uFFFD"},
		{"\xfe\xff\x00\x1b\x00i\x00d\x00\x1b\x00A", "A"},
		{"\x7f", "\uFFFD"},
	} {
		if got := pdf.Text(tt.in); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		want := strings.ReplaceAll(rapid.String().Draw(rt, "text"), "\x1b", "")
		if got := pdf.Text(pdf.EncodeText(want)); got != want {
			rt.Fatalf("Text(EncodeText(%q)) = %q", want, got)
		}
	})
}

func TestFilters(t *testing.T) {
	lzw := []byte{0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01} // the example of §7.4.4.2
	tests := []struct {
		name, dict string
		in         string
		want       string
		rule       string
	}{
		{"none", "", "abc", "abc", ""},
		{"flate", "/Filter/FlateDecode", string(deflate([]byte("abc"))), "abc", ""},
		{"flate, array", "/Filter[/FlateDecode]/DecodeParms[null]", string(deflate([]byte("abc"))), "abc", ""},
		{"flate, wrong checksum", "/Filter/FlateDecode", string(deflate([]byte("abc"))[:len(deflate([]byte("abc")))-4]) + "XXXX", "abc", ""},
		{"flate, cut", "/Filter/FlateDecode", string(deflate([]byte("abcdefgh"))[:6]), "", "flate"},
		{"flate, no zlib", "/Filter/FlateDecode", "abc", "", "flate-header"},
		{"hex", "/Filter/ASCIIHexDecode", "61 62\n637>", "abcp", ""},
		{"hex, bad", "/Filter/ASCIIHexDecode", "61x>", "", "asciihex"},
		{"base 85", "/Filter/ASCII85Decode", "9jqo^ BlbD-\nz~>", "Man is d\x00\x00\x00\x00", ""},
		{"base 85, part", "/Filter/ASCII85Decode", "9jqo^Bl~>", "Man i", ""},
		{"base 85, one character", "/Filter/ASCII85Decode", "9~>", "", "ascii85"},
		{"base 85, too large", "/Filter/ASCII85Decode", "uuuuu~>", "", "ascii85"},
		{"run length", "/Filter/RunLengthDecode", "\x02abc\xfed\x80", "abcddd", ""},
		{"run length, cut", "/Filter/RunLengthDecode", "\x05ab", "", "runlength"},
		{"LZW", "/Filter/LZWDecode", string(lzw), "-----A---B", ""},
		{"LZW, bad code", "/Filter/LZWDecode", "\xff\xff\xff", "", "lzw"},
		{"two filters", "/Filter[/ASCIIHexDecode/RunLengthDecode]", "026162 6380>", "abc", ""},
		{"five filters", "/Filter[/ASCIIHexDecode/ASCIIHexDecode/ASCIIHexDecode/ASCIIHexDecode/ASCIIHexDecode]", ">", "", "Filters"},
		{"unknown", "/Filter/DCTDecode", "x", "", "filter-unsupported"},
		{"no name", "/Filter 1", "x", "", "filter"},
		{"PNG sub", "/Filter/FlateDecode/DecodeParms<</Predictor 11/Columns 3>>", string(deflate([]byte{1, 1, 1, 1, 1, 2, 2, 2})), "\x01\x02\x03\x02\x04\x06", ""},
		{"PNG up", "/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2>>", string(deflate([]byte{2, 1, 2, 2, 1, 1})), "\x01\x02\x02\x03", ""},
		{"PNG average", "/Filter/FlateDecode/DecodeParms<</Predictor 13/Columns 2>>", string(deflate([]byte{0, 4, 8, 3, 1, 1})), "\x04\x08\x03\x06", ""},
		{"PNG Paeth", "/Filter/FlateDecode/DecodeParms<</Predictor 14/Columns 2>>", string(deflate([]byte{0, 4, 8, 4, 1, 1})), "\x04\x08\x05\x09", ""},
		{"PNG bad tag", "/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns 2>>", string(deflate([]byte{9, 4, 8})), "", "predictor"},
		{"TIFF", "/Filter/FlateDecode/DecodeParms<</Predictor 2/Columns 3>>", string(deflate([]byte{1, 1, 1, 5, 1, 1})), "\x01\x02\x03\x05\x06\x07", ""},
		{"huge columns", "/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2147483647>>", string(deflate(nil)), "", "predictor"},
		{"bomb", "/Filter/FlateDecode", string(deflate(make([]byte, 1<<20))), "", "max"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := parseOne(t, fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", tt.dict, len(tt.in), tt.in))
			if err != nil {
				t.Fatal(err)
			}
			r := open(t, tableFile()).Latest()
			got, err := r.StreamData(o.(*pdf.Stream), 10_000)
			if tt.rule != "" {
				if ruleOf(err) != tt.rule {
					t.Errorf("error %v, want %s", err, tt.rule)
				}
			} else if err != nil || string(got) != tt.want {
				t.Errorf("data %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestLength lists what /Length may be.
func TestLength(t *testing.T) {
	tests := []struct{ name, length, rule string }{
		{"direct", "3", ""},
		{"indirect", "7 0 R", ""},
		{"too long", "5", "stream-length"},
		{"too short", "2", "stream-length"},
		{"its own", "6 0 R", "stream-length"},
		{"absent object", "99 0 R", "stream-length"},
		{"huge", "9223372036854775807", "stream-length"},
		{"negative", "-1", "stream-length"},
		{"name", "/X", "stream-length"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder("%PDF-1.4\n")
			b.body()
			b.obj(6, "<</Length "+tt.length+">>\nstream\nabc\nendstream")
			b.obj(7, "3")
			b.table("")
			r := open(t, b.Bytes()).Latest()
			o, err := r.Object(pdf.Ref{Num: 6})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.StreamData(o.(*pdf.Stream), 100)
			if tt.rule != "" {
				if ruleOf(err) != tt.rule {
					t.Errorf("data %q, error %v; want %s", got, err, tt.rule)
				}
			} else if string(got) != "abc" || err != nil {
				t.Errorf("data %q, %v; want abc", got, err)
			}
		})
	}
}

// TestObjectStreamAttacks lists object streams that are not what they say.
func TestObjectStreamAttacks(t *testing.T) {
	tests := []struct {
		name, dict, data string
		container, index int
		rule             string
	}{
		{"good", "/Type/ObjStm/N 1/First 4", "8 0 null", 6, 0, "none"},
		{"wrong number", "/Type/ObjStm/N 1/First 4", "9 0 null", 6, 0, "objstm-index"},
		{"wrong index", "/Type/ObjStm/N 1/First 4", "8 0 null", 6, 1, "objstm-index"},
		{"no object stream", "/N 1/First 4", "8 0 null", 6, 0, "objstm-type"},
		{"N too large", "/Type/ObjStm/N 1000000/First 4", "8 0 null", 6, 0, "objstm-header"},
		{"offset beyond", "/Type/ObjStm/N 1/First 5", "8 99 null", 6, 0, "objstm-header"},
		{"First beyond", "/Type/ObjStm/N 1/First 99", "8 0 null", 6, 0, "objstm-header"},
		{"in itself", "/Type/ObjStm/N 1/First 4", "8 0 null", 8, 0, "objstm-missing"},
		{"container absent", "/Type/ObjStm/N 1/First 4", "8 0 null", 77, 0, "objstm-missing"},
		{"container is no stream", "/Type/ObjStm/N 1/First 4", "8 0 null", 5, 0, "objstm-type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder("%PDF-1.5\n")
			b.body()
			b.stream(6, tt.dict, []byte(tt.data))
			b.size = 9
			b.xrefStream(9, "", map[int][2]int{8: {tt.container, tt.index}})
			_, err := open(t, b.Bytes()).Latest().Object(pdf.Ref{Num: 8})
			if got := ruleOf(err); got != tt.rule {
				t.Errorf("error %v, want %s", err, tt.rule)
			}
		})
	}
}

// TestBombs opens streams that decode to far more than they are.
func TestBombs(t *testing.T) {
	b := newBuilder("%PDF-1.5\n")
	b.body()
	b.stream(6, "/Type/ObjStm/N 1/First 4/Filter/FlateDecode", deflate(append([]byte("8 0 null"), make([]byte, 8<<20)...)))
	b.size = 9
	b.xrefStream(9, "", map[int][2]int{8: {6, 0}})
	_, err := open(t, b.Bytes()).Latest().Object(pdf.Ref{Num: 8})
	if ruleOf(err) != "StreamRatio" {
		t.Errorf("object stream: %v, want the limit StreamRatio", err)
	}
	zeros := deflate(make([]byte, 7*5_000_000))
	x := fmt.Appendf(nil, "%%PDF-1.5\n1 0 obj\n<</Type/XRef/Root 1 0 R/Size 5000000/W[1 4 2]/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n9\n%%%%EOF\n", len(zeros), zeros)
	_, err = pdf.Open(bytes.NewReader(x), int64(len(x)), pdf.Options{})
	if ruleOf(err) != "Objects" {
		t.Errorf("cross-reference stream: %v, want the limit Objects", err)
	}
}
