package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/pdf"
	"pgregory.net/rapid"
)

// stamp makes an update as a signer does: a new object with a gap, a changed
// page and a changed catalog.
func stamp(t testing.TB, d *pdf.Document) []byte {
	t.Helper()
	r := d.Latest()
	u := r.NewUpdate()
	gap := &pdf.Reserved{Len: 64}
	sig := u.Add(pdf.Dict{"Type": pdf.Name("Sig"), "Contents": gap, "Reason": pdf.EncodeText("Disetujui (Bupati)")})
	form := u.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "BBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(9), pdf.Real(9.5)}}, []byte("q Q")))
	ref, page, err := r.Page(0)
	if err != nil {
		t.Fatal(err)
	}
	page = pdf.Clone(page).(pdf.Dict)
	page["Absah"] = pdf.Array{sig, form}
	u.Set(ref, page)
	cat, err := r.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	cat = pdf.Clone(cat).(pdf.Dict)
	cat["Lang"] = pdf.String("id-ID")
	u.Set(r.Root(), cat)
	u.SetTrailer("Info", u.Add(pdf.Dict{"Title": pdf.EncodeText("Naskah – contoh")}))
	tail, err := u.Finish()
	if err != nil {
		t.Fatal(err)
	}
	at := gap.Offset - d.Size()
	if at < 0 || string(tail[at:at+64]) != strings.Repeat(" ", 64) {
		t.Errorf("Reserved at %d is not the gap", gap.Offset)
	}
	copy(tail[at:], "<"+strings.Repeat("00", 31)+">")
	return tail
}

// checkStamped re-reads what stamp wrote.
func checkStamped(t *testing.T, d *pdf.Document) {
	t.Helper()
	r := d.Latest()
	_, page, err := r.Page(0)
	if err != nil {
		t.Fatal(err)
	}
	refs := page["Absah"].(pdf.Array)
	sig, err := r.Resolve(refs[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pdf.Text(sig.(pdf.Dict)["Reason"].(pdf.String)), "Disetujui (Bupati)"; got != want {
		t.Errorf("Reason %q, want %q", got, want)
	}
	form, err := r.Resolve(refs[1])
	if err != nil {
		t.Fatal(err)
	}
	if b, err := r.StreamData(form.(*pdf.Stream), 100); string(b) != "q Q" || err != nil {
		t.Errorf("stream %q, %v; want %q", b, err, "q Q")
	}
	info, ok, err := pdf.Lookup[pdf.Dict](r, r.Trailer(), "Info")
	if !ok || err != nil {
		t.Fatalf("Info: %v, %v", ok, err)
	}
	if got, want := pdf.Text(info["Title"].(pdf.String)), "Naskah – contoh"; got != want {
		t.Errorf("Title %q, want %q", got, want)
	}
	checkPage(t, d)
}

// foreign runs a foreign reader over the file.
func foreign(t *testing.T, data []byte, argv ...string) {
	t.Helper()
	path := testfile.Tool(t, argv[0])
	file := filepath.Join(t.TempDir(), "out.pdf")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, append(argv[1:], file)...).CombinedOutput()
	if low := bytes.ToLower(out); err != nil || bytes.Contains(low, []byte("warning:")) || bytes.Contains(low, []byte("error:")) {
		t.Errorf("%v: %v\n%s", argv, err, out)
	}
}

func TestUpdate(t *testing.T) {
	for name, data := range kinds() {
		t.Run(name, func(t *testing.T) {
			d := open(t, data)
			out := bytes.Clone(data)
			for range 3 {
				tail := stamp(t, d)
				next, err := d.Append(tail)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, tail...)
				checkSame(t, next, open(t, out))
				checkStamped(t, next)
				if got, err := next.Latest().Audit(); len(got) != 0 || err != nil {
					t.Errorf("audit %v, %v; want nothing", got, err)
				}
				if old, now := d.Latest().XRefKind(), next.Latest().XRefKind(); (old == pdf.XRefStream) != (now == pdf.XRefStream) || now == pdf.XRefHybrid {
					t.Errorf("kind %v after %v", now, old)
				}
				d = next
			}
			checkStamped(t, open(t, out))
			foreign(t, out, "qpdf", "--check")
			if name != "hybrid" { // mutool does not see hidden objects, before or after
				foreign(t, out, "mutool", "info")
			}
		})
	}
}

// checkSame compares a document that was appended to with one opened whole.
func checkSame(t *testing.T, a, b *pdf.Document) {
	t.Helper()
	if a.Size() != b.Size() || len(a.Revisions()) != len(b.Revisions()) || fmt.Sprint(a.Anomalies()) != fmt.Sprint(b.Anomalies()) {
		t.Fatalf("Append: %d bytes, %d revisions, %v; Open: %d, %d, %v", a.Size(), len(a.Revisions()), a.Anomalies(), b.Size(), len(b.Revisions()), b.Anomalies())
	}
	for i, r := range a.Revisions() {
		o := b.Revisions()[i]
		if r.Start() != o.Start() || r.End() != o.End() || r.StartXRef() != o.StartXRef() || !pdf.Equal(r.Trailer(), o.Trailer()) {
			t.Errorf("revision %d differs", i+1)
		}
	}
	var x, y bytes.Buffer
	if _, err := x.ReadFrom(sectionOf(a)); err != nil {
		t.Fatal(err)
	}
	if _, err := y.ReadFrom(sectionOf(b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x.Bytes(), y.Bytes()) {
		t.Error("bytes differ")
	}
}

// TestAppendAfterSpace: what stood after the end of the base stands at the end
// no more, for Append as for Open.
func TestAppendAfterSpace(t *testing.T) {
	for name, end := range map[string]string{"space-after-eof": "\n\r\n ", "junk-after-eof": "\nx\n"} {
		t.Run(name, func(t *testing.T) {
			base := append(tableFile(), end...)
			d := open(t, base)
			if got := d.Anomalies(); len(got) != 1 || got[0].Rule != name {
				t.Fatalf("anomalies of the base %v, want %s", got, name)
			}
			tail := stamp(t, d)
			next, err := d.Append(tail)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, next, open(t, append(base, tail...)))
			if got := d.Anomalies(); len(got) != 1 {
				t.Errorf("anomalies of the base are now %v", got)
			}
		})
	}
}

func TestUpdateDeterministic(t *testing.T) {
	d := open(t, tableFile())
	a := stamp(t, d)
	b := stamp(t, d)
	if !bytes.Equal(a, b) {
		t.Error("the same update gives different bytes")
	}
}

// TestUpdateID keeps the first element of /ID and changes the second.
func TestUpdateID(t *testing.T) {
	d := open(t, streamFile())
	tail := stamp(t, d)
	n, err := d.Append(tail)
	if err != nil {
		t.Fatal(err)
	}
	id := n.Latest().Trailer()["ID"].(pdf.Array)
	if id[0] != pdf.String("satu") || id[1] == pdf.String("dua") || len(id) != 2 {
		t.Errorf("ID %q, want (satu) and a new one", id)
	}
}

func TestUpdateEndOfLine(t *testing.T) {
	data := bytes.TrimRight(tableFile(), "\n")
	d := open(t, data)
	tail := stamp(t, d)
	if tail[0] != '\n' {
		t.Errorf("tail begins %q, want an end of line", tail[0])
	}
	n, err := d.Append(tail)
	if err != nil {
		t.Fatal(err)
	}
	checkStamped(t, n)
	if got := n.Revisions()[0].End(); got != int64(len(data)) {
		// The base was read before the end of line came.
		t.Errorf("first revision ends at %d, want %d", got, len(data))
	}
}

func TestUpdateErrors(t *testing.T) {
	d := open(t, tableFile())
	tail := stamp(t, d)
	n, err := d.Append(tail)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Revisions()[0].NewUpdate().Finish(); err != nil {
		t.Errorf("the base's own latest revision can be updated: %v", err)
	}
	m := open(t, mixedFile())
	if _, err := m.Revisions()[0].NewUpdate().Finish(); err == nil {
		t.Error("update of an old revision: no error")
	}
	for _, ref := range []pdf.Ref{{}, {Num: 4000}} {
		u := d.Latest().NewUpdate()
		u.Set(ref, pdf.Null{})
		if _, err := u.Finish(); err == nil {
			t.Errorf("update of object %v: no error", ref)
		}
	}
	if _, err := n.Append(tail); ruleOf(err) != "append-chain" {
		t.Errorf("Append of another document's tail: %v, want append-chain", err)
	}
	if _, err := d.Append([]byte("junk")); err == nil {
		t.Error("Append of junk: no error")
	}
}

// TestEncrypted updates files that qpdf encrypted, in every way it can.
func TestEncrypted(t *testing.T) {
	qpdf := testfile.Tool(t, "qpdf")
	tests := []struct {
		name, user string
		args       []string
	}{
		{"RC4-128", "", []string{"128", "--use-aes=n"}},
		{"AES-128", "rahasia", []string{"128", "--use-aes=y"}},
		{"AES-128 clear metadata", "", []string{"128", "--use-aes=y", "--cleartext-metadata"}},
		{"AES-256", "", []string{"256"}},
		{"AES-256 password", "rahasia", []string{"256"}},
	}
	for _, tt := range tests {
		for _, objstm := range []string{"disable", "generate"} {
			t.Run(tt.name+" "+objstm, func(t *testing.T) {
				dir := t.TempDir()
				in, enc := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "enc.pdf")
				if err := os.WriteFile(in, tableFile(), 0o600); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"--allow-weak-crypto", "--object-streams=" + objstm, "--encrypt", tt.user, "pemilik"}, tt.args...)
				if out, err := exec.Command(qpdf, append(args, "--", in, enc)...).CombinedOutput(); err != nil {
					t.Fatalf("qpdf: %v\n%s", err, out)
				}
				data, err := os.ReadFile(enc)
				if err != nil {
					t.Fatal(err)
				}
				checkEncrypted(t, data, tt.user)
			})
		}
	}
}

func checkEncrypted(t *testing.T, data []byte, user string) {
	t.Helper()
	if user != "" {
		if _, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{}); !errors.Is(err, pdf.ErrPassword) {
			t.Errorf("without the password: %v, want %v", err, pdf.ErrPassword)
		}
	}
	d, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{Password: []byte(user)})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Encrypted() {
		t.Error("Encrypted() = false")
	}
	for range 2 {
		u := d.Latest().NewUpdate()
		ref := u.Add(pdf.Dict{"Type": pdf.Name("Sig"), "Contents": pdf.String("\x30\x80clear"), "Reason": pdf.String("rahasia dinas")})
		stm := u.Add(pdf.NewStream(pdf.Dict{}, []byte("isi yang tersandi")))
		tail, err := u.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(tail, []byte("rahasia dinas")) || bytes.Contains(tail, []byte("tersandi")) || !bytes.Contains(tail, []byte("3080636C656172")) {
			t.Errorf("what must be encrypted and what must not:\n%s", tail)
		}
		if d, err = d.Append(tail); err != nil {
			t.Fatal(err)
		}
		data = append(data, tail...)
		o, err := d.Latest().Object(ref)
		if err != nil {
			t.Fatal(err)
		}
		want := pdf.Dict{"Type": pdf.Name("Sig"), "Contents": pdf.String("\x30\x80clear"), "Reason": pdf.String("rahasia dinas")}
		if !pdf.Equal(o, want) {
			t.Errorf("object %v, want %v", o, want)
		}
		s, err := d.Latest().Object(stm)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := d.Latest().StreamData(s.(*pdf.Stream), 100); string(b) != "isi yang tersandi" || err != nil {
			t.Errorf("stream %q, %v", b, err)
		}
	}
	if n, err := d.Latest().PageCount(); n != 1 || err != nil {
		t.Errorf("PageCount = %d, %v; want 1", n, err)
	}
	foreign(t, data, "qpdf", "--check", "--password="+user)
}

// TestUpdateCorpus appends an update to every third-party file that opens and
// lets qpdf judge those it was content with before.
func TestUpdateCorpus(t *testing.T) {
	dir, rows := corpusRows(t)
	for _, row := range rows {
		data, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			continue
		}
		d, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{})
		if err != nil {
			continue
		}
		if _, _, err := d.Latest().Page(0); err != nil {
			continue
		}
		t.Run(row.File, func(t *testing.T) {
			tail := stamp(t, d)
			n, err := d.Append(tail)
			if err != nil {
				t.Fatalf("Append: %v", err)
			}
			out := append(bytes.Clone(data), tail...)
			full, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			if got, err := full.Latest().Audit(); len(got) != 0 && len(d.Anomalies()) == 0 || err != nil {
				t.Errorf("audit %v, %v; want nothing", got, err)
			}
			a, err1 := n.Latest().PageCount()
			b, err2 := full.Latest().PageCount()
			if a != b || (err1 == nil) != (err2 == nil) {
				t.Errorf("pages %d, %v after Append; %d, %v after Open", a, err1, b, err2)
			}
			if row.Class == "accept" && len(d.Anomalies()) == 0 && qpdfContent(t, filepath.Join(dir, row.File)) {
				foreign(t, out, "qpdf", "--check")
			}
		})
	}
}

func qpdfContent(t *testing.T, file string) bool {
	t.Helper()
	out, err := exec.Command(testfile.Tool(t, "qpdf"), "--check", file).CombinedOutput()
	return err == nil && !bytes.Contains(out, []byte("WARNING"))
}

// anyObject draws objects as deep as depth.
func anyObject(depth int) *rapid.Generator[pdf.Object] {
	return rapid.Custom(func(t *rapid.T) pdf.Object {
		kind := rapid.IntRange(0, 8).Draw(t, "kind")
		if depth == 0 {
			kind %= 7
		}
		switch kind {
		case 0:
			return pdf.Null{}
		case 1:
			return pdf.Boolean(rapid.Bool().Draw(t, "bool"))
		case 2:
			return pdf.Integer(rapid.Int64().Draw(t, "int"))
		case 3:
			return pdf.Real(rapid.Float64Range(-1e9, 1e9).Draw(t, "real"))
		case 4:
			return pdf.String(rapid.SliceOf(rapid.Byte()).Draw(t, "string"))
		case 5:
			return pdf.Name(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		case 6:
			return pdf.Ref{Num: rapid.Uint32Range(0, 8_388_607).Draw(t, "num"), Gen: rapid.Uint16().Draw(t, "gen")}
		case 7:
			return pdf.Array(rapid.SliceOfN(anyObject(depth-1), 0, 5).Draw(t, "array"))
		default:
			d := make(pdf.Dict)
			for _, k := range rapid.SliceOfN(rapid.StringMatching(`[ -~]{0,8}`), 0, 5).Draw(t, "keys") {
				d[pdf.Name(k)] = anyObject(depth-1).Draw(t, "value")
			}
			return d
		}
	})
}

// TestRoundTrip sets random objects in random updates and reads them back.
func TestRoundTrip(t *testing.T) {
	bases := kinds()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"table", "stream", "hybrid", "mixed"}).Draw(t, "kind")
		out := bytes.Clone(bases[kind])
		d, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[pdf.Ref]pdf.Object)
		for range rapid.IntRange(1, 4).Draw(t, "updates") {
			u := d.Latest().NewUpdate()
			for range rapid.IntRange(0, 5).Draw(t, "objects") {
				o := anyObject(3).Draw(t, "object")
				if len(want) > 0 && rapid.Bool().Draw(t, "again") {
					for ref := range want {
						u.Set(ref, o)
						want[ref] = o
						break
					}
					continue
				}
				want[u.Add(o)] = o
			}
			tail, err := u.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if d, err = d.Append(tail); err != nil {
				t.Fatal(err)
			}
			out = append(out, tail...)
		}
		whole, err := pdf.Open(bytes.NewReader(out), int64(len(out)), pdf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for ref, o := range want {
			for _, x := range []*pdf.Document{d, whole} {
				if got, err := x.Latest().Object(ref); err != nil || !pdf.Equal(got, o) {
					t.Fatalf("object %v = %v, %v; want %v", ref, got, err, o)
				}
			}
		}
		for _, r := range whole.Revisions() {
			if got, err := r.Audit(); len(got) != 0 || err != nil {
				t.Fatalf("audit of revision %d: %v, %v", r.Index(), got, err)
			}
		}
	})
}

func TestDates(t *testing.T) {
	wib := time.FixedZone("WIB", 7*3600)
	for _, at := range []time.Time{
		time.Date(2026, 8, 17, 10, 0, 59, 0, wib),
		time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.FixedZone("", -(3*3600+30*60))),
	} {
		got, err := pdf.ParseDate(pdf.Date(at))
		if err != nil || !got.Equal(at) {
			t.Errorf("ParseDate(%s) = %v, %v; want %v", pdf.Date(at), got, err, at)
		}
	}
	for _, tt := range []struct {
		in   pdf.String
		want string // RFC 3339, empty when malformed
	}{
		{"D:20260817100059+07'00'", "2026-08-17T10:00:59+07:00"},
		{"D:20260817100059+07'00", "2026-08-17T10:00:59+07:00"},
		{"D:20260817100059Z", "2026-08-17T10:00:59Z"},
		{"D:20260817100059Z00'00'", "2026-08-17T10:00:59Z"},
		{"20260817", "2026-08-17T00:00:00Z"},
		{"D:2026", "2026-01-01T00:00:00Z"},
		{"D:202608171000-0330", "2026-08-17T10:00:00-03:30"},
		{"\xfe\xff\x00D\x00:\x002\x000\x002\x006", "2026-01-01T00:00:00Z"},
		{"", ""}, {"D:", ""}, {"D:20261301", ""}, {"D:20260230", ""}, {"yesterday", ""}, {"D:202", ""},
		{"D:20260817250000", ""}, {"D:20260817100059+7", ""}, {"D:20260817100059+07'00'x", ""},
	} {
		got, err := pdf.ParseDate(tt.in)
		if tt.want == "" {
			if ruleOf(err) != "date" {
				t.Errorf("ParseDate(%q) = %v, %v; want an error", tt.in, got, err)
			}
		} else if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("ParseDate(%q) = %v, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}
