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
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := pdf.Open(bytes.NewReader(c.file), int64(len(c.file)), pdf.Options{Password: []byte(c.password)})
			got, ok := errors.AsType[*pdf.PasswordError](err)
			if !ok || *got != c.want || !errors.Is(err, pdf.ErrPassword) {
				t.Errorf("got %v, want %+v", err, c.want)
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
