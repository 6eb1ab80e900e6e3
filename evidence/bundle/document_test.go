package bundle_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
)

// TestDocumentInHand: a bundle without the document is held against the one that
// somebody has, in Verify and in the script alike.
func TestDocumentInHand(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	released, err := io.ReadAll(io.NewSectionReader(in.Document, 0, in.DocumentSize))
	if err != nil {
		t.Fatal(err)
	}
	ranges := in.ByteRange
	in.Document, in.ByteRange = nil, [4]int64{}
	b := write(t, in)
	dir := unzip(t, b).unpack(t)
	keys := keyFile(t, w.keys...)
	for name, tt := range map[string]struct {
		change func([]byte) []byte
		failed []string
	}{
		"released":        {func(d []byte) []byte { return d }, nil},
		"changed":         {func(d []byte) []byte { d[20] ^= 1; return d }, []string{"document", "document-time"}},
		"padding changed": {func(d []byte) []byte { d[ranges[2]-2] ^= 1; return d }, []string{"document", "document-time"}},
		"signed again":    {func(d []byte) []byte { return append(d, "\n%more\n"...) }, []string{"document"}},
		"cut off":         {func(d []byte) []byte { return d[:len(d)-1] }, []string{"document", "document-time"}},
		"not signed":      {func(d []byte) []byte { return d[:ranges[1]] }, []string{"document", "document-time"}},
		"empty":           {func([]byte) []byte { return nil }, []string{"document", "document-time"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := tt.change(bytes.Clone(released))
			o := w.options()
			o.Document, o.DocumentSize = bytes.NewReader(held), int64(len(held))
			r := verify(t, b, o)
			got := r.Failed()
			slices.Sort(got)
			if !slices.Equal(got, tt.failed) {
				t.Errorf("failed %v, want %v", got, tt.failed)
			}
			file := filepath.Join(t.TempDir(), "naskah dinas.pdf")
			if err := os.WriteFile(file, held, 0o600); err != nil {
				t.Fatal(err)
			}
			_, states, out := script(t, path, dir, nil, "-k", keys, "-t", w.anchor, "-d", file)
			compare(t, r, states, out)
		})
	}
}

// stampedText is a text with a timestamp over it in the form that a PDF has: the
// token in hexadecimal in the gap of a ByteRange.
type stampedText struct {
	before, name string                     // what comes before the range, and how it is written
	gap          func(token string) string  // what stands in the gap; nil for the token
	ranges       func(a, b, c int64) string // nil for "0 a b c"
	after        string
}

// make returns the text and the token over it.
func (s stampedText) make(t *testing.T, w *world) (text, token []byte) {
	t.Helper()
	const gap, numbers = 16 << 10, 40
	if s.ranges == nil {
		s.ranges = func(a, b, c int64) string { return fmt.Sprintf("0 %d %d %d", a, b, c) }
	}
	if s.gap == nil {
		s.gap = func(token string) string { return "<" + token + strings.Repeat("0", gap-2-len(token)) + ">" }
	}
	head := func(r string) string { return fmt.Sprintf("%s%s[%-*s]/Contents", s.before, s.name, numbers, r) }
	a := int64(len(head("")))
	top := head(s.ranges(a, a+gap, int64(len(s.after))))
	digest := sha256.Sum256([]byte(top + s.after))
	token, err := w.tsa.Timestamp(t.Context(), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return []byte(top + s.gap(hex.EncodeToString(token)) + s.after), token
}

// TestDocumentTimestamp: the timestamp of a document is found wherever it stands in
// it, and counts for nothing when it stands in another way than a PDF has it.
func TestDocumentTimestamp(t *testing.T) {
	path := tools(t)
	w := newWorld(t)
	keys := keyFile(t, w.keys...)
	const gap = 16 << 10
	type test struct {
		text  stampedText
		holds bool
	}
	tests := map[string]test{
		"plain":            {stampedText{name: "/ByteRange ", after: " end"}, true},
		"no space":         {stampedText{name: "/ByteRange", after: " end"}, true},
		"white space":      {stampedText{name: "/ByteRange \x00\t\n", after: " end"}, true},
		"decoys before it": {stampedText{before: "/ByteRange [0 0 0 0] /ByteRange [0 1 2] /ByteRange [0 5 9 4] ", name: "/ByteRange ", after: " end"}, true},
		"capitals": {stampedText{name: "/ByteRange ", after: " end", gap: func(token string) string {
			return "<" + strings.ToUpper(token) + strings.Repeat("0", gap-2-len(token)) + ">"
		}}, true},
		"nothing behind it": {stampedText{name: "/ByteRange "}, false},
		"another token": {stampedText{name: "/ByteRange ", after: " end", gap: func(token string) string {
			return "<" + token[:100] + strings.Repeat("0", gap-102) + ">"
		}}, false},
		"words in the padding": {stampedText{name: "/ByteRange ", after: " end", gap: func(token string) string {
			return "<" + token + strings.Repeat("0", gap-4-len(token)) + "1>"
		}}, false},
		"no string": {stampedText{name: "/ByteRange ", after: " end", gap: func(token string) string {
			return "(" + token + strings.Repeat("0", gap-2-len(token)) + ")"
		}}, false},
		"not from the beginning": {stampedText{name: "/ByteRange ", after: " end", ranges: func(a, b, c int64) string {
			return fmt.Sprintf("1 %d %d %d", a-1, b, c)
		}}, false},
		"beyond the end": {stampedText{name: "/ByteRange ", after: " end", ranges: func(a, b, c int64) string {
			return fmt.Sprintf("0 %d %d %d", a, b, c+1)
		}}, false},
		"negative":     {stampedText{name: "/ByteRange ", after: " end", ranges: func(a, b, c int64) string { return fmt.Sprintf("0 %d %d -%d", a, b, c) }}, false},
		"no numbers":   {stampedText{name: "/ByteRange ", after: " end", ranges: func(int64, int64, int64) string { return "a b c d" }}, false},
		"no ByteRange": {stampedText{name: "/Range ", after: " end"}, false},
	}
	for _, n := range []int{-300, -257, -256, -255, -100, -60, -30, -12, -1, 0} {
		tests[fmt.Sprintf("%d bytes about a megabyte", n)] = test{stampedText{before: strings.Repeat("x", 1<<20+n), name: "/ByteRange ", after: " end"}, true}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, token := tt.text.make(t, w)
			in := w.timestamped(t, text, token)
			b := write(t, in)
			t.Parallel() // the log is written by one after the other
			r := verify(t, b, w.options())
			if tt.holds != (stateOf(r, "document-time") == bundle.Holds) || !tt.holds && !slices.Equal(r.Failed(), []string{"document-time"}) {
				t.Errorf("got %s, failed %v; want that it holds: %v", r.Verdict, r.Failed(), tt.holds)
			}
			if len(text) > 1<<20 && !strings.HasPrefix(name, "-60") {
				return // the script is slow, and reads without blocks
			}
			_, states, out := script(t, path, unzip(t, b).unpack(t), nil, "-k", keys, "-t", w.anchor)
			compare(t, r, states, out)
		})
	}
}

// timestamped records an operation that put a timestamp into a document.
func (w *world) timestamped(t *testing.T, text, token []byte) bundle.Input {
	t.Helper()
	id := fmt.Sprintf("0193f2a4-7c1e-7d3a-9b5c-%x", sha256.Sum256(text))[:36]
	e, _, err := w.log.NewEntry(evidence.Record{
		Organisation: "Kabupaten Contoh", Operation: id, Phase: evidence.PhaseOutcome, Kind: "timestamp", Time: time.Now(),
		Result: evidence.Result{Status: evidence.StatusOK}, Subject: evidence.Subject{OutputSHA256: digest(text), OutputSize: int64(len(text))},
		Artefacts: []evidence.Artefact{{Kind: "timestamp", SHA256: digest(token), Size: int64(len(token))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.integrate(t)
	proofs, err := w.log.Prove(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := pki.Chain(w.lab.TSA(), []*x509.Certificate{w.lab.Issuing()}, w.lab.Anchors(), time.Now(), pki.Timestamping)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := pki.Collect(t.Context(), chain, w.source, time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ev.Certificates = append(ev.Certificates, chain...)
	return bundle.Input{
		Origin: origin, Keys: w.keys, Proofs: proofs, Timestamps: [][]byte{token}, Evidence: ev, Anchors: w.lab.Anchors(), TSAs: w.lab.Anchors(),
		Document: bytes.NewReader(text), DocumentSize: int64(len(text)),
	}
}

// FuzzDocument holds arbitrary bytes against a record: only the document that was
// released is the one that was released.
func FuzzDocument(f *testing.F) {
	w := newWorld(f)
	in := w.sign(f, testkey.P256(f), signer.LTA, false)
	released, err := io.ReadAll(io.NewSectionReader(in.Document, 0, in.DocumentSize))
	if err != nil {
		f.Fatal(err)
	}
	in.Document, in.ByteRange = nil, [4]int64{}
	b := write(f, in)
	f.Add(released[:2048])
	f.Add([]byte("/ByteRange[0 10 20 30]/ByteRange [ 0\x0012 99999999999999999999 1 ] /ByteRange[0 0 0 0]<>"))
	f.Add([]byte("/ByteRange [0 9223372036854775807 9223372036854775807 9223372036854775807]"))
	f.Fuzz(func(t *testing.T, held []byte) {
		o := w.options()
		o.Document, o.DocumentSize = bytes.NewReader(held), int64(len(held))
		r, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != bundle.Fails && !bytes.Equal(held, released) {
			t.Errorf("%s with %d bytes that were never released", r.Verdict, len(held))
		}
	})
}
