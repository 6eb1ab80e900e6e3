package main

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// TestGatewayWrapped: a letter whose genuine signature covers the bytes that it was
// made for, while readers show others between them ("signature wrapping", Mladenov
// et al. 2019), has nothing said in its favour.
func TestGatewayWrapped(t *testing.T) {
	f := newOffice(t, officeOptions{yaml: casesConfig})
	ani := f.staffDesk(t, "ani", "investigator")
	document := f.register(t, "e-office")
	a := f.sign(t, "e-office", letter(), f.by("sekda").with(fields{"document": document})).ok(t, http.StatusOK)
	forged := wrapped(t, a.body)
	if got := f.send(t, "", "/v1/verify", forged, nil, nil).ok(t, http.StatusOK).json(t); got["verdict"] != "TOTAL-FAILED" {
		t.Fatalf("verdict: got %v", got["verdict"])
	}
	id, _ := f.complain(t, ani, map[string]string{"kind": "authenticity", "text": "x", "contact": "x", "document-id": document}, forged)
	page := ani.says(t, id, a.header.Get("Absah-Operation"), "tidak dapat dipastikan", "Tanda tangan di dalam berkas, atau salah satunya, tidak sah")
	for _, no := range []string{"dilingkupi tanda tangan itu tidak berubah", "yang dilingkupinya tidak berubah"} {
		if strings.Contains(page, no) {
			t.Errorf("the case says %q", no)
		}
	}
	if t.Failed() {
		t.Log(statements(page))
	}
}

// wrapped puts a second signature dictionary and another page between the two
// parts that a signature covers, so that the dictionary in force covers the parts
// where they are now.
func wrapped(t testing.TB, b []byte) []byte {
	t.Helper()
	gap := regexp.MustCompile(`/Contents\s*(<[0-9A-Fa-f]{1000,}>)`).FindSubmatchIndex(b)
	if gap == nil {
		t.Fatal("there is no signature")
	}
	from, to := gap[2], gap[3]
	// Where the last cross-reference table was must be one again.
	m := regexp.MustCompile(`startxref\s+(\d+)\s+%%EOF\s*$`).FindSubmatch(b)
	table, _ := strconv.Atoi(string(m[1]))
	head, trailer, _ := strings.Cut(string(b[table:]), "trailer")
	dictionary := regexp.MustCompile(`(\d+) 0 obj\s*<<[^\n]*?/ByteRange\s*\[[^\]]*\]`).FindAllSubmatchIndex(b[:to], -1)
	if len(dictionary) == 0 || to > table {
		t.Fatal("the signature is written in another way than this knows")
	}
	at := dictionary[len(dictionary)-1]
	signature, _ := strconv.Atoi(string(b[at[2]:at[3]]))
	close := bytes.Index(b[to:], []byte("endobj"))
	body := string(b[at[0]:from]) + string(b[from:to]) + string(b[to:to+close]) + "endobj\n"
	body = regexp.MustCompile(`/ByteRange\s*\[[^\]]*\]`).ReplaceAllString(body, "/ByteRange [0 %d %010d %d]")

	doc, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := doc.Latest().Page(0)
	if err != nil {
		t.Fatal(err)
	}
	painted, ok := first["Contents"].(pdf.Ref)
	if !ok {
		t.Fatal("the page has no stream of its own")
	}
	other := "BT /F1 24 Tf 72 400 Td (Surat lain) Tj ET"
	stream := fmt.Sprintf("%d 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n", painted.Num, len(other), other)

	make := func(moved int) string { // the table and what follows it, when the second part begins at moved
		var entries strings.Builder
		number, left := 0, 0
		for line := range strings.Lines(strings.TrimPrefix(head, "xref\n")) {
			var offset, generation int
			var kind string
			if left == 0 {
				if _, err := fmt.Sscanf(line, "%d %d", &number, &left); err != nil {
					break
				}
				continue
			}
			if n, _ := fmt.Sscanf(line, "%d %d %1s", &offset, &generation, &kind); n == 3 && kind == "n" && number != signature && number != int(painted.Num) {
				if offset >= to {
					offset += moved - to
				}
				fmt.Fprintf(&entries, "%d 1\n%010d %05d n \n", number, offset, generation)
			}
			number, left = number+1, left-1
		}
		dict, _, _ := strings.Cut(trailer, "startxref")
		size := 0
		for { // the offsets of the two objects depend on the length of what is before them
			own := fmt.Sprintf("xref\n%s%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \ntrailer%s\n", entries.String(), signature, table+size, painted.Num, table+size, dict)
			if len(own) == size {
				sig := fmt.Sprintf(body, from, moved, len(b)-to)
				own = fmt.Sprintf("xref\n%s%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \ntrailer%s\n", entries.String(), signature, table+size, painted.Num, table+size+len(sig), dict)
				return own + sig + stream
			}
			size = len(own)
		}
	}
	moved := table + len(make(table))
	out := append(bytes.Clone(b[:to]), bytes.Repeat([]byte(" "), table-to)...)
	out = append(out, make(moved)...)
	if len(out) != moved {
		t.Fatalf("the second part begins at %d, not at %d", len(out), moved)
	}
	return append(out, b[to:]...)
}
