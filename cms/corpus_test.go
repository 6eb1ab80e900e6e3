package cms_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/internal/testfile"
)

var byteRangePattern = regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]`)

// embedded is a SignedData found in a PDF, with the padding after it, and the
// bytes its ByteRange covers (nil when that was not found).
type embedded struct {
	padded, signed []byte
}

// scanPDF finds hexadecimal /Contents without parsing the file. Encrypted
// files and object streams hide theirs from it, which is well for this test.
func scanPDF(pdf []byte) (found []embedded) {
	var ranges [][4]int
	for at := range occurrences(pdf, "/ByteRange") {
		if r := byteRangePattern.FindSubmatch(pdf[at:min(at+200, len(pdf))]); r != nil {
			var n [4]int
			for i := range n {
				n[i], _ = strconv.Atoi(string(r[i+1]))
			}
			ranges = append(ranges, n)
		}
	}
	for at := range occurrences(pdf, "/Contents") {
		open := bytes.IndexByte(pdf[at:], '<')
		if open < 0 || len(bytes.TrimSpace(pdf[at+len("/Contents"):at+open])) > 0 {
			continue
		}
		open += at
		end := bytes.IndexByte(pdf[open:], '>')
		if end < 0 {
			continue
		}
		end += open
		text := bytes.Join(bytes.Fields(pdf[open+1:end]), nil)
		padded := make([]byte, len(text)/2)
		if _, err := hex.Decode(padded, text[:len(text)&^1]); err != nil || len(padded) < 100 || padded[0] != 0x30 {
			continue
		}
		e := embedded{padded: padded}
		for _, n := range ranges {
			if n[0] == 0 && n[1] == open && n[2] == end+1 && n[2]+n[3] <= len(pdf) {
				e.signed = slices.Concat(pdf[:n[1]], pdf[n[2]:n[2]+n[3]])
			}
		}
		found = append(found, e)
	}
	return found
}

// occurrences yields where text stands in b.
func occurrences(b []byte, text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; from++ {
			i := bytes.Index(b[from:], []byte(text))
			if i < 0 || !yield(from+i) {
				return
			}
			from += i
		}
	}
}

func corpusSignatures(tb testing.TB) map[string][]embedded {
	names, err := filepath.Glob(filepath.Join(testfile.Corpus(tb, "pdf"), "*.pdf"))
	if err != nil || len(names) == 0 {
		tb.Fatalf("no PDF in the corpus: %v", err)
	}
	all := map[string][]embedded{}
	for _, name := range names {
		pdf, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if found := scanPDF(pdf); len(found) > 0 {
			all[filepath.Base(name)] = found
		}
	}
	return all
}

// unreadable lists what in the corpus is not SignedData, and why that is right.
var unreadable = map[string]string{
	"testarea-pdfbox2__siwa_B.pdf": "the attack shortens /Contents",
	"testarea-pdfbox2__siwa_C.pdf": "the attack shortens /Contents",
	"testarea-pdfbox2__siwa_D.pdf": "the attack shortens /Contents",
}

// TestCorpus parses every SignedData of the third-party PDFs and checks those
// whose ByteRange can be found. Files made broken on purpose are in it, so only
// parsing is held to a bar.
func TestCorpus(t *testing.T) {
	files := corpusSignatures(t)
	parsed, notDER, unparsableCerts, outcomes := 0, 0, 0, map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for i, e := range files[name] {
			der, rest, err := cms.Cut(e.padded)
			if err == nil && len(bytes.Trim(rest, "\x00")) > 0 {
				outcomes["non-zero padding"]++
			}
			var sd *cms.SignedData
			if err == nil {
				sd, err = cms.Parse(der)
			}
			if err != nil {
				if unreadable[name] == "" {
					t.Errorf("%s, signature %d: %v", name, i, err)
				}
				continue
			}
			parsed++
			if !sd.DER {
				notDER++
			}
			for _, err := range sd.CertificateErrors() {
				if err != nil {
					unparsableCerts++
				}
			}
			outcome := judge(sd, e.signed)
			outcomes[outcome]++
			if testing.Verbose() && outcome != "verified" && outcome != "no ByteRange" {
				t.Logf("%s, signature %d: %s", name, i, outcome)
			}
		}
	}
	t.Logf("%d files, %d SignedData parsed, %d not DER, %d certificates that Go refuses", len(files), parsed, notDER, unparsableCerts)
	for _, k := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%5d %s", outcomes[k], k)
	}
}

// judge returns in words what Check finds.
func judge(sd *cms.SignedData, signed []byte) string {
	if len(sd.SignerInfos) == 0 {
		return "no signer"
	}
	si := sd.SignerInfos[0]
	cert, err := sd.Signer(si)
	if err != nil {
		var u *cms.UnparsableCertificateError
		if errors.As(err, &u) {
			return "signer certificate unparsable: " + u.Err.Error() + ": " + outcome(sd, u.Partial, signed)
		}
		return "signer: " + err.Error()
	}
	return outcome(sd, cert, signed)
}

func outcome(sd *cms.SignedData, cert *x509.Certificate, signed []byte) string {
	si := sd.SignerInfos[0]
	var r *cms.Result
	switch {
	case sd.Content != nil:
		r = sd.Check(si, cert)
	case signed == nil:
		return "no ByteRange"
	case !si.DigestAlgorithm.Available():
		r = si.Check(cert, nil)
	default:
		h := si.DigestAlgorithm.New()
		h.Write(signed)
		r = si.Check(cert, h.Sum(nil))
	}
	if err := r.Err(); err != nil {
		return fmt.Sprintf("%v (intact %v)", err, r.Intact())
	}
	if len(r.Warnings) > 0 {
		return "verified with " + string(r.Warnings[0].Rule)
	}
	return "verified"
}
