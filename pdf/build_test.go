package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// builder writes small files of every kind by hand, so that the reader is not
// tested against our own writer.
type builder struct {
	bytes.Buffer
	offs map[int]int
	prev int
	size int
}

func newBuilder(header string) *builder {
	b := &builder{offs: make(map[int]int), prev: -1}
	b.WriteString(header)
	return b
}

// obj writes an object and notes where.
func (b *builder) obj(num int, body string) {
	b.offs[num] = b.Len()
	b.size = max(b.size, num+1)
	fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", num, body)
}

func (b *builder) stream(num int, dict string, data []byte) {
	b.obj(num, fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data))
}

// table closes a revision with a cross-reference table over the objects since
// the last one.
func (b *builder) table(extra string) {
	at := b.Len()
	b.WriteString("xref\n")
	if b.prev < 0 {
		b.WriteString("0 1\n0000000000 65535 f \n")
	}
	for n := 0; n < b.size; n++ {
		if off, ok := b.offs[n]; ok {
			fmt.Fprintf(b, "%d 1\n%010d 00000 n \n", n, off)
		}
	}
	if b.prev >= 0 {
		extra += fmt.Sprintf("/Prev %d", b.prev)
	}
	fmt.Fprintf(b, "trailer\n<</Root 1 0 R/Size %d%s>>\n", b.size, extra)
	b.end(at)
}

func (b *builder) end(at int) {
	fmt.Fprintf(b, "startxref\n%d\n%%%%EOF\n", at)
	b.prev = at
	b.offs = make(map[int]int)
}

// xrefStream closes a revision with a compressed cross-reference stream that
// uses a predictor; compressed maps numbers to container and index.
func (b *builder) xrefStream(num int, extra string, compressed map[int][2]int) {
	at := b.Len()
	b.offs[num] = at
	b.size = max(b.size, num+1)
	var rows bytes.Buffer
	up := make([]byte, 7)
	index := "/Index["
	for n := 0; n < b.size; n++ {
		if _, direct := b.offs[n]; !direct && compressed[n] == [2]int{} && b.prev >= 0 {
			continue
		}
		index += fmt.Sprintf("%d 1 ", n)
		row := make([]byte, 7)
		if off, ok := b.offs[n]; ok {
			copy(row, []byte{1, byte(off >> 24), byte(off >> 16), byte(off >> 8), byte(off)})
		} else if c, ok := compressed[n]; ok {
			copy(row, []byte{2, 0, 0, byte(c[0] >> 8), byte(c[0]), byte(c[1] >> 8), byte(c[1])})
		}
		rows.WriteByte(2)
		for i := range row {
			rows.WriteByte(row[i] - up[i])
		}
		up = row
	}
	extra += index + "]"
	if b.prev >= 0 {
		extra += fmt.Sprintf("/Prev %d", b.prev)
	}
	data := deflate(rows.Bytes())
	fmt.Fprintf(b, "%d 0 obj\n<</Type/XRef/Root 1 0 R/Size %d/W[1 4 2]/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 7>>/Length %d%s>>\nstream\n%s\nendstream\nendobj\n",
		num, b.size, len(data), extra, data)
	b.end(at)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

const content = "BT /F1 12 Tf 72 720 Td (Kabupaten Contoh) Tj ET"

// body writes a document of one page as objects 1 to 5.
func (b *builder) body() {
	b.obj(1, "<</Type/Catalog/Pages 2 0 R>>")
	b.obj(2, "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>")
	b.obj(3, "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>")
	b.stream(4, "", []byte(content))
	b.obj(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
}

// tableFile is one page with a table.
func tableFile() []byte {
	b := newBuilder("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	b.body()
	b.table("")
	return b.Bytes()
}

// streamFile has objects 1, 2, 3 and 5 in an object stream.
func streamFile() []byte {
	b := newBuilder("%PDF-1.7\n")
	b.stream(4, "", []byte(content))
	parts := []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>",
		"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	}
	var head, data strings.Builder
	for i, n := range []int{1, 2, 3, 5} {
		fmt.Fprintf(&head, "%d %d ", n, data.Len())
		data.WriteString(parts[i] + " ")
	}
	z := deflate([]byte(head.String() + data.String()))
	b.stream(6, fmt.Sprintf("/Type/ObjStm/N 4/First %d/Filter/FlateDecode", head.Len()), z)
	b.xrefStream(7, "/ID[(satu)(dua)]", map[int][2]int{1: {6, 0}, 2: {6, 1}, 3: {6, 2}, 5: {6, 3}})
	return b.Bytes()
}

// mixedFile has a table in its base and a stream in its update.
func mixedFile() []byte {
	b := newBuilder("%PDF-1.5\n")
	b.body()
	b.table("")
	b.obj(5, "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>")
	b.xrefStream(6, "", nil)
	return b.Bytes()
}

// hybridFile hides object 5 from readers that know no streams.
func hybridFile() []byte {
	b := newBuilder("%PDF-1.5\n")
	b.body()
	five := b.offs[5]
	stm := b.Len()
	fmt.Fprintf(b, "6 0 obj\n<</Type/XRef/Size 7/W[1 4 0]/Index[5 1]/Filter/ASCIIHexDecode/Length 11>>\nstream\n01%08X>\nendstream\nendobj\n", five)
	at := b.Len()
	b.WriteString("xref\n0 7\n0000000005 65535 f \n")
	for n := 1; n < 5; n++ {
		fmt.Fprintf(b, "%010d 00000 n \n", b.offs[n])
	}
	fmt.Fprintf(b, "0000000000 00001 f \n%010d 00000 n \ntrailer\n<</Root 1 0 R/Size 7/XRefStm %d>>\n", stm, stm)
	b.size = 7
	b.end(at)
	return b.Bytes()
}

// kinds are well-formed files of every kind of cross-reference data.
func kinds() map[string][]byte {
	return map[string][]byte{"table": tableFile(), "stream": streamFile(), "hybrid": hybridFile(), "mixed": mixedFile()}
}

func open(t testing.TB, b []byte) *pdf.Document {
	t.Helper()
	d, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return d
}
