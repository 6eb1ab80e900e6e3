package pdf_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// FuzzObject reads any bytes as an indirect object and writes what came out
// again: the second reading must give the same.
func FuzzObject(f *testing.F) {
	for _, s := range []string{"null", "[1 0 R 2]", "<</A(b\\051)/B<4>>>", "<</Length 3>>\nstream\nabc\nendstream", "[[[[", "(", "/A#4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOne(t, s)
		if err != nil {
			checkTyped(t, err)
			return
		}
		if _, stream := o.(*pdf.Stream); stream {
			return // Format leaves out data that stand in a file
		}
		again, err := parseOne(t, string(pdf.Format(nil, o)))
		if err != nil || !pdf.Equal(o, again) {
			t.Errorf("%v read again: %v, %v", o, again, err)
		}
	})
}

// seeds adds the hand-made files of every kind and the small ones of the
// corpus.
func seeds(f *testing.F) {
	for _, b := range kinds() {
		f.Add(b)
	}
	wd, err := os.Getwd()
	if err != nil {
		f.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(wd, "..", "..", "shared", "corpus", "pdf", "*.pdf"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Size() > 6000 {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// small limits make a fuzzer find their edges.
var small = pdf.Limits{Revisions: 20, Objects: 5000, Depth: 20, ObjectItems: 5000, StreamBytes: 1 << 18, StructureBytes: 1 << 20}

// FuzzOpen opens any bytes and uses everything that a caller does.
func FuzzOpen(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{Limits: small})
		if err != nil {
			checkTyped(t, err)
			return
		}
		checkTiling(t, d)
		for _, r := range d.Revisions() {
			if _, err := r.Audit(); err != nil {
				checkTyped(t, err)
			}
			if _, err := r.Exact(); err != nil {
				checkTyped(t, err)
			}
			if _, err := r.Stray(); err != nil {
				checkTyped(t, err)
			}
			if _, err := r.PageCount(); err != nil {
				checkTyped(t, err)
			}
			n := 0
			for num, e := range r.Entries() {
				if n++; n > 100 {
					break
				}
				useObject(t, r, pdf.Ref{Num: num, Gen: e.Gen * uint16(e.Kind&1)})
			}
		}
	})
}

// useObject calls whatever takes a reference.
func useObject(t *testing.T, r *pdf.Revision, ref pdf.Ref) {
	o, err := r.Object(ref)
	if err != nil {
		checkTyped(t, err)
		return
	}
	if s, ok := o.(*pdf.Stream); ok {
		if _, err := r.StreamData(s, 1<<16); err != nil {
			checkTyped(t, err)
		}
	}
	if _, err := r.Span(ref); err != nil {
		checkTyped(t, err)
	}
	if _, err := r.DictSpans(ref); err != nil {
		checkTyped(t, err)
	}
}

// FuzzAppend updates any file that opens: the result must open too, to the
// same by Append as by Open.
func FuzzAppend(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{Limits: small})
		if err != nil || d.Encrypted() {
			return
		}
		u := d.Latest().NewUpdate()
		ref := u.Add(pdf.Dict{"Absah": pdf.String("x")})
		tail, err := u.Finish()
		if err != nil {
			checkTyped(t, err)
			return
		}
		n, err := d.Append(tail)
		if err != nil {
			if rule := ruleOf(err); rule == "Revisions" || rule == "Objects" || rule == "append-chain" {
				return // at the limit; or a revision without an end
			}
			t.Fatalf("Append: %v", err)
		}
		out := append(bytes.Clone(b), tail...)
		whole, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{Limits: small})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		for _, x := range []*pdf.Document{n, whole} {
			got, err := x.Latest().Object(ref)
			if err != nil || !pdf.Equal(got, pdf.Dict{"Absah": pdf.String("x")}) {
				t.Errorf("object %v = %v, %v", ref, got, err)
			}
		}
	})
}

// FuzzAppendTail appends any bytes to a sound file.
func FuzzAppendTail(f *testing.F) {
	base := tableFile()
	d := open(f, base)
	f.Add(stamp(f, d))
	f.Fuzz(func(t *testing.T, tail []byte) {
		n, err := d.Append(tail)
		if err != nil {
			checkTyped(t, err)
			return
		}
		checkTiling(t, n)
		if _, err := n.Latest().Audit(); err != nil {
			checkTyped(t, err)
		}
	})
}

// FuzzObjectStream reads any bytes as decoded object stream.
func FuzzObjectStream(f *testing.F) {
	f.Add([]byte("8 0 9 5 null (x)"), 2, 8)
	f.Add([]byte("8 0 8 1 <<>>"), 2, 8)
	f.Add([]byte("0 0 0 1 000000"), 2, 14) // an offset one behind the data was once let through
	f.Fuzz(func(t *testing.T, data []byte, n, first int) {
		b := newBuilder("%PDF-1.5\n")
		b.body()
		b.stream(6, fmt.Sprintf("/Type/ObjStm/N %d/First %d", n, first), data)
		b.size = 10
		b.xrefStream(10, "", map[int][2]int{8: {6, 0}, 9: {6, 1}})
		r := open(t, b.Bytes()).Latest()
		useObject(t, r, pdf.Ref{Num: 8})
		useObject(t, r, pdf.Ref{Num: 9})
		if _, err := r.Audit(); err != nil {
			checkTyped(t, err)
		}
	})
}

// FuzzFilters decodes any bytes with any chain of filters.
func FuzzFilters(f *testing.F) {
	f.Add("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>", deflate([]byte("abcdefghij")))
	f.Add("/Filter[/ASCII85Decode/LZWDecode]", []byte("J..)6T`?p&<!J9%_[umg\"B7/Z7KNXbN'S+,*Q/&\"OLT'F~>"))
	f.Add("/Filter[/ASCIIHexDecode/RunLengthDecode]", []byte("026162 6380>"))
	f.Fuzz(func(t *testing.T, dict string, data []byte) {
		o, err := parseOne(t, fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data))
		if err != nil {
			checkTyped(t, err)
			return
		}
		s, ok := o.(*pdf.Stream)
		if !ok {
			return
		}
		out, err := open(t, tableFile()).Latest().StreamData(s, 1<<20)
		if err != nil {
			checkTyped(t, err)
		}
		if len(out) > 1<<20 {
			t.Errorf("%d bytes, more than the limit", len(out))
		}
	})
}

// FuzzText decodes any bytes as text and as a date.
func FuzzText(f *testing.F) {
	f.Add("D:20260817100059+07'00'")
	f.Add("\xfe\xff\x00A\xd8\x00")
	f.Fuzz(func(t *testing.T, s string) {
		text := pdf.Text(pdf.String(s))
		if got := pdf.Text(pdf.EncodeText(text)); len(text) < 20 && !bytes.ContainsRune([]byte(text), 0x1b) && got != text {
			t.Errorf("Text(EncodeText(%q)) = %q", text, got)
		}
		if at, err := pdf.ParseDate(pdf.String(s)); err == nil && at.Year() > 0 {
			if again, err := pdf.ParseDate(pdf.Date(at)); err != nil || !again.Equal(at) {
				t.Errorf("ParseDate(%q) = %v, then %v, %v", s, at, again, err)
			}
		}
	})
}
