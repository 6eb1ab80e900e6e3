package pdf_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// TestEveryRuleHasWords: whoever reads an error should not have to look its
// rule up in the source.
func TestEveryRuleHasWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	bare := regexp.MustCompile(`(?:Rule: |fail\([^"\n]*, |ended\()"([a-z0-9-]+)"[})]`)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range bare.FindAllStringSubmatch(string(src), -1) {
			seen++
			e := pdf.MalformedError{Offset: 7, Rule: m[1]}
			if got, least := e.Error(), "malformed PDF at byte 7: "+m[1]; !strings.HasPrefix(got, least+": ") {
				t.Errorf("%s: %q has no words", name, got)
			}
		}
	}
	if seen < 40 {
		t.Errorf("found %d rules in the source, want 40 at least", seen)
	}
}

// TestEveryAnomalyHasWords, with the place where it was found.
func TestEveryAnomalyHasWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	noted := regexp.MustCompile(`(?:note\([^"\n]*, |flaw[A-Z]\w+, |tolerable\([^"\n]*, |rule :?= )"([a-z0-9-]+)"`)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range noted.FindAllStringSubmatch(string(src), -1) {
			seen++
			got := pdf.Anomaly{Revision: 2, Offset: 7, Rule: m[1]}.String()
			if words, ok := strings.CutSuffix(got, " (revision 2, at byte 7)"); !ok || words == m[1] {
				t.Errorf("%s: %s is %q: no words", name, m[1], got)
			}
		}
	}
	if seen < 50 {
		t.Errorf("found %d anomalies in the source, want 50 at least", seen)
	}
	for _, c := range []struct {
		anomaly pdf.Anomaly
		want    string
	}{
		{pdf.Anomaly{Offset: 7, Rule: "junk-after-eof"}, "other data follow the end of the document (at byte 7)"},
		{pdf.Anomaly{Revision: 1, Offset: -1, Rule: "prev-zero"}, "/Prev is 0 (revision 1)"},
		{pdf.Anomaly{Offset: -1, Rule: "prev-zero"}, "/Prev is 0"},
	} {
		if got := c.anomaly.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestPasswordErrors(t *testing.T) {
	dict := cryptVectors[0].dict(t)
	locked := encryptedFile(t, dict)
	entry := "/ID[<" + vectorID + "><" + vectorID + ">]/Encrypt "
	body := func() *builder {
		b := newBuilder("%PDF-1.5\n")
		b.body()
		return b
	}
	byRef, inStream := body(), body()
	byRef.obj(40, string(pdf.Format(nil, dict)))
	byRef.table(entry + "40 0 R")
	inStream.xrefStream(40, entry+string(pdf.Format(nil, dict)), nil)
	dict["Filter"] = pdf.Name("Adobe.PubSec")
	recipients := encryptedFile(t, dict)
	for _, c := range []struct {
		name     string
		file     []byte
		password string
		want     pdf.PasswordError
	}{
		{"missing", locked, "", pdf.PasswordError{}},
		{"wrong", locked, "salah", pdf.PasswordError{Wrong: true}},
		{"recipients", recipients, "salah", pdf.PasswordError{Recipients: true}},
		{"object", byRef.Bytes(), "", pdf.PasswordError{}},
		{"cross-reference stream", inStream.Bytes(), "", pdf.PasswordError{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := "/Encrypt"
			if c.name == "object" {
				at = "40 0 obj"
			}
			c.want.Offset = int64(bytes.Index(c.file, []byte(at)))
			_, err := pdf.Open(bytes.NewReader(c.file), int64(len(c.file)), pdf.Options{Password: []byte(c.password)})
			got, ok := errors.AsType[*pdf.PasswordError](err)
			if !ok || *got != c.want || !errors.Is(err, pdf.ErrPassword) {
				t.Errorf("got %v, want %+v", err, c.want)
			}
		})
	}
}

// TestPlaces: the offset of an error is in the file, where the fault stands,
// and the words say what is wrong there.
func TestPlaces(t *testing.T) {
	table := func() *builder {
		b := newBuilder("%PDF-1.4\n")
		b.body()
		return b
	}
	outside, broad, update, inStream := table(), table(), table(), table()
	outside.offs[1] = 9999999
	outside.table("")
	broad.offs[1] = 9999999
	broad.table("")
	wide := bytes.Replace(broad.Bytes(), []byte("0009999999 00000 n \n"), []byte("0009999999  00000 n \n"), 1)
	update.table("")
	update.obj(1, "<</Type/Catalog/Pages 2 0 R>>")
	update.offs[1] = 8888888
	update.table("")
	inStream.offs[1] = 9999999
	inStream.xrefStream(40, "", nil)
	large := func(b []byte, head string) []byte { return bytes.Replace(b, []byte("xref\n0 1\n"), []byte(head), 1) }
	good := table()
	good.table("")
	for _, c := range []struct {
		name string
		file []byte
		at   string // the error stands where this begins
		want string
	}{
		{"entry", outside.Bytes(), "0009999999", "object-offset: the entry of object 1 0 points to byte 9999999, and the file has "},
		{"entry of an update", update.Bytes(), "0008888888", "object-offset: the entry of object 1 0 points to byte 8888888, "},
		{"entry of another form", wide, "xref\n", "object-offset: the entry of object 1 0 points to byte 9999999, "},
		{"entry in a stream", inStream.Bytes(), "40 0 obj", "object-offset: the entry of object 1 0 points to byte 9999999, "},
		{"count", large(good.Bytes(), "xref\n0 2147483648\n"), "2147483648", "xref-subsection: the count of a subsection is \"2147483648\", but no object has a number above 8388607"},
		{"first", large(good.Bytes(), "xref\n99999999999999999999 1\n"), "99999999999999999999", "xref-subsection: the first object of a subsection is \"99999999999999999999\", but "},
		{"sum", large(good.Bytes(), "xref\n8388607 2\n"), "\n8388607 2", "xref-subsection: 2 entries from object 8388607 on, but "},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := pdf.Open(bytes.NewReader(c.file), int64(len(c.file)), pdf.Options{})
			if err == nil {
				_, err = d.Latest().Catalog()
			}
			m, ok := errors.AsType[*pdf.MalformedError](err)
			if at := int64(bytes.Index(c.file, []byte(c.at))); !ok || m.Offset != at || !strings.Contains(err.Error(), ": "+c.want) {
				t.Errorf("got %v, want %q at byte %d", err, c.want, at)
			}
		})
	}
}

// encryptedFile is one page that an encryption dictionary says is encrypted.
func encryptedFile(t *testing.T, encrypt pdf.Dict) []byte {
	t.Helper()
	b := newBuilder("%PDF-1.4\n")
	b.body()
	b.table("/ID[<" + vectorID + "><" + vectorID + ">]/Encrypt " + string(pdf.Format(nil, encrypt)))
	return b.Bytes()
}
