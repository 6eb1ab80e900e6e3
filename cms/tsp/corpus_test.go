package tsp_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/internal/testfile"
)

// contents returns the hexadecimal /Contents of a PDF, found without parsing.
func contents(pdf []byte) (found [][]byte) {
	for {
		_, after, ok := bytes.Cut(pdf, []byte("/Contents"))
		if !ok {
			return found
		}
		pdf = after
		text, ok := bytes.CutPrefix(bytes.TrimLeft(after, " \r\n\t"), []byte("<"))
		if !ok {
			continue
		}
		text, _, _ = bytes.Cut(text, []byte(">"))
		text = bytes.Join(bytes.Fields(text), nil)
		b := make([]byte, len(text)/2)
		if _, err := hex.Decode(b, text[:len(text)&^1]); err == nil {
			found = append(found, b)
		}
	}
}

// TestCorpus parses every token in the third-party PDFs, document time-stamps
// and signature time-stamps, and checks the latter against the value they are
// over.
func TestCorpus(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(testfile.Corpus(t, "pdf"), "*.pdf"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no PDF in the corpus: %v", err)
	}
	var document, signature, good int
	for _, name := range names {
		pdf, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, padded := range contents(pdf) {
			der, _, err := cms.Cut(padded)
			if err != nil {
				continue
			}
			sd, err := cms.Parse(der)
			if err != nil {
				continue
			}
			if sd.ContentType.Equal(cms.OIDTSTInfo) {
				document++
				if _, err := tsp.ParseToken(der); err != nil {
					t.Errorf("%s: document time-stamp: %v", filepath.Base(name), err)
				}
			}
			for _, si := range sd.SignerInfos {
				for _, raw := range si.SignatureTimestamps() {
					signature++
					if judge(t, filepath.Base(name), si.Value, raw) {
						good++
					}
				}
			}
		}
	}
	t.Logf("%d files: %d document time-stamps, %d signature time-stamps of which %d hold", len(names), document, signature, good)
	if document+signature > 0 && good == 0 {
		t.Error("no signature time-stamp holds")
	}
}

func judge(t *testing.T, name string, value, raw []byte) bool {
	tok, err := tsp.ParseToken(raw)
	if err != nil {
		t.Errorf("%s: signature time-stamp: %v", name, err)
		return false
	}
	if !tok.Hash.Available() {
		return false
	}
	h := tok.Hash.New()
	h.Write(value)
	err = tok.Verify(tok.Hash, h.Sum(nil))
	var unparsable *cms.UnparsableCertificateError
	if err != nil && !errors.As(err, &unparsable) {
		t.Logf("%s: %v", name, err)
	}
	return err == nil
}
