package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// replace returns b with the first old replaced, which must be there.
func replace(t testing.TB, b []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("test file has no %q", old)
	}
	return bytes.Replace(b, []byte(old), []byte(new), 1)
}

func rules(list []pdf.Anomaly) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Rule)
	}
	return strings.Join(out, " ")
}

func TestKinds(t *testing.T) {
	want := map[string]struct {
		kind pdf.XRefKind
		revs int
		font pdf.Name
	}{
		"table":  {pdf.XRefTable, 1, "Helvetica"},
		"stream": {pdf.XRefStream, 1, "Helvetica"},
		"hybrid": {pdf.XRefHybrid, 1, "Helvetica"},
		"mixed":  {pdf.XRefStream, 2, "Times-Roman"},
	}
	for name, data := range kinds() {
		t.Run(name, func(t *testing.T) {
			d := open(t, data)
			if got := d.Anomalies(); len(got) != 0 {
				t.Errorf("anomalies %v, want none", got)
			}
			w := want[name]
			if got := d.Latest().XRefKind(); got != w.kind || len(d.Revisions()) != w.revs {
				t.Errorf("kind %v, %d revisions; want %v, %d", got, len(d.Revisions()), w.kind, w.revs)
			}
			checkTiling(t, d)
			o, err := d.Latest().Object(pdf.Ref{Num: 5})
			if err != nil {
				t.Fatal(err)
			}
			if got := o.(pdf.Dict)["BaseFont"]; got != w.font {
				t.Errorf("font %v, want %v", got, w.font)
			}
			for _, r := range d.Revisions() {
				if got, err := r.Audit(); err != nil || len(got) != 0 {
					t.Errorf("audit of revision %d: %v, %v; want nothing", r.Index(), got, err)
				}
			}
			checkPage(t, d)
		})
	}
}

// checkPage reads the only page and its contents.
func checkPage(t *testing.T, d *pdf.Document) {
	t.Helper()
	r := d.Latest()
	n, err := r.PageCount()
	if n != 1 || err != nil {
		t.Errorf("PageCount = %d, %v; want 1", n, err)
	}
	ref, page, err := r.Page(0)
	if err != nil || ref.Num != 3 {
		t.Fatalf("Page(0) = %v, %v; want 3 0", ref, err)
	}
	if _, _, err := r.Page(1); err == nil {
		t.Error("Page(1) of a document with one page: no error")
	}
	box, err := r.PageAttr(page, "MediaBox")
	if want := (pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(595), pdf.Integer(842)}); err != nil || !pdf.Equal(box, want) {
		t.Errorf("MediaBox = %v, %v; want %v", box, err, want)
	}
	s, ok, err := pdf.Lookup[*pdf.Stream](r, page, "Contents")
	if !ok || err != nil {
		t.Fatalf("Contents: %v, %v", ok, err)
	}
	data, err := r.StreamData(s, 1000)
	if err != nil || string(data) != content {
		t.Errorf("contents %q, %v; want %q", data, err, content)
	}
}

// TestOldRevision checks that a revision does not see later ones.
func TestOldRevision(t *testing.T) {
	d := open(t, mixedFile())
	o, err := d.Revisions()[0].Object(pdf.Ref{Num: 5})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.(pdf.Dict)["BaseFont"]; got != pdf.Name("Helvetica") {
		t.Errorf("font of the first revision %v, want Helvetica", got)
	}
}

// TestTolerated lists what real files get wrong and Open puts up with.
func TestTolerated(t *testing.T) {
	good := tableFile()
	xref := bytes.Index(good, []byte("xref\n"))
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"startxref points at white space before", replace(t, good, fmt.Sprintf("startxref\n%d", xref), fmt.Sprintf("startxref\n%d", xref-1)), "xref-offset startxref-offset"},
		{"startxref points into the keyword", replace(t, good, fmt.Sprintf("startxref\n%d", xref), fmt.Sprintf("startxref\n%d", xref+1)), "xref-offset startxref-offset"},
		{"entries of 19 bytes", bytes.ReplaceAll(good, []byte(" n \n"), []byte(" n\n")), "xref-entry-form xref-entry-form xref-entry-form xref-entry-form xref-entry-form"},
		{"white space after the end", append(bytes.Clone(good), "\n\n "...), "space-after-eof"},
		{"junk after the end", append(bytes.Clone(good), "\nPK\x03\x04"...), "junk-after-eof"},
		{"no %%EOF", replace(t, good, "%%EOF\n", ""), "eof-missing"},
		{"wrong Size", replace(t, good, "/Size 6", "/Size 3"), "trailer-size"},
		{"Prev 0 in the first revision", replace(t, good, "/Size 6", "/Size 6/Prev 0"), "prev-zero"},
		{"Size that shrinks to what is used", shrunk(6), "trailer-size-shrunk"},
		{"Size that shrinks to less", shrunk(5), "trailer-size"},
		{"key twice in the trailer", replace(t, good, "/Size 6", "/Size 6/ID 0/ID 1"), "dict-duplicate-key"},
		{"key and value twice in the trailer", replace(t, good, "/Size 6", "/Size 6/Size 6"), ""},
		{"comment before startxref", replace(t, good, "startxref", "%iText\nstartxref"), ""},
		{"entry twice", replace(t, good, "trailer", "5 1\n0000000015 00000 n \ntrailer"), "xref-duplicate"},
		{"subsection counted from 1", replace(t, good, "xref\n0 1\n", "xref\n1 1\n"), "xref-first-object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, tt.data)
			if got := rules(d.Anomalies()); got != tt.want {
				t.Errorf("anomalies %q, want %q", got, tt.want)
			}
			checkPage(t, d)
		})
	}
}

// TestMalformed lists what Open refuses: each would need guessing, or is an
// attack (group X of testdata/attacks).
func TestMalformed(t *testing.T) {
	good := tableFile()
	xref := bytes.Index(good, []byte("xref\n"))
	tests := []struct {
		name string
		data []byte
		want string // rule or limit
	}{
		{"empty", nil, "header"},
		{"no PDF", []byte("PK\x03\x04 hello"), "header"},
		{"PostScript", []byte("%!PS-Adobe-3.0\n"), "header"},
		{"header in lower case", replace(t, good, "%PDF-", "%pdf-"), "header"},
		{"truncated", good[:len(good)-40], "startxref-missing"},
		{"startxref is no number", replace(t, good, fmt.Sprintf("startxref\n%d", xref), "startxref\nabc"), "startxref"},
		{"startxref beyond the end", replace(t, good, fmt.Sprintf("startxref\n%d", xref), "startxref\n99999999"), "startxref-range"},
		{"startxref at an object", replace(t, good, fmt.Sprintf("startxref\n%d", xref), "startxref\n15"), "xref-missing"},
		{"startxref at trailer", replace(t, good, fmt.Sprintf("startxref\n%d", xref), fmt.Sprintf("startxref\n%d", bytes.Index(good, []byte("trailer")))), "xref-missing"},
		{"loop", replace(t, good, "/Size 6", fmt.Sprintf("/Size 6/Prev %d", xref)), "prev-forward|xref-loop"},
		{"negative Prev", replace(t, good, "/Size 6", "/Size 6/Prev -1"), "prev"},
		{"Prev is a name", replace(t, good, "/Size 6", "/Size 6/Prev/X"), "prev"},
		{"Prev beyond the end", replace(t, good, "/Size 6", "/Size 6/Prev 999999"), "prev"},
		{"entry type", bytes.Replace(good, []byte("00000 n"), []byte("00000 N"), 1), "xref-entry"},
		{"entry type 2", bytes.Replace(good, []byte("00000 n"), []byte("00000 x"), 1), "xref-entry"},
		{"count too large", replace(t, good, "0 1\n", "0 2\n"), "xref-entry"},
		{"huge number", replace(t, good, "0 1\n", "2147483648 1\n"), "xref-subsection"},
		{"huge count", replace(t, good, "0 1\n", "0 8000000\n"), "Objects"},
		{"no Root", replace(t, good, "/Root 1 0 R", ""), "trailer-root"},
		{"Root is no reference", replace(t, good, "/Root 1 0 R", "/Root 1"), "trailer-root"},
		{"huge Size", replace(t, good, "/Size 6", "/Size 2147483648"), "trailer-size"},
		{"negative Size", replace(t, good, "/Size 6", "/Size -1"), "trailer-size"},
		{"nested trailer", replace(t, good, "/Size 6", "/Size 6/X "+strings.Repeat("[", 5000)), "Depth"},
		{"encryption unknown", replace(t, good, "/Size 6", "/Size 6/Encrypt<</Filter/Foo>>"), "encrypt-unsupported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pdf.Open(bytes.NewReader(tt.data), int64(len(tt.data)), pdf.Options{})
			got := ruleOf(err)
			for _, w := range strings.Split(tt.want, "|") {
				if got == w {
					return
				}
			}
			t.Errorf("error %v (%s), want %s", err, got, tt.want)
		})
	}
}

// ruleOf names the rule or the limit of an error.
func ruleOf(err error) string {
	var m *pdf.MalformedError
	var l *pdf.LimitError
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &m):
		return m.Rule
	case errors.As(err, &l):
		return l.Limit
	}
	return fmt.Sprintf("%T", err)
}

// TestAudit lists what only reading the objects of an update shows.
func TestAudit(t *testing.T) {
	update := func(f func(b *builder)) []byte {
		b := newBuilder("%PDF-1.4\n")
		b.body()
		b.table("")
		f(b)
		return b.Bytes()
	}
	font := "<</Type/Font/Subtype/Type1/BaseFont/Courier>>"
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"honest", update(func(b *builder) { b.obj(5, font); b.table("") }), ""},
		{"backward", update(func(b *builder) { b.offs[5] = 100; b.table("") }), "entry-backward object-header"},
		{"junk between", update(func(b *builder) { b.WriteString("junk\n"); b.obj(5, font); b.table("") }), "junk"},
		{"comment", update(func(b *builder) { b.obj(5, font); b.WriteString("% x\n"); b.table("") }), "comment"},
		{"object without entry", update(func(b *builder) { b.obj(5, font); b.obj(6, font); delete(b.offs, 6); b.table("") }), "junk"},
		{"shared offset", update(func(b *builder) { b.obj(5, font); b.offs[6] = b.offs[5]; b.size = 7; b.table("") }), "object-header entry-shared"},
		{"key twice", update(func(b *builder) { b.obj(5, "<</A 1/A 2>>"); b.table("") }), "dict-duplicate-key"},
		{"key twice with an escape", update(func(b *builder) { b.obj(5, "<</Contents 1/Con#74ents 2>>"); b.table("") }), "dict-duplicate-key"},
		{"wrong Length", update(func(b *builder) { b.obj(5, "<</Length 3>>\nstream\nabcdef\nendstream"); b.table("") }), "stream-length junk"},
		{"freed", update(func(b *builder) {
			at := b.Len()
			b.WriteString("xref\n5 1\n0000000000 00001 f \ntrailer\n<</Root 1 0 R/Size 6/Prev " + fmt.Sprint(b.prev) + ">>\n")
			b.end(at)
		}), "object-freed"},
		{"number not below Size", update(func(b *builder) { b.obj(9, font); b.size = 9; b.size = 10; b.tableSize(6) }), "entry-size"},
		{"empty object", update(func(b *builder) { b.obj(5, ""); b.table("") }), "object-empty"},
		{"no endobj", update(func(b *builder) { b.offs[5] = b.Len(); b.WriteString("5 0 obj null\n"); b.table("") }), "endobj-missing"},
		{"stream and CR", update(func(b *builder) { b.obj(5, "<</Length 1>>\nstream\ra\nendstream"); b.table("") }), "stream-eol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := open(t, tt.data).Latest().Audit()
			if err != nil || rules(got) != tt.want {
				t.Errorf("audit %v, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// shrunk is a file that counts numbers which nothing has, and an update whose
// /Size is n.
func shrunk(n int) []byte {
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.table("")
	base := bytes.Replace(b.Bytes(), []byte("/Size 6"), []byte("/Size 9"), 1)
	b.Reset()
	b.Write(base)
	b.obj(5, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>")
	b.tableSize(n)
	return b.Bytes()
}

// tableSize is table with a /Size that is not true.
func (b *builder) tableSize(n int) {
	at := b.Len()
	b.WriteString("xref\n")
	for num, off := range b.offs {
		fmt.Fprintf(b, "%d 1\n%010d 00000 n \n", num, off)
	}
	fmt.Fprintf(b, "trailer\n<</Root 1 0 R/Size %d/Prev %d>>\n", n, b.prev)
	b.end(at)
}

// TestRevisionLimit opens a chain longer than Limits.Revisions.
func TestRevisionLimit(t *testing.T) {
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.table("")
	for range 20 {
		b.obj(5, "null")
		b.table("")
	}
	if got := len(open(t, b.Bytes()).Revisions()); got != 21 {
		t.Errorf("%d revisions, want 21", got)
	}
	_, err := pdf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), pdf.Options{Limits: pdf.Limits{Revisions: 20}})
	if ruleOf(err) != "Revisions" {
		t.Errorf("error %v, want the limit Revisions", err)
	}
}

// failingReader fails after some bytes: the error must come out unchanged.
type failingReader struct{ err error }

func (f failingReader) ReadAt(p []byte, off int64) (int, error) { return 0, f.err }

func TestReadError(t *testing.T) {
	_, err := pdf.Open(failingReader{io.ErrClosedPipe}, 100, pdf.Options{})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v, want %v", err, io.ErrClosedPipe)
	}
	_, err = pdf.Open(bytes.NewReader([]byte("%PDF-1.4")), 100, pdf.Options{})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// TestPageTree lists trees that are no trees, and wrong counts.
func TestPageTree(t *testing.T) {
	page := "<</Type/Page/Parent 2 0 R>>"
	tests := []struct {
		name  string
		pages map[int]string
		count int
		want  string // rule, when it fails
		nums  []uint32
	}{
		{"flat", map[int]string{2: "<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>", 3: page, 4: page}, 2, "", []uint32{3, 4}},
		{"nested", map[int]string{2: "<</Type/Pages/Count 3/Kids[5 0 R 4 0 R]>>", 5: "<</Type/Pages/Count 2/Kids[3 0 R 6 0 R]>>", 3: page, 4: page, 6: page}, 3, "", []uint32{3, 6, 4}},
		{"count too small", map[int]string{2: "<</Type/Pages/Count 1/Kids[3 0 R 4 0 R]>>", 3: page, 4: page}, 2, "", []uint32{3, 4}},
		{"count too large", map[int]string{2: "<</Type/Pages/Count 9/Kids[3 0 R 4 0 R]>>", 3: page, 4: page}, 2, "", []uint32{3, 4}},
		{"no count", map[int]string{2: "<</Type/Pages/Kids[3 0 R]>>", 3: page}, 1, "", []uint32{3}},
		{"empty", map[int]string{2: "<</Type/Pages/Count 0/Kids[]>>"}, 0, "", nil},
		{"loop", map[int]string{2: "<</Type/Pages/Count 1/Kids[2 0 R]>>"}, 0, "page-loop", nil},
		{"page twice", map[int]string{2: "<</Type/Pages/Count 2/Kids[3 0 R 3 0 R]>>", 3: page}, 0, "page-loop", nil},
		{"kid missing", map[int]string{2: "<</Type/Pages/Count 1/Kids[9 0 R]>>"}, 0, "page-tree", nil},
		{"kid direct", map[int]string{2: "<</Type/Pages/Count 1/Kids[<</Type/Page>>]>>"}, 0, "page-tree", nil},
		{"Kids is a number", map[int]string{2: "<</Type/Pages/Count 1/Kids 5>>"}, 0, "type-Kids", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder("%PDF-1.4\n")
			b.obj(1, "<</Type/Catalog/Pages 2 0 R>>")
			for n, o := range tt.pages {
				b.obj(n, o)
			}
			b.table("")
			r := open(t, b.Bytes()).Latest()
			n, err := r.PageCount()
			if tt.want != "" {
				if ruleOf(err) != tt.want {
					t.Errorf("PageCount: %v, want %s", err, tt.want)
				}
				return
			}
			if n != tt.count || err != nil {
				t.Errorf("PageCount = %d, %v; want %d", n, err, tt.count)
			}
			for i, want := range tt.nums {
				if ref, _, err := r.Page(i); ref.Num != want || err != nil {
					t.Errorf("Page(%d) = %v, %v; want %d 0", i, ref, err, want)
				}
			}
			if _, _, err := r.Page(tt.count); ruleOf(err) != "page-missing" {
				t.Errorf("Page(%d): %v, want page-missing", tt.count, err)
			}
		})
	}
}

func TestDictSpans(t *testing.T) {
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.obj(6, "<</A (x) /B [1 2]/A<00>/C 7 0 R>>")
	b.table("")
	list, err := open(t, b.Bytes()).Latest().DictSpans(pdf.Ref{Num: 6})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, string(b.Bytes()[s.KeyStart:s.KeyEnd])+"="+string(b.Bytes()[s.ValueStart:s.ValEnd]))
	}
	if g, want := strings.Join(got, ";"), "/A=(x);/B=[1 2];/A=<00>;/C=7 0 R"; g != want {
		t.Errorf("spans %q, want %q", g, want)
	}
}

func TestSpan(t *testing.T) {
	data := streamFile()
	r := open(t, data).Latest()
	for _, tt := range []struct {
		num, container uint32
		first, last    string
	}{
		{4, 0, "4 0 obj", "endstream\nendobj"},
		{1, 6, "6 0 obj", "endstream\nendobj"},
	} {
		s, err := r.Span(pdf.Ref{Num: tt.num})
		if err != nil {
			t.Fatal(err)
		}
		text := string(data[s.Offset:s.End])
		if s.Container != tt.container || !strings.HasPrefix(text, tt.first) || !strings.HasSuffix(text, tt.last) {
			t.Errorf("Span(%d) = %+v: %.20q", tt.num, s, text)
		}
	}
	if _, err := r.Span(pdf.Ref{Num: 99}); ruleOf(err) != "object-missing" {
		t.Errorf("Span of an absent object: %v", err)
	}
}

// TestConcurrent reads one document from several goroutines, with a cache so
// small that they empty it for each other.
func TestConcurrent(t *testing.T) {
	data := streamFile()
	d, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{Limits: pdf.Limits{CacheBytes: 200}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				ref, page, err := d.Latest().Page(0)
				if err != nil || ref.Num != 3 || page["Type"] != pdf.Name("Page") {
					t.Errorf("Page(0) = %v, %v, %v", ref, page, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestJunkBeforeHeader: offsets that count from %PDF- are not guessed at, and
// the error tells why nothing is where they say; others are read.
func TestJunkBeforeHeader(t *testing.T) {
	for _, stream := range []bool{false, true} {
		data := streamFile()
		if !stream {
			b := newBuilder("%PDF-1.5\n")
			b.body()
			b.table("")
			data = b.Bytes()
		}
		for _, junk := range []string{"\xEF\xBB\xBF", "HTTP/1.1 200 OK\r\n\r\n"} {
			all := append([]byte(junk), data...)
			_, err := pdf.Open(bytes.NewReader(all), int64(len(all)), pdf.Options{})
			if m, ok := errors.AsType[*pdf.MalformedError](err); !ok || m.Rule != "header-offset" || m.Offset != 0 {
				t.Errorf("%q, stream %v: got %v, want header-offset at byte 0", junk, stream, err)
			}
		}
	}
	b := newBuilder("x%PDF-1.5\n")
	b.body()
	b.table("")
	if _, err := pdf.Open(bytes.NewReader(b.Bytes()), int64(len(b.Bytes())), pdf.Options{}); err != nil {
		t.Errorf("offsets that count what stands before: %v", err)
	}
}

// TestPlaceOfErrors: errors about objects that hold no offsets name where the
// object is.
func TestPlaceOfErrors(t *testing.T) {
	b := newBuilder("%PDF-1.5\n")
	b.body()
	b.obj(2, "<</Type/Pages/Kids 7/Count 1>>")
	b.table("")
	r := open(t, b.Bytes()).Latest()
	_, err := r.PageCount()
	want := int64(bytes.LastIndex(b.Bytes(), []byte("2 0 obj")))
	if m, ok := errors.AsType[*pdf.MalformedError](err); !ok || m.Offset != want {
		t.Errorf("got %v, want an error at byte %d", err, want)
	}
	if err := r.Place(nil, pdf.Ref{Num: 2}); err != nil {
		t.Errorf("nothing at fault: %v", err)
	}
	if err := r.Place(errors.ErrUnsupported, pdf.Ref{Num: 2}); err != errors.ErrUnsupported {
		t.Errorf("an error of another kind: %v", err)
	}
}
