package pdf_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// letter is a file of about 10 KB.
func letter(b *testing.B, kind string) []byte {
	b.Helper()
	data := kinds()[kind]
	d := open(b, data)
	u := d.Latest().NewUpdate()
	u.Add(pdf.NewStream(pdf.Dict{}, bytes.Repeat([]byte("Kabupaten"), 1000)))
	tail, err := u.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return append(bytes.Clone(data), tail...)
}

// BenchmarkSign does what a signature costs in this package: open, find the
// page, add the field with a gap of 16 KiB, finish.
func BenchmarkSign(b *testing.B) {
	for _, kind := range []string{"table", "stream"} {
		b.Run(kind, func(b *testing.B) {
			data := letter(b, kind)
			r := bytes.NewReader(data)
			b.ReportAllocs()
			for b.Loop() {
				d, err := pdf.Open(r, int64(len(data)), pdf.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signLike(d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// signLike writes a revision as signing does.
func signLike(d *pdf.Document) ([]byte, error) {
	rev := d.Latest()
	u := rev.NewUpdate()
	ref, page, err := rev.Page(0)
	if err != nil {
		return nil, err
	}
	sig := u.Add(pdf.Dict{
		"Type": pdf.Name("Sig"), "Filter": pdf.Name("Adobe.PPKLite"), "SubFilter": pdf.Name("ETSI.CAdES.detached"),
		"Contents": &pdf.Reserved{Len: 16 << 10}, "ByteRange": &pdf.Reserved{Len: 60}, "Reason": pdf.String("Persetujuan"),
	})
	field := u.Add(pdf.Dict{
		"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.String("Signature1"),
		"V": sig, "P": ref, "F": pdf.Integer(132), "Rect": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(0), pdf.Integer(0)},
	})
	page = pdf.Clone(page).(pdf.Dict)
	page["Annots"] = pdf.Array{field}
	u.Set(ref, page)
	cat, err := rev.Catalog()
	if err != nil {
		return nil, err
	}
	cat = pdf.Clone(cat).(pdf.Dict)
	cat["AcroForm"] = pdf.Dict{"Fields": pdf.Array{field}, "SigFlags": pdf.Integer(3)}
	u.Set(rev.Root(), cat)
	return u.Finish()
}

func BenchmarkOpen(b *testing.B) {
	for _, kind := range []string{"table", "stream"} {
		b.Run(kind, func(b *testing.B) {
			data := letter(b, kind)
			r := bytes.NewReader(data)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pdf.Open(r, int64(len(data)), pdf.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	data := letter(b, "table")
	d := open(b, data)
	tail, err := signLike(d)
	if err != nil {
		b.Fatal(err)
	}
	tail = bytes.ReplaceAll(tail, bytes.Repeat([]byte(" "), 60), []byte("("+fmt.Sprintf("%058d", 0)+")"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Append(tail); err != nil {
			b.Fatal(err)
		}
	}
}

// huge is a file of n objects and size bytes that is never in memory: what is
// not given reads as spaces.
type huge struct {
	size  int64
	parts map[int64][]byte
}

func (h *huge) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	for at, b := range h.parts {
		if at < off+int64(len(p)) && off < at+int64(len(b)) {
			from := max(at, off)
			copy(p[from-off:], b[from-at:])
		}
	}
	if off+int64(len(p)) > h.size {
		return int(h.size - off), io.EOF
	}
	return len(p), nil
}

// hugeFile has a table of n entries at the end of size bytes.
func hugeFile(n int, size int64) *huge {
	head := newBuilder("%PDF-1.7\n")
	head.body()
	var x bytes.Buffer
	fmt.Fprintf(&x, "xref\n0 %d\n0000000000 65535 f \n", n)
	for i := 1; i < n; i++ {
		off := head.offs[i]
		if i > 5 {
			off = head.offs[5]
		}
		fmt.Fprintf(&x, "%010d 00000 n \n", off)
	}
	at := size - int64(x.Len()) - 200
	fmt.Fprintf(&x, "trailer\n<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n", n, at)
	return &huge{size: at + int64(x.Len()), parts: map[int64][]byte{0: head.Bytes(), at: x.Bytes()}}
}

// TestHuge opens a file of 1 GiB with a million objects, updates it and opens
// the result, within the memory that Limits promise.
func TestHuge(t *testing.T) {
	h := hugeFile(1_000_000, 1<<30)
	before := heap()
	d, err := pdf.Open(h, h.size, pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, d)
	tail := stamp(t, d)
	n, err := d.Append(tail)
	if err != nil {
		t.Fatal(err)
	}
	checkStamped(t, n)
	if used := heap() - before; used > 16<<20 {
		t.Errorf("%d MiB of memory, want at most 16", used>>20)
	}
	if n.Latest().Previous() != d.Latest() {
		t.Error("the appended document does not share its base")
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkOpenHuge(b *testing.B) {
	h := hugeFile(100_000, 1<<30)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pdf.Open(h, h.size, pdf.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
